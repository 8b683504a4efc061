// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long a buffer lives: as long as somebody has a reference, whether in the
 * kernel or as a file descriptor, and no longer.
 */
#include <linux/anon_inodes.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/irq_work.h>

#include "mock.h"

static void the_last_put_releases_once(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);

	get_dma_buf(buffer->dmabuf);
	get_dma_buf(buffer->dmabuf);
	dma_buf_put(buffer->dmabuf);
	dma_buf_put(buffer->dmabuf);
	flush_delayed_fput();
	MOCK_EXPECT_LOG(buffer, "");

	mock_put(buffer);
	KUNIT_EXPECT_TRUE(test, mock_await_release(buffer));
	MOCK_EXPECT_LOG(buffer, "release");
}

static void a_released_buffer_makes_room_for_another(struct kunit *test)
{
	struct mock_buffer *buffer;
	int i;

	for (i = 0; i < 100; i++) {
		buffer = mock_export(test, &mock_minimal_ops);
		mock_fence_add(buffer, DMA_RESV_USAGE_WRITE);
		mock_put_at_once(buffer);
		MOCK_EXPECT_LOG(buffer, "release");
	}
}

/**
 * struct put_work - a put in an interrupt handler
 * @work: what interrupts
 * @dmabuf: the buffer
 */
struct put_work {
	struct irq_work work;
	struct dma_buf *dmabuf;
};

static void put_in_irq(struct irq_work *work)
{
	WARN_ON_ONCE(!in_hardirq());
	dma_buf_put(container_of(work, struct put_work, work)->dmabuf);
}

/* The release op itself sees to it that it may sleep. */
static void a_put_in_an_interrupt_releases_later(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);
	struct put_work put = { .dmabuf = buffer->dmabuf };

	get_dma_buf(buffer->dmabuf);
	init_irq_work(&put.work, put_in_irq);
	mock_put(buffer);
	MOCK_EXPECT_LOG(buffer, "");

	irq_work_queue(&put.work);
	irq_work_sync(&put.work);
	KUNIT_EXPECT_TRUE(test, mock_await_release(buffer));
	MOCK_EXPECT_LOG(buffer, "release");
}

/* What a driver is left with that forgot to detach; to be freed by hand. */
static struct dma_buf_attachment *
outlive_the_buffer(struct mock_buffer *buffer, struct mock_misuse *misuse)
{
	struct kunit *test = buffer->test;
	struct device *dev = kunit_device_register(test, "camera");
	struct dma_buf_attachment *attach;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dev);
	attach = dma_buf_attach(buffer->dmabuf, dev);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, attach);

	mock_put_at_once(buffer);
	MOCK_EXPECT_MISUSE(test, misuse, dev, "released while attached");
	return attach;
}

static void releasing_while_attached_names_the_device(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_static_ops);
	struct mock_misuse *misuse = mock_catch_misuse(test);
	struct dma_buf_attachment *attach = outlive_the_buffer(buffer, misuse);

	MOCK_EXPECT_LOG(buffer, "attach release");
	KUNIT_EXPECT_NULL(test, attach->dmabuf);
	KUNIT_EXPECT_TRUE(test, list_empty(&attach->node));
	kfree(attach);
}

/* There may be another buffer in the place of the one that it attached to. */
static void a_late_detach_changes_nothing(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_static_ops);
	struct mock_misuse *misuse = mock_catch_misuse(test);
	struct dma_buf_attachment *attach = outlive_the_buffer(buffer, misuse);
	struct mock_buffer *next = mock_export(test, &mock_static_ops);

	kunit_info(test, "expect-splat: dma_buf_detach");
	dma_buf_detach(buffer->dmabuf, attach);
	dma_buf_detach(next->dmabuf, attach);
	dma_buf_detach(attach->dmabuf, attach);
	kunit_info(test, "expect-splat: end");
	MOCK_EXPECT_LOG(buffer, "attach release");
	MOCK_EXPECT_LOG(next, "");
	/* It wasn't freed. */
	KUNIT_EXPECT_NULL(test, attach->dmabuf);
	kfree(attach);
}

static void a_file_descriptor_takes_the_reference_over(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);
	int fd;

	get_dma_buf(buffer->dmabuf);
	fd = dma_buf_fd(buffer->dmabuf, O_CLOEXEC);
	KUNIT_ASSERT_GE(test, fd, 0);
	KUNIT_EXPECT_EQ(test, file_count(buffer->dmabuf->file), 2);

	mock_put(buffer);
	MOCK_EXPECT_LOG(buffer, "");
	KUNIT_EXPECT_EQ(test, close_fd(fd), 0);
	flush_delayed_fput();
	KUNIT_EXPECT_TRUE(test, mock_await_release(buffer));
	MOCK_EXPECT_LOG(buffer, "release");
}

static void a_file_descriptor_leads_back_to_the_buffer(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);
	int fd;

	get_dma_buf(buffer->dmabuf);
	fd = dma_buf_fd(buffer->dmabuf, 0);
	KUNIT_ASSERT_GE(test, fd, 0);

	KUNIT_EXPECT_PTR_EQ(test, dma_buf_get(fd), buffer->dmabuf);
	KUNIT_EXPECT_EQ(test, file_count(buffer->dmabuf->file), 3);
	dma_buf_put(buffer->dmabuf);
	KUNIT_EXPECT_EQ(test, close_fd(fd), 0);
	flush_delayed_fput();
	KUNIT_EXPECT_EQ(test, file_count(buffer->dmabuf->file), 1);
}

static void no_buffer_gives_no_file_descriptor(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, dma_buf_fd(NULL, 0), -EINVAL);
}

static void a_closed_file_descriptor_is_no_buffer(struct kunit *test)
{
	KUNIT_EXPECT_PTR_EQ(test, dma_buf_get(-1), ERR_PTR(-EBADF));
}

static const struct file_operations other_fops = {
};

static void another_file_is_no_buffer(struct kunit *test)
{
	struct file *file;
	int fd;

	fd = get_unused_fd_flags(0);
	KUNIT_ASSERT_GE(test, fd, 0);
	file = anon_inode_getfile("other", &other_fops, NULL, O_RDWR);
	if (IS_ERR(file))
		put_unused_fd(fd);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	fd_install(fd, file);

	KUNIT_EXPECT_PTR_EQ(test, dma_buf_get(fd), ERR_PTR(-EINVAL));
	KUNIT_EXPECT_EQ(test, file_count(file), 1);
	close_fd(fd);
	flush_delayed_fput();
}

static struct kunit_case lifetime_cases[] = {
	KUNIT_CASE(the_last_put_releases_once),
	KUNIT_CASE(a_released_buffer_makes_room_for_another),
	KUNIT_CASE(a_put_in_an_interrupt_releases_later),
	KUNIT_CASE(releasing_while_attached_names_the_device),
	KUNIT_CASE(a_late_detach_changes_nothing),
	KUNIT_CASE(a_file_descriptor_takes_the_reference_over),
	KUNIT_CASE(a_file_descriptor_leads_back_to_the_buffer),
	KUNIT_CASE(no_buffer_gives_no_file_descriptor),
	KUNIT_CASE(a_closed_file_descriptor_is_no_buffer),
	KUNIT_CASE(another_file_is_no_buffer),
	{}
};

static struct kunit_suite lifetime_suite = {
	.name = "dma_buf_lifetime",
	.test_cases = lifetime_cases,
};

kunit_test_suite(lifetime_suite);
