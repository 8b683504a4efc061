// SPDX-License-Identifier: GPL-2.0-only
/*
 * Chains: points on a timeline, how they are found, signal and go.
 */
#include <linux/delay.h>
#include <linux/dma-fence-array.h>
#include <linux/dma-fence-chain.h>
#include <linux/random.h>
#include <linux/slab.h>

#include "mock.h"

#define LINKS 10

/**
 * struct timeline - a chain and the fences in it
 * @jobs: the fences, oldest first; a reference on each
 * @head: the newest link; a reference
 */
struct timeline {
	struct mock_job *jobs[LINKS];
	struct dma_fence *head;
};

/* The points are 10, 20, and so on. */
static void make_timeline(struct kunit *test, struct timeline *timeline)
{
	u64 context = dma_fence_context_alloc(1);
	int i;

	timeline->head = NULL;
	for (i = 0; i < LINKS; i++) {
		struct mock_job *job = mock_job_make(context, i + 1);

		KUNIT_ASSERT_NOT_NULL(test, job);
		timeline->jobs[i] = job;
		timeline->head = mock_link(test, timeline->head,
					   dma_fence_get(&job->base),
					   10 * (i + 1));
	}
}

static void end_job_of(struct timeline *timeline, int i)
{
	dma_fence_signal(&timeline->jobs[i]->base);
}

/* No link has a reference on its fence any more. */
static bool has_left(struct timeline *timeline, int i)
{
	return mock_left_alone(&timeline->jobs[i]->base);
}

/* Nobody has a reference on anything of it any more. */
static void end_timeline(struct kunit *test, struct timeline *timeline)
{
	int i;

	for (i = 0; i < LINKS; i++)
		end_job_of(timeline, i);
	if (timeline->head)
		KUNIT_EXPECT_TRUE(test, mock_left_alone(timeline->head));
	dma_fence_put(timeline->head);
	for (i = 0; i < LINKS; i++) {
		KUNIT_EXPECT_TRUE(test, has_left(timeline, i));
		dma_fence_put(&timeline->jobs[i]->base);
	}
}

static struct dma_fence *job_fence(struct kunit *test)
{
	return dma_fence_get(&mock_job(test)->base);
}

static void a_link_is_told_from_other_fences(struct kunit *test)
{
	struct dma_fence *fence = job_fence(test);
	struct dma_fence *head = mock_link(test, NULL, fence, 1);
	struct dma_fence_chain *chain = to_dma_fence_chain(head);

	KUNIT_ASSERT_NOT_NULL(test, chain);
	KUNIT_EXPECT_PTR_EQ(test, &chain->base, head);
	KUNIT_EXPECT_PTR_EQ(test, chain->fence, fence);
	KUNIT_EXPECT_NULL(test, rcu_access_pointer(chain->prev));
	KUNIT_EXPECT_TRUE(test, dma_fence_is_chain(head));
	KUNIT_EXPECT_TRUE(test, dma_fence_is_container(head));
	KUNIT_EXPECT_FALSE(test, dma_fence_is_array(head));
	KUNIT_EXPECT_TRUE(test, head->ops->use_64bit_seqno);
	KUNIT_EXPECT_NULL(test, to_dma_fence_chain(fence));
	KUNIT_EXPECT_NULL(test, to_dma_fence_chain(NULL));
	KUNIT_EXPECT_PTR_EQ(test, dma_fence_chain_contained(head), fence);
	KUNIT_EXPECT_PTR_EQ(test, dma_fence_chain_contained(fence), fence);
	KUNIT_EXPECT_STREQ(test, "dma_fence_chain",
			   head->ops->get_driver_name(head));
	KUNIT_EXPECT_STREQ(test, "unbound",
			   head->ops->get_timeline_name(head));
	dma_fence_put(head);
}

static void memory_for_a_link_can_be_given_back(struct kunit *test)
{
	struct dma_fence_chain *chain = dma_fence_chain_alloc();

	KUNIT_ASSERT_NOT_NULL(test, chain);
	dma_fence_chain_free(chain);
	dma_fence_chain_free(NULL);
}

static void chains_do_not_nest(struct kunit *test)
{
	struct dma_fence *inner = mock_link(test, NULL, job_fence(test), 1);
	struct dma_fence *outer;

	kunit_info(test, "expect-splat: dma_fence_chain_init");
	outer = mock_link(test, NULL, inner, 1);
	kunit_info(test, "expect-splat: end");
	dma_fence_put(outer);
}

/*
 * Where a link stands
 */

static u64 prev_seqno(struct dma_fence *link)
{
	return to_dma_fence_chain(link)->prev_seqno;
}

static void a_later_point_is_of_the_same_timeline(struct kunit *test)
{
	struct dma_fence *first = mock_link(test, NULL, job_fence(test), 3);
	u64 context = first->context;
	struct dma_fence *second;

	KUNIT_EXPECT_EQ(test, first->seqno, 3);
	KUNIT_EXPECT_EQ(test, prev_seqno(first), 0);
	second = mock_link(test, first, job_fence(test), 0x200000000ULL);
	KUNIT_EXPECT_EQ(test, second->context, context);
	KUNIT_EXPECT_EQ(test, second->seqno, 0x200000000ULL);
	KUNIT_EXPECT_EQ(test, prev_seqno(second), 3);
	dma_fence_put(second);
}

static void a_point_out_of_order_begins_a_timeline(struct kunit *test)
{
	static const u64 early[] = { 0, 1, 5, 6 };
	int i;

	for (i = 0; i < ARRAY_SIZE(early); i++) {
		struct dma_fence *first, *second;
		u64 context;

		first = mock_link(test, NULL, job_fence(test), 6);
		context = first->context;
		second = mock_link(test, first, job_fence(test), early[i]);
		KUNIT_EXPECT_NE(test, second->context, context);
		KUNIT_EXPECT_EQ(test, second->seqno, 6);
		KUNIT_EXPECT_EQ(test, prev_seqno(second), 0);
		dma_fence_put(second);
	}
}

static void a_chain_may_begin_with_any_fence(struct kunit *test)
{
	struct mock_job *begin = mock_job_on(test, 5, 100);
	struct mock_job *job = mock_job(test);
	struct dma_fence *head, *link;
	int count = 0;

	head = mock_link(test, dma_fence_get(&begin->base),
			 dma_fence_get(&job->base), 2);
	KUNIT_EXPECT_EQ(test, head->seqno, 2);
	KUNIT_EXPECT_NE(test, head->context, 5);
	KUNIT_EXPECT_EQ(test, prev_seqno(head), 0);

	dma_fence_chain_for_each(link, head)
		KUNIT_EXPECT_PTR_EQ(test, link, count++ ? &begin->base : head);
	KUNIT_EXPECT_EQ(test, count, 2);

	dma_fence_signal(&job->base);
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(head));
	dma_fence_signal(&begin->base);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(head));
	dma_fence_put(head);
	KUNIT_EXPECT_TRUE(test, mock_left_alone(&begin->base));
	KUNIT_EXPECT_TRUE(test, mock_left_alone(&job->base));
}

/*
 * Finding a point
 */

/* Returns what it found; the point, 0 for nothing, or the error. */
static s64 find(struct kunit *test, struct dma_fence *head, u64 seqno)
{
	struct dma_fence *fence = dma_fence_get(head);
	int references = head ? mock_references(head) : 0;
	s64 found = dma_fence_chain_find_seqno(&fence, seqno);

	if (found)
		KUNIT_EXPECT_PTR_EQ(test, fence, head);
	else if (fence)
		found = fence->seqno;
	if (fence && fence != head)
		KUNIT_EXPECT_EQ(test, mock_references(head), references - 1);
	dma_fence_put(fence);
	return found;
}

static void every_point_is_found(struct kunit *test)
{
	struct timeline timeline;
	u64 seqno;

	make_timeline(test, &timeline);
	for (seqno = 1; seqno <= 10 * LINKS; seqno++)
		KUNIT_EXPECT_EQ(test, find(test, timeline.head, seqno),
				roundup(seqno, 10));
	end_timeline(test, &timeline);
}

static void a_point_to_come_is_not_found(struct kunit *test)
{
	struct timeline timeline;

	make_timeline(test, &timeline);
	KUNIT_EXPECT_EQ(test, find(test, timeline.head, 101), -EINVAL);
	KUNIT_EXPECT_EQ(test, find(test, timeline.head, U64_MAX), -EINVAL);
	end_timeline(test, &timeline);
}

static void points_are_on_chains_only(struct kunit *test)
{
	struct dma_fence *fence = &mock_job_on(test, 1, 50)->base;

	KUNIT_EXPECT_EQ(test, find(test, fence, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, find(test, NULL, 1), -EINVAL);
}

static void point_0_is_what_is_there(struct kunit *test)
{
	struct dma_fence *fence = &mock_job_on(test, 1, 50)->base;
	struct timeline timeline;

	make_timeline(test, &timeline);
	KUNIT_EXPECT_EQ(test, find(test, timeline.head, 0), 100);
	KUNIT_EXPECT_EQ(test, find(test, fence, 0), 50);
	KUNIT_EXPECT_EQ(test, find(test, NULL, 0), 0);
	end_timeline(test, &timeline);
}

/* What stands for a point that signalled is what is pending before it. */
static void points_that_signalled_are_passed_over(struct kunit *test)
{
	struct timeline timeline;

	make_timeline(test, &timeline);
	end_job_of(&timeline, 4);
	KUNIT_EXPECT_EQ(test, find(test, timeline.head, 45), 40);
	KUNIT_EXPECT_EQ(test, find(test, timeline.head, 55), 60);
	end_job_of(&timeline, 3);
	KUNIT_EXPECT_EQ(test, find(test, timeline.head, 50), 30);
	end_job_of(&timeline, 0);
	end_job_of(&timeline, 2);
	KUNIT_EXPECT_EQ(test, find(test, timeline.head, 50), 20);
	KUNIT_EXPECT_EQ(test, find(test, timeline.head, 10), 0);
	end_job_of(&timeline, 1);
	KUNIT_EXPECT_EQ(test, find(test, timeline.head, 50), 0);
	KUNIT_EXPECT_EQ(test, find(test, timeline.head, 51), 60);
	end_timeline(test, &timeline);
}

/* A point whose link has left the chain is covered by the link after it. */
static void a_point_that_left_the_chain_is_no_longer_there(struct kunit *test)
{
	struct timeline timeline;
	struct dma_fence *link;
	int i, count = 0;

	make_timeline(test, &timeline);
	for (i = 0; i < 5; i++)
		end_job_of(&timeline, i);
	dma_fence_chain_for_each(link, timeline.head)
		count++;
	KUNIT_EXPECT_EQ(test, count, 5);
	KUNIT_EXPECT_EQ(test, find(test, timeline.head, 30), 0);
	KUNIT_EXPECT_EQ(test, find(test, timeline.head, 51), 60);
	KUNIT_EXPECT_EQ(test, find(test, timeline.head, 75), 80);
	end_timeline(test, &timeline);
}

/* Points before it are covered by the first link of the new timeline. */
static void no_point_is_looked_for_across_timelines(struct kunit *test)
{
	struct timeline timeline;
	u64 seqno;

	make_timeline(test, &timeline);
	timeline.head = mock_link(test, timeline.head, job_fence(test), 50);
	timeline.head = mock_link(test, timeline.head, job_fence(test), 110);
	for (seqno = 1; seqno <= 100; seqno++)
		KUNIT_EXPECT_EQ(test, find(test, timeline.head, seqno), 100);
	KUNIT_EXPECT_EQ(test, find(test, timeline.head, 101), 110);
	dma_fence_put(timeline.head);
	timeline.head = NULL;
	end_timeline(test, &timeline);
}

static void what_was_found_signals_with_all_before_it(struct kunit *test)
{
	struct dma_fence *fence;
	struct timeline timeline;
	int i;

	make_timeline(test, &timeline);
	fence = dma_fence_get(timeline.head);
	KUNIT_ASSERT_EQ(test, dma_fence_chain_find_seqno(&fence, 41), 0);
	for (i = 4; i >= 0; i--) {
		KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(fence));
		end_job_of(&timeline, i);
	}
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(fence));
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(timeline.head));
	dma_fence_put(fence);
	end_timeline(test, &timeline);
}

/*
 * Walking
 */

static void a_walk_goes_from_new_to_old(struct kunit *test)
{
	struct timeline timeline;
	struct dma_fence *link;
	u64 seqno = 100;

	make_timeline(test, &timeline);
	dma_fence_chain_for_each(link, timeline.head) {
		KUNIT_EXPECT_EQ(test, link->seqno, seqno);
		seqno -= 10;
	}
	KUNIT_EXPECT_EQ(test, seqno, 0);
	KUNIT_EXPECT_NULL(test,
			  dma_fence_chain_walk(dma_fence_get(&timeline.jobs[0]->base)));
	end_timeline(test, &timeline);
}

static void a_walk_takes_out_what_has_signalled(struct kunit *test)
{
	struct timeline timeline;
	struct dma_fence *link;
	int i, count = 0;

	make_timeline(test, &timeline);
	/* The newest, two in a row, and the oldest. */
	end_job_of(&timeline, 9);
	end_job_of(&timeline, 5);
	end_job_of(&timeline, 4);
	timeline.jobs[0]->done = true;
	dma_fence_chain_for_each(link, timeline.head)
		count++;
	KUNIT_EXPECT_EQ(test, count, 7);

	for (i = 0; i < LINKS; i++) {
		struct dma_fence *fence = &timeline.jobs[i]->base;
		bool gone = i == 5 || i == 4 || i == 0;

		if (gone)
			KUNIT_EXPECT_TRUE(test, has_left(&timeline, i));
		else
			KUNIT_EXPECT_EQ(test, mock_references(fence), 2);
	}
	end_timeline(test, &timeline);
}

static void a_look_takes_out_what_has_signalled(struct kunit *test)
{
	struct timeline timeline;
	int i;

	make_timeline(test, &timeline);
	for (i = 1; i < LINKS; i++)
		end_job_of(&timeline, i);
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(timeline.head));
	for (i = 1; i < LINKS - 1; i++)
		KUNIT_EXPECT_TRUE(test, has_left(&timeline, i));
	end_timeline(test, &timeline);
}

/*
 * Signalling
 */

static void shuffle(int order[LINKS])
{
	int i, other;

	for (i = 0; i < LINKS; i++) {
		order[i] = i;
		other = get_random_u32_below(i + 1);
		swap(order[i], order[other]);
	}
}

static void it_signals_with_the_last_in_whatever_order(struct kunit *test)
{
	struct mock_rounds rounds = mock_rounds(test);
	struct timeline timeline;
	struct mock_call call;
	int i, order[LINKS];

	while (mock_next_round(&rounds)) {
		make_timeline(test, &timeline);
		shuffle(order);
		KUNIT_EXPECT_EQ(test, 0, mock_call_at_end(timeline.head, &call));
		if (rounds.count % 2) {
			dma_fence_put(timeline.head);
			timeline.head = NULL;
		}
		for (i = 0; i < LINKS; i++) {
			KUNIT_EXPECT_EQ(test, mock_calls(&call), 0);
			if (timeline.head)
				KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(timeline.head));
			end_job_of(&timeline, order[i]);
		}
		KUNIT_EXPECT_TRUE(test, MOCK_AWAIT(mock_calls(&call) == 1));
		end_timeline(test, &timeline);
		KUNIT_EXPECT_EQ(test, mock_calls(&call), 1);
	}
}

static void it_is_looked_at_in_whatever_order(struct kunit *test)
{
	struct mock_rounds rounds = mock_rounds(test);
	struct timeline timeline;
	int i, order[LINKS];

	while (mock_next_round(&rounds)) {
		make_timeline(test, &timeline);
		shuffle(order);
		for (i = 0; i < LINKS; i++) {
			KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(timeline.head));
			WRITE_ONCE(timeline.jobs[order[i]]->done, true);
		}
		KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(timeline.head));
		end_timeline(test, &timeline);
	}
}

static void fences_may_turn_out_over_when_armed(struct kunit *test)
{
	struct mock_rounds rounds = mock_rounds(test);
	struct timeline timeline;
	struct mock_call call;
	int i, ret;

	while (mock_next_round(&rounds)) {
		u32 over = rounds.count % 10 ? get_random_u32() : U32_MAX;
		bool all = true;

		make_timeline(test, &timeline);
		for (i = 0; i < LINKS; i++) {
			timeline.jobs[i]->over_when_enabled = over & BIT(i);
			all &= timeline.jobs[i]->over_when_enabled;
		}
		ret = mock_call_at_end(timeline.head, &call);
		KUNIT_EXPECT_EQ(test, ret, all ? -ENOENT : 0);
		for (i = 0; i < LINKS; i++) {
			if (!(over & BIT(i)))
				end_job_of(&timeline, i);
		}
		if (!ret)
			KUNIT_EXPECT_TRUE(test, MOCK_AWAIT(mock_calls(&call)));
		KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(timeline.head));
		end_timeline(test, &timeline);
		KUNIT_EXPECT_EQ(test, mock_calls(&call), !ret);
	}
}

static void every_link_can_be_waited_for(struct kunit *test)
{
	struct dma_fence *links[LINKS], *link;
	struct mock_call calls[LINKS];
	struct timeline timeline;
	int i, count = 0;

	make_timeline(test, &timeline);
	dma_fence_chain_for_each(link, timeline.head)
		links[LINKS - ++count] = dma_fence_get(link);
	KUNIT_ASSERT_EQ(test, count, LINKS);
	for (i = LINKS - 1; i >= 0; i--)
		KUNIT_EXPECT_EQ(test, 0, mock_call_at_end(links[i], &calls[i]));

	end_job_of(&timeline, 1);
	end_job_of(&timeline, 2);
	KUNIT_EXPECT_EQ(test, mock_calls(&calls[2]), 0);
	end_job_of(&timeline, 0);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_TRUE(test, MOCK_AWAIT(mock_calls(&calls[i])));
	KUNIT_EXPECT_EQ(test, mock_calls(&calls[3]), 0);
	for (i = 3; i < LINKS; i++)
		end_job_of(&timeline, i);
	for (i = 0; i < LINKS; i++) {
		KUNIT_EXPECT_TRUE(test, MOCK_AWAIT(mock_calls(&calls[i])));
		dma_fence_put(links[i]);
	}
	end_timeline(test, &timeline);
}

static void arrays_may_be_in_links(struct kunit *test)
{
	struct mock_job *jobs[4] = {
		mock_job(test), mock_job(test), mock_job(test), mock_job(test)
	};
	struct dma_fence *fences[4], *head;
	struct mock_call call;
	int i;

	for (i = 0; i < 4; i++)
		fences[i] = &jobs[i]->base;
	head = mock_link(test, NULL, mock_array(test, fences, 2, false), 1);
	head = mock_link(test, head, mock_array(test, fences + 2, 2, false), 2);
	KUNIT_EXPECT_EQ(test, mock_call_at_end(head, &call), 0);
	dma_fence_put(head);
	for (i = 0; i < 4; i++) {
		KUNIT_EXPECT_EQ(test, mock_calls(&call), 0);
		dma_fence_signal(fences[i]);
	}
	KUNIT_EXPECT_TRUE(test, MOCK_AWAIT(mock_calls(&call) == 1));
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_TRUE(test, mock_left_alone(fences[i]));
}

static void deadlines_reach_all_links(struct kunit *test)
{
	struct timeline timeline;
	int i;

	make_timeline(test, &timeline);
	end_job_of(&timeline, 5);
	end_job_of(&timeline, 9);
	dma_fence_set_deadline(timeline.head, 42);
	for (i = 0; i < LINKS; i++)
		KUNIT_EXPECT_EQ(test, timeline.jobs[i]->deadline,
				i == 5 || i == 9 ? 0 : 42);
	end_timeline(test, &timeline);
}

static void deadlines_go_through_links_to_arrays(struct kunit *test)
{
	struct mock_job *jobs[2] = { mock_job(test), mock_job(test) };
	struct dma_fence *fences[2] = { &jobs[0]->base, &jobs[1]->base };
	struct dma_fence *head;

	head = mock_link(test, NULL, mock_array(test, fences, 2, false), 1);
	dma_fence_set_deadline(head, 42);
	KUNIT_EXPECT_EQ(test, jobs[0]->deadline, 42);
	KUNIT_EXPECT_EQ(test, jobs[1]->deadline, 42);
	dma_fence_put(head);
}

/*
 * Going
 */

#define MANY_LINKS	100000
#define RUN_LINKS	10000

/* Links may go long after the test has failed, so it isn't on the stack. */
static atomic_t released;

/* The task whose releases are counted again: others release meanwhile. */
static struct task_struct *putter;
static int released_by_putter;

static void count_release(struct dma_fence *fence)
{
	if (READ_ONCE(putter) == current)
		released_by_putter++;
	atomic_inc(&released);
	dma_fence_free(fence);
}

static const char *counted_name(struct dma_fence *fence)
{
	return "counted";
}

static const struct dma_fence_ops counted_ops = {
	.get_driver_name = counted_name,
	.get_timeline_name = counted_name,
	.release = count_release,
};

static DEFINE_SPINLOCK(counted_lock);

static struct dma_fence *counted_fence(struct kunit *test, u64 context,
				       u64 seqno)
{
	struct dma_fence *fence = kmalloc(sizeof(*fence), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, fence);
	dma_fence_init(fence, &counted_ops, &counted_lock, context, seqno);
	return fence;
}

/* Patience begins anew with each look that finds that some more went. */
static bool have_gone(int count)
{
	int seen;

	do {
		seen = atomic_read(&released);
		if (seen == count)
			return true;
		msleep(20);
	} while (MOCK_AWAIT(atomic_read(&released) != seen));
	return false;
}

/* So many fences, and for each some links that have it. */
static struct dma_fence *make_long_chain(struct kunit *test, int fences,
					 int links_each)
{
	u64 context = dma_fence_context_alloc(1);
	struct dma_fence *fence, *head = NULL;
	int i, link, point = 0;

	atomic_set(&released, 0);
	for (i = 1; i <= fences; i++) {
		fence = counted_fence(test, context, i);
		for (link = 0; link < links_each; link++)
			head = mock_link(test, head, dma_fence_get(fence),
					 ++point);
		dma_fence_put(fence);
		cond_resched();
	}
	return head;
}

/* Returns how many fences the put itself releases, and not another CPU. */
static int put_with_interrupts_off(struct dma_fence *head)
{
	released_by_putter = 0;
	local_irq_disable();
	WRITE_ONCE(putter, current);
	dma_fence_put(head);
	WRITE_ONCE(putter, NULL);
	local_irq_enable();
	return released_by_putter;
}

/* Neither the stack nor this CPU's time is enough for all at once. */
static void a_long_chain_goes_bit_by_bit(struct kunit *test)
{
	struct dma_fence *head = make_long_chain(test, MANY_LINKS / 10, 10);
	int at_once = put_with_interrupts_off(head);

	KUNIT_EXPECT_LT(test, at_once, 10);
	KUNIT_EXPECT_TRUE(test, have_gone(MANY_LINKS / 10));
	kunit_info(test, "%d links went at once", 10 * at_once);
}

static void only_what_nobody_else_has_goes(struct kunit *test)
{
	struct dma_fence *head, *half;

	head = make_long_chain(test, 1000, 1);
	half = dma_fence_get(head);
	KUNIT_ASSERT_EQ(test, dma_fence_chain_find_seqno(&half, 500), 0);
	dma_fence_put(head);
	KUNIT_EXPECT_TRUE(test, have_gone(500));
	KUNIT_EXPECT_EQ(test, find(test, half, 250), 250);
	KUNIT_EXPECT_EQ(test, mock_references(half), 1);
	dma_fence_put(half);
	KUNIT_EXPECT_TRUE(test, have_gone(1000));
}

static void a_long_run_of_signalled_links_goes_in_one_step(struct kunit *test)
{
	struct dma_fence *head, *link;

	head = make_long_chain(test, RUN_LINKS, 1);
	link = dma_fence_get(head);
	while ((link = dma_fence_chain_walk(link)) && link->seqno > 1) {
		dma_fence_signal(dma_fence_chain_contained(link));
		cond_resched();
	}
	KUNIT_ASSERT_NOT_NULL(test, link);
	dma_fence_put(link);

	link = dma_fence_chain_walk(dma_fence_get(head));
	KUNIT_ASSERT_NOT_NULL(test, link);
	KUNIT_EXPECT_EQ(test, link->seqno, 1);
	dma_fence_put(link);
	KUNIT_EXPECT_TRUE(test, have_gone(RUN_LINKS - 2));
	dma_fence_put(head);
	KUNIT_EXPECT_TRUE(test, have_gone(RUN_LINKS));
}

/* All fences of a chain of @count links, the oldest first, with a reference each. */
static struct dma_fence **fences_of(struct kunit *test, struct dma_fence *head,
				    int count)
{
	struct dma_fence **fences, *link;
	int i = count;

	fences = kvmalloc_array(count, sizeof(*fences), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, fences);
	dma_fence_chain_for_each(link, head) {
		if (i > 0)
			fences[--i] = dma_fence_get(dma_fence_chain_contained(link));
		cond_resched();
	}
	KUNIT_ASSERT_EQ(test, i, 0);
	return fences;
}

/* The @i-th to signal: the older half in order, then the newest first. */
static int index_to_signal(int i)
{
	int half = MANY_LINKS / 2;

	return i < half ? i : MANY_LINKS - 1 - (i - half);
}

/*
 * What waits for it goes on from one fence to the next at first. In the end, the other
 * half of them are found to be over in one go.
 */
static void a_long_chain_signals_with_its_last_fence(struct kunit *test)
{
	struct dma_fence *head = make_long_chain(test, MANY_LINKS, 1);
	struct dma_fence **fences = fences_of(test, head, MANY_LINKS);
	struct mock_call call;
	int i;

	KUNIT_EXPECT_EQ(test, find(test, head, MANY_LINKS / 2), MANY_LINKS / 2);
	KUNIT_EXPECT_EQ(test, find(test, head, 1), 1);
	KUNIT_ASSERT_EQ(test, mock_call_at_end(head, &call), 0);
	for (i = 0; i < MANY_LINKS; i++) {
		struct dma_fence *fence = fences[index_to_signal(i)];

		KUNIT_ASSERT_EQ(test, mock_calls(&call), 0);
		dma_fence_signal(fence);
		dma_fence_put(fence);
		cond_resched();
	}
	KUNIT_EXPECT_TRUE(test, MOCK_AWAIT(mock_calls(&call) == 1));
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(head));
	kvfree(fences);
	dma_fence_put(head);
	KUNIT_EXPECT_TRUE(test, have_gone(MANY_LINKS));
}

/*
 * Races
 */

static void walk(struct dma_fence *head)
{
	struct dma_fence *link;
	u64 last = U64_MAX;

	dma_fence_chain_for_each(link, head) {
		WARN_ON_ONCE(link->seqno >= last);
		last = link->seqno;
	}
}

static void walk_too(void *data)
{
	struct timeline *timeline = data;

	walk(timeline->head);
}

static void two_may_take_out_the_same_links(struct kunit *test)
{
	struct mock_rounds rounds = mock_rounds(test);
	struct timeline timeline;
	struct mock_rival *rival = mock_rival(test, walk_too, &timeline);
	int i;

	while (mock_next_round(&rounds)) {
		u32 over = get_random_u32() | get_random_u32();
		int links = 0, pending = 1;
		struct dma_fence *link;

		make_timeline(test, &timeline);
		for (i = 0; i < LINKS - 1; i++) {
			if (over & BIT(i))
				end_job_of(&timeline, i);
			else
				pending++;
		}
		mock_rival_go(rival);
		mock_dawdle();
		walk(timeline.head);
		mock_rival_await(rival);

		dma_fence_chain_for_each(link, timeline.head)
			links++;
		KUNIT_EXPECT_EQ(test, links, pending);
		for (i = 0; i < LINKS - 1; i++) {
			if (over & BIT(i))
				KUNIT_EXPECT_TRUE(test, has_left(&timeline, i));
		}
		end_timeline(test, &timeline);
	}
}

static void signal_in_random_order(void *data)
{
	struct timeline *timeline = data;
	int i, order[LINKS];

	shuffle(order);
	for (i = 0; i < LINKS; i++)
		end_job_of(timeline, order[i]);
}

static void fences_may_signal_while_it_is_armed(struct kunit *test)
{
	struct mock_rounds rounds = mock_rounds(test);
	struct timeline timeline;
	struct mock_rival *rival;
	int ret, queued = 0;

	rival = mock_rival(test, signal_in_random_order, &timeline);
	while (mock_next_round(&rounds)) {
		struct mock_call call;
		struct dma_fence *head;

		make_timeline(test, &timeline);
		head = timeline.head;
		mock_rival_go(rival);
		mock_dawdle();
		ret = mock_call_at_end(head, &call);
		if (rounds.count % 2) {
			dma_fence_put(head);
			timeline.head = NULL;
		}
		if (!ret)
			KUNIT_EXPECT_TRUE(test, MOCK_AWAIT(mock_calls(&call)));
		mock_rival_await(rival);
		end_timeline(test, &timeline);
		KUNIT_EXPECT_EQ(test, mock_calls(&call), !ret);
		queued += !ret;
	}
	kunit_info(test, "armed in time in %d", queued);
}

static void fences_may_signal_while_a_walk_is_under_way(struct kunit *test)
{
	struct mock_rounds rounds = mock_rounds(test);
	struct timeline timeline;
	struct mock_rival *rival;

	rival = mock_rival(test, signal_in_random_order, &timeline);
	while (mock_next_round(&rounds)) {
		make_timeline(test, &timeline);
		mock_rival_go(rival);
		mock_dawdle();
		do {
			walk(timeline.head);
		} while (!dma_fence_is_signaled(timeline.head));
		mock_rival_await(rival);
		end_timeline(test, &timeline);
	}
}

#define PENDING 32

/**
 * struct shared_timeline - a timeline that grows while others look at it
 * @lock: protects @head
 * @head: the newest link, or NULL
 * @seqno: its point; for who makes links alone
 * @pending: fences in the newest links; for who makes links alone
 */
struct shared_timeline {
	spinlock_t lock; /* protects @head */
	struct dma_fence *head;
	u64 seqno;
	struct dma_fence *pending[PENDING];
};

static struct dma_fence *get_head(struct shared_timeline *shared)
{
	struct dma_fence *head;

	spin_lock(&shared->lock);
	head = dma_fence_get(shared->head);
	spin_unlock(&shared->lock);
	return head;
}

/* An older one signals somewhere; now and then all of the chain is dropped. */
static void add_point(struct shared_timeline *shared)
{
	struct dma_fence_chain *chain = dma_fence_chain_alloc();
	struct mock_job *job = mock_job_make(1, shared->seqno + 1);
	int place = get_random_u32_below(PENDING);
	struct dma_fence *old = NULL;

	if (WARN_ON(!chain || !job))
		return;
	if (shared->pending[place]) {
		dma_fence_signal(shared->pending[place]);
		dma_fence_put(shared->pending[place]);
	}
	shared->pending[place] = dma_fence_get(&job->base);
	if (!get_random_u32_below(100))
		old = shared->head;
	dma_fence_chain_init(chain, old ? NULL : shared->head, &job->base,
			     ++shared->seqno);
	spin_lock(&shared->lock);
	shared->head = &chain->base;
	spin_unlock(&shared->lock);
	dma_fence_put(old);
}

static void add_points(void *data)
{
	int i;

	for (i = 0; i < 20; i++)
		add_point(data);
}

static void look_for_points(void *data)
{
	struct shared_timeline *shared = data;
	struct dma_fence *head, *fence;
	u64 seqno;
	int i;

	for (i = 0; i < 20; i++) {
		head = get_head(shared);
		if (!head)
			continue;
		seqno = head->seqno - min(head->seqno - 1,
					  get_random_u32_below(80));
		fence = dma_fence_get(head);
		if (!WARN_ON(dma_fence_chain_find_seqno(&fence, seqno))) {
			/* What was found is alive, and not after the head. */
			WARN_ON(fence && fence->seqno > head->seqno);
			if (fence && i % 2)
				dma_fence_is_signaled(fence);
		}
		dma_fence_put(fence);
		if (i % 4 == 0)
			walk(head);
		dma_fence_put(head);
	}
}

static void end_points(struct kunit *test, struct shared_timeline *shared)
{
	int i;

	dma_fence_put(shared->head);
	for (i = 0; i < PENDING; i++) {
		struct dma_fence *fence = shared->pending[i];

		if (!fence)
			continue;
		KUNIT_EXPECT_TRUE(test, mock_left_alone(fence));
		dma_fence_signal(fence);
		dma_fence_put(fence);
	}
}

static void points_are_found_while_links_come_and_go(struct kunit *test)
{
	struct mock_rounds rounds = mock_rounds(test);
	struct shared_timeline *shared;
	struct mock_rival *adder, *looker;

	shared = kunit_kzalloc(test, sizeof(*shared), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, shared);
	spin_lock_init(&shared->lock);
	adder = mock_rival(test, add_points, shared);
	looker = mock_rival(test, look_for_points, shared);
	while (mock_next_round(&rounds)) {
		mock_rival_go(adder);
		mock_rival_go(looker);
		look_for_points(shared);
		mock_rival_await(adder);
		mock_rival_await(looker);
	}
	end_points(test, shared);
}

/* Chains as they come are armed; each callback must be called. */
static void arm_chains(struct shared_timeline *shared, struct mock_call *calls,
		       int num, int *armed)
{
	struct dma_fence *head;
	int i;

	for (i = 0; i < num; i++) {
		head = get_head(shared);
		if (head && !mock_call_at_end(head, &calls[*armed]))
			++*armed;
		dma_fence_put(head);
		mock_dawdle();
	}
}

static void chains_are_armed_while_links_come_and_go(struct kunit *test)
{
	enum { CALLS = 20000, CALLS_A_ROUND = 5 };
	struct mock_rounds rounds = mock_rounds(test);
	struct shared_timeline *shared;
	struct mock_rival *adder;
	struct mock_call *calls;
	int i, armed = 0, called = 0;

	shared = kunit_kzalloc(test, sizeof(*shared), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, shared);
	calls = kvcalloc(CALLS, sizeof(*calls), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, calls);
	spin_lock_init(&shared->lock);
	adder = mock_rival(test, add_points, shared);
	while (mock_next_round(&rounds) && armed + CALLS_A_ROUND <= CALLS) {
		mock_rival_go(adder);
		arm_chains(shared, calls, CALLS_A_ROUND, &armed);
		mock_rival_await(adder);
	}
	for (i = 0; i < PENDING; i++) {
		if (shared->pending[i])
			dma_fence_signal(shared->pending[i]);
	}
	for (i = 0; i < armed; i++)
		called += MOCK_AWAIT(mock_calls(&calls[i])) &&
			  mock_calls(&calls[i]) == 1;
	KUNIT_EXPECT_EQ(test, called, armed);
	kunit_info(test, "armed %d", armed);
	end_points(test, shared);
	kvfree(calls);
}

static struct kunit_case fence_chain_cases[] = {
	KUNIT_CASE(a_link_is_told_from_other_fences),
	KUNIT_CASE(memory_for_a_link_can_be_given_back),
	KUNIT_CASE(chains_do_not_nest),
	KUNIT_CASE(a_later_point_is_of_the_same_timeline),
	KUNIT_CASE(a_point_out_of_order_begins_a_timeline),
	KUNIT_CASE(a_chain_may_begin_with_any_fence),
	KUNIT_CASE(every_point_is_found),
	KUNIT_CASE(a_point_to_come_is_not_found),
	KUNIT_CASE(points_are_on_chains_only),
	KUNIT_CASE(point_0_is_what_is_there),
	KUNIT_CASE(points_that_signalled_are_passed_over),
	KUNIT_CASE(a_point_that_left_the_chain_is_no_longer_there),
	KUNIT_CASE(no_point_is_looked_for_across_timelines),
	KUNIT_CASE(what_was_found_signals_with_all_before_it),
	KUNIT_CASE(a_walk_goes_from_new_to_old),
	KUNIT_CASE(a_walk_takes_out_what_has_signalled),
	KUNIT_CASE(a_look_takes_out_what_has_signalled),
	KUNIT_CASE_SLOW(it_signals_with_the_last_in_whatever_order),
	KUNIT_CASE_SLOW(it_is_looked_at_in_whatever_order),
	KUNIT_CASE_SLOW(fences_may_turn_out_over_when_armed),
	KUNIT_CASE(every_link_can_be_waited_for),
	KUNIT_CASE(arrays_may_be_in_links),
	KUNIT_CASE(deadlines_reach_all_links),
	KUNIT_CASE(deadlines_go_through_links_to_arrays),
	KUNIT_CASE_SLOW(a_long_chain_goes_bit_by_bit),
	KUNIT_CASE(only_what_nobody_else_has_goes),
	KUNIT_CASE_SLOW(a_long_run_of_signalled_links_goes_in_one_step),
	KUNIT_CASE_SLOW(a_long_chain_signals_with_its_last_fence),
	KUNIT_CASE_SLOW(two_may_take_out_the_same_links),
	KUNIT_CASE_SLOW(fences_may_signal_while_it_is_armed),
	KUNIT_CASE_SLOW(fences_may_signal_while_a_walk_is_under_way),
	KUNIT_CASE_SLOW(points_are_found_while_links_come_and_go),
	KUNIT_CASE_SLOW(chains_are_armed_while_links_come_and_go),
	{}
};

static struct kunit_suite fence_chain_suite = {
	.name = "dma_fence_chain",
	.test_cases = fence_chain_cases,
};

kunit_test_suite(fence_chain_suite);
