/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fences in a row: a timeline whose points are links of a chain.
 */
#ifndef __LINUX_DMA_FENCE_CHAIN_H
#define __LINUX_DMA_FENCE_CHAIN_H

#include <linux/dma-fence.h>
#include <linux/llist.h>
#include <linux/slab.h>

/**
 * struct dma_fence_chain - one link, which stands for all before it as well
 * @base: signals once @fence and everything before the link did
 * @prev: the link before this one, or a plain fence, or NULL; holds a
 *	reference.  Readers have a reference on the link or are under RCU.
 *	Links that signalled are taken out with cmpxchg(), by whoever has a
 *	reference on this one.  Once the last reference is gone it stays as it
 *	is, until the memory goes, for those who got here under RCU.
 * @prev_seqno: what @prev covered when the link was made, 0 when that isn't
 *	of the same context; constant.  The link covers what is later.
 * @fence: what the link adds; holds a reference, constant
 * @cb: on the fence that an armed chain waits for; under that fence's lock
 * @fired: on a list of chains that go on to the next fence, from when @cb ran
 * @dead: on the list of links still to release; without a reference left, so
 *	neither @cb nor @fired is in use
 * @lock: of @base
 * @nesting: see dma_fence_container.h; constant
 * @prev_taken: the reference on @prev has a new owner; for whoever releases
 *	the link
 *
 * From @cb on all is private.
 */
struct dma_fence_chain {
	struct dma_fence base;
	struct dma_fence __rcu *prev;
	u64 prev_seqno;
	struct dma_fence *fence;
	union {
		struct dma_fence_cb cb;
		struct llist_node fired;
		struct llist_node dead;
	};
	spinlock_t lock; /* of @base */
	u8 nesting;
	bool prev_taken;
};

/**
 * to_dma_fence_chain - the link that a fence is
 * @fence: any fence, or NULL
 *
 * Context: Any.
 * Return: the link, NULL when @fence is none.
 */
static inline struct dma_fence_chain *
to_dma_fence_chain(struct dma_fence *fence)
{
	if (fence && dma_fence_is_chain(fence))
		return container_of(fence, struct dma_fence_chain, base);
	return NULL;
}

/**
 * dma_fence_chain_contained - what a fence adds to its chain
 * @fence: a link or any other fence
 *
 * Context: Any.
 * Return: the fence in the link, @fence itself when it is no link.  It takes
 * no reference, that on @fence protects it.
 */
static inline struct dma_fence *
dma_fence_chain_contained(struct dma_fence *fence)
{
	struct dma_fence_chain *chain = to_dma_fence_chain(fence);

	return chain ? chain->fence : fence;
}

/**
 * dma_fence_chain_alloc - memory for a link
 *
 * A macro, so that it is accounted to its caller.
 *
 * Context: Process context, may sleep.
 * Return: memory to give to dma_fence_chain_init() or dma_fence_chain_free(),
 * NULL when there is none.
 */
#define dma_fence_chain_alloc() \
	kmalloc(sizeof(struct dma_fence_chain), GFP_KERNEL)

/**
 * dma_fence_chain_free - free a link that dma_fence_chain_init() hasn't seen
 * @chain: what dma_fence_chain_alloc() gave, or NULL
 *
 * Context: Any.
 */
static inline void dma_fence_chain_free(struct dma_fence_chain *chain)
{
	kfree(chain);
}

/**
 * dma_fence_chain_for_each - visit the links of a chain, newest first
 * @iter: the link, or at last perhaps a plain fence, with a reference that
 *	the next step drops.  Who breaks out of the loop drops it himself.
 * @head: where to start; may be the variable @iter
 *
 * What has signalled behind @head is taken out of the chain on the way, see
 * dma_fence_chain_walk().
 */
#define dma_fence_chain_for_each(iter, head)	\
	for ((iter) = dma_fence_get(head);	\
	     (iter);				\
	     (iter) = dma_fence_chain_walk(iter))

struct dma_fence *dma_fence_chain_walk(struct dma_fence *fence);
int dma_fence_chain_find_seqno(struct dma_fence **pfence, uint64_t seqno);
void dma_fence_chain_init(struct dma_fence_chain *chain, struct dma_fence *prev,
			  struct dma_fence *fence, uint64_t seqno);

#endif /* __LINUX_DMA_FENCE_CHAIN_H */
