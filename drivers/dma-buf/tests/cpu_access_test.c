// SPDX-License-Identifier: GPL-2.0-only
/*
 * Brackets of CPU access: what the exporter is asked to do, in what order, and
 * whose fences are waited for.
 */
#include "mock.h"

static void brackets_reach_the_exporter(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_static_ops);
	struct dma_buf *dmabuf = buffer->dmabuf;

	KUNIT_EXPECT_EQ(test, 0,
			dma_buf_begin_cpu_access(dmabuf, DMA_FROM_DEVICE));
	KUNIT_EXPECT_EQ(test, buffer->dir, DMA_FROM_DEVICE);
	KUNIT_EXPECT_EQ(test, 0,
			dma_buf_end_cpu_access(dmabuf, DMA_TO_DEVICE));
	KUNIT_EXPECT_EQ(test, buffer->dir, DMA_TO_DEVICE);
	MOCK_EXPECT_LOG(buffer, "begin end");
}

static void coherent_memory_needs_no_ops(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);
	struct dma_buf *dmabuf = buffer->dmabuf;

	KUNIT_EXPECT_EQ(test, 0,
			dma_buf_begin_cpu_access(dmabuf, DMA_BIDIRECTIONAL));
	KUNIT_EXPECT_EQ(test, 0,
			dma_buf_end_cpu_access(dmabuf, DMA_BIDIRECTIONAL));
}

static void errors_are_passed_on(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_static_ops);
	struct dma_buf *dmabuf = buffer->dmabuf;

	buffer->errors[MOCK_BEGIN] = -EIO;
	buffer->errors[MOCK_END] = -ENXIO;
	KUNIT_EXPECT_EQ(test, -EIO,
			dma_buf_begin_cpu_access(dmabuf, DMA_FROM_DEVICE));
	KUNIT_EXPECT_EQ(test, -ENXIO,
			dma_buf_end_cpu_access(dmabuf, DMA_FROM_DEVICE));
}

/**
 * struct wait_rule - who waits for whom
 * @usage: of a fence that doesn't signal
 * @dir: of the CPU's access
 * @waits: does the access wait for the fence?
 */
struct wait_rule {
	enum dma_resv_usage usage;
	enum dma_data_direction dir;
	bool waits;
};

static const struct wait_rule wait_rules[] = {
	{ DMA_RESV_USAGE_KERNEL, DMA_FROM_DEVICE, true },
	{ DMA_RESV_USAGE_KERNEL, DMA_TO_DEVICE, true },
	{ DMA_RESV_USAGE_KERNEL, DMA_BIDIRECTIONAL, true },
	{ DMA_RESV_USAGE_WRITE, DMA_FROM_DEVICE, true },
	{ DMA_RESV_USAGE_WRITE, DMA_TO_DEVICE, true },
	{ DMA_RESV_USAGE_WRITE, DMA_BIDIRECTIONAL, true },
	{ DMA_RESV_USAGE_READ, DMA_FROM_DEVICE, false },
	{ DMA_RESV_USAGE_READ, DMA_TO_DEVICE, true },
	{ DMA_RESV_USAGE_READ, DMA_BIDIRECTIONAL, true },
	{ DMA_RESV_USAGE_BOOKKEEP, DMA_FROM_DEVICE, false },
	{ DMA_RESV_USAGE_BOOKKEEP, DMA_TO_DEVICE, false },
	{ DMA_RESV_USAGE_BOOKKEEP, DMA_BIDIRECTIONAL, false },
};

static const char *usage_name(enum dma_resv_usage usage)
{
	switch (usage) {
	case DMA_RESV_USAGE_KERNEL:
		return "kernel";
	case DMA_RESV_USAGE_WRITE:
		return "write";
	case DMA_RESV_USAGE_READ:
		return "read";
	default:
		return "bookkeep";
	}
}

static const char *access_name(enum dma_data_direction dir)
{
	switch (dir) {
	case DMA_FROM_DEVICE:
		return "reading";
	case DMA_TO_DEVICE:
		return "writing";
	default:
		return "both";
	}
}

static void describe_wait_rule(const struct wait_rule *rule, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s fence, CPU %s",
		 usage_name(rule->usage), access_name(rule->dir));
}

KUNIT_ARRAY_PARAM(wait_rule, wait_rules, describe_wait_rule);

/* With a signal pending, a wait that would be for ever shows as an error. */
static int begin_interrupted(struct dma_buf *dmabuf,
			     enum dma_data_direction dir)
{
	int err;

	mock_interrupt_begin();
	err = dma_buf_begin_cpu_access(dmabuf, dir);
	mock_interrupt_end();
	return err;
}

static void access_waits_for_who_conflicts(struct kunit *test)
{
	const struct wait_rule *rule = test->param_value;
	struct mock_buffer *buffer = mock_export(test, &mock_static_ops);

	mock_fence_add(buffer, rule->usage);
	KUNIT_EXPECT_EQ(test, rule->waits ? -ERESTARTSYS : 0,
			begin_interrupted(buffer->dmabuf, rule->dir));
	/* The exporter comes first: it may know a better way to wait. */
	MOCK_EXPECT_LOG(buffer, "begin");
}

static void a_part_waits_like_the_whole(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_static_ops);
	int err;

	mock_fence_add(buffer, DMA_RESV_USAGE_WRITE);
	mock_interrupt_begin();
	err = dma_buf_begin_cpu_access_partial(buffer->dmabuf, DMA_FROM_DEVICE,
					       0, 1);
	mock_interrupt_end();
	KUNIT_EXPECT_EQ(test, err, -ERESTARTSYS);
}

static void access_begins_when_the_fence_has_signalled(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_static_ops);
	struct dma_fence *fence = mock_fence_add(buffer, DMA_RESV_USAGE_WRITE);

	mock_fence_signal_after(fence, ms_to_ktime(50));
	KUNIT_EXPECT_EQ(test, 0, dma_buf_begin_cpu_access(buffer->dmabuf,
							  DMA_FROM_DEVICE));
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(fence));
}

static void access_waits_for_all_fences(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_static_ops);
	struct dma_fence *fences[8];
	int i;

	for (i = 0; i < ARRAY_SIZE(fences); i++) {
		fences[i] = mock_fence_add(buffer, DMA_RESV_USAGE_READ);
		mock_fence_signal_after(fences[i], ms_to_ktime(80 - 10 * i));
	}
	KUNIT_EXPECT_EQ(test, 0, dma_buf_begin_cpu_access(buffer->dmabuf,
							  DMA_TO_DEVICE));
	for (i = 0; i < ARRAY_SIZE(fences); i++)
		KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(fences[i]));
}

static void after_an_error_nobody_is_waited_for(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_static_ops);

	mock_fence_add(buffer, DMA_RESV_USAGE_WRITE);
	buffer->errors[MOCK_BEGIN] = -EIO;
	KUNIT_EXPECT_EQ(test, -EIO,
			begin_interrupted(buffer->dmabuf, DMA_FROM_DEVICE));
}

static void ending_waits_for_nobody(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_static_ops);
	int err;

	mock_fence_add(buffer, DMA_RESV_USAGE_KERNEL);
	mock_interrupt_begin();
	err = dma_buf_end_cpu_access(buffer->dmabuf, DMA_BIDIRECTIONAL);
	mock_interrupt_end();
	KUNIT_EXPECT_EQ(test, err, 0);
}

static int begin_partial(struct dma_buf *dmabuf, enum dma_data_direction dir,
			 size_t offset, size_t len)
{
	struct mock_buffer *buffer = dmabuf->priv;

	buffer->dir = dir;
	buffer->offset = offset;
	buffer->len = len;
	return mock_called(buffer, MOCK_BEGIN_PARTIAL);
}

static int end_partial(struct dma_buf *dmabuf, enum dma_data_direction dir,
		       size_t offset, size_t len)
{
	struct mock_buffer *buffer = dmabuf->priv;

	buffer->dir = dir;
	buffer->offset = offset;
	buffer->len = len;
	return mock_called(buffer, MOCK_END_PARTIAL);
}

static struct mock_buffer *export_by_range(struct kunit *test)
{
	struct dma_buf_ops *ops = mock_copy_ops(test, &mock_static_ops);

	ops->begin_cpu_access_partial = begin_partial;
	ops->end_cpu_access_partial = end_partial;
	return mock_export(test, ops);
}

static int begin_range(struct mock_buffer *buffer, size_t offset, size_t len)
{
	return dma_buf_begin_cpu_access_partial(buffer->dmabuf, DMA_TO_DEVICE,
						offset, len);
}

static int end_range(struct mock_buffer *buffer, size_t offset, size_t len)
{
	return dma_buf_end_cpu_access_partial(buffer->dmabuf, DMA_TO_DEVICE,
					      offset, len);
}

static void a_part_reaches_exporters_that_know_parts(struct kunit *test)
{
	struct mock_buffer *buffer = export_by_range(test);

	KUNIT_EXPECT_EQ(test, begin_range(buffer, 100, 7), 0);
	KUNIT_EXPECT_EQ(test, buffer->offset, 100);
	KUNIT_EXPECT_EQ(test, buffer->len, 7);
	KUNIT_EXPECT_EQ(test, buffer->dir, DMA_TO_DEVICE);

	KUNIT_EXPECT_EQ(test, end_range(buffer, 200, 9), 0);
	KUNIT_EXPECT_EQ(test, buffer->offset, 200);
	KUNIT_EXPECT_EQ(test, buffer->len, 9);
	MOCK_EXPECT_LOG(buffer, "begin_partial end_partial");
}

static void others_prepare_the_whole_for_a_part(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_static_ops);

	KUNIT_EXPECT_EQ(test, begin_range(buffer, 100, 7), 0);
	KUNIT_EXPECT_EQ(test, end_range(buffer, 100, 7), 0);
	MOCK_EXPECT_LOG(buffer, "begin end");
}

static void the_whole_is_no_part(struct kunit *test)
{
	struct mock_buffer *buffer = export_by_range(test);

	KUNIT_EXPECT_EQ(test, 0, dma_buf_begin_cpu_access(buffer->dmabuf,
							  DMA_TO_DEVICE));
	KUNIT_EXPECT_EQ(test, 0, dma_buf_end_cpu_access(buffer->dmabuf,
							DMA_TO_DEVICE));
	MOCK_EXPECT_LOG(buffer, "begin end");
}

static void exporters_may_know_parts_alone(struct kunit *test)
{
	struct dma_buf_ops *ops = mock_copy_ops(test, &mock_minimal_ops);
	struct mock_buffer *buffer;

	ops->begin_cpu_access_partial = begin_partial;
	ops->end_cpu_access_partial = end_partial;
	buffer = mock_export(test, ops);

	KUNIT_EXPECT_EQ(test, 0, dma_buf_begin_cpu_access(buffer->dmabuf,
							  DMA_TO_DEVICE));
	KUNIT_EXPECT_EQ(test, buffer->offset, 0);
	KUNIT_EXPECT_EQ(test, buffer->len, MOCK_SIZE);
	KUNIT_EXPECT_EQ(test, 0, dma_buf_end_cpu_access(buffer->dmabuf,
							DMA_TO_DEVICE));
	MOCK_EXPECT_LOG(buffer, "begin_partial end_partial");
}

static void a_parts_errors_are_passed_on(struct kunit *test)
{
	struct mock_buffer *buffer = export_by_range(test);

	buffer->errors[MOCK_BEGIN_PARTIAL] = -EIO;
	buffer->errors[MOCK_END_PARTIAL] = -ENXIO;
	KUNIT_EXPECT_EQ(test, begin_range(buffer, 0, 1), -EIO);
	KUNIT_EXPECT_EQ(test, end_range(buffer, 0, 1), -ENXIO);
}

static void a_part_has_to_lie_within_the_buffer(struct kunit *test)
{
	struct mock_buffer *buffer = export_by_range(test);
	static const size_t bad[][2] = {
		{ 0, MOCK_SIZE + 1 },
		{ 1, MOCK_SIZE },
		{ MOCK_SIZE, 1 },
		{ MOCK_SIZE + 1, 0 },
		{ SIZE_MAX, 1 },
		{ 1, SIZE_MAX },
		{ SIZE_MAX, SIZE_MAX },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		KUNIT_EXPECT_EQ(test, -EINVAL,
				begin_range(buffer, bad[i][0], bad[i][1]));
		KUNIT_EXPECT_EQ(test, -EINVAL,
				end_range(buffer, bad[i][0], bad[i][1]));
	}
	MOCK_EXPECT_LOG(buffer, "");
}

static void parts_may_touch_both_ends(struct kunit *test)
{
	struct mock_buffer *buffer = export_by_range(test);

	KUNIT_EXPECT_EQ(test, begin_range(buffer, 0, 1), 0);
	KUNIT_EXPECT_EQ(test, begin_range(buffer, MOCK_SIZE - 1, 1), 0);
	KUNIT_EXPECT_EQ(test, begin_range(buffer, MOCK_SIZE, 0), 0);
	KUNIT_EXPECT_EQ(test, begin_range(buffer, 0, MOCK_SIZE), 0);
}

static long sync(struct mock_buffer *buffer, u64 flags)
{
	struct dma_buf_sync arg = { .flags = flags };

	return mock_ioctl(buffer, DMA_BUF_IOCTL_SYNC, &arg, sizeof(arg));
}

static void programs_bracket_their_access(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_static_ops);

	KUNIT_EXPECT_EQ(test, 0,
			sync(buffer, DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ));
	KUNIT_EXPECT_EQ(test, buffer->dir, DMA_FROM_DEVICE);
	KUNIT_EXPECT_EQ(test, 0,
			sync(buffer, DMA_BUF_SYNC_START | DMA_BUF_SYNC_WRITE));
	KUNIT_EXPECT_EQ(test, buffer->dir, DMA_TO_DEVICE);
	KUNIT_EXPECT_EQ(test, 0,
			sync(buffer, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW));
	KUNIT_EXPECT_EQ(test, buffer->dir, DMA_BIDIRECTIONAL);
	MOCK_EXPECT_LOG(buffer, "begin begin end");
}

static void programs_wait_as_the_kernel_does(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_static_ops);
	struct dma_fence *fence = mock_fence_add(buffer, DMA_RESV_USAGE_WRITE);

	mock_fence_signal_after(fence, ms_to_ktime(50));
	KUNIT_EXPECT_EQ(test, 0,
			sync(buffer, DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ));
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(fence));
}

static void programs_have_to_say_what_they_want(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_static_ops);

	KUNIT_EXPECT_EQ(test, sync(buffer, DMA_BUF_SYNC_START), -EINVAL);
	KUNIT_EXPECT_EQ(test, sync(buffer, DMA_BUF_SYNC_END), -EINVAL);
	KUNIT_EXPECT_EQ(test, sync(buffer, DMA_BUF_SYNC_READ | 8), -EINVAL);
	KUNIT_EXPECT_EQ(test, -EINVAL,
			sync(buffer, DMA_BUF_SYNC_READ | BIT_ULL(63)));
	MOCK_EXPECT_LOG(buffer, "");
}

static struct kunit_case cpu_access_cases[] = {
	KUNIT_CASE(brackets_reach_the_exporter),
	KUNIT_CASE(coherent_memory_needs_no_ops),
	KUNIT_CASE(errors_are_passed_on),
	KUNIT_CASE_PARAM(access_waits_for_who_conflicts, wait_rule_gen_params),
	KUNIT_CASE(a_part_waits_like_the_whole),
	KUNIT_CASE(access_begins_when_the_fence_has_signalled),
	KUNIT_CASE(access_waits_for_all_fences),
	KUNIT_CASE(after_an_error_nobody_is_waited_for),
	KUNIT_CASE(ending_waits_for_nobody),
	KUNIT_CASE(a_part_reaches_exporters_that_know_parts),
	KUNIT_CASE(others_prepare_the_whole_for_a_part),
	KUNIT_CASE(the_whole_is_no_part),
	KUNIT_CASE(exporters_may_know_parts_alone),
	KUNIT_CASE(a_parts_errors_are_passed_on),
	KUNIT_CASE(a_part_has_to_lie_within_the_buffer),
	KUNIT_CASE(parts_may_touch_both_ends),
	KUNIT_CASE(programs_bracket_their_access),
	KUNIT_CASE(programs_wait_as_the_kernel_does),
	KUNIT_CASE(programs_have_to_say_what_they_want),
	{}
};

static struct kunit_suite cpu_access_suite = {
	.name = "dma_buf_cpu_access",
	.test_cases = cpu_access_cases,
};

kunit_test_suite(cpu_access_suite);
