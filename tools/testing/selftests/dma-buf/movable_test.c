// SPDX-License-Identifier: GPL-2.0-only
/*
 * Buffers of memfds: their pages stay where they are, and are taken away before from
 * where no page may stay for long. That is movable memory, which a machine has whose
 * command line says so (movablecore=).
 */
#include "../kselftest_harness.h"

#include "memory_helpers.h"
#include "udmabuf_helpers.h"

#define ZONES		"/proc/zoneinfo"
#define PAGE_MAP	"/proc/self/pagemap"
#define COMPACT		"/proc/sys/vm/compact_memory"
#define DROP_CACHES	"/proc/sys/vm/drop_caches"

#define PAGES		300

/* Page frames: those of movable memory; none when @end is 0. */
struct frames {
	unsigned long long first;
	unsigned long long end;
};

static unsigned long long number_after(const char *text, const char *key)
{
	unsigned long long number = 0;
	const char *found = strstr(text, key);

	if (found)
		sscanf(found + strlen(key), "%llu", &number);
	return number;
}

/* Of the first node that has any. */
static struct frames movable_frames(void)
{
	char *text = read_file(ZONES), *zone = text ? strstr(text, "zone  Movable") : NULL;
	struct frames frames = {};

	if (zone && number_after(zone, "present ")) {
		frames.first = number_after(zone, "start_pfn:");
		frames.end = frames.first + number_after(zone, "spanned ");
	}
	free(text);
	return frames;
}

FIXTURE(pages)
{
	size_t size;
	int device;
	int memfd;
	char *file;
	int page_map;
	unsigned long long frames[PAGES];
};

FIXTURE_SETUP(pages)
{
	if (LACKS(UDMABUF, PAGE_MAP))
		SKIP(return, "%s", lack);
	self->size = PAGES * page_size();
	self->device = open(UDMABUF, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->device);
	self->memfd = sealed_memfd(self->size);
	ASSERT_LE(0, self->memfd);
	self->page_map = open(PAGE_MAP, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, self->page_map);
	self->file = mmap(NULL, self->size, PROT_READ | PROT_WRITE, MAP_SHARED,
			  self->memfd, 0);
	ASSERT_NE(MAP_FAILED, self->file);
}

FIXTURE_TEARDOWN(pages)
{
}

/* Where the pages are at which @data is mapped; 0 is nowhere. */
static void find_frames(struct __test_metadata *_metadata, int page_map,
			const char *data, unsigned long long frames[PAGES])
{
	const __u64 present = 1ULL << 63, frame = (1ULL << 55) - 1;
	size_t page = page_size(), i;
	volatile char byte;
	__u64 entry;

	for (i = 0; i < PAGES; i++) {
		/* Who moved it took it away from the mapping. */
		byte = data[i * page];
		ASSERT_EQ((ssize_t)sizeof(entry),
			  pread(page_map, &entry, sizeof(entry),
				((uintptr_t)data / page + i) * sizeof(entry)));
		frames[i] = entry & present ? entry & frame : 0;
	}
	(void)byte;
}

static int count_within(const unsigned long long frames[PAGES], struct frames movable)
{
	int i, count = 0;

	for (i = 0; i < PAGES; i++)
		count += frames[i] >= movable.first && frames[i] < movable.end;
	return count;
}

TEST_F(pages, no_buffer_keeps_pages_in_movable_memory)
{
	struct frames movable = movable_frames();
	int buffer;
	char *data;

	if (!movable.end)
		SKIP(return, "there is no movable memory");
	/* The other half is made for the buffer. */
	number_pages(self->file, PAGES / 2, 0);
	find_frames(_metadata, self->page_map, self->file, self->frames);
	EXPECT_LT(0, count_within(self->frames, movable));

	buffer = create(self->device, self->memfd, 0, self->size);
	ASSERT_LE(0, buffer);
	find_frames(_metadata, self->page_map, self->file, self->frames);
	EXPECT_EQ(0, count_within(self->frames, movable));
	number_pages(self->file + self->size / 2, PAGES / 2, PAGES / 2);
	data = map_shared(buffer, self->size);
	ASSERT_NE(NULL, data);
	EXPECT_EQ((size_t)PAGES, count_numbered(data, PAGES, 0));
}

/* All that there is to have pages move, or go. */
static bool stir_up(char *data, size_t size)
{
	return !write_file(COMPACT, "1") && !write_file(DROP_CACHES, "3") &&
	       !madvise(data, size, MADV_PAGEOUT);
}

TEST_F(pages, pages_of_a_buffer_stay_where_they_are)
{
	unsigned long long frames[PAGES];
	int buffer, i;

	if (access(COMPACT, F_OK))
		SKIP(return, "the kernel does not move pages to have large blocks");
	number_pages(self->file, PAGES, 0);
	buffer = create(self->device, self->memfd, 0, self->size);
	ASSERT_LE(0, buffer);
	find_frames(_metadata, self->page_map, self->file, self->frames);
	EXPECT_TRUE(stir_up(self->file, self->size));
	find_frames(_metadata, self->page_map, self->file, frames);
	for (i = 0; i < PAGES; i++) {
		ASSERT_NE(0ULL, self->frames[i]);
		EXPECT_EQ(self->frames[i], frames[i]) TH_LOG("page %d", i);
	}
	EXPECT_EQ((size_t)PAGES, count_numbered(self->file, PAGES, 0));
}

TEST_HARNESS_MAIN
