// SPDX-License-Identifier: GPL-2.0-only
/*
 * Modules that go: the examples of samples/dma-buf and the test device are unloaded while
 * all that they made is in use.  As long as somebody may call into one it has to stay, and
 * afterwards to go; what the other side has left works on.
 *
 * These leave the modules loaded, since other tests want them.
 */
#include "../kselftest_harness.h"

#include "../../../../samples/dma-buf/example.h"
#include "fence_helpers.h"
#include "modules.h"
#include "test_device.h"
#include "workers.h"

#define EXPORTER	"example_exporter"
#define IMPORTER	"example_importer"
#define FENCES		"example_fence"
#define HEAP		"example_heap"
#define DEVICE		"dma_buf_test"

#define EXPORTER_NODE	"/dev/dma_buf_example_exporter"
#define IMPORTER_NODE	"/dev/dma_buf_example_importer"
#define FENCES_NODE	"/dev/dma_buf_example_fence"
#define HEAP_NODE	"/dev/dma_heap/example"

/* A job that is pending for as long as a few calls take. */
#define WHILE_MS	3000

static int open_node(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* A buffer of the example exporter, which is closed itself. */
static int example_export(size_t size)
{
	struct dma_buf_example_export request = { .size = size };
	int exporter = open_node(EXPORTER_NODE), err;

	if (exporter < 0)
		return exporter;
	err = call_ioctl(exporter, DMA_BUF_EXAMPLE_EXPORT, &request);
	close(exporter);
	return err ?: request.fd;
}

/* A sync file of a job of the example, which is closed itself. */
static int example_job(__u32 ms)
{
	struct dma_buf_example_job request = { .delay_ms = ms };
	int fences = open_node(FENCES_NODE), err;

	if (fences < 0)
		return fences;
	err = call_ioctl(fences, DMA_BUF_EXAMPLE_JOB, &request);
	close(fences);
	return err ?: request.fd;
}

/* How many bytes the example importer finds in a buffer. */
static long example_import(int importer, int fd, __u32 flags)
{
	struct dma_buf_example_import request = { .fd = fd, .flags = flags };
	int err = call_ioctl(importer, DMA_BUF_EXAMPLE_IMPORT, &request);

	return err ?: (long)request.bytes;
}

/* Has it import a buffer, which stays attached and mapped until the importer is closed. */
static long example_follow(int importer, int fd)
{
	return example_import(importer, fd, DMA_BUF_EXAMPLE_DYNAMIC);
}

static char *map_buffer(int fd, size_t size)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
}

FIXTURE(modules)
{
	size_t size;
	int importer;
	int test;
};

FIXTURE_SETUP(modules)
{
	if (lacks_module(EXPORTER) || lacks_module(IMPORTER) || lacks_module(FENCES) ||
	    lacks_module(HEAP) || lacks_module(DEVICE))
		SKIP(return, "%s", lack);
	self->size = 5 * page_size();
	self->importer = open_node(IMPORTER_NODE);
	self->test = test_open();
	ASSERT_LE(0, self->importer);
	ASSERT_LE(0, self->test);
}

FIXTURE_TEARDOWN(modules)
{
}

/* Something of it is used, and so it stays. */
#define EXPECT_STAYS(name)	EXPECT_EQ(-EAGAIN, module_unload(name))

/* The same, while a job of the example is pending that was submitted after @since. */
static bool stays_for_a_while(const char *name, __u64 since)
{
	int err = module_unload(name);

	if (err == -EAGAIN)
		return true;
	/* This machine was so busy that the job is over. */
	return !err && !module_load(name) &&
	       monotonic_ns() - since >= WHILE_MS * 1000000ULL;
}

/* Nothing is used any more, and it goes; then it is fetched back. */
#define EXPECT_GOES(name) do { \
	EXPECT_EQ(0, module_unload_soon(name)); \
	EXPECT_FALSE(module_is_loaded(name)); \
	EXPECT_EQ(0, module_load(name)); \
} while (0)

/*
 * The examples, one with the other
 */

/* 0, or which step went wrong. */
static int use_examples(size_t size)
{
	int buffer = example_export(size), job = example_job(20);
	int importer = open_node(IMPORTER_NODE), ret = 0;

	if (buffer < 0 || job < 0 || importer < 0)
		return 1;
	if (import_sync_file(buffer, DMA_BUF_SYNC_WRITE, job))
		ret = 2;
	else if (example_import(importer, buffer, 0) != (long)size)
		ret = 3;
	/* It has waited for who writes. */
	else if (!has_signalled(job))
		ret = 4;
	else if (example_follow(importer, buffer) != (long)size)
		ret = 5;
	close(importer);
	close(buffer);
	close(job);
	return ret;
}

TEST_F(modules, the_examples_work_each_time_they_are_loaded)
{
	int i;

	close(self->importer);
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, use_examples(self->size));
		ASSERT_EQ(0, module_unload_soon(IMPORTER));
		ASSERT_EQ(0, module_unload_soon(EXPORTER));
		ASSERT_EQ(0, module_unload_soon(FENCES));
		EXPECT_NE(0, access(EXPORTER_NODE, F_OK));
		EXPECT_NE(0, access(IMPORTER_NODE, F_OK));
		EXPECT_NE(0, access(FENCES_NODE, F_OK));
		ASSERT_EQ(0, module_load(FENCES));
		ASSERT_EQ(0, module_load(EXPORTER));
		ASSERT_EQ(0, module_load(IMPORTER));
	}
}

TEST_F(modules, a_heap_never_goes)
{
	int heap = open_node(HEAP_NODE), fd;

	ASSERT_LE(0, heap);
	EXPECT_EQ(-EBUSY, module_unload(HEAP));
	fd = heap_alloc_from(heap, self->size, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, fd);
	EXPECT_EQ((long)self->size, example_import(self->importer, fd, 0));
	EXPECT_EQ((long)self->size, example_follow(self->importer, fd));
	close(heap);
	close(fd);
	close(self->importer);
	EXPECT_EQ(-EBUSY, module_unload(HEAP));
}

TEST_F(modules, two_devices_and_the_cpu_share_a_buffer)
{
	int fd = example_export(self->size), attachment;
	__u32 *data;

	ASSERT_LE(0, fd);
	data = (__u32 *)map_buffer(fd, self->size);
	ASSERT_NE(MAP_FAILED, (void *)data);
	attachment = test_attach_and_map(self->test, 0, fd);
	ASSERT_LT(0, attachment);
	ASSERT_EQ((long)self->size, example_follow(self->importer, fd));

	/* One of them is mapped to be read only. */
	EXPECT_EQ(0, cpu_sync(fd, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW));
	memset(data, 0, self->size);
	EXPECT_EQ(0, cpu_sync(fd, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW));
	EXPECT_EQ(1, test_fill(self->test, attachment, self->size, 0x1234567));
	EXPECT_EQ(0, cpu_sync(fd, DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ));
	EXPECT_TRUE(has_only(data, self->size, 0x1234567));
	EXPECT_EQ(0, cpu_sync(fd, DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ));
}

TEST_F(modules, a_follower_maps_again_after_a_move)
{
	int fd, buffer = test_export(self->test, DMA_BUF_TEST_DYNAMIC, self->size, &fd);
	__u64 maps;

	ASSERT_LT(0, buffer);
	ASSERT_EQ((long)self->size, example_follow(self->importer, fd));
	if (test_buffer_state(self->test, buffer).pins)
		SKIP(return, "mappings pin: DMABUF_MOVE_NOTIFY is off");
	maps = test_op_calls(self->test, buffer, DMA_BUF_TEST_MAP_OP);
	EXPECT_EQ(1U, maps);

	/* It keeps what it has, */
	ASSERT_EQ((long)self->size, example_follow(self->importer, fd));
	EXPECT_EQ(maps, test_op_calls(self->test, buffer, DMA_BUF_TEST_MAP_OP));
	EXPECT_EQ(0U, test_op_calls(self->test, buffer, DMA_BUF_TEST_UNMAP_OP));
	/* ... lets go of it, */
	ASSERT_EQ(0, test_move(self->test, buffer, DMA_BUF_TEST_VRAM));
	EXPECT_EQ(1U, test_op_calls(self->test, buffer, DMA_BUF_TEST_UNMAP_OP));
	/* ... and gets another, where it can have one. */
	ASSERT_EQ((long)self->size, example_follow(self->importer, fd));
	EXPECT_EQ(maps + 1, test_op_calls(self->test, buffer, DMA_BUF_TEST_MAP_OP));
	EXPECT_EQ(DMA_BUF_TEST_SYSTEM, test_placement(self->test, buffer));
}

/*
 * One module at a time, with everything in flight
 */

TEST_F(modules, a_mapping_keeps_the_exporter)
{
	int fd = example_export(self->size);
	char *data;

	ASSERT_LE(0, fd);
	EXPECT_STAYS(EXPORTER);
	data = map_buffer(fd, self->size);
	ASSERT_NE(MAP_FAILED, data);
	close(fd);
	EXPECT_STAYS(EXPORTER);
	memset(data, 7, self->size);
	EXPECT_TRUE(has_only(data, self->size, 0x07070707));
	munmap(data, self->size);
	EXPECT_GOES(EXPORTER);
}

TEST_F(modules, importers_keep_the_exporter)
{
	int fd = example_export(self->size), attachment, job;

	ASSERT_LE(0, fd);
	ASSERT_EQ((long)self->size, example_follow(self->importer, fd));
	attachment = test_attach_and_map(self->test, 0, fd);
	ASSERT_LT(0, attachment);
	job = test_fill_on_trigger(self->test, attachment, self->size, 1);
	ASSERT_LT(0, job);
	close(fd);
	EXPECT_STAYS(EXPORTER);
	EXPECT_STAYS(IMPORTER);
	EXPECT_STAYS(DEVICE);

	close(self->importer);
	EXPECT_GOES(IMPORTER);
	EXPECT_STAYS(EXPORTER);
	EXPECT_EQ(0, test_trigger(self->test, job, 0));
	/* Unmaps when the job is over, and detaches. */
	close(self->test);
	EXPECT_GOES(EXPORTER);
	EXPECT_GOES(DEVICE);
}

TEST_F(modules, a_sleeper_keeps_exporter_and_fence)
{
	__u64 since = monotonic_ns();
	int fd = example_export(self->size), job = example_job(WHILE_MS);
	struct sleeper sleeper = { .wait = sleeper_poll, .fd = fd, .events = POLLIN };

	ASSERT_LE(0, fd);
	ASSERT_LE(0, job);
	ASSERT_EQ(0, import_sync_file(fd, DMA_BUF_SYNC_WRITE, job));
	ASSERT_TRUE(sleeper_start(&sleeper));
	/* Nobody has the buffer or the fence but who sleeps. */
	close(fd);
	close(job);
	EXPECT_TRUE(stays_for_a_while(EXPORTER, since));
	EXPECT_TRUE(stays_for_a_while(FENCES, since));
	/* Once woken, poll() finds that the descriptor is closed. */
	EXPECT_EQ(POLLNVAL, sleeper_join(&sleeper));
	EXPECT_GOES(EXPORTER);
	EXPECT_GOES(FENCES);
}

TEST_F(modules, who_has_a_fence_keeps_who_made_it)
{
	int buffer = heap_alloc(self->size), job = example_job(WHILE_MS);
	int soon = example_job(1), merged;

	ASSERT_LE(0, buffer);
	ASSERT_LE(0, job);
	merged = merge_sync_files(job, soon);
	ASSERT_LE(0, merged);
	ASSERT_EQ(0, import_sync_file(buffer, DMA_BUF_SYNC_WRITE, job));
	close(soon);
	EXPECT_STAYS(FENCES);
	/* It isn't over for being over. */
	EXPECT_TRUE(is_ready(job, POLLIN, PATIENCE));
	EXPECT_TRUE(is_ready(merged, POLLIN, PATIENCE));
	EXPECT_STAYS(FENCES);
	EXPECT_EQ(1, read_status(job));
	close(job);
	close(merged);
	/* The buffer may have forgotten what has signalled, or not. */
	close(buffer);
	EXPECT_GOES(FENCES);
}

TEST_F(modules, a_pending_job_keeps_its_module)
{
	__u64 since = monotonic_ns();
	int job = example_job(WHILE_MS);

	ASSERT_LE(0, job);
	/* Nobody has the fence but the timer. */
	close(job);
	EXPECT_TRUE(stays_for_a_while(FENCES, since));
	EXPECT_GOES(FENCES);
}

TEST_F(modules, a_buffer_outlives_its_importer)
{
	int fd = example_export(self->size), attachment;
	char *data;

	ASSERT_LE(0, fd);
	data = map_buffer(fd, self->size);
	ASSERT_NE(MAP_FAILED, data);
	ASSERT_EQ((long)self->size, example_follow(self->importer, fd));
	EXPECT_STAYS(IMPORTER);
	close(self->importer);
	EXPECT_GOES(IMPORTER);

	memset(data, 1, self->size);
	EXPECT_EQ(POLLIN | POLLOUT, ready_now(fd, POLLIN | POLLOUT));
	attachment = test_attach_and_map(self->test, 0, fd);
	ASSERT_LT(0, attachment);
	EXPECT_EQ(1, test_fill(self->test, attachment, self->size, 2));
	EXPECT_TRUE(has_only(data, self->size, 2));
	self->importer = open_node(IMPORTER_NODE);
	ASSERT_LE(0, self->importer);
	EXPECT_EQ((long)self->size, example_follow(self->importer, fd));
}

/* For a thread of its own: the way to a buffer is barred until a job is over. */
struct mover {
	struct sleeper sleeper;
	int test;
	int buffer;
};

static int mover_wait(struct sleeper *sleeper, int timeout)
{
	struct mover *mover = (struct mover *)sleeper;

	/* Sleepers try once whether they'd have to wait. */
	if (!timeout)
		return 0;
	return test_move(mover->test, mover->buffer, DMA_BUF_TEST_VRAM);
}

static void *close_it(void *data)
{
	close(*(int *)data);
	return NULL;
}

TEST_F(modules, a_move_under_way_keeps_both_sides)
{
	struct mover mover = { .sleeper.wait = mover_wait, .test = self->test };
	int fd, attachment, job;
	pthread_t closer;

	mover.buffer = test_export(self->test, DMA_BUF_TEST_DYNAMIC, self->size, &fd);
	ASSERT_LT(0, mover.buffer);
	ASSERT_EQ((long)self->size, example_follow(self->importer, fd));
	attachment = test_attach_and_map(self->test, DMA_BUF_TEST_FOLLOWS_MOVES, fd);
	ASSERT_LT(0, attachment);
	if (test_buffer_state(self->test, mover.buffer).pins)
		SKIP(return, "mappings pin: DMABUF_MOVE_NOTIFY is off");
	job = test_fill_on_trigger(self->test, attachment, self->size, 1);
	ASSERT_LT(0, job);

	/* The importer has been told, and the job is waited for. */
	ASSERT_TRUE(sleeper_start(&mover.sleeper));
	EXPECT_STAYS(IMPORTER);
	EXPECT_STAYS(DEVICE);
	/* It can't be closed before the move is over, so it is still there. */
	ASSERT_EQ(0, pthread_create(&closer, NULL, close_it, &self->importer));
	usleep(50000);
	EXPECT_STAYS(IMPORTER);

	EXPECT_EQ(0, test_trigger(self->test, job, 0));
	EXPECT_EQ(0, sleeper_join(&mover.sleeper));
	pthread_join(closer, NULL);
	EXPECT_GOES(IMPORTER);
	EXPECT_STAYS(DEVICE);
	self->importer = open_node(IMPORTER_NODE);
	ASSERT_LE(0, self->importer);
	EXPECT_EQ((long)self->size, example_follow(self->importer, fd));
}

TEST_F(modules, the_test_device_stays_as_long_as_any_of_its_things)
{
	struct dma_buf_test_job request = {
		.work = DMA_BUF_TEST_FILL, .length = self->size, .value = 1,
		.end = DMA_BUF_TEST_NEVER,
	};
	int heap = heap_alloc(self->size), fd, buffer, second;
	struct sleeper sleeper = { .wait = sleeper_poll, .events = POLLIN };
	char *data;

	/* A buffer of it that is mapped and that another importer follows, */
	buffer = test_export(self->test, 0, self->size, &fd);
	ASSERT_LT(0, buffer);
	data = map_buffer(fd, self->size);
	ASSERT_NE(MAP_FAILED, data);
	memset(data, 0, self->size);
	ASSERT_EQ((long)self->size, example_follow(self->importer, fd));
	/* ... a job on another one's buffer, and one that waits for that, */
	ASSERT_LE(0, heap);
	request.target = test_attach_and_map(self->test, 0, heap);
	ASSERT_LT(0, (int)request.target);
	ASSERT_EQ(0, test_submit(self->test, &request));
	second = test_fill_on_trigger(self->test, request.target, self->size, 2);
	ASSERT_LT(0, second);
	/* ... and one who waits for that. */
	sleeper.fd = request.fd;
	ASSERT_TRUE(sleeper_start(&sleeper));
	EXPECT_STAYS(DEVICE);

	/* Nobody is left who could end the jobs, so they end now. */
	close(self->test);
	EXPECT_EQ(POLLIN, sleeper_join(&sleeper));
	EXPECT_EQ(-ECANCELED, read_status(request.fd));
	EXPECT_EQ(POLLIN | POLLOUT, ready_now(heap, POLLIN | POLLOUT));
	EXPECT_STAYS(DEVICE);
	memset(data, 3, self->size);
	EXPECT_EQ(0, cpu_sync(fd, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW));
	EXPECT_EQ(0, cpu_sync(fd, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW));
	EXPECT_EQ((long)self->size, example_follow(self->importer, fd));

	/* One after the other goes, and only with the last of them the module. */
	close(self->importer);
	EXPECT_STAYS(DEVICE);
	close(fd);
	EXPECT_STAYS(DEVICE);
	EXPECT_TRUE(has_only(data, self->size, 0x03030303));
	munmap(data, self->size);
	EXPECT_STAYS(DEVICE);
	close(request.fd);
	close(heap);
	EXPECT_GOES(DEVICE);
}

TEST_F(modules, a_fence_alone_keeps_the_test_device)
{
	struct dma_buf_test_job request = {
		.work = DMA_BUF_TEST_FILL, .length = self->size, .end = DMA_BUF_TEST_NEVER,
	};
	int heap = heap_alloc(self->size);

	ASSERT_LE(0, heap);
	request.target = test_attach_and_map(self->test, 0, heap);
	ASSERT_LT(0, (int)request.target);
	ASSERT_EQ(0, test_submit(self->test, &request));
	close(self->test);
	close(heap);
	/* What it waits with, signals with and is freed with is in the module. */
	EXPECT_STAYS(DEVICE);
	EXPECT_EQ(-ECANCELED, read_status(request.fd));
	close(request.fd);
	EXPECT_GOES(DEVICE);
}

/*
 * Storms: some use what another one takes away.  Workers that are too late find no node,
 * or one without a device.
 */

static bool is_gone(int err)
{
	return err == -ENOENT || err == -ENODEV || err == -ENXIO;
}

/* How often a module went, and how often something was done with one. */
static atomic_int num_unloads, num_uses;

/* Somebody wants to unload it who has failed too often: nobody begins anything new. */
static atomic_bool step_aside;

static int used(int err)
{
	if (is_gone(err))
		err = 0;
	else if (!err)
		atomic_fetch_add(&num_uses, 1);
	do
		usleep(1000);
	while (atomic_load(&step_aside));
	return err;
}

static int use_exporter(struct worker *worker)
{
	size_t size = page_size();
	int fd = example_export(size);
	char *data;

	if (fd < 0)
		return used(fd);
	data = map_buffer(fd, size);
	close(fd);
	if (data == MAP_FAILED)
		return -errno;
	*data = 1;
	munmap(data, size);
	return used(0);
}

/* Every other time, the fence's last reference is that of the timer. */
static int use_fences(struct worker *worker)
{
	int job = example_job(worker->round % 3);

	if (job < 0)
		return used(job);
	if (worker->round % 2 && !is_ready(job, POLLIN, PATIENCE))
		return -ETIMEDOUT;
	close(job);
	return used(0);
}

static int use_importer(struct worker *worker)
{
	int importer = open_node(IMPORTER_NODE);
	long bytes;

	if (importer < 0)
		return used(importer);
	bytes = example_import(importer, worker->buffer,
			       worker->round % 2 ? DMA_BUF_EXAMPLE_DYNAMIC : 0);
	close(importer);
	return used(bytes > 0 ? 0 : -EIO);
}

/* Leaves it all to who closes the device: jobs, mappings, attachments and buffers. */
static int use_device(struct worker *worker)
{
	int test = test_open(), fd = -1, buffer, attachment, err = 0;

	if (test < 0)
		return used(test);
	buffer = test_export(test, 0, page_size(), &fd);
	attachment = test_attach_and_map(test, 0, fd);
	if (buffer < 0 || attachment < 0)
		err = -EIO;
	else if (test_fill_on_trigger(test, attachment, page_size(), 1) < 0)
		err = -EPIPE;
	close(fd);
	close(test);
	return used(err);
}

static const char *storm_module;

static int take_away(struct worker *worker)
{
	int err = module_unload(storm_module);

	if (err == -EAGAIN && worker->round % 10) {
		usleep(1000);
		return 0;
	}
	if (err == -EAGAIN) {
		atomic_store(&step_aside, true);
		err = module_unload_soon(storm_module);
		atomic_store(&step_aside, false);
	}
	if (err)
		return err;
	atomic_fetch_add(&num_unloads, 1);
	return module_load(storm_module);
}

static int storm_over(const char *module, int (*use)(struct worker *worker), int buffer)
{
	struct worker workers[] = {
		{ .work = take_away },
		{ .work = use, .buffer = buffer },
		{ .work = use, .buffer = buffer },
		{ .work = use, .buffer = buffer },
	};

	storm_module = module;
	return run_workers(workers, sizeof(workers) / sizeof(*workers));
}

#define EXPECT_WEATHERED(module, use, buffer) do { \
	EXPECT_EQ(0, storm_over(module, use, buffer)); \
	EXPECT_LT(0, atomic_load(&num_unloads)); \
	EXPECT_LT(0, atomic_load(&num_uses)); \
	EXPECT_GOES(module); \
} while (0)

TEST_F(modules, an_exporter_goes_whenever_it_can)
{
	EXPECT_WEATHERED(EXPORTER, use_exporter, -1);
}

TEST_F(modules, fences_go_whenever_they_can)
{
	EXPECT_WEATHERED(FENCES, use_fences, -1);
}

TEST_F(modules, an_importer_goes_whenever_it_can)
{
	int buffer = heap_alloc(self->size);

	ASSERT_LE(0, buffer);
	close(self->importer);
	EXPECT_WEATHERED(IMPORTER, use_importer, buffer);
}

TEST_F(modules, the_test_device_goes_whenever_it_can)
{
	close(self->test);
	EXPECT_WEATHERED(DEVICE, use_device, -1);
}

TEST_HARNESS_MAIN
