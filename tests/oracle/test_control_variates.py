"""`kairos measure --control-variates` against the regression estimator in NumPy, and what it promises."""
import json
import os
import signal
import subprocess
import time
import unittest

import numpy as np

from common import KAIROS, kairos, random_network, save_network
import safetensors_io
from measuring import (SMALL, MeasureCase, edm_levels, integrals, order, reference, standard_error, write_data)

LEVELS, LOW, HIGH = 5, 0.4, 20
SEEDS = range(1, 25)
GRID = ["--levels", LEVELS, "--sigma_min", LOW, "--sigma_max", HIGH]
KEYS = ("squared_error", "standard_error", "entropy_error", "rescaled_entropy_error")


def controls(images, classes):
    """[N, 4]: the features of images [N,C,H,W] of these classes (-1 = none)."""
    x, classes = images.astype(np.float64), np.asarray(classes)
    centre = np.array([x[classes == k].mean(axis=0) for k in classes])
    differences = np.abs(np.concatenate([np.diff(x, axis=axis).reshape(len(x), -1) for axis in (2, 3)], axis=1))
    return np.stack([((x - centre) ** 2).sum(axis=(1, 2, 3)), *((differences ** p).sum(axis=1) for p in (0.5, 1, 2))],
                    axis=1)


def estimate(values, features, population):
    """Mean and standard error [T] of values [T, n] by regression on features [n, 4] of this mean [4]."""
    mean = features.mean(axis=0)
    means, errors = [], []
    for value in values:
        slopes, _, rank, _ = np.linalg.lstsq(features - mean, value - value.mean(), rcond=None)
        rest = value - value.mean() - (features - mean) @ slopes
        shift = population - mean
        leverage = shift @ np.linalg.inv((features - mean).T @ (features - mean)) @ shift
        means.append(value.mean() + shift @ slopes)
        errors.append(np.sqrt((rest ** 2).sum() / (len(value) - 1 - rank) * (1 / len(value) + leverage)))
    return np.array(means), np.array(errors)


def textures(count, seed):
    """[N,2,8,8] of many strengths, smooth to rough."""
    rng = np.random.default_rng(seed)
    smooth = rng.standard_normal((count, 2, 1, 1)) * rng.uniform(0, 1, (count, 1, 1, 1))
    rough = rng.standard_normal((count, 2, 8, 8)) * rng.uniform(0.05, 0.8, (count, 1, 1, 1))
    return (smooth + rough).astype(np.float32)


class ControlVariatesTest(MeasureCase):
    def compare(self, name, net, x0, labels, used):
        """The curve of `used` images against the reference."""
        seed = 3
        classes = labels if labels is not None and net.label_dim > 0 else [-1] * len(x0)
        levels = edm_levels(LEVELS, LOW, HIGH)
        squared = reference(net, x0, classes, levels, seed)[0]
        features, chosen = controls(x0, classes), order(len(x0), seed)[:used]
        curve = self.measure(name + ".json", "--net", self.path("net"), "--data", self.path(name), *GRID, "--seed",
                             seed, "--images", used, "--control-variates", "--batch", 7,
                             *(["--without-labels"] if labels is None and net.label_dim > 0 else []))
        for (mean, error), values in zip((KEYS[:2], (None, KEYS[2]), (None, KEYS[3])),
                                         (squared, integrals(squared, levels, 3), integrals(squared, levels, 2))):
            means, errors = estimate(values[:, chosen], features[chosen], features.mean(axis=0))
            if mean is not None:
                np.testing.assert_allclose(curve[mean], means, rtol=1e-4)
                # They matter 30 times the bound above.
                self.assertGreater(np.abs(means / values[:, chosen].mean(axis=1) - 1).max(), 3e-3)
            np.testing.assert_allclose(curve[error], errors, rtol=1e-3, atol=1e-9)
        self.assertEqual(curve["images"], used)
        self.assertIn("energy", curve["provenance"]["control_variates"])

    def test_against_numpy(self):
        for label_dim in (3, 0):
            net = random_network(dict(SMALL, label_dim=label_dim), 1)
            save_network(self.path("net"), net)
            for name, labels in (("labels", np.arange(150) % 3), ("none", None)):
                x0 = write_data(self.path(f"{name}{label_dim}"), textures(150, 2), labels)
                self.compare(f"{name}{label_dim}", net, x0, labels, 101)

    def test_better_than_the_sample(self):
        """Over many samples: unbiased within their standard errors, which are a fraction of the sample mean's."""
        self.stand_in(0.5)
        rng = np.random.default_rng(4)
        x0 = write_data(self.path("data"), (rng.standard_normal((400, 3, 8, 8)) * rng.uniform(0.2, 2, (400, 1, 1, 1))
                                            ).astype(np.float32))
        levels = edm_levels(LEVELS, LOW, HIGH)
        truth = np.mean([self.stand_in_errors(x0, 0.5, levels, seed).mean(axis=1) for seed in SEEDS], axis=0)
        off, ratio = [], []
        for seed in SEEDS:
            curve = self.measure(f"{seed}.json", "--net", self.path("net"), "--data", self.path("data"), *GRID,
                                 "--seed", seed, "--images", 100, "--control-variates")
            off.append((curve["squared_error"] - truth) / curve["standard_error"])
            sample = self.stand_in_errors(x0, 0.5, levels, seed)[:, order(400, seed)[:100]]
            ratio.append(np.array(curve["standard_error"]) / standard_error(sample))
        self.assertTrue((np.mean(ratio, axis=0) < 0.2).all(), np.mean(ratio, axis=0))
        rms = np.sqrt(np.mean(np.square(off), axis=0))
        self.assertTrue(((rms > 0.55) & (rms < 1.45)).all(), rms)
        self.assertLess(np.abs(np.mean(off, axis=0)).max(), 0.7)

    def test_all_images(self):
        """Nothing to correct when all of the data is measured; the noise's share of the error stays."""
        self.stand_in(0.5)
        write_data(self.path("data"), np.concatenate([textures(120, 5), textures(120, 6)[:, :1]], axis=1))
        options = ["--net", self.path("net"), "--data", self.path("data"), *GRID]
        plain = self.measure("p.json", *options)
        curve = self.measure("c.json", *options, "--control-variates")
        np.testing.assert_allclose(curve["squared_error"], plain["squared_error"], rtol=1e-12)
        self.assertLess(curve["standard_error"][-1], 0.2 * plain["standard_error"][-1])

    def test_alike(self):
        """Controls that are the same for all images, or for all but their energy, are left out."""
        self.stand_in(0.5)
        options = ["--net", self.path("net"), *GRID, "--images", 100]
        for name, images in (("alike", np.full((130, 3, 8, 8), 0.1, np.float32)),
                             ("flat", np.repeat(np.repeat(textures(130, 7)[:, :1, :1, :1], 3, 1), 64, 2)
                              .reshape(130, 3, 8, 8))):
            write_data(self.path(name), images)
            plain = self.measure(f"{name}-p.json", *options, "--data", self.path(name))
            curve = self.measure(f"{name}-c.json", *options, "--data", self.path(name), "--control-variates")
            if name == "alike":
                for key in KEYS:
                    np.testing.assert_allclose(curve[key], plain[key], rtol=1e-9)
            else:
                self.assertTrue(np.isfinite([curve[key] for key in KEYS]).all())
                self.assertLess(curve["standard_error"][-1], 0.2 * plain["standard_error"][-1])

    def test_tolerance(self):
        """Fewer images are enough."""
        self.stand_in(0.5)
        rng = np.random.default_rng(6)
        write_data(self.path("data"), (rng.standard_normal((300, 3, 8, 8)) * rng.uniform(0.2, 2, (300, 1, 1, 1))
                                       ).astype(np.float32))
        options = ["--net", self.path("net"), "--data", self.path("data"), *GRID, "--batch", 10, "--tolerance", 0.06]
        plain = self.measure("p.json", *options)
        curve = self.measure("c.json", *options, "--control-variates")
        self.assertTrue(100 <= curve["images"] < plain["images"] < 300, (curve["images"], plain["images"]))

    def images_done(self):
        """By the state, which is whole or not there."""
        try:
            return int(safetensors_io.load(self.path("c.json.state"))[0]["images"][0])
        except FileNotFoundError:
            return 0

    def kill_after(self, images, command):
        """Runs the command until so many images are measured; how many its state has then."""
        run = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while run.poll() is None and self.images_done() < images:
            time.sleep(0.001)
        run.send_signal(signal.SIGKILL)
        run.wait()
        return self.images_done()

    def test_kills(self):
        """The same numbers whatever the batch, and however often the run was killed."""
        self.stand_in(0.5)
        write_data(self.path("data"), np.concatenate([textures(200, 8), textures(200, 9)[:, :1]], axis=1))
        options = ["--net", self.path("net"), "--data", self.path("data"), *GRID, "--images", 150, "--control-variates"]
        self.measure("w.json", *options, "--batch", 64)
        command = [KAIROS, "measure", "--out", self.path("c.json"), "--save-every", "0", "--batch", "2",
                   *map(str, options)]
        kills = [self.kill_after(images, command) for images in (1, 30, 60)]
        self.assertTrue(any(0 < images < 150 for images in kills), kills)
        plain = [word for word in command if word != "--control-variates"]
        said = subprocess.run(plain, stderr=subprocess.PIPE, text=True)
        self.assertRegex(said.stderr, r'\(control_variates: "energy .*" then, nothing now\)')
        kairos(*command[1:])
        resumed, whole = (self.measure(name, *options) for name in ("c.json", "w.json"))
        for key in ("sigma", *KEYS, "provenance"):
            if key == "provenance":
                resumed[key].pop("command"), whole[key].pop("command")
            self.assertEqual(resumed[key], whole[key])

    def test_too_far(self):
        """A few images that are nothing like the others say nothing about them: no negative error is made of that."""
        self.stand_in(0.5)
        scales = np.full(300, 100.0)
        scales[order(300, 3)[:100]] = 0.01
        write_data(self.path("data"), (np.random.default_rng(9).standard_normal((300, 3, 8, 8))
                                       * scales.reshape(-1, 1, 1, 1)).astype(np.float32))
        command = [KAIROS, "measure", "--net", self.path("net"), "--data", self.path("data"), "--out",
                   self.path("c.json"), *map(str, GRID), "--seed", "3", "--control-variates"]
        for _ in range(2):
            said = subprocess.run([*command, "--images", "100"], stderr=subprocess.PIPE, text=True)
            self.assertEqual(said.returncode, 1)
            self.assertRegex(said.stderr, "data: the control variates take the squared error at noise level [0-9.]+ to "
                             "-[0-9.e+]+, below 0: remove .*c.json.state, and measure more than 100 images or without")
            self.assertFalse(os.path.exists(self.path("c.json")))
        os.remove(self.path("c.json.state"))
        kairos(*command[1:], "--images", "200")
        os.remove(self.path("c.json"))
        kairos(*command[1:], "--batch", "20", "--tolerance", "0.3")  # goes on where the first 100 say nothing
        with open(self.path("c.json")) as f:
            self.assertGreater(json.load(f)["images"], 100)

    def test_refused(self):
        net = random_network(SMALL, 1)
        save_network(self.path("net"), net)
        write_data(self.path("data"), textures(130, 2), np.arange(130) % 3)
        write_data(self.path("more"), textures(130, 2), [*[0] * 129, 3])
        options = ["--net", self.path("net"), "--out", self.path("c.json"), *GRID, "--control-variates"]
        for status, text, more in [
                (2, "--control-variates: the spectrum has none, leave out --spectral", ["--data", "x", "--spectral"]),
                (2, "--from-logvar: takes no --data, --images, --tolerance or --control-variates", ["--from-logvar"]),
                (1, "99 are to be measured: expected 100 or more of them for control variates",
                 ["--data", self.path("data"), "--images", 99])]:
            self.refuse(status, text, *options, *more)
        seed = next(seed for seed in range(50) if order(130, seed).index(129) >= 100)  # it is not among those measured
        said = subprocess.run([KAIROS, "measure", *map(str, options), "--data", self.path("more"), "--images", "100",
                               "--seed", str(seed)], stderr=subprocess.PIPE, text=True)
        self.assertEqual(said.returncode, 1)
        self.assertIn(self.path("more/img00000129.npy") + " has the label 3, the model has 3 classes", said.stderr)


if __name__ == "__main__":
    unittest.main()
