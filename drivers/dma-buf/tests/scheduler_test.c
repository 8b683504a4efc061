// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fences as the DRM GPU scheduler uses them: a GPU that does nothing runs jobs
 * which wait for fences, and whose own fences others wait for.
 */
#include <drm/gpu_scheduler.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "mock.h"

/**
 * struct gpu - a GPU
 * @test: whose it is
 * @sched: decides which job is the next
 * @context: of its fences
 * @seqno: of the last of them
 * @jobs: all there ever were; they stay until the test ends, to be looked at
 * @busy: how many the scheduler has
 * @idle: where the end of the test waits for that to be none
 * @runs: how many jobs it was given, those that were given again included
 */
struct gpu {
	struct kunit *test;
	struct drm_gpu_scheduler sched;
	u64 context;
	u64 seqno;
	struct list_head jobs;
	atomic_t busy;
	wait_queue_head_t idle;
	atomic_t runs;
};

/**
 * struct gpu_fence - signals when the GPU is through with a job
 * @base: first, so that it can be freed as a fence
 * @lock: of the fence
 * @deadline: the last that it was told
 */
struct gpu_fence {
	struct dma_fence base;
	spinlock_t lock; /* protects @base */
	ktime_t deadline;
};

/**
 * struct gpu_job - work for a GPU
 * @base: what the scheduler knows of it
 * @gpu: whose work it is
 * @entry: among the GPU's jobs
 * @done: ends it
 * @finished: the scheduler's own fence, which is there from the start
 * @error: run_job() is to fail with it
 * @ends_at_once: run_job() is to give no fence
 * @ends_by_itself: @work is to signal @done
 * @work: does that
 * @order: which of its runs this was for the GPU, from 1; 0 before it ran
 * @ran: completed when it was given to the GPU
 */
struct gpu_job {
	struct drm_sched_job base;
	struct gpu *gpu;
	struct list_head entry;
	struct gpu_fence *done;
	struct dma_fence *finished;
	int error;
	bool ends_at_once;
	bool ends_by_itself;
	struct work_struct work;
	int order;
	struct completion ran;
};

static const char *gpu_fence_name(struct dma_fence *fence)
{
	return "gpu";
}

static void gpu_fence_set_deadline(struct dma_fence *fence, ktime_t deadline)
{
	container_of(fence, struct gpu_fence, base)->deadline = deadline;
}

static const struct dma_fence_ops gpu_fence_ops = {
	.get_driver_name = gpu_fence_name,
	.get_timeline_name = gpu_fence_name,
	.set_deadline = gpu_fence_set_deadline,
};

static struct gpu_job *to_gpu_job(struct drm_sched_job *job)
{
	return container_of(job, struct gpu_job, base);
}

static struct dma_fence *gpu_run_job(struct drm_sched_job *base)
{
	struct gpu_job *job = to_gpu_job(base);

	job->order = atomic_inc_return(&job->gpu->runs);
	complete_all(&job->ran);
	if (job->error)
		return ERR_PTR(job->error);
	if (job->ends_at_once)
		return NULL;
	if (job->ends_by_itself)
		queue_work(system_unbound_wq, &job->work);
	return dma_fence_get(&job->done->base);
}

static void gpu_free_job(struct drm_sched_job *base)
{
	struct gpu *gpu = to_gpu_job(base)->gpu;

	drm_sched_job_cleanup(base);
	if (atomic_dec_and_test(&gpu->busy))
		wake_up(&gpu->idle);
}

static const struct drm_sched_backend_ops gpu_ops = {
	.run_job = gpu_run_job,
	.free_job = gpu_free_job,
};

/* The scheduler forgets its jobs when it ends; all of them must be through. */
static void gpu_end(void *data)
{
	struct gpu *gpu = data;
	struct gpu_job *job, *next;

	KUNIT_EXPECT_TRUE(gpu->test,
			  wait_event_timeout(gpu->idle,
					     !atomic_read(&gpu->busy),
					     MOCK_PATIENCE));
	drm_sched_fini(&gpu->sched);
	list_for_each_entry_safe(job, next, &gpu->jobs, entry) {
		flush_work(&job->work);
		dma_fence_put(job->finished);
		dma_fence_put(&job->done->base);
		kfree(job);
	}
}

/*
 * At the end of a test, what was made last goes first: the fences that hold jobs
 * up, the entities with the jobs in them, the GPU.
 */
static struct gpu *make_gpu(struct kunit *test)
{
	struct gpu *gpu = kunit_kzalloc(test, sizeof(*gpu), GFP_KERNEL);
	struct drm_sched_init_args args = {
		.ops = &gpu_ops,
		.num_rqs = DRM_SCHED_PRIORITY_COUNT,
		.credit_limit = 8,
		.timeout = MAX_SCHEDULE_TIMEOUT,
		.name = "gpu",
	};

	KUNIT_ASSERT_NOT_NULL(test, gpu);
	gpu->test = test;
	gpu->context = dma_fence_context_alloc(1);
	INIT_LIST_HEAD(&gpu->jobs);
	init_waitqueue_head(&gpu->idle);
	KUNIT_ASSERT_EQ(test, 0, drm_sched_init(&gpu->sched, &args));
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, gpu_end, gpu));
	return gpu;
}

static void end_entity(void *entity)
{
	drm_sched_entity_destroy(entity);
}

/* A queue of jobs for a GPU. */
static struct drm_sched_entity *make_entity(struct gpu *gpu)
{
	struct drm_gpu_scheduler *scheds[] = { &gpu->sched };
	struct kunit *test = gpu->test;
	struct drm_sched_entity *entity;

	entity = kunit_kzalloc(test, sizeof(*entity), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, entity);
	KUNIT_ASSERT_EQ(test, 0,
			drm_sched_entity_init(entity,
					      DRM_SCHED_PRIORITY_NORMAL,
					      scheds, 1, NULL));
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, end_entity, entity));
	return entity;
}

static void end_gpu_fence(void *data)
{
	struct gpu_fence *fence = data;

	dma_fence_signal(&fence->base);
	dma_fence_put(&fence->base);
}

static struct gpu_fence *make_gpu_fence(struct gpu *gpu)
{
	struct gpu_fence *fence = kzalloc(sizeof(*fence), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(gpu->test, fence);
	spin_lock_init(&fence->lock);
	dma_fence_init(&fence->base, &gpu_fence_ops, &fence->lock,
		       gpu->context, ++gpu->seqno);
	KUNIT_ASSERT_EQ(gpu->test, 0,
			kunit_add_action_or_reset(gpu->test, end_gpu_fence,
						  fence));
	return fence;
}

/* A reference that is put when the test ends. */
static void put_fence(void *fence)
{
	dma_fence_put(fence);
}

static void put_at_end(struct kunit *test, struct dma_fence *fence)
{
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, put_fence, fence));
}

static void end_job(struct work_struct *work)
{
	struct gpu_job *job = container_of(work, struct gpu_job, work);

	dma_fence_signal(&job->done->base);
}

/* A job that nobody knows of yet. */
static struct gpu_job *make_job(struct gpu *gpu,
				struct drm_sched_entity *entity)
{
	struct kunit *test = gpu->test;
	struct gpu_fence *done = make_gpu_fence(gpu);
	struct gpu_job *job = kzalloc(sizeof(*job), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, job);
	dma_fence_get(&done->base);
	job->gpu = gpu;
	job->done = done;
	init_completion(&job->ran);
	INIT_WORK(&job->work, end_job);
	list_add(&job->entry, &gpu->jobs);
	KUNIT_ASSERT_EQ(test, 0,
			drm_sched_job_init(&job->base, entity, 1, test, 0));
	return job;
}

/* From here on the job has a finished fence, and must be pushed. */
static void arm(struct gpu_job *job)
{
	drm_sched_job_arm(&job->base);
	job->finished = dma_fence_get(&job->base.s_fence->finished);
}

static void push(struct gpu_job *job)
{
	atomic_inc(&job->gpu->busy);
	drm_sched_entity_push_job(&job->base);
}

static void submit(struct gpu_job *job)
{
	arm(job);
	push(job);
}

static void depend(struct gpu_job *job, struct dma_fence *fence)
{
	KUNIT_ASSERT_EQ(job->gpu->test, 0,
			drm_sched_job_add_dependency(&job->base,
						     dma_fence_get(fence)));
}

static void depend_on_resv(struct gpu_job *job, struct dma_resv *resv,
			   bool write)
{
	int err;

	dma_resv_lock(resv, NULL);
	err = drm_sched_job_add_resv_dependencies(&job->base, resv,
						  dma_resv_usage_rw(write));
	dma_resv_unlock(resv);
	KUNIT_ASSERT_EQ(job->gpu->test, err, 0);
}

static bool runs(struct gpu_job *job)
{
	return wait_for_completion_timeout(&job->ran, MOCK_PATIENCE);
}

/* Whatever had been queued for the GPU until now has run, if it was to. */
static bool is_held(struct gpu_job *job)
{
	flush_workqueue(job->gpu->sched.submit_wq);
	return !completion_done(&job->ran);
}

/* The status of a job's finished fence, once it has signalled. */
static int outcome(struct gpu_job *job)
{
	if (dma_fence_wait_timeout(job->finished, false, MOCK_PATIENCE) <= 0)
		return -ETIME;
	return dma_fence_get_status(job->finished);
}

static void finish(struct gpu_job *job)
{
	dma_fence_signal(&job->done->base);
}

static void a_job_is_finished_when_the_gpu_is_through(struct kunit *test)
{
	struct gpu *gpu = make_gpu(test);
	struct gpu_job *job = make_job(gpu, make_entity(gpu));

	submit(job);
	KUNIT_ASSERT_TRUE(test, runs(job));
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(job->finished));
	finish(job);
	KUNIT_EXPECT_EQ(test, outcome(job), 1);
}

static void a_job_without_a_fence_is_finished_at_once(struct kunit *test)
{
	struct gpu *gpu = make_gpu(test);
	struct gpu_job *job = make_job(gpu, make_entity(gpu));

	job->ends_at_once = true;
	submit(job);
	KUNIT_EXPECT_EQ(test, outcome(job), 1);
}

static void a_job_can_be_through_before_it_is_asked(struct kunit *test)
{
	struct gpu *gpu = make_gpu(test);
	struct gpu_job *job = make_job(gpu, make_entity(gpu));

	finish(job);
	submit(job);
	KUNIT_EXPECT_EQ(test, outcome(job), 1);
}

static void a_job_waits_for_its_dependency(struct kunit *test)
{
	struct gpu *gpu = make_gpu(test);
	struct gpu_job *job = make_job(gpu, make_entity(gpu));
	struct dma_fence *fence = mock_fence(test);

	depend(job, fence);
	submit(job);
	KUNIT_EXPECT_TRUE(test, is_held(job));
	dma_fence_signal(fence);
	KUNIT_EXPECT_TRUE(test, runs(job));
}

static void a_dependency_can_end_in_an_interrupt(struct kunit *test)
{
	struct gpu *gpu = make_gpu(test);
	struct gpu_job *job = make_job(gpu, make_entity(gpu));
	struct dma_fence *fence = mock_fence(test);

	depend(job, fence);
	mock_fence_signal_after(fence, ms_to_ktime(1));
	submit(job);
	KUNIT_EXPECT_TRUE(test, runs(job));
}

static void what_has_signalled_holds_no_job(struct kunit *test)
{
	struct gpu *gpu = make_gpu(test);
	struct gpu_job *job = make_job(gpu, make_entity(gpu));
	struct dma_fence *fence = mock_fence(test);
	struct dma_fence *stub = dma_fence_get_stub();

	depend(job, stub);
	dma_fence_put(stub);
	depend(job, fence);
	dma_fence_signal(fence);
	submit(job);
	KUNIT_EXPECT_TRUE(test, runs(job));
}

static unsigned long count_dependencies(struct gpu_job *job)
{
	struct dma_fence *fence;
	unsigned long i, count = 0;

	xa_for_each(&job->base.dependencies, i, fence)
		count++;
	return count;
}

static void of_one_context_the_latest_is_waited_for(struct kunit *test)
{
	struct gpu *gpu = make_gpu(test);
	struct drm_sched_entity *entity = make_entity(gpu);
	struct gpu_fence *one = make_gpu_fence(gpu);
	struct gpu_fence *two = make_gpu_fence(gpu);
	struct gpu_fence *three = make_gpu_fence(gpu);
	struct gpu_job *job = make_job(gpu, entity);

	depend(job, &two->base);
	depend(job, &three->base);
	depend(job, &one->base);
	KUNIT_EXPECT_EQ(test, count_dependencies(job), 1);
	submit(job);
	dma_fence_signal(&one->base);
	dma_fence_signal(&two->base);
	KUNIT_EXPECT_TRUE(test, is_held(job));
	dma_fence_signal(&three->base);
	KUNIT_EXPECT_TRUE(test, runs(job));
}

static void a_job_waits_for_all_of_an_array(struct kunit *test)
{
	struct gpu *gpu = make_gpu(test);
	struct gpu_job *job = make_job(gpu, make_entity(gpu));
	struct dma_fence *fences[] = { mock_fence(test), mock_fence(test) };
	struct dma_fence *array = mock_array(test, fences, 2, false);

	put_at_end(test, array);
	depend(job, array);
	submit(job);
	dma_fence_signal(fences[1]);
	KUNIT_EXPECT_TRUE(test, is_held(job));
	dma_fence_signal(fences[0]);
	KUNIT_EXPECT_TRUE(test, runs(job));
}

static void a_job_waits_for_all_of_a_chain(struct kunit *test)
{
	struct gpu *gpu = make_gpu(test);
	struct gpu_job *job = make_job(gpu, make_entity(gpu));
	struct dma_fence *fences[3], *last = NULL;
	int i;

	for (i = 0; i < ARRAY_SIZE(fences); i++) {
		fences[i] = mock_fence(test);
		last = mock_link(test, last, dma_fence_get(fences[i]), i + 1);
	}
	put_at_end(test, last);

	depend(job, last);
	submit(job);
	dma_fence_signal(fences[2]);
	dma_fence_signal(fences[1]);
	KUNIT_EXPECT_TRUE(test, is_held(job));
	dma_fence_signal(fences[0]);
	KUNIT_EXPECT_TRUE(test, runs(job));
}

static void a_reading_job_waits_for_writers(struct kunit *test)
{
	struct gpu *gpu = make_gpu(test);
	struct gpu_job *job = make_job(gpu, make_entity(gpu));
	struct dma_resv *resv = mock_resv(test);
	struct dma_fence *read = mock_fence(test), *write = mock_fence(test);

	KUNIT_ASSERT_EQ(test, 0,
			mock_resv_add(resv, read, DMA_RESV_USAGE_READ));
	KUNIT_ASSERT_EQ(test, 0,
			mock_resv_add(resv, write, DMA_RESV_USAGE_WRITE));
	depend_on_resv(job, resv, false);
	submit(job);
	KUNIT_EXPECT_TRUE(test, is_held(job));
	dma_fence_signal(write);
	KUNIT_EXPECT_TRUE(test, runs(job));
}

static void a_writing_job_waits_for_readers_too(struct kunit *test)
{
	struct gpu *gpu = make_gpu(test);
	struct gpu_job *job = make_job(gpu, make_entity(gpu));
	struct dma_resv *resv = mock_resv(test);
	struct dma_fence *read = mock_fence(test), *write = mock_fence(test);

	KUNIT_ASSERT_EQ(test, 0,
			mock_resv_add(resv, read, DMA_RESV_USAGE_READ));
	KUNIT_ASSERT_EQ(test, 0,
			mock_resv_add(resv, write, DMA_RESV_USAGE_WRITE));
	depend_on_resv(job, resv, true);
	submit(job);
	dma_fence_signal(write);
	KUNIT_EXPECT_TRUE(test, is_held(job));
	dma_fence_signal(read);
	KUNIT_EXPECT_TRUE(test, runs(job));
}

static void a_reservation_object_waits_for_a_job_to_come(struct kunit *test)
{
	struct gpu *gpu = make_gpu(test);
	struct gpu_job *job = make_job(gpu, make_entity(gpu));
	struct dma_resv *resv = mock_resv(test);
	struct dma_fence *fence = mock_fence(test);

	depend(job, fence);
	arm(job);
	KUNIT_ASSERT_EQ(test, 0, mock_resv_add(resv, job->finished,
					       DMA_RESV_USAGE_WRITE));
	push(job);
	KUNIT_EXPECT_TRUE(test, is_held(job));
	KUNIT_EXPECT_FALSE(test,
			   dma_resv_test_signaled(resv, DMA_RESV_USAGE_WRITE));
	dma_fence_signal(fence);
	KUNIT_ASSERT_TRUE(test, runs(job));
	KUNIT_EXPECT_FALSE(test,
			   dma_resv_test_signaled(resv, DMA_RESV_USAGE_WRITE));
	finish(job);
	KUNIT_EXPECT_GT(test,
			dma_resv_wait_timeout(resv, DMA_RESV_USAGE_WRITE,
					      false, MOCK_PATIENCE), 0);
}

static void the_error_of_the_gpu_is_that_of_the_job(struct kunit *test)
{
	struct gpu *gpu = make_gpu(test);
	struct drm_sched_entity *entity = make_entity(gpu);
	struct gpu_job *job = make_job(gpu, entity);

	submit(job);
	KUNIT_ASSERT_TRUE(test, runs(job));
	dma_fence_set_error(&job->done->base, -EIO);
	finish(job);
	KUNIT_EXPECT_EQ(test, outcome(job), -EIO);
	KUNIT_EXPECT_EQ(test, drm_sched_entity_error(entity), -EIO);
}

static void a_job_that_cannot_run_has_its_error(struct kunit *test)
{
	struct gpu *gpu = make_gpu(test);
	struct gpu_job *job = make_job(gpu, make_entity(gpu));

	job->error = -ENOMEM;
	submit(job);
	KUNIT_EXPECT_EQ(test, outcome(job), -ENOMEM);
}

static void a_failed_dependency_is_over_as_well(struct kunit *test)
{
	struct gpu *gpu = make_gpu(test);
	struct gpu_job *job = make_job(gpu, make_entity(gpu));
	struct dma_fence *fence = mock_fence(test);

	depend(job, fence);
	submit(job);
	dma_fence_set_error(fence, -EIO);
	dma_fence_signal(fence);
	KUNIT_ASSERT_TRUE(test, runs(job));
	finish(job);
	KUNIT_EXPECT_EQ(test, outcome(job), 1);
}

static void a_job_that_never_was_submitted_leaves_nothing(struct kunit *test)
{
	struct gpu *gpu = make_gpu(test);
	struct gpu_job *job = make_job(gpu, make_entity(gpu));
	struct dma_fence *fence = mock_fence(test);

	depend(job, fence);
	KUNIT_EXPECT_EQ(test, mock_references(fence), 2);
	drm_sched_job_cleanup(&job->base);
	KUNIT_EXPECT_EQ(test, mock_references(fence), 1);
}

/* Its dependencies may still write to what those who wait for it will free. */
static void a_cancelled_job_ends_after_its_dependencies(struct kunit *test)
{
	struct gpu *gpu = make_gpu(test);
	struct drm_sched_entity *entity = make_entity(gpu);
	struct gpu_job *running = make_job(gpu, entity);
	struct gpu_job *waiting = make_job(gpu, entity);
	struct dma_fence *fence = mock_fence(test);

	submit(running);
	KUNIT_ASSERT_TRUE(test, runs(running));
	depend(waiting, fence);
	submit(waiting);
	KUNIT_EXPECT_TRUE(test, is_held(waiting));
	drm_sched_entity_fini(entity);

	finish(running);
	KUNIT_EXPECT_EQ(test, outcome(running), 1);
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(waiting->finished));
	dma_fence_signal(fence);
	KUNIT_EXPECT_EQ(test, outcome(waiting), -ESRCH);
	KUNIT_EXPECT_EQ(test, waiting->order, 0);
}

static void a_cancelled_job_ends_after_the_one_before_it(struct kunit *test)
{
	struct gpu *gpu = make_gpu(test);
	struct drm_sched_entity *entity = make_entity(gpu);
	struct gpu_job *running = make_job(gpu, entity);
	struct gpu_job *waiting = make_job(gpu, entity);
	struct dma_fence *fence = mock_fence(test);

	submit(running);
	KUNIT_ASSERT_TRUE(test, runs(running));
	depend(waiting, fence);
	submit(waiting);
	KUNIT_EXPECT_TRUE(test, is_held(waiting));
	drm_sched_entity_fini(entity);

	dma_fence_signal(fence);
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(waiting->finished));
	finish(running);
	KUNIT_EXPECT_EQ(test, outcome(running), 1);
	KUNIT_EXPECT_EQ(test, outcome(waiting), -ESRCH);
}

static void a_reset_gives_the_gpu_its_jobs_again(struct kunit *test)
{
	struct gpu *gpu = make_gpu(test);
	struct gpu_job *job = make_job(gpu, make_entity(gpu));

	submit(job);
	KUNIT_ASSERT_TRUE(test, runs(job));
	flush_workqueue(gpu->sched.submit_wq);
	drm_sched_stop(&gpu->sched, NULL);
	drm_sched_resubmit_jobs(&gpu->sched);
	drm_sched_start(&gpu->sched);
	KUNIT_EXPECT_EQ(test, job->order, 2);
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(job->finished));
	finish(job);
	KUNIT_EXPECT_EQ(test, outcome(job), 1);
}

static void a_job_can_end_while_the_gpu_is_reset(struct kunit *test)
{
	struct gpu *gpu = make_gpu(test);
	struct gpu_job *job = make_job(gpu, make_entity(gpu));

	submit(job);
	KUNIT_ASSERT_TRUE(test, runs(job));
	flush_workqueue(gpu->sched.submit_wq);
	drm_sched_stop(&gpu->sched, NULL);
	finish(job);
	/* Nobody listens to the GPU now. */
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(job->finished));
	drm_sched_resubmit_jobs(&gpu->sched);
	drm_sched_start(&gpu->sched);
	KUNIT_EXPECT_EQ(test, outcome(job), 1);
}

static void a_reset_that_gives_up_cancels(struct kunit *test)
{
	struct gpu *gpu = make_gpu(test);
	struct gpu_job *job = make_job(gpu, make_entity(gpu));

	submit(job);
	KUNIT_ASSERT_TRUE(test, runs(job));
	flush_workqueue(gpu->sched.submit_wq);
	drm_sched_stop(&gpu->sched, NULL);
	drm_sched_start(&gpu->sched);
	KUNIT_EXPECT_EQ(test, outcome(job), -ECANCELED);
}

static void a_deadline_reaches_the_gpu(struct kunit *test)
{
	struct gpu *gpu = make_gpu(test);
	struct gpu_job *job = make_job(gpu, make_entity(gpu));
	struct dma_fence *fence = mock_fence(test);
	ktime_t early = ktime_add_ms(ktime_get(), 1000);
	ktime_t earlier = ktime_add_ms(ktime_get(), 500);

	depend(job, fence);
	submit(job);
	/* As long as the job is held, the scheduler keeps it in mind. */
	dma_fence_set_deadline(job->finished, early);
	KUNIT_EXPECT_EQ(test, job->done->deadline, 0);
	dma_fence_signal(fence);
	KUNIT_ASSERT_TRUE(test, runs(job));
	flush_workqueue(gpu->sched.submit_wq);
	KUNIT_EXPECT_EQ(test, job->done->deadline, early);
	dma_fence_set_deadline(job->finished, earlier);
	KUNIT_EXPECT_EQ(test, job->done->deadline, earlier);
}

static bool ended_before(struct gpu_job *one, struct gpu_job *other)
{
	return !ktime_after(dma_fence_timestamp(one->finished),
			    dma_fence_timestamp(other->finished));
}

#define MANY	200

/* Two GPUs draw on one buffer in turns, each job after the one before it. */
static void gpus_take_turns_on_a_buffer(struct kunit *test)
{
	struct gpu *gpus[] = { make_gpu(test), make_gpu(test) };
	struct drm_sched_entity *entities[] = {
		make_entity(gpus[0]), make_entity(gpus[1]),
	};
	struct dma_resv *resv = mock_resv(test);
	struct gpu_job **jobs;
	int i;

	jobs = kunit_kcalloc(test, MANY, sizeof(*jobs), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, jobs);
	for (i = 0; i < MANY; i++) {
		jobs[i] = make_job(gpus[i % 2], entities[i % 2]);
		jobs[i]->ends_by_itself = true;
		depend_on_resv(jobs[i], resv, true);
		arm(jobs[i]);
		KUNIT_ASSERT_EQ(test, 0,
				mock_resv_add(resv, jobs[i]->finished,
					      DMA_RESV_USAGE_WRITE));
		push(jobs[i]);
	}
	KUNIT_EXPECT_GT(test,
			dma_resv_wait_timeout(resv, DMA_RESV_USAGE_WRITE,
					      false, MOCK_PATIENCE), 0);
	for (i = 0; i < MANY; i++) {
		KUNIT_EXPECT_EQ(test, outcome(jobs[i]), 1);
		KUNIT_EXPECT_EQ(test, jobs[i]->order, i / 2 + 1);
		if (i)
			KUNIT_EXPECT_TRUE(test,
					  ended_before(jobs[i - 1], jobs[i]));
	}
}

static struct kunit_case scheduler_cases[] = {
	KUNIT_CASE(a_job_is_finished_when_the_gpu_is_through),
	KUNIT_CASE(a_job_without_a_fence_is_finished_at_once),
	KUNIT_CASE(a_job_can_be_through_before_it_is_asked),
	KUNIT_CASE(a_job_waits_for_its_dependency),
	KUNIT_CASE(a_dependency_can_end_in_an_interrupt),
	KUNIT_CASE(what_has_signalled_holds_no_job),
	KUNIT_CASE(of_one_context_the_latest_is_waited_for),
	KUNIT_CASE(a_job_waits_for_all_of_an_array),
	KUNIT_CASE(a_job_waits_for_all_of_a_chain),
	KUNIT_CASE(a_reading_job_waits_for_writers),
	KUNIT_CASE(a_writing_job_waits_for_readers_too),
	KUNIT_CASE(a_reservation_object_waits_for_a_job_to_come),
	KUNIT_CASE(the_error_of_the_gpu_is_that_of_the_job),
	KUNIT_CASE(a_job_that_cannot_run_has_its_error),
	KUNIT_CASE(a_failed_dependency_is_over_as_well),
	KUNIT_CASE(a_job_that_never_was_submitted_leaves_nothing),
	KUNIT_CASE(a_cancelled_job_ends_after_its_dependencies),
	KUNIT_CASE(a_cancelled_job_ends_after_the_one_before_it),
	KUNIT_CASE(a_reset_gives_the_gpu_its_jobs_again),
	KUNIT_CASE(a_job_can_end_while_the_gpu_is_reset),
	KUNIT_CASE(a_reset_that_gives_up_cancels),
	KUNIT_CASE(a_deadline_reaches_the_gpu),
	KUNIT_CASE(gpus_take_turns_on_a_buffer),
	{}
};

static struct kunit_suite scheduler_suite = {
	.name = "dma_fence_scheduler",
	.test_cases = scheduler_cases,
};

kunit_test_suite(scheduler_suite);
