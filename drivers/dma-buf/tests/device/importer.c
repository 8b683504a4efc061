// SPDX-License-Identifier: GPL-2.0-only
/*
 * Importers: devices without hardware, and what they have attached and mapped.
 *
 * The subsystem trusts importers to do things in order.  User space is not to be
 * trusted, so here every step knows what has to be before it.
 */
#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/cleanup.h>
#include <linux/dma-mapping.h>
#include <linux/dma-resv.h>
#include <linux/err.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "device.h"

#define FEWEST_DMA_BITS	20

#define ALL_FLAGS	(DMA_BUF_TEST_FOLLOWS_MOVES | DMA_BUF_TEST_PEER | \
			 DMA_BUF_TEST_NONCOHERENT)

/* All notices to all attachments, so that they have an order. */
static atomic64_t num_notices;

/*
 * Devices
 */

static bool is_possible(const struct dma_buf_test_device *arg)
{
	if (arg->flags & ~ALL_FLAGS || arg->dma_bits < FEWEST_DMA_BITS ||
	    arg->dma_bits > 64)
		return false;
	if (arg->max_segment && arg->max_segment < PAGE_SIZE)
		return false;
	return arg->flags & DMA_BUF_TEST_FOLLOWS_MOVES ||
	       !(arg->flags & DMA_BUF_TEST_PEER);
}

static int set_coherency(struct device *dev, bool coherent)
{
#if defined(CONFIG_ARCH_HAS_SYNC_DMA_FOR_DEVICE) || \
	defined(CONFIG_ARCH_HAS_SYNC_DMA_FOR_CPU) || \
	defined(CONFIG_ARCH_HAS_SYNC_DMA_FOR_CPU_ALL)
	dev->dma_coherent = coherent;
	return 0;
#else
	return coherent ? 0 : -EOPNOTSUPP;
#endif
}

/* The DMA API warns of those, once they have something mapped. */
static bool reaches_all_memory(struct device *dev, unsigned int dma_bits)
{
	if (DMA_BIT_MASK(dma_bits) >= dma_get_required_mask(dev))
		return true;
	/* If there are bounce buffers they limit this, and they are below 4 GiB. */
	return dma_max_mapping_size(dev) < SIZE_MAX && dma_bits >= 32;
}

static int set_up(struct device *dev, const struct dma_buf_test_device *arg)
{
	int err;

	err = set_coherency(dev, !(arg->flags & DMA_BUF_TEST_NONCOHERENT)) ?:
	      dma_coerce_mask_and_coherent(dev, DMA_BIT_MASK(arg->dma_bits));
	if (err)
		return err;
	if (!reaches_all_memory(dev, arg->dma_bits))
		return -EIO;
	if (arg->max_segment)
		dma_set_max_seg_size(dev, arg->max_segment);
	return 0;
}

/**
 * test_device_create - make a device that imports
 * @arg: what kind of
 *
 * Context: Process context, may sleep.
 *
 * Return: the device, with a reference; -EINVAL for one that can't be,
 * -EOPNOTSUPP for one that can't be here, -ENOMEM, or -EIO when so few bits don't reach
 * all memory and there are no bounce buffers either.
 */
struct test_device *test_device_create(const struct dma_buf_test_device *arg)
{
	struct test_device *device;
	int err;

	if (!is_possible(arg))
		return ERR_PTR(-EINVAL);
	device = kzalloc(sizeof(*device), GFP_KERNEL);
	if (!device)
		return ERR_PTR(-ENOMEM);
	kref_init(&device->ref);
	device->flags = arg->flags;
	device->pdev = platform_device_register_simple("dma_buf_test",
						       PLATFORM_DEVID_AUTO,
						       NULL, 0);
	if (IS_ERR(device->pdev)) {
		err = PTR_ERR(device->pdev);
		goto free;
	}
	err = set_up(&device->pdev->dev, arg);
	if (err)
		goto unregister;
	return device;

unregister:
	platform_device_unregister(device->pdev);
free:
	kfree(device);
	return ERR_PTR(err);
}

static void device_free(struct kref *ref)
{
	struct test_device *device = container_of(ref, struct test_device, ref);

	platform_device_unregister(device->pdev);
	kfree(device);
}

/**
 * test_device_put - drop a reference; with the last one the device goes
 * @device: the device
 *
 * Context: Process context, may sleep.
 */
void test_device_put(struct test_device *device)
{
	kref_put(&device->ref, device_free);
}

/*
 * Attachments
 */

static void note_move(struct dma_buf_attachment *attach)
{
	struct test_attachment *attachment = attach->importer_priv;

	attachment->notices++;
	attachment->locked += dma_resv_is_locked(attach->dmabuf->resv);
	attachment->last_notice = atomic64_inc_return(&num_notices);
	attachment->stale = attachment->sgt;
}

static const struct dma_buf_attach_ops follower_ops = {
	.move_notify = note_move,
};

static const struct dma_buf_attach_ops peer_ops = {
	.allow_peer2peer = true,
	.move_notify = note_move,
};

static const struct dma_buf_attach_ops *ops_of(struct test_device *device)
{
	if (device->flags & DMA_BUF_TEST_PEER)
		return &peer_ops;
	return device->flags & DMA_BUF_TEST_FOLLOWS_MOVES ? &follower_ops : NULL;
}

static struct dma_resv *resv_of(struct test_attachment *attachment)
{
	return attachment->attach->dmabuf->resv;
}

/* With the lock of an attachment that is still there: 0, -EINTR or -ENOENT. */
static int lock(struct test_attachment *attachment)
{
	struct dma_resv *resv = resv_of(attachment);

	if (dma_resv_lock_interruptible(resv, NULL))
		return -EINTR;
	if (!attachment->gone)
		return 0;
	dma_resv_unlock(resv);
	return -ENOENT;
}

static void unlock(struct test_attachment *attachment)
{
	dma_resv_unlock(resv_of(attachment));
}

/**
 * test_attach - attach a device to a buffer
 * @device: the device
 * @fd: the buffer
 *
 * Context: Process context, may sleep.
 *
 * Return: the attachment, with a reference; -EBADF or -EINVAL for what isn't a
 * dma-buf, -ENOMEM, or what attaching returned.
 */
struct test_attachment *test_attach(struct test_device *device, int fd)
{
	struct test_attachment *attachment;
	struct dma_buf *dmabuf;

	attachment = kzalloc(sizeof(*attachment), GFP_KERNEL);
	if (!attachment)
		return ERR_PTR(-ENOMEM);
	kref_init(&attachment->ref);
	attachment->device = device;
	dmabuf = dma_buf_get(fd);
	if (IS_ERR(dmabuf)) {
		kfree(attachment);
		return ERR_CAST(dmabuf);
	}
	attachment->attach = dma_buf_dynamic_attach(dmabuf, &device->pdev->dev,
						    ops_of(device), attachment);
	if (IS_ERR(attachment->attach)) {
		int err = PTR_ERR(attachment->attach);

		dma_buf_put(dmabuf);
		kfree(attachment);
		return ERR_PTR(err);
	}
	kref_get(&device->ref);
	return attachment;
}

static void attachment_free(struct kref *ref)
{
	struct test_attachment *attachment =
		container_of(ref, struct test_attachment, ref);
	struct dma_buf *dmabuf = attachment->attach->dmabuf;

	dma_buf_detach(dmabuf, attachment->attach);
	dma_buf_put(dmabuf);
	test_device_put(attachment->device);
	kfree(attachment);
}

/**
 * test_attachment_put - drop a reference; with the last one it is detached
 * @attachment: nothing of it is in use when the last one goes
 *
 * Context: Process context, may sleep; takes the reservation lock.
 */
void test_attachment_put(struct test_attachment *attachment)
{
	kref_put(&attachment->ref, attachment_free);
}

/* Others may use the table and take it away; the lock is held. */
static bool is_mapped(struct test_attachment *attachment)
{
	return READ_ONCE(attachment->published);
}

/* Even if it isn't for others yet. */
static bool is_in_use(struct test_attachment *attachment)
{
	return attachment->sgt || attachment->pins || attachment->vmaps;
}

/**
 * test_detach - let nobody begin anything with an attachment any more
 * @attachment: the attachment; the caller's reference is the id's, to be dropped
 *	then
 *
 * Return: 0; -EBUSY when it is mapped, pinned or mapped into the kernel, -ENOENT when
 * it is gone, -EINTR.
 */
int test_detach(struct test_attachment *attachment)
{
	int err = lock(attachment);

	if (err)
		return err;
	if (is_in_use(attachment))
		err = -EBUSY;
	else
		attachment->gone = true;
	unlock(attachment);
	return err;
}

/* What there is to be undone; the lock is held. */
static void undo_map(struct test_attachment *attachment)
{
	dma_buf_unmap_attachment(attachment->attach, attachment->sgt,
				 attachment->direction);
	attachment->sgt = NULL;
	WRITE_ONCE(attachment->published, false);
	attachment->stale = false;
}

static void undo_pin(struct test_attachment *attachment)
{
	attachment->pins--;
	dma_buf_unpin(attachment->attach);
}

static void undo_vmap(struct test_attachment *attachment)
{
	attachment->vmaps--;
	dma_buf_vunmap(attachment->attach->dmabuf, &attachment->map);
}

/**
 * test_detach_whatever - end all use of an attachment
 * @attachment: no job uses it any more; the reference is dropped
 *
 * Context: Process context, may sleep; takes the reservation lock.
 */
void test_detach_whatever(struct test_attachment *attachment)
{
	dma_resv_lock(resv_of(attachment), NULL);
	attachment->gone = true;
	if (attachment->sgt)
		undo_map(attachment);
	while (attachment->pins)
		undo_pin(attachment);
	while (attachment->vmaps)
		undo_vmap(attachment);
	unlock(attachment);
	test_attachment_put(attachment);
}

/**
 * test_pin - have a buffer stay where it is
 * @attachment: an attachment of an importer that follows moves
 *
 * Return: 0; -EINVAL for another importer, -ENOENT, -EINTR, or what pinning returned.
 */
int test_pin(struct test_attachment *attachment)
{
	int err;

	if (!dma_buf_attachment_is_dynamic(attachment->attach))
		return -EINVAL;
	err = lock(attachment);
	if (err)
		return err;
	err = dma_buf_pin(attachment->attach);
	if (!err)
		attachment->pins++;
	unlock(attachment);
	return err;
}

/**
 * test_unpin - take back a test_pin()
 * @attachment: an attachment
 *
 * Return: 0; -EINVAL when there is none, -ENOENT, -EINTR.
 */
int test_unpin(struct test_attachment *attachment)
{
	int err = lock(attachment);

	if (err)
		return err;
	if (attachment->pins)
		undo_pin(attachment);
	else
		err = -EINVAL;
	unlock(attachment);
	return err;
}

static int map_locked(struct test_attachment *attachment,
		      enum dma_data_direction direction)
{
	struct sg_table *sgt;

	if (attachment->sgt)
		return -EBUSY;
	sgt = dma_buf_map_attachment(attachment->attach, direction);
	if (IS_ERR(sgt))
		return PTR_ERR(sgt);
	attachment->sgt = sgt;
	attachment->direction = direction;
	attachment->stale = false;
	return 0;
}

/**
 * test_map - have an attachment mapped
 * @attachment: an attachment
 * @arg: the direction, and where the first entry is
 *
 * For nobody as yet: test_map_publish() or test_map_undo() must follow, and until then
 * it is neither mapped for others nor can they have it mapped.
 *
 * Return: 0; -EINVAL for no direction, -EBUSY when it is mapped, -ENOENT, -EINTR, or
 * what mapping returned.
 */
int test_map(struct test_attachment *attachment, struct dma_buf_test_map *arg)
{
	static const enum dma_data_direction directions[] = {
		[DMA_BUF_TEST_BOTH] = DMA_BIDIRECTIONAL,
		[DMA_BUF_TEST_TO_DEVICE] = DMA_TO_DEVICE,
		[DMA_BUF_TEST_FROM_DEVICE] = DMA_FROM_DEVICE,
	};
	int err;

	if (arg->direction >= ARRAY_SIZE(directions) || arg->reserved)
		return -EINVAL;
	err = lock(attachment);
	if (err)
		return err;
	err = map_locked(attachment, directions[arg->direction]);
	if (!err) {
		arg->entries = attachment->sgt->nents;
		arg->address = sg_dma_address(attachment->sgt->sgl);
	}
	unlock(attachment);
	return err;
}

/**
 * test_map_publish - let others use what test_map() has mapped
 * @attachment: the attachment
 *
 * Context: Any. Who has the lock may wait for something, so this does without.
 */
void test_map_publish(struct test_attachment *attachment)
{
	WRITE_ONCE(attachment->published, true);
}

/**
 * test_map_undo - take back a test_map() that nobody was told of
 * @attachment: the attachment
 *
 * Context: Process context, may sleep; takes the reservation lock. It can't fail: no
 * job uses the table, and no signal is listened to.
 */
void test_map_undo(struct test_attachment *attachment)
{
	dma_resv_lock(resv_of(attachment), NULL);
	undo_map(attachment);
	unlock(attachment);
}

/**
 * test_unmap - take back a test_map() that is published
 * @attachment: an attachment
 *
 * Return: 0; -EINVAL when it isn't mapped, -EBUSY when a job uses that, -ENOENT,
 * -EINTR.
 */
int test_unmap(struct test_attachment *attachment)
{
	int err = lock(attachment);

	if (err)
		return err;
	if (!is_mapped(attachment))
		err = -EINVAL;
	else if (atomic_read(&attachment->jobs))
		err = -EBUSY;
	else
		undo_map(attachment);
	unlock(attachment);
	return err;
}

/**
 * test_vmap - map a buffer into the kernel
 * @attachment: an attachment of it
 *
 * Return: 0, -ENOENT, -EINTR, or what mapping returned.
 */
int test_vmap(struct test_attachment *attachment)
{
	int err = lock(attachment);

	if (err)
		return err;
	err = dma_buf_vmap(attachment->attach->dmabuf, &attachment->map);
	if (!err)
		attachment->vmaps++;
	unlock(attachment);
	return err;
}

/**
 * test_vunmap - take back a test_vmap()
 * @attachment: an attachment
 *
 * Return: 0; -EINVAL when there is none, -ENOENT, -EINTR.
 */
int test_vunmap(struct test_attachment *attachment)
{
	int err = lock(attachment);

	if (err)
		return err;
	if (attachment->vmaps)
		undo_vmap(attachment);
	else
		err = -EINVAL;
	unlock(attachment);
	return err;
}

/**
 * test_attachment_state - tell what an attachment is like
 * @attachment: the attachment
 * @arg: all but the id is filled in
 *
 * Context: Process context; takes the reservation lock.
 *
 * Return: 0, -ENOENT when it is gone, -EINTR.
 */
int test_attachment_state(struct test_attachment *attachment,
			  struct dma_buf_test_attachment_state *arg)
{
	int err = lock(attachment);

	if (err)
		return err;
	arg->pins = attachment->pins;
	arg->mapped = is_mapped(attachment);
	arg->stale = attachment->stale;
	arg->notices = attachment->notices;
	arg->locked = attachment->locked;
	arg->last_notice = attachment->last_notice;
	unlock(attachment);
	return 0;
}
