#!/usr/bin/env python3
"""Plots results of `kairos toy`: KL against the number of steps, or against the order.

    kairos toy --data points --components 15 --out points.json
    scripts/plot_toy.py points.json gaussians.json --out toy.png
    scripts/plot_toy.py --by order --steps 16 scan-*.json --out orders.png

One panel for each file, below each other, in a size that a phone shows well.  By order: one panel, a line for
each file.  Bands are one standard error of the mean over the repetitions.
Needs Matplotlib: scripts/install-deps.sh plot
"""
import argparse
import json
import math
import os
import sys

from needs import needs

needs("matplotlib", group="plot")

import matplotlib  # noqa: E402

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

COLOURS = {"standard": "#888888", "edm": "#222222", "entropic": "#d1495b", "rescaled": "#00798c"}
ORDER_COLOURS = ["#7209b7", "#f4a261", "#2a9d4f", "#4361ee"]
SETTINGS = dict(data=str, components=int, width=(int, float), layout=str, sde=str, eta=(int, float))
RESULT = dict(schedule=str, steps=int, kl_mean=(int, float), kl_standard_error=(int, float))


def has(value, kinds):
    return isinstance(value, dict) and all(isinstance(value.get(key), kind) for key, kind in kinds.items())


def load(name):
    """What kairos toy wrote, with the file's name as 'file'."""
    try:
        with open(name) as file:
            run = json.load(file)
    except OSError as error:
        sys.exit(f"plot_toy.py: {name}: {error.strerror}")
    except (ValueError, RecursionError) as error:
        sys.exit(f"plot_toy.py: {name}: not JSON: {error}")
    results = run.get("results") if isinstance(run, dict) else None
    if not isinstance(results, list) or not results or not all(has(r, RESULT) for r in results) or \
            not has(run.get("settings"), SETTINGS):
        sys.exit(f"plot_toy.py: {name}: not written by kairos toy --out")
    return dict(run, file=name)


def title(settings):
    text = f"{settings['components']} {settings['data']}"
    if settings["data"] == "gaussians":
        text += f" of width {settings['width']:.3g}"
    return f"{text}, {settings['layout']}, {settings['sde']}, eta {settings['eta']:g}"


def spacing_ratio(settings):
    """Width over the spacing of evenly spaced centres."""
    k, width = settings["components"], settings["width"]
    return width / math.sqrt((1 - width**2) * 12 / (k * k - 1))


def by_steps(axes, run, floor):
    names = list(dict.fromkeys(r["schedule"] for r in run["results"]))
    orders = [n for n in names if n not in COLOURS]
    for name in names:
        cells = [r for r in run["results"] if r["schedule"] == name and r["kl_mean"] > floor]
        colour = COLOURS.get(name) or ORDER_COLOURS[orders.index(name) % len(ORDER_COLOURS)]
        steps, means = [c["steps"] for c in cells], [c["kl_mean"] for c in cells]
        spread = [c["kl_standard_error"] for c in cells]
        axes.plot(steps, means, marker="o", markersize=4, color=colour, label=name,
                  linestyle="--" if name in orders else "-")
        if any(spread):
            axes.fill_between(steps, [max(m - s, floor) for m, s in zip(means, spread)],
                              [m + s for m, s in zip(means, spread)], color=colour, alpha=0.2, linewidth=0)
    axes.set(xscale="log", yscale="log", title=title(run["settings"]), ylabel="KL(data || samples)")
    ticks = sorted({r["steps"] for r in run["results"]})
    axes.set_xticks(ticks, [str(t) for t in ticks])
    axes.minorticks_off()
    axes.set_ylim(top=min(axes.get_ylim()[1], 20))


def by_order(axes, runs, steps):
    runs = sorted(runs, key=lambda run: spacing_ratio(run["settings"]))
    for i, run in enumerate(runs):
        cells = sorted((r for r in run["results"] if "order" in r and r["steps"] == steps), key=lambda r: r["order"])
        if not cells:
            sys.exit(f"plot_toy.py: {run['file']}: no results by order at {steps} steps")
        best = min(cells, key=lambda r: r["kl_mean"])
        settings = run["settings"]
        label = f"{spacing_ratio(settings):.2g}" if settings["data"] == "gaussians" else "points"
        colour = plt.cm.viridis(0.95 * i / max(1, len(runs) - 1))
        axes.plot([c["order"] for c in cells], [c["kl_mean"] / best["kl_mean"] for c in cells], color=colour,
                  label=label)
        axes.plot(best["order"], 1, "o", color=colour)
    settings = runs[0]["settings"]
    axes.set(yscale="log", ylim=(0.9, 20), xlabel="order p of the time, err / sigma^p", ylabel="KL / smallest KL",
             title=f"{settings['components']} even components, {settings['sde']}, eta {settings['eta']:g}, {steps} steps")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", help="written by kairos toy --out")
    parser.add_argument("--out", required=True, help="PNG")
    parser.add_argument("--by", choices=["steps", "order"], default="steps")
    parser.add_argument("--steps", type=int, default=16, help="of --by order")
    parser.add_argument("--floor", type=float, default=1e-5, help="smaller values are not shown")
    args = parser.parse_args()
    runs = [load(name) for name in args.files]

    plt.rcParams.update({"font.size": 11, "axes.grid": True, "grid.alpha": 0.3, "axes.titlesize": 11})
    panels = len(runs) if args.by == "steps" else 1
    figure, grid = plt.subplots(panels, 1, figsize=(5, 3.4 * panels if panels > 1 else 4.6), squeeze=False)
    if args.by == "steps":
        for axes, run in zip(grid[:, 0], runs):
            by_steps(axes, run, args.floor)
        grid[-1, 0].set_xlabel("steps")
    else:
        by_order(grid[0, 0], runs, args.steps)
    legend = {"title": "width / spacing"} if args.by == "order" else {}
    grid[0, 0].legend(fontsize=8, ncol=2, **legend)
    figure.tight_layout()
    try:
        os.makedirs(os.path.dirname(args.out) or ".", exist_ok=True)
        figure.savefig(args.out, dpi=96)
    except OSError as error:
        sys.exit(f"plot_toy.py: {args.out}: {error.strerror}")
    except ValueError as error:  # an ending that is no format
        sys.exit(f"plot_toy.py: {args.out}: {error}")


if __name__ == "__main__":
    main()
