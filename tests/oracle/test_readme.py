"""The README's table of distances is what the committed sweep says."""
import collections
import json
import os
import re
import unittest

import numpy as np

from common import ROOT

RESULTS = os.path.join(ROOT, "bench", "results", "sweep-fashion-mnist", "results.jsonl")
ROWS = {"EDM's noise levels": "edm", "rescaled entropy": "rescaled", "entropic time (order 3)": "entropic",
        "rescaled, from the model's own uncertainty": "rescaled-logvar", "order 2.25": "order-2.25",
        "order 2.5": "order-2.5"}  # the others are called the same
COLUMNS = [(nfe, eta) for nfe in (8, 16, 32) for eta in (0, 1)]
CELL = re.compile(r"(?:\*\*)?([\d.]+) ± ([\d.]+)(?:\*\*)?")


def readme_table():
    """{schedule: [(mean, spread), ...]} as text."""
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as f:
        lines = [line.strip().strip("|") for line in f if "±" in line and line.startswith("|")]
    rows = [[cell.strip() for cell in line.split("|")] for line in lines]
    return {ROWS.get(row[0], row[0]): [CELL.fullmatch(cell).groups() for cell in row[1:]] for row in rows}


class ReadmeTest(unittest.TestCase):
    def test_table_of_distances(self):
        cells = collections.defaultdict(list)
        with open(RESULTS, encoding="utf-8") as f:
            for line in f:
                cell = json.loads(line)
                cells[cell["schedule"], cell["nfe"], cell["eta"]].append(cell["distance"])
        table = readme_table()
        self.assertEqual({(schedule, *column) for schedule in table for column in COLUMNS}, set(cells))
        for schedule, row in table.items():
            for column, (mean, spread) in zip(COLUMNS, row, strict=True):
                found = cells[(schedule, *column)]
                self.assertEqual(len(found), 3)
                decimals = len(mean.split(".")[1])
                expected = tuple(f"{value:.{decimals}f}" for value in (np.mean(found), np.ptp(found) / 2))
                self.assertEqual((mean, spread), expected, (schedule, column))


if __name__ == "__main__":
    unittest.main()
