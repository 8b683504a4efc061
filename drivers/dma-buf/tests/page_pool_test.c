// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page pools: that no byte of one buffer is seen in the next, what is kept and
 * what is given back to the page allocator.
 *
 * The test has a reference on every block of pages that it makes.  So it can
 * tell those that were given back: nobody else has one on them any more.
 */
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/gfp.h>
#include <linux/list.h>
#include <linux/memory.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/shrinker.h>
#include <linux/string.h>
#include <linux/topology.h>
#include <linux/vmstat.h>
#include <linux/workqueue.h>

#include <kunit/static_stub.h>

#include "../heaps/page_pool.h"
#include "mock.h"

/* What a buffer leaves behind. */
#define DIRT		0xa5
/* As many pages as no test gives to a pool. */
#define NO_LIMIT	100000

/* The test has one. */
static bool has_two_references(struct page *block)
{
	return page_count(block) <= 2;
}

/* A pool looks for pages of the CPU's node: the test has to stay there. */
static int page_pool_init(struct kunit *test)
{
	kunit_activate_static_stub(test, dma_heap_block_is_unused,
				   has_two_references);
	return set_cpus_allowed_ptr(current, cpumask_of_node(numa_node_id()));
}

static unsigned long block_size(struct page *block)
{
	return PAGE_SIZE << compound_order(block);
}

static void soil(struct page *block)
{
	memset(page_address(block), DIRT, block_size(block));
}

static bool is_zero(struct page *block)
{
	return !memchr_inv(page_address(block), 0, block_size(block));
}

/* Returns NULL if there is no memory. */
static struct page *make_block(unsigned int order)
{
	struct page *block;

	block = alloc_pages_node(numa_mem_id(),
				 GFP_KERNEL | __GFP_COMP | __GFP_THISNODE, order);
	if (block)
		soil(block);
	return block;
}

static void drop_block(void *block)
{
	put_page(block);
}

/* Makes a block that the test holds to the end, for others to give back. */
static struct page *hold_block(struct kunit *test, unsigned int order)
{
	struct page *block = make_block(order);

	KUNIT_ASSERT_NOT_NULL(test, block);
	get_page(block);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, drop_block, block));
	return block;
}

static bool was_given_back(struct page *block)
{
	return page_count(block) == 1;
}

static unsigned int count_given_back(struct page **blocks, unsigned int num)
{
	unsigned int i, count = 0;

	for (i = 0; i < num; i++)
		count += was_given_back(blocks[i]);
	return count;
}

static void give(struct dma_heap_pool *pool, struct page *block)
{
	LIST_HEAD(blocks);

	list_add(&block->lru, &blocks);
	dma_heap_pool_give(pool, &blocks);
}

/* Gives single pages, all at once. */
static void give_pages(struct kunit *test, struct dma_heap_pool *pool,
		       struct page **pages, unsigned int num)
{
	LIST_HEAD(blocks);
	unsigned int i;

	for (i = 0; i < num; i++) {
		pages[i] = hold_block(test, 0);
		list_add_tail(&pages[i]->lru, &blocks);
	}
	dma_heap_pool_give(pool, &blocks);
	KUNIT_EXPECT_TRUE(test, list_empty(&blocks));
}

static struct page *give_new(struct kunit *test, struct dma_heap_pool *pool,
			     unsigned int order)
{
	struct page *block = hold_block(test, order);

	give(pool, block);
	return block;
}

/* Takes a block and gives it back to the page allocator. */
static void expect_block(struct kunit *test, struct dma_heap_pool *pool,
			 struct page *block)
{
	struct page *taken;

	taken = dma_heap_pool_take(pool, compound_order(block));
	KUNIT_ASSERT_PTR_EQ(test, taken, block);
	KUNIT_EXPECT_TRUE(test, is_zero(block));
	KUNIT_EXPECT_FALSE(test, was_given_back(block));
	put_page(block);
}

static void expect_size(struct kunit *test, struct dma_heap_pool *pool,
			unsigned long zeroed, unsigned long dirty)
{
	struct dma_heap_pool_size size = dma_heap_pool_size(pool);

	KUNIT_EXPECT_EQ(test, size.zeroed, zeroed);
	KUNIT_EXPECT_EQ(test, size.dirty, dirty);
}

static void destroy(void *pool)
{
	dma_heap_pool_destroy(pool);
}

static struct dma_heap_pool *make_pool(struct kunit *test,
				       unsigned long max_pages)
{
	struct dma_heap_pool *pool;

	pool = dma_heap_pool_create("dma_buf_page_pool", max_pages);
	KUNIT_ASSERT_NOT_NULL(test, pool);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, destroy, pool));
	return pool;
}

/* Makes a pool that zeroes and frees only when settle() is called. */
static struct dma_heap_pool *make_still_pool(struct kunit *test,
					     unsigned long max_pages)
{
	struct dma_heap_pool *pool = make_pool(test, max_pages);

	disable_delayed_work_sync(&pool->work);
	return pool;
}

static void settle(struct dma_heap_pool *pool)
{
	enable_delayed_work(&pool->work);
	dma_heap_pool_settle(pool);
	disable_delayed_work_sync(&pool->work);
}

static void limit(struct dma_heap_pool *pool, unsigned long max_pages)
{
	enable_delayed_work(&pool->work);
	dma_heap_pool_limit(pool, max_pages);
	disable_delayed_work_sync(&pool->work);
}

/*
 * In and out
 */

static void an_empty_pool_has_nothing(struct kunit *test)
{
	struct dma_heap_pool *pool = make_pool(test, NO_LIMIT);
	unsigned int order;

	for (order = 0; order < NR_PAGE_ORDERS; order++)
		KUNIT_EXPECT_NULL(test, dma_heap_pool_take(pool, order));
	expect_size(test, pool, 0, 0);
}

static void dirty_blocks_are_zeroed_for_who_takes_them(struct kunit *test)
{
	struct dma_heap_pool *pool = make_still_pool(test, NO_LIMIT);
	unsigned int order;

	for (order = 0; order < 4; order++) {
		struct page *block = give_new(test, pool, order);

		expect_size(test, pool, 0, 1 << order);
		expect_block(test, pool, block);
		expect_size(test, pool, 0, 0);
	}
}

static void settling_leaves_no_dirty_blocks(struct kunit *test)
{
	struct dma_heap_pool *pool = make_still_pool(test, NO_LIMIT);
	unsigned int order;

	for (order = 0; order < 4; order++) {
		struct page *block = give_new(test, pool, order);

		settle(pool);
		expect_size(test, pool, 1 << order, 0);
		KUNIT_EXPECT_TRUE(test, is_zero(block));
		expect_block(test, pool, block);
		expect_size(test, pool, 0, 0);
	}
}

static void a_pool_settles_by_itself(struct kunit *test)
{
	struct dma_heap_pool *pool = make_pool(test, NO_LIMIT);
	struct page *block = give_new(test, pool, 1);

	KUNIT_EXPECT_TRUE(test, MOCK_AWAIT(dma_heap_pool_size(pool).zeroed == 2));
	expect_block(test, pool, block);
}

static void zeroed_blocks_are_taken_first(struct kunit *test)
{
	struct dma_heap_pool *pool = make_still_pool(test, NO_LIMIT);
	struct page *zeroed = give_new(test, pool, 1), *dirty;

	settle(pool);
	dirty = give_new(test, pool, 1);
	expect_size(test, pool, 2, 2);
	expect_block(test, pool, zeroed);
	expect_size(test, pool, 0, 2);
	expect_block(test, pool, dirty);
}

static void orders_are_kept_apart(struct kunit *test)
{
	struct dma_heap_pool *pool = make_still_pool(test, NO_LIMIT);
	struct page *one = give_new(test, pool, 0), *four, *sixteen;

	settle(pool);
	four = give_new(test, pool, 2);
	settle(pool);
	sixteen = give_new(test, pool, 4);
	expect_size(test, pool, 5, 16);
	KUNIT_EXPECT_NULL(test, dma_heap_pool_take(pool, 1));
	KUNIT_EXPECT_NULL(test, dma_heap_pool_take(pool, 3));
	KUNIT_EXPECT_NULL(test, dma_heap_pool_take(pool, 5));

	expect_block(test, pool, four);
	KUNIT_EXPECT_NULL(test, dma_heap_pool_take(pool, 2));
	expect_size(test, pool, 1, 16);
	expect_block(test, pool, sixteen);
	expect_block(test, pool, one);
	expect_size(test, pool, 0, 0);
}

static void blocks_of_all_orders_come_together(struct kunit *test)
{
	struct dma_heap_pool *pool = make_still_pool(test, NO_LIMIT);
	struct page *given[4];
	LIST_HEAD(blocks);
	int order;

	for (order = 0; order < 4; order++) {
		given[order] = hold_block(test, order);
		list_add(&given[order]->lru, &blocks);
	}
	dma_heap_pool_give(pool, &blocks);
	KUNIT_EXPECT_TRUE(test, list_empty(&blocks));
	expect_size(test, pool, 0, 15);
	settle(pool);
	expect_size(test, pool, 15, 0);
	for (order = 0; order < 4; order++)
		expect_block(test, pool, given[order]);
}

static void what_a_driver_still_has_is_given_back(struct kunit *test)
{
	struct dma_heap_pool *pool = make_still_pool(test, NO_LIMIT);
	struct page *used, *unused = make_block(1);
	LIST_HEAD(blocks);

	KUNIT_ASSERT_NOT_NULL(test, unused);
	kunit_deactivate_static_stub(test, dma_heap_block_is_unused);
	used = hold_block(test, 2);
	list_add(&used->lru, &blocks);
	list_add(&unused->lru, &blocks);
	dma_heap_pool_give(pool, &blocks);
	KUNIT_EXPECT_TRUE(test, list_empty(&blocks));
	KUNIT_EXPECT_TRUE(test, was_given_back(used));
	expect_size(test, pool, 0, 2);
}

static void giving_nothing_changes_nothing(struct kunit *test)
{
	struct dma_heap_pool *pool = make_still_pool(test, NO_LIMIT);
	LIST_HEAD(blocks);

	dma_heap_pool_give(pool, &blocks);
	settle(pool);
	expect_size(test, pool, 0, 0);
}

/* Pages of @node that count as reclaimable, whichever CPU counted them. */
static long reclaimable_pages(struct pglist_data *node)
{
	long pages = atomic_long_read(&node->vm_stat[NR_KERNEL_MISC_RECLAIMABLE]);
	int cpu;

	for_each_online_cpu(cpu) {
		struct per_cpu_nodestat *stat =
			per_cpu_ptr(node->per_cpu_nodestats, cpu);

		pages += READ_ONCE(stat->vm_node_stat_diff[NR_KERNEL_MISC_RECLAIMABLE]);
	}
	return pages;
}

/* What a CPU counted may be neither here nor there for a moment. */
static long steady_reclaimable_pages(struct pglist_data *node)
{
	long pages;

	do {
		pages = reclaimable_pages(node);
		msleep(20);
	} while (pages != reclaimable_pages(node));
	return pages;
}

#define EXPECT_RECLAIMABLE(test, node, expected)			\
	KUNIT_EXPECT_TRUE(test, MOCK_AWAIT(reclaimable_pages(node) == (expected)))

static void what_a_pool_has_counts_as_reclaimable(struct kunit *test)
{
	struct dma_heap_pool *pool = make_still_pool(test, NO_LIMIT);
	struct pglist_data *node = NODE_DATA(numa_mem_id());
	long before = steady_reclaimable_pages(node);
	struct page *one, *eight;

	one = give_new(test, pool, 0);
	eight = give_new(test, pool, 3);
	EXPECT_RECLAIMABLE(test, node, before + 9);
	settle(pool);
	EXPECT_RECLAIMABLE(test, node, before + 9);
	expect_block(test, pool, one);
	EXPECT_RECLAIMABLE(test, node, before + 8);
	dma_heap_pool_drain(pool);
	KUNIT_EXPECT_TRUE(test, was_given_back(eight));
	EXPECT_RECLAIMABLE(test, node, before);
}

/*
 * Limits
 */

static void a_pool_may_be_as_large_as_its_limit(struct kunit *test)
{
	struct dma_heap_pool *pool = make_still_pool(test, 5);
	struct page *four = give_new(test, pool, 2);
	struct page *one = give_new(test, pool, 0);

	expect_size(test, pool, 0, 5);
	settle(pool);
	expect_size(test, pool, 5, 0);
	expect_block(test, pool, four);
	expect_block(test, pool, one);
}

static void a_few_blocks_too_many_are_given_back_at_once(struct kunit *test)
{
	struct dma_heap_pool *pool = make_still_pool(test, 4);
	struct page *kept = give_new(test, pool, 1), *pages[3];

	give_pages(test, pool, pages, ARRAY_SIZE(pages));
	KUNIT_EXPECT_EQ(test, 3, count_given_back(pages, ARRAY_SIZE(pages)));
	KUNIT_EXPECT_TRUE(test, was_given_back(give_new(test, pool, 2)));
	expect_size(test, pool, 0, 2);
	settle(pool);
	/* Neither state of what is there leaves more room. */
	KUNIT_EXPECT_TRUE(test, was_given_back(give_new(test, pool, 2)));
	expect_size(test, pool, 2, 0);
	expect_block(test, pool, kept);
}

static void many_blocks_too_many_are_left_to_the_settling(struct kunit *test)
{
	struct dma_heap_pool *pool = make_still_pool(test, 4);
	struct page *pages[100];

	give_pages(test, pool, pages, ARRAY_SIZE(pages));
	KUNIT_EXPECT_EQ(test, 0, count_given_back(pages, ARRAY_SIZE(pages)));
	expect_size(test, pool, 0, ARRAY_SIZE(pages));
	settle(pool);
	KUNIT_EXPECT_EQ(test, 96, count_given_back(pages, ARRAY_SIZE(pages)));
	expect_size(test, pool, 4, 0);
}

static void a_lower_limit_frees_what_is_above_it(struct kunit *test)
{
	struct dma_heap_pool *pool = make_still_pool(test, 20);
	struct page *zeroed[10], *dirty[10];

	give_pages(test, pool, zeroed, ARRAY_SIZE(zeroed));
	settle(pool);
	give_pages(test, pool, dirty, ARRAY_SIZE(dirty));
	limit(pool, 13);
	expect_size(test, pool, 10, 3);
	KUNIT_EXPECT_EQ(test, 0, count_given_back(zeroed, ARRAY_SIZE(zeroed)));
	KUNIT_EXPECT_EQ(test, 7, count_given_back(dirty, ARRAY_SIZE(dirty)));

	limit(pool, 6);
	expect_size(test, pool, 6, 0);
	KUNIT_EXPECT_EQ(test, 10, count_given_back(dirty, ARRAY_SIZE(dirty)));
	KUNIT_EXPECT_EQ(test, 14,
			count_given_back(zeroed, ARRAY_SIZE(zeroed)) +
			count_given_back(dirty, ARRAY_SIZE(dirty)));
}

static void a_limit_within_a_block_is_no_licence(struct kunit *test)
{
	struct dma_heap_pool *pool = make_still_pool(test, NO_LIMIT);
	int i;

	for (i = 0; i < 3; i++)
		give_new(test, pool, 2);
	settle(pool);
	limit(pool, 11);
	expect_size(test, pool, 8, 0);
	limit(pool, 8);
	expect_size(test, pool, 8, 0);
	limit(pool, 3);
	expect_size(test, pool, 0, 0);
}

static void a_higher_limit_makes_room(struct kunit *test)
{
	struct dma_heap_pool *pool = make_still_pool(test, 1);
	struct page *block;

	KUNIT_EXPECT_TRUE(test, was_given_back(give_new(test, pool, 1)));
	limit(pool, 2);
	block = give_new(test, pool, 1);
	KUNIT_EXPECT_FALSE(test, was_given_back(block));
	expect_block(test, pool, block);
}

static void a_limit_of_0_keeps_nothing(struct kunit *test)
{
	struct dma_heap_pool *pool = make_still_pool(test, NO_LIMIT);
	struct page *pages[100], *zeroed, *dirty;

	zeroed = give_new(test, pool, 3);
	settle(pool);
	dirty = give_new(test, pool, 0);
	limit(pool, 0);
	KUNIT_EXPECT_TRUE(test, was_given_back(zeroed));
	KUNIT_EXPECT_TRUE(test, was_given_back(dirty));
	KUNIT_EXPECT_TRUE(test, was_given_back(give_new(test, pool, 0)));

	give_pages(test, pool, pages, ARRAY_SIZE(pages));
	settle(pool);
	KUNIT_EXPECT_EQ(test, ARRAY_SIZE(pages),
			count_given_back(pages, ARRAY_SIZE(pages)));
	expect_size(test, pool, 0, 0);
}

/*
 * Giving back
 */

/**
 * struct full_pool - a pool with blocks of several orders in it
 * @pool: the pool
 * @zeroed: blocks that are zero, 11 pages
 * @dirty: blocks that aren't, 11 pages
 */
struct full_pool {
	struct dma_heap_pool *pool;
	struct page *zeroed[3];
	struct page *dirty[3];
};

static void fill(struct kunit *test, struct full_pool *full,
		 struct dma_heap_pool *pool)
{
	static const unsigned int orders[] = { 3, 0, 1 };
	int i;

	full->pool = pool;
	for (i = 0; i < ARRAY_SIZE(orders); i++)
		full->zeroed[i] = give_new(test, pool, orders[i]);
	settle(pool);
	for (i = 0; i < ARRAY_SIZE(orders); i++)
		full->dirty[i] = give_new(test, pool, orders[i]);
	expect_size(test, pool, 11, 11);
}

static struct full_pool *make_full_pool(struct kunit *test)
{
	struct full_pool *full;

	full = kunit_kzalloc(test, sizeof(*full), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, full);
	fill(test, full, make_still_pool(test, NO_LIMIT));
	return full;
}

/* Expects that as many blocks as that are with nobody but the test. */
static void expect_given_back(struct kunit *test, struct full_pool *full,
			      unsigned int zeroed, unsigned int dirty)
{
	KUNIT_EXPECT_EQ(test, zeroed,
			count_given_back(full->zeroed,
					 ARRAY_SIZE(full->zeroed)));
	KUNIT_EXPECT_EQ(test, dirty,
			count_given_back(full->dirty,
					 ARRAY_SIZE(full->dirty)));
}

static void a_drain_gives_all_back(struct kunit *test)
{
	struct full_pool *full = make_full_pool(test);

	dma_heap_pool_drain(full->pool);
	expect_given_back(test, full, 3, 3);
	expect_size(test, full->pool, 0, 0);
	KUNIT_EXPECT_NULL(test, dma_heap_pool_take(full->pool, 0));
}

static void a_drained_pool_can_be_filled_again(struct kunit *test)
{
	struct full_pool *full = make_full_pool(test);
	struct page *block;

	dma_heap_pool_drain(full->pool);
	block = give_new(test, full->pool, 2);
	settle(full->pool);
	expect_block(test, full->pool, block);
}

static void the_end_of_a_pool_gives_all_back(struct kunit *test)
{
	struct full_pool *full = make_full_pool(test);

	kunit_release_action(test, destroy, full->pool);
	expect_given_back(test, full, 3, 3);
}

/* Its work isn't due yet, is busy or is done: what matters is that it may be. */
static void a_pool_may_end_before_it_settles(struct kunit *test)
{
	struct page *pages[100];
	int i;

	for (i = 0; i < 10; i++) {
		struct dma_heap_pool *pool = make_pool(test, 50);

		give_pages(test, pool, pages, ARRAY_SIZE(pages));
		msleep(get_random_u32_below(40));
		kunit_release_action(test, destroy, pool);
		KUNIT_EXPECT_EQ(test, ARRAY_SIZE(pages),
				count_given_back(pages, ARRAY_SIZE(pages)));
	}
}

static unsigned long shrinker_count(struct dma_heap_pool *pool)
{
	struct shrink_control control = {
		.gfp_mask = GFP_KERNEL,
		.nid = numa_mem_id(),
	};

	return pool->shrinker->count_objects(pool->shrinker, &control);
}

/* Has @wanted pages reclaimed; expects to be told right how many that were. */
static unsigned long shrink(struct kunit *test, struct dma_heap_pool *pool,
			    unsigned long wanted)
{
	struct dma_heap_pool_size before = dma_heap_pool_size(pool), after;
	struct shrink_control control = {
		.gfp_mask = GFP_KERNEL,
		.nid = numa_mem_id(),
		.nr_to_scan = wanted,
		.nr_scanned = wanted,
	};
	unsigned long freed;

	freed = pool->shrinker->scan_objects(pool->shrinker, &control);
	if (freed == SHRINK_STOP)
		return freed;
	after = dma_heap_pool_size(pool);
	KUNIT_EXPECT_EQ(test, before.zeroed + before.dirty,
			after.zeroed + after.dirty + freed);
	KUNIT_EXPECT_EQ(test, control.nr_scanned, freed);
	return freed;
}

static void the_shrinker_counts_what_there_is(struct kunit *test)
{
	struct full_pool *full = make_full_pool(test);

	KUNIT_EXPECT_EQ(test, shrinker_count(full->pool), 22);
	dma_heap_pool_drain(full->pool);
	KUNIT_EXPECT_EQ(test, shrinker_count(full->pool), SHRINK_EMPTY);
}

static void the_shrinker_frees_dirty_blocks_first(struct kunit *test)
{
	struct full_pool *full = make_full_pool(test);

	KUNIT_EXPECT_EQ(test, shrink(test, full->pool, 11), 11);
	expect_given_back(test, full, 0, 3);
	expect_size(test, full->pool, 11, 0);
	KUNIT_EXPECT_EQ(test, shrink(test, full->pool, 11), 11);
	expect_given_back(test, full, 3, 3);
	expect_size(test, full->pool, 0, 0);
}

static void the_shrinker_frees_as_much_as_it_was_asked_to(struct kunit *test)
{
	struct dma_heap_pool *pool = make_still_pool(test, NO_LIMIT);
	struct page *pages[9];
	unsigned long wanted;

	for (wanted = 1; wanted <= ARRAY_SIZE(pages); wanted++) {
		give_pages(test, pool, pages, ARRAY_SIZE(pages));
		/* Dirty or not, by turns. */
		if (wanted % 2)
			settle(pool);
		KUNIT_EXPECT_EQ(test, shrink(test, pool, wanted), wanted);
		KUNIT_EXPECT_EQ(test, wanted,
				count_given_back(pages, ARRAY_SIZE(pages)));
		dma_heap_pool_drain(pool);
	}
}

static void the_shrinker_frees_whole_blocks(struct kunit *test)
{
	struct dma_heap_pool *pool = make_still_pool(test, NO_LIMIT);
	int i;

	for (i = 0; i < 4; i++)
		give_new(test, pool, 2);
	KUNIT_EXPECT_EQ(test, shrink(test, pool, 5), 8);
	KUNIT_EXPECT_EQ(test, shrink(test, pool, 4), 4);
	KUNIT_EXPECT_EQ(test, shrink(test, pool, 100), 4);
}

static void the_shrinker_stops_when_there_is_nothing(struct kunit *test)
{
	struct dma_heap_pool *pool = make_still_pool(test, NO_LIMIT);

	KUNIT_EXPECT_EQ(test, shrink(test, pool, 1), SHRINK_STOP);
	give_new(test, pool, 0);
	KUNIT_EXPECT_EQ(test, shrink(test, pool, 1), 1);
	KUNIT_EXPECT_EQ(test, shrink(test, pool, 1), SHRINK_STOP);
}

static int notify(struct dma_heap_pool *pool, unsigned long action)
{
	struct memory_notify change = {};

	return pool->hotplug.notifier_call(&pool->hotplug, action, &change);
}

static void memory_that_goes_offline_is_not_kept(struct kunit *test)
{
	struct full_pool *full = make_full_pool(test);

	KUNIT_EXPECT_EQ(test, notify(full->pool, MEM_GOING_OFFLINE), NOTIFY_OK);
	expect_given_back(test, full, 3, 3);
	expect_size(test, full->pool, 0, 0);
}

static void other_changes_of_memory_change_nothing(struct kunit *test)
{
	struct full_pool *full = make_full_pool(test);
	static const unsigned long actions[] = {
		MEM_ONLINE, MEM_OFFLINE, MEM_GOING_ONLINE, MEM_CANCEL_ONLINE,
		MEM_CANCEL_OFFLINE, MEM_PREPARE_ONLINE, MEM_FINISH_OFFLINE,
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(actions); i++)
		KUNIT_EXPECT_EQ(test, notify(full->pool, actions[i]), NOTIFY_OK);
	expect_given_back(test, full, 0, 0);
	expect_size(test, full->pool, 11, 11);
}

/*
 * At random
 */

#define MAX_ORDER_TRIED	3
#define MAX_BLOCKS	24

/**
 * struct hoard - blocks that somebody took from a pool or made
 * @pool: where they may go
 * @blocks: them, all dirty
 * @count: how many
 * @taken: how many came from the pool so far
 * @spoilt: how many of those weren't zero
 */
struct hoard {
	struct dma_heap_pool *pool;
	struct page *blocks[MAX_BLOCKS];
	unsigned int count;
	unsigned int taken;
	unsigned int spoilt;
};

static void hoard_take(struct hoard *hoard)
{
	struct page *block;

	if (hoard->count == MAX_BLOCKS)
		return;
	block = dma_heap_pool_take(hoard->pool,
				   get_random_u32_inclusive(0, MAX_ORDER_TRIED));
	if (!block)
		return;
	hoard->taken++;
	hoard->spoilt += !is_zero(block);
	soil(block);
	hoard->blocks[hoard->count++] = block;
}

static void hoard_make(struct hoard *hoard)
{
	struct page *block;

	if (hoard->count == MAX_BLOCKS)
		return;
	block = make_block(get_random_u32_inclusive(0, MAX_ORDER_TRIED));
	if (block)
		hoard->blocks[hoard->count++] = block;
}

static void hoard_give(struct hoard *hoard)
{
	LIST_HEAD(blocks);
	unsigned int count;

	if (!hoard->count)
		return;
	count = get_random_u32_inclusive(1, hoard->count);
	while (count--)
		list_add(&hoard->blocks[--hoard->count]->lru, &blocks);
	dma_heap_pool_give(hoard->pool, &blocks);
}

static void hoard_empty(struct hoard *hoard)
{
	while (hoard->count)
		drop_block(hoard->blocks[--hoard->count]);
}

static struct hoard *make_hoard(struct kunit *test, struct dma_heap_pool *pool)
{
	struct hoard *hoard;

	hoard = kunit_kzalloc(test, sizeof(*hoard), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, hoard);
	hoard->pool = pool;
	return hoard;
}

/* From nothing to more than there ever is. */
static unsigned long random_limit(void)
{
	return get_random_u32_below(2) ? NO_LIMIT : get_random_u32_below(60);
}

static void expect_settled(struct kunit *test, struct dma_heap_pool *pool)
{
	struct dma_heap_pool_size size;

	settle(pool);
	size = dma_heap_pool_size(pool);
	KUNIT_EXPECT_EQ(test, size.dirty, 0);
	KUNIT_EXPECT_LE(test, size.zeroed, pool->max_pages);
}

static void do_at_random(struct kunit *test, struct dma_heap_pool *pool,
			 struct hoard *hoard)
{
	switch (get_random_u32_below(16)) {
	case 0 ... 2:
		hoard_make(hoard);
		break;
	case 3 ... 7:
		hoard_take(hoard);
		break;
	case 8 ... 11:
		hoard_give(hoard);
		break;
	case 12:
		shrink(test, pool, get_random_u32_below(20));
		break;
	case 13:
		limit(pool, random_limit());
		break;
	default:
		expect_settled(test, pool);
		break;
	}
}

static void no_byte_is_ever_seen_again(struct kunit *test)
{
	struct dma_heap_pool *pool = make_still_pool(test, NO_LIMIT);
	struct hoard *hoard = make_hoard(test, pool);
	int i;

	for (i = 0; i < 3000 && !hoard->spoilt; i++)
		do_at_random(test, pool, hoard);
	hoard_empty(hoard);
	KUNIT_EXPECT_EQ(test, hoard->spoilt, 0);
	KUNIT_EXPECT_GT(test, hoard->taken, 0);
}

/*
 * Races
 */

/* What a buffer does in its life: some of its blocks are used ones. */
static void live(void *data)
{
	struct hoard *hoard = data;
	int i;

	for (i = 0; i < 4; i++)
		hoard_take(hoard);
	while (hoard->count)
		hoard_give(hoard);
}

static void settle_soon(void *pool)
{
	mock_dawdle();
	dma_heap_pool_settle(pool);
}

static void lose_some(void *data)
{
	struct dma_heap_pool *pool = data;
	struct shrink_control control = {
		.gfp_mask = GFP_KERNEL,
		.nid = numa_mem_id(),
		.nr_to_scan = 3,
	};

	mock_dawdle();
	switch (get_random_u32_below(4)) {
	case 0:
		pool->shrinker->scan_objects(pool->shrinker, &control);
		break;
	case 1:
		dma_heap_pool_limit(pool, random_limit());
		break;
	case 2:
		notify(pool, MEM_GOING_OFFLINE);
		break;
	default:
		dma_heap_pool_settle(pool);
		break;
	}
}

/* Gives as many pages as the result says. */
static unsigned long give_some(struct hoard *hoard, unsigned int count)
{
	unsigned long pages = 0;

	while (count--) {
		struct page *block = make_block(count % (MAX_ORDER_TRIED + 1));

		if (!block)
			continue;
		pages += 1UL << compound_order(block);
		give(hoard->pool, block);
	}
	return pages;
}

/* The other one's thread may have been on another node, and got nothing. */
static void expect_unspoilt(struct kunit *test, struct hoard *mine,
			    struct hoard *others)
{
	KUNIT_EXPECT_EQ(test, mine->spoilt, 0);
	KUNIT_EXPECT_EQ(test, others->spoilt, 0);
	KUNIT_EXPECT_GT(test, mine->taken, 0);
}

static void no_block_is_lost_while_buffers_come_and_go(struct kunit *test)
{
	struct dma_heap_pool *pool = make_pool(test, NO_LIMIT);
	struct hoard *mine = make_hoard(test, pool);
	struct hoard *others = make_hoard(test, pool);
	struct mock_rival *buffer = mock_rival(test, live, others);
	struct mock_rival *worker = mock_rival(test, settle_soon, pool);
	unsigned long pages = give_some(mine, MAX_BLOCKS);
	struct mock_rounds rounds = mock_rounds(test);

	while (mock_next_round(&rounds)) {
		mock_rival_go(buffer);
		mock_rival_go(worker);
		live(mine);
		mock_rival_await(buffer);
		mock_rival_await(worker);
	}
	dma_heap_pool_settle(pool);
	expect_size(test, pool, pages, 0);
	expect_unspoilt(test, mine, others);
}

static void no_byte_is_seen_while_the_pool_shrinks(struct kunit *test)
{
	struct dma_heap_pool *pool = make_pool(test, NO_LIMIT);
	struct hoard *mine = make_hoard(test, pool);
	struct hoard *others = make_hoard(test, pool);
	struct mock_rival *buffer = mock_rival(test, live, others);
	struct mock_rival *loser = mock_rival(test, lose_some, pool);
	struct mock_rounds rounds = mock_rounds(test);

	while (mock_next_round(&rounds)) {
		give_some(mine, 6);
		mock_rival_go(buffer);
		mock_rival_go(loser);
		live(mine);
		mock_rival_await(buffer);
		mock_rival_await(loser);
	}
	dma_heap_pool_limit(pool, 0);
	expect_size(test, pool, 0, 0);
	expect_unspoilt(test, mine, others);
}

static struct kunit_case page_pool_cases[] = {
	KUNIT_CASE(an_empty_pool_has_nothing),
	KUNIT_CASE(dirty_blocks_are_zeroed_for_who_takes_them),
	KUNIT_CASE(settling_leaves_no_dirty_blocks),
	KUNIT_CASE(a_pool_settles_by_itself),
	KUNIT_CASE(zeroed_blocks_are_taken_first),
	KUNIT_CASE(orders_are_kept_apart),
	KUNIT_CASE(blocks_of_all_orders_come_together),
	KUNIT_CASE(what_a_driver_still_has_is_given_back),
	KUNIT_CASE(giving_nothing_changes_nothing),
	KUNIT_CASE(what_a_pool_has_counts_as_reclaimable),
	KUNIT_CASE(a_pool_may_be_as_large_as_its_limit),
	KUNIT_CASE(a_few_blocks_too_many_are_given_back_at_once),
	KUNIT_CASE(many_blocks_too_many_are_left_to_the_settling),
	KUNIT_CASE(a_lower_limit_frees_what_is_above_it),
	KUNIT_CASE(a_limit_within_a_block_is_no_licence),
	KUNIT_CASE(a_higher_limit_makes_room),
	KUNIT_CASE(a_limit_of_0_keeps_nothing),
	KUNIT_CASE(a_drain_gives_all_back),
	KUNIT_CASE(a_drained_pool_can_be_filled_again),
	KUNIT_CASE(the_end_of_a_pool_gives_all_back),
	KUNIT_CASE(a_pool_may_end_before_it_settles),
	KUNIT_CASE(the_shrinker_counts_what_there_is),
	KUNIT_CASE(the_shrinker_frees_dirty_blocks_first),
	KUNIT_CASE(the_shrinker_frees_as_much_as_it_was_asked_to),
	KUNIT_CASE(the_shrinker_frees_whole_blocks),
	KUNIT_CASE(the_shrinker_stops_when_there_is_nothing),
	KUNIT_CASE(memory_that_goes_offline_is_not_kept),
	KUNIT_CASE(other_changes_of_memory_change_nothing),
	KUNIT_CASE_SLOW(no_byte_is_ever_seen_again),
	KUNIT_CASE_SLOW(no_block_is_lost_while_buffers_come_and_go),
	KUNIT_CASE_SLOW(no_byte_is_seen_while_the_pool_shrinks),
	{}
};

static struct kunit_suite page_pool_suite = {
	.name = "dma_buf_page_pool",
	.init = page_pool_init,
	.test_cases = page_pool_cases,
};

kunit_test_suite(page_pool_suite);
