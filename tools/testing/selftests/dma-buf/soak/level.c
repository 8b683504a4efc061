// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memory_helpers.h"
#include "level.h"

#define SLABINFO	"/proc/slabinfo"
#define SLAB_DIRECTORY	"/sys/kernel/slab"
#define DROP_CACHES	"/proc/sys/vm/drop_caches"
#define MEMINFO		"/proc/meminfo"

#define MOST_CACHES	512

struct cache {
	char name[64];
	/* Bytes of an object. */
	long long size;
	/* How many there were at the last readings, the last of them first. */
	long long objects[LAST_RESTS];
	/* At most, in those of the warm-up. */
	long long most;
};

static struct cache caches[MOST_CACHES];
static unsigned int num_caches;

/*
 * What these have follows from what others have; or it is areas of addresses that were
 * freed, which the kernel gives back when there are very many.
 */
static const char *const left_out[] = {
	"kmemleak_object", "kmemleak_scan_area", "debug_objects_cache", "vmap_area",
};

/*
 * Giving back
 */

/*
 * Free objects that a CPU or KASAN keeps count as taken, until the cache is shrunk. An
 * alias of another one has a colon in its name.
 */
static void shrink_slabs(void)
{
	DIR *dir = opendir(SLAB_DIRECTORY);
	struct dirent *entry;
	char path[512];

	while (dir && (entry = readdir(dir))) {
		if (*entry->d_name == '.')
			continue;
		snprintf(path, sizeof(path), SLAB_DIRECTORY "/%s/shrink", entry->d_name);
		write_file(path, "1");
	}
	if (dir)
		closedir(dir);
}

/* The second time, what the first one has let go of is gone. */
static void give_back(void)
{
	int times;

	for (times = 0; times < 2; times++) {
		write_file(DROP_CACHES, "3");
		/* What waits for all readers of RCU. */
		usleep(200000);
		shrink_slabs();
	}
}

/*
 * Reading
 */

static struct cache *find_cache(const char *name)
{
	unsigned int i;

	for (i = 0; i < num_caches; i++) {
		if (!strcmp(caches[i].name, name))
			return &caches[i];
	}
	return NULL;
}

static struct cache *find_or_add_cache(const char *name)
{
	struct cache *cache = find_cache(name);

	if (!cache && num_caches < MOST_CACHES) {
		cache = &caches[num_caches++];
		snprintf(cache->name, sizeof(cache->name), "%s", name);
	}
	return cache;
}

static bool is_left_out(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(left_out) / sizeof(*left_out); i++) {
		if (!strcmp(name, left_out[i]))
			return true;
	}
	return false;
}

static void read_cache(const char *line)
{
	long long active, objects, size;
	struct cache *cache;
	char name[64];

	/* The first lines are headings. */
	if (sscanf(line, "%63s %lld %lld %lld", name, &active, &objects, &size) != 4 ||
	    is_left_out(name))
		return;
	cache = find_or_add_cache(name);
	if (!cache)
		return;
	cache->objects[0] = active;
	cache->size = size;
}

/* One that has gone is not in the text. */
static void make_room_for_reading(struct cache *cache)
{
	memmove(&cache->objects[1], &cache->objects[0],
		sizeof(cache->objects) - sizeof(cache->objects[0]));
	cache->objects[0] = 0;
}

static bool read_caches(void)
{
	char *text = read_file(SLABINFO), *rest = text, *line;
	unsigned int i;

	for (i = 0; i < num_caches; i++)
		make_room_for_reading(&caches[i]);
	while ((line = strsep(&rest, "\n")))
		read_cache(line);
	free(text);
	return num_caches;
}

static long long objects_of(const char *name)
{
	const struct cache *cache = find_cache(name);

	return cache ? cache->objects[0] : -1;
}

static long long bytes_of_all(void)
{
	long long bytes = 0;
	unsigned int i;

	for (i = 0; i < num_caches; i++)
		bytes += caches[i].objects[0] * caches[i].size;
	return bytes;
}

bool level_init(void)
{
	return read_caches();
}

static void count_to_warm_up(void)
{
	unsigned int i;

	for (i = 0; i < num_caches; i++) {
		if (caches[i].objects[0] > caches[i].most)
			caches[i].most = caches[i].objects[0];
	}
}

void level_read(struct level *level, bool warms_up)
{
	give_back();
	read_caches();
	if (warms_up)
		count_to_warm_up();
	level->taken[SLAB] = bytes_of_all();
	level->taken[MEMORY] = (number_behind(MEMINFO, "MemTotal") -
				number_behind(MEMINFO, "MemAvailable")) << 10;
	level->buffers = objects_of("dma_buf");
	level->attachments = objects_of("dma_buf_attachment");
}

/*
 * Growth
 */

static long long growth(const struct cache *cache)
{
	long long least = cache->objects[0];
	unsigned int i;

	for (i = 1; i < LAST_RESTS; i++) {
		if (cache->objects[i] < least)
			least = cache->objects[i];
	}
	return least - cache->most;
}

long long level_growth_of_caches(void)
{
	long long grown, most = 0;
	unsigned int i;

	for (i = 0; i < num_caches; i++) {
		grown = growth(&caches[i]);
		if (grown <= 0)
			continue;
		printf("# %s: %lld objects of %lld bytes more\n", caches[i].name, grown,
		       caches[i].size);
		most = grown > most ? grown : most;
	}
	return most;
}
