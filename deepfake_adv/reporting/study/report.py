"""The study's report, made again from its committed results alone."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from deepfake_adv.files import write_csv, write_text
from deepfake_adv.params.schema import Params
from deepfake_adv.params.training import recipe
from deepfake_adv.reporting.measured import own_corpora
from deepfake_adv.reporting.specs import printed_names
from deepfake_adv.reporting.study.claims import judge, load_protocol
from deepfake_adv.reporting.study.figures import draw_effects, draw_steps
from deepfake_adv.reporting.study.maps import maps_grid
from deepfake_adv.reporting.study.results import Results
from deepfake_adv.reporting.study.text import (
    DIFFERENCE_COLUMNS,
    claims_grid,
    comparisons_grid,
    difference_rows,
    failures,
    secondary,
    secondary_grid,
)
from deepfake_adv.reporting.write_tables import build_tables, write_tables

DETECTOR = "efficientnet"
"""The role of the detector that the claims are about."""
GAME, BASELINE = "two_gen_bat", "baseline"
MADE = ("tables", "figures")


def write_study(params: Params, folder: Path, paper: Path) -> None:
    """Write README.md, differences.csv, tables and figures into the study's folder.

    Args:
        params: The study's profile.
        folder: reports/study, with results/ and evaluation/.
        paper: The paper's own numbers, reports/paper.

    Raises:
        ValueError: If a result is damaged.
    """
    results = read_study(params, folder)
    runs, roles = _runs(params), params.tables.roles
    protocol = load_protocol()
    verdicts = judge(results, protocol)
    found = secondary(results, protocol)
    for name in MADE:
        shutil.rmtree(folder / name, ignore_errors=True)
    write_csv(folder / "differences.csv", DIFFERENCE_COLUMNS, difference_rows(verdicts, found, protocol))
    effects = draw_effects(verdicts, protocol, folder / "figures", dpi=params.report.dpi)
    steps = draw_steps(
        results, protocol, _lengths(params, _detector(params)), ("home", "unseen", "c40"), folder / "figures",
        dpi=params.report.dpi,
    )  # fmt: skip
    tables = build_tables(
        folder / "evaluation",
        None,
        paper,
        runs=runs,
        roles=roles,
        baseline=params.tables.baseline,
        confidence=params.evaluate.confidence,
        names=printed_names(roles, {name: entry.model_dump() for name, entry in params.detectors.items()}),
        own_corpus=own_corpora(params.corpus.source, {name: data.root for name, data in params.datasets.items()}),
    )
    filled = [table for table in tables if table.measured]
    write_tables(filled, folder / "tables")
    done = len(runs) - len(results.missing)
    sections = {
        "Claims": claims_grid(verdicts, protocol) + "\n\n" + _picture("effects", effects),
        "Differences behind the claims": comparisons_grid(verdicts, protocol),
        "Every method against its reference and the controls": secondary_grid(found, protocol)
        + "\n\nIntervals are of one difference alone, without adjustment; nothing is decided by them.",
        "Where the game fails": _listed(failures(found, protocol, GAME), "In none of the columns above is its whole "
        "interval below zero."),
        "What the maps do": maps_grid(folder, list(runs)) or "No run has left statistics of its maps yet.",
        "Length of training": _picture("steps", steps),
        "Tables of the paper": "See [tables](tables/index.md)." if filled else "No table has a run yet.",
        "Runs": f"{done} of {len(runs)} runs are here."
        + (f" Missing: {', '.join(results.missing)}." if results.missing else ""),
    }  # fmt: skip
    write_text(folder / "README.md", _page(params, sections))


def read_study(params: Params, folder: Path) -> Results:
    """The results of the profile's runs in the study's folder, of the detector that the claims are about.

    Raises:
        ValueError: If a result is damaged.
    """
    return Results(folder / "results", _runs(params), detector=_detector(params), roles=params.tables.roles)


def _runs(params: Params) -> dict[str, tuple[str, str]]:
    """Method and detector of each run."""
    return {name: (run.method, run.detector) for name, run in params.runs.items()}


def _detector(params: Params) -> str:
    return params.tables.roles.get(DETECTOR, DETECTOR)


def _page(params: Params, sections: Mapping[str, str]) -> str:
    pairs = params.corpus.pairs
    data = (
        "a corpus that the project renders and forges itself"
        if params.corpus.source == "procedural"
        else "a folder of real clips that the project forges itself"
    )
    head = (
        f"# {params.report.title}\n\nThe protocol, with every rule and term, is "
        "[docs/evidence.md](../../docs/evidence.md). "
        f"The data are {data}: {pairs.train} pairs of identities to train, {pairs.test} to test. Differences are in "
        "points of frame-level AUC. This page is made by `make study-report` from the files in `results` and "
        "`evaluation`.\n"
    )
    return head + "".join(f"\n## {title}\n{text.strip()}\n" for title, text in sections.items())


def _lengths(params: Params, detector: str) -> dict[str, int]:
    """Baselines on NT c23 by the steps of their trainings, which differ from the recipe in length and seeds alone."""
    found = {}
    for run in params.runs.values():
        own = recipe(params.train, run)
        same = own.model_copy(update={"epochs": params.train.epochs, "seeds": params.train.seeds}) == params.train
        if (
            same
            and own.steps_per_epoch
            and run.detector == detector
            and params.methods[run.method].name == BASELINE
            and run.conditions == ["NT_c23"]
        ):
            found[run.method] = own.epochs * own.steps_per_epoch
    return found


def _picture(name: str, drawn: bool) -> str:
    return f"![{name}](figures/{name}.png)" if drawn else "Nothing to draw yet."


def _listed(lines: list[str], otherwise: str) -> str:
    return "\n".join(f"- {each}" for each in lines) or otherwise
