// SPDX-License-Identifier: GPL-2.0-only
/*
 * Chains: links on a timeline, each of which stands for its own fence and for
 * everything before it.
 *
 * A link whose fence has signalled adds nothing, so whoever comes along makes
 * the link after it point past it.  Who does so has a reference on the later
 * link, found all of a run of links signalled, and swaps prev from the first
 * of the run to what comes before the run with one cmpxchg().  Of two who do
 * that to the same link at the same time one wins and drops the link's
 * reference on the run; the other one looks again.  The run's first link can't
 * come back in between, for prev only ever goes to older links.
 *
 * Those who only look for a place in the chain take no references, but stay
 * under RCU.  They never meet a link that was freed before they came:
 *
 *  - The head has a reference for as long as they look.
 *  - A link that still has a reference has one on its prev.
 *  - A link that lost its last one keeps prev as it was, and lost it only
 *    after they came; until then it had a reference on prev.
 *
 * So all they pass was alive at some time since they came, and its memory goes
 * a grace period after its death.  Only the links are safe to look at this
 * way, not the fences in them or the one that a chain begins with: these belong
 * to drivers, who may use their memory for another fence.
 *
 * Freeing a chain link by link would recurse from release to release.  The
 * first release instead takes over the reference on its prev, and releases in
 * a loop what that was the last one of.  After a few it leaves the rest to a
 * work item, for it may run with interrupts off.
 */
#include <linux/export.h>
#include <linux/irq_work.h>
#include <linux/llist.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/workqueue.h>

#include "dma_fence_container.h"

/* How many links go with another one at once. */
#define LINKS_PUT_AT_ONCE	32

static struct lock_class_key chain_lock_keys[DMA_FENCE_NESTING_MAX + 1];

/* For the ops, which are never of another fence. */
static struct dma_fence_chain *chain_of(struct dma_fence *fence)
{
	return container_of(fence, struct dma_fence_chain, base);
}

static const char *chain_driver_name(struct dma_fence *fence)
{
	return "dma_fence_chain";
}

static const char *chain_timeline_name(struct dma_fence *fence)
{
	return "unbound";
}

/*
 * Walking and shortening
 *
 * Here @link is a link or the plain fence that a chain may end in.
 */

static __always_inline struct dma_fence *
chain_get_prev(struct dma_fence_chain *chain)
{
	guard(rcu)();
	return dma_fence_get_rcu_safe(&chain->prev);
}

static __always_inline bool link_signaled(struct dma_fence *link)
{
	return dma_fence_is_signaled(dma_fence_chain_contained(link));
}

/* The first from @link on that hasn't signalled; takes over the reference. */
static struct dma_fence *pass_signaled(struct dma_fence *link)
{
	while (link && link_signaled(link)) {
		struct dma_fence_chain *chain = to_dma_fence_chain(link);
		struct dma_fence *prev = chain ? chain_get_prev(chain) : NULL;

		dma_fence_put(link);
		link = prev;
	}
	return link;
}

/*
 * Has @chain point to @link, in place of the later @prev.  The caller has
 * references on all three; on success that on @prev is gone.
 */
static bool chain_skip_to(struct dma_fence_chain *chain, struct dma_fence *prev,
			  struct dma_fence *link)
{
	struct dma_fence *seen;

	dma_fence_get(link);
	seen = unrcu_pointer(cmpxchg(&chain->prev, RCU_INITIALIZER(prev),
				     RCU_INITIALIZER(link)));
	if (seen == prev)
		dma_fence_put(seen);	/* the one @chain had on it */
	else
		dma_fence_put(link);
	dma_fence_put(prev);
	return seen == prev;
}

/* Has what signalled, from @prev on, leave the chain; see chain_before(). */
static noinline struct dma_fence *chain_shorten(struct dma_fence_chain *chain,
						struct dma_fence *prev)
{
	do {
		struct dma_fence *link = pass_signaled(dma_fence_get(prev));

		if (chain_skip_to(chain, prev, link))
			return link;
		dma_fence_put(link);
		prev = chain_get_prev(chain);
	} while (prev && link_signaled(prev));
	return prev;
}

/* What comes before @chain and hasn't signalled, with a reference. */
static __always_inline struct dma_fence *
chain_before(struct dma_fence_chain *chain)
{
	struct dma_fence *prev = chain_get_prev(chain);

	if (prev && unlikely(link_signaled(prev)))
		return chain_shorten(chain, prev);
	return prev;
}

/**
 * dma_fence_chain_walk - go to what comes before a fence in its chain
 * @fence: a link or another fence; its reference is dropped
 *
 * See dma_fence_chain_for_each().  Links that have signalled are taken out of
 * the chain.
 *
 * Context: Any in which @fence may be put.
 * Return: the next older link that hasn't signalled, or the fence that the
 * chain began with if that hasn't, with a reference; NULL when there is none.
 */
struct dma_fence *dma_fence_chain_walk(struct dma_fence *fence)
{
	struct dma_fence_chain *chain = to_dma_fence_chain(fence);
	struct dma_fence *prev = chain ? chain_before(chain) : NULL;

	dma_fence_put(fence);
	return prev;
}
EXPORT_SYMBOL(dma_fence_chain_walk);

/*
 * Finding a point
 */

/* Whether @seqno is before @link, on the timeline of @context. */
static bool point_is_before(struct dma_fence_chain *link, u64 context, u64 seqno)
{
	return link->prev_seqno >= seqno && link->base.context == context;
}

/*
 * The link that covers @seqno, or else the oldest one.  Under RCU; takes no
 * references.
 */
static struct dma_fence_chain *chain_seek(struct dma_fence_chain *head,
					  u64 seqno)
{
	struct dma_fence_chain *link = head, *older;

	while (point_is_before(link, head->base.context, seqno)) {
		older = to_dma_fence_chain(rcu_dereference(link->prev));
		if (!older)
			break;
		link = older;
	}
	return link;
}

/*
 * The same with a reference.  A link that died under our eyes had been taken out
 * of the chain, so that looking again finds another one.
 */
static struct dma_fence_chain *chain_get_link(struct dma_fence_chain *head,
					      u64 seqno)
{
	struct dma_fence_chain *link;

	do {
		guard(rcu)();
		link = chain_seek(head, seqno);
		if (!dma_fence_get_rcu(&link->base))
			link = NULL;
	} while (!link);
	return link;
}

/* What is left of @seqno to wait for, before @head, with a reference. */
static noinline struct dma_fence *chain_get_point(struct dma_fence_chain *head,
						  u64 seqno)
{
	struct dma_fence_chain *link = chain_get_link(head, seqno);

	if (point_is_before(link, head->base.context, seqno) ||
	    link_signaled(&link->base))
		return dma_fence_chain_walk(&link->base);
	return &link->base;
}

/**
 * dma_fence_chain_find_seqno - find the link that covers a point
 * @pfence: the newest link of the chain, with the caller's reference; replaced
 *	by what was found, with a reference
 * @seqno: the point; 0 leaves @pfence as it is
 *
 * What is found signals once everything up to @seqno did: the link itself, or
 * what is left before it once it has signalled.  NULL means that nothing is.
 * On failure @pfence and its reference are still the caller's.
 *
 * Context: Any in which *@pfence may be put.
 * Return: 0, -EINVAL when *@pfence isn't a link or hasn't come to @seqno yet.
 */
int dma_fence_chain_find_seqno(struct dma_fence **pfence, uint64_t seqno)
{
	struct dma_fence_chain *head;

	if (!seqno)
		return 0;

	head = to_dma_fence_chain(*pfence);
	if (!head || head->base.seqno < seqno)
		return -EINVAL;
	if (head->prev_seqno < seqno)
		return 0;

	*pfence = chain_get_point(head, seqno);
	dma_fence_put(&head->base);
	return 0;
}
EXPORT_SYMBOL(dma_fence_chain_find_seqno);

/*
 * Signalling
 *
 * An armed chain waits for one fence at a time, the newest that hasn't
 * signalled, and has one reference on itself from arming to its end.
 */

/**
 * struct fired_chains - chains whose fence has signalled
 * @chains: by dma_fence_chain.fired; may grow at any time
 * @work: has them go on; queued by whoever finds @chains empty
 */
struct fired_chains {
	struct llist_head chains;
	struct irq_work work;
};

static void fired_chains_work(struct irq_work *work);

static DEFINE_PER_CPU(struct fired_chains, fired_chains) = {
	.work = IRQ_WORK_INIT(fired_chains_work),
};

/* Goes on in an irq_work: arming takes locks that nest with this fence's. */
static void chain_fence_signaled(struct dma_fence *fence,
				 struct dma_fence_cb *cb)
{
	struct dma_fence_chain *chain =
		container_of(cb, struct dma_fence_chain, cb);
	/* Anybody's will do, where this may be moved to another CPU. */
	struct fired_chains *fired = raw_cpu_ptr(&fired_chains);

	if (llist_add(&chain->fired, &fired->chains))
		irq_work_queue(&fired->work);
}

/*
 * False when all has signalled.  The fence waited for stays, for a link leaves
 * the chain only after its fence has signalled, and who signals a fence has a
 * reference on it until the callbacks ran.
 */
static bool chain_arm(struct dma_fence_chain *chain)
{
	struct dma_fence *link;

	dma_fence_chain_for_each(link, &chain->base) {
		if (!dma_fence_add_callback(dma_fence_chain_contained(link),
					    &chain->cb, chain_fence_signaled)) {
			dma_fence_put(link);
			return true;
		}
	}
	return false;
}

static void chain_go_on(struct dma_fence_chain *chain)
{
	if (chain_arm(chain))
		return;

	/* Whoever polled the chain may have signalled it first. */
	dma_fence_signal(&chain->base);
	dma_fence_put(&chain->base);
}

static void fired_chains_work(struct irq_work *work)
{
	struct fired_chains *fired =
		container_of(work, struct fired_chains, work);
	struct dma_fence_chain *chain, *next;

	llist_for_each_entry_safe(chain, next, llist_del_all(&fired->chains),
				  fired)
		chain_go_on(chain);
}

/* Under the chain's lock, with a reference of the caller's. */
static bool chain_enable_signaling(struct dma_fence *fence)
{
	dma_fence_get(fence);
	if (chain_arm(chain_of(fence)))
		return true;

	dma_fence_put(fence);
	return false;
}

static bool chain_signaled(struct dma_fence *fence)
{
	struct dma_fence *prev;

	if (!link_signaled(fence))
		return false;

	prev = chain_before(chain_of(fence));
	dma_fence_put(prev);
	return !prev;
}

static void chain_set_deadline(struct dma_fence *fence, ktime_t deadline)
{
	struct dma_fence *link;

	dma_fence_chain_for_each(link, fence)
		dma_fence_set_deadline(dma_fence_chain_contained(link),
				       deadline);
}

/*
 * Release
 */

/*
 * Links without a reference left, by @dead.  An RCU reader may be looking at
 * any of them still.
 */
static LLIST_HEAD(dead_links);

static void release_dead_links(struct work_struct *work);
static DECLARE_WORK(dead_links_work, release_dead_links);

/* Returns prev, on which the caller has the link's reference now. */
static struct dma_fence *release_link(struct dma_fence_chain *chain)
{
	struct dma_fence *prev = rcu_dereference_protected(chain->prev, true);

	chain->prev_taken = true;
	dma_fence_release(&chain->base.refcount);
	return prev;
}

/* Returns @link if it was the last reference and so it is to be released. */
static struct dma_fence_chain *put_link(struct dma_fence *link)
{
	struct dma_fence_chain *chain = to_dma_fence_chain(link);

	if (!chain)
		dma_fence_put(link);
	else if (refcount_dec_and_test(&link->refcount.refcount))
		return chain;
	return NULL;
}

/* Puts @link, and what lives by it alone; after a few, by the work item. */
static void put_links(struct dma_fence *link)
{
	struct dma_fence_chain *chain;
	unsigned int count = 0;

	while ((chain = put_link(link))) {
		if (++count > LINKS_PUT_AT_ONCE) {
			if (llist_add(&chain->dead, &dead_links))
				queue_work(system_unbound_wq, &dead_links_work);
			return;
		}
		link = release_link(chain);
	}
}

static void release_dead_links(struct work_struct *work)
{
	struct dma_fence_chain *chain, *next;

	llist_for_each_entry_safe(chain, next, llist_del_all(&dead_links),
				  dead) {
		do {
			struct dma_fence *link = release_link(chain);

			cond_resched();
			chain = put_link(link);
		} while (chain);
	}
}

static void chain_release(struct dma_fence *fence)
{
	struct dma_fence_chain *chain = chain_of(fence);

	if (!chain->prev_taken)
		put_links(rcu_dereference_protected(chain->prev, true));
	dma_fence_put(chain->fence);
	dma_fence_free(fence);
}

/**
 * DOC: dma_fence_chain_ops
 *
 * The ops of all links of chains, by which dma_fence_is_chain() knows one. Exported
 * for that alone.
 */
const struct dma_fence_ops dma_fence_chain_ops = {
	.use_64bit_seqno = true,
	.get_driver_name = chain_driver_name,
	.get_timeline_name = chain_timeline_name,
	.enable_signaling = chain_enable_signaling,
	.signaled = chain_signaled,
	.release = chain_release,
	.set_deadline = chain_set_deadline,
};
EXPORT_SYMBOL(dma_fence_chain_ops);

/*
 * Making a link
 */

/* Arming @fence, or one in an older link, nests in the new link's lock. */
static unsigned int link_nesting(struct dma_fence *prev,
				 struct dma_fence *fence)
{
	unsigned int nesting = dma_fence_nesting_above(dma_fence_nesting(fence));

	/* A chain may begin with an array. */
	if (to_dma_fence_chain(prev))
		return max(nesting, dma_fence_nesting(prev));
	if (prev)
		return max(nesting,
			   dma_fence_nesting_above(dma_fence_nesting(prev)));
	return nesting;
}

/**
 * dma_fence_chain_init - add a link to a chain
 * @chain: memory from dma_fence_chain_alloc()
 * @prev: the newest link of the chain so far; or any other fence, which the
 *	chain begins with then; or NULL.  Its reference goes to the link.
 * @fence: what the link adds, no link itself.  Its reference goes to the link.
 * @seqno: the point on the timeline
 *
 * The link is on the timeline of @prev if that is a link and @seqno is later
 * than its seqno.  Otherwise it begins a timeline, that is a new context, and
 * its seqno is no earlier than that of @prev.
 *
 * Context: Any.
 */
void dma_fence_chain_init(struct dma_fence_chain *chain, struct dma_fence *prev,
			  struct dma_fence *fence, uint64_t seqno)
{
	struct dma_fence_chain *before = to_dma_fence_chain(prev);
	u64 context;

	if (before && __dma_fence_is_later(seqno, prev->seqno, prev->ops)) {
		context = prev->context;
		chain->prev_seqno = prev->seqno;
	} else {
		context = dma_fence_context_alloc(1);
		chain->prev_seqno = 0;
		if (before)
			seqno = max(prev->seqno, seqno);
	}

	/* Two links deep each would make a chain's fences recurse. */
	WARN_ON(dma_fence_is_chain(fence));

	RCU_INIT_POINTER(chain->prev, prev);
	chain->fence = fence;
	chain->nesting = link_nesting(prev, fence);
	chain->prev_taken = false;
	spin_lock_init(&chain->lock);
	lockdep_set_class_and_name(&chain->lock, &chain_lock_keys[chain->nesting],
				   "dma_fence_chain");
	dma_fence_init(&chain->base, &dma_fence_chain_ops, &chain->lock,
		       context, seqno);
}
EXPORT_SYMBOL(dma_fence_chain_init);
