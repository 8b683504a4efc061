// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contiguous memory: every allocation that making such a buffer takes fails once, in
 * turn, and no pages are lost. The buffer is most of the area, so that the next one
 * could not be made.
 */
#include "../kselftest_harness.h"

#include "bufinfo.h"
#include "memory_helpers.h"
#include "sweep.h"

struct target {
	int heap;
	size_t size;
};

FIXTURE(contiguous)
{
	struct target target;
	int fail_nth;
};

FIXTURE_SETUP(contiguous)
{
	long long kib = number_behind("/proc/meminfo", "CmaTotal");

	if (LACKS(CMA_HEAP, BUFINFO, FAIL_NTH, FAILSLAB))
		SKIP(return, "%s", lack);
	ASSERT_EQ(0, set_up_fault_injection());
	self->target.heap = open(CMA_HEAP, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, self->target.heap);
	ASSERT_LT(0, kib);
	self->target.size = kib * 1024 / 8 * 5;
	self->fail_nth = open(FAIL_NTH, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->fail_nth);
}

FIXTURE_TEARDOWN(contiguous)
{
	close(self->fail_nth);
	close(self->target.heap);
}

static int call_alloc(struct target *target)
{
	return heap_alloc_from(target->heap, target->size, O_RDWR | O_CLOEXEC);
}

static void undo_close(struct target *target, int result)
{
	close(result);
}

TEST_F(contiguous, an_allocation_that_fails_gives_all_pages_back)
{
	static const struct sweep_call call = { .call = call_alloc, .undo = undo_close };

	/* The buffer's structure, its list of ranges, its inode and its file. */
	EXPECT_LE(4, sweep(self->fail_nth, &self->target, &call));
}

TEST_HARNESS_MAIN
