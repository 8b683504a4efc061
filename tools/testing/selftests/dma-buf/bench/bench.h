/* SPDX-License-Identifier: GPL-2.0-only */
/* The map of the benchmark's module: its exporter, its rows and its device. */
#ifndef BENCH_H
#define BENCH_H

#include <linux/dma-buf.h>
#include <linux/iosys-map.h>
#include <linux/miscdevice.h>
#include <linux/mutex.h>

#include "dma_buf_bench.h"

/**
 * enum bench_kind - the exporters that rows need
 * @BENCH_PLAIN: only the operations that every exporter must have
 * @BENCH_CPU: as BENCH_PLAIN, with all operations of the CPU's side
 * @BENCH_CACHED: as BENCH_PLAIN, and the core keeps mappings
 * @BENCH_DYNAMIC: as BENCH_PLAIN, with pin and unpin
 */
enum bench_kind {
	BENCH_PLAIN,
	BENCH_CPU,
	BENCH_CACHED,
	BENCH_DYNAMIC,
};

#define BENCH_SIZE		SZ_4K

/**
 * struct bench - an open /dev/dma_buf_bench
 * @lock: serializes the ioctls; protects all members
 * @row: what BENCH_RUN runs
 * @dmabuf: the buffer that @row works on, NULL if it makes its own
 * @attach: @dmabuf's attachment, NULL if @row makes its own
 * @map: @dmabuf's kernel mapping for rows that nest inside one, else null
 * @fd: a file descriptor of @dmabuf, negative if @row needs none
 * @live: buffers that BENCH_LIVE keeps
 * @live_attach: the attachment of each of @live, or NULL
 * @live_count: how many entries of @live are in use
 */
struct bench {
	struct mutex lock;	/* serializes the ioctls */
	const struct bench_row *row;
	struct dma_buf *dmabuf;
	struct dma_buf_attachment *attach;
	struct iosys_map map;
	int fd;
	struct dma_buf **live;
	struct dma_buf_attachment **live_attach;
	unsigned int live_count;
};

/**
 * struct bench_row - an operation to be measured
 * @name: names the row in results
 * @limit: most that series / base may be, in percent; 0 for none
 * @per_call: most operations a call may do; 0 for any number
 * @setup: makes what @op works on; NULL if it needs nothing. What it makes is
 *	noted in struct bench, from where bench_deselect() takes it down, also
 *	when only a part of it could be made.
 * @op: the operation; returns 0 or a negative error
 */
struct bench_row {
	const char *name;
	unsigned int limit;
	unsigned int per_call;
	int (*setup)(struct bench *bench);
	int (*op)(struct bench *bench);
};

extern const struct bench_row bench_rows[];
extern const unsigned int bench_row_count;

/* The one whose device buffers are attached to. */
extern struct miscdevice bench_misc;

int bench_exporter_init(void);
void bench_exporter_exit(void);
struct dma_buf *bench_export(enum bench_kind kind);
int bench_set_live(struct bench *bench, unsigned int count, bool attached);

#endif /* BENCH_H */
