// SPDX-License-Identifier: GPL-2.0-only
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "dmabuf_helpers.h"
#include "fuzz/program.h"
#include "fuzz/sockets.h"
#include "crew.h"
#include "worker.h"

/* As many as there are sockets for. */
#define WORKERS		MOST_PROCESSES

/* In milliseconds: between looks, between two who are killed, for all to end. */
#define LOOK_MS		50
#define KILL_MS		400
#define END_MS		120000

static pid_t workers[WORKERS];

bool crew_init(void)
{
	return sockets_init(WORKERS) && account_init();
}

static __u64 now_ms(void)
{
	return monotonic_ns() / 1000000;
}

static void engage(unsigned int number, __u64 seed)
{
	pid_t pid = fork();

	if (!pid)
		worker_main(number, seed);
	workers[number] = pid > 0 ? pid : 0;
	if (pid < 0)
		complain("fork", strerror(errno));
}

static void note_end(unsigned int number, int status)
{
	workers[number] = 0;
	if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL)
		complain("a process died", strsignal(WTERMSIG(status)));
	else if (WIFEXITED(status) && WEXITSTATUS(status))
		complain("a process ended", "it returned an error");
}

/* Returns how many are left. */
static unsigned int look_after(void)
{
	unsigned int i, left = 0;
	int status;

	for (i = 0; i < WORKERS; i++) {
		if (workers[i] && waitpid(workers[i], &status, WNOHANG) > 0)
			note_end(i, status);
		left += workers[i] != 0;
	}
	return left;
}

static void kill_one(struct random *random)
{
	pid_t pid = workers[random_below(random, WORKERS)];

	if (pid)
		kill(pid, SIGKILL);
}

static void keep_at_work(__u64 end, struct random *random)
{
	__u64 next = now_ms() + KILL_MS;
	unsigned int i;

	while (now_ms() < end && !account_complaint()) {
		look_after();
		for (i = 0; i < WORKERS; i++) {
			if (!workers[i])
				engage(i, random_next(random));
		}
		usleep(LOOK_MS * 1000);
		if (now_ms() < next)
			continue;
		kill_one(random);
		next = now_ms() + random_below(random, 2 * KILL_MS);
	}
}

static bool wait_for_end(void)
{
	__u64 end = now_ms() + END_MS;

	while (look_after()) {
		if (now_ms() > end)
			return false;
		usleep(LOOK_MS * 1000);
	}
	return true;
}

bool crew_run(unsigned long seconds, struct random *random)
{
	account_stop(false);
	keep_at_work(now_ms() + seconds * 1000, random);
	account_stop(true);
	if (!wait_for_end()) {
		complain("a process", "did not end");
		return false;
	}
	/* What was sent and not fetched. */
	sockets_empty();
	return !account_complaint();
}
