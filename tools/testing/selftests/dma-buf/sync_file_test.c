// SPDX-License-Identifier: GPL-2.0-only
/* Fences into a buffer and out of it. */
#include "../kselftest_harness.h"

#include "bufinfo.h"

#define READ	DMA_BUF_SYNC_READ
#define WRITE	DMA_BUF_SYNC_WRITE
#define RW	DMA_BUF_SYNC_RW

FIXTURE(sync_file)
{
	int buffer;
	int timeline;
};

FIXTURE_SETUP(sync_file)
{
	if (LACKS(SYSTEM_HEAP, SW_SYNC, BUFINFO))
		SKIP(return, "%s", lack);
	self->buffer = heap_alloc(page_size());
	ASSERT_LE(0, self->buffer);
	self->timeline = timeline_create();
	ASSERT_LE(0, self->timeline);
}

FIXTURE_TEARDOWN(sync_file)
{
	close(self->timeline);
	close(self->buffer);
}

TEST_F(sync_file, without_jobs_an_export_has_signalled)
{
	__u32 flags;

	for (flags = READ; flags <= RW; flags++) {
		int exported = export_sync_file(self->buffer, flags);

		ASSERT_LE(0, exported);
		EXPECT_TRUE(has_signalled(exported));
		close(exported);
	}
}

TEST_F(sync_file, an_exported_fd_is_closed_on_exec)
{
	int exported = export_sync_file(self->buffer, RW);

	ASSERT_LE(0, exported);
	EXPECT_EQ(FD_CLOEXEC, fcntl(exported, F_GETFD));
	close(exported);
}

TEST_F(sync_file, an_export_leaves_the_flags_alone)
{
	struct dma_buf_export_sync_file request = { .flags = WRITE, .fd = -1 };

	ASSERT_EQ(0, call_ioctl(self->buffer, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &request));
	EXPECT_EQ((__u32)WRITE, request.flags);
	EXPECT_LE(0, request.fd);
	close(request.fd);
}

TEST_F(sync_file, an_export_without_a_direction_is_refused)
{
	EXPECT_EQ(-EINVAL, export_sync_file(self->buffer, 0));
}

TEST_F(sync_file, an_export_refuses_every_unknown_bit)
{
	int fds = count_open_fds(), bit;

	for (bit = 2; bit < 32; bit++) {
		EXPECT_EQ(-EINVAL, export_sync_file(self->buffer, 1U << bit | RW))
			TH_LOG("bit %d", bit);
		EXPECT_EQ(-EINVAL, export_sync_file(self->buffer, 1U << bit))
			TH_LOG("bit %d", bit);
	}
	EXPECT_EQ(fds, count_open_fds());
}

TEST_F(sync_file, a_refused_export_does_not_touch_its_argument)
{
	struct dma_buf_export_sync_file request = { .flags = 0, .fd = 12345 };

	ASSERT_EQ(-EINVAL, call_ioctl(self->buffer, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &request));
	EXPECT_EQ(12345, request.fd);
}

TEST_F(sync_file, an_import_without_a_direction_is_refused)
{
	int fence = fence_create(self->timeline, 1);

	ASSERT_LE(0, fence);
	EXPECT_EQ(-EINVAL, import_sync_file(self->buffer, 0, fence));
	EXPECT_EQ(POLLIN | POLLOUT, ready_now(self->buffer, POLLIN | POLLOUT));
	close(fence);
}

TEST_F(sync_file, an_import_refuses_every_unknown_bit)
{
	int fence = fence_create(self->timeline, 1), bit;

	ASSERT_LE(0, fence);
	for (bit = 2; bit < 32; bit++)
		EXPECT_EQ(-EINVAL, import_sync_file(self->buffer, 1U << bit | RW, fence))
			TH_LOG("bit %d", bit);
	EXPECT_EQ(POLLIN | POLLOUT, ready_now(self->buffer, POLLIN | POLLOUT));
	close(fence);
}

TEST_F(sync_file, an_import_of_no_sync_file_is_refused)
{
	int null = open("/dev/null", O_RDONLY);

	ASSERT_LE(0, null);
	EXPECT_EQ(-EINVAL, import_sync_file(self->buffer, RW, -1));
	EXPECT_EQ(-EINVAL, import_sync_file(self->buffer, RW, 12345));
	EXPECT_EQ(-EINVAL, import_sync_file(self->buffer, RW, null));
	EXPECT_EQ(-EINVAL, import_sync_file(self->buffer, RW, self->buffer));
	EXPECT_EQ(-EINVAL, import_sync_file(self->buffer, RW, self->timeline));
	close(null);
}

TEST_F(sync_file, faulting_arguments_are_efault)
{
	static const unsigned long requests[] = {
		DMA_BUF_IOCTL_EXPORT_SYNC_FILE, DMA_BUF_IOCTL_IMPORT_SYNC_FILE,
	};
	char *page = page_before_a_hole(PROT_READ | PROT_WRITE);
	size_t i;

	ASSERT_NE(NULL, page);
	*(__u32 *)(page + page_size() - 4) = RW;
	for (i = 0; i < ARRAY_SIZE(requests); i++) {
		EXPECT_EQ(-EFAULT, call_ioctl(self->buffer, requests[i], NULL));
		EXPECT_EQ(-EFAULT, call_ioctl(self->buffer, requests[i], page + page_size()));
		/* The flags are there, the fd isn't. */
		EXPECT_EQ(-EFAULT, call_ioctl(self->buffer, requests[i],
					      page + page_size() - 4));
	}
}

TEST_F(sync_file, an_export_that_cannot_tell_its_fd_leaks_nothing)
{
	struct dma_buf_export_sync_file *request;
	int fds, buffers, i;
	long files;

	request = (void *)page_before_a_hole(PROT_READ | PROT_WRITE);
	ASSERT_NE(NULL, request);
	request->flags = RW;
	request->fd = -1;
	ASSERT_EQ(0, mprotect(request, page_size(), PROT_READ));

	ASSERT_EQ(0, add_job(self->buffer, WRITE, self->timeline, 1));
	fds = count_open_fds();
	files = count_kernel_files();
	buffers = count_buffers();
	for (i = 0; i < 500; i++)
		ASSERT_EQ(-EFAULT, call_ioctl(self->buffer, DMA_BUF_IOCTL_EXPORT_SYNC_FILE,
					      request));
	EXPECT_EQ(fds, count_open_fds());
	EXPECT_EQ(buffers, count_buffers());
	/* Other processes open files, too, but not that many. */
	EXPECT_GT(files + 250, count_kernel_files());
	EXPECT_EQ(1, reference_count(self->buffer));
}

/* What jobs of each kind mean to those who come after them. */
FIXTURE(usage)
{
	int buffer;
	int timeline;
};

FIXTURE_VARIANT(usage)
{
	__u32 job;
	short ready;
	bool reader_waits;
};

FIXTURE_VARIANT_ADD(usage, of_a_reading_job)
{
	.job = READ,
	.ready = POLLIN,
	.reader_waits = false,
};

FIXTURE_VARIANT_ADD(usage, of_a_writing_job)
{
	.job = WRITE,
	.ready = 0,
	.reader_waits = true,
};

FIXTURE_VARIANT_ADD(usage, of_a_reading_and_writing_job)
{
	.job = RW,
	.ready = 0,
	.reader_waits = true,
};

FIXTURE_SETUP(usage)
{
	if (LACKS(SYSTEM_HEAP, SW_SYNC))
		SKIP(return, "%s", lack);
	self->buffer = heap_alloc(page_size());
	ASSERT_LE(0, self->buffer);
	self->timeline = timeline_create();
	ASSERT_LE(0, self->timeline);
	ASSERT_EQ(0, add_job(self->buffer, variant->job, self->timeline, 1));
}

FIXTURE_TEARDOWN(usage)
{
	close(self->timeline);
	close(self->buffer);
}

TEST_F(usage, shows_in_poll)
{
	EXPECT_EQ(variant->ready, ready_now(self->buffer, POLLIN | POLLOUT));
	ASSERT_EQ(0, timeline_advance(self->timeline, 1));
	EXPECT_EQ(POLLIN | POLLOUT, ready_now(self->buffer, POLLIN | POLLOUT));
}

TEST_F(usage, shows_in_exports)
{
	int for_reading = export_sync_file(self->buffer, READ);
	int for_writing = export_sync_file(self->buffer, WRITE);
	int for_both = export_sync_file(self->buffer, RW);

	ASSERT_LE(0, for_reading);
	ASSERT_LE(0, for_writing);
	ASSERT_LE(0, for_both);
	EXPECT_EQ(!variant->reader_waits, has_signalled(for_reading));
	EXPECT_FALSE(has_signalled(for_writing));
	EXPECT_FALSE(has_signalled(for_both));
	ASSERT_EQ(0, timeline_advance(self->timeline, 1));
	EXPECT_TRUE(has_signalled(for_reading));
	EXPECT_TRUE(has_signalled(for_writing));
	EXPECT_TRUE(has_signalled(for_both));
	close(for_reading);
	close(for_writing);
	close(for_both);
}

TEST_F(sync_file, an_export_is_a_snapshot)
{
	int exported;

	ASSERT_EQ(0, add_job(self->buffer, WRITE, self->timeline, 1));
	exported = export_sync_file(self->buffer, RW);
	ASSERT_LE(0, exported);
	ASSERT_EQ(0, add_job(self->buffer, WRITE, self->timeline, 2));
	ASSERT_EQ(0, timeline_advance(self->timeline, 1));
	EXPECT_TRUE(has_signalled(exported));
	EXPECT_EQ(0, ready_now(self->buffer, POLLIN | POLLOUT));
	close(exported);
}

TEST_F(sync_file, an_export_outlives_the_buffer)
{
	int buffer = heap_alloc(page_size());
	int exported;

	ASSERT_LE(0, buffer);
	ASSERT_EQ(0, add_job(buffer, WRITE, self->timeline, 1));
	exported = export_sync_file(buffer, RW);
	ASSERT_LE(0, exported);
	close(buffer);
	EXPECT_FALSE(has_signalled(exported));
	ASSERT_EQ(0, timeline_advance(self->timeline, 1));
	EXPECT_TRUE(has_signalled(exported));
	close(exported);
}

TEST_F(sync_file, an_export_signals_with_the_last_of_many_jobs)
{
	enum { MANY = 10 };
	int timelines[MANY], exported, i;

	for (i = 0; i < MANY; i++) {
		timelines[i] = timeline_create();
		ASSERT_LE(0, timelines[i]);
		ASSERT_EQ(0, add_job(self->buffer, i % 2 ? READ : WRITE, timelines[i], 1));
	}
	exported = export_sync_file(self->buffer, WRITE);
	ASSERT_LE(0, exported);
	for (i = MANY - 1; i >= 0; i--) {
		EXPECT_FALSE(has_signalled(exported));
		ASSERT_EQ(0, timeline_advance(timelines[i], 1));
		close(timelines[i]);
	}
	EXPECT_TRUE(has_signalled(exported));
	close(exported);
}

TEST_F(sync_file, an_import_leaves_the_sync_file_to_the_caller)
{
	int fence = fence_create(self->timeline, 1);
	int files = count_open_fds();

	ASSERT_LE(0, fence);
	ASSERT_EQ(0, import_sync_file(self->buffer, WRITE, fence));
	EXPECT_EQ(files, count_open_fds());
	EXPECT_FALSE(has_signalled(fence));
	ASSERT_EQ(0, timeline_advance(self->timeline, 1));
	EXPECT_TRUE(has_signalled(fence));
	EXPECT_EQ(0, close(fence));
}

TEST_F(sync_file, an_import_of_what_has_signalled_changes_nothing)
{
	ASSERT_EQ(0, timeline_advance(self->timeline, 1));
	ASSERT_EQ(0, add_job(self->buffer, WRITE, self->timeline, 1));
	EXPECT_EQ(POLLIN | POLLOUT, ready_now(self->buffer, POLLIN | POLLOUT));
}

TEST_F(sync_file, the_same_fence_may_be_imported_again)
{
	int fence = fence_create(self->timeline, 1), i;

	ASSERT_LE(0, fence);
	for (i = 0; i < 5; i++) {
		EXPECT_EQ(0, import_sync_file(self->buffer, READ, fence));
		EXPECT_EQ(0, import_sync_file(self->buffer, WRITE, fence));
	}
	EXPECT_EQ(0, ready_now(self->buffer, POLLIN | POLLOUT));
	ASSERT_EQ(0, timeline_advance(self->timeline, 1));
	EXPECT_EQ(POLLIN | POLLOUT, ready_now(self->buffer, POLLIN | POLLOUT));
	close(fence);
}

TEST_F(sync_file, a_merged_sync_file_counts_with_all_its_parts)
{
	int other = timeline_create();
	int a = fence_create(self->timeline, 1);
	int b = fence_create(other, 1);
	int merged = merge_sync_files(a, b);

	ASSERT_LE(0, merged);
	ASSERT_EQ(0, import_sync_file(self->buffer, WRITE, merged));
	EXPECT_EQ(0, ready_now(self->buffer, POLLIN));
	ASSERT_EQ(0, timeline_advance(other, 1));
	EXPECT_EQ(0, ready_now(self->buffer, POLLIN));
	ASSERT_EQ(0, timeline_advance(self->timeline, 1));
	EXPECT_EQ(POLLIN, ready_now(self->buffer, POLLIN));
	close(merged);
	close(b);
	close(a);
	close(other);
}

TEST_F(sync_file, what_one_buffer_exports_another_imports)
{
	int other = heap_alloc(page_size());
	int exported;

	ASSERT_LE(0, other);
	ASSERT_EQ(0, add_job(self->buffer, WRITE, self->timeline, 1));
	exported = export_sync_file(self->buffer, WRITE);
	ASSERT_LE(0, exported);
	ASSERT_EQ(0, import_sync_file(other, READ, exported));
	EXPECT_EQ(POLLIN, ready_now(other, POLLIN | POLLOUT));
	/* Round about: a buffer that waits for itself twice waits once. */
	EXPECT_EQ(0, import_sync_file(self->buffer, WRITE, exported));
	ASSERT_EQ(0, timeline_advance(self->timeline, 1));
	EXPECT_EQ(POLLIN | POLLOUT, ready_now(other, POLLIN | POLLOUT));
	EXPECT_EQ(POLLIN | POLLOUT, ready_now(self->buffer, POLLIN | POLLOUT));
	close(exported);
	close(other);
}

TEST_F(sync_file, the_latest_job_of_a_timeline_counts_in_whatever_order_they_come)
{
	static const __u32 order[] = { 3, 5, 1, 4, 2 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(order); i++)
		ASSERT_EQ(0, add_job(self->buffer, WRITE, self->timeline, order[i]));
	for (i = 0; i < ARRAY_SIZE(order); i++) {
		EXPECT_EQ(0, ready_now(self->buffer, POLLIN));
		ASSERT_EQ(0, timeline_advance(self->timeline, 1));
	}
	EXPECT_EQ(POLLIN, ready_now(self->buffer, POLLIN));
}

TEST_F(sync_file, a_later_read_does_not_hide_an_earlier_write)
{
	ASSERT_EQ(0, add_job(self->buffer, WRITE, self->timeline, 1));
	ASSERT_EQ(0, add_job(self->buffer, READ, self->timeline, 2));
	EXPECT_EQ(0, ready_now(self->buffer, POLLIN | POLLOUT));
	ASSERT_EQ(0, timeline_advance(self->timeline, 1));
	EXPECT_EQ(POLLIN, ready_now(self->buffer, POLLIN | POLLOUT));
	ASSERT_EQ(0, timeline_advance(self->timeline, 1));
	EXPECT_EQ(POLLIN | POLLOUT, ready_now(self->buffer, POLLIN | POLLOUT));
}

TEST_F(sync_file, a_hundred_jobs_of_a_hundred_timelines_all_count)
{
	enum { MANY = 100 };
	int timelines[MANY], i;

	for (i = 0; i < MANY; i++) {
		timelines[i] = timeline_create();
		ASSERT_LE(0, timelines[i]);
		ASSERT_EQ(0, add_job(self->buffer, WRITE, timelines[i], 1));
	}
	for (i = 0; i < MANY; i++) {
		EXPECT_EQ(0, ready_now(self->buffer, POLLIN));
		ASSERT_EQ(0, timeline_advance(timelines[i], 1));
	}
	EXPECT_EQ(POLLIN, ready_now(self->buffer, POLLIN));
	for (i = 0; i < MANY; i++)
		close(timelines[i]);
}

TEST_F(sync_file, a_job_that_failed_is_done)
{
	int timeline = timeline_create();

	ASSERT_LE(0, timeline);
	ASSERT_EQ(0, add_job(self->buffer, WRITE, timeline, 1));
	EXPECT_EQ(0, ready_now(self->buffer, POLLIN));
	/* Whoever closes a timeline gives its jobs up. */
	close(timeline);
	EXPECT_EQ(POLLIN, ready_now(self->buffer, POLLIN));
}

TEST_F(sync_file, pending_jobs_show_in_bufinfo_and_keep_nothing_alive)
{
	unsigned long long ino = inode_number(self->buffer);
	struct bufinfo_buffer row;

	ASSERT_EQ(0, bufinfo_find(ino, &row));
	EXPECT_EQ(0, row.fences);
	ASSERT_EQ(0, add_job(self->buffer, WRITE, self->timeline, 1));
	ASSERT_EQ(0, bufinfo_find(ino, &row));
	EXPECT_FALSE(row.busy);
	EXPECT_LT(0, row.fences);
	EXPECT_EQ(1, row.count);
	close(self->buffer);
	self->buffer = -1;
	EXPECT_TRUE(wait_until_gone(ino));
}

TEST_HARNESS_MAIN
