/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The map of the heaps: what its files know of each other.
 *
 *   dma_heap.c       devices, the ioctl, a heap's life
 *   heap_stats.c     what a heap did: counters, latencies, debugfs
 *   page_pool.c      pages that are zero already, for the next buffers
 *   system_heap.c    ordinary pages
 *   cma_heap.c       contiguous memory
 *
 * The memory of their buffers is a struct dma_buf_memory, see ../memory.h.
 */
#ifndef __DMA_HEAP_PRIVATE_H
#define __DMA_HEAP_PRIVATE_H

#include <linux/cdev.h>
#include <linux/dma-heap.h>
#include <linux/list.h>
#include <linux/percpu.h>
#include <linux/types.h>

struct dma_buf_memory;
struct dma_buf_ops;
struct dma_heap_pool;
struct ida;
struct module;

/* Why an allocation failed. */
enum dma_heap_failure {
	DMA_HEAP_INVALID,
	DMA_HEAP_NO_MEMORY,
	DMA_HEAP_NO_FILE,
	DMA_HEAP_INTERRUPTED,
	DMA_HEAP_OTHER,
	DMA_HEAP_FAILURES
};

/*
 * Latencies are counted in steps of an eighth to a quarter of their size: four
 * steps from each power of two to the next.
 */
#define DMA_HEAP_LATENCIES	160

/**
 * struct dma_heap_stats - what a heap did on one CPU
 * @bytes: handed out, less those that came back
 * @buffers: likewise
 * @allocations: how many succeeded
 * @failures: how many failed, by cause
 * @latencies: how many took how long, by step
 */
struct dma_heap_stats {
	s64 bytes;
	long buffers;
	unsigned long allocations;
	unsigned long failures[DMA_HEAP_FAILURES];
	u32 latencies[DMA_HEAP_LATENCIES];
};

/**
 * struct dma_heap - a kind of memory; once added it stays
 * @name: of its device node
 * @ops: what it can do
 * @priv: its own
 * @pool: its pages that wait for the next buffer, or NULL; for the statistics
 * @stats: what it did; each CPU's by that CPU alone
 * @node: in the list of all heaps; the lock of that
 * @cdev: the device
 */
struct dma_heap {
	const char *name;
	const struct dma_heap_ops *ops;
	void *priv;
	struct dma_heap_pool *pool;
	struct dma_heap_stats __percpu *stats;
	struct list_head node;
	struct cdev cdev;
};

/* dma_heap.c */
bool dma_heap_accounts_memory(void);
bool dma_heap_is_killed(void);
struct dma_buf *dma_heap_export(struct dma_heap *heap,
				struct dma_buf_memory *memory,
				const struct dma_buf_ops *ops, u32 fd_flags);
#if IS_ENABLED(CONFIG_KUNIT)
extern struct ida dma_heap_minors;
struct dma_heap *dma_heap_find(const char *name);
struct module *dma_heap_module_of(const struct dma_heap_ops *ops);
#endif

/* heap_stats.c */
void dma_heap_stats_init(void);
void dma_heap_stats_show(struct dma_heap *heap);
void dma_heap_count_alloc(struct dma_heap *heap, u64 bytes, u64 ns);
void dma_heap_count_failure(struct dma_heap *heap, int error);
void dma_heap_count_free(struct dma_heap *heap, u64 bytes);
unsigned int dma_heap_latency_step(u64 ns);
u64 dma_heap_latency_bound(unsigned int step);

#endif /* __DMA_HEAP_PRIVATE_H */
