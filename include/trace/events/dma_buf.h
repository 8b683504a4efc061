/* SPDX-License-Identifier: GPL-2.0-only */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM dma_buf

#if !defined(_TRACE_DMA_BUF_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_DMA_BUF_H

#include <linux/device.h>
#include <linux/dma-buf.h>
#include <linux/mm.h>
#include <linux/tracepoint.h>

/**
 * DOC: trace events of buffers
 *
 * Every event names the buffer: exp_name, size, and in ino the number that fdinfo
 * and bufinfo show. What else it tells is in brackets.
 *
 * ========================  =====================================================
 * dma_buf_export            a buffer was made (count: references)
 * dma_buf_fd                a process got a descriptor of it (fd)
 * dma_buf_get               the kernel looked up a process's descriptor (fd)
 * dma_buf_put               the kernel drops a reference (count, before that)
 * dma_buf_release           the last reference is gone, the exporter frees it
 * dma_buf_dynamic_attach    a device was attached (dev, dynamic, peer2peer); of
 *                           dma_buf_attach(), too, and then dynamic is 0
 * dma_buf_detach            a device leaves
 * dma_buf_pin               a pin was taken, by the importer or for a mapping
 * dma_buf_unpin             a pin is dropped
 * dma_buf_map               an importer got a table (dev, dir, nents: its entries)
 * dma_buf_unmap             an importer gives it back
 * dma_buf_move_notify       the exporter is about to move it
 * dma_buf_begin_cpu_access  the CPU is about to touch it (dir, offset, len)
 * dma_buf_end_cpu_access    the CPU is done for now
 * dma_buf_mmap_internal     a process maps its file (vma, pgoff)
 * dma_buf_mmap              a driver maps it through another file
 * ========================  =====================================================
 */

/* Raise them while the buffer is certainly alive, never after a put. */

#define show_dma_direction(dir)				\
	__print_symbolic(dir,				\
		{ DMA_BIDIRECTIONAL, "bidirectional" },	\
		{ DMA_TO_DEVICE, "to-device" },		\
		{ DMA_FROM_DEVICE, "from-device" },	\
		{ DMA_NONE, "none" })

/* A buffer's life. */
DECLARE_EVENT_CLASS(dma_buf,
		    TP_PROTO(struct dma_buf *dmabuf),
		    TP_ARGS(dmabuf),

		    TP_STRUCT__entry(__string(exp_name, dmabuf->exp_name)
				     __field(unsigned long, ino)
				     __field(size_t, size)
				     __field(long, count)),

		    TP_fast_assign(__assign_str(exp_name);
				   __entry->ino = file_inode(dmabuf->file)->i_ino;
				   __entry->size = dmabuf->size;
				   __entry->count = file_count(dmabuf->file);),

		    TP_printk("exp_name=%s size=%zu ino=%lu count=%ld",
			      __get_str(exp_name), __entry->size, __entry->ino,
			      __entry->count));

DEFINE_EVENT(dma_buf, dma_buf_export,
	     TP_PROTO(struct dma_buf *dmabuf),
	     TP_ARGS(dmabuf));

DEFINE_EVENT(dma_buf, dma_buf_put,
	     TP_PROTO(struct dma_buf *dmabuf),
	     TP_ARGS(dmabuf));

DEFINE_EVENT(dma_buf, dma_buf_release,
	     TP_PROTO(struct dma_buf *dmabuf),
	     TP_ARGS(dmabuf));

DEFINE_EVENT(dma_buf, dma_buf_move_notify,
	     TP_PROTO(struct dma_buf *dmabuf),
	     TP_ARGS(dmabuf));

/* A process's number for it. */
DECLARE_EVENT_CLASS(dma_buf_fd,
		    TP_PROTO(struct dma_buf *dmabuf, int fd),
		    TP_ARGS(dmabuf, fd),

		    TP_STRUCT__entry(__string(exp_name, dmabuf->exp_name)
				     __field(unsigned long, ino)
				     __field(size_t, size)
				     __field(int, fd)),

		    TP_fast_assign(__assign_str(exp_name);
				   __entry->ino = file_inode(dmabuf->file)->i_ino;
				   __entry->size = dmabuf->size;
				   __entry->fd = fd;),

		    TP_printk("exp_name=%s size=%zu ino=%lu fd=%d", __get_str(exp_name),
			      __entry->size, __entry->ino, __entry->fd));

DEFINE_EVENT(dma_buf_fd, dma_buf_fd,
	     TP_PROTO(struct dma_buf *dmabuf, int fd),
	     TP_ARGS(dmabuf, fd));

DEFINE_EVENT(dma_buf_fd, dma_buf_get,
	     TP_PROTO(struct dma_buf *dmabuf, int fd),
	     TP_ARGS(dmabuf, fd));

/* A mapping into a process; its own file's, or another file's. */
DECLARE_EVENT_CLASS(dma_buf_vma,
		    TP_PROTO(struct dma_buf *dmabuf, struct vm_area_struct *vma),
		    TP_ARGS(dmabuf, vma),

		    TP_STRUCT__entry(__string(exp_name, dmabuf->exp_name)
				     __field(unsigned long, ino)
				     __field(size_t, size)
				     __field(unsigned long, start)
				     __field(unsigned long, end)
				     __field(unsigned long, pgoff)),

		    TP_fast_assign(__assign_str(exp_name);
				   __entry->ino = file_inode(dmabuf->file)->i_ino;
				   __entry->size = dmabuf->size;
				   __entry->start = vma->vm_start;
				   __entry->end = vma->vm_end;
				   __entry->pgoff = vma->vm_pgoff;),

		    TP_printk("exp_name=%s size=%zu ino=%lu vma=%lx-%lx pgoff=%lu",
			      __get_str(exp_name), __entry->size, __entry->ino,
			      __entry->start, __entry->end, __entry->pgoff));

DEFINE_EVENT(dma_buf_vma, dma_buf_mmap,
	     TP_PROTO(struct dma_buf *dmabuf, struct vm_area_struct *vma),
	     TP_ARGS(dmabuf, vma));

DEFINE_EVENT(dma_buf_vma, dma_buf_mmap_internal,
	     TP_PROTO(struct dma_buf *dmabuf, struct vm_area_struct *vma),
	     TP_ARGS(dmabuf, vma));

/* A bracket of CPU access. */
DECLARE_EVENT_CLASS(dma_buf_cpu_access,
		    TP_PROTO(struct dma_buf *dmabuf, enum dma_data_direction dir,
			     size_t offset, size_t len),
		    TP_ARGS(dmabuf, dir, offset, len),

		    TP_STRUCT__entry(__string(exp_name, dmabuf->exp_name)
				     __field(unsigned long, ino)
				     __field(size_t, size)
				     __field(int, dir)
				     __field(size_t, offset)
				     __field(size_t, len)),

		    TP_fast_assign(__assign_str(exp_name);
				   __entry->ino = file_inode(dmabuf->file)->i_ino;
				   __entry->size = dmabuf->size;
				   __entry->dir = dir;
				   __entry->offset = offset;
				   __entry->len = len;),

		    TP_printk("exp_name=%s size=%zu ino=%lu dir=%s offset=%zu len=%zu",
			      __get_str(exp_name), __entry->size, __entry->ino,
			      show_dma_direction(__entry->dir), __entry->offset,
			      __entry->len));

DEFINE_EVENT(dma_buf_cpu_access, dma_buf_begin_cpu_access,
	     TP_PROTO(struct dma_buf *dmabuf, enum dma_data_direction dir,
		      size_t offset, size_t len),
	     TP_ARGS(dmabuf, dir, offset, len));

DEFINE_EVENT(dma_buf_cpu_access, dma_buf_end_cpu_access,
	     TP_PROTO(struct dma_buf *dmabuf, enum dma_data_direction dir,
		      size_t offset, size_t len),
	     TP_ARGS(dmabuf, dir, offset, len));

/* A device's use of it. */
DECLARE_EVENT_CLASS(dma_buf_attachment,
		    TP_PROTO(struct dma_buf_attachment *attach),
		    TP_ARGS(attach),

		    TP_STRUCT__entry(__string(exp_name, attach->dmabuf->exp_name)
				     __string(dev, dev_name(attach->dev))
				     __field(unsigned long, ino)
				     __field(size_t, size)
				     __field(bool, dynamic)
				     __field(bool, peer2peer)),

		    TP_fast_assign(__assign_str(exp_name);
				   __assign_str(dev);
				   __entry->ino = file_inode(attach->dmabuf->file)->i_ino;
				   __entry->size = attach->dmabuf->size;
				   __entry->dynamic = dma_buf_attachment_is_dynamic(attach);
				   __entry->peer2peer = attach->peer2peer;),

		    TP_printk("exp_name=%s size=%zu ino=%lu dev=%s dynamic=%d peer2peer=%d",
			      __get_str(exp_name), __entry->size, __entry->ino,
			      __get_str(dev), __entry->dynamic, __entry->peer2peer));

DEFINE_EVENT(dma_buf_attachment, dma_buf_dynamic_attach,
	     TP_PROTO(struct dma_buf_attachment *attach),
	     TP_ARGS(attach));

DEFINE_EVENT(dma_buf_attachment, dma_buf_detach,
	     TP_PROTO(struct dma_buf_attachment *attach),
	     TP_ARGS(attach));

DEFINE_EVENT(dma_buf_attachment, dma_buf_pin,
	     TP_PROTO(struct dma_buf_attachment *attach),
	     TP_ARGS(attach));

DEFINE_EVENT(dma_buf_attachment, dma_buf_unpin,
	     TP_PROTO(struct dma_buf_attachment *attach),
	     TP_ARGS(attach));

DECLARE_EVENT_CLASS(dma_buf_mapping,
		    TP_PROTO(struct dma_buf_attachment *attach, struct sg_table *sgt,
			     enum dma_data_direction dir),
		    TP_ARGS(attach, sgt, dir),

		    TP_STRUCT__entry(__string(exp_name, attach->dmabuf->exp_name)
				     __string(dev, dev_name(attach->dev))
				     __field(unsigned long, ino)
				     __field(size_t, size)
				     __field(int, dir)
				     __field(unsigned int, nents)),

		    TP_fast_assign(__assign_str(exp_name);
				   __assign_str(dev);
				   __entry->ino = file_inode(attach->dmabuf->file)->i_ino;
				   __entry->size = attach->dmabuf->size;
				   __entry->dir = dir;
				   __entry->nents = sgt->nents;),

		    TP_printk("exp_name=%s size=%zu ino=%lu dev=%s dir=%s nents=%u",
			      __get_str(exp_name), __entry->size, __entry->ino,
			      __get_str(dev), show_dma_direction(__entry->dir),
			      __entry->nents));

DEFINE_EVENT(dma_buf_mapping, dma_buf_map,
	     TP_PROTO(struct dma_buf_attachment *attach, struct sg_table *sgt,
		      enum dma_data_direction dir),
	     TP_ARGS(attach, sgt, dir));

DEFINE_EVENT(dma_buf_mapping, dma_buf_unmap,
	     TP_PROTO(struct dma_buf_attachment *attach, struct sg_table *sgt,
		      enum dma_data_direction dir),
	     TP_ARGS(attach, sgt, dir));

#endif /* _TRACE_DMA_BUF_H */

/* Outside the guard: define_trace.h reads this file several times. */
#include <trace/define_trace.h>
