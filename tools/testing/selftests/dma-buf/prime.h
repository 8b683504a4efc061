/* SPDX-License-Identifier: GPL-2.0-only */
/* A device that imports buffers and needs no hardware: vgem, or else vkms. */
#ifndef PRIME_H
#define PRIME_H

#include <limits.h>
#include <sys/sysmacros.h>
#include <drm/drm.h>

#include "dmabuf_helpers.h"

static inline bool drm_driver_is(int drm, const char *driver)
{
	char name[32] = "";
	struct drm_version version = {
		.name = name,
		.name_len = sizeof(name) - 1,
	};

	return !call_ioctl(drm, DRM_IOCTL_VERSION, &version) &&
	       !strcmp(name, driver);
}

static inline int drm_open_driver(const char *driver)
{
	char path[32];
	int i, drm;

	for (i = 0; i < 64; i++) {
		snprintf(path, sizeof(path), "/dev/dri/card%d", i);
		drm = open(path, O_RDWR | O_CLOEXEC);
		if (drm < 0)
			continue;
		if (drm_driver_is(drm, driver))
			return drm;
		close(drm);
	}
	return -ENODEV;
}

static inline int importer_open(void)
{
	int drm = drm_open_driver("vgem");

	return drm < 0 ? drm_open_driver("vkms") : drm;
}

/* The name of the device behind, as bufinfo and events show it. */
static inline int importer_device(int drm, char *name, size_t room)
{
	char link[64], target[PATH_MAX];
	struct stat st;
	ssize_t len;

	if (fstat(drm, &st))
		return -errno;
	snprintf(link, sizeof(link), "/sys/dev/char/%u:%u/device",
		 major(st.st_rdev), minor(st.st_rdev));
	len = readlink(link, target, sizeof(target) - 1);
	if (len < 0)
		return -errno;
	target[len] = '\0';
	snprintf(name, room, "%s", basename(target));
	return 0;
}

/* A handle on a buffer, which stays attached until it is closed. */
static inline int prime_import(int drm, int buffer, __u32 *handle)
{
	struct drm_prime_handle request = { .fd = buffer };
	int err = call_ioctl(drm, DRM_IOCTL_PRIME_FD_TO_HANDLE, &request);

	*handle = request.handle;
	return err;
}

static inline int prime_close(int drm, __u32 handle)
{
	struct drm_gem_close request = { .handle = handle };

	return call_ioctl(drm, DRM_IOCTL_GEM_CLOSE, &request);
}

#endif
