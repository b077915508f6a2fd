"""Names and files that nobody expects: not UTF-8, links to nothing, pipes, URLs, files of other kinds."""
import json
import os
import pickle
import shutil
import subprocess

import unittest

from common import KAIROS, SHIPPED, FolderCase

WEIGHTS = os.path.dirname(SHIPPED)
CURVE = os.path.join(WEIGHTS, "fashion-mnist-edm2.curve.json")
REFERENCE = os.path.join(WEIGHTS, "fashion-mnist-reference.safetensors")


class OddNamesTest(FolderCase):
    def run_command(self, *args):
        """(exit status, standard output, standard error); arguments may be bytes."""
        done = subprocess.run([KAIROS, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
        return done.returncode, done.stdout, done.stderr.decode("utf-8", "replace")

    def check(self, *args):
        status, out, message = self.run_command(*args)
        self.assertEqual(status, 0, message)
        return out

    def refuse(self, words, *args):
        status, _, message = self.run_command(*args)
        self.assertEqual(status, 1, message)
        for word in words:
            self.assertIn(word, message)
        self.assertEqual(len(message.splitlines()), 1, message)
        return message

    def odd(self, name):
        """A path whose last part has a byte that is not UTF-8, and what JSON says of it."""
        return os.fsencode(self.path("é\udcff" + name)), self.path("é\ufffd" + name)

    def read(self, path):
        with open(path, encoding="utf-8") as f:
            return json.load(f)

    def test_names_that_are_not_utf8(self):
        net, net_told = self.odd("net.safetensors")
        shutil.copy(SHIPPED, net)
        folder, folder_told = self.odd("out")
        self.check("generate", "--net", net, "--outdir", folder, "--seeds", "0-1", "--steps", "1")
        manifest = self.read(folder + b"/run.json")
        self.assertEqual(manifest["sampling"]["net_file"], net_told)
        self.assertEqual(manifest["commands"][0][3:5], ["--outdir", folder_told])
        measured = json.loads(self.check("bench", "--net", net, "--batch", "1", "--repeat", "1", "--json"))
        self.assertEqual(measured["net"], net_told)
        curve, curve_told = self.odd("curve.json")
        self.check("measure", "--net", net, "--from-logvar", "--out", curve, "--levels", "32")
        self.assertEqual(self.read(curve)["provenance"]["net"], net_told)
        levels, _ = self.odd("levels.json")
        self.check("schedule", "--curve", curve, "--kind", "rescaled", "--steps", "2", "--out", levels)
        self.assertEqual(self.read(levels)["provenance"]["curve"], curve_told)
        self.check("generate", "--net", net, "--schedule", levels, "--outdir", folder + b"2", "--seeds", "0")
        self.assertIn("\ufffd", self.read(folder + b"2/run.json")["sampling"]["schedule"]["file"])
        result, _ = self.odd("distance.json")
        reference, _ = self.odd("ref.safetensors")
        shutil.copy(REFERENCE, reference)
        for _ in range(2):  # found again
            self.check("evaluate", "--images", folder, "--ref", reference, "--out", result)
        self.assertEqual(self.read(result)["settings"]["images"], folder_told)

    def test_links_to_nothing(self):
        os.symlink("nowhere", self.path("link"))
        for args in (["generate", "--net", SHIPPED, "--seeds", "0", "--outdir", self.path("link")],
                     ["generate", "--net", SHIPPED, "--seeds", "0", "--grid", self.path("link")],
                     ["info", "--net", self.path("link")],
                     ["evaluate", "--images", self.path("link"), "--ref", REFERENCE],
                     ["schedule", "--kind", "rescaled", "--curve", self.path("link")]):
            self.refuse(["link: it is a link to nowhere, which is not there"], *args)
        self.assertEqual(os.listdir(self.folder), ["link"])

    def test_long_paths(self):
        """The reason is not cut off."""
        for path in ("x" * 300, "/".join(["y" * 200] * 30)):
            for args in (["info", "--net", path], ["schedule", "--kind", "rescaled", "--curve", path],
                         ["generate", "--net", SHIPPED, "--seeds", "0", "--outdir", self.path(path)],
                         ["generate", "--net", SHIPPED, "--seeds", "0", "--grid", self.path(path)]):
                self.assertRegex(self.refuse([], *args), "(File name|path is) too long")

    def test_pipes(self):
        os.mkfifo(self.path("pipe"))
        self.refuse(["pipe is not a safetensors file: it is a device, pipe or socket"], "info", "--net", self.path("pipe"))
        self.refuse(["pipe is neither a folder nor a ZIP file"], "evaluate", "--images", self.path("pipe"), "--ref",
                    REFERENCE)
        generate = ["generate", "--net", SHIPPED, "--steps", "1", "--quiet", "--outdir", self.path("out"), "--seeds"]
        self.check(*generate, "1")
        os.rename(self.path("pipe"), self.path("out/000000.png"))
        self.refuse(["000000.png: it is a device, pipe or socket"], *generate, "0")

    def test_urls(self):
        self.refuse(["a URL is not read, download the file first, then convert it by scripts/convert_weights.py"], "info",
                    "--net", "https://example.org/edm2-img64-s.pkl")
        self.refuse(["a URL is not read, download the file first"], "evaluate", "--images", "https://example.org/x.zip",
                    "--ref", REFERENCE)

    def test_files_of_other_kinds(self):
        lfs = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12345\n"
        html = b"\n<!DOCTYPE html><html><body>404</body></html>\n"
        for data, words in ((pickle.dumps(list(range(1000))), ["is a Python pickle", "scripts/convert_weights.py"]),
                            (lfs, ["is a pointer of git-lfs", "git lfs pull"]), (html, ["is an HTML page"]),
                            (b"PK\3\4" + bytes(100), ["is a ZIP archive"]), (b'{"sigma": [80, 1]}', ["is a JSON file"])):
            with open(self.path("x"), "wb") as f:
                f.write(data)
            self.refuse(["x is a", *words, "expected a safetensors file"], "info", "--net", self.path("x"))
            self.refuse(["x is a", *words], "evaluate", "--images", self.path("out"), "--ref", self.path("x"))
            if words != ["is a JSON file"]:
                self.refuse(["x is a", *words, "expected a JSON file"], "schedule", "--kind", "rescaled", "--curve",
                            self.path("x"))
            if words != ["is a ZIP archive"]:
                self.refuse(["x is a", *words, "expected a ZIP archive"], "evaluate", "--images", self.path("x"), "--ref",
                            REFERENCE)
        os.makedirs(self.path("data"))
        for name in ("a.png", "a.npy"):
            with open(self.path("data/" + name), "wb") as f:
                f.write(lfs)
            self.refuse(["is a pointer of git-lfs"], "evaluate", "--images", self.path("data"), "--ref", REFERENCE)
            os.remove(self.path("data/" + name))

    def test_a_byte_order_mark(self):
        for mark in (b"", b"\xef\xbb\xbf"):
            with open(CURVE, "rb") as f, open(self.path("c.json"), "wb") as out:
                out.write(mark + f.read())
            levels = self.check("schedule", "--kind", "rescaled", "--curve", self.path("c.json"), "--steps", "3")
            self.assertEqual(levels.count(b"\n"), 4)


if __name__ == "__main__":
    unittest.main()
