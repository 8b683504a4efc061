/* SPDX-License-Identifier: GPL-2.0-only */
/* The calls that programs are made of. */
#ifndef FUZZ_CALLS_H
#define FUZZ_CALLS_H

#include <stdbool.h>
#include <stddef.h>

#include "values.h"

#define MOST_ARGS	16

/* One argument. Those of an ioctl, after the fd, are parts of its structure. */
struct field {
	__u8 kind;
	__u8 size;
	__u16 offset;
};

/**
 * struct call_type - a call
 * @name: what it is called in programs
 * @run: makes it, and returns what it gave or a negative errno; NULL for an ioctl
 *	that @request, @size and @result tell all of
 * @request: number of the ioctl
 * @size: of its structure
 * @result: where the kernel leaves what the ioctl makes; -1 if it returns that
 * @gives: the kind of what the call makes
 * @id: where the kernel leaves the id of that, if it has one as well
 * @gives_id: the kind of the id
 * @weight: how often it is called, compared to others
 * @fields: the arguments, up to one that is NOTHING
 */
struct call_type {
	const char *name;
	long (*run)(const __u64 *values);
	unsigned long request;
	__u16 size;
	__s16 result;
	__u8 gives;
	__u16 id;
	__u8 gives_id;
	__u8 weight;
	struct field fields[MOST_ARGS + 1];
};

extern const struct call_type call_types[];
extern const unsigned int num_call_types;

/* How an ioctl's number may be wrong. */
enum request {
	REQUEST_AS_IS,
	REQUEST_NO_SIZE,
	REQUEST_LONGER,
	REQUEST_SHORTER,
	REQUEST_LONGEST,
	REQUEST_NO_DIRECTION,
	REQUEST_OTHER_DIRECTION,
	REQUEST_NEXT,
	REQUEST_OTHER_TYPE,
};

enum touch { TOUCH_READ, TOUCH_WRITE, TOUCH_READ_ALL, TOUCH_WRITE_ALL };

/* The number of the type that is called @name, or -1. */
int call_type_find(const char *name);

/* Is there what the call needs, on this machine? */
bool call_type_is_possible(const struct call_type *type);

static inline unsigned int count_fields(const struct call_type *type)
{
	unsigned int count = 0;

	while (type->fields[count].kind != NOTHING)
		count++;
	return count;
}

/*
 * Makes a call with arguments out of a program, and puts what it gave where they
 * say. Returns 0 or an errno.
 */
int call_make(const struct call_type *type, const __u8 *args);

/* An errno stands for a call that a signal for a bad address ended. */
#define FAULTED	133

#endif
