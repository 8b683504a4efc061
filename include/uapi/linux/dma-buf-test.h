/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * /dev/dma_buf_test: exporters, importers and engines that need no hardware, so
 * that user space can have happen what drivers do to each other.
 *
 * What a file of the device makes has ids, from 1 on and counted for each kind:
 * buffers, devices, attachments, jobs.  They mean nothing to other files.  When the
 * file is closed its jobs are cancelled, its attachments detached, its devices gone;
 * buffers live on if somebody else has them.
 *
 * Whatever is asked in the wrong order or of something that isn't there gets an
 * error and changes nothing.  Each ioctl fails with ENOENT when an id is unknown,
 * EINVAL when a flag or a value is, EFAULT when the argument can't be read or
 * written, and with what the subsystem or an exporter's op returned.
 */
#ifndef _UAPI_LINUX_DMA_BUF_TEST_H
#define _UAPI_LINUX_DMA_BUF_TEST_H

#include <linux/ioctl.h>
#include <linux/types.h>

/**
 * enum dma_buf_test_placement - where a buffer's memory is
 * @DMA_BUF_TEST_SYSTEM: in pages that all devices can have mapped
 * @DMA_BUF_TEST_VRAM: in memory of the exporting device; only peers can have it
 *	mapped, and for others the buffer has to move to pages of the system
 */
enum dma_buf_test_placement {
	DMA_BUF_TEST_SYSTEM,
	DMA_BUF_TEST_VRAM,
};

/* Kinds of exporters. */
#define DMA_BUF_TEST_DYNAMIC		(1 << 0) /* can move what isn't pinned */
#define DMA_BUF_TEST_CACHED		(1 << 1) /* tables stay as long as attachments */
#define DMA_BUF_TEST_NO_CPU_ACCESS	(1 << 2) /* no begin_ and end_cpu_access */
#define DMA_BUF_TEST_NO_MMAP		(1 << 3) /* user space can't map it */
#define DMA_BUF_TEST_NO_VMAP		(1 << 4) /* nor can the kernel */

/**
 * struct dma_buf_test_buffer - export a buffer
 * @flags: DMA_BUF_TEST_* for exporters
 * @placement: where the memory is at first; of one that can't move, the system's
 * @size: in bytes, up to 1 GiB; rounded up to whole pages
 * @id: returned
 * @fd: returned, with O_RDWR and O_CLOEXEC
 *
 * EINVAL: the size is 0 or too large, or the flags exclude each other.
 */
struct dma_buf_test_buffer {
	__u32 flags;
	__u32 placement;
	__u64 size;
	__u32 id;
	__s32 fd;
};

/* Ops of exporters, for what is counted and what is to fail. */
enum dma_buf_test_op {
	DMA_BUF_TEST_ATTACH_OP,
	DMA_BUF_TEST_DETACH_OP,
	DMA_BUF_TEST_PIN_OP,
	DMA_BUF_TEST_UNPIN_OP,
	DMA_BUF_TEST_MAP_OP,
	DMA_BUF_TEST_UNMAP_OP,
	DMA_BUF_TEST_BEGIN_CPU_ACCESS_OP,
	DMA_BUF_TEST_END_CPU_ACCESS_OP,
	DMA_BUF_TEST_MMAP_OP,
	DMA_BUF_TEST_VMAP_OP,
	DMA_BUF_TEST_VUNMAP_OP,
	DMA_BUF_TEST_OPS
};

/**
 * struct dma_buf_test_fail - have an op of a buffer fail
 * @buffer: its id
 * @op: which op; not one that returns nothing
 * @nth: at which call, counted from now on: 1 is the next; 0: at none any more
 * @error: the errno, a positive number below 4096
 */
struct dma_buf_test_fail {
	__u32 buffer;
	__u32 op;
	__u32 nth;
	__u32 error;
};

/**
 * struct dma_buf_test_move - move a buffer
 * @buffer: its id
 * @placement: where to; if it is there already it moves to other memory there
 *
 * Importers that follow moves are notified, and fences waited for, before the
 * content is copied.  EBUSY: it is pinned, or mapped into the kernel; EOPNOTSUPP:
 * it can't move; EINTR: a signal came while a fence was waited for.
 */
struct dma_buf_test_move {
	__u32 buffer;
	__u32 placement;
};

/**
 * struct dma_buf_test_buffer_state - what a buffer is like
 * @buffer: its id
 * @placement: where its memory is
 * @pins: how often it is pinned
 * @mappings: how many tables of it there are
 * @vmaps: how often it is mapped into the kernel
 * @moves: how often it moved
 * @fences: how many fences it has that haven't signalled
 * @reserved: 0
 * @calls: how often each op was called, failures included
 */
struct dma_buf_test_buffer_state {
	__u32 buffer;
	__u32 placement;
	__u32 pins;
	__u32 mappings;
	__u32 vmaps;
	__u32 moves;
	__u32 fences;
	__u32 reserved;
	__u64 calls[DMA_BUF_TEST_OPS];
};

/* Kinds of importers; for each attachment of the device alike. */
#define DMA_BUF_TEST_FOLLOWS_MOVES	(1 << 0) /* a dynamic importer */
#define DMA_BUF_TEST_PEER		(1 << 1) /* copes with memory of other devices */
#define DMA_BUF_TEST_NONCOHERENT	(1 << 2) /* caches have to be looked after */

/**
 * struct dma_buf_test_device - make a device that imports
 * @flags: DMA_BUF_TEST_* for importers; a peer has to follow moves
 * @dma_bits: how many bits its DMA addresses have, 20 to 64
 * @max_segment: most bytes of an entry of a table, at least a page; 0: 64 KiB
 * @id: returned
 *
 * EOPNOTSUPP: on this architecture all devices are coherent; EIO: so few bits don't
 * reach all memory, and there are no bounce buffers for them.
 */
struct dma_buf_test_device {
	__u32 flags;
	__u32 dma_bits;
	__u32 max_segment;
	__u32 id;
};

/**
 * struct dma_buf_test_attach - attach a device to any buffer
 * @device: its id
 * @fd: the dma-buf
 * @id: returned
 */
struct dma_buf_test_attach {
	__u32 device;
	__s32 fd;
	__u32 id;
};

enum dma_buf_test_direction {
	DMA_BUF_TEST_BOTH,
	DMA_BUF_TEST_TO_DEVICE,
	DMA_BUF_TEST_FROM_DEVICE,
};

/**
 * struct dma_buf_test_map - have an attachment mapped
 * @attachment: its id
 * @direction: what the device may do
 * @entries: returned: how many entries the table has for the device
 * @reserved: 0
 * @address: returned: the DMA address of the first one
 *
 * EBUSY: it is mapped already.
 */
struct dma_buf_test_map {
	__u32 attachment;
	__u32 direction;
	__u32 entries;
	__u32 reserved;
	__u64 address;
};

/**
 * struct dma_buf_test_attachment_state - what an attachment is like
 * @attachment: its id
 * @pins: how often the importer has pinned it
 * @mapped: whether it is mapped
 * @stale: whether the buffer has moved since
 * @notices: how often the importer was told of a move
 * @locked: how often the reservation lock was held while it was
 * @last_notice: a number that is larger for what comes later, whatever the
 *	attachment
 */
struct dma_buf_test_attachment_state {
	__u32 attachment;
	__u32 pins;
	__u32 mapped;
	__u32 stale;
	__u32 notices;
	__u32 locked;
	__u64 last_notice;
};

/* What a device's engine does. */
enum dma_buf_test_work {
	DMA_BUF_TEST_FILL,	/* writes a value all over, by words of 32 bits */
	DMA_BUF_TEST_COPY,
	DMA_BUF_TEST_CHECKSUM,	/* adds up the words */
};

/* When a job is over. */
enum dma_buf_test_end {
	DMA_BUF_TEST_AFTER,	/* some time after it began */
	DMA_BUF_TEST_TRIGGER,	/* when told so */
	DMA_BUF_TEST_NEVER,	/* when the file is closed */
};

#define DMA_BUF_TEST_NO_WAIT	(1 << 0) /* begin at once, whatever others do */

/**
 * struct dma_buf_test_job - have engines work
 * @flags: DMA_BUF_TEST_NO_WAIT
 * @work: enum dma_buf_test_work
 * @source: attachment that is read, 0 for FILL
 * @target: attachment that is written, 0 for CHECKSUM
 * @source_offset: in the buffer, a multiple of 4, as all of these
 * @target_offset: likewise
 * @length: in bytes
 * @value: to fill with
 * @end: enum dma_buf_test_end
 * @delay_ns: for AFTER
 * @error: the errno that it ends with, or 0; then it has done nothing
 * @usage: of its fence in the source: enum dma_resv_usage plus 1, or 0 for that of
 *	a reader; the fence in the target is always a writer's
 * @id: returned
 * @fd: returned: a sync file of its fence
 *
 * The job begins when those fences have signalled that must: of a source, those of
 * writers; of a target, those of readers as well.  It finds memory by the DMA
 * addresses of the tables.  EINVAL: an attachment isn't mapped, or not for that
 * direction, or the bytes aren't in the buffer; ESTALE: the buffer has moved.
 */
struct dma_buf_test_job {
	__u32 flags;
	__u32 work;
	__u32 source;
	__u32 target;
	__u64 source_offset;
	__u64 target_offset;
	__u64 length;
	__u32 value;
	__u32 end;
	__u64 delay_ns;
	__u32 error;
	__u32 usage;
	__u32 id;
	__s32 fd;
};

/**
 * struct dma_buf_test_trigger - have a job end that waits to be told
 * @job: its id
 * @error: the errno that it ends with, or 0
 *
 * If it hasn't begun it ends when it has.  EINVAL: it doesn't wait for that; EALREADY:
 * it was told before.
 */
struct dma_buf_test_trigger {
	__u32 job;
	__u32 error;
};

/**
 * struct dma_buf_test_job_state - what has become of a job
 * @job: its id
 * @signaled: whether its fence has
 * @status: 1 for success, a negative errno, 0 before it has signalled
 * @checksum: of a CHECKSUM that was successful
 */
struct dma_buf_test_job_state {
	__u32 job;
	__u32 signaled;
	__s32 status;
	__u32 checksum;
};

#define DMA_BUF_TEST_BASE	'b'

/*
 * Those that have a __u32 for an argument want an id: DROP a buffer's, of which the
 * file keeps a reference until then; REMOVE_DEVICE a device's; all others an
 * attachment's.  EBUSY: something else still needs it (an attachment its device; a
 * job, a mapping, a pin their attachment).  EINVAL: there is nothing to be undone,
 * or to be pinned: that is for those who follow moves.
 */
#define DMA_BUF_TEST_IOC_EXPORT \
	_IOWR(DMA_BUF_TEST_BASE, 0x80, struct dma_buf_test_buffer)
#define DMA_BUF_TEST_IOC_FAIL \
	_IOW(DMA_BUF_TEST_BASE, 0x81, struct dma_buf_test_fail)
#define DMA_BUF_TEST_IOC_MOVE \
	_IOW(DMA_BUF_TEST_BASE, 0x82, struct dma_buf_test_move)
#define DMA_BUF_TEST_IOC_BUFFER_STATE \
	_IOWR(DMA_BUF_TEST_BASE, 0x83, struct dma_buf_test_buffer_state)
#define DMA_BUF_TEST_IOC_DEVICE \
	_IOWR(DMA_BUF_TEST_BASE, 0x84, struct dma_buf_test_device)
#define DMA_BUF_TEST_IOC_REMOVE_DEVICE	_IOW(DMA_BUF_TEST_BASE, 0x85, __u32)
#define DMA_BUF_TEST_IOC_ATTACH \
	_IOWR(DMA_BUF_TEST_BASE, 0x86, struct dma_buf_test_attach)
#define DMA_BUF_TEST_IOC_DETACH	_IOW(DMA_BUF_TEST_BASE, 0x87, __u32)
#define DMA_BUF_TEST_IOC_PIN	_IOW(DMA_BUF_TEST_BASE, 0x88, __u32)
#define DMA_BUF_TEST_IOC_UNPIN	_IOW(DMA_BUF_TEST_BASE, 0x89, __u32)
#define DMA_BUF_TEST_IOC_MAP \
	_IOWR(DMA_BUF_TEST_BASE, 0x8a, struct dma_buf_test_map)
#define DMA_BUF_TEST_IOC_UNMAP	_IOW(DMA_BUF_TEST_BASE, 0x8b, __u32)
#define DMA_BUF_TEST_IOC_ATTACHMENT_STATE \
	_IOWR(DMA_BUF_TEST_BASE, 0x8c, struct dma_buf_test_attachment_state)
#define DMA_BUF_TEST_IOC_JOB \
	_IOWR(DMA_BUF_TEST_BASE, 0x8d, struct dma_buf_test_job)
#define DMA_BUF_TEST_IOC_TRIGGER \
	_IOW(DMA_BUF_TEST_BASE, 0x8e, struct dma_buf_test_trigger)
#define DMA_BUF_TEST_IOC_JOB_STATE \
	_IOWR(DMA_BUF_TEST_BASE, 0x8f, struct dma_buf_test_job_state)
#define DMA_BUF_TEST_IOC_VMAP	_IOW(DMA_BUF_TEST_BASE, 0x90, __u32)
#define DMA_BUF_TEST_IOC_VUNMAP	_IOW(DMA_BUF_TEST_BASE, 0x91, __u32)
#define DMA_BUF_TEST_IOC_DROP	_IOW(DMA_BUF_TEST_BASE, 0x92, __u32)

#endif /* _UAPI_LINUX_DMA_BUF_TEST_H */
