"""FaceForensics++, DFD, Celeb-DF and ImageNet in their own layouts, in miniature.

Videos are rendered and forged by the project's own corpus, so that dlib finds every face; they are 160 pixels wide and
12 to 16 frames long. ImageNet's images are noise.
"""

import shutil
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from deepfake_adv.corpus.build import build
from deepfake_adv.corpus.layout import SUMMARY, forged_path, mask_path, original_path
from deepfake_adv.files import write_text
from deepfake_adv.names import Forgery, Quality

PAIRS: Final = {"train": 2, "val": 1, "test": 2}
CLASSES: Final = 1000  # of ImageNet
ORIGINALS: Final = 2 * sum(PAIRS.values())
EXPECTED: Final = {
    "ffpp": {"real": ORIGINALS, "DF": ORIGINALS, "F2F": ORIGINALS, "FS": ORIGINALS, "NT": ORIGINALS},
    "dfd": {"real": 4, "DFD": 4},
    "celebdf": {"real": 4, "CelebDF": 2},
}
"""Videos by dataset and forgery, at each quality."""

_ACTORS: Final = (("01", "02"), ("03", "04"))


def fabricate(folder: Path, work: Path) -> None:
    """Make the four trees, each once; a killed call continues where it stopped.

    Args:
        folder: Gets FaceForensics++/ (DFD in it), Celeb-DF-v2/ and imagenet/val/, as profiles/paper.yaml names them.
        work: Folder of unfinished work, on the same file system.
    """
    faceforensics = folder / "FaceForensics++"
    if not faceforensics.exists():
        _corpus(faceforensics, 1, PAIRS, work)
    others = work / "others"
    if not (folder / "Celeb-DF-v2").exists():
        if not others.exists():
            _corpus(others, 2, {"train": 2, "val": 1, "test": 1}, work)
        _dfd(others, faceforensics)
        _celebdf(others, work / "Celeb-DF-v2")
        (work / "Celeb-DF-v2").rename(folder / "Celeb-DF-v2")
    shutil.rmtree(others, ignore_errors=True)
    if not (folder / "imagenet").exists():
        shutil.rmtree(work / "imagenet", ignore_errors=True)
        _imagenet(work / "imagenet" / "val")
        (work / "imagenet").rename(folder / "imagenet")


def _corpus(folder: Path, seed: int, pairs: dict[str, int], work: Path) -> None:
    rendered = work / f"rendered-{seed}"
    build(
        rendered, source="procedural", folder=None, seed=seed, pairs=pairs, frames=16, size=160, fps=25,
        max_shorter_side=160, execution={"workers": 0, "engine": "local", "address": None}, scratch=work,
    )  # fmt: skip
    (rendered / SUMMARY).unlink()  # what FaceForensics++ does not have
    shutil.rmtree(rendered / "landmarks")
    folder.parent.mkdir(parents=True, exist_ok=True)
    rendered.rename(folder)


def _dfd(rendered: Path, faceforensics: Path) -> None:
    """28 actors' scenes, here those of four; fakes are named <target>_<source>__<scene>__<id>."""
    reals = faceforensics / "original_sequences/actors/c23/videos"
    fakes = faceforensics / "manipulated_sequences/DeepFakeDetection"
    for pair, actors in enumerate(_ACTORS):
        names = [f"{2 * pair + place:03d}" for place in range(2)]
        for place, actor in enumerate(actors):
            target, source = names[place], names[1 - place]
            _copy(rendered / original_path(Quality.C23, target), reals / f"{actor}__talking_against_wall.mp4")
            fake = f"{actor}_{actors[1 - place]}__talking_against_wall__{pair}{place}MADEUP.mp4"
            _copy(rendered / forged_path(Forgery.DF, Quality.C23, target, source), fakes / "c23/videos" / fake)
            _copy(rendered / mask_path(Forgery.DF, target, source), fakes / "masks/videos" / fake)


def _celebdf(rendered: Path, folder: Path) -> None:
    """Three of celebrities, one of them in no test list, one from YouTube, two fakes."""
    names = ("004", "005", "006", "007")
    reals = ("Celeb-real/id0_0000.mp4", "Celeb-real/id1_0000.mp4", "YouTube-real/00000.mp4", "Celeb-real/id2_0000.mp4")
    for name, place in zip(names, reals, strict=True):
        _copy(rendered / original_path(Quality.C23, name), folder / place)
    fakes = ("Celeb-synthesis/id0_id1_0000.mp4", "Celeb-synthesis/id1_id0_0000.mp4")
    for target, source, place in (("004", "005", fakes[0]), ("005", "004", fakes[1])):
        _copy(rendered / forged_path(Forgery.DF, Quality.C23, target, source), folder / place)
    listed = [*(f"1 {place}" for place in reals[:3]), *(f"0 {place}" for place in fakes)]
    write_text(folder / "List_of_testing_videos.txt", "\n".join([*listed, ""]))


def _imagenet(folder: Path) -> None:
    """A folder per class with one image of noise, named as ILSVRC2012's."""
    rng = np.random.default_rng(0)
    for number in range(CLASSES):
        place = folder / f"n{number:08d}" / f"ILSVRC2012_val_{number + 1:08d}.JPEG"
        place.parent.mkdir(parents=True)
        image = rng.integers(0, 256, (90, 80, 3), np.uint8)
        place.write_bytes(cv2.imencode(".jpg", image)[1].tobytes())


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, target)
