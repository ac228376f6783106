"""Which runs a profile trains, which cells of the paper's tables they fill, and what is missing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from deepfake_adv.evaluation.scores import conditions
from deepfake_adv.params.entries import own_forgeries
from deepfake_adv.params.schema import Params
from deepfake_adv.reporting.evidence import counted
from deepfake_adv.reporting.further import with_further_rows
from deepfake_adv.reporting.specs import Column, Row, TableSpec, load_specs


@dataclass(frozen=True)
class Coverage:
    """One table: number of cells, number that will be filled, the runs that fill them, reasons for the others."""

    spec: TableSpec
    cells: int
    filled: int
    runs: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def whole(self) -> bool:
        """Whether every cell will be filled."""
        return self.filled == self.cells


@dataclass
class TablePlan:
    """Which tables a profile fills."""

    profile: str
    runs: dict[str, int]
    tables: list[Coverage] = field(default_factory=list)

    @property
    def idle(self) -> list[str]:
        """Runs that fill no cell."""
        used = {run for table in self.tables for run in table.runs}
        return [run for run in self.runs if run not in used]


class _Promise:
    """Answers from params which run would fill a cell."""

    def __init__(self, params: Params) -> None:
        self.params = params
        self.roles: Mapping[str, str] = params.tables.roles
        self.tests: dict[str, list[str]] = {}
        for dataset in dict.fromkeys(part.dataset for part in params.parts.values()):
            qualities = [str(part.quality) for part in params.parts.values() if part.dataset == dataset]
            chosen = params.datasets[dataset]
            forgeries = list(map(str, chosen.forgeries or own_forgeries(chosen.layout)))
            self.tests[dataset] = [str(test) for test in conditions(forgeries, qualities)]

    def of(self, kind: str, row: Row, column: Column, metric: str) -> tuple[str, str]:
        """The run that fills a cell and no reason, or no run and the reason."""
        return self._trained(row, column) if kind == "detection" else self._attacked(row, column, metric)

    def further(self, spec: TableSpec) -> list[str]:
        """Runs that have a row of a table beyond the paper's rows."""
        players = [(run.method, run.detector) for run in self.params.runs.values()]
        baseline = self.params.tables.baseline
        wider = with_further_rows(spec, players, roles=self.roles, baseline=baseline, fills=self._fills)
        cells = [(row, column) for row in wider.rows if row.further for column in wider.columns]
        return [self._trained(row, column)[0] for row, column in cells if self._fills(row, column)]

    def _fills(self, row: Row, column: Column) -> bool:
        return not column.average and bool(self._trained(row, column)[0])

    def _trained(self, row: Row, column: Column) -> tuple[str, str]:
        detector = self.roles.get(row.detector, row.detector)
        if not any(column.test in tests for tests in self.tests.values()):
            return "", f"no part of `parts` gives the test set {column.test}"
        for name, run in self.params.runs.items():
            if (run.method, run.detector) == (row.entry, detector) and column.train in run.conditions:
                if column.test in (run.test.conditions or [column.test]):
                    return name, ""
                return "", f"runs.{name}.test.conditions lacks {column.test}"
        return "", f"no run trains {detector} with {row.entry} on {column.train}"

    def _attacked(self, row: Row, column: Column, metric: str) -> tuple[str, str]:
        attack = self.params.attack
        names = {self.roles.get(name, name) for name in (row.source, column.victim)}
        absent = sorted(names - set(attack.classifiers))
        if absent:
            return "", f"attack.classifiers lacks {', '.join(absent)}"
        if row.steps not in (1, attack.pgd_steps):
            return "", f"attack.pgd_steps is not {row.steps}"
        if metric == "blur":
            windows = {(attack.kernel_size, start) for start in attack.starts} | {(k, 1.0) for k in attack.kernel_sizes}
            if (row.kernel_size, float(row.sigma)) not in {(k, float(start)) for k, start in windows}:
                return "", f"attack lacks kernel size {row.kernel_size} with sigma {row.sigma:g}"
        return "attack", ""


def plan(params: Params) -> TablePlan:
    """Go through every cell of every table."""
    promise = _Promise(params)
    result = TablePlan(
        params.profile,
        {
            name: len(run.conditions) * len(run.train.get("seeds", params.train.seeds))
            for name, run in params.runs.items()
        },
    )
    result.tables = [_coverage(spec, promise) for spec in load_specs()]
    return result


def unscored(plan: TablePlan) -> list[str]:
    """Cells that stay empty although a run trains for them, since it is not scored on their test condition."""
    return [
        f"{table.spec.name}: {reason}"
        for table in plan.tables
        for reason in table.missing
        if "test.conditions" in reason
    ]


def _coverage(spec: TableSpec, promise: _Promise) -> Coverage:
    runs: dict[str, None] = {}
    missing: dict[str, int] = {}
    cells = filled = 0
    for row in spec.rows:
        for column, metric in spec.heads():
            if metric in column.absent:
                continue
            cells += 1
            members = [other for other in spec.columns if other.id in column.average and metric not in other.absent]
            answers = [promise.of(spec.kind, row, member, metric) for member in members or [column]]
            reasons = [reason for _, reason in answers if reason]
            enough = len(answers) - len(reasons) > 1 if members else not reasons
            filled += enough
            if enough:
                runs |= dict.fromkeys(run for run, reason in answers if not reason)
            for reason in reasons if not members else []:
                missing[reason] = missing.get(reason, 0) + 1
    runs |= dict.fromkeys(promise.further(spec))
    listed = [f"{reason} ({counted(count, 'cell')})" for reason, count in missing.items()]
    return Coverage(spec, cells, filled, tuple(runs), tuple(listed))


def plan_lines(plan: TablePlan, *, runs: bool = False, reasons: int = 4) -> list[str]:
    """The plan as text.

    Args:
        plan: Of a profile.
        runs: Whether to name the runs of each table.
        reasons: Reasons to name per table before "and n more".
    """
    trainings = sum(plan.runs.values())
    lines = [f"profile {plan.profile}: {len(plan.runs)} runs, {trainings} trainings", ""]
    if not any(table.filled for table in plan.tables):
        others = f"; all are in the table “Other runs”: {', '.join(plan.idle)}" if plan.idle else ""
        return [*lines, f"No run fills a cell of the paper's tables{others}."]
    lines.append(f"{'table':<12}{'cells':>6}{'filled':>8}  by")
    for table in plan.tables:
        by = "the attack stage" if table.runs == ("attack",) else counted(len(table.runs), "run")
        lines.append(f"{table.spec.name:<12}{table.cells:>6}{table.filled:>8}  {by if table.runs else 'nothing'}")
        if runs and table.runs != ("attack",):
            lines += [f"{'':<28}{name}" for name in table.runs]
        lines += [f"{'':<28}missing: {reason}" for reason in table.missing[:reasons]]
        if len(table.missing) > reasons:
            lines.append(f"{'':<28}and {len(table.missing) - reasons} more reasons")
    lines += ["", _verdict([table for table in plan.tables if table.spec.numbered], "tables")]
    lines.append(_verdict([table for table in plan.tables if not table.spec.numbered], "in-text results"))
    if plan.idle:
        lines.append(f"Runs in the table “Other runs”: {', '.join(plan.idle)}.")
    return lines


def _verdict(tables: Sequence[Coverage], noun: str) -> str:
    whole = [table for table in tables if table.whole]
    partly = [table.spec.name for table in tables if table.filled and not table.whole]
    text = f"{len(whole)} of {len(tables)} {noun} covered"
    return f"{text}; partly: {', '.join(partly)}." if partly else f"{text}."
