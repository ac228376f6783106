"""A forecast as a table for the terminal, and as JSON."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from deepfake_adv.params.schema import Params
from deepfake_adv.planning.forecast import Forecast, whole_memory
from deepfake_adv.planning.machine import Machine, readable
from deepfake_adv.planning.rates import Rates
from deepfake_adv.reporting.evidence import counted

_COLUMNS = ("stage", "count", "CPU h", "GPU h", "reads", "leaves", "memory", "hours")
_UNKNOWN = "?"


def forecast_lines(forecast: Forecast, params: Params, rates: Rates, *, runs: bool = False) -> list[str]:
    """The forecast as text.

    Args:
        forecast: Forecast of a profile on a machine.
        params: Params of the profile.
        rates: Rates that it was computed with.
        runs: Whether to list every run.
    """
    machine = forecast.machine
    rows = [_COLUMNS]
    for line in forecast.lines:
        cost = line.cost
        memory = whole_memory(cost, params, machine, forecast.jobs)
        rows.append((
            cost.stage, f"{cost.count:,.0f} {cost.unit}", _hours(cost.cpu_s),
            _hours(cost.gpu_s) if cost.gpu_s != 0 else "", _bytes(cost.read), _bytes(cost.left), _bytes(memory),
            _hours(line.hours, 1),
        ))  # fmt: skip
    widths = [max(len(row[k]) for row in rows) for k in range(len(_COLUMNS))]
    lines = [f"on {_machine(machine)}; {counted(forecast.jobs, 'run')} at a time", ""]
    for row in rows:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        lines.append("  ".join(cells).rstrip())
    lines += ["", *_totals(forecast)]
    if runs:
        lines += ["", *_runs(forecast)]
    lines += ["", *(f"Note: {note.rstrip('.')}." for note in _notes(forecast))]
    if rates.sources:
        dates = sorted(source.date for source in rates.sources.values())
        files = ", ".join(sorted({source.file for source in rates.sources.values()}))
        lines.append(f"Rates: measured {dates[0]} to {dates[-1]} (benchmarks/results: {files}).")
    lines += [""] + ([f"Does not fit: {misfit}" for misfit in forecast.misfits] or ["Everything that is known fits."])
    return lines


def forecast_dict(forecast: Forecast, params: Params, rates: Rates) -> dict[str, Any]:
    """The forecast as plain values; None where not known."""
    machine = forecast.machine
    return {
        "machine": asdict(machine),
        "jobs": forecast.jobs,
        "calibrated_on": forecast.device or None,
        "stages": [
            {
                **asdict(line.cost),
                "memory": whole_memory(line.cost, params, machine, forecast.jobs),
                "hours": line.hours,
            }
            for line in forecast.lines
        ],
        "training": {
            run.name: {
                "trainings": run.trainings,
                "device_hours": None if run.device_s is None else run.device_s / 3600,
                "decode_hours": run.load_s / 3600,
                "score_hours": None if run.score_s is None else run.score_s / 3600,
                "gpu_bytes": run.finding.gpu_bytes if run.finding else None,
            }
            for run in forecast.runs
        },
        "disk": forecast.disk,
        "does_not_fit": forecast.misfits,
        "notes": _notes(forecast),
        "rates": {name: asdict(source) for name, source in rates.sources.items()},
    }


def _notes(forecast: Forecast) -> list[str]:
    own = [f"{line.cost.stage}: {line.cost.note}" for line in forecast.lines if line.cost.note]
    return [*own, *forecast.notes]


def _totals(forecast: Forecast) -> list[str]:
    known = [line for line in forecast.lines if line.hours is not None]
    unknown = [line.cost.stage for line in forecast.lines if line.hours is None]
    hours = sum(line.hours or 0 for line in known)
    cpu = sum(line.cost.cpu_s or 0 for line in forecast.lines)
    gpu = sum(line.cost.gpu_s or 0 for line in forecast.lines)
    text = f"{_hours(cpu)} CPU hours" + (f", {_hours(gpu)} GPU hours" if gpu else "")
    lines = [f"Total: {text}, {_hours(hours, 1)} hours of wall-clock time, {readable(forecast.disk)} on the disk."]
    if unknown:
        lines.append(f"Not included, since it is not known: the time of {', '.join(unknown)}.")
    if any(line.cost.stage == "train" and line.hours is None for line in forecast.lines):
        lines.append("How long training takes is not known: run `deepfake-adv plan --calibrate` on such a machine.")
    elif forecast.device:
        lines.append(f"Training is computed from steps timed on {forecast.device}.")
    return lines


def _runs(forecast: Forecast) -> list[str]:
    width = max((len(run.name) for run in forecast.runs), default=0)
    return [
        f"{run.name:<{width}}  {_hours(run.device_s):>8} h training  {_hours(run.score_s):>8} h scoring"
        + (f"  {readable(run.finding.gpu_bytes)} of GPU memory" if run.finding and run.finding.gpu_bytes else "")
        for run in forecast.runs
    ]


def _machine(machine: Machine) -> str:
    words = [counted(machine.cores, "core"), counted(machine.gpus, "GPU")]
    sizes: Mapping[str, float | None] = {"memory": machine.memory, "free disk": machine.disk}
    words += [f"{readable(size)} of {name}" for name, size in sizes.items() if size is not None]
    return ", ".join(words)


def _hours(value: float | None, unit: float = 3600) -> str:
    if value is None:
        return _UNKNOWN
    hours = value / unit
    return f"{hours:,.0f}" if hours >= 100 else f"{hours:.3g}" if hours >= 0.01 else "<0.01"


def _bytes(value: float | None) -> str:
    return _UNKNOWN if value is None else readable(value) if value else ""
