// SPDX-License-Identifier: GPL-2.0-only
/*
 * An importer of dma-bufs, complete and small: for QEMU's PCI device "edu", whose
 * engine moves up to a page between memory and a buffer of its own in a tenth of a
 * second, and interrupts when it is done.
 *
 * User space imports a buffer (get, attach, map) and has parts of it transferred.
 * A transfer is a job, which is a fence as well: one that waits for those who are
 * in the buffer's reservation object when it is submitted, and that those wait for
 * who come later.  A single worker runs the jobs, one after the other.
 *
 * The importer is static: it has no move_notify, so that an exporter who can move
 * its buffers leaves them where they are while they are mapped, from import to
 * release.  One mapping serves all jobs of a buffer.  If the device needs bounce
 * buffers, a job therefore sees what the ones before it wrote.
 *
 * Locks, outermost first:
 *
 *	edu.lock, which no job waits for
 *	the reservation lock of a buffer
 *	edu.queue_lock; the locks of fences
 *
 * From its submission on, others wait for a job, maybe while they hold the
 * reservation lock, maybe for memory.  So what the worker does is done without
 * either, and to unmap, for which that lock is needed, is left to another worker.
 */
#include <linux/cleanup.h>
#include <linux/completion.h>
#include <linux/dma-buf.h>
#include <linux/dma-fence.h>
#include <linux/dma-resv.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/interrupt.h>
#include <linux/io-64-nonatomic-lo-hi.h>
#include <linux/iommu.h>
#include <linux/iopoll.h>
#include <linux/kref.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/overflow.h>
#include <linux/pci.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/sync_file.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "edu_dma_buf.h"

#define EDU_NAME		"edu_dma_buf"
#define PCI_VENDOR_ID_EDU	0x1234
#define PCI_DEVICE_ID_EDU	0x11e8

/* Registers. */
#define EDU_IRQ_STATUS		0x24
#define EDU_IRQ_ACKNOWLEDGE	0x64
#define EDU_DMA_SOURCE		0x80
#define EDU_DMA_DESTINATION	0x88
#define EDU_DMA_COUNT		0x90
#define EDU_DMA_COMMAND		0x98

/* Bits of EDU_DMA_COMMAND. */
#define EDU_DMA_START		BIT(0)
#define EDU_DMA_TO_MEMORY	BIT(1)
#define EDU_DMA_INTERRUPT	BIT(2)

/* What it interrupts for, of EDU_IRQ_STATUS. */
#define EDU_IRQ_DMA		BIT(8)

/* Where the engine finds the device's own buffer. */
#define EDU_BUFFER		0x40000

/* It takes a tenth of a second, but the machine is an emulated one. */
#define EDU_PATIENCE		(10 * HZ)
#define EDU_PATIENCE_US		(1 * USEC_PER_SEC)

static unsigned int dma_bits = 28;
module_param(dma_bits, uint, 0444);
MODULE_PARM_DESC(dma_bits, "Bits of the device's DMA addresses (see its property dma_mask)");

static unsigned int max_segment;
module_param(max_segment, uint, 0444);
MODULE_PARM_DESC(max_segment, "Most bytes of a segment (0: as many as can be mapped)");

/**
 * struct edu - a device
 * @kref: by the driver while it is bound, by open files and by imports
 * @pci: what it is for others; while bound
 * @regs: its registers; while bound
 * @misc: its node; while bound
 * @lock: held while imports and jobs come, and imports go
 * @error: why no more can be done, or 0: -ENODEV once it is removed, set under
 *	@lock; -EIO when the engine hangs, set at any time
 * @imports: edu_import.node of all that are mapped; @lock
 * @context: timeline of its jobs
 * @seqno: of the last job; @lock
 * @queue_lock: protects @queue
 * @queue: edu_job.node of the jobs that haven't begun
 * @engine_queue: has @engine_work alone, which reclaim may have to wait for
 * @engine_work: runs jobs
 * @moved: the engine is done with a chunk, or the device is removed
 * @release_queue: edu_import.release_work of all imports
 */
struct edu {
	struct kref kref;
	struct pci_dev *pci;
	void __iomem *regs;
	struct miscdevice misc;
	struct mutex lock; /* see above */
	int error;
	struct list_head imports;
	u64 context;
	u64 seqno;
	spinlock_t queue_lock; /* protects the queue */
	struct list_head queue;
	struct workqueue_struct *engine_queue;
	struct work_struct engine_work;
	struct completion moved;
	struct workqueue_struct *release_queue;
};

/**
 * struct edu_import - a buffer that is mapped for the device
 * @refs: by its handle and by jobs that aren't over
 * @edu: the device, with a reference
 * @dmabuf: the buffer, with a reference
 * @attach: attachment, NULL once the buffer is unmapped; edu.lock
 * @sgt: mapping, while there is an attachment; edu.lock
 * @node: in edu.imports, as long; edu.lock
 * @last_job: the last job's fence, with a reference, or NULL; edu.lock
 * @release_work: gives a job's reference back where that may sleep
 */
struct edu_import {
	refcount_t refs;
	struct edu *edu;
	struct dma_buf *dmabuf;
	struct dma_buf_attachment *attach;
	struct sg_table *sgt;
	struct list_head node;
	struct dma_fence *last_job;
	struct work_struct release_work;
};

/**
 * struct edu_file - an open file
 * @edu: the device, with a reference
 * @imports: handle -> struct edu_import; none goes but under edu.lock
 */
struct edu_file {
	struct edu *edu;
	struct xarray imports;
};

/**
 * struct edu_chunk - what is transferred at once
 * @address: DMA address
 * @size: in bytes
 */
struct edu_chunk {
	dma_addr_t address;
	size_t size;
};

/**
 * struct edu_job - a transfer
 * @fence: signals when it is over; its references are the job's
 * @fence_lock: the fence's lock: fences outlive devices
 * @edu: the device; until the job is over
 * @import: the buffer; once it is submitted with a reference, until it is over
 * @node: in edu.queue, until it begins
 * @dependency: what it waits for, with a reference, or NULL; until it is over
 * @dependency_cb: has the worker look whether the job can begin
 * @flags: EDU_DMA_BUF_WRITE and so on
 * @num_chunks: how many chunks there are
 * @chunks: what there is to transfer; looked up in advance
 */
struct edu_job {
	struct dma_fence fence;
	spinlock_t fence_lock; /* protects the fence */
	struct edu *edu;
	struct edu_import *import;
	struct list_head node;
	struct dma_fence *dependency;
	struct dma_fence_cb dependency_cb;
	u32 flags;
	unsigned int num_chunks;
	struct edu_chunk chunks[] __counted_by(num_chunks);
};

static void edu_free(struct kref *kref)
{
	struct edu *edu = container_of(kref, struct edu, kref);

	mutex_destroy(&edu->lock);
	kfree(edu);
}

static void edu_put(void *edu)
{
	kref_put(&((struct edu *)edu)->kref, edu_free);
}

/*
 * Imports
 */

static int edu_import_map(struct edu_import *import)
{
	struct edu *edu = import->edu;

	import->attach = dma_buf_attach(import->dmabuf, &edu->pci->dev);
	if (IS_ERR(import->attach))
		return PTR_ERR(import->attach);
	import->sgt = dma_buf_map_attachment_unlocked(import->attach,
						      DMA_BIDIRECTIONAL);
	if (IS_ERR(import->sgt)) {
		dma_buf_detach(import->dmabuf, import->attach);
		return PTR_ERR(import->sgt);
	}
	list_add(&import->node, &edu->imports);
	return 0;
}

static void edu_import_unmap(struct edu_import *import)
{
	lockdep_assert_held(&import->edu->lock);
	if (!import->attach)
		return;
	list_del(&import->node);
	dma_buf_unmap_attachment_unlocked(import->attach, import->sgt,
					  DMA_BIDIRECTIONAL);
	dma_buf_detach(import->dmabuf, import->attach);
	import->attach = NULL;
}

static void edu_import_put(struct edu_import *import)
{
	if (!refcount_dec_and_test(&import->refs))
		return;
	scoped_guard(mutex, &import->edu->lock)
		edu_import_unmap(import);
	dma_fence_put(import->last_job);
	dma_buf_put(import->dmabuf);
	edu_put(import->edu);
	kfree(import);
}

static void edu_import_release_work(struct work_struct *work)
{
	edu_import_put(container_of(work, struct edu_import, release_work));
}

/* The last to let go has to unmap, which a job must not. */
static void edu_import_put_by_job(struct edu_import *import)
{
	if (!refcount_dec_not_one(&import->refs))
		queue_work(import->edu->release_queue, &import->release_work);
}

static struct edu_import *edu_import_create(struct edu *edu, int fd)
{
	struct edu_import *import;
	int err;

	import = kzalloc(sizeof(*import), GFP_KERNEL);
	if (!import)
		return ERR_PTR(-ENOMEM);
	refcount_set(&import->refs, 1);
	INIT_WORK(&import->release_work, edu_import_release_work);
	import->edu = edu;
	import->dmabuf = dma_buf_get(fd);
	if (IS_ERR(import->dmabuf)) {
		err = PTR_ERR(import->dmabuf);
		goto err_free;
	}

	scoped_guard(mutex, &edu->lock)
		err = READ_ONCE(edu->error) ?: edu_import_map(import);
	if (err)
		goto err_put;
	kref_get(&edu->kref);
	return import;

err_put:
	dma_buf_put(import->dmabuf);
err_free:
	kfree(import);
	return ERR_PTR(err);
}

/* The DMA address of a byte of the buffer; returns how many follow in its segment. */
static size_t edu_import_address(struct edu_import *import, u64 offset,
				 dma_addr_t *address)
{
	struct scatterlist *sg;
	unsigned int i;

	for_each_sgtable_dma_sg(import->sgt, sg, i) {
		if (offset < sg_dma_len(sg)) {
			*address = sg_dma_address(sg) + offset;
			return sg_dma_len(sg) - offset;
		}
		offset -= sg_dma_len(sg);
	}
	return 0;
}

/* Whether an ioctl may use the addresses of @size bytes at @offset. */
static int edu_import_check(struct edu_import *import, u64 offset, u64 size)
{
	int err = READ_ONCE(import->edu->error);

	lockdep_assert_held(&import->edu->lock);
	if (err)
		return err;
	if (!import->attach)
		return -ENXIO;
	if (offset > import->dmabuf->size || size > import->dmabuf->size - offset)
		return -ERANGE;
	return 0;
}

static bool edu_import_is_busy(struct edu_import *import)
{
	lockdep_assert_held(&import->edu->lock);
	return import->last_job && !dma_fence_is_signaled(import->last_job);
}

/*
 * The fences of jobs
 */

static const char *edu_fence_driver_name(struct dma_fence *fence)
{
	return EDU_NAME;
}

static const char *edu_fence_timeline_name(struct dma_fence *fence)
{
	return "engine";
}

/*
 * The module stays until nobody has any of its fences.  What is still to run of this
 * then, edu_exit() waits for.
 */
static void edu_fence_release(struct dma_fence *fence)
{
	dma_fence_free(fence);
	module_put(THIS_MODULE);
}

static const struct dma_fence_ops edu_fence_ops = {
	.use_64bit_seqno = true,
	.get_driver_name = edu_fence_driver_name,
	.get_timeline_name = edu_fence_timeline_name,
	.release = edu_fence_release,
};

/*
 * Running jobs.  All of this is what a fence waits for.
 */

static void edu_start_engine(struct edu *edu, const struct edu_chunk *chunk,
			     u64 device_address, bool write)
{
	u64 source = write ? device_address : chunk->address;
	u64 destination = write ? chunk->address : device_address;
	u32 command = EDU_DMA_START | EDU_DMA_INTERRUPT;

	if (write)
		command |= EDU_DMA_TO_MEMORY;
	lo_hi_writeq(source, edu->regs + EDU_DMA_SOURCE);
	lo_hi_writeq(destination, edu->regs + EDU_DMA_DESTINATION);
	lo_hi_writeq(chunk->size, edu->regs + EDU_DMA_COUNT);
	writel(command, edu->regs + EDU_DMA_COMMAND);
}

static irqreturn_t edu_interrupt(int irq, void *data)
{
	struct edu *edu = data;
	u32 status = readl(edu->regs + EDU_IRQ_STATUS);

	if (!status)
		return IRQ_NONE;
	writel(status, edu->regs + EDU_IRQ_ACKNOWLEDGE);
	if (status & EDU_IRQ_DMA)
		complete(&edu->moved);
	return IRQ_HANDLED;
}

/*
 * However the wait ended, the engine must be done with the memory before somebody
 * unmaps it.  There is no way to stop it, save to take the bus away from it.
 */
static void edu_await_engine(struct edu *edu)
{
	u32 command;

	wait_for_completion_timeout(&edu->moved, EDU_PATIENCE);
	if (readl_poll_timeout(edu->regs + EDU_DMA_COMMAND, command,
			       !(command & EDU_DMA_START), USEC_PER_MSEC,
			       EDU_PATIENCE_US)) {
		pci_clear_master(edu->pci);
		cmpxchg(&edu->error, 0, -EIO);
	}
}

static int edu_run_job(struct edu *edu, struct edu_job *job)
{
	u64 device_address = EDU_BUFFER;
	unsigned int i;
	int err;

	for (i = 0; i < job->num_chunks; i++) {
		/* Who removes the device says so before he completes this. */
		reinit_completion(&edu->moved);
		err = READ_ONCE(edu->error);
		if (err)
			return err;
		edu_start_engine(edu, &job->chunks[i], device_address,
				 job->flags & EDU_DMA_BUF_WRITE);
		edu_await_engine(edu);
		device_address += job->chunks[i].size;
	}
	return READ_ONCE(edu->error);
}

static bool edu_job_can_begin(struct edu *edu, struct edu_job *job)
{
	/* Then it ends as soon as it begins. */
	if (READ_ONCE(edu->error))
		return true;
	return !job->dependency || dma_fence_is_signaled(job->dependency);
}

/* The first of the queue, no longer queued, or NULL if that has to wait. */
static struct edu_job *edu_next_job(struct edu *edu)
{
	struct edu_job *job;

	scoped_guard(spinlock, &edu->queue_lock)
		job = list_first_entry_or_null(&edu->queue, struct edu_job, node);
	if (!job || !edu_job_can_begin(edu, job))
		return NULL;
	scoped_guard(spinlock, &edu->queue_lock)
		list_del(&job->node);
	return job;
}

static void edu_end_job(struct edu_job *job, int err)
{
	if (job->dependency)
		dma_fence_remove_callback(job->dependency, &job->dependency_cb);
	dma_fence_put(job->dependency);
	/* First, so that who waited for the fence can be the last to let go. */
	edu_import_put_by_job(job->import);
	if (err)
		dma_fence_set_error(&job->fence, err);
	dma_fence_signal(&job->fence);
	dma_fence_put(&job->fence);
}

static void edu_engine_work(struct work_struct *work)
{
	struct edu *edu = container_of(work, struct edu, engine_work);
	bool cookie = dma_fence_begin_signalling();
	struct edu_job *job;

	while ((job = edu_next_job(edu)))
		edu_end_job(job, edu_run_job(edu, job));
	dma_fence_end_signalling(cookie);
}

/*
 * Submitting jobs
 */

/* How many segments @size bytes at @offset are in, or -EIO if they aren't all. */
static int edu_count_chunks(struct edu_import *import, u64 offset, size_t size)
{
	dma_addr_t address;
	size_t length;
	int count = 0;

	while (size) {
		length = min(edu_import_address(import, offset, &address), size);
		if (!length)
			return -EIO;
		offset += length;
		size -= length;
		count++;
	}
	return count;
}

static void edu_job_fill_chunks(struct edu_job *job, u64 offset, size_t size)
{
	struct edu_chunk *chunk;

	for (chunk = job->chunks; size; chunk++) {
		chunk->size = min(edu_import_address(job->import, offset,
						     &chunk->address), size);
		offset += chunk->size;
		size -= chunk->size;
	}
}

static struct edu_job *edu_job_create(struct edu_import *import,
				      const struct edu_dma_buf_transfer *request)
{
	struct edu *edu = import->edu;
	struct edu_job *job;
	int num_chunks;

	num_chunks = edu_count_chunks(import, request->offset, request->size);
	if (num_chunks < 0)
		return ERR_PTR(num_chunks);
	job = kzalloc(struct_size(job, chunks, num_chunks), GFP_KERNEL);
	if (!job)
		return ERR_PTR(-ENOMEM);
	job->edu = edu;
	job->import = import;
	job->flags = request->flags;
	job->num_chunks = num_chunks;
	edu_job_fill_chunks(job, request->offset, request->size);

	__module_get(THIS_MODULE);
	spin_lock_init(&job->fence_lock);
	dma_fence_init(&job->fence, &edu_fence_ops, &job->fence_lock, edu->context,
		       ++edu->seqno);
	return job;
}

static void edu_dependency_done(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct edu *edu = container_of(cb, struct edu_job, dependency_cb)->edu;

	queue_work(edu->engine_queue, &edu->engine_work);
}

/* From here on nothing may fail any more. */
static void edu_job_enqueue(struct edu_job *job)
{
	struct edu_import *import = job->import;
	struct edu *edu = job->edu;

	refcount_inc(&import->refs);
	dma_fence_put(import->last_job);
	import->last_job = dma_fence_get(&job->fence);
	/* If it is too late to be called, the worker sees that for itself. */
	if (job->dependency)
		dma_fence_add_callback(job->dependency, &job->dependency_cb,
				       edu_dependency_done);
	dma_fence_get(&job->fence);
	scoped_guard(spinlock, &edu->queue_lock)
		list_add_tail(&job->node, &edu->queue);
	queue_work(edu->engine_queue, &edu->engine_work);
}

static int edu_job_submit(struct edu_job *job)
{
	struct dma_resv *resv = job->import->dmabuf->resv;
	bool write = job->flags & EDU_DMA_BUF_WRITE;
	int err;

	/* Jobs are queued in the order of their seqnos. */
	lockdep_assert_held(&job->edu->lock);
	err = dma_resv_lock_interruptible(resv, NULL);
	if (err)
		return err;
	err = dma_resv_reserve_fences(resv, 1);
	if (!err)
		err = dma_resv_get_singleton(resv, dma_resv_usage_rw(write),
					     &job->dependency);
	if (!err) {
		edu_job_enqueue(job);
		dma_resv_add_fence(resv, &job->fence,
				   write ? DMA_RESV_USAGE_WRITE : DMA_RESV_USAGE_READ);
	}
	dma_resv_unlock(resv);
	return err;
}

/*
 * A transfer to where the buffer isn't any more can do harm, unless there is an
 * IOMMU that forgets a mapping when it ends and not only some time later.
 */
static int edu_make_stale(struct edu_import *import)
{
	struct iommu_domain *domain;

	domain = iommu_get_domain_for_dev(&import->edu->pci->dev);
	if (!domain || domain->type != IOMMU_DOMAIN_DMA)
		return -EOPNOTSUPP;
	if (edu_import_is_busy(import))
		return -EBUSY;
	edu_import_unmap(import);
	return 0;
}

/* Submits a job, and tells its fence to user space if that is wanted. */
static int edu_job_launch(struct edu_job *job, struct edu_dma_buf_transfer *request,
			  void __user *arg)
{
	struct sync_file *sync_file;
	int err;

	if (!(job->flags & EDU_DMA_BUF_FENCE))
		return edu_job_submit(job);

	CLASS(get_unused_fd, fd)(O_CLOEXEC);

	if (fd < 0)
		return fd;
	sync_file = sync_file_create(&job->fence);
	if (!sync_file)
		return -ENOMEM;
	request->fence = fd;
	err = copy_to_user(arg, request, sizeof(*request)) ? -EFAULT :
	      edu_job_submit(job);
	if (err) {
		fput(sync_file->file);
		return err;
	}
	/* A fd cannot be taken back, so this comes last. */
	fd_install(take_fd(fd), sync_file->file);
	return 0;
}

/*
 * The file
 */

static long edu_ioctl_import(struct edu_file *file, void __user *arg)
{
	struct edu_dma_buf_import request;
	struct edu_import *import;
	int err;

	if (copy_from_user(&request, arg, sizeof(request)))
		return -EFAULT;
	/* A handle of nothing, until user space is sure to know it. */
	err = xa_alloc(&file->imports, &request.handle, NULL, xa_limit_31b, GFP_KERNEL);
	if (err)
		return err;
	import = edu_import_create(file->edu, request.fd);
	if (IS_ERR(import)) {
		err = PTR_ERR(import);
		goto err_erase;
	}
	if (copy_to_user(arg, &request, sizeof(request))) {
		err = -EFAULT;
		goto err_put;
	}
	xa_store(&file->imports, request.handle, import, GFP_KERNEL);
	return 0;

err_put:
	edu_import_put(import);
err_erase:
	xa_release(&file->imports, request.handle);
	return err;
}

/* Takes a handle away from a buffer, unless there is a job to wait for first. */
static struct edu_import *edu_take_handle(struct edu_file *file, u32 handle,
					  struct dma_fence **last_job)
{
	struct edu_import *import;

	guard(mutex)(&file->edu->lock);
	*last_job = NULL;
	import = xa_load(&file->imports, handle);
	if (!import)
		return ERR_PTR(-ENOENT);
	if (edu_import_is_busy(import))
		*last_job = dma_fence_get(import->last_job);
	else
		xa_erase(&file->imports, handle);
	return import;
}

static long edu_ioctl_release(struct edu_file *file, void __user *arg)
{
	struct edu_dma_buf_release request;
	struct edu_import *import;
	struct dma_fence *last_job;
	int err;

	if (copy_from_user(&request, arg, sizeof(request)))
		return -EFAULT;
	if (request.pad)
		return -EINVAL;
	for (;;) {
		import = edu_take_handle(file, request.handle, &last_job);
		if (IS_ERR(import))
			return PTR_ERR(import);
		if (!last_job)
			break;
		err = dma_fence_wait(last_job, true);
		dma_fence_put(last_job);
		if (err)
			return err;
	}
	edu_import_put(import);
	return 0;
}

static int edu_transfer_check(const struct edu_dma_buf_transfer *request)
{
	const u32 known = EDU_DMA_BUF_WRITE | EDU_DMA_BUF_FENCE | EDU_DMA_BUF_STALE;

	if (request->flags & ~known)
		return -EINVAL;
	if (!request->size || request->size > EDU_DMA_BUF_MAX_SIZE)
		return -EINVAL;
	return 0;
}

static long edu_ioctl_transfer(struct edu_file *file, void __user *arg)
{
	struct edu_dma_buf_transfer request;
	struct edu_import *import;
	struct edu_job *job;
	int err;

	if (copy_from_user(&request, arg, sizeof(request)))
		return -EFAULT;
	err = edu_transfer_check(&request);
	if (err)
		return err;

	guard(mutex)(&file->edu->lock);
	import = xa_load(&file->imports, request.handle);
	if (!import)
		return -ENOENT;
	err = edu_import_check(import, request.offset, request.size);
	if (err)
		return err;
	job = edu_job_create(import, &request);
	if (IS_ERR(job))
		return PTR_ERR(job);
	if (request.flags & EDU_DMA_BUF_STALE)
		err = edu_make_stale(import);
	if (!err)
		err = edu_job_launch(job, &request, arg);
	dma_fence_put(&job->fence);
	return err;
}

/* It tells addresses of the machine: another reason why the node is root's alone. */
static long edu_ioctl_address(struct edu_file *file, void __user *arg)
{
	struct edu_dma_buf_address request;
	struct edu_import *import;
	dma_addr_t address = 0;
	int err;

	if (copy_from_user(&request, arg, sizeof(request)))
		return -EFAULT;
	if (request.pad)
		return -EINVAL;
	scoped_guard(mutex, &file->edu->lock) {
		import = xa_load(&file->imports, request.handle);
		if (!import)
			return -ENOENT;
		err = edu_import_check(import, request.offset, 1);
		if (err)
			return err;
		request.length = edu_import_address(import, request.offset, &address);
	}
	request.address = address;
	return copy_to_user(arg, &request, sizeof(request)) ? -EFAULT : 0;
}

static long edu_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	void __user *user = (void __user *)arg;

	switch (cmd) {
	case EDU_DMA_BUF_IMPORT:
		return edu_ioctl_import(file->private_data, user);
	case EDU_DMA_BUF_RELEASE:
		return edu_ioctl_release(file->private_data, user);
	case EDU_DMA_BUF_TRANSFER:
		return edu_ioctl_transfer(file->private_data, user);
	case EDU_DMA_BUF_ADDRESS:
		return edu_ioctl_address(file->private_data, user);
	default:
		return -ENOTTY;
	}
}

static int edu_open(struct inode *inode, struct file *file)
{
	struct edu *edu = container_of(file->private_data, struct edu, misc);
	struct edu_file *edu_file = kzalloc(sizeof(*edu_file), GFP_KERNEL);

	if (!edu_file)
		return -ENOMEM;
	/* Nobody removes the device meanwhile: its node would have to go first. */
	kref_get(&edu->kref);
	edu_file->edu = edu;
	xa_init_flags(&edu_file->imports, XA_FLAGS_ALLOC1);
	file->private_data = edu_file;
	return 0;
}

/* Doesn't wait for jobs: they keep what they need. */
static int edu_release(struct inode *inode, struct file *file)
{
	struct edu_file *edu_file = file->private_data;
	struct edu_import *import;
	unsigned long handle;

	xa_for_each(&edu_file->imports, handle, import)
		edu_import_put(import);
	xa_destroy(&edu_file->imports);
	edu_put(edu_file->edu);
	kfree(edu_file);
	return 0;
}

static const struct file_operations edu_fops = {
	.owner = THIS_MODULE,
	.open = edu_open,
	.release = edu_release,
	.unlocked_ioctl = edu_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

/*
 * The device
 */

/* The node's name is a fixed one, so there can be one device. */
static unsigned long edu_is_bound;

static struct edu *edu_create(struct pci_dev *pci)
{
	struct edu *edu = kzalloc(sizeof(*edu), GFP_KERNEL);
	int err;

	if (!edu)
		return ERR_PTR(-ENOMEM);
	kref_init(&edu->kref);
	edu->pci = pci;
	edu->misc.minor = MISC_DYNAMIC_MINOR;
	edu->misc.name = EDU_NAME;
	edu->misc.mode = 0600;
	edu->misc.fops = &edu_fops;
	edu->misc.parent = &pci->dev;
	mutex_init(&edu->lock);
	INIT_LIST_HEAD(&edu->imports);
	edu->context = dma_fence_context_alloc(1);
	spin_lock_init(&edu->queue_lock);
	INIT_LIST_HEAD(&edu->queue);
	INIT_WORK(&edu->engine_work, edu_engine_work);
	init_completion(&edu->moved);

	/* First, so that it is undone last: an interrupt must not find it gone. */
	err = devm_add_action_or_reset(&pci->dev, edu_put, edu);
	return err ? ERR_PTR(err) : edu;
}

static int edu_set_dma_limits(struct device *dev)
{
	int err;

	if (!dma_bits || dma_bits > 64)
		return dev_err_probe(dev, -EINVAL, "dma_bits=%u\n", dma_bits);
	err = dma_set_mask_and_coherent(dev, DMA_BIT_MASK(dma_bits));
	if (err)
		return dev_err_probe(dev, err, "no addresses of %u bits\n", dma_bits);
	/* The driver splits transfers anyway; bounce buffers are what is limited. */
	dma_set_max_seg_size(dev, max_segment ?:
			     min_t(size_t, dma_max_mapping_size(dev), UINT_MAX));
	return 0;
}

static int edu_set_up_interrupt(struct edu *edu)
{
	struct pci_dev *pci = edu->pci;
	int err;

	err = pci_alloc_irq_vectors(pci, 1, 1, PCI_IRQ_MSI | PCI_IRQ_INTX);
	if (err < 0)
		return dev_err_probe(&pci->dev, err, "no interrupt\n");
	/* What a former driver left. */
	writel(readl(edu->regs + EDU_IRQ_STATUS), edu->regs + EDU_IRQ_ACKNOWLEDGE);
	return devm_request_irq(&pci->dev, pci_irq_vector(pci, 0), edu_interrupt,
				IRQF_SHARED, EDU_NAME, edu);
}

static int edu_set_up(struct edu *edu)
{
	struct pci_dev *pci = edu->pci;
	int err;

	err = pcim_enable_device(pci);
	if (err)
		return err;
	edu->regs = pcim_iomap_region(pci, 0, EDU_NAME);
	if (IS_ERR(edu->regs))
		return PTR_ERR(edu->regs);
	err = edu_set_dma_limits(&pci->dev);
	if (err)
		return err;
	return edu_set_up_interrupt(edu);
}

static int edu_create_queues(struct edu *edu)
{
	/* Memory can be what waits for a fence. */
	edu->engine_queue = alloc_ordered_workqueue("edu_engine", WQ_MEM_RECLAIM);
	if (!edu->engine_queue)
		return -ENOMEM;
	edu->release_queue = alloc_workqueue("edu_release", WQ_UNBOUND, 0);
	if (!edu->release_queue) {
		destroy_workqueue(edu->engine_queue);
		return -ENOMEM;
	}
	return 0;
}

static void edu_destroy_queues(struct edu *edu)
{
	destroy_workqueue(edu->engine_queue);
	destroy_workqueue(edu->release_queue);
}

static int edu_start(struct edu *edu)
{
	int err;

	err = edu_set_up(edu);
	if (err)
		return err;
	err = edu_create_queues(edu);
	if (err)
		return err;
	pci_set_master(edu->pci);
	err = misc_register(&edu->misc);
	if (err) {
		pci_clear_master(edu->pci);
		edu_destroy_queues(edu);
		return err;
	}
	pci_set_drvdata(edu->pci, edu);
	return 0;
}

static int edu_probe(struct pci_dev *pci, const struct pci_device_id *id)
{
	struct edu *edu;
	int err;

	if (test_and_set_bit(0, &edu_is_bound))
		return dev_err_probe(&pci->dev, -EBUSY, "one is enough\n");
	edu = edu_create(pci);
	err = IS_ERR(edu) ? PTR_ERR(edu) : edu_start(edu);
	if (err)
		clear_bit(0, &edu_is_bound);
	return err;
}

/* Ends all jobs.  The worker finds none that has to wait any longer. */
static void edu_cancel_jobs(struct edu *edu)
{
	scoped_guard(mutex, &edu->lock)
		WRITE_ONCE(edu->error, -ENODEV);
	complete(&edu->moved);
	queue_work(edu->engine_queue, &edu->engine_work);
	flush_work(&edu->engine_work);
}

/* Files may stay open, but they have nothing of the device any more. */
static void edu_unmap_imports(struct edu *edu)
{
	struct edu_import *import, *next;

	guard(mutex)(&edu->lock);
	list_for_each_entry_safe(import, next, &edu->imports, node)
		edu_import_unmap(import);
}

static void edu_remove(struct pci_dev *pci)
{
	struct edu *edu = pci_get_drvdata(pci);

	misc_deregister(&edu->misc);
	edu_cancel_jobs(edu);
	pci_clear_master(pci);
	edu_unmap_imports(edu);
	edu_destroy_queues(edu);
	clear_bit(0, &edu_is_bound);
}

static const struct pci_device_id edu_ids[] = {
	{ PCI_DEVICE(PCI_VENDOR_ID_EDU, PCI_DEVICE_ID_EDU) },
	{}
};
MODULE_DEVICE_TABLE(pci, edu_ids);

static struct pci_driver edu_driver = {
	.name = EDU_NAME,
	.id_table = edu_ids,
	.probe = edu_probe,
	.remove = edu_remove,
};

static int __init edu_init(void)
{
	return pci_register_driver(&edu_driver);
}
module_init(edu_init);

static void __exit edu_exit(void)
{
	pci_unregister_driver(&edu_driver);
	/* Who released a fence may be a task that was preempted there ... */
	synchronize_rcu_tasks();
	/* ... or an interrupt; and others may look at the last fence's ops under RCU. */
	synchronize_rcu();
}
module_exit(edu_exit);

MODULE_DESCRIPTION("Sample importer of dma-bufs, for QEMU's edu device");
MODULE_IMPORT_NS(DMA_BUF);
MODULE_LICENSE("GPL");
