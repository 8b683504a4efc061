// SPDX-License-Identifier: GPL-2.0-only
/*
 * The test device: what doesn't exist, what is out of order and what exporters refuse
 * is answered with an error, and changes nothing.
 */
#include "../kselftest_harness.h"

#include "test_device.h"

FIXTURE(device)
{
	int test;
	size_t size;
};

FIXTURE_SETUP(device)
{
	if (LACKS(TEST_DEVICE))
		SKIP(return, "%s", lack);
	self->test = test_open();
	ASSERT_LE(0, self->test);
	self->size = 3 * page_size();
}

FIXTURE_TEARDOWN(device)
{
}

TEST_F(device, only_possible_buffers_are_made)
{
	static const struct dma_buf_test_buffer bad[] = {
		{ .size = 0 },
		{ .size = (1ULL << 30) + 1 },
		{ .size = -1ULL },
		{ .size = 4096, .flags = 1 << 5 },
		{ .size = 4096, .placement = 2 },
		{ .size = 4096, .placement = DMA_BUF_TEST_VRAM },
		{ .size = 4096, .flags = DMA_BUF_TEST_DYNAMIC | DMA_BUF_TEST_CACHED },
	};
	struct dma_buf_test_buffer buffer;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		buffer = bad[i];
		EXPECT_EQ(-EINVAL, call_ioctl(self->test, DMA_BUF_TEST_IOC_EXPORT, &buffer))
			TH_LOG("number %zu", i);
	}
}

TEST_F(device, a_buffer_has_whole_pages_and_is_zero)
{
	char *data;
	int fd;

	ASSERT_LT(0, test_export(self->test, 0, self->size - 1, &fd));
	EXPECT_EQ((off_t)self->size, lseek(fd, 0, SEEK_END));
	data = mmap(NULL, self->size, PROT_READ, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, data);
	EXPECT_TRUE(has_only(data, self->size, 0));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, self->size, PROT_READ, MAP_PRIVATE, fd, 0));
	EXPECT_EQ(EINVAL, errno);
}

TEST_F(device, only_possible_devices_are_made)
{
	static const struct dma_buf_test_device bad[] = {
		{ .dma_bits = 19 },
		{ .dma_bits = 65 },
		{ .dma_bits = 64, .flags = 1 << 3 },
		{ .dma_bits = 64, .flags = DMA_BUF_TEST_PEER },
		{ .dma_bits = 64, .max_segment = 100 },
	};
	struct dma_buf_test_device device;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		device = bad[i];
		EXPECT_EQ(-EINVAL, call_ioctl(self->test, DMA_BUF_TEST_IOC_DEVICE, &device))
			TH_LOG("number %zu", i);
	}
}

static const unsigned long of_attachments[] = {
	DMA_BUF_TEST_IOC_DETACH, DMA_BUF_TEST_IOC_PIN, DMA_BUF_TEST_IOC_UNPIN,
	DMA_BUF_TEST_IOC_UNMAP, DMA_BUF_TEST_IOC_VMAP, DMA_BUF_TEST_IOC_VUNMAP,
};

TEST_F(device, what_does_not_exist_is_enoent)
{
	struct dma_buf_test_job job = {
		.work = DMA_BUF_TEST_FILL, .target = 1, .length = 4,
	};
	int fd, other = test_open();
	size_t i;

	ASSERT_LE(0, other);
	for (i = 0; i < ARRAY_SIZE(of_attachments); i++)
		EXPECT_EQ(-ENOENT, test_call(self->test, of_attachments[i], 1));
	EXPECT_EQ(-ENOENT, test_call(self->test, DMA_BUF_TEST_IOC_REMOVE_DEVICE, 1));
	EXPECT_EQ(-ENOENT, test_call(self->test, DMA_BUF_TEST_IOC_DROP, 1));
	EXPECT_EQ(-ENOENT, test_map(self->test, 1, DMA_BUF_TEST_BOTH));
	EXPECT_EQ(-ENOENT, test_move(self->test, 1, DMA_BUF_TEST_SYSTEM));
	EXPECT_EQ(-ENOENT, test_fail(self->test, 1, DMA_BUF_TEST_MAP_OP, 1, EIO));
	EXPECT_EQ(-ENOENT, test_trigger(self->test, 1, 0));
	EXPECT_EQ(-ENOENT, test_submit(self->test, &job));

	/* Another file's ids are not this one's. */
	ASSERT_EQ(1, test_export(other, 0, self->size, &fd));
	EXPECT_EQ(-ENOENT, test_call(self->test, DMA_BUF_TEST_IOC_DROP, 1));
	EXPECT_EQ(-ENOENT, test_attach(self->test, 1, fd));
}

TEST_F(device, only_buffers_can_be_attached)
{
	int device = test_device(self->test, 0);

	ASSERT_LT(0, device);
	EXPECT_EQ(-EBADF, test_attach(self->test, device, -1));
	EXPECT_EQ(-EINVAL, test_attach(self->test, device, self->test));
	EXPECT_EQ(0, test_call(self->test, DMA_BUF_TEST_IOC_REMOVE_DEVICE, device));
}

TEST_F(device, what_is_in_use_stays)
{
	int fd, device, attachment;

	ASSERT_LT(0, test_export(self->test, DMA_BUF_TEST_DYNAMIC, self->size, &fd));
	device = test_device(self->test, DMA_BUF_TEST_FOLLOWS_MOVES);
	ASSERT_LT(0, device);
	attachment = test_attach(self->test, device, fd);
	ASSERT_LT(0, attachment);
	EXPECT_EQ(-EBUSY, test_call(self->test, DMA_BUF_TEST_IOC_REMOVE_DEVICE, device));

	EXPECT_EQ(0, test_map(self->test, attachment, DMA_BUF_TEST_TO_DEVICE));
	EXPECT_EQ(-EBUSY, test_map(self->test, attachment, DMA_BUF_TEST_TO_DEVICE));
	EXPECT_EQ(-EBUSY, test_call(self->test, DMA_BUF_TEST_IOC_DETACH, attachment));
	EXPECT_EQ(0, test_call(self->test, DMA_BUF_TEST_IOC_UNMAP, attachment));
	EXPECT_EQ(-EINVAL, test_call(self->test, DMA_BUF_TEST_IOC_UNMAP, attachment));

	EXPECT_EQ(0, test_call(self->test, DMA_BUF_TEST_IOC_PIN, attachment));
	EXPECT_EQ(-EBUSY, test_call(self->test, DMA_BUF_TEST_IOC_DETACH, attachment));
	EXPECT_EQ(0, test_call(self->test, DMA_BUF_TEST_IOC_UNPIN, attachment));
	EXPECT_EQ(-EINVAL, test_call(self->test, DMA_BUF_TEST_IOC_UNPIN, attachment));

	EXPECT_EQ(0, test_call(self->test, DMA_BUF_TEST_IOC_VMAP, attachment));
	EXPECT_EQ(-EBUSY, test_call(self->test, DMA_BUF_TEST_IOC_DETACH, attachment));
	EXPECT_EQ(0, test_call(self->test, DMA_BUF_TEST_IOC_VUNMAP, attachment));
	EXPECT_EQ(-EINVAL, test_call(self->test, DMA_BUF_TEST_IOC_VUNMAP, attachment));

	EXPECT_EQ(0, test_call(self->test, DMA_BUF_TEST_IOC_DETACH, attachment));
	EXPECT_EQ(-ENOENT, test_call(self->test, DMA_BUF_TEST_IOC_DETACH, attachment));
	EXPECT_EQ(0, test_call(self->test, DMA_BUF_TEST_IOC_REMOVE_DEVICE, device));
}

TEST_F(device, who_does_not_follow_moves_cannot_pin)
{
	int fd, attachment;

	ASSERT_LT(0, test_export(self->test, DMA_BUF_TEST_DYNAMIC, self->size, &fd));
	attachment = test_attach_new(self->test, 0, fd);
	ASSERT_LT(0, attachment);
	EXPECT_EQ(-EINVAL, test_call(self->test, DMA_BUF_TEST_IOC_PIN, attachment));
	EXPECT_EQ(-EINVAL, test_map(self->test, attachment, 3));
}

TEST_F(device, the_chosen_call_of_an_op_fails_as_chosen)
{
	int fd, buffer, attachment;

	buffer = test_export(self->test, DMA_BUF_TEST_DYNAMIC, self->size, &fd);
	ASSERT_LT(0, buffer);
	ASSERT_EQ(0, test_fail(self->test, buffer, DMA_BUF_TEST_ATTACH_OP, 2, ENODEV));
	attachment = test_attach_new(self->test, DMA_BUF_TEST_FOLLOWS_MOVES, fd);
	ASSERT_LT(0, attachment);
	EXPECT_EQ(-ENODEV, test_attach_new(self->test, 0, fd));
	EXPECT_EQ(2U, test_op_calls(self->test, buffer, DMA_BUF_TEST_ATTACH_OP));

	ASSERT_EQ(0, test_fail(self->test, buffer, DMA_BUF_TEST_PIN_OP, 1, EREMOTEIO));
	EXPECT_EQ(-EREMOTEIO, test_call(self->test, DMA_BUF_TEST_IOC_PIN, attachment));
	ASSERT_EQ(0, test_fail(self->test, buffer, DMA_BUF_TEST_MAP_OP, 1, ENXIO));
	EXPECT_EQ(-ENXIO, test_map(self->test, attachment, DMA_BUF_TEST_BOTH));
	ASSERT_EQ(0, test_fail(self->test, buffer, DMA_BUF_TEST_VMAP_OP, 1, ENOSPC));
	EXPECT_EQ(-ENOSPC, test_call(self->test, DMA_BUF_TEST_IOC_VMAP, attachment));
	ASSERT_EQ(0, test_fail(self->test, buffer, DMA_BUF_TEST_MMAP_OP, 1, EPERM));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, self->size, PROT_READ, MAP_SHARED, fd, 0));
	EXPECT_EQ(EPERM, errno);

	EXPECT_EQ(0U, test_buffer_state(self->test, buffer).pins);
	EXPECT_EQ(0U, test_buffer_state(self->test, buffer).mappings);
	EXPECT_EQ(0, test_map(self->test, attachment, DMA_BUF_TEST_BOTH));
}

TEST_F(device, brackets_fail_with_the_exporters_error)
{
	struct dma_buf_sync sync = { .flags = DMA_BUF_SYNC_RW | DMA_BUF_SYNC_START };
	int fd, buffer = test_export(self->test, 0, self->size, &fd);

	ASSERT_LT(0, buffer);
	ASSERT_EQ(0, test_fail(self->test, buffer, DMA_BUF_TEST_BEGIN_CPU_ACCESS_OP, 1, EIO));
	EXPECT_EQ(-EIO, call_ioctl(fd, DMA_BUF_IOCTL_SYNC, &sync));
	EXPECT_EQ(0, call_ioctl(fd, DMA_BUF_IOCTL_SYNC, &sync));
	sync.flags |= DMA_BUF_SYNC_END;
	ASSERT_EQ(0, test_fail(self->test, buffer, DMA_BUF_TEST_END_CPU_ACCESS_OP, 1, EIO));
	EXPECT_EQ(-EIO, call_ioctl(fd, DMA_BUF_IOCTL_SYNC, &sync));
	EXPECT_EQ(0, call_ioctl(fd, DMA_BUF_IOCTL_SYNC, &sync));
}

TEST_F(device, what_returns_nothing_cannot_fail)
{
	static const __u32 ops[] = {
		DMA_BUF_TEST_DETACH_OP, DMA_BUF_TEST_UNPIN_OP, DMA_BUF_TEST_UNMAP_OP,
		DMA_BUF_TEST_VUNMAP_OP, DMA_BUF_TEST_OPS, ~0U,
	};
	int fd, buffer = test_export(self->test, 0, self->size, &fd);
	size_t i;

	ASSERT_LT(0, buffer);
	for (i = 0; i < ARRAY_SIZE(ops); i++)
		EXPECT_EQ(-EINVAL, test_fail(self->test, buffer, ops[i], 1, EIO));
	EXPECT_EQ(-EINVAL, test_fail(self->test, buffer, DMA_BUF_TEST_MAP_OP, 1, 0));
	EXPECT_EQ(-EINVAL, test_fail(self->test, buffer, DMA_BUF_TEST_MAP_OP, 1, 4096));
}

TEST_F(device, exporters_do_without_optional_ops)
{
	struct dma_buf_sync sync = { .flags = DMA_BUF_SYNC_READ | DMA_BUF_SYNC_START };
	int fd, attachment;

	ASSERT_LT(0, test_export(self->test, DMA_BUF_TEST_NO_CPU_ACCESS | DMA_BUF_TEST_NO_MMAP |
				 DMA_BUF_TEST_NO_VMAP, self->size, &fd));
	EXPECT_EQ(0, call_ioctl(fd, DMA_BUF_IOCTL_SYNC, &sync));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, self->size, PROT_READ, MAP_SHARED, fd, 0));
	EXPECT_EQ(EINVAL, errno);
	attachment = test_attach_and_map(self->test, 0, fd);
	ASSERT_LT(0, attachment);
	EXPECT_EQ(-EINVAL, test_call(self->test, DMA_BUF_TEST_IOC_VMAP, attachment));
}

TEST_F(device, cached_tables_are_made_once)
{
	int fd, buffer, attachment, i;

	buffer = test_export(self->test, DMA_BUF_TEST_CACHED, self->size, &fd);
	ASSERT_LT(0, buffer);
	attachment = test_attach_new(self->test, 0, fd);
	ASSERT_LT(0, attachment);
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(0, test_map(self->test, attachment, DMA_BUF_TEST_BOTH));
		EXPECT_EQ(0, test_call(self->test, DMA_BUF_TEST_IOC_UNMAP, attachment));
	}
	EXPECT_EQ(1U, test_op_calls(self->test, buffer, DMA_BUF_TEST_MAP_OP));
	EXPECT_EQ(0U, test_op_calls(self->test, buffer, DMA_BUF_TEST_UNMAP_OP));
	EXPECT_EQ(0, test_call(self->test, DMA_BUF_TEST_IOC_DETACH, attachment));
	EXPECT_EQ(1U, test_op_calls(self->test, buffer, DMA_BUF_TEST_UNMAP_OP));
}

/* What can't be told has not happened. */
TEST_F(device, an_answer_that_cannot_be_written_leaves_nothing)
{
	static const struct {
		unsigned long request;
		size_t size;
	} asked[] = {
		{ DMA_BUF_TEST_IOC_EXPORT, sizeof(struct dma_buf_test_buffer) },
		{ DMA_BUF_TEST_IOC_DEVICE, sizeof(struct dma_buf_test_device) },
	};
	char *page = page_before_a_hole(PROT_READ | PROT_WRITE);
	struct dma_buf_test_buffer *buffer = (void *)page;
	struct dma_buf_test_device *device = (void *)page;
	int fds = open("/dev/null", O_RDONLY), again;
	size_t i;

	ASSERT_NE(NULL, page);
	close(fds);
	for (i = 0; i < ARRAY_SIZE(asked); i++) {
		mprotect(page, page_size(), PROT_READ | PROT_WRITE);
		memset(page, 0, page_size());
		if (asked[i].request == DMA_BUF_TEST_IOC_EXPORT)
			buffer->size = self->size;
		else
			device->dma_bits = 64;
		mprotect(page, page_size(), PROT_READ);
		EXPECT_EQ(-EFAULT, call_ioctl(self->test, asked[i].request, page));
		EXPECT_EQ(-EFAULT, call_ioctl(self->test, asked[i].request,
					      page + page_size() - asked[i].size + 1));
	}
	again = open("/dev/null", O_RDONLY);
	EXPECT_EQ(fds, again);
	EXPECT_EQ(-ENOENT, test_call(self->test, DMA_BUF_TEST_IOC_DROP, 1));
	EXPECT_EQ(-ENOENT, test_call(self->test, DMA_BUF_TEST_IOC_REMOVE_DEVICE, 1));
}

TEST_F(device, unknown_ioctls_are_enotty)
{
	__u32 id = 1;

	EXPECT_EQ(-ENOTTY, call_ioctl(self->test, _IOW('b', 0x93, __u32), &id));
	EXPECT_EQ(-ENOTTY, call_ioctl(self->test, _IOW('b', 0x92, __u64), &id));
}

TEST_F(device, only_root_may_open_it)
{
	/* The capability counts, whoever was given the node. */
	ASSERT_EQ(0, chmod(TEST_DEVICE, 0666));
	ASSERT_EQ(0, seteuid(65534));
	EXPECT_EQ(-EPERM, test_open());
	EXPECT_EQ(0, seteuid(0));
	EXPECT_EQ(0, chmod(TEST_DEVICE, 0600));
}

/* In whatever state it is. */
TEST_F(device, closing_the_file_undoes_all)
{
	int fd, buffer, attachment;

	buffer = test_export(self->test, DMA_BUF_TEST_DYNAMIC, self->size, &fd);
	ASSERT_LT(0, buffer);
	attachment = test_attach_and_map(self->test, DMA_BUF_TEST_FOLLOWS_MOVES, fd);
	ASSERT_LT(0, attachment);
	ASSERT_EQ(0, test_call(self->test, DMA_BUF_TEST_IOC_PIN, attachment));
	ASSERT_EQ(0, test_call(self->test, DMA_BUF_TEST_IOC_VMAP, attachment));
	ASSERT_LT(0, test_fill_on_trigger(self->test, attachment, self->size, 1));
	EXPECT_FALSE(is_ready(fd, POLLOUT, 0));
	close(self->test);
	/* The job was cancelled. */
	EXPECT_TRUE(is_ready(fd, POLLOUT, PATIENCE));
	EXPECT_EQ((off_t)self->size, lseek(fd, 0, SEEK_END));
}

TEST_HARNESS_MAIN
