// SPDX-License-Identifier: GPL-2.0-only
/*
 * All live buffers, and what debugfs and procfs tell of them.
 *
 * Every CPU has a shelf, a list under a lock of its own.  A buffer stands on
 * the shelf of the CPU that exported it until it is released, so neither takes
 * a lock that all CPUs share.  A reader goes from shelf to shelf.  It must not
 * hold up exports while it prints, so it lets go of the lock after each buffer
 * and remembers the next one; whoever takes that one off the shelf moves the
 * reader on.  Finding its place again costs the same with a hundred thousand
 * buffers as with one.
 */
#include <linux/cpumask.h>
#include <linux/debugfs.h>
#include <linux/device.h>
#include <linux/list.h>
#include <linux/percpu.h>
#include <linux/seq_file.h>
#include <linux/spinlock.h>

#include "dma_buf_private.h"

/**
 * struct dma_buf_registry_shelf - the buffers that one CPU exported
 * @lock: protects the lists; innermost of all locks, never held while sleeping
 * @buffers: dma_buf_object.registry, oldest first
 * @readers: dma_buf_registry_reader.node of those who are at this shelf
 */
struct dma_buf_registry_shelf {
	spinlock_t lock; /* protects the lists */
	struct list_head buffers;
	struct list_head readers;
};

/**
 * struct dma_buf_registry_reader - somebody who walks over all buffers
 * @node: in @readers of the shelf; its lock
 * @next: the next buffer to read, or the end of the shelf; its lock
 * @cpu: whose shelf it is, nr_cpu_ids at the end
 */
struct dma_buf_registry_reader {
	struct list_head node;
	struct list_head *next;
	unsigned int cpu;
};

static DEFINE_PER_CPU(struct dma_buf_registry_shelf, shelves);

/**
 * dma_buf_registry_add - remember a buffer
 * @object: complete, and referenced by its file
 *
 * Context: Process context.
 */
void dma_buf_registry_add(struct dma_buf_object *object)
{
	/* Any shelf is right; this CPU's is the one that is hot. */
	struct dma_buf_registry_shelf *shelf = raw_cpu_ptr(&shelves);

	object->inode.i_private = shelf;
	spin_lock(&shelf->lock);
	list_add_tail(&object->registry, &shelf->buffers);
	spin_unlock(&shelf->lock);
}

/**
 * dma_buf_registry_remove - forget a buffer
 * @object: its file's last reference is gone
 *
 * No reader finds it afterwards.
 *
 * Context: Process context.
 */
void dma_buf_registry_remove(struct dma_buf_object *object)
{
	struct dma_buf_registry_shelf *shelf = object->inode.i_private;
	struct dma_buf_registry_reader *reader;

	spin_lock(&shelf->lock);
	list_for_each_entry(reader, &shelf->readers, node) {
		if (reader->next == &object->registry)
			reader->next = object->registry.next;
	}
	list_del(&object->registry);
	spin_unlock(&shelf->lock);
}

/* Prints a line with the buffer's name; false when it has none. */
static bool show_name(struct seq_file *m, struct dma_buf *dmabuf,
		      const char *prefix)
{
	struct dma_buf_name *name;

	guard(rcu)();
	name = rcu_dereference(dmabuf->name);
	if (!name)
		return false;

	seq_puts(m, prefix);
	seq_escape(m, name->text, DMA_BUF_NAME_ESCAPED);
	seq_putc(m, '\n');
	return true;
}

/**
 * dma_buf_show_fdinfo - a buffer's part of /proc/PID/fdinfo
 * @m: where to print
 * @file: the buffer's
 *
 * Context: Process context, with a reference on @file, which isn't counted in
 * what it shows.
 */
void dma_buf_show_fdinfo(struct seq_file *m, struct file *file)
{
	struct dma_buf *dmabuf = file->private_data;

	seq_printf(m, "size:\t%zu\n", dmabuf->size);
	seq_printf(m, "count:\t%ld\n", file_count(file) - 1);
	seq_printf(m, "exp_name:\t%s\n", dmabuf->exp_name);
	show_name(m, dmabuf, "name:\t");
}

#ifdef CONFIG_DEBUG_FS
static struct dma_buf_registry_shelf *
reader_shelf(struct dma_buf_registry_reader *reader)
{
	return per_cpu_ptr(&shelves, reader->cpu);
}

/* Goes to the first shelf from @cpu's on. */
static void reader_enter(struct dma_buf_registry_reader *reader, int cpu)
{
	struct dma_buf_registry_shelf *shelf;

	reader->cpu = cpumask_next(cpu - 1, cpu_possible_mask);
	if (reader->cpu >= nr_cpu_ids)
		return;

	shelf = reader_shelf(reader);
	spin_lock(&shelf->lock);
	reader->next = shelf->buffers.next;
	list_add(&reader->node, &shelf->readers);
	spin_unlock(&shelf->lock);
}

static void reader_leave(struct dma_buf_registry_reader *reader)
{
	struct dma_buf_registry_shelf *shelf;

	if (reader->cpu >= nr_cpu_ids)
		return;

	shelf = reader_shelf(reader);
	spin_lock(&shelf->lock);
	list_del(&reader->node);
	spin_unlock(&shelf->lock);
}

/*
 * A reference on the next buffer of the shelf.  One that is on its way out is
 * still listed, and its file is still memory, until the lock is free.
 */
static struct dma_buf *reader_peek(struct dma_buf_registry_reader *reader)
{
	struct dma_buf_registry_shelf *shelf = reader_shelf(reader);
	struct dma_buf *dmabuf = NULL;

	spin_lock(&shelf->lock);
	while (reader->next != &shelf->buffers) {
		dmabuf = &list_entry(reader->next, struct dma_buf_object,
				     registry)->dmabuf;
		if (atomic_long_inc_not_zero(&dmabuf->file->f_count))
			break;
		dmabuf = NULL;
		reader->next = reader->next->next;
	}
	spin_unlock(&shelf->lock);
	return dmabuf;
}

/* The buffer to read now, referenced; NULL after the last one. */
static struct dma_buf *reader_get(struct dma_buf_registry_reader *reader)
{
	while (reader->cpu < nr_cpu_ids) {
		struct dma_buf *dmabuf = reader_peek(reader);

		if (dmabuf)
			return dmabuf;
		reader_leave(reader);
		reader_enter(reader, reader->cpu + 1);
	}
	return NULL;
}

/* Goes past @dmabuf, which reader_get() gave. */
static void reader_pass(struct dma_buf_registry_reader *reader,
			struct dma_buf *dmabuf)
{
	struct dma_buf_registry_shelf *shelf = reader_shelf(reader);

	spin_lock(&shelf->lock);
	reader->next = to_dma_buf_object(dmabuf)->registry.next;
	spin_unlock(&shelf->lock);
}

/**
 * struct bufinfo - one open debugfs dma_buf/bufinfo
 * @reader: the walk
 * @count: buffers passed so far
 * @size: their bytes
 */
struct bufinfo {
	struct dma_buf_registry_reader reader;
	int count;
	size_t size;
};

/* Stands for the last record, the totals; no buffer's address. */
static char bufinfo_totals;

static void *bufinfo_record(struct bufinfo *info)
{
	return reader_get(&info->reader) ?: (void *)&bufinfo_totals;
}

static bool record_is_buffer(void *record)
{
	return record && record != SEQ_START_TOKEN && record != &bufinfo_totals;
}

static void *bufinfo_start(struct seq_file *m, loff_t *pos)
{
	struct bufinfo *info = m->private;

	if (*pos == 0) {
		reader_leave(&info->reader);
		reader_enter(&info->reader, 0);
		info->count = 0;
		info->size = 0;
		return SEQ_START_TOKEN;
	}
	/* Beyond the totals, which come right after the last buffer. */
	if (*pos > (loff_t)info->count + 1)
		return NULL;
	return bufinfo_record(info);
}

static void *bufinfo_next(struct seq_file *m, void *record, loff_t *pos)
{
	struct bufinfo *info = m->private;
	struct dma_buf *dmabuf = record;

	++*pos;
	if (record == &bufinfo_totals)
		return NULL;
	if (record != SEQ_START_TOKEN) {
		info->count++;
		info->size += dmabuf->size;
		reader_pass(&info->reader, dmabuf);
		fput(dmabuf->file);
	}
	return bufinfo_record(info);
}

static void bufinfo_stop(struct seq_file *m, void *record)
{
	if (record_is_buffer(record))
		fput(((struct dma_buf *)record)->file);
}

static void show_attachments(struct seq_file *m, struct dma_buf *dmabuf)
{
	struct dma_buf_attachment *attach;
	unsigned int count = 0;

	seq_puts(m, "\tAttached Devices:\n");
	list_for_each_entry(attach, &dmabuf->attachments, node) {
		seq_putc(m, '\t');
		seq_puts(m, dev_name(attach->dev));
		seq_putc(m, '\n');
		count++;
	}
	seq_put_decimal_ull(m, "Total ", count);
	seq_puts(m, " devices attached\n\n");
}

/*
 * %08lu and a separator.  There are numbers in each of perhaps a hundred
 * thousand rows, and seq_printf() parses its format for each.
 */
static void put_padded(struct seq_file *m, unsigned long value, char separator)
{
	char digits[20 + 1], *digit = digits + sizeof(digits);

	*--digit = separator;
	do {
		*--digit = '0' + value % 10;
		value /= 10;
	} while (value || digit > digits + sizeof(digits) - 1 - 8);
	seq_write(m, digit, digits + sizeof(digits) - digit);
}

static void show_buffer(struct seq_file *m, struct dma_buf *dmabuf)
{
	struct file *file = dmabuf->file;

	put_padded(m, dmabuf->size, '\t');
	seq_put_hex_ll(m, NULL, file->f_flags, 8);
	seq_put_hex_ll(m, "\t", (__force unsigned int)file->f_mode, 8);
	seq_putc(m, '\t');
	put_padded(m, file_count(file) - 1, '\t');
	seq_puts(m, dmabuf->exp_name);
	seq_putc(m, '\t');
	put_padded(m, dma_buf_ino(dmabuf), '\t');
	if (!show_name(m, dmabuf, ""))
		seq_puts(m, "<none>\n");

	/* Whoever holds the lock may be waiting for a device: don't join. */
	if (!dma_resv_trylock(dmabuf->resv)) {
		seq_puts(m, "\tbusy: fences and devices not shown\n\n");
		return;
	}
	dma_resv_describe(dmabuf->resv, m);
	show_attachments(m, dmabuf);
	dma_resv_unlock(dmabuf->resv);
}

static int bufinfo_show(struct seq_file *m, void *record)
{
	struct bufinfo *info = m->private;

	if (record == SEQ_START_TOKEN)
		seq_printf(m, "\nDma-buf Objects:\n%-8s\t%-8s\t%-8s\t%-8s\t%s\t%-8s\t%s\n",
			   "size", "flags", "mode", "count", "exp_name", "ino",
			   "name");
	else if (record == &bufinfo_totals)
		seq_printf(m, "\nTotal %d objects, %zu bytes\n", info->count,
			   info->size);
	else
		show_buffer(m, record);
	return 0;
}

static const struct seq_operations bufinfo_sops = {
	.start = bufinfo_start,
	.next = bufinfo_next,
	.stop = bufinfo_stop,
	.show = bufinfo_show,
};

static int bufinfo_open(struct inode *inode, struct file *file)
{
	struct bufinfo *info;

	info = __seq_open_private(file, &bufinfo_sops, sizeof(*info));
	if (!info)
		return -ENOMEM;
	info->reader.cpu = nr_cpu_ids;
	return 0;
}

static int bufinfo_release(struct inode *inode, struct file *file)
{
	struct seq_file *m = file->private_data;
	struct bufinfo *info = m->private;

	reader_leave(&info->reader);
	return seq_release_private(inode, file);
}

static const struct file_operations bufinfo_fops = {
	.owner = THIS_MODULE,
	.open = bufinfo_open,
	.read = seq_read,
	.llseek = seq_lseek,
	.release = bufinfo_release,
};

static void bufinfo_init(void)
{
	debugfs_create_file("bufinfo", 0444, debugfs_create_dir("dma_buf", NULL),
			    NULL, &bufinfo_fops);
}
#else
static void bufinfo_init(void) {}
#endif

/**
 * dma_buf_registry_init - set up the shelves and debugfs
 *
 * Context: Boot, before the first buffer.
 */
void __init dma_buf_registry_init(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct dma_buf_registry_shelf *shelf = per_cpu_ptr(&shelves, cpu);

		spin_lock_init(&shelf->lock);
		INIT_LIST_HEAD(&shelf->buffers);
		INIT_LIST_HEAD(&shelf->readers);
	}
	bufinfo_init();
}
