// SPDX-License-Identifier: GPL-2.0-only
/*
 * What lockdep knows. The subsystem teaches it at boot which locks nest in which, so
 * that it finds a driver that waits for a fence where it must not, without somebody
 * having to be in the way. If it were taught nothing, nobody would notice.
 */
#include "../kselftest_harness.h"

#include "fence_helpers.h"

#define LOCKDEP		"/proc/lockdep"
#define LOCKDEP_STATS	"/proc/lockdep_stats"

#define INVALIDATING	"mmu_notifier_invalidate_range_start"
#define SIGNALLING	"dma_fence_signalling"

FIXTURE(lock_order)
{
	char *classes;
};

/* A kernel that has seen a lock taken wrongly looks at none any more. */
static bool lockdep_looks(void)
{
	char *stats = read_file(LOCKDEP_STATS);
	char *line = stats ? strstr(stats, "debug_locks:") : NULL;
	bool looks = line && strtol(line + strlen("debug_locks:"), NULL, 10) == 1;

	free(stats);
	return looks;
}

/* Polled before, so that there is somebody to tell. */
static int signal_a_fence(void)
{
	int timeline = timeline_create();
	int fence = fence_create(timeline, 1);
	int err = ready_now(fence, POLLIN) ?: timeline_advance(timeline, 1);

	close(fence);
	close(timeline);
	return err;
}

FIXTURE_SETUP(lock_order)
{
	if (LACKS(SW_SYNC, LOCKDEP, LOCKDEP_STATS))
		SKIP(return, "%s", lack);
	if (!lockdep_looks())
		SKIP(return, "lockdep has turned itself off");
	ASSERT_EQ(0, signal_a_fence());
	self->classes = read_file(LOCKDEP);
	ASSERT_NE(NULL, self->classes);
	/* CONFIG_LOCKDEP without CONFIG_PROVE_LOCKING has classes, but no order. */
	if (!strstr(self->classes, "\n -> ["))
		SKIP(return, "locks have no order without CONFIG_PROVE_LOCKING");
}

FIXTURE_TEARDOWN(lock_order)
{
	free(self->classes);
}

/* Classes of the same name are told apart by a # and a number. */
static bool is_named(const char *at, const char *name)
{
	size_t len = strlen(name);

	return !strncmp(at, name, len) && (at[len] == '\n' || at[len] == '#');
}

/* The line "... BD: 1 ....: NAME" of a class, the first from @text on, or NULL. */
static const char *find_class(const char *text, const char *name)
{
	const char *line = text;

	for (; line && *line; line = strchrnul(line, '\n'), line += !!*line) {
		const char *end = strchrnul(line, '\n');
		const char *at = memmem(line, end - line, " BD:", strlen(" BD:"));
		const char *colon;

		if (!at)
			continue;
		at += strlen(" BD:");
		colon = memmem(at, end - at, ": ", 2);
		if (colon && is_named(colon + 2, name))
			return line;
	}
	return NULL;
}

/* Has a lock of the class at @line been held as one called @name was taken? */
static bool class_precedes(const char *line, const char *name)
{
	const char *at;

	for (line = strchr(line, '\n'); line && !strncmp(line, "\n -> [", 6);
	     line = strchr(line + 1, '\n')) {
		at = strstr(line, "] ");
		if (at && is_named(at + 2, name))
			return true;
	}
	return false;
}

/* Directly, that is with no other between the two. */
static bool precedes(const char *classes, const char *first, const char *second)
{
	const char *line = find_class(classes, first);

	for (; line; line = find_class(strchrnul(line, '\n'), first))
		if (class_precedes(line, second))
			return true;
	return false;
}

TEST_F(lock_order, a_buffer_is_locked_under_the_mmap_lock)
{
	EXPECT_TRUE(precedes(self->classes, "&mm->mmap_lock", "reservation_ww_class_acquire"));
	EXPECT_TRUE(precedes(self->classes, "reservation_ww_class_acquire",
			     "reservation_ww_class_mutex"));
}

TEST_F(lock_order, memory_is_allocated_while_a_buffer_is_locked)
{
	EXPECT_TRUE(precedes(self->classes, "reservation_ww_class_mutex", "fs_reclaim"));
}

TEST_F(lock_order, whoever_frees_memory_waits_for_fences)
{
	const char *last = "fs_reclaim";

	if (find_class(self->classes, INVALIDATING)) {
		EXPECT_TRUE(precedes(self->classes, last, INVALIDATING));
		last = INVALIDATING;
	}
	EXPECT_TRUE(precedes(self->classes, last, SIGNALLING));
}

TEST_F(lock_order, a_fence_is_locked_in_a_signalling_section)
{
	EXPECT_TRUE(precedes(self->classes, SIGNALLING, "&fence->lock"));
}

/* Or else nobody could signal with a lock that is also held while waiting. */
TEST_F(lock_order, a_signalling_section_does_not_wait_for_a_fence)
{
	ASSERT_NE(NULL, find_class(self->classes, "&timeline->advance"));
	EXPECT_FALSE(precedes(self->classes, "&timeline->advance", SIGNALLING));
}

TEST_HARNESS_MAIN
