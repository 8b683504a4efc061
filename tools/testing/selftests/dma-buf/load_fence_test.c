// SPDX-License-Identifier: GPL-2.0-only
/*
 * Great numbers of fences: of one timeline, in one buffer, in one sync file, in a chain.
 * LOAD_FENCES and LOAD_POINTS in the environment are other numbers, for machines with
 * less memory or less time.
 */
#include "../kselftest_harness.h"

#include "bufinfo.h"
#include "fence_helpers.h"
#include "load.h"
#include "syncobj.h"

static size_t count_signalled(const int *files, size_t count)
{
	size_t i, signalled = 0;

	for (i = 0; i < count; i++)
		signalled += has_signalled(files[i]);
	return signalled;
}

/* How many fences of jobs bufinfo shows, or -1. */
static long count_jobs(int buffer)
{
	struct bufinfo_buffer row;

	return bufinfo_find(inode_number(buffer), &row) || row.busy ? -1 : row.fences;
}

/*
 * One timeline
 */

FIXTURE(timeline)
{
	size_t count;
	int timeline;
	int buffer;
	/* The first signals at 1, the next at 2. */
	int *files;
};

FIXTURE_SETUP(timeline)
{
	size_t i;

	if (LACKS(BUFINFO, SYNC_INFO, SW_SYNC, SYSTEM_HEAP))
		SKIP(return, "%s", lack);
	self->count = number_from("LOAD_FENCES", 100000);
	ASSERT_EQ(0, allow_files(self->count));
	self->files = calloc(self->count, sizeof(*self->files));
	ASSERT_NE(NULL, self->files);
	self->buffer = heap_alloc(page_size());
	ASSERT_LE(0, self->buffer);
	self->timeline = create_timeline_named("crowded");
	ASSERT_LE(0, self->timeline);
	for (i = 0; i < self->count; i++) {
		self->files[i] = fence_create(self->timeline, i + 1);
		ASSERT_LE(0, self->files[i]);
	}
}

FIXTURE_TEARDOWN(timeline)
{
	free(self->files);
}

TEST_F_TIMEOUT(timeline, goes_over_its_fences_in_order, LONG_TIME)
{
	size_t half = self->count / 2;

	EXPECT_EQ(0U, count_signalled(self->files, self->count));
	ASSERT_EQ(0, timeline_advance(self->timeline, half));
	EXPECT_EQ(half, count_signalled(self->files, half));
	EXPECT_EQ(0U, count_signalled(self->files + half, self->count - half));
	ASSERT_EQ(0, timeline_advance(self->timeline, self->count - half));
	EXPECT_EQ(self->count, count_signalled(self->files, self->count));
	close_all(self->files, self->count);
	EXPECT_TRUE(wait_until_none_pending("crowded"));
}

/* It is enough to wait for the last one. */
TEST_F_TIMEOUT(timeline, has_one_fence_in_a_buffer, LONG_TIME)
{
	size_t i, added = 0;

	for (i = 0; i < self->count; i++)
		added += !import_sync_file(self->buffer, DMA_BUF_SYNC_WRITE, self->files[i]);
	EXPECT_EQ(self->count, added);
	EXPECT_EQ(1, count_jobs(self->buffer));
	ASSERT_EQ(0, timeline_advance(self->timeline, self->count - 1));
	EXPECT_EQ(0, ready_now(self->buffer, POLLIN));
	ASSERT_EQ(0, timeline_advance(self->timeline, 1));
	EXPECT_EQ(POLLIN, ready_now(self->buffer, POLLIN));
}

TEST_F_TIMEOUT(timeline, cancels_what_is_left_when_it_is_closed, LONG_TIME)
{
	size_t i, cancelled = 0;

	close(self->timeline);
	for (i = 0; i < self->count; i++)
		cancelled += read_status(self->files[i]) == -ENOENT;
	EXPECT_EQ(self->count, cancelled);
}

TEST_F_TIMEOUT(timeline, is_shown_with_all_its_fences, LONG_TIME)
{
	char *text = read_file(SYNC_INFO), *line = text;
	size_t shown = 0;

	ASSERT_NE(NULL, text);
	for (; (line = strstr(line, "\n  fence active: ")); line++)
		shown++;
	free(text);
	EXPECT_LE(self->count, shown);
}

/*
 * A timeline for each fence
 */

FIXTURE(contexts)
{
	size_t count;
	int buffer;
	int *timelines;
	/* Each signals at 1. */
	int *files;
};

FIXTURE_SETUP(contexts)
{
	size_t i;

	if (LACKS(BUFINFO, SW_SYNC, SYSTEM_HEAP))
		SKIP(return, "%s", lack);
	self->count = number_from("LOAD_FENCES", 100000);
	ASSERT_EQ(0, allow_files(2 * self->count));
	self->timelines = calloc(2 * self->count, sizeof(*self->timelines));
	ASSERT_NE(NULL, self->timelines);
	self->files = self->timelines + self->count;
	self->buffer = heap_alloc(page_size());
	ASSERT_LE(0, self->buffer);
	for (i = 0; i < self->count; i++) {
		self->timelines[i] = timeline_create();
		ASSERT_LE(0, self->timelines[i]);
		self->files[i] = fence_create(self->timelines[i], 1);
		ASSERT_LE(0, self->files[i]);
	}
}

FIXTURE_TEARDOWN(contexts)
{
	free(self->timelines);
}

/* How many could be moved on. */
static size_t advance_all(const int *timelines, size_t count)
{
	size_t i, advanced = 0;

	for (i = 0; i < count; i++)
		advanced += !timeline_advance(timelines[i], 1);
	return advanced;
}

/* A file that is ready when the last of all timelines has been moved on. */
static void expect_ready_with_the_last(struct __test_metadata *_metadata, int file,
				       const int *timelines, size_t count)
{
	EXPECT_EQ(0, ready_now(file, POLLIN));
	EXPECT_EQ(count - 1, advance_all(timelines + 1, count - 1));
	EXPECT_EQ(0, ready_now(file, POLLIN));
	EXPECT_EQ(1U, advance_all(timelines, 1));
	/* What waits for others may take a moment longer. */
	EXPECT_TRUE(is_ready(file, POLLIN, PATIENCE));
}

TEST_F_TIMEOUT(contexts, are_all_in_one_buffer, LONG_TIME)
{
	size_t i, added = 0;
	int all;

	for (i = 0; i < self->count; i++)
		added += !import_sync_file(self->buffer, DMA_BUF_SYNC_WRITE, self->files[i]);
	EXPECT_EQ(self->count, added);
	EXPECT_EQ((long)self->count, count_jobs(self->buffer));
	all = export_sync_file(self->buffer, DMA_BUF_SYNC_RW);
	ASSERT_LE(0, all);
	EXPECT_EQ((int)self->count, count_fences(all));
	expect_ready_with_the_last(_metadata, self->buffer, self->timelines, self->count);
	EXPECT_EQ(1, read_status(all));
}

/* Merges each two neighbours, until one is left; that one, or what the call returned. */
static int merge_all(int *files, size_t count)
{
	size_t i, half;

	for (; count > 1; count = half) {
		half = (count + 1) / 2;
		for (i = 0; i < count / 2; i++) {
			int merged = merge_sync_files(files[2 * i], files[2 * i + 1]);

			if (merged < 0)
				return merged;
			close(files[2 * i]);
			close(files[2 * i + 1]);
			files[i] = merged;
		}
		if (count % 2)
			files[i] = files[count - 1];
	}
	return files[0];
}

static size_t count_active(const struct sync_fence_info *fences, size_t count)
{
	size_t i, active = 0;

	for (i = 0; i < count; i++)
		active += !fences[i].status && !strcmp(fences[i].driver_name, "sw_sync");
	return active;
}

TEST_F_TIMEOUT(contexts, are_all_in_one_sync_file, LONG_TIME)
{
	struct sync_fence_info *fences = calloc(self->count, sizeof(*fences));
	struct sync_file_info info;
	int all = merge_all(self->files, self->count);

	ASSERT_NE(NULL, fences);
	ASSERT_LE(0, all);
	ASSERT_EQ(0, read_info(all, &info, fences, self->count));
	EXPECT_EQ(self->count, info.num_fences);
	EXPECT_EQ(self->count, count_active(fences, self->count));
	free(fences);
	ASSERT_EQ(0, import_sync_file(self->buffer, DMA_BUF_SYNC_READ, all));
	EXPECT_EQ((long)self->count, count_jobs(self->buffer));
	expect_ready_with_the_last(_metadata, all, self->timelines, self->count);
	EXPECT_EQ(POLLOUT, ready_now(self->buffer, POLLOUT));
}

/*
 * A chain
 */

/*
 * DRM walks the whole chain for each point that is added, so that a chain costs the
 * square of its length to make. There are those of 100,000 in KUnit.
 */
FIXTURE(chain)
{
	size_t count;
	int drm;
	__u32 timeline;
	int clock;
};

FIXTURE_SETUP(chain)
{
	size_t i;
	int file;

	if (LACKS(SW_SYNC))
		SKIP(return, "%s", lack);
	self->drm = syncobj_device_open();
	if (self->drm < 0)
		SKIP(return, "no render node with DRM_CAP_SYNCOBJ_TIMELINE");
	self->count = number_from("LOAD_POINTS", 4000);
	self->timeline = syncobj_create(self->drm, 0);
	ASSERT_NE(0U, self->timeline);
	self->clock = timeline_create();
	ASSERT_LE(0, self->clock);
	for (i = 1; i <= self->count; i++) {
		file = fence_create(self->clock, i);
		ASSERT_LE(0, file);
		ASSERT_EQ(0, timeline_add(self->drm, self->timeline, i, file));
		close(file);
	}
}

FIXTURE_TEARDOWN(chain)
{
	close(self->clock);
	close(self->drm);
}

TEST_F_TIMEOUT(chain, is_gone_through_point_by_point, LONG_TIME)
{
	__s64 half = self->count / 2, last = self->count;

	EXPECT_EQ(last, timeline_last(self->drm, self->timeline));
	EXPECT_EQ(0, timeline_query(self->drm, self->timeline));
	EXPECT_EQ(-ETIME, timeline_test(self->drm, self->timeline, 1));
	ASSERT_EQ(0, timeline_advance(self->clock, half));
	EXPECT_EQ(half, timeline_query(self->drm, self->timeline));
	EXPECT_EQ(0, timeline_test(self->drm, self->timeline, half));
	EXPECT_EQ(-ETIME, timeline_test(self->drm, self->timeline, half + 1));
	ASSERT_EQ(0, timeline_advance(self->clock, last - half));
	EXPECT_EQ(0, timeline_wait(self->drm, self->timeline, last, 0, after_ms(PATIENCE)));
	EXPECT_EQ(last, timeline_query(self->drm, self->timeline));
}

TEST_F_TIMEOUT(chain, can_be_dropped_as_it_is, LONG_TIME)
{
	EXPECT_EQ(0, syncobj_destroy(self->drm, self->timeline));
	ASSERT_EQ(0, timeline_advance(self->clock, self->count));
}

TEST_HARNESS_MAIN
