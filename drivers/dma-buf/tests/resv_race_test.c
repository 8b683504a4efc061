// SPDX-License-Identifier: GPL-2.0-only
/*
 * Readers of a reservation object that have no lock, against a writer on another
 * CPU who adds, replaces, grows and copies as fast as it can, and whose fences
 * signal and are freed under the readers' eyes; some of them only to be other
 * fences, of another object, the next moment.
 *
 * What must hold at every moment of a pass must be seen by every pass:
 * - a few fences stay in the object all the time;
 * - one context always has a fence that hasn't signalled, but not for long the
 *   same one;
 * - a fence's seqno says with which usage it was added, and its owner where to.
 */
#include <linux/dma-fence-array.h>
#include <linux/kthread.h>
#include <linux/random.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "resv_mock.h"

/* A try is quick, and a race has thousands of rounds. */
#define TRIES_A_ROUND 8

/* Fences that stay; they stand among the others. */
#define STAYING 6

/* Contexts whose fences come and go, and how many of their fences there are. */
#define PASSING_CONTEXTS 40
#define PASSING 24

/**
 * struct race - an object with a writer
 * @test: whose it is
 * @obj: the object; what is to be seen
 * @decoy: another one, whose fences are not
 * @draft: what @obj is replaced with at times
 * @kind: of fences that come and go
 * @staying: fences that are in @obj all the time
 * @busy: the context that has a pending fence all the time
 * @working: that fence
 * @contexts: those of the fences that come and go
 * @seqno: the next fence's
 * @passing: the last fences that were added, which signal in turn
 * @next: where in @passing the next one goes
 * @rounds: how often the writer did something; only it writes this
 */
struct race {
	struct kunit *test;
	struct dma_resv *obj;
	struct dma_resv *decoy;
	struct dma_resv *draft;
	enum resv_fence_kind kind;
	struct dma_fence *staying[STAYING];
	u64 busy;
	struct dma_fence *working;
	u64 contexts[PASSING_CONTEXTS];
	u64 seqno;
	struct dma_fence *passing[PASSING];
	unsigned int next;
	unsigned int rounds;
};

static void count_round(struct race *race)
{
	/* The reader has a look at it at times. */
	WRITE_ONCE(race->rounds, race->rounds + 1);
}

static enum dma_resv_usage usage_of_seqno(u64 seqno)
{
	return DMA_RESV_USAGE_WRITE + seqno % 3;
}

/*
 * The writer
 */

/* Some are found out by whoever asks first. */
static void end_somehow(struct race *race, struct dma_fence *fence)
{
	if (to_resv_fence(fence)->kind != RESV_PLAIN && race->rounds % 2)
		WRITE_ONCE(to_resv_fence(fence)->over, true);
	else
		dma_fence_signal(fence);
	dma_fence_put(fence);
}

/* The fence that has been there for longest goes. */
static void keep_for_a_while(struct race *race, struct dma_fence *fence)
{
	unsigned int slot = race->next++ % PASSING;
	struct dma_fence *oldest = race->passing[slot];

	race->passing[slot] = fence;
	if (oldest)
		end_somehow(race, oldest);
}

static void end_passing(struct race *race)
{
	int i;

	for (i = 0; i < PASSING; i++) {
		if (race->passing[i])
			resv_fence_end(race->passing[i]);
		race->passing[i] = NULL;
	}
	if (race->working)
		resv_fence_end(race->working);
}

static struct dma_fence *next_fence(struct race *race, u64 context)
{
	return resv_fence_make(race->kind, context, race->seqno++, race->obj);
}

static u64 some_context(struct race *race)
{
	return race->contexts[get_random_u32_below(PASSING_CONTEXTS)];
}

/* In place, or in a slot that became free, or behind all others. */
static void write_add(struct race *race)
{
	struct dma_fence *fence = next_fence(race, some_context(race));

	if (!fence)
		return;
	mock_resv_add(race->obj, fence, usage_of_seqno(fence->seqno));
	keep_for_a_while(race, fence);
}

/* One takes the other's place, which then, and not before, is over. */
static void write_busy(struct race *race)
{
	struct dma_fence *fence;

	/* Any other usage wouldn't do for all seqnos. */
	race->seqno += 3 - race->seqno % 3;
	fence = next_fence(race, race->busy);
	if (!fence)
		return;
	mock_resv_add(race->obj, fence, usage_of_seqno(fence->seqno));
	if (race->working)
		end_somehow(race, race->working);
	race->working = fence;
}

static void write_replace(struct race *race)
{
	u64 context = some_context(race);
	struct dma_fence *fence = next_fence(race, context);

	if (!fence)
		return;
	dma_resv_lock(race->obj, NULL);
	dma_resv_replace_fences(race->obj, context, fence,
				usage_of_seqno(fence->seqno));
	dma_resv_unlock(race->obj);
	keep_for_a_while(race, fence);
}

static void write_grow(struct race *race)
{
	dma_resv_lock(race->obj, NULL);
	if (!dma_resv_reserve_fences(race->obj,
				     1 + get_random_u32_below(300)))
		count_round(race);
	dma_resv_unlock(race->obj);
}

/* Small again, and another list in any case. */
static void write_copy(struct race *race)
{
	dma_resv_lock(race->draft, NULL);
	dma_resv_copy_fences(race->draft, race->obj);
	dma_resv_unlock(race->draft);
	dma_resv_lock(race->obj, NULL);
	dma_resv_copy_fences(race->obj, race->draft);
	dma_resv_unlock(race->obj);
}

/* With luck in the memory of a fence that a reader is about to look at. */
static void write_decoy(struct race *race)
{
	struct dma_fence *fence;

	fence = resv_fence_make(race->kind, some_context(race), race->seqno++,
				race->decoy);
	if (!fence)
		return;
	if (get_random_u32_below(2))
		dma_fence_signal(fence);
	mock_resv_add(race->decoy, fence, DMA_RESV_USAGE_KERNEL);
	resv_fence_end(fence);
}

static void write_something(struct race *race)
{
	switch (get_random_u32_below(16)) {
	case 0:
		write_grow(race);
		break;
	case 1:
		write_copy(race);
		break;
	case 2:
	case 3:
		write_replace(race);
		break;
	case 4:
	case 5:
	case 6:
		write_decoy(race);
		break;
	case 7:
	case 8:
	case 9:
	case 10:
		write_busy(race);
		break;
	default:
		write_add(race);
	}
	count_round(race);
}

static int write_in_a_loop(void *data)
{
	struct race *race = data;

	while (!kthread_should_stop()) {
		write_something(race);
		cond_resched();
	}
	end_passing(race);
	return 0;
}

/*
 * The start
 */

static void add_staying(struct race *race, unsigned int i)
{
	race->staying[i] = resv_fence_make(race->kind, resv_context(), 0,
					   race->obj);
	KUNIT_ASSERT_NOT_NULL(race->test, race->staying[i]);
	KUNIT_ASSERT_EQ(race->test, 0,
			mock_resv_add(race->obj, race->staying[i],
				      usage_of_seqno(0)));
}

static void end_staying(void *data)
{
	struct race *race = data;
	int i;

	for (i = 0; i < STAYING; i++) {
		if (race->staying[i])
			resv_fence_end(race->staying[i]);
	}
}

static struct race *start_race(struct kunit *test, enum resv_fence_kind kind)
{
	struct race *race = kunit_kzalloc(test, sizeof(*race), GFP_KERNEL);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, race);
	race->test = test;
	race->kind = kind;
	race->obj = mock_resv(test);
	race->decoy = mock_resv(test);
	race->draft = mock_resv(test);
	race->busy = resv_context();
	race->seqno = 1;
	for (i = 0; i < PASSING_CONTEXTS; i++)
		race->contexts[i] = resv_context();
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, end_staying,
							   race));
	for (i = 0; i < STAYING; i++) {
		add_staying(race, i);
		write_add(race);
	}
	write_busy(race);
	mock_thread(test, write_in_a_loop, race, "dma_buf_writer");
	/* Without a writer there is nothing to be seen. */
	KUNIT_ASSERT_TRUE(test, MOCK_AWAIT(READ_ONCE(race->rounds)));
	return race;
}

/**
 * struct pass - what a reader has seen since it began, or began anew
 * @race: where
 * @staying: how often each fence that stays
 * @busy: how often a fence of the busy context
 */
struct pass {
	struct race *race;
	int staying[STAYING];
	int busy;
};

static void pass_begin(struct pass *pass, struct race *race)
{
	*pass = (struct pass) { .race = race };
}

static bool pass_see(struct pass *pass, struct dma_fence *fence)
{
	struct race *race = pass->race;
	int i;

	for (i = 0; i < STAYING; i++)
		pass->staying[i] += fence == race->staying[i];
	pass->busy += fence->context == race->busy;
	return mock_references(fence) > 0 &&
	       to_resv_fence(fence)->owner == race->obj;
}

static bool pass_end(struct pass *pass)
{
	int i;

	for (i = 0; i < STAYING; i++) {
		if (pass->staying[i] != 1)
			return false;
	}
	return pass->busy;
}

/* Whether there is another round.  In the end it says what the writer did. */
static bool next_round(struct mock_rounds *rounds, struct race *race)
{
	cond_resched();
	if (mock_next_round(rounds))
		return true;
	kunit_info(race->test, "%u of the writer's", READ_ONCE(race->rounds));
	return false;
}

/* Tries until one goes wrong. */
static bool try_often(bool (*once)(struct race *race, void *data),
		      struct race *race, void *data)
{
	int tries;

	for (tries = 0; tries < TRIES_A_ROUND; tries++) {
		cond_resched();
		if (!once(race, data))
			return false;
	}
	return true;
}

/* No try of a race may go wrong. */
static void expect_always(bool (*once)(struct race *race, void *data),
			  struct race *race, void *data)
{
	struct mock_rounds rounds = mock_rounds(race->test);

	while (next_round(&rounds, race))
		KUNIT_EXPECT_TRUE(race->test, try_often(once, race, data));
}

/*
 * Readers
 */

static bool walk_once(struct race *race, void *restarts)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	struct pass pass;
	bool good = true;

	pass_begin(&pass, race);
	dma_resv_iter_begin(&cursor, race->obj, DMA_RESV_USAGE_BOOKKEEP);
	dma_resv_for_each_fence_unlocked(&cursor, fence) {
		if (dma_resv_iter_is_restarted(&cursor)) {
			++*(int *)restarts;
			pass_begin(&pass, race);
		}
		good &= pass_see(&pass, fence);
		good &= dma_resv_iter_usage(&cursor) ==
			usage_of_seqno(fence->seqno);
	}
	dma_resv_iter_end(&cursor);
	return good && pass_end(&pass);
}

static void walk_and_expect(struct kunit *test, enum resv_fence_kind kind)
{
	struct race *race = start_race(test, kind);
	int restarts = 0;

	expect_always(walk_once, race, &restarts);
	kunit_info(test, "%d beginnings", restarts);
}

static void every_walk_sees_what_is_there_all_the_time(struct kunit *test)
{
	walk_and_expect(test, RESV_PLAIN);
}

static void every_walk_asks_only_fences_of_the_object(struct kunit *test)
{
	walk_and_expect(test, RESV_POLLED);
}

static void every_walk_tells_recycled_fences_apart(struct kunit *test)
{
	walk_and_expect(test, RESV_RECYCLED);
}

static bool see_array(struct pass *pass, struct dma_fence **fences,
		      unsigned int count)
{
	bool good = true;
	unsigned int i;

	for (i = 0; i < count; i++)
		good &= pass_see(pass, fences[i]);
	return good && pass_end(pass);
}

static bool get_once(struct race *race, void *data)
{
	struct dma_fence **fences;
	unsigned int count, i;
	struct pass pass;
	bool good;

	if (dma_resv_get_fences(race->obj, DMA_RESV_USAGE_BOOKKEEP, &count,
				&fences))
		return false;
	pass_begin(&pass, race);
	good = see_array(&pass, fences, count);
	for (i = 0; i < count; i++)
		dma_fence_put(fences[i]);
	kfree(fences);
	return good;
}

static bool get_one_for_all(struct race *race, void *data)
{
	struct dma_fence *fence;
	struct pass pass;
	bool good;

	if (dma_resv_get_singleton(race->obj, DMA_RESV_USAGE_BOOKKEEP, &fence))
		return false;
	pass_begin(&pass, race);
	good = fence && dma_fence_is_array(fence) &&
	       see_array(&pass, to_dma_fence_array(fence)->fences,
			 to_dma_fence_array(fence)->num_fences);
	dma_fence_put(fence);
	return good;
}

static void get_and_expect(struct kunit *test, enum resv_fence_kind kind)
{
	struct race *race = start_race(test, kind);
	struct mock_rounds rounds = mock_rounds(test);

	while (next_round(&rounds, race))
		KUNIT_EXPECT_TRUE(test, try_often(rounds.count % 2 ? get_once :
						  get_one_for_all, race, NULL));
}

static void every_array_has_what_is_there_all_the_time(struct kunit *test)
{
	get_and_expect(test, RESV_PLAIN);
}

static void no_array_has_recycled_fences(struct kunit *test)
{
	get_and_expect(test, RESV_RECYCLED);
}

static bool copy_once(struct race *race, void *data)
{
	struct dma_resv *mine = data;
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	struct pass pass;
	bool good;

	pass_begin(&pass, race);
	dma_resv_lock(mine, NULL);
	good = !dma_resv_copy_fences(mine, race->obj);
	dma_resv_for_each_fence(&cursor, mine, DMA_RESV_USAGE_BOOKKEEP, fence) {
		good &= pass_see(&pass, fence);
		good &= dma_resv_iter_usage(&cursor) ==
			usage_of_seqno(fence->seqno);
	}
	dma_resv_unlock(mine);
	return good && pass_end(&pass);
}

static void copy_and_expect(struct kunit *test, enum resv_fence_kind kind)
{
	struct dma_resv *mine = mock_resv(test);
	struct race *race = start_race(test, kind);

	expect_always(copy_once, race, mine);
}

static void every_copy_has_what_is_there_all_the_time(struct kunit *test)
{
	copy_and_expect(test, RESV_PLAIN);
}

static void no_copy_has_recycled_fences(struct kunit *test)
{
	copy_and_expect(test, RESV_RECYCLED);
}

/* Leaves one context that is busy, without which nothing would be. */
static void leave_only_busy(struct race *race)
{
	int i;

	for (i = 0; i < STAYING; i++)
		dma_fence_signal(race->staying[i]);
}

static bool test_many_times(struct race *race, void *data)
{
	int done = 0, i;

	/* These are quick. */
	for (i = 0; i < 50; i++)
		done += dma_resv_test_signaled(race->obj,
					       DMA_RESV_USAGE_BOOKKEEP);
	return !done;
}

static void test_and_expect(struct kunit *test, enum resv_fence_kind kind)
{
	struct race *race = start_race(test, kind);

	leave_only_busy(race);
	expect_always(test_many_times, race, NULL);
}

static void a_busy_context_keeps_an_object_busy(struct kunit *test)
{
	test_and_expect(test, RESV_PLAIN);
}

static void what_was_recycled_says_nothing(struct kunit *test)
{
	test_and_expect(test, RESV_RECYCLED);
}

static bool is_over_within(struct race *race, unsigned long timeout)
{
	return dma_resv_wait_timeout(race->obj, DMA_RESV_USAGE_BOOKKEEP, true,
				     timeout);
}

/* A wait of no time, and what else there is that gives no fence. */
static bool look_once(struct race *race, void *text)
{
	struct seq_file seq = { .buf = text, .size = PAGE_SIZE };

	dma_resv_set_deadline(race->obj, DMA_RESV_USAGE_BOOKKEEP, 5);
	dma_resv_describe(race->obj, &seq);
	return !is_over_within(race, 0);
}

/* None ends before what stays has ended. */
static void a_wait_outlasts_all_changes(struct kunit *test)
{
	struct race *race = start_race(test, RESV_RECYCLED);
	struct mock_rounds rounds = mock_rounds(test);
	char *text = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, text);
	while (next_round(&rounds, race)) {
		KUNIT_EXPECT_TRUE(test, try_often(look_once, race, text));
		KUNIT_EXPECT_FALSE(test, is_over_within(race, 1));
	}
}

/**
 * struct import - a sync file's way into an object
 * @obj: the object
 * @context: of all fences that are added
 * @wrong: how many were seen that aren't as they should be
 * @seen: how many were seen
 */
struct import {
	struct dma_resv *obj;
	u64 context;
	atomic_t wrong;
	atomic_t seen;
};

static void see_imported(struct import *import, struct dma_fence *fence)
{
	if (fence->context != import->context ||
	    to_resv_fence(fence)->owner != import)
		atomic_inc(&import->wrong);
	/* The importer has let go of it by now. */
	dma_fence_signal(fence);
	atomic_inc(&import->seen);
}

static int watch_imports(void *data)
{
	struct import *import = data;
	struct dma_resv_iter cursor;
	struct dma_fence *fence;

	while (!kthread_should_stop()) {
		dma_resv_iter_begin(&cursor, import->obj,
				    DMA_RESV_USAGE_BOOKKEEP);
		dma_resv_for_each_fence_unlocked(&cursor, fence)
			see_imported(import, fence);
		dma_resv_iter_end(&cursor);
		cond_resched();
	}
	return 0;
}

static struct import *start_import(struct kunit *test)
{
	struct import *import = kunit_kzalloc(test, sizeof(*import), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, import);
	import->obj = mock_resv(test);
	import->context = resv_context();
	mock_thread(test, watch_imports, import, "dma_buf_watch");
	return import;
}

static void import_fence(struct kunit *test, struct import *import,
			 enum dma_resv_usage usage, int round)
{
	struct dma_fence *fence;

	fence = resv_fence_make(round % RESV_KINDS, import->context, round,
				import);
	KUNIT_ASSERT_NOT_NULL(test, fence);
	KUNIT_EXPECT_EQ(test, 0, mock_resv_add(import->obj, fence, usage));
	dma_fence_put(fence);
}

/*
 * The importer has no reference any more, nor has anybody else: the fence that
 * is signalled and superseded the next moment is the object's alone.
 */
static void an_imported_fence_lives_as_long_as_it_is_seen(struct kunit *test)
{
	enum dma_resv_usage usage = DMA_RESV_USAGE_WRITE;
	struct import *import = start_import(test);
	struct mock_rounds rounds = mock_rounds(test);

	while (mock_next_round(&rounds)) {
		import_fence(test, import, usage, rounds.count);
		KUNIT_EXPECT_EQ(test, 0, atomic_read(&import->wrong));
		cond_resched();
		mock_dawdle();
	}
	/* The object still has the last one, and it is the watcher's to end. */
	KUNIT_EXPECT_TRUE(test, MOCK_AWAIT(dma_resv_test_signaled(import->obj,
								  usage)));
	KUNIT_EXPECT_TRUE(test, MOCK_AWAIT(atomic_read(&import->seen)));
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&import->wrong));
}

/**
 * struct contest - fences for which another thread waits
 * @test: whose it is
 * @obj: the object that they are in
 * @rival: who waits
 * @left: what his last wait returned
 */
struct contest {
	struct kunit *test;
	struct dma_resv *obj;
	struct mock_rival *rival;
	long left;
};

static void wait_for_all(void *data)
{
	struct contest *contest = data;

	contest->left = dma_resv_wait_timeout(contest->obj, DMA_RESV_USAGE_READ,
					      false, MOCK_PATIENCE);
}

static struct contest *start_contest(struct kunit *test)
{
	struct contest *contest;

	contest = kunit_kzalloc(test, sizeof(*contest), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, contest);
	contest->test = test;
	contest->obj = mock_resv(test);
	contest->rival = mock_rival(test, wait_for_all, contest);
	return contest;
}

static bool wait_is_over(struct contest *contest)
{
	struct mock_rival *rival = contest->rival;

	/* Pairs with act_every_round(). */
	return smp_load_acquire(&rival->done) == rival->round;
}

static void add_to_contest(struct contest *contest, struct dma_fence **fence)
{
	*fence = resv_fence_make(RESV_RECYCLED, resv_context(), 1, contest);
	KUNIT_ASSERT_NOT_NULL(contest->test, *fence);
	KUNIT_EXPECT_EQ(contest->test, 0,
			mock_resv_add(contest->obj, *fence,
				      DMA_RESV_USAGE_READ));
}

static int reserve(struct dma_resv *obj, unsigned int count)
{
	int err;

	dma_resv_lock(obj, NULL);
	err = dma_resv_reserve_fences(obj, count);
	dma_resv_unlock(obj);
	return err;
}

/* The wait may not be over as long as one of the fences isn't. */
static void play_round(struct contest *contest, int round)
{
	struct dma_fence *fences[12];
	int early = 0, failed = 0, i;

	for (i = 0; i < ARRAY_SIZE(fences); i++)
		add_to_contest(contest, &fences[i]);
	mock_rival_go(contest->rival);
	for (i = 0; i < ARRAY_SIZE(fences); i++) {
		mock_dawdle();
		early += wait_is_over(contest);
		dma_fence_signal(fences[i]);
		if (i == round % ARRAY_SIZE(fences))
			failed += !!reserve(contest->obj, round % 100 + 1);
	}
	mock_rival_await(contest->rival);
	for (i = 0; i < ARRAY_SIZE(fences); i++)
		dma_fence_put(fences[i]);
	KUNIT_EXPECT_EQ(contest->test, early, 0);
	KUNIT_EXPECT_EQ(contest->test, failed, 0);
	KUNIT_EXPECT_GT(contest->test, contest->left, 0);
}

static void a_wait_ends_with_the_last_signal_and_not_before(struct kunit *test)
{
	struct contest *contest = start_contest(test);
	struct mock_rounds rounds = mock_rounds(test);

	while (mock_next_round(&rounds))
		play_round(contest, rounds.count);
}

static struct kunit_case resv_race_cases[] = {
	KUNIT_CASE_SLOW(every_walk_sees_what_is_there_all_the_time),
	KUNIT_CASE_SLOW(every_walk_asks_only_fences_of_the_object),
	KUNIT_CASE_SLOW(every_walk_tells_recycled_fences_apart),
	KUNIT_CASE_SLOW(every_array_has_what_is_there_all_the_time),
	KUNIT_CASE_SLOW(no_array_has_recycled_fences),
	KUNIT_CASE_SLOW(every_copy_has_what_is_there_all_the_time),
	KUNIT_CASE_SLOW(no_copy_has_recycled_fences),
	KUNIT_CASE_SLOW(a_busy_context_keeps_an_object_busy),
	KUNIT_CASE_SLOW(what_was_recycled_says_nothing),
	KUNIT_CASE_SLOW(a_wait_outlasts_all_changes),
	KUNIT_CASE_SLOW(an_imported_fence_lives_as_long_as_it_is_seen),
	KUNIT_CASE_SLOW(a_wait_ends_with_the_last_signal_and_not_before),
	{}
};

static struct kunit_suite resv_race_suite = {
	.name = "dma_resv_race",
	.suite_init = resv_mock_suite_init,
	.suite_exit = resv_mock_suite_exit,
	.init = resv_mock_init,
	.test_cases = resv_race_cases,
};

kunit_test_suite(resv_race_suite);
