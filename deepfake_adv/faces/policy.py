"""The three policies: in which frames to look for a face, and at which size."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True)
class Policy:
    """How one video's faces are found.

    Attributes:
        shared: One track is used for a source video, its forgeries and all qualities.
        every: Detect on every n-th sampled frame, and between two of these if they disagree.
        agree: Smallest IoU at which two of these agree; else the frame in the middle is examined too. A HOG detector's
            box that is one step larger has an IoU of 0.69.
        same: Smallest IoU of one face in one shot; otherwise the interval is halved again, down to the cut.
        scale: Every picture is scaled by this factor before the locator receives it.
        smooth: Width of the running mean over a track, in sampled frames; 1 for none.
        first: Take the locator's first box, as FaceForensics++'s script does, even if it is another person's.
    """

    shared: bool
    every: int
    agree: float
    same: float
    scale: float
    smooth: int
    first: bool


POLICIES: Final[Mapping[str, Policy]] = MappingProxyType(
    {
        "shared": Policy(shared=True, every=10, agree=0.6, same=0.5, scale=1.0, smooth=15, first=False),
        # FaceForensics++'s rule: every frame by itself
        "official": Policy(shared=False, every=1, agree=0.0, same=0.0, scale=1.0, smooth=1, first=True),
        # half size, and dlib does not enlarge it: misses faces below 160 px
        "fast": Policy(shared=True, every=10, agree=0.6, same=0.5, scale=0.5, smooth=15, first=False),
    }
)


def build_policy(name: str, *, every: int, smooth: int) -> Policy:
    """A policy with the user's stride and smoothing; `official` has neither.

    Raises:
        ValueError: If the name is unknown or a number is out of range.
    """
    if name not in POLICIES:
        raise ValueError(
            f"policy must be one of {', '.join(POLICIES)}; got {name!r}. Fix locate.policy in params.yaml."
        )
    if every < 1:
        raise ValueError(f"every must be at least 1; got {every}. Use 10, or 1 for every sampled frame.")
    if smooth < 1 or smooth % 2 == 0:
        raise ValueError(f"smooth must be odd and at least 1; got {smooth}. Use 15, or 1 for no smoothing.")
    policy = POLICIES[name]
    return policy if policy.first else replace(policy, every=every, smooth=smooth)
