/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * /dev/udmabuf: buffers out of a program's own memory.
 *
 * The memory is that of memfds, of shmem or hugetlb.  They must be sealed
 * against shrinking (F_SEAL_SHRINK), since devices are going to use the pages,
 * and not be sealed against writing (F_SEAL_WRITE, F_SEAL_FUTURE_WRITE).  While a
 * buffer of the memory lives, F_SEAL_WRITE cannot be set; F_SEAL_FUTURE_WRITE
 * can, and leaves the buffer as it is.
 */
#ifndef _UAPI_LINUX_UDMABUF_H
#define _UAPI_LINUX_UDMABUF_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* The new file descriptor is closed on exec.  Other flags are ignored. */
#define UDMABUF_FLAGS_CLOEXEC	0x01

/**
 * struct udmabuf_create - UDMABUF_CREATE
 * @memfd: whose memory it is
 * @flags: UDMABUF_FLAGS_CLOEXEC or 0
 * @offset: where in @memfd the buffer begins, in bytes; whole pages
 * @size: its size in bytes; whole pages
 */
struct udmabuf_create {
	__u32 memfd;
	__u32 flags;
	__u64 offset;
	__u64 size;
};

/**
 * struct udmabuf_create_item - a part of a buffer
 * @memfd: whose memory it is
 * @__pad: ignored
 * @offset: where in @memfd the part begins, in bytes; whole pages
 * @size: its size in bytes; whole pages
 */
struct udmabuf_create_item {
	__u32 memfd;
	__u32 __pad;
	__u64 offset;
	__u64 size;
};

/**
 * struct udmabuf_create_list - UDMABUF_CREATE_LIST
 * @flags: UDMABUF_FLAGS_CLOEXEC or 0
 * @count: how many parts there are
 * @list: the parts, in the order they have in the buffer
 */
struct udmabuf_create_list {
	__u32 flags;
	__u32 count;
	struct udmabuf_create_item list[];
};

/*
 * Both return the file descriptor of the buffer, or fail with:
 *
 * EBADFD: a memfd isn't one of shmem or hugetlb
 * EINVAL: no parts, or too many; an offset or a size that isn't whole pages;
 *	nothing, or more than the file has or the size limit allows; seals as
 *	they must not be
 * EBUSY: another program is about to seal a memfd against writing
 * EDQUOT: the user's buffers would hold more memory than the limit allows
 * EFAULT: the parameters can't be read
 * EINTR: a signal that kills the process; any signal, while huge pages are
 *	being allocated
 * EIO: a page can't be read from swap, or its memory is broken
 * EMFILE, ENFILE: no file descriptor, no file is left
 * ENOMEM: memory ran out
 * ENOSPC: vm.overcommit_memory is 2 and doesn't allow for the pages
 */
#define UDMABUF_CREATE		_IOW('u', 0x42, struct udmabuf_create)
#define UDMABUF_CREATE_LIST	_IOW('u', 0x43, struct udmabuf_create_list)

#endif /* _UAPI_LINUX_UDMABUF_H */
