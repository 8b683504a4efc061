// SPDX-License-Identifier: GPL-2.0-only
/* Devices that make buffers, import them and signal fences. */
#include <fcntl.h>
#include <string.h>

#include <drm/drm.h>
#include <drm/drm_mode.h>
#include <drm/vgem_drm.h>

#include "prime.h"
#include "fence_helpers.h"
#include "test_device.h"
#include "budget.h"
#include "places.h"
#include "pointer.h"
#include "runs.h"

long run_open_heap(const __u64 *values)
{
	return result_of(open(path_number(&places.heaps, values[0]), O_RDWR | O_CLOEXEC));
}

long run_open_udmabuf(const __u64 *values)
{
	return result_of(open(UDMABUF, O_RDWR | O_CLOEXEC));
}

long run_open_timeline(const __u64 *values)
{
	return result_of(open(SW_SYNC, O_RDWR | O_CLOEXEC));
}

long run_open_drm(const __u64 *values)
{
	return result_of(open(path_number(&places.drm, values[0]),
			      O_RDWR | O_CLOEXEC | O_NONBLOCK));
}

long run_open_renderer(const __u64 *values)
{
	return result_of(open(path_number(&places.renderers, values[0]), O_RDWR | O_CLOEXEC));
}

long run_open_test(const __u64 *values)
{
	return test_open();
}

/* As many parts as there is room for; where there are more, they don't begin well. */
#define MOST_PARTS	40

struct part_list {
	struct udmabuf_create_list head;
	struct udmabuf_create_item parts[MOST_PARTS];
};

/*
 * device, flags, count, two parts that alternate (memfd, offset, size), where. Each is
 * followed by others of its size.
 */
long run_udmabuf_list(const __u64 *values)
{
	struct part_list list = {
		.head.flags = values[1],
		.head.count = values[2],
	};
	void *place = pointer_to(values[9], sizeof(list));
	unsigned int i;

	for (i = 0; i < MOST_PARTS; i++) {
		const __u64 *part = values + 3 + i % 2 * 3;
		__u64 skip = i / 2 * part[2];

		list.parts[i] = (struct udmabuf_create_item) {
			.memfd = part[0],
			.offset = part[1] + skip,
			.size = part[2],
		};
	}
	pointer_fill(values[9], place, &list, sizeof(list));
	return call_ioctl(values[0], UDMABUF_CREATE_LIST, place);
}

/*
 * DRM
 */

long run_prime_import(const __u64 *values)
{
	__u32 handle;
	int err = prime_import(values[0], values[1], &handle);

	return err < 0 ? err : (long)handle;
}

long run_prime_export(const __u64 *values)
{
	struct drm_prime_handle request = {
		.handle = values[1],
		.flags = values[2],
		.fd = -1,
	};
	int err = call_ioctl(values[0], DRM_IOCTL_PRIME_HANDLE_TO_FD, &request);

	return err < 0 ? err : request.fd;
}

long run_gem_close(const __u64 *values)
{
	return prime_close(values[0], values[1]);
}

/* A buffer for pictures: memory of the device's driver. */
long run_create_dumb(const __u64 *values)
{
	__u64 size = budget_take(values[1] & 0x7ffff);
	struct drm_mode_create_dumb request = {
		.width = 64,
		.height = size / 256,
		.bpp = 32,
	};
	int err = call_ioctl(values[0], DRM_IOCTL_MODE_CREATE_DUMB, &request);

	return err < 0 ? err : (long)request.handle;
}

/* A fence that vgem signals when it is told to, or after ten seconds. */
long run_vgem_attach(const __u64 *values)
{
	struct drm_vgem_fence_attach request = {
		.handle = values[1],
		.flags = values[2] & VGEM_FENCE_WRITE,
	};
	int err = call_ioctl(values[0], DRM_IOCTL_VGEM_FENCE_ATTACH, &request);

	return err < 0 ? err : (long)request.out_fence;
}

static long vgem_signal(int drm, __u32 fence)
{
	struct drm_vgem_fence_signal request = { .fence = fence };

	return call_ioctl(drm, DRM_IOCTL_VGEM_FENCE_SIGNAL, &request);
}

/* One that is signalled soon. */
long run_vgem_job(const __u64 *values)
{
	long fence = run_vgem_attach(values);

	return fence < 0 ? fence : vgem_signal(values[0], fence);
}

/* They are numbered from 1. */
long run_vgem_signal(const __u64 *values)
{
	return vgem_signal(values[0], values[1] + 1);
}
