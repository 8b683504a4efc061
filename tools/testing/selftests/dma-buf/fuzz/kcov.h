/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which code of the kernel programs reach, if it was built for telling that:
 * CONFIG_KCOV=y, and KCOV_INSTRUMENT := y in the Makefiles of what is of interest.
 */
#ifndef FUZZ_KCOV_H
#define FUZZ_KCOV_H

#include <stdbool.h>

/* Called before processes are made. False when the kernel doesn't tell. */
bool kcov_init(unsigned int lanes);

/* The calling thread is traced as @lane until it ends. */
void kcov_begin(unsigned int lane);

/* Forgets what was traced. */
void kcov_reset(void);

/* How many places the lanes reached for the first time. */
unsigned int kcov_collect(void);

/* How many have been reached at all. */
unsigned int kcov_total(void);

#endif
