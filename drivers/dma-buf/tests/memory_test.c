// SPDX-License-Identifier: GPL-2.0-only
/*
 * Buffers whose memory is pages: how ranges of pages are kept and found, and
 * what devices, the kernel and processes have of them.
 */
#include <linux/dma-direct.h>
#include <linux/dma-map-ops.h>
#include <linux/file.h>
#include <linux/gfp.h>
#include <linux/iosys-map.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/pgtable.h>
#include <linux/random.h>
#include <linux/scatterlist.h>
#include <linux/sizes.h>
#include <linux/uaccess.h>

#include "../memory.h"
#include "mock.h"

/* How many contiguous pages there are that all ranges are parts of. */
#define ARENA_ORDER	6
#define ARENA_PAGES	64
/* The same where a huge entry is wanted, and how many pages that maps. */
#define HUGE_ORDER	10
#define HUGE_PAGES	512

/* What is in the first word of a buffer's page. */
#define MARK(i)		(0x600d0000U + (i))

static void free_arena(void *arena)
{
	put_page(arena);
}

static struct page *make_arena_of(struct kunit *test, unsigned int order)
{
	struct page *arena;

	/* Mock devices reach no more than 32 bits do. */
	arena = alloc_pages(GFP_KERNEL | GFP_DMA32 | __GFP_COMP, order);
	KUNIT_ASSERT_NOT_NULL(test, arena);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, free_arena, arena));
	return arena;
}

static struct page *make_arena(struct kunit *test)
{
	return make_arena_of(test, ARENA_ORDER);
}

static void fini_memory(void *memory)
{
	dma_buf_memory_fini(memory);
}

static struct dma_buf_memory *make_memory(struct kunit *test)
{
	struct dma_buf_memory *memory;

	memory = kunit_kzalloc(test, sizeof(*memory), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, memory);
	dma_buf_memory_init(memory);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, fini_memory, memory));
	return memory;
}

/*
 * Ranges
 */

static void append(struct kunit *test, struct dma_buf_memory *memory,
		   struct page *page, unsigned long num_pages, bool may_extend)
{
	KUNIT_ASSERT_EQ(test, 0, dma_buf_memory_append(memory, page, num_pages,
						       may_extend));
}

static void expect_range(struct kunit *test,
			 const struct dma_buf_memory *memory,
			 unsigned int index, struct page *page, pgoff_t begin,
			 pgoff_t num_pages)
{
	KUNIT_ASSERT_LT(test, index, memory->num_ranges);
	KUNIT_EXPECT_PTR_EQ(test, memory->ranges[index].page, page);
	KUNIT_EXPECT_EQ(test, memory->ranges[index].end, begin + num_pages);
	KUNIT_EXPECT_EQ(test, dma_buf_range_begin(memory, index), begin);
	KUNIT_EXPECT_EQ(test, dma_buf_range_pages(memory, index), num_pages);
}

static void memory_begins_without_pages(struct kunit *test)
{
	struct dma_buf_memory *memory = make_memory(test);

	KUNIT_EXPECT_EQ(test, memory->num_ranges, 0);
	KUNIT_EXPECT_EQ(test, dma_buf_memory_pages(memory), 0);
	KUNIT_EXPECT_TRUE(test, list_empty(&memory->mappings));
	KUNIT_EXPECT_NULL(test, memory->vaddr);
}

static void pages_may_extend_the_range_before(struct kunit *test)
{
	struct dma_buf_memory *memory = make_memory(test);
	struct page *arena = make_arena(test);

	append(test, memory, arena + 4, 2, true);
	append(test, memory, arena + 6, 3, true);
	append(test, memory, arena + 9, 1, true);
	KUNIT_EXPECT_EQ(test, memory->num_ranges, 1);
	expect_range(test, memory, 0, arena + 4, 0, 6);
	KUNIT_EXPECT_EQ(test, dma_buf_memory_pages(memory), 6);
}

static void pages_stay_apart_that_may_not_extend(struct kunit *test)
{
	struct dma_buf_memory *memory = make_memory(test);
	struct page *arena = make_arena(test);

	append(test, memory, arena, 2, true);
	append(test, memory, arena + 2, 3, false);
	append(test, memory, arena + 5, 1, true);
	KUNIT_EXPECT_EQ(test, memory->num_ranges, 2);
	expect_range(test, memory, 0, arena, 0, 2);
	expect_range(test, memory, 1, arena + 2, 2, 4);
}

static void pages_from_elsewhere_begin_a_range(struct kunit *test)
{
	struct dma_buf_memory *memory = make_memory(test);
	struct page *arena = make_arena(test);
	static const unsigned int firsts[] = {
		/* Behind a gap, before, once more, one too early, far behind. */
		10, 13, 11, 11, 12, 40,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(firsts); i++)
		append(test, memory, arena + firsts[i], 2, true);
	KUNIT_EXPECT_EQ(test, memory->num_ranges, ARRAY_SIZE(firsts));
	for (i = 0; i < ARRAY_SIZE(firsts); i++)
		expect_range(test, memory, i, arena + firsts[i], 2 * i, 2);
}

static void only_the_last_range_is_extended(struct kunit *test)
{
	struct dma_buf_memory *memory = make_memory(test);
	struct page *arena = make_arena(test);

	append(test, memory, arena, 1, true);
	append(test, memory, arena + 10, 3, true);
	/* Where the first one ends; the other two are as near by index. */
	append(test, memory, arena + 1, 1, true);
	append(test, memory, arena + 2, 4, true);
	KUNIT_EXPECT_EQ(test, memory->num_ranges, 3);
	expect_range(test, memory, 0, arena, 0, 1);
	expect_range(test, memory, 1, arena + 10, 1, 3);
	expect_range(test, memory, 2, arena + 1, 4, 5);
}

/* No range begins where another one ends. */
static struct page *nth_of_many(struct page *arena, unsigned int i)
{
	return arena + (i * 7) % ARENA_PAGES;
}

static void expect_many(struct kunit *test, const struct dma_buf_memory *memory,
			struct page *arena, unsigned int count)
{
	pgoff_t begin = 0;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, memory->num_ranges, count);
	for (i = 0; i < count; i++) {
		expect_range(test, memory, i, nth_of_many(arena, i), begin,
			     1 + i % 3);
		begin += 1 + i % 3;
	}
	KUNIT_EXPECT_EQ(test, dma_buf_memory_pages(memory), begin);
}

static void ranges_keep_their_order_however_many_there_are(struct kunit *test)
{
	struct dma_buf_memory *memory = make_memory(test);
	struct page *arena = make_arena(test);
	unsigned int i;

	for (i = 0; i < 70; i++) {
		append(test, memory, nth_of_many(arena, i), 1 + i % 3, true);
		expect_many(test, memory, arena, i + 1);
	}
}

static void without_memory_an_append_changes_nothing(struct kunit *test)
{
	struct dma_buf_memory *memory = make_memory(test);
	struct page *arena = make_arena(test);
	unsigned int i, failures = 0;

	mock_faults_begin(test);
	for (i = 0; i < 40; i++) {
		struct page *page = nth_of_many(arena, i);

		mock_fail_nth(1);
		if (dma_buf_memory_append(memory, page, 1 + i % 3, true)) {
			KUNIT_EXPECT_TRUE(test, mock_failed());
			expect_many(test, memory, arena, i);
			append(test, memory, page, 1 + i % 3, true);
			failures++;
		}
		mock_failed();
		expect_many(test, memory, arena, i + 1);
	}
	/* There always is room for one. */
	KUNIT_EXPECT_GE(test, failures, 1);
}

/**
 * struct range_sizes - how long ranges are that are made at random
 * @most: pages in one of them
 */
struct range_sizes {
	unsigned long most;
};

static const struct range_sizes range_sizes[] = {
	{ 1 },
	{ 7 },
	{ 1000 },
	/* More than an int has, where an index has more. */
	{ 1UL << (BITS_PER_LONG == 64 ? 44 : 24) },
};

static void describe_range_sizes(const struct range_sizes *sizes, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "up to %lu pages", sizes->most);
}

KUNIT_ARRAY_PARAM(range_sizes, range_sizes, describe_range_sizes);

/* Looks for every page of short ranges, and for some and both ends of others. */
static void expect_found(struct kunit *test,
			 const struct dma_buf_memory *memory,
			 unsigned int range, pgoff_t begin, pgoff_t end)
{
	pgoff_t step = max((end - begin) / 7, 1), index;

	for (index = begin; index < end; index += step)
		KUNIT_EXPECT_EQ_MSG(test, range,
				    dma_buf_memory_find(memory, index),
				    "page %lu", index);
	KUNIT_EXPECT_EQ_MSG(test, range, dma_buf_memory_find(memory, end - 1),
			    "page %lu", end - 1);
}

static void find_pages_of(struct kunit *test, struct page *page,
			  unsigned int num_ranges, unsigned long most)
{
	struct dma_buf_memory *memory = make_memory(test);
	unsigned long num_pages[40];
	pgoff_t begin = 0;
	unsigned int i;

	for (i = 0; i < num_ranges; i++) {
		num_pages[i] = 1 + get_random_long() % most;
		append(test, memory, page, num_pages[i], false);
	}
	for (i = 0; i < num_ranges; i++) {
		expect_found(test, memory, i, begin, begin + num_pages[i]);
		begin += num_pages[i];
	}
}

static void every_page_is_found_in_its_range(struct kunit *test)
{
	const struct range_sizes *sizes = test->param_value;
	struct page *arena = make_arena(test);
	unsigned int num_ranges;

	for (num_ranges = 1; num_ranges <= 40; num_ranges++)
		find_pages_of(test, arena, num_ranges, sizes->most);
}

/*
 * Buffers
 */

/**
 * struct piece - a range of a buffer
 * @first: which page of the arena it begins with
 * @count: how many pages it has; 0: there is no such range
 */
struct piece {
	unsigned int first;
	unsigned int count;
};

static const struct piece scattered[] = {
	{ 20, 37 }, { 3, 1 }, { 58, 6 }, { 8, 2 }, { }
};

/* The first range doesn't tell that there is a longer one. */
static const struct piece growing[] = {
	{ 3, 1 }, { 8, 2 }, { 20, 37 }, { 58, 6 }, { }
};

static const struct piece pair[] = { { 9, 2 }, { 3, 1 }, { } };

static const struct piece contiguous[] = { { 5, 3 }, { } };

/**
 * struct memory_buffer - a buffer with the ops that are to be tested
 * @mock: for importers; it has a test, a dma_buf and an end, but no memory
 * @memory: what the ops work on
 * @pieces: its ranges as they ought to be
 * @pages: its pages as they ought to be, each with a MARK()
 * @num_pages: how many
 */
struct memory_buffer {
	struct mock_buffer mock;
	struct dma_buf_memory memory;
	const struct piece *pieces;
	struct page **pages;
	unsigned int num_pages;
};

static void release(struct dma_buf *dmabuf)
{
	struct memory_buffer *buffer = container_of(dma_buf_to_memory(dmabuf),
						    struct memory_buffer,
						    memory);

	KUNIT_EXPECT_TRUE(buffer->mock.test,
			  list_empty(&buffer->memory.mappings));
	complete(&buffer->mock.released);
}

static const struct dma_buf_ops memory_buffer_ops = {
	DMA_BUF_MEMORY_OPS,
	.release = release,
};

static u32 *word_of(const struct memory_buffer *buffer, unsigned int i)
{
	return page_address(buffer->pages[i]);
}

static void add_pieces(struct memory_buffer *buffer, struct page *arena)
{
	const struct piece *piece;
	unsigned int i;

	for (piece = buffer->pieces; piece->count; piece++) {
		struct page *page = arena + piece->first;

		append(buffer->mock.test, &buffer->memory, page, piece->count,
		       false);
		for (i = 0; i < piece->count; i++)
			buffer->pages[buffer->num_pages++] = page + i;
	}
	for (i = 0; i < buffer->num_pages; i++)
		*word_of(buffer, i) = MARK(i);
}

static void put_at_end(void *data)
{
	struct memory_buffer *buffer = data;

	dma_buf_put(buffer->mock.dmabuf);
	/* A kernel thread's last fput() is put off; don't wait for it. */
	flush_delayed_fput();
	if (!mock_await_release(&buffer->mock))
		KUNIT_FAIL(buffer->mock.test, "the buffer was not released");
}

static struct dma_buf *export(struct memory_buffer *buffer)
{
	struct dma_buf_export_info info = {
		.exp_name = "memory",
		.owner = THIS_MODULE,
		.ops = &memory_buffer_ops,
		.size = (size_t)buffer->num_pages << PAGE_SHIFT,
		.flags = O_RDWR,
		.priv = &buffer->memory,
	};

	return dma_buf_export(&info);
}

static struct memory_buffer *make_buffer(struct kunit *test,
					 struct page *arena,
					 const struct piece *pieces)
{
	struct memory_buffer *buffer;

	buffer = kunit_kzalloc(test, sizeof(*buffer), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, buffer);
	buffer->pages = kunit_kcalloc(test, compound_nr(arena),
				      sizeof(*buffer->pages), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, buffer->pages);
	buffer->mock.test = test;
	init_completion(&buffer->mock.released);
	buffer->pieces = pieces;
	dma_buf_memory_init(&buffer->memory);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, fini_memory,
						  &buffer->memory));
	add_pieces(buffer, arena);
	return buffer;
}

static struct memory_buffer *export_from(struct kunit *test,
					 struct page *arena,
					 const struct piece *pieces)
{
	struct memory_buffer *buffer = make_buffer(test, arena, pieces);

	buffer->mock.dmabuf = export(buffer);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, buffer->mock.dmabuf);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, put_at_end, buffer));
	return buffer;
}

static struct memory_buffer *export_pieces(struct kunit *test,
					   const struct piece *pieces)
{
	return export_from(test, make_arena(test), pieces);
}

/*
 * Devices
 */

static void need_dma(struct kunit *test)
{
	if (!IS_ENABLED(CONFIG_HAS_DMA))
		kunit_skip(test, "nothing is mapped for devices: HAS_DMA is off");
}

/*
 * Calls the op itself: the table that an importer is shown has no pages, if
 * DMABUF_DEBUG is on.
 */
static struct sg_table *map_op(struct mock_importer *importer)
{
	struct dma_buf *dmabuf = importer->attach->dmabuf;
	struct sg_table *sgt;

	need_dma(importer->test);
	dma_resv_lock(dmabuf->resv, NULL);
	sgt = dma_buf_memory_map(importer->attach, DMA_TO_DEVICE);
	dma_resv_unlock(dmabuf->resv);
	return sgt;
}

static void unmap_op(struct mock_importer *importer, struct sg_table *sgt)
{
	struct dma_buf *dmabuf = importer->attach->dmabuf;

	dma_resv_lock(dmabuf->resv, NULL);
	dma_buf_memory_unmap(importer->attach, sgt, DMA_TO_DEVICE);
	dma_resv_unlock(dmabuf->resv);
}

static struct sg_table *map(struct mock_importer *importer,
			    enum dma_data_direction dir)
{
	struct sg_table *sgt;

	need_dma(importer->test);
	sgt = dma_buf_map_attachment_unlocked(importer->attach, dir);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(importer->test, sgt);
	return sgt;
}

static void unmap(struct mock_importer *importer, struct sg_table *sgt,
		  enum dma_data_direction dir)
{
	dma_buf_unmap_attachment_unlocked(importer->attach, sgt, dir);
}

/* Expects pages @index and on of the buffer, and returns the one behind them. */
static unsigned int expect_pages(struct kunit *test,
				 const struct memory_buffer *buffer,
				 struct page *page, unsigned int count,
				 unsigned int index)
{
	KUNIT_ASSERT_LE(test, index + count, buffer->num_pages);
	for (; count; count--, index++, page = nth_page(page, 1))
		KUNIT_EXPECT_PTR_EQ(test, page, buffer->pages[index]);
	return index;
}

static unsigned int count_entries(const struct piece *pieces, unsigned int most)
{
	unsigned int count = 0;

	for (; pieces->count; pieces++)
		count += DIV_ROUND_UP(pieces->count, most);
	return count;
}

static void expect_table(struct kunit *test, const struct memory_buffer *buffer,
			 struct sg_table *sgt, unsigned int limit)
{
	unsigned int most = max(limit >> PAGE_SHIFT, 1), index = 0, i;
	struct scatterlist *sg;

	for_each_sgtable_sg(sgt, sg, i) {
		KUNIT_EXPECT_EQ(test, sg->offset, 0);
		KUNIT_EXPECT_TRUE(test, PAGE_ALIGNED(sg->length));
		KUNIT_EXPECT_LE(test, sg->length >> PAGE_SHIFT, most);
		index = expect_pages(test, buffer, sg_page(sg),
				     sg->length >> PAGE_SHIFT, index);
	}
	KUNIT_EXPECT_EQ(test, index, buffer->num_pages);
	KUNIT_EXPECT_EQ(test, sgt->orig_nents, count_entries(buffer->pieces, most));
}

/* That the device is told of as many bytes as there are. */
static void expect_all_mapped(struct kunit *test,
			      const struct memory_buffer *buffer,
			      struct sg_table *sgt)
{
	struct scatterlist *sg;
	unsigned long bytes = 0;
	unsigned int i;

	for_each_sgtable_dma_sg(sgt, sg, i)
		bytes += sg_dma_len(sg);
	KUNIT_EXPECT_EQ(test, bytes,
			(unsigned long)buffer->num_pages << PAGE_SHIFT);
}

/**
 * struct entry_limit - what a device can take
 * @bytes: in an entry of its table
 */
struct entry_limit {
	unsigned int bytes;
};

static const struct entry_limit entry_limits[] = {
	/* Less than a page there can't be. */
	{ 1 },
	{ SZ_4K },
	{ 3 * SZ_4K - 1 },
	{ 3 * SZ_4K },
	/* The longest range is one page longer, or as long. */
	{ 36 * SZ_4K },
	{ 37 * SZ_4K },
	{ SZ_64K },
	{ UINT_MAX },
};

static void describe_entry_limit(const struct entry_limit *limit, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%u bytes", limit->bytes);
}

KUNIT_ARRAY_PARAM(entry_limit, entry_limits, describe_entry_limit);

static struct mock_importer *import_limited(struct memory_buffer *buffer,
					    unsigned int limit)
{
	struct kunit *test = buffer->mock.test;
	struct device_dma_parameters *limits;
	struct mock_importer *importer;

	limits = kunit_kzalloc(test, sizeof(*limits), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, limits);
	importer = mock_import(&buffer->mock, "camera");
	importer->dev->dma_parms = limits;
	dma_set_max_seg_size(importer->dev, limit);
	return importer;
}

static void expect_divided(struct kunit *test, const struct piece *pieces)
{
	const struct entry_limit *limit = test->param_value;
	struct memory_buffer *buffer = export_pieces(test, pieces);
	struct mock_importer *camera = import_limited(buffer, limit->bytes);
	struct sg_table *sgt = map_op(camera);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, sgt);
	expect_table(test, buffer, sgt, limit->bytes);
	expect_all_mapped(test, buffer, sgt);
	unmap_op(camera, sgt);
}

static void ranges_are_divided_as_the_device_wants(struct kunit *test)
{
	expect_divided(test, scattered);
}

static void a_long_range_is_divided_wherever_it_is(struct kunit *test)
{
	expect_divided(test, growing);
}

static void who_sets_no_limit_has_the_usual_one(struct kunit *test)
{
	struct memory_buffer *buffer = export_pieces(test, scattered);
	struct mock_importer *camera = mock_import(&buffer->mock, "camera");
	struct sg_table *sgt = map_op(camera);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, sgt);
	expect_table(test, buffer, sgt, SZ_64K);
	unmap_op(camera, sgt);
}

static void importers_are_told_of_all_bytes(struct kunit *test)
{
	struct memory_buffer *buffer = export_pieces(test, scattered);
	struct mock_importer *camera = mock_import(&buffer->mock, "camera");
	struct sg_table *sgt = map(camera, DMA_FROM_DEVICE);

	expect_all_mapped(test, buffer, sgt);
	unmap(camera, sgt, DMA_FROM_DEVICE);
}

static void an_attachment_may_be_mapped_twice(struct kunit *test)
{
	struct memory_buffer *buffer = export_pieces(test, scattered);
	struct mock_importer *camera = mock_import(&buffer->mock, "camera");
	struct sg_table *one = map_op(camera), *other = map_op(camera);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, one);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, other);
	KUNIT_EXPECT_PTR_NE(test, one, other);
	KUNIT_EXPECT_PTR_NE(test, one->sgl, other->sgl);
	KUNIT_EXPECT_EQ(test, list_count_nodes(&buffer->memory.mappings), 2);

	unmap_op(camera, one);
	KUNIT_EXPECT_EQ(test, list_count_nodes(&buffer->memory.mappings), 1);
	expect_table(test, buffer, other, SZ_64K);
	unmap_op(camera, other);
	KUNIT_EXPECT_TRUE(test, list_empty(&buffer->memory.mappings));
}

/*
 * Maps in the one direction that DMA_API_DEBUG needs no memory to follow: it
 * would give up for the rest of the day if it got none.
 */
static void without_memory_nothing_is_mapped(struct kunit *test)
{
	struct memory_buffer *buffer = export_pieces(test, growing);
	struct mock_importer *camera = mock_import(&buffer->mock, "camera");
	unsigned int nth = 0, fatal = 0;
	struct sg_table *sgt;
	bool failed;

	mock_faults_begin(test);
	do {
		mock_fail_nth(++nth);
		sgt = map_op(camera);
		failed = mock_failed();
		if (IS_ERR(sgt)) {
			KUNIT_EXPECT_PTR_EQ(test, sgt, ERR_PTR(-ENOMEM));
			fatal++;
		} else {
			unmap_op(camera, sgt);
		}
		KUNIT_EXPECT_TRUE(test, list_empty(&buffer->memory.mappings));
	} while (failed && nth < 50);
	KUNIT_EXPECT_FALSE(test, failed);
	/* The mapping, and a table that turns out to be too short, and another. */
	KUNIT_EXPECT_GE(test, fatal, 3);
}

static int refuse(struct device *dev, struct scatterlist *sg, int nents,
		  enum dma_data_direction dir, unsigned long attrs)
{
	return -EREMOTEIO;
}

static const struct dma_map_ops refusing_ops = {
	.map_sg = refuse,
};

static void what_a_device_cannot_reach_is_not_mapped(struct kunit *test)
{
	struct memory_buffer *buffer = export_pieces(test, scattered);
	struct mock_importer *camera = mock_import(&buffer->mock, "camera");

	if (!IS_ENABLED(CONFIG_ARCH_HAS_DMA_OPS))
		kunit_skip(test, "devices have no ops: ARCH_HAS_DMA_OPS is off");
	set_dma_ops(camera->dev, &refusing_ops);
	KUNIT_EXPECT_PTR_EQ(test, map_op(camera), ERR_PTR(-EREMOTEIO));
	KUNIT_EXPECT_TRUE(test, list_empty(&buffer->memory.mappings));
}

/*
 * CPU access
 */

/**
 * struct sync_count - how often memory was synced, one way
 * @dev: for which device
 * @count: how often
 * @nents: how many entries the last time
 * @dir: the direction the last time
 */
struct sync_count {
	struct device *dev;
	int count;
	int nents;
	enum dma_data_direction dir;
};

/**
 * struct sync_counts - how often memory was synced for a device
 * @for_cpu: so that the CPU sees what the device did
 * @for_device: so that the device sees what the CPU did
 */
struct sync_counts {
	struct sync_count for_cpu;
	struct sync_count for_device;
};

/* The event of the DMA API. */
static void count_sync(void *data, struct device *dev, struct scatterlist *sg,
		       int nents, enum dma_data_direction dir)
{
	struct sync_count *syncs = data;

	if (dev != syncs->dev)
		return;
	syncs->count++;
	syncs->nents = nents;
	syncs->dir = dir;
}

/* A buffer, if there is anything to be seen when it is synced. */
static struct memory_buffer *export_synced(struct kunit *test)
{
	if (!IS_ENABLED(CONFIG_DMA_NEED_SYNC))
		kunit_skip(test, "nothing is synced: DMA_NEED_SYNC is off");
	return export_pieces(test, pair);
}

static struct sync_counts *count_syncs(struct mock_importer *importer)
{
	struct kunit *test = importer->test;
	struct sync_counts *counts;

	counts = kunit_kzalloc(test, sizeof(*counts), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, counts);
	counts->for_cpu.dev = importer->dev;
	counts->for_device.dev = importer->dev;
	mock_probe(test, "dma_sync_sg_for_cpu", count_sync, &counts->for_cpu);
	mock_probe(test, "dma_sync_sg_for_device", count_sync,
		   &counts->for_device);
	return counts;
}

/* Expects a sync of all of @pair, or none, since the last time. */
static void expect_sync(struct kunit *test, struct sync_count *syncs,
			bool synced, enum dma_data_direction dir)
{
	KUNIT_EXPECT_EQ(test, syncs->count, synced ? 1 : 0);
	if (syncs->count) {
		/* A device that says nothing else takes 64 KiB. */
		KUNIT_EXPECT_EQ(test, syncs->nents,
				count_entries(pair, max(SZ_64K >> PAGE_SHIFT, 1)));
		KUNIT_EXPECT_EQ(test, syncs->dir, dir);
	}
	syncs->count = 0;
}

static void begin_access(struct memory_buffer *buffer,
			 enum dma_data_direction dir)
{
	KUNIT_EXPECT_EQ(buffer->mock.test, 0,
			dma_buf_begin_cpu_access(buffer->mock.dmabuf, dir));
}

static void end_access(struct memory_buffer *buffer,
		       enum dma_data_direction dir)
{
	KUNIT_EXPECT_EQ(buffer->mock.test, 0,
			dma_buf_end_cpu_access(buffer->mock.dmabuf, dir));
}

/**
 * struct sync_rule - what an access of the CPU means for a mapping
 * @mapped: the direction of the mapping
 * @access: that of the access
 * @for_cpu: the mapping is synced when it begins
 * @for_device: the mapping is synced when it ends
 */
struct sync_rule {
	enum dma_data_direction mapped;
	enum dma_data_direction access;
	bool for_cpu;
	bool for_device;
};

static const struct sync_rule sync_rules[] = {
	{ DMA_FROM_DEVICE, DMA_FROM_DEVICE, true, true },
	{ DMA_FROM_DEVICE, DMA_TO_DEVICE, true, true },
	{ DMA_FROM_DEVICE, DMA_BIDIRECTIONAL, true, true },
	{ DMA_TO_DEVICE, DMA_FROM_DEVICE, false, false },
	{ DMA_TO_DEVICE, DMA_TO_DEVICE, false, true },
	{ DMA_TO_DEVICE, DMA_BIDIRECTIONAL, false, true },
	{ DMA_BIDIRECTIONAL, DMA_FROM_DEVICE, true, true },
	{ DMA_BIDIRECTIONAL, DMA_TO_DEVICE, true, true },
	{ DMA_BIDIRECTIONAL, DMA_BIDIRECTIONAL, true, true },
};

static const char *mapped_name(enum dma_data_direction dir)
{
	switch (dir) {
	case DMA_FROM_DEVICE:
		return "writes";
	case DMA_TO_DEVICE:
		return "reads";
	default:
		return "does both";
	}
}

static const char *access_name(enum dma_data_direction dir)
{
	switch (dir) {
	case DMA_FROM_DEVICE:
		return "reads";
	case DMA_TO_DEVICE:
		return "writes";
	default:
		return "does both";
	}
}

static void describe_sync_rule(const struct sync_rule *rule, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "device %s, CPU %s",
		 mapped_name(rule->mapped), access_name(rule->access));
}

KUNIT_ARRAY_PARAM(sync_rule, sync_rules, describe_sync_rule);

static void mappings_are_synced_as_they_were_made(struct kunit *test)
{
	const struct sync_rule *rule = test->param_value;
	struct memory_buffer *buffer = export_synced(test);
	struct mock_importer *camera = mock_import(&buffer->mock, "camera");
	struct sync_counts *counts = count_syncs(camera);
	struct sg_table *sgt = map(camera, rule->mapped);

	expect_sync(test, &counts->for_cpu, false, DMA_NONE);
	expect_sync(test, &counts->for_device, true, rule->mapped);

	begin_access(buffer, rule->access);
	expect_sync(test, &counts->for_cpu, rule->for_cpu, rule->mapped);
	expect_sync(test, &counts->for_device, false, DMA_NONE);

	end_access(buffer, rule->access);
	expect_sync(test, &counts->for_cpu, false, DMA_NONE);
	expect_sync(test, &counts->for_device, rule->for_device, rule->mapped);

	unmap(camera, sgt, rule->mapped);
	expect_sync(test, &counts->for_cpu, rule->mapped != DMA_TO_DEVICE,
		    rule->mapped);
	expect_sync(test, &counts->for_device, false, DMA_NONE);
}

/* Both write, which must not seem a mistake to DMA_API_DEBUG. */
static void two_devices_may_have_a_buffer_mapped(struct kunit *test)
{
	struct memory_buffer *buffer = export_pieces(test, pair);
	struct mock_importer *camera = mock_import(&buffer->mock, "camera");
	struct mock_importer *gpu = mock_import(&buffer->mock, "gpu");
	struct sg_table *from = map(camera, DMA_FROM_DEVICE);
	struct sg_table *both = map(gpu, DMA_BIDIRECTIONAL);

	KUNIT_EXPECT_PTR_NE(test, from, both);
	KUNIT_EXPECT_PTR_EQ(test, sg_page(from->sgl), sg_page(both->sgl));
	unmap(gpu, both, DMA_BIDIRECTIONAL);
	unmap(camera, from, DMA_FROM_DEVICE);
}

static void the_mappings_of_all_devices_are_synced(struct kunit *test)
{
	struct memory_buffer *buffer = export_synced(test);
	struct mock_importer *camera = mock_import(&buffer->mock, "camera");
	struct mock_importer *display = mock_import(&buffer->mock, "display");
	struct sg_table *from = map(camera, DMA_FROM_DEVICE);
	struct sg_table *to = map(display, DMA_TO_DEVICE);
	struct sync_counts *written = count_syncs(camera);
	struct sync_counts *read = count_syncs(display);

	begin_access(buffer, DMA_BIDIRECTIONAL);
	end_access(buffer, DMA_BIDIRECTIONAL);
	expect_sync(test, &written->for_cpu, true, DMA_FROM_DEVICE);
	expect_sync(test, &written->for_device, true, DMA_FROM_DEVICE);
	expect_sync(test, &read->for_cpu, false, DMA_NONE);
	expect_sync(test, &read->for_device, true, DMA_TO_DEVICE);
	unmap(display, to, DMA_TO_DEVICE);
	unmap(camera, from, DMA_FROM_DEVICE);
}

/* With a signal pending, a wait that would be for ever shows as an error. */
static void nothing_is_synced_before_the_devices_are_done(struct kunit *test)
{
	struct memory_buffer *buffer = export_synced(test);
	struct mock_importer *camera = mock_import(&buffer->mock, "camera");
	struct sg_table *sgt = map(camera, DMA_FROM_DEVICE);
	struct sync_counts *counts = count_syncs(camera);

	mock_fence_add(&buffer->mock, DMA_RESV_USAGE_WRITE);
	mock_interrupt_begin();
	KUNIT_EXPECT_EQ(test, -ERESTARTSYS,
			dma_buf_begin_cpu_access(buffer->mock.dmabuf,
						 DMA_FROM_DEVICE));
	mock_interrupt_end();
	expect_sync(test, &counts->for_cpu, false, DMA_NONE);
	unmap(camera, sgt, DMA_FROM_DEVICE);
}

static void what_was_unmapped_is_not_synced(struct kunit *test)
{
	struct memory_buffer *buffer = export_synced(test);
	struct mock_importer *camera = mock_import(&buffer->mock, "camera");
	struct sg_table *sgt = map(camera, DMA_BIDIRECTIONAL);
	struct sync_counts *counts;

	begin_access(buffer, DMA_BIDIRECTIONAL);
	unmap(camera, sgt, DMA_BIDIRECTIONAL);
	counts = count_syncs(camera);
	end_access(buffer, DMA_BIDIRECTIONAL);
	begin_access(buffer, DMA_BIDIRECTIONAL);
	expect_sync(test, &counts->for_device, false, DMA_NONE);
	expect_sync(test, &counts->for_cpu, false, DMA_NONE);
}

/*
 * Bounce buffers
 *
 * Mock devices reach what 32 bits do.  For what is beyond that they have bounce
 * buffers, if there are any.
 */

static struct page *make_distant_arena(struct kunit *test)
{
	struct page *arena;

	arena = alloc_pages(GFP_KERNEL | __GFP_COMP, ARENA_ORDER);
	KUNIT_ASSERT_NOT_NULL(test, arena);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, free_arena, arena));
	if (page_to_phys(arena) <= DMA_BIT_MASK(32))
		kunit_skip(test, "32 bits reach all memory there is");
	return arena;
}

static struct mock_importer *import_far(struct memory_buffer *buffer,
					const char *name)
{
	struct mock_importer *importer = mock_import(&buffer->mock, name);

	KUNIT_ASSERT_EQ(buffer->mock.test, 0,
			dma_set_mask(importer->dev, DMA_BIT_MASK(64)));
	return importer;
}

/* Where a device finds the first word of a page. */
static u32 *device_word(struct mock_importer *importer, struct sg_table *sgt,
			unsigned int index)
{
	unsigned long offset = (unsigned long)index << PAGE_SHIFT;
	struct scatterlist *sg;
	unsigned int i;

	for_each_sgtable_dma_sg(sgt, sg, i) {
		if (offset < sg_dma_len(sg))
			return phys_to_virt(dma_to_phys(importer->dev,
							sg_dma_address(sg) + offset));
		offset -= sg_dma_len(sg);
	}
	KUNIT_FAIL_AND_ABORT(importer->test, "no page %u is mapped", index);
	return NULL;
}

static void device_writes(struct mock_importer *importer, struct sg_table *sgt,
			  const struct memory_buffer *buffer, unsigned int first)
{
	unsigned int i;

	for (i = 0; i < buffer->num_pages; i++)
		*device_word(importer, sgt, i) = MARK(first + i);
}

static void expect_device_reads(struct mock_importer *importer,
				struct sg_table *sgt,
				const struct memory_buffer *buffer,
				unsigned int first)
{
	unsigned int i;

	for (i = 0; i < buffer->num_pages; i++)
		KUNIT_EXPECT_EQ(importer->test, MARK(first + i),
				*device_word(importer, sgt, i));
}

static void cpu_writes(const struct memory_buffer *buffer, unsigned int first)
{
	unsigned int i;

	for (i = 0; i < buffer->num_pages; i++)
		*word_of(buffer, i) = MARK(first + i);
}

static void expect_cpu_reads(const struct memory_buffer *buffer,
			     unsigned int first)
{
	unsigned int i;

	for (i = 0; i < buffer->num_pages; i++)
		KUNIT_EXPECT_EQ(buffer->mock.test, MARK(first + i),
				*word_of(buffer, i));
}

/**
 * struct bounce - a buffer beyond the reach of one of its two importers
 * @buffer: the buffer
 * @near: the importer that needs bounce buffers
 * @far: the other one
 * @bounced: what @near has mapped
 * @direct: what @far has mapped
 */
struct bounce {
	struct memory_buffer *buffer;
	struct mock_importer *near;
	struct mock_importer *far;
	struct sg_table *bounced;
	struct sg_table *direct;
};

static struct bounce import_distant(struct kunit *test)
{
	struct memory_buffer *buffer =
		export_from(test, make_distant_arena(test), scattered);

	return (struct bounce) {
		.buffer = buffer,
		.near = mock_import(&buffer->mock, "camera"),
		.far = import_far(buffer, "gpu"),
	};
}

/* Both at a time; only one of them has the pages themselves. */
static void bounce_map(struct bounce *bounce, enum dma_data_direction near,
		       enum dma_data_direction far)
{
	struct kunit *test = bounce->near->test;
	unsigned int i;

	bounce->bounced = map(bounce->near, near);
	bounce->direct = map(bounce->far, far);
	for (i = 0; i < bounce->buffer->num_pages; i++) {
		u32 *word = word_of(bounce->buffer, i);

		KUNIT_EXPECT_PTR_NE(test, word,
				    device_word(bounce->near, bounce->bounced, i));
		KUNIT_EXPECT_PTR_EQ(test, word,
				    device_word(bounce->far, bounce->direct, i));
	}
}

static void bounce_unmap(struct bounce *bounce, enum dma_data_direction near,
			 enum dma_data_direction far)
{
	unmap(bounce->far, bounce->direct, far);
	unmap(bounce->near, bounce->bounced, near);
}

static void devices_in_turn_see_the_same_bytes(struct kunit *test)
{
	struct bounce bounce = import_distant(test);
	struct memory_buffer *buffer = bounce.buffer;
	struct sg_table *sgt;

	sgt = map(bounce.near, DMA_FROM_DEVICE);
	device_writes(bounce.near, sgt, buffer, 100);
	unmap(bounce.near, sgt, DMA_FROM_DEVICE);
	expect_cpu_reads(buffer, 100);

	sgt = map(bounce.far, DMA_BIDIRECTIONAL);
	expect_device_reads(bounce.far, sgt, buffer, 100);
	device_writes(bounce.far, sgt, buffer, 200);
	unmap(bounce.far, sgt, DMA_BIDIRECTIONAL);

	sgt = map(bounce.near, DMA_BIDIRECTIONAL);
	expect_device_reads(bounce.near, sgt, buffer, 200);
	/* What a device that may write leaves as it was, stays. */
	unmap(bounce.near, sgt, DMA_BIDIRECTIONAL);
	expect_cpu_reads(buffer, 200);
}

static void what_a_bounced_device_wrote_is_seen_in_a_bracket(struct kunit *test)
{
	struct bounce bounce = import_distant(test);
	struct memory_buffer *buffer = bounce.buffer;

	bounce_map(&bounce, DMA_FROM_DEVICE, DMA_TO_DEVICE);
	device_writes(bounce.near, bounce.bounced, buffer, 100);
	begin_access(buffer, DMA_FROM_DEVICE);
	expect_cpu_reads(buffer, 100);
	expect_device_reads(bounce.far, bounce.direct, buffer, 100);
	end_access(buffer, DMA_FROM_DEVICE);
	bounce_unmap(&bounce, DMA_FROM_DEVICE, DMA_TO_DEVICE);
	expect_cpu_reads(buffer, 100);
}

static void a_bounced_device_reads_what_was_written_in_a_bracket(struct kunit *test)
{
	struct bounce bounce = import_distant(test);
	struct memory_buffer *buffer = bounce.buffer;

	bounce_map(&bounce, DMA_TO_DEVICE, DMA_BIDIRECTIONAL);
	expect_device_reads(bounce.near, bounce.bounced, buffer, 0);
	begin_access(buffer, DMA_TO_DEVICE);
	cpu_writes(buffer, 100);
	end_access(buffer, DMA_TO_DEVICE);
	expect_device_reads(bounce.near, bounce.bounced, buffer, 100);
	expect_device_reads(bounce.far, bounce.direct, buffer, 100);

	/* By the other device, that is, of which the CPU knows. */
	device_writes(bounce.far, bounce.direct, buffer, 200);
	begin_access(buffer, DMA_BIDIRECTIONAL);
	expect_cpu_reads(buffer, 200);
	end_access(buffer, DMA_BIDIRECTIONAL);
	expect_device_reads(bounce.near, bounce.bounced, buffer, 200);
	bounce_unmap(&bounce, DMA_TO_DEVICE, DMA_BIDIRECTIONAL);
	expect_cpu_reads(buffer, 200);
}

/*
 * The kernel
 */

static void *map_kernel(struct memory_buffer *buffer)
{
	struct kunit *test = buffer->mock.test;
	struct iosys_map map;

	KUNIT_ASSERT_EQ(test, 0,
			dma_buf_vmap_unlocked(buffer->mock.dmabuf, &map));
	KUNIT_ASSERT_FALSE(test, map.is_iomem);
	return map.vaddr;
}

static void unmap_kernel(struct memory_buffer *buffer, void *vaddr)
{
	struct iosys_map map = IOSYS_MAP_INIT_VADDR(vaddr);

	dma_buf_vunmap_unlocked(buffer->mock.dmabuf, &map);
}

static void expect_marks(struct kunit *test, const struct memory_buffer *buffer,
			 void *vaddr)
{
	unsigned int i;

	for (i = 0; i < buffer->num_pages; i++)
		KUNIT_EXPECT_EQ(test, MARK(i),
				*(u32 *)(vaddr + i * PAGE_SIZE));
}

static void contiguous_memory_is_where_it_always_is(struct kunit *test)
{
	struct memory_buffer *buffer = export_pieces(test, contiguous);
	void *vaddr = map_kernel(buffer);

	KUNIT_EXPECT_PTR_EQ(test, vaddr, page_address(buffer->pages[0]));
	expect_marks(test, buffer, vaddr);
	/* There is no alias that the brackets have to care for. */
	KUNIT_EXPECT_NULL(test, buffer->memory.vaddr);
	unmap_kernel(buffer, vaddr);
	expect_marks(test, buffer, vaddr);
}

static void scattered_memory_is_made_contiguous(struct kunit *test)
{
	struct memory_buffer *buffer = export_pieces(test, scattered);
	void *vaddr = map_kernel(buffer);
	unsigned int i;

	KUNIT_EXPECT_TRUE(test, is_vmalloc_addr(vaddr));
	begin_access(buffer, DMA_BIDIRECTIONAL);
	expect_marks(test, buffer, vaddr);
	for (i = 0; i < buffer->num_pages; i++)
		*(u32 *)(vaddr + i * PAGE_SIZE) = ~MARK(i);
	end_access(buffer, DMA_BIDIRECTIONAL);
	unmap_kernel(buffer, vaddr);
	for (i = 0; i < buffer->num_pages; i++)
		KUNIT_EXPECT_EQ(test, *word_of(buffer, i), ~MARK(i));
}

static void the_brackets_know_where_the_kernel_has_it(struct kunit *test)
{
	struct memory_buffer *buffer = export_pieces(test, scattered);
	void *vaddr = map_kernel(buffer);

	KUNIT_EXPECT_PTR_EQ(test, buffer->memory.vaddr, vaddr);
	/* The first of two users must not end it for the other one. */
	KUNIT_EXPECT_PTR_EQ(test, map_kernel(buffer), vaddr);
	unmap_kernel(buffer, vaddr);
	KUNIT_EXPECT_PTR_EQ(test, buffer->memory.vaddr, vaddr);
	expect_marks(test, buffer, vaddr);
	unmap_kernel(buffer, vaddr);
	KUNIT_EXPECT_NULL(test, buffer->memory.vaddr);
}

static void what_the_kernel_gave_back_it_can_map_again(struct kunit *test)
{
	struct memory_buffer *buffer = export_pieces(test, scattered);
	int i;

	for (i = 0; i < 3; i++) {
		void *vaddr = map_kernel(buffer);

		expect_marks(test, buffer, vaddr);
		unmap_kernel(buffer, vaddr);
	}
}

static void without_memory_the_kernel_has_no_mapping(struct kunit *test)
{
	struct memory_buffer *buffer = export_pieces(test, scattered);
	struct iosys_map map;
	int err;

	mock_faults_begin(test);
	mock_fail_nth(1);
	err = dma_buf_vmap_unlocked(buffer->mock.dmabuf, &map);
	KUNIT_EXPECT_TRUE(test, mock_failed());
	KUNIT_EXPECT_EQ(test, err, -ENOMEM);
	KUNIT_EXPECT_TRUE(test, iosys_map_is_null(&map));
	KUNIT_EXPECT_NULL(test, buffer->memory.vaddr);
}

/*
 * Processes
 */

/*
 * Gets the addresses of three page tables for the test alone, and returns where
 * the second one begins: what a fault fills in ends there.
 */
static unsigned long reserve_tables(struct kunit *test)
{
	unsigned long address;

	if (!IS_ENABLED(CONFIG_MMU))
		kunit_skip(test, "there are no mappings: MMU is off");
	address = kunit_vm_mmap(test, NULL, 0, 4 * PMD_SIZE, PROT_NONE,
				MAP_ANONYMOUS | MAP_PRIVATE | MAP_NORESERVE, 0);
	KUNIT_ASSERT_NE(test, address, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(address));
	return ALIGN(address, PMD_SIZE) + PMD_SIZE;
}

static void map_part(struct memory_buffer *buffer, unsigned long address,
		     unsigned int begin, unsigned int count, int flags)
{
	struct kunit *test = buffer->mock.test;

	KUNIT_ASSERT_EQ(test, address,
			kunit_vm_mmap(test, buffer->mock.dmabuf->file, address,
				      count * PAGE_SIZE, PROT_READ | PROT_WRITE,
				      MAP_FIXED | flags, begin * PAGE_SIZE));
}

static void map_all(struct memory_buffer *buffer, unsigned long address,
		    int flags)
{
	map_part(buffer, address, 0, buffer->num_pages, flags);
}

static void unmap_all(struct memory_buffer *buffer, unsigned long address)
{
	KUNIT_EXPECT_EQ(buffer->mock.test, 0,
			vm_munmap(address, buffer->num_pages * PAGE_SIZE));
}

static u32 read_word(struct kunit *test, unsigned long address)
{
	u32 word = 0;

	KUNIT_EXPECT_EQ(test, get_user(word, (u32 __user *)address), 0);
	return word;
}

/* What is in the page table is used, even if the addresses are nobody's. */
static void expect_nothing_at(struct kunit *test, unsigned long address)
{
	u32 word;

	KUNIT_EXPECT_EQ(test, sizeof(word),
			copy_from_user(&word, (u32 __user *)address,
				       sizeof(word)));
}

static void write_word(struct kunit *test, unsigned long address, u32 word)
{
	KUNIT_EXPECT_EQ(test, put_user(word, (u32 __user *)address), 0);
}

/* Returns the page that is mapped there without a fault, or NULL. */
static struct page *mapped_page(unsigned long address)
{
	struct follow_pfnmap_args args = { .address = address };
	struct page *page = NULL;

	mmap_read_lock(current->mm);
	args.vma = find_vma(current->mm, address);
	if (args.vma && !follow_pfnmap_start(&args)) {
		page = pfn_to_page(args.pfn);
		follow_pfnmap_end(&args);
	}
	mmap_read_unlock(current->mm);
	return page;
}

/* Takes a page away from the process, which will fault for it again. */
static void unmap_page(struct kunit *test, unsigned long address)
{
	struct vm_area_struct *vma;

	mmap_read_lock(current->mm);
	vma = find_vma(current->mm, address);
	if (vma)
		zap_vma_ptes(vma, address, PAGE_SIZE);
	mmap_read_unlock(current->mm);
	KUNIT_EXPECT_NULL(test, mapped_page(address));
}

static void a_fault_maps_all_pages_around(struct kunit *test)
{
	struct memory_buffer *buffer = export_pieces(test, scattered);
	unsigned long address = reserve_tables(test);
	unsigned int i;

	map_all(buffer, address, MAP_SHARED);
	for (i = 0; i < buffer->num_pages; i++)
		KUNIT_EXPECT_NULL(test, mapped_page(address + i * PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, MARK(21),
			read_word(test, address + 21 * PAGE_SIZE));
	for (i = 0; i < buffer->num_pages; i++)
		KUNIT_EXPECT_PTR_EQ(test, buffer->pages[i],
				    mapped_page(address + i * PAGE_SIZE));
	unmap_all(buffer, address);
}

/* As many pages of @buffer as @count, or as there are, from each one on. */
static void expect_parts(struct kunit *test, struct memory_buffer *buffer,
			 unsigned long address, unsigned int count)
{
	unsigned int begin, i;

	for (begin = 0; begin < buffer->num_pages; begin++) {
		count = min(count, buffer->num_pages - begin);
		map_part(buffer, address, begin, count, MAP_SHARED);
		for (i = 0; i < count; i++)
			KUNIT_EXPECT_EQ(test, MARK(begin + i),
					read_word(test,
						  address + i * PAGE_SIZE));
		expect_nothing_at(test, address - PAGE_SIZE);
		expect_nothing_at(test, address + count * PAGE_SIZE);
		vm_munmap(address, count * PAGE_SIZE);
	}
}

static void a_mapping_may_begin_in_the_midst_of_a_range(struct kunit *test)
{
	struct memory_buffer *buffer = export_pieces(test, scattered);
	unsigned long address = reserve_tables(test);

	expect_parts(test, buffer, address, 9);
	/* With entries before the mapping, and none behind it. */
	expect_parts(test, buffer, address - 9 * PAGE_SIZE, 9);
	expect_parts(test, buffer, address, 1);
}

static void a_fault_ends_with_the_page_table(struct kunit *test)
{
	struct memory_buffer *buffer = export_pieces(test, scattered);
	unsigned long address = reserve_tables(test) - 10 * PAGE_SIZE;
	unsigned int i;

	map_all(buffer, address, MAP_SHARED);
	KUNIT_EXPECT_EQ(test, MARK(30),
			read_word(test, address + 30 * PAGE_SIZE));
	KUNIT_EXPECT_NULL(test, mapped_page(address + 9 * PAGE_SIZE));
	KUNIT_EXPECT_PTR_EQ(test, buffer->pages[10],
			    mapped_page(address + 10 * PAGE_SIZE));
	for (i = 0; i < buffer->num_pages; i++)
		KUNIT_EXPECT_EQ(test, MARK(i),
				read_word(test, address + i * PAGE_SIZE));
	unmap_all(buffer, address);
}

/* Of a mapping that was divided, each part knows where it begins. */
static void a_hole_moves_nothing_behind_it(struct kunit *test)
{
	struct memory_buffer *buffer = export_pieces(test, scattered);
	unsigned long address = reserve_tables(test);
	unsigned int i;

	map_all(buffer, address, MAP_SHARED);
	KUNIT_EXPECT_EQ(test, 0,
			vm_munmap(address + 3 * PAGE_SIZE, 2 * PAGE_SIZE));
	for (i = 5; i < buffer->num_pages; i++)
		KUNIT_EXPECT_EQ(test, MARK(i),
				read_word(test, address + i * PAGE_SIZE));
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, MARK(i),
				read_word(test, address + i * PAGE_SIZE));
	expect_nothing_at(test, address + 3 * PAGE_SIZE);
	expect_nothing_at(test, address + 4 * PAGE_SIZE);
	unmap_all(buffer, address);
}

static void what_is_shared_is_written_to(struct kunit *test)
{
	struct memory_buffer *buffer = export_pieces(test, scattered);
	unsigned long address = reserve_tables(test);
	unsigned int i;

	map_all(buffer, address, MAP_SHARED);
	for (i = 0; i < buffer->num_pages; i++)
		write_word(test, address + i * PAGE_SIZE, ~MARK(i));
	unmap_all(buffer, address);
	for (i = 0; i < buffer->num_pages; i++)
		KUNIT_EXPECT_EQ(test, *word_of(buffer, i), ~MARK(i));
}

static void a_private_mapping_has_copies_of_what_it_writes(struct kunit *test)
{
	struct memory_buffer *buffer = export_pieces(test, scattered);
	unsigned long address = reserve_tables(test);
	unsigned int i;

	if (!IS_ENABLED(CONFIG_ARCH_HAS_PTE_SPECIAL))
		kunit_skip(test, "nothing is private: ARCH_HAS_PTE_SPECIAL is off");
	map_all(buffer, address, MAP_PRIVATE);
	for (i = 0; i < buffer->num_pages; i += 2)
		write_word(test, address + i * PAGE_SIZE, ~MARK(i));
	for (i = 0; i < buffer->num_pages; i++) {
		KUNIT_EXPECT_EQ(test, *word_of(buffer, i), MARK(i));
		KUNIT_EXPECT_EQ(test, i % 2 ? MARK(i) : ~MARK(i),
				read_word(test, address + i * PAGE_SIZE));
	}
	/* What a copy doesn't overwrite is as it was. */
	*(word_of(buffer, 1) + 1) = 0x600d600d;
	write_word(test, address + PAGE_SIZE, 0);
	KUNIT_EXPECT_EQ(test, 0x600d600d,
			read_word(test, address + PAGE_SIZE + sizeof(u32)));
	unmap_all(buffer, address);
}

static void a_private_copy_stays_when_pages_around_are_mapped(struct kunit *test)
{
	struct memory_buffer *buffer = export_pieces(test, scattered);
	unsigned long address = reserve_tables(test);
	unsigned long copy = address + 5 * PAGE_SIZE, next = copy + PAGE_SIZE;

	if (!IS_ENABLED(CONFIG_ARCH_HAS_PTE_SPECIAL))
		kunit_skip(test, "nothing is private: ARCH_HAS_PTE_SPECIAL is off");
	map_all(buffer, address, MAP_PRIVATE);
	write_word(test, copy, 0x600d600d);
	unmap_page(test, next);
	KUNIT_EXPECT_EQ(test, read_word(test, next), MARK(6));
	KUNIT_EXPECT_EQ(test, read_word(test, copy), 0x600d600d);
	KUNIT_EXPECT_PTR_NE(test, mapped_page(copy), buffer->pages[5]);
	unmap_all(buffer, address);
}

/*
 * Huge entries
 */

/* A block that a huge entry can map, and pages that it can't. */
static const struct piece with_huge[] = {
	{ 700, 3 }, { 0, HUGE_PAGES }, { 600, 2 }, { }
};

/* As long, but from the second page of a block on. */
static const struct piece shifted[] = { { 1, HUGE_PAGES }, { } };

static struct memory_buffer *export_huge(struct kunit *test)
{
	return export_from(test, make_arena_of(test, HUGE_ORDER), with_huge);
}

static void need_huge(struct kunit *test)
{
	if (!IS_ENABLED(CONFIG_ARCH_SUPPORTS_PMD_PFNMAP) || PMD_SIZE != SZ_2M)
		kunit_skip(test, "there are no huge entries, or larger ones");
}

static bool is_huge(unsigned long address)
{
	bool huge;

	mmap_read_lock(current->mm);
	huge = pmd_leaf(pmdp_get_lockless(pmd_off(current->mm, address)));
	mmap_read_unlock(current->mm);
	return huge;
}

/* Faults for page @begin, and expects @count pages from there on. */
static void expect_mapped(struct kunit *test, struct memory_buffer *buffer,
			  unsigned long address, unsigned int begin,
			  unsigned int count)
{
	unsigned int i;

	KUNIT_EXPECT_EQ(test, MARK(begin), read_word(test, address));
	for (i = 0; i < count; i++)
		KUNIT_EXPECT_PTR_EQ(test, buffer->pages[begin + i],
				    mapped_page(address + i * PAGE_SIZE));
}

static void a_huge_block_has_a_huge_entry(struct kunit *test)
{
	struct memory_buffer *buffer;
	unsigned long address;

	need_huge(test);
	buffer = export_huge(test);
	address = reserve_tables(test);
	map_all(buffer, address - 3 * PAGE_SIZE, MAP_SHARED);
	/* Whichever of its pages is wanted. */
	KUNIT_EXPECT_EQ(test, MARK(3 + 300),
			read_word(test, address + 300 * PAGE_SIZE));
	KUNIT_EXPECT_TRUE(test, is_huge(address));
	expect_mapped(test, buffer, address, 3, HUGE_PAGES);
	expect_mapped(test, buffer, address - 3 * PAGE_SIZE, 0, 3);
	expect_mapped(test, buffer, address + PMD_SIZE, 3 + HUGE_PAGES, 2);

	write_word(test, address + PAGE_SIZE, 0x600d600d);
	KUNIT_EXPECT_EQ(test, *word_of(buffer, 4), 0x600d600d);
	unmap_all(buffer, address - 3 * PAGE_SIZE);
}

static void a_huge_block_has_small_entries_elsewhere(struct kunit *test)
{
	struct memory_buffer *buffer;
	unsigned long address;

	need_huge(test);
	buffer = export_huge(test);
	address = reserve_tables(test);
	map_all(buffer, address, MAP_SHARED);
	expect_mapped(test, buffer, address, 0, HUGE_PAGES);
	KUNIT_EXPECT_FALSE(test, is_huge(address));
	expect_mapped(test, buffer, address + PMD_SIZE, HUGE_PAGES, 5);
	unmap_all(buffer, address);
}

static void a_block_that_is_not_aligned_has_small_entries(struct kunit *test)
{
	struct memory_buffer *buffer;
	unsigned long address;

	need_huge(test);
	buffer = export_from(test, make_arena_of(test, HUGE_ORDER), shifted);
	address = reserve_tables(test);
	map_all(buffer, address, MAP_SHARED);
	expect_mapped(test, buffer, address, 0, HUGE_PAGES);
	KUNIT_EXPECT_FALSE(test, is_huge(address));
	unmap_all(buffer, address);
}

static void a_part_of_a_huge_block_has_small_entries(struct kunit *test)
{
	struct memory_buffer *buffer;
	unsigned long address;

	need_huge(test);
	buffer = export_huge(test);
	address = reserve_tables(test);
	map_part(buffer, address, 3, HUGE_PAGES - 1, MAP_SHARED);
	expect_mapped(test, buffer, address, 3, HUGE_PAGES - 1);
	KUNIT_EXPECT_FALSE(test, is_huge(address));
	expect_nothing_at(test, address + PMD_SIZE - PAGE_SIZE);
	vm_munmap(address, PMD_SIZE - PAGE_SIZE);

	map_part(buffer, address + PAGE_SIZE, 4, HUGE_PAGES - 1, MAP_SHARED);
	expect_mapped(test, buffer, address + PAGE_SIZE, 4, HUGE_PAGES - 1);
	KUNIT_EXPECT_FALSE(test, is_huge(address));
	expect_nothing_at(test, address);
	vm_munmap(address + PAGE_SIZE, PMD_SIZE - PAGE_SIZE);
}

static void a_hole_leaves_small_entries_of_a_huge_one(struct kunit *test)
{
	struct memory_buffer *buffer;
	unsigned long address;

	need_huge(test);
	buffer = export_huge(test);
	address = reserve_tables(test);
	map_part(buffer, address, 3, HUGE_PAGES, MAP_SHARED);
	expect_mapped(test, buffer, address, 3, HUGE_PAGES);
	KUNIT_EXPECT_TRUE(test, is_huge(address));

	KUNIT_EXPECT_EQ(test, 0,
			vm_munmap(address + 100 * PAGE_SIZE, PAGE_SIZE));
	expect_mapped(test, buffer, address + 101 * PAGE_SIZE, 3 + 101,
		      HUGE_PAGES - 101);
	expect_mapped(test, buffer, address, 3, 100);
	expect_nothing_at(test, address + 100 * PAGE_SIZE);
	vm_munmap(address, PMD_SIZE);
}

static void private_mappings_have_small_entries(struct kunit *test)
{
	struct memory_buffer *buffer;
	unsigned long address;

	need_huge(test);
	buffer = export_huge(test);
	address = reserve_tables(test);
	map_part(buffer, address, 3, HUGE_PAGES, MAP_PRIVATE);
	expect_mapped(test, buffer, address, 3, HUGE_PAGES);
	KUNIT_EXPECT_FALSE(test, is_huge(address));
	write_word(test, address, 0x600d600d);
	KUNIT_EXPECT_EQ(test, *word_of(buffer, 3), MARK(3));
	expect_mapped(test, buffer, address + PAGE_SIZE, 4, HUGE_PAGES - 1);
	vm_munmap(address, PMD_SIZE);
}

static struct kunit_case memory_cases[] = {
	KUNIT_CASE(memory_begins_without_pages),
	KUNIT_CASE(pages_may_extend_the_range_before),
	KUNIT_CASE(pages_stay_apart_that_may_not_extend),
	KUNIT_CASE(pages_from_elsewhere_begin_a_range),
	KUNIT_CASE(only_the_last_range_is_extended),
	KUNIT_CASE(ranges_keep_their_order_however_many_there_are),
	KUNIT_CASE(without_memory_an_append_changes_nothing),
	KUNIT_CASE_PARAM(every_page_is_found_in_its_range,
			 range_sizes_gen_params),
	KUNIT_CASE_PARAM(ranges_are_divided_as_the_device_wants,
			 entry_limit_gen_params),
	KUNIT_CASE_PARAM(a_long_range_is_divided_wherever_it_is,
			 entry_limit_gen_params),
	KUNIT_CASE(who_sets_no_limit_has_the_usual_one),
	KUNIT_CASE(importers_are_told_of_all_bytes),
	KUNIT_CASE(an_attachment_may_be_mapped_twice),
	KUNIT_CASE(without_memory_nothing_is_mapped),
	KUNIT_CASE(what_a_device_cannot_reach_is_not_mapped),
	KUNIT_CASE_PARAM(mappings_are_synced_as_they_were_made,
			 sync_rule_gen_params),
	KUNIT_CASE(two_devices_may_have_a_buffer_mapped),
	KUNIT_CASE(the_mappings_of_all_devices_are_synced),
	KUNIT_CASE(nothing_is_synced_before_the_devices_are_done),
	KUNIT_CASE(what_was_unmapped_is_not_synced),
	KUNIT_CASE(devices_in_turn_see_the_same_bytes),
	KUNIT_CASE(what_a_bounced_device_wrote_is_seen_in_a_bracket),
	KUNIT_CASE(a_bounced_device_reads_what_was_written_in_a_bracket),
	KUNIT_CASE(contiguous_memory_is_where_it_always_is),
	KUNIT_CASE(scattered_memory_is_made_contiguous),
	KUNIT_CASE(the_brackets_know_where_the_kernel_has_it),
	KUNIT_CASE(what_the_kernel_gave_back_it_can_map_again),
	KUNIT_CASE(without_memory_the_kernel_has_no_mapping),
	KUNIT_CASE(a_fault_maps_all_pages_around),
	KUNIT_CASE(a_mapping_may_begin_in_the_midst_of_a_range),
	KUNIT_CASE(a_fault_ends_with_the_page_table),
	KUNIT_CASE(a_hole_moves_nothing_behind_it),
	KUNIT_CASE(what_is_shared_is_written_to),
	KUNIT_CASE(a_private_mapping_has_copies_of_what_it_writes),
	KUNIT_CASE(a_private_copy_stays_when_pages_around_are_mapped),
	KUNIT_CASE(a_huge_block_has_a_huge_entry),
	KUNIT_CASE(a_huge_block_has_small_entries_elsewhere),
	KUNIT_CASE(a_block_that_is_not_aligned_has_small_entries),
	KUNIT_CASE(a_part_of_a_huge_block_has_small_entries),
	KUNIT_CASE(a_hole_leaves_small_entries_of_a_huge_one),
	KUNIT_CASE(private_mappings_have_small_entries),
	{}
};

static struct kunit_suite memory_suite = {
	.name = "dma_buf_memory",
	.test_cases = memory_cases,
};

kunit_test_suite(memory_suite);
