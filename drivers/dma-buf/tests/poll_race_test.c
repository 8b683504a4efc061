// SPDX-License-Identifier: GPL-2.0-only
/*
 * poll() against fences that signal at the same moment on another CPU or in an
 * interrupt: no wake-up is lost, and a buffer that goes takes its watches along.
 *
 * These are loops of thousands of tries, ended early by a time limit for slow
 * machines. KASAN and the slab's checks are what sees a buffer that is touched
 * after its end.
 */
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/random.h>

#include "mock.h"

#define TRIES 3000
#define TIME_LIMIT (5 * HZ)

/* A few tries happen however slow the machine is. */
static bool go_on(int tries, unsigned long begin)
{
	return tries < TRIES &&
	       (tries < 50 || time_before(jiffies, begin + TIME_LIMIT));
}

/**
 * struct signaller - a thread that signals what it is handed
 * @thread: the thread
 * @fence: the fence to signal next, NULL when it is done
 */
struct signaller {
	struct task_struct *thread;
	struct dma_fence *fence;
};

static int signal_fences(void *data)
{
	struct signaller *signaller = data;
	struct dma_fence *fence;

	while (!kthread_should_stop()) {
		/* Pairs with hand_over(). */
		fence = smp_load_acquire(&signaller->fence);
		if (fence) {
			dma_fence_signal(fence);
			/* Pairs with await_signaller(). */
			smp_store_release(&signaller->fence, NULL);
		}
		cond_resched();
	}
	return 0;
}

static void stop_signaller(void *data)
{
	struct signaller *signaller = data;

	kthread_stop(signaller->thread);
}

static struct signaller *start_signaller(struct kunit *test)
{
	struct signaller *signaller;

	signaller = kunit_kzalloc(test, sizeof(*signaller), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, signaller);
	signaller->thread = kthread_run(signal_fences, signaller,
					"dma_buf_signal");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, signaller->thread);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, stop_signaller,
						  signaller));
	return signaller;
}

static void hand_over(struct signaller *signaller, struct dma_fence *fence)
{
	/* Pairs with signal_fences(). */
	smp_store_release(&signaller->fence, fence);
}

static void await_signaller(struct signaller *signaller)
{
	/* Pairs with signal_fences(). */
	while (smp_load_acquire(&signaller->fence))
		cond_resched();
}

static void wait_a_little(void)
{
	ndelay(get_random_u32_below(20000));
}

/* A buffer with one fence which poll() watches, and nobody else there. */
static struct dma_buf *export_watched(struct kunit *test,
				      struct completion *released,
				      struct dma_fence *fence)
{
	struct dma_buf *dmabuf = mock_export_bare(released);
	struct mock_poller poller;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dmabuf);
	KUNIT_EXPECT_EQ(test, 0, mock_resv_add(dmabuf->resv, fence,
					       DMA_RESV_USAGE_WRITE));
	mock_poller_init(&poller);
	MOCK_EXPECT_EVENTS(test, 0, mock_poller_ask(&poller, dmabuf->file,
						    EPOLLIN | EPOLLOUT));
	mock_poller_stop(&poller);
	return dmabuf;
}

static void release(struct kunit *test, struct dma_buf *dmabuf,
		    struct completion *released)
{
	__fput_sync(dmabuf->file);
	KUNIT_EXPECT_TRUE(test, try_wait_for_completion(released));
}

static void buffers_go_while_another_cpu_signals(struct kunit *test)
{
	struct signaller *signaller = start_signaller(test);
	DECLARE_COMPLETION_ONSTACK(released);
	unsigned long begin = jiffies;
	struct dma_fence *fence;
	struct dma_buf *dmabuf;
	int i;

	for (i = 0; go_on(i, begin); i++) {
		fence = mock_fence_make();
		KUNIT_ASSERT_NOT_NULL(test, fence);
		dmabuf = export_watched(test, &released, fence);
		hand_over(signaller, fence);
		wait_a_little();
		release(test, dmabuf, &released);
		await_signaller(signaller);
		mock_fence_end(fence);
	}
	kunit_info(test, "%d tries", i);
}

static void buffers_go_while_an_interrupt_signals(struct kunit *test)
{
	DECLARE_COMPLETION_ONSTACK(released);
	unsigned long begin = jiffies;
	struct dma_fence *fence;
	struct dma_buf *dmabuf;
	int i;

	for (i = 0; go_on(i, begin); i++) {
		fence = mock_fence_make();
		KUNIT_ASSERT_NOT_NULL(test, fence);
		dmabuf = export_watched(test, &released, fence);
		mock_fence_signal_after(fence, get_random_u32_below(40000));
		wait_a_little();
		release(test, dmabuf, &released);
		mock_fence_end(fence);
	}
	kunit_info(test, "%d tries", i);
}

/**
 * struct sleeper - a thread that polls once a round
 * @thread: the thread
 * @file: the buffer's
 * @events: what it polls for
 * @round: the round that it may play; the test's thread writes it
 * @done: the round that it has played
 * @lost: it wasn't woken in time
 */
struct sleeper {
	struct task_struct *thread;
	struct file *file;
	__poll_t events;
	int round;
	int done;
	bool lost;
};

static bool poll_once(struct sleeper *sleeper)
{
	struct mock_poller poller;
	bool woken = true;

	mock_poller_init(&poller);
	if (!mock_poller_ask(&poller, sleeper->file, sleeper->events))
		woken = mock_poller_await(&poller, 1);
	mock_poller_stop(&poller);
	return woken;
}

static int poll_every_round(void *data)
{
	struct sleeper *sleeper = data;
	int round;

	while (!kthread_should_stop()) {
		/* Pairs with play_round(). */
		round = smp_load_acquire(&sleeper->round);
		if (round != sleeper->done) {
			sleeper->lost |= !poll_once(sleeper);
			/* Pairs with await_sleeper(). */
			smp_store_release(&sleeper->done, round);
		}
		cond_resched();
	}
	return 0;
}

static void stop_sleeper(void *data)
{
	struct sleeper *sleeper = data;

	kthread_stop(sleeper->thread);
}

static struct sleeper *start_sleeper(struct kunit *test, struct file *file,
				     __poll_t events)
{
	struct sleeper *sleeper;

	sleeper = kunit_kzalloc(test, sizeof(*sleeper), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, sleeper);
	sleeper->file = file;
	sleeper->events = events;
	sleeper->thread = kthread_run(poll_every_round, sleeper,
				      "dma_buf_sleeper");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, sleeper->thread);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, stop_sleeper, sleeper));
	return sleeper;
}

static void await_sleeper(struct sleeper *sleeper, int round)
{
	/* Pairs with poll_every_round(). */
	while (smp_load_acquire(&sleeper->done) != round)
		cond_resched();
}

/* One fence, two sleepers who come before, while or after it signals. */
static void play_round(struct kunit *test, struct mock_buffer *buffer,
		       struct sleeper *sleepers[2], int round)
{
	struct dma_fence *fence = mock_fence_make();
	int i;

	KUNIT_ASSERT_NOT_NULL(test, fence);
	KUNIT_EXPECT_EQ(test, 0, mock_resv_add(buffer->dmabuf->resv, fence,
					       DMA_RESV_USAGE_WRITE));
	for (i = 0; i < 2; i++) {
		/* Pairs with poll_every_round(). */
		smp_store_release(&sleepers[i]->round, round);
	}
	if (round % 2) {
		wait_a_little();
		dma_fence_signal(fence);
	} else {
		mock_fence_signal_after(fence, get_random_u32_below(40000));
	}
	for (i = 0; i < 2; i++)
		await_sleeper(sleepers[i], round);
	mock_fence_end(fence);
}

static void no_wake_up_is_lost(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);
	struct file *file = buffer->dmabuf->file;
	struct sleeper *sleepers[2] = {
		start_sleeper(test, file, EPOLLIN),
		start_sleeper(test, file, EPOLLIN | EPOLLOUT),
	};
	unsigned long begin = jiffies;
	int i;

	for (i = 1; go_on(i, begin); i++) {
		play_round(test, buffer, sleepers, i);
		if (sleepers[0]->lost || sleepers[1]->lost)
			break;
	}
	KUNIT_EXPECT_FALSE(test, sleepers[0]->lost);
	KUNIT_EXPECT_FALSE(test, sleepers[1]->lost);
	kunit_info(test, "%d tries", i);
}

static struct kunit_case poll_race_cases[] = {
	KUNIT_CASE_SLOW(buffers_go_while_another_cpu_signals),
	KUNIT_CASE_SLOW(buffers_go_while_an_interrupt_signals),
	KUNIT_CASE_SLOW(no_wake_up_is_lost),
	{}
};

static struct kunit_suite poll_race_suite = {
	.name = "dma_buf_poll_race",
	.test_cases = poll_race_cases,
};

kunit_test_suite(poll_race_suite);
