"""Sizes of datasets as their authors publish them: used by a plan before the dataset is on the disk."""

from typing import Final, NamedTuple

LENGTH: Final = 510.0
"""Frames of a video assumed if not published: as in FaceForensics++, 509,914 in 1,000 originals."""

FRAME: Final = (1280, 720)
"""Width and height assumed if not published; FaceForensics++ has videos of 480 lines and more."""


class Published(NamedTuple):
    """Videos of one kind in one split.

    Attributes:
        forgery: "real" or a `Forgery`.
        split: "train", "val" or "test"; empty: in none of them, so that no later stage takes them.
        videos: How many.
        bytes: Mean size of one video at the requested quality; None if not published.
        frames: Of one video, mean.
        width: Pixels.
        height: Pixels.
        masked: Whether there is a mask video for each.
    """

    forgery: str
    split: str
    videos: int
    bytes: float | None = None
    frames: float = LENGTH
    width: int = FRAME[0]
    height: int = FRAME[1]
    masked: bool = False
