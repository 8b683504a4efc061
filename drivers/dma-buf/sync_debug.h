/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What sync files, timelines of user space and debugfs know of each other.
 */
#ifndef __SYNC_DEBUG_H
#define __SYNC_DEBUG_H

#include <linux/dma-fence.h>
#include <linux/fs.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rbtree.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/sync_file.h>

#ifdef CONFIG_SW_SYNC
/**
 * struct sw_timeline - a counter that a program advances
 * @kref: one reference is the file's, one each fence's
 * @rcu: keeps @name for those who look at a fence that is being released
 * @listed: in debugfs sync/info while the file is open, under the lock of that
 * @advance: whoever adds fences holds it, or moves on and signals what is
 *	reached, so that they signal in order; outside of @lock and of the
 *	fences' locks
 * @lock: protects @pending; innermost, interrupts are off
 * @pending: &sw_fence.node of those to signal, by their points
 * @value: how far it is; changes under @lock
 * @context: of the fences
 * @name: of the program that opened it; never changes
 */
struct sw_timeline {
	struct kref kref;
	struct rcu_head rcu;
	struct hlist_node listed;
	struct mutex advance; /* orders the signalling */
	spinlock_t lock; /* protects @pending */
	struct rb_root_cached pending;
	u32 value;
	u64 context;
	char name[TASK_COMM_LEN];
};

/**
 * struct sw_fence - a point on a timeline
 * @base: what the rest of the kernel sees
 * @lock: of @base.  No two fences share one, so that a callback may let go of
 *	another fence of the timeline.
 * @timeline: with a reference
 * @node: in &sw_timeline.pending, under its lock
 * @pending: whether @node is; set before anybody knows the fence, and cleared
 *	by whoever takes it off, under the lock and as the last thing done to a
 *	fence that has no references any more
 * @has_deadline: whether a deadline was wanted; under @lock
 * @deadline: the earliest of them, under @lock
 */
struct sw_fence {
	struct dma_fence base;
	spinlock_t lock; /* of @base */
	struct sw_timeline *timeline;
	struct rb_node node;
	bool pending;
	bool has_deadline;
	ktime_t deadline;
};

extern const struct file_operations sw_sync_fops;

void sync_debug_add_timeline(struct sw_timeline *timeline);
void sync_debug_remove_timeline(struct sw_timeline *timeline);
void sync_debug_add_file(struct sync_file *sync_file);
void sync_debug_unlist_file(struct sync_file *sync_file);

/**
 * sync_debug_init_file - a sync file that isn't listed
 * @sync_file: new
 *
 * Context: Any.
 */
static inline void sync_debug_init_file(struct sync_file *sync_file)
{
	INIT_HLIST_NODE(&sync_file->listed);
}

/**
 * sync_debug_remove_file - forget a sync file
 * @sync_file: on its way out, whether it has been added or not
 *
 * Context: Process context.
 */
static inline void sync_debug_remove_file(struct sync_file *sync_file)
{
	/* Nobody adds it any more, so it needs no lock to see if anybody did. */
	if (!hlist_unhashed(&sync_file->listed))
		sync_debug_unlist_file(sync_file);
}
#else
static inline void sync_debug_init_file(struct sync_file *sync_file) {}
static inline void sync_debug_remove_file(struct sync_file *sync_file) {}
#endif

#endif /* __SYNC_DEBUG_H */
