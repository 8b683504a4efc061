/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FUZZ_MINIMISE_H
#define FUZZ_MINIMISE_H

#include "program.h"

enum outcome { NO_TROUBLE, TROUBLE, STUCK };

/* Runs a program and looks for trouble, which @text gets. */
enum outcome run_and_look(const struct program *program, char *text, size_t room);

/*
 * Makes a program smaller as long as it makes trouble, for a few minutes at most.
 * False if it makes none any more, as it is.
 */
bool minimise(struct program *program);

#endif
