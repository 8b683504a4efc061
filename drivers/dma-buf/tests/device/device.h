/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The map of /dev/dma_buf_test: exporters and importers that user space makes.
 *
 *   main.c      the device node, its ioctls, and the ids of what a file has
 *   buffer.c    exporters: buffers, where their memory is, moving it
 *   importer.c  devices without hardware, and their attachments
 *   engine.c    what a device does with memory that it finds by DMA address
 *   job.c       work of an engine, and the fence that tells when it is over
 *
 * Locks, outermost first: test_file.lock, for the ids and for what has none but
 * a count; the reservation lock of the buffer, for all that a move changes; the
 * spinlock in a buffer.  Nobody waits for a fence with a test_file.lock held, since
 * another ioctl of the same file may have to end the job.
 */
#ifndef __DMA_BUF_TEST_DEVICE_H
#define __DMA_BUF_TEST_DEVICE_H

#include <linux/atomic.h>
#include <linux/dma-buf.h>
#include <linux/iosys-map.h>
#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/xarray.h>
#include <uapi/linux/dma-buf-test.h>

struct platform_device;
struct test_job;

/**
 * struct test_file - what an open file of the device has made
 * @lock: protects the ids, and that who has one stays
 * @buffers: struct test_buffer by id, with a reference on the dma-buf of each
 * @devices: struct test_device by id
 * @attachments: struct test_attachment by id, with a reference on each
 * @jobs: struct test_job by id, with a reference on each
 */
struct test_file {
	struct mutex lock; /* protects the ids */
	struct xarray buffers;
	struct xarray devices;
	struct xarray attachments;
	struct xarray jobs;
};

/**
 * struct test_memory - where the bytes of a buffer are, or were
 * @ref: the buffer's, while they are, and one for each table
 * @placement: what kind of memory it is
 * @num_pages: how many pages it has
 * @pages: the pages
 *
 * Doesn't change.
 */
struct test_memory {
	struct kref ref;
	enum dma_buf_test_placement placement;
	unsigned long num_pages;
	struct page *pages[] __counted_by(num_pages);
};

/**
 * struct test_buffer - what an exporter knows of its buffer
 * @dmabuf: the buffer
 * @lock: protects @calls and @failures
 * @calls: how often each op was called
 * @failures: at which call from now on each op fails, 0: at none, and with what
 * @memory: where it is; this and what follows: the reservation lock
 * @tables: struct test_table, of this memory or of what was there before a move
 * @num_tables: how many there are
 * @pins: how often it is pinned
 * @vmaps: how often it is mapped into the kernel
 * @moves: how often it moved
 */
struct test_buffer {
	struct dma_buf *dmabuf;
	spinlock_t lock; /* protects @calls and @failures */
	u64 calls[DMA_BUF_TEST_OPS];
	struct {
		u32 nth;
		int error;
	} failures[DMA_BUF_TEST_OPS];
	struct test_memory *memory;
	struct list_head tables;
	u32 num_tables;
	u32 pins;
	u32 vmaps;
	u32 moves;
};

/**
 * struct test_device - a device without hardware
 * @ref: the id's, and one of each attachment
 * @pdev: as the DMA API sees it
 * @flags: DMA_BUF_TEST_* of importers
 * @num_attachments: the id stays as long as there are any; the file's lock
 */
struct test_device {
	struct kref ref;
	struct platform_device *pdev;
	u32 flags;
	u32 num_attachments;
};

/**
 * struct test_attachment - an importer's use of a buffer
 * @ref: the id's, and those of who is at work with it
 * @device: who imports, with a reference
 * @attach: as the subsystem sees it
 * @gone: it is detached; this and what follows: the reservation lock
 * @sgt: its table, or NULL
 * @published: @sgt may be used, since user space has been told; without the lock by
 *	who has just mapped it, otherwise as the rest
 * @direction: of @sgt
 * @stale: the buffer has moved since @sgt was made
 * @jobs: how many use @sgt; more only with the lock, fewer without
 * @pins: how often it is pinned
 * @vmaps: how often it is mapped into the kernel
 * @map: where
 * @notices: how often a move was announced
 * @locked: how often the lock was held then
 * @last_notice: when, by the count of all notices there are
 */
struct test_attachment {
	struct kref ref;
	struct test_device *device;
	struct dma_buf_attachment *attach;
	bool gone;
	struct sg_table *sgt;
	bool published;
	enum dma_data_direction direction;
	bool stale;
	atomic_t jobs;
	u32 pins;
	u32 vmaps;
	struct iosys_map map;
	u32 notices;
	u32 locked;
	u64 last_notice;
};

/* buffer.c */
void test_buffer_init_ops(void);
struct test_buffer *test_buffer_export(const struct dma_buf_test_buffer *arg);
int test_buffer_fail(struct test_buffer *buffer,
		     const struct dma_buf_test_fail *arg);
int test_buffer_move(struct test_buffer *buffer, u32 placement);
int test_buffer_state(struct test_buffer *buffer,
		      struct dma_buf_test_buffer_state *arg);

/* importer.c */
struct test_device *test_device_create(const struct dma_buf_test_device *arg);
void test_device_put(struct test_device *device);
struct test_attachment *test_attach(struct test_device *device, int fd);
void test_attachment_put(struct test_attachment *attachment);
int test_detach(struct test_attachment *attachment);
void test_detach_whatever(struct test_attachment *attachment);
int test_pin(struct test_attachment *attachment);
int test_unpin(struct test_attachment *attachment);
int test_map(struct test_attachment *attachment, struct dma_buf_test_map *arg);
void test_map_publish(struct test_attachment *attachment);
void test_map_undo(struct test_attachment *attachment);
int test_unmap(struct test_attachment *attachment);
int test_vmap(struct test_attachment *attachment);
int test_vunmap(struct test_attachment *attachment);
int test_attachment_state(struct test_attachment *attachment,
			  struct dma_buf_test_attachment_state *arg);

/* engine.c */
void test_engine_fill(struct test_attachment *to, u64 offset, u64 length,
		      u32 value);
void test_engine_copy(struct test_attachment *to, u64 to_offset,
		      struct test_attachment *from, u64 from_offset, u64 length);
u32 test_engine_checksum(struct test_attachment *from, u64 offset, u64 length);

/* job.c */
struct test_job *test_job_create(const struct dma_buf_test_job *arg);
int test_job_submit(struct test_job *job, struct test_attachment *source,
		    struct test_attachment *target);
struct dma_fence *test_job_fence(struct test_job *job);
void test_job_put(struct test_job *job);
void test_job_cancel(struct test_job *job);
int test_job_trigger(struct test_job *job, u32 error);
void test_job_state(struct test_job *job, struct dma_buf_test_job_state *arg);
int test_jobs_init(void);
void test_jobs_exit(void);

#endif /* __DMA_BUF_TEST_DEVICE_H */
