/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the threads of a process share: slots for file descriptors and handles, and
 * windows, which are addresses for mappings. Nothing is locked. One thread may close
 * what another one is using, but each fd is closed by one only.
 */
#ifndef FUZZ_SLOTS_H
#define FUZZ_SLOTS_H

#include <stdbool.h>

#include "values.h"

/* Programs have the fds up to here; what the fuzzer needs for itself is above. */
#define MOST_FILES	200

/* Mappings can't be longer than a window. */
#define WINDOW_SIZE	(8UL << 20)

/* Nothing is in any slot, for a process that was just made. */
void slots_init(void);

/* What is in a slot, or -1. */
int slot_get(enum kind kind, unsigned int index);

/* Takes it out: the caller has to close it. */
int slot_take(enum kind kind, unsigned int index);

/* Puts something in. What was there is closed if it is a fd. */
void slot_put(enum kind kind, unsigned int index, int value);

/* The fd or handle that an argument stands for. */
__u64 slot_value(enum kind kind, __u8 argument);

/* A slot as a value, and back. */
__u64 slot_number(__u8 argument);
enum kind slot_number_kind(__u64 number);
unsigned int slot_number_index(__u64 number);

void *window_address(unsigned int index);

#endif
