"""scripts/plot_toy.py: both plots, from files that kairos toy writes; and what it refuses."""
import importlib.util
import json
import os
import subprocess
import sys
import unittest

from common import ROOT, FolderCase, kairos

SCRIPT = os.path.join(ROOT, "scripts", "plot_toy.py")


@unittest.skipUnless(importlib.util.find_spec("matplotlib"), "needs matplotlib: scripts/install-deps.sh plot")
class PlotToyTest(FolderCase):
    def setUp(self):
        super().setUp()
        self.toy = self.path("toy.json")
        kairos("toy", "--data", "gaussians", "--layout", "even", "--method", "exact", "--order", "2.25,2.5",
               "--schedule", "edm,rescaled", "--steps", "4,8", "--out", self.toy, "--quiet")

    def plot(self, *arguments):
        return subprocess.run([sys.executable, SCRIPT, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True)

    def expect_picture(self, out, *arguments):
        done = self.plot(*arguments, "--out", self.path(out))
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(self.path(out), "rb") as f:
            self.assertEqual(f.read(8), b"\x89PNG\r\n\x1a\n")

    def refused(self, said, *arguments):
        """One line that begins with the file's name."""
        done = self.plot(*arguments)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        self.assertTrue(done.stderr.startswith(f"plot_toy.py: {said}"), done.stderr)

    def test_plots(self):
        self.expect_picture("steps.png", self.toy, self.toy)
        self.expect_picture("new/folder/orders.png", self.toy, "--by", "order", "--steps", "8")

    def test_files_that_are_not_of_toy(self):
        import plot_toy  # which cannot be had without matplotlib
        texts = {"cut.json": '{"a"', "list.json": "[1]", "curve.json": '{"sigma": [1, 2]}',
                 "empty.json": '{"settings": {}, "results": []}', "latin.json": "\udcff"}
        with open(self.toy) as f:
            run = json.load(f)
        texts["no-eta.json"] = json.dumps(dict(run, settings=dict(run["settings"], eta=None)))
        texts["no-kl.json"] = json.dumps(dict(run, results=run["results"] + [dict(schedule="edm", steps=4)]))
        for name, text in texts.items():
            with self.subTest(file=name):
                with open(self.path(name), "w", errors="surrogateescape") as f:
                    f.write(text)
                with self.assertRaises(SystemExit) as caught:
                    plot_toy.load(self.path(name))
                self.assertTrue(str(caught.exception).startswith(f"plot_toy.py: {self.path(name)}: not "))
        self.refused(f"{self.path('curve.json')}: not written by", self.toy, self.path("curve.json"),
                     "--out", self.path("x.png"))
        self.assertFalse(os.path.exists(self.path("x.png")))
        self.assertEqual(plot_toy.load(self.toy)["file"], self.toy)

    def test_paths(self):
        none, out = self.path("none.json"), self.path("x.png")
        self.refused(f"{none}: No such file", none, "--out", out)
        self.refused("/proc/x.png: No such file", self.toy, "--out", "/proc/x.png")
        self.refused(f"{self.path('x.txt.foo')}: Format", self.toy, "--out", self.path("x.txt.foo"))
        self.refused(f"{self.toy}: no results by order at 16 steps", self.toy, "--by", "order", "--out", out)


if __name__ == "__main__":
    unittest.main()
