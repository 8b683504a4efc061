// SPDX-License-Identifier: GPL-2.0-only
/* How many bytes of kernel memory a live buffer takes, beside its pages. */
#include <fcntl.h>
#include <linux/dma-heap.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "program.h"

#define BUFFERS			10000

/* Bytes in all slab caches, as /proc/meminfo has them. */
static long slab_bytes(void)
{
	char line[128];
	long kilobytes = -1;
	FILE *file = fopen("/proc/meminfo", "re");

	must(file ? 0 : -1, "/proc/meminfo");
	while (fgets(line, sizeof(line), file))
		sscanf(line, "Slab: %ld kB", &kilobytes);
	fclose(file);
	must(kilobytes, "Slab: in /proc/meminfo");
	return kilobytes * 1024;
}

static void make_plain(unsigned int count)
{
	set_live(count, false);
}

/* Buffers of the system heap, with a file descriptor each. */
static void make_of_heap(unsigned int count)
{
	static int fds[BUFFERS];
	static unsigned int live;
	struct dma_heap_allocation_data data = { .len = 4096 };
	int heap = must(open("/dev/dma_heap/system", O_RDWR | O_CLOEXEC),
			"system heap");

	while (live > count)
		close(fds[--live]);
	while (live < count) {
		data.fd = 0;
		must(ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &data),
		     "DMA_HEAP_IOCTL_ALLOC");
		fds[live++] = data.fd;
	}
	close(heap);
}

/* The first round fills what caches keep; only the second one is looked at. */
static double per_buffer(void (*make)(unsigned int count))
{
	double bytes;
	long before;

	make(BUFFERS);
	make(0);
	must(ioctl(bench_fd, BENCH_DRAIN), "BENCH_DRAIN");
	before = slab_bytes();
	make(BUFFERS);
	bytes = (double)(slab_bytes() - before) / BUFFERS;
	make(0);
	return bytes;
}

void print_memory(void)
{
	struct rlimit files = { BUFFERS + 100, BUFFERS + 100 };

	must(setrlimit(RLIMIT_NOFILE, &files), "RLIMIT_NOFILE");
	printf("value slab_per_buffer 87 0 %.1f\n", per_buffer(make_plain));
	printf("value slab_per_heap_buffer 0 1400 %.1f\n",
	       per_buffer(make_of_heap));
}
