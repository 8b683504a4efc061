// SPDX-License-Identifier: GPL-2.0-only
/*
 * Heaps: a device for each kind of memory, and the ioctl that makes buffers.
 */
#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/dma-buf.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/idr.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <kunit/static_stub.h>
#include <kunit/visibility.h>
#include <uapi/linux/dma-heap.h>

#define CREATE_TRACE_POINTS
#include <trace/events/dma_heap.h>

#include "../dma_buf_private.h"
#include "../memory.h"
#include "heap.h"

#define MAX_HEAPS	128

static bool mem_accounting;
module_param(mem_accounting, bool, 0644);
MODULE_PARM_DESC(mem_accounting,
		 "Charge the pages of buffers to the memory cgroup (default: no)");

static LIST_HEAD(heaps);
static DEFINE_MUTEX(heaps_lock);
VISIBLE_IF_KUNIT struct ida dma_heap_minors = IDA_INIT(dma_heap_minors);
EXPORT_SYMBOL_IF_KUNIT(dma_heap_minors);
static dev_t first_device;

/* Whether heaps of ordinary pages charge them to who allocates. */
bool dma_heap_accounts_memory(void)
{
	return READ_ONCE(mem_accounting);
}

/**
 * dma_heap_is_killed - whether an allocation is for nobody any more
 *
 * Return: true if the task is being killed.
 */
bool dma_heap_is_killed(void)
{
	KUNIT_STATIC_STUB_REDIRECT(dma_heap_is_killed);

	return fatal_signal_pending(current);
}
EXPORT_SYMBOL_IF_KUNIT(dma_heap_is_killed);

/*
 * Buffers
 */

static bool is_valid(const struct dma_heap_allocation_data *data)
{
	return data->len && data->len <= SIZE_MAX - PAGE_SIZE + 1 &&
	       !data->fd && !(data->fd_flags & ~DMA_HEAP_VALID_FD_FLAGS) &&
	       !(data->heap_flags & ~(u64)DMA_HEAP_VALID_HEAP_FLAGS);
}

static struct dma_buf *heap_allocate(struct dma_heap *heap,
				     const struct dma_heap_allocation_data *data)
{
	size_t len = PAGE_ALIGN((size_t)data->len);
	u64 begin = ktime_get_ns(), ns;
	struct dma_buf *dmabuf;

	dmabuf = heap->ops->allocate(heap, len, data->fd_flags,
				     data->heap_flags);
	ns = ktime_get_ns() - begin;
	trace_dma_heap_alloc(heap, len, ns, PTR_ERR_OR_ZERO(dmabuf));
	if (!IS_ERR(dmabuf)) {
		dma_heap_count_alloc(heap, dmabuf->size, ns);
		dma_buf_set_heap(dmabuf, heap);
	}
	return dmabuf;
}

/**
 * dma_heap_export - make a buffer of a heap's memory
 * @heap: the heap
 * @memory: the pages, all of which are in it by now
 * @ops: what can be done with it
 * @fd_flags: as the heap was told
 *
 * Context: Process context, may sleep.
 * Return: as dma_buf_export().
 */
struct dma_buf *dma_heap_export(struct dma_heap *heap,
				struct dma_buf_memory *memory,
				const struct dma_buf_ops *ops, u32 fd_flags)
{
	DEFINE_DMA_BUF_EXPORT_INFO(info);

	info.exp_name = heap->name;
	info.ops = ops;
	info.size = dma_buf_memory_pages(memory) << PAGE_SHIFT;
	info.flags = fd_flags;
	info.priv = memory;
	return dma_buf_export(&info);
}

/**
 * dma_heap_release - have the exporter free a buffer of a heap
 * @heap: where the buffer came from
 * @dmabuf: the buffer, whose file was just closed
 */
void dma_heap_release(struct dma_heap *heap, struct dma_buf *dmabuf)
{
	bool traced = trace_dma_heap_free_enabled();
	u64 begin = traced ? ktime_get_ns() : 0;
	size_t size = dmabuf->size;

	dmabuf->ops->release(dmabuf);
	dma_heap_count_free(heap, size);
	if (traced)
		trace_dma_heap_free(heap, size, ktime_get_ns() - begin, 0);
}

/* What the caller gets is published last, when nothing can fail any more. */
static int allocate_fd(struct dma_heap *heap,
		       struct dma_heap_allocation_data *data,
		       void __user *arg, size_t size)
{
	CLASS(get_unused_fd, fd)(data->fd_flags & O_CLOEXEC);
	struct dma_buf *dmabuf;

	if (fd < 0)
		return fd;
	dmabuf = heap_allocate(heap, data);
	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);

	data->fd = fd;
	if (copy_to_user(arg, data, size)) {
		dma_buf_put(dmabuf);
		return -EFAULT;
	}
	dma_buf_install(dmabuf, take_fd(fd));
	return 0;
}

/* @size: of the caller's idea of the parameters. */
static int ioctl_alloc(struct dma_heap *heap, void __user *arg, size_t size)
{
	struct dma_heap_allocation_data data = {};

	size = min(size, sizeof(data));
	if (size < offsetofend(struct dma_heap_allocation_data, fd))
		return -EINVAL;
	if (copy_from_user(&data, arg, size))
		return -EFAULT;
	if (!is_valid(&data))
		return -EINVAL;
	return allocate_fd(heap, &data, arg, size);
}

static long heap_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct dma_heap *heap = file->private_data;
	int err;

	if (_IOC_TYPE(cmd) != DMA_HEAP_IOC_MAGIC ||
	    _IOC_NR(cmd) != _IOC_NR(DMA_HEAP_IOCTL_ALLOC) ||
	    _IOC_DIR(cmd) != _IOC_DIR(DMA_HEAP_IOCTL_ALLOC))
		return -ENOTTY;

	err = ioctl_alloc(heap, (void __user *)arg, _IOC_SIZE(cmd));
	if (err)
		dma_heap_count_failure(heap, err);
	return err;
}

static int heap_open(struct inode *inode, struct file *file)
{
	file->private_data = container_of(inode->i_cdev, struct dma_heap, cdev);
	return nonseekable_open(inode, file);
}

static const struct file_operations heap_fops = {
	.owner = THIS_MODULE,
	.open = heap_open,
	.unlocked_ioctl = heap_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

/*
 * Heaps
 */

static char *heap_devnode(const struct device *dev, umode_t *mode)
{
	return kasprintf(GFP_KERNEL, "dma_heap/%s", dev_name(dev));
}

static const struct class heap_class = {
	.name = "dma_heap",
	.devnode = heap_devnode,
};

/**
 * dma_heap_get_drvdata - a heap's own data
 * @heap: the heap
 *
 * Context: Any.
 * Return: dma_heap_export_info.priv.
 */
void *dma_heap_get_drvdata(struct dma_heap *heap)
{
	return heap->priv;
}
EXPORT_SYMBOL_NS_GPL(dma_heap_get_drvdata, DMA_BUF_HEAP);

/**
 * dma_heap_get_name - a heap's name
 * @heap: the heap
 *
 * Context: Any.
 * Return: the name of its device node; it stays.
 */
const char *dma_heap_get_name(struct dma_heap *heap)
{
	return heap->name;
}
EXPORT_SYMBOL_NS_GPL(dma_heap_get_name, DMA_BUF_HEAP);

/* Whether a file can be called that. */
static bool is_path_element(const char *name)
{
	return name && *name && strlen(name) <= NAME_MAX &&
	       strcmp(name, ".") && strcmp(name, "..") && !strchr(name, '/');
}

static void heap_free(struct dma_heap *heap)
{
	free_percpu(heap->stats);
	kfree(heap->name);
	kfree(heap);
}

static struct dma_heap *heap_make(const struct dma_heap_export_info *info)
{
	struct dma_heap *heap = kzalloc(sizeof(*heap), GFP_KERNEL);

	if (!heap)
		return NULL;
	heap->name = kstrdup(info->name, GFP_KERNEL);
	heap->stats = alloc_percpu(struct dma_heap_stats);
	heap->ops = info->ops;
	heap->priv = info->priv;
	cdev_init(&heap->cdev, &heap_fops);
	if (!heap->name || !heap->stats) {
		heap_free(heap);
		return NULL;
	}
	return heap;
}

/* Gives @heap its device; who opens it before the end is told to come later. */
static int heap_publish(struct dma_heap *heap)
{
	int minor = ida_alloc_max(&dma_heap_minors, MAX_HEAPS - 1, GFP_KERNEL);
	dev_t number = first_device + minor;
	struct device *dev;
	int err;

	if (minor < 0)
		return minor;
	dev = device_create(&heap_class, NULL, number, NULL, "%s", heap->name);
	if (IS_ERR(dev)) {
		err = PTR_ERR(dev);
		goto free_minor;
	}
	err = cdev_add(&heap->cdev, number, 1);
	if (err)
		goto destroy_device;
	return 0;

destroy_device:
	device_destroy(&heap_class, number);
free_minor:
	ida_free(&dma_heap_minors, minor);
	return err;
}

/**
 * dma_heap_find - the heap of a name
 * @name: the name
 *
 * Context: no heap may be added meanwhile: heaps_lock.
 * Return: the heap, or NULL when there is none.
 */
VISIBLE_IF_KUNIT struct dma_heap *dma_heap_find(const char *name)
{
	struct dma_heap *heap;

	list_for_each_entry(heap, &heaps, node) {
		if (!strcmp(heap->name, name))
			return heap;
	}
	return NULL;
}
EXPORT_SYMBOL_IF_KUNIT(dma_heap_find);

/**
 * dma_heap_module_of - the module that a heap's ops are in
 * @ops: the ops
 *
 * Context: preemption disabled, or the module could go.
 * Return: the module, or NULL when they are in the kernel itself.
 */
VISIBLE_IF_KUNIT struct module *
dma_heap_module_of(const struct dma_heap_ops *ops)
{
	KUNIT_STATIC_STUB_REDIRECT(dma_heap_module_of, ops);

	return __module_address((unsigned long)ops);
}
EXPORT_SYMBOL_IF_KUNIT(dma_heap_module_of);

/* A heap stays, and so must the code of it. */
static void keep_module(const struct dma_heap_ops *ops)
{
	struct module *module;

	guard(preempt)();
	module = dma_heap_module_of(ops);
	if (module)
		__module_get(module);
}

/**
 * dma_heap_add - have programs allocate from a kind of memory
 * @exp_info: the heap; need not outlive the call, but for what it points to
 *	except the name
 *
 * The device is there, and may be in use, before this returns.  A heap is never
 * removed: its module can't be unloaded any more, and after this its init must
 * not fail.
 *
 * Context: Process context, may sleep; after device drivers can be registered.
 * Return: the heap, or an error pointer: -EINVAL when @exp_info lacks an
 * operation or has a name that is no name of a file, -EEXIST when another heap
 * has that name, -ENOSPC when there are 128 heaps, or -ENOMEM.
 */
struct dma_heap *dma_heap_add(const struct dma_heap_export_info *exp_info)
{
	struct dma_heap *heap;
	int err;

	if (!exp_info->ops || !exp_info->ops->allocate ||
	    !is_path_element(exp_info->name))
		return ERR_PTR(-EINVAL);

	guard(mutex)(&heaps_lock);
	if (dma_heap_find(exp_info->name))
		return ERR_PTR(-EEXIST);
	heap = heap_make(exp_info);
	if (!heap)
		return ERR_PTR(-ENOMEM);
	err = heap_publish(heap);
	if (err) {
		heap_free(heap);
		return ERR_PTR(err);
	}
	list_add(&heap->node, &heaps);
	keep_module(exp_info->ops);
	dma_heap_stats_show(heap);
	return heap;
}
EXPORT_SYMBOL_NS_GPL(dma_heap_add, DMA_BUF_HEAP);

static int __init heap_init(void)
{
	int err = alloc_chrdev_region(&first_device, 0, MAX_HEAPS, "dma_heap");

	if (err)
		return err;
	err = class_register(&heap_class);
	if (err)
		/* not tested: at boot, no memory is short and no class has that name */
		unregister_chrdev_region(first_device, MAX_HEAPS);
	else
		dma_heap_stats_init();
	return err;
}
subsys_initcall(heap_init);
