#!/usr/bin/env python3
"""Tables of what KAIROS_PTX_REPORT=FILE wrote: what each kernel did, as a GPU's profiler would count it.

  ptx_report.py FILE                  kernels: launches, waves, occupancy, instructions, memory, FLOP
  ptx_report.py FILE --lines [TEXT]   source lines that move or compute most, of kernels whose name has TEXT
  ptx_report.py FILE --classes        instructions by class
  ptx_report.py FILE --shapes         grids and blocks of the launches

Efficiency is the fewest sectors of 32 bytes (or passes through shared memory) over those that there were.
"""
import argparse
import json
import sys

WAYS = ("load", "store", "atomic", "copy")


def total(entry, space, field):
    return sum(way[field] for way in entry[space].values())


def efficiency(entry, space, unit, ways=WAYS):
    done = sum(entry[space][w][unit] for w in ways if w in entry[space])
    ideal = sum(entry[space][w]["ideal"] for w in ways if w in entry[space])
    return f"{100 * ideal / done:.0f}%" if done else "-"


def moved(entry, *ways):
    """Bytes that the memory moves: whole sectors."""
    return 32 * sum(entry["global"][w]["sectors"] for w in ways if w in entry["global"])


def human(value):
    for limit, unit in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= limit:
            return f"{value / limit:.3g}{unit}"
    return f"{value:.3g}"


def flop_text(entry):
    return " ".join(f"{human(v)} {unit.replace('tensor_', 'tc.')}" for unit, v in sorted(entry["flop"].items()) if v) or "-"


SORTS = {
    "bytes": lambda k: moved(k, *WAYS),
    "instructions": lambda k: k["warp_instructions"],
    "flop": lambda k: sum(k["flop"].values()),
    "conflicts": lambda k: total(k, "shared", "wavefronts") - total(k, "shared", "ideal"),
    "waste": lambda k: total(k, "global", "sectors") - total(k, "global", "ideal"),
    "launches": lambda k: k.get("launches", 0),
}


def print_table(header, rows):
    """The first column is text, the others are numbers; the last may be text."""
    table = [header] + rows
    widths = [max(len(row[i]) for row in table) for i in range(len(header))]
    for row in table:
        cells = [row[0].ljust(widths[0])] + [c.rjust(w) for c, w in zip(row[1:], widths[1:])]
        print("  ".join(cells).rstrip())


def short(name, width):
    name = name.removeprefix("void ").replace("(anonymous namespace)::", "")
    depth = 0
    for i, c in enumerate(name):  # the parameters say nothing that the name does not
        depth += (c == "<") - (c == ">")
        if c == "(" and depth == 0 and i > 0:
            name = name[:i]
            break
    return name if len(name) <= width else name[: width - 3] + "..."


def occupancy_text(kernel):
    shape = max(kernel["shapes"], key=lambda s: s["launches"])
    return f"{100 * shape['occupancy']:.0f}% {shape['limited_by']}"


def kernel_rows(kernels, width):
    header = ["kernel", "launches", "waves", "regs", "warp instr", "lanes", "loads", "eff", "stores", "eff",
              "shared eff", "FLOP", "occupancy"]
    rows = []
    for k in kernels:
        lanes = k["thread_instructions"] / max(k["warp_instructions"], 1)
        rows.append([short(k["name"], width), str(k["launches"]), f"{k['waves'] / k['launches']:.2f}", str(k["registers"]),
                     human(k["warp_instructions"]), f"{lanes:.1f}", human(moved(k, "load", "copy")),
                     efficiency(k, "global", "sectors", ("load", "copy")), human(moved(k, "store", "atomic")),
                     efficiency(k, "global", "sectors", ("store", "atomic")), efficiency(k, "shared", "wavefronts"),
                     flop_text(k), occupancy_text(k)])
    print_table(header, rows)


def print_lines(kernels, sort, top):
    header = ["line", "warp instr", "lanes", "loads", "eff", "stores", "eff", "shared", "eff", "FLOP"]
    for k in kernels:
        print(f"{short(k['name'], 100)}")
        rows = []
        for line in sorted(k["lines"], key=SORTS[sort], reverse=True)[:top]:
            lanes = line["thread_instructions"] / max(line["warp_instructions"], 1)
            rows.append(["  " + (line["place"] or "?"), human(line["warp_instructions"]), f"{lanes:.1f}",
                         human(moved(line, "load", "copy")), efficiency(line, "global", "sectors", ("load", "copy")),
                         human(moved(line, "store", "atomic")),
                         efficiency(line, "global", "sectors", ("store", "atomic")),
                         human(total(line, "shared", "bytes")), efficiency(line, "shared", "wavefronts"),
                         flop_text(line)])
        print_table(header, rows)
        print()


def print_classes(kernels, width):
    classes = sorted({c for k in kernels for c in k["warp_instructions_by_class"]})
    rows = [[short(k["name"], width)] + [human(k["warp_instructions_by_class"].get(c, 0)) for c in classes] for k in kernels]
    print_table(["kernel"] + classes, rows)


def print_shapes(kernels, width):
    size = lambda s: "x".join(str(v) for v in s)
    rows = []
    for k in kernels:
        for s in k["shapes"]:
            rows.append([short(k["name"], width), str(s["launches"]), size(s["grid"]), size(s["block"]), size(s["cluster"]),
                         str(k["shared_bytes"] + s["dynamic_shared"]), f"{s['waves']:.2f}",
                         str(s["blocks_per_multiprocessor"]), f"{100 * s['occupancy']:.0f}%", s["limited_by"]])
    print_table(["kernel", "launches", "grid", "block", "cluster", "shared", "waves", "blocks/SM", "occupancy", "limit"], rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", help="what KAIROS_PTX_REPORT named")
    parser.add_argument("--sort", choices=SORTS, default="bytes")
    parser.add_argument("--top", type=int, default=20, help="rows of a table (default: 20)")
    parser.add_argument("--kernel", default="", help="only kernels whose name has this text")
    parser.add_argument("--width", type=int, default=48, help="of a kernel's name")
    parser.add_argument("--lines", nargs="?", const="", metavar="TEXT")
    parser.add_argument("--classes", action="store_true")
    parser.add_argument("--shapes", action="store_true")
    options = parser.parse_args()
    with open(options.file) as file:
        report = json.load(file)
    wanted = options.lines if options.lines else options.kernel
    kernels = [k for k in report["kernels"] if wanted in k["name"] or wanted in k["symbol"]]
    kernels = sorted(kernels, key=SORTS[options.sort], reverse=True)[: options.top]
    device = report["device"]
    print(f"{device['name']}, {device['multiprocessors']} multiprocessors, {len(report['kernels'])} kernels ran\n")
    if not kernels:
        sys.exit("no kernel has that name" if wanted else "no kernel ran")
    if options.lines is not None:
        print_lines(kernels, options.sort, options.top)
    elif options.classes:
        print_classes(kernels, options.width)
    elif options.shapes:
        print_shapes(kernels, options.width)
    else:
        kernel_rows(kernels, options.width)


if __name__ == "__main__":
    main()
