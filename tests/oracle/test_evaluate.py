"""kairos evaluate against the convolutional network in PyTorch and the Frechet distance in numpy."""
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

import numpy as np
import torch

from common import ENGINE, KAIROS, ROOT, SHIPPED, kairos
import safetensors_io
from make_dataset import encode_png
from train_classifier import ConvNet, frechet_distance, quantize

FEATURES = os.path.join(ROOT, "weights", "fashion-mnist-features.safetensors")
REFERENCE = os.path.join(ROOT, "weights", "fashion-mnist-reference.safetensors")
SAMPLE = os.path.join(ROOT, "weights", "fashion-mnist-1000.zip")
SEEDS = 40


def load_classifier():
    net = ConvNet().eval().requires_grad_(False)
    tensors, _ = safetensors_io.load(FEATURES)
    net.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in tensors.items()})
    return net


def write_png(path, pixels):
    with open(path, "wb") as f:
        f.write(encode_png(pixels))


def statistics(features):
    features = features.double().numpy()
    return features.mean(0), np.cov(features, rowvar=False)


def relative(a, b):
    return np.linalg.norm(a - b) / np.linalg.norm(b)


class EvaluateTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.net = load_classifier()
        cls.images = cls.path("images")
        tensors = cls.path("samples.safetensors")
        kairos("generate", *cls.sampling(), "--outdir", cls.images, "--save-tensors", tensors)
        cls.samples = torch.from_numpy(np.array(safetensors_io.load(tensors)[0]["samples"]))

    @classmethod
    def path(cls, name):
        return os.path.join(cls.folder.name, name)

    @staticmethod
    def sampling(batch=SEEDS):
        return ["--net", SHIPPED, "--seeds", f"0-{SEEDS - 1}", "--steps", 4, "--batch", batch,
                "--engine", ENGINE]

    def test_copies_of_one_image(self):
        """Their covariance is 0, and that of two images is of one dimension; a set has the distance 0 to itself."""
        mu, sigma = (np.array(safetensors_io.load(REFERENCE)[0][name]) for name in ("mu", "sigma"))
        pixels = np.random.default_rng(2).integers(0, 256, (2, 32, 32), np.uint8)
        with torch.no_grad():
            features = self.net.features(torch.from_numpy(pixels)[:, None].float() / 127.5 - 1).double().numpy()
        for kinds in (1, 2):
            folder, own = self.path(f"copies{kinds}"), self.path(f"copies{kinds}.safetensors")
            os.makedirs(folder)
            for i in range(50):
                write_png(os.path.join(folder, f"{i}.png"), pixels[i % kinds])
            rows = features[[i % kinds for i in range(50)]]
            expected = frechet_distance(rows.mean(0), np.cov(rows, rowvar=False), mu, sigma)
            evaluate = ["evaluate", "--images", folder, "--features", FEATURES, "--engine", ENGINE, "--quiet"]
            found = json.loads(kairos(*evaluate, "--ref", REFERENCE, "--json"))["distance"]
            self.assertAlmostEqual(found / expected, 1, delta=1e-6)
            kairos("evaluate", "ref", "--data", folder, "--out", own, "--features", FEATURES, "--engine", ENGINE, "--quiet")
            self.assertIn("Frechet distance 0.000000 (50 images; as many draws", kairos(*evaluate, "--ref", own))
            self.assertEqual(json.loads(kairos(*evaluate, "--ref", own, "--json"))["distance"], 0)

    def test_features_of_random_images(self):
        """Noise reaches every filter; batches of one and of several, both engines."""
        folder = self.path("random")
        os.makedirs(folder)
        pixels = np.random.default_rng(1).integers(0, 256, (9, 32, 32), np.uint8)
        pixels[0], pixels[1] = 0, 255
        for i, image in enumerate(pixels):
            write_png(os.path.join(folder, f"{i}.png"), image)
        x = torch.from_numpy(pixels).float()[:, None] / 127.5 - 1
        mu, sigma = statistics(self.net.features(x))
        files = []
        for batch, engine in ((4, "library"), (9, "library"), (2, "native")):
            out = self.path(f"random-{batch}.safetensors")
            kairos("evaluate", "ref", "--data", folder, "--out", out, "--features", FEATURES, "--batch", batch,
                   "--engine", engine)
            tensors, metadata = safetensors_io.load(out)
            self.assertEqual(metadata["num_images"], "9")
            self.assertLess(relative(tensors["mu"], mu), 1e-5)
            self.assertLess(relative(tensors["sigma"], sigma), 1e-5)
            with open(out, "rb") as f:
                files.append(f.read())
        if ENGINE == "library":
            self.assertEqual(files[0], files[1])

    def test_distance_of_images(self):
        """The folder, the model itself, and numpy on the model's samples all say the same."""
        folder = json.loads(kairos("evaluate", "--images", self.images, "--ref", REFERENCE, "--features", FEATURES,
                                   "--json", "--batch", 7, "--engine", ENGINE))
        net = json.loads(kairos("evaluate", *self.sampling(13), "--ref", REFERENCE, "--features", FEATURES, "--json"))
        self.assertEqual(folder["images"], SEEDS)
        self.assertEqual(folder["distance"], net["distance"])
        self.assertEqual(net["sampling"]["nfe"], 4)
        self.assertEqual(folder["sampling"], net["sampling"])
        reference, _ = safetensors_io.load(REFERENCE)
        mu, sigma = statistics(self.net.features(quantize(self.samples)))
        expected = frechet_distance(mu, sigma, reference["mu"], reference["sigma"])
        # 40 images span 39 of 128 dimensions: numpy's eigenvalues of a product lose half of the digits.
        self.assertLess(abs(net["distance"] / expected - 1), 1e-5)
        line = kairos("evaluate", "--images", self.images, "--ref", REFERENCE, "--features", FEATURES,
                      "--engine", ENGINE)
        self.assertIn(f"{net['distance']:.6f} ({SEEDS} images; as many draws of the reference: {net['floor']:.3g})", line)

    def test_floor(self):
        """The distance of as many draws of the reference's Gaussian, by numpy."""
        found = json.loads(kairos("evaluate", "--images", SAMPLE, "--ref", REFERENCE, "--features", FEATURES, "--json"))
        mu, sigma = (np.asarray(safetensors_io.load(REFERENCE)[0][key]) for key in ("mu", "sigma"))
        rng, distances = np.random.default_rng(1), []
        for _ in range(8):
            draws = rng.multivariate_normal(mu, sigma, found["images"])
            distances.append(frechet_distance(draws.mean(0), np.cov(draws, rowvar=False), mu, sigma))
        error = np.std(distances, ddof=1) / 8 ** 0.5
        self.assertLess(abs(found["floor"] - np.mean(distances)), 4 * error)
        self.assertLess(error, 0.1 * found["floor"])

    def test_sample_of_the_data_set(self):
        """A thousand training images against all: near, but not 0; against themselves 0."""
        out = self.path("sample.safetensors")
        kairos("evaluate", "ref", "--data", SAMPLE, "--out", out, "--features", FEATURES)
        options = ["evaluate", "--images", SAMPLE, "--features", FEATURES, "--json"]
        far = json.loads(kairos(*options, "--ref", REFERENCE))["distance"]
        near = json.loads(kairos(*options, "--ref", out))["distance"]
        reference, sample = safetensors_io.load(REFERENCE)[0], safetensors_io.load(out)[0]
        expected = frechet_distance(sample["mu"], sample["sigma"], reference["mu"], reference["sigma"])
        self.assertLess(abs(far / expected - 1), 1e-6)
        self.assertLess(abs(near), 1e-9 * np.trace(sample["sigma"]))

    def test_kill_and_restart(self):
        options = ["--ref", REFERENCE, "--features", FEATURES, "--quiet"]
        kairos("evaluate", *self.sampling(), *options, "--out", self.path("whole.json"))
        out = self.path("killed.json")
        command = [KAIROS, "evaluate", *map(str, self.sampling(2)), *options, "--out", out]
        saved = 0
        for _ in range(2):
            run = subprocess.Popen(command, stdout=subprocess.DEVNULL)
            deadline = time.time() + 60
            while run.poll() is None and time.time() < deadline and self.saved_images(out + ".state") <= saved:
                time.sleep(0.001)
            run.send_signal(signal.SIGKILL)
            self.assertEqual(run.wait(), -signal.SIGKILL, "the run ended before it was killed")
            saved = self.saved_images(out + ".state")
            self.assertGreater(saved, 0)
            self.assertLess(saved, SEEDS)
        self.refused(1, "sigma: 5 values then, 6 now", *self.sampling(2), "--steps", 5, *options, "--out", out)
        kairos("evaluate", *self.sampling(5), *options, "--out", out)
        self.assertEqual(sorted(name for name in os.listdir(self.folder.name) if "killed" in name),
                         ["killed.json", "killed.json.run.json"])
        with open(out, "rb") as a, open(self.path("whole.json"), "rb") as b:
            self.assertEqual(a.read(), b.read())

    @staticmethod
    def saved_images(path):
        return int(safetensors_io.load(path)[0]["images"][0]) if os.path.exists(path) else 0

    def numpy_distance(self, samples, prefix=""):
        reference, _ = safetensors_io.load(REFERENCE)
        mu, sigma = statistics(self.net.features(quantize(samples)))
        return frechet_distance(mu, sigma, reference[prefix + "mu"], reference[prefix + "sigma"])

    def distance(self, *options):
        return json.loads(kairos("evaluate", *options, "--ref", REFERENCE, "--features", FEATURES, "--json",
                                 "--quiet"))["distance"]

    def test_class(self):
        """The images of one class alone, as generate makes them."""
        tensors = self.path("class.safetensors")
        kairos("generate", *self.sampling(), "--class", 3, "--save-tensors", tensors)
        found, _ = safetensors_io.load(tensors)
        self.assertEqual(set(found["labels"].tolist()), {3})
        expected = self.numpy_distance(torch.from_numpy(np.array(found["samples"])))
        distance = self.distance(*self.sampling(13), "--class", 3)
        self.assertLess(abs(distance / expected - 1), 1e-5)
        self.assertGreater(abs(distance / self.distance(*self.sampling()) - 1), 0.01)

    def test_prefix_of_the_reference(self):
        expected = self.numpy_distance(self.samples, "test.")
        distance = self.distance("--images", self.images, "--ref-prefix", "test.")
        self.assertLess(abs(distance / expected - 1), 1e-5)
        self.assertGreater(abs(distance / self.distance("--images", self.images) - 1), 1e-4)

    def test_a_run_alone_is_scored(self):
        """Neither its sheet nor the images of another run below; a folder without run.json as a whole."""
        folder = self.path("run")
        run = ["generate", "--net", SHIPPED, "--seeds", "0-9", "--steps", 2, "--outdir", folder]
        kairos(*run)
        expected = self.distance("--images", folder)
        kairos(*run, "--grid", os.path.join(folder, "sheet.png"))
        kairos(*run[:3], "--seeds", "10-14", "--steps", 1, "--outdir", os.path.join(folder, "other"))
        self.assertEqual(self.distance("--images", folder), expected)
        os.remove(os.path.join(folder, "run.json"))
        self.refused(1, "sheet.png", "--images", folder, "--ref", REFERENCE)
        os.remove(os.path.join(folder, "sheet.png"))
        self.assertIn("(15 images;", kairos("evaluate", "--images", folder, "--ref", REFERENCE))

    def test_few_images_are_told(self):
        few = self.ran("--images", self.images, "--ref", REFERENCE)
        self.assertIn("40 images for 128 features", few.stderr)
        many = self.ran("--images", SAMPLE, "--ref", REFERENCE, "--quiet")
        self.assertEqual((many.returncode, many.stderr), (0, ""))

    def test_a_finished_result_stays(self):
        """The same settings return it, others are refused, and name what differs."""
        out = self.path("finished.json")
        options = [*self.sampling(), "--ref", REFERENCE, "--out", out]
        first = kairos("evaluate", *options)
        with open(out) as f:
            result = json.load(f)
        self.assertEqual(result["sampling"], {"net_file": SHIPPED, "schedule": {"kind": "edm", "steps": 4, "rho": 7},
                                              "steps": 4, "nfe": 4})
        result["distance"] = 12.5  # to be told from one that is made again
        with open(out, "w") as f:
            json.dump(result, f)
        self.assertTrue(kairos("evaluate", *options).startswith("Frechet distance 12.500000 (40 images"))
        self.assertNotIn("12.500000", first)
        self.assertEqual(json.loads(kairos("evaluate", *options, "--json")), result)
        self.refused(1, "eta: 0 then, 1 now", *options, "--eta", 1)
        self.refused(1, "seeds: \"0-39\" then, \"0-3\" now", *options, "--seeds", "0-3")
        self.refused(1, "prefix: \"\" then, \"test.\" now", *options, "--ref-prefix", "test.")
        copy = self.path("reference-copy.safetensors")
        shutil.copy(REFERENCE, copy)
        kairos("evaluate", *options, "--ref", copy)
        result["settings"]["device"] = "Imaginary A100"
        del result["sampling"], result["reference"]["hash"]  # as older versions left them
        with open(out, "w") as f:
            json.dump(result, f)
        self.refused(1, "--any-device", *options)
        kairos("evaluate", *options, "--any-device")
        self.refused(1, "file:", *options, "--any-device", "--ref", copy)
        with open(out, "w") as f:
            f.write("{}")
        self.refused(1, "expected a result", *options)

    def test_a_finished_result_of_a_folder(self):
        """Written among the images; more of those are other images."""
        folder = self.path("grown")
        out = os.path.join(folder, "distance.json")
        os.makedirs(folder)
        pixels = np.random.default_rng(2).integers(0, 256, (4, 32, 32), np.uint8)
        for i in range(3):
            write_png(os.path.join(folder, f"{i}.png"), pixels[i])
        options = ["--images", folder, "--ref", REFERENCE, "--out", out]
        first = kairos("evaluate", *options)
        self.assertEqual(kairos("evaluate", *options), first)
        self.assertEqual(kairos("evaluate", *options, "--images", os.path.relpath(folder)), first)
        write_png(os.path.join(folder, "3.png"), pixels[3])
        self.refused(1, "images_hash", *options)

    def test_another_device(self):
        """A run that was killed goes on elsewhere only if it is told to."""
        out, whole = self.path("moved.json"), self.path("unmoved.json")
        options = [*self.sampling(2), "--ref", REFERENCE, "--quiet"]
        kairos("evaluate", *options, "--out", whole)
        run = subprocess.Popen([KAIROS, "evaluate", *map(str, options), "--features", FEATURES, "--out", out],
                               stdout=subprocess.DEVNULL)
        deadline = time.time() + 60
        while run.poll() is None and time.time() < deadline and not self.saved_images(out + ".state"):
            time.sleep(0.001)
        run.send_signal(signal.SIGKILL)
        run.wait()
        tensors, metadata = safetensors_io.load(out + ".state")
        self.assertGreater(int(tensors["images"][0]), 0)
        settings = json.loads(metadata["settings"])
        settings["device"] = "Imaginary A100"
        safetensors_io.save(out + ".state", {k: np.array(v) for k, v in tensors.items()},
                            {"settings": json.dumps(settings)})
        self.refused(1, "device: Imaginary A100 then", *options, "--out", out)
        kairos("evaluate", *options, "--out", out, "--any-device")
        with open(out) as a, open(whole) as b:
            moved, unmoved = json.load(a), json.load(b)
        self.assertEqual(moved["distance"], unmoved["distance"])
        self.assertEqual(moved["settings"]["devices"], ["Imaginary A100", unmoved["settings"]["device"]])

    def test_refused(self):
        """A clear error each, and exit status 2 for wrong usage."""
        self.refused(2, "nothing to evaluate", "--ref", REFERENCE)
        self.refused(2, "both", "--images", self.images, "--net", SHIPPED, "--ref", REFERENCE)
        for option in ("--steps 4", "--schedule gaussian", "--seeds 0-3", "--class 9", "--guidance 4", "--solver heun",
                       "--precision fp16", "--gnet x", "--rho 3", "--any-device"):
            self.refused(2, option.split()[0], "--images", self.images, "--ref", REFERENCE, *option.split())
        self.refused(1, "absent.safetensors", "--images", self.images, "--ref", self.path("absent.safetensors"))
        self.refused(1, "architecture is \"edm2\"", "--images", self.images, "--ref", REFERENCE, "--features", SHIPPED)
        os.makedirs(self.path("small"), exist_ok=True)
        write_png(self.path("small/0.png"), np.zeros((16, 16), np.uint8))
        self.refused(1, "takes images of 32x32", "--images", self.path("small"), "--ref", REFERENCE)
        self.refused(1, f"scoring {self.path('small')}: {FEATURES}: ", "--images", self.path("small"), "--ref", REFERENCE)
        self.refused(1, f"scoring random:edm2-img64-xs: {FEATURES}: ", "--net", "random:edm2-img64-xs", "--seeds", "0-1",
                     "--ref", REFERENCE)
        tensors, _ = safetensors_io.load(REFERENCE)
        other = self.path("other.safetensors")
        safetensors_io.save(other, {k: np.array(tensors[k]) for k in ("mu", "sigma")}, {"detector_hash": "12"})
        self.refused(1, "another feature network", "--images", self.images, "--ref", other)
        # Before any work: nothing can be written there.
        self.refused(1, other, "--images", self.images, "--ref", REFERENCE, "--out", os.path.join(other, "d.json"))
        for place in (".", "/proc/d.json", self.images):
            self.refused(1, f"cannot write {place}", "--images", self.images, "--ref", REFERENCE, "--out", place)
        reference = subprocess.run([KAIROS, "evaluate", "ref", "--data", self.images, "--out", "/proc/r.safetensors"],
                                   stderr=subprocess.PIPE, text=True)
        self.assertEqual(reference.returncode, 1)
        self.assertNotIn("scoring", reference.stderr)
        broken = self.path("broken.safetensors")
        weights, metadata = safetensors_io.load(FEATURES)
        for layers, what in (("[[1,32,3]]", "entry 0"), ("[[1,32,1],[64,64,1]]", "entry 1"), ("[]", "layers"),
                             ("[[1,16,1]]", "conv.0.weight"), ("{", "layers")):
            safetensors_io.save(broken, dict(weights), dict(metadata, layers=layers))
            self.refused(1, what, "--images", self.images, "--ref", REFERENCE, "--features", broken)

    def test_shipped_features_are_found(self):
        """From another folder, the network beside the program; --out makes its folder."""
        out = self.path("new/folder/distance.json")
        subprocess.run([os.path.abspath(KAIROS), "evaluate", "--images", self.images, "--ref", REFERENCE, "--out", out],
                       cwd=self.folder.name, check=True, stdout=subprocess.DEVNULL)
        self.assertTrue(os.path.exists(out))

    def ran(self, *options):
        if "--features" not in options:
            options += ("--features", FEATURES)
        return subprocess.run([KAIROS, "evaluate", *map(str, options)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True)

    def refused(self, status, what, *options):
        done = self.ran(*options)
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertIn(what, done.stderr)
        self.assertEqual(done.stdout, "")


if __name__ == "__main__":
    unittest.main()
