/* SPDX-License-Identifier: GPL-2.0-only */
/* What this machine has to be fuzzed. */
#ifndef FUZZ_PLACES_H
#define FUZZ_PLACES_H

#include <stdbool.h>

#include "values.h"

#define MOST_PATHS	16

/* Names of files, found before anything runs. */
struct paths {
	unsigned int count;
	char names[MOST_PATHS][64];
};

struct places {
	struct paths heaps;
	struct paths drm;
	/* Those that have sync objects. */
	struct paths renderers;
	/* Those of the debug file systems and of /proc that programs read. */
	struct paths readable;
	bool has_udmabuf;
	bool has_sw_sync;
	bool has_test;
	/* There are importers, but DMA_API_DEBUG takes what programs do for leaks. */
	bool spares_importers;
};

extern struct places places;

/* False when there is nothing that makes a buffer or a fence. */
bool places_find(void);

/* Can something of that kind be opened? */
bool places_have(enum kind kind);

/* One of them, or "" */
const char *path_number(const struct paths *paths, unsigned int number);

/* Huge pages for memfds; and gives back what there was before. */
void huge_pages_get(void);
void huge_pages_put(void);

#endif
