"""What a detector's scores mean, by the record of its run: evidence, what it rests on, and doubts."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from deepfake_adv.crops.record import FEATURES, REFERENCE
from deepfake_adv.evaluation.support import Support, read_support, read_validation
from deepfake_adv.files import sha256
from deepfake_adv.names import REAL
from deepfake_adv.prediction import doubts
from deepfake_adv.prediction.evidence import SCALE, Evidence, weigh
from deepfake_adv.prediction.familiarity import Familiarity, read_familiarity
from deepfake_adv.prediction.media import Medium
from deepfake_adv.training.trained import Trained

FALSE_POSITIVE_RATE: Final = 0.05
_CONFIDENCE: Final = 0.95
_NUMBER: Final = re.compile(r"\b\d[\d.,]*(e[+-]?\d+)?\b")


@dataclass(frozen=True, eq=False)
class Judge:
    """What is known of a trained detector.

    Attributes:
        condition: What it was trained on.
        support: What its validation videos support; None for a run of an older version.
        familiarity: Features of its validation set; None where they are not known.
        parts: What its training data were, by dataset and quality.
    """

    condition: str
    support: Support | None
    familiarity: Familiarity | None
    parts: Mapping[str, Mapping[str, Any]]

    def weigh(self, score: float, features: NDArray[np.floating]) -> Evidence:
        """The evidence in a person's score, and how like the validation set the face is.

        Args:
            score: P(fake).
            features: ``(N, C)``, one row per scored frame.
        """
        known = self.familiarity is not None and len(features) > 0 and np.isfinite(features).all()
        return weigh(score, self.support, self.familiarity.unlike(features) if known and self.familiarity else None)

    def doubts(self, medium: Medium, side: float, frames: int, evidence: Evidence, rivals: int = 1) -> tuple[str, ...]:
        """Why a file's score may not be trusted, the weightiest first; empty where nothing speaks against it.

        Args:
            medium: The file.
            side: Longer side of the face that decides the file's score, pixels.
            frames: Its scored frames.
            evidence: Its evidence.
            rivals: People among whom its score is the highest.
        """
        if self.support is None:
            return (doubts.OLD,)
        parts = list(self.parts.values())
        found = doubts.about_detector(parts)
        if evidence.unlike is not None and evidence.unlike > 1:
            found.append(doubts.UNLIKE.format(unlike=evidence.unlike))
        found += doubts.about_face(side, frames, self.support.frames, parts)
        found += doubts.about_medium(medium, parts)
        if rivals > 1:
            found.append(f"the score is the highest of {rivals} people's, and the ratio that of one person on trial")
        return tuple(found)

    def basis(self) -> dict[str, Any]:
        """What the numbers rest on, plain values; empty for a run of an older version."""
        if self.support is None:
            return {}
        videos = {name: part.get("videos", {}) for name, part in self.parts.items()}
        forgeries = sorted({kind for counts in videos.values() for kind in counts if kind != REAL})
        origins = {name: part["origin"] for name, part in self.parts.items() if part.get("origin")}
        trained = {"condition": self.condition, "forgeries": forgeries, "videos": videos, "origins": origins}
        return {"trained_on": trained, "validation": self.support.to_dict(), "scale": SCALE}


@lru_cache(maxsize=16)
def load_judge(trained: Trained, false_positive_rate: float = FALSE_POSITIVE_RATE) -> Judge:
    """Read what the run of a detector keeps; once per detector and rate.

    Raises:
        ValueError: If a file is damaged, missing or not the one that run.json records, or the rate is out of range.
    """
    _check_files(trained)
    support = read_support(trained.folder, false_positive_rate, _CONFIDENCE)
    validation = read_validation(trained.folder)
    familiarity = None if validation is None else read_familiarity(trained.folder, validation)
    parts = trained.record.get("training_data") or {}
    return Judge(trained.condition, support, familiarity, parts)


def _check_files(trained: Trained) -> None:
    recorded = trained.record.get("files", {})
    for name in (REFERENCE, FEATURES):
        path = trained.folder / name
        if name in recorded and (not path.exists() or sha256(path) != recorded[name]):
            found = "another content" if path.exists() else "no such file"
            raise ValueError(
                f"{path} must be the file that run.json records (SHA-256 {recorded[name]:.12}…); got {found}. Copy the "
                "folder again, run `dvc checkout`, or train the run again."
            )


def doubts_of(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, int, bool]]:
    """Each kind of doubt: one of its sentences, of how many files it is, and whether they all have this sentence.

    Sentences that differ in their numbers alone are of one kind. The most frequent kind comes first.
    """
    kinds: dict[str, list[str]] = {}
    for row in rows:
        for doubt in row.get("warnings") or ():
            kinds.setdefault(_NUMBER.sub("#", doubt), []).append(doubt)
    told = [(doubts[0], len(doubts), len(set(doubts)) == 1) for doubts in kinds.values()]
    return sorted(told, key=lambda kind: -kind[1])
