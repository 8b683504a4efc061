// SPDX-License-Identifier: GPL-2.0-only
/* Memory of programs, and mappings of buffers in windows. */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <linux/memfd.h>

#include "memory_helpers.h"
#include "budget.h"
#include "calls.h"
#include "runs.h"
#include "slots.h"

/* No further than a window reaches: what is behind belongs to others. */
static size_t in_window(__u64 size)
{
	return size > WINDOW_SIZE / 2 ? WINDOW_SIZE / 2 : size;
}

/*
 * Files
 */

/* flags, size, seals */
long run_memfd(const __u64 *values)
{
	__u64 size = budget_take(values[1]);
	int memfd = memfd_create("fuzz", values[0]);

	if (memfd < 0)
		return -errno;
	if (values[0] & MFD_HUGETLB)
		size = (size + HUGE_PAGE - 1) & -HUGE_PAGE;
	if (ftruncate(memfd, size)) {
		close(memfd);
		return -EINVAL;
	}
	fcntl(memfd, F_ADD_SEALS, (int)values[2]);
	return memfd;
}

long run_seal(const __u64 *values)
{
	return result_of(fcntl(values[0], F_ADD_SEALS, (int)values[1]));
}

long run_truncate(const __u64 *values)
{
	return result_of(ftruncate(values[0], budget_take(values[1])));
}

/* file, mode, offset, size: of what the file has, or a little more */
long run_allocate(const __u64 *values)
{
	return result_of(fallocate(values[0], values[1], in_window(values[2]),
				   in_window(values[3])));
}

/*
 * Mappings
 */

/* file, size, prot, flags, offset, window */
long run_map(const __u64 *values)
{
	void *place = mmap((void *)values[5], in_window(values[1]), values[2],
			   values[3] | MAP_FIXED, values[0], values[4]);

	return place == MAP_FAILED ? -errno : 0;
}

/* The same where the kernel likes it best. Nobody else gets to know the place. */
long run_map_anywhere(const __u64 *values)
{
	size_t size = in_window(values[1]);
	void *place = mmap(NULL, size, values[2], values[3], values[0], values[4]);
	unsigned char resident;
	long ret;

	if (place == MAP_FAILED)
		return -errno;
	ret = result_of(mincore(place, 1, &resident));
	munmap(place, size);
	return ret;
}

static void *in_place(const __u64 *values)
{
	return (char *)values[0] + in_window(values[1]);
}

/* All below: window, where in it, size */
long run_unmap(const __u64 *values)
{
	return result_of(munmap(in_place(values), in_window(values[2])));
}

/* and new size, flags, another window */
long run_remap(const __u64 *values)
{
	void *old = in_place(values);
	void *place = mremap(old, in_window(values[2]), in_window(values[3]), values[4],
			     (void *)values[5]);

	if (place == MAP_FAILED)
		return -errno;
	/* If the kernel has chosen the place it must not stay there. */
	if (place != old && place != (void *)values[5])
		munmap(place, in_window(values[3]));
	return 0;
}

/* and which page of the file comes first */
long run_remap_pages(const __u64 *values)
{
	return result_of(syscall(SYS_remap_file_pages, in_place(values),
				 in_window(values[2]), 0, values[3], 0));
}

long run_protect(const __u64 *values)
{
	return result_of(mprotect(in_place(values), in_window(values[2]), values[3]));
}

long run_advise(const __u64 *values)
{
	return result_of(madvise(in_place(values), in_window(values[2]), values[3]));
}

long run_msync(const __u64 *values)
{
	return result_of(msync(in_place(values), in_window(values[2]), values[3]));
}

long run_mlock(const __u64 *values)
{
	return result_of(mlock(in_place(values), in_window(values[2])));
}

long run_munlock(const __u64 *values)
{
	return result_of(munlock(in_place(values), in_window(values[2])));
}

long run_mincore(const __u64 *values)
{
	unsigned char resident[WINDOW_SIZE / 2 / 4096];

	return result_of(mincore(in_place(values), in_window(values[2]), resident));
}

/*
 * Access
 */

/* A byte, or one of each page; a bad address ends the call. */
static void touch(char *from, size_t size, enum touch touch)
{
	bool write = touch == TOUCH_WRITE || touch == TOUCH_WRITE_ALL;
	size_t i;

	if (touch == TOUCH_READ || touch == TOUCH_WRITE)
		size = 1;
	for (i = 0; i < size; i += 4096) {
		if (write)
			__atomic_store_n(from + i, i, __ATOMIC_RELAXED);
		else
			__atomic_load_n(from + i, __ATOMIC_RELAXED);
	}
}

/* and how */
long run_touch(const __u64 *values)
{
	touch(in_place(values), in_window(values[2]), values[3]);
	return 0;
}

/* An end by the signal itself would be told in the kernel's log. */
static void end_quietly(int signal)
{
	_exit(signal);
}

static void child_touch(const __u64 *values)
{
	signal(SIGSEGV, end_quietly);
	signal(SIGBUS, end_quietly);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	run_touch(values);
	_exit(0);
}

/* Another process, which has the same mappings. */
long run_fork_touch(const __u64 *values)
{
	int status;
	pid_t pid = fork(), ended;

	if (pid < 0)
		return -errno;
	if (!pid)
		child_touch(values);
	ended = waitpid(pid, &status, 0);
	if (ended != pid)
		ended = waitpid(pid, &status, 0);
	if (ended != pid) {
		kill(pid, SIGKILL);
		return -EINTR;
	}
	return status ? -EFAULT : 0;
}

/* Has the kernel ask for the pages behind a mapping. */
long run_pin(const __u64 *values)
{
	struct iovec vec = { in_place(values), 4096 };
	int ends[2];
	long ret;

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK))
		return -errno;
	ret = result_of(vmsplice(ends[1], &vec, 1, SPLICE_F_NONBLOCK));
	close(ends[0]);
	close(ends[1]);
	return ret < 0 ? ret : 0;
}

/* As a debugger does. */
long run_peek(const __u64 *values)
{
	bool write = values[3] == TOUCH_WRITE || values[3] == TOUCH_WRITE_ALL;
	int mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	off_t place = (uintptr_t)in_place(values);
	char bytes[64] = "peek";
	long ret;

	if (mem < 0)
		return -errno;
	if (write)
		ret = result_of(pwrite(mem, bytes, sizeof(bytes), place));
	else
		ret = result_of(pread(mem, bytes, sizeof(bytes), place));
	close(mem);
	return ret < 0 ? ret : 0;
}
