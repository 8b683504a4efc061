/* SPDX-License-Identifier: GPL-2.0-only */
/* For tests that have a great number of something at once. */
#ifndef LOAD_H
#define LOAD_H

#include "environment.h"
#include "memory_helpers.h"

/* In seconds: a machine that is emulated and checks every access is slow. */
#define LONG_TIME	500

#define NR_OPEN		"/proc/sys/fs/nr_open"

/* A program's other files. */
#define FEW_FILES	64

/* From now on this program may have @count files, and some more. */
static inline int allow_files(size_t count)
{
	struct rlimit limit = {
		.rlim_cur = count + FEW_FILES,
		.rlim_max = count + FEW_FILES,
	};

	if (number_in(NR_OPEN) < (long long)limit.rlim_max)
		write_number(NR_OPEN, limit.rlim_max);
	return setrlimit(RLIMIT_NOFILE, &limit) ? -errno : 0;
}

static inline void close_all(const int *fds, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		close(fds[i]);
}

#endif
