"""The pictures of a result: frames with everyone in view, the most telling faces, and where the detector looks.

They are read again from the file, so that a row of an earlier call has them too, and only what is shown is decoded.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from deepfake_adv.crops.codec import cut_rgb, resize
from deepfake_adv.faces.box import FaceBox
from deepfake_adv.prediction.heat import heat_maps
from deepfake_adv.prediction.media import Medium
from deepfake_adv.prediction.settings import FaceSettings
from deepfake_adv.prediction.telling import telling_frames
from deepfake_adv.training.trained import Trained
from deepfake_adv.video.colour import Frame, i420_to_rgb
from deepfake_adv.video.errors import VideoError

PEOPLE: Final = 12  # with pictures, those with the highest scores; a crowd's others are in the table alone
FACE_SIDE: Final = 224  # pixels, at most
VIEW_SIDE: Final = 640
_TEXT: Final = 1.1  # rem
_QUALITY: Final = 82
_COVER: Final = 0.65  # how much of a pixel the heat covers where it is largest

Row = Mapping[str, Any]


@dataclass(frozen=True)
class ShownFace:
    """One frame of one person.

    Attributes:
        frame: Its index in the file.
        score: P(fake).
        picture: The face, a data URI.
        heat: The face under its heat map, a data URI.
    """

    frame: int
    score: float
    picture: str
    heat: str


@dataclass(frozen=True)
class ShownFrame:
    """One whole frame of the file.

    Attributes:
        frame: Its index.
        picture: A data URI.
        width: Of the frame, pixels.
        height: Of the frame, pixels.
        text: Size of a text in it that can be read, pixels.
        boxes: Number of each person in it, from 0, and the face's corners x0, y0, x1, y1 in pixels.
    """

    frame: int
    picture: str
    width: int
    height: int
    text: float
    boxes: tuple[tuple[int, tuple[float, ...]], ...]


@dataclass(frozen=True)
class Exhibits:
    """A file's pictures.

    Attributes:
        view: None where there are none.
        faces: Faces by person's number, from 0.
        heat: What the heat maps are; see `heat_maps`.
        problem: Why there are none; empty where there are.
    """

    view: ShownFrame | None = None
    faces: Mapping[int, tuple[ShownFace, ...]] | None = None
    heat: str = ""
    problem: str = ""


def ranked_people(row: Row) -> list[int]:
    """Numbers of the people who have a score, the highest first."""
    people = row.get("people") or []
    scored = [number for number, one in enumerate(people) if one["score"] is not None and one["frames"]]
    return sorted(scored, key=lambda number: (-people[number]["score"], number))


def gather(row: Row, path: Path, trained: Trained, settings: FaceSettings) -> Exhibits:
    """Read and draw a scored file's pictures; what fails is said in their place.

    Args:
        row: Of `predict_all`.
        path: Where the file is.
        trained: The detector that scored it.
        settings: How its faces were cut.
    """
    people = row["people"]
    ranked = ranked_people(row)[:PEOPLE]
    wanted = {(people[number]["frames"][k]["frame"], number): k
              for number in ranked for k in telling_frames(people[number]["frames"])}  # fmt: skip
    shown = _widest(people, ranked)
    by_frame: dict[int, list[int]] = {shown: []}
    for frame, number in wanted:
        by_frame.setdefault(frame, []).append(number)
    medium = Medium(path, 0, np.empty(0, np.int64), damage=row.get("damage") or "")
    cut: dict[tuple[int, int], NDArray[np.uint8]] = {}
    view = None
    try:
        for frame, planes in medium.read(sorted(by_frame)):
            if frame == shown:
                view = _view(planes, frame, people)
            for number in by_frame[frame]:
                box = people[number]["frames"][wanted[frame, number]]["box"]
                square = settings.crop.square(FaceBox(*box), planes.shape[1], planes.shape[0] * 2 // 3)
                cut[frame, number] = cut_rgb(planes, square)
    except (VideoError, ValueError, OSError) as error:
        return Exhibits(problem=f"Pictures could not be read again: {error}")
    small = np.empty((len(cut), trained.image_size, trained.image_size, 3), np.uint8)
    for crop, out in zip(cut.values(), small, strict=True):
        resize(crop, out)
    heat = heat_maps(trained.detector, small)
    drawn = {key: _face(crop, heat_map) for (key, crop), heat_map in zip(cut.items(), heat.maps, strict=True)}
    faces = {}
    for number in ranked:
        rows = ((key, people[number]["frames"][k]["score"]) for key, k in wanted.items() if key[1] == number)
        faces[number] = tuple(ShownFace(key[0], score, *drawn[key]) for key, score in rows)
    return Exhibits(view, faces, heat.kind)


def _widest(people: Sequence[Row], ranked: Sequence[int]) -> int:
    """The frame that shows most of the people; of several the one in which the first of them scores highest."""
    count: dict[int, int] = {}
    for number in ranked:
        for one in people[number]["frames"]:
            count[one["frame"]] = count.get(one["frame"], 0) + 1
    own = {one["frame"]: one["score"] for one in people[ranked[0]]["frames"]}
    return max(count, key=lambda frame: (count[frame], own.get(frame, -1.0), -frame))


def _view(planes: Frame, frame: int, people: Sequence[Row]) -> ShownFrame:
    rgb = i420_to_rgb(planes)
    boxes = [
        (number, tuple(found["box"]))
        for number, one in enumerate(people)
        for found in one["frames"]
        if found["frame"] == frame
    ]
    text = round(max(rgb.shape[1] / 32, rgb.shape[0] / 22) * _TEXT, 1)  # of the page's 32 x 22 rem
    return ShownFrame(frame, data_uri(_shrunk(rgb, VIEW_SIDE)), rgb.shape[1], rgb.shape[0], text, tuple(boxes))


def _face(crop: NDArray[np.uint8], heat: NDArray[np.float32]) -> tuple[str, str]:
    picture = _shrunk(crop, FACE_SIDE)
    height, width = picture.shape[:2]
    smooth = np.clip(cv2.resize(heat, (width, height), interpolation=cv2.INTER_CUBIC), 0, 1)
    levels = np.round(255 * smooth).astype(np.uint8)
    colours = cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO)[:, :, ::-1]
    cover = _COVER * smooth[:, :, None]
    covered = (picture * (1 - cover) + colours * cover).round().astype(np.uint8)
    return data_uri(picture), data_uri(covered)


def _shrunk(rgb: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    scale = side / max(rgb.shape[:2])
    if scale >= 1:
        return rgb
    size = (max(round(rgb.shape[1] * scale), 1), max(round(rgb.shape[0] * scale), 1))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)


def data_uri(rgb: NDArray[np.uint8]) -> str:
    """A picture ``(H, W, 3)`` uint8 as JPEG in a data URI."""
    done, data = cv2.imencode(".jpg", np.ascontiguousarray(rgb[:, :, ::-1]), (cv2.IMWRITE_JPEG_QUALITY, _QUALITY))
    assert done
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode()
