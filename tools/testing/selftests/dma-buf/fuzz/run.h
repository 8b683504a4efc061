/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FUZZ_RUN_H
#define FUZZ_RUN_H

#include "program.h"

/* A lane for each thread, and one for the setup of each process. */
#define MOST_LANES	(MOST_PROCESSES * MOST_THREADS + MOST_PROCESSES)

/* Called once. */
bool run_init(void);

/*
 * Runs a program and waits until all of its processes are gone. False if they don't
 * go, not even when they are killed.
 */
bool run_program(const struct program *program);

/* How many processes didn't end by themselves, and how many died of a signal. */
unsigned long run_slow_processes(void);
unsigned long run_broken_processes(void);

#endif
