// SPDX-License-Identifier: GPL-2.0-only
/* The system heap's pool when memory gets short, best seen where there is little. */
#include <sys/wait.h>

#include "../kselftest_harness.h"
#include "memory_helpers.h"

#define POOL_LIMIT	"/sys/module/system_heap/parameters/pool_max_bytes"
#define MIB		(1LL << 20)
/* As many buffers the pool is filled by. */
#define CHUNKS		256

/* Of /proc/meminfo, in bytes. */
static long long memory(const char *key)
{
	return number_behind("/proc/meminfo", key) * 1024;
}

FIXTURE(heap_pressure)
{
	long long limit;
	int heap;
};

FIXTURE_SETUP(heap_pressure)
{
	if (LACKS(SYSTEM_HEAP, POOL_LIMIT, "/sys/kernel/debug/dma_heap/system/stats"))
		SKIP(return, "%s", lack);
	self->limit = number_in(POOL_LIMIT);
	self->heap = open(SYSTEM_HEAP, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, self->heap);
	ASSERT_EQ(0, write_number(POOL_LIMIT, memory("MemTotal")));
}

FIXTURE_TEARDOWN(heap_pressure)
{
	write_number(POOL_LIMIT, self->limit);
	close(self->heap);
}

/* A block that is being zeroed isn't counted for that long. */
static bool pool_has(long long bytes)
{
	int ms;

	for (ms = 0; ms < PATIENCE; ms++) {
		if (heap_stat("system", "pool_bytes") >= bytes)
			return true;
		usleep(1000);
	}
	return false;
}

/* Leaves as much to the pool as that; false if that can't be had. */
static bool fill_pool(int heap, long long bytes)
{
	size_t size = (bytes / CHUNKS + MIB - 1) / MIB * MIB;
	int fds[CHUNKS], count = 0;
	long long made = 0;

	while (made < bytes) {
		int fd = heap_alloc_from(heap, size, O_RDWR);

		if (fd < 0)
			break;
		fds[count++] = fd;
		made += size;
	}
	while (count)
		close(fds[--count]);
	return made >= bytes && pool_has(bytes);
}

/* Takes memory page by page; the first to go if there isn't enough. */
static void use_memory(long long bytes)
{
	char *data = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	long long i;

	if (data == MAP_FAILED || write_number("/proc/self/oom_score_adj", 1000))
		_exit(1);
	for (i = 0; i < bytes; i += page_size())
		data[i] = 1;
	_exit(0);
}

/* Returns what wait() says of a program that uses so much memory. */
static int run_program(long long bytes)
{
	int status = -1;
	pid_t pid = fork();

	if (!pid)
		use_memory(bytes);
	if (pid > 0)
		waitpid(pid, &status, 0);
	return status;
}

/* What is free plus half the pool can't be had without the pool. */
TEST_F(heap_pressure, a_program_gets_the_memory_of_the_pool)
{
	long long pool, needed;

	ASSERT_TRUE(fill_pool(self->heap, memory("MemFree") / 2));
	pool = heap_stat("system", "pool_bytes");
	needed = memory("MemFree") + pool / 2;
	EXPECT_EQ(0, run_program(needed));
	EXPECT_GT(pool, heap_stat("system", "pool_bytes"));
}

TEST_F(heap_pressure, the_pool_counts_as_memory_that_is_available)
{
	long long pool;

	ASSERT_TRUE(fill_pool(self->heap, memory("MemFree") / 2));
	pool = heap_stat("system", "pool_bytes");
	EXPECT_LE(memory("MemFree") + pool / 2, memory("MemAvailable"));
}

/* In turn with programs, so that the pool shrinks while buffers come and go. */
TEST_F(heap_pressure, buffers_are_to_be_had_again_afterwards)
{
	int i, fd;
	char *data;

	for (i = 0; i < 3; i++) {
		ASSERT_TRUE(fill_pool(self->heap, memory("MemFree") / 2));
		ASSERT_EQ(0, run_program(memory("MemFree") + MIB));
		fd = heap_alloc_from(self->heap, 4 * MIB, O_RDWR);
		ASSERT_LE(0, fd);
		data = map_shared(fd, 4 * MIB);
		ASSERT_NE(NULL, data);
		EXPECT_TRUE(is_zero(data, 4 * MIB));
		memset(data, 0x5a, 4 * MIB);
		munmap(data, 4 * MIB);
		close(fd);
	}
}

TEST_HARNESS_MAIN
