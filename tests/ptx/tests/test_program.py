#!/usr/bin/env python3
"""The whole program on what nvcc made of it, for each device and with all checks on: `generate`, `denoise` and
`measure` of the shipped model, against the CPU target's.

By far the most time goes into evaluations of the native engine, so `measure` takes the other one."""
import functools
import json
import math
import os
import random
import struct
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
BUILD = ROOT / os.environ.get("BUILD", "build")
NET = ROOT / "weights/fashion-mnist-edm2.safetensors"
DATA = ROOT / "weights/fashion-mnist-1000.zip"
DEVICES = {"80": "NVIDIA A100", "90": "NVIDIA H100", "100": "NVIDIA B200"}
# Those of scripts/gpu_check.sh, and of a measured error.
BOUNDS = {"fp32": 2e-5, "fp16": 4e-3, "bf16": 3e-2}
MEASURE_BOUND = 1e-4

# A last noise level at which the noise that eta adds shows in the images.
GENERATE = ("--seeds", "0,1", "--steps", "2", "--sigma_min", "0.5", "--eta", "0.5", "--precision", "fp32", "--engine", "native")
# The fewest images and levels, and a range that is narrow enough for so few levels.
MEASURE = ("--data", DATA, "--images", "2", "--levels", "4", "--sigma_min", "0.2", "--sigma_max", "2")
FOLDER = None


def setUpModule():
    global FOLDER
    temporary = tempfile.TemporaryDirectory()
    unittest.addModuleCleanup(temporary.cleanup)
    FOLDER = Path(temporary.name)
    write_input(FOLDER / "input")


def write_input(path):
    """An image of noise, without a label: those that `generate` makes have labels."""
    sigma, labels, values = (0.5,), (-1,), random.Random(1)
    x = [values.gauss(0, math.hypot(0.5, sigma[0])) for _ in range(32 * 32)]
    header, data = {}, b""
    for name, kind, shape, form, value in (("x", "F32", (1, 1, 32, 32), "f", x), ("sigma", "F32", (1,), "f", sigma),
                                           ("labels", "I64", (1,), "q", labels)):
        packed = struct.pack(f"<{len(value)}{form}", *value)
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": (len(data), len(data) + len(packed))}
        data += packed
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def read_tensors(path):
    data = path.read_bytes()
    start = 8 + struct.unpack_from("<Q", data)[0]
    tensors = {}
    for name, entry in json.loads(data[8:start]).items():
        if entry.get("dtype") == "F32":
            begin, end = entry["data_offsets"]
            tensors[name] = struct.unpack(f"<{(end - begin) // 4}f", data[start + begin:start + end])
    return tensors


def relative_l2(expected, found):
    return math.sqrt(math.fsum((a - b) ** 2 for a, b in zip(expected, found, strict=True)) / math.fsum(a * a for a in expected))


def run(device, command, *options):
    """By the runner for `device`, with all checks whatever the caller's environment says, or by the CPU target for None."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KAIROS_PTX_")}
    findings = FOLDER / "findings"
    findings.unlink(missing_ok=True)
    if device is not None:
        environment |= {"KAIROS_PTX_DEVICE": device, "KAIROS_PTX_CHECKS": "all", "KAIROS_PTX_FINDINGS": str(findings)}
    program = BUILD / ("kairos.fast" if device is None else "kairos.ptx")
    done = subprocess.run([program, command, "--net", NET, *options], env=environment, capture_output=True, text=True)
    found = findings.read_text() if findings.exists() else ""
    if done.returncode != 0 or found:
        raise AssertionError(f"{command} on {device}: exit status {done.returncode}, expected 0 without a finding\n"
                             f"{done.stdout}{done.stderr}{found}")


@functools.cache
def generate(device, *options):
    folder = FOLDER / "-".join(("generate", str(device), *options))
    run(device, "generate", *GENERATE, *options, "--outdir", folder, "--save-tensors", folder.with_suffix(".samples"), "--quiet")
    return folder


@functools.cache
def denoise(device, precision, engine="native"):
    out = FOLDER / f"denoise-{device}-{precision}-{engine}"
    run(device, "denoise", "--in", FOLDER / "input", "--out", out, "--precision", precision, "--engine", engine)
    return read_tensors(out)


@functools.cache
def measure(device):
    out = FOLDER / f"measure-{device}.json"
    run(device, "measure", *MEASURE, "--out", out, "--quiet")
    return json.loads(out.read_text())


class Compared(unittest.TestCase):
    def same_images(self, expected, found):
        names = sorted(path.name for path in expected.glob("*.png"))
        self.assertEqual(names, ["000000.png", "000001.png"])
        self.assertEqual(sorted(path.name for path in found.glob("*.png")), names)
        a, b = (read_tensors(folder.with_suffix(".samples"))["samples"] for folder in (expected, found))
        for name in names:
            this, other = (folder.joinpath(name).read_bytes() for folder in (expected, found))
            if this != other:
                at = next((i for i, (p, q) in enumerate(zip(this, other)) if p != q), min(len(this), len(other)))
                self.fail(f"{name}: {len(this)} and {len(other)} bytes, byte {at} is {this[at:at + 1].hex()} on the CPU target, "
                          f"{other[at:at + 1].hex()} here; all samples differ by {relative_l2(a, b):.1e}")

    def close_tensors(self, expected, found, bound):
        self.assertEqual(sorted(found), ["denoised", "logvar"])
        for name, values in found.items():
            difference = relative_l2(expected[name], values)
            self.assertLess(difference, bound, f"{name}: relative L2 {difference:.3e} is not below {bound:.0e}; "
                            f"first values {expected[name][:2]} on the CPU target, {values[:2]} here")


class Comparisons(Compared):
    """What says that two outputs are equal can also say that they are not."""
    def test_other_seed(self):
        with self.assertRaisesRegex(AssertionError, "000001.png: "):
            other = generate(None, "--seeds", "0,2")
            other.joinpath("000002.png").rename(other / "000001.png")
            self.same_images(generate(None), other)

    def test_other_eta(self):
        with self.assertRaisesRegex(AssertionError, "000000.png: "):
            self.same_images(generate(None), generate(None, "--eta", "0.501"))

    def test_other_precision(self):
        for precision, other in (("fp32", "fp16"), ("fp16", "bf16")):
            with self.assertRaisesRegex(AssertionError, "denoised: relative L2 "):
                self.close_tensors(denoise(None, precision), denoise(None, other), BOUNDS[precision] / 10)


class Program(Compared):
    device = "80"

    def test_generate(self):
        folder = generate(self.device)
        settings = json.loads((folder / "run.json").read_text())["settings"]
        self.assertEqual(settings["device"], DEVICES[self.device] + " (PTX on the CPU)")
        self.same_images(generate(None), folder)

    def denoise(self, precision, engine):
        self.close_tensors(denoise(None, precision), denoise(self.device, precision, engine), BOUNDS[precision])

    def test_denoise_fp32(self):
        self.denoise("fp32", "native")

    def test_denoise_fp32_library(self):
        self.denoise("fp32", "library")

    def test_denoise_fp16(self):
        self.denoise("fp16", "native")

    def test_denoise_bf16(self):
        self.denoise("bf16", "native")

    def test_measure(self):
        expected, found = measure(None), measure(self.device)
        self.assertEqual(found["sigma"], expected["sigma"])
        self.assertEqual(len(found["squared_error"]), 4)
        for sigma, a, b in zip(found["sigma"], expected["squared_error"], found["squared_error"], strict=True):
            self.assertLess(abs(a - b), MEASURE_BOUND * a, f"squared error at sigma {sigma}: {a} on the CPU target, {b} here")


class ProgramHopper(Program):
    device = "90"


class ProgramBlackwell(Program):
    device = "100"


if __name__ == "__main__":
    unittest.main()
