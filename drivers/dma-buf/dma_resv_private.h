/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The list of fences in a reservation object, as its files see it.
 *
 *   dma_resv.c       the object, the lock order, and all that changes a list
 *   dma_resv_iter.c  all that reads one, most of it without the lock
 *
 * Writers hold the reservation lock.  Readers hold it or the RCU read lock; the
 * latter see the list change under their eyes, but within these rules:
 *
 * - An entry stays in its slot.  One that a reader has not come to yet doesn't
 *   jump behind it.
 * - A fence that a slot holds is referenced.  Before that reference is dropped
 *   the slot holds something else, and then @seq has changed; or the object
 *   has another list, and this one's slots are vacant.
 * - Slots from @num on hold nothing.
 *
 * A fence may be of a cache that is SLAB_TYPESAFE_BY_RCU.  What an RCU reader
 * finds behind a slot is memory of a fence, but of the one it looked for only
 * if it was in its slot throughout the look.  @seq is the proof of that.
 */
#ifndef __DMA_RESV_PRIVATE_H
#define __DMA_RESV_PRIVATE_H

#include <linux/bits.h>
#include <linux/dma-fence.h>
#include <linux/dma-resv.h>
#include <linux/rcupdate.h>

/* A slot's value: the address of a fence, and in its idle bits the usage. */
#define SLOT_USAGE_MASK 3UL

/*
 * What a vacant slot holds.  Readers pass it as they pass any signalled one.  Linkers
 * can add, but they can't "or".
 */
extern struct dma_fence dma_resv_vacant_fence;
#define SLOT_VACANT ((unsigned long)&dma_resv_vacant_fence + \
		     DMA_RESV_USAGE_BOOKKEEP)

/* Ends the chain of vacant slots. */
#define NO_SLOT U32_MAX

/**
 * struct dma_resv_entry - a fence and how it is used
 * @context: the fence's context, so that finding one needn't touch a fence; of
 *	a vacant slot the next vacant one. The reservation lock
 * @slot: the fence, referenced, and its usage; SLOT_VACANT without a fence.
 *	Written under the reservation lock, read under RCU
 */
struct dma_resv_entry {
	u64 context;
	unsigned long slot;
};

/**
 * struct dma_resv_list - the fences of a reservation object
 * @rcu: frees the list after a grace period, when it is the object's no more
 * @max: slots there are; never changes
 * @used: slots that hold a fence
 * @vacant: first of the vacant slots below @num, or NO_SLOT
 * @hash_bits: the hash has 2^@hash_bits buckets; 0 for a list without one.
 *	Never changes
 * @may_add: whether slots were reserved since the object was locked
 * @num: slots that hold a fence or once did. Readers load it with acquire
 *	semantics, and may find fewer afterwards
 * @seq: changes after a slot lost its fence, and before the reference goes
 * @generation: differs from list to list of an object; never changes
 * @entries: @max slots, and behind them the hash: an array of u32, each of them
 *	0 or the number of a slot plus 1, for writers alone
 *
 * What stands beside @rcu is the writers', and the reservation lock protects
 * it.  It has served its time when @rcu is needed.
 */
struct dma_resv_list {
	union {
		struct rcu_head rcu;
		struct {
			u32 max;
			u32 used;
			u32 vacant;
			u32 hash_bits;
#ifdef CONFIG_DEBUG_MUTEXES
			bool may_add;
#endif
		};
	};
	u32 num;
	u32 seq;
	u32 generation;
	struct dma_resv_entry entries[];
};

static inline struct dma_fence *slot_fence(unsigned long slot)
{
	return (struct dma_fence *)(slot & ~SLOT_USAGE_MASK);
}

static inline enum dma_resv_usage slot_usage(unsigned long slot)
{
	return slot & SLOT_USAGE_MASK;
}

static inline unsigned long make_slot(struct dma_fence *fence,
				      enum dma_resv_usage usage)
{
	return (unsigned long)fence | usage;
}

/* The list of an object that the caller has locked. */
static inline struct dma_resv_list *dma_resv_locked_list(struct dma_resv *obj)
{
	return rcu_dereference_protected(obj->fences, dma_resv_held(obj));
}

static inline u32 dma_resv_list_num(struct dma_resv_list *list)
{
	/* Pairs with list_append(). */
	return list ? smp_load_acquire(&list->num) : 0;
}

static inline bool fence_flagged(struct dma_fence *fence)
{
	/* One instruction less than test_bit(), and there may be many fences. */
	return data_race(fence->flags) & BIT(DMA_FENCE_FLAG_SIGNALED_BIT);
}

static inline bool slot_is_vacant(unsigned long slot)
{
	return slot == SLOT_VACANT;
}

/*
 * References are most of the work when there are many fences, and those of
 * refcount_t come with the code that complains about broken ones.  These two
 * do what is usual, in line and without a call; where one returns false it has
 * done nothing, and dma_fence_get_rcu() or dma_fence_put() has to be called.
 */
static __always_inline bool fence_get_quickly(struct dma_fence *fence)
{
	atomic_t *refs = &fence->refcount.refcount.refs;
	int old = atomic_read(refs), new = old + 1;

	/* Neither a dead one's nor, as the sum wraps, one more than there may be. */
	return likely(new > 1 &&
		      atomic_try_cmpxchg_relaxed(refs, &old, new));
}

static __always_inline bool fence_put_quickly(struct dma_fence *fence)
{
	atomic_t *refs = &fence->refcount.refcount.refs;
	int old = atomic_read(refs);

	/* The last reference is not for here. */
	return likely(old > 1 &&
		      atomic_try_cmpxchg_release(refs, &old, old - 1));
}

/*
 * After a reference was taken on what a slot held: the proof that this is the
 * slot's fence, which the object has a reference on as well, and not one that
 * was made in its memory.
 */
static __always_inline bool slot_still_holds(unsigned long *slot,
					     unsigned long value)
{
	/* The reference comes before the look; pairs with the writer's drop of its. */
	smp_mb__after_atomic();
	/* It may have left and come back: then it was initialised meanwhile. */
	return smp_load_acquire(slot) == value;
}

/**
 * dma_resv_slot_get - take a reference on what a slot holds, without the lock
 * @list: the list, found in its object under RCU
 * @index: the slot, below what dma_resv_list_num() gave
 * @usage: last class of fences that the caller wants
 * @value: what the slot held when there was a fence
 *
 * What comes of this means something only if @list turns out to be still the
 * object's own afterwards.
 *
 * Context: RCU read lock.
 *
 * Return: a fence that hasn't signalled, with a reference, or NULL when there
 * is none such in the slot.
 */
static __always_inline struct dma_fence *
dma_resv_slot_get(struct dma_resv_list *list, u32 index,
		  enum dma_resv_usage usage, unsigned long *value)
{
	unsigned long *slot = &list->entries[index].slot;
	struct dma_fence *fence;
	u32 seq;

again:
	/* Pairs with list_exchange(), which counts what has left its slot. */
	seq = smp_load_acquire(&list->seq);
	*value = READ_ONCE(*slot);
	if (slot_usage(*value) > usage)
		return NULL;

	fence = slot_fence(*value);
	if (fence_flagged(fence))
		goto nothing;
	if (!fence_get_quickly(fence) && !dma_fence_get_rcu(fence))
		goto nothing;
	if (unlikely(!slot_still_holds(slot, *value))) {
		/* not tested: only if a writer comes between two instructions */
		dma_fence_put(fence);
		goto again;
	}
	if (likely(!fence->ops->signaled || !dma_fence_is_signaled(fence)))
		return fence;
	dma_fence_put(fence);

nothing:
	/* What was found, then the proof that it was found in its slot. */
	smp_rmb();
	if (unlikely(READ_ONCE(list->seq) != seq))
		goto again;
	return NULL;
}

/* dma_resv_iter.c */
u32 dma_resv_num_slots(struct dma_resv *obj);
bool dma_resv_flagged_signaled(struct dma_resv *obj, enum dma_resv_usage usage,
			       u32 limit);

#endif /* __DMA_RESV_PRIVATE_H */
