/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the arguments of calls stand for. A program has small integers only, all of
 * which mean something: that makes it easy to write down, to change and to shrink.
 */
#ifndef FUZZ_VALUES_H
#define FUZZ_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#include "random.h"

/* How many there are of each kind of thing that calls make. */
#define SLOTS	8

enum kind {
	NOTHING,

	/* Things in slots: file descriptors, */
	BUFFER,
	FENCE,
	TIMELINE,
	MEMFD,
	HEAP,
	UDMABUF_DEVICE,
	DRM,
	RENDERER,
	EPOLL,
	TEST,
	LAST_FD_KIND = TEST,
	/* handles of DRM, */
	HANDLE,
	SYNCOBJ,
	/* ids of the test device; those of attachments again for what is done with them, */
	TEST_BUFFER,
	IMPORTER,
	ATTACHMENT,
	MAPPING,
	PINNING,
	VMAPPING,
	JOB,
	/* and places for mappings. */
	WINDOW,
	LAST_SLOT_KIND = WINDOW,

	/* The fd in a slot of any kind, or the slot itself. */
	ANY_FD,
	SLOT,
	/* Which slot gets what the call makes. */
	RESULT,

	/* How an ioctl is called. */
	POINTER,
	REQUEST,

	/* Values out of sets. */
	FIRST_SET,
	ZERO = FIRST_SET,
	SYNC_FLAGS,
	ACCESS_FLAGS,
	FD_FLAGS,
	CLOEXEC_FLAGS,
	BUFFER_SIZE,
	FILE_SIZE,
	PART_SIZE,
	OFFSET,
	PARTS,
	MEMFD_FLAGS,
	SEALS,
	POINT,
	STEP,
	DEADLINE,
	ROOM,
	ARRAY,
	NAME,
	MAP_OFFSET,
	MAP_SIZE,
	AREA_PLACE,
	AREA_SIZE,
	PROT,
	MAP_FLAGS,
	REMAP_FLAGS,
	MSYNC_FLAGS,
	ADVICE,
	TOUCH,
	EVENTS,
	WATCH_EVENTS,
	WATCH_OP,
	TIMEOUT,
	COMMAND,
	COMMAND_ARG,
	WHENCE,
	LENGTH,
	CHUNK,
	ALLOCATE_MODE,
	INDEX,
	NODE,
	FILES_LIMIT,
	WAIT_FLAGS,
	SIDE,
	EXPORTER_FLAGS,
	PLACEMENT,
	OP,
	NTH,
	OP_ERROR,
	IMPORTER_FLAGS,
	DMA_BITS,
	SEGMENT,
	DIRECTION,
	JOB_FLAGS,
	FILL,
	COPY,
	CHECKSUM,
	JOB_END,
	DELAY,
	JOB_ERROR,
	USAGE,
	KINDS
};

static inline bool is_fd_kind(enum kind kind)
{
	return kind >= BUFFER && kind <= LAST_FD_KIND;
}

static inline bool is_slot_kind(enum kind kind)
{
	return kind >= BUFFER && kind <= LAST_SLOT_KIND;
}

/* An argument that stands for a slot of another kind than what is asked for. */
static inline __u8 argument_of_slot(enum kind kind, unsigned int index)
{
	return SLOTS * kind + index;
}

/* From here on, an argument for a fd stands for one that nothing was opened as. */
#define FIRST_ODD_FD	240

const char *kind_name(enum kind kind);

/* An argument for what isn't a slot: a usual one, mostly or, if @careful, nearly always. */
__u8 random_argument(enum kind kind, struct random *random, bool careful);

/* What an argument for a kind of set means. */
__u64 set_value(enum kind kind, __u8 argument);

/* Name number @index. It isn't longer than 64 bytes, with its NUL. */
#define NAME_ROOM	64
const char *name_value(__u64 index);

#endif
