// SPDX-License-Identifier: GPL-2.0-only
/*
 * poll() on a buffer: what is ready at once, who is woken, when, and how often,
 * and that a buffer can go while its fences are being watched.
 */
#include "mock.h"

static void without_fences_both_are_ready(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);
	struct mock_poller *poller = mock_poller(test);

	MOCK_EXPECT_EVENTS(test, EPOLLIN | EPOLLOUT,
			   mock_poll(poller, buffer, EPOLLIN | EPOLLOUT));
}

static void only_what_was_asked_for_is_ready(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);
	struct mock_poller *poller = mock_poller(test);

	MOCK_EXPECT_EVENTS(test, EPOLLIN, mock_poll(poller, buffer, EPOLLIN));
	MOCK_EXPECT_EVENTS(test, EPOLLOUT, mock_poll(poller, buffer, EPOLLOUT));
	MOCK_EXPECT_EVENTS(test, 0, mock_poll(poller, buffer, EPOLLPRI));
}

/**
 * struct ready_rule - what an unsignalled fence holds up
 * @name: its usage
 * @usage: likewise
 * @ready: the events that it doesn't hold up
 */
struct ready_rule {
	const char *name;
	enum dma_resv_usage usage;
	__poll_t ready;
};

static const struct ready_rule ready_rules[] = {
	{ "kernel fence", DMA_RESV_USAGE_KERNEL, 0 },
	{ "write fence", DMA_RESV_USAGE_WRITE, 0 },
	{ "read fence", DMA_RESV_USAGE_READ, EPOLLIN },
	{ "bookkeep fence", DMA_RESV_USAGE_BOOKKEEP, EPOLLIN | EPOLLOUT },
};

KUNIT_ARRAY_PARAM_DESC(ready_rule, ready_rules, name);

static void a_fence_holds_up_who_conflicts(struct kunit *test)
{
	const struct ready_rule *rule = test->param_value;
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);
	struct mock_poller *poller = mock_poller(test);
	struct dma_fence *fence = mock_fence_add(buffer, rule->usage);

	MOCK_EXPECT_EVENTS(test, rule->ready,
			   mock_poll(poller, buffer, EPOLLIN | EPOLLOUT));
	dma_fence_signal(fence);
	MOCK_EXPECT_EVENTS(test, EPOLLIN | EPOLLOUT,
			   mock_poll(poller, buffer, EPOLLIN | EPOLLOUT));
}

static void a_signal_wakes(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);
	struct mock_poller *poller = mock_poller(test);
	struct dma_fence *fence = mock_fence_add(buffer, DMA_RESV_USAGE_WRITE);

	MOCK_EXPECT_EVENTS(test, 0, mock_poll(poller, buffer, EPOLLIN));
	KUNIT_EXPECT_EQ(test, atomic_read(&poller->wakes), 0);
	dma_fence_signal(fence);
	KUNIT_EXPECT_TRUE(test, mock_poller_await(poller, 1));
	MOCK_EXPECT_EVENTS(test, EPOLLIN, poller->woken_for);
	MOCK_EXPECT_EVENTS(test, EPOLLIN, mock_poll(poller, buffer, EPOLLIN));
}

static void a_signal_from_an_interrupt_wakes(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);
	struct mock_poller *poller = mock_poller(test);
	struct dma_fence *fence = mock_fence_add(buffer, DMA_RESV_USAGE_READ);

	MOCK_EXPECT_EVENTS(test, 0, mock_poll(poller, buffer, EPOLLOUT));
	mock_fence_signal_after(fence, ms_to_ktime(20));
	KUNIT_EXPECT_TRUE(test, mock_poller_await(poller, 1));
	MOCK_EXPECT_EVENTS(test, EPOLLOUT, poller->woken_for);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(fence));
	MOCK_EXPECT_EVENTS(test, EPOLLOUT, mock_poll(poller, buffer, EPOLLOUT));
}

static void each_event_wakes_when_it_is_there(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);
	struct mock_poller *poller = mock_poller(test);
	struct dma_fence *read = mock_fence_add(buffer, DMA_RESV_USAGE_READ);
	struct dma_fence *write = mock_fence_add(buffer, DMA_RESV_USAGE_WRITE);
	__poll_t both = EPOLLIN | EPOLLOUT;

	MOCK_EXPECT_EVENTS(test, 0, mock_poll(poller, buffer, both));
	dma_fence_signal(write);
	KUNIT_EXPECT_TRUE(test, mock_poller_await(poller, 1));
	mock_watches_settle(buffer);
	KUNIT_EXPECT_EQ(test, atomic_read(&poller->wakes), 1);
	MOCK_EXPECT_EVENTS(test, EPOLLIN, poller->woken_for);

	MOCK_EXPECT_EVENTS(test, EPOLLIN, mock_poll(poller, buffer, both));
	dma_fence_signal(read);
	KUNIT_EXPECT_TRUE(test, mock_poller_await(poller, 2));
	MOCK_EXPECT_EVENTS(test, EPOLLOUT, poller->woken_for);
	MOCK_EXPECT_EVENTS(test, both, mock_poll(poller, buffer, both));
}

static void a_fence_that_never_signals_wakes_nobody(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);
	struct mock_poller *poller = mock_poller(test);
	struct dma_fence *fence = mock_fence_add(buffer, DMA_RESV_USAGE_WRITE);

	MOCK_EXPECT_EVENTS(test, 0, mock_poll(poller, buffer, EPOLLIN));
	mock_watches_settle(buffer);
	MOCK_EXPECT_EVENTS(test, 0, mock_poll(poller, buffer, EPOLLIN));
	KUNIT_EXPECT_EQ(test, atomic_read(&poller->wakes), 0);
	KUNIT_EXPECT_TRUE(test, mock_fence_watched(fence));
}

#define MANY 32

/* Signals all but one of many fences, one by one, and then that one. */
static void expect_one_wake(struct kunit *test, int first, int step)
{
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);
	struct mock_poller *poller = mock_poller(test);
	struct dma_fence *fences[MANY];
	int i;

	for (i = 0; i < MANY; i++)
		fences[i] = mock_fence_add(buffer, DMA_RESV_USAGE_READ);
	MOCK_EXPECT_EVENTS(test, 0, mock_poll(poller, buffer, EPOLLOUT));

	for (i = 0; i < MANY - 1; i++) {
		dma_fence_signal(fences[(first + i * step) % MANY]);
		mock_watches_settle(buffer);
	}
	KUNIT_EXPECT_EQ(test, atomic_read(&poller->wakes), 0);

	dma_fence_signal(fences[(first + i * step) % MANY]);
	KUNIT_EXPECT_TRUE(test, mock_poller_await(poller, 1));
	mock_watches_settle(buffer);
	KUNIT_EXPECT_EQ(test, atomic_read(&poller->wakes), 1);
	MOCK_EXPECT_EVENTS(test, EPOLLOUT, mock_poll(poller, buffer, EPOLLOUT));
}

static void the_last_of_many_fences_wakes_once(struct kunit *test)
{
	expect_one_wake(test, 0, 1);
}

static void many_fences_may_signal_in_any_order(struct kunit *test)
{
	expect_one_wake(test, MANY - 1, MANY - 1);
	expect_one_wake(test, 5, 7);
}

static void a_late_fence_is_waited_for_too(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);
	struct mock_poller *poller = mock_poller(test);
	struct dma_fence *early = mock_fence_add(buffer, DMA_RESV_USAGE_WRITE);
	struct dma_fence *late;

	MOCK_EXPECT_EVENTS(test, 0, mock_poll(poller, buffer, EPOLLIN));
	late = mock_fence_add(buffer, DMA_RESV_USAGE_WRITE);
	dma_fence_signal(early);
	mock_watches_settle(buffer);
	KUNIT_EXPECT_EQ(test, atomic_read(&poller->wakes), 0);
	dma_fence_signal(late);
	KUNIT_EXPECT_TRUE(test, mock_poller_await(poller, 1));
}

static void a_later_poll_waits_for_later_fences(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);
	struct mock_poller *poller = mock_poller(test);
	struct dma_fence *fence;
	int i;

	for (i = 1; i <= 5; i++) {
		fence = mock_fence_add(buffer, DMA_RESV_USAGE_WRITE);
		MOCK_EXPECT_EVENTS(test, 0, mock_poll(poller, buffer, EPOLLIN));
		dma_fence_signal(fence);
		KUNIT_EXPECT_TRUE(test, mock_poller_await(poller, i));
	}
}

static void every_sleeper_is_woken(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);
	struct mock_poller *early = mock_poller(test);
	struct mock_poller *late = mock_poller(test);
	struct dma_fence *fence = mock_fence_add(buffer, DMA_RESV_USAGE_WRITE);

	MOCK_EXPECT_EVENTS(test, 0, mock_poll(early, buffer, EPOLLIN));
	MOCK_EXPECT_EVENTS(test, 0, mock_poll(late, buffer, EPOLLIN));
	dma_fence_signal(fence);
	KUNIT_EXPECT_TRUE(test, mock_poller_await(early, 1));
	KUNIT_EXPECT_TRUE(test, mock_poller_await(late, 1));
}

/* Woken sleepers look again: a look that wakes would never end. */
static void looking_at_what_is_ready_wakes_nobody(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);
	struct mock_poller *poller = mock_poller(test);
	__poll_t both = EPOLLIN | EPOLLOUT;

	dma_fence_signal(mock_fence_add(buffer, DMA_RESV_USAGE_WRITE));
	MOCK_EXPECT_EVENTS(test, both, mock_poll(poller, buffer, both));
	MOCK_EXPECT_EVENTS(test, both, mock_poll(poller, buffer, both));
	mock_watches_settle(buffer);
	KUNIT_EXPECT_EQ(test, atomic_read(&poller->wakes), 0);
}

static void a_held_lock_holds_up_nobody(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);
	struct mock_poller *poller = mock_poller(test);
	struct dma_fence *fence = mock_fence_add(buffer, DMA_RESV_USAGE_WRITE);
	__poll_t ready;
	bool woken;

	dma_resv_lock(buffer->dmabuf->resv, NULL);
	ready = mock_poll(poller, buffer, EPOLLIN);
	dma_fence_signal(fence);
	woken = mock_poller_await(poller, 1);
	dma_resv_unlock(buffer->dmabuf->resv);
	MOCK_EXPECT_EVENTS(test, 0, ready);
	KUNIT_EXPECT_TRUE(test, woken);
}

static void a_failed_job_wakes_as_well(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);
	struct mock_poller *poller = mock_poller(test);
	struct dma_fence *fence = mock_fence_add(buffer, DMA_RESV_USAGE_WRITE);

	MOCK_EXPECT_EVENTS(test, 0, mock_poll(poller, buffer, EPOLLIN));
	dma_fence_set_error(fence, -EIO);
	dma_fence_signal(fence);
	KUNIT_EXPECT_TRUE(test, mock_poller_await(poller, 1));
	MOCK_EXPECT_EVENTS(test, EPOLLIN, mock_poll(poller, buffer, EPOLLIN));
}

static void a_buffer_goes_though_its_fence_never_signals(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);
	struct mock_poller *poller = mock_poller(test);
	struct dma_fence *fence = mock_fence_add(buffer, DMA_RESV_USAGE_WRITE);

	MOCK_EXPECT_EVENTS(test, 0,
			   mock_poll(poller, buffer, EPOLLIN | EPOLLOUT));
	KUNIT_EXPECT_TRUE(test, mock_fence_watched(fence));
	mock_poller_leave(poller);
	mock_put_at_once(buffer);
	MOCK_EXPECT_LOG(buffer, "release");
	KUNIT_EXPECT_FALSE(test, mock_fence_watched(fence));
	/* What watched it gave its reference back, too. */
	KUNIT_EXPECT_EQ(test, mock_references(fence), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&poller->wakes), 0);
}

static void a_buffer_goes_after_its_watch_has_ended(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);
	struct mock_poller *poller = mock_poller(test);
	struct dma_fence *fence = mock_fence_add(buffer, DMA_RESV_USAGE_WRITE);

	MOCK_EXPECT_EVENTS(test, 0, mock_poll(poller, buffer, EPOLLIN));
	mock_poller_leave(poller);
	dma_fence_signal(fence);
	mock_put_at_once(buffer);
	MOCK_EXPECT_LOG(buffer, "release");
	KUNIT_EXPECT_EQ(test, mock_references(fence), 1);
}

static struct kunit_case poll_cases[] = {
	KUNIT_CASE(without_fences_both_are_ready),
	KUNIT_CASE(only_what_was_asked_for_is_ready),
	KUNIT_CASE_PARAM(a_fence_holds_up_who_conflicts, ready_rule_gen_params),
	KUNIT_CASE(a_signal_wakes),
	KUNIT_CASE(a_signal_from_an_interrupt_wakes),
	KUNIT_CASE(each_event_wakes_when_it_is_there),
	KUNIT_CASE(a_fence_that_never_signals_wakes_nobody),
	KUNIT_CASE(the_last_of_many_fences_wakes_once),
	KUNIT_CASE(many_fences_may_signal_in_any_order),
	KUNIT_CASE(a_late_fence_is_waited_for_too),
	KUNIT_CASE(a_later_poll_waits_for_later_fences),
	KUNIT_CASE(every_sleeper_is_woken),
	KUNIT_CASE(looking_at_what_is_ready_wakes_nobody),
	KUNIT_CASE(a_held_lock_holds_up_nobody),
	KUNIT_CASE(a_failed_job_wakes_as_well),
	KUNIT_CASE(a_buffer_goes_though_its_fence_never_signals),
	KUNIT_CASE(a_buffer_goes_after_its_watch_has_ended),
	{}
};

static struct kunit_suite poll_suite = {
	.name = "dma_buf_poll",
	.test_cases = poll_cases,
};

kunit_test_suite(poll_suite);
