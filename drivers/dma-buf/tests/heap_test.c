// SPDX-License-Identifier: GPL-2.0-only
/*
 * Heaps: which ones can be added, and how latencies are counted.
 */
#include <linux/dma-heap.h>
#include <linux/err.h>
#include <linux/limits.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/string.h>

#include "../heaps/heap.h"
#include "mock.h"

/*
 * Latencies
 */

#define LAST_STEP	(DMA_HEAP_LATENCIES - 1)

static void expect_within_its_step(struct kunit *test, u64 ns)
{
	unsigned int step = dma_heap_latency_step(ns);

	KUNIT_ASSERT_LE_MSG(test, step, LAST_STEP, "%llu ns", ns);
	if (step < LAST_STEP)
		KUNIT_EXPECT_LE(test, ns, dma_heap_latency_bound(step));
	if (step > 0)
		KUNIT_EXPECT_GT(test, ns, dma_heap_latency_bound(step - 1));
}

static void every_latency_is_within_its_step(struct kunit *test)
{
	unsigned int shift, i;
	u64 ns;

	for (ns = 0; ns < 1100; ns++)
		expect_within_its_step(test, ns);
	for (shift = 10; shift < 64; shift++) {
		expect_within_its_step(test, BIT_ULL(shift) - 1);
		expect_within_its_step(test, BIT_ULL(shift));
		for (i = 0; i < 20; i++)
			expect_within_its_step(test,
					       get_random_u64() >> (63 - shift));
	}
}

static void steps_follow_each_other_without_a_gap(struct kunit *test)
{
	unsigned int step;

	for (step = 0; step < LAST_STEP; step++) {
		u64 bound = dma_heap_latency_bound(step);

		KUNIT_EXPECT_LT(test, bound, dma_heap_latency_bound(step + 1));
		KUNIT_EXPECT_EQ(test, step, dma_heap_latency_step(bound));
		KUNIT_EXPECT_EQ(test, step + 1,
				dma_heap_latency_step(bound + 1));
	}
	KUNIT_EXPECT_EQ(test, 0, dma_heap_latency_bound(0));
}

/* From an eighth to a quarter of what it begins with. */
static void steps_are_as_long_as_their_latencies_allow(struct kunit *test)
{
	unsigned int step;

	for (step = 4; step < LAST_STEP; step++) {
		u64 begin = dma_heap_latency_bound(step - 1) + 1;
		u64 length = dma_heap_latency_bound(step) + 1 - begin;

		KUNIT_EXPECT_LE_MSG(test, 4 * length, begin, "step %u", step);
		KUNIT_EXPECT_GE_MSG(test, 8 * length, begin, "step %u", step);
	}
}

static void the_last_step_takes_all_that_is_longer(struct kunit *test)
{
	u64 ns = dma_heap_latency_bound(LAST_STEP - 1);

	KUNIT_EXPECT_EQ(test, LAST_STEP - 1, dma_heap_latency_step(ns));
	/* What anybody waits for can be told apart. */
	KUNIT_EXPECT_GT(test, ns, 60ULL * NSEC_PER_SEC);
	while (ns < U64_MAX / 2) {
		KUNIT_EXPECT_EQ(test, LAST_STEP, dma_heap_latency_step(ns + 1));
		ns = 2 * ns;
	}
	KUNIT_EXPECT_EQ(test, LAST_STEP, dma_heap_latency_step(U64_MAX));
}

/*
 * Adding
 */

static struct dma_buf *allocate_nothing(struct dma_heap *heap,
					unsigned long len, u32 fd_flags,
					u64 heap_flags)
{
	return ERR_PTR(-ENOMEM);
}

static const struct dma_heap_ops empty_heap_ops = {
	.allocate = allocate_nothing,
};

static const struct dma_heap_ops no_ops = {};

/* One byte longer than the name of a file can be. */
static char long_name[NAME_MAX + 2];

/**
 * struct bad_heap - a heap that can't be added
 * @why: it can't
 * @name: of it
 * @ops: of it
 */
struct bad_heap {
	const char *why;
	const char *name;
	const struct dma_heap_ops *ops;
};

static const struct bad_heap bad_heaps[] = {
	{ "no ops", "kunit-bad", NULL },
	{ "no allocate", "kunit-bad", &no_ops },
	{ "no name", NULL, &empty_heap_ops },
	{ "an empty name", "", &empty_heap_ops },
	{ "the directory itself", ".", &empty_heap_ops },
	{ "the directory above", "..", &empty_heap_ops },
	{ "a path", "kunit/bad", &empty_heap_ops },
	{ "an absolute path", "/kunit-bad", &empty_heap_ops },
	{ "a path of a directory", "kunit-bad/", &empty_heap_ops },
	{ "a long name", long_name, &empty_heap_ops },
};

static void describe_bad_heap(const struct bad_heap *bad, char *desc)
{
	strscpy(desc, bad->why, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(bad_heap, bad_heaps, describe_bad_heap);

static struct dma_heap *add(const char *name, const struct dma_heap_ops *ops,
			    void *priv)
{
	struct dma_heap_export_info info = {
		.name = name,
		.ops = ops,
		.priv = priv,
	};

	return dma_heap_add(&info);
}

static void a_heap_needs_ops_and_a_name(struct kunit *test)
{
	const struct bad_heap *bad = test->param_value;

	memset(long_name, 'k', NAME_MAX + 1);
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-EINVAL),
			    add(bad->name, bad->ops, NULL));
}

static void no_two_heaps_have_one_name(struct kunit *test)
{
	if (!IS_ENABLED(CONFIG_DMABUF_HEAPS_SYSTEM))
		kunit_skip(test, "there is no heap: DMABUF_HEAPS_SYSTEM is off");
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-EEXIST),
			    add("system", &empty_heap_ops, NULL));
}

/*
 * The only heap that the tests add, for a heap stays: it is there already when
 * the suite runs once more.
 */
static struct dma_heap *kept;
static int kept_data;

static void a_heap_knows_what_it_was_added_with(struct kunit *test)
{
	char name[] = "kunit";

	if (IS_MODULE(CONFIG_DMABUF_KUNIT_TEST))
		kunit_skip(test, "a heap stays, and would keep this module");
	if (!kept) {
		kept = add(name, &empty_heap_ops, &kept_data);
		/* What the name was in is the caller's again. */
		name[0] = 'K';
	}
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, kept);
	KUNIT_EXPECT_STREQ(test, dma_heap_get_name(kept), "kunit");
	KUNIT_EXPECT_PTR_EQ(test, dma_heap_get_drvdata(kept), &kept_data);
	KUNIT_EXPECT_PTR_EQ(test, kept->ops, &empty_heap_ops);
	KUNIT_EXPECT_NULL(test, kept->pool);

	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-EEXIST),
			    add("kunit", &empty_heap_ops, NULL));
	KUNIT_EXPECT_PTR_EQ(test, dma_heap_get_drvdata(kept), &kept_data);
}

static struct kunit_case heap_cases[] = {
	KUNIT_CASE(every_latency_is_within_its_step),
	KUNIT_CASE(steps_follow_each_other_without_a_gap),
	KUNIT_CASE(steps_are_as_long_as_their_latencies_allow),
	KUNIT_CASE(the_last_step_takes_all_that_is_longer),
	KUNIT_CASE_PARAM(a_heap_needs_ops_and_a_name, bad_heap_gen_params),
	KUNIT_CASE(no_two_heaps_have_one_name),
	KUNIT_CASE(a_heap_knows_what_it_was_added_with),
	{}
};

static struct kunit_suite heap_suite = {
	.name = "dma_buf_heap",
	.test_cases = heap_cases,
};

kunit_test_suite(heap_suite);

MODULE_IMPORT_NS(DMA_BUF_HEAP);
