// SPDX-License-Identifier: GPL-2.0-only
/*
 * display SOCKET PICTURE: imports the camera's buffers into a display and into a
 * render node, shows every frame, and compares what can be read on every path.
 * Writes the last frame that the display showed to PICTURE, a PPM file.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "drm_node.h"
#include "kms.h"
#include "report.h"
#include "share.h"

/* A buffer of the camera's, and what has become of it here. */
struct shared_buffer {
	int fd;
	uint32_t kms_fb;
	int from_kms;		/* exported again by either device */
	int from_render;
	int sync_file;		/* of the frame that is on its way */
};

struct display {
	int sock;
	struct kms kms;
	int render;
	struct shared_buffer buffers[BUFFERS];
	struct result result;
};

static int listen_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (bind(listener, (void *)&address, sizeof(address)) ||
	    listen(listener, 1))
		die("socket %s", path);
	return listener;
}

static int accept_camera(int listener)
{
	int sock;

	wait_ready(listener, POLLIN, "the camera's connection");
	sock = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (sock < 0)
		die("the camera's connection");
	close(listener);
	return sock;
}

/* What a device exports again has to be the buffer that it imported. */
static int export_again(int drm, uint32_t handle, int buffer, const char *driver)
{
	int fd = export_buffer(drm, handle, driver);

	errno = 0;
	if (inode_number(fd) != inode_number(buffer))
		die("%s exports another buffer than it imported", driver);
	return fd;
}

static void import_everywhere(struct display *display,
			      struct shared_buffer *buffer, int fd)
{
	uint32_t kms_handle = import_buffer(display->kms.drm, fd, "vkms");
	uint32_t render_handle = import_buffer(display->render, fd, "vgem");

	buffer->fd = fd;
	buffer->kms_fb = kms_add_framebuffer(&display->kms, kms_handle);
	buffer->from_kms = export_again(display->kms.drm, kms_handle, fd, "vkms");
	buffer->from_render = export_again(display->render, render_handle, fd,
					   "vgem");
}

static void receive_frame(struct display *display, struct message *message,
			  uint32_t frame)
{
	int fd = -1;

	receive_message(display->sock, message, &fd);
	errno = 0;
	if (message->frame != frame || message->buffer != frame % BUFFERS)
		die("the camera announced frame %u in buffer %u, not frame %u",
		    message->frame, message->buffer, frame);
	if (frame >= BUFFERS)
		return;
	if (fd < 0)
		die("the camera sent no fd of buffer %u", message->buffer);
	import_everywhere(display, &display->buffers[message->buffer], fd);
}

/* The camera must not have signalled before it was asked to capture. */
static void request_frame(struct display *display, uint32_t frame)
{
	struct shared_buffer *buffer = &display->buffers[frame % BUFFERS];
	struct message message;

	receive_frame(display, &message, frame);
	buffer->sync_file = export_sync_file(buffer->fd);
	errno = 0;
	if (is_ready(buffer->fd, POLLIN, "dma-buf"))
		die("frame %u: poll() calls the buffer ready before capture", frame);
	if (is_ready(buffer->sync_file, POLLIN, "sync_file"))
		die("frame %u: the sync_file has signalled before capture", frame);
	send_message(display->sock, &message, -1);
}

static void wait_for_frame(struct shared_buffer *buffer)
{
	wait_ready(buffer->fd, POLLIN, "the dma-buf's write fence");
	wait_ready(buffer->sync_file, POLLIN, "the exported sync_file");
}

static void check_shown(struct display *display, uint32_t frame,
			const struct shared_buffer *buffer)
{
	const struct path paths[PATHS] = {
		{ buffer->fd, "the dma-buf" },
		{ buffer->from_kms, "vkms' handle" },
		{ buffer->from_render, "vgem's handle" },
		{ display->kms.writeback, "vkms' writeback" },
	};
	uint64_t *checksums = display->result.checksums;

	checksums[frame] = check_frame(frame, paths);
	display->result.checked += PATHS * FRAME_BYTES;
	errno = 0;
	/* vivid writes the time and a number into its frames: no two are the same. */
	for (uint32_t i = 0; i < frame; i++)
		if (checksums[i] == checksums[frame])
			die("frame %u is frame %u again", frame, i);
}

static void show_frame(struct display *display, uint32_t frame)
{
	struct shared_buffer *buffer = &display->buffers[frame % BUFFERS];

	wait_for_frame(buffer);
	kms_show(&display->kms, buffer->kms_fb, buffer->sync_file);
	close(buffer->sync_file);
	display->result.mapped += mapped_pixels();
	check_shown(display, frame, buffer);
}

static void show_all(struct display *display)
{
	struct timespec start, end;

	clock_gettime(CLOCK_MONOTONIC, &start);
	for (uint32_t frame = 0; frame < FRAMES; frame++) {
		request_frame(display, frame);
		show_frame(display, frame);
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	display->result.seconds = (end.tv_sec - start.tv_sec) +
				  (end.tv_nsec - start.tv_nsec) / 1e9;
}

/* The camera's last message says what it had mapped; the answer lets it go. */
static void finish(struct display *display, const char *picture)
{
	struct message message;
	int fd = -1;

	receive_message(display->sock, &message, &fd);
	display->result.mapped += message.mapped;
	print_result(&display->result);
	print_buffer(display->buffers[(FRAMES - 1) % BUFFERS].fd);
	save_picture(picture, display->kms.writeback);
	send_message(display->sock, &message, -1);
	errno = 0;
	if (display->result.mapped)
		die("frames were mapped on their way");
}

int main(int argc, char **argv)
{
	struct display display = {};

	if (argc != 3)
		die("usage: display SOCKET PICTURE");
	display.sock = accept_camera(listen_at(argv[1]));
	kms_open(&display.kms);
	display.render = open_drm("vgem", RENDER_NODES);
	show_all(&display);
	finish(&display, argv[2]);
	return 0;
}
