// SPDX-License-Identifier: GPL-2.0-only
/*
 * An exporter whose memory is a few pages and which writes down what it is
 * asked to do, its importers, and what else a test needs around it.
 */
#include <kunit/static_stub.h>
#include <kunit/test-bug.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/tracepoint.h>
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
 * mock_file_ioctl - what a program's ioctl on a file does
 * @test: the test
 * @file: the file
 * @cmd: the command
 * @arg: its argument, read and written
 * @size: of @arg in bytes
 *
 * Return: its result.
 */
long mock_file_ioctl(struct kunit *test, struct file *file, unsigned int cmd,
		     void *arg, size_t size)
{
	void __user *user = mock_user_memory(test, size);
	long ret;

	KUNIT_ASSERT_EQ(test, copy_to_user(user, arg, size), 0);
	ret = file->f_op->unlocked_ioctl(file, cmd, (unsigned long)user);
	KUNIT_ASSERT_EQ(test, copy_from_user(arg, user, size), 0);
	return ret;
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
	return mock_file_ioctl(buffer->test, buffer->dmabuf->file, cmd, arg,
			       size);
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

/**
 * mock_probe - have an event of tracing call the test
 * @test: the test; skipped if the kernel has no events
 * @event: its name; the events themselves are out of a module's reach
 * @call: what it calls, with @data before what the event tells
 * @data: what for
 */
void mock_probe(struct kunit *test, const char *event, void *call, void *data)
{
	struct probe *probe;

	if (!IS_ENABLED(CONFIG_TRACEPOINTS))
		kunit_skip(test, "there are no events: TRACEPOINTS is off");
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

/**
 * mock_expect_description - expect a fence to be described in some way
 * @test: the test
 * @fence: the fence
 * @expected: the description
 */
void mock_expect_description(struct kunit *test, struct dma_fence *fence,
			     const char *expected)
{
	char text[80] = "";
	struct seq_file seq = { .buf = text, .size = sizeof(text) };

	dma_fence_describe(fence, &seq);
	text[min(seq.count, sizeof(text) - 1)] = '\0';
	KUNIT_EXPECT_STREQ(test, text, expected);
}

#ifdef CONFIG_FAILSLAB
/* Writes a setting of failslab, for which there is no way but debugfs. */
static int write_setting(struct kunit *test, struct vfsmount *debugfs,
			 const char *name, char value)
{
	struct path root = { .mnt = debugfs, .dentry = debugfs->mnt_root };
	void __user *user = mock_user_memory(test, 1);
	struct file *file;
	loff_t pos = 0;
	ssize_t ret;

	if (copy_to_user(user, &value, 1))
		return -EFAULT;
	file = file_open_root(&root, name, O_WRONLY, 0);
	if (IS_ERR(file))
		return PTR_ERR(file);
	ret = file->f_op->write(file, user, 1, &pos);
	fput(file);
	flush_delayed_fput();
	return ret == 1 ? 0 : -EIO;
}

/* It may stay so: nothing fails that isn't told to. */
static int set_up_failslab(struct kunit *test)
{
	struct file_system_type *type = get_fs_type("debugfs");
	struct vfsmount *debugfs;
	int err;

	if (!type)
		return -ENODEV;
	debugfs = kern_mount(type);
	module_put(type->owner);
	if (IS_ERR(debugfs))
		return PTR_ERR(debugfs);
	err = write_setting(test, debugfs, "failslab/ignore-gfp-wait", '0') ?:
	      write_setting(test, debugfs, "failslab/verbose", '0');
	kern_unmount(debugfs);
	return err;
}

/**
 * mock_faults_begin - let allocations fail that mock_fail_nth() tells to
 * @test: the test; skipped if the kernel can't do so
 */
void mock_faults_begin(struct kunit *test)
{
	if (set_up_failslab(test))
		kunit_skip(test, "failslab is not in debugfs");
}

/**
 * mock_fail_nth - let an allocation of this thread fail
 * @nth: which one from now on, beginning with 1
 */
void mock_fail_nth(unsigned int nth)
{
	WRITE_ONCE(current->fail_nth, nth);
}

/**
 * mock_failed - no allocation is to fail any more
 *
 * Return: whether the one that was to fail did.
 */
bool mock_failed(void)
{
	bool failed = !READ_ONCE(current->fail_nth);

	WRITE_ONCE(current->fail_nth, 0);
	return failed;
}
#else
void mock_faults_begin(struct kunit *test)
{
	kunit_skip(test, "needs CONFIG_FAILSLAB");
}

void mock_fail_nth(unsigned int nth) {}

bool mock_failed(void)
{
	return false;
}
#endif

MODULE_DESCRIPTION("KUnit tests of buffer sharing");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(DMA_BUF);
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
