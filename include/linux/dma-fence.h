/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fences: a promise that some work, most often a device's, will end.
 */
#ifndef __LINUX_DMA_FENCE_H
#define __LINUX_DMA_FENCE_H

#include <linux/bitops.h>
#include <linux/bug.h>
#include <linux/err.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/timekeeping.h>
#include <linux/types.h>
#include <linux/wait.h>

struct dma_fence;
struct dma_fence_cb;
struct dma_fence_ops;
struct seq_file;

/**
 * enum dma_fence_flag_bits - bit numbers in dma_fence.flags
 * @DMA_FENCE_FLAG_SIGNALED_BIT: the work has ended.  Never cleared.  From now
 *	on nobody but the signaller touches dma_fence.cb_list.
 * @DMA_FENCE_FLAG_TIMESTAMP_BIT: dma_fence.timestamp is valid; follows shortly
 *	after @DMA_FENCE_FLAG_SIGNALED_BIT
 * @DMA_FENCE_FLAG_ENABLE_SIGNAL_BIT: the fence has been told to signal by
 *	itself, see dma_fence_ops.enable_signaling; set under dma_fence.lock
 * @DMA_FENCE_FLAG_USER_BITS: this bit and those above belong to the driver,
 *	who must use atomic operations
 */
enum dma_fence_flag_bits {
	DMA_FENCE_FLAG_SIGNALED_BIT,
	DMA_FENCE_FLAG_TIMESTAMP_BIT,
	DMA_FENCE_FLAG_ENABLE_SIGNAL_BIT,
	DMA_FENCE_FLAG_USER_BITS,
};

/**
 * struct dma_fence - something that others wait for
 * @lock: the driver's, irq-safe, perhaps shared by all fences of a timeline;
 *	protects @cb_list and the step to signalled; constant
 * @ops: the driver's; constant, even after the fence has signalled
 * @cb_list: those to tell, dma_fence_cb.node; @lock.  Until it has signalled.
 * @timestamp: when the work ended.  From %DMA_FENCE_FLAG_TIMESTAMP_BIT on,
 *	until the last reference goes.
 * @rcu: frees it, see dma_fence_free(); after the last reference
 * @context: the timeline it is on, see dma_fence_context_alloc(); constant
 * @seqno: its place on the timeline; constant
 * @flags: enum dma_fence_flag_bits; atomic
 * @refcount: under RCU take one with dma_fence_get_rcu()
 * @error: why the work failed, a negative errno, or 0; doesn't change any more
 *	once it has signalled
 *
 * Fences of a context signal in the order of their seqnos.
 */
struct dma_fence {
	spinlock_t *lock; /* protects cb_list and the step to signalled */
	const struct dma_fence_ops *ops;
	union {
		struct list_head cb_list;
		ktime_t timestamp;
		struct rcu_head rcu;
	};
	u64 context;
	u64 seqno;
	unsigned long flags;
	struct kref refcount;
	int error;
};

/**
 * typedef dma_fence_func_t - tells somebody that a fence has signalled
 * @fence: which
 * @cb: as given to dma_fence_add_callback(), no longer queued; it may be
 *	freed or added to another fence
 *
 * Context: dma_fence.lock is held, interrupts are off.
 */
typedef void (*dma_fence_func_t)(struct dma_fence *fence,
				 struct dma_fence_cb *cb);

/**
 * struct dma_fence_cb - somebody to be told
 * @node: in dma_fence.cb_list, under dma_fence.lock; empty once unqueued
 * @func: called once, unless dma_fence_remove_callback() comes first
 */
struct dma_fence_cb {
	struct list_head node;
	dma_fence_func_t func;
};

/**
 * struct dma_fence_ops - what a driver knows of its fences
 *
 * Only the two names are required.
 */
struct dma_fence_ops {
	/**
	 * @use_64bit_seqno: seqnos never wrap; otherwise their lower 32 bits
	 * count, and they do
	 */
	bool use_64bit_seqno;

	/** @get_driver_name: for people and tools; any context */
	const char *(*get_driver_name)(struct dma_fence *fence);

	/** @get_timeline_name: which of the driver's timelines; any context */
	const char *(*get_timeline_name)(struct dma_fence *fence);

	/**
	 * @enable_signaling: see to it that the fence signals without being
	 * asked.  Called at most once, before the first callback is queued,
	 * with dma_fence.lock held and interrupts off.  False says that the
	 * work has already ended.  Absent: the fence always signals by itself.
	 */
	bool (*enable_signaling)(struct dma_fence *fence);

	/**
	 * @signaled: has the work ended?  Lets a poller know before the
	 * interrupt; true makes the fence signal.  Any context, with or
	 * without dma_fence.lock.
	 */
	bool (*signaled)(struct dma_fence *fence);

	/**
	 * @wait: sleep as dma_fence_default_wait() does, which it replaces.
	 * Signalling has been enabled.
	 */
	long (*wait)(struct dma_fence *fence, bool intr, long timeout);

	/**
	 * @release: the last reference is gone.  Ends with dma_fence_free() or
	 * otherwise leaves the memory for an RCU grace period.  Any context.
	 * Absent: the fence is freed with dma_fence_free().
	 */
	void (*release)(struct dma_fence *fence);

	/** @fence_value_str: prints @seqno; for debugging output only */
	void (*fence_value_str)(struct dma_fence *fence, char *str, int size);

	/** @timeline_value_str: prints how far the timeline has come */
	void (*timeline_value_str)(struct dma_fence *fence, char *str,
				   int size);

	/**
	 * @set_deadline: somebody would like the work to end by then.  A hint;
	 * comes again with other times.  Any context.
	 */
	void (*set_deadline)(struct dma_fence *fence, ktime_t deadline);
};

extern const struct dma_fence_ops dma_fence_array_ops;
extern const struct dma_fence_ops dma_fence_chain_ops;

void dma_fence_init(struct dma_fence *fence, const struct dma_fence_ops *ops,
		    spinlock_t *lock, u64 context, u64 seqno);
u64 dma_fence_context_alloc(unsigned int num);

void dma_fence_release(struct kref *kref);
void dma_fence_free(struct dma_fence *fence);

int dma_fence_signal(struct dma_fence *fence);
int dma_fence_signal_locked(struct dma_fence *fence);
int dma_fence_signal_timestamp(struct dma_fence *fence, ktime_t timestamp);
int dma_fence_signal_timestamp_locked(struct dma_fence *fence,
				      ktime_t timestamp);

void dma_fence_enable_sw_signaling(struct dma_fence *fence);
int dma_fence_add_callback(struct dma_fence *fence, struct dma_fence_cb *cb,
			   dma_fence_func_t func);
bool dma_fence_remove_callback(struct dma_fence *fence,
			       struct dma_fence_cb *cb);

signed long dma_fence_wait_timeout(struct dma_fence *fence, bool intr,
				   signed long timeout);
signed long dma_fence_default_wait(struct dma_fence *fence, bool intr,
				   signed long timeout);
signed long dma_fence_wait_any_timeout(struct dma_fence **fences,
				       u32 count, bool intr,
				       signed long timeout, u32 *idx);

int dma_fence_get_status(struct dma_fence *fence);
void dma_fence_set_deadline(struct dma_fence *fence, ktime_t deadline);
void dma_fence_describe(struct dma_fence *fence, struct seq_file *seq);

struct dma_fence *dma_fence_get_stub(void);
struct dma_fence *dma_fence_allocate_private_stub(ktime_t timestamp);

#ifdef CONFIG_LOCKDEP
bool dma_fence_begin_signalling(void);
void dma_fence_end_signalling(bool cookie);
void __dma_fence_might_wait(void);
#else
static inline bool dma_fence_begin_signalling(void)
{
	return true;
}

static inline void dma_fence_end_signalling(bool cookie) {}
static inline void __dma_fence_might_wait(void) {}
#endif

/**
 * dma_fence_get - take another reference
 * @fence: one that the caller has a reference on, or NULL
 *
 * Context: Any.
 * Return: @fence.
 */
static inline struct dma_fence *dma_fence_get(struct dma_fence *fence)
{
	if (fence)
		kref_get(&fence->refcount);
	return fence;
}

/**
 * dma_fence_put - give a reference back
 * @fence: whose, or NULL
 *
 * Context: Any that dma_fence_ops.release can be called in.
 */
static inline void dma_fence_put(struct dma_fence *fence)
{
	if (fence)
		kref_put(&fence->refcount, dma_fence_release);
}

/**
 * dma_fence_get_rcu - take a reference on a fence that may be on its way out
 * @fence: found under RCU
 *
 * Only for fences whose memory isn't reused for another fence before a grace
 * period ends; see dma_fence_get_rcu_safe().
 *
 * Context: RCU read side.
 * Return: @fence, NULL if its last reference is gone.
 */
static inline struct dma_fence *dma_fence_get_rcu(struct dma_fence *fence)
{
	return kref_get_unless_zero(&fence->refcount) ? fence : NULL;
}

/**
 * dma_fence_get_rcu_safe - take a reference on the fence in a slot
 * @fencep: the slot; whoever changes it lets go of the old fence afterwards
 *
 * The reference is on a fence that stood there at some moment of the call,
 * even if the memory of an older one was given to another meanwhile
 * (SLAB_TYPESAFE_BY_RCU).
 *
 * Context: RCU read side.
 * Return: the fence, NULL if the slot is empty.
 */
static inline struct dma_fence *
dma_fence_get_rcu_safe(struct dma_fence __rcu **fencep)
{
	struct dma_fence *fence;

	while ((fence = rcu_dereference(*fencep))) {
		if (!kref_get_unless_zero(&fence->refcount))
			continue;
		/* It is alive, but is it still the one that stands there? */
		if (likely(fence == rcu_access_pointer(*fencep)))
			return rcu_pointer_handoff(fence);
		dma_fence_put(fence);
	}
	return NULL;
}

/**
 * dma_fence_is_signaled_locked - has it signalled?
 * @fence: which
 *
 * As dma_fence_is_signaled(), for those who hold the lock.
 *
 * Context: dma_fence.lock is held.
 * Return: true if it has.
 */
static inline bool dma_fence_is_signaled_locked(struct dma_fence *fence)
{
	if (test_bit_acquire(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags))
		return true;
	if (!fence->ops->signaled || !fence->ops->signaled(fence))
		return false;

	dma_fence_signal_locked(fence);
	return true;
}

/**
 * dma_fence_is_signaled - has it signalled?
 * @fence: which
 *
 * Whoever sees true also sees what was written before the fence signalled.
 * Asks the driver if it isn't known yet, and signals the fence on its word.
 *
 * Context: Any, without dma_fence.lock.
 * Return: true if it has.
 */
static inline bool dma_fence_is_signaled(struct dma_fence *fence)
{
	if (test_bit_acquire(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags))
		return true;
	if (!fence->ops->signaled || !fence->ops->signaled(fence))
		return false;

	dma_fence_signal(fence);
	return true;
}

/**
 * __dma_fence_is_later - does one seqno come after another?
 * @f1: the one
 * @f2: the other, of the same context
 * @ops: say whether seqnos have 64 bits, or 32 and wrap around
 *
 * Context: Any.
 * Return: true if @f1 comes after @f2, false also when they are the same.
 */
static inline bool __dma_fence_is_later(u64 f1, u64 f2,
					const struct dma_fence_ops *ops)
{
	if (ops->use_64bit_seqno)
		return f1 > f2;
	return (s32)((u32)f1 - (u32)f2) > 0;
}

/**
 * dma_fence_is_later - does one fence come after another?
 * @f1: the one
 * @f2: the other, of the same context
 *
 * Context: Any.
 * Return: true if @f1 comes after @f2, false also when they are the same or,
 * after a warning, of different contexts.
 */
static inline bool dma_fence_is_later(struct dma_fence *f1,
				      struct dma_fence *f2)
{
	return !WARN_ON(f1->context != f2->context) &&
	       __dma_fence_is_later(f1->seqno, f2->seqno, f1->ops);
}

/**
 * dma_fence_is_later_or_same - does one fence not come before another?
 * @f1: the one
 * @f2: the other, of the same context
 *
 * Context: Any.
 * Return: true if @f1 comes after @f2 or is the same fence.
 */
static inline bool dma_fence_is_later_or_same(struct dma_fence *f1,
					      struct dma_fence *f2)
{
	return f1 == f2 || dma_fence_is_later(f1, f2);
}

/**
 * dma_fence_later - which of two fences is there to wait for?
 * @f1: the one
 * @f2: the other, of the same context
 *
 * Context: As dma_fence_is_signaled().
 * Return: the later of them, without a reference; NULL when that one has
 * signalled or, after a warning, when they are of different contexts.
 */
static inline struct dma_fence *dma_fence_later(struct dma_fence *f1,
						struct dma_fence *f2)
{
	struct dma_fence *last = f2;

	if (WARN_ON(f1->context != f2->context))
		return NULL;
	if (__dma_fence_is_later(f1->seqno, f2->seqno, f1->ops))
		last = f1;
	return dma_fence_is_signaled(last) ? NULL : last;
}

/**
 * dma_fence_get_status_locked - how did it go?
 * @fence: which
 *
 * Context: dma_fence.lock is held.
 * Return: 0 until it has signalled, then 1 or, if the work failed, the
 * negative errno that was set with dma_fence_set_error().
 */
static inline int dma_fence_get_status_locked(struct dma_fence *fence)
{
	if (!dma_fence_is_signaled_locked(fence))
		return 0;
	return fence->error ?: 1;
}

/**
 * dma_fence_set_error - say that the work failed
 * @fence: which; not signalled yet
 * @error: why, a negative errno
 *
 * Context: Any; the caller is the one who will signal it.
 */
static inline void dma_fence_set_error(struct dma_fence *fence, int error)
{
	bool too_late = test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags);

	WARN_ON(too_late || !IS_ERR_VALUE((long)error));
	fence->error = error;
}

/**
 * dma_fence_timestamp - when did it signal?
 * @fence: one that has
 *
 * Context: Any that doesn't keep the signaller from going on, since for a
 * moment after a fence has signalled its time isn't there yet.
 * Return: the time on CLOCK_MONOTONIC; now, after a warning, if it hasn't
 * signalled.
 */
static inline ktime_t dma_fence_timestamp(struct dma_fence *fence)
{
	const unsigned long *flags = &fence->flags;

	while (!test_bit_acquire(DMA_FENCE_FLAG_TIMESTAMP_BIT, flags)) {
		if (WARN_ON(!test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, flags)))
			return ktime_get();
		cpu_relax();
	}
	return fence->timestamp;
}

/**
 * dma_fence_wait - sleep until it signals
 * @fence: which
 * @intr: whether a signal to the task ends the sleep
 *
 * Context: As dma_fence_wait_timeout().
 * Return: 0, or -ERESTARTSYS when a signal came; with a driver's own wait,
 * also its errors.
 */
static inline signed long dma_fence_wait(struct dma_fence *fence, bool intr)
{
	long left = dma_fence_wait_timeout(fence, intr, MAX_SCHEDULE_TIMEOUT);

	return min(left, 0L);
}

/**
 * dma_fence_is_array - is it a struct dma_fence_array?
 * @fence: any
 *
 * Context: Any.
 * Return: true if it is.
 */
static inline bool dma_fence_is_array(struct dma_fence *fence)
{
	return fence->ops == &dma_fence_array_ops;
}

/**
 * dma_fence_is_chain - is it a struct dma_fence_chain?
 * @fence: any
 *
 * Context: Any.
 * Return: true if it is.
 */
static inline bool dma_fence_is_chain(struct dma_fence *fence)
{
	return fence->ops == &dma_fence_chain_ops;
}

/**
 * dma_fence_is_container - does it stand for other fences?
 * @fence: any
 *
 * Context: Any.
 * Return: true for arrays and chains.
 */
static inline bool dma_fence_is_container(struct dma_fence *fence)
{
	return dma_fence_is_array(fence) || dma_fence_is_chain(fence);
}

#endif /* __LINUX_DMA_FENCE_H */
