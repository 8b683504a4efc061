// SPDX-License-Identifier: GPL-2.0-only
/// Find calls that want the reservation lock of the buffer, dmabuf->resv, in
/// functions that neither take nor assert it. To map and to vmap, there are
/// variants that take it: dma_buf_map_attachment_unlocked() and so on.
///
//# Any reservation lock counts as the buffer's. Nothing is said of functions that
//# the same file calls with a lock taken, or that are operations which have it
//# taken. False positives arise if callers in other files do that:
//# dma_resv_assert_held() tells readers, lockdep and this.
///
// Confidence: Low
// Comments:
// Options: --no-includes --include-headers
// Keywords: dma_buf_map_attachment, dma_buf_vmap, dma_buf_pin, dma_resv_lock

virtual context
virtual org
virtual patch
virtual report

@wants exists@
identifier fn;
identifier call = {
	dma_buf_map_attachment, dma_buf_move_notify, dma_buf_pin,
	dma_buf_unmap_attachment, dma_buf_unpin, dma_buf_vmap, dma_buf_vunmap
};
position p;
@@

fn(...)
{
	... when any
	call@p(...)
	... when any
}

@locked exists@
identifier wants.fn;
identifier lock =~ "(resv_lock|resv_trylock|resv_assert_held|ww_mutex_lock|ww_mutex_trylock|bo_reserve|bo_lock|bo_assert_held|object_lock|object_held|exec_lock)";
@@

fn(...)
{
	... when any
	lock(...)
	... when any
}

@operation depends on !locked@
identifier wants.fn;
identifier ops, op;
identifier type = {
	dma_buf_attach_ops, dma_buf_ops, drm_gem_object_funcs,
	drm_i915_gem_object_ops, ttm_device_funcs
};
@@

struct type ops = { .op = fn };

@caller depends on !locked && !operation exists@
identifier wants.fn;
identifier lock =~ "(resv_lock|resv_trylock|resv_assert_held|ww_mutex_lock|ww_mutex_trylock|bo_reserve|bo_lock|bo_assert_held|object_lock|object_held|exec_lock)";
@@

lock(...)
... when any
fn(...)

@callers_caller depends on !locked && !operation && !caller exists@
identifier wants.fn;
identifier via;
@@

via(...)
{
	... when any
	fn(...)
	... when any
}

@operations_call@
identifier callers_caller.via;
identifier ops, op;
identifier type = {
	dma_buf_attach_ops, dma_buf_ops, drm_gem_object_funcs,
	drm_i915_gem_object_ops, ttm_device_funcs
};
@@

struct type ops = { .op = via };

@depends on context && !locked && !operation && !caller && !operations_call@
identifier wants.call;
position wants.p;
@@

*call@p(...)

@depends on patch && !locked && !operation && !caller && !operations_call@
expression list args;
position wants.p;
@@

(
- dma_buf_map_attachment@p
+ dma_buf_map_attachment_unlocked
|
- dma_buf_unmap_attachment@p
+ dma_buf_unmap_attachment_unlocked
|
- dma_buf_vmap@p
+ dma_buf_vmap_unlocked
|
- dma_buf_vunmap@p
+ dma_buf_vunmap_unlocked
)
  (args)

@script:python depends on org && !locked && !operation && !caller && !operations_call@
p << wants.p;
@@

cocci.print_main("reservation lock neither taken nor asserted", p)

@script:python depends on report && !locked && !operation && !caller && !operations_call@
p << wants.p;
fn << wants.fn;
call << wants.call;
@@

msg = "WARNING: %s wants the reservation lock, which %s neither takes nor asserts" % (call, fn)
coccilib.report.print_report(p[0], msg)
