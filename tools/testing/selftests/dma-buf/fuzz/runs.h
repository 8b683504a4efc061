/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The calls that are no plain ioctls. Each takes the values of its arguments and
 * returns what it gave, or a negative errno. None allocates memory: addresses that
 * one thread unmaps must not get into use elsewhere.
 */
#ifndef FUZZ_RUNS_H
#define FUZZ_RUNS_H

#include <errno.h>
#include <linux/types.h>

static inline long result_of(long ret)
{
	return ret < 0 ? -errno : ret;
}

/* call_device.c */
long run_open_heap(const __u64 *values);
long run_open_udmabuf(const __u64 *values);
long run_open_timeline(const __u64 *values);
long run_open_drm(const __u64 *values);
long run_open_renderer(const __u64 *values);
long run_open_test(const __u64 *values);
long run_udmabuf_list(const __u64 *values);
long run_prime_import(const __u64 *values);
long run_prime_export(const __u64 *values);
long run_gem_close(const __u64 *values);
long run_create_dumb(const __u64 *values);
long run_vgem_attach(const __u64 *values);
long run_vgem_job(const __u64 *values);
long run_vgem_signal(const __u64 *values);

/* call_syncobj.c */
long run_syncobj_create(const __u64 *values);
long run_syncobj_destroy(const __u64 *values);
long run_syncobj_export(const __u64 *values);
long run_syncobj_import(const __u64 *values);
long run_syncobj_transfer(const __u64 *values);
long run_syncobj_signal(const __u64 *values);
long run_syncobj_reset(const __u64 *values);
long run_syncobj_wait(const __u64 *values);
long run_syncobj_query(const __u64 *values);

/* call_memory.c */
long run_memfd(const __u64 *values);
long run_seal(const __u64 *values);
long run_truncate(const __u64 *values);
long run_allocate(const __u64 *values);
long run_map(const __u64 *values);
long run_map_anywhere(const __u64 *values);
long run_unmap(const __u64 *values);
long run_remap(const __u64 *values);
long run_remap_pages(const __u64 *values);
long run_protect(const __u64 *values);
long run_advise(const __u64 *values);
long run_msync(const __u64 *values);
long run_mlock(const __u64 *values);
long run_munlock(const __u64 *values);
long run_mincore(const __u64 *values);
long run_touch(const __u64 *values);
long run_fork_touch(const __u64 *values);
long run_pin(const __u64 *values);
long run_peek(const __u64 *values);

/* call_file.c */
long run_close(const __u64 *values);
long run_dup(const __u64 *values);
long run_dup2(const __u64 *values);
long run_send(const __u64 *values);
long run_receive(const __u64 *values);
long run_fcntl(const __u64 *values);
long run_lseek(const __u64 *values);
long run_read(const __u64 *values);
long run_write(const __u64 *values);
long run_stat(const __u64 *values);
long run_fdinfo(const __u64 *values);
long run_reopen(const __u64 *values);
long run_read_file(const __u64 *values);
long run_poll(const __u64 *values);
long run_epoll_create(const __u64 *values);
long run_epoll_watch(const __u64 *values);
long run_epoll_ctl(const __u64 *values);
long run_epoll_wait(const __u64 *values);
long run_limit_files(const __u64 *values);
long run_exit(const __u64 *values);

#endif
