"""What a command writes: never over a file that it reads, nor, without --force, over one that kairos did not make."""
import json
import os
import shutil
import subprocess
import unittest

import numpy as np

from common import ENGINE, KAIROS as PROGRAM, ROOT, SHIPPED, FolderCase, kairos
import safetensors_io

WEIGHTS = os.path.join(ROOT, "weights")
FEATURES = os.path.join(WEIGHTS, "fashion-mnist-features.safetensors")
REFERENCE = os.path.join(WEIGHTS, "fashion-mnist-reference.safetensors")
KAIROS = os.path.abspath(PROGRAM)  # for runs in another folder


def read(path):
    with open(path, "rb") as f:
        return f.read()


class OutputsTest(FolderCase):
    def setUp(self):
        super().setUp()
        for name, source in (("m.safetensors", SHIPPED), ("f.safetensors", FEATURES), ("ref.safetensors", REFERENCE)):
            shutil.copy(source, self.path(name))
        shutil.copy(os.path.join(WEIGHTS, "fashion-mnist-edm2.curve.json"), self.path("c.json"))
        safetensors_io.save(self.path("x"), {"x": np.zeros((1, 1, 32, 32), np.float32), "sigma": np.ones(1, np.float32)})
        self.generate("--outdir", self.path("d"))
        self.net = ["--net", self.path("m.safetensors")]

    def generate(self, *more):
        kairos(*self.sampling(), "--net", SHIPPED, *more)

    @staticmethod
    def sampling(*more):
        return ["generate", "--seeds", "0-2", "--steps", 1, "--engine", ENGINE, "--quiet", *more]

    def contents(self):
        return {os.path.join(parent, name): read(os.path.join(parent, name))
                for parent, _, names in os.walk(self.folder) for name in names}

    def refused(self, *arguments, words=("this run",)):
        """With a message, and with all files as they were; the folder too, for what would be new in it."""
        before = self.contents()
        for force in ([], ["--force"])[:1 if "--force" in words else 2]:
            done = subprocess.run([KAIROS, *map(str, arguments), *force], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  text=True, cwd=self.folder)
            self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
            for word in ("cannot write", *words):
                self.assertIn(word, done.stderr)
            after = self.contents()
            self.assertEqual(sorted(after), sorted(before))
            self.assertEqual([name for name in before if before[name] != after[name]], [])

    def test_an_output_that_is_an_input(self):
        os.symlink("m.safetensors", self.path("link"))
        os.link(self.path("m.safetensors"), self.path("hard"))
        schedule = ["schedule", "--kind", "rescaled", "--curve", self.path("c.json")]
        curved = self.sampling(*self.net, "--schedule", "rescaled", "--curve", self.path("c.json"))
        evaluate = ["evaluate", "--ref", self.path("ref.safetensors"), "--features", self.path("f.safetensors")]
        for name in ("m.safetensors", "./m.safetensors", "d/../m.safetensors", "link", "hard"):
            self.refused(*self.sampling(*self.net), "--grid", name)
            self.refused(*self.sampling(*self.net), "--outdir", "new", "--save-tensors", name)
        self.refused(*self.sampling("--net", SHIPPED, "--gnet", self.path("m.safetensors"), "--guidance", 2), "--grid",
                     "m.safetensors")
        self.refused(*curved, "--grid", "c.json")
        self.refused(*schedule, "--out", "c.json")
        kairos(*schedule, "--out", self.path("s.json"), "--steps", 3)
        self.refused("generate", *self.net, "--seeds", "0-2", "--schedule", self.path("s.json"), "--grid", "s.json")
        self.refused("denoise", *self.net, "--in", self.path("x"), "--out", "x")
        self.refused("denoise", *self.net, "--in", self.path("x"), "--out", "m.safetensors")
        self.refused("measure", *self.net, "--data", self.path("d"), "--out", "m.safetensors")
        self.refused("measure", *self.net, "--from-logvar", "--out", "m.safetensors")
        for name in ("ref.safetensors", "f.safetensors"):
            self.refused(*evaluate, "--images", self.path("d"), "--out", name)
        self.refused(*evaluate, *self.net, "--seeds", "0-2", "--out", "m.safetensors")

    def test_an_output_in_data_that_is_read(self):
        shutil.make_archive(self.path("data"), "zip", self.path("d"))
        ref = ["evaluate", "ref", "--features", self.path("f.safetensors"), "--data"]
        self.refused(*ref, self.path("data.zip"), "--out", "data.zip")
        for name in ("d/000001.png", "d/new.png", "d/dataset.json"):
            self.refused(*ref, self.path("d"), "--out", name)
            self.refused("measure", *self.net, "--data", self.path("d"), "--out", name)
        self.refused("evaluate", "--images", self.path("d"), "--ref", self.path("ref.safetensors"), "--features",
                     self.path("f.safetensors"), "--out", "d/run.json")
        # Another file there is nobody's.
        kairos(*ref, self.path("d"), "--out", self.path("d/own.safetensors"))

    def test_one_file_for_two_outputs(self):
        for name in ("d/run.json", "./d/run.json", os.path.join(self.folder, "d/run.json")):
            self.refused(*self.sampling(*self.net), "--outdir", "d", "--grid", name)
            self.refused(*self.sampling(*self.net), "--outdir", "d/", "--save-tensors", name)
        self.refused(*self.sampling(*self.net), "--outdir", "new", "--grid", "./new//run.json")
        for names in (("g", "g"), ("g", "./g"), ("new/g", "./new/g"), ("g", "g.run.json")):
            self.refused(*self.sampling(*self.net), "--grid", names[0], "--save-tensors", names[1])

    def test_a_sweep_that_would_write_what_it_reads(self):
        config = {"net": "m.safetensors", "features": "f.safetensors", "reference": "ref.safetensors", "curve": "c.json",
                  "schedules": ["edm", "rescaled"], "solvers": ["ddim"], "eta": [0], "nfe": [2], "seeds": ["0-2"]}
        with open(self.path("sweep.json"), "w") as f:
            json.dump(config, f)
        self.refused("sweep", self.path("sweep.json"), "--outdir", ".")
        for key in ("net", "features", "reference", "curve"):
            os.makedirs(self.path(key))
            shutil.copy(self.path(config[key]), self.path(key, "report.html"))
            with open(self.path("other.json"), "w") as f:
                json.dump({**config, key: f"{key}/report.html"}, f)
            self.refused("sweep", self.path("other.json"), "--outdir", key)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def foreign(self):
        """Files of other programs, by name."""
        files = {"t.txt": b"notes\n", "t.json": b'{"answer": 42}', "list.json": b"[1, 2]", "t.html": b"<html>",
                 "t.png": read(self.path("d", "000001.png")), "t.safetensors": read(self.path("m.safetensors"))}
        for name, data in files.items():
            with open(self.path(name), "wb") as f:
                f.write(data)
        return files

    def commands(self, name):
        out = self.path(name)
        return [self.sampling(*self.net, "--grid", out), self.sampling(*self.net, "--save-tensors", out),
                self.sampling(*self.net, "--outdir", self.path("d"), "--grid", out),
                ["schedule", "--kind", "edm", "--out", out], ["toy", "--samples", 100, "--steps", 2, "--out", out],
                ["denoise", *self.net, "--in", self.path("x"), "--out", out],
                ["measure", *self.net, "--from-logvar", "--out", out],
                ["evaluate", "--images", self.path("d"), "--ref", REFERENCE, "--features", FEATURES, "--out", out],
                ["evaluate", "ref", "--data", self.path("d"), "--features", FEATURES, "--out", out]]

    def test_a_file_of_another_program(self):
        for name in self.foreign():
            for command in self.commands(name):
                with self.subTest(name=name, command=command):
                    self.refused(*command, words=("kairos did not make", "--force", name))

    def test_force_and_what_kairos_made(self):
        """Replaced with --force, and then again without, for it is kairos' own; so is an empty file."""
        for command in self.commands("o"):
            for data, force in ((b"notes\n", ["--force"]), (b"", [])):
                for name in ("o", "o.run.json"):
                    if os.path.exists(self.path(name)):
                        os.remove(self.path(name))
                with open(self.path("o"), "wb") as f:
                    f.write(data)
                with self.subTest(command=command, data=data):
                    kairos(*command, *force)
                    self.assertGreater(len(read(self.path("o"))), 100)
                    if os.path.exists(self.path("o.run.json")):  # the file itself shows it too
                        os.remove(self.path("o.run.json"))
                    kairos(*command)
                    self.assertGreater(len(read(self.path("o"))), 100)


if __name__ == "__main__":
    unittest.main()
