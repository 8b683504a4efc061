/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reservation objects: which fences a buffer's memory is waiting for, and the
 * lock under which that changes.
 */
#ifndef _LINUX_DMA_RESV_H
#define _LINUX_DMA_RESV_H

#include <linux/ww_mutex.h>
#include <linux/dma-fence.h>
#include <linux/slab.h>
#include <linux/rcupdate.h>

struct seq_file;
struct dma_resv_list;

extern struct ww_class reservation_ww_class;

/**
 * enum dma_resv_usage - what the work behind a fence does with the memory
 *
 * The classes are in order: whoever asks for the fences of one class gets
 * those of all classes before it as well.
 */
enum dma_resv_usage {
	/**
	 * @DMA_RESV_USAGE_KERNEL: the kernel moves or clears the memory.
	 * Nobody may touch it before that is done.
	 */
	DMA_RESV_USAGE_KERNEL,

	/**
	 * @DMA_RESV_USAGE_WRITE: a submission writes, and wants others to
	 * wait for it of their own accord.
	 */
	DMA_RESV_USAGE_WRITE,

	/**
	 * @DMA_RESV_USAGE_READ: a submission reads, and wants later writers
	 * to wait for it of their own accord.
	 */
	DMA_RESV_USAGE_READ,

	/**
	 * @DMA_RESV_USAGE_BOOKKEEP: somebody needs the memory to stay where
	 * it is.  No submission waits for that unless told to.
	 */
	DMA_RESV_USAGE_BOOKKEEP
};

/**
 * dma_resv_usage_rw - which fences an access has to wait for
 * @write: true for an access that changes the memory
 *
 * Return: the class to ask a reservation object for. A writer waits for
 * readers, a reader for writers alone.
 */
static inline enum dma_resv_usage dma_resv_usage_rw(bool write)
{
	return write ? DMA_RESV_USAGE_READ : DMA_RESV_USAGE_WRITE;
}

/**
 * struct dma_resv - a reservation object
 * @lock: held by whoever adds, replaces or reserves; many reservation objects
 *	are locked together under one &struct ww_acquire_ctx
 * @fences: NULL until the first slot is reserved. Replaced under @lock, read
 *	under it or under RCU. What is inside is known to the implementation
 *	alone
 */
struct dma_resv {
	struct ww_mutex lock;
	struct dma_resv_list __rcu *fences;
};

/**
 * dma_resv_held - whether the caller has a reservation object locked
 * @obj: the reservation object
 *
 * For conditions that only lockdep evaluates, as in rcu_dereference_check():
 * without it nobody knows, and a call would not link.
 */
#define dma_resv_held(obj) lockdep_is_held(&(obj)->lock.base)

/**
 * dma_resv_assert_held - warn unless the caller has a reservation object locked
 * @obj: the reservation object
 *
 * Does nothing without lockdep.
 */
#define dma_resv_assert_held(obj) lockdep_assert_held(&(obj)->lock.base)

#ifdef CONFIG_DEBUG_MUTEXES
void dma_resv_reset_max_fences(struct dma_resv *obj);
#else
static inline void dma_resv_reset_max_fences(struct dma_resv *obj) {}
#endif

/**
 * dma_resv_is_locked - whether anybody has a reservation object locked
 * @obj: the reservation object
 *
 * Return: true for a lock of whomever; see dma_resv_held() for one's own.
 */
static inline bool dma_resv_is_locked(struct dma_resv *obj)
{
	return ww_mutex_is_locked(&obj->lock);
}

/**
 * dma_resv_locking_ctx - the context under which an object was locked
 * @obj: the reservation object
 *
 * Without the lock the answer only serves to be compared with a context of the
 * caller's own: no other one can be trusted to exist any longer.
 *
 * Return: the context, or NULL when unlocked or locked without.
 */
static inline struct ww_acquire_ctx *dma_resv_locking_ctx(struct dma_resv *obj)
{
	return READ_ONCE(obj->lock.ctx);
}

/**
 * dma_resv_lock - lock a reservation object
 * @obj: the reservation object
 * @ctx: context under which several are locked together, or NULL for just one
 *
 * Context: Process context, sleeps.
 *
 * Return: 0; -EALREADY when @obj is locked under @ctx already, or -EDEADLK when
 * all that is locked under @ctx must be unlocked before @obj can be. Without
 * @ctx always 0.
 */
static inline int dma_resv_lock(struct dma_resv *obj,
				struct ww_acquire_ctx *ctx)
{
	return ww_mutex_lock(&obj->lock, ctx);
}

/**
 * dma_resv_lock_slow - lock the reservation object that gave -EDEADLK
 * @obj: the reservation object
 * @ctx: context that has nothing locked any more
 *
 * Context: Process context, sleeps until the lock is free.
 */
static inline void dma_resv_lock_slow(struct dma_resv *obj,
				      struct ww_acquire_ctx *ctx)
{
	ww_mutex_lock_slow(&obj->lock, ctx);
}

/**
 * dma_resv_lock_interruptible - lock a reservation object unless interrupted
 * @obj: the reservation object
 * @ctx: context under which several are locked together, or NULL for just one
 *
 * Context: Process context, sleeps.
 *
 * Return: as dma_resv_lock(), and -EINTR when a signal came first.
 */
static inline int dma_resv_lock_interruptible(struct dma_resv *obj,
					      struct ww_acquire_ctx *ctx)
{
	return ww_mutex_lock_interruptible(&obj->lock, ctx);
}

/**
 * dma_resv_lock_slow_interruptible - the same unless interrupted
 * @obj: the reservation object that gave -EDEADLK
 * @ctx: context that has nothing locked any more
 *
 * Context: Process context, sleeps until the lock is free.
 *
 * Return: 0, or -EINTR when a signal came first.
 */
static inline int dma_resv_lock_slow_interruptible(struct dma_resv *obj,
						   struct ww_acquire_ctx *ctx)
{
	return ww_mutex_lock_slow_interruptible(&obj->lock, ctx);
}

/**
 * dma_resv_unlock - unlock a reservation object
 * @obj: locked by the caller
 *
 * Slots that were reserved and not used are no longer the caller's.
 *
 * Context: Process context.
 */
static inline void dma_resv_unlock(struct dma_resv *obj)
{
	dma_resv_reset_max_fences(obj);
	ww_mutex_unlock(&obj->lock);
}

/**
 * dma_resv_trylock - lock a reservation object if nobody has it
 * @obj: the reservation object
 *
 * The lock is taken outside of any context, so nothing else may be waited for
 * while it is held.
 *
 * Context: Process context.
 *
 * Return: true when it was locked.
 */
static inline bool __must_check dma_resv_trylock(struct dma_resv *obj)
{
	return ww_mutex_trylock(&obj->lock, NULL);
}

/**
 * struct dma_resv_iter - a cursor over the fences of a reservation object
 * @obj: the reservation object; the caller keeps it alive
 * @usage: fences of this class and of those before it are given out
 * @fence: the fence that an unlocked walk is at, with a reference of the
 *	cursor's own; NULL in a locked walk
 * @fence_usage: class of the fence the cursor is at
 * @index: the next slot to look at
 * @fences: the list of which @index is a slot. To be compared, and followed
 *	only when it still is the object's
 * @num_fences: where the list ended when the walk began
 * @generation: tells @fences from a later list at the same address
 * @is_restarted: true for the first fence of an unlocked walk, and for the
 *	first one after it had to begin anew
 *
 * The cursor belongs to one task.
 */
struct dma_resv_iter {
	struct dma_resv *obj;
	enum dma_resv_usage usage;
	struct dma_fence *fence;
	enum dma_resv_usage fence_usage;
	unsigned int index;
	struct dma_resv_list *fences;
	unsigned int num_fences;
	unsigned int generation;
	bool is_restarted;
};

struct dma_fence *dma_resv_iter_first_unlocked(struct dma_resv_iter *cursor);
struct dma_fence *dma_resv_iter_next_unlocked(struct dma_resv_iter *cursor);
struct dma_fence *dma_resv_iter_first(struct dma_resv_iter *cursor);
struct dma_fence *dma_resv_iter_next(struct dma_resv_iter *cursor);

/**
 * dma_resv_iter_begin - set up a cursor
 * @cursor: the cursor
 * @obj: the reservation object to walk over
 * @usage: the last class of fences to give out
 *
 * Context: Any.
 */
static inline void dma_resv_iter_begin(struct dma_resv_iter *cursor,
				       struct dma_resv *obj,
				       enum dma_resv_usage usage)
{
	/* The first step of a walk sets the rest. */
	cursor->obj = obj;
	cursor->usage = usage;
	cursor->fence = NULL;
}

/**
 * dma_resv_iter_usage - the class of the fence that a cursor is at
 * @cursor: at a fence
 *
 * Return: the class under which the fence was added.
 */
static inline enum dma_resv_usage
dma_resv_iter_usage(struct dma_resv_iter *cursor)
{
	return cursor->fence_usage;
}

/**
 * dma_resv_iter_is_restarted - whether an unlocked walk begins here
 * @cursor: at a fence
 *
 * Whoever accumulates something during an unlocked walk drops what was
 * accumulated when this is true: all fences come again.
 *
 * Return: true at the first fence, also when it isn't for the first time.
 */
static inline bool dma_resv_iter_is_restarted(struct dma_resv_iter *cursor)
{
	return cursor->is_restarted;
}

/**
 * dma_resv_iter_end - be done with a cursor
 * @cursor: where the walk stopped, at its end or before
 *
 * Drops the reference on the fence that an unlocked walk was at.
 *
 * Context: Any.
 */
static inline void dma_resv_iter_end(struct dma_resv_iter *cursor)
{
	dma_fence_put(cursor->fence);
}

/**
 * dma_resv_for_each_fence_unlocked - walk over what is still to be waited for
 * @cursor: set up by dma_resv_iter_begin(), to be given to dma_resv_iter_end()
 * @fence: the fence at hand; the cursor has a reference on it
 *
 * The lock isn't needed. Fences that have signalled are left out. When the
 * list of fences is replaced meanwhile, the walk begins again and
 * dma_resv_iter_is_restarted() tells so.
 */
#define dma_resv_for_each_fence_unlocked(cursor, fence)			\
	for ((fence) = dma_resv_iter_first_unlocked(cursor); (fence);	\
	     (fence) = dma_resv_iter_next_unlocked(cursor))

/**
 * dma_resv_for_each_fence - walk over fences under the lock
 * @cursor: a cursor; need not be set up
 * @obj: the reservation object, locked by the caller
 * @usage: the last class of fences to give out
 * @fence: the fence at hand; the object has a reference on it
 *
 * Fences that have signalled may be among them.
 */
#define dma_resv_for_each_fence(cursor, obj, usage, fence)		\
	for (dma_resv_iter_begin(cursor, obj, usage),			\
	     (fence) = dma_resv_iter_first(cursor); (fence);		\
	     (fence) = dma_resv_iter_next(cursor))

void dma_resv_init(struct dma_resv *obj);
void dma_resv_fini(struct dma_resv *obj);
int dma_resv_reserve_fences(struct dma_resv *obj, unsigned int num_fences);
void dma_resv_add_fence(struct dma_resv *obj, struct dma_fence *fence,
			enum dma_resv_usage usage);
void dma_resv_replace_fences(struct dma_resv *obj, uint64_t context,
			     struct dma_fence *fence,
			     enum dma_resv_usage usage);
int dma_resv_copy_fences(struct dma_resv *dst, struct dma_resv *src);
int dma_resv_get_fences(struct dma_resv *obj, enum dma_resv_usage usage,
			unsigned int *num_fences, struct dma_fence ***fences);
int dma_resv_get_singleton(struct dma_resv *obj, enum dma_resv_usage usage,
			   struct dma_fence **fence);
long dma_resv_wait_timeout(struct dma_resv *obj, enum dma_resv_usage usage,
			   bool intr, unsigned long timeout);
void dma_resv_set_deadline(struct dma_resv *obj, enum dma_resv_usage usage,
			   ktime_t deadline);
bool dma_resv_test_signaled(struct dma_resv *obj, enum dma_resv_usage usage);
void dma_resv_describe(struct dma_resv *obj, struct seq_file *seq);

#endif /* _LINUX_DMA_RESV_H */
