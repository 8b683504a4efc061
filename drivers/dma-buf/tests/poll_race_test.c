// SPDX-License-Identifier: GPL-2.0-only
/*
 * poll() against fences that signal at the same moment, on another CPU, in an
 * interrupt or while the watch moves on: no wake-up is lost, and a buffer that
 * goes takes its watches along.
 *
 * KASAN and the slab's checks are what sees a buffer that is touched after its
 * end.
 */
#include <linux/delay.h>
#include <linux/preempt.h>
#include <linux/random.h>

#include "mock.h"

/* What a rival signals, when it may. */
static void signal_handed(void *data)
{
	struct dma_fence **fence = data;

	dma_fence_signal(*fence);
}

static void wait_a_little(void)
{
	ndelay(get_random_u32_below(20000));
}

static void signal_soon(struct dma_fence *fence)
{
	mock_fence_signal_after(fence, get_random_u32_below(40000));
}

static struct dma_fence *make_fence(struct kunit *test, struct dma_resv *resv)
{
	struct dma_fence *fence = mock_fence_make();

	KUNIT_ASSERT_NOT_NULL(test, fence);
	KUNIT_EXPECT_EQ(test, 0,
			mock_resv_add(resv, fence, DMA_RESV_USAGE_WRITE));
	return fence;
}

/**
 * struct doomed - a buffer that goes while its fence signals
 * @test: whose it is
 * @dmabuf: the buffer; nobody but the test has it
 * @fence: the only one in it, and watched
 * @released: it is gone
 */
struct doomed {
	struct kunit *test;
	struct dma_buf *dmabuf;
	struct dma_fence *fence;
	struct completion released;
};

static void doom(struct kunit *test, struct doomed *doomed)
{
	struct mock_poller poller;

	doomed->test = test;
	init_completion(&doomed->released);
	doomed->dmabuf = mock_export_bare(&doomed->released);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, doomed->dmabuf);
	doomed->fence = make_fence(test, doomed->dmabuf->resv);

	mock_poller_init(&poller);
	MOCK_EXPECT_EVENTS(test, 0,
			   mock_poller_ask(&poller, doomed->dmabuf->file,
					   EPOLLIN | EPOLLOUT));
	mock_poller_stop(&poller);
}

static void release(struct doomed *doomed)
{
	__fput_sync(doomed->dmabuf->file);
	KUNIT_EXPECT_TRUE(doomed->test,
			  try_wait_for_completion(&doomed->released));
}

static void buffers_go_while_another_cpu_signals(struct kunit *test)
{
	struct mock_rounds rounds = mock_rounds(test);
	struct doomed doomed;
	struct mock_rival *rival = mock_rival(test, signal_handed,
					      &doomed.fence);

	while (mock_next_round(&rounds)) {
		struct dma_fence *other = NULL;

		doom(test, &doomed);
		/* With another one the work has to move on, and may be late. */
		if (rounds.count % 2)
			other = make_fence(test, doomed.dmabuf->resv);
		mock_rival_go(rival);
		wait_a_little();
		release(&doomed);
		mock_rival_await(rival);
		mock_fence_end(doomed.fence);
		if (other)
			mock_fence_end(other);
	}
}

static void buffers_go_while_an_interrupt_signals(struct kunit *test)
{
	struct mock_rounds rounds = mock_rounds(test);
	struct doomed doomed;

	while (mock_next_round(&rounds)) {
		doom(test, &doomed);
		signal_soon(doomed.fence);
		wait_a_little();
		release(&doomed);
		mock_fence_end(doomed.fence);
	}
}

/* At once: the work that is to move on to the other fence has hardly ended. */
static void buffers_go_right_after_a_signal(struct kunit *test)
{
	struct mock_rounds rounds = mock_rounds(test);
	struct dma_fence *other;
	struct doomed doomed;
	int pending = 0;

	while (mock_next_round(&rounds)) {
		doom(test, &doomed);
		other = make_fence(test, doomed.dmabuf->resv);
		dma_fence_signal(doomed.fence);
		pending += work_pending(&doomed.dmabuf->poll_work);
		release(&doomed);
		KUNIT_EXPECT_EQ(test, mock_references(doomed.fence), 1);
		KUNIT_EXPECT_EQ(test, mock_references(other), 1);
		mock_fence_end(doomed.fence);
		mock_fence_end(other);
	}
	kunit_info(test, "the work was pending in %d", pending);
}

/**
 * struct sleeper - a thread that polls once a round
 * @file: the buffer's
 * @events: what it polls for
 * @lost: it wasn't woken in time
 * @rival: the thread
 */
struct sleeper {
	struct file *file;
	__poll_t events;
	bool lost;
	struct mock_rival *rival;
};

static void poll_once(void *data)
{
	struct sleeper *sleeper = data;
	struct mock_poller poller;

	mock_poller_init(&poller);
	if (!mock_poller_ask(&poller, sleeper->file, sleeper->events) &&
	    !mock_poller_await(&poller, 1))
		sleeper->lost = true;
	mock_poller_stop(&poller);
}

static struct sleeper *start_sleeper(struct kunit *test, struct file *file,
				     __poll_t events)
{
	struct sleeper *sleeper;

	sleeper = kunit_kzalloc(test, sizeof(*sleeper), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, sleeper);
	sleeper->file = file;
	sleeper->events = events;
	sleeper->rival = mock_rival(test, poll_once, sleeper);
	return sleeper;
}

/* One fence, two sleepers who come before, while or after it signals. */
static void play_round(struct kunit *test, struct mock_buffer *buffer,
		       struct sleeper *sleepers[2], int round)
{
	struct dma_fence *fence = make_fence(test, buffer->dmabuf->resv);
	int i;

	for (i = 0; i < 2; i++)
		mock_rival_go(sleepers[i]->rival);
	if (round % 2) {
		wait_a_little();
		dma_fence_signal(fence);
	} else {
		signal_soon(fence);
	}
	for (i = 0; i < 2; i++)
		mock_rival_await(sleepers[i]->rival);
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
	struct mock_rounds rounds = mock_rounds(test);

	while (mock_next_round(&rounds)) {
		play_round(test, buffer, sleepers, rounds.count);
		if (sleepers[0]->lost || sleepers[1]->lost)
			break;
	}
	KUNIT_EXPECT_FALSE(test, sleepers[0]->lost);
	KUNIT_EXPECT_FALSE(test, sleepers[1]->lost);
}

/**
 * struct relay - a poller in whose way two fences are
 * @buffer: what it polls, for reading
 * @poller: the poller
 * @first: the fence that the watch sits on
 * @second: the one that it has to move on to
 */
struct relay {
	struct mock_buffer *buffer;
	struct mock_poller *poller;
	struct dma_fence *first;
	struct dma_fence *second;
};

static struct relay start_relay(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);
	struct relay relay = {
		.buffer = buffer,
		.poller = mock_poller(test),
		.first = mock_fence_add(buffer, DMA_RESV_USAGE_WRITE),
		.second = mock_fence_add(buffer, DMA_RESV_USAGE_WRITE),
	};

	MOCK_EXPECT_EVENTS(test, 0, mock_poll(relay.poller, buffer, EPOLLIN));
	/* It is free to choose, but one is enough. */
	KUNIT_EXPECT_NE(test, mock_fence_watched(relay.first),
			mock_fence_watched(relay.second));
	if (mock_fence_watched(relay.second))
		swap(relay.first, relay.second);
	return relay;
}

static void a_watch_stays_on_duty_until_the_last_signal(struct kunit *test)
{
	struct relay relay = start_relay(test);
	struct dma_buf *dmabuf = relay.buffer->dmabuf;

	dma_fence_signal(relay.first);
	mock_watches_settle(relay.buffer);
	KUNIT_EXPECT_EQ(test, atomic_read(&relay.poller->wakes), 0);
	KUNIT_EXPECT_NE(test, dmabuf->poll_active, 0);
	KUNIT_EXPECT_TRUE(test, mock_fence_watched(relay.second));

	dma_fence_signal(relay.second);
	KUNIT_EXPECT_TRUE(test, mock_poller_await(relay.poller, 1));
	mock_watches_settle(relay.buffer);
	KUNIT_EXPECT_EQ(test, atomic_read(&relay.poller->wakes), 1);
	KUNIT_EXPECT_EQ(test, dmabuf->poll_active, 0);
}

static void a_signal_before_the_watch_moves_on_is_not_lost(struct kunit *test)
{
	struct relay relay = start_relay(test);
	bool pending;

	/* The work is this CPU's: it has to wait. */
	preempt_disable();
	dma_fence_signal(relay.first);
	pending = work_pending(&relay.buffer->dmabuf->poll_work);
	dma_fence_signal(relay.second);
	preempt_enable();

	KUNIT_EXPECT_TRUE(test, pending);
	KUNIT_EXPECT_TRUE(test, mock_poller_await(relay.poller, 1));
	MOCK_EXPECT_EVENTS(test, EPOLLIN,
			   mock_poll(relay.poller, relay.buffer, EPOLLIN));
}

/* What looks pending may be over when the watch gets there. */
static void a_signal_as_the_watch_arrives_is_not_lost(struct kunit *test)
{
	struct relay relay = start_relay(test);

	mock_fence_end_at_hook(relay.second);
	dma_fence_signal(relay.first);
	KUNIT_EXPECT_TRUE(test, mock_poller_await(relay.poller, 1));
	mock_watches_settle(relay.buffer);
	KUNIT_EXPECT_EQ(test, relay.buffer->dmabuf->poll_active, 0);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(relay.second));
}

static void what_is_over_when_a_watch_begins_is_ready(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);
	struct mock_poller *poller = mock_poller(test);

	mock_fence_end_at_hook(mock_fence_add(buffer, DMA_RESV_USAGE_WRITE));
	MOCK_EXPECT_EVENTS(test, EPOLLIN, mock_poll(poller, buffer, EPOLLIN));
	KUNIT_EXPECT_EQ(test, buffer->dmabuf->poll_active, 0);
}

/* The work is busy with one watch when the other's fence signals. */
static void a_signal_while_the_other_watch_moves_on_is_not_lost(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);
	struct mock_poller *writer = mock_poller(test);
	struct dma_fence *read, *writes[2];

	read = mock_fence_add(buffer, DMA_RESV_USAGE_READ);
	MOCK_EXPECT_EVENTS(test, 0, mock_poll(writer, buffer, EPOLLOUT));
	writes[0] = mock_fence_add(buffer, DMA_RESV_USAGE_WRITE);
	writes[1] = mock_fence_add(buffer, DMA_RESV_USAGE_WRITE);
	MOCK_EXPECT_EVENTS(test, 0,
			   mock_poll(mock_poller(test), buffer, EPOLLIN));
	if (mock_fence_watched(writes[1]))
		swap(writes[0], writes[1]);

	mock_fence_signal_at_look(read, writes[1]);
	dma_fence_signal(writes[0]);
	mock_watches_settle(buffer);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(read));
	KUNIT_EXPECT_EQ(test, atomic_read(&writer->wakes), 0);

	dma_fence_signal(writes[1]);
	/* Each of the two watches wakes all who sleep. */
	KUNIT_EXPECT_TRUE(test, mock_poller_await(writer, 2));
	MOCK_EXPECT_EVENTS(test, EPOLLOUT, mock_poll(writer, buffer, EPOLLOUT));
}

/* One signal sets both watches in motion, another comes in between. */
static bool both_watches_arrive(struct kunit *test, struct dma_buf *dmabuf)
{
	struct dma_fence *first = make_fence(test, dmabuf->resv);
	struct dma_fence *second = make_fence(test, dmabuf->resv);
	struct mock_poller poller;
	bool arrived;

	mock_poller_init(&poller);
	MOCK_EXPECT_EVENTS(test, 0, mock_poller_ask(&poller, dmabuf->file,
						    EPOLLIN | EPOLLOUT));
	signal_soon(second);
	wait_a_little();
	dma_fence_signal(first);
	arrived = mock_poller_await(&poller, 2);
	mock_poller_stop(&poller);
	mock_fence_end(first);
	mock_fence_end(second);
	return arrived;
}

static void a_signal_while_the_watch_moves_on_is_not_lost(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);
	struct mock_rounds rounds = mock_rounds(test);
	bool arrived = true;

	while (arrived && mock_next_round(&rounds))
		arrived = both_watches_arrive(test, buffer->dmabuf);
	KUNIT_EXPECT_TRUE(test, arrived);
}

/**
 * struct fleeting_fence - a fence that all let go of while it signals
 * @base: first, so that it can be freed as a fence
 * @lock: of @base
 * @resv: where it is
 * @let_go: called before the watch
 * @signalling: whether it is in dma_fence_signal()
 * @releases: counts its release
 */
struct fleeting_fence {
	struct dma_fence base;
	spinlock_t lock; /* protects @base */
	struct dma_resv *resv;
	struct dma_fence_cb let_go;
	bool signalling;
	int *releases;
};

static const char *fleeting_name(struct dma_fence *fence)
{
	return "fleeting";
}

/* A driver may have to wait here until whatever signals is done with that. */
static void fleeting_release(struct dma_fence *base)
{
	struct fleeting_fence *fence =
		container_of(base, struct fleeting_fence, base);

	WARN_ON_ONCE(fence->signalling);
	(*fence->releases)++;
	dma_fence_free(base);
}

static const struct dma_fence_ops fleeting_ops = {
	.get_driver_name = fleeting_name,
	.get_timeline_name = fleeting_name,
	.release = fleeting_release,
};

static void let_go(struct dma_fence *base, struct dma_fence_cb *cb)
{
	struct fleeting_fence *fence =
		container_of(base, struct fleeting_fence, base);
	struct dma_fence *stub = dma_fence_get_stub();

	dma_resv_replace_fences(fence->resv, base->context, stub,
				DMA_RESV_USAGE_WRITE);
	dma_fence_put(stub);
	dma_fence_put(base);
}

static struct fleeting_fence *make_fleeting(struct kunit *test,
					    struct dma_resv *resv, int *releases)
{
	struct fleeting_fence *fence = kzalloc(sizeof(*fence), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, fence);
	spin_lock_init(&fence->lock);
	dma_fence_init(&fence->base, &fleeting_ops, &fence->lock,
		       dma_fence_context_alloc(1), 1);
	fence->resv = resv;
	fence->releases = releases;
	dma_fence_add_callback(&fence->base, &fence->let_go, let_go);
	KUNIT_ASSERT_EQ(test, 0,
			mock_resv_add(resv, &fence->base, DMA_RESV_USAGE_WRITE));
	return fence;
}

static void a_watch_lets_no_fence_go_while_that_signals(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);
	struct dma_resv *resv = buffer->dmabuf->resv;
	struct mock_poller *poller = mock_poller(test);
	struct fleeting_fence *fence;
	int releases = 0;

	fence = make_fleeting(test, resv, &releases);
	MOCK_EXPECT_EVENTS(test, 0, mock_poll(poller, buffer, EPOLLIN));

	dma_resv_lock(resv, NULL);
	fence->signalling = true;
	dma_fence_signal(&fence->base);
	KUNIT_EXPECT_EQ(test, releases, 0);
	if (!releases)
		fence->signalling = false;
	dma_resv_unlock(resv);
	KUNIT_EXPECT_TRUE(test, mock_poller_await(poller, 1));
	MOCK_EXPECT_EVENTS(test, EPOLLIN, mock_poll(poller, buffer, EPOLLIN));

	/* The watch needs its place for another one. */
	mock_fence_add(buffer, DMA_RESV_USAGE_WRITE);
	MOCK_EXPECT_EVENTS(test, 0, mock_poll(poller, buffer, EPOLLIN));
	KUNIT_EXPECT_EQ(test, releases, 1);
}

/* A callback looks at a few fences only; the work sees the rest. */
static void a_watch_ends_among_many_that_have_signalled(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);
	struct mock_poller *poller = mock_poller(test);
	struct dma_fence *fences[100];
	int i;

	for (i = 0; i < ARRAY_SIZE(fences); i++)
		fences[i] = mock_fence_add(buffer, DMA_RESV_USAGE_WRITE);
	while (--i)
		dma_fence_signal(fences[i]);
	MOCK_EXPECT_EVENTS(test, 0, mock_poll(poller, buffer, EPOLLIN));
	dma_fence_signal(fences[0]);
	KUNIT_EXPECT_TRUE(test, mock_poller_await(poller, 1));
	MOCK_EXPECT_EVENTS(test, EPOLLIN, mock_poll(poller, buffer, EPOLLIN));
}

static struct kunit_case poll_race_cases[] = {
	KUNIT_CASE_SLOW(buffers_go_while_another_cpu_signals),
	KUNIT_CASE_SLOW(buffers_go_while_an_interrupt_signals),
	KUNIT_CASE_SLOW(buffers_go_right_after_a_signal),
	KUNIT_CASE_SLOW(no_wake_up_is_lost),
	KUNIT_CASE(a_watch_stays_on_duty_until_the_last_signal),
	KUNIT_CASE(a_signal_before_the_watch_moves_on_is_not_lost),
	KUNIT_CASE(a_signal_as_the_watch_arrives_is_not_lost),
	KUNIT_CASE(what_is_over_when_a_watch_begins_is_ready),
	KUNIT_CASE(a_signal_while_the_other_watch_moves_on_is_not_lost),
	KUNIT_CASE_SLOW(a_signal_while_the_watch_moves_on_is_not_lost),
	KUNIT_CASE(a_watch_lets_no_fence_go_while_that_signals),
	KUNIT_CASE(a_watch_ends_among_many_that_have_signalled),
	{}
};

static struct kunit_suite poll_race_suite = {
	.name = "dma_buf_poll_race",
	.test_cases = poll_race_cases,
};

kunit_test_suite(poll_race_suite);
