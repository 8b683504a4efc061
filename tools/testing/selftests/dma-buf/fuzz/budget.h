/* SPDX-License-Identifier: GPL-2.0-only */
/* How much memory a program may have: a guest must not run short of it. */
#ifndef FUZZ_BUDGET_H
#define FUZZ_BUDGET_H

#include <stdbool.h>
#include <linux/types.h>

/* Called before processes are made. */
bool budget_init(void);

/* A new program begins, with nothing taken. */
void budget_reset(void);

/*
 * What to ask for instead of @size bytes: that if the program may have them, or as
 * much as no machine has; a page otherwise. What is given back doesn't count, since
 * a file that was closed can be mapped, or on the way to another process.
 */
__u64 budget_take(__u64 size);

#endif
