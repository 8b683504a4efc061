// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page pools: pages between two buffers, zeroed while nobody waits.
 */
#include <linux/cacheflush.h>
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/init.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/shrinker.h>
#include <linux/slab.h>
#include <linux/swap.h>
#include <linux/topology.h>
#include <linux/vmstat.h>
#include <kunit/static_stub.h>
#include <kunit/visibility.h>

#include "page_pool.h"

/* Pages that come back within that time are zeroed together. */
#define SETTLE_DELAY	msecs_to_jiffies(20)
/* As many pages too many are freed at once, more of them by the work. */
#define FEW_PAGES	64
/* To zero as many takes long enough to let others have the CPU. */
#define ZERO_PAGES	512
/* And to put as many blocks into a list. */
#define BLOCKS_AT_ONCE	256

static struct workqueue_struct *settle_wq;

static unsigned long block_pages(struct page *block)
{
	return compound_nr(block);
}

/**
 * dma_heap_zero_pages - have all bytes 0, however they are looked at
 * @page: the first page
 * @count: how many
 *
 * Context: Process context, may sleep.
 */
void dma_heap_zero_pages(struct page *page, unsigned long count)
{
	unsigned long i;

	for (i = 0; i < count; i++) {
		clear_highpage(nth_page(page, i));
		/* A process may have it elsewhere in an aliasing cache. */
		flush_dcache_page(nth_page(page, i));
		if (i % ZERO_PAGES == ZERO_PAGES - 1)
			cond_resched();
	}
}

static void zero_block(struct page *block)
{
	dma_heap_zero_pages(block, block_pages(block));
}

static void free_block(struct page *block)
{
	__free_pages(block, compound_order(block));
}

static void free_blocks(struct list_head *blocks)
{
	struct page *block, *next;

	list_for_each_entry_safe(block, next, blocks, lru) {
		list_del(&block->lru);
		free_block(block);
		cond_resched();
	}
}

static struct dma_heap_pool_node *node_of(struct dma_heap_pool *pool,
					  struct page *block)
{
	return &pool->nodes[page_to_nid(block)];
}

/*
 * In and out, under the node's lock
 */

static void account_block(struct page *block, long pages)
{
	mod_node_page_state(page_pgdat(block), NR_KERNEL_MISC_RECLAIMABLE,
			    pages);
}

static void put_dirty(struct dma_heap_pool_node *node, struct page *block)
{
	long pages = block_pages(block);

	list_add(&block->lru, &node->dirty[compound_order(block)]);
	node->size.dirty += pages;
	account_block(block, pages);
}

static void put_zeroed(struct dma_heap_pool_node *node, struct page *block)
{
	long pages = block_pages(block);

	list_add(&block->lru, &node->zeroed[compound_order(block)]);
	node->size.zeroed += pages;
	account_block(block, pages);
}

/* Returns NULL if there is none. */
static struct page *get_block(struct list_head *blocks, unsigned long *size)
{
	struct page *block = list_first_entry_or_null(blocks, struct page, lru);
	long pages;

	if (!block)
		return NULL;
	pages = block_pages(block);
	list_del(&block->lru);
	*size -= pages;
	account_block(block, -pages);
	return block;
}

static struct page *get_largest_dirty(struct dma_heap_pool_node *node)
{
	struct page *block = NULL;
	int order;

	scoped_guard(spinlock, &node->lock) {
		for (order = NR_PAGE_ORDERS - 1; !block && order >= 0; order--)
			block = get_block(&node->dirty[order],
					  &node->size.dirty);
	}
	return block;
}

/* What costs least to get again. */
static struct page *get_smallest(struct dma_heap_pool_node *node,
				 struct list_head *by_order,
				 unsigned long *size)
{
	struct page *block = NULL;
	int order;

	scoped_guard(spinlock, &node->lock) {
		for (order = 0; !block && order < NR_PAGE_ORDERS; order++)
			block = get_block(&by_order[order], size);
	}
	return block;
}

static struct page *get_smallest_dirty(struct dma_heap_pool_node *node)
{
	return get_smallest(node, node->dirty, &node->size.dirty);
}

static struct page *get_smallest_zeroed(struct dma_heap_pool_node *node)
{
	return get_smallest(node, node->zeroed, &node->size.zeroed);
}

static struct page *get_any(struct dma_heap_pool_node *node)
{
	return get_smallest_dirty(node) ?: get_smallest_zeroed(node);
}

/*
 * Buffers
 */

/**
 * dma_heap_pool_take - get pages for a buffer
 * @pool: the pool
 * @order: how many pages, as a power of two
 *
 * Only pages of the node the CPU is on are looked for.
 *
 * Context: Process context, may sleep.
 * Return: a compound page all of whose bytes are 0, or NULL.
 */
struct page *dma_heap_pool_take(struct dma_heap_pool *pool, unsigned int order)
{
	struct dma_heap_pool_node *node = &pool->nodes[numa_mem_id()];
	struct page *block;

	/* Who comes too late or too early finds out under the lock. */
	if (!data_race(node->size.zeroed + node->size.dirty))
		return NULL;

	scoped_guard(spinlock, &node->lock) {
		block = get_block(&node->zeroed[order], &node->size.zeroed);
		if (block)
			return block;
		block = get_block(&node->dirty[order], &node->size.dirty);
	}
	if (block)
		zero_block(block);
	return block;
}
EXPORT_SYMBOL_IF_KUNIT(dma_heap_pool_take);

/**
 * dma_heap_pool_size - how much there is
 * @pool: the pool
 *
 * Context: Any.
 * Return: the sum of all nodes, which may change any time.
 */
struct dma_heap_pool_size dma_heap_pool_size(struct dma_heap_pool *pool)
{
	struct dma_heap_pool_size sum = {};
	int nid;

	for_each_node(nid) {
		/* Any value that it had lately will do. */
		sum.zeroed += data_race(pool->nodes[nid].size.zeroed);
		/* Likewise. */
		sum.dirty += data_race(pool->nodes[nid].size.dirty);
	}
	return sum;
}
EXPORT_SYMBOL_IF_KUNIT(dma_heap_pool_size);

static bool is_too_large(struct dma_heap_pool *pool, unsigned long more)
{
	struct dma_heap_pool_size size = dma_heap_pool_size(pool);

	return size.zeroed + size.dirty + more > READ_ONCE(pool->max_pages);
}

/* Whether to free @blocks without further ado. */
static bool are_unwanted(struct dma_heap_pool *pool, struct list_head *blocks)
{
	unsigned long pages = 0;
	struct page *block;

	list_for_each_entry(block, blocks, lru) {
		pages += block_pages(block);
		if (pages > FEW_PAGES)
			return false;
	}
	return is_too_large(pool, pages);
}

/* Moves blocks of one node, and not too many at once, from @blocks to it. */
static void give_some(struct dma_heap_pool *pool, struct list_head *blocks)
{
	struct page *block = list_first_entry(blocks, struct page, lru);
	struct dma_heap_pool_node *node = node_of(pool, block);
	unsigned int count = 0;

	scoped_guard(spinlock, &node->lock) {
		do {
			list_del(&block->lru);
			put_dirty(node, block);
			block = list_first_entry_or_null(blocks, struct page,
							 lru);
		} while (block && node_of(pool, block) == node &&
			 ++count < BLOCKS_AT_ONCE);
	}
}

/**
 * dma_heap_block_is_unused - nobody else has a reference on a block
 * @block: a compound page
 *
 * Return: true if the caller's is the only one.
 */
VISIBLE_IF_KUNIT bool dma_heap_block_is_unused(struct page *block)
{
	KUNIT_STATIC_STUB_REDIRECT(dma_heap_block_is_unused, block);

	return page_count(block) == 1;
}
EXPORT_SYMBOL_IF_KUNIT(dma_heap_block_is_unused);

/* A driver that has a reference on a page keeps it from being used again. */
static void drop_used(struct list_head *blocks)
{
	struct page *block, *next;

	list_for_each_entry_safe(block, next, blocks, lru) {
		if (likely(dma_heap_block_is_unused(block)))
			continue;
		list_del(&block->lru);
		free_block(block);
	}
}

/**
 * dma_heap_pool_give - leave pages to the pool that a buffer doesn't need
 * @pool: the pool
 * @blocks: compound pages that no buffer has, by page.lru; empty afterwards
 *
 * It takes no longer for many pages than to add them to a list.
 *
 * Context: Process context, may sleep.
 */
void dma_heap_pool_give(struct dma_heap_pool *pool, struct list_head *blocks)
{
	drop_used(blocks);
	if (are_unwanted(pool, blocks)) {
		free_blocks(blocks);
		return;
	}

	while (!list_empty(blocks)) {
		give_some(pool, blocks);
		cond_resched();
	}
	queue_delayed_work(settle_wq, &pool->work, SETTLE_DELAY);
}
EXPORT_SYMBOL_IF_KUNIT(dma_heap_pool_give);

/*
 * What happens in the meantime
 */

/* Frees blocks that @get finds as long as there are too many. */
static void trim_nodes(struct dma_heap_pool *pool,
		       struct page *(*get)(struct dma_heap_pool_node *node))
{
	struct page *block;
	int nid;

	for_each_node(nid) {
		while (is_too_large(pool, 0) &&
		       (block = get(&pool->nodes[nid]))) {
			free_block(block);
			cond_resched();
		}
	}
}

/* No node loses what is zeroed as long as one has dirty pages. */
static void trim(struct dma_heap_pool *pool)
{
	trim_nodes(pool, get_smallest_dirty);
	trim_nodes(pool, get_smallest_zeroed);
}

static void zero_node(struct dma_heap_pool_node *node)
{
	struct page *block;

	while ((block = get_largest_dirty(node))) {
		zero_block(block);
		scoped_guard(spinlock, &node->lock)
			put_zeroed(node, block);
		cond_resched();
	}
}

static void settle(struct work_struct *work)
{
	struct dma_heap_pool *pool =
		container_of(work, struct dma_heap_pool, work.work);
	int nid;

	trim(pool);
	for_each_node(nid)
		zero_node(&pool->nodes[nid]);
}

/**
 * dma_heap_pool_settle - have no dirty pages left
 * @pool: the pool
 *
 * Zeroes what is dirty, and frees what is too much, without delay.
 *
 * Context: Process context, may sleep.
 */
void dma_heap_pool_settle(struct dma_heap_pool *pool)
{
	mod_delayed_work(settle_wq, &pool->work, 0);
	flush_delayed_work(&pool->work);
}
EXPORT_SYMBOL_IF_KUNIT(dma_heap_pool_settle);

/**
 * dma_heap_pool_limit - let the pool be larger or smaller
 * @pool: the pool
 * @max_pages: how many pages it may have; 0: it keeps none
 *
 * What is too much is freed at once, zeroed pages last.
 *
 * Context: Process context, may sleep.
 */
void dma_heap_pool_limit(struct dma_heap_pool *pool, unsigned long max_pages)
{
	WRITE_ONCE(pool->max_pages, max_pages);
	trim(pool);
}
EXPORT_SYMBOL_IF_KUNIT(dma_heap_pool_limit);

/* Frees blocks until that are as many pages.  Returns how many there were. */
static unsigned long free_pages_of(struct dma_heap_pool_node *node,
				   unsigned long wanted)
{
	unsigned long freed = 0;
	struct page *block;

	while (freed < wanted && (block = get_any(node))) {
		freed += block_pages(block);
		free_block(block);
		cond_resched();
	}
	return freed;
}

static unsigned long count_reclaimable(struct shrinker *shrinker,
				       struct shrink_control *sc)
{
	struct dma_heap_pool *pool = shrinker->private_data;
	struct dma_heap_pool_node *node = &pool->nodes[sc->nid];
	unsigned long pages;

	/* An estimate is asked for. */
	pages = data_race(node->size.zeroed + node->size.dirty);
	return pages ?: SHRINK_EMPTY;
}

static unsigned long reclaim(struct shrinker *shrinker,
			     struct shrink_control *sc)
{
	struct dma_heap_pool *pool = shrinker->private_data;
	unsigned long freed;

	freed = free_pages_of(&pool->nodes[sc->nid], sc->nr_to_scan);
	sc->nr_scanned = freed;
	/* Direct reclaim would take more of others otherwise. */
	mm_account_reclaimed_pages(freed);
	return freed ?: SHRINK_STOP;
}

/**
 * dma_heap_pool_drain - give all pages back to the page allocator
 * @pool: the pool
 *
 * Context: Process context, may sleep.
 */
void dma_heap_pool_drain(struct dma_heap_pool *pool)
{
	int nid;

	for_each_node(nid)
		free_pages_of(&pool->nodes[nid], ULONG_MAX);
}
EXPORT_SYMBOL_IF_KUNIT(dma_heap_pool_drain);

static int memory_changes(struct notifier_block *hotplug, unsigned long action,
			  void *data)
{
	if (action == MEM_GOING_OFFLINE)
		dma_heap_pool_drain(container_of(hotplug, struct dma_heap_pool,
						 hotplug));
	return NOTIFY_OK;
}

/*
 * A pool's life
 */

static void init_node(struct dma_heap_pool_node *node)
{
	int order;

	spin_lock_init(&node->lock);
	for (order = 0; order < NR_PAGE_ORDERS; order++) {
		INIT_LIST_HEAD(&node->zeroed[order]);
		INIT_LIST_HEAD(&node->dirty[order]);
	}
}

/**
 * dma_heap_pool_create - make a pool
 * @name: for debugfs shrinker
 * @max_pages: how many pages it may have; 0: it keeps none
 *
 * Context: Process context, may sleep.
 * Return: the pool, without any pages, or NULL when there is no memory.
 */
struct dma_heap_pool *dma_heap_pool_create(const char *name,
					   unsigned long max_pages)
{
	struct dma_heap_pool *pool;
	int nid;

	if (!settle_wq)
		return NULL;
	pool = kzalloc(struct_size(pool, nodes, nr_node_ids), GFP_KERNEL);
	if (!pool)
		return NULL;
	pool->shrinker = shrinker_alloc(SHRINKER_NUMA_AWARE, "%s", name);
	if (!pool->shrinker) {
		kfree(pool);
		return NULL;
	}

	pool->max_pages = max_pages;
	INIT_DELAYED_WORK(&pool->work, settle);
	for_each_node(nid)
		init_node(&pool->nodes[nid]);
	pool->hotplug.notifier_call = memory_changes;
	register_memory_notifier(&pool->hotplug);
	pool->shrinker->private_data = pool;
	pool->shrinker->count_objects = count_reclaimable;
	pool->shrinker->scan_objects = reclaim;
	shrinker_register(pool->shrinker);
	return pool;
}
EXPORT_SYMBOL_IF_KUNIT(dma_heap_pool_create);

/**
 * dma_heap_pool_destroy - give all pages back, and the pool with them
 * @pool: the pool, which no buffer uses any more
 *
 * Context: Process context, may sleep.
 */
void dma_heap_pool_destroy(struct dma_heap_pool *pool)
{
	shrinker_free(pool->shrinker);
	unregister_memory_notifier(&pool->hotplug);
	cancel_delayed_work_sync(&pool->work);
	dma_heap_pool_drain(pool);
	kfree(pool);
}
EXPORT_SYMBOL_IF_KUNIT(dma_heap_pool_destroy);

/* The workers step back for all who have something to do. */
static int __init pool_init(void)
{
	struct workqueue_attrs *attrs = alloc_workqueue_attrs();
	int err = -ENOMEM;

	settle_wq = alloc_workqueue("dma_heap_pool", WQ_UNBOUND | WQ_FREEZABLE,
				    1);
	if (settle_wq && attrs) {
		attrs->nice = MAX_NICE;
		err = apply_workqueue_attrs(settle_wq, attrs);
	}
	free_workqueue_attrs(attrs);
	return err;
}
subsys_initcall(pool_init);
