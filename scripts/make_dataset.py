#!/usr/bin/env python3
"""Fashion-MNIST as a data set in EDM's form: a ZIP file, stored, of 32x32 gray PNG with dataset.json.

    scripts/make_dataset.py --out fashion-mnist.zip                     (the training set, 60,000 images)
    scripts/make_dataset.py --out sample.zip --images 1000              (1,000 of them, taken evenly)

The same options give the same bytes (with the same zlib).  Needs NumPy and Debian's dataset-fashion-mnist:
scripts/install-deps.sh data
"""
import argparse
import json
import os
import struct
import sys
import zipfile
import zlib

from needs import needs

needs("numpy", group="data")

import numpy as np  # noqa: E402

from fashion_mnist import load_pixels  # noqa: E402

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def encode_png(pixels):
    """Bytes [H,W] or [H,W,3] as a PNG; of the five row filters the one for all rows that packs best."""
    height, width = pixels.shape[:2]
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    rows = pixels.reshape(height, width * channels).astype(np.int16)
    up = np.vstack([np.zeros_like(rows[:1]), rows[:-1]])
    left, up_left = (np.hstack([np.zeros((height, channels), np.int16), a[:, :-channels]]) for a in (rows, up))
    distances = [np.abs(up - up_left), np.abs(left - up_left), np.abs(left + up - 2 * up_left)]
    paeth = np.choose(np.argmin(distances, axis=0), [left, up, up_left])
    predictions = [np.zeros_like(rows), left, up, (left + up) // 2, paeth]
    packed = []
    for number, prediction in enumerate(predictions):
        filtered = ((rows - prediction) % 256).astype(np.uint8)
        numbers = np.full((height, 1), number, np.uint8)
        packed.append(zlib.compress(np.hstack([numbers, filtered]).tobytes(), 9))
    header = struct.pack(">IIBBBBB", width, height, 8, 0 if channels == 1 else 2, 0, 0, 0)
    return SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", min(packed, key=len)) + chunk(b"IEND", b"")


def add(archive, name, data):
    entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, data)


def write_dataset(path, images, labels):
    """images: bytes [N,H,W] or [N,H,W,3]; labels [N].  The file appears whole or not at all."""
    partial, names = path + ".partial", []
    try:
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED) as archive:
            for i, image in enumerate(images):
                names.append(f"{i // 1000:05d}/img{i:08d}.png")
                add(archive, names[-1], encode_png(image))
            pairs = [[name, int(label)] for name, label in zip(names, labels)]
            add(archive, "dataset.json", json.dumps({"labels": pairs}))
        os.replace(partial, path)
    finally:
        if os.path.exists(partial):
            os.remove(partial)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True, help="the ZIP file to write")
    parser.add_argument("--split", choices=["train", "t10k"], default="train",
                        help="60,000 training images (the default) or 10,000 test images")
    parser.add_argument("--images", type=int, help="how many, taken evenly; all of them by default")
    args = parser.parse_args()
    if os.path.isdir(args.out):
        parser.error(f"--out {args.out}: a folder, expected the name of a file")
    try:
        pixels, labels = load_pixels(args.split)
    except OSError as error:
        sys.exit(f"make_dataset.py: {error}")
    count = len(labels) if args.images is None else args.images
    if not 1 <= count <= len(labels):
        parser.error(f"--images {count}: expected 1 to {len(labels)}")
    chosen = np.arange(count) * len(labels) // count
    try:
        write_dataset(args.out, pixels[chosen, 0], labels[chosen])
    except OSError as error:
        sys.exit(f"make_dataset.py: {args.out}: {error.strerror or error}")
    print(f"{args.out}: {count} images, {os.path.getsize(args.out):,} bytes")


if __name__ == "__main__":
    main()
