// SPDX-License-Identifier: GPL-2.0-only
/*
 * One process fills a buffer and passes it on by a socket; another one, which trusts
 * nothing that it gets, adds up its bytes.
 *
 * The exit status is 4 when there is no heap to make the buffer.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/magic.h>

#define SIZE	65536

static void cpu_access(int buffer, uint64_t flags)
{
	struct dma_buf_sync request = { .flags = flags };

	while (ioctl(buffer, DMA_BUF_IOCTL_SYNC, &request)) {
		if (errno != EINTR && errno != EAGAIN)
			err(EXIT_FAILURE, "DMA_BUF_IOCTL_SYNC");
	}
}

/* A message of one byte, and with it one descriptor. */
union control {
	struct cmsghdr header;
	char room[CMSG_SPACE(sizeof(int))];
};

static void send_fd(int socket, int fd)
{
	union control control = {
		.header = {
			.cmsg_len = CMSG_LEN(sizeof(fd)),
			.cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS,
		},
	};
	struct iovec byte = { .iov_base = "", .iov_len = 1 };
	struct msghdr message = {
		.msg_iov = &byte,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};

	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	if (sendmsg(socket, &message, 0) != 1)
		err(EXIT_FAILURE, "sendmsg");
}

static int receive_fd(int socket)
{
	union control control;
	char text;
	struct iovec byte = { .iov_base = &text, .iov_len = 1 };
	struct msghdr message = {
		.msg_iov = &byte,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *header;
	int fd;

	if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) != 1)
		err(EXIT_FAILURE, "recvmsg");
	header = CMSG_FIRSTHDR(&message);
	if (!header || header->cmsg_type != SCM_RIGHTS)
		errx(EXIT_FAILURE, "no descriptor came");
	memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	return fd;
}

/* What else came could have its size changed later, or take for ever to be read. */
static size_t size_of_buffer(int fd)
{
	struct statfs fs;
	off_t size;

	if (fstatfs(fd, &fs) || fs.f_type != DMA_BUF_MAGIC)
		errx(EXIT_FAILURE, "this is no buffer");
	size = lseek(fd, 0, SEEK_END);
	if (size < SIZE)
		errx(EXIT_FAILURE, "this is too small");
	return size;
}

static unsigned long add_up(int buffer)
{
	size_t i, size = size_of_buffer(buffer);
	struct pollfd readable = { .fd = buffer, .events = POLLIN };
	unsigned char *bytes;
	unsigned long sum = 0;

	bytes = mmap(NULL, size, PROT_READ, MAP_SHARED, buffer, 0);
	if (bytes == MAP_FAILED)
		err(EXIT_FAILURE, "mmap");
	/* No device writes to it any more, or it would not be known for how long. */
	if (poll(&readable, 1, 1000) != 1)
		errx(EXIT_FAILURE, "a device is still writing to this");

	cpu_access(buffer, DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ);
	for (i = 0; i < SIZE; i++)
		sum += bytes[i];
	cpu_access(buffer, DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ);
	munmap(bytes, size);
	return sum;
}

static int make_buffer(void)
{
	struct dma_heap_allocation_data request = {
		.len = SIZE,
		.fd_flags = O_RDWR | O_CLOEXEC,
	};
	int heap = open("/dev/dma_heap/system", O_RDONLY | O_CLOEXEC);

	if (heap < 0)
		err(4, "/dev/dma_heap/system");
	if (ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &request))
		err(EXIT_FAILURE, "DMA_HEAP_IOCTL_ALLOC");
	close(heap);
	if (ioctl(request.fd, DMA_BUF_SET_NAME, "example"))
		err(EXIT_FAILURE, "DMA_BUF_SET_NAME");
	return request.fd;
}

static void fill(int buffer, int byte)
{
	void *bytes = mmap(NULL, SIZE, PROT_WRITE, MAP_SHARED, buffer, 0);

	if (bytes == MAP_FAILED)
		err(EXIT_FAILURE, "mmap");
	cpu_access(buffer, DMA_BUF_SYNC_START | DMA_BUF_SYNC_WRITE);
	memset(bytes, byte, SIZE);
	cpu_access(buffer, DMA_BUF_SYNC_END | DMA_BUF_SYNC_WRITE);
	munmap(bytes, SIZE);
}

int main(void)
{
	int sockets[2], buffer, status;
	pid_t child;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets))
		err(EXIT_FAILURE, "socketpair");
	child = fork();
	if (child < 0)
		err(EXIT_FAILURE, "fork");
	if (!child) {
		close(sockets[0]);
		return add_up(receive_fd(sockets[1])) == 7 * SIZE ? 0 : EXIT_FAILURE;
	}

	close(sockets[1]);
	buffer = make_buffer();
	fill(buffer, 7);
	send_fd(sockets[0], buffer);
	/* The memory stays: the message, and then the child, has a reference. */
	close(buffer);
	if (wait(&status) != child || !WIFEXITED(status) || WEXITSTATUS(status))
		errx(EXIT_FAILURE, "the child found something else");
	puts("the child found what its parent wrote");
	return 0;
}
