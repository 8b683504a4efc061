/* SPDX-License-Identifier: GPL-2.0-only */
/* Finding DRM devices, and getting buffers in and out of them (PRIME). */
#ifndef DRM_NODE_H
#define DRM_NODE_H

#include <stdint.h>

#define CARDS		"/dev/dri/card", 0
#define RENDER_NODES	"/dev/dri/renderD", 128

/* open_drm("vkms", CARDS), open_drm("vgem", RENDER_NODES) */
int open_drm(const char *driver, const char *prefix, int first);

uint32_t import_buffer(int drm, int buffer, const char *driver);
int export_buffer(int drm, uint32_t handle, const char *driver);

#endif
