"""Tables of robustness: one row per degradation or attack, one column per detector."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pandas import DataFrame

from deepfake_adv.files import write_csv, write_text
from deepfake_adv.reporting.render.grids import escape, latex_grid, markdown_grid

NO_SOURCE: Final = "–"  # clean images
_LABELS: Final = 2  # columns before the detectors
CAPTIONS: Final = {
    "degradation": "AUC (%) of each detector on degraded test crops.",
    "attacks": "AUC (%) of each detector on examples crafted against the source; the same name twice is the white box.",
}


def robustness_tables(
    curves: Sequence[Mapping[str, Any]], attacks: Sequence[Mapping[str, Any]]
) -> dict[str, DataFrame]:
    """AUCs in percent, one column per detector, in the order of measurement.

    Args:
        curves: Rows of `degradation_curves`.
        attacks: Rows of `attack_transfer`.
    """
    levels = DataFrame([{**row, "level": f"{row['level']:g}"} for row in curves])
    crafted = DataFrame([{**row, "source": row["source"] or NO_SOURCE} for row in attacks])
    return {
        "degradation": _wide(levels, ["degradation", "level"], "run"),
        "attacks": _wide(crafted, ["attack", "source"], "victim"),
    }


def write_robustness_tables(tables: Mapping[str, DataFrame], folder: Path) -> None:
    """Write each table as .md, .csv and .tex."""
    for name, table in tables.items():
        heads = [str(column) for column in table.columns]
        rows = [[*map(str, row[:_LABELS]), *(f"{value:.2f}" for value in row[_LABELS:])] for row in table.to_numpy()]
        write_csv(folder / f"{name}.csv", heads, rows)
        write_text(folder / f"{name}.md", f"{CAPTIONS[name]}\n\n{markdown_grid(heads, rows, labels=_LABELS)}\n")
        cells = [[escape(cell) for cell in row] for row in rows]
        write_text(folder / f"{name}.tex", latex_grid(heads, cells, labels=_LABELS, caption=CAPTIONS[name], label=name))


def _wide(rows: DataFrame, down: list[str], across: str) -> DataFrame:
    wide: DataFrame = rows.set_index([*down, across])["auc"].unstack(across, sort=False).reset_index()
    return wide.rename_axis(columns=None)
