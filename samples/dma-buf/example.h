/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * What the example drivers do for programs. Each has a device of its own; every ioctl
 * returns 0, or -1 and an errno, and then nothing has changed.
 */
#ifndef DMA_BUF_EXAMPLE_H
#define DMA_BUF_EXAMPLE_H

#include <linux/ioctl.h>
#include <linux/types.h>

/**
 * struct dma_buf_example_export - DMA_BUF_EXAMPLE_EXPORT: make a buffer
 * @size: in: bytes; rounded up to whole pages
 * @fd: out: the dma-buf
 * @pad: in: 0
 *
 * Of /dev/dma_buf_example_exporter. EINVAL: @size is 0 or above 1 GiB, or @pad is
 * not 0; ENOMEM, EMFILE.
 */
struct dma_buf_example_export {
	__u64 size;
	__s32 fd;
	__u32 pad;
};

#define DMA_BUF_EXAMPLE_EXPORT	_IOWR('X', 0, struct dma_buf_example_export)

/* The importer follows when the buffer moves; otherwise it has it stay. */
#define DMA_BUF_EXAMPLE_DYNAMIC	0x1

/**
 * struct dma_buf_example_import - DMA_BUF_EXAMPLE_IMPORT: what a device would see
 * @fd: in: any dma-buf
 * @flags: in: 0 or DMA_BUF_EXAMPLE_DYNAMIC
 * @bytes: out: how many bytes have DMA addresses
 * @entries: out: in how many pieces
 * @pad: in: 0
 *
 * Of /dev/dma_buf_example_importer. Waits for those who write the buffer. With
 * DMA_BUF_EXAMPLE_DYNAMIC it stays attached and mapped, until the file is closed or
 * imports another one in this way; without, all is undone at once. EBADF: @fd
 * is not open; EINVAL: it is no dma-buf, or @flags or @pad are unknown; EINTR, ENOMEM,
 * or why the exporter cannot map the buffer.
 */
struct dma_buf_example_import {
	__s32 fd;
	__u32 flags;
	__u64 bytes;
	__u32 entries;
	__u32 pad;
};

#define DMA_BUF_EXAMPLE_IMPORT	_IOWR('X', 1, struct dma_buf_example_import)

/**
 * struct dma_buf_example_job - DMA_BUF_EXAMPLE_JOB: a fence that signals by itself
 * @delay_ms: in: after how many milliseconds, 10,000 at most
 * @fd: out: a sync file
 *
 * Of /dev/dma_buf_example_fence. EINVAL: it would take too long; ENOMEM, EMFILE.
 */
struct dma_buf_example_job {
	__u32 delay_ms;
	__s32 fd;
};

#define DMA_BUF_EXAMPLE_JOB	_IOWR('X', 2, struct dma_buf_example_job)

#endif /* DMA_BUF_EXAMPLE_H */
