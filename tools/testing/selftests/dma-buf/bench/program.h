/* SPDX-License-Identifier: GPL-2.0-only */
/* The map of the benchmark's program: rows, how they are timed, what they use. */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "dma_buf_bench.h"

#define DEFAULT_BATCH		256

/**
 * struct row - something that user space does to a buffer
 * @name: names the row in results
 * @limit: most that series / base may be, in percent; 0 for none
 * @most: most instructions that the series may take; 0 for any number
 * @batch: operations timed together; 0 for DEFAULT_BATCH
 * @scale: what one @op counts for (bufinfo: buffers shown); 0 for 1
 * @settled: how many operations a batch has of the row of all that the guest does
 *	until nothing is left; 0 for no such row
 * @setup: makes what @op works on; may be NULL
 * @prepare: makes what so many runs of @op use up, not timed; may be NULL
 * @op: the operation; ends the program when it fails
 * @teardown: undoes @setup; may be NULL
 */
struct row {
	const char *name;
	unsigned int limit;
	unsigned int most;
	unsigned int batch;
	unsigned int scale;
	unsigned int settled;
	void (*setup)(void);
	void (*prepare)(unsigned int count);
	void (*op)(void);
	void (*teardown)(void);
};

/* Each ends with a row that has no name. */
extern const struct row user_rows[];
extern const struct row memory_rows[];

/* The open /dev/dma_buf_bench. */
extern int bench_fd;

int must(int ret, const char *what);
void set_live(unsigned int count, bool attached);
void stay_on_cpu(unsigned int cpu);
void find_kernel_row(const char *name, struct bench_row_info *info);
void print_memory(void);
void print_latencies(void);
void count_locks(const char *row);

#endif /* PROGRAM_H */
