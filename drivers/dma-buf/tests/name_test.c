// SPDX-License-Identifier: GPL-2.0-only
/*
 * The name that a program gives a buffer, and where it shows: in paths and in
 * fdinfo, as one line whatever the program wrote.
 */
#include <linux/dcache.h>
#include <linux/kthread.h>
#include <linux/seq_file.h>

#include "mock.h"

static long set_name(struct mock_buffer *buffer, const char *name)
{
	char arg[2 * DMA_BUF_NAME_LEN] = "";

	strscpy(arg, name, sizeof(arg));
	return mock_ioctl(buffer, DMA_BUF_SET_NAME_B, arg, sizeof(arg));
}

static void expect_path(struct mock_buffer *buffer, const char *expected)
{
	char room[256];
	char *path;

	path = d_path(&buffer->dmabuf->file->f_path, room, sizeof(room));
	KUNIT_ASSERT_NOT_ERR_OR_NULL(buffer->test, path);
	KUNIT_EXPECT_STREQ(buffer->test, path, expected);
}

/* With as many references of others, and the line of a name or "". */
static void expect_fdinfo(struct mock_buffer *buffer, int count,
			  const char *name)
{
	struct file *file = buffer->dmabuf->file;
	char text[512] = "", expected[512];
	struct seq_file m = {
		.buf = text,
		.size = sizeof(text),
	};

	file->f_op->show_fdinfo(&m, file);
	KUNIT_ASSERT_LT(buffer->test, m.count, m.size);
	text[m.count] = '\0';
	snprintf(expected, sizeof(expected),
		 "size:\t%lu\ncount:\t%d\nexp_name:\tmock\n%s", MOCK_SIZE,
		 count, name);
	KUNIT_EXPECT_STREQ(buffer->test, text, expected);
}

static void without_a_name_only_the_file_system_shows(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);

	expect_path(buffer, "/dmabuf:");
	expect_fdinfo(buffer, 0, "");
}

static void a_name_shows(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);

	KUNIT_EXPECT_EQ(test, set_name(buffer, "frame 7"), 0);
	expect_path(buffer, "/dmabuf:frame 7");
	expect_fdinfo(buffer, 0, "name:\tframe 7\n");
}

static void the_latest_name_shows(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);

	KUNIT_EXPECT_EQ(test, set_name(buffer, "one"), 0);
	KUNIT_EXPECT_EQ(test, set_name(buffer, "other"), 0);
	expect_path(buffer, "/dmabuf:other");
	KUNIT_EXPECT_EQ(test, set_name(buffer, ""), 0);
	expect_path(buffer, "/dmabuf:");
}

static void either_pointer_size_sets_it(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);
	char name[DMA_BUF_NAME_LEN] = "narrow";

	KUNIT_EXPECT_EQ(test, 0, mock_ioctl(buffer, DMA_BUF_SET_NAME_A, name,
					    sizeof(name)));
	expect_path(buffer, "/dmabuf:narrow");
}

static void fdinfo_counts_the_others_references(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);

	get_dma_buf(buffer->dmabuf);
	expect_fdinfo(buffer, 1, "");
	dma_buf_put(buffer->dmabuf);
}

static void the_longest_name_fits(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);

	KUNIT_EXPECT_EQ(test, 0,
			set_name(buffer, "0123456789012345678901234567890"));
	expect_path(buffer, "/dmabuf:0123456789012345678901234567890");
}

static void a_longer_name_changes_nothing(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);

	KUNIT_EXPECT_EQ(test, set_name(buffer, "short"), 0);
	KUNIT_EXPECT_EQ(test, -EINVAL,
			set_name(buffer, "01234567890123456789012345678901"));
	expect_path(buffer, "/dmabuf:short");
}

static void a_name_out_of_nowhere_changes_nothing(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);
	struct file *file = buffer->dmabuf->file;

	KUNIT_EXPECT_EQ(test, set_name(buffer, "here"), 0);
	KUNIT_EXPECT_EQ(test, -EFAULT,
			file->f_op->unlocked_ioctl(file, DMA_BUF_SET_NAME_B, 0));
	expect_path(buffer, "/dmabuf:here");
}

static void a_name_cannot_forge_a_line(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);

	KUNIT_EXPECT_EQ(test, set_name(buffer, "a\nsize:\t1\\\x7f\x1b["), 0);
	expect_path(buffer, "/dmabuf:a\\012size:\\0111\\134\\177\\033[");
	expect_fdinfo(buffer, 0,
		      "name:\ta\\012size:\\0111\\134\\177\\033[\n");
}

static void a_name_of_escapes_alone_fits(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);
	char expected[sizeof("/dmabuf:") + 4 * DMA_BUF_NAME_LEN] = "/dmabuf:";
	char name[DMA_BUF_NAME_LEN] = "";
	int i;

	for (i = 0; i < DMA_BUF_NAME_LEN - 1; i++) {
		name[i] = '\n';
		strlcat(expected, "\\012", sizeof(expected));
	}
	KUNIT_EXPECT_EQ(test, set_name(buffer, name), 0);
	expect_path(buffer, expected);
}

static void a_name_has_to_fit_the_readers_room(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);
	struct path *path = &buffer->dmabuf->file->f_path;
	char room[sizeof("/dmabuf:name")];

	KUNIT_EXPECT_EQ(test, set_name(buffer, "name"), 0);
	KUNIT_EXPECT_STREQ(test, d_path(path, room, sizeof(room)),
			   "/dmabuf:name");
	KUNIT_EXPECT_PTR_EQ(test, d_path(path, room, sizeof(room) - 1),
			    ERR_PTR(-ENAMETOOLONG));
}

static void what_a_buffer_cannot_do_is_enotty(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);
	u64 arg = 0;

	KUNIT_EXPECT_EQ(test, -ENOTTY,
			mock_ioctl(buffer, _IO('b', 99), &arg, sizeof(arg)));
	KUNIT_EXPECT_EQ(test, -ENOTTY,
			mock_ioctl(buffer, _IO('x', 0), &arg, sizeof(arg)));
}

/**
 * struct name_reader - a thread that reads a buffer's path all the time
 * @buffer: the buffer
 * @reads: how often it did
 * @torn: how often it read what nobody wrote
 */
struct name_reader {
	struct mock_buffer *buffer;
	unsigned int reads;
	unsigned int torn;
};

static int read_names(void *data)
{
	struct name_reader *reader = data;
	struct path *path = &reader->buffer->dmabuf->file->f_path;
	char room[64];
	char *name;

	while (!kthread_should_stop()) {
		name = d_path(path, room, sizeof(room));
		if (strcmp(name, "/dmabuf:aaaaaaaaaaaaaaaaaaaa") &&
		    strcmp(name, "/dmabuf:bbbb"))
			reader->torn++;
		WRITE_ONCE(reader->reads, reader->reads + 1);
		cond_resched();
	}
	return 0;
}

static void change_names(struct mock_buffer *buffer,
			 struct name_reader *reader)
{
	static const char * const names[] = { "aaaaaaaaaaaaaaaaaaaa", "bbbb" };
	struct file *file = buffer->dmabuf->file;
	char __user *user = mock_user_memory(buffer->test, PAGE_SIZE);
	int i;

	for (i = 0; i < 2000 || READ_ONCE(reader->reads) < 100; i++) {
		const char *name = names[i % 2];

		if (copy_to_user(user, name, strlen(name) + 1) ||
		    file->f_op->unlocked_ioctl(file, DMA_BUF_SET_NAME_B,
					       (unsigned long)user)) {
			KUNIT_FAIL(buffer->test, "cannot set the name");
			return;
		}
		cond_resched();
	}
}

static void readers_see_one_name_or_the_other(struct kunit *test)
{
	struct mock_buffer *buffer = mock_export(test, &mock_minimal_ops);
	struct name_reader reader = { .buffer = buffer };
	struct task_struct *thread;

	KUNIT_ASSERT_EQ(test, set_name(buffer, "bbbb"), 0);
	/* From here on the test's thread doesn't give up half-way. */
	thread = kthread_run(read_names, &reader, "dma_buf_names");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, thread);
	change_names(buffer, &reader);
	kthread_stop(thread);
	KUNIT_EXPECT_GE(test, reader.reads, 100);
	KUNIT_EXPECT_EQ(test, reader.torn, 0);
}

static struct kunit_case name_cases[] = {
	KUNIT_CASE(without_a_name_only_the_file_system_shows),
	KUNIT_CASE(a_name_shows),
	KUNIT_CASE(the_latest_name_shows),
	KUNIT_CASE(either_pointer_size_sets_it),
	KUNIT_CASE(fdinfo_counts_the_others_references),
	KUNIT_CASE(the_longest_name_fits),
	KUNIT_CASE(a_longer_name_changes_nothing),
	KUNIT_CASE(a_name_out_of_nowhere_changes_nothing),
	KUNIT_CASE(a_name_cannot_forge_a_line),
	KUNIT_CASE(a_name_of_escapes_alone_fits),
	KUNIT_CASE(a_name_has_to_fit_the_readers_room),
	KUNIT_CASE(what_a_buffer_cannot_do_is_enotty),
	KUNIT_CASE(readers_see_one_name_or_the_other),
	{}
};

static struct kunit_suite name_suite = {
	.name = "dma_buf_name",
	.test_cases = name_cases,
};

kunit_test_suite(name_suite);
