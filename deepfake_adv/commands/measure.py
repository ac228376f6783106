"""The commands `evaluate` and `compare`: how good detectors are, by scores from elsewhere or on labelled files."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from deepfake_adv.commands.common import PARAMS, Accelerator, ScoreOf, known_locator, limits
from deepfake_adv.evaluation.score_lines import EXPLAINED as SCORES
from deepfake_adv.files import write_json
from deepfake_adv.params.load import load_params
from deepfake_adv.prediction.labelled import EXPLAINED as FILES
from deepfake_adv.prediction.labelled import Configured

if TYPE_CHECKING:
    from deepfake_adv.evaluation.run import Settings

EXPLAINED: Final = (*FILES, *SCORES)

Resamples = Annotated[int, typer.Option(min=0, help="Bootstrap resamples; 0: no intervals.")]
Confidence = Annotated[float, typer.Option(help="Of the intervals, above 0 and below 1.")]
Seed = Annotated[int, typer.Option(min=0, help="Of the resamples.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object, not text.")]
Out = Annotated[Path | None, typer.Option("--output", "--out", help="Also write the JSON object to this file.")]
OF_FILES: Final = "With --detector"


def evaluate(
    scores: Annotated[
        Path | None, typer.Option(help="CSV file with the columns video, label, score; a row per video or frame.")
    ] = None,
    detector: Annotated[
        Path | None, typer.Option(help="A trained or exported detector, such as data/runs/<run>/<condition>/seed<k>.")
    ] = None,
    data: Annotated[
        str | None, typer.Option(help="Labelled files: a CSV file with the columns path, label; or a dataset's name.")
    ] = None,
    threshold: Annotated[
        float | None, typer.Option(help="Scores above it are called fake; 0.5 if all are in [0, 1].")
    ] = None,
    by: Annotated[str | None, typer.Option(help="Measure each value of this column on its own, too.")] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "--out", help="Also write the JSON object to this file; with --detector, a folder."),
    ] = None,
    as_json: AsJson = False,
    resamples: Resamples = 1000,
    confidence: Confidence = 0.95,
    seed: Seed = 0,
    split: Annotated[str, typer.Option(help="train, val, test or all.", rich_help_panel=OF_FILES)] = "test",
    score_of: Annotated[
        ScoreOf,
        typer.Option(
            help="Whose score is a file's: of all people the highest, or the main person's.", rich_help_panel=OF_FILES
        ),
    ] = ScoreOf.highest,
    frames: Annotated[
        int | None,
        typer.Option(
            min=1, help="Frames sampled from a video; default: as the run's test videos.", rich_help_panel=OF_FILES
        ),
    ] = None,
    locator: Annotated[
        str | None,
        typer.Option(
            help="Find faces by another locator than in training; whole: a picture is a face.",
            callback=known_locator,
            rich_help_panel=OF_FILES,
        ),
    ] = None,
    strict: Annotated[
        bool,
        typer.Option("--strict", help="Refuse damaged videos; else what decodes is scored.", rich_help_panel=OF_FILES),
    ] = False,
    min_face: Annotated[
        int, typer.Option(min=1, help="Smaller faces are not scored; pixels.", rich_help_panel=OF_FILES)
    ] = 40,
    min_frames: Annotated[
        int, typer.Option(min=1, help="Sampled frames that must show a person.", rich_help_panel=OF_FILES)
    ] = 2,
    device: Annotated[Accelerator, typer.Option(help="Where the detector runs.", rich_help_panel=OF_FILES)] = (
        Accelerator.auto
    ),
    workers: Annotated[
        int, typer.Option(min=0, help="Processes that find faces; 0: one per core.", rich_help_panel=OF_FILES)
    ] = 0,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress and no log.", rich_help_panel=OF_FILES)] = False,
) -> None:
    """Measure scores from elsewhere, or a detector on labelled files: AUC, AP, EER, accuracy, with intervals.

    With --scores: missing scores are counted; a frame without one is left out, a video without any counts as one that
    says nothing.

    With --detector and --data: files are scored as `predict` does, with faces found and cut as in the detector's
    training. Scores, metrics and a page go to --output, by default a folder in work/evaluations, where a later call
    goes on. The exit code is 0 if all files were scored, else 1.
    """
    settings = _interval_settings(resamples, confidence, seed)
    if scores is not None and detector is None and data is None:
        from deepfake_adv.evaluation.foreign import as_text, evaluate_table
        from deepfake_adv.evaluation.score_table import read_score_table

        found = evaluate_table(read_score_table(scores), settings, threshold=threshold, by=by)
        _show(found, as_text(found), as_json=as_json, output=output)
        return
    if scores is not None or detector is None or data is None:
        named = {"--scores": scores, "--detector": detector, "--data": data}
        got = " and ".join(name for name, value in named.items() if value is not None) or "none of them"
        raise ValueError(f"evaluate must have --scores, or --detector and --data; got {got}. Give one or the other.")
    from deepfake_adv.prediction.evaluate_command import run

    text, done = run(
        detector, data, datasets=_datasets(), split=split, output=output, intervals=settings, threshold=threshold,
        by=by, frames=frames, locator=locator, min_face=min_face, min_frames=min_frames, accelerator=device.value,
        quiet=quiet, limits=limits(), as_json=as_json, score_of=score_of.value, strict=strict, workers=workers,
    )  # fmt: skip
    typer.echo(text)
    if not done:
        raise typer.Exit(1)


def compare(
    first: Annotated[str, typer.Argument(help="A table of scores (.csv), a run's score file (.parquet), or a run.")],
    second: Annotated[str, typer.Argument(help="The same of the other detector.")],
    output: Out = None,
    as_json: AsJson = False,
    resamples: Resamples = 1000,
    confidence: Confidence = 0.95,
    seed: Seed = 0,
) -> None:
    """Compare two detectors on the videos that both have scored: paired bootstrap and DeLong's test.

    Differences are the second's minus the first's. The bootstrap draws identities where the targets and sources of
    videos are known, and training seeds where there are several. Tables of scores are as `evaluate --help` explains.
    """
    from deepfake_adv.evaluation.compare import as_text, load_side
    from deepfake_adv.evaluation.compare import compare as carry_out

    settings = _interval_settings(resamples, confidence, seed)
    found = carry_out(load_side(first), load_side(second), settings)
    _show(found, as_text(found), as_json=as_json, output=output)


def _datasets() -> dict[str, Configured]:
    """The datasets of params.yaml, if there is one here, with the qualities of their parts."""
    if not PARAMS.is_file():
        return {}
    params = load_params("datasets", "parts")
    return {
        name: Configured(
            dataset.layout, dataset.root, dataset.forgeries, dataset.options,
            [part.quality for part in params.parts.values() if part.dataset == name],
        )
        for name, dataset in params.datasets.items()
    }  # fmt: skip


def _interval_settings(resamples: int, confidence: float, seed: int) -> "Settings":
    from deepfake_adv.evaluation.run import Settings

    if not 0 < confidence < 1:
        raise ValueError(f"--confidence must be above 0 and below 1; got {confidence}. Give 0.95 for 95 %.")
    return Settings(resamples, confidence, seed)


def _show(found: dict[str, Any], text: str, *, as_json: bool, output: Path | None) -> None:
    if output is not None:
        write_json(output, found)
    typer.echo(json.dumps(found, indent=2, ensure_ascii=False, allow_nan=False) if as_json else text)
