"""Networks that give NaN or infinity: every command that runs one fails, names what it is of, and writes nothing of it."""
import json
import os
import subprocess
import unittest

import numpy as np

from common import ENGINE, KAIROS, ROOT, SHIPPED, FolderCase, kairos
import safetensors_io

WEIGHTS = os.path.join(ROOT, "weights")
FEATURES = os.path.join(WEIGHTS, "fashion-mnist-features.safetensors")
REFERENCE = os.path.join(WEIGHTS, "fashion-mnist-reference.safetensors")
SEEDS = 32


class NonfiniteTest(FolderCase):
    def setUp(self):
        super().setUp()
        self.tensors, self.metadata = safetensors_io.load(SHIPPED)

    def network(self, name, **tensors):
        path = self.path(name)
        changed = {k: np.array(v) for k, v in self.tensors.items()}
        for key, change in tensors.items():
            change(changed[key])
        safetensors_io.save(path, changed, self.metadata)
        return path

    def nan(self):
        """One weight of the last layer."""
        def change(weight):
            weight.flat[5] = np.nan
        return self.network("nan.safetensors", **{"unet.out_conv.weight": change})

    def overflowing(self):
        """In fp16 alone, and not for every image."""
        def change(gain):
            gain[...] = 1000
        return self.network("overflowing.safetensors", **{"unet.dec.16x16_block1.emb_gain": change})

    def fails(self, *arguments):
        done = subprocess.run([KAIROS, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertRegex(done.stderr, "infinite or not a number|is -?(nan|inf)|the value -?(nan|inf)")
        self.assertIn("--precision fp32", done.stderr)
        return done.stderr

    def sample(self, net, *more):
        return ["generate", "--net", net, "--seeds", f"0-{SEEDS - 1}", "--steps", 3, "--engine", ENGINE, "--quiet", *more]

    def test_generate_writes_nothing(self):
        for batch in (1, SEEDS):
            message = self.fails(*self.sample(self.nan(), "--batch", batch, "--outdir", self.path("out"), "--grid",
                                              self.path("grid.png"), "--save-tensors", self.path("tensors.safetensors")))
            self.assertIn("seed 0: 1024 of the image's 1024 values", message)
            self.assertEqual(os.listdir(self.path("out")), [])
            self.assertEqual(sorted(os.listdir(self.folder)), ["nan.safetensors", "out"])

    def test_generate_writes_the_other_images(self):
        net = self.overflowing()
        kairos(*self.sample(net, "--precision", "fp32", "--outdir", self.path("fp32")))
        message = self.fails(*self.sample(net, "--precision", "fp16", "--batch", SEEDS, "--outdir", self.path("fp16")))
        found = os.listdir(self.path("fp16"))
        missing = [seed for seed in range(SEEDS) if f"{seed:06d}.png" not in found]
        self.assertIn(f"seed {missing[0]}: ", message)
        self.assertIn("(try --precision fp32)", message)
        self.assertGreater(len(missing), 0)
        self.assertLess(len(missing), SEEDS)
        # It is not found there already the next time, and no batch after one with a fault is begun.
        self.assertEqual(self.fails(*self.sample(net, "--precision", "fp16", "--outdir", self.path("fp16"))), message)
        self.fails(*self.sample(net, "--precision", "fp16", "--batch", missing[0] + 1, "--outdir", self.path("first")))
        self.assertEqual(sum(name.endswith(".png") for name in os.listdir(self.path("first"))), missing[0])

    def test_evaluate(self):
        message = self.fails("evaluate", "--net", self.nan(), "--ref", REFERENCE, "--features", FEATURES, "--seeds", "7-9",
                             "--steps", 2, "--out", self.path("result.json"))
        self.assertIn("seed 7: ", message)
        self.assertFalse(os.path.exists(self.path("result.json")))

    def test_denoise(self):
        x = np.zeros((3, 1, 32, 32), np.float32)
        safetensors_io.save(self.path("x"), {"x": x, "sigma": np.ones(3, np.float32)})
        denoise = ["denoise", "--in", self.path("x"), "--out", self.path("d"), "--net"]
        self.assertIn("image 0 of x", self.fails(*denoise, self.nan()))
        self.assertIn("uncertainty", self.fails(*denoise, self.uncertain()))
        # The fault may be the file's.
        x[1, 0, 3, 4] = np.inf
        safetensors_io.save(self.path("x"), {"x": x, "sigma": np.ones(3, np.float32)})
        done = subprocess.run([KAIROS, *denoise, SHIPPED], stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("image 1 of x has the value inf", done.stderr)
        self.assertFalse(os.path.exists(self.path("d")))

    def uncertain(self):
        def change(weight):
            weight[...] = np.nan
        return self.network("uncertain.safetensors", **{"logvar_linear.weight": change})

    def test_measure(self):
        message = self.fails("measure", "--net", self.uncertain(), "--from-logvar", "--out", self.path("curve.json"))
        self.assertIn("noise level 0.002", message)
        kairos("generate", "--net", SHIPPED, "--seeds", "0-2", "--steps", 1, "--outdir", self.path("data"), "--quiet")
        message = self.fails("measure", "--net", self.nan(), "--data", self.path("data"), "--without-labels", "--out",
                             self.path("curve.json"))
        self.assertRegex(message, r"00000[0-2]\.png: its squared error")
        self.assertFalse(os.path.exists(self.path("curve.json")))

    def test_bench(self):
        bench = ["bench", "--batch", 2, "--repeat", 1, "--net"]
        self.assertIn("2 of the batch's 2 images", self.fails(*bench, self.nan()))
        kairos(*bench, SHIPPED)

    def sweep(self, seeds, **more):
        with open(self.path("sweep.json"), "w") as f:
            json.dump({"net": self.overflowing(), "features": FEATURES, "reference": REFERENCE, "engine": ENGINE,
                       "schedules": ["edm", {"name": "twin", "kind": "edm"}], "solvers": ["ddim"], "eta": [0], "nfe": [3],
                       "seeds": seeds, "sheet": 2, "precision": "fp16", **more}, f)
        return ["sweep", self.path("sweep.json"), "--outdir", self.path("out"), "--batch", "2"]

    def read(self, name):
        with open(self.path("out", name)) as f:
            return f.read()

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def test_sweep_passes_over_a_cell(self):
        """The cell is marked, the others are made, and the next run tries it again."""
        message = self.fails(*self.sample(self.overflowing(), "--precision", "fp16", "--outdir", self.path("images")))
        made = sorted(int(name[:6]) for name in os.listdir(self.path("images")) if name.endswith(".png"))
        bad = int(message.split("seed ")[1].split(":")[0])
        good = next(seed for seed in made if seed + 1 in made and not bad - 1 <= seed <= bad + 1)
        seeds = [f"{bad}-{bad + 1}", f"{good}-{good + 1}"]
        self.fails(*self.sweep(seeds[:1], sigma_max=60, nfe=[3, 4]))
        self.assertEqual(self.read("results.jsonl"), "")  # so that other settings may follow, as these
        message = self.fails(*self.sweep(seeds))
        self.assertIn("4 cells: 1 sampled, 1 as a cell with the same noise levels, 0 were there already", message)
        for _ in range(2):
            self.assertIn("2 of 4 cells failed", message)
            self.assertIn(f"edm, ddim, eta 0, NFE 3, seeds {seeds[0]}: seed {bad}: 1024 of", message)
            results = [json.loads(line) for line in self.read("results.jsonl").splitlines()]
            self.assertEqual([(r["schedule"], r["seeds"]) for r in results], [("edm", seeds[1]), ("twin", seeds[1])])
            failed = json.loads(self.read("sweep.json"))["failed"]
            self.assertEqual([cell["cell"].split(",")[0] for cell in failed], ["edm", "twin"])
            self.assertEqual(self.read("report.html").count(f"seeds {seeds[0]}: seed {bad}: "), 2)
            self.assertFalse(os.path.exists(self.path("out", "cell.state")))
            message = self.fails(*self.sweep(seeds))
        self.assertIn("0 sampled, 0 as a cell with the same noise levels, 2 were there already", message)
        self.assertEqual(self.read("sweep.log").count(f"NFE 3    seeds {seeds[0]}  failed (seed {bad}: "), 8)
        done = subprocess.run([KAIROS, *self.sweep(seeds, sigma_max=60)], stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("were made with other noise levels", done.stderr)


if __name__ == "__main__":
    unittest.main()
