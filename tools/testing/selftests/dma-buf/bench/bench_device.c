// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/dma_buf_bench: user space selects a row and runs it so many times. The
 * clock stands in user space, so that a final put, which the kernel does as a
 * call returns, is within the figure.
 */
#include <linux/capability.h>
#include <linux/err.h>
#include <linux/fcntl.h>
#include <linux/fdtable.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "bench.h"

static void drop_live(struct bench *bench)
{
	while (bench->live_count) {
		unsigned int last = --bench->live_count;

		if (bench->live_attach[last])
			dma_buf_detach(bench->live[last],
				       bench->live_attach[last]);
		dma_buf_put(bench->live[last]);
	}
	kvfree(bench->live);
	kvfree(bench->live_attach);
	bench->live = NULL;
	bench->live_attach = NULL;
}

static int add_live(struct bench *bench, bool attached)
{
	struct dma_buf_attachment *attach = NULL;
	struct dma_buf *dmabuf = bench_export(BENCH_PLAIN);

	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);
	if (attached) {
		attach = dma_buf_attach(dmabuf, bench_misc.this_device);
		if (IS_ERR(attach)) {
			dma_buf_put(dmabuf);
			return PTR_ERR(attach);
		}
	}
	bench->live[bench->live_count] = dmabuf;
	bench->live_attach[bench->live_count] = attach;
	bench->live_count++;
	return 0;
}

/**
 * bench_set_live() - replace the buffers that stay alive beside the measured
 * @bench: whose buffers
 * @count: how many there shall be
 * @attached: whether each gets an attachment
 *
 * Return: 0, or a negative error, after which there are none.
 */
int bench_set_live(struct bench *bench, unsigned int count, bool attached)
{
	int ret = 0;

	drop_live(bench);
	bench->live = kvcalloc(count, sizeof(*bench->live), GFP_KERNEL);
	bench->live_attach = kvcalloc(count, sizeof(*bench->live_attach),
				      GFP_KERNEL);
	if (!bench->live || !bench->live_attach)
		ret = -ENOMEM;
	while (!ret && bench->live_count < count)
		ret = add_live(bench, attached);
	if (ret)
		drop_live(bench);
	return ret;
}

static void bench_deselect(struct bench *bench)
{
	drop_live(bench);
	bench_drop_fences(bench);
	if (!iosys_map_is_null(&bench->map))
		dma_buf_vunmap_unlocked(bench->dmabuf, &bench->map);
	iosys_map_clear(&bench->map);
	if (bench->attach)
		dma_buf_detach(bench->dmabuf, bench->attach);
	bench->attach = NULL;
	if (bench->fd >= 0)
		close_fd(bench->fd);
	bench->fd = -1;
	if (bench->dmabuf)
		dma_buf_put(bench->dmabuf);
	bench->dmabuf = NULL;
	bench->row = NULL;
}

/* The rows of all groups, one group after the other; NULL past the last. */
static const struct bench_row *find_row(unsigned long index)
{
	static const struct bench_row_group *const groups[] = {
		&bench_buffer_rows,
		&bench_fence_rows,
		&bench_resv_rows,
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(groups); i++) {
		if (index < groups[i]->count)
			return &groups[i]->rows[index];
		index -= groups[i]->count;
	}
	return NULL;
}

static int bench_select(struct bench *bench, unsigned long index)
{
	const struct bench_row *row = find_row(index);
	int ret = 0;

	bench_deselect(bench);
	if (!row)
		return -ENOENT;
	bench->row = row;
	if (row->setup)
		ret = row->setup(bench);
	if (ret)
		bench_deselect(bench);
	return ret;
}

static int bench_prepare(struct bench *bench, unsigned long count)
{
	if (!bench->row)
		return -EINVAL;
	return bench->row->prepare ? bench->row->prepare(bench, count) : 0;
}

static int bench_run(struct bench *bench, unsigned long count)
{
	int ret = 0;

	if (!bench->row)
		return -EINVAL;
	if (bench->row->per_call && count > bench->row->per_call)
		return -EINVAL;
	while (!ret && count--)
		ret = bench->row->op(bench);
	return ret;
}

static int bench_row_info(void __user *arg)
{
	struct bench_row_info info;
	const struct bench_row *row;

	if (copy_from_user(&info, arg, sizeof(info)))
		return -EFAULT;
	row = find_row(info.index);
	if (!row)
		return -ENOENT;
	info.limit = row->limit;
	info.most = row->most;
	info.per_call = row->per_call;
	info.batch = row->batch;
	info.scale = row->scale ?: 1;
	strscpy_pad(info.name, row->name);
	return copy_to_user(arg, &info, sizeof(info)) ? -EFAULT : 0;
}

static int bench_export_fd(void)
{
	struct dma_buf *dmabuf = bench_export(BENCH_CPU);
	int fd;

	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);
	fd = dma_buf_fd(dmabuf, O_CLOEXEC);
	if (fd < 0)
		dma_buf_put(dmabuf);
	return fd;
}

static int bench_live(struct bench *bench, void __user *arg)
{
	struct bench_live live;

	if (copy_from_user(&live, arg, sizeof(live)))
		return -EFAULT;
	return bench_set_live(bench, live.count, live.attached);
}

/* Objects freed by kfree_rcu() wait in batches that rcu_barrier() misses. */
static int bench_drain(void)
{
	kvfree_rcu_barrier();
	rcu_barrier();
	return 0;
}

static long bench_ioctl_locked(struct bench *bench, unsigned int cmd,
			       unsigned long arg)
{
	switch (cmd) {
	case BENCH_ROW_INFO:
		return bench_row_info((void __user *)arg);
	case BENCH_SELECT:
		return bench_select(bench, arg);
	case BENCH_RUN:
		return bench_run(bench, arg);
	case BENCH_EXPORT:
		return bench_export_fd();
	case BENCH_LIVE:
		return bench_live(bench, (void __user *)arg);
	case BENCH_DRAIN:
		return bench_drain();
	case BENCH_PREPARE:
		return bench_prepare(bench, arg);
	default:
		return -ENOTTY;
	}
}

static long bench_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct bench *bench = file->private_data;
	long ret;

	mutex_lock(&bench->lock);
	ret = bench_ioctl_locked(bench, cmd, arg);
	mutex_unlock(&bench->lock);
	return ret;
}

static int bench_open(struct inode *inode, struct file *file)
{
	struct bench *bench;

	/* Rows take kernel memory by the gigabyte. */
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	bench = kzalloc(sizeof(*bench), GFP_KERNEL);
	if (!bench)
		return -ENOMEM;
	mutex_init(&bench->lock);
	bench_init_fences(bench);
	bench->fd = -1;
	file->private_data = bench;
	return 0;
}

static int bench_close(struct inode *inode, struct file *file)
{
	struct bench *bench = file->private_data;

	/* The table that had the fd may be gone, and the fd with it. */
	bench->fd = -1;
	bench_deselect(bench);
	bench_fini_fences(bench);
	mutex_destroy(&bench->lock);
	kfree(bench);
	return 0;
}

static const struct file_operations bench_fops = {
	.owner = THIS_MODULE,
	.open = bench_open,
	.release = bench_close,
	.unlocked_ioctl = bench_ioctl,
	.llseek = noop_llseek,
};

struct miscdevice bench_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "dma_buf_bench",
	.fops = &bench_fops,
	.mode = 0600,
};

static int __init bench_init(void)
{
	int ret = bench_exporter_init();

	if (ret)
		return ret;
	ret = misc_register(&bench_misc);
	if (ret)
		bench_exporter_exit();
	return ret;
}
module_init(bench_init);

static void __exit bench_exit(void)
{
	misc_deregister(&bench_misc);
	bench_exporter_exit();
}
module_exit(bench_exit);

MODULE_IMPORT_NS(DMA_BUF);
MODULE_DESCRIPTION("Benchmark of dma-buf: the in-kernel rows");
MODULE_LICENSE("GPL");
