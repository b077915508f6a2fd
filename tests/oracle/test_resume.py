"""An image depends on its seed alone: not on the batch, nor on whether the run was killed and started again."""
import os
import signal
import subprocess
import tempfile
import time
import unittest

from common import ENGINE, KAIROS, SHIPPED, kairos
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


def contents_names(folder):
    return [os.path.join(parent, name) for parent, _, names in os.walk(folder) for name in names]


if __name__ == "__main__":
    unittest.main()
