/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Page pools: pages between two buffers.
 *
 * What a buffer leaves behind is dirty.  A work item of low priority zeroes it,
 * so that the next buffer gets pages that are zero already, and frees what the
 * pool may not keep.  Until then it may be used again at once, zeroed by whoever
 * takes it.  In no other way does a page leave the pool but to the page
 * allocator: when there are too many, when memory is short or goes offline.
 *
 * Memory that is to go offline is first looked at for pages that can't be moved,
 * and only then are others told to give theirs back.  So a pool gives back all it
 * has, but a block of memory that it has pages in can be taken offline only
 * after they were given back in another way.
 */
#ifndef __DMA_HEAP_PAGE_POOL_H
#define __DMA_HEAP_PAGE_POOL_H

#include <linux/list.h>
#include <linux/memory.h>
#include <linux/mmzone.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

struct page;
struct shrinker;

/**
 * struct dma_heap_pool_size - how many pages of 4 KiB or so a pool has
 * @zeroed: all bytes are 0
 * @dirty: their last owner's bytes are still there
 */
struct dma_heap_pool_size {
	unsigned long zeroed;
	unsigned long dirty;
};

/**
 * struct dma_heap_pool_node - the pages of a NUMA node
 * @lock: of all that is here
 * @zeroed: blocks all of whose bytes are 0, by order
 * @dirty: blocks as their last owner left them, by order
 * @size: how many pages that is
 *
 * The lock is a leaf.  Pages are zeroed and freed without it.
 */
struct dma_heap_pool_node {
	spinlock_t lock;	/* of all that is here */
	struct list_head zeroed[NR_PAGE_ORDERS];
	struct list_head dirty[NR_PAGE_ORDERS];
	struct dma_heap_pool_size size;
};

/**
 * struct dma_heap_pool - pages between two buffers
 * @max_pages: more are given back sooner or later; 0: none are kept
 * @work: zeroes and frees
 * @shrinker: gives pages back when memory is short
 * @hotplug: gives all back when memory is about to go offline
 * @nodes: by number
 */
struct dma_heap_pool {
	unsigned long max_pages;
	struct delayed_work work;
	struct shrinker *shrinker;
	struct notifier_block hotplug;
	struct dma_heap_pool_node nodes[];
};

void dma_heap_zero_pages(struct page *page, unsigned long count);
struct dma_heap_pool *dma_heap_pool_create(const char *name,
					   unsigned long max_pages);
void dma_heap_pool_destroy(struct dma_heap_pool *pool);
struct page *dma_heap_pool_take(struct dma_heap_pool *pool,
				unsigned int order);
void dma_heap_pool_give(struct dma_heap_pool *pool, struct list_head *blocks);
void dma_heap_pool_limit(struct dma_heap_pool *pool, unsigned long max_pages);
void dma_heap_pool_drain(struct dma_heap_pool *pool);
void dma_heap_pool_settle(struct dma_heap_pool *pool);
struct dma_heap_pool_size dma_heap_pool_size(struct dma_heap_pool *pool);

#if IS_ENABLED(CONFIG_KUNIT)
bool dma_heap_block_is_unused(struct page *block);
#endif

#endif /* __DMA_HEAP_PAGE_POOL_H */
