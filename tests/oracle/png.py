"""A reader for the PNG files that kairos writes: 8 bits, gray or RGB, not interlaced."""
import struct
import zlib

import numpy as np


def read_png(path):
    """[H,W,C] bytes.  Every checksum is verified, so a file cut short cannot pass."""
    with open(path, "rb") as f:
        data = f.read()
    assert data[:8] == b"\x89PNG\r\n\x1a\n", f"{path}: not a PNG file"
    at, chunks = 8, []
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + size]
        checksum, = struct.unpack(">I", data[at + 8 + size:at + 12 + size])
        assert checksum == zlib.crc32(kind + body), f"{path}: checksum of {kind}"
        chunks.append((kind, body))
        at += 12 + size
    assert chunks[0][0] == b"IHDR" and chunks[-1][0] == b"IEND", f"{path}: incomplete"
    width, height, depth, color, _, _, interlaced = struct.unpack(">IIBBBBB", chunks[0][1])
    assert depth == 8 and color in (0, 2) and not interlaced, f"{path}: depth {depth}, color type {color}"
    channels = 3 if color == 2 else 1
    rows = np.frombuffer(zlib.decompress(b"".join(body for kind, body in chunks if kind == b"IDAT")), np.uint8)
    return unfilter(rows.reshape(height, 1 + width * channels), channels).reshape(height, width, channels)


def unfilter(rows, bpp):
    """Undoes the filters of section 9 of the PNG specification: each row's first byte is its filter."""
    out = np.zeros((len(rows) + 1, rows.shape[1] - 1 + bpp), int)  # a row above and a pixel at the left of zeros
    for y, row in enumerate(rows.astype(int), start=1):
        for x in range(bpp, out.shape[1]):
            a, b, c = out[y, x - bpp], out[y - 1, x], out[y - 1, x - bpp]
            predictions = (0, a, b, (a + b) // 2, min((abs(b - c), 0, a), (abs(a - c), 1, b),
                                                       (abs(a + b - 2 * c), 2, c))[2])
            out[y, x] = (row[1 + x - bpp] + predictions[row[0]]) % 256
    return out[1:, bpp:].astype(np.uint8)
