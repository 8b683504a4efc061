// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/dma_buf_test: its ioctls, and the ids of what an open file has made.
 *
 * An ioctl that returns something has everything that can fail behind it before
 * anybody else can see what it made: writing the answer comes before it is published.
 * Until then it is the ioctl's alone, and to take it back can't fail.
 */
#include <linux/capability.h>
#include <linux/cleanup.h>
#include <linux/dma-fence.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/panic.h>
#include <linux/slab.h>
#include <linux/sync_file.h>
#include <linux/uaccess.h>

#include "device.h"

/**
 * struct test_call - an ioctl that is being done
 * @file: of which file
 * @user: the user's argument
 * @size: of that
 * @arg: a copy of it
 */
struct test_call {
	struct test_file *file;
	void __user *user;
	size_t size;
	union {
		struct dma_buf_test_buffer buffer;
		struct dma_buf_test_fail fail;
		struct dma_buf_test_move move;
		struct dma_buf_test_buffer_state buffer_state;
		struct dma_buf_test_device device;
		struct dma_buf_test_attach attach;
		struct dma_buf_test_map map;
		struct dma_buf_test_attachment_state attachment_state;
		struct dma_buf_test_job job;
		struct dma_buf_test_trigger trigger;
		struct dma_buf_test_job_state job_state;
		__u32 id;
	} arg;
};

static int answer(struct test_call *call)
{
	return copy_to_user(call->user, &call->arg, call->size) ? -EFAULT : 0;
}

/*
 * What has an id
 */

static struct test_buffer *buffer_get(struct test_file *file, u32 id)
{
	struct test_buffer *buffer;

	guard(mutex)(&file->lock);
	buffer = xa_load(&file->buffers, id);
	if (buffer)
		get_dma_buf(buffer->dmabuf);
	return buffer;
}

static void buffer_put(struct test_buffer *buffer)
{
	dma_buf_put(buffer->dmabuf);
}

static struct test_attachment *attachment_get(struct test_file *file, u32 id)
{
	struct test_attachment *attachment;

	guard(mutex)(&file->lock);
	attachment = xa_load(&file->attachments, id);
	if (attachment)
		kref_get(&attachment->ref);
	return attachment;
}

static struct test_job *job_get(struct test_file *file, u32 id)
{
	struct test_job *job;

	guard(mutex)(&file->lock);
	job = xa_load(&file->jobs, id);
	if (job)
		dma_fence_get(test_job_fence(job));
	return job;
}

/* An id for what isn't there yet: it leads to nothing. */
static int id_reserve(struct xarray *xa, u32 *id)
{
	return xa_alloc(xa, id, XA_ZERO_ENTRY, xa_limit_31b, GFP_KERNEL);
}

static void id_publish(struct xarray *xa, u32 id, void *entry)
{
	/* There is room for it already. */
	xa_store(xa, id, entry, GFP_KERNEL);
}

/* Gives something an id once the user is sure to know it. */
static int answer_with_id(struct test_call *call, struct xarray *xa, u32 *id,
			  void *entry)
{
	int err = id_reserve(xa, id);

	if (err)
		return err;
	err = answer(call);
	if (err)
		xa_release(xa, *id);
	else
		id_publish(xa, *id, entry);
	return err;
}

/*
 * Buffers
 */

static int do_export(struct test_call *call)
{
	struct dma_buf_test_buffer *arg = &call->arg.buffer;
	struct test_buffer *buffer = test_buffer_export(arg);
	int err;

	if (IS_ERR(buffer))
		return PTR_ERR(buffer);
	arg->fd = get_unused_fd_flags(O_CLOEXEC);
	if (arg->fd < 0) {
		err = arg->fd;
		goto put;
	}
	/* The id's, which may go before this is over. */
	get_dma_buf(buffer->dmabuf);
	err = answer_with_id(call, &call->file->buffers, &arg->id, buffer);
	if (err)
		goto put_both;
	fd_install(arg->fd, buffer->dmabuf->file);
	return 0;

put_both:
	buffer_put(buffer);
	put_unused_fd(arg->fd);
put:
	buffer_put(buffer);
	return err;
}

static int do_drop(struct test_call *call)
{
	struct xarray *buffers = &call->file->buffers;
	struct test_buffer *buffer;

	scoped_guard(mutex, &call->file->lock) {
		buffer = xa_load(buffers, call->arg.id);
		/* Not before: the id may be reserved. */
		if (buffer)
			xa_erase(buffers, call->arg.id);
	}
	if (!buffer)
		return -ENOENT;
	buffer_put(buffer);
	return 0;
}

static int do_fail(struct test_call *call)
{
	struct test_buffer *buffer = buffer_get(call->file,
						call->arg.fail.buffer);
	int err;

	if (!buffer)
		return -ENOENT;
	err = test_buffer_fail(buffer, &call->arg.fail);
	buffer_put(buffer);
	return err;
}

static int do_move(struct test_call *call)
{
	struct test_buffer *buffer = buffer_get(call->file,
						call->arg.move.buffer);
	int err;

	if (!buffer)
		return -ENOENT;
	err = test_buffer_move(buffer, call->arg.move.placement);
	buffer_put(buffer);
	return err;
}

static int do_buffer_state(struct test_call *call)
{
	struct dma_buf_test_buffer_state *arg = &call->arg.buffer_state;
	struct test_buffer *buffer = buffer_get(call->file, arg->buffer);
	int err;

	if (!buffer)
		return -ENOENT;
	err = test_buffer_state(buffer, arg);
	buffer_put(buffer);
	return err ?: answer(call);
}

/*
 * Devices
 */

static int do_device(struct test_call *call)
{
	struct dma_buf_test_device *arg = &call->arg.device;
	struct test_device *device = test_device_create(arg);
	int err;

	if (IS_ERR(device))
		return PTR_ERR(device);
	err = answer_with_id(call, &call->file->devices, &arg->id, device);
	if (err)
		test_device_put(device);
	return err;
}

static int do_remove_device(struct test_call *call)
{
	struct xarray *devices = &call->file->devices;
	struct test_device *device;

	scoped_guard(mutex, &call->file->lock) {
		device = xa_load(devices, call->arg.id);
		if (!device)
			return -ENOENT;
		if (device->num_attachments)
			return -EBUSY;
		xa_erase(devices, call->arg.id);
	}
	test_device_put(device);
	return 0;
}

/* A device that can't be removed until device_unuse(). */
static struct test_device *device_use(struct test_file *file, u32 id)
{
	struct test_device *device;

	guard(mutex)(&file->lock);
	device = xa_load(&file->devices, id);
	if (device) {
		kref_get(&device->ref);
		device->num_attachments++;
	}
	return device;
}

static void device_unuse(struct test_file *file, struct test_device *device)
{
	scoped_guard(mutex, &file->lock)
		device->num_attachments--;
	test_device_put(device);
}

/*
 * Attachments
 */

static int do_attach(struct test_call *call)
{
	struct dma_buf_test_attach *arg = &call->arg.attach;
	struct test_file *file = call->file;
	struct test_device *device = device_use(file, arg->device);
	struct test_attachment *attachment;
	int err;

	if (!device)
		return -ENOENT;
	attachment = test_attach(device, arg->fd);
	if (IS_ERR(attachment)) {
		err = PTR_ERR(attachment);
		goto unuse;
	}
	err = answer_with_id(call, &file->attachments, &arg->id, attachment);
	if (!err)
		return 0;
	test_attachment_put(attachment);
unuse:
	device_unuse(file, device);
	return err;
}

static int do_detach(struct test_call *call)
{
	struct test_file *file = call->file;
	struct test_attachment *attachment = attachment_get(file, call->arg.id);
	int err;

	if (!attachment)
		return -ENOENT;
	err = test_detach(attachment);
	if (!err) {
		scoped_guard(mutex, &file->lock)
			xa_erase(&file->attachments, call->arg.id);
		device_unuse(file, attachment->device);
		test_attachment_put(attachment);
	}
	test_attachment_put(attachment);
	return err;
}

static int with_attachment(struct test_call *call,
			   int (*act)(struct test_attachment *attachment))
{
	struct test_attachment *attachment = attachment_get(call->file,
							    call->arg.id);
	int err;

	if (!attachment)
		return -ENOENT;
	err = act(attachment);
	test_attachment_put(attachment);
	return err;
}

static int do_pin(struct test_call *call)
{
	return with_attachment(call, test_pin);
}

static int do_unpin(struct test_call *call)
{
	return with_attachment(call, test_unpin);
}

static int do_unmap(struct test_call *call)
{
	return with_attachment(call, test_unmap);
}

static int do_vmap(struct test_call *call)
{
	return with_attachment(call, test_vmap);
}

static int do_vunmap(struct test_call *call)
{
	return with_attachment(call, test_vunmap);
}

static int do_map(struct test_call *call)
{
	struct dma_buf_test_map *arg = &call->arg.map;
	struct test_attachment *attachment = attachment_get(call->file,
							    arg->attachment);
	int err;

	if (!attachment)
		return -ENOENT;
	err = test_map(attachment, arg);
	if (err)
		goto put;
	err = answer(call);
	if (err)
		test_map_undo(attachment);
	else
		test_map_publish(attachment);
put:
	test_attachment_put(attachment);
	return err;
}

static int do_attachment_state(struct test_call *call)
{
	struct dma_buf_test_attachment_state *arg = &call->arg.attachment_state;
	struct test_attachment *attachment = attachment_get(call->file,
							    arg->attachment);
	int err;

	if (!attachment)
		return -ENOENT;
	err = test_attachment_state(attachment, arg);
	test_attachment_put(attachment);
	return err ?: answer(call);
}

/*
 * Jobs
 */

/* The reference is the caller's; a zero id is no attachment and no error. */
static struct test_attachment *part_get(struct test_file *file, u32 id)
{
	struct test_attachment *attachment;

	if (!id)
		return NULL;
	attachment = attachment_get(file, id);
	return attachment ?: ERR_PTR(-ENOENT);
}

static void part_put(struct test_attachment *attachment)
{
	if (!IS_ERR_OR_NULL(attachment))
		test_attachment_put(attachment);
}

/* The job has an id, which nobody knows yet. */
static int submit(struct test_call *call, struct test_job *job)
{
	struct dma_buf_test_job *arg = &call->arg.job;
	struct test_attachment *source = part_get(call->file, arg->source);
	struct test_attachment *target = part_get(call->file, arg->target);
	int err = PTR_ERR_OR_ZERO(source) ?: PTR_ERR_OR_ZERO(target);

	if (!err)
		err = answer(call);
	if (!err)
		err = test_job_submit(job, source, target);
	part_put(source);
	part_put(target);
	return err;
}

static int submit_with_fd(struct test_call *call, struct test_job *job)
{
	struct dma_buf_test_job *arg = &call->arg.job;
	struct sync_file *sync_file;
	int err;

	arg->fd = get_unused_fd_flags(O_CLOEXEC);
	if (arg->fd < 0)
		return arg->fd;
	sync_file = sync_file_create(test_job_fence(job));
	if (!sync_file) {
		put_unused_fd(arg->fd);
		return -ENOMEM;
	}
	err = submit(call, job);
	if (err) {
		fput(sync_file->file);
		put_unused_fd(arg->fd);
		return err;
	}
	fd_install(arg->fd, sync_file->file);
	return 0;
}

static int do_job(struct test_call *call)
{
	struct dma_buf_test_job *arg = &call->arg.job;
	struct xarray *jobs = &call->file->jobs;
	struct test_job *job = test_job_create(arg);
	int err;

	if (IS_ERR(job))
		return PTR_ERR(job);
	err = id_reserve(jobs, &arg->id);
	if (err)
		goto put;
	err = submit_with_fd(call, job);
	if (err) {
		xa_release(jobs, arg->id);
		goto put;
	}
	id_publish(jobs, arg->id, job);
	return 0;

put:
	test_job_put(job);
	return err;
}

static int do_trigger(struct test_call *call)
{
	struct dma_buf_test_trigger *arg = &call->arg.trigger;
	struct test_job *job = job_get(call->file, arg->job);
	int err;

	if (!job)
		return -ENOENT;
	err = test_job_trigger(job, arg->error);
	test_job_put(job);
	return err;
}

static int do_job_state(struct test_call *call)
{
	struct dma_buf_test_job_state *arg = &call->arg.job_state;
	struct test_job *job = job_get(call->file, arg->job);

	if (!job)
		return -ENOENT;
	test_job_state(job, arg);
	test_job_put(job);
	return answer(call);
}

/*
 * The device node
 */

static const struct {
	unsigned int cmd;
	int (*act)(struct test_call *call);
} calls[] = {
	{ DMA_BUF_TEST_IOC_EXPORT, do_export },
	{ DMA_BUF_TEST_IOC_FAIL, do_fail },
	{ DMA_BUF_TEST_IOC_MOVE, do_move },
	{ DMA_BUF_TEST_IOC_BUFFER_STATE, do_buffer_state },
	{ DMA_BUF_TEST_IOC_DEVICE, do_device },
	{ DMA_BUF_TEST_IOC_REMOVE_DEVICE, do_remove_device },
	{ DMA_BUF_TEST_IOC_ATTACH, do_attach },
	{ DMA_BUF_TEST_IOC_DETACH, do_detach },
	{ DMA_BUF_TEST_IOC_PIN, do_pin },
	{ DMA_BUF_TEST_IOC_UNPIN, do_unpin },
	{ DMA_BUF_TEST_IOC_MAP, do_map },
	{ DMA_BUF_TEST_IOC_UNMAP, do_unmap },
	{ DMA_BUF_TEST_IOC_ATTACHMENT_STATE, do_attachment_state },
	{ DMA_BUF_TEST_IOC_JOB, do_job },
	{ DMA_BUF_TEST_IOC_TRIGGER, do_trigger },
	{ DMA_BUF_TEST_IOC_JOB_STATE, do_job_state },
	{ DMA_BUF_TEST_IOC_VMAP, do_vmap },
	{ DMA_BUF_TEST_IOC_VUNMAP, do_vunmap },
	{ DMA_BUF_TEST_IOC_DROP, do_drop },
};

static long test_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct test_call call = {
		.file = file->private_data,
		.user = (void __user *)arg,
		.size = _IOC_SIZE(cmd),
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		if (calls[i].cmd != cmd)
			continue;
		if (copy_from_user(&call.arg, call.user, call.size))
			return -EFAULT;
		return calls[i].act(&call);
	}
	return -ENOTTY;
}

static int test_open(struct inode *inode, struct file *file)
{
	struct test_file *test_file;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	test_file = kzalloc(sizeof(*test_file), GFP_KERNEL);
	if (!test_file)
		return -ENOMEM;
	mutex_init(&test_file->lock);
	xa_init_flags(&test_file->buffers, XA_FLAGS_ALLOC1);
	xa_init_flags(&test_file->devices, XA_FLAGS_ALLOC1);
	xa_init_flags(&test_file->attachments, XA_FLAGS_ALLOC1);
	xa_init_flags(&test_file->jobs, XA_FLAGS_ALLOC1);
	file->private_data = test_file;
	return nonseekable_open(inode, file);
}

/* What uses something goes before that. */
static int test_release(struct inode *inode, struct file *file)
{
	struct test_file *test_file = file->private_data;
	struct test_attachment *attachment;
	struct test_device *device;
	struct test_buffer *buffer;
	struct test_job *job;
	unsigned long id;

	xa_for_each(&test_file->jobs, id, job) {
		test_job_cancel(job);
		test_job_put(job);
	}
	xa_for_each(&test_file->attachments, id, attachment) {
		test_device_put(attachment->device);
		test_detach_whatever(attachment);
	}
	xa_for_each(&test_file->devices, id, device)
		test_device_put(device);
	xa_for_each(&test_file->buffers, id, buffer)
		buffer_put(buffer);
	xa_destroy(&test_file->jobs);
	xa_destroy(&test_file->attachments);
	xa_destroy(&test_file->devices);
	xa_destroy(&test_file->buffers);
	mutex_destroy(&test_file->lock);
	kfree(test_file);
	return 0;
}

static const struct file_operations test_fops = {
	.owner = THIS_MODULE,
	.open = test_open,
	.release = test_release,
	.unlocked_ioctl = test_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice test_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "dma_buf_test",
	.fops = &test_fops,
	.mode = 0600,
};

static int __init test_init(void)
{
	int err;

	test_buffer_init_ops();
	err = test_jobs_init();
	if (err)
		return err;
	err = misc_register(&test_misc);
	if (err) {
		test_jobs_exit();
		return err;
	}
	/* Whoever has this in a machine that matters is to be told. */
	add_taint(TAINT_TEST, LOCKDEP_STILL_OK);
	return 0;
}
module_init(test_init);

static void __exit test_exit(void)
{
	misc_deregister(&test_misc);
	test_jobs_exit();
}
module_exit(test_exit);

MODULE_DESCRIPTION("Exporters and importers of buffers without hardware");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(DMA_BUF);
