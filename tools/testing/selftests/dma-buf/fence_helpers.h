/* SPDX-License-Identifier: GPL-2.0-only */
/* What there is to ask of sync files and of their timelines. */
#ifndef FENCE_HELPERS_H
#define FENCE_HELPERS_H

#include <sys/prctl.h>

#include "dmabuf_helpers.h"

#define SYNC_INFO	"/sys/kernel/debug/sync/info"

/* The interface is for tests only, so that no header has it. */
struct sw_sync_get_deadline {
	__u64 deadline_ns;
	__u32 pad;
	__s32 fence_fd;
};

#define SW_SYNC_GET_DEADLINE	_IOWR('W', 2, struct sw_sync_get_deadline)

static inline int set_deadline(int sync_file, __u64 deadline_ns)
{
	struct sync_set_deadline request = { .deadline_ns = deadline_ns };

	return call_ioctl(sync_file, SYNC_IOC_SET_DEADLINE, &request);
}

static inline int get_deadline(int timeline, int sync_file, __u64 *deadline_ns)
{
	struct sw_sync_get_deadline request = { .fence_fd = sync_file };
	int err = call_ioctl(timeline, SW_SYNC_GET_DEADLINE, &request);

	*deadline_ns = request.deadline_ns;
	return err;
}

/* What a sync file says of itself and of up to @room fences. */
static inline int read_info(int sync_file, struct sync_file_info *info,
			    struct sync_fence_info *fences, __u32 room)
{
	memset(info, 0, sizeof(*info));
	info->num_fences = room;
	info->sync_fence_info = (uintptr_t)fences;
	return call_ioctl(sync_file, SYNC_IOC_FILE_INFO, info);
}

/* 1, 0 or the error that the work ended with. */
static inline int read_status(int sync_file)
{
	struct sync_file_info info;
	int err = read_info(sync_file, &info, NULL, 0);

	return err ?: info.status;
}

static inline int count_fences(int sync_file)
{
	struct sync_file_info info;
	int err = read_info(sync_file, &info, NULL, 0);

	return err ?: (int)info.num_fences;
}

static inline int merge_named(int a, int b, const char *name, size_t len)
{
	struct sync_merge_data request = { .fd2 = b };
	int err;

	memcpy(request.name, name, len);
	err = call_ioctl(a, SYNC_IOC_MERGE, &request);
	return err ?: request.fence;
}

/*
 * debugfs
 */

static inline bool info_has(const char *what)
{
	char *text = read_file(SYNC_INFO);
	bool has = text && strstr(text, what);

	free(text);
	return has;
}

/*
 * Waits until no fence is left of timelines that are called @name and still at 0:
 * what holds the last may be freed a little later. False when some are.
 */
static inline bool wait_until_none_pending(const char *name)
{
	char pending[64];
	int tries;

	snprintf(pending, sizeof(pending), "\n%s: 0\n  fence", name);
	for (tries = 0; tries < PATIENCE / 10; tries++) {
		if (!info_has(pending))
			return true;
		usleep(10000);
	}
	return false;
}

/* A timeline that has a name of its own in sync/info. */
static inline int create_timeline_named(const char *name)
{
	char old[16];
	int timeline;

	prctl(PR_GET_NAME, old);
	prctl(PR_SET_NAME, name);
	timeline = timeline_create();
	prctl(PR_SET_NAME, old);
	return timeline;
}

#endif
