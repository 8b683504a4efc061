// SPDX-License-Identifier: GPL-2.0-only
/*
 * The CPU's side of a buffer: mappings into processes and into the kernel, and
 * the brackets that make its accesses coherent with those of devices.
 */
#include <linux/mm.h>
#include <linux/uaccess.h>
#include <trace/events/dma_buf.h>

#include "dma_buf_private.h"

/* Does a mapping of @vma's length, from page @pgoff on, end within the buffer? */
static bool mmap_fits(struct dma_buf *dmabuf, struct vm_area_struct *vma,
		      unsigned long pgoff)
{
	unsigned long pages = dmabuf->size >> PAGE_SHIFT;

	return pgoff <= pages && vma_pages(vma) <= pages - pgoff;
}

/* The mmap file operation. */
int dma_buf_file_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct dma_buf *dmabuf = file->private_data;

	if (!dmabuf->ops->mmap || !mmap_fits(dmabuf, vma, vma->vm_pgoff))
		return -EINVAL;

	trace_dma_buf_mmap_internal(dmabuf, vma);
	return dmabuf->ops->mmap(dmabuf, vma);
}

/**
 * dma_buf_mmap - map a buffer through another file's mmap
 * @dmabuf: the buffer
 * @vma: area being set up by the mmap operation of the other file
 * @pgoff: where in the buffer the area begins, in pages
 *
 * For importers that offer mmap on files of their own.  The area becomes one of
 * the buffer's file, which it holds a reference on.
 *
 * Context: Process context, mmap lock held for writing; the reservation lock
 * must not be held.
 *
 * Return: 0, -EINVAL when an argument is missing, when the exporter has no mmap
 * or when the area doesn't lie within the buffer, or the exporter's error.
 */
int dma_buf_mmap(struct dma_buf *dmabuf, struct vm_area_struct *vma,
		 unsigned long pgoff)
{
	if (WARN_ON(!dmabuf || !vma))
		return -EINVAL;
	if (!dmabuf->ops->mmap || !mmap_fits(dmabuf, vma, pgoff))
		return -EINVAL;

	vma_set_file(vma, dmabuf->file);
	vma->vm_pgoff = pgoff;
	trace_dma_buf_mmap(dmabuf, vma);
	return dmabuf->ops->mmap(dmabuf, vma);
}
EXPORT_SYMBOL_NS_GPL(dma_buf_mmap, DMA_BUF);

/**
 * dma_buf_vmap - map a buffer into the kernel
 * @dmabuf: the buffer
 * @map: out: where it is; cleared on error
 *
 * Users are counted and share one mapping.  The buffer doesn't move while there
 * is one.
 *
 * Context: Process context, reservation lock held.
 *
 * Return: 0, -EINVAL when the exporter has no vmap, or the exporter's error.
 */
int dma_buf_vmap(struct dma_buf *dmabuf, struct iosys_map *map)
{
	int err;

	iosys_map_clear(map);
	if (WARN_ON(!dmabuf))
		return -EINVAL;
	dma_resv_assert_held(dmabuf->resv);
	if (!dmabuf->ops->vmap)
		return -EINVAL;

	if (!dmabuf->vmapping_counter) {
		struct iosys_map fresh = {};

		err = dmabuf->ops->vmap(dmabuf, &fresh);
		if (err)
			return err;
		dmabuf->vmap_ptr = fresh;
	}
	dmabuf->vmapping_counter++;
	*map = dmabuf->vmap_ptr;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(dma_buf_vmap, DMA_BUF);

/**
 * dma_buf_vunmap - give a kernel mapping back
 * @dmabuf: the buffer
 * @map: what dma_buf_vmap() returned
 *
 * The last one of its users takes the mapping down.  A map that isn't the
 * buffer's is warned about and changes nothing.
 *
 * Context: Process context, reservation lock held.
 */
void dma_buf_vunmap(struct dma_buf *dmabuf, struct iosys_map *map)
{
	if (WARN_ON(!dmabuf))
		return;
	dma_resv_assert_held(dmabuf->resv);
	if (!dmabuf->vmapping_counter ||
	    !iosys_map_is_equal(&dmabuf->vmap_ptr, map)) {
		dma_buf_misuse(dmabuf->exp_name, NULL,
			       "vunmap of what is not vmapped");
		return;
	}

	if (--dmabuf->vmapping_counter)
		return;
	if (dmabuf->ops->vunmap)
		dmabuf->ops->vunmap(dmabuf, map);
	iosys_map_clear(&dmabuf->vmap_ptr);
}
EXPORT_SYMBOL_NS_GPL(dma_buf_vunmap, DMA_BUF);

/**
 * dma_buf_vmap_unlocked - dma_buf_vmap() for callers without the lock
 * @dmabuf: the buffer
 * @map: out: where it is; cleared on error
 *
 * Context: Process context; takes the reservation lock.
 *
 * Return: As dma_buf_vmap().
 */
int dma_buf_vmap_unlocked(struct dma_buf *dmabuf, struct iosys_map *map)
{
	int err;

	iosys_map_clear(map);
	if (WARN_ON(!dmabuf))
		return -EINVAL;

	dma_resv_lock(dmabuf->resv, NULL);
	err = dma_buf_vmap(dmabuf, map);
	dma_resv_unlock(dmabuf->resv);
	return err;
}
EXPORT_SYMBOL_NS_GPL(dma_buf_vmap_unlocked, DMA_BUF);

/**
 * dma_buf_vunmap_unlocked - dma_buf_vunmap() for callers without the lock
 * @dmabuf: the buffer
 * @map: what dma_buf_vmap_unlocked() returned
 *
 * Context: Process context; takes the reservation lock.
 */
void dma_buf_vunmap_unlocked(struct dma_buf *dmabuf, struct iosys_map *map)
{
	if (WARN_ON(!dmabuf))
		return;

	dma_resv_lock(dmabuf->resv, NULL);
	dma_buf_vunmap(dmabuf, map);
	dma_resv_unlock(dmabuf->resv);
}
EXPORT_SYMBOL_NS_GPL(dma_buf_vunmap_unlocked, DMA_BUF);

/* Does the CPU write in a bracket of this direction? */
static bool cpu_writes(enum dma_data_direction dir)
{
	return dir == DMA_BIDIRECTIONAL || dir == DMA_TO_DEVICE;
}

static int await_devices(struct dma_buf *dmabuf, enum dma_data_direction dir)
{
	long ret;

	if (dma_buf_never_fenced(dmabuf))
		return 0;
	ret = dma_resv_wait_timeout(dmabuf->resv,
				    dma_resv_usage_rw(cpu_writes(dir)), true,
				    MAX_SCHEDULE_TIMEOUT);
	return ret < 0 ? ret : 0;
}

/*
 * Whom to call for @len bytes: the whole buffer's op where that is meant, or
 * where it is all there is.
 */
static bool use_partial(struct dma_buf *dmabuf, bool has_partial,
			bool has_whole, size_t len)
{
	return has_partial && (!has_whole || len != dmabuf->size);
}

static int begin_access(struct dma_buf *dmabuf, enum dma_data_direction dir,
			size_t offset, size_t len)
{
	const struct dma_buf_ops *ops = dmabuf->ops;
	int err = 0;

	might_lock(&dmabuf->resv->lock.base);
	trace_dma_buf_begin_cpu_access(dmabuf, dir, offset, len);

	/* First the exporter, which may know a better way to wait. */
	if (use_partial(dmabuf, ops->begin_cpu_access_partial,
			ops->begin_cpu_access, len))
		err = ops->begin_cpu_access_partial(dmabuf, dir, offset, len);
	else if (ops->begin_cpu_access)
		err = ops->begin_cpu_access(dmabuf, dir);
	return err ?: await_devices(dmabuf, dir);
}

static int end_access(struct dma_buf *dmabuf, enum dma_data_direction dir,
		      size_t offset, size_t len)
{
	const struct dma_buf_ops *ops = dmabuf->ops;

	might_lock(&dmabuf->resv->lock.base);
	trace_dma_buf_end_cpu_access(dmabuf, dir, offset, len);

	if (use_partial(dmabuf, ops->end_cpu_access_partial,
			ops->end_cpu_access, len))
		return ops->end_cpu_access_partial(dmabuf, dir, offset, len);
	if (ops->end_cpu_access)
		return ops->end_cpu_access(dmabuf, dir);
	return 0;
}

static bool range_fits(struct dma_buf *dmabuf, size_t offset, size_t len)
{
	return offset <= dmabuf->size && len <= dmabuf->size - offset;
}

/**
 * dma_buf_begin_cpu_access - the CPU is about to touch a buffer
 * @dmabuf: the buffer
 * @dir: %DMA_FROM_DEVICE to read what devices wrote, %DMA_TO_DEVICE to write
 *	for them, %DMA_BIDIRECTIONAL for both
 *
 * Has the exporter make the memory coherent, and waits for the fences that
 * conflict with @dir.  After success dma_buf_end_cpu_access() must follow.
 *
 * Context: Process context, may sleep; the reservation lock must not be held.
 *
 * Return: 0, -EINVAL without a buffer, -ERESTARTSYS when a signal ended the
 * wait, or the exporter's error.
 */
int dma_buf_begin_cpu_access(struct dma_buf *dmabuf,
			     enum dma_data_direction dir)
{
	if (WARN_ON(!dmabuf))
		return -EINVAL;
	return begin_access(dmabuf, dir, 0, dmabuf->size);
}
EXPORT_SYMBOL_NS_GPL(dma_buf_begin_cpu_access, DMA_BUF);

/**
 * dma_buf_end_cpu_access - the CPU is done with a buffer for now
 * @dmabuf: the buffer
 * @dir: as given to dma_buf_begin_cpu_access()
 *
 * Context: Process context, may sleep; the reservation lock must not be held.
 *
 * Return: 0, -EINVAL without a buffer, or the exporter's error.
 */
int dma_buf_end_cpu_access(struct dma_buf *dmabuf, enum dma_data_direction dir)
{
	if (WARN_ON(!dmabuf))
		return -EINVAL;
	return end_access(dmabuf, dir, 0, dmabuf->size);
}
EXPORT_SYMBOL_NS_GPL(dma_buf_end_cpu_access, DMA_BUF);

/**
 * dma_buf_begin_cpu_access_partial - the CPU is about to touch a part
 * @dmabuf: the buffer
 * @dir: as for dma_buf_begin_cpu_access()
 * @offset: where the part begins, in bytes
 * @len: its length in bytes
 *
 * Saves cache maintenance where the exporter can do it by range; the others
 * prepare the whole buffer.  Fences are awaited as for the whole.
 *
 * Context: Process context, may sleep; the reservation lock must not be held.
 *
 * Return: 0, -EINVAL without a buffer or when the part exceeds it, -ERESTARTSYS
 * when a signal ended the wait, or the exporter's error.
 */
int dma_buf_begin_cpu_access_partial(struct dma_buf *dmabuf,
				     enum dma_data_direction dir,
				     size_t offset, size_t len)
{
	if (WARN_ON(!dmabuf) || !range_fits(dmabuf, offset, len))
		return -EINVAL;
	return begin_access(dmabuf, dir, offset, len);
}
EXPORT_SYMBOL_NS_GPL(dma_buf_begin_cpu_access_partial, DMA_BUF);

/**
 * dma_buf_end_cpu_access_partial - the CPU is done with a part
 * @dmabuf: the buffer
 * @dir: as given to dma_buf_begin_cpu_access_partial()
 * @offset: likewise
 * @len: likewise
 *
 * Context: Process context, may sleep; the reservation lock must not be held.
 *
 * Return: 0, -EINVAL without a buffer or when the part exceeds it, or the
 * exporter's error.
 */
int dma_buf_end_cpu_access_partial(struct dma_buf *dmabuf,
				   enum dma_data_direction dir,
				   size_t offset, size_t len)
{
	if (WARN_ON(!dmabuf) || !range_fits(dmabuf, offset, len))
		return -EINVAL;
	return end_access(dmabuf, dir, offset, len);
}
EXPORT_SYMBOL_NS_GPL(dma_buf_end_cpu_access_partial, DMA_BUF);

/* What a program calls reading is data that comes from a device. */
static enum dma_data_direction sync_direction(u64 flags)
{
	switch (flags & DMA_BUF_SYNC_RW) {
	case DMA_BUF_SYNC_READ:
		return DMA_FROM_DEVICE;
	case DMA_BUF_SYNC_WRITE:
		return DMA_TO_DEVICE;
	case DMA_BUF_SYNC_RW:
		return DMA_BIDIRECTIONAL;
	default:
		return DMA_NONE;
	}
}

/* DMA_BUF_IOCTL_SYNC. */
long dma_buf_ioctl_sync(struct dma_buf *dmabuf, void __user *arg)
{
	enum dma_data_direction dir;
	u64 flags;

	if (get_user(flags, &((struct dma_buf_sync __user *)arg)->flags))
		return -EFAULT;
	if (flags & ~(u64)DMA_BUF_SYNC_VALID_FLAGS_MASK)
		return -EINVAL;
	dir = sync_direction(flags);
	if (dir == DMA_NONE)
		return -EINVAL;

	if (flags & DMA_BUF_SYNC_END)
		return end_access(dmabuf, dir, 0, dmabuf->size);
	return begin_access(dmabuf, dir, 0, dmabuf->size);
}
