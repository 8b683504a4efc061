// SPDX-License-Identifier: GPL-2.0-only
/*
 * The system heap: buffers of ordinary pages.
 *
 * A buffer is made of blocks as large as there are without much ado, the
 * largest first, so that huge entries fit into page tables and few entries do
 * for devices.  Only single pages are worth reclaiming others.
 */
#include <linux/cacheflush.h>
#include <linux/cacheinfo.h>
#include <linux/dma-buf.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/init.h>
#include <linux/log2.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "../memory.h"
#include "heap.h"
#include "page_pool.h"

/* Of blocks of several pages. */
#define LARGE_GFP	((GFP_HIGHUSER | __GFP_ZERO | __GFP_COMP | \
			  __GFP_NOWARN | __GFP_NORETRY) & ~__GFP_RECLAIM)
/* Of single pages; a program has an error code, so nobody need be killed. */
#define SMALL_GFP	(GFP_HIGHUSER | __GFP_ZERO | __GFP_COMP | \
			 __GFP_NOWARN | __GFP_RETRY_MAYFAIL)

static struct dma_heap_pool *pool;

/*
 * The limit of the pool
 */

static unsigned long pool_max_bytes = ULONG_MAX;

static int set_pool_max_bytes(const char *text, const struct kernel_param *kp)
{
	int err = param_set_ulong(text, kp);

	if (!err && pool)
		dma_heap_pool_limit(pool, pool_max_bytes >> PAGE_SHIFT);
	return err;
}

static const struct kernel_param_ops pool_max_bytes_ops = {
	.set = set_pool_max_bytes,
	.get = param_get_ulong,
};
module_param_cb(pool_max_bytes, &pool_max_bytes_ops, &pool_max_bytes, 0644);
MODULE_PARM_DESC(pool_max_bytes,
		 "Most bytes kept zeroed for new buffers (default: 1/64 of memory; 0: none)");

/*
 * Blocks
 */

/**
 * struct system_buffer - a buffer
 * @memory: its pages; each range is made of whole blocks
 * @charged: its blocks are charged to a memory cgroup
 */
struct system_buffer {
	struct dma_buf_memory memory;
	bool charged;
};

/* New pages, all of whose bytes are 0 also for those who map them. */
static struct page *get_new_block(unsigned int order)
{
	struct page *block = alloc_pages(order ? LARGE_GFP : SMALL_GFP, order);
	unsigned int i;

	if (cpu_dcache_is_aliasing() && block) {
		for (i = 0; i < 1U << order; i++)
			flush_dcache_page(nth_page(block, i));
	}
	return block;
}

/* A block, all of whose bytes are 0, of at most as many pages; NULL: no memory. */
static struct page *get_block(unsigned long pages, unsigned int *max_order)
{
	unsigned int order = min_t(unsigned int, ilog2(pages), *max_order);
	struct page *block;

	for (;; order--) {
		block = dma_heap_pool_take(pool, order);
		if (!block)
			block = get_new_block(order);
		if (block || !order)
			break;
	}
	/* What wasn't there a moment ago isn't worth another try. */
	*max_order = order;
	return block;
}

static void put_block(struct page *block)
{
	LIST_HEAD(blocks);

	list_add(&block->lru, &blocks);
	dma_heap_pool_give(pool, &blocks);
}

/* At the group's limit an error is enough; none of its tasks is to be killed. */
static int charge_block(struct system_buffer *buffer, struct page *block)
{
	if (!buffer->charged)
		return 0;
	return memcg_kmem_charge_page(block,
				      GFP_KERNEL_ACCOUNT | __GFP_RETRY_MAYFAIL,
				      compound_order(block));
}

static void uncharge_block(struct system_buffer *buffer, struct page *block)
{
	if (buffer->charged)
		memcg_kmem_uncharge_page(block, compound_order(block));
}

static int add_block(struct system_buffer *buffer, struct page *block)
{
	int err = charge_block(buffer, block);

	if (err)
		goto put;
	err = dma_buf_memory_append(&buffer->memory, block, compound_nr(block),
				    true);
	if (err)
		goto uncharge;
	return 0;

uncharge:
	uncharge_block(buffer, block);
put:
	put_block(block);
	return err;
}

static int add_blocks(struct system_buffer *buffer, unsigned long pages)
{
	unsigned int max_order = MAX_PAGE_ORDER;

	while (pages) {
		struct page *block;
		int err;

		if (dma_heap_is_killed())
			return -EINTR;
		block = get_block(pages, &max_order);
		if (!block)
			return -ENOMEM;
		pages -= compound_nr(block);
		err = add_block(buffer, block);
		if (err)
			return err;
		cond_resched();
	}
	return 0;
}

/* All blocks of a range to @blocks. */
static void take_apart(struct system_buffer *buffer, unsigned int range,
		       struct list_head *blocks)
{
	unsigned long pfn = page_to_pfn(buffer->memory.ranges[range].page);
	unsigned long end = pfn + dma_buf_range_pages(&buffer->memory, range);

	while (pfn < end) {
		struct page *block = pfn_to_page(pfn);

		pfn += compound_nr(block);
		uncharge_block(buffer, block);
		list_add_tail(&block->lru, blocks);
		cond_resched();
	}
}

/*
 * A buffer's life
 */

static void destroy(struct system_buffer *buffer)
{
	LIST_HEAD(blocks);
	unsigned int i;

	for (i = 0; i < buffer->memory.num_ranges; i++)
		take_apart(buffer, i, &blocks);
	dma_heap_pool_give(pool, &blocks);
	dma_buf_memory_fini(&buffer->memory);
	kfree(buffer);
}

static void release(struct dma_buf *dmabuf)
{
	destroy(container_of(dma_buf_to_memory(dmabuf), struct system_buffer,
			     memory));
}

static const struct dma_buf_ops system_buffer_ops = {
	DMA_BUF_MEMORY_OPS,
	.release = release,
};

static struct system_buffer *create(unsigned long len)
{
	struct system_buffer *buffer;
	int err;

	/* Don't take all of memory to find out that it isn't enough. */
	if (len >> PAGE_SHIFT > totalram_pages())
		return ERR_PTR(-ENOMEM);

	buffer = kmalloc(sizeof(*buffer), GFP_KERNEL_ACCOUNT);
	if (!buffer)
		return ERR_PTR(-ENOMEM);
	dma_buf_memory_init(&buffer->memory);
	buffer->charged = dma_heap_accounts_memory();
	err = add_blocks(buffer, len >> PAGE_SHIFT);
	if (err) {
		destroy(buffer);
		return ERR_PTR(err);
	}
	return buffer;
}

static struct dma_buf *system_heap_allocate(struct dma_heap *heap,
					    unsigned long len, u32 fd_flags,
					    u64 heap_flags)
{
	struct system_buffer *buffer = create(len);
	struct dma_buf *dmabuf;

	if (IS_ERR(buffer))
		return ERR_CAST(buffer);
	dmabuf = dma_heap_export(heap, &buffer->memory, &system_buffer_ops,
				 fd_flags);
	if (IS_ERR(dmabuf))
		destroy(buffer);
	return dmabuf;
}

static const struct dma_heap_ops system_heap_ops = {
	.allocate = system_heap_allocate,
};

static int __init system_heap_init(void)
{
	struct dma_heap_export_info info = {
		.name = "system",
		.ops = &system_heap_ops,
	};
	struct dma_heap *heap;

	if (pool_max_bytes == ULONG_MAX)
		pool_max_bytes = totalram_pages() / 64 << PAGE_SHIFT;
	pool = dma_heap_pool_create("dma-heap-system",
				    pool_max_bytes >> PAGE_SHIFT);
	if (!pool)
		return -ENOMEM;
	heap = dma_heap_add(&info);
	if (IS_ERR(heap)) {
		dma_heap_pool_destroy(pool);
		/* not tested: at boot, no memory is short and no heap has that name */
		pool = NULL;
		return PTR_ERR(heap);
	}
	heap->pool = pool;
	return 0;
}
device_initcall(system_heap_init);
