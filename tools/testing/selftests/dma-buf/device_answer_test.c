// SPDX-License-Identifier: GPL-2.0-only
/*
 * The test device: what it couldn't tell has not happened, whatever others do while it
 * is telling.
 *
 * The answer goes where writing has to wait: into a buffer that is being moved. Who
 * moves a buffer holds its reservation lock for as long as a job uses it.
 */
#include <signal.h>
#include <stddef.h>

#include "../kselftest_harness.h"

#include "test_device.h"

/* What fits before the page that can't be written. */
#define FITS	offsetof(struct dma_buf_test_map, entries)

/* A buffer that is moved as soon as its job is told to end. */
struct moving {
	struct sleeper mover;
	int test;
	int buffer;
	int fd;
	/* What the job uses; mapped anew for the next one. */
	int attachment;
	int job;
};

static int wait_for_move(struct sleeper *sleeper, int timeout)
{
	struct moving *moving = (void *)sleeper;

	return timeout ? test_move(moving->test, moving->buffer, DMA_BUF_TEST_SYSTEM) : 0;
}

static bool moving_init(struct moving *moving, int test)
{
	moving->test = test;
	moving->buffer = test_export(test, DMA_BUF_TEST_DYNAMIC, page_size(), &moving->fd);
	if (moving->buffer < 0)
		return false;
	moving->attachment = test_attach_new(test, DMA_BUF_TEST_FOLLOWS_MOVES, moving->fd);
	return moving->attachment > 0;
}

/* Nothing moves then: CONFIG_DMABUF_MOVE_NOTIFY is off. */
static bool mappings_pin(const struct moving *moving)
{
	bool pinned;

	test_map(moving->test, moving->attachment, DMA_BUF_TEST_BOTH);
	pinned = test_buffer_state(moving->test, moving->buffer).pins;
	test_call(moving->test, DMA_BUF_TEST_IOC_UNMAP, moving->attachment);
	return pinned;
}

/* The lock is held until moving_end(). */
static bool moving_begin(struct moving *moving)
{
	if (test_map(moving->test, moving->attachment, DMA_BUF_TEST_BOTH))
		return false;
	moving->job = test_fill_on_trigger(moving->test, moving->attachment, 4, 0);
	if (moving->job < 0)
		return false;
	moving->mover = (struct sleeper){ .wait = wait_for_move };
	return sleeper_start(&moving->mover);
}

static bool moving_end(struct moving *moving)
{
	return !test_trigger(moving->test, moving->job, 0) && !sleeper_join(&moving->mover) &&
	       !test_call(moving->test, DMA_BUF_TEST_IOC_UNMAP, moving->attachment);
}

/* Who maps, and where the answer goes: the end of a page, and one that can't be written. */
struct mapper {
	struct sleeper sleeper;
	int test;
	struct dma_buf_test_map *map;
};

static int wait_for_map(struct sleeper *sleeper, int timeout)
{
	struct mapper *mapper = (void *)sleeper;

	return timeout ? call_ioctl(mapper->test, DMA_BUF_TEST_IOC_MAP, mapper->map) : 0;
}

static struct dma_buf_test_map *place_answer(int fd, __u32 attachment)
{
	size_t size = page_size();
	struct dma_buf_test_map *map;
	char *pages;

	pages = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		     -1, 0);
	if (pages == MAP_FAILED)
		return NULL;
	if (mmap(pages, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) ==
	    MAP_FAILED)
		return NULL;
	map = (void *)(pages + size - FITS);
	*map = (struct dma_buf_test_map){ .attachment = attachment };
	return mprotect(pages + size, size, PROT_READ) ? NULL : map;
}

static void ignore(int signal)
{
}

/* It maps a buffer, and can't tell so as long as the other one is being moved. */
static bool map_without_an_answer(struct mapper *mapper, struct moving *mapped,
				  struct moving *told)
{
	int tries;

	/* Its argument has been read, then it isn't there any more to be written. */
	if (!moving_begin(mapped) || !sleeper_start(&mapper->sleeper) ||
	    test_move(told->test, told->buffer, DMA_BUF_TEST_SYSTEM) ||
	    !moving_begin(told) || !moving_end(mapped))
		return false;
	for (tries = 0; tries < PATIENCE; tries++) {
		if (test_buffer_state(mapped->test, mapped->buffer).mappings)
			return true;
		usleep(1000);
	}
	return false;
}

FIXTURE(answer)
{
	int test;
	/* What is mapped, and what the answer is written to. */
	struct moving mapped;
	struct moving told;
	int attachment;
	struct mapper mapper;
};

FIXTURE_SETUP(answer)
{
	struct sigaction action = { .sa_handler = ignore };

	if (LACKS(TEST_DEVICE))
		SKIP(return, "%s", lack);
	sigaction(SIGUSR1, &action, NULL);
	self->test = test_open();
	ASSERT_LE(0, self->test);
	ASSERT_TRUE(moving_init(&self->mapped, self->test));
	ASSERT_TRUE(moving_init(&self->told, self->test));
	if (mappings_pin(&self->mapped))
		SKIP(return, "mappings pin: DMABUF_MOVE_NOTIFY is off");
	self->attachment = test_attach_new(self->test, DMA_BUF_TEST_FOLLOWS_MOVES,
					   self->mapped.fd);
	ASSERT_LT(0, self->attachment);
	self->mapper = (struct mapper){
		.sleeper.wait = wait_for_map,
		.test = self->test,
		.map = place_answer(self->told.fd, self->attachment),
	};
	ASSERT_NE(NULL, self->mapper.map);
	ASSERT_TRUE(map_without_an_answer(&self->mapper, &self->mapped, &self->told));
}

FIXTURE_TEARDOWN(answer)
{
	/* It isn't mapped, and can be. */
	EXPECT_EQ(0U, test_attachment_state(self->test, self->attachment).mapped);
	EXPECT_EQ(0U, test_buffer_state(self->test, self->mapped.buffer).mappings);
	EXPECT_EQ(-EINVAL, test_call(self->test, DMA_BUF_TEST_IOC_UNMAP, self->attachment));
	EXPECT_EQ(0, test_map(self->test, self->attachment, DMA_BUF_TEST_BOTH));
	EXPECT_EQ(0, test_call(self->test, DMA_BUF_TEST_IOC_UNMAP, self->attachment));
	EXPECT_EQ(0, test_call(self->test, DMA_BUF_TEST_IOC_DETACH, self->attachment));
}

TEST_F(answer, nobody_can_use_a_mapping_before_it_is_told_of)
{
	EXPECT_EQ(0U, test_attachment_state(self->test, self->attachment).mapped);
	EXPECT_EQ(-EINVAL, test_fill_on_trigger(self->test, self->attachment, 4, 0));
	EXPECT_EQ(-EINVAL, test_call(self->test, DMA_BUF_TEST_IOC_UNMAP, self->attachment));
	EXPECT_EQ(-EBUSY, test_map(self->test, self->attachment, DMA_BUF_TEST_BOTH));
	EXPECT_EQ(-EBUSY, test_call(self->test, DMA_BUF_TEST_IOC_DETACH, self->attachment));
	EXPECT_TRUE(moving_end(&self->told));
	EXPECT_EQ(-EFAULT, sleeper_join(&self->mapper.sleeper));
}

TEST_F(answer, a_signal_does_not_keep_a_mapping_that_could_not_be_told_of)
{
	ASSERT_TRUE(moving_begin(&self->mapped));
	ASSERT_EQ(0, pthread_kill(self->mapper.sleeper.thread, SIGUSR1));
	EXPECT_TRUE(moving_end(&self->told));
	/* It has had the time to give up, while the lock was held. */
	usleep(100000);
	EXPECT_TRUE(moving_end(&self->mapped));
	EXPECT_EQ(-EFAULT, sleeper_join(&self->mapper.sleeper));
}

TEST_HARNESS_MAIN
