/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the parameters of an ioctl are: good places, and bad ones. */
#ifndef FUZZ_POINTER_H
#define FUZZ_POINTER_H

#include <stdbool.h>
#include <stddef.h>

enum pointer {
	POINTER_GOOD,
	/* Good, but at an odd address, or up to the very end of what is mapped. */
	POINTER_ODD,
	POINTER_END,

	POINTER_NULL,
	POINTER_UNMAPPED,
	POINTER_READ_ONLY,
	/* Begins well. */
	POINTER_EDGE,
	POINTER_KERNEL,
	/* In a mapping of a buffer, if there is one. */
	POINTER_BUFFER,
};

/* Has places for each of @lanes. Called before processes are made. */
bool pointers_init(unsigned int lanes);

/* From now on the calling thread uses the places of @lane. */
void pointers_use(unsigned int lane);

/* A place for @size bytes, at most half a page. */
void *pointer_to(enum pointer pointer, size_t size);

/* Another one for an array, which can follow the first one up to the page's end. */
void *pointer_to_array(enum pointer pointer);

/* Has @data there, as far as it goes. */
void pointer_fill(enum pointer pointer, void *place, const void *data, size_t size);

#endif
