/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A fence that stands for a fixed set of fences.
 */
#ifndef __LINUX_DMA_FENCE_ARRAY_H
#define __LINUX_DMA_FENCE_ARRAY_H

#include <linux/dma-fence.h>
#include <linux/irq_work.h>

struct dma_fence_array;

/**
 * struct dma_fence_array_cb - an array's callback on one member
 * @cb: queued on the member from arming until it signals; under its lock
 * @array: whose it is; set by arming, constant while @cb is queued
 */
struct dma_fence_array_cb {
	struct dma_fence_cb cb;
	struct dma_fence_array *array;
};

/**
 * struct dma_fence_array - a set of fences as one fence
 * @base: signals once all members did, or the first one
 * @num_fences: how many members; constant
 * @fences: the members, one reference each, and the memory of the list itself;
 *	constant, both go when the array is released
 * @lock: of @base
 * @num_pending: how many members have yet to signal before the array does.
 *	Counts down only once armed; decided when not positive.
 * @result: error (or 0) of the member that decides how the array ends;
 *	positive until there is one.  Set once, with cmpxchg().
 * @signal_on_any: one member is enough; constant
 * @nesting: see dma_fence_container.h; constant
 * @work: signals the array, away from the members' locks.  Queued at most
 *	once, by whoever took @num_pending to zero.
 * @callbacks: one for each member; in use while armed
 *
 * All but @base, @num_fences and @fences is private.
 */
struct dma_fence_array {
	struct dma_fence base;
	unsigned int num_fences;
	struct dma_fence **fences;
	spinlock_t lock; /* of @base */
	atomic_t num_pending;
	int result;
	bool signal_on_any;
	u8 nesting;
	struct irq_work work;
	struct dma_fence_array_cb callbacks[];
};

/**
 * to_dma_fence_array - the array that a fence is
 * @fence: any fence, or NULL
 *
 * Context: Any.
 * Return: the array, NULL when @fence is none.
 */
static inline struct dma_fence_array *
to_dma_fence_array(struct dma_fence *fence)
{
	if (fence && dma_fence_is_array(fence))
		return container_of(fence, struct dma_fence_array, base);
	return NULL;
}

/**
 * dma_fence_array_for_each - visit the members of an array
 * @fence: the member; takes no reference
 * @index: its place, and after the loop the number of members
 * @head: an array, or another fence, which is visited as its only member.
 *	Nothing is visited for NULL.
 */
#define dma_fence_array_for_each(fence, index, head)			\
	for ((fence) = dma_fence_array_first(head), (index) = 0;	\
	     (fence);							\
	     (fence) = dma_fence_array_next(head, ++(index)))

struct dma_fence_array *dma_fence_array_alloc(int num_fences);
void dma_fence_array_init(struct dma_fence_array *array, int num_fences,
			  struct dma_fence **fences, u64 context,
			  unsigned int seqno, bool signal_on_any);
struct dma_fence_array *
dma_fence_array_create(int num_fences, struct dma_fence **fences, u64 context,
		       unsigned int seqno, bool signal_on_any);

bool dma_fence_match_context(struct dma_fence *fence, u64 context);

struct dma_fence *dma_fence_array_first(struct dma_fence *head);
struct dma_fence *dma_fence_array_next(struct dma_fence *head,
				       unsigned int index);

#endif /* __LINUX_DMA_FENCE_ARRAY_H */
