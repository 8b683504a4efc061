// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reservation objects: all that reads the list of fences.
 *
 * An object to which no fence was ever added is told by one load.  Where many
 * fences are read at once it is in one RCU section, and references are taken on
 * those only that are handed out.
 */
#include <linux/export.h>
#include <linux/cleanup.h>
#include <linux/dma-fence-array.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "dma_resv_private.h"

/*
 * One by one, without the lock
 */

/* Lets the walk begin (again) with the list that the object has now. */
static __always_inline void cursor_rewind(struct dma_resv_iter *cursor,
					  struct dma_resv_list *list)
{
	cursor->fences = list;
	cursor->num_fences = dma_resv_list_num(list);
	cursor->generation = list ? list->generation : 0;
	cursor->index = 0;
	cursor->is_restarted = true;
}

/*
 * Whether @list, which the object has now, is still the one that the cursor is
 * at.  If not, that one may be memory of something else.
 */
static __always_inline bool cursor_is_at(struct dma_resv_iter *cursor,
					 struct dma_resv_list *list)
{
	return list == cursor->fences && list->generation == cursor->generation;
}

static __always_inline void cursor_settle(struct dma_resv_iter *cursor,
					  struct dma_fence *fence,
					  unsigned long slot)
{
	cursor->fence = fence;
	cursor->fence_usage = slot_usage(slot);
}

/* Goes on to the next fence, starting anew as often as it takes. */
static struct dma_fence *cursor_advance(struct dma_resv_iter *cursor)
{
	for (;;) {
		struct dma_resv_list *list = cursor->fences;
		struct dma_fence *fence = NULL;
		u32 index = cursor->index;
		unsigned long slot = 0;

		while (!fence && index < cursor->num_fences)
			fence = dma_resv_slot_get(list, index++, cursor->usage,
						  &slot);
		cursor->index = index;
		cursor_settle(cursor, fence, slot);
		if (likely(rcu_access_pointer(cursor->obj->fences) == list))
			return fence;
		dma_fence_put(fence);
		cursor_rewind(cursor, rcu_dereference(cursor->obj->fences));
	}
}

/* Whatever a step may meet. Drops a reference that was taken before. */
static noinline struct dma_fence *step_slowly(struct dma_resv_iter *cursor,
					      struct dma_fence *taken)
{
	struct dma_resv_list *list;

	dma_fence_put(taken);
	guard(rcu)();
	list = rcu_dereference(cursor->obj->fences);
	if (!list || !cursor_is_at(cursor, list))
		cursor_rewind(cursor, list);
	return cursor_advance(cursor);
}

/* To a fence of which only its driver knows whether it has signalled. */
static noinline struct dma_fence *step_asking(struct dma_resv_iter *cursor)
{
	if (dma_fence_is_signaled(cursor->fence))
		return step_slowly(cursor, cursor->fence);
	cursor->index++;
	return cursor->fence;
}

/* Where a step leads to. Nowhere yet: step_slowly() has to be called. */
enum step { TO_FENCE, TO_END, NOWHERE };

/*
 * The usual step, which is all the work of a walk over many fences: to the end,
 * or to the next slot if its fence is wanted and not known to have signalled.
 * It makes no call.
 *
 * The reference in *@taken is the caller's, NULL if there is none.
 */
static __always_inline enum step step_quickly(struct dma_resv_iter *cursor,
					      struct dma_resv_list *list,
					      struct dma_fence **taken)
{
	struct dma_resv_entry *entry;
	struct dma_fence *fence;
	unsigned long slot;

	if (cursor->index >= cursor->num_fences)
		return TO_END;

	entry = &list->entries[cursor->index];
	slot = READ_ONCE(entry->slot);
	fence = slot_fence(slot);
	if (slot_usage(slot) > cursor->usage || fence_flagged(fence) ||
	    !fence_get_quickly(fence))
		return NOWHERE;

	*taken = fence;
	if (unlikely(!slot_still_holds(&entry->slot, slot)))
		return NOWHERE;
	cursor_settle(cursor, fence, slot);
	return TO_FENCE;
}

/* What comes after step_quickly(). */
static __always_inline struct dma_fence *
step_end(struct dma_resv_iter *cursor, enum step step, struct dma_fence *taken)
{
	if (unlikely(step == NOWHERE))
		return step_slowly(cursor, taken);
	if (step == TO_END) {
		cursor->fence = NULL;
		return NULL;
	}
	if (unlikely(taken->ops->signaled))
		return step_asking(cursor);
	cursor->index++;
	return taken;
}

/**
 * dma_resv_iter_first_unlocked - begin a walk without the lock
 * @cursor: set up by dma_resv_iter_begin()
 *
 * What dma_resv_for_each_fence_unlocked() begins with.
 *
 * Context: Any in which fences may be asked whether they have signalled.
 *
 * Return: the first fence that hasn't signalled, on which the cursor has a
 * reference, or NULL without such a fence.
 */
struct dma_fence *dma_resv_iter_first_unlocked(struct dma_resv_iter *cursor)
{
	struct dma_fence *taken = NULL;
	struct dma_resv_list *list;
	enum step step;

	dma_fence_put(cursor->fence);

	/* In line, unlike rcu_read_lock(). Nothing in between may sleep on RT. */
	rcu_read_lock_sched();
	list = rcu_dereference_sched(cursor->obj->fences);
	cursor_rewind(cursor, list);
	step = step_quickly(cursor, list, &taken);
	rcu_read_unlock_sched();

	return step_end(cursor, step, taken);
}
EXPORT_SYMBOL(dma_resv_iter_first_unlocked);

/**
 * dma_resv_iter_next_unlocked - go on in a walk without the lock
 * @cursor: at a fence; the reference on it is dropped
 *
 * Context: Any in which fences may be asked whether they have signalled.
 *
 * Return: the next fence that hasn't signalled, on which the cursor has a
 * reference, or NULL after the last one. It is the first one again when
 * dma_resv_iter_is_restarted() says so.
 */
struct dma_fence *dma_resv_iter_next_unlocked(struct dma_resv_iter *cursor)
{
	struct dma_fence *fence = cursor->fence, *taken = NULL;
	struct dma_resv_list *list;
	enum step step = NOWHERE;

	cursor->is_restarted = false;
	if (unlikely(!fence || !fence_put_quickly(fence)))
		return step_slowly(cursor, fence);

	rcu_read_lock_sched();
	list = rcu_dereference_sched(cursor->obj->fences);
	if (likely(cursor_is_at(cursor, list)))
		step = step_quickly(cursor, list, &taken);
	rcu_read_unlock_sched();

	return step_end(cursor, step, taken);
}
EXPORT_SYMBOL(dma_resv_iter_next_unlocked);

/*
 * One by one, under the lock
 */

static __always_inline struct dma_fence *
locked_advance(struct dma_resv_iter *cursor, struct dma_resv_list *list)
{
	while (cursor->index < list->num) {
		unsigned long slot = list->entries[cursor->index++].slot;

		if (!slot_is_vacant(slot) && slot_usage(slot) <= cursor->usage) {
			cursor->fence_usage = slot_usage(slot);
			return slot_fence(slot);
		}
	}
	return NULL;
}

/**
 * dma_resv_iter_first - begin a walk under the lock
 * @cursor: set up by dma_resv_iter_begin()
 *
 * What dma_resv_for_each_fence() begins with.
 *
 * Context: The reservation lock, up to the end of the walk.
 *
 * Return: the first fence, signalled or not, on which the object has the
 * reference, or NULL without fences.
 */
struct dma_fence *dma_resv_iter_first(struct dma_resv_iter *cursor)
{
	struct dma_resv_list *list = dma_resv_locked_list(cursor->obj);

	dma_resv_assert_held(cursor->obj);
	cursor->index = 0;
	cursor->is_restarted = true;
	return list ? locked_advance(cursor, list) : NULL;
}
EXPORT_SYMBOL_GPL(dma_resv_iter_first);

/**
 * dma_resv_iter_next - go on in a walk under the lock
 * @cursor: at a fence, which may have been replaced meanwhile
 *
 * Context: The reservation lock, up to the end of the walk.
 *
 * Return: the next fence, signalled or not, on which the object has the
 * reference, or NULL after the last one.
 */
struct dma_fence *dma_resv_iter_next(struct dma_resv_iter *cursor)
{
	dma_resv_assert_held(cursor->obj);
	cursor->is_restarted = false;
	/* A list doesn't go without another one in its place. */
	return locked_advance(cursor, dma_resv_locked_list(cursor->obj));
}
EXPORT_SYMBOL_GPL(dma_resv_iter_next);

/*
 * All at once
 */

/**
 * dma_resv_num_slots - how many fences there are at most
 * @obj: the reservation object, locked or not
 *
 * Context: Any but NMI.
 *
 * Return: the number of slots to look at, unless the list grows.
 */
u32 dma_resv_num_slots(struct dma_resv *obj)
{
	guard(rcu)();
	return dma_resv_list_num(rcu_dereference(obj->fences));
}

/**
 * struct fence_set - fences taken from a reservation object
 * @fences: an array of the set's own, or @few. With a reference on each fence
 * @count: how many there are in it
 * @few: spares most sets the allocation
 */
struct fence_set {
	struct dma_fence **fences;
	u32 count;
	struct dma_fence *few[8];
};

static void set_release(struct fence_set *set)
{
	while (set->count)
		dma_fence_put(set->fences[--set->count]);
	if (set->fences != set->few)
		kfree(set->fences);
}

/* False when the list was replaced in the end, or has more than @room. */
static bool set_try_fill(struct fence_set *set, u32 room, struct dma_resv *obj,
			 enum dma_resv_usage usage)
{
	struct dma_resv_list *list;
	struct dma_fence *fence;
	unsigned long slot;
	u32 i, num;

	guard(rcu)();
	list = rcu_dereference(obj->fences);
	num = dma_resv_list_num(list);
	for (i = 0; i < num; i++) {
		fence = dma_resv_slot_get(list, i, usage, &slot);
		if (!fence)
			continue;
		if (unlikely(set->count == room)) {
			dma_fence_put(fence);
			return false;
		}
		set->fences[set->count++] = fence;
	}
	return rcu_access_pointer(obj->fences) == list;
}

/*
 * Takes all fences that haven't signalled: 0, or -ENOMEM and there is nothing
 * to be released.
 */
static int set_fill(struct fence_set *set, struct dma_resv *obj,
		    enum dma_resv_usage usage)
{
	u32 room = ARRAY_SIZE(set->few);

	set->count = 0;
	set->fences = set->few;
	while (!set_try_fill(set, room, obj, usage)) {
		set_release(set);
		set->fences = set->few;
		room = max_t(u32, ARRAY_SIZE(set->few), dma_resv_num_slots(obj));
		if (room > ARRAY_SIZE(set->few)) {
			/* Who added that many is user space: no warning. */
			set->fences = kmalloc_array(room, sizeof(*set->fences),
						    GFP_KERNEL | __GFP_NOWARN);
			if (!set->fences)
				return -ENOMEM;
		}
	}
	return 0;
}

/*
 * Makes the array one that the caller may keep: 0, or -ENOMEM and the set has
 * been released.
 */
static int set_detach(struct fence_set *set)
{
	struct dma_fence **fences;

	if (set->fences != set->few)
		return 0;
	fences = kmemdup(set->few, set->count * sizeof(*fences), GFP_KERNEL);
	if (!fences) {
		set_release(set);
		return -ENOMEM;
	}
	set->fences = fences;
	return 0;
}

/**
 * dma_resv_get_fences - take all fences that are still to be waited for
 * @obj: the reservation object, locked or not
 * @usage: last class of fences to take
 * @num_fences: how many there are
 * @fences: an array of them, with a reference on each; the caller drops those
 *	and frees it with kfree(). NULL when there is none
 *
 * Context: Process context, may sleep.
 *
 * Return: 0 or -ENOMEM, and then @num_fences is 0 and @fences NULL.
 */
int dma_resv_get_fences(struct dma_resv *obj, enum dma_resv_usage usage,
			unsigned int *num_fences, struct dma_fence ***fences)
{
	struct fence_set set;
	int err;

	*num_fences = 0;
	*fences = NULL;
	if (!rcu_access_pointer(obj->fences))
		return 0;

	err = set_fill(&set, obj, usage);
	if (err)
		return err;
	if (!set.count) {
		set_release(&set);
		return 0;
	}
	err = set_detach(&set);
	if (err)
		return err;
	*num_fences = set.count;
	*fences = set.fences;
	return 0;
}
EXPORT_SYMBOL_GPL(dma_resv_get_fences);

/* A fence that waits for two or more, and takes them over: NULL without memory. */
static struct dma_fence *set_to_array(struct fence_set *set)
{
	struct dma_fence_array *array;

	if (set_detach(set))
		return NULL;
	array = dma_fence_array_create(set->count, set->fences,
				       dma_fence_context_alloc(1), 1, false);
	if (!array) {
		set_release(set);
		return NULL;
	}
	return &array->base;
}

/**
 * dma_resv_get_singleton - take one fence that stands for all
 * @obj: the reservation object, locked or not
 * @usage: last class of fences to wait for
 * @fence: signals once all of them have, referenced; NULL when they have
 *
 * It may be an array, so it must not be added to a reservation object.
 *
 * Context: Process context, may sleep.
 *
 * Return: 0 or -ENOMEM, and then @fence is NULL.
 */
int dma_resv_get_singleton(struct dma_resv *obj, enum dma_resv_usage usage,
			   struct dma_fence **fence)
{
	struct fence_set set;
	int err;

	*fence = NULL;
	if (!rcu_access_pointer(obj->fences))
		return 0;

	err = set_fill(&set, obj, usage);
	if (err)
		return err;
	if (set.count > 1) {
		*fence = set_to_array(&set);
		return *fence ? 0 : -ENOMEM;
	}
	if (set.count)
		*fence = set.fences[--set.count];
	set_release(&set);
	return 0;
}
EXPORT_SYMBOL_GPL(dma_resv_get_singleton);

/*
 * Questions
 */

/* What can be said without asking a driver. */
enum flagged { SIGNALED, UNSIGNALED, UNSURE };

/* Whoever must not take long says how many slots may be looked at. */
static __always_inline enum flagged ask_flags(struct dma_resv *obj,
					      enum dma_resv_usage usage,
					      u32 limit)
{
	const struct dma_fence_ops *ops = NULL;
	struct dma_resv_entry *entry, *end;
	struct dma_resv_list *list;
	u32 seq, num;

	guard(rcu)();
	list = rcu_dereference(obj->fences);
	if (unlikely(!list))
		return SIGNALED;
	/* Pairs with list_exchange(), which counts what has left its slot. */
	seq = smp_load_acquire(&list->seq);
	num = dma_resv_list_num(list);
	if (unlikely(num > limit))
		return UNSURE;
	end = list->entries + num;
	for (entry = list->entries; entry < end; entry++) {
		unsigned long slot = READ_ONCE(entry->slot);
		struct dma_fence *fence = slot_fence(slot);

		if (slot_usage(slot) <= usage && !fence_flagged(fence)) {
			/* It may be another fence's by now, which shows below. */
			ops = data_race(READ_ONCE(fence->ops));
			break;
		}
	}
	/* No fence has left meanwhile, so all of this was that of our fences. */
	smp_rmb();
	if (unlikely(READ_ONCE(list->seq) != seq ||
		     rcu_access_pointer(obj->fences) != list))
		return UNSURE;
	if (entry == end)
		return SIGNALED;
	return ops->signaled ? UNSURE : UNSIGNALED;
}

/**
 * dma_resv_flagged_signaled - whether fences say by themselves that they are over
 * @obj: the reservation object, locked or not
 * @usage: last class of fences to look at
 * @limit: the most slots to look at; those of fences that have signalled count
 *	as well
 *
 * Asks no driver and takes no lock or reference, so that a fence's callback may
 * look at the others.
 *
 * Context: Any but NMI, under a fence's lock as well.
 *
 * Return: true when all have signalled; false may also mean that a driver has
 * to be asked, or that there are more than @limit.
 */
bool dma_resv_flagged_signaled(struct dma_resv *obj, enum dma_resv_usage usage,
			       u32 limit)
{
	return !rcu_access_pointer(obj->fences) ||
	       ask_flags(obj, usage, limit) == SIGNALED;
}

static noinline bool none_unsignaled(struct dma_resv *obj,
				     enum dma_resv_usage usage)
{
	struct dma_resv_iter cursor;
	bool none;

	dma_resv_iter_begin(&cursor, obj, usage);
	none = !dma_resv_iter_first_unlocked(&cursor);
	dma_resv_iter_end(&cursor);
	return none;
}

/**
 * dma_resv_test_signaled - whether there is nothing left to wait for
 * @obj: the reservation object, locked or not
 * @usage: last class of fences to ask
 *
 * Context: Any in which fences may be asked whether they have signalled.
 *
 * Return: true when all have signalled.
 */
bool dma_resv_test_signaled(struct dma_resv *obj, enum dma_resv_usage usage)
{
	enum flagged flagged;

	if (!rcu_access_pointer(obj->fences))
		return true;
	flagged = ask_flags(obj, usage, U32_MAX);
	if (unlikely(flagged == UNSURE))
		return none_unsignaled(obj, usage);
	return flagged == SIGNALED;
}
EXPORT_SYMBOL_GPL(dma_resv_test_signaled);

static noinline long wait_for_fences(struct dma_resv *obj,
				     enum dma_resv_usage usage, bool intr,
				     unsigned long timeout)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	long left = timeout ?: 1;

	dma_resv_iter_begin(&cursor, obj, usage);
	dma_resv_for_each_fence_unlocked(&cursor, fence) {
		left = dma_fence_wait_timeout(fence, intr, timeout);
		if (left <= 0)
			break;
		/* Who doesn't want to wait gets 1, which isn't time to spend. */
		if (timeout)
			timeout = left;
	}
	dma_resv_iter_end(&cursor);
	return left;
}

/**
 * dma_resv_wait_timeout - wait until all fences have signalled
 * @obj: the reservation object, locked or not
 * @usage: last class of fences to wait for
 * @intr: whether a signal ends the wait
 * @timeout: in jiffies; 0 to just look
 *
 * Fences that are added meanwhile may or may not be waited for.
 *
 * Context: Process context, may sleep.
 *
 * Return: what is left of @timeout, at least 1; 0 when it wasn't enough, or
 * -ERESTARTSYS when a signal came.
 */
long dma_resv_wait_timeout(struct dma_resv *obj, enum dma_resv_usage usage,
			   bool intr, unsigned long timeout)
{
	if (dma_resv_flagged_signaled(obj, usage, U32_MAX))
		return timeout ?: 1;
	return wait_for_fences(obj, usage, intr, timeout);
}
EXPORT_SYMBOL_GPL(dma_resv_wait_timeout);

/**
 * dma_resv_set_deadline - tell all fences by when they are wanted
 * @obj: the reservation object, locked or not
 * @usage: last class of fences to tell
 * @deadline: in CLOCK_MONOTONIC
 *
 * Context: Any in which a deadline may be set for the fences.
 */
void dma_resv_set_deadline(struct dma_resv *obj, enum dma_resv_usage usage,
			   ktime_t deadline)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;

	dma_resv_iter_begin(&cursor, obj, usage);
	dma_resv_for_each_fence_unlocked(&cursor, fence)
		dma_fence_set_deadline(fence, deadline);
	dma_resv_iter_end(&cursor);
}
EXPORT_SYMBOL_GPL(dma_resv_set_deadline);

static void describe_slot(struct dma_resv_entry *entry, struct seq_file *seq)
{
	static const char * const usages[] = {
		[DMA_RESV_USAGE_KERNEL] = "kernel",
		[DMA_RESV_USAGE_WRITE] = "write",
		[DMA_RESV_USAGE_READ] = "read",
		[DMA_RESV_USAGE_BOOKKEEP] = "bookkeep",
	};
	unsigned long slot = READ_ONCE(entry->slot);
	struct dma_fence *fence = slot_fence(slot);

	if (slot_is_vacant(slot) || !dma_fence_get_rcu(fence))
		return;
	if (slot_still_holds(&entry->slot, slot)) {
		seq_printf(seq, "\t%s fence: ", usages[slot_usage(slot)]);
		dma_fence_describe(fence, seq);
	}
	dma_fence_put(fence);
}

/**
 * dma_resv_describe - print a line on each fence
 * @obj: the reservation object
 * @seq: where to print
 *
 * Fences that have signalled are shown, too.  Without the lock some may be
 * missing that are being replaced.
 *
 * Context: Any in which fences may be described; the reservation lock, or not.
 */
void dma_resv_describe(struct dma_resv *obj, struct seq_file *seq)
{
	struct dma_resv_list *list;
	u32 i, num;

	guard(rcu)();
	list = rcu_dereference(obj->fences);
	num = dma_resv_list_num(list);
	for (i = 0; i < num && rcu_access_pointer(obj->fences) == list; i++)
		describe_slot(&list->entries[i], seq);
}
EXPORT_SYMBOL_GPL(dma_resv_describe);
