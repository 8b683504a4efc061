// SPDX-License-Identifier: GPL-2.0-only
/* The table of calls: a new one is one more line. */
#include <assert.h>
#include <string.h>

#include <linux/fs.h>

#include <linux/dma-buf-test.h>

#include "fence_helpers.h"
#include "udmabuf_helpers.h"
#include "calls.h"
#include "places.h"
#include "runs.h"

/* A part of an ioctl's structure. */
#define PART(_struct, _member, _kind) {					\
	.kind = _kind,							\
	.offset = offsetof(struct _struct, _member),			\
	.size = sizeof(((struct _struct *)0)->_member),			\
}

#define IOCTL(_weight, _name, _fd, _request, _struct, ...) {		\
	.name = _name,							\
	.weight = _weight,						\
	.request = _request,						\
	.size = sizeof(struct _struct),					\
	.fields = { { _fd }, { POINTER }, { REQUEST }, __VA_ARGS__ },	\
}

/* One that makes something: the kernel leaves its fd or id in @_member. */
#define IOCTL_FD(_weight, _name, _fd, _request, _struct, _gives, _member, ...) {	\
	.name = _name,							\
	.weight = _weight,						\
	.request = _request,						\
	.size = sizeof(struct _struct),					\
	.gives = _gives,						\
	.result = offsetof(struct _struct, _member),			\
	.fields = { { _fd }, { POINTER }, { REQUEST }, { RESULT }, __VA_ARGS__ },	\
}

/* One that makes a fd and an id. */
#define IOCTL_FD_ID(_weight, _name, _fd, _request, _struct, _gives, _gives_id, ...) {	\
	.name = _name,							\
	.weight = _weight,						\
	.request = _request,						\
	.size = sizeof(struct _struct),					\
	.gives = _gives,						\
	.result = offsetof(struct _struct, fd),				\
	.gives_id = _gives_id,						\
	.id = offsetof(struct _struct, id),				\
	.fields = { { _fd }, { POINTER }, { REQUEST }, { RESULT }, __VA_ARGS__ },	\
}

/* One for something that has an id. */
#define TEST_CALL(_weight, _name, _request, _kind)			\
	IOCTL(_weight, _name, TEST, _request, number, PART(number, number, _kind))

/* One that has an engine work. */
#define JOB_CALL(_weight, _name, _work, ...)				\
	IOCTL_FD_ID(_weight, _name, TEST, DMA_BUF_TEST_IOC_JOB, dma_buf_test_job,	\
		    FENCE, JOB, PART(dma_buf_test_job, flags, JOB_FLAGS),	\
		    PART(dma_buf_test_job, work, _work),		\
		    PART(dma_buf_test_job, length, LENGTH),		\
		    PART(dma_buf_test_job, end, JOB_END),		\
		    PART(dma_buf_test_job, delay_ns, DELAY),		\
		    PART(dma_buf_test_job, error, JOB_ERROR), ##__VA_ARGS__)

#define CALL(_weight, _name, _run, ...) {				\
	.name = _name,							\
	.weight = _weight,						\
	.run = _run,							\
	.fields = { __VA_ARGS__ },					\
}

/* One that returns what it makes. */
#define CALL_FD(_weight, _name, _gives, _run, ...) {			\
	.name = _name,							\
	.weight = _weight,						\
	.run = _run,							\
	.gives = _gives,						\
	.result = -1,							\
	.fields = { __VA_ARGS__, { RESULT } },				\
}

/* One for a part of a window. */
#define AREA_CALL(_weight, _name, _run, ...)				\
	CALL(_weight, _name, _run, { WINDOW }, { AREA_PLACE }, { AREA_SIZE }, ##__VA_ARGS__)

/* What the argument of SET_NAME points to, and that of INC or of what wants an id. */
struct name_text {
	char name[NAME_ROOM];
};

struct number {
	__u32 number;
};

const struct call_type call_types[] = {
	/* Buffers */
	CALL_FD(2, "open_heap", HEAP, run_open_heap, { INDEX }),
	IOCTL_FD(8, "heap_alloc", HEAP, DMA_HEAP_IOCTL_ALLOC, dma_heap_allocation_data,
		 BUFFER, fd, PART(dma_heap_allocation_data, len, BUFFER_SIZE),
		 PART(dma_heap_allocation_data, fd, ZERO),
		 PART(dma_heap_allocation_data, fd_flags, FD_FLAGS),
		 PART(dma_heap_allocation_data, heap_flags, ZERO)),
	CALL_FD(2, "open_udmabuf", UDMABUF_DEVICE, run_open_udmabuf, { ZERO }),
	{
		.name = "udmabuf_create",
		.weight = 8,
		.request = UDMABUF_CREATE,
		.size = sizeof(struct udmabuf_create),
		.gives = BUFFER,
		.result = -1,
		.fields = { { UDMABUF_DEVICE }, { POINTER }, { REQUEST }, { RESULT },
			    PART(udmabuf_create, memfd, MEMFD),
			    PART(udmabuf_create, flags, CLOEXEC_FLAGS),
			    PART(udmabuf_create, offset, OFFSET),
			    PART(udmabuf_create, size, PART_SIZE) },
	},
	CALL_FD(6, "udmabuf_list", BUFFER, run_udmabuf_list, { UDMABUF_DEVICE }, { CLOEXEC_FLAGS },
		{ PARTS }, { MEMFD }, { OFFSET }, { PART_SIZE }, { MEMFD }, { OFFSET },
		{ PART_SIZE }, { POINTER }),
	CALL_FD(4, "memfd", MEMFD, run_memfd, { MEMFD_FLAGS }, { FILE_SIZE }, { SEALS }),
	CALL(2, "seal", run_seal, { MEMFD }, { SEALS }),
	CALL(1, "truncate", run_truncate, { MEMFD }, { FILE_SIZE }),
	CALL(2, "allocate", run_allocate, { MEMFD }, { ALLOCATE_MODE }, { OFFSET },
	     { FILE_SIZE }),

	/* What a buffer's fd can do */
	IOCTL(8, "sync", BUFFER, DMA_BUF_IOCTL_SYNC, dma_buf_sync,
	      PART(dma_buf_sync, flags, SYNC_FLAGS)),
	IOCTL(2, "set_name_a", BUFFER, DMA_BUF_SET_NAME_A, name_text,
	      PART(name_text, name, NAME)),
	IOCTL(3, "set_name_b", BUFFER, DMA_BUF_SET_NAME_B, name_text,
	      PART(name_text, name, NAME)),
	IOCTL_FD(8, "export_sync_file", BUFFER, DMA_BUF_IOCTL_EXPORT_SYNC_FILE,
		 dma_buf_export_sync_file, FENCE, fd,
		 PART(dma_buf_export_sync_file, flags, ACCESS_FLAGS)),
	IOCTL(10, "import_sync_file", BUFFER, DMA_BUF_IOCTL_IMPORT_SYNC_FILE,
	      dma_buf_import_sync_file,
	      PART(dma_buf_import_sync_file, flags, ACCESS_FLAGS),
	      PART(dma_buf_import_sync_file, fd, FENCE)),

	/* Sync files */
	IOCTL_FD(8, "merge", FENCE, SYNC_IOC_MERGE, sync_merge_data, FENCE, fence,
		 PART(sync_merge_data, name, NAME), PART(sync_merge_data, fd2, FENCE),
		 PART(sync_merge_data, flags, ZERO), PART(sync_merge_data, pad, ZERO)),
	IOCTL(5, "file_info", FENCE, SYNC_IOC_FILE_INFO, sync_file_info,
	      PART(sync_file_info, flags, ZERO), PART(sync_file_info, num_fences, ROOM),
	      PART(sync_file_info, pad, ZERO), PART(sync_file_info, sync_fence_info, ARRAY)),
	IOCTL(5, "set_deadline", FENCE, SYNC_IOC_SET_DEADLINE, sync_set_deadline,
	      PART(sync_set_deadline, deadline_ns, DEADLINE),
	      PART(sync_set_deadline, pad, ZERO)),

	/* Timelines */
	CALL_FD(3, "open_timeline", TIMELINE, run_open_timeline, { ZERO }),
	IOCTL_FD(14, "create_fence", TIMELINE, SW_SYNC_IOC_CREATE_FENCE, sw_sync_create_fence,
		 FENCE, fence, PART(sw_sync_create_fence, value, POINT),
		 PART(sw_sync_create_fence, name, NAME)),
	IOCTL(7, "inc", TIMELINE, SW_SYNC_IOC_INC, number, PART(number, number, STEP)),
	IOCTL(3, "get_deadline", TIMELINE, SW_SYNC_GET_DEADLINE, sw_sync_get_deadline,
	      PART(sw_sync_get_deadline, pad, ZERO),
	      PART(sw_sync_get_deadline, fence_fd, FENCE)),

	/* Importers */
	CALL_FD(2, "open_drm", DRM, run_open_drm, { NODE }),
	CALL_FD(2, "open_renderer", RENDERER, run_open_renderer, { NODE }),
	CALL_FD(5, "prime_import", HANDLE, run_prime_import, { DRM }, { BUFFER }),
	CALL_FD(2, "prime_export", BUFFER, run_prime_export, { DRM }, { HANDLE },
		{ FD_FLAGS }),
	CALL(3, "gem_close", run_gem_close, { DRM }, { HANDLE }),
	CALL_FD(1, "create_dumb", HANDLE, run_create_dumb, { DRM }, { PART_SIZE }),
	CALL(3, "vgem_attach", run_vgem_attach, { DRM }, { HANDLE }, { ACCESS_FLAGS }),
	CALL(2, "vgem_job", run_vgem_job, { DRM }, { HANDLE }, { ACCESS_FLAGS }),
	CALL(2, "vgem_signal", run_vgem_signal, { DRM }, { NODE }),
	CALL_FD(2, "syncobj_create", SYNCOBJ, run_syncobj_create, { RENDERER },
		{ CLOEXEC_FLAGS }),
	CALL(1, "syncobj_destroy", run_syncobj_destroy, { RENDERER }, { SYNCOBJ }),
	CALL_FD(2, "syncobj_export", FENCE, run_syncobj_export, { RENDERER }, { SYNCOBJ }),
	CALL(2, "syncobj_import", run_syncobj_import, { RENDERER }, { SYNCOBJ }, { FENCE }),
	CALL(3, "syncobj_transfer", run_syncobj_transfer, { RENDERER }, { SYNCOBJ }, { NODE },
	     { SYNCOBJ }, { NODE }),
	CALL(2, "syncobj_signal", run_syncobj_signal, { RENDERER }, { SYNCOBJ }, { NODE }),
	CALL(1, "syncobj_reset", run_syncobj_reset, { RENDERER }, { SYNCOBJ }),
	CALL(1, "syncobj_wait", run_syncobj_wait, { RENDERER }, { SYNCOBJ }, { SYNCOBJ },
	     { NODE }, { WAIT_FLAGS }, { TIMEOUT }),
	CALL(1, "syncobj_query", run_syncobj_query, { RENDERER }, { SYNCOBJ }),

	/* Exporters, importers and engines */
	CALL_FD(2, "open_test", TEST, run_open_test, { ZERO }),
	IOCTL_FD_ID(14, "test_export", TEST, DMA_BUF_TEST_IOC_EXPORT, dma_buf_test_buffer,
		    BUFFER, TEST_BUFFER, PART(dma_buf_test_buffer, flags, EXPORTER_FLAGS),
		    PART(dma_buf_test_buffer, placement, PLACEMENT),
		    PART(dma_buf_test_buffer, size, BUFFER_SIZE)),
	IOCTL(3, "test_fail", TEST, DMA_BUF_TEST_IOC_FAIL, dma_buf_test_fail,
	      PART(dma_buf_test_fail, buffer, TEST_BUFFER), PART(dma_buf_test_fail, op, OP),
	      PART(dma_buf_test_fail, nth, NTH), PART(dma_buf_test_fail, error, OP_ERROR)),
	IOCTL(6, "test_move", TEST, DMA_BUF_TEST_IOC_MOVE, dma_buf_test_move,
	      PART(dma_buf_test_move, buffer, TEST_BUFFER),
	      PART(dma_buf_test_move, placement, PLACEMENT)),
	IOCTL(2, "test_buffer_state", TEST, DMA_BUF_TEST_IOC_BUFFER_STATE,
	      dma_buf_test_buffer_state, PART(dma_buf_test_buffer_state, buffer, TEST_BUFFER)),
	TEST_CALL(2, "test_drop", DMA_BUF_TEST_IOC_DROP, TEST_BUFFER),
	IOCTL_FD(3, "test_device", TEST, DMA_BUF_TEST_IOC_DEVICE, dma_buf_test_device,
		 IMPORTER, id, PART(dma_buf_test_device, flags, IMPORTER_FLAGS),
		 PART(dma_buf_test_device, dma_bits, DMA_BITS),
		 PART(dma_buf_test_device, max_segment, SEGMENT)),
	TEST_CALL(1, "test_remove_device", DMA_BUF_TEST_IOC_REMOVE_DEVICE, IMPORTER),
	IOCTL_FD(7, "test_attach", TEST, DMA_BUF_TEST_IOC_ATTACH, dma_buf_test_attach,
		 ATTACHMENT, id, PART(dma_buf_test_attach, device, IMPORTER),
		 PART(dma_buf_test_attach, fd, BUFFER)),
	TEST_CALL(3, "test_detach", DMA_BUF_TEST_IOC_DETACH, ATTACHMENT),
	IOCTL_FD(3, "test_pin", TEST, DMA_BUF_TEST_IOC_PIN, number, PINNING, number,
		 PART(number, number, ATTACHMENT)),
	TEST_CALL(3, "test_unpin", DMA_BUF_TEST_IOC_UNPIN, PINNING),
	IOCTL_FD(7, "test_map", TEST, DMA_BUF_TEST_IOC_MAP, dma_buf_test_map,
		 MAPPING, attachment, PART(dma_buf_test_map, attachment, ATTACHMENT),
		 PART(dma_buf_test_map, direction, DIRECTION),
		 PART(dma_buf_test_map, reserved, ZERO)),
	TEST_CALL(3, "test_unmap", DMA_BUF_TEST_IOC_UNMAP, MAPPING),
	IOCTL_FD(2, "test_vmap", TEST, DMA_BUF_TEST_IOC_VMAP, number, VMAPPING, number,
		 PART(number, number, ATTACHMENT)),
	TEST_CALL(2, "test_vunmap", DMA_BUF_TEST_IOC_VUNMAP, VMAPPING),
	IOCTL(2, "test_attachment_state", TEST, DMA_BUF_TEST_IOC_ATTACHMENT_STATE,
	      dma_buf_test_attachment_state,
	      PART(dma_buf_test_attachment_state, attachment, ATTACHMENT)),
	JOB_CALL(5, "test_fill", FILL, PART(dma_buf_test_job, target, MAPPING),
		 PART(dma_buf_test_job, target_offset, AREA_PLACE),
		 PART(dma_buf_test_job, value, STEP)),
	JOB_CALL(5, "test_copy", COPY, PART(dma_buf_test_job, source, MAPPING),
		 PART(dma_buf_test_job, target, MAPPING),
		 PART(dma_buf_test_job, source_offset, AREA_PLACE),
		 PART(dma_buf_test_job, target_offset, AREA_PLACE),
		 PART(dma_buf_test_job, usage, USAGE)),
	JOB_CALL(4, "test_checksum", CHECKSUM, PART(dma_buf_test_job, source, MAPPING),
		 PART(dma_buf_test_job, source_offset, AREA_PLACE),
		 PART(dma_buf_test_job, usage, USAGE)),
	IOCTL(5, "test_trigger", TEST, DMA_BUF_TEST_IOC_TRIGGER, dma_buf_test_trigger,
	      PART(dma_buf_test_trigger, job, JOB),
	      PART(dma_buf_test_trigger, error, JOB_ERROR)),
	IOCTL(2, "test_job_state", TEST, DMA_BUF_TEST_IOC_JOB_STATE, dma_buf_test_job_state,
	      PART(dma_buf_test_job_state, job, JOB)),

	/* Memory */
	{
		.name = "map",
		.weight = 8,
		.run = run_map,
		.gives = WINDOW,
		.fields = { { BUFFER }, { MAP_SIZE }, { PROT }, { MAP_FLAGS }, { MAP_OFFSET },
			    { WINDOW } },
	},
	CALL(2, "map_anywhere", run_map_anywhere, { BUFFER }, { MAP_SIZE }, { PROT },
	     { MAP_FLAGS }, { MAP_OFFSET }),
	AREA_CALL(3, "unmap", run_unmap),
	AREA_CALL(3, "remap", run_remap, { AREA_SIZE }, { REMAP_FLAGS }, { WINDOW }),
	AREA_CALL(1, "remap_pages", run_remap_pages, { INDEX }),
	AREA_CALL(2, "protect", run_protect, { PROT }),
	AREA_CALL(3, "advise", run_advise, { ADVICE }),
	AREA_CALL(1, "msync", run_msync, { MSYNC_FLAGS }),
	AREA_CALL(1, "mlock", run_mlock),
	AREA_CALL(1, "munlock", run_munlock),
	AREA_CALL(1, "mincore", run_mincore),
	AREA_CALL(8, "touch", run_touch, { TOUCH }),
	AREA_CALL(1, "fork_touch", run_fork_touch, { TOUCH }),
	/* The kernel refuses both: there are no pages behind these mappings. */
	AREA_CALL(1, "pin", run_pin),
	AREA_CALL(2, "peek", run_peek, { TOUCH }),

	/* File descriptors */
	CALL(6, "close", run_close, { SLOT }),
	CALL(3, "dup", run_dup, { SLOT }, { SLOT }),
	CALL(2, "dup2", run_dup2, { SLOT }, { SLOT }),
	CALL(7, "send", run_send, { SLOT }, { SIDE }),
	CALL(8, "receive", run_receive, { SIDE }),
	CALL(2, "fcntl", run_fcntl, { ANY_FD }, { COMMAND }, { COMMAND_ARG }),
	CALL(2, "lseek", run_lseek, { ANY_FD }, { OFFSET }, { WHENCE }),
	/* Only memfds can. */
	CALL(1, "read", run_read, { ANY_FD }),
	CALL(1, "write", run_write, { ANY_FD }),
	CALL(1, "stat", run_stat, { ANY_FD }),
	CALL(2, "fdinfo", run_fdinfo, { ANY_FD }, { CHUNK }),
	CALL(1, "reopen", run_reopen, { ANY_FD }),
	CALL(2, "read_file", run_read_file, { INDEX }, { CHUNK }),
	CALL(5, "poll", run_poll, { ANY_FD }, { ANY_FD }, { EVENTS }, { TIMEOUT }),
	CALL_FD(1, "epoll_create", EPOLL, run_epoll_create, { ZERO }),
	CALL_FD(3, "epoll_watch", EPOLL, run_epoll_watch, { ANY_FD }, { WATCH_EVENTS }),
	CALL(4, "epoll_ctl", run_epoll_ctl, { EPOLL }, { ANY_FD }, { WATCH_OP },
	     { WATCH_EVENTS }),
	CALL(3, "epoll_wait", run_epoll_wait, { EPOLL }, { TIMEOUT }),
	CALL(1, "limit_files", run_limit_files, { FILES_LIMIT }),
	CALL(1, "exit", run_exit, { ZERO }),
};

const unsigned int num_call_types = sizeof(call_types) / sizeof(*call_types);

/* An argument is a byte, and so is the type of a call. */
static_assert(sizeof(call_types) / sizeof(*call_types) < 256, "too many types of calls");

int call_type_find(const char *name)
{
	unsigned int i;

	for (i = 0; i < num_call_types; i++) {
		if (!strcmp(call_types[i].name, name))
			return i;
	}
	return -1;
}

bool call_type_is_possible(const struct call_type *type)
{
	unsigned int i;

	if (type->gives && !places_have(type->gives))
		return false;
	for (i = 0; type->fields[i].kind != NOTHING; i++) {
		if (!places_have(type->fields[i].kind))
			return false;
	}
	return true;
}
