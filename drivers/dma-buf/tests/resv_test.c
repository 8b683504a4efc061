// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reservation objects: making room, adding, replacing and copying fences, and
 * the lock under which that happens.
 */
#include <linux/dma-fence-array.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "resv_mock.h"

/* More than are searched from end to end, and more than the first list has. */
#define MANY 100

/* Adds @count fences of contexts of their own. */
static struct dma_fence **add_many(struct kunit *test, struct dma_resv *obj,
				   unsigned int count)
{
	struct dma_fence **fences;
	unsigned int i;

	fences = kunit_kcalloc(test, count, sizeof(*fences), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, fences);
	for (i = 0; i < count; i++) {
		fences[i] = resv_fence(test);
		KUNIT_ASSERT_EQ(test, 0,
				mock_resv_add(obj, fences[i], i % RESV_USAGES));
	}
	return fences;
}

/* The test has one reference of its own. */
static void expect_held(struct kunit *test, struct dma_fence *fence, int times)
{
	KUNIT_EXPECT_EQ(test, mock_references(fence), 1 + times);
}

static void expect_count(struct kunit *test, struct dma_resv *obj,
			 unsigned int count)
{
	struct resv_content *content = resv_content_alloc(test, 0);

	resv_content_read(content, obj);
	KUNIT_EXPECT_EQ(test, content->count, count);
}

/* Each fence is there once, with the usage that add_many() gave it. */
static void expect_many(struct kunit *test, struct dma_resv *obj,
			struct dma_fence **fences, unsigned int count)
{
	struct resv_content *content = resv_content_alloc(test, count);
	unsigned int i;

	resv_content_read(content, obj);
	KUNIT_ASSERT_EQ(test, content->count, count);
	for (i = 0; i < count; i++) {
		to_resv_fence(content->entries[i].fence)
			->seen[content->entries[i].usage]++;
	}
	for (i = 0; i < count; i++) {
		int *seen = to_resv_fence(fences[i])->seen;

		KUNIT_EXPECT_EQ(test, 1, seen[i % RESV_USAGES]);
		memset(seen, 0, sizeof(*seen) * RESV_USAGES);
	}
}

static int reserve(struct dma_resv *obj, unsigned int count)
{
	int err;

	dma_resv_lock(obj, NULL);
	err = dma_resv_reserve_fences(obj, count);
	dma_resv_unlock(obj);
	return err;
}

/* Adds without a slot of its own: one that takes another's place needs none. */
static void supersede(struct dma_resv *obj, struct dma_fence *fence,
		      enum dma_resv_usage usage)
{
	dma_resv_lock(obj, NULL);
	dma_resv_add_fence(obj, fence, usage);
	dma_resv_unlock(obj);
}

static void replace(struct dma_resv *obj, u64 context, struct dma_fence *fence,
		    enum dma_resv_usage usage)
{
	dma_resv_lock(obj, NULL);
	dma_resv_replace_fences(obj, context, fence, usage);
	dma_resv_unlock(obj);
}

static int copy(struct dma_resv *dst, struct dma_resv *src)
{
	int err;

	dma_resv_lock(dst, NULL);
	err = dma_resv_copy_fences(dst, src);
	dma_resv_unlock(dst);
	return err;
}

/*
 * Making room
 */

static void a_new_object_has_no_list(struct kunit *test)
{
	struct dma_resv *obj = mock_resv(test);

	KUNIT_EXPECT_FALSE(test, dma_resv_is_locked(obj));
	KUNIT_EXPECT_NULL(test, rcu_access_pointer(obj->fences));
	expect_count(test, obj, 0);
}

/* Drivers test for that. */
static void a_reserved_slot_makes_a_list(struct kunit *test)
{
	struct dma_resv *obj = mock_resv(test);

	KUNIT_EXPECT_EQ(test, 0, reserve(obj, 1));
	KUNIT_EXPECT_NOT_NULL(test, rcu_access_pointer(obj->fences));
	expect_count(test, obj, 0);
}

static void no_slots_cannot_be_reserved(struct kunit *test)
{
	struct dma_resv *obj = mock_resv(test);

	kunit_info(test, "expect-splat: reserve_first");
	KUNIT_EXPECT_EQ(test, -EINVAL, reserve(obj, 0));
	KUNIT_EXPECT_NULL(test, rcu_access_pointer(obj->fences));
	KUNIT_EXPECT_EQ(test, 0, reserve(obj, 2));
	kunit_info(test, "expect-splat: reserve_more");
	KUNIT_EXPECT_EQ(test, -EINVAL, reserve(obj, 0));
	kunit_info(test, "expect-splat: end");
}

/* All adds come after the one call that could fail. */
static void as_many_fences_fit_as_were_reserved(struct kunit *test)
{
	static const unsigned int counts[] = { 1, 4, 5, 15, 16, 17, 64, 700 };
	struct dma_fence **fences;
	int i, j;

	fences = kunit_kcalloc(test, 700, sizeof(*fences), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, fences);
	for (i = 0; i < 700; i++)
		fences[i] = resv_fence(test);

	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		struct dma_resv *obj = mock_resv(test);
		int err;

		dma_resv_lock(obj, NULL);
		err = dma_resv_reserve_fences(obj, counts[i]);
		for (j = 0; !err && j < counts[i]; j++)
			dma_resv_add_fence(obj, fences[j], DMA_RESV_USAGE_READ);
		dma_resv_unlock(obj);
		KUNIT_EXPECT_EQ(test, err, 0);
		expect_count(test, obj, counts[i]);
	}
}

static void reserving_again_counts_from_the_fences_there_are(struct kunit *test)
{
	struct dma_resv *obj = mock_resv(test);
	struct dma_resv_list *list;
	int i;

	KUNIT_EXPECT_EQ(test, 0, reserve(obj, 3));
	list = rcu_access_pointer(obj->fences);
	for (i = 0; i < 100; i++)
		KUNIT_EXPECT_EQ(test, 0, reserve(obj, 3));
	KUNIT_EXPECT_PTR_EQ(test, list, rcu_access_pointer(obj->fences));
}

static void growing_keeps_every_fence_and_its_usage(struct kunit *test)
{
	struct dma_resv *obj = mock_resv(test);
	struct dma_fence **fences = add_many(test, obj, MANY);
	unsigned int i;

	KUNIT_ASSERT_EQ(test, 0, reserve(obj, 1000));
	expect_many(test, obj, fences, MANY);
	for (i = 0; i < MANY; i++)
		expect_held(test, fences[i], 1);
}

/* Otherwise a list would grow with all that was ever submitted. */
static void signalled_fences_make_room(struct kunit *test)
{
	struct dma_resv *obj = mock_resv(test);
	struct dma_fence *stays = resv_fence(test), *fence;
	struct resv_content *content = resv_content_alloc(test, 0);
	unsigned int i, most = 0;

	KUNIT_ASSERT_EQ(test, 0, mock_resv_add(obj, stays, 0));
	for (i = 0; i < 1000; i++) {
		fence = resv_fence_make(i % RESV_KINDS, resv_context(), 1, obj);
		KUNIT_ASSERT_NOT_NULL(test, fence);
		KUNIT_EXPECT_EQ(test, 0,
				mock_resv_add(obj, fence, i % RESV_USAGES));
		resv_fence_end(fence);
		resv_content_read(content, obj);
		most = max(most, content->count);
	}
	KUNIT_EXPECT_LE(test, most, 16);
	expect_held(test, stays, 1);
	KUNIT_EXPECT_FALSE(test, dma_resv_test_signaled(obj, 0));
}

/* Nobody signals it before somebody asks. */
static void fences_that_can_be_asked_make_room_too(struct kunit *test)
{
	struct dma_resv *obj = mock_resv(test);
	struct dma_fence *fences[MANY];
	int i;

	for (i = 0; i < MANY; i++) {
		fences[i] = resv_fence_of(test, RESV_POLLED, resv_context(), 1);
		KUNIT_EXPECT_EQ(test, 0, mock_resv_add(obj, fences[i], 0));
		to_resv_fence(fences[i])->over = true;
	}
	KUNIT_EXPECT_EQ(test, 0, reserve(obj, 200));
	expect_count(test, obj, 0);
	for (i = 0; i < MANY; i++)
		expect_held(test, fences[i], 0);
}

/* The slots in between are as good as those at the end. */
static void room_between_fences_is_used(struct kunit *test)
{
	struct dma_resv *obj = mock_resv(test);
	struct dma_fence **fences = add_many(test, obj, MANY);
	int i;

	for (i = 0; i < MANY; i += 2)
		dma_fence_signal(fences[i]);
	add_many(test, obj, 5 * MANY);
	for (i = 0; i < MANY; i += 2)
		expect_held(test, fences[i], 0);
	for (i = 1; i < MANY; i += 2)
		expect_held(test, fences[i], 1);
	expect_count(test, obj, MANY / 2 + 5 * MANY);
}

/* Where so many pages in a row can't be had at all. */
static void expect_scattered(struct kunit *test, const void *list, size_t slots)
{
	/* A slot has a fence and its context. */
	if (slots * 2 * sizeof(u64) > KMALLOC_MAX_SIZE)
		KUNIT_EXPECT_TRUE(test, is_vmalloc_addr(list));
}

/* The list is so large that pages in a row needn't be asked for. */
static void hundreds_of_thousands_of_slots_are_a_list_too(struct kunit *test)
{
	struct dma_resv *obj = mock_resv(test), *dst = mock_resv(test);
	struct dma_resv_list *list;
	struct dma_fence **fences;

	KUNIT_ASSERT_EQ(test, 0, reserve(obj, 400000));
	list = rcu_access_pointer(obj->fences);
	expect_scattered(test, list, 400000);
	fences = add_many(test, obj, MANY);
	expect_many(test, obj, fences, MANY);

	KUNIT_EXPECT_EQ(test, 0, reserve(obj, 800000));
	KUNIT_EXPECT_PTR_NE(test, list, rcu_access_pointer(obj->fences));
	expect_scattered(test, rcu_access_pointer(obj->fences), 800000);
	expect_many(test, obj, fences, MANY);

	KUNIT_EXPECT_EQ(test, 0, copy(dst, obj));
	expect_many(test, dst, fences, MANY);
	expect_held(test, fences[0], 2);
	KUNIT_EXPECT_EQ(test, 0, copy(obj, mock_resv(test)));
	expect_count(test, obj, 0);
	expect_held(test, fences[0], 1);
}

static void too_many_slots_are_no_memory(struct kunit *test)
{
	static const unsigned int counts[] = { 1U << 26, INT_MAX, UINT_MAX };
	struct dma_resv *obj = mock_resv(test), *used = mock_resv(test);
	struct dma_fence **fences = add_many(test, used, 3);
	struct dma_resv_list *list = rcu_access_pointer(used->fences);
	int i;

	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		KUNIT_EXPECT_EQ(test, -ENOMEM, reserve(obj, counts[i]));
		KUNIT_EXPECT_NULL(test, rcu_access_pointer(obj->fences));
		KUNIT_EXPECT_EQ(test, -ENOMEM, reserve(used, counts[i]));
		KUNIT_EXPECT_PTR_EQ(test, list,
				    rcu_access_pointer(used->fences));
		expect_many(test, used, fences, 3);
		expect_held(test, fences[0], 1);
	}
	KUNIT_EXPECT_EQ(test, 0, reserve(used, 1));
}

static void a_failed_reserve_leaves_the_object_as_it_was(struct kunit *test)
{
	static const unsigned int counts[] = { 1, 4, 16, 17, 60 };
	int i, err;

	mock_faults_begin(test);
	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		struct resv_content *content = resv_content_alloc(test, MANY);
		struct dma_resv *obj = mock_resv(test);
		struct dma_fence **fences = add_many(test, obj, counts[i]);
		struct dma_resv_list *list = rcu_access_pointer(obj->fences);
		unsigned int j;

		dma_resv_lock(obj, NULL);
		mock_fail_nth(1);
		/* So few that what is wanted is a slab's object. */
		err = dma_resv_reserve_fences(obj, 160 - counts[i]);
		KUNIT_EXPECT_TRUE(test, mock_failed());
		dma_resv_unlock(obj);

		KUNIT_EXPECT_EQ(test, err, -ENOMEM);
		KUNIT_EXPECT_PTR_EQ(test, list, rcu_access_pointer(obj->fences));
		resv_content_read(content, obj);
		KUNIT_ASSERT_EQ(test, content->count, counts[i]);
		for (j = 0; j < counts[i]; j++) {
			KUNIT_EXPECT_PTR_EQ(test, fences[j],
					    content->entries[j].fence);
			KUNIT_EXPECT_EQ(test, j % RESV_USAGES,
					content->entries[j].usage);
			expect_held(test, fences[j], 1);
		}
		KUNIT_EXPECT_EQ(test, 0, reserve(obj, 160));
		expect_count(test, obj, counts[i]);
	}
}

static void a_failed_first_reserve_makes_no_list(struct kunit *test)
{
	struct dma_resv *obj = mock_resv(test);

	mock_faults_begin(test);
	dma_resv_lock(obj, NULL);
	mock_fail_nth(1);
	KUNIT_EXPECT_EQ(test, -ENOMEM, dma_resv_reserve_fences(obj, 1));
	KUNIT_EXPECT_TRUE(test, mock_failed());
	dma_resv_unlock(obj);
	KUNIT_EXPECT_NULL(test, rcu_access_pointer(obj->fences));
}

/* What has signalled is enough, even where more would have been better. */
static void without_memory_signalled_fences_make_the_room(struct kunit *test)
{
	struct dma_resv *obj = mock_resv(test);
	struct dma_fence *fence = resv_fence(test);
	struct dma_fence **fences = add_many(test, obj, 12);
	struct dma_resv_list *list = rcu_access_pointer(obj->fences);
	unsigned int added = 12;

	mock_faults_begin(test);
	/* Up to the last slot of the list. */
	while (list == rcu_access_pointer(obj->fences)) {
		mock_fail_nth(1);
		dma_resv_lock(obj, NULL);
		if (dma_resv_reserve_fences(obj, 1)) {
			dma_resv_unlock(obj);
			break;
		}
		mock_failed();
		dma_resv_add_fence(obj, resv_fence(test), DMA_RESV_USAGE_READ);
		dma_resv_unlock(obj);
		KUNIT_ASSERT_LT(test, ++added, 100);
	}
	mock_failed();
	expect_count(test, obj, added);

	dma_fence_signal(fences[7]);
	mock_fail_nth(1);
	KUNIT_EXPECT_EQ(test, 0, mock_resv_add(obj, fence, 0));
	mock_failed();
	expect_count(test, obj, added);
	expect_held(test, fence, 1);
	expect_held(test, fences[7], 0);
}

/*
 * Adding
 */

/* The first of the contract's bugs: nobody else needs to hold it. */
static void an_object_holds_its_fences_itself(struct kunit *test)
{
	struct resv_content *content = resv_content_alloc(test, 1);
	struct dma_resv *obj = mock_resv(test);
	struct dma_fence *fence;

	fence = resv_fence_make(RESV_PLAIN, resv_context(), 1, obj);
	KUNIT_ASSERT_NOT_NULL(test, fence);
	KUNIT_EXPECT_EQ(test, 0, mock_resv_add(obj, fence, 0));
	KUNIT_EXPECT_EQ(test, mock_references(fence), 2);
	dma_fence_put(fence);

	resv_content_read(content, obj);
	KUNIT_ASSERT_EQ(test, content->count, 1);
	KUNIT_EXPECT_PTR_EQ(test, content->entries[0].fence, fence);
	KUNIT_EXPECT_EQ(test, resv_fence_count(), 1);
	dma_fence_signal(fence);
}

static void the_end_of_an_object_drops_all_fences(struct kunit *test)
{
	struct dma_fence *fences[MANY];
	struct dma_resv obj;
	int i;

	dma_resv_init(&obj);
	for (i = 0; i < MANY; i++) {
		fences[i] = resv_fence(test);
		KUNIT_EXPECT_EQ(test, 0,
				mock_resv_add(&obj, fences[i], i % RESV_USAGES));
	}
	dma_resv_fini(&obj);
	/* Some look at an object whose last holder has gone. */
	KUNIT_EXPECT_NULL(test, rcu_access_pointer(obj.fences));
	for (i = 0; i < MANY; i++)
		expect_held(test, fences[i], 0);
}

/**
 * struct succession - a fence that is added where one of its context is
 * @seqnos: of the old and of the new one
 * @usages: likewise
 * @fences: what is there afterwards
 */
struct succession {
	u64 seqnos[2];
	enum dma_resv_usage usages[2];
	unsigned int fences;
};

#define AND_THEN(s0, u0, s1, u1, count)					\
	{ { s0, s1 }, { DMA_RESV_USAGE_##u0, DMA_RESV_USAGE_##u1 }, count }

static const struct succession successions[] = {
	AND_THEN(1, READ, 2, READ, 1),
	AND_THEN(1, KERNEL, 2, KERNEL, 1),
	AND_THEN(1, BOOKKEEP, 2, BOOKKEEP, 1),
	AND_THEN(5, WRITE, 900, WRITE, 1),
	/* Whoever waits for the old one waits for the new one. */
	AND_THEN(1, READ, 2, WRITE, 1),
	AND_THEN(1, BOOKKEEP, 2, READ, 1),
	AND_THEN(1, BOOKKEEP, 2, KERNEL, 1),
	/* Some who wait for the old one wouldn't for the new one. */
	AND_THEN(1, WRITE, 2, READ, 2),
	AND_THEN(1, KERNEL, 2, WRITE, 2),
	AND_THEN(1, READ, 2, BOOKKEEP, 2),
	/* The new one isn't later: it may signal before the old one. */
	AND_THEN(2, READ, 1, READ, 2),
	AND_THEN(2, BOOKKEEP, 1, KERNEL, 2),
	AND_THEN(7, WRITE, 7, WRITE, 2),
	/* Seqnos wrap. */
	AND_THEN(0xfffffff0, READ, 3, READ, 1),
	AND_THEN(3, READ, 0xfffffff0, READ, 2),
};

/* Among others of contexts of their own. */
static void try_succession(struct kunit *test, const struct succession *s,
			   unsigned int others)
{
	struct dma_resv *obj = mock_resv(test);
	u64 context = resv_context();
	struct dma_fence *old, *new;

	old = resv_fence_of(test, RESV_PLAIN, context, s->seqnos[0]);
	new = resv_fence_of(test, RESV_PLAIN, context, s->seqnos[1]);
	add_many(test, obj, others / 2);
	KUNIT_ASSERT_EQ(test, 0, mock_resv_add(obj, old, s->usages[0]));
	add_many(test, obj, others / 2);
	KUNIT_ASSERT_EQ(test, 0, mock_resv_add(obj, new, s->usages[1]));

	KUNIT_EXPECT_EQ_MSG(test, mock_references(new), 2, "case %zd",
			    s - successions);
	KUNIT_EXPECT_EQ_MSG(test, mock_references(old), s->fences,
			    "case %zd", s - successions);
	expect_count(test, obj, others + s->fences);
}

static void a_later_fence_takes_the_place_of_its_contexts(struct kunit *test)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(successions); i++) {
		try_succession(test, &successions[i], 0);
		try_succession(test, &successions[i], 10);
		try_succession(test, &successions[i], 60);
	}
}

static void a_fence_takes_its_own_place(struct kunit *test)
{
	struct dma_resv *obj = mock_resv(test);
	struct dma_fence *fence = resv_fence(test);
	struct resv_content *content = resv_content_alloc(test, 1);

	KUNIT_EXPECT_EQ(test, 0, mock_resv_add(obj, fence, DMA_RESV_USAGE_READ));
	KUNIT_EXPECT_EQ(test, 0, mock_resv_add(obj, fence, DMA_RESV_USAGE_READ));
	KUNIT_EXPECT_EQ(test, 0, mock_resv_add(obj, fence, DMA_RESV_USAGE_WRITE));
	expect_held(test, fence, 1);
	resv_content_read(content, obj);
	KUNIT_ASSERT_EQ(test, content->count, 1);
	KUNIT_EXPECT_EQ(test, content->entries[0].usage, DMA_RESV_USAGE_WRITE);
}

/* Nobody but the object holds it, and that is what lets go of it. */
static void a_fence_takes_its_place_without_other_holders(struct kunit *test)
{
	struct dma_resv *obj = mock_resv(test);
	struct dma_fence *fence;

	fence = resv_fence_make(RESV_PLAIN, resv_context(), 1, obj);
	KUNIT_ASSERT_NOT_NULL(test, fence);
	KUNIT_ASSERT_EQ(test, 0, mock_resv_add(obj, fence,
					       DMA_RESV_USAGE_BOOKKEEP));
	dma_fence_put(fence);
	supersede(obj, fence, DMA_RESV_USAGE_WRITE);
	KUNIT_EXPECT_EQ(test, resv_fence_count(), 1);
	KUNIT_EXPECT_EQ(test, mock_references(fence), 1);
	dma_fence_signal(fence);
}

static void what_lost_its_place_and_has_no_other_holder_goes(struct kunit *test)
{
	struct dma_resv *obj = mock_resv(test);
	u64 context = resv_context();
	struct dma_fence *new = resv_fence_of(test, RESV_PLAIN, context, 2);
	struct dma_fence *old = resv_fence_make(RESV_PLAIN, context, 1, obj);

	KUNIT_ASSERT_NOT_NULL(test, old);
	KUNIT_ASSERT_EQ(test, 0, mock_resv_add(obj, old, DMA_RESV_USAGE_READ));
	dma_fence_put(old);
	supersede(obj, new, DMA_RESV_USAGE_READ);
	KUNIT_EXPECT_EQ(test, resv_fence_count(), 1);
	expect_held(test, new, 1);
}

static void a_fence_of_wider_use_stands_beside_itself(struct kunit *test)
{
	struct dma_resv *obj = mock_resv(test);
	struct dma_fence *fence = resv_fence(test);

	KUNIT_EXPECT_EQ(test, 0, mock_resv_add(obj, fence, DMA_RESV_USAGE_WRITE));
	KUNIT_EXPECT_EQ(test, 0,
			mock_resv_add(obj, fence, DMA_RESV_USAGE_BOOKKEEP));
	expect_held(test, fence, 2);
	expect_count(test, obj, 2);
}

/* In place, so that the list need not be gone through from the beginning. */
static void a_submission_a_frame_needs_one_slot(struct kunit *test)
{
	struct dma_resv *obj = mock_resv(test);
	struct dma_fence **fences = add_many(test, obj, MANY);
	struct dma_resv_list *list;
	struct dma_fence *fence;
	u64 seqno;
	int i;

	KUNIT_ASSERT_EQ(test, 0, reserve(obj, 1));
	list = rcu_access_pointer(obj->fences);
	for (seqno = 2; seqno < 12; seqno++) {
		for (i = 0; i < MANY; i++) {
			fence = resv_fence_of(test, RESV_PLAIN,
					      fences[i]->context, seqno);
			KUNIT_EXPECT_EQ(test, 0, mock_resv_add(obj, fence,
							       i % RESV_USAGES));
			expect_held(test, fences[i], 0);
			fences[i] = fence;
		}
	}
	expect_count(test, obj, MANY);
	KUNIT_EXPECT_PTR_EQ(test, list, rcu_access_pointer(obj->fences));
}

static void a_container_is_not_welcome(struct kunit *test)
{
	struct dma_fence_array *array;
	struct dma_fence **fences;
	struct dma_resv *obj = mock_resv(test);

	fences = kmalloc_array(1, sizeof(*fences), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, fences);
	fences[0] = dma_fence_get(resv_fence(test));
	array = dma_fence_array_create(1, fences, resv_context(), 1, false);
	KUNIT_ASSERT_NOT_NULL(test, array);

	kunit_info(test, "expect-splat: dma_resv_add_fence");
	KUNIT_EXPECT_EQ(test, 0, mock_resv_add(obj, &array->base, 0));
	kunit_info(test, "expect-splat: end");
	/* Better waited for than not. */
	KUNIT_EXPECT_FALSE(test, dma_resv_test_signaled(obj, 0));
	dma_fence_signal(fences[0]);
	dma_fence_signal(&array->base);
	dma_fence_put(&array->base);
}

/*
 * Adds a fence that signals when somebody waits for it, and not before.  What
 * isn't in the object then needs no waiting for any more.
 *
 * Returns whether it is there.
 */
static bool expect_not_lost(struct kunit *test, struct dma_resv *obj)
{
	struct dma_fence *fence = mock_fence(test);
	bool held;

	mock_fence_end_at_hook(fence);
	dma_resv_add_fence(obj, fence, DMA_RESV_USAGE_WRITE);
	held = mock_references(fence) > 1;
	KUNIT_EXPECT_NE(test, held, dma_fence_is_signaled(fence));
	return held;
}

/* What is used up are a list of no slots and a list of a few. */
static void adding_without_room_is_caught_and_loses_nothing(struct kunit *test)
{
	struct dma_resv *bare = mock_resv(test), *full = mock_resv(test);
	int i, held = 0;

	kunit_info(test, "expect-splat: add_without_slot");
	dma_resv_lock(bare, NULL);
	KUNIT_EXPECT_FALSE(test, expect_not_lost(test, bare));
	dma_resv_unlock(bare);
	kunit_info(test, "expect-splat: end");

	/* It has been said. */
	dma_resv_lock(full, NULL);
	KUNIT_EXPECT_EQ(test, 0, dma_resv_reserve_fences(full, 1));
	for (i = 0; i < 20; i++)
		held += expect_not_lost(test, full);
	KUNIT_EXPECT_FALSE(test, expect_not_lost(test, full));
	dma_resv_unlock(full);
	expect_count(test, full, held);
}

#ifdef CONFIG_DEBUG_MUTEXES
static void adding_without_reserving_is_caught(struct kunit *test)
{
	struct dma_resv *obj = mock_resv(test);
	struct dma_fence *fences[] = {
		resv_fence(test), resv_fence(test), resv_fence(test),
	};

	/* The slots are for who reserved them, until the lock goes. */
	dma_resv_lock(obj, NULL);
	KUNIT_ASSERT_EQ(test, 0, dma_resv_reserve_fences(obj, 3));
	dma_resv_add_fence(obj, fences[0], 0);
	dma_resv_add_fence(obj, fences[1], 0);
	dma_resv_unlock(obj);

	kunit_info(test, "expect-splat: dma_resv.c");
	supersede(obj, fences[2], DMA_RESV_USAGE_WRITE);
	kunit_info(test, "expect-splat: end");
	expect_held(test, fences[2], 1);
	expect_count(test, obj, 3);
}
#endif

/* One that replaces needs no slot, so there is nothing to be caught. */
static void superseding_needs_no_slot(struct kunit *test)
{
	struct dma_resv *obj = mock_resv(test);
	u64 context = resv_context();
	struct dma_fence *fences[2] = {
		resv_fence_of(test, RESV_PLAIN, context, 1),
		resv_fence_of(test, RESV_PLAIN, context, 2),
	};

	KUNIT_EXPECT_EQ(test, 0, mock_resv_add(obj, fences[0], 0));
	supersede(obj, fences[1], 0);
	expect_held(test, fences[0], 0);
	expect_held(test, fences[1], 1);
}

#ifdef CONFIG_PROVE_LOCKING
static void writers_must_hold_the_lock(struct kunit *test)
{
	struct dma_resv *obj = mock_resv(test);
	struct dma_fence *fence = resv_fence(test);

	/* RCU's "suspicious usage" comes once in a boot, before all others. */
	kunit_info(test, "expect-splat: WARNING:");
	dma_resv_replace_fences(obj, fence->context, fence, 0);
	kunit_info(test, "expect-splat: dma_resv_reserve_fences");
	KUNIT_EXPECT_EQ(test, 0, dma_resv_reserve_fences(obj, 1));
	kunit_info(test, "expect-splat: dma_resv_add_fence");
	dma_resv_add_fence(obj, fence, DMA_RESV_USAGE_READ);
	kunit_info(test, "expect-splat: dma_resv_replace_fences");
	dma_resv_replace_fences(obj, fence->context, fence, 0);
	kunit_info(test, "expect-splat: dma_resv_copy_fences");
	KUNIT_EXPECT_EQ(test, 0, dma_resv_copy_fences(obj, obj));
	kunit_info(test, "expect-splat: end");
}
#endif

/*
 * Replacing
 */

static void replacing_leaves_no_fence_of_the_context(struct kunit *test)
{
	static const unsigned int others[] = { 0, 10, MANY };
	int i, j;

	for (i = 0; i < ARRAY_SIZE(others); i++) {
		struct dma_resv *obj = mock_resv(test);
		struct dma_fence *fence = resv_fence(test), *old[4];
		u64 context = resv_context();

		add_many(test, obj, others[i]);
		/* Ever earlier ones: none takes another's place. */
		for (j = 0; j < 4; j++) {
			old[j] = resv_fence_of(test, RESV_PLAIN, context, 9 - j);
			KUNIT_ASSERT_EQ(test, 0, mock_resv_add(obj, old[j], j));
		}
		expect_count(test, obj, others[i] + 4);

		replace(obj, context, fence, DMA_RESV_USAGE_BOOKKEEP);
		for (j = 0; j < 4; j++)
			expect_held(test, old[j], 0);
		expect_held(test, fence, 4);
		expect_count(test, obj, others[i] + 4);
	}
}

/* It is the key by which its context's fences are found from then on. */
static void the_new_fence_is_found_by_its_own_context(struct kunit *test)
{
	static const unsigned int others[] = { 0, 10, MANY };
	int i;

	for (i = 0; i < ARRAY_SIZE(others); i++) {
		struct dma_resv *obj = mock_resv(test);
		u64 context = resv_context();
		struct dma_fence *old = resv_fence(test);
		struct dma_fence *new[2] = {
			resv_fence_of(test, RESV_PLAIN, context, 1),
			resv_fence_of(test, RESV_PLAIN, context, 2),
		};

		KUNIT_ASSERT_EQ(test, 0, mock_resv_add(obj, old, 0));
		add_many(test, obj, others[i]);
		replace(obj, old->context, new[0], DMA_RESV_USAGE_READ);
		KUNIT_EXPECT_EQ(test, 0, mock_resv_add(obj, new[1],
						       DMA_RESV_USAGE_READ));
		expect_held(test, old, 0);
		expect_held(test, new[0], 0);
		expect_held(test, new[1], 1);
		expect_count(test, obj, others[i] + 1);
		/* And not by the old one's. */
		replace(obj, old->context, old, 0);
		expect_held(test, old, 0);
	}
}

static void the_new_fence_has_the_new_usage(struct kunit *test)
{
	struct resv_content *content = resv_content_alloc(test, 1);
	struct dma_resv *obj = mock_resv(test);
	struct dma_fence *old = resv_fence(test), *new = resv_fence(test);

	KUNIT_ASSERT_EQ(test, 0, mock_resv_add(obj, old, DMA_RESV_USAGE_KERNEL));
	replace(obj, old->context, new, DMA_RESV_USAGE_BOOKKEEP);
	resv_content_read(content, obj);
	KUNIT_ASSERT_EQ(test, content->count, 1);
	KUNIT_EXPECT_PTR_EQ(test, content->entries[0].fence, new);
	KUNIT_EXPECT_EQ(test, content->entries[0].usage,
			DMA_RESV_USAGE_BOOKKEEP);
}

static void a_fence_can_replace_itself(struct kunit *test)
{
	struct dma_resv *obj = mock_resv(test);
	struct dma_fence *fence;

	fence = resv_fence_make(RESV_PLAIN, resv_context(), 1, obj);
	KUNIT_ASSERT_NOT_NULL(test, fence);
	KUNIT_ASSERT_EQ(test, 0, mock_resv_add(obj, fence, 0));
	dma_fence_put(fence);
	replace(obj, fence->context, fence, DMA_RESV_USAGE_READ);
	KUNIT_EXPECT_EQ(test, resv_fence_count(), 1);
	KUNIT_EXPECT_EQ(test, mock_references(fence), 1);
	dma_fence_signal(fence);
}

static void a_context_without_fences_is_not_replaced(struct kunit *test)
{
	struct dma_resv *obj = mock_resv(test);
	struct dma_fence *fence = resv_fence(test);

	replace(obj, resv_context(), fence, 0);
	expect_count(test, obj, 0);
	add_many(test, obj, 3);
	replace(obj, resv_context(), fence, 0);
	expect_held(test, fence, 0);
	expect_count(test, obj, 3);
}

/*
 * Copying
 */

static void a_copy_has_what_is_still_to_be_waited_for(struct kunit *test)
{
	static const unsigned int counts[] = { 1, 7, MANY };
	int i;

	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		struct dma_resv *src = mock_resv(test), *dst = mock_resv(test);
		struct dma_fence **old = add_many(test, dst, 5);
		struct dma_fence **fences = add_many(test, src, counts[i]);
		struct resv_content *content;
		unsigned int j;

		dma_fence_signal(fences[0]);
		KUNIT_EXPECT_EQ(test, 0, copy(dst, src));
		content = resv_content_alloc(test, counts[i]);
		resv_content_read(content, dst);
		KUNIT_ASSERT_EQ(test, content->count, counts[i] - 1);
		for (j = 0; j < counts[i] - 1; j++)
			to_resv_fence(content->entries[j].fence)
				->seen[content->entries[j].usage]++;
		for (j = 1; j < counts[i]; j++) {
			KUNIT_EXPECT_EQ(test, 1, to_resv_fence(fences[j])
					->seen[j % RESV_USAGES]);
			expect_held(test, fences[j], 2);
		}
		for (j = 0; j < 5; j++)
			expect_held(test, old[j], 0);
		expect_count(test, src, counts[i]);
	}
}

/* Its contexts are known as if the fences had been added. */
static void a_copys_fences_can_be_superseded(struct kunit *test)
{
	struct dma_resv *src = mock_resv(test), *dst = mock_resv(test);
	struct dma_fence **fences = add_many(test, src, MANY), *fence;
	int i;

	KUNIT_ASSERT_EQ(test, 0, copy(dst, src));
	for (i = 0; i < MANY; i++) {
		fence = resv_fence_of(test, RESV_PLAIN, fences[i]->context, 2);
		KUNIT_EXPECT_EQ(test, 0, mock_resv_add(dst, fence, 0));
		expect_held(test, fences[i], 1);
	}
	expect_count(test, dst, MANY);
}

static void a_copy_of_nothing_is_empty(struct kunit *test)
{
	struct dma_resv *src = mock_resv(test), *dst = mock_resv(test);
	struct dma_fence **fences;

	KUNIT_EXPECT_EQ(test, 0, copy(dst, src));
	expect_count(test, dst, 0);
	fences = add_many(test, dst, 3);
	KUNIT_EXPECT_EQ(test, 0, copy(dst, src));
	expect_count(test, dst, 0);
	expect_held(test, fences[0], 0);

	fences = add_many(test, src, 1);
	dma_fence_signal(fences[0]);
	add_many(test, dst, 1);
	KUNIT_EXPECT_EQ(test, 0, copy(dst, src));
	expect_count(test, dst, 0);
}

static void an_object_can_be_copied_onto_itself(struct kunit *test)
{
	struct dma_resv *obj = mock_resv(test);
	struct dma_fence **fences = add_many(test, obj, 20);

	KUNIT_EXPECT_EQ(test, 0, copy(obj, obj));
	expect_count(test, obj, 20);
	expect_held(test, fences[19], 1);
}

static void a_failed_copy_changes_nothing(struct kunit *test)
{
	struct dma_resv *src = mock_resv(test), *dst = mock_resv(test);
	struct dma_fence **fences = add_many(test, src, 20);
	struct dma_fence **old = add_many(test, dst, 3);
	int err;

	mock_faults_begin(test);
	dma_resv_lock(dst, NULL);
	mock_fail_nth(1);
	err = dma_resv_copy_fences(dst, src);
	KUNIT_EXPECT_TRUE(test, mock_failed());
	dma_resv_unlock(dst);
	KUNIT_EXPECT_EQ(test, err, -ENOMEM);
	expect_count(test, dst, 3);
	expect_held(test, old[0], 1);
	expect_held(test, fences[0], 1);
}

/*
 * The lock
 */

static void trylock_takes_what_nobody_has(struct kunit *test)
{
	struct dma_resv *mine = mock_resv(test), *others = mock_resv(test);

	mock_lock_elsewhere(test, others);
	KUNIT_EXPECT_TRUE(test, dma_resv_is_locked(others));
	KUNIT_EXPECT_FALSE(test, dma_resv_trylock(others));
	KUNIT_ASSERT_TRUE(test, dma_resv_trylock(mine));
	KUNIT_EXPECT_TRUE(test, dma_resv_is_locked(mine));
	KUNIT_EXPECT_NULL(test, dma_resv_locking_ctx(mine));
#ifdef CONFIG_LOCKDEP
	KUNIT_EXPECT_TRUE(test, dma_resv_held(mine));
	KUNIT_EXPECT_FALSE(test, dma_resv_held(others));
#endif
	dma_resv_assert_held(mine);
	dma_resv_unlock(mine);
	KUNIT_EXPECT_FALSE(test, dma_resv_is_locked(mine));
}

static void a_signal_ends_the_wait_for_the_lock(struct kunit *test)
{
	struct dma_resv *obj = mock_resv(test);
	int err;

	mock_lock_elsewhere(test, obj);
	mock_interrupt_begin();
	err = dma_resv_lock_interruptible(obj, NULL);
	mock_interrupt_end();
	KUNIT_EXPECT_EQ(test, err, -EINTR);
}

static void without_a_signal_it_is_like_the_other(struct kunit *test)
{
	struct dma_resv *obj = mock_resv(test);

	KUNIT_EXPECT_EQ(test, 0, dma_resv_lock_interruptible(obj, NULL));
	KUNIT_EXPECT_TRUE(test, dma_resv_is_locked(obj));
	dma_resv_unlock(obj);
}

static void a_context_knows_what_it_has_locked(struct kunit *test)
{
	struct dma_resv *obj = mock_resv(test);
	struct ww_acquire_ctx ctx;

	ww_acquire_init(&ctx, &reservation_ww_class);
	KUNIT_EXPECT_EQ(test, 0, dma_resv_lock(obj, &ctx));
	KUNIT_EXPECT_PTR_EQ(test, dma_resv_locking_ctx(obj), &ctx);
	KUNIT_EXPECT_EQ(test, -EALREADY, dma_resv_lock(obj, &ctx));
	KUNIT_EXPECT_EQ(test, -EALREADY, dma_resv_lock_interruptible(obj, &ctx));
	dma_resv_unlock(obj);
	ww_acquire_fini(&ctx);
	KUNIT_EXPECT_NULL(test, dma_resv_locking_ctx(obj));
}

/**
 * struct elder - a thread whose context is older than the test's
 * @obj: what it locks
 * @locked: it has it
 * @leave: it is to unlock
 */
struct elder {
	struct dma_resv *obj;
	struct completion locked;
	struct completion leave;
};

static int lock_as_elder(void *data)
{
	struct elder *elder = data;
	struct ww_acquire_ctx ctx;

	ww_acquire_init(&ctx, &reservation_ww_class);
	WARN_ON(dma_resv_lock(elder->obj, &ctx));
	complete(&elder->locked);
	wait_for_completion(&elder->leave);
	dma_resv_unlock(elder->obj);
	ww_acquire_fini(&ctx);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

static void let_elder_leave(void *elder)
{
	complete_all(&((struct elder *)elder)->leave);
}

static struct elder *start_elder(struct kunit *test)
{
	struct elder *elder = kunit_kzalloc(test, sizeof(*elder), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, elder);
	elder->obj = mock_resv(test);
	init_completion(&elder->locked);
	init_completion(&elder->leave);
	mock_thread(test, lock_as_elder, elder, "dma_buf_elder");
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, let_elder_leave,
							   elder));
	wait_for_completion(&elder->locked);
	return elder;
}

static void the_younger_one_lets_go_and_waits(struct kunit *test)
{
	struct dma_resv *mine = mock_resv(test);
	struct elder *elder = start_elder(test);
	struct ww_acquire_ctx ctx;
	int errs[3];

	ww_acquire_init(&ctx, &reservation_ww_class);
	errs[0] = dma_resv_lock(mine, &ctx);
	errs[1] = dma_resv_lock(elder->obj, &ctx);
	dma_resv_unlock(mine);
	mock_interrupt_begin();
	errs[2] = dma_resv_lock_slow_interruptible(elder->obj, &ctx);
	mock_interrupt_end();
	complete_all(&elder->leave);
	dma_resv_lock_slow(elder->obj, &ctx);
	KUNIT_EXPECT_PTR_EQ(test, dma_resv_locking_ctx(elder->obj), &ctx);
	dma_resv_unlock(elder->obj);
	ww_acquire_fini(&ctx);

	KUNIT_EXPECT_EQ(test, errs[0], 0);
	KUNIT_EXPECT_EQ(test, errs[1], -EDEADLK);
	KUNIT_EXPECT_EQ(test, errs[2], -EINTR);
}

static void the_slow_lock_may_be_had_unless_interrupted(struct kunit *test)
{
	struct dma_resv *mine = mock_resv(test);
	struct elder *elder = start_elder(test);
	struct ww_acquire_ctx ctx;
	int errs[3];

	ww_acquire_init(&ctx, &reservation_ww_class);
	errs[0] = dma_resv_lock(mine, &ctx);
	errs[1] = dma_resv_lock_interruptible(elder->obj, &ctx);
	dma_resv_unlock(mine);
	complete_all(&elder->leave);
	errs[2] = dma_resv_lock_slow_interruptible(elder->obj, &ctx);
	if (!errs[2])
		dma_resv_unlock(elder->obj);
	ww_acquire_fini(&ctx);

	KUNIT_EXPECT_EQ(test, errs[0], 0);
	KUNIT_EXPECT_EQ(test, errs[1], -EDEADLK);
	KUNIT_EXPECT_EQ(test, errs[2], 0);
}

static struct kunit_case resv_cases[] = {
	KUNIT_CASE(a_new_object_has_no_list),
	KUNIT_CASE(a_reserved_slot_makes_a_list),
	KUNIT_CASE(no_slots_cannot_be_reserved),
	KUNIT_CASE(as_many_fences_fit_as_were_reserved),
	KUNIT_CASE(reserving_again_counts_from_the_fences_there_are),
	KUNIT_CASE(growing_keeps_every_fence_and_its_usage),
	KUNIT_CASE(signalled_fences_make_room),
	KUNIT_CASE(fences_that_can_be_asked_make_room_too),
	KUNIT_CASE(room_between_fences_is_used),
	KUNIT_CASE(hundreds_of_thousands_of_slots_are_a_list_too),
	KUNIT_CASE(too_many_slots_are_no_memory),
	KUNIT_CASE(a_failed_reserve_leaves_the_object_as_it_was),
	KUNIT_CASE(a_failed_first_reserve_makes_no_list),
	KUNIT_CASE(without_memory_signalled_fences_make_the_room),
	KUNIT_CASE(an_object_holds_its_fences_itself),
	KUNIT_CASE(the_end_of_an_object_drops_all_fences),
	KUNIT_CASE(a_later_fence_takes_the_place_of_its_contexts),
	KUNIT_CASE(a_fence_takes_its_own_place),
	KUNIT_CASE(a_fence_takes_its_place_without_other_holders),
	KUNIT_CASE(what_lost_its_place_and_has_no_other_holder_goes),
	KUNIT_CASE(a_fence_of_wider_use_stands_beside_itself),
	KUNIT_CASE(a_submission_a_frame_needs_one_slot),
	KUNIT_CASE(a_container_is_not_welcome),
	KUNIT_CASE(adding_without_room_is_caught_and_loses_nothing),
#ifdef CONFIG_DEBUG_MUTEXES
	KUNIT_CASE(adding_without_reserving_is_caught),
#endif
	KUNIT_CASE(superseding_needs_no_slot),
#ifdef CONFIG_PROVE_LOCKING
	KUNIT_CASE(writers_must_hold_the_lock),
#endif
	KUNIT_CASE(replacing_leaves_no_fence_of_the_context),
	KUNIT_CASE(the_new_fence_is_found_by_its_own_context),
	KUNIT_CASE(the_new_fence_has_the_new_usage),
	KUNIT_CASE(a_fence_can_replace_itself),
	KUNIT_CASE(a_context_without_fences_is_not_replaced),
	KUNIT_CASE(a_copy_has_what_is_still_to_be_waited_for),
	KUNIT_CASE(a_copys_fences_can_be_superseded),
	KUNIT_CASE(a_copy_of_nothing_is_empty),
	KUNIT_CASE(an_object_can_be_copied_onto_itself),
	KUNIT_CASE(a_failed_copy_changes_nothing),
	KUNIT_CASE(trylock_takes_what_nobody_has),
	KUNIT_CASE(a_signal_ends_the_wait_for_the_lock),
	KUNIT_CASE(without_a_signal_it_is_like_the_other),
	KUNIT_CASE(a_context_knows_what_it_has_locked),
	KUNIT_CASE(the_younger_one_lets_go_and_waits),
	KUNIT_CASE(the_slow_lock_may_be_had_unless_interrupted),
	{}
};

static struct kunit_suite resv_suite = {
	.name = "dma_resv",
	.suite_init = resv_mock_suite_init,
	.suite_exit = resv_mock_suite_exit,
	.init = resv_mock_init,
	.test_cases = resv_cases,
};

kunit_test_suite(resv_suite);
