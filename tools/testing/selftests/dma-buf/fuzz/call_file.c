// SPDX-License-Identifier: GPL-2.0-only
/* What can be done with any file descriptor. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "dmabuf_helpers.h"
#include "places.h"
#include "program.h"
#include "runs.h"
#include "slots.h"
#include "sockets.h"

long run_close(const __u64 *values)
{
	int fd = slot_take(slot_number_kind(values[0]), slot_number_index(values[0]));

	return fd < 0 ? -EBADF : result_of(close(fd));
}

/* from, to */
long run_dup(const __u64 *values)
{
	int fd = dup(slot_get(slot_number_kind(values[0]), slot_number_index(values[0])));

	if (fd < 0)
		return -errno;
	slot_put(slot_number_kind(values[1]), slot_number_index(values[1]), fd);
	return 0;
}

/* Has another file behind a fd that is in use. */
long run_dup2(const __u64 *values)
{
	int from = slot_get(slot_number_kind(values[0]), slot_number_index(values[0]));
	int to = slot_get(slot_number_kind(values[1]), slot_number_index(values[1]));

	if (to < 0)
		return -EBADF;
	return dup3(from, to, O_CLOEXEC) < 0 ? -errno : 0;
}

/*
 * To other processes
 */

union control {
	char room[CMSG_SPACE(sizeof(int))];
	struct cmsghdr head;
};

/* slot, to which process */
long run_send(const __u64 *values)
{
	union control control = {};
	__u8 slot = values[0];
	struct iovec vec = { &slot, 1 };
	struct msghdr message = {
		.msg_iov = &vec,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	int fd = slot_get(slot_number_kind(slot), slot_number_index(slot));

	control.head.cmsg_len = CMSG_LEN(sizeof(int));
	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	if (sendmsg(socket_to(values[1]), &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return -errno;
	return 0;
}

static ssize_t receive_any(unsigned int first, struct msghdr *message)
{
	ssize_t got = -1;
	unsigned int i;

	for (i = 0; i < MOST_PROCESSES && got < 0; i++)
		got = recvmsg(socket_from(first + i), message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	return got;
}

/* Puts what arrives in the slot that it came from. */
long run_receive(const __u64 *values)
{
	union control control = {};
	__u8 slot = 0;
	struct iovec vec = { &slot, 1 };
	struct msghdr message = {
		.msg_iov = &vec,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	int fd;

	if (receive_any(values[0], &message) < 0)
		return -errno;
	if (message.msg_controllen < CMSG_LEN(sizeof(int)) ||
	    control.head.cmsg_type != SCM_RIGHTS)
		return -EMFILE;
	memcpy(&fd, CMSG_DATA(&control.head), sizeof(fd));
	slot_put(slot_number_kind(slot), slot_number_index(slot), fd);
	return 0;
}

/*
 * Any file
 */

/* fd, command, argument */
long run_fcntl(const __u64 *values)
{
	int ret = fcntl(values[0], values[1], values[2]);

	if (ret < 0)
		return -errno;
	if (values[1] == F_DUPFD || values[1] == F_DUPFD_CLOEXEC)
		close(ret);
	return 0;
}

long run_lseek(const __u64 *values)
{
	return lseek(values[0], values[1], values[2]) < 0 ? -errno : 0;
}

long run_read(const __u64 *values)
{
	char bytes[64];

	return read(values[0], bytes, sizeof(bytes)) < 0 ? -errno : 0;
}

long run_write(const __u64 *values)
{
	return write(values[0], "fuzz", 4) < 0 ? -errno : 0;
}

long run_stat(const __u64 *values)
{
	struct stat st;

	return result_of(fstat(values[0], &st));
}

/* Reads all of a file, with a few bytes a call. */
static long read_through(const char *path, size_t chunk)
{
	static __thread char bytes[65536];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = 1;
	int calls;

	if (fd < 0)
		return -errno;
	for (calls = 0; calls < 200 && got > 0; calls++)
		got = read(fd, bytes, chunk);
	got = result_of(got);
	close(fd);
	return got < 0 ? got : 0;
}

/* fd, bytes a read */
long run_fdinfo(const __u64 *values)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", (int)values[0]);
	return read_through(path, values[1]);
}

/* Files of devices can be opened again by their link in /proc, others can't. */
long run_reopen(const __u64 *values)
{
	char path[64], target[128];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", (int)values[0]);
	if (readlink(path, target, sizeof(target)) < 0)
		return -errno;
	fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

/* which, bytes a read */
long run_read_file(const __u64 *values)
{
	return read_through(path_number(&places.readable, values[0]), values[1]);
}

/*
 * Waiting
 */

/* two fds, events, milliseconds */
long run_poll(const __u64 *values)
{
	struct pollfd fds[] = {
		{ .fd = values[0], .events = values[2] },
		{ .fd = values[1], .events = values[2] },
	};
	int ret = poll(fds, 2, values[3]);

	if (ret < 0)
		return -errno;
	if (fds[0].revents & POLLNVAL)
		return -EBADF;
	return ret ? 0 : -ETIME;
}

long run_epoll_create(const __u64 *values)
{
	return result_of(epoll_create1(EPOLL_CLOEXEC));
}

/* One that watches a fd, with events, from the first. */
long run_epoll_watch(const __u64 *values)
{
	struct epoll_event event = { .events = values[1] };
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	if (epoll < 0)
		return -errno;
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, values[0], &event)) {
		close(epoll);
		return -EPERM;
	}
	return epoll;
}

/* epoll, fd, op, events */
long run_epoll_ctl(const __u64 *values)
{
	struct epoll_event event = { .events = values[3] };

	return result_of(epoll_ctl(values[0], values[2], values[1], &event));
}

/* epoll, milliseconds */
long run_epoll_wait(const __u64 *values)
{
	struct epoll_event events[4];
	int ret = epoll_wait(values[0], events, 4, values[1]);

	if (ret < 0)
		return -errno;
	return ret ? 0 : -ETIME;
}

/*
 * The process
 */

/* For all that is opened from now on. */
long run_limit_files(const __u64 *values)
{
	struct rlimit limit = { values[0], MOST_FILES };

	return result_of(setrlimit(RLIMIT_NOFILE, &limit));
}

/* All of its threads end wherever they are. */
long run_exit(const __u64 *values)
{
	_exit(0);
}
