// SPDX-License-Identifier: GPL-2.0-only
/*
 * Jobs: work of an engine that begins when it may and ends when it is told to, and
 * whose fence tells the others.
 *
 * What goes on from one to the next does so in callbacks of fences, which may be
 * under any fence's lock; the work itself, and the signal, are a work item's.  Others
 * wait for that, maybe with the reservation lock held, maybe for memory: so it needs
 * neither.  What does, to let go of the attachments, is another work item's.
 */
#include <linux/cleanup.h>
#include <linux/dma-fence.h>
#include <linux/dma-resv.h>
#include <linux/err.h>
#include <linux/hrtimer.h>
#include <linux/module.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "device.h"

/**
 * struct job_wait - a fence that a job waits for
 * @cb: in the fence's list
 * @fence: the fence, with a reference
 * @job: the job
 */
struct job_wait {
	struct dma_fence_cb cb;
	struct dma_fence *fence;
	struct test_job *job;
};

/**
 * struct test_job - work of an engine
 * @fence: tells when it is over; first, and has the job's reference count
 * @fence_lock: of @fence
 * @arg: what is to be done
 * @source: what is read, with a reference until it is over; or NULL
 * @target: what is written, likewise
 * @waits: what has to be over before; until it is over itself
 * @num_waits: how many that are
 * @blockers: how many of them aren't over yet, and one while they are being counted
 * @timer: ends it after a time
 * @work: ends it
 * @release_work: puts @source and @target afterwards, and the reference that @work had
 * @lock: protects what follows
 * @begun: nothing blocks it any more
 * @told: somebody wants it to end
 * @queued: it ends
 * @error: a negative errno with which it ends instead of doing its work, or 0
 * @checksum: what it found
 *
 * @lock is taken by callbacks of fences, so under the locks of those, which may be
 * jobs' as well.
 */
struct test_job {
	struct dma_fence fence;
	spinlock_t fence_lock; /* of @fence */
	struct dma_buf_test_job arg;
	struct test_attachment *source;
	struct test_attachment *target;
	struct job_wait *waits;
	unsigned int num_waits;
	atomic_t blockers;
	struct hrtimer timer;
	struct work_struct work;
	struct work_struct release_work;
	spinlock_t lock; /* protects what follows */
	bool begun;
	bool told;
	bool queued;
	int error;
	u32 checksum;
};

static struct workqueue_struct *engines;
static struct workqueue_struct *releases;

/*
 * The fence
 */

static struct test_job *to_job(struct dma_fence *fence)
{
	return container_of(fence, struct test_job, fence);
}

static const char *driver_name(struct dma_fence *fence)
{
	return "dma_buf_test";
}

static const char *timeline_name(struct dma_fence *fence)
{
	return "engine";
}

/* As late as that, since the module has the fence's ops. */
static void free_job(struct rcu_head *rcu)
{
	kfree(container_of(rcu, struct test_job, fence.rcu));
	module_put(THIS_MODULE);
}

static void release_job(struct dma_fence *fence)
{
	struct test_job *job = to_job(fence);

	while (job->num_waits)
		dma_fence_put(job->waits[--job->num_waits].fence);
	kfree(job->waits);
	call_rcu(&fence->rcu, free_job);
}

static const struct dma_fence_ops job_fence_ops = {
	.get_driver_name = driver_name,
	.get_timeline_name = timeline_name,
	.release = release_job,
};

/*
 * From the beginning to the end
 */

static void do_work(struct test_job *job)
{
	const struct dma_buf_test_job *arg = &job->arg;

	switch (arg->work) {
	case DMA_BUF_TEST_FILL:
		test_engine_fill(job->target, arg->target_offset, arg->length,
				 arg->value);
		break;
	case DMA_BUF_TEST_COPY:
		test_engine_copy(job->target, arg->target_offset, job->source,
				 arg->source_offset, arg->length);
		break;
	case DMA_BUF_TEST_CHECKSUM:
		job->checksum = test_engine_checksum(job->source,
						     arg->source_offset,
						     arg->length);
		break;
	}
}

/*
 * Lets go of what came before.  Otherwise jobs of which each waited for the one before
 * would hold each other, and the last reference free all of them, one from within
 * the other.
 */
static void end_waits(struct test_job *job)
{
	while (job->num_waits) {
		struct job_wait *wait = &job->waits[--job->num_waits];

		dma_fence_remove_callback(wait->fence, &wait->cb);
		dma_fence_put(wait->fence);
	}
}

static void job_work(struct work_struct *work)
{
	struct test_job *job = container_of(work, struct test_job, work);
	bool cookie = dma_fence_begin_signalling();

	/* Nobody changes it once the work is queued. */
	if (job->error)
		dma_fence_set_error(&job->fence, job->error);
	else
		do_work(job);
	end_waits(job);
	/* Who sees the signal may unmap. */
	if (job->source)
		atomic_dec(&job->source->jobs);
	if (job->target)
		atomic_dec(&job->target->jobs);
	dma_fence_signal(&job->fence);
	dma_fence_end_signalling(cookie);
	queue_work(releases, &job->release_work);
}

static void job_release_work(struct work_struct *work)
{
	struct test_job *job = container_of(work, struct test_job,
					    release_work);

	if (job->source)
		test_attachment_put(job->source);
	if (job->target)
		test_attachment_put(job->target);
	dma_fence_put(&job->fence);
}

/* With the lock of the job. */
static void end_job(struct test_job *job)
{
	if (job->queued)
		return;
	job->queued = true;
	dma_fence_get(&job->fence);
	queue_work(engines, &job->work);
}

static enum hrtimer_restart time_is_over(struct hrtimer *timer)
{
	struct test_job *job = container_of(timer, struct test_job, timer);

	scoped_guard(spinlock_irqsave, &job->lock)
		end_job(job);
	return HRTIMER_NORESTART;
}

static void drop_blockers(struct test_job *job, int count)
{
	if (!count || !atomic_sub_and_test(count, &job->blockers))
		return;
	scoped_guard(spinlock_irqsave, &job->lock) {
		job->begun = true;
		if (job->arg.end == DMA_BUF_TEST_AFTER && !job->queued)
			hrtimer_start(&job->timer,
				      ns_to_ktime(job->arg.delay_ns),
				      HRTIMER_MODE_REL);
		else if (job->told)
			end_job(job);
	}
}

static void wait_is_over(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	drop_blockers(container_of(cb, struct job_wait, cb)->job, 1);
}

static void begin_waiting(struct test_job *job)
{
	int over = 1;
	unsigned int i;

	atomic_set(&job->blockers, job->num_waits + 1);
	for (i = 0; i < job->num_waits; i++) {
		struct job_wait *wait = &job->waits[i];

		if (dma_fence_add_callback(wait->fence, &wait->cb, wait_is_over))
			over++;
	}
	drop_blockers(job, over);
}

/**
 * test_job_cancel - end a job now, whatever it waits for
 * @job: was submitted; if it isn't over it ends with -ECANCELED
 *
 * Context: Process context, may sleep. It is over then, and nothing will use it but
 * by its references.
 */
void test_job_cancel(struct test_job *job)
{
	scoped_guard(spinlock_irq, &job->lock) {
		if (!job->queued) {
			job->error = -ECANCELED;
			end_job(job);
		}
	}
	hrtimer_cancel(&job->timer);
	flush_work(&job->work);
	flush_work(&job->release_work);
}

/* With the lock of the job. */
static int tell_job(struct test_job *job, u32 error)
{
	if (job->told || job->queued)
		return -EALREADY;
	job->told = true;
	if (error)
		job->error = -(int)error;
	if (job->begun)
		end_job(job);
	return 0;
}

/**
 * test_job_trigger - have a job end that waits to be told
 * @job: was submitted
 * @error: with which errno, or 0
 *
 * Return: 0; -EINVAL for a job of another kind or no errno, -EALREADY when it was
 * told before.
 */
int test_job_trigger(struct test_job *job, u32 error)
{
	int err = 0;

	if (job->arg.end != DMA_BUF_TEST_TRIGGER || error > MAX_ERRNO)
		return -EINVAL;
	scoped_guard(spinlock_irq, &job->lock)
		err = tell_job(job, error);
	return err;
}

/*
 * Submission
 */

static bool has_a_target(const struct dma_buf_test_job *arg)
{
	return arg->work != DMA_BUF_TEST_CHECKSUM;
}

static bool has_a_source(const struct dma_buf_test_job *arg)
{
	return arg->work != DMA_BUF_TEST_FILL;
}

static bool is_possible(const struct dma_buf_test_job *arg)
{
	if (arg->flags & ~DMA_BUF_TEST_NO_WAIT ||
	    arg->work > DMA_BUF_TEST_CHECKSUM || arg->end > DMA_BUF_TEST_NEVER ||
	    arg->error > MAX_ERRNO || arg->usage > DMA_RESV_USAGE_BOOKKEEP + 1)
		return false;
	if (!arg->source != !has_a_source(arg) ||
	    !arg->target != !has_a_target(arg))
		return false;
	if (arg->end != DMA_BUF_TEST_AFTER && arg->delay_ns)
		return false;
	return arg->length && !((arg->source_offset | arg->target_offset |
				 arg->length) % sizeof(u32));
}

/**
 * test_job_create - make a job
 * @arg: what it does
 *
 * Return: the job, with a reference, for test_job_submit(); -EINVAL for what can't be
 * done, or -ENOMEM.
 */
struct test_job *test_job_create(const struct dma_buf_test_job *arg)
{
	struct test_job *job;

	if (!is_possible(arg))
		return ERR_PTR(-EINVAL);
	job = kzalloc(sizeof(*job), GFP_KERNEL);
	if (!job)
		return ERR_PTR(-ENOMEM);
	__module_get(THIS_MODULE);
	spin_lock_init(&job->fence_lock);
	spin_lock_init(&job->lock);
	job->arg = *arg;
	job->error = -(int)arg->error;
	INIT_WORK(&job->work, job_work);
	INIT_WORK(&job->release_work, job_release_work);
	hrtimer_init(&job->timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
	job->timer.function = time_is_over;
	dma_fence_init(&job->fence, &job_fence_ops, &job->fence_lock,
		       dma_fence_context_alloc(1), 1);
	return job;
}

/* Whether the device may do that to that part of what it has mapped. */
static int check_use(struct test_attachment *attachment, u64 offset, u64 length,
		     enum dma_data_direction direction)
{
	size_t size = attachment->attach->dmabuf->size;

	if (attachment->gone)
		return -ENOENT;
	if (!READ_ONCE(attachment->published) || length > size ||
	    offset > size - length)
		return -EINVAL;
	if (attachment->direction != direction &&
	    attachment->direction != DMA_BIDIRECTIONAL)
		return -EINVAL;
	return attachment->stale ? -ESTALE : 0;
}

static int check_uses(const struct dma_buf_test_job *arg,
		      struct test_attachment *source,
		      struct test_attachment *target)
{
	int err = 0;

	if (source)
		err = check_use(source, arg->source_offset, arg->length,
				DMA_TO_DEVICE);
	if (target && !err)
		err = check_use(target, arg->target_offset, arg->length,
				DMA_FROM_DEVICE);
	return err;
}

static struct dma_resv *resv_of(struct test_attachment *attachment)
{
	return attachment ? attachment->attach->dmabuf->resv : NULL;
}

/* Of one or two objects, which may be the same one. */
static int lock_both(struct dma_resv *a, struct dma_resv *b,
		     struct ww_acquire_ctx *ctx)
{
	int err;

	ww_acquire_init(ctx, &reservation_ww_class);
	err = dma_resv_lock_interruptible(a, ctx);
	while (!err && b && b != a) {
		err = dma_resv_lock_interruptible(b, ctx);
		if (!err)
			break;
		dma_resv_unlock(a);
		if (err != -EDEADLK)
			break;
		swap(a, b);
		err = dma_resv_lock_slow_interruptible(a, ctx);
	}
	if (err)
		ww_acquire_fini(ctx);
	return err;
}

static void unlock_both(struct dma_resv *a, struct dma_resv *b,
			struct ww_acquire_ctx *ctx)
{
	if (b && b != a)
		dma_resv_unlock(b);
	dma_resv_unlock(a);
	ww_acquire_fini(ctx);
}

static void take_waits(struct test_job *job, struct dma_resv *resv,
		       enum dma_resv_usage usage, bool count_only)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;

	dma_resv_for_each_fence(&cursor, resv, usage, fence) {
		if (!count_only)
			job->waits[job->num_waits] = (struct job_wait) {
				.fence = dma_fence_get(fence), .job = job
			};
		job->num_waits++;
	}
}

static void take_all_waits(struct test_job *job, struct dma_resv *source,
			   struct dma_resv *target, bool count_only)
{
	job->num_waits = 0;
	if (source)
		take_waits(job, source, dma_resv_usage_rw(false), count_only);
	if (target)
		take_waits(job, target, dma_resv_usage_rw(true), count_only);
}

/* What has to be over before, and room for what comes with it. */
static int prepare(struct test_job *job, struct dma_resv *source,
		   struct dma_resv *target)
{
	int err = 0;

	if (!(job->arg.flags & DMA_BUF_TEST_NO_WAIT)) {
		take_all_waits(job, source, target, true);
		job->waits = kcalloc(job->num_waits, sizeof(*job->waits),
				     GFP_KERNEL);
		if (!job->waits) {
			job->num_waits = 0;
			return -ENOMEM;
		}
		take_all_waits(job, source, target, false);
	}
	if (source)
		err = dma_resv_reserve_fences(source, source == target ? 2 : 1);
	if (target && target != source && !err)
		err = dma_resv_reserve_fences(target, 1);
	return err;
}

static void add_fences(struct test_job *job)
{
	enum dma_resv_usage usage = job->arg.usage ? job->arg.usage - 1 :
						     DMA_RESV_USAGE_READ;

	if (job->source)
		dma_resv_add_fence(resv_of(job->source), &job->fence, usage);
	if (job->target)
		dma_resv_add_fence(resv_of(job->target), &job->fence,
				   DMA_RESV_USAGE_WRITE);
}

static struct test_attachment *use(struct test_attachment *attachment)
{
	if (attachment) {
		kref_get(&attachment->ref);
		atomic_inc(&attachment->jobs);
	}
	return attachment;
}

/**
 * test_job_submit - have a job begin as soon as it may
 * @job: was not submitted before
 * @source: what it reads, or NULL if it reads nothing
 * @target: what it writes, or NULL if it writes nothing
 *
 * Context: Process context; takes the reservation locks.
 *
 * Return: 0; -EINVAL when an attachment isn't mapped for that or hasn't that many
 * bytes, -ESTALE when the buffer has moved since, -ENOENT, -ENOMEM, -EINTR. Then the job
 * can only be put.
 */
int test_job_submit(struct test_job *job, struct test_attachment *source,
		    struct test_attachment *target)
{
	struct dma_resv *first = resv_of(source ?: target);
	struct dma_resv *second = source ? resv_of(target) : NULL;
	struct ww_acquire_ctx ctx;
	int err;

	if (lock_both(first, second, &ctx))
		return -EINTR;
	err = check_uses(&job->arg, source, target) ?:
	      prepare(job, resv_of(source), resv_of(target));
	if (!err) {
		job->source = use(source);
		job->target = use(target);
		add_fences(job);
	}
	unlock_both(first, second, &ctx);
	if (!err)
		begin_waiting(job);
	return err;
}

/**
 * test_job_fence - what tells that a job is over
 * @job: the job
 *
 * Return: the fence, on which the caller has as many references as on the job.
 */
struct dma_fence *test_job_fence(struct test_job *job)
{
	return &job->fence;
}

/**
 * test_job_put - drop a reference
 * @job: the job
 */
void test_job_put(struct test_job *job)
{
	dma_fence_put(&job->fence);
}

/**
 * test_job_state - tell what has become of a job
 * @job: was submitted
 * @arg: all but the id is filled in
 */
void test_job_state(struct test_job *job, struct dma_buf_test_job_state *arg)
{
	arg->status = dma_fence_get_status(&job->fence);
	arg->signaled = arg->status != 0;
	arg->checksum = arg->status == 1 ? job->checksum : 0;
}

/**
 * test_jobs_init - have a place where jobs are done
 *
 * Return: 0 or -ENOMEM.
 */
int test_jobs_init(void)
{
	engines = alloc_workqueue("dma_buf_test", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	if (!engines)
		return -ENOMEM;
	releases = alloc_workqueue("dma_buf_test_release", WQ_UNBOUND, 0);
	if (!releases) {
		destroy_workqueue(engines);
		return -ENOMEM;
	}
	return 0;
}

/**
 * test_jobs_exit - undo test_jobs_init()
 *
 * Context: There is no job any more, but the last one may just be going.
 */
void test_jobs_exit(void)
{
	destroy_workqueue(engines);
	destroy_workqueue(releases);
	/* Who put the last fence may have been preempted on his way out of here, ... */
	synchronize_rcu_tasks();
	/* ... and what that left may still be about to return. */
	rcu_barrier();
}
