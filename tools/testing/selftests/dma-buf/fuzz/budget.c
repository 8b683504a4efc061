// SPDX-License-Identifier: GPL-2.0-only
#include <stdatomic.h>
#include <stdio.h>

#include "memory_helpers.h"
#include "budget.h"

/* What is smaller is bounded by how many calls a program has. */
#define SMALL		(64UL << 10)
#define MOST_BYTES	(96ULL << 20)
#define ABSURD		(64ULL << 30)

static atomic_ullong *taken;
static unsigned long long limit;

bool budget_init(void)
{
	taken = mmap(NULL, sizeof(*taken), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return taken != MAP_FAILED;
}

void budget_reset(void)
{
	long long kib = number_behind("/proc/meminfo", "MemAvailable");

	limit = kib < 0 ? MOST_BYTES / 4 : kib * 1024ULL / 4;
	if (limit > MOST_BYTES)
		limit = MOST_BYTES;
	atomic_store(taken, 0);
}

__u64 budget_take(__u64 size)
{
	if (size <= SMALL || size >= ABSURD)
		return size;
	if (atomic_fetch_add(taken, size) + size <= limit)
		return size;
	return page_size();
}
