/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sharing a buffer between devices.
 *
 * An exporter owns memory and wraps it in a struct dma_buf; importers attach
 * their devices to it and map it; fences in its reservation object order what
 * they all do.  User space carries the buffer about as a file descriptor.
 *
 * The lock that everything here turns around is the buffer's reservation lock,
 * dma_buf.resv.  Members that aren't marked "private" may be read by exporters
 * and importers; the rest changes without notice.
 */
#ifndef __DMA_BUF_H__
#define __DMA_BUF_H__

#include <linux/iosys-map.h>
#include <linux/file.h>
#include <linux/err.h>
#include <linux/scatterlist.h>
#include <linux/list.h>
#include <linux/dma-mapping.h>
#include <linux/fs.h>
#include <linux/dma-fence.h>
#include <linux/wait.h>
#include <linux/workqueue_types.h>

struct device;
struct dma_buf;
struct dma_buf_attachment;
struct dma_buf_name;
struct dma_resv;
struct module;

/**
 * struct dma_buf_ops - what an exporter can do with its buffers
 *
 * Ops marked (locked) run with the reservation lock held, the others without.
 * @map_dma_buf, @unmap_dma_buf and @release are mandatory, and so is each of
 * @pin and @unpin where the other one is.
 */
struct dma_buf_ops {
	/**
	 * @cache_sgt_mapping: keep the first mapping of an attachment until it
	 * detaches, and hand it out again.  Not for exporters that can @pin.
	 */
	bool cache_sgt_mapping;

	/**
	 * @attach: a device wants in.  The exporter may refuse a device that
	 * can't reach the memory, and may hang its own state on
	 * dma_buf_attachment.priv.
	 *
	 * Return: 0, or an error that dma_buf_attach() passes on; -EBUSY where
	 * the memory is somewhere that suits the others but not this device.
	 */
	int (*attach)(struct dma_buf *dmabuf, struct dma_buf_attachment *attach);

	/** @detach: the device leaves; undoes @attach. */
	void (*detach)(struct dma_buf *dmabuf, struct dma_buf_attachment *attach);

	/**
	 * @pin: (locked) keep the memory where it is until @unpin.  An exporter
	 * that has it is dynamic: at other times it may move the buffer, after
	 * telling importers with dma_buf_move_notify().  Pins nest.
	 */
	int (*pin)(struct dma_buf_attachment *attach);

	/** @unpin: (locked) undo one @pin. */
	void (*unpin)(struct dma_buf_attachment *attach);

	/**
	 * @map_dma_buf: (locked) addresses at which the attached device finds
	 * the memory.  May sleep, and may wait for the memory to arrive.
	 *
	 * Return: a table that is mapped for the device, or an error pointer;
	 * -EINTR and -ERESTARTSYS when a signal came first.
	 */
	struct sg_table *(*map_dma_buf)(struct dma_buf_attachment *attach,
					enum dma_data_direction dir);

	/** @unmap_dma_buf: (locked) give back what @map_dma_buf gave. */
	void (*unmap_dma_buf)(struct dma_buf_attachment *attach,
			      struct sg_table *sgt,
			      enum dma_data_direction dir);

	/**
	 * @release: the last reference is gone; free the memory.  Runs once, in
	 * process context, and may sleep.
	 */
	void (*release)(struct dma_buf *dmabuf);

	/**
	 * @begin_cpu_access: make what devices wrote visible to the CPU.
	 * Fences are awaited afterwards, unless this op did.  Optional: coherent
	 * memory needs none.
	 */
	int (*begin_cpu_access)(struct dma_buf *dmabuf,
				enum dma_data_direction dir);

	/** @end_cpu_access: make what the CPU wrote visible to devices. */
	int (*end_cpu_access)(struct dma_buf *dmabuf,
			      enum dma_data_direction dir);

	/**
	 * @mmap: map the buffer into a process.  The VMA is known to lie within
	 * the buffer.  Optional.
	 */
	int (*mmap)(struct dma_buf *dmabuf, struct vm_area_struct *vma);

	/**
	 * @vmap: (locked) map the buffer into the kernel; it stays in place
	 * until @vunmap.  Called for the first of nested users only.  Optional.
	 */
	int (*vmap)(struct dma_buf *dmabuf, struct iosys_map *map);

	/** @vunmap: (locked) the last user of the kernel mapping is gone. */
	void (*vunmap)(struct dma_buf *dmabuf, struct iosys_map *map);

	/**
	 * @begin_cpu_access_partial: @begin_cpu_access for @len bytes from
	 * @offset on.  Optional: without it the whole buffer is prepared, and
	 * without @begin_cpu_access it is called for the whole, too.
	 */
	int (*begin_cpu_access_partial)(struct dma_buf *dmabuf,
					enum dma_data_direction dir,
					size_t offset, size_t len);

	/** @end_cpu_access_partial: likewise for @end_cpu_access. */
	int (*end_cpu_access_partial)(struct dma_buf *dmabuf,
				      enum dma_data_direction dir,
				      size_t offset, size_t len);
};

/**
 * struct dma_buf_poll_cb_t - a watch on the fences that poll() waits for
 *
 * One a direction.  It sits on one pending fence at a time and moves on to the
 * next when that has signalled; only when none is left are the waiters woken.
 */
struct dma_buf_poll_cb_t {
	/** @cb: hooked into @fence; the fence's lock */
	struct dma_fence_cb cb;
	/**
	 * @fence: the fence waited for, or once that is over the last one,
	 * referenced; dma_buf.poll's lock
	 */
	struct dma_fence *fence;
};

/**
 * struct dma_buf - a shared buffer
 *
 * It lives as long as its file has references, see get_dma_buf() and
 * dma_buf_put().
 */
struct dma_buf {
	/** @size: in bytes; constant */
	size_t size;
	/** @file: what user space holds; its reference is the buffer's */
	struct file *file;
	/** @attachments: list of dma_buf_attachment.node; reservation lock */
	struct list_head attachments;
	/** @ops: the exporter's; also its identity, thus never replaced */
	const struct dma_buf_ops *ops;
	/** @vmapping_counter: private: users of @vmap_ptr; reservation lock */
	unsigned int vmapping_counter;
	/** @poll_active: private: watches on duty, a bit each; @poll's lock */
	u8 poll_active;
	/** @poll_fired: private: those whose fence signalled; @poll's lock */
	u8 poll_fired;
	/** @poll_cancelled: private: no watch may begin; @poll's lock */
	bool poll_cancelled;
	/** @poll_used: private: @poll_work is set up; @poll's lock */
	bool poll_used;
	/** @vmap_ptr: private: kernel mapping while in use; reservation lock */
	struct iosys_map vmap_ptr;
	/** @exp_name: the exporter's name, for people; constant */
	const char *exp_name;
	/** @name: private: given by user space; swapped, read under RCU */
	struct dma_buf_name __rcu *name;
	/** @owner: module that holds the code of @ops; constant */
	struct module *owner;
	/** @priv: the exporter's; constant */
	void *priv;
	/** @resv: reservation object, the exporter's or the buffer's own */
	struct dma_resv *resv;
	/** @poll: private: sleepers in poll() */
	wait_queue_head_t poll;
	/** @poll_work: private: moves watches on, out of any fence's lock */
	struct work_struct poll_work;
	/** @cb_in: private: watches the fences that hold up reading */
	struct dma_buf_poll_cb_t cb_in;
	/** @cb_out: private: watches the fences that hold up writing */
	struct dma_buf_poll_cb_t cb_out;
};

/**
 * struct dma_buf_attach_ops - what a dynamic importer answers to
 *
 * An importer that has them accepts that its mapping moves.
 */
struct dma_buf_attach_ops {
	/** @allow_peer2peer: the importer copes with memory without pages */
	bool allow_peer2peer;

	/**
	 * @move_notify: (locked) the exporter is about to move the buffer.
	 * Mappings stay valid until the fences that are in the reservation
	 * object now have signalled; new work needs a new mapping.
	 */
	void (*move_notify)(struct dma_buf_attachment *attach);
};

/**
 * struct dma_buf_attachment - one device's use of one buffer
 */
struct dma_buf_attachment {
	/** @dmabuf: the buffer */
	struct dma_buf *dmabuf;
	/** @dev: the device */
	struct device *dev;
	/** @node: private: in dma_buf.attachments; reservation lock */
	struct list_head node;
	/** @sgt: a mapping that is kept until detach; reservation lock */
	struct sg_table *sgt;
	/** @dir: the direction @sgt was mapped in; reservation lock */
	enum dma_data_direction dir;
	/** @peer2peer: the importer copes with memory without pages */
	bool peer2peer;
	/** @importer_ops: set for dynamic importers; constant */
	const struct dma_buf_attach_ops *importer_ops;
	/** @importer_priv: the importer's */
	void *importer_priv;
	/** @priv: the exporter's */
	void *priv;
#ifdef CONFIG_DMABUF_DEBUG
	/** @mappings: private: tables handed out; reservation lock */
	struct list_head mappings;
#endif
};

/**
 * struct dma_buf_export_info - what dma_buf_export() needs to know
 * @exp_name: the exporter's name, for people; must outlive the buffer
 * @owner: module to hold while the buffer lives
 * @ops: the exporter's operations
 * @size: bytes; doesn't change
 * @flags: file flags: the access mode, and %O_NONBLOCK; others are ignored, as
 *	%O_CLOEXEC is for dma_buf_fd()
 * @resv: reservation object to use, NULL for one of the buffer's own
 * @priv: the exporter's, becomes dma_buf.priv
 */
struct dma_buf_export_info {
	const char *exp_name;
	struct module *owner;
	const struct dma_buf_ops *ops;
	size_t size;
	int flags;
	struct dma_resv *resv;
	void *priv;
};

/**
 * DEFINE_DMA_BUF_EXPORT_INFO - declare an export info that names this module
 * @name: of the variable
 */
#define DEFINE_DMA_BUF_EXPORT_INFO(name)		\
	struct dma_buf_export_info name = {		\
		.exp_name = KBUILD_MODNAME,		\
		.owner = THIS_MODULE,			\
	}

/**
 * get_dma_buf - take another reference
 * @dmabuf: buffer that the caller has a reference on
 *
 * Context: Any. Pairs with dma_buf_put().
 */
static inline void get_dma_buf(struct dma_buf *dmabuf)
{
	get_file(dmabuf->file);
}

/**
 * dma_buf_is_dynamic - may the exporter move the buffer?
 * @dmabuf: the buffer
 *
 * Return: true when it may, except while it is pinned.
 */
static inline bool dma_buf_is_dynamic(struct dma_buf *dmabuf)
{
	return dmabuf->ops->pin;
}

/**
 * dma_buf_attachment_is_dynamic - does the importer follow moves?
 * @attach: the attachment
 *
 * Return: true when it has a move_notify.
 */
static inline bool
dma_buf_attachment_is_dynamic(struct dma_buf_attachment *attach)
{
	return attach->importer_ops;
}

struct dma_buf_attachment *dma_buf_attach(struct dma_buf *dmabuf,
					  struct device *dev);
struct dma_buf_attachment *
dma_buf_dynamic_attach(struct dma_buf *dmabuf, struct device *dev,
		       const struct dma_buf_attach_ops *importer_ops,
		       void *importer_priv);
void dma_buf_detach(struct dma_buf *dmabuf, struct dma_buf_attachment *attach);
int dma_buf_pin(struct dma_buf_attachment *attach);
void dma_buf_unpin(struct dma_buf_attachment *attach);

struct dma_buf *dma_buf_export(const struct dma_buf_export_info *exp_info);
int dma_buf_fd(struct dma_buf *dmabuf, int flags);
struct dma_buf *dma_buf_get(int fd);
void dma_buf_put(struct dma_buf *dmabuf);

struct sg_table *dma_buf_map_attachment(struct dma_buf_attachment *attach,
					enum dma_data_direction dir);
void dma_buf_unmap_attachment(struct dma_buf_attachment *attach,
			      struct sg_table *sgt,
			      enum dma_data_direction dir);
struct sg_table *
dma_buf_map_attachment_unlocked(struct dma_buf_attachment *attach,
				enum dma_data_direction dir);
void dma_buf_unmap_attachment_unlocked(struct dma_buf_attachment *attach,
				       struct sg_table *sgt,
				       enum dma_data_direction dir);
void dma_buf_move_notify(struct dma_buf *dmabuf);

int dma_buf_begin_cpu_access(struct dma_buf *dmabuf,
			     enum dma_data_direction dir);
int dma_buf_end_cpu_access(struct dma_buf *dmabuf,
			   enum dma_data_direction dir);
int dma_buf_begin_cpu_access_partial(struct dma_buf *dmabuf,
				     enum dma_data_direction dir,
				     size_t offset, size_t len);
int dma_buf_end_cpu_access_partial(struct dma_buf *dmabuf,
				   enum dma_data_direction dir,
				   size_t offset, size_t len);
int dma_buf_mmap(struct dma_buf *dmabuf, struct vm_area_struct *vma,
		 unsigned long pgoff);
int dma_buf_vmap(struct dma_buf *dmabuf, struct iosys_map *map);
void dma_buf_vunmap(struct dma_buf *dmabuf, struct iosys_map *map);
int dma_buf_vmap_unlocked(struct dma_buf *dmabuf, struct iosys_map *map);
void dma_buf_vunmap_unlocked(struct dma_buf *dmabuf, struct iosys_map *map);

#endif /* __DMA_BUF_H__ */
