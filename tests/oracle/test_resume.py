"""An image depends on its seed alone: not on the batch, nor on whether the run was killed and started again."""
import json
import os
import signal
import subprocess
import tempfile
import time
import unittest

import numpy as np

from common import ENGINE, KAIROS, SHIPPED, kairos
from make_dataset import encode_png
from png import read_png

SEEDS = 64


def options(folder, batch):
    return ["generate", "--net", SHIPPED, "--outdir", folder, "--seeds", f"0-{SEEDS - 1}", "--steps", "6",
            "--solver", "ddim", "--eta", "1", "--precision", "fp32", "--engine", ENGINE, "--batch", str(batch)]


def contents(folder):
    """{relative path: bytes} of everything but the manifest, which tells batch and time."""
    found = {}
    for parent, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(parent, name)
            if name != "run.json":
                with open(path, "rb") as f:
                    found[os.path.relpath(path, folder)] = f.read()
    return found


class ResumeTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        kairos(*options(cls.path("64"), 64))
        cls.expected = contents(cls.path("64"))

    @classmethod
    def path(cls, name):
        return os.path.join(cls.folder.name, name)

    def check_same(self, folder):
        found = contents(folder)
        self.assertEqual(sorted(found), sorted(self.expected))
        different = [name for name in found if found[name] != self.expected[name]]
        self.assertEqual(different, [])
        self.assertTrue(os.path.exists(os.path.join(folder, "run.json")))

    def test_one_image_for_each_seed(self):
        self.assertEqual(len(self.expected), SEEDS)
        self.assertTrue(all(name.endswith(".png") for name in self.expected))
        self.assertEqual(len(set(self.expected.values())), SEEDS)

    def test_batches(self):
        for batch in (1, 7):
            with self.subTest(batch=batch):
                kairos(*options(self.path(str(batch)), batch))
                self.check_same(self.path(str(batch)))

    def test_native_engine(self):
        for batch in (5, 64):
            kairos(*options(self.path(f"native{batch}"), batch), "--engine", "native")
        self.assertEqual(contents(self.path("native5")), contents(self.path("native64")))

    def test_kill_and_restart(self):
        folder = self.path("killed")
        for wanted in (1, SEEDS // 3, SEEDS // 2):
            self.kill_after(folder, wanted)
        kairos(*options(folder, 2))
        self.check_same(folder)

    def kill_after(self, folder, wanted):
        """Starts a run and kills it once there are `wanted` images; those must be whole."""
        with open(self.path("log"), "w") as log:
            run = subprocess.Popen([KAIROS, *options(folder, 2)], stdout=log, stderr=log)
        deadline = time.time() + 120
        while run.poll() is None and time.time() < deadline:
            if sum(name.endswith(".png") for name in contents_names(folder)) >= wanted:
                break
            time.sleep(0.001)
        run.send_signal(signal.SIGKILL)
        run.wait()
        with open(self.path("log")) as log:
            self.assertEqual(run.returncode, -signal.SIGKILL, f"ended before it was killed\n{log.read()}")
        images = [name for name in contents_names(folder) if name.endswith(".png")]
        self.assertLess(len(images), SEEDS)
        for name in images:
            read_png(name)

    def test_a_folder_that_another_run_took_over(self):
        """Two runs may begin before there is an image; the one whose manifest is replaced does not end as if it were well."""
        folder, manifest = self.path("taken"), self.path("taken/run.json")
        run = subprocess.Popen([KAIROS, *options(folder, 2)], stderr=subprocess.PIPE, text=True)
        while run.poll() is None and not os.path.exists(manifest):
            time.sleep(0.001)
        with open(manifest) as f:
            root = json.load(f)
        root["settings"]["eta"] = 0.25
        with open(manifest, "w") as f:
            json.dump(root, f)
        message = run.communicate()[1]
        self.assertEqual(run.returncode, 1, message)
        self.assertIn("eta: 0.25 then, 1 now", message)

    def test_restart_of_a_finished_run_changes_nothing(self):
        folder = self.path("again")
        kairos(*options(folder, 16))
        before = {name: os.stat(name).st_mtime_ns for name in contents_names(folder) if name.endswith(".png")}
        removed = sorted(before)[3]
        os.remove(removed)
        emptied = sorted(before)[5]  # as after a loss of power
        os.truncate(emptied, os.path.getsize(emptied) // 2)
        kairos(*options(folder, 16))
        after = {name: os.stat(name).st_mtime_ns for name in contents_names(folder) if name.endswith(".png")}
        self.assertEqual([name for name in before if before[name] != after.get(name)],
                         [removed, emptied])
        self.check_same(folder)


    def test_a_grid_reads_what_is_there(self):
        """Images in the folder are not sampled again for it; those that are missing or not whole are."""
        folder, sheet = self.path("grid"), self.path("grid/sheet.png")
        kairos(*options(folder, 16))
        first, second, third = (os.path.join(folder, f"{seed:06d}.png") for seed in (3, 40, 63))
        with open(first, "wb") as f:  # to be told from one that is sampled
            f.write(encode_png(np.full((32, 32), 77, np.uint8)))
        os.remove(second)
        with open(third, "r+b") as f:  # its ends are those of a PNG
            f.seek(60)
            f.write(bytes(20))
        done = subprocess.run([KAIROS, *options(folder, 16), "--grid", sheet], stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f"2 images sampled (6 network evaluations each), {SEEDS - 2} were there already", done.stderr)
        found = contents(folder)
        for seed in (40, 63):
            self.assertEqual(found[f"{seed:06d}.png"], self.expected[f"{seed:06d}.png"])
        pixels = read_png(sheet).reshape(526, 526)  # 8 x 8 images, each pixel twice as wide and high, gaps of 2
        for seed in range(SEEDS):
            top, left = seed // 8 * 66, seed % 8 * 66
            image = read_png(os.path.join(folder, f"{seed:06d}.png")).reshape(32, 32)
            np.testing.assert_array_equal(pixels[top:top + 64:2, left:left + 64:2], image)
        self.assertTrue((pixels[:64, 3 * 66:3 * 66 + 64] == 77).all())


def contents_names(folder):
    return [os.path.join(parent, name) for parent, _, names in os.walk(folder) for name in names]


if __name__ == "__main__":
    unittest.main()
