// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many threads at once. A kernel with KASAN and lockdep has the last word; what
 * these can see themselves is that nobody reads nonsense and nothing is left.
 */
#include "../kselftest_harness.h"

#include <sys/epoll.h>

#include "bufinfo.h"
#include "workers.h"

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

static int export_and_close(struct worker *worker)
{
	int buffer = heap_alloc(page_size());

	if (buffer < 0)
		return buffer;
	if (worker->round % 3 == 0)
		set_name(buffer, "short-lived");
	return close(buffer);
}

/* Whatever comes and goes, the text is in order and its totals are right. */
static int read_bufinfo(struct worker *worker)
{
	struct bufinfo info;
	int err;

	/* A text takes long to check: a tenth of the rounds do. */
	if (worker->round % 10)
		return 0;
	err = bufinfo_read(&info);
	if (err)
		fprintf(stderr, "# bufinfo: %s\n", info.error);
	bufinfo_free(&info);
	return err;
}

TEST_F(storm, bufinfo_is_read_while_buffers_come_and_go)
{
	struct worker workers[] = {
		{ .work = export_and_close },
		{ .work = export_and_close },
		{ .work = read_bufinfo },
		{ .work = read_bufinfo },
	};

	EXPECT_EQ(0, run_workers(workers, ARRAY_SIZE(workers)));
}

/* Reads one open bufinfo a few bytes at a time, from the start now and then. */
static int read_bufinfo_slowly(struct worker *worker)
{
	char part[100];

	if (worker->round % 50 == 0 && lseek(worker->file, 0, SEEK_SET))
		return -1;
	return read(worker->file, part, sizeof(part)) < 0;
}

TEST_F(storm, slow_readers_keep_their_place_while_buffers_come_and_go)
{
	int files[2] = { open(BUFINFO, O_RDONLY), open(BUFINFO, O_RDONLY) };
	struct worker workers[] = {
		{ .work = export_and_close },
		{ .work = export_and_close },
		{ .work = read_bufinfo_slowly, .file = files[0] },
		{ .work = read_bufinfo_slowly, .file = files[1] },
	};

	ASSERT_LE(0, files[0]);
	ASSERT_LE(0, files[1]);
	EXPECT_EQ(0, run_workers(workers, ARRAY_SIZE(workers)));
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

static int rename_buffer(struct worker *worker)
{
	return set_name(worker->buffer, names[worker->round % 2]);
}

static bool is_shown_name(const char *name)
{
	return !strcmp(name, shown_names[0]) || !strcmp(name, shown_names[1]);
}

static int read_fdinfo(struct worker *worker)
{
	char name[160];

	return fdinfo_line(worker->buffer, "name", name, sizeof(name)) < 0 ||
	       !is_shown_name(name);
}

static int read_link(struct worker *worker)
{
	char link[64], path[256];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", worker->buffer);
	len = readlink(link, path, sizeof(path) - 1);
	if (len < 0)
		return -errno;
	path[len] = '\0';
	return strncmp(path, "/dmabuf:", 8) || !is_shown_name(path + 8);
}

static int read_maps(struct worker *worker)
{
	char *maps, *path;
	bool found;

	if (worker->round % 5)
		return 0;
	maps = read_file("/proc/self/maps");
	path = maps ? strstr(maps, "/dmabuf:") : NULL;
	if (path)
		*strchrnul(path, '\n') = '\0';
	found = path && is_shown_name(path + 8);
	free(maps);
	return !found;
}

static int read_row(struct worker *worker)
{
	struct bufinfo_buffer row;

	if (worker->round % 10)
		return 0;
	return bufinfo_find(inode_number(worker->buffer), &row) ||
	       !is_shown_name(row.name);
}

TEST_F(storm, a_name_that_changes_is_never_seen_torn)
{
	struct worker workers[] = {
		{ .work = rename_buffer, .buffer = self->buffer },
		{ .work = rename_buffer, .buffer = self->buffer },
		{ .work = read_fdinfo, .buffer = self->buffer },
		{ .work = read_link, .buffer = self->buffer },
		{ .work = read_maps, .buffer = self->buffer },
		{ .work = read_row, .buffer = self->buffer },
	};
	void *mapping = mmap(NULL, page_size(), PROT_READ, MAP_SHARED, self->buffer, 0);

	ASSERT_NE(MAP_FAILED, mapping);
	ASSERT_EQ(0, set_name(self->buffer, names[0]));
	EXPECT_EQ(0, run_workers(workers, ARRAY_SIZE(workers)));
	munmap(mapping, page_size());
}

/* A job of a buffer's: a timeline, at whose first point it is done. */
static int job_create(int buffer, __u32 flags)
{
	int job = timeline_create();

	if (job < 0 || !add_job(buffer, flags, job, 1))
		return job;
	close(job);
	return -1;
}

static void job_end(int job)
{
	timeline_advance(job, 1);
	close(job);
}

/*
 * A buffer with a pending job, polled so that the job is watched, goes: before
 * its job is done, at the same moment, or after.
 */
static int watch_and_close(struct worker *worker)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT };
	int buffer = heap_alloc(page_size());
	int job, err = 0;

	if (buffer < 0)
		return buffer;
	job = job_create(buffer, DMA_BUF_SYNC_WRITE);
	if (job < 0)
		return job;
	if (epoll_ctl(worker->file, EPOLL_CTL_ADD, buffer, &event))
		err = -errno;
	ready_now(buffer, POLLIN | POLLOUT);
	if (worker->round % 3 == 0)
		timeline_advance(job, 1);
	atomic_store(worker->passed, job);
	close(buffer);
	/* Unless the other thread was faster. */
	job = atomic_exchange(worker->passed, -1);
	if (job >= 0)
		job_end(job);
	return err;
}

/* Ends the job of whatever buffer is going away right now. */
static int end_job(struct worker *worker)
{
	int job = atomic_exchange(worker->passed, -1);

	if (job >= 0)
		job_end(job);
	else
		sched_yield();
	return 0;
}

static int wait_in_epoll(struct worker *worker)
{
	struct epoll_event events[8];

	return epoll_wait(worker->file, events, ARRAY_SIZE(events), worker->round % 2) < 0;
}

TEST_F(storm, epoll_looks_at_buffers_that_are_being_closed)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	atomic_int jobs[2] = { -1, -1 };
	struct worker workers[] = {
		{ .work = watch_and_close, .file = epoll, .passed = &jobs[0] },
		{ .work = end_job, .passed = &jobs[0] },
		{ .work = watch_and_close, .file = epoll, .passed = &jobs[1] },
		{ .work = end_job, .passed = &jobs[1] },
		{ .work = wait_in_epoll, .file = epoll },
		{ .work = wait_in_epoll, .file = epoll },
	};

	ASSERT_LE(0, epoll);
	EXPECT_EQ(0, run_workers(workers, ARRAY_SIZE(workers)));
	close(epoll);
}

/*
 * Shows the fd to the others for a moment. The number may be another file's
 * afterwards, but never a heap's, which would take some ioctls for its own.
 */
static int publish_and_close(struct worker *worker)
{
	int buffer = heap_alloc_from(worker->file, page_size(), O_RDWR | O_CLOEXEC);

	if (buffer < 0)
		return buffer;
	if (add_job(buffer, DMA_BUF_SYNC_WRITE, worker->timeline, 1))
		return -1;
	atomic_store(worker->passed, buffer);
	sched_yield();
	return close(buffer);
}

/* The fd may be closed, or another file by now: only a crash is a failure. */
static int use_what_is_published(struct worker *worker)
{
	struct pollfd request = {
		.fd = atomic_load(worker->passed),
		.events = POLLIN | POLLOUT,
	};
	char value[64];
	int fence;

	if (request.fd < 0)
		return 0;
	poll(&request, 1, worker->round % 4 == 0);
	switch (worker->round % 4) {
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
	struct worker workers[] = {
		{
			.work = publish_and_close,
			.timeline = self->timeline,
			.file = heap,
			.passed = &target,
		},
		{ .work = use_what_is_published, .passed = &target },
		{ .work = use_what_is_published, .passed = &target },
		{ .work = read_bufinfo },
	};

	ASSERT_LE(0, heap);
	EXPECT_EQ(0, run_workers(workers, ARRAY_SIZE(workers)));
	close(heap);
}

static int import_and_signal(struct worker *worker)
{
	int job = job_create(worker->buffer,
			     worker->round % 2 ? DMA_BUF_SYNC_READ : DMA_BUF_SYNC_WRITE);

	if (job < 0)
		return job;
	job_end(job);
	return 0;
}

static int export_and_check(struct worker *worker)
{
	int exported = export_sync_file(worker->buffer, DMA_BUF_SYNC_RW);

	if (exported < 0)
		return exported;
	has_signalled(exported);
	return close(exported);
}

/* Every job ends soon, so that a poll without a timeout that hangs is a failure. */
static int wait_in_poll(struct worker *worker)
{
	struct pollfd request = {
		.fd = worker->buffer,
		.events = worker->round % 2 ? POLLIN : POLLOUT,
	};

	return poll(&request, 1, PATIENCE) != 1;
}

TEST_F(storm, no_waiter_misses_the_end_of_the_last_job)
{
	struct worker workers[] = {
		{ .work = import_and_signal, .buffer = self->buffer },
		{ .work = import_and_signal, .buffer = self->buffer },
		{ .work = export_and_check, .buffer = self->buffer },
		{ .work = wait_in_poll, .buffer = self->buffer },
		{ .work = wait_in_poll, .buffer = self->buffer },
	};

	EXPECT_EQ(0, run_workers(workers, ARRAY_SIZE(workers)));
	EXPECT_EQ(POLLIN | POLLOUT, ready_now(self->buffer, POLLIN | POLLOUT));
}

static int map_and_touch(struct worker *worker)
{
	char *data = mmap(NULL, page_size(), PROT_READ | PROT_WRITE, MAP_SHARED,
			  worker->buffer, 0);

	if (data == MAP_FAILED)
		return -errno;
	data[worker->round % page_size()]++;
	return munmap(data, page_size());
}

static int bracket(struct worker *worker)
{
	return cpu_sync(worker->buffer, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW) ||
	       cpu_sync(worker->buffer, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW);
}

TEST_F(storm, mappings_and_brackets_mix)
{
	struct worker workers[] = {
		{ .work = map_and_touch, .buffer = self->buffer },
		{ .work = map_and_touch, .buffer = self->buffer },
		{ .work = bracket, .buffer = self->buffer },
		{ .work = bracket, .buffer = self->buffer },
	};

	EXPECT_EQ(0, run_workers(workers, ARRAY_SIZE(workers)));
	EXPECT_EQ(1, reference_count(self->buffer));
}

TEST_HARNESS_MAIN
