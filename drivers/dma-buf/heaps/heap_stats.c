// SPDX-License-Identifier: GPL-2.0-only
/*
 * What heaps did: counters, and debugfs dma_heap/NAME/stats.
 *
 * Each CPU counts for itself.  Bytes that were allocated on one and freed on
 * another one make a negative number there; the sum is right.
 */
#include <linux/debugfs.h>
#include <linux/log2.h>
#include <linux/math64.h>
#include <linux/seq_file.h>
#include <kunit/visibility.h>

#include "heap.h"
#include "page_pool.h"

static struct dentry *directory;

/*
 * Counting
 */

/* Steps for each power of two, as a shift. */
#define STEPS_SHIFT	2

/**
 * dma_heap_latency_step - how a latency is counted
 * @ns: the latency; below 4 ns the steps are those numbers themselves
 *
 * Return: index in dma_heap_stats.latencies.
 */
unsigned int dma_heap_latency_step(u64 ns)
{
	unsigned int power;

	if (ns < 1 << STEPS_SHIFT)
		return ns;
	power = ilog2(ns) - STEPS_SHIFT;
	return min_t(u64, ((u64)power << STEPS_SHIFT) + (ns >> power),
		     DMA_HEAP_LATENCIES - 1);
}
EXPORT_SYMBOL_IF_KUNIT(dma_heap_latency_step);

/**
 * dma_heap_latency_bound - the longest latency that is counted as a step
 * @step: what dma_heap_latency_step() gives for it; not the last one, in which all
 *	longer ones are counted
 *
 * Return: that latency in ns.
 */
u64 dma_heap_latency_bound(unsigned int step)
{
	unsigned int power = step >> STEPS_SHIFT;
	u64 next = (step & ((1 << STEPS_SHIFT) - 1)) + 1;

	if (!power)
		return step;
	return ((next + (1 << STEPS_SHIFT)) << (power - 1)) - 1;
}
EXPORT_SYMBOL_IF_KUNIT(dma_heap_latency_bound);

void dma_heap_count_alloc(struct dma_heap *heap, u64 bytes, u64 ns)
{
	this_cpu_add(heap->stats->bytes, bytes);
	this_cpu_inc(heap->stats->buffers);
	this_cpu_inc(heap->stats->allocations);
	this_cpu_inc(heap->stats->latencies[dma_heap_latency_step(ns)]);
}

void dma_heap_count_free(struct dma_heap *heap, u64 bytes)
{
	this_cpu_sub(heap->stats->bytes, bytes);
	this_cpu_dec(heap->stats->buffers);
}

static enum dma_heap_failure cause_of(int error)
{
	switch (error) {
	case -EINVAL:
		return DMA_HEAP_INVALID;
	case -ENOMEM:
		return DMA_HEAP_NO_MEMORY;
	case -EMFILE:
	case -ENFILE:
		return DMA_HEAP_NO_FILE;
	case -EINTR:
		return DMA_HEAP_INTERRUPTED;
	default:
		return DMA_HEAP_OTHER;
	}
}

void dma_heap_count_failure(struct dma_heap *heap, int error)
{
	this_cpu_inc(heap->stats->failures[cause_of(error)]);
}

/*
 * Showing
 */

static void add_up(struct dma_heap_stats *sum, struct dma_heap *heap)
{
	int cpu, i;

	memset(sum, 0, sizeof(*sum));
	for_each_possible_cpu(cpu) {
		struct dma_heap_stats *stats = per_cpu_ptr(heap->stats, cpu);

		sum->bytes += READ_ONCE(stats->bytes);
		sum->buffers += READ_ONCE(stats->buffers);
		sum->allocations += READ_ONCE(stats->allocations);
		for (i = 0; i < DMA_HEAP_FAILURES; i++)
			sum->failures[i] += READ_ONCE(stats->failures[i]);
		for (i = 0; i < DMA_HEAP_LATENCIES; i++)
			sum->latencies[i] += READ_ONCE(stats->latencies[i]);
	}
}

/* What @percent of all latencies don't exceed, in ns. */
static u64 quantile(const struct dma_heap_stats *sum, unsigned int percent)
{
	u64 count = 0, wanted, seen = 0;
	unsigned int i;

	for (i = 0; i < DMA_HEAP_LATENCIES; i++)
		count += sum->latencies[i];
	wanted = DIV_ROUND_UP_ULL(count * percent, 100);
	for (i = 0; i < DMA_HEAP_LATENCIES - 1; i++) {
		seen += sum->latencies[i];
		if (seen >= wanted)
			break;
	}
	return count ? dma_heap_latency_bound(i) : 0;
}

static void show_failures(struct seq_file *m, const struct dma_heap_stats *sum)
{
	static const char *const causes[] = {
		[DMA_HEAP_INVALID] = "invalid",
		[DMA_HEAP_NO_MEMORY] = "no_memory",
		[DMA_HEAP_NO_FILE] = "no_file",
		[DMA_HEAP_INTERRUPTED] = "interrupted",
		[DMA_HEAP_OTHER] = "other",
	};
	int i;

	for (i = 0; i < DMA_HEAP_FAILURES; i++)
		seq_printf(m, "failed_%s: %lu\n", causes[i], sum->failures[i]);
}

static void show_pool(struct seq_file *m, struct dma_heap_pool *pool)
{
	struct dma_heap_pool_size size = dma_heap_pool_size(pool);

	seq_printf(m, "pool_bytes: %llu\n",
		   (u64)(size.zeroed + size.dirty) << PAGE_SHIFT);
	seq_printf(m, "pool_zeroed_bytes: %llu\n",
		   (u64)size.zeroed << PAGE_SHIFT);
}

static int stats_show(struct seq_file *m, void *data)
{
	struct dma_heap *heap = m->private;
	struct dma_heap_stats sum;

	add_up(&sum, heap);
	seq_printf(m, "bytes: %lld\n", sum.bytes);
	seq_printf(m, "buffers: %ld\n", sum.buffers);
	seq_printf(m, "allocations: %lu\n", sum.allocations);
	show_failures(m, &sum);
	if (heap->pool)
		show_pool(m, heap->pool);
	seq_printf(m, "latency_p50_ns: %llu\n", quantile(&sum, 50));
	seq_printf(m, "latency_p99_ns: %llu\n", quantile(&sum, 99));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(stats);

void dma_heap_stats_show(struct dma_heap *heap)
{
	debugfs_create_file("stats", 0400,
			    debugfs_create_dir(heap->name, directory), heap,
			    &stats_fops);
}

void __init dma_heap_stats_init(void)
{
	directory = debugfs_create_dir("dma_heap", NULL);
}
