// SPDX-License-Identifier: GPL-2.0-only
/*
 * The engine of a device: it knows DMA addresses and nothing else, as hardware does.
 * That of a bounce buffer leads to the bounce buffer.
 */
#include <linux/dma-direct.h>
#include <linux/io.h>
#include <linux/minmax.h>
#include <linux/platform_device.h>
#include <linux/scatterlist.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "device.h"

/*
 * What a device finds @offset bytes into its table, and up to *@length of how many
 * bytes that goes on.
 */
static u32 *find(struct test_attachment *attachment, u64 offset, u64 *length)
{
	struct device *dev = attachment->attach->dev;
	struct scatterlist *sg;
	unsigned int i;

	for_each_sgtable_dma_sg(attachment->sgt, sg, i) {
		if (offset < sg_dma_len(sg)) {
			*length = min(*length, sg_dma_len(sg) - offset);
			return phys_to_virt(dma_to_phys(dev, sg_dma_address(sg) +
							offset));
		}
		offset -= sg_dma_len(sg);
	}
	return NULL;
}

/**
 * test_engine_fill - write a value all over a part of a buffer
 * @to: mapped, for the device to write
 * @offset: where it begins, a multiple of 4
 * @length: in bytes, a multiple of 4; all of it is in the buffer
 * @value: what to write
 *
 * Context: Process context.
 */
void test_engine_fill(struct test_attachment *to, u64 offset, u64 length,
		      u32 value)
{
	while (length) {
		u64 some = length;
		u32 *data = find(to, offset, &some);

		if (WARN_ON(!data))
			return;
		memset32(data, value, some / sizeof(*data));
		offset += some;
		length -= some;
		cond_resched();
	}
}

/**
 * test_engine_copy - copy from one buffer to another one, or within one
 * @to: mapped, for the device to write
 * @to_offset: where in it
 * @from: mapped, for the device to read
 * @from_offset: where in it
 * @length: in bytes; all of it is in both buffers
 *
 * Context: Process context.
 */
void test_engine_copy(struct test_attachment *to, u64 to_offset,
		      struct test_attachment *from, u64 from_offset, u64 length)
{
	while (length) {
		u64 some = length;
		u32 *source = find(from, from_offset, &some);
		u32 *target = find(to, to_offset, &some);

		if (WARN_ON(!source || !target))
			return;
		memmove(target, source, some);
		from_offset += some;
		to_offset += some;
		length -= some;
		cond_resched();
	}
}

/**
 * test_engine_checksum - add up the words of a part of a buffer
 * @from: mapped, for the device to read
 * @offset: where it begins, a multiple of 4
 * @length: in bytes, a multiple of 4; all of it is in the buffer
 *
 * Context: Process context.
 *
 * Return: the sum, modulo 2^32.
 */
u32 test_engine_checksum(struct test_attachment *from, u64 offset, u64 length)
{
	u32 sum = 0;
	u64 i;

	while (length) {
		u64 some = length;
		const u32 *data = find(from, offset, &some);

		if (WARN_ON(!data))
			break;
		for (i = 0; i < some / sizeof(*data); i++)
			sum += data[i];
		offset += some;
		length -= some;
		cond_resched();
	}
	return sum;
}
