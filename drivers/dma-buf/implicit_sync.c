// SPDX-License-Identifier: GPL-2.0-only
/*
 * A buffer's fences as user space sees them: poll() waits for them, sync files
 * carry them out of the buffer and into it.
 */
#include <linux/dma-fence-unwrap.h>
#include <linux/poll.h>
#include <linux/sync_file.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>

#include "dma_buf_private.h"
#include "dma_resv_private.h"

/*
 * poll()
 *
 * EPOLLIN: no writer is pending.  EPOLLOUT: neither reader nor writer is.  A
 * buffer has one watch for each, shared by all who sleep on it.  A watch needs
 * one callback however many fences there are: it sits on the first pending one,
 * and when that signals looks for the next, until there is none.  What counts
 * is always the set of fences at that moment, read without the reservation
 * lock; sleepers are only woken when their condition held.
 *
 * A watch on duty has its bit in poll_active.  It is in the hands of whoever
 * arms it, then of the fence.  When that signals, the watch is over; or another
 * fence seems to be pending, and then it is in the hands of the work, as its bit
 * in poll_fired says.  It holds no reference on the buffer: releasing the buffer
 * cancels it.
 *
 * A fence's callback can't drop the watch's reference on the fence: it may be the
 * last one, even while the fence signals, and a driver's release may wait for that
 * to end.  So a watch that is over keeps it until it is used again, or the buffer
 * goes.
 */

/* How many fences a callback may look at, with interrupts off. */
#define MOST_LOOKS_IN_CALLBACK	32

enum watch {
	WATCH_IN = BIT(0),
	WATCH_OUT = BIT(1),
};

static struct dma_buf_poll_cb_t *watch_for(struct dma_buf *dmabuf, enum watch event)
{
	return event == WATCH_IN ? &dmabuf->cb_in : &dmabuf->cb_out;
}

static enum dma_resv_usage watched_usage(enum watch event)
{
	return dma_resv_usage_rw(event == WATCH_OUT);
}

/* Takes note of the fence to wait for; false when the buffer is going away. */
static bool watch_aim(struct dma_buf *dmabuf, enum watch event, struct dma_fence *fence)
{
	struct dma_buf_poll_cb_t *watch = watch_for(dmabuf, event);
	struct dma_fence *last = NULL;
	bool aimed;

	scoped_guard(spinlock_irq, &dmabuf->poll.lock) {
		aimed = !dmabuf->poll_cancelled;
		if (aimed) {
			last = watch->fence;
			watch->fence = dma_fence_get(fence);
		}
	}
	dma_fence_put(last);
	return aimed;
}

/* Drops the watch's fence, which isn't going to call it. */
static void watch_disarm(struct dma_buf *dmabuf, enum watch event)
{
	struct dma_buf_poll_cb_t *watch = watch_for(dmabuf, event);
	struct dma_fence *fence;

	scoped_guard(spinlock_irq, &dmabuf->poll.lock) {
		fence = watch->fence;
		watch->fence = NULL;
	}
	dma_fence_put(fence);
}

/* The condition holds: wakes the sleepers, who find out for themselves. */
static void watch_finish_locked(struct dma_buf *dmabuf, enum watch event)
{
	lockdep_assert_held(&dmabuf->poll.lock);
	wake_up_locked_poll(&dmabuf->poll, event == WATCH_IN ? EPOLLIN : EPOLLOUT);
	WRITE_ONCE(dmabuf->poll_active, dmabuf->poll_active & ~event);
}

/*
 * Under this fence's lock the other fences may be looked at, but drivers can't be
 * asked about them, and not all in an interrupt anyway: that is left to the work.
 */
static void watch_fired(struct dma_buf *dmabuf, enum watch event)
{
	bool over = dma_resv_flagged_signaled(dmabuf->resv, watched_usage(event),
					      MOST_LOOKS_IN_CALLBACK);

	scoped_guard(spinlock_irqsave, &dmabuf->poll.lock) {
		if (over) {
			watch_finish_locked(dmabuf, event);
		} else {
			dmabuf->poll_fired |= event;
			queue_work(system_highpri_wq, &dmabuf->poll_work);
		}
	}
}

static void watch_in_fired(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	watch_fired(container_of(cb, struct dma_buf, cb_in.cb), WATCH_IN);
}

static void watch_out_fired(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	watch_fired(container_of(cb, struct dma_buf, cb_out.cb), WATCH_OUT);
}

static int watch_hook(struct dma_buf *dmabuf, enum watch event, struct dma_fence *fence)
{
	return dma_fence_add_callback(fence, &watch_for(dmabuf, event)->cb,
				      event == WATCH_IN ? watch_in_fired :
							 watch_out_fired);
}

/*
 * Hooks into the first fence that is pending.  Once that succeeded the watch
 * belongs to the fence, which may already have signalled: hands off.
 *
 * Returns false when nothing is pending.
 */
static bool watch_arm(struct dma_buf *dmabuf, enum watch event)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	bool armed = false;

	dma_resv_iter_begin(&cursor, dmabuf->resv, watched_usage(event));
	dma_resv_for_each_fence_unlocked(&cursor, fence) {
		armed = !watch_aim(dmabuf, event, fence) ||
			!watch_hook(dmabuf, event, fence);
		if (armed)
			break;
		watch_disarm(dmabuf, event);
	}
	dma_resv_iter_end(&cursor);
	return armed;
}

static void watch_finish(struct dma_buf *dmabuf, enum watch event)
{
	scoped_guard(spinlock_irq, &dmabuf->poll.lock)
		watch_finish_locked(dmabuf, event);
}

static void watch_move_on(struct dma_buf *dmabuf, enum watch event)
{
	watch_disarm(dmabuf, event);
	if (!watch_arm(dmabuf, event))
		watch_finish(dmabuf, event);
}

static void watch_work(struct work_struct *work)
{
	struct dma_buf *dmabuf = container_of(work, struct dma_buf, poll_work);
	u8 fired;

	scoped_guard(spinlock_irq, &dmabuf->poll.lock) {
		fired = dmabuf->poll_fired;
		dmabuf->poll_fired = 0;
	}
	if (fired & WATCH_IN)
		watch_move_on(dmabuf, WATCH_IN);
	if (fired & WATCH_OUT)
		watch_move_on(dmabuf, WATCH_OUT);
}

/**
 * dma_buf_watch_init - prepare for poll()
 * @dmabuf: zeroed memory that is going to be a buffer
 *
 * What is set here stays as it is when the memory is used again.
 */
void dma_buf_watch_init(struct dma_buf *dmabuf)
{
	init_waitqueue_head(&dmabuf->poll);
}

/* Most buffers are never polled: only then is there a work, and what ends it. */
static void watch_use(struct dma_buf *dmabuf)
{
	lockdep_assert_held(&dmabuf->poll.lock);
	if (dmabuf->poll_used)
		return;
	INIT_WORK(&dmabuf->poll_work, watch_work);
	dmabuf->poll_used = true;
}

/* With the buffer cancelled and no work on the way, so that none is armed. */
static void watch_unhook(struct dma_buf *dmabuf, enum watch event)
{
	struct dma_buf_poll_cb_t *watch = watch_for(dmabuf, event);
	struct dma_fence *fence = NULL;

	/* A reference: the fence may signal now, and the work drop the watch's. */
	scoped_guard(spinlock_irq, &dmabuf->poll.lock) {
		if (dmabuf->poll_active & event)
			fence = dma_fence_get(watch->fence);
	}
	if (!fence)
		return;
	dma_fence_remove_callback(fence, &watch->cb);
	dma_fence_put(fence);
}

/**
 * dma_buf_watch_cancel - stop watching a buffer's fences
 * @dmabuf: nobody can poll it any more
 *
 * Context: Process context, may sleep.
 */
void dma_buf_watch_cancel(struct dma_buf *dmabuf)
{
	if (!dmabuf->poll_used)
		return;

	scoped_guard(spinlock_irq, &dmabuf->poll.lock)
		dmabuf->poll_cancelled = true;
	/* A walk that didn't see it yet; after this nobody arms any more. */
	cancel_work_sync(&dmabuf->poll_work);
	watch_unhook(dmabuf, WATCH_IN);
	watch_unhook(dmabuf, WATCH_OUT);
	/* What signalled before it could be unhooked. */
	cancel_work_sync(&dmabuf->poll_work);

	watch_disarm(dmabuf, WATCH_IN);
	watch_disarm(dmabuf, WATCH_OUT);
	dmabuf->poll_active = 0;
	dmabuf->poll_fired = 0;
	dmabuf->poll_cancelled = false;
	dmabuf->poll_used = false;
}

/* Starts a watch, unless it is on duty; false when nothing is pending. */
static bool watch_start(struct dma_buf *dmabuf, enum watch event)
{
	bool on_duty;

	scoped_guard(spinlock_irq, &dmabuf->poll.lock) {
		on_duty = dmabuf->poll_active & event;
		WRITE_ONCE(dmabuf->poll_active, dmabuf->poll_active | event);
		watch_use(dmabuf);
	}
	if (on_duty || watch_arm(dmabuf, event))
		return true;
	watch_finish(dmabuf, event);
	return false;
}

/*
 * Is the fence that the watch sits on still pending? It counts until it signals, even
 * if it has been replaced since: asking for that would cost what this is to save.
 */
static bool watch_sits(struct dma_buf *dmabuf, enum watch event)
{
	struct dma_fence *fence;
	bool sits;

	scoped_guard(spinlock_irq, &dmabuf->poll.lock) {
		fence = watch_for(dmabuf, event)->fence;
		sits = fence && !test_bit(DMA_FENCE_FLAG_SIGNALED_BIT,
					  &fence->flags);
	}
	return sits;
}

/*
 * One pending fence is enough to know, and a watch on duty has found it.  What is
 * ready must not start a watch: that it ends would look like an event to those
 * who wait for edges.
 */
static bool is_ready(struct dma_buf *dmabuf, enum watch event)
{
	if ((READ_ONCE(dmabuf->poll_active) & event) &&
	    watch_sits(dmabuf, event))
		return false;
	return dma_resv_test_signaled(dmabuf->resv, watched_usage(event)) ||
	       !watch_start(dmabuf, event);
}

/* The poll file operation: never blocks, and never fails. */
__poll_t dma_buf_file_poll(struct file *file, struct poll_table_struct *table)
{
	struct dma_buf *dmabuf = file->private_data;
	__poll_t events = poll_requested_events(table) & (EPOLLIN | EPOLLOUT);

	/* On the queue first: a watch that ends from now on wakes us. */
	poll_wait(file, &dmabuf->poll, table);
	if (dma_buf_never_fenced(dmabuf))
		return events;

	if ((events & EPOLLIN) && !is_ready(dmabuf, WATCH_IN))
		events &= ~EPOLLIN;
	if ((events & EPOLLOUT) && !is_ready(dmabuf, WATCH_OUT))
		events &= ~EPOLLOUT;
	return events;
}

#if IS_ENABLED(CONFIG_SYNC_FILE)
/* Reads or writes or both, and nothing else? */
static bool sync_file_flags_valid(u32 flags)
{
	return flags && !(flags & ~DMA_BUF_SYNC_RW);
}

/* A sync file of what a caller that is going to do as @flags has to await. */
static struct sync_file *snapshot_fences(struct dma_buf *dmabuf, u32 flags)
{
	struct dma_fence *fence = NULL;
	struct sync_file *sync_file;
	int err;

	err = dma_resv_get_singleton(dmabuf->resv,
				     dma_resv_usage_rw(flags & DMA_BUF_SYNC_WRITE),
				     &fence);
	if (err)
		return ERR_PTR(err);
	if (!fence)
		fence = dma_fence_get_stub();

	sync_file = sync_file_create(fence);
	dma_fence_put(fence);
	return sync_file ?: ERR_PTR(-ENOMEM);
}

/* DMA_BUF_IOCTL_EXPORT_SYNC_FILE. */
long dma_buf_ioctl_export_sync_file(struct dma_buf *dmabuf, void __user *arg)
{
	struct dma_buf_export_sync_file request;
	struct sync_file *sync_file;
	int fd;

	if (copy_from_user(&request, arg, sizeof(request)))
		return -EFAULT;
	if (!sync_file_flags_valid(request.flags))
		return -EINVAL;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	sync_file = snapshot_fences(dmabuf, request.flags);
	if (IS_ERR(sync_file)) {
		put_unused_fd(fd);
		return PTR_ERR(sync_file);
	}

	/* The last thing that can fail; nobody else has seen the file yet. */
	request.fd = fd;
	if (copy_to_user(arg, &request, sizeof(request))) {
		put_unused_fd(fd);
		fput(sync_file->file);
		return -EFAULT;
	}
	fd_install(fd, sync_file->file);
	return 0;
}

/* Adds each fence that @fence is made of. */
static int add_fences(struct dma_resv *resv, struct dma_fence *fence,
		      enum dma_resv_usage usage)
{
	struct dma_fence_unwrap cursor;
	unsigned int count = 0;
	struct dma_fence *part;
	int err;

	dma_fence_unwrap_for_each(part, &cursor, fence)
		count++;
	if (!count)
		return 0;

	err = dma_resv_lock_interruptible(resv, NULL);
	if (err)
		return err;
	err = dma_resv_reserve_fences(resv, count);
	if (!err) {
		/* A chain may have shrunk since it was counted, not grown. */
		dma_fence_unwrap_for_each(part, &cursor, fence)
			dma_resv_add_fence(resv, part, usage);
	}
	dma_resv_unlock(resv);
	return err;
}

/* DMA_BUF_IOCTL_IMPORT_SYNC_FILE. */
long dma_buf_ioctl_import_sync_file(struct dma_buf *dmabuf, void __user *arg)
{
	struct dma_buf_import_sync_file request;
	struct dma_fence *fence;
	int err;

	if (copy_from_user(&request, arg, sizeof(request)))
		return -EFAULT;
	if (!sync_file_flags_valid(request.flags))
		return -EINVAL;

	fence = sync_file_get_fence(request.fd);
	if (!fence)
		return -EINVAL;
	err = add_fences(dmabuf->resv, fence,
			 request.flags & DMA_BUF_SYNC_WRITE ?
			 DMA_RESV_USAGE_WRITE : DMA_RESV_USAGE_READ);
	dma_fence_put(fence);
	return err;
}
#endif
