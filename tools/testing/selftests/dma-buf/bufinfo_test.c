// SPDX-License-Identifier: GPL-2.0-only
/* What debugfs tells of all buffers. Reading it is checking it: see bufinfo.h. */
#include "../kselftest_harness.h"

#include <sched.h>

#include "bufinfo.h"
#include "prime.h"

FIXTURE(bufinfo)
{
	int buffer;
	unsigned long long ino;
};

FIXTURE_SETUP(bufinfo)
{
	if (LACKS(SYSTEM_HEAP, BUFINFO))
		SKIP(return, "%s", lack);
	self->buffer = heap_alloc(3 * page_size());
	ASSERT_LE(0, self->buffer);
	self->ino = inode_number(self->buffer);
}

FIXTURE_TEARDOWN(bufinfo)
{
	close(self->buffer);
}

TEST_F(bufinfo, a_buffer_has_a_row_until_it_goes)
{
	struct bufinfo_buffer row;

	EXPECT_EQ(0, bufinfo_find(self->ino, &row));
	close(self->buffer);
	self->buffer = -1;
	EXPECT_TRUE(wait_until_gone(self->ino));
}

TEST_F(bufinfo, a_row_has_the_buffers_values)
{
	struct bufinfo_buffer row;

	ASSERT_EQ(0, set_name(self->buffer, "a name"));
	ASSERT_EQ(0, bufinfo_find(self->ino, &row));
	EXPECT_EQ(3 * page_size(), row.size);
	EXPECT_EQ((unsigned int)O_RDWR, row.flags & O_ACCMODE);
	EXPECT_NE(0U, row.mode);
	EXPECT_EQ(1, row.count);
	EXPECT_STREQ("system", row.exp_name);
	EXPECT_STREQ("a name", row.name);
	EXPECT_EQ(0, row.fences);
	EXPECT_EQ(0, row.devices);
}

TEST_F(bufinfo, the_count_does_not_include_the_reader)
{
	struct bufinfo_buffer row;
	int other = dup(self->buffer);

	ASSERT_LE(0, other);
	ASSERT_EQ(0, bufinfo_find(self->ino, &row));
	EXPECT_EQ(2, row.count);
	EXPECT_EQ(reference_count(self->buffer), row.count);
	close(other);
}

TEST_F(bufinfo, the_totals_grow_with_each_buffer)
{
	enum { MANY = 50 };
	struct bufinfo before, after;
	int buffers[MANY], i;

	ASSERT_EQ(0, bufinfo_read(&before));
	for (i = 0; i < MANY; i++) {
		buffers[i] = heap_alloc((i + 1) * page_size());
		ASSERT_LE(0, buffers[i]);
	}
	ASSERT_EQ(0, bufinfo_read(&after)) TH_LOG("%s", after.error);
	EXPECT_EQ(before.count + MANY, after.count);
	EXPECT_EQ(before.bytes + MANY * (MANY + 1) / 2 * page_size(), after.bytes);
	for (i = 0; i < MANY; i++)
		close(buffers[i]);
	EXPECT_TRUE(wait_for_buffers(before.count));
	bufinfo_free(&before);
	bufinfo_free(&after);
}

/* As read, with @step bytes at a time. */
static char *read_in_steps(size_t step)
{
	size_t size = 0, room = 1 << 20;
	char *text = malloc(room);
	int fd = open(BUFINFO, O_RDONLY);
	ssize_t got = -1;

	while (text && fd >= 0 && size + step < room &&
	       (got = read(fd, text + size, step)) > 0)
		size += got;
	close(fd);
	if (text)
		text[got < 0 ? 0 : size] = '\0';
	return text;
}

TEST_F(bufinfo, small_reads_give_the_same_text)
{
	static const size_t steps[] = { 1, 7, 64, 4096 };
	char *whole = read_file(BUFINFO);
	size_t i;

	ASSERT_NE(NULL, whole);
	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		char *text = read_in_steps(steps[i]);

		ASSERT_NE(NULL, text);
		EXPECT_STREQ(whole, text);
		free(text);
	}
	free(whole);
}

TEST_F(bufinfo, rewinding_reads_it_afresh)
{
	int fd = open(BUFINFO, O_RDONLY);
	struct bufinfo info = {};
	char text[1 << 16], part[16];
	ssize_t size;
	int other;

	ASSERT_LE(0, fd);
	/* Leaves off in the middle of the first buffers. */
	ASSERT_EQ((ssize_t)sizeof(part), read(fd, part, sizeof(part)));
	other = heap_alloc(page_size());
	ASSERT_LE(0, other);
	ASSERT_EQ(0, lseek(fd, 0, SEEK_SET));
	for (size = 0; size < (ssize_t)sizeof(text) - 1;) {
		ssize_t got = read(fd, text + size, sizeof(text) - 1 - size);

		ASSERT_LE(0, got);
		if (!got)
			break;
		size += got;
	}
	text[size] = '\0';
	EXPECT_EQ(0, bufinfo_parse(&info, text)) TH_LOG("%s", info.error);
	EXPECT_EQ(count_buffers(), info.count);
	bufinfo_free(&info);
	close(other);
	close(fd);
}

TEST_F(bufinfo, a_reader_that_stops_half_way_holds_nothing_up)
{
	int fd = open(BUFINFO, O_RDONLY), other;
	unsigned long long ino;
	char part[200];

	ASSERT_LE(0, fd);
	ASSERT_LT(0, read(fd, part, sizeof(part)));
	other = heap_alloc(page_size());
	ASSERT_LE(0, other);
	ino = inode_number(other);
	close(other);
	EXPECT_TRUE(wait_until_gone(ino));
	close(self->buffer);
	self->buffer = -1;
	EXPECT_TRUE(wait_until_gone(self->ino));
	EXPECT_LE(0, read(fd, part, sizeof(part)));
	close(fd);
}

TEST_F(bufinfo, only_reading_is_allowed)
{
	struct stat st;

	ASSERT_EQ(0, stat(BUFINFO, &st));
	EXPECT_EQ(0U, st.st_mode & 0222);
}

TEST_F(bufinfo, attached_devices_are_named)
{
	struct bufinfo_buffer row;
	int drm = importer_open();
	char device[64];
	__u32 handle;

	if (drm < 0)
		SKIP(return, "neither vgem nor vkms is there to import");
	ASSERT_EQ(0, importer_device(drm, device, sizeof(device)));
	ASSERT_EQ(0, prime_import(drm, self->buffer, &handle));
	ASSERT_EQ(0, bufinfo_find(self->ino, &row));
	EXPECT_EQ(1, row.devices);
	EXPECT_STREQ(device, row.first_device);
	EXPECT_LT(1, row.count);

	ASSERT_EQ(0, prime_close(drm, handle));
	ASSERT_EQ(0, bufinfo_find(self->ino, &row));
	EXPECT_EQ(0, row.devices);
	EXPECT_EQ(1, row.count);
	close(drm);
}

/*
 * Where DMA mappings are checked, a page that two devices have mapped is told as
 * a mistake, once. It is what buffers are for: have it not told.
 */
static int import_twice(int first, int second, int buffer)
{
	static const char path[] = "/sys/kernel/debug/dma-api/num_errors";
	char *errors = read_file(path);
	__u32 handle;
	int err;

	if (errors)
		write_file(path, "0");
	err = prime_import(first, buffer, &handle) ?:
	      prime_import(second, buffer, &handle);
	if (errors)
		write_file(path, errors);
	free(errors);
	return err;
}

TEST_F(bufinfo, two_importers_are_two_devices)
{
	int vgem = drm_open_driver("vgem"), vkms = drm_open_driver("vkms");
	struct bufinfo_buffer row;

	if (vgem < 0 || vkms < 0)
		SKIP(return, "needs vgem and vkms");
	ASSERT_EQ(0, import_twice(vgem, vkms, self->buffer));
	ASSERT_EQ(0, bufinfo_find(self->ino, &row));
	EXPECT_EQ(2, row.devices);
	/* Closing the importers' files detaches as well. */
	close(vgem);
	close(vkms);
	ASSERT_EQ(0, bufinfo_find(self->ino, &row));
	EXPECT_EQ(0, row.devices);
	EXPECT_EQ(1, row.count);
}

TEST_F(bufinfo, an_importer_keeps_the_buffer_alive)
{
	int drm = importer_open();
	struct bufinfo_buffer row;
	__u32 handle;

	if (drm < 0)
		SKIP(return, "neither vgem nor vkms is there to import");
	ASSERT_EQ(0, prime_import(drm, self->buffer, &handle));
	close(self->buffer);
	self->buffer = -1;
	ASSERT_EQ(0, bufinfo_find(self->ino, &row));
	ASSERT_EQ(0, prime_close(drm, handle));
	EXPECT_TRUE(wait_until_gone(self->ino));
	close(drm);
}

/*
 * Who holds a buffer's lock can be caught at it: a thread that takes it over and
 * over shares a CPU with one of real-time priority, which interrupts it anywhere.
 */
struct holder {
	pthread_t thread;
	int buffer;
	int fence;
	atomic_bool stop;
};

static void stay_on_this_cpu(void)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(sched_getcpu(), &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
}

static void *hold_lock_often(void *data)
{
	struct sched_param param = {};
	struct holder *holder = data;

	sched_setscheduler(0, SCHED_OTHER, &param);
	while (!atomic_load(&holder->stop))
		import_sync_file(holder->buffer, DMA_BUF_SYNC_READ, holder->fence);
	return NULL;
}

TEST_F(bufinfo, a_busy_buffer_is_shown_as_busy_and_never_waited_for)
{
	struct sched_param param = { .sched_priority = 1 };
	struct holder holder = { .buffer = self->buffer };
	int timeline, busy = 0, tries;
	struct bufinfo_buffer row;
	long sleeps, slept = 0;

	if (LACKS(SW_SYNC))
		SKIP(return, "%s", lack);
	timeline = timeline_create();
	ASSERT_LE(0, timeline);
	holder.fence = fence_create(timeline, 1);
	ASSERT_LE(0, holder.fence);
	stay_on_this_cpu();
	ASSERT_EQ(0, sched_setscheduler(0, SCHED_FIFO, &param));
	ASSERT_EQ(0, pthread_create(&holder.thread, NULL, hold_lock_often, &holder));

	for (tries = 0; tries < 1000 && busy < 3; tries++) {
		usleep(1000 + tries * 37 % 1000);
		sleeps = count_sleeps();
		ASSERT_EQ(0, bufinfo_find(self->ino, &row));
		slept += count_sleeps() - sleeps;
		busy += row.busy;
	}
	atomic_store(&holder.stop, true);
	pthread_join(holder.thread, NULL);
	close(holder.fence);
	close(timeline);
	EXPECT_EQ(0, slept);
	if (!busy && !slept)
		SKIP(return, "never met the lock held: is kernel code preempted?");
}

TEST_HARNESS_MAIN
