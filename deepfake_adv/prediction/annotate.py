"""Draws a result into its file: every scored face's box and score, in a copy of the video or picture."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise, zip_longest
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from deepfake_adv.files import atomic_write, fingerprint
from deepfake_adv.log import progress
from deepfake_adv.prediction.output import SCORED
from deepfake_adv.video.colour import Frame, i420_to_rgb, rgb_to_i420
from deepfake_adv.video.errors import VideoError
from deepfake_adv.video.picture import is_picture
from deepfake_adv.video.read import frame_times, read_frames
from deepfake_adv.video.salvage import IntactFrames
from deepfake_adv.video.with_sound import write_with_sound

logger = logging.getLogger(__name__)

Row = Mapping[str, Any]
Drawn = tuple[NDArray[np.float64], float, bool]
"""Corners x0, y0, x1, y1 in pixels, the score, and whether the frame was looked at."""

# Okabe and Ito's colours, which also colour-blind readers tell apart; RGB
COLOURS: Final = ((230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (213, 94, 0), (204, 121, 167))


def annotate_all(rows: Iterable[Row], folder: Path, *, quiet: bool = False) -> int:
    """Write an annotated copy of every scored file; a file that cannot be written is logged and passed over.

    Args:
        rows: Of `predict_all`.
        folder: Where the copies go, named after their files.
        quiet: Show no progress.

    Returns:
        How many were written.

    Raises:
        OSError: If the folder cannot be written.
    """
    scored = [row for row in rows if row["status"] == SCORED]
    names = output_names([Path(row["path"]) for row in scored])
    done = 0
    pairs = progress(zip(scored, names, strict=True), total=len(scored), desc="annotate", unit="files", silent=quiet)
    for row, name in pairs:
        try:
            annotate(row, folder / name)
            done += 1
        except VideoError as error:
            logger.error("%s", error)
    return done


def output_names(paths: Sequence[Path]) -> list[str]:
    """A name for each copy: that of its file, with part of the path's digest where two would be equal."""
    names = [f"{path.stem}.annotated{'.jpg' if is_picture(path) else '.mp4'}" for path in paths]
    folded = [name.casefold() for name in names]
    return [
        name
        if folded.count(name.casefold()) == 1
        else f"{path.stem}.{fingerprint(str(path))[:8]}{''.join(_ends(name))}"
        for name, path in zip(names, paths, strict=True)
    ]


def _ends(name: str) -> Sequence[str]:
    return Path(name).suffixes[-2:]


def annotate(row: Row, output: Path) -> None:
    """Write one annotated copy.

    Boxes of frames that were looked at are thick; in the frames between two of them they are thin, and moved in equal
    steps. Sound is copied where MP4 holds it.

    Args:
        row: A scored row of `predict_all`.
        output: The copy.

    Raises:
        VideoError: If the file cannot be read again.
        OSError: If the copy cannot be written.
    """
    path = Path(row["path"])
    boxes = boxes_by_frame(row)
    if is_picture(path) and not path.is_dir():
        (planes,) = read_frames(path)
        drawn = _drawn(planes, boxes.get(0, {}))
        done, data = cv2.imencode(".jpg", drawn[:, :, ::-1], (cv2.IMWRITE_JPEG_QUALITY, 95))
        assert done
        with atomic_write(output) as temporary:
            temporary.write_bytes(data.tobytes())
        return
    damaged = bool(row.get("damage"))
    source: Iterable[Frame] = IntactFrames(path) if damaged else read_frames(path)
    frames = (rgb_to_i420(_drawn(planes, boxes.get(index, {}))) for index, planes in enumerate(source))
    times = None if damaged else frame_times(path)
    problem = write_with_sound(output, frames, times, sound=None if damaged or path.is_dir() else path)
    if problem:
        logger.warning("%s: the annotated copy is silent: %s", path, problem)


def boxes_by_frame(row: Row) -> dict[int, dict[int, Drawn]]:
    """Of every frame, the faces to draw by person's number.

    Between two of a person's frames that follow each other among those looked at, boxes are interpolated; the score is
    that of the nearer one. Over a longer gap, in which the person was not in view, nothing is drawn.
    """
    looked = sorted({one["frame"] for person in row["people"] for one in person["frames"]} | {*row["frames"]["missed"]})
    following = dict(pairwise(looked))
    found: dict[int, dict[int, Drawn]] = {}
    for number, person in enumerate(row["people"]):
        frames = person["frames"]
        for one, after in zip_longest(frames, frames[1:]):
            start, low = one["frame"], np.array(one["box"], float)
            found.setdefault(start, {})[number] = (low, one["score"], True)
            if after is None or following.get(start) != after["frame"]:
                continue
            end, high = after["frame"], np.array(after["box"], float)
            for frame in range(start + 1, end):
                share = (frame - start) / (end - start)
                score = one["score"] if share <= 0.5 else after["score"]
                found.setdefault(frame, {})[number] = (low + share * (high - low), score, False)
    return found


def _drawn(planes: Frame, boxes: Mapping[int, Drawn]) -> NDArray[np.uint8]:
    rgb = i420_to_rgb(planes)
    unit = max(min(rgb.shape[:2]) / 360, 0.5)  # sizes are for 360 lines, and grow with the frame
    thick = max(round(2 * unit), 1)
    for number, (corners, score, looked_at) in boxes.items():
        colour = COLOURS[number % len(COLOURS)]
        x0, y0, x1, y1 = (round(float(value)) for value in corners)
        cv2.rectangle(rgb, (x0, y0), (x1, y1), colour, thick if looked_at else max(thick // 2, 1), cv2.LINE_AA)
        _write(rgb, f"{number + 1}: {score:.2f}", (x0, y0 - round(5 * unit)), 0.5 * unit, colour, thick)
    return rgb


def _write(
    rgb: NDArray[np.uint8], text: str, at: tuple[int, int], size: float, colour: tuple[int, ...], thick: int
) -> None:
    """Text with a dark outline, moved into the picture."""
    (width, height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, size, thick)
    x = int(np.clip(at[0], 0, max(rgb.shape[1] - width, 0)))
    y = int(np.clip(at[1], height, rgb.shape[0] - 1))
    for tint, width_of in (((0, 0, 0), 3 * thick), (colour, thick)):
        cv2.putText(rgb, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, size, tint, width_of, cv2.LINE_AA)
