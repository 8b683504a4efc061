// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long allocations of the system heap take, by the clock: half of them, and
 * all but one in a hundred. Prints
 *
 *	latency BYTES on|off P50 P99
 *
 * in ns, with the pool of pages and without it; on the base, which has none, only
 * without. A buffer is closed before the next one is made, and what it leaves to
 * the pool gets a moment to be zeroed. Without a pool there is that moment as well:
 * a CPU that comes from doing nothing is not as quick.
 */
#include <fcntl.h>
#include <linux/dma-heap.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "program.h"

#define POOL_LIMIT		"/sys/module/system_heap/parameters/pool_max_bytes"
#define SAMPLES			100
#define POOL_BYTES		"268435456\n"
/* What is closed is zeroed after 20 ms. */
#define PAUSE_US		30000

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

static uint64_t time_allocation(int heap, size_t bytes)
{
	struct dma_heap_allocation_data data = {
		.len = bytes,
		.fd_flags = O_RDWR | O_CLOEXEC,
	};
	uint64_t begin = now_ns(), taken;

	must(ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &data), "DMA_HEAP_IOCTL_ALLOC");
	taken = now_ns() - begin;
	close(data.fd);
	return taken;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void print_latency(int heap, size_t bytes, bool pool)
{
	uint64_t taken[SAMPLES];

	for (unsigned int i = 0; i < SAMPLES; i++) {
		taken[i] = time_allocation(heap, bytes);
		usleep(PAUSE_US);
	}
	qsort(taken, SAMPLES, sizeof(*taken), compare);
	printf("latency %zu %s %llu %llu\n", bytes, pool ? "on" : "off",
	       (unsigned long long)taken[SAMPLES / 2],
	       (unsigned long long)taken[SAMPLES * 99 / 100]);
}

/* False if there is no pool. */
static bool limit_pool(const char *bytes)
{
	FILE *file = fopen(POOL_LIMIT, "we");

	if (!file)
		return false;
	fputs(bytes, file);
	must(fclose(file), POOL_LIMIT);
	return true;
}

void print_latencies(void)
{
	int heap = must(open("/dev/dma_heap/system", O_RDWR), "system heap");
	bool pool;

	limit_pool("0\n");
	for (size_t bytes = 4096; bytes <= 64 << 20; bytes *= 4)
		print_latency(heap, bytes, false);
	pool = limit_pool(POOL_BYTES);
	for (size_t bytes = 4096; pool && bytes <= 64 << 20; bytes *= 4)
		print_latency(heap, bytes, true);
	close(heap);
}
