"""Figures of the study: the claims' effects, and how long a training must be."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from deepfake_adv.reporting.figures.style import INK, line, panels, save, styled
from deepfake_adv.reporting.study.claims import Comparison, Protocol, Verdict
from deepfake_adv.reporting.study.results import Results


def draw_effects(verdicts: Sequence[Verdict], protocol: Protocol, folder: Path, *, dpi: int) -> bool:
    """A line per difference of a claim: effect with interval, each seed as a dot, the paper's as a cross."""
    rows = [(verdict, each) for verdict in verdicts for each in verdict.comparisons if each.by_seed]
    if not rows:
        return False
    table: list[list[Any]] = [["claim", "difference", "effect", "low", "high", "paper", "by seed"]]
    with styled():
        figure, (axis,) = panels(1, 1, width=7.5, height=0.9 + 0.32 * len(rows))
        axis.axvline(0, color=INK, linewidth=0.8)
        for place, (verdict, each) in enumerate(rows):
            table.append([verdict.claim.id, f"{each.ours} − {each.other}", *_draw(axis, place, each, protocol)])
        axis.set_yticks(range(len(rows)), [f"{v.claim.id}  {e.ours} − {e.other}" for v, e in rows])
        axis.invert_yaxis()
        axis.set_xlabel("difference of AUC, points: mean and 95 % interval; dots: seeds; cross: paper")
        axis.grid(axis="x")
        save(figure, folder, "effects", table, dpi=dpi)
    return True


def _draw(axis: Any, place: int, each: Comparison, protocol: Protocol) -> list[Any]:
    seeds = list(each.by_seed.values())
    style = line(0)
    axis.plot(seeds, [place] * len(seeds), "o", color=line(6)["color"], markersize=2.5, alpha=0.6)
    low, high = each.interval(protocol.confidence) or (float("nan"), float("nan"))
    mean = float(np.mean(seeds))
    axis.plot([low, high], [place, place], "-", color=style["color"])
    axis.plot([mean], [place], "s", color=style["color"])
    if each.paper is not None:
        axis.plot([each.paper], [place], "x", color=line(1)["color"])
    return [f"{mean:.3f}", f"{low:.3f}", f"{high:.3f}", each.paper, " ".join(f"{seed:.3f}" for seed in seeds)]


def draw_steps(
    results: Results, protocol: Protocol, steps: Mapping[str, int], groups: Sequence[str], folder: Path, *, dpi: int
) -> bool:
    """AUC of the same method after trainings of several lengths, every seed and their mean.

    Args:
        results: Of the study.
        protocol: Its cells.
        steps: Method entry -> steps of its trainings.
        groups: Groups of cells, one line each.
        folder: Where the files go.
        dpi: Of the PNG.
    """
    lengths = sorted((count, method) for method, count in steps.items())
    table: list[list[Any]] = [["cells", "steps", "mean", "by seed"]]
    with styled():
        figure, (axis,) = panels(1, 1, width=5.0, height=3.2)
        for number, name in enumerate(groups):
            points = [(count, results.mean(method, protocol.cells[name])) for count, method in lengths]
            known = [(count, found.measured.values) for count, found in points if found]
            for count, values in known:
                axis.plot([count] * len(values), values, "o", color=line(number)["color"], markersize=2, alpha=0.5)
                table.append([name, count, f"{values.mean():.3f}", " ".join(f"{value:.3f}" for value in values)])
            axis.plot([count for count, _ in known], [v.mean() for _, v in known], label=name, **line(number))
        if len(table) > 1:
            axis.set_xscale("log")
            axis.set_xticks([count for count, _ in lengths], [str(count) for count, _ in lengths], minor=False)
            axis.set_xlabel("steps of training")
            axis.set_ylabel("AUC, percent")
            axis.grid()
            axis.legend()
            save(figure, folder, "steps", table, dpi=dpi)
    return len(table) > 1
