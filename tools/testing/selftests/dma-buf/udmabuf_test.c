// SPDX-License-Identifier: GPL-2.0-only
/*
 * Buffers made of memfds: their content is the file's, whatever the pages are and
 * whatever the order; what isn't allowed is refused, and leaves nothing behind.
 */
#include "../kselftest_harness.h"

#include <sys/eventfd.h>

#include "memory_helpers.h"
#include "prime.h"
#include "udmabuf_helpers.h"
#include "workers.h"

#define PARAMETERS	"/sys/module/udmabuf/parameters/"
#define LIST_LIMIT	PARAMETERS "list_limit"
#define SIZE_LIMIT	PARAMETERS "size_limit_mb"
#define USER_LIMIT	PARAMETERS "user_limit_mb"

#define MEGABYTE	(1 << 20)

static long my_buffers(void)
{
	return udmabuf_usage(geteuid()).buffers;
}

static long long my_bytes(void)
{
	return udmabuf_usage(geteuid()).bytes;
}

/*
 * What is in a buffer
 */

/* What of the system is changed to have huge pages. */
struct settings {
	long long huge_pages;
	char shmem_huge[32];
};

enum memfd_pages { SMALL_PAGES, HUGE_SHMEM, HUGE_HUGETLB };

/* With small pages of 4 KiB, two huge pages. */
#define FILE_PAGES	1024

static size_t file_size(void)
{
	return FILE_PAGES * page_size();
}

FIXTURE(content)
{
	size_t page;
	size_t pages;
	int device;
	int memfd;
	/* All of the file, with the pages numbered. */
	char *file;
	struct settings before;
};

FIXTURE_VARIANT(content)
{
	enum memfd_pages pages;
};

FIXTURE_VARIANT_ADD(content, small_pages) { .pages = SMALL_PAGES };
FIXTURE_VARIANT_ADD(content, huge_pages_of_shmem) { .pages = HUGE_SHMEM };
FIXTURE_VARIANT_ADD(content, huge_pages_of_hugetlb) { .pages = HUGE_HUGETLB };

static void restore(const struct settings *before)
{
	huge_pages_restore(HUGE_PAGE, before->huge_pages);
	shmem_huge_restore(before->shmem_huge);
}

/* A memfd of that size, or -1 if pages of that kind can't be had. */
static int memfd_of(enum memfd_pages pages, struct settings *before)
{
	*before = (struct settings){ .huge_pages = -1 };
	switch (pages) {
	case HUGE_HUGETLB:
		before->huge_pages = huge_pages_add(HUGE_PAGE, file_size() / HUGE_PAGE);
		return before->huge_pages < 0 ? -1 : hugetlb_memfd(HUGE_PAGE, file_size());
	case HUGE_SHMEM:
		if (!shmem_huge_force(before->shmem_huge, sizeof(before->shmem_huge)))
			return -1;
		break;
	default:
		break;
	}
	return sealed_memfd(file_size());
}

static bool shmem_has_huge_pages(void)
{
	return number_behind("/proc/meminfo", "ShmemHugePages") >= (long long)file_size() >> 10;
}

FIXTURE_SETUP(content)
{
	if (LACKS(UDMABUF))
		SKIP(return, "%s", lack);
	self->page = page_size();
	self->pages = FILE_PAGES;
	self->device = open(UDMABUF, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->device);
	self->memfd = memfd_of(variant->pages, &self->before);
	if (self->memfd < 0 && variant->pages != SMALL_PAGES) {
		restore(&self->before);
		SKIP(return, "no huge pages of that kind to be had");
	}
	ASSERT_LE(0, self->memfd);
	self->file = map_shared(self->memfd, file_size());
	ASSERT_NE(NULL, self->file) restore(&self->before);
	number_pages(self->file, self->pages, 0);
	if (variant->pages == HUGE_SHMEM && !shmem_has_huge_pages()) {
		restore(&self->before);
		SKIP(return, "shmem has got no huge pages");
	}
}

/* A parent does that even if the test crashes. The files are closed by then. */
FIXTURE_TEARDOWN_PARENT(content)
{
	restore(&self->before);
}

/* Does a buffer have these pages of the file, from its page @index on? */
static void expect_pages(struct __test_metadata *_metadata, int buffer,
			 size_t index, size_t first, size_t count)
{
	size_t page = page_size();
	char *data = map_part(buffer, count * page, MAP_SHARED, index * page);

	ASSERT_NE(NULL, data);
	EXPECT_EQ(count, count_numbered(data, count, first))
		TH_LOG("%zu pages from %zu on at page %zu", count, first, index);
	munmap(data, count * page);
}

TEST_F(content, what_is_written_to_the_file_is_seen_in_the_buffer)
{
	int buffer = create(self->device, self->memfd, 0, file_size());

	ASSERT_LE(0, buffer);
	expect_pages(_metadata, buffer, 0, 0, self->pages);
	number_pages(self->file, self->pages, 5000);
	expect_pages(_metadata, buffer, 0, 5000, self->pages);
}

TEST_F(content, what_is_written_to_the_buffer_is_seen_in_the_file)
{
	int buffer = create(self->device, self->memfd, 0, file_size());
	char *data = map_shared(buffer, file_size());

	ASSERT_NE(NULL, data);
	number_pages(data, self->pages, 5000);
	EXPECT_EQ(self->pages, count_numbered(self->file, self->pages, 5000));
}

/* Pages that nobody touched yet are made for the buffer. */
TEST_F(content, pages_that_were_never_written_are_zero_in_both)
{
	int memfd, buffer;
	char *file, *data;

	/* There are no huge pages for both. */
	munmap(self->file, file_size());
	close(self->memfd);
	memfd = variant->pages == HUGE_HUGETLB ? hugetlb_memfd(HUGE_PAGE, file_size()) :
						 sealed_memfd(file_size());
	ASSERT_LE(0, memfd);
	buffer = create(self->device, memfd, 0, file_size());
	ASSERT_LE(0, buffer);
	data = map_shared(buffer, file_size());
	ASSERT_NE(NULL, data);
	file = map_shared(memfd, file_size());
	ASSERT_NE(NULL, file);
	EXPECT_TRUE(is_zero(data, file_size()));
	number_pages(data, self->pages, 1);
	EXPECT_EQ(self->pages, count_numbered(file, self->pages, 1));
}

TEST_F(content, a_buffer_begins_and_ends_where_it_was_told_to)
{
	/* In pages; 512 of them are a huge one. */
	static const struct { size_t first, count; } parts[] = {
		{ 0, 1 }, { 1, 1 }, { 3, 7 }, { 1, 512 }, { 500, 100 }, { 511, 2 },
		{ 512, 1 }, { 512, 512 }, { 513, 511 }, { 1023, 1 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		int buffer = create(self->device, self->memfd, parts[i].first * self->page,
				    parts[i].count * self->page);

		ASSERT_LE(0, buffer);
		EXPECT_EQ((off_t)(parts[i].count * self->page), lseek(buffer, 0, SEEK_END));
		expect_pages(_metadata, buffer, 0, parts[i].first, parts[i].count);
		EXPECT_EQ(MAP_FAILED, mmap(NULL, self->page, PROT_READ, MAP_SHARED, buffer,
					   parts[i].count * self->page));
		close(buffer);
	}
}

struct part {
	size_t first;
	size_t count;
};

#define MOST_PARTS	8

/* A buffer of the file's parts in that order has their pages in that order. */
static void expect_list(struct __test_metadata *_metadata,
			int device, int memfd, const struct part *parts, size_t count)
{
	struct udmabuf_create_item items[MOST_PARTS] = {};
	size_t page = page_size(), i, index = 0;
	int buffer;

	for (i = 0; i < count; i++) {
		items[i].memfd = memfd;
		items[i].offset = parts[i].first * page;
		items[i].size = parts[i].count * page;
	}
	buffer = create_list(device, items, count);
	ASSERT_LE(0, buffer);
	for (i = 0; i < count; i++) {
		expect_pages(_metadata, buffer, index, parts[i].first, parts[i].count);
		index += parts[i].count;
	}
	EXPECT_EQ((off_t)(index * page), lseek(buffer, 0, SEEK_END));
	close(buffer);
}

TEST_F(content, parts_have_the_order_of_the_list)
{
	static const struct part backwards[] = {
		{ 1000, 24 }, { 520, 40 }, { 510, 4 }, { 7, 1 }, { 0, 3 },
	};
	static const struct part swapped[] = { { 512, 512 }, { 0, 512 } };
	static const struct part adjacent[] = {
		{ 0, 100 }, { 100, 412 }, { 512, 1 }, { 513, 511 },
	};

	expect_list(_metadata, self->device, self->memfd, backwards, ARRAY_SIZE(backwards));
	expect_list(_metadata, self->device, self->memfd, swapped, ARRAY_SIZE(swapped));
	expect_list(_metadata, self->device, self->memfd, adjacent, ARRAY_SIZE(adjacent));
}

/* Half a huge page and half of another one make no huge entry. */
TEST_F(content, parts_of_huge_pages_do_not_pull_in_the_rest)
{
	static const struct part halves[] = { { 0, 256 }, { 768, 256 }, { 256, 256 } };
	static const struct part shifted[] = { { 1, 511 }, { 0, 1 }, { 513, 511 }, { 512, 1 } };

	expect_list(_metadata, self->device, self->memfd, halves, ARRAY_SIZE(halves));
	expect_list(_metadata, self->device, self->memfd, shifted, ARRAY_SIZE(shifted));
}

TEST_F(content, parts_may_overlap)
{
	static const struct part parts[] = {
		{ 0, 600 }, { 300, 600 }, { 511, 2 }, { 0, 1024 },
	};

	expect_list(_metadata, self->device, self->memfd, parts, ARRAY_SIZE(parts));
}

TEST_F(content, a_part_that_is_there_twice_is_the_same_memory_in_both_places)
{
	struct udmabuf_create_item items[2];
	const size_t count = 16, size = count * self->page;
	int buffer;
	char *data;

	items[0] = (struct udmabuf_create_item){ .memfd = self->memfd, .size = size };
	items[1] = items[0];
	buffer = create_list(self->device, items, 2);
	ASSERT_LE(0, buffer);
	data = map_shared(buffer, 2 * size);
	ASSERT_NE(NULL, data);
	number_pages(data, count, 5000);
	EXPECT_EQ(count, count_numbered(data + size, count, 5000));
	number_pages(data + size, count, 6000);
	EXPECT_EQ(count, count_numbered(data, count, 6000));
	EXPECT_EQ(count, count_numbered(self->file, count, 6000));
}

TEST_F(content, parts_may_be_of_different_files)
{
	int other = sealed_memfd(16 * self->page);
	char *data = map_shared(other, 16 * self->page);
	struct udmabuf_create_item items[3];
	int buffer;

	ASSERT_NE(NULL, data);
	number_pages(data, 16, 5000);
	items[0] = (struct udmabuf_create_item){
		.memfd = self->memfd,
		.offset = 510 * self->page,
		.size = 4 * self->page,
	};
	items[1] = (struct udmabuf_create_item){ .memfd = other, .size = 16 * self->page };
	items[2] = items[0];
	buffer = create_list(self->device, items, 3);
	ASSERT_LE(0, buffer);
	expect_pages(_metadata, buffer, 0, 510, 4);
	expect_pages(_metadata, buffer, 4, 5000, 16);
	expect_pages(_metadata, buffer, 20, 510, 4);
}

TEST_F(content, data_survives_the_buffer)
{
	int buffer = create(self->device, self->memfd, 0, file_size());
	char *data = map_shared(buffer, file_size());

	ASSERT_NE(NULL, data);
	number_pages(data, self->pages, 5000);
	munmap(data, file_size());
	close(buffer);
	/* Whatever isn't dirty may go now. */
	write_file("/proc/sys/vm/drop_caches", "1");
	EXPECT_EQ(self->pages, count_numbered(self->file, self->pages, 5000));
}

TEST_F(content, data_survives_the_file)
{
	int buffer = create(self->device, self->memfd, 0, file_size());

	ASSERT_LE(0, buffer);
	munmap(self->file, file_size());
	close(self->memfd);
	expect_pages(_metadata, buffer, 0, 0, self->pages);
	close(buffer);
}

TEST_F(content, a_hole_in_the_file_leaves_the_buffer_as_it_was)
{
	int buffer = create(self->device, self->memfd, 0, file_size());

	ASSERT_LE(0, buffer);
	ASSERT_EQ(0, fallocate(self->memfd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			       0, file_size()));
	expect_pages(_metadata, buffer, 0, 0, self->pages);
}

/* The file must not be mapped writable for that. */
TEST_F(content, a_file_cannot_be_sealed_against_writing_until_the_buffer_is_gone)
{
	int buffer = create(self->device, self->memfd, self->page, self->page);

	ASSERT_LE(0, buffer);
	munmap(self->file, file_size());
	EXPECT_FALSE(seal(self->memfd, F_SEAL_WRITE));
	EXPECT_EQ(EBUSY, errno);
	close(buffer);
	EXPECT_TRUE(seal(self->memfd, F_SEAL_WRITE));
}

TEST_F(content, a_mapping_alone_keeps_the_seal_away)
{
	int buffer = create(self->device, self->memfd, 0, file_size());
	char *data = map_shared(buffer, file_size());

	ASSERT_NE(NULL, data);
	munmap(self->file, file_size());
	close(buffer);
	EXPECT_FALSE(seal(self->memfd, F_SEAL_WRITE));
	EXPECT_EQ(EBUSY, errno);
	munmap(data, file_size());
	EXPECT_TRUE(seal(self->memfd, F_SEAL_WRITE));
}

/* Each place of a page in the list has a pin of its own. */
TEST_F(content, no_pin_is_left_of_parts_that_overlap)
{
	struct udmabuf_create_item items[] = {
		{ .size = file_size() },
		{ .offset = self->page, .size = 700 * self->page },
		{ .offset = 511 * self->page, .size = 2 * self->page },
		{ .offset = 512 * self->page, .size = self->page },
		{ .offset = 512 * self->page, .size = self->page },
	};
	size_t i;
	int buffer;

	for (i = 0; i < ARRAY_SIZE(items); i++)
		items[i].memfd = self->memfd;
	buffer = create_list(self->device, items, ARRAY_SIZE(items));
	ASSERT_LE(0, buffer);
	munmap(self->file, file_size());
	EXPECT_FALSE(seal(self->memfd, F_SEAL_WRITE));
	close(buffer);
	EXPECT_TRUE(seal(self->memfd, F_SEAL_WRITE));
}

/*
 * Requests
 */

#define SMALL_PAGE_COUNT	16

FIXTURE(request)
{
	size_t page;
	size_t size;
	int device;
	int memfd;
	long buffers_before;
};

FIXTURE_SETUP(request)
{
	if (LACKS(UDMABUF, UDMABUF_USERS, SYSTEM_HEAP))
		SKIP(return, "%s", lack);
	self->page = page_size();
	self->size = SMALL_PAGE_COUNT * self->page;
	self->device = open(UDMABUF, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->device);
	self->memfd = sealed_memfd(self->size);
	ASSERT_LE(0, self->memfd);
	self->buffers_before = my_buffers();
}

/* Nothing is left of a buffer, neither of those that were made nor of the others. */
FIXTURE_TEARDOWN(request)
{
	EXPECT_EQ(self->buffers_before, my_buffers());
	EXPECT_TRUE(seal(self->memfd, F_SEAL_WRITE));
	close(self->memfd);
	close(self->device);
}

static struct udmabuf_create_item part_of(int memfd, __u64 offset, __u64 size)
{
	return (struct udmabuf_create_item){
		.memfd = memfd,
		.offset = offset,
		.size = size,
	};
}

TEST_F(request, close_on_exec_is_as_asked_for)
{
	int closed = create_flags(self->device, self->memfd, 0, self->page,
				  UDMABUF_FLAGS_CLOEXEC);
	int kept = create_flags(self->device, self->memfd, 0, self->page, 0);

	ASSERT_LE(0, closed);
	ASSERT_LE(0, kept);
	EXPECT_EQ(FD_CLOEXEC, fcntl(closed, F_GETFD));
	EXPECT_EQ(0, fcntl(kept, F_GETFD));
	close(closed);
	close(kept);
}

TEST_F(request, close_on_exec_is_as_asked_for_of_a_list)
{
	struct udmabuf_create_item part = part_of(self->memfd, 0, self->page);
	struct udmabuf_create_list *list = list_of(&part, 1);
	__u32 flags;
	int fd;

	ASSERT_NE(NULL, list);
	for (flags = 0; flags <= UDMABUF_FLAGS_CLOEXEC; flags++) {
		list->flags = flags;
		fd = call_ioctl(self->device, UDMABUF_CREATE_LIST, list);
		ASSERT_LE(0, fd);
		EXPECT_EQ(flags ? FD_CLOEXEC : 0, fcntl(fd, F_GETFD));
		close(fd);
	}
	free(list);
}

TEST_F(request, other_flags_are_ignored)
{
	int buffer = create_flags(self->device, self->memfd, 0, self->page,
				  ~UDMABUF_FLAGS_CLOEXEC);

	ASSERT_LE(0, buffer);
	EXPECT_EQ(0, fcntl(buffer, F_GETFD));
	close(buffer);
}

TEST_F(request, a_buffer_tells_its_size_and_can_be_written)
{
	int buffer = create(self->device, self->memfd, self->page, 3 * self->page);

	ASSERT_LE(0, buffer);
	EXPECT_EQ((off_t)(3 * self->page), lseek(buffer, 0, SEEK_END));
	EXPECT_EQ(0, lseek(buffer, 0, SEEK_SET));
	EXPECT_EQ(O_RDWR, fcntl(buffer, F_GETFL) & O_ACCMODE);
	close(buffer);
}

/* It doesn't matter that another part, of @memfd, is as it should be. */
static void expect_refused(struct __test_metadata *_metadata, int device, int memfd,
			   int error, struct udmabuf_create_item bad)
{
	struct udmabuf_create_item good = part_of(memfd, 0, page_size());
	struct udmabuf_create_item bad_first[] = { bad, good }, bad_last[] = { good, bad };
	long buffers = my_buffers();
	int fds = count_open_fds();

	EXPECT_EQ(error, create(device, bad.memfd, bad.offset, bad.size))
		TH_LOG("offset %llx, size %llx", bad.offset, bad.size);
	EXPECT_EQ(error, create_list(device, bad_first, 2))
		TH_LOG("offset %llx, size %llx, first", bad.offset, bad.size);
	EXPECT_EQ(error, create_list(device, bad_last, 2))
		TH_LOG("offset %llx, size %llx, last", bad.offset, bad.size);
	EXPECT_EQ(fds, count_open_fds());
	EXPECT_EQ(buffers, my_buffers());
}

struct range {
	__u64 offset;
	__u64 size;
};

static void expect_ranges_refused(struct __test_metadata *_metadata, int device, int memfd,
				  const struct range *ranges, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		expect_refused(_metadata, device, memfd, -EINVAL,
			       part_of(memfd, ranges[i].offset, ranges[i].size));
}

TEST_F(request, what_is_no_whole_page_is_refused)
{
	const __u64 page = self->page;
	const struct range ranges[] = {
		{ 0, 1 }, { 0, 512 }, { 0, page - 1 }, { 0, page + 1 }, { page, page / 2 },
		{ 1, page }, { 512, page }, { page - 1, page }, { page + 1, page },
		/* These would end where a page does. */
		{ 1, page - 1 }, { page / 2, page / 2 }, { page - 1, 1 }, { 1, 2 * page - 1 },
	};

	expect_ranges_refused(_metadata, self->device, self->memfd,
			      ranges, ARRAY_SIZE(ranges));
}

TEST_F(request, no_bytes_are_refused)
{
	const struct range ranges[] = { { 0, 0 }, { self->page, 0 }, { self->size, 0 } };

	expect_ranges_refused(_metadata, self->device, self->memfd,
			      ranges, ARRAY_SIZE(ranges));
}

TEST_F(request, no_parts_are_refused)
{
	struct udmabuf_create_item part = part_of(self->memfd, 0, self->page);

	EXPECT_EQ(-EINVAL, create_list(self->device, &part, 0));
}

TEST_F(request, what_lies_behind_the_end_of_the_file_is_refused)
{
	const __u64 page = self->page, size = self->size;
	const struct range ranges[] = {
		{ 0, size + page }, { page, size }, { size - page, 2 * page }, { size, page },
		{ size + page, page }, { 1ULL << 40, page }, { 0, 1ULL << 40 },
	};

	expect_ranges_refused(_metadata, self->device, self->memfd,
			      ranges, ARRAY_SIZE(ranges));
}

/* As bytes or as pages, in 32, 63 or 64 bits. */
TEST_F(request, sums_that_overflow_are_refused)
{
	const __u64 page = self->page, half = 1ULL << 63;
	const struct range ranges[] = {
		{ -page, page }, { -page, 2 * page }, { page, -page }, { 2 * page, -page },
		{ half, page }, { half, half }, { 0, half }, { half - page, page },
		{ half - page, 2 * page }, { page, half - page }, { 0, -page },
		{ 0, 1ULL << 32 }, { 1ULL << 32, page }, { 0, 1ULL << 44 },
		{ 1ULL << 44, page }, { (1ULL << 44) - page, 2 * page },
	};

	expect_ranges_refused(_metadata, self->device, self->memfd,
			      ranges, ARRAY_SIZE(ranges));
}

TEST_F(request, a_file_that_is_no_memfd_is_ebadfd)
{
	struct udmabuf_create_item part = part_of(self->memfd, 0, self->page);
	const int files[] = {
		self->device,
		heap_alloc(self->size),
		eventfd(0, EFD_CLOEXEC),
		open("/proc/self/stat", O_RDONLY | O_CLOEXEC),
		open("/dev/zero", O_RDWR | O_CLOEXEC),
		open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		ASSERT_LE(0, files[i]) TH_LOG("file %zu", i);
		part.memfd = files[i];
		expect_refused(_metadata, self->device, self->memfd, -EBADFD, part);
	}
}

TEST_F(request, a_fd_that_is_not_open_is_ebadfd)
{
	struct udmabuf_create_item part = part_of(self->memfd, 0, self->page);
	int closed = dup(self->memfd);

	close(closed);
	part.memfd = closed;
	expect_refused(_metadata, self->device, self->memfd, -EBADFD, part);
	part.memfd = -1;
	expect_refused(_metadata, self->device, self->memfd, -EBADFD, part);
	part.memfd = INT_MAX;
	expect_refused(_metadata, self->device, self->memfd, -EBADFD, part);
}

TEST_F(request, a_path_that_was_only_looked_up_is_ebadfd)
{
	struct udmabuf_create_item part = part_of(self->memfd, 0, self->page);
	char link[64];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", self->memfd);
	part.memfd = open(link, O_PATH | O_CLOEXEC);
	ASSERT_LE(0, (int)part.memfd);
	expect_refused(_metadata, self->device, self->memfd, -EBADFD, part);
	close(part.memfd);
}

static int memfd_with_seals(size_t size, int seals)
{
	int memfd = memfd_create("other bytes", MFD_ALLOW_SEALING | MFD_CLOEXEC);

	if (memfd >= 0 && (ftruncate(memfd, size) || (seals && !seal(memfd, seals)))) {
		close(memfd);
		return -1;
	}
	return memfd;
}

TEST_F(request, a_file_that_can_shrink_is_refused)
{
	static const int seals[] = { 0, F_SEAL_GROW, F_SEAL_SEAL };
	struct udmabuf_create_item part = part_of(self->memfd, 0, self->page);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(seals); i++) {
		part.memfd = memfd_with_seals(self->size, seals[i]);
		ASSERT_LE(0, (int)part.memfd);
		expect_refused(_metadata, self->device, self->memfd, -EINVAL, part);
		close(part.memfd);
	}
}

TEST_F(request, a_file_that_cannot_be_written_is_refused)
{
	static const int seals[] = { F_SEAL_WRITE, F_SEAL_FUTURE_WRITE };
	struct udmabuf_create_item part = part_of(self->memfd, 0, self->page);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(seals); i++) {
		part.memfd = memfd_with_seals(self->size, F_SEAL_SHRINK | seals[i]);
		ASSERT_LE(0, (int)part.memfd);
		expect_refused(_metadata, self->device, self->memfd, -EINVAL, part);
		close(part.memfd);
	}
}

TEST_F(request, a_file_that_cannot_grow_either_will_do)
{
	int memfd = memfd_with_seals(self->size, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
	int buffer;

	ASSERT_LE(0, memfd);
	buffer = create(self->device, memfd, 0, self->size);
	EXPECT_LE(0, buffer);
	close(buffer);
	close(memfd);
}

TEST_F(request, a_faulting_argument_is_efault)
{
	char *page = page_before_a_hole(PROT_READ | PROT_WRITE);
	struct udmabuf_create_list *list;

	ASSERT_NE(NULL, page);
	list = (void *)(page + self->page - sizeof(*list));
	EXPECT_EQ(-EFAULT, call_ioctl(self->device, UDMABUF_CREATE, NULL));
	EXPECT_EQ(-EFAULT, call_ioctl(self->device, UDMABUF_CREATE_LIST, NULL));
	EXPECT_EQ(-EFAULT, call_ioctl(self->device, UDMABUF_CREATE,
				      page + self->page - sizeof(struct udmabuf_create) + 4));
	EXPECT_EQ(-EFAULT, call_ioctl(self->device, UDMABUF_CREATE_LIST,
				      page + self->page - 4));
	/* Nothing is missing but the parts. */
	list->count = 1;
	EXPECT_EQ(-EFAULT, call_ioctl(self->device, UDMABUF_CREATE_LIST, list));
}

TEST_F(request, the_last_part_may_end_where_memory_does)
{
	char *page = page_before_a_hole(PROT_READ | PROT_WRITE);
	struct udmabuf_create_list *list;
	int buffer;

	ASSERT_NE(NULL, page);
	list = (void *)(page + self->page - sizeof(*list) - 2 * sizeof(list->list[0]));
	list->flags = UDMABUF_FLAGS_CLOEXEC;
	list->count = 2;
	list->list[0] = part_of(self->memfd, 0, self->page);
	list->list[1] = part_of(self->memfd, self->page, self->page);
	buffer = call_ioctl(self->device, UDMABUF_CREATE_LIST, list);
	EXPECT_LE(0, buffer);
	close(buffer);
	list->count = 3;
	EXPECT_EQ(-EFAULT, call_ioctl(self->device, UDMABUF_CREATE_LIST, list));
}

TEST_F(request, an_argument_is_only_read)
{
	struct udmabuf_create *request;
	char *page = page_before_a_hole(PROT_READ | PROT_WRITE);
	int buffer;

	ASSERT_NE(NULL, page);
	request = (void *)(page + self->page - sizeof(*request));
	request->memfd = self->memfd;
	request->size = self->page;
	ASSERT_EQ(0, mprotect(page, self->page, PROT_READ));
	buffer = call_ioctl(self->device, UDMABUF_CREATE, request);
	EXPECT_LE(0, buffer);
	close(buffer);
}

TEST_F(request, an_unknown_ioctl_is_enotty)
{
	struct udmabuf_create request = { .memfd = self->memfd, .size = self->page };
	unsigned int nr;

	for (nr = 0; nr < 256; nr++) {
		if (nr == _IOC_NR(UDMABUF_CREATE) || nr == _IOC_NR(UDMABUF_CREATE_LIST))
			continue;
		EXPECT_EQ(-ENOTTY, call_ioctl(self->device,
					      _IOW('u', nr, struct udmabuf_create), &request))
			TH_LOG("number %u", nr);
	}
	EXPECT_EQ(-ENOTTY, call_ioctl(self->device, _IOWR('u', 0x42, struct udmabuf_create),
				      &request));
	EXPECT_EQ(-ENOTTY, call_ioctl(self->device, _IOW('u', 0x42, __u32), &request));
	EXPECT_EQ(-ENOTTY, call_ioctl(self->device, _IO('u', 0x43), &request));
	EXPECT_EQ(-ENOTTY, call_ioctl(self->device, DMA_HEAP_IOCTL_ALLOC, &request));
	EXPECT_EQ(-ENOTTY, call_ioctl(self->device, 0, &request));
}

TEST_F(request, without_a_fd_left_it_is_emfile_and_nothing_stays)
{
	struct udmabuf_create_item parts[] = {
		part_of(self->memfd, 0, self->size), part_of(self->memfd, 0, self->page),
	};
	long long bytes = my_bytes();
	long files = count_kernel_files();
	struct rlimit limit;
	int i;

	ASSERT_EQ(0, forbid_new_fds(&limit));
	for (i = 0; i < LEAK_ROUNDS; i++) {
		ASSERT_EQ(-EMFILE, create(self->device, self->memfd, 0, self->size));
		ASSERT_EQ(-EMFILE, create_list(self->device, parts, 2));
	}
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	EXPECT_EQ(bytes, my_bytes());
	EXPECT_GT(files + LEAK_SLACK, count_kernel_files());
}

/*
 * Limits, which root may change
 */

FIXTURE(limits)
{
	size_t page;
	int device;
	int memfd;
	long long list_limit_before;
	long long size_limit_before;
	long long user_limit_before;
};

FIXTURE_SETUP(limits)
{
	if (LACKS(UDMABUF, UDMABUF_USERS, LIST_LIMIT, SIZE_LIMIT, USER_LIMIT))
		SKIP(return, "%s", lack);
	self->page = page_size();
	self->list_limit_before = number_in(LIST_LIMIT);
	self->size_limit_before = number_in(SIZE_LIMIT);
	self->user_limit_before = number_in(USER_LIMIT);
	self->device = open(UDMABUF, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->device);
	self->memfd = sealed_memfd(4 * MEGABYTE);
	ASSERT_LE(0, self->memfd);
	/* The tests count from there. */
	ASSERT_EQ(0, my_bytes());
}

FIXTURE_TEARDOWN_PARENT(limits)
{
	EXPECT_EQ(0, write_number(LIST_LIMIT, self->list_limit_before));
	EXPECT_EQ(0, write_number(SIZE_LIMIT, self->size_limit_before));
	EXPECT_EQ(0, write_number(USER_LIMIT, self->user_limit_before));
	EXPECT_EQ(0, my_bytes());
	EXPECT_EQ(0, my_buffers());
}

static int create_pages(int device, int memfd, size_t count)
{
	return create(device, memfd, 0, count * page_size());
}

/* One page a part, from the file's last page to the first and so on. */
static int create_parts(int device, int memfd, size_t count)
{
	size_t page = page_size(), pages = 4 * MEGABYTE / page, i;
	struct udmabuf_create_item *parts = calloc(count, sizeof(*parts));
	int ret;

	for (i = 0; parts && i < count; i++) {
		parts[i].memfd = memfd;
		parts[i].offset = (pages - 1 - i % pages) * page;
		parts[i].size = page;
	}
	ret = parts ? create_list(device, parts, count) : -ENOMEM;
	free(parts);
	return ret;
}

TEST_F(limits, a_list_of_the_limit_is_taken_and_a_longer_one_refused)
{
	size_t limit = self->list_limit_before, pages = 4 * MEGABYTE / self->page, i;
	char *file = map_shared(self->memfd, 4 * MEGABYTE), *data;
	int buffer;

	ASSERT_NE(NULL, file);
	ASSERT_LT(0, self->list_limit_before);
	number_pages(file, pages, 0);
	buffer = create_parts(self->device, self->memfd, limit);
	ASSERT_LE(0, buffer);
	data = map_shared(buffer, limit * self->page);
	ASSERT_NE(NULL, data);
	for (i = 0; i < limit; i++) {
		ASSERT_TRUE(page_has_number(data + i * self->page, pages - 1 - i % pages))
			TH_LOG("page %zu", i);
	}
	EXPECT_EQ(-EINVAL, create_parts(self->device, self->memfd, limit + 1));
}

TEST_F(limits, the_limit_of_lists_can_be_moved)
{
	int buffer;

	ASSERT_EQ(0, write_number(LIST_LIMIT, 2));
	EXPECT_EQ(-EINVAL, create_parts(self->device, self->memfd, 3));
	buffer = create_parts(self->device, self->memfd, 2);
	EXPECT_LE(0, buffer);
	close(buffer);
	ASSERT_EQ(0, write_number(LIST_LIMIT, 3));
	buffer = create_parts(self->device, self->memfd, 3);
	EXPECT_LE(0, buffer);
	close(buffer);
	ASSERT_EQ(0, write_number(LIST_LIMIT, -1));
	EXPECT_EQ(-EINVAL, create_parts(self->device, self->memfd, 1));
}

static int create_with_count(int device, int memfd, __u32 count)
{
	struct udmabuf_create_item part = { .memfd = memfd, .size = page_size() };
	struct udmabuf_create_list *list = list_of(&part, 1);
	int ret;

	if (!list)
		return 0;
	list->count = count;
	ret = call_ioctl(device, UDMABUF_CREATE_LIST, list);
	free(list);
	return ret;
}

/* Some of these, times the size of a part, are small numbers in 32 bits. */
TEST_F(limits, a_count_that_overflows_is_refused)
{
	static const __u32 counts[] = {
		0x10000000, 0x20000001, 0x0aaaaaab, 0x7fffffff, 0x80000000, 0x80000001,
		0xffffffff,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		EXPECT_EQ(-EINVAL, create_with_count(self->device, self->memfd, counts[i]))
			TH_LOG("%x parts", counts[i]);
	}
	/* Without a limit there isn't the memory for them. */
	ASSERT_EQ(0, write_number(LIST_LIMIT, INT_MAX));
	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		EXPECT_EQ(counts[i] > INT_MAX ? -EINVAL : -ENOMEM,
			  create_with_count(self->device, self->memfd, counts[i]))
			TH_LOG("%x parts", counts[i]);
	}
}

TEST_F(limits, a_buffer_may_be_as_large_as_the_limit_but_not_larger)
{
	size_t most = MEGABYTE / self->page;
	int buffer;

	ASSERT_EQ(0, write_number(SIZE_LIMIT, 1));
	buffer = create_pages(self->device, self->memfd, most);
	EXPECT_LE(0, buffer);
	close(buffer);
	EXPECT_EQ(-EINVAL, create_pages(self->device, self->memfd, most + 1));
}

TEST_F(limits, the_size_limit_is_that_of_all_parts_together)
{
	size_t most = MEGABYTE / self->page;
	int buffer;

	ASSERT_EQ(0, write_number(SIZE_LIMIT, 1));
	buffer = create_parts(self->device, self->memfd, most);
	EXPECT_LE(0, buffer);
	close(buffer);
	EXPECT_EQ(-EINVAL, create_parts(self->device, self->memfd, most + 1));
}

TEST_F(limits, a_size_limit_of_nothing_allows_nothing)
{
	ASSERT_EQ(0, write_number(SIZE_LIMIT, 0));
	EXPECT_EQ(-EINVAL, create_pages(self->device, self->memfd, 1));
	ASSERT_EQ(0, write_number(SIZE_LIMIT, -1));
	EXPECT_EQ(-EINVAL, create_pages(self->device, self->memfd, 1));
}

TEST_F(limits, more_than_a_user_may_have_is_edquot)
{
	size_t most = MEGABYTE / self->page;
	int first, second;

	ASSERT_EQ(0, write_number(USER_LIMIT, 1));
	first = create_pages(self->device, self->memfd, most - 1);
	ASSERT_LE(0, first);
	EXPECT_EQ(-EDQUOT, create_pages(self->device, self->memfd, 2));
	second = create_pages(self->device, self->memfd, 1);
	ASSERT_LE(0, second);
	EXPECT_EQ(-EDQUOT, create_pages(self->device, self->memfd, 1));
	EXPECT_EQ(MEGABYTE, my_bytes());
	close(second);
	EXPECT_EQ(-EDQUOT, create_pages(self->device, self->memfd, 2));
	close(first);
	first = create_pages(self->device, self->memfd, most);
	EXPECT_LE(0, first);
	close(first);
}

TEST_F(limits, who_has_nothing_is_forgotten_when_refused)
{
	ASSERT_EQ(0, write_number(USER_LIMIT, 1));
	EXPECT_EQ(-EDQUOT, create_pages(self->device, self->memfd, MEGABYTE / self->page + 1));
	EXPECT_EQ(0, my_buffers());
	EXPECT_EQ(0, my_bytes());
}

TEST_F(limits, a_lower_limit_leaves_buffers_alone)
{
	int buffer = create(self->device, self->memfd, 0, 2 * MEGABYTE);

	ASSERT_LE(0, buffer);
	ASSERT_EQ(0, write_number(USER_LIMIT, 1));
	EXPECT_EQ(-EDQUOT, create_pages(self->device, self->memfd, 1));
	EXPECT_EQ((off_t)(2 * MEGABYTE), lseek(buffer, 0, SEEK_END));
	EXPECT_EQ(2 * MEGABYTE, my_bytes());
	close(buffer);
	buffer = create_pages(self->device, self->memfd, 1);
	EXPECT_LE(0, buffer);
	close(buffer);
}

TEST_F(limits, a_page_that_is_in_a_buffer_twice_counts_twice)
{
	struct udmabuf_create_item parts[] = {
		{ .memfd = self->memfd, .size = 3 * self->page },
		{ .memfd = self->memfd, .size = 3 * self->page },
	};
	int buffer = create_list(self->device, parts, 2);

	ASSERT_LE(0, buffer);
	EXPECT_EQ(1, my_buffers());
	EXPECT_EQ((long long)(6 * self->page), my_bytes());
	close(buffer);
}

TEST_F(limits, a_refused_buffer_is_nobodys)
{
	struct udmabuf_create_item parts[] = {
		{ .memfd = self->memfd, .size = 4 * MEGABYTE },
		{ .memfd = self->device, .size = self->page },
	};

	EXPECT_EQ(-EBADFD, create_list(self->device, parts, 2));
	EXPECT_EQ(0, my_buffers());
	EXPECT_EQ(0, my_bytes());
}

TEST_F(limits, a_mapping_counts_until_it_is_gone)
{
	int buffer = create(self->device, self->memfd, 0, MEGABYTE);
	char *data = map_shared(buffer, MEGABYTE);

	ASSERT_NE(NULL, data);
	close(buffer);
	EXPECT_EQ(1, my_buffers());
	EXPECT_EQ(MEGABYTE, my_bytes());
	munmap(data, MEGABYTE);
	EXPECT_EQ(0, my_buffers());
}

#define OTHER_USER	54321

/* As another user: takes all that the limit allows, says so, and waits to be let go. */
static void be_another_user(int device, int memfd, int said, int wait)
{
	char word;

	if (setresuid(OTHER_USER, OTHER_USER, OTHER_USER) ||
	    create(device, memfd, 0, MEGABYTE) < 0 ||
	    create_pages(device, memfd, 1) != -EDQUOT || write(said, "", 1) != 1)
		_exit(1);
	_exit(read(wait, &word, 1) != 0);
}

TEST_F(limits, users_are_counted_each_for_himself)
{
	int said[2], wait[2], buffer, status;
	char word;
	pid_t pid;

	ASSERT_EQ(0, write_number(USER_LIMIT, 1));
	ASSERT_EQ(0, pipe2(said, O_CLOEXEC));
	ASSERT_EQ(0, pipe2(wait, O_CLOEXEC));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		close(wait[1]);
		be_another_user(self->device, self->memfd, said[1], wait[0]);
	}
	close(said[1]);
	ASSERT_EQ(1, read(said[0], &word, 1));
	EXPECT_EQ(1, udmabuf_usage(OTHER_USER).buffers);
	EXPECT_EQ(MEGABYTE, udmabuf_usage(OTHER_USER).bytes);
	EXPECT_EQ(0, my_buffers());
	buffer = create(self->device, self->memfd, 0, MEGABYTE);
	EXPECT_LE(0, buffer);
	EXPECT_EQ(1, my_buffers());

	close(wait[1]);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, udmabuf_usage(OTHER_USER).buffers);
	EXPECT_EQ(1, my_buffers());
	close(buffer);
}

/*
 * Several threads
 */

FIXTURE(crowd)
{
	int memfd;
	int buffer;
	long buffers_before;
};

FIXTURE_SETUP(crowd)
{
	char *data;

	if (LACKS(UDMABUF, UDMABUF_USERS))
		SKIP(return, "%s", lack);
	self->buffers_before = my_buffers();
	self->memfd = sealed_memfd(SMALL_PAGE_COUNT * page_size());
	ASSERT_LE(0, self->memfd);
	data = map_shared(self->memfd, SMALL_PAGE_COUNT * page_size());
	ASSERT_NE(NULL, data);
	number_pages(data, SMALL_PAGE_COUNT, 0);
	munmap(data, SMALL_PAGE_COUNT * page_size());
	self->buffer = udmabuf_create(self->memfd, SMALL_PAGE_COUNT * page_size());
	ASSERT_LE(0, self->buffer);
}

FIXTURE_TEARDOWN(crowd)
{
	close(self->buffer);
	EXPECT_EQ(self->buffers_before, my_buffers());
	EXPECT_TRUE(seal(self->memfd, F_SEAL_WRITE));
	close(self->memfd);
}

static int bracket(int buffer)
{
	return cpu_sync(buffer, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW) ?:
	       cpu_sync(buffer, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW);
}

/* Works on the memfd. */
static int create_and_close(struct worker *worker)
{
	size_t size = SMALL_PAGE_COUNT * page_size();
	int buffer = udmabuf_create(worker->buffer, size);
	char *data;
	int err;

	if (buffer < 0)
		return buffer;
	data = map_shared(buffer, size);
	err = bracket(buffer);
	if (!data || count_numbered(data, SMALL_PAGE_COUNT, 0) != SMALL_PAGE_COUNT)
		err = -EBADMSG;
	if (data)
		munmap(data, size);
	close(buffer);
	return err;
}

static int sync_buffer(struct worker *worker)
{
	return bracket(worker->buffer);
}

static int import_and_let_go(struct worker *worker)
{
	__u32 handle;

	return prime_import(worker->file, worker->buffer, &handle) ?:
	       prime_close(worker->file, handle);
}

TEST_F(crowd, buffers_of_one_file_come_and_go_and_are_synced)
{
	struct worker workers[] = {
		{ .work = create_and_close, .buffer = self->memfd },
		{ .work = create_and_close, .buffer = self->memfd },
		{ .work = sync_buffer, .buffer = self->buffer, .follows = true },
		{ .work = sync_buffer, .buffer = self->buffer, .follows = true },
	};

	EXPECT_EQ(0, run_workers(workers, ARRAY_SIZE(workers)));
}

TEST_F(crowd, a_buffer_is_synced_while_a_device_comes_and_goes)
{
	int drm = importer_open();
	struct worker workers[] = {
		{ .work = import_and_let_go, .buffer = self->buffer, .file = drm },
		{ .work = sync_buffer, .buffer = self->buffer, .follows = true },
		{ .work = sync_buffer, .buffer = self->buffer, .follows = true },
	};

	if (drm < 0)
		SKIP(return, "neither vgem nor vkms is there to import");
	EXPECT_EQ(0, run_workers(workers, ARRAY_SIZE(workers)));
	close(drm);
}

TEST_HARNESS_MAIN
