// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory of heaps that is used again: nobody gets to see what was in it before, and
 * the pool that keeps it is no larger than it may be. HEAP_ROUNDS in the environment
 * has the tests look more often, or less; HEAP_BUFFERS is how many buffers there are
 * where there are a great many.
 */
#include "../kselftest_harness.h"

#include <sched.h>

#include "memory_helpers.h"

#define POOL_LIMIT	"/sys/module/system_heap/parameters/pool_max_bytes"
#define SYSTEM_STATS	"/sys/kernel/debug/dma_heap/system/stats"
#define DROP_CACHES	"/proc/sys/vm/drop_caches"

#define KILOBYTE	(1 << 10)
#define MEGABYTE	(1 << 20)

/* How many buffers live at the same time, for those who have more than one. */
#define LIVE_BUFFERS	8

static int number_of(const char *variable, int otherwise)
{
	const char *text = getenv(variable);
	int number = text ? atoi(text) : 0;

	return number > 0 ? number : otherwise;
}

static int count_rounds(void)
{
	return number_of("HEAP_ROUNDS", 12);
}

/*
 * Content
 */

FIXTURE(reuse)
{
	int heap;
	long long limit_before;
};

FIXTURE_VARIANT(reuse)
{
	const char *device;
	/* How many bytes the pool may have, or NULL where there is none. */
	const char *pool_limit;
};

FIXTURE_VARIANT_ADD(reuse, of_a_pool) {
	.device = SYSTEM_HEAP,
	.pool_limit = "16777216",
};

/* Some blocks are kept, others are not. */
FIXTURE_VARIANT_ADD(reuse, of_a_small_pool) {
	.device = SYSTEM_HEAP,
	.pool_limit = "1048576",
};

FIXTURE_VARIANT_ADD(reuse, without_a_pool) {
	.device = SYSTEM_HEAP,
	.pool_limit = "0",
};

FIXTURE_VARIANT_ADD(reuse, of_cma) { .device = CMA_HEAP };

FIXTURE_SETUP(reuse)
{
	if (LACKS(variant->device))
		SKIP(return, "%s", lack);
	if (variant->pool_limit && LACKS(POOL_LIMIT, SYSTEM_STATS))
		SKIP(return, "%s", lack);
	self->heap = open(variant->device, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, self->heap);
	if (!variant->pool_limit)
		return;
	self->limit_before = number_in(POOL_LIMIT);
	ASSERT_EQ(0, write_file(POOL_LIMIT, variant->pool_limit));
}

/* A parent does that even if the test crashes. */
FIXTURE_TEARDOWN_PARENT(reuse)
{
	if (variant->pool_limit)
		EXPECT_EQ(0, write_number(POOL_LIMIT, self->limit_before));
}

/* A buffer, mapped; where it is filled with a pattern, that is its own. */
struct mapped {
	int fd;
	char *data;
	size_t size;
	__u64 seed;
};

static void let_go(struct mapped *buffer)
{
	if (buffer->data)
		munmap(buffer->data, buffer->size);
	if (buffer->fd >= 0)
		close(buffer->fd);
	*buffer = (struct mapped){ .fd = -1 };
}

/* Gets a buffer that must be zero, and fills it. */
static int get_and_fill(int heap, struct mapped *buffer, size_t size, __u64 seed)
{
	*buffer = (struct mapped){ .size = size, .seed = seed };
	buffer->fd = heap_alloc_from(heap, size, O_RDWR | O_CLOEXEC);
	if (buffer->fd < 0)
		return buffer->fd;
	buffer->data = map_shared(buffer->fd, size);
	if (!buffer->data)
		return -ENOMEM;
	if (!is_zero(buffer->data, size))
		return -EBADMSG;
	fill_pattern(buffer->data, size, seed);
	return 0;
}

/* Nobody else has written to it meanwhile. */
static int check_and_let_go(struct mapped *buffer)
{
	int err = 0;

	if (buffer->data && !has_pattern(buffer->data, buffer->size, buffer->seed))
		err = -EUCLEAN;
	let_go(buffer);
	return err;
}

static int use_once(int heap, size_t size, __u64 seed)
{
	struct mapped buffer;
	int err = get_and_fill(heap, &buffer, size, seed);

	if (err) {
		let_go(&buffer);
		return err;
	}
	return check_and_let_go(&buffer);
}

/* Now and then the pool gets the time to zero what it has. */
static int use_again_and_again(int heap, size_t size, int rounds)
{
	int round, err = 0;

	for (round = 0; round < rounds && !err; round++) {
		err = use_once(heap, size, round);
		if (round % 8 == 7)
			usleep(50000);
	}
	return err;
}

TEST_F(reuse, no_byte_is_left_in_4_kib)
{
	EXPECT_EQ(0, use_again_and_again(self->heap, 4 * KILOBYTE, 4 * count_rounds()));
}

TEST_F(reuse, no_byte_is_left_in_64_kib)
{
	EXPECT_EQ(0, use_again_and_again(self->heap, 64 * KILOBYTE, 2 * count_rounds()));
}

TEST_F(reuse, no_byte_is_left_in_2_mib)
{
	EXPECT_EQ(0, use_again_and_again(self->heap, 2 * MEGABYTE, count_rounds()));
}

/* Buffers' sizes, of which one follows the other: never at the same place. */
#define SIZES		7

static const size_t all_sizes[SIZES] = {
	4 * KILOBYTE, 64 * KILOBYTE, 2 * MEGABYTE, 12 * KILOBYTE, 1060 * KILOBYTE,
	4 * KILOBYTE, 252 * KILOBYTE,
};

/* A great many of these take little time. */
static const size_t small_sizes[SIZES] = {
	4 * KILOBYTE, 4 * KILOBYTE, 8 * KILOBYTE, 4 * KILOBYTE, 4 * KILOBYTE,
	32 * KILOBYTE, 4 * KILOBYTE,
};

/*
 * Buffers of which the oldest one goes whenever one comes: blocks are divided among
 * others than they were before.
 */
static int use_mixed(int heap, const size_t sizes[SIZES], int rounds, __u64 seed)
{
	struct mapped buffers[LIVE_BUFFERS];
	int i, round, err = 0;

	for (i = 0; i < LIVE_BUFFERS; i++)
		buffers[i] = (struct mapped){ .fd = -1 };
	for (round = 0; round < rounds && !err; round++) {
		struct mapped *buffer = &buffers[round % LIVE_BUFFERS];

		err = check_and_let_go(buffer) ?:
		      get_and_fill(heap, buffer, sizes[round % SIZES], seed + round);
	}
	for (i = 0; i < LIVE_BUFFERS; i++) {
		int late = check_and_let_go(&buffers[i]);

		err = err ?: late;
	}
	return err;
}

TEST_F(reuse, no_byte_is_left_among_buffers_of_all_sizes)
{
	EXPECT_EQ(0, use_mixed(self->heap, all_sizes, 4 * count_rounds(), 1));
}

TEST_F_TIMEOUT(reuse, no_byte_is_left_in_a_great_many, 3600)
{
	EXPECT_EQ(0, use_mixed(self->heap, small_sizes, number_of("HEAP_BUFFERS", 300), 1));
}

struct user {
	pthread_t thread;
	int heap;
	__u64 seed;
	int result;
};

static void *user_run(void *data)
{
	struct user *user = data;

	user->result = use_mixed(user->heap, all_sizes, 3 * count_rounds(), user->seed);
	return NULL;
}

TEST_F(reuse, two_threads_find_nothing_of_each_other)
{
	struct user users[] = {
		{ .heap = self->heap, .seed = 1 }, { .heap = self->heap, .seed = 5000 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(users); i++)
		ASSERT_EQ(0, pthread_create(&users[i].thread, NULL, user_run, &users[i]));
	for (i = 0; i < ARRAY_SIZE(users); i++) {
		pthread_join(users[i].thread, NULL);
		EXPECT_EQ(0, users[i].result);
	}
}

/* Only the bytes that were written would tell. */
TEST_F(reuse, no_byte_is_left_of_a_buffer_that_was_hardly_written_to)
{
	const size_t size = 64 * KILOBYTE;
	int round, rounds = 4 * count_rounds();

	for (round = 0; round < rounds; round++) {
		int buffer = heap_alloc_from(self->heap, size, O_RDWR | O_CLOEXEC);
		char *data = map_shared(buffer, size);

		ASSERT_NE(NULL, data);
		ASSERT_TRUE(is_zero(data, size)) TH_LOG("round %d", round);
		data[(round * 4099) % size] = 1;
		munmap(data, size);
		close(buffer);
	}
}

TEST_F(reuse, no_byte_is_left_while_the_limit_moves)
{
	static const char *const limits[] = { "0", "4096", "300000", "8388608", "1048576" };
	struct user user = { .heap = self->heap, .seed = 1 };
	int i, rounds = 2 * count_rounds();

	if (!variant->pool_limit)
		SKIP(return, "the heap has no pool");
	ASSERT_EQ(0, pthread_create(&user.thread, NULL, user_run, &user));
	for (i = 0; i < rounds; i++)
		EXPECT_EQ(0, write_file(POOL_LIMIT, limits[i % ARRAY_SIZE(limits)]));
	pthread_join(user.thread, NULL);
	EXPECT_EQ(0, user.result);
}

/*
 * The pool
 */

#define LIMIT		(16 * MEGABYTE)

FIXTURE(pool)
{
	int heap;
	long long limit_before;
};

static long long pool_bytes(void)
{
	return number_behind(SYSTEM_STATS, "pool_bytes");
}

static long long zeroed_bytes(void)
{
	return number_behind(SYSTEM_STATS, "pool_zeroed_bytes");
}

static bool stay_on_this_cpu(void)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(sched_getcpu(), &cpus);
	return !sched_setaffinity(0, sizeof(cpus), &cpus);
}

FIXTURE_SETUP(pool)
{
	if (LACKS(SYSTEM_HEAP, POOL_LIMIT, SYSTEM_STATS))
		SKIP(return, "%s", lack);
	self->heap = open(SYSTEM_HEAP, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, self->heap);
	/* Who moves to another node leaves what is kept behind. */
	ASSERT_TRUE(stay_on_this_cpu());
	self->limit_before = number_in(POOL_LIMIT);
	/* It begins empty. */
	ASSERT_EQ(0, write_number(POOL_LIMIT, 0));
	EXPECT_EQ(0, pool_bytes());
	ASSERT_EQ(0, write_number(POOL_LIMIT, LIMIT));
}

FIXTURE_TEARDOWN_PARENT(pool)
{
	EXPECT_EQ(0, write_number(POOL_LIMIT, self->limit_before));
}

/* Does the pool come to have so much, all of it zeroed? */
static bool settles_at(long long bytes)
{
	int tries;

	for (tries = 0; tries < PATIENCE / 10; tries++) {
		if (pool_bytes() == bytes && zeroed_bytes() == bytes)
			return true;
		usleep(10000);
	}
	ksft_print_msg("the pool has %lld bytes, of which %lld are zeroed\n",
		       pool_bytes(), zeroed_bytes());
	return false;
}

/* Leaves so much behind. */
static int use_bytes(int heap, size_t size)
{
	return use_once(heap, size, 1);
}

TEST_F(pool, what_buffers_had_is_kept_and_zeroed)
{
	struct mapped first, second;

	ASSERT_EQ(0, get_and_fill(self->heap, &first, 2 * MEGABYTE, 1));
	ASSERT_EQ(0, get_and_fill(self->heap, &second, MEGABYTE + 4 * KILOBYTE, 2));
	EXPECT_EQ(0, pool_bytes());
	let_go(&first);
	EXPECT_TRUE(settles_at(2 * MEGABYTE));
	let_go(&second);
	EXPECT_TRUE(settles_at(3 * MEGABYTE + page_size()));
}

TEST_F(pool, what_is_kept_is_used_again)
{
	int buffer, i;

	/* A page fits a page, however memory is divided. */
	ASSERT_EQ(0, use_bytes(self->heap, page_size()));
	for (i = 0; i < 3; i++) {
		ASSERT_TRUE(settles_at(page_size()));
		buffer = heap_alloc_from(self->heap, page_size(), O_RDWR | O_CLOEXEC);
		ASSERT_LE(0, buffer);
		EXPECT_EQ(0, pool_bytes());
		close(buffer);
	}
	EXPECT_TRUE(settles_at(page_size()));
}

TEST_F(pool, what_is_kept_is_zero)
{
	const size_t size = 2 * MEGABYTE;
	struct mapped buffer;

	ASSERT_EQ(0, use_bytes(self->heap, size));
	ASSERT_TRUE(settles_at(size));
	EXPECT_EQ(0, get_and_fill(self->heap, &buffer, size, 2));
	let_go(&buffer);
}

TEST_F(pool, who_is_short_of_memory_gets_all_of_it)
{
	ASSERT_EQ(0, use_bytes(self->heap, 8 * MEGABYTE));
	ASSERT_TRUE(settles_at(8 * MEGABYTE));
	ASSERT_EQ(0, write_file(DROP_CACHES, "2"));
	EXPECT_EQ(0, pool_bytes());
	EXPECT_EQ(0, zeroed_bytes());
	/* There is nothing wrong with it afterwards. */
	ASSERT_EQ(0, use_bytes(self->heap, MEGABYTE));
	EXPECT_TRUE(settles_at(MEGABYTE));
}

TEST_F(pool, a_lower_limit_holds_at_once)
{
	ASSERT_EQ(0, use_bytes(self->heap, 8 * MEGABYTE));
	ASSERT_TRUE(settles_at(8 * MEGABYTE));
	ASSERT_EQ(0, write_number(POOL_LIMIT, 9 * MEGABYTE));
	EXPECT_EQ(8 * MEGABYTE, pool_bytes());
	ASSERT_EQ(0, write_number(POOL_LIMIT, MEGABYTE));
	EXPECT_GE(MEGABYTE, pool_bytes());
	ASSERT_EQ(0, write_number(POOL_LIMIT, 0));
	EXPECT_EQ(0, pool_bytes());
}

/* What isn't zeroed yet counts as well. */
TEST_F(pool, a_lower_limit_holds_for_what_just_came)
{
	ASSERT_EQ(0, use_bytes(self->heap, 8 * MEGABYTE));
	ASSERT_EQ(0, write_number(POOL_LIMIT, MEGABYTE));
	EXPECT_GE(MEGABYTE, pool_bytes());
	EXPECT_EQ(pool_bytes(), zeroed_bytes());
}

static bool falls_to(long long bytes)
{
	int tries;

	for (tries = 0; tries < PATIENCE / 10 && pool_bytes() > bytes; tries++)
		usleep(10000);
	return pool_bytes() <= bytes;
}

TEST_F(pool, more_than_the_limit_does_not_stay)
{
	int buffers[40], i;

	ASSERT_EQ(0, write_number(POOL_LIMIT, MEGABYTE));
	ASSERT_EQ(0, use_bytes(self->heap, 8 * MEGABYTE));
	EXPECT_TRUE(falls_to(MEGABYTE));
	/* Neither when it comes bit by bit. */
	for (i = 0; i < (int)ARRAY_SIZE(buffers); i++) {
		buffers[i] = heap_alloc_from(self->heap, 64 * KILOBYTE, O_RDWR);
		ASSERT_LE(0, buffers[i]);
	}
	for (i = 0; i < (int)ARRAY_SIZE(buffers); i++)
		close(buffers[i]);
	EXPECT_TRUE(falls_to(MEGABYTE));
}

TEST_F(pool, a_limit_of_nothing_keeps_nothing)
{
	ASSERT_EQ(0, write_number(POOL_LIMIT, 0));
	ASSERT_EQ(0, use_bytes(self->heap, 2 * MEGABYTE));
	EXPECT_TRUE(falls_to(0));
	ASSERT_EQ(0, use_bytes(self->heap, page_size()));
	EXPECT_TRUE(falls_to(0));
}

TEST_F(pool, the_limit_reads_as_it_was_written)
{
	ASSERT_EQ(0, write_number(POOL_LIMIT, 5 * MEGABYTE));
	EXPECT_EQ(5 * MEGABYTE, number_in(POOL_LIMIT));
	ASSERT_EQ(0, write_number(POOL_LIMIT, 0));
	EXPECT_EQ(0, number_in(POOL_LIMIT));
}

TEST_F(pool, a_limit_that_is_no_number_is_refused)
{
	static const char *const texts[] = { "\n", "many", "-1", "1M", "99999999999999999999999" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		EXPECT_GT(0, write_file(POOL_LIMIT, texts[i])) TH_LOG("'%s'", texts[i]);
		EXPECT_EQ(LIMIT, number_in(POOL_LIMIT));
	}
}

/* What the pool has is nobody's any more. */
TEST_F(pool, what_is_kept_is_not_handed_out)
{
	long long bytes = heap_stat("system", "bytes");

	ASSERT_EQ(0, use_bytes(self->heap, 2 * MEGABYTE));
	ASSERT_TRUE(settles_at(2 * MEGABYTE));
	EXPECT_EQ(bytes, heap_stat("system", "bytes"));
}

TEST_HARNESS_MAIN
