// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fences, chains and arrays as DRM's sync objects use them. Nothing here is of
 * the subsystem's own interface; all of it goes wrong if fences do.
 */
#include "../kselftest_harness.h"

#include <signal.h>
#include <sys/eventfd.h>

#include "fence_helpers.h"
#include "syncobj.h"
#include "workers.h"

#define JOBS		3
/* A timeline of points that have signalled is easily made ... */
#define POINTS		10000
/* ... but each that has not makes all later ones cost more. */
#define PENDING_POINTS	500

/* The deadline of a sync file that fence_create() made, or -errno. */
static __s64 deadline_of(int fence)
{
	int timeline = timeline_create();
	__u64 deadline;
	int err = get_deadline(timeline, fence, &deadline);

	close(timeline);
	return err < 0 ? err : (__s64)deadline;
}

FIXTURE(syncobj)
{
	int drm;
	/* A binary sync object and a timeline, both empty. */
	__u32 binary;
	__u32 timeline;
	/* Jobs that end in whatever order the test likes. */
	int clocks[JOBS];
	int jobs[JOBS];
};

FIXTURE_SETUP(syncobj)
{
	int i;

	if (LACKS(SW_SYNC, SYNC_INFO))
		SKIP(return, "%s", lack);
	self->drm = syncobj_device_open();
	if (self->drm < 0)
		SKIP(return, "no render node with DRM_CAP_SYNCOBJ_TIMELINE");
	self->binary = syncobj_create(self->drm, 0);
	self->timeline = syncobj_create(self->drm, 0);
	ASSERT_NE(0U, self->binary);
	ASSERT_NE(0U, self->timeline);
	for (i = 0; i < JOBS; i++) {
		self->clocks[i] = create_timeline_named("clock");
		ASSERT_LE(0, self->clocks[i]);
		self->jobs[i] = fence_create(self->clocks[i], 1);
		ASSERT_LE(0, self->jobs[i]);
	}
}

/* What the objects still hold is theirs to free. */
FIXTURE_TEARDOWN(syncobj)
{
	int i;

	for (i = 0; i < JOBS; i++) {
		close(self->jobs[i]);
		close(self->clocks[i]);
	}
	close(self->drm);
}

static void finish_job(int clock)
{
	timeline_advance(clock, 1);
}

/* Points 1, 2, 3 of a timeline, none of which has signalled. */
static int add_jobs(int drm, __u32 timeline, const int *jobs)
{
	int i, err = 0;

	for (i = 0; i < JOBS && !err; i++)
		err = timeline_add(drm, timeline, i + 1, jobs[i]);
	return err;
}

/* A thread that waits for a point of one sync object, or for one or all of two. */
struct waiter {
	struct sleeper sleeper;
	int drm;
	__u32 handles[2];
	__u64 points[2];
	int count;
	__u32 flags;
};

static int waiter_wait(struct sleeper *sleeper, int timeout)
{
	struct waiter *waiter = (struct waiter *)sleeper;

	return timeline_wait_many(waiter->drm, waiter->handles, waiter->points, waiter->count,
				  waiter->flags, timeout ? after_ms(PATIENCE) : 0, 0);
}

/* True when it sleeps. */
static bool waiter_start(struct waiter *waiter)
{
	waiter->sleeper.wait = waiter_wait;
	return sleeper_start(&waiter->sleeper);
}

static bool waiter_sleeps(struct waiter *waiter)
{
	return sleeper_sleeps(&waiter->sleeper);
}

/* What its wait returned. */
static int waiter_join(struct waiter *waiter)
{
	return sleeper_join(&waiter->sleeper);
}

TEST_F(syncobj, a_new_one_is_empty_and_waiting_for_it_is_refused)
{
	EXPECT_EQ(-EINVAL, syncobj_test(self->drm, self->binary));
	EXPECT_EQ(-EINVAL, timeline_test(self->drm, self->timeline, 1));
	EXPECT_EQ(-EINVAL, syncobj_export(self->drm, self->binary));
	EXPECT_EQ(0, timeline_query(self->drm, self->timeline));
}

TEST_F(syncobj, one_can_be_made_signalled)
{
	__u32 signalled = syncobj_create(self->drm, DRM_SYNCOBJ_CREATE_SIGNALED);
	int fence;

	ASSERT_NE(0U, signalled);
	EXPECT_EQ(0, syncobj_test(self->drm, signalled));
	fence = syncobj_export(self->drm, signalled);
	ASSERT_LE(0, fence);
	EXPECT_EQ(1, read_status(fence));
	close(fence);
}

TEST_F(syncobj, it_is_signalled_and_reset_by_hand)
{
	EXPECT_EQ(0, syncobj_signal(self->drm, self->binary));
	EXPECT_EQ(0, syncobj_test(self->drm, self->binary));
	EXPECT_EQ(0, syncobj_reset(self->drm, self->binary));
	EXPECT_EQ(-EINVAL, syncobj_test(self->drm, self->binary));
}

TEST_F(syncobj, an_imported_sync_file_signals_it)
{
	ASSERT_EQ(0, syncobj_import(self->drm, self->binary, self->jobs[0]));
	EXPECT_EQ(-ETIME, syncobj_test(self->drm, self->binary));
	finish_job(self->clocks[0]);
	EXPECT_EQ(0, syncobj_test(self->drm, self->binary));
}

TEST_F(syncobj, an_import_of_no_sync_file_is_refused)
{
	EXPECT_EQ(-EINVAL, syncobj_import(self->drm, self->binary, -1));
	EXPECT_EQ(-EINVAL, syncobj_import(self->drm, self->binary, self->drm));
	EXPECT_EQ(-ENOENT, syncobj_import(self->drm, 12345, self->jobs[0]));
}

TEST_F(syncobj, an_exported_sync_file_is_the_fence_of_that_time)
{
	int exported;

	ASSERT_EQ(0, syncobj_import(self->drm, self->binary, self->jobs[0]));
	exported = syncobj_export(self->drm, self->binary);
	ASSERT_LE(0, exported);
	ASSERT_EQ(0, syncobj_import(self->drm, self->binary, self->jobs[1]));
	finish_job(self->clocks[1]);
	EXPECT_FALSE(has_signalled(exported));
	finish_job(self->clocks[0]);
	EXPECT_TRUE(has_signalled(exported));
	close(exported);
}

TEST_F(syncobj, a_shared_one_is_the_same_for_both_clients)
{
	int other = syncobj_device_open(), fd;
	__u32 adopted;

	ASSERT_LE(0, other);
	fd = syncobj_share(self->drm, self->binary);
	ASSERT_LE(0, fd);
	adopted = syncobj_adopt(other, fd);
	close(fd);
	ASSERT_NE(0U, adopted);
	ASSERT_EQ(0, syncobj_import(self->drm, self->binary, self->jobs[0]));
	EXPECT_EQ(-ETIME, syncobj_test(other, adopted));
	finish_job(self->clocks[0]);
	EXPECT_EQ(0, syncobj_test(other, adopted));
	close(other);
}

/*
 * Its job never ends, so only the time can end its sleep. One that comes late finds
 * the time over, and has to try again.
 */
TEST_F(syncobj, a_wait_sleeps_until_its_time)
{
	bool slept = false;
	int delay;

	ASSERT_EQ(0, syncobj_import(self->drm, self->binary, self->jobs[0]));
	for (delay = 10; delay < PATIENCE && !slept; delay *= 2) {
		long sleeps = count_sleeps();

		ASSERT_EQ(-ETIME, syncobj_wait_many(self->drm, &self->binary, 1, 0,
						    after_ms(delay), 0));
		slept = count_sleeps() > sleeps;
	}
	EXPECT_TRUE(slept);
}

TEST_F(syncobj, a_wait_sleeps_until_the_job_is_done)
{
	struct waiter waiter = { .drm = self->drm, .handles = { self->binary }, .count = 1 };

	ASSERT_EQ(0, syncobj_import(self->drm, self->binary, self->jobs[0]));
	ASSERT_TRUE(waiter_start(&waiter));
	finish_job(self->clocks[0]);
	EXPECT_EQ(0, waiter_join(&waiter));
}

static void ignore(int signal)
{
}

TEST_F(syncobj, a_signal_ends_a_wait)
{
	struct waiter waiter = { .drm = self->drm, .handles = { self->binary }, .count = 1 };
	struct sigaction action = { .sa_handler = ignore };

	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
	ASSERT_EQ(0, syncobj_import(self->drm, self->binary, self->jobs[0]));
	ASSERT_TRUE(waiter_start(&waiter));
	ASSERT_EQ(0, pthread_kill(waiter.sleeper.thread, SIGUSR1));
	EXPECT_EQ(-EINTR, waiter_join(&waiter));
	finish_job(self->clocks[0]);
}

TEST_F(syncobj, a_wait_for_submission_sleeps_through_both)
{
	struct waiter waiter = {
		.drm = self->drm,
		.handles = { self->binary },
		.count = 1,
		.flags = WAIT_SUBMIT,
	};

	ASSERT_TRUE(waiter_start(&waiter));
	ASSERT_EQ(0, syncobj_import(self->drm, self->binary, self->jobs[0]));
	EXPECT_TRUE(waiter_sleeps(&waiter));
	finish_job(self->clocks[0]);
	EXPECT_EQ(0, waiter_join(&waiter));
}

TEST_F(syncobj, a_wait_for_any_tells_which)
{
	__u32 other = syncobj_create(self->drm, 0);
	struct waiter waiter = {
		.drm = self->drm,
		.handles = { self->binary, other },
		.count = 2,
	};

	ASSERT_EQ(0, syncobj_import(self->drm, self->binary, self->jobs[0]));
	ASSERT_EQ(0, syncobj_import(self->drm, other, self->jobs[1]));
	ASSERT_TRUE(waiter_start(&waiter));
	finish_job(self->clocks[1]);
	EXPECT_EQ(1, waiter_join(&waiter));
	EXPECT_EQ(1, syncobj_wait_many(self->drm, waiter.handles, 2, 0, 0, 0));
	finish_job(self->clocks[0]);
	EXPECT_EQ(0, syncobj_wait_many(self->drm, waiter.handles, 2, 0, 0, 0));
}

TEST_F(syncobj, a_wait_for_all_wants_all)
{
	__u32 other = syncobj_create(self->drm, 0);
	struct waiter waiter = {
		.drm = self->drm,
		.handles = { self->binary, other },
		.count = 2,
		.flags = WAIT_ALL,
	};

	ASSERT_EQ(0, syncobj_import(self->drm, self->binary, self->jobs[0]));
	ASSERT_EQ(0, syncobj_import(self->drm, other, self->jobs[1]));
	ASSERT_TRUE(waiter_start(&waiter));
	finish_job(self->clocks[0]);
	EXPECT_TRUE(waiter_sleeps(&waiter));
	EXPECT_EQ(-ETIME, syncobj_wait_many(self->drm, waiter.handles, 2, WAIT_ALL, 0, 0));
	finish_job(self->clocks[1]);
	EXPECT_EQ(0, waiter_join(&waiter));
	EXPECT_EQ(0, syncobj_wait_many(self->drm, waiter.handles, 2, WAIT_ALL, 0, 0));
}

TEST_F(syncobj, a_job_that_fails_is_done_too)
{
	int exported;

	ASSERT_EQ(0, syncobj_import(self->drm, self->binary, self->jobs[0]));
	exported = syncobj_export(self->drm, self->binary);
	ASSERT_LE(0, exported);
	EXPECT_EQ(0, read_status(exported));
	/* Who is gone will not finish it. */
	close(self->clocks[0]);
	self->clocks[0] = -1;
	EXPECT_EQ(0, syncobj_test(self->drm, self->binary));
	EXPECT_EQ(-ENOENT, read_status(exported));
	close(exported);
}

TEST_F(syncobj, a_wait_hands_its_deadline_to_the_job)
{
	__s64 deadline = after_ms(1000);

	ASSERT_EQ(0, syncobj_import(self->drm, self->binary, self->jobs[0]));
	EXPECT_EQ(-ETIME, syncobj_wait_many(self->drm, &self->binary, 1, 0, 0, deadline));
	EXPECT_EQ(-ENOENT, deadline_of(self->jobs[0]));
	EXPECT_EQ(-ETIME, syncobj_wait_many(self->drm, &self->binary, 1, WAIT_DEADLINE, 0,
					    deadline));
	EXPECT_EQ(deadline, deadline_of(self->jobs[0]));
}

TEST_F(syncobj, an_object_without_a_sync_file_leaves_no_fd)
{
	int fds = count_open_fds();

	EXPECT_EQ(-EINVAL, syncobj_export(self->drm, self->binary));
	EXPECT_EQ(-ENOENT, syncobj_export(self->drm, 12345));
	EXPECT_EQ(fds, count_open_fds());
}

TEST_F(syncobj, points_signalled_by_hand_count_up)
{
	__u64 point;

	for (point = 1; point <= 5; point++) {
		ASSERT_EQ(0, timeline_signal(self->drm, self->timeline, point * 10));
		EXPECT_EQ((__s64)point * 10, timeline_query(self->drm, self->timeline));
	}
	EXPECT_EQ(0, timeline_test(self->drm, self->timeline, 1));
	EXPECT_EQ(0, timeline_test(self->drm, self->timeline, 50));
	EXPECT_EQ(-EINVAL, timeline_test(self->drm, self->timeline, 51));
}

TEST_F(syncobj, a_point_signals_with_its_job)
{
	ASSERT_EQ(0, add_jobs(self->drm, self->timeline, self->jobs));
	EXPECT_EQ(3, timeline_last(self->drm, self->timeline));
	EXPECT_EQ(0, timeline_query(self->drm, self->timeline));
	finish_job(self->clocks[0]);
	EXPECT_EQ(0, timeline_test(self->drm, self->timeline, 1));
	EXPECT_EQ(-ETIME, timeline_test(self->drm, self->timeline, 2));
	EXPECT_EQ(1, timeline_query(self->drm, self->timeline));
	finish_job(self->clocks[1]);
	finish_job(self->clocks[2]);
	EXPECT_EQ(0, timeline_test(self->drm, self->timeline, 3));
	EXPECT_EQ(3, timeline_query(self->drm, self->timeline));
}

TEST_F(syncobj, a_point_is_not_before_those_before_it)
{
	ASSERT_EQ(0, add_jobs(self->drm, self->timeline, self->jobs));
	finish_job(self->clocks[2]);
	EXPECT_EQ(-ETIME, timeline_test(self->drm, self->timeline, 3));
	finish_job(self->clocks[1]);
	EXPECT_EQ(-ETIME, timeline_test(self->drm, self->timeline, 3));
	EXPECT_EQ(-ETIME, timeline_test(self->drm, self->timeline, 2));
	EXPECT_EQ(-ETIME, timeline_test(self->drm, self->timeline, 1));
	EXPECT_EQ(0, timeline_query(self->drm, self->timeline));
	finish_job(self->clocks[0]);
	EXPECT_EQ(0, timeline_test(self->drm, self->timeline, 1));
	EXPECT_EQ(0, timeline_test(self->drm, self->timeline, 3));
	EXPECT_EQ(3, timeline_query(self->drm, self->timeline));
}

TEST_F(syncobj, point_0_is_the_whole_timeline)
{
	ASSERT_EQ(0, add_jobs(self->drm, self->timeline, self->jobs));
	finish_job(self->clocks[1]);
	finish_job(self->clocks[2]);
	EXPECT_EQ(-ETIME, syncobj_test(self->drm, self->timeline));
	finish_job(self->clocks[0]);
	EXPECT_EQ(0, syncobj_test(self->drm, self->timeline));
}

TEST_F(syncobj, a_number_between_two_points_is_the_later_one)
{
	ASSERT_EQ(0, timeline_add(self->drm, self->timeline, 10, self->jobs[0]));
	ASSERT_EQ(0, timeline_add(self->drm, self->timeline, 20, self->jobs[1]));
	finish_job(self->clocks[0]);
	EXPECT_EQ(0, timeline_test(self->drm, self->timeline, 10));
	EXPECT_EQ(-ETIME, timeline_test(self->drm, self->timeline, 11));
	EXPECT_EQ(10, timeline_query(self->drm, self->timeline));
	finish_job(self->clocks[1]);
	EXPECT_EQ(0, timeline_test(self->drm, self->timeline, 11));
}

TEST_F(syncobj, a_point_out_of_order_still_waits_for_what_was_there)
{
	ASSERT_EQ(0, timeline_add(self->drm, self->timeline, 20, self->jobs[0]));
	ASSERT_EQ(0, timeline_add(self->drm, self->timeline, 10, self->jobs[1]));
	finish_job(self->clocks[1]);
	EXPECT_EQ(-ETIME, syncobj_test(self->drm, self->timeline));
	finish_job(self->clocks[0]);
	EXPECT_EQ(0, syncobj_test(self->drm, self->timeline));
	EXPECT_LE(0, timeline_query(self->drm, self->timeline));
}

TEST_F(syncobj, a_thread_waits_for_a_point_of_many)
{
	struct waiter waiter = {
		.drm = self->drm,
		.handles = { self->timeline },
		.points = { 2 },
		.count = 1,
	};

	ASSERT_EQ(0, add_jobs(self->drm, self->timeline, self->jobs));
	ASSERT_TRUE(waiter_start(&waiter));
	finish_job(self->clocks[1]);
	EXPECT_TRUE(waiter_sleeps(&waiter));
	finish_job(self->clocks[0]);
	EXPECT_EQ(0, waiter_join(&waiter));
	EXPECT_EQ(-ETIME, timeline_test(self->drm, self->timeline, 3));
}

TEST_F(syncobj, a_point_can_be_waited_for_before_it_is_there)
{
	struct waiter waiter = {
		.drm = self->drm,
		.handles = { self->timeline },
		.points = { 3 },
		.count = 1,
		.flags = WAIT_SUBMIT,
	};
	int i;

	ASSERT_EQ(0, timeline_signal(self->drm, self->timeline, 1));
	ASSERT_TRUE(waiter_start(&waiter));
	ASSERT_EQ(0, timeline_signal(self->drm, self->timeline, 2));
	EXPECT_TRUE(waiter_sleeps(&waiter));
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, timeline_add(self->drm, self->timeline, i + 3, self->jobs[i]));
	EXPECT_TRUE(waiter_sleeps(&waiter));
	finish_job(self->clocks[0]);
	EXPECT_EQ(0, waiter_join(&waiter));
}

TEST_F(syncobj, a_point_is_available_before_it_signals)
{
	struct waiter waiter = {
		.drm = self->drm,
		.handles = { self->timeline },
		.points = { 1 },
		.count = 1,
		.flags = WAIT_AVAILABLE,
	};

	EXPECT_EQ(-ETIME, timeline_wait(self->drm, self->timeline, 1, WAIT_AVAILABLE, 0));
	ASSERT_TRUE(waiter_start(&waiter));
	ASSERT_EQ(0, timeline_add(self->drm, self->timeline, 1, self->jobs[0]));
	EXPECT_EQ(0, waiter_join(&waiter));
	EXPECT_EQ(-ETIME, timeline_test(self->drm, self->timeline, 1));
}

TEST_F(syncobj, points_of_two_timelines_are_waited_for_at_once)
{
	__u32 other = syncobj_create(self->drm, 0);
	struct waiter waiter = {
		.drm = self->drm,
		.handles = { self->timeline, other },
		.points = { 3, 7 },
		.count = 2,
		.flags = WAIT_ALL | WAIT_SUBMIT,
	};
	int i;

	ASSERT_EQ(0, add_jobs(self->drm, self->timeline, self->jobs));
	ASSERT_TRUE(waiter_start(&waiter));
	for (i = 0; i < JOBS; i++)
		finish_job(self->clocks[i]);
	EXPECT_TRUE(waiter_sleeps(&waiter));
	ASSERT_EQ(0, timeline_signal(self->drm, other, 7));
	EXPECT_EQ(0, waiter_join(&waiter));
}

TEST_F(syncobj, a_transferred_point_becomes_binary)
{
	ASSERT_EQ(0, add_jobs(self->drm, self->timeline, self->jobs));
	ASSERT_EQ(0, syncobj_transfer(self->drm, self->timeline, 2, self->binary, 0));
	finish_job(self->clocks[0]);
	EXPECT_EQ(-ETIME, syncobj_test(self->drm, self->binary));
	finish_job(self->clocks[1]);
	EXPECT_EQ(0, syncobj_test(self->drm, self->binary));
	EXPECT_EQ(-ETIME, timeline_test(self->drm, self->timeline, 3));
}

TEST_F(syncobj, a_transferred_point_waits_for_all_that_it_did)
{
	__u32 other = syncobj_create(self->drm, 0);

	ASSERT_EQ(0, add_jobs(self->drm, self->timeline, self->jobs));
	ASSERT_EQ(0, syncobj_transfer(self->drm, self->timeline, 3, other, 100));
	finish_job(self->clocks[2]);
	finish_job(self->clocks[1]);
	EXPECT_EQ(-ETIME, timeline_test(self->drm, other, 100));
	finish_job(self->clocks[0]);
	EXPECT_EQ(0, timeline_test(self->drm, other, 100));
	EXPECT_EQ(100, timeline_query(self->drm, other));
}

TEST_F(syncobj, a_signalled_point_can_be_transferred)
{
	ASSERT_EQ(0, timeline_signal(self->drm, self->timeline, 1));
	ASSERT_EQ(0, timeline_add(self->drm, self->timeline, 2, self->jobs[0]));
	ASSERT_EQ(0, syncobj_transfer(self->drm, self->timeline, 1, self->binary, 0));
	EXPECT_EQ(0, syncobj_test(self->drm, self->binary));
}

TEST_F(syncobj, a_transfer_of_what_is_not_there_is_refused)
{
	EXPECT_EQ(-EINVAL, syncobj_transfer(self->drm, self->binary, 0, self->timeline, 1));
	ASSERT_EQ(0, timeline_signal(self->drm, self->timeline, 1));
	EXPECT_EQ(-EINVAL, syncobj_transfer(self->drm, self->timeline, 2, self->binary, 0));
	EXPECT_EQ(-ENOENT, syncobj_transfer(self->drm, 12345, 0, self->binary, 0));
	EXPECT_EQ(-ENOENT, syncobj_transfer(self->drm, self->timeline, 1, 12345, 0));
}

TEST_F(syncobj, an_exported_timeline_is_all_of_its_pending_points)
{
	int exported;

	ASSERT_EQ(0, add_jobs(self->drm, self->timeline, self->jobs));
	exported = syncobj_export(self->drm, self->timeline);
	ASSERT_LE(0, exported);
	EXPECT_EQ(JOBS, count_fences(exported));
	finish_job(self->clocks[2]);
	finish_job(self->clocks[0]);
	EXPECT_FALSE(has_signalled(exported));
	finish_job(self->clocks[1]);
	EXPECT_TRUE(has_signalled(exported));
	EXPECT_EQ(1, read_status(exported));
	close(exported);
}

/* A chain ends well by itself: the error is that of the job at its last point. */
TEST_F(syncobj, an_exported_timeline_tells_of_the_failure_of_its_last_point)
{
	struct sync_fence_info fences[JOBS];
	struct sync_file_info info;
	int exported;

	ASSERT_EQ(0, add_jobs(self->drm, self->timeline, self->jobs));
	exported = syncobj_export(self->drm, self->timeline);
	ASSERT_LE(0, exported);
	close(self->clocks[2]);
	self->clocks[2] = -1;
	EXPECT_EQ(0, read_status(exported));
	finish_job(self->clocks[0]);
	finish_job(self->clocks[1]);
	EXPECT_TRUE(has_signalled(exported));
	ASSERT_EQ(0, read_info(exported, &info, fences, JOBS));
	EXPECT_EQ(-ENOENT, info.status);
	EXPECT_EQ(1U, info.num_fences);
	EXPECT_EQ(-ENOENT, fences[0].status);
	close(exported);
}

/* The cursor has a reference on a link when the memory behind the array ends. */
TEST_F(syncobj, telling_of_a_timeline_into_a_hole_leaves_nothing)
{
	char *page = page_before_a_hole(PROT_READ | PROT_WRITE), *end = page + page_size();
	struct sync_file_info info;
	int exported, room, i;

	ASSERT_NE(NULL, page);
	ASSERT_EQ(0, add_jobs(self->drm, self->timeline, self->jobs));
	exported = syncobj_export(self->drm, self->timeline);
	ASSERT_LE(0, exported);
	for (room = 0; room < JOBS; room++)
		EXPECT_EQ(-EFAULT, read_info(exported, &info, (struct sync_fence_info *)end - room,
					     JOBS));
	EXPECT_EQ(0, read_info(exported, &info, (struct sync_fence_info *)end - JOBS, JOBS));
	munmap(page, page_size());
	EXPECT_TRUE(info_has("\nclock: 0\n  fence"));

	close(exported);
	ASSERT_EQ(0, syncobj_destroy(self->drm, self->timeline));
	for (i = 0; i < JOBS; i++) {
		close(self->jobs[i]);
		self->jobs[i] = -1;
	}
	EXPECT_TRUE(wait_until_none_pending("clock"));
}

TEST_F(syncobj, an_exported_timeline_merges_with_a_sync_file)
{
	int exported, merged;

	ASSERT_EQ(0, timeline_add(self->drm, self->timeline, 1, self->jobs[0]));
	ASSERT_EQ(0, timeline_add(self->drm, self->timeline, 2, self->jobs[1]));
	exported = syncobj_export(self->drm, self->timeline);
	ASSERT_LE(0, exported);
	merged = merge_sync_files(exported, self->jobs[2]);
	ASSERT_LE(0, merged);
	close(exported);
	EXPECT_EQ(JOBS, count_fences(merged));
	/* And back: an array becomes a point. */
	ASSERT_EQ(0, timeline_add(self->drm, self->timeline, 3, merged));
	finish_job(self->clocks[0]);
	finish_job(self->clocks[1]);
	EXPECT_EQ(2, timeline_query(self->drm, self->timeline));
	EXPECT_FALSE(has_signalled(merged));
	finish_job(self->clocks[2]);
	EXPECT_TRUE(has_signalled(merged));
	EXPECT_EQ(3, timeline_query(self->drm, self->timeline));
	close(merged);
}

TEST_F(syncobj, a_deadline_reaches_the_jobs_of_a_timeline)
{
	__u64 points[] = { 2 };
	__s64 deadline = after_ms(1000);

	ASSERT_EQ(0, add_jobs(self->drm, self->timeline, self->jobs));
	EXPECT_EQ(-ETIME, timeline_wait_many(self->drm, &self->timeline, points, 1,
					     WAIT_DEADLINE, 0, deadline));
	EXPECT_EQ(deadline, deadline_of(self->jobs[0]));
	EXPECT_EQ(deadline, deadline_of(self->jobs[1]));
	/* It was not waited for. */
	EXPECT_EQ(-ENOENT, deadline_of(self->jobs[2]));
}

/* How often an eventfd was signalled since the last time. */
static int events_of(int fd)
{
	__u64 count;

	return read(fd, &count, sizeof(count)) == sizeof(count) ? (int)count : 0;
}

TEST_F(syncobj, an_eventfd_is_told_once_of_a_point)
{
	int events = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	ASSERT_LE(0, events);
	ASSERT_EQ(0, syncobj_eventfd(self->drm, self->timeline, 2, 0, events));
	ASSERT_EQ(0, add_jobs(self->drm, self->timeline, self->jobs));
	finish_job(self->clocks[1]);
	EXPECT_EQ(0, events_of(events));
	finish_job(self->clocks[0]);
	EXPECT_EQ(1, events_of(events));
	finish_job(self->clocks[2]);
	EXPECT_EQ(0, events_of(events));
	close(events);
}

TEST_F(syncobj, an_eventfd_can_be_told_that_a_point_is_available)
{
	int events = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	ASSERT_LE(0, events);
	ASSERT_EQ(0, syncobj_eventfd(self->drm, self->timeline, 1, WAIT_AVAILABLE, events));
	EXPECT_EQ(0, events_of(events));
	ASSERT_EQ(0, add_jobs(self->drm, self->timeline, self->jobs));
	EXPECT_EQ(1, events_of(events));
	close(events);
}

TEST_F(syncobj, an_eventfd_is_told_at_once_of_what_has_signalled)
{
	int events = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	ASSERT_LE(0, events);
	ASSERT_EQ(0, timeline_signal(self->drm, self->timeline, 1));
	ASSERT_EQ(0, timeline_add(self->drm, self->timeline, 2, self->jobs[0]));
	ASSERT_EQ(0, syncobj_eventfd(self->drm, self->timeline, 1, 0, events));
	EXPECT_EQ(1, events_of(events));
	close(events);
}

TEST_F(syncobj, no_eventfd_is_refused)
{
	EXPECT_EQ(-EBADF, syncobj_eventfd(self->drm, self->timeline, 1, 0, -1));
	EXPECT_EQ(-EINVAL, syncobj_eventfd(self->drm, self->timeline, 1, 0, self->jobs[0]));
	EXPECT_EQ(-ENOENT, syncobj_eventfd(self->drm, 12345, 1, 0, self->jobs[0]));
}

TEST_F(syncobj, an_object_goes_with_who_waits_for_it)
{
	int events = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	ASSERT_LE(0, events);
	ASSERT_EQ(0, syncobj_eventfd(self->drm, self->timeline, 7, 0, events));
	ASSERT_EQ(0, syncobj_destroy(self->drm, self->timeline));
	EXPECT_EQ(-EINVAL, syncobj_destroy(self->drm, self->timeline));
	EXPECT_EQ(0, events_of(events));
	close(events);
}

TEST_F(syncobj, a_long_timeline_counts_up_behind_a_pending_point)
{
	__u64 point;

	ASSERT_EQ(0, timeline_add(self->drm, self->timeline, 1, self->jobs[0]));
	for (point = 2; point <= POINTS; point++)
		ASSERT_EQ(0, timeline_signal(self->drm, self->timeline, point));
	EXPECT_EQ(POINTS, timeline_last(self->drm, self->timeline));
	EXPECT_EQ(0, timeline_query(self->drm, self->timeline));
	EXPECT_EQ(-ETIME, timeline_test(self->drm, self->timeline, POINTS / 2));
	finish_job(self->clocks[0]);
	EXPECT_EQ(POINTS, timeline_query(self->drm, self->timeline));
	EXPECT_EQ(0, timeline_test(self->drm, self->timeline, POINTS / 2));
}

/* Points 1 to PENDING_POINTS, each with a fence of its own on one clock. */
static int add_pending_points(int drm, __u32 timeline, int clock)
{
	__u32 point;
	int err = 0;

	for (point = 1; point <= PENDING_POINTS && !err; point++) {
		int job = fence_create(clock, point + 1);

		if (job < 0)
			return job;
		err = timeline_add(drm, timeline, point, job);
		close(job);
	}
	return err;
}

TEST_F(syncobj, a_long_timeline_signals_bit_by_bit)
{
	int step;

	ASSERT_EQ(0, add_pending_points(self->drm, self->timeline, self->clocks[0]));
	finish_job(self->clocks[0]);
	EXPECT_EQ(0, timeline_query(self->drm, self->timeline));
	for (step = 1; step <= 4; step++) {
		timeline_advance(self->clocks[0], PENDING_POINTS / 4);
		EXPECT_EQ(PENDING_POINTS / 4 * step, timeline_query(self->drm, self->timeline));
		EXPECT_EQ(0, timeline_test(self->drm, self->timeline, PENDING_POINTS / 4 * step));
	}
}

TEST_F(syncobj, a_long_timeline_signals_at_once)
{
	struct waiter waiter = {
		.drm = self->drm,
		.handles = { self->timeline },
		.points = { PENDING_POINTS },
		.count = 1,
	};

	ASSERT_EQ(0, add_pending_points(self->drm, self->timeline, self->clocks[0]));
	ASSERT_TRUE(waiter_start(&waiter));
	timeline_advance(self->clocks[0], PENDING_POINTS + 1);
	EXPECT_EQ(0, waiter_join(&waiter));
	EXPECT_EQ(PENDING_POINTS, timeline_query(self->drm, self->timeline));
}

TEST_F(syncobj, a_long_timeline_is_destroyed_while_it_is_pending)
{
	ASSERT_EQ(0, add_pending_points(self->drm, self->timeline, self->clocks[0]));
	ASSERT_EQ(0, syncobj_destroy(self->drm, self->timeline));
	/* What is left of it is nobody's by now. */
	timeline_advance(self->clocks[0], PENDING_POINTS + 1);
}

TEST_F(syncobj, a_long_timeline_ends_with_its_clock)
{
	ASSERT_EQ(0, add_pending_points(self->drm, self->timeline, self->clocks[0]));
	close(self->clocks[0]);
	self->clocks[0] = -1;
	EXPECT_EQ(PENDING_POINTS, timeline_query(self->drm, self->timeline));
}

/*
 * Storms
 */

/* Announces a point, adds it and has its job done. */
static int submit(struct worker *worker)
{
	int point = worker->round + 1, job = fence_create(worker->timeline, point), err;

	if (job < 0)
		return job;
	atomic_store(worker->passed, point);
	err = timeline_add(worker->file, worker->handle, point, job);
	close(job);
	return err ?: timeline_advance(worker->timeline, 1);
}

/* What is announced will come; it may be there by now, or may not. */
static int wait_for_a_point(struct worker *worker)
{
	return timeline_wait(worker->file, worker->handle, atomic_load(worker->passed),
			     WAIT_SUBMIT, after_ms(PATIENCE));
}

/* Nothing is ever undone. */
static int look_how_far_it_is(struct worker *worker)
{
	__s64 point = timeline_query(worker->file, worker->handle);

	if (point < (__s64)worker->point)
		return -1;
	worker->point = point;
	return 0;
}

/* Merges while links come and go. The next handle is where the point goes. */
static int transfer_the_last_point(struct worker *worker)
{
	__s64 last = timeline_last(worker->file, worker->handle);

	if (!last)
		return 0;
	return syncobj_transfer(worker->file, worker->handle, last, worker->handle + 1, last);
}

static int export_and_count(struct worker *worker)
{
	int fence = syncobj_export(worker->file, worker->handle), count;

	/* There is none before the first point. */
	if (fence < 0)
		return fence == -EINVAL && !worker->point ? 0 : fence;
	count = count_fences(fence);
	close(fence);
	return count < 1;
}

static int look(struct worker *worker)
{
	return look_how_far_it_is(worker) ?: transfer_the_last_point(worker) ?:
	       export_and_count(worker);
}

TEST_F(syncobj, threads_submit_wait_and_look_at_once)
{
	static int (*const works[])(struct worker *worker) = {
		submit, wait_for_a_point, wait_for_a_point, look,
	};
	struct worker workers[ARRAY_SIZE(works)] = {};
	atomic_int announced = 1;
	size_t i;

	ASSERT_EQ(self->timeline + 1, syncobj_create(self->drm, 0));
	close(self->jobs[1]);
	self->jobs[1] = -1;
	for (i = 0; i < ARRAY_SIZE(works); i++)
		workers[i] = (struct worker){
			.work = works[i],
			.follows = works[i] != submit,
			.timeline = self->clocks[1],
			.file = self->drm,
			.handle = self->timeline,
			.passed = &announced,
		};
	EXPECT_EQ(0, run_workers(workers, ARRAY_SIZE(workers)));
	EXPECT_EQ(workers[0].round, timeline_query(self->drm, self->timeline));
	EXPECT_EQ(0, timeline_test(self->drm, self->timeline + 1,
				   timeline_last(self->drm, self->timeline + 1)));
}

TEST_HARNESS_MAIN
