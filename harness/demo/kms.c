// SPDX-License-Identifier: GPL-2.0-only
#include "kms.h"

#include <drm_fourcc.h>
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <xf86drm.h>
#include <xf86drmMode.h>

#include "drm_node.h"
#include "share.h"

#define VBLANK_US (1000000 / 30)

/* 640x360, 30 times a second; the blanking is what makes the clock come out. */
static const drmModeModeInfo mode = {
	.clock = 9600,
	.hdisplay = WIDTH, .hsync_start = 656, .hsync_end = 752, .htotal = 800,
	.vdisplay = HEIGHT, .vsync_start = 370, .vsync_end = 380, .vtotal = 400,
	.vrefresh = 30,
	.name = "640x360",
};

/* Finds a property of a plane, a CRTC or a connector by its name. */
static uint32_t find_property(int drm, uint32_t object, const char *name,
			      uint64_t *value)
{
	drmModeObjectPropertiesPtr all;
	uint32_t id = 0;

	all = drmModeObjectGetProperties(drm, object, DRM_MODE_OBJECT_ANY);
	if (!all)
		die("vkms: the properties of object %u", object);
	for (uint32_t i = 0; i < all->count_props && !id; i++) {
		drmModePropertyPtr property = drmModeGetProperty(drm, all->props[i]);

		if (property && !strcmp(property->name, name)) {
			id = property->prop_id;
			*value = all->prop_values[i];
		}
		drmModeFreeProperty(property);
	}
	drmModeFreeObjectProperties(all);
	errno = 0;
	if (!id)
		die("vkms: object %u has no property %s", object, name);
	return id;
}

static void set(const struct kms *kms, drmModeAtomicReqPtr request,
		uint32_t object, const char *name, uint64_t value)
{
	uint64_t old;
	uint32_t id = find_property(kms->drm, object, name, &old);

	if (drmModeAtomicAddProperty(request, object, id, value) < 0)
		die("vkms: %s", name);
}

static uint32_t find_primary_plane(int drm)
{
	drmModePlaneResPtr planes = drmModeGetPlaneResources(drm);
	uint32_t found = 0;
	uint64_t type;

	if (!planes)
		die("vkms: planes");
	for (uint32_t i = 0; i < planes->count_planes && !found; i++) {
		find_property(drm, planes->planes[i], "type", &type);
		if (type == DRM_PLANE_TYPE_PRIMARY)
			found = planes->planes[i];
	}
	drmModeFreePlaneResources(planes);
	errno = 0;
	if (!found)
		die("vkms: no primary plane");
	return found;
}

static bool is_writeback(int drm, uint32_t id)
{
	drmModeConnectorPtr connector = drmModeGetConnectorCurrent(drm, id);
	bool yes = connector &&
		   connector->connector_type == DRM_MODE_CONNECTOR_WRITEBACK;

	drmModeFreeConnector(connector);
	return yes;
}

static void find_crtc_and_connector(struct kms *kms)
{
	drmModeResPtr resources = drmModeGetResources(kms->drm);

	if (!resources)
		die("vkms: resources");
	for (int i = 0; i < resources->count_connectors; i++)
		if (is_writeback(kms->drm, resources->connectors[i]))
			kms->connector = resources->connectors[i];
	if (resources->count_crtcs)
		kms->crtc = resources->crtcs[0];
	drmModeFreeResources(resources);
	errno = 0;
	if (!kms->crtc || !kms->connector)
		die("vkms: no CRTC or no writeback connector");
}

/* The buffer that the screen writes into is a dma-buf too, exported by vkms. */
static void create_writeback(struct kms *kms)
{
	uint32_t handle, pitch;
	uint64_t size;

	if (drmModeCreateDumbBuffer(kms->drm, WIDTH, HEIGHT, 32, 0, &handle,
				    &pitch, &size))
		die("vkms: dumb buffer");
	errno = 0;
	if (pitch != PITCH)
		die("vkms: a pitch of %u, not %d", pitch, PITCH);
	kms->writeback_fb = kms_add_framebuffer(kms, handle);
	kms->writeback = export_buffer(kms->drm, handle, "vkms");
}

/*
 * vkms signals the writeback's fence first and has a worker turn its composer
 * off afterwards. A commit between the two would turn the composer on too early
 * and never be written back. On one CPU, an idle task comes after all workers.
 */
static void run_after_workers(void)
{
	struct sched_param param = {};

	if (sched_setscheduler(0, SCHED_IDLE, &param))
		die("SCHED_IDLE");
}

void kms_open(struct kms *kms)
{
	run_after_workers();
	*kms = (struct kms){ .drm = open_drm("vkms", CARDS) };
	if (drmSetClientCap(kms->drm, DRM_CLIENT_CAP_ATOMIC, 1) ||
	    drmSetClientCap(kms->drm, DRM_CLIENT_CAP_WRITEBACK_CONNECTORS, 1))
		die("vkms: atomic modesetting with writeback");
	kms->plane = find_primary_plane(kms->drm);
	find_crtc_and_connector(kms);
	create_writeback(kms);
}

uint32_t kms_add_framebuffer(struct kms *kms, uint32_t handle)
{
	uint32_t handles[4] = { handle }, pitches[4] = { PITCH };
	uint32_t offsets[4] = {}, fb;

	if (drmModeAddFB2(kms->drm, WIDTH, HEIGHT, DRM_FORMAT_XRGB8888, handles,
			  pitches, offsets, &fb, 0))
		die("vkms: framebuffer");
	return fb;
}

static void set_mode(const struct kms *kms, drmModeAtomicReqPtr request)
{
	uint32_t blob;

	if (drmModeCreatePropertyBlob(kms->drm, &mode, sizeof(mode), &blob))
		die("vkms: mode");
	set(kms, request, kms->crtc, "MODE_ID", blob);
	set(kms, request, kms->crtc, "ACTIVE", 1);
	set(kms, request, kms->connector, "CRTC_ID", kms->crtc);
	set(kms, request, kms->plane, "CRTC_ID", kms->crtc);
	set(kms, request, kms->plane, "CRTC_W", WIDTH);
	set(kms, request, kms->plane, "CRTC_H", HEIGHT);
	set(kms, request, kms->plane, "SRC_W", WIDTH << 16);
	set(kms, request, kms->plane, "SRC_H", HEIGHT << 16);
}

/*
 * vkms' composer must not run while a commit is setting up its writeback. It
 * runs at every vblank, so commit when the next one is far away.
 */
static void wait_for_vblank(const struct kms *kms)
{
	struct timespec now;
	long late_us;

	do {
		drmVBlank vblank = {
			.request = { .type = DRM_VBLANK_RELATIVE, .sequence = 1 },
		};

		if (drmWaitVBlank(kms->drm, &vblank))
			die("vkms: vblank");
		clock_gettime(CLOCK_MONOTONIC, &now);
		late_us = (now.tv_sec - vblank.reply.tval_sec) * 1000000 +
			  now.tv_nsec / 1000 - vblank.reply.tval_usec;
	} while (late_us > VBLANK_US / 4);
}

void kms_show(struct kms *kms, uint32_t fb, int fence)
{
	drmModeAtomicReqPtr request = drmModeAtomicAlloc();
	int done = -1;

	if (!request)
		die("vkms: atomic request");
	if (!kms->on)
		set_mode(kms, request);
	set(kms, request, kms->plane, "FB_ID", fb);
	set(kms, request, kms->plane, "IN_FENCE_FD", fence);
	set(kms, request, kms->connector, "WRITEBACK_FB_ID", kms->writeback_fb);
	set(kms, request, kms->connector, "WRITEBACK_OUT_FENCE_PTR",
	    (uintptr_t)&done);
	if (kms->on)
		wait_for_vblank(kms);
	if (drmModeAtomicCommit(kms->drm, request,
				kms->on ? 0 : DRM_MODE_ATOMIC_ALLOW_MODESET, NULL))
		die("vkms: atomic commit");
	drmModeAtomicFree(request);
	kms->on = true;
	wait_ready(done, POLLIN, "vkms: the writeback's fence");
	close(done);
}
