/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A random program: calls, and which thread of which process makes each. It begins
 * with calls that every process makes before it has threads. Then each thread makes
 * its own ones, in their order and several times over, while the others do. With each
 * time but the first, the first thread makes those of the beginning again.
 */
#ifndef FUZZ_PROGRAM_H
#define FUZZ_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>

#include "calls.h"
#include "random.h"

#define MOST_CALLS	64
#define MOST_PROCESSES	4
#define MOST_THREADS	4
#define MOST_ROUNDS	8

/* The lane of calls that all processes begin with. */
#define SETUP		255

/* @lane: process * MOST_THREADS + thread */
struct call {
	__u8 type;
	__u8 lane;
	__u8 args[MOST_ARGS];
};

struct program {
	__u8 processes;
	__u8 threads;
	__u8 rounds;
	__u8 count;
	struct call calls[MOST_CALLS];
};

/* What a program is to be like at most. */
struct program_limits {
	unsigned int processes;
	unsigned int threads;
};

/* The same program for the same numbers, on machines that have the same devices. */
void program_generate(struct program *program, const struct program_limits *limits,
		      __u64 seed, __u64 number);

/* Changes it in a few places. */
void program_mutate(struct program *program, const struct program_limits *limits,
		    const struct program *other, struct random *random);

/* Takes calls out. */
void program_cut(struct program *program, unsigned int first, unsigned int count);

/* As text: a line for the program and one for each call; as long as it has to be. */
#define PROGRAM_TEXT	(MOST_CALLS * 350 + 200)
void program_print(const struct program *program, char *text, size_t room);

/* Reads what program_print() wrote. False, and a message, if it isn't that. */
bool program_parse(struct program *program, const char *text);

#endif
