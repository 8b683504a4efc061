// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events read the buffer: they have to come as long as it is certainly there,
 * which is before its reference goes to somebody who may drop it.
 */
#include <linux/fdtable.h>
#include <linux/file.h>
#include <trace/events/dma_buf.h>

#include "mock.h"

/**
 * struct told - what an event found
 * @dmabuf: the buffer it is about
 * @count: references there were; 0 if it didn't come
 * @fd: that it told of
 * @installed: the descriptor led to the buffer already
 */
struct told {
	struct dma_buf *dmabuf;
	long count;
	int fd;
	bool installed;
};

static void note_put(void *data, struct dma_buf *dmabuf)
{
	struct told *told = data;

	if (dmabuf == told->dmabuf)
		told->count = file_count(dmabuf->file);
}

static void note_fd(void *data, struct dma_buf *dmabuf, int fd)
{
	struct told *told = data;
	struct file *file;

	if (dmabuf != told->dmabuf)
		return;
	told->fd = fd;
	told->count = file_count(dmabuf->file);
	file = fget(fd);
	told->installed = file;
	if (file)
		fput(file);
}

static void the_last_put_is_told_while_the_buffer_is_there(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);
	struct told told = { .dmabuf = buffer->dmabuf };

	check_trace_callback_type_dma_buf_put(note_put);
	mock_probe(test, "dma_buf_put", note_put, &told);
	get_dma_buf(buffer->dmabuf);
	dma_buf_put(buffer->dmabuf);
	KUNIT_EXPECT_EQ(test, told.count, 2);
	mock_put(buffer);
	KUNIT_EXPECT_EQ(test, told.count, 1);
	KUNIT_EXPECT_TRUE(test, mock_await_release(buffer));
}

static void a_descriptor_is_told_before_anybody_can_close_it(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);
	struct told told = { .dmabuf = buffer->dmabuf, .fd = -1 };
	int fd;

	check_trace_callback_type_dma_buf_fd(note_fd);
	mock_probe(test, "dma_buf_fd", note_fd, &told);
	get_dma_buf(buffer->dmabuf);
	fd = dma_buf_fd(buffer->dmabuf, O_CLOEXEC);
	KUNIT_ASSERT_GE(test, fd, 0);
	KUNIT_EXPECT_EQ(test, told.fd, fd);
	KUNIT_EXPECT_EQ(test, told.count, 2);
	KUNIT_EXPECT_FALSE(test, told.installed);
	KUNIT_EXPECT_EQ(test, close_fd(fd), 0);
	flush_delayed_fput();
}

static struct kunit_case event_cases[] = {
	KUNIT_CASE(the_last_put_is_told_while_the_buffer_is_there),
	KUNIT_CASE(a_descriptor_is_told_before_anybody_can_close_it),
	{}
};

static struct kunit_suite event_suite = {
	.name = "dma_buf_event",
	.test_cases = event_cases,
};

kunit_test_suite(event_suite);
