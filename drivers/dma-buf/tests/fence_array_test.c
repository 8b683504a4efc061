// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arrays: many fences that signal as one, with the last or with the first.
 */
#include <linux/dma-fence-array.h>
#include <linux/dma-fence-chain.h>

#include "mock.h"

#define MEMBERS 3

/**
 * struct set - an array and its members
 * @jobs: the members; the test has a reference on each
 * @fences: the same
 * @array: the array; a reference is the set's
 */
struct set {
	struct mock_job *jobs[MEMBERS];
	struct dma_fence *fences[MEMBERS];
	struct dma_fence *array;
};

static void make_members(struct kunit *test, struct set *set)
{
	int i;

	for (i = 0; i < MEMBERS; i++) {
		set->jobs[i] = mock_job_make(10 + i, 1);
		KUNIT_ASSERT_NOT_NULL(test, set->jobs[i]);
		set->fences[i] = &set->jobs[i]->base;
	}
}

static struct set make_set(struct kunit *test, bool signal_on_any)
{
	struct set set;

	make_members(test, &set);
	set.array = mock_array(test, set.fences, MEMBERS, signal_on_any);
	return set;
}

/* An armed container may be about to signal on another CPU. */
static bool signals_soon(struct dma_fence *fence)
{
	return MOCK_AWAIT(dma_fence_is_signaled(fence));
}

/* Everybody has let go of everything before. */
static void end_set(struct kunit *test, struct set *set)
{
	int i;

	for (i = 0; i < MEMBERS; i++)
		dma_fence_signal(set->fences[i]);
	KUNIT_EXPECT_TRUE(test, mock_left_alone(set->array));
	dma_fence_put(set->array);
	for (i = 0; i < MEMBERS; i++) {
		KUNIT_EXPECT_EQ(test, mock_references(set->fences[i]), 1);
		dma_fence_put(set->fences[i]);
	}
}

static void an_array_is_told_from_other_fences(struct kunit *test)
{
	struct set set = make_set(test, false);
	struct dma_fence_array *array = to_dma_fence_array(set.array);

	KUNIT_ASSERT_NOT_NULL(test, array);
	KUNIT_EXPECT_PTR_EQ(test, &array->base, set.array);
	KUNIT_EXPECT_EQ(test, array->num_fences, MEMBERS);
	KUNIT_EXPECT_PTR_EQ(test, array->fences[2], set.fences[2]);
	KUNIT_EXPECT_EQ(test, set.array->seqno, 1);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_array(set.array));
	KUNIT_EXPECT_TRUE(test, dma_fence_is_container(set.array));
	KUNIT_EXPECT_FALSE(test, dma_fence_is_chain(set.array));
	KUNIT_EXPECT_FALSE(test, dma_fence_is_container(set.fences[0]));
	KUNIT_EXPECT_NULL(test, to_dma_fence_array(set.fences[0]));
	KUNIT_EXPECT_NULL(test, to_dma_fence_array(NULL));
	KUNIT_EXPECT_STREQ(test, "dma_fence_array",
			   set.array->ops->get_driver_name(set.array));
	KUNIT_EXPECT_STREQ(test, "unbound",
			   set.array->ops->get_timeline_name(set.array));
	end_set(test, &set);
}

static void an_array_needs_members(struct kunit *test)
{
	kunit_info(test, "expect-splat: dma_fence_array_alloc");
	KUNIT_EXPECT_NULL(test, dma_fence_array_alloc(0));
	KUNIT_EXPECT_NULL(test, dma_fence_array_alloc(-1));
	KUNIT_EXPECT_NULL(test, dma_fence_array_create(0, NULL, 1, 1, false));
	kunit_info(test, "expect-splat: end");
}

static void memory_for_an_array_can_be_given_back(struct kunit *test)
{
	struct dma_fence_array *array = dma_fence_array_alloc(5);

	KUNIT_ASSERT_NOT_NULL(test, array);
	kfree(array);
}

/* User space can have more fences merged than there can be memory for at one piece. */
static void too_many_members_are_refused_quietly(struct kunit *test)
{
	int members = KMALLOC_MAX_SIZE / sizeof(struct dma_fence_array_cb);

	KUNIT_EXPECT_NULL(test, dma_fence_array_alloc(members));
	KUNIT_EXPECT_NULL(test, dma_fence_array_alloc(INT_MAX));
}

static void without_memory_the_list_stays_the_callers(struct kunit *test)
{
	struct dma_fence_array *array;
	struct dma_fence **list;
	struct set set;

	mock_faults_begin(test);
	set = make_set(test, false);
	list = kunit_kmalloc_array(test, MEMBERS, sizeof(*list), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, list);
	memcpy(list, set.fences, sizeof(set.fences));
	mock_fail_nth(1);
	array = dma_fence_array_create(MEMBERS, list, 1, 1, false);
	KUNIT_EXPECT_TRUE(test, mock_failed());
	KUNIT_EXPECT_NULL(test, array);
	KUNIT_EXPECT_MEMEQ(test, list, set.fences, sizeof(set.fences));
	end_set(test, &set);
}

static void arrays_do_not_nest(struct kunit *test)
{
	struct set set = make_set(test, false);
	struct dma_fence *outer;

	kunit_info(test, "expect-splat: dma_fence_array.c");
	outer = mock_array(test, &set.array, 1, false);
	kunit_info(test, "expect-splat: end");
	dma_fence_put(outer);
	end_set(test, &set);
}

static void members_are_visited_in_order(struct kunit *test)
{
	struct set set = make_set(test, false);
	struct dma_fence *fence;
	unsigned int i, count = 0;

	dma_fence_array_for_each(fence, i, set.array)
		KUNIT_EXPECT_PTR_EQ(test, fence, set.fences[count++]);
	KUNIT_EXPECT_EQ(test, count, MEMBERS);
	KUNIT_EXPECT_NULL(test, dma_fence_array_next(set.array, MEMBERS));
	KUNIT_EXPECT_NULL(test, dma_fence_array_next(set.array, UINT_MAX));

	dma_fence_array_for_each(fence, i, set.fences[1]) {
		KUNIT_EXPECT_PTR_EQ(test, fence, set.fences[1]);
		count++;
	}
	KUNIT_EXPECT_EQ(test, count, MEMBERS + 1);

	KUNIT_EXPECT_NULL(test, dma_fence_array_first(NULL));
	KUNIT_EXPECT_NULL(test, dma_fence_array_next(NULL, 0));
	end_set(test, &set);
}

static void a_context_is_matched_by_all_members(struct kunit *test)
{
	struct dma_fence *fences[2] = {
		&mock_job_on(test, 5, 1)->base, &mock_job_on(test, 5, 2)->base,
	};
	struct dma_fence *same = mock_array(test, fences, 2, false);
	struct set set = make_set(test, false);

	KUNIT_EXPECT_TRUE(test, dma_fence_match_context(fences[0], 5));
	KUNIT_EXPECT_FALSE(test, dma_fence_match_context(fences[0], 6));
	KUNIT_EXPECT_TRUE(test, dma_fence_match_context(same, 5));
	KUNIT_EXPECT_FALSE(test, dma_fence_match_context(same, 6));
	KUNIT_EXPECT_FALSE(test, dma_fence_match_context(same, same->context));
	KUNIT_EXPECT_FALSE(test, dma_fence_match_context(set.array, 10));
	KUNIT_EXPECT_FALSE(test, dma_fence_match_context(set.array, 12));
	dma_fence_put(same);
	end_set(test, &set);
}

static void deadlines_reach_all_members(struct kunit *test)
{
	struct set set = make_set(test, false);
	int i;

	dma_fence_signal(set.fences[1]);
	dma_fence_set_deadline(set.array, 42);
	for (i = 0; i < MEMBERS; i++)
		KUNIT_EXPECT_EQ(test, set.jobs[i]->deadline, i == 1 ? 0 : 42);
	end_set(test, &set);
}

/*
 * Every way to signal three members
 */

static const int orders[][MEMBERS] = {
	{ 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
	{ 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 },
};

/**
 * struct way - a way to signal the members, some or all of which fail
 * @signal_on_any: of the array
 * @armed: somebody asked to be told, before
 * @before: mask of those that signal before that
 * @failing: mask of those that fail
 * @order: of the others
 */
struct way {
	bool signal_on_any;
	bool armed;
	int before;
	int failing;
	const int *order;
};

/* The error of a member if it is to fail. */
static int error_of(const struct way *way, int member)
{
	return way->failing & BIT(member) ? -10 - member : 0;
}

static void end_member(struct set *set, const struct way *way, int member)
{
	if (error_of(way, member))
		dma_fence_set_error(set->fences[member], error_of(way, member));
	dma_fence_signal(set->fences[member]);
}

/* Members that signal before the array is armed count in their own order. */
static int expected_status(const struct way *way)
{
	int i, member, sequence[2 * MEMBERS], count = 0;

	for (i = 0; i < MEMBERS; i++) {
		if (way->before & BIT(i))
			sequence[count++] = i;
	}
	for (i = 0; i < MEMBERS; i++) {
		member = way->order[i];
		if (!(way->before & BIT(member)))
			sequence[count++] = member;
	}
	if (way->signal_on_any)
		return error_of(way, sequence[0]) ?: 1;
	for (i = 0; i < count; i++) {
		if (error_of(way, sequence[i]))
			return error_of(way, sequence[i]);
	}
	return 1;
}

static bool is_decided(const struct way *way, int signalled)
{
	if (way->signal_on_any)
		return signalled;
	return signalled == BIT(MEMBERS) - 1;
}

static void expect_pending(struct kunit *test, struct set *set,
			   const struct way *way, int signalled)
{
	bool decided = is_decided(way, signalled);

	if (!decided)
		KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(set->array));
	else if (way->armed)
		KUNIT_EXPECT_TRUE(test, signals_soon(set->array));
}

static void go_this_way(struct kunit *test, const struct way *way)
{
	struct set set = make_set(test, way->signal_on_any);
	struct mock_call call = { .count = 0 };
	int i, status, ret = -ENOENT, signalled = way->before;

	for (i = 0; i < MEMBERS; i++) {
		if (way->before & BIT(i))
			end_member(&set, way, i);
	}
	if (way->armed) {
		ret = mock_call_at_end(set.array, &call);
		KUNIT_EXPECT_EQ(test, !ret, !is_decided(way, way->before));
	}
	for (i = 0; i < MEMBERS; i++) {
		int member = way->order[i];

		if (signalled & BIT(member))
			continue;
		if (way->armed)
			expect_pending(test, &set, way, signalled);
		end_member(&set, way, member);
		signalled |= BIT(member);
	}
	KUNIT_EXPECT_TRUE(test, signals_soon(set.array));
	if (!ret)
		KUNIT_EXPECT_TRUE(test, MOCK_AWAIT(mock_calls(&call) == 1));

	status = dma_fence_get_status(set.array);
	/* Who only looks can't know which was first. */
	if (way->armed)
		KUNIT_EXPECT_EQ(test, status, expected_status(way));
	else if (!way->signal_on_any)
		KUNIT_EXPECT_EQ(test, status < 0, !!way->failing);
	end_set(test, &set);
	if (way->armed)
		KUNIT_EXPECT_EQ(test, mock_calls(&call), !ret);
}

static void go_every_way(struct kunit *test, bool any, bool armed)
{
	int before, failing, order;

	for (before = 0; before < BIT(MEMBERS); before++) {
		for (failing = 0; failing < BIT(MEMBERS); failing++) {
			for (order = 0; order < ARRAY_SIZE(orders); order++) {
				struct way way = {
					any, armed, before, failing,
					orders[order],
				};

				if (test->status != KUNIT_FAILURE)
					go_this_way(test, &way);
			}
		}
	}
}

static void armed_it_signals_with_the_last_member(struct kunit *test)
{
	go_every_way(test, false, true);
}

static void armed_it_signals_with_any_member(struct kunit *test)
{
	go_every_way(test, true, true);
}

static void looked_at_in_the_end_all_have_signalled(struct kunit *test)
{
	go_every_way(test, false, false);
}

static void looked_at_in_the_end_any_has_signalled(struct kunit *test)
{
	go_every_way(test, true, false);
}

static void looked_at_it_signals_with_any_member(struct kunit *test)
{
	struct set set = make_set(test, true);

	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(set.array));
	dma_fence_set_error(set.fences[1], -EIO);
	dma_fence_signal(set.fences[1]);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(set.array), -EIO);
	dma_fence_set_error(set.fences[0], -ETIME);
	dma_fence_signal(set.fences[0]);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(set.array), -EIO);
	end_set(test, &set);
}

/* Nobody enables signalling of the members for a mere look. */
static void a_look_asks_the_members(struct kunit *test)
{
	struct set set = make_set(test, false);
	int i, enabled = 0;

	for (i = 0; i < MEMBERS; i++) {
		KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(set.array));
		set.jobs[i]->done = true;
	}
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(set.array));
	for (i = 0; i < MEMBERS; i++)
		enabled += set.jobs[i]->enabled;
	KUNIT_EXPECT_EQ(test, enabled, 0);
	end_set(test, &set);
}

static void members_may_turn_out_over_when_armed(struct kunit *test)
{
	struct set set;
	struct mock_call call;
	int mask, i, ret;

	for (mask = 1; mask < BIT(MEMBERS); mask++) {
		set = make_set(test, false);
		for (i = 0; i < MEMBERS; i++)
			set.jobs[i]->over_when_enabled = mask & BIT(i);
		ret = mock_call_at_end(set.array, &call);
		KUNIT_EXPECT_EQ(test, ret, mask == 7 ? -ENOENT : 0);
		for (i = 0; i < MEMBERS; i++)
			dma_fence_signal(set.fences[i]);
		KUNIT_EXPECT_TRUE(test, signals_soon(set.array));
		KUNIT_EXPECT_TRUE(test, MOCK_AWAIT(mock_calls(&call) == !ret));
		end_set(test, &set);
	}
}

static void no_member_is_watched_after_the_first_signal(struct kunit *test)
{
	struct set set = make_set(test, true);
	struct mock_call call;

	KUNIT_EXPECT_EQ(test, mock_call_at_end(set.array, &call), 0);
	KUNIT_EXPECT_TRUE(test, mock_fence_watched(set.fences[0]));
	dma_fence_signal(set.fences[1]);
	KUNIT_EXPECT_TRUE(test, mock_left_alone(set.array));
	KUNIT_EXPECT_EQ(test, mock_calls(&call), 1);
	KUNIT_EXPECT_FALSE(test, mock_fence_watched(set.fences[0]));
	KUNIT_EXPECT_FALSE(test, mock_fence_watched(set.fences[2]));
	end_set(test, &set);
}

static void nor_when_the_first_was_over_already(struct kunit *test)
{
	struct set set = make_set(test, true);
	struct mock_call call;

	set.jobs[2]->over_when_enabled = true;
	KUNIT_EXPECT_EQ(test, mock_call_at_end(set.array, &call), -ENOENT);
	KUNIT_EXPECT_EQ(test, mock_references(set.array), 1);
	KUNIT_EXPECT_FALSE(test, mock_fence_watched(set.fences[0]));
	KUNIT_EXPECT_FALSE(test, mock_fence_watched(set.fences[1]));
	end_set(test, &set);
}

static void an_armed_array_outlives_its_last_user(struct kunit *test)
{
	struct set set;
	struct mock_call call;
	int any, i;

	for (any = 0; any < 2; any++) {
		set = make_set(test, any);
		KUNIT_EXPECT_EQ(test, mock_call_at_end(set.array, &call), 0);
		dma_fence_put(set.array);
		for (i = 0; i < MEMBERS; i++) {
			KUNIT_EXPECT_EQ(test, mock_calls(&call), any && i);
			dma_fence_signal(set.fences[i]);
			if (any || i == MEMBERS - 1)
				KUNIT_EXPECT_TRUE(test,
						  MOCK_AWAIT(mock_calls(&call)));
		}
		KUNIT_EXPECT_EQ(test, mock_calls(&call), 1);
		for (i = 0; i < MEMBERS; i++) {
			KUNIT_EXPECT_TRUE(test, mock_left_alone(set.fences[i]));
			dma_fence_put(set.fences[i]);
		}
	}
}

/* Members may go after the test has failed, so it isn't on the stack. */
static atomic_t released;

/* Were its last reference to go with the signal, so would the lock. */
static void a_member_may_signal_under_its_lock(struct kunit *test)
{
	struct set set = make_set(test, false);
	struct mock_call call;
	int i;

	atomic_set(&released, 0);
	KUNIT_EXPECT_EQ(test, mock_call_at_end(set.array, &call), 0);
	dma_fence_put(set.array);
	for (i = 0; i < MEMBERS; i++)
		set.jobs[i]->released = &released;
	for (i = 0; i < MEMBERS; i++) {
		spin_lock_irq(set.fences[i]->lock);
		dma_fence_signal_locked(set.fences[i]);
		spin_unlock_irq(set.fences[i]->lock);
		dma_fence_put(set.fences[i]);
	}
	KUNIT_EXPECT_TRUE(test, MOCK_AWAIT(atomic_read(&released) == MEMBERS));
	KUNIT_EXPECT_EQ(test, mock_calls(&call), 1);
}

static void members_may_signal_in_interrupts(struct kunit *test)
{
	struct dma_fence *fences[MEMBERS], *array;
	int i;

	for (i = 0; i < MEMBERS; i++)
		fences[i] = mock_fence(test);
	array = mock_array(test, fences, MEMBERS, false);
	for (i = 0; i < MEMBERS; i++)
		mock_fence_signal_after(fences[i], (3 - i) * NSEC_PER_MSEC);
	KUNIT_EXPECT_GT(test, dma_fence_wait_timeout(array, false,
						     MOCK_PATIENCE), 0);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(array), 1);
	KUNIT_EXPECT_TRUE(test, mock_left_alone(array));
	dma_fence_put(array);
}

static void chains_may_be_members(struct kunit *test)
{
	struct mock_job *jobs[3] = {
		mock_job(test), mock_job(test), mock_job(test)
	};
	struct dma_fence *members[2], *array;
	struct mock_call call;
	int i;

	members[0] = mock_link(test, NULL, dma_fence_get(&jobs[0]->base), 1);
	members[0] = mock_link(test, members[0], dma_fence_get(&jobs[1]->base),
			       2);
	members[1] = &jobs[2]->base;
	array = mock_array(test, members, 2, false);
	dma_fence_put(members[0]);

	KUNIT_EXPECT_EQ(test, mock_call_at_end(array, &call), 0);
	dma_fence_put(array);
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_EQ(test, mock_calls(&call), 0);
		dma_fence_signal(&jobs[i]->base);
	}
	KUNIT_EXPECT_TRUE(test, MOCK_AWAIT(mock_calls(&call) == 1));
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_TRUE(test, mock_left_alone(&jobs[i]->base));
}

/*
 * Races
 */

static void signal_members(void *data)
{
	struct set *set = data;
	int i;

	for (i = 0; i < MEMBERS; i++)
		dma_fence_signal(set->fences[i]);
}

/* The members signal before, while or after the array is armed. */
static void race_to_arm(struct kunit *test, bool any)
{
	struct mock_rounds rounds = mock_rounds(test);
	struct set set;
	struct mock_rival *rival = mock_rival(test, signal_members, &set);
	int queued = 0, ret;

	while (mock_next_round(&rounds)) {
		struct mock_call call;

		set = make_set(test, any);
		mock_rival_go(rival);
		mock_dawdle();
		ret = mock_call_at_end(set.array, &call);
		mock_rival_await(rival);
		if (ret) {
			KUNIT_EXPECT_EQ(test, ret, -ENOENT);
			KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(set.array));
		} else {
			KUNIT_EXPECT_TRUE(test, MOCK_AWAIT(mock_calls(&call)));
		}
		KUNIT_EXPECT_EQ(test, dma_fence_get_status(set.array), 1);
		end_set(test, &set);
		KUNIT_EXPECT_EQ(test, mock_calls(&call), !ret);
		queued += !ret;
	}
	kunit_info(test, "armed in time in %d", queued);
}

static void all_may_signal_while_it_is_armed(struct kunit *test)
{
	race_to_arm(test, false);
}

static void any_may_signal_while_it_is_armed(struct kunit *test)
{
	race_to_arm(test, true);
}

/* It has no other reference than its own any more when it signals. */
static void race_to_put(struct kunit *test, bool any)
{
	struct mock_rounds rounds = mock_rounds(test);
	struct set set;
	struct mock_rival *rival = mock_rival(test, signal_members, &set);
	int i, ret;

	while (mock_next_round(&rounds)) {
		struct mock_call call;

		set = make_set(test, any);
		mock_rival_go(rival);
		mock_dawdle();
		ret = mock_call_at_end(set.array, &call);
		dma_fence_put(set.array);
		mock_rival_await(rival);
		for (i = 0; i < MEMBERS; i++) {
			KUNIT_EXPECT_TRUE(test, mock_left_alone(set.fences[i]));
			dma_fence_put(set.fences[i]);
		}
		KUNIT_EXPECT_EQ(test, mock_calls(&call), !ret);
	}
}

static void an_array_for_all_may_go_while_they_signal(struct kunit *test)
{
	race_to_put(test, false);
}

static void an_array_for_any_may_go_while_they_signal(struct kunit *test)
{
	race_to_put(test, true);
}

static void race_to_look(struct kunit *test, bool any)
{
	struct mock_rounds rounds = mock_rounds(test);
	struct set set;
	struct mock_rival *rival = mock_rival(test, signal_members, &set);
	int ret;

	while (mock_next_round(&rounds)) {
		struct mock_call call;

		set = make_set(test, any);
		dma_fence_set_error(set.fences[0], -EIO);
		ret = mock_call_at_end(set.array, &call);
		KUNIT_EXPECT_EQ(test, ret, 0);
		mock_rival_go(rival);
		KUNIT_EXPECT_TRUE(test, signals_soon(set.array));
		/* Who sees the signal sees the error. */
		KUNIT_EXPECT_EQ(test, dma_fence_get_status(set.array), -EIO);
		mock_rival_await(rival);
		KUNIT_EXPECT_EQ(test, dma_fence_get_status(set.array), -EIO);
		end_set(test, &set);
		KUNIT_EXPECT_EQ(test, mock_calls(&call), 1);
	}
}

static void who_looks_while_all_signal_sees_the_error(struct kunit *test)
{
	race_to_look(test, false);
}

static void who_looks_while_any_signals_sees_the_error(struct kunit *test)
{
	race_to_look(test, true);
}

/* The rival signals one half, the test the other. */
static void signal_the_last(void *data)
{
	struct set *set = data;

	dma_fence_signal(set->fences[MEMBERS - 1]);
}

static void race_to_be_last(struct kunit *test, bool any)
{
	struct mock_rounds rounds = mock_rounds(test);
	struct set set;
	struct mock_rival *rival = mock_rival(test, signal_the_last, &set);
	int i;

	while (mock_next_round(&rounds)) {
		struct mock_call calls[2];

		set = make_set(test, any);
		for (i = 0; i < 2; i++)
			KUNIT_EXPECT_EQ(test, 0, mock_call_at_end(set.array,
								  &calls[i]));
		mock_rival_go(rival);
		mock_dawdle();
		for (i = 0; i < MEMBERS - 1; i++)
			dma_fence_signal(set.fences[i]);
		mock_rival_await(rival);
		KUNIT_EXPECT_TRUE(test, MOCK_AWAIT(mock_calls(&calls[1])));
		end_set(test, &set);
		KUNIT_EXPECT_EQ(test, mock_calls(&calls[0]), 1);
		KUNIT_EXPECT_EQ(test, mock_calls(&calls[1]), 1);
	}
}

static void two_may_signal_the_last_members(struct kunit *test)
{
	race_to_be_last(test, false);
}

static void two_may_signal_the_first_member(struct kunit *test)
{
	race_to_be_last(test, true);
}

static struct kunit_case fence_array_cases[] = {
	KUNIT_CASE(an_array_is_told_from_other_fences),
	KUNIT_CASE(an_array_needs_members),
	KUNIT_CASE(memory_for_an_array_can_be_given_back),
	KUNIT_CASE(too_many_members_are_refused_quietly),
	KUNIT_CASE(without_memory_the_list_stays_the_callers),
	KUNIT_CASE(arrays_do_not_nest),
	KUNIT_CASE(members_are_visited_in_order),
	KUNIT_CASE(a_context_is_matched_by_all_members),
	KUNIT_CASE(deadlines_reach_all_members),
	KUNIT_CASE(armed_it_signals_with_the_last_member),
	KUNIT_CASE(armed_it_signals_with_any_member),
	KUNIT_CASE(looked_at_in_the_end_all_have_signalled),
	KUNIT_CASE(looked_at_in_the_end_any_has_signalled),
	KUNIT_CASE(looked_at_it_signals_with_any_member),
	KUNIT_CASE(a_look_asks_the_members),
	KUNIT_CASE(members_may_turn_out_over_when_armed),
	KUNIT_CASE(no_member_is_watched_after_the_first_signal),
	KUNIT_CASE(nor_when_the_first_was_over_already),
	KUNIT_CASE(an_armed_array_outlives_its_last_user),
	KUNIT_CASE(a_member_may_signal_under_its_lock),
	KUNIT_CASE(members_may_signal_in_interrupts),
	KUNIT_CASE(chains_may_be_members),
	KUNIT_CASE_SLOW(all_may_signal_while_it_is_armed),
	KUNIT_CASE_SLOW(any_may_signal_while_it_is_armed),
	KUNIT_CASE_SLOW(an_array_for_all_may_go_while_they_signal),
	KUNIT_CASE_SLOW(an_array_for_any_may_go_while_they_signal),
	KUNIT_CASE_SLOW(who_looks_while_all_signal_sees_the_error),
	KUNIT_CASE_SLOW(who_looks_while_any_signals_sees_the_error),
	KUNIT_CASE_SLOW(two_may_signal_the_last_members),
	KUNIT_CASE_SLOW(two_may_signal_the_first_member),
	{}
};

static struct kunit_suite fence_array_suite = {
	.name = "dma_fence_array",
	.test_cases = fence_array_cases,
};

kunit_test_suite(fence_array_suite);
