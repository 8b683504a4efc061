/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every allocation of a call, and every copy from and to user space, fails once, in
 * turn; each time there must be as many fds and buffers afterwards as before.
 */
#ifndef SWEEP_H
#define SWEEP_H

#include "bufinfo.h"

#define FAIL_NTH	"/proc/thread-self/fail-nth"
#define FAILSLAB	"/sys/kernel/debug/failslab"

/* More places to fail than any call here has. */
#define FAR_TOO_MANY	1000

/* What the calls are made on; each test has its own. */
struct target;

/* Which allocations may fail: those that could sleep, too. Nothing is logged. */
static inline int set_up_fault_injection(void)
{
	static const char *const settings[][2] = {
		{ FAILSLAB "/ignore-gfp-wait", "N" },
		{ FAILSLAB "/verbose", "0" },
		{ "/sys/kernel/debug/fail_page_alloc/ignore-gfp-wait", "N" },
		{ "/sys/kernel/debug/fail_page_alloc/ignore-gfp-highmem", "N" },
		{ "/sys/kernel/debug/fail_page_alloc/min-order", "0" },
		{ "/sys/kernel/debug/fail_page_alloc/verbose", "0" },
		{ "/sys/kernel/debug/fail_usercopy/verbose", "0" },
	};
	size_t i;
	int err;

	for (i = 0; i < ARRAY_SIZE(settings); i++) {
		err = write_file(settings[i][0], settings[i][1]);
		if (err)
			return err;
	}
	return 0;
}

static inline void fail_at(int fail_nth, int nth)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d", nth);

	/* Turning it off may be what fails; not a second time. */
	if (pwrite(fail_nth, text, len, 0) != len)
		pwrite(fail_nth, text, len, 0);
}

/* Did something fail since fail_at()? */
static inline bool has_failed(int fail_nth)
{
	char text[16] = "";

	/* If reading is what failed, nothing before it did. */
	return pread(fail_nth, text, sizeof(text) - 1, 0) > 0 && !atoi(text);
}

/* A call under test: its result, and how to undo it where it succeeded. */
struct sweep_call {
	int (*call)(struct target *target);
	void (*undo)(struct target *target, int result);
};

/*
 * How often the call failed, or -1 when something was left behind, it failed
 * without need, or it can't stop failing.
 */
static inline int sweep(int fail_nth, struct target *target, const struct sweep_call *call)
{
	int fds = count_open_fds(), buffers = count_buffers();
	int nth, result, failures = 0;
	bool injected;

	for (nth = 1; nth < FAR_TOO_MANY; nth++) {
		fail_at(fail_nth, nth);
		result = call->call(target);
		injected = has_failed(fail_nth);
		fail_at(fail_nth, 0);

		if (result < 0)
			failures++;
		else if (call->undo)
			call->undo(target, result);
		if (count_open_fds() != fds || !wait_for_buffers(buffers)) {
			ksft_print_msg("allocation %d: something is left\n", nth);
			return -1;
		}
		if (injected)
			continue;
		if (result >= 0)
			return failures;
		ksft_print_msg("allocation %d: error %d without a cause\n", nth, result);
		return -1;
	}
	ksft_print_msg("no end to it\n");
	return -1;
}

#endif
