// SPDX-License-Identifier: GPL-2.0-only
/*
 * Prints how fast this machine's time stamp counter is, in kHz.
 *
 * An emulated one is the same, but a guest without ACPI has only the emulated
 * timer chip to find out by, and no luck when the machine is busy.
 */
#include <stdio.h>
#include <time.h>
#include <x86intrin.h>

#define WINDOW_NS 50000000LL

static long long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_RAW, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* A moment by both clocks.  Of many looks, the shortest was not interrupted. */
static void look(long long *ns, unsigned long long *ticks)
{
	long long shortest = WINDOW_NS;

	for (int i = 0; i < 100; i++) {
		long long before = now_ns();
		unsigned long long between = __rdtsc();
		long long took = now_ns() - before;

		if (took < shortest) {
			shortest = took;
			*ns = before;
			*ticks = between;
		}
	}
}

int main(void)
{
	long long begin_ns = 0, end_ns = 0;
	unsigned long long begin = 0, end = 0;

	look(&begin_ns, &begin);
	while (now_ns() < begin_ns + WINDOW_NS)
		;
	look(&end_ns, &end);
	printf("%lld\n", (long long)(end - begin) * 1000000 / (end_ns - begin_ns));
	return 0;
}
