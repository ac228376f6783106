"""Everything that the `tables` stage leaves: each table in four formats, an index, and frame against video level."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from deepfake_adv.files import write_csv, write_text
from deepfake_adv.reporting.levels import COLUMNS, FILE, level_rows
from deepfake_adv.reporting.measured import Attacks, Evaluations, read_evaluations
from deepfake_adv.reporting.render.csv_file import csv_text
from deepfake_adv.reporting.render.html import html
from deepfake_adv.reporting.render.latex import latex
from deepfake_adv.reporting.render.markdown import markdown
from deepfake_adv.reporting.specs import load_specs
from deepfake_adv.reporting.tables import Table, build_table, read_paper


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
) -> list[Table]:
    """Fill every table of the specification.

    Args:
        evaluations: Folder of the runs' evaluation files.
        attacks: Folder of the attacks' files, or None.
        paper: Folder of the paper's numbers.
        runs: Run name -> (method entry, detector entry).
        roles: The paper's detectors, classifiers and datasets -> this project's names.
        baseline: `methods` entry that rows are compared with.
        confidence: Of the evaluations' intervals, in (0, 1).
        own_corpus: Dataset name -> what it is, where this project made it itself.
    """
    found, attacked = Evaluations(evaluations, runs, roles), Attacks(attacks, roles)
    return [
        build_table(
            spec,
            found,
            attacked,
            read_paper(paper, spec),
            baseline=baseline,
            confidence=confidence,
            own_corpus=own_corpus,
        )
        for spec in load_specs()
    ]


def write_tables(tables: list[Table], folder: Path) -> None:
    """Write each table as .md, .csv, .tex and .html, and index.md."""
    for table in tables:
        for suffix, render in (("md", markdown), ("csv", csv_text), ("tex", latex), ("html", html)):
            write_text(folder / f"{table.spec.file}.{suffix}", render(table))
    write_text(folder / "index.md", index(tables))


def write_levels(evaluations: Path, runs: Iterable[str], folder: Path) -> None:
    """Write levels.csv: every evaluation of `runs` at frame and at video level."""
    write_csv(folder / FILE, COLUMNS, level_rows(read_evaluations(evaluations, runs)))


def index(tables: list[Table]) -> str:
    """What each table is about, and how much of it is filled."""
    lines = ["| table | about | cells filled |", "| --- | --- | ---: |"]
    for table in tables:
        link = f"[{table.spec.name}]({table.spec.file}.md)"
        lines.append(f"| {link} | {table.spec.title} | {table.measured} of {table.fillable} |")
    return "\n".join([*lines, ""])
