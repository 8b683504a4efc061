// SPDX-License-Identifier: GPL-2.0-only
#include "share.h"

#include <errno.h>
#include <linux/dma-buf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

void die(const char *format, ...)
{
	int error = errno;
	va_list args;

	fprintf(stderr, "%s: ", program_invocation_short_name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, error ? ": %s\n" : "\n", strerror(error));
	exit(EXIT_FAILURE);
}

void must_ioctl(int fd, unsigned long request, void *arg, const char *what)
{
	int ret;

	do {
		ret = ioctl(fd, request, arg);
	} while (ret < 0 && errno == EINTR);
	if (ret < 0)
		die("%s", what);
}

union fd_space {
	char bytes[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

void send_message(int sock, const struct message *message, int fd)
{
	struct iovec iov = { (void *)message, sizeof(*message) };
	struct msghdr header = { .msg_iov = &iov, .msg_iovlen = 1 };
	union fd_space space = {};
	struct cmsghdr *cmsg;

	if (fd >= 0) {
		header.msg_control = &space;
		header.msg_controllen = sizeof(space);
		cmsg = CMSG_FIRSTHDR(&header);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	}
	if (sendmsg(sock, &header, MSG_NOSIGNAL) != sizeof(*message))
		die("cannot send a message to the other process");
}

void receive_message(int sock, struct message *message, int *fd)
{
	struct iovec iov = { message, sizeof(*message) };
	union fd_space space = {};
	struct msghdr header = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &space, .msg_controllen = sizeof(space),
	};
	struct cmsghdr *cmsg;
	ssize_t size;

	wait_ready(sock, POLLIN, "a message of the other process");
	size = recvmsg(sock, &header, MSG_CMSG_CLOEXEC);
	if (size < 0)
		die("cannot receive a message of the other process");
	errno = 0;
	if (size != sizeof(*message))
		die("the other process is gone");
	cmsg = CMSG_FIRSTHDR(&header);
	if (fd && cmsg && cmsg->cmsg_type == SCM_RIGHTS)
		memcpy(fd, CMSG_DATA(cmsg), sizeof(*fd));
}

static bool poll_one(int fd, short events, int timeout, const char *what)
{
	struct pollfd pollfd = { .fd = fd, .events = events };
	int ret;

	do {
		ret = poll(&pollfd, 1, timeout);
	} while (ret < 0 && errno == EINTR);
	if (ret < 0)
		die("poll: %s", what);
	errno = 0;
	if (ret > 0 && !(pollfd.revents & events))
		die("poll says 0x%x: %s", pollfd.revents, what);
	return ret > 0;
}

bool is_ready(int fd, short events, const char *what)
{
	return poll_one(fd, events, 0, what);
}

void wait_ready(int fd, short events, const char *what)
{
	if (!poll_one(fd, events, TIMEOUT_MS, what))
		die("waited %d s in vain: %s", TIMEOUT_MS / 1000, what);
}

int export_sync_file(int buffer)
{
	struct dma_buf_export_sync_file arg = {
		.flags = DMA_BUF_SYNC_READ, .fd = -1,
	};

	must_ioctl(buffer, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &arg,
		   "DMA_BUF_IOCTL_EXPORT_SYNC_FILE");
	return arg.fd;
}

static void sync_access(int buffer, uint64_t flags)
{
	struct dma_buf_sync arg = { .flags = flags };

	must_ioctl(buffer, DMA_BUF_IOCTL_SYNC, &arg, "DMA_BUF_IOCTL_SYNC");
}

const uint32_t *begin_read(int buffer, const char *what)
{
	void *pixels;

	pixels = mmap(NULL, FRAME_BYTES, PROT_READ, MAP_SHARED, buffer, 0);
	if (pixels == MAP_FAILED)
		die("mmap of %s", what);
	sync_access(buffer, DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ);
	return pixels;
}

void end_read(int buffer, const uint32_t *pixels)
{
	sync_access(buffer, DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ);
	munmap((void *)pixels, FRAME_BYTES);
}

uint64_t mapped_pixels(void)
{
	unsigned long start, end;
	uint64_t bytes = 0;
	char line[512];
	FILE *maps;

	maps = fopen("/proc/self/maps", "r");
	if (!maps)
		die("/proc/self/maps");
	while (fgets(line, sizeof(line), maps)) {
		if (!strstr(line, "/dmabuf:") && !strstr(line, "/dev/dri/") &&
		    !strstr(line, "/dev/video"))
			continue;
		if (sscanf(line, "%lx-%lx", &start, &end) == 2)
			bytes += end - start;
	}
	fclose(maps);
	return bytes;
}

unsigned long inode_number(int fd)
{
	struct stat stat;

	if (fstat(fd, &stat))
		die("fstat");
	return stat.st_ino;
}
