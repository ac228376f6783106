"""Rows and a table beyond the paper's: methods of one's own, SLADD, and runs that fill none of the paper's cells."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from deepfake_adv.reporting.measured import Evaluations
from deepfake_adv.reporting.specs import OTHER_RUNS, Column, Row, TableSpec, load_specs

Players = tuple[str, str]
"""The entries of `methods` and of `detectors` that a run names."""

_FEW: Final = 6  # test conditions up to which accuracy is shown too


def with_further_rows(
    spec: TableSpec,
    players: Iterable[Players],
    *,
    roles: Mapping[str, str],
    baseline: str,
    fills: Callable[[Row, Column], bool],
) -> TableSpec:
    """Add a row for each method that no table of the paper names, below the rows of its detector.

    Only tables that compare methods with a baseline get such rows.

    Args:
        spec: Of the paper.
        players: Of every run.
        roles: The paper's detectors -> this project's entries.
        baseline: `methods` entry that rows are compared with.
        fills: Whether a run fills a cell of a row.
    """
    if spec.kind != "detection":
        return spec
    named = {row.entry for each in load_specs() for row in each.rows}
    own = list(dict.fromkeys(pair for pair in players if pair[0] not in named))
    rows = list(spec.rows)
    for role in dict.fromkeys(row.detector for row in spec.rows if row.entry == baseline):
        place = 1 + max(place for place, row in enumerate(rows) if row.detector == role)
        prefix = f"{role}/" if any("/" in row.id for row in spec.rows) else ""
        added = [
            Row(f"{prefix}{method}", f"+ {method}", detector=role, further=True)
            for method, detector in own
            if detector == roles.get(role, role)
        ]
        rows[place:place] = [row for row in added if any(fills(row, column) for column in spec.columns)]
    return replace(spec, rows=tuple(rows))


def other_runs(evaluations: Evaluations, used: Iterable[str], baseline: str) -> TableSpec | None:
    """A table of the runs that are in no other one, each beside the baseline of its detector and condition.

    Args:
        evaluations: Of all runs.
        used: Runs that fill a cell of another table.
        baseline: `methods` entry that rows are compared with.

    Returns:
        None where every run is in a table.
    """
    idle = evaluations.runs.keys() - set(used)
    if not idle:
        return None
    places = [(*place[:3], run) for run in evaluations.runs for place in evaluations.places(run)]
    shown = {(train, detector) for _, detector, train, run in places if run in idle}
    rows: dict[str, Row] = {}
    for method, detector, train, run in sorted(places, key=lambda place: (place[2], place[1], place[0] != baseline)):
        if run in idle or (method == baseline and (train, detector) in shown):
            id = f"{train}/{detector}/{method}"
            label = detector if method == baseline else f"+ {method}"
            rows[id] = Row(id, label, f"{detector}, {train}", detector, train=train, further=True)
    tests = list(dict.fromkeys(test for run in evaluations.runs if run in idle for test in evaluations.tests(run)))
    columns = _columns(tests)
    metrics = ("auc", "acc") if len(columns) <= _FEW else ("auc",)
    title = "Runs that fill no cell of the paper’s tables"
    return TableSpec(OTHER_RUNS, OTHER_RUNS, "detection", title, tuple(rows.values()), columns, metrics)


def _columns(tests: Sequence[tuple[str, str]]) -> tuple[Column, ...]:
    """A column per dataset and test condition."""
    return tuple(Column(f"{dataset}_{test}", test, dataset, test=test, dataset=dataset) for dataset, test in tests)
