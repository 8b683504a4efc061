// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs programs: each has processes of its own, whose end closes what it opened. The
 * first thread of a process makes the others and watches over them: a call that
 * takes too long gets a signal.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "budget.h"
#include "guard.h"
#include "kcov.h"
#include "pointer.h"
#include "run.h"
#include "runs.h"
#include "slots.h"
#include "sockets.h"
#include "stats.h"

/* In milliseconds: for a call, for others to be ready, for a process, for its death. */
#define CALL_TIME	30
#define READY_TIME	1000
#define PROCESS_TIME	20000
#define DEATH_TIME	90000

#define EXIT_SLOW	99

struct thread {
	pthread_t thread;
	const struct program *program;
	unsigned int lane;
	/* When its call began; 0 when there is none. */
	atomic_llong since;
};

/* Threads of all processes that are ready to begin. */
static atomic_uint *ready;
static sem_t thread_ended;
static unsigned long slow, broken;

static long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

bool run_init(void)
{
	sigset_t children;

	ready = mmap(NULL, sizeof(*ready), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (ready == MAP_FAILED || sem_init(&thread_ended, 0, 0))
		return false;
	/* Whom a process of a program leaves behind comes to us. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	sigemptyset(&children);
	sigaddset(&children, SIGCHLD);
	return !sigprocmask(SIG_BLOCK, &children, NULL);
}

/*
 * Threads
 */

static unsigned int lane_of(const struct program *program, const struct call *call)
{
	unsigned int process = call->lane / MOST_THREADS % program->processes;

	return process * MOST_THREADS + call->lane % MOST_THREADS % program->threads;
}

static void make_call(struct thread *thread, const struct call *call)
{
	const struct call_type *type = &call_types[call->type];

	/* Afterwards there is nobody to count it. */
	if (type->run == run_exit)
		stats_count(call->type, 0);
	atomic_store(&thread->since, now_ms());
	stats_count(call->type, call_make(type, call->args));
	atomic_store(&thread->since, 0);
}

static void run_lane(struct thread *thread)
{
	const struct program *program = thread->program;
	unsigned int i;

	for (i = 0; i < program->count; i++) {
		const struct call *call = &program->calls[i];

		if (call->lane != SETUP && lane_of(program, call) == thread->lane)
			make_call(thread, call);
	}
}

/* Together with the others, or they would hardly meet. */
static void wait_for_others(const struct program *program)
{
	long long end = now_ms() + READY_TIME;

	atomic_fetch_add(ready, 1);
	while (atomic_load(ready) < program->processes * program->threads && now_ms() < end)
		usleep(200);
}

static void run_setup(struct thread *thread, const struct program *program)
{
	unsigned int i;

	for (i = 0; i < program->count; i++) {
		if (program->calls[i].lane == SETUP)
			make_call(thread, &program->calls[i]);
	}
}

static void run_rounds(struct thread *thread)
{
	const struct program *program = thread->program;
	unsigned int round;

	for (round = 0; round < program->rounds; round++) {
		/* What was closed is made again, and what wasn't is closed. */
		if (round && thread->lane % MOST_THREADS == 0)
			run_setup(thread, program);
		run_lane(thread);
	}
}

static void *thread_main(void *data)
{
	struct thread *thread = data;

	pointers_use(thread->lane);
	kcov_begin(thread->lane);
	wait_for_others(thread->program);
	run_rounds(thread);
	sem_post(&thread_ended);
	return NULL;
}

/*
 * A process
 */

static void interrupt(int signal)
{
}

static void install_handlers(void)
{
	/* Calls aren't restarted. */
	struct sigaction action = { .sa_handler = interrupt };

	guard_install();
	sigaction(SIGUSR1, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGIO, SIG_IGN);
}

static void process_init(unsigned int process)
{
	struct rlimit files = { MOST_FILES, MOST_FILES };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	install_handlers();
	slots_init();
	setrlimit(RLIMIT_NOFILE, &files);
	pointers_use(MOST_PROCESSES * MOST_THREADS + process);
}

static void interrupt_slow_calls(struct thread *threads, unsigned int count)
{
	long long now = now_ms();
	unsigned int i;

	for (i = 0; i < count; i++) {
		long long since = atomic_load(&threads[i].since);

		if (since && now - since > CALL_TIME)
			pthread_kill(threads[i].thread, SIGUSR1);
	}
}

/* Returns whether a thread has ended. */
static bool wait_a_little(void)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += CALL_TIME / 3 * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	return !sem_timedwait(&thread_ended, &until);
}

static void watch(struct thread *threads, unsigned int count)
{
	long long end = now_ms() + PROCESS_TIME;
	unsigned int left = count;

	while (left) {
		left -= wait_a_little();
		interrupt_slow_calls(threads, count);
		if (now_ms() > end)
			_exit(EXIT_SLOW);
	}
}

/* The setup, which is watched over as well: by a timer. */
static void run_setup_in_time(const struct program *program)
{
	struct sigaction action = { .sa_handler = interrupt };
	struct itimerval each = {
		.it_interval.tv_usec = CALL_TIME * 1000,
		.it_value.tv_usec = CALL_TIME * 1000,
	};
	struct itimerval never = {};
	struct thread thread = {};

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &each, NULL);
	run_setup(&thread, program);
	setitimer(ITIMER_REAL, &never, NULL);
}

static void process_main(const struct program *program, unsigned int process)
{
	struct thread threads[MOST_THREADS] = {};
	unsigned int i;

	process_init(process);
	kcov_begin(MOST_PROCESSES * MOST_THREADS + process);
	run_setup_in_time(program);
	for (i = 0; i < program->threads; i++) {
		threads[i].program = program;
		threads[i].lane = process * MOST_THREADS + i;
		if (pthread_create(&threads[i].thread, NULL, thread_main, &threads[i]))
			break;
	}
	watch(threads, i);
	_exit(0);
}

/*
 * All processes
 */

static bool is_among(pid_t pid, const pid_t *pids, unsigned int count)
{
	while (count) {
		if (pids[--count] == pid)
			return true;
	}
	return false;
}

static void count_end(int status)
{
	if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL)
		broken++;
	else if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SLOW)
		slow++;
	else if (WIFEXITED(status) && WEXITSTATUS(status))
		broken++;
	else
		return;
	printf("# a process ended with status %#x\n", status);
}

/* Until @end, when some may be left. How others than @pids ended is no matter. */
static bool reap_all(const pid_t *pids, unsigned int count, long long end)
{
	struct timespec wait = { .tv_sec = 1 };
	sigset_t children;
	int status;
	pid_t pid;

	sigemptyset(&children);
	sigaddset(&children, SIGCHLD);
	while ((pid = waitpid(-1, &status, WNOHANG)) >= 0) {
		if (is_among(pid, pids, count))
			count_end(status);
		if (pid)
			continue;
		if (now_ms() > end)
			return false;
		sigtimedwait(&children, NULL, &wait);
	}
	return true;
}

static void kill_all(const pid_t *pids, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		kill(pids[i], SIGKILL);
}

static void print_stacks(pid_t pid)
{
	char command[128];

	/* All threads of the process, of which some hang. */
	snprintf(command, sizeof(command),
		 "for f in /proc/%d/task/*/stack; do echo $f; cat $f; done | sed 's/^/# /'", pid);
	if (system(command))
		printf("# cannot show the stacks of process %d\n", pid);
}

bool run_program(const struct program *program)
{
	pid_t pids[MOST_PROCESSES];
	unsigned int i, count;

	budget_reset();
	kcov_reset();
	atomic_store(ready, 0);
	fflush(stdout);
	for (count = 0; count < program->processes; count++) {
		pids[count] = fork();
		if (pids[count] < 0)
			break;
		if (!pids[count])
			process_main(program, count);
	}
	if (!reap_all(pids, count, now_ms() + 2 * PROCESS_TIME)) {
		slow++;
		kill_all(pids, count);
		if (!reap_all(pids, count, now_ms() + DEATH_TIME)) {
			for (i = 0; i < count; i++)
				print_stacks(pids[i]);
			return false;
		}
	}
	sockets_empty();
	return true;
}

unsigned long run_slow_processes(void)
{
	return slow;
}

unsigned long run_broken_processes(void)
{
	return broken;
}
