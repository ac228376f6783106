"""Calibration plots: what likelihood ratios were stated, and what the test videos bear out."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from deepfake_adv.reporting.figures.style import legend_below, line, panels, save, styled

_COLUMNS: Final = 4

Tests = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""Test condition -> run -> its entry `ratios` of an evaluation."""


def draw_calibration(tests: Tests, folder: Path, *, dpi: int, name: str = "calibration") -> bool:
    """One panel per test condition, one line per run: log10 LR as found (pool adjacent violators) over as stated.

    On the diagonal ratios are what they say. Where one class is missing from a block its ratio is unbounded; the line
    then ends at what half a video more in each class would give.

    Args:
        tests: What to draw; conditions without any block are left out.
        folder: Where the files go.
        dpi: Of the PNG.
        name: Of the figure.
    """
    drawn = {test: found for test, runs in tests.items()
             if (found := {run: each["plot"] for run, each in runs.items() if each["plot"]})}  # fmt: skip
    if not drawn:
        return False
    with styled():
        across = min(_COLUMNS, len(drawn))
        figure, axes = panels(-(-len(drawn) // across), across, width=2.4, height=2.45, sharex=True, sharey=True)
        table: list[list[Any]] = [["condition", "run", "stated log10 LR", "found log10 LR", "real", "fake"]]
        order = list(dict.fromkeys(run for found in drawn.values() for run in found))
        reach = 0.1
        for axis, (test, found) in zip(axes, drawn.items(), strict=False):
            for run, blocks in found.items():
                seen = found_ratios(blocks)
                stated = [block[0] for block in blocks]
                reach = max([reach, *map(abs, stated), *map(abs, seen)])
                axis.plot(stated, seen, label=run, **line(order.index(run)))
                table += [[test, run, block[0], ratio, *block[1:]] for block, ratio in zip(blocks, seen, strict=True)]
            axis.set_title(test)
            axis.grid(True)
        for axis in axes[: len(drawn)]:
            axis.plot([-reach, reach], [-reach, reach], color="#7a7a7a", lw=0.7, ls=":")
        for axis in axes[len(drawn) :]:
            axis.set_visible(False)
        for axis in axes[max(len(drawn) - across, 0) : len(drawn)]:
            axis.set_xlabel("stated log10 LR")
            axis.tick_params(labelbottom=True)
        axes[0].set_ylabel("found log10 LR")
        legend_below(figure, axes[: len(drawn)])
        save(figure, folder, name, table, dpi=dpi)
    return True


def found_ratios(blocks: Sequence[Sequence[float]]) -> list[float]:
    """log10 LR of each block [stated, reals, fakes], with half a video more of each class where one is missing."""
    _, reals, fakes = (np.array(column, float) for column in zip(*blocks, strict=True))
    room = 0.5 * ((reals == 0) | (fakes == 0))
    found = np.log10((fakes + room) / fakes.sum() / ((reals + room) / reals.sum()))
    return [round(float(value), 4) for value in found]


def draw_costs(tests: Tests, folder: Path, *, dpi: int, name: str = "cllr") -> bool:
    """Cllr of each run by test condition: a filled mark with its interval, and an open one for the least possible.

    Args:
        tests: As for `draw_calibration`; conditions without a cost are left out.
        folder: Where the files go.
        dpi: Of the PNG.
        name: Of the figure.
    """
    drawn = {test: found for test, runs in tests.items()
             if (found := {run: each for run, each in runs.items() if each["cllr"]["value"] is not None})}  # fmt: skip
    if not drawn:
        return False
    runs = list(dict.fromkeys(run for found in drawn.values() for run in found))
    with styled():
        figure, (axis,) = panels(1, 1, width=max(1.15 * len(drawn), 3.2) + 1.4, height=2.9)
        named: set[str] = set()
        table: list[list[Any]] = [["condition", "run", "Cllr", "low", "high", "Cllr min"]]
        for place, (test, found) in enumerate(drawn.items()):
            for index, run in enumerate(runs):
                if run not in found:
                    continue
                cost, least = found[run]["cllr"], found[run]["cllr_min"]
                x = place + (index - (len(runs) - 1) / 2) * 0.8 / max(len(runs), 1)
                look = {"color": line(index)["color"], "marker": line(index)["marker"], "linestyle": ""}
                if cost["low"] is not None:
                    axis.plot([x, x], [cost["low"], cost["high"]], color=look["color"], lw=1)
                axis.plot([x], [cost["value"]], label=None if run in named else run, **look)
                named.add(run)
                axis.plot([x], [least], markerfacecolor="none", **look)
                table.append([test, run, cost["value"], cost["low"], cost["high"], least])
        axis.axhline(1, color="#7a7a7a", lw=0.7, ls=":")
        axis.set_xticks(range(len(drawn)), list(drawn), rotation=20, ha="right")
        axis.set_ylabel("Cllr (open: least)")
        axis.set_ylim(bottom=0)
        axis.grid(True, axis="y")
        legend_below(figure, [axis])
        save(figure, folder, name, table, dpi=dpi)
    return True
