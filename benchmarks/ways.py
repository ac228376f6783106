"""The ways from a video to crops that `preprocess` compares; each returns CPU seconds on one thread."""

import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.clips import Clip
from deepfake_adv.extraction.boxes import find_boxes
from deepfake_adv.extraction.cutting import CropOptions, CropTask, crop_video
from deepfake_adv.extraction.frames import FrameStore
from deepfake_adv.extraction.groups import Group
from deepfake_adv.extraction.tracking import LocateOptions, LocateTask, locate_group
from deepfake_adv.faces.box import official_crop
from deepfake_adv.faces.dlib_hog import DlibHog
from deepfake_adv.video.read import frame_times, read_frames

SHARED = LocateOptions(
    backend="dlib", policy="shared", every=10, smooth=15, landmarks="none", on_miss="interpolate", max_gap=8
)
MARGIN = 1.3


def cpu_seconds(work: Callable[[], object]) -> float:
    """CPU time of this process: other work on the machine counts little."""
    start = time.process_time()
    work()
    return time.process_time() - start


def decode(clip: Clip) -> float:
    """The floor: the wanted frames' planes, one pass, nothing done with them."""
    return cpu_seconds(lambda: [None for _ in read_frames(clip.path, clip.indices)])


def extract(clip: Clip) -> float:
    """Form `index`: time stamps without decoding."""
    return cpu_seconds(lambda: frame_times(clip.path))


def locate_task(clip: Clip, policy: str, output: Path) -> LocateTask:
    """The clip as a group of its own."""
    members = {clip.row.video: clip.indices}
    frames = FrameStore(clip.frames, clip.root).of(clip.row.video)
    group = Group(clip.row.video, clip.row.target, clip.quality, clip.row.frames, "", members, "", frames)
    options = LocateOptions(**{**vars(SHARED), "policy": policy})
    return LocateTask("bench", group, clip.root, options, output)


def locate(clip: Clip, policy: str, output: Path) -> float:
    """Stage `locate` for one video."""
    return cpu_seconds(lambda: locate_group(locate_task(clip, policy, output)))


def crop_task(clip: Clip, encoding: str, boxes: Path, output: Path) -> CropTask:
    """The clip as a task of stage `crop`."""
    options = CropOptions(margin=MARGIN, encoding=encoding, masks=False)
    frames = FrameStore(clip.frames, clip.root).of(clip.row.video)
    ranges = find_boxes(boxes, clip.quality)[clip.row.video]
    return CropTask("bench", clip.quality, clip.row, frames, boxes, ranges, clip.root, options, output)


def crop(clip: Clip, encoding: str, boxes: Path, output: Path) -> float:
    """Stage `crop` for one video: decode, cut, encode, write."""
    return cpu_seconds(lambda: crop_video(crop_task(clip, encoding, boxes, output)))


def usual(clip: Clip, folder: Path, sample: int) -> dict[str, float]:
    """The field's way: wanted frames to PNG at full size, dlib with upsample 1 on each, PNG crops.

    Decoding is measured in whole, the rest on `sample` of the wanted frames and scaled up.

    Returns:
        CPU seconds: `usual` the whole, `detect` dlib's share.
    """
    folder.mkdir(parents=True, exist_ok=True)
    spread = np.linspace(0, len(clip.indices) - 1, min(sample, len(clip.indices))).astype(int)
    chosen = set(clip.indices[spread].tolist())
    pictures: list[tuple[int, NDArray[np.uint8]]] = []

    def read() -> None:
        capture = cv2.VideoCapture(str(clip.path))
        for index in range(int(clip.indices[-1]) + 1):
            done, picture = capture.read()
            if done and index in chosen:
                pictures.append((index, np.asarray(picture, np.uint8)))
        capture.release()

    cv2.setNumThreads(1)
    decoding = cpu_seconds(read)
    writing = cpu_seconds(lambda: [cv2.imwrite(str(folder / f"{index}.png"), picture) for index, picture in pictures])
    locator, found = DlibHog(upsample=1), {}

    def detect() -> None:
        for index, _ in pictures:
            picture = np.asarray(cv2.imread(str(folder / f"{index}.png")), np.uint8)
            found[index] = (picture, locator(np.ascontiguousarray(picture[:, :, ::-1])))

    def cut() -> None:
        for index, (picture, faces) in found.items():
            if faces:
                x, y, side = official_crop(faces[0], picture.shape[1], picture.shape[0], margin=MARGIN)
                cv2.imwrite(str(folder / f"{index}_crop.png"), picture[y : y + side, x : x + side])

    detecting, cutting = cpu_seconds(detect), cpu_seconds(cut)
    scale = len(clip.indices) / len(pictures)
    return {"usual": decoding + scale * (writing + detecting + cutting), "detect": scale * detecting}
