// SPDX-License-Identifier: GPL-2.0-only
/// Find what can still fail after dma_buf_fd() or fd_install() has published a
/// file descriptor. From then on it is user space's: another thread may use it or
/// close it already, nothing can take it back, and the reference to the file went
/// with it. All that can fail comes before: get_unused_fd_flags(), then
/// copy_to_user(), then fd_install().
///
//# False positives arise if a path that fails is not one that has published, or if
//# there was a second reference to put. There is no patch mode: what has to come
//# earlier may need what is done between.
///
// Confidence: Moderate
// Comments:
// Options: --no-includes --include-headers
// Keywords: dma_buf_fd, fd_install, put_unused_fd, copy_to_user

virtual context
virtual org
virtual report

// If an error from before is tested once more, the fd was not published.

@unpublished exists@
expression fd, file, e;
local idexpression ret;
position undo;
@@

fd_install(fd, file)
... when != ret = e
if (\(ret\|ret < 0\|ret != 0\) && ...) {
	... when any
(
*	put_unused_fd@undo(fd)
|
*	fput@undo(file)
)
	... when any
}

@undone exists@
expression fd, file, e;
position publish, late != unpublished.undo;
@@

*fd_install@publish(fd, file)
... when != fd = e
    when != file = e
(
*put_unused_fd@late(fd)
|
*fput@late(file)
)

@put exists@
expression fd, dmabuf, e;
position publish, late;
@@

*fd = dma_buf_fd@publish(dmabuf, ...)
... when != true fd < 0
    when != false fd >= 0
    when != dmabuf = e
    when != dma_buf_get(fd)
    when != get_dma_buf(dmabuf)
*dma_buf_put@late(dmabuf)

@told exists@
expression fd;
identifier tell = { copy_struct_to_user, copy_to_user, put_user };
position publish, late;
@@

(
*fd_install@publish(fd, ...)
|
*fd = dma_buf_fd@publish(...)
)
... when != true fd < 0
    when != false fd >= 0
*tell@late(...)

@failed exists@
expression fd;
identifier tell = { copy_struct_to_user, copy_to_user, put_user };
constant C;
position publish, late;
@@

(
*fd_install@publish(fd, ...)
|
*fd = dma_buf_fd@publish(...)
)
... when != true fd < 0
    when != false fd >= 0
    when != tell(...)
(
*return@late -C;
|
*return@late ERR_PTR(...);
)

@callee_failed exists@
expression fd, ret, e;
identifier callee;
position publish, late;
@@

(
*fd_install@publish(fd, ...)
|
*fd = dma_buf_fd@publish(...)
)
... when != true fd < 0
    when != false fd >= 0
*ret = callee@late(...)
... when != ret = e
if (\(ret\|ret < 0\|ret != 0\)) {
	... when != ret = e
	return ret;
}

@script:python depends on org@
publish << undone.publish;
late << undone.late;
@@

cocci.print_main("fd published", publish)
cocci.print_secs("undone too late", late)

@script:python depends on report@
publish << undone.publish;
late << undone.late;
@@

coccilib.report.print_report(late[0], "ERROR: the fd was published on line %s, with its reference to the file" % publish[0].line)

@script:python depends on org@
publish << put.publish;
late << put.late;
@@

cocci.print_main("fd published", publish)
cocci.print_secs("undone too late", late)

@script:python depends on report@
publish << put.publish;
late << put.late;
@@

coccilib.report.print_report(late[0], "ERROR: the fd was published on line %s, with its reference to the buffer" % publish[0].line)

@script:python depends on org@
publish << told.publish;
late << told.late;
@@

cocci.print_main("fd published", publish)
cocci.print_secs("failure too late", late)

@script:python depends on report@
publish << told.publish;
late << told.late;
@@

coccilib.report.print_report(late[0], "ERROR: this can fail, but the fd was published on line %s" % publish[0].line)

@script:python depends on org@
publish << failed.publish;
late << failed.late;
@@

cocci.print_main("fd published", publish)
cocci.print_secs("failure too late", late)

@script:python depends on report@
publish << failed.publish;
late << failed.late;
@@

coccilib.report.print_report(late[0], "ERROR: this can fail, but the fd was published on line %s" % publish[0].line)

@script:python depends on org@
publish << callee_failed.publish;
late << callee_failed.late;
@@

cocci.print_main("fd published", publish)
cocci.print_secs("failure too late", late)

@script:python depends on report@
publish << callee_failed.publish;
late << callee_failed.late;
@@

coccilib.report.print_report(late[0], "ERROR: this can fail, but the fd was published on line %s" % publish[0].line)
