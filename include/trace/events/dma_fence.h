/* SPDX-License-Identifier: GPL-2.0-only */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM dma_fence

#if !defined(_TRACE_DMA_FENCE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_DMA_FENCE_H

#include <linux/dma-fence.h>
#include <linux/tracepoint.h>

/**
 * DOC: trace events of fences
 *
 * Every event names the fence: driver, timeline, and the lower 32 bits of context
 * and seqno.
 *
 * =======================  ======================================================
 * dma_fence_init           a fence was made
 * dma_fence_emit           its work went to the device; raised by drivers
 * dma_fence_enable_signal  its driver is asked to have it signal by itself
 * dma_fence_signaled       it has signalled
 * dma_fence_destroy        its last reference is gone
 * dma_fence_wait_start     a task begins to wait for it
 * dma_fence_wait_end       the task goes on
 * =======================  ======================================================
 *
 * Modules of drivers may raise the first four.
 */

/* Which fence; tools know these fields, and that the numbers have 32 bits. */
DECLARE_EVENT_CLASS(dma_fence,
		    TP_PROTO(struct dma_fence *fence),
		    TP_ARGS(fence),

		    TP_STRUCT__entry(__string(driver,
					      fence->ops->get_driver_name(fence))
				     __string(timeline,
					      fence->ops->get_timeline_name(fence))
				     __field(unsigned int, context)
				     __field(unsigned int, seqno)),

		    TP_fast_assign(__assign_str(driver);
				   __assign_str(timeline);
				   __entry->context = lower_32_bits(fence->context);
				   __entry->seqno = lower_32_bits(fence->seqno);),

		    TP_printk("driver=%s timeline=%s context=%u seqno=%u",
			      __get_str(driver), __get_str(timeline),
			      __entry->context, __entry->seqno));

#define DEFINE_DMA_FENCE_EVENT(name)			\
	DEFINE_EVENT(dma_fence, name,			\
		     TP_PROTO(struct dma_fence *fence),	\
		     TP_ARGS(fence))

/* The work it stands for went to the device; raised by drivers. */
DEFINE_DMA_FENCE_EVENT(dma_fence_emit);

/* A fence's life: made, asked to signal by itself, signalled, gone. */
DEFINE_DMA_FENCE_EVENT(dma_fence_init);
DEFINE_DMA_FENCE_EVENT(dma_fence_enable_signal);
DEFINE_DMA_FENCE_EVENT(dma_fence_signaled);
DEFINE_DMA_FENCE_EVENT(dma_fence_destroy);

/* A task waits for it, and goes on. */
DEFINE_DMA_FENCE_EVENT(dma_fence_wait_start);
DEFINE_DMA_FENCE_EVENT(dma_fence_wait_end);

#undef DEFINE_DMA_FENCE_EVENT

#endif /* _TRACE_DMA_FENCE_H */

#include <trace/define_trace.h>
