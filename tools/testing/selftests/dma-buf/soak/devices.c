// SPDX-License-Identifier: GPL-2.0-only
/* Devices: they have buffers attached, mapped, moved, and they work on them. */
#include "fuzz/places.h"
#include "memory_helpers.h"
#include "prime.h"
#include "test_device.h"
#include "worker.h"

#define FEW_PAGES	16

/* In microseconds. */
#define LONG_JOB	3000

static struct attachment *any_attachment(struct worker *worker)
{
	return &worker->attachments[random_below(&worker->random, ATTACHMENTS)];
}

static int *some_buffer(struct worker *worker)
{
	return some_fd(worker, worker->buffers, BUFFERS);
}

/* With it goes all that was made by it, jobs included. */
static int open_device(struct worker *worker)
{
	if (!places.has_test)
		return -ENOENT;
	memset(worker->exports, 0, sizeof(worker->exports));
	memset(worker->devices, 0, sizeof(worker->devices));
	memset(worker->attachments, 0, sizeof(worker->attachments));
	return keep_fd(&worker->test, test_open());
}

/* Puts an id where there may be another one, which @undo is for. */
static int keep_id(struct worker *worker, __u32 *slot, int id, unsigned long undo)
{
	if (id < 0)
		return id;
	if (*slot && test_call(worker->test, undo, *slot)) {
		/* It is still in use. */
		test_call(worker->test, undo, id);
		return -EBUSY;
	}
	*slot = id;
	return 0;
}

static int export(struct worker *worker)
{
	static const __u32 kinds[] = {
		0, DMA_BUF_TEST_CACHED, DMA_BUF_TEST_DYNAMIC, DMA_BUF_TEST_DYNAMIC,
	};
	size_t size = page_size() * (1 + random_below(&worker->random, FEW_PAGES));
	int id, fd;

	if (worker->test < 0 && open_device(worker))
		return -ENOENT;
	id = test_export(worker->test, kinds[random_below(&worker->random, 4)], size, &fd);
	if (id < 0)
		return id;
	keep_fd(any_fd(worker, worker->buffers, BUFFERS), fd);
	return keep_id(worker, &worker->exports[random_below(&worker->random, EXPORTS)], id,
		       DMA_BUF_TEST_IOC_DROP);
}

static int move(struct worker *worker)
{
	__u32 id = worker->exports[random_below(&worker->random, EXPORTS)];
	int err;

	if (!id)
		return -ENOENT;
	err = test_move(worker->test, id, one_in(&worker->random, 2) ? DMA_BUF_TEST_SYSTEM :
								       DMA_BUF_TEST_VRAM);
	/* Not all can. */
	return err == -EOPNOTSUPP ? -EBUSY : err;
}

static __u32 *any_device(struct worker *worker)
{
	return &worker->devices[random_below(&worker->random, DEVICES)];
}

static int make_device_at(struct worker *worker, __u32 *slot)
{
	static const __u32 kinds[] = {
		0, DMA_BUF_TEST_FOLLOWS_MOVES, DMA_BUF_TEST_FOLLOWS_MOVES | DMA_BUF_TEST_PEER,
	};

	if (worker->test < 0 && open_device(worker))
		return -ENOENT;
	return keep_id(worker, slot,
		       test_device(worker->test, kinds[random_below(&worker->random, 3)]),
		       DMA_BUF_TEST_IOC_REMOVE_DEVICE);
}

static int make_device(struct worker *worker)
{
	return make_device_at(worker, any_device(worker));
}

/* Takes back what was done to an attachment. */
static int undo_attachment(struct worker *worker, struct attachment *attachment)
{
	__u32 id = attachment->id;
	int err;

	/* A job may still use it. */
	if (attachment->mapped && test_call(worker->test, DMA_BUF_TEST_IOC_UNMAP, id))
		return -EBUSY;
	attachment->mapped = false;
	while (!test_call(worker->test, DMA_BUF_TEST_IOC_UNPIN, id))
		;
	err = test_call(worker->test, DMA_BUF_TEST_IOC_DETACH, id);
	if (!err)
		attachment->id = 0;
	return err;
}

static int detach(struct worker *worker)
{
	struct attachment *attachment = any_attachment(worker);

	return attachment->id ? undo_attachment(worker, attachment) : -ENOENT;
}

static int attach_to(struct worker *worker, struct attachment *attachment)
{
	__u32 *device = any_device(worker);
	int *buffer = some_buffer(worker), id;

	if (!*device && make_device_at(worker, device))
		return -ENOENT;
	if (!buffer)
		return -ENOENT;
	id = test_attach(worker->test, *device, *buffer);
	if (id < 0)
		return id;
	attachment->id = id;
	attachment->mapped = false;
	return 0;
}

/* In place of another one, if there is one. */
static int attach(struct worker *worker)
{
	struct attachment *attachment = any_attachment(worker);

	if (attachment->id && undo_attachment(worker, attachment))
		return -EBUSY;
	return attach_to(worker, attachment);
}

static int map_one(struct worker *worker, struct attachment *attachment)
{
	int err = 0;

	if (attachment->mapped)
		return 0;
	if (!attachment->id)
		err = attach_to(worker, attachment);
	if (!err)
		err = test_map(worker->test, attachment->id, DMA_BUF_TEST_BOTH);
	attachment->mapped = !err;
	return err;
}

static int map(struct worker *worker)
{
	return map_one(worker, any_attachment(worker));
}

static int unmap(struct worker *worker)
{
	struct attachment *attachment = any_attachment(worker);
	int err;

	if (!attachment->mapped)
		return -ENOENT;
	err = test_call(worker->test, DMA_BUF_TEST_IOC_UNMAP, attachment->id);
	attachment->mapped = err;
	return err;
}

static int pin(struct worker *worker)
{
	__u32 id = any_attachment(worker)->id;
	int err = id ? test_call(worker->test, DMA_BUF_TEST_IOC_PIN, id) : -ENOENT;

	/* That is for those who follow moves. */
	return err == -EINVAL ? -EBUSY : err;
}

static int unpin(struct worker *worker)
{
	__u32 id = any_attachment(worker)->id;
	int err = id ? test_call(worker->test, DMA_BUF_TEST_IOC_UNPIN, id) : -ENOENT;

	return err == -EINVAL ? -EBUSY : err;
}

/* What the kernel has mapped can't move, so it doesn't for long. */
static int map_into_kernel(struct worker *worker)
{
	__u32 id = any_attachment(worker)->id;
	int err = id ? test_call(worker->test, DMA_BUF_TEST_IOC_VMAP, id) : -ENOENT;

	if (err)
		return err;
	while (test_call(worker->test, DMA_BUF_TEST_IOC_VUNMAP, id) == -EINTR)
		;
	return 0;
}

static int work(struct worker *worker)
{
	struct attachment *target = any_attachment(worker), *source = any_attachment(worker);
	bool copies = one_in(&worker->random, 2);
	struct dma_buf_test_job job = {
		.work = copies ? DMA_BUF_TEST_COPY : DMA_BUF_TEST_FILL,
		.length = page_size(),
		.value = worker->number,
		.delay_ns = 1000ULL * random_below(&worker->random, LONG_JOB),
		.error = one_in(&worker->random, 20) ? EIO : 0,
	};
	int err;

	err = map_one(worker, target) ?: map_one(worker, source);
	if (err)
		return err;
	job.target = target->id;
	job.source = copies ? source->id : 0;
	err = test_submit(worker->test, &job);
	return err ?: keep_fd(any_fd(worker, worker->fences, FENCES), job.fd);
}

/* A driver that isn't there for tests alone. */
static int import_into_drm(struct worker *worker)
{
	int *buffer = some_buffer(worker), drm, err;
	__u32 handle;

	if (!buffer || !places.drm.count)
		return -ENOENT;
	drm = open(path_number(&places.drm, random_next(&worker->random)), O_RDWR | O_CLOEXEC);
	if (drm < 0)
		return -errno;
	err = prime_import(drm, *buffer, &handle);
	if (!err && one_in(&worker->random, 2))
		err = prime_close(drm, handle);
	close(drm);
	return err;
}

const struct act device_acts[] = {
	{ "test device", open_device, 1 },
	{ "export", export, 15 },
	{ "move", move, 15 },
	{ "device", make_device, 3 },
	{ "attach", attach, 25 },
	{ "detach", detach, 10 },
	{ "map", map, 25 },
	{ "unmap", unmap, 10 },
	{ "pin", pin, 5 },
	{ "unpin", unpin, 5 },
	{ "vmap", map_into_kernel, 5 },
	{ "job", work, 30 },
	{ "drm import", import_into_drm, 5 },
	{}
};
