/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the suites share: an exporter whose memory is a few pages and which
 * writes down what it is asked to do, importers, fences and pollers.
 *
 * All of it belongs to the test and goes when the test ends, however it ends.
 */
#ifndef __DMA_BUF_TESTS_MOCK_H
#define __DMA_BUF_TESTS_MOCK_H

#include <kunit/device.h>
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/dma-buf.h>
#include <linux/dma-resv.h>
#include <linux/hrtimer.h>
#include <linux/poll.h>

#include "../dma_buf_private.h"

#define MOCK_PAGES	4
#define MOCK_SIZE	(MOCK_PAGES * PAGE_SIZE)
/* Where devices find the two halves of a buffer. */
#define MOCK_ENTRIES	2
#define MOCK_ADDRESS(i)	((dma_addr_t)0x10000000 + (i) * 0x100000)

/* How long a test waits for what has to come, in jiffies. */
#define MOCK_PATIENCE	(20 * HZ)

enum mock_op {
	MOCK_ATTACH,
	MOCK_DETACH,
	MOCK_PIN,
	MOCK_UNPIN,
	MOCK_MAP,
	MOCK_UNMAP,
	MOCK_RELEASE,
	MOCK_BEGIN,
	MOCK_END,
	MOCK_BEGIN_PARTIAL,
	MOCK_END_PARTIAL,
	MOCK_MMAP,
	MOCK_VMAP,
	MOCK_VUNMAP,
	MOCK_OPS
};

/**
 * struct mock_buffer - a buffer and its exporter
 * @test: whose it is
 * @dmabuf: the buffer
 * @memory: its pages
 * @errors: what each op is to fail with; 0 lets it succeed
 * @map_gives_null: the map op is to return NULL
 * @log: names of the ops that were called, in order
 * @pins: how many are held
 * @mappings: how many are there
 * @dir: direction that the last op with one was given
 * @offset: range that the last partial op was given
 * @len: likewise
 * @released: the release op ran
 */
struct mock_buffer {
	struct kunit *test;
	struct dma_buf *dmabuf;
	void *memory;
	int errors[MOCK_OPS];
	bool map_gives_null;
	char log[128];
	int pins;
	int mappings;
	enum dma_data_direction dir;
	size_t offset;
	size_t len;
	struct completion released;
};

int mock_called(struct mock_buffer *buffer, enum mock_op op);

/* Only what is mandatory. */
extern const struct dma_buf_ops mock_minimal_ops;
/* All that a buffer which never moves can have, except the partial ops. */
extern const struct dma_buf_ops mock_static_ops;
/* The same, and keeps mappings. */
extern const struct dma_buf_ops mock_caching_ops;
/* The same as mock_static_ops, and can move. */
extern const struct dma_buf_ops mock_dynamic_ops;

struct dma_buf_ops *mock_copy_ops(struct kunit *test,
				  const struct dma_buf_ops *ops);
struct mock_buffer *mock_export(struct kunit *test,
				const struct dma_buf_ops *ops);
struct dma_buf *mock_export_bare(struct completion *released);
struct mock_buffer *mock_export_as(struct kunit *test,
				   const struct dma_buf_export_info *info);
void mock_put(struct mock_buffer *buffer);
void mock_put_at_once(struct mock_buffer *buffer);
bool mock_await_release(struct mock_buffer *buffer);

/* Compares what the exporter was asked to do since the last time. */
#define MOCK_EXPECT_LOG(buffer, expected)				\
do {									\
	struct mock_buffer *_buffer = (buffer);				\
									\
	KUNIT_EXPECT_STREQ(_buffer->test, _buffer->log, expected);	\
	_buffer->log[0] = '\0';						\
} while (0)

/**
 * struct mock_importer - a device that uses a buffer
 * @test: whose it is
 * @dev: the device
 * @attach: its attachment
 * @moves: how often it was told of a move
 */
struct mock_importer {
	struct kunit *test;
	struct device *dev;
	struct dma_buf_attachment *attach;
	int moves;
};

extern const struct dma_buf_attach_ops mock_importer_ops;

struct mock_importer *mock_import(struct mock_buffer *buffer, const char *name);
struct mock_importer *mock_import_dynamic(struct mock_buffer *buffer,
					  const char *name);
void mock_detach(struct mock_importer *importer);

/**
 * struct mock_misuse - what dma_buf_misuse() was told instead of the log
 * @count: how often
 * @exporter: the last time's exporter
 * @dev: likewise the device
 * @what: likewise the offence
 */
struct mock_misuse {
	int count;
	const char *exporter;
	struct device *dev;
	const char *what;
};

struct mock_misuse *mock_catch_misuse(struct kunit *test);

/* Expects exactly one misuse since the last time. */
#define MOCK_EXPECT_MISUSE(test, misuse, device, text)			\
do {									\
	struct mock_misuse *_misuse = (misuse);				\
	struct kunit *_test = (test);					\
									\
	KUNIT_EXPECT_EQ(_test, _misuse->count, 1);			\
	KUNIT_EXPECT_STREQ(_test, _misuse->exporter, "mock");		\
	KUNIT_EXPECT_PTR_EQ(_test, _misuse->dev, device);		\
	KUNIT_EXPECT_STREQ(_test, _misuse->what, text);			\
	_misuse->count = 0;						\
} while (0)

/* Waits of the test's thread end as if a signal had come, until the end. */
void mock_interrupt_begin(void);
void mock_interrupt_end(void);

void mock_thread(struct kunit *test, int (*run)(void *data), void *data,
		 const char *name);

void __user *mock_user_memory(struct kunit *test, size_t size);

long mock_file_ioctl(struct kunit *test, struct file *file, unsigned int cmd,
		     void *arg, size_t size);
long mock_ioctl(struct mock_buffer *buffer, unsigned int cmd, void *arg,
		size_t size);

void mock_probe(struct kunit *test, const char *event, void *call, void *data);

void mock_expect_description(struct kunit *test, struct dma_fence *fence,
			     const char *expected);

/* Allocations of the test's thread that fail; the test is skipped without. */
void mock_faults_begin(struct kunit *test);
void mock_fail_nth(unsigned int nth);
bool mock_failed(void);

/* mock_fence.c */
struct dma_fence *mock_fence_make(void);
void mock_fence_end(struct dma_fence *fence);
struct dma_fence *mock_fence(struct kunit *test);
struct dma_fence *mock_fence_add(struct mock_buffer *buffer,
				 enum dma_resv_usage usage);
struct dma_resv *mock_resv(struct kunit *test);
void mock_lock_elsewhere(struct kunit *test, struct dma_resv *resv);
int mock_resv_add(struct dma_resv *resv, struct dma_fence *fence,
		  enum dma_resv_usage usage);
void mock_fence_signal_after(struct dma_fence *fence, ktime_t delay);
void mock_fence_signal_at_look(struct dma_fence *fence,
			       struct dma_fence *other);
void mock_fence_end_at_hook(struct dma_fence *fence);
bool mock_fence_watched(struct dma_fence *fence);

/* mock_poller.c */

/**
 * struct mock_poller - somebody who sleeps in poll()
 * @test: whose it is, if it is managed
 * @table: what the poll operation is given
 * @entry: its place in the buffer's queue
 * @head: that queue, once it stands in it
 * @sleep: where the test waits for it to be woken
 * @wakes: how often it was woken
 * @woken_for: the event it was woken for last
 * @woken_in_irq: that was in an interrupt handler
 */
struct mock_poller {
	struct kunit *test;
	poll_table table;
	wait_queue_entry_t entry;
	wait_queue_head_t *head;
	wait_queue_head_t sleep;
	atomic_t wakes;
	__poll_t woken_for;
	bool woken_in_irq;
};

/* KUNIT_EXPECT_EQ() for events, whose type is one of its own. */
#define MOCK_EXPECT_EVENTS(test, expected, events)			\
	KUNIT_EXPECT_EQ(test, (__force u32)(expected), (__force u32)(events))

void mock_poller_init(struct mock_poller *poller);
__poll_t mock_poller_ask(struct mock_poller *poller, struct file *file,
			 __poll_t events);
void mock_poller_stop(struct mock_poller *poller);
struct mock_poller *mock_poller(struct kunit *test);
__poll_t mock_poll(struct mock_poller *poller, struct mock_buffer *buffer,
		   __poll_t events);
bool mock_poller_await(struct mock_poller *poller, int wakes);
void mock_poller_leave(struct mock_poller *poller);
void mock_watches_settle(struct mock_buffer *buffer);
void mock_expect_unwatched(struct kunit *test, struct dma_buf *dmabuf);

/* mock_job.c */

/**
 * struct mock_job - a fence that does as it is told, and counts what it is asked
 * @base: first, so that it can be freed as a fence
 * @lock: of @base
 * @done: its work has ended, but nobody knows who doesn't ask
 * @over_when_enabled: it turns out to be done when signalling is enabled
 * @enabled: how often signalling was enabled
 * @asked: how often somebody asked whether it is done
 * @deadline: the last one that it was told
 * @deadlines: how often it was told one
 * @released: what counts its release; may be NULL
 */
struct mock_job {
	struct dma_fence base;
	spinlock_t lock; /* protects @base */
	bool done;
	bool over_when_enabled;
	int enabled;
	atomic_t asked;
	ktime_t deadline;
	int deadlines;
	atomic_t *released;
};

extern const struct dma_fence_ops mock_job_ops;

struct mock_job *mock_job_make(u64 context, u64 seqno);
struct mock_job *mock_job_on(struct kunit *test, u64 context, u64 seqno);
struct mock_job *mock_job(struct kunit *test);
int mock_references(struct dma_fence *fence);
bool mock_left_alone(struct dma_fence *fence);

/**
 * struct mock_call - a callback that counts how often it was called
 * @cb: the callback
 * @count: how often
 * @error: what the fence said last
 */
struct mock_call {
	struct dma_fence_cb cb;
	int count;
	int error;
};

int mock_call_at_end(struct dma_fence *fence, struct mock_call *call);
int mock_calls(struct mock_call *call);

struct dma_fence *mock_array(struct kunit *test, struct dma_fence **members,
			     int num, bool signal_on_any);
struct dma_fence *mock_link(struct kunit *test, struct dma_fence *prev,
			    struct dma_fence *fence, u64 seqno);

/* Whether what is to come has come before patience was lost. */
#define MOCK_AWAIT(condition)						\
({									\
	unsigned long _end = jiffies + MOCK_PATIENCE;			\
	bool _met;							\
									\
	while (!(_met = (condition)) && time_before(jiffies, _end))	\
		cond_resched();						\
	_met;								\
})

/**
 * struct mock_rounds - how far a race of many rounds has come
 * @test: whose race it is
 * @begin: when it began
 * @count: how many there were, with the one that is under way
 */
struct mock_rounds {
	struct kunit *test;
	unsigned long begin;
	int count;
};

struct mock_rounds mock_rounds(struct kunit *test);
bool mock_next_round(struct mock_rounds *rounds);

/**
 * struct mock_rival - a thread that does something when the test says so
 * @act: what
 * @data: what for
 * @round: how often it may; the test's thread writes it
 * @done: how often it did
 */
struct mock_rival {
	void (*act)(void *data);
	void *data;
	int round;
	int done;
};

struct mock_rival *mock_rival(struct kunit *test, void (*act)(void *data),
			      void *data);
void mock_rival_go(struct mock_rival *rival);
void mock_rival_await(struct mock_rival *rival);
void mock_dawdle(void);

#endif /* __DMA_BUF_TESTS_MOCK_H */
