// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs all rows in a guest whose nanosecond is one instruction, and prints
 *
 *	row NAME LIMIT MOST VALUE
 *	regions NAME OPERATIONS BATCHES
 *	settled NAME OPERATIONS BATCHES
 *	value NAME LIMIT MOST VALUE
 *
 * VALUE is what one operation takes: the median over the batches, less the
 * median of equally many empty operations; for "value" it is no time. LIMIT is the
 * most that series / base may be, in percent, and MOST that the series may take,
 * 0 for none. Every batch of a row, first those of empty operations, stands
 * between two marks, in which QEMU's plugin counts. From there come a row's atomics
 * ("regions"), and all of what "settled" rows are: instructions of the whole guest
 * up to the moment when nothing that was put off is left.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/random.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <x86intrin.h>

#include "program.h"

#define BATCHES			15
#define SETTLED_BATCHES		7
/* kfree_rcu() may sit on what it was given for five seconds. */
#define SETTLE_SECONDS		6

int bench_fd;

int must(int ret, const char *what)
{
	if (ret >= 0)
		return ret;
	fprintf(stderr, "dma_buf_bench: %s: %s\n", what, strerror(errno));
	exit(1);
}

void set_live(unsigned int count, bool attached)
{
	struct bench_live live = { count, attached };

	must(ioctl(bench_fd, BENCH_LIVE, &live), "BENCH_LIVE");
}

/* These two instructions are what the plugin looks for; they do nothing. */
static void mark_begin(void)
{
	asm volatile("xchg %%bx, %%bx" : : : "memory");
}

static void mark_end(void)
{
	asm volatile("xchg %%cx, %%cx" : : : "memory");
}

static void drain(void)
{
	must(ioctl(bench_fd, BENCH_DRAIN), "BENCH_DRAIN");
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static uint64_t median(uint64_t *values, unsigned int count)
{
	qsort(values, count, sizeof(*values), compare);
	return values[count / 2];
}

/**
 * struct job - what is timed
 * @run: does all operations of a batch
 * @prepare: makes what the next batch uses up; NULL if it uses up nothing
 * @row: for run_user(): the row
 * @batch: operations a batch
 * @per_call: for run_kernel(): operations that one ioctl does
 */
struct job {
	void (*run)(const struct job *job);
	void (*prepare)(const struct job *job);
	const struct row *row;
	unsigned int batch;
	unsigned int per_call;
};

static void run_user(const struct job *job)
{
	for (unsigned int i = 0; i < job->batch; i++)
		job->row->op();
}

static void run_kernel(const struct job *job)
{
	for (unsigned int i = 0; i < job->batch; i += job->per_call)
		must(ioctl(bench_fd, BENCH_RUN, job->per_call), "BENCH_RUN");
}

static void prepare_kernel(const struct job *job)
{
	must(ioctl(bench_fd, BENCH_PREPARE, job->batch), "BENCH_PREPARE");
}

static void prepare_user(const struct job *job)
{
	job->row->prepare(job->batch);
}

static void prepare(const struct job *job)
{
	if (job->prepare)
		job->prepare(job);
}

/* One batch to warm up, then BATCHES whose median is returned. */
static uint64_t time_job(const struct job *job)
{
	uint64_t taken[BATCHES];

	prepare(job);
	job->run(job);
	for (unsigned int i = 0; i < BATCHES; i++) {
		uint64_t start;

		prepare(job);
		drain();
		mark_begin();
		start = __rdtsc();
		job->run(job);
		taken[i] = __rdtsc() - start;
		mark_end();
	}
	drain();
	return median(taken, BATCHES);
}

static void print_row(const char *name, unsigned int limit, unsigned int most,
		      unsigned int operations, int64_t taken)
{
	printf("row %s %u %u %.1f\n", name, limit, most,
	       (double)taken / operations);
	printf("regions %s %u %u\n", name, operations, BATCHES);
}

static void op_nothing(void)
{
	asm volatile("");
}

/* For comparison: a batch of as many operations that do nothing. */
static const struct row nothing = { .op = op_nothing };

static struct job user_job(const struct row *row, unsigned int batch)
{
	return (struct job) {
		.run = run_user,
		.prepare = row->prepare ? prepare_user : NULL,
		.row = row,
		.batch = batch,
	};
}

static void time_user_row(const struct row *row)
{
	unsigned int scale = row->scale ? row->scale : 1;
	unsigned int batch = row->batch ? row->batch : DEFAULT_BATCH;
	struct job job = user_job(&nothing, batch);
	int64_t taken = -time_job(&job);

	job = user_job(row, batch);
	if (row->setup)
		row->setup();
	taken += time_job(&job);
	if (row->teardown)
		row->teardown();
	print_row(row->name, row->limit, row->most, batch * scale, taken);
}

static void select_kernel_row(unsigned int index)
{
	must(ioctl(bench_fd, BENCH_SELECT, index), "BENCH_SELECT");
}

static struct job kernel_job(const struct bench_row_info *info,
			     unsigned int batch)
{
	return (struct job) {
		.run = run_kernel,
		.prepare = prepare_kernel,
		.batch = batch,
		.per_call = info->per_call ? info->per_call : batch,
	};
}

/* The module's first row does nothing; the others are measured against it. */
static void time_kernel_row(const struct bench_row_info *info)
{
	struct job job = kernel_job(info, info->batch ? info->batch :
						       DEFAULT_BATCH);
	int64_t taken = 0;

	select_kernel_row(0);
	taken -= time_job(&job);
	select_kernel_row(info->index);
	taken += time_job(&job);
	select_kernel_row(0);
	print_row(info->name, info->limit, info->most, job.batch * info->scale,
		  taken);
}

static bool kernel_row(unsigned int index, struct bench_row_info *info)
{
	info->index = index;
	return ioctl(bench_fd, BENCH_ROW_INFO, info) == 0;
}

void find_kernel_row(const char *name, struct bench_row_info *info)
{
	for (unsigned int i = 0; kernel_row(i, info); i++) {
		if (strcmp(info->name, name) == 0)
			return;
	}
	fprintf(stderr, "dma_buf_bench: no row %s\n", name);
	exit(1);
}

static void settle(void)
{
	drain();
	sleep(SETTLE_SECONDS);
	drain();
}

static void run_settled(const struct job *job)
{
	prepare(job);
	job->run(job);
	settle();
	for (unsigned int i = 0; i < SETTLED_BATCHES; i++) {
		prepare(job);
		settle();
		mark_begin();
		job->run(job);
		settle();
		mark_end();
	}
}

static void print_settled(const char *name, unsigned int operations)
{
	printf("settled %s_settled %u %u\n", name, operations,
	       SETTLED_BATCHES);
}

/* As count_settled(). */
static void count_user_settled(const struct row *row)
{
	struct job job = user_job(&nothing, row->settled);

	run_settled(&job);
	if (row->setup)
		row->setup();
	job = user_job(row, row->settled);
	run_settled(&job);
	if (row->teardown)
		row->teardown();
	print_settled(row->name, row->settled);
}

/* Everything a row causes, whoever does it and however late. */
static void count_settled(const char *name, unsigned int batch)
{
	struct bench_row_info info;
	struct job job;

	find_kernel_row(name, &info);
	job = kernel_job(&info, batch);
	select_kernel_row(0);
	run_settled(&job);
	select_kernel_row(info.index);
	run_settled(&job);
	select_kernel_row(0);
	print_settled(name, batch * info.scale);
}

static void run_user_rows(const struct row *rows)
{
	for (const struct row *row = rows; row->name; row++) {
		time_user_row(row);
		if (row->settled)
			count_user_settled(row);
	}
}

static void run_rows(void)
{
	/* Those that put a part of their work off to RCU, over a whole life. */
	static const struct {
		const char *name;
		unsigned int batch;
	} settled[] = {
		{ "export_put", 1000 },
		{ "fence_life", 4000 },
		{ "merge_64_64", 200 },
		{ "chain_life_1000", 10 },
		{ "array_256", 30 },
		{ "fill_1", 4000 },
		{ "fill_16", 400 },
		{ "fill_1024", 10 },
		{ "get_singleton_16", 400 },
		{ "copy_fences_16", 400 },
		{ NULL, 0 },
	};
	struct bench_row_info info;

	for (unsigned int i = 0; kernel_row(i, &info); i++)
		time_kernel_row(&info);
	run_user_rows(user_rows);
	run_user_rows(memory_rows);
	for (unsigned int i = 0; settled[i].name; i++)
		count_settled(settled[i].name, settled[i].batch);
	print_memory();
}

/* Opening files draws random numbers, and waits or reseeds while there are few. */
static void fill_entropy_pool(void)
{
	struct {
		struct rand_pool_info info;
		char bytes[512];
	} pool = { .info = { .entropy_count = 4096, .buf_size = 512 } };
	int fd = must(open("/dev/urandom", O_WRONLY), "/dev/urandom");

	for (unsigned int i = 0; i < sizeof(pool.bytes); i++)
		pool.bytes[i] = i * 167;
	must(ioctl(fd, RNDADDENTROPY, &pool), "RNDADDENTROPY");
	close(fd);
}

/*
 * Without arguments all rows; "--locks ROW" counts what locks ROW takes, and
 * "--latency" tells how long allocations take where time is the clock's.
 */
int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	fill_entropy_pool();
	if (argc == 2 && strcmp(argv[1], "--latency") == 0) {
		print_latencies();
		return 0;
	}
	bench_fd = must(open("/dev/dma_buf_bench", O_RDWR | O_CLOEXEC),
			"/dev/dma_buf_bench");
	if (argc == 3 && strcmp(argv[1], "--locks") == 0) {
		count_locks(argv[2]);
		return 0;
	}
	if (argc != 1) {
		fprintf(stderr, "usage: dma_buf_bench [--locks ROW | --latency]\n");
		return 2;
	}
	stay_on_cpu(0);
	run_rows();
	return 0;
}
