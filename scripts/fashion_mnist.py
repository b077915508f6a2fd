"""Fashion-MNIST as tensors, from Debian's package dataset-fashion-mnist (MIT licence)."""
import gzip
import os

import numpy as np
import torch

ROOT = "/usr/share/datasets/fashion-mnist"


def load(split):
    """split 'train' (60,000) or 't10k' (10,000): images [N,1,32,32] float32 in [-1,1], labels [N].

    The 28x28 originals are centred on a black 32x32 canvas; a byte b maps to b/127.5 - 1.
    """
    if not os.path.isdir(ROOT):
        raise FileNotFoundError(f"{ROOT} is missing: sudo apt install dataset-fashion-mnist")
    with gzip.open(os.path.join(ROOT, f"{split}-images-idx3-ubyte.gz")) as f:
        pixels = np.frombuffer(f.read(), np.uint8, offset=16).reshape(-1, 1, 28, 28)
    with gzip.open(os.path.join(ROOT, f"{split}-labels-idx1-ubyte.gz")) as f:
        labels = np.frombuffer(f.read(), np.uint8, offset=8)
    canvas = np.pad(pixels, [(0, 0), (0, 0), (2, 2), (2, 2)])
    images = torch.from_numpy(canvas).float() / 127.5 - 1
    return images, torch.from_numpy(labels.astype(np.int64))
