// SPDX-License-Identifier: GPL-2.0-only
#include "drm_node.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <xf86drm.h>

#include "share.h"

#define MAX_NODES 16

static bool is_driver(int drm, const char *driver)
{
	drmVersionPtr version = drmGetVersion(drm);
	bool same = version && !strcmp(version->name, driver);

	drmFreeVersion(version);
	return same;
}

int open_drm(const char *driver, const char *prefix, int first)
{
	char path[64];

	for (int i = first; i < first + MAX_NODES; i++) {
		int drm;

		snprintf(path, sizeof(path), "%s%d", prefix, i);
		drm = open(path, O_RDWR | O_CLOEXEC);
		if (drm < 0)
			continue;
		if (is_driver(drm, driver))
			return drm;
		close(drm);
	}
	errno = ENODEV;
	die("no %s behind any %s*", driver, prefix);
}

uint32_t import_buffer(int drm, int buffer, const char *driver)
{
	uint32_t handle;

	if (drmPrimeFDToHandle(drm, buffer, &handle))
		die("%s does not import the buffer", driver);
	return handle;
}

int export_buffer(int drm, uint32_t handle, const char *driver)
{
	int fd;

	if (drmPrimeHandleToFD(drm, handle, DRM_CLOEXEC, &fd))
		die("%s does not export handle %u", driver, handle);
	return fd;
}
