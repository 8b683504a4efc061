/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What camera and display agree on, and the dma-buf calls that both use.
 *
 * The two processes share a Unix socket and nothing else. For every frame
 *
 *	camera					display
 *	  puts a write fence on the buffer
 *	  announces the frame (and sends the
 *	  buffer's fd, the first time)	   --->
 *						  sees that the buffer is busy
 *					   <---	  asks for the picture
 *	  captures, signals the fence
 *						  wakes up, shows it, checks it
 *
 * so that readiness travels with the buffer: no message says "captured".
 */
#ifndef SHARE_H
#define SHARE_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIDTH		640
#define HEIGHT		360
#define PITCH		(WIDTH * 4)
#define FRAME_BYTES	((size_t)PITCH * HEIGHT)

#define BUFFERS		3
#define FRAMES		60
/* vgem signals a fence that nobody signals for 10 s: do not take that for ready. */
#define TIMEOUT_MS	8000

struct message {
	uint32_t frame;
	uint32_t buffer;
	uint64_t mapped;	/* of the sender, see mapped_pixels() */
};

/* Says who failed at what, and errno when there is one; never returns. */
void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* An ioctl that has to work; @what names it and its device. */
void must_ioctl(int fd, unsigned long request, void *arg, const char *what);

void send_message(int sock, const struct message *message, int fd);
/* Stores in @fd, unless it is NULL, the fd that came along, if any. */
void receive_message(int sock, struct message *message, int *fd);

/* poll() with no time at all, and with TIMEOUT_MS, of which it dies. */
bool is_ready(int fd, short events, const char *what);
void wait_ready(int fd, short events, const char *what);

/* The sync_file of what a reader of the buffer has to wait for. */
int export_sync_file(int buffer);

/* Maps a buffer for reading, between the two halves of DMA_BUF_IOCTL_SYNC. */
const uint32_t *begin_read(int buffer, const char *what);
void end_read(int buffer, const uint32_t *pixels);

/*
 * How many bytes of buffers this process has mapped. What is not mapped cannot
 * be copied by the CPU: buffers have neither read() nor write().
 */
uint64_t mapped_pixels(void);

unsigned long inode_number(int fd);

#endif
