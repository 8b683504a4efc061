// SPDX-License-Identifier: GPL-2.0-only
/* Sync files: merging, asking, waiting, and what is refused. */
#include "../kselftest_harness.h"

#include <sys/epoll.h>
#include <sys/resource.h>

#include "fence_helpers.h"
#include "workers.h"

#define MANY	16

FIXTURE(fence_file)
{
	int timelines[2 * MANY];
	int a;
	int b;
	int fds;
};

FIXTURE_SETUP(fence_file)
{
	int i;

	if (LACKS(SW_SYNC))
		SKIP(return, "%s", lack);
	for (i = 0; i < 2 * MANY; i++) {
		self->timelines[i] = timeline_create();
		ASSERT_LE(0, self->timelines[i]);
	}
	self->a = fence_create(self->timelines[0], 1);
	ASSERT_LE(0, self->a);
	self->b = fence_create(self->timelines[1], 1);
	ASSERT_LE(0, self->b);
	self->fds = count_open_fds();
}

FIXTURE_TEARDOWN(fence_file)
{
	int i;

	/* Every test closes what it was given, and nobody else was. */
	EXPECT_EQ(self->fds, count_open_fds());
	close(self->a);
	close(self->b);
	for (i = 0; i < 2 * MANY; i++)
		close(self->timelines[i]);
}

/* The header could be wrong in the same way on both sides. */
TEST_F(fence_file, the_ioctls_have_the_numbers_that_programs_use)
{
	struct sync_merge_data merge = { .fd2 = self->b };
	struct sync_set_deadline deadline = {};
	struct sync_file_info info = {};

	EXPECT_EQ(0xc0303e03U, SYNC_IOC_MERGE);
	EXPECT_EQ(0xc0383e04U, SYNC_IOC_FILE_INFO);
	EXPECT_EQ(0x40103e05U, SYNC_IOC_SET_DEADLINE);
	EXPECT_EQ(0, call_ioctl(self->a, 0xc0303e03, &merge));
	EXPECT_EQ(2, count_fences(merge.fence));
	EXPECT_EQ(0, call_ioctl(self->a, 0xc0383e04, &info));
	EXPECT_EQ(1U, info.num_fences);
	EXPECT_EQ(0, call_ioctl(self->a, 0x40103e05, &deadline));
	close(merge.fence);
}

/*
 * Waiting
 */

TEST_F(fence_file, is_readable_once_it_has_signalled)
{
	EXPECT_EQ(0, ready_now(self->a, POLLIN | POLLOUT | POLLPRI));
	ASSERT_EQ(0, timeline_advance(self->timelines[0], 1));
	EXPECT_EQ(POLLIN, ready_now(self->a, POLLIN | POLLOUT | POLLPRI));
	EXPECT_EQ(POLLIN, ready_now(self->a, POLLIN));
	EXPECT_EQ(0, ready_now(self->b, POLLIN));
}

TEST_F(fence_file, a_timeout_ends_the_wait)
{
	struct pollfd request = { .fd = self->a, .events = POLLIN };

	EXPECT_EQ(0, poll(&request, 1, 20));
	ASSERT_EQ(0, timeline_advance(self->timelines[0], 1));
	EXPECT_EQ(1, poll(&request, 1, 0));
}

TEST_F(fence_file, all_sleepers_wake)
{
	struct sleeper sleepers[4] = {};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sleepers); i++) {
		sleepers[i].wait = sleeper_poll;
		sleepers[i].fd = self->a;
		sleepers[i].events = POLLIN;
		ASSERT_TRUE(sleeper_start(&sleepers[i]));
	}
	ASSERT_EQ(0, timeline_advance(self->timelines[0], 1));
	for (i = 0; i < ARRAY_SIZE(sleepers); i++)
		EXPECT_EQ(POLLIN, sleeper_join(&sleepers[i]));
}

TEST_F(fence_file, an_edge_is_delivered_once)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	ASSERT_LE(0, epoll);
	ASSERT_EQ(0, epoll_ctl(epoll, EPOLL_CTL_ADD, self->a, &event));
	EXPECT_EQ(0, epoll_wait(epoll, &event, 1, 0));
	ASSERT_EQ(0, timeline_advance(self->timelines[0], 1));
	EXPECT_EQ(1, epoll_wait(epoll, &event, 1, PATIENCE));
	EXPECT_EQ(0, epoll_wait(epoll, &event, 1, 0));
	close(epoll);
}

TEST_F(fence_file, epoll_sees_what_had_signalled_before)
{
	struct epoll_event event = { .events = EPOLLIN };
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	ASSERT_LE(0, epoll);
	ASSERT_EQ(0, timeline_advance(self->timelines[0], 1));
	ASSERT_EQ(0, epoll_ctl(epoll, EPOLL_CTL_ADD, self->a, &event));
	EXPECT_EQ(1, epoll_wait(epoll, &event, 1, 0));
	close(epoll);
}

TEST_F(fence_file, can_be_closed_while_its_fence_is_watched)
{
	int copy = merge_sync_files(self->a, self->a);

	ASSERT_LE(0, copy);
	EXPECT_EQ(0, ready_now(copy, POLLIN));
	EXPECT_EQ(0, ready_now(self->a, POLLIN));
	close(copy);
	ASSERT_EQ(0, timeline_advance(self->timelines[0], 1));
	EXPECT_EQ(POLLIN, ready_now(self->a, POLLIN));
}

/*
 * Merging
 */

TEST_F(fence_file, a_merge_waits_for_both)
{
	int merged = merge_sync_files(self->a, self->b);

	ASSERT_LE(0, merged);
	EXPECT_EQ(2, count_fences(merged));
	ASSERT_EQ(0, timeline_advance(self->timelines[1], 1));
	EXPECT_FALSE(has_signalled(merged));
	EXPECT_EQ(0, read_status(merged));
	ASSERT_EQ(0, timeline_advance(self->timelines[0], 1));
	EXPECT_TRUE(has_signalled(merged));
	EXPECT_EQ(1, read_status(merged));
	close(merged);
}

TEST_F(fence_file, a_sleeper_on_a_merge_wakes_with_the_last)
{
	struct sleeper sleeper = {
		.wait = sleeper_poll,
		.fd = merge_sync_files(self->a, self->b),
		.events = POLLIN,
	};

	ASSERT_LE(0, sleeper.fd);
	ASSERT_TRUE(sleeper_start(&sleeper));
	ASSERT_EQ(0, timeline_advance(self->timelines[0], 1));
	EXPECT_EQ(0, ready_now(sleeper.fd, POLLIN));
	ASSERT_EQ(0, timeline_advance(self->timelines[1], 1));
	EXPECT_EQ(POLLIN, sleeper_join(&sleeper));
	close(sleeper.fd);
}

TEST_F(fence_file, a_merge_outlives_what_it_was_made_of)
{
	int later = fence_create(self->timelines[0], 2);
	int merged = merge_sync_files(later, self->b);

	ASSERT_LE(0, later);
	ASSERT_LE(0, merged);
	close(later);
	EXPECT_EQ(2, count_fences(merged));
	ASSERT_EQ(0, timeline_advance(self->timelines[0], 2));
	ASSERT_EQ(0, timeline_advance(self->timelines[1], 1));
	EXPECT_TRUE(has_signalled(merged));
	close(merged);
}

TEST_F(fence_file, merged_with_itself_it_is_the_same)
{
	int merged = merge_sync_files(self->a, self->a);
	struct sync_fence_info fence;
	struct sync_file_info info;

	ASSERT_LE(0, merged);
	ASSERT_EQ(0, read_info(merged, &info, &fence, 1));
	EXPECT_EQ(1U, info.num_fences);
	EXPECT_STREQ("sw_sync", fence.driver_name);
	close(merged);
}

TEST_F(fence_file, of_one_timeline_only_the_last_is_waited_for)
{
	int later = fence_create(self->timelines[0], 5);
	int merged[] = {
		merge_sync_files(self->a, later),
		merge_sync_files(later, self->a),
	};
	size_t i;

	ASSERT_LE(0, later);
	ASSERT_EQ(0, timeline_advance(self->timelines[0], 4));
	for (i = 0; i < ARRAY_SIZE(merged); i++) {
		ASSERT_LE(0, merged[i]);
		EXPECT_EQ(1, count_fences(merged[i]));
		EXPECT_FALSE(has_signalled(merged[i]));
	}
	ASSERT_EQ(0, timeline_advance(self->timelines[0], 1));
	for (i = 0; i < ARRAY_SIZE(merged); i++) {
		EXPECT_TRUE(has_signalled(merged[i]));
		close(merged[i]);
	}
	close(later);
}

TEST_F(fence_file, a_merge_leaves_out_what_has_signalled)
{
	int merged;

	ASSERT_EQ(0, timeline_advance(self->timelines[0], 1));
	merged = merge_sync_files(self->a, self->b);
	ASSERT_LE(0, merged);
	EXPECT_EQ(1, count_fences(merged));
	EXPECT_FALSE(has_signalled(merged));
	ASSERT_EQ(0, timeline_advance(self->timelines[1], 1));
	EXPECT_TRUE(has_signalled(merged));
	close(merged);
}

TEST_F(fence_file, a_merge_of_what_has_signalled_has_the_last_timestamp)
{
	struct sync_fence_info last, fence = {};
	struct sync_file_info info;
	int merged;

	ASSERT_EQ(0, timeline_advance(self->timelines[0], 1));
	ASSERT_EQ(0, timeline_advance(self->timelines[1], 1));
	ASSERT_EQ(0, read_info(self->b, &info, &last, 1));
	merged = merge_sync_files(self->a, self->b);
	ASSERT_LE(0, merged);
	EXPECT_TRUE(has_signalled(merged));
	ASSERT_EQ(0, read_info(merged, &info, &fence, 1));
	EXPECT_EQ(1U, info.num_fences);
	EXPECT_EQ(1, info.status);
	EXPECT_EQ(1, fence.status);
	EXPECT_EQ(last.timestamp_ns, fence.timestamp_ns);
	close(merged);
}

/* A sync file of a fence of each of MANY timelines. */
static int merge_many(struct __test_metadata *_metadata, const int *timelines)
{
	int merged = fence_create(timelines[0], 1), i;

	for (i = 1; i < MANY; i++) {
		int next = fence_create(timelines[i], 1);
		int both = merge_sync_files(merged, next);

		EXPECT_LE(0, both);
		close(next);
		close(merged);
		merged = both;
	}
	return merged;
}

TEST_F(fence_file, many_merge_into_all_of_them)
{
	int a = merge_many(_metadata, self->timelines);
	int b = merge_many(_metadata, self->timelines + MANY);
	struct sync_fence_info fences[2 * MANY];
	struct sync_file_info info;
	int same = merge_sync_files(a, a), all = merge_sync_files(b, a), i;

	EXPECT_EQ(MANY, count_fences(a));
	EXPECT_EQ(MANY, count_fences(same));
	ASSERT_EQ(0, read_info(all, &info, fences, 2 * MANY));
	EXPECT_EQ(2U * MANY, info.num_fences);
	for (i = 0; i < 2 * MANY; i++) {
		EXPECT_EQ(0, fences[i].status);
		EXPECT_EQ(0U, fences[i].flags);
		EXPECT_EQ(0U, fences[i].timestamp_ns);
		EXPECT_STREQ("sw_sync", fences[i].driver_name);
	}
	for (i = 0; i < 2 * MANY; i++) {
		EXPECT_FALSE(has_signalled(all));
		ASSERT_EQ(0, timeline_advance(self->timelines[i], 1));
	}
	EXPECT_TRUE(has_signalled(same));
	EXPECT_TRUE(has_signalled(all));
	close(a);
	close(b);
	close(same);
	close(all);
}

TEST_F(fence_file, a_merged_fd_is_closed_on_exec)
{
	int merged = merge_sync_files(self->a, self->b);

	ASSERT_LE(0, merged);
	EXPECT_EQ(FD_CLOEXEC, fcntl(merged, F_GETFD));
	close(merged);
}

TEST_F(fence_file, a_merge_refuses_flags_and_padding)
{
	struct sync_merge_data request;
	int bit;

	for (bit = 0; bit < 32; bit++) {
		request = (struct sync_merge_data){
			.fd2 = self->b,
			.flags = 1U << bit,
		};
		EXPECT_EQ(-EINVAL, call_ioctl(self->a, SYNC_IOC_MERGE, &request));
		request = (struct sync_merge_data){
			.fd2 = self->b,
			.pad = 1U << bit,
		};
		EXPECT_EQ(-EINVAL, call_ioctl(self->a, SYNC_IOC_MERGE, &request));
	}
}

TEST_F(fence_file, a_merge_needs_another_sync_file)
{
	int other = open("/dev/null", O_RDWR | O_CLOEXEC);
	int path = open("/dev", O_PATH | O_CLOEXEC);

	ASSERT_LE(0, other);
	ASSERT_LE(0, path);
	EXPECT_EQ(-ENOENT, merge_sync_files(self->a, -1));
	EXPECT_EQ(-ENOENT, merge_sync_files(self->a, 1 << 20));
	EXPECT_EQ(-ENOENT, merge_sync_files(self->a, other));
	EXPECT_EQ(-ENOENT, merge_sync_files(self->a, path));
	EXPECT_EQ(-ENOENT, merge_sync_files(self->a, self->timelines[0]));
	close(path);
	close(other);
}

TEST_F(fence_file, a_merge_that_cannot_be_told_of_leaves_nothing)
{
	struct sync_merge_data request = { .fd2 = self->b };
	char *page = page_before_a_hole(PROT_READ | PROT_WRITE);
	long files = count_kernel_files();
	int i;

	ASSERT_NE(NULL, page);
	memcpy(page, &request, sizeof(request));
	ASSERT_EQ(0, mprotect(page, page_size(), PROT_READ));
	for (i = 0; i < LEAK_ROUNDS; i++)
		ASSERT_EQ(-EFAULT, call_ioctl(self->a, SYNC_IOC_MERGE, page));
	EXPECT_GT(files + LEAK_SLACK, count_kernel_files());
	EXPECT_EQ(-EFAULT, call_ioctl(self->a, SYNC_IOC_MERGE,
				      page + page_size() - 8));
	EXPECT_EQ(-EFAULT, call_ioctl(self->a, SYNC_IOC_MERGE, NULL));
	munmap(page, page_size());
}

TEST_F(fence_file, a_merge_needs_a_free_fd)
{
	struct rlimit old, none;

	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &old));
	none = old;
	none.rlim_cur = 0;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &none));
	EXPECT_EQ(-EMFILE, merge_sync_files(self->a, self->b));
	EXPECT_EQ(-EMFILE, fence_create(self->timelines[0], 1));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &old));
}

/*
 * Asking
 */

TEST_F(fence_file, a_name_that_is_too_long_is_cut_off)
{
	char name[32], shown[32];
	struct sync_file_info info;
	int merged;

	memset(name, 'x', sizeof(name));
	memset(shown, 'x', sizeof(shown) - 1);
	shown[31] = '\0';
	merged = merge_named(self->a, self->b, name, sizeof(name));
	ASSERT_LE(0, merged);
	ASSERT_EQ(0, read_info(merged, &info, NULL, 0));
	EXPECT_EQ(0, memcmp(shown, info.name, sizeof(shown)));
	close(merged);
}

TEST_F(fence_file, nothing_stands_behind_a_name)
{
	char name[32] = "short\0and more";
	struct sync_file_info info;
	int merged = merge_named(self->a, self->b, name, sizeof(name)), i;

	ASSERT_LE(0, merged);
	ASSERT_EQ(0, read_info(merged, &info, NULL, 0));
	EXPECT_STREQ("short", info.name);
	for (i = strlen("short"); i < 32; i++)
		EXPECT_EQ(0, info.name[i]);
	close(merged);
}

TEST_F(fence_file, without_a_name_it_is_called_after_its_fence)
{
	struct sync_file_info info;
	struct sync_fence_info fence;
	char start[64];

	ASSERT_EQ(0, read_info(self->a, &info, &fence, 1));
	snprintf(start, sizeof(start), "sw_sync-%s", fence.obj_name);
	EXPECT_EQ(0, strncmp(start, info.name, strlen(start)));
	EXPECT_STREQ("-1", strrchr(info.name, '-'));
}

TEST_F(fence_file, asked_for_a_number_it_tells_no_more)
{
	struct sync_fence_info fence = { .status = 77 };
	int merged = merge_sync_files(self->a, self->b);
	struct sync_file_info info;

	ASSERT_LE(0, merged);
	ASSERT_EQ(0, read_info(merged, &info, &fence, 0));
	EXPECT_EQ(2U, info.num_fences);
	EXPECT_EQ(0, info.status);
	EXPECT_STREQ("merged", info.name);
	EXPECT_EQ(77, fence.status);
	close(merged);
}

TEST_F(fence_file, an_array_that_is_too_small_is_left_alone)
{
	struct sync_fence_info fence = { .status = 77 };
	int merged = merge_sync_files(self->a, self->b);
	struct sync_file_info info;

	ASSERT_LE(0, merged);
	EXPECT_EQ(-EINVAL, read_info(merged, &info, &fence, 1));
	EXPECT_EQ(77, fence.status);
	EXPECT_EQ(-EINVAL, read_info(merged, &info, NULL, 1));
	close(merged);
}

TEST_F(fence_file, what_is_left_of_an_array_is_left_alone)
{
	struct sync_fence_info fences[4] = { [2] = { .status = 77 } };
	int merged = merge_sync_files(self->a, self->b);
	struct sync_file_info info;

	ASSERT_LE(0, merged);
	ASSERT_EQ(0, read_info(merged, &info, fences, 4));
	EXPECT_EQ(2U, info.num_fences);
	EXPECT_STREQ("sw_sync", fences[1].driver_name);
	EXPECT_EQ(77, fences[2].status);
	ASSERT_EQ(0, read_info(merged, &info, fences, UINT32_MAX));
	EXPECT_EQ(2U, info.num_fences);
	close(merged);
}

/* Nothing but NULs behind @name, one of them at least. */
static bool is_all_of(const char *name, const char *field, size_t size)
{
	size_t i = strlen(name);

	if (i >= size || memcmp(name, field, i))
		return false;
	for (; i < size; i++)
		if (field[i])
			return false;
	return true;
}

TEST_F(fence_file, nothing_stands_behind_the_names_of_a_fence)
{
	/* As long as a timeline's can be. */
	int timeline = create_timeline_named("fifteen letters");
	int file = fence_create(timeline, 1);
	struct sync_fence_info fence;
	struct sync_file_info info;

	memset(&fence, 0xff, sizeof(fence));
	ASSERT_EQ(0, read_info(file, &info, &fence, 1));
	EXPECT_TRUE(is_all_of("sw_sync", fence.driver_name, sizeof(fence.driver_name)));
	EXPECT_TRUE(is_all_of("fifteen letters", fence.obj_name, sizeof(fence.obj_name)));
	EXPECT_EQ(0U, fence.flags);
	EXPECT_EQ(0U, fence.timestamp_ns);
	close(file);
	close(timeline);
}

TEST_F(fence_file, a_timestamp_says_when_it_signalled)
{
	struct sync_fence_info fence;
	struct sync_file_info info;
	__u64 before = monotonic_ns(), after;

	ASSERT_EQ(0, timeline_advance(self->timelines[0], 1));
	after = monotonic_ns();
	ASSERT_EQ(0, read_info(self->a, &info, &fence, 1));
	EXPECT_EQ(1, fence.status);
	EXPECT_LE(before, fence.timestamp_ns);
	EXPECT_GE(after, fence.timestamp_ns);
}

TEST_F(fence_file, an_error_shows_once_all_has_signalled)
{
	int timeline = timeline_create();
	int failing = fence_create(timeline, 1);
	int merged = merge_sync_files(failing, self->b);
	struct sync_fence_info fences[2];
	struct sync_file_info info;

	ASSERT_LE(0, merged);
	close(timeline);
	EXPECT_EQ(-ENOENT, read_status(failing));
	close(failing);
	ASSERT_EQ(0, read_info(merged, &info, fences, 2));
	EXPECT_EQ(0, info.status);
	EXPECT_EQ(-ENOENT, fences[0].status + fences[1].status);

	ASSERT_EQ(0, timeline_advance(self->timelines[1], 1));
	EXPECT_TRUE(has_signalled(merged));
	ASSERT_EQ(0, read_info(merged, &info, fences, 2));
	EXPECT_EQ(-ENOENT, info.status);
	EXPECT_EQ(-ENOENT, read_status(merged));
	close(merged);
}

TEST_F(fence_file, info_refuses_flags_and_padding)
{
	struct sync_file_info info;
	int bit;

	for (bit = 0; bit < 32; bit++) {
		info = (struct sync_file_info){ .flags = 1U << bit };
		EXPECT_EQ(-EINVAL, call_ioctl(self->a, SYNC_IOC_FILE_INFO, &info));
		info = (struct sync_file_info){ .pad = 1U << bit };
		EXPECT_EQ(-EINVAL, call_ioctl(self->a, SYNC_IOC_FILE_INFO, &info));
	}
}

TEST_F(fence_file, info_needs_memory_that_is_there)
{
	char *page = page_before_a_hole(PROT_READ | PROT_WRITE);
	int merged = merge_sync_files(self->a, self->b);
	struct sync_file_info info;

	ASSERT_NE(NULL, page);
	ASSERT_LE(0, merged);
	EXPECT_EQ(-EFAULT, call_ioctl(merged, SYNC_IOC_FILE_INFO, NULL));
	EXPECT_EQ(-EFAULT, read_info(merged, &info, NULL, 2));
	/* Room for one of two. */
	EXPECT_EQ(-EFAULT, read_info(merged, &info, (void *)
				     (page + page_size() - sizeof(struct sync_fence_info)), 2));
	EXPECT_EQ(0, read_info(merged, &info, (void *)
			       (page + page_size() - 2 * sizeof(struct sync_fence_info)), 2));
	/* It can be read, but not written. */
	memset(page, 0, sizeof(info));
	ASSERT_EQ(0, mprotect(page, page_size(), PROT_READ));
	EXPECT_EQ(-EFAULT, call_ioctl(merged, SYNC_IOC_FILE_INFO, page));
	munmap(page, page_size());
	close(merged);
}

/*
 * Deadlines, and the rest
 */

TEST_F(fence_file, a_deadline_is_told_to_the_fence)
{
	__u64 deadline;

	ASSERT_EQ(0, set_deadline(self->a, 5000));
	ASSERT_EQ(0, get_deadline(self->timelines[0], self->a, &deadline));
	EXPECT_EQ(5000U, deadline);
}

TEST_F(fence_file, a_deadline_is_told_to_all_fences)
{
	int merged = merge_sync_files(self->a, self->b);
	__u64 deadline;

	ASSERT_LE(0, merged);
	ASSERT_EQ(0, set_deadline(merged, 6000));
	ASSERT_EQ(0, get_deadline(self->timelines[0], self->a, &deadline));
	EXPECT_EQ(6000U, deadline);
	ASSERT_EQ(0, get_deadline(self->timelines[0], self->b, &deadline));
	EXPECT_EQ(6000U, deadline);
	close(merged);
}

TEST_F(fence_file, a_deadline_refuses_padding)
{
	struct sync_set_deadline request;
	__u64 deadline;
	int bit;

	for (bit = 0; bit < 64; bit++) {
		request = (struct sync_set_deadline){ .pad = 1ULL << bit };
		EXPECT_EQ(-EINVAL, call_ioctl(self->a, SYNC_IOC_SET_DEADLINE, &request));
	}
	EXPECT_EQ(-EFAULT, call_ioctl(self->a, SYNC_IOC_SET_DEADLINE, NULL));
	EXPECT_EQ(-ENOENT, get_deadline(self->timelines[0], self->a, &deadline));
}

TEST_F(fence_file, a_deadline_after_the_end_is_fine)
{
	ASSERT_EQ(0, timeline_advance(self->timelines[0], 1));
	EXPECT_EQ(0, set_deadline(self->a, 1));
}

TEST_F(fence_file, other_ioctls_are_unknown)
{
	int number;

	for (number = 0; number < 256; number++) {
		if (number >= 3 && number <= 5)
			continue;
		EXPECT_EQ(-ENOTTY, call_ioctl(self->a, _IO('>', number), NULL));
	}
	EXPECT_EQ(-ENOTTY, call_ioctl(self->a, SW_SYNC_IOC_INC, NULL));
}

TEST_F(fence_file, its_link_says_what_it_is)
{
	char path[64], link[64] = "";

	snprintf(path, sizeof(path), "/proc/self/fd/%d", self->a);
	EXPECT_LT(0, readlink(path, link, sizeof(link) - 1));
	EXPECT_STREQ("anon_inode:sync_file", link);
}

/*
 * Storms
 */

static int merge_ask_and_poll(struct worker *worker)
{
	int merged = merge_sync_files(worker->file, worker->file);
	struct sync_fence_info fence;
	struct sync_file_info info;
	int err;

	if (merged < 0)
		return merged;
	err = read_info(merged, &info, &fence, 1);
	if (ready_now(merged, POLLIN) < 0)
		err = -1;
	return close(merged) ?: err;
}

/* A fence signals while it is merged, asked and polled by the others. */
static int signal_and_wait(struct worker *worker)
{
	int timeline = timeline_create();
	int fence = fence_create(timeline, 1);
	int both = merge_sync_files(fence, worker->file);
	struct pollfd request = { .fd = fence, .events = POLLIN };
	int err = 0;

	if (both < 0 || ready_now(both, POLLIN) || timeline_advance(timeline, 1) ||
	    poll(&request, 1, PATIENCE) != 1)
		err = -1;
	close(both);
	close(fence);
	return close(timeline) ?: err;
}

TEST_F(fence_file, merging_asking_and_closing_mix)
{
	struct worker workers[] = {
		{ .work = merge_ask_and_poll, .file = self->a },
		{ .work = merge_ask_and_poll, .file = self->a },
		{ .work = signal_and_wait, .file = self->a },
		{ .work = signal_and_wait, .file = self->b },
	};

	EXPECT_EQ(0, run_workers(workers, ARRAY_SIZE(workers)));
}

/* Without practice: the first look is the one that should meet the signal. */
static int poll_unprepared(struct sleeper *sleeper, int timeout)
{
	return timeout ? sleeper_poll(sleeper, timeout) : 0;
}

/* All poll the same file at once, while its fence signals. */
static bool all_are_woken(void)
{
	struct sleeper sleepers[3] = {};
	int timeline = timeline_create();
	int fence = fence_create(timeline, 1);
	bool woken = fence >= 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sleepers); i++) {
		sleepers[i].wait = poll_unprepared;
		sleepers[i].fd = fence;
		sleepers[i].events = POLLIN;
		woken &= sleeper_launch(&sleepers[i]);
	}
	woken &= !timeline_advance(timeline, 1);
	for (i = 0; woken && i < ARRAY_SIZE(sleepers); i++)
		woken = sleeper_join(&sleepers[i]) == POLLIN;
	close(fence);
	close(timeline);
	return woken;
}

TEST_F(fence_file, no_sleeper_is_forgotten)
{
	__u64 end = storm_end();
	int round;

	for (round = 0; another_round(round, end); round++)
		ASSERT_TRUE(all_are_woken());
}

TEST_HARNESS_MAIN
