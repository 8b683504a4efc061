// SPDX-License-Identifier: GPL-2.0-only
/*
 * An importer, in both of its forms. A static one has the buffer stay where it is for
 * as long as it is mapped. A dynamic one is told when it moves, and maps it again.
 */
#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/dma-resv.h>
#include <linux/fs.h>
#include <linux/minmax.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/platform_device.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "example.h"

/* Who does DMA, or would. */
static struct platform_device *engine;

/* Stands for what a driver does with a table: here, telling how much is in it. */
static void use_table(struct sg_table *table, struct dma_buf_example_import *data)
{
	struct scatterlist *entry;
	unsigned int i;

	data->bytes = 0;
	data->entries = table->nents;
	for_each_sgtable_dma_sg(table, entry, i)
		data->bytes += sg_dma_len(entry);
}

/* Exporters need not wait for anybody, so importers do; here, for who writes. */
static int wait_for_writers(struct dma_buf *dmabuf)
{
	long ret = dma_resv_wait_timeout(dmabuf->resv, DMA_RESV_USAGE_WRITE, true,
					 MAX_SCHEDULE_TIMEOUT);

	return ret < 0 ? ret : 0;
}

static int answer(struct dma_buf_example_import __user *user,
		  const struct dma_buf_example_import *data)
{
	return copy_to_user(user, data, sizeof(*data)) ? -EFAULT : 0;
}

static int import_static(struct dma_buf *dmabuf, struct dma_buf_example_import *data)
{
	struct dma_buf_attachment *attach = dma_buf_attach(dmabuf, &engine->dev);
	struct sg_table *table;
	int ret;

	if (IS_ERR(attach))
		return PTR_ERR(attach);
	table = dma_buf_map_attachment_unlocked(attach, DMA_TO_DEVICE);
	if (IS_ERR(table)) {
		ret = PTR_ERR(table);
		goto detach;
	}
	ret = wait_for_writers(dmabuf);
	if (!ret)
		use_table(table, data);
	dma_buf_unmap_attachment_unlocked(attach, table, DMA_TO_DEVICE);
detach:
	dma_buf_detach(dmabuf, attach);
	return ret;
}

/* A buffer that is followed: its memory is where the table says until it moves. */
struct example_import {
	/* With a reference on the buffer. */
	struct dma_buf_attachment *attach;
	/* What is mapped, NULL since the buffer moved; under the reservation lock. */
	struct sg_table *table;
};

struct example_file {
	/* Outside of the reservation lock; of @import. */
	struct mutex lock;
	/* NULL: there is none yet. */
	struct example_import *import;
};

static void drop_table(struct dma_buf_attachment *attach)
{
	struct example_import *import = attach->importer_priv;

	if (import->table)
		dma_buf_unmap_attachment(attach, import->table, DMA_TO_DEVICE);
	import->table = NULL;
}

/*
 * The exporter has the reservation lock, and waits for all fences before it moves
 * anything: a driver whose engine is at work need only make sure that the next job
 * maps anew.
 */
static void example_move_notify(struct dma_buf_attachment *attach)
{
	drop_table(attach);
}

static const struct dma_buf_attach_ops example_attach_ops = {
	.move_notify = example_move_notify,
};

static int map_locked(struct example_import *import)
{
	struct sg_table *table;

	if (import->table)
		return 0;
	table = dma_buf_map_attachment(import->attach, DMA_TO_DEVICE);
	if (IS_ERR(table))
		return PTR_ERR(table);
	import->table = table;
	return 0;
}

/*
 * As long as the lock is held, the buffer does not move, and nobody begins to write. But
 * somebody may have begun before; and to be mapped the buffer may have had to move,
 * which the exporter need not wait for: the fence tells when it is there. A driver
 * with jobs has the job wait for these fences, and adds its own.
 */
static int use_locked(struct example_import *import, struct dma_buf_example_import *data)
{
	int ret;

	dma_resv_assert_held(import->attach->dmabuf->resv);
	ret = map_locked(import) ?: wait_for_writers(import->attach->dmabuf);
	if (!ret)
		use_table(import->table, data);
	return ret;
}

/* What takes long is waited for first without the lock, which others want, too. */
static int use_import(struct example_import *import, struct dma_buf_example_import *data)
{
	struct dma_buf *dmabuf = import->attach->dmabuf;
	int ret = wait_for_writers(dmabuf) ?: dma_resv_lock_interruptible(dmabuf->resv, NULL);

	if (ret)
		return ret;
	ret = use_locked(import, data);
	dma_resv_unlock(dmabuf->resv);
	return ret;
}

static struct example_import *follow(struct dma_buf *dmabuf)
{
	struct example_import *import = kzalloc(sizeof(*import), GFP_KERNEL);
	struct dma_buf_attachment *attach;

	if (!import)
		return ERR_PTR(-ENOMEM);
	attach = dma_buf_dynamic_attach(dmabuf, &engine->dev, &example_attach_ops, import);
	if (IS_ERR(attach)) {
		kfree(import);
		return ERR_CAST(attach);
	}
	get_dma_buf(dmabuf);
	import->attach = attach;
	return import;
}

static void unfollow(struct example_import *import)
{
	struct dma_buf_attachment *attach = import->attach;
	struct dma_buf *dmabuf = attach->dmabuf;

	dma_resv_lock(dmabuf->resv, NULL);
	drop_table(attach);
	dma_resv_unlock(dmabuf->resv);
	dma_buf_detach(dmabuf, attach);
	dma_buf_put(dmabuf);
	kfree(import);
}

/* One that was followed before is let go of last, when nothing can fail any more. */
static int follow_another(struct example_file *file, struct dma_buf *dmabuf,
			  struct dma_buf_example_import *data,
			  struct dma_buf_example_import __user *user)
{
	struct example_import *import = follow(dmabuf);
	int ret;

	if (IS_ERR(import))
		return PTR_ERR(import);
	ret = use_import(import, data) ?: answer(user, data);
	if (!ret)
		swap(import, file->import);
	if (import)
		unfollow(import);
	return ret;
}

/* The next time, the buffer is attached, and if it has not moved it is mapped, too. */
static int import_dynamic(struct example_file *file, struct dma_buf *dmabuf,
			  struct dma_buf_example_import *data,
			  struct dma_buf_example_import __user *user)
{
	int ret = mutex_lock_interruptible(&file->lock);

	if (ret)
		return ret;
	if (file->import && file->import->attach->dmabuf == dmabuf)
		ret = use_import(file->import, data) ?: answer(user, data);
	else
		ret = follow_another(file, dmabuf, data, user);
	mutex_unlock(&file->lock);
	return ret;
}

static long example_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct dma_buf_example_import __user *user = (void __user *)arg;
	struct dma_buf_example_import data;
	struct dma_buf *dmabuf;
	int ret;

	if (cmd != DMA_BUF_EXAMPLE_IMPORT)
		return -ENOTTY;
	if (copy_from_user(&data, user, sizeof(data)))
		return -EFAULT;
	if (data.flags & ~DMA_BUF_EXAMPLE_DYNAMIC || data.pad)
		return -EINVAL;

	dmabuf = dma_buf_get(data.fd);
	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);
	if (data.flags & DMA_BUF_EXAMPLE_DYNAMIC)
		ret = import_dynamic(file->private_data, dmabuf, &data, user);
	else
		ret = import_static(dmabuf, &data) ?: answer(user, &data);
	dma_buf_put(dmabuf);
	return ret;
}

static int example_open(struct inode *inode, struct file *file)
{
	struct example_file *example = kzalloc(sizeof(*example), GFP_KERNEL);

	if (!example)
		return -ENOMEM;
	mutex_init(&example->lock);
	file->private_data = example;
	return 0;
}

static int example_release(struct inode *inode, struct file *file)
{
	struct example_file *example = file->private_data;

	if (example->import)
		unfollow(example->import);
	mutex_destroy(&example->lock);
	kfree(example);
	return 0;
}

static const struct file_operations example_fops = {
	.owner = THIS_MODULE,
	.open = example_open,
	.release = example_release,
	.unlocked_ioctl = example_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice example_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "dma_buf_example_importer",
	.fops = &example_fops,
};

static int __init example_init(void)
{
	int ret;

	engine = platform_device_register_simple("dma_buf_example_importer",
						 PLATFORM_DEVID_NONE, NULL, 0);
	if (IS_ERR(engine))
		return PTR_ERR(engine);
	/* A piece of a table may be as long as the memory is contiguous. */
	dma_set_max_seg_size(&engine->dev, UINT_MAX);
	ret = dma_set_mask_and_coherent(&engine->dev, DMA_BIT_MASK(64));
	if (!ret)
		ret = misc_register(&example_device);
	if (ret)
		platform_device_unregister(engine);
	return ret;
}
module_init(example_init);

/* No open file is left, so none of its buffers is attached any more. */
static void __exit example_exit(void)
{
	misc_deregister(&example_device);
	platform_device_unregister(engine);
}
module_exit(example_exit);

MODULE_DESCRIPTION("Example of a dma-buf importer");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(DMA_BUF);
