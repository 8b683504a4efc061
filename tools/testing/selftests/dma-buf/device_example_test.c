// SPDX-License-Identifier: GPL-2.0-only
/*
 * The examples of Documentation/driver-api/dma-buf-testing.rst. Where they have a
 * driver that is to be tested, this has an importer of the test device.
 */
#include "../kselftest_harness.h"

#include "test_device.h"

/*
 * The driver under test
 */

static struct {
	int test;
	int attachment;
	size_t size;
	/* It doesn't look whether the buffer has moved. */
	bool is_careless;
} my_driver;

static int my_driver_import(int fd)
{
	my_driver.test = test_open();
	my_driver.attachment = test_attach_new(my_driver.test, DMA_BUF_TEST_FOLLOWS_MOVES, fd);
	my_driver.size = lseek(fd, 0, SEEK_END);
	return my_driver.attachment < 0 ? my_driver.attachment : 0;
}

/* Maps the buffer, or maps it anew, and writes all of it. */
static int my_driver_use(void)
{
	struct dma_buf_test_attachment_state state;
	int err = 0;

	state = test_attachment_state(my_driver.test, my_driver.attachment);
	if (state.stale && !my_driver.is_careless) {
		err = test_call(my_driver.test, DMA_BUF_TEST_IOC_UNMAP, my_driver.attachment);
		state.mapped = false;
	}
	if (!err && !state.mapped)
		err = test_map(my_driver.test, my_driver.attachment, DMA_BUF_TEST_BOTH);
	if (!err)
		err = test_fill(my_driver.test, my_driver.attachment, my_driver.size, 7);
	return err == 1 ? 0 : err;
}

static void my_driver_close(void)
{
	close(my_driver.test);
}

/*
 * The examples
 */

/* What the device writes is in the buffer afterwards. */
static int check_exporter(int fd, size_t size)
{
	int test = test_open();
	int device = test_device_with(test, 0, 32, 0);
	int attachment = test_attach(test, device, fd);
	int err;

	err = attachment < 0 ? attachment : test_map(test, attachment, DMA_BUF_TEST_BOTH);
	if (!err && test_fill(test, attachment, size, 0x12345678) != 1)
		err = -EIO;
	if (!err)
		err = test_call(test, DMA_BUF_TEST_IOC_UNMAP, attachment);
	close(test);
	return err;
}

/* The driver finds the buffer where it has moved to, and leaves nothing behind. */
static int check_importer(size_t size)
{
	int test = test_open(), fd;
	int buffer = test_export(test, DMA_BUF_TEST_DYNAMIC, size, &fd);
	int err;

	err = my_driver_import(fd) ?:
	      my_driver_use() ?:
	      test_move(test, buffer, DMA_BUF_TEST_VRAM) ?:
	      my_driver_use();
	my_driver_close();
	if (!err && test_buffer_state(test, buffer).mappings)
		err = -EBUSY;
	close(fd);
	close(test);
	return err;
}

/* The driver passes on why the exporter can't map the buffer, and can go on. */
static int check_failure(size_t size)
{
	int test = test_open(), fd, err = -EIO;
	int buffer = test_export(test, DMA_BUF_TEST_DYNAMIC, size, &fd);

	test_fail(test, buffer, DMA_BUF_TEST_MAP_OP, 1, ENOSPC);
	if (!my_driver_import(fd) && my_driver_use() == -ENOSPC)
		err = my_driver_use();
	my_driver_close();
	close(fd);
	close(test);
	return err;
}

/* Nobody looks into the buffer as long as it is being written. */
static int check_fences(int fd, size_t size)
{
	int test = test_open(), err = 0;
	int attachment = test_attach_and_map(test, 0, fd);
	int job = test_fill_on_trigger(test, attachment, size, 1);

	/* What a driver begins now must not be done ... */
	if (is_ready(fd, POLLIN, 0))
		err = -EALREADY;
	/* ... before this. */
	test_trigger(test, job, 0);
	if (!is_ready(fd, POLLIN, PATIENCE))
		err = -ETIMEDOUT;
	close(test);
	return err;
}

/* They do what they say. */

FIXTURE(example)
{
	size_t size;
	int buffer;
};

FIXTURE_SETUP(example)
{
	if (LACKS(TEST_DEVICE, SYSTEM_HEAP))
		SKIP(return, "%s", lack);
	self->size = 20 * page_size();
	self->buffer = heap_alloc(self->size);
	ASSERT_LE(0, self->buffer);
	my_driver.is_careless = false;
}

FIXTURE_TEARDOWN(example)
{
	close(self->buffer);
}

TEST_F(example, an_exporter_is_checked)
{
	char *data = mmap(NULL, self->size, PROT_READ, MAP_SHARED, self->buffer, 0);

	ASSERT_NE(MAP_FAILED, data);
	EXPECT_EQ(0, check_exporter(self->buffer, self->size));
	EXPECT_TRUE(has_only(data, self->size, 0x12345678));
	munmap(data, self->size);
}

TEST_F(example, what_is_no_buffer_is_no_good_exporter)
{
	EXPECT_EQ(-EINVAL, check_exporter(STDIN_FILENO, self->size));
}

TEST_F(example, an_importer_is_checked)
{
	int err = check_importer(self->size);

	if (err == -EBUSY)
		SKIP(return, "mappings pin: DMABUF_MOVE_NOTIFY is off");
	EXPECT_EQ(0, err);
}

TEST_F(example, an_importer_that_does_not_look_is_found_out)
{
	int err;

	my_driver.is_careless = true;
	err = check_importer(self->size);
	if (err == -EBUSY)
		SKIP(return, "mappings pin: DMABUF_MOVE_NOTIFY is off");
	EXPECT_EQ(-ESTALE, err);
}

TEST_F(example, the_error_of_an_exporter_is_chosen)
{
	EXPECT_EQ(0, check_failure(self->size));
}

TEST_F(example, a_writer_keeps_others_waiting)
{
	EXPECT_EQ(0, check_fences(self->buffer, self->size));
}

TEST_HARNESS_MAIN
