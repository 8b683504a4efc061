/* SPDX-License-Identifier: GPL-2.0-only */
/* How calls ended, in all processes. */
#ifndef FUZZ_STATS_H
#define FUZZ_STATS_H

#include <stdbool.h>

/* Called before processes are made. */
bool stats_init(void);

/* A call of that type ended with 0 or an errno. */
void stats_count(unsigned int type, int error);

unsigned long stats_calls(void);

/* A line for each type of call: how often it succeeded, and how it failed. */
void stats_print(void);

#endif
