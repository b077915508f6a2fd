"""Compares tensors that two builds of kairos wrote.  Standard library only, for bare GPU machines.

    python3 scripts/gpu_compare.py input x.safetensors
    python3 scripts/gpu_compare.py compare cpu.safetensors gpu.safetensors --bound 1e-5

`input` writes what `kairos denoise` reads, for the shipped model; `compare` prints the relative L2
difference of every tensor and exits with status 1 if one is above the bound.
"""
import argparse
import array
import json
import math
import random
import struct
import sys

TYPES = {"F32": "f", "F64": "d", "I64": "q", "I32": "i"}
SIGMAS = [0.002, 0.02, 0.2, 0.5, 2.0, 10.0, 80.0]


def load(path):
    """{name: (shape, array)}"""
    with open(path, "rb") as f:
        header = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
        data = f.read()
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        tensors[name] = entry["shape"], array.array(TYPES[entry["dtype"]], data[begin:end])
    return tensors


def write_input(path):
    """x [7,1,32,32], sigma [7], labels [7]: one image of noise at each noise level."""
    rng = random.Random(0)
    x = [math.hypot(0.5, sigma) * rng.gauss(0, 1) for sigma in SIGMAS for _ in range(32 * 32)]
    parts = [("labels", "I64", [7], array.array("q", [0, -1, 2, 3, 5, 8, 9])),
             ("sigma", "F32", [7], array.array("f", SIGMAS)),
             ("x", "F32", [7, 1, 32, 32], array.array("f", x))]
    header, offset = {}, 0
    for name, dtype, shape, values in parts:
        size = len(values) * values.itemsize
        header[name] = dict(dtype=dtype, shape=shape, data_offsets=[offset, offset + size])
        offset += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(values.tobytes() for *_, values in parts))


def compare(path, other, bound):
    """True if the files hold the same tensors, and each is within the bound."""
    a, b = load(path), load(other)
    if {name: shape for name, (shape, _) in a.items()} != {name: shape for name, (shape, _) in b.items()}:
        print(f"{path} and {other} do not hold the same tensors")
        return False
    good = True
    for name, (_, values) in sorted(a.items()):
        difference = math.sqrt(math.fsum((u - v) ** 2 for u, v in zip(values, b[name][1])))
        error = difference / (math.sqrt(math.fsum(u * u for u in values)) or 1.0)
        good = good and error <= bound  # false for NaN
        print(f"{name:10} relative difference {error:.1e}, bound {bound:.0e}")
    return good


def main():
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n\n")[0], epilog="examples:\n" + __doc__.split("\n\n")[1],
        formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("input", help="write an input for kairos denoise")
    one.add_argument("out")
    two = commands.add_parser("compare", help="compare two files")
    two.add_argument("a")
    two.add_argument("b")
    two.add_argument("--bound", type=float, required=True, help="largest relative difference that passes")
    args = parser.parse_args()
    if args.command == "input":
        write_input(args.out)
    elif not compare(args.a, args.b, args.bound):
        sys.exit(1)


if __name__ == "__main__":
    main()
