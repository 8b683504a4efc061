// SPDX-License-Identifier: GPL-2.0-only
/*
 * A buffer's fences as user space sees them: poll() waits for them, sync files
 * carry them out of the buffer and into it.
 */
#include <linux/dma-fence-unwrap.h>
#include <linux/irq_work.h>
#include <linux/poll.h>
#include <linux/sync_file.h>
#include <linux/uaccess.h>

#include "dma_buf_private.h"

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
 * A watch holds no reference on the buffer.  Releasing the buffer cancels it.
 */

static enum dma_resv_usage watched_usage(struct dma_buf_poll_cb_t *watch)
{
	return dma_resv_usage_rw(!!(watch->active & EPOLLOUT));
}

static struct dma_buf *watched_buffer(struct dma_buf_poll_cb_t *watch)
{
	return container_of(watch->poll, struct dma_buf, poll);
}

/* Takes note of the fence to wait for; false when the buffer is going away. */
static bool watch_aim(struct dma_buf_poll_cb_t *watch, struct dma_fence *fence)
{
	guard(spinlock_irqsave)(&watch->poll->lock);
	if (watch->cancelled)
		return false;
	watch->fence = dma_fence_get(fence);
	return true;
}

/* Takes the watch's fence, and its reference, away from it. */
static struct dma_fence *watch_disarm(struct dma_buf_poll_cb_t *watch)
{
	struct dma_fence *fence;

	guard(spinlock_irqsave)(&watch->poll->lock);
	fence = watch->fence;
	watch->fence = NULL;
	return fence;
}

static void watch_signalled(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct dma_buf_poll_cb_t *watch =
		container_of(cb, struct dma_buf_poll_cb_t, cb);

	/* Under this fence's lock no other fence may be looked at. */
	irq_work_queue(&watch->work);
}

/*
 * Hooks into the first fence that is pending.  Once that succeeded the watch
 * belongs to the callback, which may already run elsewhere: hands off.
 *
 * Returns false when nothing is pending.
 */
static bool watch_arm(struct dma_buf_poll_cb_t *watch)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	bool armed = false;

	dma_resv_iter_begin(&cursor, watched_buffer(watch)->resv,
			    watched_usage(watch));
	dma_resv_for_each_fence_unlocked(&cursor, fence) {
		armed = true;
		if (!watch_aim(watch, fence))
			break;
		if (!dma_fence_add_callback(fence, &watch->cb, watch_signalled))
			break;
		armed = false;
		dma_fence_put(watch_disarm(watch));
	}
	dma_resv_iter_end(&cursor);
	return armed;
}

/* The condition holds: wakes the sleepers, who find out for themselves. */
static void watch_finish(struct dma_buf_poll_cb_t *watch)
{
	guard(spinlock_irqsave)(&watch->poll->lock);
	wake_up_locked_poll(watch->poll, watch->active);
	smp_store_release(&watch->active, 0);	/* pairs with watch_idle() */
}

static void watch_work(struct irq_work *work)
{
	struct dma_buf_poll_cb_t *watch =
		container_of(work, struct dma_buf_poll_cb_t, work);

	dma_fence_put(watch_disarm(watch));
	if (!watch_arm(watch))
		watch_finish(watch);
}

static void watch_init(struct dma_buf_poll_cb_t *watch, wait_queue_head_t *poll)
{
	watch->poll = poll;
	init_irq_work(&watch->work, watch_work);
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
	watch_init(&dmabuf->cb_in, &dmabuf->poll);
	watch_init(&dmabuf->cb_out, &dmabuf->poll);
}

static void watch_cancel(struct dma_buf_poll_cb_t *watch)
{
	struct dma_fence *fence;

	spin_lock_irq(&watch->poll->lock);
	watch->cancelled = true;
	spin_unlock_irq(&watch->poll->lock);
	/* A walk that didn't see it yet; after this nobody arms any more. */
	irq_work_sync(&watch->work);

	spin_lock_irq(&watch->poll->lock);
	fence = watch->fence ? dma_fence_get(watch->fence) : NULL;
	spin_unlock_irq(&watch->poll->lock);
	if (fence) {
		if (dma_fence_remove_callback(fence, &watch->cb))
			dma_fence_put(watch_disarm(watch));
		else
			irq_work_sync(&watch->work);
		dma_fence_put(fence);
	}
	watch->active = 0;
	watch->cancelled = false;
}

/* Off duty, and not even on the way back from its last errand? */
static bool watch_idle(struct dma_buf_poll_cb_t *watch)
{
	/* Whoever sees watch_finish() done also sees the work it ran in. */
	return !smp_load_acquire(&watch->active) &&
	       !irq_work_is_busy(&watch->work);
}

/**
 * dma_buf_watch_cancel - stop watching a buffer's fences
 * @dmabuf: nobody can poll it any more
 *
 * Context: Process context, may sleep.
 */
void dma_buf_watch_cancel(struct dma_buf *dmabuf)
{
	if (!watch_idle(&dmabuf->cb_in))
		watch_cancel(&dmabuf->cb_in);
	if (!watch_idle(&dmabuf->cb_out))
		watch_cancel(&dmabuf->cb_out);
}

/* Starts a watch, unless it is running; false when nothing is pending. */
static bool watch_start(struct dma_buf_poll_cb_t *watch, __poll_t event)
{
	bool running;

	spin_lock_irq(&watch->poll->lock);
	running = watch->active;
	watch->active = event;
	spin_unlock_irq(&watch->poll->lock);

	if (running || watch_arm(watch))
		return true;
	watch_finish(watch);
	return false;
}

static bool is_ready(struct dma_buf *dmabuf, struct dma_buf_poll_cb_t *watch,
		     __poll_t event)
{
	return dma_resv_test_signaled(dmabuf->resv,
				      dma_resv_usage_rw(!!(event & EPOLLOUT))) ||
	       !watch_start(watch, event);
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

	if (events & EPOLLIN && !is_ready(dmabuf, &dmabuf->cb_in, EPOLLIN))
		events &= ~EPOLLIN;
	if (events & EPOLLOUT && !is_ready(dmabuf, &dmabuf->cb_out, EPOLLOUT))
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
