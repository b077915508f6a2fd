"""scripts/needs.py: scripts under a Python without their packages say in one line what to install."""
import importlib.util
import os
import subprocess
import sys
import unittest

SCRIPTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "scripts")
WANTED = {"convert_weights.py": ("numpy", "convert"), "make_dataset.py": ("numpy", "data"),
          "plot.py": ("matplotlib", "plot"), "plot_toy.py": ("matplotlib", "plot")}


class NeedsTest(unittest.TestCase):
    def test_one_line_for_each_script(self):
        for script, (package, group) in WANTED.items():
            for arguments in (["--help"], ["a", "--out", "b"]):
                with self.subTest(script=script, arguments=arguments):
                    # Without `site` Python finds its standard library only.
                    done = subprocess.run([sys.executable, "-S", "-E", os.path.join(SCRIPTS, script), *arguments],
                                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
                    self.assertEqual(done.returncode, 1, done.stderr)
                    self.assertEqual(done.stdout, "")
                    self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
                    self.assertTrue(done.stderr.startswith(f"{script}: {sys.executable} has no {package}"), done.stderr)
                    self.assertIn(f"scripts/install-deps.sh {group},", done.stderr)
                    self.assertIn(f"pip install {package}", done.stderr)

    def test_help_where_the_packages_are(self):
        for script, (package, group) in WANTED.items():
            with self.subTest(script=script):
                done = subprocess.run([sys.executable, os.path.join(SCRIPTS, script), "--help"],
                                      stdout=subprocess.PIPE, text=True)
                if importlib.util.find_spec(package) is None:
                    self.skipTest(f"needs {package}: scripts/install-deps.sh plot")
                self.assertEqual(done.returncode, 0)
                self.assertIn(f"scripts/install-deps.sh {group}", done.stdout)

    def test_the_groups_exist(self):
        done = subprocess.run([os.path.join(SCRIPTS, "install-deps.sh"), "--help"], stdout=subprocess.PIPE, text=True)
        for _, group in WANTED.values():
            self.assertRegex(done.stdout, f"(?m)^  {group} ")


if __name__ == "__main__":
    unittest.main()
