/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * /dev/dma_heap: buffers of the kind of memory that a device node stands for.
 */
#ifndef _UAPI_LINUX_DMA_HEAP_H
#define _UAPI_LINUX_DMA_HEAP_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* What the buffer's file may be opened as. */
#define DMA_HEAP_VALID_FD_FLAGS (O_CLOEXEC | O_ACCMODE)
/* No heap has any flags yet. */
#define DMA_HEAP_VALID_HEAP_FLAGS (0)

/**
 * struct dma_heap_allocation_data - DMA_HEAP_IOCTL_ALLOC
 * @len: in: the size of the buffer in bytes, rounded up to whole pages
 * @fd: in: 0; out: the buffer's file descriptor
 * @fd_flags: in: DMA_HEAP_VALID_FD_FLAGS
 * @heap_flags: in: DMA_HEAP_VALID_HEAP_FLAGS
 */
struct dma_heap_allocation_data {
	__u64 len;
	__u32 fd;
	__u32 fd_flags;
	__u64 heap_flags;
};

#define DMA_HEAP_IOC_MAGIC	'H'

/*
 * Makes a buffer, all of whose bytes are 0.  A program may have an older or a
 * newer idea of the structure: what it doesn't pass is 0, and what the kernel
 * doesn't know is ignored.
 *
 * EINVAL: no size, or one that can't be rounded up; @fd isn't 0; unknown flags
 * ENOMEM: the heap has not so much memory
 * EINTR: a signal is about to end the process
 * EFAULT: the parameters can't be read or written
 * EMFILE, ENFILE: no file descriptor, no file is left
 */
#define DMA_HEAP_IOCTL_ALLOC	_IOWR(DMA_HEAP_IOC_MAGIC, 0x0, \
				      struct dma_heap_allocation_data)

#endif /* _UAPI_LINUX_DMA_HEAP_H */
