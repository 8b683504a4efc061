// SPDX-License-Identifier: GPL-2.0-only
/*
 * What tracing is told: of pins, those that importers ask for, and those that
 * mappings take for importers who can't follow moves; and of a fence's life.
 */
#include <linux/tracepoint.h>
#include <trace/events/dma_buf.h>
#include <trace/events/dma_fence.h>

#include "mock.h"

/**
 * struct pin_trace - what was told of the pins of a buffer
 * @dmabuf: the buffer
 * @pins: how many began
 * @unpins: how many ended
 */
struct pin_trace {
	struct dma_buf *dmabuf;
	int pins;
	int unpins;
};

static void note_pin(void *data, struct dma_buf_attachment *attach)
{
	struct pin_trace *trace = data;

	if (attach->dmabuf == trace->dmabuf)
		trace->pins++;
}

static void note_unpin(void *data, struct dma_buf_attachment *attach)
{
	struct pin_trace *trace = data;

	if (attach->dmabuf == trace->dmabuf)
		trace->unpins++;
}

static struct pin_trace *trace_pins(struct mock_buffer *buffer)
{
	struct kunit *test = buffer->test;
	struct pin_trace *trace;

	check_trace_callback_type_dma_buf_pin(note_pin);
	check_trace_callback_type_dma_buf_unpin(note_unpin);

	trace = kunit_kzalloc(test, sizeof(*trace), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, trace);
	trace->dmabuf = buffer->dmabuf;
	mock_probe(test, "dma_buf_pin", note_pin, trace);
	mock_probe(test, "dma_buf_unpin", note_unpin, trace);
	return trace;
}

/* Expects as many since the last time. */
static void expect_told(struct kunit *test, struct pin_trace *trace, int pins,
			int unpins)
{
	KUNIT_EXPECT_EQ(test, trace->pins, pins);
	KUNIT_EXPECT_EQ(test, trace->unpins, unpins);
	trace->pins = 0;
	trace->unpins = 0;
}

static struct sg_table *map(struct mock_importer *importer)
{
	return dma_buf_map_attachment_unlocked(importer->attach,
					       DMA_FROM_DEVICE);
}

static void unmap(struct mock_importer *importer, struct sg_table *sgt)
{
	dma_buf_unmap_attachment_unlocked(importer->attach, sgt,
					  DMA_FROM_DEVICE);
}

static void the_pin_of_a_mapping_is_told(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_dynamic_ops);
	struct mock_importer *camera = mock_import(buffer, "camera");
	struct pin_trace *trace = trace_pins(buffer);
	struct sg_table *sgt = map(camera);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, sgt);
	expect_told(test, trace, 1, 0);
	unmap(camera, sgt);
	expect_told(test, trace, 0, 1);
}

static void the_end_of_a_failed_mappings_pin_is_told(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_dynamic_ops);
	struct mock_importer *camera = mock_import(buffer, "camera");
	struct pin_trace *trace = trace_pins(buffer);

	buffer->errors[MOCK_MAP] = -EIO;
	KUNIT_EXPECT_PTR_EQ(test, map(camera), ERR_PTR(-EIO));
	expect_told(test, trace, 1, 1);
}

static void a_mapping_that_cannot_pin_tells_of_none(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_dynamic_ops);
	struct mock_importer *camera = mock_import(buffer, "camera");
	struct pin_trace *trace = trace_pins(buffer);

	buffer->errors[MOCK_PIN] = -ENOSPC;
	KUNIT_EXPECT_PTR_EQ(test, map(camera), ERR_PTR(-ENOSPC));
	expect_told(test, trace, 0, 0);
}

static void a_mapping_without_pin_tells_of_none(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_static_ops);
	struct mock_importer *camera = mock_import(buffer, "camera");
	struct pin_trace *trace = trace_pins(buffer);
	struct sg_table *sgt = map(camera);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, sgt);
	unmap(camera, sgt);
	expect_told(test, trace, 0, 0);
}

static void an_importers_own_pin_is_told(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_dynamic_ops);
	struct mock_importer *display = mock_import_dynamic(buffer, "display");
	struct pin_trace *trace = trace_pins(buffer);

	dma_resv_lock(buffer->dmabuf->resv, NULL);
	KUNIT_EXPECT_EQ(test, dma_buf_pin(display->attach), 0);
	expect_told(test, trace, 1, 0);
	dma_buf_unpin(display->attach);
	expect_told(test, trace, 0, 1);
	dma_resv_unlock(buffer->dmabuf->resv);
}

static void an_importers_failed_pin_is_not_told(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_dynamic_ops);
	struct mock_importer *display = mock_import_dynamic(buffer, "display");
	struct pin_trace *trace = trace_pins(buffer);

	buffer->errors[MOCK_PIN] = -ENOSPC;
	dma_resv_lock(buffer->dmabuf->resv, NULL);
	KUNIT_EXPECT_EQ(test, dma_buf_pin(display->attach), -ENOSPC);
	dma_resv_unlock(buffer->dmabuf->resv);
	expect_told(test, trace, 0, 0);
}

/*
 * Fences
 */

/**
 * struct fence_event - an event, told of the fences of one context
 * @name: its name
 * @trace: where it is noted
 */
struct fence_event {
	const char *name;
	struct fence_trace *trace;
};

#define FENCE_EVENT "dma_fence_"

static const char * const fence_events[] = {
	FENCE_EVENT "emit",
	FENCE_EVENT "init",
	FENCE_EVENT "enable_signal",
	FENCE_EVENT "signaled",
	FENCE_EVENT "destroy",
	FENCE_EVENT "wait_start",
	FENCE_EVENT "wait_end",
};

/**
 * struct fence_trace - what was told of the fences of a context
 * @context: the context
 * @log: names of the events without what they begin with, in order
 * @events: them
 */
struct fence_trace {
	u64 context;
	char log[128];
	struct fence_event events[ARRAY_SIZE(fence_events)];
};

static void note_fence(void *data, struct dma_fence *fence)
{
	struct fence_event *event = data;
	struct fence_trace *trace = event->trace;

	if (fence->context != trace->context)
		return;
	if (trace->log[0])
		strlcat(trace->log, " ", sizeof(trace->log));
	strlcat(trace->log, event->name + strlen(FENCE_EVENT),
		sizeof(trace->log));
}

static struct fence_trace *trace_fences(struct kunit *test)
{
	struct fence_trace *trace;
	int i;

	/* All of them have the type of this one. */
	check_trace_callback_type_dma_fence_init(note_fence);

	trace = kunit_kzalloc(test, sizeof(*trace), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, trace);
	trace->context = dma_fence_context_alloc(1);
	for (i = 0; i < ARRAY_SIZE(fence_events); i++) {
		struct fence_event *event = &trace->events[i];

		event->name = fence_events[i];
		event->trace = trace;
		mock_probe(test, event->name, note_fence, event);
	}
	return trace;
}

/* Expects as much since the last time. */
static void expect_fence_events(struct kunit *test, struct fence_trace *trace,
				const char *expected)
{
	KUNIT_EXPECT_STREQ(test, trace->log, expected);
	trace->log[0] = '\0';
}

static void a_fences_life_is_told(struct kunit *test)
{
	struct fence_trace *trace = trace_fences(test);
	struct mock_job *job = mock_job_make(trace->context, 1);
	struct dma_fence *fence = &job->base;
	struct mock_call call;

	KUNIT_ASSERT_NOT_NULL(test, job);
	expect_fence_events(test, trace, "init");
	/* As drivers do when the work goes to the device. */
	trace_dma_fence_emit(fence);
	expect_fence_events(test, trace, "emit");

	KUNIT_EXPECT_EQ(test, mock_call_at_end(fence, &call), 0);
	expect_fence_events(test, trace, "enable_signal");
	KUNIT_EXPECT_EQ(test, dma_fence_wait_timeout(fence, false, 1), 0);
	expect_fence_events(test, trace, "wait_start wait_end");

	KUNIT_EXPECT_EQ(test, dma_fence_signal(fence), 0);
	expect_fence_events(test, trace, "signaled");
	KUNIT_EXPECT_EQ(test, dma_fence_signal(fence), -EINVAL);
	expect_fence_events(test, trace, "");
	dma_fence_put(fence);
	expect_fence_events(test, trace, "destroy");
}

static void a_wait_is_told_with_what_it_brings_about(struct kunit *test)
{
	struct fence_trace *trace = trace_fences(test);
	struct mock_job *job = mock_job_on(test, trace->context, 1);

	expect_fence_events(test, trace, "init");
	job->over_when_enabled = true;
	KUNIT_EXPECT_EQ(test, dma_fence_wait_timeout(&job->base, false, 9), 9);
	expect_fence_events(test, trace,
			    "wait_start enable_signal signaled wait_end");
	KUNIT_EXPECT_EQ(test, dma_fence_wait_timeout(&job->base, false, 9), 9);
	expect_fence_events(test, trace, "wait_start wait_end");
}

static void an_end_that_is_seen_by_asking_is_told(struct kunit *test)
{
	struct fence_trace *trace = trace_fences(test);
	struct mock_job *job = mock_job_on(test, trace->context, 1);

	expect_fence_events(test, trace, "init");
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(&job->base));
	expect_fence_events(test, trace, "");
	job->done = true;
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(&job->base));
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(&job->base));
	expect_fence_events(test, trace, "signaled");
}

static struct kunit_case trace_cases[] = {
	KUNIT_CASE(the_pin_of_a_mapping_is_told),
	KUNIT_CASE(the_end_of_a_failed_mappings_pin_is_told),
	KUNIT_CASE(a_mapping_that_cannot_pin_tells_of_none),
	KUNIT_CASE(a_mapping_without_pin_tells_of_none),
	KUNIT_CASE(an_importers_own_pin_is_told),
	KUNIT_CASE(an_importers_failed_pin_is_not_told),
	KUNIT_CASE(a_fences_life_is_told),
	KUNIT_CASE(a_wait_is_told_with_what_it_brings_about),
	KUNIT_CASE(an_end_that_is_seen_by_asking_is_told),
	{}
};

static struct kunit_suite trace_suite = {
	.name = "dma_buf_trace",
	.test_cases = trace_cases,
};

kunit_test_suite(trace_suite);
