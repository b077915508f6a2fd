"""Fashion-MNIST from Debian's package dataset-fashion-mnist (MIT licence), as pixels or as tensors."""
import gzip
import os

import numpy as np

ROOT = "/usr/share/datasets/fashion-mnist"


def load_pixels(split):
    """split 'train' (60,000) or 't10k' (10,000): bytes [N,1,32,32], labels uint8 [N].

    The 28x28 originals are centred on a black 32x32 canvas.
    """
    if not os.path.isdir(ROOT):
        raise FileNotFoundError(f"{ROOT} is missing: sudo apt install dataset-fashion-mnist")
    with gzip.open(os.path.join(ROOT, f"{split}-images-idx3-ubyte.gz")) as f:
        pixels = np.frombuffer(f.read(), np.uint8, offset=16).reshape(-1, 1, 28, 28)
    with gzip.open(os.path.join(ROOT, f"{split}-labels-idx1-ubyte.gz")) as f:
        labels = np.frombuffer(f.read(), np.uint8, offset=8)
    return np.pad(pixels, [(0, 0), (0, 0), (2, 2), (2, 2)]), labels


def load(split):
    """The same for PyTorch: images float32 [N,1,32,32], a byte b as b/127.5 - 1; labels int64 [N]."""
    import torch

    pixels, labels = load_pixels(split)
    images = torch.from_numpy(pixels).float() / 127.5 - 1
    return images, torch.from_numpy(labels.astype(np.int64))
