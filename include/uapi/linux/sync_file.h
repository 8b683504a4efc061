/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * Sync files: file descriptors that tell when a device is done.
 *
 * A driver that queues work for a device can return a sync file with it.  It
 * becomes readable (POLLIN) when the work has ended, well or not, and stays so.
 * It can be given to another driver, which then waits for the work, and be
 * merged with others.
 */
#ifndef _UAPI_LINUX_SYNC_FILE_H
#define _UAPI_LINUX_SYNC_FILE_H

#include <linux/ioctl.h>
#include <linux/types.h>

/**
 * struct sync_merge_data - SYNC_IOC_MERGE
 * @name: of the new sync file; what doesn't fit with a NUL is cut off
 * @fd2: in: the sync file to merge with the one that the ioctl is for
 * @fence: out: the new sync file, which is closed on exec
 * @flags: 0
 * @pad: 0
 */
struct sync_merge_data {
	char	name[32];
	__s32	fd2;
	__s32	fence;
	__u32	flags;
	__u32	pad;
};

/**
 * struct sync_fence_info - one of the fences of a sync file
 * @obj_name: its timeline
 * @driver_name: who signals it
 * @status: 1 when it has signalled, 0 before, a negative error number when the
 *	work has failed
 * @flags: 0
 * @timestamp_ns: when it signalled, by CLOCK_MONOTONIC; 0 before
 */
struct sync_fence_info {
	char	obj_name[32];
	char	driver_name[32];
	__s32	status;
	__u32	flags;
	__u64	timestamp_ns;
};

/**
 * struct sync_file_info - SYNC_IOC_FILE_INFO
 * @name: out: of the sync file
 * @status: out: as for a fence, of all of them together
 * @flags: 0
 * @num_fences: in: how many elements @sync_fence_info has room for; with 0 it
 *	isn't looked at.  Out: how many fences there are.
 * @pad: 0
 * @sync_fence_info: in: address of an array of struct sync_fence_info
 */
struct sync_file_info {
	char	name[32];
	__s32	status;
	__u32	flags;
	__u32	num_fences;
	__u32	pad;
	__u64	sync_fence_info;
};

/**
 * struct sync_set_deadline - SYNC_IOC_SET_DEADLINE
 * @deadline_ns: when somebody will want the work to be done, by CLOCK_MONOTONIC
 * @pad: 0
 */
struct sync_set_deadline {
	__u64	deadline_ns;
	__u64	pad;
};

#define SYNC_IOC_MAGIC		'>'

/* The numbers 0 to 2 are taken: interfaces of the past had them. */

/**
 * DOC: SYNC_IOC_MERGE - make one sync file of two
 *
 * The new one signals when both have.  They go on as before, and it outlives
 * them.
 */
#define SYNC_IOC_MERGE		_IOWR(SYNC_IOC_MAGIC, 3, struct sync_merge_data)

/**
 * DOC: SYNC_IOC_FILE_INFO - what a sync file waits for
 *
 * EINVAL if there are more fences than the array has room for.  Call with room
 * for none to learn how many there are: there won't be more later.
 */
#define SYNC_IOC_FILE_INFO	_IOWR(SYNC_IOC_MAGIC, 4, struct sync_file_info)

/**
 * DOC: SYNC_IOC_SET_DEADLINE - tell the device when it has to be done
 *
 * A hint to those who choose clock speeds.  It promises nothing.
 */
#define SYNC_IOC_SET_DEADLINE	_IOW(SYNC_IOC_MAGIC, 5, struct sync_set_deadline)

#endif /* _UAPI_LINUX_SYNC_FILE_H */
