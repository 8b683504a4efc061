// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mapping for a device: what it is given, when the buffer is pinned for it,
 * what it waits for, and that failures leave nothing behind.
 */
#include "mock.h"

/**
 * struct pin_rule - a row of dma_buf_pin_while_mapped()'s truth table
 * @exporter_dynamic: the exporter may move the buffer
 * @importer_dynamic: the importer follows moves
 * @move_notify: CONFIG_DMABUF_MOVE_NOTIFY
 * @pin: what must come out
 */
struct pin_rule {
	bool exporter_dynamic;
	bool importer_dynamic;
	bool move_notify;
	bool pin;
};

static const struct pin_rule pin_rules[] = {
	{ false, false, false, false },
	{ false, false, true, false },
	{ false, true, false, false },
	{ false, true, true, false },
	{ true, false, false, true },
	{ true, false, true, true },
	{ true, true, false, true },
	{ true, true, true, false },
};

static void describe_pin_rule(const struct pin_rule *rule, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s exporter, %s importer, %s",
		 rule->exporter_dynamic ? "dynamic" : "static",
		 rule->importer_dynamic ? "dynamic" : "static",
		 rule->move_notify ? "moves notified" : "moves not notified");
}

KUNIT_ARRAY_PARAM(pin_rule, pin_rules, describe_pin_rule);

static void pins_follow_the_truth_table(struct kunit *test)
{
	const struct pin_rule *rule = test->param_value;

	KUNIT_EXPECT_EQ(test, rule->pin,
			dma_buf_pin_while_mapped(rule->exporter_dynamic,
						 rule->importer_dynamic,
						 rule->move_notify));
}

static struct sg_table *map(struct mock_importer *importer)
{
	return dma_buf_map_attachment_unlocked(importer->attach,
					       DMA_FROM_DEVICE);
}

static void unmap(struct mock_importer *importer, struct sg_table *sgt)
{
	dma_buf_unmap_attachment_unlocked(importer->attach, sgt,
					  DMA_FROM_DEVICE);
}

static void expect_nothing_left(struct mock_buffer *buffer)
{
	KUNIT_EXPECT_EQ(buffer->test, buffer->mappings, 0);
	KUNIT_EXPECT_EQ(buffer->test, buffer->pins, 0);
}

static void a_mapping_has_the_exporters_addresses(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_static_ops);
	struct mock_importer *camera = mock_import(buffer, "camera");
	struct sg_table *sgt = map(camera);
	struct scatterlist *sg;
	int i;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, sgt);
	KUNIT_EXPECT_EQ(test, buffer->dir, DMA_FROM_DEVICE);
	KUNIT_EXPECT_EQ(test, sgt->nents, MOCK_ENTRIES);
	for_each_sgtable_dma_sg(sgt, sg, i) {
		KUNIT_EXPECT_EQ(test, sg_dma_address(sg), MOCK_ADDRESS(i));
		KUNIT_EXPECT_EQ(test, sg_dma_len(sg), MOCK_SIZE / MOCK_ENTRIES);
	}
	unmap(camera, sgt);
	expect_nothing_left(buffer);
}

static void what_never_moves_is_mapped_without_pin(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_static_ops);
	struct mock_importer *camera = mock_import(buffer, "camera");
	struct sg_table *sgt = map(camera);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, sgt);
	unmap(camera, sgt);
	mock_detach(camera);
	MOCK_EXPECT_LOG(buffer, "attach map unmap detach");
}

static void a_static_importer_pins_while_it_maps(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_dynamic_ops);
	struct mock_importer *camera = mock_import(buffer, "camera");
	struct sg_table *sgt = map(camera);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, sgt);
	KUNIT_EXPECT_EQ(test, buffer->pins, 1);
	unmap(camera, sgt);
	mock_detach(camera);
	MOCK_EXPECT_LOG(buffer, "attach pin map unmap unpin detach");
	expect_nothing_left(buffer);
}

static void every_mapping_has_a_pin(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_dynamic_ops);
	struct mock_importer *camera = mock_import(buffer, "camera");
	struct sg_table *one = map(camera), *other = map(camera);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, one);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, other);
	KUNIT_EXPECT_PTR_NE(test, one, other);
	KUNIT_EXPECT_EQ(test, buffer->pins, 2);
	unmap(camera, one);
	KUNIT_EXPECT_EQ(test, buffer->pins, 1);
	unmap(camera, other);
	expect_nothing_left(buffer);
}

static void an_importer_that_follows_moves_needs_no_pin(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_dynamic_ops);
	struct mock_importer *display = mock_import_dynamic(buffer, "display");
	struct sg_table *sgt = map(display);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, sgt);
	unmap(display, sgt);
	if (IS_ENABLED(CONFIG_DMABUF_MOVE_NOTIFY))
		MOCK_EXPECT_LOG(buffer, "attach map unmap");
	else
		MOCK_EXPECT_LOG(buffer, "attach pin map unmap unpin");
}

static void callers_may_hold_the_lock(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_static_ops);
	struct mock_importer *camera = mock_import(buffer, "camera");
	struct sg_table *sgt;

	dma_resv_lock(buffer->dmabuf->resv, NULL);
	sgt = dma_buf_map_attachment(camera->attach, DMA_BIDIRECTIONAL);
	if (!IS_ERR(sgt))
		dma_buf_unmap_attachment(camera->attach, sgt,
					 DMA_BIDIRECTIONAL);
	dma_resv_unlock(buffer->dmabuf->resv);

	KUNIT_EXPECT_NOT_ERR_OR_NULL(test, sgt);
	MOCK_EXPECT_LOG(buffer, "attach map unmap");
}

static void without_a_pin_nothing_is_mapped(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_dynamic_ops);
	struct mock_importer *camera = mock_import(buffer, "camera");

	buffer->errors[MOCK_PIN] = -ENOSPC;
	KUNIT_EXPECT_PTR_EQ(test, map(camera), ERR_PTR(-ENOSPC));
	MOCK_EXPECT_LOG(buffer, "attach pin");
	expect_nothing_left(buffer);
}

static void a_failed_map_leaves_no_pin(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_dynamic_ops);
	struct mock_importer *camera = mock_import(buffer, "camera");

	buffer->errors[MOCK_MAP] = -EIO;
	KUNIT_EXPECT_PTR_EQ(test, map(camera), ERR_PTR(-EIO));
	MOCK_EXPECT_LOG(buffer, "attach pin map unpin");
	expect_nothing_left(buffer);
}

static void no_table_means_no_memory(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_dynamic_ops);
	struct mock_importer *camera = mock_import(buffer, "camera");

	buffer->map_gives_null = true;
	KUNIT_EXPECT_PTR_EQ(test, map(camera), ERR_PTR(-ENOMEM));
	MOCK_EXPECT_LOG(buffer, "attach pin map unpin");
	expect_nothing_left(buffer);
}

static void a_static_importer_waits_for_the_kernel(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_static_ops);
	struct mock_importer *camera = mock_import(buffer, "camera");
	struct dma_fence *move = mock_fence_add(buffer, DMA_RESV_USAGE_KERNEL);
	struct sg_table *sgt;

	mock_fence_signal_after(move, ms_to_ktime(50));
	sgt = map(camera);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(move));
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, sgt);
	unmap(camera, sgt);
}

/*
 * Maps with a signal pending, so that a wait for a fence which doesn't signal
 * shows as -ERESTARTSYS.
 */
static struct sg_table *map_interrupted(struct mock_importer *importer)
{
	struct sg_table *sgt;

	mock_interrupt_begin();
	sgt = map(importer);
	mock_interrupt_end();
	return sgt;
}

static void a_static_importer_waits_for_nobody_else(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_static_ops);
	struct mock_importer *camera = mock_import(buffer, "camera");
	struct sg_table *sgt;

	mock_fence_add(buffer, DMA_RESV_USAGE_WRITE);
	mock_fence_add(buffer, DMA_RESV_USAGE_READ);
	mock_fence_add(buffer, DMA_RESV_USAGE_BOOKKEEP);
	sgt = map_interrupted(camera);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, sgt);
	unmap(camera, sgt);
}

static void a_dynamic_importer_waits_by_itself(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_dynamic_ops);
	struct mock_importer *display = mock_import_dynamic(buffer, "display");
	struct sg_table *sgt;

	mock_fence_add(buffer, DMA_RESV_USAGE_KERNEL);
	sgt = map_interrupted(display);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, sgt);
	unmap(display, sgt);
}

static void an_interrupted_wait_leaves_nothing(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_dynamic_ops);
	struct mock_importer *camera = mock_import(buffer, "camera");

	mock_fence_add(buffer, DMA_RESV_USAGE_KERNEL);
	KUNIT_EXPECT_PTR_EQ(test, map_interrupted(camera),
			    ERR_PTR(-ERESTARTSYS));
	MOCK_EXPECT_LOG(buffer, "attach pin map unmap unpin");
	expect_nothing_left(buffer);
}

static struct kunit_case map_cases[] = {
	KUNIT_CASE_PARAM(pins_follow_the_truth_table, pin_rule_gen_params),
	KUNIT_CASE(a_mapping_has_the_exporters_addresses),
	KUNIT_CASE(what_never_moves_is_mapped_without_pin),
	KUNIT_CASE(a_static_importer_pins_while_it_maps),
	KUNIT_CASE(every_mapping_has_a_pin),
	KUNIT_CASE(an_importer_that_follows_moves_needs_no_pin),
	KUNIT_CASE(callers_may_hold_the_lock),
	KUNIT_CASE(without_a_pin_nothing_is_mapped),
	KUNIT_CASE(a_failed_map_leaves_no_pin),
	KUNIT_CASE(no_table_means_no_memory),
	KUNIT_CASE(a_static_importer_waits_for_the_kernel),
	KUNIT_CASE(a_static_importer_waits_for_nobody_else),
	KUNIT_CASE(a_dynamic_importer_waits_by_itself),
	KUNIT_CASE(an_interrupted_wait_leaves_nothing),
	{}
};

static struct kunit_suite map_suite = {
	.name = "dma_buf_map",
	.test_cases = map_cases,
};

kunit_test_suite(map_suite);
