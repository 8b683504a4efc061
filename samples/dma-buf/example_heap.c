// SPDX-License-Identifier: GPL-2.0-only
/*
 * A heap, "example": buffers whose memory is contiguous, as large as the page allocator
 * can have them. There is no way to take a heap away again, so neither can this be
 * unloaded.
 */
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/dma-mapping.h>
#include <linux/gfp.h>
#include <linux/iosys-map.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>

/* As in example_exporter.c: several devices can have the same pages mapped. */
#define MAPPING_ATTRS	DMA_ATTR_SKIP_CPU_SYNC

/* A buffer's priv is the first of its pages; its size tells how many. */
static struct page *pages_of(struct dma_buf *dmabuf)
{
	return dmabuf->priv;
}

/*
 * How much may be one entry of a device's table: what it takes, and what a bounce buffer
 * holds if it needs one. A power of two: then the entries of a buffer, whose memory
 * begins at a multiple of such, cross no boundary that the device minds either.
 */
static size_t longest_entry(struct device *dev)
{
	size_t bytes = min_t(size_t, dma_get_max_seg_size(dev), dma_max_mapping_size(dev));
	unsigned long pages = min(bytes >> PAGE_SHIFT,
				  dma_get_seg_boundary_nr_pages(dev, PAGE_SHIFT));

	return rounddown_pow_of_two(max(pages, 1UL)) << PAGE_SHIFT;
}

static int build_table(struct sg_table *table, struct dma_buf *dmabuf, struct device *dev)
{
	size_t longest = longest_entry(dev), left = dmabuf->size;
	struct page *page = pages_of(dmabuf);
	struct scatterlist *entry;
	unsigned int i;

	if (sg_alloc_table(table, DIV_ROUND_UP(left, longest), GFP_KERNEL))
		return -ENOMEM;
	for_each_sgtable_sg(table, entry, i) {
		sg_set_page(entry, page, min(left, longest), 0);
		page = nth_page(page, longest >> PAGE_SHIFT);
		left -= entry->length;
	}
	return 0;
}

/*
 * A table for each mapping. Making one available to a device, and to the CPU once it
 * is unmapped, is all that is done about caches: buffers that stay mapped while the CPU
 * uses them need begin_cpu_access and end_cpu_access as well, see example_exporter.c.
 */
static struct sg_table *example_map(struct dma_buf_attachment *attach,
				    enum dma_data_direction dir)
{
	struct sg_table *table = kzalloc(sizeof(*table), GFP_KERNEL);
	int ret;

	if (!table)
		return ERR_PTR(-ENOMEM);
	ret = build_table(table, attach->dmabuf, attach->dev);
	if (ret)
		goto free;
	ret = dma_map_sgtable(attach->dev, table, dir, MAPPING_ATTRS);
	if (ret)
		goto free_entries;
	dma_sync_sgtable_for_device(attach->dev, table, dir);
	return table;

free_entries:
	sg_free_table(table);
free:
	kfree(table);
	return ERR_PTR(ret);
}

static void example_unmap(struct dma_buf_attachment *attach, struct sg_table *table,
			  enum dma_data_direction dir)
{
	dma_sync_sgtable_for_cpu(attach->dev, table, dir);
	dma_unmap_sgtable(attach->dev, table, dir, MAPPING_ATTRS);
	sg_free_table(table);
	kfree(table);
}

static int example_mmap(struct dma_buf *dmabuf, struct vm_area_struct *vma)
{
	unsigned long first = page_to_pfn(pages_of(dmabuf)) + vma->vm_pgoff;

	return remap_pfn_range(vma, vma->vm_start, first, vma->vm_end - vma->vm_start,
			       vma->vm_page_prot);
}

static int example_vmap(struct dma_buf *dmabuf, struct iosys_map *map)
{
	iosys_map_set_vaddr(map, page_address(pages_of(dmabuf)));
	return 0;
}

static void example_release(struct dma_buf *dmabuf)
{
	free_pages_exact(page_address(pages_of(dmabuf)), dmabuf->size);
}

static const struct dma_buf_ops example_ops = {
	.map_dma_buf = example_map,
	.unmap_dma_buf = example_unmap,
	.mmap = example_mmap,
	.vmap = example_vmap,
	.release = example_release,
};

/* The length is whole pages; the caller has checked all that programs can get wrong. */
static struct dma_buf *example_allocate(struct dma_heap *heap, unsigned long len,
					u32 fd_flags, u64 heap_flags)
{
	DEFINE_DMA_BUF_EXPORT_INFO(info);
	struct dma_buf *dmabuf;
	void *memory;

	if (len > PAGE_SIZE << MAX_PAGE_ORDER)
		return ERR_PTR(-ENOMEM);
	memory = alloc_pages_exact(len, GFP_USER | __GFP_ZERO | __GFP_RETRY_MAYFAIL |
				   __GFP_NOWARN);
	if (!memory)
		return ERR_PTR(-ENOMEM);
	info.exp_name = dma_heap_get_name(heap);
	info.ops = &example_ops;
	info.size = len;
	info.flags = fd_flags;
	info.priv = virt_to_page(memory);
	dmabuf = dma_buf_export(&info);
	if (IS_ERR(dmabuf))
		free_pages_exact(memory, len);
	return dmabuf;
}

static const struct dma_heap_ops example_heap_ops = {
	.allocate = example_allocate,
};

static int __init example_init(void)
{
	const struct dma_heap_export_info info = {
		.name = "example",
		.ops = &example_heap_ops,
	};

	return PTR_ERR_OR_ZERO(dma_heap_add(&info));
}
module_init(example_init);

MODULE_DESCRIPTION("Example of a dma-buf heap");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(DMA_BUF);
MODULE_IMPORT_NS(DMA_BUF_HEAP);
