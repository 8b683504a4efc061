// SPDX-License-Identifier: GPL-2.0-only
/*
 * What makes a buffer, and what doesn't: the arguments of dma_buf_export(), and
 * what a buffer and its file are like afterwards.
 */
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/module.h>

#include "mock.h"

static void export_gives_a_buffer_as_described(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_static_ops);
	struct dma_buf *dmabuf = buffer->dmabuf;

	KUNIT_EXPECT_EQ(test, dmabuf->size, MOCK_SIZE);
	KUNIT_EXPECT_PTR_EQ(test, dmabuf->ops, &mock_static_ops);
	KUNIT_EXPECT_PTR_EQ(test, dmabuf->priv, (void *)buffer);
	KUNIT_EXPECT_STREQ(test, dmabuf->exp_name, "mock");
	KUNIT_EXPECT_NOT_NULL(test, dmabuf->resv);
	KUNIT_EXPECT_TRUE(test, list_empty(&dmabuf->attachments));
	KUNIT_EXPECT_FALSE(test, dma_buf_is_dynamic(dmabuf));
	MOCK_EXPECT_LOG(buffer, "");
}

static void the_file_has_one_reference(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);
	struct file *file = buffer->dmabuf->file;

	KUNIT_EXPECT_EQ(test, file_count(file), 1);
	KUNIT_EXPECT_PTR_EQ(test, file->private_data, (void *)buffer->dmabuf);
}

static void the_file_has_the_flags_asked_for(struct kunit *test)
{
	struct dma_buf_export_info info = {
		.exp_name = "mock",
		.ops = &mock_minimal_ops,
		.flags = O_RDONLY,
	};
	struct mock_buffer *reader = mock_export_as(test, &info);
	struct mock_buffer *writer = mock_export(test, &mock_minimal_ops);

	KUNIT_EXPECT_FALSE(test, reader->dmabuf->file->f_mode & FMODE_WRITE);
	KUNIT_EXPECT_TRUE(test, writer->dmabuf->file->f_mode & FMODE_WRITE);
}

/* What open() takes besides is about how to open, or about other files. */
static void the_file_has_no_other_flags(struct kunit *test)
{
	struct dma_buf_export_info info = {
		.exp_name = "mock",
		.ops = &mock_minimal_ops,
		.flags = O_RDWR | O_NONBLOCK | O_CLOEXEC | O_DIRECT | O_APPEND |
			 O_CREAT | O_TRUNC | O_PATH,
	};
	struct mock_buffer *buffer = mock_export_as(test, &info);

	KUNIT_EXPECT_EQ(test, buffer->dmabuf->file->f_flags,
			O_RDWR | O_NONBLOCK);
}

static void an_exporter_without_a_name_is_unknown(struct kunit *test)
{
	struct dma_buf_export_info info = { .ops = &mock_minimal_ops };
	struct mock_buffer *buffer = mock_export_as(test, &info);

	KUNIT_EXPECT_STREQ(test, buffer->dmabuf->exp_name, "unknown");
}

static void the_inode_tells_size_and_file_system(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);
	struct inode *inode = file_inode(buffer->dmabuf->file);

	KUNIT_EXPECT_EQ(test, i_size_read(inode), MOCK_SIZE);
	KUNIT_EXPECT_EQ(test, inode->i_sb->s_magic, DMA_BUF_MAGIC);
}

static void inode_numbers_differ(struct kunit *test)
{
	struct mock_buffer *one = mock_export(test, &mock_minimal_ops);
	struct mock_buffer *other = mock_export(test, &mock_minimal_ops);

	KUNIT_EXPECT_NE(test, dma_buf_ino(one->dmabuf),
			dma_buf_ino(other->dmabuf));
}

static void seeking_tells_the_size_and_nothing_else(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);
	struct file *file = buffer->dmabuf->file;

	KUNIT_EXPECT_EQ(test, vfs_llseek(file, 0, SEEK_END), MOCK_SIZE);
	KUNIT_EXPECT_EQ(test, vfs_llseek(file, 0, SEEK_SET), 0);
	KUNIT_EXPECT_EQ(test, vfs_llseek(file, 1, SEEK_END), -EINVAL);
	KUNIT_EXPECT_EQ(test, vfs_llseek(file, 1, SEEK_SET), -EINVAL);
	KUNIT_EXPECT_EQ(test, vfs_llseek(file, 0, SEEK_CUR), -EINVAL);
}

static void each_buffer_has_a_reservation_object_of_its_own(struct kunit *test)
{
	struct mock_buffer *one = mock_export(test, &mock_minimal_ops);
	struct mock_buffer *other = mock_export(test, &mock_minimal_ops);

	KUNIT_EXPECT_PTR_NE(test, one->dmabuf->resv, other->dmabuf->resv);
	mock_fence_add(one, DMA_RESV_USAGE_WRITE);
	KUNIT_EXPECT_FALSE(test, dma_resv_test_signaled(one->dmabuf->resv,
							DMA_RESV_USAGE_READ));
	KUNIT_EXPECT_TRUE(test, dma_resv_test_signaled(other->dmabuf->resv,
						       DMA_RESV_USAGE_READ));
}

/* A reservation object with a fence in it, which no buffer of ours owns. */
static struct dma_resv *make_resv(struct kunit *test)
{
	struct dma_resv *resv = mock_resv(test);

	KUNIT_ASSERT_EQ(test, 0, mock_resv_add(resv, mock_fence(test),
					       DMA_RESV_USAGE_WRITE));
	return resv;
}

static void expect_resv_untouched(struct kunit *test, struct dma_resv *resv)
{
	KUNIT_EXPECT_FALSE(test, dma_resv_is_locked(resv));
	KUNIT_EXPECT_FALSE(test, dma_resv_test_signaled(resv,
							DMA_RESV_USAGE_WRITE));
}

static void a_given_reservation_object_outlives_the_buffer(struct kunit *test)
{
	struct dma_resv *resv = make_resv(test);
	struct dma_buf_export_info info = {
		.exp_name = "mock",
		.ops = &mock_minimal_ops,
		.resv = resv,
	};
	struct mock_buffer *buffer = mock_export_as(test, &info);

	KUNIT_EXPECT_PTR_EQ(test, buffer->dmabuf->resv, resv);
	expect_resv_untouched(test, resv);
	mock_put(buffer);
	KUNIT_EXPECT_TRUE(test, mock_await_release(buffer));
	expect_resv_untouched(test, resv);
}

/**
 * struct bad_export - a description that makes no buffer
 * @name: what is bad about it
 * @complaint: what is said about it
 * @spoil: takes something away from a good description
 */
struct bad_export {
	const char *name;
	const char *complaint;
	void (*spoil)(struct dma_buf_export_info *info,
		      struct dma_buf_ops *ops);
};

static void no_priv(struct dma_buf_export_info *info, struct dma_buf_ops *ops)
{
	info->priv = NULL;
}

static void no_ops(struct dma_buf_export_info *info, struct dma_buf_ops *ops)
{
	info->ops = NULL;
}

static void no_map(struct dma_buf_export_info *info, struct dma_buf_ops *ops)
{
	ops->map_dma_buf = NULL;
}

static void no_unmap(struct dma_buf_export_info *info, struct dma_buf_ops *ops)
{
	ops->unmap_dma_buf = NULL;
}

static void no_release(struct dma_buf_export_info *info,
		       struct dma_buf_ops *ops)
{
	ops->release = NULL;
}

static void no_pin(struct dma_buf_export_info *info, struct dma_buf_ops *ops)
{
	ops->pin = NULL;
}

static void no_unpin(struct dma_buf_export_info *info, struct dma_buf_ops *ops)
{
	ops->unpin = NULL;
}

static void pin_and_cache(struct dma_buf_export_info *info,
			  struct dma_buf_ops *ops)
{
	ops->cache_sgt_mapping = true;
}

static const struct bad_export bad_exports[] = {
	{ "no priv", "export without priv", no_priv },
	{ "no ops", "export without ops", no_ops },
	{ "no map", "export without map and unmap", no_map },
	{ "no unmap", "export without map and unmap", no_unmap },
	{ "no release", "export without release", no_release },
	{ "no pin", "export with only one of pin and unpin", no_pin },
	{ "no unpin", "export with only one of pin and unpin", no_unpin },
	{ "pin and cache", "export that caches mappings of what can move", pin_and_cache },
};

static void describe_bad_export(const struct bad_export *bad, char *desc)
{
	strscpy(desc, bad->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(bad_export, bad_exports, describe_bad_export);

static void a_bad_description_is_refused_loudly(struct kunit *test)
{
	const struct bad_export *bad = test->param_value;
	struct mock_misuse *misuse = mock_catch_misuse(test);
	struct dma_buf_ops ops = mock_dynamic_ops;
	struct dma_resv *resv = make_resv(test);
	struct dma_buf_export_info info = {
		.exp_name = "mock",
		.ops = &ops,
		.size = MOCK_SIZE,
		.resv = resv,
		.priv = test,
	};
	struct dma_buf *dmabuf;

	bad->spoil(&info, &ops);
	dmabuf = dma_buf_export(&info);
	KUNIT_EXPECT_PTR_EQ(test, dmabuf, ERR_PTR(-EINVAL));
	MOCK_EXPECT_MISUSE(test, misuse, NULL, bad->complaint);
	expect_resv_untouched(test, resv);
}

#ifdef CONFIG_MODULE_UNLOAD
static struct module *make_module(struct kunit *test, enum module_state state)
{
	struct module *module;

	module = kunit_kzalloc(test, sizeof(*module), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, module);
	module->state = state;
	atomic_set(&module->refcnt, 1);
	return module;
}

static void a_buffer_holds_its_exporters_module(struct kunit *test)
{
	struct module *module = make_module(test, MODULE_STATE_LIVE);
	struct dma_buf_export_info info = {
		.exp_name = "mock",
		.owner = module,
		.ops = &mock_minimal_ops,
	};
	struct mock_buffer *buffer = mock_export_as(test, &info);

	KUNIT_EXPECT_EQ(test, atomic_read(&module->refcnt), 2);
	mock_put_at_once(buffer);
	KUNIT_EXPECT_EQ(test, atomic_read(&module->refcnt), 1);
}

static void a_refused_export_holds_no_module(struct kunit *test)
{
	struct module *module = make_module(test, MODULE_STATE_LIVE);
	struct mock_misuse *misuse = mock_catch_misuse(test);
	struct dma_buf_export_info info = {
		.exp_name = "mock",
		.owner = module,
		.ops = &mock_minimal_ops,
	};

	KUNIT_EXPECT_PTR_EQ(test, dma_buf_export(&info), ERR_PTR(-EINVAL));
	MOCK_EXPECT_MISUSE(test, misuse, NULL, "export without priv");
	KUNIT_EXPECT_EQ(test, atomic_read(&module->refcnt), 1);
}

static void a_dying_module_exports_nothing(struct kunit *test)
{
	struct module *module = make_module(test, MODULE_STATE_GOING);
	struct dma_buf_export_info info = {
		.exp_name = "mock",
		.owner = module,
		.ops = &mock_minimal_ops,
		.priv = test,
	};

	KUNIT_EXPECT_PTR_EQ(test, dma_buf_export(&info), ERR_PTR(-ENOENT));
	KUNIT_EXPECT_EQ(test, atomic_read(&module->refcnt), 1);
}
#else
static void a_buffer_holds_its_exporters_module(struct kunit *test)
{
	kunit_skip(test, "modules don't count references: MODULE_UNLOAD is off");
}

static void a_refused_export_holds_no_module(struct kunit *test)
{
	kunit_skip(test, "modules don't count references: MODULE_UNLOAD is off");
}

static void a_dying_module_exports_nothing(struct kunit *test)
{
	kunit_skip(test, "modules don't die: MODULE_UNLOAD is off");
}
#endif

static struct kunit_case export_cases[] = {
	KUNIT_CASE(export_gives_a_buffer_as_described),
	KUNIT_CASE(the_file_has_one_reference),
	KUNIT_CASE(the_file_has_the_flags_asked_for),
	KUNIT_CASE(the_file_has_no_other_flags),
	KUNIT_CASE(an_exporter_without_a_name_is_unknown),
	KUNIT_CASE(the_inode_tells_size_and_file_system),
	KUNIT_CASE(inode_numbers_differ),
	KUNIT_CASE(seeking_tells_the_size_and_nothing_else),
	KUNIT_CASE(each_buffer_has_a_reservation_object_of_its_own),
	KUNIT_CASE(a_given_reservation_object_outlives_the_buffer),
	KUNIT_CASE_PARAM(a_bad_description_is_refused_loudly,
			 bad_export_gen_params),
	KUNIT_CASE(a_buffer_holds_its_exporters_module),
	KUNIT_CASE(a_refused_export_holds_no_module),
	KUNIT_CASE(a_dying_module_exports_nothing),
	{}
};

static struct kunit_suite export_suite = {
	.name = "dma_buf_export",
	.test_cases = export_cases,
};

kunit_test_suite(export_suite);
