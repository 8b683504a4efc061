#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Say how much of the subsystem its tests reach, and whether that is enough.

coverage.py INFO   INFO is what lcov wrote of the tests, but for the tests' own files

It prints a row a file, and each line that nothing reached with the reason, which is a
comment within two lines of it:

    /* not tested: REASON */

The status is 1 when a file has too few lines that ran, when there are too few branches
over all, or when a line has no reason. A source beside the files of INFO that is not in
it was in no kernel that counts, and none of its lines ran.
"""

import re
import sys
from pathlib import Path

LEAST_LINES = 95
LEAST_BRANCHES = 75

REASON = re.compile(r"/\*\s*not tested:\s*(.*?)\s*\*/", re.S)
# The comment's end is at most so many lines from the line.
BESIDE = 2


class Source:
    """A file: which of its lines, functions and branches are there, and which ran."""

    def __init__(self, path):
        self.path = path
        self.lines = {}
        self.functions = {}
        self.branches = {}

    def add(self, kind, value):
        """Take in a record of lcov's."""
        if kind == "DA":
            number, count = value.split(",")[:2]
            self.lines[int(number)] = int(count) > 0
        elif kind == "FNDA":
            count, name = value.split(",", 1)
            self.functions[name] = int(count) > 0
        elif kind == "BRDA":
            where, taken = value.rsplit(",", 1)
            self.branches[where] = taken not in ("-", "0")

    def unreached(self):
        """The numbers of the lines that nothing reached."""
        return sorted(number for number, ran in self.lines.items() if not ran)

    def reasons(self):
        """What is not tested and why: the comments' first and last lines, and texts."""
        text = self.path.read_text()
        return [(1 + text.count("\n", 0, match.start()), 1 + text.count("\n", 0, match.end()),
                 re.sub(r"\s+\*?\s*", " ", match[1]))
                for match in REASON.finditer(text)]


def read_info(path):
    """The sources that a file of lcov's is about, by path."""
    sources = {}
    source = None
    for line in path.read_text().splitlines():
        kind, _, value = line.partition(":")
        if kind == "SF":
            source = sources.setdefault(Path(value), Source(Path(value)))
        elif kind == "end_of_record":
            source = None
        elif source:
            source.add(kind, value)
    return sources


def rate(of, total):
    """Per cent, rounded down to a tenth, so that nothing is full that isn't."""
    return 1000 * of // total / 10 if total else 100.0


def column(ran):
    """What of something ran, as the table has it."""
    total = len(ran)
    if not total:
        return f"{'-':>6} {0:5}"
    return f"{rate(sum(ran.values()), total):5.1f}% {total:5}"


def row(name, sources):
    """A row of the table."""
    columns = []
    for what in "lines", "functions", "branches":
        ran = {(source.path, key): value for source in sources
               for key, value in getattr(source, what).items()}
        columns.append(column(ran))
    return f"{name:26} | " + " | ".join(columns)


def print_table(top, sources):
    """As lcov has it, but that it says all of the names."""
    print(f"{'':26} | {'lines':12} | {'functions':12} | {'branches':12}")
    for source in sources:
        print(row(str(source.path.relative_to(top)), [source]))
    print(row("all", sources))


def reason_for(number, reasons):
    """Of the reasons beside a line the nearest, or None."""
    distances = [(max(first - number, number - last, 0), reason)
                 for first, last, reason in reasons]
    distance, reason = min(distances, default=(None, None))
    return reason if distance is not None and distance <= BESIDE else None


def check_lines(name, source):
    """Print what nothing reached, and return what is wrong with that."""
    wrong = []
    reasons = source.reasons()
    unexplained = 0
    for number in source.unreached():
        reason = reason_for(number, reasons)
        unexplained += not reason
        print(f"{name}:{number}: {reason or 'NO REASON'}")
    if unexplained:
        wrong.append(f"{name}: {unexplained} of these lines have no reason beside them")
    reached = rate(sum(source.lines.values()), len(source.lines))
    if reached < LEAST_LINES:
        wrong.append(f"{name}: {reached}% of its lines ran, {LEAST_LINES}% are the least")
    return wrong


def check_branches(sources):
    """Return what is wrong with the branches."""
    ran = [value for source in sources for value in source.branches.values()]
    reached = rate(sum(ran), len(ran))
    if reached >= LEAST_BRANCHES:
        return []
    return [f"{reached}% of all branches were taken, {LEAST_BRANCHES}% are the least"]


def missing(top, sources):
    """The sources there are that nothing was counted of."""
    folders = {path.parent for path in sources}
    return [path.relative_to(top) for folder in sorted(folders)
            for path in sorted(folder.glob("*.c")) if path not in sources]


def main(info):
    found = read_info(Path(info))
    if not found:
        print(f"{info} is about no file")
        return 1
    # The folder of all: that of the one which is nearest to the root.
    top = min((path.parent for path in found), key=lambda path: len(path.parts))
    sources = [found[path] for path in sorted(found)]

    print_table(top, sources)
    print("\nLines that nothing reached:")
    wrong = [f"{path}: was in no kernel that counts" for path in missing(top, found)]
    for source in sources:
        wrong += check_lines(source.path.relative_to(top), source)
    wrong += check_branches(sources)
    if wrong:
        print("\nNot enough:", *wrong, sep="\n  ")
    return 1 if wrong else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
