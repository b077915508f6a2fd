"""`kairos toy`: what it prints and writes, against distributions and levels computed here in NumPy.

The program carries masses of cells along.  Here the density is held by its values on a uniform grid: after each
step it is a sum of Gaussians, which so few as one value for each of their standard deviations determine (the
trapezoidal rule), and the next step is a sum over the grid.
"""
import functools
import json
import math
import re
import subprocess
import unittest

import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm

from common import KAIROS, FolderCase, kairos
from entropic_time import edm_sigmas, entropic_time, invert
from torch_cuda_random import philox4x32_10, randn

CURVE_LEVELS = 256
CENTRES = 0x7FFFFFFF   # the draw that centres are of
LEVELS_BOUND = 1e-9    # relative
DRAWN_BOUND = 1e-5     # the same, with centres that are drawn in float32
KL_BOUND = 2e-3        # relative; the program's own error is 0.1 %
NAMES = ["standard", "edm", "entropic", "rescaled", "order 2.5"]


class Mixture:
    """Equal parts about `centres`, which are shifted and scaled to mean 0 and standard deviation 1."""

    def __init__(self, centres, width):
        self.own = width ** 2
        centres = np.sort(np.asarray(centres, np.float64))
        self.centre = (centres - centres.mean()) * math.sqrt(1 - self.own) / centres.std()

    def posterior(self, x, sigma):
        """Mean and variance of the centre that x came from."""
        exponent = -(x[:, None] - self.centre) ** 2 / (2 * (self.own + sigma ** 2))
        weight = np.exp(exponent - exponent.max(axis=1, keepdims=True))
        weight /= weight.sum(axis=1, keepdims=True)
        mean = weight @ self.centre
        return mean, (weight * (self.centre - mean[:, None]) ** 2).sum(axis=1)

    def denoise(self, x, sigma):
        return (sigma ** 2 * self.posterior(x, sigma)[0] + self.own * x) / (sigma ** 2 + self.own)

    def squared_error(self, sigma):
        """The mean of the variance of x_0 given x."""
        total, z = self.own + sigma ** 2, np.linspace(-9, 9, 1801)
        x = (self.centre[:, None] + math.sqrt(total) * z).ravel()
        density = np.tile(norm.pdf(z), len(self.centre)) / len(self.centre)
        of_centre = 0.01 * density @ self.posterior(x, sigma)[1]
        return self.own * sigma ** 2 / total + (sigma ** 2 / total) ** 2 * of_centre

    def bin_edges(self, bins):
        """The inner edges of bins of equal probability; of points, half-way between them."""
        if self.own == 0:
            return (self.centre[1:] + self.centre[:-1]) / 2
        width = math.sqrt(self.own)
        return np.array([brentq(lambda x: norm.cdf(x, self.centre, width).mean() - p, -5, 5, xtol=1e-13)
                         for p in np.arange(1, bins) / bins])


@functools.cache
def curve(mixture, sigma_min, sigma_max):
    """The squared error on the EDM grid, from where points leave any."""
    while mixture.squared_error(sigma_min) < 1e-10 * sigma_min ** 2:
        sigma_min *= 1.05
    sigma = edm_sigmas(CURVE_LEVELS, sigma_min, sigma_max)[::-1]
    return sigma, np.array([mixture.squared_error(s) for s in sigma])


def levels(mixture, name, steps, sde, sigma_min, sigma_max):
    """The levels of one schedule, without the final 0."""
    if name == "standard" and sde == "vp":  # Song et al. 2021: 1 / alpha_bar - 1 at equal steps of t
        t = np.linspace(1, 1e-3, steps)
        return np.sqrt(np.expm1(19.9 * t ** 2 / 2 + 0.1 * t))
    if name in ("standard", "edm"):
        return edm_sigmas(steps, sigma_min, sigma_max, rho=1 if name == "standard" else 7)
    sigma, error = curve(mixture, sigma_min, sigma_max)
    order = float(name.split()[1]) if name.startswith("order") else name
    return invert(sigma, entropic_time(sigma, error, order), steps)


def masses(mixture, sigma, eta, initial, edges, fineness=16):
    """The probability of each bin after stochastic DDIM (Song et al. 2021, Eq. 12) down `sigma`, then to 0."""
    size = initial / fineness
    x = np.arange(-9 * initial, 9 * initial, size)
    density = norm.pdf(x, scale=initial)
    for s, t in zip(sigma, sigma[1:]):
        noise = eta * t * math.sqrt(1 - t ** 2 / s ** 2)
        d = mixture.denoise(x, s)
        mean = d + math.sqrt(t ** 2 - noise ** 2) / s * (x - d)
        weight, size = size * density, noise / fineness
        nearest, reach = np.rint(mean / size).astype(int), 9 * fineness
        low = nearest.min() - reach
        density = np.zeros(nearest.max() + reach - low + 1)
        for cell in (nearest + k for k in range(-reach, reach + 1)):
            density += np.bincount(cell - low, weight * norm.pdf(cell * size, mean, noise), len(density))
        x = (np.arange(len(density)) + low) * size
    ends = mixture.denoise(x + size / 2, sigma[-1])  # of the grid's cells, which keep their order
    below = np.interp(edges, ends, np.cumsum(density) * size)
    return np.diff(np.concatenate([[0], below, [density.sum() * size]]))


def divergence(mass):
    return -np.mean(np.log(mass * len(mass)))


def variance_of_estimate(mass, samples):
    """Of the divergence as counts of `samples` estimate it, to first order: the counts are multinomial."""
    return (np.mean(1 / (mass * len(mass))) - 1) / samples


class ToyTest(FolderCase):
    def setUp(self):
        super().setUp()
        self.file = self.path("toy.json")

    def run_toy(self, *options):
        """The settings, the results by (schedule, steps), and the words of the printed table in the same way."""
        text = kairos("toy", *options, "--out", self.file, "--quiet")
        with open(self.file) as f:
            run = json.load(f)
        cells = {(c["schedule"], c["steps"]): c for c in run["results"]}
        lines = text.splitlines()
        names = re.split("  +", lines[1])[1:]
        each = 2 if "standard error" in lines[0] else 1
        table = {(name, int(row[0])): row[1 + each * i:1 + each * (i + 1)]
                 for row in map(str.split, lines[2:]) for i, name in enumerate(names)}
        self.assertEqual(set(table), set(cells))
        return run["settings"], cells, table

    def check_levels(self, mixture, settings, cell, bound=LEVELS_BOUND):
        expected = levels(mixture, cell["schedule"], cell["steps"], settings["sde"], settings["sigma_min"],
                          settings["sigma_max"])
        np.testing.assert_allclose(cell["sigma"][:-1], expected, rtol=bound)
        self.assertEqual(cell["sigma"][-1], 0)
        return expected

    def check_exact(self, mixture, bins, options, useless=()):
        """Levels and divergence of every cell, as written and as printed; `useless` have a divergence of
        10 and more, of masses that no computation gets right."""
        settings, cells, table = self.run_toy("--layout", "even", "--method", "exact", "--order", 2.5, *options)
        self.assertEqual(sorted({name for name, _ in cells}), sorted(NAMES))
        initial = math.hypot(settings["sigma_max"], settings["sde"] == "vp")
        edges = mixture.bin_edges(bins)
        for key, cell in cells.items():
            with self.subTest(cell=key):
                sigma = self.check_levels(mixture, settings, cell)
                if key[0] in useless:
                    self.assertGreater(cell["kl_mean"], 10)
                    continue
                expected = divergence(masses(mixture, sigma, settings["eta"], initial, edges))
                self.assertLess(abs(float(table[key][0]) / expected - 1), KL_BOUND)
                self.assertLess(abs(cell["kl_mean"] / expected - 1), KL_BOUND)

    def test_points(self):
        self.check_exact(Mixture(range(5), 0), 5, ["--data", "points", "--steps", "8,16"], useless=["standard"])

    def test_gaussians(self):
        self.check_exact(Mixture(range(4), 0.15), 32, [
            "--data", "gaussians", "--components", 4, "--width", 0.15, "--bins", 32, "--sde", "vp", "--eta", 0.5,
            "--steps", 12])

    def test_range(self):
        self.check_exact(Mixture(range(3), 0.3), 16, [
            "--data", "gaussians", "--components", 3, "--width", 0.3, "--bins", 16, "--sigma_min", 0.05,
            "--sigma_max", 20, "--steps", 6], useless=["standard"])

    def test_layouts(self):
        """The centres of the first repetition, by the levels that they ask for."""
        seed, element = 7, np.arange(6)
        word = philox4x32_10(seed, CENTRES, element)[0].astype(np.float64)
        uniform = (word + 0.5) / 2 ** 32
        for layout, centres in dict(random=randn(seed, 6, CENTRES), jittered=element + 0.4 * (2 * uniform - 1),
                                    even=element).items():
            mixture = Mixture(centres, 0.1)
            settings, cells, _ = self.run_toy(
                "--data", "gaussians", "--components", 6, "--layout", layout, "--seed", seed, "--steps", 9,
                "--schedule", "entropic,rescaled", "--samples", 1280, "--repetitions", 2)
            for key, cell in cells.items():
                with self.subTest(layout=layout, cell=key):
                    self.check_levels(mixture, settings, cell, DRAWN_BOUND)

    def test_paths(self):
        """Mean, variance and standard error of sampled paths, against what counts of such masses give."""
        samples, repetitions, mixture = 5000, 200, Mixture(range(5), 0)
        settings, cells, table = self.run_toy(
            "--data", "points", "--layout", "even", "--schedule", "edm,entropic,rescaled", "--order", 2.5,
            "--steps", 6, "--samples", samples, "--repetitions", repetitions)
        for key, cell in cells.items():
            with self.subTest(cell=key):
                mass = masses(mixture, self.check_levels(mixture, settings, cell), 1, 80, mixture.bin_edges(5))
                variance = variance_of_estimate(mass, samples)
                self.assertLess(abs(cell["kl_mean"] - divergence(mass)), 4 * math.sqrt(variance / repetitions))
                # The variance of a variance of that many is 2 / (n - 1), relative.
                self.assertLess(abs(cell["kl_variance"] / variance - 1), 4 * math.sqrt(2 / (repetitions - 1)))
                self.assertAlmostEqual(cell["kl_standard_error"] ** 2 * repetitions / cell["kl_variance"], 1, 9)
                self.assertEqual([f"{cell['kl_mean']:.3e}", f"{cell['kl_standard_error']:.1e}"], table[key])

    def test_an_output_that_cannot_be_written(self):
        """Known before the work, which would take hours."""
        args = ["--samples", "1000000000", "--out", "/proc/toy.json"]
        done = subprocess.run([KAIROS, "toy", *args], stderr=subprocess.PIPE, text=True, timeout=30)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, "^kairos toy: cannot write /proc/toy.json: [^\n]*\n$")

    def test_what_it_refuses(self):
        for options, said in (
                (["--schedule", "entropic,rescald"], "rescald"), (["--schedule", ""], "--order"),
                (["--steps", "2.5"], "2.5 is not a whole number"), (["--components", "1"], "--components"),
                (["--sigma_max", "0.001"], "sigma_max > sigma_min"),
                (["--steps", "4,8,4"], "--steps: 4 is given twice"), (["--schedule", "edm,edm"], "edm is given twice"),
                (["--schedule", "entropic", "--order", "3"], "entropic is given twice"),
                (["--order", "2.5,2.5"], "order 2.5 is given twice"), (["--threads", "0"], "--threads"),
                (["--samples", "1"], "--samples 1: expected 50 or more, 10 for each of the 5 bins"),
                (["--data", "gaussians", "--bins", "9", "--samples", "89"], "expected 90 or more")):
            with self.subTest(options=options):
                done = subprocess.run([KAIROS, "toy", *options], stderr=subprocess.PIPE, text=True)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn(said, done.stderr)


if __name__ == "__main__":
    unittest.main()
