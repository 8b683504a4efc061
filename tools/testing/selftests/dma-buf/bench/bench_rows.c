// SPDX-License-Identifier: GPL-2.0-only
/*
 * The in-kernel rows of buffers. To add one, write its operation and give it an
 * entry in rows[] at the end: the program and the table find it by themselves.
 * Rows of fences are in bench_fence_rows.c, of reservation objects in
 * bench_resv_rows.c.
 */
#include <linux/atomic.h>
#include <linux/dma-resv.h>
#include <linux/err.h>
#include <linux/fcntl.h>
#include <linux/module.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "bench.h"

/* What rows work on */

static int setup_buffer(struct bench *bench, enum bench_kind kind)
{
	struct dma_buf *dmabuf = bench_export(kind);

	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);
	bench->dmabuf = dmabuf;
	return 0;
}

static int setup_plain(struct bench *bench)
{
	return setup_buffer(bench, BENCH_PLAIN);
}

static int setup_cpu(struct bench *bench)
{
	return setup_buffer(bench, BENCH_CPU);
}

static int setup_fd(struct bench *bench)
{
	int ret = setup_plain(bench);

	if (ret)
		return ret;
	bench->fd = dma_buf_fd(bench->dmabuf, O_CLOEXEC);
	if (bench->fd < 0)
		return bench->fd;
	/* dma_buf_fd() took the reference over; bench->dmabuf needs its own. */
	get_dma_buf(bench->dmabuf);
	return 0;
}

static int setup_vmap(struct bench *bench)
{
	int ret = setup_cpu(bench);

	if (ret)
		return ret;
	return dma_buf_vmap_unlocked(bench->dmabuf, &bench->map);
}

static void move_notify(struct dma_buf_attachment *attach)
{
}

static const struct dma_buf_attach_ops importer_ops = {
	.move_notify = move_notify,
};

static int setup_attach(struct bench *bench, enum bench_kind kind,
			const struct dma_buf_attach_ops *ops)
{
	struct dma_buf_attachment *attach;
	int ret = setup_buffer(bench, kind);

	if (ret)
		return ret;
	attach = dma_buf_dynamic_attach(bench->dmabuf, bench_misc.this_device,
					ops, NULL);
	if (IS_ERR(attach))
		return PTR_ERR(attach);
	bench->attach = attach;
	return 0;
}

static int setup_static(struct bench *bench)
{
	return setup_attach(bench, BENCH_PLAIN, NULL);
}

static int setup_cached(struct bench *bench)
{
	return setup_attach(bench, BENCH_CACHED, NULL);
}

static int setup_movable(struct bench *bench)
{
	return setup_buffer(bench, BENCH_DYNAMIC);
}

static int setup_pinned(struct bench *bench)
{
	return setup_attach(bench, BENCH_DYNAMIC, NULL);
}

static int setup_dynamic(struct bench *bench)
{
	return setup_attach(bench, BENCH_DYNAMIC, &importer_ops);
}

static int setup_255_live(struct bench *bench)
{
	return bench_set_live(bench, 255, false);
}

static int setup_99999_live(struct bench *bench)
{
	return bench_set_live(bench, 99999, false);
}

/* Operations */

static int op_nothing(struct bench *bench)
{
	return 0;
}

/* Proof that atomics are counted, and are not patched away on one CPU. */
static int op_atomic(struct bench *bench)
{
	static atomic_t counter;

	atomic_inc(&counter);
	return 0;
}

static int op_kmalloc(struct bench *bench)
{
	void *memory = kmalloc(256, GFP_KERNEL);

	if (!memory)
		return -ENOMEM;
	/* Else the compiler may drop the pair. */
	OPTIMIZER_HIDE_VAR(memory);
	kfree(memory);
	return 0;
}

static int op_clear(struct bench *bench)
{
	clear_page(bench->map.vaddr);
	return 0;
}

/* The last reference falls when the call returns, so one operation a call. */
static int op_export_put(struct bench *bench)
{
	struct dma_buf *dmabuf = bench_export(BENCH_PLAIN);

	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);
	dma_buf_put(dmabuf);
	return 0;
}

static int op_attach_detach(struct bench *bench)
{
	struct dma_buf_attachment *attach;

	attach = dma_buf_attach(bench->dmabuf, bench_misc.this_device);
	if (IS_ERR(attach))
		return PTR_ERR(attach);
	dma_buf_detach(bench->dmabuf, attach);
	return 0;
}

static int op_map_unmap(struct bench *bench)
{
	struct sg_table *table;

	table = dma_buf_map_attachment_unlocked(bench->attach,
						DMA_BIDIRECTIONAL);
	if (IS_ERR(table))
		return PTR_ERR(table);
	dma_buf_unmap_attachment_unlocked(bench->attach, table,
					  DMA_BIDIRECTIONAL);
	return 0;
}

/*
 * A static importer of a buffer that can move: the base pins and maps as it
 * attaches, the series as it maps, so the same work is in the whole use only.
 */
static int op_use_pinned(struct bench *bench)
{
	struct dma_buf_attachment *attach;
	int ret;

	attach = dma_buf_attach(bench->dmabuf, bench_misc.this_device);
	if (IS_ERR(attach))
		return PTR_ERR(attach);
	bench->attach = attach;
	ret = op_map_unmap(bench);
	bench->attach = NULL;
	dma_buf_detach(bench->dmabuf, attach);
	return ret;
}

/* Both under one lock, as importers with an acquire context do it. */
static int op_map_unmap_locked(struct bench *bench)
{
	struct sg_table *table;
	int ret;

	ret = dma_resv_lock(bench->dmabuf->resv, NULL);
	if (ret)
		return ret;
	table = dma_buf_map_attachment(bench->attach, DMA_BIDIRECTIONAL);
	if (IS_ERR(table))
		ret = PTR_ERR(table);
	else
		dma_buf_unmap_attachment(bench->attach, table,
					 DMA_BIDIRECTIONAL);
	dma_resv_unlock(bench->dmabuf->resv);
	return ret;
}

static int op_pin_unpin(struct bench *bench)
{
	int ret = dma_resv_lock(bench->dmabuf->resv, NULL);

	if (ret)
		return ret;
	ret = dma_buf_pin(bench->attach);
	if (!ret)
		dma_buf_unpin(bench->attach);
	dma_resv_unlock(bench->dmabuf->resv);
	return ret;
}

static int op_move_notify(struct bench *bench)
{
	int ret = dma_resv_lock(bench->dmabuf->resv, NULL);

	if (ret)
		return ret;
	dma_buf_move_notify(bench->dmabuf);
	dma_resv_unlock(bench->dmabuf->resv);
	return 0;
}

static int op_vmap_vunmap(struct bench *bench)
{
	struct iosys_map map;
	int ret = dma_buf_vmap_unlocked(bench->dmabuf, &map);

	if (ret)
		return ret;
	dma_buf_vunmap_unlocked(bench->dmabuf, &map);
	return 0;
}

static int op_cpu_access(struct bench *bench)
{
	int ret = dma_buf_begin_cpu_access(bench->dmabuf, DMA_BIDIRECTIONAL);

	if (ret)
		return ret;
	return dma_buf_end_cpu_access(bench->dmabuf, DMA_BIDIRECTIONAL);
}

static int op_get_put(struct bench *bench)
{
	struct dma_buf *dmabuf = dma_buf_get(bench->fd);

	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);
	dma_buf_put(dmabuf);
	return 0;
}

/* The first is what the program subtracts from all the others. */
static const struct bench_row rows[] = {
	{ "floor_call", .op = op_nothing },
	{ "floor_atomic", .op = op_atomic },
	{ "floor_kmalloc_kfree", .op = op_kmalloc },
	{ "floor_clear_4k", .setup = setup_vmap, .op = op_clear },

	{ "export_put", 85, .per_call = 1, .op = op_export_put },
	{ "export_put_256th", .per_call = 1, .setup = setup_255_live,
	  .op = op_export_put },
	{ "export_put_100000th", .per_call = 1, .setup = setup_99999_live,
	  .op = op_export_put },
	{ "get_put", .setup = setup_fd, .op = op_get_put },

	{ "attach_detach", 95, .setup = setup_plain, .op = op_attach_detach },
	{ "map_unmap", 88, .setup = setup_static, .op = op_map_unmap },
	{ "map_unmap_locked", 88, .setup = setup_static,
	  .op = op_map_unmap_locked },
	{ "map_unmap_cached", .setup = setup_cached, .op = op_map_unmap },
	{ "map_unmap_pinned", .setup = setup_pinned, .op = op_map_unmap },
	{ "attach_map_pinned", .setup = setup_movable, .op = op_use_pinned },
	{ "map_unmap_dynamic", .setup = setup_dynamic,
	  .op = op_map_unmap_locked },
	{ "pin_unpin", .setup = setup_dynamic, .op = op_pin_unpin },
	{ "move_notify", .setup = setup_dynamic, .op = op_move_notify },

	{ "vmap_vunmap", .setup = setup_cpu, .op = op_vmap_vunmap },
	{ "vmap_vunmap_nested", .setup = setup_vmap, .op = op_vmap_vunmap },
	{ "cpu_access", .setup = setup_cpu, .op = op_cpu_access },
	{ "cpu_access_no_ops", .setup = setup_plain, .op = op_cpu_access },
};

const struct bench_row_group bench_buffer_rows = { rows, ARRAY_SIZE(rows) };
