// SPDX-License-Identifier: GPL-2.0-only
/*
 * What DMABUF_DEBUG adds to a mapping.
 *
 * An importer may use the DMA addresses of a table and nothing else of it: an
 * exporter's memory needs no struct pages.  So it is shown a copy that has no
 * pages, and what is on loan is kept in a list: giving back what was never
 * lent, and leaving before all is back, are seen and named.
 */
#include <linux/list.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>

#include "dma_buf_private.h"

/**
 * struct dma_buf_loan - a mapping in an importer's hands
 * @node: in dma_buf_attachment.mappings; reservation lock
 * @shown: the copy that the importer has
 * @sgt: the exporter's table
 * @dir: the direction it is mapped in
 */
struct dma_buf_loan {
	struct list_head node;
	struct sg_table shown;
	struct sg_table *sgt;
	enum dma_data_direction dir;
};

static int copy_addresses(struct sg_table *to, struct sg_table *from)
{
	struct scatterlist *source, *copy;
	unsigned int i;
	int err;

	err = sg_alloc_table(to, from->nents, GFP_KERNEL);
	if (err)
		return err;

	copy = to->sgl;
	for_each_sgtable_dma_sg(from, source, i) {
		sg_dma_address(copy) = sg_dma_address(source);
		sg_dma_len(copy) = sg_dma_len(source);
		/* Importers that add up lengths still get the right sum. */
		copy->length = sg_dma_len(source);
		copy = sg_next(copy);
	}
	return 0;
}

static void end_loan(struct dma_buf_loan *loan)
{
	list_del(&loan->node);
	sg_free_table(&loan->shown);
	kfree(loan);
}

void dma_buf_debug_attach(struct dma_buf_attachment *attach)
{
	INIT_LIST_HEAD(&attach->mappings);
}

/*
 * Called with the reservation lock held, before the attachment goes.  What is
 * still mapped then is unmapped here, so that the exporter's books are right.
 */
void dma_buf_debug_detach(struct dma_buf_attachment *attach)
{
	struct dma_buf *dmabuf = attach->dmabuf;
	struct dma_buf_loan *loan, *next;

	dma_resv_assert_held(dmabuf->resv);
	list_for_each_entry_safe(loan, next, &attach->mappings, node) {
		dma_buf_misuse(dmabuf->exp_name, attach->dev,
			       "detached while mapped");
		dma_buf_unmap_attachment(attach, &loan->shown, loan->dir);
	}
}

/*
 * Returns the table to show instead of @sgt, or NULL when there is no memory
 * for it.
 */
struct sg_table *dma_buf_debug_map(struct dma_buf_attachment *attach,
				   struct sg_table *sgt,
				   enum dma_data_direction dir)
{
	struct dma_buf_loan *loan;

	loan = kzalloc(sizeof(*loan), GFP_KERNEL);
	if (!loan)
		return NULL;
	if (copy_addresses(&loan->shown, sgt)) {
		kfree(loan);
		return NULL;
	}
	loan->sgt = sgt;
	loan->dir = dir;
	list_add(&loan->node, &attach->mappings);
	return &loan->shown;
}

/*
 * Returns the exporter's table behind @shown, or NULL when the attachment has
 * no such mapping.
 */
struct sg_table *dma_buf_debug_unmap(struct dma_buf_attachment *attach,
				     struct sg_table *shown,
				     enum dma_data_direction dir)
{
	struct dma_buf *dmabuf = attach->dmabuf;
	struct sg_table *sgt;
	struct dma_buf_loan *loan;

	list_for_each_entry(loan, &attach->mappings, node) {
		if (&loan->shown != shown)
			continue;
		if (loan->dir != dir)
			dma_buf_misuse(dmabuf->exp_name, attach->dev,
				       "unmapped in another direction");
		sgt = loan->sgt;
		end_loan(loan);
		return sgt;
	}
	dma_buf_misuse(dmabuf->exp_name, attach->dev,
		       "unmapped what is not mapped");
	return NULL;
}
