/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A PCI device that reads and writes buffers: QEMU's "edu", by way of the sample
 * driver.
 */
#ifndef EDU_H
#define EDU_H

#include <limits.h>

#include "../../../../samples/dma-buf/edu_dma_buf.h"
#include "fence_helpers.h"
#include "memory_helpers.h"

#define EDU		"/dev/edu_dma_buf"
#define EDU_DEVICE	"/sys/class/misc/edu_dma_buf/device"
#define EDU_DRIVER	"/sys/bus/pci/drivers/edu_dma_buf"
#define EDU_DMA_BITS	"/sys/module/edu_dma_buf/parameters/dma_bits"

/* Most bytes of a transfer. */
#define MOST		EDU_DMA_BUF_MAX_SIZE

static inline int edu_open(void)
{
	int edu = open(EDU, O_RDWR | O_CLOEXEC);

	return edu < 0 ? -errno : edu;
}

/* A handle, or -errno. */
static inline int edu_import(int edu, int buffer)
{
	struct edu_dma_buf_import request = { .fd = buffer };
	int err = call_ioctl(edu, EDU_DMA_BUF_IMPORT, &request);

	return err ?: (int)request.handle;
}

static inline int edu_release(int edu, int handle)
{
	struct edu_dma_buf_release request = { .handle = handle };

	return call_ioctl(edu, EDU_DMA_BUF_RELEASE, &request);
}

/* 0, or a sync file if @flags ask for one, or -errno. */
static inline int edu_transfer(int edu, int handle, __u32 flags, __u64 offset, __u32 size)
{
	struct edu_dma_buf_transfer request = {
		.handle = handle,
		.flags = flags,
		.offset = offset,
		.size = size,
	};
	int err = call_ioctl(edu, EDU_DMA_BUF_TRANSFER, &request);

	return err ?: (flags & EDU_DMA_BUF_FENCE ? request.fence : 0);
}

/* These return a sync file, or -errno. */
static inline int edu_read(int edu, int handle, __u64 offset, __u32 size)
{
	return edu_transfer(edu, handle, EDU_DMA_BUF_FENCE, offset, size);
}

static inline int edu_write(int edu, int handle, __u64 offset, __u32 size)
{
	return edu_transfer(edu, handle, EDU_DMA_BUF_FENCE | EDU_DMA_BUF_WRITE, offset, size);
}

/* Where the device finds a byte of the buffer. */
static inline int edu_address(int edu, int handle, __u64 offset,
			      struct edu_dma_buf_address *where)
{
	memset(where, 0, sizeof(*where));
	where->handle = handle;
	where->offset = offset;
	return call_ioctl(edu, EDU_DMA_BUF_ADDRESS, where);
}

/* Waits for a transfer and closes its sync file; 1, or -errno. */
static inline int finish(int sync_file)
{
	struct pollfd request = { .fd = sync_file, .events = POLLIN };
	int ret;

	if (sync_file < 0)
		return sync_file;
	ret = poll(&request, 1, PATIENCE) == 1 ? read_status(sync_file) : -ETIME;
	close(sync_file);
	return ret;
}

/* The same one after the other: what is in one buffer goes to the other. */
static inline int edu_copy(int edu, int from, __u64 from_offset, int to, __u64 to_offset,
			   __u32 size)
{
	int ret = finish(edu_read(edu, from, from_offset, size));

	return ret < 0 ? ret : finish(edu_write(edu, to, to_offset, size));
}

/* Is it behind an IOMMU that translates, and forgets a mapping when that ends? */
static inline bool edu_is_translated(void)
{
	char *type = read_file(EDU_DEVICE "/iommu_group/type");
	bool translated = type && !strcmp(type, "DMA\n");

	free(type);
	return translated;
}

/* The device's name on its bus. */
static inline int edu_name(char *name, size_t room)
{
	char target[PATH_MAX];
	ssize_t len = readlink(EDU_DEVICE, target, sizeof(target) - 1);

	if (len < 0)
		return -errno;
	target[len] = '\0';
	snprintf(name, room, "%s", strrchr(target, '/') + 1);
	return 0;
}

#endif
