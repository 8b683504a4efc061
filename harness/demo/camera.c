// SPDX-License-Identifier: GPL-2.0-only
/*
 * camera SOCKET: has vivid capture colour bars into buffers of the system heap
 * and announces them to the process at the other end of the socket.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/videodev2.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <vgem_drm.h>

#include "drm_node.h"
#include "share.h"

#define VIDEO_NODES 16
/*
 * This camera's DMA engine takes one contiguous range. The system heap makes a
 * buffer out of the largest chunks that fit, and its largest are of 1 MiB.
 */
#define BUFFER_BYTES (1 << 20)

_Static_assert(FRAME_BYTES <= BUFFER_BYTES, "a frame fits into a buffer");

static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	/* The display may still be starting. */
	for (int i = 0; i < TIMEOUT_MS / 100; i++) {
		if (!connect(sock, (void *)&address, sizeof(address)))
			return sock;
		usleep(100 * 1000);
	}
	die("cannot connect to %s", path);
}

static int allocate_buffer(void)
{
	struct dma_heap_allocation_data arg = {
		.len = BUFFER_BYTES, .fd_flags = O_RDWR | O_CLOEXEC,
	};
	int heap = open("/dev/dma_heap/system", O_RDONLY | O_CLOEXEC);

	if (heap < 0)
		die("/dev/dma_heap/system");
	must_ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &arg, "DMA_HEAP_IOCTL_ALLOC");
	close(heap);
	must_ioctl(arg.fd, DMA_BUF_SET_NAME, "camera frame", "DMA_BUF_SET_NAME");
	return arg.fd;
}

static int open_camera(void)
{
	struct v4l2_capability caps;
	char path[32];

	for (int i = 0; i < VIDEO_NODES; i++) {
		int video;

		snprintf(path, sizeof(path), "/dev/video%d", i);
		video = open(path, O_RDWR | O_CLOEXEC);
		if (video < 0)
			continue;
		must_ioctl(video, VIDIOC_QUERYCAP, &caps, "VIDIOC_QUERYCAP");
		if (!strcmp((char *)caps.driver, "vivid") &&
		    caps.device_caps & V4L2_CAP_VIDEO_CAPTURE)
			return video;
		close(video);
	}
	errno = ENODEV;
	die("no vivid behind any /dev/video*");
}

static void set_format(int video)
{
	struct v4l2_format format = {
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.fmt.pix = {
			.width = WIDTH, .height = HEIGHT,
			.pixelformat = V4L2_PIX_FMT_XBGR32,
			.field = V4L2_FIELD_NONE,
		},
	};
	struct v4l2_streamparm rate = {
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.parm.capture.timeperframe = { 1, 60 },
	};
	const struct v4l2_pix_format *pix = &format.fmt.pix;

	must_ioctl(video, VIDIOC_S_FMT, &format, "vivid: VIDIOC_S_FMT");
	errno = 0;
	if (pix->width != WIDTH || pix->height != HEIGHT ||
	    pix->pixelformat != V4L2_PIX_FMT_XBGR32 ||
	    pix->bytesperline != PITCH || pix->sizeimage != FRAME_BYTES)
		die("vivid does not do %dx%d XBGR32", WIDTH, HEIGHT);
	must_ioctl(video, VIDIOC_S_PARM, &rate, "vivid: VIDIOC_S_PARM");
}

static void start_camera(int video)
{
	struct v4l2_requestbuffers request = {
		.count = BUFFERS,
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = V4L2_MEMORY_DMABUF,
	};
	int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;

	must_ioctl(video, VIDIOC_REQBUFS, &request, "vivid: VIDIOC_REQBUFS");
	errno = 0;
	if (request.count != BUFFERS)
		die("vivid takes %u buffers, not %u", request.count, BUFFERS);
	must_ioctl(video, VIDIOC_STREAMON, &type, "vivid: VIDIOC_STREAMON");
}

static void announce(int sock, struct message *message, int buffer)
{
	struct message reply;

	send_message(sock, message, buffer);
	receive_message(sock, &reply, NULL);
	errno = 0;
	if (reply.frame != message->frame)
		die("the display wants frame %u, not %u", reply.frame,
		    message->frame);
}

static void capture(int video, int index, int buffer)
{
	struct v4l2_buffer frame = {
		.index = index,
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = V4L2_MEMORY_DMABUF,
		.m.fd = buffer,
	};

	must_ioctl(video, VIDIOC_QBUF, &frame, "vivid: VIDIOC_QBUF");
	wait_ready(video, POLLIN, "vivid: a frame");
	must_ioctl(video, VIDIOC_DQBUF, &frame, "vivid: VIDIOC_DQBUF");
	errno = 0;
	if ((int)frame.index != index || frame.bytesused != FRAME_BYTES ||
	    frame.flags & V4L2_BUF_FLAG_ERROR)
		die("vivid captured %u bytes into buffer %u, flags 0x%x",
		    frame.bytesused, frame.index, frame.flags);
}

static uint32_t attach_write_fence(int render, uint32_t handle)
{
	struct drm_vgem_fence_attach arg = {
		.handle = handle, .flags = VGEM_FENCE_WRITE,
	};

	must_ioctl(render, DRM_IOCTL_VGEM_FENCE_ATTACH, &arg,
		   "DRM_IOCTL_VGEM_FENCE_ATTACH");
	return arg.out_fence;
}

static void signal_fence(int render, uint32_t fence)
{
	struct drm_vgem_fence_signal arg = { .fence = fence };

	must_ioctl(render, DRM_IOCTL_VGEM_FENCE_SIGNAL, &arg,
		   "DRM_IOCTL_VGEM_FENCE_SIGNAL");
}

int main(int argc, char **argv)
{
	int buffers[BUFFERS], sock, video, render;
	uint32_t handles[BUFFERS];
	struct message message = {};

	if (argc != 2)
		die("usage: camera SOCKET");
	sock = connect_to(argv[1]);
	video = open_camera();
	set_format(video);
	start_camera(video);
	render = open_drm("vgem", RENDER_NODES);
	for (int i = 0; i < BUFFERS; i++) {
		buffers[i] = allocate_buffer();
		handles[i] = import_buffer(render, buffers[i], "vgem");
	}

	for (uint32_t frame = 0; frame < FRAMES; frame++) {
		int i = frame % BUFFERS;
		uint32_t fence = attach_write_fence(render, handles[i]);

		message.frame = frame;
		message.buffer = i;
		announce(sock, &message, frame < BUFFERS ? buffers[i] : -1);
		capture(video, i, buffers[i]);
		message.mapped += mapped_pixels();
		signal_fence(render, fence);
	}
	/* Stay attached until the display has looked at all there is to see. */
	message.frame = FRAMES;
	announce(sock, &message, -1);
	return 0;
}
