// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes a buffer of two parts of a memfd, without a copy: what is written to the one
 * is in the other.
 *
 * The exit status is 4 when there is no /dev/udmabuf.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/dma-buf.h>
#include <linux/udmabuf.h>

#define PARTS	2

/* It must not shrink: devices are going to use the pages. */
static int make_memfd(size_t size)
{
	int memfd = memfd_create("guest memory", MFD_ALLOW_SEALING | MFD_CLOEXEC);

	if (memfd < 0)
		err(EXIT_FAILURE, "memfd_create");
	if (ftruncate(memfd, size))
		err(EXIT_FAILURE, "ftruncate");
	if (fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK))
		err(EXIT_FAILURE, "F_ADD_SEALS");
	return memfd;
}

/* The last page of the file, and then the first one. */
static int make_buffer(int memfd, size_t size, size_t page)
{
	int device = open("/dev/udmabuf", O_RDWR | O_CLOEXEC), buffer;
	struct udmabuf_create_list *request;

	if (device < 0)
		err(4, "/dev/udmabuf");
	request = calloc(1, sizeof(*request) + PARTS * sizeof(request->list[0]));
	if (!request)
		err(EXIT_FAILURE, "calloc");
	request->flags = UDMABUF_FLAGS_CLOEXEC;
	request->count = PARTS;
	request->list[0].memfd = memfd;
	request->list[0].offset = size - page;
	request->list[0].size = page;
	request->list[1].memfd = memfd;
	request->list[1].offset = 0;
	request->list[1].size = page;

	buffer = ioctl(device, UDMABUF_CREATE_LIST, request);
	if (buffer < 0)
		err(EXIT_FAILURE, "UDMABUF_CREATE_LIST");
	free(request);
	close(device);
	return buffer;
}

static char *map(int fd, size_t size, int prot)
{
	char *bytes = mmap(NULL, size, prot, MAP_SHARED, fd, 0);

	if (bytes == MAP_FAILED)
		err(EXIT_FAILURE, "mmap");
	return bytes;
}

static void cpu_access(int buffer, uint64_t flags)
{
	struct dma_buf_sync request = { .flags = flags };

	while (ioctl(buffer, DMA_BUF_IOCTL_SYNC, &request)) {
		if (errno != EINTR && errno != EAGAIN)
			err(EXIT_FAILURE, "DMA_BUF_IOCTL_SYNC");
	}
}

int main(void)
{
	size_t page = sysconf(_SC_PAGESIZE), size = 4 * page;
	int memfd = make_memfd(size), buffer = make_buffer(memfd, size, page);
	char *file = map(memfd, size, PROT_READ | PROT_WRITE);
	const char *bytes = map(buffer, PARTS * page, PROT_READ);

	/* The brackets are the buffer's, whichever way the CPU gets at the memory. */
	cpu_access(buffer, DMA_BUF_SYNC_START | DMA_BUF_SYNC_WRITE);
	strcpy(file, "the first page");
	strcpy(file + size - page, "the last page");
	cpu_access(buffer, DMA_BUF_SYNC_END | DMA_BUF_SYNC_WRITE);

	cpu_access(buffer, DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ);
	if (strcmp(bytes, "the last page") || strcmp(bytes + page, "the first page"))
		errx(EXIT_FAILURE, "this is not the memory of the file");
	printf("%s, %s\n", bytes, bytes + page);
	cpu_access(buffer, DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ);
	return 0;
}
