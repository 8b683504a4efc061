// SPDX-License-Identifier: GPL-2.0-only
/*
 * When there is no more: of fds, of memory, of pages that the user's pointer
 * points to. Every allocation of every call fails once, in turn; each time
 * there must be as many fds and buffers afterwards as before.
 */
#include "../kselftest_harness.h"

#include <sys/epoll.h>
#include <sys/resource.h>

#include "bufinfo.h"
#include "fence_helpers.h"
#include "prime.h"
#include "sweep.h"
#include "udmabuf_helpers.h"

FIXTURE(exhaustion)
{
	int buffer;
	int timeline;
	struct rlimit limit;
};

FIXTURE_SETUP(exhaustion)
{
	if (LACKS(SYSTEM_HEAP, SW_SYNC, BUFINFO))
		SKIP(return, "%s", lack);
	self->buffer = heap_alloc(page_size());
	ASSERT_LE(0, self->buffer);
	self->timeline = timeline_create();
	ASSERT_LE(0, self->timeline);
	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &self->limit));
}

FIXTURE_TEARDOWN(exhaustion)
{
	setrlimit(RLIMIT_NOFILE, &self->limit);
	close(self->timeline);
	close(self->buffer);
}

/* Leaves room for @count more fds. */
static int limit_fds(int count, rlim_t maximum)
{
	struct rlimit limit = { .rlim_max = maximum };
	int next = dup(STDIN_FILENO);

	close(next);
	limit.rlim_cur = next + count;
	return setrlimit(RLIMIT_NOFILE, &limit);
}

TEST_F(exhaustion, without_a_fd_left_an_export_is_emfile_and_leaks_nothing)
{
	long files = count_kernel_files();
	int fds = count_open_fds();
	int i;

	ASSERT_EQ(0, add_job(self->buffer, DMA_BUF_SYNC_WRITE, self->timeline, 1));
	ASSERT_EQ(0, limit_fds(0, self->limit.rlim_max));
	for (i = 0; i < LEAK_ROUNDS; i++)
		ASSERT_EQ(-EMFILE, export_sync_file(self->buffer, DMA_BUF_SYNC_RW));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &self->limit));
	EXPECT_EQ(fds, count_open_fds());
	EXPECT_GT(files + LEAK_SLACK, count_kernel_files());
	i = export_sync_file(self->buffer, DMA_BUF_SYNC_RW);
	EXPECT_LE(0, i);
	close(i);
}

TEST_F(exhaustion, without_a_fd_left_an_allocation_is_emfile_and_leaks_nothing)
{
	int buffers = count_buffers(), i;

	ASSERT_EQ(0, limit_fds(1, self->limit.rlim_max));
	/* The one that is left is the heap's own. */
	for (i = 0; i < 50; i++)
		ASSERT_EQ(-EMFILE, heap_alloc(page_size()));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &self->limit));
	EXPECT_TRUE(wait_for_buffers(buffers));
}

TEST_F(exhaustion, the_fds_until_then_all_work)
{
	int fds[8], i;

	ASSERT_EQ(0, limit_fds(ARRAY_SIZE(fds), self->limit.rlim_max));
	for (i = 0; i < (int)ARRAY_SIZE(fds); i++) {
		fds[i] = export_sync_file(self->buffer, DMA_BUF_SYNC_RW);
		ASSERT_LE(0, fds[i]);
	}
	EXPECT_EQ(-EMFILE, export_sync_file(self->buffer, DMA_BUF_SYNC_RW));
	for (i = 0; i < (int)ARRAY_SIZE(fds); i++) {
		EXPECT_TRUE(has_signalled(fds[i]));
		close(fds[i]);
	}
}

/* What the calls are made on. */
struct target {
	int buffer;
	int timelines[3];
	int fence;
	/* A sync file to merge it with. */
	int other;
	int epoll;
	int drm;
	int fail_nth;
};

FIXTURE(sweep)
{
	struct target target;
};

FIXTURE_SETUP(sweep)
{
	size_t i;

	if (LACKS(SYSTEM_HEAP, SW_SYNC, BUFINFO, FAIL_NTH, FAILSLAB))
		SKIP(return, "%s", lack);
	ASSERT_EQ(0, set_up_fault_injection());
	self->target.buffer = heap_alloc(page_size());
	ASSERT_LE(0, self->target.buffer);
	for (i = 0; i < ARRAY_SIZE(self->target.timelines); i++) {
		self->target.timelines[i] = timeline_create();
		ASSERT_LE(0, self->target.timelines[i]);
	}
	self->target.fence = fence_create(self->target.timelines[0], 1);
	ASSERT_LE(0, self->target.fence);
	self->target.epoll = epoll_create1(EPOLL_CLOEXEC);
	ASSERT_LE(0, self->target.epoll);
	self->target.drm = importer_open();
	self->target.fail_nth = open(FAIL_NTH, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->target.fail_nth);
}

FIXTURE_TEARDOWN(sweep)
{
	size_t i;

	close(self->target.fail_nth);
	if (self->target.drm >= 0)
		close(self->target.drm);
	close(self->target.epoll);
	close(self->target.fence);
	for (i = 0; i < ARRAY_SIZE(self->target.timelines); i++)
		close(self->target.timelines[i]);
	close(self->target.buffer);
}

static void undo_close(struct target *target, int result)
{
	close(result);
}

static int call_heap_alloc(struct target *target)
{
	return heap_alloc(page_size());
}

TEST_F(sweep, allocating_a_buffer)
{
	static const struct sweep_call call = { .call = call_heap_alloc, .undo = undo_close };

	EXPECT_LT(0, sweep(self->target.fail_nth, &self->target, &call));
}

/* Of several blocks. */
static int call_heap_alloc_large(struct target *target)
{
	return heap_alloc(77 * page_size());
}

TEST_F(sweep, allocating_a_buffer_of_several_blocks)
{
	static const struct sweep_call call = {
		.call = call_heap_alloc_large,
		.undo = undo_close,
	};

	EXPECT_LT(0, sweep(self->target.fail_nth, &self->target, &call));
}

/* The memory is made as well, so that there are pages to be allocated. */
static int call_udmabuf(struct target *target)
{
	int memfd = sealed_memfd(40 * page_size()), ret;

	if (memfd < 0)
		return memfd;
	ret = udmabuf_create(memfd, 40 * page_size());
	close(memfd);
	return ret;
}

TEST_F(sweep, making_a_buffer_of_a_memfd)
{
	static const struct sweep_call call = { .call = call_udmabuf, .undo = undo_close };

	if (LACKS(UDMABUF))
		SKIP(return, "%s", lack);
	EXPECT_LT(0, sweep(self->target.fail_nth, &self->target, &call));
}

/* Of two memfds. */
static int call_udmabuf_of_parts(struct target *target)
{
	struct udmabuf_create_item parts[] = {
		{ .memfd = sealed_memfd(3 * page_size()), .size = 3 * page_size() },
		{ .memfd = sealed_memfd(40 * page_size()), .size = 40 * page_size() },
	};
	int device = open(UDMABUF, O_RDWR | O_CLOEXEC), ret;

	ret = create_list(device, parts, ARRAY_SIZE(parts));
	close(device);
	close(parts[0].memfd);
	close(parts[1].memfd);
	return ret;
}

TEST_F(sweep, making_a_buffer_of_parts_of_memfds)
{
	static const struct sweep_call call = {
		.call = call_udmabuf_of_parts,
		.undo = undo_close,
	};

	if (LACKS(UDMABUF))
		SKIP(return, "%s", lack);
	EXPECT_LT(0, sweep(self->target.fail_nth, &self->target, &call));
}

static int call_set_name(struct target *target)
{
	return set_name(target->buffer, "another name");
}

TEST_F(sweep, naming_a_buffer)
{
	static const struct sweep_call call = { .call = call_set_name };
	char name[64];

	ASSERT_EQ(0, set_name(self->target.buffer, "a name"));
	EXPECT_LT(0, sweep(self->target.fail_nth, &self->target, &call));
	EXPECT_LT(0, fdinfo_line(self->target.buffer, "name", name, sizeof(name)));
	EXPECT_STREQ("another name", name);
}

static int call_sync(struct target *target)
{
	return cpu_sync(target->buffer, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW) ?:
	       cpu_sync(target->buffer, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW);
}

TEST_F(sweep, opening_and_closing_a_bracket)
{
	static const struct sweep_call call = { .call = call_sync };

	EXPECT_LE(0, sweep(self->target.fail_nth, &self->target, &call));
}

static int call_export(struct target *target)
{
	return export_sync_file(target->buffer, DMA_BUF_SYNC_RW);
}

TEST_F(sweep, exporting_no_job)
{
	static const struct sweep_call call = { .call = call_export, .undo = undo_close };

	EXPECT_LT(0, sweep(self->target.fail_nth, &self->target, &call));
}

TEST_F(sweep, exporting_several_jobs)
{
	static const struct sweep_call call = { .call = call_export, .undo = undo_close };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(self->target.timelines); i++)
		ASSERT_EQ(0, add_job(self->target.buffer, DMA_BUF_SYNC_WRITE,
				     self->target.timelines[i], 1));
	EXPECT_LT(0, sweep(self->target.fail_nth, &self->target, &call));
	EXPECT_EQ(0, ready_now(self->target.buffer, POLLIN | POLLOUT));
}

static int call_import(struct target *target)
{
	return import_sync_file(target->buffer, DMA_BUF_SYNC_WRITE, target->fence);
}

TEST_F(sweep, importing_a_job)
{
	static const struct sweep_call call = { .call = call_import };

	EXPECT_LT(0, sweep(self->target.fail_nth, &self->target, &call));
	EXPECT_EQ(0, ready_now(self->target.buffer, POLLIN | POLLOUT));
	ASSERT_EQ(0, timeline_advance(self->target.timelines[0], 1));
	EXPECT_EQ(POLLIN | POLLOUT, ready_now(self->target.buffer, POLLIN | POLLOUT));
}

TEST_F(sweep, importing_a_merged_job)
{
	static const struct sweep_call call = { .call = call_import };
	int other = fence_create(self->target.timelines[1], 1);
	int merged = merge_sync_files(self->target.fence, other);

	ASSERT_LE(0, merged);
	close(self->target.fence);
	self->target.fence = merged;
	EXPECT_LT(0, sweep(self->target.fail_nth, &self->target, &call));
	ASSERT_EQ(0, timeline_advance(self->target.timelines[0], 1));
	EXPECT_EQ(0, ready_now(self->target.buffer, POLLIN));
	ASSERT_EQ(0, timeline_advance(self->target.timelines[1], 1));
	EXPECT_EQ(POLLIN, ready_now(self->target.buffer, POLLIN));
	close(other);
}

static int call_poll(struct target *target)
{
	return ready_now(target->buffer, POLLIN | POLLOUT);
}

TEST_F(sweep, polling)
{
	static const struct sweep_call call = { .call = call_poll };

	ASSERT_EQ(0, add_job(self->target.buffer, DMA_BUF_SYNC_WRITE,
			     self->target.timelines[0], 1));
	EXPECT_LT(0, sweep(self->target.fail_nth, &self->target, &call));
	EXPECT_EQ(1, reference_count(self->target.buffer));
	ASSERT_EQ(0, timeline_advance(self->target.timelines[0], 1));
	EXPECT_EQ(POLLIN | POLLOUT, ready_now(self->target.buffer, POLLIN | POLLOUT));
}

static int call_epoll(struct target *target)
{
	struct epoll_event event = { .events = EPOLLIN };

	return epoll_ctl(target->epoll, EPOLL_CTL_ADD, target->buffer, &event);
}

static void undo_epoll(struct target *target, int result)
{
	epoll_ctl(target->epoll, EPOLL_CTL_DEL, target->buffer, NULL);
}

TEST_F(sweep, adding_to_epoll)
{
	static const struct sweep_call call = { .call = call_epoll, .undo = undo_epoll };

	ASSERT_EQ(0, add_job(self->target.buffer, DMA_BUF_SYNC_WRITE,
			     self->target.timelines[0], 1));
	EXPECT_LT(0, sweep(self->target.fail_nth, &self->target, &call));
	EXPECT_EQ(1, reference_count(self->target.buffer));
}

static int call_mmap(struct target *target)
{
	char *data = mmap(NULL, page_size(), PROT_READ | PROT_WRITE, MAP_SHARED,
			  target->buffer, 0);

	if (data == MAP_FAILED)
		return -errno;
	munmap(data, page_size());
	return 0;
}

TEST_F(sweep, mapping)
{
	static const struct sweep_call call = { .call = call_mmap };

	EXPECT_LT(0, sweep(self->target.fail_nth, &self->target, &call));
	EXPECT_EQ(1, reference_count(self->target.buffer));
}

static int call_fdinfo(struct target *target)
{
	return reference_count(target->buffer);
}

TEST_F(sweep, reading_fdinfo)
{
	static const struct sweep_call call = { .call = call_fdinfo };

	EXPECT_LT(0, sweep(self->target.fail_nth, &self->target, &call));
	EXPECT_EQ(1, reference_count(self->target.buffer));
}

/* A read that fails half way has a record to give back. */
static int call_bufinfo(struct target *target)
{
	char *text = read_file(BUFINFO);

	free(text);
	return text ? 0 : -EIO;
}

TEST_F(sweep, reading_bufinfo)
{
	static const struct sweep_call call = { .call = call_bufinfo };

	EXPECT_LT(0, sweep(self->target.fail_nth, &self->target, &call));
	EXPECT_EQ(1, reference_count(self->target.buffer));
}

static int call_prime_import(struct target *target)
{
	__u32 handle;
	int err = prime_import(target->drm, target->buffer, &handle);

	return err ?: (int)handle;
}

static void undo_prime_import(struct target *target, int result)
{
	prime_close(target->drm, result);
}

TEST_F(sweep, importing_into_a_device)
{
	static const struct sweep_call call = {
		.call = call_prime_import,
		.undo = undo_prime_import,
	};
	struct bufinfo_buffer row;

	if (self->target.drm < 0)
		SKIP(return, "neither vgem nor vkms is there to import");
	EXPECT_LT(0, sweep(self->target.fail_nth, &self->target, &call));
	EXPECT_EQ(1, reference_count(self->target.buffer));
	ASSERT_EQ(0, bufinfo_find(inode_number(self->target.buffer), &row));
	EXPECT_EQ(0, row.devices);
}

/*
 * Sync files, which own their fences alone: what is leaked is never released, and
 * stays on its timeline.
 */

#define PARTS	10

FIXTURE(sync_file_sweep)
{
	struct target target;
	int timelines[2 * PARTS];
};

/* In no order, so that a merge has something to sort. */
static int shuffled(int i)
{
	return i * 7 % (2 * PARTS);
}

/* A pending job of each of PARTS timelines as one sync file. */
static int create_parts(const int *timelines, int first)
{
	int buffer = heap_alloc(page_size()), i, err = 0, ret;

	for (i = 0; i < PARTS && !err; i++)
		err = add_job(buffer, DMA_BUF_SYNC_READ, timelines[shuffled(first + i)], 1);
	ret = err ?: export_sync_file(buffer, DMA_BUF_SYNC_RW);
	close(buffer);
	return ret;
}

FIXTURE_SETUP(sync_file_sweep)
{
	int i;

	if (LACKS(SYSTEM_HEAP, SW_SYNC, SYNC_INFO, BUFINFO, FAIL_NTH, FAILSLAB))
		SKIP(return, "%s", lack);
	ASSERT_EQ(0, set_up_fault_injection());
	for (i = 0; i < 2 * PARTS; i++) {
		self->timelines[i] = create_timeline_named("swept");
		ASSERT_LE(0, self->timelines[i]);
	}
	self->target = (struct target){
		.timelines = { self->timelines[0] },
		.fence = create_parts(self->timelines, 0),
		.other = create_parts(self->timelines, PARTS),
		.fail_nth = open(FAIL_NTH, O_RDWR | O_CLOEXEC),
	};
	ASSERT_LE(0, self->target.fence);
	ASSERT_LE(0, self->target.other);
	ASSERT_LE(0, self->target.fail_nth);
	ASSERT_EQ(PARTS, count_fences(self->target.fence));
	ASSERT_EQ(PARTS, count_fences(self->target.other));
	ASSERT_TRUE(info_has("\nswept: 0\n  fence"));
}

/* Once all sync files are closed there is no fence, unless a call has kept one. */
FIXTURE_TEARDOWN(sync_file_sweep)
{
	int i;

	close(self->target.fence);
	close(self->target.other);
	EXPECT_TRUE(wait_until_none_pending("swept"));
	EXPECT_TRUE(info_has("\nswept: 0\n\n"));
	close(self->target.fail_nth);
	for (i = 0; i < 2 * PARTS; i++)
		close(self->timelines[i]);
	EXPECT_FALSE(info_has("swept"));
}

static int call_merge(struct target *target)
{
	return merge_sync_files(target->fence, target->other);
}

TEST_F(sync_file_sweep, merging_two_fences)
{
	static const struct sweep_call call = { .call = call_merge, .undo = undo_close };
	struct target target = self->target;

	target.fence = fence_create(self->timelines[0], 1);
	target.other = fence_create(self->timelines[1], 1);
	ASSERT_LE(0, target.fence);
	ASSERT_LE(0, target.other);
	EXPECT_LT(0, sweep(target.fail_nth, &target, &call));
	close(target.fence);
	close(target.other);
}

TEST_F(sync_file_sweep, merging_many_fences)
{
	static const struct sweep_call call = { .call = call_merge, .undo = undo_close };
	int merged;

	EXPECT_LT(0, sweep(self->target.fail_nth, &self->target, &call));
	merged = call_merge(&self->target);
	EXPECT_EQ(2 * PARTS, count_fences(merged));
	close(merged);
}

static int call_file_info(struct target *target)
{
	struct sync_fence_info fences[PARTS];
	struct sync_file_info info;

	return read_info(target->fence, &info, fences, PARTS);
}

TEST_F(sync_file_sweep, asking_for_fences)
{
	static const struct sweep_call call = { .call = call_file_info };

	EXPECT_LT(0, sweep(self->target.fail_nth, &self->target, &call));
}

static int call_set_deadline(struct target *target)
{
	return set_deadline(target->fence, 1234);
}

TEST_F(sync_file_sweep, setting_a_deadline)
{
	static const struct sweep_call call = { .call = call_set_deadline };

	EXPECT_LT(0, sweep(self->target.fail_nth, &self->target, &call));
}

static int call_get_deadline(struct target *target)
{
	__u64 deadline;

	return get_deadline(target->timelines[0], target->other, &deadline);
}

TEST_F(sync_file_sweep, asking_for_a_deadline)
{
	static const struct sweep_call call = { .call = call_get_deadline };
	struct target target = self->target;

	target.other = fence_create(self->timelines[0], 1);
	ASSERT_LE(0, target.other);
	ASSERT_EQ(0, set_deadline(target.other, 1234));
	EXPECT_LT(0, sweep(target.fail_nth, &target, &call));
	close(target.other);
}

static int call_create_fence(struct target *target)
{
	return fence_create(target->timelines[0], 1);
}

TEST_F(sync_file_sweep, creating_a_fence)
{
	static const struct sweep_call call = { .call = call_create_fence, .undo = undo_close };

	EXPECT_LT(0, sweep(self->target.fail_nth, &self->target, &call));
}

static int call_create_timeline(struct target *target)
{
	return timeline_create();
}

TEST_F(sync_file_sweep, opening_a_timeline)
{
	static const struct sweep_call call = {
		.call = call_create_timeline,
		.undo = undo_close,
	};

	EXPECT_LT(0, sweep(self->target.fail_nth, &self->target, &call));
}

static int call_sync_info(struct target *target)
{
	char *text = read_file(SYNC_INFO);

	free(text);
	return text ? 0 : -EIO;
}

TEST_F(sync_file_sweep, reading_sync_info)
{
	static const struct sweep_call call = { .call = call_sync_info };

	EXPECT_LT(0, sweep(self->target.fail_nth, &self->target, &call));
	EXPECT_TRUE(info_has("\nswept: 0\n  fence"));
}

TEST_HARNESS_MAIN
