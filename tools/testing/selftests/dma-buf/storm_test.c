// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many threads at once. A kernel with KASAN and lockdep has the last word; what
 * these can see themselves is that nobody reads nonsense and nothing is left.
 */
#include "../kselftest_harness.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/epoll.h>

#include "bufinfo.h"

/*
 * Rounds of one thread, not seconds: an emulator that checks all memory accesses
 * must do the work as well, within the harness' time limit.
 */
#define ROUNDS	500

FIXTURE(storm)
{
	int buffers_before;
	int buffer;
	int timeline;
};

FIXTURE_SETUP(storm)
{
	if (LACKS(SYSTEM_HEAP, SW_SYNC, BUFINFO))
		SKIP(return, "%s", lack);
	self->buffers_before = count_buffers();
	ASSERT_LE(0, self->buffers_before);
	self->buffer = heap_alloc(page_size());
	ASSERT_LE(0, self->buffer);
	self->timeline = timeline_create();
	ASSERT_LE(0, self->timeline);
}

FIXTURE_TEARDOWN(storm)
{
	close(self->timeline);
	close(self->buffer);
	EXPECT_TRUE(wait_for_buffers(self->buffers_before));
}

struct job;

/* One thread of a storm: what it does ROUNDS times, and how often that failed. */
struct gust {
	pthread_t thread;
	int (*blow)(struct gust *gust, int round);
	int buffer;
	int timeline;
	/* An epoll, a bufinfo, a heap: what the thread works with. */
	int file;
	/* A fd that somebody else closes, or what it was. */
	atomic_int *target;
	/* A job that is going to be ended by who takes it. */
	struct job **job;
	int failures;
};

static void *gust_run(void *data)
{
	struct gust *gust = data;
	int round;

	for (round = 0; round < ROUNDS; round++)
		gust->failures += !!gust->blow(gust, round);
	return NULL;
}

/* All at once; the sum of their failures, or -1. */
static int storm(struct gust *gusts, size_t count)
{
	int failures = 0;
	size_t i;

	for (i = 0; i < count; i++)
		if (pthread_create(&gusts[i].thread, NULL, gust_run, &gusts[i]))
			return -1;
	for (i = 0; i < count; i++) {
		pthread_join(gusts[i].thread, NULL);
		failures += gusts[i].failures;
	}
	return failures;
}

static int export_and_close(struct gust *gust, int round)
{
	int buffer = heap_alloc(page_size());

	if (buffer < 0)
		return buffer;
	if (round % 3 == 0)
		set_name(buffer, "short-lived");
	return close(buffer);
}

/* Whatever comes and goes, the text is in order and its totals are right. */
static int read_bufinfo(struct gust *gust, int round)
{
	struct bufinfo info;
	int err;

	/* A text takes long to check: a tenth of the rounds do. */
	if (round % 10)
		return 0;
	err = bufinfo_read(&info);
	if (err)
		fprintf(stderr, "# bufinfo: %s\n", info.error);
	bufinfo_free(&info);
	return err;
}

TEST_F(storm, bufinfo_is_read_while_buffers_come_and_go)
{
	struct gust gusts[] = {
		{ .blow = export_and_close },
		{ .blow = export_and_close },
		{ .blow = read_bufinfo },
		{ .blow = read_bufinfo },
	};

	EXPECT_EQ(0, storm(gusts, ARRAY_SIZE(gusts)));
}

/* Reads one open bufinfo a few bytes at a time, from the start now and then. */
static int read_bufinfo_slowly(struct gust *gust, int round)
{
	char part[100];

	if (round % 50 == 0 && lseek(gust->file, 0, SEEK_SET))
		return -1;
	return read(gust->file, part, sizeof(part)) < 0;
}

TEST_F(storm, slow_readers_keep_their_place_while_buffers_come_and_go)
{
	int files[2] = { open(BUFINFO, O_RDONLY), open(BUFINFO, O_RDONLY) };
	struct gust gusts[] = {
		{ .blow = export_and_close },
		{ .blow = export_and_close },
		{ .blow = read_bufinfo_slowly, .file = files[0] },
		{ .blow = read_bufinfo_slowly, .file = files[1] },
	};

	ASSERT_LE(0, files[0]);
	ASSERT_LE(0, files[1]);
	EXPECT_EQ(0, storm(gusts, ARRAY_SIZE(gusts)));
	close(files[0]);
	close(files[1]);
}

/* Two names that no mixture of looks like. */
static const char *const names[] = {
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "b\nb",
};

static const char *const shown_names[] = {
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "b\\012b",
};

static int rename_buffer(struct gust *gust, int round)
{
	return set_name(gust->buffer, names[round % 2]);
}

static bool is_shown_name(const char *name)
{
	return !strcmp(name, shown_names[0]) || !strcmp(name, shown_names[1]);
}

static int read_fdinfo(struct gust *gust, int round)
{
	char name[160];

	return fdinfo_line(gust->buffer, "name", name, sizeof(name)) < 0 ||
	       !is_shown_name(name);
}

static int read_link(struct gust *gust, int round)
{
	char link[64], path[256];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", gust->buffer);
	len = readlink(link, path, sizeof(path) - 1);
	if (len < 0)
		return -errno;
	path[len] = '\0';
	return strncmp(path, "/dmabuf:", 8) || !is_shown_name(path + 8);
}

static int read_maps(struct gust *gust, int round)
{
	char *maps, *path;
	bool found;

	if (round % 5)
		return 0;
	maps = read_file("/proc/self/maps");
	path = maps ? strstr(maps, "/dmabuf:") : NULL;
	if (path)
		*strchrnul(path, '\n') = '\0';
	found = path && is_shown_name(path + 8);
	free(maps);
	return !found;
}

static int read_row(struct gust *gust, int round)
{
	struct bufinfo_buffer row;

	if (round % 10)
		return 0;
	return bufinfo_find(inode_number(gust->buffer), &row) ||
	       !is_shown_name(row.name);
}

TEST_F(storm, a_name_that_changes_is_never_seen_torn)
{
	struct gust gusts[] = {
		{ .blow = rename_buffer, .buffer = self->buffer },
		{ .blow = rename_buffer, .buffer = self->buffer },
		{ .blow = read_fdinfo, .buffer = self->buffer },
		{ .blow = read_link, .buffer = self->buffer },
		{ .blow = read_maps, .buffer = self->buffer },
		{ .blow = read_row, .buffer = self->buffer },
	};
	void *mapping = mmap(NULL, page_size(), PROT_READ, MAP_SHARED, self->buffer, 0);

	ASSERT_NE(MAP_FAILED, mapping);
	ASSERT_EQ(0, set_name(self->buffer, names[0]));
	EXPECT_EQ(0, storm(gusts, ARRAY_SIZE(gusts)));
	munmap(mapping, page_size());
}

/*
 * A job and what ends it. Its fence is held on to until the timeline is gone:
 * sw_sync, for tests only, isn't made to lose a fence while it signals it.
 */
struct job {
	int timeline;
	int fence;
};

static struct job *job_create(int buffer, __u32 flags)
{
	struct job *job = malloc(sizeof(*job));

	if (!job)
		return NULL;
	job->timeline = timeline_create();
	job->fence = fence_create(job->timeline, 1);
	if (job->fence >= 0 && !import_sync_file(buffer, flags, job->fence))
		return job;
	close(job->fence);
	close(job->timeline);
	free(job);
	return NULL;
}

static void job_end(struct job *job)
{
	timeline_advance(job->timeline, 1);
	close(job->timeline);
	close(job->fence);
	free(job);
}

/*
 * A buffer with a pending job, polled so that the job is watched, goes: before
 * its job is done, at the same moment, or after.
 */
static int watch_and_close(struct gust *gust, int round)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT };
	int buffer = heap_alloc(page_size());
	struct job *job;
	int err = 0;

	if (buffer < 0)
		return buffer;
	job = job_create(buffer, DMA_BUF_SYNC_WRITE);
	if (!job)
		return -1;
	if (epoll_ctl(gust->file, EPOLL_CTL_ADD, buffer, &event))
		err = -errno;
	ready_now(buffer, POLLIN | POLLOUT);
	if (round % 3 == 0)
		timeline_advance(job->timeline, 1);
	__atomic_store_n(gust->job, job, __ATOMIC_SEQ_CST);
	close(buffer);
	/* Unless the other thread was faster. */
	job = __atomic_exchange_n(gust->job, NULL, __ATOMIC_SEQ_CST);
	if (job)
		job_end(job);
	return err;
}

/* Ends the job of whatever buffer is going away right now. */
static int end_job(struct gust *gust, int round)
{
	struct job *job = __atomic_exchange_n(gust->job, NULL, __ATOMIC_SEQ_CST);

	if (job)
		job_end(job);
	else
		sched_yield();
	return 0;
}

static int wait_in_epoll(struct gust *gust, int round)
{
	struct epoll_event events[8];

	return epoll_wait(gust->file, events, ARRAY_SIZE(events), round % 2) < 0;
}

TEST_F(storm, epoll_looks_at_buffers_that_are_being_closed)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct job *jobs[2] = {};
	struct gust gusts[] = {
		{ .blow = watch_and_close, .file = epoll, .job = &jobs[0] },
		{ .blow = end_job, .job = &jobs[0] },
		{ .blow = watch_and_close, .file = epoll, .job = &jobs[1] },
		{ .blow = end_job, .job = &jobs[1] },
		{ .blow = wait_in_epoll, .file = epoll },
		{ .blow = wait_in_epoll, .file = epoll },
	};

	ASSERT_LE(0, epoll);
	EXPECT_EQ(0, storm(gusts, ARRAY_SIZE(gusts)));
	close(epoll);
}

/*
 * Shows the fd to the others for a moment. The number may be another file's
 * afterwards, but never a heap's, which would take some ioctls for its own.
 */
static int publish_and_close(struct gust *gust, int round)
{
	int buffer = heap_alloc_from(gust->file, page_size(), O_RDWR | O_CLOEXEC);

	if (buffer < 0)
		return buffer;
	if (add_job(buffer, DMA_BUF_SYNC_WRITE, gust->timeline, 1))
		return -1;
	atomic_store(gust->target, buffer);
	sched_yield();
	return close(buffer);
}

/* The fd may be closed, or another file by now: only a crash is a failure. */
static int use_what_is_published(struct gust *gust, int round)
{
	struct pollfd request = {
		.fd = atomic_load(gust->target),
		.events = POLLIN | POLLOUT,
	};
	char value[64];
	int fence;

	if (request.fd < 0)
		return 0;
	poll(&request, 1, round % 4 == 0);
	switch (round % 4) {
	case 0:
		cpu_sync(request.fd, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW);
		break;
	case 1:
		fdinfo_line(request.fd, "count", value, sizeof(value));
		break;
	case 2:
		set_name(request.fd, "somebody else's");
		break;
	case 3:
		fence = export_sync_file(request.fd, DMA_BUF_SYNC_RW);
		if (fence >= 0)
			close(fence);
		break;
	}
	return 0;
}

TEST_F(storm, every_call_may_meet_a_close)
{
	int heap = open(SYSTEM_HEAP, O_RDONLY);
	atomic_int target = -1;
	struct gust gusts[] = {
		{
			.blow = publish_and_close,
			.timeline = self->timeline,
			.file = heap,
			.target = &target,
		},
		{ .blow = use_what_is_published, .target = &target },
		{ .blow = use_what_is_published, .target = &target },
		{ .blow = read_bufinfo },
	};

	ASSERT_LE(0, heap);
	EXPECT_EQ(0, storm(gusts, ARRAY_SIZE(gusts)));
	close(heap);
}

static int import_and_signal(struct gust *gust, int round)
{
	struct job *job = job_create(gust->buffer, round % 2 ? DMA_BUF_SYNC_READ :
				     DMA_BUF_SYNC_WRITE);

	if (!job)
		return -1;
	job_end(job);
	return 0;
}

static int export_and_check(struct gust *gust, int round)
{
	int exported = export_sync_file(gust->buffer, DMA_BUF_SYNC_RW);

	if (exported < 0)
		return exported;
	has_signalled(exported);
	return close(exported);
}

/* Every job ends soon, so that a poll without a timeout that hangs is a failure. */
static int wait_in_poll(struct gust *gust, int round)
{
	struct pollfd request = {
		.fd = gust->buffer,
		.events = round % 2 ? POLLIN : POLLOUT,
	};

	return poll(&request, 1, PATIENCE) != 1;
}

TEST_F(storm, no_waiter_misses_the_end_of_the_last_job)
{
	struct gust gusts[] = {
		{ .blow = import_and_signal, .buffer = self->buffer },
		{ .blow = import_and_signal, .buffer = self->buffer },
		{ .blow = export_and_check, .buffer = self->buffer },
		{ .blow = wait_in_poll, .buffer = self->buffer },
		{ .blow = wait_in_poll, .buffer = self->buffer },
	};

	EXPECT_EQ(0, storm(gusts, ARRAY_SIZE(gusts)));
	EXPECT_EQ(POLLIN | POLLOUT, ready_now(self->buffer, POLLIN | POLLOUT));
}

static int map_and_touch(struct gust *gust, int round)
{
	char *data = mmap(NULL, page_size(), PROT_READ | PROT_WRITE, MAP_SHARED,
			  gust->buffer, 0);

	if (data == MAP_FAILED)
		return -errno;
	data[round % page_size()]++;
	return munmap(data, page_size());
}

static int bracket(struct gust *gust, int round)
{
	return cpu_sync(gust->buffer, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW) ||
	       cpu_sync(gust->buffer, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW);
}

TEST_F(storm, mappings_and_brackets_mix)
{
	struct gust gusts[] = {
		{ .blow = map_and_touch, .buffer = self->buffer },
		{ .blow = map_and_touch, .buffer = self->buffer },
		{ .blow = bracket, .buffer = self->buffer },
		{ .blow = bracket, .buffer = self->buffer },
	};

	EXPECT_EQ(0, storm(gusts, ARRAY_SIZE(gusts)));
	EXPECT_EQ(1, reference_count(self->buffer));
}

TEST_HARNESS_MAIN
