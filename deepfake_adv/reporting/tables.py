"""Builds a table from its specification, the measurements and the paper's numbers."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from deepfake_adv.evaluation.bootstrap import interval
from deepfake_adv.evaluation.metrics import HIGHER_IS_BETTER
from deepfake_adv.evaluation.paired import Difference, bootstrap_difference
from deepfake_adv.files import read_json
from deepfake_adv.reporting.measured import IDENTITIES, Attacks, Evaluations, Measurement
from deepfake_adv.reporting.specs import OTHER_RUNS, Column, Row, TableSpec

Key = tuple[str, str, str]
Paper = dict[Key, tuple[float | None, bool]]
"""The paper's cells of a table: value in percent, bold."""


@dataclass(frozen=True)
class Cell:
    """One number of a table, or the reason why there is none; percent.

    `state`: "measured"; "not run"; "none" where the paper has no such number either.
    """

    state: Literal["measured", "not run", "none"]
    ours: Measurement | None = None
    paper: float | None = None
    paper_bold: bool = False
    best: bool = False
    versus: Difference | None = None
    partial: bool = False
    comparable: bool = True

    @property
    def difference(self) -> float | None:
        """Ours minus the paper's, where both are there and mean the same; not for data that this project made."""
        if self.ours is None or self.paper is None or self.partial or not self.comparable:
            return None
        return self.ours.value - self.paper


@dataclass(frozen=True)
class Table:
    """A filled table; `versus` compares each row with its baseline over all its AUCs.

    `confidence` is that of every interval, in (0, 1).
    """

    spec: TableSpec
    cells: dict[Key, Cell]
    versus: dict[str, Difference]
    confidence: float
    notes: list[str] = field(default_factory=list)
    own_corpus: str = ""

    @property
    def title(self) -> str:
        """The table's title; it states whether the data are not the paper's."""
        suffix = f". OUR NUMBERS ARE FROM {self.own_corpus.upper()}" if self.own_corpus and self.measured else ""
        return f"{self.spec.name}. {self.spec.title}{suffix}"

    def _own(self) -> list[Cell]:
        """Cells without those of rows beyond the paper's; all of a table that is beyond the paper."""
        kept = {row.id for row in self.spec.rows if not row.further} or {row.id for row in self.spec.rows}
        return [cell for (row, *_), cell in self.cells.items() if row in kept]

    @property
    def measured(self) -> int:
        """Number of the paper's cells filled by this project."""
        return sum(cell.state == "measured" for cell in self._own())

    @property
    def fillable(self) -> int:
        """Number of the paper's cells that can be filled."""
        return sum(cell.state != "none" for cell in self._own())

    def cell(self, row: Row, column: Column, metric: str) -> Cell:
        """The cell at a place."""
        return self.cells[row.id, column.id, metric]


def read_paper(folder: Path, spec: TableSpec) -> Paper:
    """The paper's cells of one table: (row, column, metric) -> value in percent, bold."""
    cells = read_json(folder / f"{spec.file}.json")["cells"]
    return {(cell["row"], cell["column"], cell["metric"]): (cell["value"], cell["bold"]) for cell in cells}


def build_table(
    spec: TableSpec,
    evaluations: Evaluations,
    attacks: Attacks,
    paper: Paper,
    *,
    baseline: str,
    confidence: float,
    own_corpus: dict[str, str] | None = None,
) -> Table:
    """Fill one table.

    Args:
        spec: The table.
        evaluations: Results of this project's runs.
        attacks: Results of its attacks.
        paper: The paper's cells, from `read_paper`.
        baseline: `methods` entry that rows are compared with.
        confidence: Of the intervals made here; that of the evaluations, in (0, 1).
        own_corpus: Dataset name -> what it is, for data that this project made itself
            ("a synthetic corpus"); tables filled from it state this in their title.
    """
    source: Evaluations | Attacks = evaluations if spec.kind == "detection" else attacks
    found = {
        (row.id, column.id, metric): None if metric in column.absent else source.find(row, column, metric)
        for row in spec.rows
        for column, metric in spec.heads()
        if not column.average
    }
    partial = _fill_averages(spec, found, confidence)
    versus = {key: _against_baseline(spec, found, key, baseline, confidence) for key in found}
    best = _best(spec, found, confidence) if spec.kind == "detection" else set()
    cells = {}
    for row in spec.rows:
        for column, metric in spec.heads():
            key = (row.id, column.id, metric)
            printed, bold = paper.get(key, (None, False))
            ours = found[key]
            state: Literal["measured", "not run", "none"] = "measured" if ours else "not run"
            if metric in column.absent or (row.further and not ours):
                state = "none"
            comparable = not (ours and (own_corpus or {}).get(ours.dataset))
            cells[key] = Cell(state, ours, printed, bold, key in best, versus[key], key in partial, comparable)
    made = {(own_corpus or {}).get(ours.dataset, "") for ours in found.values() if ours} - {""}
    rows = {row.id: _row_against_baseline(spec, found, row, baseline, confidence) for row in spec.rows}
    notes = _notes(found, partial, spec, evaluations)
    measured = {key: value for key, value in rows.items() if value}
    return Table(spec, cells, measured, confidence, notes, " and ".join(sorted(made)))


def _fill_averages(spec: TableSpec, found: dict[Key, Measurement | None], confidence: float) -> set[Key]:
    """Add the Avg columns: the mean of the columns measured; returns those with a column missing."""
    partial = set()
    for row in spec.rows:
        for column, metric in spec.heads():
            if not column.average:
                continue
            members = [other for other in spec.columns if other.id in column.average and metric not in other.absent]
            parts = [part for part in (found[row.id, other.id, metric] for other in members) if part]
            key = (row.id, column.id, metric)
            found[key] = mean(parts, confidence) if len(parts) > 1 else None
            if found[key] and len(parts) < len(members):
                partial.add(key)
    return partial


def mean(parts: list[Measurement], confidence: float) -> Measurement:
    """Mean of measurements, its interval from replicates that share their draws within a dataset."""
    if len(parts) == 1:
        return parts[0]
    value = float(np.mean([part.value for part in parts]))
    kept = [part.replicates for part in parts if part.replicates is not None]
    runs = ", ".join(dict.fromkeys(part.run for part in parts))
    dataset = parts[0].dataset
    if len(kept) < len(parts) or len({len(each) for each in kept}) > 1:
        return Measurement(value, None, None, runs, dataset)
    replicates = np.mean(kept, axis=0)
    units = min((part.units for part in parts if part.units is not None), default=None)
    low, high = interval(replicates, confidence, units)
    sample = "/".join(part.sample for part in parts)
    return Measurement(value, low, high, runs, dataset, replicates=replicates, sample=sample, units=units)


def compare(ours: Measurement | None, other: Measurement | None, confidence: float) -> Difference | None:
    """Paired difference of two measurements on the same videos; None if they cannot be paired."""
    if ours is None or other is None or ours.run == other.run or ours.sample != other.sample:
        return None
    if ours.replicates is None or other.replicates is None:
        return None
    return bootstrap_difference(ours.value - other.value, ours.replicates, other.replicates, confidence, ours.units)


def _baseline_row(spec: TableSpec, row_id: str, baseline: str) -> str | None:
    rows = {row.id: row for row in spec.rows}
    own = (rows[row_id].detector, rows[row_id].train)
    same = [row.id for row in spec.rows if row.entry == baseline and (row.detector, row.train) == own]
    return same[0] if same and same[0] != row_id else None


def _against_baseline(
    spec: TableSpec, found: dict[Key, Measurement | None], key: Key, baseline: str, confidence: float
) -> Difference | None:
    other = _baseline_row(spec, key[0], baseline)
    return compare(found[key], found[other, key[1], key[2]], confidence) if other else None


def _row_against_baseline(
    spec: TableSpec, found: dict[Key, Measurement | None], row: Row, baseline: str, confidence: float
) -> Difference | None:
    """Difference of the mean AUC over the columns that both rows have measured."""
    other = _baseline_row(spec, row.id, baseline)
    if other is None or "auc" not in spec.metrics:
        return None
    pairs = [
        (found[row.id, column.id, "auc"], found[other, column.id, "auc"])
        for column in spec.columns
        if not column.average
    ]
    both = [(ours, theirs) for ours, theirs in pairs if ours and theirs and ours.sample == theirs.sample]
    if not both:
        return None
    ours, theirs = (mean(list(side), confidence) for side in zip(*both, strict=True))
    return compare(ours, theirs, confidence)


def _best(spec: TableSpec, found: dict[Key, Measurement | None], confidence: float) -> set[Key]:
    """The best of each column, where it is surely better than every other row of its detector.

    A difference counts if its paired interval excludes zero; without pairs, if the two intervals do not overlap.
    """
    best = set()
    for column, metric in spec.heads():
        sign = 1 if HIGHER_IS_BETTER[metric] else -1
        for group in dict.fromkeys((row.detector, row.train) for row in spec.rows):
            keys = [(row.id, column.id, metric) for row in spec.rows if (row.detector, row.train) == group]
            values = {key: ours for key in keys if (ours := found[key])}
            if len(values) < 2:
                continue
            first = max(values, key=lambda key: sign * values[key].value)
            others = [ours for key, ours in values.items() if key != first]
            if all(_surpasses(values[first], other, sign, confidence) for other in others):
                best.add(first)
    return best


def _surpasses(ours: Measurement, other: Measurement, sign: int, confidence: float) -> bool:
    if (difference := compare(ours, other, confidence)) is not None:
        return difference.low > 0 if sign > 0 else difference.high < 0
    if None in (ours.low, ours.high, other.low, other.high):
        return False
    return ours.low > other.high if sign > 0 else ours.high < other.low  # type: ignore[operator]


def _notes(
    found: dict[Key, Measurement | None], partial: set[Key], spec: TableSpec, evaluations: Evaluations
) -> list[str]:
    """Notes under the table: substitutes, frame counts, seeds, runs, partial averages."""
    ours = [measurement for measurement in found.values() if measurement]
    if not ours:
        return ["No run of this profile fills this table."]
    notes = []
    if further := [row.entry for row in spec.rows if row.further and spec.id != OTHER_RUNS]:
        notes.append(f"Beyond the paper's rows: {', '.join(dict.fromkeys(further))}.")
    for role in dict.fromkeys(row.detector for row in spec.rows if row.detector and not row.train):
        if evaluations.detector(role) != role:
            notes.append(f"The detector {evaluations.detector(role)} stands in {role}'s place.")
    if any(measurement.dataset == IDENTITIES for measurement in ours):
        notes.append("Small classifiers of the corpus's identities stand in the places of ImageNet's.")
    settings = sorted({measurement.setting for measurement in ours} - {""})
    if settings:
        notes.append(f"Blur: {' and '.join(settings)}; other readings of Eq. (6) are in reports/attack.")
    by_count: dict[str, list[str]] = {}
    for (_, column, _), measurement in found.items():
        if measurement and measurement.counts and column not in by_count.setdefault(measurement.counts, []):
            by_count[measurement.counts].append(column)
    kinds = "Test data, real+fake: " if spec.kind == "detection" else "Test data: "
    notes.append(kinds + "; ".join(f"{', '.join(columns)} {counts}" for counts, columns in by_count.items()) + ".")
    seeds = sorted({measurement.seeds for measurement in ours if measurement.seeds})
    if seeds:
        by_cell = "Training seeds" if len(seeds) == 1 else "Training seeds by cell"
        notes.append(f"{by_cell}: {' / '.join('+'.join(map(str, each)) for each in seeds)}.")
    notes.append(f"Runs: {', '.join(sorted({run for each in ours for run in each.run.split(', ')}))}.")
    if partial:
        notes.append("Avg is over the columns that were measured, and so is not set against the paper's.")
    return notes
