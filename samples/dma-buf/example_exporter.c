// SPDX-License-Identifier: GPL-2.0-only
/*
 * An exporter: buffers of ordinary pages, for any device.
 */
#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/dma-resv.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/iosys-map.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/scatterlist.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include "example.h"

/*
 * Several devices can have the same pages mapped. So mapping leaves the caches alone, and
 * what the one side is to see of the other is synced in steps of its own.
 */
#define MAPPING_ATTRS	DMA_ATTR_SKIP_CPU_SYNC

struct example_buffer {
	void *memory;
	size_t size;
	/* Of who is attached, for access by the CPU; a mutex, since syncing may take long. */
	struct mutex lock;
	struct list_head mappings;
};

/* What an attached device has of the buffer. */
struct example_mapping {
	struct list_head node;
	struct device *dev;
	struct sg_table table;
	/* As it is mapped; DMA_NONE if it isn't. */
	enum dma_data_direction dir;
};

static int build_table(struct sg_table *table, struct example_buffer *buffer)
{
	struct scatterlist *entry;
	unsigned int i;

	if (sg_alloc_table(table, buffer->size >> PAGE_SHIFT, GFP_KERNEL))
		return -ENOMEM;
	for_each_sgtable_sg(table, entry, i)
		sg_set_page(entry, vmalloc_to_page(buffer->memory + i * PAGE_SIZE),
			    PAGE_SIZE, 0);
	return 0;
}

static int example_attach(struct dma_buf *dmabuf, struct dma_buf_attachment *attach)
{
	struct example_buffer *buffer = dmabuf->priv;
	struct example_mapping *mapping = kzalloc(sizeof(*mapping), GFP_KERNEL);
	int ret;

	if (!mapping)
		return -ENOMEM;
	ret = build_table(&mapping->table, buffer);
	if (ret) {
		kfree(mapping);
		return ret;
	}
	mapping->dev = attach->dev;
	mapping->dir = DMA_NONE;
	attach->priv = mapping;
	mutex_lock(&buffer->lock);
	list_add(&mapping->node, &buffer->mappings);
	mutex_unlock(&buffer->lock);
	return 0;
}

static void example_detach(struct dma_buf *dmabuf, struct dma_buf_attachment *attach)
{
	struct example_buffer *buffer = dmabuf->priv;
	struct example_mapping *mapping = attach->priv;

	mutex_lock(&buffer->lock);
	list_del(&mapping->node);
	mutex_unlock(&buffer->lock);
	sg_free_table(&mapping->table);
	kfree(mapping);
}

/* The table is the attachment's, so one mapping at a time is all that it can have. */
static struct sg_table *example_map(struct dma_buf_attachment *attach,
				    enum dma_data_direction dir)
{
	struct example_buffer *buffer = attach->dmabuf->priv;
	struct example_mapping *mapping = attach->priv;
	int ret;

	guard(mutex)(&buffer->lock);
	if (mapping->dir != DMA_NONE)
		return ERR_PTR(-EBUSY);
	ret = dma_map_sgtable(attach->dev, &mapping->table, dir, MAPPING_ATTRS);
	if (ret)
		return ERR_PTR(ret);
	dma_sync_sgtable_for_device(attach->dev, &mapping->table, dir);
	mapping->dir = dir;
	return &mapping->table;
}

static void example_unmap(struct dma_buf_attachment *attach, struct sg_table *table,
			  enum dma_data_direction dir)
{
	struct example_buffer *buffer = attach->dmabuf->priv;
	struct example_mapping *mapping = attach->priv;

	guard(mutex)(&buffer->lock);
	mapping->dir = DMA_NONE;
	dma_sync_sgtable_for_cpu(attach->dev, table, dir);
	dma_unmap_sgtable(attach->dev, table, dir, MAPPING_ATTRS);
}

/*
 * The CPU is to see what devices wrote: those that do not share its caches. Whatever the
 * CPU does, a table is synced in the direction in which it is mapped. And what a device
 * is still writing can't be synced, so those that the CPU conflicts with come first.
 */
static int example_begin_access(struct dma_buf *dmabuf, enum dma_data_direction dir)
{
	struct example_buffer *buffer = dmabuf->priv;
	struct example_mapping *mapping;
	long ret;

	ret = dma_resv_wait_timeout(dmabuf->resv, dma_resv_usage_rw(dir != DMA_FROM_DEVICE),
				    true, MAX_SCHEDULE_TIMEOUT);
	if (ret < 0)
		return ret;
	guard(mutex)(&buffer->lock);
	list_for_each_entry(mapping, &buffer->mappings, node)
		if (mapping->dir != DMA_NONE)
			dma_sync_sgtable_for_cpu(mapping->dev, &mapping->table,
						 mapping->dir);
	invalidate_kernel_vmap_range(buffer->memory, buffer->size);
	return 0;
}

/* And devices what it wrote. */
static int example_end_access(struct dma_buf *dmabuf, enum dma_data_direction dir)
{
	struct example_buffer *buffer = dmabuf->priv;
	struct example_mapping *mapping;

	flush_kernel_vmap_range(buffer->memory, buffer->size);
	guard(mutex)(&buffer->lock);
	list_for_each_entry(mapping, &buffer->mappings, node)
		if (mapping->dir != DMA_NONE)
			dma_sync_sgtable_for_device(mapping->dev, &mapping->table,
						    mapping->dir);
	return 0;
}

static int example_mmap(struct dma_buf *dmabuf, struct vm_area_struct *vma)
{
	struct example_buffer *buffer = dmabuf->priv;

	return remap_vmalloc_range(vma, buffer->memory, vma->vm_pgoff);
}

static int example_vmap(struct dma_buf *dmabuf, struct iosys_map *map)
{
	struct example_buffer *buffer = dmabuf->priv;

	iosys_map_set_vaddr(map, buffer->memory);
	return 0;
}

static void free_buffer(struct example_buffer *buffer)
{
	mutex_destroy(&buffer->lock);
	vfree(buffer->memory);
	kfree(buffer);
}

static void example_release(struct dma_buf *dmabuf)
{
	free_buffer(dmabuf->priv);
}

static const struct dma_buf_ops example_ops = {
	.attach = example_attach,
	.detach = example_detach,
	.map_dma_buf = example_map,
	.unmap_dma_buf = example_unmap,
	.begin_cpu_access = example_begin_access,
	.end_cpu_access = example_end_access,
	.mmap = example_mmap,
	.vmap = example_vmap,
	.release = example_release,
};

static struct example_buffer *make_buffer(size_t size)
{
	struct example_buffer *buffer = kzalloc(sizeof(*buffer), GFP_KERNEL);

	if (!buffer)
		return NULL;
	/* Zeroed: what it held before is nobody's business. */
	buffer->memory = vmalloc_user(size);
	if (!buffer->memory) {
		kfree(buffer);
		return NULL;
	}
	buffer->size = size;
	mutex_init(&buffer->lock);
	INIT_LIST_HEAD(&buffer->mappings);
	return buffer;
}

/* DEFINE_DMA_BUF_EXPORT_INFO() has the buffer hold this module while it lives. */
static struct dma_buf *export_buffer(size_t size)
{
	DEFINE_DMA_BUF_EXPORT_INFO(info);
	struct example_buffer *buffer = make_buffer(size);
	struct dma_buf *dmabuf;

	if (!buffer)
		return ERR_PTR(-ENOMEM);
	info.ops = &example_ops;
	info.size = size;
	info.flags = O_RDWR;
	info.priv = buffer;
	dmabuf = dma_buf_export(&info);
	if (IS_ERR(dmabuf))
		free_buffer(buffer);
	return dmabuf;
}

/* Programs see the descriptor last of all: from then on it can't be taken back. */
static long example_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct dma_buf_example_export __user *user = (void __user *)arg;
	struct dma_buf_example_export data;
	struct dma_buf *dmabuf;

	if (cmd != DMA_BUF_EXAMPLE_EXPORT)
		return -ENOTTY;
	if (copy_from_user(&data, user, sizeof(data)))
		return -EFAULT;
	if (!data.size || data.size > SZ_1G || data.pad)
		return -EINVAL;

	CLASS(get_unused_fd, fd)(O_CLOEXEC);
	if (fd < 0)
		return fd;
	dmabuf = export_buffer(PAGE_ALIGN(data.size));
	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);
	if (put_user(fd, &user->fd)) {
		dma_buf_put(dmabuf);
		return -EFAULT;
	}
	fd_install(take_fd(fd), dmabuf->file);
	return 0;
}

static const struct file_operations example_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = example_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice example_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "dma_buf_example_exporter",
	.fops = &example_fops,
};
module_misc_device(example_device);

MODULE_DESCRIPTION("Example of a dma-buf exporter");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(DMA_BUF);
