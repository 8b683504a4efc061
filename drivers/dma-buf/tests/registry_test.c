// SPDX-License-Identifier: GPL-2.0-only
/*
 * All live buffers, as debugfs dma_buf/bufinfo lists them: each once, none that
 * is gone, and without waiting for anybody.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kthread.h>
#include <linux/mount.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include "mock.h"

#define LISTING_SIZE (512 * 1024)

/**
 * struct bufinfo_reader - somebody who reads bufinfo
 * @test: whose it is
 * @debugfs: a mount of debugfs of its own
 * @user: where each read goes to
 * @text: what the last listing was
 */
struct bufinfo_reader {
	struct kunit *test;
	struct vfsmount *debugfs;
	char __user *user;
	char *text;
};

static int registry_init(struct kunit *test)
{
	if (!IS_ENABLED(CONFIG_DEBUG_FS))
		kunit_skip(test, "there is no bufinfo: DEBUG_FS is off");
	if (!IS_ENABLED(CONFIG_MMU))
		kunit_skip(test, "nobody reads files: MMU is off");
	return 0;
}

static void unmount_at_end(void *debugfs)
{
	kern_unmount(debugfs);
}

static void free_at_end(void *text)
{
	vfree(text);
}

static struct bufinfo_reader *bufinfo_reader(struct kunit *test)
{
	struct bufinfo_reader *reader;

	reader = kunit_kzalloc(test, sizeof(*reader), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, reader);
	reader->test = test;
	reader->user = mock_user_memory(test, PAGE_SIZE);
	reader->text = vmalloc(LISTING_SIZE);
	KUNIT_ASSERT_NOT_NULL(test, reader->text);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, free_at_end,
							   reader->text));
	reader->debugfs = kern_mount(get_fs_type("debugfs"));
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, reader->debugfs);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, unmount_at_end,
						  reader->debugfs));
	return reader;
}

static struct file *open_bufinfo(struct bufinfo_reader *reader)
{
	struct file *file;

	file = file_open_root_mnt(reader->debugfs, "dma_buf/bufinfo", O_RDONLY,
				  0);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(reader->test, file);
	return file;
}

/* Up to @chunk bytes more of an open bufinfo; what read() returns. */
static ssize_t read_chunk(struct bufinfo_reader *reader, struct file *file,
			  size_t chunk, loff_t *pos)
{
	char *to = reader->text + *pos;
	ssize_t len;

	len = file->f_op->read(file, reader->user, chunk, pos);
	if (len > 0 && copy_from_user(to, reader->user, len))
		return -EFAULT;
	reader->text[*pos] = '\0';
	return len;
}

/* Reads the rest of an open bufinfo, so many bytes at a time, and closes it. */
static void read_on(struct bufinfo_reader *reader, struct file *file,
		    size_t chunk, loff_t pos)
{
	ssize_t len;

	do {
		len = read_chunk(reader, file, chunk, &pos);
	} while (len > 0 && pos + chunk < LISTING_SIZE);
	fput(file);
	flush_delayed_fput();
	KUNIT_ASSERT_EQ(reader->test, len, 0);
}

/* Reads all of bufinfo, so many bytes at a time. */
static void read_bufinfo(struct bufinfo_reader *reader, size_t chunk)
{
	read_on(reader, open_bufinfo(reader), chunk, 0);
}

/* The part of a buffer's row that nothing else in a listing looks like. */
static void row_key(struct dma_buf *dmabuf, char *key, size_t size)
{
	snprintf(key, size, "\t%s\t%08lu\t", dmabuf->exp_name,
		 dma_buf_ino(dmabuf));
}

static int count_rows(struct bufinfo_reader *reader, struct dma_buf *dmabuf)
{
	char *found = reader->text;
	char key[64];
	int count = 0;

	row_key(dmabuf, key, sizeof(key));
	while ((found = strstr(found, key))) {
		found += strlen(key);
		count++;
	}
	return count;
}

/* Expects what is listed of a buffer, from its name on. */
static void expect_listed(struct bufinfo_reader *reader, struct dma_buf *dmabuf,
			  const char *expected)
{
	char key[64];
	char *row;

	row_key(dmabuf, key, sizeof(key));
	row = strstr(reader->text, key);
	KUNIT_ASSERT_NOT_NULL(reader->test, row);
	row += strlen(key);
	row[strnlen(row, strlen(expected))] = '\0';
	KUNIT_EXPECT_STREQ(reader->test, row, expected);
}

static void a_live_buffer_is_listed_once(struct kunit *test)
{
	struct bufinfo_reader *reader = bufinfo_reader(test);
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);

	read_bufinfo(reader, PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, count_rows(reader, buffer->dmabuf), 1);
	expect_listed(reader, buffer->dmabuf, "<none>\n"
		      "\tAttached Devices:\n"
		      "Total 0 devices attached\n\n");
}

static void a_released_buffer_is_not_listed(struct kunit *test)
{
	struct bufinfo_reader *reader = bufinfo_reader(test);
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);
	char key[64];

	row_key(buffer->dmabuf, key, sizeof(key));
	mock_put_at_once(buffer);
	read_bufinfo(reader, PAGE_SIZE);
	KUNIT_EXPECT_NULL(test, strstr(reader->text, key));
}

/* Its last reference has gone, and whoever dropped it is about to say so. */
static void a_buffer_on_its_way_out_is_not_listed(struct kunit *test)
{
	struct bufinfo_reader *reader = bufinfo_reader(test);
	struct mock_buffer *leaving = mock_export(test, &mock_minimal_ops);
	struct mock_buffer *other = mock_export(test, &mock_minimal_ops);
	atomic_long_t *references = &leaving->dmabuf->file->f_count;
	long count = atomic_long_xchg(references, 0);

	read_bufinfo(reader, PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, atomic_long_xchg(references, count), 0);
	KUNIT_EXPECT_EQ(test, count_rows(reader, leaving->dmabuf), 0);
	KUNIT_EXPECT_EQ(test, count_rows(reader, other->dmabuf), 1);
}

/* The reader stands before the one in the middle when that goes. */
static void a_reader_is_moved_on_when_a_buffer_goes(struct kunit *test)
{
	struct bufinfo_reader *reader = bufinfo_reader(test);
	struct mock_buffer *buffers[3];
	struct file *file;
	loff_t pos = 0;
	char gone[64];
	int i;

	migrate_disable();
	for (i = 0; i < ARRAY_SIZE(buffers); i++)
		buffers[i] = mock_export(test, &mock_minimal_ops);
	migrate_enable();
	row_key(buffers[1]->dmabuf, gone, sizeof(gone));

	file = open_bufinfo(reader);
	do
		KUNIT_ASSERT_EQ(test, read_chunk(reader, file, 1, &pos), 1);
	while (!count_rows(reader, buffers[0]->dmabuf));
	mock_put_at_once(buffers[1]);
	read_on(reader, file, PAGE_SIZE, pos);
	KUNIT_EXPECT_NULL(test, strstr(reader->text, gone));
	KUNIT_EXPECT_EQ(test, count_rows(reader, buffers[0]->dmabuf), 1);
	KUNIT_EXPECT_EQ(test, count_rows(reader, buffers[2]->dmabuf), 1);
}

static void a_row_has_size_flags_mode_and_count(struct kunit *test)
{
	struct bufinfo_reader *reader = bufinfo_reader(test);
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);
	struct file *file = buffer->dmabuf->file;
	char row[128];

	snprintf(row, sizeof(row),
		 "%08lu\t%08x\t%08x\t00000001\tmock\t%08lu\t<none>\n",
		 MOCK_SIZE, file->f_flags, (__force unsigned int)file->f_mode,
		 dma_buf_ino(buffer->dmabuf));
	read_bufinfo(reader, PAGE_SIZE);
	KUNIT_EXPECT_NOT_NULL_MSG(test, strstr(reader->text, row),
				  "no row %s", row);
}

static void a_name_is_escaped(struct kunit *test)
{
	struct bufinfo_reader *reader = bufinfo_reader(test);
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);
	char name[DMA_BUF_NAME_LEN] = "a\tb\nc\\";

	KUNIT_ASSERT_EQ(test, 0, mock_ioctl(buffer, DMA_BUF_SET_NAME_B, name,
					    sizeof(name)));
	read_bufinfo(reader, PAGE_SIZE);
	expect_listed(reader, buffer->dmabuf, "a\\011b\\012c\\134\n");
}

static void attached_devices_are_listed(struct kunit *test)
{
	struct bufinfo_reader *reader = bufinfo_reader(test);
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);
	struct mock_importer *camera = mock_import(buffer, "camera");
	char expected[256];

	snprintf(expected, sizeof(expected),
		 "<none>\n\tAttached Devices:\n\t%s\n"
		 "Total 1 devices attached\n\n", dev_name(camera->dev));
	read_bufinfo(reader, PAGE_SIZE);
	expect_listed(reader, buffer->dmabuf, expected);
}

static void a_busy_buffer_is_not_waited_for(struct kunit *test)
{
	struct bufinfo_reader *reader = bufinfo_reader(test);
	struct dma_resv *resv = mock_resv(test);
	struct dma_buf_export_info info = {
		.exp_name = "mock",
		.ops = &mock_minimal_ops,
		.resv = resv,
	};
	struct mock_buffer *busy, *other;

	busy = mock_export_as(test, &info);
	other = mock_export(test, &mock_minimal_ops);
	mock_lock_elsewhere(test, resv);

	read_bufinfo(reader, PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, count_rows(reader, other->dmabuf), 1);
	expect_listed(reader, busy->dmabuf, "<none>\n\tbusy");
}

/**
 * struct totals - bufinfo's last line
 * @objects: buffers
 * @bytes: their sizes, added up
 */
struct totals {
	unsigned int objects;
	size_t bytes;
};

static struct totals read_totals(struct bufinfo_reader *reader)
{
	struct totals totals = {};
	char *line, *last;

	read_bufinfo(reader, PAGE_SIZE);
	last = strrchr(reader->text, '\n');
	KUNIT_ASSERT_NOT_NULL(reader->test, last);
	KUNIT_EXPECT_STREQ(reader->test, last, "\n");
	*last = '\0';
	line = strrchr(reader->text, '\n');
	KUNIT_ASSERT_NOT_NULL(reader->test, line);
	KUNIT_ASSERT_EQ_MSG(reader->test, 2,
			    sscanf(line, "\nTotal %u objects, %zu bytes",
				   &totals.objects, &totals.bytes),
			    "%s", line);
	return totals;
}

static void the_last_line_adds_up(struct kunit *test)
{
	struct bufinfo_reader *reader = bufinfo_reader(test);
	struct totals before = read_totals(reader), after;
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);

	mock_export(test, &mock_minimal_ops);
	after = read_totals(reader);
	KUNIT_EXPECT_EQ(test, after.objects, before.objects + 2);
	KUNIT_EXPECT_EQ(test, after.bytes, before.bytes + 2 * MOCK_SIZE);

	mock_put_at_once(buffer);
	after = read_totals(reader);
	KUNIT_EXPECT_EQ(test, after.objects, before.objects + 1);
	KUNIT_EXPECT_EQ(test, after.bytes, before.bytes + MOCK_SIZE);
}

#define MANY 100

/**
 * struct many_buffers - buffers that live as long as the test
 * @released: how many don't any more
 * @dmabufs: the buffers
 */
struct many_buffers {
	struct completion released;
	struct dma_buf *dmabufs[MANY];
};

static void put_many(void *data)
{
	struct many_buffers *many = data;
	int i;

	for (i = 0; i < MANY && many->dmabufs[i]; i++)
		dma_buf_put(many->dmabufs[i]);
	flush_delayed_fput();
	while (i--)
		wait_for_completion(&many->released);
}

static struct many_buffers *export_many(struct kunit *test)
{
	struct many_buffers *many;
	struct dma_buf *dmabuf;
	int i;

	many = kunit_kzalloc(test, sizeof(*many), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, many);
	init_completion(&many->released);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, put_many, many));
	for (i = 0; i < MANY; i++) {
		dmabuf = mock_export_bare(&many->released);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dmabuf);
		many->dmabufs[i] = dmabuf;
	}
	return many;
}

static void expect_all_once(struct bufinfo_reader *reader,
			    struct many_buffers *many)
{
	int i;

	for (i = 0; i < MANY; i++)
		KUNIT_EXPECT_EQ_MSG(reader->test, 1,
				    count_rows(reader, many->dmabufs[i]),
				    "buffer %d", i);
}

static void many_buffers_are_listed_once_each(struct kunit *test)
{
	struct bufinfo_reader *reader = bufinfo_reader(test);
	struct many_buffers *many = export_many(test);

	read_bufinfo(reader, PAGE_SIZE);
	expect_all_once(reader, many);
	/* A read may end in the middle of a row. */
	read_bufinfo(reader, 37);
	expect_all_once(reader, many);
}

/**
 * struct exporter - a thread that makes buffers and drops them
 * @thread: the thread
 * @buffers: how many it made
 * @error: why it couldn't make one
 */
struct exporter {
	struct task_struct *thread;
	unsigned int buffers;
	int error;
};

static int export_and_put(void *data)
{
	struct exporter *exporter = data;
	struct completion released;
	struct dma_buf *dmabuf;

	init_completion(&released);
	while (!kthread_should_stop()) {
		dmabuf = mock_export_bare(&released);
		if (IS_ERR(dmabuf)) {
			exporter->error = PTR_ERR(dmabuf);
			schedule_timeout_interruptible(HZ);
			continue;
		}
		__fput_sync(dmabuf->file);
		wait_for_completion(&released);
		WRITE_ONCE(exporter->buffers, exporter->buffers + 1);
		cond_resched();
	}
	return 0;
}

static void stop_exporter(void *data)
{
	struct exporter *exporter = data;

	kthread_stop(exporter->thread);
}

static struct exporter *start_exporter(struct kunit *test, int cpu)
{
	struct exporter *exporter;

	exporter = kunit_kzalloc(test, sizeof(*exporter), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, exporter);
	exporter->thread = kthread_create(export_and_put, exporter,
					  "dma_buf_export");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, exporter->thread);
	kthread_bind(exporter->thread, cpu);
	wake_up_process(exporter->thread);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, stop_exporter,
						  exporter));
	return exporter;
}

static void a_storm_of_exports_hides_nobody(struct kunit *test)
{
	struct bufinfo_reader *reader = bufinfo_reader(test);
	struct many_buffers *many = export_many(test);
	struct exporter *exporters[4] = {};
	int cpu, i = 0;

	for_each_online_cpu(cpu) {
		exporters[i++] = start_exporter(test, cpu);
		if (i == ARRAY_SIZE(exporters))
			break;
	}
	for (i = 0; i < 10; i++) {
		read_bufinfo(reader, 500);
		expect_all_once(reader, many);
		cond_resched();
	}
	for (i = 0; i < ARRAY_SIZE(exporters) && exporters[i]; i++) {
		while (!READ_ONCE(exporters[i]->buffers) &&
		       !READ_ONCE(exporters[i]->error))
			cond_resched();
		KUNIT_EXPECT_EQ(test, exporters[i]->error, 0);
		kunit_info(test, "%u buffers", exporters[i]->buffers);
	}
}

static struct kunit_case registry_cases[] = {
	KUNIT_CASE(a_live_buffer_is_listed_once),
	KUNIT_CASE(a_released_buffer_is_not_listed),
	KUNIT_CASE(a_buffer_on_its_way_out_is_not_listed),
	KUNIT_CASE(a_reader_is_moved_on_when_a_buffer_goes),
	KUNIT_CASE(a_row_has_size_flags_mode_and_count),
	KUNIT_CASE(a_name_is_escaped),
	KUNIT_CASE(attached_devices_are_listed),
	KUNIT_CASE(a_busy_buffer_is_not_waited_for),
	KUNIT_CASE(the_last_line_adds_up),
	KUNIT_CASE(many_buffers_are_listed_once_each),
	KUNIT_CASE_SLOW(a_storm_of_exports_hides_nobody),
	{}
};

static struct kunit_suite registry_suite = {
	.name = "dma_buf_registry",
	.init = registry_init,
	.test_cases = registry_cases,
};

kunit_test_suite(registry_suite);
