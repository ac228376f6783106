"""What the `tables` stage writes: each table in four formats, an index, and every evaluation at both levels."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from deepfake_adv.files import write_csv, write_text
from deepfake_adv.reporting.further import other_runs, with_further_rows
from deepfake_adv.reporting.measured import (
    LEVELS_COLUMNS,
    LEVELS_FILE,
    Attacks,
    Evaluations,
    level_rows,
    read_evaluations,
)
from deepfake_adv.reporting.render.formats import CSV_COLUMNS, csv_rows, html, latex, markdown
from deepfake_adv.reporting.render.grids import markdown_grid
from deepfake_adv.reporting.specs import Column, Row, TableSpec, load_specs, renamed
from deepfake_adv.reporting.tables import Paper, Table, build_table, read_paper


def build_tables(
    evaluations: Path,
    attacks: Path | None,
    paper: Path,
    *,
    runs: Mapping[str, tuple[str, str]],
    roles: Mapping[str, str],
    baseline: str,
    confidence: float,
    own_corpus: dict[str, str] | None = None,
    names: Mapping[str, str] = MappingProxyType({}),
) -> list[Table]:
    """Fill every table of the specification, and one of runs that fill none of their cells.

    Args:
        evaluations: Folder of the runs' evaluation files.
        attacks: Folder of the attacks' files, or None.
        paper: Folder of the paper's numbers.
        runs: Run name -> (method entry, detector entry).
        roles: The paper's detectors, classifiers and datasets -> this project's names.
        baseline: `methods` entry that rows are compared with.
        confidence: Of the evaluations' intervals, in (0, 1).
        own_corpus: Dataset name -> what it is, where this project made it itself.
        names: What to print in place of a detector's name; see `printed_names`.
    """
    found, attacked = Evaluations(evaluations, runs, roles), Attacks(attacks, roles)

    def filled(spec: TableSpec, printed: Paper) -> Table:
        return build_table(
            spec, found, attacked, printed, baseline=baseline, confidence=confidence, own_corpus=own_corpus
        )

    def fills(row: Row, column: Column) -> bool:
        return not column.average and found.find(row, column, "auc") is not None

    tables = []
    for spec in load_specs():
        wider = with_further_rows(renamed(spec, names), runs.values(), roles=roles, baseline=baseline, fills=fills)
        tables.append(filled(wider, read_paper(paper, spec)))
    used = {run for table in tables for cell in table.cells.values() if cell.ours for run in cell.ours.run.split(", ")}
    other = other_runs(found, used, baseline)
    return [*tables, filled(other, {})] if other else tables


def write_tables(tables: list[Table], folder: Path) -> None:
    """Write each table as .md, .csv, .tex and .html, and index.md."""
    for table in tables:
        for suffix, render in (("md", markdown), ("tex", latex), ("html", html)):
            write_text(folder / f"{table.spec.file}.{suffix}", render(table))
        write_csv(folder / f"{table.spec.file}.csv", CSV_COLUMNS, csv_rows(table))
    write_text(folder / "index.md", index(tables))


def write_levels(evaluations: Path, runs: Mapping[str, tuple[str, str]], folder: Path) -> None:
    """Write levels.csv: every evaluation of `runs` at frame and at video level."""
    write_csv(folder / LEVELS_FILE, LEVELS_COLUMNS, level_rows(read_evaluations(evaluations, runs)))


def index(tables: list[Table]) -> str:
    """What each table is about, and how much of it is filled."""
    rows = [
        [
            f"[{table.spec.name}]({table.spec.file}.md)",
            table.spec.title,
            f"{table.measured} of {table.fillable}",
        ]
        for table in tables
    ]
    return markdown_grid(["table", "about", "cells filled"], rows, labels=2) + "\n"
