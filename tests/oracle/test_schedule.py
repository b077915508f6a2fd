"""`kairos schedule` against the entropic times in NumPy and SciPy: every kind, order and rule; what it refuses."""
import json
import os
import subprocess
import unittest

import numpy as np

from common import KAIROS, SHIPPED, FolderCase, kairos
import entropic_time as oracle
import safetensors_io  # after common, which knows where it is

LEVELS_BOUND = 1e-9   # relative, each level, between two double-precision computations of the same formula
PRINTED_BOUND = 5e-9  # of 9 significant digits
STEPS = (2, 3, 5, 8, 16, 64)


def curves():
    """name -> (sigma, squared error): smooth, with two scales, rough as measured, of few and of odd levels."""
    grid = oracle.edm_sigmas(128)[::-1]
    random = np.random.default_rng(0)

    def gaussian(s, c):
        return 784 * (c * s) ** 2 / (c * c + s * s)
    few = np.geomspace(0.01, 50, 9)
    odd = np.sort(np.exp(random.uniform(np.log(0.002), np.log(80), 300)))
    return {"gaussian": (grid, gaussian(grid, 0.5)),
            "two scales": (grid, gaussian(grid, 0.05) + gaussian(grid, 3)),
            "noisy": (grid, gaussian(grid, 0.3) * random.uniform(0.8, 1.25, len(grid))),
            "few": (few, gaussian(few, 1)),
            "odd": (odd, gaussian(odd, 0.2))}


class ScheduleTest(FolderCase):
    def write_curve(self, sigma, err, name="curve.json"):
        with open(self.path(name), "w") as f:
            json.dump({"sigma": list(sigma), "squared_error": list(err), "dims": 784}, f)
        return self.path(name)

    def schedule(self, *args):
        """The levels of --out, having checked that the printed ones are they, to 9 digits."""
        printed = [float(line) for line in kairos("schedule", *args, "--out", self.path("s.json")).split("\n")[:-1]]
        with open(self.path("s.json")) as f:
            levels = json.load(f)["sigma"]
        self.assertEqual(len(printed), len(levels))
        self.assertEqual((printed[-1], levels[-1]), (0, 0))
        np.testing.assert_allclose(printed[:-1], levels[:-1], rtol=PRINTED_BOUND)
        return np.array(levels[:-1])

    def compare(self, levels, expected):
        self.assertEqual(len(levels), len(expected))
        np.testing.assert_allclose(levels, expected, rtol=LEVELS_BOUND)

    def test_formulas(self):
        for n in STEPS:
            low, high = 0.01, 50
            ends = ["--steps", n, "--sigma_min", low, "--sigma_max", high]
            self.compare(self.schedule("--kind", "edm", "--steps", n), oracle.edm_sigmas(n))
            self.compare(self.schedule("--kind", "edm", "--rho", 3, *ends), oracle.edm_sigmas(n, low, high, 3))
            self.compare(self.schedule("--kind", "log-uniform", *ends), np.geomspace(high, low, n))
            self.compare(self.schedule("--kind", "gaussian", "--steps", n), oracle.gaussian_sigmas(n, 0.5))
            for c in (0.05, 5):
                self.compare(self.schedule("--kind", "gaussian", "--c", c, *ends),
                             oracle.gaussian_sigmas(n, c, low, high))

    def check_curve(self, kinds, name, steps):
        sigma, err = curves()[name]
        curve = self.write_curve(sigma, err)
        for rule in ("cubic", "left"):
            for option, order in kinds:
                time = oracle.entropic_time(sigma, err, order, rule)
                for n in steps:
                    with self.subTest(curve=name, rule=rule, order=order, steps=n):
                        levels = self.schedule("--curve", curve, *option, "--rule", rule, "--steps", n)
                        self.compare(levels, oracle.invert(sigma, time, n))

    def test_kinds(self):
        for name in curves():
            self.check_curve([(["--kind", kind], kind) for kind in ("entropic", "rescaled")], name,
                             STEPS if name == "two scales" else (3, 16, 64))

    def test_orders(self):
        for name in ("two scales", "noisy"):
            self.check_curve([(["--order", p], p) for p in (0, 1.5, 2.25, 2.5, 3.5)], name, (16, 64))

    def test_cubic_is_the_default(self):
        curve = self.write_curve(*curves()["two scales"])
        args = ["--curve", curve, "--kind", "rescaled", "--steps", 16]
        np.testing.assert_array_equal(self.schedule(*args), self.schedule(*args, "--rule", "cubic"))
        self.assertEqual(len(self.schedule(*args[:-2])), 32)

    def write_spectrum(self, sigma, path):
        """16 directions of Gaussian data, one of them without error, one without amplitude."""
        c = np.geomspace(0.02, 4, 16).reshape(1, 4, 4)
        square = sigma.reshape(-1, 1, 1, 1) ** 2
        power = (c * c * square / (c * c + square)).astype(np.float32)
        amplitude = c.astype(np.float32)
        power[:, 0, 1, 2] = 0
        amplitude[0, 3, 0] = 0
        safetensors_io.save(path, {"power": power, "amplitude": amplitude, "sigma": sigma})
        flat = power.reshape(len(sigma), -1).astype(np.float64)
        kept = flat.any(axis=0)
        return flat[:, kept], amplitude.reshape(-1)[kept].astype(np.float64)

    def test_spectral(self):
        sigma = oracle.edm_sigmas(128)[::-1].copy()
        curve = self.write_curve(sigma, np.ones(128))
        power, amplitude = self.write_spectrum(sigma, self.path("curve.spectrum.safetensors"))
        self.write_spectrum(sigma, self.path("other.safetensors"))
        for rule in ("cubic", "left"):
            time = oracle.spectral_time(sigma, power, amplitude, rule)
            for n in (2, 8, 16, 64):
                args = ["--kind", "spectral", "--rule", rule, "--steps", n]
                self.compare(self.schedule("--curve", curve, *args), oracle.invert(sigma, time, n))
                self.compare(self.schedule("--spectrum", self.path("other.safetensors"), *args),
                             oracle.invert(sigma, time, n))

    def test_part_of_the_range(self):
        sigma, err = curves()["two scales"]
        curve = self.write_curve(sigma, err)
        time = oracle.entropic_time(sigma, err, "rescaled")
        low, high = 0.03, 25.0
        levels = self.schedule("--curve", curve, "--kind", "rescaled", "--steps", 9, "--sigma_min", low,
                               "--sigma_max", high)
        self.compare(levels, oracle.invert_between(sigma, time, low, high, 9))
        self.assertEqual((levels[0], levels[-1]), (high, low))

    def test_part_of_a_spectrum(self):
        """Each direction is scaled between the ends that are asked for, not between those of the curve."""
        sigma = oracle.edm_sigmas(128)[::-1].copy()
        power, amplitude = self.write_spectrum(sigma, self.path("s.safetensors"))
        for low, high in ((0.002, 10.5), (0.05, 80), (0.002, 3), (float(sigma[20]), float(sigma[90]))):
            for rule in ("cubic", "left"):
                with self.subTest(low=low, high=high, rule=rule):
                    levels = self.schedule("--spectrum", self.path("s.safetensors"), "--kind", "spectral", "--steps",
                                           16, "--rule", rule, "--sigma_min", low, "--sigma_max", high)
                    time = oracle.spectral_time(sigma, power, amplitude, rule, low, high)
                    self.compare(levels, oracle.invert_between(sigma, time, low, high, 16))
                    # Nearly that of a spectrum measured on this part alone, which has other slopes at its ends.
                    part = (sigma >= low * 0.999) & (sigma <= high * 1.001)
                    if rule == "cubic" and np.isclose(sigma[part][[0, -1]], [low, high]).all():
                        alone = oracle.spectral_time(sigma[part], power[part], amplitude)
                        np.testing.assert_allclose(levels, oracle.invert(sigma[part], alone, 16), rtol=1e-3)

    def test_what_lies_outside_the_range(self):
        """No error there, or so much time that the rest is lost in its sum, is no reason to refuse."""
        sigma, err = curves()["gaussian"]
        ends = ["--steps", 9, "--sigma_min", 0.1, "--sigma_max", 20]
        expected = self.schedule("--curve", self.write_curve(sigma, err), "--kind", "rescaled", *ends)
        curve = self.write_curve(sigma, np.where((sigma > 0.05) & (sigma < 40), err, 0))
        self.compare(self.schedule("--curve", curve, "--kind", "rescaled", *ends), expected)
        self.refuse(1, "does not increase", args=["--curve", curve, "--kind", "rescaled"])
        shipped = os.path.join(os.path.dirname(SHIPPED), "fashion-mnist-edm2.curve.json")
        for options in (["--order", 6, "--sigma_min", 1, "--sigma_max", 20], ["--order", 5.5, "--sigma_min", 1]):
            self.assertEqual(len(self.schedule("--curve", shipped, *options)), 32)

    def test_generate_takes_the_same_levels(self):
        """--schedule KIND, and the file that `schedule --out` wrote: the levels in run.json."""
        sigma, err = curves()["gaussian"]
        curve = self.write_curve(sigma, err)
        self.write_spectrum(sigma, self.path("curve.spectrum.safetensors"))
        kinds = [["entropic"], ["rescaled"], ["spectral"], ["log-uniform"], ["gaussian", "--c", "1"],
                 ["rescaled", "--rule", "left"], ["order", "--order", "2.25"], ["edm", "--rho", "5"]]
        for i, (kind, *more) in enumerate(kinds):
            measured = kind not in ("log-uniform", "gaussian", "edm")
            shared = ["--steps", 2 + i % 2, *(["--curve", curve] if measured else []), *more]
            levels = self.schedule("--kind", kind, *shared)
            for j, choice in enumerate((["--schedule", kind, *shared], ["--schedule", self.path("s.json")])):
                out = self.path(f"images-{i}-{j}")
                kairos("generate", "--net", SHIPPED, "--outdir", out, "--seeds", 0, "--quiet", *choice)
                with open(os.path.join(out, "run.json")) as f:
                    self.assertEqual(json.load(f)["settings"]["sigma"], [*levels, 0])

    def test_file_says_where_it_comes_from(self):
        curve = self.write_curve(*curves()["gaussian"])
        self.schedule("--curve", curve, "--order", 2.5, "--steps", 4)
        with open(self.path("s.json")) as f:
            written = json.load(f)
        self.assertEqual(written["kind"], "order")
        self.assertEqual(written["provenance"]["order"], 2.5)
        self.assertEqual(written["provenance"]["curve"], curve)
        self.assertEqual(written["provenance"]["command"][0], "schedule")
        first = written["provenance"]["hash"]
        self.write_curve(*curves()["noisy"])
        self.schedule("--curve", curve, "--order", 2.5, "--steps", 4)
        with open(self.path("s.json")) as f:
            self.assertNotEqual(json.load(f)["provenance"]["hash"], first)

    def test_kind_by_default(self):
        curve = self.write_curve(*curves()["gaussian"])
        for options, kind in ([], "edm"), (["--curve", curve], "rescaled"):
            found = self.schedule(*options, "--steps", 5)
            np.testing.assert_array_equal(found, self.schedule(*options, "--kind", kind, "--steps", 5))

    def refuse(self, status, *words, args, command=("schedule",)):
        done = subprocess.run([KAIROS, *command, *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True)
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertEqual(done.stdout, "")
        for word in words:
            self.assertIn(word, done.stderr)

    def test_wrong_usage(self):
        curve = self.write_curve(*curves()["gaussian"])
        self.refuse(2, "--kind nothing", "rescaled", args=["--kind", "nothing"])
        self.refuse(2, "--curve", args=["--kind", "entropic"])
        self.refuse(2, "--spectrum", args=["--kind", "spectral"])
        self.refuse(2, "--order P", args=["--kind", "order", "--curve", curve])
        self.refuse(2, "give one of them", args=["--kind", "edm", "--order", 2])
        self.refuse(2, "steps", args=["--kind", "edm", "--steps", 0])
        self.refuse(2, "from 80 down to 90", args=["--kind", "edm", "--sigma_min", 90])
        self.refuse(2, "from 2 down to 3", args=["--kind", "rescaled", "--curve", curve, "--sigma_min", 3,
                                                 "--sigma_max", 2])
        generate = ("generate", "--net", SHIPPED, "--outdir", self.path("out"))
        self.refuse(2, "--schedule", args=["--curve", curve], command=generate)
        self.refuse(2, "--curve", args=["--schedule", "rescaled"], command=generate)
        self.refuse(1, "reskaled", "rescaled", args=["--schedule", "reskaled"], command=generate)
        self.refuse(1, "curve.json is a curve of kairos measure, no schedule", args=["--schedule", curve],
                    command=generate)
        self.assertFalse(os.path.exists(self.path("out")))

    def test_options_that_would_do_nothing(self):
        curve = self.write_curve(*curves()["gaussian"])
        self.schedule("--kind", "edm", "--steps", 4)
        generate = ("generate", "--net", SHIPPED, "--outdir", self.path("out"))
        measured = "entropic, rescaled, spectral, order"
        for kind, options, kinds in [("gaussian", ["--rho", 7], "edm"), ("log-uniform", ["--rho", 3], "edm"),
                                     ("edm", ["--c", 0.5], "gaussian"),
                                     ("rescaled", ["--c", 2, "--curve", curve], "gaussian"),
                                     ("edm", ["--curve", curve], measured), ("gaussian", ["--rule", "cubic"], measured),
                                     ("rescaled", ["--spectrum", "x", "--curve", curve], "spectral"),
                                     ("edm", ["--spectrum", "x"], "spectral")]:
            message = f"{options[0]} does nothing to the schedule {kind}: it is for {kinds}"
            self.refuse(2, message, args=["--kind", kind, *options])
            self.refuse(2, message, args=["--schedule", kind, *options], command=generate)
        self.refuse(2, "--curve with --spectrum", args=["--kind", "spectral", "--curve", curve, "--spectrum", "x"])
        for options in (["--steps", 32], ["--curve", curve], ["--spectrum", "x"], ["--rule", "cubic"], ["--rho", 7],
                        ["--sigma_min", 0.002], ["--sigma_max", 80], ["--c", 0.5]):
            message = f"{options[0]} does nothing: the file --schedule {self.path('s.json')} says all noise levels"
            self.refuse(2, message, args=["--schedule", self.path("s.json"), *options], command=generate)
        self.refuse(1, "no such file, and no kind of schedule",
                    args=["--schedule", self.path("none.json"), "--steps", 32], command=generate)
        self.assertFalse(os.path.exists(self.path("out")))

    def test_curves_that_are_none(self):
        sigma, err = curves()["gaussian"]

        def refuse(*words, s=sigma, e=err, more=()):
            curve = self.write_curve(s, e, "bad.json")
            self.refuse(1, "bad.json", *words, args=["--curve", curve, "--kind", "rescaled", "--out",
                                                     self.path("none.json"), *more])
            self.assertFalse(os.path.exists(self.path("none.json")))
        refuse("expected increasing", s=sigma[::-1])
        refuse("gap between", s=np.r_[sigma[:40], sigma[70:]], e=np.r_[err[:40], err[70:]])
        refuse("too few", s=sigma[:3], e=err[:3])
        refuse("NaN", e=[*err[:5], float("nan"), *err[6:]])
        refuse("squared_error[5] is -1", e=[*err[:5], -1, *err[6:]])
        refuse("does not increase", e=[0, 0, 0, *err[3:]])
        refuse("does not increase", e=0 * err)
        refuse("sigma_max is 81", more=["--sigma_max", 81])
        refuse("sigma_min is 0.001", more=["--sigma_min", 0.001])
        curve = self.write_curve(sigma, err)
        self.refuse(1, "curve.spectrum.safetensors", args=["--curve", curve, "--kind", "spectral"])


if __name__ == "__main__":
    unittest.main()
