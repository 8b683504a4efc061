/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory that buffers are made of: where it comes from, and what is in it. */
#ifndef MEMORY_HELPERS_H
#define MEMORY_HELPERS_H

#include <linux/memfd.h>

#include "dmabuf_helpers.h"

#define CMA_HEAP		"/dev/dma_heap/default_cma_region"
#define HEAP_STATS		"/sys/kernel/debug/dma_heap/%s/stats"
#define UDMABUF_USERS		"/sys/kernel/debug/udmabuf/users"

#define HUGE_PAGE		(2UL << 20)
#define HUGETLB			"/sys/kernel/mm/hugepages/hugepages-%zukB/%s"
#define SHMEM_ENABLED		"/sys/kernel/mm/transparent_hugepage/shmem_enabled"

/*
 * Numbers that the kernel shows, and takes
 */

/* The number that a file begins with, or -1. */
static inline long long number_in(const char *path)
{
	char *text = read_file(path);
	long long number = -1;

	if (text)
		sscanf(text, "%lld", &number);
	free(text);
	return number;
}

static inline int write_number(const char *path, long long number)
{
	char text[32];

	snprintf(text, sizeof(text), "%lld", number);
	return write_file(path, text);
}

/*
 * DMA_API_DEBUG warns when a device has more than seven mappings of a page. It can't tell
 * those of one importer from those of another, and a buffer can have a page many times.
 */
static inline bool mappings_are_counted(void)
{
	char *text = read_file("/sys/kernel/debug/dma-api/disabled");
	bool counted = text && *text == 'N';

	free(text);
	return counted;
}

/* The number behind "KEY:" at the start of a line, or -1. */
static inline long long number_behind(const char *path, const char *key)
{
	char *text = read_file(path), *line = text;
	size_t len = strlen(key);
	long long number = -1;

	while (line && (strncmp(line, key, len) || line[len] != ':')) {
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	if (line)
		sscanf(line + len + 1, "%lld", &number);
	free(text);
	return number;
}

static inline long long heap_stat(const char *heap, const char *key)
{
	char path[128];

	snprintf(path, sizeof(path), HEAP_STATS, heap);
	return number_behind(path, key);
}

/* What udmabuf says that a user has; nothing if it doesn't know the user. */
struct udmabuf_usage {
	long buffers;
	long long bytes;
};

static inline struct udmabuf_usage udmabuf_usage(uid_t uid)
{
	char *text = read_file(UDMABUF_USERS), *line = text;
	struct udmabuf_usage usage = {}, none = {};
	bool found = false;
	unsigned int id;

	/* The first line is a heading. */
	while (line && !found && (line = strchr(line, '\n')))
		found = sscanf(++line, "%u %ld %lld", &id, &usage.buffers,
			       &usage.bytes) == 3 && id == uid;
	free(text);
	return found ? usage : none;
}

/*
 * Settings of the whole system that a test changes for a while
 */

/* What there is of huge pages of @page bytes, or -1. */
static inline long long huge_pages_number(size_t page, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), HUGETLB, page >> 10, name);
	return number_in(path);
}

static inline long long huge_pages_available(size_t page)
{
	return huge_pages_number(page, "free_hugepages") -
	       huge_pages_number(page, "resv_hugepages");
}

static inline int huge_pages_set(size_t page, long long count)
{
	char path[128];

	snprintf(path, sizeof(path), HUGETLB, page >> 10, "nr_hugepages");
	return write_number(path, count);
}

static inline void huge_pages_restore(size_t page, long long before)
{
	if (before >= 0)
		huge_pages_set(page, before);
}

/*
 * Has @count huge pages of @page bytes that nobody uses. Returns how many there
 * were, or -1.
 */
static inline long long huge_pages_add(size_t page, unsigned int count)
{
	long long before = huge_pages_number(page, "nr_hugepages");

	if (before < 0 || huge_pages_available(page) >= count)
		return before;
	if (!huge_pages_set(page, before + count) && huge_pages_available(page) >= count)
		return before;
	huge_pages_restore(page, before);
	return -1;
}

/* Has shmem use huge pages. @before gets the word for what it did, or "". */
static inline bool shmem_huge_force(char *before, size_t room)
{
	char *text = read_file(SHMEM_ENABLED), *word = text;

	*before = '\0';
	word = word ? strchr(word, '[') : NULL;
	if (word && !write_file(SHMEM_ENABLED, "force"))
		snprintf(before, room, "%.*s", (int)strcspn(word + 1, "]"), word + 1);
	free(text);
	return *before;
}

static inline void shmem_huge_restore(const char *before)
{
	if (*before)
		write_file(SHMEM_ENABLED, before);
}

/* From now on no fd can be opened; setrlimit() to @before ends that. */
static inline int forbid_new_fds(struct rlimit *before)
{
	int lowest = dup(STDIN_FILENO);
	struct rlimit limit;

	if (lowest < 0 || getrlimit(RLIMIT_NOFILE, before))
		return -errno;
	close(lowest);
	limit = *before;
	limit.rlim_cur = lowest;
	return setrlimit(RLIMIT_NOFILE, &limit) ? -errno : 0;
}

/*
 * Memory
 */

static inline bool seal(int memfd, int seals)
{
	return !fcntl(memfd, F_ADD_SEALS, seals);
}

/*
 * Pages of hugetlb must be set aside for a file, which mapping it does: what takes
 * one that wasn't may be short of it elsewhere.
 */
static inline int hugetlb_memfd(size_t page, size_t size)
{
	int memfd = memfd_create("huge pages", MFD_ALLOW_SEALING | MFD_CLOEXEC |
				 MFD_HUGETLB | __builtin_ctzl(page) << MFD_HUGE_SHIFT);
	void *data = MAP_FAILED;

	if (memfd < 0)
		return -errno;
	size = (size + page - 1) & -page;
	if (!ftruncate(memfd, size) && seal(memfd, F_SEAL_SHRINK))
		data = mmap(NULL, size, PROT_READ, MAP_SHARED, memfd, 0);
	if (data == MAP_FAILED) {
		close(memfd);
		return -ENOMEM;
	}
	munmap(data, size);
	return memfd;
}

/* A mapping, or NULL; with huge entries where the buffer has huge pages. */
static inline char *map_part(int fd, size_t size, int flags, off_t offset)
{
	char *data = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, offset);

	if (data == MAP_FAILED)
		return NULL;
	/* Not all releases of Linux 6.12 give them to those who do not ask. */
	madvise(data, size, MADV_HUGEPAGE);
	return data;
}

static inline char *map_shared(int fd, size_t size)
{
	return map_part(fd, size, MAP_SHARED, 0);
}

/* Addresses where nothing is. */
static inline char *reserve_addresses(void *place, size_t size)
{
	char *data = mmap(place, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS |
			  MAP_NORESERVE | (place ? MAP_FIXED : 0), -1, 0);

	return data == MAP_FAILED ? NULL : data;
}

/* Has the kernel read memory: 0, or -EFAULT where a program would get a signal. */
static inline int peek(const void *from, void *to, size_t size)
{
	int ends[2], err = 0;

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	if (write(ends[1], from, size) < 0)
		err = -errno;
	else if (read(ends[0], to, size) != (ssize_t)size)
		err = -EIO;
	close(ends[0]);
	close(ends[1]);
	return err;
}

/* Has it write. */
static inline int poke(void *to, const void *from, size_t size)
{
	int ends[2], err = 0;

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	if (write(ends[1], from, size) != (ssize_t)size)
		err = -EIO;
	else if (read(ends[0], to, size) < 0)
		err = -errno;
	close(ends[0]);
	close(ends[1]);
	return err;
}

/*
 * Content
 */

/* The first and the last word of a page tell which one it is. */
static inline void number_page(char *page, __u64 number)
{
	volatile __u64 *words = (volatile __u64 *)page;

	words[0] = number;
	words[page_size() / sizeof(*words) - 1] = number;
}

static inline bool page_has_number(const char *page, __u64 number)
{
	const volatile __u64 *words = (const volatile __u64 *)page;

	return words[0] == number &&
	       words[page_size() / sizeof(*words) - 1] == number;
}

static inline void number_pages(char *data, size_t count, __u64 first)
{
	size_t i;

	for (i = 0; i < count; i++)
		number_page(data + i * page_size(), first + i);
}

/* How many pages there are until one hasn't the number that it should have. */
static inline size_t count_numbered(const char *data, size_t count, __u64 first)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (!page_has_number(data + i * page_size(), first + i))
			break;
	}
	return i;
}

static inline bool is_zero(const char *data, size_t size)
{
	const __u64 *words = (const __u64 *)data;
	size_t i;

	for (i = 0; i < size / sizeof(*words); i++) {
		if (words[i])
			return false;
	}
	return true;
}

/* Words of which none is 0, and no two of a buffer are the same. */
static inline __u64 pattern_word(__u64 seed, size_t i)
{
	return (seed << 40 | i) * 2 + 1;
}

static inline void fill_pattern(char *data, size_t size, __u64 seed)
{
	__u64 *words = (__u64 *)data;
	size_t i;

	for (i = 0; i < size / sizeof(*words); i++)
		words[i] = pattern_word(seed, i);
}

static inline bool has_pattern(const char *data, size_t size, __u64 seed)
{
	const __u64 *words = (const __u64 *)data;
	size_t i;

	for (i = 0; i < size / sizeof(*words); i++) {
		if (words[i] != pattern_word(seed, i))
			return false;
	}
	return true;
}

#endif
