// SPDX-License-Identifier: GPL-2.0-only
#include "report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "share.h"

#define BUFINFO "/sys/kernel/debug/dma_buf/bufinfo"

void print_result(const struct result *result)
{
	printf("%d frames of %dx%d XRGB8888 in %d buffers: %.2f s, %.1f frames/s\n",
	       FRAMES, WIDTH, HEIGHT, BUFFERS, result->seconds,
	       FRAMES / result->seconds);
	printf("Each time, poll() on the dma-buf and on the sync_file exported from it\n"
	       "said busy before the capture and ready after it.\n");
	printf("Each frame was a new one, showed colour bars and had the same checksum\n"
	       "through the dma-buf, vkms' handle, vgem's handle and vkms' writeback;\n"
	       "the last one's is 0x%016" PRIx64 " (of RGB: the X byte means nothing).\n",
	       result->checksums[FRAMES - 1]);
	printf("Bytes copied by the CPU on the way: %" PRIu64 "\n", result->mapped);
	printf("  That is what either process had mapped of the buffers between capture\n"
	       "  and check. Only the devices touched pixels: vivid draws, vkms composes.\n");
	printf("Bytes read by the checks, afterwards: %" PRIu64 "\n",
	       result->checked);
}

static FILE *open_file(const char *path, const char *mode)
{
	FILE *file = fopen(path, mode);

	if (!file)
		die("%s", path);
	return file;
}

static void print_fdinfo(int buffer)
{
	char path[64], line[256];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", buffer);
	printf("\n%s\n", path);
	file = open_file(path, "r");
	while (fgets(line, sizeof(line), file))
		printf("  %s", line);
	fclose(file);
}

static bool is_row_of(const char *line, unsigned long inode)
{
	unsigned long ino;

	return sscanf(line, "%*u %*x %*x %*d %*s %lu", &ino) == 1 && ino == inode;
}

/* Prints the header, the buffer's row and what belongs to it; finds the devices. */
static int print_rows(FILE *bufinfo, unsigned long inode, unsigned int *devices)
{
	static const char *const names[] = { "vivid", "vkms", "vgem" };
	bool ours = false;
	char line[256];
	int total = 0;

	while (fgets(line, sizeof(line), bufinfo)) {
		if (!strncmp(line, "size", strlen("size")))
			printf("  %s", line);
		if (is_row_of(line, inode))
			ours = true;
		if (!ours)
			continue;
		printf("  %s", line);
		for (unsigned int i = 0; i < 3; i++)
			if (strstr(line, names[i]))
				*devices |= 1 << i;
		if (sscanf(line, " Total %d devices attached", &total) == 1)
			return total;
	}
	return 0;
}

void print_buffer(int buffer)
{
	unsigned int devices = 0;
	FILE *bufinfo;
	int total;

	print_fdinfo(buffer);
	printf("\n%s\n", BUFINFO);
	bufinfo = open_file(BUFINFO, "r");
	total = print_rows(bufinfo, inode_number(buffer), &devices);
	fclose(bufinfo);
	errno = 0;
	if (devices != 7)
		die("%s: %d devices, but not all of vivid, vkms and vgem",
		    BUFINFO, total);
}

void save_picture(const char *path, int buffer)
{
	const uint32_t *pixels = begin_read(buffer, "the writeback");
	FILE *file = open_file(path, "wb");

	fprintf(file, "P6 %d %d 255\n", WIDTH, HEIGHT);
	for (size_t i = 0; i < WIDTH * HEIGHT; i++) {
		const uint8_t rgb[] = { pixels[i] >> 16, pixels[i] >> 8, pixels[i] };

		fwrite(rgb, sizeof(rgb), 1, file);
	}
	if (fclose(file))
		die("%s", path);
	end_read(buffer, pixels);
}
