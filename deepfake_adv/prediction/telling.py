"""Which of a person's frames a reader should look at."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

HIGHEST: Final = 3
APART: Final = 12  # a person's frames over the distance between two that are shown


def telling_frames(frames: Sequence[Mapping[str, Any]]) -> list[int]:
    """Positions of the frames with the highest scores, and last the one with the lowest, to compare with.

    Neighbours look alike: those that are chosen are apart, while there are others.

    Args:
        frames: Of one person, in order, each with its `score`.
    """
    order = sorted(range(len(frames)), key=lambda position: (-frames[position]["score"], position))
    distance = len(frames) // APART
    chosen: list[int] = []
    for position in order:
        if len(chosen) < HIGHEST and all(abs(position - other) > distance for other in chosen):
            chosen.append(position)
    if order and order[-1] not in chosen:
        chosen.append(order[-1])
    return chosen
