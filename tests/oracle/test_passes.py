"""A batch larger than a pass through the network: each image's noise, labels and state are those of its place."""
import os
import subprocess
import tempfile
import unittest

import numpy as np

from common import ENGINE, KAIROS, SHIPPED, on_cpu_target, random_network, save_network
import safetensors_io

CPU = on_cpu_target()
# A pass is 4 images a processor: 4 with one thread, and more than any GPU has processors for.
IMAGES = 10 if CPU else 1000
CONFIG = dict(img_resolution=8, img_channels=2, label_dim=5, sigma_data=0.5, logvar_channels=8, model_channels=16,
              channel_mult=[1, 2], num_blocks=1, attn_resolutions=[4], channels_per_head=8)


def run(*args):
    done = subprocess.run([KAIROS, *map(str, args), "--engine", ENGINE], env=dict(os.environ, OMP_NUM_THREADS="1"),
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise AssertionError(done.stderr)


class PassesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        for name, seed in (("net", 1), ("gnet", 2)):
            save_network(cls.path(name), random_network(CONFIG, seed))

    @classmethod
    def path(cls, name):
        return os.path.join(cls.folder.name, name)

    def samples(self, batch, *options):
        out = self.path(f"x{batch}")
        run("generate", "--net", self.path("net"), "--seeds", f"0-{IMAGES - 1}", "--steps", 3, "--batch", batch,
            "--save-tensors", out, *options)
        return safetensors_io.load(out)[0]

    def test_generate(self):
        cases = {"stochastic": ["--eta", 1], "heun": ["--solver", "heun"],
                 "guided": ["--gnet", self.path("gnet"), "--guidance", 2],
                 "guided by the zero label": ["--guidance", 2]}
        for name, options in cases.items():
            with self.subTest(name):
                together, few = self.samples(IMAGES, *options), self.samples(3, *options)
                for key in few:
                    np.testing.assert_array_equal(together[key], few[key])

    def test_denoise(self):
        rng = np.random.default_rng(1)
        given = {"x": rng.normal(size=(IMAGES, 2, 8, 8)).astype(np.float32),
                 "sigma": rng.uniform(0.1, 3, IMAGES).astype(np.float32),
                 "labels": rng.integers(-1, 5, IMAGES).astype(np.int32)}
        safetensors_io.save(self.path("in"), given, {})
        found = []
        for batch in (IMAGES, 3):
            run("denoise", "--net", self.path("net"), "--in", self.path("in"), "--out", self.path("out"), "--batch", batch)
            found.append(safetensors_io.load(self.path("out"))[0])
        for key in found[0]:
            np.testing.assert_array_equal(found[0][key], found[1][key])

    def test_measure(self):
        curves = []
        for batch in (IMAGES, 3):
            run("measure", "--net", SHIPPED, "--data", os.path.join(os.path.dirname(SHIPPED), "fashion-mnist-1000.zip"),
                "--images", IMAGES, "--levels", 18, "--batch", batch, "--out", self.path(f"curve{batch}.json"))
            with open(self.path(f"curve{batch}.json")) as f:
                curves.append(f.read().split('"provenance"')[0])
        self.assertEqual(curves[0], curves[1])


if __name__ == "__main__":
    unittest.main()
