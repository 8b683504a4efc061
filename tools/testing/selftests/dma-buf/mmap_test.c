// SPDX-License-Identifier: GPL-2.0-only
/* Mappings: their bounds, and whose bytes they show. */
#include "../kselftest_harness.h"

#include "bufinfo.h"

#define PAGES 4

FIXTURE(mapping)
{
	size_t page;
	size_t size;
	int buffer;
};

FIXTURE_SETUP(mapping)
{
	if (LACKS(SYSTEM_HEAP, BUFINFO))
		SKIP(return, "%s", lack);
	self->page = page_size();
	self->size = PAGES * self->page;
	self->buffer = heap_alloc(self->size);
	ASSERT_LE(0, self->buffer);
}

FIXTURE_TEARDOWN(mapping)
{
	close(self->buffer);
}

/* 0, or the error that mapping ended with; the mapping is gone again. */
static int try_to_map(int fd, size_t length, int prot, off_t offset)
{
	void *data = mmap(NULL, length, prot, MAP_SHARED, fd, offset);

	if (data == MAP_FAILED)
		return -errno;
	munmap(data, length);
	return 0;
}

static char *map_all(int fd, size_t size)
{
	char *data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return data == MAP_FAILED ? NULL : data;
}

TEST_F(mapping, each_part_of_the_buffer_can_be_mapped)
{
	size_t first, count;

	for (first = 0; first < PAGES; first++)
		for (count = 1; first + count <= PAGES; count++)
			EXPECT_EQ(0, try_to_map(self->buffer, count * self->page,
						PROT_READ | PROT_WRITE, first * self->page));
}

TEST_F(mapping, nothing_past_the_end_can_be_mapped)
{
	size_t first;

	for (first = 0; first <= PAGES + 1; first++)
		EXPECT_EQ(-EINVAL, try_to_map(self->buffer,
					      first > PAGES ? self->page :
					      (PAGES - first + 1) * self->page,
					      PROT_READ, first * self->page));
	EXPECT_EQ(-EINVAL, try_to_map(self->buffer, 1 << 30, PROT_READ, 0));
}

TEST_F(mapping, a_length_that_is_no_multiple_of_the_page_is_rounded_up)
{
	EXPECT_EQ(0, try_to_map(self->buffer, 1, PROT_READ, 0));
	EXPECT_EQ(0, try_to_map(self->buffer, self->size - 1, PROT_READ, 0));
	EXPECT_EQ(-EINVAL, try_to_map(self->buffer, self->size + 1, PROT_READ, 0));
}

TEST_F(mapping, offsets_that_overflow_are_refused)
{
	static const __u64 offsets[] = {
		1ULL << 31, 1ULL << 32, 1ULL << 43, 1ULL << 44, 1ULL << 62, 1ULL << 63,
		-(1ULL << 32),
	};
	size_t i;
	int err;

	for (i = 0; i < ARRAY_SIZE(offsets); i++) {
		err = try_to_map(self->buffer, self->page, PROT_READ, offsets[i]);
		/* The memory management or the C library may notice first. */
		EXPECT_TRUE(err == -EINVAL || err == -EOVERFLOW)
			TH_LOG("offset %llx gave %d", (unsigned long long)offsets[i], err);
	}
	/* The page number plus the length is 0 again in as many bits. */
	for (i = 1; i <= PAGES; i++) {
		err = try_to_map(self->buffer, i * self->page, PROT_READ,
				 -(off_t)(i * self->page));
		EXPECT_TRUE(err == -EINVAL || err == -EOVERFLOW)
			TH_LOG("%zu pages gave %d", i, err);
	}
}

TEST_F(mapping, an_offset_inside_a_page_is_refused)
{
	EXPECT_EQ(-EINVAL, try_to_map(self->buffer, self->page, PROT_READ, 1));
}

TEST_F(mapping, no_bytes_cannot_be_mapped)
{
	EXPECT_EQ(-EINVAL, try_to_map(self->buffer, 0, PROT_READ, 0));
}

TEST_F(mapping, a_refused_mapping_takes_no_reference)
{
	int i;

	for (i = 0; i < 10; i++)
		EXPECT_EQ(-EINVAL, try_to_map(self->buffer, self->size + 1, PROT_READ, 0));
	EXPECT_EQ(1, reference_count(self->buffer));
}

TEST_F(mapping, a_read_only_fd_gives_no_writable_mapping)
{
	int buffer = heap_alloc_flags(self->size, O_RDONLY);
	void *data;

	ASSERT_LE(0, buffer);
	EXPECT_EQ(-EACCES, try_to_map(buffer, self->size, PROT_READ | PROT_WRITE, 0));
	data = mmap(NULL, self->size, PROT_READ, MAP_SHARED, buffer, 0);
	ASSERT_NE(MAP_FAILED, data);
	EXPECT_EQ(-1, mprotect(data, self->size, PROT_READ | PROT_WRITE));
	EXPECT_EQ(EACCES, errno);
	munmap(data, self->size);
	close(buffer);
}

TEST_F(mapping, a_write_only_fd_gives_no_mapping)
{
	int buffer = heap_alloc_flags(self->size, O_WRONLY);

	ASSERT_LE(0, buffer);
	EXPECT_EQ(-EACCES, try_to_map(buffer, self->size, PROT_READ, 0));
	EXPECT_EQ(-EACCES, try_to_map(buffer, self->size, PROT_WRITE, 0));
	close(buffer);
}

TEST_F(mapping, a_mapping_without_access_can_be_opened_up_later)
{
	char *data = mmap(NULL, self->size, PROT_NONE, MAP_SHARED, self->buffer, 0);

	ASSERT_NE(MAP_FAILED, data);
	ASSERT_EQ(0, mprotect(data, self->size, PROT_READ));
	EXPECT_EQ(0, data[self->size - 1]);
	ASSERT_EQ(0, mprotect(data, self->size, PROT_READ | PROT_WRITE));
	data[0] = 1;
	EXPECT_EQ(1, data[0]);
	munmap(data, self->size);
}

TEST_F_SIGNAL(mapping, writing_through_a_read_only_mapping_faults, SIGSEGV)
{
	char *data = mmap(NULL, self->size, PROT_READ, MAP_SHARED, self->buffer, 0);

	ASSERT_NE(MAP_FAILED, data);
	data[0] = 1;
}

TEST_F(mapping, two_mappings_show_the_same_bytes)
{
	char *a = map_all(self->buffer, self->size);
	char *b = map_all(self->buffer, self->size);
	size_t i;

	ASSERT_NE(NULL, a);
	ASSERT_NE(NULL, b);
	for (i = 0; i < self->size; i++)
		a[i] = i * 7;
	EXPECT_EQ(0, memcmp(a, b, self->size));
	b[self->size - 1] = 1;
	EXPECT_EQ(1, a[self->size - 1]);
	munmap(a, self->size);
	munmap(b, self->size);
}

TEST_F(mapping, an_offset_selects_the_page)
{
	char *all = map_all(self->buffer, self->size);
	size_t i;

	ASSERT_NE(NULL, all);
	for (i = 0; i < PAGES; i++)
		all[i * self->page] = 'a' + i;
	for (i = 0; i < PAGES; i++) {
		char *part = mmap(NULL, self->page, PROT_READ, MAP_SHARED,
				  self->buffer, i * self->page);

		ASSERT_NE(MAP_FAILED, part);
		EXPECT_EQ('a' + (int)i, part[0]);
		munmap(part, self->page);
	}
	munmap(all, self->size);
}

TEST_F(mapping, a_fresh_buffer_is_zeroed)
{
	char *data = map_all(self->buffer, self->size);
	size_t i;

	ASSERT_NE(NULL, data);
	for (i = 0; i < self->size && !data[i]; i++)
		;
	EXPECT_EQ(self->size, i);
	munmap(data, self->size);
}

TEST_F(mapping, two_buffers_share_no_bytes)
{
	char *mine = map_all(self->buffer, self->size);
	int other = heap_alloc(self->size);
	char *theirs = map_all(other, self->size);

	ASSERT_NE(NULL, mine);
	ASSERT_NE(NULL, theirs);
	memset(mine, 1, self->size);
	memset(theirs, 2, self->size);
	EXPECT_EQ(1, mine[0]);
	EXPECT_EQ(1, mine[self->size - 1]);
	munmap(mine, self->size);
	munmap(theirs, self->size);
	close(other);
}

TEST_F(mapping, a_forked_process_writes_into_the_same_bytes)
{
	char *data = map_all(self->buffer, self->size);
	int status;
	pid_t pid;

	ASSERT_NE(NULL, data);
	memcpy(data, "from the parent", sizeof("from the parent"));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		int differs = strcmp(data, "from the parent");

		memcpy(data + self->page, "from the child", sizeof("from the child"));
		_exit(!!differs);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_STREQ("from the child", data + self->page);
	munmap(data, self->size);
}

TEST_F(mapping, a_mapping_keeps_a_buffer_without_fds_alive)
{
	unsigned long long ino = inode_number(self->buffer);
	char *data = map_all(self->buffer, self->size);
	struct bufinfo_buffer row;

	ASSERT_NE(NULL, data);
	close(self->buffer);
	self->buffer = -1;
	ASSERT_EQ(0, bufinfo_find(ino, &row));
	EXPECT_EQ(1, row.count);
	memset(data, 3, self->size);
	EXPECT_EQ(3, data[self->size - 1]);
	munmap(data, self->size);
	EXPECT_TRUE(wait_until_gone(ino));
}

TEST_F(mapping, a_mapping_can_be_moved)
{
	char *data = map_all(self->buffer, self->size);
	char *moved;

	ASSERT_NE(NULL, data);
	memcpy(data + self->page, "here", sizeof("here"));
	moved = mremap(data, self->size, self->size, MREMAP_MAYMOVE | MREMAP_FIXED,
		       data + 64 * self->page);
	ASSERT_NE(MAP_FAILED, moved);
	EXPECT_STREQ("here", moved + self->page);
	munmap(moved, self->size);
	EXPECT_EQ(1, reference_count(self->buffer));
}

TEST_F(mapping, a_buffer_made_of_a_memfd_shows_its_bytes)
{
	char *file, *data;
	int memfd, buffer;

	if (LACKS(UDMABUF))
		SKIP(return, "%s", lack);
	memfd = sealed_memfd(self->size);
	ASSERT_LE(0, memfd);
	buffer = udmabuf_create(memfd, self->size);
	ASSERT_LE(0, buffer);

	file = map_all(memfd, self->size);
	data = map_all(buffer, self->size);
	ASSERT_NE(NULL, file);
	ASSERT_NE(NULL, data);
	memcpy(file, "file", sizeof("file"));
	EXPECT_STREQ("file", data);
	memcpy(data + 2 * self->page, "buffer", sizeof("buffer"));
	EXPECT_STREQ("buffer", file + 2 * self->page);
	EXPECT_EQ(-EINVAL, try_to_map(buffer, self->page, PROT_READ, self->size));

	munmap(file, self->size);
	munmap(data, self->size);
	close(buffer);
	close(memfd);
}

TEST_HARNESS_MAIN
