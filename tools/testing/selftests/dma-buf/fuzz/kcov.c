// SPDX-License-Identifier: GPL-2.0-only
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <linux/kcov.h>

#include "kcov.h"
#include "slots.h"

#define MOST_LANES	32
/* What a lane reaches after so many places is lost. */
#define TRACE		32768
/* Of all places; a power of two, and more than there can be. */
#define TABLE		65536

struct lane {
	int fd;
	unsigned long *trace;
};

static struct lane lanes[MOST_LANES];
static unsigned int num_lanes, total;
static unsigned long table[TABLE];

static bool lane_open(struct lane *lane)
{
	int fd = open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return false;
	/* Where no program can close it by chance. */
	lane->fd = fcntl(fd, F_DUPFD_CLOEXEC, MOST_FILES);
	close(fd);
	if (lane->fd < 0 || ioctl(lane->fd, KCOV_INIT_TRACE, TRACE))
		return false;
	lane->trace = mmap(NULL, TRACE * sizeof(*lane->trace), PROT_READ | PROT_WRITE,
			   MAP_SHARED, lane->fd, 0);
	return lane->trace != MAP_FAILED;
}

bool kcov_init(unsigned int count)
{
	while (num_lanes < count && num_lanes < MOST_LANES && lane_open(&lanes[num_lanes]))
		num_lanes++;
	return num_lanes == count;
}

void kcov_begin(unsigned int lane)
{
	/* Without it the program runs all the same. */
	if (lane < num_lanes && ioctl(lanes[lane].fd, KCOV_ENABLE, KCOV_TRACE_PC))
		return;
}

void kcov_reset(void)
{
	unsigned int i;

	for (i = 0; i < num_lanes; i++)
		__atomic_store_n(&lanes[i].trace[0], 0, __ATOMIC_RELAXED);
}

/* True if it wasn't there. */
static bool table_add(unsigned long place)
{
	size_t at = (place * 0x9e3779b97f4a7c15ULL) >> 48 & (TABLE - 1);

	while (table[at]) {
		if (table[at] == place)
			return false;
		at = (at + 1) % TABLE;
	}
	if (total == TABLE / 2)
		return false;
	table[at] = place;
	total++;
	return true;
}

unsigned int kcov_collect(void)
{
	unsigned int before = total, i;
	unsigned long at, count;

	for (i = 0; i < num_lanes; i++) {
		count = __atomic_load_n(&lanes[i].trace[0], __ATOMIC_RELAXED);
		if (count > TRACE - 1)
			count = TRACE - 1;
		for (at = 1; at <= count; at++)
			table_add(lanes[i].trace[at]);
	}
	return total - before;
}

unsigned int kcov_total(void)
{
	return total;
}
