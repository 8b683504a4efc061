// SPDX-License-Identifier: GPL-2.0-only
/* Trace events: each step of a buffer's life raises one that names it. */
#include "../kselftest_harness.h"

#include "bufinfo.h"
#include "prime.h"

#define TRACING		"/sys/kernel/tracing"
#define INSTANCE	TRACING "/instances/dmabuf_test"
#define EVENTS		INSTANCE "/events/dma_buf"

static const char *const all_events[] = {
	"dma_buf_export", "dma_buf_fd", "dma_buf_get", "dma_buf_put",
	"dma_buf_release", "dma_buf_mmap", "dma_buf_mmap_internal",
	"dma_buf_dynamic_attach", "dma_buf_detach", "dma_buf_map", "dma_buf_unmap",
	"dma_buf_pin", "dma_buf_unpin", "dma_buf_move_notify",
	"dma_buf_begin_cpu_access", "dma_buf_end_cpu_access",
};

FIXTURE(trace)
{
	/* All that was raised, with a row an event. */
	char *log;
};

FIXTURE_SETUP(trace)
{
	if (LACKS(SYSTEM_HEAP, TRACING "/instances"))
		SKIP(return, "%s", lack);
	/* In an instance of its own, nobody else's trace is disturbed. */
	rmdir(INSTANCE);
	ASSERT_EQ(0, mkdir(INSTANCE, 0700));
	ASSERT_EQ(0, access(EVENTS, F_OK)) {
		rmdir(INSTANCE);
		TH_LOG("no events of system dma_buf");
	}
	ASSERT_EQ(0, write_file(EVENTS "/enable", "1"));
}

FIXTURE_TEARDOWN_PARENT(trace)
{
	write_file(EVENTS "/enable", "0");
	rmdir(INSTANCE);
}

/* From now on, what has been raised so far is in the log. */
static char *trace_stop(void)
{
	write_file(EVENTS "/enable", "0");
	return read_file(INSTANCE "/trace");
}

/* Is @key=@value among the words of an event? */
static bool has_field(const char *line, const char *key, unsigned long long value)
{
	char word[64];
	const char *found;
	size_t len;

	len = snprintf(word, sizeof(word), " %s=%llu", key, value);
	found = strstr(line, word);
	return found && (found[len] == ' ' || found[len] == '\0');
}

/*
 * How often @event was raised for a buffer. Each time it must have the buffer's
 * size, too: -1 if not.
 */
static int count_events(const char *log, const char *event,
			unsigned long long ino, size_t size)
{
	char *copy = strdup(log), *line, *rest = copy;
	char needle[64];
	int count = 0;

	snprintf(needle, sizeof(needle), " %s: ", event);
	while ((line = strsep(&rest, "\n"))) {
		if (!strstr(line, needle) || !has_field(line, "ino", ino))
			continue;
		if (!has_field(line, "size", size)) {
			ksft_print_msg("wrong size: %s\n", line);
			count = -1;
			break;
		}
		count++;
	}
	free(copy);
	return count;
}

/* The place of the first such event in the log; they must come in their order. */
static const char *first_event(const char *log, const char *event,
			       unsigned long long ino)
{
	char needle[64];
	const char *found = log;

	snprintf(needle, sizeof(needle), " %s: ", event);
	while ((found = strstr(found, needle))) {
		char *line = strndup(found, strcspn(found, "\n"));
		bool mine = line && has_field(line, "ino", ino);

		free(line);
		if (mine)
			return found;
		found++;
	}
	return NULL;
}

TEST_F(trace, every_event_is_there_with_size_and_inode_number)
{
	char path[128], *format;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(all_events); i++) {
		snprintf(path, sizeof(path), EVENTS "/%s/format", all_events[i]);
		format = read_file(path);
		ASSERT_NE(NULL, format) TH_LOG("no event %s", all_events[i]);
		EXPECT_NE(NULL, strstr(format, " size;")) TH_LOG("%s", all_events[i]);
		EXPECT_NE(NULL, strstr(format, " ino;")) TH_LOG("%s", all_events[i]);
		free(format);
	}
}

TEST_F(trace, a_buffers_life_is_told_from_export_to_release)
{
	size_t size = 2 * page_size();
	int buffer = heap_alloc(size);
	unsigned long long ino = inode_number(buffer);
	char *log;

	ASSERT_LE(0, buffer);
	close(buffer);
	log = trace_stop();
	ASSERT_NE(NULL, log);
	EXPECT_EQ(1, count_events(log, "dma_buf_export", ino, size));
	EXPECT_EQ(1, count_events(log, "dma_buf_release", ino, size));
	EXPECT_LT(first_event(log, "dma_buf_export", ino),
		  first_event(log, "dma_buf_release", ino));
	free(log);
}

TEST_F(trace, the_fd_is_told)
{
	int memfd, buffer;
	const char *event;
	char *log;

	/* Heaps may see to the fd themselves. */
	if (LACKS(UDMABUF))
		SKIP(return, "%s", lack);
	memfd = sealed_memfd(page_size());
	ASSERT_LE(0, memfd);
	buffer = udmabuf_create(memfd, page_size());
	ASSERT_LE(0, buffer);
	log = trace_stop();
	ASSERT_NE(NULL, log);
	EXPECT_EQ(1, count_events(log, "dma_buf_fd", inode_number(buffer), page_size()));
	event = first_event(log, "dma_buf_fd", inode_number(buffer));
	ASSERT_NE(NULL, event);
	EXPECT_EQ(buffer, atoi(strstr(event, " fd=") + 4));
	free(log);
	close(buffer);
	close(memfd);
}

TEST_F(trace, each_end_of_a_bracket_is_told_with_its_direction)
{
	static const char *const directions[] = {
		"dir=from-device", "dir=to-device", "dir=bidirectional",
	};
	int buffer = heap_alloc(page_size());
	unsigned long long ino = inode_number(buffer);
	const char *begin, *end;
	__u64 direction;
	char *log;

	ASSERT_LE(0, buffer);
	for (direction = DMA_BUF_SYNC_READ; direction <= DMA_BUF_SYNC_RW; direction++) {
		ASSERT_EQ(0, cpu_sync(buffer, DMA_BUF_SYNC_START | direction));
		ASSERT_EQ(0, cpu_sync(buffer, DMA_BUF_SYNC_END | direction));
	}
	log = trace_stop();
	ASSERT_NE(NULL, log);
	EXPECT_EQ(3, count_events(log, "dma_buf_begin_cpu_access", ino, page_size()));
	EXPECT_EQ(3, count_events(log, "dma_buf_end_cpu_access", ino, page_size()));
	for (begin = end = log, direction = 0; direction < 3; direction++) {
		begin = first_event(begin + 1, "dma_buf_begin_cpu_access", ino);
		end = first_event(end + 1, "dma_buf_end_cpu_access", ino);
		ASSERT_NE(NULL, begin);
		ASSERT_LT(begin, end);
		EXPECT_NE(NULL, memmem(begin, strcspn(begin, "\n"), directions[direction],
				       strlen(directions[direction])));
		EXPECT_NE(NULL, memmem(end, strcspn(end, "\n"), directions[direction],
				       strlen(directions[direction])));
	}
	free(log);
	close(buffer);
}

TEST_F(trace, a_refused_bracket_is_not_told)
{
	int buffer = heap_alloc(page_size());
	unsigned long long ino = inode_number(buffer);
	char *log;

	ASSERT_LE(0, buffer);
	ASSERT_EQ(-EINVAL, cpu_sync(buffer, DMA_BUF_SYNC_START));
	log = trace_stop();
	ASSERT_NE(NULL, log);
	EXPECT_EQ(0, count_events(log, "dma_buf_begin_cpu_access", ino, page_size()));
	free(log);
	close(buffer);
}

TEST_F(trace, a_mapping_is_told_and_a_refused_one_is_not)
{
	int buffer = heap_alloc(page_size());
	unsigned long long ino = inode_number(buffer);
	void *data;
	char *log;

	ASSERT_LE(0, buffer);
	data = mmap(NULL, page_size(), PROT_READ, MAP_SHARED, buffer, 0);
	ASSERT_NE(MAP_FAILED, data);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, 2 * page_size(), PROT_READ, MAP_SHARED, buffer, 0));
	munmap(data, page_size());
	log = trace_stop();
	ASSERT_NE(NULL, log);
	EXPECT_EQ(1, count_events(log, "dma_buf_mmap_internal", ino, page_size()));
	free(log);
	close(buffer);
}

TEST_F(trace, an_importers_use_is_told_with_its_device)
{
	static const char *const steps[] = {
		"dma_buf_get", "dma_buf_dynamic_attach", "dma_buf_map",
		"dma_buf_unmap", "dma_buf_detach",
	};
	int drm = importer_open(), buffer = heap_alloc(page_size());
	unsigned long long ino = inode_number(buffer);
	const char *event, *before = NULL;
	char device[64], word[80], *log;
	__u32 handle;
	size_t i;

	if (drm < 0)
		SKIP(return, "neither vgem nor vkms is there to import");
	ASSERT_LE(0, buffer);
	ASSERT_EQ(0, importer_device(drm, device, sizeof(device)));
	snprintf(word, sizeof(word), " dev=%s ", device);
	ASSERT_EQ(0, prime_import(drm, buffer, &handle));
	ASSERT_EQ(0, prime_close(drm, handle));
	log = trace_stop();
	ASSERT_NE(NULL, log);

	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		EXPECT_EQ(1, count_events(log, steps[i], ino, page_size()))
			TH_LOG("%s", steps[i]);
		event = first_event(log, steps[i], ino);
		ASSERT_NE(NULL, event);
		EXPECT_LT(before, event) TH_LOG("%s", steps[i]);
		if (i)
			EXPECT_NE(NULL, memmem(event, strcspn(event, "\n"), word,
					       strlen(word)))
				TH_LOG("%s without its device", steps[i]);
		before = event;
	}
	/* A reference goes for each that came; the order is the driver's. */
	EXPECT_LT(0, count_events(log, "dma_buf_put", ino, page_size()));
	free(log);
	close(buffer);
	close(drm);
}

TEST_HARNESS_MAIN
