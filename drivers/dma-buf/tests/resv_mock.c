// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fences for reservation objects.
 */
#include <linux/slab.h>

#include "resv_mock.h"

/* Fences there are, in all tests together: they run one after the other. */
static atomic_t fences_alive;

static struct kmem_cache *recycled_cache;

static const char *driver_name(struct dma_fence *fence)
{
	return "resv";
}

static const char *timeline_name(struct dma_fence *fence)
{
	return to_resv_fence(fence)->kind == RESV_PLAIN ? "plain" : "polled";
}

static bool is_over(struct dma_fence *fence)
{
	return READ_ONCE(to_resv_fence(fence)->over);
}

static void note_deadline(struct dma_fence *fence, ktime_t deadline)
{
	to_resv_fence(fence)->deadline = deadline;
}

static void release_slowly(struct dma_fence *fence)
{
	atomic_dec(&fences_alive);
	dma_fence_free(fence);
}

static void release_at_once(struct dma_fence *fence)
{
	atomic_dec(&fences_alive);
	kmem_cache_free(recycled_cache, to_resv_fence(fence));
}

static const struct dma_fence_ops ops_of_kind[RESV_KINDS] = {
	[RESV_PLAIN] = {
		.get_driver_name = driver_name,
		.get_timeline_name = timeline_name,
		.set_deadline = note_deadline,
		.release = release_slowly,
	},
	[RESV_POLLED] = {
		.get_driver_name = driver_name,
		.get_timeline_name = timeline_name,
		.signaled = is_over,
		.set_deadline = note_deadline,
		.release = release_slowly,
	},
	[RESV_RECYCLED] = {
		.get_driver_name = driver_name,
		.get_timeline_name = timeline_name,
		.signaled = is_over,
		.set_deadline = note_deadline,
		.release = release_at_once,
	},
};

/* Whoever holds a stale pointer may take the lock of the fence that is there. */
static void construct(void *memory)
{
	struct resv_fence *fence = memory;

	memset(fence, 0, sizeof(*fence));
	spin_lock_init(&fence->lock);
}

/**
 * resv_mock_suite_init - what a suite begins with
 * @suite: the suite
 *
 * Return: 0 or -ENOMEM.
 */
int resv_mock_suite_init(struct kunit_suite *suite)
{
	recycled_cache = kmem_cache_create("dma_buf_test_fence",
					   sizeof(struct resv_fence), 0,
					   SLAB_TYPESAFE_BY_RCU, construct);
	return recycled_cache ? 0 : -ENOMEM;
}

/**
 * resv_mock_suite_exit - what a suite ends with
 * @suite: the suite
 */
void resv_mock_suite_exit(struct kunit_suite *suite)
{
	kmem_cache_destroy(recycled_cache);
}

static void expect_no_fence(void *data)
{
	struct kunit *test = data;

	/* An armed container may be about to let go of its own. */
	MOCK_AWAIT(resv_fence_count() == 0);
	KUNIT_EXPECT_EQ_MSG(test, resv_fence_count(), 0,
			    "a reference was not dropped, or once too often");
	atomic_set(&fences_alive, 0);
}

/**
 * resv_mock_init - what each test begins with
 * @test: the test; it fails when a fence outlives it
 *
 * Return: 0 or -ENOMEM.
 */
int resv_mock_init(struct kunit *test)
{
	/* The first action is the last to be done. */
	return kunit_add_action_or_reset(test, expect_no_fence, test);
}

/**
 * resv_fence_count - how many fences are left
 *
 * Return: those that were made and not freed.
 */
int resv_fence_count(void)
{
	return atomic_read(&fences_alive);
}

/**
 * resv_fence_make - make a fence
 * @kind: of which kind
 * @context: its context
 * @seqno: its place there
 * @owner: what for
 *
 * Context: Process context, may sleep; any for one of RESV_RECYCLED.
 *
 * Return: the fence, to be undone by resv_fence_end(), or NULL.
 */
struct dma_fence *resv_fence_make(enum resv_fence_kind kind, u64 context,
				  u64 seqno, const void *owner)
{
	struct resv_fence *fence;

	if (kind == RESV_RECYCLED) {
		/* Wanted in the middle of things, too. */
		fence = kmem_cache_alloc(recycled_cache, GFP_ATOMIC);
	} else {
		fence = kmalloc(sizeof(*fence), GFP_KERNEL);
		if (fence)
			construct(fence);
	}
	if (!fence)
		return NULL;
	fence->kind = kind;
	fence->over = false;
	fence->deadline = 0;
	fence->owner = owner;
	memset(fence->seen, 0, sizeof(fence->seen));
	atomic_inc(&fences_alive);
	dma_fence_init(&fence->base, &ops_of_kind[kind], &fence->lock, context,
		       seqno);
	return &fence->base;
}

/**
 * resv_fence_end - signal a fence, if nobody did, and put it
 * @fence: one of resv_fence_make()'s
 */
void resv_fence_end(struct dma_fence *fence)
{
	dma_fence_signal(fence);
	dma_fence_put(fence);
}

static void end_fence(void *fence)
{
	resv_fence_end(fence);
}

/**
 * resv_fence_of - make a fence of the test's
 * @test: the test; when it ends the fence signals, if it didn't before
 * @kind: of which kind
 * @context: its context
 * @seqno: its place there
 *
 * Return: the fence; the reference is the test's.
 */
struct dma_fence *resv_fence_of(struct kunit *test, enum resv_fence_kind kind,
				u64 context, u64 seqno)
{
	struct dma_fence *fence = resv_fence_make(kind, context, seqno, test);

	KUNIT_ASSERT_NOT_NULL(test, fence);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, end_fence, fence));
	return fence;
}

/**
 * resv_context - have a context of one's own
 *
 * Return: the context.
 */
u64 resv_context(void)
{
	return dma_fence_context_alloc(1);
}

/**
 * resv_fence - make a plain fence of the test's, in a context of its own
 * @test: the test
 *
 * Return: the fence; the reference is the test's.
 */
struct dma_fence *resv_fence(struct kunit *test)
{
	return resv_fence_of(test, RESV_PLAIN, resv_context(), 1);
}

/**
 * resv_content_alloc - have room to write down what is in an object
 * @test: the test
 * @size: how many fences there may be
 *
 * Return: the room.
 */
struct resv_content *resv_content_alloc(struct kunit *test, unsigned int size)
{
	struct resv_content *content;

	content = kunit_kzalloc(test, struct_size(content, entries, size),
				GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, content);
	content->size = size;
	return content;
}

/**
 * resv_content_read_locked - write down what is in an object
 * @content: where
 * @obj: the object, locked
 * @usage: the last class of fences to write down
 */
void resv_content_read_locked(struct resv_content *content,
			      struct dma_resv *obj, enum dma_resv_usage usage)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;

	content->count = 0;
	dma_resv_for_each_fence(&cursor, obj, usage, fence) {
		if (content->count < content->size) {
			content->entries[content->count].fence = fence;
			content->entries[content->count].usage =
				dma_resv_iter_usage(&cursor);
		}
		content->count++;
	}
}

/**
 * resv_content_read - write down all that is in an object
 * @content: where
 * @obj: the object
 */
void resv_content_read(struct resv_content *content, struct dma_resv *obj)
{
	dma_resv_lock(obj, NULL);
	resv_content_read_locked(content, obj, DMA_RESV_USAGE_BOOKKEEP);
	dma_resv_unlock(obj);
}
