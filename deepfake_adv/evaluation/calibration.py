"""From a video's score to a likelihood ratio, by what the detector's own validation videos support."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deepfake_adv.evaluation.bounds import empirical_bounds
from deepfake_adv.names import FAKE_LABEL

_SMALLEST: Final = 2.0**-53  # the distance of float64's largest number below 1 from it

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class RatioScale:
    """log10 LR = slope x log-odds of the score + intercept, within bounds.

    LR is P(score | forged as the validation fakes are) / P(score | genuine, as the validation reals are).

    Attributes:
        slope: Powers of ten per nat, at least 0.
        intercept: Powers of ten.
        lower: log10 of the smallest ratio that is stated, at most 0.
        upper: log10 of the largest, at least 0.
        reals: Genuine validation videos it rests on.
        fakes: Forged ones.
        people: Independent genuine and forged ones: several videos of one target count once.
    """

    slope: float
    intercept: float
    lower: float
    upper: float
    reals: int
    fakes: int
    people: tuple[int, int]

    def log10_lr(self, scores: ArrayLike) -> Floats:
        """Ratios of video scores, P(fake) in [0, 1]; same shape."""
        result: Floats = np.clip(self.slope * log_odds(scores) + self.intercept, self.lower, self.upper)
        return result

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        numbers = {name: round(getattr(self, name), 6) for name in ("slope", "intercept", "lower", "upper")}
        return {
            **numbers,
            "videos": {"real": self.reals, "fake": self.fakes},
            "people": {"real": self.people[0], "fake": self.people[1]},
        }


def log_odds(scores: ArrayLike) -> Floats:
    """ln(p / (1 - p)), within +-36.7, where float64 ends."""
    values = np.clip(np.asarray(scores, np.float64), _SMALLEST, 1 - _SMALLEST)
    result: Floats = np.log(values) - np.log1p(-values)
    return result


def calibrate(scores: Floats, labels: NDArray[np.integer], targets: Sequence[str]) -> RatioScale:
    """Fit on validation videos: logistic regression on the log-odds, both classes weighing the same.

    Scikit-learn's default penalty (C = 1) keeps the slope finite where the classes are told apart without error; with
    many videos it is of no weight. A detector that ranks validation fakes below reals gets LR = 1 throughout.

    Args:
        scores: ``(N,)``, P(fake) of each video, finite.
        labels: ``(N,)``, 0 real and 1 fake.
        targets: ``(N,)``, whose video it is.

    Raises:
        ValueError: If a class has no video.
    """
    fake = np.asarray(labels) == FAKE_LABEL
    if not fake.any() or fake.all():
        raise ValueError(
            f"validation videos must be of both classes; got {int((~fake).sum())} real and {int(fake.sum())} fake with "
            "a score. Train the run again with a validation split that has both."
        )
    slope, intercept = _fit(log_odds(scores), fake)
    slope, intercept = (slope / np.log(10), intercept / np.log(10)) if slope > 0 else (0.0, 0.0)
    names = np.asarray(targets)
    people = len(set(names[~fake].tolist())), len(set(names[fake].tolist()))
    stated = slope * log_odds(scores) + intercept
    lower, upper = empirical_bounds(stated, labels, reals=people[0], fakes=people[1])
    return RatioScale(float(slope), float(intercept), lower, upper, int((~fake).sum()), int(fake.sum()), people)


def _fit(log_odds: Floats, fake: NDArray[np.bool_]) -> tuple[float, float]:
    from sklearn.linear_model import LogisticRegression  # here: its import takes longer than a light stage's start

    fitted = LogisticRegression(class_weight="balanced", tol=1e-8).fit(log_odds[:, None], fake)
    return float(fitted.coef_[0, 0]), float(fitted.intercept_[0])
