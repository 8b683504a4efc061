#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""ppm_to_png.py PPM PNG: makes a PNG file of a binary PPM file of 8 bits a channel."""

import struct
import sys
import zlib


def read_ppm(path):
    with open(path, 'rb') as file:
        header, rows = file.readline().split(), file.read()
    width, height = int(header[1]), int(header[2])
    if header[0] != b'P6' or header[3] != b'255' or len(rows) != 3 * width * height:
        sys.exit(f'{path}: not a PPM file of {width}x{height} pixels')
    return width, height, rows


def chunk(kind, data):
    return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))


def png(width, height, rows):
    # Each row starts with the number of its filter: 0, none.
    lines = (b'\0' + rows[i:i + 3 * width] for i in range(0, len(rows), 3 * width))
    return (b'\x89PNG\r\n\x1a\n'
            + chunk(b'IHDR', struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0))
            + chunk(b'IDAT', zlib.compress(b''.join(lines), 9))
            + chunk(b'IEND', b''))


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    with open(sys.argv[2], 'wb') as file:
        file.write(png(*read_ppm(sys.argv[1])))


if __name__ == '__main__':
    main()
