/* SPDX-License-Identifier: GPL-2.0-only */
/* Is a frame what it should be, wherever it is read? */
#ifndef CHECK_H
#define CHECK_H

#include <stdint.h>

/* One of the ways to get at a frame: a dma-buf, and how it was come by. */
struct path {
	int buffer;
	const char *name;
};

#define PATHS 4

/* Dies unless all paths lead to the same colour bars; returns their checksum. */
uint64_t check_frame(uint32_t frame, const struct path paths[PATHS]);

#endif
