#!/usr/bin/env python3
"""The counters of three small kernels (counters.cu), against numbers that are derived here by hand."""
import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
SOURCE = ROOT / "tests/ptx/tests/counters.cu"
MULTIPROCESSORS = 2


def run(arch, report):
    environment = dict(os.environ, KAIROS_PTX_REPORT=str(report), KAIROS_PTX_MULTIPROCESSORS=str(MULTIPROCESSORS))
    subprocess.run([ROOT / "scripts/ptxrun", SOURCE, arch], env=environment, check=True)


def line_with(text):
    for number, line in enumerate(SOURCE.read_text().splitlines(), 1):
        if text in line:
            return number
    raise ValueError(text)


class Counters(unittest.TestCase):
    arch = "80"

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.report = Path(cls.folder.name) / "report.json"
        run(cls.arch, cls.report)
        kernels = json.loads(cls.report.read_text())["kernels"]
        cls.kernels = {k["name"].removeprefix("void ").split("(")[0]: k for k in kernels}

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def expect(self, traffic, requests, size, unit, units, ideal):
        self.assertEqual(traffic, {"requests": requests, "bytes": size, unit: units, "ideal": ideal})

    def test_strided_copy(self):
        # 512 threads are 16 warps. The floats that a warp reads lie 8 bytes apart, over 256 bytes: 8 sectors of
        # 32 bytes, where 128 bytes would fit into 4. What it writes are 4 sectors.
        k = self.kernels["strided_copy"]
        self.expect(k["global"]["load"], 16, 16 * 128, "sectors", 16 * 8, 16 * 4)
        self.expect(k["global"]["store"], 16, 16 * 128, "sectors", 16 * 4, 16 * 4)
        self.assertEqual(k["shared"], {})
        self.assertEqual(k["flop"], {})
        self.assertEqual((k["launches"], k["blocks"], k["threads"]), (1, 4, 512))
        # All lanes of all warps are at work in each instruction.
        self.assertEqual(k["thread_instructions"], 32 * k["warp_instructions"])
        # Blocks of 4 warps: 16 of them are the 64 warps that a multiprocessor holds; 4 blocks of 16 x 2.
        self.assertEqual((k["shapes"][0]["blocks_per_multiprocessor"], k["shapes"][0]["occupancy"]), (16, 1))
        self.assertAlmostEqual(k["waves"], 4 / (16 * MULTIPROCESSORS))

    def transpose(self, name, wavefronts_of_a_column):
        # 64x64 floats in 4 tiles of 32x32, 32 rows each: 128 requests each way, each of 128 bytes, 4 sectors.
        k = self.kernels[name]
        self.expect(k["global"]["load"], 128, 128 * 128, "sectors", 128 * 4, 128 * 4)
        self.expect(k["global"]["store"], 128, 128 * 128, "sectors", 128 * 4, 128 * 4)
        # Writing a row of the tile: 32 neighbours in 32 banks. Reading a column of it: see below.
        self.expect(k["shared"]["store"], 128, 128 * 128, "wavefronts", 128, 128)
        self.expect(k["shared"]["load"], 128, 128 * 128, "wavefronts", 128 * wavefronts_of_a_column, 128)
        # One barrier for each of the 8 warps of 4 blocks.
        self.assertEqual(k["warp_instructions_by_class"]["sync"], 8 * 4)
        return k

    def test_transpose(self):
        # Rows of 32 words: a column is 32 different words of one bank, which gives one at a time.
        k = self.transpose("transpose<0>", 32)
        lines = {line["place"].rpartition(":")[2]: line for line in k["lines"]}
        read = lines[str(line_with("// read rows"))]
        written = lines[str(line_with("// write rows, of columns"))]
        self.expect(read["shared"]["store"], 128, 128 * 128, "wavefronts", 128, 128)
        self.expect(written["shared"]["load"], 128, 128 * 128, "wavefronts", 128 * 32, 128)
        self.assertNotIn("load", read["shared"])

    def test_padded_transpose(self):
        # Rows of 33 words: the words of a column lie in 32 banks.
        self.transpose("transpose<1>", 1)

    def test_product(self):
        # 32x32 sums of 32 multiply-adds, of 2 operations each; a warp has a row of the result.
        k = self.kernels["product"]
        self.assertEqual(k["flop"], {"fp32": 32 * 32 * 32 * 2})
        # For each k a warp reads one value of a, which all lanes share (1 sector), and a row of b (4 sectors).
        self.expect(k["global"]["load"], 32 * 32 * 2, 32 * 32 * 2 * 128, "sectors", 32 * 32 * 5, 32 * 32 * 5)
        self.expect(k["global"]["store"], 32, 32 * 128, "sectors", 32 * 4, 32 * 4)
        # 2 blocks of 32 warps on each multiprocessor.
        self.assertAlmostEqual(k["waves"], 1 / (2 * MULTIPROCESSORS))
        self.assertEqual(k["shapes"][0]["limited_by"], "threads")

    def test_table(self):
        script = ROOT / "scripts/ptx_report.py"
        table = subprocess.run([sys.executable, script, self.report], check=True, capture_output=True, text=True).stdout
        rows = {row.split()[0]: row for row in table.splitlines() if row}
        # Shared memory: 128 + 128 passes would do, there were 128 + 128 x 32. Loads of the strided copy: a half.
        self.assertIn(" 6% ", rows["transpose<0>"])
        self.assertIn(" 50% ", rows["strided_copy"])
        self.assertIn("65.5k fp32", rows["product"])
        for option in ("--lines", "--classes", "--shapes"):
            subprocess.run([sys.executable, script, self.report, option], check=True, capture_output=True)


class CountersHopper(Counters):
    arch = "90"


class CountersBlackwell(Counters):
    arch = "100"


if __name__ == "__main__":
    unittest.main()
