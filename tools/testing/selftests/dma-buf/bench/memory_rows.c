// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rows of where memory comes from: udmabuf and the system heap. They stand
 * in memory_rows[] at the end.
 *
 * What the base hasn't got, a pool of pages and its figures, is looked for where
 * the series has it, and passed over where it isn't.
 */
#include <fcntl.h>
#include <libdrm/drm.h>
#include <linux/dma-heap.h>
#include <linux/memfd.h>
#include <linux/udmabuf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "program.h"

#define PAGE			4096UL
#define MIB			(1UL << 20)
#define LARGE			(64 * MIB)
#define HUGE_PAGES		"/proc/sys/vm/nr_hugepages"
#define POOL_LIMIT		"/sys/module/system_heap/parameters/pool_max_bytes"
#define HEAP_STATS		"/sys/kernel/debug/dma_heap/system/stats"
/* How many buffers of 4 KiB and of 1 MiB are made in a batch. */
#define SMALL_BATCH		256
#define MEDIUM_BATCH		16

/* What the row that runs works on. */
static int memfd = -1;
static int udmabuf = -1;
static int heap = -1;
static int card = -1;
static int buffer = -1;
static size_t size;

static void put_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* False if there is no such file. */
static bool write_number(const char *path, unsigned long number)
{
	char text[24];
	int fd = open(path, O_WRONLY);
	int len = snprintf(text, sizeof(text), "%lu\n", number);

	if (fd < 0)
		return false;
	must(write(fd, text, len), path);
	close(fd);
	return true;
}

/*
 * udmabuf
 */

static void make_memfd(size_t bytes, unsigned int flags)
{
	char *map;

	size = bytes;
	memfd = must(memfd_create("bench", MFD_ALLOW_SEALING | flags),
		     "memfd_create");
	must(ftruncate(memfd, bytes), "ftruncate");
	must(fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK), "F_ADD_SEALS");
	map = mmap(NULL, bytes, PROT_WRITE, MAP_SHARED, memfd, 0);
	must(map == MAP_FAILED ? -1 : 0, "mmap of a memfd");
	memset(map, 1, bytes);
	munmap(map, bytes);
	udmabuf = must(open("/dev/udmabuf", O_RDWR), "/dev/udmabuf");
}

static void make_large_memfd(void)
{
	make_memfd(LARGE, 0);
}

static void make_huge_memfd(void)
{
	write_number(HUGE_PAGES, LARGE / (2 * MIB));
	make_memfd(LARGE, MFD_HUGETLB | MFD_HUGE_2MB);
}

static void make_small_memfd(void)
{
	make_memfd(PAGE, 0);
}

static int create(void)
{
	struct udmabuf_create create = {
		.memfd = memfd,
		.flags = UDMABUF_FLAGS_CLOEXEC,
		.size = size,
	};

	return must(ioctl(udmabuf, UDMABUF_CREATE, &create), "UDMABUF_CREATE");
}

static void make_large_buffer(void)
{
	make_large_memfd();
	buffer = create();
}

static void make_huge_buffer(void)
{
	make_huge_memfd();
	buffer = create();
}

static void drop_all(void)
{
	put_fd(&buffer);
	put_fd(&card);
	put_fd(&heap);
	put_fd(&udmabuf);
	put_fd(&memfd);
	write_number(HUGE_PAGES, 0);
}

static void op_create(void)
{
	close(create());
}

static void op_touch(void)
{
	volatile char *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
				  buffer, 0);

	must(map == MAP_FAILED ? -1 : 0, "mmap of a buffer");
	for (size_t i = 0; i < size; i += PAGE)
		map[i] = 1;
	munmap((void *)map, size);
}

/*
 * An importer
 */

static void make_imported_buffer(void)
{
	make_memfd(MIB, 0);
	buffer = create();
	card = must(open("/dev/dri/card0", O_RDWR), "/dev/dri/card0");
}

static void op_import(void)
{
	struct drm_prime_handle prime = { .fd = buffer };
	struct drm_gem_close gem = {};

	must(ioctl(card, DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime),
	     "DRM_IOCTL_PRIME_FD_TO_HANDLE");
	gem.handle = prime.handle;
	must(ioctl(card, DRM_IOCTL_GEM_CLOSE, &gem), "DRM_IOCTL_GEM_CLOSE");
}

/*
 * The system heap
 */

static int allocate(void)
{
	struct dma_heap_allocation_data data = {
		.len = size,
		.fd_flags = O_RDWR | O_CLOEXEC,
	};

	must(ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &data), "DMA_HEAP_IOCTL_ALLOC");
	return data.fd;
}

/* A pool that has room for @pool bytes at most, and nothing in it. */
static void open_heap(size_t bytes, unsigned long pool)
{
	size = bytes;
	heap = must(open("/dev/dma_heap/system", O_RDWR), "system heap");
	write_number(POOL_LIMIT, 0);
	write_number(POOL_LIMIT, pool);
}

static void open_heap_cold(void)
{
	open_heap(LARGE, 0);
}

static void open_heap_large(void)
{
	open_heap(LARGE, 2 * LARGE);
}

static void open_heap_medium(void)
{
	open_heap(MIB, 2 * LARGE);
}

static void open_heap_small(void)
{
	open_heap(PAGE, 2 * LARGE);
}

static void make_heap_buffer(void)
{
	open_heap_cold();
	buffer = allocate();
}

/* A figure of the heap; false if it tells none. */
static bool heap_figure(const char *key, unsigned long long *value)
{
	FILE *file = fopen(HEAP_STATS, "re");
	char line[128];
	bool found = false;

	if (!file)
		return false;
	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, key, strlen(key)) == 0 &&
		    line[strlen(key)] == ':')
			found = sscanf(line + strlen(key), ": %llu", value) == 1;
	}
	fclose(file);
	return found;
}

static void wait_for_zeroed(unsigned long long bytes)
{
	unsigned long long all, zeroed;

	for (int i = 0; i < 100; i++) {
		if (!heap_figure("pool_bytes", &all) ||
		    !heap_figure("pool_zeroed_bytes", &zeroed))
			return;
		if (all == zeroed && all >= bytes)
			return;
		usleep(50000);
	}
	fprintf(stderr, "dma_buf_bench: the pool doesn't fill\n");
	exit(1);
}

/* Has the pool ready what as many buffers of the row's size need. */
static void fill_pool(unsigned int count)
{
	int fds[SMALL_BATCH];

	for (unsigned int i = 0; i < count; i++)
		fds[i] = allocate();
	for (unsigned int i = 0; i < count; i++)
		close(fds[i]);
	wait_for_zeroed((unsigned long long)count * size);
}

static void op_allocate(void)
{
	close(allocate());
}

const struct row memory_rows[] = {
	/* First, as memory that nobody has used yet is contiguous. */
	{ "udmabuf_import_1m", .most = 4900, .batch = 64,
	  .setup = make_imported_buffer, .op = op_import,
	  .teardown = drop_all },

	{ "udmabuf_create_64m", .most = 4700000, .batch = 1,
	  .setup = make_large_memfd, .op = op_create, .teardown = drop_all },
	{ "udmabuf_create_64m_huge", .most = 30000, .batch = 8,
	  .setup = make_huge_memfd, .op = op_create, .teardown = drop_all },
	{ "udmabuf_create_4k", .most = 4900, .setup = make_small_memfd,
	  .op = op_create, .teardown = drop_all },
	{ "udmabuf_touch_64m", .most = 2500000, .batch = 1,
	  .setup = make_large_buffer, .op = op_touch, .teardown = drop_all },
	{ "udmabuf_touch_64m_huge", .most = 400000, .batch = 1,
	  .setup = make_huge_buffer, .op = op_touch, .teardown = drop_all },
	{ "udmabuf_import_1m_scattered", .batch = 16,
	  .setup = make_imported_buffer, .op = op_import,
	  .teardown = drop_all },

	{ "heap_touch_64m", .most = 400000, .batch = 1,
	  .setup = make_heap_buffer, .op = op_touch, .teardown = drop_all },
	{ "heap_cold_64m", .most = 8900000, .batch = 1,
	  .setup = open_heap_cold, .op = op_allocate, .teardown = drop_all },
	{ "heap_warm_64m", .most = 400000, .batch = 1,
	  .setup = open_heap_large, .prepare = fill_pool, .op = op_allocate,
	  .teardown = drop_all, .settled = 1 },
	{ "heap_warm_1m", .most = 20000, .batch = MEDIUM_BATCH,
	  .setup = open_heap_medium, .prepare = fill_pool, .op = op_allocate,
	  .teardown = drop_all },
	{ "heap_warm_4k", .most = 4500, .batch = SMALL_BATCH,
	  .setup = open_heap_small, .prepare = fill_pool, .op = op_allocate,
	  .teardown = drop_all },
	{ .name = NULL },
};
