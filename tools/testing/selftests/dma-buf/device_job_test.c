// SPDX-License-Identifier: GPL-2.0-only
/*
 * What engines do with buffers: that they find the memory by its DMA addresses, whatever
 * device and exporter are like, and that they wait for each other as they must.
 */
#include "../kselftest_harness.h"

#include "fence_helpers.h"
#include "memory_helpers.h"
#include "test_device.h"
#include "udmabuf_helpers.h"

/*
 * Content
 */

FIXTURE(engine)
{
	int test;
	size_t size;
};

FIXTURE_VARIANT(engine)
{
	struct dma_buf_test_device device;
};

FIXTURE_VARIANT_ADD(engine, of_any_device) { .device = { .dma_bits = 64 } };
FIXTURE_VARIANT_ADD(engine, with_32_bits) { .device = { .dma_bits = 32 } };

FIXTURE_VARIANT_ADD(engine, with_segments_of_64_kib) {
	.device = { .dma_bits = 64, .max_segment = 65536 },
};

FIXTURE_VARIANT_ADD(engine, that_follows_moves) {
	.device = { .dma_bits = 64, .flags = DMA_BUF_TEST_FOLLOWS_MOVES },
};

FIXTURE_VARIANT_ADD(engine, of_a_peer) {
	.device = {
		.dma_bits = 64, .flags = DMA_BUF_TEST_FOLLOWS_MOVES | DMA_BUF_TEST_PEER,
	},
};

#ifdef __aarch64__
/* Not on every machine. */

FIXTURE_VARIANT_ADD(engine, that_is_not_coherent) {
	.device = { .dma_bits = 64, .flags = DMA_BUF_TEST_NONCOHERENT },
};
#endif

static int make_device(int test, const struct dma_buf_test_device *kind)
{
	return test_device_with(test, kind->flags, kind->dma_bits, kind->max_segment);
}

FIXTURE_SETUP(engine)
{
	int device;

	if (LACKS(TEST_DEVICE, SYSTEM_HEAP))
		SKIP(return, "%s", lack);
	self->test = test_open();
	ASSERT_LE(0, self->test);
	self->size = 37 * page_size();
	device = make_device(self->test, &variant->device);
	if (device == -EOPNOTSUPP)
		SKIP(return, "all devices are coherent here");
	if (device == -EIO)
		SKIP(return, "%u bits do not reach all memory", variant->device.dma_bits);
	ASSERT_LT(0, device);
}

FIXTURE_TEARDOWN(engine)
{
}

/* Mapped for a device of that kind; its id. */
static int attach(int test, const struct dma_buf_test_device *kind, int fd)
{
	int device = make_device(test, kind), attachment;

	if (device < 0)
		return device;
	attachment = test_attach(test, device, fd);
	return attachment < 0 ? attachment :
	       test_map(test, attachment, DMA_BUF_TEST_BOTH) ?: attachment;
}

static int bracket(int fd, __u64 flags)
{
	struct dma_buf_sync sync = { .flags = flags };

	return call_ioctl(fd, DMA_BUF_IOCTL_SYNC, &sync);
}

/* What one device wrote another one copies, and the CPU reads. */
static void expect_passed_on(struct __test_metadata *_metadata, int test,
			     const struct dma_buf_test_device *kind, size_t size,
			     int from, int to)
{
	int source = attach(test, kind, from), target = attach(test, kind, to);
	char *data = mmap(NULL, size, PROT_READ, MAP_SHARED, to, 0);

	ASSERT_LT(0, source);
	ASSERT_LT(0, target);
	ASSERT_NE(MAP_FAILED, data);
	EXPECT_EQ(1, test_fill(test, source, size, 0xabcd0001));
	EXPECT_EQ(1, test_copy(test, target, source, size));
	EXPECT_EQ(0, bracket(to, DMA_BUF_SYNC_READ | DMA_BUF_SYNC_START));
	EXPECT_TRUE(has_only(data, size, 0xabcd0001));
	EXPECT_EQ(0, bracket(to, DMA_BUF_SYNC_READ | DMA_BUF_SYNC_END));
	munmap(data, size);
}

TEST_F(engine, finds_what_the_test_device_exports)
{
	int a, b;

	ASSERT_LT(0, test_export(self->test, 0, self->size, &a));
	ASSERT_LT(0, test_export(self->test, DMA_BUF_TEST_DYNAMIC, self->size, &b));
	expect_passed_on(_metadata, self->test, &variant->device, self->size, a, b);
}

TEST_F(engine, finds_what_is_in_a_heap)
{
	int a = heap_alloc(self->size), b = heap_alloc(self->size);

	ASSERT_LE(0, a);
	ASSERT_LE(0, b);
	expect_passed_on(_metadata, self->test, &variant->device, self->size, a, b);
}

TEST_F(engine, finds_what_is_in_a_memfd)
{
	int memfd = sealed_memfd(2 * self->size), device, a, b;

	if (LACKS(UDMABUF))
		SKIP(return, "%s", lack);
	device = open(UDMABUF, O_RDWR | O_CLOEXEC);
	a = create(device, memfd, 0, self->size);
	b = create(device, memfd, self->size, self->size);
	ASSERT_LE(0, a);
	ASSERT_LE(0, b);
	expect_passed_on(_metadata, self->test, &variant->device, self->size, a, b);
}

TEST_F(engine, adds_up_what_the_cpu_wrote)
{
	struct dma_buf_test_job job = { .work = DMA_BUF_TEST_CHECKSUM };
	size_t words = self->size / 4, i;
	__u32 *data, sum = 0;
	int fd;

	ASSERT_LT(0, test_export(self->test, 0, self->size, &fd));
	job.source = attach(self->test, &variant->device, fd);
	job.length = self->size;
	data = mmap(NULL, self->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, data);
	EXPECT_EQ(0, bracket(fd, DMA_BUF_SYNC_WRITE | DMA_BUF_SYNC_START));
	for (i = 0; i < words; i++)
		sum += data[i] = i * 2654435761U;
	EXPECT_EQ(0, bracket(fd, DMA_BUF_SYNC_WRITE | DMA_BUF_SYNC_END));
	EXPECT_EQ(1, test_do(self->test, &job));
	EXPECT_EQ(sum, test_job_state(self->test, job.id).checksum);
}

/*
 * Order
 */

FIXTURE(jobs)
{
	int test;
	size_t size;
	int fd;
	__u32 *data;
	/* Two devices have it mapped. */
	int a;
	int b;
};

FIXTURE_SETUP(jobs)
{
	if (LACKS(TEST_DEVICE))
		SKIP(return, "%s", lack);
	self->test = test_open();
	ASSERT_LE(0, self->test);
	self->size = 2 * page_size();
	ASSERT_LT(0, test_export(self->test, 0, self->size, &self->fd));
	self->data = mmap(NULL, self->size, PROT_READ, MAP_SHARED, self->fd, 0);
	ASSERT_NE(MAP_FAILED, self->data);
	self->a = test_attach_and_map(self->test, 0, self->fd);
	self->b = test_attach_and_map(self->test, 0, self->fd);
	ASSERT_LT(0, self->a);
	ASSERT_LT(0, self->b);
}

FIXTURE_TEARDOWN(jobs)
{
}

static struct dma_buf_test_job checksum_of(int attachment, size_t size)
{
	return (struct dma_buf_test_job) {
		.work = DMA_BUF_TEST_CHECKSUM, .source = attachment, .length = size,
	};
}

TEST_F(jobs, a_writer_waits_for_the_writer_before)
{
	int first = test_fill_on_trigger(self->test, self->a, self->size, 1);
	int second = test_fill_on_trigger(self->test, self->b, self->size, 2);

	ASSERT_LT(0, first);
	ASSERT_LT(0, second);
	/* It was told, but it hasn't begun. */
	ASSERT_EQ(0, test_trigger(self->test, second, 0));
	EXPECT_FALSE(is_ready(self->fd, POLLIN, 50));
	EXPECT_EQ(0U, test_job_state(self->test, second).signaled);
	EXPECT_EQ(0U, self->data[0]);
	ASSERT_EQ(0, test_trigger(self->test, first, 0));
	EXPECT_TRUE(is_ready(self->fd, POLLOUT, PATIENCE));
	EXPECT_TRUE(has_only(self->data, self->size, 2));
}

TEST_F(jobs, readers_do_not_wait_for_each_other)
{
	struct dma_buf_test_job slow = checksum_of(self->a, self->size);
	struct dma_buf_test_job quick = checksum_of(self->b, self->size);

	slow.end = DMA_BUF_TEST_TRIGGER;
	ASSERT_EQ(0, test_submit(self->test, &slow));
	EXPECT_EQ(1, test_do(self->test, &quick));
	EXPECT_TRUE(is_ready(self->fd, POLLIN, 0));
	EXPECT_FALSE(is_ready(self->fd, POLLOUT, 0));
	ASSERT_EQ(0, test_trigger(self->test, slow.id, 0));
	EXPECT_TRUE(is_ready(self->fd, POLLOUT, PATIENCE));
}

TEST_F(jobs, a_writer_waits_for_readers)
{
	struct dma_buf_test_job reader = checksum_of(self->a, self->size);
	int writer;

	reader.end = DMA_BUF_TEST_TRIGGER;
	ASSERT_EQ(0, test_submit(self->test, &reader));
	writer = test_fill_on_trigger(self->test, self->b, self->size, 9);
	ASSERT_LT(0, writer);
	ASSERT_EQ(0, test_trigger(self->test, writer, 0));
	usleep(20000);
	EXPECT_EQ(0U, test_job_state(self->test, writer).signaled);
	ASSERT_EQ(0, test_trigger(self->test, reader.id, 0));
	EXPECT_TRUE(is_ready(self->fd, POLLOUT, PATIENCE));
	EXPECT_EQ(1, test_job_state(self->test, writer).status);
	/* It read what was there before. */
	EXPECT_EQ(0U, test_job_state(self->test, reader.id).checksum);
}

TEST_F(jobs, bookkeeping_holds_up_nobody)
{
	struct dma_buf_test_job job = checksum_of(self->a, self->size);

	job.end = DMA_BUF_TEST_NEVER;
	/* DMA_RESV_USAGE_BOOKKEEP, plus 1. */
	job.usage = 4;
	ASSERT_EQ(0, test_submit(self->test, &job));
	EXPECT_TRUE(is_ready(self->fd, POLLOUT, 0));
	EXPECT_EQ(1, test_fill(self->test, self->b, self->size, 3));
}

TEST_F(jobs, who_does_not_wait_overtakes)
{
	struct dma_buf_test_job job = checksum_of(self->b, self->size);
	int slow = test_fill_on_trigger(self->test, self->a, self->size, 1);

	ASSERT_LT(0, slow);
	job.flags = DMA_BUF_TEST_NO_WAIT;
	EXPECT_EQ(1, test_do(self->test, &job));
	EXPECT_EQ(0U, test_job_state(self->test, job.id).checksum);
	EXPECT_EQ(0, test_trigger(self->test, slow, 0));
}

TEST_F(jobs, an_error_is_the_fences_and_nothing_is_done)
{
	struct dma_buf_test_job job = {
		.work = DMA_BUF_TEST_FILL, .target = self->a, .length = self->size,
		.value = 1, .error = EIO,
	};
	int told = test_fill_on_trigger(self->test, self->b, self->size, 1);

	ASSERT_LT(0, told);
	ASSERT_EQ(0, test_trigger(self->test, told, ETIME));
	EXPECT_EQ(-EALREADY, test_trigger(self->test, told, 0));
	ASSERT_EQ(0, test_submit(self->test, &job));
	ASSERT_TRUE(is_ready(job.fd, POLLIN, PATIENCE));
	EXPECT_EQ(-EIO, read_status(job.fd));
	EXPECT_EQ(-ETIME, test_job_state(self->test, told).status);
	EXPECT_TRUE(has_only(self->data, self->size, 0));
}

TEST_F(jobs, a_job_is_over_some_time_after_it_began)
{
	struct dma_buf_test_job job = {
		.work = DMA_BUF_TEST_FILL, .target = self->a, .length = self->size,
		.value = 4, .delay_ns = 100000000,
	};
	__u64 before = monotonic_ns();

	EXPECT_EQ(1, test_do(self->test, &job));
	EXPECT_LE(job.delay_ns, monotonic_ns() - before);
	EXPECT_TRUE(has_only(self->data, self->size, 4));
}

TEST_F(jobs, a_copy_within_a_buffer_goes_through)
{
	struct dma_buf_test_job job = {
		.work = DMA_BUF_TEST_COPY, .source = self->a, .target = self->b,
		.target_offset = self->size / 2, .length = self->size / 2,
	};

	ASSERT_EQ(1, test_fill(self->test, self->a, self->size / 2, 8));
	EXPECT_EQ(1, test_do(self->test, &job));
	EXPECT_TRUE(has_only(self->data, self->size, 8));
}

/* In both orders at once, which takes two locks in both orders. */
TEST_F(jobs, buffers_may_be_copied_both_ways)
{
	int other, c, i;

	ASSERT_LT(0, test_export(self->test, 0, self->size, &other));
	c = test_attach_and_map(self->test, 0, other);
	ASSERT_LT(0, c);
	ASSERT_EQ(1, test_fill(self->test, self->a, self->size, 6));
	for (i = 0; i < 10; i++) {
		EXPECT_EQ(1, test_copy(self->test, c, self->a, self->size));
		EXPECT_EQ(1, test_copy(self->test, self->b, c, self->size));
	}
	EXPECT_TRUE(has_only(self->data, self->size, 6));
}

TEST_F(jobs, what_is_not_mapped_for_it_is_refused)
{
	int attachment = test_attach_new(self->test, 0, self->fd);
	struct dma_buf_test_job write = {
		.work = DMA_BUF_TEST_FILL, .target = attachment, .length = self->size,
	};
	struct dma_buf_test_job read = checksum_of(attachment, self->size);

	ASSERT_LT(0, attachment);
	EXPECT_EQ(-EINVAL, test_submit(self->test, &read));
	ASSERT_EQ(0, test_map(self->test, attachment, DMA_BUF_TEST_TO_DEVICE));
	EXPECT_EQ(-EINVAL, test_submit(self->test, &write));
	EXPECT_EQ(1, test_do(self->test, &read));
	ASSERT_EQ(0, test_call(self->test, DMA_BUF_TEST_IOC_UNMAP, attachment));
	ASSERT_EQ(0, test_map(self->test, attachment, DMA_BUF_TEST_FROM_DEVICE));
	EXPECT_EQ(-EINVAL, test_submit(self->test, &read));
	EXPECT_EQ(1, test_do(self->test, &write));
}

TEST_F(jobs, only_possible_jobs_are_taken)
{
	const struct dma_buf_test_job good = {
		.work = DMA_BUF_TEST_FILL, .target = self->a, .length = self->size,
	};
	struct dma_buf_test_job bad[] = {
		good, good, good, good, good, good, good, good, good, good, good, good,
	};
	size_t i = 0;

	bad[i++].flags = 2;
	bad[i++].work = 3;
	bad[i++].end = 3;
	bad[i++].error = 4096;
	bad[i++].usage = 5;
	bad[i++].source = self->b;
	bad[i++].target = 0;
	bad[i++].length = 0;
	bad[i++].length = 3;
	bad[i++].length = self->size + 4;
	bad[i++].target_offset = 4;
	bad[i++].target_offset = -4ULL;
	ASSERT_EQ(ARRAY_SIZE(bad), i);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_EQ(-EINVAL, test_submit(self->test, &bad[i])) TH_LOG("number %zu", i);
	EXPECT_TRUE(is_ready(self->fd, POLLOUT, 0));
}

/* The next one is there before the last one is over: they must not hold each other. */
TEST_F(jobs, a_pipeline_has_no_end)
{
	int before = test_fill_on_trigger(self->test, self->a, 4, 0), after, i;

	ASSERT_LT(0, before);
	for (i = 0; i < 3000; i++) {
		after = test_fill_on_trigger(self->test, i % 2 ? self->a : self->b, 4, i);
		ASSERT_LT(0, after);
		ASSERT_EQ(0, test_trigger(self->test, before, 0));
		before = after;
	}
	ASSERT_EQ(0, test_trigger(self->test, before, 0));
	EXPECT_TRUE(is_ready(self->fd, POLLOUT, PATIENCE));
	EXPECT_EQ(2999U, self->data[0]);
	close(self->fd);
	close(self->test);
}

TEST_F(jobs, what_a_job_uses_cannot_be_unmapped)
{
	int job = test_fill_on_trigger(self->test, self->a, self->size, 1);

	ASSERT_LT(0, job);
	EXPECT_EQ(-EBUSY, test_call(self->test, DMA_BUF_TEST_IOC_UNMAP, self->a));
	ASSERT_EQ(0, test_trigger(self->test, job, 0));
	ASSERT_TRUE(is_ready(self->fd, POLLOUT, PATIENCE));
	EXPECT_EQ(0, test_call(self->test, DMA_BUF_TEST_IOC_UNMAP, self->a));
}

TEST_F(jobs, closing_the_file_cancels_what_waits)
{
	struct dma_buf_test_job never = {
		.work = DMA_BUF_TEST_FILL, .target = self->a, .length = self->size,
		.value = 1, .end = DMA_BUF_TEST_NEVER,
	};
	struct dma_buf_test_job next = never;

	next.target = self->b;
	ASSERT_EQ(0, test_submit(self->test, &never));
	ASSERT_EQ(0, test_submit(self->test, &next));
	close(self->test);
	EXPECT_TRUE(is_ready(never.fd, POLLIN, PATIENCE));
	EXPECT_EQ(-ECANCELED, read_status(never.fd));
	EXPECT_TRUE(is_ready(next.fd, POLLIN, PATIENCE));
	EXPECT_EQ(-ECANCELED, read_status(next.fd));
	EXPECT_TRUE(has_only(self->data, self->size, 0));
}

/* Between drivers, and between their work and what user space waits for. */
TEST_F(jobs, sync_files_of_a_buffer_are_its_jobs)
{
	struct dma_buf_export_sync_file export = { .flags = DMA_BUF_SYNC_READ };
	struct dma_buf_import_sync_file import = { .flags = DMA_BUF_SYNC_WRITE };
	int job = test_fill_on_trigger(self->test, self->a, self->size, 1), other;

	ASSERT_LT(0, job);
	ASSERT_EQ(0, call_ioctl(self->fd, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &export));
	ASSERT_LT(0, test_export(self->test, 0, self->size, &other));
	import.fd = export.fd;
	ASSERT_EQ(0, call_ioctl(other, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, &import));
	EXPECT_FALSE(is_ready(other, POLLIN, 0));
	EXPECT_EQ(0, read_status(export.fd));
	ASSERT_EQ(0, test_trigger(self->test, job, 0));
	EXPECT_TRUE(is_ready(other, POLLIN, PATIENCE));
	EXPECT_EQ(1, read_status(export.fd));
}

TEST_HARNESS_MAIN
