#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Find in a console's log what the kernel only prints when something is wrong.

splats.py LOG [REGEX]   prints what was found, save for what matches the expression;
                        if there was anything, the status is 1
"""

import re
import sys

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

# What KCSAN says first of a data race: the innermost function of each side. It
# cannot always tell who the other was.
RACE = re.compile(r"BUG: KCSAN: .* in (\S+)(?: \[\S+\])?(?: / (\S+)(?: \[\S+\])?)?$")


def function_name(symbol):
    """Without the offset, and without what the compiler appends to copies."""
    return re.split(r"[.+]", symbol, maxsplit=1)[0]


def race_in(text):
    """The functions that a data race is between, or none if the line is of no race."""
    match = RACE.match(text)
    return {function_name(symbol) for symbol in match.groups() if symbol} if match else set()


def find(lines, functions=None):
    """The lines that are, or begin, a splat, and expected ones that did not come.

    Given functions, a data race is a splat only if one of them has part in it.
    """
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
        elif functions is not None and race_in(text) and race_in(text).isdisjoint(functions):
            continue
        elif SPLAT.match(text):
            if expected and expected in text:
                seen = True
            else:
                found.append(text)
    if expected:
        found.append(f"no end of expect-splat: {expected}")
    return found


def main(log, harmless=None):
    with open(log, errors="replace") as file:
        found = [splat for splat in find(file.read().splitlines())
                 if not (harmless and re.search(harmless, splat))]
    for splat in found:
        print(splat)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
