/* SPDX-License-Identifier: GPL-2.0-only */
/* What the display prints and leaves when all frames were right. */
#ifndef REPORT_H
#define REPORT_H

#include <stdint.h>

#include "share.h"

struct result {
	double seconds;
	uint64_t mapped;	/* bytes that the CPU could have copied */
	uint64_t checked;	/* bytes that the checks read, afterwards */
	uint64_t checksums[FRAMES];
};

void print_result(const struct result *result);
/* A buffer as /proc and debugfs show it. */
void print_buffer(int buffer);
void save_picture(const char *path, int buffer);

#endif
