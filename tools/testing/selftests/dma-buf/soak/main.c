// SPDX-License-Identifier: GPL-2.0-only
/*
 * dmabuf_soak: a mixed load for hours, to see that memory stays flat.
 *
 * Processes make, map, share, attach, move, fence and poll what there is of buffers and
 * devices, and are killed in the middle of it. Every so often all of them come to an
 * end. Then nothing must be left that can be counted: buffers, attachments, timelines,
 * sync files, devices. What can't be counted shows as memory. The level is the most
 * that was taken at one of the rests in the first quarter of the time; at the last three
 * rests, there may not be more than a bound above it: of objects in each slab cache, of
 * bytes in all of them, of memory that isn't available.
 *
 * SOAK_SECONDS in the environment is how long it goes on, SOAK_SEED what is random.
 * With SOAK_LEAK=buffer, fence or pages, the program itself has something stay at each
 * rest, to see that it is found.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../../kselftest.h"

#include "environment.h"
#include "fence_helpers.h"
#include "fuzz/leaks.h"
#include "fuzz/places.h"
#include "fuzz/splat.h"
#include "memory_helpers.h"
#include "crew.h"
#include "level.h"
#include "worker.h"

#define DEFAULT_SECONDS	60

/* A rest takes some seconds, and there should be enough of them to tell. */
#define LEAST_ROUND	5
#define MOST_ROUND	120
#define WANTED_RESTS	40

/* What memory may grow by in the whole run, and any cache of it. */
#define SLAB_BOUND	(256LL << 10)
#define MEMORY_BOUND	(4LL << 20)
#define OBJECTS_BOUND	256

static struct {
	unsigned long seconds;
	unsigned long round;
	__u64 seed;
	const char *leak;
} options;

/* What was read at rests, of which the first are the warm-up. */
static struct level *levels;
static unsigned int num_levels, num_warm_up;

static time_t started;
static char left[256];

static unsigned long elapsed(void)
{
	return time(NULL) - started;
}

/*
 * Leaks for those who want to see them found
 */

/* How many there are at a rest. */
#define LEAKS		50

/* Nothing counts the sync file that comes of it, nor the fence that is in it. */
static int hide_fence(void)
{
	int buffer = heap_alloc(page_size()), timeline = timeline_create(), fence;

	add_job(buffer, DMA_BUF_SYNC_WRITE, timeline, 1);
	fence = export_sync_file(buffer, DMA_BUF_SYNC_READ);
	close(timeline);
	close(buffer);
	return fence;
}

static int hide_page(void)
{
	int memfd = memfd_create("hidden", MFD_CLOEXEC);

	return memfd < 0 ? memfd : (int)write(memfd, &memfd, sizeof(memfd));
}

static void leak(void)
{
	int i;

	for (i = 0; options.leak && i < LEAKS; i++) {
		if (!strcmp(options.leak, "buffer"))
			heap_alloc(page_size());
		else if (!strcmp(options.leak, "fence"))
			hide_fence();
		else
			hide_page();
	}
}

/*
 * Rests
 */

static double mebibytes(long long bytes)
{
	return bytes / 1048576.0;
}

static void print_level(const struct level *level)
{
	printf("# %lu s: %lu calls; %.3f MiB of slab are taken, %.1f MiB of memory\n",
	       elapsed(), account_calls(), mebibytes(level->taken[SLAB]),
	       mebibytes(level->taken[MEMORY]));
	fflush(stdout);
}

static bool is_warm(void)
{
	return elapsed() * 4 >= options.seconds;
}

/* As many as there were when nothing had been done. */
static bool caches_are_right(const struct level *now)
{
	const struct level *first = &levels[0];

	if (now->buffers == first->buffers && now->attachments == first->attachments)
		return true;
	snprintf(left, sizeof(left), "%lld buffers and %lld attachments, at first %lld and %lld",
		 now->buffers, now->attachments, first->buffers, first->attachments);
	return false;
}

/* False: something is left. */
static bool rest(void)
{
	struct level *level;

	leak();
	if (leaks_found(left, sizeof(left)))
		return false;
	levels = reallocarray(levels, num_levels + 1, sizeof(*levels));
	if (!levels)
		ksft_exit_fail_msg("no memory\n");
	level = &levels[num_levels++];
	level_read(level, !num_warm_up);
	print_level(level);
	return caches_are_right(level);
}

/*
 * Verdict
 */

static long long most_of_warm_up(enum what what)
{
	long long most = levels[1].taken[what];
	unsigned int i;

	for (i = 2; i < num_warm_up; i++)
		most = levels[i].taken[what] > most ? levels[i].taken[what] : most;
	return most;
}

static long long least_of_last(enum what what)
{
	long long least = levels[num_levels - 1].taken[what];
	unsigned int i;

	for (i = num_levels - LAST_RESTS; i < num_levels; i++)
		least = levels[i].taken[what] < least ? levels[i].taken[what] : least;
	return least;
}

static bool is_flat(enum what what, long long bound)
{
	long long grown = least_of_last(what) - most_of_warm_up(what);

	printf("# %+.3f MiB since the warm-up, of %.3f MiB that it may grow\n",
	       mebibytes(grown), mebibytes(bound));
	return grown <= bound;
}

static bool slab_is_flat(void)
{
	return is_flat(SLAB, SLAB_BOUND);
}

static bool caches_are_flat(void)
{
	return level_growth_of_caches() <= OBJECTS_BOUND;
}

static bool memory_is_flat(void)
{
	return is_flat(MEMORY, MEMORY_BOUND);
}

/*
 * The whole
 */

static void prepare(void)
{
	options.seconds = number_from("SOAK_SECONDS", DEFAULT_SECONDS);
	options.round = options.seconds / WANTED_RESTS;
	if (options.round < LEAST_ROUND)
		options.round = LEAST_ROUND;
	if (options.round > MOST_ROUND)
		options.round = MOST_ROUND;
	options.seed = number_from("SOAK_SEED", time(NULL));
	options.leak = getenv("SOAK_LEAK");
	if (!places_find())
		ksft_exit_skip("no heap, no udmabuf, no sw_sync, no test device\n");
	if (!level_init())
		ksft_exit_skip("cannot read /proc/slabinfo\n");
	if (!splats_init())
		ksft_exit_skip("cannot read the kernel's log\n");
	if (!crew_init())
		ksft_exit_fail_msg("cannot share memory\n");
	leaks_init();
}

/* False: something is wrong already, and there is no use in going on. */
static bool soak(char *splat, size_t room)
{
	struct random random = random_from(options.seed, 0);

	if (!rest())
		return false;
	while (elapsed() < options.seconds || num_levels < num_warm_up + LAST_RESTS + 1) {
		if (!crew_run(options.round, &random) || splats_seen(splat, room) || !rest())
			return false;
		if (!num_warm_up && is_warm() && num_levels > LAST_RESTS)
			num_warm_up = num_levels;
	}
	return true;
}

static void result(const char *name, const char *trouble)
{
	if (trouble)
		printf("# %s\n", trouble);
	ksft_test_result(!trouble, "%s\n", name);
}

/* A machine may lack what some of them want. */
static void variety(const char *name)
{
	const char *never = account_never_done();

	if (never)
		ksft_test_result_skip("%s: '%s' was never done\n", name, never);
	else
		ksft_test_result_pass("%s\n", name);
}

static void flatness(const char *name, bool whole, bool (*check)(void))
{
	if (whole)
		ksft_test_result(check(), "%s\n", name);
	else
		ksft_test_result_skip("%s: it ended early\n", name);
}

int main(void)
{
	char splat[256] = "";
	bool whole;

	ksft_print_header();
	prepare();
	ksft_set_plan(7);
	printf("# seed %llu, %lu s, a rest every %lu s\n", options.seed, options.seconds,
	       options.round);
	if (places.spares_importers)
		printf("# nothing is imported, unless the kernel has dma_debug=off\n");
	started = time(NULL);
	whole = soak(splat, sizeof(splat));
	splats_seen(splat, sizeof(splat));
	splats_exit();
	account_print();
	result("no call fails without a reason", account_complaint());
	variety("each kind of call is made");
	result("nothing is left", *left ? left : NULL);
	result("the kernel does not complain", *splat ? splat : NULL);
	flatness("no slab cache grows", whole, caches_are_flat);
	flatness("slab is flat", whole, slab_is_flat);
	flatness("memory is flat", whole, memory_is_flat);
	ksft_finished();
}
