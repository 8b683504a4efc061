/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How much memory is taken when nothing is at work. What the kernel could give back is
 * asked back first.
 */
#ifndef SOAK_LEVEL_H
#define SOAK_LEVEL_H

#include <stdbool.h>

/* How many readings at the end count: in one of them may be something else. */
#define LAST_RESTS	3

/* All objects of all slab caches; all memory that isn't available. */
enum what {
	SLAB, MEMORY
};

struct level {
	/* In bytes. */
	long long taken[MEMORY + 1];
	/* Buffers and attachments, by their caches; -1 where those aren't shown. */
	long long buffers;
	long long attachments;
};

/* False: /proc/slabinfo can't be read. */
bool level_init(void);

/* @warms_up: in each cache, there may be as much later on. */
void level_read(struct level *level, bool warms_up);

/*
 * By how many objects the cache that has grown most has done so, by the least of the
 * last readings. Prints those that have grown.
 */
long long level_growth_of_caches(void);

#endif
