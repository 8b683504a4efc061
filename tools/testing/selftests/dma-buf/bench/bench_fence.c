// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fences that have nothing but what every fence must have, so that what a row
 * shows is the core's own cost; and what rows keep of them between operations.
 */
#include <linux/dma-fence.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "bench.h"

/**
 * struct fence - a fence of the benchmark's
 * @base: the fence; first, as the core frees it with kfree_rcu()
 * @lock: its lock, in the same memory and so as long alive
 */
struct fence {
	struct dma_fence base;
	spinlock_t lock;	/* @base's */
};

static const char *fence_name(struct dma_fence *fence)
{
	return "bench";
}

static const struct dma_fence_ops fence_ops = {
	.get_driver_name = fence_name,
	.get_timeline_name = fence_name,
};

/**
 * bench_fence() - make a fence, not signalled
 * @context: of which context
 * @seqno: and where on its timeline
 *
 * Return: the fence, its one reference the caller's, or NULL without memory.
 */
struct dma_fence *bench_fence(u64 context, u64 seqno)
{
	struct fence *fence;

	BUILD_BUG_ON(offsetof(struct fence, base));
	fence = kmalloc(sizeof(*fence), GFP_KERNEL);
	if (!fence)
		return NULL;
	spin_lock_init(&fence->lock);
	dma_fence_init(&fence->base, &fence_ops, &fence->lock, context, seqno);
	return &fence->base;
}

/**
 * bench_make_fences_for() - fill @fences for some operations
 * @bench: whose @fences; must have none
 * @operations: how many; for each of them as many fences as the row's size says
 *
 * Each is of a context of its own, and not signalled.
 *
 * Return: 0 or -ENOMEM; also then bench_drop_fences() takes down what is there.
 */
int bench_make_fences_for(struct bench *bench, unsigned int operations)
{
	unsigned int count = bench->row->size * operations;
	u64 context = dma_fence_context_alloc(count);

	bench->fences = kvcalloc(count, sizeof(*bench->fences), GFP_KERNEL);
	if (!bench->fences)
		return -ENOMEM;
	while (bench->fence_count < count) {
		struct dma_fence *fence = bench_fence(context++, 1);

		if (!fence)
			return -ENOMEM;
		bench->fences[bench->fence_count++] = fence;
	}
	return 0;
}

/**
 * bench_make_fences() - fill @fences with as many as the row's size says
 * @bench: whose @fences; must have none
 *
 * Return: as bench_make_fences_for().
 */
int bench_make_fences(struct bench *bench)
{
	return bench_make_fences_for(bench, 1);
}

/**
 * bench_signal_fences() - signal all of @fences
 * @bench: whose
 */
void bench_signal_fences(struct bench *bench)
{
	for (unsigned int i = 0; i < bench->fence_count; i++)
		dma_fence_signal(bench->fences[i]);
}

/**
 * bench_init_fences() - begin with no fences
 * @bench: what is opened
 */
void bench_init_fences(struct bench *bench)
{
	dma_resv_init(&bench->resv);
	dma_resv_init(&bench->copy);
}

/**
 * bench_fini_fences() - drop what fences there are, and the objects for them
 * @bench: what is closed
 */
void bench_fini_fences(struct bench *bench)
{
	dma_resv_fini(&bench->copy);
	dma_resv_fini(&bench->resv);
	while (bench->ready_count)
		dma_fence_put(bench->ready[--bench->ready_count]);
	kvfree(bench->ready);
	bench->ready = NULL;
	for (unsigned int i = 0; i < ARRAY_SIZE(bench->others); i++) {
		dma_fence_put(bench->others[i]);
		bench->others[i] = NULL;
	}
	while (bench->fence_count)
		dma_fence_put(bench->fences[--bench->fence_count]);
	kvfree(bench->fences);
	bench->fences = NULL;
}

/**
 * bench_drop_fences() - take down whatever fences a row had
 * @bench: whose
 */
void bench_drop_fences(struct bench *bench)
{
	bench_fini_fences(bench);
	bench_init_fences(bench);
}
