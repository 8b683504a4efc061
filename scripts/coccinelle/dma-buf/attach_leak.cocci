// SPDX-License-Identifier: GPL-2.0-only
/// Find what an importer got and neither gives back on some path nor leaves to
/// anybody else: a buffer (dma_buf_put), an attachment (dma_buf_detach) or a
/// mapping (dma_buf_unmap_attachment).
///
//# Any use but by functions that are known to keep nothing counts as leaving it
//# to somebody, so leaks behind such a use are not found. There is no patch mode:
//# the right place for what is missing depends on what else is undone there.
///
// Confidence: High
// Comments:
// Options: --no-includes --include-headers
// Keywords: dma_buf_get, dma_buf_put, dma_buf_attach, dma_buf_detach,
// Keywords: dma_buf_map_attachment, dma_buf_unmap_attachment

virtual context
virtual org
virtual report

// Uses after which a buffer, an attachment or a mapping still is whose it was.

@buffer_used@
idexpression struct dma_buf *dmabuf;
identifier m;
identifier f = {
	dma_buf_begin_cpu_access, dma_buf_end_cpu_access, dma_buf_is_dynamic,
	dma_buf_mmap, dma_buf_vmap, dma_buf_vmap_unlocked, dma_buf_vunmap,
	dma_buf_vunmap_unlocked, get_dma_buf
};
position use;
@@

(
f(dmabuf@use, ...)
|
dmabuf@use->m
)

@attachment_used@
idexpression struct dma_buf_attachment *attach;
identifier m;
identifier f = {
	dma_buf_attachment_is_dynamic, dma_buf_map_attachment,
	dma_buf_map_attachment_unlocked, dma_buf_pin, dma_buf_unmap_attachment,
	dma_buf_unmap_attachment_unlocked, dma_buf_unpin
};
position use;
@@

(
f(attach@use, ...)
|
attach@use->m
)

@mapping_used@
idexpression struct sg_table *sgt;
identifier m;
position use;
@@

sgt@use->m

// An attachment knows its buffer: who has the one can put the other.

@buffer exists@
local idexpression struct dma_buf *dmabuf;
statement S;
position get, leak, use != buffer_used.use, result != buffer_used.use;
@@

*dmabuf = dma_buf_get@get(...)
... when != dmabuf
if (\(IS_ERR\|IS_ERR_OR_NULL\)(dmabuf) || ...) S
... when != dmabuf@use
(
return <+... dmabuf@result ...+>;
|
*return@leak ...;
)

@unattached exists@
idexpression struct dma_buf *dmabuf;
expression attach, e;
identifier f = { dma_buf_attach, dma_buf_dynamic_attach };
position get, leak, use != buffer_used.use;
@@

(
*dmabuf = dma_buf_get@get(...)
|
*get_dma_buf@get(dmabuf)
)
... when != dmabuf = e
    when != dma_buf_put(dmabuf)
attach = f(dmabuf, ...)
... when != dmabuf
if (\(IS_ERR\|IS_ERR_OR_NULL\)(attach) || ...) {
	... when != dmabuf@use
*	return@leak ...;
}

@detached exists@
idexpression struct dma_buf *dmabuf;
expression e;
position get, leak, use != buffer_used.use;
@@

(
*dmabuf = dma_buf_get@get(...)
|
*get_dma_buf@get(dmabuf)
)
... when != dmabuf = e
    when != dma_buf_put(dmabuf)
dma_buf_detach(dmabuf, ...)
... when != dmabuf@use
*return@leak ...;

@attachment exists@
local idexpression struct dma_buf_attachment *attach;
statement S;
identifier f = { dma_buf_attach, dma_buf_dynamic_attach };
position get, leak, use != attachment_used.use, result != attachment_used.use;
@@

*attach = f@get(...)
... when != attach
if (\(IS_ERR\|IS_ERR_OR_NULL\)(attach) || ...) S
... when != attach@use
(
return <+... attach@result ...+>;
|
*return@leak ...;
)

@freed exists@
local idexpression owner;
identifier m;
expression e;
statement S;
identifier f = { dma_buf_attach, dma_buf_dynamic_attach };
identifier free = { kfree, kvfree };
identifier other != { kfree, kvfree };
position get, leak;
@@

*owner->m = f@get(...)
... when != owner = e
if (\(IS_ERR\|IS_ERR_OR_NULL\)(owner->m) || ...) S
... when != owner = e
    when != e = owner->m
    when != dma_buf_detach(..., owner->m)
    when != other(..., owner, ...)
*free@leak(owner)

@mapping exists@
local idexpression struct sg_table *sgt;
statement S;
identifier f = { dma_buf_map_attachment, dma_buf_map_attachment_unlocked };
position get, leak, use != mapping_used.use, result != mapping_used.use;
@@

*sgt = f@get(...)
... when != sgt
if (\(IS_ERR\|IS_ERR_OR_NULL\)(sgt) || ...) S
... when != sgt@use
(
return <+... sgt@result ...+>;
|
*return@leak ...;
)

@script:python depends on org@
get << buffer.get;
leak << buffer.leak;
@@

cocci.print_main("buffer", get)
cocci.print_secs("missing dma_buf_put", leak)

@script:python depends on report@
get << buffer.get;
leak << buffer.leak;
@@

coccilib.report.print_report(leak[0], "ERROR: missing dma_buf_put; the buffer was got on line %s" % get[0].line)

@script:python depends on org@
get << unattached.get;
leak << unattached.leak;
@@

cocci.print_main("buffer", get)
cocci.print_secs("missing dma_buf_put", leak)

@script:python depends on report@
get << unattached.get;
leak << unattached.leak;
@@

coccilib.report.print_report(leak[0], "ERROR: missing dma_buf_put; the buffer was got on line %s" % get[0].line)

@script:python depends on org@
get << detached.get;
leak << detached.leak;
@@

cocci.print_main("buffer", get)
cocci.print_secs("missing dma_buf_put", leak)

@script:python depends on report@
get << detached.get;
leak << detached.leak;
@@

coccilib.report.print_report(leak[0], "ERROR: missing dma_buf_put; the buffer was got on line %s" % get[0].line)

@script:python depends on org@
get << attachment.get;
leak << attachment.leak;
@@

cocci.print_main("attachment", get)
cocci.print_secs("missing dma_buf_detach", leak)

@script:python depends on report@
get << attachment.get;
leak << attachment.leak;
@@

coccilib.report.print_report(leak[0], "ERROR: missing dma_buf_detach; the device was attached on line %s" % get[0].line)

@script:python depends on org@
get << freed.get;
leak << freed.leak;
@@

cocci.print_main("attachment", get)
cocci.print_secs("missing dma_buf_detach", leak)

@script:python depends on report@
get << freed.get;
leak << freed.leak;
@@

coccilib.report.print_report(leak[0], "ERROR: missing dma_buf_detach; the device was attached on line %s" % get[0].line)

@script:python depends on org@
get << mapping.get;
leak << mapping.leak;
@@

cocci.print_main("mapping", get)
cocci.print_secs("missing dma_buf_unmap_attachment", leak)

@script:python depends on report@
get << mapping.get;
leak << mapping.leak;
@@

coccilib.report.print_report(leak[0], "ERROR: missing dma_buf_unmap_attachment; the buffer was mapped on line %s" % get[0].line)
