"""kairos sweep: killed at any moment it ends with the same bytes; distances as evaluate finds them, images as generate
makes them, with every setting; bad configurations."""
import json
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

import numpy as np

from common import ENGINE, KAIROS, ROOT, SHIPPED, kairos
from png import read_png
import safetensors_io
from train_classifier import frechet_distance

WEIGHTS = os.path.join(ROOT, "weights")
FEATURES = os.path.join(WEIGHTS, "fashion-mnist-features.safetensors")
REFERENCE = os.path.join(WEIGHTS, "fashion-mnist-reference.safetensors")
CONFIG = dict(net=SHIPPED, features=FEATURES, reference=REFERENCE, curve="curve.json",
              schedules=["edm", "rescaled", {"kind": "order", "order": 2}, {"kind": "gaussian", "c": 0.3}],
              solvers=["ddim", "heun"], eta=[1], nfe=[3, 5], seeds=["0-14", "15-29"], sheet=4, engine=ENGINE)
BATCH = 6
CELLS = 4 * (2 + 2) * 2  # heun takes 2 and 3 steps


def write_json(path, value):
    with open(path, "w") as f:
        json.dump(value, f)


def write_curve(path, c):
    """The curve of data N(0, c^2) with 1024 dimensions."""
    sigma = np.geomspace(0.002, 80, 64)
    write_json(path, dict(sigma=list(sigma), squared_error=list(1024 * (sigma * c) ** 2 / (sigma ** 2 + c ** 2)),
                          dims=1024))


def read(path):
    with open(path, "rb") as f:
        return f.read()


def contents(folder):
    """What must not depend on kills: everything but the log and the manifest's list of commands."""
    names = [os.path.relpath(os.path.join(parent, name), folder)
             for parent, _, found in os.walk(folder) for name in found]
    return {name: read(os.path.join(folder, name)) for name in names if name not in ("sweep.log", "run.json")}


class SweepTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = folder.name
        write_curve(cls.path("curve.json"), 0.5)
        cls.config = cls.path("config.json")
        write_json(cls.config, CONFIG)
        began = time.time()
        kairos(*cls.arguments("whole"))
        cls.seconds = time.time() - began
        cls.expected = contents(cls.path("whole"))
        cls.results = [json.loads(line) for line in cls.expected["results.jsonl"].splitlines()]

    @classmethod
    def path(cls, *names):
        return os.path.join(cls.folder, *names)

    @classmethod
    def arguments(cls, outdir, config=None):
        return ["sweep", config or cls.config, "--outdir", cls.path(outdir), "--batch", str(BATCH), "--quiet"]

    def variant(self, name, **changes):
        write_json(self.path(name), {**CONFIG, **changes})
        return self.path(name)

    def test_every_cell_once(self):
        keys = [(r["schedule"], r["solver"], r["eta"], r["nfe"], r["seeds"]) for r in self.results]
        self.assertEqual(len(keys), CELLS)
        self.assertEqual(len(set(keys)), CELLS)
        self.assertEqual([r["seeds"] for r in self.results], ["0-14"] * (CELLS // 2) + ["15-29"] * (CELLS // 2))
        self.assertEqual({r["schedule"]: r["order"] for r in self.results},
                         {"edm": None, "rescaled": 2, "order-2": 2, "gaussian": None})
        self.assertTrue(all(list(r) == ["schedule", "order", "solver", "eta", "steps", "nfe", "seeds", "images",
                                        "distance"] for r in self.results))
        self.assertEqual({(r["solver"], r["steps"], r["nfe"]) for r in self.results},
                         {("ddim", 3, 3), ("ddim", 5, 5), ("heun", 2, 3), ("heun", 3, 5)})
        sheets = [name for name in self.expected if name.startswith("sheets/")]
        self.assertEqual(len(sheets), CELLS // 2)
        self.assertTrue(all(name.endswith("-seed0.png") for name in sheets))

    def test_same_levels_are_sampled_once(self):
        distance = {(r["schedule"], r["solver"], r["nfe"], r["seeds"]): r["distance"] for r in self.results}
        for (schedule, *rest), value in distance.items():
            if schedule == "order-2":
                self.assertEqual(value, distance["rescaled", *rest])
        log = read(self.path("whole", "sweep.log")).decode()
        # order-2 is rescaled; of two steps all schedules are sigma_max and sigma_min.
        self.assertEqual(log.count("as its twin"), 2 * (3 * 1 + 3))

    def test_distances_are_those_of_evaluate(self):
        for result in (self.results[1], self.results[-1]):
            options = {"rescaled": ["--curve", self.path("curve.json")], "gaussian": ["--c", 0.3]}[result["schedule"]]
            found = json.loads(kairos(
                "evaluate", "--net", SHIPPED, "--ref", REFERENCE, "--features", FEATURES, "--seeds", result["seeds"],
                "--schedule", result["schedule"], *options, "--steps", result["steps"], "--sigma_min", 0.002,
                "--sigma_max", 80, "--solver", result["solver"], "--eta", result["eta"], "--batch", 15, "--json",
                "--quiet", "--engine", ENGINE))
            self.assertAlmostEqual(found["distance"] / result["distance"], 1, delta=1e-8)

    def expect_sheet(self, outdir, name, *options):
        """The sheet's images, a pixel apart, are those of its seeds as generate makes them."""
        sheet = read_png(self.path(outdir, "sheets", f"{name}.png"))
        images = self.path("images-of-" + name)
        kairos("generate", "--net", SHIPPED, "--seeds", "0-3", *options, "--outdir", images, "--batch", BATCH, "--quiet",
               "--engine", ENGINE)
        self.assertEqual(sheet.shape, (32, 4 * 33 - 1, 1))
        for i in range(4):
            np.testing.assert_array_equal(sheet[:, 33 * i:33 * i + 32], read_png(os.path.join(images, f"{i:06d}.png")))

    def test_sheets_show_their_seeds(self):
        rescaled = ["--schedule", "rescaled", "--curve", self.path("curve.json"), "--sigma_min", 0.002, "--sigma_max", 80]
        self.expect_sheet("whole", "edm-ddim-eta1-nfe3-seed0", "--steps", 3, "--eta", 1)
        self.expect_sheet("whole", "rescaled-ddim-eta1-nfe5-seed0", *rescaled, "--steps", 5, "--eta", 1)
        self.expect_sheet("whole", "order-2-heun-eta0-nfe5-seed0", *rescaled, "--steps", 3, "--solver", "heun")

    def test_settings_have_their_effect(self):
        """Guidance, class and the noise levels' ends: as generate and evaluate have them, by the images and without."""
        settings = dict(guidance=2, sigma_min=0.01, sigma_max=50, **{"class": 3})
        kairos(*self.arguments("settings", self.variant(
            "settings.json", **settings, schedules=["edm"], solvers=["ddim"], nfe=[5], seeds=["0-14"])))
        options = ["--net", SHIPPED, "--seeds", "0-14", "--steps", 5, "--eta", 1, "--batch", 15, "--quiet", "--engine", ENGINE,
                   *(word for key, value in settings.items() for word in (f"--{key}", value))]
        score = ["evaluate", "--ref", REFERENCE, "--features", FEATURES, "--json"]
        found = json.loads(read(self.path("settings", "results.jsonl")))["distance"]
        self.assertAlmostEqual(json.loads(kairos(*score, *options))["distance"] / found, 1, delta=1e-8)
        kairos("generate", *options, "--outdir", self.path("guided"))
        images = json.loads(kairos(*score, "--images", self.path("guided"), "--engine", ENGINE))["distance"]
        self.assertAlmostEqual(images / found, 1, delta=1e-8)
        self.expect_sheet("settings", "edm-ddim-eta1-nfe5-seed0", *options[4:])
        manifest = json.loads(read(self.path("settings", "run.json")))["settings"]
        self.assertEqual({key: manifest[key] for key in ("guidance", "class")}, {"guidance": 2, "class": 3})
        report = read(self.path("settings", "report.html")).decode()
        self.assertIn("guidance 2 by the zero label; class 3; noise levels from 50 down to 0.01", report)

    def test_the_floor_is_kept(self):
        floor = json.loads(self.expected["sweep.json"])["floor"]
        self.assertEqual((floor["images"], floor["features"]), (15, 128))
        reference, _ = safetensors_io.load(REFERENCE)
        mu, sigma = np.array(reference["mu"]), np.array(reference["sigma"])
        draws = np.random.default_rng(1).multivariate_normal(mu, sigma, (40, 15))
        distances = [frechet_distance(x.mean(0), np.cov(x, rowvar=False), mu, sigma) for x in draws]
        error = np.std(distances) * (1 / 40 + 1 / floor["sets"]) ** 0.5
        self.assertLess(abs(floor["distance"] - np.mean(distances)), 4 * error)
        self.assertIn(b"class=\"floor\"", self.expected["report.html"])

    def test_what_the_terminal_shows(self):
        """The table on standard output; the progress ends at 100 %, also where the last cells are copies."""
        config = self.variant("shown.json", schedules=["edm", "log-uniform"], solvers=["ddim"], nfe=[2], seeds=["0-14"])
        plain = self.path("shown-without-suffix")
        os.rename(config, plain)
        # The configuration may stand anywhere.
        done = subprocess.run([KAIROS, "sweep", "--outdir", self.path("shown"), plain, "--batch", str(BATCH)], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True)
        self.assertRegex(done.stderr, r"sweep 100%  60/60  .*\n2 cells: 1 sampled, 1 as a cell")
        self.assertIn("15 images for 128 features: fewer than 10", done.stderr)
        self.assertRegex(done.stdout, r"\nedm +[0-9.]+ \*\nlog-uniform +[0-9.]+ ~\n")
        self.assertTrue(done.stdout.endswith(self.path("shown", "report.html") + "\n"))
        self.assertEqual(kairos("sweep", "--report", "--outdir", self.path("shown")), done.stdout)
        os.truncate(self.path("shown", "results.jsonl"), 0)
        self.assertIn("no results yet", kairos("sweep", "--report", "--outdir", self.path("shown")))

    def test_an_older_folder(self):
        """Without a floor, and with sheets whose names say no seeds: it goes on, and shows them."""
        shutil.copytree(self.path("whole"), self.path("older"))
        sheets = self.path("older", "sheets")
        for name in os.listdir(sheets):
            os.rename(os.path.join(sheets, name), os.path.join(sheets, name.replace("-seed0", "")))
        sweep = json.loads(self.expected["sweep.json"])
        del sweep["floor"], sweep["sources"]
        write_json(self.path("older", "sweep.json"), sweep)
        kairos(*self.arguments("older"))
        found = contents(self.path("older"))
        self.assertEqual(json.loads(found["sweep.json"]), json.loads(self.expected["sweep.json"]))
        for name in ("results.jsonl", "report.html"):
            self.assertEqual(found[name], self.expected[name])
        # A twin's copy of such a sheet has a name with the seeds.
        more = self.variant("older.json", schedules=CONFIG["schedules"] + [{"name": "twin", "kind": "edm"}])
        kairos(*self.arguments("older", more))
        self.assertEqual(read(self.path("older", "sheets", "twin-heun-eta0-nfe3-seed0.png")),
                         read(self.path("older", "sheets", "edm-heun-eta0-nfe3.png")))

    def test_the_published_results(self):
        shutil.copytree(os.path.join(ROOT, "bench", "results", "sweep-fashion-mnist"), self.path("published"))
        text = kairos("sweep", "--report", "--outdir", self.path("published"))
        self.assertRegex(text, r"Frechet distances, 5000 images a cell\n")
        report = read(self.path("published", "report.html")).decode()
        self.assertIn("seeds from 0 on", report)
        self.assertIn("The floor: 5000 draws", report)

    def test_kill_and_restart(self):
        moments = random.Random(time.time_ns())
        killed = 0
        for attempt in range(8):
            run = subprocess.Popen([KAIROS, *self.arguments("killed")], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
            time.sleep(moments.uniform(0, 0.6 * self.seconds))
            run.send_signal(signal.SIGKILL)
            run.communicate()
            killed += run.returncode == -signal.SIGKILL
            if run.returncode == 0:
                break
        self.assertGreaterEqual(killed, 1)
        torn = self.path("killed", "results.jsonl")
        if os.path.exists(torn):  # and once in the midst of a line
            with open(torn, "r+b") as f:
                f.truncate(max(0, os.path.getsize(torn) - 7))
        kairos(*self.arguments("killed"))
        found = contents(self.path("killed"))
        self.assertEqual(sorted(found), sorted(self.expected))
        self.assertEqual([name for name in found if found[name] != self.expected[name]], [])

    def test_a_finished_sweep_stays(self):
        kairos(*self.arguments("whole"))
        self.assertEqual(contents(self.path("whole")), self.expected)
        os.remove(self.path("whole", "report.html"))
        kairos("sweep", "--report", "--outdir", self.path("whole"))
        self.assertEqual(contents(self.path("whole")), self.expected)

    def test_a_sweep_can_grow(self):
        small = self.variant("small.json", schedules=["edm"], solvers=["ddim"], seeds=["0-14"])
        kairos(*self.arguments("grown", small))
        first = read(self.path("grown", "results.jsonl"))
        more = self.variant("more.json", schedules=["edm", "log-uniform"], solvers=["ddim"], seeds=["0-14"])
        kairos(*self.arguments("grown", more))
        grown = read(self.path("grown", "results.jsonl"))
        self.assertTrue(grown.startswith(first))
        self.assertEqual(grown.count(b"\n"), 4)
        # The same name for other levels, or other settings or seeds, would mix what cannot be compared.
        for name, changes, message in (("levels", dict(rho=3), "other noise levels"),
                                       ("source", dict(rho=3, nfe=[4]), "made of another curve, or with other"),
                                       ("guidance", dict(guidance=1.5), "guidance"),
                                       ("longer", dict(seeds=["0-29"]), "results of the seeds 0-14"),
                                       ("shorter", dict(seeds=["20-29"]), "results of the seeds 0-14")):
            other = self.variant(f"{name}.json", **{**dict(schedules=["edm"], solvers=["ddim"], seeds=["0-14"]),
                                                    **changes})
            with self.assertRaisesRegex(AssertionError, message):
                kairos(*self.arguments("grown", other))
        self.assertEqual(read(self.path("grown", "results.jsonl")), grown)

    def test_another_curve_for_more_steps(self):
        options = dict(solvers=["ddim"], seeds=["0-14"], schedules=["rescaled"], curve="moving.json")
        write_curve(self.path("moving.json"), 0.5)
        kairos(*self.arguments("moved", self.variant("three.json", **options, nfe=[3])))
        write_curve(self.path("moving.json"), 0.4)
        with self.assertRaisesRegex(AssertionError, "'rescaled' were made of another curve"):
            kairos(*self.arguments("moved", self.variant("five.json", **options, nfe=[5])))

    def test_sheets_may_be_missing(self):
        """A cell whose twin was sampled without sheets."""
        options = dict(solvers=["ddim"], seeds=["0-14"], nfe=[2])
        kairos(*self.arguments("bare", self.variant("bare.json", **options, schedules=["edm"], sheet=0)))
        kairos(*self.arguments("bare", self.variant("twin.json", **options, schedules=["edm", "log-uniform"])))
        self.assertEqual(read(self.path("bare", "results.jsonl")).count(b"\n"), 2)

    def test_shipped_configurations(self):
        """Each with all of its schedules, at fewer images and steps."""
        for name in ("sweep-quick", "sweep-fashion-mnist"):
            with open(os.path.join(ROOT, "configs", f"{name}.json")) as f:
                config = json.load(f)
            self.assertGreaterEqual(len(config["nfe"]) * len(config["seeds"]), 4)

            def absolute(value):
                if isinstance(value, list):
                    return [absolute(item) for item in value]
                if isinstance(value, dict):
                    return {key: absolute(item) for key, item in value.items()}
                return value.replace("../weights", WEIGHTS) if isinstance(value, str) else value
            write_json(self.path("shipped.json"), {**absolute(config), "nfe": [3], "eta": [0], "seeds": ["0-1"]})
            kairos(*self.arguments(name, self.path("shipped.json")))
            self.assertEqual(read(self.path(name, "results.jsonl")).count(b"\n"), len(config["schedules"]))

    def test_bad_configurations(self):
        cases = (
            ("spelt", dict(schedule=["edm"]), "unknown key 'schedule'"),
            ("kind", dict(schedules=["entropy"]), "'entropy' is no kind of schedule"),
            ("overlap", dict(seeds=["0-14", "10-24"]), "overlaps"),
            ("precision", dict(precision="fp8"), "'precision' is 'fp8', expected fp32, fp16, bf16"),
            ("net", dict(net="none.safetensors"), "none.safetensors"),
            ("reference", dict(reference=FEATURES), "fashion-mnist-features"),
            ("features", dict(features=SHIPPED), "fashion-mnist-edm2"),
            ("curve", dict(curve="no-curve.json"), "no-curve.json"),
            ("class", dict(**{"class": 10}), "10 classes"),
            ("narrow", dict(sigma_min=1e-3), "'rescaled' from key 'sigma_max', 80, to key 'sigma_min', 0.001: "),
            ("useless", dict(schedules=[{"kind": "edm", "c": 2}]), "key 'c' does nothing"),
        )
        for name, changes, message in cases:
            with self.subTest(name):
                with self.assertRaises(AssertionError) as caught:
                    kairos(*self.arguments("bad", self.variant(f"bad-{name}.json", **changes)))
                self.assertIn("exit status 1", str(caught.exception))
                self.assertIn(message, str(caught.exception))
        self.assertFalse(os.path.exists(self.path("bad", "results.jsonl")))
        kairos("sweep", "--outdir", self.path("bad"), expect=2)
        with self.assertRaisesRegex(AssertionError, "kairos sweep: unknown option --outdur .*\nSee kairos sweep --help"):
            kairos("sweep", self.config, "--outdur", self.path("bad"))
        kairos("sweep", self.config, "--report", "--outdir", self.path("bad"), expect=2)
        kairos("sweep", "--report", "--outdir", self.path("nothing"), expect=1)


if __name__ == "__main__":
    unittest.main()
