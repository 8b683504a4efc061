// SPDX-License-Identifier: GPL-2.0-only
/*
 * Buffers made of memfds with huge pages of all sizes there are: parts of a page,
 * which begin and end anywhere in it, and parts of more than one.
 */
#include "../kselftest_harness.h"

#include "memory_helpers.h"
#include "udmabuf_helpers.h"

#define KIB	(1UL << 10)
#define MIB	(1UL << 20)

FIXTURE(hugetlb)
{
	int device;
	int memfd;
	/* The file; the small pages in it are numbered at the places below. */
	char *file;
	size_t size;
	long long pages_before;
	long long free_before;
};

FIXTURE_VARIANT(hugetlb)
{
	/* What one huge page has, and how many of them there are in the file. */
	size_t page;
	unsigned int count;
};

FIXTURE_VARIANT_ADD(hugetlb, of_2_mib) { .page = 2 * MIB, .count = 3 };
FIXTURE_VARIANT_ADD(hugetlb, of_1_gib) { .page = 1024 * MIB, .count = 1 };

/* Which of these there are depends on the size of small pages. */
#ifdef __aarch64__
FIXTURE_VARIANT_ADD(hugetlb, of_64_kib) { .page = 64 * KIB, .count = 4 };
FIXTURE_VARIANT_ADD(hugetlb, of_32_mib) { .page = 32 * MIB, .count = 2 };
FIXTURE_VARIANT_ADD(hugetlb, of_512_mib) { .page = 512 * MIB, .count = 1 };
#endif

FIXTURE_SETUP(hugetlb)
{
	if (LACKS(UDMABUF))
		SKIP(return, "%s", lack);
	if (huge_pages_number(variant->page, "nr_hugepages") < 0)
		SKIP(return, "the kernel has no huge pages of %zu KiB", variant->page >> 10);
	self->device = open(UDMABUF, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->device);
	self->pages_before = huge_pages_add(variant->page, variant->count);
	if (self->pages_before < 0)
		SKIP(return, "there is no room for %u of %zu KiB", variant->count,
		     variant->page >> 10);
	self->free_before = huge_pages_number(variant->page, "free_hugepages");
	self->size = variant->page * variant->count;
	self->memfd = hugetlb_memfd(variant->page, self->size);
	EXPECT_LE(0, self->memfd);
	self->file = map_shared(self->memfd, self->size);
	EXPECT_NE(NULL, self->file);
}

FIXTURE_TEARDOWN_PARENT(hugetlb)
{
	huge_pages_restore(variant->page, self->pages_before);
}

/* The places, all of a few small pages, and what they begin with. */
#define PLACE_PAGES	4
#define PLACES		4

struct place {
	size_t offset;
	__u64 first;
};

/* At the beginning, where huge pages meet or in the middle of one, and at the end. */
static void choose_places(struct place places[PLACES], size_t page, size_t size)
{
	size_t small = page_size(), reach = PLACE_PAGES * small;
	int i;

	places[0].offset = 0;
	places[1].offset = reach + small;
	places[2].offset = (size > page ? page : page / 2) - 2 * small;
	places[3].offset = size - reach;
	for (i = 0; i < PLACES; i++)
		places[i].first = 1000 * (i + 1);
}

static void number_places(char *data, const struct place places[PLACES], __u64 more)
{
	int i;

	for (i = 0; i < PLACES; i++)
		number_pages(data + places[i].offset, PLACE_PAGES, places[i].first + more);
}

static bool is_place(const char *data, __u64 first)
{
	return count_numbered(data, PLACE_PAGES, first) == PLACE_PAGES;
}

/* How many of the places are as they should be, from the first one on. */
static int count_places(const char *data, const struct place places[PLACES], __u64 more)
{
	int i;

	for (i = 0; i < PLACES; i++) {
		if (!is_place(data + places[i].offset, places[i].first + more))
			break;
	}
	return i;
}

TEST_F(hugetlb, file_and_buffer_are_the_same_memory)
{
	struct place places[PLACES];
	char *data;
	int buffer;

	choose_places(places, variant->page, self->size);
	number_places(self->file, places, 0);
	buffer = create(self->device, self->memfd, 0, self->size);
	ASSERT_LE(0, buffer);
	data = map_shared(buffer, self->size);
	ASSERT_NE(NULL, data);
	EXPECT_EQ(PLACES, count_places(data, places, 0));
	number_places(data, places, 500);
	EXPECT_EQ(PLACES, count_places(self->file, places, 500));
}

TEST_F(hugetlb, a_buffer_may_be_any_part_of_a_huge_page)
{
	struct place places[PLACES];
	size_t size = PLACE_PAGES * page_size();
	int i;

	choose_places(places, variant->page, self->size);
	number_places(self->file, places, 0);
	for (i = 0; i < PLACES; i++) {
		int buffer = create(self->device, self->memfd, places[i].offset, size);
		char *data = map_shared(buffer, size);

		ASSERT_NE(NULL, data) TH_LOG("from %zu on", places[i].offset);
		EXPECT_TRUE(is_place(data, places[i].first));
		EXPECT_EQ(MAP_FAILED, mmap(NULL, page_size(), PROT_READ, MAP_SHARED,
					   buffer, size));
		munmap(data, size);
		close(buffer);
	}
}

TEST_F(hugetlb, parts_of_huge_pages_are_in_the_order_of_the_list)
{
	struct udmabuf_create_item items[PLACES] = {};
	size_t size = PLACE_PAGES * page_size();
	struct place places[PLACES];
	char *data;
	int buffer, i;

	choose_places(places, variant->page, self->size);
	number_places(self->file, places, 0);
	for (i = 0; i < PLACES; i++) {
		items[i].memfd = self->memfd;
		items[i].offset = places[PLACES - 1 - i].offset;
		items[i].size = size;
	}
	buffer = create_list(self->device, items, PLACES);
	ASSERT_LE(0, buffer);
	data = map_shared(buffer, PLACES * size);
	ASSERT_NE(NULL, data);
	for (i = 0; i < PLACES; i++)
		EXPECT_TRUE(is_place(data + i * size, places[PLACES - 1 - i].first));
}

/* As long as a buffer has a part of a huge page, the page is nobody else's. */
TEST_F(hugetlb, huge_pages_are_free_when_the_last_buffer_goes)
{
	size_t small = page_size();
	int first, last;

	first = create(self->device, self->memfd, 0, small);
	ASSERT_LE(0, first);
	last = create(self->device, self->memfd, self->size - small, small);
	ASSERT_LE(0, last);
	munmap(self->file, self->size);
	close(self->memfd);
	close(first);
	EXPECT_GT(self->free_before, huge_pages_number(variant->page, "free_hugepages"));
	close(last);
	EXPECT_EQ(self->free_before, huge_pages_number(variant->page, "free_hugepages"));
}

TEST_F(hugetlb, what_isnt_small_pages_is_refused)
{
	size_t small = page_size();

	EXPECT_EQ(-EINVAL, create(self->device, self->memfd, small / 2, small));
	EXPECT_EQ(-EINVAL, create(self->device, self->memfd, 0, small / 2));
	EXPECT_EQ(-EINVAL, create(self->device, self->memfd, self->size, small));
	EXPECT_EQ(-EINVAL, create(self->device, self->memfd, small, self->size));
}

TEST_HARNESS_MAIN
