// SPDX-License-Identifier: GPL-2.0-only
/* How many bytes of kernel memory a live buffer takes, beside its pages. */
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

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

/* The first round fills what caches keep; only the second one is looked at. */
double slab_per_buffer(void)
{
	long before;

	set_live(BUFFERS, false);
	set_live(0, false);
	must(ioctl(bench_fd, BENCH_DRAIN), "BENCH_DRAIN");
	before = slab_bytes();
	set_live(BUFFERS, false);
	return (double)(slab_bytes() - before) / BUFFERS;
}
