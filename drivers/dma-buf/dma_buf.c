// SPDX-License-Identifier: GPL-2.0-only
/*
 * A buffer's life: from export over file descriptors, attachments and mappings
 * to the release of its file.
 */
#include <linux/dcache.h>
#include <linux/device.h>
#include <linux/magic.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/pagemap.h>
#include <linux/pseudo_fs.h>
#include <linux/slab.h>
#include <linux/string_helpers.h>
#include <linux/uaccess.h>
#include <kunit/static_stub.h>
#include <kunit/visibility.h>

#define CREATE_TRACE_POINTS
#include <trace/events/dma_buf.h>

#include "dma_buf_private.h"

static const struct file_operations dma_buf_fops;
static struct kmem_cache *object_cache __ro_after_init;
static struct kmem_cache *attachment_cache __ro_after_init;
static struct vfsmount *dma_buf_mnt __ro_after_init;

/**
 * dma_buf_misuse - say loudly that a driver broke the rules
 * @exporter: name of the buffer's exporter, or NULL when it gave none
 * @dev: the importing device, or NULL when there is none to name
 * @what: what happened
 *
 * Return: true.
 */
bool dma_buf_misuse(const char *exporter, struct device *dev, const char *what)
{
	KUNIT_STATIC_STUB_REDIRECT(dma_buf_misuse, exporter, dev, what);

	return WARN(1, "dma-buf: exporter %s, device %s: %s\n",
		    exporter ?: "unknown", dev ? dev_name(dev) : "none", what);
}
EXPORT_SYMBOL_IF_KUNIT(dma_buf_misuse);

/*
 * The pseudo file system
 *
 * An inode of it is part of a struct dma_buf_object, and frees it.
 */

/* Runs once for each piece of slab memory: what every use leaves as it was. */
static void object_construct(void *memory)
{
	struct dma_buf_object *object = memory;

	memset(object, 0, offsetof(struct dma_buf_object, inode));
	inode_init_once(&object->inode);
	dma_buf_watch_init(&object->dmabuf);
}

static struct inode *object_alloc(struct super_block *sb)
{
	struct dma_buf_object *object;

	object = alloc_inode_sb(sb, object_cache, GFP_KERNEL);
	if (!object)
		return NULL;
	RCU_INIT_POINTER(object->dmabuf.name, NULL);
	return &object->inode;
}

/*
 * At once: the cache is SLAB_TYPESAFE_BY_RCU.  Who looks at a buffer under RCU,
 * without a reference, finds this one or another one in its place.
 */
static void object_free(struct inode *inode)
{
	kmem_cache_free(object_cache,
			container_of(inode, struct dma_buf_object, inode));
}

static void object_evict(struct inode *inode)
{
	struct dma_buf_name *name;

	name = rcu_dereference_protected(inode_to_dma_buf(inode)->name, true);
	if (name)
		kfree_rcu(name, rcu);

	/* clear_inode(), without a walk of the page tree: it is empty. */
	WARN_ON_ONCE(!mapping_empty(&inode->i_data));
	inode->i_state = I_FREEING | I_CLEAR;
}

static const struct super_operations dma_buf_sops = {
	.alloc_inode = object_alloc,
	.destroy_inode = object_free,
	.evict_inode = object_evict,
	.statfs = simple_statfs,
};

/* "/dmabuf:NAME", as procfs shows it; it goes to the end of the room. */
static char *dma_buf_dname(struct dentry *dentry, char *room, int size)
{
	char text[sizeof("/dmabuf:") + 4 * DMA_BUF_NAME_LEN] = "/dmabuf:";
	size_t len = strlen(text);
	struct dma_buf_name *name;

	rcu_read_lock();
	name = rcu_dereference(inode_to_dma_buf(d_inode(dentry))->name);
	if (name)
		len += string_escape_mem(name->text, strlen(name->text),
					 text + len, sizeof(text) - len,
					 ESCAPE_OCTAL, DMA_BUF_NAME_ESCAPED);
	rcu_read_unlock();

	if (len >= size)
		return ERR_PTR(-ENAMETOOLONG);
	room[size - 1] = '\0';
	return memcpy(room + size - 1 - len, text, len);
}

static const struct dentry_operations dma_buf_dops = {
	.d_dname = dma_buf_dname,
};

static int dma_buf_init_fs_context(struct fs_context *fc)
{
	struct pseudo_fs_context *ctx = init_pseudo(fc, DMA_BUF_MAGIC);

	if (!ctx)
		return -ENOMEM;
	ctx->ops = &dma_buf_sops;
	ctx->dops = &dma_buf_dops;
	return 0;
}

static struct file_system_type dma_buf_fs_type = {
	.name = "dmabuf",
	.init_fs_context = dma_buf_init_fs_context,
	.kill_sb = kill_anon_super,
};

static int __init dma_buf_init(void)
{
	object_cache = kmem_cache_create("dma_buf", sizeof(struct dma_buf_object),
					 0, SLAB_ACCOUNT | SLAB_TYPESAFE_BY_RCU |
					 SLAB_PANIC, object_construct);
	attachment_cache = KMEM_CACHE(dma_buf_attachment, SLAB_PANIC);
	dma_buf_mnt = kern_mount(&dma_buf_fs_type);
	if (IS_ERR(dma_buf_mnt))
		/* not tested: no memory at boot, and then nothing else runs */
		panic("dma-buf: no file system: %pe\n", dma_buf_mnt);
	dma_buf_registry_init();
	return 0;
}
subsys_initcall(dma_buf_init);

/*
 * Export and release
 */

/* What is wrong with an exporter's description of its buffer, if anything. */
static const char *export_complaint(const struct dma_buf_export_info *info)
{
	const struct dma_buf_ops *ops = info->ops;

	if (!info->priv)
		return "export without priv";
	if (!ops)
		return "export without ops";
	if (!ops->map_dma_buf || !ops->unmap_dma_buf)
		return "export without map and unmap";
	if (!ops->release)
		return "export without release";
	if (!ops->pin != !ops->unpin)
		return "export with only one of pin and unpin";
	if (ops->cache_sgt_mapping && ops->pin)
		return "export that caches mappings of what can move";
	return NULL;
}

static void object_init(struct dma_buf_object *object,
			const struct dma_buf_export_info *info)
{
	struct dma_buf *dmabuf = &object->dmabuf;

	dmabuf->size = info->size;
	INIT_LIST_HEAD(&dmabuf->attachments);
	dmabuf->ops = info->ops;
	dmabuf->vmapping_counter = 0;
	iosys_map_clear(&dmabuf->vmap_ptr);
	dmabuf->exp_name = info->exp_name ?: "unknown";
	dmabuf->owner = info->owner;
	dmabuf->priv = info->priv;
	dmabuf->resv = info->resv;
	if (!dmabuf->resv) {
		dmabuf->resv = &object->resv;
		dma_resv_init(dmabuf->resv);
	}
	object->inode.i_size = info->size;
	inode_set_bytes(&object->inode, info->size);
}

static void object_fini(struct dma_buf_object *object)
{
	if (object->dmabuf.resv == &object->resv)
		dma_resv_fini(&object->resv);
}

/* The file of a buffer; it takes the inode's reference over. */
static struct file *dma_buf_getfile(struct dma_buf_object *object, int flags)
{
	struct file *file;

	file = alloc_file_pseudo(&object->inode, dma_buf_mnt, "dmabuf",
				 flags & (O_ACCMODE | O_NONBLOCK), &dma_buf_fops);
	if (!IS_ERR(file)) {
		file->private_data = &object->dmabuf;
		object->dmabuf.file = file;
	}
	return file;
}

/**
 * dma_buf_export - make a buffer of an exporter's memory
 * @exp_info: the memory, and what can be done with it
 *
 * The buffer has one reference, the caller's, which dma_buf_fd() passes on to
 * user space or dma_buf_put() drops.  The module of the exporter stays loaded
 * as long as the buffer lives.
 *
 * Context: Process context, may sleep.
 *
 * Return: the buffer, or an error pointer: -EINVAL when @exp_info is missing or
 * lacks something mandatory or contradicts itself, -ENOENT when the module is
 * being unloaded, -ENOMEM, or -ENFILE when the system has no file left.
 */
struct dma_buf *dma_buf_export(const struct dma_buf_export_info *exp_info)
{
	struct dma_buf_object *object;
	const char *complaint;
	struct inode *inode;
	struct file *file;
	int err;

	if (WARN_ON(!exp_info))
		return ERR_PTR(-EINVAL);
	complaint = export_complaint(exp_info);
	if (complaint) {
		dma_buf_misuse(exp_info->exp_name, NULL, complaint);
		return ERR_PTR(-EINVAL);
	}
	if (!try_module_get(exp_info->owner))
		return ERR_PTR(-ENOENT);

	inode = alloc_anon_inode(dma_buf_mnt->mnt_sb);
	if (IS_ERR(inode)) {
		err = PTR_ERR(inode);
		goto put_module;
	}
	object = container_of(inode, struct dma_buf_object, inode);
	object_init(object, exp_info);

	file = dma_buf_getfile(object, exp_info->flags);
	if (IS_ERR(file)) {
		err = PTR_ERR(file);
		goto put_inode;
	}
	dma_buf_registry_add(object);
	trace_dma_buf_export(&object->dmabuf);
	return &object->dmabuf;

put_inode:
	object_fini(object);
	iput(inode);
put_module:
	module_put(exp_info->owner);
	return ERR_PTR(err);
}
EXPORT_SYMBOL_NS_GPL(dma_buf_export, DMA_BUF);

/* The file's last reference is gone, and with it the buffer's. */
static int dma_buf_file_release(struct inode *inode, struct file *file)
{
	struct dma_buf *dmabuf = file->private_data;
	struct dma_buf_object *object = to_dma_buf_object(dmabuf);
	struct module *owner = dmabuf->owner;
	struct dma_buf_attachment *attach, *next;

	trace_dma_buf_release(dmabuf);
	dma_buf_registry_remove(object);
	dma_buf_watch_cancel(dmabuf);
	list_for_each_entry_safe(attach, next, &dmabuf->attachments, node) {
		dma_buf_misuse(dmabuf->exp_name, attach->dev,
			       "released while attached");
		/* A late detach must not find the next buffer in this place. */
		list_del_init(&attach->node);
		attach->dmabuf = NULL;
	}

	if (dma_buf_heap(dmabuf))
		dma_heap_release(dma_buf_heap(dmabuf), dmabuf);
	else
		dmabuf->ops->release(dmabuf);
	object_fini(object);
	module_put(owner);
	return 0;
}

/*
 * References and file descriptors
 */

static bool is_dma_buf_file(struct file *file)
{
	return file->f_op == &dma_buf_fops;
}

/**
 * dma_buf_install - give a buffer to user space, by a descriptor at hand
 * @dmabuf: the buffer; the caller's reference goes to the descriptor
 * @fd: from get_unused_fd_flags()
 */
void dma_buf_install(struct dma_buf *dmabuf, int fd)
{
	trace_dma_buf_fd(dmabuf, fd);
	fd_install(fd, dmabuf->file);
}

/**
 * dma_buf_fd - give a buffer to user space
 * @dmabuf: the buffer
 * @flags: %O_CLOEXEC or 0
 *
 * On success the file descriptor has taken over the caller's reference: another
 * thread may close it, so @dmabuf must not be used any more.
 *
 * Context: Process context, of the process that gets the descriptor.
 *
 * Return: the descriptor, -EINVAL without a buffer, -EMFILE when the process
 * has no descriptor left, or -ENOMEM.
 */
int dma_buf_fd(struct dma_buf *dmabuf, int flags)
{
	int fd;

	if (!dmabuf || !dmabuf->file)
		return -EINVAL;
	fd = get_unused_fd_flags(flags);
	if (fd < 0)
		return fd;

	dma_buf_install(dmabuf, fd);
	return fd;
}
EXPORT_SYMBOL_NS_GPL(dma_buf_fd, DMA_BUF);

/**
 * dma_buf_get - the buffer behind a file descriptor
 * @fd: file descriptor of the current process
 *
 * Context: Process context. Pairs with dma_buf_put().
 *
 * Return: a reference on the buffer, or an error pointer: -EBADF when @fd isn't
 * open, -EINVAL when it is something else than a buffer.
 */
struct dma_buf *dma_buf_get(int fd)
{
	struct file *file = fget(fd);
	struct dma_buf *dmabuf;

	if (!file)
		return ERR_PTR(-EBADF);
	if (!is_dma_buf_file(file)) {
		fput(file);
		return ERR_PTR(-EINVAL);
	}
	dmabuf = file->private_data;
	trace_dma_buf_get(dmabuf, fd);
	return dmabuf;
}
EXPORT_SYMBOL_NS_GPL(dma_buf_get, DMA_BUF);

/**
 * dma_buf_put - drop a reference
 * @dmabuf: the buffer
 *
 * With the last one the exporter's release runs; not within this call, but in
 * process context soon after.
 *
 * Context: Any.
 */
void dma_buf_put(struct dma_buf *dmabuf)
{
	if (WARN_ON(!dmabuf || !dmabuf->file))
		return;
	trace_dma_buf_put(dmabuf);
	fput(dmabuf->file);
}
EXPORT_SYMBOL_NS_GPL(dma_buf_put, DMA_BUF);

/*
 * Attachments
 */

/**
 * dma_buf_dynamic_attach - take part in the use of a buffer
 * @dmabuf: the buffer
 * @dev: the device that is going to access it
 * @importer_ops: for an importer that follows moves, otherwise NULL
 * @importer_priv: the importer's own
 *
 * Context: Process context, may sleep; takes the reservation lock.
 *
 * Return: the attachment, to be undone by dma_buf_detach(), or an error
 * pointer: -EINVAL without a buffer or a device or when @importer_ops lacks
 * move_notify, -ENOMEM, or why the exporter refuses the device, which changed
 * nothing then.
 */
struct dma_buf_attachment *
dma_buf_dynamic_attach(struct dma_buf *dmabuf, struct device *dev,
		       const struct dma_buf_attach_ops *importer_ops,
		       void *importer_priv)
{
	struct dma_buf_attachment *attach;
	int err;

	if (WARN_ON(!dmabuf || !dev))
		return ERR_PTR(-EINVAL);
	if (importer_ops && !importer_ops->move_notify) {
		dma_buf_misuse(dmabuf->exp_name, dev,
			       "dynamic attach without move_notify");
		return ERR_PTR(-EINVAL);
	}

	attach = kmem_cache_alloc(attachment_cache, GFP_KERNEL);
	if (!attach)
		return ERR_PTR(-ENOMEM);
	*attach = (struct dma_buf_attachment) {
		.dmabuf = dmabuf,
		.dev = dev,
		.importer_ops = importer_ops,
		.importer_priv = importer_priv,
		.peer2peer = importer_ops && importer_ops->allow_peer2peer,
	};
	dma_buf_debug_attach(attach);

	if (dmabuf->ops->attach) {
		err = dmabuf->ops->attach(dmabuf, attach);
		if (err) {
			kmem_cache_free(attachment_cache, attach);
			return ERR_PTR(err);
		}
	}

	dma_resv_lock(dmabuf->resv, NULL);
	list_add(&attach->node, &dmabuf->attachments);
	dma_resv_unlock(dmabuf->resv);
	trace_dma_buf_dynamic_attach(attach);
	return attach;
}
EXPORT_SYMBOL_NS_GPL(dma_buf_dynamic_attach, DMA_BUF);

/**
 * dma_buf_attach - dma_buf_dynamic_attach() for importers that can't follow
 * @dmabuf: the buffer
 * @dev: the device that is going to access it
 *
 * A buffer that its exporter may move is pinned while it is mapped for a device
 * attached in this way.
 *
 * Context: Process context, may sleep; takes the reservation lock.
 *
 * Return: As dma_buf_dynamic_attach().
 */
struct dma_buf_attachment *dma_buf_attach(struct dma_buf *dmabuf,
					  struct device *dev)
{
	return dma_buf_dynamic_attach(dmabuf, dev, NULL, NULL);
}
EXPORT_SYMBOL_NS_GPL(dma_buf_attach, DMA_BUF);

/**
 * dma_buf_detach - end a device's use of a buffer
 * @dmabuf: the buffer
 * @attach: what dma_buf_attach() or dma_buf_dynamic_attach() returned; freed
 *
 * Whatever was mapped has to be unmapped before.
 *
 * Context: Process context, may sleep; takes the reservation lock.
 */
void dma_buf_detach(struct dma_buf *dmabuf, struct dma_buf_attachment *attach)
{
	if (WARN_ON(!dmabuf || !attach || attach->dmabuf != dmabuf))
		return;
	trace_dma_buf_detach(attach);

	dma_resv_lock(dmabuf->resv, NULL);
	dma_buf_debug_detach(attach);
	if (attach->sgt)
		dmabuf->ops->unmap_dma_buf(attach, attach->sgt, attach->dir);
	list_del(&attach->node);
	dma_resv_unlock(dmabuf->resv);

	if (dmabuf->ops->detach)
		dmabuf->ops->detach(dmabuf, attach);
	kmem_cache_free(attachment_cache, attach);
}
EXPORT_SYMBOL_NS_GPL(dma_buf_detach, DMA_BUF);

/*
 * Pins and mappings
 */

static int exporter_pin(struct dma_buf_attachment *attach)
{
	const struct dma_buf_ops *ops = attach->dmabuf->ops;
	int err = ops->pin ? ops->pin(attach) : 0;

	if (!err)
		trace_dma_buf_pin(attach);
	return err;
}

static void exporter_unpin(struct dma_buf_attachment *attach)
{
	const struct dma_buf_ops *ops = attach->dmabuf->ops;

	trace_dma_buf_unpin(attach);
	if (ops->unpin)
		ops->unpin(attach);
}

/**
 * dma_buf_pin - keep a buffer where it is
 * @attach: a dynamic attachment
 *
 * For importers that follow moves at other times, but not now: scanout, say.
 *
 * Context: Process context, reservation lock held.
 *
 * Return: 0, -EINVAL when the attachment isn't dynamic, or the exporter's error.
 */
int dma_buf_pin(struct dma_buf_attachment *attach)
{
	struct dma_buf *dmabuf = attach->dmabuf;

	dma_resv_assert_held(dmabuf->resv);
	if (unlikely(!dma_buf_attachment_is_dynamic(attach))) {
		dma_buf_misuse(dmabuf->exp_name, attach->dev,
			       "pin by a static importer");
		return -EINVAL;
	}

	return exporter_pin(attach);
}
EXPORT_SYMBOL_NS_GPL(dma_buf_pin, DMA_BUF);

/**
 * dma_buf_unpin - undo one dma_buf_pin()
 * @attach: the attachment it was called with
 *
 * Context: Process context, reservation lock held.
 */
void dma_buf_unpin(struct dma_buf_attachment *attach)
{
	struct dma_buf *dmabuf = attach->dmabuf;

	dma_resv_assert_held(dmabuf->resv);
	if (unlikely(!dma_buf_attachment_is_dynamic(attach))) {
		dma_buf_misuse(dmabuf->exp_name, attach->dev,
			       "unpin by a static importer");
		return;
	}

	exporter_unpin(attach);
}
EXPORT_SYMBOL_NS_GPL(dma_buf_unpin, DMA_BUF);

/**
 * dma_buf_pin_while_mapped - must the buffer stay in place while mapped?
 * @exporter_dynamic: the exporter may move the buffer
 * @importer_dynamic: the importer has a move_notify
 * @move_notify: CONFIG_DMABUF_MOVE_NOTIFY: move_notify can be relied on
 *
 * ::
 *
 *	exporter  importer  MOVE_NOTIFY | pin  because
 *	--------------------------------+---------------------------------
 *	static    any       any         | no   nothing ever moves
 *	dynamic   static    any         | yes  nobody to tell of a move
 *	dynamic   dynamic   n           | yes  telling it isn't relied on
 *	dynamic   dynamic   y           | no   the importer maps anew
 *
 * The pin is taken right before the exporter's map and dropped right after its
 * unmap.
 *
 * Return: whether a mapping needs a pin.
 */
bool dma_buf_pin_while_mapped(bool exporter_dynamic, bool importer_dynamic,
			      bool move_notify)
{
	return exporter_dynamic && !(importer_dynamic && move_notify);
}
EXPORT_SYMBOL_IF_KUNIT(dma_buf_pin_while_mapped);

static bool needs_pin(struct dma_buf_attachment *attach)
{
	return dma_buf_pin_while_mapped(dma_buf_is_dynamic(attach->dmabuf),
					dma_buf_attachment_is_dynamic(attach),
					IS_ENABLED(CONFIG_DMABUF_MOVE_NOTIFY));
}

/* Pins where that is needed, and has the exporter map. */
static struct sg_table *exporter_map(struct dma_buf_attachment *attach,
				     enum dma_data_direction dir)
{
	const struct dma_buf_ops *ops = attach->dmabuf->ops;
	bool pin = needs_pin(attach);
	struct sg_table *sgt;
	int err;

	if (pin) {
		err = exporter_pin(attach);
		if (err)
			return ERR_PTR(err);
	}
	sgt = ops->map_dma_buf(attach, dir) ?: ERR_PTR(-ENOMEM);
	if (IS_ERR(sgt) && pin)
		exporter_unpin(attach);
	return sgt;
}

static noinline void exporter_unmap(struct dma_buf_attachment *attach,
				    struct sg_table *sgt,
				    enum dma_data_direction dir)
{
	const struct dma_buf_ops *ops = attach->dmabuf->ops;

	ops->unmap_dma_buf(attach, sgt, dir);
	if (needs_pin(attach))
		exporter_unpin(attach);
}

/* Gives a mapping to the importer: as it is, unless under DMABUF_DEBUG. */
static struct sg_table *show_mapping(struct dma_buf_attachment *attach,
				     struct sg_table *sgt,
				     enum dma_data_direction dir)
{
	struct sg_table *shown = dma_buf_debug_map(attach, sgt, dir);

	if (!shown)
		return ERR_PTR(-ENOMEM);
	trace_dma_buf_map(attach, sgt, dir);
	return shown;
}

static noinline struct sg_table *
await_kernel_and_show(struct dma_buf_attachment *attach, struct sg_table *sgt,
		      enum dma_data_direction dir)
{
	long ret = dma_resv_wait_timeout(attach->dmabuf->resv,
					 DMA_RESV_USAGE_KERNEL, true,
					 MAX_SCHEDULE_TIMEOUT);

	return ret < 0 ? ERR_PTR(ret) : show_mapping(attach, sgt, dir);
}

/*
 * A static importer doesn't know of fences: its addresses have to lead to the
 * contents already, so moves and clears by the kernel are over first.
 */
static struct sg_table *hand_out(struct dma_buf_attachment *attach,
				 struct sg_table *sgt,
				 enum dma_data_direction dir)
{
	if (!dma_buf_attachment_is_dynamic(attach) &&
	    !dma_buf_never_fenced(attach->dmabuf))
		return await_kernel_and_show(attach, sgt, dir);
	return show_mapping(attach, sgt, dir);
}

/*
 * What the attachment kept of its first mapping.  The way here stays free of
 * calls that return, hence of a stack frame: the rest is noinline.
 */
static struct sg_table *map_again(struct dma_buf_attachment *attach,
				  enum dma_data_direction dir)
{
	if (attach->dir != dir && attach->dir != DMA_BIDIRECTIONAL)
		return ERR_PTR(-EBUSY);
	return hand_out(attach, attach->sgt, dir);
}

static noinline struct sg_table *map_anew(struct dma_buf_attachment *attach,
					  enum dma_data_direction dir)
{
	struct sg_table *sgt, *shown;

	sgt = exporter_map(attach, dir);
	if (IS_ERR(sgt))
		return sgt;
	shown = hand_out(attach, sgt, dir);
	if (IS_ERR(shown)) {
		exporter_unmap(attach, sgt, dir);
		return shown;
	}
	if (attach->dmabuf->ops->cache_sgt_mapping) {
		attach->sgt = sgt;
		attach->dir = dir;
	}
	return shown;
}

/**
 * dma_buf_map_attachment - addresses of a buffer for a device
 * @attach: the device's attachment
 * @dir: which way the data is going to go
 *
 * An importer may use the DMA addresses and lengths of the table, not its
 * pages.  For a static importer the buffer stays in place until
 * dma_buf_unmap_attachment(); a dynamic one has to map anew after a
 * move_notify.
 *
 * Context: Process context, may sleep, reservation lock held.
 *
 * Return: the table, or an error pointer: -EINVAL without an attachment, -EBUSY
 * when the mapping is kept by the attachment and was made for another
 * direction, -ENOMEM, -ERESTARTSYS when a signal ended the wait for the kernel's
 * own work on the buffer, or the exporter's error.  After an error the buffer
 * is neither mapped nor pinned.
 */
struct sg_table *dma_buf_map_attachment(struct dma_buf_attachment *attach,
					enum dma_data_direction dir)
{
	might_sleep();
	if (WARN_ON(!attach || !attach->dmabuf))
		return ERR_PTR(-EINVAL);
	dma_resv_assert_held(attach->dmabuf->resv);

	return attach->sgt ? map_again(attach, dir) : map_anew(attach, dir);
}
EXPORT_SYMBOL_NS_GPL(dma_buf_map_attachment, DMA_BUF);

/**
 * dma_buf_unmap_attachment - give a mapping back
 * @attach: the device's attachment
 * @sgt: what dma_buf_map_attachment() returned
 * @dir: the direction it was mapped in
 *
 * The device must be done with it.
 *
 * Context: Process context, may sleep, reservation lock held.
 */
void dma_buf_unmap_attachment(struct dma_buf_attachment *attach,
			      struct sg_table *sgt, enum dma_data_direction dir)
{
	might_sleep();
	if (WARN_ON(!attach || !attach->dmabuf || !sgt))
		return;
	dma_resv_assert_held(attach->dmabuf->resv);

	sgt = dma_buf_debug_unmap(attach, sgt, dir);
	if (!sgt)
		return;
	trace_dma_buf_unmap(attach, sgt, dir);
	if (sgt != attach->sgt)
		exporter_unmap(attach, sgt, dir);
}
EXPORT_SYMBOL_NS_GPL(dma_buf_unmap_attachment, DMA_BUF);

/**
 * dma_buf_map_attachment_unlocked - dma_buf_map_attachment() without the lock
 * @attach: the device's attachment
 * @dir: which way the data is going to go
 *
 * Context: Process context, may sleep; takes the reservation lock.
 *
 * Return: As dma_buf_map_attachment().
 */
struct sg_table *
dma_buf_map_attachment_unlocked(struct dma_buf_attachment *attach,
				enum dma_data_direction dir)
{
	struct sg_table *sgt;

	might_sleep();
	if (WARN_ON(!attach || !attach->dmabuf))
		return ERR_PTR(-EINVAL);

	dma_resv_lock(attach->dmabuf->resv, NULL);
	sgt = dma_buf_map_attachment(attach, dir);
	dma_resv_unlock(attach->dmabuf->resv);
	return sgt;
}
EXPORT_SYMBOL_NS_GPL(dma_buf_map_attachment_unlocked, DMA_BUF);

/**
 * dma_buf_unmap_attachment_unlocked - dma_buf_unmap_attachment() likewise
 * @attach: the device's attachment
 * @sgt: what dma_buf_map_attachment_unlocked() returned
 * @dir: the direction it was mapped in
 *
 * Context: Process context, may sleep; takes the reservation lock.
 */
void dma_buf_unmap_attachment_unlocked(struct dma_buf_attachment *attach,
				       struct sg_table *sgt,
				       enum dma_data_direction dir)
{
	might_sleep();
	if (WARN_ON(!attach || !attach->dmabuf || !sgt))
		return;

	dma_resv_lock(attach->dmabuf->resv, NULL);
	dma_buf_unmap_attachment(attach, sgt, dir);
	dma_resv_unlock(attach->dmabuf->resv);
}
EXPORT_SYMBOL_NS_GPL(dma_buf_unmap_attachment_unlocked, DMA_BUF);

/**
 * dma_buf_move_notify - tell importers that the buffer is going to move
 * @dmabuf: the buffer
 *
 * Every dynamic importer's move_notify is called.  The exporter may then move
 * the buffer once the fences of the reservation object have signalled.
 *
 * Context: Process context, reservation lock held.
 */
void dma_buf_move_notify(struct dma_buf *dmabuf)
{
	struct dma_buf_attachment *attach;

	dma_resv_assert_held(dmabuf->resv);
	trace_dma_buf_move_notify(dmabuf);
	list_for_each_entry(attach, &dmabuf->attachments, node) {
		if (dma_buf_attachment_is_dynamic(attach))
			attach->importer_ops->move_notify(attach);
	}
}
EXPORT_SYMBOL_NS_GPL(dma_buf_move_notify, DMA_BUF);

/*
 * The file
 */

/* Tells the size to whoever seeks to the end, and does nothing else. */
static loff_t dma_buf_file_llseek(struct file *file, loff_t offset, int whence)
{
	struct dma_buf *dmabuf = file->private_data;

	if (offset)
		return -EINVAL;
	switch (whence) {
	case SEEK_END:
		return dmabuf->size;
	case SEEK_SET:
		return 0;
	default:
		return -EINVAL;
	}
}

/* DMA_BUF_SET_NAME. */
static long dma_buf_ioctl_set_name(struct dma_buf *dmabuf,
				   const char __user *text)
{
	struct dma_buf_name *name;
	long len;

	name = kmalloc(sizeof(*name), GFP_KERNEL_ACCOUNT);
	if (!name)
		return -ENOMEM;
	len = strncpy_from_user(name->text, text, sizeof(name->text));
	if (len < 0 || len == sizeof(name->text)) {
		kfree(name);
		return len < 0 ? len : -EINVAL;
	}

	name = unrcu_pointer(xchg(&dmabuf->name, RCU_INITIALIZER(name)));
	if (name)
		kfree_rcu(name, rcu);
	return 0;
}

static long dma_buf_file_ioctl(struct file *file, unsigned int cmd,
			       unsigned long arg)
{
	struct dma_buf *dmabuf = file->private_data;

	switch (cmd) {
	case DMA_BUF_IOCTL_SYNC:
		return dma_buf_ioctl_sync(dmabuf, (void __user *)arg);
	case DMA_BUF_SET_NAME_A:
	case DMA_BUF_SET_NAME_B:
		return dma_buf_ioctl_set_name(dmabuf, (const char __user *)arg);
	case DMA_BUF_IOCTL_EXPORT_SYNC_FILE:
		return dma_buf_ioctl_export_sync_file(dmabuf,
						      (void __user *)arg);
	case DMA_BUF_IOCTL_IMPORT_SYNC_FILE:
		return dma_buf_ioctl_import_sync_file(dmabuf,
						      (void __user *)arg);
	default:
		return -ENOTTY;
	}
}

static const struct file_operations dma_buf_fops = {
	.release = dma_buf_file_release,
	.mmap = dma_buf_file_mmap,
	/* Where huge entries fit, if there are any. */
	.get_unmapped_area = thp_get_unmapped_area,
	.llseek = dma_buf_file_llseek,
	.poll = dma_buf_file_poll,
	.unlocked_ioctl = dma_buf_file_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.show_fdinfo = dma_buf_show_fdinfo,
};
