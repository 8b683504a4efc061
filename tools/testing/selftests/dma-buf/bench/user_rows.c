// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rows of what user space does. To add one, write its operation and give
 * it an entry in user_rows[] at the end.
 */
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/sync_file.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "program.h"

#define SIZE			4096
#define TEXT_SIZE		65536
#define TIMELINES		16
#define BUFINFO			"/sys/kernel/debug/dma_buf/bufinfo"

/* The kernel has no header for these: what tools know of debugfs' sw_sync. */
struct sw_sync_create_fence_data {
	__u32 value;
	char name[32];
	__s32 fence;
};

#define SW_SYNC_IOC_CREATE_FENCE _IOWR('W', 0, struct sw_sync_create_fence_data)
#define SW_SYNC_IOC_INC		_IOW('W', 1, __u32)

/* What the row that runs works on. */
static int buffer = -1;
static int timeline = -1;
static unsigned int timeline_value;
static int fence = -1;
static int always_ready = -1;
static int heap = -1;
/* Of fences of the same contexts; the second one's are the later ones. */
static int sync_files[2] = { -1, -1 };
static int kept_timelines[TIMELINES];
static unsigned int kept_timeline_count;
static char fdinfo[64];
static char *text;

static void put_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void make_buffer(void)
{
	buffer = must(ioctl(bench_fd, BENCH_EXPORT), "BENCH_EXPORT");
	snprintf(fdinfo, sizeof(fdinfo), "/proc/self/fdinfo/%d", buffer);
}

/* A fence that signals when the timeline has gone on by as much. */
static int make_fence(unsigned int ahead)
{
	struct sw_sync_create_fence_data data = {
		.value = timeline_value + ahead,
	};

	must(ioctl(timeline, SW_SYNC_IOC_CREATE_FENCE, &data),
	     "SW_SYNC_IOC_CREATE_FENCE");
	return data.fence;
}

static void advance(void)
{
	__u32 by = 1;

	must(ioctl(timeline, SW_SYNC_IOC_INC, &by), "SW_SYNC_IOC_INC");
	timeline_value++;
}

static void import_fence(int fd)
{
	struct dma_buf_import_sync_file import = {
		.flags = DMA_BUF_SYNC_WRITE,
		.fd = fd,
	};

	must(ioctl(buffer, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, &import),
	     "DMA_BUF_IOCTL_IMPORT_SYNC_FILE");
}

static void make_timeline(void)
{
	timeline_value = 0;
	timeline = must(open("/sys/kernel/debug/sync/sw_sync", O_RDWR),
			"sw_sync");
}

static void make_fenced_buffer(void)
{
	make_buffer();
	make_timeline();
	always_ready = must(eventfd(1, 0), "eventfd");
	fence = make_fence(1000000);
}

static void make_busy_buffer(void)
{
	make_fenced_buffer();
	import_fence(fence);
}

static void drop_all(void)
{
	put_fd(&timeline);
	put_fd(&fence);
	put_fd(&always_ready);
	put_fd(&heap);
	put_fd(&buffer);
	put_fd(&sync_files[0]);
	put_fd(&sync_files[1]);
	while (kept_timeline_count)
		close(kept_timelines[--kept_timeline_count]);
}

static int merge(int first, int second)
{
	struct sync_merge_data data = { .name = "bench", .fd2 = second };

	must(ioctl(first, SYNC_IOC_MERGE, &data), "SYNC_IOC_MERGE");
	return data.fence;
}

/* Makes @file one that also has the timeline's fence that many steps ahead. */
static void add_to_file(int *file, unsigned int ahead)
{
	int merged, added = make_fence(ahead);

	if (*file < 0) {
		*file = added;
		return;
	}
	merged = merge(*file, added);
	close(added);
	close(*file);
	*file = merged;
}

/* A timeline that is closed signals its fences, so all of them stay open. */
static void make_sync_files(unsigned int timelines)
{
	while (kept_timeline_count < timelines) {
		make_timeline();
		add_to_file(&sync_files[0], 1);
		add_to_file(&sync_files[1], 2);
		kept_timelines[kept_timeline_count++] = timeline;
		timeline = -1;
	}
}

static void make_1_and_1(void)
{
	make_sync_files(1);
}

static void make_16_and_16(void)
{
	make_sync_files(TIMELINES);
	always_ready = must(eventfd(1, 0), "eventfd");
}

static void make_signalled(void)
{
	make_timeline();
	sync_files[0] = make_fence(1);
	advance();
}

static void op_getppid(void)
{
	syscall(SYS_getppid);
}

static void op_memfd(void)
{
	close(must(memfd_create("bench", MFD_CLOEXEC), "memfd_create"));
}

static void op_export_close(void)
{
	close(must(ioctl(bench_fd, BENCH_EXPORT), "BENCH_EXPORT"));
}

static void sync_ioctl(__u64 flags)
{
	struct dma_buf_sync sync = { .flags = flags | DMA_BUF_SYNC_RW };

	must(ioctl(buffer, DMA_BUF_IOCTL_SYNC, &sync), "DMA_BUF_IOCTL_SYNC");
}

static void op_sync_pair(void)
{
	sync_ioctl(DMA_BUF_SYNC_START);
	sync_ioctl(DMA_BUF_SYNC_END);
}

static void op_set_name(void)
{
	must(ioctl(buffer, DMA_BUF_SET_NAME_B, "a name of some length"),
	     "DMA_BUF_SET_NAME");
}

static void expect_events(const struct pollfd *fd, short events)
{
	if (fd->revents == events)
		return;
	fprintf(stderr, "dma_buf_bench: poll: %#x in place of %#x\n",
		fd->revents, events);
	exit(1);
}

static void op_poll_idle(void)
{
	struct pollfd fd = { .fd = buffer, .events = POLLIN | POLLOUT };

	must(poll(&fd, 1, 0), "poll");
	expect_events(&fd, POLLIN | POLLOUT);
}

/* A poll that may sleep arms what it polls, whether or not that is ready. */
static void op_poll_idle_wait(void)
{
	struct pollfd fd = { .fd = buffer, .events = POLLIN | POLLOUT };

	must(poll(&fd, 1, -1), "poll");
	expect_events(&fd, POLLIN | POLLOUT);
}

/* It does not sleep as the second file, looked at after the buffer, is ready. */
static void op_poll_busy(void)
{
	struct pollfd fds[] = {
		{ .fd = buffer, .events = POLLIN },
		{ .fd = always_ready, .events = POLLIN },
	};

	must(poll(fds, 2, -1), "poll");
	expect_events(&fds[0], 0);
}

/* All that a frame costs: a fence comes, is waited for, and signals. */
static void op_poll_signal(void)
{
	int frame = make_fence(1);

	import_fence(frame);
	op_poll_busy();
	advance();
	op_poll_idle();
	close(frame);
}

static void op_export_sync_file(void)
{
	struct dma_buf_export_sync_file export = {
		.flags = DMA_BUF_SYNC_READ,
	};

	must(ioctl(buffer, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &export),
	     "DMA_BUF_IOCTL_EXPORT_SYNC_FILE");
	close(export.fd);
}

static void op_import_sync_file(void)
{
	import_fence(fence);
}

static void op_mmap(void)
{
	void *map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
			 buffer, 0);

	must(map == MAP_FAILED ? -1 : 0, "mmap");
	munmap(map, SIZE);
}

static void op_sync_merge(void)
{
	close(merge(sync_files[0], sync_files[1]));
}

/* @room: entries that there are; 0 asks how many there should be. */
static void sync_info(unsigned int room, unsigned int expected)
{
	static struct sync_fence_info entries[TIMELINES];
	struct sync_file_info info = {
		.num_fences = room,
		.sync_fence_info = room ? (uintptr_t)entries : 0,
	};

	must(ioctl(sync_files[0], SYNC_IOC_FILE_INFO, &info),
	     "SYNC_IOC_FILE_INFO");
	if (info.num_fences == expected)
		return;
	fprintf(stderr, "dma_buf_bench: a sync file of %u fences, not %u\n",
		info.num_fences, expected);
	exit(1);
}

static void op_sync_count(void)
{
	sync_info(0, TIMELINES);
}

static void op_sync_info_1(void)
{
	sync_info(1, 1);
}

static void op_sync_info_16(void)
{
	sync_info(TIMELINES, TIMELINES);
}

static void op_sync_poll(void)
{
	struct pollfd fd = { .fd = sync_files[0], .events = POLLIN };

	must(poll(&fd, 1, 0), "poll");
	expect_events(&fd, POLLIN);
}

/* As op_poll_busy() does it. */
static void op_sync_poll_busy(void)
{
	struct pollfd fds[] = {
		{ .fd = sync_files[0], .events = POLLIN },
		{ .fd = always_ready, .events = POLLIN },
	};

	must(poll(fds, 2, -1), "poll");
	expect_events(&fds[0], 0);
}

static void op_sync_fence(void)
{
	close(make_fence(1));
}

static void op_sync_signal(void)
{
	int frame = make_fence(1);

	advance();
	close(frame);
}

static void op_lseek(void)
{
	if (lseek(buffer, 0, SEEK_END) != SIZE || lseek(buffer, 0, SEEK_SET))
		must(-1, "lseek");
}

static void op_fdinfo(void)
{
	char lines[1024];
	int fd = must(open(fdinfo, O_RDONLY), fdinfo);

	must(read(fd, lines, sizeof(lines)), fdinfo);
	close(fd);
}

static void open_heap(void)
{
	heap = must(open("/dev/dma_heap/system", O_RDWR), "system heap");
}

static void op_heap(void)
{
	struct dma_heap_allocation_data data = {
		.len = SIZE,
		.fd_flags = O_RDWR | O_CLOEXEC,
	};

	must(ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &data), "DMA_HEAP_IOCTL_ALLOC");
	close(data.fd);
}

/* Reads all of it, a piece at a time as tools do; the last piece stays in text. */
static void op_bufinfo(void)
{
	int fd = must(open(BUFINFO, O_RDONLY), BUFINFO);
	ssize_t got;

	while ((got = must(read(fd, text, TEXT_SIZE), BUFINFO)) > 0)
		text[got] = '\0';
	close(fd);
}

/* Before it is timed, bufinfo has to show that it knows all buffers. */
static void make_live(unsigned int count, bool attached)
{
	unsigned int shown = 0;
	const char *total;

	text = calloc(1, TEXT_SIZE + 1);
	must(text ? 0 : -1, "calloc");
	set_live(count, attached);
	op_bufinfo();
	/* Other lines that begin so tell the devices of a buffer. */
	for (total = strstr(text, "\nTotal "); total;
	     total = strstr(total + 1, "\nTotal "))
		shown = strtoul(total + strlen("\nTotal "), NULL, 10);
	if (shown == count)
		return;
	fprintf(stderr, "dma_buf_bench: bufinfo shows %u buffers, not %u\n",
		shown, count);
	exit(1);
}

static void make_64_live(void)
{
	make_live(64, false);
}

static void make_64_attached(void)
{
	make_live(64, true);
}

static void make_1000_live(void)
{
	make_live(1000, false);
}

static void make_1000_attached(void)
{
	make_live(1000, true);
}

static void make_10000_live(void)
{
	make_live(10000, false);
}

static void drop_live(void)
{
	set_live(0, false);
	free(text);
}

const struct row user_rows[] = {
	{ "floor_getppid", .op = op_getppid },
	{ "floor_memfd_close", .op = op_memfd },

	{ "export_fd_close", .op = op_export_close },
	{ "heap_alloc_close", .setup = open_heap, .op = op_heap,
	  .teardown = drop_all },
	{ "sync_pair", 85, .setup = make_buffer, .op = op_sync_pair,
	  .teardown = drop_all },
	{ "set_name", .setup = make_buffer, .op = op_set_name,
	  .teardown = drop_all },
	{ "lseek_size", .setup = make_buffer, .op = op_lseek,
	  .teardown = drop_all },
	{ "mmap_munmap", .setup = make_buffer, .op = op_mmap,
	  .teardown = drop_all },
	{ "fdinfo_read", .setup = make_buffer, .op = op_fdinfo,
	  .teardown = drop_all },
	{ "poll_idle", 85, .setup = make_buffer, .op = op_poll_idle,
	  .teardown = drop_all },
	{ "poll_idle_wait", .setup = make_buffer, .op = op_poll_idle_wait,
	  .teardown = drop_all },
	{ "poll_busy", .setup = make_busy_buffer, .op = op_poll_busy,
	  .teardown = drop_all },
	{ "poll_signal", .setup = make_fenced_buffer, .op = op_poll_signal,
	  .teardown = drop_all },
	{ "export_sync_file", .setup = make_buffer, .op = op_export_sync_file,
	  .teardown = drop_all },
	{ "export_sync_file_busy", .setup = make_busy_buffer,
	  .op = op_export_sync_file, .teardown = drop_all },
	{ "import_sync_file", .setup = make_fenced_buffer,
	  .op = op_import_sync_file, .teardown = drop_all },

	{ "sync_merge_1_1", .setup = make_1_and_1, .op = op_sync_merge,
	  .teardown = drop_all },
	{ "sync_merge_16_16", .most = 8000, .batch = 64,
	  .setup = make_16_and_16, .op = op_sync_merge, .teardown = drop_all },
	{ "sync_info_count", .setup = make_16_and_16, .op = op_sync_count,
	  .teardown = drop_all },
	{ "sync_info_1", .setup = make_1_and_1, .op = op_sync_info_1,
	  .teardown = drop_all },
	{ "sync_info_16", .most = 4500, .setup = make_16_and_16,
	  .op = op_sync_info_16, .teardown = drop_all },
	{ "sync_poll", .setup = make_signalled, .op = op_sync_poll,
	  .teardown = drop_all },
	{ "sync_poll_busy", .setup = make_16_and_16, .op = op_sync_poll_busy,
	  .teardown = drop_all },
	{ "sw_sync_fence", .setup = make_timeline, .op = op_sync_fence,
	  .teardown = drop_all },
	{ "sw_sync_signal", .setup = make_timeline, .op = op_sync_signal,
	  .teardown = drop_all },

	{ "bufinfo_64", .batch = 4, .scale = 64, .setup = make_64_live,
	  .op = op_bufinfo, .teardown = drop_live },
	{ "bufinfo_64_attached", .batch = 4, .scale = 64,
	  .setup = make_64_attached, .op = op_bufinfo, .teardown = drop_live },
	{ "bufinfo_1000", .batch = 1, .scale = 1000, .setup = make_1000_live,
	  .op = op_bufinfo, .teardown = drop_live },
	{ "bufinfo_1000_attached", .batch = 1, .scale = 1000,
	  .setup = make_1000_attached, .op = op_bufinfo,
	  .teardown = drop_live },
	{ "bufinfo_10000", 45, .batch = 1, .scale = 10000,
	  .setup = make_10000_live, .op = op_bufinfo, .teardown = drop_live },
	{ .name = NULL },
};
