/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests share.  Functions that make a call return what it gave, or a
 * negative errno.
 */
#ifndef DMABUF_HELPERS_H
#define DMABUF_HELPERS_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/sync_file.h>
#include <linux/types.h>
#include <linux/udmabuf.h>

#define SYSTEM_HEAP	"/dev/dma_heap/system"
#define UDMABUF		"/dev/udmabuf"
#define SW_SYNC		"/sys/kernel/debug/sync/sw_sync"
#define BUFINFO		"/sys/kernel/debug/dma_buf/bufinfo"

/* How long to wait for what should be there at once, in milliseconds. */
#define PATIENCE	10000

/* What a test lacks to run. */
static char lack[256];

static inline bool lacks_any(const char *const *paths)
{
	if (geteuid()) {
		snprintf(lack, sizeof(lack), "needs root");
		return true;
	}
	for (; *paths; paths++) {
		if (!access(*paths, R_OK))
			continue;
		snprintf(lack, sizeof(lack), "no %s", *paths);
		return true;
	}
	return false;
}

/* Is one of these files missing? Then SKIP() for what @lack says. */
#define LACKS(...) lacks_any((const char *const[]){ __VA_ARGS__, NULL })

static inline int call_ioctl(int fd, unsigned long request, void *arg)
{
	int ret = ioctl(fd, request, arg);

	return ret < 0 ? -errno : ret;
}

static inline size_t page_size(void)
{
	return sysconf(_SC_PAGESIZE);
}

/* A page that faults, right behind one that doesn't. */
static inline char *page_before_a_hole(int prot)
{
	char *page = mmap(NULL, 2 * page_size(), PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return NULL;
	memset(page, 0, page_size());
	munmap(page + page_size(), page_size());
	mprotect(page, page_size(), prot);
	return page;
}

static inline __u64 monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

/*
 * Files are let go of on the way back to user space, other programs' whenever
 * they like: a leak is told from those by its size.
 */
#define LEAK_ROUNDS	300
#define LEAK_SLACK	100

/* Buffers. */
static inline int heap_alloc_from(int heap, size_t size, __u32 fd_flags)
{
	struct dma_heap_allocation_data request = {
		.len = size,
		.fd_flags = fd_flags,
	};
	int err = call_ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &request);

	return err < 0 ? err : (int)request.fd;
}

static inline int heap_alloc_flags(size_t size, __u32 fd_flags)
{
	int heap = open(SYSTEM_HEAP, O_RDONLY | O_CLOEXEC);
	int ret;

	if (heap < 0)
		return -errno;
	ret = heap_alloc_from(heap, size, fd_flags);
	close(heap);
	return ret;
}

static inline int heap_alloc(size_t size)
{
	return heap_alloc_flags(size, O_RDWR | O_CLOEXEC);
}

/* A sealed memfd that a buffer can be made of. */
static inline int sealed_memfd(size_t size)
{
	int memfd = memfd_create("bytes", MFD_ALLOW_SEALING | MFD_CLOEXEC);

	if (memfd < 0)
		return -errno;
	if (ftruncate(memfd, size) || fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK)) {
		close(memfd);
		return -EINVAL;
	}
	return memfd;
}

/* A buffer of another exporter than the heap. */
static inline int udmabuf_create(int memfd, size_t size)
{
	struct udmabuf_create request = {
		.memfd = memfd,
		.flags = UDMABUF_FLAGS_CLOEXEC,
		.size = size,
	};
	int device = open(UDMABUF, O_RDWR | O_CLOEXEC);
	int ret;

	if (device < 0)
		return -errno;
	ret = call_ioctl(device, UDMABUF_CREATE, &request);
	close(device);
	return ret;
}

static inline int cpu_sync(int fd, __u64 flags)
{
	struct dma_buf_sync request = { .flags = flags };

	return call_ioctl(fd, DMA_BUF_IOCTL_SYNC, &request);
}

static inline int set_name(int fd, const char *name)
{
	return call_ioctl(fd, DMA_BUF_SET_NAME, (void *)name);
}

static inline int export_sync_file(int fd, __u32 flags)
{
	struct dma_buf_export_sync_file request = { .flags = flags, .fd = -1 };
	int err = call_ioctl(fd, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &request);

	return err < 0 ? err : request.fd;
}

static inline int import_sync_file(int fd, __u32 flags, int sync_file)
{
	struct dma_buf_import_sync_file request = {
		.flags = flags,
		.fd = sync_file,
	};

	return call_ioctl(fd, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, &request);
}

static inline unsigned long long inode_number(int fd)
{
	struct stat st;

	return fstat(fd, &st) ? 0 : st.st_ino;
}

/* Those of @events that hold now, or -errno. */
static inline int ready_now(int fd, short events)
{
	struct pollfd request = { .fd = fd, .events = events };

	return poll(&request, 1, 0) < 0 ? -errno : request.revents;
}

/* Does one of @events hold within some milliseconds? */
static inline bool is_ready(int fd, short events, int ms)
{
	struct pollfd file = { .fd = fd, .events = events };

	return poll(&file, 1, ms) == 1 && file.revents & events;
}

/*
 * Fences that a test signals itself.  The interface is for tests only, so that
 * no header has it.
 */
struct sw_sync_create_fence {
	__u32 value;
	char name[32];
	__s32 fence;
};

#define SW_SYNC_IOC_CREATE_FENCE	_IOWR('W', 0, struct sw_sync_create_fence)
#define SW_SYNC_IOC_INC			_IOW('W', 1, __u32)

static inline int timeline_create(void)
{
	int fd = open(SW_SYNC, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* A sync file that signals when @timeline reaches @value. */
static inline int fence_create(int timeline, __u32 value)
{
	struct sw_sync_create_fence request = { .value = value, .name = "test" };
	int err = call_ioctl(timeline, SW_SYNC_IOC_CREATE_FENCE, &request);

	return err < 0 ? err : request.fence;
}

static inline int timeline_advance(int timeline, __u32 by)
{
	return call_ioctl(timeline, SW_SYNC_IOC_INC, &by);
}

/* Adds a job to a buffer, done when @timeline reaches @value. */
static inline int add_job(int buffer, __u32 flags, int timeline, __u32 value)
{
	int fence = fence_create(timeline, value);
	int err;

	if (fence < 0)
		return fence;
	err = import_sync_file(buffer, flags, fence);
	close(fence);
	return err;
}

static inline bool has_signalled(int sync_file)
{
	return ready_now(sync_file, POLLIN) == POLLIN;
}

static inline int merge_sync_files(int a, int b)
{
	struct sync_merge_data request = { .name = "merged", .fd2 = b };
	int err = call_ioctl(a, SYNC_IOC_MERGE, &request);

	return err < 0 ? err : request.fence;
}

/* A whole file of /proc or debugfs as a string to be freed, or NULL. */
static inline char *read_file(const char *path)
{
	size_t size = 0, room = 1 << 16;
	char *text = malloc(room);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = -1;

	while (text && fd >= 0 && (got = read(fd, text + size, room - size - 1)) > 0) {
		size += got;
		if (room - size < 4096)
			text = realloc(text, room *= 2);
	}
	if (fd >= 0)
		close(fd);
	if (!text || got < 0) {
		free(text);
		return NULL;
	}
	text[size] = '\0';
	return text;
}

static inline int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

/* What stands behind @key and a tab in a fd's fdinfo: its length, or -1. */
static inline int fdinfo_line(int fd, const char *key, char *value, size_t room)
{
	char path[64], *info, *line, *end;
	int found = -1;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	info = read_file(path);
	for (line = info; line && *line; line = end) {
		end = strchrnul(line, '\n');
		if (*end)
			*end++ = '\0';
		if (strncmp(line, key, strlen(key)) || line[strlen(key)] != ':' ||
		    line[strlen(key) + 1] != '\t')
			continue;
		found = snprintf(value, room, "%s", line + strlen(key) + 2);
		break;
	}
	free(info);
	return found;
}

static inline long fdinfo_number(int fd, const char *key)
{
	char value[64];

	if (fdinfo_line(fd, key, value, sizeof(value)) < 0)
		return -1;
	return strtol(value, NULL, 10);
}

static inline long reference_count(int fd)
{
	return fdinfo_number(fd, "count");
}

static inline int count_open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	if (!dir)
		return -errno;
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

/* All files that the kernel has open, for whomever. */
static inline long count_kernel_files(void)
{
	char *text = read_file("/proc/sys/fs/file-nr");
	long count = text ? strtol(text, NULL, 10) : -1;

	free(text);
	return count;
}

/* Waits for who is in a directory of /proc to fall asleep; false when it doesn't. */
static inline bool wait_until_sleeps_in(const char *directory, pid_t pid)
{
	char path[64];
	int tries;

	snprintf(path, sizeof(path), "%s/%d/stat", directory, pid);
	for (tries = 0; tries < PATIENCE; tries++) {
		char *stat = read_file(path);
		char *state = stat ? strrchr(stat, ')') : NULL;
		bool asleep = state && state[2] == 'S';

		free(stat);
		if (asleep)
			return true;
		usleep(1000);
	}
	return false;
}

/* A thread of this process. */
static inline bool wait_until_asleep(pid_t tid)
{
	return wait_until_sleeps_in("/proc/self/task", tid);
}

/* Another process. */
static inline bool wait_until_process_sleeps(pid_t pid)
{
	return wait_until_sleeps_in("/proc", pid);
}

/* A thread that waits for something, and how often it slept meanwhile. */
struct sleeper {
	pthread_t thread;
	/* Waits, for ever if @timeout is negative; sleeper_poll() or the like. */
	int (*wait)(struct sleeper *sleeper, int timeout);
	int fd;
	short events;
	pid_t tid;
	atomic_bool started;
	atomic_bool done;
	/* What its wait returned. */
	int result;
	long sleeps;
};

/* The events that happened, or -1. */
static inline int sleeper_poll(struct sleeper *sleeper, int timeout)
{
	struct pollfd request = { .fd = sleeper->fd, .events = sleeper->events };

	return poll(&request, 1, timeout) == 1 ? request.revents : -1;
}

static inline long count_sleeps(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return usage.ru_nvcsw;
}

static inline void *sleeper_run(void *data)
{
	struct sleeper *sleeper = data;
	long sleeps;

	/* Once for practice: a page that isn't there yet could cost a sleep. */
	sleeper->wait(sleeper, 0);
	sleeper->tid = gettid();
	atomic_store(&sleeper->started, true);
	sleeps = count_sleeps();
	sleeper->result = sleeper->wait(sleeper, -1);
	sleeper->sleeps = count_sleeps() - sleeps;
	atomic_store(&sleeper->done, true);
	return NULL;
}

/* Returns at once, which is whether there is a thread. */
static inline bool sleeper_launch(struct sleeper *sleeper)
{
	return !pthread_create(&sleeper->thread, NULL, sleeper_run, sleeper);
}

/* True when it sleeps. */
static inline bool sleeper_start(struct sleeper *sleeper)
{
	if (!sleeper_launch(sleeper))
		return false;
	while (!atomic_load(&sleeper->started))
		usleep(1000);
	return wait_until_asleep(sleeper->tid);
}

/* Still at it? Somebody who was woken for nothing has had the time to show it. */
static inline bool sleeper_sleeps(struct sleeper *sleeper)
{
	usleep(10000);
	return wait_until_asleep(sleeper->tid) && !atomic_load(&sleeper->done);
}

static inline int sleeper_join(struct sleeper *sleeper)
{
	pthread_join(sleeper->thread, NULL);
	return sleeper->result;
}

#endif
