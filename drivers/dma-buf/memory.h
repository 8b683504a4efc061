/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Buffers whose memory is pages: what udmabuf and the heaps have in common.
 *
 * Where the pages come from and go to is the exporter's business.  It appends
 * them before the export; from then on they don't change, and all that is done
 * with them is done here: tables for devices, mappings into processes and the
 * kernel, brackets of CPU access.
 *
 *   memory.c         pages, devices, the kernel, CPU access
 *   memory_mmap.c    mappings into processes
 */
#ifndef __DMA_BUF_MEMORY_H
#define __DMA_BUF_MEMORY_H

#include <linux/dma-buf.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/types.h>

struct page;

/**
 * struct dma_buf_range - pages that are contiguous in memory and in a buffer
 * @page: the first one
 * @end: index in the buffer of the page behind the last one; the range begins
 *	where the one before it ends
 */
struct dma_buf_range {
	struct page *page;
	pgoff_t end;
};

/**
 * struct dma_buf_memory - the memory of a buffer
 *
 * Part of an exporter's own structure, which is found by container_of() from
 * dma_buf.priv.
 */
struct dma_buf_memory {
	/** @ranges: the pages, in the buffer's order; constant once exported */
	struct dma_buf_range *ranges;
	/** @num_ranges: how many; constant once exported */
	unsigned int num_ranges;
	/** @room: how many @ranges has room for */
	unsigned int room;
	/** @only: what @ranges points to as long as one is enough */
	struct dma_buf_range only;
	/** @lock: nests in the reservation lock; no lock is taken under it */
	struct mutex lock;
	/** @mappings: of all devices, by dma_buf_mapping.node; @lock */
	struct list_head mappings;
	/** @vaddr: where vmap() put it, in an alias of the pages; @lock */
	void *vaddr;
};

/**
 * struct dma_buf_mapping - pages that are mapped for a device
 * @sgt: the table the importer has
 * @node: in dma_buf_memory.mappings; its lock
 * @dev: the device
 * @dir: where data goes
 */
struct dma_buf_mapping {
	struct sg_table sgt;
	struct list_head node;
	struct device *dev;
	enum dma_data_direction dir;
};

static inline struct dma_buf_memory *dma_buf_to_memory(struct dma_buf *dmabuf)
{
	return dmabuf->priv;
}

static inline pgoff_t dma_buf_memory_pages(const struct dma_buf_memory *memory)
{
	return memory->num_ranges ?
		memory->ranges[memory->num_ranges - 1].end : 0;
}

static inline pgoff_t dma_buf_range_begin(const struct dma_buf_memory *memory,
					  unsigned int index)
{
	return index ? memory->ranges[index - 1].end : 0;
}

static inline pgoff_t dma_buf_range_pages(const struct dma_buf_memory *memory,
					  unsigned int index)
{
	return memory->ranges[index].end - dma_buf_range_begin(memory, index);
}

/* memory.c */
void dma_buf_memory_init(struct dma_buf_memory *memory);
void dma_buf_memory_fini(struct dma_buf_memory *memory);
int dma_buf_memory_append(struct dma_buf_memory *memory, struct page *page,
			  unsigned long num_pages, bool may_extend);
unsigned int dma_buf_memory_find(const struct dma_buf_memory *memory,
				 pgoff_t index);

struct sg_table *dma_buf_memory_map(struct dma_buf_attachment *attach,
				    enum dma_data_direction dir);
void dma_buf_memory_unmap(struct dma_buf_attachment *attach,
			  struct sg_table *sgt, enum dma_data_direction dir);
int dma_buf_memory_begin_access(struct dma_buf *dmabuf,
				enum dma_data_direction dir);
int dma_buf_memory_end_access(struct dma_buf *dmabuf,
			      enum dma_data_direction dir);
int dma_buf_memory_vmap(struct dma_buf *dmabuf, struct iosys_map *map);
void dma_buf_memory_vunmap(struct dma_buf *dmabuf, struct iosys_map *map);

/* memory_mmap.c */
int dma_buf_memory_mmap(struct dma_buf *dmabuf, struct vm_area_struct *vma);

/* All ops of an exporter whose dma_buf.priv is a memory, but release. */
#define DMA_BUF_MEMORY_OPS						\
	.map_dma_buf = dma_buf_memory_map,				\
	.unmap_dma_buf = dma_buf_memory_unmap,				\
	.begin_cpu_access = dma_buf_memory_begin_access,		\
	.end_cpu_access = dma_buf_memory_end_access,			\
	.mmap = dma_buf_memory_mmap,					\
	.vmap = dma_buf_memory_vmap,					\
	.vunmap = dma_buf_memory_vunmap

#endif /* __DMA_BUF_MEMORY_H */
