// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mappings of a buffer into processes: through its own file and through an
 * importer's, within bounds and beyond, and what they keep alive.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/sched/mm.h>
#include <linux/uaccess.h>

#include "mock.h"

static int mmap_suite_init(struct kunit *test)
{
	if (!IS_ENABLED(CONFIG_MMU))
		kunit_skip(test, "there are no mappings: MMU is off");
	return 0;
}

static long map_file(struct kunit *test, struct file *file, size_t offset,
		     size_t len)
{
	return kunit_vm_mmap(test, file, 0, len, PROT_READ | PROT_WRITE,
			     MAP_SHARED, offset);
}

static long map_buffer(struct mock_buffer *buffer, size_t offset, size_t len)
{
	return map_file(buffer->test, buffer->dmabuf->file, offset, len);
}

static void expect_mapped(struct kunit *test, long address)
{
	KUNIT_ASSERT_NE(test, address, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(address));
}

static void a_mapping_shows_the_memory(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_static_ops);
	long address;
	u32 word;

	*(u32 *)(buffer->memory + PAGE_SIZE) = 0x600d600d;
	address = map_buffer(buffer, 0, MOCK_SIZE);
	expect_mapped(test, address);
	KUNIT_EXPECT_EQ(test, 0,
			get_user(word, (u32 __user *)(address + PAGE_SIZE)));
	KUNIT_EXPECT_EQ(test, word, 0x600d600d);
	KUNIT_EXPECT_EQ(test, put_user(1, (u32 __user *)address), 0);
	KUNIT_EXPECT_EQ(test, *(u32 *)buffer->memory, 1);
	KUNIT_EXPECT_EQ(test, vm_munmap(address, MOCK_SIZE), 0);
	MOCK_EXPECT_LOG(buffer, "mmap");
}

static void a_part_can_be_mapped(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_static_ops);
	size_t last = MOCK_SIZE - PAGE_SIZE;
	long address;
	u32 word;

	*(u32 *)(buffer->memory + last) = 0x600d600d;
	address = map_buffer(buffer, last, PAGE_SIZE);
	expect_mapped(test, address);
	KUNIT_EXPECT_EQ(test, get_user(word, (u32 __user *)address), 0);
	KUNIT_EXPECT_EQ(test, word, 0x600d600d);
	vm_munmap(address, PAGE_SIZE);
}

static void nothing_is_mapped_past_the_end(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_static_ops);

	KUNIT_EXPECT_EQ(test, -EINVAL,
			map_buffer(buffer, 0, MOCK_SIZE + PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			map_buffer(buffer, PAGE_SIZE, MOCK_SIZE));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			map_buffer(buffer, MOCK_SIZE, PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			map_buffer(buffer, LONG_MAX & PAGE_MASK, PAGE_SIZE));
	MOCK_EXPECT_LOG(buffer, "");
}

static void exporters_without_mmap_are_not_mapped(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);

	KUNIT_EXPECT_EQ(test, map_buffer(buffer, 0, MOCK_SIZE), -EINVAL);
}

static void an_error_is_passed_on_and_keeps_nothing_alive(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_static_ops);

	buffer->errors[MOCK_MMAP] = -ENXIO;
	KUNIT_EXPECT_EQ(test, map_buffer(buffer, 0, MOCK_SIZE), -ENXIO);
	KUNIT_EXPECT_EQ(test, file_count(buffer->dmabuf->file), 1);
}

static void a_mapping_keeps_the_buffer_alive(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_static_ops);
	long address = map_buffer(buffer, 0, MOCK_SIZE);

	expect_mapped(test, address);
	mock_put(buffer);
	MOCK_EXPECT_LOG(buffer, "mmap");
	vm_munmap(address, MOCK_SIZE);
	flush_delayed_fput();
	KUNIT_EXPECT_TRUE(test, mock_await_release(buffer));
	MOCK_EXPECT_LOG(buffer, "release");
}

/**
 * struct importer_file - a file of an importer's own that maps a buffer
 * @buffer: the buffer
 * @file: the file
 * @pgoff: where in the buffer its mappings begin
 */
struct importer_file {
	struct mock_buffer *buffer;
	struct file *file;
	unsigned long pgoff;
};

static int importer_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct importer_file *importer = file->private_data;

	return dma_buf_mmap(importer->buffer->dmabuf, vma, importer->pgoff);
}

static const struct file_operations importer_fops = {
	.mmap = importer_mmap,
};

static void put_at_end(void *data)
{
	fput(data);
	flush_delayed_fput();
}

static struct importer_file *open_importer(struct mock_buffer *buffer)
{
	struct kunit *test = buffer->test;
	struct importer_file *importer;

	importer = kunit_kzalloc(test, sizeof(*importer), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, importer);
	importer->buffer = buffer;
	importer->file = anon_inode_getfile("importer", &importer_fops,
					    importer, O_RDWR);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, importer->file);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, put_at_end,
						  importer->file));
	return importer;
}

static long map_importer(struct importer_file *importer, unsigned long pgoff,
			 size_t len)
{
	importer->pgoff = pgoff;
	return map_file(importer->buffer->test, importer->file, 0, len);
}

static void importers_map_the_buffers_file(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_static_ops);
	struct importer_file *importer = open_importer(buffer);
	struct vm_area_struct *vma;
	long address;

	address = map_importer(importer, 1, PAGE_SIZE);
	expect_mapped(test, address);
	mmap_read_lock(current->mm);
	vma = find_vma(current->mm, address);
	KUNIT_EXPECT_NOT_NULL(test, vma);
	if (vma) {
		KUNIT_EXPECT_PTR_EQ(test, vma->vm_file, buffer->dmabuf->file);
		KUNIT_EXPECT_EQ(test, vma->vm_pgoff, 1);
	}
	mmap_read_unlock(current->mm);

	KUNIT_EXPECT_EQ(test, file_count(buffer->dmabuf->file), 2);
	KUNIT_EXPECT_EQ(test, file_count(importer->file), 1);
	vm_munmap(address, PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, file_count(buffer->dmabuf->file), 1);
}

static void importers_see_the_memory_they_asked_for(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_static_ops);
	struct importer_file *importer = open_importer(buffer);
	long address;
	u32 word;

	*(u32 *)(buffer->memory + 2 * PAGE_SIZE) = 0x600d600d;
	address = map_importer(importer, 2, PAGE_SIZE);
	expect_mapped(test, address);
	KUNIT_EXPECT_EQ(test, get_user(word, (u32 __user *)address), 0);
	KUNIT_EXPECT_EQ(test, word, 0x600d600d);
	vm_munmap(address, PAGE_SIZE);
}

static void importers_map_nothing_past_the_end(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_static_ops);
	struct importer_file *importer = open_importer(buffer);
	static const unsigned long bad[] = {
		1, MOCK_PAGES, MOCK_PAGES + 1, LONG_MAX,
		/* With these the last page's number overflows. */
		ULONG_MAX, 0 - (unsigned long)MOCK_PAGES,
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		KUNIT_EXPECT_EQ_MSG(test, -EINVAL,
				    map_importer(importer, bad[i], MOCK_SIZE),
				    "page %lu", bad[i]);
	MOCK_EXPECT_LOG(buffer, "");
	KUNIT_EXPECT_EQ(test, file_count(buffer->dmabuf->file), 1);
	KUNIT_EXPECT_EQ(test, file_count(importer->file), 1);
}

static void importers_errors_keep_nothing_alive(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_static_ops);
	struct importer_file *importer = open_importer(buffer);

	buffer->errors[MOCK_MMAP] = -ENXIO;
	KUNIT_EXPECT_EQ(test, map_importer(importer, 0, MOCK_SIZE), -ENXIO);
	KUNIT_EXPECT_EQ(test, file_count(buffer->dmabuf->file), 1);
	KUNIT_EXPECT_EQ(test, file_count(importer->file), 1);
}

static void importers_need_the_exporters_mmap(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);
	struct importer_file *importer = open_importer(buffer);

	KUNIT_EXPECT_EQ(test, map_importer(importer, 0, MOCK_SIZE), -EINVAL);
}

static struct kunit_case mmap_cases[] = {
	KUNIT_CASE(a_mapping_shows_the_memory),
	KUNIT_CASE(a_part_can_be_mapped),
	KUNIT_CASE(nothing_is_mapped_past_the_end),
	KUNIT_CASE(exporters_without_mmap_are_not_mapped),
	KUNIT_CASE(an_error_is_passed_on_and_keeps_nothing_alive),
	KUNIT_CASE(a_mapping_keeps_the_buffer_alive),
	KUNIT_CASE(importers_map_the_buffers_file),
	KUNIT_CASE(importers_see_the_memory_they_asked_for),
	KUNIT_CASE(importers_map_nothing_past_the_end),
	KUNIT_CASE(importers_errors_keep_nothing_alive),
	KUNIT_CASE(importers_need_the_exporters_mmap),
	{}
};

static struct kunit_suite mmap_suite = {
	.name = "dma_buf_mmap",
	.init = mmap_suite_init,
	.test_cases = mmap_cases,
};

kunit_test_suite(mmap_suite);
