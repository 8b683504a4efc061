// SPDX-License-Identifier: GPL-2.0-only
/*
 * What fence_leak.cocci is to find, and what it is to let be. Lines that it is to
 * name say so; this is never compiled.
 */

#include <linux/dma-resv.h>
#include <linux/sync_file.h>

struct job {
	struct dma_fence *fence;
	struct dma_resv *resv;
};

int put_after_the_wait(int fd)
{
	struct dma_fence *fence = sync_file_get_fence(fd);
	long ret;

	if (!fence)
		return -EINVAL;
	ret = dma_fence_wait(fence, true);
	dma_fence_put(fence);
	return ret;
}

int not_put_after_the_wait(int fd)
{
	struct dma_fence *fence = sync_file_get_fence(fd);

	if (!fence)
		return -EINVAL;
	return dma_fence_wait(fence, true);		/* found: missing dma_fence_put */
}

int not_put_when_interrupted(int fd, struct job *job)
{
	struct dma_fence *fence;
	int ret;

	fence = sync_file_get_fence(fd);
	if (!fence || job->fence)
		return -EINVAL;
	ret = dma_fence_wait(fence, true);
	if (ret)
		return ret;				/* found: missing dma_fence_put */
	job->fence = fence;
	return 0;
}

int object_takes_its_own_reference(struct job *job)
{
	struct dma_fence *fence = dma_fence_get(job->fence);

	dma_resv_add_fence(job->resv, fence, DMA_RESV_USAGE_WRITE);
	return 0;					/* found: missing dma_fence_put */
}

int object_takes_its_own_and_ours_is_put(struct job *job)
{
	struct dma_fence *fence = dma_fence_get(job->fence);

	dma_resv_add_fence(job->resv, fence, DMA_RESV_USAGE_WRITE);
	dma_fence_put(fence);
	return 0;
}

struct sync_file *sync_file_takes_its_own_reference(struct job *job)
{
	struct dma_fence *fence = dma_fence_get_stub();
	struct sync_file *file = sync_file_create(fence);

	return file;					/* found: missing dma_fence_put */
}

int dependency_takes_ours(struct drm_sched_job *job, int fd)
{
	struct dma_fence *fence = sync_file_get_fence(fd);

	if (!fence)
		return -EINVAL;
	return drm_sched_job_add_dependency(job, fence);
}

struct dma_fence *returned(struct job *job)
{
	struct dma_fence *fence = dma_fence_get(job->fence);

	dma_fence_enable_sw_signaling(fence);
	return fence;
}

int put_if_any(struct job *job)
{
	struct dma_fence *fence = dma_fence_get(job->fence);

	if (fence)
		dma_fence_put(fence);
	return 0;
}

int not_put_when_there_is_no_space(struct drm_file *drm_file, u32 handle, struct job *job)
{
	struct dma_fence *fence;
	int ret;

	ret = drm_syncobj_find_fence(drm_file, handle, 0, 0, &fence);
	if (ret)
		return ret;
	ret = dma_resv_reserve_fences(job->resv, 1);
	if (ret)
		goto out;
	dma_resv_add_fence(job->resv, fence, DMA_RESV_USAGE_READ);
	dma_fence_put(fence);
out:
	return ret;					/* found: missing dma_fence_put */
}

int put_when_there_is_no_space(struct drm_file *drm_file, u32 handle, struct job *job)
{
	struct dma_fence *fence;
	int ret;

	ret = drm_syncobj_find_fence(drm_file, handle, 0, 0, &fence);
	if (ret)
		return ret;
	ret = dma_resv_reserve_fences(job->resv, 1);
	if (!ret)
		dma_resv_add_fence(job->resv, fence, DMA_RESV_USAGE_READ);
	dma_fence_put(fence);
	return ret;
}

/* Sync files. */

int file_is_lost_with_the_fd(struct dma_fence *fence)
{
	struct sync_file *file = sync_file_create(fence);
	int fd;

	if (!file)
		return -ENOMEM;
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;				/* found: missing fput */
	fd_install(fd, file->file);
	return fd;
}

int file_goes_with_the_fd(struct dma_fence *fence)
{
	struct sync_file *file = sync_file_create(fence);
	int fd;

	if (!file)
		return -ENOMEM;
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0) {
		fput(file->file);
		return fd;
	}
	fd_install(fd, file->file);
	return fd;
}
