// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mappings of buffers that are made of pages, whatever pages: each page is at its
 * place, however the mapping is cut, moved, protected, copied or fought over.
 */
#include "../kselftest_harness.h"

#include <sys/uio.h>

#include "memory_helpers.h"

/* With small pages of 4 KiB, two huge pages and a bit of a third one. */
#define NUM_PAGES	(2 * 512 + 16)

/* What is added to numbers to make others. */
#define OTHERS		5000

/* How often threads run into each other. */
#define RACES		40

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP	4
#endif

FIXTURE(memory)
{
	size_t page;
	size_t size;
	int buffer;
	/* All of the buffer, with the pages numbered. */
	char *data;
	long long huge_pages_before;
};

FIXTURE_VARIANT(memory)
{
	const char *device;
	int (*alloc)(size_t size);
	bool huge_pages;
};

/* A buffer that all of a memfd's memory is left to. */
static int buffer_of(int memfd, size_t size)
{
	int buffer;

	if (memfd < 0)
		return memfd;
	buffer = udmabuf_create(memfd, size);
	close(memfd);
	return buffer;
}

static int small_pages_alloc(size_t size)
{
	return buffer_of(sealed_memfd(size), size);
}

static int huge_pages_alloc(size_t size)
{
	return buffer_of(hugetlb_memfd(HUGE_PAGE, size), size);
}

FIXTURE_VARIANT_ADD(memory, of_the_system_heap) {
	.device = SYSTEM_HEAP,
	.alloc = heap_alloc,
};

FIXTURE_VARIANT_ADD(memory, of_a_memfd) {
	.device = UDMABUF,
	.alloc = small_pages_alloc,
};

FIXTURE_VARIANT_ADD(memory, of_a_memfd_of_huge_pages) {
	.device = UDMABUF,
	.alloc = huge_pages_alloc,
	.huge_pages = true,
};

FIXTURE_SETUP(memory)
{
	if (LACKS(variant->device))
		SKIP(return, "%s", lack);
	self->page = page_size();
	self->size = NUM_PAGES * self->page;
	self->huge_pages_before = -1;
	if (variant->huge_pages) {
		self->huge_pages_before = huge_pages_add(HUGE_PAGE, self->size / HUGE_PAGE + 1);
		if (self->huge_pages_before < 0)
			SKIP(return, "no huge pages to be had");
	}
	self->buffer = variant->alloc(self->size);
	ASSERT_LE(0, self->buffer) huge_pages_restore(HUGE_PAGE, self->huge_pages_before);
	self->data = map_shared(self->buffer, self->size);
	ASSERT_NE(NULL, self->data) huge_pages_restore(HUGE_PAGE, self->huge_pages_before);
	number_pages(self->data, NUM_PAGES, 0);
}

/* A parent does that even if the test crashes. The buffer is gone by then. */
FIXTURE_TEARDOWN_PARENT(memory)
{
	huge_pages_restore(HUGE_PAGE, self->huge_pages_before);
}

static char *page_at(char *data, size_t index)
{
	return data + index * page_size();
}

/* Are pages @first to @end - 1 of the buffer in these places of a mapping of it? */
static void expect_pages(struct __test_metadata *_metadata, char *data,
			 size_t first, size_t end)
{
	EXPECT_EQ(end - first, count_numbered(page_at(data, first), end - first, first))
		TH_LOG("pages %zu to %zu", first, end);
}

static void expect_all(struct __test_metadata *_metadata, char *data)
{
	expect_pages(_metadata, data, 0, NUM_PAGES);
}

/* Is nothing there, for the kernel as for the program? */
static void expect_nothing(struct __test_metadata *_metadata, char *data, size_t count)
{
	size_t i;
	__u64 word;

	for (i = 0; i < count; i++) {
		EXPECT_EQ(-EFAULT, peek(page_at(data, i), &word, sizeof(word)))
			TH_LOG("page %zu", i);
	}
}

/*
 * Places
 */

TEST_F(memory, each_page_is_at_its_place)
{
	char *data = map_shared(self->buffer, self->size);

	ASSERT_NE(NULL, data);
	expect_all(_metadata, data);
	number_pages(data, NUM_PAGES, OTHERS);
	EXPECT_EQ((size_t)NUM_PAGES, count_numbered(self->data, NUM_PAGES, OTHERS));
}

/* The first access to a part of a mapping is to its last page. */
TEST_F(memory, each_page_is_at_its_place_from_behind)
{
	char *data = map_shared(self->buffer, self->size);
	size_t i;

	ASSERT_NE(NULL, data);
	for (i = NUM_PAGES; i-- > 0;) {
		ASSERT_TRUE(page_has_number(page_at(data, i), i))
			TH_LOG("page %zu", i);
	}
}

TEST_F(memory, a_mapping_at_an_offset_begins_there)
{
	static const size_t offsets[] = { 1, 15, 16, 511, 512, 513, 1024, NUM_PAGES - 1 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(offsets); i++) {
		size_t count = NUM_PAGES - offsets[i];
		char *data = map_part(self->buffer, count * self->page, MAP_SHARED,
				      offsets[i] * self->page);

		ASSERT_NE(NULL, data);
		EXPECT_EQ(count, count_numbered(data, count, offsets[i]))
			TH_LOG("offset %zu", offsets[i]);
		munmap(data, count * self->page);
	}
}

/* Wherever addresses and pages stand to each other, and so huge entries fit or not. */
TEST_F(memory, a_mapping_may_be_at_any_address)
{
	static const size_t shifts[] = { 0, 1, 16, 256, 511, 512 };
	char *place = reserve_addresses(NULL, self->size + 2 * HUGE_PAGE), *data;
	size_t i;

	ASSERT_NE(NULL, place);
	place = (char *)(((uintptr_t)place + HUGE_PAGE - 1) & -HUGE_PAGE);
	for (i = 0; i < ARRAY_SIZE(shifts); i++) {
		data = mmap(page_at(place, shifts[i]), self->size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_FIXED, self->buffer, 0);
		ASSERT_NE(MAP_FAILED, data);
		madvise(data, self->size, MADV_HUGEPAGE);
		expect_all(_metadata, data);
		reserve_addresses(data, self->size);
	}
}

static int try_to_map(int fd, size_t length, off_t offset)
{
	void *data = mmap(NULL, length, PROT_READ, MAP_SHARED, fd, offset);

	if (data == MAP_FAILED)
		return -errno;
	munmap(data, length);
	return 0;
}

TEST_F(memory, a_mapping_past_the_end_is_refused)
{
	EXPECT_EQ(0, try_to_map(self->buffer, self->page, self->size - self->page));
	EXPECT_EQ(-EINVAL, try_to_map(self->buffer, self->page, self->size));
	EXPECT_EQ(-EINVAL, try_to_map(self->buffer, self->size + 1, 0));
	EXPECT_EQ(-EINVAL, try_to_map(self->buffer, 2 * self->page, self->size - self->page));
	/* What there is of the last huge page isn't all the buffer's. */
	EXPECT_EQ(-EINVAL, try_to_map(self->buffer, 512 * self->page, 1024 * self->page));
	expect_all(_metadata, self->data);
}

TEST_F(memory, a_mapping_outlives_the_fd)
{
	close(self->buffer);
	expect_all(_metadata, self->data);
	number_pages(self->data, NUM_PAGES, OTHERS);
	EXPECT_EQ((size_t)NUM_PAGES, count_numbered(self->data, NUM_PAGES, OTHERS));
}

/*
 * Mappings that are cut and moved
 */

TEST_F(memory, the_rest_stays_when_pages_in_the_midst_are_unmapped)
{
	static const size_t first = 512 + 7, count = 3;
	char *hole = page_at(self->data, first), *again;

	ASSERT_EQ(0, munmap(hole, count * self->page));
	expect_nothing(_metadata, hole, count);
	expect_pages(_metadata, self->data, 0, first);
	expect_pages(_metadata, self->data, first + count, NUM_PAGES);

	again = mmap(hole, count * self->page, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_FIXED, self->buffer, first * self->page);
	ASSERT_EQ(hole, again);
	expect_all(_metadata, self->data);
}

TEST_F(memory, the_rest_stays_when_the_ends_are_unmapped)
{
	ASSERT_EQ(0, munmap(self->data, 5 * self->page));
	ASSERT_EQ(0, munmap(page_at(self->data, NUM_PAGES - 20), 20 * self->page));
	expect_nothing(_metadata, self->data, 5);
	expect_nothing(_metadata, page_at(self->data, NUM_PAGES - 20), 20);
	expect_pages(_metadata, self->data, 5, NUM_PAGES - 20);
}

/* What had no entries yet when it was cut gets the right ones later. */
TEST_F(memory, what_is_cut_before_it_was_touched_is_filled_right)
{
	char *data = map_shared(self->buffer, self->size);

	ASSERT_NE(NULL, data);
	ASSERT_EQ(0, munmap(page_at(data, 300), self->page));
	ASSERT_EQ(0, munmap(page_at(data, 700), 300 * self->page));
	expect_pages(_metadata, data, 1000, NUM_PAGES);
	expect_pages(_metadata, data, 301, 700);
	expect_pages(_metadata, data, 0, 300);
	expect_nothing(_metadata, page_at(data, 300), 1);
	expect_nothing(_metadata, page_at(data, 999), 1);
}

/* Nothing else takes the place that becomes free. */
static bool move(char *data, size_t size, char *to)
{
	return mremap(data, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to &&
	       reserve_addresses(data, size);
}

TEST_F(memory, a_mapping_moves_with_its_pages)
{
	/* In pages, to where huge entries may fit and to where they can't. */
	static const size_t shifts[] = { 512, 513, 0, 1 };
	char *place = reserve_addresses(NULL, self->size + 2 * HUGE_PAGE);
	/* A mapping can't be moved to where it is a part of itself. */
	char *between = reserve_addresses(NULL, self->size);
	char *data = self->data;
	size_t i;

	ASSERT_NE(NULL, place);
	ASSERT_NE(NULL, between);
	place = (char *)(((uintptr_t)place + HUGE_PAGE - 1) & -HUGE_PAGE);
	for (i = 0; i < ARRAY_SIZE(shifts); i++) {
		ASSERT_TRUE(move(data, self->size, between));
		expect_all(_metadata, between);
		data = page_at(place, shifts[i]);
		ASSERT_TRUE(move(between, self->size, data));
		expect_nothing(_metadata, between, 2);
		expect_all(_metadata, data);
	}
	number_pages(data, NUM_PAGES, OTHERS);
	data = map_shared(self->buffer, self->size);
	ASSERT_NE(NULL, data);
	EXPECT_EQ((size_t)NUM_PAGES, count_numbered(data, NUM_PAGES, OTHERS));
}

TEST_F(memory, a_part_of_a_mapping_moves_with_its_pages)
{
	static const size_t first = 400, count = 200;
	char *place = reserve_addresses(NULL, count * self->page);

	ASSERT_NE(NULL, place);
	ASSERT_TRUE(move(page_at(self->data, first), count * self->page, place));
	EXPECT_EQ(count, count_numbered(place, count, first));
	expect_nothing(_metadata, page_at(self->data, first), 1);
	expect_nothing(_metadata, page_at(self->data, first + count - 1), 1);
	expect_pages(_metadata, self->data, 0, first);
	expect_pages(_metadata, self->data, first + count, NUM_PAGES);
}

static int try_to_remap(char *data, size_t old_size, size_t new_size, int flags)
{
	return mremap(data, old_size, new_size, flags, NULL) == MAP_FAILED ? -errno : 0;
}

TEST_F(memory, a_mapping_shrinks)
{
	size_t count = NUM_PAGES - 300;

	EXPECT_EQ(self->data, mremap(self->data, self->size, count * self->page, 0));
	expect_nothing(_metadata, page_at(self->data, count), 1);
	expect_pages(_metadata, self->data, 0, count);
}

TEST_F(memory, a_mapping_does_not_grow)
{
	size_t less = self->size - self->page;

	/* Not even to what the buffer has. */
	EXPECT_EQ(-EFAULT, try_to_remap(self->data, self->size, self->size + self->page,
					MREMAP_MAYMOVE));
	ASSERT_EQ(self->data, mremap(self->data, self->size, less, 0));
	EXPECT_EQ(-EFAULT, try_to_remap(self->data, less, self->size, MREMAP_MAYMOVE));
	EXPECT_EQ(-EFAULT, try_to_remap(self->data, less, self->size, 0));
	/* A size of 0 asks for a second mapping of the same. */
	EXPECT_EQ(-EFAULT, try_to_remap(self->data, 0, self->size, MREMAP_MAYMOVE));
	EXPECT_EQ(-EINVAL, try_to_remap(self->data, less, less,
					MREMAP_MAYMOVE | MREMAP_DONTUNMAP));
	expect_pages(_metadata, self->data, 0, NUM_PAGES - 1);
}

/*
 * Protection
 */

/* Whether a write is what the kernel would be refused. */
static bool is_read_only(char *page)
{
	__u64 word = 1;

	return poke(page, &word, sizeof(word)) == -EFAULT;
}

TEST_F(memory, a_mapping_can_be_read_only_for_a_while)
{
	ASSERT_EQ(0, mprotect(self->data, self->size, PROT_READ));
	EXPECT_TRUE(is_read_only(self->data));
	EXPECT_TRUE(is_read_only(page_at(self->data, 700)));
	EXPECT_TRUE(is_read_only(page_at(self->data, NUM_PAGES - 1)));
	expect_all(_metadata, self->data);
	ASSERT_EQ(0, mprotect(self->data, self->size, PROT_READ | PROT_WRITE));
	expect_all(_metadata, self->data);
	number_pages(self->data, NUM_PAGES, OTHERS);
	EXPECT_EQ((size_t)NUM_PAGES, count_numbered(self->data, NUM_PAGES, OTHERS));
}

TEST_F(memory, a_page_in_the_midst_can_be_read_only)
{
	char *page = page_at(self->data, 700);

	ASSERT_EQ(0, mprotect(page, self->page, PROT_READ));
	EXPECT_TRUE(is_read_only(page));
	expect_all(_metadata, self->data);
	EXPECT_FALSE(is_read_only(page - self->page));
	EXPECT_FALSE(is_read_only(page + self->page));
}

TEST_F(memory, a_page_in_the_midst_can_be_out_of_reach)
{
	char *page = page_at(self->data, 700);

	ASSERT_EQ(0, mprotect(page, self->page, PROT_NONE));
	expect_nothing(_metadata, page, 1);
	expect_pages(_metadata, self->data, 0, 700);
	expect_pages(_metadata, self->data, 701, NUM_PAGES);
	ASSERT_EQ(0, mprotect(page, self->page, PROT_READ | PROT_WRITE));
	expect_all(_metadata, self->data);
}

TEST_F(memory, a_mapping_that_was_read_only_from_the_start_can_be_opened_up)
{
	char *data = mmap(NULL, self->size, PROT_READ, MAP_SHARED, self->buffer, 0);

	ASSERT_NE(MAP_FAILED, data);
	madvise(data, self->size, MADV_HUGEPAGE);
	expect_all(_metadata, data);
	EXPECT_TRUE(is_read_only(data));
	ASSERT_EQ(0, mprotect(data, self->size, PROT_READ | PROT_WRITE));
	number_pages(data, NUM_PAGES, OTHERS);
	EXPECT_EQ((size_t)NUM_PAGES, count_numbered(self->data, NUM_PAGES, OTHERS));
}

TEST_F_SIGNAL(memory, a_write_to_a_read_only_mapping_is_a_signal, SIGSEGV)
{
	ASSERT_EQ(0, mprotect(self->data, self->size, PROT_READ));
	number_page(page_at(self->data, 700), 0);
}

TEST_F_SIGNAL(memory, an_access_to_what_was_unmapped_is_a_signal, SIGSEGV)
{
	ASSERT_EQ(0, munmap(page_at(self->data, 700), self->page));
	page_has_number(page_at(self->data, 700), 0);
}

/*
 * Processes
 */

static bool ended_well(pid_t pid)
{
	int status;

	return waitpid(pid, &status, 0) == pid && !status;
}

TEST_F(memory, a_forked_process_shares_the_bytes)
{
	char *untouched = map_shared(self->buffer, self->size), word;
	int go[2];
	pid_t pid;

	ASSERT_NE(NULL, untouched);
	ASSERT_EQ(0, pipe2(go, O_CLOEXEC));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		bool right = read(go[0], &word, 1) == 1 &&
			     page_has_number(page_at(self->data, 600), OTHERS) &&
			     page_has_number(page_at(untouched, 600), OTHERS) &&
			     page_has_number(page_at(untouched, 601), 601);

		number_page(page_at(self->data, 3), OTHERS + 3);
		number_page(page_at(untouched, NUM_PAGES - 1), OTHERS + 4);
		_exit(!right);
	}
	number_page(page_at(self->data, 600), OTHERS);
	ASSERT_EQ(1, write(go[1], "", 1));
	EXPECT_TRUE(ended_well(pid));
	EXPECT_TRUE(page_has_number(page_at(self->data, 3), OTHERS + 3));
	EXPECT_TRUE(page_has_number(page_at(self->data, NUM_PAGES - 1), OTHERS + 4));
}

TEST_F(memory, a_forked_process_cuts_a_mapping_of_its_own)
{
	pid_t pid = fork();

	ASSERT_LE(0, pid);
	if (!pid) {
		munmap(page_at(self->data, 600), 3 * self->page);
		mprotect(self->data, 5 * self->page, PROT_READ);
		_exit(count_numbered(page_at(self->data, 603), 5, 603) != 5);
	}
	EXPECT_TRUE(ended_well(pid));
	expect_all(_metadata, self->data);
	number_pages(self->data, 5, 0);
}

static bool child_lacks(char *page)
{
	pid_t pid = fork();
	__u64 word;

	if (!pid)
		_exit(peek(page, &word, sizeof(word)) != -EFAULT);
	return pid > 0 && ended_well(pid);
}

TEST_F(memory, a_mapping_can_be_kept_from_forked_processes)
{
	ASSERT_EQ(0, madvise(page_at(self->data, 600), 5 * self->page, MADV_DONTFORK));
	EXPECT_TRUE(child_lacks(page_at(self->data, 600)));
	EXPECT_TRUE(child_lacks(page_at(self->data, 604)));
	EXPECT_FALSE(child_lacks(page_at(self->data, 599)));
	EXPECT_FALSE(child_lacks(page_at(self->data, 605)));
	expect_all(_metadata, self->data);
	ASSERT_EQ(0, madvise(self->data, self->size, MADV_DOFORK));
	EXPECT_FALSE(child_lacks(page_at(self->data, 600)));
}

/*
 * Private mappings
 */

static char *map_private(int fd, size_t size)
{
	return map_part(fd, size, MAP_PRIVATE, 0);
}

TEST_F(memory, what_is_written_privately_is_not_in_the_buffer)
{
	char *mine = map_private(self->buffer, self->size);

	ASSERT_NE(NULL, mine);
	number_pages(mine, NUM_PAGES, OTHERS);
	expect_all(_metadata, self->data);
	EXPECT_EQ((size_t)NUM_PAGES, count_numbered(mine, NUM_PAGES, OTHERS));
}

TEST_F(memory, a_page_that_was_not_written_privately_is_the_buffers)
{
	char *mine = map_private(self->buffer, self->size);

	ASSERT_NE(NULL, mine);
	/* The first one was neither read nor written before, the second was read. */
	number_page(page_at(mine, 5), OTHERS);
	EXPECT_TRUE(page_has_number(page_at(mine, 600), 600));
	number_page(page_at(mine, 600), OTHERS + 1);

	number_pages(self->data, NUM_PAGES, 2 * OTHERS);
	EXPECT_TRUE(page_has_number(page_at(mine, 5), OTHERS));
	EXPECT_TRUE(page_has_number(page_at(mine, 600), OTHERS + 1));
	EXPECT_EQ(5, (int)count_numbered(mine, 5, 2 * OTHERS));
	EXPECT_EQ(594, (int)count_numbered(page_at(mine, 6), 594, 2 * OTHERS + 6));
	EXPECT_TRUE(page_has_number(page_at(mine, NUM_PAGES - 1), 2 * OTHERS + NUM_PAGES - 1));
}

/* A write to a part of a page takes the rest over. */
TEST_F(memory, a_private_page_begins_as_the_buffers)
{
	char *mine = map_private(self->buffer, self->size);
	size_t i;

	ASSERT_NE(NULL, mine);
	for (i = 0; i < NUM_PAGES; i += 100)
		page_at(mine, i)[self->page / 2] = 1;
	expect_all(_metadata, mine);
	for (i = 0; i < NUM_PAGES; i += 100)
		EXPECT_EQ(0, page_at(self->data, i)[self->page / 2]);
}

TEST_F(memory, the_kernel_writes_privately_too)
{
	char *mine = map_private(self->buffer, self->size);
	__u64 word = OTHERS;

	ASSERT_NE(NULL, mine);
	ASSERT_EQ(0, poke(page_at(mine, 600), &word, sizeof(word)));
	EXPECT_EQ(word, *(__u64 *)page_at(mine, 600));
	expect_all(_metadata, self->data);
}

TEST_F(memory, a_private_mapping_that_was_read_only_can_be_opened_up)
{
	char *mine = mmap(NULL, self->size, PROT_READ, MAP_PRIVATE, self->buffer, 0);

	ASSERT_NE(MAP_FAILED, mine);
	expect_all(_metadata, mine);
	ASSERT_EQ(0, mprotect(mine, self->size, PROT_READ | PROT_WRITE));
	number_page(page_at(mine, 600), OTHERS);
	EXPECT_TRUE(page_has_number(page_at(mine, 600), OTHERS));
	expect_all(_metadata, self->data);
}

/* Its copies go with it. */
TEST_F(memory, a_private_mapping_moves_with_its_pages)
{
	char *mine = map_private(self->buffer, self->size);
	char *place = reserve_addresses(NULL, self->size + self->page);

	ASSERT_NE(NULL, mine);
	ASSERT_NE(NULL, place);
	number_page(page_at(mine, 600), OTHERS);
	ASSERT_TRUE(move(mine, self->size, place + self->page));
	mine = place + self->page;
	EXPECT_TRUE(page_has_number(page_at(mine, 600), OTHERS));
	expect_pages(_metadata, mine, 0, 600);
	expect_pages(_metadata, mine, 601, NUM_PAGES);
	expect_all(_metadata, self->data);
}

TEST_F(memory, private_pages_are_each_process_own_after_a_fork)
{
	char *mine = map_private(self->buffer, self->size), word;
	int go[2];
	pid_t pid;

	ASSERT_NE(NULL, mine);
	number_page(page_at(mine, 5), OTHERS);
	ASSERT_EQ(0, pipe2(go, O_CLOEXEC));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		bool right = page_has_number(page_at(mine, 5), OTHERS);

		number_page(page_at(mine, 5), OTHERS + 1);
		number_page(page_at(mine, 600), OTHERS + 2);
		/* The parent has written by then, to the buffer and privately. */
		right = right && read(go[0], &word, 1) == 1 &&
			page_has_number(page_at(mine, 5), OTHERS + 1) &&
			page_has_number(page_at(mine, 600), OTHERS + 2) &&
			page_has_number(page_at(mine, 7), 7) &&
			page_has_number(page_at(mine, 8), OTHERS + 4);
		_exit(!right);
	}
	number_page(page_at(mine, 7), OTHERS + 3);
	number_page(page_at(self->data, 8), OTHERS + 4);
	ASSERT_EQ(1, write(go[1], "", 1));
	EXPECT_TRUE(ended_well(pid));
	EXPECT_TRUE(page_has_number(page_at(mine, 5), OTHERS));
	EXPECT_TRUE(page_has_number(page_at(mine, 600), 600));
	EXPECT_TRUE(page_has_number(page_at(mine, 7), OTHERS + 3));
	EXPECT_TRUE(page_has_number(page_at(self->data, 5), 5));
	EXPECT_TRUE(page_has_number(page_at(self->data, 7), 7));
}

/*
 * Advice, which for memory that isn't the process' own is little
 */

struct advice {
	int advice;
	int result;
	const char *name;
};

/* By number where the C library may have no name for it. */
static const struct advice advices[] = {
	{ MADV_NORMAL, 0, "normal" },
	{ MADV_RANDOM, 0, "random" },
	{ MADV_SEQUENTIAL, 0, "sequential" },
	{ MADV_WILLNEED, 0, "willneed" },
	{ MADV_DONTNEED, -EINVAL, "dontneed" },
	{ MADV_FREE, -EINVAL, "free" },
	{ MADV_COLD, -EINVAL, "cold" },
	{ MADV_PAGEOUT, -EINVAL, "pageout" },
	{ MADV_DONTFORK, 0, "dontfork" },
	{ MADV_DOFORK, 0, "dofork" },
	{ MADV_WIPEONFORK, -EINVAL, "wipeonfork" },
	{ MADV_KEEPONFORK, 0, "keeponfork" },
	{ MADV_DONTDUMP, 0, "dontdump" },
	{ MADV_DODUMP, -EINVAL, "dodump" },
	{ 22 /* MADV_POPULATE_READ */, -EINVAL, "populate_read" },
	{ 23 /* MADV_POPULATE_WRITE */, -EINVAL, "populate_write" },
	{ 24 /* MADV_DONTNEED_LOCKED */, -EINVAL, "dontneed_locked" },
};

static int advise(char *data, size_t size, int advice)
{
	return madvise(data, size, advice) ? -errno : 0;
}

TEST_F(memory, advice_does_what_it_can_and_leaves_the_content_alone)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(advices); i++) {
		EXPECT_EQ(advices[i].result, advise(self->data, self->size, advices[i].advice))
			TH_LOG("%s", advices[i].name);
		expect_all(_metadata, self->data);
	}
}

TEST_F(memory, advice_on_a_private_mapping_leaves_its_copies_alone)
{
	char *mine = map_private(self->buffer, self->size);
	size_t i;

	ASSERT_NE(NULL, mine);
	number_pages(mine, NUM_PAGES, OTHERS);
	for (i = 0; i < ARRAY_SIZE(advices); i++) {
		EXPECT_EQ(advices[i].result, advise(mine, self->size, advices[i].advice))
			TH_LOG("%s", advices[i].name);
		EXPECT_EQ((size_t)NUM_PAGES, count_numbered(mine, NUM_PAGES, OTHERS));
	}
}

TEST_F(memory, no_hole_can_be_made_through_a_mapping)
{
	EXPECT_GT(0, advise(self->data, self->size, MADV_REMOVE));
	expect_all(_metadata, self->data);
}

/* For what exists already huge pages may come and go. */
TEST_F(memory, advice_on_huge_pages_leaves_the_content_alone)
{
	if (access("/sys/kernel/mm/transparent_hugepage/enabled", F_OK))
		SKIP(return, "the kernel has no transparent huge pages");
	EXPECT_EQ(0, advise(self->data, self->size, MADV_NOHUGEPAGE));
	expect_all(_metadata, self->data);
	EXPECT_EQ(0, advise(page_at(self->data, 100), 300 * self->page, MADV_HUGEPAGE));
	expect_all(_metadata, self->data);
	EXPECT_EQ(-EINVAL, advise(self->data, self->size, 25 /* MADV_COLLAPSE */));
	expect_all(_metadata, self->data);
}

TEST_F(memory, locked_or_populated_it_is_the_same)
{
	char *data = mmap(NULL, self->size, PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_POPULATE, self->buffer, 0);

	ASSERT_NE(MAP_FAILED, data);
	expect_all(_metadata, data);
	EXPECT_EQ(0, mlock(data, self->size));
	EXPECT_EQ(0, mlock(page_at(self->data, 600), self->page));
	expect_all(_metadata, data);
	EXPECT_EQ(0, munlock(data, self->size));
	EXPECT_EQ(0, munlock(self->data, self->size));
	expect_all(_metadata, self->data);
}

/*
 * The kernel's access
 */

/* As in a call that copies, of all there is: the kernel is who takes the faults. */
TEST_F(memory, the_kernel_copies_out_of_a_mapping)
{
	char *data = map_shared(self->buffer, self->size), *copy;
	int file = memfd_create("copy", MFD_CLOEXEC);

	ASSERT_NE(NULL, data);
	ASSERT_LE(0, file);
	ASSERT_EQ((ssize_t)self->size, write(file, data, self->size));
	copy = mmap(NULL, self->size, PROT_READ, MAP_SHARED, file, 0);
	ASSERT_NE(MAP_FAILED, copy);
	expect_all(_metadata, copy);
	EXPECT_EQ(0, memcmp(copy, self->data, self->size));
}

TEST_F(memory, the_kernel_copies_into_a_mapping)
{
	char *data = map_shared(self->buffer, self->size), *copy;
	int file = memfd_create("copy", MFD_CLOEXEC);

	ASSERT_NE(NULL, data);
	ASSERT_EQ(0, ftruncate(file, self->size));
	copy = map_shared(file, self->size);
	ASSERT_NE(NULL, copy);
	number_pages(copy, NUM_PAGES, OTHERS);
	ASSERT_EQ((ssize_t)self->size, pread(file, data, self->size, 0));
	EXPECT_EQ((size_t)NUM_PAGES, count_numbered(self->data, NUM_PAGES, OTHERS));
}

/* Who would use the pages behind the buffer's back, for longer than that lives. */
TEST_F(memory, the_pages_themselves_cannot_be_had)
{
	struct iovec part = { .iov_base = self->data, .iov_len = self->size };
	int ends[2];

	ASSERT_EQ(0, pipe2(ends, O_CLOEXEC));
	EXPECT_EQ(-1, vmsplice(ends[1], &part, 1, SPLICE_F_NONBLOCK));
	EXPECT_EQ(EFAULT, errno);
	/* With and without entries. */
	part.iov_base = map_shared(self->buffer, self->size);
	ASSERT_NE(NULL, part.iov_base);
	EXPECT_EQ(-1, vmsplice(ends[1], &part, 1, SPLICE_F_NONBLOCK));
	EXPECT_EQ(EFAULT, errno);
}

/*
 * Threads
 */

/* A thread that does its part of each race, at the same time as the test does its. */
struct rival {
	pthread_t thread;
	pthread_barrier_t barrier;
	/* Returns how much was wrong. */
	size_t (*work)(char *data);
	char *data;
	size_t wrong;
};

static void *rival_run(void *data)
{
	struct rival *rival = data;
	int i;

	for (i = 0; i < RACES; i++) {
		pthread_barrier_wait(&rival->barrier);
		rival->wrong += rival->work(rival->data);
		pthread_barrier_wait(&rival->barrier);
	}
	return NULL;
}

static bool rival_start(struct rival *rival)
{
	return !pthread_barrier_init(&rival->barrier, NULL, 2) &&
	       !pthread_create(&rival->thread, NULL, rival_run, rival);
}

/* Both work on a mapping that neither has touched. Returns how much was wrong. */
static size_t race(struct rival *rival, char *data, size_t (*work)(char *data))
{
	size_t wrong;

	rival->data = data;
	pthread_barrier_wait(&rival->barrier);
	wrong = work(data);
	pthread_barrier_wait(&rival->barrier);
	return wrong;
}

static size_t rival_end(struct rival *rival)
{
	pthread_join(rival->thread, NULL);
	return rival->wrong;
}

static size_t read_forwards(char *data)
{
	return NUM_PAGES - count_numbered(data, NUM_PAGES, 0);
}

static size_t read_backwards(char *data)
{
	size_t wrong = 0, i;

	for (i = NUM_PAGES; i-- > 0;)
		wrong += !page_has_number(page_at(data, i), i);
	return wrong;
}

TEST_F(memory, two_threads_may_be_the_first_at_a_page)
{
	struct rival rival = { .work = read_backwards };
	size_t wrong = 0;
	int i;

	ASSERT_TRUE(rival_start(&rival));
	for (i = 0; i < RACES; i++) {
		char *data = map_shared(self->buffer, self->size);

		ASSERT_NE(NULL, data);
		wrong += race(&rival, data, i % 2 ? read_backwards : read_forwards);
		munmap(data, self->size);
	}
	EXPECT_EQ(0, (int)(wrong + rival_end(&rival)));
}

/* All in one page table. */
#define PRIVATE_PAGES	32

static size_t write_odd(char *data)
{
	size_t wrong = 0, i;

	for (i = 1; i < PRIVATE_PAGES; i += 2)
		number_page(page_at(data, i), OTHERS + i);
	for (i = 1; i < PRIVATE_PAGES; i += 2)
		wrong += !page_has_number(page_at(data, i), OTHERS + i);
	return wrong;
}

static size_t write_even(char *data)
{
	size_t wrong = 0, i;

	for (i = PRIVATE_PAGES; i > 0; i -= 2)
		number_page(page_at(data, i - 2), OTHERS + i - 2);
	for (i = 0; i < PRIVATE_PAGES; i += 2)
		wrong += !page_has_number(page_at(data, i), OTHERS + i);
	return wrong;
}

/* What one has copied, the other one's fault must not put back. */
TEST_F(memory, two_threads_may_write_privately_at_once)
{
	struct rival rival = { .work = write_odd };
	size_t wrong = 0;
	int i;

	ASSERT_TRUE(rival_start(&rival));
	for (i = 0; i < RACES; i++) {
		char *data = map_private(self->buffer, self->size);

		ASSERT_NE(NULL, data);
		wrong += race(&rival, data, write_even);
		wrong += PRIVATE_PAGES - count_numbered(data, PRIVATE_PAGES, OTHERS);
		munmap(data, self->size);
	}
	EXPECT_EQ(0, (int)(wrong + rival_end(&rival)));
	expect_all(_metadata, self->data);
}

/* A thread that looks at all pages of a mapping that comes and goes. */
struct looker {
	pthread_t thread;
	char *data;
	atomic_bool done;
	size_t wrong;
};

static void *look_until_done(void *arg)
{
	struct looker *looker = arg;
	size_t i = 0;
	__u64 word;
	int err;

	while (!atomic_load(&looker->done)) {
		/* A prime number, so that all pages have their turn. */
		i = (i + 211) % NUM_PAGES;
		err = peek(page_at(looker->data, i), &word, sizeof(word));
		if (err ? err != -EFAULT : word != i)
			looker->wrong++;
	}
	return NULL;
}

TEST_F(memory, a_mapping_goes_while_it_is_looked_at)
{
	struct looker looker = { .data = reserve_addresses(NULL, self->size) };
	int i;

	ASSERT_NE(NULL, looker.data);
	ASSERT_EQ(0, pthread_create(&looker.thread, NULL, look_until_done, &looker));
	for (i = 0; i < 5 * RACES; i++) {
		char *data = mmap(looker.data, self->size, PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_FIXED, self->buffer, 0);

		ASSERT_EQ(looker.data, data);
		madvise(data, self->size, MADV_HUGEPAGE);
		ASSERT_TRUE(page_has_number(page_at(data, i % NUM_PAGES), i % NUM_PAGES));
		/* Now and then only a part of a huge entry goes. */
		if (i % 3 == 0)
			reserve_addresses(page_at(data, 100), 500 * self->page);
		reserve_addresses(data, self->size);
	}
	atomic_store(&looker.done, true);
	pthread_join(looker.thread, NULL);
	EXPECT_EQ(0, (int)looker.wrong);
}

/*
 * Huge entries. Nothing tells of them but that they need no page tables.
 */

/* So many tables are needed without. */
#define TABLES		4
#define TABLE_KIB	4

FIXTURE(huge_entries)
{
	size_t size;
	/* Addresses that a huge page could begin at. */
	char *place;
	long long huge_pages_before;
};

static bool touch(char *page)
{
	if (mprotect(page, page_size(), PROT_READ | PROT_WRITE))
		return false;
	*page = 1;
	return true;
}

static long long table_kib(void)
{
	return number_behind("/proc/self/status", "VmPTE");
}

FIXTURE_SETUP(huge_entries)
{
	self->huge_pages_before = -1;
	if (page_size() != 4096)
		SKIP(return, "pages are not of 4 KiB");
	if (access("/sys/kernel/mm/transparent_hugepage/enabled", F_OK))
		SKIP(return, "the kernel has no transparent huge pages");
	self->size = TABLES * HUGE_PAGE;
	self->place = reserve_addresses(NULL, self->size + 3 * HUGE_PAGE);
	ASSERT_NE(NULL, self->place);
	self->place = (char *)(((uintptr_t)self->place + 2 * HUGE_PAGE - 1) & -HUGE_PAGE);
	/* Tables of tables are there from now on, and what it takes to read numbers. */
	ASSERT_TRUE(touch(self->place - page_size()));
	ASSERT_TRUE(touch(self->place + self->size));
	ASSERT_LT(0, table_kib());
}

FIXTURE_TEARDOWN_PARENT(huge_entries)
{
	huge_pages_restore(HUGE_PAGE, self->huge_pages_before);
}

/* How many KiB page tables grow when all of a mapping is written to. */
static long long growth_of_tables(int buffer, char *place, size_t size, int advice)
{
	long long before = table_kib(), after;
	char *data = mmap(place, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
			  buffer, 0);

	if (data == MAP_FAILED)
		return -1;
	madvise(data, size, advice);
	number_pages(data, size / page_size(), 0);
	after = table_kib();
	reserve_addresses(place, size);
	return after - before;
}

/*
 * How much less that is when entries may be huge, in KiB. The larger number comes
 * second, so that tables that stay can't be the reason.
 */
static long long saved_by_huge_entries(int buffer, char *place, size_t size)
{
	long long huge = growth_of_tables(buffer, place, size, MADV_HUGEPAGE);
	long long small = growth_of_tables(buffer, place, size, MADV_NOHUGEPAGE);

	return huge < 0 || small < 0 ? -1 : small - huge;
}

TEST_F(huge_entries, huge_pages_of_a_memfd_have_them)
{
	int buffer;

	if (LACKS(UDMABUF))
		SKIP(return, "%s", lack);
	self->huge_pages_before = huge_pages_add(HUGE_PAGE, TABLES);
	if (self->huge_pages_before < 0)
		SKIP(return, "no huge pages to be had");
	buffer = huge_pages_alloc(self->size);
	ASSERT_LE(0, buffer);
	EXPECT_EQ(TABLES * TABLE_KIB, saved_by_huge_entries(buffer, self->place, self->size));
}

/* It is the pages' and the addresses' alignment that counts, not the buffer's. */
TEST_F(huge_entries, a_buffer_that_begins_inside_a_huge_page_has_them)
{
	size_t skipped = 8 * page_size(), size = self->size - skipped;
	struct udmabuf_create request = { .offset = skipped, .size = size };
	int device, buffer;

	if (LACKS(UDMABUF))
		SKIP(return, "%s", lack);
	self->huge_pages_before = huge_pages_add(HUGE_PAGE, TABLES);
	if (self->huge_pages_before < 0)
		SKIP(return, "no huge pages to be had");
	/* The first table is needed in any case. */
	ASSERT_TRUE(touch(self->place));
	device = open(UDMABUF, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, device);
	request.memfd = hugetlb_memfd(HUGE_PAGE, self->size);
	buffer = call_ioctl(device, UDMABUF_CREATE, &request);
	ASSERT_LE(0, buffer);
	EXPECT_EQ((TABLES - 1) * TABLE_KIB,
		  saved_by_huge_entries(buffer, self->place + skipped, size));
}

/* Is there a free block as large as a huge page that any allocation may take? */
static bool has_free_huge_block(void)
{
	char *text = read_file("/proc/pagetypeinfo"), *line, *rest = text, *types;
	unsigned long n9, n10;
	bool found = false;

	while (!found && rest && (line = strsep(&rest, "\n"))) {
		/* The two largest of eleven orders are the line's last words. */
		types = strstr(line, ", type ");
		if (!types || strstr(types, "CMA") || strstr(types, "Isolate"))
			continue;
		found = sscanf(types, ", type %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %lu %lu",
			       &n9, &n10) == 2 && n9 + n10;
	}
	free(text);
	return found;
}

TEST_F(huge_entries, large_blocks_of_the_system_heap_have_them)
{
	bool found;
	int buffer;

	if (LACKS(SYSTEM_HEAP, "/proc/pagetypeinfo"))
		SKIP(return, "%s", lack);
	found = has_free_huge_block();
	buffer = heap_alloc(self->size);
	ASSERT_LE(0, buffer);
	if (!found)
		SKIP(return, "no block of 2 MiB is free");
	EXPECT_LT(0, saved_by_huge_entries(buffer, self->place, self->size));
}

TEST_HARNESS_MAIN
