// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes a buffer for an image in the memory of a heap, and draws into it.
 *
 * heap [NAME]: of the heap, by default "system". The exit status is 4 when there is
 * no such heap.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/dma-buf.h>
#include <linux/dma-heap.h>

#define WIDTH	640
#define HEIGHT	480

/* The descriptor of a new buffer. */
static int allocate(const char *name, size_t size)
{
	struct dma_heap_allocation_data request = {
		.len = size,
		.fd_flags = O_RDWR | O_CLOEXEC,
	};
	char path[256];
	int heap;

	snprintf(path, sizeof(path), "/dev/dma_heap/%s", name);
	heap = open(path, O_RDONLY | O_CLOEXEC);
	if (heap < 0)
		err(4, "%s", path);
	if (ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &request))
		err(EXIT_FAILURE, "%zu bytes of %s", size, name);
	/* The buffer needs it no more. */
	close(heap);
	return request.fd;
}

static void cpu_access(int buffer, uint64_t flags)
{
	struct dma_buf_sync request = { .flags = flags };

	while (ioctl(buffer, DMA_BUF_IOCTL_SYNC, &request)) {
		if (errno != EINTR && errno != EAGAIN)
			err(EXIT_FAILURE, "DMA_BUF_IOCTL_SYNC");
	}
}

static void draw(uint32_t *pixels)
{
	unsigned int x, y;

	for (y = 0; y < HEIGHT; y++) {
		for (x = 0; x < WIDTH; x++)
			pixels[y * WIDTH + x] = (x * 255 / WIDTH) << 16 | (y * 255 / HEIGHT);
	}
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "system";
	size_t size = WIDTH * HEIGHT * sizeof(uint32_t);
	int buffer = allocate(name, size);
	uint32_t *pixels = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, buffer, 0);

	if (pixels == MAP_FAILED)
		err(EXIT_FAILURE, "mmap");
	cpu_access(buffer, DMA_BUF_SYNC_START | DMA_BUF_SYNC_WRITE);
	draw(pixels);
	cpu_access(buffer, DMA_BUF_SYNC_END | DMA_BUF_SYNC_WRITE);

	/* Here a display, an encoder or another program would get the buffer. */
	printf("%s: %lld bytes\n", name, (long long)lseek(buffer, 0, SEEK_END));
	return 0;
}
