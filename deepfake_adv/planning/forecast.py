"""A profile on a machine, before it starts: every stage's cost and duration in hours, and what would not fit."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deepfake_adv.leftovers import commands
from deepfake_adv.params.schema import Params
from deepfake_adv.planning.calibration import Calibration, Pair, pairs_of
from deepfake_adv.planning.cost import Cost
from deepfake_adv.planning.datapath import data_costs
from deepfake_adv.planning.machine import Machine, readable
from deepfake_adv.planning.rates import Rates
from deepfake_adv.planning.studies import study_costs
from deepfake_adv.planning.training import RunCost, report_costs, run_costs, training_costs
from deepfake_adv.planning.workload import Workload

_HOUR = 3600


@dataclass(frozen=True)
class Line:
    """A stage with its duration in hours; None if it is not known."""

    cost: Cost
    hours: float | None


@dataclass
class Forecast:
    """The cost of a profile on a machine.

    Attributes:
        machine: That it is for.
        jobs: Runs that train in parallel.
        device: Device of the calibration; empty without one.
        lines: One for each stage, in order.
        runs: One for each run.
        misfits: What does not fit the machine, one sentence each.
        notes: What is assumed or unknown, one sentence each.
    """

    machine: Machine
    jobs: int
    device: str
    lines: list[Line] = field(default_factory=list)
    runs: list[RunCost] = field(default_factory=list)
    misfits: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def disk(self) -> float:
        """Bytes of all stages' outputs, as far as known."""
        return sum(line.cost.left or 0 for line in self.lines)


def forecast(
    params: Params,
    workload: Workload,
    rates: Rates,
    machine: Machine,
    *,
    pairs: dict[str, Pair] | None = None,
    calibration: Calibration | None = None,
    jobs: int | None = None,
    copies: bool = False,
    root: Path = Path(),
) -> Forecast:
    """Forecast every stage.

    Args:
        params: Params of a profile.
        workload: Amount of work.
        rates: Measured rates.
        machine: That it is for.
        pairs: The pair of each run; None to compute them, which only a calibration needs.
        calibration: Results for the machine's kind of device; None for none.
        jobs: Runs in parallel; None: as many as there are GPUs, else cores, for.
        copies: Whether DVC's cache holds copies of outputs instead of links.
        root: Folder of the project.

    Raises:
        ValueError: If a run needs more GPUs than the machine has.
    """
    calibration = calibration or Calibration()
    if pairs is None:
        pairs = pairs_of(params) if calibration else {name: Pair("", "", "") for name in params.runs}
    on_gpus = trains_on_gpus(params, machine)
    side = _jobs(params, machine, jobs, on_gpus)
    stages = len(commands(root, params.model_dump(mode="json")))
    runs = run_costs(params, workload, rates, pairs, calibration, stages=stages)
    costs = [
        *data_costs(params, workload, rates, min(params.execution.workers or machine.cores, machine.cores)),
        *training_costs(params, workload, rates, runs, on_gpus=on_gpus, stages=stages),
        *study_costs(params, workload, rates, calibration, on_gpus=on_gpus),
        *report_costs(params, rates, stages),
    ]
    lines = [Line(cost, _hours(cost, params, machine, runs, side, on_gpus)) for cost in costs]
    result = Forecast(machine, side, calibration.device, lines, runs)
    result.misfits = [*_memory(params, machine, lines, side), *_gpu_memory(machine, runs), *_disk(result, copies)]
    result.notes = [*_sources(workload, root, params), *workload.unknown]
    return result


def trains_on_gpus(params: Params, machine: Machine) -> bool:
    """Whether runs use the machine's GPUs.

    Raises:
        ValueError: If they must and it has too few.
    """
    need = params.device
    if need.accelerator == "cpu" or (need.accelerator == "auto" and not machine.gpus):
        return False
    if machine.gpus < need.devices:
        raise ValueError(
            f"device.devices must be at most the GPUs of the machine ({machine.gpus}); got {need.devices}. "
            "Lower it, set device.accelerator to cpu, or pass --gpus."
        )
    return True


def _jobs(params: Params, machine: Machine, jobs: int | None, on_gpus: bool) -> int:
    places = (machine.gpus if on_gpus else machine.cores) // params.device.devices
    return jobs or max(places, 1)


def _hours(
    cost: Cost, params: Params, machine: Machine, runs: Sequence[RunCost], jobs: int, on_gpus: bool
) -> float | None:
    """Duration in hours."""
    if cost.stage in ("train", "score"):
        return _side_by_side(cost.stage, params, machine, runs, jobs, on_gpus)
    if cost.cpu_s is None:
        return None
    asked = params.execution.workers or machine.cores
    cores = min(asked, machine.cores) if cost.parallel else 1
    if cost.stage == "evaluate":
        cores = min(jobs, machine.cores)
    return max(cost.cpu_s / cores, cost.longest_s) / _HOUR


def _side_by_side(
    stage: str, params: Params, machine: Machine, runs: Sequence[RunCost], jobs: int, on_gpus: bool
) -> float | None:
    """Duration of runs on so many slots: at least that of the longest run."""
    spent = []
    for run in runs:
        device, load, start = run.of(stage)
        if device is None:
            return None
        readers = max(min(params.device.workers, machine.cores / jobs), 1)
        spent.append(start + (max(device, load / readers) if on_gpus else device + load))
    places = min(jobs, machine.cores) if not on_gpus else jobs
    return max(max(spent, default=0), sum(spent) / places) / _HOUR


def _memory(params: Params, machine: Machine, lines: Sequence[Line], jobs: int) -> list[str]:
    if machine.memory is None:
        return []
    found = []
    for line in lines:
        need = whole_memory(line.cost, params, machine, jobs)
        if need is not None and need > machine.memory:
            what = {"train": "Lower --jobs or device.workers", "score": "Lower --jobs or device.workers"}
            found.append(
                f"{line.cost.stage} needs {readable(need)} of memory, and the machine has {readable(machine.memory)}. "
                f"{what.get(line.cost.stage, 'Lower execution.workers')}."
            )
    return found


def whole_memory(cost: Cost, params: Params, machine: Machine, jobs: int) -> float | None:
    """Bytes of memory of a stage with everything that runs in parallel."""
    if cost.memory is None:
        return None
    if cost.stage in ("train", "score", "evaluate"):
        return jobs * cost.memory
    asked = params.execution.workers or machine.cores
    workers = min(asked, machine.cores, max(math.ceil(cost.count), 1))
    return cost.memory * (workers if cost.stage in ("corpus", "extract", "locate", "crop") else 1)


def _gpu_memory(machine: Machine, runs: Sequence[RunCost]) -> list[str]:
    room = machine.gpu_memory
    found = []
    for run in runs:
        finding = run.finding
        most = room if room is not None else float(finding.gpu_total_bytes) if finding else None
        if finding and most and finding.gpu_bytes > most:
            found.append((run.name, finding.gpu_bytes, most))
    if not found:
        return []
    name, need, most = max(found, key=lambda each: each[1])
    return [
        f"{len(found)} of {len(runs)} runs need more than a GPU's {readable(most)}; the largest is {name} with "
        f"{readable(need)}. Raise train.accumulate or device.devices."
    ]


def _disk(result: Forecast, copies: bool) -> list[str]:
    need, room = result.disk * (2 if copies else 1), result.machine.disk
    if room is None or need <= room:
        return []
    twice = ", including the copies in DVC's cache" if copies else ""
    return [
        f"the outputs need {readable(need)}{twice}, and {readable(room)} are free. Move the project to a larger disk, "
        "or set crop.encoding to i420."
    ]


def _sources(workload: Workload, root: Path, params: Params) -> list[str]:
    """Where the numbers of videos come from, and the datasets that are not on the disk yet."""
    by_source: dict[str, list[str]] = {}
    for part in workload.parts:
        by_source.setdefault(part.source, []).append(part.name)
    words = {
        "inventory": "numbers of videos are from the inventory",
        "corpus": "numbers of videos are from the section corpus",
        "published": "no inventory yet; numbers of videos are as published, lengths and sizes are means or assumed",
    }
    found = [f"{', '.join(names)}: {words[source]}" for source, names in by_source.items() if names]
    absent = [
        (name, sum(part.listed_megabytes for part in parts) * 1e6)
        for name, parts in workload.datasets().items()
        if any(part.source == "published" for part in parts) and not (root / params.datasets[name].root).exists()
    ]
    known = [f"{name} ({readable(size)})" if size else name for name, size in absent]
    if known:
        found.append(f"not on the disk yet, and not counted in the outputs: {', '.join(known)}")
    return found
