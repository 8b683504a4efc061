// SPDX-License-Identifier: GPL-2.0-only
/*
 * An exporter whose memory is a few pages and which writes down what it is
 * asked to do, its importers, and what else a test needs around it.
 */
#include <kunit/static_stub.h>
#include <kunit/test-bug.h>
#include <linux/file.h>
#include <linux/gfp.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "mock.h"

static const char * const op_names[MOCK_OPS] = {
	[MOCK_ATTACH] = "attach",
	[MOCK_DETACH] = "detach",
	[MOCK_PIN] = "pin",
	[MOCK_UNPIN] = "unpin",
	[MOCK_MAP] = "map",
	[MOCK_UNMAP] = "unmap",
	[MOCK_RELEASE] = "release",
	[MOCK_BEGIN] = "begin",
	[MOCK_END] = "end",
	[MOCK_BEGIN_PARTIAL] = "begin_partial",
	[MOCK_END_PARTIAL] = "end_partial",
	[MOCK_MMAP] = "mmap",
	[MOCK_VMAP] = "vmap",
	[MOCK_VUNMAP] = "vunmap",
};

static bool op_wants_lock(enum mock_op op)
{
	switch (op) {
	case MOCK_PIN:
	case MOCK_UNPIN:
	case MOCK_MAP:
	case MOCK_UNMAP:
	case MOCK_VMAP:
	case MOCK_VUNMAP:
		return true;
	default:
		return false;
	}
}

/**
 * mock_called - note that an op was called; every op begins so
 * @buffer: the buffer
 * @op: which op
 *
 * Return: the error that it is to fail with, or 0.
 */
int mock_called(struct mock_buffer *buffer, enum mock_op op)
{
	might_sleep();
	KUNIT_EXPECT_EQ_MSG(buffer->test, op_wants_lock(op),
			    dma_resv_is_locked(buffer->dmabuf->resv),
			    "lock at %s", op_names[op]);
	if (buffer->log[0])
		strlcat(buffer->log, " ", sizeof(buffer->log));
	strlcat(buffer->log, op_names[op], sizeof(buffer->log));
	return buffer->errors[op];
}

static int mock_op_attach(struct dma_buf *dmabuf,
			  struct dma_buf_attachment *attach)
{
	struct mock_buffer *buffer = dmabuf->priv;

	KUNIT_EXPECT_PTR_EQ(buffer->test, attach->dmabuf, dmabuf);
	KUNIT_EXPECT_NOT_NULL(buffer->test, attach->dev);
	attach->priv = buffer;
	return mock_called(buffer, MOCK_ATTACH);
}

static void mock_op_detach(struct dma_buf *dmabuf,
			   struct dma_buf_attachment *attach)
{
	struct mock_buffer *buffer = dmabuf->priv;

	KUNIT_EXPECT_PTR_EQ(buffer->test, attach->priv, buffer);
	mock_called(buffer, MOCK_DETACH);
}

static int mock_op_pin(struct dma_buf_attachment *attach)
{
	struct mock_buffer *buffer = attach->dmabuf->priv;
	int err = mock_called(buffer, MOCK_PIN);

	if (!err)
		buffer->pins++;
	return err;
}

static void mock_op_unpin(struct dma_buf_attachment *attach)
{
	struct mock_buffer *buffer = attach->dmabuf->priv;

	mock_called(buffer, MOCK_UNPIN);
	buffer->pins--;
}

static struct sg_table *make_table(struct mock_buffer *buffer)
{
	size_t len = MOCK_SIZE / MOCK_ENTRIES;
	struct scatterlist *sg;
	struct sg_table *sgt;
	int i;

	sgt = kzalloc(sizeof(*sgt), GFP_KERNEL);
	if (!sgt)
		return ERR_PTR(-ENOMEM);
	if (sg_alloc_table(sgt, MOCK_ENTRIES, GFP_KERNEL)) {
		kfree(sgt);
		return ERR_PTR(-ENOMEM);
	}
	for_each_sgtable_sg(sgt, sg, i) {
		sg_set_page(sg, virt_to_page(buffer->memory + i * len), len, 0);
		sg_dma_address(sg) = MOCK_ADDRESS(i);
		sg_dma_len(sg) = len;
	}
	return sgt;
}

static struct sg_table *mock_op_map(struct dma_buf_attachment *attach,
				    enum dma_data_direction dir)
{
	struct mock_buffer *buffer = attach->dmabuf->priv;
	int err = mock_called(buffer, MOCK_MAP);
	struct sg_table *sgt;

	buffer->dir = dir;
	if (err)
		return ERR_PTR(err);
	if (buffer->map_gives_null)
		return NULL;
	sgt = make_table(buffer);
	if (!IS_ERR(sgt))
		buffer->mappings++;
	return sgt;
}

static void mock_op_unmap(struct dma_buf_attachment *attach,
			  struct sg_table *sgt, enum dma_data_direction dir)
{
	struct mock_buffer *buffer = attach->dmabuf->priv;

	mock_called(buffer, MOCK_UNMAP);
	buffer->dir = dir;
	buffer->mappings--;
	sg_free_table(sgt);
	kfree(sgt);
}

static void mock_op_release(struct dma_buf *dmabuf)
{
	struct mock_buffer *buffer = dmabuf->priv;

	mock_called(buffer, MOCK_RELEASE);
	mock_expect_unwatched(buffer->test, dmabuf);
	free_pages_exact(buffer->memory, MOCK_SIZE);
	complete(&buffer->released);
}

static int mock_op_begin(struct dma_buf *dmabuf, enum dma_data_direction dir)
{
	struct mock_buffer *buffer = dmabuf->priv;

	buffer->dir = dir;
	return mock_called(buffer, MOCK_BEGIN);
}

static int mock_op_end(struct dma_buf *dmabuf, enum dma_data_direction dir)
{
	struct mock_buffer *buffer = dmabuf->priv;

	buffer->dir = dir;
	return mock_called(buffer, MOCK_END);
}

static int mock_op_mmap(struct dma_buf *dmabuf, struct vm_area_struct *vma)
{
	struct mock_buffer *buffer = dmabuf->priv;
	int err = mock_called(buffer, MOCK_MMAP);
	unsigned long pfn = virt_to_phys(buffer->memory) >> PAGE_SHIFT;

	if (err)
		return err;
	return remap_pfn_range(vma, vma->vm_start, pfn + vma->vm_pgoff,
			       vma->vm_end - vma->vm_start, vma->vm_page_prot);
}

static int mock_op_vmap(struct dma_buf *dmabuf, struct iosys_map *map)
{
	struct mock_buffer *buffer = dmabuf->priv;
	int err = mock_called(buffer, MOCK_VMAP);

	if (!err)
		iosys_map_set_vaddr(map, buffer->memory);
	return err;
}

static void mock_op_vunmap(struct dma_buf *dmabuf, struct iosys_map *map)
{
	struct mock_buffer *buffer = dmabuf->priv;

	mock_called(buffer, MOCK_VUNMAP);
	KUNIT_EXPECT_PTR_EQ(buffer->test, map->vaddr, buffer->memory);
}

const struct dma_buf_ops mock_minimal_ops = {
	.map_dma_buf = mock_op_map,
	.unmap_dma_buf = mock_op_unmap,
	.release = mock_op_release,
};

#define MOCK_STATIC_OPS						\
	.attach = mock_op_attach,				\
	.detach = mock_op_detach,				\
	.map_dma_buf = mock_op_map,				\
	.unmap_dma_buf = mock_op_unmap,				\
	.release = mock_op_release,				\
	.begin_cpu_access = mock_op_begin,			\
	.end_cpu_access = mock_op_end,				\
	.mmap = mock_op_mmap,					\
	.vmap = mock_op_vmap,					\
	.vunmap = mock_op_vunmap

const struct dma_buf_ops mock_static_ops = {
	MOCK_STATIC_OPS,
};

const struct dma_buf_ops mock_caching_ops = {
	MOCK_STATIC_OPS,
	.cache_sgt_mapping = true,
};

const struct dma_buf_ops mock_dynamic_ops = {
	MOCK_STATIC_OPS,
	.pin = mock_op_pin,
	.unpin = mock_op_unpin,
};

/**
 * mock_copy_ops - ops for a test to change before it exports
 * @test: the test
 * @ops: what to start from
 *
 * Return: the copy.
 */
struct dma_buf_ops *mock_copy_ops(struct kunit *test,
				  const struct dma_buf_ops *ops)
{
	struct dma_buf_ops *copy;

	copy = kunit_kmalloc(test, sizeof(*copy), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, copy);
	*copy = *ops;
	return copy;
}

static void put_and_flush(struct mock_buffer *buffer)
{
	dma_buf_put(buffer->dmabuf);
	/* A kernel thread's last fput() is put off; don't wait for it. */
	flush_delayed_fput();
}

/**
 * mock_await_release - wait until the exporter's release op ran
 * @buffer: the buffer
 *
 * Return: whether it did.
 */
bool mock_await_release(struct mock_buffer *buffer)
{
	return wait_for_completion_timeout(&buffer->released, MOCK_PATIENCE);
}

static void put_at_end(void *data)
{
	struct mock_buffer *buffer = data;

	put_and_flush(buffer);
	if (!mock_await_release(buffer))
		KUNIT_FAIL(buffer->test, "the buffer was not released");
}

/**
 * mock_put - drop the test's reference on a buffer
 * @buffer: the buffer
 */
void mock_put(struct mock_buffer *buffer)
{
	kunit_remove_action(buffer->test, put_at_end, buffer);
	put_and_flush(buffer);
}

/**
 * mock_put_at_once - drop the last reference on a buffer
 * @buffer: the buffer
 *
 * All of the release is over when it returns, and ran in the test's thread.
 */
void mock_put_at_once(struct mock_buffer *buffer)
{
	kunit_remove_action(buffer->test, put_at_end, buffer);
	__fput_sync(buffer->dmabuf->file);
}

static struct sg_table *bare_map(struct dma_buf_attachment *attach,
				 enum dma_data_direction dir)
{
	return ERR_PTR(-EOPNOTSUPP);
}

static void bare_unmap(struct dma_buf_attachment *attach, struct sg_table *sgt,
		       enum dma_data_direction dir)
{
}

static void bare_release(struct dma_buf *dmabuf)
{
	struct kunit *test = kunit_get_current_test();

	if (test)
		mock_expect_unwatched(test, dmabuf);
	complete(dmabuf->priv);
}

static const struct dma_buf_ops bare_ops = {
	.map_dma_buf = bare_map,
	.unmap_dma_buf = bare_unmap,
	.release = bare_release,
};

/**
 * mock_export_bare - export a buffer without memory
 * @released: completed by its release
 *
 * For tests that make buffers by the thousand.
 *
 * Return: the buffer, or an error pointer.
 */
struct dma_buf *mock_export_bare(struct completion *released)
{
	struct dma_buf_export_info info = {
		.exp_name = "bare",
		.owner = THIS_MODULE,
		.ops = &bare_ops,
		.size = PAGE_SIZE,
		.flags = O_RDWR,
		.priv = released,
	};

	return dma_buf_export(&info);
}

/**
 * mock_export_as - export a buffer in a way of the test's own
 * @test: the test
 * @info: how; priv and size are filled in
 *
 * Return: the buffer.
 */
struct mock_buffer *mock_export_as(struct kunit *test,
				   const struct dma_buf_export_info *info)
{
	struct dma_buf_export_info mine = *info;
	struct mock_buffer *buffer;

	buffer = kunit_kzalloc(test, sizeof(*buffer), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, buffer);
	buffer->test = test;
	init_completion(&buffer->released);
	buffer->memory = alloc_pages_exact(MOCK_SIZE, GFP_KERNEL | __GFP_ZERO);
	KUNIT_ASSERT_NOT_NULL(test, buffer->memory);

	mine.priv = buffer;
	mine.size = MOCK_SIZE;
	buffer->dmabuf = dma_buf_export(&mine);
	if (IS_ERR(buffer->dmabuf))
		free_pages_exact(buffer->memory, MOCK_SIZE);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, buffer->dmabuf);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, put_at_end, buffer));
	return buffer;
}

/**
 * mock_export - export a buffer
 * @test: the test
 * @ops: what its exporter can do
 *
 * Return: the buffer.
 */
struct mock_buffer *mock_export(struct kunit *test,
				const struct dma_buf_ops *ops)
{
	struct dma_buf_export_info info = {
		.exp_name = "mock",
		.owner = THIS_MODULE,
		.ops = ops,
		.flags = O_RDWR,
	};

	return mock_export_as(test, &info);
}

static void mock_move_notify(struct dma_buf_attachment *attach)
{
	struct mock_importer *importer = attach->importer_priv;

	KUNIT_EXPECT_TRUE(importer->test,
			  dma_resv_is_locked(attach->dmabuf->resv));
	importer->moves++;
}

const struct dma_buf_attach_ops mock_importer_ops = {
	.move_notify = mock_move_notify,
};

static void detach_at_end(void *data)
{
	struct mock_importer *importer = data;

	dma_buf_detach(importer->attach->dmabuf, importer->attach);
}

static struct mock_importer *import(struct mock_buffer *buffer,
				    const char *name,
				    const struct dma_buf_attach_ops *ops)
{
	struct kunit *test = buffer->test;
	struct mock_importer *importer;

	importer = kunit_kzalloc(test, sizeof(*importer), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, importer);
	importer->test = test;
	importer->dev = kunit_device_register(test, name);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, importer->dev);

	importer->attach = dma_buf_dynamic_attach(buffer->dmabuf, importer->dev,
						  ops, importer);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, importer->attach);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, detach_at_end,
						  importer));
	return importer;
}

/**
 * mock_import - attach a device whose driver can't follow moves
 * @buffer: the buffer
 * @name: of the device, unique within the test
 *
 * Return: the importer.
 */
struct mock_importer *mock_import(struct mock_buffer *buffer, const char *name)
{
	return import(buffer, name, NULL);
}

/**
 * mock_import_dynamic - attach a device whose driver follows moves
 * @buffer: the buffer
 * @name: of the device, unique within the test
 *
 * Return: the importer.
 */
struct mock_importer *mock_import_dynamic(struct mock_buffer *buffer,
					  const char *name)
{
	return import(buffer, name, &mock_importer_ops);
}

/**
 * mock_detach - end an import
 * @importer: who ends it
 */
void mock_detach(struct mock_importer *importer)
{
	kunit_release_action(importer->test, detach_at_end, importer);
}

static bool note_misuse(const char *exporter, struct device *dev,
			const char *what)
{
	struct mock_misuse *misuse = kunit_get_current_test()->priv;

	misuse->count++;
	misuse->exporter = exporter;
	misuse->dev = dev;
	misuse->what = what;
	return true;
}

/**
 * mock_catch_misuse - have the test told of misuse, instead of the log
 * @test: the test; its priv is taken
 *
 * Return: what the test is told.
 */
struct mock_misuse *mock_catch_misuse(struct kunit *test)
{
	struct mock_misuse *misuse;

	misuse = kunit_kzalloc(test, sizeof(*misuse), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, misuse);
	test->priv = misuse;
	kunit_activate_static_stub(test, dma_buf_misuse, note_misuse);
	return misuse;
}

void mock_interrupt_begin(void)
{
	allow_signal(SIGINT);
	send_sig(SIGINT, current, 1);
}

void mock_interrupt_end(void)
{
	flush_signals(current);
	disallow_signal(SIGINT);
}

static void stop_thread(void *thread)
{
	kthread_stop(thread);
}

/**
 * mock_thread - have a thread run until the test ends
 * @test: the test
 * @run: what it runs, until kthread_should_stop()
 * @data: what for
 * @name: of the thread
 */
void mock_thread(struct kunit *test, int (*run)(void *data), void *data,
		 const char *name)
{
	struct task_struct *thread = kthread_run(run, data, "%s", name);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, thread);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, stop_thread, thread));
}

/**
 * mock_user_memory - memory as a program has it
 * @test: the test
 * @size: in bytes
 *
 * Return: its address.
 */
void __user *mock_user_memory(struct kunit *test, size_t size)
{
	unsigned long address;

	address = kunit_vm_mmap(test, NULL, 0, size, PROT_READ | PROT_WRITE,
				MAP_ANONYMOUS | MAP_PRIVATE, 0);
	KUNIT_ASSERT_NE(test, address, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(address));
	return (void __user *)address;
}

/**
 * mock_ioctl - what a program's ioctl on a buffer does
 * @buffer: the buffer
 * @cmd: the command
 * @arg: its argument, read and written
 * @size: of @arg in bytes
 *
 * Return: its result.
 */
long mock_ioctl(struct mock_buffer *buffer, unsigned int cmd, void *arg,
		size_t size)
{
	void __user *user = mock_user_memory(buffer->test, size);
	struct file *file = buffer->dmabuf->file;
	long ret;

	KUNIT_ASSERT_EQ(buffer->test, copy_to_user(user, arg, size), 0);
	ret = file->f_op->unlocked_ioctl(file, cmd, (unsigned long)user);
	KUNIT_ASSERT_EQ(buffer->test, copy_from_user(arg, user, size), 0);
	return ret;
}

MODULE_DESCRIPTION("KUnit tests of buffer sharing");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(DMA_BUF);
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
