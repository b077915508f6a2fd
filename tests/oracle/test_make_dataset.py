"""scripts/make_dataset.py: the shipped sample, and PNG files that hold what was put in."""
import json
import os
import subprocess
import sys
import unittest
import zipfile

import numpy as np

from common import ROOT, FolderCase
import fashion_mnist
import make_dataset
from png import read_png

SAMPLE = os.path.join(ROOT, "weights", "fashion-mnist-1000.zip")


class MakeDataset(FolderCase):
    def images(self, path):
        """The pixels [N,H,W,C] and labels of an archive, in the order of its names."""
        with zipfile.ZipFile(path) as archive:
            self.assertTrue(all(e.compress_type == zipfile.ZIP_STORED for e in archive.infolist()))
            archive.extractall(self.path("all"))
            labels = dict(json.loads(archive.read("dataset.json"))["labels"])
            names = sorted(n for n in archive.namelist() if n.endswith(".png"))
        self.assertEqual(sorted(labels), names)
        return np.stack([read_png(self.path("all/" + n)) for n in names]), [labels[n] for n in names]

    def test_pixels_and_labels(self):
        rng = np.random.default_rng(0)
        for channels in (1, 3):
            shape = (5, 9, 7) if channels == 1 else (5, 9, 7, 3)
            noise = rng.integers(0, 256, shape, dtype=np.uint8)
            smooth = np.indices(shape).sum(axis=0).astype(np.uint8) * 3
            images = np.where(np.arange(5).reshape(-1, *[1] * (len(shape) - 1)) % 2, noise, smooth)
            make_dataset.write_dataset(self.path("a.zip"), images, [3, 1, 4, 1, 5])
            pixels, labels = self.images(self.path("a.zip"))
            np.testing.assert_array_equal(pixels, images.reshape(5, 9, 7, channels))
            self.assertEqual(labels, [3, 1, 4, 1, 5])

    def test_the_same_bytes_again(self):
        images = np.random.default_rng(1).integers(0, 256, (3, 8, 8), dtype=np.uint8)
        for name in "ab":
            make_dataset.write_dataset(self.path(name), images, [0, 1, 2])
        with open(self.path("a"), "rb") as a, open(self.path("b"), "rb") as b:
            self.assertEqual(a.read(), b.read())
        self.assertEqual(sorted(os.listdir(self.folder)), ["a", "b"])

    def refused(self, said, *arguments, status):
        """As a user runs it: the last line."""
        done = subprocess.run([sys.executable, os.path.join(ROOT, "scripts", "make_dataset.py"), *arguments],
                              stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertNotIn("Traceback", done.stderr)
        self.assertIn(said, done.stderr.splitlines()[-1])

    @unittest.skipUnless(os.path.isdir(fashion_mnist.ROOT), "dataset-fashion-mnist is not installed")
    def test_paths_that_cannot_be_written(self):
        self.refused("make_dataset.py: /proc/x.zip: No such file or directory", "--out", "/proc/x.zip", status=1)
        none = self.path("none/x.zip")
        self.refused(f"make_dataset.py: {none}: No such file or directory", "--out", none, "--images", "1", status=1)
        self.refused(f"--out {self.folder}: a folder", "--out", self.folder, "--images", "1", status=2)
        self.assertEqual(os.listdir(self.folder), [])

    def test_without_the_images(self):
        """The message of fashion_mnist.py alone, which says what to install."""
        code = ("import sys; sys.path[:0] = sys.argv[1:2]; import fashion_mnist, make_dataset;"
                "fashion_mnist.ROOT = '/none'; sys.argv[1:] = ['--out', sys.argv[2]]; make_dataset.main()")
        done = subprocess.run([sys.executable, "-c", code, os.path.join(ROOT, "scripts"), self.path("x.zip")],
                              stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr, "make_dataset.py: /none is missing: sudo apt install dataset-fashion-mnist\n")

    @unittest.skipUnless(os.path.isdir(fashion_mnist.ROOT), "dataset-fashion-mnist is not installed")
    def test_the_shipped_sample(self):
        everything, classes = fashion_mnist.load_pixels("train")
        pixels, labels = self.images(SAMPLE)
        np.testing.assert_array_equal(pixels[..., 0], everything[::60, 0])
        self.assertEqual(labels, classes[::60].tolist())


if __name__ == "__main__":
    unittest.main()
