"""P(fake) of one image or video; faces are located, cropped and scored as in the pipeline."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from deepfake_adv.crops.codec import cut_rgb, resize
from deepfake_adv.data.sampler import covering_clips
from deepfake_adv.detectors.base import fake_probability
from deepfake_adv.extraction.sampling import even_indices
from deepfake_adv.faces.box import FaceBox, official_crop
from deepfake_adv.faces.pick import pick_track
from deepfake_adv.faces.registry import build_locator
from deepfake_adv.training.device import choose_device
from deepfake_adv.training.trained import Trained, load_trained
from deepfake_adv.video.colour import i420_to_rgb
from deepfake_adv.video.read import probe, read_frames

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class FrameScore:
    """A frame with its face and P(fake)."""

    frame: int
    box: FaceBox
    score: float


@dataclass(frozen=True)
class Prediction:
    """A detector's scores of a file.

    Attributes:
        path: The file.
        score: P(fake), the mean over its frames.
        frames: Per frame with a face.
        missed: Frames without a face.
        trained_on: Training condition of the detector.
    """

    path: Path
    score: float
    frames: tuple[FrameScore, ...]
    missed: tuple[int, ...]
    trained_on: str

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        frames = [{"frame": one.frame, "box": list(one.box[:4]), "score": one.score} for one in self.frames]
        found = {"path": str(self.path), "score": self.score, "trained_on": self.trained_on}
        return {**found, "frames": frames, "missed": list(self.missed)}


def predict(
    path: Path | str,
    trained: Trained | Path | str,
    *,
    frames: int = 20,
    margin: float = 1.3,
    backend: str = "dlib",
    accelerator: str = "auto",
    batch_size: int = 32,
) -> Prediction:
    """Score an image, a video, or a folder of a video's frames.

    The locator searches every sampled frame. Of several faces the one that is largest over the frames is followed, and
    a frame without it counts as missed.

    Args:
        path: The file or folder.
        trained: A trained detector, or its folder <run>/<condition>/seed<k>.
        frames: Frames sampled from a video, as the pipeline samples.
        margin: Side of the square over the face box's longer side; as in training.
        backend: Key of LOCATORS.
        accelerator: auto, cpu or cuda; for a detector that is yet to be loaded.
        batch_size: Frames (or clips) at a time.

    Raises:
        FileNotFoundError: If the file or the detector is missing.
        ValueError: If the file cannot be read or shows no face, or the detector is damaged.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"input must be an image or video; found none at {path}. Check the path.")
    detector = trained if isinstance(trained, Trained) else load_trained(trained, choose_device(accelerator))
    indices, planes = _frames(path, frames)
    locate = build_locator(backend)
    faces = [locate(i420_to_rgb(each)) for each in planes]
    picked = pick_track(faces).faces if max(map(len, faces)) > 1 else [0 if boxes else None for boxes in faces]
    chosen = {place: faces[place][face] for place, face in enumerate(picked) if face is not None}
    seen = list(chosen)
    missed = tuple(int(index) for place, index in enumerate(indices) if place not in chosen)
    if not seen:
        raise ValueError(
            f"input must show a face; {backend} found none in {path} (frames searched: {len(planes)}). "
            "Try another backend."
        )
    crops = np.empty((len(seen), detector.image_size, detector.image_size, 3), np.uint8)
    for crop, (place, box) in zip(crops, chosen.items(), strict=True):
        height, width = planes[place].shape[0] * 2 // 3, planes[place].shape[1]
        resize(cut_rgb(planes[place], official_crop(box, width, height, margin=margin)), crop)
    scores = score_crops(detector, crops, batch_size)
    rows = zip(seen, chosen.values(), scores, strict=True)
    found = tuple(FrameScore(int(indices[place]), box, float(score)) for place, box, score in rows)
    return Prediction(path, float(scores.mean()), found, missed, detector.condition)


def _frames(path: Path, count: int) -> tuple[Sequence[int], list[NDArray[np.uint8]]]:
    indices = even_indices(probe(path).frames, count)
    return [int(index) for index in indices], list(read_frames(path, indices))


@torch.inference_mode()
def score_crops(trained: Trained, crops: NDArray[np.uint8], batch_size: int) -> NDArray[np.float64]:
    """P(fake) per crop ``(N, S, S, 3)`` of a video's frames; a frame of clips has its clip's.

    Raises:
        ValueError: If a score is not finite.
    """
    length = trained.detector.clip_length
    device = next(trained.detector.parameters()).device
    clips = covering_clips(len(crops), length)
    scores = np.full(len(crops), np.nan)
    for start in range(0, len(clips), batch_size):
        part = clips[start : start + batch_size]
        images = torch.from_numpy(crops[part]).to(device).permute(0, 1, 4, 2, 3).float().div_(255)
        logits = trained.detector(images if length > 1 else images[:, 0])
        values = fake_probability(logits).cpu().numpy()
        for column in range(length):
            free = np.isnan(scores[part[:, column]])
            scores[part[free, column]] = values[free]
    if not np.isfinite(scores).all():
        raise ValueError(
            f"scores must be finite; got others from the weights in {trained.folder}. Train the run again, or copy "
            "the folder again."
        )
    return scores
