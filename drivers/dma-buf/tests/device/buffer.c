// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exporters: buffers whose memory can be in two places, and whose ops count their
 * calls and fail when they are told to.
 *
 * Memory that was moved away from stays until its last table is gone: what importers
 * have mapped is theirs until they unmap it.
 */
#include <linux/cleanup.h>
#include <linux/dma-mapping.h>
#include <linux/dma-resv.h>
#include <linux/err.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "device.h"

#define LARGEST_BUFFER	SZ_1G

/* Those of a buffer follow from its flags. */
#define ALL_FLAGS	(DMA_BUF_TEST_DYNAMIC | DMA_BUF_TEST_CACHED | \
			 DMA_BUF_TEST_NO_CPU_ACCESS | DMA_BUF_TEST_NO_MMAP | \
			 DMA_BUF_TEST_NO_VMAP)

static struct dma_buf_ops ops_of_flags[ALL_FLAGS + 1] __ro_after_init;

/**
 * struct test_table - a table of a buffer, mapped for a device
 * @sgt: the table; without pages for memory of the exporting device
 * @memory: what it is a table of, with a reference
 * @node: among the buffer's tables; the reservation lock
 * @device: whose it is
 * @direction: what the device may do
 */
struct test_table {
	struct sg_table sgt;
	struct test_memory *memory;
	struct list_head node;
	struct device *device;
	enum dma_data_direction direction;
};

/*
 * Memory
 */

static void memory_free(struct kref *ref)
{
	struct test_memory *memory = container_of(ref, struct test_memory, ref);
	unsigned long i;

	for (i = 0; i < memory->num_pages; i++) {
		if (memory->pages[i])
			__free_page(memory->pages[i]);
	}
	kvfree(memory);
}

static void memory_put(struct test_memory *memory)
{
	kref_put(&memory->ref, memory_free);
}

static struct test_memory *memory_alloc(enum dma_buf_test_placement placement,
					unsigned long num_pages)
{
	struct test_memory *memory;
	unsigned long i;

	memory = kvzalloc(struct_size(memory, pages, num_pages), GFP_KERNEL);
	if (!memory)
		return NULL;
	kref_init(&memory->ref);
	memory->placement = placement;
	memory->num_pages = num_pages;
	for (i = 0; i < num_pages; i++) {
		memory->pages[i] = alloc_page(GFP_USER | __GFP_ZERO |
					      __GFP_RETRY_MAYFAIL);
		if (!memory->pages[i] || fatal_signal_pending(current)) {
			memory_put(memory);
			return NULL;
		}
		cond_resched();
	}
	return memory;
}

static void memory_copy(struct test_memory *to, struct test_memory *from)
{
	unsigned long i;

	for (i = 0; i < to->num_pages; i++) {
		copy_highpage(to->pages[i], from->pages[i]);
		cond_resched();
	}
}

/*
 * Tables
 *
 * Devices have the same pages mapped at the same time, so that mapping leaves the
 * caches alone, which the debugging of the DMA API wants, and syncing is a step of
 * its own.
 */

#define MAPPING_ATTRS	DMA_ATTR_SKIP_CPU_SYNC

static void unmap_peers_memory(struct test_table *table, unsigned int count)
{
	struct scatterlist *sg;
	unsigned int i;

	for_each_sg(table->sgt.sgl, sg, count, i)
		dma_unmap_page_attrs(table->device, sg_dma_address(sg),
				     PAGE_SIZE, table->direction, MAPPING_ATTRS);
}

/* Memory of a device has no pages that others know. */
static int map_peers_memory(struct test_table *table)
{
	struct test_memory *memory = table->memory;
	struct scatterlist *sg;
	unsigned int i;
	int err;

	err = sg_alloc_table(&table->sgt, memory->num_pages, GFP_KERNEL);
	if (err)
		return err;
	for_each_sgtable_sg(&table->sgt, sg, i) {
		dma_addr_t address = dma_map_page_attrs(table->device,
							memory->pages[i], 0,
							PAGE_SIZE,
							table->direction,
							MAPPING_ATTRS);

		if (dma_mapping_error(table->device, address))
			goto unmap;
		sg_set_page(sg, NULL, PAGE_SIZE, 0);
		sg_dma_address(sg) = address;
		sg_dma_len(sg) = PAGE_SIZE;
	}
	return 0;

unmap:
	unmap_peers_memory(table, i);
	sg_free_table(&table->sgt);
	return -ENOMEM;
}

static int map_system_memory(struct test_table *table)
{
	struct test_memory *memory = table->memory;
	size_t segment = min_t(size_t, dma_get_max_seg_size(table->device),
			       dma_max_mapping_size(table->device));
	int err;

	err = sg_alloc_table_from_pages_segment(&table->sgt, memory->pages,
						memory->num_pages, 0,
						memory->num_pages << PAGE_SHIFT,
						min_t(size_t, segment, UINT_MAX) &
						PAGE_MASK, GFP_KERNEL);
	if (err)
		return err;
	err = dma_map_sgtable(table->device, &table->sgt, table->direction,
			      MAPPING_ATTRS);
	if (err)
		sg_free_table(&table->sgt);
	return err;
}

static void table_sync(struct test_table *table, bool for_cpu)
{
	struct scatterlist *sg;
	unsigned int i;

	for_each_sgtable_dma_sg(&table->sgt, sg, i) {
		dma_addr_t address = sg_dma_address(sg);
		size_t len = sg_dma_len(sg);

		if (for_cpu)
			dma_sync_single_for_cpu(table->device, address, len,
						table->direction);
		else
			dma_sync_single_for_device(table->device, address, len,
						   table->direction);
	}
}

static struct test_table *table_make(struct test_memory *memory,
				     struct device *device,
				     enum dma_data_direction direction)
{
	struct test_table *table = kzalloc(sizeof(*table), GFP_KERNEL);
	int err;

	if (!table)
		return ERR_PTR(-ENOMEM);
	table->memory = memory;
	table->device = device;
	table->direction = direction;
	err = memory->placement == DMA_BUF_TEST_VRAM ? map_peers_memory(table) :
						       map_system_memory(table);
	if (err) {
		kfree(table);
		return ERR_PTR(err);
	}
	kref_get(&memory->ref);
	table_sync(table, false);
	return table;
}

static void table_free(struct test_table *table)
{
	table_sync(table, true);
	if (table->memory->placement == DMA_BUF_TEST_VRAM)
		unmap_peers_memory(table, table->sgt.orig_nents);
	else
		dma_unmap_sgtable(table->device, &table->sgt, table->direction,
				  MAPPING_ATTRS);
	sg_free_table(&table->sgt);
	memory_put(table->memory);
	kfree(table);
}

/* What there is of tables of the memory as it is now. */
static void sync_tables(struct test_buffer *buffer, bool for_cpu)
{
	struct test_table *table;

	dma_resv_assert_held(buffer->dmabuf->resv);
	list_for_each_entry(table, &buffer->tables, node) {
		if (table->memory == buffer->memory)
			table_sync(table, for_cpu);
	}
}

/*
 * Moves
 */

static int move_locked(struct test_buffer *buffer,
		       enum dma_buf_test_placement placement)
{
	struct dma_buf *dmabuf = buffer->dmabuf;
	struct test_memory *memory;
	long left;

	dma_resv_assert_held(dmabuf->resv);
	if (buffer->pins || buffer->vmaps)
		return -EBUSY;
	memory = memory_alloc(placement, buffer->memory->num_pages);
	if (!memory)
		return -ENOMEM;

	dma_buf_move_notify(dmabuf);
	left = dma_resv_wait_timeout(dmabuf->resv, DMA_RESV_USAGE_BOOKKEEP, true,
				     MAX_SCHEDULE_TIMEOUT);
	if (left < 0) {
		memory_put(memory);
		return -EINTR;
	}
	unmap_mapping_range(dmabuf->file->f_mapping, 0, 0, 1);
	sync_tables(buffer, true);
	memory_copy(memory, buffer->memory);
	memory_put(buffer->memory);
	buffer->memory = memory;
	buffer->moves++;
	return 0;
}

/* To where this importer can have it mapped. */
static int move_to_importer(struct test_buffer *buffer,
			    struct dma_buf_attachment *attach)
{
	if (buffer->memory->placement == DMA_BUF_TEST_SYSTEM ||
	    attach->peer2peer)
		return 0;
	return move_locked(buffer, DMA_BUF_TEST_SYSTEM);
}

/**
 * test_buffer_move - move a buffer
 * @buffer: the buffer
 * @placement: where to
 *
 * Context: Process context; waits for fences, takes the reservation lock.
 *
 * Return: 0; -EINVAL for an unknown place, -EOPNOTSUPP for a buffer that can't move,
 * -EBUSY for one that is pinned or mapped into the kernel, -ENOMEM, or -EINTR.
 */
int test_buffer_move(struct test_buffer *buffer, u32 placement)
{
	struct dma_resv *resv = buffer->dmabuf->resv;
	int err;

	if (placement > DMA_BUF_TEST_VRAM)
		return -EINVAL;
	if (!dma_buf_is_dynamic(buffer->dmabuf))
		return -EOPNOTSUPP;
	if (dma_resv_lock_interruptible(resv, NULL))
		return -EINTR;
	err = move_locked(buffer, placement);
	dma_resv_unlock(resv);
	return err;
}

/*
 * Ops
 */

static struct test_buffer *buffer_of(struct dma_buf *dmabuf)
{
	return dmabuf->priv;
}

/* What every op begins with: the error that it is to fail with, or 0. */
static int op_called(struct test_buffer *buffer, enum dma_buf_test_op op)
{
	int err = 0;

	scoped_guard(spinlock, &buffer->lock) {
		buffer->calls[op]++;
		if (buffer->failures[op].nth && !--buffer->failures[op].nth)
			err = -buffer->failures[op].error;
	}
	return err;
}

static int op_attach(struct dma_buf *dmabuf, struct dma_buf_attachment *attach)
{
	return op_called(buffer_of(dmabuf), DMA_BUF_TEST_ATTACH_OP);
}

static void op_detach(struct dma_buf *dmabuf, struct dma_buf_attachment *attach)
{
	op_called(buffer_of(dmabuf), DMA_BUF_TEST_DETACH_OP);
}

static int op_pin(struct dma_buf_attachment *attach)
{
	struct test_buffer *buffer = buffer_of(attach->dmabuf);
	int err = op_called(buffer, DMA_BUF_TEST_PIN_OP) ?:
		  move_to_importer(buffer, attach);

	if (!err)
		buffer->pins++;
	return err;
}

static void op_unpin(struct dma_buf_attachment *attach)
{
	struct test_buffer *buffer = buffer_of(attach->dmabuf);

	op_called(buffer, DMA_BUF_TEST_UNPIN_OP);
	buffer->pins--;
}

static struct sg_table *op_map(struct dma_buf_attachment *attach,
			       enum dma_data_direction direction)
{
	struct test_buffer *buffer = buffer_of(attach->dmabuf);
	struct test_table *table;
	int err;

	err = op_called(buffer, DMA_BUF_TEST_MAP_OP) ?:
	      move_to_importer(buffer, attach);
	if (err)
		return ERR_PTR(err);
	table = table_make(buffer->memory, attach->dev, direction);
	if (IS_ERR(table))
		return ERR_CAST(table);
	list_add_tail(&table->node, &buffer->tables);
	buffer->num_tables++;
	return &table->sgt;
}

static void op_unmap(struct dma_buf_attachment *attach, struct sg_table *sgt,
		     enum dma_data_direction direction)
{
	struct test_buffer *buffer = buffer_of(attach->dmabuf);
	struct test_table *table = container_of(sgt, struct test_table, sgt);

	op_called(buffer, DMA_BUF_TEST_UNMAP_OP);
	list_del(&table->node);
	buffer->num_tables--;
	table_free(table);
}

static int access_by_cpu(struct dma_buf *dmabuf, enum dma_buf_test_op op,
			 bool begins)
{
	struct test_buffer *buffer = buffer_of(dmabuf);
	int err = op_called(buffer, op);

	if (err)
		return err;
	if (dma_resv_lock_interruptible(dmabuf->resv, NULL))
		return -EINTR;
	sync_tables(buffer, begins);
	dma_resv_unlock(dmabuf->resv);
	return 0;
}

static int op_begin_cpu_access(struct dma_buf *dmabuf,
			       enum dma_data_direction direction)
{
	return access_by_cpu(dmabuf, DMA_BUF_TEST_BEGIN_CPU_ACCESS_OP, true);
}

static int op_end_cpu_access(struct dma_buf *dmabuf,
			     enum dma_data_direction direction)
{
	return access_by_cpu(dmabuf, DMA_BUF_TEST_END_CPU_ACCESS_OP, false);
}

/*
 * After a signal a program tries again when it has seen to that.  The kernel, which
 * copies something for it, tries again at once: for ever, if it was killed.
 */
static vm_fault_t fault_interrupted(void)
{
	return fatal_signal_pending(current) ? VM_FAULT_SIGBUS : VM_FAULT_NOPAGE;
}

/* A move takes the page away again. */
static vm_fault_t buffer_fault(struct vm_fault *vmf)
{
	struct dma_buf *dmabuf = vmf->vma->vm_private_data;
	struct test_buffer *buffer = buffer_of(dmabuf);
	struct test_memory *memory;
	vm_fault_t ret = VM_FAULT_SIGBUS;

	if (dma_resv_lock_interruptible(dmabuf->resv, NULL))
		return fault_interrupted();
	memory = buffer->memory;
	if (vmf->pgoff < memory->num_pages)
		ret = vmf_insert_pfn(vmf->vma, vmf->address,
				     page_to_pfn(memory->pages[vmf->pgoff]));
	dma_resv_unlock(dmabuf->resv);
	return ret;
}

static const struct vm_operations_struct buffer_vm_ops = {
	.fault = buffer_fault,
};

static int op_mmap(struct dma_buf *dmabuf, struct vm_area_struct *vma)
{
	int err = op_called(buffer_of(dmabuf), DMA_BUF_TEST_MMAP_OP);

	if (err)
		return err;
	if (is_cow_mapping(vma->vm_flags))
		return -EINVAL;
	vm_flags_set(vma, VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_private_data = dmabuf;
	vma->vm_ops = &buffer_vm_ops;
	return 0;
}

static int op_vmap(struct dma_buf *dmabuf, struct iosys_map *map)
{
	struct test_buffer *buffer = buffer_of(dmabuf);
	struct test_memory *memory = buffer->memory;
	int err = op_called(buffer, DMA_BUF_TEST_VMAP_OP);
	void *address;

	if (err)
		return err;
	address = vmap(memory->pages, memory->num_pages, VM_MAP, PAGE_KERNEL);
	if (!address)
		return -ENOMEM;
	iosys_map_set_vaddr(map, address);
	buffer->vmaps++;
	return 0;
}

static void op_vunmap(struct dma_buf *dmabuf, struct iosys_map *map)
{
	struct test_buffer *buffer = buffer_of(dmabuf);

	op_called(buffer, DMA_BUF_TEST_VUNMAP_OP);
	buffer->vmaps--;
	vunmap(map->vaddr);
}

static void op_release(struct dma_buf *dmabuf)
{
	struct test_buffer *buffer = buffer_of(dmabuf);

	WARN_ON(buffer->pins || buffer->vmaps || buffer->num_tables);
	memory_put(buffer->memory);
	kfree(buffer);
}

static void __init make_ops(struct dma_buf_ops *ops, u32 flags)
{
	*ops = (struct dma_buf_ops) {
		.cache_sgt_mapping = flags & DMA_BUF_TEST_CACHED,
		.attach = op_attach,
		.detach = op_detach,
		.map_dma_buf = op_map,
		.unmap_dma_buf = op_unmap,
		.release = op_release,
	};
	if (flags & DMA_BUF_TEST_DYNAMIC) {
		ops->pin = op_pin;
		ops->unpin = op_unpin;
	}
	if (!(flags & DMA_BUF_TEST_NO_CPU_ACCESS)) {
		ops->begin_cpu_access = op_begin_cpu_access;
		ops->end_cpu_access = op_end_cpu_access;
	}
	if (!(flags & DMA_BUF_TEST_NO_MMAP))
		ops->mmap = op_mmap;
	if (!(flags & DMA_BUF_TEST_NO_VMAP)) {
		ops->vmap = op_vmap;
		ops->vunmap = op_vunmap;
	}
}

/**
 * test_buffer_init_ops - have ops for all kinds of exporters
 *
 * Context: Before the first buffer.
 */
void __init test_buffer_init_ops(void)
{
	u32 flags;

	for (flags = 0; flags < ARRAY_SIZE(ops_of_flags); flags++)
		make_ops(&ops_of_flags[flags], flags);
}

/*
 * A buffer
 */

static bool is_possible(const struct dma_buf_test_buffer *arg)
{
	bool dynamic = arg->flags & DMA_BUF_TEST_DYNAMIC;

	if (arg->flags & ~ALL_FLAGS || arg->placement > DMA_BUF_TEST_VRAM ||
	    !arg->size || arg->size > LARGEST_BUFFER)
		return false;
	/* What can move has no tables that stay, what can't has one place. */
	return dynamic ? !(arg->flags & DMA_BUF_TEST_CACHED) :
			 arg->placement == DMA_BUF_TEST_SYSTEM;
}

/**
 * test_buffer_export - make a buffer
 * @arg: what kind of
 *
 * Context: Process context, may sleep.
 *
 * Return: the buffer, which goes with the last reference on its dma-buf; -EINVAL
 * for one that can't be, -ENOMEM, or what exporting returned.
 */
struct test_buffer *test_buffer_export(const struct dma_buf_test_buffer *arg)
{
	DEFINE_DMA_BUF_EXPORT_INFO(info);
	struct test_buffer *buffer;
	int err = -ENOMEM;

	if (!is_possible(arg))
		return ERR_PTR(-EINVAL);
	buffer = kzalloc(sizeof(*buffer), GFP_KERNEL);
	if (!buffer)
		return ERR_PTR(-ENOMEM);
	spin_lock_init(&buffer->lock);
	INIT_LIST_HEAD(&buffer->tables);
	buffer->memory = memory_alloc(arg->placement,
				      PAGE_ALIGN(arg->size) >> PAGE_SHIFT);
	if (!buffer->memory)
		goto free;
	info.ops = &ops_of_flags[arg->flags];
	info.size = PAGE_ALIGN(arg->size);
	info.flags = O_RDWR | O_CLOEXEC;
	info.priv = buffer;
	buffer->dmabuf = dma_buf_export(&info);
	if (IS_ERR(buffer->dmabuf)) {
		err = PTR_ERR(buffer->dmabuf);
		goto put;
	}
	return buffer;

put:
	memory_put(buffer->memory);
free:
	kfree(buffer);
	return ERR_PTR(err);
}

static bool can_fail(u32 op)
{
	switch (op) {
	case DMA_BUF_TEST_DETACH_OP:
	case DMA_BUF_TEST_UNPIN_OP:
	case DMA_BUF_TEST_UNMAP_OP:
	case DMA_BUF_TEST_VUNMAP_OP:
		return false;
	default:
		return op < DMA_BUF_TEST_OPS;
	}
}

/**
 * test_buffer_fail - have an op fail
 * @buffer: whose
 * @arg: which, when, and with what error
 *
 * Return: 0, or -EINVAL for an op that can't fail, or for no error.
 */
int test_buffer_fail(struct test_buffer *buffer,
		     const struct dma_buf_test_fail *arg)
{
	if (!can_fail(arg->op) ||
	    (arg->nth && (!arg->error || arg->error > MAX_ERRNO)))
		return -EINVAL;
	scoped_guard(spinlock, &buffer->lock) {
		buffer->failures[arg->op].nth = arg->nth;
		buffer->failures[arg->op].error = arg->error;
	}
	return 0;
}

static u32 count_fences(struct dma_resv *resv)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	u32 count = 0;

	dma_resv_for_each_fence(&cursor, resv, DMA_RESV_USAGE_BOOKKEEP, fence)
		count += !dma_fence_is_signaled(fence);
	return count;
}

/**
 * test_buffer_state - tell what a buffer is like
 * @buffer: the buffer
 * @arg: all but the id is filled in
 *
 * Context: Process context; takes the reservation lock.
 *
 * Return: 0, or -EINTR when a signal came while somebody had the lock.
 */
int test_buffer_state(struct test_buffer *buffer,
		      struct dma_buf_test_buffer_state *arg)
{
	struct dma_resv *resv = buffer->dmabuf->resv;

	if (dma_resv_lock_interruptible(resv, NULL))
		return -EINTR;
	arg->placement = buffer->memory->placement;
	arg->pins = buffer->pins;
	arg->mappings = buffer->num_tables;
	arg->vmaps = buffer->vmaps;
	arg->moves = buffer->moves;
	arg->fences = count_fences(resv);
	arg->reserved = 0;
	dma_resv_unlock(resv);

	scoped_guard(spinlock, &buffer->lock)
		memcpy(arg->calls, buffer->calls, sizeof(arg->calls));
	return 0;
}
