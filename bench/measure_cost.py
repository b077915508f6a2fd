#!/usr/bin/env python3
"""What a schedule costs to measure: how far 16 rescaled levels are from those of 100 times the samples.

Two errors are separated.  Of sampling, on a grid of 18 noise levels: the reference is the mean of 3 curves of all
60,000 training images, each with noise of its own, 180,000 samples.  The first of them is measured in 600 lots, which
are then put together to disjoint groups of n images; each group's schedule is held against the reference's.  As a
group's images are among the N of the data set, its difference is smaller than that of n images which are not, by
sqrt(1 - n/N), for which the last column is corrected.  Curves that a user would measure, with control variates and
seeds of their own, are timed and held against the reference too: those of 1,800 images against 100 times the samples.

Of the grid: the same few images and noise on coarser grids against 128 levels; and, for schedules of other orders and
steps, the shipped curve of 128 levels, read off on coarser grids (ln err as a cubic spline of ln sigma, of the
spectrum in each direction).

Hours on a CPU.  Curves are added to OUTDIR/curves.jsonl as they come; what is there is not measured again, and what
was killed goes on.  --shipped-curve does the last part alone, which measures nothing: seconds.
"""
import argparse
import functools
import json
import os
import subprocess
import sys
import time

import numpy as np
from scipy.interpolate import CubicSpline

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "scripts"))

import safetensors_io  # noqa: E402
from fashion_mnist import load_pixels  # noqa: E402
from make_dataset import write_dataset  # noqa: E402

NET = os.path.join(ROOT, "weights", "fashion-mnist-edm2.safetensors")
LOTS, LOT, LEVELS, STEPS = 600, 100, 18, 16
DRAWS = 3
GROUPS = (100, 300, 600, 1200, 1800, 4000, 10000)
USERS = ((300, 16), (1800, 16))  # images, curves
GRID_IMAGES, GRIDS = 300, (18, 24, 32, 48, 64, 128)
SHIPPED = os.path.join(ROOT, "weights", "fashion-mnist-edm2.curve.json")
TIMES = {"rescaled (order 2)": ["--kind", "rescaled"], "order 2.25": ["--order", "2.25"],
         "order 2.5": ["--order", "2.5"], "entropic (order 3)": ["--kind", "entropic"],
         "spectral": ["--kind", "spectral"]}
MANY_GROUPS = 40  # from so many on, 95 % of them is more than a guess


class Bench:
    def __init__(self, kairos, outdir):
        self.kairos, self.outdir = kairos, outdir
        self.pixels = self.labels = None  # loaded when something is to be measured
        os.makedirs(outdir, exist_ok=True)
        with open(SHIPPED) as f:
            self.shipped = json.load(f)
        self.curves = {}
        if os.path.exists(self.path("curves.jsonl")):
            with open(self.path("curves.jsonl")) as f:
                self.curves = {curve["name"]: curve for curve in map(json.loads, f)}

    def path(self, name):
        return os.path.join(self.outdir, name)

    def dataset(self, name, images):
        """These training images (indices) as a data set, which is written unless it is there."""
        path = self.path(name + ".zip")
        if not os.path.exists(path):
            write_dataset(path, self.pixels[images, 0], self.labels[images])
        return path

    def measure(self, name, data, images, levels, *options):
        """The curve of that name, measured on a data set of these images unless it is known."""
        if name not in self.curves:
            path = self.path(name + ".json")
            resumed, began = os.path.exists(path + ".state"), time.monotonic()
            subprocess.run([self.kairos, "measure", "--net", NET, "--data", self.dataset(data, images), "--out", path,
                            "--levels", str(levels), "--batch", str(LOT), *options], check=True,
                           stdout=subprocess.DEVNULL)
            self.add(name, path, None if resumed else round(time.monotonic() - began, 1))
        return self.curves[name]

    def add(self, name, path, seconds):
        with open(path) as f:
            curve = json.load(f)
        curve = dict(name=name, seconds=seconds, **{key: [float(f"{value:.8g}") for value in curve[key]]
                                                    for key in ("squared_error", "standard_error")})
        with open(self.path("curves.jsonl"), "a") as f:
            f.write(json.dumps(curve) + "\n")
        self.curves[name] = curve

    def schedule(self, steps, *options):
        """Noise levels, decreasing, without the final 0."""
        out = subprocess.run([self.kairos, "schedule", "--steps", str(steps), *options], check=True,
                             capture_output=True, text=True).stdout
        return np.array([float(line) for line in out.split()[:steps]])

    @functools.cache
    def grid(self, levels):
        """The noise levels that `measure --levels` takes, increasing."""
        return self.schedule(levels, "--kind", "edm")[::-1]

    def write_curve(self, name, squared_error):
        """A curve on the EDM grid, as a file for `schedule`."""
        path = self.path(name + ".json")
        with open(path, "w") as f:
            json.dump(dict(sigma=self.grid(len(squared_error)).tolist(), squared_error=list(squared_error),
                           dims=self.shipped["dims"]), f)
        return path

    def rescaled(self, squared_error):
        """The levels that the bench compares, of this curve."""
        return self.schedule(STEPS, "--kind", "rescaled", "--curve", self.write_curve("schedule", squared_error))


def measure_lots(bench, lots):
    """Squared errors [lots, LEVELS]."""
    errors, began, new = [], time.monotonic(), 0
    for lot in range(lots):
        name = f"lot-{lot:04d}"
        new += name not in bench.curves
        # Every 600th image, so that each lot is spread over the whole set.
        curve = bench.measure(name, name, np.arange(LOT) * LOTS + lot, LEVELS, "--seed", str(lot * LOT), "--quiet")
        errors.append(curve["squared_error"])
        if new:
            left = (time.monotonic() - began) / new * (lots - lot - 1)
            print(f"\rlot {lot + 1}/{lots}, {left / 60:.0f} min left ", end="", file=sys.stderr)
    return np.array(errors)


def sampling_error(bench, lots):
    samples = lots * LOT
    images = np.sort((np.arange(LOT)[:, None] * LOTS + np.arange(lots)).ravel())
    errors = measure_lots(bench, lots)
    # Image i of a draw gets the noise of seed draw * 60000 + i: no noise is drawn twice.
    data = f"first-{samples}"
    draws = [errors.mean(axis=0)] + [bench.measure(f"{data}-draw-{draw}", data, images, LEVELS, "--seed",
                                                   str(draw * LOTS * LOT))["squared_error"]
                                     for draw in range(1, DRAWS)]
    reference = np.mean(draws, axis=0)
    levels = bench.rescaled(reference)

    def difference(squared_error):
        return np.abs(bench.rescaled(squared_error) / levels - 1).max()
    print(f"Largest difference of {STEPS} rescaled levels from those of {DRAWS * samples} samples ({samples} images, "
          f"{DRAWS} draws of noise), {LEVELS} noise levels:\n\n"
          "| images n | groups | mean | 95 % of groups | mean x sqrt(n) / sqrt(1 - n/N) |\n|---|---|---|---|---|")
    for n in GROUPS:
        size, groups = n // LOT, lots // (n // LOT)
        if groups < 2:
            continue
        worst = [difference(errors[i * size:(i + 1) * size].mean(axis=0)) for i in range(groups)]
        most = f"{np.quantile(worst, 0.95):.2%}" if groups >= MANY_GROUPS else "-"
        print(f"| {n} | {groups} | {np.mean(worst):.2%} | {most} | "
              f"{np.mean(worst) * (n / (1 - size / lots)) ** 0.5:.2f} |")
    single = [difference(draw) for draw in draws]
    print(f"\n{DRAWS} draws of noise for all {samples} images: {np.mean(single):.2%} from the reference, their mean.")
    users_curves(bench, data, images, reference, difference)


def users_curves(bench, data, images, reference, difference):
    """Curves as a user would measure them, with noise that the reference does not have: their cost and worth."""
    print("\n`measure --levels 18 --images n --control-variates`, against the same reference:\n\n"
          "| images n | curves | network evaluations | seconds | mean | largest | within 1 % | mean x sqrt(n) | "
          "(err - reference) / standard error, rms |\n|---|---|---|---|---|---|---|---|---|")
    seed = DRAWS * LOTS * LOT
    for n, count in USERS:
        if n > len(images):
            continue
        curves = []
        for i in range(count):
            curves.append(bench.measure(f"{data}-users-{n}-{i}", data, images, LEVELS, "--images", str(n), "--seed",
                                        str(seed), "--control-variates", "--quiet"))
            seed += LOTS * LOT
        off = np.array([difference(curve["squared_error"]) for curve in curves])
        seconds = [curve["seconds"] for curve in curves if curve["seconds"] is not None]
        took = f"{np.mean(seconds):.1f}" if seconds else "-"
        deviation = [(np.array(curve["squared_error"]) - reference) / curve["standard_error"] for curve in curves]
        print(f"| {n} | {count} | {n * LEVELS} | {took} | {np.mean(off):.2%} | {np.max(off):.2%} | "
              f"{np.mean(off < 0.01):.0%} | {np.mean(off) * n ** 0.5:.2f} | "
              f"{np.sqrt(np.mean(np.square(deviation))):.2f} |", flush=True)


def grid_error(bench):
    chosen = np.arange(GRID_IMAGES) * len(bench.labels) // GRID_IMAGES
    schedules = {levels: bench.rescaled(bench.measure(f"grid-{levels}", "grid", chosen, levels, "--quiet")
                                        ["squared_error"]) for levels in GRIDS}
    print(f"\nOf {GRID_IMAGES} images on coarser grids ({STEPS} rescaled levels):\n\n"
          "| levels | largest difference from 128 levels |\n|---|---|")
    for levels in GRIDS[:-1]:
        print(f"| {levels} | {np.abs(schedules[levels] / schedules[128] - 1).max():.2%} |")


def resample(bench, levels):
    """The shipped curve, with its spectrum, as it would be on the EDM grid of so many levels."""
    spectrum, _ = safetensors_io.load(SHIPPED.replace(".json", ".spectrum.safetensors"))
    sigma, grid = np.array(bench.shipped["sigma"]), bench.grid(levels)

    def at_grid(values):
        return np.exp(CubicSpline(np.log(sigma), np.log(np.array(values, np.float64)))(np.log(grid)))
    path = bench.write_curve(f"shipped-{levels}", at_grid(bench.shipped["squared_error"]))
    safetensors_io.save(path.replace(".json", ".spectrum.safetensors"),
                        dict(power=at_grid(spectrum["power"]).astype(np.float32), amplitude=spectrum["amplitude"],
                             sigma=grid))
    return path


def grid_error_of_other_times(bench, steps=(8, 16, 32)):
    curves = {levels: resample(bench, levels) for levels in GRIDS}
    print(f"\nThe shipped curve on coarser grids, in schedules of {' / '.join(map(str, steps))} steps: largest "
          f"difference from 128 levels\n\n| levels | {' | '.join(TIMES)} |\n|---|{'---|' * len(TIMES)}")
    for levels in GRIDS[:-1]:
        cells = []
        for options in TIMES.values():
            worst = [np.abs(bench.schedule(n, *options, "--curve", curves[levels])
                            / bench.schedule(n, *options, "--curve", SHIPPED) - 1).max() for n in steps]
            cells.append(" / ".join(f"{100 * value:.2f}" for value in worst) + " %")
        print(f"| {levels} | {' | '.join(cells)} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kairos", default=os.path.join(ROOT, "build", "kairos"))
    parser.add_argument("--outdir", required=True, help="folder of curves.jsonl")
    parser.add_argument("--lots", type=int, default=LOTS, choices=range(2, LOTS + 1), metavar="N",
                        help=f"lots of {LOT} images (all {LOTS})")
    parser.add_argument("--shipped-curve", action="store_true", help="only what follows from the shipped curve")
    args = parser.parse_args()
    bench = Bench(args.kairos, args.outdir)
    if not args.shipped_curve:
        bench.pixels, bench.labels = load_pixels("train")
        sampling_error(bench, args.lots)
        grid_error(bench)
    grid_error_of_other_times(bench)


if __name__ == "__main__":
    main()
