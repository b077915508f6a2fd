"""The command line: exit statuses, messages that say what to do, manifests, memory, what info counts."""
import json
import os
import shutil
import subprocess
import unittest
import unittest.mock

import numpy as np

from common import KAIROS, SHIPPED, FolderCase, kairos, on_cpu_target, random_network, save_network
import safetensors_io  # after common, which knows where it is

SMALL = dict(img_resolution=8, img_channels=1, label_dim=0, model_channels=8, channel_mult=[1, 2], num_blocks=1,
             attn_resolutions=[], channels_per_head=8)


def run(*args, memory=None):
    """(exit status, standard error); memory: limit of the device memory in bytes (CPU target)."""
    environment = dict(os.environ, **({"KAIROS_SIMT_MEMORY": str(memory)} if memory else {}))
    done = subprocess.run([KAIROS, *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env=environment)
    return done.returncode, done.stderr


class CommandsTest(FolderCase):
    def expect(self, status, *words, args, memory=None):
        found, message = run(*args, memory=memory)
        self.assertEqual(found, status, message)
        for word in words:
            self.assertIn(word, message)

    def generate(self, *more):
        return ["generate", "--net", SHIPPED, "--outdir", self.path("out"), "--seeds", "0-3", "--steps", "2", *more]

    def test_wrong_usage(self):
        self.expect(2, "no command 'generat' (did you mean generate?)", args=["generat"])
        self.assertEqual(len(run("generat")[1].splitlines()), 2)
        self.expect(2, "no command 'nothing'\n", args=["help", "nothing"])
        self.expect(2, "--stepz", "--steps", args=self.generate("--stepz", "3"))
        self.expect(2, "--net", args=["generate"])
        self.expect(2, "nothing to write", args=["generate", "--net", SHIPPED])
        self.expect(2, "heun solver is deterministic", args=self.generate("--solver", "heun", "--eta", "1"))
        self.expect(2, "steps", args=self.generate("--steps", "0"))
        self.expect(2, "", args=self.generate("--seeds", "5-x"))
        self.expect(2, "5 is in the list twice", args=self.generate("--seeds", "5-7,5"))
        self.assertFalse(os.path.exists(self.path("out")))

    def test_a_sheet_takes_no_image_s_place(self):
        """However the folder and the sheet are written."""
        folder = self.path("out")
        for grid in (f"{folder}/000001.png", f"{folder}//000001.png", f"{folder}/./000000/000001.png",
                     os.path.join(os.path.relpath(folder), "000001.png")):
            for option in ("--grid", "--save-tensors"):
                self.expect(1, "an image of --outdir has this name", args=self.generate(option, grid))
        self.assertEqual([name for _, _, names in os.walk(folder) for name in names], [])

    def test_help_everywhere(self):
        for command in ([], ["generate"], ["denoise"], ["info"], ["bench"]):
            text = kairos(*command, "--help")
            self.assertIn("xample", text)
            self.assertEqual(kairos("help", *command), text)
            self.assertEqual(kairos(*command, "help"), text)
        self.assertEqual(kairos("help", "evaluate", "ref"), kairos("evaluate", "ref", "--help"))
        self.assertEqual(kairos("evaluate", "ref", "help"), kairos("evaluate", "ref", "--help"))
        self.assertIn("modulo 2^32", kairos("help", "generate"))

    def test_standard_output_that_is_full(self):
        for args in (["--help"], ["info", "--net", SHIPPED]):
            with open("/dev/full", "w") as full:
                done = subprocess.run([KAIROS, *args], stdout=full, stderr=subprocess.PIPE, text=True)
            self.assertEqual(done.returncode, 1)
            self.assertIn("standard output", done.stderr)

    def test_wrong_models(self):
        self.expect(1, "no.safetensors", args=["info", "--net", self.path("no.safetensors")])
        self.expect(1, "random:nothing", "configs", args=["info", "--net", "random:nothing"])
        safetensors_io.save(self.path("bare.safetensors"), {"x": np.zeros(3, np.float32)})
        self.expect(1, "bare.safetensors", "architecture", args=["info", "--net", self.path("bare.safetensors")])
        tensors, metadata = safetensors_io.load(SHIPPED)
        name = "unet.out_conv.weight"
        for change, words in (({name: None}, [name]), ({"unet.extra": np.zeros(3, np.float32)}, ["unet.extra"]),
                              ({name: np.zeros((1, 32, 3), np.float32)}, [name, "[1, 32, 3, 3]"])):
            changed = {k: v for k, v in {**tensors, **change}.items() if v is not None}
            safetensors_io.save(self.path("changed.safetensors"), changed, metadata)
            self.expect(1, "changed.safetensors", *words, args=["info", "--net", self.path("changed.safetensors")])

    def test_latents_are_no_images(self):
        save_network(self.path("vae.safetensors"), random_network({**SMALL, "img_channels": 4}, 0), encoder="sd-vae")
        args = ["generate", "--net", self.path("vae.safetensors"), "--seeds", "0-1", "--steps", "2"]
        self.expect(1, "--save-tensors", args=[*args, "--outdir", self.path("out")])
        self.assertFalse(os.path.exists(self.path("out")))
        kairos(*args, "--save-tensors", self.path("latents.safetensors"))
        self.assertEqual(safetensors_io.load(self.path("latents.safetensors"))[0]["samples"].shape, (2, 4, 8, 8))

    def test_odd_image_sizes(self):
        """Batches whose images do not begin at multiples of 16 bytes."""
        config = {**SMALL, "img_resolution": 3, "channel_mult": [1]}
        save_network(self.path("odd.safetensors"), random_network(config, 0))
        args = ["generate", "--net", self.path("odd.safetensors"), "--seeds", "0-30", "--steps", "2", "--eta", "1"]
        for batch in (1, 7, 31):
            kairos(*args, "--engine", "native", "--batch", batch, "--save-tensors", self.path(str(batch)))
        samples = [safetensors_io.load(self.path(batch))[0]["samples"] for batch in ("1", "7", "31")]
        np.testing.assert_array_equal(samples[0], samples[1])
        np.testing.assert_array_equal(samples[0], samples[2])

    def test_guidance_needs_a_match(self):
        save_network(self.path("small.safetensors"), random_network(SMALL, 0))
        small = self.path("small.safetensors")
        self.expect(1, "8x8x1", "32x32x1", args=self.generate("--gnet", small, "--guidance", "2"))
        self.expect(1, "no labels", args=["generate", "--net", small, "--guidance", "2", "--grid", self.path("g.png")])
        self.expect(2, "--guidance", args=self.generate("--gnet", small))
        denoise = ["denoise", "--in", self.path("x"), "--out", self.path("d"), "--net", small]
        self.expect(1, "no labels", args=[*denoise, "--guidance", "2"])
        self.expect(2, "--guidance", args=[*denoise, "--gnet", small])
        self.expect(1, "10 classes", args=self.generate("--class", "10"))

    def test_a_folder_keeps_its_settings(self):
        kairos(*self.generate())
        kairos(*self.generate("--batch", "2"))
        with unittest.mock.patch.dict(os.environ, OMP_NUM_THREADS="3"):
            kairos(*self.generate("--batch", "2"))
        self.expect(1, "run.json", "sigma", args=self.generate("--sigma_max", "70"))
        self.expect(1, "run.json", "eta: 0 then, 0.5 now", args=self.generate("--eta", "0.5"))
        self.expect(1, "run.json", "subdirs: false then, true now", args=self.generate("--subdirs"))
        with open(self.path("out/run.json")) as f:
            manifest = json.load(f)
        self.assertEqual(len(manifest["settings"]["sigma"]), 3)
        self.assertEqual(manifest["sampling"]["net_file"], SHIPPED)
        self.assertEqual(manifest["sampling"]["schedule"], {"kind": "edm", "steps": 2, "rho": 7})
        self.assertEqual([manifest["sampling"][key] for key in ("steps", "nfe")], [2, 2])
        self.assertIn(f"hash                  {manifest['settings']['net']}\n", kairos("info", "--net", SHIPPED))
        self.assertEqual(len(manifest["commands"]), 2)
        self.assertIn("0-3", manifest["commands"][0])

    def test_a_failed_start_keeps_nobody_out(self):
        """The manifest comes with the first image; without an image, it is nobody's."""
        save_network(self.path("small.safetensors"), random_network(SMALL, 0))
        self.expect(1, "8x8x1", args=self.generate("--gnet", self.path("small.safetensors"), "--guidance", "2"))
        self.assertEqual(os.listdir(self.path("out")), [])
        grid = ["generate", "--net", SHIPPED, "--seeds", "0-3", "--steps", "2", "--grid", self.path("g.png")]
        self.expect(1, "8x8x1", args=[*grid, "--gnet", self.path("small.safetensors"), "--guidance", "2"])
        self.assertEqual(sorted(os.listdir(self.folder)), ["out", "small.safetensors"])
        kairos(*grid)
        self.assertTrue(os.path.exists(self.path("g.png.run.json")))
        kairos(*self.generate())
        self.expect(1, "run.json", "eta: 0 then, 0.5 now", args=self.generate("--eta", "0.5"))
        for name in os.listdir(self.path("out")):
            if name.endswith(".png"):
                os.remove(self.path("out/" + name))
        kairos(*self.generate("--eta", "0.5"))
        with open(self.path("out/run.json")) as f:
            manifest = json.load(f)
        self.assertEqual((manifest["settings"]["eta"], len(manifest["commands"])), (0.5, 1))

    def test_nfe_of_heun_and_of_a_file(self):
        with open(self.path("s.json"), "w") as f:
            json.dump({"sigma": [80, 5, 0.002]}, f)
        kairos("generate", "--net", SHIPPED, "--outdir", self.path("out"), "--seeds", "0-3", "--solver", "heun",
               "--schedule", self.path("s.json"))
        with open(self.path("out/run.json")) as f:
            told = json.load(f)["sampling"]
        self.assertEqual(told, {"net_file": SHIPPED, "schedule": {"file": self.path("s.json")}, "steps": 3, "nfe": 5})

    def change_manifest(self, change):
        """As if the folder were of another machine, or of an older version."""
        with open(self.path("out/run.json")) as f:
            manifest = json.load(f)
        change(manifest)
        with open(self.path("out/run.json"), "w") as f:
            json.dump(manifest, f)

    def test_another_device(self):
        kairos(*self.generate())
        self.change_manifest(lambda manifest: manifest["settings"].update(device="Imaginary A100"))
        self.expect(1, "device: Imaginary A100 then", "--any-device", args=self.generate())
        self.expect(1, "eta", args=self.generate("--any-device", "--eta", "1"))
        kairos(*self.generate("--any-device"))
        kairos(*self.generate())  # on a device that the folder knows
        with open(self.path("out/run.json")) as f:
            settings = json.load(f)["settings"]
        self.assertEqual(settings["device"], "Imaginary A100")
        self.assertEqual(settings["devices"][0], "Imaginary A100")
        self.assertEqual(len(settings["devices"]), 2)

    def test_another_device_of_a_sweep(self):
        weights = os.path.dirname(SHIPPED)
        with open(self.path("sweep.json"), "w") as f:
            json.dump({"net": SHIPPED, "features": os.path.join(weights, "fashion-mnist-features.safetensors"),
                       "reference": os.path.join(weights, "fashion-mnist-reference.safetensors"), "schedules": ["edm"],
                       "solvers": ["ddim"], "eta": [0], "nfe": [2], "seeds": ["0-3"]}, f)
        sweep = ["sweep", self.path("sweep.json"), "--outdir", self.path("out"), "--quiet"]
        kairos(*sweep)
        self.change_manifest(lambda manifest: manifest["settings"].update(device="Imaginary A100"))
        self.expect(1, "device: Imaginary A100 then", "--any-device", args=sweep)
        kairos(*sweep, "--any-device")
        kairos(*sweep)

    def test_folders_of_older_versions(self):
        for subdirs in ([], ["--subdirs"]):
            with self.subTest(subdirs=subdirs):
                shutil.rmtree(self.path("out"), ignore_errors=True)
                kairos(*self.generate(*subdirs))
                self.change_manifest(lambda m: (m["settings"].pop("subdirs"), m.pop("sampling")))
                other = [] if subdirs else ["--subdirs"]
                self.expect(1, "subdirs", args=self.generate(*other))
                self.assertIn("0 images sampled", run(*self.generate(*subdirs))[1])

    def test_images_of_unknown_origin(self):
        kairos(*self.generate())
        os.remove(self.path("out/run.json"))
        self.expect(1, self.path("out"), ".png", "no run.json", args=self.generate("--steps", "3"))
        self.assertFalse(os.path.exists(self.path("out/run.json")))

    def test_schedule_file(self):
        with open(self.path("s.json"), "w") as f:
            json.dump({"sigma": [80, 0.002]}, f)
        tensors = [self.path("edm.safetensors"), self.path("file.safetensors")]
        kairos(*self.generate("--save-tensors", tensors[0]))
        kairos("generate", "--net", SHIPPED, "--seeds", "0-3", "--schedule", self.path("s.json"), "--save-tensors",
               tensors[1])
        a, b = (safetensors_io.load(path)[0]["samples"] for path in tensors)
        self.assertTrue(np.allclose(a, b, atol=1e-4))
        self.expect(1, "none.json", args=self.generate("--schedule", self.path("none.json")))

    def test_folders_of_files(self):
        """Made before anything is sampled."""
        kairos("generate", "--net", SHIPPED, "--seeds", "0-1", "--steps", "1", "--outdir", self.path("out"),
               "--grid", self.path("a/b/sheet.png"), "--save-tensors", self.path("c/s.safetensors"))
        self.assertTrue(os.path.exists(self.path("a/b/sheet.png")))
        self.assertTrue(os.path.exists(self.path("c/s.safetensors")))
        with open(self.path("file"), "w"):
            pass
        self.expect(1, self.path("file"), args=self.generate("--outdir", self.path("new"), "--grid",
                                                             self.path("file/sheet.png")))
        self.assertFalse(os.path.exists(self.path("new")))

    def test_outputs_that_cannot_be_written(self):
        """Known before anything is sampled, and nothing is left."""
        os.makedirs(self.path("taken"))
        args = ["generate", "--net", SHIPPED, "--seeds", "0-1", "--steps", "1"]
        for option in ("--grid", "--save-tensors"):
            for place in (self.path("taken"), "/proc/x.png", self.path("new/")):
                status, message = run(*args, option, place)
                self.assertEqual(status, 1)
                self.assertIn(place, message)
                self.assertNotIn("sampling", message)
        denoise = ["denoise", "--net", SHIPPED, "--in", self.path("absent"), "--out", self.path("taken")]
        self.expect(1, "it is a folder", args=denoise)
        self.assertEqual(os.listdir(self.folder), ["taken"])
        self.assertEqual(os.listdir(self.path("taken")), [])

    def test_names(self):
        args = ["generate", "--net", SHIPPED, "--steps", "1"]
        kairos(*args, "--seeds", "7,2001", "--outdir", self.path("deep"), "--subdirs")
        kairos(*args, "--seeds", "7,1234567", "--outdir", self.path("flat"))
        found = sorted(os.path.relpath(os.path.join(parent, name), self.folder)
                       for parent, _, names in os.walk(self.folder) for name in names)
        self.assertEqual(found, ["deep/000000/000007.png", "deep/002000/002001.png", "deep/run.json",
                                 "flat/000007.png", "flat/1234567.png", "flat/run.json"])

    def test_short_memory_names_the_largest_batch(self):
        if not on_cpu_target():
            self.skipTest("a GPU's memory cannot be limited")
        save_network(self.path("small.safetensors"), random_network(SMALL, 0))
        args = ["bench", "--net", self.path("small.safetensors"), "--repeat", "1"]
        limit = 2 * 10 ** 6  # bytes: the weights, a pass, and the state of some 3,000 images
        status, message = run(*args, "--batch", "100000", memory=limit)
        self.assertEqual(status, 1, message)
        self.assertRegex(message, r"largest batch that fits is \d+")
        largest = int(message.split("fits is ")[1].split()[0])
        self.assertGreater(largest, 100)
        self.expect(0, args=[*args, "--batch", largest], memory=limit)
        self.expect(1, f"fits is {largest}", args=[*args, "--batch", largest + 1], memory=limit)
        limits = [int(1e5 * 1.05 ** i) for i in range(60)]
        self.assertTrue(any("even one image" in run(*args, "--batch", "1", memory=m)[1] for m in limits))

    def test_denoise_refuses(self):
        good = {"x": np.zeros((2, 1, 32, 32), np.float32), "sigma": np.ones(2, np.float32)}
        for change, words in (({"x": np.zeros((2, 1, 31, 32), np.float32)}, ["'x'", "31"]),
                              ({"sigma": np.ones(3, np.float32)}, ["sigma"]),
                              ({"sigma": np.array([1, -1], np.float32)}, ["sigma[1]"]),
                              ({"sigma": np.array([np.nan, 1], np.float32)}, ["sigma[0]"]),
                              ({"labels": np.array([0, 10], np.int64)}, ["labels[1]", "10"])):
            safetensors_io.save(self.path("x"), {**good, **change})
            self.expect(1, *words, args=["denoise", "--net", SHIPPED, "--in", self.path("x"), "--out", self.path("d")])
            self.assertFalse(os.path.exists(self.path("d")))

    def test_bench_says_what_cudnn_chose(self):
        args = ["bench", "--net", SHIPPED, "--batch", "2", "--repeat", "1", "--precision", "fp16", "--algorithms"]
        found = json.loads(kairos(*args, "--json"))["algorithms"]
        self.assertEqual((found[0]["x"][1:], found[0]["filter"]), ([32, 32, 2], [32, 3, 3, 2]))
        self.assertIn(found[0]["filter_in_memory"][3], (2, 8))  # padded on GPUs
        self.assertEqual(kairos(*args).count("\n"), 1 + len(found))
        self.assertEqual(json.loads(kairos(*args, "--json", "--engine", "native"))["algorithms"], [])

    def test_info_counts(self):
        text = kairos("info", "--net", SHIPPED)
        self.assertIn("1.2 million", text)
        self.assertIn("0.3056 GMAC", text)
        lines = [" ".join(line.split()) for line in text.splitlines()]
        for line in ("architecture edm2, rgb", "images 32x32, 1 channels", "labels 10", "sigma_data 0.5",
                     "channel_mult 1 2 2", "attn_resolutions 8", "clip_act 256"):
            self.assertIn(line, lines)
        text = kairos("info", "--net", "random:edm2-img512-xs")
        self.assertIn("124.7 million", text)
        self.assertAlmostEqual(float(text.split("cost")[1].split("GMAC")[0]), 45.0, delta=0.06)


if __name__ == "__main__":
    unittest.main()
