// SPDX-License-Identifier: GPL-2.0-only
/*
 * Buffers whose memory is pages: the pages, and devices' and the kernel's view
 * of them.
 */
#include <linux/dma-mapping.h>
#include <linux/dma-resv.h>
#include <linux/highmem.h>
#include <linux/iosys-map.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <kunit/visibility.h>

#include "memory.h"

/*
 * Pages
 */

/**
 * dma_buf_memory_init - begin without any pages
 * @memory: filled in
 */
void dma_buf_memory_init(struct dma_buf_memory *memory)
{
	memory->ranges = &memory->only;
	memory->num_ranges = 0;
	memory->room = 1;
	mutex_init(&memory->lock);
	INIT_LIST_HEAD(&memory->mappings);
	memory->vaddr = NULL;
}
EXPORT_SYMBOL_IF_KUNIT(dma_buf_memory_init);

/**
 * dma_buf_memory_fini - end, with the pages left to the caller
 * @memory: nothing of it is mapped
 */
void dma_buf_memory_fini(struct dma_buf_memory *memory)
{
	WARN_ON(!list_empty(&memory->mappings));
	mutex_destroy(&memory->lock);
	if (memory->ranges != &memory->only)
		kvfree(memory->ranges);
}
EXPORT_SYMBOL_IF_KUNIT(dma_buf_memory_fini);

static int make_room(struct dma_buf_memory *memory)
{
	unsigned int room = max(2 * memory->room, 16U);
	struct dma_buf_range *ranges;

	ranges = kvmalloc_array(room, sizeof(*ranges),
				GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!ranges)
		return -ENOMEM;
	memcpy(ranges, memory->ranges, memory->num_ranges * sizeof(*ranges));
	if (memory->ranges != &memory->only)
		kvfree(memory->ranges);
	memory->ranges = ranges;
	memory->room = room;
	return 0;
}

/*
 * Whether the last range ends where @page begins.  What is mapped into the
 * kernel for good and what isn't are never one range.
 */
static bool ends_at(const struct dma_buf_memory *memory, struct page *page)
{
	unsigned int last = memory->num_ranges - 1;

	if (!memory->num_ranges)
		return false;
	return page_to_pfn(memory->ranges[last].page) +
	       dma_buf_range_pages(memory, last) == page_to_pfn(page) &&
	       PageHighMem(memory->ranges[last].page) == PageHighMem(page);
}

/**
 * dma_buf_memory_append - add pages at the end
 * @memory: not exported yet
 * @page: the first
 * @num_pages: how many, contiguous
 * @may_extend: they may become part of the range before, if that is where they
 *	are; false when the exporter has to know later where they began
 *
 * Context: Process context, may sleep.
 * Return: 0, or -ENOMEM, which changed nothing.
 */
int dma_buf_memory_append(struct dma_buf_memory *memory, struct page *page,
			  unsigned long num_pages, bool may_extend)
{
	pgoff_t end = dma_buf_memory_pages(memory) + num_pages;

	if (may_extend && ends_at(memory, page)) {
		memory->ranges[memory->num_ranges - 1].end = end;
		return 0;
	}
	if (memory->num_ranges == memory->room && make_room(memory))
		return -ENOMEM;
	memory->ranges[memory->num_ranges++] = (struct dma_buf_range) {
		.page = page,
		.end = end,
	};
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(dma_buf_memory_append);

/**
 * dma_buf_memory_find - find a page
 * @memory: has that page
 * @index: of the page in the buffer
 *
 * Return: the index of the range that it is in.
 */
unsigned int dma_buf_memory_find(const struct dma_buf_memory *memory,
				 pgoff_t index)
{
	unsigned int low = 0, high = memory->num_ranges - 1;

	while (low < high) {
		unsigned int middle = low + (high - low) / 2;

		if (memory->ranges[middle].end > index)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}
EXPORT_SYMBOL_IF_KUNIT(dma_buf_memory_find);

/*
 * Devices
 *
 * Several may have the same pages mapped, in which the debugging of the DMA API
 * sees a mistake, unless caches are taken care of separately: mapping doesn't.
 */

#define MAPPING_ATTRS	DMA_ATTR_SKIP_CPU_SYNC

/**
 * struct segment_limits - what may be one entry of a device's table
 * @most: how many pages
 * @boundary: the pages of an entry are within so many that begin at a multiple
 *	of that
 */
struct segment_limits {
	unsigned long most;
	unsigned long boundary;
};

/* By what the device takes, and by what a bounce buffer holds if it needs one. */
static struct segment_limits limits_of(struct device *dev)
{
	size_t bytes = min_t(size_t, dma_get_max_seg_size(dev),
			     dma_max_mapping_size(dev));

	/* An entry's length is an unsigned int. */
	bytes = min_t(size_t, bytes, UINT_MAX);
	return (struct segment_limits) {
		.most = max(bytes >> PAGE_SHIFT, 1UL),
		.boundary = dma_get_seg_boundary_nr_pages(dev, PAGE_SHIFT),
	};
}

/* How many of @num_pages pages from @page on are in the first entry. */
static unsigned long segment_pages(const struct segment_limits *limits,
				   struct page *page, pgoff_t num_pages)
{
	unsigned long into = page_to_pfn(page) & (limits->boundary - 1);

	return min3(num_pages, limits->most, limits->boundary - into);
}

static unsigned int count_segments(const struct segment_limits *limits,
				   struct page *page, pgoff_t num_pages)
{
	unsigned int count = 1;
	unsigned long first;

	while ((first = segment_pages(limits, page, num_pages)) < num_pages) {
		page = nth_page(page, first);
		num_pages -= first;
		count++;
	}
	return count;
}

/* sg_next(), without a call for each entry; @sg isn't the last one. */
static struct scatterlist *next_entry(struct scatterlist *sg)
{
	return likely(!sg_is_chain(sg + 1)) ? sg + 1 : sg_chain_ptr(sg + 1);
}

/* Fills in entries for one range from @sg on, and returns the last of them. */
static struct scatterlist *fill_segments(struct scatterlist *sg,
					 const struct segment_limits *limits,
					 struct page *page, pgoff_t num_pages)
{
	unsigned long first;

	while ((first = segment_pages(limits, page, num_pages)) < num_pages) {
		sg_set_page(sg, page, first << PAGE_SHIFT, 0);
		sg = next_entry(sg);
		page = nth_page(page, first);
		num_pages -= first;
	}
	sg_set_page(sg, page, num_pages << PAGE_SHIFT, 0);
	return sg;
}

static bool is_one_segment(const struct segment_limits *limits,
			   struct page *page, pgoff_t num_pages)
{
	return num_pages == 1 ||
	       segment_pages(limits, page, num_pages) == num_pages;
}

/*
 * Fills in an entry for each range.
 *
 * Return: false if a range is more than one entry.
 */
static bool fill_by_range(struct scatterlist *sg,
			  const struct dma_buf_memory *memory,
			  const struct segment_limits *limits)
{
	const struct dma_buf_range *range = memory->ranges;
	const struct dma_buf_range *last = range + memory->num_ranges - 1;
	pgoff_t begin = 0;

	for (;; range++, sg = next_entry(sg)) {
		pgoff_t num_pages = range->end - begin;

		if (!is_one_segment(limits, range->page, num_pages))
			return false;
		sg_set_page(sg, range->page, num_pages << PAGE_SHIFT, 0);
		if (range == last)
			return true;
		begin = range->end;
	}
}

/* Fills in as many entries for each range as the device wants. */
static int fill_by_segment(struct sg_table *sgt,
			   const struct dma_buf_memory *memory,
			   const struct segment_limits *limits)
{
	const struct dma_buf_range *ranges = memory->ranges;
	unsigned int i, count = 0;
	struct scatterlist *sg;
	int err;

	for (i = 0; i < memory->num_ranges; i++)
		count += count_segments(limits, ranges[i].page,
					dma_buf_range_pages(memory, i));
	err = sg_alloc_table(sgt, count, GFP_KERNEL);
	if (err)
		return err;

	sg = sgt->sgl;
	for (i = 0; i < memory->num_ranges; i++) {
		if (i)
			sg = next_entry(sg);
		sg = fill_segments(sg, limits, ranges[i].page,
				   dma_buf_range_pages(memory, i));
	}
	return 0;
}

/*
 * Where no range is too long there is nothing to be counted.  One look at the
 * first, which often is the longest, and the others are tried.
 */
static int fill_table(struct sg_table *sgt, const struct dma_buf_memory *memory,
		      const struct segment_limits *limits)
{
	const struct dma_buf_range *first = memory->ranges;
	int err;

	if (!is_one_segment(limits, first->page, first->end))
		return fill_by_segment(sgt, memory, limits);
	err = sg_alloc_table(sgt, memory->num_ranges, GFP_KERNEL);
	if (err)
		return err;
	if (fill_by_range(sgt->sgl, memory, limits))
		return 0;
	sg_free_table(sgt);
	return fill_by_segment(sgt, memory, limits);
}

/**
 * dma_buf_memory_map - the op map_dma_buf
 * @attach: the attachment
 * @dir: where data goes
 *
 * The table has an entry a range, or more where the device takes no entries of
 * that length.
 *
 * Context: Process context, reservation lock held.
 * Return: the table, or an error pointer: -ENOMEM, or why the device can't
 * reach the pages.
 */
struct sg_table *dma_buf_memory_map(struct dma_buf_attachment *attach,
				    enum dma_data_direction dir)
{
	struct dma_buf_memory *memory = dma_buf_to_memory(attach->dmabuf);
	struct segment_limits limits = limits_of(attach->dev);
	struct dma_buf_mapping *mapping;
	int err;

	mapping = kmalloc(sizeof(*mapping), GFP_KERNEL);
	if (!mapping)
		return ERR_PTR(-ENOMEM);
	mapping->dev = attach->dev;
	mapping->dir = dir;

	err = fill_table(&mapping->sgt, memory, &limits);
	if (err)
		goto free_mapping;
	err = dma_map_sgtable(attach->dev, &mapping->sgt, dir, MAPPING_ATTRS);
	if (err)
		goto free_table;
	dma_sync_sgtable_for_device(attach->dev, &mapping->sgt, dir);

	mutex_lock(&memory->lock);
	list_add(&mapping->node, &memory->mappings);
	mutex_unlock(&memory->lock);
	return &mapping->sgt;

free_table:
	sg_free_table(&mapping->sgt);
free_mapping:
	kfree(mapping);
	return ERR_PTR(err);
}
EXPORT_SYMBOL_IF_KUNIT(dma_buf_memory_map);

/**
 * dma_buf_memory_unmap - the op unmap_dma_buf
 * @attach: the attachment
 * @sgt: what dma_buf_memory_map() returned
 * @dir: as given to that
 *
 * Context: Process context, reservation lock held.
 */
void dma_buf_memory_unmap(struct dma_buf_attachment *attach,
			  struct sg_table *sgt, enum dma_data_direction dir)
{
	struct dma_buf_memory *memory = dma_buf_to_memory(attach->dmabuf);
	struct dma_buf_mapping *mapping =
		container_of(sgt, struct dma_buf_mapping, sgt);

	mutex_lock(&memory->lock);
	list_del(&mapping->node);
	mutex_unlock(&memory->lock);

	if (mapping->dir != DMA_TO_DEVICE)
		dma_sync_sgtable_for_cpu(mapping->dev, sgt, mapping->dir);
	dma_unmap_sgtable(mapping->dev, sgt, mapping->dir, MAPPING_ATTRS);
	sg_free_table(sgt);
	kfree(mapping);
}
EXPORT_SYMBOL_IF_KUNIT(dma_buf_memory_unmap);

/*
 * CPU access
 *
 * A mapping is synced in the direction it was made for, whatever the CPU is
 * about to do: that is what bounce buffers and the debugging of the DMA API go
 * by.  What the CPU does only tells whether there is anything to be synced.
 *
 * Two who have access at the same time may undo each other's writes, where
 * caches have to be invalidated: brackets don't exclude each other.
 */

/* Cached data and that in bounce buffers is older than what is waited for. */
static int wait_for_devices(struct dma_buf *dmabuf, enum dma_data_direction dir)
{
	long ret;

	ret = dma_resv_wait_timeout(dmabuf->resv,
				    dma_resv_usage_rw(dir != DMA_FROM_DEVICE),
				    true, MAX_SCHEDULE_TIMEOUT);
	return ret < 0 ? ret : 0;
}

/**
 * dma_buf_memory_begin_access - the op begin_cpu_access
 * @dmabuf: the buffer
 * @dir: what the CPU is about to do; to write a part of a cache line it needs
 *	the rest as the devices left it
 *
 * Context: Process context, may sleep.
 * Return: 0, or -ERESTARTSYS when a signal came before the devices were done.
 */
int dma_buf_memory_begin_access(struct dma_buf *dmabuf,
				enum dma_data_direction dir)
{
	struct dma_buf_memory *memory = dma_buf_to_memory(dmabuf);
	struct dma_buf_mapping *mapping;
	int err = wait_for_devices(dmabuf, dir);

	if (err)
		return err;

	mutex_lock(&memory->lock);
	list_for_each_entry(mapping, &memory->mappings, node) {
		/* This device left everything as it was. */
		if (mapping->dir == DMA_TO_DEVICE)
			continue;
		dma_sync_sgtable_for_cpu(mapping->dev, &mapping->sgt,
					 mapping->dir);
	}
	if (memory->vaddr)
		invalidate_kernel_vmap_range(memory->vaddr, dmabuf->size);
	mutex_unlock(&memory->lock);
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(dma_buf_memory_begin_access);

/**
 * dma_buf_memory_end_access - the op end_cpu_access
 * @dmabuf: the buffer
 * @dir: what the CPU did
 *
 * Context: Process context, may sleep.
 * Return: 0.
 */
int dma_buf_memory_end_access(struct dma_buf *dmabuf,
			      enum dma_data_direction dir)
{
	struct dma_buf_memory *memory = dma_buf_to_memory(dmabuf);
	struct dma_buf_mapping *mapping;

	mutex_lock(&memory->lock);
	if (memory->vaddr)
		flush_kernel_vmap_range(memory->vaddr, dmabuf->size);
	list_for_each_entry(mapping, &memory->mappings, node) {
		/*
		 * There is nothing new for this device.  One that writes is
		 * told in any case: what the CPU has in its caches must neither
		 * be read later nor written back over it.
		 */
		if (dir == DMA_FROM_DEVICE && mapping->dir == DMA_TO_DEVICE)
			continue;
		dma_sync_sgtable_for_device(mapping->dev, &mapping->sgt,
					    mapping->dir);
	}
	mutex_unlock(&memory->lock);
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(dma_buf_memory_end_access);

/*
 * The kernel
 */

static void fill_pages(struct page **pages, const struct dma_buf_memory *memory)
{
	pgoff_t index = 0;
	unsigned int i;

	for (i = 0; i < memory->num_ranges; i++) {
		pgoff_t begin = index;

		for (; index < memory->ranges[i].end; index++)
			pages[index] = nth_page(memory->ranges[i].page,
						index - begin);
	}
}

static void *map_scattered(const struct dma_buf_memory *memory)
{
	pgoff_t num_pages = dma_buf_memory_pages(memory);
	struct page **pages;
	void *vaddr;

	pages = kvmalloc_array(num_pages, sizeof(*pages),
			       GFP_KERNEL | __GFP_NOWARN);
	if (!pages)
		return NULL;
	fill_pages(pages, memory);
	vaddr = vmap(pages, num_pages, VM_MAP, PAGE_KERNEL);
	kvfree(pages);
	return vaddr;
}

/**
 * dma_buf_memory_vmap - the op vmap
 * @dmabuf: the buffer
 * @map: filled in
 *
 * Memory that is contiguous is where it always is; other memory is mapped.
 *
 * Context: Process context, reservation lock held.
 * Return: 0, or -ENOMEM.
 */
int dma_buf_memory_vmap(struct dma_buf *dmabuf, struct iosys_map *map)
{
	struct dma_buf_memory *memory = dma_buf_to_memory(dmabuf);
	struct page *first = memory->ranges[0].page;
	void *vaddr;

	if (memory->num_ranges == 1 && !PageHighMem(first)) {
		iosys_map_set_vaddr(map, page_address(first));
		return 0;
	}
	vaddr = map_scattered(memory);
	if (!vaddr)
		return -ENOMEM;

	mutex_lock(&memory->lock);
	memory->vaddr = vaddr;
	mutex_unlock(&memory->lock);
	iosys_map_set_vaddr(map, vaddr);
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(dma_buf_memory_vmap);

/**
 * dma_buf_memory_vunmap - the op vunmap
 * @dmabuf: the buffer
 * @map: what dma_buf_memory_vmap() filled in
 *
 * Context: Process context, reservation lock held.
 */
void dma_buf_memory_vunmap(struct dma_buf *dmabuf, struct iosys_map *map)
{
	struct dma_buf_memory *memory = dma_buf_to_memory(dmabuf);
	void *vaddr;

	mutex_lock(&memory->lock);
	vaddr = memory->vaddr;
	memory->vaddr = NULL;
	mutex_unlock(&memory->lock);
	vunmap(vaddr);
}
EXPORT_SYMBOL_IF_KUNIT(dma_buf_memory_vunmap);
