// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memory_helpers.h"
#include "slots.h"
#include "splat.h"

#define KMSG		"/dev/kmsg"
#define TAINT		"/proc/sys/kernel/tainted"
#define KMSG_LIMIT	"/proc/sys/kernel/printk_devkmsg"
#define WARN_AGAIN	"/sys/kernel/debug/clear_warn_once"

static const char *const signs[] = {
	"WARNING:", "BUG:", "kernel BUG", "UBSAN:", "KASAN:", "KFENCE:", "Oops",
	"general protection fault", "possible circular locking", "possible recursive locking",
	"possible irq lock inversion", "inconsistent lock state", "suspicious RCU",
	"blocked for more than", "detected stall", "self-detected stall", "soft lockup",
	"refcount_t:", "ODEBUG:", "list_add corruption", "list_del corruption",
	"DMA-API:", "non-static key", "Bad page", "Out of memory", "invoked oom-killer",
};

static int log_fd = -1, note_fd = -1;
static long long taint;
static char limit_before[32];

static int open_high(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC), high;

	if (fd < 0)
		return -1;
	high = fcntl(fd, F_DUPFD_CLOEXEC, MOST_FILES);
	close(fd);
	return high;
}

/* The kernel takes a few lines only from each who writes to its log. */
static void lift_limit(void)
{
	char *text = read_file(KMSG_LIMIT);

	if (text && !write_file(KMSG_LIMIT, "on\n"))
		snprintf(limit_before, sizeof(limit_before), "%s", text);
	free(text);
}

bool splats_init(void)
{
	lift_limit();
	log_fd = open_high(KMSG, O_RDONLY | O_NONBLOCK);
	note_fd = open_high(KMSG, O_WRONLY);
	taint = number_in(TAINT);
	return log_fd >= 0 && lseek(log_fd, 0, SEEK_END) >= 0;
}

void splats_exit(void)
{
	if (*limit_before)
		write_file(KMSG_LIMIT, limit_before);
}

void splats_note(const char *line)
{
	char text[900];
	int len = snprintf(text, sizeof(text), "<7>dmabuf_fuzz: %s\n", line);

	if (len >= (int)sizeof(text))
		len = sizeof(text) - 1;
	if (note_fd >= 0 && write(note_fd, text, len) < 0)
		note_fd = -1;
}

static bool is_splat(const char *text)
{
	unsigned int i;

	for (i = 0; i < sizeof(signs) / sizeof(*signs); i++) {
		if (strstr(text, signs[i]))
			return true;
	}
	return false;
}

/* What a record says, if it is the kernel's; those of programs have a facility. */
static char *text_of(char *record)
{
	char *text = strchr(record, ';');

	if (!text || strtoul(record, NULL, 10) >> 3)
		return NULL;
	text++;
	text[strcspn(text, "\n")] = '\0';
	return text;
}

bool splats_seen(char *text, size_t room)
{
	char record[8192];
	bool seen = false;
	long long now;
	ssize_t got;

	/* A record that was overwritten before it could be read is EPIPE. */
	for (;;) {
		char *line;

		got = read(log_fd, record, sizeof(record) - 1);
		if (got < 0 && errno == EPIPE)
			continue;
		if (got <= 0)
			break;
		record[got] = '\0';
		line = text_of(record);
		if (!seen && line && is_splat(line)) {
			snprintf(text, room, "%s", line);
			seen = true;
		}
	}
	now = number_in(TAINT);
	if (!seen && now != taint) {
		snprintf(text, room, "taint is %#llx now", now);
		seen = true;
	}
	return seen;
}

void splats_forget(void)
{
	lseek(log_fd, 0, SEEK_END);
	taint = number_in(TAINT);
	write_file(WARN_AGAIN, "1");
}
