"""P(fake) of crops in memory."""

import numpy as np
import torch
from numpy.typing import NDArray

from deepfake_adv.data.sampler import covering_clips
from deepfake_adv.detectors.base import fake_probability
from deepfake_adv.training.trained import Trained


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
