// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exporters that keep an attachment's mapping until it detaches.
 */
#include "mock.h"

static struct sg_table *map(struct mock_importer *importer,
			    enum dma_data_direction dir)
{
	return dma_buf_map_attachment_unlocked(importer->attach, dir);
}

static void unmap(struct mock_importer *importer, struct sg_table *sgt,
		  enum dma_data_direction dir)
{
	dma_buf_unmap_attachment_unlocked(importer->attach, sgt, dir);
}

static void map_and_unmap(struct mock_importer *importer,
			  enum dma_data_direction dir)
{
	struct sg_table *sgt = map(importer, dir);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(importer->test, sgt);
	KUNIT_EXPECT_EQ(importer->test, sg_dma_address(sgt->sgl),
			MOCK_ADDRESS(0));
	unmap(importer, sgt, dir);
}

static void the_exporter_maps_once_until_detach(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_caching_ops);
	struct mock_importer *camera = mock_import(buffer, "camera");

	map_and_unmap(camera, DMA_TO_DEVICE);
	map_and_unmap(camera, DMA_TO_DEVICE);
	MOCK_EXPECT_LOG(buffer, "attach map");
	KUNIT_EXPECT_EQ(test, buffer->mappings, 1);

	mock_detach(camera);
	MOCK_EXPECT_LOG(buffer, "unmap detach");
	KUNIT_EXPECT_EQ(test, buffer->mappings, 0);
	KUNIT_EXPECT_EQ(test, buffer->dir, DMA_TO_DEVICE);
}

static void every_attachment_keeps_its_own_mapping(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_caching_ops);
	struct mock_importer *camera = mock_import(buffer, "camera");
	struct mock_importer *display;

	map_and_unmap(camera, DMA_FROM_DEVICE);
	MOCK_EXPECT_LOG(buffer, "attach map");
	display = mock_import(buffer, "display");
	map_and_unmap(display, DMA_TO_DEVICE);
	KUNIT_EXPECT_EQ(test, buffer->mappings, 2);
	mock_detach(camera);
	KUNIT_EXPECT_EQ(test, buffer->mappings, 1);
	map_and_unmap(display, DMA_TO_DEVICE);
	MOCK_EXPECT_LOG(buffer, "attach map unmap detach");
}

static void another_direction_is_refused(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_caching_ops);
	struct mock_importer *camera = mock_import(buffer, "camera");

	map_and_unmap(camera, DMA_TO_DEVICE);
	KUNIT_EXPECT_PTR_EQ(test, map(camera, DMA_FROM_DEVICE),
			    ERR_PTR(-EBUSY));
	KUNIT_EXPECT_PTR_EQ(test, map(camera, DMA_BIDIRECTIONAL),
			    ERR_PTR(-EBUSY));
	map_and_unmap(camera, DMA_TO_DEVICE);
	MOCK_EXPECT_LOG(buffer, "attach map");
}

static void both_directions_serve_either(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_caching_ops);
	struct mock_importer *camera = mock_import(buffer, "camera");

	map_and_unmap(camera, DMA_BIDIRECTIONAL);
	map_and_unmap(camera, DMA_TO_DEVICE);
	map_and_unmap(camera, DMA_FROM_DEVICE);
	MOCK_EXPECT_LOG(buffer, "attach map");

	mock_detach(camera);
	KUNIT_EXPECT_EQ(test, buffer->dir, DMA_BIDIRECTIONAL);
}

static void a_failed_map_is_not_kept(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_caching_ops);
	struct mock_importer *camera = mock_import(buffer, "camera");

	buffer->errors[MOCK_MAP] = -EIO;
	KUNIT_EXPECT_PTR_EQ(test, map(camera, DMA_TO_DEVICE), ERR_PTR(-EIO));
	MOCK_EXPECT_LOG(buffer, "attach map");
	buffer->errors[MOCK_MAP] = 0;
	map_and_unmap(camera, DMA_FROM_DEVICE);
	MOCK_EXPECT_LOG(buffer, "map");
}

static struct sg_table *map_interrupted(struct mock_importer *importer)
{
	struct sg_table *sgt;

	mock_interrupt_begin();
	sgt = map(importer, DMA_TO_DEVICE);
	mock_interrupt_end();
	return sgt;
}

static void an_interrupted_first_map_is_not_kept(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_caching_ops);
	struct mock_importer *camera = mock_import(buffer, "camera");

	mock_fence_add(buffer, DMA_RESV_USAGE_KERNEL);
	KUNIT_EXPECT_PTR_EQ(test, map_interrupted(camera),
			    ERR_PTR(-ERESTARTSYS));
	KUNIT_EXPECT_EQ(test, buffer->mappings, 0);
	mock_detach(camera);
	MOCK_EXPECT_LOG(buffer, "attach map unmap detach");
}

static void an_interrupted_later_map_keeps_the_first(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_caching_ops);
	struct mock_importer *camera = mock_import(buffer, "camera");
	struct dma_fence *move;

	map_and_unmap(camera, DMA_TO_DEVICE);
	move = mock_fence_add(buffer, DMA_RESV_USAGE_KERNEL);
	KUNIT_EXPECT_PTR_EQ(test, map_interrupted(camera),
			    ERR_PTR(-ERESTARTSYS));
	KUNIT_EXPECT_EQ(test, buffer->mappings, 1);

	dma_fence_signal(move);
	map_and_unmap(camera, DMA_TO_DEVICE);
	mock_detach(camera);
	MOCK_EXPECT_LOG(buffer, "attach map unmap detach");
}

static struct kunit_case map_cache_cases[] = {
	KUNIT_CASE(the_exporter_maps_once_until_detach),
	KUNIT_CASE(every_attachment_keeps_its_own_mapping),
	KUNIT_CASE(another_direction_is_refused),
	KUNIT_CASE(both_directions_serve_either),
	KUNIT_CASE(a_failed_map_is_not_kept),
	KUNIT_CASE(an_interrupted_first_map_is_not_kept),
	KUNIT_CASE(an_interrupted_later_map_keeps_the_first),
	{}
};

static struct kunit_suite map_cache_suite = {
	.name = "dma_buf_map_cache",
	.test_cases = map_cache_cases,
};

kunit_test_suite(map_cache_suite);
