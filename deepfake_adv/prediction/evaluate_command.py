"""The command `evaluate --detector RUN --data TABLE`: labelled files in, scores, metrics and a page out."""

import json
import logging
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tqdm.contrib.logging import logging_redirect_tqdm

from deepfake_adv.evaluation.run import Settings
from deepfake_adv.prediction.batch import BatchOptions
from deepfake_adv.prediction.evaluate import PAGE, evaluate_files, told
from deepfake_adv.prediction.labelled import Configured, read_labelled
from deepfake_adv.prediction.media import Limits
from deepfake_adv.prediction.output import check_place
from deepfake_adv.prediction.settings import face_settings
from deepfake_adv.training.device import choose_device
from deepfake_adv.training.trained import load_trained

logger = logging.getLogger(__name__)

FOLDER: Final = Path("work/evaluations")


def run(
    detector: Path,
    data: str,
    *,
    datasets: Mapping[str, Configured],
    split: str,
    output: Path | None,
    intervals: Settings,
    threshold: float | None,
    by: str | None,
    frames: int | None,
    locator: str | None,
    min_face: int,
    min_frames: int,
    accelerator: str,
    quiet: bool,
    limits: tuple[int, int] | None,
    as_json: bool,
    **options: Any,
) -> tuple[str, bool]:
    """Evaluate a detector on labelled files.

    Args:
        detector: Folder of a trained or exported detector.
        data: See `read_labelled`.
        datasets: See `read_labelled`.
        split: See `read_labelled`.
        output: Folder of the results; None: one below `FOLDER`, named by the detector and the data.
        intervals: How intervals are made.
        threshold: See `evaluate_table`.
        by: See `evaluate_files`.
        frames: See `face_settings`.
        locator: See `face_settings`.
        min_face: See `face_settings`.
        min_frames: See `face_settings`.
        accelerator: auto, cpu or cuda.
        quiet: Log errors alone.
        limits: Largest number of frames and of pixels; None for the defaults.
        as_json: Give the result as JSON, not as text.
        options: Of `BatchOptions`.

    Returns:
        What to print, and whether all files were scored.

    Raises:
        FileNotFoundError: If the detector or the data are missing.
        ValueError: If one of them, or what an earlier call left in `output`, is not as it must be.
    """
    if quiet:
        logging.getLogger().setLevel(logging.ERROR)
    warnings.simplefilter("ignore")  # of libraries; what concerns the user is an error or in the log
    files = read_labelled(data, datasets, split)
    trained = load_trained(detector, choose_device(accelerator))
    settings = face_settings(trained.record, frames=frames, locator=locator, min_face=min_face, min_frames=min_frames)
    name = f"{trained.record.get('run') or detector.name}-{trained.condition}-seed{trained.seed}-{Path(data).stem}"
    output = output or FOLDER / name
    check_place("output", output, folder=True)
    chosen = BatchOptions(one_video=True, limits=Limits(*limits) if limits else Limits(), quiet=quiet, **options)
    with logging_redirect_tqdm():  # lines of the log stay above the progress bar
        found = evaluate_files(
            files, trained, settings, output,
            data=data, intervals=intervals, options=chosen, threshold=threshold, by=by,
        )  # fmt: skip
    logger.info("%s", output / PAGE)
    shown = json.dumps(found, ensure_ascii=False, indent=2, allow_nan=False) if as_json else told(found)
    return shown, not found["files"]["failed"]
