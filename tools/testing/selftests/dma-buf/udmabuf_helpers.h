/* SPDX-License-Identifier: GPL-2.0-only */
/* Buffers made of parts of memfds. */
#ifndef UDMABUF_HELPERS_H
#define UDMABUF_HELPERS_H

#include "dmabuf_helpers.h"

static inline int create_flags(int device, int memfd, __u64 offset, __u64 size, __u32 flags)
{
	struct udmabuf_create request = {
		.memfd = memfd,
		.flags = flags,
		.offset = offset,
		.size = size,
	};

	return call_ioctl(device, UDMABUF_CREATE, &request);
}

static inline int create(int device, int memfd, __u64 offset, __u64 size)
{
	return create_flags(device, memfd, offset, size, UDMABUF_FLAGS_CLOEXEC);
}

/* To be freed. */
static inline struct udmabuf_create_list *
list_of(const struct udmabuf_create_item *parts, __u32 count)
{
	struct udmabuf_create_list *list = malloc(sizeof(*list) + count * sizeof(*parts));

	if (!list)
		return NULL;
	list->flags = UDMABUF_FLAGS_CLOEXEC;
	list->count = count;
	memcpy(list->list, parts, count * sizeof(*parts));
	return list;
}

static inline int create_list(int device, const struct udmabuf_create_item *parts, __u32 count)
{
	struct udmabuf_create_list *list = list_of(parts, count);
	int ret = list ? call_ioctl(device, UDMABUF_CREATE_LIST, list) : -ENOMEM;

	free(list);
	return ret;
}

#endif
