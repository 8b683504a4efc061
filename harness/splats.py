# SPDX-License-Identifier: GPL-2.0-only
"""Find in a console's log what the kernel only prints when something is wrong."""

import re

SPLAT = re.compile(r"""
      WARNING:
    | BUG:
    | kernel\ BUG
    | INFO:\ task\ .*\ blocked
    | INFO:\ .*\ stall
    | .*rcu.*:\ INFO:.*stall
    | INFO:\ trying\ to\ register\ non-static\ key
    | Oops
    | general\ protection\ fault
    | Kernel\ panic
    | watchdog:
    | UBSAN:
    | KFENCE:
    | DMA-API:\ .*(?:error|exceed|overlap|leak|driver)
    | refcount_t:
    | ODEBUG:
    | list_(?:add|del)\ corruption
    | kmemleak:\ \d+\ new\ suspected\ memory\ leaks
    | unreferenced\ object
    | .*(?:possible\ .*\ deadlock|suspicious\ RCU|inconsistent\ lock\ state)
    | DEBUG_LOCKS_WARN_ON
    """, re.X)

# The time is what tells the kernel's lines from a program's.
KERNEL = re.compile(r"\[ *\d+\.\d{6}\] (.*)")

# A test that provokes a warning says so: "expect-splat: TEXT" before it, and
# "expect-splat: end" after it. Splats in between that name TEXT are as they should
# be; if there is none, that is a fault too.
EXPECT = re.compile(r".*expect-splat: (.*)")


def find(lines):
    """The lines that are, or begin, a splat, and expected ones that did not come."""
    found = []
    expected, seen = None, False
    for line in lines:
        match = KERNEL.search(line)
        if not match:
            continue
        text = match[1]
        if marker := EXPECT.match(text):
            if expected and not seen:
                found.append(f"did not come: {expected}")
            expected, seen = (None if marker[1] == "end" else marker[1]), False
        elif SPLAT.match(text):
            if expected and expected in text:
                seen = True
            else:
                found.append(text)
    if expected:
        found.append(f"no end of expect-splat: {expected}")
    return found
