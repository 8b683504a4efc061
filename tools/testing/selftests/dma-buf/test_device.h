/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Exporters, importers and their engines, by /dev/dma_buf_test: what drivers do to
 * each other, in a few lines.  What returns an id returns a negative errno otherwise.
 */
#ifndef TEST_DEVICE_H
#define TEST_DEVICE_H

#include <poll.h>
#include <linux/dma-buf-test.h>

#include "dmabuf_helpers.h"

#define TEST_DEVICE	"/dev/dma_buf_test"

static inline int test_open(void)
{
	int test = open(TEST_DEVICE, O_RDWR | O_CLOEXEC);

	return test < 0 ? -errno : test;
}

/* For ioctls whose argument is an id. */
static inline int test_call(int test, unsigned long request, __u32 id)
{
	return call_ioctl(test, request, &id);
}

/* A buffer that is in the system's pages at first; its id, and its fd. */
static inline int test_export(int test, __u32 flags, size_t size, int *fd)
{
	struct dma_buf_test_buffer buffer = { .flags = flags, .size = size };
	int err = call_ioctl(test, DMA_BUF_TEST_IOC_EXPORT, &buffer);

	*fd = err ? -1 : buffer.fd;
	return err ?: (int)buffer.id;
}

static inline int test_move(int test, __u32 buffer, __u32 placement)
{
	struct dma_buf_test_move move = { .buffer = buffer, .placement = placement };

	return call_ioctl(test, DMA_BUF_TEST_IOC_MOVE, &move);
}

/* The op's @nth call from now on fails with @error. */
static inline int test_fail(int test, __u32 buffer, __u32 op, __u32 nth, __u32 error)
{
	struct dma_buf_test_fail fail = {
		.buffer = buffer, .op = op, .nth = nth, .error = error,
	};

	return call_ioctl(test, DMA_BUF_TEST_IOC_FAIL, &fail);
}

/* All is 0 if there is no such buffer. */
static inline struct dma_buf_test_buffer_state test_buffer_state(int test, __u32 buffer)
{
	struct dma_buf_test_buffer_state state = { .buffer = buffer };
	const struct dma_buf_test_buffer_state none = {};

	return call_ioctl(test, DMA_BUF_TEST_IOC_BUFFER_STATE, &state) ? none : state;
}

static inline int test_placement(int test, __u32 buffer)
{
	return test_buffer_state(test, buffer).placement;
}

static inline __u64 test_op_calls(int test, __u32 buffer, __u32 op)
{
	return test_buffer_state(test, buffer).calls[op];
}

/* A device that imports; its id. */
static inline int test_device_with(int test, __u32 flags, __u32 dma_bits, __u32 max_segment)
{
	struct dma_buf_test_device device = {
		.flags = flags, .dma_bits = dma_bits, .max_segment = max_segment,
	};

	return call_ioctl(test, DMA_BUF_TEST_IOC_DEVICE, &device) ?: (int)device.id;
}

static inline int test_device(int test, __u32 flags)
{
	return test_device_with(test, flags, 64, 0);
}

/* An attachment; its id. */
static inline int test_attach(int test, __u32 device, int fd)
{
	struct dma_buf_test_attach attach = { .device = device, .fd = fd };

	return call_ioctl(test, DMA_BUF_TEST_IOC_ATTACH, &attach) ?: (int)attach.id;
}

/* Of a device that is made for this alone. */
static inline int test_attach_new(int test, __u32 device_flags, int fd)
{
	int device = test_device(test, device_flags);

	return device < 0 ? device : test_attach(test, device, fd);
}

static inline int test_map(int test, __u32 attachment, __u32 direction)
{
	struct dma_buf_test_map map = { .attachment = attachment, .direction = direction };

	return call_ioctl(test, DMA_BUF_TEST_IOC_MAP, &map);
}

/* One that is mapped in both directions. */
static inline int test_attach_and_map(int test, __u32 device_flags, int fd)
{
	int attachment = test_attach_new(test, device_flags, fd), err;

	if (attachment < 0)
		return attachment;
	err = test_map(test, attachment, DMA_BUF_TEST_BOTH);
	return err ?: attachment;
}

/* All is 0 if there is no such attachment. */
static inline struct dma_buf_test_attachment_state
test_attachment_state(int test, __u32 attachment)
{
	struct dma_buf_test_attachment_state state = { .attachment = attachment };
	const struct dma_buf_test_attachment_state none = {};

	return call_ioctl(test, DMA_BUF_TEST_IOC_ATTACHMENT_STATE, &state) ? none : state;
}

/* Has a job done; job.id and job.fd are filled in. */
static inline int test_submit(int test, struct dma_buf_test_job *job)
{
	return call_ioctl(test, DMA_BUF_TEST_IOC_JOB, job);
}

/* A job that fills @size bytes of an attachment when it is triggered; its id. */
static inline int test_fill_on_trigger(int test, __u32 attachment, size_t size, __u32 value)
{
	struct dma_buf_test_job job = {
		.work = DMA_BUF_TEST_FILL,
		.target = attachment,
		.length = size,
		.value = value,
		.end = DMA_BUF_TEST_TRIGGER,
	};
	int err = test_submit(test, &job);

	if (!err)
		close(job.fd);
	return err ?: (int)job.id;
}

static inline int test_trigger(int test, __u32 job, __u32 error)
{
	struct dma_buf_test_trigger trigger = { .job = job, .error = error };

	return call_ioctl(test, DMA_BUF_TEST_IOC_TRIGGER, &trigger);
}

/* All is 0 if there is no such job. */
static inline struct dma_buf_test_job_state test_job_state(int test, __u32 job)
{
	struct dma_buf_test_job_state state = { .job = job };
	const struct dma_buf_test_job_state none = {};

	return call_ioctl(test, DMA_BUF_TEST_IOC_JOB_STATE, &state) ? none : state;
}

/* Submits a job, and waits for it: 1, or what it ended with. */
static inline int test_do(int test, struct dma_buf_test_job *job)
{
	int err = test_submit(test, job);

	if (err)
		return err;
	if (!is_ready(job->fd, POLLIN, PATIENCE))
		err = -ETIMEDOUT;
	close(job->fd);
	return err ?: test_job_state(test, job->id).status;
}

static inline int test_fill(int test, __u32 attachment, size_t size, __u32 value)
{
	struct dma_buf_test_job job = {
		.work = DMA_BUF_TEST_FILL,
		.target = attachment,
		.length = size,
		.value = value,
	};

	return test_do(test, &job);
}

static inline int test_copy(int test, __u32 target, __u32 source, size_t size)
{
	struct dma_buf_test_job job = {
		.work = DMA_BUF_TEST_COPY,
		.target = target,
		.source = source,
		.length = size,
	};

	return test_do(test, &job);
}

/* Whether all words of a mapping have a value. */
static inline bool has_only(const void *data, size_t size, __u32 value)
{
	const __u32 *words = data;
	size_t i;

	for (i = 0; i < size / sizeof(*words); i++) {
		if (words[i] != value)
			return false;
	}
	return true;
}

#endif
