// SPDX-License-Identifier: GPL-2.0-only
/*
 * debugfs sync/: the timelines that programs drive, and what became of them.
 *
 * sync/sw_sync makes one, sync/info lists them and the sync files made of them.
 * Other sync files aren't listed: drivers make them for every frame, and would
 * pay for what nobody reads.
 */
#include <linux/cleanup.h>
#include <linux/compiler.h>
#include <linux/debugfs.h>
#include <linux/init.h>
#include <linux/ktime.h>
#include <linux/seq_file.h>
#include <linux/sync_file.h>
#include <linux/time64.h>

#include "dma_buf_private.h"
#include "sync_debug.h"

/*
 * Protects both lists, and keeps alive what is on them; never taken where
 * interrupts are off.  Outside of a timeline's lock.
 */
static DEFINE_SPINLOCK(lists_lock);
static HLIST_HEAD(timelines);
static HLIST_HEAD(sync_files);

/**
 * sync_debug_add_timeline - list a timeline in sync/info
 * @timeline: complete; it has to be removed before it goes
 *
 * Context: Process context.
 */
void sync_debug_add_timeline(struct sw_timeline *timeline)
{
	spin_lock(&lists_lock);
	hlist_add_head(&timeline->listed, &timelines);
	spin_unlock(&lists_lock);
}

/**
 * sync_debug_remove_timeline - forget a timeline
 * @timeline: has been added
 *
 * Context: Process context.
 */
void sync_debug_remove_timeline(struct sw_timeline *timeline)
{
	spin_lock(&lists_lock);
	hlist_del_init(&timeline->listed);
	spin_unlock(&lists_lock);
}

/**
 * sync_debug_add_file - list a sync file in sync/info
 * @sync_file: of a fence of a timeline; nobody else knows it yet
 *
 * Its release takes it off the list.
 *
 * Context: Process context.
 */
void sync_debug_add_file(struct sync_file *sync_file)
{
	spin_lock(&lists_lock);
	hlist_add_head(&sync_file->listed, &sync_files);
	spin_unlock(&lists_lock);
}

/**
 * sync_debug_unlist_file - take a sync file off the list
 * @sync_file: has been added
 *
 * Context: Process context.
 */
void sync_debug_unlist_file(struct sync_file *sync_file)
{
	spin_lock(&lists_lock);
	hlist_del_init(&sync_file->listed);
	spin_unlock(&lists_lock);
}

/* Names come from user space: they must not look like another line. */
static void show_name(struct seq_file *m, const char *name)
{
	seq_escape(m, name, DMA_BUF_NAME_ESCAPED);
}

static const char *status_name(int status)
{
	if (status < 0)
		return "error";
	return status ? "signaled" : "active";
}

static void show_pending(struct seq_file *m, struct sw_timeline *timeline)
{
	struct rb_node *node;

	for (node = rb_first_cached(&timeline->pending);
	     node && !seq_has_overflowed(m); node = rb_next(node)) {
		struct sw_fence *fence = rb_entry(node, struct sw_fence, node);

		seq_printf(m, "  fence %s: %llu / %d\n", status_name(0),
			   fence->base.seqno, timeline->value);
	}
}

static void show_timeline(struct seq_file *m, struct sw_timeline *timeline)
{
	show_name(m, timeline->name);
	/* Whoever releases or signals a fence takes it off first. */
	scoped_guard(spinlock_irqsave, &timeline->lock) {
		seq_printf(m, ": %d\n", timeline->value);
		show_pending(m, timeline);
	}
	seq_putc(m, '\n');
}

static void show_status(struct seq_file *m, struct dma_fence *fence, int status)
{
	struct timespec64 at;

	seq_puts(m, status_name(status));
	if (!status)
		return;
	at = ktime_to_timespec64(dma_fence_timestamp(fence));
	seq_printf(m, "@%lld.%09ld", at.tv_sec, at.tv_nsec);
}

static void show_sync_file(struct seq_file *m, struct sync_file *sync_file)
{
	char name[sizeof(sync_file->user_name)];
	struct sw_fence *fence = container_of(sync_file->fence, struct sw_fence,
					      base);
	int status = dma_fence_get_status(&fence->base);

	seq_printf(m, "[%p] ", sync_file);
	show_name(m, sync_file_get_name(sync_file, name, sizeof(name)));
	seq_printf(m, ": %s\n  ", status_name(status));
	show_name(m, fence->timeline->name);
	seq_puts(m, "_fence ");
	show_status(m, &fence->base, status);
	seq_printf(m, ": %llu / %d\n\n", fence->base.seqno,
		   READ_ONCE(fence->timeline->value));
}

static void show_timelines(struct seq_file *m)
{
	struct sw_timeline *timeline;

	seq_puts(m, "objs:\n--------------\n");
	hlist_for_each_entry(timeline, &timelines, listed) {
		if (seq_has_overflowed(m))
			break;
		show_timeline(m, timeline);
	}
}

static void show_sync_files(struct seq_file *m)
{
	struct sync_file *sync_file;

	seq_puts(m, "fences:\n--------------\n");
	hlist_for_each_entry(sync_file, &sync_files, listed) {
		if (seq_has_overflowed(m))
			break;
		show_sync_file(m, sync_file);
	}
}

/* What doesn't fit will be asked for again, with more room. */
static int info_show(struct seq_file *m, void *unused)
{
	scoped_guard(spinlock, &lists_lock) {
		show_timelines(m);
		show_sync_files(m);
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(info);

static int __init sync_debug_init(void)
{
	struct dentry *dir = debugfs_create_dir("sync", NULL);

	debugfs_create_file("info", 0444, dir, NULL, &info_fops);
	/*
	 * The files stay as long as the kernel runs.  What debugfs does to make
	 * their removal safe would keep 32-bit programs from the ioctls.
	 */
	debugfs_create_file_unsafe("sw_sync", 0644, dir, NULL, &sw_sync_fops);
	return 0;
}
late_initcall(sync_debug_init);
