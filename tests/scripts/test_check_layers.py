"""scripts/check_layers.py: the sources pass, a lower layer that includes a higher one does not, and ARCHITECTURE.md
names the layers in the same order."""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
SCRIPT = os.path.join(ROOT, "scripts", "check_layers.py")
sys.path.insert(0, os.path.dirname(SCRIPT))
import check_layers  # noqa: E402


class LayersTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        for part in ("host", "kernels"):
            shutil.copytree(os.path.join(ROOT, part), os.path.join(self.folder, part))

    def run_script(self):
        return subprocess.run([sys.executable, SCRIPT, self.folder], capture_output=True, text=True)

    def add_include(self, path, name):
        with open(os.path.join(self.folder, path), "a", encoding="utf-8") as file:
            file.write(f"#include {name}\n")

    def refused(self, path, name, *expected):
        """The file is refused once it has this line, for one reason; then the line is taken away."""
        with open(os.path.join(self.folder, path), encoding="utf-8") as file:
            before = file.read()
        self.add_include(path, name)
        run = self.run_script()
        self.assertEqual(run.returncode, 1, (path, name))
        self.assertEqual(len(run.stderr.splitlines()), 1, run.stderr)
        for text in (f"{path}:{len(before.splitlines()) + 1} ", *expected):
            self.assertIn(text, run.stderr)
        with open(os.path.join(self.folder, path), "w", encoding="utf-8") as file:
            file.write(before)

    def test_the_sources_pass(self):
        run = self.run_script()
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        self.assertIn("layers: ok", run.stdout)

    def test_a_lower_layer_includes_a_higher_one(self):
        for path, name, own in (("host/denoiser.c", "sampler.h", "the denoiser"),
                                ("host/nets/edm2.c", "denoiser.h", "networks"),
                                ("host/sampler.h", "job.h", "the sampler"),
                                ("host/job.c", "measure/measure.h", "jobs"),
                                ("host/measure/measure.c", "quality/score.h", "measuring"),
                                ("host/sweep/sweep.c", "commands/session.h", "sweeps")):
            self.refused(path, f'"{name}"', f"includes host/{name}", f"above its own, '{own}'")
        self.refused("kernels/device/launch.cuh", '"types.cuh"', "of the layer 'device code' above its own, 'targets'")
        self.refused("kernels/simt/grid.h", '"../device/checks.cuh"', "above its own, 'the CPU's CUDA'")

    def test_one_of_several_names_of_a_file(self):
        self.refused("host/nets/edm2.h", '"../denoiser.h"', "includes host/denoiser.h")
        self.refused("host/nets/edm2.h", "<denoiser.h>", "includes host/denoiser.h")

    def test_what_the_host_sees_of_kernels(self):
        for name in ('"context.h"', '"device/launch.cuh"', "<cuda_runtime.h>"):
            self.refused("host/denoiser.c", name, "the host sees only kernels/kernels.h")

    def test_what_needs_no_device(self):
        self.add_include("host/schedule/schedule.h", '"kernels.h"')
        run = self.run_script()
        self.assertEqual(run.returncode, 1)
        for text in ("host/schedule/schedule.h is to need no device, but includes kernels/kernels.h",
                     "host/toy/process.h is to need no device, but includes host/schedule/schedule.h, which includes "
                     "kernels/kernels.h"):
            self.assertIn(text, run.stderr.splitlines())
        self.assertNotIn("host/sampler.h", run.stderr)

    def test_the_map_has_the_same_order(self):
        with open(os.path.join(ROOT, "ARCHITECTURE.md"), encoding="utf-8") as file:
            text = file.read()
        places = [text.find("    " + re.split(r"[*.\[]", patterns[0])[0]) for _, patterns in check_layers.LAYERS
                  if patterns[0].startswith("host/")]
        self.assertNotIn(-1, places)
        self.assertEqual(places, sorted(places))

    def test_files_without_a_layer(self):
        self.refused("host/denoiser.c", '"support/files.h"', "neither in host/ nor in kernels/")
        os.mkdir(os.path.join(self.folder, "host/new"))
        with open(os.path.join(self.folder, "host/new/part.c"), "w", encoding="utf-8") as file:
            file.write('#include "denoiser.h"\n')
        run = self.run_script()
        self.assertEqual(run.returncode, 1)
        self.assertIn("host/new/part.c belongs to no layer", run.stderr)

    def test_no_sources(self):
        with tempfile.TemporaryDirectory() as empty:
            run = subprocess.run([sys.executable, SCRIPT, empty], capture_output=True, text=True)
        self.assertEqual(run.returncode, 1)
        self.assertIn("no sources", run.stderr)


if __name__ == "__main__":
    unittest.main()
