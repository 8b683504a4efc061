// SPDX-License-Identifier: GPL-2.0-only
/* The sets of values that arguments are taken from. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/mman.h>

#include <drm/drm.h>
#include <linux/dma-buf.h>
#include <linux/dma-buf-test.h>
#include <linux/falloc.h>
#include <linux/memfd.h>
#include <linux/mman.h>
#include <linux/udmabuf.h>

#include "calls.h"
#include "pointer.h"
#include "values.h"

#define ALL	(~0ULL)
#define KIB	1024ULL
#define MIB	(1024 * KIB)
#define READ	DMA_BUF_SYNC_READ
#define WRITE	DMA_BUF_SYNC_WRITE
#define END	DMA_BUF_SYNC_END
#define FOLLOWS	DMA_BUF_TEST_FOLLOWS_MOVES
#define PEER	DMA_BUF_TEST_PEER
#define NONCOHERENT	DMA_BUF_TEST_NONCOHERENT

/* Sensible programs would use the first @usual values; the very first fit all others. */
struct set {
	const char *name;
	__u8 usual;
	__u8 count;
	const __u64 *values;
};

#define SET(_name, _usual, ...) {					\
	.name = _name,							\
	.usual = _usual,						\
	.count = sizeof((const __u64[]){ __VA_ARGS__ }) / sizeof(__u64),	\
	.values = (const __u64[]){ __VA_ARGS__ },			\
}

static const struct set sets[KINDS] = {
	[POINTER] = SET("pointer", 4, POINTER_GOOD, POINTER_GOOD, POINTER_ODD, POINTER_END,
			POINTER_NULL, POINTER_UNMAPPED, POINTER_READ_ONLY, POINTER_EDGE,
			POINTER_KERNEL, POINTER_BUFFER, POINTER_BUFFER),
	[REQUEST] = SET("request", 1, REQUEST_AS_IS, REQUEST_NO_SIZE, REQUEST_LONGER,
			REQUEST_SHORTER, REQUEST_LONGEST, REQUEST_NO_DIRECTION,
			REQUEST_OTHER_DIRECTION, REQUEST_NEXT, REQUEST_OTHER_TYPE),
	[ZERO] = SET("zero", 1, 0, 1, 1ULL << 31, 1ULL << 63, ALL),
	[SYNC_FLAGS] = SET("flags", 6, READ, WRITE, READ | WRITE, READ | END, WRITE | END,
			   READ | WRITE | END, 0, END, 8, 1ULL << 32 | READ, ALL),
	[ACCESS_FLAGS] = SET("flags", 3, READ, WRITE, READ | WRITE, 0, END, 1ULL << 31, ALL),
	[FD_FLAGS] = SET("flags", 4, O_RDWR | O_CLOEXEC, O_RDWR, O_RDONLY,
			 O_WRONLY | O_CLOEXEC, O_ACCMODE, O_NONBLOCK, ALL),
	[CLOEXEC_FLAGS] = SET("flags", 2, UDMABUF_FLAGS_CLOEXEC, 0, 2, ALL),
	[BUFFER_SIZE] = SET("size", 10, 64 * KIB, 64 * KIB, 4 * KIB, 8 * KIB, 1, 5000,
			    64 * KIB, 1 * MIB, 2 * MIB, 3 * MIB + 4 * KIB,
			    0, 1ULL << 40, 1ULL << 63, ALL, ALL - 4095, ALL - 4096),
	[FILE_SIZE] = SET("size", 6, 1 * MIB, 64 * KIB, 12 * KIB, 4 * KIB, 2 * MIB, 4 * MIB,
			  0, 1, 5000),
	[PART_SIZE] = SET("size", 6, 64 * KIB, 4 * KIB, 4 * KIB, 8 * KIB, 1 * MIB, 2 * MIB,
			  0, 1, 5000, 1ULL << 32, 1ULL << 40, ALL - 4095, ALL),
	[OFFSET] = SET("offset", 6, 0, 0, 0, 0, 4 * KIB, 8 * KIB, 64 * KIB,
		       1, 512, 1 * MIB, 2 * MIB, 1ULL << 32, 1ULL << 62, ALL - 4095, ALL),
	[PARTS] = SET("count", 4, 2, 1, 3, 40, 0, 1000, 1024, 1025, 1ULL << 31, 0xffffffff),
	[MEMFD_FLAGS] = SET("flags", 5, MFD_ALLOW_SEALING, MFD_ALLOW_SEALING,
			    MFD_ALLOW_SEALING | MFD_CLOEXEC, MFD_ALLOW_SEALING,
			    MFD_ALLOW_SEALING | MFD_HUGETLB, 0, MFD_HUGETLB,
			    MFD_NOEXEC_SEAL, 1ULL << 15),
	[SEALS] = SET("seals", 3, F_SEAL_SHRINK, F_SEAL_SHRINK, F_SEAL_SHRINK | F_SEAL_GROW,
		      0, F_SEAL_WRITE, F_SEAL_SHRINK | F_SEAL_WRITE, F_SEAL_FUTURE_WRITE,
		      F_SEAL_SHRINK | F_SEAL_FUTURE_WRITE, F_SEAL_SEAL | F_SEAL_SHRINK),
	[POINT] = SET("point", 6, 1, 2, 3, 4, 8, 20, 0, INT_MAX, 1ULL << 31, 0xffffffff),
	[STEP] = SET("step", 4, 1, 1, 2, 5, 0, INT_MAX, 1ULL << 31, 0xffffffff),
	[DEADLINE] = SET("deadline", 3, 1, 1000000000, 1ULL << 40, 0, 1ULL << 63,
			 (1ULL << 63) - 1, ALL),
	[ROOM] = SET("room", 5, 0, 30, 30, 8, 2, 1, 31, 1000, 1ULL << 31, 0xffffffff),
	[ARRAY] = SET("array", 2, POINTER_GOOD, POINTER_ODD, POINTER_NULL, POINTER_UNMAPPED,
		      POINTER_READ_ONLY, POINTER_EDGE, POINTER_KERNEL, POINTER_BUFFER),
	[NAME] = SET("name", 4, 0, 1, 2, 3, 4, 5, 6, 7),
	[MAP_OFFSET] = SET("offset", 6, 0, 0, 0, 0, 4 * KIB, 8 * KIB, 1, 1 * MIB, 1ULL << 32,
			   1ULL << 62, ALL - 4095, ALL),
	[MAP_SIZE] = SET("size", 7, 64 * KIB, 64 * KIB, 4 * KIB, 4 * KIB, 8 * KIB, 1 * MIB,
			 2 * MIB, 0, 1, 5000, 1ULL << 40),
	[AREA_PLACE] = SET("offset", 8, 0, 0, 0, 0, 0, 4 * KIB, 60 * KIB, 8 * KIB,
			   1, 1 * MIB, 2 * MIB),
	[AREA_SIZE] = SET("size", 8, 4 * KIB, 4 * KIB, 4 * KIB, 4 * KIB, 8 * KIB, 64 * KIB,
			  1 * MIB, 2 * MIB, 0, 1, 5000, 1ULL << 40),
	[PROT] = SET("prot", 3, PROT_READ | PROT_WRITE, PROT_READ, PROT_WRITE, PROT_NONE,
		     PROT_READ | PROT_EXEC, PROT_READ | PROT_WRITE | PROT_EXEC),
	[MAP_FLAGS] = SET("flags", 5, MAP_SHARED, MAP_SHARED, MAP_PRIVATE,
			  MAP_SHARED | MAP_POPULATE, MAP_SHARED_VALIDATE,
			  MAP_PRIVATE | MAP_POPULATE, MAP_SHARED | MAP_LOCKED,
			  MAP_SHARED | MAP_NORESERVE, MAP_SHARED_VALIDATE | MAP_SYNC,
			  MAP_PRIVATE | MAP_GROWSDOWN, MAP_SHARED | MAP_HUGETLB),
	[REMAP_FLAGS] = SET("flags", 3, MREMAP_MAYMOVE | MREMAP_FIXED, 0, MREMAP_MAYMOVE |
			    MREMAP_FIXED, MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP),
	[MSYNC_FLAGS] = SET("flags", 2, MS_SYNC, MS_ASYNC, MS_INVALIDATE, ALL),
	[ADVICE] = SET("advice", 10, MADV_DONTNEED, MADV_HUGEPAGE, MADV_NOHUGEPAGE,
		       MADV_WILLNEED, MADV_DONTFORK, MADV_DOFORK, MADV_POPULATE_READ,
		       MADV_POPULATE_WRITE, MADV_NORMAL, MADV_RANDOM,
		       MADV_REMOVE, MADV_FREE, MADV_COLD, MADV_PAGEOUT, MADV_COLLAPSE,
		       MADV_DODUMP, MADV_DONTDUMP, MADV_MERGEABLE, MADV_WIPEONFORK, 1000),
	[TOUCH] = SET("touch", 4, TOUCH_READ, TOUCH_WRITE, TOUCH_READ_ALL, TOUCH_WRITE_ALL),
	[EVENTS] = SET("events", 3, POLLIN, POLLOUT, POLLIN | POLLOUT, 0, POLLPRI, 0x7fff),
	[WATCH_EVENTS] = SET("events", 5, EPOLLIN, EPOLLOUT, EPOLLIN | EPOLLOUT,
			     EPOLLIN | EPOLLET, EPOLLIN | EPOLLOUT | EPOLLONESHOT,
			     EPOLLIN | EPOLLEXCLUSIVE, 0, EPOLLIN | EPOLLWAKEUP, ALL),
	[WATCH_OP] = SET("op", 5, EPOLL_CTL_ADD, EPOLL_CTL_ADD, EPOLL_CTL_ADD, EPOLL_CTL_MOD,
			 EPOLL_CTL_DEL, 0, 100),
	[TIMEOUT] = SET("ms", 3, 0, 1, 5),
	[COMMAND] = SET("command", 6, F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL,
			F_SETFL, F_GET_SEALS, F_ADD_SEALS, F_SETLEASE, F_GETLK, F_SETOWN,
			F_NOTIFY, 999),
	[COMMAND_ARG] = SET("arg", 3, 0, 1, O_NONBLOCK, FASYNC, 3, 150, O_APPEND | O_DIRECT,
			    ALL),
	[WHENCE] = SET("whence", 2, SEEK_SET, SEEK_END, SEEK_CUR, SEEK_DATA, SEEK_HOLE, 99),
	[LENGTH] = SET("length", 3, 64, 4 * KIB, 8, 0, 1, 64 * KIB),
	[CHUNK] = SET("chunk", 2, 4 * KIB, 1000, 1, 64 * KIB),
	[ALLOCATE_MODE] = SET("mode", 2, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, 0,
			      FALLOC_FL_KEEP_SIZE, FALLOC_FL_ZERO_RANGE),
	[INDEX] = SET("index", 8, 0, 1, 2, 3, 4, 5, 6, 7),
	[NODE] = SET("node", 8, 0, 0, 0, 0, 1, 2, 3, 4),
	[FILES_LIMIT] = SET("limit", 2, 200, 200, 3, 20, 40),
	[WAIT_FLAGS] = SET("flags", 4, 0, DRM_SYNCOBJ_WAIT_FLAGS_WAIT_ALL,
			   DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT,
			   DRM_SYNCOBJ_WAIT_FLAGS_WAIT_AVAILABLE, ALL),
	[SIDE] = SET("side", 4, 0, 1, 2, 3),
	/* All that can be, the dynamic ones more often; then those that can't. */
	[EXPORTER_FLAGS] = SET("flags", 30, 1, 1, 1, 1, 5, 9, 17, 5, 9, 17, 13, 21, 25, 29,
			       0, 0, 4, 8, 12, 16, 20, 24, 28, 2, 2, 6, 10, 18, 14, 22,
			       26, 30, 3, 7, 11, 15, 19, 23, 27, 31, 32, ALL),
	[PLACEMENT] = SET("place", 3, DMA_BUF_TEST_SYSTEM, DMA_BUF_TEST_VRAM,
			  DMA_BUF_TEST_SYSTEM, 2, ALL),
	[OP] = SET("op", 7, DMA_BUF_TEST_MAP_OP, DMA_BUF_TEST_ATTACH_OP, DMA_BUF_TEST_PIN_OP,
		   DMA_BUF_TEST_BEGIN_CPU_ACCESS_OP, DMA_BUF_TEST_END_CPU_ACCESS_OP,
		   DMA_BUF_TEST_MMAP_OP, DMA_BUF_TEST_VMAP_OP, DMA_BUF_TEST_DETACH_OP,
		   DMA_BUF_TEST_UNPIN_OP, DMA_BUF_TEST_UNMAP_OP, DMA_BUF_TEST_VUNMAP_OP,
		   DMA_BUF_TEST_OPS, ALL),
	[NTH] = SET("nth", 4, 1, 1, 2, 3, 0, ALL),
	[OP_ERROR] = SET("error", 4, EIO, ENOMEM, EINTR, EAGAIN, EDEADLK, 512, 4095, 0, 4096,
			 1ULL << 31, ALL),
	[IMPORTER_FLAGS] = SET("flags", 4, FOLLOWS, FOLLOWS | PEER, 0, FOLLOWS | PEER, PEER,
			       NONCOHERENT, FOLLOWS | PEER | NONCOHERENT, 8, ALL),
	[DMA_BITS] = SET("bits", 4, 64, 64, 40, 32, 20, 24, 31, 63, 0, 19, 65, ALL),
	[SEGMENT] = SET("segment", 4, 0, 0, 4 * KIB, 1 * MIB, 5000, 1, 4095, 1ULL << 31, ALL),
	[DIRECTION] = SET("direction", 5, DMA_BUF_TEST_BOTH, DMA_BUF_TEST_BOTH,
			  DMA_BUF_TEST_BOTH, DMA_BUF_TEST_TO_DEVICE, DMA_BUF_TEST_FROM_DEVICE,
			  3, ALL),
	[JOB_FLAGS] = SET("flags", 3, 0, 0, DMA_BUF_TEST_NO_WAIT, 2, ALL),
	[FILL] = SET("work", 1, DMA_BUF_TEST_FILL, DMA_BUF_TEST_COPY, DMA_BUF_TEST_CHECKSUM,
		     3, ALL),
	[COPY] = SET("work", 1, DMA_BUF_TEST_COPY, DMA_BUF_TEST_FILL, DMA_BUF_TEST_CHECKSUM,
		     3, ALL),
	[CHECKSUM] = SET("work", 1, DMA_BUF_TEST_CHECKSUM, DMA_BUF_TEST_FILL,
			 DMA_BUF_TEST_COPY, 3, ALL),
	[JOB_END] = SET("end", 6, DMA_BUF_TEST_TRIGGER, DMA_BUF_TEST_AFTER, DMA_BUF_TEST_AFTER,
			DMA_BUF_TEST_AFTER, DMA_BUF_TEST_AFTER, DMA_BUF_TEST_NEVER,
			3, ALL),
	/* Only what ends after a while has one. */
	[DELAY] = SET("ns", 5, 0, 0, 0, 200000, 3000000, 1, 40000000, 1ULL << 62, 1ULL << 63,
		      ALL),
	[JOB_ERROR] = SET("error", 5, 0, 0, 0, 0, EIO, 512, 4095, 4096, 1ULL << 31, ALL),
	[USAGE] = SET("usage", 5, 0, 1, 2, 3, 4, 5, ALL),
};

static const char *const slot_names[] = {
	[NOTHING] = "nothing",
	[BUFFER] = "buffer",
	[FENCE] = "fence",
	[TIMELINE] = "timeline",
	[MEMFD] = "memfd",
	[HEAP] = "heap",
	[UDMABUF_DEVICE] = "udmabuf",
	[DRM] = "drm",
	[RENDERER] = "renderer",
	[EPOLL] = "epoll",
	[TEST] = "test",
	[HANDLE] = "handle",
	[SYNCOBJ] = "syncobj",
	[TEST_BUFFER] = "test_buffer",
	[IMPORTER] = "importer",
	[ATTACHMENT] = "attachment",
	[MAPPING] = "mapping",
	[PINNING] = "pinning",
	[VMAPPING] = "vmapping",
	[JOB] = "job",
	[WINDOW] = "window",
	[ANY_FD] = "any",
	[SLOT] = "slot",
	[RESULT] = "result",
};

static const char *const names[] = {
	"frame", "", "camera \\ front\n", "0123456789012345678901234567890",
	"01234567890123456789012345678901",
	"012345678901234567890123456789012345678901234567890123456789012",
	"\x01\x7f\x80\xff%s%n", "/../\t:",
};

const char *kind_name(enum kind kind)
{
	return kind < FIRST_SET && kind != POINTER && kind != REQUEST ?
		slot_names[kind] : sets[kind].name;
}

/* A number that is wrong is found out early: that is soon tried out. */
static unsigned int chances_of_odd(enum kind kind, bool careful)
{
	if (careful)
		return 100;
	return kind == REQUEST ? 50 : 15;
}

__u8 random_argument(enum kind kind, struct random *random, bool careful)
{
	const struct set *set = &sets[kind];

	if (one_in(random, chances_of_odd(kind, careful)))
		return random_below(random, set->count);
	/* Variety is for those who don't have to be of use to others. */
	if (careful && !one_in(random, 5))
		return 0;
	return random_below(random, set->usual);
}

__u64 set_value(enum kind kind, __u8 argument)
{
	const struct set *set = &sets[kind];

	return set->values[argument % set->count];
}

const char *name_value(__u64 index)
{
	return names[index % (sizeof(names) / sizeof(*names))];
}
