/* SPDX-License-Identifier: GPL-2.0-only */
/* Storms: threads that do the same things all over, all at once. */
#ifndef WORKERS_H
#define WORKERS_H

#include <pthread.h>
#include <stdatomic.h>

#include "dmabuf_helpers.h"

/*
 * A storm has that many rounds if there is time for them. A guest that is emulated
 * and checks all memory accesses may be a hundred times slower than the machine, and
 * the harness kills what takes half a minute: there it ends earlier, but not before
 * everybody has met everybody.
 */
#define MOST_ROUNDS	1500
#define LEAST_ROUNDS	50
#define STORM_NS	1000000000ULL

static inline __u64 storm_end(void)
{
	return monotonic_ns() + STORM_NS;
}

static inline bool another_round(int round, __u64 end)
{
	if (round < LEAST_ROUNDS)
		return true;
	return round < MOST_ROUNDS && monotonic_ns() < end;
}

/* What the threads of a storm go by. */
struct storm {
	__u64 end;
	/* How many of those that don't follow are at work. */
	atomic_int leaders;
	atomic_bool failed;
};

struct worker {
	pthread_t thread;
	/* Returns nonzero when something is wrong. */
	int (*work)(struct worker *worker);
	/* It doesn't count its rounds, but goes on until the others are done. */
	bool follows;
	int round;
	int result;
	struct storm *storm;

	/* What it works on: each kind of work uses some of these. */
	int buffer;
	int timeline;
	/* An epoll, a bufinfo, a heap, a sync file, a device. */
	int file;
	__u32 handle;
	/* Where it has got to. */
	__u64 point;
	/* A fd or a point that goes from thread to thread, or -1. */
	atomic_int *passed;
};

static inline bool worker_goes_on(struct worker *worker)
{
	struct storm *storm = worker->storm;

	if (atomic_load(&storm->failed))
		return false;
	if (worker->follows)
		return atomic_load(&storm->leaders) > 0;
	return another_round(worker->round, storm->end);
}

static inline void *worker_run(void *data)
{
	struct worker *worker = data;

	for (; worker_goes_on(worker); worker->round++) {
		worker->result = worker->work(worker);
		if (worker->result)
			atomic_store(&worker->storm->failed, true);
	}
	if (!worker->follows)
		atomic_fetch_sub(&worker->storm->leaders, 1);
	return NULL;
}

static inline int count_leaders(const struct worker *workers, size_t count)
{
	int leaders = 0;
	size_t i;

	for (i = 0; i < count; i++)
		leaders += !workers[i].follows;
	return leaders;
}

/* 0, or what the first of them that failed returned. */
static inline int run_workers(struct worker *workers, size_t count)
{
	struct storm storm = {
		.end = storm_end(),
		.leaders = count_leaders(workers, count),
	};
	int ret = 0;
	size_t i;

	for (i = 0; i < count; i++) {
		workers[i].storm = &storm;
		if (pthread_create(&workers[i].thread, NULL, worker_run, &workers[i])) {
			atomic_store(&storm.failed, true);
			ret = -EAGAIN;
			count = i;
		}
	}
	for (i = 0; i < count; i++) {
		pthread_join(workers[i].thread, NULL);
		ret = ret ?: workers[i].result;
	}
	return ret;
}

#endif
