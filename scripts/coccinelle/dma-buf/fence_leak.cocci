// SPDX-License-Identifier: GPL-2.0-only
/// Find a fence or a sync file to which a function got a reference that it
/// neither puts on some path nor leaves to anybody else. Those who keep a fence
/// take a reference of their own in sync_file_create(), dma_resv_add_fence() and
/// drm_syncobj_replace_fence(): the caller still has the one that it had.
///
//# Any use but by functions that are known to keep nothing counts as leaving the
//# fence to somebody, so leaks behind such a use are not found. False positives
//# arise if there is no fence on the path. There is no patch mode: the right place
//# for what is missing depends on what else is undone there.
///
// Confidence: Moderate
// Comments:
// Options: --no-includes --include-headers
// Keywords: dma_fence_get, dma_fence_put, sync_file_create, sync_file_get_fence

virtual context
virtual org
virtual report

// Uses after which the reference still is whose it was.

@used@
idexpression struct dma_fence *fence;
expression object;
identifier m;
identifier f = {
	dma_fence_add_callback, dma_fence_enable_sw_signaling, dma_fence_get,
	dma_fence_get_rcu, dma_fence_get_status, dma_fence_is_array,
	dma_fence_is_chain, dma_fence_is_container, dma_fence_is_signaled,
	dma_fence_match_context, dma_fence_set_deadline, dma_fence_set_error,
	dma_fence_signal, dma_fence_timestamp, dma_fence_wait,
	dma_fence_wait_timeout, sync_file_create
};
identifier add = { dma_resv_add_fence, drm_syncobj_replace_fence };
position use;
@@

(
f(fence@use, ...)
|
add(object, fence@use, ...)
|
fence@use->m
)

@got exists@
local idexpression struct dma_fence *fence;
identifier f = { dma_fence_get, dma_fence_get_stub };
position get, leak, use != used.use, result != used.use;
@@

*fence = f@get(...)
... when != fence@use
(
return <+... fence@result ...+>;
|
*return@leak ...;
)

@got_if_any exists@
local idexpression struct dma_fence *fence;
statement S;
identifier f = {
	dma_fence_allocate_private_stub, dma_fence_get_rcu, dma_fence_get_rcu_safe,
	drm_syncobj_fence_get, sync_file_get_fence
};
position get, leak, use != used.use, result != used.use;
@@

*fence = f@get(...)
... when != fence
if (\(fence == NULL\|IS_ERR_OR_NULL(fence)\) || ...) S
... when != fence@use
(
return <+... fence@result ...+>;
|
*return@leak ...;
)

@found exists@
local idexpression struct dma_fence *fence;
expression ret;
statement S;
identifier f = { dma_resv_get_singleton, drm_syncobj_find_fence };
position get, leak, use != used.use, result != used.use;
@@

*ret = f@get(..., &fence)
... when != fence
    when != ret
if (\(ret\|ret != 0\|ret < 0\)) S
... when != fence@use
    when any
(
return <+... fence@result ...+>;
|
*return@leak ...;
)

@created exists@
local idexpression struct sync_file *file;
statement S;
position get, leak;
@@

*file = sync_file_create@get(...)
... when != file
if (file == NULL || ...) S
... when != file
(
return <+... file ...+>;
|
*return@leak ...;
)

@script:python depends on org@
get << got.get;
leak << got.leak;
@@

cocci.print_main("fence", get)
cocci.print_secs("missing dma_fence_put", leak)

@script:python depends on report@
get << got.get;
leak << got.leak;
@@

coccilib.report.print_report(leak[0], "ERROR: missing dma_fence_put; the reference was got on line %s" % get[0].line)

@script:python depends on org@
get << got_if_any.get;
leak << got_if_any.leak;
@@

cocci.print_main("fence", get)
cocci.print_secs("missing dma_fence_put", leak)

@script:python depends on report@
get << got_if_any.get;
leak << got_if_any.leak;
@@

coccilib.report.print_report(leak[0], "ERROR: missing dma_fence_put; the reference was got on line %s" % get[0].line)

@script:python depends on org@
get << found.get;
leak << found.leak;
@@

cocci.print_main("fence", get)
cocci.print_secs("missing dma_fence_put", leak)

@script:python depends on report@
get << found.get;
leak << found.leak;
@@

coccilib.report.print_report(leak[0], "ERROR: missing dma_fence_put; the reference was got on line %s" % get[0].line)

@script:python depends on org@
get << created.get;
leak << created.leak;
@@

cocci.print_main("sync file", get)
cocci.print_secs("missing fput", leak)

@script:python depends on report@
get << created.get;
leak << created.leak;
@@

coccilib.report.print_report(leak[0], "ERROR: missing fput; the sync file was created on line %s" % get[0].line)
