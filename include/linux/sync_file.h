/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sync files: fences in user space's hands.
 */
#ifndef _LINUX_SYNC_FILE_H
#define _LINUX_SYNC_FILE_H

#include <linux/dma-fence.h>
#include <linux/dma-fence-array.h> /* i915 and virtio-gpu have it from here */
#include <linux/list.h>
#include <linux/types.h>
#include <linux/wait.h>

struct file;

/**
 * struct sync_file - a file that stands for a fence
 * @file: whose reference this is: it is released with it.  Until the file has a
 *	fd, its creator gives it up with fput().
 * @fence: with a reference; never changes
 * @wq: who sleeps in poll()
 * @cb: wakes @wq, once @fence has been asked to call it
 * @flags: SYNC_FILE_ARMED, atomic
 * @listed: in debugfs sync/info, under the lock of that; else unhashed
 * @user_name: given by user space, never changes; empty if none was.  See
 *	sync_file_get_name().
 *
 * All but @file is private.
 */
struct sync_file {
	struct file *file;
	struct dma_fence *fence;
	wait_queue_head_t wq;
	struct dma_fence_cb cb;
	unsigned long flags;
#ifdef CONFIG_SW_SYNC
	struct hlist_node listed;
#endif
	char user_name[32];
};

/* Bit of sync_file.flags: @cb has been given to @fence, or was too late. */
#define SYNC_FILE_ARMED	0

struct sync_file *sync_file_create(struct dma_fence *fence);
struct dma_fence *sync_file_get_fence(int fd);
char *sync_file_get_name(struct sync_file *sync_file, char *buf, int len);

#endif /* _LINUX_SYNC_FILE_H */
