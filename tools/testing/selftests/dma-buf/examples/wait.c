// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waits for the work of two devices with one poll(), and tells how it went.
 *
 * Sync files come from drivers that queue work. These two come from timelines of
 * debugfs, so that this runs without any device; it signals them itself. The exit
 * status is 4 when there is no debugfs.
 */
#include <err.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <linux/sync_file.h>
#include <linux/types.h>

/* For tests only, so that no header has it. */
struct sw_sync_create_fence {
	__u32 value;
	char name[32];
	__s32 fence;
};

#define SW_SYNC_IOC_CREATE_FENCE	_IOWR('W', 0, struct sw_sync_create_fence)
#define SW_SYNC_IOC_INC			_IOW('W', 1, __u32)

static int new_timeline(void)
{
	const char *path = "/sys/kernel/debug/sync/sw_sync";
	int timeline = open(path, O_RDWR | O_CLOEXEC);

	if (timeline < 0)
		err(4, "%s", path);
	return timeline;
}

static int queue_work(int timeline)
{
	struct sw_sync_create_fence request = { .value = 1 };

	if (ioctl(timeline, SW_SYNC_IOC_CREATE_FENCE, &request))
		err(EXIT_FAILURE, "SW_SYNC_IOC_CREATE_FENCE");
	return request.fence;
}

static void finish_work(int timeline)
{
	__u32 by = 1;

	if (ioctl(timeline, SW_SYNC_IOC_INC, &by))
		err(EXIT_FAILURE, "SW_SYNC_IOC_INC");
}

/* Both stay open, and stay the caller's. */
static int merge(int a, int b)
{
	struct sync_merge_data request = { .name = "frame", .fd2 = b };

	if (ioctl(a, SYNC_IOC_MERGE, &request))
		err(EXIT_FAILURE, "SYNC_IOC_MERGE");
	return request.fence;
}

static void set_deadline(int sync_file, unsigned int ms)
{
	struct sync_set_deadline request = {};
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	request.deadline_ns = now.tv_sec * 1000000000ULL + now.tv_nsec + ms * 1000000ULL;
	if (ioctl(sync_file, SYNC_IOC_SET_DEADLINE, &request))
		err(EXIT_FAILURE, "SYNC_IOC_SET_DEADLINE");
}

static int is_done(int sync_file, int timeout_ms)
{
	struct pollfd done = { .fd = sync_file, .events = POLLIN };

	return poll(&done, 1, timeout_ms) == 1;
}

/* Returns 1 if all went well, 0 if it isn't over, a negative errno if it failed. */
static int tell(int sync_file)
{
	struct sync_file_info info = {};
	struct sync_fence_info *fences;
	unsigned int i;

	if (ioctl(sync_file, SYNC_IOC_FILE_INFO, &info))
		err(EXIT_FAILURE, "SYNC_IOC_FILE_INFO");
	fences = calloc(info.num_fences, sizeof(*fences));
	if (!fences)
		err(EXIT_FAILURE, "calloc");
	info.sync_fence_info = (uintptr_t)fences;
	if (ioctl(sync_file, SYNC_IOC_FILE_INFO, &info))
		err(EXIT_FAILURE, "SYNC_IOC_FILE_INFO");

	printf("%s: status %d\n", info.name, info.status);
	for (i = 0; i < info.num_fences; i++)
		printf("  %s of %s: status %d at %llu ns\n", fences[i].obj_name,
		       fences[i].driver_name, fences[i].status,
		       (unsigned long long)fences[i].timestamp_ns);
	free(fences);
	return info.status;
}

int main(void)
{
	int camera = new_timeline(), scaler = new_timeline();
	int captured = queue_work(camera), scaled = queue_work(scaler);
	int both = merge(captured, scaled);

	close(captured);
	close(scaled);
	set_deadline(both, 16);
	finish_work(camera);
	if (is_done(both, 0))
		errx(EXIT_FAILURE, "done before all of it was");
	if (tell(both) != 0)
		errx(EXIT_FAILURE, "no longer pending");

	finish_work(scaler);
	if (!is_done(both, 1000))
		errx(EXIT_FAILURE, "not done in a second");
	if (tell(both) != 1)
		errx(EXIT_FAILURE, "it failed");
	return 0;
}
