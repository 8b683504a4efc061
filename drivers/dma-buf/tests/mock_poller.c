// SPDX-License-Identifier: GPL-2.0-only
/*
 * Somebody who sleeps in poll(), and who counts how often they are woken.
 */
#include <linux/irq_work.h>
#include <linux/workqueue.h>
#include <linux/poll.h>
#include <linux/slab.h>

#include "mock.h"

static int wake_poller(wait_queue_entry_t *entry, unsigned int mode, int flags,
		       void *key)
{
	struct mock_poller *poller =
		container_of(entry, struct mock_poller, entry);

	poller->woken_for = key_to_poll(key);
	poller->woken_in_irq = in_hardirq();
	atomic_inc_return_release(&poller->wakes);
	wake_up(&poller->sleep);
	return 1;
}

static void queue_poller(struct file *file, wait_queue_head_t *head,
			 poll_table *table)
{
	struct mock_poller *poller =
		container_of(table, struct mock_poller, table);

	poller->head = head;
	add_wait_queue(head, &poller->entry);
}

/**
 * mock_poller_init - make a poller of the caller's memory
 * @poller: the memory
 *
 * It has to leave the queue by mock_poller_stop() before the buffer goes.
 */
void mock_poller_init(struct mock_poller *poller)
{
	memset(poller, 0, sizeof(*poller));
	init_waitqueue_head(&poller->sleep);
	init_waitqueue_func_entry(&poller->entry, wake_poller);
}

/**
 * mock_poller_ask - ask once, and stand in the queue from then on
 * @poller: who asks
 * @file: the buffer's file
 * @events: what for
 *
 * Return: those that are there already.
 */
__poll_t mock_poller_ask(struct mock_poller *poller, struct file *file,
			 __poll_t events)
{
	init_poll_funcptr(&poller->table, poller->head ? NULL : queue_poller);
	poller->table._key = events;
	return vfs_poll(file, &poller->table);
}

/**
 * mock_poller_stop - leave the queue
 * @poller: who stands in it
 */
void mock_poller_stop(struct mock_poller *poller)
{
	remove_wait_queue(poller->head, &poller->entry);
	poller->head = NULL;
}

/**
 * mock_poller - make a poller
 * @test: the test
 *
 * Return: the poller.
 */
struct mock_poller *mock_poller(struct kunit *test)
{
	struct mock_poller *poller;

	poller = kunit_kzalloc(test, sizeof(*poller), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, poller);
	mock_poller_init(poller);
	poller->test = test;
	return poller;
}

static void leave_at_end(void *data)
{
	mock_poller_stop(data);
}

/**
 * mock_poll - ask, and leave the queue when the test ends
 * @poller: one of mock_poller()'s
 * @buffer: the buffer
 * @events: what for
 *
 * Return: those that are there already.
 */
__poll_t mock_poll(struct mock_poller *poller, struct mock_buffer *buffer,
		   __poll_t events)
{
	bool queued = poller->head;
	__poll_t ready;

	ready = mock_poller_ask(poller, buffer->dmabuf->file, events);
	if (!queued)
		KUNIT_ASSERT_EQ(poller->test, 0,
				kunit_add_action_or_reset(poller->test,
							  leave_at_end,
							  poller));
	return ready;
}

/**
 * mock_poller_leave - leave the queue before the test ends
 * @poller: one of mock_poller()'s
 */
void mock_poller_leave(struct mock_poller *poller)
{
	kunit_release_action(poller->test, leave_at_end, poller);
}

/**
 * mock_poller_await - wait until a poller was woken
 * @poller: who
 * @wakes: how often, in all
 *
 * Return: whether it was.
 */
bool mock_poller_await(struct mock_poller *poller, int wakes)
{
	return wait_event_timeout(poller->sleep,
				  atomic_read_acquire(&poller->wakes) >= wakes,
				  MOCK_PATIENCE);
}

/**
 * mock_watches_settle - let a buffer's watches come to rest
 * @buffer: the buffer
 *
 * Whoever was going to be woken because of a fence that signalled, has been.
 */
void mock_watches_settle(struct mock_buffer *buffer)
{
	if (buffer->dmabuf->poll_used)
		flush_work(&buffer->dmabuf->poll_work);
}

/**
 * mock_expect_unwatched - expect that nothing of poll() is left of a buffer
 * @test: the test
 * @dmabuf: the buffer, which is being released
 *
 * A fence or a work that still led to it would find what comes in its place.
 */
void mock_expect_unwatched(struct kunit *test, struct dma_buf *dmabuf)
{
	KUNIT_EXPECT_EQ(test, work_busy(&dmabuf->poll_work), 0);
	KUNIT_EXPECT_EQ(test, dmabuf->poll_active, 0);
	KUNIT_EXPECT_EQ(test, dmabuf->poll_fired, 0);
	KUNIT_EXPECT_NULL(test, dmabuf->cb_in.fence);
	KUNIT_EXPECT_NULL(test, dmabuf->cb_out.fence);
	KUNIT_EXPECT_TRUE(test, list_empty(&dmabuf->poll.head));
}
