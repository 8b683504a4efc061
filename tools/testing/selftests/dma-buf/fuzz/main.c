// SPDX-License-Identifier: GPL-2.0-only
/*
 * dmabuf_fuzz: runs random programs of calls of dma-buf's interfaces, all of which
 * follow from a seed, and looks for complaints of the kernel, for what stays behind
 * and for processes that hang. With KCOV, it goes on from programs that reached code
 * that none had.
 *
 *   --seed N --first N    what is random; the first program's number
 *   --seconds N           how long
 *   --programs N          how many
 *   --threads N --processes N   at most, in a program
 *   --save DIR            each program is written there before it runs, as last-program;
 *                         otherwise the kernel's log gets it
 *   --replay FILE         runs a program that was printed, again and again
 *   --minimise FILE       makes a program smaller that makes the kernel complain
 *   --show                prints the programs and doesn't run them
 *
 * Without --seed and --seconds, FUZZ_SEED and FUZZ_SECONDS in the environment count.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../../kselftest.h"

#include "budget.h"
#include "corpus.h"
#include "kcov.h"
#include "leaks.h"
#include "minimise.h"
#include "places.h"
#include "pointer.h"
#include "program.h"
#include "run.h"
#include "slots.h"
#include "sockets.h"
#include "splat.h"
#include "stats.h"

#define DEFAULT_SECONDS	20
#define REPORT_SECONDS	30

static struct {
	unsigned long long seed;
	unsigned long long first;
	unsigned long long seconds;
	unsigned long long programs;
	struct program_limits limits;
	const char *save;
	const char *replay;
	const char *minimise;
	bool show;
} options = {
	.programs = ~0ULL,
	.limits = { .processes = 2, .threads = 3 },
};

static bool have_kcov;
static unsigned long long number, num_run;
static time_t started, reported;
static char text[PROGRAM_TEXT];

/*
 * Options
 */

static unsigned long long from_environment(const char *name, unsigned long long otherwise)
{
	const char *value = getenv(name);

	return value && *value ? strtoull(value, NULL, 0) : otherwise;
}

static unsigned int bounded(const char *value, unsigned int most)
{
	unsigned long count = strtoul(value, NULL, 0);

	return count < 1 ? 1 : count > most ? most : count;
}

static void parse_option(int option)
{
	switch (option) {
	case 's':
		options.seed = strtoull(optarg, NULL, 0);
		break;
	case 'f':
		options.first = strtoull(optarg, NULL, 0);
		break;
	case 't':
		options.seconds = strtoull(optarg, NULL, 0);
		break;
	case 'n':
		options.programs = strtoull(optarg, NULL, 0);
		break;
	case 'T':
		options.limits.threads = bounded(optarg, MOST_THREADS);
		break;
	case 'P':
		options.limits.processes = bounded(optarg, MOST_PROCESSES);
		break;
	case 'd':
		options.save = optarg;
		break;
	case 'r':
		options.replay = optarg;
		break;
	case 'm':
		options.minimise = optarg;
		break;
	case 'p':
		options.show = true;
		break;
	default:
		ksft_exit_fail_msg("see the head of fuzz/main.c for the options\n");
	}
}

static void parse_options(int argc, char **argv)
{
	static const struct option names[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "first", required_argument, NULL, 'f' },
		{ "seconds", required_argument, NULL, 't' },
		{ "programs", required_argument, NULL, 'n' },
		{ "threads", required_argument, NULL, 'T' },
		{ "processes", required_argument, NULL, 'P' },
		{ "save", required_argument, NULL, 'd' },
		{ "replay", required_argument, NULL, 'r' },
		{ "minimise", required_argument, NULL, 'm' },
		{ "show", no_argument, NULL, 'p' },
		{}
	};
	int option;

	options.seed = from_environment("FUZZ_SEED", time(NULL) * 1000ULL + getpid());
	options.seconds = from_environment("FUZZ_SECONDS", 0);
	while ((option = getopt_long(argc, argv, "", names, NULL)) >= 0)
		parse_option(option);
	/* A number of programs is bound enough. */
	if (!options.seconds)
		options.seconds = options.programs == ~0ULL ? DEFAULT_SECONDS : ~0U;
}

/*
 * Telling
 */

static void print_text(void)
{
	char *line = text, *end;

	for (; *line; line = end) {
		end = strchrnul(line, '\n');
		printf("# %.*s\n", (int)(end - line), line);
		end += *end == '\n';
	}
}

static void print_program(const struct program *program)
{
	program_print(program, text, sizeof(text));
	print_text();
}

static void report(void)
{
	unsigned long seconds = time(NULL) - started;

	printf("# %lu s: %llu programs, %lu calls", seconds, num_run, stats_calls());
	if (seconds)
		printf(" (%llu and %lu a second)", num_run / seconds, stats_calls() / seconds);
	if (have_kcov)
		printf(", %u places, %u programs kept", kcov_total(), corpus_size());
	printf(", processes: %lu slow, %lu broken\n", run_slow_processes(),
	       run_broken_processes());
	fflush(stdout);
	reported = time(NULL);
}

static void save_to_directory(void)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/last-program", options.save);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		printf("# cannot write %s: %s\n", path, strerror(errno));
	if (fd >= 0)
		close(fd);
}

/* Without what its lines mean, which is for people. */
static void save_to_log(void)
{
	char *line, *rest = text;

	while ((line = strsep(&rest, "\n"))) {
		line[strcspn(line, "\t")] = '\0';
		if (*line)
			splats_note(line);
	}
}

/* Somewhere where it is found when the kernel doesn't survive it. */
static void save(const struct program *program, bool follows_from_seed)
{
	char line[128];

	snprintf(line, sizeof(line), "seed %llu program %llu", options.seed, number);
	if (!options.save)
		splats_note(line);
	if (!options.save && follows_from_seed)
		return;
	program_print(program, text, sizeof(text));
	if (options.save)
		save_to_directory();
	else
		save_to_log();
}

/*
 * Running
 */

/* A new one, or one of the corpus that is changed. False: it isn't the seed's. */
static bool next_program(struct program *program)
{
	struct random random = random_from(~options.seed, number);

	if (!corpus_size() || one_in(&random, 4)) {
		program_generate(program, &options.limits, options.seed, number);
		return true;
	}
	*program = *corpus_pick(&random);
	program_mutate(program, &options.limits, corpus_pick(&random), &random);
	return false;
}

static void keep_if_new(const struct program *program)
{
	struct random random = random_from(options.seed, ~number);

	if (have_kcov && kcov_collect())
		corpus_add(program, &random);
}

static void shrink(struct program *program)
{
	unsigned int before = program->count;

	if (minimise(program)) {
		printf("# it happens again; of %u calls %u are needed:\n", before,
		       program->count);
		print_program(program);
	} else {
		printf("# it doesn't happen again, or the kernel doesn't say so again\n");
	}
}

static bool run_one(struct program *program)
{
	char trouble[256];
	enum outcome outcome = run_and_look(program, trouble, sizeof(trouble));

	num_run++;
	if (outcome == NO_TROUBLE)
		return true;
	printf("# trouble: %s\n# seed %llu, program %llu:\n", trouble, options.seed, number);
	print_program(program);
	fflush(stdout);
	if (outcome == TROUBLE)
		shrink(program);
	return false;
}

static bool time_is_up(void)
{
	return time(NULL) - started >= (time_t)options.seconds;
}

static bool fuzz(void)
{
	unsigned long long end = options.first + options.programs;
	struct program program;

	if (options.programs == ~0ULL)
		end = ~0ULL;
	for (number = options.first; number < end && !time_is_up(); number++) {
		save(&program, next_program(&program));
		if (!run_one(&program))
			return false;
		keep_if_new(&program);
		if (time(NULL) - reported >= REPORT_SECONDS)
			report();
	}
	return true;
}

static void show(void)
{
	struct program program;

	for (number = options.first; number - options.first < options.programs; number++) {
		program_generate(&program, &options.limits, options.seed, number);
		print_program(&program);
	}
}

static void read_program(struct program *program, const char *path)
{
	FILE *file = fopen(path, "r");
	size_t size = file ? fread(text, 1, sizeof(text) - 1, file) : 0;

	if (file)
		fclose(file);
	text[size] = '\0';
	if (!program_parse(program, text))
		ksft_exit_fail_msg("%s has no program\n", path);
}

static bool replay(void)
{
	struct program program;

	read_program(&program, options.replay);
	while (num_run < options.programs && !time_is_up()) {
		if (!run_one(&program))
			return false;
	}
	return true;
}

/* Trouble is what was asked for here. */
static bool minimise_file(void)
{
	struct program program;

	read_program(&program, options.minimise);
	shrink(&program);
	return true;
}

/*
 * The whole
 */

static void prepare(void)
{
	if (!places_find())
		ksft_exit_skip("no heap, no udmabuf, no sw_sync, no test device\n");
	if (!stats_init() || !budget_init() || !pointers_init(MOST_LANES) || !run_init() ||
	    !sockets_init(options.limits.processes))
		ksft_exit_fail_msg("cannot share memory: %s\n", strerror(errno));
	if (!splats_init())
		ksft_exit_skip("cannot read the kernel's log\n");
	huge_pages_get();
	leaks_init();
	have_kcov = kcov_init(MOST_LANES);
}

static bool run(void)
{
	if (options.replay)
		return replay();
	if (options.minimise)
		return minimise_file();
	return fuzz();
}

int main(int argc, char **argv)
{
	bool well;

	ksft_print_header();
	parse_options(argc, argv);
	prepare();
	ksft_set_plan(1);
	if (options.show) {
		show();
		ksft_exit_pass();
	}
	printf("# seed %llu%s\n", options.seed, have_kcov ? ", with KCOV" : "");
	if (places.spares_importers)
		printf("# nothing is imported, unless the kernel has dma_debug=off\n");
	started = time(NULL);
	reported = started;
	well = run();
	report();
	stats_print();
	huge_pages_put();
	splats_exit();
	ksft_test_result(well, "no complaint, no leak, no hang\n");
	ksft_finished();
}
