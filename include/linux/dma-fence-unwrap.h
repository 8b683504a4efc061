/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is inside of containers: chains, arrays, and one in the other.
 */
#ifndef __LINUX_DMA_FENCE_UNWRAP_H
#define __LINUX_DMA_FENCE_UNWRAP_H

#include <linux/array_size.h>

struct dma_fence;

/**
 * struct dma_fence_unwrap - a place in the fences that a fence contains
 * @chain: the link, or other fence, that is being visited, with a reference;
 *	NULL at the end.  Who leaves a walk early puts it.
 * @array: what @chain contains: an array, or the one fence to visit
 * @index: place in @array
 * @outer_index: where to go on in @outer after a chain inside of it
 * @outer: the array that the walk began at, NULL if it wasn't one; the
 *	caller's reference protects it
 *
 * All but @chain is private.
 */
struct dma_fence_unwrap {
	struct dma_fence *chain;
	struct dma_fence *array;
	unsigned int index;
	unsigned int outer_index;
	struct dma_fence *outer;
};

struct dma_fence *dma_fence_unwrap_first(struct dma_fence *head,
					 struct dma_fence_unwrap *cursor);
struct dma_fence *dma_fence_unwrap_next(struct dma_fence_unwrap *cursor);

/**
 * dma_fence_unwrap_for_each - visit all fences that a fence contains
 * @fence: the fence visited; its container's reference protects it
 * @cursor: struct dma_fence_unwrap to keep the place in
 * @head: container to look into, or a plain fence, which is visited itself.
 *	The caller's reference on it lasts until the end of the loop.
 *
 * Who leaves the loop early puts @cursor->chain.
 */
#define dma_fence_unwrap_for_each(fence, cursor, head)			\
	for ((fence) = dma_fence_unwrap_first(head, cursor);		\
	     (fence);							\
	     (fence) = dma_fence_unwrap_next(cursor))

struct dma_fence *__dma_fence_unwrap_merge(unsigned int num_fences,
					   struct dma_fence **fences,
					   struct dma_fence_unwrap *cursors);

/**
 * dma_fence_unwrap_merge - one fence for all that some fences contain
 *
 * The arguments are pointers to fences, any of them NULL.  See
 * __dma_fence_unwrap_merge().
 */
#define dma_fence_unwrap_merge(...)					\
({									\
	struct dma_fence *__heads[] = { __VA_ARGS__ };			\
	struct dma_fence_unwrap __walks[ARRAY_SIZE(__heads)];		\
									\
	__dma_fence_unwrap_merge(ARRAY_SIZE(__heads), __heads, __walks);\
})

#endif /* __LINUX_DMA_FENCE_UNWRAP_H */
