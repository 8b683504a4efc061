// SPDX-License-Identifier: GPL-2.0-only
/*
 * What DMABUF_DEBUG shows to importers, and what it catches them at.
 */
#include "mock.h"

static int map_debug_init(struct kunit *test)
{
	if (!IS_ENABLED(CONFIG_DMABUF_DEBUG))
		kunit_skip(test, "mappings aren't checked: DMABUF_DEBUG is off");
	return 0;
}

static struct sg_table *map(struct mock_importer *importer,
			    enum dma_data_direction dir)
{
	struct sg_table *sgt;

	sgt = dma_buf_map_attachment_unlocked(importer->attach, dir);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(importer->test, sgt);
	return sgt;
}

static void unmap(struct mock_importer *importer, struct sg_table *sgt,
		  enum dma_data_direction dir)
{
	dma_buf_unmap_attachment_unlocked(importer->attach, sgt, dir);
}

static void importers_see_no_pages(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_static_ops);
	struct mock_importer *camera = mock_import(buffer, "camera");
	struct sg_table *sgt = map(camera, DMA_TO_DEVICE);
	struct scatterlist *sg;
	int i;

	for_each_sgtable_sg(sgt, sg, i) {
		KUNIT_EXPECT_NULL(test, sg_page(sg));
		KUNIT_EXPECT_EQ(test, sg_dma_address(sg), MOCK_ADDRESS(i));
	}
	KUNIT_EXPECT_EQ(test, i, MOCK_ENTRIES);
	unmap(camera, sgt, DMA_TO_DEVICE);
}

static void importers_cannot_spoil_the_exporters_table(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_caching_ops);
	struct mock_importer *camera = mock_import(buffer, "camera");
	struct sg_table *sgt = map(camera, DMA_TO_DEVICE);

	sg_dma_address(sgt->sgl) = 0;
	unmap(camera, sgt, DMA_TO_DEVICE);
	sgt = map(camera, DMA_TO_DEVICE);
	KUNIT_EXPECT_EQ(test, sg_dma_address(sgt->sgl), MOCK_ADDRESS(0));
	unmap(camera, sgt, DMA_TO_DEVICE);
}

static void unmapping_twice_is_named(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_dynamic_ops);
	struct mock_importer *camera = mock_import(buffer, "camera");
	struct sg_table *sgt = map(camera, DMA_TO_DEVICE);
	struct mock_misuse *misuse = mock_catch_misuse(test);

	unmap(camera, sgt, DMA_TO_DEVICE);
	unmap(camera, sgt, DMA_TO_DEVICE);
	MOCK_EXPECT_MISUSE(test, misuse, camera->dev,
			   "unmapped what is not mapped");
	MOCK_EXPECT_LOG(buffer, "attach pin map unmap unpin");
	KUNIT_EXPECT_EQ(test, buffer->pins, 0);
}

static void unmapping_anothers_table_is_named(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_static_ops);
	struct mock_importer *camera = mock_import(buffer, "camera");
	struct mock_importer *display = mock_import(buffer, "display");
	struct sg_table *sgt = map(camera, DMA_TO_DEVICE);
	struct mock_misuse *misuse = mock_catch_misuse(test);

	unmap(display, sgt, DMA_TO_DEVICE);
	MOCK_EXPECT_MISUSE(test, misuse, display->dev,
			   "unmapped what is not mapped");
	KUNIT_EXPECT_EQ(test, buffer->mappings, 1);

	unmap(camera, sgt, DMA_TO_DEVICE);
	KUNIT_EXPECT_EQ(test, misuse->count, 0);
	KUNIT_EXPECT_EQ(test, buffer->mappings, 0);
}

static void unmapping_in_another_direction_is_named(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_static_ops);
	struct mock_importer *camera = mock_import(buffer, "camera");
	struct sg_table *sgt = map(camera, DMA_TO_DEVICE);
	struct mock_misuse *misuse = mock_catch_misuse(test);

	unmap(camera, sgt, DMA_FROM_DEVICE);
	MOCK_EXPECT_MISUSE(test, misuse, camera->dev,
			   "unmapped in another direction");
	KUNIT_EXPECT_EQ(test, buffer->mappings, 0);
}

static void leaving_while_mapped_is_named_and_undone(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_dynamic_ops);
	struct mock_importer *camera = mock_import(buffer, "camera");
	struct mock_misuse *misuse = mock_catch_misuse(test);

	map(camera, DMA_TO_DEVICE);
	mock_detach(camera);
	MOCK_EXPECT_MISUSE(test, misuse, camera->dev, "detached while mapped");
	MOCK_EXPECT_LOG(buffer, "attach pin map unmap unpin detach");
	KUNIT_EXPECT_EQ(test, buffer->mappings, 0);
	KUNIT_EXPECT_EQ(test, buffer->pins, 0);
}

static void leaving_with_a_kept_mapping_in_use_is_named(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_caching_ops);
	struct mock_importer *camera = mock_import(buffer, "camera");
	struct mock_misuse *misuse = mock_catch_misuse(test);

	map(camera, DMA_TO_DEVICE);
	mock_detach(camera);
	MOCK_EXPECT_MISUSE(test, misuse, camera->dev, "detached while mapped");
	MOCK_EXPECT_LOG(buffer, "attach map unmap detach");
	KUNIT_EXPECT_EQ(test, buffer->mappings, 0);
}

static void orderly_importers_hear_nothing(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_caching_ops);
	struct mock_importer *camera = mock_import(buffer, "camera");
	struct mock_misuse *misuse = mock_catch_misuse(test);
	struct sg_table *one = map(camera, DMA_TO_DEVICE);
	struct sg_table *other = map(camera, DMA_TO_DEVICE);

	unmap(camera, one, DMA_TO_DEVICE);
	unmap(camera, other, DMA_TO_DEVICE);
	mock_detach(camera);
	KUNIT_EXPECT_EQ(test, misuse->count, 0);
}

static struct kunit_case map_debug_cases[] = {
	KUNIT_CASE(importers_see_no_pages),
	KUNIT_CASE(importers_cannot_spoil_the_exporters_table),
	KUNIT_CASE(unmapping_twice_is_named),
	KUNIT_CASE(unmapping_anothers_table_is_named),
	KUNIT_CASE(unmapping_in_another_direction_is_named),
	KUNIT_CASE(leaving_while_mapped_is_named_and_undone),
	KUNIT_CASE(leaving_with_a_kept_mapping_in_use_is_named),
	KUNIT_CASE(orderly_importers_hear_nothing),
	{}
};

static struct kunit_suite map_debug_suite = {
	.name = "dma_buf_map_debug",
	.init = map_debug_init,
	.test_cases = map_debug_cases,
};

kunit_test_suite(map_debug_suite);
