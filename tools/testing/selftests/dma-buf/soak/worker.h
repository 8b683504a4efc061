/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A process that does with buffers, fences and devices what comes to its mind, for as
 * long as it is let, and shares what it has with others.
 */
#ifndef SOAK_WORKER_H
#define SOAK_WORKER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#include "fuzz/random.h"

#define BUFFERS		8
#define MAPPINGS	4
#define FENCES		8
#define TIMELINES	3
#define EXPORTS		4
#define DEVICES		2
#define ATTACHMENTS	4

#define MOST_ACTS	64

struct mapping {
	char *data;
	size_t size;
};

struct timeline {
	int fd;
	/* Where it is. */
	__u32 value;
};

struct attachment {
	__u32 id;
	bool mapped;
};

/* What a process has: fds that are -1, and ids that are 0, where it has nothing. */
struct worker {
	unsigned int number;
	struct random random;
	int buffers[BUFFERS];
	struct mapping mappings[MAPPINGS];
	int fences[FENCES];
	struct timeline timelines[TIMELINES];

	/* The test device, and what was made by it. */
	int test;
	__u32 exports[EXPORTS];
	__u32 devices[DEVICES];
	struct attachment attachments[ATTACHMENTS];

	/* A GPU, and a timeline of sync objects. */
	int renderer;
	__u32 syncobj;
	__u64 point;
};

/*
 * Something to do. It returns less than 0, an errno, if that went wrong, and -ENOENT if
 * there is nothing to do it to.
 */
struct act {
	const char *name;
	int (*run)(struct worker *worker);
	/* How much more often than others. */
	unsigned int weight;
};

/* Ends with one that has no name. */
extern const struct act buffer_acts[], fence_acts[], device_acts[];

/* What all processes have seen. */
struct account {
	/* They are to come to an end. */
	atomic_bool enough;
	atomic_ulong done[MOST_ACTS];
	atomic_ulong failed[MOST_ACTS];
	/* The first error that there was no reason for. */
	atomic_flag complained;
	char complaint[256];
};

/* Called before processes are made. False: no memory. */
bool account_init(void);
unsigned long account_calls(void);
void account_print(void);
/* The name of what never went well, or NULL. */
const char *account_never_done(void);
const char *account_complaint(void);
void account_stop(bool enough);

/* The first complaint is kept. */
void complain(const char *what, const char *why);

/* What the process does; it doesn't return. */
void worker_main(unsigned int number, __u64 seed);

/*
 * For acts: one of several, or one that has something in it, or NULL.
 */
int *any_fd(struct worker *worker, int *fds, unsigned int count);
int *some_fd(struct worker *worker, int *fds, unsigned int count);

/* Puts a fd where another one may be. Returns an error, if @fd is one, or 0. */
int keep_fd(int *slot, int fd);

#endif
