// SPDX-License-Identifier: GPL-2.0-only
/*
 * The example drivers of samples/dma-buf, each with the others.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/dma-buf.h>
#include <linux/dma-heap.h>

#include "../../../../samples/dma-buf/example.h"
#include "../kselftest_harness.h"
#include "test_device.h"

#define SIZE	(5 * 4096)

FIXTURE(examples) {
	int exporter;
	int importer;
	int fences;
};

FIXTURE_SETUP(examples)
{
	self->exporter = open("/dev/dma_buf_example_exporter", O_RDWR | O_CLOEXEC);
	if (self->exporter < 0 && errno == ENOENT)
		SKIP(return, "the kernel has no CONFIG_SAMPLE_DMA_BUF");
	self->importer = open("/dev/dma_buf_example_importer", O_RDWR | O_CLOEXEC);
	self->fences = open("/dev/dma_buf_example_fence", O_RDWR | O_CLOEXEC);
	ASSERT_GE(self->exporter, 0);
	ASSERT_GE(self->importer, 0);
	ASSERT_GE(self->fences, 0);
}

FIXTURE_TEARDOWN(examples)
{
	close(self->exporter);
	close(self->importer);
	close(self->fences);
}

static int export(int exporter, uint64_t size)
{
	struct dma_buf_example_export data = { .size = size };

	return ioctl(exporter, DMA_BUF_EXAMPLE_EXPORT, &data) ? -1 : data.fd;
}

static int import(int importer, int fd, uint32_t flags, uint64_t *bytes)
{
	struct dma_buf_example_import data = { .fd = fd, .flags = flags };
	int ret = ioctl(importer, DMA_BUF_EXAMPLE_IMPORT, &data);

	*bytes = data.bytes;
	return ret;
}

static int run_job(int fences, uint32_t delay_ms)
{
	struct dma_buf_example_job data = { .delay_ms = delay_ms };

	return ioctl(fences, DMA_BUF_EXAMPLE_JOB, &data) ? -1 : data.fd;
}

static int is_signalled(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	return poll(&poll_fd, 1, 0);
}

TEST_F(examples, a_buffer_is_imported_in_both_ways)
{
	uint64_t bytes;
	int fd = export(self->exporter, SIZE);

	ASSERT_GE(fd, 0);
	EXPECT_EQ(0, import(self->importer, fd, 0, &bytes));
	EXPECT_EQ((uint64_t)lseek(fd, 0, SEEK_END), bytes);
	EXPECT_EQ(0, import(self->importer, fd, DMA_BUF_EXAMPLE_DYNAMIC, &bytes));
	EXPECT_EQ((uint64_t)lseek(fd, 0, SEEK_END), bytes);
	close(fd);
}

TEST_F(examples, a_buffer_is_zeroed_and_keeps_what_is_written)
{
	struct dma_buf_sync sync = { .flags = DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW };
	unsigned char *memory;
	uint64_t bytes;
	int fd = export(self->exporter, SIZE);
	size_t i;

	ASSERT_GE(fd, 0);
	memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, memory);
	EXPECT_EQ(0, ioctl(fd, DMA_BUF_IOCTL_SYNC, &sync));
	for (i = 0; i < SIZE; i++)
		ASSERT_EQ(0, memory[i]);
	memory[SIZE - 1] = 42;
	sync.flags |= DMA_BUF_SYNC_END;
	EXPECT_EQ(0, ioctl(fd, DMA_BUF_IOCTL_SYNC, &sync));
	EXPECT_EQ(0, import(self->importer, fd, 0, &bytes));
	EXPECT_EQ(42, memory[SIZE - 1]);
	munmap(memory, SIZE);
	close(fd);
}

TEST_F(examples, the_heap_has_contiguous_buffers)
{
	struct dma_heap_allocation_data data = { .len = SIZE, .fd_flags = O_RDWR | O_CLOEXEC };
	int heap = open("/dev/dma_heap/example", O_RDONLY | O_CLOEXEC);
	struct dma_buf_example_import seen = {};

	if (heap < 0 && errno == ENOENT)
		SKIP(return, "the kernel has no CONFIG_DMABUF_HEAPS");
	ASSERT_GE(heap, 0);
	ASSERT_EQ(0, ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &data));
	seen.fd = data.fd;
	ASSERT_EQ(0, ioctl(self->importer, DMA_BUF_EXAMPLE_IMPORT, &seen));
	EXPECT_EQ(1U, seen.entries);
	EXPECT_EQ((uint64_t)lseek(data.fd, 0, SEEK_END), seen.bytes);
	close(data.fd);

	/* More than any of its buffers can have. */
	data = (struct dma_heap_allocation_data){ .len = 1ULL << 40, .fd_flags = O_RDWR };
	EXPECT_EQ(-1, ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &data));
	EXPECT_EQ(ENOMEM, errno);
	close(heap);
}

TEST_F(examples, a_job_ends_by_itself)
{
	int fd = run_job(self->fences, 10);
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	ASSERT_GE(fd, 0);
	EXPECT_EQ(1, poll(&poll_fd, 1, -1));
	close(fd);
}

TEST_F(examples, a_fence_outlives_who_asked_for_it)
{
	int first = run_job(self->fences, 10000);
	int second = run_job(self->fences, 0);
	struct pollfd poll_fd = { .fd = second, .events = POLLIN };

	ASSERT_GE(first, 0);
	ASSERT_GE(second, 0);
	/* Jobs end in any order. */
	EXPECT_EQ(1, poll(&poll_fd, 1, -1));
	EXPECT_EQ(0, is_signalled(first));
	close(first);
	close(second);
}

TEST_F(examples, an_importer_waits_for_who_writes)
{
	struct dma_buf_import_sync_file put = { .flags = DMA_BUF_SYNC_WRITE };
	int fd = export(self->exporter, SIZE);
	uint64_t bytes;

	ASSERT_GE(fd, 0);
	put.fd = run_job(self->fences, 200);
	ASSERT_GE(put.fd, 0);
	ASSERT_EQ(0, ioctl(fd, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, &put));
	EXPECT_EQ(0, import(self->importer, fd, DMA_BUF_EXAMPLE_DYNAMIC, &bytes));
	EXPECT_EQ(1, is_signalled(put.fd));
	close(put.fd);
	close(fd);
}

/* How many entries the table has for a device of the test device, or a negative errno. */
static int count_entries(int test, int fd, uint32_t max_segment)
{
	int device = test_device_with(test, 0, 64, max_segment);
	struct dma_buf_test_map map = {};

	map.attachment = test_attach(test, device, fd);
	return call_ioctl(test, DMA_BUF_TEST_IOC_MAP, &map) ?: (int)map.entries;
}

TEST_F(examples, the_heap_makes_no_entries_that_are_too_long)
{
	int heap = open("/dev/dma_heap/example", O_RDONLY | O_CLOEXEC);
	int test, fd, pages = 19;

	if (heap < 0 && errno == ENOENT)
		SKIP(return, "the kernel has no CONFIG_DMABUF_HEAPS");
	if (LACKS(TEST_DEVICE))
		SKIP(return, "%s", lack);
	test = test_open();
	ASSERT_GE(test, 0);
	fd = heap_alloc_from(heap, pages * page_size(), O_RDWR | O_CLOEXEC);
	ASSERT_GE(fd, 0);
	EXPECT_EQ(1, count_entries(test, fd, UINT32_MAX));
	EXPECT_EQ(pages, count_entries(test, fd, page_size()));
	/* Powers of two, and one for the rest. */
	EXPECT_EQ(5, count_entries(test, fd, 4 * page_size()));
	EXPECT_EQ(5, count_entries(test, fd, 8 * page_size() - 1));
}

static int follow(int importer, int fd)
{
	uint64_t bytes;

	return import(importer, fd, DMA_BUF_EXAMPLE_DYNAMIC, &bytes) ? -errno : 0;
}

TEST_F(examples, an_import_that_fails_leaves_what_was_followed)
{
	struct dma_buf_example_import *unwritable;
	int test, first, second, first_fd, second_fd;

	if (LACKS(TEST_DEVICE))
		SKIP(return, "%s", lack);
	test = test_open();
	ASSERT_GE(test, 0);
	first = test_export(test, DMA_BUF_TEST_DYNAMIC, SIZE, &first_fd);
	second = test_export(test, DMA_BUF_TEST_DYNAMIC, SIZE, &second_fd);
	ASSERT_GT(first, 0);
	ASSERT_GT(second, 0);
	ASSERT_EQ(0, follow(self->importer, first_fd));

	ASSERT_EQ(0, test_fail(test, second, DMA_BUF_TEST_ATTACH_OP, 1, ENODEV));
	EXPECT_EQ(-ENODEV, follow(self->importer, second_fd));
	ASSERT_EQ(0, test_fail(test, second, DMA_BUF_TEST_MAP_OP, 1, ENXIO));
	EXPECT_EQ(-ENXIO, follow(self->importer, second_fd));
	unwritable = (void *)page_before_a_hole(PROT_READ | PROT_WRITE);
	ASSERT_NE(NULL, unwritable);
	unwritable->fd = second_fd;
	unwritable->flags = DMA_BUF_EXAMPLE_DYNAMIC;
	ASSERT_EQ(0, mprotect(unwritable, page_size(), PROT_READ));
	EXPECT_EQ(-EFAULT, call_ioctl(self->importer, DMA_BUF_EXAMPLE_IMPORT, unwritable));
	EXPECT_EQ(1U, test_buffer_state(test, first).mappings);
	EXPECT_EQ(0U, test_buffer_state(test, second).mappings);

	EXPECT_EQ(0, follow(self->importer, second_fd));
	EXPECT_EQ(0U, test_buffer_state(test, first).mappings);
	EXPECT_EQ(1U, test_buffer_state(test, second).mappings);
}

/* What the ones of the next test do to a buffer, each in its turn. */
struct turn {
	struct sleeper sleeper;
	int file;
	/* A buffer's id, or a descriptor. */
	int buffer;
	int fence;
};

static int turn_move(struct sleeper *sleeper, int timeout)
{
	struct turn *turn = (void *)sleeper;

	return timeout ? test_move(turn->file, turn->buffer, DMA_BUF_TEST_SYSTEM) : 0;
}

static int turn_add_fence(struct sleeper *sleeper, int timeout)
{
	struct turn *turn = (void *)sleeper;

	return timeout ? import_sync_file(turn->buffer, DMA_BUF_SYNC_WRITE, turn->fence) : 0;
}

static int turn_follow(struct sleeper *sleeper, int timeout)
{
	struct turn *turn = (void *)sleeper;

	return timeout ? follow(turn->file, turn->buffer) : 0;
}

/* They stand in line for the reservation lock, which the first has until its fence. */
TEST_F(examples, an_importer_waits_for_who_gets_the_lock_before)
{
	int test, buffer, fd, attachment, timeline;
	struct turn mover, writer, importer;
	struct dma_buf_test_job job = {
		.work = DMA_BUF_TEST_CHECKSUM,
		.length = SIZE,
		.end = DMA_BUF_TEST_TRIGGER,
	};

	if (LACKS(TEST_DEVICE, SW_SYNC))
		SKIP(return, "%s", lack);
	test = test_open();
	timeline = timeline_create();
	ASSERT_GE(test, 0);
	ASSERT_GE(timeline, 0);
	buffer = test_export(test, DMA_BUF_TEST_DYNAMIC, SIZE, &fd);
	ASSERT_GT(buffer, 0);
	attachment = test_attach_and_map(test, DMA_BUF_TEST_FOLLOWS_MOVES, fd);
	ASSERT_GT(attachment, 0);
	if (test_buffer_state(test, buffer).pins)
		SKIP(return, "mappings pin: DMABUF_MOVE_NOTIFY is off");
	/* To attach takes the lock as well, and then waits in another way. */
	ASSERT_EQ(0, follow(self->importer, fd));
	job.source = attachment;
	ASSERT_EQ(0, test_submit(test, &job));

	mover = (struct turn){ .sleeper.wait = turn_move, .file = test, .buffer = buffer };
	writer = (struct turn){
		.sleeper.wait = turn_add_fence,
		.buffer = fd,
		.fence = fence_create(timeline, 1),
	};
	importer = (struct turn){
		.sleeper.wait = turn_follow, .file = self->importer, .buffer = fd,
	};
	ASSERT_TRUE(sleeper_start(&mover.sleeper));
	ASSERT_TRUE(sleeper_start(&writer.sleeper));
	ASSERT_TRUE(sleeper_start(&importer.sleeper));

	ASSERT_EQ(0, test_trigger(test, job.id, 0));
	EXPECT_EQ(0, sleeper_join(&mover.sleeper));
	EXPECT_EQ(0, sleeper_join(&writer.sleeper));
	EXPECT_TRUE(sleeper_sleeps(&importer.sleeper));
	EXPECT_EQ(0, timeline_advance(timeline, 1));
	EXPECT_EQ(0, sleeper_join(&importer.sleeper));
}

TEST_F(examples, what_makes_no_sense_is_refused)
{
	uint64_t bytes;
	int fd;

	EXPECT_EQ(-1, export(self->exporter, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, export(self->exporter, UINT64_MAX));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, run_job(self->fences, 10001));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, import(self->importer, -1, 0, &bytes));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(-1, import(self->importer, self->importer, 0, &bytes));
	EXPECT_EQ(EINVAL, errno);
	fd = export(self->exporter, SIZE);
	ASSERT_GE(fd, 0);
	EXPECT_EQ(-1, import(self->importer, fd, 2, &bytes));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, ioctl(self->exporter, DMA_BUF_EXAMPLE_JOB, NULL));
	EXPECT_EQ(ENOTTY, errno);
	EXPECT_EQ(-1, ioctl(self->exporter, DMA_BUF_EXAMPLE_EXPORT, NULL));
	EXPECT_EQ(EFAULT, errno);
	close(fd);
}

TEST_HARNESS_MAIN
