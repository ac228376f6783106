"""P(fake) of crops in memory, and their features."""

import numpy as np
import torch
from numpy.typing import NDArray

from deepfake_adv.data.sampler import covering_clips
from deepfake_adv.detectors.embedding import embed
from deepfake_adv.training.trained import Trained


def score_crops(trained: Trained, crops: NDArray[np.uint8], batch_size: int) -> NDArray[np.float64]:
    """P(fake) per crop ``(N, S, S, 3)`` of a video's frames; a frame of clips has its clip's.

    Raises:
        ValueError: If a score is not finite.
    """
    return score_and_embed(trained, crops, batch_size)[0]


def score_and_embed(
    trained: Trained, crops: NDArray[np.uint8], batch_size: int
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """As `score_crops`, with the features ``(N, C)`` that the scores come from; see `embed`.

    Raises:
        ValueError: If a score is not finite.
    """
    length = trained.detector.clip_length
    device = next(trained.detector.parameters()).device
    clips = covering_clips(len(crops), length)
    scores = np.full(len(crops), np.nan)
    features = np.zeros((len(crops), trained.detector.feature_channels), np.float32)
    for start in range(0, len(clips), batch_size):
        part = clips[start : start + batch_size]
        images = torch.from_numpy(crops[part]).to(device).permute(0, 1, 4, 2, 3).float().div_(255)
        found = embed(trained.detector, images if length > 1 else images[:, 0])
        values, pooled = (each.cpu().numpy() for each in found)
        for column in range(length):
            free = np.isnan(scores[part[:, column]])
            scores[part[free, column]], features[part[free, column]] = values[free], pooled[free]
    if not np.isfinite(scores).all():
        raise ValueError(
            f"scores must be finite; got others from the weights in {trained.folder}. Train the run again, or copy "
            "the folder again."
        )
    return scores, features
