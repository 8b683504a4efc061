// SPDX-License-Identifier: GPL-2.0-only
/*
 * What attach_leak.cocci is to find, and what it is to let be. Lines that it is to
 * name say so; this is never compiled.
 */

#include <linux/dma-buf.h>

struct import {
	struct dma_buf *dmabuf;
	struct dma_buf_attachment *attach;
	struct sg_table *sgt;
};

/* Buffers. */

int put_on_all_paths(int fd, size_t size)
{
	struct dma_buf *dmabuf = dma_buf_get(fd);
	int ret = 0;

	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);
	if (dmabuf->size < size)
		ret = -EINVAL;
	dma_buf_put(dmabuf);
	return ret;
}

int not_put_when_too_small(int fd, size_t size)
{
	struct dma_buf *dmabuf = dma_buf_get(fd);

	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);
	if (dmabuf->size < size)
		return -EINVAL;				/* found: missing dma_buf_put */
	dma_buf_put(dmabuf);
	return 0;
}

int not_put_at_all(int fd, struct iosys_map *map)
{
	struct dma_buf *dmabuf;
	int ret;

	dmabuf = dma_buf_get(fd);
	if (IS_ERR_OR_NULL(dmabuf))
		return -EINVAL;
	ret = dma_buf_vmap_unlocked(dmabuf, map);
	if (!ret)
		dma_buf_vunmap_unlocked(dmabuf, map);
	return ret;					/* found: missing dma_buf_put */
}

struct dma_buf *returned(int fd)
{
	struct dma_buf *dmabuf = dma_buf_get(fd);

	if (IS_ERR(dmabuf))
		return dmabuf;
	return dmabuf;
}

int kept_by_another_function(int fd, struct import *import)
{
	struct dma_buf *dmabuf = dma_buf_get(fd);

	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);
	return keep_buffer(import, dmabuf);
}

int kept_through_the_attachment(int fd, struct device *dev, struct import *import)
{
	struct dma_buf_attachment *attach;
	struct dma_buf *dmabuf;

	dmabuf = dma_buf_get(fd);
	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);
	attach = dma_buf_attach(dmabuf, dev);
	if (IS_ERR(attach)) {
		dma_buf_put(dmabuf);
		return PTR_ERR(attach);
	}
	import->attach = attach;
	return 0;
}

int not_put_when_not_attached(int fd, struct device *dev, struct import *import)
{
	struct dma_buf_attachment *attach;
	struct dma_buf *dmabuf;

	dmabuf = dma_buf_get(fd);
	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);
	attach = dma_buf_attach(dmabuf, dev);
	if (IS_ERR(attach))
		return PTR_ERR(attach);			/* found: missing dma_buf_put */
	import->attach = attach;
	return 0;
}

struct import *reference_kept_when_not_attached(struct dma_buf *dmabuf, struct device *dev)
{
	struct dma_buf_attachment *attach;
	struct import *import;

	import = kzalloc(sizeof(*import), GFP_KERNEL);
	if (!import)
		return ERR_PTR(-ENOMEM);
	get_dma_buf(dmabuf);
	attach = dma_buf_dynamic_attach(dmabuf, dev, &ops, import);
	if (IS_ERR(attach))
		goto free;
	import->attach = attach;
	return import;
free:
	kfree(import);
	return ERR_CAST(attach);			/* found: missing dma_buf_put */
}

int not_put_when_detached(struct dma_buf *dmabuf, struct device *dev, struct import *import)
{
	struct dma_buf_attachment *attach;
	int ret = 0;

	get_dma_buf(dmabuf);
	attach = dma_buf_attach(dmabuf, dev);
	if (IS_ERR(attach)) {
		ret = PTR_ERR(attach);
		goto put;
	}
	if (begin(import, attach)) {
		dma_buf_detach(dmabuf, attach);
		return -EBUSY;				/* found: missing dma_buf_put */
	}
	return 0;
put:
	dma_buf_put(dmabuf);
	return ret;
}

/* Attachments. */

int undone_in_reverse(struct dma_buf *dmabuf, struct device *dev, struct import *import)
{
	struct dma_buf_attachment *attach;
	struct sg_table *sgt;
	int ret;

	attach = dma_buf_attach(dmabuf, dev);
	if (IS_ERR(attach))
		return PTR_ERR(attach);
	sgt = dma_buf_map_attachment_unlocked(attach, DMA_FROM_DEVICE);
	if (IS_ERR(sgt)) {
		ret = PTR_ERR(sgt);
		goto detach;
	}
	ret = start_dma(import, sgt);
	if (ret)
		goto unmap;
	import->attach = attach;
	import->sgt = sgt;
	return 0;
unmap:
	dma_buf_unmap_attachment_unlocked(attach, sgt, DMA_FROM_DEVICE);
detach:
	dma_buf_detach(dmabuf, attach);
	return ret;
}

int not_detached_when_not_mapped(struct dma_buf *dmabuf, struct device *dev, struct import *import)
{
	struct dma_buf_attachment *attach;
	struct sg_table *sgt;

	attach = dma_buf_attach(dmabuf, dev);
	if (IS_ERR(attach))
		return PTR_ERR(attach);
	sgt = dma_buf_map_attachment_unlocked(attach, DMA_FROM_DEVICE);
	if (IS_ERR(sgt))
		return PTR_ERR(sgt);			/* found: missing dma_buf_detach */
	import->attach = attach;
	import->sgt = sgt;
	return 0;
}

int jumps_past_the_detach(struct dma_buf *dmabuf, struct device *dev, struct import *import)
{
	struct dma_buf_attachment *attach;
	int ret = 0;

	attach = dma_buf_attach(dmabuf, dev);
	if (IS_ERR(attach)) {
		ret = PTR_ERR(attach);
		goto out;
	}
	if (attach->peer2peer) {
		ret = -EOPNOTSUPP;
		goto out;
	}
	ret = use(import);
	dma_buf_detach(dmabuf, attach);
out:
	return ret;					/* found: missing dma_buf_detach */
}

void attached_for_nothing(struct dma_buf *dmabuf, struct device *dev)
{
	struct dma_buf_attachment *attach = dma_buf_attach(dmabuf, dev);

	if (IS_ERR(attach))
		dev_err(dev, "not attached\n");
}							/* found: missing dma_buf_detach */

int detached_if_attached(struct dma_buf *dmabuf, struct device *dev, struct import *import)
{
	struct dma_buf_attachment *attach;
	int ret;

	attach = dma_buf_attach(dmabuf, dev);
	if (IS_ERR(attach))
		return PTR_ERR(attach);
	ret = use(import);
	if (!IS_ERR_OR_NULL(attach))
		dma_buf_detach(dmabuf, attach);
	return ret;
}

int part_of_an_initializer(struct dma_buf *dmabuf, struct device *dev, struct import *import)
{
	struct dma_buf_attachment *attach;

	attach = dma_buf_attach(dmabuf, dev);
	if (IS_ERR(attach))
		return PTR_ERR(attach);
	*import = (struct import) { .dmabuf = dmabuf, .attach = attach };
	return 0;
}

struct import *freed_without_detaching(struct dma_buf *dmabuf, struct device *dev)
{
	struct import *import = kzalloc(sizeof(*import), GFP_KERNEL);

	if (!import)
		return ERR_PTR(-ENOMEM);
	import->attach = dma_buf_attach(dmabuf, dev);
	if (IS_ERR(import->attach))
		goto free;
	import->sgt = dma_buf_map_attachment_unlocked(import->attach, DMA_TO_DEVICE);
	if (IS_ERR(import->sgt))
		goto free;
	return import;
free:
	kfree(import);					/* found: missing dma_buf_detach */
	return NULL;
}

struct import *freed_after_detaching(struct dma_buf *dmabuf, struct device *dev)
{
	struct import *import = kzalloc(sizeof(*import), GFP_KERNEL);

	if (!import)
		return ERR_PTR(-ENOMEM);
	import->attach = dma_buf_attach(dmabuf, dev);
	if (IS_ERR(import->attach))
		goto free;
	import->sgt = dma_buf_map_attachment_unlocked(import->attach, DMA_TO_DEVICE);
	if (IS_ERR(import->sgt))
		goto detach;
	return import;
detach:
	dma_buf_detach(dmabuf, import->attach);
free:
	kfree(import);
	return NULL;
}

/* Mappings. */

int not_unmapped_when_scattered(struct dma_buf_attachment *attach, struct import *import)
{
	struct sg_table *sgt;

	dma_resv_assert_held(attach->dmabuf->resv);
	sgt = dma_buf_map_attachment(attach, DMA_TO_DEVICE);
	if (IS_ERR(sgt))
		return PTR_ERR(sgt);
	if (sgt->nents > 1)
		return -EINVAL;			/* found: missing dma_buf_unmap_attachment */
	import->sgt = sgt;
	return 0;
}

int unmapped_when_scattered(struct dma_buf_attachment *attach, struct import *import)
{
	struct sg_table *sgt;

	sgt = dma_buf_map_attachment_unlocked(attach, DMA_TO_DEVICE);
	if (IS_ERR(sgt))
		return PTR_ERR(sgt);
	if (sgt->nents > 1) {
		dma_buf_unmap_attachment_unlocked(attach, sgt, DMA_TO_DEVICE);
		return -EINVAL;
	}
	import->sgt = sgt;
	return 0;
}
