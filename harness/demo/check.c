// SPDX-License-Identifier: GPL-2.0-only
#include "check.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>

#include "share.h"

#define BARS 8

/* Of the colours: the fourth byte of a pixel means nothing. FNV-1a by pixels. */
static uint64_t checksum_of(const uint32_t *pixels)
{
	uint64_t sum = 0xcbf29ce484222325;

	for (size_t i = 0; i < WIDTH * HEIGHT; i++)
		sum = (sum ^ (pixels[i] & 0xffffff)) * 0x100000001b3;
	return sum;
}

/*
 * White, yellow, cyan, green, magenta, red, blue, black: looked at in the middle
 * of each bar and low in the picture, where vivid writes no text.
 */
static void check_colour_bars(uint32_t frame, const uint32_t *pixels)
{
	static const uint32_t bars[BARS] = {
		0xffffff, 0xffff00, 0x00ffff, 0x00ff00,
		0xff00ff, 0xff0000, 0x0000ff, 0x000000,
	};
	const uint32_t *row = pixels + HEIGHT * 7 / 8 * WIDTH;

	errno = 0;
	for (int i = 0; i < BARS; i++) {
		uint32_t pixel = row[WIDTH * (2 * i + 1) / (2 * BARS)];

		/* A channel is off or at 75 %: its highest bit tells which. */
		if (((pixel & 0x808080) >> 7) * 0xff != bars[i])
			die("frame %u: colour bar %d is 0x%06x", frame, i,
			    pixel & 0xffffff);
	}
}

static uint64_t read_frame(uint32_t frame, const struct path *path)
{
	const uint32_t *pixels = begin_read(path->buffer, path->name);
	uint64_t sum = checksum_of(pixels);

	check_colour_bars(frame, pixels);
	end_read(path->buffer, pixels);
	return sum;
}

uint64_t check_frame(uint32_t frame, const struct path paths[PATHS])
{
	uint64_t first = read_frame(frame, &paths[0]);

	for (int i = 1; i < PATHS; i++) {
		uint64_t other = read_frame(frame, &paths[i]);

		errno = 0;
		if (other != first)
			die("frame %u: checksum 0x%016" PRIx64 " through %s, 0x%016"
			    PRIx64 " through %s", frame, first, paths[0].name,
			    other, paths[i].name);
	}
	return first;
}
