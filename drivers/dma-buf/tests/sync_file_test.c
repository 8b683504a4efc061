// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sync files: what of a buffer's fences gets into one, and what gets out of one
 * into a buffer.
 */
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/slab.h>
#include <linux/sync_file.h>
#include <linux/uaccess.h>
#include <uapi/linux/sync_file.h>

#include "mock.h"

static void close_at_end(void *fd)
{
	close_fd((unsigned long)fd);
	flush_delayed_fput();
}

static void close_when_over(struct kunit *test, int fd)
{
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, close_at_end,
						  (void *)(unsigned long)fd));
}

static void put_file(void *file)
{
	fput(file);
	flush_delayed_fput();
}

/* Takes a sync file out of a buffer. */
static long export(struct mock_buffer *buffer, u32 flags, int *fd)
{
	struct dma_buf_export_sync_file arg = { .flags = flags, .fd = -1 };
	long ret;

	ret = mock_ioctl(buffer, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &arg,
			 sizeof(arg));
	*fd = arg.fd;
	if (!ret)
		close_when_over(buffer->test, arg.fd);
	return ret;
}

/* Does the sync file that a buffer gives for this use wait for something? */
static bool is_pending(struct mock_buffer *buffer, u32 flags)
{
	struct dma_fence *fence;
	bool pending;
	int fd;

	KUNIT_ASSERT_EQ(buffer->test, export(buffer, flags, &fd), 0);
	fence = sync_file_get_fence(fd);
	KUNIT_ASSERT_NOT_NULL(buffer->test, fence);
	pending = !dma_fence_is_signaled(fence);
	dma_fence_put(fence);
	return pending;
}

static long import(struct mock_buffer *buffer, u32 flags, int fd)
{
	struct dma_buf_import_sync_file arg = { .flags = flags, .fd = fd };

	return mock_ioctl(buffer, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, &arg,
			  sizeof(arg));
}

/* A file descriptor of a new sync file of @fence. */
static int make_sync_file(struct kunit *test, struct dma_fence *fence)
{
	int fd = get_unused_fd_flags(O_CLOEXEC);
	struct sync_file *sync_file;

	KUNIT_ASSERT_GE(test, fd, 0);
	sync_file = sync_file_create(fence);
	if (!sync_file)
		put_unused_fd(fd);
	KUNIT_ASSERT_NOT_NULL(test, sync_file);
	fd_install(fd, sync_file->file);
	close_when_over(test, fd);
	return fd;
}

static bool is_done(struct mock_buffer *buffer, enum dma_resv_usage usage)
{
	return dma_resv_test_signaled(buffer->dmabuf->resv, usage);
}

static void without_fences_it_has_signalled(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);

	KUNIT_EXPECT_FALSE(test, is_pending(buffer, DMA_BUF_SYNC_READ));
	KUNIT_EXPECT_FALSE(test, is_pending(buffer, DMA_BUF_SYNC_WRITE));
}

static void readers_wait_for_writers(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);
	struct dma_fence *write = mock_fence_add(buffer, DMA_RESV_USAGE_WRITE);

	KUNIT_EXPECT_TRUE(test, is_pending(buffer, DMA_BUF_SYNC_READ));
	KUNIT_EXPECT_TRUE(test, is_pending(buffer, DMA_BUF_SYNC_WRITE));
	dma_fence_signal(write);
	KUNIT_EXPECT_FALSE(test, is_pending(buffer, DMA_BUF_SYNC_READ));
}

static void only_writers_wait_for_readers(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);

	mock_fence_add(buffer, DMA_RESV_USAGE_READ);
	KUNIT_EXPECT_FALSE(test, is_pending(buffer, DMA_BUF_SYNC_READ));
	KUNIT_EXPECT_TRUE(test, is_pending(buffer, DMA_BUF_SYNC_WRITE));
	KUNIT_EXPECT_TRUE(test, is_pending(buffer, DMA_BUF_SYNC_RW));
}

static void it_has_all_fences_of_its_time(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);
	struct dma_fence *one = mock_fence_add(buffer, DMA_RESV_USAGE_WRITE);
	struct dma_fence *other = mock_fence_add(buffer, DMA_RESV_USAGE_WRITE);
	struct dma_fence *fence;
	int fd;

	KUNIT_ASSERT_EQ(test, export(buffer, DMA_BUF_SYNC_READ, &fd), 0);
	mock_fence_add(buffer, DMA_RESV_USAGE_WRITE);
	fence = sync_file_get_fence(fd);
	KUNIT_ASSERT_NOT_NULL(test, fence);

	dma_fence_signal(one);
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(fence));
	dma_fence_signal(other);
	/* A later fence isn't waited for; the sum may take an interrupt. */
	KUNIT_EXPECT_GT(test, dma_fence_wait_timeout(fence, false,
						     MOCK_PATIENCE), 0);
	dma_fence_put(fence);
}

static void a_readers_fence_holds_up_writers(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);
	struct dma_fence *fence = mock_fence(test);
	int fd = make_sync_file(test, fence);

	KUNIT_EXPECT_EQ(test, import(buffer, DMA_BUF_SYNC_READ, fd), 0);
	KUNIT_EXPECT_TRUE(test, is_done(buffer, DMA_RESV_USAGE_WRITE));
	KUNIT_EXPECT_FALSE(test, is_done(buffer, DMA_RESV_USAGE_READ));
	dma_fence_signal(fence);
	KUNIT_EXPECT_TRUE(test, is_done(buffer, DMA_RESV_USAGE_READ));
}

static void a_writers_fence_holds_up_everybody(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);
	struct dma_fence *fence = mock_fence(test);
	int fd = make_sync_file(test, fence);

	KUNIT_EXPECT_EQ(test, import(buffer, DMA_BUF_SYNC_WRITE, fd), 0);
	KUNIT_EXPECT_TRUE(test, is_done(buffer, DMA_RESV_USAGE_KERNEL));
	KUNIT_EXPECT_FALSE(test, is_done(buffer, DMA_RESV_USAGE_WRITE));
	KUNIT_EXPECT_FALSE(test, is_done(buffer, DMA_RESV_USAGE_READ));
	dma_fence_signal(fence);
	KUNIT_EXPECT_TRUE(test, is_done(buffer, DMA_RESV_USAGE_READ));
}

static void a_fence_of_both_counts_as_a_writers(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);
	int fd = make_sync_file(test, mock_fence(test));

	KUNIT_EXPECT_EQ(test, import(buffer, DMA_BUF_SYNC_RW, fd), 0);
	KUNIT_EXPECT_FALSE(test, is_done(buffer, DMA_RESV_USAGE_WRITE));
}

static void a_signalled_fence_holds_up_nobody(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);
	struct dma_fence *fence = mock_fence(test);
	int fd = make_sync_file(test, fence);

	dma_fence_signal(fence);
	KUNIT_EXPECT_EQ(test, import(buffer, DMA_BUF_SYNC_WRITE, fd), 0);
	KUNIT_EXPECT_TRUE(test, is_done(buffer, DMA_RESV_USAGE_READ));
}

static void every_part_of_a_sum_is_waited_for(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);
	struct dma_fence *parts[] = { mock_fence(test), mock_fence(test) };
	struct dma_fence *sum = mock_array(test, parts, 2, false);
	int fd = make_sync_file(test, sum);

	dma_fence_put(sum);
	KUNIT_EXPECT_EQ(test, import(buffer, DMA_BUF_SYNC_WRITE, fd), 0);
	dma_fence_signal(parts[0]);
	KUNIT_EXPECT_FALSE(test, is_done(buffer, DMA_RESV_USAGE_WRITE));
	dma_fence_signal(parts[1]);
	KUNIT_EXPECT_TRUE(test, is_done(buffer, DMA_RESV_USAGE_WRITE));
}

static void a_pending_signal_ends_the_wait_for_the_lock(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);
	struct dma_fence *fence = mock_fence(test);
	int fd = make_sync_file(test, fence);
	long ret;

	mock_lock_elsewhere(test, buffer->dmabuf->resv);
	mock_interrupt_begin();
	ret = import(buffer, DMA_BUF_SYNC_WRITE, fd);
	mock_interrupt_end();
	KUNIT_EXPECT_EQ(test, ret, -EINTR);
	KUNIT_EXPECT_TRUE(test, is_done(buffer, DMA_RESV_USAGE_READ));
}

static void a_use_has_to_be_named(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);
	int in = make_sync_file(test, mock_fence(test)), out;

	KUNIT_EXPECT_EQ(test, export(buffer, 0, &out), -EINVAL);
	KUNIT_EXPECT_EQ(test, export(buffer, DMA_BUF_SYNC_RW | 4, &out),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, out, -1);
	KUNIT_EXPECT_EQ(test, import(buffer, 0, in), -EINVAL);
	KUNIT_EXPECT_EQ(test, import(buffer, DMA_BUF_SYNC_RW | 4, in),
			-EINVAL);
	KUNIT_EXPECT_TRUE(test, is_done(buffer, DMA_RESV_USAGE_READ));
}

static void only_sync_files_can_be_imported(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);
	int fd;

	KUNIT_EXPECT_EQ(test, import(buffer, DMA_BUF_SYNC_READ, -1), -EINVAL);
	get_dma_buf(buffer->dmabuf);
	fd = dma_buf_fd(buffer->dmabuf, 0);
	KUNIT_ASSERT_GE(test, fd, 0);
	close_when_over(test, fd);
	KUNIT_EXPECT_EQ(test, import(buffer, DMA_BUF_SYNC_READ, fd), -EINVAL);
}

/* The file descriptor that the next file would get. */
static int next_fd(void)
{
	int fd = get_unused_fd_flags(0);

	if (fd >= 0)
		put_unused_fd(fd);
	return fd;
}

/* The address of a request that the ioctl can read, but not write back. */
static unsigned long read_only_request(struct kunit *test)
{
	struct mock_buffer *page = mock_export(test, &mock_static_ops);
	struct dma_buf_export_sync_file *request = page->memory;
	unsigned long user;

	request->flags = DMA_BUF_SYNC_READ;
	user = kunit_vm_mmap(test, page->dmabuf->file, 0, PAGE_SIZE, PROT_READ,
			     MAP_SHARED, 0);
	KUNIT_ASSERT_NE(test, user, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(user));
	return user;
}

static void a_fault_leaks_neither_descriptor_nor_file(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);
	struct dma_fence *fence = mock_fence_add(buffer, DMA_RESV_USAGE_WRITE);
	int references = mock_references(fence);
	unsigned long request = read_only_request(test);
	struct file *file = buffer->dmabuf->file;
	int before = next_fd();

	KUNIT_EXPECT_EQ(test, -EFAULT,
			file->f_op->unlocked_ioctl(file,
						   DMA_BUF_IOCTL_EXPORT_SYNC_FILE,
						   request));
	flush_delayed_fput();
	KUNIT_EXPECT_EQ(test, next_fd(), before);
	KUNIT_EXPECT_EQ(test, mock_references(fence), references);
	vm_munmap(request, PAGE_SIZE);
}

/*
 * Names
 */

static const char *long_driver_name(struct dma_fence *fence)
{
	return "a_driver_with_a_name_of_forty_characters";
}

static const char *long_timeline_name(struct dma_fence *fence)
{
	return "timeline_whose_name_has_forty_characters";
}

static const struct dma_fence_ops long_ops = {
	.get_driver_name = long_driver_name,
	.get_timeline_name = long_timeline_name,
};

static DEFINE_SPINLOCK(long_lock);

/* A sync file of a fence that has them. */
static struct sync_file *make_long_named(struct kunit *test)
{
	struct dma_fence *fence = kmalloc(sizeof(*fence), GFP_KERNEL);
	struct sync_file *sync_file;

	KUNIT_ASSERT_NOT_NULL(test, fence);
	dma_fence_init(fence, &long_ops, &long_lock, 1, 1);
	sync_file = sync_file_create(fence);
	dma_fence_put(fence);
	KUNIT_ASSERT_NOT_NULL(test, sync_file);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, put_file,
							   sync_file->file));
	return sync_file;
}

static void expect_name(struct kunit *test, const char name[32],
			const char *expected)
{
	KUNIT_EXPECT_EQ(test, name[31], '\0');
	KUNIT_EXPECT_STREQ(test, name, expected);
}

static void names_that_are_too_long_are_cut_off(struct kunit *test)
{
	struct sync_fence_info fence;
	void __user *user = mock_user_memory(test, sizeof(fence));
	struct sync_file *sync_file = make_long_named(test);
	struct sync_file_info info = {
		.num_fences = 1,
		.sync_fence_info = (uintptr_t)user,
	};

	memset(info.name, 'x', sizeof(info.name));
	KUNIT_EXPECT_EQ(test, 0,
			mock_file_ioctl(test, sync_file->file,
					SYNC_IOC_FILE_INFO, &info,
					sizeof(info)));
	KUNIT_ASSERT_EQ(test, copy_from_user(&fence, user, sizeof(fence)), 0);
	expect_name(test, info.name, "a_driver_with_a_name_of_forty_c");
	expect_name(test, fence.driver_name, "a_driver_with_a_name_of_forty_c");
	expect_name(test, fence.obj_name, "timeline_whose_name_has_forty_c");
}

static struct kunit_case sync_file_cases[] = {
	KUNIT_CASE(without_fences_it_has_signalled),
	KUNIT_CASE(readers_wait_for_writers),
	KUNIT_CASE(only_writers_wait_for_readers),
	KUNIT_CASE(it_has_all_fences_of_its_time),
	KUNIT_CASE(a_readers_fence_holds_up_writers),
	KUNIT_CASE(a_writers_fence_holds_up_everybody),
	KUNIT_CASE(a_fence_of_both_counts_as_a_writers),
	KUNIT_CASE(a_signalled_fence_holds_up_nobody),
	KUNIT_CASE(every_part_of_a_sum_is_waited_for),
	KUNIT_CASE(a_pending_signal_ends_the_wait_for_the_lock),
	KUNIT_CASE(a_use_has_to_be_named),
	KUNIT_CASE(only_sync_files_can_be_imported),
	KUNIT_CASE(a_fault_leaks_neither_descriptor_nor_file),
	KUNIT_CASE(names_that_are_too_long_are_cut_off),
	{}
};

static struct kunit_suite sync_file_suite = {
	.name = "dma_buf_sync_file",
	.test_cases = sync_file_cases,
};

kunit_test_suite(sync_file_suite);
