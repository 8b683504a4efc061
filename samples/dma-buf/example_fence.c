// SPDX-License-Identifier: GPL-2.0-only
/*
 * A provider of fences: jobs that a timer completes, in place of an interrupt.
 */
#include <linux/dma-fence.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/jiffies.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/sync_file.h>
#include <linux/timer.h>
#include <linux/uaccess.h>

#include "example.h"

#define MOST_MS	10000

/*
 * A fence's ops are in this module, and whoever has the fence calls them. So each
 * fence holds the module: while a sync file or a buffer has one, be it signalled or not,
 * the module can't be unloaded. Waiting for them in example_exit() instead would be
 * waiting for programs to close their files.
 *
 * The reference goes in example_release(), of which a few instructions are still to run
 * then. What example_exit() does wait for is the end of those.
 */
struct example_job {
	struct dma_fence fence;
	struct timer_list timer;
	/* Is the fence's. */
	spinlock_t lock;
};

static const char *example_driver_name(struct dma_fence *fence)
{
	return "dma_buf_example";
}

static const char *example_timeline_name(struct dma_fence *fence)
{
	return "jobs";
}

static void example_release(struct dma_fence *fence)
{
	dma_fence_free(fence);
	module_put(THIS_MODULE);
}

/* No enable_signaling: the timer runs whether anybody waits or not. */
static const struct dma_fence_ops example_fence_ops = {
	.get_driver_name = example_driver_name,
	.get_timeline_name = example_timeline_name,
	.release = example_release,
};

/* The running job has a reference of its own, which ends with it. */
static void job_done(struct timer_list *timer)
{
	struct example_job *job = from_timer(job, timer, timer);

	dma_fence_signal(&job->fence);
	dma_fence_put(&job->fence);
}

/* Jobs end in any order, so each is a timeline of its own: a context with one fence. */
static struct example_job *make_job(void)
{
	struct example_job *job;

	if (!try_module_get(THIS_MODULE))
		return NULL;
	job = kzalloc(sizeof(*job), GFP_KERNEL);
	if (!job) {
		module_put(THIS_MODULE);
		return NULL;
	}
	/* dma_fence_free() takes the fence for the start of what was allocated. */
	BUILD_BUG_ON(offsetof(struct example_job, fence));
	spin_lock_init(&job->lock);
	timer_setup(&job->timer, job_done, 0);
	dma_fence_init(&job->fence, &example_fence_ops, &job->lock,
		       dma_fence_context_alloc(1), 1);
	return job;
}

static void start_job(struct example_job *job, unsigned int delay_ms)
{
	dma_fence_get(&job->fence);
	mod_timer(&job->timer, jiffies + msecs_to_jiffies(delay_ms));
}

/* A fence that somebody else has seen must signal: the job starts, come what may. */
static long run_job(struct dma_buf_example_job *data,
		    struct dma_buf_example_job __user *user)
{
	struct sync_file *sync_file;
	struct example_job *job;

	CLASS(get_unused_fd, fd)(O_CLOEXEC);
	if (fd < 0)
		return fd;
	job = make_job();
	if (!job)
		return -ENOMEM;
	/* It has a reference of its own; this one is not needed after that. */
	sync_file = sync_file_create(&job->fence);
	if (sync_file)
		start_job(job, data->delay_ms);
	dma_fence_put(&job->fence);
	if (!sync_file)
		return -ENOMEM;
	if (put_user(fd, &user->fd)) {
		fput(sync_file->file);
		return -EFAULT;
	}
	fd_install(take_fd(fd), sync_file->file);
	return 0;
}

static long example_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	void __user *user = (void __user *)arg;
	struct dma_buf_example_job data;

	if (cmd != DMA_BUF_EXAMPLE_JOB)
		return -ENOTTY;
	if (copy_from_user(&data, user, sizeof(data)))
		return -EFAULT;
	if (data.delay_ms > MOST_MS)
		return -EINVAL;
	return run_job(&data, user);
}

static const struct file_operations example_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = example_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice example_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "dma_buf_example_fence",
	.fops = &example_fops,
};

static int __init example_init(void)
{
	return misc_register(&example_device);
}
module_init(example_init);

static void __exit example_exit(void)
{
	misc_deregister(&example_device);
	/* Who released a fence may be a task that was preempted there ... */
	synchronize_rcu_tasks();
	/* ... or an interrupt; and others may look at the last fence's ops under RCU. */
	synchronize_rcu();
}
module_exit(example_exit);

MODULE_DESCRIPTION("Example of a provider of fences");
MODULE_LICENSE("GPL");
