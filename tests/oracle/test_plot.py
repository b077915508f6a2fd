"""scripts/plot.py: every plot, to PNG and SVG, from the files that kairos writes; and what it refuses."""
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import unittest

import numpy as np

from common import ROOT, safetensors_io

SCRIPT = os.path.join(ROOT, "scripts", "plot.py")
LOGVAR = os.path.join(ROOT, "weights", "fashion-mnist-edm2.logvar.curve.json")
SHEET = os.path.join(ROOT, "weights", "fashion-mnist-edm2.png")


def line(schedule, nfe, seeds, distance):
    return json.dumps(dict(schedule=schedule, order=None, solver="ddim", eta=0, steps=nfe, nfe=nfe, seeds=seeds,
                           images=10, distance=distance)) + "\n"


@unittest.skipUnless(importlib.util.find_spec("matplotlib"), "needs matplotlib: scripts/install-deps.sh plot")
class PlotTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = lambda name: os.path.join(folder.name, name)

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
        for kind in ("curve", "schedules", "results"):
            done = self.plot(kind, self.write("bad.json", "{\"a\": 1}\n"))
            self.assertEqual(done.returncode, 1)
            self.assertIn("bad.json", done.stderr)
            self.assertNotIn("Traceback", done.stderr)
        self.assertIn("none.json", self.plot("curve", self.path("none.json")).stderr)


if __name__ == "__main__":
    unittest.main()
