"""What the generators' maps do, from the statistics that each run left."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from deepfake_adv.files import read_json
from deepfake_adv.reporting.render.grids import markdown_grid

FOLDER: Final = "maps"
"""In the study's folder: <run>.json, a list with the statistics of each seed; see `studies.maps`."""
_KEYS: Final = ("mean", "between", "within", "at_bound")


def maps_grid(folder: Path, runs: Sequence[str]) -> str:
    """One row per run and label: mean over seeds, and their standard deviation behind ± for the mean sigma.

    Args:
        folder: The study's.
        runs: Names, in the order of the rows; those without a file are left out.

    Returns:
        A Markdown table; empty if no run has left statistics.
    """
    rows = []
    for run in runs:
        path = folder / FOLDER / f"{run}.json"
        seeds = read_json(path) if path.exists() else []
        for label in ("real", "fake"):
            if seeds:
                rows.append(_row(run, label, seeds))
    if not rows:
        return ""
    regions = _regions(folder, runs)
    heads = ["run", "images", "seeds", "mean σ", "between images", "within", "at bound, %", *regions]
    return markdown_grid(heads, rows, labels=2)


def _regions(folder: Path, runs: Iterable[str]) -> list[str]:
    for run in runs:
        path = folder / FOLDER / f"{run}.json"
        for seed in read_json(path) if path.exists() else []:
            return list(seed["real"]["regions"])
    return []


def _row(run: str, label: str, seeds: Sequence[dict[str, Any]]) -> list[str]:
    values = {key: _known([seed[label][key] for seed in seeds]) for key in _KEYS}
    mean = values["mean"]
    shown = "" if not mean else f"{np.mean(mean):.2f} ± {np.std(mean, ddof=1) if len(mean) > 1 else 0:.2f}"
    at_bound = values["at_bound"]
    return [
        run,
        label,
        str(len(seeds)),
        shown,
        *(_text(values[key]) for key in ("between", "within")),
        f"{100 * np.mean(at_bound):.0f}" if at_bound else "",
        *(_text(_known([seed[label]["regions"][name] for seed in seeds])) for name in seeds[0][label]["regions"]),
    ]


def _known(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _text(values: list[float]) -> str:
    return f"{np.mean(values):.2f}" if values else ""
