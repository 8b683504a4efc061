// SPDX-License-Identifier: GPL-2.0-only
/* Fences: made, signalled, merged, put into buffers and taken out of them, awaited. */
#include "fence_helpers.h"
#include "fuzz/places.h"
#include "syncobj.h"
#include "worker.h"

/* How far ahead of a timeline fences are, at most. */
#define AHEAD		6

/* Points of a timeline of sync objects, until there is a new one. */
#define POINTS		200

static int *any_fence(struct worker *worker)
{
	return any_fd(worker, worker->fences, FENCES);
}

static int *some_fence(struct worker *worker)
{
	return some_fd(worker, worker->fences, FENCES);
}

static int *some_buffer(struct worker *worker)
{
	return some_fd(worker, worker->buffers, BUFFERS);
}

static struct timeline *any_timeline(struct worker *worker)
{
	return &worker->timelines[random_below(&worker->random, TIMELINES)];
}

/*
 * Timelines
 */

/* What is left on the old one is cancelled. */
static int make_timeline(struct worker *worker)
{
	struct timeline *timeline = any_timeline(worker);

	if (!places.has_sw_sync)
		return -ENOENT;
	timeline->value = 0;
	return keep_fd(&timeline->fd, timeline_create());
}

static int make_fence(struct worker *worker)
{
	struct timeline *timeline = any_timeline(worker);

	if (timeline->fd < 0)
		return -ENOENT;
	return keep_fd(any_fence(worker),
		       fence_create(timeline->fd, timeline->value +
				    random_below(&worker->random, AHEAD)));
}

static int advance(struct worker *worker)
{
	struct timeline *timeline = any_timeline(worker);
	__u32 by = random_below(&worker->random, AHEAD);

	if (timeline->fd < 0)
		return -ENOENT;
	timeline->value += by;
	return timeline_advance(timeline->fd, by);
}

/*
 * Sync files
 */

static int merge(struct worker *worker)
{
	int *a = some_fence(worker), *b = some_fence(worker);

	if (!a || !b)
		return -ENOENT;
	return keep_fd(any_fence(worker), merge_sync_files(*a, *b));
}

static int wait_for_fence(struct worker *worker)
{
	int *fence = some_fence(worker);
	struct pollfd request = { .events = POLLIN };

	if (!fence)
		return -ENOENT;
	request.fd = *fence;
	return poll(&request, 1, random_below(&worker->random, 2)) < 0 ? -errno : 0;
}

static int look(struct worker *worker)
{
	struct sync_fence_info fences[FENCES];
	struct sync_file_info info;
	int *fence = some_fence(worker), err;

	if (!fence)
		return -ENOENT;
	err = read_info(*fence, &info, fences, FENCES);
	/* There may be more of them than there is room for. */
	return err == -EINVAL ? -EAGAIN : err;
}

static int want_by(struct worker *worker)
{
	int *fence = some_fence(worker);

	return fence ? set_deadline(*fence, monotonic_ns()) : -ENOENT;
}

static int close_fence(struct worker *worker)
{
	int *fence = some_fence(worker);

	if (!fence)
		return -ENOENT;
	close(*fence);
	*fence = -1;
	return 0;
}

/*
 * Buffers
 */

static __u32 any_access(struct worker *worker)
{
	return one_in(&worker->random, 2) ? DMA_BUF_SYNC_READ : DMA_BUF_SYNC_WRITE;
}

static int take_out(struct worker *worker)
{
	int *buffer = some_buffer(worker);

	if (!buffer)
		return -ENOENT;
	return keep_fd(any_fence(worker), export_sync_file(*buffer, any_access(worker)));
}

static int put_in(struct worker *worker)
{
	int *buffer = some_buffer(worker), *fence = some_fence(worker);

	if (!buffer || !fence)
		return -ENOENT;
	return import_sync_file(*buffer, any_access(worker), *fence);
}

/*
 * Sync objects
 */

static int make_syncobj(struct worker *worker)
{
	if (worker->renderer < 0 && places.renderers.count)
		worker->renderer = open(path_number(&places.renderers, 0), O_RDWR | O_CLOEXEC);
	if (worker->renderer < 0)
		return -ENOENT;
	if (worker->syncobj)
		syncobj_destroy(worker->renderer, worker->syncobj);
	worker->point = 0;
	worker->syncobj = syncobj_create(worker->renderer, 0);
	return worker->syncobj ? 0 : -ENOMEM;
}

static int add_point(struct worker *worker)
{
	int *fence = some_fence(worker);

	if (!worker->syncobj || !fence || worker->point >= POINTS)
		return -ENOENT;
	return timeline_add(worker->renderer, worker->syncobj, ++worker->point, *fence);
}

static int await_point(struct worker *worker)
{
	__u64 point;

	if (!worker->point)
		return -ENOENT;
	point = 1 + random_below(&worker->random, worker->point);
	return timeline_wait(worker->renderer, worker->syncobj, point, 0, after_ms(2));
}

static int take_point(struct worker *worker)
{
	int fd;

	if (!worker->point)
		return -ENOENT;
	fd = syncobj_export(worker->renderer, worker->syncobj);
	return keep_fd(any_fence(worker), fd);
}

const struct act fence_acts[] = {
	{ "timeline", make_timeline, 5 },
	{ "fence", make_fence, 25 },
	{ "advance", advance, 25 },
	{ "merge", merge, 15 },
	{ "wait for fence", wait_for_fence, 10 },
	{ "info", look, 5 },
	{ "deadline", want_by, 5 },
	{ "close fence", close_fence, 10 },
	{ "export from buffer", take_out, 15 },
	{ "import into buffer", put_in, 20 },
	{ "sync object", make_syncobj, 2 },
	{ "add point", add_point, 10 },
	{ "wait for point", await_point, 3 },
	{ "export point", take_point, 5 },
	{}
};
