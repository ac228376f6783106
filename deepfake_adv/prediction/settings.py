"""How faces of a new file are found and cut: as the detector's training data were, by what its run.json says."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from deepfake_adv.extraction.cutting import CropOptions
from deepfake_adv.extraction.tracking import LocateOptions

logger = logging.getLogger(__name__)

FRAMES: Final = 20
MIN_FACE: Final = 40
MIN_FRAMES: Final = 2
LOCATE: Final = LocateOptions(
    backend="dlib", policy="shared", every=10, smooth=15, landmarks="none", on_miss="interpolate", max_gap=8
)
CROP: Final = CropOptions(margin=1.3, encoding="webp", masks=False)


@dataclass(frozen=True)
class FaceSettings:
    """What decides a file's crops.

    Attributes:
        locate: How faces are found and followed. Landmarks are not looked for: no detector reads them.
        crop: How they are cut.
        frames: Frames sampled per video.
        min_face: Least longer side of a face's box, pixels, in the median over its frames; smaller ones are not
            scored. 40 is what dlib finds with its one doubling.
        min_frames: Sampled frames that must show a person; of a file with fewer frames all. A single find in a video
            is most often no face, and would decide a score that is the highest of all people's.
    """

    locate: LocateOptions
    crop: CropOptions
    frames: int
    min_face: int = MIN_FACE
    min_frames: int = MIN_FRAMES

    def __post_init__(self) -> None:
        for name in ("frames", "min_frames"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1; got {getattr(self, name)}. Use 20 frames, and 2 of them.")

    def params(self) -> dict[str, Any]:
        """Plain values, for the output."""
        numbers = {"frames": self.frames, "min_face": self.min_face, "min_frames": self.min_frames}
        return {"locate": self.locate.section(), "crop": vars(self.crop), **numbers}


def face_settings(
    record: Mapping[str, Any],
    *,
    frames: int | None = None,
    locator: str | None = None,
    min_face: int = MIN_FACE,
    min_frames: int = MIN_FRAMES,
) -> FaceSettings:
    """The settings of a training run.

    Args:
        record: run.json. What it does not say, as those of older versions, has the demo's value; a warning says so.
        frames: Frames per video; None for as many as the run's test videos had.
        locator: Another locator than training had, such as `whole`; None for the same. `whole` cuts without a margin.
        min_face: See `FaceSettings`.
        min_frames: See `FaceSettings`.

    Raises:
        ValueError: If the record is damaged or names what this version does not know.
    """
    made = record.get("faces") or {}
    lacking = [name for name in ("frames", "locate", "crop") if name not in made]
    if lacking:
        logger.warning(
            "the run does not say how its faces were made (%s): taking the defaults, locator dlib and margin %s. "
            "Training it again with this version records it",
            ", ".join(lacking), CROP.margin,
        )  # fmt: skip
    try:
        locate = LocateOptions.of(**made["locate"]) if "locate" in made else LOCATE
        crop = CropOptions(**made["crop"]) if "crop" in made else CROP
        counts = [int(part["test"]) for part in made.get("frames", {}).values()]
        locate.build()
        crop.check()
    except (KeyError, TypeError) as error:
        raise ValueError(
            f"run.json must say under `faces` how crops were made; got another content ({error}). Copy the run again."
        ) from error
    locate = replace(locate, landmarks="none", landmarks_params={})
    if locator is not None and locator != locate.backend:
        logger.warning("faces are found by %s; in training %s found them", locator, locate.backend)
        locate = replace(locate, backend=locator, backend_params={})
        crop = replace(crop, margin=1.0) if locator == "whole" else crop
    return FaceSettings(locate, crop, frames or max(counts, default=FRAMES), min_face, min_frames)
