"""Many files: several processes look for faces, one detector scores; one bad file never stops the rest."""

import logging
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from deepfake_adv.prediction.judge import FALSE_POSITIVE_RATE, load_judge
from deepfake_adv.prediction.looking import look_into_files
from deepfake_adv.prediction.media import Limits
from deepfake_adv.prediction.output import FAILED, SCORED, take_up
from deepfake_adv.prediction.people import LookTask, Seen, Watch, content_digest
from deepfake_adv.prediction.predict import BATCH_SIZE, score_seen
from deepfake_adv.prediction.result import ScoreOf, count_faces
from deepfake_adv.prediction.row_file import RowFile
from deepfake_adv.prediction.settings import FaceSettings
from deepfake_adv.sources.checkout import code_digest
from deepfake_adv.sources.closure import entries_of
from deepfake_adv.training.checkpoint import WEIGHTS
from deepfake_adv.training.trained import Trained

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class BatchOptions:
    """How a batch of files is looked at.

    Attributes:
        score_of: See `predict`.
        one_video: See `open_medium`.
        strict: See `open_medium`.
        limits: See `open_medium`.
        workers: Processes that look for faces; 0 for one per core. The detector runs in this one.
        quiet: Show no progress.
        watch: Called for each frame that is read; only where there is one worker, which is this process then.
        false_positive_rate: See `predict`.
    """

    score_of: ScoreOf = "highest"
    one_video: bool = False
    strict: bool = False
    limits: Limits = Limits()  # noqa: RUF009  (frozen)
    workers: int = 0
    quiet: bool = False
    watch: Watch | None = None
    false_positive_rate: float = FALSE_POSITIVE_RATE


def provenance(trained: Trained, settings: FaceSettings, options: BatchOptions) -> dict[str, Any]:
    """What decides a score beside the file: the detector, the code and the params; plain values."""
    entry = trained.record.get("params", {}).get("detector")
    entries = settings.locate.entries() | (entries_of("detector", entry) if entry else set())
    try:
        own = version("deepfake-adv")
    except PackageNotFoundError:
        own = ""
    limits = {"max_frames": options.limits.frames, "max_pixels": options.limits.pixels}
    chosen = {"score_of": options.score_of, "strict": options.strict, "frames_of_one_video": options.one_video}
    rate = {"false_positive_rate": options.false_positive_rate}
    return {
        "detector": {
            "run": trained.record.get("run", ""),
            "condition": trained.condition,
            "seed": trained.seed,
            "sha256": trained.record.get("files", {}).get(WEIGHTS, ""),
        },
        "code": code_digest(Path(__file__), entries),
        "version": own,
        "params": {**settings.params(), **chosen, **rate, **limits},
    }


def predict_all(
    paths: Sequence[Path],
    trained: Trained,
    settings: FaceSettings,
    *,
    options: BatchOptions = BatchOptions(),
    output: Path | None = None,
    batch_size: int = BATCH_SIZE,
) -> Iterator[dict[str, Any]]:
    """A row for every file, those of an earlier call first, the others as they finish.

    Args:
        paths: The files, each once.
        trained: The detector.
        settings: How faces are found and cut.
        options: See `BatchOptions`.
        output: JSON lines, to which each row is added as it is known. Scored rows that are there already, of files
            whose content is the same, are not made again.
        batch_size: Frames (or clips) at a time.

    Raises:
        ValueError: If `output` holds rows of another detector, code or params, or another process writes it.
        OSError: If the disk is full or cannot be written.
    """
    load_judge(trained, options.false_positive_rate)  # a damaged record or a wrong rate stops here, not at every file
    made = provenance(trained, settings, options)
    with ExitStack() as stack:
        rows = None if output is None else stack.enter_context(RowFile(output))
        known = {} if output is None else take_up(output, made)
        waiting = [path for path in paths if not _is_same(path, known.get(str(path), {}).get("sha256"))]
        for path in waiting:
            known.pop(str(path), None)
        if rows is not None:
            rows.keep(known.values())
        yield from (known[str(path)] for path in paths if str(path) in known)
        if len(waiting) < len(paths):
            logger.info("%d of %d files are scored already", len(paths) - len(waiting), len(paths))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="deepfake-adv-")))
        given = {"one_video": options.one_video, "strict": options.strict, "limits": options.limits}
        given |= {"watch": options.watch} if options.watch else {}
        tasks = [
            LookTask(path, settings, trained.image_size, folder / f"{number}.npy", given)
            for number, path in enumerate(waiting)
        ]
        for outcome in look_into_files(tasks, workers=options.workers, silent=options.quiet):
            row = _row(outcome.task, outcome.value, outcome.error, trained, made, options, batch_size)
            if rows is not None:
                rows.add(row)
            yield row


def _row(
    task: LookTask,
    seen: Seen | None,
    error: str | None,
    trained: Trained,
    made: Mapping[str, Any],
    options: BatchOptions,
    batch_size: int,
) -> dict[str, Any]:
    row: dict[str, Any] = {"path": str(task.path), "status": FAILED, "error": error, "score": None, "sha256": None}
    row |= {"trained_on": trained.condition}
    if seen is None:
        row["sha256"] = _digest(task.path)
    else:
        try:
            whole = replace(seen, crops=np.load(task.crops))
            judge = load_judge(trained, options.false_positive_rate)
            found = score_seen(
                whole, trained, task.settings, score_of=options.score_of, batch_size=batch_size, judge=judge
            )
            row |= {**found.to_dict(), "status": SCORED, "error": None}
        except ValueError as problem:
            row |= {
                "error": str(problem),
                "sha256": seen.sha256,
                "faces": count_faces(seen.people),
                "shots": seen.shots,
            }
            row |= {"damage": seen.medium.damage, "notes": list(seen.medium.notes)}
    task.crops.unlink(missing_ok=True)
    return {**row, "provenance": dict(made)}


def _is_same(path: Path, digest: str | None) -> bool:
    """Whether a file still has the content of a row; None where there is no row."""
    return digest is not None and _digest(path) == digest


def _digest(path: Path) -> str | None:
    try:
        return content_digest(path) if path.is_file() or path.is_dir() else None  # a pipe would be waited for
    except (OSError, ValueError):  # it is gone, or cannot be read: the look says so
        return None
