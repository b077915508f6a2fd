"""What the tests of `kairos measure` share: data sets, the reference's squared errors, a network of known error."""
import json
import os
import subprocess

import numpy as np
import torch

from common import KAIROS, FolderCase, kairos, one_hot, random_network, save_network
from entropic_time import edm_sigmas
from torch_cuda_random import philox4x32_10, randn

SMALL = dict(img_resolution=8, img_channels=2, label_dim=3, sigma_data=0.7, logvar_channels=16, model_channels=8,
             channel_mult=[1, 2], num_blocks=1, attn_resolutions=[], channels_per_head=8)


def edm_levels(n, low=0.002, high=80.0, rho=7.0):
    """EDM's noise levels in the order of a curve, increasing."""
    return edm_sigmas(n, low, high, rho)[::-1].copy()


def order(count, seed):
    """The images in the order in which they are measured: Fisher and Yates' shuffle."""
    ends = np.arange(1, count + 1, dtype=np.uint64)
    low, high = (word.astype(np.uint64) for word in philox4x32_10(seed, 0xFFFFFFFF, ends))
    chosen = (high << np.uint64(32) | low) % ends
    found = list(range(count))
    for i in range(count - 1, 0, -1):
        j = int(chosen[i])
        found[i], found[j] = found[j], found[i]
    return found


def integrals(squared, levels, p):
    """[T, N]: of each image's squared error [T, N] / sigma^p up to each level, by trapezoids over ln sigma."""
    rate = squared * levels[:, None] ** (1 - p)
    steps = np.diff(np.log(levels))[:, None] * (rate[1:] + rate[:-1]) / 2
    return np.concatenate([np.zeros((1, squared.shape[1])), np.cumsum(steps, axis=0)])


def standard_error(values):
    return values.std(axis=1, ddof=1) / np.sqrt(values.shape[1])


def write_data(folder, images, labels=None):
    """A folder of NPY files [C,H,W], uint8 or float32; the values that they stand for."""
    os.makedirs(folder)
    for i, image in enumerate(images):
        np.save(os.path.join(folder, f"img{i:08d}.npy"), image)
    if labels is not None:
        with open(os.path.join(folder, "dataset.json"), "w") as f:
            json.dump({"labels": [[f"img{i:08d}.npy", int(label)] for i, label in enumerate(labels)]}, f)
    return images.astype(np.float32) / np.float32(127.5) - 1 if images.dtype == np.uint8 else images


def noise(shape, seed):
    n, size = shape[0], int(np.prod(shape[1:]))
    return np.stack([randn(seed + i, size, 0).reshape(shape[1:]) for i in range(n)])


@torch.no_grad()
def reference(net, x0, labels, levels, seed):
    """Squared error [T, N], power [T, C, H, W] and amplitude [C, H, W] in double precision."""
    net = net.double()
    x0, n = torch.from_numpy(x0).double(), torch.from_numpy(noise(x0.shape, seed)).double()
    rows = one_hot(labels, net.label_dim, torch.float64)
    squared, power = [], []
    for sigma in levels:
        x = x0 + sigma * n
        error = (x0 - net(x, torch.full([len(x0)], sigma, dtype=torch.float64), rows)).numpy()
        squared.append((error ** 2).sum(axis=(1, 2, 3)))
        power.append((np.abs(np.fft.fft2(error, norm="ortho")) ** 2).mean(axis=0))
    return np.array(squared), np.array(power), np.abs(np.fft.fft2(x0.numpy(), norm="ortho")).mean(axis=0)


def blobs(count, channels, resolution, seed):
    """Smooth uint8 images."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:resolution, :resolution] / resolution
    waves = [[np.sin(6.3 * (a * x + b * y) + p) for a, b, p in rng.uniform(-2, 2, (channels, 3))]
             for _ in range(count)]
    return (127.5 * (1 + np.array(waves) * rng.uniform(0.2, 1, (count, 1, 1, 1)))).clip(0, 255).astype(np.uint8)


class MeasureCase(FolderCase):
    def contents(self, *names):
        found = []
        for name in names:
            with open(self.path(name), "rb") as f:
                found.append(f.read())
        return found

    def measure(self, name, *options, expect=0):
        kairos("measure", "--quiet", "--out", self.path(name), *options, expect=expect)
        with open(self.path(name)) as f:
            return json.load(f)

    def stand_in(self, sigma_data):
        """A network without output, so that D = c_skip x: the best denoiser of N(0, sigma_data^2)."""
        net = random_network(dict(SMALL, label_dim=0, img_channels=3, sigma_data=sigma_data), 3)
        net.unet.out_gain.fill_(0)
        save_network(self.path("net"), net)

    def stand_in_errors(self, x0, sigma_data, levels, seed=0):
        """[T, N]: its squared error of each image at each level."""
        n = noise(x0.shape, seed).astype(np.float64)
        skip = sigma_data ** 2 / (levels ** 2 + sigma_data ** 2)
        return np.array([(((1 - k) * x0 - k * s * n) ** 2).sum(axis=(1, 2, 3)) for k, s in zip(skip, levels)])

    def refuse(self, status, text, *options):
        """Refused with this message; what lies in the folder stays as it is."""
        def found():
            return {name: os.stat(self.path(name)).st_mtime_ns for name in os.listdir(self.folder)}
        before = found()
        said = subprocess.run([KAIROS, "measure", *map(str, options)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True)
        self.assertEqual(said.returncode, status, said.stderr)
        self.assertIn(text, said.stderr)
        self.assertEqual(said.stdout, "")
        self.assertEqual(found(), before)
