// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which locks a row takes, by name, and which of them all CPUs share. The row
 * runs on two CPUs in turn. Whatever lock both of them take bounces each time,
 * which /proc/lock_stat counts by instance ("acq-bounces"), whereas a lock of
 * the CPU or of the buffer does not. It counts no bounces of trylocks.
 *
 * Prints "locks NAME OPERATIONS", the lines of /proc/lock_stat each after "lock",
 * and "locks end": first for the module's row that does nothing, then for NAME.
 */
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "program.h"

#define LOCK_STAT		"/proc/lock_stat"
#define WARM_UP			64
#define OPERATIONS		2000

static void write_file(const char *path, const char *text)
{
	int fd = must(open(path, O_WRONLY), path);

	must(write(fd, text, strlen(text)), path);
	close(fd);
}

void stay_on_cpu(unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	must(sched_setaffinity(0, sizeof(set), &set), "sched_setaffinity");
}

static void run_in_turn(unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		stay_on_cpu(i % 2);
		must(ioctl(bench_fd, BENCH_RUN, 1), "BENCH_RUN");
	}
	must(ioctl(bench_fd, BENCH_DRAIN), "BENCH_DRAIN");
}

static void print_locks(const char *name)
{
	char line[512];
	FILE *file = fopen(LOCK_STAT, "re");

	must(file ? 0 : -1, LOCK_STAT);
	printf("locks %s %d\n", name, OPERATIONS);
	while (fgets(line, sizeof(line), file)) {
		if (strchr(line, ':'))
			printf("lock %s", line);
	}
	printf("locks end\n");
	fclose(file);
}

static void count_locks_of(const struct bench_row_info *info)
{
	must(ioctl(bench_fd, BENCH_SELECT, info->index), "BENCH_SELECT");
	run_in_turn(WARM_UP);
	write_file("/proc/sys/kernel/lock_stat", "1");
	write_file(LOCK_STAT, "0");
	run_in_turn(OPERATIONS);
	write_file("/proc/sys/kernel/lock_stat", "0");
	print_locks(info->name);
}

void count_locks(const char *name)
{
	struct bench_row_info info;

	find_kernel_row("floor_call", &info);
	count_locks_of(&info);
	find_kernel_row(name, &info);
	count_locks_of(&info);
}
