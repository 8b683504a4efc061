// SPDX-License-Identifier: GPL-2.0-only
/*
 * The in-kernel rows of reservation objects. To add one, write its operation and
 * give it an entry in rows[] at the end. All fences are of the last usage class,
 * so that no call can stop before it has seen every one of them.
 */
#include <linux/dma-fence.h>
#include <linux/dma-resv.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "bench.h"

/* Fences that one operation replaces under one lock; even, as two take turns. */
#define ROUNDS			16

#define USAGE			DMA_RESV_USAGE_BOOKKEEP

/* What rows work on */

static int reserve_and_add(struct dma_resv *resv, struct dma_fence *fence)
{
	int ret = dma_resv_reserve_fences(resv, 1);

	if (!ret)
		dma_resv_add_fence(resv, fence, USAGE);
	return ret;
}

static int add_all(struct dma_resv *resv, struct bench *bench)
{
	int ret = dma_resv_lock(resv, NULL);

	if (ret)
		return ret;
	for (unsigned int i = 0; !ret && i < bench->fence_count; i++)
		ret = reserve_and_add(resv, bench->fences[i]);
	dma_resv_unlock(resv);
	return ret;
}

/* A fresh buffer has a fresh reservation object, and drop_live() frees both. */
static int prepare_objects(struct bench *bench, unsigned int count)
{
	bench->live_filled = 0;
	return bench_set_live(bench, count, false);
}

static int setup_full(struct bench *bench)
{
	int ret = bench_make_fences(bench);

	return ret ?: add_all(&bench->resv, bench);
}

static int setup_full_signaled(struct bench *bench)
{
	int ret = setup_full(bench);

	bench_signal_fences(bench);
	return ret;
}

/* The one added last, and the one that takes turns with it, which comes first. */
static int setup_full_and_spare(struct bench *bench)
{
	int ret = setup_full(bench);
	struct dma_fence *last;

	if (ret)
		return ret;
	last = bench->fences[bench->fence_count - 1];
	bench->others[1] = dma_fence_get(last);
	bench->others[0] = bench_fence(last->context, last->seqno + 1);
	return bench->others[0] ? 0 : -ENOMEM;
}

/* Operations */

static int op_life(struct bench *bench)
{
	struct dma_resv resv;

	dma_resv_init(&resv);
	dma_resv_fini(&resv);
	return 0;
}

static int op_lock_unlock(struct bench *bench)
{
	int ret = dma_resv_lock(&bench->resv, NULL);

	if (ret)
		return ret;
	dma_resv_unlock(&bench->resv);
	return 0;
}

static int op_add(struct bench *bench)
{
	if (bench->live_filled >= bench->live_count)
		return -EINVAL;
	return add_all(bench->live[bench->live_filled++]->resv, bench);
}

/* The same over the object's whole life. */
static int op_fill(struct bench *bench)
{
	struct dma_resv resv;
	int ret;

	dma_resv_init(&resv);
	ret = add_all(&resv, bench);
	dma_resv_fini(&resv);
	return ret;
}

static int reserve_and_add_all(struct dma_resv *resv, struct bench *bench)
{
	int ret = dma_resv_reserve_fences(resv, bench->fence_count);

	for (unsigned int i = 0; !ret && i < bench->fence_count; i++)
		dma_resv_add_fence(resv, bench->fences[i], USAGE);
	return ret;
}

/* As a driver does that knows how many there will be. */
static int op_fill_reserved(struct bench *bench)
{
	struct dma_resv resv;
	int ret;

	dma_resv_init(&resv);
	ret = dma_resv_lock(&resv, NULL);
	if (!ret) {
		ret = reserve_and_add_all(&resv, bench);
		dma_resv_unlock(&resv);
	}
	dma_resv_fini(&resv);
	return ret;
}

static int op_reserve(struct bench *bench)
{
	int ret = dma_resv_lock(&bench->resv, NULL);

	if (ret)
		return ret;
	for (unsigned int i = 0; !ret && i < ROUNDS; i++)
		ret = dma_resv_reserve_fences(&bench->resv, 1);
	dma_resv_unlock(&bench->resv);
	return ret;
}

/* The fence that is not in @resv, made the later one of the two. */
static struct dma_fence *next_in_turn(struct bench *bench, unsigned int round)
{
	struct dma_fence *fence = bench->others[round % 2];

	fence->seqno = bench->others[(round + 1) % 2]->seqno + 1;
	return fence;
}

static int op_add_again(struct bench *bench)
{
	int ret = dma_resv_lock(&bench->resv, NULL);

	if (ret)
		return ret;
	for (unsigned int i = 0; !ret && i < ROUNDS; i++)
		ret = reserve_and_add(&bench->resv, next_in_turn(bench, i));
	dma_resv_unlock(&bench->resv);
	return ret;
}

static int op_replace(struct bench *bench)
{
	int ret = dma_resv_lock(&bench->resv, NULL);

	if (ret)
		return ret;
	for (unsigned int i = 0; i < ROUNDS; i++) {
		struct dma_fence *fence = next_in_turn(bench, i);

		dma_resv_replace_fences(&bench->resv, fence->context, fence,
					USAGE);
	}
	dma_resv_unlock(&bench->resv);
	return 0;
}

static int op_test_signaled(struct bench *bench)
{
	return dma_resv_test_signaled(&bench->resv, USAGE) ? 0 : -EBUSY;
}

static int op_test_busy(struct bench *bench)
{
	return dma_resv_test_signaled(&bench->resv, USAGE) ? -EINVAL : 0;
}

static int op_wait(struct bench *bench)
{
	long ret = dma_resv_wait_timeout(&bench->resv, USAGE, false,
					 MAX_SCHEDULE_TIMEOUT);

	return ret < 0 ? ret : 0;
}

static int op_iterate(struct bench *bench)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	unsigned int count = 0;

	dma_resv_iter_begin(&cursor, &bench->resv, USAGE);
	dma_resv_for_each_fence_unlocked(&cursor, fence)
		count++;
	dma_resv_iter_end(&cursor);
	return count == bench->fence_count ? 0 : -EINVAL;
}

static int op_iterate_locked(struct bench *bench)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	unsigned int count = 0;
	int ret = dma_resv_lock(&bench->resv, NULL);

	if (ret)
		return ret;
	dma_resv_for_each_fence(&cursor, &bench->resv, USAGE, fence)
		count++;
	dma_resv_unlock(&bench->resv);
	return count == bench->fence_count ? 0 : -EINVAL;
}

static int op_get_fences(struct bench *bench)
{
	struct dma_fence **fences;
	unsigned int count;
	int ret = dma_resv_get_fences(&bench->resv, USAGE, &count, &fences);

	if (ret)
		return ret;
	if (count != bench->fence_count)
		ret = -EINVAL;
	while (count)
		dma_fence_put(fences[--count]);
	kfree(fences);
	return ret;
}

static int op_get_singleton(struct bench *bench)
{
	struct dma_fence *fence;
	int ret = dma_resv_get_singleton(&bench->resv, USAGE, &fence);

	if (ret)
		return ret;
	dma_fence_put(fence);
	return 0;
}

/* The target keeps the copy until the next one takes its place. */
static int op_copy_fences(struct bench *bench)
{
	int ret = dma_resv_lock(&bench->copy, NULL);

	if (ret)
		return ret;
	ret = dma_resv_copy_fences(&bench->copy, &bench->resv);
	dma_resv_unlock(&bench->copy);
	return ret;
}

static const struct bench_row rows[] = {
	{ "resv_life", .op = op_life },
	{ "resv_lock_unlock", .op = op_lock_unlock },

	{ "add_1", .most = 230, .scale = 1, .size = 1, .setup = bench_make_fences,
	  .prepare = prepare_objects, .op = op_add },
	{ "add_4", .most = 140, .batch = 64, .scale = 4, .size = 4,
	  .setup = bench_make_fences, .prepare = prepare_objects, .op = op_add },
	{ "add_16", .most = 200, .batch = 32, .scale = 16, .size = 16,
	  .setup = bench_make_fences, .prepare = prepare_objects, .op = op_add },
	{ "add_1024", .most = 350, .batch = 2, .scale = 1024, .size = 1024,
	  .setup = bench_make_fences, .prepare = prepare_objects, .op = op_add },
	{ "fill_1", .scale = 1, .size = 1, .setup = bench_make_fences,
	  .op = op_fill },
	{ "fill_4", .batch = 64, .scale = 4, .size = 4, .setup = bench_make_fences,
	  .op = op_fill },
	{ "fill_16", .batch = 32, .scale = 16, .size = 16,
	  .setup = bench_make_fences, .op = op_fill },
	{ "fill_1024", .batch = 2, .scale = 1024, .size = 1024,
	  .setup = bench_make_fences, .op = op_fill },
	{ "fill_16_reserved", .batch = 32, .scale = 16, .size = 16,
	  .setup = bench_make_fences, .op = op_fill_reserved },
	{ "reserve_1", .batch = 16, .scale = ROUNDS, .size = 1,
	  .setup = setup_full, .op = op_reserve },
	{ "reserve_16", .batch = 16, .scale = ROUNDS, .size = 16,
	  .setup = setup_full, .op = op_reserve },

	{ "add_again_1", .batch = 16, .scale = ROUNDS, .size = 1,
	  .setup = setup_full_and_spare, .op = op_add_again },
	{ "add_again_16", .batch = 16, .scale = ROUNDS, .size = 16,
	  .setup = setup_full_and_spare, .op = op_add_again },
	{ "add_again_1024", .most = 400, .batch = 4, .scale = ROUNDS,
	  .size = 1024, .setup = setup_full_and_spare, .op = op_add_again },
	{ "replace_1", .batch = 16, .scale = ROUNDS, .size = 1,
	  .setup = setup_full_and_spare, .op = op_replace },
	{ "replace_16", .batch = 16, .scale = ROUNDS, .size = 16,
	  .setup = setup_full_and_spare, .op = op_replace },
	{ "replace_1024", .most = 400, .batch = 4, .scale = ROUNDS,
	  .size = 1024, .setup = setup_full_and_spare, .op = op_replace },

	{ "test_signaled_empty", .op = op_test_signaled },
	{ "test_signaled_1", .size = 1, .setup = setup_full_signaled,
	  .op = op_test_signaled },
	{ "test_signaled_16", .size = 16, .setup = setup_full_signaled,
	  .op = op_test_signaled },
	{ "test_signaled_1024", .most = 12000, .batch = 32, .size = 1024,
	  .setup = setup_full_signaled, .op = op_test_signaled },
	{ "test_signaled_busy_16", .size = 16, .setup = setup_full,
	  .op = op_test_busy },
	{ "wait_timeout_empty", .op = op_wait },
	{ "wait_timeout_1", .size = 1, .setup = setup_full_signaled,
	  .op = op_wait },
	{ "wait_timeout_16", .size = 16, .setup = setup_full_signaled,
	  .op = op_wait },
	{ "wait_timeout_1024", .batch = 32, .size = 1024,
	  .setup = setup_full_signaled, .op = op_wait },

	{ "iterate_empty", .op = op_iterate },
	{ "iterate_1", .size = 1, .setup = setup_full, .op = op_iterate },
	{ "iterate_16", .size = 16, .setup = setup_full, .op = op_iterate },
	{ "iterate_1024", .most = 62000, .batch = 16, .size = 1024,
	  .setup = setup_full, .op = op_iterate },
	{ "iterate_locked_1", .size = 1, .setup = setup_full,
	  .op = op_iterate_locked },
	{ "iterate_locked_16", .size = 16, .setup = setup_full,
	  .op = op_iterate_locked },
	{ "iterate_locked_1024", .batch = 16, .size = 1024,
	  .setup = setup_full, .op = op_iterate_locked },

	{ "get_fences_1", .batch = 64, .size = 1, .setup = setup_full,
	  .op = op_get_fences },
	{ "get_fences_16", .batch = 64, .size = 16, .setup = setup_full,
	  .op = op_get_fences },
	{ "get_fences_1024", .most = 75000, .batch = 16, .size = 1024,
	  .setup = setup_full, .op = op_get_fences },
	{ "get_singleton_1", .batch = 64, .size = 1, .setup = setup_full,
	  .op = op_get_singleton },
	{ "get_singleton_16", .batch = 64, .size = 16, .setup = setup_full,
	  .op = op_get_singleton },
	{ "get_singleton_1024", .most = 85000, .batch = 16, .size = 1024,
	  .setup = setup_full, .op = op_get_singleton },
	{ "copy_fences_1", .batch = 64, .size = 1, .setup = setup_full,
	  .op = op_copy_fences },
	{ "copy_fences_16", .batch = 64, .size = 16, .setup = setup_full,
	  .op = op_copy_fences },
	{ "copy_fences_1024", .most = 75000, .batch = 16, .size = 1024,
	  .setup = setup_full, .op = op_copy_fences },
};

const struct bench_row_group bench_resv_rows = { rows, ARRAY_SIZE(rows) };
