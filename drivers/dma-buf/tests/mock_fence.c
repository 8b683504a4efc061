// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fences that signal when the test says so: at once, from an interrupt some
 * time later, or not before the test is over; and the reservation objects that
 * they are put into.
 */
#include <linux/kthread.h>
#include <linux/slab.h>

#include "mock.h"

/**
 * struct mock_fence - a fence
 * @base: first, so that it can be freed as a fence
 * @lock: of the fence
 * @timer: signals it from an interrupt
 * @other: a fence that signals when somebody looks at this one; may be NULL
 * @late: turns out to be over when somebody wants to be told
 */
struct mock_fence {
	struct dma_fence base;
	spinlock_t lock; /* protects @base */
	struct hrtimer timer;
	struct dma_fence *other;
	bool late;
};

static const char *mock_fence_name(struct dma_fence *fence)
{
	return "mock";
}

static struct mock_fence *to_mock_fence(struct dma_fence *fence)
{
	return container_of(fence, struct mock_fence, base);
}

static bool mock_fence_signaled(struct dma_fence *fence)
{
	struct dma_fence *other = xchg(&to_mock_fence(fence)->other, NULL);

	if (other)
		dma_fence_signal(other);
	return false;
}

static bool mock_fence_enable_signaling(struct dma_fence *fence)
{
	return !to_mock_fence(fence)->late;
}

static const struct dma_fence_ops mock_fence_ops = {
	.get_driver_name = mock_fence_name,
	.get_timeline_name = mock_fence_name,
	.signaled = mock_fence_signaled,
	.enable_signaling = mock_fence_enable_signaling,
};

static enum hrtimer_restart signal_from_timer(struct hrtimer *timer)
{
	struct mock_fence *fence =
		container_of(timer, struct mock_fence, timer);

	WARN_ON_ONCE(!in_hardirq());
	dma_fence_signal(&fence->base);
	return HRTIMER_NORESTART;
}

/**
 * mock_fence_make - make a fence
 *
 * Return: the fence, to be undone by mock_fence_end(), or NULL.
 */
struct dma_fence *mock_fence_make(void)
{
	struct mock_fence *fence;

	fence = kzalloc(sizeof(*fence), GFP_KERNEL);
	if (!fence)
		return NULL;
	spin_lock_init(&fence->lock);
	dma_fence_init(&fence->base, &mock_fence_ops, &fence->lock,
		       dma_fence_context_alloc(1), 1);
	hrtimer_init(&fence->timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
	fence->timer.function = signal_from_timer;
	return &fence->base;
}

/**
 * mock_fence_end - signal a fence, if nobody did, and put it
 * @fence: one of mock_fence_make()'s
 */
void mock_fence_end(struct dma_fence *fence)
{
	hrtimer_cancel(&to_mock_fence(fence)->timer);
	dma_fence_signal(fence);
	dma_fence_put(fence);
}

static void end_fence(void *data)
{
	mock_fence_end(data);
}

/**
 * mock_fence - make a fence of the test's
 * @test: the test; when it ends the fence signals, if it didn't before
 *
 * Return: the fence; the reference is the test's.
 */
struct dma_fence *mock_fence(struct kunit *test)
{
	struct dma_fence *fence = mock_fence_make();

	KUNIT_ASSERT_NOT_NULL(test, fence);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, end_fence, fence));
	return fence;
}

/**
 * mock_resv_add - put a fence into a reservation object
 * @resv: the object
 * @fence: the fence
 * @usage: what for
 *
 * Return: 0, or why there is no room.
 */
int mock_resv_add(struct dma_resv *resv, struct dma_fence *fence,
		  enum dma_resv_usage usage)
{
	int err;

	dma_resv_lock(resv, NULL);
	err = dma_resv_reserve_fences(resv, 1);
	if (!err)
		dma_resv_add_fence(resv, fence, usage);
	dma_resv_unlock(resv);
	return err;
}

static void fini_resv(void *resv)
{
	dma_resv_fini(resv);
}

/**
 * mock_resv - make a reservation object
 * @test: the test
 *
 * Return: the object.
 */
struct dma_resv *mock_resv(struct kunit *test)
{
	struct dma_resv *resv;

	resv = kunit_kzalloc(test, sizeof(*resv), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, resv);
	dma_resv_init(resv);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, fini_resv, resv));
	return resv;
}

/**
 * struct lock_holder - a thread that holds a reservation lock
 * @resv: the lock's object
 * @locked: it has it
 */
struct lock_holder {
	struct dma_resv *resv;
	struct completion locked;
};

static int hold_lock(void *data)
{
	struct lock_holder *holder = data;

	dma_resv_lock(holder->resv, NULL);
	complete(&holder->locked);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(HZ);
	dma_resv_unlock(holder->resv);
	return 0;
}

/**
 * mock_lock_elsewhere - have another thread hold a lock until the test ends
 * @test: the test
 * @resv: the lock's object
 */
void mock_lock_elsewhere(struct kunit *test, struct dma_resv *resv)
{
	struct lock_holder *holder;

	holder = kunit_kzalloc(test, sizeof(*holder), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, holder);
	holder->resv = resv;
	init_completion(&holder->locked);
	mock_thread(test, hold_lock, holder, "dma_buf_lock");
	wait_for_completion(&holder->locked);
}

/**
 * mock_fence_add - make a fence and put it into a buffer's reservation object
 * @buffer: the buffer
 * @usage: what for
 *
 * Return: the fence; the reference is the test's.
 */
struct dma_fence *mock_fence_add(struct mock_buffer *buffer,
				 enum dma_resv_usage usage)
{
	struct dma_fence *fence = mock_fence(buffer->test);

	KUNIT_ASSERT_EQ(buffer->test, 0,
			mock_resv_add(buffer->dmabuf->resv, fence, usage));
	return fence;
}

/**
 * mock_fence_signal_after - have a fence signal from an interrupt
 * @fence: one of mock_fence()'s
 * @delay: how long from now
 */
void mock_fence_signal_after(struct dma_fence *fence, ktime_t delay)
{
	hrtimer_start(&to_mock_fence(fence)->timer, delay, HRTIMER_MODE_REL);
}

/**
 * mock_fence_signal_at_look - have a fence signal when another is looked at
 * @fence: the fence
 * @other: one of mock_fence()'s
 */
void mock_fence_signal_at_look(struct dma_fence *fence,
			       struct dma_fence *other)
{
	to_mock_fence(other)->other = fence;
}

/**
 * mock_fence_end_at_hook - have a fence signal when somebody wants to be told
 * @fence: one of mock_fence()'s, and nobody wanted to yet
 */
void mock_fence_end_at_hook(struct dma_fence *fence)
{
	to_mock_fence(fence)->late = true;
}

/**
 * mock_fence_watched - is somebody going to be called when a fence signals?
 * @fence: a fence that didn't signal yet
 *
 * Return: whether it has callbacks.
 */
bool mock_fence_watched(struct dma_fence *fence)
{
	bool watched;

	spin_lock_irq(fence->lock);
	watched = !list_empty(&fence->cb_list);
	spin_unlock_irq(fence->lock);
	return watched;
}
