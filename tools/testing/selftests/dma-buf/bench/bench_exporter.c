// SPDX-License-Identifier: GPL-2.0-only
/*
 * An exporter whose operations cost next to nothing, so that what a row shows
 * is the core's own cost. All buffers share one page that nobody writes.
 */
#include <linux/err.h>
#include <linux/fcntl.h>
#include <linux/gfp.h>
#include <linux/scatterlist.h>
#include <linux/sizes.h>

#include "bench.h"

static struct page *bench_page;
static struct sg_table bench_table;

static struct sg_table *bench_map(struct dma_buf_attachment *attach,
				  enum dma_data_direction dir)
{
	return &bench_table;
}

static void bench_unmap(struct dma_buf_attachment *attach,
			struct sg_table *table, enum dma_data_direction dir)
{
}

static int bench_pin(struct dma_buf_attachment *attach)
{
	return 0;
}

static void bench_unpin(struct dma_buf_attachment *attach)
{
}

static void bench_release(struct dma_buf *dmabuf)
{
}

static int bench_cpu_access(struct dma_buf *dmabuf, enum dma_data_direction dir)
{
	return 0;
}

/* No page is put into the VMA: rows map it and never touch it. */
static int bench_mmap(struct dma_buf *dmabuf, struct vm_area_struct *vma)
{
	return 0;
}

static int bench_vmap(struct dma_buf *dmabuf, struct iosys_map *map)
{
	iosys_map_set_vaddr(map, page_address(bench_page));
	return 0;
}

static void bench_vunmap(struct dma_buf *dmabuf, struct iosys_map *map)
{
}

static const struct dma_buf_ops bench_ops[] = {
	[BENCH_PLAIN] = {
		.map_dma_buf = bench_map,
		.unmap_dma_buf = bench_unmap,
		.release = bench_release,
	},
	[BENCH_CPU] = {
		.map_dma_buf = bench_map,
		.unmap_dma_buf = bench_unmap,
		.release = bench_release,
		.begin_cpu_access = bench_cpu_access,
		.end_cpu_access = bench_cpu_access,
		.mmap = bench_mmap,
		.vmap = bench_vmap,
		.vunmap = bench_vunmap,
	},
	[BENCH_CACHED] = {
		.cache_sgt_mapping = true,
		.map_dma_buf = bench_map,
		.unmap_dma_buf = bench_unmap,
		.release = bench_release,
	},
	[BENCH_DYNAMIC] = {
		.pin = bench_pin,
		.unpin = bench_unpin,
		.map_dma_buf = bench_map,
		.unmap_dma_buf = bench_unmap,
		.release = bench_release,
	},
};

/**
 * bench_export() - export a buffer of BENCH_SIZE bytes
 * @kind: which operations its exporter has
 *
 * Return: the buffer, or what dma_buf_export() failed with.
 */
struct dma_buf *bench_export(enum bench_kind kind)
{
	DEFINE_DMA_BUF_EXPORT_INFO(info);

	info.ops = &bench_ops[kind];
	info.size = BENCH_SIZE;
	info.flags = O_RDWR;
	info.priv = bench_page;
	return dma_buf_export(&info);
}

int bench_exporter_init(void)
{
	int ret;

	bench_page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!bench_page)
		return -ENOMEM;
	ret = sg_alloc_table(&bench_table, 1, GFP_KERNEL);
	if (ret) {
		__free_page(bench_page);
		return ret;
	}
	sg_set_page(bench_table.sgl, bench_page, BENCH_SIZE, 0);
	sg_dma_address(bench_table.sgl) = page_to_phys(bench_page);
	sg_dma_len(bench_table.sgl) = BENCH_SIZE;
	return 0;
}

void bench_exporter_exit(void)
{
	sg_free_table(&bench_table);
	__free_page(bench_page);
}
