// SPDX-License-Identifier: GPL-2.0-only
/*
 * Heaps: what is asked for is what one gets, what isn't allowed is refused and
 * changes nothing, and statistics and events tell of all that.
 */
#include "../kselftest_harness.h"

#include <signal.h>
#include <sys/mount.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>

#include "bufinfo.h"
#include "memory_helpers.h"
#include "prime.h"

#define TRACING		"/sys/kernel/tracing"
#define INSTANCE	TRACING "/instances/dma_heap_test"
#define EVENTS		INSTANCE "/events/dma_heap"

FIXTURE(heap)
{
	char name[64];
	char stats[128];
	size_t page;
	int device;
};

FIXTURE_VARIANT(heap)
{
	/* NULL: as the default CMA area is called. */
	const char *name;
};

FIXTURE_VARIANT_ADD(heap, system) { .name = "system" };
FIXTURE_VARIANT_ADD(heap, default_cma_region) { .name = "default_cma_region" };
FIXTURE_VARIANT_ADD(heap, by_the_areas_name) { .name = NULL };

/* The name of the area's other heap, which depends on how the area was set up. */
static const char *area_name(void)
{
	static const char *const names[] = { "reserved", "linux,cma", "default-pool" };
	char path[128];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "/dev/dma_heap/%s", names[i]);
		if (!access(path, R_OK))
			return names[i];
	}
	return NULL;
}

FIXTURE_SETUP(heap)
{
	const char *name = variant->name ?: area_name();
	char path[128];

	if (!name)
		SKIP(return, "no CMA area has a heap of its name");
	snprintf(path, sizeof(path), "/dev/dma_heap/%s", name);
	snprintf(self->stats, sizeof(self->stats), HEAP_STATS, name);
	if (LACKS(path, self->stats))
		SKIP(return, "%s", lack);
	snprintf(self->name, sizeof(self->name), "%s", name);
	self->page = page_size();
	self->device = open(path, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, self->device);
}

FIXTURE_TEARDOWN(heap)
{
	close(self->device);
}

/* What is handed out, and why requests failed: what a refused one changes at most. */
struct tally {
	long long bytes;
	long long buffers;
	long long invalid;
	long long no_memory;
	long long no_file;
	long long interrupted;
	long long other;
	int fds;
};

static struct tally take_tally(const char *stats)
{
	return (struct tally){
		.bytes = number_behind(stats, "bytes"),
		.buffers = number_behind(stats, "buffers"),
		.invalid = number_behind(stats, "failed_invalid"),
		.no_memory = number_behind(stats, "failed_no_memory"),
		.no_file = number_behind(stats, "failed_no_file"),
		.interrupted = number_behind(stats, "failed_interrupted"),
		.other = number_behind(stats, "failed_other"),
		.fds = count_open_fds(),
	};
}

/* Has nothing changed but what @expected was told of? */
static void expect_tally(struct __test_metadata *_metadata, const char *stats,
			 const struct tally *expected)
{
	struct tally now = take_tally(stats);

	EXPECT_EQ(expected->bytes, now.bytes);
	EXPECT_EQ(expected->buffers, now.buffers);
	EXPECT_EQ(expected->invalid, now.invalid);
	EXPECT_EQ(expected->no_memory, now.no_memory);
	EXPECT_EQ(expected->no_file, now.no_file);
	EXPECT_EQ(expected->interrupted, now.interrupted);
	EXPECT_EQ(expected->other, now.other);
	EXPECT_EQ(expected->fds, now.fds);
}

static int alloc(int device, size_t size)
{
	return heap_alloc_from(device, size, O_RDWR | O_CLOEXEC);
}

/*
 * What is asked for
 */

TEST_F(heap, sizes_are_rounded_up_to_pages)
{
	const struct { size_t asked, got; } sizes[] = {
		{ 1, self->page }, { self->page - 1, self->page }, { self->page, self->page },
		{ self->page + 1, 2 * self->page }, { 16 * self->page, 16 * self->page },
		{ 17 * self->page - 7, 17 * self->page },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		int buffer = alloc(self->device, sizes[i].asked);

		ASSERT_LE(0, buffer);
		EXPECT_EQ((off_t)sizes[i].got, lseek(buffer, 0, SEEK_END));
		EXPECT_EQ(0, lseek(buffer, 0, SEEK_SET));
		close(buffer);
	}
}

TEST_F(heap, every_byte_is_zero_and_can_be_written)
{
	const size_t sizes[] = {
		self->page, 3 * self->page, 16 * self->page, HUGE_PAGE, HUGE_PAGE + self->page,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		int buffer = alloc(self->device, sizes[i]);
		char *data = map_shared(buffer, sizes[i]);

		ASSERT_NE(NULL, data);
		EXPECT_TRUE(is_zero(data, sizes[i])) TH_LOG("%zu bytes", sizes[i]);
		fill_pattern(data, sizes[i], i);
		EXPECT_TRUE(has_pattern(data, sizes[i], i)) TH_LOG("%zu bytes", sizes[i]);
		munmap(data, sizes[i]);
		close(buffer);
	}
}

TEST_F(heap, two_buffers_share_no_bytes)
{
	size_t size = 16 * self->page;
	int mine = alloc(self->device, size), others = alloc(self->device, size);
	char *my_data = map_shared(mine, size), *others_data = map_shared(others, size);

	ASSERT_NE(NULL, my_data);
	ASSERT_NE(NULL, others_data);
	fill_pattern(my_data, size, 1);
	fill_pattern(others_data, size, 2);
	EXPECT_TRUE(has_pattern(my_data, size, 1));
	close(mine);
	close(others);
}

TEST_F(heap, close_on_exec_is_as_asked_for)
{
	int closed = heap_alloc_from(self->device, 1, O_RDWR | O_CLOEXEC);
	int kept = heap_alloc_from(self->device, 1, O_RDWR);

	ASSERT_LE(0, closed);
	ASSERT_LE(0, kept);
	EXPECT_EQ(FD_CLOEXEC, fcntl(closed, F_GETFD));
	EXPECT_EQ(0, fcntl(kept, F_GETFD));
	close(closed);
	close(kept);
}

static int try_to_map(int fd, int prot, int flags)
{
	void *data = mmap(NULL, page_size(), prot, flags, fd, 0);

	if (data == MAP_FAILED)
		return -errno;
	munmap(data, page_size());
	return 0;
}

TEST_F(heap, the_access_mode_is_as_asked_for)
{
	__u32 mode;

	for (mode = O_RDONLY; mode <= O_ACCMODE; mode++) {
		int buffer = heap_alloc_from(self->device, 1, mode | O_CLOEXEC);
		bool readable = mode == O_RDONLY || mode == O_RDWR;
		int writable = mode == O_RDWR ? 0 : -EACCES;

		ASSERT_LE(0, buffer);
		EXPECT_EQ((int)mode, fcntl(buffer, F_GETFL) & O_ACCMODE);
		EXPECT_EQ(readable ? 0 : -EACCES, try_to_map(buffer, PROT_READ, MAP_SHARED));
		EXPECT_EQ(writable, try_to_map(buffer, PROT_READ | PROT_WRITE, MAP_SHARED));
		EXPECT_EQ(writable, try_to_map(buffer, PROT_WRITE, MAP_SHARED));
		/* It is the process' own memory that is written. */
		EXPECT_EQ(readable ? 0 : -EACCES,
			  try_to_map(buffer, PROT_READ | PROT_WRITE, MAP_PRIVATE));
		close(buffer);
	}
}

TEST_F(heap, what_is_mapped_read_only_cannot_be_opened_up)
{
	int buffer = heap_alloc_from(self->device, 1, O_RDONLY | O_CLOEXEC);
	void *data = mmap(NULL, self->page, PROT_READ, MAP_SHARED, buffer, 0);

	ASSERT_NE(MAP_FAILED, data);
	EXPECT_TRUE(is_zero(data, self->page));
	EXPECT_EQ(-1, mprotect(data, self->page, PROT_READ | PROT_WRITE));
	EXPECT_EQ(EACCES, errno);
	munmap(data, self->page);
	close(buffer);
}

TEST_F(heap, a_buffer_tells_where_it_is_from)
{
	char exp_name[64];
	int buffer = alloc(self->device, 1);

	ASSERT_LT(0, fdinfo_line(buffer, "exp_name", exp_name, sizeof(exp_name)));
	EXPECT_STREQ(self->name, exp_name);
	close(buffer);
}

/*
 * What is refused
 */

TEST_F(heap, what_makes_no_sense_is_refused)
{
	const __u64 page = self->page;
	const struct dma_heap_allocation_data requests[] = {
		{ .len = 0 },
		/* These can't be rounded up. */
		{ .len = -1 }, { .len = -page + 1 }, { .len = -(page / 2) },
		{ .len = page, .fd = 1 }, { .len = page, .fd = -1 },
		{ .len = page, .fd = 1U << 31 }, { .len = page, .fd = self->device },
		{ .len = page, .fd_flags = O_NONBLOCK }, { .len = page, .fd_flags = O_CREAT },
		{ .len = page, .fd_flags = O_PATH }, { .len = page, .fd_flags = 1U << 31 },
		{ .len = page, .fd_flags = O_RDWR | O_CLOEXEC | O_APPEND },
		{ .len = page, .fd_flags = -1 },
		{ .len = page, .heap_flags = 1 }, { .len = page, .heap_flags = 1ULL << 32 },
		{ .len = page, .heap_flags = 1ULL << 63 }, { .len = page, .heap_flags = -1 },
	};
	struct tally tally = take_tally(self->stats);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(requests); i++) {
		struct dma_heap_allocation_data request = requests[i];

		EXPECT_EQ(-EINVAL, call_ioctl(self->device, DMA_HEAP_IOCTL_ALLOC, &request))
			TH_LOG("request %zu", i);
		EXPECT_EQ(0, memcmp(&requests[i], &request, sizeof(request)))
			TH_LOG("request %zu was written to", i);
		tally.invalid++;
	}
	expect_tally(_metadata, self->stats, &tally);
}

static __u64 bytes_of_memory(void)
{
	struct sysinfo info;

	return sysinfo(&info) ? 0 : (__u64)info.totalram * info.mem_unit;
}

/* How much there is, nobody looks for it to find out. */
TEST_F(heap, more_than_all_of_memory_is_enomem)
{
	const __u64 page = self->page, memory = bytes_of_memory();
	const __u64 sizes[] = {
		memory + page, 2 * memory, 1ULL << 40, 1ULL << 43, 1ULL << 63, -page,
	};
	struct tally tally = take_tally(self->stats);
	size_t i;

	ASSERT_LT(page, memory);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct dma_heap_allocation_data request = { .len = sizes[i] };

		EXPECT_EQ(-ENOMEM, call_ioctl(self->device, DMA_HEAP_IOCTL_ALLOC, &request))
			TH_LOG("%llx bytes", sizes[i]);
		EXPECT_EQ(0, (int)request.fd);
		tally.no_memory++;
	}
	expect_tally(_metadata, self->stats, &tally);
}

TEST_F(heap, an_argument_that_cannot_be_read_is_efault)
{
	struct tally tally = take_tally(self->stats);
	char *page = page_before_a_hole(PROT_READ | PROT_WRITE);

	ASSERT_NE(NULL, page);
	EXPECT_EQ(-EFAULT, call_ioctl(self->device, DMA_HEAP_IOCTL_ALLOC, NULL));
	EXPECT_EQ(-EFAULT, call_ioctl(self->device, DMA_HEAP_IOCTL_ALLOC, page + self->page));
	EXPECT_EQ(-EFAULT, call_ioctl(self->device, DMA_HEAP_IOCTL_ALLOC,
				      page + self->page - 16));
	tally.other += 3;
	expect_tally(_metadata, self->stats, &tally);
}

/* The buffer exists by then. */
TEST_F(heap, an_argument_that_cannot_be_written_is_efault_and_leaves_nothing)
{
	char *page = page_before_a_hole(PROT_READ | PROT_WRITE);
	struct tally tally = take_tally(self->stats);
	long files = count_kernel_files();
	struct dma_heap_allocation_data *request = (void *)page;
	int i;

	ASSERT_NE(NULL, page);
	request->len = 16 * self->page;
	request->fd_flags = O_RDWR | O_CLOEXEC;
	ASSERT_EQ(0, mprotect(page, self->page, PROT_READ));
	for (i = 0; i < LEAK_ROUNDS; i++)
		ASSERT_EQ(-EFAULT, call_ioctl(self->device, DMA_HEAP_IOCTL_ALLOC, page));
	EXPECT_EQ(0, (int)request->fd);
	tally.other += LEAK_ROUNDS;
	expect_tally(_metadata, self->stats, &tally);
	EXPECT_GT(files + LEAK_SLACK, count_kernel_files());
}

TEST_F(heap, without_a_fd_left_it_is_emfile_and_leaves_nothing)
{
	struct tally tally = take_tally(self->stats);
	struct rlimit limit;
	int i;

	ASSERT_EQ(0, forbid_new_fds(&limit));
	for (i = 0; i < 10; i++)
		ASSERT_EQ(-EMFILE, alloc(self->device, 16 * self->page));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	tally.no_file += 10;
	expect_tally(_metadata, self->stats, &tally);
}

TEST_F(heap, an_unknown_ioctl_is_enotty_and_does_not_count)
{
	static const unsigned int commands[] = {
		_IOW(DMA_HEAP_IOC_MAGIC, 0, struct dma_heap_allocation_data),
		_IOR(DMA_HEAP_IOC_MAGIC, 0, struct dma_heap_allocation_data),
		_IO(DMA_HEAP_IOC_MAGIC, 0),
		_IOWR('I', 0, struct dma_heap_allocation_data),
		UDMABUF_CREATE,
		0,
	};
	struct dma_heap_allocation_data request = { .len = 1 };
	struct tally tally = take_tally(self->stats);
	unsigned int nr;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		EXPECT_EQ(-ENOTTY, call_ioctl(self->device, commands[i], &request))
			TH_LOG("command %x", commands[i]);
	}
	for (nr = 1; nr < 256; nr++) {
		EXPECT_EQ(-ENOTTY, call_ioctl(self->device, DMA_HEAP_IOCTL_ALLOC + nr, &request))
			TH_LOG("number %u", nr);
	}
	expect_tally(_metadata, self->stats, &tally);
}

/*
 * What other versions of the structure would be
 */

/* Of that size, which is all there is of it: behind it memory ends. */
static int alloc_by_payload(int device, size_t size,
			    const struct dma_heap_allocation_data *wanted)
{
	char *page = page_before_a_hole(PROT_READ | PROT_WRITE), *argument;
	struct dma_heap_allocation_data given = {};
	size_t known = size < sizeof(given) ? size : sizeof(given);
	int err;

	if (!page)
		return -ENOMEM;
	argument = page + page_size() - size;
	memcpy(argument, wanted, known);
	memset(argument + known, 0xa5, size - known);
	err = call_ioctl(device, _IOC(_IOC_READ | _IOC_WRITE, DMA_HEAP_IOC_MAGIC, 0, size),
			 argument);
	memcpy(&given, argument, known);
	/* What the kernel doesn't know it leaves as it was. */
	for (; known < size; known++) {
		if (argument[known] != (char)0xa5)
			err = -EBADMSG;
	}
	munmap(page, page_size());
	return err < 0 ? err : (int)given.fd;
}

TEST_F(heap, a_longer_payload_is_taken_whatever_its_tail)
{
	const struct dma_heap_allocation_data request = {
		.len = 2 * self->page,
		.fd_flags = O_RDWR | O_CLOEXEC,
	};
	static const size_t sizes[] = { 25, 32, 64, 1024, (1 << _IOC_SIZEBITS) / 8 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		int buffer = alloc_by_payload(self->device, sizes[i], &request);

		ASSERT_LE(0, buffer) TH_LOG("%zu bytes", sizes[i]);
		EXPECT_EQ((off_t)(2 * self->page), lseek(buffer, 0, SEEK_END));
		EXPECT_EQ(FD_CLOEXEC, fcntl(buffer, F_GETFD));
		close(buffer);
	}
}

/* It says how long it is, but there needn't be more than the kernel knows of. */
TEST_F(heap, a_longer_payloads_tail_is_not_even_read)
{
	char *page = page_before_a_hole(PROT_READ | PROT_WRITE);
	struct dma_heap_allocation_data *request;

	ASSERT_NE(NULL, page);
	request = (void *)(page + self->page - sizeof(*request));
	request->len = 1;
	ASSERT_EQ(0, call_ioctl(self->device,
				_IOC(_IOC_READ | _IOC_WRITE, DMA_HEAP_IOC_MAGIC, 0, 64),
				request));
	EXPECT_EQ((off_t)self->page, lseek(request->fd, 0, SEEK_END));
	close(request->fd);
}

TEST_F(heap, a_shorter_payload_is_as_if_the_rest_were_zero)
{
	/* Were the kernel to read all of that, it would refuse it. */
	const struct dma_heap_allocation_data request = {
		.len = 2 * self->page,
		.fd_flags = O_RDWR,
		.heap_flags = -1,
	};
	int buffer = alloc_by_payload(self->device, 12, &request);

	ASSERT_LE(0, buffer);
	EXPECT_EQ((off_t)(2 * self->page), lseek(buffer, 0, SEEK_END));
	EXPECT_EQ(O_RDONLY, fcntl(buffer, F_GETFL) & O_ACCMODE);
	EXPECT_EQ(0, fcntl(buffer, F_GETFD));
	close(buffer);
	buffer = alloc_by_payload(self->device, 16, &request);
	ASSERT_LE(0, buffer);
	EXPECT_EQ(O_RDWR, fcntl(buffer, F_GETFL) & O_ACCMODE);
	close(buffer);
	EXPECT_EQ(-EINVAL, alloc_by_payload(self->device, 24, &request));
}

TEST_F(heap, a_payload_without_room_for_the_fd_is_refused)
{
	const struct dma_heap_allocation_data request = { .len = 1 };
	struct tally tally = take_tally(self->stats);
	size_t size;

	for (size = 0; size < 12; size++) {
		EXPECT_EQ(-EINVAL, alloc_by_payload(self->device, size, &request))
			TH_LOG("%zu bytes", size);
		tally.invalid++;
	}
	expect_tally(_metadata, self->stats, &tally);
}

/*
 * Statistics
 */

TEST_F(heap, statistics_have_all_they_should)
{
	static const char *const keys[] = {
		"bytes", "buffers", "allocations", "failed_invalid", "failed_no_memory",
		"failed_no_file", "failed_interrupted", "failed_other",
		"latency_p50_ns", "latency_p99_ns",
	};
	bool has_pool = !strcmp(self->name, "system");
	size_t i;

	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		EXPECT_LE(0, number_behind(self->stats, keys[i]))
			TH_LOG("%s", keys[i]);
	}
	EXPECT_EQ(has_pool, number_behind(self->stats, "pool_bytes") >= 0);
	EXPECT_EQ(has_pool, number_behind(self->stats, "pool_zeroed_bytes") >= 0);
	EXPECT_LE(number_behind(self->stats, "pool_zeroed_bytes"),
		  number_behind(self->stats, "pool_bytes"));
}

TEST_F(heap, statistics_count_buffers_while_they_live)
{
	long long allocations = number_behind(self->stats, "allocations");
	struct tally before = take_tally(self->stats), tally = before;
	int small = alloc(self->device, 1), large = alloc(self->device, 5 * self->page - 1);

	ASSERT_LE(0, small);
	ASSERT_LE(0, large);
	tally.bytes += 6 * self->page;
	tally.buffers += 2;
	tally.fds += 2;
	expect_tally(_metadata, self->stats, &tally);
	EXPECT_EQ(allocations + 2, number_behind(self->stats, "allocations"));
	close(small);
	tally.bytes -= self->page;
	tally.buffers--;
	tally.fds--;
	expect_tally(_metadata, self->stats, &tally);
	close(large);
	expect_tally(_metadata, self->stats, &before);
	EXPECT_EQ(allocations + 2, number_behind(self->stats, "allocations"));
}

TEST_F(heap, statistics_count_a_buffer_that_is_only_mapped)
{
	struct tally before = take_tally(self->stats), tally = before;
	int buffer = alloc(self->device, self->page);
	char *data = map_shared(buffer, self->page);

	ASSERT_NE(NULL, data);
	close(buffer);
	tally.bytes += self->page;
	tally.buffers++;
	expect_tally(_metadata, self->stats, &tally);
	munmap(data, self->page);
	expect_tally(_metadata, self->stats, &before);
}

TEST_F(heap, statistics_tell_how_long_it_took)
{
	long long median;
	int buffer = alloc(self->device, 16 * self->page);

	ASSERT_LE(0, buffer);
	median = number_behind(self->stats, "latency_p50_ns");
	EXPECT_LT(0, median);
	EXPECT_LE(median, number_behind(self->stats, "latency_p99_ns"));
	close(buffer);
}

/*
 * Processes that are killed
 */

/* Large enough that most of the time it is being allocated. */
#define KILLED_SIZE	(16UL << 20)
#define LEAST_KILLS	5
#define MOST_KILLS	100

static void alloc_for_ever(int device)
{
	for (;;)
		close(alloc(device, KILLED_SIZE));
}

/* Kills a process that has allocated something, a while after that. */
static bool kill_an_allocation(int device, const char *stats,
			       unsigned int delay_ms)
{
	long long allocations = number_behind(stats, "allocations");
	int tries;
	pid_t pid;

	pid = fork();
	if (!pid)
		alloc_for_ever(device);
	for (tries = 0; tries < PATIENCE; tries++) {
		if (number_behind(stats, "allocations") > allocations)
			break;
		usleep(1000);
	}
	usleep(delay_ms * 1000);
	return pid > 0 && !kill(pid, SIGKILL) && waitpid(pid, NULL, 0) == pid &&
	       tries < PATIENCE;
}

static long long available_bytes(void)
{
	return number_behind("/proc/meminfo", "MemAvailable") * 1024;
}

/* Sooner or later one is hit in the midst of it. */
TEST_F(heap, who_is_killed_while_allocating_gives_all_back)
{
	struct tally before = take_tally(self->stats), tally = before;
	long long available;
	int i;

	/* What a process takes for the first time stays in caches. */
	ASSERT_TRUE(kill_an_allocation(self->device, self->stats, 0));
	available = available_bytes();
	for (i = 0; i < MOST_KILLS; i++) {
		ASSERT_TRUE(kill_an_allocation(self->device, self->stats, i));
		tally = take_tally(self->stats);
		if (i >= LEAST_KILLS && tally.interrupted > before.interrupted)
			break;
	}
	EXPECT_LT(before.interrupted, tally.interrupted);
	EXPECT_EQ(before.bytes, tally.bytes);
	EXPECT_EQ(before.buffers, tally.buffers);
	EXPECT_EQ(before.invalid, tally.invalid);
	/* On the average a killed one has half of it. */
	EXPECT_GT((long long)KILLED_SIZE, available - available_bytes());
}

/*
 * Importers
 */

static int prime_export(int drm, __u32 handle)
{
	struct drm_prime_handle request = { .handle = handle, .flags = O_CLOEXEC | O_RDWR };
	int err = call_ioctl(drm, DRM_IOCTL_PRIME_HANDLE_TO_FD, &request);

	return err < 0 ? err : request.fd;
}

/* Devices that need no hardware have no eyes, either: it is the buffer that they pass on. */
TEST_F(heap, two_devices_have_the_same_bytes)
{
	int devices[] = { drm_open_driver("vgem"), drm_open_driver("vkms") };
	size_t size = HUGE_PAGE + 3 * self->page;
	int buffer = alloc(self->device, size);
	char *data = map_shared(buffer, size);
	struct bufinfo_buffer row;
	__u32 handles[2];
	int i;

	if (devices[0] < 0 || devices[1] < 0 || LACKS(BUFINFO))
		SKIP(return, "there are no vgem, vkms and bufinfo");
	ASSERT_NE(NULL, data);
	fill_pattern(data, size, 1);
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, prime_import(devices[i], buffer, &handles[i]));
	ASSERT_EQ(0, bufinfo_find(inode_number(buffer), &row));
	EXPECT_EQ(2, row.devices);
	for (i = 0; i < 2; i++) {
		int again = prime_export(devices[i], handles[i]);
		char *theirs = map_shared(again, size);

		ASSERT_NE(NULL, theirs);
		EXPECT_EQ(inode_number(buffer), inode_number(again));
		EXPECT_EQ(0, cpu_sync(again, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW));
		EXPECT_TRUE(has_pattern(theirs, size, i + 1));
		fill_pattern(theirs, size, i + 2);
		EXPECT_EQ(0, cpu_sync(again, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW));
		EXPECT_TRUE(has_pattern(data, size, i + 2));
		munmap(theirs, size);
		close(again);
	}
	for (i = 0; i < 2; i++)
		EXPECT_EQ(0, prime_close(devices[i], handles[i]));
	EXPECT_TRUE(has_pattern(data, size, 3));
}

/*
 * Trace events
 */

FIXTURE(events)
{
	int device;
	size_t page;
};

FIXTURE_SETUP(events)
{
	if (LACKS(SYSTEM_HEAP, TRACING "/instances"))
		SKIP(return, "%s", lack);
	self->page = page_size();
	self->device = open(SYSTEM_HEAP, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, self->device);
	/* In an instance of its own, nobody else's trace is disturbed. */
	rmdir(INSTANCE);
	ASSERT_EQ(0, mkdir(INSTANCE, 0700));
	ASSERT_EQ(0, access(EVENTS, F_OK)) {
		rmdir(INSTANCE);
		TH_LOG("no events of system dma_heap");
	}
	ASSERT_EQ(0, write_file(EVENTS "/enable", "1"));
}

FIXTURE_TEARDOWN_PARENT(events)
{
	write_file(EVENTS "/enable", "0");
	rmdir(INSTANCE);
}

/* All that was raised so far, with a row an event; no more is raised. */
static char *trace_stop(void)
{
	write_file(EVENTS "/enable", "0");
	return read_file(INSTANCE "/trace");
}

/* How often an event told of so many bytes of the system heap, and that error. */
static int count_events(const char *log, const char *event, __u64 bytes, int error)
{
	char needle[128];
	const char *found = log;
	int count = 0;

	snprintf(needle, sizeof(needle), " %s: heap=system bytes=%llu ns=", event, bytes);
	while ((found = strstr(found, needle))) {
		unsigned long long ns;
		int seen;

		found += strlen(needle);
		count += sscanf(found, "%llu error=%d\n", &ns, &seen) == 2 && seen == error;
	}
	return count;
}

TEST_F(events, a_buffers_beginning_and_end_are_told_with_its_size)
{
	size_t size = 7 * self->page;
	int buffer = heap_alloc_from(self->device, size - 1, O_RDWR | O_CLOEXEC);
	char *log;

	ASSERT_LE(0, buffer);
	close(buffer);
	log = trace_stop();
	ASSERT_NE(NULL, log);
	EXPECT_EQ(1, count_events(log, "dma_heap_alloc", size, 0));
	EXPECT_EQ(1, count_events(log, "dma_heap_free", size, 0));
	free(log);
}

TEST_F(events, no_end_is_told_while_a_buffer_lives)
{
	size_t size = 7 * self->page;
	int buffer = heap_alloc_from(self->device, size, O_RDWR | O_CLOEXEC);
	char *data = map_shared(buffer, size), *log;

	ASSERT_NE(NULL, data);
	close(buffer);
	log = trace_stop();
	ASSERT_NE(NULL, log);
	EXPECT_EQ(1, count_events(log, "dma_heap_alloc", size, 0));
	EXPECT_EQ(0, count_events(log, "dma_heap_free", size, 0));
	munmap(data, size);
	free(log);
}

TEST_F(events, memory_that_is_not_there_is_told_with_the_error)
{
	struct dma_heap_allocation_data request = { .len = 1ULL << 40 };
	char *log;

	ASSERT_EQ(-ENOMEM, call_ioctl(self->device, DMA_HEAP_IOCTL_ALLOC, &request));
	log = trace_stop();
	ASSERT_NE(NULL, log);
	EXPECT_EQ(1, count_events(log, "dma_heap_alloc", 1ULL << 40, -ENOMEM));
	EXPECT_EQ(NULL, strstr(log, "dma_heap_free:"));
	free(log);
}

TEST_F(events, a_request_that_makes_no_sense_is_not_told)
{
	struct dma_heap_allocation_data request = { .len = self->page, .heap_flags = 1 };
	char *log;

	ASSERT_EQ(-EINVAL, call_ioctl(self->device, DMA_HEAP_IOCTL_ALLOC, &request));
	log = trace_stop();
	ASSERT_NE(NULL, log);
	EXPECT_EQ(NULL, strstr(log, "dma_heap_alloc:"));
	free(log);
}

/*
 * Memory cgroups
 */

#define ACCOUNTING	"/sys/module/dma_heap/parameters/mem_accounting"
#define GROUP_LIMIT	(16LL << 20)
#define CHARGED_SIZE	(8UL << 20)

FIXTURE(group)
{
	char *accounting;
	char mount[32];
	char path[64];
};

static int write_in_group(const char *group, const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", group, name);
	return write_file(path, text);
}

static long long group_bytes(const char *group)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/memory.current", group);
	return number_in(path);
}

FIXTURE_SETUP(group)
{
	char limit[32];

	strcpy(self->mount, "/tmp/group.XXXXXX");
	snprintf(limit, sizeof(limit), "%lld", GROUP_LIMIT);
	if (LACKS(SYSTEM_HEAP, ACCOUNTING))
		SKIP(return, "%s", lack);
	ASSERT_NE(NULL, mkdtemp(self->mount));
	if (mount("none", self->mount, "cgroup2", 0, NULL))
		SKIP(return, "no cgroup2");
	if (write_in_group(self->mount, "cgroup.subtree_control", "+memory"))
		SKIP(return, "no memory cgroups");
	snprintf(self->path, sizeof(self->path), "%s/test", self->mount);
	ASSERT_EQ(0, mkdir(self->path, 0700));
	ASSERT_EQ(0, write_in_group(self->path, "memory.max", limit));
	self->accounting = read_file(ACCOUNTING);
	ASSERT_EQ(0, write_file(ACCOUNTING, "Y"));
}

FIXTURE_TEARDOWN(group)
{
	if (self->accounting)
		write_file(ACCOUNTING, self->accounting);
	free(self->accounting);
	rmdir(self->path);
	umount(self->mount);
	rmdir(self->mount);
}

/* What a process of the group gets: 0, a positive errno, or 255. */
static int alloc_in_group(const char *group, size_t size,
			  int (*use)(const char *group, int buffer))
{
	int status, ret;
	pid_t pid = fork();

	if (!pid) {
		if (write_in_group(group, "cgroup.procs", "0"))
			_exit(255);
		ret = heap_alloc(size);
		_exit(ret < 0 ? -ret : use ? use(group, ret) : 0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return 255;
	return WEXITSTATUS(status);
}

static int is_charged_until_closed(const char *group, int buffer)
{
	long long bytes = group_bytes(group);

	if (bytes < (long long)CHARGED_SIZE)
		return 254;
	close(buffer);
	/* Whatever else the process took meanwhile. */
	return group_bytes(group) <= bytes - (long long)CHARGED_SIZE / 2 ? 0 : 253;
}

TEST_F(group, pages_are_charged_until_the_buffer_is_closed)
{
	EXPECT_EQ(0, alloc_in_group(self->path, CHARGED_SIZE,
				    is_charged_until_closed));
}

TEST_F(group, more_than_the_limit_is_enomem)
{
	EXPECT_EQ(ENOMEM, alloc_in_group(self->path, 2 * GROUP_LIMIT, NULL));
	/* What it had got by then is no longer charged. */
	EXPECT_EQ(0, alloc_in_group(self->path, CHARGED_SIZE, NULL));
}

/* To the group's limit; with what of its CPUs' shares nobody has used given back. */
static bool leave_room(const char *group, size_t size)
{
	char limit[32];

	if (write_in_group(group, "memory.high", "0") ||
	    write_in_group(group, "memory.high", "max"))
		return false;
	snprintf(limit, sizeof(limit), "%lld", group_bytes(group) + (long long)size);
	return !write_in_group(group, "memory.max", limit);
}

/* For so little, mm would rather kill somebody. */
static int ask_for_a_little_too_much(const char *group, int buffer)
{
	size_t size = 8 * page_size();
	int ret;

	/* Now the process has touched what it needs. */
	close(buffer);
	if (!leave_room(group, size / 2))
		return 254;
	do
		ret = heap_alloc(size);
	while (ret >= 0);
	return -ret;
}

TEST_F(group, a_little_more_than_the_limit_is_enomem_and_kills_nobody)
{
	EXPECT_EQ(ENOMEM, alloc_in_group(self->path, 8 * page_size(),
					 ask_for_a_little_too_much));
}

TEST_F(group, nothing_is_charged_where_nobody_asks_for_it)
{
	ASSERT_EQ(0, write_file(ACCOUNTING, "N"));
	EXPECT_EQ(0, alloc_in_group(self->path, 2 * GROUP_LIMIT, NULL));
}

TEST_HARNESS_MAIN
