"""Which of several faces in view is the one: by the forgery's mask, else by continuity."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from deepfake_adv.faces.box import FaceBox, iou

# Two steps of full overlap outweigh any difference in size: a passer-by near the camera does not take over.
_CONTINUITY: Final = 2.0


def pick_track(candidates: Sequence[Sequence[FaceBox]], scores: Sequence[Sequence[float]] | None = None) -> list[int]:
    """Choose one face per frame so that the faces are large and follow one another.

    Dynamic programming over the frames: the sum of each face's own score and of twice the IoU of
    neighbours is largest. Ties go to the locator's first box.

    Args:
        candidates: Per frame its faces, at least one.
        scores: Per frame a score of each face, about 0 to 1, such as its overlap with the forgery's
            mask; None for its side over the video's largest.

    Returns:
        Per frame the index of the chosen face.
    """
    if not candidates:
        return []
    if scores is None:
        largest = max(box.side for faces in candidates for box in faces)
        scores = [[box.side / largest for box in faces] for faces in candidates]
    best = np.array(scores[0], dtype=float)
    came_from: list[np.ndarray] = []
    for previous, faces, own in zip(candidates, candidates[1:], scores[1:], strict=False):
        step = best[:, None] + _CONTINUITY * np.array([[iou(a, b) for b in faces] for a in previous])
        came_from.append(step.argmax(axis=0))
        best = step.max(axis=0) + np.array(own, dtype=float)
    chosen = [int(best.argmax())]
    for pointers in reversed(came_from):
        chosen.append(int(pointers[chosen[-1]]))
    return chosen[::-1]
