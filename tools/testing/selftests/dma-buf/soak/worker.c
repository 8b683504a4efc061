// SPDX-License-Identifier: GPL-2.0-only
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/time.h>

#include "memory_helpers.h"
#include "worker.h"

/* In microseconds: how long a call may wait. */
#define PATIENCE_US	5000

/* One in so many acts is the last one of a process. */
#define ACTS		3000

/* What others do, or a lack of something, may have any call end with these. */
static const int harmless[] = {
	ENOENT, EINTR, EAGAIN, EBUSY, ENOMEM, EMFILE, ENFILE, ETIME, ETIMEDOUT, ESTALE,
	EALREADY, ENODEV,
};

static struct account *account;
static struct act acts[MOST_ACTS];
static unsigned int num_acts, total_weight;

/*
 * The account
 */

static void add_acts(const struct act *act)
{
	for (; act->name && num_acts < MOST_ACTS; act++) {
		acts[num_acts++] = *act;
		total_weight += act->weight;
	}
}

bool account_init(void)
{
	account = mmap(NULL, sizeof(*account), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (account == MAP_FAILED)
		return false;
	add_acts(buffer_acts);
	add_acts(fence_acts);
	add_acts(device_acts);
	return true;
}

void account_stop(bool enough)
{
	atomic_store(&account->enough, enough);
}

unsigned long account_calls(void)
{
	unsigned long calls = 0;
	unsigned int i;

	for (i = 0; i < num_acts; i++)
		calls += atomic_load(&account->done[i]) + atomic_load(&account->failed[i]);
	return calls;
}

void account_print(void)
{
	unsigned int i;

	for (i = 0; i < num_acts; i++)
		printf("# %-24s %10lu done, %10lu not\n", acts[i].name,
		       atomic_load(&account->done[i]), atomic_load(&account->failed[i]));
}

const char *account_never_done(void)
{
	unsigned int i;

	for (i = 0; i < num_acts; i++) {
		if (!atomic_load(&account->done[i]))
			return acts[i].name;
	}
	return NULL;
}

const char *account_complaint(void)
{
	return *account->complaint ? account->complaint : NULL;
}

void complain(const char *what, const char *why)
{
	if (!atomic_flag_test_and_set(&account->complained))
		snprintf(account->complaint, sizeof(account->complaint), "%s: %s", what, why);
}

/*
 * What acts share
 */

int *any_fd(struct worker *worker, int *fds, unsigned int count)
{
	return &fds[random_below(&worker->random, count)];
}

int *some_fd(struct worker *worker, int *fds, unsigned int count)
{
	unsigned int i, first = random_below(&worker->random, count);

	for (i = 0; i < count; i++) {
		int *fd = &fds[(first + i) % count];

		if (*fd >= 0)
			return fd;
	}
	return NULL;
}

int keep_fd(int *slot, int fd)
{
	if (fd < 0)
		return fd;
	if (*slot >= 0)
		close(*slot);
	*slot = fd;
	return 0;
}

/*
 * A process
 */

static void interrupt(int signal)
{
}

/* A call that waits is interrupted again and again, until it returns. */
static void limit_patience(void)
{
	struct sigaction action = { .sa_handler = interrupt };
	struct itimerval each = {
		.it_interval.tv_usec = PATIENCE_US,
		.it_value.tv_usec = PATIENCE_US,
	};

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &each, NULL);
}

static const struct act *choose_act(struct worker *worker)
{
	unsigned int i, weight = random_below(&worker->random, total_weight);

	for (i = 0; weight >= acts[i].weight; i++)
		weight -= acts[i].weight;
	return &acts[i];
}

static bool is_harmless(int err)
{
	size_t i;

	for (i = 0; i < sizeof(harmless) / sizeof(*harmless); i++) {
		if (harmless[i] == err)
			return true;
	}
	return false;
}

static void act_once(struct worker *worker)
{
	const struct act *act = choose_act(worker);
	int ret = act->run(worker);

	atomic_fetch_add(ret < 0 ? &account->failed[act - acts] : &account->done[act - acts], 1);
	if (ret < 0 && !is_harmless(-ret))
		complain(act->name, strerror(-ret));
}

static void worker_init(struct worker *worker, unsigned int number, __u64 seed)
{
	unsigned int i;

	memset(worker, 0, sizeof(*worker));
	worker->number = number;
	worker->random = random_from(seed, number);
	for (i = 0; i < BUFFERS; i++)
		worker->buffers[i] = -1;
	for (i = 0; i < FENCES; i++)
		worker->fences[i] = -1;
	for (i = 0; i < TIMELINES; i++)
		worker->timelines[i].fd = -1;
	worker->test = -1;
	worker->renderer = -1;
}

void worker_main(unsigned int number, __u64 seed)
{
	struct worker worker;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_IGN);
	worker_init(&worker, number, seed);
	limit_patience();
	while (!atomic_load(&account->enough) && !one_in(&worker.random, ACTS))
		act_once(&worker);
	/* What it has goes with it. */
	_exit(0);
}
