// SPDX-License-Identifier: GPL-2.0-only
/* Brackets of CPU access, and ioctls that are none. */
#include "../kselftest_harness.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "dmabuf_helpers.h"

FIXTURE(ioctls)
{
	int buffer;
};

FIXTURE_SETUP(ioctls)
{
	if (LACKS(SYSTEM_HEAP))
		SKIP(return, "%s", lack);
	self->buffer = heap_alloc(page_size());
	ASSERT_LE(0, self->buffer);
}

FIXTURE_TEARDOWN(ioctls)
{
	close(self->buffer);
}

TEST_F(ioctls, a_bracket_opens_and_closes_in_each_direction)
{
	__u64 direction;

	for (direction = DMA_BUF_SYNC_READ; direction <= DMA_BUF_SYNC_RW; direction++) {
		EXPECT_EQ(0, cpu_sync(self->buffer, DMA_BUF_SYNC_START | direction));
		EXPECT_EQ(0, cpu_sync(self->buffer, DMA_BUF_SYNC_END | direction));
	}
}

TEST_F(ioctls, brackets_nest)
{
	int i;

	for (i = 0; i < 3; i++)
		EXPECT_EQ(0, cpu_sync(self->buffer, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW));
	for (i = 0; i < 3; i++)
		EXPECT_EQ(0, cpu_sync(self->buffer, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW));
}

TEST_F(ioctls, sync_without_a_direction_is_refused)
{
	EXPECT_EQ(-EINVAL, cpu_sync(self->buffer, DMA_BUF_SYNC_START));
	EXPECT_EQ(-EINVAL, cpu_sync(self->buffer, DMA_BUF_SYNC_END));
}

TEST_F(ioctls, sync_refuses_every_unknown_bit)
{
	int bit;

	for (bit = 3; bit < 64; bit++) {
		EXPECT_EQ(-EINVAL, cpu_sync(self->buffer, 1ULL << bit | DMA_BUF_SYNC_RW))
			TH_LOG("bit %d", bit);
		EXPECT_EQ(-EINVAL, cpu_sync(self->buffer, 1ULL << bit))
			TH_LOG("bit %d", bit);
	}
}

TEST_F(ioctls, sync_of_a_faulting_argument_is_efault)
{
	char *page = page_before_a_hole(PROT_READ);

	ASSERT_NE(NULL, page);
	EXPECT_EQ(-EFAULT, call_ioctl(self->buffer, DMA_BUF_IOCTL_SYNC, NULL));
	EXPECT_EQ(-EFAULT, call_ioctl(self->buffer, DMA_BUF_IOCTL_SYNC,
				      page + page_size() - 4));
}

TEST_F(ioctls, sync_only_reads_its_argument)
{
	char *page = page_before_a_hole(PROT_READ | PROT_WRITE);
	struct dma_buf_sync *request;

	ASSERT_NE(NULL, page);
	request = (void *)(page + page_size() - sizeof(*request));
	request->flags = DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW;
	ASSERT_EQ(0, mprotect(page, page_size(), PROT_READ));
	EXPECT_EQ(0, call_ioctl(self->buffer, DMA_BUF_IOCTL_SYNC, request));
	EXPECT_EQ(0, cpu_sync(self->buffer, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW));
}

TEST_F(ioctls, an_unknown_ioctl_is_enotty)
{
	__u64 argument[8] = {};
	unsigned int nr;

	for (nr = 4; nr < 256; nr++) {
		EXPECT_EQ(-ENOTTY, call_ioctl(self->buffer,
					      _IOW(DMA_BUF_BASE, nr, __u64), argument))
			TH_LOG("number %u", nr);
	}
	EXPECT_EQ(-ENOTTY, call_ioctl(self->buffer, _IO(DMA_BUF_BASE, 0), argument));
	EXPECT_EQ(-ENOTTY, call_ioctl(self->buffer, DMA_HEAP_IOCTL_ALLOC, argument));
	EXPECT_EQ(-ENOTTY, call_ioctl(self->buffer, SYNC_IOC_MERGE, argument));
	EXPECT_EQ(-ENOTTY, call_ioctl(self->buffer, 0, argument));
}

TEST_F(ioctls, a_known_number_in_another_size_or_direction_is_enotty)
{
	__u64 argument[8] = {};

	EXPECT_EQ(-ENOTTY, call_ioctl(self->buffer, _IOW(DMA_BUF_BASE, 0, __u32), argument));
	EXPECT_EQ(-ENOTTY, call_ioctl(self->buffer, _IOR(DMA_BUF_BASE, 0, __u64), argument));
	EXPECT_EQ(-ENOTTY, call_ioctl(self->buffer, _IOW(DMA_BUF_BASE, 1, uint16_t), argument));
	EXPECT_EQ(-ENOTTY, call_ioctl(self->buffer, _IOW(DMA_BUF_BASE, 2, __u64), argument));
	EXPECT_EQ(-ENOTTY, call_ioctl(self->buffer, _IOWR(DMA_BUF_BASE, 3, __u64), argument));
}

/* Of programs of either kind: the rest is udmabuf_test's. */
TEST(a_memfd_makes_a_buffer_and_a_list_of_parts_does)
{
	struct {
		struct udmabuf_create_list list;
		struct udmabuf_create_item parts[2];
	} request = { .list.count = 2 };
	int memfd, device, whole, parts;

	if (LACKS(UDMABUF))
		SKIP(return, "%s", lack);
	memfd = sealed_memfd(2 * page_size());
	ASSERT_LE(0, memfd);
	whole = udmabuf_create(memfd, 2 * page_size());
	ASSERT_LE(0, whole);
	EXPECT_EQ(2 * (off_t)page_size(), lseek(whole, 0, SEEK_END));

	request.parts[0] = (struct udmabuf_create_item) {
		.memfd = memfd,
		.offset = page_size(),
		.size = page_size(),
	};
	request.parts[1] = request.parts[0];
	device = open(UDMABUF, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, device);
	parts = call_ioctl(device, UDMABUF_CREATE_LIST, &request);
	ASSERT_LE(0, parts);
	EXPECT_EQ(2 * (off_t)page_size(), lseek(parts, 0, SEEK_END));
	close(parts);
	close(device);
	close(whole);
	close(memfd);
}

FIXTURE(waits)
{
	int buffer;
	int timeline;
};

FIXTURE_SETUP(waits)
{
	if (LACKS(SYSTEM_HEAP, SW_SYNC))
		SKIP(return, "%s", lack);
	self->buffer = heap_alloc(page_size());
	ASSERT_LE(0, self->buffer);
	self->timeline = timeline_create();
	ASSERT_LE(0, self->timeline);
}

FIXTURE_TEARDOWN(waits)
{
	close(self->timeline);
	close(self->buffer);
}

struct bracket {
	pthread_t thread;
	int buffer;
	__u64 flags;
	pid_t tid;
	atomic_bool started;
	atomic_bool done;
	int result;
};

static void *open_bracket(void *data)
{
	struct bracket *bracket = data;

	bracket->tid = gettid();
	atomic_store(&bracket->started, true);
	bracket->result = cpu_sync(bracket->buffer, bracket->flags);
	atomic_store(&bracket->done, true);
	return NULL;
}

/* Opens a bracket in a thread; true when it is waiting. */
static bool bracket_waits(struct bracket *bracket)
{
	if (pthread_create(&bracket->thread, NULL, open_bracket, bracket))
		return false;
	while (!atomic_load(&bracket->started))
		usleep(1000);
	return wait_until_asleep(bracket->tid) && !atomic_load(&bracket->done);
}

/* Who opens a bracket for @access sleeps as long as there is a @job to wait for. */
static void expect_wait(struct __test_metadata *_metadata, int buffer, int timeline,
			__u64 access, __u64 job)
{
	struct bracket bracket = {
		.buffer = buffer,
		.flags = DMA_BUF_SYNC_START | access,
	};

	ASSERT_EQ(0, add_job(buffer, job, timeline, 1));
	ASSERT_TRUE(bracket_waits(&bracket));
	ASSERT_EQ(0, timeline_advance(timeline, 1));
	pthread_join(bracket.thread, NULL);
	EXPECT_EQ(0, bracket.result);
}

TEST_F(waits, a_reader_waits_for_a_writing_job)
{
	expect_wait(_metadata, self->buffer, self->timeline,
		    DMA_BUF_SYNC_READ, DMA_BUF_SYNC_WRITE);
}

TEST_F(waits, a_reader_does_not_wait_for_a_reading_job)
{
	ASSERT_EQ(0, add_job(self->buffer, DMA_BUF_SYNC_READ, self->timeline, 1));
	EXPECT_EQ(0, cpu_sync(self->buffer, DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ));
	EXPECT_EQ(0, cpu_sync(self->buffer, DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ));
}

TEST_F(waits, a_writer_waits_for_a_reading_job)
{
	expect_wait(_metadata, self->buffer, self->timeline,
		    DMA_BUF_SYNC_WRITE, DMA_BUF_SYNC_READ);
}

TEST_F(waits, closing_a_bracket_never_waits)
{
	ASSERT_EQ(0, add_job(self->buffer, DMA_BUF_SYNC_WRITE, self->timeline, 1));
	EXPECT_EQ(0, cpu_sync(self->buffer, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW));
}

static void ignore_signal(int signal)
{
}

/* Has a bracket wait for the timeline, and a signal handler run in between. */
static void interrupt_wait(struct __test_metadata *_metadata, struct bracket *bracket,
			   int timeline, int handler_flags)
{
	struct sigaction action = {
		.sa_handler = ignore_signal,
		.sa_flags = handler_flags,
	};

	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
	ASSERT_EQ(0, add_job(bracket->buffer, DMA_BUF_SYNC_WRITE, timeline, 1));
	ASSERT_TRUE(bracket_waits(bracket));
	ASSERT_EQ(0, pthread_kill(bracket->thread, SIGUSR1));
}

TEST_F(waits, a_signal_ends_the_wait_with_eintr)
{
	struct bracket bracket = {
		.buffer = self->buffer,
		.flags = DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ,
	};

	interrupt_wait(_metadata, &bracket, self->timeline, 0);
	pthread_join(bracket.thread, NULL);
	EXPECT_EQ(-EINTR, bracket.result);
	ASSERT_EQ(0, timeline_advance(self->timeline, 1));
	EXPECT_EQ(0, cpu_sync(self->buffer, DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ));
	EXPECT_EQ(0, cpu_sync(self->buffer, DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ));
}

TEST_F(waits, a_handler_that_restarts_calls_resumes_the_wait)
{
	struct bracket bracket = {
		.buffer = self->buffer,
		.flags = DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ,
	};

	interrupt_wait(_metadata, &bracket, self->timeline, SA_RESTART);
	usleep(20000);
	EXPECT_TRUE(wait_until_asleep(bracket.tid));
	EXPECT_FALSE(atomic_load(&bracket.done));
	ASSERT_EQ(0, timeline_advance(self->timeline, 1));
	pthread_join(bracket.thread, NULL);
	EXPECT_EQ(0, bracket.result);
}

TEST_HARNESS_MAIN
