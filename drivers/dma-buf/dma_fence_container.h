/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What arrays and chains have in common: they contain fences, and take the
 * locks of those while holding their own.
 *
 * A container's nesting is how many levels of containers it is: 1 when all it
 * contains is plain fences.  Its lock nests outside those of lower nesting, so
 * each level gets a lockdep class of its own.
 */
#ifndef __DMA_FENCE_CONTAINER_H
#define __DMA_FENCE_CONTAINER_H

#include <linux/bug.h>
#include <linux/dma-fence-array.h>
#include <linux/dma-fence-chain.h>

/* Nobody has a reason to go deeper, and every level takes stack. */
#define DMA_FENCE_NESTING_MAX	6

/* As dma_fence_array_next(), without a call: NULL after the last member. */
static inline struct dma_fence *dma_fence_array_member(struct dma_fence *head,
						       unsigned int index)
{
	struct dma_fence_array *array = to_dma_fence_array(head);

	return array && index < array->num_fences ? array->fences[index] : NULL;
}

/* 0 for a plain fence. */
static inline unsigned int dma_fence_nesting(struct dma_fence *fence)
{
	if (dma_fence_is_array(fence))
		return to_dma_fence_array(fence)->nesting;
	if (dma_fence_is_chain(fence))
		return to_dma_fence_chain(fence)->nesting;
	return 0;
}

/* The nesting of what contains something of @nesting, within bounds. */
static inline unsigned int dma_fence_nesting_above(unsigned int nesting)
{
	if (WARN_ON_ONCE(nesting >= DMA_FENCE_NESTING_MAX))
		return DMA_FENCE_NESTING_MAX;
	return nesting + 1;
}

#endif /* __DMA_FENCE_CONTAINER_H */
