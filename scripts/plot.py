#!/usr/bin/env python3
"""Plots of what kairos measures and compares, to PNG or SVG, in a size that a phone shows well.

    scripts/plot.py curve curve.json [logvar.curve.json ...] --out curve.png
    scripts/plot.py spectrum curve.spectrum.safetensors --out spectrum.png
    scripts/plot.py schedules out/sweep/sweep.json --steps 16 --out schedules.png
    scripts/plot.py results out/sweep/results.jsonl --out results.png
    scripts/plot.py sheets edm.png rescaled.png --labels EDM "rescaled entropy" --out sheets.png

curve      squared error and both entropies with bands of one and two standard errors, for curves that do not hold
           those of the entropies at most as much (the errors of all levels added up, as if they went together);
           lines of other curves
spectrum   the squared error, and the time that it makes, by spatial frequency
schedules  noise levels: of a sweep (sweep.json), or of `kairos schedule --out FILE` files
results    Frechet distance against NFE of a sweep, a panel for each solver; bands: lowest to highest range of seeds;
           dashed: the floor, from the sweep.json beside the file
sheets     sheets of `kairos generate --grid` side by side
Needs Matplotlib and NumPy: scripts/install-deps.sh plot (for /usr/bin/python3), or pip install matplotlib numpy
"""
import argparse
import collections
import json
import os
import sys

from needs import needs

needs("matplotlib", "numpy", group="plot")

import matplotlib  # noqa: E402

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402

import safetensors_io  # noqa: E402

COLOURS = ["#60666d", "#1f77b4", "#e8710a", "#1a8a3a", "#d62b2b", "#8e51c9", "#8c564b", "#d646a0", "#0a9ba8",
           "#9a8a00", "#3b4cc0", "#6a8f1f"]  # as in the sweep's report
MARKS = "os^D"
LINES = ["-", "--", ":", "-."]
WIDTH = 6.4  # inches


def line_style(index):
    """Of a line among many: colour, mark and dashes together are of no other of the first 48."""
    turn = index // len(COLOURS)
    return dict(color=COLOURS[index % len(COLOURS)], marker=MARKS[(index + turn) % len(MARKS)],
                linestyle=LINES[turn % len(LINES)])


def read_json(path, *keys):
    """An object with these keys."""
    try:
        with open(path) as f:
            content = json.load(f)
    except ValueError as error:
        raise SystemExit(f"plot.py: {path}: {error}") from None
    return with_keys(path, content, keys)


def with_keys(path, content, keys):
    missing = [key for key in keys if not isinstance(content, dict) or key not in content]
    if missing or not isinstance(content, dict):
        raise SystemExit(f"plot.py: {path}: expected an object" + " with the keys " * bool(keys) + ", ".join(keys))
    return content


def name_of(path):
    return os.path.basename(path).split(".json")[0].split(".safetensors")[0]


def panels(count, height, columns=1):
    rows = -(-count // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(WIDTH * columns, height * rows), squeeze=False)
    for unused in axes.flat[count:]:
        unused.axis("off")
    return figure, list(axes.flat[:count])


def finish(figure, path):
    for axes in figure.axes:
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
    room = getattr(figure, "legend_room", 0)
    figure.set_figheight(figure.get_figheight() + room)
    figure.tight_layout(rect=(0, room / figure.get_figheight(), 1, 1))
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    figure.savefig(path, dpi=160)
    print(path)


# ---- curves ---------------------------------------------------------------------------------------


def integral_error(sigma, standard_error, order):
    """At most the standard error of the integral of err / sigma^order up to each level.  The images and the noise are
    the same at every level, so the errors of neighbours go together: they are added up, not their squares; for levels
    far apart that is too much."""
    rate = standard_error * sigma ** (1 - order)
    steps = np.diff(np.log(sigma)) * (rate[1:] + rate[:-1]) / 2
    return np.concatenate([[0], np.cumsum(steps)])


def draw_band(axes, sigma, value, error, colour):
    if np.any(error > 0):
        for width in (2, 1):
            axes.fill_between(sigma, value - width * error, value + width * error, color=colour, alpha=0.22,
                              linewidth=0)


def plot_curve(args):
    figure, (error, entropy, rescaled) = panels(3, 2.9)
    for path, colour in zip(args.files, COLOURS[1:]):
        content = read_json(path, "sigma", "squared_error", "entropy", "rescaled_entropy")
        curve = {key: np.array(value) for key, value in content.items() if isinstance(value, list)}
        sigma, spread = curve["sigma"], curve.get("standard_error", np.zeros(len(curve["sigma"])))
        style = dict(color=colour, label=name_of(path), linewidth=1.6)
        error.plot(sigma, curve["squared_error"], **style)
        draw_band(error, sigma, curve["squared_error"], spread, colour)
        for axes, key, order in ((entropy, "entropy", 3), (rescaled, "rescaled_entropy", 2)):
            axes.plot(sigma, curve[key], **style)
            measured = curve.get(f"{key}_error", np.zeros(len(sigma)))
            bound = integral_error(sigma, spread, order)
            draw_band(axes, sigma, curve[key], measured if np.any(measured > 0) else bound, colour)
    error.set(xscale="log", yscale="log", title="Squared error of the denoiser, E||x - D(x + sigma n)||$^2$")
    entropy.set(xscale="log", title="Entropy $H(x_0 | x_\\sigma)$ above that at the lowest level, nats\n"
                "(band: at most one and two standard errors)")
    rescaled.set(xscale="log", xlabel="noise level $\\sigma$", title="Rescaled entropy (band: at most as much)")
    if len(args.files) > 1:
        error.legend(frameon=False, fontsize=9)
    for axes in (error, entropy, rescaled):
        axes.grid(alpha=0.25)
    return figure


def plot_spectrum(args):
    """Directions (ky, kx) of all channels, averaged in bands of their distance from (0, 0)."""
    tensors, _ = safetensors_io.load(args.files[0])
    with_keys(args.files[0], tensors, ("power", "sigma", "amplitude"))
    power, sigma = np.array(tensors["power"], float), np.array(tensors["sigma"], float)
    _, _, height, width = power.shape
    ky, kx = np.fft.fftfreq(height) * height, np.fft.fftfreq(width) * width
    radius = np.hypot(ky[:, None], kx[None, :])
    edges = [-1, 0, 1.5, 3, 6, 12, np.inf]
    figure, (error, time, data) = panels(3, 3)
    bands = [(low, high, (radius > low) & (radius <= high)) for low, high in zip(edges, edges[1:])]
    bands = [band for band in bands if band[2].any()]
    names = []
    for i, (low, high, inside) in enumerate(bands):
        colour = plt.cm.viridis(0.92 * i / max(1, len(bands) - 1))
        names.append("mean of the image" if high == 0 else f"{radius[inside].min():.3g} to {radius[inside].max():.3g} "
                     "cycles" if inside.sum() > 1 else f"{high:.3g} cycles")
        mean = power[:, :, inside].mean(axis=(1, 2))
        error.plot(sigma, mean, color=colour, label=names[-1], linewidth=1.6)
        s = np.concatenate([[0], np.cumsum(np.diff(np.log(sigma)) * ((mean / sigma)[1:] + (mean / sigma)[:-1]) / 2)])
        time.plot(sigma, s / s[-1], color=colour, linewidth=1.6)
    amplitude = np.array(tensors["amplitude"], float)
    heights = [amplitude[:, inside].mean() for _, _, inside in bands]
    data.bar(range(len(bands)), heights, color=[line.get_color() for line in time.lines])
    data.set_xticks(range(len(bands)), [n.replace(" cycles", "").replace("mean of the image", "mean") for n in names])
    data.set(yscale="log", ylim=(min(heights) / 2, None), title="Mean amplitude of the data", xlabel="cycles per image")
    error.set(xscale="log", yscale="log", ylim=(max(power.max() * 1e-9, error.get_ylim()[0]), None),
              title="Squared error of a direction, by spatial frequency")
    time.set(xscale="log", xlabel="noise level $\\sigma$", title="Its rescaled entropy, as a part of the whole")
    error.legend(frameon=False, fontsize=9)
    for axes in (error, time):
        axes.grid(alpha=0.25)
    return figure


# ---- schedules ------------------------------------------------------------------------------------


def read_schedules(paths, steps):
    """[(name, levels)]; of a sweep those of so many steps (default: the middle one of the numbers there are)."""
    found = []
    for path in paths:
        content = read_json(path)
        if "sigma" in content:
            levels = [s for s in content["sigma"] if s > 0]
            found.append((content.get("kind", name_of(path)) if len(paths) == 1 else name_of(path), levels))
            continue
        by_steps = with_keys(path, content, ["levels"])["levels"].values()
        counts = sorted({int(n) for own in by_steps for n in own})
        wanted = steps or counts[len(counts) // 2]
        found += [(name, own[str(wanted)]) for name, own in content["levels"].items() if str(wanted) in own]
    if not found:
        raise SystemExit(f"plot.py: no schedule of {steps} steps in {', '.join(paths)}")
    return found


def plot_schedules(args):
    schedules = read_schedules(args.files, args.steps)
    figure, (lines, points) = panels(2, 3.4)
    for i, (name, levels) in enumerate(schedules):
        style = line_style(i)
        lines.plot(np.linspace(0, 1, len(levels)), levels, label=name, linewidth=1.6, markersize=3, **style)
        points.plot(levels, [-i] * len(levels), style["marker"], color=style["color"], markersize=4)
    points.set_yticks([-i for i in range(len(schedules))], [name for name, _ in schedules])
    for label, colour in zip(points.get_yticklabels(), COLOURS * len(schedules)):
        label.set_color(colour)
    lines.set(yscale="log", xlabel="part of the steps", title=f"Noise levels of {len(schedules[0][1])} steps")
    points.set(xscale="log", xlabel="noise level $\\sigma$", title="Where the steps are")
    lines.grid(alpha=0.25)
    points.grid(alpha=0.25, axis="x")
    return figure


# ---- results of a sweep ---------------------------------------------------------------------------


def read_results(path):
    """{(solver, eta): {schedule: {nfe: {seeds: distance}}}}; a last line that is cut short is left out."""
    with open(path) as f:
        text = f.read()
    groups = collections.defaultdict(lambda: collections.defaultdict(lambda: collections.defaultdict(dict)))
    for line in text[:text.rfind("\n") + 1].splitlines():
        r = with_keys(path, json.loads(line), ("schedule", "solver", "eta", "nfe", "seeds", "distance"))
        groups[r["solver"], r["eta"]][r["schedule"]][r["nfe"]][r["seeds"]] = r["distance"]
    return groups


def group_name(solver, eta):
    if solver != "ddim":
        return solver.capitalize()
    return {0: "Deterministic DDIM", 1: "Stochastic DDIM"}.get(eta, f"DDIM, eta {eta:g}")


def common_ranges(schedules, nfe):
    """The ranges of seeds that every schedule with any result at this NFE has: only those can be compared."""
    sets = [set(by_nfe[nfe]) for by_nfe in schedules.values() if by_nfe.get(nfe)]
    return set.intersection(*sets) if sets else set()


def distance_ticks(low, high):
    """At least three values for a logarithmic axis, as many as can be read: 1, 2, 3, 5 and 7 times powers of ten, or
    even ones where that is less than a decade."""
    steps = (1, 2, 3, 5, 7) if high / low < 30 else (1, 2, 5)
    marks = [m * 10.0 ** e for e in range(-9, 10) for m in steps if low <= m * 10.0 ** e <= high]
    if len(marks) < 3:
        marks = [t for t in matplotlib.ticker.MaxNLocator(6, steps=[1, 2, 5, 10]).tick_values(low, high)
                 if low <= t <= high]
    return marks


def read_floor(results):
    """What images without any fault would have, or None: of the sweep.json beside the results."""
    path = os.path.join(os.path.dirname(results), "sweep.json")
    return read_json(path).get("floor", {}).get("distance") if os.path.exists(path) else None


def plot_results(args):
    groups = read_results(args.files[0])
    if not groups:
        raise SystemExit(f"plot.py: {args.files[0]}: no results yet")
    floor = read_floor(args.files[0])
    names = list(dict.fromkeys(name for schedules in groups.values() for name in schedules))
    figure, axes = panels(len(groups), 4.2)
    for own, ((solver, eta), schedules) in zip(axes, groups.items()):
        ticks = sorted({nfe for by_nfe in schedules.values() for nfe in by_nfe})
        for i, name in enumerate(names):
            rows = [(nfe, [schedules[name][nfe][s] for s in sorted(common_ranges(schedules, nfe))])
                    for nfe in sorted(schedules.get(name, {})) if schedules[name][nfe]]
            rows = [(nfe, values) for nfe, values in rows if values]
            if not rows:
                continue
            nfe, values = [n for n, _ in rows], [v for _, v in rows]
            style = line_style(i)
            own.fill_between(nfe, [min(v) for v in values], [max(v) for v in values], color=style["color"], alpha=0.25,
                             linewidth=0)
            own.plot(nfe, [np.mean(v) for v in values], markersize=4, label=name, linewidth=1.5, **style)
        if floor is not None:
            own.axhline(floor, color=COLOURS[0], linestyle=(0, (5, 4)), linewidth=1, label="floor")
        own.set(xscale="log", yscale="log", title=group_name(solver, eta), ylabel="Frechet distance")
        own.set_xticks(ticks, [str(t) for t in ticks])
        own.xaxis.set_minor_locator(matplotlib.ticker.NullLocator())
        marks = distance_ticks(*own.get_ylim())
        own.set_yticks(marks, [f"{m:g}" for m in marks])
        own.yaxis.set_minor_formatter(matplotlib.ticker.NullFormatter())
        own.grid(alpha=0.25)
    axes[-1].set_xlabel("network evaluations (NFE)")
    handles = {label: line for own in axes for line, label in zip(*own.get_legend_handles_labels())}
    figure.legend(handles.values(), handles.keys(), loc="lower center", frameon=False, fontsize=9, ncol=3)
    figure.legend_room = 0.24 * -(-len(handles) // 3) + 0.1  # inches
    return figure


def plot_sheets(args):
    if args.labels and len(args.labels) != len(args.files):
        raise SystemExit(f"plot.py: {len(args.labels)} labels for {len(args.files)} sheets")
    sheets = [plt.imread(path) for path in args.files]
    columns = min(args.columns, len(sheets))
    figure, axes = panels(len(sheets), WIDTH / columns * max(s.shape[0] / s.shape[1] for s in sheets) + 0.3, columns)
    figure.set_size_inches(WIDTH * 1.25, figure.get_size_inches()[1])
    for own, sheet, label in zip(axes, sheets, args.labels or map(name_of, args.files)):
        own.imshow(sheet, cmap="gray", interpolation="nearest")
        own.set_title(label.removesuffix(".png"), fontsize=11)
        own.axis("off")
    return figure


PLOTS = dict(curve=plot_curve, spectrum=plot_spectrum, schedules=plot_schedules, results=plot_results,
             sheets=plot_sheets)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("plot", choices=PLOTS)
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("--out", required=True, help="PNG or SVG file")
    parser.add_argument("--steps", type=int, help="schedules of a sweep: of how many steps")
    parser.add_argument("--labels", nargs="+", help="sheets: what is above each")
    parser.add_argument("--columns", type=int, default=2, help="sheets: how many side by side (default 2)")
    args = parser.parse_args()
    plt.rcParams.update({"font.size": 11, "axes.titlesize": 11, "axes.titlelocation": "left",
                         "svg.hashsalt": "kairos"})
    try:
        finish(PLOTS[args.plot](args), args.out)
    except OSError as error:
        sys.exit(f"plot.py: {error.filename or ' '.join(args.files)}: {error.strerror or error}")
    except (KeyError, TypeError, ValueError) as error:
        sys.exit(f"plot.py: {' '.join(args.files)}: {type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
