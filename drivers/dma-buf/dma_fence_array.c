// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arrays: a fixed set of fences that signals as one, once all members have
 * signalled or once any has.
 *
 * Until somebody asks to be told, an array only looks at its members.  When it
 * is armed it puts a callback on each of them, all together under a single
 * reference on the array.  num_pending tells who decides: the callback, or the
 * arming itself where members had signalled before, that takes it from
 * positive to zero or below.  Only that one goes on to signal the array and to
 * drop the reference, so both happen once.
 *
 * A callback runs under its member's lock.  The array's last reference may go
 * with its signal and take the members with it, locks and all, so a callback
 * leaves that to an irq_work.
 */
#include <linux/export.h>
#include <linux/overflow.h>
#include <linux/slab.h>

#include "dma_fence_container.h"

/* dma_fence_array.result before a member decided it; no error is positive. */
#define RESULT_OPEN	1

static struct lock_class_key array_lock_keys[DMA_FENCE_NESTING_MAX + 1];

/* For the ops, which are never of another fence. */
static struct dma_fence_array *array_of(struct dma_fence *fence)
{
	return container_of(fence, struct dma_fence_array, base);
}

static const char *array_driver_name(struct dma_fence *fence)
{
	return "dma_fence_array";
}

static const char *array_timeline_name(struct dma_fence *fence)
{
	return "unbound";
}

/* @fence, a member, has signalled.  Comes before num_pending is told. */
static void array_note_result(struct dma_fence_array *array,
			      struct dma_fence *fence)
{
	if (fence->error || array->signal_on_any)
		cmpxchg(&array->result, RESULT_OPEN, fence->error);
}

/*
 * The array is decided and about to signal.  More than one may come here, with
 * the same result; dma_fence_set_error() would complain of the second one.
 */
static void array_settle_error(struct dma_fence_array *array)
{
	int result = READ_ONCE(array->result);

	if (result < 0 && READ_ONCE(array->base.error) != result)
		WRITE_ONCE(array->base.error, result);
}

/*
 * Afterwards no callback is queued or running: each runs under its member's
 * lock, which taking it off needs too.
 */
static void array_disarm(struct dma_fence_array *array)
{
	unsigned int i;

	for (i = 0; i < array->num_fences; i++)
		dma_fence_remove_callback(array->fences[i],
					  &array->callbacks[i].cb);
}

static void array_signal_work(struct irq_work *work)
{
	struct dma_fence_array *array =
		container_of(work, struct dma_fence_array, work);

	/* Whoever polled the array may have signalled it first. */
	array_settle_error(array);
	dma_fence_signal(&array->base);

	/* The signal waited for the end of the arming: all are queued. */
	if (array->signal_on_any)
		array_disarm(array);
	dma_fence_put(&array->base);
}

static void array_member_signaled(struct dma_fence *fence,
				  struct dma_fence_cb *cb)
{
	struct dma_fence_array *array =
		container_of(cb, struct dma_fence_array_cb, cb)->array;

	array_note_result(array, fence);
	/* The array may be gone after this, unless it was for us to decide. */
	if (atomic_dec_and_test(&array->num_pending))
		irq_work_queue(&array->work);
}

/* The number of members that had signalled and so have no callback. */
static unsigned int array_arm(struct dma_fence_array *array)
{
	struct dma_fence_array_cb *cb = array->callbacks;
	unsigned int i, signaled = 0;

	for (i = 0; i < array->num_fences; i++, cb++) {
		struct dma_fence *fence = array->fences[i];

		cb->array = array;
		if (!dma_fence_add_callback(fence, &cb->cb,
					    array_member_signaled))
			continue;
		array_note_result(array, fence);
		signaled++;
	}
	return signaled;
}

/* Under the array's lock, with a reference of the caller's. */
static bool array_enable_signaling(struct dma_fence *fence)
{
	struct dma_fence_array *array = array_of(fence);
	int signaled, pending;

	if (!array->num_fences)
		return false;

	dma_fence_get(fence);
	signaled = array_arm(array);
	if (!signaled)
		return true;

	pending = atomic_fetch_sub(signaled, &array->num_pending);
	if (pending > signaled || pending <= 0)
		return true;

	/* No callback decided, nor ever will: it is for us. */
	array_settle_error(array);
	if (array->signal_on_any)
		array_disarm(array);
	dma_fence_put(fence);
	return false;
}

/* Whether members that nobody watches decide the array. */
static bool array_poll_members(struct dma_fence_array *array)
{
	unsigned int i;

	for (i = 0; i < array->num_fences; i++) {
		struct dma_fence *fence = array->fences[i];
		bool signaled = dma_fence_is_signaled(fence);

		if (signaled)
			array_note_result(array, fence);
		if (signaled == array->signal_on_any)
			return signaled;
	}
	return !array->signal_on_any;
}

/*
 * A result is noted before it counts in num_pending, and looked at after.  An
 * armed array that isn't decided will be told, so it needn't ask its members.
 */
static bool array_signaled(struct dma_fence *fence)
{
	struct dma_fence_array *array = array_of(fence);

	if (atomic_read_acquire(&array->num_pending) > 0 &&
	    (test_bit(DMA_FENCE_FLAG_ENABLE_SIGNAL_BIT, &fence->flags) ||
	     !array_poll_members(array)))
		return false;

	array_settle_error(array);
	return true;
}

static void array_set_deadline(struct dma_fence *fence, ktime_t deadline)
{
	struct dma_fence_array *array = array_of(fence);
	unsigned int i;

	for (i = 0; i < array->num_fences; i++)
		dma_fence_set_deadline(array->fences[i], deadline);
}

/* An armed array has a reference, so no callback is queued here. */
static void array_release(struct dma_fence *fence)
{
	struct dma_fence_array *array = array_of(fence);
	unsigned int i;

	for (i = 0; i < array->num_fences; i++)
		dma_fence_put(array->fences[i]);
	kfree(array->fences);
	dma_fence_free(fence);
}

/**
 * DOC: dma_fence_array_ops
 *
 * The ops of all arrays, by which dma_fence_is_array() knows one. Exported for that
 * alone.
 */
const struct dma_fence_ops dma_fence_array_ops = {
	.get_driver_name = array_driver_name,
	.get_timeline_name = array_timeline_name,
	.enable_signaling = array_enable_signaling,
	.signaled = array_signaled,
	.release = array_release,
	.set_deadline = array_set_deadline,
};
EXPORT_SYMBOL(dma_fence_array_ops);

/**
 * dma_fence_array_alloc - memory for an array
 * @num_fences: how many members it is for, at least 1
 *
 * It is for dma_fence_array_init(), or for kfree() if it comes to nothing.
 *
 * Context: Process context, may sleep.
 * Return: the memory, NULL when there is none or @num_fences isn't positive.
 */
struct dma_fence_array *dma_fence_array_alloc(int num_fences)
{
	struct dma_fence_array *array;

	if (WARN_ON(num_fences <= 0))
		return NULL;
	/* Who has that many fences merged is user space: no warning. */
	return kmalloc(struct_size(array, callbacks, num_fences),
		       GFP_KERNEL | __GFP_NOWARN);
}
EXPORT_SYMBOL(dma_fence_array_alloc);

/* How deep the members go.  Arrays would go on without end if they nested. */
static unsigned int members_nesting(unsigned int num_fences,
				    struct dma_fence **fences)
{
	unsigned int i, nesting = 0;

	for (i = 0; i < num_fences; i++) {
		WARN_ON(dma_fence_is_array(fences[i]));
		nesting = max(nesting, dma_fence_nesting(fences[i]));
	}
	return nesting;
}

/**
 * dma_fence_array_init - make an array of fences
 * @array: memory from dma_fence_array_alloc() for as many members or more
 * @num_fences: how many members, at least 1
 * @fences: kmalloc'ed list of the members; no array is among them
 * @context: fence context of the array
 * @seqno: its place in @context
 * @signal_on_any: signal with the first member instead of with the last one
 *
 * The array takes over @fences and the reference on each member.  It ends with
 * the error of the first member that failed; if it signals on any, with the
 * status of the one that it signalled for.
 *
 * Context: Any.
 */
void dma_fence_array_init(struct dma_fence_array *array, int num_fences,
			  struct dma_fence **fences, u64 context,
			  unsigned int seqno, bool signal_on_any)
{
	if (WARN_ON(num_fences <= 0 || !fences))
		num_fences = 0;

	array->num_fences = num_fences;
	array->fences = fences;
	array->result = RESULT_OPEN;
	array->signal_on_any = signal_on_any;
	array->nesting = dma_fence_nesting_above(members_nesting(num_fences,
								 fences));
	atomic_set(&array->num_pending,
		   signal_on_any ? min(num_fences, 1) : num_fences);
	init_irq_work(&array->work, array_signal_work);

	spin_lock_init(&array->lock);
	lockdep_set_class_and_name(&array->lock,
				   &array_lock_keys[array->nesting],
				   "dma_fence_array");
	dma_fence_init(&array->base, &dma_fence_array_ops, &array->lock,
		       context, seqno);
}
EXPORT_SYMBOL(dma_fence_array_init);

/**
 * dma_fence_array_create - allocate and make an array of fences
 * @num_fences: how many members, at least 1
 * @fences: kmalloc'ed list of the members; no array is among them
 * @context: fence context of the array
 * @seqno: its place in @context
 * @signal_on_any: signal with the first member instead of with the last one
 *
 * See dma_fence_array_init().
 *
 * Context: Process context, may sleep.
 * Return: the array, with one reference; NULL when there is no memory, and
 * then @fences is still the caller's.
 */
struct dma_fence_array *
dma_fence_array_create(int num_fences, struct dma_fence **fences, u64 context,
		       unsigned int seqno, bool signal_on_any)
{
	struct dma_fence_array *array = dma_fence_array_alloc(num_fences);

	if (array)
		dma_fence_array_init(array, num_fences, fences, context, seqno,
				     signal_on_any);
	return array;
}
EXPORT_SYMBOL(dma_fence_array_create);

/**
 * dma_fence_match_context - see if nothing but one context is behind a fence
 * @fence: a fence, perhaps an array
 * @context: the context to look for
 *
 * Context: Any.
 * Return: true when @fence, or each member if it is an array, is of @context.
 */
bool dma_fence_match_context(struct dma_fence *fence, u64 context)
{
	struct dma_fence *member;
	unsigned int i;

	dma_fence_array_for_each(member, i, fence) {
		if (member->context != context)
			return false;
	}
	return true;
}
EXPORT_SYMBOL(dma_fence_match_context);

/**
 * dma_fence_array_first - begin a walk over an array
 * @head: array, any other fence, or NULL
 *
 * See dma_fence_array_for_each().
 *
 * Context: Any, with a reference on @head.
 * Return: the first member, @head itself when it is no array, NULL when there
 * is none.  It comes without a reference of its own.
 */
struct dma_fence *dma_fence_array_first(struct dma_fence *head)
{
	struct dma_fence_array *array = to_dma_fence_array(head);

	if (!array)
		return head;
	return array->num_fences ? array->fences[0] : NULL;
}
EXPORT_SYMBOL(dma_fence_array_first);

/**
 * dma_fence_array_next - go on in a walk over an array
 * @head: what dma_fence_array_first() got
 * @index: which member is next
 *
 * Context: Any, with a reference on @head.
 * Return: that member, without a reference of its own; NULL after the last.
 */
struct dma_fence *dma_fence_array_next(struct dma_fence *head,
				       unsigned int index)
{
	return dma_fence_array_member(head, index);
}
EXPORT_SYMBOL(dma_fence_array_next);
