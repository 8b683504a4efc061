// SPDX-License-Identifier: GPL-2.0-only
/*
 * What tracing is told of pins: those that importers ask for, and those that
 * mappings take for importers who can't follow moves.
 */
#include <linux/tracepoint.h>
#include <trace/events/dma_buf.h>

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

static int trace_init(struct kunit *test)
{
	if (!IS_ENABLED(CONFIG_TRACEPOINTS))
		kunit_skip(test, "there are no events: TRACEPOINTS is off");
	return 0;
}

/**
 * struct probe - somebody whom an event calls
 * @event: its name
 * @tracepoint: the event, once it is found
 * @call: what it calls
 * @data: what for
 */
struct probe {
	const char *event;
	struct tracepoint *tracepoint;
	void *call;
	void *data;
};

static void find_event(struct tracepoint *tracepoint, void *data)
{
	struct probe *probe = data;

	if (!strcmp(tracepoint->name, probe->event))
		probe->tracepoint = tracepoint;
}

static void remove_probe(void *data)
{
	struct probe *probe = data;

	tracepoint_probe_unregister(probe->tracepoint, probe->call,
				    probe->data);
	tracepoint_synchronize_unregister();
}

/* By name: the events themselves are out of a module's reach. */
static void add_probe(struct kunit *test, const char *event, void *call,
		      void *data)
{
	struct probe *probe;

	probe = kunit_kzalloc(test, sizeof(*probe), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, probe);
	*probe = (struct probe) {
		.event = event,
		.call = call,
		.data = data,
	};
	for_each_kernel_tracepoint(find_event, probe);
	KUNIT_ASSERT_NOT_NULL(test, probe->tracepoint);
	KUNIT_ASSERT_EQ(test, 0, tracepoint_probe_register(probe->tracepoint,
							   call, data));
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, remove_probe, probe));
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
	add_probe(test, "dma_buf_pin", note_pin, trace);
	add_probe(test, "dma_buf_unpin", note_unpin, trace);
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

static struct kunit_case trace_cases[] = {
	KUNIT_CASE(the_pin_of_a_mapping_is_told),
	KUNIT_CASE(the_end_of_a_failed_mappings_pin_is_told),
	KUNIT_CASE(a_mapping_that_cannot_pin_tells_of_none),
	KUNIT_CASE(a_mapping_without_pin_tells_of_none),
	KUNIT_CASE(an_importers_own_pin_is_told),
	KUNIT_CASE(an_importers_failed_pin_is_not_told),
	{}
};

static struct kunit_suite trace_suite = {
	.name = "dma_buf_trace",
	.init = trace_init,
	.test_cases = trace_cases,
};

kunit_test_suite(trace_suite);
