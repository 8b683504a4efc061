// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device that does DMA, and not always where the CPU finds the memory: QEMU's
 * "edu", driven by the sample importer, behind an IOMMU or with bounce buffers.
 */
#include "../kselftest_harness.h"

#include <signal.h>
#include <sys/time.h>

#include "bufinfo.h"
#include "edu.h"
#include "prime.h"
#include "sweep.h"
#include "udmabuf_helpers.h"
#include "vivid.h"

#define KERNEL_LOG	"/dev/kmsg"
#define PAGE_MAP	"/proc/self/pagemap"
/* How many are in use. */
#define BOUNCE_BUFFERS	"/sys/kernel/debug/swiotlb/io_tlb_used"
#define PAGES		4

#define READ		DMA_BUF_SYNC_READ
#define WRITE		DMA_BUF_SYNC_WRITE

/*
 * Exporters: each makes two buffers of at least so many bytes, which live until the
 * test ends.  0, or -errno.
 */

static int make_two(int buffers[2], size_t size, int (*make)(size_t size))
{
	buffers[0] = make(size);
	buffers[1] = make(size);
	return buffers[0] < 0 ? buffers[0] : buffers[1] < 0 ? buffers[1] : 0;
}

static int make_of_system_heap(int buffers[2], size_t size)
{
	return make_two(buffers, size, heap_alloc);
}

static int alloc_of_cma(size_t size)
{
	int heap = open(CMA_HEAP, O_RDONLY | O_CLOEXEC);

	return heap < 0 ? -errno : heap_alloc_from(heap, size, O_RDWR | O_CLOEXEC);
}

static int make_of_cma_heap(int buffers[2], size_t size)
{
	return make_two(buffers, size, alloc_of_cma);
}

static int alloc_of_memfd(size_t size)
{
	int memfd = sealed_memfd(size);

	return memfd < 0 ? memfd : udmabuf_create(memfd, size);
}

static int make_of_udmabuf(int buffers[2], size_t size)
{
	return make_two(buffers, size, alloc_of_memfd);
}

static int dumb_create(int drm, size_t size, __u32 *handle)
{
	struct drm_mode_create_dumb request = {
		.width = size / 4,
		.height = 1,
		.bpp = 32,
	};
	int err = call_ioctl(drm, DRM_IOCTL_MODE_CREATE_DUMB, &request);

	*handle = request.handle;
	return err;
}

static int prime_export(int drm, __u32 handle)
{
	struct drm_prime_handle request = {
		.handle = handle,
		.flags = DRM_CLOEXEC | DRM_RDWR,
	};
	int err = call_ioctl(drm, DRM_IOCTL_PRIME_HANDLE_TO_FD, &request);

	return err ?: request.fd;
}

static int alloc_of_vgem(size_t size)
{
	int drm = drm_open_driver("vgem");
	__u32 handle;
	int err;

	if (drm < 0)
		return drm;
	err = dumb_create(drm, size, &handle);
	return err ?: prime_export(drm, handle);
}

static int make_of_vgem(int buffers[2], size_t size)
{
	return make_two(buffers, size, alloc_of_vgem);
}

/* Their size is that of a picture. */
static int make_of_vivid(int buffers[2], size_t size)
{
	int video = vivid_open(), err;

	if (video < 0)
		return video;
	err = vivid_request(video, 2);
	if (err)
		return err;
	buffers[0] = vivid_export(video, 0);
	buffers[1] = vivid_export(video, 1);
	if (buffers[0] < 0 || buffers[1] < 0)
		return -EIO;
	return lseek(buffers[0], 0, SEEK_END) < (off_t)size ? -E2BIG : 0;
}

static bool is_not_there(int err)
{
	return err == -ENODEV || err == -ENOENT;
}

/*
 * Contents
 */

FIXTURE(contents)
{
	size_t size;
	int edu;
	int from;
	int to;
	char *source;
	char *target;
	/* What should be in the target. */
	char *expected;
};

FIXTURE_VARIANT(contents)
{
	int (*make)(int buffers[2], size_t size);
	/* The exporter does what DMA_BUF_IOCTL_SYNC asks for. */
	bool syncs;
	/* What a device wrote stays in bounce buffers, even when they go. */
	bool loses_bounced;
};

FIXTURE_VARIANT_ADD(contents, of_the_system_heap)
{
	.make = make_of_system_heap,
	.syncs = true,
};

FIXTURE_VARIANT_ADD(contents, of_the_cma_heap)
{
	.make = make_of_cma_heap,
	.syncs = true,
};

FIXTURE_VARIANT_ADD(contents, of_udmabuf)
{
	.make = make_of_udmabuf,
	.syncs = true,
};

FIXTURE_VARIANT_ADD(contents, of_vgem)
{
	.make = make_of_vgem,
	.loses_bounced = true,
};

FIXTURE_VARIANT_ADD(contents, of_vivid)
{
	.make = make_of_vivid,
};

FIXTURE_SETUP(contents)
{
	int buffers[2], err;

	if (LACKS(EDU))
		SKIP(return, "%s", lack);
	self->size = PAGES * page_size();
	err = variant->make(buffers, self->size);
	if (is_not_there(err))
		SKIP(return, "the exporter is not there");
	ASSERT_EQ(0, err);
	self->from = buffers[0];
	self->to = buffers[1];
	self->edu = edu_open();
	ASSERT_LE(0, self->edu);

	self->source = map_shared(self->from, self->size);
	ASSERT_NE(NULL, self->source);
	self->target = map_shared(self->to, self->size);
	ASSERT_NE(NULL, self->target);
	self->expected = calloc(1, self->size);
	ASSERT_NE(NULL, self->expected);
	fill_pattern(self->source, self->size, 1);
	memset(self->target, 0, self->size);
}

FIXTURE_TEARDOWN(contents)
{
}

TEST_F(contents, go_to_the_device_and_back)
{
	const struct {
		size_t from;
		size_t to;
		size_t size;
	} parts[] = {
		{ 0, page_size() + 3, MOST },
		{ page_size() - 1000, 0, 2000 },
		{ self->size - MOST, 3 * page_size() - 500, MOST },
		{ 12345, self->size - 1, 1 },
	};
	long long bounced = number_in(BOUNCE_BUFFERS);
	int from = edu_import(self->edu, self->from);
	int to = edu_import(self->edu, self->to);
	size_t i;

	ASSERT_LT(0, from);
	ASSERT_LT(0, to);
	if (variant->loses_bounced && number_in(BOUNCE_BUFFERS) > bounced)
		SKIP(return, "the exporter takes no care of bounce buffers");
	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		EXPECT_EQ(1, edu_copy(self->edu, from, parts[i].from, to, parts[i].to,
				      parts[i].size));
		memcpy(self->expected + parts[i].to, self->source + parts[i].from,
		       parts[i].size);
	}
	EXPECT_EQ(0, edu_release(self->edu, from));
	EXPECT_EQ(0, edu_release(self->edu, to));
	EXPECT_TRUE(has_pattern(self->source, self->size, 1));
	EXPECT_EQ(0, memcmp(self->expected, self->target, self->size));
}

/* The buffers stay mapped for the device all the time. */
TEST_F(contents, of_cpu_and_device_are_seen_by_each_other)
{
	int from = edu_import(self->edu, self->from);
	int to = edu_import(self->edu, self->to);
	int round;

	if (!variant->syncs)
		SKIP(return, "the exporter leaves it to unmapping");
	ASSERT_LT(0, from);
	ASSERT_LT(0, to);
	for (round = 2; round < 4; round++) {
		ASSERT_EQ(0, cpu_sync(self->from, DMA_BUF_SYNC_START | WRITE));
		fill_pattern(self->source, self->size, round);
		ASSERT_EQ(0, cpu_sync(self->from, DMA_BUF_SYNC_END | WRITE));
		EXPECT_EQ(1, edu_copy(self->edu, from, page_size() - 1000, to, 4000, 2000));
		ASSERT_EQ(0, cpu_sync(self->to, DMA_BUF_SYNC_START | READ));
		EXPECT_EQ(0, memcmp(self->source + page_size() - 1000, self->target + 4000,
				    2000));
		ASSERT_EQ(0, cpu_sync(self->to, DMA_BUF_SYNC_END | READ));
	}
}

/*
 * Where the device finds a buffer
 */

FIXTURE(addresses)
{
	size_t size;
	int edu;
	int page_map;
};

FIXTURE_SETUP(addresses)
{
	if (LACKS(EDU, SYSTEM_HEAP, UDMABUF, PAGE_MAP))
		SKIP(return, "%s", lack);
	self->size = 16 * page_size();
	self->edu = edu_open();
	ASSERT_LE(0, self->edu);
	self->page_map = open(PAGE_MAP, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, self->page_map);
}

FIXTURE_TEARDOWN(addresses)
{
}

static bool fits(__u64 address, unsigned int bits)
{
	return bits >= 64 || !(address >> bits);
}

/* Of what is mapped at @data, or 0. */
static __u64 physical_address(int page_map, const char *data)
{
	const __u64 present = 1ULL << 63, frame = (1ULL << 55) - 1;
	__u64 entry;

	if (pread(page_map, &entry, sizeof(entry),
		  (uintptr_t)data / page_size() * sizeof(entry)) != sizeof(entry))
		return 0;
	return entry & present ? (entry & frame) * page_size() : 0;
}

/* What is mapped of a file has the pages that the buffer has. */
TEST_F(addresses, are_within_the_mask_and_no_physical_ones_behind_an_iommu)
{
	int memfd = sealed_memfd(self->size), buffer, handle, same = 0;
	unsigned int bits = number_in(EDU_DMA_BITS);
	struct edu_dma_buf_address where;
	size_t offset;
	char *data;

	ASSERT_LE(0, memfd);
	buffer = udmabuf_create(memfd, self->size);
	ASSERT_LE(0, buffer);
	data = map_shared(memfd, self->size);
	ASSERT_NE(NULL, data);
	memset(data, 1, self->size);
	handle = edu_import(self->edu, buffer);
	ASSERT_LT(0, handle);
	for (offset = 0; offset < self->size; offset += page_size()) {
		__u64 physical = physical_address(self->page_map, data + offset);

		ASSERT_NE(0ULL, physical);
		ASSERT_EQ(0, edu_address(self->edu, handle, offset, &where));
		EXPECT_LE((__u64)page_size(), where.length);
		EXPECT_TRUE(fits(where.address, bits));
		/* Those that the device can't reach have bounce buffers. */
		if (!fits(physical, bits))
			EXPECT_NE(physical, where.address);
		same += physical == where.address;
	}
	TH_LOG("of %zu pages %d have their physical addresses",
	       self->size / page_size(), same);
	if (edu_is_translated())
		EXPECT_GT(self->size / page_size(), (size_t)same);
}

/*
 * A buffer of every other page of a file, the last one first.  All pages are there
 * before, for those that it made itself could be neighbours.
 */
static int create_scattered(size_t size)
{
	int device = open(UDMABUF, O_RDWR | O_CLOEXEC), memfd = sealed_memfd(2 * size);
	size_t count = size / page_size(), i;
	struct udmabuf_create_item parts[64];
	char *data;

	if (device < 0 || memfd < 0 || count > ARRAY_SIZE(parts))
		return -EINVAL;
	data = map_shared(memfd, 2 * size);
	if (!data)
		return -ENOMEM;
	memset(data, 0, 2 * size);
	for (i = 0; i < count; i++)
		parts[i] = (struct udmabuf_create_item) {
			.memfd = memfd,
			.offset = (count - 1 - i) * 2 * page_size(),
			.size = page_size(),
		};
	return create_list(device, parts, count);
}

TEST_F(addresses, of_a_part_may_be_in_several_segments)
{
	int buffer = create_scattered(self->size), copy = heap_alloc(MOST);
	int handle, target;
	struct edu_dma_buf_address where;
	char *data, *copied;

	ASSERT_LE(0, buffer);
	ASSERT_LE(0, copy);
	data = map_shared(buffer, self->size);
	ASSERT_NE(NULL, data);
	copied = map_shared(copy, MOST);
	ASSERT_NE(NULL, copied);
	fill_pattern(data, self->size, 7);
	handle = edu_import(self->edu, buffer);
	target = edu_import(self->edu, copy);
	ASSERT_LT(0, handle);
	ASSERT_LT(0, target);
	ASSERT_EQ(0, edu_address(self->edu, handle, 0, &where));
	if (where.length >= self->size)
		SKIP(return, "all are one segment (see max_segment of edu_dma_buf)");

	EXPECT_EQ(1, edu_copy(self->edu, handle, where.length - 1001, target, 0, MOST));
	EXPECT_EQ(0, edu_release(self->edu, target));
	EXPECT_EQ(0, memcmp(data + where.length - 1001, copied, MOST));
}

/* Is there a message of a fault, of those that @log hasn't given yet? */
static bool log_tells_fault(int log)
{
	static const char *const faults[] = { "fault addr", "event 0x" };
	char record[1024];
	ssize_t len;
	size_t i;

	while ((len = read(log, record, sizeof(record) - 1)) > 0) {
		record[len] = '\0';
		for (i = 0; i < ARRAY_SIZE(faults); i++) {
			if (strstr(record, faults[i]))
				return true;
		}
	}
	return false;
}

static bool wait_for_fault(int log)
{
	int tries;

	for (tries = 0; tries < PATIENCE / 10; tries++) {
		if (log_tells_fault(log))
			return true;
		usleep(10000);
	}
	return false;
}

/*
 * A fault each word, and messages of them are limited in number: what one test has
 * must leave some to the next.
 */
#define FEW	8

FIXTURE(stale)
{
	int edu;
	int log;
	int buffer;
	int handle;
	int other;
	int other_handle;
	char *data;
	char *other_data;
};

FIXTURE_SETUP(stale)
{
	if (LACKS(EDU, SYSTEM_HEAP, KERNEL_LOG))
		SKIP(return, "%s", lack);
	if (!edu_is_translated())
		SKIP(return, "no IOMMU keeps the device away from memory");
	self->edu = edu_open();
	ASSERT_LE(0, self->edu);
	self->log = open(KERNEL_LOG, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ASSERT_LE(0, self->log);
	ASSERT_EQ(0, lseek(self->log, 0, SEEK_END));
	self->buffer = heap_alloc(page_size());
	self->other = heap_alloc(page_size());
	ASSERT_LE(0, self->buffer);
	ASSERT_LE(0, self->other);
	self->data = map_shared(self->buffer, page_size());
	self->other_data = map_shared(self->other, page_size());
	ASSERT_NE(NULL, self->data);
	ASSERT_NE(NULL, self->other_data);
	fill_pattern(self->data, page_size(), 1);
	fill_pattern(self->other_data, page_size(), 2);
	self->handle = edu_import(self->edu, self->buffer);
	self->other_handle = edu_import(self->edu, self->other);
	ASSERT_LT(0, self->handle);
	ASSERT_LT(0, self->other_handle);
}

FIXTURE_TEARDOWN(stale)
{
}

TEST_F(stale, a_write_to_a_buffer_that_is_unmapped_faults_and_changes_nothing)
{
	EXPECT_EQ(1, finish(edu_read(self->edu, self->other_handle, 0, FEW)));
	EXPECT_FALSE(log_tells_fault(self->log));
	EXPECT_EQ(1, finish(edu_transfer(self->edu, self->handle, EDU_DMA_BUF_STALE |
					 EDU_DMA_BUF_WRITE | EDU_DMA_BUF_FENCE, 0, FEW)));
	EXPECT_TRUE(wait_for_fault(self->log));
	EXPECT_TRUE(has_pattern(self->data, page_size(), 1));
	EXPECT_TRUE(has_pattern(self->other_data, page_size(), 2));
}

TEST_F(stale, a_read_from_a_buffer_that_is_unmapped_faults_and_tells_nothing)
{
	EXPECT_EQ(1, finish(edu_transfer(self->edu, self->handle, EDU_DMA_BUF_STALE |
					 EDU_DMA_BUF_FENCE, 0, FEW)));
	EXPECT_TRUE(wait_for_fault(self->log));
	EXPECT_EQ(1, finish(edu_write(self->edu, self->other_handle, 0, FEW)));
	EXPECT_EQ(0, edu_release(self->edu, self->other_handle));
	EXPECT_FALSE(has_pattern(self->other_data, FEW, 1));
}

TEST_F(stale, nothing_but_to_release_it_can_be_done_afterwards)
{
	struct edu_dma_buf_address where;

	EXPECT_EQ(1, finish(edu_transfer(self->edu, self->handle, EDU_DMA_BUF_STALE |
					 EDU_DMA_BUF_FENCE, 0, FEW)));
	EXPECT_EQ(-ENXIO, edu_transfer(self->edu, self->handle, 0, 0, 8));
	EXPECT_EQ(-ENXIO, edu_address(self->edu, self->handle, 0, &where));
	EXPECT_EQ(0, edu_release(self->edu, self->handle));
	EXPECT_EQ(-ENOENT, edu_release(self->edu, self->handle));
}

TEST_F(stale, a_buffer_in_use_stays_mapped)
{
	int job = edu_read(self->edu, self->handle, 0, MOST);

	EXPECT_EQ(-EBUSY, edu_transfer(self->edu, self->handle, EDU_DMA_BUF_STALE, 0, 8));
	EXPECT_EQ(1, finish(job));
	EXPECT_EQ(1, finish(edu_read(self->edu, self->handle, 0, 8)));
}

/*
 * Jobs and fences
 */

FIXTURE(jobs)
{
	int edu;
	/* Two buffers with a page each. */
	int buffer;
	int other;
	int handle;
	int other_handle;
	char *data;
	char *other_data;
	/* A job of this buffer can hold up those of the others. */
	int holder;
	int timeline;
	char device[64];
};

FIXTURE_SETUP(jobs)
{
	if (LACKS(EDU, SYSTEM_HEAP, SW_SYNC, BUFINFO))
		SKIP(return, "%s", lack);
	ASSERT_EQ(0, edu_name(self->device, sizeof(self->device)));
	self->edu = edu_open();
	ASSERT_LE(0, self->edu);
	self->buffer = heap_alloc(page_size());
	self->other = heap_alloc(page_size());
	self->holder = heap_alloc(page_size());
	ASSERT_LE(0, self->buffer);
	ASSERT_LE(0, self->other);
	ASSERT_LE(0, self->holder);
	self->data = map_shared(self->buffer, page_size());
	self->other_data = map_shared(self->other, page_size());
	ASSERT_NE(NULL, self->data);
	ASSERT_NE(NULL, self->other_data);
	self->handle = edu_import(self->edu, self->buffer);
	self->other_handle = edu_import(self->edu, self->other);
	ASSERT_LT(0, self->handle);
	ASSERT_LT(0, self->other_handle);
	self->timeline = timeline_create();
	ASSERT_LE(0, self->timeline);
}

FIXTURE_TEARDOWN(jobs)
{
	close(self->timeline);
	close(self->edu);
	if (access(EDU, F_OK))
		write_file(EDU_DRIVER "/bind", self->device);
}

/* From now on no job ends until the timeline comes to 1. */
static int hold_engine(int edu, int holder, int timeline)
{
	int handle = edu_import(edu, holder);

	if (handle < 0)
		return handle;
	return add_job(holder, WRITE, timeline, 1) ?: edu_transfer(edu, handle, 0, 0, 1);
}

TEST_F(jobs, that_write_keep_readers_and_writers_waiting)
{
	int job;

	ASSERT_EQ(0, hold_engine(self->edu, self->holder, self->timeline));
	job = edu_write(self->edu, self->handle, 0, MOST);
	ASSERT_LE(0, job);
	EXPECT_EQ(0, ready_now(self->buffer, POLLIN | POLLOUT));
	EXPECT_FALSE(has_signalled(job));
	EXPECT_EQ(0, read_status(job));
	ASSERT_EQ(0, timeline_advance(self->timeline, 1));
	EXPECT_EQ(1, finish(job));
	EXPECT_EQ(POLLIN | POLLOUT, ready_now(self->buffer, POLLIN | POLLOUT));
}

TEST_F(jobs, that_read_keep_writers_waiting)
{
	int job;

	ASSERT_EQ(0, hold_engine(self->edu, self->holder, self->timeline));
	job = edu_read(self->edu, self->handle, 0, MOST);
	ASSERT_LE(0, job);
	EXPECT_EQ(POLLIN, ready_now(self->buffer, POLLIN | POLLOUT));
	ASSERT_EQ(0, timeline_advance(self->timeline, 1));
	EXPECT_EQ(1, finish(job));
	EXPECT_EQ(POLLIN | POLLOUT, ready_now(self->buffer, POLLIN | POLLOUT));
}

/* Nothing holds the engine, so that this takes as long as the device does. */
TEST_F(jobs, wake_who_polls_the_buffer)
{
	struct sleeper sleeper = {
		.wait = sleeper_poll,
		.fd = self->buffer,
		.events = POLLIN,
	};

	ASSERT_EQ(0, edu_transfer(self->edu, self->handle, EDU_DMA_BUF_WRITE, 0, MOST));
	ASSERT_TRUE(sleeper_launch(&sleeper));
	EXPECT_EQ(POLLIN, sleeper_join(&sleeper));
}

/* As long as a job takes that doesn't wait for anybody, and longer. */
static bool stays_pending(int job)
{
	usleep(300000);
	return !has_signalled(job);
}

TEST_F(jobs, that_read_wait_for_writers)
{
	int job;

	ASSERT_EQ(0, add_job(self->buffer, WRITE, self->timeline, 1));
	job = edu_read(self->edu, self->handle, 0, MOST);
	ASSERT_LE(0, job);
	EXPECT_TRUE(stays_pending(job));
	ASSERT_EQ(0, timeline_advance(self->timeline, 1));
	EXPECT_EQ(1, finish(job));
}

TEST_F(jobs, that_read_do_not_wait_for_readers)
{
	ASSERT_EQ(0, add_job(self->buffer, READ, self->timeline, 1));
	EXPECT_EQ(1, finish(edu_read(self->edu, self->handle, 0, MOST)));
	EXPECT_EQ(POLLIN, ready_now(self->buffer, POLLIN | POLLOUT));
}

TEST_F(jobs, that_write_wait_for_readers_and_writers)
{
	int job;

	ASSERT_EQ(0, add_job(self->buffer, READ, self->timeline, 2));
	ASSERT_EQ(0, add_job(self->buffer, WRITE, self->timeline, 1));
	job = edu_write(self->edu, self->handle, 0, MOST);
	ASSERT_LE(0, job);
	EXPECT_TRUE(stays_pending(job));
	ASSERT_EQ(0, timeline_advance(self->timeline, 1));
	EXPECT_TRUE(stays_pending(job));
	ASSERT_EQ(0, timeline_advance(self->timeline, 1));
	EXPECT_EQ(1, finish(job));
}

/* From the first quarter to the third, and from there to the second. */
TEST_F(jobs, of_a_buffer_run_in_order)
{
	const size_t quarter = page_size() / 4;
	int jobs[4], i;

	ASSERT_EQ(0, cpu_sync(self->buffer, DMA_BUF_SYNC_START | WRITE));
	memset(self->data, 0, page_size());
	fill_pattern(self->data, quarter, 3);
	ASSERT_EQ(0, cpu_sync(self->buffer, DMA_BUF_SYNC_END | WRITE));
	ASSERT_EQ(0, hold_engine(self->edu, self->holder, self->timeline));
	jobs[0] = edu_read(self->edu, self->handle, 0, 1000);
	jobs[1] = edu_write(self->edu, self->handle, 2 * quarter, 1000);
	jobs[2] = edu_read(self->edu, self->handle, 2 * quarter, 1000);
	jobs[3] = edu_write(self->edu, self->handle, quarter, 1000);
	for (i = 0; i < 4; i++)
		EXPECT_EQ(0, ready_now(jobs[i], POLLIN));
	ASSERT_EQ(0, timeline_advance(self->timeline, 1));
	EXPECT_EQ(1, finish(jobs[3]));
	for (i = 0; i < 3; i++) {
		EXPECT_TRUE(has_signalled(jobs[i]));
		EXPECT_EQ(1, finish(jobs[i]));
	}
	ASSERT_EQ(0, cpu_sync(self->buffer, DMA_BUF_SYNC_START | READ));
	EXPECT_TRUE(has_pattern(self->data + quarter, 1000, 3));
	EXPECT_TRUE(is_zero(self->data + quarter + 1000, quarter - 1000));
	EXPECT_TRUE(has_pattern(self->data + 2 * quarter, 1000, 3));
	ASSERT_EQ(0, cpu_sync(self->buffer, DMA_BUF_SYNC_END | READ));
}

TEST_F(jobs, are_over_when_their_buffer_is_released)
{
	int job = edu_write(self->edu, self->handle, 0, MOST);

	ASSERT_LE(0, job);
	EXPECT_EQ(0, edu_release(self->edu, self->handle));
	EXPECT_TRUE(has_signalled(job));
	EXPECT_EQ(1, finish(job));
}

static void do_nothing(int number)
{
}

TEST_F(jobs, are_waited_for_until_a_signal_comes)
{
	const struct sigaction action = { .sa_handler = do_nothing };
	const struct itimerval often = { { 0, 20000 }, { 0, 20000 } }, never = {};

	ASSERT_EQ(0, hold_engine(self->edu, self->holder, self->timeline));
	ASSERT_EQ(0, edu_transfer(self->edu, self->handle, 0, 0, 1));
	ASSERT_EQ(0, sigaction(SIGALRM, &action, NULL));
	ASSERT_EQ(0, setitimer(ITIMER_REAL, &often, NULL));
	EXPECT_EQ(-EINTR, edu_release(self->edu, self->handle));
	ASSERT_EQ(0, setitimer(ITIMER_REAL, &never, NULL));
	ASSERT_EQ(0, timeline_advance(self->timeline, 1));
	EXPECT_EQ(0, edu_release(self->edu, self->handle));
}

TEST_F(jobs, outlive_their_file_and_keep_their_buffer_as_long)
{
	unsigned long long ino = inode_number(self->buffer);
	struct bufinfo_buffer found;
	int job;

	ASSERT_EQ(0, hold_engine(self->edu, self->holder, self->timeline));
	job = edu_read(self->edu, self->handle, 0, MOST);
	ASSERT_LE(0, job);
	close(self->edu);
	self->edu = -1;
	munmap(self->data, page_size());
	close(self->buffer);
	EXPECT_FALSE(has_signalled(job));
	EXPECT_EQ(0, bufinfo_find(ino, &found));
	ASSERT_EQ(0, timeline_advance(self->timeline, 1));
	EXPECT_EQ(1, finish(job));
	EXPECT_TRUE(wait_until_gone(ino));
}

/*
 * What is refused
 */

TEST_F(jobs, need_a_part_of_the_buffer)
{
	const size_t size = page_size();

	EXPECT_EQ(-EINVAL, edu_read(self->edu, self->handle, 0, 0));
	EXPECT_EQ(-EINVAL, edu_read(self->edu, self->handle, 0, MOST + 1));
	EXPECT_EQ(-EINVAL, edu_read(self->edu, self->handle, 0, 4097));
	EXPECT_EQ(-EINVAL, edu_write(self->edu, self->handle, 0, -1));
	EXPECT_EQ(-ERANGE, edu_write(self->edu, self->handle, size - 7, 8));
	EXPECT_EQ(-ERANGE, edu_write(self->edu, self->handle, size, 1));
	EXPECT_EQ(-ERANGE, edu_write(self->edu, self->handle, -1ULL, 1));
	EXPECT_EQ(-ERANGE, edu_write(self->edu, self->handle, -7ULL, 8));
	EXPECT_EQ(POLLIN | POLLOUT, ready_now(self->buffer, POLLIN | POLLOUT));
	EXPECT_EQ(1, finish(edu_write(self->edu, self->handle, size - 8, 8)));
}

TEST_F(jobs, need_a_handle_and_known_flags)
{
	EXPECT_EQ(-ENOENT, edu_read(self->edu, 0, 0, 8));
	EXPECT_EQ(-ENOENT, edu_read(self->edu, self->other_handle + 1, 0, 8));
	EXPECT_EQ(-ENOENT, edu_read(self->edu, -1, 0, 8));
	EXPECT_EQ(-EINVAL, edu_transfer(self->edu, self->handle, 1U << 3, 0, 8));
	EXPECT_EQ(-EINVAL, edu_transfer(self->edu, self->handle, 1U << 31, 0, 8));
	if (!edu_is_translated())
		EXPECT_EQ(-EOPNOTSUPP,
			  edu_transfer(self->edu, self->handle, EDU_DMA_BUF_STALE, 0, 8));
	EXPECT_EQ(POLLIN | POLLOUT, ready_now(self->buffer, POLLIN | POLLOUT));
}

/* A handle is its file's. */
TEST_F(jobs, need_a_handle_of_the_same_file)
{
	int edu = edu_open();

	ASSERT_LE(0, edu);
	EXPECT_EQ(-ENOENT, edu_read(edu, self->handle, 0, 8));
	EXPECT_EQ(-ENOENT, edu_release(edu, self->handle));
	close(edu);
}

TEST_F(jobs, are_not_begun_when_there_is_no_fd_for_their_fence)
{
	struct rlimit before;

	ASSERT_EQ(0, forbid_new_fds(&before));
	EXPECT_EQ(-EMFILE, edu_write(self->edu, self->handle, 0, 8));
	EXPECT_EQ(0, setrlimit(RLIMIT_NOFILE, &before));
	EXPECT_EQ(POLLIN | POLLOUT, ready_now(self->buffer, POLLIN | POLLOUT));
}

TEST_F(jobs, are_not_begun_when_their_fence_cannot_be_told)
{
	struct edu_dma_buf_transfer *request = (void *)page_before_a_hole(PROT_READ |
									 PROT_WRITE);
	int fds = count_open_fds();

	ASSERT_NE(NULL, request);
	*request = (struct edu_dma_buf_transfer) {
		.handle = self->handle,
		.flags = EDU_DMA_BUF_WRITE | EDU_DMA_BUF_FENCE,
		.size = 8,
	};
	ASSERT_EQ(0, mprotect(request, page_size(), PROT_READ));
	EXPECT_EQ(-EFAULT, call_ioctl(self->edu, EDU_DMA_BUF_TRANSFER, request));
	EXPECT_EQ(fds, count_open_fds());
	EXPECT_EQ(POLLIN | POLLOUT, ready_now(self->buffer, POLLIN | POLLOUT));
}

TEST_F(jobs, without_a_fence_open_no_fd)
{
	int fds = count_open_fds();

	EXPECT_EQ(0, edu_transfer(self->edu, self->handle, EDU_DMA_BUF_WRITE, 0, 8));
	EXPECT_EQ(fds, count_open_fds());
}

TEST_F(jobs, other_arguments_are_refused)
{
	struct edu_dma_buf_release release = { .handle = self->handle, .pad = 1 };
	struct edu_dma_buf_address where = { .handle = self->handle, .pad = 1 };

	EXPECT_EQ(-EBADF, edu_import(self->edu, -1));
	EXPECT_EQ(-EINVAL, edu_import(self->edu, self->edu));
	EXPECT_EQ(-EINVAL, call_ioctl(self->edu, EDU_DMA_BUF_RELEASE, &release));
	EXPECT_EQ(-EINVAL, call_ioctl(self->edu, EDU_DMA_BUF_ADDRESS, &where));
	EXPECT_EQ(-ENOENT, edu_release(self->edu, 0));
	EXPECT_EQ(-ENOENT, edu_address(self->edu, 0, 0, &where));
	EXPECT_EQ(-ERANGE, edu_address(self->edu, self->handle, page_size(), &where));
	EXPECT_EQ(-EFAULT, call_ioctl(self->edu, EDU_DMA_BUF_IMPORT, NULL));
	EXPECT_EQ(-EFAULT, call_ioctl(self->edu, EDU_DMA_BUF_RELEASE, NULL));
	EXPECT_EQ(-EFAULT, call_ioctl(self->edu, EDU_DMA_BUF_TRANSFER, NULL));
	EXPECT_EQ(-EFAULT, call_ioctl(self->edu, EDU_DMA_BUF_ADDRESS, NULL));
	EXPECT_EQ(-ENOTTY, call_ioctl(self->edu, _IO(0xed, 9), NULL));
	EXPECT_EQ(0, edu_release(self->edu, self->handle));
}

TEST_F(jobs, a_buffer_whose_handle_cannot_be_told_is_not_kept)
{
	struct edu_dma_buf_import *request = (void *)page_before_a_hole(PROT_READ |
								       PROT_WRITE);
	unsigned long long ino = inode_number(self->holder);

	ASSERT_NE(NULL, request);
	request->fd = self->holder;
	ASSERT_EQ(0, mprotect(request, page_size(), PROT_READ));
	EXPECT_EQ(-EFAULT, call_ioctl(self->edu, EDU_DMA_BUF_IMPORT, request));
	close(self->holder);
	EXPECT_TRUE(wait_until_gone(ino));
}

/*
 * A device that is removed
 */

TEST_F(jobs, end_when_the_device_is_removed)
{
	unsigned long long ino = inode_number(self->buffer);
	int running, waiting;

	/* The one is in the queue or runs by then, the other can't begin. */
	running = edu_read(self->edu, self->handle, 0, MOST);
	ASSERT_EQ(0, add_job(self->other, WRITE, self->timeline, 1));
	waiting = edu_read(self->edu, self->other_handle, 0, MOST);
	ASSERT_LE(0, running);
	ASSERT_LE(0, waiting);
	ASSERT_EQ(0, write_file(EDU_DRIVER "/unbind", self->device));

	EXPECT_TRUE(has_signalled(running));
	EXPECT_TRUE(has_signalled(waiting));
	EXPECT_EQ(-ENODEV, finish(waiting));
	EXPECT_NE(0, finish(running));
	EXPECT_EQ(POLLIN | POLLOUT, ready_now(self->buffer, POLLIN | POLLOUT));
	EXPECT_EQ(-ENODEV, edu_import(self->edu, self->holder));
	EXPECT_EQ(-ENODEV, edu_read(self->edu, self->handle, 0, 8));
	EXPECT_EQ(0, edu_release(self->edu, self->handle));
	munmap(self->data, page_size());
	close(self->buffer);
	EXPECT_TRUE(wait_until_gone(ino));
	/* Who waited for this is no more. */
	EXPECT_EQ(0, timeline_advance(self->timeline, 1));

	ASSERT_EQ(0, write_file(EDU_DRIVER "/bind", self->device));
	close(self->edu);
	self->edu = edu_open();
	ASSERT_LE(0, self->edu);
	self->other_handle = edu_import(self->edu, self->other);
	EXPECT_EQ(1, finish(edu_read(self->edu, self->other_handle, 0, MOST)));
}

/*
 * What fails half-way
 */

struct target {
	int edu;
	int buffer;
	int handle;
	int timelines[2];
};

FIXTURE(sweep)
{
	struct target target;
	int fail_nth;
};

FIXTURE_SETUP(sweep)
{
	size_t i;

	if (LACKS(EDU, SYSTEM_HEAP, SW_SYNC, BUFINFO, FAIL_NTH, FAILSLAB))
		SKIP(return, "%s", lack);
	ASSERT_EQ(0, set_up_fault_injection());
	self->target.edu = edu_open();
	ASSERT_LE(0, self->target.edu);
	self->target.buffer = heap_alloc(page_size());
	ASSERT_LE(0, self->target.buffer);
	for (i = 0; i < ARRAY_SIZE(self->target.timelines); i++) {
		self->target.timelines[i] = timeline_create();
		ASSERT_LE(0, self->target.timelines[i]);
	}
	self->fail_nth = open(FAIL_NTH, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->fail_nth);
}

FIXTURE_TEARDOWN(sweep)
{
	size_t i;

	close(self->fail_nth);
	for (i = 0; i < ARRAY_SIZE(self->target.timelines); i++)
		close(self->target.timelines[i]);
	close(self->target.buffer);
	close(self->target.edu);
}

static int call_edu_import(struct target *target)
{
	return edu_import(target->edu, target->buffer);
}

static void undo_edu_import(struct target *target, int result)
{
	edu_release(target->edu, result);
}

TEST_F(sweep, importing_a_buffer)
{
	static const struct sweep_call call = {
		.call = call_edu_import,
		.undo = undo_edu_import,
	};
	struct bufinfo_buffer row;

	EXPECT_LT(0, sweep(self->fail_nth, &self->target, &call));
	ASSERT_EQ(0, bufinfo_find(inode_number(self->target.buffer), &row));
	EXPECT_EQ(0, row.devices);
	EXPECT_EQ(1, row.count);
}

static int call_edu_write(struct target *target)
{
	return edu_write(target->edu, target->handle, 0, 8);
}

static void undo_edu_write(struct target *target, int result)
{
	close(result);
}

/* It has to wait for several others, for which it needs one fence of all. */
TEST_F(sweep, submitting_a_job)
{
	static const struct sweep_call call = {
		.call = call_edu_write,
		.undo = undo_edu_write,
	};
	size_t i;

	self->target.handle = edu_import(self->target.edu, self->target.buffer);
	ASSERT_LT(0, self->target.handle);
	for (i = 0; i < ARRAY_SIZE(self->target.timelines); i++)
		ASSERT_EQ(0, add_job(self->target.buffer, READ,
				     self->target.timelines[i], 1));
	EXPECT_LT(0, sweep(self->fail_nth, &self->target, &call));
	for (i = 0; i < ARRAY_SIZE(self->target.timelines); i++)
		ASSERT_EQ(0, timeline_advance(self->target.timelines[i], 1));
	EXPECT_EQ(0, edu_release(self->target.edu, self->target.handle));
	EXPECT_EQ(POLLIN | POLLOUT, ready_now(self->target.buffer, POLLIN | POLLOUT));
}

TEST_HARNESS_MAIN
