/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * /dev/edu_dma_buf: has QEMU's PCI device "edu" read and write dma-bufs.
 *
 * The device has a buffer of its own.  A transfer fills it, from its start, with
 * bytes of a dma-buf, or writes what is in it into one.  Transfers run one after
 * the other, in the order in which they were asked for.
 *
 * Every ioctl returns 0, or -1 and an errno; after an error nothing has changed.
 * Besides those named below there are EFAULT for an argument that isn't there,
 * ENOTTY for an ioctl that isn't, ENODEV when the device has been removed, EIO
 * once it hangs, ENOMEM, and EINTR.
 */
#ifndef EDU_DMA_BUF_H
#define EDU_DMA_BUF_H

#include <linux/ioctl.h>
#include <linux/types.h>

/*
 * Most bytes of a transfer.  The device's buffer has 4096, but versions of QEMU
 * take a transfer that reaches its end for one that goes beyond, and abort.
 */
#define EDU_DMA_BUF_MAX_SIZE	4088

/**
 * struct edu_dma_buf_import - EDU_DMA_BUF_IMPORT: map a buffer for the device
 * @fd: in: of the dma-buf
 * @handle: out: what stands for it from now on, never 0; until
 *	EDU_DMA_BUF_RELEASE, or until the device's file is closed
 *
 * EBADF: @fd isn't open; EINVAL: it isn't a dma-buf; or why the exporter cannot
 * map the buffer for this device.
 */
struct edu_dma_buf_import {
	__s32 fd;
	__u32 handle;
};

/**
 * struct edu_dma_buf_release - EDU_DMA_BUF_RELEASE: unmap a buffer
 * @handle: in: its handle, which is gone afterwards
 * @pad: in: 0
 *
 * Waits for the transfers of the buffer.  Afterwards the CPU sees what the device
 * wrote, even if the exporter doesn't know of DMA_BUF_IOCTL_SYNC.
 *
 * ENOENT: no such handle; EINVAL: @pad isn't 0.
 */
struct edu_dma_buf_release {
	__u32 handle;
	__u32 pad;
};

/* Flags of a transfer: the device writes into the buffer; otherwise it reads. */
#define EDU_DMA_BUF_WRITE	0x1
/* A sync file of the transfer is wanted. */
#define EDU_DMA_BUF_FENCE	0x2
/*
 * For tests of the IOMMU: the buffer is unmapped before the transfer begins, which
 * is going to miss it therefore.  Nothing else can be done with the handle then
 * but to release it.
 */
#define EDU_DMA_BUF_STALE	0x4

/**
 * struct edu_dma_buf_transfer - EDU_DMA_BUF_TRANSFER: have a part transferred
 * @handle: in: of the buffer
 * @flags: in: EDU_DMA_BUF_WRITE and so on
 * @offset: in: where the part begins
 * @size: in: bytes, 1 to EDU_DMA_BUF_MAX_SIZE
 * @fence: out, with EDU_DMA_BUF_FENCE: fd of a sync file that signals when the
 *	transfer is over
 *
 * Returns at once.  The transfer waits for those who write to the buffer, and if it
 * writes itself, for those who read, too; and who comes later waits for it.
 *
 * ENOENT: no such handle; EINVAL: unknown flags, or a @size that isn't allowed;
 * ERANGE: the part isn't within the buffer; ENXIO: the buffer has been unmapped;
 * EMFILE, ENFILE: no fd is left.  With EDU_DMA_BUF_STALE also EOPNOTSUPP: there is
 * no IOMMU that would keep the device away at once, and EBUSY: the buffer's earlier
 * transfers aren't over yet; after other errors the buffer may be unmapped.
 */
struct edu_dma_buf_transfer {
	__u32 handle;
	__u32 flags;
	__u64 offset;
	__u32 size;
	__s32 fence;
};

/**
 * struct edu_dma_buf_address - EDU_DMA_BUF_ADDRESS: where the device finds a buffer
 * @handle: in: of the buffer
 * @pad: in: 0
 * @offset: in: of a byte of the buffer
 * @address: out: the DMA address of that byte
 * @length: out: how many bytes there are from there to the end of the segment
 *
 * ENOENT: no such handle; EINVAL: @pad isn't 0; ERANGE: the byte isn't within the
 * buffer; ENXIO: the buffer has been unmapped.
 */
struct edu_dma_buf_address {
	__u32 handle;
	__u32 pad;
	__u64 offset;
	__u64 address;
	__u64 length;
};

#define EDU_DMA_BUF_IMPORT	_IOWR(0xed, 0, struct edu_dma_buf_import)
#define EDU_DMA_BUF_RELEASE	_IOW(0xed, 1, struct edu_dma_buf_release)
#define EDU_DMA_BUF_TRANSFER	_IOWR(0xed, 2, struct edu_dma_buf_transfer)
#define EDU_DMA_BUF_ADDRESS	_IOWR(0xed, 3, struct edu_dma_buf_address)

#endif /* EDU_DMA_BUF_H */
