// SPDX-License-Identifier: GPL-2.0-only
/*
 * CMA heaps: buffers that are contiguous in physical memory, out of the areas
 * of the contiguous memory allocator that are for devices.
 */
#include <linux/cma.h>
#include <linux/dma-buf.h>
#include <linux/dma-map-ops.h>
#include <linux/err.h>
#include <linux/init.h>
#include <linux/kconfig.h>
#include <linux/mm.h>
#include <linux/of.h>
#include <linux/of_reserved_mem.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "../memory.h"
#include "heap.h"
#include "page_pool.h"

/* A name of the default area that doesn't depend on how it was set up. */
#define DEFAULT_HEAP	"default_cma_region"

/**
 * struct cma_buffer - a buffer
 * @memory: its pages, one range
 * @cma: the area they are from
 */
struct cma_buffer {
	struct dma_buf_memory memory;
	struct cma *cma;
};

/* To zero as many pages takes so long that a signal may have come. */
#define ZERO_PAGES	256UL

static int zero_pages(struct page *page, unsigned long count)
{
	unsigned long i;

	for (i = 0; i < count; i += ZERO_PAGES) {
		if (dma_heap_is_killed())
			return -EINTR;
		dma_heap_zero_pages(nth_page(page, i),
				    min(count - i, ZERO_PAGES));
		cond_resched();
	}
	return 0;
}

static int append_pages(struct cma_buffer *buffer, unsigned long count)
{
	unsigned int align = min(get_order(count << PAGE_SHIFT),
				 CONFIG_CMA_ALIGNMENT);
	struct page *page;
	int err;

	page = cma_alloc(buffer->cma, count, align, true);
	if (!page)
		return dma_heap_is_killed() ? -EINTR : -ENOMEM;
	err = zero_pages(page, count);
	if (!err)
		err = dma_buf_memory_append(&buffer->memory, page, count, false);
	if (err)
		cma_release(buffer->cma, page, count);
	return err;
}

static void destroy(struct cma_buffer *buffer)
{
	struct dma_buf_memory *memory = &buffer->memory;

	if (memory->num_ranges)
		cma_release(buffer->cma, memory->ranges[0].page,
			    dma_buf_memory_pages(memory));
	dma_buf_memory_fini(memory);
	kfree(buffer);
}

static void release(struct dma_buf *dmabuf)
{
	destroy(container_of(dma_buf_to_memory(dmabuf), struct cma_buffer,
			     memory));
}

static const struct dma_buf_ops cma_buffer_ops = {
	DMA_BUF_MEMORY_OPS,
	.release = release,
};

static struct cma_buffer *create(struct cma *cma, unsigned long len)
{
	struct cma_buffer *buffer;
	int err;

	/* Before anything is moved about in vain. */
	if (len > cma_get_size(cma))
		return ERR_PTR(-ENOMEM);

	buffer = kmalloc(sizeof(*buffer), GFP_KERNEL_ACCOUNT);
	if (!buffer)
		return ERR_PTR(-ENOMEM);
	dma_buf_memory_init(&buffer->memory);
	buffer->cma = cma;
	err = append_pages(buffer, len >> PAGE_SHIFT);
	if (err) {
		destroy(buffer);
		return ERR_PTR(err);
	}
	return buffer;
}

static struct dma_buf *cma_heap_allocate(struct dma_heap *heap,
					 unsigned long len, u32 fd_flags,
					 u64 heap_flags)
{
	struct cma_buffer *buffer = create(dma_heap_get_drvdata(heap), len);
	struct dma_buf *dmabuf;

	if (IS_ERR(buffer))
		return ERR_CAST(buffer);
	dmabuf = dma_heap_export(heap, &buffer->memory, &cma_buffer_ops,
				 fd_flags);
	if (IS_ERR(dmabuf))
		destroy(buffer);
	return dmabuf;
}

static const struct dma_heap_ops cma_heap_ops = {
	.allocate = cma_heap_allocate,
};

static void __init add_heap(struct cma *cma, const char *name)
{
	struct dma_heap_export_info info = {
		.name = name,
		.ops = &cma_heap_ops,
		.priv = cma,
	};
	struct dma_heap *heap = dma_heap_add(&info);

	/* An area may be called what another one is. */
	if (IS_ERR(heap))
		/* not tested: needs firmware that describes two regions of one name */
		pr_err("no heap for the CMA area %s: %pe\n", name, heap);
}

#ifdef CONFIG_OF_RESERVED_MEM
static int __init is_same(struct cma *cma, void *data)
{
	return cma == data;
}

/* The CMA area of a region of reserved memory, or NULL. */
static struct cma * __init region_area(struct device_node *region)
{
	struct reserved_mem *reserved;

	if (!of_device_is_compatible(region, "shared-dma-pool") ||
	    !of_property_read_bool(region, "reusable"))
		return NULL;
	reserved = of_reserved_mem_lookup(region);
	/* It is that of whatever driver made use of the region. */
	if (!reserved || !cma_for_each_area(is_same, reserved->priv))
		return NULL;
	return reserved->priv;
}

static void __init add_region_heaps(struct cma *default_area)
{
	struct device_node *parent = of_find_node_by_path("/reserved-memory");
	struct device_node *region;

	for_each_available_child_of_node(parent, region) {
		struct cma *cma = region_area(region);

		if (cma && cma != default_area)
			add_heap(cma, cma_get_name(cma));
	}
	of_node_put(parent);
}
#else
static void __init add_region_heaps(struct cma *default_area) {}
#endif

static int __init cma_heap_init(void)
{
	struct cma *default_area = dev_get_cma_area(NULL);

	if (default_area) {
		add_heap(default_area, DEFAULT_HEAP);
		if (strcmp(cma_get_name(default_area), DEFAULT_HEAP))
			add_heap(default_area, cma_get_name(default_area));
	}
	add_region_heaps(default_area);
	return 0;
}
device_initcall(cma_heap_init);
