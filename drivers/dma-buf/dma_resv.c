// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reservation objects: the object, and all that changes its list of fences.
 *
 * A list has a fixed number of slots.  Fences of the same context supersede
 * each other in place, so a list grows with the contexts that use a buffer and
 * not with what they submit.  Finding a context reads the slots' own copies of
 * it; a list that would take too long to read has a hash of them.  When no slot
 * is left, signalled fences make room, and only if that isn't much is a larger
 * list made.
 */
#include <linux/export.h>
#include <linux/hash.h>
#include <linux/init.h>
#include <linux/minmax.h>
#include <linux/mm_types.h>
#include <linux/mmap_lock.h>
#include <linux/mmu_notifier.h>
#include <linux/overflow.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "dma_resv_private.h"

/* Slots of the first list: it fills a kmalloc object of 96 bytes. */
#define FEWEST_SLOTS 4

/* In bytes: lists up to here, of 30 slots, are searched from end to end. */
#define LARGEST_WITHOUT_HASH 512

/* A list with a hash has this many bytes for each bucket, itself included. */
#define BYTES_PER_BUCKET 16

#define FEWEST_HASH_BITS 6
#define MOST_HASH_BITS 26

/**
 * DOC: reservation_ww_class
 *
 * The class of the locks of all reservation objects, for ww_acquire_init() of a
 * context under which several are locked.
 */
DEFINE_WD_CLASS(reservation_ww_class);
EXPORT_SYMBOL(reservation_ww_class);

/* Not every architecture aligns structures so that slots have idle bits. */
struct dma_fence dma_resv_vacant_fence
	__aligned(SLOT_USAGE_MASK + 1) __ro_after_init = {
	.flags = BIT(DMA_FENCE_FLAG_SIGNALED_BIT),
};

/*
 * The hash: open addressing, linear probing.  Only writers use it.
 */

static u32 *hash_buckets(struct dma_resv_list *list)
{
	return (u32 *)&list->entries[list->max];
}

static u32 hash_mask(struct dma_resv_list *list)
{
	return BIT(list->hash_bits) - 1;
}

static u32 hash_home(struct dma_resv_list *list, u64 context)
{
	return hash_64(context, list->hash_bits);
}

/* At most three in four buckets are taken, so there always is a free one. */
static void hash_insert(struct dma_resv_list *list, u32 index)
{
	u32 bucket = hash_home(list, list->entries[index].context);
	u32 *buckets = hash_buckets(list);

	while (buckets[bucket])
		bucket = (bucket + 1) & hash_mask(list);
	buckets[bucket] = index + 1;
}

/* For a list that was filled without a thought of its hash. */
static void hash_fill(struct dma_resv_list *list)
{
	u32 *buckets = hash_buckets(list), mask = hash_mask(list), i;

	if (!list->hash_bits)
		return;
	for (i = 0; i < list->num; i++) {
		u32 bucket = hash_home(list, list->entries[i].context);

		while (buckets[bucket])
			bucket = (bucket + 1) & mask;
		buckets[bucket] = i + 1;
	}
}

/* Empties @hole, and moves up those who would not be found past it. */
static void hash_remove(struct dma_resv_list *list, u32 hole)
{
	u32 *buckets = hash_buckets(list), mask = hash_mask(list), bucket = hole;

	for (;;) {
		u32 home;

		bucket = (bucket + 1) & mask;
		if (!buckets[bucket])
			break;
		home = hash_home(list, list->entries[buckets[bucket] - 1].context);
		if (((bucket - home) & mask) < ((bucket - hole) & mask))
			continue;
		buckets[hole] = buckets[bucket];
		hole = bucket;
	}
	buckets[hole] = 0;
}

static void hash_forget(struct dma_resv_list *list, u32 index)
{
	u32 bucket = hash_home(list, list->entries[index].context);
	u32 *buckets = hash_buckets(list);

	while (buckets[bucket] != index + 1)
		bucket = (bucket + 1) & hash_mask(list);
	hash_remove(list, bucket);
}

/*
 * The next entry of @context, and *@bucket goes past it.  A walk begins with the
 * context's home; NULL ends it.
 */
static struct dma_resv_entry *hash_next(struct dma_resv_list *list, u64 context,
					u32 *bucket)
{
	u32 index;

	while ((index = hash_buckets(list)[*bucket])) {
		struct dma_resv_entry *entry = &list->entries[index - 1];

		*bucket = (*bucket + 1) & hash_mask(list);
		if (entry->context == context)
			return entry;
	}
	return NULL;
}

/*
 * The list
 */

/* How a list for @count fences is laid out; its size, 0 when out of reach. */
static size_t list_layout(u64 count, struct dma_resv_list *layout)
{
	size_t head = sizeof(*layout), entry = sizeof(layout->entries[0]), size;
	u32 bits;

	layout->hash_bits = 0;
	if (count <= (LARGEST_WITHOUT_HASH - head) / entry) {
		size = kmalloc_size_roundup(count * entry + head);
		layout->max = (size - head) / entry;
		return size;
	}

	for (bits = FEWEST_HASH_BITS; bits <= MOST_HASH_BITS; bits++) {
		size = (size_t)BYTES_PER_BUCKET << bits;
		layout->hash_bits = bits;
		layout->max = min((size - head - (sizeof(u32) << bits)) / entry,
				  BIT(bits) / 4 * 3);
		if (layout->max >= count)
			return size;
	}
	return 0;
}

static __always_inline struct dma_resv_list *
list_init(struct dma_resv_list *list, u32 max, u32 hash_bits)
{
	memset(list, 0, sizeof(*list));
	list->max = max;
	list->vacant = NO_SLOT;
	list->hash_bits = hash_bits;
	return list;
}

/* An empty list for at least @count fences, or NULL without memory for it. */
static noinline struct dma_resv_list *list_alloc_many(u64 count)
{
	struct dma_resv_list layout, *list;
	size_t size;

	size = list_layout(count, &layout);
	if (!size)
		return NULL;
	list = layout.hash_bits ? kvmalloc(size, GFP_KERNEL) :
				  kmalloc(size, GFP_KERNEL);
	if (!list)
		return NULL;

	list_init(list, layout.max, layout.hash_bits);
	if (list->hash_bits)
		memset(hash_buckets(list), 0, sizeof(u32) << list->hash_bits);
	return list;
}

/* Most lists are small ones, whose size the compiler knows. */
static struct dma_resv_list *list_alloc(u64 count)
{
	struct dma_resv_list *list;

	if (count > FEWEST_SLOTS)
		return list_alloc_many(count);
	list = kmalloc(struct_size_t(struct dma_resv_list, entries,
				     FEWEST_SLOTS), GFP_KERNEL);
	return list ? list_init(list, FEWEST_SLOTS, 0) : NULL;
}

static u32 list_room(struct dma_resv_list *list)
{
	return list->max - list->used;
}

/* Gives the vacant slot at @index a fence, whose reference it takes over. */
static void list_fill(struct dma_resv_list *list, u32 index, u64 context,
		      unsigned long slot)
{
	struct dma_resv_entry *entry = &list->entries[index];

	entry->context = context;
	if (list->hash_bits)
		hash_insert(list, index);
	/* The fence was initialised before it can be found here. */
	smp_store_release(&entry->slot, slot);
	list->used++;
}

/* The same for the first slot that never had one. */
static void list_append(struct dma_resv_list *list, u64 context,
			unsigned long slot)
{
	list_fill(list, list->num, context, slot);
	/* Whoever sees the slot counted sees what is in it. */
	smp_store_release(&list->num, list->num + 1);
}

/*
 * Puts something else into a slot.  It is the caller who then drops the fence
 * that this returns, and who sees to the new one's reference.
 */
static __always_inline struct dma_fence *
list_exchange(struct dma_resv_list *list, struct dma_resv_entry *entry,
	      unsigned long slot)
{
	struct dma_fence *old = slot_fence(entry->slot);

	/* The fence was initialised before it can be found here. */
	smp_store_release(&entry->slot, slot);
	/* Whoever sees the new @seq doesn't find @old any more. */
	smp_store_release(&list->seq, list->seq + 1);
	return old;
}

static void list_vacate(struct dma_resv_list *list, u32 index)
{
	if (list->hash_bits)
		hash_forget(list, index);
	dma_fence_put(list_exchange(list, &list->entries[index], SLOT_VACANT));
	list->used--;
}

/* Drops what has signalled; the vacant slots are counted and chained anew. */
static void list_sweep(struct dma_resv_list *list)
{
	struct dma_resv_entry *entry;
	u32 i = list->num, num = 0;

	list->vacant = NO_SLOT;
	while (i--) {
		entry = &list->entries[i];
		if (!slot_is_vacant(entry->slot)) {
			if (!dma_fence_is_signaled(slot_fence(entry->slot))) {
				num = num ?: i + 1;
				continue;
			}
			list_vacate(list, i);
		}
		if (num) {
			entry->context = list->vacant;
			list->vacant = i;
		}
	}
	/* A reader of this number has a claim to what is in the slots, too. */
	smp_store_release(&list->num, num);
}

/* The fences and their references move to a new list, not published yet. */
static void list_move_all(struct dma_resv_list *to, struct dma_resv_list *from)
{
	u32 i, num = 0;

	for (i = 0; i < from->num; i++) {
		if (!slot_is_vacant(from->entries[i].slot))
			to->entries[num++] = from->entries[i];
	}
	to->num = num;
	to->used = num;
	hash_fill(to);
}

/* Gives an object another list, and returns the one it had. */
static struct dma_resv_list *install_list(struct dma_resv *obj,
					  struct dma_resv_list *list)
{
	struct dma_resv_list *old = dma_resv_locked_list(obj);

	if (old)
		list->generation = old->generation + 1;
	rcu_assign_pointer(obj->fences, list);
	return old;
}

/*
 * The end of a list that is in no object any more.  Readers who still look at it
 * must not take for their fence what is made in its memory one day.  It is freed
 * once there is none of them.
 */

/* When the fences have moved to another list. */
static void list_abandon(struct dma_resv_list *list)
{
	struct dma_resv_entry *entry, *end = list->entries + list->num;

	/* Whoever finds a slot vacant sees that the list is the object's no more. */
	smp_wmb();
	for (entry = list->entries; entry < end; entry++)
		WRITE_ONCE(entry->slot, SLOT_VACANT);
	kvfree_rcu(list, rcu);
}

/* With its fences, whose references are dropped. */
static void list_release(struct dma_resv_list *list)
{
	struct dma_resv_entry *entry, *end = list->entries + list->num;

	/* As above. */
	smp_wmb();
	for (entry = list->entries; entry < end; entry++) {
		struct dma_fence *fence = slot_fence(entry->slot);

		if (slot_is_vacant(entry->slot))
			continue;
		WRITE_ONCE(entry->slot, SLOT_VACANT);
		if (!fence_put_quickly(fence))
			dma_fence_put(fence);
	}
	kvfree_rcu(list, rcu);
}

/*
 * The object
 */

/**
 * dma_resv_init - set up a reservation object
 * @obj: its memory
 *
 * Context: Any.
 */
void dma_resv_init(struct dma_resv *obj)
{
	ww_mutex_init(&obj->lock, &reservation_ww_class);
	RCU_INIT_POINTER(obj->fences, NULL);
}
EXPORT_SYMBOL(dma_resv_init);

/**
 * dma_resv_fini - let go of all fences of a reservation object
 * @obj: the caller is the last to use it
 *
 * Context: Any that the release of a fence may be called from.
 */
void dma_resv_fini(struct dma_resv *obj)
{
	struct dma_resv_list *list;

	/* Nobody else is left who could change it. */
	list = rcu_dereference_protected(obj->fences, true);
	if (list) {
		/* A belated RCU reader must see that the list is gone. */
		RCU_INIT_POINTER(obj->fences, NULL);
		list_release(list);
	}
	ww_mutex_destroy(&obj->lock);
}
EXPORT_SYMBOL(dma_resv_fini);

#ifdef CONFIG_DEBUG_MUTEXES
/**
 * dma_resv_reset_max_fences - forget the slots that were reserved
 * @obj: about to be unlocked
 *
 * There may well be room for a fence by chance. Who adds one the next time
 * without having reserved a slot is told so all the same.
 *
 * Context: The reservation lock.
 */
void dma_resv_reset_max_fences(struct dma_resv *obj)
{
	struct dma_resv_list *list = dma_resv_locked_list(obj);

	dma_resv_assert_held(obj);
	if (list)
		list->may_add = false;
}
EXPORT_SYMBOL(dma_resv_reset_max_fences);

static void slots_were_reserved(struct dma_resv_list *list)
{
	list->may_add = true;
}

static void slot_is_used(struct dma_resv_list *list)
{
	WARN_ONCE(!list->may_add, "dma-resv: fence without a reserved slot\n");
}
#else
static void slots_were_reserved(struct dma_resv_list *list) {}
static void slot_is_used(struct dma_resv_list *list) {}
#endif

/* The first slots of an object. */
static noinline int reserve_first(struct dma_resv *obj, unsigned int num_fences)
{
	struct dma_resv_list *list;

	if (WARN_ON(!num_fences))
		return -EINVAL;
	list = list_alloc(num_fences);
	if (!list)
		return -ENOMEM;
	slots_were_reserved(list);
	rcu_assign_pointer(obj->fences, list);
	return 0;
}

/* There aren't @num_fences free slots, or @num_fences is 0. */
static noinline int reserve_more(struct dma_resv *obj, unsigned int num_fences)
{
	struct dma_resv_list *list = dma_resv_locked_list(obj), *larger;

	if (WARN_ON(!num_fences))
		return -EINVAL;

	list_sweep(list);
	/* If it wasn't worth the while, the next one would come soon. */
	if (list_room(list) >= max(num_fences, list->max / 4))
		goto reserved;

	larger = list_alloc(max((u64)num_fences + list->used,
				(u64)list->max * 2));
	if (larger) {
		list_move_all(larger, list);
		install_list(obj, larger);
		list_abandon(list);
		list = larger;
	} else if (list_room(list) < num_fences) {
		return -ENOMEM;
	}
reserved:
	slots_were_reserved(list);
	return 0;
}

/**
 * dma_resv_reserve_fences - make sure that fences can be added
 * @obj: the reservation object
 * @num_fences: how many, at least one
 *
 * Until the object is unlocked dma_resv_add_fence() has a slot for so many
 * fences, and cannot fail.  Reserving again doesn't add to what is left from
 * before.
 *
 * Context: Process context, may sleep; the reservation lock.
 *
 * Return: 0, -EINVAL when @num_fences is 0, or -ENOMEM, and then the object has
 * lost no fence that is still to be waited for.
 */
int dma_resv_reserve_fences(struct dma_resv *obj, unsigned int num_fences)
{
	struct dma_resv_list *list = dma_resv_locked_list(obj);

	dma_resv_assert_held(obj);

	if (!list)
		return reserve_first(obj, num_fences);
	/* 0 becomes the largest number there is. */
	if (num_fences - 1 >= list_room(list))
		return reserve_more(obj, num_fences);
	slots_were_reserved(list);
	return 0;
}
EXPORT_SYMBOL(dma_resv_reserve_fences);

/*
 * The caller may sleep, for it holds a ww_mutex.  So if its mistake leaves no
 * place for the fence, nobody will have to wait for it any more.
 */
static noinline void add_without_slot(struct dma_fence *fence)
{
	WARN_ONCE(1, "dma-resv: no slot was reserved for a fence\n");
	dma_fence_wait(fence, false);
}

/* Whether who waits for the new fence needs the one in @slot no more. */
static bool slot_superseded(unsigned long slot, struct dma_fence *fence,
			    enum dma_resv_usage usage)
{
	return !slot_is_vacant(slot) && slot_usage(slot) >= usage &&
	       dma_fence_is_later_or_same(fence, slot_fence(slot));
}

static noinline void exchange_references_slowly(struct dma_fence *fence,
						struct dma_fence *old)
{
	/* not tested: only if another CPU changes the count between two instructions */
	dma_fence_get(fence);
	dma_fence_put(old);
}

/* The last reference, mostly. */
static noinline void put_reference_slowly(struct dma_fence *fence)
{
	dma_fence_put(fence);
}

/*
 * Gives an entry to @fence.  The references come last, so that this needs no
 * stack frame; until the entry has its own, the caller's keeps @fence alive.
 */
static __always_inline void entry_replace(struct dma_resv_list *list,
					  struct dma_resv_entry *entry,
					  struct dma_fence *fence,
					  enum dma_resv_usage usage)
{
	struct dma_fence *old;

	entry->context = fence->context;
	old = list_exchange(list, entry, make_slot(fence, usage));
	if (!fence_get_quickly(fence))
		/* not tested: only if another CPU changes the count meanwhile */
		exchange_references_slowly(fence, old);
	else if (!fence_put_quickly(old))
		put_reference_slowly(old);
}

/* The entry whose place @fence is to take, or NULL if it needs one of its own. */
static struct dma_resv_entry *
find_superseded_hashed(struct dma_resv_list *list, struct dma_fence *fence,
		       enum dma_resv_usage usage)
{
	u32 bucket = hash_home(list, fence->context);
	struct dma_resv_entry *entry;

	while ((entry = hash_next(list, fence->context, &bucket))) {
		if (slot_superseded(entry->slot, fence, usage))
			break;
	}
	return entry;
}

static __always_inline struct dma_resv_entry *
find_superseded(struct dma_resv_list *list, struct dma_fence *fence,
		enum dma_resv_usage usage)
{
	struct dma_resv_entry *entry, *end = list->entries + list->num;

	for (entry = list->entries; entry < end; entry++) {
		if (entry->context == fence->context &&
		    slot_superseded(entry->slot, fence, usage))
			return entry;
	}
	return NULL;
}

/* Adds a fence in the place of @entry, or where there is one if that is NULL. */
static __always_inline void list_add_fence(struct dma_resv_list *list,
					   struct dma_resv_entry *entry,
					   struct dma_fence *fence,
					   enum dma_resv_usage usage)
{
	u32 index = list->vacant;

	if (entry) {
		entry_replace(list, entry, fence, usage);
		return;
	}

	slot_is_used(list);
	if (unlikely(!list_room(list))) {
		add_without_slot(fence);
		return;
	}
	if (index == NO_SLOT) {
		list_append(list, fence->context, make_slot(fence, usage));
	} else {
		list->vacant = list->entries[index].context;
		list_fill(list, index, fence->context, make_slot(fence, usage));
	}
	/* As in entry_replace(). */
	if (!fence_get_quickly(fence))
		/* not tested: only if another CPU changes the count between two instructions */
		dma_fence_get(fence);
}

static noinline void add_hashed(struct dma_resv_list *list,
				struct dma_fence *fence,
				enum dma_resv_usage usage)
{
	list_add_fence(list, find_superseded_hashed(list, fence, usage), fence,
		       usage);
}

/**
 * dma_resv_add_fence - add a fence to a reservation object
 * @obj: the reservation object, in which a slot was reserved
 * @fence: the fence, no array and no chain; the object takes a reference
 * @usage: what the work behind it does with the memory
 *
 * An earlier fence of the same context goes, unless its usage is one that more
 * have to wait for.
 *
 * Context: Process context; the reservation lock. Sleeps only when no slot was
 * reserved, which is an error: then it waits for @fence.
 */
void dma_resv_add_fence(struct dma_resv *obj, struct dma_fence *fence,
			enum dma_resv_usage usage)
{
	struct dma_resv_list *list = dma_resv_locked_list(obj);

	dma_resv_assert_held(obj);
	WARN_ON(dma_fence_is_container(fence));
	if (unlikely(!list))
		add_without_slot(fence);
	else if (list->hash_bits)
		add_hashed(list, fence, usage);
	else
		list_add_fence(list, find_superseded(list, fence, usage),
			       fence, usage);
}
EXPORT_SYMBOL(dma_resv_add_fence);

static noinline void replace_hashed(struct dma_resv_list *list, u64 context,
				    struct dma_fence *fence,
				    enum dma_resv_usage usage)
{
	u32 bucket = hash_home(list, context);
	struct dma_resv_entry *entry;

	while ((entry = hash_next(list, context, &bucket))) {
		u32 index = entry - list->entries;

		if (fence->context == context) {
			entry_replace(list, entry, fence, usage);
			continue;
		}
		hash_forget(list, index);
		entry_replace(list, entry, fence, usage);
		hash_insert(list, index);
		/* Others have moved up. */
		bucket = hash_home(list, context);
	}
}

static noinline void replace_many(struct dma_resv_list *list, u64 context,
				  struct dma_fence *fence,
				  enum dma_resv_usage usage)
{
	struct dma_resv_entry *entry, *end = list->entries + list->num;

	for (entry = list->entries; entry < end; entry++) {
		if (entry->context == context && !slot_is_vacant(entry->slot))
			entry_replace(list, entry, fence, usage);
	}
}

/**
 * dma_resv_replace_fences - put a fence in the place of a context's fences
 * @obj: the reservation object
 * @context: whose fences go
 * @fence: what comes in the place of each; the object takes references. It may
 *	be of another context
 * @usage: what the work behind @fence does with the memory
 *
 * Meant for fences that lose their meaning before they signal, such as those
 * that keep memory in place until somebody needs it elsewhere.  Each is
 * replaced where it is, so that nobody who reads without the lock sees neither
 * the old nor the new one.
 *
 * Context: The reservation lock.
 */
void dma_resv_replace_fences(struct dma_resv *obj, uint64_t context,
			     struct dma_fence *fence,
			     enum dma_resv_usage usage)
{
	struct dma_resv_list *list = dma_resv_locked_list(obj);
	struct dma_resv_entry *entry, *end, *found = NULL;

	dma_resv_assert_held(obj);
	if (!list)
		return;
	if (list->hash_bits) {
		replace_hashed(list, context, fence, usage);
		return;
	}

	end = list->entries + list->num;
	for (entry = list->entries; entry < end; entry++) {
		if (entry->context != context || slot_is_vacant(entry->slot))
			continue;
		/* Few contexts have fences of two usages. */
		if (unlikely(found)) {
			replace_many(list, context, fence, usage);
			return;
		}
		found = entry;
	}
	if (found)
		entry_replace(list, found, fence, usage);
}
EXPORT_SYMBOL(dma_resv_replace_fences);

/* False when @src had another list in the end, or too many fences. */
static bool list_copy(struct dma_resv_list *list, struct dma_resv *src)
{
	struct dma_resv_list *from;
	u32 i, slots, num = 0;
	bool complete = true;

	guard(rcu)();
	from = rcu_dereference(src->fences);
	slots = dma_resv_list_num(from);
	for (i = 0; i < slots; i++) {
		struct dma_fence *fence;
		unsigned long slot;

		fence = dma_resv_slot_get(from, i, DMA_RESV_USAGE_BOOKKEEP, &slot);
		if (!fence)
			continue;
		if (unlikely(num == list->max)) {
			dma_fence_put(fence);
			complete = false;
			break;
		}
		list->entries[num++] = (struct dma_resv_entry){
			.context = fence->context, .slot = slot
		};
	}
	list->num = num;
	list->used = num;
	return complete && rcu_access_pointer(src->fences) == from;
}

/**
 * dma_resv_copy_fences - make one object wait for what another one waits for
 * @dst: loses all its fences and reserved slots, and gets the fences of @src
 *	that haven't signalled, with their usage
 * @src: need not be locked
 *
 * Context: Process context, may sleep; the reservation lock of @dst.
 *
 * Return: 0, or -ENOMEM, and then @dst is as it was.
 */
int dma_resv_copy_fences(struct dma_resv *dst, struct dma_resv *src)
{
	struct dma_resv_list *list;
	u32 count;

	dma_resv_assert_held(dst);
	for (;;) {
		count = dma_resv_num_slots(src);
		if (!count && !dma_resv_locked_list(dst))
			return 0;

		list = list_alloc(count);
		if (!list)
			return -ENOMEM;
		if (list_copy(list, src))
			break;
		list_release(list);
	}

	hash_fill(list);
	list = install_list(dst, list);
	if (list)
		list_release(list);
	return 0;
}
EXPORT_SYMBOL(dma_resv_copy_fences);

/*
 * Lock order
 */

#if IS_ENABLED(CONFIG_LOCKDEP)
/* Whoever frees memory may have to wait for a fence, from notifiers too. */
static void __init wait_in_reclaim(void)
{
	fs_reclaim_acquire(GFP_KERNEL);
#ifdef CONFIG_MMU_NOTIFIER
	lock_map_acquire(&__mmu_notifier_invalidate_range_start_map);
#endif
	__dma_fence_might_wait();
#ifdef CONFIG_MMU_NOTIFIER
	lock_map_release(&__mmu_notifier_invalidate_range_start_map);
#endif
	fs_reclaim_release(GFP_KERNEL);
}

static void __init allocate_while_reserved(void)
{
	struct ww_acquire_ctx ctx;
	struct dma_resv obj;

	dma_resv_init(&obj);
	ww_acquire_init(&ctx, &reservation_ww_class);
	/* Debug options make this fail at times, so that the other is used. */
	if (dma_resv_lock(&obj, &ctx))
		dma_resv_lock_slow(&obj, &ctx);
	wait_in_reclaim();
	dma_resv_unlock(&obj);
	ww_acquire_fini(&ctx);
	dma_resv_fini(&obj);
}

/*
 * Goes once, at boot, through the locks in the order in which they may nest:
 * lockdep then finds a driver that does otherwise the first time it does.
 */
static int __init teach_lock_order(void)
{
	struct mm_struct *mm = mm_alloc();

	if (!mm)
		return -ENOMEM;
	mmap_read_lock(mm);
	allocate_while_reserved();
	mmap_read_unlock(mm);
	mmput(mm);
	return 0;
}
subsys_initcall(teach_lock_order);
#endif
