// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <stdlib.h>

#include "fence_helpers.h"
#include "memory_helpers.h"
#include "leaks.h"
#include "places.h"

#define MOST_ACCOUNTS	24

/* The test device has one for each device that it makes. */
#define DEVICES		"/sys/bus/platform/devices"

/* A number that a file shows. */
struct account {
	const char *path;
	long long (*read)(const char *path);
	long long before;
};

static struct account accounts[MOST_ACCOUNTS];
static unsigned int count;

/* In milliseconds. */
static int patience = PATIENCE;

/* The last total is that of all buffers; those before are of a buffer's devices. */
static long long buffers_in(const char *path)
{
	char *text = read_file(path), *total = text;
	long long buffers = -1;

	while (total && (total = strstr(total, "\nTotal ")))
		sscanf(total++, "\nTotal %lld", &buffers);
	free(text);
	return buffers;
}

static long long lines_in(const char *path)
{
	char *text = read_file(path), *at;
	long long lines = 0;

	for (at = text; at && *at; at++)
		lines += *at == '\n';
	free(text);
	return lines;
}

static long long heap_buffers_in(const char *path)
{
	return number_behind(path, "buffers");
}

static long long entries_in(const char *path)
{
	DIR *dir = opendir(path);
	long long entries = 0;

	while (dir && readdir(dir))
		entries++;
	if (dir)
		closedir(dir);
	return entries;
}

static void add(const char *path, long long (*read)(const char *path))
{
	struct account *account = &accounts[count];

	if (count == MOST_ACCOUNTS || access(path, R_OK))
		return;
	account->path = path;
	account->read = read;
	account->before = read(path);
	count++;
}

void leaks_init(void)
{
	unsigned int i;

	add(BUFINFO, buffers_in);
	add(SYNC_INFO, lines_in);
	add(UDMABUF_USERS, lines_in);
	add(DEVICES, entries_in);
	for (i = 0; i < places.readable.count; i++) {
		if (strstr(places.readable.names[i], "/stats"))
			add(places.readable.names[i], heap_buffers_in);
	}
}

/* The last reference on something may be dropped a little later. */
static bool comes_right(const struct account *account, long long *now)
{
	int tries;

	for (tries = 0; tries < patience; tries++) {
		*now = account->read(account->path);
		if (*now == account->before)
			return true;
		usleep(1000);
	}
	return false;
}

bool leaks_found(char *text, size_t room)
{
	unsigned int i;
	long long now = 0;

	for (i = 0; i < count; i++) {
		if (comes_right(&accounts[i], &now))
			continue;
		snprintf(text, room, "%s: %lld, but %lld before", accounts[i].path, now,
			 accounts[i].before);
		return true;
	}
	return false;
}

void leaks_forget(void)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		accounts[i].before = accounts[i].read(accounts[i].path);
	patience = PATIENCE / 10;
}
