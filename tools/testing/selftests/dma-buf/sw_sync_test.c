// SPDX-License-Identifier: GPL-2.0-only
/* Timelines that a program drives, and their place in debugfs. */
#include "../kselftest_harness.h"

#include <limits.h>

#include "fence_helpers.h"
#include "workers.h"

FIXTURE(sw_sync)
{
	int timeline;
};

FIXTURE_SETUP(sw_sync)
{
	if (LACKS(SW_SYNC, SYNC_INFO))
		SKIP(return, "%s", lack);
	self->timeline = timeline_create();
	ASSERT_LE(0, self->timeline);
}

FIXTURE_TEARDOWN(sw_sync)
{
	close(self->timeline);
}

/* Has a new fence at @value signalled at once? */
static int is_behind(int timeline, __u32 value)
{
	int fence = fence_create(timeline, value);
	int status;

	if (fence < 0)
		return fence;
	status = read_status(fence);
	close(fence);
	return status;
}

TEST_F(sw_sync, a_timeline_starts_at_0)
{
	EXPECT_EQ(1, is_behind(self->timeline, 0));
	EXPECT_EQ(0, is_behind(self->timeline, 1));
}

TEST_F(sw_sync, a_fence_signals_when_its_point_is_reached)
{
	int fence = fence_create(self->timeline, 5);

	ASSERT_LE(0, fence);
	ASSERT_EQ(0, timeline_advance(self->timeline, 4));
	EXPECT_FALSE(has_signalled(fence));
	ASSERT_EQ(0, timeline_advance(self->timeline, 0));
	EXPECT_FALSE(has_signalled(fence));
	ASSERT_EQ(0, timeline_advance(self->timeline, 1));
	EXPECT_TRUE(has_signalled(fence));
	close(fence);
}

TEST_F(sw_sync, timelines_know_nothing_of_each_other)
{
	int other = timeline_create();
	int fence = fence_create(self->timeline, 1);

	ASSERT_LE(0, other);
	ASSERT_EQ(0, timeline_advance(other, 10));
	EXPECT_FALSE(has_signalled(fence));
	close(fence);
	close(other);
}

#define POINTS	100

/* Made in no order, with pairs at a point, they signal in that of the points. */
TEST_F(sw_sync, only_what_is_reached_signals)
{
	struct sync_fence_info fence;
	struct sync_file_info info;
	int fences[POINTS], i, value;
	__u64 last = 0;

	for (i = 0; i < POINTS; i++) {
		fences[i * 37 % POINTS] =
			fence_create(self->timeline, i * 37 % POINTS / 2 + 1);
		ASSERT_LE(0, fences[i * 37 % POINTS]);
	}
	for (value = 0; value <= POINTS / 2; value += 10) {
		for (i = 0; i < POINTS; i++)
			EXPECT_EQ(i / 2 + 1 <= value, has_signalled(fences[i]));
		ASSERT_EQ(0, timeline_advance(self->timeline, 10));
	}
	for (i = 0; i < POINTS; i++) {
		ASSERT_EQ(0, read_info(fences[i], &info, &fence, 1));
		if (i % 2 == 0) {
			EXPECT_LE(last, fence.timestamp_ns);
			last = fence.timestamp_ns;
		}
		close(fences[i]);
	}
}

TEST_F(sw_sync, points_wrap_around)
{
	int fence;

	ASSERT_EQ(0, timeline_advance(self->timeline, UINT_MAX));
	EXPECT_EQ(1, is_behind(self->timeline, UINT_MAX));
	fence = fence_create(self->timeline, 1);
	ASSERT_LE(0, fence);
	ASSERT_EQ(0, timeline_advance(self->timeline, 1));
	EXPECT_FALSE(has_signalled(fence));
	ASSERT_EQ(0, timeline_advance(self->timeline, 1));
	EXPECT_TRUE(has_signalled(fence));
	close(fence);
}

TEST_F(sw_sync, half_of_all_points_are_ahead)
{
	EXPECT_EQ(0, is_behind(self->timeline, INT_MAX));
	EXPECT_EQ(1, is_behind(self->timeline, INT_MAX + 1U));
	EXPECT_EQ(1, is_behind(self->timeline, UINT_MAX));
	ASSERT_EQ(0, timeline_advance(self->timeline, 1));
	EXPECT_EQ(0, is_behind(self->timeline, INT_MAX + 1U));
}

TEST_F(sw_sync, no_step_is_so_long_that_it_misses_a_fence)
{
	static const __u32 steps[] = {
		INT_MAX, INT_MAX + 1U, INT_MAX + 2U, UINT_MAX - 1, UINT_MAX,
	};
	__u32 value = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		int first = fence_create(self->timeline, value + 1);
		int last = fence_create(self->timeline, value + INT_MAX);

		ASSERT_LE(0, first);
		ASSERT_LE(0, last);
		EXPECT_FALSE(has_signalled(first));
		EXPECT_FALSE(has_signalled(last));
		ASSERT_EQ(0, timeline_advance(self->timeline, steps[i]));
		value += steps[i];
		EXPECT_TRUE(has_signalled(first));
		EXPECT_TRUE(has_signalled(last));
		EXPECT_EQ(1, is_behind(self->timeline, value));
		EXPECT_EQ(0, is_behind(self->timeline, value + 1));
		close(first);
		close(last);
	}
}

TEST_F(sw_sync, a_closed_timeline_fails_what_was_pending)
{
	int timeline = timeline_create();
	int reached = fence_create(timeline, 1);
	int pending = fence_create(timeline, 2);
	int never = fence_create(timeline, INT_MAX);

	ASSERT_LE(0, never);
	ASSERT_EQ(0, timeline_advance(timeline, 1));
	close(timeline);
	EXPECT_EQ(1, read_status(reached));
	EXPECT_EQ(-ENOENT, read_status(pending));
	EXPECT_EQ(-ENOENT, read_status(never));
	EXPECT_TRUE(has_signalled(pending));
	close(reached);
	close(pending);
	close(never);
}

TEST_F(sw_sync, a_closed_fence_leaves_the_others_alone)
{
	int first = fence_create(self->timeline, 1);
	int second = fence_create(self->timeline, 2);
	int third = fence_create(self->timeline, 2);

	ASSERT_LE(0, third);
	close(first);
	close(third);
	ASSERT_EQ(0, timeline_advance(self->timeline, 1));
	EXPECT_FALSE(has_signalled(second));
	ASSERT_EQ(0, timeline_advance(self->timeline, 1));
	EXPECT_TRUE(has_signalled(second));
	close(second);
}

TEST_F(sw_sync, a_fence_fd_is_closed_on_exec)
{
	int fence = fence_create(self->timeline, 1);

	ASSERT_LE(0, fence);
	EXPECT_EQ(FD_CLOEXEC, fcntl(fence, F_GETFD));
	close(fence);
}

TEST_F(sw_sync, a_name_needs_no_end)
{
	struct sw_sync_create_fence request = { .value = 1 };

	memset(request.name, 'x', sizeof(request.name));
	ASSERT_EQ(0, call_ioctl(self->timeline, SW_SYNC_IOC_CREATE_FENCE, &request));
	EXPECT_EQ(0, read_status(request.fence));
	close(request.fence);
}

TEST_F(sw_sync, a_fence_that_cannot_be_told_of_leaves_nothing)
{
	struct sw_sync_create_fence request = { .value = 1 };
	char *page = page_before_a_hole(PROT_READ | PROT_WRITE);
	long files = count_kernel_files();
	int fds = count_open_fds(), i;

	ASSERT_NE(NULL, page);
	memcpy(page, &request, sizeof(request));
	ASSERT_EQ(0, mprotect(page, page_size(), PROT_READ));
	for (i = 0; i < LEAK_ROUNDS; i++)
		ASSERT_EQ(-EFAULT, call_ioctl(self->timeline, SW_SYNC_IOC_CREATE_FENCE, page));
	EXPECT_EQ(fds, count_open_fds());
	EXPECT_GT(files + LEAK_SLACK, count_kernel_files());
	EXPECT_EQ(-EFAULT, call_ioctl(self->timeline, SW_SYNC_IOC_CREATE_FENCE, NULL));
	ASSERT_EQ(0, timeline_advance(self->timeline, 1));
	munmap(page, page_size());
}

TEST_F(sw_sync, an_advance_needs_memory_that_is_there)
{
	EXPECT_EQ(-EFAULT, call_ioctl(self->timeline, SW_SYNC_IOC_INC, NULL));
	EXPECT_EQ(0, is_behind(self->timeline, 1));
}

TEST_F(sw_sync, other_ioctls_are_unknown)
{
	EXPECT_EQ(-ENOTTY, call_ioctl(self->timeline, _IO('W', 0), NULL));
	EXPECT_EQ(-ENOTTY, call_ioctl(self->timeline, _IO('W', 3), NULL));
	EXPECT_EQ(-ENOTTY, call_ioctl(self->timeline, SYNC_IOC_MERGE, NULL));
}

TEST_F(sw_sync, can_be_read_and_written_by_nobody)
{
	char byte = 0;

	EXPECT_EQ(-1, read(self->timeline, &byte, 1));
	EXPECT_EQ(-1, write(self->timeline, &byte, 1));
}

/*
 * Deadlines
 *
 * Some of these leave early, from under the fence's lock. Whether interrupts are on
 * again can't be seen from here: a kernel with PROVE_LOCKING looks on the way out of
 * every system call, and warns of "IRQs disabled".
 */

TEST_F(sw_sync, without_a_deadline_there_is_none)
{
	int fence = fence_create(self->timeline, 1);
	__u64 deadline;

	ASSERT_LE(0, fence);
	EXPECT_EQ(-ENOENT, get_deadline(self->timeline, fence, &deadline));
	close(fence);
}

TEST_F(sw_sync, the_earliest_deadline_counts)
{
	static const __u64 deadlines[][2] = {
		{ UINT64_MAX, INT64_MAX }, { 5000, 5000 }, { 6000, 5000 },
		{ 4000, 4000 }, { 0, 0 }, { INT64_MAX, 0 },
	};
	int fence = fence_create(self->timeline, 1);
	__u64 deadline;
	size_t i;

	ASSERT_LE(0, fence);
	for (i = 0; i < ARRAY_SIZE(deadlines); i++) {
		ASSERT_EQ(0, set_deadline(fence, deadlines[i][0]));
		ASSERT_EQ(0, get_deadline(self->timeline, fence, &deadline));
		EXPECT_EQ(deadlines[i][1], deadline);
	}
	close(fence);
}

TEST_F(sw_sync, any_timeline_can_be_asked_for_a_deadline)
{
	int fence = fence_create(self->timeline, 1), other = timeline_create();
	__u64 deadline;

	ASSERT_EQ(0, set_deadline(fence, 7));
	ASSERT_EQ(0, get_deadline(other, fence, &deadline));
	EXPECT_EQ(7U, deadline);
	close(other);
	close(fence);
}

TEST_F(sw_sync, only_a_fence_of_this_kind_has_a_deadline)
{
	int a = fence_create(self->timeline, 1), other = timeline_create();
	int b = fence_create(other, 1), merged = merge_sync_files(a, b);
	__u64 deadline;

	ASSERT_LE(0, merged);
	EXPECT_EQ(-EINVAL, get_deadline(other, -1, &deadline));
	EXPECT_EQ(-EINVAL, get_deadline(other, other, &deadline));
	EXPECT_EQ(-EINVAL, get_deadline(other, merged, &deadline));
	close(merged);
	close(b);
	close(other);
	close(a);
}

TEST_F(sw_sync, asking_for_a_deadline_refuses_padding)
{
	int fence = fence_create(self->timeline, 1), bit;
	struct sw_sync_get_deadline request;

	ASSERT_EQ(0, set_deadline(fence, 7));
	for (bit = 0; bit < 32; bit++) {
		request = (struct sw_sync_get_deadline){
			.fence_fd = fence,
			.pad = 1U << bit,
		};
		EXPECT_EQ(-EINVAL, call_ioctl(self->timeline, SW_SYNC_GET_DEADLINE, &request));
	}
	EXPECT_EQ(-EFAULT, call_ioctl(self->timeline, SW_SYNC_GET_DEADLINE, NULL));
	close(fence);
}

TEST_F(sw_sync, a_deadline_that_cannot_be_told_is_a_fault)
{
	int fence = fence_create(self->timeline, 1);
	struct sw_sync_get_deadline request = { .fence_fd = fence };
	char *page = page_before_a_hole(PROT_READ | PROT_WRITE);

	ASSERT_NE(NULL, page);
	ASSERT_EQ(0, set_deadline(fence, 7));
	memcpy(page, &request, sizeof(request));
	ASSERT_EQ(0, mprotect(page, page_size(), PROT_READ));
	EXPECT_EQ(-EFAULT, call_ioctl(self->timeline, SW_SYNC_GET_DEADLINE, page));
	munmap(page, page_size());
	close(fence);
}

/*
 * debugfs
 */

TEST_F(sw_sync, info_shows_a_timeline_and_what_is_pending)
{
	int timeline = create_timeline_named("shown timeline");
	int later = fence_create(timeline, 30), sooner = fence_create(timeline, 20);

	ASSERT_LE(0, timeline);
	ASSERT_EQ(0, timeline_advance(timeline, 7));
	EXPECT_TRUE(info_has("objs:\n--------------\n"));
	EXPECT_TRUE(info_has("\nshown timeline: 7\n"
			     "  fence active: 20 / 7\n"
			     "  fence active: 30 / 7\n"));
	ASSERT_EQ(0, timeline_advance(timeline, 13));
	EXPECT_TRUE(info_has("\nshown timeline: 20\n  fence active: 30 / 20\n"));
	close(later);
	EXPECT_TRUE(info_has("\nshown timeline: 20\n\n"));
	close(timeline);
	EXPECT_FALSE(info_has("\nshown timeline: "));
	close(sooner);
}

TEST_F(sw_sync, info_shows_sync_files)
{
	int timeline = create_timeline_named("shown file");
	int reached = fence_create(timeline, 1), never = fence_create(timeline, 2);

	EXPECT_TRUE(info_has("\nfences:\n--------------\n["));
	EXPECT_TRUE(info_has("-1: active\n  shown file_fence active: 1 / 0\n"));
	ASSERT_EQ(0, timeline_advance(timeline, 1));
	EXPECT_TRUE(info_has("-1: signaled\n  shown file_fence signaled@"));
	close(timeline);
	EXPECT_TRUE(info_has("-2: error\n  shown file_fence error@"));
	close(reached);
	close(never);
	EXPECT_FALSE(info_has("shown file"));
}

#define MANY	500

/* How many of the sync files of a timeline called "many" are in @text. */
static int count_files_of_many(const char *text)
{
	static const char file[] = "\n  many_fence active: ";
	int count = 0;

	while (text && (text = strstr(text, file))) {
		text += strlen(file);
		count++;
	}
	return count;
}

/* Far more than fits into the page that a read begins with. */
TEST_F(sw_sync, info_is_complete_however_many_are_pending)
{
	int timeline = create_timeline_named("many"), fences[MANY], i;
	char *text;

	for (i = 0; i < MANY; i++) {
		fences[i] = fence_create(timeline, i + 1);
		ASSERT_LE(0, fences[i]);
	}
	EXPECT_TRUE(info_has("\nmany: 0\n  fence active: 1 / 0\n  fence active: 2 / 0\n"));
	EXPECT_TRUE(info_has("\n  fence active: 499 / 0\n  fence active: 500 / 0\n\n"));
	text = read_file(SYNC_INFO);
	EXPECT_EQ(MANY, count_files_of_many(text));
	free(text);
	for (i = 0; i < MANY; i++)
		close(fences[i]);
	EXPECT_TRUE(info_has("\nmany: 0\n\n"));
	close(timeline);
}

TEST_F(sw_sync, a_name_cannot_forge_lines)
{
	int timeline = create_timeline_named("a\nb\\c\033d");
	int fence = fence_create(timeline, 1);

	ASSERT_LE(0, fence);
	EXPECT_FALSE(info_has("a\nb"));
	EXPECT_TRUE(info_has("\na\\012b\\134c\\033d: 0\n"));
	EXPECT_TRUE(info_has("  a\\012b\\134c\\033d_fence active"));
	close(fence);
	close(timeline);
}

/*
 * Storms
 */

/* Far ahead of the timeline, wherever it is: added while others are reached. */
static int add_far_ahead(struct worker *worker)
{
	int far = fence_create(worker->timeline, worker->point);

	worker->point += INT_MAX / 4;
	return close(far);
}

/* Sooner or later it gets to every fence that was ahead. */
static int wait_while_it_leaps(struct worker *worker)
{
	int fence = fence_create(worker->timeline, worker->point);
	struct pollfd request = { .fd = fence, .events = POLLIN };
	int missed = poll(&request, 1, PATIENCE) != 1;

	worker->point += INT_MAX / 4;
	return close(fence) ?: missed;
}

static int leap(struct worker *worker)
{
	return timeline_advance(worker->timeline, INT_MAX / 2);
}

TEST_F(sw_sync, no_fence_is_missed_while_others_are_added)
{
	struct worker workers[] = {
		{ .work = wait_while_it_leaps, .timeline = self->timeline },
		{ .work = add_far_ahead, .follows = true, .timeline = self->timeline },
		{ .work = add_far_ahead, .follows = true, .timeline = self->timeline },
		{ .work = leap, .follows = true, .timeline = self->timeline },
	};

	EXPECT_EQ(0, run_workers(workers, ARRAY_SIZE(workers)));
}

/* Once polled, a file is released while the callback that it armed may run. */
static int create_poll_and_close(struct worker *worker)
{
	int near = fence_create(worker->timeline, 1);
	int far = fence_create(worker->timeline, INT_MAX);

	if (ready_now(near, POLLIN) < 0 || ready_now(far, POLLIN) < 0)
		return -1;
	return close(near) ?: close(far);
}

static int read_sync_info(struct worker *worker)
{
	return !info_has("fences:");
}

TEST_F(sw_sync, fences_are_closed_while_the_timeline_passes_them)
{
	struct worker workers[] = {
		{ .work = create_poll_and_close, .timeline = self->timeline },
		{ .work = create_poll_and_close, .timeline = self->timeline },
		{ .work = leap, .follows = true, .timeline = self->timeline },
		{ .work = leap, .follows = true, .timeline = self->timeline },
		{ .work = read_sync_info, .follows = true },
	};

	EXPECT_EQ(0, run_workers(workers, ARRAY_SIZE(workers)));
}

static int close_a_timeline_of_many(struct worker *worker)
{
	int timeline = timeline_create();
	int fences[8];
	size_t i;

	if (timeline < 0)
		return timeline;
	for (i = 0; i < ARRAY_SIZE(fences); i++) {
		fences[i] = fence_create(timeline, i + 1);
		if (ready_now(fences[i], POLLIN) < 0)
			return -1;
	}
	for (i = 0; i < ARRAY_SIZE(fences); i++) {
		if (i == ARRAY_SIZE(fences) / 2 && close(timeline))
			return -1;
		close(fences[i]);
	}
	return 0;
}

static int watch_it_end(struct worker *worker)
{
	int timeline = timeline_create();
	int fence = fence_create(timeline, 1);
	int both = merge_sync_files(fence, worker->file);
	struct pollfd request = { .fd = fence, .events = POLLIN };

	if (both < 0 || ready_now(fence, POLLIN) || close(timeline) ||
	    poll(&request, 1, PATIENCE) != 1 || read_status(fence) != -ENOENT)
		return -1;
	return close(both) ?: close(fence);
}

TEST_F(sw_sync, timelines_are_closed_while_their_fences_are_used)
{
	int fence = fence_create(self->timeline, 1);
	struct worker workers[] = {
		{ .work = watch_it_end, .file = fence },
		{ .work = watch_it_end, .file = fence },
		{ .work = close_a_timeline_of_many },
		{ .work = read_sync_info, .follows = true },
	};

	EXPECT_EQ(0, run_workers(workers, ARRAY_SIZE(workers)));
	close(fence);
}

TEST_HARNESS_MAIN
