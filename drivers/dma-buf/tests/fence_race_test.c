// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fences on two CPUs at a time: who signals, who is told, who waits, and who
 * finds a fence that is on its way out.
 *
 * KASAN and the slab's checks are what sees memory that is touched too late.
 */
#include <linux/delay.h>
#include <linux/dma-fence-chain.h>
#include <linux/dma-fence.h>
#include <linux/slab.h>

#include "mock.h"

static struct mock_job *make_job(struct kunit *test, u64 seqno)
{
	struct mock_job *job = mock_job_make(1, seqno);

	KUNIT_ASSERT_NOT_NULL(test, job);
	return job;
}

/**
 * struct contest - a fence that the test and its rival meet at
 * @fence: the fence
 * @call: the rival's callback
 * @ret: what the rival got
 */
struct contest {
	struct dma_fence *fence;
	struct mock_call call;
	int ret;
};

static void signal_too(void *data)
{
	struct contest *contest = data;

	contest->ret = dma_fence_signal(contest->fence);
}

static void of_two_signals_one_counts(struct kunit *test)
{
	struct mock_rounds rounds = mock_rounds(test);
	struct contest contest = {};
	struct mock_rival *rival = mock_rival(test, signal_too, &contest);
	int mine, first = 0;

	while (mock_next_round(&rounds)) {
		struct mock_job *job = make_job(test, 1);
		struct mock_call call;

		contest.fence = &job->base;
		KUNIT_ASSERT_EQ(test, mock_call_at_end(&job->base, &call), 0);
		mock_rival_go(rival);
		mock_dawdle();
		mine = dma_fence_signal(&job->base);
		mock_rival_await(rival);

		KUNIT_EXPECT_EQ(test, mine + contest.ret, -EINVAL);
		KUNIT_EXPECT_EQ(test, mock_calls(&call), 1);
		first += !mine;
		dma_fence_put(&job->base);
	}
	kunit_info(test, "was first in %d", first);
}

static void signal_it(void *data)
{
	struct contest *contest = data;

	dma_fence_signal(contest->fence);
}

static void a_callback_is_either_called_or_refused(struct kunit *test)
{
	struct mock_rounds rounds = mock_rounds(test);
	struct contest contest = {};
	struct mock_rival *rival = mock_rival(test, signal_it, &contest);
	int queued = 0;

	while (mock_next_round(&rounds)) {
		struct mock_job *job = make_job(test, 1);
		struct mock_call calls[4];
		int i, rets[4];

		contest.fence = &job->base;
		mock_rival_go(rival);
		mock_dawdle();
		for (i = 0; i < 4; i++)
			rets[i] = mock_call_at_end(&job->base, &calls[i]);
		mock_rival_await(rival);

		for (i = 0; i < 4; i++) {
			KUNIT_EXPECT_EQ(test, mock_calls(&calls[i]), !rets[i]);
			queued += !rets[i];
		}
		KUNIT_EXPECT_LE(test, job->enabled, 1);
		dma_fence_put(&job->base);
	}
	kunit_info(test, "%d were queued", queued);
}

static void a_callback_is_either_called_or_removed(struct kunit *test)
{
	struct mock_rounds rounds = mock_rounds(test);
	struct contest contest = {};
	struct mock_rival *rival = mock_rival(test, signal_it, &contest);
	int removed = 0;

	while (mock_next_round(&rounds)) {
		struct mock_job *job = make_job(test, 1);
		struct mock_call *call = kmalloc(sizeof(*call), GFP_KERNEL);
		bool in_time;

		KUNIT_ASSERT_NOT_NULL(test, call);
		contest.fence = &job->base;
		KUNIT_ASSERT_EQ(test, mock_call_at_end(&job->base, call), 0);
		mock_rival_go(rival);
		mock_dawdle();
		in_time = dma_fence_remove_callback(&job->base, &call->cb);
		KUNIT_EXPECT_EQ(test, mock_calls(call), !in_time);
		/* It isn't running any more. */
		kfree(call);
		mock_rival_await(rival);
		removed += in_time;
		dma_fence_put(&job->base);
	}
	kunit_info(test, "removed %d", removed);
}

static void ask_too(void *data)
{
	struct contest *contest = data;

	contest->ret = mock_call_at_end(contest->fence, &contest->call);
}

static void two_who_ask_enable_signalling_once(struct kunit *test)
{
	struct mock_rounds rounds = mock_rounds(test);
	struct contest contest = {};
	struct mock_rival *rival = mock_rival(test, ask_too, &contest);

	while (mock_next_round(&rounds)) {
		struct mock_job *job = make_job(test, 1);
		struct mock_call call;
		int ret;

		contest.fence = &job->base;
		/* Either all is queued, or nothing. */
		job->over_when_enabled = rounds.count % 4 == 0;
		mock_rival_go(rival);
		mock_dawdle();
		ret = mock_call_at_end(&job->base, &call);
		mock_rival_await(rival);

		KUNIT_EXPECT_EQ(test, job->enabled, 1);
		KUNIT_EXPECT_EQ(test, ret, contest.ret);
		KUNIT_EXPECT_EQ(test, ret,
				job->over_when_enabled ? -ENOENT : 0);
		dma_fence_signal(&job->base);
		KUNIT_EXPECT_EQ(test, call.count + contest.call.count,
				job->over_when_enabled ? 0 : 2);
		dma_fence_put(&job->base);
	}
}

static void who_asks_and_who_signals_agree(struct kunit *test)
{
	struct mock_rounds rounds = mock_rounds(test);
	struct contest contest = {};
	struct mock_rival *rival = mock_rival(test, signal_too, &contest);

	while (mock_next_round(&rounds)) {
		struct mock_job *job = make_job(test, 1);
		struct mock_call call;

		contest.fence = &job->base;
		KUNIT_ASSERT_EQ(test, mock_call_at_end(&job->base, &call), 0);
		job->done = true;
		mock_rival_go(rival);
		mock_dawdle();
		KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(&job->base));
		KUNIT_EXPECT_LE(test, dma_fence_timestamp(&job->base),
				ktime_get());
		mock_rival_await(rival);
		KUNIT_EXPECT_EQ(test, mock_calls(&call), 1);
		dma_fence_put(&job->base);
	}
}

static void no_signal_is_slept_through(struct kunit *test)
{
	struct mock_rounds rounds = mock_rounds(test);
	struct contest contest = {};
	struct mock_rival *rival = mock_rival(test, signal_it, &contest);
	long left = 1;

	while (left > 0 && mock_next_round(&rounds)) {
		struct mock_job *job = make_job(test, 1);

		contest.fence = &job->base;
		mock_rival_go(rival);
		mock_dawdle();
		left = dma_fence_wait_timeout(&job->base, rounds.count % 2,
					      MOCK_PATIENCE);
		/* The waiter was on this stack. */
		mock_rival_await(rival);
		dma_fence_put(&job->base);
	}
	KUNIT_EXPECT_GT(test, left, 0);
}

static void no_signal_of_many_is_slept_through(struct kunit *test)
{
	struct mock_rounds rounds = mock_rounds(test);
	struct contest contest = {};
	struct mock_rival *rival = mock_rival(test, signal_it, &contest);
	struct dma_fence *fences[20];
	long left = 1;
	int i, count;
	u32 idx;

	while (left > 0 && mock_next_round(&rounds)) {
		/* With and without memory for the waiters. */
		count = rounds.count % 2 ? 3 : ARRAY_SIZE(fences);
		for (i = 0; i < count; i++)
			fences[i] = &make_job(test, 1)->base;
		contest.fence = fences[rounds.count % count];
		idx = count;
		mock_rival_go(rival);
		mock_dawdle();
		left = dma_fence_wait_any_timeout(fences, count, false,
						  MOCK_PATIENCE, &idx);
		mock_rival_await(rival);
		KUNIT_EXPECT_EQ(test, idx, rounds.count % count);
		/* Nobody is left behind on the others. */
		for (i = 0; i < count; i++)
			dma_fence_put(fences[i]);
	}
	KUNIT_EXPECT_GT(test, left, 0);
}

/* The bit is set: a little later the list goes, and then comes the time. */
static void finish_signal_by_hand(struct dma_fence *fence)
{
	struct dma_fence_cb *cb, *next;
	struct list_head queue;

	list_replace(&fence->cb_list, &queue);
	mock_dawdle();
	fence->timestamp = 77;
	mock_dawdle();
	set_bit(DMA_FENCE_FLAG_TIMESTAMP_BIT, &fence->flags);
	list_for_each_entry_safe(cb, next, &queue, node) {
		INIT_LIST_HEAD(&cb->node);
		cb->func(fence, cb);
	}
}

/* As i915 does in an interrupt, where the bit needs no lock. */
static void signal_by_hand(void *data)
{
	struct contest *contest = data;
	struct dma_fence *fence = contest->fence;

	local_irq_disable();
	if (!test_and_set_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags)) {
		mock_dawdle();
		spin_lock(fence->lock);
		finish_signal_by_hand(fence);
		spin_unlock(fence->lock);
	}
	local_irq_enable();
}

static void the_time_is_awaited_when_signalled_by_hand(struct kunit *test)
{
	struct mock_rounds rounds = mock_rounds(test);
	struct contest contest = {};
	struct mock_rival *rival = mock_rival(test, signal_by_hand, &contest);

	while (mock_next_round(&rounds)) {
		struct mock_job *job = make_job(test, 1);

		contest.fence = &job->base;
		mock_rival_go(rival);
		while (!dma_fence_is_signaled(&job->base))
			cond_resched();
		KUNIT_EXPECT_EQ(test, dma_fence_timestamp(&job->base), 77);
		mock_rival_await(rival);
		dma_fence_put(&job->base);
	}
}

static void signals_by_hand_reach_everybody(struct kunit *test)
{
	struct mock_rounds rounds = mock_rounds(test);
	struct contest contest = {};
	struct mock_rival *rival = mock_rival(test, signal_by_hand, &contest);

	while (mock_next_round(&rounds)) {
		struct mock_job *job = make_job(test, 1);
		struct mock_call stays, goes, late;
		bool removed;
		int ret;

		contest.fence = &job->base;
		KUNIT_ASSERT_EQ(test, mock_call_at_end(&job->base, &stays), 0);
		KUNIT_ASSERT_EQ(test, mock_call_at_end(&job->base, &goes), 0);
		mock_rival_go(rival);
		mock_dawdle();
		removed = dma_fence_remove_callback(&job->base, &goes.cb);
		ret = mock_call_at_end(&job->base, &late);
		dma_fence_signal(&job->base);
		mock_rival_await(rival);

		KUNIT_EXPECT_EQ(test, mock_calls(&stays), 1);
		KUNIT_EXPECT_EQ(test, mock_calls(&goes), !removed);
		KUNIT_EXPECT_EQ(test, mock_calls(&late), !ret);
		dma_fence_put(&job->base);
	}
}

/*
 * Fences whose memory goes to another fence at once
 */

static const char *recycled_name(struct dma_fence *fence)
{
	return "recycled";
}

static struct kmem_cache *recycled_cache;
static DEFINE_SPINLOCK(recycled_lock);

static void recycle(struct dma_fence *fence)
{
	kmem_cache_free(recycled_cache, fence);
}

static const struct dma_fence_ops recycled_ops = {
	.get_driver_name = recycled_name,
	.get_timeline_name = recycled_name,
	.release = recycle,
};

/**
 * struct exchange - a slot in which one fence follows the other
 * @slot: the slot
 * @newest: seqno of what is in it, or about to be
 */
struct exchange {
	struct dma_fence __rcu *slot;
	u64 newest;
};

static struct dma_fence *make_recycled(u64 seqno)
{
	struct dma_fence *fence;

	fence = kmem_cache_alloc(recycled_cache, GFP_KERNEL);
	if (fence)
		dma_fence_init(fence, &recycled_ops, &recycled_lock, 1, seqno);
	return fence;
}

static void exchange_fences(void *data)
{
	struct exchange *exchange = data;
	struct dma_fence *fence, *old;
	int i;

	for (i = 0; i < 100; i++) {
		fence = make_recycled(exchange->newest + 1);
		if (!fence)
			return;
		old = rcu_dereference_protected(exchange->slot, true);
		rcu_assign_pointer(exchange->slot, fence);
		/* Pairs with look_at_slot(). */
		smp_store_release(&exchange->newest, fence->seqno);
		dma_fence_put(old);
	}
}

static void look_at_slot(struct kunit *test, struct exchange *exchange)
{
	/* Pairs with exchange_fences(). */
	u64 before = smp_load_acquire(&exchange->newest);
	struct dma_fence *fence;

	rcu_read_lock();
	fence = dma_fence_get_rcu_safe(&exchange->slot);
	rcu_read_unlock();

	/* The rival still uses what is on the stack: the test can't leave. */
	KUNIT_EXPECT_NOT_NULL(test, fence);
	if (!fence)
		return;
	KUNIT_EXPECT_GE(test, fence->seqno, before);
	KUNIT_EXPECT_GE(test, mock_references(fence), 1);
	dma_fence_put(fence);
}

static void destroy_recycled(void *cache)
{
	rcu_barrier();
	kmem_cache_destroy(cache);
}

/* Makes a cache for them, which goes with the test. */
static void prepare_recycled(struct kunit *test)
{
	recycled_cache = KMEM_CACHE(dma_fence, SLAB_TYPESAFE_BY_RCU);
	KUNIT_ASSERT_NOT_NULL(test, recycled_cache);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, destroy_recycled,
						  recycled_cache));
}

static void the_fence_of_a_slot_is_of_its_time(struct kunit *test)
{
	struct mock_rounds rounds = mock_rounds(test);
	struct exchange exchange = { .newest = 1 };
	struct mock_rival *rival;
	int i;

	prepare_recycled(test);
	RCU_INIT_POINTER(exchange.slot, make_recycled(1));
	KUNIT_ASSERT_NOT_NULL(test, rcu_access_pointer(exchange.slot));

	rival = mock_rival(test, exchange_fences, &exchange);
	while (mock_next_round(&rounds)) {
		mock_rival_go(rival);
		for (i = 0; i < 20; i++)
			look_at_slot(test, &exchange);
		mock_rival_await(rival);
	}
	dma_fence_put(rcu_dereference_protected(exchange.slot, true));
}

/**
 * struct start - a chain that begins with a plain fence, and loses it
 * @first: that fence, at point 1 of the chain
 * @head: the only link left, at point 2; pending
 * @next: a fence that may have got the memory of @first
 */
struct start {
	struct dma_fence *first;
	struct dma_fence *head;
	struct dma_fence *next;
};

static void make_start(struct kunit *test, struct start *start)
{
	struct mock_job *job = make_job(test, 2);

	start->first = make_recycled(1);
	KUNIT_ASSERT_NOT_NULL(test, start->first);
	start->head = mock_link(test, start->first, dma_fence_get_stub(), 1);
	start->head = mock_link(test, start->head, &job->base, 2);
	/* The link in between has signalled and leaves. */
	dma_fence_put(dma_fence_chain_walk(dma_fence_get(start->head)));
}

static void replace_first(void *data)
{
	struct start *start = data;

	dma_fence_signal(start->first);
	dma_fence_put(dma_fence_chain_walk(dma_fence_get(start->head)));
	start->next = make_recycled(2);
}

static void a_point_is_not_mistaken_for_what_takes_its_place(struct kunit *test)
{
	struct mock_rounds rounds = mock_rounds(test);
	struct start start;
	struct mock_rival *rival;
	int found = 0;

	prepare_recycled(test);
	rival = mock_rival(test, replace_first, &start);
	while (mock_next_round(&rounds)) {
		struct dma_fence *fence;

		make_start(test, &start);
		fence = dma_fence_get(start.head);
		mock_rival_go(rival);
		mock_dawdle();
		KUNIT_EXPECT_EQ(test, dma_fence_chain_find_seqno(&fence, 1), 0);
		if (fence)
			KUNIT_EXPECT_EQ(test, fence->seqno, 1);
		found += !!fence;
		mock_rival_await(rival);

		dma_fence_put(fence);
		dma_fence_put(start.next);
		dma_fence_signal(dma_fence_chain_contained(start.head));
		dma_fence_put(start.head);
	}
	kunit_info(test, "was there in %d", found);
}

/*
 * Fences on the stack, which are gone when the wait for them returns
 */

/**
 * struct held - a fence that is being signalled for a while
 * @base: the fence
 * @lock: of @base
 * @cb: runs until the wait returns, but not for ever
 * @timeout: of that wait
 * @ready: who will wait has begun to look for the signal
 * @returned: the wait has
 * @too_early: that was before @cb did
 */
struct held {
	struct dma_fence base;
	spinlock_t lock; /* protects @base */
	struct dma_fence_cb cb;
	long timeout;
	bool ready;
	bool returned;
	bool too_early;
};

static const char *held_name(struct dma_fence *fence)
{
	return "held";
}

static const struct dma_fence_ops held_ops = {
	.get_driver_name = held_name,
	.get_timeline_name = held_name,
};

static void hold(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct held *held = container_of(cb, struct held, cb);
	int i;

	for (i = 0; i < 1000 && !READ_ONCE(held->returned); i++)
		udelay(1);
	held->too_early = READ_ONCE(held->returned);
}

static void wait_for_held(void *data)
{
	struct held *held = data;
	struct dma_fence *fence = &held->base;

	/* Pairs with expect_held(). */
	smp_store_release(&held->ready, true);
	while (!test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags))
		cpu_relax();
	while (!dma_fence_wait_timeout(fence, false, held->timeout))
		cpu_relax();
	WRITE_ONCE(held->returned, true);
}

static void expect_held(struct kunit *test, long timeout)
{
	struct held *held = kunit_kzalloc(test, sizeof(*held), GFP_KERNEL);
	struct mock_rival *waiter;

	if (num_online_cpus() < 2)
		kunit_skip(test, "needs two CPUs");
	KUNIT_ASSERT_NOT_NULL(test, held);
	spin_lock_init(&held->lock);
	dma_fence_init(&held->base, &held_ops, &held->lock, 1, 1);
	held->timeout = timeout;
	KUNIT_ASSERT_EQ(test, 0,
			dma_fence_add_callback(&held->base, &held->cb, hold));

	waiter = mock_rival(test, wait_for_held, held);
	mock_rival_go(waiter);
	/* Pairs with wait_for_held(). */
	KUNIT_EXPECT_TRUE(test, MOCK_AWAIT(smp_load_acquire(&held->ready)));
	dma_fence_signal(&held->base);
	mock_rival_await(waiter);
	KUNIT_EXPECT_FALSE(test, held->too_early);
}

static void a_wait_returns_after_the_signaller_is_done(struct kunit *test)
{
	expect_held(test, MAX_SCHEDULE_TIMEOUT);
}

static void so_does_a_look(struct kunit *test)
{
	expect_held(test, 0);
}

static struct kunit_case fence_race_cases[] = {
	KUNIT_CASE_SLOW(of_two_signals_one_counts),
	KUNIT_CASE_SLOW(a_callback_is_either_called_or_refused),
	KUNIT_CASE_SLOW(a_callback_is_either_called_or_removed),
	KUNIT_CASE_SLOW(two_who_ask_enable_signalling_once),
	KUNIT_CASE_SLOW(who_asks_and_who_signals_agree),
	KUNIT_CASE_SLOW(no_signal_is_slept_through),
	KUNIT_CASE_SLOW(no_signal_of_many_is_slept_through),
	KUNIT_CASE_SLOW(the_time_is_awaited_when_signalled_by_hand),
	KUNIT_CASE_SLOW(signals_by_hand_reach_everybody),
	KUNIT_CASE_SLOW(the_fence_of_a_slot_is_of_its_time),
	KUNIT_CASE_SLOW(a_point_is_not_mistaken_for_what_takes_its_place),
	KUNIT_CASE(a_wait_returns_after_the_signaller_is_done),
	KUNIT_CASE(so_does_a_look),
	{}
};

static struct kunit_suite fence_race_suite = {
	.name = "dma_fence_race",
	.test_cases = fence_race_cases,
};

kunit_test_suite(fence_race_suite);
