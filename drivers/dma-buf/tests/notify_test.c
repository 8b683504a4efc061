// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who is told that a buffer is going to move.
 */
#include "mock.h"

static void move(struct mock_buffer *buffer)
{
	dma_resv_lock(buffer->dmabuf->resv, NULL);
	dma_buf_move_notify(buffer->dmabuf);
	dma_resv_unlock(buffer->dmabuf->resv);
}

static void a_move_with_nobody_there_is_told_nobody(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_dynamic_ops);

	move(buffer);
	MOCK_EXPECT_LOG(buffer, "");
}

static void every_dynamic_importer_is_told_once(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_dynamic_ops);
	struct mock_importer *camera = mock_import(buffer, "camera");
	struct mock_importer *display = mock_import_dynamic(buffer, "display");
	struct mock_importer *codec = mock_import_dynamic(buffer, "codec");

	move(buffer);
	KUNIT_EXPECT_EQ(test, camera->moves, 0);
	KUNIT_EXPECT_EQ(test, display->moves, 1);
	KUNIT_EXPECT_EQ(test, codec->moves, 1);
}

static void who_left_is_not_told(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_dynamic_ops);
	struct mock_importer *display = mock_import_dynamic(buffer, "display");
	struct mock_importer *codec = mock_import_dynamic(buffer, "codec");

	mock_detach(display);
	move(buffer);
	KUNIT_EXPECT_EQ(test, display->moves, 0);
	KUNIT_EXPECT_EQ(test, codec->moves, 1);
}

static void other_buffers_importers_are_not_told(struct kunit *test)
{
	struct mock_buffer *one = mock_export(test, &mock_dynamic_ops);
	struct mock_buffer *other = mock_export(test, &mock_dynamic_ops);
	struct mock_importer *display = mock_import_dynamic(one, "display");
	struct mock_importer *codec = mock_import_dynamic(other, "codec");

	move(one);
	KUNIT_EXPECT_EQ(test, display->moves, 1);
	KUNIT_EXPECT_EQ(test, codec->moves, 0);
}

static void a_told_importer_maps_anew(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_dynamic_ops);
	struct mock_importer *display = mock_import_dynamic(buffer, "display");
	struct sg_table *before, *after;

	before = dma_buf_map_attachment_unlocked(display->attach,
						 DMA_TO_DEVICE);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, before);
	move(buffer);
	after = dma_buf_map_attachment_unlocked(display->attach,
						DMA_TO_DEVICE);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, after);
	KUNIT_EXPECT_PTR_NE(test, before, after);

	dma_buf_unmap_attachment_unlocked(display->attach, before,
					  DMA_TO_DEVICE);
	KUNIT_EXPECT_EQ(test, buffer->mappings, 1);
	dma_buf_unmap_attachment_unlocked(display->attach, after,
					  DMA_TO_DEVICE);
	KUNIT_EXPECT_EQ(test, buffer->mappings, 0);
}

static struct kunit_case notify_cases[] = {
	KUNIT_CASE(a_move_with_nobody_there_is_told_nobody),
	KUNIT_CASE(every_dynamic_importer_is_told_once),
	KUNIT_CASE(who_left_is_not_told),
	KUNIT_CASE(other_buffers_importers_are_not_told),
	KUNIT_CASE(a_told_importer_maps_anew),
	{}
};

static struct kunit_suite notify_suite = {
	.name = "dma_buf_notify",
	.test_cases = notify_cases,
};

kunit_test_suite(notify_suite);
