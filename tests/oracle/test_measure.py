"""`kairos measure` against the reference network and entropic-time formulas, with the same images and noise."""
import json
import os
import shutil
import signal
import subprocess
import time
import unittest

import numpy as np
import torch

from common import ENGINE, KAIROS, SHIPPED, kairos, load_network, on_cpu_target, random_network, save_network
from measuring import (SMALL, MeasureCase, blobs, edm_levels, integrals, noise, order, reference, standard_error,
                       write_data)
import safetensors_io

IMAGES, SEED = 6, 1000


class MeasureTest(MeasureCase):
    def test_shipped_model(self):
        labels = np.arange(IMAGES) % 10
        x0 = write_data(self.path("data"), blobs(IMAGES, 1, 32, 1), labels)
        levels = edm_levels(7, low=0.3, high=20, rho=3)
        curve = self.measure("c.json", "--net", SHIPPED, "--data", self.path("data"), "--levels", 7, "--sigma_min", 0.3,
                             "--sigma_max", 20, "--rho", 3, "--spectral", "--seed", SEED, "--batch", 4)
        squared, power, amplitude = reference(load_network(SHIPPED), x0, labels, levels, SEED)
        np.testing.assert_allclose(curve["sigma"], levels, rtol=1e-12)
        np.testing.assert_allclose(curve["squared_error"], squared.mean(axis=1), rtol=1e-4)
        np.testing.assert_allclose(curve["standard_error"], standard_error(squared), rtol=1e-3)
        for key, p in (("entropy_error", 3), ("rescaled_entropy_error", 2)):
            np.testing.assert_allclose(curve[key], standard_error(integrals(squared, levels, p)), rtol=1e-3)
        self.assertEqual((curve["dims"], curve["images"]), (1024, IMAGES))
        for key, value in dict(net=SHIPPED, data=self.path("data"), seed=SEED, precision="fp32", images=IMAGES).items():
            self.assertEqual(curve["provenance"][key], value)
        self.assertEqual(curve["provenance"]["command"][0], "measure")

        spectrum = safetensors_io.load(self.path("c.spectrum.safetensors"))[0]
        self.assertEqual(spectrum["power"].shape, (7, 1, 32, 32))
        np.testing.assert_allclose(spectrum["power"].sum(axis=(1, 2, 3), dtype=np.float64), curve["squared_error"],
                                   rtol=1e-5)
        for t in range(7):  # relative to the level's error in a mean direction
            difference = np.abs(spectrum["power"][t] - power[t])
            self.assertLess((difference / (power[t] + power[t].mean())).max(), 1e-4)
        np.testing.assert_allclose(spectrum["amplitude"], amplitude, rtol=1e-5, atol=1e-5)

    def test_labels_matter(self):
        net = random_network(SMALL, 1)
        save_network(self.path("net"), net)
        images = np.random.default_rng(2).standard_normal((3, 2, 8, 8)).astype(np.float32)
        levels = edm_levels(4, low=0.5, high=10)
        options = ["--net", self.path("net"), "--levels", 4, "--sigma_min", 0.5, "--sigma_max", 10]
        for name, labels in [("labels", [2, 0, 1]), ("none", None)]:
            x0 = write_data(self.path(name), images, labels)
            without = ["--without-labels"] if labels is None else []
            if without:
                self.refuse(1, "none has no labels (dataset.json), and the model has 3 classes: add the labels, or give "
                            "--without-labels", "--data", self.path(name), "--out", self.path("n.json"), *options)
            else:
                self.refuse(1, "--without-labels: " + self.path(name) + " has labels", "--without-labels", "--data",
                            self.path(name), "--out", self.path("n.json"), *options)
            curve = self.measure(name + ".json", "--data", self.path(name), *options, *without)
            squared = reference(net, x0, labels or [-1] * 3, levels, 0)[0]
            np.testing.assert_allclose(curve["squared_error"], squared.mean(axis=1), rtol=1e-4)
        write_data(self.path("more"), images, [0, 1, 3])
        out = ["--net", self.path("net"), "--out", self.path("x.json")]
        said = subprocess.run([KAIROS, "measure", *out, "--data", self.path("more")], stderr=subprocess.PIPE, text=True)
        self.assertEqual(said.returncode, 1)
        self.assertIn(self.path("more/img00000002.npy") + " has the label 3, the model has 3 classes", said.stderr)
        self.assertFalse(os.path.exists(self.path("x.json")))

    def test_known_error(self):
        levels = edm_levels(18)
        for sigma_data in (0.05, 0.5, 5.0):
            self.stand_in(sigma_data)
            data = self.path(f"data{sigma_data}")
            x0 = write_data(data, sigma_data * np.random.default_rng(4).standard_normal((5, 3, 8, 8)).astype(np.float32))
            n = noise(x0.shape, 7).astype(np.float64)
            for precision in ("fp32", "bf16"):  # of the network, which has no part in this
                curve = self.measure(f"{sigma_data}-{precision}.json", "--net", self.path("net"), "--data", data,
                                     "--levels", 18, "--seed", 7, "--precision", precision)
                for sigma, squared in zip(levels, curve["squared_error"]):
                    skip = sigma_data ** 2 / (sigma ** 2 + sigma_data ** 2)
                    expected = ((1 - skip) * x0.astype(np.float64) - skip * sigma * n)
                    # x = x0 + sigma n is float32: of the noise, its rounding is lost.
                    lost = 2 ** -24 * (np.abs(x0).max() + 5 * sigma) / sigma
                    self.assertLess(abs(squared / ((expected ** 2).sum() / 5) - 1), 1e-6 + lost)

    def test_gaussian_schedule(self):
        """Equal steps in the measured rescaled entropy of N(0, c^2) are equal steps in arctan(sigma / c).

        Noise whose mean square is 1, and images that are orthogonal to it with a mean square of c^2, leave no
        sampling error: err = D c^2 sigma^2 / (c^2 + sigma^2).
        """
        def excess(seed):
            return np.mean(noise((1, 3, 8, 8), seed).astype(np.float64) ** 2) - 1

        excesses = np.array([excess(seed) for seed in range(2000)])
        seed = int(np.abs(excesses[:-1] + excesses[1:]).argmin())  # of two images
        self.assertLess(abs(excesses[seed] + excesses[seed + 1]) / 2, 1e-4)
        n = noise((2, 3, 8, 8), seed).astype(np.float64).reshape(2, -1)
        for c in (0.05, 0.5, 5.0):
            self.stand_in(c)
            x0 = np.random.default_rng(8).standard_normal(n.shape)
            x0 -= n * ((x0 * n).sum(1) / (n * n).sum(1))[:, None]
            x0 *= c / np.sqrt((x0 ** 2).mean(1))[:, None]
            write_data(self.path(f"data{c}"), x0.reshape(2, 3, 8, 8).astype(np.float32))
            curve = self.path(f"c{c}.json")
            self.measure(curve, "--net", self.path("net"), "--data", self.path(f"data{c}"), "--seed", seed)
            for steps in (8, 16, 64):
                text = kairos("schedule", "--curve", curve, "--kind", "rescaled", "--steps", steps)
                sigma = np.array(text.split(), np.float64)[:-1]
                angle = np.linspace(np.arctan(80 / c), np.arctan(0.002 / c), steps)
                np.testing.assert_allclose(sigma, c * np.tan(angle), rtol=5e-4)

    def test_from_logvar(self):
        net = load_network(SHIPPED).double()
        curve = self.measure("c.json", "--net", SHIPPED, "--from-logvar", "--levels", 20)
        sigma = torch.from_numpy(edm_levels(20))
        with torch.no_grad():
            u = net.logvar_linear(net.logvar_fourier(sigma.log() / 4)).numpy().reshape(-1)
        s, d = sigma.numpy(), net.sigma_data
        np.testing.assert_allclose(curve["squared_error"], 1024 * np.exp(u) * (s * d) ** 2 / (s ** 2 + d ** 2), rtol=1e-4)
        self.assertEqual(curve["images"], 0)

    def options(self, *more):
        return ["--net", SHIPPED, "--data", self.path("data"), "--levels", "8", "--sigma_min", "0.1",
                "--sigma_max", "20", "--spectral", "--without-labels", "--engine", ENGINE, *more]

    def kill_early(self, *options):
        """A measurement killed in its first batches; its state lies there."""
        run = subprocess.Popen([KAIROS, "measure", "--out", self.path("c.json"), "--save-every", "0", *options],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while run.poll() is None and self.images_done() == 0:
            time.sleep(0.001)
        run.send_signal(signal.SIGKILL)
        self.assertEqual(run.wait(), -signal.SIGKILL)

    def images_done(self):
        """By the state, which is whole or not there."""
        try:
            return int(safetensors_io.load(self.path("c.json.state"))[0]["images"][0])
        except FileNotFoundError:
            return 0

    def test_a_failed_start_keeps_nobody_out(self):
        """What stops a run in its first batch leaves a state of no images."""
        net = random_network(SMALL, 1)
        save_network(self.path("net"), net)
        images = np.random.default_rng(2).standard_normal((3, 2, 8, 8)).astype(np.float32)
        write_data(self.path("wrong"), images, [0, 1, 3])
        write_data(self.path("right"), images, [0, 1, 2])
        options = ["--net", self.path("net"), "--levels", 18, "--out", self.path("c.json")]
        said = subprocess.run([KAIROS, "measure", *map(str, options), "--data", self.path("wrong")],
                              stderr=subprocess.PIPE, text=True)
        self.assertEqual(said.returncode, 1)
        self.assertIn("has the label 3, the model has 3 classes", said.stderr)
        self.assertTrue(os.path.exists(self.path("c.json.state")))
        self.assertEqual(self.images_done(), 0)
        self.measure("c.json", "--data", self.path("right"), *options[:4])

    def test_batches_and_kills(self):
        """The same bytes whatever the batch, and however often the run was killed."""
        write_data(self.path("data"), blobs(50, 1, 32, 5), np.arange(50) % 10)
        results = ("c.json", "c.spectrum.safetensors")
        command = ["measure", "--out", self.path("c.json"), "--save-every", "0", *self.options("--batch", "2"),
                   "--without-labels=false", "--images", "40"]
        kairos(*command)
        expected = self.contents(*results)
        for name in results:
            os.remove(self.path(name))
        kills = 0
        for wait in (0, 0.1, 0.25):
            run = subprocess.Popen([KAIROS, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            while run.poll() is None and not os.path.exists(self.path("c.json.state")):
                time.sleep(0.001)
            time.sleep(wait)
            run.send_signal(signal.SIGKILL)
            run.wait()
            kills += run.returncode == -signal.SIGKILL and os.path.exists(self.path("c.json.state"))
        self.assertGreaterEqual(kills, 1)
        kairos(*command)
        self.assertEqual(self.contents(*results), expected)
        self.assertEqual(sorted(os.listdir(self.folder)), ["c.json", "c.spectrum.safetensors", "data"])

        whole = self.measure("w.json", *self.options("--batch", "40"), "--without-labels=false", "--images", 40)
        for key in ("squared_error", "standard_error", "entropy_error", "rescaled_entropy_error"):
            self.assertEqual(whole[key], json.loads(expected[0])[key])
        if on_cpu_target():
            self.assertEqual(self.contents("w.spectrum.safetensors")[0], expected[1])
        else:  # cuFFT's last bits may depend on the batch
            found, wanted = (safetensors_io.load(self.path(f"{name}.spectrum.safetensors"))[0] for name in "wc")
            for name in wanted:
                np.testing.assert_allclose(found[name], wanted[name], rtol=1e-6)

    def test_other_settings(self):
        """The state of an unfinished run is not mixed with another's, nor with one in another order."""
        write_data(self.path("data"), blobs(40, 1, 32, 5))
        options = self.options("--batch", "2")
        self.kill_early(*options)
        out = ["--out", self.path("c.json"), *options]
        self.refuse(1, "c.json.state: left by an unfinished measurement with other settings (seed: 0 then, 5 now): "
                    "remove it, or choose another --out", *out, "--seed", 5)
        self.refuse(1, "(spectral: true then, false now)", *out, "--spectral=false")
        tensors, metadata = safetensors_io.load(self.path("c.json.state"))
        settings = json.loads(metadata["settings"])
        self.assertTrue(settings.pop("shuffled"))
        safetensors_io.save(self.path("c.json.state"), tensors, dict(settings=json.dumps(settings)))
        self.refuse(1, "(shuffled: nothing then, true now)", *out)

    def test_another_device(self):
        """A state and a curve of another device are taken only if that is asked for, and then tell of both."""
        write_data(self.path("data"), blobs(40, 1, 32, 5))
        options = ["--out", self.path("c.json"), *self.options("--batch", "2")]
        self.kill_early(*self.options("--batch", "2"))
        tensors, metadata = safetensors_io.load(self.path("c.json.state"))
        settings = json.loads(metadata["settings"])
        own, settings["device"] = settings["device"], "Imaginary A100"
        safetensors_io.save(self.path("c.json.state"), {k: np.array(v) for k, v in tensors.items()},
                            dict(settings=json.dumps(settings)))
        self.refuse(1, f"(device: Imaginary A100 then, {own} now; --any-device goes on)", *options)
        kairos("measure", *options, "--any-device")
        with open(self.path("c.json")) as f:
            provenance = json.load(f)["provenance"]
        self.assertEqual(provenance["devices"], ["Imaginary A100", own])
        self.assertEqual(self.measure("w.json", *self.options())["squared_error"],
                         self.measure("c.json", *self.options())["squared_error"])
        with open(self.path("c.json")) as f:
            curve = json.load(f)
        curve["provenance"].update(device="B200", devices=["B200", "H100"])
        with open(self.path("c.json"), "w") as f:
            json.dump(curve, f)
        self.refuse(1, "device: B200 then", *options)
        kairos("measure", *options, "--any-device")

    def test_other_data(self):
        """Neither is it continued on a data set that was written anew since."""
        write_data(self.path("data"), blobs(40, 1, 32, 5))
        self.kill_early(*self.options("--batch", "2"))
        shutil.rmtree(self.path("data"))
        write_data(self.path("data"), blobs(40, 1, 32, 6))
        self.refuse(1, "left by an unfinished measurement with other settings (data_hash", "--out", self.path("c.json"),
                    *self.options("--batch", "2"))

    def test_finished(self):
        """A curve that is there is not measured again, and not replaced by another."""
        write_data(self.path("data"), blobs(40, 1, 32, 5))
        command = ["measure", "--out", self.path("c.json"), "--quiet", *self.options("--images", "5")]
        first = kairos(*command)
        self.assertRegex(first, r"c.json: 8 levels, 5 images, total rescaled entropy \d+\.\d+ \+- \d+(\.\d+)? %\n")
        written = os.stat(self.path("c.json")).st_mtime_ns
        shutil.copy(self.path("c.json"), self.path("c.json.state"))  # of a run killed just before it would remove it
        again = subprocess.run([KAIROS, *command, "--batch", "3"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True)
        self.assertEqual((again.returncode, again.stdout), (0, first))
        self.assertIn("c.json is there already, measured with these settings: nothing to do", again.stderr)
        self.assertEqual(os.stat(self.path("c.json")).st_mtime_ns, written)
        self.assertFalse(os.path.exists(self.path("c.json.state")))
        out = ["--out", self.path("c.json")]
        self.refuse(1, "c.json was measured with other settings (images: 5 then, 6 now): remove it, or choose another "
                    "--out", *out, *self.options("--images", 6))
        self.refuse(1, "(levels: 8 then, 128 now)", *out, "--net", SHIPPED, "--from-logvar")
        self.assertEqual(os.stat(self.path("c.json")).st_mtime_ns, written)

        os.rename(self.path("c.spectrum.safetensors"), self.path("s"))
        self.refuse(1, "c.json is there without its spectrum", *out, *self.options("--images", 5))
        os.remove(self.path("c.json"))
        os.rename(self.path("s"), self.path("c.spectrum.safetensors"))
        for options in (["--net", SHIPPED, "--from-logvar"], self.options("--images", 5)):
            self.refuse(1, "c.spectrum.safetensors is there, the spectrum of an older curve: remove it", *out, *options)
        os.remove(self.path("c.spectrum.safetensors"))
        for text, message in (("{}", "c.json: a file is there that kairos did not make"),
                              ("no JSON", "c.json: a file is there that kairos did not make"),
                              ('{"kairos": "0.1.0"}', "c.json is there, and no curve of kairos measure: remove it")):
            with open(self.path("c.json"), "w") as f:
                f.write(text)
            self.refuse(1, message, *out, *self.options())
            with open(self.path("c.json")) as f:
                self.assertEqual(f.read(), text)

    def test_output_that_cannot_be_written(self):
        """Known before the work (here: before there is a model), and nothing stays."""
        os.makedirs(self.path("folder"))
        out = ["--net", self.path("none"), "--from-logvar", "--out"]
        self.refuse(1, "folder: it is a folder", *out, self.path("folder"))
        self.refuse(1, "cannot write /proc/c.json", *out, "/proc/c.json")
        self.refuse(1, "this does not name a file", *out, self.path("folder/"))
        self.refuse(1, "none", *out, self.path("c.json"))

    def test_sorted_data(self):
        """Of data sorted by class, as data sets of ImageNet are, --images are a sample of the whole."""
        self.stand_in(0.5)
        scales = np.repeat([0.2, 0.5, 2.0], 100).reshape(-1, 1, 1, 1)
        x0 = write_data(self.path("data"), (scales * np.random.default_rng(6).standard_normal((300, 3, 8, 8))
                                            ).astype(np.float32))
        options = ["--net", self.path("net"), "--data", self.path("data"), "--levels", 18]
        whole = np.array(self.measure("whole.json", *options)["squared_error"])
        levels, squared = edm_levels(18), self.stand_in_errors(x0, 0.5, edm_levels(18))
        np.testing.assert_allclose(whole, squared.mean(axis=1), rtol=1e-3)
        chosen = []
        for seed in (1, 3):
            squared = self.stand_in_errors(x0, 0.5, levels, seed)
            curve = self.measure(f"{seed}.json", *options, "--images", 60, "--seed", seed, "--batch", 7)
            chosen.append(order(300, seed)[:60])
            self.assertEqual(len(set(chosen[-1])), 60)
            np.testing.assert_allclose(curve["squared_error"], squared[:, chosen[-1]].mean(axis=1), rtol=1e-3)
            np.testing.assert_allclose(curve["standard_error"], standard_error(squared[:, chosen[-1]]), rtol=1e-3)
            off = np.abs(curve["squared_error"] - squared.mean(axis=1)) / curve["standard_error"]
            self.assertLess(off.max(), 3)
            first = squared[:, :60]
            off = np.abs(first.mean(axis=1) - squared.mean(axis=1)) / standard_error(first)
            self.assertGreater(off.max(), 30)
        self.assertNotEqual(set(chosen[0]), set(chosen[1]))

    def test_tolerance(self):
        self.stand_in(0.5)
        rng = np.random.default_rng(6)
        x0 = write_data(self.path("data"), rng.standard_normal((300, 3, 8, 8)).astype(np.float32)
                        * rng.uniform(0.2, 2, (300, 1, 1, 1)).astype(np.float32))
        out = ["--net", self.path("net"), "--data", self.path("data"), "--levels", 18, "--batch", 10]
        curve = self.measure("c.json", *out, "--tolerance", 0.08)
        used = curve["images"]
        self.assertTrue(32 <= used < 300 and used % 10 == 0, used)
        levels = edm_levels(18)
        totals = integrals(self.stand_in_errors(x0, 0.5, levels), levels, 2)[-1, order(300, 0)]

        def relative(count):
            return totals[:count].std(ddof=1) / np.sqrt(count) / totals[:count].mean()

        self.assertLess(relative(used), 0.08)
        if used > 40:
            self.assertGreaterEqual(relative(used - 10), 0.08)
        self.assertEqual(self.measure("d.json", *out, "--tolerance", 1e-9)["images"], 300)

    def test_usage(self):
        write_data(self.path("data"), blobs(3, 1, 16, 5))
        data, out = self.path("data"), ["--net", SHIPPED, "--out", self.path("c.json")]
        for status, text, options in [
                (2, "give --data, or --from-logvar", []),
                (2, "--from-logvar: takes no --data", ["--from-logvar", "--data", "x"]),
                (2, "--from-logvar: takes no --without-labels", ["--from-logvar", "--without-labels"]),
                (1, data + ": its images are 16x16 with 1 channels, the model's 32x32 with 1", ["--data", data]),
                (1, "--images 4: " + data + " has 3", ["--data", data, "--images", 4]),
                (2, "--levels 17 is too coarse to make a schedule of, from 0.002 to 80 with rho 7: expected 18 or more",
                 ["--data", data, "--levels", 17]),
                (2, "expected 9 or more", ["--from-logvar", "--levels", 4, "--sigma_min", 0.01, "--sigma_max", 10]),
                (2, "--rho 0.1: no number of levels", ["--from-logvar", "--rho", 0.1]),
                (2, "expected sigma_max > sigma_min", ["--from-logvar", "--sigma_min", 3, "--sigma_max", 2])]:
            self.refuse(status, text, *out, *options)


if __name__ == "__main__":
    unittest.main()
