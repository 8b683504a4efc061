// SPDX-License-Identifier: GPL-2.0-only
/*
 * How devices come to a buffer and leave it, and how they pin it.
 */
#include "mock.h"

static void the_exporter_is_told_who_comes_and_goes(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_static_ops);
	struct mock_importer *camera = mock_import(buffer, "camera");
	struct dma_buf_attachment *attach = camera->attach;

	MOCK_EXPECT_LOG(buffer, "attach");
	KUNIT_EXPECT_PTR_EQ(test, attach->dmabuf, buffer->dmabuf);
	KUNIT_EXPECT_PTR_EQ(test, attach->dev, camera->dev);
	KUNIT_EXPECT_PTR_EQ(test, attach->priv, (void *)buffer);
	KUNIT_EXPECT_FALSE(test, list_empty(&buffer->dmabuf->attachments));

	mock_detach(camera);
	MOCK_EXPECT_LOG(buffer, "detach");
	KUNIT_EXPECT_TRUE(test, list_empty(&buffer->dmabuf->attachments));
}

static void exporters_need_not_care_who_comes_and_goes(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);
	struct mock_importer *camera = mock_import(buffer, "camera");

	mock_detach(camera);
	KUNIT_EXPECT_TRUE(test, list_empty(&buffer->dmabuf->attachments));
	MOCK_EXPECT_LOG(buffer, "");
}

static void one_device_leaving_leaves_the_others(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_static_ops);
	struct mock_importer *camera = mock_import(buffer, "camera");
	struct mock_importer *display = mock_import(buffer, "display");
	struct dma_buf *dmabuf = buffer->dmabuf;

	KUNIT_EXPECT_EQ(test, list_count_nodes(&dmabuf->attachments), 2);
	mock_detach(camera);
	KUNIT_EXPECT_TRUE(test, list_is_singular(&dmabuf->attachments));
	KUNIT_EXPECT_PTR_EQ(test, dmabuf->attachments.next,
			    &display->attach->node);
}

static void a_refusal_is_passed_on_and_leaves_nothing(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_static_ops);
	struct device *dev = kunit_device_register(test, "camera");

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dev);
	buffer->errors[MOCK_ATTACH] = -EBUSY;
	KUNIT_EXPECT_PTR_EQ(test, dma_buf_attach(buffer->dmabuf, dev),
			    ERR_PTR(-EBUSY));
	KUNIT_EXPECT_TRUE(test, list_empty(&buffer->dmabuf->attachments));
	MOCK_EXPECT_LOG(buffer, "attach");
}

static void importer_ops_make_an_attachment_dynamic(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_static_ops);
	struct mock_importer *camera = mock_import(buffer, "camera");
	struct mock_importer *display = mock_import_dynamic(buffer, "display");

	KUNIT_EXPECT_FALSE(test,
			   dma_buf_attachment_is_dynamic(camera->attach));
	KUNIT_EXPECT_TRUE(test,
			  dma_buf_attachment_is_dynamic(display->attach));
	KUNIT_EXPECT_PTR_EQ(test, display->attach->importer_ops,
			    &mock_importer_ops);
	KUNIT_EXPECT_PTR_EQ(test, display->attach->importer_priv,
			    (void *)display);
}

static void importer_ops_without_move_notify_are_refused(struct kunit *test)
{
	static const struct dma_buf_attach_ops no_move_notify = {};
	struct mock_buffer *buffer = mock_export(test, &mock_static_ops);
	struct device *dev = kunit_device_register(test, "display");
	struct mock_misuse *misuse = mock_catch_misuse(test);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dev);
	KUNIT_EXPECT_PTR_EQ(test,
			    dma_buf_dynamic_attach(buffer->dmabuf, dev,
						   &no_move_notify, NULL),
			    ERR_PTR(-EINVAL));
	MOCK_EXPECT_MISUSE(test, misuse, dev,
			   "dynamic attach without move_notify");
	MOCK_EXPECT_LOG(buffer, "");
	KUNIT_EXPECT_TRUE(test, list_empty(&buffer->dmabuf->attachments));
}

/* What the exporter saw of an attachment's peer2peer when it came. */
static bool peer2peer_at_attach;

static int note_peer2peer(struct dma_buf *dmabuf,
			  struct dma_buf_attachment *attach)
{
	peer2peer_at_attach = attach->peer2peer;
	attach->peer2peer = false;
	return 0;
}

static void expect_peer2peer(struct kunit *test, struct mock_buffer *buffer,
			     const struct dma_buf_attach_ops *ops,
			     bool expected)
{
	struct device *dev = kunit_device_register(test, expected ? "p2p" :
						   "pages");
	struct dma_buf_attachment *attach;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dev);
	attach = dma_buf_dynamic_attach(buffer->dmabuf, dev, ops, NULL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, attach);
	KUNIT_EXPECT_EQ(test, peer2peer_at_attach, expected);
	/* The exporter has the last word. */
	KUNIT_EXPECT_FALSE(test, attach->peer2peer);
	dma_buf_detach(buffer->dmabuf, attach);
}

static void the_exporter_decides_on_peer_to_peer(struct kunit *test)
{
	struct dma_buf_attach_ops peer = mock_importer_ops;
	struct dma_buf_ops *ops = mock_copy_ops(test, &mock_minimal_ops);
	struct mock_buffer *buffer;

	peer.allow_peer2peer = true;
	ops->attach = note_peer2peer;
	buffer = mock_export(test, ops);
	expect_peer2peer(test, buffer, &peer, true);
	expect_peer2peer(test, buffer, &mock_importer_ops, false);
}

static int lock_and_pin(struct mock_importer *importer)
{
	int err;

	dma_resv_lock(importer->attach->dmabuf->resv, NULL);
	err = dma_buf_pin(importer->attach);
	dma_resv_unlock(importer->attach->dmabuf->resv);
	return err;
}

static void lock_and_unpin(struct mock_importer *importer)
{
	dma_resv_lock(importer->attach->dmabuf->resv, NULL);
	dma_buf_unpin(importer->attach);
	dma_resv_unlock(importer->attach->dmabuf->resv);
}

static void pins_reach_the_exporter(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_dynamic_ops);
	struct mock_importer *display = mock_import_dynamic(buffer, "display");

	KUNIT_EXPECT_EQ(test, lock_and_pin(display), 0);
	MOCK_EXPECT_LOG(buffer, "attach pin");
	KUNIT_EXPECT_EQ(test, lock_and_pin(display), 0);
	KUNIT_EXPECT_EQ(test, buffer->pins, 2);
	lock_and_unpin(display);
	MOCK_EXPECT_LOG(buffer, "pin unpin");
	lock_and_unpin(display);
	MOCK_EXPECT_LOG(buffer, "unpin");
	KUNIT_EXPECT_EQ(test, buffer->pins, 0);
}

static void a_failed_pin_is_passed_on(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_dynamic_ops);
	struct mock_importer *display = mock_import_dynamic(buffer, "display");

	buffer->errors[MOCK_PIN] = -ENOSPC;
	KUNIT_EXPECT_EQ(test, lock_and_pin(display), -ENOSPC);
	KUNIT_EXPECT_EQ(test, buffer->pins, 0);
	MOCK_EXPECT_LOG(buffer, "attach pin");
}

static void what_never_moves_needs_no_pin(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_static_ops);
	struct mock_importer *display = mock_import_dynamic(buffer, "display");

	KUNIT_EXPECT_EQ(test, lock_and_pin(display), 0);
	lock_and_unpin(display);
	MOCK_EXPECT_LOG(buffer, "attach");
}

static void a_static_importers_pin_is_named(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_dynamic_ops);
	struct mock_importer *camera = mock_import(buffer, "camera");
	struct mock_misuse *misuse = mock_catch_misuse(test);

	lock_and_pin(camera);
	MOCK_EXPECT_MISUSE(test, misuse, camera->dev,
			   "pin by a static importer");
	lock_and_unpin(camera);
	MOCK_EXPECT_MISUSE(test, misuse, camera->dev,
			   "unpin by a static importer");
	KUNIT_EXPECT_EQ(test, buffer->pins, 0);
}

static struct kunit_case attach_cases[] = {
	KUNIT_CASE(the_exporter_is_told_who_comes_and_goes),
	KUNIT_CASE(exporters_need_not_care_who_comes_and_goes),
	KUNIT_CASE(one_device_leaving_leaves_the_others),
	KUNIT_CASE(a_refusal_is_passed_on_and_leaves_nothing),
	KUNIT_CASE(importer_ops_make_an_attachment_dynamic),
	KUNIT_CASE(importer_ops_without_move_notify_are_refused),
	KUNIT_CASE(the_exporter_decides_on_peer_to_peer),
	KUNIT_CASE(pins_reach_the_exporter),
	KUNIT_CASE(a_failed_pin_is_passed_on),
	KUNIT_CASE(what_never_moves_needs_no_pin),
	KUNIT_CASE(a_static_importers_pin_is_named),
	{}
};

static struct kunit_suite attach_suite = {
	.name = "dma_buf_attach",
	.test_cases = attach_cases,
};

kunit_test_suite(attach_suite);
