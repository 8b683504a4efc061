// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fences: how they begin, signal and end, who is told, and how to wait.
 */
#include <linux/dma-fence.h>
#include <linux/slab.h>
#include <trace/events/printk.h>

#include "mock.h"

/* i915 signals by hand and relies on all of this. */
static_assert(offsetof(struct dma_fence, timestamp) ==
	      offsetof(struct dma_fence, cb_list));
static_assert(offsetof(struct dma_fence, rcu) ==
	      offsetof(struct dma_fence, cb_list));
static_assert(DMA_FENCE_FLAG_SIGNALED_BIT == 0);
static_assert(DMA_FENCE_FLAG_TIMESTAMP_BIT == 1);
static_assert(DMA_FENCE_FLAG_ENABLE_SIGNAL_BIT == 2);
static_assert(DMA_FENCE_FLAG_USER_BITS == 3);

static void a_new_fence_is_pending(struct kunit *test)
{
	struct mock_job *job = mock_job_on(test, 7, 42);
	struct dma_fence *fence = &job->base;

	KUNIT_EXPECT_PTR_EQ(test, fence->ops, &mock_job_ops);
	KUNIT_EXPECT_PTR_EQ(test, fence->lock, &job->lock);
	KUNIT_EXPECT_EQ(test, fence->context, 7);
	KUNIT_EXPECT_EQ(test, fence->seqno, 42);
	KUNIT_EXPECT_EQ(test, fence->flags, 0);
	KUNIT_EXPECT_EQ(test, fence->error, 0);
	KUNIT_EXPECT_EQ(test, mock_references(fence), 1);
	KUNIT_EXPECT_TRUE(test, list_empty(&fence->cb_list));
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(fence));
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(fence), 0);
}

static int signal_locked(struct dma_fence *fence)
{
	int ret;

	spin_lock_irq(fence->lock);
	ret = dma_fence_signal_locked(fence);
	spin_unlock_irq(fence->lock);
	return ret;
}

static int signal_timestamp_locked(struct dma_fence *fence, ktime_t timestamp)
{
	int ret;

	spin_lock_irq(fence->lock);
	ret = dma_fence_signal_timestamp_locked(fence, timestamp);
	spin_unlock_irq(fence->lock);
	return ret;
}

static void a_fence_signals_only_once(struct kunit *test)
{
	struct dma_fence *fence = &mock_job(test)->base;
	ktime_t timestamp;

	KUNIT_EXPECT_EQ(test, dma_fence_signal(fence), 0);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(fence));
	timestamp = dma_fence_timestamp(fence);

	KUNIT_EXPECT_EQ(test, dma_fence_signal(fence), -EINVAL);
	KUNIT_EXPECT_EQ(test, signal_locked(fence), -EINVAL);
	KUNIT_EXPECT_EQ(test, dma_fence_signal_timestamp(fence, 5), -EINVAL);
	KUNIT_EXPECT_EQ(test, signal_timestamp_locked(fence, 5), -EINVAL);
	KUNIT_EXPECT_EQ(test, dma_fence_timestamp(fence), timestamp);
}

/* About 30 places in drivers look at a fence's ops whenever they like. */
static void ops_and_lock_stay_after_the_signal(struct kunit *test)
{
	struct mock_job *job = mock_job(test);

	KUNIT_EXPECT_EQ(test, dma_fence_signal(&job->base), 0);
	KUNIT_EXPECT_PTR_EQ(test, job->base.ops, &mock_job_ops);
	KUNIT_EXPECT_PTR_EQ(test, job->base.lock, &job->lock);
}

static void no_fence_cannot_signal(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, dma_fence_signal(NULL), -EINVAL);
	KUNIT_EXPECT_EQ(test, dma_fence_signal_locked(NULL), -EINVAL);
	KUNIT_EXPECT_EQ(test, dma_fence_signal_timestamp(NULL, 5), -EINVAL);
	KUNIT_EXPECT_EQ(test, dma_fence_signal_timestamp_locked(NULL, 5),
			-EINVAL);
	KUNIT_EXPECT_NULL(test, dma_fence_get(NULL));
	dma_fence_put(NULL);
}

static void a_signal_is_stamped_with_its_time(struct kunit *test)
{
	struct dma_fence *now[2] = {
		&mock_job(test)->base, &mock_job(test)->base
	};
	struct dma_fence *then[2] = {
		&mock_job(test)->base, &mock_job(test)->base
	};
	ktime_t begin = ktime_get();
	int i;

	KUNIT_EXPECT_EQ(test, dma_fence_signal(now[0]), 0);
	KUNIT_EXPECT_EQ(test, signal_locked(now[1]), 0);
	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_GE(test, dma_fence_timestamp(now[i]), begin);
		KUNIT_EXPECT_LE(test, dma_fence_timestamp(now[i]), ktime_get());
	}

	KUNIT_EXPECT_EQ(test, dma_fence_signal_timestamp(then[0], 5), 0);
	KUNIT_EXPECT_EQ(test, signal_timestamp_locked(then[1], 6), 0);
	KUNIT_EXPECT_EQ(test, dma_fence_timestamp(then[0]), 5);
	KUNIT_EXPECT_EQ(test, dma_fence_timestamp(then[1]), 6);
}

static void a_pending_fence_has_no_time(struct kunit *test)
{
	struct dma_fence *fence = &mock_job(test)->base;
	ktime_t begin = ktime_get();

	kunit_info(test, "expect-splat: dma-fence.h");
	KUNIT_EXPECT_GE(test, dma_fence_timestamp(fence), begin);
	kunit_info(test, "expect-splat: end");
}

/*
 * Being told
 */

/**
 * struct witness - a callback that looks around
 * @cb: the callback
 * @order: its place among those that were called, from 1
 * @calls: how many were called; shared
 * @unqueued: it wasn't queued any more
 * @in_place: the fence had signalled, with a time; interrupts were off
 * @victims: others that it unqueues by hand; up to NULL
 * @next: the fence that it goes on to; may be NULL
 */
struct witness {
	struct dma_fence_cb cb;
	int order;
	int *calls;
	bool unqueued;
	bool in_place;
	struct witness **victims;
	struct dma_fence *next;
};

static void see(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct witness *witness = container_of(cb, struct witness, cb);
	struct witness **victim;

	witness->order = ++*witness->calls;
	witness->unqueued = list_empty(&cb->node);
	witness->in_place =
		test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags) &&
		test_bit(DMA_FENCE_FLAG_TIMESTAMP_BIT, &fence->flags) &&
		irqs_disabled();
	lockdep_assert_held(fence->lock);
	for (victim = witness->victims; victim && *victim; victim++)
		list_del_init(&(*victim)->cb.node);
	if (witness->next)
		WARN_ON(dma_fence_add_callback(witness->next, cb, see));
}

#define WITNESSES 4

/* Queues as many on a fence. */
static void call_witnesses(struct kunit *test, struct dma_fence *fence,
			   struct witness witnesses[WITNESSES])
{
	int *calls = kunit_kzalloc(test, sizeof(*calls), GFP_KERNEL);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, calls);
	for (i = 0; i < WITNESSES; i++) {
		witnesses[i].calls = calls;
		KUNIT_ASSERT_EQ(test, 0,
				dma_fence_add_callback(fence, &witnesses[i].cb,
						       see));
	}
}

static void callbacks_are_called_in_order_under_the_lock(struct kunit *test)
{
	struct dma_fence *fence = &mock_job(test)->base;
	struct witness witnesses[WITNESSES] = {};
	int i;

	call_witnesses(test, fence, witnesses);
	KUNIT_EXPECT_EQ(test, *witnesses[0].calls, 0);
	KUNIT_EXPECT_EQ(test, dma_fence_signal(fence), 0);
	KUNIT_EXPECT_EQ(test, *witnesses[0].calls, WITNESSES);
	for (i = 0; i < WITNESSES; i++) {
		KUNIT_EXPECT_EQ(test, witnesses[i].order, i + 1);
		KUNIT_EXPECT_TRUE(test, witnesses[i].unqueued);
		KUNIT_EXPECT_TRUE(test, witnesses[i].in_place);
	}
}

/* vmwgfx and i915 do so. */
static void a_callback_may_unqueue_the_next_one(struct kunit *test)
{
	struct dma_fence *fence = &mock_job(test)->base;
	struct witness witnesses[WITNESSES] = {};
	struct witness *victims[] = { &witnesses[1], NULL };

	call_witnesses(test, fence, witnesses);
	witnesses[0].victims = victims;
	dma_fence_signal(fence);
	KUNIT_EXPECT_EQ(test, witnesses[1].order, 0);
	KUNIT_EXPECT_EQ(test, witnesses[2].order, 2);
	KUNIT_EXPECT_EQ(test, witnesses[3].order, 3);
}

static void a_callback_may_unqueue_all_others(struct kunit *test)
{
	struct dma_fence *fence = &mock_job(test)->base;
	struct witness witnesses[WITNESSES] = {};
	struct witness *victims[] = {
		&witnesses[0], &witnesses[3], &witnesses[2], NULL
	};

	call_witnesses(test, fence, witnesses);
	witnesses[1].victims = victims;
	dma_fence_signal(fence);
	KUNIT_EXPECT_EQ(test, *witnesses[0].calls, 2);
	KUNIT_EXPECT_EQ(test, witnesses[0].order, 1);
	KUNIT_EXPECT_EQ(test, witnesses[1].order, 2);
}

static void a_callback_may_go_on_to_another_fence(struct kunit *test)
{
	struct dma_fence *fence = &mock_job(test)->base;
	struct witness witnesses[WITNESSES] = {};
	struct dma_fence *next = mock_fence(test);

	call_witnesses(test, fence, witnesses);
	witnesses[1].next = next;
	dma_fence_signal(fence);
	KUNIT_EXPECT_EQ(test, *witnesses[0].calls, WITNESSES);
	witnesses[1].next = NULL;
	dma_fence_signal(next);
	KUNIT_EXPECT_EQ(test, *witnesses[0].calls, WITNESSES + 1);
	KUNIT_EXPECT_EQ(test, witnesses[1].order, WITNESSES + 1);
}

static void see_and_go(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	see(fence, cb);
	kfree(container_of(cb, struct witness, cb));
}

static void a_callback_may_free_itself(struct kunit *test)
{
	struct dma_fence *fence = &mock_job(test)->base;
	int i, calls = 0;

	for (i = 0; i < WITNESSES; i++) {
		struct witness *witness = kzalloc(sizeof(*witness), GFP_KERNEL);

		KUNIT_ASSERT_NOT_NULL(test, witness);
		witness->calls = &calls;
		KUNIT_ASSERT_EQ(test, 0,
				dma_fence_add_callback(fence, &witness->cb,
						       see_and_go));
	}
	KUNIT_EXPECT_EQ(test, dma_fence_signal(fence), 0);
	KUNIT_EXPECT_EQ(test, calls, WITNESSES);
}

/* i915's active tracker does so. */
static void callbacks_may_be_spliced_in_by_hand(struct kunit *test)
{
	struct dma_fence *fence = &mock_job(test)->base;
	struct witness witnesses[WITNESSES] = {}, more[2] = {};
	LIST_HEAD(list);
	int i;

	call_witnesses(test, fence, witnesses);
	for (i = 0; i < 2; i++) {
		more[i].calls = witnesses[0].calls;
		more[i].cb.func = see;
		list_add_tail(&more[i].cb.node, &list);
	}
	spin_lock_irq(fence->lock);
	list_splice_tail(&list, &fence->cb_list);
	spin_unlock_irq(fence->lock);

	dma_fence_signal(fence);
	KUNIT_EXPECT_EQ(test, more[0].order, WITNESSES + 1);
	KUNIT_EXPECT_EQ(test, more[1].order, WITNESSES + 2);
}

/* Takes a callback from @older to @newer, as i915 does for a timeline. */
static void move_callback(struct dma_fence *newer, struct dma_fence *older,
			  struct dma_fence_cb *cb)
{
	spin_lock_irq(newer->lock);
	spin_lock_nested(older->lock, SINGLE_DEPTH_NESTING);
	list_del(&cb->node);
	spin_unlock(older->lock);
	list_add_tail(&cb->node, &newer->cb_list);
	spin_unlock_irq(newer->lock);
}

static void a_callback_may_be_moved_under_both_locks(struct kunit *test)
{
	struct dma_fence *older = &mock_job(test)->base;
	struct dma_fence *newer = &mock_job(test)->base;
	struct mock_call stays, moves;

	KUNIT_ASSERT_EQ(test, mock_call_at_end(older, &moves), 0);
	KUNIT_ASSERT_EQ(test, mock_call_at_end(older, &stays), 0);
	move_callback(newer, older, &moves.cb);
	dma_fence_signal(older);
	KUNIT_EXPECT_EQ(test, stays.count, 1);
	KUNIT_EXPECT_EQ(test, moves.count, 0);
	dma_fence_signal(newer);
	KUNIT_EXPECT_EQ(test, moves.count, 1);
	KUNIT_EXPECT_FALSE(test, dma_fence_remove_callback(newer, &moves.cb));
}

static void who_comes_too_late_is_not_called(struct kunit *test)
{
	struct mock_job *job = mock_job(test);
	struct dma_fence *fence = &job->base;
	struct mock_call call;

	memset(&call, 0xff, sizeof(call));
	dma_fence_signal(fence);
	KUNIT_EXPECT_EQ(test, mock_call_at_end(fence, &call), -ENOENT);
	KUNIT_EXPECT_EQ(test, call.count, 0);
	KUNIT_EXPECT_EQ(test, job->enabled, 0);
	KUNIT_EXPECT_TRUE(test, list_empty(&call.cb.node));
	KUNIT_EXPECT_FALSE(test, dma_fence_remove_callback(fence, &call.cb));
}

static void a_callback_needs_fence_and_function(struct kunit *test)
{
	struct dma_fence *fence = &mock_job(test)->base;
	struct dma_fence_cb cb;

	kunit_info(test, "expect-splat: dma_fence_add_callback");
	KUNIT_EXPECT_EQ(test, dma_fence_add_callback(NULL, &cb, see), -EINVAL);
	KUNIT_EXPECT_EQ(test, dma_fence_add_callback(fence, NULL, see),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, dma_fence_add_callback(fence, &cb, NULL),
			-EINVAL);
	kunit_info(test, "expect-splat: end");
	KUNIT_EXPECT_FALSE(test, mock_fence_watched(fence));
}

static void a_removed_callback_is_not_called(struct kunit *test)
{
	struct dma_fence *fence = &mock_job(test)->base;
	struct mock_call gone, stays;

	KUNIT_EXPECT_EQ(test, mock_call_at_end(fence, &gone), 0);
	KUNIT_EXPECT_EQ(test, mock_call_at_end(fence, &stays), 0);
	KUNIT_EXPECT_TRUE(test, dma_fence_remove_callback(fence, &gone.cb));
	KUNIT_EXPECT_TRUE(test, list_empty(&gone.cb.node));
	KUNIT_EXPECT_FALSE(test, dma_fence_remove_callback(fence, &gone.cb));

	dma_fence_signal(fence);
	KUNIT_EXPECT_EQ(test, gone.count, 0);
	KUNIT_EXPECT_EQ(test, stays.count, 1);
	KUNIT_EXPECT_FALSE(test, dma_fence_remove_callback(fence, &stays.cb));
}

static void signalling_is_enabled_once(struct kunit *test)
{
	struct mock_job *job = mock_job(test);
	struct dma_fence *fence = &job->base;
	struct mock_call one, other;

	KUNIT_EXPECT_EQ(test, mock_call_at_end(fence, &one), 0);
	KUNIT_EXPECT_EQ(test, job->enabled, 1);
	KUNIT_EXPECT_TRUE(test, test_bit(DMA_FENCE_FLAG_ENABLE_SIGNAL_BIT,
					 &fence->flags));
	KUNIT_EXPECT_EQ(test, mock_call_at_end(fence, &other), 0);
	dma_fence_enable_sw_signaling(fence);
	KUNIT_EXPECT_EQ(test, job->enabled, 1);
	dma_fence_signal(fence);
	KUNIT_EXPECT_EQ(test, one.count + other.count, 2);
}

static void signalling_can_be_enabled_for_nobody(struct kunit *test)
{
	struct mock_job *job = mock_job(test), *over = mock_job(test);

	dma_fence_enable_sw_signaling(&job->base);
	KUNIT_EXPECT_EQ(test, job->enabled, 1);
	KUNIT_EXPECT_FALSE(test, mock_fence_watched(&job->base));

	dma_fence_signal(&over->base);
	dma_fence_enable_sw_signaling(&over->base);
	KUNIT_EXPECT_EQ(test, over->enabled, 0);
}

static void an_end_is_seen_when_signalling_is_enabled(struct kunit *test)
{
	struct mock_job *job = mock_job(test), *other = mock_job(test);
	struct mock_call call;

	job->over_when_enabled = true;
	KUNIT_EXPECT_EQ(test, mock_call_at_end(&job->base, &call), -ENOENT);
	KUNIT_EXPECT_TRUE(test, list_empty(&call.cb.node));
	KUNIT_EXPECT_EQ(test, call.count, 0);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(&job->base), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&job->asked), 0);

	other->over_when_enabled = true;
	dma_fence_enable_sw_signaling(&other->base);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(&other->base), 1);
}

static bool signal_when_enabled(struct dma_fence *fence)
{
	dma_fence_signal_locked(fence);
	return true;
}

static const char *plain_name(struct dma_fence *fence)
{
	return "plain";
}

static const struct dma_fence_ops hasty_ops = {
	.get_driver_name = plain_name,
	.get_timeline_name = plain_name,
	.enable_signaling = signal_when_enabled,
};

/* With the names and nothing else, so that it is freed with kfree_rcu(). */
static const struct dma_fence_ops plain_ops = {
	.get_driver_name = plain_name,
	.get_timeline_name = plain_name,
};

static DEFINE_SPINLOCK(plain_lock);

static void put_fence(void *fence)
{
	dma_fence_put(fence);
}

static struct dma_fence *plain_fence(struct kunit *test, u64 seqno,
				     const struct dma_fence_ops *ops)
{
	struct dma_fence *fence = kmalloc(sizeof(*fence), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, fence);
	memset(fence, 0xff, sizeof(*fence));
	dma_fence_init(fence, ops, &plain_lock, 1, seqno);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, put_fence, fence));
	return fence;
}

static void a_fence_may_signal_while_signalling_is_enabled(struct kunit *test)
{
	struct dma_fence *fence = plain_fence(test, 1, &hasty_ops);
	struct mock_call call;

	KUNIT_EXPECT_EQ(test, mock_call_at_end(fence, &call), -ENOENT);
	KUNIT_EXPECT_EQ(test, call.count, 0);
	KUNIT_EXPECT_TRUE(test, list_empty(&call.cb.node));
}

static void a_fence_needs_but_two_names(struct kunit *test)
{
	struct dma_fence *fence = plain_fence(test, 1, &plain_ops);
	struct mock_call call;

	dma_fence_set_deadline(fence, 5);
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(fence));
	KUNIT_EXPECT_EQ(test, dma_fence_wait_timeout(fence, false, 1), 0);
	KUNIT_EXPECT_EQ(test, mock_call_at_end(fence, &call), 0);
	KUNIT_EXPECT_EQ(test, dma_fence_signal(fence), 0);
	KUNIT_EXPECT_EQ(test, call.count, 1);
	KUNIT_EXPECT_EQ(test, dma_fence_wait_timeout(fence, false, 1), 1);
}

/*
 * Status
 */

static void who_asks_learns_of_the_end_first(struct kunit *test)
{
	struct mock_job *job = mock_job(test);
	struct mock_call call;
	int asked;

	KUNIT_EXPECT_EQ(test, mock_call_at_end(&job->base, &call), 0);
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(&job->base));
	job->done = true;
	KUNIT_EXPECT_EQ(test, call.count, 0);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(&job->base));
	KUNIT_EXPECT_EQ(test, call.count, 1);
	KUNIT_EXPECT_TRUE(test, test_bit(DMA_FENCE_FLAG_TIMESTAMP_BIT,
					 &job->base.flags));

	asked = atomic_read(&job->asked);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(&job->base));
	KUNIT_EXPECT_EQ(test, atomic_read(&job->asked), asked);
}

static void one_can_ask_under_the_lock(struct kunit *test)
{
	struct mock_job *job = mock_job(test);
	struct dma_fence *fence = &job->base;
	bool before, after;
	int status[2];

	spin_lock_irq(fence->lock);
	before = dma_fence_is_signaled_locked(fence);
	status[0] = dma_fence_get_status_locked(fence);
	dma_fence_set_error(fence, -EIO);
	job->done = true;
	after = dma_fence_is_signaled_locked(fence);
	status[1] = dma_fence_get_status_locked(fence);
	spin_unlock_irq(fence->lock);

	KUNIT_EXPECT_FALSE(test, before);
	KUNIT_EXPECT_TRUE(test, after);
	KUNIT_EXPECT_EQ(test, status[0], 0);
	KUNIT_EXPECT_EQ(test, status[1], -EIO);
	KUNIT_EXPECT_EQ(test, dma_fence_signal(fence), -EINVAL);
}

static void the_status_tells_success_from_failure(struct kunit *test)
{
	struct dma_fence *good = &mock_job(test)->base;
	struct dma_fence *bad = &mock_job(test)->base;
	struct mock_call call;

	dma_fence_set_error(bad, -ETIME);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(bad), 0);
	KUNIT_EXPECT_EQ(test, mock_call_at_end(bad, &call), 0);
	dma_fence_signal(good);
	dma_fence_signal(bad);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(good), 1);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(bad), -ETIME);
	KUNIT_EXPECT_EQ(test, call.error, -ETIME);
}

static void an_error_must_be_one_and_come_in_time(struct kunit *test)
{
	struct dma_fence *fence = &mock_job(test)->base;
	static const int wrong[] = { 0, 1, EIO, -MAX_ERRNO - 1, INT_MIN };
	int i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		kunit_info(test, "expect-splat: dma-fence.h");
		dma_fence_set_error(fence, wrong[i]);
		kunit_info(test, "expect-splat: end");
	}
	dma_fence_set_error(fence, -1);
	dma_fence_set_error(fence, -MAX_ERRNO);
	dma_fence_signal(fence);
	kunit_info(test, "expect-splat: dma-fence.h");
	dma_fence_set_error(fence, -EIO);
	kunit_info(test, "expect-splat: end");
}

static void deadlines_reach_the_driver_until_the_end(struct kunit *test)
{
	struct mock_job *job = mock_job(test);

	dma_fence_set_deadline(&job->base, 5);
	KUNIT_EXPECT_EQ(test, job->deadline, 5);
	dma_fence_set_deadline(&job->base, 3);
	KUNIT_EXPECT_EQ(test, job->deadline, 3);
	KUNIT_EXPECT_EQ(test, job->deadlines, 2);
	dma_fence_signal(&job->base);
	dma_fence_set_deadline(&job->base, 4);
	KUNIT_EXPECT_EQ(test, job->deadlines, 2);
}

static void a_description_names_driver_timeline_and_seqno(struct kunit *test)
{
	struct mock_job *job = mock_job_on(test, 3, 0x100000002ULL);

	mock_expect_description(test, &job->base,
				"driver timeline seq 4294967298 unsignalled\n");
	dma_fence_signal(&job->base);
	mock_expect_description(test, &job->base,
				"driver timeline seq 4294967298 signalled\n");
}

/*
 * By hand, as i915's breadcrumbs do
 */

/* The second half, after the bit was set without the lock. */
static void notify_by_hand(struct dma_fence *fence, ktime_t timestamp)
{
	struct dma_fence_cb *cb, *next;
	struct list_head queue;

	spin_lock_irq(fence->lock);
	list_replace(&fence->cb_list, &queue);
	fence->timestamp = timestamp;
	set_bit(DMA_FENCE_FLAG_TIMESTAMP_BIT, &fence->flags);
	list_for_each_entry_safe(cb, next, &queue, node) {
		INIT_LIST_HEAD(&cb->node);
		cb->func(fence, cb);
	}
	spin_unlock_irq(fence->lock);
}

static void a_fence_signalled_by_hand_has_signalled(struct kunit *test)
{
	struct dma_fence *fence = &mock_job(test)->base;
	struct mock_call first, second, third, late;

	KUNIT_ASSERT_EQ(test, mock_call_at_end(fence, &first), 0);
	KUNIT_ASSERT_EQ(test, mock_call_at_end(fence, &second), 0);
	KUNIT_ASSERT_EQ(test, mock_call_at_end(fence, &third), 0);

	KUNIT_EXPECT_FALSE(test, test_and_set_bit(DMA_FENCE_FLAG_SIGNALED_BIT,
						  &fence->flags));
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(fence));
	KUNIT_EXPECT_EQ(test, dma_fence_signal(fence), -EINVAL);
	KUNIT_EXPECT_EQ(test, signal_locked(fence), -EINVAL);
	KUNIT_EXPECT_EQ(test, signal_timestamp_locked(fence, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, mock_call_at_end(fence, &late), -ENOENT);
	KUNIT_EXPECT_TRUE(test, dma_fence_remove_callback(fence, &second.cb));

	notify_by_hand(fence, 77);
	KUNIT_EXPECT_EQ(test, dma_fence_timestamp(fence), 77);
	KUNIT_EXPECT_EQ(test, first.count, 1);
	KUNIT_EXPECT_EQ(test, second.count, 0);
	KUNIT_EXPECT_EQ(test, third.count, 1);
	KUNIT_EXPECT_FALSE(test, dma_fence_remove_callback(fence, &first.cb));
	KUNIT_EXPECT_EQ(test, dma_fence_wait_timeout(fence, true, 5), 5);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(fence), 1);
}

/*
 * The end
 */

static void the_last_put_releases(struct kunit *test)
{
	struct mock_job *job = mock_job_make(1, 1);
	atomic_t released = ATOMIC_INIT(0);
	struct dma_fence *dead;

	KUNIT_ASSERT_NOT_NULL(test, job);
	job->released = &released;
	KUNIT_EXPECT_PTR_EQ(test, dma_fence_get(&job->base), &job->base);
	dma_fence_put(&job->base);
	KUNIT_EXPECT_EQ(test, atomic_read(&released), 0);

	rcu_read_lock();
	/* Nobody waits: it may go without a signal. */
	dma_fence_put(&job->base);
	dead = dma_fence_get_rcu(&job->base);
	rcu_read_unlock();
	KUNIT_EXPECT_NULL(test, dead);
	KUNIT_EXPECT_EQ(test, atomic_read(&released), 1);
}

static void who_waits_for_a_lost_fence_is_told(struct kunit *test)
{
	struct mock_job *job = mock_job_make(1, 1);
	atomic_t released = ATOMIC_INIT(0);
	struct mock_call calls[2];

	KUNIT_ASSERT_NOT_NULL(test, job);
	job->released = &released;
	KUNIT_EXPECT_EQ(test, mock_call_at_end(&job->base, &calls[0]), 0);
	KUNIT_EXPECT_EQ(test, mock_call_at_end(&job->base, &calls[1]), 0);

	kunit_info(test, "expect-splat: dma_fence.c");
	dma_fence_put(&job->base);
	kunit_info(test, "expect-splat: end");
	KUNIT_EXPECT_EQ(test, calls[0].count, 1);
	KUNIT_EXPECT_EQ(test, calls[1].count, 1);
	KUNIT_EXPECT_EQ(test, calls[0].error, -EDEADLK);
	KUNIT_EXPECT_EQ(test, atomic_read(&released), 1);
}

/**
 * struct console - what a task has the kernel print
 * @task: the task
 * @text: what to look for
 * @warnings: how many lines begin a warning
 * @hits: how many have the text
 */
struct console {
	struct task_struct *task;
	const char *text;
	int warnings;
	int hits;
};

static void read_console(void *data, const char *text, size_t len)
{
	struct console *console = data;

	if (current != console->task)
		return;
	console->warnings += !!strnstr(text, "WARNING: ", len);
	console->hits += !!strnstr(text, console->text, len);
}

static void a_lost_fence_is_named_in_one_warning(struct kunit *test)
{
	struct console *console;
	struct mock_call call;
	struct mock_job *job;

	console = kunit_kzalloc(test, sizeof(*console), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, console);
	console->task = current;
	console->text = "driver fence timeline:4711 lost";
	check_trace_callback_type_console(read_console);
	mock_probe(test, "console", read_console, console);

	job = mock_job_make(1, 4711);
	KUNIT_ASSERT_NOT_NULL(test, job);
	KUNIT_ASSERT_EQ(test, mock_call_at_end(&job->base, &call), 0);
	kunit_info(test, "expect-splat: dma_fence.c");
	dma_fence_put(&job->base);
	kunit_info(test, "expect-splat: end");
	KUNIT_EXPECT_EQ(test, console->warnings, 1);
	KUNIT_EXPECT_EQ(test, console->hits, 1);
}

static void a_slot_gives_its_fence_with_a_reference(struct kunit *test)
{
	struct dma_fence *fence = &mock_job(test)->base, *found;
	struct dma_fence __rcu *slot = NULL;

	rcu_read_lock();
	KUNIT_EXPECT_NULL(test, dma_fence_get_rcu_safe(&slot));
	rcu_assign_pointer(slot, fence);
	found = dma_fence_get_rcu_safe(&slot);
	KUNIT_EXPECT_PTR_EQ(test, dma_fence_get_rcu(fence), fence);
	rcu_read_unlock();

	KUNIT_EXPECT_PTR_EQ(test, found, fence);
	KUNIT_EXPECT_EQ(test, mock_references(fence), 3);
	dma_fence_put(fence);
	dma_fence_put(fence);
}

/*
 * Timelines
 */

static void contexts_are_never_given_twice(struct kunit *test)
{
	u64 first = dma_fence_context_alloc(1);
	u64 three = dma_fence_context_alloc(3);
	u64 last = dma_fence_context_alloc(1);

	KUNIT_EXPECT_NE(test, first, 0);
	KUNIT_EXPECT_GT(test, three, first);
	KUNIT_EXPECT_GE(test, last, three + 3);

	kunit_info(test, "expect-splat: dma_fence_context_alloc");
	dma_fence_context_alloc(0);
	kunit_info(test, "expect-splat: end");
}

static const struct {
	u64 one;
	u64 other;
	bool later32;
	bool later64;
} seqnos[] = {
	{ 1, 1, false, false },
	{ 2, 1, true, true },
	{ 1, 2, false, false },
	{ 0, U32_MAX, true, false },
	{ U32_MAX, 0, false, true },
	{ 5, U32_MAX - 5, true, false },
	{ U32_MAX - 5, 5, false, true },
	{ 0x7fffffff, 0, true, true },
	{ 0x80000001, 0, false, true },
	{ 0, 0x80000001, true, false },
	{ 0x100000001ULL, 1, false, true },
	{ 1, 0x100000002ULL, false, false },
	{ 0x100000002ULL, 1, true, true },
	{ U64_MAX, 1, false, true },
};

static void the_later_seqno_is_found_across_the_wrap(struct kunit *test)
{
	struct dma_fence_ops ops32 = plain_ops, ops64 = plain_ops;
	int i;

	ops64.use_64bit_seqno = true;
	for (i = 0; i < ARRAY_SIZE(seqnos); i++) {
		u64 one = seqnos[i].one, other = seqnos[i].other;

		KUNIT_EXPECT_EQ_MSG(test, seqnos[i].later32,
				    __dma_fence_is_later(one, other, &ops32),
				    "%llx after %llx, 32 bits", one, other);
		KUNIT_EXPECT_EQ_MSG(test, seqnos[i].later64,
				    __dma_fence_is_later(one, other, &ops64),
				    "%llx after %llx, 64 bits", one, other);
	}
}

static const struct dma_fence_ops plain64_ops = {
	.use_64bit_seqno = true,
	.get_driver_name = plain_name,
	.get_timeline_name = plain_name,
};

static void the_later_fence_is_found_as_its_driver_counts(struct kunit *test)
{
	struct dma_fence *small = plain_fence(test, 1, &plain_ops);
	struct dma_fence *large = plain_fence(test, U32_MAX, &plain_ops);
	struct dma_fence *small64 = plain_fence(test, 1, &plain64_ops);
	struct dma_fence *large64 = plain_fence(test, U32_MAX, &plain64_ops);

	KUNIT_EXPECT_TRUE(test, dma_fence_is_later(small, large));
	KUNIT_EXPECT_FALSE(test, dma_fence_is_later(large, small));
	KUNIT_EXPECT_TRUE(test, dma_fence_is_later(large64, small64));
	KUNIT_EXPECT_FALSE(test, dma_fence_is_later(small64, large64));

	KUNIT_EXPECT_FALSE(test, dma_fence_is_later(small, small));
	KUNIT_EXPECT_TRUE(test, dma_fence_is_later_or_same(small, small));
	KUNIT_EXPECT_TRUE(test, dma_fence_is_later_or_same(small, large));
	KUNIT_EXPECT_FALSE(test, dma_fence_is_later_or_same(large, small));
}

static void the_later_of_two_counts_until_it_signals(struct kunit *test)
{
	struct dma_fence *first = &mock_job_on(test, 5, 1)->base;
	struct mock_job *second = mock_job_on(test, 5, 2);

	KUNIT_EXPECT_PTR_EQ(test, dma_fence_later(first, &second->base),
			    &second->base);
	KUNIT_EXPECT_PTR_EQ(test, dma_fence_later(&second->base, first),
			    &second->base);
	dma_fence_signal(first);
	KUNIT_EXPECT_PTR_EQ(test, dma_fence_later(first, &second->base),
			    &second->base);
	second->done = true;
	KUNIT_EXPECT_NULL(test, dma_fence_later(first, &second->base));
	KUNIT_EXPECT_NULL(test, dma_fence_later(&second->base, first));
}

static void timelines_cannot_be_compared(struct kunit *test)
{
	struct dma_fence *one = &mock_job_on(test, 5, 1)->base;
	struct dma_fence *other = &mock_job_on(test, 6, 2)->base;

	kunit_info(test, "expect-splat: dma-fence.h");
	KUNIT_EXPECT_FALSE(test, dma_fence_is_later(other, one));
	kunit_info(test, "expect-splat: dma-fence.h");
	KUNIT_EXPECT_NULL(test, dma_fence_later(one, other));
	kunit_info(test, "expect-splat: end");
}

/*
 * Stubs
 */

static void the_stub_has_always_been_signalled(struct kunit *test)
{
	struct dma_fence *stub = dma_fence_get_stub();
	struct dma_fence *again = dma_fence_get_stub();
	struct mock_call call;

	KUNIT_EXPECT_PTR_EQ(test, stub, again);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(stub));
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(stub), 1);
	KUNIT_EXPECT_LE(test, dma_fence_timestamp(stub), ktime_get());
	KUNIT_EXPECT_EQ(test, stub->context, 0);
	KUNIT_EXPECT_EQ(test, mock_call_at_end(stub, &call), -ENOENT);
	KUNIT_EXPECT_EQ(test, dma_fence_wait(stub, true), 0);
	mock_expect_description(test, stub, "stub stub seq 0 signalled\n");
	dma_fence_put(stub);
	dma_fence_put(again);
}

static void without_memory_there_is_no_private_stub(struct kunit *test)
{
	struct dma_fence *stub;

	mock_faults_begin(test);
	mock_fail_nth(1);
	stub = dma_fence_allocate_private_stub(1234);
	KUNIT_EXPECT_TRUE(test, mock_failed());
	KUNIT_EXPECT_NULL(test, stub);
}

static void a_private_stub_signalled_when_it_is_said_to(struct kunit *test)
{
	struct dma_fence *stub = dma_fence_allocate_private_stub(1234);
	struct mock_call call;

	KUNIT_ASSERT_NOT_NULL(test, stub);
	KUNIT_EXPECT_EQ(test, mock_references(stub), 1);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(stub));
	KUNIT_EXPECT_EQ(test, dma_fence_timestamp(stub), 1234);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(stub), 1);
	KUNIT_EXPECT_EQ(test, mock_call_at_end(stub, &call), -ENOENT);
	mock_expect_description(test, stub, "stub stub seq 0 signalled\n");
	dma_fence_put(stub);
}

/*
 * Waiting
 */

static void a_wait_ends_with_the_signal(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);
	long left;

	mock_fence_signal_after(fence, 2 * NSEC_PER_MSEC);
	left = dma_fence_wait_timeout(fence, false, MOCK_PATIENCE);
	KUNIT_EXPECT_GT(test, left, 0);
	KUNIT_EXPECT_LE(test, left, MOCK_PATIENCE);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(fence));

	fence = mock_fence(test);
	mock_fence_signal_after(fence, 2 * NSEC_PER_MSEC);
	KUNIT_EXPECT_EQ(test, dma_fence_wait(fence, true), 0);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(fence));
}

static void a_wait_enables_signalling(struct kunit *test)
{
	struct mock_job *job = mock_job(test), *over = mock_job(test);

	KUNIT_EXPECT_EQ(test, dma_fence_wait_timeout(&job->base, false, 1), 0);
	KUNIT_EXPECT_EQ(test, job->enabled, 1);
	KUNIT_EXPECT_FALSE(test, mock_fence_watched(&job->base));

	over->over_when_enabled = true;
	KUNIT_EXPECT_EQ(test, dma_fence_wait_timeout(&over->base, false, 9), 9);
}

static void a_wait_without_time_only_looks(struct kunit *test)
{
	struct mock_job *job = mock_job(test);

	KUNIT_EXPECT_EQ(test, dma_fence_wait_timeout(&job->base, true, 0), 0);
	KUNIT_EXPECT_EQ(test, dma_fence_default_wait(&job->base, true, 0), 0);
	KUNIT_EXPECT_FALSE(test, mock_fence_watched(&job->base));
	job->done = true;
	KUNIT_EXPECT_EQ(test, dma_fence_wait_timeout(&job->base, true, 0), 1);
	KUNIT_EXPECT_EQ(test, dma_fence_default_wait(&job->base, true, 0), 1);
	KUNIT_EXPECT_EQ(test, dma_fence_wait_timeout(&job->base, true, 7), 7);
	KUNIT_EXPECT_EQ(test, dma_fence_default_wait(&job->base, true, 7), 7);
}

static void time_does_not_run_backwards(struct kunit *test)
{
	struct dma_fence *fence = &mock_job(test)->base;

	kunit_info(test, "expect-splat: dma_fence_wait_timeout");
	KUNIT_EXPECT_EQ(test, dma_fence_wait_timeout(fence, false, -1),
			-EINVAL);
	dma_fence_signal(fence);
	KUNIT_EXPECT_EQ(test, dma_fence_wait_timeout(fence, false, -1),
			-EINVAL);
	kunit_info(test, "expect-splat: end");
}

static void a_signal_to_the_task_ends_a_wait_that_allows_it(struct kunit *test)
{
	struct dma_fence *fence = &mock_job(test)->base, *soon;
	long wait, timeout, plain, deaf, over;

	soon = mock_fence(test);
	mock_interrupt_begin();
	wait = dma_fence_wait(fence, true);
	timeout = dma_fence_wait_timeout(fence, true, MOCK_PATIENCE);
	plain = dma_fence_default_wait(fence, true, MOCK_PATIENCE);
	mock_fence_signal_after(soon, NSEC_PER_MSEC);
	deaf = dma_fence_wait_timeout(soon, false, MOCK_PATIENCE);
	over = dma_fence_wait_timeout(soon, true, MOCK_PATIENCE);
	mock_interrupt_end();

	KUNIT_EXPECT_EQ(test, wait, -ERESTARTSYS);
	KUNIT_EXPECT_EQ(test, timeout, -ERESTARTSYS);
	KUNIT_EXPECT_EQ(test, plain, -ERESTARTSYS);
	KUNIT_EXPECT_FALSE(test, mock_fence_watched(fence));
	KUNIT_EXPECT_GT(test, deaf, 0);
	KUNIT_EXPECT_EQ(test, over, MOCK_PATIENCE);
}

/* What the driver's own wait was given, and what it returns. */
static struct {
	bool enabled;
	bool intr;
	long timeout;
	long ret;
} own_wait;

static long wait_own_way(struct dma_fence *fence, bool intr, long timeout)
{
	own_wait.enabled = test_bit(DMA_FENCE_FLAG_ENABLE_SIGNAL_BIT,
				    &fence->flags);
	own_wait.intr = intr;
	own_wait.timeout = timeout;
	return own_wait.ret;
}

static const struct dma_fence_ops own_wait_ops = {
	.get_driver_name = plain_name,
	.get_timeline_name = plain_name,
	.wait = wait_own_way,
};

static void a_driver_may_wait_its_own_way(struct kunit *test)
{
	struct dma_fence *fence = plain_fence(test, 1, &own_wait_ops);

	memset(&own_wait, 0, sizeof(own_wait));
	own_wait.ret = 3;
	KUNIT_EXPECT_EQ(test, dma_fence_wait_timeout(fence, true, 11), 3);
	KUNIT_EXPECT_TRUE(test, own_wait.enabled);
	KUNIT_EXPECT_TRUE(test, own_wait.intr);
	KUNIT_EXPECT_EQ(test, own_wait.timeout, 11);
	KUNIT_EXPECT_EQ(test, dma_fence_wait(fence, false), 0);
	KUNIT_EXPECT_FALSE(test, own_wait.intr);
	KUNIT_EXPECT_EQ(test, own_wait.timeout, MAX_SCHEDULE_TIMEOUT);
	own_wait.ret = -EDEADLK;
	KUNIT_EXPECT_EQ(test, dma_fence_wait(fence, true), -EDEADLK);
}

/**
 * struct sleeper - a task that waits the way of vmwgfx
 * @cb: wakes it
 * @task: who
 */
struct sleeper {
	struct dma_fence_cb cb;
	struct task_struct *task;
};

static void wake_sleeper(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	wake_up_process(container_of(cb, struct sleeper, cb)->task);
}

/* Under the lock, except while it sleeps. */
static long sleep_by_hand(struct dma_fence *fence, long timeout)
{
	while (timeout &&
	       !test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags)) {
		__set_current_state(TASK_UNINTERRUPTIBLE);
		spin_unlock_irq(fence->lock);
		timeout = schedule_timeout(timeout);
		spin_lock_irq(fence->lock);
	}
	return timeout;
}

static long wait_by_hand(struct dma_fence *fence, bool intr, long timeout)
{
	struct sleeper sleeper = { .cb.func = wake_sleeper, .task = current };

	spin_lock_irq(fence->lock);
	if (!test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags)) {
		list_add(&sleeper.cb.node, &fence->cb_list);
		timeout = sleep_by_hand(fence, timeout);
		if (!list_empty(&sleeper.cb.node))
			list_del_init(&sleeper.cb.node);
	}
	spin_unlock_irq(fence->lock);
	return timeout;
}

static const struct dma_fence_ops by_hand_ops = {
	.get_driver_name = plain_name,
	.get_timeline_name = plain_name,
	.wait = wait_by_hand,
};

/* So the wait always has to sleep. */
static void signal_once_watched(void *fence)
{
	if (MOCK_AWAIT(mock_fence_watched(fence)))
		dma_fence_signal(fence);
}

static void a_driver_may_queue_its_waiter_by_hand(struct kunit *test)
{
	struct dma_fence *fence = plain_fence(test, 1, &by_hand_ops);
	struct mock_rival *rival = mock_rival(test, signal_once_watched, fence);
	struct mock_call call;

	KUNIT_EXPECT_EQ(test, dma_fence_wait_timeout(fence, false, 1), 0);
	KUNIT_EXPECT_FALSE(test, mock_fence_watched(fence));
	mock_rival_go(rival);
	KUNIT_EXPECT_GT(test, dma_fence_wait_timeout(fence, false,
						     MOCK_PATIENCE), 0);
	mock_rival_await(rival);
	KUNIT_EXPECT_EQ(test, dma_fence_wait_timeout(fence, false, 1), 1);

	/* In front of somebody who came before, and stays. */
	fence = plain_fence(test, 2, &by_hand_ops);
	KUNIT_EXPECT_EQ(test, mock_call_at_end(fence, &call), 0);
	KUNIT_EXPECT_EQ(test, dma_fence_wait_timeout(fence, false, 1), 0);
	dma_fence_signal(fence);
	KUNIT_EXPECT_EQ(test, call.count, 1);
}

/*
 * Waiting for any of many
 */

#define MANY 100

/* One, as many as go without memory, one more, and many. */
static const int counts[] = { 1, 2, 16, 17, MANY };

static void make_many(struct kunit *test, struct dma_fence *fences[MANY])
{
	int i;

	for (i = 0; i < MANY; i++)
		fences[i] = mock_fence(test);
}

static int how_many_are_watched(struct dma_fence *fences[MANY])
{
	int i, watched = 0;

	for (i = 0; i < MANY; i++) {
		if (!dma_fence_is_signaled(fences[i]))
			watched += mock_fence_watched(fences[i]);
	}
	return watched;
}

static void any_that_has_signalled_is_found_at_once(struct kunit *test)
{
	struct dma_fence *fences[MANY];
	int i, count;
	u32 idx;

	make_many(test, fences);
	for (i = ARRAY_SIZE(counts) - 1; i >= 0; i--) {
		count = counts[i];
		/* The first that has, not one of those behind it. */
		dma_fence_signal(fences[count - 1]);
		idx = MANY;
		KUNIT_EXPECT_EQ(test, 5,
				dma_fence_wait_any_timeout(fences, count, true,
							   5, &idx));
		KUNIT_EXPECT_EQ(test, idx, count - 1);
		KUNIT_EXPECT_EQ(test, 1,
				dma_fence_wait_any_timeout(fences, count, true,
							   0, NULL));
	}
}

static void nobody_is_watched_for_a_look_at_many(struct kunit *test)
{
	struct mock_job *jobs[2] = { mock_job(test), mock_job(test) };
	struct dma_fence *fences[2] = { &jobs[0]->base, &jobs[1]->base };
	u32 idx = MANY;

	KUNIT_EXPECT_EQ(test, 0, dma_fence_wait_any_timeout(fences, 2, true, 0,
							    &idx));
	KUNIT_EXPECT_EQ(test, jobs[0]->enabled + jobs[1]->enabled, 0);
	jobs[1]->done = true;
	KUNIT_EXPECT_EQ(test, 1, dma_fence_wait_any_timeout(fences, 2, true, 0,
							    &idx));
	KUNIT_EXPECT_EQ(test, idx, 1);
}

static void a_wait_for_any_ends_with_the_first(struct kunit *test)
{
	struct dma_fence *fences[MANY];
	int i, place;
	long left;
	u32 idx;

	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		make_many(test, fences);
		place = counts[i] / 2;
		idx = MANY;
		mock_fence_signal_after(fences[place], NSEC_PER_MSEC);
		left = dma_fence_wait_any_timeout(fences, counts[i], true,
						  MOCK_PATIENCE, &idx);
		KUNIT_EXPECT_GT(test, left, 0);
		KUNIT_EXPECT_LE(test, left, MOCK_PATIENCE);
		KUNIT_EXPECT_EQ(test, idx, place);
		KUNIT_EXPECT_EQ(test, how_many_are_watched(fences), 0);
	}
}

static void a_wait_for_any_has_an_end(struct kunit *test)
{
	struct dma_fence *fences[MANY];
	long up, interrupted;
	int i;

	make_many(test, fences);
	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		up = dma_fence_wait_any_timeout(fences, counts[i], false, 1,
						NULL);
		mock_interrupt_begin();
		interrupted = dma_fence_wait_any_timeout(fences, counts[i],
							 true, MOCK_PATIENCE,
							 NULL);
		mock_interrupt_end();
		KUNIT_EXPECT_EQ(test, up, 0);
		KUNIT_EXPECT_EQ(test, interrupted, -ERESTARTSYS);
		KUNIT_EXPECT_EQ(test, how_many_are_watched(fences), 0);
	}
}

/* It signals as the wait gets to it, when it has others behind it already. */
static void an_end_is_seen_when_a_wait_for_any_begins(struct kunit *test)
{
	struct dma_fence *fences[MANY];
	u32 idx = MANY;

	make_many(test, fences);
	mock_fence_end_at_hook(fences[9]);
	KUNIT_EXPECT_EQ(test, MOCK_PATIENCE,
			dma_fence_wait_any_timeout(fences, 16, true,
						   MOCK_PATIENCE, &idx));
	KUNIT_EXPECT_EQ(test, idx, 9);
	KUNIT_EXPECT_EQ(test, how_many_are_watched(fences), 0);
}

static void without_memory_many_are_not_waited_for(struct kunit *test)
{
	struct dma_fence *fences[MANY];
	u32 idx = MANY;
	long ret;

	mock_faults_begin(test);
	make_many(test, fences);
	mock_fail_nth(1);
	ret = dma_fence_wait_any_timeout(fences, 17, true, MOCK_PATIENCE, &idx);
	KUNIT_EXPECT_TRUE(test, mock_failed());
	KUNIT_EXPECT_EQ(test, ret, -ENOMEM);
	KUNIT_EXPECT_EQ(test, idx, MANY);
	KUNIT_EXPECT_EQ(test, how_many_are_watched(fences), 0);

	/* Fewer need no memory. */
	mock_fail_nth(1);
	ret = dma_fence_wait_any_timeout(fences, 16, true, 1, &idx);
	KUNIT_EXPECT_FALSE(test, mock_failed());
	KUNIT_EXPECT_EQ(test, ret, 0);
}

static void a_wait_for_any_needs_some_fences(struct kunit *test)
{
	struct dma_fence *fence = &mock_job(test)->base;

	kunit_info(test, "expect-splat: dma_fence_wait_any_timeout");
	KUNIT_EXPECT_EQ(test, -EINVAL,
			dma_fence_wait_any_timeout(NULL, 1, false, 1, NULL));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			dma_fence_wait_any_timeout(&fence, 0, false, 1, NULL));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			dma_fence_wait_any_timeout(&fence, 1, false, -1, NULL));
	kunit_info(test, "expect-splat: end");
}

/*
 * Sections that lead to a signal
 */

static void signalling_sections_nest(struct kunit *test)
{
	struct dma_fence *fence = &mock_job(test)->base;
	bool outer, inner, again, atomic;

	if (!IS_ENABLED(CONFIG_LOCKDEP))
		kunit_skip(test, "nobody checks: LOCKDEP is off");

	outer = dma_fence_begin_signalling();
	inner = dma_fence_begin_signalling();
	dma_fence_end_signalling(inner);
	/* A wait leaves the section and is back in it afterwards. */
	dma_fence_signal(fence);
	dma_fence_wait(fence, false);
	again = dma_fence_begin_signalling();
	dma_fence_end_signalling(again);
	dma_fence_end_signalling(outer);

	preempt_disable();
	atomic = dma_fence_begin_signalling();
	dma_fence_end_signalling(atomic);
	preempt_enable();

	KUNIT_EXPECT_FALSE(test, outer);
	KUNIT_EXPECT_TRUE(test, inner);
	KUNIT_EXPECT_TRUE(test, again);
	KUNIT_EXPECT_TRUE(test, atomic);
}

static struct kunit_case fence_cases[] = {
	KUNIT_CASE(a_new_fence_is_pending),
	KUNIT_CASE(a_fence_signals_only_once),
	KUNIT_CASE(ops_and_lock_stay_after_the_signal),
	KUNIT_CASE(no_fence_cannot_signal),
	KUNIT_CASE(a_signal_is_stamped_with_its_time),
	KUNIT_CASE(a_pending_fence_has_no_time),
	KUNIT_CASE(callbacks_are_called_in_order_under_the_lock),
	KUNIT_CASE(a_callback_may_unqueue_the_next_one),
	KUNIT_CASE(a_callback_may_unqueue_all_others),
	KUNIT_CASE(a_callback_may_go_on_to_another_fence),
	KUNIT_CASE(a_callback_may_free_itself),
	KUNIT_CASE(callbacks_may_be_spliced_in_by_hand),
	KUNIT_CASE(a_callback_may_be_moved_under_both_locks),
	KUNIT_CASE(who_comes_too_late_is_not_called),
	KUNIT_CASE(a_callback_needs_fence_and_function),
	KUNIT_CASE(a_removed_callback_is_not_called),
	KUNIT_CASE(signalling_is_enabled_once),
	KUNIT_CASE(signalling_can_be_enabled_for_nobody),
	KUNIT_CASE(an_end_is_seen_when_signalling_is_enabled),
	KUNIT_CASE(a_fence_may_signal_while_signalling_is_enabled),
	KUNIT_CASE(a_fence_needs_but_two_names),
	KUNIT_CASE(who_asks_learns_of_the_end_first),
	KUNIT_CASE(one_can_ask_under_the_lock),
	KUNIT_CASE(the_status_tells_success_from_failure),
	KUNIT_CASE(an_error_must_be_one_and_come_in_time),
	KUNIT_CASE(deadlines_reach_the_driver_until_the_end),
	KUNIT_CASE(a_description_names_driver_timeline_and_seqno),
	KUNIT_CASE(a_fence_signalled_by_hand_has_signalled),
	KUNIT_CASE(the_last_put_releases),
	KUNIT_CASE(who_waits_for_a_lost_fence_is_told),
	KUNIT_CASE(a_lost_fence_is_named_in_one_warning),
	KUNIT_CASE(a_slot_gives_its_fence_with_a_reference),
	KUNIT_CASE(contexts_are_never_given_twice),
	KUNIT_CASE(the_later_seqno_is_found_across_the_wrap),
	KUNIT_CASE(the_later_fence_is_found_as_its_driver_counts),
	KUNIT_CASE(the_later_of_two_counts_until_it_signals),
	KUNIT_CASE(timelines_cannot_be_compared),
	KUNIT_CASE(the_stub_has_always_been_signalled),
	KUNIT_CASE(without_memory_there_is_no_private_stub),
	KUNIT_CASE(a_private_stub_signalled_when_it_is_said_to),
	KUNIT_CASE(a_wait_ends_with_the_signal),
	KUNIT_CASE(a_wait_enables_signalling),
	KUNIT_CASE(a_wait_without_time_only_looks),
	KUNIT_CASE(time_does_not_run_backwards),
	KUNIT_CASE(a_signal_to_the_task_ends_a_wait_that_allows_it),
	KUNIT_CASE(a_driver_may_wait_its_own_way),
	KUNIT_CASE(a_driver_may_queue_its_waiter_by_hand),
	KUNIT_CASE(any_that_has_signalled_is_found_at_once),
	KUNIT_CASE(nobody_is_watched_for_a_look_at_many),
	KUNIT_CASE(a_wait_for_any_ends_with_the_first),
	KUNIT_CASE(a_wait_for_any_has_an_end),
	KUNIT_CASE(an_end_is_seen_when_a_wait_for_any_begins),
	KUNIT_CASE(without_memory_many_are_not_waited_for),
	KUNIT_CASE(a_wait_for_any_needs_some_fences),
	KUNIT_CASE(signalling_sections_nest),
	{}
};

static struct kunit_suite fence_suite = {
	.name = "dma_fence",
	.test_cases = fence_cases,
};

kunit_test_suite(fence_suite);
