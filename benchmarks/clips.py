"""Clips to measure with: real or rendered faces on a 480p and a 720p canvas, coded as c23 and c40."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import cycle, islice
from pathlib import Path
from types import MappingProxyType

import cv2
import numpy as np
from numpy.typing import NDArray

from deepfake_adv.corpus.render.take import film
from deepfake_adv.datasets.videos import VideoRow, format_rows
from deepfake_adv.extraction.frames import TABLE, VIDEOS, frame_table, write_frame_table
from deepfake_adv.names import REAL, Quality, Split
from deepfake_adv.video.colour import i420_to_rgb, rgb_to_i420
from deepfake_adv.video.encode import write_h264
from deepfake_adv.video.read import probe, read_frames

CRF = {Quality.C23: 23, Quality.C40: 40}
ALL_CRF = {Quality.RAW: 0, **CRF}
RENDERED = 60  # distinct frames of a rendered face; played to and fro

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Clip:
    """A coded clip and its frames folder in the form `index`."""

    path: Path
    root: Path
    frames: Path
    row: VideoRow
    indices: NDArray[np.int64]
    height: int
    quality: str

    @property
    def name(self) -> str:
        """Its kind: what results are grouped by."""
        return f"{self.height}p_{self.quality}"


def make_clips(
    output: Path,
    *,
    source: Path | None,
    count: int,
    heights: list[int],
    frames: int,
    wanted: int,
    first: int = 0,
    crf: Mapping[Quality, int] = MappingProxyType(CRF),
    distinct: int = RENDERED,
) -> list[Clip]:
    """Encode `count` faces at every height and quality.

    Args:
        output: Folder to write into.
        source: Folder of videos to take faces from; None to render them.
        first: Of the videos, the largest being 0, or of the rendered identities.
        count: Faces.
        heights: Of the 16:9 canvas, pixels.
        frames: Per clip.
        wanted: Frames sampled from each, evenly.
        crf: Of each quality.
        distinct: Frames that are rendered of a face.

    Raises:
        ValueError: If `source` holds fewer videos.
    """
    clips = []
    for number, pictures in enumerate(_faces(source, first, count, distinct)):
        for height in heights:
            canvas = [rgb_to_i420(_on_canvas(picture, height)) for picture in pictures]
            for quality, rate in crf.items():
                kind = output / f"{height}p_{quality}"
                path = kind / "root" / f"{number:03d}.mp4"
                path.parent.mkdir(parents=True, exist_ok=True)
                write_h264(path, islice(cycle(canvas + canvas[::-1]), frames), crf=rate)
                clips.append(as_part(path, kind / f"frames-{number:03d}" / quality, wanted, height, quality))
    return clips


def as_part(path: Path, folder: Path, wanted: int, height: int, quality: str) -> Clip:
    """A coded clip with the frames folder that `extract` would leave of it."""
    facts = probe(path)
    indices = np.linspace(0, facts.frames - 1, min(wanted, facts.frames)).astype(np.int64)
    row = VideoRow(
        f"{REAL}/{path.stem}", 0, REAL, Split.TRAIN, path.stem, "", path.name, "", path.stat().st_size, path.stem,
        facts.frames, facts.fps, facts.width, facts.height, "ok", "",
    )  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    write_frame_table(folder / TABLE, frame_table([(row, indices.tolist(), (indices / facts.fps).tolist())]))
    (folder / VIDEOS).write_text(format_rows([row]), encoding="utf-8")
    return Clip(path, path.parent, folder, row, indices, height, quality)


@cache
def _rendered(identity: int, frames: int) -> list[Picture]:
    return [picture for picture, _ in film(1, identity, frames=frames, size=480, fps=25.0)]


def _faces(source: Path | None, first: int, count: int, distinct: int) -> Iterator[list[Picture]]:
    if source is None:
        for identity in range(first, first + count):
            yield _rendered(identity, distinct)
        return
    facts = {path: probe(path) for path in sorted(source.iterdir())}
    # the largest first: an enlarged picture is smooth, so it decodes faster than real ones do
    chosen = sorted(facts, key=lambda path: (-min(facts[path].width, facts[path].height), path.name))[first:][:count]
    if len(chosen) < count:
        raise ValueError(f"{source} must hold {first + count} videos; got {len(facts)}. Lower --count.")
    for path in chosen:
        yield [i420_to_rgb(planes) for planes in read_frames(path, range(min(facts[path].frames, 150)))]


def _on_canvas(picture: Picture, height: int) -> Picture:
    """Scale to the canvas's height before a stretched copy upside down, which moves as scenes do and is no face."""
    width = height * 16 // 9 // 2 * 2
    scale = height / picture.shape[0]
    middle = cv2.resize(picture, (round(picture.shape[1] * scale), height), interpolation=cv2.INTER_AREA)
    middle = middle[:, max(middle.shape[1] - width, 0) // 2 :][:, :width]
    canvas = cv2.resize(picture[::-1], (width, height), interpolation=cv2.INTER_CUBIC)
    left = (width - middle.shape[1]) // 2
    canvas[:, left : left + middle.shape[1]] = middle
    return np.asarray(canvas, np.uint8)
