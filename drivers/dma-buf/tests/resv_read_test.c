// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reservation objects: who asks for which fences gets them, under the lock and
 * without it, and in the end has no reference left.
 */
#include <linux/dma-fence-array.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "../dma_resv_private.h"
#include "resv_mock.h"

#define MANY 100

/**
 * struct classes - an object with a fence of each usage and kind
 * @obj: the object
 * @count: how many there are of each usage
 * @fences: of each usage
 */
struct classes {
	struct dma_resv *obj;
	int count;
	struct dma_fence *fences[RESV_USAGES][RESV_KINDS];
};

static struct classes *make_classes(struct kunit *test)
{
	struct classes *classes;
	int usage, kind;

	classes = kunit_kzalloc(test, sizeof(*classes), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, classes);
	classes->obj = mock_resv(test);
	/* What waits the least comes first. */
	for (usage = DMA_RESV_USAGE_BOOKKEEP; usage >= 0; usage--) {
		for (kind = 0; kind < RESV_KINDS; kind++) {
			struct dma_fence *fence;

			fence = resv_fence_of(test, kind, resv_context(), 1);
			KUNIT_ASSERT_EQ(test, 0,
					mock_resv_add(classes->obj, fence,
						      usage));
			classes->fences[usage][kind] = fence;
		}
	}
	return classes;
}

/* Fences of usages up to @usage. */
static unsigned int expected_count(int usage)
{
	return (usage + 1) * RESV_KINDS;
}

static void signal_class(struct classes *classes, int usage)
{
	int kind;

	for (kind = 0; kind < RESV_KINDS; kind++) {
		struct dma_fence *fence = classes->fences[usage][kind];

		if (kind == RESV_PLAIN)
			dma_fence_signal(fence);
		else
			to_resv_fence(fence)->over = true;
	}
}

static void add_many(struct kunit *test, struct dma_resv *obj, int count)
{
	while (count--) {
		KUNIT_ASSERT_EQ(test, 0, mock_resv_add(obj, resv_fence(test),
						       DMA_RESV_USAGE_READ));
	}
}

static void note_seen(struct dma_fence *fence, enum dma_resv_usage usage)
{
	to_resv_fence(fence)->seen[usage]++;
}

/* Each fence of usages up to @last was seen once, with its usage. */
static void expect_seen(struct kunit *test, struct classes *classes, int last)
{
	int usage, kind, noted;

	for (usage = 0; usage < RESV_USAGES; usage++) {
		for (kind = 0; kind < RESV_KINDS; kind++) {
			int *seen = to_resv_fence(classes->fences[usage][kind])->seen;

			for (noted = 0; noted < RESV_USAGES; noted++)
				KUNIT_EXPECT_EQ(test, seen[noted],
						usage == noted && usage <= last);
			memset(seen, 0, sizeof(*seen) * RESV_USAGES);
		}
	}
}

/* The test's reference and the object's. */
static void expect_no_references(struct kunit *test, struct classes *classes)
{
	int usage, kind;

	for (usage = 0; usage < RESV_USAGES; usage++)
		for (kind = 0; kind < RESV_KINDS; kind++)
			KUNIT_EXPECT_EQ(test, 2,
					mock_references(classes->fences[usage][kind]));
}

static void writers_wait_for_readers_and_readers_for_writers(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, dma_resv_usage_rw(true), DMA_RESV_USAGE_READ);
	KUNIT_EXPECT_EQ(test, dma_resv_usage_rw(false), DMA_RESV_USAGE_WRITE);
}

static void usages_are_in_order(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, DMA_RESV_USAGE_KERNEL, 0);
	KUNIT_EXPECT_EQ(test, DMA_RESV_USAGE_WRITE, 1);
	KUNIT_EXPECT_EQ(test, DMA_RESV_USAGE_READ, 2);
	KUNIT_EXPECT_EQ(test, DMA_RESV_USAGE_BOOKKEEP, 3);
}

/*
 * One by one
 */

static void a_locked_walk_gives_every_fence_of_the_usages(struct kunit *test)
{
	struct classes *classes = make_classes(test);
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	int usage;

	dma_resv_lock(classes->obj, NULL);
	for (usage = 0; usage < RESV_USAGES; usage++) {
		dma_resv_for_each_fence(&cursor, classes->obj, usage, fence) {
			note_seen(fence, dma_resv_iter_usage(&cursor));
			KUNIT_EXPECT_EQ(test, mock_references(fence), 2);
		}
		expect_seen(test, classes, usage);
	}
	dma_resv_unlock(classes->obj);
}

static void a_locked_walk_gives_signalled_fences(struct kunit *test)
{
	struct classes *classes = make_classes(test);
	struct dma_resv_iter cursor;
	struct dma_fence *fence;

	signal_class(classes, DMA_RESV_USAGE_KERNEL);
	signal_class(classes, DMA_RESV_USAGE_READ);
	dma_resv_lock(classes->obj, NULL);
	dma_resv_for_each_fence(&cursor, classes->obj, DMA_RESV_USAGE_BOOKKEEP,
				fence)
		note_seen(fence, dma_resv_iter_usage(&cursor));
	dma_resv_unlock(classes->obj);
	expect_seen(test, classes, DMA_RESV_USAGE_BOOKKEEP);
}

static void a_locked_walk_over_nothing_ends_at_once(struct kunit *test)
{
	struct dma_resv *obj = mock_resv(test);
	struct dma_resv_iter cursor;
	struct dma_fence *fence;

	dma_resv_lock(obj, NULL);
	dma_resv_for_each_fence(&cursor, obj, DMA_RESV_USAGE_BOOKKEEP, fence)
		KUNIT_FAIL(test, "a fence");
	KUNIT_EXPECT_EQ(test, 0, dma_resv_reserve_fences(obj, 3));
	dma_resv_for_each_fence(&cursor, obj, DMA_RESV_USAGE_BOOKKEEP, fence)
		KUNIT_FAIL(test, "a fence");
	dma_resv_unlock(obj);
}

/* As whoever evicts memory does. */
static void a_locked_walk_may_replace_what_it_is_at(struct kunit *test)
{
	static const int counts[] = { 3, MANY };
	struct dma_fence *new = resv_fence(test), *fence;
	struct dma_resv_iter cursor;
	int i, steps, replaced;

	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		struct dma_resv *obj = mock_resv(test);

		add_many(test, obj, counts[i]);
		steps = 0;
		replaced = 0;
		dma_resv_lock(obj, NULL);
		dma_resv_for_each_fence(&cursor, obj, DMA_RESV_USAGE_READ,
					fence) {
			steps++;
			dma_resv_replace_fences(obj, fence->context, new,
						DMA_RESV_USAGE_READ);
		}
		dma_resv_for_each_fence(&cursor, obj, DMA_RESV_USAGE_READ,
					fence)
			replaced += fence == new;
		dma_resv_unlock(obj);
		KUNIT_EXPECT_EQ(test, steps, counts[i]);
		KUNIT_EXPECT_EQ(test, replaced, counts[i]);
	}
}

static void the_first_step_is_a_restart(struct kunit *test)
{
	struct classes *classes = make_classes(test);
	struct dma_resv_iter cursor;

	dma_resv_lock(classes->obj, NULL);
	dma_resv_iter_begin(&cursor, classes->obj, DMA_RESV_USAGE_BOOKKEEP);
	KUNIT_EXPECT_NOT_NULL(test, dma_resv_iter_first(&cursor));
	KUNIT_EXPECT_TRUE(test, dma_resv_iter_is_restarted(&cursor));
	KUNIT_EXPECT_NOT_NULL(test, dma_resv_iter_next(&cursor));
	KUNIT_EXPECT_FALSE(test, dma_resv_iter_is_restarted(&cursor));
	dma_resv_iter_end(&cursor);
	dma_resv_unlock(classes->obj);

	dma_resv_iter_begin(&cursor, classes->obj, DMA_RESV_USAGE_BOOKKEEP);
	KUNIT_EXPECT_NOT_NULL(test, dma_resv_iter_first_unlocked(&cursor));
	KUNIT_EXPECT_TRUE(test, dma_resv_iter_is_restarted(&cursor));
	KUNIT_EXPECT_NOT_NULL(test, dma_resv_iter_next_unlocked(&cursor));
	KUNIT_EXPECT_FALSE(test, dma_resv_iter_is_restarted(&cursor));
	dma_resv_iter_end(&cursor);
	expect_no_references(test, classes);
}

static void an_unlocked_walk_refers_to_the_fence_at_hand(struct kunit *test)
{
	struct classes *classes = make_classes(test);
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	int usage, restarts = 0;

	for (usage = 0; usage < RESV_USAGES; usage++) {
		struct dma_fence *last = NULL;

		dma_resv_iter_begin(&cursor, classes->obj, usage);
		dma_resv_for_each_fence_unlocked(&cursor, fence) {
			restarts += dma_resv_iter_is_restarted(&cursor);
			note_seen(fence, dma_resv_iter_usage(&cursor));
			KUNIT_EXPECT_EQ(test, mock_references(fence), 3);
			if (last)
				KUNIT_EXPECT_EQ(test, 2,
						mock_references(last));
			last = fence;
		}
		dma_resv_iter_end(&cursor);
		expect_seen(test, classes, usage);
		expect_no_references(test, classes);
	}
	KUNIT_EXPECT_EQ(test, restarts, RESV_USAGES);
}

static void a_walk_can_be_left_at_any_fence(struct kunit *test)
{
	struct classes *classes = make_classes(test);
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	int stop, i;

	for (stop = 0; stop < expected_count(DMA_RESV_USAGE_BOOKKEEP); stop++) {
		i = 0;
		dma_resv_iter_begin(&cursor, classes->obj,
				    DMA_RESV_USAGE_BOOKKEEP);
		dma_resv_for_each_fence_unlocked(&cursor, fence) {
			if (i++ == stop)
				break;
		}
		KUNIT_EXPECT_NOT_NULL(test, fence);
		dma_resv_iter_end(&cursor);
		expect_no_references(test, classes);
	}
}

static void an_unlocked_walk_leaves_out_what_has_signalled(struct kunit *test)
{
	struct dma_resv_iter cursor;
	struct classes *classes;
	struct dma_fence *fence;
	unsigned int count;
	int usage;

	for (usage = 0; usage < RESV_USAGES; usage++) {
		classes = make_classes(test);
		signal_class(classes, usage);
		count = 0;
		dma_resv_iter_begin(&cursor, classes->obj,
				    DMA_RESV_USAGE_BOOKKEEP);
		dma_resv_for_each_fence_unlocked(&cursor, fence) {
			KUNIT_EXPECT_NE(test, usage,
					dma_resv_iter_usage(&cursor));
			count++;
		}
		dma_resv_iter_end(&cursor);
		KUNIT_EXPECT_EQ(test, count, 3 * RESV_KINDS);
		expect_no_references(test, classes);
	}
}

static void an_unlocked_walk_over_nothing_ends_at_once(struct kunit *test)
{
	struct dma_resv *obj = mock_resv(test);
	struct dma_resv_iter cursor;

	dma_resv_iter_begin(&cursor, obj, DMA_RESV_USAGE_BOOKKEEP);
	KUNIT_EXPECT_NULL(test, dma_resv_iter_first_unlocked(&cursor));
	KUNIT_EXPECT_NULL(test, dma_resv_iter_next_unlocked(&cursor));
	dma_resv_iter_end(&cursor);

	add_many(test, obj, 3);
	dma_resv_iter_begin(&cursor, obj, DMA_RESV_USAGE_WRITE);
	KUNIT_EXPECT_NULL(test, dma_resv_iter_first_unlocked(&cursor));
	KUNIT_EXPECT_NULL(test, dma_resv_iter_next_unlocked(&cursor));
	dma_resv_iter_end(&cursor);
}

/**
 * struct walk - an unlocked walk that somebody interferes with
 * @obj: the object
 * @cursor: some steps into it
 * @at: the fence at hand
 */
struct walk {
	struct dma_resv *obj;
	struct dma_resv_iter cursor;
	struct dma_fence *at;
};

static struct walk *start_walk(struct kunit *test, int fences, int steps)
{
	struct walk *walk = kunit_kzalloc(test, sizeof(*walk), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, walk);
	walk->obj = mock_resv(test);
	add_many(test, walk->obj, fences);
	dma_resv_iter_begin(&walk->cursor, walk->obj, DMA_RESV_USAGE_BOOKKEEP);
	walk->at = dma_resv_iter_first_unlocked(&walk->cursor);
	while (steps--)
		walk->at = dma_resv_iter_next_unlocked(&walk->cursor);
	KUNIT_ASSERT_NOT_NULL(test, walk->at);
	return walk;
}

/* How many steps are left, the last of which is over the end. */
static void expect_rest(struct kunit *test, struct walk *walk, bool restarted,
			int count)
{
	int steps = 0;

	while ((walk->at = dma_resv_iter_next_unlocked(&walk->cursor))) {
		KUNIT_EXPECT_EQ(test, !steps && restarted,
				dma_resv_iter_is_restarted(&walk->cursor));
		steps++;
	}
	dma_resv_iter_end(&walk->cursor);
	KUNIT_EXPECT_EQ(test, steps, count);
}

static void a_walk_begins_anew_when_the_list_is_replaced(struct kunit *test)
{
	static const int counts[] = { 1, 3, 20, MANY };
	struct walk *walk;
	int i;

	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		walk = start_walk(test, counts[i], counts[i] / 2);
		dma_resv_lock(walk->obj, NULL);
		KUNIT_EXPECT_EQ(test, 0,
				dma_resv_reserve_fences(walk->obj, 300));
		dma_resv_unlock(walk->obj);
		expect_rest(test, walk, true, counts[i]);
	}
}

/* Also where there is nothing more to come: something new may be there. */
static void a_walk_begins_anew_at_its_last_fence(struct kunit *test)
{
	struct walk *walk = start_walk(test, 3, 2);

	add_many(test, walk->obj, 60);
	expect_rest(test, walk, true, 63);
}

static void a_walk_begins_anew_with_a_copy(struct kunit *test)
{
	struct walk *walk = start_walk(test, 30, 7);
	struct dma_resv *other = mock_resv(test);

	add_many(test, other, 5);
	dma_resv_lock(walk->obj, NULL);
	KUNIT_EXPECT_EQ(test, 0, dma_resv_copy_fences(walk->obj, other));
	dma_resv_unlock(walk->obj);
	expect_rest(test, walk, true, 5);
}

/* The cursor must not follow a list that may be gone. */
static void a_list_at_the_same_address_is_another_one(struct kunit *test)
{
	struct walk *walk = start_walk(test, 30, 7);
	struct dma_resv_list *list;

	dma_resv_lock(walk->obj, NULL);
	list = dma_resv_locked_list(walk->obj);
	list->generation++;
	dma_resv_unlock(walk->obj);
	expect_rest(test, walk, true, 30);
}

static void each_list_of_an_object_has_its_own_generation(struct kunit *test)
{
	struct dma_resv *obj = mock_resv(test), *other = mock_resv(test);
	struct dma_resv_list *list;
	u32 generations[3], i;

	add_many(test, other, 1);
	dma_resv_lock(obj, NULL);
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_EQ(test, 0, i < 2 ?
				dma_resv_reserve_fences(obj, 1 + 100 * i) :
				dma_resv_copy_fences(obj, other));
		list = dma_resv_locked_list(obj);
		generations[i] = list->generation;
	}
	dma_resv_unlock(obj);
	KUNIT_EXPECT_NE(test, generations[0], generations[1]);
	KUNIT_EXPECT_NE(test, generations[1], generations[2]);
}

static void what_is_replaced_in_place_needs_no_restart(struct kunit *test)
{
	/* So many leave room in the list, however it is laid out. */
	struct walk *walk = start_walk(test, 25, 7);
	struct dma_fence *at = dma_fence_get(walk->at);
	struct dma_fence *later = resv_fence_of(test, RESV_PLAIN,
						at->context, 2);

	KUNIT_EXPECT_EQ(test, 0, mock_resv_add(walk->obj, later,
					       DMA_RESV_USAGE_READ));
	/* The object has let go, the cursor has not. */
	KUNIT_EXPECT_EQ(test, mock_references(at), 3);
	dma_fence_put(at);
	expect_rest(test, walk, false, 17);
	KUNIT_EXPECT_EQ(test, mock_references(at), 1);
}

/* The fence goes when the walk goes on. */
static void a_cursor_may_be_the_last_to_hold_a_fence(struct kunit *test)
{
	struct dma_resv *obj = mock_resv(test);
	u64 context = resv_context();
	struct dma_fence *later = resv_fence_of(test, RESV_PLAIN, context, 2);
	struct dma_fence *fence = resv_fence_make(RESV_PLAIN, context, 1, obj);
	struct dma_resv_iter cursor;

	KUNIT_ASSERT_NOT_NULL(test, fence);
	KUNIT_EXPECT_EQ(test, 0, mock_resv_add(obj, fence, 0));
	dma_fence_put(fence);
	dma_resv_iter_begin(&cursor, obj, DMA_RESV_USAGE_BOOKKEEP);
	KUNIT_EXPECT_PTR_EQ(test, dma_resv_iter_first_unlocked(&cursor), fence);
	dma_fence_signal(fence);
	KUNIT_EXPECT_EQ(test, 0, mock_resv_add(obj, later, 0));
	KUNIT_EXPECT_EQ(test, mock_references(fence), 1);
	KUNIT_EXPECT_EQ(test, resv_fence_count(), 2);
	KUNIT_EXPECT_NULL(test, dma_resv_iter_next_unlocked(&cursor));
	KUNIT_EXPECT_EQ(test, resv_fence_count(), 1);
	dma_resv_iter_end(&cursor);
}

static void a_fence_that_signals_during_a_walk_is_left_out(struct kunit *test)
{
	struct walk *walk = start_walk(test, 3, 0);
	struct resv_content *content = resv_content_alloc(test, 3);

	resv_content_read(content, walk->obj);
	dma_fence_signal(content->entries[1].fence);
	expect_rest(test, walk, false, 1);
}

static void a_cursor_can_walk_again(struct kunit *test)
{
	struct walk *walk = start_walk(test, 3, 2);

	KUNIT_EXPECT_NOT_NULL(test,
			      dma_resv_iter_first_unlocked(&walk->cursor));
	KUNIT_EXPECT_TRUE(test, dma_resv_iter_is_restarted(&walk->cursor));
	expect_rest(test, walk, false, 2);
}

/*
 * All at once
 */

static void put_all(struct dma_fence **fences, unsigned int count)
{
	while (count)
		dma_fence_put(fences[--count]);
	kfree(fences);
}

static void all_fences_of_the_usages_are_got(struct kunit *test)
{
	struct classes *classes = make_classes(test);
	struct dma_fence **fences;
	unsigned int count, i;
	int usage, kind;

	for (usage = 0; usage < RESV_USAGES; usage++) {
		KUNIT_ASSERT_EQ(test, 0, dma_resv_get_fences(classes->obj, usage,
							     &count, &fences));
		KUNIT_ASSERT_EQ(test, count, expected_count(usage));
		for (i = 0; i < count; i++) {
			note_seen(fences[i], 0);
			KUNIT_EXPECT_EQ(test, 3,
					mock_references(fences[i]));
		}
		for (i = 0; i < RESV_USAGES; i++) {
			for (kind = 0; kind < RESV_KINDS; kind++) {
				int *seen = to_resv_fence(classes->fences[i][kind])->seen;

				KUNIT_EXPECT_EQ(test, *seen, i <= usage);
				*seen = 0;
			}
		}
		put_all(fences, count);
		expect_no_references(test, classes);
	}
}

static void only_pending_fences_are_got(struct kunit *test)
{
	struct classes *classes = make_classes(test);
	struct dma_fence **fences;
	unsigned int count;
	int usage;

	for (usage = 0; usage < RESV_USAGES; usage++) {
		signal_class(classes, usage);
		KUNIT_ASSERT_EQ(test, 0,
				dma_resv_get_fences(classes->obj,
						    DMA_RESV_USAGE_BOOKKEEP,
						    &count, &fences));
		KUNIT_EXPECT_EQ(test, count, (3 - usage) * RESV_KINDS);
		if (usage == DMA_RESV_USAGE_BOOKKEEP)
			KUNIT_EXPECT_NULL(test, fences);
		put_all(fences, count);
	}
	expect_no_references(test, classes);
}

static void an_empty_object_gives_no_array(struct kunit *test)
{
	struct dma_fence **fences = ERR_PTR(-EIO), *fence = ERR_PTR(-EIO);
	struct dma_resv *obj = mock_resv(test);
	unsigned int count = 7;

	KUNIT_EXPECT_EQ(test, 0, dma_resv_get_fences(obj, 3, &count, &fences));
	KUNIT_EXPECT_EQ(test, count, 0);
	KUNIT_EXPECT_NULL(test, fences);
	KUNIT_EXPECT_EQ(test, 0, dma_resv_get_singleton(obj, 3, &fence));
	KUNIT_EXPECT_NULL(test, fence);
}

static void hundreds_of_fences_are_got(struct kunit *test)
{
	struct dma_resv *obj = mock_resv(test);
	struct dma_fence **fences;
	unsigned int count;

	add_many(test, obj, 5 * MANY);
	KUNIT_ASSERT_EQ(test, 0, dma_resv_get_fences(obj, 3, &count, &fences));
	KUNIT_EXPECT_EQ(test, count, 5 * MANY);
	put_all(fences, count);
}

static void one_fence_is_its_own_singleton(struct kunit *test)
{
	struct classes *classes = make_classes(test);
	struct dma_fence *only = resv_fence(test), *fence;
	int usage;

	for (usage = 0; usage < RESV_USAGES; usage++)
		signal_class(classes, usage);
	KUNIT_ASSERT_EQ(test, 0, dma_resv_get_singleton(classes->obj, 3, &fence));
	KUNIT_EXPECT_NULL(test, fence);

	KUNIT_ASSERT_EQ(test, 0, mock_resv_add(classes->obj, only,
					       DMA_RESV_USAGE_WRITE));
	KUNIT_ASSERT_EQ(test, 0, dma_resv_get_singleton(classes->obj, 3, &fence));
	KUNIT_EXPECT_PTR_EQ(test, fence, only);
	KUNIT_EXPECT_EQ(test, mock_references(only), 3);
	dma_fence_put(fence);
	KUNIT_ASSERT_EQ(test, 0, dma_resv_get_singleton(classes->obj, 0, &fence));
	KUNIT_EXPECT_NULL(test, fence);
}

/* The test holds on to the fences, so the end of each can be watched. */
static void the_singleton_of_many_waits_for_all(struct kunit *test)
{
	static const int counts[] = { 2, 8, 9, MANY };
	struct dma_fence *fences[MANY], *fence;
	int i, j;

	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		struct dma_resv *obj = mock_resv(test);

		for (j = 0; j < counts[i]; j++) {
			fences[j] = resv_fence(test);
			KUNIT_ASSERT_EQ(test, 0,
					mock_resv_add(obj, fences[j], j % 3));
		}
		KUNIT_ASSERT_EQ(test, 0,
				dma_resv_get_singleton(obj, DMA_RESV_USAGE_READ,
						       &fence));
		KUNIT_ASSERT_NOT_NULL(test, fence);
		KUNIT_ASSERT_TRUE(test, dma_fence_is_array(fence));
		KUNIT_EXPECT_EQ(test, counts[i],
				to_dma_fence_array(fence)->num_fences);
		KUNIT_EXPECT_EQ(test, fence->seqno, 1);
		dma_fence_enable_sw_signaling(fence);
		for (j = 0; j < counts[i]; j++) {
			KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(fence));
			dma_fence_signal(fences[j]);
		}
		/* Its last step may be a work. */
		KUNIT_EXPECT_GT(test, dma_fence_wait_timeout(fence, false,
							     MOCK_PATIENCE), 0);
		/* That holds the array, and the array its members. */
		KUNIT_EXPECT_TRUE(test, MOCK_AWAIT(mock_references(fence) == 1));
		dma_fence_put(fence);
	}
}

static void singletons_are_of_contexts_of_their_own(struct kunit *test)
{
	struct dma_resv *obj = mock_resv(test);
	struct dma_fence *fences[2];
	int i;

	add_many(test, obj, 2);
	for (i = 0; i < 2; i++)
		KUNIT_ASSERT_EQ(test, 0,
				dma_resv_get_singleton(obj, 3, &fences[i]));
	KUNIT_EXPECT_NE(test, fences[0]->context, fences[1]->context);
	dma_fence_put(fences[0]);
	dma_fence_put(fences[1]);
}

/*
 * What changes at the worst moment
 */

/**
 * struct meddler - a fence that changes its object while it is being asked
 * @base: first, so that it can be freed as a fence
 * @lock: of the fence
 * @obj: where it is, behind a fence that has signalled
 * @other: the object that @obj exchanges lists with
 * @successor: what takes the fence's place
 * @stranger: a fence that never was in @obj
 * @meddle: what it does when it is asked the next time
 * @over: what it answers
 */
struct meddler {
	struct dma_fence base;
	spinlock_t lock; /* protects @base */
	struct dma_resv *obj;
	struct dma_resv *other;
	struct dma_fence *successor;
	struct dma_fence *stranger;
	void (*meddle)(struct meddler *meddler);
	bool over;
};

static const char *meddler_name(struct dma_fence *fence)
{
	return "meddler";
}

static bool meddler_signaled(struct dma_fence *fence)
{
	struct meddler *meddler = container_of(fence, struct meddler, base);
	void (*meddle)(struct meddler *meddler) = meddler->meddle;

	meddler->meddle = NULL;
	if (meddle)
		meddle(meddler);
	return meddler->over;
}

static const struct dma_fence_ops meddler_ops = {
	.get_driver_name = meddler_name,
	.get_timeline_name = meddler_name,
	.signaled = meddler_signaled,
};

static void give_way(struct meddler *meddler)
{
	/* A reader is in the middle of things and must not sleep. */
	if (!dma_resv_trylock(meddler->obj))
		return;
	dma_resv_replace_fences(meddler->obj, meddler->base.context,
				meddler->successor, DMA_RESV_USAGE_READ);
	dma_resv_unlock(meddler->obj);
}

/* As reserving does when there is no room, but without a sleep. */
static void replace_list(struct meddler *meddler)
{
	struct dma_resv *obj = meddler->obj, *other = meddler->other;
	struct dma_resv_list *old, *new;

	/* There is nobody else. */
	old = rcu_dereference_protected(obj->fences, true);
	new = rcu_dereference_protected(other->fences, true);
	rcu_assign_pointer(obj->fences, new);
	rcu_assign_pointer(other->fences, old);
}

/* The list goes, with the last references on its fences. */
static void drop_list(struct meddler *meddler)
{
	dma_resv_fini(meddler->obj);
	dma_resv_init(meddler->obj);
	meddler->stranger = resv_fence_make(RESV_RECYCLED, resv_context(), 1,
					    meddler);
	if (meddler->stranger)
		to_resv_fence(meddler->stranger)->over = true;
}

static void end_meddler(void *meddler)
{
	resv_fence_end(&((struct meddler *)meddler)->base);
}

static struct meddler *make_meddler(struct kunit *test)
{
	struct meddler *meddler = kzalloc(sizeof(*meddler), GFP_KERNEL);
	struct dma_fence *first = resv_fence(test);

	KUNIT_ASSERT_NOT_NULL(test, meddler);
	spin_lock_init(&meddler->lock);
	dma_fence_init(&meddler->base, &meddler_ops, &meddler->lock,
		       resv_context(), 1);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, end_meddler, meddler));
	meddler->obj = mock_resv(test);
	meddler->other = mock_resv(test);
	meddler->successor = resv_fence(test);
	KUNIT_ASSERT_EQ(test, 0, mock_resv_add(meddler->obj, first, 0));
	KUNIT_ASSERT_EQ(test, 0, mock_resv_add(meddler->obj, &meddler->base,
					       DMA_RESV_USAGE_READ));
	/* So that a walk gets to the next one while it can't sleep. */
	dma_fence_signal(first);
	return meddler;
}

static void take_down(struct resv_content *content, struct dma_fence *fence)
{
	if (content->count < content->size)
		content->entries[content->count].fence = fence;
	content->count++;
}

static void read_by_walk(struct resv_content *content, struct dma_resv *obj)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;

	dma_resv_iter_begin(&cursor, obj, DMA_RESV_USAGE_BOOKKEEP);
	dma_resv_for_each_fence_unlocked(&cursor, fence) {
		if (dma_resv_iter_is_restarted(&cursor))
			content->count = 0;
		take_down(content, fence);
	}
	dma_resv_iter_end(&cursor);
}

static void read_at_once(struct resv_content *content, struct dma_resv *obj)
{
	struct dma_fence **fences;
	unsigned int count, i;

	if (dma_resv_get_fences(obj, DMA_RESV_USAGE_BOOKKEEP, &count, &fences))
		return;
	for (i = 0; i < count; i++)
		take_down(content, fences[i]);
	put_all(fences, count);
}

static void read_by_copy(struct resv_content *content, struct dma_resv *obj)
{
	struct dma_resv copy;

	dma_resv_init(&copy);
	dma_resv_lock(&copy, NULL);
	if (!dma_resv_copy_fences(&copy, obj))
		resv_content_read_locked(content, &copy,
					 DMA_RESV_USAGE_BOOKKEEP);
	dma_resv_unlock(&copy);
	dma_resv_fini(&copy);
}

static void (*const readers[])(struct resv_content *content,
			       struct dma_resv *obj) = {
	read_by_walk, read_at_once, read_by_copy,
};

static void what_takes_the_place_of_a_fence_being_asked_is_seen(struct kunit *test)
{
	struct resv_content *content;
	struct meddler *meddler;
	int i;

	for (i = 0; i < ARRAY_SIZE(readers); i++) {
		content = resv_content_alloc(test, 1);
		meddler = make_meddler(test);
		meddler->meddle = give_way;
		meddler->over = true;
		readers[i](content, meddler->obj);
		KUNIT_ASSERT_EQ(test, content->count, 1);
		KUNIT_EXPECT_PTR_EQ(test, content->entries[0].fence,
				    meddler->successor);
		KUNIT_EXPECT_EQ(test, mock_references(&meddler->base), 1);
		KUNIT_EXPECT_EQ(test, mock_references(meddler->successor), 2);
	}
}

/* None of the old one's fences may be among those that are read. */
static void expect_new_list(struct kunit *test, int reader, bool over)
{
	struct resv_content *content = resv_content_alloc(test, 1);
	struct meddler *meddler = make_meddler(test);

	add_many(test, meddler->obj, 1);
	KUNIT_ASSERT_EQ(test, 0, mock_resv_add(meddler->other,
					       meddler->successor,
					       DMA_RESV_USAGE_READ));
	meddler->meddle = replace_list;
	meddler->over = over;
	readers[reader](content, meddler->obj);
	KUNIT_ASSERT_EQ(test, content->count, 1);
	KUNIT_EXPECT_PTR_EQ(test, content->entries[0].fence,
			    meddler->successor);
	KUNIT_EXPECT_EQ(test, mock_references(&meddler->base), 2);
	KUNIT_EXPECT_EQ(test, mock_references(meddler->successor), 2);
}

static void a_list_replaced_while_a_fence_is_asked_is_left(struct kunit *test)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(readers); i++) {
		expect_new_list(test, i, false);
		expect_new_list(test, i, true);
	}
}

/* Whether @reader is led to a stranger, by a fence that was where it is now. */
static bool read_recycled(struct kunit *test, int reader)
{
	struct resv_content *content = resv_content_alloc(test, 1);
	struct meddler *meddler = make_meddler(test);
	struct dma_fence *fence;
	bool recycled;

	fence = resv_fence_make(RESV_RECYCLED, resv_context(), 1, meddler);
	KUNIT_ASSERT_NOT_NULL(test, fence);
	KUNIT_EXPECT_EQ(test, 0, mock_resv_add(meddler->obj, fence,
					       DMA_RESV_USAGE_READ));
	dma_fence_put(fence);
	meddler->meddle = drop_list;
	readers[reader](content, meddler->obj);
	KUNIT_EXPECT_EQ(test, content->count, 0);
	KUNIT_ASSERT_NOT_NULL(test, meddler->stranger);
	recycled = meddler->stranger == fence;
	/* Who asks it is told that it is over. */
	KUNIT_EXPECT_FALSE(test, test_bit(DMA_FENCE_FLAG_SIGNALED_BIT,
					  &meddler->stranger->flags));
	KUNIT_EXPECT_EQ(test, mock_references(meddler->stranger), 1);
	resv_fence_end(meddler->stranger);
	return recycled;
}

static void what_is_in_a_fences_place_is_not_asked(struct kunit *test)
{
	int i, tries;

	if (IS_ENABLED(CONFIG_KASAN_GENERIC))
		kunit_skip(test, "no memory is used again so soon: KASAN is on");
	for (i = 0; i < ARRAY_SIZE(readers); i++) {
		/* The task may get to another CPU, which has memory of its own. */
		for (tries = 0; tries < 100; tries++) {
			if (read_recycled(test, i))
				break;
		}
		KUNIT_EXPECT_LT(test, tries, 100);
	}
}

static void what_came_while_a_fence_was_asked_is_waited_for(struct kunit *test)
{
	struct meddler *meddler;
	int i;

	for (i = 0; i < 2; i++) {
		meddler = make_meddler(test);
		KUNIT_ASSERT_EQ(test, 0, mock_resv_add(meddler->other,
						       meddler->successor, 0));
		meddler->meddle = i ? give_way : replace_list;
		meddler->over = true;
		KUNIT_EXPECT_FALSE(test, dma_resv_test_signaled(meddler->obj,
								DMA_RESV_USAGE_READ));
		KUNIT_EXPECT_NULL(test, meddler->meddle);
	}
}

static void expect_only_held(struct kunit *test, struct dma_resv *obj)
{
	struct resv_content *content = resv_content_alloc(test, MANY);
	unsigned int i;

	resv_content_read(content, obj);
	for (i = 0; i < content->count; i++)
		KUNIT_EXPECT_EQ(test, 2,
				mock_references(content->entries[i].fence));
}

/*
 * Lets each allocation fail in turn, and returns how often that was fatal.
 * Those of the allocator's own debugging aren't.
 */
static int get_without_memory(struct kunit *test, struct dma_resv *obj)
{
	struct dma_fence **fences = NULL;
	unsigned int nth = 0, count;
	int err, fatal = 0;
	bool failed;

	do {
		count = 7;
		mock_fail_nth(++nth);
		err = dma_resv_get_fences(obj, 3, &count, &fences);
		failed = mock_failed();
		if (err) {
			KUNIT_EXPECT_EQ(test, err, -ENOMEM);
			KUNIT_EXPECT_EQ(test, count, 0);
			KUNIT_EXPECT_NULL(test, fences);
			fatal++;
		} else {
			put_all(fences, count);
		}
		expect_only_held(test, obj);
	} while (failed && nth < 200);
	KUNIT_EXPECT_FALSE(test, failed);
	return fatal;
}

static int merge_without_memory(struct kunit *test, struct dma_resv *obj)
{
	struct dma_fence *fence;
	unsigned int nth = 0;
	int err, fatal = 0;
	bool failed;

	do {
		fence = ERR_PTR(-EIO);
		mock_fail_nth(++nth);
		err = dma_resv_get_singleton(obj, 3, &fence);
		failed = mock_failed();
		if (err) {
			KUNIT_EXPECT_EQ(test, err, -ENOMEM);
			KUNIT_EXPECT_NULL(test, fence);
			fatal++;
		} else {
			dma_fence_put(fence);
		}
		expect_only_held(test, obj);
	} while (failed && nth < 200);
	KUNIT_EXPECT_FALSE(test, failed);
	return fatal;
}

static void without_memory_nothing_is_got_and_nothing_leaks(struct kunit *test)
{
	static const int counts[] = { 2, 8, 20 };
	struct dma_resv *obj;
	int i;

	mock_faults_begin(test);
	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		obj = mock_resv(test);
		add_many(test, obj, counts[i]);
		KUNIT_EXPECT_GE(test, get_without_memory(test, obj), 1);
	}
}

static void without_memory_there_is_no_singleton(struct kunit *test)
{
	static const int counts[] = { 2, 8, 20 };
	struct dma_resv *obj;
	int i;

	mock_faults_begin(test);
	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		obj = mock_resv(test);
		add_many(test, obj, counts[i]);
		/* The array of fences, and the fence. */
		KUNIT_EXPECT_GE(test, merge_without_memory(test, obj), 2);
	}
}

/*
 * Questions
 */

static void an_object_has_signalled_when_its_fences_have(struct kunit *test)
{
	struct classes *classes = make_classes(test);
	int usage, done;

	for (done = -1; done < RESV_USAGES; done++) {
		if (done >= 0)
			signal_class(classes, done);
		for (usage = 0; usage < RESV_USAGES; usage++) {
			KUNIT_EXPECT_EQ(test, usage <= done,
					dma_resv_test_signaled(classes->obj,
							       usage));
			KUNIT_EXPECT_EQ(test, usage <= done,
					dma_resv_wait_timeout(classes->obj,
							      usage, false, 0));
		}
	}
	expect_no_references(test, classes);
}

static void an_empty_object_has_signalled(struct kunit *test)
{
	struct dma_resv *obj = mock_resv(test);
	int usage;

	for (usage = 0; usage < RESV_USAGES; usage++) {
		KUNIT_EXPECT_TRUE(test, dma_resv_test_signaled(obj, usage));
		KUNIT_EXPECT_EQ(test, 1,
				dma_resv_wait_timeout(obj, usage, false, 0));
		KUNIT_EXPECT_EQ(test, 1,
				dma_resv_wait_timeout(obj, usage, true, 1));
		KUNIT_EXPECT_EQ(test, 77,
				dma_resv_wait_timeout(obj, usage, true, 77));
	}
}

static void a_wait_ends_when_its_time_is_over(struct kunit *test)
{
	struct classes *classes = make_classes(test);

	KUNIT_EXPECT_EQ(test, 0, dma_resv_wait_timeout(classes->obj, 0, false, 1));
	KUNIT_EXPECT_EQ(test, 0, dma_resv_wait_timeout(classes->obj, 0, true, 2));
	expect_no_references(test, classes);
}

/* Signalled fences take none of it. */
static void a_wait_for_nothing_leaves_all_of_its_time(struct kunit *test)
{
	struct classes *classes = make_classes(test);

	signal_class(classes, 0);
	KUNIT_EXPECT_EQ(test, 1000,
			dma_resv_wait_timeout(classes->obj, 0, false, 1000));
	KUNIT_EXPECT_EQ(test, 1, dma_resv_wait_timeout(classes->obj, 0, false, 1));
	KUNIT_EXPECT_EQ(test, MAX_SCHEDULE_TIMEOUT,
			dma_resv_wait_timeout(classes->obj, 0, false,
					      MAX_SCHEDULE_TIMEOUT));
}

static void a_wait_ends_with_the_last_fence(struct kunit *test)
{
	struct dma_resv *obj = mock_resv(test);
	struct dma_fence *fences[20];
	long left;
	int i;

	for (i = 0; i < ARRAY_SIZE(fences); i++) {
		fences[i] = mock_fence(test);
		KUNIT_ASSERT_EQ(test, 0, mock_resv_add(obj, fences[i],
						       DMA_RESV_USAGE_READ));
		mock_fence_signal_after(fences[i], i * 700 * NSEC_PER_USEC);
	}
	left = dma_resv_wait_timeout(obj, DMA_RESV_USAGE_READ, true,
				     MOCK_PATIENCE);
	KUNIT_EXPECT_GT(test, left, 0);
	KUNIT_EXPECT_LE(test, left, MOCK_PATIENCE);
	for (i = 0; i < ARRAY_SIZE(fences); i++)
		KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(fences[i]));
}

static void only_fences_of_the_usages_are_waited_for(struct kunit *test)
{
	struct dma_resv *obj = mock_resv(test);
	struct dma_fence *write = mock_fence(test);

	add_many(test, obj, 3);
	KUNIT_ASSERT_EQ(test, 0, mock_resv_add(obj, write, DMA_RESV_USAGE_WRITE));
	mock_fence_signal_after(write, ms_to_ktime(2));
	KUNIT_EXPECT_GT(test, dma_resv_wait_timeout(obj, DMA_RESV_USAGE_WRITE,
						    false, MOCK_PATIENCE), 0);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(write));
	KUNIT_EXPECT_EQ(test, 0, dma_resv_wait_timeout(obj, DMA_RESV_USAGE_READ,
						       false, 1));
}

static void a_signal_ends_a_wait_that_wants_it(struct kunit *test)
{
	struct classes *classes = make_classes(test);
	long ret, looked, stubborn;

	mock_interrupt_begin();
	ret = dma_resv_wait_timeout(classes->obj, 0, true, MOCK_PATIENCE);
	stubborn = dma_resv_wait_timeout(classes->obj, 0, false, 2);
	looked = dma_resv_wait_timeout(classes->obj, 0, true, 0);
	mock_interrupt_end();
	KUNIT_EXPECT_EQ(test, ret, -ERESTARTSYS);
	KUNIT_EXPECT_EQ(test, stubborn, 0);
	KUNIT_EXPECT_EQ(test, looked, 0);
	expect_no_references(test, classes);
}

/**
 * struct sitter - a fence for which a wait takes a jiffy, by the op's account
 * @base: first, so that it can be freed as a fence
 * @lock: of the fence
 * @error: what the wait fails with; 0 lets it succeed
 * @waits: how often it was waited for
 * @timeout: for how long at most, the last time
 * @intr: likewise whether a signal would have ended the wait
 */
struct sitter {
	struct dma_fence base;
	spinlock_t lock; /* protects @base */
	int error;
	int waits;
	long timeout;
	bool intr;
};

static const char *sitter_name(struct dma_fence *fence)
{
	return "sitter";
}

static long sitter_wait(struct dma_fence *fence, bool intr, long timeout)
{
	struct sitter *sitter = container_of(fence, struct sitter, base);

	sitter->waits++;
	sitter->timeout = timeout;
	sitter->intr = intr;
	if (sitter->error)
		return sitter->error;
	/* Had it been over, nobody would have asked. */
	if (!timeout)
		return 0;
	dma_fence_signal(fence);
	return timeout - 1;
}

static const struct dma_fence_ops sitter_ops = {
	.get_driver_name = sitter_name,
	.get_timeline_name = sitter_name,
	.wait = sitter_wait,
};

static void end_sitter(void *sitter)
{
	resv_fence_end(&((struct sitter *)sitter)->base);
}

/* Puts one into an object. */
static struct sitter *add_sitter(struct kunit *test, struct dma_resv *obj)
{
	struct sitter *sitter = kzalloc(sizeof(*sitter), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, sitter);
	spin_lock_init(&sitter->lock);
	dma_fence_init(&sitter->base, &sitter_ops, &sitter->lock,
		       resv_context(), 1);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, end_sitter, sitter));
	KUNIT_ASSERT_EQ(test, 0, mock_resv_add(obj, &sitter->base,
					       DMA_RESV_USAGE_READ));
	return sitter;
}

static void a_wait_shares_its_time_among_the_fences(struct kunit *test)
{
	struct dma_resv *obj = mock_resv(test);
	struct sitter *sitters[3];
	int i;

	for (i = 0; i < 3; i++)
		sitters[i] = add_sitter(test, obj);
	KUNIT_EXPECT_EQ(test, 7, dma_resv_wait_timeout(obj, DMA_RESV_USAGE_READ,
						       true, 10));
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_EQ(test, sitters[i]->waits, 1);
		KUNIT_EXPECT_EQ(test, sitters[i]->timeout, 10 - i);
		KUNIT_EXPECT_TRUE(test, sitters[i]->intr);
	}
}

static void a_wait_without_time_left_goes_no_further(struct kunit *test)
{
	struct dma_resv *obj = mock_resv(test);
	struct sitter *sitters[3];
	int i;

	for (i = 0; i < 3; i++)
		sitters[i] = add_sitter(test, obj);
	KUNIT_EXPECT_EQ(test, 0, dma_resv_wait_timeout(obj, DMA_RESV_USAGE_READ,
						       false, 2));
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, sitters[i]->waits, i < 2);
	KUNIT_EXPECT_FALSE(test, sitters[0]->intr);
	expect_only_held(test, obj);
}

static void a_driver_can_make_a_wait_fail(struct kunit *test)
{
	struct dma_resv *obj = mock_resv(test);
	struct sitter *sitters[3];
	int i;

	for (i = 0; i < 3; i++)
		sitters[i] = add_sitter(test, obj);
	sitters[1]->error = -EIO;
	KUNIT_EXPECT_EQ(test, -EIO,
			dma_resv_wait_timeout(obj, DMA_RESV_USAGE_READ, true,
					      10));
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, sitters[i]->waits, i < 2);
	expect_only_held(test, obj);
}

static void a_wait_of_no_time_just_looks(struct kunit *test)
{
	struct dma_resv *obj = mock_resv(test);
	struct sitter *sitters[2];
	int i;

	for (i = 0; i < 2; i++)
		sitters[i] = add_sitter(test, obj);
	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_EQ(test, 0,
				dma_resv_wait_timeout(obj, DMA_RESV_USAGE_READ,
						      false, 0));
		KUNIT_EXPECT_EQ(test, sitters[i]->waits, 1);
		KUNIT_EXPECT_EQ(test, sitters[i]->timeout, 0);
		dma_fence_signal(&sitters[i]->base);
	}
	KUNIT_EXPECT_EQ(test, 1, dma_resv_wait_timeout(obj, DMA_RESV_USAGE_READ,
						       false, 0));
	KUNIT_EXPECT_EQ(test, sitters[1]->waits, 1);
}

static void what_turns_out_over_leaves_no_time_to_the_next(struct kunit *test)
{
	struct dma_resv *obj = mock_resv(test);
	struct dma_fence *over = mock_fence(test);
	struct sitter *sitter;

	mock_fence_end_at_hook(over);
	KUNIT_ASSERT_EQ(test, 0, mock_resv_add(obj, over, DMA_RESV_USAGE_READ));
	sitter = add_sitter(test, obj);
	KUNIT_EXPECT_EQ(test, 0, dma_resv_wait_timeout(obj, DMA_RESV_USAGE_READ,
						       false, 0));
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(over));
	KUNIT_EXPECT_EQ(test, sitter->waits, 1);
	KUNIT_EXPECT_EQ(test, sitter->timeout, 0);
}

static void deadlines_are_told_to_fences_of_the_usages(struct kunit *test)
{
	struct classes *classes = make_classes(test);
	int usage, i, kind;

	for (usage = 0; usage < RESV_USAGES; usage++) {
		dma_resv_set_deadline(classes->obj, usage, 1000 + usage);
		for (i = 0; i < RESV_USAGES; i++) {
			for (kind = 0; kind < RESV_KINDS; kind++) {
				KUNIT_EXPECT_EQ(test,
						to_resv_fence(classes->fences[i][kind])->deadline,
						i <= usage ? 1000 + usage : 0);
			}
		}
	}
	signal_class(classes, 0);
	dma_resv_set_deadline(classes->obj, 3, 9000);
	KUNIT_EXPECT_EQ(test, 1003,
			to_resv_fence(classes->fences[0][RESV_PLAIN])->deadline);
	KUNIT_EXPECT_EQ(test, 9000,
			to_resv_fence(classes->fences[1][RESV_PLAIN])->deadline);
	expect_no_references(test, classes);
	dma_resv_set_deadline(mock_resv(test), 3, 1);
}

static void expect_description(struct kunit *test, struct dma_resv *obj,
			       const char *expected)
{
	char text[512];
	struct seq_file seq = { .buf = text, .size = sizeof(text) };

	dma_resv_describe(obj, &seq);
	KUNIT_ASSERT_LT(test, seq.count, seq.size);
	text[seq.count] = '\0';
	KUNIT_EXPECT_STREQ(test, text, expected);
}

static void a_description_has_a_line_on_each_fence(struct kunit *test)
{
	struct dma_resv *obj = mock_resv(test);
	struct dma_fence *fences[RESV_USAGES];
	int usage;

	expect_description(test, obj, "");
	for (usage = 0; usage < RESV_USAGES; usage++) {
		fences[usage] = resv_fence_of(test, usage == 2 ? RESV_POLLED :
					      RESV_PLAIN, resv_context(),
					      10 + usage);
		KUNIT_ASSERT_EQ(test, 0,
				mock_resv_add(obj, fences[usage], usage));
	}
	dma_fence_signal(fences[1]);
	to_resv_fence(fences[2])->over = true;
	expect_description(test, obj,
			   "\tkernel fence: resv plain seq 10 unsignalled\n"
			   "\twrite fence: resv plain seq 11 signalled\n"
			   "\tread fence: resv polled seq 12 signalled\n"
			   "\tbookkeep fence: resv plain seq 13 unsignalled\n");
	for (usage = 0; usage < RESV_USAGES; usage++)
		KUNIT_EXPECT_EQ(test, mock_references(fences[usage]), 2);
}

/* Some describe what they have locked, others what somebody else has. */
static void a_description_needs_no_lock_but_may_have_it(struct kunit *test)
{
	struct dma_resv *mine = mock_resv(test), *others = mock_resv(test);

	add_many(test, mine, 1);
	add_many(test, others, 1);
	mock_lock_elsewhere(test, others);
	expect_description(test, others,
			   "\tread fence: resv plain seq 1 unsignalled\n");
	dma_resv_lock(mine, NULL);
	expect_description(test, mine,
			   "\tread fence: resv plain seq 1 unsignalled\n");
	dma_resv_unlock(mine);
}

static struct kunit_case resv_read_cases[] = {
	KUNIT_CASE(writers_wait_for_readers_and_readers_for_writers),
	KUNIT_CASE(usages_are_in_order),
	KUNIT_CASE(a_locked_walk_gives_every_fence_of_the_usages),
	KUNIT_CASE(a_locked_walk_gives_signalled_fences),
	KUNIT_CASE(a_locked_walk_over_nothing_ends_at_once),
	KUNIT_CASE(a_locked_walk_may_replace_what_it_is_at),
	KUNIT_CASE(the_first_step_is_a_restart),
	KUNIT_CASE(an_unlocked_walk_refers_to_the_fence_at_hand),
	KUNIT_CASE(a_walk_can_be_left_at_any_fence),
	KUNIT_CASE(an_unlocked_walk_leaves_out_what_has_signalled),
	KUNIT_CASE(an_unlocked_walk_over_nothing_ends_at_once),
	KUNIT_CASE(a_walk_begins_anew_when_the_list_is_replaced),
	KUNIT_CASE(a_walk_begins_anew_at_its_last_fence),
	KUNIT_CASE(a_walk_begins_anew_with_a_copy),
	KUNIT_CASE(a_list_at_the_same_address_is_another_one),
	KUNIT_CASE(each_list_of_an_object_has_its_own_generation),
	KUNIT_CASE(what_is_replaced_in_place_needs_no_restart),
	KUNIT_CASE(a_cursor_may_be_the_last_to_hold_a_fence),
	KUNIT_CASE(a_fence_that_signals_during_a_walk_is_left_out),
	KUNIT_CASE(a_cursor_can_walk_again),
	KUNIT_CASE(all_fences_of_the_usages_are_got),
	KUNIT_CASE(only_pending_fences_are_got),
	KUNIT_CASE(an_empty_object_gives_no_array),
	KUNIT_CASE(hundreds_of_fences_are_got),
	KUNIT_CASE(one_fence_is_its_own_singleton),
	KUNIT_CASE(the_singleton_of_many_waits_for_all),
	KUNIT_CASE(singletons_are_of_contexts_of_their_own),
	KUNIT_CASE(what_takes_the_place_of_a_fence_being_asked_is_seen),
	KUNIT_CASE(a_list_replaced_while_a_fence_is_asked_is_left),
	KUNIT_CASE(what_is_in_a_fences_place_is_not_asked),
	KUNIT_CASE(what_came_while_a_fence_was_asked_is_waited_for),
	KUNIT_CASE(without_memory_nothing_is_got_and_nothing_leaks),
	KUNIT_CASE(without_memory_there_is_no_singleton),
	KUNIT_CASE(an_object_has_signalled_when_its_fences_have),
	KUNIT_CASE(an_empty_object_has_signalled),
	KUNIT_CASE(a_wait_ends_when_its_time_is_over),
	KUNIT_CASE(a_wait_for_nothing_leaves_all_of_its_time),
	KUNIT_CASE(a_wait_ends_with_the_last_fence),
	KUNIT_CASE(only_fences_of_the_usages_are_waited_for),
	KUNIT_CASE(a_signal_ends_a_wait_that_wants_it),
	KUNIT_CASE(a_wait_shares_its_time_among_the_fences),
	KUNIT_CASE(a_wait_without_time_left_goes_no_further),
	KUNIT_CASE(a_driver_can_make_a_wait_fail),
	KUNIT_CASE(a_wait_of_no_time_just_looks),
	KUNIT_CASE(what_turns_out_over_leaves_no_time_to_the_next),
	KUNIT_CASE(deadlines_are_told_to_fences_of_the_usages),
	KUNIT_CASE(a_description_has_a_line_on_each_fence),
	KUNIT_CASE(a_description_needs_no_lock_but_may_have_it),
	{}
};

static struct kunit_suite resv_read_suite = {
	.name = "dma_resv_read",
	.suite_init = resv_mock_suite_init,
	.suite_exit = resv_mock_suite_exit,
	.init = resv_mock_init,
	.test_cases = resv_read_cases,
};

kunit_test_suite(resv_read_suite);
