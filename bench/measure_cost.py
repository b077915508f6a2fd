#!/usr/bin/env python3
"""What a schedule costs to measure: how far 16 rescaled levels are from those of 100 times the samples.

Two errors are separated.  Of sampling, on a grid of 18 noise levels: the reference is the mean of 2 curves of all
60,000 training images, each with noise of its own, 120,000 samples.  The first of them is measured in 600 lots, which
are then put together to disjoint groups of n images; each group's schedule is held against the reference's.  As a
group's images are among the N of the data set, its difference is smaller than that of n images which are not, by
sqrt(1 - n/N), for which the last column is corrected.  Curves that a user would measure, with control variates and
seeds of their own, are timed and held against the reference too: those of 1,200 images against 100 times the samples.

Of the grid: the same few images and noise on coarser grids against 128 levels; and, for schedules of other orders and
steps, the shipped curve of 128 levels, read off on coarser grids (ln err as a cubic spline of ln sigma, of the
spectrum in each direction).  Hours on a CPU; what is there is not measured again, and what was killed goes on.
--shipped-curve does the last part alone, which measures nothing: seconds.
"""
import argparse
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
DRAWS = 2
GROUPS = (100, 300, 600, 1200, 2000, 4000, 10000)
USERS = ((300, 16), (1200, 12))  # images, curves
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

    def path(self, name):
        return os.path.join(self.outdir, name)

    def dataset(self, name, images):
        """These training images (indices) as a data set, which is written unless it is there."""
        path = self.path(name + ".zip")
        if not os.path.exists(path):
            write_dataset(path, self.pixels[images, 0], self.labels[images])
        return path

    def measure(self, name, data, levels, *options):
        """The curve of a data set, as a file that is measured unless it is there."""
        curve = self.path(name + ".json")
        if not os.path.exists(curve):
            subprocess.run([self.kairos, "measure", "--net", NET, "--data", data, "--out", curve, "--levels",
                            str(levels), "--batch", str(LOT), *options], check=True, stdout=subprocess.DEVNULL)
        return curve

    def schedule(self, curve, time=("--kind", "rescaled"), steps=STEPS):
        out = subprocess.run([self.kairos, "schedule", "--curve", curve, *time, "--steps", str(steps)], check=True,
                             capture_output=True, text=True).stdout
        return np.array([float(line) for line in out.split()[:steps]])

    def load(self, curve):
        with open(curve) as f:
            return json.load(f)

    def mean(self, name, curves):
        """The mean of curves, each of the same number of samples, as a file."""
        mean = self.load(curves[0])
        errors = [self.load(curve)["squared_error"] for curve in curves]
        mean.update(squared_error=np.mean(errors, 0).tolist(), standard_error=[0] * LEVELS)
        path = self.path(name + ".mean")
        with open(path, "w") as f:
            json.dump(mean, f)
        return path


def measure_lots(bench, lots):
    curves, began, new = [], time.monotonic(), 0
    for lot in range(lots):
        name = f"lot-{lot:04d}"
        new += not os.path.exists(bench.path(name + ".json"))
        # Every 600th image, so that each lot is spread over the whole set.
        data = bench.dataset(name, np.arange(LOT) * LOTS + lot)
        curves.append(bench.measure(name, data, LEVELS, "--seed", str(lot * LOT), "--quiet"))
        seconds = time.monotonic() - began
        if new:
            left = seconds / new * (lots - lot - 1)
            print(f"\rlot {lot + 1}/{lots}, {left / 60:.0f} min left ", end="", file=sys.stderr)
    return curves


def reference_curves(bench, lots, whole):
    """The draws of noise on all images, each a file."""
    first = bench.mean("draw-0", measure_lots(bench, lots))
    # Image i of a draw gets the noise of seed draw * 60000 + i: no noise is drawn twice.
    return [first] + [bench.measure(f"draw-{draw}", whole, LEVELS, "--seed", str(draw * LOTS * LOT))
                      for draw in range(1, DRAWS)]


def sampling_error(bench, lots):
    samples = lots * LOT
    whole = bench.dataset("whole", np.sort((np.arange(LOT)[:, None] * LOTS + np.arange(lots)).ravel()))
    draws = reference_curves(bench, lots, whole)
    reference = bench.schedule(bench.mean("reference", draws))

    def difference(curve):
        return np.abs(bench.schedule(curve) / reference - 1).max()

    def deviation(curve):
        """Root mean square of (err - the reference's) / standard error, over the levels."""
        off = np.array(bench.load(curve)["squared_error"]) - bench.load(bench.path("reference.mean"))["squared_error"]
        return np.sqrt(np.mean((off / bench.load(curve)["standard_error"]) ** 2))
    print(f"Largest difference of {STEPS} rescaled levels from those of {DRAWS * samples} samples ({samples} images, "
          f"{DRAWS} draws of noise), {LEVELS} noise levels:\n\n"
          "| images n | groups | mean | 95 % of groups | mean x sqrt(n) / sqrt(1 - n/N) |\n|---|---|---|---|---|")
    curves = [bench.path(f"lot-{lot:04d}.json") for lot in range(lots)]
    for n in GROUPS:
        size, groups = n // LOT, lots // (n // LOT)
        if groups < 2:
            continue
        worst = [difference(bench.mean("group", curves[i * size:(i + 1) * size])) for i in range(groups)]
        most = f"{np.quantile(worst, 0.95):.2%}" if groups >= MANY_GROUPS else "-"
        print(f"| {n} | {groups} | {np.mean(worst):.2%} | {most} | "
              f"{np.mean(worst) * (n / (1 - size / lots)) ** 0.5:.2f} |")
    single = [difference(draw) for draw in draws]
    print(f"\n{DRAWS} draws of noise for all {samples} images: {np.mean(single):.2%} from the reference, their mean.")
    users_curves(bench, whole, samples, difference, deviation)


def users_curves(bench, data, most, difference, deviation):
    """Curves as a user would measure them, with noise that the reference does not have: their cost and worth."""
    print("\n`measure --levels 18 --images n --control-variates`, against the same reference:\n\n"
          "| images n | curves | network evaluations | seconds | mean | largest | within 1 % | mean x sqrt(n) | "
          "standard errors off |\n|---|---|---|---|---|---|---|---|---|")
    seed = DRAWS * LOTS * LOT
    for images, count in USERS:
        if images > most:
            continue
        seconds, off, deviations = [], [], []
        for i in range(count):
            name, seed = f"users-{images}-{i}", seed + LOTS * LOT
            began = time.monotonic()
            new = not any(os.path.exists(bench.path(name + end)) for end in (".json", ".json.state"))
            curve = bench.measure(name, data, LEVELS, "--images", str(images), "--seed", str(seed),
                                  "--control-variates", "--quiet")
            seconds += [time.monotonic() - began] if new else []
            off.append(difference(curve))
            deviations.append(deviation(curve))
        took = f"{np.mean(seconds):.1f}" if seconds else "-"
        print(f"| {images} | {count} | {images * LEVELS} | {took} | {np.mean(off):.2%} | {np.max(off):.2%} | "
              f"{np.mean(np.array(off) < 0.01):.0%} | {np.mean(off) * images ** 0.5:.2f} | "
              f"{np.sqrt(np.mean(np.square(deviations))):.2f} |", flush=True)


def grid_error(bench):
    chosen = np.arange(GRID_IMAGES) * len(bench.labels) // GRID_IMAGES
    data = bench.dataset("grid", chosen)
    schedules = {levels: bench.schedule(bench.measure(f"grid-{levels}", data, levels, "--quiet")) for levels in GRIDS}
    print(f"\nOf {GRID_IMAGES} images on coarser grids:\n\n| levels | largest difference from 128 levels |\n|---|---|")
    for levels in GRIDS[:-1]:
        print(f"| {levels} | {np.abs(schedules[levels] / schedules[128] - 1).max():.2%} |")


def resample(bench, levels):
    """The shipped curve, with its spectrum, as it would be on the EDM grid of so many levels."""
    curve = bench.load(SHIPPED)
    spectrum, _ = safetensors_io.load(SHIPPED.replace(".json", ".spectrum.safetensors"))
    sigma = np.array(curve["sigma"])
    grid = np.linspace(sigma[0] ** (1 / 7), sigma[-1] ** (1 / 7), levels) ** 7
    grid[[0, -1]] = sigma[[0, -1]]

    def at_grid(values):
        return np.exp(CubicSpline(np.log(sigma), np.log(np.array(values, np.float64)))(np.log(grid)))
    path = bench.path(f"shipped-{levels}.json")
    with open(path, "w") as f:
        json.dump(dict(sigma=grid.tolist(), squared_error=at_grid(curve["squared_error"]).tolist(),
                       dims=curve["dims"]), f)
    safetensors_io.save(path.replace(".json", ".spectrum.safetensors"),
                        dict(power=at_grid(spectrum["power"]).astype(np.float32), amplitude=spectrum["amplitude"],
                             sigma=grid))
    return path


def grid_error_of_other_times(bench, steps=(8, 16, 32)):
    curves = {levels: resample(bench, levels) for levels in GRIDS}
    print(f"\nThe shipped curve on coarser grids, in schedules of {' / '.join(map(str, steps))} steps: largest difference "
          f"from 128 levels\n\n| levels | {' | '.join(TIMES)} |\n|---|{'---|' * len(TIMES)}")
    for levels in GRIDS[:-1]:
        cells = []
        for time in TIMES.values():
            worst = [np.abs(bench.schedule(curves[levels], time, n) / bench.schedule(SHIPPED, time, n) - 1).max()
                     for n in steps]
            cells.append(" / ".join(f"{100 * value:.2f}" for value in worst) + " %")
        print(f"| {levels} | {' | '.join(cells)} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kairos", default=os.path.join(ROOT, "build", "kairos"))
    parser.add_argument("--outdir", required=True, help="folder of the lots' curves")
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
