// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "memory_helpers.h"
#include "fence_helpers.h"
#include "places.h"
#include "syncobj.h"
#include "prime.h"
#include "test_device.h"

#define HUGE_PAGES	6

struct places places;
static long long huge_pages_before = -1;

static void paths_add(struct paths *paths, const char *path)
{
	char *name = paths->names[paths->count];

	if (paths->count == MOST_PATHS || access(path, R_OK))
		return;
	if (snprintf(name, sizeof(paths->names[0]), "%s", path) < (int)sizeof(paths->names[0]))
		paths->count++;
}

/* All of a directory that begins with @prefix, and something in each if there is @below. */
static void paths_add_all(struct paths *paths, const char *directory, const char *prefix,
			  const char *below)
{
	DIR *dir = opendir(directory);
	struct dirent *entry;
	char path[512];

	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.' || strncmp(entry->d_name, prefix, strlen(prefix)))
			continue;
		snprintf(path, sizeof(path), "%s/%s%s", directory, entry->d_name, below);
		paths_add(paths, path);
	}
	if (dir)
		closedir(dir);
}

static bool has_syncobj(int drm)
{
	return drm_can(drm, DRM_CAP_SYNCOBJ_TIMELINE);
}

static bool is_vgem(int drm)
{
	return drm_driver_is(drm, "vgem");
}

static bool is_not_vgem(int drm)
{
	return !is_vgem(drm);
}

static void add_drm(struct paths *paths, const struct paths *all, bool (*wanted)(int drm))
{
	unsigned int i;

	for (i = 0; i < all->count; i++) {
		int drm = open(all->names[i], O_RDWR | O_CLOEXEC);

		if (drm >= 0 && wanted(drm))
			paths_add(paths, all->names[i]);
		if (drm >= 0)
			close(drm);
	}
}

/* Of DRM, vgem first: it has fences as well. */
static void find_importers(void)
{
	struct paths all = {};

	paths_add_all(&all, "/dev/dri", "card", "");
	paths_add_all(&all, "/dev/dri", "renderD", "");
	add_drm(&places.renderers, &all, has_syncobj);
	places.has_test = !access(TEST_DEVICE, R_OK | W_OK);
	places.spares_importers = (all.count || places.has_test) &&
				  mappings_are_counted();
	if (places.spares_importers) {
		places.has_test = false;
		return;
	}
	add_drm(&places.drm, &all, is_vgem);
	add_drm(&places.drm, &all, is_not_vgem);
}

bool places_find(void)
{
	paths_add_all(&places.heaps, "/dev/dma_heap", "", "");
	find_importers();
	paths_add(&places.readable, BUFINFO);
	paths_add(&places.readable, SYNC_INFO);
	paths_add(&places.readable, UDMABUF_USERS);
	paths_add_all(&places.readable, "/sys/kernel/debug/dma_heap", "", "/stats");
	paths_add(&places.readable, "/proc/self/maps");
	paths_add(&places.readable, "/proc/self/smaps");
	places.has_udmabuf = !access(UDMABUF, R_OK);
	places.has_sw_sync = !access(SW_SYNC, R_OK | W_OK);
	return places.heaps.count || places.has_udmabuf || places.has_sw_sync ||
	       places.has_test;
}

bool places_have(enum kind kind)
{
	switch (kind) {
	case HEAP:
		return places.heaps.count;
	case DRM:
		return places.drm.count;
	case UDMABUF_DEVICE:
		return places.has_udmabuf;
	case TIMELINE:
		return places.has_sw_sync;
	case BUFFER:
		return places.heaps.count || places.has_udmabuf || places.has_test;
	case HANDLE:
		return places.drm.count;
	case RENDERER:
	case SYNCOBJ:
		return places.renderers.count;
	case TEST:
	case TEST_BUFFER:
	case IMPORTER:
	case ATTACHMENT:
	case MAPPING:
	case PINNING:
	case VMAPPING:
	case JOB:
		return places.has_test;
	default:
		return true;
	}
}

const char *path_number(const struct paths *paths, unsigned int number)
{
	return paths->count ? paths->names[number % paths->count] : "";
}

void huge_pages_get(void)
{
	huge_pages_before = huge_pages_add(HUGE_PAGE, HUGE_PAGES);
}

void huge_pages_put(void)
{
	huge_pages_restore(HUGE_PAGE, huge_pages_before);
}
