// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fences for tests of fences: they stand where the test wants them on their
 * timeline and do as they are told.  And what else such tests share: callbacks
 * that count, containers, and threads to race against.
 */
#include <linux/delay.h>
#include <linux/dma-fence-array.h>
#include <linux/dma-fence-chain.h>
#include <linux/kthread.h>
#include <linux/moduleparam.h>
#include <linux/random.h>
#include <linux/slab.h>

#include "mock.h"

#define ROUNDS		3000

static uint race_ms = 700;
module_param(race_ms, uint, 0444);
MODULE_PARM_DESC(race_ms, "How long each race goes on at most, in milliseconds");

static struct mock_job *to_mock_job(struct dma_fence *fence)
{
	return container_of(fence, struct mock_job, base);
}

static const char *job_driver_name(struct dma_fence *fence)
{
	return "driver";
}

static const char *job_timeline_name(struct dma_fence *fence)
{
	return "timeline";
}

static bool job_enable_signaling(struct dma_fence *fence)
{
	struct mock_job *job = to_mock_job(fence);

	job->enabled++;
	return !job->over_when_enabled;
}

static bool job_signaled(struct dma_fence *fence)
{
	struct mock_job *job = to_mock_job(fence);

	atomic_inc(&job->asked);
	return READ_ONCE(job->done);
}

static void job_set_deadline(struct dma_fence *fence, ktime_t deadline)
{
	struct mock_job *job = to_mock_job(fence);

	job->deadline = deadline;
	job->deadlines++;
}

static void job_release(struct dma_fence *fence)
{
	struct mock_job *job = to_mock_job(fence);

	if (job->released)
		atomic_inc(job->released);
	dma_fence_free(fence);
}

const struct dma_fence_ops mock_job_ops = {
	.get_driver_name = job_driver_name,
	.get_timeline_name = job_timeline_name,
	.enable_signaling = job_enable_signaling,
	.signaled = job_signaled,
	.set_deadline = job_set_deadline,
	.release = job_release,
};

/**
 * mock_job_make - make a job's fence
 * @context: its timeline
 * @seqno: its place there
 *
 * Return: the job with a reference, or NULL.
 */
struct mock_job *mock_job_make(u64 context, u64 seqno)
{
	struct mock_job *job = kzalloc(sizeof(*job), GFP_KERNEL);

	if (!job)
		return NULL;
	spin_lock_init(&job->lock);
	dma_fence_init(&job->base, &mock_job_ops, &job->lock, context, seqno);
	return job;
}

static void end_job(void *data)
{
	struct mock_job *job = data;

	dma_fence_signal(&job->base);
	dma_fence_put(&job->base);
}

/**
 * mock_job_on - make a job's fence on some timeline
 * @test: the test; when it ends the fence signals, if it didn't before
 * @context: the timeline
 * @seqno: its place there
 *
 * Return: the job; the reference is the test's.
 */
struct mock_job *mock_job_on(struct kunit *test, u64 context, u64 seqno)
{
	struct mock_job *job = mock_job_make(context, seqno);

	KUNIT_ASSERT_NOT_NULL(test, job);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, end_job, job));
	return job;
}

/**
 * mock_job - make a job's fence on a timeline of its own
 * @test: the test; when it ends the fence signals, if it didn't before
 *
 * Return: the job; the reference is the test's.
 */
struct mock_job *mock_job(struct kunit *test)
{
	return mock_job_on(test, dma_fence_context_alloc(1), 1);
}

/**
 * mock_references - how many references are there on a fence?
 * @fence: the fence
 *
 * Return: the number, which others may be changing.
 */
int mock_references(struct dma_fence *fence)
{
	return kref_read(&fence->refcount);
}

/**
 * mock_left_alone - see that nobody but the test has a fence any more
 * @fence: the fence
 *
 * Containers that have signalled may be about to let go of it on another CPU.
 *
 * Return: whether there was but one reference left before patience was lost.
 */
bool mock_left_alone(struct dma_fence *fence)
{
	return MOCK_AWAIT(mock_references(fence) == 1);
}

static void count_call(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct mock_call *call = container_of(cb, struct mock_call, cb);

	call->error = fence->error;
	/* Pairs with mock_calls(). */
	smp_store_release(&call->count, call->count + 1);
}

/**
 * mock_call_at_end - count a call when a fence signals
 * @fence: the fence
 * @call: the callback
 *
 * Return: as dma_fence_add_callback().
 */
int mock_call_at_end(struct dma_fence *fence, struct mock_call *call)
{
	call->count = 0;
	call->error = 1;
	return dma_fence_add_callback(fence, &call->cb, count_call);
}

/**
 * mock_calls - how often was it called?
 * @call: the callback
 *
 * Return: the number.
 */
int mock_calls(struct mock_call *call)
{
	/* Pairs with count_call(). */
	return smp_load_acquire(&call->count);
}

/**
 * mock_array - make an array of fences
 * @test: the test
 * @members: the fences; the array takes references of its own
 * @num: how many
 * @signal_on_any: whether one of them is enough
 *
 * Return: the array; the test puts it.
 */
struct dma_fence *mock_array(struct kunit *test, struct dma_fence **members,
			     int num, bool signal_on_any)
{
	struct dma_fence_array *array;
	struct dma_fence **list;
	int i;

	list = kmemdup_array(members, num, sizeof(*members), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, list);
	array = dma_fence_array_create(num, list, dma_fence_context_alloc(1), 1,
				       signal_on_any);
	if (!array)
		kfree(list);
	KUNIT_ASSERT_NOT_NULL(test, array);
	for (i = 0; i < num; i++)
		dma_fence_get(members[i]);
	return &array->base;
}

/**
 * mock_link - make a link of a chain
 * @test: the test
 * @prev: what comes before it; its reference goes to the link
 * @fence: what it adds; its reference goes to the link
 * @seqno: the point
 *
 * Return: the link; the test puts it.
 */
struct dma_fence *mock_link(struct kunit *test, struct dma_fence *prev,
			    struct dma_fence *fence, u64 seqno)
{
	struct dma_fence_chain *link = dma_fence_chain_alloc();

	KUNIT_ASSERT_NOT_NULL(test, link);
	dma_fence_chain_init(link, prev, fence, seqno);
	return &link->base;
}

/**
 * mock_rounds - begin a race
 * @test: the test
 *
 * Return: for mock_next_round().
 */
struct mock_rounds mock_rounds(struct kunit *test)
{
	return (struct mock_rounds) { .test = test, .begin = jiffies };
}

/**
 * mock_next_round - have another round
 * @rounds: from mock_rounds()
 *
 * There are thousands, but on a slow machine fewer; some there always are,
 * until the test fails.
 *
 * Return: whether there is one.
 */
bool mock_next_round(struct mock_rounds *rounds)
{
	if (READ_ONCE(rounds->test->status) != KUNIT_FAILURE &&
	    rounds->count < ROUNDS &&
	    (rounds->count < 50 ||
	     time_before(jiffies, rounds->begin + msecs_to_jiffies(race_ms)))) {
		rounds->count++;
		return true;
	}
	kunit_info(rounds->test, "%d rounds", rounds->count);
	return false;
}

static int act_every_round(void *data)
{
	struct mock_rival *rival = data;
	int round;

	while (!kthread_should_stop()) {
		/* Pairs with mock_rival_go(). */
		round = smp_load_acquire(&rival->round);
		if (round != rival->done) {
			rival->act(rival->data);
			/* Pairs with mock_rival_await(). */
			smp_store_release(&rival->done, round);
		}
		cond_resched();
	}
	return 0;
}

/**
 * mock_rival - start a thread to race against
 * @test: the test
 * @act: what the thread does in each round
 * @data: what for
 *
 * Return: for mock_rival_go(); the thread ends with the test.
 */
struct mock_rival *mock_rival(struct kunit *test, void (*act)(void *data),
			      void *data)
{
	struct mock_rival *rival;

	rival = kunit_kzalloc(test, sizeof(*rival), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, rival);
	rival->act = act;
	rival->data = data;
	mock_thread(test, act_every_round, rival, "dma_buf_rival");
	return rival;
}

/**
 * mock_rival_go - have the rival do his thing once
 * @rival: the rival, not busy
 */
void mock_rival_go(struct mock_rival *rival)
{
	/* Pairs with act_every_round(). */
	smp_store_release(&rival->round, rival->round + 1);
}

/**
 * mock_rival_await - wait until the rival has done his thing
 * @rival: the rival
 */
void mock_rival_await(struct mock_rival *rival)
{
	/* Pairs with act_every_round(). */
	while (smp_load_acquire(&rival->done) != rival->round)
		cond_resched();
}

/**
 * mock_dawdle - let some time go by, from none to what a thread needs to start
 */
void mock_dawdle(void)
{
	ndelay(get_random_u32_below(4000));
}
