// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sync objects of DRM, which make chains of fences. Point 0 stands for what a binary
 * one has.
 */
#include "syncobj.h"
#include "runs.h"

long run_syncobj_create(const __u64 *values)
{
	struct drm_syncobj_create request = { .flags = values[1] };
	int err = call_ioctl(values[0], DRM_IOCTL_SYNCOBJ_CREATE, &request);

	return err < 0 ? err : (long)request.handle;
}

long run_syncobj_destroy(const __u64 *values)
{
	return syncobj_destroy(values[0], values[1]);
}

long run_syncobj_export(const __u64 *values)
{
	return syncobj_export(values[0], values[1]);
}

long run_syncobj_import(const __u64 *values)
{
	return syncobj_import(values[0], values[1], values[2]);
}

/* device, from, its point, to, its point */
long run_syncobj_transfer(const __u64 *values)
{
	return syncobj_transfer(values[0], values[1], values[2], values[3], values[4]);
}

long run_syncobj_signal(const __u64 *values)
{
	if (!values[2])
		return syncobj_signal(values[0], values[1]);
	return timeline_signal(values[0], values[1], values[2]);
}

long run_syncobj_reset(const __u64 *values)
{
	return syncobj_reset(values[0], values[1]);
}

/* device, two of them, point, flags, milliseconds */
long run_syncobj_wait(const __u64 *values)
{
	__u32 handles[] = { values[1], values[2] };
	__u64 points[] = { values[3], values[3] };
	__s64 until = after_ms(values[5]);

	if (!values[3])
		return syncobj_wait_many(values[0], handles, 2, values[4], until, 0);
	return timeline_wait_many(values[0], handles, points, 2, values[4], until, 0);
}

long run_syncobj_query(const __u64 *values)
{
	__s64 point = timeline_query(values[0], values[1]);

	return point < 0 ? point : 0;
}
