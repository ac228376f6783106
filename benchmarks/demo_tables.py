"""Writes the demo's numbers into README.md and docs/demo.md: ``python -m benchmarks.demo_tables``, after `make repro`.

They are read from reports/evaluation. As on the benchmarks page, a table stands between ``<!-- table: NAME -->`` and
``<!-- end of table -->``.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.page.table import Table, written

ROOT: Final = Path(__file__).resolve().parents[1]
PAGES: Final = ("README.md", "docs/demo.md")
METHODS: Final = (
    "baseline", "grad_aat", "grad_sat", "grad_bat", "gen_bat", "two_gen_bat", "combined_at", "gaussian_noise",
    "gaussian_blur", "jpeg", "combined_traditional", "sladd",
)  # fmt: skip
FIRST: Final = ("baseline", "grad_bat", "two_gen_bat", "combined_at")
"""The rows of README."""

_FORGERIES: Final = ("NT", "DF", "F2F", "FS")
_QUALITIES: Final = ("raw", "c23", "c40")
_TESTS: Final = (*(f"{forgery}_c23" for forgery in _FORGERIES), "DFD_c23", "CelebDF_native")
_COLUMNS: Final = ("DF", "F2F", "FS", "DFD-like", "Celeb-DF-like")

Evaluation = dict[tuple[str, str], dict[str, float]]
"""Training and test condition to the AUC of frames: value, low, high."""


def read_evaluation(path: Path) -> Evaluation:
    """The AUC of frames of a run's file in reports/evaluation."""
    results: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["results"]
    return {(entry["train"], entry["test"]): entry["frame"]["auc"] for entry in results}


def tables(found: dict[str, Evaluation]) -> dict[str, Table]:
    """The tables by name.

    Args:
        found: Evaluation of each of `METHODS`.
    """

    def rows(methods: Sequence[str]) -> list[list[str]]:
        return [[name, *(_with_interval(found[name]["NT_c23", test]) for test in _TESTS)] for name in methods]

    def baseline() -> list[list[str]]:
        own = found["baseline"]
        lines = []
        for quality in _QUALITIES:
            train = f"NT_{quality}"
            same = [_percent(own[train, f"{forgery}_{quality}"]["value"], 1) for forgery in _FORGERIES]
            others = " / ".join(_percent(own[train, f"NT_{other}"]["value"], 1) for other in _QUALITIES)
            lines.append([f"{quality} → {quality}", *same, others])
        return lines

    head = "trained on NT c23 → c23, with 95 % interval"
    return {
        "demo-results": Table((), ("", "NT (trained on)", *_COLUMNS), lambda _: rows(FIRST)),
        "demo-methods": Table((), (head, "NT", *_COLUMNS), lambda _: rows(METHODS)),
        "demo-baseline": Table(
            (), ("baseline, train → test", *_FORGERIES, "NT raw / c23 / c40"), lambda _: baseline()
        ),
    }  # fmt: skip


def _percent(share: float, digits: int) -> str:
    return f"{100 * share:.{digits}f}"


def _with_interval(auc: dict[str, float]) -> str:
    value, low, high = (_percent(auc[name], 0) for name in ("value", "low", "high"))
    return f"{value} [{low}, {high}]"


def main() -> None:
    """Write the pages that changed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--evaluation", type=Path, default=ROOT / "reports/evaluation")
    folder = parser.parse_args().evaluation
    known = tables({name: read_evaluation(folder / f"compact_{name}.json") for name in METHODS})
    for page in PAGES:
        path = ROOT / page
        before = path.read_text(encoding="utf-8")
        after = written(before, known, {})
        if after != before:
            path.write_text(after, encoding="utf-8")
            print(f"{page} written")


if __name__ == "__main__":
    main()
