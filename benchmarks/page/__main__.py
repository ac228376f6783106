"""Writes the tables of docs/benchmarks.md and docs/intervals.md from the files in benchmarks/results.

    python -m benchmarks.page

The text of a page is written by hand. A table stands between two comments, ``<!-- table: NAME -->`` and
``<!-- end of table -->``, and is written by this script alone: no figure is typed. Below it stands, for each result
file, when and where it was measured.
"""

import argparse
from pathlib import Path
from typing import Final

from benchmarks.page.table import read_results, written
from benchmarks.page.tables import TABLES

ROOT: Final = Path(__file__).resolve().parents[2]
PAGES: Final = ("docs/benchmarks.md", "docs/intervals.md")


def main() -> None:
    """Write the pages that changed."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    results = read_results()
    for name in PAGES:
        path = ROOT / name
        before = path.read_text(encoding="utf-8")
        after = written(before, TABLES, results)
        if after != before:
            path.write_text(after, encoding="utf-8")
            print(f"{name} written")


if __name__ == "__main__":
    main()
