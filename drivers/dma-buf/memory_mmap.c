// SPDX-License-Identifier: GPL-2.0-only
/*
 * Buffers whose memory is pages: mappings into processes.
 *
 * The entries in a process' page table are special ones, without any count of
 * the pages behind them: the VMA has a reference on the buffer, and that has
 * the pages until its end.  A fault fills in all entries of a page table that
 * the VMA covers, or one huge entry in its place.
 */
#include <linux/align.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/pfn_t.h>
#include <linux/pgtable.h>
#include <kunit/visibility.h>

#include "memory.h"

/* As many as a page table has where pages are of 4 KiB. */
#define FAULT_PAGES	min(PTRS_PER_PTE, 512)
#define FAULT_SIZE	(FAULT_PAGES * PAGE_SIZE)

/* What a fault on @vma may write, without another one to tell of it. */
static bool is_shared_writable(const struct vm_area_struct *vma)
{
	return (vma->vm_flags & (VM_SHARED | VM_WRITE)) ==
	       (VM_SHARED | VM_WRITE);
}

static pte_t make_pte(const struct vm_area_struct *vma, struct page *page)
{
	pte_t pte = pte_mkspecial(pfn_pte(page_to_pfn(page), vma->vm_page_prot));

	pte = pte_mkyoung(pte);
	return is_shared_writable(vma) ? pte_mkdirty(pte) : pte;
}

static void fill_pte(struct vm_fault *vmf, unsigned long addr, pte_t *pte,
		     pte_t entry)
{
	set_pte_at(vmf->vma->vm_mm, addr, pte, entry);
	update_mmu_cache_range(vmf, vmf->vma, addr, pte, 1);
}

/*
 * Fills in what is missing from @addr to @end, which is page @index of the
 * buffer.  What is there stays: it may be a private copy.  @pte is locked.
 */
static void fill_ptes(struct vm_fault *vmf, pte_t *pte, unsigned long addr,
		      unsigned long end, pgoff_t index)
{
	struct vm_area_struct *vma = vmf->vma;
	const struct dma_buf_memory *memory = vma->vm_private_data;
	unsigned int i = dma_buf_memory_find(memory, index);
	pgoff_t skip = index - dma_buf_range_begin(memory, i);

	for (; addr < end; i++) {
		pgoff_t count = min(dma_buf_range_pages(memory, i) - skip,
				    (end - addr) >> PAGE_SHIFT);
		pte_t entry = make_pte(vma, nth_page(memory->ranges[i].page,
						     skip));

		for (; count; count--, pte++, addr += PAGE_SIZE) {
			if (pte_none(ptep_get(pte)))
				fill_pte(vmf, addr, pte, entry);
			entry = pte_next_pfn(entry);
		}
		skip = 0;
	}
}

static pgoff_t index_of(const struct vm_area_struct *vma, unsigned long addr)
{
	return vma->vm_pgoff + ((addr - vma->vm_start) >> PAGE_SHIFT);
}

static vm_fault_t memory_fault(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	unsigned long around = ALIGN_DOWN(vmf->address, FAULT_SIZE);
	unsigned long addr = max(around, vma->vm_start);
	unsigned long end = min(around + FAULT_SIZE - 1, vma->vm_end - 1) + 1;
	spinlock_t *ptl;	/* of the page table */
	pte_t *pte;

	if (pte_alloc(vma->vm_mm, vmf->pmd))
		return VM_FAULT_OOM;
	pte = pte_offset_map_lock(vma->vm_mm, vmf->pmd, addr, &ptl);
	/* A huge entry got there first. Sparse sees no lock being taken. */
	if (!__cond_lock(RCU, pte))
		return VM_FAULT_NOPAGE;
	fill_ptes(vmf, pte, addr, end, index_of(vma, addr));
	pte_unmap_unlock(pte, ptl);
	return VM_FAULT_NOPAGE;
}

#ifdef CONFIG_ARCH_SUPPORTS_PMD_PFNMAP
/* The page that a huge entry at @addr would map first; NULL if it can't. */
static struct page *huge_page(const struct vm_area_struct *vma,
			      unsigned long addr)
{
	const struct dma_buf_memory *memory = vma->vm_private_data;
	pgoff_t index, skip;
	struct page *page;
	unsigned int i;

	if (addr < vma->vm_start || vma->vm_end - addr < PMD_SIZE)
		return NULL;

	index = index_of(vma, addr);
	i = dma_buf_memory_find(memory, index);
	skip = index - dma_buf_range_begin(memory, i);
	page = nth_page(memory->ranges[i].page, skip);
	if (dma_buf_range_pages(memory, i) - skip < 1UL << PMD_ORDER ||
	    !IS_ALIGNED(page_to_pfn(page), 1UL << PMD_ORDER))
		return NULL;
	return page;
}

/*
 * A huge entry is one of PMD size: mm can't move or split larger ones of memory
 * like this.  A private mapping has small ones, as the copies that writing to it
 * makes are small.
 */
static vm_fault_t memory_huge_fault(struct vm_fault *vmf, unsigned int order)
{
	struct vm_area_struct *vma = vmf->vma;
	struct page *page;

	if (order != PMD_ORDER || is_cow_mapping(vma->vm_flags))
		return VM_FAULT_FALLBACK;
	page = huge_page(vma, ALIGN_DOWN(vmf->address, PMD_SIZE));
	if (!page)
		return VM_FAULT_FALLBACK;
	return vmf_insert_pfn_pmd(vmf, __pfn_to_pfn_t(page_to_pfn(page), 0),
				  is_shared_writable(vma));
}
#endif

static const struct vm_operations_struct memory_vm_ops = {
	.fault = memory_fault,
#ifdef CONFIG_ARCH_SUPPORTS_PMD_PFNMAP
	.huge_fault = memory_huge_fault,
#endif
};

/**
 * dma_buf_memory_mmap - the op mmap
 * @dmabuf: the buffer
 * @vma: lies within it
 *
 * Context: mmap lock held for writing.
 * Return: 0; -EINVAL for a private mapping on a machine that can't tell pages
 * of a device from copies of them.
 */
int dma_buf_memory_mmap(struct dma_buf *dmabuf, struct vm_area_struct *vma)
{
	if (is_cow_mapping(vma->vm_flags) &&
	    !IS_ENABLED(CONFIG_ARCH_HAS_PTE_SPECIAL))
		return -EINVAL;

	vm_flags_set(vma, VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_ops = &memory_vm_ops;
	vma->vm_private_data = dma_buf_to_memory(dmabuf);
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(dma_buf_memory_mmap);
