// SPDX-License-Identifier: GPL-2.0-only
/*
 * Great numbers: of buffers, of attachments of one buffer, of processes that share one.
 * They are all there, do what one alone does, and are gone again. LOAD_BUFFERS,
 * LOAD_ATTACHMENTS and LOAD_PROCESSES in the environment are other numbers, for
 * machines with less memory.
 */
#include "../kselftest_harness.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "bufinfo.h"
#include "load.h"
#include "test_device.h"
#include "udmabuf_helpers.h"

/*
 * Buffers
 */

/* What makes buffers, and what the number of them is. */
struct maker {
	int (*make)(const struct maker *maker);
	int device;
	int memfd;
	size_t count;
	int *fds;
	/* How many buffers there were before. */
	int before;
};

static int make_on_test_device(const struct maker *maker)
{
	int fd, id = test_export(maker->device, 0, page_size(), &fd);

	if (id < 0)
		return id;
	/* The fd alone keeps it. */
	return test_call(maker->device, DMA_BUF_TEST_IOC_DROP, id) ?: fd;
}

static int make_on_heap(const struct maker *maker)
{
	return heap_alloc_from(maker->device, page_size(), O_RDWR | O_CLOEXEC);
}

/* All have the same page. */
static int make_of_memfd(const struct maker *maker)
{
	return create(maker->device, maker->memfd, 0, page_size());
}

/* How many there are now, or what the call returned that made none. */
static long make_all(const struct maker *maker)
{
	size_t i;

	for (i = 0; i < maker->count; i++) {
		maker->fds[i] = maker->make(maker);
		if (maker->fds[i] < 0)
			return maker->fds[i];
	}
	return i;
}

/* What there is before, and what it takes to have so many more. */
static bool set_up(struct maker *maker, const char *device,
		   int (*make)(const struct maker *maker))
{
	maker->count = number_from("LOAD_BUFFERS", 100000);
	maker->make = make;
	maker->device = open(device, O_RDWR | O_CLOEXEC);
	maker->memfd = sealed_memfd(page_size());
	maker->fds = calloc(maker->count, sizeof(*maker->fds));
	maker->before = count_buffers();
	return maker->device >= 0 && maker->memfd >= 0 && maker->fds &&
	       maker->before >= 0 && !allow_files(maker->count);
}

static int compare_inodes(const void *a, const void *b)
{
	unsigned long long x = ((const struct bufinfo_buffer *)a)->ino;
	unsigned long long y = ((const struct bufinfo_buffer *)b)->ino;

	return x < y ? -1 : x > y;
}

/* Sorts them. */
static int count_inodes(struct bufinfo *info)
{
	struct bufinfo_buffer *buffers = info->buffers;
	int i, inodes = info->count > 0;

	qsort(buffers, info->count, sizeof(*buffers), compare_inodes);
	for (i = 1; i < info->count; i++)
		inodes += buffers[i].ino != buffers[i - 1].ino;
	return inodes;
}

/* One page. */
static bool can_be_used(int fd)
{
	char *data = map_shared(fd, page_size());
	bool good = false;

	if (data) {
		number_page(data, fd);
		good = page_has_number(data, fd);
		munmap(data, page_size());
	}
	return good;
}

FIXTURE(buffers)
{
	struct maker maker;
};

FIXTURE_VARIANT(buffers)
{
	const char *device;
	int (*make)(const struct maker *maker);
};

FIXTURE_VARIANT_ADD(buffers, of_the_test_device) {
	.device = TEST_DEVICE,
	.make = make_on_test_device,
};

FIXTURE_VARIANT_ADD(buffers, of_a_heap) {
	.device = SYSTEM_HEAP,
	.make = make_on_heap,
};

FIXTURE_VARIANT_ADD(buffers, of_a_memfd) {
	.device = UDMABUF,
	.make = make_of_memfd,
};

FIXTURE_SETUP(buffers)
{
	if (LACKS(BUFINFO, variant->device))
		SKIP(return, "%s", lack);
	ASSERT_TRUE(set_up(&self->maker, variant->device, variant->make));
}

FIXTURE_TEARDOWN(buffers)
{
	free(self->maker.fds);
}

TEST_F_TIMEOUT(buffers, are_all_there_and_then_gone, LONG_TIME)
{
	struct maker *maker = &self->maker;
	struct bufinfo info;

	ASSERT_EQ((long)maker->count, make_all(maker));
	ASSERT_EQ(0, bufinfo_read(&info)) TH_LOG("%s", info.error);
	EXPECT_EQ(maker->before + (int)maker->count, info.count);
	EXPECT_EQ(info.count, count_inodes(&info));
	bufinfo_free(&info);
	EXPECT_TRUE(can_be_used(maker->fds[0]));
	EXPECT_TRUE(can_be_used(maker->fds[maker->count - 1]));
	close_all(maker->fds, maker->count);
	EXPECT_TRUE(wait_for_buffers(maker->before));
}

FIXTURE(owner)
{
	struct maker maker;
};

FIXTURE_SETUP(owner)
{
	if (LACKS(BUFINFO, SYSTEM_HEAP))
		SKIP(return, "%s", lack);
	ASSERT_TRUE(set_up(&self->maker, SYSTEM_HEAP, make_on_heap));
}

FIXTURE_TEARDOWN(owner)
{
	free(self->maker.fds);
}

/* A child that makes them and keeps them; 0 when it can't. */
static pid_t fork_owner(const struct maker *maker)
{
	bool made = false;
	int ends[2];
	pid_t child;

	if (pipe2(ends, O_CLOEXEC))
		return 0;
	child = fork();
	if (!child) {
		made = make_all(maker) == (long)maker->count;
		if (write(ends[1], &made, sizeof(made)) > 0 && made)
			pause();
		_exit(1);
	}
	close(ends[1]);
	if (read(ends[0], &made, sizeof(made)) != sizeof(made) || !made) {
		waitpid(child, NULL, 0);
		child = 0;
	}
	close(ends[0]);
	return child;
}

TEST_F_TIMEOUT(owner, is_killed_with_all_buffers, LONG_TIME)
{
	struct maker *maker = &self->maker;
	pid_t owner = fork_owner(maker);

	ASSERT_LT(0, owner);
	EXPECT_EQ(maker->before + (int)maker->count, count_buffers());
	EXPECT_EQ(0, kill(owner, SIGKILL));
	EXPECT_EQ(owner, waitpid(owner, NULL, 0));
	EXPECT_TRUE(wait_for_buffers(maker->before));
}

/*
 * Attachments
 */

/* A buffer, and what is attached to it. */
struct crowd {
	int test;
	__u32 buffer;
	int fd;
	size_t count;
	__u32 *ids;
};

static int map_one(struct crowd *crowd, __u32 id)
{
	return test_map(crowd->test, id, DMA_BUF_TEST_BOTH);
}

static int unmap_one(struct crowd *crowd, __u32 id)
{
	return test_call(crowd->test, DMA_BUF_TEST_IOC_UNMAP, id);
}

static int detach_one(struct crowd *crowd, __u32 id)
{
	return test_call(crowd->test, DMA_BUF_TEST_IOC_DETACH, id);
}

/* 0 if it was told of a move once, and its table is of what was before. */
static int look_at_one(struct crowd *crowd, __u32 id)
{
	struct dma_buf_test_attachment_state state = test_attachment_state(crowd->test, id);

	return state.notices == 1 && state.stale ? 0 : -EINVAL;
}

/* Returns for how many it went well, the oldest first. */
static size_t do_to_all(struct crowd *crowd, int (*act)(struct crowd *crowd, __u32 id))
{
	size_t i, done = 0;

	for (i = 0; i < crowd->count; i++)
		done += !act(crowd, crowd->ids[i]);
	return done;
}

static void reverse(struct crowd *crowd)
{
	size_t i, count = crowd->count;

	for (i = 0; i < count / 2; i++) {
		__u32 id = crowd->ids[i];

		crowd->ids[i] = crowd->ids[count - 1 - i];
		crowd->ids[count - 1 - i] = id;
	}
}

/* How many there are in the end, with a share for each of some devices. */
static size_t attach_all(struct crowd *crowd, __u32 device_flags, size_t devices)
{
	size_t share = (crowd->count + devices - 1) / devices, i;
	int device = -1, id;

	for (i = 0; i < crowd->count; i++) {
		if (i % share == 0)
			device = test_device(crowd->test, device_flags);
		id = device < 0 ? device : test_attach(crowd->test, device, crowd->fd);
		if (id < 0)
			break;
		crowd->ids[i] = id;
	}
	return i;
}

/* How many bufinfo shows, or -1. */
static long count_attached(struct crowd *crowd)
{
	struct bufinfo_buffer row;

	return bufinfo_find(inode_number(crowd->fd), &row) || row.busy ? -1 : row.devices;
}

static size_t count_mapped(struct crowd *crowd)
{
	return test_buffer_state(crowd->test, crowd->buffer).mappings;
}

/* Has all attached and mapped; false when it can't. */
static bool gather(struct crowd *crowd, __u32 buffer_flags, __u32 device_flags, size_t devices)
{
	int buffer;

	crowd->count = number_from("LOAD_ATTACHMENTS", 10000);
	crowd->ids = calloc(crowd->count, sizeof(*crowd->ids));
	crowd->test = test_open();
	buffer = test_export(crowd->test, buffer_flags, page_size(), &crowd->fd);
	crowd->buffer = buffer;
	return crowd->ids && buffer > 0 &&
	       attach_all(crowd, device_flags, devices) == crowd->count &&
	       do_to_all(crowd, map_one) == crowd->count;
}

static void expect_to_go(struct __test_metadata *_metadata, struct crowd *crowd)
{
	EXPECT_EQ((long)crowd->count, count_attached(crowd));
	EXPECT_EQ(crowd->count, count_mapped(crowd));
	EXPECT_EQ(crowd->count, do_to_all(crowd, unmap_one));
	EXPECT_EQ((long)crowd->count, count_attached(crowd));
	EXPECT_EQ(crowd->count, do_to_all(crowd, detach_one));
	EXPECT_EQ(0, count_attached(crowd));
	EXPECT_EQ(0U, count_mapped(crowd));
}

FIXTURE(attachments)
{
	struct crowd crowd;
};

FIXTURE_VARIANT(attachments)
{
	__u32 buffer_flags;
	size_t devices;
};

FIXTURE_VARIANT_ADD(attachments, of_one_device) { .devices = 1 };
FIXTURE_VARIANT_ADD(attachments, of_many_devices) { .devices = 500 };

FIXTURE_VARIANT_ADD(attachments, whose_tables_stay) {
	.buffer_flags = DMA_BUF_TEST_CACHED,
	.devices = 1,
};

FIXTURE_SETUP(attachments)
{
	if (LACKS(BUFINFO, TEST_DEVICE))
		SKIP(return, "%s", lack);
	if (mappings_are_counted())
		SKIP(return, "needs dma_debug=off");
	ASSERT_TRUE(gather(&self->crowd, variant->buffer_flags, 0, variant->devices));
}

FIXTURE_TEARDOWN(attachments)
{
	free(self->crowd.ids);
}

TEST_F_TIMEOUT(attachments, are_detached_in_their_order, LONG_TIME)
{
	expect_to_go(_metadata, &self->crowd);
}

TEST_F_TIMEOUT(attachments, are_detached_the_last_first, LONG_TIME)
{
	reverse(&self->crowd);
	expect_to_go(_metadata, &self->crowd);
}

TEST_F_TIMEOUT(attachments, go_with_the_devices_file, LONG_TIME)
{
	struct crowd *crowd = &self->crowd;

	EXPECT_EQ((long)crowd->count, count_attached(crowd));
	close(crowd->test);
	EXPECT_EQ(0, count_attached(crowd));
	/* Neither the file nor an attachment has it any more. */
	EXPECT_EQ(1, reference_count(crowd->fd));
}

FIXTURE(followers)
{
	struct crowd crowd;
};

FIXTURE_SETUP(followers)
{
	if (LACKS(BUFINFO, TEST_DEVICE))
		SKIP(return, "%s", lack);
	if (mappings_are_counted())
		SKIP(return, "needs dma_debug=off");
	ASSERT_TRUE(gather(&self->crowd, DMA_BUF_TEST_DYNAMIC, DMA_BUF_TEST_FOLLOWS_MOVES, 1));
}

FIXTURE_TEARDOWN(followers)
{
	free(self->crowd.ids);
}

TEST_F_TIMEOUT(followers, are_all_told_of_a_move, LONG_TIME)
{
	struct crowd *crowd = &self->crowd;

	if (test_buffer_state(crowd->test, crowd->buffer).pins)
		SKIP(return, "mappings pin: DMABUF_MOVE_NOTIFY is off");
	ASSERT_EQ(0, test_move(crowd->test, crowd->buffer, DMA_BUF_TEST_SYSTEM));
	EXPECT_EQ(crowd->count, do_to_all(crowd, look_at_one));
	expect_to_go(_metadata, crowd);
}

/*
 * Processes
 */

/* What many processes have. */
struct share {
	size_t count;
	/* The first page has a pattern; behind it, each process has a cell. */
	size_t size;
	int fd;
	/* How many have read the pattern and written to their cell. */
	atomic_size_t *arrived;
	/* They wait for its other end to be closed. */
	int gate[2];
};

static bool has_share(const char *data)
{
	return has_pattern(data, page_size(), 1);
}

static atomic_uint *cells_of(char *data)
{
	return (atomic_uint *)(data + page_size());
}

/* How many of the cells are as their processes wrote them. */
static size_t count_written(const struct share *share, char *data)
{
	size_t i, written = 0;

	for (i = 0; i < share->count; i++)
		written += atomic_load(&cells_of(data)[i]) == i + 1;
	return written;
}

/* What a process returns. */
static int take_part(struct share *share, size_t number, bool writes_on)
{
	char *data = map_shared(share->fd, share->size), byte;
	bool good = data && has_share(data);

	if (good)
		atomic_store(&cells_of(data)[number], number + 1);
	atomic_fetch_add(share->arrived, 1);
	while (good && writes_on)
		atomic_store(&cells_of(data)[number], number + 1);
	close(share->gate[1]);
	good = good && !read(share->gate[0], &byte, 1);
	return !good || !has_share(data) || count_written(share, data) != share->count;
}

static pid_t fork_one(struct share *share, size_t number, bool writes_on)
{
	pid_t child = fork();

	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(take_part(share, number, writes_on));
	}
	return child;
}

/* All but one, who would not leave the others much time; returns how many there are. */
static size_t fork_others(struct share *share, size_t but)
{
	size_t i, children = 0;

	for (i = 0; i < share->count; i++) {
		if (i != but)
			children += fork_one(share, i, false) > 0;
	}
	return children;
}

static void wait_for_arrival(const struct share *share)
{
	while (atomic_load(share->arrived) < share->count)
		usleep(10000);
}

/* How many of all children returned 0. */
static size_t count_good_ends(void)
{
	size_t good = 0;
	int status;

	while (wait(&status) > 0)
		good += WIFEXITED(status) && !WEXITSTATUS(status);
	return good;
}

/* What a process had open is let go of when it is gone, or a little later. */
static bool comes_to_references(int fd, size_t count)
{
	int tries;

	for (tries = 0; tries < PATIENCE / 10; tries++) {
		if (reference_count(fd) == (long)count)
			return true;
		usleep(10000);
	}
	ksft_print_msg("%ld references, not %zu\n", reference_count(fd), count);
	return false;
}

FIXTURE(sharing)
{
	struct share share;
};

FIXTURE_VARIANT(sharing)
{
	const char *device;
	int (*make)(size_t size);
};

static int make_large_on_test_device(size_t size)
{
	int test = test_open(), fd;

	if (test < 0)
		return test;
	test_export(test, 0, size, &fd);
	close(test);
	return fd;
}

FIXTURE_VARIANT_ADD(sharing, of_the_test_device) {
	.device = TEST_DEVICE,
	.make = make_large_on_test_device,
};

FIXTURE_VARIANT_ADD(sharing, of_a_heap) {
	.device = SYSTEM_HEAP,
	.make = heap_alloc,
};

/* Who is forked must not inherit a mapping: it is to make its own. */
FIXTURE_SETUP(sharing)
{
	struct share *share = &self->share;
	char *data;

	if (LACKS(BUFINFO, variant->device))
		SKIP(return, "%s", lack);
	share->count = number_from("LOAD_PROCESSES", 1000);
	share->size = page_size() + share->count * sizeof(__u32);
	share->size = (share->size + page_size() - 1) & -page_size();
	share->fd = variant->make(share->size);
	ASSERT_LE(0, share->fd);
	data = map_shared(share->fd, share->size);
	ASSERT_NE(NULL, data);
	fill_pattern(data, page_size(), 1);
	munmap(data, share->size);
	share->arrived = mmap(NULL, page_size(), PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, share->arrived);
	ASSERT_EQ(0, pipe2(share->gate, O_CLOEXEC));
}

FIXTURE_TEARDOWN(sharing)
{
}

/* One of them is killed while it writes; each of the others has a fd and a mapping. */
TEST_F_TIMEOUT(sharing, outlasts_one_who_is_killed, LONG_TIME)
{
	struct share *share = &self->share;
	size_t victim = share->count / 2, others = share->count - 1;
	pid_t child;
	char *data;

	ASSERT_EQ(1, reference_count(share->fd));
	ASSERT_EQ(others, fork_others(share, victim));
	child = fork_one(share, victim, true);
	ASSERT_LT(0, child);
	wait_for_arrival(share);
	EXPECT_EQ((long)(1 + 2 * share->count), reference_count(share->fd));

	ASSERT_EQ(0, kill(child, SIGKILL));
	EXPECT_EQ(child, waitpid(child, NULL, 0));
	EXPECT_TRUE(comes_to_references(share->fd, 1 + 2 * others));

	close(share->gate[1]);
	EXPECT_EQ(others, count_good_ends());
	EXPECT_TRUE(comes_to_references(share->fd, 1));
	data = map_shared(share->fd, share->size);
	ASSERT_NE(NULL, data);
	EXPECT_TRUE(has_share(data));
	EXPECT_EQ(share->count, count_written(share, data));
	munmap(data, share->size);
}

TEST_HARNESS_MAIN
