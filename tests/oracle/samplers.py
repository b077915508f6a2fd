"""The samplers and the images of seeds in NumPy: the oracle for `kairos generate`.

Notation: x_sigma = x_0 + sigma n, n ~ N(0, I).  `denoise(x, sigma)` is D(x; sigma) for a batch
x [N,C,H,W], all at one noise level.
"""
import numpy as np

import torch_cuda_random


def ddim(denoise, x, sigmas, eta=0.0, normal=None):
    """DDIM from x at sigmas[0] down to 0; eta = 0 deterministic, 1 stochastic.  NFE = len(sigmas).

    normal(k) gives the k-th batch of fresh noise.
    """
    levels, drawn = np.append(sigmas, 0.0), 0
    for s, t in zip(levels[:-1], levels[1:]):
        d = denoise(x, s)
        noise = eta * t * np.sqrt(1 - (t / s) ** 2)
        x = d + np.sqrt(t ** 2 - noise ** 2) * (x - d) / s
        if noise > 0:
            x = x + noise * normal(drawn)
            drawn += 1
    return x


def heun(denoise, x, sigmas):
    """EDM's second-order solver without churn (Karras et al. 2022, Alg. 1).  NFE = 2 len(sigmas) - 1."""
    levels = np.append(sigmas, 0.0)
    for s, t in zip(levels[:-1], levels[1:]):
        slope = (x - denoise(x, s)) / s
        y = x + (t - s) * slope
        if t > 0:
            y = x + (t - s) * 0.5 * (slope + (y - denoise(y, t)) / t)
        x = y
    return x


class Seeds:
    """What each seed of a batch draws, in the order of NVlabs' generate_images.

    Draw 0 is the initial noise, draw 1 the class label (not drawn by a model without labels), and
    every stochastic step takes one draw more.
    """

    def __init__(self, seeds, shape, label_dim):
        self.seeds, self.shape, self.label_dim = [seed % 2 ** 32 for seed in seeds], shape, label_dim

    def normals(self, draw):
        count = int(np.prod(self.shape))
        return np.stack([torch_cuda_random.randn(seed, count, draw).reshape(self.shape)
                         for seed in self.seeds])

    def noise(self):
        return self.normals(0)

    def labels(self):
        """[N] class numbers, -1 for a model without labels."""
        return np.array([torch_cuda_random.randint(seed, self.label_dim, 1) if self.label_dim else -1
                         for seed in self.seeds])

    def step(self, k):
        return self.normals(k + (2 if self.label_dim else 1))


def pixels(x):
    """[N,C,H,W] in [-1,1] as bytes."""
    return np.trunc(np.clip(127.5 * np.asarray(x, np.float64) + 128, 0, 255)).astype(np.uint8)
