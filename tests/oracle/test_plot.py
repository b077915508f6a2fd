"""scripts/plot.py: every plot, to PNG and SVG, from the files that kairos writes; and what it refuses."""
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import unittest

import numpy as np

from common import ROOT, FolderCase, safetensors_io

SCRIPT = os.path.join(ROOT, "scripts", "plot.py")
LOGVAR = os.path.join(ROOT, "weights", "fashion-mnist-edm2.logvar.curve.json")
SHEET = os.path.join(ROOT, "weights", "fashion-mnist-edm2.png")


def line(schedule, nfe, seeds, distance):
    return json.dumps(dict(schedule=schedule, order=None, solver="ddim", eta=0, steps=nfe, nfe=nfe, seeds=seeds,
                           images=10, distance=distance)) + "\n"


@unittest.skipUnless(importlib.util.find_spec("matplotlib"), "needs matplotlib: scripts/install-deps.sh plot")
class PlotTest(FolderCase):
    def plot(self, kind, *arguments, out="plot.png"):
        return subprocess.run([sys.executable, SCRIPT, kind, *arguments, "--out", self.path(out)], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def expect_picture(self, kind, *arguments):
        done = self.plot(kind, *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(self.path("plot.png"), "rb") as f:
            header = f.read(24)
        self.assertEqual(header[:8], b"\x89PNG\r\n\x1a\n")
        self.assertGreater(int.from_bytes(header[16:20], "big"), 600)

    def write(self, name, text):
        with open(self.path(name), "w") as f:
            f.write(text)
        return self.path(name)

    def test_curve(self):
        self.expect_picture("curve", LOGVAR)

    def test_spectrum(self):
        sigma = np.geomspace(0.002, 80, 16)
        power = (sigma ** 2 / (1 + sigma ** 2))[:, None, None, None] * np.ones((1, 1, 8, 8))
        safetensors_io.save(self.path("s.safetensors"), dict(power=power.astype(np.float32), sigma=sigma,
                                                             amplitude=np.ones((1, 8, 8), np.float32)))
        self.expect_picture("spectrum", self.path("s.safetensors"))

    def test_schedules(self):
        sweep = dict(levels=dict(edm={"2": [80, 0.002], "3": [80, 1, 0.002]}, rescaled={"3": [80, 2, 0.002]}))
        self.expect_picture("schedules", self.write("sweep.json", json.dumps(sweep)), "--steps", "3")
        self.expect_picture("schedules", self.write("s.json", json.dumps(dict(sigma=[80, 1, 0.002, 0]))))
        self.assertIn("no schedule of 7 steps", self.plot("schedules", self.path("sweep.json"), "--steps", "7").stderr)

    def test_results_of_a_sweep_that_was_killed(self):
        text = line("edm", 8, "0-9", 5) + line("rescaled", 8, "0-9", 3) + line("edm", 8, "10-19", 6)
        self.expect_picture("results", self.write("results.jsonl", text + line("edm", 16, "0-9", 2)[:20]))
        done = self.plot("results", self.path("results.jsonl"), out="plot.svg")
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(self.path("plot.svg")) as f:
            self.assertIn("</svg>", f.read())

    def test_sheets(self):
        self.expect_picture("sheets", SHEET, SHEET, "--labels", "EDM", "rescaled entropy")
        self.assertIn("1 labels for 2 sheets", self.plot("sheets", SHEET, SHEET, "--labels", "EDM").stderr)

    def test_other_files(self):
        bad = dict(object='{"a": 1}\n', array="[1]\n", text="sigma\n")
        for kind in ("curve", "schedules", "results"):
            for name, text in bad.items():
                done = self.plot(kind, self.write(f"{name}.json", text))
                self.assertEqual(done.returncode, 1)
                self.assertIn(f"{name}.json: ", done.stderr)
                self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        self.assertIn("object with the keys sigma, squared_error", self.plot("curve", self.path("object.json")).stderr)
        self.assertIn("none.json: No such file", self.plot("curve", self.path("none.json")).stderr)

    def test_the_folder_of_the_plot(self):
        """Is made; and where that is impossible, the message names it, not the file that was read."""
        self.assertEqual(self.plot("curve", LOGVAR, out="new/folder/curve.png").returncode, 0)
        self.assertTrue(os.path.exists(self.path("new/folder/curve.png")))
        self.write("file", "")
        done = self.plot("curve", LOGVAR, out="file/curve.png")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, "^plot.py: [^ ]*/file: ")


@unittest.skipUnless(importlib.util.find_spec("matplotlib"), "needs matplotlib: scripts/install-deps.sh plot")
class NumbersTest(unittest.TestCase):
    """What the plots show, without drawing."""

    @classmethod
    def setUpClass(cls):
        spec = importlib.util.spec_from_file_location("plot", SCRIPT)
        cls.plot = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(cls.plot)

    def test_integral_error(self):
        """The error of err = sigma^p is 1 at every level: the integral of sigma^-order is known."""
        sigma = np.geomspace(0.01, 10, 4001)
        one = np.ones_like(sigma)
        for order, exact in ((1, np.log(sigma / sigma[0])), (2, 1 / sigma[0] - 1 / sigma),
                             (3, (sigma[0] ** -2 - sigma ** -2) / 2)):
            found = self.plot.integral_error(sigma, one, order)
            self.assertEqual(found[0], 0)
            np.testing.assert_allclose(found, exact, rtol=1e-5, atol=1e-9)

    def test_common_ranges(self):
        schedules = dict(edm={8: {"0-9": 1, "10-19": 2}, 16: {"0-9": 3}}, rescaled={8: {"0-9": 1}}, later={8: {}})
        self.assertEqual(self.plot.common_ranges(schedules, 8), {"0-9"})
        self.assertEqual(self.plot.common_ranges(schedules, 16), {"0-9"})
        self.assertEqual(self.plot.common_ranges(schedules, 32), set())

    def test_ticks(self):
        for low, high in ((1.49, 1.93), (102, 123), (936, 957), (82, 111), (9.9, 10.1), (0.5, 90), (11, 230), (1, 1e6)):
            ticks = self.plot.distance_ticks(low, high)
            self.assertGreaterEqual(len(ticks), 3, (low, high))
            self.assertTrue(all(low <= t <= high for t in ticks))

    def test_lines_differ(self):
        self.assertEqual(len({tuple(sorted(self.plot.line_style(i).items())) for i in range(48)}), 48)
        self.assertNotEqual(self.plot.line_style(0)["marker"], self.plot.line_style(12)["marker"])

    def test_floor(self):
        with tempfile.TemporaryDirectory() as folder:
            results = os.path.join(folder, "results.jsonl")
            self.assertIsNone(self.plot.read_floor(results))
            with open(os.path.join(folder, "sweep.json"), "w") as f:
                json.dump(dict(floor=dict(distance=2.5)), f)
            self.assertEqual(self.plot.read_floor(results), 2.5)


if __name__ == "__main__":
    unittest.main()
