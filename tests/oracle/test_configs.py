"""configs/edm2-*.json: well-formed, and their numbers are those of the network that they describe."""
import glob
import json
import math
import os
import unittest

from common import ROOT
from edm2_layout import check_config, edm2_layout

FIELDS = {"architecture", "description", "encoder", "million_parameters", "gmac", "config"}


def multiply_accumulates(config, layout):
    """Of one image: a weight is used once for each pixel; attention adds two products of tokens x tokens."""
    total = 0
    for name, shape in layout.items():
        if not name.endswith("weight") or name.startswith("logvar"):
            continue
        place = name.split(".")[2]
        resolution = 1 if len(shape) == 2 else int(place.split("x")[0]) if "x" in place else config["img_resolution"]
        total += math.prod(shape) * resolution ** 2
        if "attn_proj" in name:
            total += 2 * shape[0] * resolution ** 4
    return total


class ConfigsTest(unittest.TestCase):
    def test_presets(self):
        paths = sorted(glob.glob(os.path.join(ROOT, "configs", "edm2-*.json")))
        self.assertGreaterEqual(len(paths), 11)
        for path in paths:
            with self.subTest(preset=os.path.basename(path)), open(path) as f:
                preset = json.load(f)
                self.assertEqual(set(preset), FIELDS)
                self.assertEqual(preset["architecture"], "edm2")
                self.assertIn(preset["encoder"], ("rgb", "sd-vae"))
                config = check_config(preset["config"])
                layout = edm2_layout(config)
                parameters = sum(math.prod(shape) for name, shape in layout.items() if "fourier" not in name)
                self.assertAlmostEqual(preset["million_parameters"], parameters / 1e6, delta=0.0501)
                self.assertAlmostEqual(preset["gmac"], multiply_accumulates(config, layout) / 1e9, delta=0.0501)


if __name__ == "__main__":
    unittest.main()
