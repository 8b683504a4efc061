// SPDX-License-Identifier: GPL-2.0-only
/*
 * Timelines that user space drives, for tests of whatever waits for fences.
 *
 * Each open of debugfs sync/sw_sync is a timeline: a counter that starts at 0.
 * A program puts fences at points ahead of it and advances it; fences behind it
 * have signalled.  Points are 32 bits wide and wrap around, so what is less than
 * 2^31 ahead is ahead, and the rest is behind.
 *
 * A fence may be released while the timeline advances over it, or is closed.
 * Its memory stays until it is off the timeline.  Whoever finds it there, under
 * the timeline's lock, may therefore take it off, but signals it only with a
 * reference.  There is none to be had once the last is gone: such a fence is
 * left to its release, and nobody can be waiting for it.
 */
#include <linux/cleanup.h>
#include <linux/compiler.h>
#include <linux/dma-fence.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/sync_file.h>
#include <linux/uaccess.h>

#include <asm/barrier.h>

#include "sync_debug.h"

/**
 * struct sw_sync_create_fence - SW_SYNC_IOC_CREATE_FENCE
 * @value: the point on the timeline
 * @name: for programs only
 * @fence: out: sync file of the new fence
 */
struct sw_sync_create_fence {
	__u32 value;
	char name[32];
	__s32 fence;
};

/**
 * struct sw_sync_get_deadline - SW_SYNC_GET_DEADLINE
 * @deadline_ns: out: the earliest that was wanted, by CLOCK_MONOTONIC
 * @pad: 0
 * @fence_fd: in: sync file of a fence of this kind, of any timeline
 */
struct sw_sync_get_deadline {
	__u64 deadline_ns;
	__u32 pad;
	__s32 fence_fd;
};

#define SW_SYNC_IOC_CREATE_FENCE	_IOWR('W', 0, struct sw_sync_create_fence)
#define SW_SYNC_IOC_INC			_IOW('W', 1, __u32)
#define SW_SYNC_GET_DEADLINE		_IOWR('W', 2, struct sw_sync_get_deadline)

static const struct dma_fence_ops sw_fence_ops;

static struct sw_fence *to_sw_fence(struct dma_fence *fence)
{
	return container_of(fence, struct sw_fence, base);
}

static u32 sw_fence_point(struct sw_fence *fence)
{
	return fence->base.seqno;
}

static void timeline_free(struct kref *kref)
{
	struct sw_timeline *timeline = container_of(kref, struct sw_timeline,
						    kref);

	kfree_rcu(timeline, rcu);
}

/*
 * Fences
 */

static const char *sw_fence_driver_name(struct dma_fence *fence)
{
	return "sw_sync";
}

static const char *sw_fence_timeline_name(struct dma_fence *fence)
{
	return to_sw_fence(fence)->timeline->name;
}

static void sw_fence_set_deadline(struct dma_fence *base, ktime_t deadline)
{
	struct sw_fence *fence = to_sw_fence(base);

	scoped_guard(spinlock_irqsave, &fence->lock) {
		if (!fence->has_deadline ||
		    ktime_before(deadline, fence->deadline))
			fence->deadline = deadline;
		fence->has_deadline = true;
	}
}

static void sw_fence_release(struct dma_fence *base)
{
	struct sw_fence *fence = to_sw_fence(base);
	struct sw_timeline *timeline = fence->timeline;

	/* It can leave the timeline at any time, but never come back. */
	if (smp_load_acquire(&fence->pending)) {
		scoped_guard(spinlock_irqsave, &timeline->lock) {
			if (fence->pending)
				rb_erase_cached(&fence->node,
						&timeline->pending);
		}
	}
	kref_put(&timeline->kref, timeline_free);
	dma_fence_free(base);
}

/*
 * There is no signaled op: a fence has signalled when the timeline says so, in
 * the order of the points, and not when somebody looks at it.
 */
static const struct dma_fence_ops sw_fence_ops = {
	.get_driver_name = sw_fence_driver_name,
	.get_timeline_name = sw_fence_timeline_name,
	.set_deadline = sw_fence_set_deadline,
	.release = sw_fence_release,
};

static struct sw_fence *sw_fence_create(struct sw_timeline *timeline, u32 point)
{
	struct sw_fence *fence = kmalloc(sizeof(*fence), GFP_KERNEL);

	if (!fence)
		return NULL;
	kref_get(&timeline->kref);
	fence->timeline = timeline;
	fence->has_deadline = false;
	spin_lock_init(&fence->lock);
	dma_fence_init(&fence->base, &sw_fence_ops, &fence->lock,
		       timeline->context, point);
	return fence;
}

/*
 * Timelines
 */

static bool timeline_has_reached(struct sw_timeline *timeline, u32 point)
{
	return (s32)(point - timeline->value) <= 0;
}

/*
 * An order, as all that is pending is within half of the range.  For that, none
 * may be added before those that are reached are off: they could be too far
 * apart.  sw_timeline.advance sees to it.
 */
static bool is_before(struct rb_node *a, const struct rb_node *b)
{
	return (s32)(sw_fence_point(rb_entry(a, struct sw_fence, node)) -
		     sw_fence_point(rb_entry(b, struct sw_fence, node))) < 0;
}

/* The first fence to signal: one that is reached, or if it is @closing, any. */
static struct sw_fence *timeline_first(struct sw_timeline *timeline,
				       bool closing)
{
	struct rb_node *node = rb_first_cached(&timeline->pending);
	struct sw_fence *fence;

	if (!node)
		return NULL;
	fence = rb_entry(node, struct sw_fence, node);
	if (!closing && !timeline_has_reached(timeline, sw_fence_point(fence)))
		return NULL;
	return fence;
}

/* Takes that fence off the timeline.  Returns it with a reference, or NULL. */
static struct sw_fence *timeline_take_locked(struct sw_timeline *timeline,
					     bool closing)
{
	struct sw_fence *fence;

	while ((fence = timeline_first(timeline, closing))) {
		bool alive = dma_fence_get_rcu(&fence->base);

		rb_erase_cached(&fence->node, &timeline->pending);
		/* Its release, if it isn't alive, need not wait any more. */
		smp_store_release(&fence->pending, false);
		if (alive)
			break;
	}
	return fence;
}

static struct sw_fence *timeline_take(struct sw_timeline *timeline,
				      bool closing)
{
	struct sw_fence *fence;

	scoped_guard(spinlock_irqsave, &timeline->lock)
		fence = timeline_take_locked(timeline, closing);
	return fence;
}

/* Moves on.  Returns the first fence that is reached, off the timeline. */
static struct sw_fence *timeline_move(struct sw_timeline *timeline, u32 by)
{
	struct sw_fence *fence;

	scoped_guard(spinlock_irqsave, &timeline->lock) {
		WRITE_ONCE(timeline->value, timeline->value + by);
		fence = timeline_take_locked(timeline, false);
	}
	return fence;
}

/* By at most INT_MAX, lest it jump over what is ahead and leave it behind. */
static void timeline_step(struct sw_timeline *timeline, u32 by)
{
	struct sw_fence *fence;

	for (fence = timeline_move(timeline, by); fence;
	     fence = timeline_take(timeline, false)) {
		dma_fence_signal(&fence->base);
		dma_fence_put(&fence->base);
		cond_resched();
	}
}

static void timeline_advance(struct sw_timeline *timeline, u32 by)
{
	guard(mutex)(&timeline->advance);
	while (by) {
		u32 step = min_t(u32, by, INT_MAX);

		timeline_step(timeline, step);
		by -= step;
	}
}

/* Nobody will ever reach the rest. */
static void timeline_cancel(struct sw_timeline *timeline)
{
	struct sw_fence *fence;

	guard(mutex)(&timeline->advance);
	while ((fence = timeline_take(timeline, true))) {
		dma_fence_set_error(&fence->base, -ENOENT);
		dma_fence_signal(&fence->base);
		dma_fence_put(&fence->base);
		cond_resched();
	}
}

/* Puts a new fence where it belongs: ahead, or behind, where it signals. */
static void timeline_add_fence(struct sw_timeline *timeline,
			       struct sw_fence *fence)
{
	bool reached;

	guard(mutex)(&timeline->advance);
	scoped_guard(spinlock_irqsave, &timeline->lock) {
		reached = timeline_has_reached(timeline, sw_fence_point(fence));
		if (!reached)
			rb_add_cached(&fence->node, &timeline->pending,
				      is_before);
		fence->pending = !reached;
	}
	if (reached)
		dma_fence_signal(&fence->base);
}

/* A sync file of a new fence, NULL when there is no memory. */
static struct sync_file *timeline_make_sync_file(struct sw_timeline *timeline,
						 u32 point)
{
	struct sw_fence *fence = sw_fence_create(timeline, point);
	struct sync_file *sync_file;

	if (!fence)
		return NULL;
	timeline_add_fence(timeline, fence);
	sync_file = sync_file_create(&fence->base);
	/* The file's own reference is enough. */
	dma_fence_put(&fence->base);
	return sync_file;
}

/*
 * The file
 */

static int sw_sync_open(struct inode *inode, struct file *file)
{
	struct sw_timeline *timeline = kzalloc(sizeof(*timeline), GFP_KERNEL);

	if (!timeline)
		return -ENOMEM;
	kref_init(&timeline->kref);
	mutex_init(&timeline->advance);
	spin_lock_init(&timeline->lock);
	timeline->pending = RB_ROOT_CACHED;
	timeline->context = dma_fence_context_alloc(1);
	get_task_comm(timeline->name, current);
	sync_debug_add_timeline(timeline);
	file->private_data = timeline;
	return 0;
}

static int sw_sync_release(struct inode *inode, struct file *file)
{
	struct sw_timeline *timeline = file->private_data;

	sync_debug_remove_timeline(timeline);
	timeline_cancel(timeline);
	kref_put(&timeline->kref, timeline_free);
	return 0;
}

static long sw_sync_ioctl_create_fence(struct sw_timeline *timeline,
				       struct sw_sync_create_fence __user *arg)
{
	struct sw_sync_create_fence request;
	struct sync_file *sync_file;

	CLASS(get_unused_fd, fd)(O_CLOEXEC);

	if (fd < 0)
		return fd;
	if (copy_from_user(&request, arg, sizeof(request)))
		return -EFAULT;

	sync_file = timeline_make_sync_file(timeline, request.value);
	if (!sync_file)
		return -ENOMEM;

	request.fence = fd;
	if (copy_to_user(arg, &request, sizeof(request))) {
		fput(sync_file->file);
		return -EFAULT;
	}
	sync_debug_add_file(sync_file);
	fd_install(take_fd(fd), sync_file->file);
	return 0;
}

static long sw_sync_ioctl_inc(struct sw_timeline *timeline, u32 __user *arg)
{
	u32 by;

	if (get_user(by, arg))
		return -EFAULT;
	timeline_advance(timeline, by);
	return 0;
}

/* What was wanted of @fence, which may be any. */
static long read_deadline(struct dma_fence *base, u64 *deadline_ns)
{
	struct sw_fence *fence = to_sw_fence(base);
	bool any;

	if (base->ops != &sw_fence_ops)
		return -EINVAL;

	scoped_guard(spinlock_irqsave, &fence->lock) {
		any = fence->has_deadline;
		if (any)
			*deadline_ns = ktime_to_ns(fence->deadline);
	}
	return any ? 0 : -ENOENT;
}

static long sw_sync_ioctl_get_deadline(struct sw_sync_get_deadline __user *arg)
{
	struct sw_sync_get_deadline request;
	struct dma_fence *fence;
	long ret;

	if (copy_from_user(&request, arg, sizeof(request)))
		return -EFAULT;
	if (request.pad)
		return -EINVAL;

	fence = sync_file_get_fence(request.fence_fd);
	if (!fence)
		return -EINVAL;
	ret = read_deadline(fence, &request.deadline_ns);
	dma_fence_put(fence);
	if (ret)
		return ret;
	return copy_to_user(arg, &request, sizeof(request)) ? -EFAULT : 0;
}

static long sw_sync_ioctl(struct file *file, unsigned int cmd,
			  unsigned long arg)
{
	struct sw_timeline *timeline = file->private_data;
	void __user *user = (void __user *)arg;

	switch (cmd) {
	case SW_SYNC_IOC_CREATE_FENCE:
		return sw_sync_ioctl_create_fence(timeline, user);
	case SW_SYNC_IOC_INC:
		return sw_sync_ioctl_inc(timeline, user);
	case SW_SYNC_GET_DEADLINE:
		return sw_sync_ioctl_get_deadline(user);
	default:
		return -ENOTTY;
	}
}

const struct file_operations sw_sync_fops = {
	.open = sw_sync_open,
	.unlocked_ioctl = sw_sync_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.release = sw_sync_release,
};
