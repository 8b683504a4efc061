// SPDX-License-Identifier: GPL-2.0-only
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <unistd.h>

#include "slots.h"

static atomic_int slots[LAST_SLOT_KIND + 1][SLOTS];

/* Far below of where the kernel puts what may be anywhere. */
static char *const windows = (char *)(1UL << 36);

static const int odd_fds[] = { -1, INT_MAX, AT_FDCWD, INT_MIN, 1023 };

void slots_init(void)
{
	unsigned int kind, i;

	for (kind = 0; kind <= LAST_SLOT_KIND; kind++) {
		for (i = 0; i < SLOTS; i++)
			atomic_store(&slots[kind][i], -1);
	}
}

int slot_get(enum kind kind, unsigned int index)
{
	return atomic_load(&slots[kind][index % SLOTS]);
}

int slot_take(enum kind kind, unsigned int index)
{
	return atomic_exchange(&slots[kind][index % SLOTS], -1);
}

void slot_put(enum kind kind, unsigned int index, int value)
{
	int old = atomic_exchange(&slots[kind][index % SLOTS], value);

	if (is_fd_kind(kind) && old >= 0)
		close(old);
}

/*
 * Which slot an argument stands for when one of @kind is asked for: small arguments
 * are of the kind itself, larger ones tell the kind.
 */
static void slot_of_argument(enum kind kind, __u8 argument, enum kind *slot_kind,
			     unsigned int *index)
{
	unsigned int other = argument / SLOTS;

	*index = argument % SLOTS;
	*slot_kind = kind;
	if (!is_slot_kind(kind) || (is_fd_kind(kind) && other))
		*slot_kind = BUFFER + (other + LAST_FD_KIND - BUFFER) % LAST_FD_KIND;
}

__u64 slot_value(enum kind kind, __u8 argument)
{
	enum kind slot_kind;
	unsigned int index;

	if (!is_slot_kind(kind) || is_fd_kind(kind)) {
		if (argument >= FIRST_ODD_FD)
			return odd_fds[argument % (sizeof(odd_fds) / sizeof(*odd_fds))];
	}
	slot_of_argument(kind, argument, &slot_kind, &index);
	return slot_get(slot_kind, index);
}

__u64 slot_number(__u8 argument)
{
	enum kind kind;
	unsigned int index;

	slot_of_argument(SLOT, argument, &kind, &index);
	return kind * SLOTS + index;
}

enum kind slot_number_kind(__u64 number)
{
	return number / SLOTS;
}

unsigned int slot_number_index(__u64 number)
{
	return number % SLOTS;
}

void *window_address(unsigned int index)
{
	return windows + index % SLOTS * WINDOW_SIZE;
}
