// SPDX-License-Identifier: GPL-2.0-only
/* Waiting for a buffer's jobs: when one is woken, and what is left behind. */
#include "../kselftest_harness.h"

#include <sys/epoll.h>
#include <sys/select.h>

#include "bufinfo.h"

#define READ	DMA_BUF_SYNC_READ
#define WRITE	DMA_BUF_SYNC_WRITE
#define JOBS	8

FIXTURE(poll)
{
	int buffer;
	/* Each job has a timeline of its own, so that none replaces another. */
	int timelines[JOBS];
};

FIXTURE_SETUP(poll)
{
	int i;

	if (LACKS(SYSTEM_HEAP, SW_SYNC, BUFINFO))
		SKIP(return, "%s", lack);
	self->buffer = heap_alloc(page_size());
	ASSERT_LE(0, self->buffer);
	for (i = 0; i < JOBS; i++) {
		self->timelines[i] = timeline_create();
		ASSERT_LE(0, self->timelines[i]);
	}
}

FIXTURE_TEARDOWN(poll)
{
	int i;

	for (i = 0; i < JOBS; i++)
		close(self->timelines[i]);
	close(self->buffer);
}

static int sleeper_epoll(struct sleeper *sleeper, int timeout)
{
	struct epoll_event event = {};

	return epoll_wait(sleeper->fd, &event, 1, timeout) == 1 ? (int)event.events : -1;
}

TEST_F(poll, without_jobs_a_buffer_is_ready)
{
	EXPECT_EQ(POLLIN | POLLOUT, ready_now(self->buffer, POLLIN | POLLOUT));
	EXPECT_EQ(POLLIN, ready_now(self->buffer, POLLIN));
	EXPECT_EQ(POLLOUT, ready_now(self->buffer, POLLOUT));
}

TEST_F(poll, other_events_never_happen)
{
	EXPECT_EQ(0, ready_now(self->buffer, 0));
	EXPECT_EQ(0, ready_now(self->buffer, POLLPRI | POLLRDHUP));
	ASSERT_EQ(0, add_job(self->buffer, WRITE, self->timelines[0], 1));
	EXPECT_EQ(0, ready_now(self->buffer, POLLPRI | POLLRDHUP));
}

TEST_F(poll, readable_means_that_all_writers_are_done)
{
	ASSERT_EQ(0, add_job(self->buffer, WRITE, self->timelines[0], 1));
	ASSERT_EQ(0, add_job(self->buffer, WRITE, self->timelines[1], 1));
	ASSERT_EQ(0, add_job(self->buffer, READ, self->timelines[2], 1));
	EXPECT_EQ(0, ready_now(self->buffer, POLLIN | POLLOUT));
	ASSERT_EQ(0, timeline_advance(self->timelines[0], 1));
	EXPECT_EQ(0, ready_now(self->buffer, POLLIN | POLLOUT));
	ASSERT_EQ(0, timeline_advance(self->timelines[1], 1));
	EXPECT_EQ(POLLIN, ready_now(self->buffer, POLLIN | POLLOUT));
}

TEST_F(poll, writable_means_that_everybody_is_done)
{
	ASSERT_EQ(0, add_job(self->buffer, WRITE, self->timelines[0], 1));
	ASSERT_EQ(0, add_job(self->buffer, READ, self->timelines[1], 1));
	ASSERT_EQ(0, timeline_advance(self->timelines[1], 1));
	EXPECT_EQ(0, ready_now(self->buffer, POLLOUT));
	ASSERT_EQ(0, timeline_advance(self->timelines[0], 1));
	EXPECT_EQ(POLLOUT, ready_now(self->buffer, POLLOUT));
}

TEST_F(poll, select_sees_the_same)
{
	struct timeval now = {};
	fd_set readable, writable;

	ASSERT_EQ(0, add_job(self->buffer, READ, self->timelines[0], 1));
	FD_ZERO(&readable);
	FD_ZERO(&writable);
	FD_SET(self->buffer, &readable);
	FD_SET(self->buffer, &writable);
	EXPECT_EQ(1, select(self->buffer + 1, &readable, &writable, NULL, &now));
	EXPECT_TRUE(FD_ISSET(self->buffer, &readable));
	EXPECT_FALSE(FD_ISSET(self->buffer, &writable));
}

TEST_F(poll, a_timeout_ends_the_wait)
{
	struct pollfd request = { .fd = self->buffer, .events = POLLIN };

	ASSERT_EQ(0, add_job(self->buffer, WRITE, self->timelines[0], 1));
	EXPECT_EQ(0, poll(&request, 1, 20));
	ASSERT_EQ(0, timeline_advance(self->timelines[0], 1));
	EXPECT_EQ(1, poll(&request, 1, 0));
}

TEST_F(poll, a_sleeper_wakes_with_the_event_that_happened)
{
	struct sleeper sleeper = {
		.wait = sleeper_poll,
		.fd = self->buffer,
		.events = POLLIN | POLLOUT,
	};

	ASSERT_EQ(0, add_job(self->buffer, WRITE, self->timelines[0], 1));
	ASSERT_EQ(0, add_job(self->buffer, READ, self->timelines[1], 1));
	ASSERT_TRUE(sleeper_start(&sleeper));
	ASSERT_EQ(0, timeline_advance(self->timelines[0], 1));
	EXPECT_EQ(POLLIN, sleeper_join(&sleeper));
}

/* In the order the jobs came, and against it. */
FIXTURE(wakeups)
{
	int buffer;
	int timelines[JOBS];
	int epoll;
};

FIXTURE_VARIANT(wakeups)
{
	bool epoll;
	__u32 events;
	bool backwards;
};

FIXTURE_VARIANT_ADD(wakeups, of_readers_in_poll)
{
	.events = POLLIN,
};

FIXTURE_VARIANT_ADD(wakeups, of_writers_in_poll)
{
	.events = POLLOUT,
};

FIXTURE_VARIANT_ADD(wakeups, of_readers_in_poll_backwards)
{
	.events = POLLIN,
	.backwards = true,
};

FIXTURE_VARIANT_ADD(wakeups, of_readers_in_epoll)
{
	.epoll = true,
	.events = EPOLLIN,
};

FIXTURE_VARIANT_ADD(wakeups, of_readers_in_edge_triggered_epoll)
{
	.epoll = true,
	.events = EPOLLIN | EPOLLET,
	.backwards = true,
};

FIXTURE_SETUP(wakeups)
{
	struct epoll_event event = { .events = variant->events };
	int i;

	if (LACKS(SYSTEM_HEAP, SW_SYNC))
		SKIP(return, "%s", lack);
	self->buffer = heap_alloc(page_size());
	ASSERT_LE(0, self->buffer);
	for (i = 0; i < JOBS; i++) {
		self->timelines[i] = timeline_create();
		ASSERT_LE(0, self->timelines[i]);
		ASSERT_EQ(0, add_job(self->buffer, WRITE, self->timelines[i], 1));
	}
	self->epoll = epoll_create1(EPOLL_CLOEXEC);
	ASSERT_LE(0, self->epoll);
	ASSERT_EQ(0, epoll_ctl(self->epoll, EPOLL_CTL_ADD, self->buffer, &event));
}

FIXTURE_TEARDOWN(wakeups)
{
	int i;

	close(self->epoll);
	for (i = 0; i < JOBS; i++)
		close(self->timelines[i]);
	close(self->buffer);
}

TEST_F(wakeups, there_is_one_and_it_comes_with_the_last_job)
{
	struct sleeper sleeper = {
		.wait = variant->epoll ? sleeper_epoll : sleeper_poll,
		.fd = variant->epoll ? self->epoll : self->buffer,
		.events = variant->events,
	};
	int i;

	ASSERT_TRUE(sleeper_start(&sleeper));
	for (i = 0; i < JOBS; i++) {
		int job = variant->backwards ? JOBS - 1 - i : i;

		EXPECT_TRUE(sleeper_sleeps(&sleeper));
		ASSERT_EQ(0, timeline_advance(self->timelines[job], 1));
	}
	EXPECT_EQ((int)(variant->events & (POLLIN | POLLOUT)), sleeper_join(&sleeper));
	EXPECT_EQ(1, sleeper.sleeps);
}

TEST_F(poll, an_edge_is_delivered_once_and_after_the_last_job)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int epoll = epoll_create1(EPOLL_CLOEXEC), i;

	ASSERT_LE(0, epoll);
	for (i = 0; i < JOBS; i++)
		ASSERT_EQ(0, add_job(self->buffer, WRITE, self->timelines[i], 1));
	ASSERT_EQ(0, epoll_ctl(epoll, EPOLL_CTL_ADD, self->buffer, &event));
	for (i = 0; i < JOBS; i++) {
		EXPECT_EQ(0, epoll_wait(epoll, &event, 1, 0));
		ASSERT_EQ(0, timeline_advance(self->timelines[i], 1));
	}
	EXPECT_EQ(1, epoll_wait(epoll, &event, 1, PATIENCE));
	EXPECT_EQ(0, epoll_wait(epoll, &event, 1, 0));
	close(epoll);
}

TEST_F(poll, looking_at_a_ready_buffer_makes_no_edge)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET };
	int epoll = epoll_create1(EPOLL_CLOEXEC), i;

	ASSERT_LE(0, epoll);
	ASSERT_EQ(0, add_job(self->buffer, WRITE, self->timelines[0], 1));
	ASSERT_EQ(0, timeline_advance(self->timelines[0], 1));
	ASSERT_EQ(0, epoll_ctl(epoll, EPOLL_CTL_ADD, self->buffer, &event));
	EXPECT_EQ(1, epoll_wait(epoll, &event, 1, 0));
	for (i = 0; i < 5; i++) {
		EXPECT_EQ(POLLIN | POLLOUT, ready_now(self->buffer, POLLIN | POLLOUT));
		EXPECT_EQ(0, epoll_wait(epoll, &event, 1, 0));
	}
	close(epoll);
}

TEST_F(poll, an_edge_comes_again_with_the_next_job)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int epoll = epoll_create1(EPOLL_CLOEXEC), i;

	ASSERT_LE(0, epoll);
	ASSERT_EQ(0, epoll_ctl(epoll, EPOLL_CTL_ADD, self->buffer, &event));
	EXPECT_EQ(1, epoll_wait(epoll, &event, 1, 0));
	for (i = 0; i < JOBS; i++) {
		ASSERT_EQ(0, add_job(self->buffer, WRITE, self->timelines[i], 1));
		/* Somebody has to look for the buffer to watch its jobs. */
		EXPECT_EQ(0, ready_now(self->buffer, POLLIN));
		EXPECT_EQ(0, epoll_wait(epoll, &event, 1, 0));
		ASSERT_EQ(0, timeline_advance(self->timelines[i], 1));
		EXPECT_EQ(1, epoll_wait(epoll, &event, 1, PATIENCE));
	}
	close(epoll);
}

TEST_F(poll, a_job_that_comes_during_the_wait_is_waited_for)
{
	struct sleeper sleeper = {
		.wait = sleeper_poll,
		.fd = self->buffer,
		.events = POLLIN,
	};

	ASSERT_EQ(0, add_job(self->buffer, WRITE, self->timelines[0], 1));
	ASSERT_TRUE(sleeper_start(&sleeper));
	ASSERT_EQ(0, add_job(self->buffer, WRITE, self->timelines[1], 1));
	ASSERT_EQ(0, timeline_advance(self->timelines[0], 1));
	EXPECT_TRUE(sleeper_sleeps(&sleeper));
	ASSERT_EQ(0, timeline_advance(self->timelines[1], 1));
	EXPECT_EQ(POLLIN, sleeper_join(&sleeper));
}

TEST_F(poll, all_sleepers_wake)
{
	struct sleeper sleepers[6] = {};
	size_t i;

	ASSERT_EQ(0, add_job(self->buffer, WRITE, self->timelines[0], 1));
	for (i = 0; i < ARRAY_SIZE(sleepers); i++) {
		sleepers[i].wait = sleeper_poll;
		sleepers[i].fd = self->buffer;
		sleepers[i].events = i % 2 ? POLLIN : POLLOUT;
		ASSERT_TRUE(sleeper_start(&sleepers[i]));
	}
	ASSERT_EQ(0, timeline_advance(self->timelines[0], 1));
	for (i = 0; i < ARRAY_SIZE(sleepers); i++)
		EXPECT_EQ(sleepers[i].events, sleeper_join(&sleepers[i]));
}

TEST_F(poll, a_writer_is_still_woken_when_a_reader_was_before)
{
	struct sleeper reader = {
		.wait = sleeper_poll,
		.fd = self->buffer,
		.events = POLLIN,
	};
	struct sleeper writer = {
		.wait = sleeper_poll,
		.fd = self->buffer,
		.events = POLLOUT,
	};

	ASSERT_EQ(0, add_job(self->buffer, WRITE, self->timelines[0], 1));
	ASSERT_EQ(0, add_job(self->buffer, READ, self->timelines[1], 1));
	ASSERT_TRUE(sleeper_start(&reader));
	ASSERT_TRUE(sleeper_start(&writer));
	ASSERT_EQ(0, timeline_advance(self->timelines[0], 1));
	EXPECT_EQ(POLLIN, sleeper_join(&reader));
	EXPECT_TRUE(sleeper_sleeps(&writer));
	ASSERT_EQ(0, timeline_advance(self->timelines[1], 1));
	EXPECT_EQ(POLLOUT, sleeper_join(&writer));
}

TEST_F(poll, a_job_that_never_ends_does_not_keep_a_polled_buffer_alive)
{
	unsigned long long ino = inode_number(self->buffer);

	ASSERT_EQ(0, add_job(self->buffer, WRITE, self->timelines[0], 1));
	EXPECT_EQ(0, ready_now(self->buffer, POLLIN | POLLOUT));
	EXPECT_EQ(1, reference_count(self->buffer));
	close(self->buffer);
	self->buffer = -1;
	EXPECT_TRUE(wait_until_gone(ino));
	/* Nobody is left to be told. */
	EXPECT_EQ(0, timeline_advance(self->timelines[0], 1));
}

TEST_F(poll, closing_a_buffer_takes_it_out_of_epoll)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT };
	unsigned long long ino = inode_number(self->buffer);
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	ASSERT_LE(0, epoll);
	ASSERT_EQ(0, add_job(self->buffer, WRITE, self->timelines[0], 1));
	ASSERT_EQ(0, epoll_ctl(epoll, EPOLL_CTL_ADD, self->buffer, &event));
	EXPECT_EQ(0, epoll_wait(epoll, &event, 1, 0));
	close(self->buffer);
	self->buffer = -1;
	EXPECT_TRUE(wait_until_gone(ino));
	ASSERT_EQ(0, timeline_advance(self->timelines[0], 1));
	EXPECT_EQ(0, epoll_wait(epoll, &event, 1, 20));
	close(epoll);
}

TEST_F(poll, closing_one_fd_of_two_leaves_the_buffer_in_epoll)
{
	struct epoll_event event = { .events = EPOLLIN };
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	int other = dup(self->buffer);

	ASSERT_LE(0, epoll);
	ASSERT_LE(0, other);
	ASSERT_EQ(0, add_job(self->buffer, WRITE, self->timelines[0], 1));
	ASSERT_EQ(0, epoll_ctl(epoll, EPOLL_CTL_ADD, self->buffer, &event));
	close(self->buffer);
	self->buffer = other;
	EXPECT_EQ(0, epoll_wait(epoll, &event, 1, 0));
	ASSERT_EQ(0, timeline_advance(self->timelines[0], 1));
	EXPECT_EQ(1, epoll_wait(epoll, &event, 1, PATIENCE));
	close(epoll);
}

TEST_F(poll, a_sleeper_outlives_the_close_of_its_fd)
{
	struct sleeper sleeper = {
		.wait = sleeper_poll,
		.fd = self->buffer,
		.events = POLLIN,
	};
	unsigned long long ino = inode_number(self->buffer);

	ASSERT_EQ(0, add_job(self->buffer, WRITE, self->timelines[0], 1));
	ASSERT_TRUE(sleeper_start(&sleeper));
	close(self->buffer);
	self->buffer = -1;
	EXPECT_TRUE(sleeper_sleeps(&sleeper));
	ASSERT_EQ(0, timeline_advance(self->timelines[0], 1));
	/* Once awake, it asks for a fd that is no longer there. */
	EXPECT_EQ(POLLNVAL, sleeper_join(&sleeper));
	EXPECT_TRUE(wait_until_gone(ino));
}

TEST_HARNESS_MAIN
