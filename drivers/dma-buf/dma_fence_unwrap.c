// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is inside of containers, and the merging of it into one fence.
 *
 * A walk goes through the links of a chain and through the members of each
 * array in a link.  If it begins at an array, it goes through the chains among
 * the members as well.  What is deeper is shown as the container it is, which
 * stands for the same.
 */
#include <linux/dma-fence-unwrap.h>
#include <linux/export.h>
#include <linux/ktime.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "dma_fence_container.h"

/* To look at @chain, whose reference the cursor takes over. */
static struct dma_fence *unwrap_enter(struct dma_fence_unwrap *cursor,
				      struct dma_fence *chain)
{
	cursor->chain = chain;
	cursor->array = dma_fence_chain_contained(chain);
	cursor->index = 0;
	return dma_fence_array_first(cursor->array);
}

/* From @chain, a member of the array that the walk began at, into it. */
static struct dma_fence *unwrap_descend(struct dma_fence_unwrap *cursor,
					struct dma_fence *chain)
{
	cursor->outer_index = cursor->index;
	dma_fence_get(chain);
	/* Not the last one: the caller's lasts as long as the walk. */
	dma_fence_put(cursor->chain);
	return unwrap_enter(cursor, chain);
}

static bool unwrap_descended(struct dma_fence_unwrap *cursor)
{
	return cursor->outer && cursor->outer != cursor->array;
}

/* Out of a chain, to the next member of the array that the walk began at. */
static struct dma_fence *unwrap_ascend(struct dma_fence_unwrap *cursor)
{
	cursor->chain = dma_fence_get(cursor->outer);
	cursor->array = cursor->outer;
	cursor->index = cursor->outer_index + 1;
	return dma_fence_array_member(cursor->array, cursor->index);
}

/*
 * The fence to show when @fence is what the cursor came to: a container, or
 * NULL at the end of an array.
 */
static noinline struct dma_fence *unwrap_turn(struct dma_fence_unwrap *cursor,
					      struct dma_fence *fence)
{
	for (;;) {
		struct dma_fence *link;

		if (fence && dma_fence_is_chain(fence) &&
		    cursor->outer == cursor->array) {
			fence = unwrap_descend(cursor, fence);
			continue;
		}
		if (fence)
			return fence;

		link = dma_fence_chain_walk(cursor->chain);
		cursor->chain = NULL;
		if (link)
			fence = unwrap_enter(cursor, link);
		else if (unwrap_descended(cursor))
			fence = unwrap_ascend(cursor);
		else
			return NULL;
	}
}

static struct dma_fence *unwrap_show(struct dma_fence_unwrap *cursor,
				     struct dma_fence *fence)
{
	if (likely(fence && !dma_fence_is_chain(fence)))
		return fence;
	return unwrap_turn(cursor, fence);
}

/**
 * dma_fence_unwrap_first - begin a walk over all that a fence contains
 * @head: a chain, an array, any other fence, or NULL; the caller's reference
 *	lasts until the end of the walk
 * @cursor: filled in
 *
 * See dma_fence_unwrap_for_each().  Links of a chain behind the first one that
 * have signalled leave the chain and aren't shown.
 *
 * Context: Any in which @head may be put.
 * Return: the first fence, without a reference of its own; NULL when there is
 * none.
 */
struct dma_fence *dma_fence_unwrap_first(struct dma_fence *head,
					 struct dma_fence_unwrap *cursor)
{
	*cursor = (struct dma_fence_unwrap){};
	if (!head)
		return NULL;

	if (dma_fence_is_array(head))
		cursor->outer = head;
	return unwrap_show(cursor, unwrap_enter(cursor, dma_fence_get(head)));
}
EXPORT_SYMBOL_GPL(dma_fence_unwrap_first);

/**
 * dma_fence_unwrap_next - go on in a walk over all that a fence contains
 * @cursor: where it is; it hasn't been at the end yet
 *
 * Context: Any in which the fence the walk began at may be put.
 * Return: the next fence, without a reference of its own; NULL at the end,
 * when the cursor has no references any more.
 */
struct dma_fence *dma_fence_unwrap_next(struct dma_fence_unwrap *cursor)
{
	return unwrap_show(cursor, dma_fence_array_member(cursor->array,
							  ++cursor->index));
}
EXPORT_SYMBOL_GPL(dma_fence_unwrap_next);

/*
 * Merging
 */

/* As many fences need no memory but the stack to be sorted. */
#define FEW_FENCES	8

/**
 * struct fence_set - fences on their way into one
 * @fences: with a reference each; @few or kmalloc'ed
 * @num: how many
 * @room: how many @fences has room for
 * @signaled_at: latest timestamp of those left out because they had signalled
 * @few: room for the common case
 */
struct fence_set {
	struct dma_fence **fences;
	unsigned int num;
	unsigned int room;
	ktime_t signaled_at;
	struct dma_fence *few[FEW_FENCES];
};

/* Whether there is room for @room fences now. */
static bool set_make_room(struct fence_set *set, unsigned int room)
{
	struct dma_fence **fences;

	if (room <= set->room)
		return true;

	/* Who has that many fences merged is user space: no warning. */
	fences = kmalloc_array(room, sizeof(*fences),
			       GFP_KERNEL | __GFP_NOWARN);
	if (!fences)
		return false;
	memcpy(fences, set->fences, set->num * sizeof(*fences));
	if (set->fences != set->few)
		kfree(set->fences);
	set->fences = fences;
	set->room = room;
	return true;
}

/* Lets go of the memory, with no fences in it any more. */
static void set_free(struct fence_set *set)
{
	if (set->fences != set->few)
		kfree(set->fences);
}

static void set_drop(struct fence_set *set)
{
	while (set->num)
		dma_fence_put(set->fences[--set->num]);
	set_free(set);
}

/* Room for what is in @heads; only a guess where there are chains. */
static unsigned int room_for(struct dma_fence **heads, unsigned int num_heads)
{
	unsigned int i, room = 0;

	for (i = 0; i < num_heads; i++) {
		struct dma_fence_array *array = to_dma_fence_array(heads[i]);

		room += array ? array->num_fences : 1;
	}
	return room;
}

/* Adds what is in @head and hasn't signalled.  False: no memory. */
static bool set_collect(struct fence_set *set, struct dma_fence *head,
			struct dma_fence_unwrap *cursor)
{
	struct dma_fence *fence;

	dma_fence_unwrap_for_each(fence, cursor, head) {
		if (dma_fence_is_signaled(fence)) {
			set->signaled_at = max(set->signaled_at,
					       dma_fence_timestamp(fence));
			continue;
		}
		if (unlikely(set->num == set->room) &&
		    !set_make_room(set, 2 * set->room)) {
			dma_fence_put(cursor->chain);
			return false;
		}
		set->fences[set->num++] = dma_fence_get(fence);
	}
	return true;
}

/* The end of the run, ascending by context, that begins at @fence. */
static struct dma_fence **run_end(struct dma_fence **fence,
				  struct dma_fence **end)
{
	u64 context;

	if (fence == end)
		return end;
	context = (*fence)->context;
	while (++fence < end && (*fence)->context >= context)
		context = (*fence)->context;
	return fence;
}

/* Merges the runs @a to @b and @b to @end. */
static void merge_two_runs(struct dma_fence **to, struct dma_fence **a,
			   struct dma_fence **b, struct dma_fence **end)
{
	struct dma_fence **a_end = b;

	while (a < a_end && b < end)
		*to++ = (*b)->context < (*a)->context ? *b++ : *a++;
	while (a < a_end)
		*to++ = *a++;
	while (b < end)
		*to++ = *b++;
}

/* Merges runs two by two.  Returns how many that made. */
static unsigned int merge_runs(struct dma_fence **to, struct dma_fence **from,
			       unsigned int num)
{
	struct dma_fence **end = from + num;
	unsigned int runs = 0;

	while (from < end) {
		struct dma_fence **b = run_end(from, end);
		struct dma_fence **next = run_end(b, end);

		merge_two_runs(to, from, b, next);
		to += next - from;
		from = next;
		runs++;
	}
	return runs;
}

/* Returns which of @fences and @scratch, which is as large, has the result. */
static struct dma_fence **sort_runs(struct dma_fence **fences,
				    struct dma_fence **scratch,
				    unsigned int num)
{
	while (merge_runs(scratch, fences, num) > 1)
		swap(fences, scratch);
	return scratch;
}

static void set_sort_few(struct fence_set *set)
{
	struct dma_fence *scratch[FEW_FENCES], **sorted;

	sorted = sort_runs(set->fences, scratch, set->num);
	if (sorted == scratch)
		memcpy(set->fences, scratch, set->num * sizeof(*scratch));
}

/* False: no memory. */
static bool set_sort_many(struct fence_set *set)
{
	struct dma_fence **scratch, **sorted;

	scratch = kmalloc_array(set->num, sizeof(*scratch),
				GFP_KERNEL | __GFP_NOWARN);
	if (!scratch)
		return false;

	sorted = sort_runs(set->fences, scratch, set->num);
	if (sorted == scratch) {
		scratch = set->fences;
		set->fences = sorted;
		set->room = set->num;
	}
	kfree(scratch);
	return true;
}

/*
 * By context.  What comes from arrays is in order already, or in a few runs
 * that are: it takes a pass to see that, and the logarithm of the number of
 * runs otherwise.  False: no memory.
 */
static bool set_sort(struct fence_set *set)
{
	struct dma_fence **end = set->fences + set->num;

	if (run_end(set->fences, end) == end)
		return true;
	if (set->num > FEW_FENCES)
		return set_sort_many(set);
	set_sort_few(set);
	return true;
}

/* Of each context only the latest stays; @set is sorted. */
static void set_drop_earlier(struct fence_set *set)
{
	struct dma_fence **last = set->fences;
	unsigned int i;

	for (i = 1; i < set->num; i++) {
		struct dma_fence *fence = set->fences[i];

		if ((*last)->context != fence->context) {
			*++last = fence;
			continue;
		}
		if (dma_fence_is_later(fence, *last))
			swap(*last, fence);
		dma_fence_put(fence);
	}
	set->num = last - set->fences + 1;
}

/* An array of the @set, which is gone afterwards.  NULL: no memory. */
static struct dma_fence *set_to_array(struct fence_set *set)
{
	struct dma_fence_array *array;

	/* An array owns its list of fences, so that can't be on the stack. */
	if (set->fences == set->few && !set_make_room(set, FEW_FENCES + 1))
		goto no_memory;

	array = dma_fence_array_create(set->num, set->fences,
				       dma_fence_context_alloc(1), 1, false);
	if (array)
		return &array->base;
no_memory:
	set_drop(set);
	return NULL;
}

/* One fence for the @set, which is gone afterwards.  NULL: no memory. */
static struct dma_fence *set_to_fence(struct fence_set *set)
{
	struct dma_fence *fence;

	if (set->num && !set_sort(set)) {
		set_drop(set);
		return NULL;
	}
	if (set->num > 1)
		set_drop_earlier(set);
	if (set->num > 1)
		return set_to_array(set);

	if (set->num)
		fence = set->fences[0];
	else
		fence = dma_fence_allocate_private_stub(set->signaled_at);
	set_free(set);
	return fence;
}

/**
 * __dma_fence_unwrap_merge - one fence for all that some fences contain
 * @num_fences: how many
 * @fences: plain fences and containers, in any order, or NULL pointers; the
 *	references stay the caller's
 * @cursors: room for a walk over each
 *
 * See dma_fence_unwrap_merge(), which brings the cursors.
 *
 * Context: Process context, may sleep.
 * Return: with a reference, what signals once all did. Of each context only
 * the latest fence is waited for, and none that has signalled. If one is left,
 * it is that one; if more are, an array of a new context, in the order of
 * their contexts; if none is, a fence that signalled when the last one did.
 * NULL when there is no memory.
 */
struct dma_fence *__dma_fence_unwrap_merge(unsigned int num_fences,
					   struct dma_fence **fences,
					   struct dma_fence_unwrap *cursors)
{
	struct fence_set set;
	unsigned int i;

	set.fences = set.few;
	set.num = 0;
	set.room = FEW_FENCES;
	set.signaled_at = 0;
	if (!set_make_room(&set, room_for(fences, num_fences)))
		return NULL;

	for (i = 0; i < num_fences; i++) {
		if (!set_collect(&set, fences[i], &cursors[i])) {
			set_drop(&set);
			return NULL;
		}
	}
	return set_to_fence(&set);
}
EXPORT_SYMBOL_GPL(__dma_fence_unwrap_merge);
