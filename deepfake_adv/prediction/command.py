"""The command `predict`: files in, JSON lines and tables out."""

import logging
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tqdm.contrib.logging import logging_redirect_tqdm

from deepfake_adv.prediction.batch import BatchOptions, predict_all
from deepfake_adv.prediction.inputs import list_inputs
from deepfake_adv.prediction.judge import doubts_of
from deepfake_adv.prediction.media import Limits
from deepfake_adv.prediction.output import SCORED, check_place, one_line, summary, to_line, write_parquet, write_table
from deepfake_adv.prediction.settings import face_settings
from deepfake_adv.training.device import choose_device
from deepfake_adv.training.trained import load_trained

logger = logging.getLogger(__name__)


def run(
    inputs: Sequence[Path],
    detector: Path,
    *,
    output: Path | None,
    csv: Path | None,
    parquet: Path | None,
    report: Path | None,
    annotated: Path | None,
    frames: int | None,
    locator: str | None,
    min_face: int,
    min_frames: int,
    accelerator: str,
    quiet: bool,
    limits: tuple[int, int] | None,
    **options: Any,
) -> bool:
    """Score files; nothing but JSON lines goes to stdout, and those only where `output` is None.

    Args:
        inputs: See `list_inputs`.
        detector: Folder of a trained detector.
        output: File of JSON lines.
        csv: Table to write at the end.
        parquet: Table to write at the end.
        report: Page to write at the end.
        annotated: Folder for copies of the files with boxes and scores drawn, written at the end.
        frames: See `face_settings`.
        locator: See `face_settings`.
        min_face: See `face_settings`.
        min_frames: See `face_settings`.
        accelerator: auto, cpu or cuda.
        quiet: Log errors alone.
        limits: Largest number of frames and of pixels; None for the defaults.
        options: Of `BatchOptions`.

    Returns:
        Whether all files were scored.

    Raises:
        FileNotFoundError: If the detector is missing.
        ValueError: If the detector, an input table, the output of an earlier call, or a place to write to is not as it
            must be.
    """
    for name, path in (("output", output), ("csv", csv), ("parquet", parquet), ("report", report)):
        if path is not None:
            check_place(name, path)
    if annotated is not None:
        check_place("annotate", annotated, folder=True)
    if quiet:
        logging.getLogger().setLevel(logging.ERROR)
    warnings.simplefilter("ignore")  # of libraries; what concerns the user is an error or in the log
    trained = load_trained(detector, choose_device(accelerator))
    settings = face_settings(trained.record, frames=frames, locator=locator, min_face=min_face, min_frames=min_frames)
    paths = list_inputs(inputs, frames_of_one_video=bool(options.get("one_video")))
    chosen = BatchOptions(limits=Limits(*limits) if limits else Limits(), quiet=quiet, **options)
    rows = []
    with logging_redirect_tqdm():  # lines of the log stay above the progress bar
        for row in predict_all(paths, trained, settings, options=chosen, output=output):
            if output is None:
                sys.stdout.write(f"{to_line(row)}\n")
                sys.stdout.flush()
            logger.info("%s", one_line(_told(row)))
            rows.append(row if parquet or report or annotated else {**row, "people": []})
    if csv is not None:
        write_table(csv, rows)
    if parquet is not None:
        write_parquet(parquet, rows)
    if report is not None:
        from deepfake_adv.prediction.page import write_page  # captum: seconds, for those who want a page

        write_page(report, rows, trained, settings, quiet=quiet)
    if annotated is not None:
        from deepfake_adv.prediction.annotate import annotate_all

        annotate_all(rows, annotated, quiet=quiet)
    scored = [row for row in rows if row["status"] == SCORED]
    for doubt, count, same in doubts_of(scored):
        files = "all files" if count == len(rows) else f"{count} of {len(scored)} scored files"
        logger.warning("%s%s: %s", files, "" if same else ", each with its own numbers, such as", doubt)
    logger.info("%s", summary(rows))
    return all(row["status"] == SCORED for row in rows)


def _told(row: dict[str, Any]) -> str:
    """A row as a line of the log."""
    if row["status"] != SCORED:
        return row["error"] if row["path"] in row["error"] else f"{row['path']}: {row['error']}"
    faces = row["faces"]
    others = {"too small": faces["too_small"], "too brief": faces["too_brief"]}
    left_out = "".join(f", {count} {why}" for why, count in others.items() if count)
    damage = f"; damaged: {row['damage']}" if row["damage"] else ""
    scored = f"{faces['scored']} of {faces['seen']} faces scored{left_out}{damage}"
    return f"{row['path']}: {row['score']:.4f}{_worth(row)}, {scored}"


def _worth(row: dict[str, Any]) -> str:
    """The likelihood ratio in numbers and words."""
    worth = row.get("evidence") or {}
    if worth.get("log10_lr") is None:
        return ""
    bound = " (no more can be shown)" if worth["at_bound"] else ""
    return f", likelihood ratio {worth['lr']:.3g}: {worth['words']}{bound}"
