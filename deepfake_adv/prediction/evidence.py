"""A score as evidence: its likelihood ratio, in numbers and words, and what a threshold says of it."""

from dataclasses import dataclass
from typing import Any, Final

from deepfake_adv.evaluation.support import Support

# ENFSI Guideline for Evaluative Reporting in Forensic Science (2015), its example of a verbal scale. Below 2 neither is
# supported.
_SCALE: Final = (
    (1_000_000, "extremely strong"),
    (10_000, "very strong"),
    (1_000, "strong"),
    (100, "moderately strong"),
    (10, "moderate"),
    (2, "weak"),
)
SCALE: Final = "ENFSI 2015"
_ROOM: Final = 1e-9


@dataclass(frozen=True)
class Evidence:
    """What a score is worth.

    Attributes:
        log10_lr: Power of ten of the likelihood ratio: how much more probable such a score is of a face forged as the
            validation fakes are than of a genuine one. None where the run kept no validation scores.
        at_bound: Whether it is the largest or smallest ratio that the number of validation videos supports: the
            evidence may be stronger, but nothing shows that it is.
        words: The ratio in words of the ENFSI scale; empty without a ratio.
        called_fake: Whether the score is above the threshold; None where no threshold keeps the false-positive rate.
        unlike: Distance of the face's features from the validation set's over the largest usual one: above 1 the
            detector has seen nothing like it. None where it is not known.
    """

    log10_lr: float | None
    at_bound: bool
    words: str
    called_fake: bool | None
    unlike: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON; with `lr`, the ratio itself."""
        ratio = None if self.log10_lr is None else float(f"{10**self.log10_lr:.3g}")
        rounded = {name: None if value is None else round(value, 4)
                   for name, value in (("log10_lr", self.log10_lr), ("unlike", self.unlike))}  # fmt: skip
        return {**vars(self), **rounded, "lr": ratio}


def in_words(log10_lr: float) -> str:
    """A likelihood ratio in words: which of the two propositions it supports, and how much."""
    size = 10 ** (abs(log10_lr) + _ROOM)
    strength = next((name for least, name in _SCALE if size >= least), "")
    if not strength:
        return "no support for either"
    return f"{strength} support for a {'forged' if log10_lr > 0 else 'genuine'} face"


def weigh(score: float, support: Support | None, unlike: float | None = None) -> Evidence:
    """The evidence in a score; `support` is None for a run of an older version."""
    if support is None:
        return Evidence(None, False, "", None, unlike)
    known = support.calibration
    ratio = float(known.log10_lr(score))
    at_bound = not known.lower + _ROOM < ratio < known.upper - _ROOM
    limit = support.threshold.score
    return Evidence(ratio, at_bound, in_words(ratio), None if limit is None else score > limit, unlike)
