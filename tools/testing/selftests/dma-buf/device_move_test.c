// SPDX-License-Identifier: GPL-2.0-only
/*
 * Buffers that move: who is told, who has to keep them where they are, and that
 * nobody sees anything else in them afterwards.
 */
#include "../kselftest_harness.h"

#include <signal.h>
#include <sys/wait.h>

#include "test_device.h"

#define FOLLOWER	DMA_BUF_TEST_FOLLOWS_MOVES
#define PEER		(DMA_BUF_TEST_FOLLOWS_MOVES | DMA_BUF_TEST_PEER)

FIXTURE(move)
{
	int test;
	size_t size;
	int buffer;
	int fd;
	char *data;
};

FIXTURE_SETUP(move)
{
	if (LACKS(TEST_DEVICE))
		SKIP(return, "%s", lack);
	self->test = test_open();
	ASSERT_LE(0, self->test);
	self->size = 20 * page_size();
	self->buffer = test_export(self->test, DMA_BUF_TEST_DYNAMIC, self->size, &self->fd);
	ASSERT_LT(0, self->buffer);
	self->data = mmap(NULL, self->size, PROT_READ | PROT_WRITE, MAP_SHARED, self->fd, 0);
	ASSERT_NE(MAP_FAILED, self->data);
}

FIXTURE_TEARDOWN(move)
{
}

/* Followers pin instead where the kernel has no moves: CONFIG_DMABUF_MOVE_NOTIFY. */
static bool followers_follow(int test, int buffer, int fd)
{
	int attachment = test_attach_and_map(test, FOLLOWER, fd);
	bool pinned = test_buffer_state(test, buffer).pins;

	test_call(test, DMA_BUF_TEST_IOC_UNMAP, attachment);
	test_call(test, DMA_BUF_TEST_IOC_DETACH, attachment);
	return attachment > 0 && !pinned;
}

#define NEEDS_FOLLOWERS() do { \
	if (!followers_follow(self->test, self->buffer, self->fd)) \
		SKIP(return, "mappings pin: DMABUF_MOVE_NOTIFY is off"); \
} while (0)

TEST_F(move, a_move_takes_the_content_along)
{
	size_t words = self->size / 4, i;
	__u32 *data = (__u32 *)self->data;

	for (i = 0; i < words; i++)
		data[i] = i;
	ASSERT_EQ(0, test_move(self->test, self->buffer, DMA_BUF_TEST_VRAM));
	EXPECT_EQ(DMA_BUF_TEST_VRAM, test_placement(self->test, self->buffer));
	for (i = 0; i < words && data[i] == i; i++)
		;
	EXPECT_EQ(words, i);
	memset(data, 0, self->size);
	ASSERT_EQ(0, test_move(self->test, self->buffer, DMA_BUF_TEST_SYSTEM));
	EXPECT_TRUE(has_only(data, self->size, 0));
	EXPECT_EQ(2U, test_buffer_state(self->test, self->buffer).moves);
}

TEST_F(move, static_buffers_do_not_move)
{
	int fd, buffer = test_export(self->test, 0, self->size, &fd);

	ASSERT_LT(0, buffer);
	EXPECT_EQ(-EOPNOTSUPP, test_move(self->test, buffer, DMA_BUF_TEST_SYSTEM));
	EXPECT_EQ(-EINVAL, test_move(self->test, self->buffer, 2));
}

TEST_F(move, followers_are_told_with_the_lock_held)
{
	struct dma_buf_test_attachment_state state[3];
	int attachments[3], i;

	NEEDS_FOLLOWERS();
	for (i = 0; i < 3; i++) {
		attachments[i] = test_attach_new(self->test, FOLLOWER, self->fd);
		ASSERT_LT(0, attachments[i]);
	}
	ASSERT_EQ(0, test_map(self->test, attachments[1], DMA_BUF_TEST_BOTH));
	ASSERT_EQ(0, test_move(self->test, self->buffer, DMA_BUF_TEST_VRAM));
	for (i = 0; i < 3; i++) {
		state[i] = test_attachment_state(self->test, attachments[i]);
		EXPECT_EQ(1U, state[i].notices);
		EXPECT_EQ(1U, state[i].locked);
		EXPECT_EQ((__u32)(i == 1), state[i].stale);
	}
	/* One after the other. */
	EXPECT_NE(state[0].last_notice, state[1].last_notice);
	EXPECT_NE(state[1].last_notice, state[2].last_notice);
	EXPECT_NE(state[0].last_notice, state[2].last_notice);
}

TEST_F(move, who_left_is_not_told)
{
	int attachment = test_attach_new(self->test, FOLLOWER, self->fd);
	int other = test_attach_new(self->test, FOLLOWER, self->fd);

	ASSERT_LT(0, attachment);
	ASSERT_LT(0, other);
	ASSERT_EQ(0, test_call(self->test, DMA_BUF_TEST_IOC_DETACH, attachment));
	ASSERT_EQ(0, test_move(self->test, self->buffer, DMA_BUF_TEST_SYSTEM));
	EXPECT_EQ(1U, test_attachment_state(self->test, other).notices);
	EXPECT_EQ(0U, test_attachment_state(self->test, attachment).notices);
}

TEST_F(move, a_static_importers_mapping_pins)
{
	int attachment = test_attach_new(self->test, 0, self->fd);

	ASSERT_LT(0, attachment);
	EXPECT_EQ(0, test_move(self->test, self->buffer, DMA_BUF_TEST_SYSTEM));
	ASSERT_EQ(0, test_map(self->test, attachment, DMA_BUF_TEST_BOTH));
	EXPECT_EQ(1U, test_buffer_state(self->test, self->buffer).pins);
	EXPECT_EQ(-EBUSY, test_move(self->test, self->buffer, DMA_BUF_TEST_SYSTEM));
	ASSERT_EQ(0, test_call(self->test, DMA_BUF_TEST_IOC_UNMAP, attachment));
	EXPECT_EQ(0, test_move(self->test, self->buffer, DMA_BUF_TEST_SYSTEM));
}

TEST_F(move, pins_nest_and_keep_it_in_place)
{
	int a = test_attach_new(self->test, FOLLOWER, self->fd);
	int b = test_attach_new(self->test, FOLLOWER, self->fd);

	ASSERT_LT(0, a);
	ASSERT_LT(0, b);
	ASSERT_EQ(0, test_call(self->test, DMA_BUF_TEST_IOC_PIN, a));
	ASSERT_EQ(0, test_call(self->test, DMA_BUF_TEST_IOC_PIN, a));
	ASSERT_EQ(0, test_call(self->test, DMA_BUF_TEST_IOC_PIN, b));
	EXPECT_EQ(3U, test_buffer_state(self->test, self->buffer).pins);
	ASSERT_EQ(0, test_call(self->test, DMA_BUF_TEST_IOC_UNPIN, a));
	ASSERT_EQ(0, test_call(self->test, DMA_BUF_TEST_IOC_UNPIN, b));
	EXPECT_EQ(-EBUSY, test_move(self->test, self->buffer, DMA_BUF_TEST_VRAM));
	EXPECT_EQ(0U, test_attachment_state(self->test, a).notices);
	ASSERT_EQ(0, test_call(self->test, DMA_BUF_TEST_IOC_UNPIN, a));
	EXPECT_EQ(0, test_move(self->test, self->buffer, DMA_BUF_TEST_VRAM));
}

TEST_F(move, what_the_kernel_has_mapped_stays)
{
	int attachment = test_attach_new(self->test, FOLLOWER, self->fd);

	ASSERT_LT(0, attachment);
	ASSERT_EQ(0, test_call(self->test, DMA_BUF_TEST_IOC_VMAP, attachment));
	EXPECT_EQ(-EBUSY, test_move(self->test, self->buffer, DMA_BUF_TEST_SYSTEM));
	ASSERT_EQ(0, test_call(self->test, DMA_BUF_TEST_IOC_VUNMAP, attachment));
	EXPECT_EQ(0, test_move(self->test, self->buffer, DMA_BUF_TEST_SYSTEM));
}

TEST_F(move, a_peer_has_it_where_it_is)
{
	int attachment;

	ASSERT_EQ(0, test_move(self->test, self->buffer, DMA_BUF_TEST_VRAM));
	attachment = test_attach_and_map(self->test, PEER, self->fd);
	ASSERT_LT(0, attachment);
	EXPECT_EQ(DMA_BUF_TEST_VRAM, test_placement(self->test, self->buffer));
	EXPECT_EQ(1, test_fill(self->test, attachment, self->size, 0x11223344));
	EXPECT_TRUE(has_only(self->data, self->size, 0x11223344));
}

TEST_F(move, for_others_it_moves_to_the_system)
{
	int attachment;

	ASSERT_EQ(0, test_move(self->test, self->buffer, DMA_BUF_TEST_VRAM));
	attachment = test_attach_new(self->test, 0, self->fd);
	ASSERT_LT(0, attachment);
	EXPECT_EQ(DMA_BUF_TEST_VRAM, test_placement(self->test, self->buffer));
	ASSERT_EQ(0, test_map(self->test, attachment, DMA_BUF_TEST_BOTH));
	EXPECT_EQ(DMA_BUF_TEST_SYSTEM, test_placement(self->test, self->buffer));
}

/* The two can't have it at the same time. */
TEST_F(move, what_a_peer_has_pinned_is_for_no_other)
{
	int peer, other;

	ASSERT_EQ(0, test_move(self->test, self->buffer, DMA_BUF_TEST_VRAM));
	peer = test_attach_new(self->test, PEER, self->fd);
	other = test_attach_new(self->test, 0, self->fd);
	ASSERT_LT(0, peer);
	ASSERT_LT(0, other);
	ASSERT_EQ(0, test_call(self->test, DMA_BUF_TEST_IOC_PIN, peer));
	EXPECT_EQ(-EBUSY, test_map(self->test, other, DMA_BUF_TEST_BOTH));
	ASSERT_EQ(0, test_call(self->test, DMA_BUF_TEST_IOC_UNPIN, peer));
	EXPECT_EQ(0, test_map(self->test, other, DMA_BUF_TEST_BOTH));
	EXPECT_EQ(1U, test_attachment_state(self->test, peer).notices);
}

TEST_F(move, old_mappings_are_for_no_new_work)
{
	struct dma_buf_test_job job = { .work = DMA_BUF_TEST_FILL, .length = 4 };
	int attachment;

	NEEDS_FOLLOWERS();
	attachment = test_attach_and_map(self->test, FOLLOWER, self->fd);
	ASSERT_LT(0, attachment);
	ASSERT_EQ(1, test_fill(self->test, attachment, self->size, 5));
	ASSERT_EQ(0, test_move(self->test, self->buffer, DMA_BUF_TEST_SYSTEM));
	job.target = attachment;
	EXPECT_EQ(-ESTALE, test_submit(self->test, &job));
	ASSERT_EQ(0, test_call(self->test, DMA_BUF_TEST_IOC_UNMAP, attachment));
	ASSERT_EQ(0, test_map(self->test, attachment, DMA_BUF_TEST_BOTH));
	EXPECT_EQ(1, test_fill(self->test, attachment, self->size / 2, 6));
	EXPECT_TRUE(has_only(self->data, self->size / 2, 6));
	EXPECT_TRUE(has_only(self->data + self->size / 2, self->size / 2, 5));
}

struct mover {
	struct sleeper sleeper;
	int test;
	int buffer;
};

static int move_away(struct sleeper *sleeper, int timeout)
{
	struct mover *mover = (void *)sleeper;

	return timeout ? test_move(mover->test, mover->buffer, DMA_BUF_TEST_VRAM) : 0;
}

TEST_F(move, a_move_waits_for_work_in_flight)
{
	struct mover mover = {
		.sleeper.wait = move_away, .test = self->test, .buffer = self->buffer,
	};
	int attachment, job, tries;

	NEEDS_FOLLOWERS();
	attachment = test_attach_and_map(self->test, FOLLOWER, self->fd);
	ASSERT_LT(0, attachment);
	job = test_fill_on_trigger(self->test, attachment, self->size, 77);
	ASSERT_LT(0, job);
	/* It has the lock, and can't move before the work is done. */
	ASSERT_TRUE(sleeper_start(&mover.sleeper));
	EXPECT_TRUE(sleeper_sleeps(&mover.sleeper));
	EXPECT_EQ(0U, test_job_state(self->test, job).signaled);
	ASSERT_EQ(0, test_trigger(self->test, job, 0));
	EXPECT_EQ(0, sleeper_join(&mover.sleeper));
	EXPECT_EQ(1, test_job_state(self->test, job).status);
	EXPECT_TRUE(has_only(self->data, self->size, 77));
	for (tries = 0; tries < 3; tries++)
		EXPECT_EQ(0, test_move(self->test, self->buffer, tries % 2));
	EXPECT_TRUE(has_only(self->data, self->size, 77));
}

/* A process for which the kernel writes to a buffer, which is where it waits. */
static pid_t write_in_the_kernel(char *data)
{
	int zeroes = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	pid_t pid = zeroes < 0 ? -1 : fork();

	if (!pid)
		_exit(read(zeroes, data, 1) != 1);
	close(zeroes);
	return pid;
}

static bool ends(pid_t pid)
{
	int tries;

	for (tries = 0; tries < PATIENCE; tries++) {
		if (waitpid(pid, NULL, WNOHANG) == pid)
			return true;
		usleep(1000);
	}
	return false;
}

TEST_F(move, who_waits_for_a_move_in_the_kernel_can_be_killed)
{
	struct mover mover = {
		.sleeper.wait = move_away, .test = self->test, .buffer = self->buffer,
	};
	int attachment, job;
	pid_t pid;

	NEEDS_FOLLOWERS();
	attachment = test_attach_and_map(self->test, FOLLOWER, self->fd);
	ASSERT_LT(0, attachment);
	job = test_fill_on_trigger(self->test, attachment, self->size, 77);
	ASSERT_LT(0, job);
	ASSERT_TRUE(sleeper_start(&mover.sleeper));
	pid = write_in_the_kernel(self->data);
	ASSERT_LT(0, pid);
	EXPECT_TRUE(wait_until_process_sleeps(pid));
	EXPECT_EQ(0, kill(pid, SIGKILL));
	EXPECT_TRUE(ends(pid));
	ASSERT_EQ(0, test_trigger(self->test, job, 0));
	EXPECT_EQ(0, sleeper_join(&mover.sleeper));
}

TEST_F(move, a_mapping_that_fails_leaves_no_pin)
{
	int attachment = test_attach_new(self->test, FOLLOWER, self->fd);

	ASSERT_LT(0, attachment);
	ASSERT_EQ(0, test_fail(self->test, self->buffer, DMA_BUF_TEST_MAP_OP, 1, ENOMEM));
	EXPECT_EQ(-ENOMEM, test_map(self->test, attachment, DMA_BUF_TEST_BOTH));
	EXPECT_EQ(0U, test_buffer_state(self->test, self->buffer).pins);
	EXPECT_EQ(0U, test_buffer_state(self->test, self->buffer).mappings);
}

TEST_HARNESS_MAIN
