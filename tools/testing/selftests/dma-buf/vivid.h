/* SPDX-License-Identifier: GPL-2.0-only */
/* Buffers of a camera that needs no hardware: vivid. */
#ifndef VIVID_H
#define VIVID_H

#include <linux/videodev2.h>

#include "dmabuf_helpers.h"

static inline bool is_vivid_camera(int video)
{
	struct v4l2_capability caps = {};

	return !call_ioctl(video, VIDIOC_QUERYCAP, &caps) &&
	       !strcmp((char *)caps.driver, "vivid") &&
	       caps.device_caps & V4L2_CAP_VIDEO_CAPTURE;
}

static inline int vivid_open(void)
{
	char path[32];
	int i, video;

	for (i = 0; i < 64; i++) {
		snprintf(path, sizeof(path), "/dev/video%d", i);
		video = open(path, O_RDWR | O_CLOEXEC);
		if (video < 0)
			continue;
		if (is_vivid_camera(video))
			return video;
		close(video);
	}
	return -ENODEV;
}

/* Has the camera make buffers, which are those of this fd then. */
static inline int vivid_request(int video, __u32 count)
{
	struct v4l2_requestbuffers request = {
		.count = count,
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = V4L2_MEMORY_MMAP,
	};
	int err = call_ioctl(video, VIDIOC_REQBUFS, &request);

	return err ?: (request.count < count ? -ENOMEM : 0);
}

/* A fd of one of them. */
static inline int vivid_export(int video, __u32 index)
{
	struct v4l2_exportbuffer request = {
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.index = index,
		.flags = O_RDWR | O_CLOEXEC,
	};
	int err = call_ioctl(video, VIDIOC_EXPBUF, &request);

	return err ?: request.fd;
}

#endif
