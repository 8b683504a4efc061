/* SPDX-License-Identifier: GPL-2.0-only */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM dma_heap

#if !defined(_TRACE_DMA_HEAP_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_DMA_HEAP_H

#include <linux/dma-heap.h>
#include <linux/tracepoint.h>

/**
 * DOC: trace events of heaps
 *
 * Every event tells heap, bytes, how long it took in ns, and error.
 *
 * ==============  ===============================================================
 * dma_heap_alloc  a heap made a buffer, or failed with an error
 * dma_heap_free   a buffer's memory went back to its heap
 * ==============  ===============================================================
 */

/* Memory that comes from a heap, and memory that goes back. */
DECLARE_EVENT_CLASS(dma_heap,
		    TP_PROTO(struct dma_heap *heap, u64 bytes, u64 ns,
			     int error),
		    TP_ARGS(heap, bytes, ns, error),

		    TP_STRUCT__entry(__string(heap, dma_heap_get_name(heap))
				     __field(u64, bytes)
				     __field(u64, ns)
				     __field(int, error)),

		    TP_fast_assign(__assign_str(heap);
				   __entry->bytes = bytes;
				   __entry->ns = ns;
				   __entry->error = error;),

		    TP_printk("heap=%s bytes=%llu ns=%llu error=%d",
			      __get_str(heap), __entry->bytes, __entry->ns,
			      __entry->error));

DEFINE_EVENT(dma_heap, dma_heap_alloc,
	     TP_PROTO(struct dma_heap *heap, u64 bytes, u64 ns, int error),
	     TP_ARGS(heap, bytes, ns, error));

DEFINE_EVENT(dma_heap, dma_heap_free,
	     TP_PROTO(struct dma_heap *heap, u64 bytes, u64 ns, int error),
	     TP_ARGS(heap, bytes, ns, error));

#endif /* _TRACE_DMA_HEAP_H */

#include <trace/define_trace.h>
