#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Compare what the guests of harness/bench measured; exit 1 if a row is too slow.

Reads WORK/{base,series}-bench.{log,regions} and, if there, -lockstat.log; writes
WORK/results.json and WORK/results.md. program.c and locks.c of the bench tell
what the lines of the logs mean.
"""

import json
import re
import statistics
import sys
from pathlib import Path

# Of a row without a limit of its own: within it, a difference is noise.
NOISE = 1.04
# Fewer locks per operation than this are not an operation's own.
FEW_LOCKS = 0.01
# From here on a lock is one that every operation takes on every CPU.
EVERY_TIME = 0.5

# Rows that are slower than the base's, and why; printed below the table.
EXPLAINED = {
    "map_unmap_pinned":
        "the base pins and maps a buffer that can move when a static importer attaches,"
        " and hands that mapping out; here it is free to move while it isn't mapped, so"
        " each mapping pins; attach_map_pinned is the whole use",
}

KINDS = ("base", "series")
LOCK = re.compile(r"lock\s+(\S.*?):((?:\s+[\d.]+){12})\s*$")


class BrokenLog(Exception):
    """A guest's output is not what its program prints."""


def lines_of(log):
    return [line.rstrip("\r") for line in log.read_text(errors="replace").splitlines()]


class Regions:
    """The plugin's (instructions, atomics) of each batch, in the order they ran."""

    def __init__(self, path):
        self.path = path
        self.rows = [tuple(map(int, line.split())) for line in lines_of(path)]

    def take(self, batches, column):
        """Median of the next batches, less that of the empty ones before them."""
        if len(self.rows) < 2 * batches:
            raise BrokenLog(f"{self.path}: too few regions")
        values = [row[column] for row in self.rows[:2 * batches]]
        del self.rows[:2 * batches]
        return statistics.median(values[batches:]) - statistics.median(values[:batches])


def read_rows(work, kind):
    """{name: {limit, most, value, atomics}} of one kernel."""
    regions = Regions(work / f"{kind}-bench.regions")
    rows = {}
    for line in lines_of(work / f"{kind}-bench.log"):
        match line.split():
            case ["row", name, limit, most, value]:
                rows[name] = {"limit": int(limit) / 100, "most": int(most),
                              "value": float(value)}
            case ["value", name, limit, most, value]:
                rows[name] = {"limit": int(limit) / 100, "most": int(most),
                              "value": float(value)}
            case ["regions", name, operations, batches]:
                atomics = regions.take(int(batches), 1)
                rows[name]["atomics"] = atomics / int(operations)
            case ["settled", name, operations, batches]:
                instructions = regions.take(int(batches), 0)
                rows[name] = {"limit": 0, "value": instructions / int(operations)}
    if regions.rows:
        raise BrokenLog(f"{regions.path}: regions that belong to no row")
    if rows and rows["floor_atomic"]["atomics"] != 1:
        raise BrokenLog(f"{regions.path}: an atomic is not counted as one")
    return rows


def add_deferred(rows):
    """What is put off is all that a row causes less what its caller waits for."""
    for name in [name for name in rows if name.endswith("_settled")]:
        own = name.removesuffix("_settled")
        deferred = rows[name]["value"] - rows[own]["value"]
        rows[f"{own}_deferred"] = {"limit": None, "value": deferred}


def compare(work):
    base, series = (read_rows(work, kind) for kind in KINDS)
    if base.keys() != series.keys():
        raise BrokenLog(f"rows differ: {sorted(base.keys() ^ series.keys())}")
    if not base:
        raise BrokenLog("no rows")
    for rows in (base, series):
        add_deferred(rows)
    return [comparison(name, base[name], series[name]) for name in series]


def comparison(name, base, series):
    ratio = series["value"] / base["value"] if base["value"] > 0 else None
    limit = series["limit"]
    most = series.get("most", 0)
    row = {"name": name, "base": base["value"], "series": series["value"],
           "ratio": ratio, "limit": limit, "most": most,
           "atomics": [base.get("atomics"), series.get("atomics")]}
    if name.startswith("floor_") or limit is None:
        row["verdict"] = "-"
    elif most and series["value"] > most:
        row["verdict"] = "SLOW"
    elif ratio is None:
        row["verdict"] = "ok" if series["value"] <= 0 else "SLOW"
    else:
        row["verdict"] = "ok" if ratio <= (limit or NOISE) else "SLOW"
    if row["verdict"] == "SLOW" and name in EXPLAINED:
        row["verdict"] = "slow"
    return row


def read_locks(log):
    """{operation: {lock: (acquisitions, bounces) per operation}} of one kernel."""
    found = {}
    section, operations = None, 0
    for line in lines_of(log):
        match line.split():
            case ["locks", "end"]:
                section = None
            case ["locks", name, count]:
                section, operations = found.setdefault(name, {}), int(count)
        if section is not None and (match := LOCK.match(line)):
            # rwlocks and rwsems have a line each for readers and writers.
            columns = [float(column) for column in match[2].split()]
            section[match[1]] = (columns[7] / operations, columns[6] / operations)
    if len(found) != 2:
        raise BrokenLog(f"{log}: no locks of two operations")
    return found


def read_latencies(work):
    """{(bytes, pool): (p50, p99)} in ns, of each kernel, if they were timed."""
    found = {}
    for kind in KINDS:
        log = work / f"{kind}-latency.log"
        if not log.exists():
            return None
        found[kind] = {}
        for line in lines_of(log):
            match line.split():
                case ["latency", size, pool, p50, p99]:
                    found[kind][int(size), pool] = (int(p50), int(p99))
        if not found[kind]:
            raise BrokenLog(f"{log}: no latencies")
    return found


def own_locks(log):
    """What the operation takes beyond what changing the CPU and the ioctl take."""
    floor, locks = read_locks(log).values()
    own = {}
    for name, counts in locks.items():
        acquired, bounced = (max(count - less, 0) for count, less
                             in zip(counts, floor.get(name, (0, 0))))
        if acquired >= FEW_LOCKS:
            own[name] = {"acquired": acquired, "bounced": bounced}
    return own


def lock_verdict(lock):
    """An instance that bounces each time that the CPU changes is all CPUs'."""
    if lock["bounced"] >= EVERY_TIME:
        return "all CPUs"
    return "sometimes" if lock["bounced"] >= FEW_LOCKS else "no"


def table(header, rows):
    widths = [max(map(len, column)) for column in zip(header, *rows)]
    rule = ["-" * width for width in widths]
    return "\n".join("| " + " | ".join(cell.ljust(width) for cell, width
                                       in zip(row, widths)) + " |"
                     for row in [header, rule, *rows])


def number(value, digits=1):
    return "-" if value is None else f"{value:.{digits}f}"


def row_table(rows):
    return table(
        ["row", "base", "series", "ratio", "limit", "most", "", "atomics base", "series"],
        [[row["name"], number(row["base"]), number(row["series"]),
          number(row["ratio"], 3), number(row["limit"] or None, 2),
          number(row["most"] or None, 0), row["verdict"],
          *map(number, row["atomics"])] for row in rows])


def lock_table(locks):
    return table(["lock", "acquired", "bounced", "shared"],
                 [[name, number(lock["acquired"], 2), number(lock["bounced"], 2),
                   lock_verdict(lock)]
                  for name, lock in sorted(locks.items(),
                                           key=lambda item: -item[1]["acquired"])])


def latency_table(latencies):
    sizes = sorted({size for size, _ in latencies["series"]})
    columns = [("base", "off"), ("series", "off"), ("series", "on")]
    return table(
        ["bytes", *(f"{kind}, pool {pool}: {quantile}" for kind, pool in columns
                    for quantile in ("p50", "p99"))],
        [[str(size), *(number(ns / 1000) for kind, pool in columns
                       for ns in latencies[kind][size, pool])] for size in sizes])


ROW_NOTES = """\
Instructions of an operation, slab_per_buffer in bytes; median of batches, less the
loop and the system call around it. Atomics are LOCK prefixes and xchg with memory.
"settled" is all that the guest does until nothing is left; "deferred" is the part
that the caller does not wait for, no verdict as "settled" contains it. "floor" rows
are there for scale. "most" is what the series may take, whatever the base takes. No
limit: at most 1.00, with 4 % for noise."""

LATENCY_NOTES = """\
How long an allocation from the system heap takes, in microseconds by the clock of an
emulated machine, whatever else this one is doing."""

LOCK_NOTES = """\
Locks of an operation, by name, as /proc/lock_stat counts them while two CPUs do it
in turn. "bounced": times that the other CPU was the last to take the same instance;
a lock of the CPU or of one buffer does not bounce. A "sometimes" is the allocator
refilling or the clock's tick. trylocks bounce uncounted."""


def plain(latencies):
    """The same with keys that JSON has."""
    return {kind: {f"{size} {pool}": ns for (size, pool), ns in of_kind.items()}
            for kind, of_kind in (latencies or {}).items()}


def report(work):
    rows = compare(work)
    text = [f"## Figures\n\n{ROW_NOTES}\n\n{row_table(rows)}\n"]
    slow = [row["name"] for row in rows if row["verdict"] == "SLOW"]
    text += [f"{row['name']} is slower: {EXPLAINED[row['name']]}.\n"
             for row in rows if row["verdict"] == "slow"]
    latencies = read_latencies(work)
    if latencies:
        text.append(f"## Latencies\n\n{LATENCY_NOTES}\n\n{latency_table(latencies)}\n")
    locks = {}
    for kind in KINDS:
        log = work / f"{kind}-lockstat.log"
        if log.exists():
            locks[kind] = own_locks(log)
            text.append(f"## Locks of export + final put: {kind}\n\n"
                        f"{lock_table(locks[kind])}\n")
    if locks:
        text.append(f"{LOCK_NOTES}\n")
    else:
        text.append("Locks were not counted.\n")
    shared = [name for name, lock in locks.get("series", {}).items()
              if lock_verdict(lock) == "all CPUs"]
    (work / "results.md").write_text("\n".join(text))
    (work / "results.json").write_text(
        json.dumps({"rows": rows, "locks": locks, "latencies": plain(latencies)}, indent=1) + "\n")
    print("\n".join(text))
    return slow, shared


def main():
    try:
        slow, shared = report(Path(sys.argv[1]))
    except BrokenLog as error:
        sys.exit(f"bench: {error}")
    for name in slow:
        print(f"bench: {name} is over its limit")
    for name in shared:
        print(f"bench: export or release takes {name}, which all CPUs share")
    sys.exit(bool(slow or shared))


if __name__ == "__main__":
    main()
