// SPDX-License-Identifier: GPL-2.0-only
/*
 * Buffers of memfds that no device has, and that devices could not have: what failed
 * once must not be used by what comes later.
 */
#include "../kselftest_harness.h"

#include "bufinfo.h"
#include "memory_helpers.h"
#include "prime.h"
#include "sweep.h"

#define PAGES	40

struct target {
	int buffer;
	int drm;
	/* A call failed that needs nothing of what had failed before. */
	bool spoiled;
};

FIXTURE(udmabuf_faults)
{
	struct target target;
	int fail_nth;
	int memfd;
};

FIXTURE_SETUP(udmabuf_faults)
{
	if (LACKS(UDMABUF, BUFINFO, FAIL_NTH, FAILSLAB))
		SKIP(return, "%s", lack);
	ASSERT_EQ(0, set_up_fault_injection());
	self->memfd = sealed_memfd(PAGES * page_size());
	ASSERT_LE(0, self->memfd);
	self->target.buffer = udmabuf_create(self->memfd, PAGES * page_size());
	ASSERT_LE(0, self->target.buffer);
	self->target.drm = importer_open();
	self->fail_nth = open(FAIL_NTH, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->fail_nth);
}

/* Nothing keeps the pages any more, so the file can be sealed. */
FIXTURE_TEARDOWN(udmabuf_faults)
{
	close(self->fail_nth);
	if (self->target.drm >= 0)
		close(self->target.drm);
	EXPECT_EQ(1, reference_count(self->target.buffer));
	close(self->target.buffer);
	EXPECT_TRUE(seal(self->memfd, F_SEAL_WRITE));
	close(self->memfd);
}

static int bracket(int buffer, __u64 direction)
{
	return cpu_sync(buffer, DMA_BUF_SYNC_START | direction) ?:
	       cpu_sync(buffer, DMA_BUF_SYNC_END | direction);
}

TEST_F(udmabuf_faults, a_bracket_needs_no_device)
{
	EXPECT_EQ(0, bracket(self->target.buffer, DMA_BUF_SYNC_READ));
	EXPECT_EQ(0, bracket(self->target.buffer, DMA_BUF_SYNC_WRITE));
	EXPECT_EQ(0, bracket(self->target.buffer, DMA_BUF_SYNC_RW));
}

static int call_bracket(struct target *target)
{
	return bracket(target->buffer, DMA_BUF_SYNC_RW);
}

/* Not even the first: so there is nothing of it that could be kept and be wrong. */
TEST_F(udmabuf_faults, a_bracket_needs_no_memory)
{
	static const struct sweep_call call = { .call = call_bracket };

	EXPECT_EQ(0, sweep(self->fail_nth, &self->target, &call));
}

static int call_import(struct target *target)
{
	__u32 handle;
	int err = prime_import(target->drm, target->buffer, &handle);

	if (!err)
		return handle;
	if (bracket(target->buffer, DMA_BUF_SYNC_RW) ||
	    prime_import(target->drm, target->buffer, &handle) ||
	    bracket(target->buffer, DMA_BUF_SYNC_RW) ||
	    prime_close(target->drm, handle))
		target->spoiled = true;
	return err;
}

static void undo_import(struct target *target, int handle)
{
	prime_close(target->drm, handle);
}

TEST_F(udmabuf_faults, a_mapping_that_failed_is_not_used_later)
{
	static const struct sweep_call call = { .call = call_import, .undo = undo_import };

	if (self->target.drm < 0)
		SKIP(return, "neither vgem nor vkms is there to import");
	EXPECT_LT(0, sweep(self->fail_nth, &self->target, &call));
	EXPECT_FALSE(self->target.spoiled);
}

TEST_HARNESS_MAIN
