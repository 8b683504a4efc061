// SPDX-License-Identifier: GPL-2.0-only
/*
 * The in-kernel rows of fences and of what contains fences. To add one, write
 * its operation and give it an entry in rows[] at the end.
 */
#include <linux/dma-fence-array.h>
#include <linux/dma-fence-chain.h>
#include <linux/dma-fence-unwrap.h>
#include <linux/dma-fence.h>
#include <linux/err.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "bench.h"

#define CHAIN_LINKS		1000
#define ARRAY_FENCES		256

/* What rows work on */

static int setup_signaled(struct bench *bench)
{
	int ret = bench_make_fences(bench);

	bench_signal_fences(bench);
	return ret;
}

/* Who waits for any of them has all others to look at first. */
static int setup_last_signaled(struct bench *bench)
{
	int ret = bench_make_fences(bench);

	if (ret)
		return ret;
	return dma_fence_signal(bench->fences[bench->fence_count - 1]);
}

static int setup_same_context(struct bench *bench)
{
	u64 context = dma_fence_context_alloc(1);

	for (unsigned int i = 0; i < ARRAY_SIZE(bench->others); i++) {
		bench->others[i] = bench_fence(context, i + 1);
		if (!bench->others[i])
			return -ENOMEM;
	}
	return 0;
}

/* An array of its own references to every @step-th of @fences from @first on. */
static struct dma_fence *array_of(struct dma_fence **fences, unsigned int count,
				  unsigned int first, unsigned int step)
{
	struct dma_fence **members;
	struct dma_fence_array *array;

	members = kmalloc_array(count, sizeof(*members), GFP_KERNEL);
	if (!members)
		return NULL;
	for (unsigned int i = 0; i < count; i++)
		members[i] = dma_fence_get(fences[first + i * step]);
	array = dma_fence_array_create(count, members,
				       dma_fence_context_alloc(1), 1, false);
	if (array)
		return &array->base;
	for (unsigned int i = 0; i < count; i++)
		dma_fence_put(members[i]);
	kfree(members);
	return NULL;
}

/* Each sorted by context, with the contexts of the other one between its own. */
static int setup_two_arrays(struct bench *bench)
{
	unsigned int half = bench->row->size / 2;
	int ret = bench_make_fences(bench);

	for (unsigned int i = 0; !ret && i < 2; i++) {
		bench->others[i] = array_of(bench->fences, half, i, 2);
		if (!bench->others[i])
			ret = -ENOMEM;
	}
	return ret;
}

/* Takes over the reference to @prev, also when there is no memory. */
static struct dma_fence *add_link(struct dma_fence *prev,
				  struct dma_fence *fence, u64 seqno)
{
	struct dma_fence_chain *link = dma_fence_chain_alloc();

	if (!link) {
		dma_fence_put(prev);
		return NULL;
	}
	dma_fence_chain_init(link, prev, dma_fence_get(fence), seqno);
	return &link->base;
}

/* Link N, from 1, is of seqno N. */
static struct dma_fence *chain_of(struct dma_fence **fences, unsigned int count)
{
	struct dma_fence *last = NULL;

	for (unsigned int i = 0; i < count; i++) {
		last = add_link(last, fences[i], i + 1);
		if (!last)
			break;
	}
	return last;
}

static int setup_chain(struct bench *bench)
{
	int ret = bench_make_fences(bench);

	if (ret)
		return ret;
	bench->others[0] = chain_of(bench->fences, bench->fence_count);
	return bench->others[0] ? 0 : -ENOMEM;
}

/*
 * What the last batch has left over goes first: @fences keep the members alive
 * till then, so that freeing them is no part of what is timed.
 */
static int prepare_arrays(struct bench *bench, unsigned int count)
{
	unsigned int size = bench->row->size;

	bench_drop_fences(bench);
	bench->ready = kvcalloc(count, sizeof(*bench->ready), GFP_KERNEL);
	if (!bench->ready || bench_make_fences_for(bench, count))
		return -ENOMEM;
	while (bench->ready_count < count) {
		unsigned int first = bench->ready_count * size;
		struct dma_fence *array = array_of(bench->fences, size,
						   first, 1);

		if (!array)
			return -ENOMEM;
		bench->ready[bench->ready_count++] = array;
	}
	return 0;
}

/* Operations */

static void called_back(struct dma_fence *fence, struct dma_fence_cb *cb)
{
}

static int op_life(struct bench *bench)
{
	struct dma_fence *fence = bench_fence(1, 1);

	if (!fence)
		return -ENOMEM;
	dma_fence_signal(fence);
	dma_fence_put(fence);
	return 0;
}

static int op_life_callback(struct bench *bench)
{
	struct dma_fence *fence = bench_fence(1, 1);
	struct dma_fence_cb cb;
	int ret;

	if (!fence)
		return -ENOMEM;
	ret = dma_fence_add_callback(fence, &cb, called_back);
	dma_fence_signal(fence);
	dma_fence_put(fence);
	return ret;
}

static int op_get_put(struct bench *bench)
{
	dma_fence_put(dma_fence_get(bench->fences[0]));
	return 0;
}

static int op_stub(struct bench *bench)
{
	dma_fence_put(dma_fence_get_stub());
	return 0;
}

static int op_context(struct bench *bench)
{
	return dma_fence_context_alloc(1) ? 0 : -EINVAL;
}

static int op_is_signaled(struct bench *bench)
{
	bool signaled = dma_fence_is_signaled(bench->fences[0]);

	OPTIMIZER_HIDE_VAR(signaled);
	return 0;
}

static int op_add_remove_callback(struct bench *bench)
{
	struct dma_fence_cb cb;
	int ret = dma_fence_add_callback(bench->fences[0], &cb, called_back);

	if (ret)
		return ret;
	return dma_fence_remove_callback(bench->fences[0], &cb) ? 0 : -EINVAL;
}

static int op_add_callback_signaled(struct bench *bench)
{
	struct dma_fence_cb cb;
	int ret = dma_fence_add_callback(bench->fences[0], &cb, called_back);

	return ret == -ENOENT ? 0 : -EINVAL;
}

static int op_wait(struct bench *bench)
{
	return dma_fence_wait(bench->fences[0], false);
}

static int op_wait_any(struct bench *bench)
{
	unsigned int last = bench->fence_count - 1;
	u32 index;
	long ret;

	ret = dma_fence_wait_any_timeout(bench->fences, bench->fence_count,
					 false, MAX_SCHEDULE_TIMEOUT, &index);
	if (ret < 0)
		return ret;
	return index == last ? 0 : -EINVAL;
}

static int op_merge(struct bench *bench)
{
	struct dma_fence *merged;

	merged = dma_fence_unwrap_merge(bench->others[0], bench->others[1]);
	if (!merged)
		return -ENOMEM;
	dma_fence_put(merged);
	return 0;
}

static int op_merge_plain(struct bench *bench)
{
	struct dma_fence *merged;

	merged = dma_fence_unwrap_merge(bench->fences[0], bench->fences[1]);
	if (!merged)
		return -ENOMEM;
	dma_fence_put(merged);
	return 0;
}

static int op_unwrap(struct bench *bench)
{
	struct dma_fence_unwrap cursor;
	struct dma_fence *fence;
	unsigned int count = 0;

	dma_fence_unwrap_for_each(fence, &cursor, bench->others[0])
		count++;
	return count == bench->row->size / 2 ? 0 : -EINVAL;
}

static int find_seqno(struct bench *bench, u64 seqno)
{
	struct dma_fence *fence = dma_fence_get(bench->others[0]);
	int ret = dma_fence_chain_find_seqno(&fence, seqno);

	dma_fence_put(fence);
	return ret;
}

static int op_find_middle(struct bench *bench)
{
	return find_seqno(bench, bench->row->size / 2);
}

static int op_find_last(struct bench *bench)
{
	return find_seqno(bench, bench->row->size);
}

static int op_walk(struct bench *bench)
{
	struct dma_fence *link;
	unsigned int count = 0;

	dma_fence_chain_for_each(link, bench->others[0])
		count++;
	return count == bench->row->size ? 0 : -EINVAL;
}

static int op_chain_life(struct bench *bench)
{
	struct dma_fence *chain = chain_of(bench->fences, bench->fence_count);

	if (!chain)
		return -ENOMEM;
	dma_fence_put(chain);
	return 0;
}

static int op_array_life(struct bench *bench)
{
	struct dma_fence *array;

	array = array_of(bench->fences, bench->fence_count, 0, 1);
	if (!array)
		return -ENOMEM;
	dma_fence_put(array);
	return 0;
}

/* Arms an array, signals its members and frees it; the members stay. */
static int op_array_signal(struct bench *bench)
{
	struct dma_fence_array *array;
	struct dma_fence_cb cb;
	struct dma_fence *fence;
	int ret;

	if (!bench->ready_count)
		return -EINVAL;
	fence = bench->ready[--bench->ready_count];
	array = to_dma_fence_array(fence);
	ret = dma_fence_add_callback(fence, &cb, called_back);
	for (unsigned int i = 0; i < array->num_fences; i++)
		dma_fence_signal(array->fences[i]);
	/* @cb is on this stack: no more of it, should the array still be armed. */
	if (!ret && dma_fence_remove_callback(fence, &cb))
		ret = -EBUSY;
	dma_fence_put(fence);
	return ret;
}

static const struct bench_row rows[] = {
	{ "fence_life", .most = 340, .op = op_life },
	{ "fence_life_callback", .op = op_life_callback },
	{ "fence_get_put", .setup = bench_make_fences, .size = 1, .op = op_get_put },
	{ "fence_get_put_stub", .op = op_stub },
	{ "fence_context_alloc", .op = op_context },
	{ "fence_is_signaled", .setup = setup_signaled, .size = 1,
	  .op = op_is_signaled },
	{ "fence_is_signaled_not", .setup = bench_make_fences, .size = 1,
	  .op = op_is_signaled },
	{ "add_remove_callback", .setup = bench_make_fences, .size = 1,
	  .op = op_add_remove_callback },
	{ "add_callback_signalled", .setup = setup_signaled, .size = 1,
	  .op = op_add_callback_signaled },
	{ "fence_wait_signalled", .setup = setup_signaled, .size = 1,
	  .op = op_wait },
	{ "wait_any_1", .setup = setup_last_signaled, .size = 1,
	  .op = op_wait_any },
	{ "wait_any_16", .most = 700, .setup = setup_last_signaled, .size = 16,
	  .op = op_wait_any },

	{ "merge_64_64", .most = 16000, .batch = 32, .size = 128,
	  .setup = setup_two_arrays, .op = op_merge },
	{ "merge_4_4", .batch = 64, .size = 8, .setup = setup_two_arrays,
	  .op = op_merge },
	{ "merge_2", .batch = 64, .size = 2, .setup = bench_make_fences,
	  .op = op_merge_plain },
	{ "merge_2_same_context", .setup = setup_same_context, .op = op_merge },
	{ "merge_2_signalled", .size = 2, .setup = setup_signaled,
	  .op = op_merge_plain },
	{ "unwrap_64", .batch = 64, .size = 128, .setup = setup_two_arrays,
	  .op = op_unwrap },

	{ "chain_find_1000", .most = 12000, .batch = 32, .size = CHAIN_LINKS,
	  .setup = setup_chain, .op = op_find_middle },
	{ "chain_find_1000_last", .size = CHAIN_LINKS, .setup = setup_chain,
	  .op = op_find_last },
	{ "chain_find_1", .size = 1, .setup = setup_chain,
	  .op = op_find_last },
	{ "chain_walk_1000", .batch = 32, .size = CHAIN_LINKS,
	  .setup = setup_chain, .op = op_walk },
	{ "chain_life_1000", .batch = 2, .scale = CHAIN_LINKS,
	  .size = CHAIN_LINKS, .setup = bench_make_fences, .op = op_chain_life },
	{ "chain_life_1", .size = 1, .setup = bench_make_fences,
	  .op = op_chain_life },

	{ "array_life_1", .batch = 64, .size = 1, .setup = bench_make_fences,
	  .op = op_array_life },
	{ "array_life_256", .batch = 8, .size = ARRAY_FENCES,
	  .setup = bench_make_fences, .op = op_array_life },
	{ "array_1", .batch = 64, .size = 1, .prepare = prepare_arrays,
	  .op = op_array_signal },
	{ "array_256", .most = 60000, .batch = 8, .size = ARRAY_FENCES,
	  .prepare = prepare_arrays, .op = op_array_signal },
};

const struct bench_row_group bench_fence_rows = { rows, ARRAY_SIZE(rows) };
