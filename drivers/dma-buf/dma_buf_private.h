/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The map of the buffer core: what its files know of each other.
 *
 *   dma_buf.c        a buffer's life, attachments and mappings, the file
 *   cpu_access.c     mmap, vmap, brackets of CPU access
 *   implicit_sync.c  poll, sync files in and out
 *   registry.c       all live buffers, bufinfo, fdinfo
 *   mapping_debug.c  what DMABUF_DEBUG adds to a mapping
 */
#ifndef __DMA_BUF_PRIVATE_H
#define __DMA_BUF_PRIVATE_H

#include <linux/dma-buf.h>
#include <linux/dma-resv.h>
#include <linux/fs.h>
#include <linux/rcupdate.h>
#include <uapi/linux/dma-buf.h>

struct device;
struct dma_heap;
struct seq_file;

/*
 * What a name must not print as itself, lest it look like another line or
 * column: control characters, and the backslash that introduces an escape.
 */
#define DMA_BUF_NAME_ESCAPED \
	"\001\002\003\004\005\006\007\010\011\012\013\014\015\016\017\020" \
	"\021\022\023\024\025\026\027\030\031\032\033\034\035\036\037\177\\"

/**
 * struct dma_buf_name - a name given by user space
 * @rcu: frees it once no reader can look at it any more
 * @text: NUL-terminated, never changes; readers hold the RCU read lock
 */
struct dma_buf_name {
	struct rcu_head rcu;
	char text[DMA_BUF_NAME_LEN];
};

/**
 * struct dma_buf_object - all there is of a buffer, in one slab object
 * @dmabuf: what the rest of the kernel sees
 * @registry: its place on a shelf of the registry, which @inode.i_private
 *	points to
 * @resv: reservation object, in use unless the exporter brought its own
 * @inode: gives it a number, a size and its lifetime; its mapping's private
 *	data is the heap it was allocated from, if any: another member would
 *	have fewer objects fit a slab
 *
 * The cache is SLAB_TYPESAFE_BY_RCU: for an RCU grace period after the inode's
 * last reference the memory is still an object, perhaps another buffer's.
 */
struct dma_buf_object {
	struct dma_buf dmabuf;
	struct list_head registry;
	struct dma_resv resv;
	struct inode inode;
};

static inline struct dma_buf_object *to_dma_buf_object(struct dma_buf *dmabuf)
{
	return container_of(dmabuf, struct dma_buf_object, dmabuf);
}

static inline struct dma_buf *inode_to_dma_buf(struct inode *inode)
{
	return &container_of(inode, struct dma_buf_object, inode)->dmabuf;
}

static inline unsigned long dma_buf_ino(struct dma_buf *dmabuf)
{
	return to_dma_buf_object(dmabuf)->inode.i_ino;
}

static inline struct dma_heap *dma_buf_heap(struct dma_buf *dmabuf)
{
	return to_dma_buf_object(dmabuf)->inode.i_data.i_private_data;
}

/* Before user space has the buffer. */
static inline void dma_buf_set_heap(struct dma_buf *dmabuf,
				    struct dma_heap *heap)
{
	to_dma_buf_object(dmabuf)->inode.i_data.i_private_data = heap;
}

/*
 * The common case of every wait and test, in one load: nobody ever reserved a
 * slot in the reservation object, so there is no fence to look for.
 */
static inline bool dma_buf_never_fenced(struct dma_buf *dmabuf)
{
	return !rcu_access_pointer(dmabuf->resv->fences);
}

/* dma_buf.c */
bool dma_buf_pin_while_mapped(bool exporter_dynamic, bool importer_dynamic,
			      bool move_notify);
bool dma_buf_misuse(const char *exporter, struct device *dev,
		    const char *what);
void dma_buf_install(struct dma_buf *dmabuf, int fd);

/* cpu_access.c */
int dma_buf_file_mmap(struct file *file, struct vm_area_struct *vma);
long dma_buf_ioctl_sync(struct dma_buf *dmabuf, void __user *arg);

/* implicit_sync.c */
void dma_buf_watch_init(struct dma_buf *dmabuf);
void dma_buf_watch_cancel(struct dma_buf *dmabuf);
__poll_t dma_buf_file_poll(struct file *file, struct poll_table_struct *table);
#if IS_ENABLED(CONFIG_SYNC_FILE)
long dma_buf_ioctl_export_sync_file(struct dma_buf *dmabuf, void __user *arg);
long dma_buf_ioctl_import_sync_file(struct dma_buf *dmabuf, void __user *arg);
#else
static inline long
dma_buf_ioctl_export_sync_file(struct dma_buf *dmabuf, void __user *arg)
{
	return -ENOTTY;
}

static inline long
dma_buf_ioctl_import_sync_file(struct dma_buf *dmabuf, void __user *arg)
{
	return -ENOTTY;
}
#endif

/* registry.c */
void dma_buf_registry_init(void);
void dma_buf_registry_add(struct dma_buf_object *object);
void dma_buf_registry_remove(struct dma_buf_object *object);
void dma_buf_show_fdinfo(struct seq_file *m, struct file *file);

/* heaps/dma_heap.c */
#ifdef CONFIG_DMABUF_HEAPS
void dma_heap_release(struct dma_heap *heap, struct dma_buf *dmabuf);
#else
static inline void dma_heap_release(struct dma_heap *heap,
				    struct dma_buf *dmabuf) {}
#endif

/* mapping_debug.c */
#ifdef CONFIG_DMABUF_DEBUG
void dma_buf_debug_attach(struct dma_buf_attachment *attach);
void dma_buf_debug_detach(struct dma_buf_attachment *attach);
struct sg_table *dma_buf_debug_map(struct dma_buf_attachment *attach,
				   struct sg_table *sgt,
				   enum dma_data_direction dir);
struct sg_table *dma_buf_debug_unmap(struct dma_buf_attachment *attach,
				     struct sg_table *shown,
				     enum dma_data_direction dir);
#else
static inline void dma_buf_debug_attach(struct dma_buf_attachment *attach) {}
static inline void dma_buf_debug_detach(struct dma_buf_attachment *attach) {}

static inline struct sg_table *
dma_buf_debug_map(struct dma_buf_attachment *attach, struct sg_table *sgt,
		  enum dma_data_direction dir)
{
	return sgt;
}

static inline struct sg_table *
dma_buf_debug_unmap(struct dma_buf_attachment *attach, struct sg_table *shown,
		    enum dma_data_direction dir)
{
	return shown;
}
#endif

#endif /* __DMA_BUF_PRIVATE_H */
