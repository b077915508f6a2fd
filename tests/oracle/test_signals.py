"""SIGINT, SIGTERM and SIGHUP: what is done is kept, the message says how to go on, and the same command does."""
import json
import os
import signal
import subprocess
import time
import unittest

import numpy as np

from common import KAIROS, SHIPPED, FolderCase, kairos
from measuring import write_data

WEIGHTS = os.path.dirname(SHIPPED)
REFERENCE = os.path.join(WEIGHTS, "fashion-mnist-reference.safetensors")
FEATURES = os.path.join(WEIGHTS, "fashion-mnist-features.safetensors")


class SignalsTest(FolderCase):
    def stop(self, number, args, begun, ignored=()):
        """Sends a running command the signal once `begun()` holds; its exit status and standard error."""
        def ignore():
            for other in ignored:
                signal.signal(other, signal.SIG_IGN)
        with open(self.path("log"), "w") as log:
            run = subprocess.Popen([KAIROS, *map(str, args)], stdout=subprocess.DEVNULL, stderr=log, preexec_fn=ignore)
        deadline = time.time() + 120
        while run.poll() is None and time.time() < deadline and not begun():
            time.sleep(0.002)
        self.assertIsNone(run.poll(), "it ended before the signal")
        run.send_signal(number)
        status = run.wait(120)
        with open(self.path("log")) as f:
            return status, f.read()

    def generate(self, folder, *more):
        return ["generate", "--net", SHIPPED, "--outdir", self.path(folder), "--seeds", "0-63", "--steps", "8",
                "--batch", "2", *more]

    def images(self, folder):
        found = {}
        for name in os.listdir(self.path(folder)) if os.path.isdir(self.path(folder)) else []:
            if name.endswith(".png"):
                with open(self.path(os.path.join(folder, name)), "rb") as f:
                    found[name] = f.read()
        return found

    def test_generate(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(signal=number.name):
                folder = number.name
                status, message = self.stop(number, self.generate(folder), lambda: len(self.images(folder)) >= 5)
                self.assertEqual(status, -number)
                images = len(self.images(folder))
                self.assertLess(images, 64)
                self.assertIn(f"kairos generate: stopped by {number.name}: {images} of 64 images are in "
                              f"{self.path(folder)}, the same command makes the others\n", message)
                self.assertEqual([name for name in os.listdir(self.path(folder)) if name.startswith(".")], [])
        kairos(*self.generate("SIGINT"))
        kairos(*self.generate("whole"))
        self.assertEqual(self.images("SIGINT"), self.images("whole"))
        self.assertEqual(len(self.images("whole")), 64)

    def test_a_long_batch_is_dropped(self):
        args = ["generate", "--net", SHIPPED, "--grid", self.path("g.png"), "--seeds", "0-999", "--steps", "1000",
                "--batch", "500"]
        begun = time.time()
        status, message = self.stop(signal.SIGINT, args, lambda: time.time() > begun + 1)
        self.assertEqual(status, -signal.SIGINT)
        self.assertIn("stopped by SIGINT: the same command begins anew", message)
        self.assertFalse(os.path.exists(self.path("g.png")))

    def test_an_ignored_signal(self):
        """As under nohup."""
        status, message = self.stop(signal.SIGHUP, self.generate("out"), lambda: len(self.images("out")) >= 2,
                                    ignored=[signal.SIGHUP])
        self.assertEqual(status, 0, message)
        self.assertEqual(len(self.images("out")), 64)

    def test_evaluate(self):
        def args(out):
            return ["evaluate", "--net", SHIPPED, "--ref", REFERENCE, "--seeds", "0-199", "--steps", "2", "--batch",
                    "10", "--out", self.path(out)]
        status, message = self.stop(signal.SIGTERM, args("a.json"), lambda: os.path.exists(self.path("a.json.state")))
        self.assertEqual(status, -signal.SIGTERM)
        self.assertRegex(message, "stopped by SIGTERM: the sums of [1-9][0-9]* images are in .*a.json.state, the same "
                                  "command resumes there")
        kairos(*args("a.json"))
        kairos(*args("b.json"))
        distances = []
        for name in ("a.json", "b.json"):
            with open(self.path(name)) as f:
                distances.append(json.load(f)["distance"])
        self.assertEqual(distances[0], distances[1])

    def test_measure(self):
        write_data(self.path("data"), np.random.default_rng(0).integers(0, 256, (200, 1, 32, 32)).astype(np.uint8))

        def args(out):
            return ["measure", "--net", SHIPPED, "--data", self.path("data"), "--levels", "20", "--batch", "8",
                    "--save-every", "0", "--without-labels", "--out", self.path(out)]
        begun = time.time()
        status, message = self.stop(signal.SIGINT, args("a.json"), lambda: time.time() > begun + 1 and os.path.exists(
            self.path("a.json.state")))
        self.assertEqual(status, -signal.SIGINT)
        self.assertRegex(message, "stopped by SIGINT: the sums of [0-9]+ images are in .*a.json.state, the same command")
        kairos(*args("a.json"))
        kairos(*args("b.json"))
        points = []
        for name in ("a.json", "b.json"):
            with open(self.path(name)) as f:
                curve = json.load(f)
            points.append({key: curve[key] for key in curve if key != "provenance"})
        self.assertEqual(points[0], points[1])

    def test_sweep(self):
        with open(self.path("sweep.json"), "w") as f:
            json.dump({"net": SHIPPED, "features": FEATURES, "reference": REFERENCE, "schedules": ["edm", "log-uniform"],
                       "solvers": ["ddim"], "eta": [0], "nfe": [2, 4], "seeds": ["0-199"]}, f)
        args = ["sweep", self.path("sweep.json"), "--outdir", self.path("out"), "--batch", "20"]
        results = self.path("out/results.jsonl")
        status, message = self.stop(signal.SIGINT, args,
                                    lambda: os.path.exists(results) and os.path.getsize(results) > 0)
        self.assertEqual(status, -signal.SIGINT)
        self.assertIn(f"stopped by SIGINT: what is done is in {self.path('out')}, the same command resumes there", message)
        kairos(*args)
        with open(results) as f:
            self.assertEqual(len(f.readlines()), 4)


if __name__ == "__main__":
    unittest.main()
