// SPDX-License-Identifier: GPL-2.0-only
/*
 * Heaps and page pools that can't be made, for want of memory or of numbers, and
 * buffers that nobody waits for any more.
 *
 * A heap stays.  So these tests leave some, and find them there when the suite
 * runs once more.
 */
#include <linux/bitmap.h>
#include <linux/dma-heap.h>
#include <linux/err.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/idr.h>
#include <linux/kdev_t.h>
#include <linux/module.h>
#include <linux/sizes.h>
#include <linux/sprintf.h>

#include <kunit/static_stub.h>

#include "../heaps/heap.h"
#include "../heaps/page_pool.h"
#include "mock.h"

/* More allocations than any call here has. */
#define FAR_TOO_MANY	1000
#define MAX_HEAPS	128
/* Takes two blocks, or two steps to zero. */
#define KILLED_SIZE	(257 * PAGE_SIZE)
/* Together more than any area has that such kernels are tested with. */
#define KILLS		(SZ_128M / KILLED_SIZE)

static struct dma_buf *allocate_nothing(struct dma_heap *heap,
					unsigned long len, u32 fd_flags,
					u64 heap_flags)
{
	return ERR_PTR(-ENOMEM);
}

static const struct dma_heap_ops empty_heap_ops = {
	.allocate = allocate_nothing,
};

/* The one that was added last, and how many were. */
static struct dma_heap *last;
static unsigned int count;

/* Adds the next heap; if it can't be added, its name is the next one's. */
static struct dma_heap *add_heap(void)
{
	char name[32];
	struct dma_heap_export_info info = {
		.name = name,
		.ops = &empty_heap_ops,
	};

	snprintf(name, sizeof(name), "kunit-fault-%u", count);
	return dma_heap_add(&info);
}

/* A heap that could not be added would have kept its number otherwise. */
static void expect_next_number(struct kunit *test, struct dma_heap *heap)
{
	if (last)
		KUNIT_EXPECT_EQ(test, MINOR(heap->cdev.dev),
				MINOR(last->cdev.dev) + 1);
	last = heap;
	count++;
}

static void add_heap_to_count_from(struct kunit *test)
{
	struct dma_heap *heap = add_heap();

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, heap);
	last = heap;
	count++;
}

static void skip_if_heaps_cannot_be_added(struct kunit *test)
{
	if (IS_MODULE(CONFIG_DMABUF_KUNIT_TEST))
		kunit_skip(test, "a heap stays, and would keep this module");
	if (count > MAX_HEAPS / 2)
		kunit_skip(test, "of earlier runs there are too many heaps left");
}

static void adding_a_heap_without_memory_leaves_nothing(struct kunit *test)
{
	unsigned int nth, failures = 0;
	bool failed = true;

	skip_if_heaps_cannot_be_added(test);
	add_heap_to_count_from(test);
	mock_faults_begin(test);
	for (nth = 1; failed && nth < FAR_TOO_MANY; nth++) {
		struct dma_heap *heap;

		mock_fail_nth(nth);
		heap = add_heap();
		failed = mock_failed();
		if (!IS_ERR(heap)) {
			expect_next_number(test, heap);
			continue;
		}
		KUNIT_EXPECT_PTR_EQ(test, heap, ERR_PTR(-ENOMEM));
		KUNIT_EXPECT_TRUE(test, failed);
		failures++;
	}
	KUNIT_EXPECT_FALSE(test, failed);
	/* Its own structure and name, the device, and the character device. */
	KUNIT_EXPECT_GE(test, failures, 4);
}

#ifdef CONFIG_MODULE_UNLOAD
static struct module module_of_heaps;

static struct module *give_module(const struct dma_heap_ops *ops)
{
	return ops == &empty_heap_ops ? &module_of_heaps : NULL;
}

static void a_heap_keeps_the_module_of_its_ops(struct kunit *test)
{
	struct dma_heap *heap;

	skip_if_heaps_cannot_be_added(test);
	atomic_set(&module_of_heaps.refcnt, 1);
	kunit_activate_static_stub(test, dma_heap_module_of, give_module);
	heap = add_heap();
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, heap);
	expect_next_number(test, heap);
	KUNIT_EXPECT_EQ(test, 2, atomic_read(&module_of_heaps.refcnt));

	mock_faults_begin(test);
	mock_fail_nth(1);
	KUNIT_EXPECT_PTR_EQ(test, add_heap(), ERR_PTR(-ENOMEM));
	KUNIT_EXPECT_TRUE(test, mock_failed());
	KUNIT_EXPECT_EQ(test, 2, atomic_read(&module_of_heaps.refcnt));
}
#else
static void a_heap_keeps_the_module_of_its_ops(struct kunit *test)
{
	kunit_skip(test, "modules don't count references: MODULE_UNLOAD is off");
}
#endif

static DECLARE_BITMAP(taken, MAX_HEAPS);

static void take_all_numbers(void)
{
	int minor;

	while ((minor = ida_alloc_max(&dma_heap_minors, MAX_HEAPS - 1,
				      GFP_KERNEL)) >= 0)
		__set_bit(minor, taken);
}

static void give_numbers_back(void *unused)
{
	unsigned int minor;

	for_each_set_bit(minor, taken, MAX_HEAPS)
		ida_free(&dma_heap_minors, minor);
	bitmap_zero(taken, MAX_HEAPS);
}

static void there_are_no_more_than_128_heaps(struct kunit *test)
{
	struct dma_heap *heap;

	skip_if_heaps_cannot_be_added(test);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, give_numbers_back, NULL));
	take_all_numbers();
	KUNIT_EXPECT_PTR_EQ(test, add_heap(), ERR_PTR(-ENOSPC));
	if (!__test_and_clear_bit(MAX_HEAPS - 1, taken))
		kunit_skip(test, "the last number is that of a heap of an earlier run");
	ida_free(&dma_heap_minors, MAX_HEAPS - 1);
	heap = add_heap();
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, heap);
	KUNIT_EXPECT_EQ(test, MINOR(heap->cdev.dev), MAX_HEAPS - 1);
	count++;
}

/* How often an allocation may go on; negative: always. */
static int steps;

static bool is_killed_in_time(void)
{
	return steps >= 0 && !steps--;
}

/* More rounds than there is room for of what each would lose. */
static void give_back_what_was_begun(struct kunit *test, const char *name)
{
	struct dma_heap *heap = dma_heap_find(name);
	struct dma_buf *dmabuf;
	int i;

	if (!heap)
		kunit_skip(test, "there is no heap %s", name);
	kunit_activate_static_stub(test, dma_heap_is_killed, is_killed_in_time);
	for (i = 0; i < KILLS; i++) {
		steps = i % 2;
		dmabuf = heap->ops->allocate(heap, KILLED_SIZE, O_RDWR, 0);
		KUNIT_ASSERT_PTR_EQ(test, dmabuf, ERR_PTR(-EINTR));
	}
	steps = -1;
	dmabuf = heap->ops->allocate(heap, KILLED_SIZE, O_RDWR, 0);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dmabuf);
	dma_buf_put(dmabuf);
	flush_delayed_fput();
}

static void who_is_killed_gives_contiguous_memory_back(struct kunit *test)
{
	give_back_what_was_begun(test, "default_cma_region");
}

static void who_is_killed_gives_blocks_back(struct kunit *test)
{
	give_back_what_was_begun(test, "system");
}

static void making_a_pool_without_memory_leaves_nothing(struct kunit *test)
{
	unsigned int nth, failures = 0;
	bool failed = true;

	mock_faults_begin(test);
	for (nth = 1; failed && nth < FAR_TOO_MANY; nth++) {
		struct dma_heap_pool *pool;

		mock_fail_nth(nth);
		pool = dma_heap_pool_create("kunit-fault", 1);
		failed = mock_failed();
		if (pool) {
			dma_heap_pool_destroy(pool);
			continue;
		}
		KUNIT_EXPECT_TRUE(test, failed);
		failures++;
	}
	KUNIT_EXPECT_FALSE(test, failed);
	/* Its own structure, and the shrinker. */
	KUNIT_EXPECT_GE(test, failures, 2);
}

static struct kunit_case heap_fault_cases[] = {
	KUNIT_CASE(adding_a_heap_without_memory_leaves_nothing),
	KUNIT_CASE(a_heap_keeps_the_module_of_its_ops),
	KUNIT_CASE(there_are_no_more_than_128_heaps),
	KUNIT_CASE(who_is_killed_gives_contiguous_memory_back),
	KUNIT_CASE(who_is_killed_gives_blocks_back),
	KUNIT_CASE(making_a_pool_without_memory_leaves_nothing),
	{}
};

static struct kunit_suite heap_fault_suite = {
	.name = "dma_buf_heap_fault",
	.test_cases = heap_fault_cases,
};

kunit_test_suite(heap_fault_suite);

MODULE_IMPORT_NS(DMA_BUF_HEAP);
