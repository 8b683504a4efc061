/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DRM's sync objects: fences behind a handle, one (binary) or a sequence of
 * points (timeline).  Any GPU driver has them; what they do is the core's work.
 */
#ifndef SYNCOBJ_H
#define SYNCOBJ_H

#include <drm/drm.h>

#include "dmabuf_helpers.h"

#define WAIT_ALL	DRM_SYNCOBJ_WAIT_FLAGS_WAIT_ALL
#define WAIT_SUBMIT	DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT
#define WAIT_AVAILABLE	DRM_SYNCOBJ_WAIT_FLAGS_WAIT_AVAILABLE
#define WAIT_DEADLINE	DRM_SYNCOBJ_WAIT_FLAGS_WAIT_DEADLINE

static inline bool drm_can(int drm, __u64 capability)
{
	struct drm_get_cap request = { .capability = capability };

	return !call_ioctl(drm, DRM_IOCTL_GET_CAP, &request) && request.value;
}

/* A render node whose driver has timelines. */
static inline int syncobj_device_open(void)
{
	char path[32];
	int i, drm;

	for (i = 128; i < 192; i++) {
		snprintf(path, sizeof(path), "/dev/dri/renderD%d", i);
		drm = open(path, O_RDWR | O_CLOEXEC);
		if (drm < 0)
			continue;
		if (drm_can(drm, DRM_CAP_SYNCOBJ_TIMELINE))
			return drm;
		close(drm);
	}
	return -ENODEV;
}

/* When that is, as the waits want it. */
static inline __s64 after_ms(int delay)
{
	return monotonic_ns() + delay * 1000000LL;
}

/* A handle, or 0, which is none. */
static inline __u32 syncobj_create(int drm, __u32 flags)
{
	struct drm_syncobj_create request = { .flags = flags };

	return call_ioctl(drm, DRM_IOCTL_SYNCOBJ_CREATE, &request) ? 0 : request.handle;
}

static inline int syncobj_destroy(int drm, __u32 handle)
{
	struct drm_syncobj_destroy request = { .handle = handle };

	return call_ioctl(drm, DRM_IOCTL_SYNCOBJ_DESTROY, &request);
}

static inline int syncobj_to_fd(int drm, __u32 handle, __u32 flags)
{
	struct drm_syncobj_handle request = {
		.handle = handle,
		.flags = flags,
		.fd = -1,
	};
	int err = call_ioctl(drm, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &request);

	return err < 0 ? err : request.fd;
}

static inline int syncobj_share(int drm, __u32 handle)
{
	return syncobj_to_fd(drm, handle, 0);
}

static inline int syncobj_export(int drm, __u32 handle)
{
	return syncobj_to_fd(drm, handle, DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE);
}

/* A handle on what syncobj_share() gave, or 0. */
static inline __u32 syncobj_adopt(int drm, int fd)
{
	struct drm_syncobj_handle request = { .fd = fd };

	return call_ioctl(drm, DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, &request) ? 0 : request.handle;
}

static inline int syncobj_import(int drm, __u32 handle, int sync_file)
{
	struct drm_syncobj_handle request = {
		.handle = handle,
		.flags = DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE,
		.fd = sync_file,
	};

	return call_ioctl(drm, DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, &request);
}

static inline int syncobj_signal(int drm, __u32 handle)
{
	struct drm_syncobj_array request = {
		.handles = (uintptr_t)&handle,
		.count_handles = 1,
	};

	return call_ioctl(drm, DRM_IOCTL_SYNCOBJ_SIGNAL, &request);
}

static inline int syncobj_reset(int drm, __u32 handle)
{
	struct drm_syncobj_array request = {
		.handles = (uintptr_t)&handle,
		.count_handles = 1,
	};

	return call_ioctl(drm, DRM_IOCTL_SYNCOBJ_RESET, &request);
}

/* Which of several has signalled, when not all had to. */
static inline int first_of(__u32 first_signaled, __u32 flags)
{
	return flags & WAIT_ALL ? 0 : (int)first_signaled;
}

/* Waits for one of several and returns which, or for all; or -errno. */
static inline int syncobj_wait_many(int drm, const __u32 *handles, int count, __u32 flags,
				    __s64 until, __u64 deadline)
{
	struct drm_syncobj_wait request = {
		.handles = (uintptr_t)handles,
		.count_handles = count,
		.flags = flags,
		.timeout_nsec = until,
		.deadline_nsec = deadline,
	};
	int err = call_ioctl(drm, DRM_IOCTL_SYNCOBJ_WAIT, &request);

	return err < 0 ? err : first_of(request.first_signaled, flags);
}

/* Has it signalled? 0, -ETIME if not, or another -errno. */
static inline int syncobj_test(int drm, __u32 handle)
{
	return syncobj_wait_many(drm, &handle, 1, 0, 0, 0);
}

static inline int timeline_wait_many(int drm, const __u32 *handles, const __u64 *points,
				     int count, __u32 flags, __s64 until, __u64 deadline)
{
	struct drm_syncobj_timeline_wait request = {
		.handles = (uintptr_t)handles,
		.points = (uintptr_t)points,
		.count_handles = count,
		.flags = flags,
		.timeout_nsec = until,
		.deadline_nsec = deadline,
	};
	int err = call_ioctl(drm, DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, &request);

	return err < 0 ? err : first_of(request.first_signaled, flags);
}

static inline int timeline_wait(int drm, __u32 handle, __u64 point, __u32 flags, __s64 until)
{
	return timeline_wait_many(drm, &handle, &point, 1, flags, until, 0);
}

static inline int timeline_test(int drm, __u32 handle, __u64 point)
{
	return timeline_wait(drm, handle, point, 0, 0);
}

static inline int timeline_signal(int drm, __u32 handle, __u64 point)
{
	struct drm_syncobj_timeline_array request = {
		.handles = (uintptr_t)&handle,
		.points = (uintptr_t)&point,
		.count_handles = 1,
	};

	return call_ioctl(drm, DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL, &request);
}

static inline __s64 timeline_query_flags(int drm, __u32 handle, __u32 flags)
{
	__u64 point = -1;
	struct drm_syncobj_timeline_array request = {
		.handles = (uintptr_t)&handle,
		.points = (uintptr_t)&point,
		.count_handles = 1,
		.flags = flags,
	};
	int err = call_ioctl(drm, DRM_IOCTL_SYNCOBJ_QUERY, &request);

	return err < 0 ? err : (__s64)point;
}

/* The last point up to which all have signalled, or -errno. */
static inline __s64 timeline_query(int drm, __u32 handle)
{
	return timeline_query_flags(drm, handle, 0);
}

static inline __s64 timeline_last(int drm, __u32 handle)
{
	return timeline_query_flags(drm, handle, DRM_SYNCOBJ_QUERY_FLAGS_LAST_SUBMITTED);
}

/* Point 0 stands for a binary sync object. */
static inline int syncobj_transfer(int drm, __u32 from, __u64 from_point, __u32 to,
				   __u64 to_point)
{
	struct drm_syncobj_transfer request = {
		.src_handle = from,
		.src_point = from_point,
		.dst_handle = to,
		.dst_point = to_point,
	};

	return call_ioctl(drm, DRM_IOCTL_SYNCOBJ_TRANSFER, &request);
}

/* Adds a point that signals with a sync file: what a driver's submission does. */
static inline int timeline_add(int drm, __u32 timeline, __u64 point, int sync_file)
{
	__u32 binary = syncobj_create(drm, 0);
	int err;

	if (!binary)
		return -ENOMEM;
	err = syncobj_import(drm, binary, sync_file);
	if (!err)
		err = syncobj_transfer(drm, binary, 0, timeline, point);
	syncobj_destroy(drm, binary);
	return err;
}

static inline int syncobj_eventfd(int drm, __u32 handle, __u64 point, __u32 flags, int fd)
{
	struct drm_syncobj_eventfd request = {
		.handle = handle,
		.point = point,
		.flags = flags,
		.fd = fd,
	};

	return call_ioctl(drm, DRM_IOCTL_SYNCOBJ_EVENTFD, &request);
}

#endif
