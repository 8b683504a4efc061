/* SPDX-License-Identifier: GPL-2.0-only */
/* The map of the benchmark's module: its exporter, its rows and its device. */
#ifndef BENCH_H
#define BENCH_H

#include <linux/dma-buf.h>
#include <linux/dma-fence.h>
#include <linux/dma-resv.h>
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
 * @row: what BENCH_RUN runs; while its setup runs, what that is for
 * @dmabuf: the buffer that @row works on, NULL if it makes its own
 * @attach: @dmabuf's attachment, NULL if @row makes its own
 * @map: @dmabuf's kernel mapping for rows that nest inside one, else null
 * @fd: a file descriptor of @dmabuf, negative if @row needs none
 * @live: buffers that BENCH_LIVE keeps
 * @live_attach: the attachment of each of @live, or NULL
 * @live_count: how many entries of @live are in use
 * @live_filled: how many of @live have got their fences from @row
 * @resv: what rows of reservation objects work on; empty for all others
 * @copy: where fences of @resv are copied to
 * @fences: fences that @row works on, with a reference to each
 * @fence_count: how many entries of @fences are in use
 * @others: what else @row works on, with a reference to each, or NULL: two
 *	arrays, a chain's last link, or fences that replace one another
 * @ready: containers that operations of @row use up, one each
 * @ready_count: how many of @ready are left
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
	unsigned int live_filled;
	struct dma_resv resv;
	struct dma_resv copy;
	struct dma_fence **fences;
	unsigned int fence_count;
	struct dma_fence *others[2];
	struct dma_fence **ready;
	unsigned int ready_count;
};

/**
 * struct bench_row - an operation to be measured
 * @name: names the row in results
 * @limit: most that series / base may be, in percent; 0 for none
 * @most: most instructions that the series may take; 0 for any number
 * @per_call: most operations a call may do; 0 for any number
 * @batch: operations timed together; 0 for DEFAULT_BATCH
 * @scale: what one @op counts for (fences added, say); 0 for 1
 * @size: how many fences @setup or @prepare makes, if it makes any
 * @setup: makes what @op works on; NULL if it needs nothing. What it makes is
 *	noted in struct bench, from where bench_deselect() takes it down, also
 *	when only a part of it could be made.
 * @prepare: makes what so many runs of @op use up, not timed; NULL if they use up
 *	nothing. Noted as what @setup makes.
 * @op: the operation; returns 0 or a negative error
 */
struct bench_row {
	const char *name;
	unsigned int limit;
	unsigned int most;
	unsigned int per_call;
	unsigned int batch;
	unsigned int scale;
	unsigned int size;
	int (*setup)(struct bench *bench);
	int (*prepare)(struct bench *bench, unsigned int count);
	int (*op)(struct bench *bench);
};

/**
 * struct bench_row_group - the rows of one file
 * @rows: its rows
 * @count: how many there are
 */
struct bench_row_group {
	const struct bench_row *rows;
	unsigned int count;
};

/* In bench_rows.c, bench_fence_rows.c and bench_resv_rows.c. */
extern const struct bench_row_group bench_buffer_rows;
extern const struct bench_row_group bench_fence_rows;
extern const struct bench_row_group bench_resv_rows;

/* The one whose device buffers are attached to. */
extern struct miscdevice bench_misc;

int bench_exporter_init(void);
void bench_exporter_exit(void);
struct dma_buf *bench_export(enum bench_kind kind);
int bench_set_live(struct bench *bench, unsigned int count, bool attached);

struct dma_fence *bench_fence(u64 context, u64 seqno);
int bench_make_fences_for(struct bench *bench, unsigned int operations);
int bench_make_fences(struct bench *bench);
void bench_signal_fences(struct bench *bench);
void bench_init_fences(struct bench *bench);
void bench_drop_fences(struct bench *bench);
void bench_fini_fences(struct bench *bench);

#endif /* BENCH_H */
