/* SPDX-License-Identifier: GPL-2.0-only */
/* Complaints of the kernel, as its log and its taint show them. */
#ifndef FUZZ_SPLAT_H
#define FUZZ_SPLAT_H

#include <stdbool.h>
#include <stddef.h>

/* From now on. False when the log can't be read. */
bool splats_init(void);

/* Was there one since? Then @text is what it says first. */
bool splats_seen(char *text, size_t room);

/* Forgets it, and has the kernel complain once more of what it complains of once. */
void splats_forget(void);

/* Puts a line into the kernel's log, at debug level. */
void splats_note(const char *line);

/* Undoes what splats_init() set. */
void splats_exit(void);

#endif
