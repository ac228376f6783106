"""Writes the study's claims, as far as they are answered, into the pages that quote them.

`make study-report` calls it. As on the benchmarks page, a table stands between ``<!-- table: NAME -->`` and
``<!-- end of table -->``.
"""

from pathlib import Path
from typing import Final

from benchmarks.page.table import Table, written
from deepfake_adv.params.schema import Params
from deepfake_adv.reporting.study.claims import judge, load_protocol
from deepfake_adv.reporting.study.report import read_study
from deepfake_adv.reporting.study.text import CLAIM_COLUMNS, claim_rows

PAGE: Final = "docs/evidence.md"


def claims_table(params: Params, folder: Path) -> Table:
    """The table of claims.

    Args:
        params: The study's profile.
        folder: reports/study.

    Raises:
        ValueError: If a result is damaged.
    """
    protocol = load_protocol()
    rows = claim_rows(judge(read_study(params, folder), protocol), protocol)
    return Table((), CLAIM_COLUMNS, lambda _: rows)


def write_answer(root: Path, params: Params, folder: Path) -> None:
    """Write the table of claims into docs/evidence.md.

    Raises:
        ValueError: If a result is damaged.
    """
    path = root / PAGE
    page = path.read_text(encoding="utf-8")
    path.write_text(written(page, {"study-claims": claims_table(params, folder)}, {}), encoding="utf-8")
