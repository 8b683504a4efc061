// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the log says of a driver that broke the rules. The other suites catch that
 * before it is printed.
 */
#include <linux/console.h>
#include <linux/device.h>
#include <linux/minmax.h>
#include <linux/printk.h>
#include <linux/sprintf.h>
#include <linux/string.h>

#include "mock.h"

static char printed[8192];
static size_t printed_len;

/* Called with the lock of all consoles. */
static void keep_text(struct console *console, const char *text,
		      unsigned int len)
{
	size_t room = sizeof(printed) - 1 - printed_len;
	size_t take = min_t(size_t, len, room);

	memcpy(printed + printed_len, text, take);
	printed_len += take;
	printed[printed_len] = '\0';
}

static struct console keeper = {
	.name = "kunit",
	.write = keep_text,
	.flags = CON_ENABLED | CON_ANYTIME,
	.index = -1,
};

/* Whoever has the lock prints for all others. */
static bool was_printed(const char *text)
{
	bool found;

	console_lock();
	console_unlock();
	console_lock();
	found = strstr(printed, text);
	console_unlock();
	return found;
}

static void begin_again(void)
{
	console_lock();
	printed_len = 0;
	printed[0] = '\0';
	console_unlock();
}

static void unregister_keeper(void *unused)
{
	unregister_console(&keeper);
}

static void misuse_is_a_warning_that_says_whose(struct kunit *test)
{
	struct device *dev = kunit_device_register(test, "misuser");
	char text[128];

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dev);
	if (console_loglevel <= LOGLEVEL_WARNING)
		kunit_skip(test, "warnings are not printed: see loglevel=");
	register_console(&keeper);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, unregister_keeper, NULL));

	kunit_info(test, "expect-splat: dma_buf_misuse");
	begin_again();
	snprintf(text, sizeof(text), "exporter mock, device %s: did it\n",
		 dev_name(dev));
	KUNIT_EXPECT_TRUE(test, dma_buf_misuse("mock", dev, "did it"));
	KUNIT_EXPECT_TRUE(test, was_printed(text));

	begin_again();
	KUNIT_EXPECT_TRUE(test, dma_buf_misuse(NULL, NULL, "did it again"));
	KUNIT_EXPECT_TRUE(test,
			  was_printed("exporter unknown, device none: did it again\n"));
	kunit_info(test, "expect-splat: end");
}

static struct kunit_case misuse_cases[] = {
	KUNIT_CASE(misuse_is_a_warning_that_says_whose),
	{}
};

static struct kunit_suite misuse_suite = {
	.name = "dma_buf_misuse",
	.test_cases = misuse_cases,
};

kunit_test_suite(misuse_suite);
