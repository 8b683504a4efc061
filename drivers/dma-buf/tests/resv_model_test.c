// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reservation objects against a naive idea of them: random operations, after
 * each of which the object holds exactly what it should.
 *
 * What the object is free to choose is taken from it: which signalled fences
 * are gone, and whose place a fence took if it could take several.
 *
 * A run that failed is repeated with dma_buf_kunit.resv_seed=SEED.
 */
#include <linux/dma-fence-array.h>
#include <linux/hash.h>
#include <linux/moduleparam.h>
#include <linux/prandom.h>
#include <linux/random.h>
#include <linux/slab.h>

#include "resv_mock.h"

static unsigned int resv_seed;
module_param(resv_seed, uint, 0444);
MODULE_PARM_DESC(resv_seed, "Seed of the random tests; 0 for a new one");

/* Objects that are copied to and from each other. */
#define OBJECTS 2

/* Fences whose end is still to come, or not yet known. */
#define MAX_FENCES 2048

/**
 * struct model - reservation objects, and the fences that may be in them
 * @test: whose it is
 * @random: the source of all choices
 * @objs: the objects
 * @want: what should be in each
 * @have: what is
 * @contexts: those of all fences
 * @seqnos: the last one of each context
 * @num_contexts: how many
 * @fences: fences there are; the model has a reference on each
 * @num_fences: how many
 * @step: operations done
 */
struct model {
	struct kunit *test;
	struct rnd_state random;
	struct dma_resv *objs[OBJECTS];
	struct resv_content *want[OBJECTS];
	struct resv_content *have;
	u64 *contexts;
	u64 *seqnos;
	unsigned int num_contexts;
	struct dma_fence *fences[MAX_FENCES];
	unsigned int num_fences;
	unsigned int step;
};

static u32 below(struct model *model, u32 ceiling)
{
	return prandom_u32_state(&model->random) % ceiling;
}

static bool fence_is_over(struct dma_fence *fence)
{
	return test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags) ||
	       to_resv_fence(fence)->over;
}

/*
 * Contents
 */

static void content_add(struct resv_content *content, struct dma_fence *fence,
			enum dma_resv_usage usage)
{
	if (content->count < content->size) {
		content->entries[content->count].fence = fence;
		content->entries[content->count].usage = usage;
	}
	content->count++;
}

static void content_remove(struct resv_content *content, unsigned int index)
{
	content->entries[index] = content->entries[--content->count];
}

/* Leaves in each fence's counters how much more often @a has it than @b. */
static void content_count(struct resv_content *a, struct resv_content *b)
{
	unsigned int i;

	for (i = 0; i < a->count; i++)
		memset(to_resv_fence(a->entries[i].fence)->seen, 0,
		       sizeof(int) * RESV_USAGES);
	for (i = 0; i < b->count; i++)
		memset(to_resv_fence(b->entries[i].fence)->seen, 0,
		       sizeof(int) * RESV_USAGES);
	for (i = 0; i < a->count; i++)
		to_resv_fence(a->entries[i].fence)->seen[a->entries[i].usage]++;
	for (i = 0; i < b->count; i++)
		to_resv_fence(b->entries[i].fence)->seen[b->entries[i].usage]--;
}

static int excess(struct resv_content *content, unsigned int index)
{
	return to_resv_fence(content->entries[index].fence)
		->seen[content->entries[index].usage];
}

/* Both have the same fences with the same usages equally often. */
static bool content_equal(struct resv_content *a, struct resv_content *b)
{
	unsigned int i;

	if (a->count != b->count || a->count > a->size || b->count > b->size)
		return false;
	content_count(a, b);
	for (i = 0; i < a->count; i++) {
		if (excess(a, i))
			return false;
	}
	return true;
}

static void expect_object(struct model *model, int which, const char *after)
{
	KUNIT_ASSERT_TRUE_MSG(model->test,
			      content_equal(model->want[which], model->have),
			      "step %u, after %s: %u fences, should be %u",
			      model->step, after, model->have->count,
			      model->want[which]->count);
}

static void read_object(struct model *model, int which)
{
	resv_content_read(model->have, model->objs[which]);
	KUNIT_ASSERT_LE(model->test, model->have->count, model->have->size);
}

/* Signalled fences may be gone, others not, and nothing is new. */
static void forget_swept(struct model *model, int which)
{
	struct resv_content *want = model->want[which];
	unsigned int i = want->count;

	content_count(want, model->have);
	while (i--) {
		struct dma_fence *fence = want->entries[i].fence;
		int *seen = &to_resv_fence(fence)->seen[want->entries[i].usage];

		if (*seen > 0 && fence_is_over(fence)) {
			--*seen;
			content_remove(want, i);
		}
	}
}

/*
 * Operations
 */

static void lose_fence(struct model *model, unsigned int index)
{
	dma_fence_put(model->fences[index]);
	model->fences[index] = model->fences[--model->num_fences];
}

/* The newest of its context, mostly. */
static struct dma_fence *make_fence(struct model *model)
{
	unsigned int context = below(model, model->num_contexts);
	u64 seqno = model->seqnos[context];
	struct dma_fence *fence;

	if (below(model, 8))
		seqno = model->seqnos[context] += 1 + below(model, 3);
	else
		seqno -= below(model, 4);
	KUNIT_ASSERT_LT(model->test, model->num_fences, MAX_FENCES);
	fence = resv_fence_make(below(model, RESV_KINDS),
				model->contexts[context], seqno, model);
	KUNIT_ASSERT_NOT_NULL(model->test, fence);
	model->fences[model->num_fences++] = fence;
	return fence;
}

/* One that there is already, at times. */
static struct dma_fence *choose_fence(struct model *model)
{
	if (model->num_fences && !below(model, 16))
		return model->fences[below(model, model->num_fences)];
	return make_fence(model);
}

static bool is_superseded(struct resv_content *content, unsigned int index,
			  struct dma_fence *fence, enum dma_resv_usage usage)
{
	struct dma_fence *old = content->entries[index].fence;

	return old->context == fence->context &&
	       content->entries[index].usage >= usage &&
	       (old == fence || (s32)(fence->seqno - old->seqno) > 0);
}

/* What should be there now that a fence was added. */
static void want_added(struct model *model, int which, struct dma_fence *fence,
		       enum dma_resv_usage usage)
{
	struct resv_content *want = model->want[which];
	unsigned int i, candidates = 0;

	for (i = 0; i < want->count; i++)
		candidates += is_superseded(want, i, fence, usage);
	content_add(want, fence, usage);
	if (!candidates)
		return;
	content_count(want, model->have);
	for (i = 0; i < want->count - 1; i++) {
		if (is_superseded(want, i, fence, usage) &&
		    (candidates == 1 || excess(want, i) > 0)) {
			content_remove(want, i);
			return;
		}
	}
}

/**
 * struct addition - fences that are added under one lock
 * @count: how many
 * @fences: each
 * @usages: its usage
 */
struct addition {
	unsigned int count;
	struct dma_fence *fences[20];
	enum dma_resv_usage usages[20];
};

/* NULL, or what went wrong. */
static const char *add_all(struct model *model, int which,
			   const struct addition *addition)
{
	struct dma_resv *obj = model->objs[which];
	unsigned int i;

	if (dma_resv_reserve_fences(obj, addition->count))
		return "no memory to reserve";
	resv_content_read_locked(model->have, obj, DMA_RESV_USAGE_BOOKKEEP);
	forget_swept(model, which);
	if (!content_equal(model->want[which], model->have))
		return "reserve";
	for (i = 0; i < addition->count; i++) {
		dma_resv_add_fence(obj, addition->fences[i],
				   addition->usages[i]);
		resv_content_read_locked(model->have, obj,
					 DMA_RESV_USAGE_BOOKKEEP);
		want_added(model, which, addition->fences[i],
			   addition->usages[i]);
		if (!content_equal(model->want[which], model->have))
			return "add";
	}
	return NULL;
}

static void do_add(struct model *model, int which)
{
	struct addition addition;
	const char *wrong;
	unsigned int i;

	addition.count = 1 + (below(model, 4) ? 0 : below(model, 20));
	for (i = 0; i < addition.count; i++) {
		addition.fences[i] = choose_fence(model);
		addition.usages[i] = below(model, RESV_USAGES);
	}
	dma_resv_lock(model->objs[which], NULL);
	wrong = add_all(model, which, &addition);
	dma_resv_unlock(model->objs[which]);
	KUNIT_ASSERT_NULL_MSG(model->test, wrong,
			      "step %u: %s; %u fences, should be %u",
			      model->step, wrong, model->have->count,
			      model->want[which]->count);
}

static void do_reserve_too_much(struct model *model, int which)
{
	struct dma_resv *obj = model->objs[which];
	int err;

	dma_resv_lock(obj, NULL);
	err = dma_resv_reserve_fences(obj, UINT_MAX - below(model, 100));
	dma_resv_unlock(obj);
	KUNIT_ASSERT_EQ(model->test, err, -ENOMEM);
	read_object(model, which);
	forget_swept(model, which);
	expect_object(model, which, "a failed reserve");
}

static void do_replace(struct model *model, int which)
{
	u64 context = model->contexts[below(model, model->num_contexts)];
	enum dma_resv_usage usage = below(model, RESV_USAGES);
	struct resv_content *want = model->want[which];
	struct dma_fence *fence = choose_fence(model);
	unsigned int i;

	dma_resv_lock(model->objs[which], NULL);
	dma_resv_replace_fences(model->objs[which], context, fence, usage);
	dma_resv_unlock(model->objs[which]);
	for (i = 0; i < want->count; i++) {
		if (want->entries[i].fence->context == context) {
			want->entries[i].fence = fence;
			want->entries[i].usage = usage;
		}
	}
	read_object(model, which);
	expect_object(model, which, "replace");
}

static void do_copy(struct model *model, int which)
{
	int from = below(model, OBJECTS);
	struct resv_content *want = model->want[which];
	struct resv_content *source = model->want[from];
	unsigned int i, count = 0;
	int err;

	for (i = 0; i < source->count; i++) {
		if (!fence_is_over(source->entries[i].fence))
			want->entries[count++] = source->entries[i];
	}
	want->count = count;
	dma_resv_lock(model->objs[which], NULL);
	err = dma_resv_copy_fences(model->objs[which], model->objs[from]);
	dma_resv_unlock(model->objs[which]);
	KUNIT_ASSERT_EQ(model->test, err, 0);
	read_object(model, which);
	expect_object(model, which, "copy");
}

/* The object loses its last reader, and another one takes its place. */
static void do_renew(struct model *model, int which)
{
	dma_resv_fini(model->objs[which]);
	dma_resv_init(model->objs[which]);
	model->want[which]->count = 0;
}

static void do_signal(struct model *model, int which)
{
	unsigned int count = below(model, 4) ? 1 : model->num_fences / 2;
	struct dma_fence *fence;

	while (count-- && model->num_fences) {
		fence = model->fences[below(model, model->num_fences)];
		if (to_resv_fence(fence)->kind != RESV_PLAIN && below(model, 2))
			to_resv_fence(fence)->over = true;
		else
			dma_fence_signal(fence);
	}
}

/* Keeps what is still in an object, whose reference is the other one. */
static void drop_unused(struct model *model)
{
	unsigned int i = model->num_fences;

	while (i--) {
		if (mock_references(model->fences[i]) == 1)
			lose_fence(model, i);
	}
	if (model->num_fences > MAX_FENCES / 2)
		do_signal(model, 0);
}

/*
 * Questions
 */

/* What a reader without the lock should see. */
static void want_pending(struct model *model, int which,
			 enum dma_resv_usage usage, struct resv_content *pending)
{
	struct resv_content *want = model->want[which];
	unsigned int i;

	pending->count = 0;
	for (i = 0; i < want->count; i++) {
		if (want->entries[i].usage <= usage &&
		    !fence_is_over(want->entries[i].fence))
			content_add(pending, want->entries[i].fence,
				    want->entries[i].usage);
	}
}

static void ask_walk(struct model *model, struct resv_content *pending,
		     int which, enum dma_resv_usage usage)
{
	struct resv_content *have = model->have;
	unsigned int restarts = 0;
	struct dma_resv_iter cursor;
	struct dma_fence *fence;

	have->count = 0;
	dma_resv_iter_begin(&cursor, model->objs[which], usage);
	dma_resv_for_each_fence_unlocked(&cursor, fence) {
		restarts += dma_resv_iter_is_restarted(&cursor);
		content_add(have, fence, dma_resv_iter_usage(&cursor));
	}
	dma_resv_iter_end(&cursor);
	KUNIT_ASSERT_TRUE_MSG(model->test, content_equal(pending, have),
			      "step %u: the walk saw %u fences, should be %u",
			      model->step, have->count, pending->count);
	KUNIT_ASSERT_EQ(model->test, restarts, !!pending->count);
}

/* An array of fences says nothing of usages. */
static void take_array(struct model *model, struct resv_content *pending,
		       struct dma_fence **fences, unsigned int count)
{
	unsigned int i;

	model->have->count = 0;
	for (i = 0; i < count; i++)
		content_add(model->have, fences[i], 0);
	for (i = 0; i < pending->count; i++)
		pending->entries[i].usage = 0;
}

static void ask_fences(struct model *model, struct resv_content *pending,
		       int which, enum dma_resv_usage usage)
{
	struct dma_fence **fences;
	unsigned int count, i;
	int err;

	err = dma_resv_get_fences(model->objs[which], usage, &count, &fences);
	KUNIT_ASSERT_EQ(model->test, err, 0);
	take_array(model, pending, fences, count);
	for (i = 0; i < count; i++)
		dma_fence_put(fences[i]);
	kfree(fences);
	KUNIT_ASSERT_TRUE_MSG(model->test, content_equal(pending, model->have),
			      "step %u: got %u fences, should be %u",
			      model->step, count, pending->count);
}

static void ask_singleton(struct model *model, struct resv_content *pending,
			  int which, enum dma_resv_usage usage)
{
	struct dma_fence *fence;
	int err;

	err = dma_resv_get_singleton(model->objs[which], usage, &fence);
	KUNIT_ASSERT_EQ(model->test, err, 0);
	if (fence && dma_fence_is_array(fence))
		take_array(model, pending, to_dma_fence_array(fence)->fences,
			   to_dma_fence_array(fence)->num_fences);
	else
		take_array(model, pending, &fence, !!fence);
	dma_fence_put(fence);
	KUNIT_ASSERT_TRUE_MSG(model->test, content_equal(pending, model->have),
			      "step %u: one for %u fences, should be %u",
			      model->step, model->have->count, pending->count);
}

static void ask_locked(struct model *model, struct resv_content *pending,
		       int which, enum dma_resv_usage usage)
{
	struct resv_content *want = model->want[which];
	unsigned int i;

	pending->count = 0;
	for (i = 0; i < want->count; i++) {
		if (want->entries[i].usage <= usage)
			content_add(pending, want->entries[i].fence,
				    want->entries[i].usage);
	}
	dma_resv_lock(model->objs[which], NULL);
	resv_content_read_locked(model->have, model->objs[which], usage);
	dma_resv_unlock(model->objs[which]);
	KUNIT_ASSERT_TRUE_MSG(model->test, content_equal(pending, model->have),
			      "step %u: %u fences, should be %u", model->step,
			      model->have->count, pending->count);
}

/* No step tells what another one told. */
static void ask_deadline(struct model *model, struct resv_content *pending,
			 int which, enum dma_resv_usage usage)
{
	ktime_t deadline = model->step + 1;
	unsigned int i, wrong = 0;

	dma_resv_set_deadline(model->objs[which], usage, deadline);
	for (i = 0; i < model->num_fences; i++)
		to_resv_fence(model->fences[i])->seen[0] = 0;
	for (i = 0; i < pending->count; i++)
		to_resv_fence(pending->entries[i].fence)->seen[0] = 1;
	for (i = 0; i < model->num_fences; i++) {
		struct resv_fence *fence = to_resv_fence(model->fences[i]);

		wrong += (fence->deadline == deadline) != fence->seen[0];
	}
	KUNIT_ASSERT_EQ(model->test, wrong, 0);
}

static void ask(struct model *model, struct resv_content *pending, int which)
{
	enum dma_resv_usage usage = below(model, RESV_USAGES);
	struct dma_resv *obj = model->objs[which];

	want_pending(model, which, usage, pending);
	switch (below(model, 7)) {
	case 0:
		ask_walk(model, pending, which, usage);
		break;
	case 1:
		ask_fences(model, pending, which, usage);
		break;
	case 2:
		ask_singleton(model, pending, which, usage);
		break;
	case 3:
		ask_locked(model, pending, which, usage);
		break;
	case 4:
		ask_deadline(model, pending, which, usage);
		break;
	case 5:
		KUNIT_ASSERT_EQ(model->test, !pending->count,
				dma_resv_test_signaled(obj, usage));
		break;
	case 6:
		KUNIT_ASSERT_EQ(model->test, !pending->count,
				dma_resv_wait_timeout(obj, usage, true, 0));
		break;
	}
}

/*
 * Runs
 */

static void end_model(void *data)
{
	struct model *model = data;

	while (model->num_fences) {
		dma_fence_signal(model->fences[0]);
		lose_fence(model, 0);
	}
}

/* Half of the contexts share a few homes in a hash of whatever size. */
static u64 choose_context(struct model *model, unsigned int i)
{
	u64 context;

	if (i % 2)
		return resv_context();
	do {
		context = (u64)prandom_u32_state(&model->random) << 32 |
			  prandom_u32_state(&model->random);
	} while (hash_64(context, 8) > 3);
	return context;
}

static struct model *make_model(struct kunit *test, unsigned int contexts,
				u32 seed)
{
	struct model *model = kunit_kzalloc(test, sizeof(*model), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, model);
	model->test = test;
	prandom_seed_state(&model->random, seed);
	model->have = resv_content_alloc(test, MAX_FENCES);
	for (i = 0; i < OBJECTS; i++) {
		model->objs[i] = mock_resv(test);
		model->want[i] = resv_content_alloc(test, MAX_FENCES);
	}
	model->num_contexts = contexts;
	model->contexts = kunit_kcalloc(test, contexts, sizeof(u64), GFP_KERNEL);
	model->seqnos = kunit_kcalloc(test, contexts, sizeof(u64), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, model->contexts);
	KUNIT_ASSERT_NOT_NULL(test, model->seqnos);
	for (i = 0; i < contexts; i++) {
		model->contexts[i] = choose_context(model, i);
		/* About to wrap, some of them. */
		model->seqnos[i] = i % 3 ? 100 : U32_MAX - 20;
	}
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, end_model,
							   model));
	return model;
}

static void take_step(struct model *model, struct resv_content *pending)
{
	int which = below(model, OBJECTS);
	u32 dice = below(model, 100);

	if (dice < 50)
		do_add(model, which);
	else if (dice < 52)
		do_reserve_too_much(model, which);
	else if (dice < 62)
		do_replace(model, which);
	else if (dice < 64)
		do_copy(model, which);
	else if (dice < 65 && !below(model, 4))
		do_renew(model, which);
	else if (dice < 75)
		do_signal(model, which);
	else
		ask(model, pending, which);
	drop_unused(model);
}

static void run_model(struct kunit *test, unsigned int contexts,
		      unsigned int steps)
{
	u32 seed = resv_seed ?: get_random_u32() | 1;
	struct resv_content *pending = resv_content_alloc(test, MAX_FENCES);
	struct model *model = make_model(test, contexts, seed);
	unsigned int largest = 0;

	kunit_info(test, "seed %u", seed);
	for (; model->step < steps; model->step++) {
		take_step(model, pending);
		largest = max(largest, model->want[0]->count);
		cond_resched();
	}
	kunit_info(test, "up to %u fences", largest);
}

static void an_object_of_one_context_is_as_it_should_be(struct kunit *test)
{
	run_model(test, 1, 2000);
}

static void an_object_of_few_contexts_is_as_it_should_be(struct kunit *test)
{
	run_model(test, 5, 3000);
}

/* About where a list gets its hash. */
static void an_object_of_some_contexts_is_as_it_should_be(struct kunit *test)
{
	run_model(test, 20, 3000);
}

static void an_object_of_many_contexts_is_as_it_should_be(struct kunit *test)
{
	run_model(test, 300, 3000);
}

static struct kunit_case resv_model_cases[] = {
	KUNIT_CASE_SLOW(an_object_of_one_context_is_as_it_should_be),
	KUNIT_CASE_SLOW(an_object_of_few_contexts_is_as_it_should_be),
	KUNIT_CASE_SLOW(an_object_of_some_contexts_is_as_it_should_be),
	KUNIT_CASE_SLOW(an_object_of_many_contexts_is_as_it_should_be),
	{}
};

static struct kunit_suite resv_model_suite = {
	.name = "dma_resv_model",
	.suite_init = resv_mock_suite_init,
	.suite_exit = resv_mock_suite_exit,
	.init = resv_mock_init,
	.test_cases = resv_model_cases,
};

kunit_test_suite(resv_model_suite);
