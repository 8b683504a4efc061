// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mappings of a buffer into the kernel: counted, shared, taken down by the last
 * of their users.
 */
#include "mock.h"

static void a_mapping_shows_the_memory(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_static_ops);
	struct iosys_map map;

	KUNIT_ASSERT_EQ(test, dma_buf_vmap_unlocked(buffer->dmabuf, &map), 0);
	KUNIT_EXPECT_FALSE(test, map.is_iomem);
	KUNIT_EXPECT_PTR_EQ(test, map.vaddr, buffer->memory);
	dma_buf_vunmap_unlocked(buffer->dmabuf, &map);
	MOCK_EXPECT_LOG(buffer, "vmap vunmap");
}

static void users_share_one_mapping(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_static_ops);
	struct iosys_map one, other;

	KUNIT_ASSERT_EQ(test, dma_buf_vmap_unlocked(buffer->dmabuf, &one), 0);
	KUNIT_ASSERT_EQ(test, dma_buf_vmap_unlocked(buffer->dmabuf, &other), 0);
	KUNIT_EXPECT_TRUE(test, iosys_map_is_equal(&one, &other));

	dma_buf_vunmap_unlocked(buffer->dmabuf, &one);
	MOCK_EXPECT_LOG(buffer, "vmap");
	dma_buf_vunmap_unlocked(buffer->dmabuf, &other);
	MOCK_EXPECT_LOG(buffer, "vunmap");
}

static void what_was_taken_down_can_be_mapped_again(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_static_ops);
	struct iosys_map map;
	int i;

	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_EQ(test,
				dma_buf_vmap_unlocked(buffer->dmabuf, &map), 0);
		dma_buf_vunmap_unlocked(buffer->dmabuf, &map);
	}
	MOCK_EXPECT_LOG(buffer, "vmap vunmap vmap vunmap");
}

static void callers_may_hold_the_lock(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_static_ops);
	struct iosys_map map;

	dma_resv_lock(buffer->dmabuf->resv, NULL);
	KUNIT_EXPECT_EQ(test, dma_buf_vmap(buffer->dmabuf, &map), 0);
	dma_buf_vunmap(buffer->dmabuf, &map);
	dma_resv_unlock(buffer->dmabuf->resv);
	MOCK_EXPECT_LOG(buffer, "vmap vunmap");
}

static void a_failure_gives_no_mapping(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_static_ops);
	struct iosys_map map = IOSYS_MAP_INIT_VADDR(buffer);

	buffer->errors[MOCK_VMAP] = -ENXIO;
	KUNIT_EXPECT_EQ(test, dma_buf_vmap_unlocked(buffer->dmabuf, &map),
			-ENXIO);
	KUNIT_EXPECT_TRUE(test, iosys_map_is_null(&map));

	buffer->errors[MOCK_VMAP] = 0;
	KUNIT_EXPECT_EQ(test, dma_buf_vmap_unlocked(buffer->dmabuf, &map), 0);
	dma_buf_vunmap_unlocked(buffer->dmabuf, &map);
	MOCK_EXPECT_LOG(buffer, "vmap vmap vunmap");
}

static void exporters_without_vmap_have_no_mapping(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);
	struct iosys_map map = IOSYS_MAP_INIT_VADDR(buffer);

	KUNIT_EXPECT_EQ(test, dma_buf_vmap_unlocked(buffer->dmabuf, &map),
			-EINVAL);
	KUNIT_EXPECT_TRUE(test, iosys_map_is_null(&map));
}

static void exporters_need_no_vunmap(struct kunit *test)
{
	struct dma_buf_ops *ops = mock_copy_ops(test, &mock_static_ops);
	struct mock_buffer *buffer;
	struct iosys_map map;

	ops->vunmap = NULL;
	buffer = mock_export(test, ops);
	KUNIT_EXPECT_EQ(test, dma_buf_vmap_unlocked(buffer->dmabuf, &map), 0);
	dma_buf_vunmap_unlocked(buffer->dmabuf, &map);
	MOCK_EXPECT_LOG(buffer, "vmap");
}

static void taking_down_what_is_not_mapped_is_named(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_static_ops);
	struct mock_misuse *misuse = mock_catch_misuse(test);
	struct iosys_map map = IOSYS_MAP_INIT_VADDR(buffer->memory);

	dma_buf_vunmap_unlocked(buffer->dmabuf, &map);
	MOCK_EXPECT_MISUSE(test, misuse, NULL,
			   "vunmap of what is not vmapped");
	MOCK_EXPECT_LOG(buffer, "");
}

static void taking_down_somewhere_else_is_named(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_static_ops);
	struct mock_misuse *misuse = mock_catch_misuse(test);
	struct iosys_map elsewhere = IOSYS_MAP_INIT_VADDR(buffer);
	struct iosys_map map;

	KUNIT_ASSERT_EQ(test, dma_buf_vmap_unlocked(buffer->dmabuf, &map), 0);
	dma_buf_vunmap_unlocked(buffer->dmabuf, &elsewhere);
	MOCK_EXPECT_MISUSE(test, misuse, NULL,
			   "vunmap of what is not vmapped");
	MOCK_EXPECT_LOG(buffer, "vmap");

	dma_buf_vunmap_unlocked(buffer->dmabuf, &map);
	KUNIT_EXPECT_EQ(test, misuse->count, 0);
	MOCK_EXPECT_LOG(buffer, "vunmap");
}

static struct kunit_case vmap_cases[] = {
	KUNIT_CASE(a_mapping_shows_the_memory),
	KUNIT_CASE(users_share_one_mapping),
	KUNIT_CASE(what_was_taken_down_can_be_mapped_again),
	KUNIT_CASE(callers_may_hold_the_lock),
	KUNIT_CASE(a_failure_gives_no_mapping),
	KUNIT_CASE(exporters_without_vmap_have_no_mapping),
	KUNIT_CASE(exporters_need_no_vunmap),
	KUNIT_CASE(taking_down_what_is_not_mapped_is_named),
	KUNIT_CASE(taking_down_somewhere_else_is_named),
	{}
};

static struct kunit_suite vmap_suite = {
	.name = "dma_buf_vmap",
	.test_cases = vmap_cases,
};

kunit_test_suite(vmap_suite);
