/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the suites of reservation objects share: fences of a context and with a
 * seqno of the test's choice, which are counted.
 */
#ifndef __DMA_BUF_TESTS_RESV_MOCK_H
#define __DMA_BUF_TESTS_RESV_MOCK_H

#include "mock.h"

#define RESV_USAGES (DMA_RESV_USAGE_BOOKKEEP + 1)

/**
 * enum resv_fence_kind - how a fence tells that it is over, and how it is freed
 * @RESV_PLAIN: it is signalled; freed after a grace period
 * @RESV_POLLED: the same, and it can be asked
 * @RESV_RECYCLED: can be asked, and its memory is another such fence at once
 * @RESV_KINDS: how many there are
 */
enum resv_fence_kind {
	RESV_PLAIN,
	RESV_POLLED,
	RESV_RECYCLED,
	RESV_KINDS
};

/**
 * struct resv_fence - a fence
 * @base: first, so that it can be freed as a fence
 * @lock: of the fence
 * @kind: in which way it is over and freed
 * @over: who asks it is told that it is over, but nobody who doesn't
 * @deadline: the last one that it was given, 0 without
 * @owner: what it was made for; the test's
 * @seen: the test's, to count in: how often it was seen with each usage
 */
struct resv_fence {
	struct dma_fence base;
	spinlock_t lock; /* protects @base */
	enum resv_fence_kind kind;
	bool over;
	ktime_t deadline;
	const void *owner;
	int seen[RESV_USAGES];
};

static inline struct resv_fence *to_resv_fence(struct dma_fence *fence)
{
	return container_of(fence, struct resv_fence, base);
}

/* The suites' init and exit: when a test is over, no fence of it is left. */
int resv_mock_suite_init(struct kunit_suite *suite);
void resv_mock_suite_exit(struct kunit_suite *suite);
int resv_mock_init(struct kunit *test);

struct dma_fence *resv_fence_make(enum resv_fence_kind kind, u64 context,
				  u64 seqno, const void *owner);
void resv_fence_end(struct dma_fence *fence);
struct dma_fence *resv_fence_of(struct kunit *test, enum resv_fence_kind kind,
				u64 context, u64 seqno);
struct dma_fence *resv_fence(struct kunit *test);
u64 resv_context(void);

int resv_fence_count(void);

/**
 * struct resv_content - fences in an object
 * @count: how many
 * @size: how many fit; those beyond are counted only
 * @entries: the fences, without references
 */
struct resv_content {
	unsigned int count;
	unsigned int size;
	struct {
		struct dma_fence *fence;
		enum dma_resv_usage usage;
	} entries[];
};

struct resv_content *resv_content_alloc(struct kunit *test, unsigned int size);
void resv_content_read(struct resv_content *content, struct dma_resv *obj);
void resv_content_read_locked(struct resv_content *content,
			      struct dma_resv *obj, enum dma_resv_usage usage);

#endif /* __DMA_BUF_TESTS_RESV_MOCK_H */
