// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "calls.h"
#include "stats.h"

/* Linux has fewer errnos than that. */
#define MOST_ERRORS	(FAULTED + 1)

/* Number 0 is for calls that succeeded. */
struct call_stats {
	atomic_ulong ended[MOST_ERRORS];
};

static struct call_stats *stats;

bool stats_init(void)
{
	stats = mmap(NULL, num_call_types * sizeof(*stats), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return stats != MAP_FAILED;
}

void stats_count(unsigned int type, int error)
{
	if (error < 0 || error >= MOST_ERRORS)
		error = FAULTED;
	atomic_fetch_add_explicit(&stats[type].ended[error], 1, memory_order_relaxed);
}

static unsigned long calls_of(unsigned int type)
{
	unsigned long calls = 0;
	unsigned int i;

	for (i = 0; i < MOST_ERRORS; i++)
		calls += atomic_load(&stats[type].ended[i]);
	return calls;
}

unsigned long stats_calls(void)
{
	unsigned long calls = 0;
	unsigned int i;

	for (i = 0; i < num_call_types; i++)
		calls += calls_of(i);
	return calls;
}

static const char *error_name(int error)
{
	return error == FAULTED ? "fault" : strerrorname_np(error) ?: "?";
}

static void print_type(unsigned int type)
{
	unsigned long calls = calls_of(type);
	unsigned long succeeded = atomic_load(&stats[type].ended[0]);
	char line[512];
	int len, i;

	len = snprintf(line, sizeof(line), "# %-20s %8lu %8lu %3lu%%", call_types[type].name,
		       calls, succeeded, calls ? 100 * succeeded / calls : 0);
	for (i = 1; i < MOST_ERRORS && len < (int)sizeof(line) - 32; i++) {
		unsigned long count = atomic_load(&stats[type].ended[i]);

		if (count)
			len += snprintf(line + len, sizeof(line) - len, " %s:%lu",
					error_name(i), count);
	}
	puts(line);
}

void stats_print(void)
{
	unsigned int i;

	printf("# %-20s %8s %8s %4s failed with\n", "call", "calls", "well", "");
	for (i = 0; i < num_call_types; i++) {
		if (call_type_is_possible(&call_types[i]))
			print_type(i);
	}
}
