/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * What user space may do with the file descriptor of a shared buffer.
 */
#ifndef _DMA_BUF_UAPI_H_
#define _DMA_BUF_UAPI_H_

#include <linux/types.h>

/*
 * Directions, shared by every structure below.  READ and WRITE speak of the
 * caller's own access: a program about to read pixels says READ.
 */
#define DMA_BUF_SYNC_READ	(1 << 0)
#define DMA_BUF_SYNC_WRITE	(2 << 0)
#define DMA_BUF_SYNC_RW		(DMA_BUF_SYNC_READ | DMA_BUF_SYNC_WRITE)

/* The two ends of a bracket of CPU access, for DMA_BUF_IOCTL_SYNC only. */
#define DMA_BUF_SYNC_START	(0 << 2)
#define DMA_BUF_SYNC_END	(1 << 2)
#define DMA_BUF_SYNC_VALID_FLAGS_MASK \
	(DMA_BUF_SYNC_RW | DMA_BUF_SYNC_END)

/* Room for a buffer's name, its terminating NUL counted. */
#define DMA_BUF_NAME_LEN	32

/**
 * struct dma_buf_sync - open or close a bracket of CPU access
 * @flags: a direction (%DMA_BUF_SYNC_READ, %DMA_BUF_SYNC_WRITE or both), or-ed
 *	with %DMA_BUF_SYNC_START before the first access or %DMA_BUF_SYNC_END
 *	after the last one
 *
 * Loads and stores through a mapping of the buffer are only coherent with the
 * devices that use it inside such a bracket.  Opening one waits for the jobs
 * that conflict with @flags.  Another bit, or no direction, is EINVAL; EINTR
 * and EAGAIN ask for another try.
 */
struct dma_buf_sync {
	__u64 flags;
};

/**
 * struct dma_buf_export_sync_file - take the buffer's fences into a sync file
 * @flags: what the caller is going to do: to read it has to await the writers,
 *	to write it has to await everybody
 * @fd: out: a new sync file, close-on-exec
 *
 * The result is a snapshot; jobs queued afterwards are not in it.  Without any
 * pending job it is a sync file that has signalled.
 */
struct dma_buf_export_sync_file {
	__u32 flags;
	__s32 fd;
};

/**
 * struct dma_buf_import_sync_file - make the buffer wait for a sync file
 * @flags: as what the job behind @fd uses the buffer
 * @fd: a sync file; it stays open and stays the caller's
 *
 * Drivers that follow implicit synchronisation, and poll(), treat the job
 * afterwards as though its driver had announced it.
 */
struct dma_buf_import_sync_file {
	__u32 flags;
	__s32 fd;
};

#define DMA_BUF_BASE			'b'
#define DMA_BUF_IOCTL_SYNC		_IOW(DMA_BUF_BASE, 0, struct dma_buf_sync)

/*
 * The argument is the name itself, but a pointer is what the number encodes:
 * 32-bit and 64-bit programs arrive with different ones, A and B.
 */
#define DMA_BUF_SET_NAME		_IOW(DMA_BUF_BASE, 1, const char *)
#define DMA_BUF_SET_NAME_A		_IOW(DMA_BUF_BASE, 1, __u32)
#define DMA_BUF_SET_NAME_B		_IOW(DMA_BUF_BASE, 1, __u64)

#define DMA_BUF_IOCTL_EXPORT_SYNC_FILE	_IOWR(DMA_BUF_BASE, 2, struct dma_buf_export_sync_file)
#define DMA_BUF_IOCTL_IMPORT_SYNC_FILE	_IOW(DMA_BUF_BASE, 3, struct dma_buf_import_sync_file)

#endif
