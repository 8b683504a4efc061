// SPDX-License-Identifier: GPL-2.0-only
/*
 * What map_unlocked.cocci is to find, and what it is to let be. Lines that it is to
 * name say so; this is never compiled.
 */

#include <linux/dma-buf.h>
#include <linux/dma-resv.h>

struct sg_table *unlocked(struct dma_buf_attachment *attach)
{
	return dma_buf_map_attachment(attach, DMA_TO_DEVICE);	/* found: dma_buf_map_attachment */
}

void unlocked_the_other_way(struct dma_buf_attachment *attach, struct sg_table *sgt)
{
	dma_buf_unmap_attachment(attach, sgt, DMA_TO_DEVICE); /* found: dma_buf_unmap_attachment */
}

int unlocked_under_another_lock(struct import *import, struct iosys_map *map)
{
	int ret;

	mutex_lock(&import->lock);
	ret = dma_buf_vmap(import->dmabuf, map);		/* found: dma_buf_vmap */
	if (!ret)
		dma_buf_vunmap(import->dmabuf, map);		/* found: dma_buf_vunmap */
	mutex_unlock(&import->lock);
	return ret;
}

int pinned_unlocked(struct dma_buf_attachment *attach)
{
	return dma_buf_pin(attach);				/* found: dma_buf_pin */
}

void moved_unlocked(struct dma_buf *dmabuf)
{
	dma_buf_move_notify(dmabuf);				/* found: dma_buf_move_notify */
}

int locked(struct dma_buf_attachment *attach)
{
	int ret;

	ret = dma_resv_lock_interruptible(attach->dmabuf->resv, NULL);
	if (ret)
		return ret;
	ret = dma_buf_pin(attach);
	dma_resv_unlock(attach->dmabuf->resv);
	return ret;
}

void asserted(struct dma_buf_attachment *attach)
{
	dma_resv_assert_held(attach->dmabuf->resv);
	dma_buf_unpin(attach);
}

void called_with_the_lock(struct dma_buf *dmabuf)
{
	dma_buf_move_notify(dmabuf);
}

void caller_that_locks(struct dma_buf *dmabuf)
{
	dma_resv_lock(dmabuf->resv, NULL);
	called_with_the_lock(dmabuf);
	dma_resv_unlock(dmabuf->resv);
}

int operation(struct drm_gem_object *object, struct iosys_map *map)
{
	return dma_buf_vmap(object->import_attach->dmabuf, map);
}

void called_by_an_operation(struct drm_gem_object *object, struct iosys_map *map)
{
	dma_buf_vunmap(object->import_attach->dmabuf, map);
}

void operation_that_calls(struct drm_gem_object *object, struct iosys_map *map)
{
	if (object->import_attach)
		called_by_an_operation(object, map);
}

static const struct drm_gem_object_funcs object_funcs = {
	.vmap = operation,
	.vunmap = operation_that_calls,
};

struct sg_table *locks_by_itself(struct dma_buf_attachment *attach)
{
	return dma_buf_map_attachment_unlocked(attach, DMA_TO_DEVICE);
}
