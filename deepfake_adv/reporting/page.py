"""The report: one self-contained HTML page, the same bytes for the same inputs."""

import re
from collections.abc import Mapping
from math import ceil
from pathlib import Path
from typing import Any, Final

from markupsafe import Markup

from deepfake_adv.evaluation.run import LEVELS
from deepfake_adv.files import write_text
from deepfake_adv.reporting import evidence
from deepfake_adv.reporting.all_figures import draw_all
from deepfake_adv.reporting.curve_files import write_curves
from deepfake_adv.reporting.dvc_plots import CURVES
from deepfake_adv.reporting.figures.style import INK
from deepfake_adv.reporting.measured import LEVELS_FILE, at_own_quality, read_evaluations
from deepfake_adv.reporting.render import common
from deepfake_adv.reporting.render.grids import load_template
from deepfake_adv.reporting.robustness_tables import CAPTIONS
from deepfake_adv.reporting.shown.base import Inputs, Work
from deepfake_adv.reporting.specs import OTHER_RUNS, load_specs
from deepfake_adv.reporting.summary import summary

_HERE: Final = Path(__file__).parent / "template"
_WORDS: Final = {
    f"{level} {metric}": f"{level.capitalize()}, {word}"
    for level in LEVELS
    for metric, word in (("auc", "AUC"), ("acc", "ACC"), ("ap", "AP"), ("eer", "EER"), ("fpr", "FPR"))
} | {"train": "Trained on", "test": "Tested on"}


def write_report(
    inputs: Inputs,
    report: Path,
    figures: Path,
    *,
    title: str,
    dpi: int,
    runs: Mapping[str, tuple[str, str]],
    baseline: str,
    confidence: float,
    own_corpus: Mapping[str, str],
) -> None:
    """Draw the figures and write the page.

    Args:
        inputs: Folders of everything measured.
        report: The page.
        figures: Folder of the figures.
        title: Of the page.
        dpi: Of the figures' PNGs.
        runs: Runs to report -> their entries of `methods` and of `detectors`; files of other runs are not changed.
        baseline: `methods` entry that others are compared with.
        confidence: Of the evaluations' intervals, in (0, 1).
        own_corpus: Dataset name -> what it is, where this project made it itself.
    """
    evaluations = read_evaluations(inputs.evaluations, runs)
    write_curves(inputs.roc, evaluations, figures / CURVES)
    detectors = {run: runs[run][1] for run in evaluations}
    sections = draw_all(Work(inputs, evaluations, detectors, figures, dpi))
    inventory = evidence.read_table(inputs.inventory / "report.csv")
    page = load_template(_HERE / "page.jinja").render(
        title=title,
        style=Markup((_HERE / "page.css").read_text(encoding="utf-8")),
        script=Markup((_HERE / "page.js").read_text(encoding="utf-8")),
        facts=evidence.facts(evaluations, own_corpus),
        synthetic=evidence.synthetic(evaluations, own_corpus),
        summary=summary(evaluations, runs, baseline=baseline, confidence=confidence),
        confidence=100 * confidence,
        common=common,
        worded=worded,
        strengths=at_own_quality(evidence.strengths(evaluations)),
        levels=at_own_quality(evidence.read_table(inputs.tables / LEVELS_FILE)),
        tables=_tables(inputs.tables),
        sections=sections,
        embed=lambda name: embed(figures, name),
        robustness={name: evidence.read_table(inputs.robustness / f"{name}.csv") for name in CAPTIONS},
        robustness_captions=CAPTIONS,
        inventory=inventory,
        counts=_counts(inventory),
        misses=evidence.misses(inputs.faces, {row[0] for row in inventory[1:]}),
        faceless=evidence.faceless(inputs.faces, {row[0] for row in inventory[1:]}),
        crowded=evidence.crowded(inputs.faces, {row[0] for row in inventory[1:]}),
        provenance=_provenance(evaluations),
    )
    write_text(report, page)


def embed(folder: Path, name: str) -> Markup:
    """A figure for the page: the SVG inline in the page's own ink, its ids made its own."""
    svg = (folder / f"{name}.svg").read_text(encoding="utf-8")
    svg = re.sub(r'<svg [^>]*?viewBox="([^"]*)"[^>]*>', _responsive, svg, count=1)
    for old, new in ((INK, "currentColor"), ('id="', f'id="{name}-'), ('"#', f'"#{name}-'), ("url(#", f"url(#{name}-")):
        svg = svg.replace(old, new)
    return Markup(svg)


def _responsive(head: re.Match[str]) -> str:
    _, _, width, _ = head.group(1).split()
    natural = ceil(float(width))  # labels are drawn for this width; below it the figure scrolls
    style = f"min-width: {natural}px; max-width: {1.5 * natural:.0f}px"
    return (
        f'<svg viewBox="{head.group(1)}" style="{style}" role="img" '
        'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">'
    )


def _tables(folder: Path) -> list[dict[str, Any]]:
    """Fragments of the `tables` stage, the paper's in its order, each with how much of the paper's cells is filled."""
    known = [(spec.file, spec.name, {row.id for row in spec.rows}) for spec in load_specs()]
    found = []
    for file, name, rows_of_paper in [*known, (OTHER_RUNS, "Other runs", set[str]())]:
        rows = evidence.read_table(folder / f"{file}.csv")
        if not rows:
            continue
        row, state = (rows[0].index(head) for head in ("row", "state"))
        states = [line[state] for line in rows[1:] if not rows_of_paper or line[row] in rows_of_paper]
        body = Markup((folder / f"{file}.html").read_text(encoding="utf-8"))
        filled, cells = states.count("measured"), len(states) - states.count("none")
        found.append({"name": name, "file": file, "filled": filled, "cells": cells, "body": body})
    return found


def _counts(rows: list[list[str]]) -> set[str]:
    """Names of the columns that hold whole numbers alone."""
    return {name for name, *values in zip(*rows, strict=True) if all(map(str.isdecimal, values))}


def worded(head: str) -> str:
    """A heading for readers, of a file's column."""
    return _WORDS.get(head, head.replace("_", " ").capitalize())


def _provenance(evaluations: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, str, str, str, str]]:
    """One line per training: run, condition and seed, device, epoch of its weights, data."""
    lines = []
    for run, evaluation in evaluations.items():
        for training, record in evaluation["provenance"]["training"].items():
            data = ", ".join(f"{key} {value}" for key, value in record["data"].items())
            chosen = record.get("weights", record["best"])  # records of older versions have the best alone
            epoch = str(chosen.get("epoch", chosen.get("checkpoint")))
            lines.append((run, training, record["device"], epoch, data))
    return lines
