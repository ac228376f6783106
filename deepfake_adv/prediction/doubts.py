"""When not to trust a score: how a file differs from what the detector was trained and calibrated on, in sentences."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from deepfake_adv.prediction.media import Medium

OLD: Final = (
    "the run keeps no record of its validation videos and its data, as those of older versions do: there is no "
    "likelihood ratio and no warning. Train it again"
)
RENDERED: Final = (
    "the detector has seen rendered faces only, none of a camera: on photographed people its score is no evidence"
)
CLIPS: Final = "the detector has seen only forgeries that this software made of a folder of clips, none of others"
UNLIKE: Final = (
    "the face is unlike all that the detector was validated on ({unlike:.1f} times the largest usual distance of its "
    "features): the ratio does not hold for it"
)
_SLACK: Final = 2.0  # a bit rate so many times above or below all that was seen is another

Part = Mapping[str, Any]
"""What training data were; an entry of run.json's training_data."""


def about_detector(parts: Iterable[Part]) -> list[str]:
    """What every answer of a detector must be read with."""
    origins = {str(part.get("origin", "")) for part in parts}
    if origins == {"procedural"}:
        return [RENDERED]
    return [CLIPS] if origins and origins <= {"procedural", "clips"} else []


def about_medium(medium: Medium, parts: Iterable[Part]) -> list[str]:
    """How a file is coded otherwise than the training's videos were; only what both sides know."""
    known = [part for part in parts if part.get("codecs")]
    if not known or not medium.codec:
        return []
    found = []
    codecs = sorted({codec for part in known for codec in part["codecs"]})
    if medium.codec not in codecs:
        found.append(f"the file is coded as {medium.codec}; the training's were {', '.join(codecs)}")
    bits = [part["bits_per_pixel"] for part in known if part.get("bits_per_pixel")]
    if bits and medium.bits_per_pixel and medium.codec in codecs:
        low, high = min(each[0] for each in bits), max(each[-1] for each in bits)
        if not low / _SLACK <= medium.bits_per_pixel <= high * _SLACK:
            found.append(
                f"the file has {medium.bits_per_pixel:.3g} bits per pixel; the training's had {low:.3g} to {high:.3g}"
            )
    return found


def about_face(side: float, frames: int, usual_frames: int | None, parts: Iterable[Part]) -> list[str]:
    """How a face is shown otherwise than the training's were.

    Args:
        side: Longer side of its box, pixels.
        frames: Frames with a score.
        usual_frames: Frames of a validation video's score; None where it is not known.
        parts: What training data were.
    """
    found = []
    sizes = [part["face_px"] for part in parts if part.get("face_px")]
    if sizes:
        low, high = min(each[0] for each in sizes), max(each[-1] for each in sizes)
        if not low <= side <= high:
            found.append(f"the face is {side:.0f} px large; the training's were {low:.0f} to {high:.0f} px")
    if usual_frames and 2 * frames < usual_frames:
        noun = "frame" if frames == 1 else "frames"
        found.append(f"the score is of {frames} {noun}; the ratio was calibrated on means of {usual_frames}")
    return found
