"""One video's crops: decoded once, cut by its boxes, encoded without loss, each with its mask."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from deepfake_adv.crops.codec import ENCODERS, cut_rgb, encode_crop, encode_mask
from deepfake_adv.crops.files import write_rows
from deepfake_adv.datasets.videos import VideoRow
from deepfake_adv.extraction.boxes import CORNERS, RowRanges, read_boxes
from deepfake_adv.extraction.frames import VideoFrames
from deepfake_adv.faces.box import FaceBox, Square, official_crop
from deepfake_adv.files import write_json
from deepfake_adv.video.errors import VideoError
from deepfake_adv.video.read import read_frames

Planes = NDArray[np.uint8]


@dataclass(frozen=True)
class CropOptions:
    """What decides the crops, in addition to frames and boxes: section `crop` of params.yaml.

    Attributes:
        margin: Side of the square over the face box's longer side.
        encoding: "webp", "png" or "i420".
        masks: Whether forgery masks are stored.
    """

    margin: float
    encoding: str
    masks: bool

    def square(self, face: FaceBox, width: int, height: int) -> Square:
        """What is cut around a face from a frame of this size, in pixels.

        Raises:
            ValueError: If the face lies outside of the frame.
        """
        return official_crop(face, width, height, margin=self.margin, even=self.encoding == "i420")

    def check(self) -> None:
        """Check the options.

        Raises:
            ValueError: If the margin is below 1 or the encoding unknown.
        """
        if self.margin < 1:
            raise ValueError(f"margin must be at least 1; got {self.margin}. FaceForensics++ uses 1.3.")
        if self.encoding not in ENCODERS:
            raise ValueError(
                f"encoding must be one of {', '.join(ENCODERS)}; got {self.encoding!r}. "
                "Correct crop.encoding in params.yaml."
            )


@dataclass(frozen=True, eq=False)
class CropTask:
    """One video to cut, with everything that this needs: no table that grows with the videos is read for each."""

    dataset: str
    quality: str
    row: VideoRow
    frames: VideoFrames
    boxes: Path
    ranges: RowRanges  # of the video's own rows in `boxes`
    root: Path
    options: CropOptions
    output: Path

    @property
    def report(self) -> Path:
        """File of the video's `CropReport`."""
        return self.output.with_suffix(".json")


@dataclass(frozen=True)
class CropReport:
    """A video's line of the stage's report.

    Attributes:
        video: Its id.
        asked: Sampled frames.
        cut: Crops.
        dropped: Frames without a box, or with a box outside the frame.
        undetected: Crops cut by an interpolated or repeated box.
        masks_missing: Crops of a fake without its mask.
        failed: 1 if the video failed; then none of its frames is cut or dropped.
        note: What went wrong.
    """

    video: str
    asked: int
    cut: int = 0
    dropped: int = 0
    undetected: int = 0
    masks_missing: int = 0
    failed: int = 0
    note: str = ""


def crop_video(task: CropTask) -> None:
    """Cut one video; writes its crops and its report. A worker runs this.

    Raises:
        ValueError: If its frames were not located.
        VideoError: If it cannot be read.
    """
    asked = task.frames.indices.tolist()
    boxes = read_boxes(task.boxes, task.ranges)
    unknown = [frame for frame in asked if frame not in boxes]
    if unknown:
        raise ValueError(
            f"{task.row.video} must be located at every sampled frame; got no row for {unknown[:5]}. "
            "Run `dvc repro locate`."
        )
    notes: set[str] = set()
    rows = list(_crop_rows(task, {frame: boxes[frame] for frame in asked}, notes))
    lost = sum(row["mask"] is None for row in rows) if task.options.masks and task.row.mask_path else 0
    if lost and not notes:
        notes.add("mask video is missing or ends early")
    report = CropReport(
        task.row.video,
        asked=len(asked),
        cut=len(rows),
        dropped=len(asked) - len(rows),
        undetected=sum(not row["detected"] for row in rows),
        masks_missing=lost,
        note="; ".join(sorted(notes)),
    )
    write_json(task.report, vars(report))
    write_rows(task.output, rows)  # last, as it marks the video as done


def _crop_rows(task: CropTask, boxes: Mapping[int, dict[str, Any]], notes: set[str]) -> Iterator[dict[str, Any]]:
    """A row of CROP_SCHEMA per frame with a face in it, in the order of `boxes`; adds what went wrong to `notes`."""
    wanted = [frame for frame, box in boxes.items() if box["x0"] is not None]
    times = dict(zip(task.frames.indices.tolist(), task.frames.times.tolist(), strict=True))
    masks = _masks(task, wanted)
    for frame, planes in task.frames.read(wanted) if wanted else ():
        mask = next(masks, None)
        height, width = planes.shape[0] * 2 // 3, planes.shape[1]
        face = FaceBox(*(boxes[frame][corner] for corner in CORNERS))
        try:
            square = task.options.square(face, width, height)
        except ValueError as error:
            notes.add(str(error))
            continue
        if mask is not None and mask.shape != planes.shape:
            notes.add(
                f"mask of {mask.shape[1]} x {mask.shape[0] * 2 // 3} px left out, as the frame has {width} x {height}"
            )
            mask = None
        yield _crop_row(task, frame, times[frame], planes, mask, square, boxes[frame])


def _crop_row(
    task: CropTask, frame: int, time: float, planes: Planes, mask: Planes | None, square: Square, box: dict[str, Any]
) -> dict[str, Any]:
    """One row of CROP_SCHEMA."""
    row, encoding = task.row, task.options.encoding
    name = f"{row.video}/{frame:06d}"
    suffix = "png" if encoding == "i420" else encoding
    stored_mask = None
    if mask is not None:
        gray = np.asarray(cv2.cvtColor(cut_rgb(mask, square), cv2.COLOR_RGB2GRAY), np.uint8)
        stored_mask = {"bytes": encode_mask(gray), "path": f"{name}_mask.png"}
    points = box["landmarks"]
    if points is not None:
        points = (np.reshape(points, (-1, 2)) - [square.x, square.y]).ravel()
    return {
        "image": {"bytes": encode_crop(planes, square, encoding), "path": f"{name}.{suffix}"},
        "mask": stored_mask,
        "video": row.video,
        "frame": frame,
        "time": time,
        "label": row.label,
        "forgery": row.forgery,
        "quality": task.quality,
        "split": row.split,
        "dataset": task.dataset,
        "target": row.target,
        "source": row.source or None,
        "box_x": square.x,
        "box_y": square.y,
        "box_side": square.side,
        **{f"face_{corner}": box[corner] for corner in CORNERS},
        "detected": box["detected"],
        "width": planes.shape[1],
        "height": planes.shape[0] * 2 // 3,
        "encoding": encoding,
        "landmarks": points,
    }


def _masks(task: CropTask, frames: Sequence[int]) -> Iterator[Planes | None]:
    """The mask of each frame; ends where the mask video ends or cannot be decoded."""
    if not (task.options.masks and task.row.mask_path and frames):
        return
    try:
        yield from read_frames(task.root / task.row.mask_path, frames, masks=True)
    except VideoError:
        return
