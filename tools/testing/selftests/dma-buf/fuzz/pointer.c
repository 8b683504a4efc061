// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each lane has a page, the same page again where it is only readable, and after
 * both a page that nobody can touch.
 */
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>

#include "pointer.h"
#include "slots.h"

/* Bytes of a page that are for parameters; the rest is for arrays. */
#define PARAMETERS	1024

static char *pages, *read_only;
static size_t page;
static __thread size_t mine;

bool pointers_init(unsigned int lanes)
{
	size_t size, i;

	page = sysconf(_SC_PAGESIZE);
	size = lanes * 2 * page;
	pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (pages == MAP_FAILED)
		return false;
	/* With no old size this makes another mapping of the same pages. */
	read_only = mremap(pages, 0, size, MREMAP_MAYMOVE);
	if (read_only == MAP_FAILED)
		return false;
	mprotect(read_only, size, PROT_READ);
	for (i = 1; i < lanes * 2; i += 2) {
		mprotect(pages + i * page, page, PROT_NONE);
		mprotect(read_only + i * page, page, PROT_NONE);
	}
	return true;
}

void pointers_use(unsigned int lane)
{
	mine = lane * 2 * page;
}

void *pointer_to(enum pointer pointer, size_t size)
{
	switch (pointer) {
	case POINTER_GOOD:
		return pages + mine;
	case POINTER_ODD:
		return pages + mine + 1;
	case POINTER_END:
		return pages + mine + page - size;
	case POINTER_UNMAPPED:
		return pages + mine + page;
	case POINTER_READ_ONLY:
		return read_only + mine;
	case POINTER_EDGE:
		return pages + mine + page - size / 2;
	case POINTER_KERNEL:
		return (void *)(UINTPTR_MAX << 47);
	case POINTER_BUFFER:
		return window_address(0);
	default:
		return NULL;
	}
}

void *pointer_to_array(enum pointer pointer)
{
	switch (pointer) {
	case POINTER_GOOD:
	case POINTER_ODD:
		return pages + mine + PARAMETERS + (pointer == POINTER_ODD);
	case POINTER_BUFFER:
		return window_address(1);
	default:
		return pointer_to(pointer, 128);
	}
}

void pointer_fill(enum pointer pointer, void *place, const void *data, size_t size)
{
	switch (pointer) {
	case POINTER_GOOD:
	case POINTER_ODD:
	case POINTER_END:
	case POINTER_BUFFER:
		memcpy(place, data, size);
		break;
	case POINTER_READ_ONLY:
		memcpy(pages + mine, data, size);
		break;
	case POINTER_EDGE:
		memcpy(place, data, size / 2);
		break;
	default:
		break;
	}
}
