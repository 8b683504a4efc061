/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * What the benchmark's module and its program say to each other through
 * /dev/dma_buf_bench. Both come from the same checkout, so none of this is ABI.
 */
#ifndef DMA_BUF_BENCH_H
#define DMA_BUF_BENCH_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define BENCH_NAME_LEN		32

/**
 * struct bench_row_info - a row that the module can run
 * @index: in: which row
 * @limit: out: most that series / base may be, in percent; 0 for none
 * @most: out: most instructions that the series may take; 0 for any number
 * @per_call: out: operations that one BENCH_RUN may do; 0 for any number
 * @batch: out: operations timed together; 0 for DEFAULT_BATCH
 * @scale: out: what one operation counts for
 * @name: out: the row's name, which is what a reader of results binds to
 */
struct bench_row_info {
	__u32 index;
	__u32 limit;
	__u32 most;
	__u32 per_call;
	__u32 batch;
	__u32 scale;
	char name[BENCH_NAME_LEN];
};

/**
 * struct bench_live - buffers that stay alive beside the measured one
 * @count: how many
 * @attached: whether each has one attachment
 */
struct bench_live {
	__u32 count;
	__u32 attached;
};

/* Describes a row; ENOENT past the last one. */
#define BENCH_ROW_INFO		_IOWR('B', 0, struct bench_row_info)
/* Makes what the row works on, and takes down what the last one had. */
#define BENCH_SELECT		_IO('B', 1)
/* Runs the selected row's operation as many times as the argument says. */
#define BENCH_RUN		_IO('B', 2)
/* Returns the fd of a new buffer with every CPU-side operation. */
#define BENCH_EXPORT		_IO('B', 3)
#define BENCH_LIVE		_IOW('B', 4, struct bench_live)
/* Returns when whatever was put off to RCU has been done. */
#define BENCH_DRAIN		_IO('B', 5)
/* Makes what so many operations of the selected row use up, outside of the time. */
#define BENCH_PREPARE		_IO('B', 6)

#endif /* DMA_BUF_BENCH_H */
