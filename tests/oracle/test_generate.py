"""`kairos generate` against the reference sampler: the same seeds, hence the same noise, labels and images."""
import glob
import os
import sys
import tempfile
import unittest

import numpy as np
import torch

from common import (SHIPPED, FolderCase, kairos, load_network, on_cpu_target, one_hot, random_network, relative_error,
                    save_network)
from entropic_time import edm_sigmas
from png import read_png
import safetensors_io
import samplers

SAMPLES_BOUND = dict(cpu=1e-5, gpu=1e-3)  # relative L2 of an image after all steps, fp32
NOISE_BOUND = 1e-6                        # absolute; logarithm and sine may differ in their last bits


def denoiser(net, labels):
    """D(x; sigma) with fixed labels as a function of NumPy arrays; the network computes in float32."""
    labels = one_hot(labels, net.label_dim)

    def denoise(x, sigma):
        denoised = net(torch.from_numpy(x).float(), torch.full([len(x)], sigma), labels)
        return denoised.double().numpy()
    return denoise


def guided(main, reference, weight):
    return lambda x, sigma: reference(x, sigma) + weight * (main(x, sigma) - reference(x, sigma))


class GenerateTest(FolderCase):
    @classmethod
    def setUpClass(cls):
        cls.target = "cpu" if on_cpu_target() else "gpu"

    def setUp(self):
        super().setUp()
        self.shipped = load_network(SHIPPED)

    def check(self, weights, net, seeds, options, steps=16, eta=0.0, solver="ddim", label=None, denoise=None):
        """Runs kairos and the reference; denoise(labels) replaces the plain network (guidance)."""
        seed_list = ",".join(map(str, seeds))
        images = tempfile.mkdtemp(dir=self.folder)
        kairos("generate", "--net", weights, "--outdir", images, "--seeds", seed_list, "--steps", steps,
               "--schedule", "edm", "--solver", solver, "--precision", "fp32",
               "--save-tensors", self.path("s.safetensors"), *options)
        out = safetensors_io.load(self.path("s.safetensors"))[0]

        draws = samplers.Seeds(seeds, (net.img_channels, net.img_resolution, net.img_resolution), net.label_dim)
        labels = draws.labels() if label is None else np.full(len(seeds), label)
        denoise = denoise(labels) if denoise else denoiser(net, labels)
        sigmas = edm_sigmas(steps)
        x = draws.noise().astype(np.float64) * sigmas[0]
        if solver == "heun":
            expected = samplers.heun(denoise, x, sigmas)
        else:
            expected = samplers.ddim(denoise, x, sigmas, eta, draws.step)

        self.assertEqual(out["noise"].shape, expected.shape)
        self.assertEqual(out["samples"].shape, expected.shape)
        self.assertLessEqual(np.abs(out["noise"] - draws.noise()).max(), NOISE_BOUND)
        self.assertEqual(out["labels"].tolist(), labels.tolist())
        error = relative_error(out["samples"], expected).max()
        print(f"{self._testMethodName}: largest relative error {error:.1e}", file=sys.stderr)
        self.assertLessEqual(error, SAMPLES_BOUND[self.target])
        self.check_images(images, seeds, expected)

    def check_images(self, folder, seeds, expected):
        names = sorted(glob.glob(os.path.join(folder, "**", "*.png"), recursive=True))
        self.assertEqual([os.path.basename(name) for name in names], [f"{seed:06d}.png" for seed in sorted(seeds)])
        order = np.argsort(seeds)
        wanted = samplers.pixels(expected).transpose(0, 2, 3, 1)[order]
        found = np.stack([read_png(name) for name in names])
        self.assertEqual(found.shape, wanted.shape)
        off = np.abs(found.astype(int) - wanted)
        if self.target == "cpu":  # a value on the edge of two pixel values can fall to either side
            self.assertLessEqual(off.max(), 1)
            self.assertLessEqual(np.count_nonzero(off), 1 + off.size // 10000)
        else:
            self.assertGreaterEqual((off <= 1).mean(), 0.999)

    def test_deterministic(self):
        self.check(SHIPPED, self.shipped, range(16), ["--eta", 0])

    def test_stochastic(self):
        self.check(SHIPPED, self.shipped, range(16), ["--eta", 1], eta=1.0)

    def test_native_engine_and_large_seeds(self):
        """The generator is seeded with seed mod 2^32, so seed 2^32 + 3 is the image of seed 3."""
        for seeds in ([2 ** 32 + 3, 4, 2 ** 32 - 1], [3]):
            self.check(SHIPPED, self.shipped, seeds, ["--eta", 0.5, "--engine", "native", "--batch", 2], steps=8, eta=0.5)

    def test_heun_and_class(self):
        self.check(SHIPPED, self.shipped, range(4), ["--class", 3], steps=8, solver="heun", label=3)

    def test_class_does_not_change_the_draws(self):
        self.check(SHIPPED, self.shipped, range(4), ["--class", 7, "--eta", 1], steps=6, eta=1.0, label=7)

    def test_guidance_from_the_zero_label(self):
        def denoise(labels):
            return guided(denoiser(self.shipped, labels), denoiser(self.shipped, [-1] * len(labels)), 1.5)
        self.check(SHIPPED, self.shipped, range(4), ["--guidance", 1.5, "--eta", 0], steps=8, denoise=denoise)

    def test_guidance_from_a_second_network(self):
        small = dict(img_resolution=32, img_channels=1, model_channels=16, channel_mult=[1, 2],
                     num_blocks=1, attn_resolutions=[16], channels_per_head=16)
        for label_dim in (10, 0):
            with self.subTest(label_dim=label_dim):
                reference = random_network(dict(small, label_dim=label_dim), seed=label_dim)
                reference.unet.out_gain.fill_(0.05)
                save_network(self.path("reference.safetensors"), reference)
                self.check(SHIPPED, self.shipped, range(4),
                           ["--guidance", 2, "--gnet", self.path("reference.safetensors"), "--eta", 1],
                           steps=8, eta=1.0, denoise=lambda labels: guided(
                               denoiser(self.shipped, labels), denoiser(reference, labels), 2))

    def test_network_without_labels(self):
        """No label is drawn, so the first stochastic step takes draw 1."""
        net = random_network(dict(img_resolution=16, img_channels=3, label_dim=0, model_channels=16,
                                  channel_mult=[1, 2], num_blocks=1, attn_resolutions=[8],
                                  channels_per_head=16), seed=5)
        net.unet.out_gain.fill_(0.3)
        save_network(self.path("rgb.safetensors"), net)
        self.check(self.path("rgb.safetensors"), net, range(5), ["--eta", 1], steps=8, eta=1.0)


if __name__ == "__main__":
    unittest.main()
