#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Every kind of trouble that a kernel logs is seen, and nothing else is taken for it.
# shellcheck source=harness/tests/tap.inc
. "$(dirname "$0")/tap.inc"

# found NUMBER LINE...: how many splats the kernel's log lines make
found()
{
	local number=$1

	shift
	printf '[    1.234567] %s\n' "$@" >"$work/log"
	count_splats "$number"
}

# found_racing FUNCTION NUMBER LINE...: the same, if only FUNCTION's races count
found_racing()
{
	local function=$1 number=$2

	shift 2
	printf '[    1.234567] %s\n' "$@" >"$work/log"
	count_splats "$number" "$function"
}

# count_splats NUMBER [FUNCTION]
count_splats()
{
	PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$top/harness python3 -c '
import splats, sys
lines = open(sys.argv[1]).read().splitlines()
functions = set(sys.argv[3:]) or None
found = splats.find(lines, functions)
print(*found, sep="\n")
sys.exit(len(found) != int(sys.argv[2]))' "$work/log" "$@"
}

while read -r line; do
	check "seen: $line" found 1 "$line"
done <<'EOT'
WARNING: CPU: 1 PID: 939 at drivers/x.c:11 y+0x7/0xc
WARNING: possible circular locking dependency detected
WARNING: possible recursive locking detected
WARNING: suspicious RCU usage
WARNING: inconsistent lock state
BUG: KASAN: slab-use-after-free in x+0x1/0x2
BUG: KCSAN: data-race in dma_fence_signal / dma_fence_wait
BUG: KCSAN: data-race in dma_fence_signal+0x1/0x2
BUG: KCSAN: assert: race in dma_fence_signal / dma_fence_wait
BUG: sleeping function called from invalid context at x.c:1
BUG: unable to handle page fault for address: 0000000000000008
kernel BUG at x.c:1!
UBSAN: shift-out-of-bounds in x.c:1:2
INFO: task x:1 blocked for more than 180 seconds.
rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:
watchdog: BUG: soft lockup - CPU#0 stuck for 22s! [x:1]
Oops: general protection fault, probably for non-canonical address
refcount_t: underflow; use-after-free.
ODEBUG: free active (active state 0) object: 1 object type: timer_list hint: x+0x0/0x1
DMA-API: device driver frees DMA memory it has not allocated
list_del corruption, 1->next is LIST_POISON1
kmemleak: 1 new suspected memory leaks (see /sys/kernel/debug/kmemleak)
Kernel panic - not syncing: x
EOT
while read -r line; do
	check "let be: $line" found 0 "$line"
done <<'EOT'
DMA-API: preallocated 65536 debug entries
DMA-API: debugging enabled by kernel config
Spectre V2 : WARNING: Unprivileged eBPF is enabled
kmemleak: Kernel memory leak detector initialized (mem pool available: 39000)
rcu: Preemptible hierarchical RCU implementation.
EOT
check "an expected splat is let be" found 0 \
	"expect-splat: dma_buf_export" "WARNING: at dma_buf_export+0x1" "expect-splat: end"
check "another splat in its place is seen" found 2 \
	"expect-splat: dma_buf_export" "WARNING: at dma_buf_fd+0x1" "expect-splat: end"
check "an expected splat that does not come is missed" found 1 \
	"expect-splat: dma_buf_export" "expect-splat: end"
check "an expectation without an end is seen" found 1 \
	"expect-splat: dma_buf_export" "WARNING: at dma_buf_export+0x1"

race="BUG: KCSAN: data-race in dma_fence_signal / wake_up_process"
check "a race that one of our functions has part in is seen" \
	found_racing dma_fence_signal 1 "$race"
check "so it is from the other side" found_racing wake_up_process 1 "$race"
check "a race that is elsewhere is let be" found_racing dma_fence_wait 0 "$race"
check "a copy of a function goes by its name" found_racing dma_fence_signal 2 \
	"BUG: KCSAN: data-race in dma_fence_signal.isra.0 / x" \
	"BUG: KCSAN: data-race in x / dma_fence_signal.part.0"
check "so does one in a module" found_racing dma_fence_signal 1 \
	"BUG: KCSAN: data-race in x [one] / dma_fence_signal [other]"
check "a race with nobody knows whom is seen" found_racing dma_fence_signal 1 \
	"BUG: KCSAN: data-race in dma_fence_signal+0x1/0x2"
check "a race that is elsewhere hides no other splat" found_racing dma_fence_wait 1 \
	"$race" "WARNING: CPU: 1 PID: 939 at drivers/x.c:11 y+0x7/0xc"

printf '[    1.234567] %s\n' "WARNING: at a" "WARNING: at b" >"$work/log"
check "as a program, it says what it found" says "WARNING: at b" "$top/harness/splats.py" "$work/log"
check "and fails" fails "$top/harness/splats.py" "$work/log" "at a"
check "but for what is harmless" "$top/harness/splats.py" "$work/log" "at (a|b)"
