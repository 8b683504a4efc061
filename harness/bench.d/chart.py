#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Draw what the bench measured: chart.py RESULTS.json >CHART.svg

A bar is what an operation takes on the series, of what it takes on the base, in
instructions. Rows of other kinds, and most sizes of the same operation, are left out.
"""

import json
import sys

# What is drawn, from what all do to what few do.
ROWS = {
    "export_put": "export, put",
    "attach_detach": "attach, detach",
    "map_unmap": "map, unmap",
    "cpu_access": "begin, end of CPU access",
    "sync_pair": "SYNC ioctl pair",
    "poll_idle": "poll, idle",
    "poll_signal": "poll, woken by a fence",
    "fence_life": "a fence's life",
    "wait_any_16": "wait for any of 16",
    "add_4": "add a fence, 4 contexts",
    "add_1024": "add a fence, 1,024 contexts",
    "iterate_1024": "walk over 1,024 fences",
    "merge_64_64": "merge 64 + 64 fences",
    "chain_find_1000": "find in a chain of 1,000",
    "sync_merge_16_16": "merge sync files, 16 + 16",
    "bufinfo_10000": "bufinfo, 10,000 buffers",
    "heap_warm_4k": "heap: 4 KiB, pool full",
    "heap_warm_64m": "heap: 64 MiB, pool full",
    "heap_touch_64m": "heap: touch 64 MiB",
    "udmabuf_create_64m": "udmabuf: create 64 MiB",
    "udmabuf_touch_64m": "udmabuf: touch 64 MiB",
    "udmabuf_import_1m": "udmabuf: import 1 MiB",
    "slab_per_buffer": "slab bytes per buffer",
}
LABELS, WIDTH, STEP, TOP = 230, 480, 20, 40


def bar(index, label, ratio):
    y = TOP + index * STEP
    length = max(1, WIDTH * min(ratio, 1.1))
    return [f'<text x="{LABELS - 8}" y="{y + 12}" text-anchor="end">{label}</text>',
            f'<rect x="{LABELS}" y="{y + 1}" width="{length:.1f}" height="14" fill="#3b6ea5"/>',
            f'<text x="{LABELS + length + 6:.1f}" y="{y + 12}">{ratio:.3g}</text>']


def chart(ratios):
    height = TOP + len(ratios) * STEP + 10
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{LABELS + WIDTH + 90}" '
             f'height="{height}" font-family="sans-serif" font-size="12">',
             '<!-- SPDX-License-Identifier: GPL-2.0-only -->',
             '<rect width="100%" height="100%" fill="white"/>',
             f'<text x="{LABELS}" y="16">Instructions on the series, of those on the base '
             '(shorter is faster)</text>',
             f'<text x="{LABELS + WIDTH}" y="32" text-anchor="middle">base = 1</text>',
             f'<line x1="{LABELS + WIDTH}" y1="{TOP - 4}" x2="{LABELS + WIDTH}" '
             f'y2="{height - 6}" stroke="#999"/>']
    for index, (label, ratio) in enumerate(ratios.items()):
        lines += bar(index, label, ratio)
    return "\n".join([*lines, "</svg>"])


def main():
    with open(sys.argv[1], encoding="utf-8") as results:
        measured = {row["name"]: row["ratio"] for row in json.load(results)["rows"]}
    print(chart({label: measured[name] for name, label in ROWS.items()}))


if __name__ == "__main__":
    main()
