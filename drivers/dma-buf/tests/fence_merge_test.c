// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is inside of containers, and one fence for many.
 */
#include <linux/dma-fence-array.h>
#include <linux/dma-fence-chain.h>
#include <linux/dma-fence-unwrap.h>
#include <linux/prandom.h>
#include <linux/slab.h>

#include "../dma_fence_container.h"
#include "mock.h"

#define JOBS 8

static void make_fences(struct kunit *test, struct dma_fence *fences[JOBS])
{
	int i;

	for (i = 0; i < JOBS; i++)
		fences[i] = &mock_job(test)->base;
}

static void expect_left_alone(struct kunit *test,
			      struct dma_fence *fences[JOBS])
{
	int i;

	for (i = 0; i < JOBS; i++)
		KUNIT_EXPECT_TRUE(test, mock_left_alone(fences[i]));
}

/* Two links, with arrays of the first and the second two of four fences. */
static struct dma_fence *arrays_in_chain(struct kunit *test,
					 struct dma_fence **fences)
{
	struct dma_fence *first;

	first = mock_link(test, NULL, mock_array(test, fences, 2, false), 1);
	return mock_link(test, first, mock_array(test, fences + 2, 2, false),
			 2);
}

#define EXPECT_CONTENT(test, head, ...)					\
do {									\
	struct dma_fence *_expected[] = { __VA_ARGS__ };		\
									\
	expect_content(test, head, _expected, ARRAY_SIZE(_expected));	\
} while (0)

static void expect_content(struct kunit *test, struct dma_fence *head,
			   struct dma_fence **expected, int num)
{
	int references = head ? mock_references(head) : 0;
	struct dma_fence_unwrap cursor;
	struct dma_fence *fence;
	int count = 0;

	dma_fence_unwrap_for_each(fence, &cursor, head) {
		if (count < num)
			KUNIT_EXPECT_PTR_EQ(test, fence, expected[count]);
		count++;
	}
	KUNIT_EXPECT_EQ(test, count, num);
	KUNIT_EXPECT_NULL(test, cursor.chain);
	if (head)
		KUNIT_EXPECT_EQ(test, mock_references(head), references);
}

static void a_plain_fence_contains_itself(struct kunit *test)
{
	struct dma_fence *fence = &mock_job(test)->base;

	EXPECT_CONTENT(test, fence, fence);
	dma_fence_signal(fence);
	EXPECT_CONTENT(test, fence, fence);
	expect_content(test, NULL, NULL, 0);
}

static void arrays_in_chains_are_looked_into(struct kunit *test)
{
	struct dma_fence *f[JOBS], *chain;

	make_fences(test, f);
	chain = arrays_in_chain(test, f);
	EXPECT_CONTENT(test, chain, f[2], f[3], f[0], f[1]);
	/* Members that signalled are shown, links that did are not. */
	dma_fence_signal(f[1]);
	EXPECT_CONTENT(test, chain, f[2], f[3], f[0], f[1]);
	dma_fence_signal(f[0]);
	EXPECT_CONTENT(test, chain, f[2], f[3]);
	dma_fence_put(chain);
	expect_left_alone(test, f);
}

static void chains_in_arrays_are_looked_into(struct kunit *test)
{
	struct dma_fence *f[JOBS], *chain, *array, *members[4];

	make_fences(test, f);
	chain = arrays_in_chain(test, f);
	members[0] = f[4];
	members[1] = chain;
	members[2] = f[5];
	members[3] = chain;
	array = mock_array(test, members, 4, false);
	dma_fence_put(chain);
	EXPECT_CONTENT(test, array, f[4], f[2], f[3], f[0], f[1], f[5],
		       f[2], f[3], f[0], f[1]);
	dma_fence_put(array);
	expect_left_alone(test, f);
}

static void a_chain_that_begins_with_a_fence_contains_it(struct kunit *test)
{
	struct dma_fence *f[JOBS], *chain;

	make_fences(test, f);
	chain = mock_link(test, mock_array(test, f, 2, false),
			  dma_fence_get(f[2]), 1);
	EXPECT_CONTENT(test, chain, f[2], f[0], f[1]);
	dma_fence_put(chain);
	expect_left_alone(test, f);
}

static void who_leaves_early_puts_the_chain(struct kunit *test)
{
	struct dma_fence *f[JOBS], *chain, *array;
	struct dma_fence_unwrap cursor;
	int steps, i;

	make_fences(test, f);
	chain = arrays_in_chain(test, f);
	array = mock_array(test, (struct dma_fence *[]){ f[4], chain, f[5] },
			   3, false);
	for (steps = 0; steps < 6; steps++) {
		KUNIT_EXPECT_NOT_NULL(test,
				      dma_fence_unwrap_first(array, &cursor));
		for (i = 0; i < steps; i++)
			KUNIT_EXPECT_NOT_NULL(test,
					      dma_fence_unwrap_next(&cursor));
		KUNIT_EXPECT_NOT_NULL(test, cursor.chain);
		dma_fence_put(cursor.chain);
		KUNIT_EXPECT_EQ(test, mock_references(array), 1);
		KUNIT_EXPECT_EQ(test, mock_references(chain), 2);
	}
	dma_fence_put(array);
	dma_fence_put(chain);
	expect_left_alone(test, f);
}

static struct dma_fence *pair(struct kunit *test, struct dma_fence *one,
			      struct dma_fence *other)
{
	return mock_array(test, (struct dma_fence *[]){ one, other }, 2, false);
}

/* An array of a chain of arrays of a chain, and a fence beside each. */
static void what_is_deep_is_shown_as_a_container(struct kunit *test)
{
	struct dma_fence *f[JOBS], *chain, *array, *inner;
	struct mock_call call;
	int i;

	make_fences(test, f);
	inner = mock_link(test, NULL, dma_fence_get(f[0]), 1);
	inner = mock_link(test, inner, dma_fence_get(f[1]), 2);
	array = pair(test, inner, f[2]);
	chain = mock_link(test, array, dma_fence_get(f[3]), 1);
	array = pair(test, inner, f[4]);
	chain = mock_link(test, chain, array, 2);
	array = pair(test, chain, f[5]);
	dma_fence_put(chain);
	EXPECT_CONTENT(test, array, inner, f[4], f[3], inner, f[2], f[5]);
	dma_fence_put(inner);

	/* The locks of all levels nest. */
	KUNIT_EXPECT_EQ(test, mock_call_at_end(array, &call), 0);
	dma_fence_put(array);
	for (i = 0; i < 6; i++) {
		KUNIT_EXPECT_EQ(test, mock_calls(&call), 0);
		dma_fence_signal(f[i]);
	}
	KUNIT_EXPECT_TRUE(test, MOCK_AWAIT(mock_calls(&call) == 1));
	expect_left_alone(test, f);
}

/* Arrays and chains by turns, around a plain fence. */
static struct dma_fence *nest(struct kunit *test, struct dma_fence *fence,
			      int levels)
{
	struct dma_fence *head = dma_fence_get(fence), *inner;
	int i;

	for (i = 0; i < levels; i++) {
		if (i % 2) {
			head = mock_link(test, NULL, head, 1);
			continue;
		}
		inner = head;
		head = mock_array(test, &inner, 1, false);
		dma_fence_put(inner);
	}
	return head;
}

static void containers_nest_as_deep_as_is_allowed(struct kunit *test)
{
	struct dma_fence *fence, *head;
	struct mock_call call;
	int levels;

	for (levels = 1; levels <= DMA_FENCE_NESTING_MAX; levels++) {
		fence = &mock_job(test)->base;
		head = nest(test, fence, levels);
		KUNIT_EXPECT_EQ(test, mock_call_at_end(head, &call), 0);
		dma_fence_put(head);
		dma_fence_signal(fence);
		KUNIT_EXPECT_TRUE(test, MOCK_AWAIT(mock_calls(&call) == 1));
		KUNIT_EXPECT_TRUE(test, mock_left_alone(fence));
	}
}

static void deeper_nesting_is_told_of(struct kunit *test)
{
	struct dma_fence *fence = &mock_job(test)->base, *head;

	kunit_info(test, "expect-splat: dma_fence_container.h");
	head = nest(test, fence, DMA_FENCE_NESTING_MAX + 1);
	kunit_info(test, "expect-splat: end");
	/* It can be asked still. */
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(head));
	dma_fence_signal(fence);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(head));
	dma_fence_put(head);
	KUNIT_EXPECT_TRUE(test, mock_left_alone(fence));
}

/*
 * Merging
 */

static void one_pending_fence_is_its_own_merger(struct kunit *test)
{
	struct dma_fence *f[JOBS], *array, *merged;

	make_fences(test, f);
	dma_fence_signal(f[0]);
	dma_fence_signal(f[2]);
	array = mock_array(test, f, 3, false);
	merged = dma_fence_unwrap_merge(array, NULL, f[1], f[0]);
	KUNIT_EXPECT_PTR_EQ(test, merged, f[1]);
	dma_fence_put(merged);
	dma_fence_put(array);

	merged = dma_fence_unwrap_merge(f[3]);
	KUNIT_EXPECT_PTR_EQ(test, merged, f[3]);
	dma_fence_put(merged);
	expect_left_alone(test, f);
}

static void of_what_has_signalled_the_newest_time_is_left(struct kunit *test)
{
	struct dma_fence *f[JOBS], *array, *merged;
	int i;

	make_fences(test, f);
	for (i = 0; i < JOBS; i++)
		dma_fence_signal_timestamp(f[i], i == 3 ? 1000 : 10 * i);
	array = mock_array(test, f + 2, 3, false);
	merged = dma_fence_unwrap_merge(f[7], array, NULL, f[0]);
	KUNIT_ASSERT_NOT_NULL(test, merged);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(merged));
	KUNIT_EXPECT_EQ(test, dma_fence_timestamp(merged), 1000);
	KUNIT_EXPECT_FALSE(test, dma_fence_is_container(merged));
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(merged), 1);
	dma_fence_put(merged);
	dma_fence_put(array);
	expect_left_alone(test, f);
}

static void of_nothing_a_signalled_fence_is_made(struct kunit *test)
{
	struct dma_fence *merged = dma_fence_unwrap_merge(NULL, NULL);

	KUNIT_ASSERT_NOT_NULL(test, merged);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(merged));
	dma_fence_put(merged);
}

static void the_jobs_end_is_noticed(struct kunit *test)
{
	struct mock_job *job = mock_job(test);
	struct dma_fence *other = &mock_job(test)->base, *merged;

	job->done = true;
	merged = dma_fence_unwrap_merge(&job->base, other);
	KUNIT_EXPECT_PTR_EQ(test, merged, other);
	dma_fence_put(merged);
}

static void what_is_left_is_an_array_by_context(struct kunit *test)
{
	struct dma_fence *f[JOBS], *merged, *member;
	struct dma_fence_array *array;
	unsigned int i;

	make_fences(test, f);
	merged = dma_fence_unwrap_merge(f[2], f[0], f[2], f[3], f[1], f[0]);
	array = to_dma_fence_array(merged);
	KUNIT_ASSERT_NOT_NULL(test, array);
	KUNIT_EXPECT_EQ(test, array->num_fences, 4);
	dma_fence_array_for_each(member, i, merged)
		KUNIT_EXPECT_PTR_EQ(test, member, f[i]);
	KUNIT_EXPECT_EQ(test, merged->seqno, 1);
	KUNIT_EXPECT_GT(test, merged->context, f[JOBS - 1]->context);

	for (i = 0; i < 4; i++) {
		KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(merged));
		dma_fence_signal(f[i]);
	}
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(merged));
	dma_fence_put(merged);
	expect_left_alone(test, f);
}

static void of_a_timeline_the_latest_is_left_across_the_wrap(struct kunit *test)
{
	struct dma_fence *f[4], *merged;

	f[0] = &mock_job_on(test, 5, U32_MAX - 1)->base;
	f[1] = &mock_job_on(test, 5, 2)->base;
	f[2] = &mock_job_on(test, 5, U32_MAX)->base;
	f[3] = &mock_job_on(test, 5, 1)->base;
	merged = dma_fence_unwrap_merge(f[0], f[1], f[2], f[3]);
	KUNIT_EXPECT_PTR_EQ(test, merged, f[1]);
	dma_fence_put(merged);
	merged = dma_fence_unwrap_merge(f[3], f[2], f[0]);
	KUNIT_EXPECT_PTR_EQ(test, merged, f[3]);
	dma_fence_put(merged);
}

/* As what user space does with sync files: merge what was merged. */
static void mergers_can_be_merged(struct kunit *test)
{
	struct dma_fence *evens[64], *odds[64], *merged[3], *member;
	u64 context = dma_fence_context_alloc(128);
	unsigned int i;

	for (i = 0; i < 64; i++) {
		evens[i] = &mock_job_on(test, context + 2 * i, 1)->base;
		odds[i] = &mock_job_on(test, context + 2 * i + 1, 1)->base;
	}
	merged[0] = mock_array(test, evens, 64, false);
	merged[1] = mock_array(test, odds, 64, false);
	merged[2] = dma_fence_unwrap_merge(merged[1], merged[0]);
	KUNIT_ASSERT_NOT_NULL(test, merged[2]);
	dma_fence_array_for_each(member, i, merged[2])
		KUNIT_EXPECT_PTR_EQ(test, member,
				    i % 2 ? odds[i / 2] : evens[i / 2]);
	KUNIT_EXPECT_EQ(test, i, 128);
	for (i = 0; i < 3; i++)
		dma_fence_put(merged[i]);
}

/*
 * Merging without memory
 */

#define MANY 20

/**
 * struct shortage - what is merged while there is no memory
 * @fences: the fences, by context; the test has a reference on each
 * @num: how many
 * @heads: they, or containers with them
 * @num_heads: how many
 * @references: on each fence, by the test and @heads
 */
struct shortage {
	struct dma_fence *fences[MANY];
	int num;
	struct dma_fence *heads[MANY];
	int num_heads;
	int references;
};

static void expect_right_merger(struct kunit *test, struct shortage *shortage,
				struct dma_fence *merged, bool signaled)
{
	struct dma_fence *member;
	unsigned int i;

	KUNIT_EXPECT_EQ(test, dma_fence_is_signaled(merged), signaled);
	if (signaled)
		return;
	dma_fence_array_for_each(member, i, merged) {
		KUNIT_ASSERT_LT(test, i, shortage->num);
		KUNIT_EXPECT_PTR_EQ(test, member, shortage->fences[i]);
	}
	KUNIT_EXPECT_EQ(test, i, shortage->num);
}

static void expect_same_references(struct kunit *test,
				   struct shortage *shortage)
{
	int i;

	for (i = 0; i < shortage->num; i++)
		KUNIT_EXPECT_EQ(test, mock_references(shortage->fences[i]),
				shortage->references);
	for (i = 0; i < shortage->num_heads; i++) {
		if (dma_fence_is_container(shortage->heads[i]))
			KUNIT_EXPECT_EQ(test, 1,
					mock_references(shortage->heads[i]));
	}
}

/*
 * Lets each allocation fail in turn, and returns how often that was fatal.
 * Those of the allocator's own debugging aren't.
 */
static int sweep_memory(struct kunit *test, struct shortage *shortage,
			bool signaled)
{
	struct dma_fence_unwrap cursors[MANY];
	unsigned int nth = 0, fatal = 0;
	struct dma_fence *merged;
	bool failed;

	do {
		mock_fail_nth(++nth);
		merged = __dma_fence_unwrap_merge(shortage->num_heads,
						  shortage->heads, cursors);
		failed = mock_failed();
		if (merged) {
			expect_right_merger(test, shortage, merged, signaled);
			dma_fence_put(merged);
		} else {
			KUNIT_EXPECT_TRUE(test, failed);
			fatal++;
		}
		expect_same_references(test, shortage);
	} while (failed && nth < 200);
	KUNIT_EXPECT_FALSE(test, failed);
	return fatal;
}

/*
 * Expects that each of @needed allocations is fatal if it fails.  What the
 * allocator's debugging allocates moves them about from one merger to the next,
 * so that one may have been passed over where too few were.
 */
static void merge_without_memory(struct kunit *test, struct shortage *shortage,
				 int needed, bool signaled)
{
	int times = 0, fatal;

	do {
		fatal = sweep_memory(test, shortage, signaled);
	} while (fatal < needed && ++times < 20);
	KUNIT_EXPECT_GE(test, fatal, needed);
}

/* The last context is the first to be found, so that they must be sorted. */
static void make_shortage(struct kunit *test, struct shortage *shortage,
			  int num)
{
	int i;

	mock_faults_begin(test);
	shortage->num = num;
	shortage->num_heads = num;
	shortage->references = 1;
	for (i = 0; i < num; i++) {
		shortage->fences[i] = &mock_job(test)->base;
		shortage->heads[num - 1 - i] = shortage->fences[i];
	}
}

/* Of the list, and the array. */
static void without_memory_two_fences_are_not_merged(struct kunit *test)
{
	struct shortage shortage;

	make_shortage(test, &shortage, 2);
	merge_without_memory(test, &shortage, 2, false);
}

/* Of the list, to sort it, and of the array. */
static void without_memory_many_fences_are_not_merged(struct kunit *test)
{
	struct shortage shortage;

	make_shortage(test, &shortage, MANY);
	merge_without_memory(test, &shortage, 3, false);
}

/* The same, and the list grows as links are found. */
static void without_memory_no_long_chain_is_merged(struct kunit *test)
{
	struct shortage shortage;
	struct dma_fence *head = NULL;
	int i;

	make_shortage(test, &shortage, MANY);
	for (i = 0; i < MANY; i++)
		head = mock_link(test, head, dma_fence_get(shortage.fences[i]),
				 i + 1);
	shortage.heads[0] = head;
	shortage.num_heads = 1;
	shortage.references = 2;
	merge_without_memory(test, &shortage, 4, false);
	dma_fence_put(head);
	/* A link that somebody still had would have all before it. */
	KUNIT_EXPECT_TRUE(test, mock_left_alone(shortage.fences[0]));
}

/* Of the fence that stands for all that has signalled. */
static void without_memory_what_has_signalled_is_not_merged(struct kunit *test)
{
	struct shortage shortage;
	int i;

	make_shortage(test, &shortage, 3);
	for (i = 0; i < 3; i++)
		dma_fence_signal(shortage.fences[i]);
	merge_without_memory(test, &shortage, 1, true);
}

/*
 * A model: the latest pending fence of each of a few contexts
 */

#define MODEL_FENCES	64
#define MODEL_HEADS	12
#define MODEL_CONTEXTS	16
#define FIRST_CONTEXT	1000

/**
 * struct model - fences in containers, and what is to come of them
 * @rnd: where all of it comes from
 * @fences: the fences, a reference on each
 * @num: how many
 * @heads: fences, containers and NULL, a reference on each
 * @num_heads: how many
 * @latest: the seqno of the latest pending fence of each context, or 0
 * @pending: how many of them there are
 * @newest: when the last fence signalled
 * @chains: there are chains, of which some fences may not be seen
 */
struct model {
	struct rnd_state rnd;
	struct dma_fence *fences[MODEL_FENCES];
	int num;
	struct dma_fence *heads[MODEL_HEADS];
	int num_heads;
	u64 latest[MODEL_CONTEXTS];
	int pending;
	ktime_t newest;
	bool chains;
};

static u32 below(struct model *model, u32 end)
{
	return prandom_u32_state(&model->rnd) % end;
}

static void model_fence(struct kunit *test, struct model *model, int contexts)
{
	int context = below(model, contexts);
	u64 seqno = 1 + below(model, 5);
	struct mock_job *job = mock_job_make(FIRST_CONTEXT + context, seqno);

	KUNIT_ASSERT_NOT_NULL(test, job);
	model->fences[model->num++] = &job->base;
	if (!below(model, 3)) {
		ktime_t timestamp = 1 + below(model, 1000);

		dma_fence_signal_timestamp(&job->base, timestamp);
		model->newest = max(model->newest, timestamp);
		return;
	}
	model->pending += !model->latest[context];
	model->latest[context] = max(model->latest[context], seqno);
}

static struct dma_fence *model_chain(struct kunit *test,
				     struct dma_fence **fences, int num)
{
	struct dma_fence *head = NULL;
	int i;

	for (i = 0; i < num; i++)
		head = mock_link(test, head, dma_fence_get(fences[i]), i + 1);
	return head;
}

/* Returns how many of the fences from @first on it contains. */
static int model_head(struct kunit *test, struct model *model, int first)
{
	bool last = model->num_heads == MODEL_HEADS - 1;
	struct dma_fence **fences = model->fences + first, *head = NULL;
	int left = model->num - first;
	int num = last ? left : min(left, 1 + (int)below(model, 12));

	switch (last ? 0 : below(model, 4)) {
	case 0:
		head = mock_array(test, fences, num, false);
		break;
	case 1:
		head = model_chain(test, fences, num);
		model->chains = true;
		break;
	case 2:
		head = dma_fence_get(*fences);
		num = 1;
		break;
	case 3:
		num = 0;
	}
	model->heads[model->num_heads++] = head;
	return num;
}

static void make_model(struct kunit *test, struct model *model, int round)
{
	int contexts, num, first = 0;

	memset(model, 0, sizeof(*model));
	prandom_seed_state(&model->rnd, round);
	contexts = round % 50 ? 1 + below(model, MODEL_CONTEXTS) : 1;
	num = below(model, round % 10 ? MODEL_FENCES + 1 : 3);
	while (model->num < num)
		model_fence(test, model, contexts);
	while (first < num)
		first += model_head(test, model, first);
}

static void expect_members(struct kunit *test, struct model *model,
			   struct dma_fence *merged)
{
	struct dma_fence *member;
	u64 context = 0;
	unsigned int i;

	dma_fence_array_for_each(member, i, merged) {
		KUNIT_EXPECT_GT(test, member->context, context);
		context = member->context;
		KUNIT_EXPECT_EQ(test, member->seqno,
				model->latest[context - FIRST_CONTEXT]);
		KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(member));
	}
	KUNIT_EXPECT_EQ(test, i, model->pending);
	KUNIT_EXPECT_EQ(test, dma_fence_is_array(merged), model->pending > 1);
}

static void expect_merger(struct kunit *test, struct model *model,
			  struct dma_fence *merged)
{
	KUNIT_ASSERT_NOT_NULL(test, merged);
	if (model->pending) {
		expect_members(test, model, merged);
		return;
	}
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(merged));
	if (model->chains)
		KUNIT_EXPECT_LE(test, dma_fence_timestamp(merged),
				model->newest);
	else
		KUNIT_EXPECT_EQ(test, dma_fence_timestamp(merged),
				model->newest);
}

static void end_model(struct kunit *test, struct model *model)
{
	while (model->num_heads--)
		dma_fence_put(model->heads[model->num_heads]);
	while (model->num) {
		struct dma_fence *fence = model->fences[--model->num];

		KUNIT_EXPECT_TRUE(test, mock_left_alone(fence));
		dma_fence_put(fence);
	}
}

static void mergers_are_as_the_model_says(struct kunit *test)
{
	struct mock_rounds rounds = mock_rounds(test);
	struct dma_fence_unwrap *cursors;
	struct dma_fence *merged;
	struct model *model;

	model = kunit_kmalloc(test, sizeof(*model), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, model);
	cursors = kunit_kcalloc(test, MODEL_HEADS, sizeof(*cursors),
				GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, cursors);
	while (mock_next_round(&rounds)) {
		make_model(test, model, rounds.count);
		merged = __dma_fence_unwrap_merge(model->num_heads,
						  model->heads, cursors);
		expect_merger(test, model, merged);
		dma_fence_put(merged);
		end_model(test, model);
	}
}

static void signal_all(void *data)
{
	struct model *model = data;
	int i;

	for (i = model->num - 1; i >= 0; i--)
		dma_fence_signal(model->fences[i]);
}

static void fences_may_signal_while_they_are_merged(struct kunit *test)
{
	struct mock_rounds rounds = mock_rounds(test);
	struct dma_fence_unwrap *cursors;
	struct mock_rival *rival;
	struct dma_fence *merged;
	struct model *model;

	model = kunit_kzalloc(test, sizeof(*model), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, model);
	cursors = kunit_kcalloc(test, MODEL_HEADS, sizeof(*cursors),
				GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, cursors);
	rival = mock_rival(test, signal_all, model);
	while (mock_next_round(&rounds)) {
		make_model(test, model, rounds.count);
		mock_rival_go(rival);
		mock_dawdle();
		merged = __dma_fence_unwrap_merge(model->num_heads,
						  model->heads, cursors);
		KUNIT_ASSERT_NOT_NULL(test, merged);
		KUNIT_EXPECT_GT(test,
				dma_fence_wait_timeout(merged, false,
						       MOCK_PATIENCE), 0);
		mock_rival_await(rival);
		dma_fence_put(merged);
		end_model(test, model);
	}
}

static struct kunit_case fence_merge_cases[] = {
	KUNIT_CASE(a_plain_fence_contains_itself),
	KUNIT_CASE(arrays_in_chains_are_looked_into),
	KUNIT_CASE(chains_in_arrays_are_looked_into),
	KUNIT_CASE(a_chain_that_begins_with_a_fence_contains_it),
	KUNIT_CASE(who_leaves_early_puts_the_chain),
	KUNIT_CASE(what_is_deep_is_shown_as_a_container),
	KUNIT_CASE(containers_nest_as_deep_as_is_allowed),
	KUNIT_CASE(deeper_nesting_is_told_of),
	KUNIT_CASE(one_pending_fence_is_its_own_merger),
	KUNIT_CASE(of_what_has_signalled_the_newest_time_is_left),
	KUNIT_CASE(of_nothing_a_signalled_fence_is_made),
	KUNIT_CASE(the_jobs_end_is_noticed),
	KUNIT_CASE(what_is_left_is_an_array_by_context),
	KUNIT_CASE(of_a_timeline_the_latest_is_left_across_the_wrap),
	KUNIT_CASE(mergers_can_be_merged),
	KUNIT_CASE(without_memory_two_fences_are_not_merged),
	KUNIT_CASE(without_memory_many_fences_are_not_merged),
	KUNIT_CASE(without_memory_no_long_chain_is_merged),
	KUNIT_CASE(without_memory_what_has_signalled_is_not_merged),
	KUNIT_CASE_SLOW(mergers_are_as_the_model_says),
	KUNIT_CASE_SLOW(fences_may_signal_while_they_are_merged),
	{}
};

static struct kunit_suite fence_merge_suite = {
	.name = "dma_fence_merge",
	.test_cases = fence_merge_cases,
};

kunit_test_suite(fence_merge_suite);
