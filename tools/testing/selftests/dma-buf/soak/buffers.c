// SPDX-License-Identifier: GPL-2.0-only
/* Buffers: made, mapped, accessed, shared, watched. */
#include <sys/epoll.h>
#include <sys/socket.h>

#include "bufinfo.h"
#include "fuzz/places.h"
#include "fuzz/sockets.h"
#include "memory_helpers.h"
#include "test_device.h"
#include "worker.h"

#define FEW_PAGES	16
#define MANY_PAGES	512

static size_t size_of(int buffer)
{
	off_t size = lseek(buffer, 0, SEEK_END);

	return size < 0 ? 0 : size;
}

static size_t random_size(struct worker *worker)
{
	unsigned int most = one_in(&worker->random, 30) ? MANY_PAGES : FEW_PAGES;

	return page_size() * (1 + random_below(&worker->random, most));
}

static int *any_buffer(struct worker *worker)
{
	return any_fd(worker, worker->buffers, BUFFERS);
}

static int *some_buffer(struct worker *worker)
{
	return some_fd(worker, worker->buffers, BUFFERS);
}

/*
 * Making
 */

static int make_on_heap(struct worker *worker)
{
	const char *path = path_number(&places.heaps, random_next(&worker->random));
	int heap = open(path, O_RDONLY | O_CLOEXEC), fd;

	if (heap < 0)
		return -ENOENT;
	fd = heap_alloc_from(heap, random_size(worker), O_RDWR | O_CLOEXEC);
	close(heap);
	return keep_fd(any_buffer(worker), fd);
}

static int make_of_memfd(struct worker *worker)
{
	size_t size = random_size(worker);
	int memfd, fd;

	if (!places.has_udmabuf)
		return -ENOENT;
	memfd = sealed_memfd(size);
	if (memfd < 0)
		return memfd;
	fd = udmabuf_create(memfd, size);
	close(memfd);
	return keep_fd(any_buffer(worker), fd);
}

static int close_buffer(struct worker *worker)
{
	int *buffer = some_buffer(worker);

	if (!buffer)
		return -ENOENT;
	close(*buffer);
	*buffer = -1;
	return 0;
}

static int duplicate(struct worker *worker)
{
	int *buffer = some_buffer(worker);

	if (!buffer)
		return -ENOENT;
	return keep_fd(any_buffer(worker), fcntl(*buffer, F_DUPFD_CLOEXEC, 0));
}

/*
 * Accessing
 */

static struct mapping *any_mapping(struct worker *worker)
{
	return &worker->mappings[random_below(&worker->random, MAPPINGS)];
}

static int unmap(struct worker *worker)
{
	struct mapping *mapping = any_mapping(worker);

	if (!mapping->data)
		return -ENOENT;
	munmap(mapping->data, mapping->size);
	mapping->data = NULL;
	return 0;
}

static int map(struct worker *worker)
{
	struct mapping *mapping = any_mapping(worker);
	int *buffer = some_buffer(worker);
	size_t size;
	char *data;

	if (!buffer)
		return -ENOENT;
	size = size_of(*buffer);
	data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, *buffer, 0);
	if (data == MAP_FAILED)
		return -errno;
	if (mapping->data)
		munmap(mapping->data, mapping->size);
	mapping->data = data;
	mapping->size = size;
	return 0;
}

static int touch(struct worker *worker)
{
	struct mapping *mapping = any_mapping(worker);
	size_t at;

	if (!mapping->data)
		return -ENOENT;
	for (at = 0; at < mapping->size; at += page_size())
		atomic_fetch_add((atomic_char *)&mapping->data[at], 1);
	return 0;
}

static int bracket(struct worker *worker)
{
	int *buffer = some_buffer(worker), err;
	__u64 access;

	if (!buffer)
		return -ENOENT;
	access = one_in(&worker->random, 2) ? DMA_BUF_SYNC_READ : DMA_BUF_SYNC_RW;
	err = cpu_sync(*buffer, DMA_BUF_SYNC_START | access);
	return err ?: cpu_sync(*buffer, DMA_BUF_SYNC_END | access);
}

/*
 * Sharing
 */

#define BUFFER_FOLLOWS	'b'
#define FENCE_FOLLOWS	'f'

union control {
	char room[CMSG_SPACE(sizeof(int))];
	struct cmsghdr head;
};

static int send_fd(struct worker *worker, char kind, const int *fd)
{
	union control control = {
		.head.cmsg_len = CMSG_LEN(sizeof(int)),
		.head.cmsg_level = SOL_SOCKET,
		.head.cmsg_type = SCM_RIGHTS,
	};
	struct iovec vec = { &kind, 1 };
	struct msghdr message = {
		.msg_iov = &vec,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};

	if (!fd)
		return -ENOENT;
	memcpy(CMSG_DATA(&control.head), fd, sizeof(*fd));
	if (sendmsg(socket_to(random_next(&worker->random)), &message, MSG_DONTWAIT) < 0)
		return -errno;
	return 0;
}

static int send_buffer(struct worker *worker)
{
	return send_fd(worker, BUFFER_FOLLOWS, some_buffer(worker));
}

static int send_fence(struct worker *worker)
{
	return send_fd(worker, FENCE_FOLLOWS, some_fd(worker, worker->fences, FENCES));
}

static int receive(struct worker *worker)
{
	union control control = {};
	char kind = 0;
	struct iovec vec = { &kind, 1 };
	struct msghdr message = {
		.msg_iov = &vec,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	int fd;

	if (recvmsg(socket_from(worker->number), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) < 0)
		return -errno;
	if (message.msg_controllen < CMSG_LEN(sizeof(int)))
		return -EMFILE;
	memcpy(&fd, CMSG_DATA(&control.head), sizeof(fd));
	if (kind == FENCE_FOLLOWS)
		return keep_fd(any_fd(worker, worker->fences, FENCES), fd);
	return keep_fd(any_buffer(worker), fd);
}

/*
 * Watching
 */

static int watch(struct worker *worker)
{
	int *buffer = some_buffer(worker);
	struct pollfd request = { .events = one_in(&worker->random, 2) ? POLLIN : POLLOUT };

	if (!buffer)
		return -ENOENT;
	request.fd = *buffer;
	return poll(&request, 1, random_below(&worker->random, 2)) < 0 ? -errno : 0;
}

/* What is watched may be closed meanwhile. */
static int watch_by_epoll(struct worker *worker)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT };
	int *buffer = some_buffer(worker), epoll, err = 0;

	if (!buffer)
		return -ENOENT;
	epoll = epoll_create1(EPOLL_CLOEXEC);
	if (epoll < 0)
		return -errno;
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, *buffer, &event))
		err = -errno;
	if (!err && one_in(&worker->random, 2)) {
		close(*buffer);
		*buffer = -1;
	}
	if (!err && epoll_wait(epoll, &event, 1, random_below(&worker->random, 2)) < 0)
		err = -errno;
	close(epoll);
	return err;
}

static int name(struct worker *worker)
{
	int *buffer = some_buffer(worker);
	char text[DMA_BUF_NAME_LEN];

	if (!buffer)
		return -ENOENT;
	snprintf(text, sizeof(text), "worker %u's %u", worker->number,
		 (unsigned int)random_below(&worker->random, 1000));
	return set_name(*buffer, text);
}

static int look(struct worker *worker)
{
	int *buffer = some_buffer(worker);

	if (!buffer)
		return -ENOENT;
	return reference_count(*buffer) < 1 ? -EBADMSG : 0;
}

static int look_at_all(struct worker *worker)
{
	int count = count_buffers();

	/* Their file may be missing, or nothing but a signal was read. */
	return count < 0 ? count : 0;
}

const struct act buffer_acts[] = {
	{ "heap buffer", make_on_heap, 20 },
	{ "udmabuf", make_of_memfd, 10 },
	{ "close buffer", close_buffer, 10 },
	{ "duplicate", duplicate, 5 },
	{ "mmap", map, 15 },
	{ "munmap", unmap, 10 },
	{ "touch", touch, 15 },
	{ "bracket", bracket, 15 },
	{ "send buffer", send_buffer, 15 },
	{ "send fence", send_fence, 10 },
	{ "receive", receive, 25 },
	{ "poll", watch, 15 },
	{ "epoll", watch_by_epoll, 5 },
	{ "name", name, 5 },
	{ "fdinfo", look, 5 },
	{ "bufinfo", look_at_all, 1 },
	{}
};
