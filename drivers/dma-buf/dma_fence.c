// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fences: made, signalled, waited for, let go.
 *
 * A fence has signalled from the moment %DMA_FENCE_FLAG_SIGNALED_BIT is set;
 * everybody may look at that bit at any time.  Whoever set it owns cb_list from
 * then on, takes the callbacks out and puts the timestamp in their place.  All
 * others touch cb_list under the lock, and only while the bit isn't set.
 */
#include <linux/atomic.h>
#include <linux/dma-fence.h>
#include <linux/export.h>
#include <linux/lockdep.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#define CREATE_TRACE_POINTS
#include <trace/events/dma_fence.h>

EXPORT_TRACEPOINT_SYMBOL(dma_fence_init);
EXPORT_TRACEPOINT_SYMBOL(dma_fence_emit);
EXPORT_TRACEPOINT_SYMBOL(dma_fence_enable_signal);
EXPORT_TRACEPOINT_SYMBOL(dma_fence_signaled);

/* How many fences one can wait on without allocating memory. */
#define WAITERS_ON_STACK 16

/**
 * struct fence_waiter - a task that sleeps until a fence signals
 * @cb: queued on the fence
 * @task: who; it doesn't go away before @cb is unqueued
 */
struct fence_waiter {
	struct dma_fence_cb cb;
	struct task_struct *task;
};

/* What is known without asking the driver. */
static __always_inline bool known_signalled(struct dma_fence *fence)
{
	return test_bit_acquire(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags);
}

#ifdef CONFIG_LOCKDEP
/*
 * Signalling sections hold this shared, whoever may wait for a fence takes it
 * exclusively for a moment.  So lockdep learns of locks that are held while
 * waiting and also wanted before a fence can signal.
 */
static struct lockdep_map signalling_map =
	STATIC_LOCKDEP_MAP_INIT("dma_fence_signalling", &signalling_map);

static bool in_signalling_section(void)
{
	return lock_is_held(&signalling_map);
}

/* As a trylock: the locks held so far are not what signalling waits for. */
static void enter_signalling_section(unsigned long ip)
{
	lock_acquire_shared(&signalling_map, 0, 1, NULL, ip);
}

/**
 * dma_fence_begin_signalling - enter a section that leads to a signal
 *
 * From here to dma_fence_end_signalling() the task does what a fence needs to
 * signal, so it must not take a lock, or allocate memory, that may itself wait
 * for a fence.  Sections nest.
 *
 * Context: Any; nothing is checked where the task can't sleep anyway.
 * Return: a cookie for dma_fence_end_signalling(), true if there will be
 * nothing to end.
 */
bool dma_fence_begin_signalling(void)
{
	if (!preemptible() || in_signalling_section())
		return true;

	enter_signalling_section(_RET_IP_);
	return false;
}
EXPORT_SYMBOL(dma_fence_begin_signalling);

/**
 * dma_fence_end_signalling - leave a section that leads to a signal
 * @cookie: from dma_fence_begin_signalling()
 *
 * Context: As it was at the beginning.
 */
void dma_fence_end_signalling(bool cookie)
{
	if (!cookie)
		lock_release(&signalling_map, _RET_IP_);
}
EXPORT_SYMBOL(dma_fence_end_signalling);

/**
 * __dma_fence_might_wait - tell lockdep that a fence may be waited for here
 *
 * A signalling section that the task is in is left meanwhile: there it may
 * wait for fences that others signal, but the locks it holds still count.
 *
 * Context: May sleep.
 */
void __dma_fence_might_wait(void)
{
	bool resume = in_signalling_section();

	if (resume)
		lock_release(&signalling_map, _THIS_IP_);
	lock_map_acquire(&signalling_map);
	lock_map_release(&signalling_map);
	if (resume)
		enter_signalling_section(_THIS_IP_);
}
#endif

/**
 * dma_fence_context_alloc - get numbers for new timelines
 * @num: how many, at least 1
 *
 * Context: Any.
 * Return: the first of @num consecutive numbers, none of them given out before
 * and none of them 0.
 */
u64 dma_fence_context_alloc(unsigned int num)
{
	static atomic64_t next = ATOMIC64_INIT(1);

	WARN_ON(!num);
	return atomic64_fetch_add(num, &next);
}
EXPORT_SYMBOL(dma_fence_context_alloc);

/**
 * dma_fence_init - make a fence
 * @fence: its memory
 * @ops: the driver's, with both names
 * @lock: irq-safe; may be shared with other fences, and lives as long as any
 *	of them is waited for or has callbacks added or removed
 * @context: from dma_fence_context_alloc()
 * @seqno: later than those before it in @context
 *
 * The caller has the only reference.
 *
 * Context: Any in which the names can be asked for.
 */
void dma_fence_init(struct dma_fence *fence, const struct dma_fence_ops *ops,
		    spinlock_t *lock, u64 context, u64 seqno)
{
	WARN_ON(!lock || !ops->get_driver_name || !ops->get_timeline_name);

	kref_init(&fence->refcount);
	fence->ops = ops;
	INIT_LIST_HEAD(&fence->cb_list);
	fence->lock = lock;
	fence->context = context;
	fence->seqno = seqno;
	fence->flags = 0;
	fence->error = 0;

	trace_dma_fence_init(fence);
}
EXPORT_SYMBOL(dma_fence_init);

/* The time takes the place of cb_list, which must be out of the way. */
static __always_inline void set_timestamp(struct dma_fence *fence,
					  ktime_t timestamp)
{
	fence->timestamp = timestamp;
	/* Pairs with the acquire of whoever reads the time. */
	smp_mb__before_atomic();
	set_bit(DMA_FENCE_FLAG_TIMESTAMP_BIT, &fence->flags);
	trace_dma_fence_signaled(fence);
}

/*
 * A callback may unqueue others that wait for their turn, so each comes from
 * the head of what is left.
 */
static noinline void signal_all_callbacks(struct dma_fence *fence,
					  ktime_t timestamp)
{
	struct list_head queue;
	struct dma_fence_cb *cb;

	list_replace(&fence->cb_list, &queue);
	set_timestamp(fence, timestamp);

	while (!list_empty(&queue)) {
		cb = list_first_entry(&queue, struct dma_fence_cb, node);
		list_del_init(&cb->node);
		cb->func(fence, cb);
	}
}

/* Hardly ever is there more than one callback, and one needs no queue. */
static noinline void signal_callbacks(struct dma_fence *fence,
				      ktime_t timestamp)
{
	struct dma_fence_cb *cb = list_first_entry(&fence->cb_list,
						   struct dma_fence_cb, node);

	if (unlikely(!list_is_last(&cb->node, &fence->cb_list))) {
		signal_all_callbacks(fence, timestamp);
		return;
	}
	INIT_LIST_HEAD(&cb->node);
	set_timestamp(fence, timestamp);
	cb->func(fence, cb);
}

/* Under the lock.  False if it was signalled before. */
static __always_inline bool signal_once(struct dma_fence *fence,
					ktime_t timestamp)
{
	lockdep_assert_held(fence->lock);
	if (unlikely(test_and_set_bit(DMA_FENCE_FLAG_SIGNALED_BIT,
				      &fence->flags)))
		return false;

	if (list_empty(&fence->cb_list))
		set_timestamp(fence, timestamp);
	else
		signal_callbacks(fence, timestamp);
	return true;
}

static __always_inline int lock_and_signal(struct dma_fence *fence,
					   ktime_t timestamp)
{
	unsigned long irq;
	bool cookie, first;

	cookie = dma_fence_begin_signalling();
	spin_lock_irqsave(fence->lock, irq);
	first = signal_once(fence, timestamp);
	spin_unlock_irqrestore(fence->lock, irq);
	dma_fence_end_signalling(cookie);
	return first ? 0 : -EINVAL;
}

/**
 * dma_fence_signal_timestamp_locked - signal a fence whose lock is held
 * @fence: which
 * @timestamp: when its work ended, on CLOCK_MONOTONIC
 *
 * Context: dma_fence.lock is held, interrupts are off.
 * Return: 0, or -EINVAL when @fence is NULL or has signalled already.
 */
int dma_fence_signal_timestamp_locked(struct dma_fence *fence,
				      ktime_t timestamp)
{
	if (unlikely(!fence || !signal_once(fence, timestamp)))
		return -EINVAL;
	return 0;
}
EXPORT_SYMBOL(dma_fence_signal_timestamp_locked);

/**
 * dma_fence_signal_locked - signal a fence whose lock is held, as of now
 * @fence: which
 *
 * Context: dma_fence.lock is held, interrupts are off.
 * Return: 0, or -EINVAL when @fence is NULL or has signalled already.
 */
int dma_fence_signal_locked(struct dma_fence *fence)
{
	if (unlikely(!fence || known_signalled(fence)))
		return -EINVAL;

	return dma_fence_signal_timestamp_locked(fence, ktime_get());
}
EXPORT_SYMBOL(dma_fence_signal_locked);

/**
 * dma_fence_signal_timestamp - signal a fence
 * @fence: which
 * @timestamp: when its work ended, on CLOCK_MONOTONIC
 *
 * Context: Any, without dma_fence.lock.
 * Return: 0, or -EINVAL when @fence is NULL or has signalled already.
 */
int dma_fence_signal_timestamp(struct dma_fence *fence, ktime_t timestamp)
{
	if (unlikely(!fence || known_signalled(fence)))
		return -EINVAL;

	return lock_and_signal(fence, timestamp);
}
EXPORT_SYMBOL(dma_fence_signal_timestamp);

/**
 * dma_fence_signal - signal a fence, as of now
 * @fence: which
 *
 * Those who wait go on, callbacks are called before this returns.
 *
 * Context: Any, without dma_fence.lock.
 * Return: 0, or -EINVAL when @fence is NULL or has signalled already.
 */
int dma_fence_signal(struct dma_fence *fence)
{
	if (unlikely(!fence || known_signalled(fence)))
		return -EINVAL;

	return lock_and_signal(fence, ktime_get());
}
EXPORT_SYMBOL(dma_fence_signal);

/*
 * Whoever put the last reference, nobody can signal it any more.  What waits
 * with no reference of its own is a bug, but it shall not wait for ever.
 */
static noinline void signal_abandoned(struct dma_fence *fence)
{
	unsigned long irq;

	WARN(1, "%s fence %s:%llu lost its last reference before it signalled, with callbacks queued\n",
	     fence->ops->get_driver_name(fence),
	     fence->ops->get_timeline_name(fence), fence->seqno);

	spin_lock_irqsave(fence->lock, irq);
	fence->error = -EDEADLK;
	dma_fence_signal_locked(fence);
	spin_unlock_irqrestore(fence->lock, irq);
}

/**
 * dma_fence_release - let a fence go
 * @kref: its dma_fence.refcount, just become 0; for dma_fence_put() alone
 *
 * Context: Any that dma_fence_ops.release can be called in.
 */
void dma_fence_release(struct kref *kref)
{
	struct dma_fence *fence = container_of(kref, struct dma_fence, refcount);

	if (unlikely(!known_signalled(fence) && !list_empty(&fence->cb_list)))
		signal_abandoned(fence);
	trace_dma_fence_destroy(fence);

	if (fence->ops->release)
		fence->ops->release(fence);
	else
		dma_fence_free(fence);
}
EXPORT_SYMBOL(dma_fence_release);

/**
 * dma_fence_free - free a fence's memory after an RCU grace period
 * @fence: the first member of what kmalloc() or a slab cache gave; without a
 *	reference left
 *
 * Context: Any.
 */
void dma_fence_free(struct dma_fence *fence)
{
	kfree_rcu(fence, rcu);
}
EXPORT_SYMBOL(dma_fence_free);

/* The op may signal the fence by itself, whatever it returns. */
static noinline bool ask_driver_to_signal(struct dma_fence *fence)
{
	trace_dma_fence_enable_signal(fence);
	if (!fence->ops->enable_signaling(fence))
		dma_fence_signal_locked(fence);

	return !known_signalled(fence);
}

/* False if it has signalled, so that there is nothing to enable. */
static __always_inline bool enable_signalling(struct dma_fence *fence)
{
	lockdep_assert_held(fence->lock);

	if (known_signalled(fence))
		return false;
	if (test_and_set_bit(DMA_FENCE_FLAG_ENABLE_SIGNAL_BIT, &fence->flags) ||
	    !fence->ops->enable_signaling)
		return true;
	return ask_driver_to_signal(fence);
}

static bool lock_and_enable(struct dma_fence *fence)
{
	unsigned long irq;
	bool pending;

	spin_lock_irqsave(fence->lock, irq);
	pending = enable_signalling(fence);
	spin_unlock_irqrestore(fence->lock, irq);
	return pending;
}

/**
 * dma_fence_enable_sw_signaling - have a fence signal without being asked
 * @fence: which
 *
 * Context: Any, without dma_fence.lock.
 */
void dma_fence_enable_sw_signaling(struct dma_fence *fence)
{
	if (!known_signalled(fence))
		lock_and_enable(fence);
}
EXPORT_SYMBOL(dma_fence_enable_sw_signaling);

/* False if it has signalled, so that nobody would call @cb. */
static __always_inline bool queue_callback(struct dma_fence *fence,
					   struct dma_fence_cb *cb)
{
	unsigned long irq;
	bool pending;

	spin_lock_irqsave(fence->lock, irq);
	pending = enable_signalling(fence);
	if (pending)
		list_add_tail(&cb->node, &fence->cb_list);
	spin_unlock_irqrestore(fence->lock, irq);
	return pending;
}

/**
 * dma_fence_add_callback - ask to be told when a fence signals
 * @fence: which; the caller keeps a reference until @func was called or
 *	dma_fence_remove_callback() has returned
 * @cb: memory for the request, in use until then
 * @func: what to call
 *
 * Enables signalling.
 *
 * Context: Any, without dma_fence.lock.
 * Return: 0; -ENOENT when @fence has signalled: @func will not be called, and
 * @cb isn't queued; -EINVAL, and a warning, when an argument is NULL.
 */
int dma_fence_add_callback(struct dma_fence *fence, struct dma_fence_cb *cb,
			   dma_fence_func_t func)
{
	if (WARN_ON(!fence) || WARN_ON(!cb) || WARN_ON(!func))
		return -EINVAL;

	cb->func = func;
	if (!known_signalled(fence) && queue_callback(fence, cb))
		return 0;

	INIT_LIST_HEAD(&cb->node);
	return -ENOENT;
}
EXPORT_SYMBOL(dma_fence_add_callback);

/**
 * dma_fence_remove_callback - ask no longer to be told
 * @fence: which
 * @cb: given to dma_fence_add_callback() before
 *
 * Either way the callback isn't running when this returns, and @cb is free.
 *
 * Context: Any, without dma_fence.lock; so not from a callback of @fence.
 * Return: true if the callback was still to come and won't, false if it was
 * called or never queued.
 */
bool dma_fence_remove_callback(struct dma_fence *fence,
			       struct dma_fence_cb *cb)
{
	unsigned long irq;
	bool queued;

	spin_lock_irqsave(fence->lock, irq);
	queued = !list_empty(&cb->node);
	if (queued)
		list_del_init(&cb->node);
	spin_unlock_irqrestore(fence->lock, irq);
	return queued;
}
EXPORT_SYMBOL(dma_fence_remove_callback);

static void wake_waiter(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	wake_up_process(container_of(cb, struct fence_waiter, cb)->task);
}

/* Is there one that has signalled, and if so, at which @idx? */
static bool find_signalled(struct dma_fence **fences, u32 count, u32 *idx)
{
	u32 i;

	for (i = 0; i < count; i++) {
		if (!dma_fence_is_signaled(fences[i]))
			continue;
		if (idx)
			*idx = i;
		return true;
	}
	return false;
}

/*
 * Sleeps until one of the fences, on which the task has queued waiters, has
 * signalled.  Returns as dma_fence_wait_any_timeout() does.
 */
static long sleep_on_fences(struct dma_fence **fences, u32 count, bool intr,
			    long timeout, u32 *idx)
{
	unsigned int state = intr ? TASK_INTERRUPTIBLE : TASK_UNINTERRUPTIBLE;

	for (;;) {
		/* First the state, so that no wake-up after the look is lost. */
		set_current_state(state);
		if (find_signalled(fences, count, idx)) {
			timeout = timeout ?: 1;
			break;
		}
		if (!timeout)
			break;
		if (signal_pending_state(state, current)) {
			timeout = -ERESTARTSYS;
			break;
		}
		timeout = schedule_timeout(timeout);
	}
	__set_current_state(TASK_RUNNING);
	return timeout;
}

/*
 * A fence may be on the stack of whoever waits for it, and be gone when the wait
 * is over.  So a wait doesn't end before the signaller has let go of the lock,
 * which is the last thing that he does with the fence.  The driver is asked before,
 * so that as little as possible happens under the lock.
 */
static bool has_settled(struct dma_fence *fence)
{
	unsigned long irq;

	if (!dma_fence_is_signaled(fence))
		return false;

	spin_lock_irqsave(fence->lock, irq);
	spin_unlock_irqrestore(fence->lock, irq);
	return true;
}

/**
 * dma_fence_default_wait - sleep until a fence signals, or for some time
 * @fence: which; the caller has a reference
 * @intr: whether a signal to the task ends the sleep
 * @timeout: in jiffies, MAX_SCHEDULE_TIMEOUT for ever, 0 to have a look only
 *
 * For dma_fence_ops.wait; others call dma_fence_wait_timeout().
 *
 * Whoever signals @fence is done with it when this returns what is left.
 *
 * Context: Process context, may sleep.
 * Return: what is left of @timeout, at least 1, once @fence has signalled; 0
 * when the time was up before; -ERESTARTSYS when a signal came.
 */
signed long dma_fence_default_wait(struct dma_fence *fence, bool intr,
				   signed long timeout)
{
	struct fence_waiter waiter = {
		.cb.func = wake_waiter,
		.task = current,
	};

	if (!timeout)
		return has_settled(fence);
	if (!queue_callback(fence, &waiter.cb))
		return timeout;

	timeout = sleep_on_fences(&fence, 1, intr, timeout, NULL);
	dma_fence_remove_callback(fence, &waiter.cb);
	return timeout;
}
EXPORT_SYMBOL(dma_fence_default_wait);

static long wait_unless_signalled(struct dma_fence *fence, bool intr,
				  long timeout)
{
	if (!lock_and_enable(fence))
		return timeout ?: 1;
	if (fence->ops->wait)
		return fence->ops->wait(fence, intr, timeout);
	return dma_fence_default_wait(fence, intr, timeout);
}

/**
 * dma_fence_wait_timeout - sleep until a fence signals, or for some time
 * @fence: which; the caller has a reference
 * @intr: whether a signal to the task ends the sleep
 * @timeout: in jiffies, MAX_SCHEDULE_TIMEOUT for ever, 0 to have a look only
 *
 * Whoever signals @fence is done with it when this returns what is left, so that
 * it may be on the caller's stack.
 *
 * Context: Process context, may sleep.  Holds no lock that is wanted before
 * @fence can signal.
 * Return: what is left of @timeout, at least 1, once @fence has signalled; 0
 * when the time was up before; -ERESTARTSYS when a signal came; -EINVAL, and a
 * warning, when @timeout is negative.  A driver's own wait may return other
 * errors.
 */
signed long dma_fence_wait_timeout(struct dma_fence *fence, bool intr,
				   signed long timeout)
{
	long left;

	if (WARN_ON(timeout < 0))
		return -EINVAL;

	might_sleep();
	__dma_fence_might_wait();

	trace_dma_fence_wait_start(fence);
	left = wait_unless_signalled(fence, intr, timeout);
	trace_dma_fence_wait_end(fence);
	return left;
}
EXPORT_SYMBOL(dma_fence_wait_timeout);

/* With one waiter a fence; stops queueing where it isn't worth while. */
static long wait_any_with(struct fence_waiter *waiters,
			  struct dma_fence **fences, u32 count, bool intr,
			  long timeout, u32 *idx)
{
	u32 queued;

	for (queued = 0; queued < count; queued++) {
		struct fence_waiter *waiter = &waiters[queued];

		waiter->task = current;
		if (dma_fence_add_callback(fences[queued], &waiter->cb,
					   wake_waiter))
			break;
	}

	timeout = sleep_on_fences(fences, count, intr, timeout, idx);
	while (queued--)
		dma_fence_remove_callback(fences[queued], &waiters[queued].cb);
	return timeout;
}

static noinline long wait_any_few(struct dma_fence **fences, u32 count,
				  bool intr, long timeout, u32 *idx)
{
	struct fence_waiter waiters[WAITERS_ON_STACK];

	return wait_any_with(waiters, fences, count, intr, timeout, idx);
}

static noinline long wait_any_many(struct dma_fence **fences, u32 count,
				   bool intr, long timeout, u32 *idx)
{
	struct fence_waiter *waiters;

	waiters = kvcalloc(count, sizeof(*waiters), GFP_KERNEL);
	if (!waiters)
		return -ENOMEM;

	timeout = wait_any_with(waiters, fences, count, intr, timeout, idx);
	kvfree(waiters);
	return timeout;
}

/**
 * dma_fence_wait_any_timeout - sleep until one of many fences signals
 * @fences: the caller has a reference on each
 * @count: how many, at least 1
 * @intr: whether a signal to the task ends the sleep
 * @timeout: in jiffies, MAX_SCHEDULE_TIMEOUT for ever, 0 to have a look only
 * @idx: set to the place of one that has signalled, if any; may be NULL
 *
 * The drivers' own waits are not used.
 *
 * Context: Process context, may sleep unless @timeout is 0.  Holds no lock
 * that is wanted before @fences can signal.
 * Return: what is left of @timeout, at least 1, once one has signalled; 0 when
 * the time was up before; -ERESTARTSYS when a signal came; -ENOMEM; -EINVAL,
 * and a warning, when there are no fences or @timeout is negative.
 */
signed long dma_fence_wait_any_timeout(struct dma_fence **fences,
				       u32 count, bool intr,
				       signed long timeout, u32 *idx)
{
	if (WARN_ON(!fences || !count || timeout < 0))
		return -EINVAL;

	if (find_signalled(fences, count, idx))
		return timeout ?: 1;
	if (!timeout)
		return 0;

	might_sleep();
	__dma_fence_might_wait();
	if (count <= WAITERS_ON_STACK)
		return wait_any_few(fences, count, intr, timeout, idx);
	return wait_any_many(fences, count, intr, timeout, idx);
}
EXPORT_SYMBOL(dma_fence_wait_any_timeout);

/**
 * dma_fence_get_status - how did it go?
 * @fence: which
 *
 * Context: Any, without dma_fence.lock.
 * Return: 0 until it has signalled, then 1 or, if the work failed, the
 * negative errno that was set with dma_fence_set_error().
 */
int dma_fence_get_status(struct dma_fence *fence)
{
	if (!dma_fence_is_signaled(fence))
		return 0;
	return fence->error ?: 1;
}
EXPORT_SYMBOL(dma_fence_get_status);

/**
 * dma_fence_set_deadline - say when a fence had better signal
 * @fence: which
 * @deadline: on CLOCK_MONOTONIC
 *
 * A hint: a driver may raise a clock, or do nothing.
 *
 * Context: Any, without dma_fence.lock.
 */
void dma_fence_set_deadline(struct dma_fence *fence, ktime_t deadline)
{
	if (fence->ops->set_deadline && !dma_fence_is_signaled(fence))
		fence->ops->set_deadline(fence, deadline);
}
EXPORT_SYMBOL(dma_fence_set_deadline);

/**
 * dma_fence_describe - print a fence for people
 * @fence: which
 * @seq: where to
 *
 * Context: Any that allows printing to @seq, without dma_fence.lock.
 */
void dma_fence_describe(struct dma_fence *fence, struct seq_file *seq)
{
	const char *driver = fence->ops->get_driver_name(fence);
	const char *timeline = fence->ops->get_timeline_name(fence);

	seq_printf(seq, "%s %s seq %llu %ssignalled\n", driver, timeline,
		   fence->seqno, dma_fence_is_signaled(fence) ? "" : "un");
}
EXPORT_SYMBOL(dma_fence_describe);

static const char *stub_name(struct dma_fence *fence)
{
	return "stub";
}

static const struct dma_fence_ops stub_ops = {
	.get_driver_name = stub_name,
	.get_timeline_name = stub_name,
};

static DEFINE_SPINLOCK(stub_lock);

/* Signalled when the clock began, so there is nothing to set up. */
static struct dma_fence stub = {
	.lock = &stub_lock,
	.ops = &stub_ops,
	.timestamp = 0,
	.flags = BIT(DMA_FENCE_FLAG_SIGNALED_BIT) |
		 BIT(DMA_FENCE_FLAG_TIMESTAMP_BIT) |
		 BIT(DMA_FENCE_FLAG_ENABLE_SIGNAL_BIT),
	.refcount = KREF_INIT(1),
};

/**
 * dma_fence_get_stub - get a fence that has always been signalled
 *
 * Context: Any.
 * Return: the one that all share, with a reference.
 */
struct dma_fence *dma_fence_get_stub(void)
{
	return dma_fence_get(&stub);
}
EXPORT_SYMBOL(dma_fence_get_stub);

/**
 * dma_fence_allocate_private_stub - make a fence that has signalled already
 * @timestamp: when, on CLOCK_MONOTONIC
 *
 * Context: Process context, may sleep.
 * Return: the fence, NULL without memory.
 */
struct dma_fence *dma_fence_allocate_private_stub(ktime_t timestamp)
{
	struct dma_fence *fence = kmalloc(sizeof(*fence), GFP_KERNEL);

	if (!fence)
		return NULL;

	dma_fence_init(fence, &stub_ops, &stub_lock, 0, 0);
	__set_bit(DMA_FENCE_FLAG_ENABLE_SIGNAL_BIT, &fence->flags);
	dma_fence_signal_timestamp(fence, timestamp);
	return fence;
}
EXPORT_SYMBOL(dma_fence_allocate_private_stub);
