// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/udmabuf: buffers out of a program's own memory, which is that of memfds.
 *
 * The pages stay where they are as long as the buffer lives.  For pages of these
 * files, which are never written back, a reference is enough to have that: neither
 * reclaim nor migration touches a page that others refer to.  Only from where no
 * page may stay for long, mm has to move them first, by pinning them.
 *
 * A program that seals its memory against writing must not find it written to
 * afterwards: the references keep the seal from being set, and while they are being
 * taken the mapping counts as one that is mapped writable, which does so as well.
 */
#include <linux/cleanup.h>
#include <linux/cred.h>
#include <linux/debugfs.h>
#include <linux/falloc.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/hashtable.h>
#include <linux/hugetlb.h>
#include <linux/init.h>
#include <linux/memfd.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/overflow.h>
#include <linux/pagevec.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/uidgid.h>
#include <uapi/linux/fcntl.h>
#include <uapi/linux/udmabuf.h>

#include "memory.h"

static int list_limit = 1024;
module_param(list_limit, int, 0644);
MODULE_PARM_DESC(list_limit, "Most parts that a buffer may have");

/* So that the pages of a buffer fit an int, as they do elsewhere. */
static int size_limit_mb = INT_MAX >> (20 - PAGE_SHIFT);
module_param(size_limit_mb, int, 0644);
MODULE_PARM_DESC(size_limit_mb, "Most megabytes that a buffer may have");

static int user_limit_mb;
module_param(user_limit_mb, int, 0644);
MODULE_PARM_DESC(user_limit_mb,
		 "Most megabytes that all buffers of a user may have (0: no limit)");

/**
 * struct udmabuf_user - what a user's buffers hold; the lock of all is
 *	@users_lock
 * @node: in @users
 * @uid: who it is
 * @num_buffers: how many there are; with the last one this goes
 * @num_pages: how many pages they have together
 */
struct udmabuf_user {
	struct hlist_node node;
	kuid_t uid;
	unsigned long num_buffers;
	unsigned long num_pages;
};

static DEFINE_HASHTABLE(users, 6);
static DEFINE_MUTEX(users_lock);

/**
 * struct udmabuf - a buffer
 * @memory: the pages, with a reference on each folio; where a range begins in
 *	the midst of a folio that ends the range before, there is one more
 * @user: whose buffer it is
 * @num_pages: how many pages of @user's are its
 */
struct udmabuf {
	struct dma_buf_memory memory;
	struct udmabuf_user *user;
	unsigned long num_pages;
};

/*
 * Users
 */

/* Of a parameter, as pages of which all have an address. */
static unsigned long mb_to_pages(int mb)
{
	u64 pages = (u64)max(mb, 0) << (20 - PAGE_SHIFT);

	return min_t(u64, pages, SIZE_MAX >> PAGE_SHIFT);
}

static struct udmabuf_user *user_find(kuid_t uid)
{
	struct udmabuf_user *user;

	hash_for_each_possible(users, user, node, __kuid_val(uid)) {
		if (uid_eq(user->uid, uid))
			return user;
	}
	user = kzalloc(sizeof(*user), GFP_KERNEL_ACCOUNT);
	if (!user)
		return NULL;
	user->uid = uid;
	hash_add(users, &user->node, __kuid_val(uid));
	return user;
}

static void user_drop_if_unused(struct udmabuf_user *user)
{
	if (user->num_buffers)
		return;
	hash_del(&user->node);
	kfree(user);
}

/* Counts a buffer of @num_pages as the current user's. */
static int udmabuf_charge(struct udmabuf *udmabuf, unsigned long num_pages)
{
	unsigned long limit = mb_to_pages(READ_ONCE(user_limit_mb));
	struct udmabuf_user *user;

	guard(mutex)(&users_lock);
	user = user_find(current_uid());
	if (!user)
		return -ENOMEM;
	if (limit && user->num_pages + num_pages > limit) {
		user_drop_if_unused(user);
		return -EDQUOT;
	}
	user->num_buffers++;
	user->num_pages += num_pages;
	udmabuf->user = user;
	udmabuf->num_pages = num_pages;
	return 0;
}

static void udmabuf_uncharge(struct udmabuf *udmabuf)
{
	struct udmabuf_user *user = udmabuf->user;

	guard(mutex)(&users_lock);
	user->num_buffers--;
	user->num_pages -= udmabuf->num_pages;
	user_drop_if_unused(user);
}

/* debugfs udmabuf/users */
static int users_show(struct seq_file *m, void *data)
{
	struct udmabuf_user *user;
	int i;

	seq_puts(m, "uid\tbuffers\tbytes\n");
	guard(mutex)(&users_lock);
	hash_for_each(users, i, user, node)
		seq_printf(m, "%u\t%lu\t%llu\n",
			   from_kuid_munged(seq_user_ns(m), user->uid),
			   user->num_buffers,
			   (u64)user->num_pages << PAGE_SHIFT);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(users);

/*
 * Pages
 */

/**
 * struct folio_run - folios that are contiguous
 * @page: the first page of the buffer's
 * @num_pages: how many of them are
 * @num_folios: how many these are in
 */
struct folio_run {
	struct page *page;
	pgoff_t num_pages;
	long num_folios;
};

static void put_pages_of_folios(struct page *page, unsigned long num_pages)
{
	unsigned long pfn = page_to_pfn(page), end = pfn + num_pages;

	while (pfn < end) {
		struct folio *folio = page_folio(pfn_to_page(pfn));

		pfn += folio_test_large(folio) ?
			folio_nr_pages(folio) - (pfn - folio_pfn(folio)) : 1;
		folio_put(folio);
		cond_resched();
	}
}

static void put_folios(struct folio **folios, long num_folios)
{
	while (num_folios)
		folio_put(folios[--num_folios]);
}

/*
 * Whether a folio that was just referred to is a single page that stays in its file
 * and is saved when it is reclaimed later: devices write without a word.
 *
 * It may have been found while it was on its way out into swap.  Who takes it there
 * has it locked, and leaves it marked; whoever comes later sees the reference.
 */
static bool is_settled(const struct folio *folio)
{
	const unsigned long mask = BIT(PG_head) | BIT(PG_locked) |
				   BIT(PG_swapcache) | BIT(PG_dirty);

	return (READ_ONCE(folio->flags) & mask) == BIT(PG_dirty);
}

/* Makes it so.  False if the folio isn't (or no more) page @index of the file. */
static bool settle_folio(struct folio *folio, struct address_space *mapping,
			 pgoff_t index)
{
	bool in_place;

	folio_lock(folio);
	in_place = folio->mapping == mapping && folio->index == index;
	if (in_place && !folio_test_hugetlb(folio))
		folio_mark_dirty(folio);
	folio_unlock(folio);
	return in_place;
}

/* How many of @folios are settled and follow the page @pfn. */
static long count_following(struct folio **folios, long num_folios,
			    unsigned long pfn)
{
	long i;

	for (i = 0; i < num_folios; i++) {
		if (folio_pfn(folios[i]) != ++pfn || !is_settled(folios[i]))
			break;
	}
	return i;
}

/*
 * What @folios begin with, of which the first is page @index of the file and
 * @skip pages of it aren't the buffer's.  False if it is so no more.
 */
static bool next_run(struct folio_run *run, struct folio **folios,
		     long num_folios, struct address_space *mapping,
		     pgoff_t index, pgoff_t skip, pgoff_t num_pages)
{
	struct folio *folio = *folios;
	unsigned long count = folio_nr_pages(folio) - skip;
	long following;

	if (!is_settled(folio) && !settle_folio(folio, mapping, index))
		return false;

	run->page = folio_page(folio, skip);
	run->num_pages = min(count, num_pages);
	following = count_following(folios + 1, num_folios - 1,
				    page_to_pfn(run->page) + run->num_pages - 1);
	run->num_folios = 1 + following;
	run->num_pages += following;
	return true;
}

/*
 * Appends the pages of @folios, whose references it takes over.  They begin with
 * page @index of the file.  Returns how many pages of at most @num_pages were
 * appended, which is less than there are if the file has others there by now, or an
 * error.
 */
static long append_folios(struct udmabuf *udmabuf, struct folio **folios,
			  long num_folios, struct address_space *mapping,
			  pgoff_t index, pgoff_t num_pages)
{
	/* A file has each where a multiple of its size is. */
	pgoff_t skip = index & (folio_nr_pages(*folios) - 1), done = 0;
	int err = 0;

	while (num_folios) {
		struct folio_run run;

		if (!next_run(&run, folios, num_folios, mapping,
			      index + done - skip, skip, num_pages - done))
			break;
		err = dma_buf_memory_append(&udmabuf->memory, run.page,
					    run.num_pages, !skip);
		if (err)
			break;
		folios += run.num_folios;
		num_folios -= run.num_folios;
		done += run.num_pages;
		skip = 0;
	}
	put_folios(folios, num_folios);
	return err ?: done;
}

/*
 * Takes references on what the file has at @pos, as far as it may stay where it is.
 * Returns how many folios that are.
 */
static unsigned int get_present(struct file *memfd, loff_t pos, loff_t end,
				struct folio_batch *batch)
{
	pgoff_t index = pos >> PAGE_SHIFT, last = (end - 1) >> PAGE_SHIFT;
	unsigned int i, count;

	count = filemap_get_folios_contig(memfd->f_mapping, &index, last, batch);
	for (i = 0; i < count; i++) {
		if (!folio_is_longterm_pinnable(batch->folios[i]))
			break;
	}
	put_folios(batch->folios + i, count - i);
	return i;
}

/*
 * The same with what has to be made, read from swap or moved first: whoever pins it
 * has that done, and while it is pinned it gets the references that it keeps.
 */
static long get_absent(struct file *memfd, loff_t pos, loff_t end,
		       struct folio_batch *batch)
{
	pgoff_t offset;
	long i, count;

	count = memfd_pin_folios(memfd, pos, end - 1, batch->folios,
				 PAGEVEC_SIZE, &offset);
	if (count <= 0)
		return count ?: -EINVAL;
	for (i = 0; i < count; i++)
		folio_get(batch->folios[i]);
	unpin_folios(batch->folios, count);
	return count;
}

static int refer_to_part(struct udmabuf *udmabuf, struct file *memfd,
			 const struct udmabuf_create_item *part)
{
	loff_t pos = part->offset, end = part->offset + part->size;
	struct folio_batch batch;
	long num;

	while (pos < end) {
		folio_batch_init(&batch);
		num = get_present(memfd, pos, end, &batch) ?:
		      get_absent(memfd, pos, end, &batch);
		if (num < 0)
			return num;
		/* As a first barrier of a pair, for is_settled(). */
		smp_mb();
		num = append_folios(udmabuf, batch.folios, num, memfd->f_mapping,
				    pos >> PAGE_SHIFT, (end - pos) >> PAGE_SHIFT);
		if (num < 0)
			return num;
		pos += (loff_t)num << PAGE_SHIFT;
		cond_resched();
		if (fatal_signal_pending(current))
			return -EINTR;
	}
	return 0;
}

/*
 * Pages of hugetlb are set aside for who mapped them; get_absent() would take one
 * of those for a page that nobody has touched.  This takes others.
 */
static int allocate_huge(struct file *memfd,
			 const struct udmabuf_create_item *part)
{
	int err;

	if (!is_file_hugepages(memfd))
		return 0;
	err = memfd->f_op->fallocate(memfd, FALLOC_FL_KEEP_SIZE, part->offset,
				     part->size);
	return err == -ENOSPC ? -ENOMEM : err;
}

static bool is_memfd(struct file *file)
{
	return shmem_file(file) || is_file_hugepages(file);
}

/* Whoever has the buffer can write it; so can new mappings of the memfd. */
static int check_seals(struct file *memfd)
{
	long seals = memfd_fcntl(memfd, F_GET_SEALS, 0);

	if (seals < 0 || !(seals & F_SEAL_SHRINK) ||
	    (seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)))
		return -EINVAL;
	return 0;
}

static int check_part(struct file *memfd,
		      const struct udmabuf_create_item *part)
{
	int err = check_seals(memfd);

	if (err)
		return err;
	if (part->offset + part->size > i_size_read(file_inode(memfd)))
		return -EINVAL;
	return 0;
}

static int add_part(struct udmabuf *udmabuf,
		    const struct udmabuf_create_item *part)
{
	struct file *memfd __free(fput) = fget(part->memfd);
	int err;

	if (!memfd || !is_memfd(memfd))
		return -EBADFD;
	err = check_part(memfd, part);
	if (err)
		return err;

	/* Until there are references, this keeps the file from being sealed. */
	if (mapping_map_writable(memfd->f_mapping))
		return -EBUSY;
	err = check_seals(memfd) ?: allocate_huge(memfd, part) ?:
	      refer_to_part(udmabuf, memfd, part);
	mapping_unmap_writable(memfd->f_mapping);
	return err;
}

static int add_parts(struct udmabuf *udmabuf,
		     const struct udmabuf_create_item *parts,
		     unsigned int count)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < count && !err; i++)
		err = add_part(udmabuf, &parts[i]);
	return err;
}

/*
 * A buffer's life
 */

static void udmabuf_destroy(struct udmabuf *udmabuf)
{
	struct dma_buf_memory *memory = &udmabuf->memory;
	unsigned int i;

	for (i = 0; i < memory->num_ranges; i++) {
		put_pages_of_folios(memory->ranges[i].page,
				    dma_buf_range_pages(memory, i));
		cond_resched();
	}
	udmabuf_uncharge(udmabuf);
	dma_buf_memory_fini(memory);
	kfree(udmabuf);
}

static void udmabuf_release(struct dma_buf *dmabuf)
{
	udmabuf_destroy(container_of(dma_buf_to_memory(dmabuf),
				     struct udmabuf, memory));
}

static const struct dma_buf_ops udmabuf_ops = {
	DMA_BUF_MEMORY_OPS,
	.release = udmabuf_release,
};

/* The size of all parts in pages, or an error. */
static long count_pages(const struct udmabuf_create_item *parts,
			unsigned int count)
{
	unsigned long limit = mb_to_pages(READ_ONCE(size_limit_mb));
	u64 num_pages = 0, end;
	unsigned int i;

	for (i = 0; i < count; i++) {
		if (!parts[i].size ||
		    !PAGE_ALIGNED(parts[i].offset | parts[i].size) ||
		    check_add_overflow(parts[i].offset, parts[i].size, &end) ||
		    end > MAX_LFS_FILESIZE)
			return -EINVAL;
		num_pages += parts[i].size >> PAGE_SHIFT;
		if (num_pages > limit)
			return -EINVAL;
	}
	return num_pages ?: -EINVAL;
}

static struct dma_buf *udmabuf_make(const struct udmabuf_create_item *parts,
				    unsigned int count)
{
	DEFINE_DMA_BUF_EXPORT_INFO(info);
	struct udmabuf *udmabuf;
	struct dma_buf *dmabuf;
	long num_pages;
	int err;

	num_pages = count_pages(parts, count);
	if (num_pages < 0)
		return ERR_PTR(num_pages);
	udmabuf = kmalloc(sizeof(*udmabuf), GFP_KERNEL_ACCOUNT);
	if (!udmabuf)
		return ERR_PTR(-ENOMEM);
	err = udmabuf_charge(udmabuf, num_pages);
	if (err) {
		kfree(udmabuf);
		return ERR_PTR(err);
	}

	dma_buf_memory_init(&udmabuf->memory);
	err = add_parts(udmabuf, parts, count);
	if (err) {
		udmabuf_destroy(udmabuf);
		return ERR_PTR(err);
	}
	info.ops = &udmabuf_ops;
	info.size = num_pages << PAGE_SHIFT;
	info.flags = O_RDWR;
	info.priv = &udmabuf->memory;
	dmabuf = dma_buf_export(&info);
	if (IS_ERR(dmabuf))
		udmabuf_destroy(udmabuf);
	return dmabuf;
}

/* Returns the file descriptor of a new buffer, or an error. */
static long udmabuf_create(const struct udmabuf_create_item *parts,
			   unsigned int count, u32 flags)
{
	struct dma_buf *dmabuf = udmabuf_make(parts, count);
	int fd;

	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);
	fd = dma_buf_fd(dmabuf, flags & UDMABUF_FLAGS_CLOEXEC ? O_CLOEXEC : 0);
	if (fd < 0)
		dma_buf_put(dmabuf);
	return fd;
}

/*
 * The device
 */

static long ioctl_create(const struct udmabuf_create __user *arg)
{
	struct udmabuf_create create;
	struct udmabuf_create_item part;

	if (copy_from_user(&create, arg, sizeof(create)))
		return -EFAULT;
	part = (struct udmabuf_create_item) {
		.memfd = create.memfd,
		.offset = create.offset,
		.size = create.size,
	};
	return udmabuf_create(&part, 1, create.flags);
}

static long ioctl_create_list(const struct udmabuf_create_list __user *arg)
{
	struct udmabuf_create_list list;
	struct udmabuf_create_item *parts;
	long ret;

	if (copy_from_user(&list, arg, sizeof(list)))
		return -EFAULT;
	if (!list.count || list.count > max(READ_ONCE(list_limit), 0))
		return -EINVAL;
	parts = memdup_array_user(arg->list, list.count, sizeof(*parts));
	if (IS_ERR(parts))
		return PTR_ERR(parts);
	ret = udmabuf_create(parts, list.count, list.flags);
	kfree(parts);
	return ret;
}

static long udmabuf_ioctl(struct file *file, unsigned int cmd,
			  unsigned long arg)
{
	switch (cmd) {
	case UDMABUF_CREATE:
		return ioctl_create((void __user *)arg);
	case UDMABUF_CREATE_LIST:
		return ioctl_create_list((void __user *)arg);
	default:
		return -ENOTTY;
	}
}

static const struct file_operations udmabuf_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = udmabuf_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice udmabuf_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "udmabuf",
	.fops = &udmabuf_fops,
};

static int __init udmabuf_init(void)
{
	debugfs_create_file("users", 0400, debugfs_create_dir("udmabuf", NULL),
			    NULL, &users_fops);
	return misc_register(&udmabuf_misc);
}
device_initcall(udmabuf_init);

MODULE_DESCRIPTION("Buffers out of user memory");
MODULE_LICENSE("GPL");
