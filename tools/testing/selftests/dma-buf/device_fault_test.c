// SPDX-License-Identifier: GPL-2.0-only
/*
 * What drivers do with buffers when memory runs out at any point of it: attaching,
 * mapping, pinning, moving and submitting work leave all as it was.
 */
#include "../kselftest_harness.h"

#include "sweep.h"
#include "test_device.h"

struct target {
	int test;
	int fail_nth;
	/* A buffer that can move, and a device that has it attached and mapped. */
	int fd;
	int buffer;
	int device;
	int attachment;
	/* Of the same buffer; not mapped. */
	int other;
	size_t size;
};

FIXTURE(faults)
{
	struct target target;
	struct dma_buf_test_buffer_state before;
};

FIXTURE_SETUP(faults)
{
	struct target *target = &self->target;

	if (LACKS(TEST_DEVICE, BUFINFO, FAIL_NTH, FAILSLAB))
		SKIP(return, "%s", lack);
	ASSERT_EQ(0, set_up_fault_injection());
	target->size = 10 * page_size();
	target->test = test_open();
	ASSERT_LE(0, target->test);
	target->buffer = test_export(target->test, DMA_BUF_TEST_DYNAMIC, target->size,
				     &target->fd);
	ASSERT_LT(0, target->buffer);
	target->device = test_device(target->test, 0);
	ASSERT_LT(0, target->device);
	target->attachment = test_attach_and_map(target->test, DMA_BUF_TEST_FOLLOWS_MOVES,
						 target->fd);
	ASSERT_LT(0, target->attachment);
	target->other = test_attach_new(target->test, DMA_BUF_TEST_FOLLOWS_MOVES, target->fd);
	ASSERT_LT(0, target->other);
	target->fail_nth = open(FAIL_NTH, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, target->fail_nth);
	self->before = test_buffer_state(target->test, target->buffer);
}

/* Nothing of what was tried is left. */
FIXTURE_TEARDOWN(faults)
{
	struct dma_buf_test_buffer_state state =
		test_buffer_state(self->target.test, self->target.buffer);

	EXPECT_EQ(self->before.pins, state.pins);
	EXPECT_EQ(self->before.mappings, state.mappings);
	EXPECT_EQ(self->before.vmaps, state.vmaps);
	EXPECT_EQ(0U, state.fences);
}

#define EXPECT_SWEPT(_call, _undo) do { \
	static const struct sweep_call swept = { .call = _call, .undo = _undo }; \
	EXPECT_LT(0, sweep(self->target.fail_nth, &self->target, &swept)); \
} while (0)

static int call_export(struct target *target)
{
	struct dma_buf_test_buffer buffer = { .size = target->size };
	int err = call_ioctl(target->test, DMA_BUF_TEST_IOC_EXPORT, &buffer);

	if (!err)
		close(buffer.fd);
	return err ?: (int)buffer.id;
}

static void undo_export(struct target *target, int id)
{
	test_call(target->test, DMA_BUF_TEST_IOC_DROP, id);
}

TEST_F(faults, exporting)
{
	EXPECT_SWEPT(call_export, undo_export);
}

static int call_device(struct target *target)
{
	return test_device(target->test, 0);
}

static void undo_device(struct target *target, int id)
{
	test_call(target->test, DMA_BUF_TEST_IOC_REMOVE_DEVICE, id);
}

TEST_F(faults, making_a_device)
{
	EXPECT_SWEPT(call_device, undo_device);
}

static int call_attach(struct target *target)
{
	return test_attach(target->test, target->device, target->fd);
}

static void undo_attach(struct target *target, int id)
{
	test_call(target->test, DMA_BUF_TEST_IOC_DETACH, id);
}

TEST_F(faults, attaching)
{
	EXPECT_SWEPT(call_attach, undo_attach);
	EXPECT_EQ(0, test_call(self->target.test, DMA_BUF_TEST_IOC_REMOVE_DEVICE,
			       self->target.device));
}

static int call_map(struct target *target)
{
	return test_map(target->test, target->other, DMA_BUF_TEST_BOTH);
}

static void undo_map(struct target *target, int result)
{
	test_call(target->test, DMA_BUF_TEST_IOC_UNMAP, target->other);
}

TEST_F(faults, mapping)
{
	EXPECT_SWEPT(call_map, undo_map);
}

/* From where it can't be mapped, so that it has to move. */
static int call_map_elsewhere(struct target *target)
{
	test_move(target->test, target->buffer, DMA_BUF_TEST_VRAM);
	return call_map(target);
}

TEST_F(faults, mapping_what_has_to_move)
{
	EXPECT_SWEPT(call_map_elsewhere, undo_map);
}

static int call_pin(struct target *target)
{
	return test_call(target->test, DMA_BUF_TEST_IOC_PIN, target->other);
}

static void undo_pin(struct target *target, int result)
{
	test_call(target->test, DMA_BUF_TEST_IOC_UNPIN, target->other);
}

TEST_F(faults, pinning)
{
	EXPECT_SWEPT(call_pin, undo_pin);
}

static int call_vmap(struct target *target)
{
	return test_call(target->test, DMA_BUF_TEST_IOC_VMAP, target->other);
}

static void undo_vmap(struct target *target, int result)
{
	test_call(target->test, DMA_BUF_TEST_IOC_VUNMAP, target->other);
}

TEST_F(faults, mapping_into_the_kernel)
{
	EXPECT_SWEPT(call_vmap, undo_vmap);
}

static int call_move(struct target *target)
{
	return test_move(target->test, target->buffer, DMA_BUF_TEST_SYSTEM);
}

TEST_F(faults, moving)
{
	__u32 *data = mmap(NULL, self->target.size, PROT_READ | PROT_WRITE, MAP_SHARED,
			   self->target.fd, 0);

	ASSERT_NE(MAP_FAILED, data);
	memset(data, 0x77, self->target.size);
	EXPECT_SWEPT(call_move, NULL);
	EXPECT_TRUE(has_only(data, self->target.size, 0x77777777));
	munmap(data, self->target.size);
}

static int call_job(struct target *target)
{
	struct dma_buf_test_job job = {
		.work = DMA_BUF_TEST_FILL,
		.target = target->attachment,
		.length = target->size,
	};
	int err = test_submit(target->test, &job);

	if (err)
		return err;
	is_ready(job.fd, POLLIN, PATIENCE);
	return job.fd;
}

static void undo_job(struct target *target, int fd)
{
	close(fd);
}

TEST_F(faults, submitting_a_job)
{
	EXPECT_SWEPT(call_job, undo_job);
}

/* A fault of the page, when the user touches it. */
static int call_mmap(struct target *target)
{
	char *data = mmap(NULL, target->size, PROT_READ, MAP_SHARED, target->fd, 0);

	if (data == MAP_FAILED)
		return -errno;
	munmap(data, target->size);
	return 0;
}

TEST_F(faults, mapping_for_the_user)
{
	EXPECT_SWEPT(call_mmap, NULL);
}

TEST_HARNESS_MAIN
