// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sync files: fences in user space's hands.
 *
 * A sync file is an anonymous file that holds a fence.  The fence never changes
 * and has signalled for good once it has, so there is nothing to lock.  A file
 * can be waited for, merged with another, and asked what its fences are.
 *
 * A fd shows its file to everybody, and can't be taken back.  So every ioctl
 * that makes one installs it last, after all that can fail.
 */
#include <linux/anon_inodes.h>
#include <linux/cleanup.h>
#include <linux/compiler.h>
#include <linux/dma-fence-unwrap.h>
#include <linux/export.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/ktime.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/sprintf.h>
#include <linux/string.h>
#include <linux/sync_file.h>
#include <linux/uaccess.h>
#include <linux/unroll.h>
#include <uapi/linux/sync_file.h>

#include "sync_debug.h"

static const struct file_operations sync_file_fops;

/**
 * sync_file_create - make a file that stands for a fence
 * @fence: the file takes a reference of its own
 *
 * The caller has the only reference on the file: fd_install() gives it away,
 * fput() releases the sync file.
 *
 * Context: Process context, may sleep.
 * Return: the sync file, NULL when there is no memory or the system has as many
 * files open as it may.
 */
struct sync_file *sync_file_create(struct dma_fence *fence)
{
	struct sync_file *sync_file = kmalloc(sizeof(*sync_file), GFP_KERNEL);
	struct file *file;

	if (!sync_file)
		return NULL;
	file = anon_inode_getfile("sync_file", &sync_file_fops, sync_file, 0);
	if (IS_ERR(file)) {
		kfree(sync_file);
		return NULL;
	}
	sync_file->file = file;
	sync_file->fence = dma_fence_get(fence);
	init_waitqueue_head(&sync_file->wq);
	sync_file->flags = 0;
	sync_debug_init_file(sync_file);
	sync_file->user_name[0] = '\0';
	return sync_file;
}
EXPORT_SYMBOL(sync_file_create);

static struct sync_file *to_sync_file(struct fd fd)
{
	struct file *file = fd_file(fd);

	if (!file || file->f_op != &sync_file_fops)
		return NULL;
	return file->private_data;
}

/**
 * sync_file_get_fence - the fence that a fd stands for
 * @fd: of the calling process
 *
 * Context: Process context.
 * Return: the fence with a reference, NULL if @fd isn't a sync file's.
 */
struct dma_fence *sync_file_get_fence(int fd)
{
	struct sync_file *sync_file;

	CLASS(fd, f)(fd);

	sync_file = to_sync_file(f);
	return sync_file ? dma_fence_get(sync_file->fence) : NULL;
}
EXPORT_SYMBOL(sync_file_get_fence);

/**
 * sync_file_get_name - what a sync file is called
 * @sync_file: the caller holds its file
 * @buf: the name, cut off to fit with a NUL
 * @len: size of @buf in bytes, not 0
 *
 * That is the name which user space gave it, or else what there is to say of
 * its fence: driver, timeline, context and seqno.
 *
 * Context: Any in which the fence may be asked for its names.
 * Return: @buf.
 */
char *sync_file_get_name(struct sync_file *sync_file, char *buf, int len)
{
	struct dma_fence *fence = sync_file->fence;

	if (sync_file->user_name[0])
		strscpy(buf, sync_file->user_name, len);
	else
		snprintf(buf, len, "%s-%s%llu-%lld",
			 fence->ops->get_driver_name(fence),
			 fence->ops->get_timeline_name(fence),
			 fence->context, fence->seqno);
	return buf;
}

/*
 * Waiting
 */

static void wake_pollers(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct sync_file *sync_file = container_of(cb, struct sync_file, cb);

	wake_up_all(&sync_file->wq);
}

/*
 * Whoever comes first has the fence wake all.  The others may be on their way
 * to sleep by then, and if the fence had signalled before it could be asked,
 * nobody else would wake them.
 */
static void arm_pollers(struct sync_file *sync_file)
{
	if (test_bit(SYNC_FILE_ARMED, &sync_file->flags) ||
	    test_and_set_bit(SYNC_FILE_ARMED, &sync_file->flags))
		return;
	if (dma_fence_add_callback(sync_file->fence, &sync_file->cb,
				   wake_pollers))
		wake_up_all(&sync_file->wq);
}

static __poll_t sync_file_poll(struct file *file, poll_table *table)
{
	struct sync_file *sync_file = file->private_data;

	/* It won't change any more: there is nothing to be woken for. */
	if (test_bit_acquire(DMA_FENCE_FLAG_SIGNALED_BIT,
			     &sync_file->fence->flags))
		return EPOLLIN;

	poll_wait(file, &sync_file->wq, table);
	arm_pollers(sync_file);
	return dma_fence_is_signaled(sync_file->fence) ? EPOLLIN : 0;
}

static int sync_file_release(struct inode *inode, struct file *file)
{
	struct sync_file *sync_file = file->private_data;

	sync_debug_remove_file(sync_file);
	/* Callbacks run under the fence's lock, so none runs afterwards. */
	if (test_bit(SYNC_FILE_ARMED, &sync_file->flags))
		dma_fence_remove_callback(sync_file->fence, &sync_file->cb);
	dma_fence_put(sync_file->fence);
	kfree(sync_file);
	return 0;
}

/*
 * Merging
 */

/* A sync file that signals when both have; NULL when there is no memory. */
static struct sync_file *sync_file_merge(struct sync_file *a,
					 struct sync_file *b, const char *name)
{
	struct sync_file *merged;
	struct dma_fence *fence;

	fence = dma_fence_unwrap_merge(a->fence, b->fence);
	if (!fence)
		return NULL;
	merged = sync_file_create(fence);
	/* The file's own reference is enough. */
	dma_fence_put(fence);
	if (merged)
		strscpy(merged->user_name, name, sizeof(merged->user_name));
	return merged;
}

static struct sync_file *merge_with_fd(struct sync_file *sync_file,
				       const struct sync_merge_data *request)
{
	struct sync_file *other, *merged;

	CLASS(fd, f)(request->fd2);

	other = to_sync_file(f);
	if (!other)
		return ERR_PTR(-ENOENT);
	merged = sync_file_merge(sync_file, other, request->name);
	return merged ?: ERR_PTR(-ENOMEM);
}

static long sync_file_ioctl_merge(struct sync_file *sync_file,
				  struct sync_merge_data __user *arg)
{
	struct sync_merge_data request;
	struct sync_file *merged;

	CLASS(get_unused_fd, fd)(O_CLOEXEC);

	if (fd < 0)
		return fd;
	if (copy_from_user(&request, arg, sizeof(request)))
		return -EFAULT;
	if (request.flags || request.pad)
		return -EINVAL;

	request.name[sizeof(request.name) - 1] = '\0';
	merged = merge_with_fd(sync_file, &request);
	if (IS_ERR(merged))
		return PTR_ERR(merged);

	request.fence = fd;
	if (copy_to_user(arg, &request, sizeof(request))) {
		fput(merged->file);
		return -EFAULT;
	}
	fd_install(take_fd(fd), merged->file);
	return 0;
}

/*
 * Telling
 */

/*
 * How many fences there are, and what has come of all together.  A chain ends
 * well even if something in it has failed, so its fences are asked one by one.
 */
static u32 survey_fences(struct dma_fence *all, int *status)
{
	struct dma_fence_unwrap cursor;
	struct dma_fence *fence;
	u32 count = 0;

	*status = dma_fence_get_status(all);
	dma_fence_unwrap_for_each(fence, &cursor, all) {
		if (*status > 0 && dma_fence_get_status(fence) < 0)
			*status = fence->error;
		count++;
	}
	return count;
}

static void describe_fence(struct dma_fence *fence,
			   struct sync_fence_info *info)
{
	*info = (struct sync_fence_info){};
	strscpy(info->obj_name, fence->ops->get_timeline_name(fence));
	strscpy(info->driver_name, fence->ops->get_driver_name(fence));
	info->status = dma_fence_get_status(fence);
	if (info->status)
		info->timestamp_ns = ktime_to_ns(dma_fence_timestamp(fence));
}

/*
 * Word by word: a call of copy_to_user() for each fence, or the loop that the
 * compiler would make of this, costs more than filling in what is copied.
 */
#define PUT_WORD(i, to, from, fault) { unsafe_put_user((from)[i], &(to)[i], fault); }

static long put_fence_info(struct sync_fence_info __user *user,
			   const struct sync_fence_info *info)
{
	u64 __user *to = (u64 __user *)user;
	const u64 *from = (const u64 *)info;

	static_assert(sizeof(*info) == 10 * sizeof(u64));
	if (!user_access_begin(user, sizeof(*user)))
		return -EFAULT;
	UNROLL(10, PUT_WORD, to, from, fault);
	user_access_end();
	return 0;
fault:
	user_access_end();
	return -EFAULT;
}

/*
 * Describes the fences at @to, where there is room for @count of them: as many
 * as there were.  None can have joined since, but links of a chain may have
 * left it, so @count becomes the number of those that are there.
 */
static long put_fences(struct dma_fence *all, struct sync_fence_info __user *to,
		       u32 *count)
{
	struct sync_fence_info info;
	struct dma_fence_unwrap cursor;
	struct dma_fence *fence;
	u32 shown = 0;

	dma_fence_unwrap_for_each(fence, &cursor, all) {
		long err = -EINVAL;

		if (shown < *count) {
			describe_fence(fence, &info);
			err = put_fence_info(&to[shown++], &info);
		}
		if (err) {
			dma_fence_put(cursor.chain);
			return err;
		}
	}
	*count = shown;
	return 0;
}

static long sync_file_ioctl_info(struct sync_file *sync_file,
				 struct sync_file_info __user *arg)
{
	struct sync_file_info info;
	u32 room;
	long ret;

	if (copy_from_user(&info, arg, sizeof(info)))
		return -EFAULT;
	if (info.flags || info.pad)
		return -EINVAL;

	room = info.num_fences;
	info.num_fences = survey_fences(sync_file->fence, &info.status);
	if (room) {
		if (room < info.num_fences)
			return -EINVAL;
		ret = put_fences(sync_file->fence,
				 u64_to_user_ptr(info.sync_fence_info),
				 &info.num_fences);
		if (ret)
			return ret;
	}
	memset(info.name, 0, sizeof(info.name));
	sync_file_get_name(sync_file, info.name, sizeof(info.name));
	return copy_to_user(arg, &info, sizeof(info)) ? -EFAULT : 0;
}

static long sync_file_ioctl_set_deadline(struct sync_file *sync_file,
					 struct sync_set_deadline __user *arg)
{
	struct sync_set_deadline request;

	if (copy_from_user(&request, arg, sizeof(request)))
		return -EFAULT;
	if (request.pad)
		return -EINVAL;

	/* In more than 292 years, not in the past. */
	request.deadline_ns = min_t(u64, request.deadline_ns, KTIME_MAX);
	dma_fence_set_deadline(sync_file->fence,
			       ns_to_ktime(request.deadline_ns));
	return 0;
}

static long sync_file_ioctl(struct file *file, unsigned int cmd,
			    unsigned long arg)
{
	struct sync_file *sync_file = file->private_data;
	void __user *user = (void __user *)arg;

	switch (cmd) {
	case SYNC_IOC_MERGE:
		return sync_file_ioctl_merge(sync_file, user);
	case SYNC_IOC_FILE_INFO:
		return sync_file_ioctl_info(sync_file, user);
	case SYNC_IOC_SET_DEADLINE:
		return sync_file_ioctl_set_deadline(sync_file, user);
	default:
		return -ENOTTY;
	}
}

static const struct file_operations sync_file_fops = {
	.poll = sync_file_poll,
	.unlocked_ioctl = sync_file_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.release = sync_file_release,
};
