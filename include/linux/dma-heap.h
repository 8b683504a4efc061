/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Heaps: kinds of memory that programs allocate buffers from.
 */
#ifndef _LINUX_DMA_HEAP_H
#define _LINUX_DMA_HEAP_H

#include <linux/types.h>

struct dma_buf;
struct dma_heap;

/**
 * struct dma_heap_ops - what a heap can do
 */
struct dma_heap_ops {
	/**
	 * @allocate: make a buffer of @len bytes, which are whole pages, with
	 * every byte 0.  @fd_flags are for dma_buf_export_info.flags;
	 * @heap_flags are 0.  May sleep.
	 *
	 * Return: the buffer, or an error pointer: -ENOMEM when the heap has
	 * not so much memory, -EINTR when a fatal signal came first.
	 */
	struct dma_buf *(*allocate)(struct dma_heap *heap, unsigned long len,
				    u32 fd_flags, u64 heap_flags);
};

/**
 * struct dma_heap_export_info - what dma_heap_add() needs to know
 * @name: of the device node; not kept
 * @ops: the heap's operations; a module that has them stays loaded
 * @priv: the heap's own, see dma_heap_get_drvdata()
 */
struct dma_heap_export_info {
	const char *name;
	const struct dma_heap_ops *ops;
	void *priv;
};

void *dma_heap_get_drvdata(struct dma_heap *heap);
const char *dma_heap_get_name(struct dma_heap *heap);
struct dma_heap *dma_heap_add(const struct dma_heap_export_info *exp_info);

#endif /* _LINUX_DMA_HEAP_H */
