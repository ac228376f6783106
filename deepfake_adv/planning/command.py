"""The answer of `deepfake-adv plan`."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from deepfake_adv.params.schema import Params
from deepfake_adv.planning.calibration import FILE, calibration_for, pairs_of, read_findings
from deepfake_adv.planning.forecast import Forecast, forecast, trains_on_gpus
from deepfake_adv.planning.machine import described, this_machine
from deepfake_adv.planning.rates import Rates, read_rates
from deepfake_adv.planning.studies import study_pairs
from deepfake_adv.planning.text import forecast_dict, forecast_lines
from deepfake_adv.planning.workload import read_workload
from deepfake_adv.reporting.plan import TablePlan, plan, plan_lines

_LOCAL: Final = Path(".dvc/config.local")


@dataclass(frozen=True)
class Question:
    """Options of the command line; None for this machine's own value.

    Attributes:
        cores: CPU cores.
        gpus: Number of GPUs.
        memory: Main memory, as text.
        disk: Free disk space, as text.
        gpu_memory: Memory of one GPU, as text.
        jobs: Runs in parallel.
        device: Part of a calibrated device's name.
        calibrate: Whether to time steps first.
        calibration: File of calibration results.
    """

    cores: int | None = None
    gpus: int | None = None
    memory: str | None = None
    disk: str | None = None
    gpu_memory: str | None = None
    jobs: int | None = None
    device: str | None = None
    calibrate: bool = False
    calibration: Path = FILE


def answer(params: Params, asked: Question, *, runs: bool = False, as_json: bool = False, root: Path = Path()) -> str:
    """The plan of a profile, as text or as one JSON object.

    Args:
        params: Params of the profile.
        asked: Options of the command line.
        runs: Whether to list every run.
        as_json: Whether to answer in JSON.
        root: Folder of the project.

    Raises:
        ValueError: If an option is out of range, a run cannot be placed, or a file is damaged.
        RuntimeError: If a timed step does not fit the device's memory.
    """
    found, rates = reckon(params, asked, root=root)
    covered = plan(params)
    if as_json:
        return json.dumps({**_covered(covered), **forecast_dict(found, params, rates)}, indent=2)
    return "\n".join([*plan_lines(covered, runs=runs), "", *forecast_lines(found, params, rates, runs=runs)])


def reckon(params: Params, asked: Question, *, root: Path = Path()) -> tuple[Forecast, Rates]:
    """The forecast, after a calibration if it is requested; see `answer`."""
    machine = described(
        this_machine(root), cores=asked.cores, gpus=asked.gpus, memory=asked.memory, disk=asked.disk,
        gpu_memory=asked.gpu_memory,
    )  # fmt: skip
    on_gpus = trains_on_gpus(params, machine)
    workload, rates = read_workload(params, root), read_rates()
    pairs = None
    if asked.calibrate:
        from deepfake_adv.planning.calibrate import calibrate  # here, since it imports torch

        pairs = pairs_of(params)
        calibrate(params, [*pairs.values(), *study_pairs(params).values()], path=asked.calibration)
    findings = read_findings(asked.calibration)
    if findings and pairs is None:
        pairs = pairs_of(params)
    timed = [*pairs.values(), *study_pairs(params).values()] if pairs is not None else []
    calibration = calibration_for(timed, findings, gpus=on_gpus, device=asked.device)
    found = forecast(
        params, workload, rates, machine, pairs=pairs, calibration=calibration, jobs=asked.jobs,
        copies=_copies(root), root=root,
    )  # fmt: skip
    return found, rates


def _copies(root: Path) -> bool:
    """Whether DVC's cache may hold copies of outputs: true without hard links and symlinks; few disks have reflinks."""
    path = root / _LOCAL
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    lines = [line.partition("=")[2] for line in text.splitlines() if line.partition("=")[0].strip() == "type"]
    return not any(link in line for line in lines for link in ("hardlink", "symlink"))


def _covered(covered: TablePlan) -> dict[str, Any]:
    tables = [
        {"name": table.spec.name, "cells": table.cells, "filled": table.filled, "runs": table.runs}
        | {"missing": table.missing}
        for table in covered.tables
    ]
    return {"profile": covered.profile, "runs": covered.runs, "tables": tables, "idle": covered.idle}
