"""What a detector says of a file: a score for each person in view, and one for the file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from deepfake_adv.faces.box import FaceBox
from deepfake_adv.prediction.evidence import Evidence
from deepfake_adv.prediction.people import TOO_BRIEF, TOO_SMALL, PersonSeen

ScoreOf = Literal["highest", "main"]


def count_faces(people: Sequence["PersonSeen | PersonScore"]) -> dict[str, int]:
    """How many people were seen, and what became of them; one after a cut counts anew."""
    return {
        "seen": len(people),
        "scored": sum(not one.left_out for one in people),
        "too_small": sum(one.left_out == TOO_SMALL for one in people),
        "too_brief": sum(one.left_out == TOO_BRIEF for one in people),
        "lost_at_cuts": sum(one.at_cut for one in people),
    }


@dataclass(frozen=True)
class FrameScore:
    """A frame with its face and P(fake).

    Attributes:
        frame: Absolute index in the file.
        box: The face, pixels.
        detected: Whether the locator found it here; otherwise it lies between two frames in which it did.
        score: P(fake).
    """

    frame: int
    box: FaceBox
    detected: bool
    score: float


@dataclass(frozen=True)
class PersonScore:
    """One person in one shot.

    Attributes:
        score: P(fake), the mean over the frames; None where the person is not scored.
        left_out: Why not: too small, too brief; empty where the person is scored.
        shot: Number of the shot, from 0.
        at_cut: Whether a cut ended the track: the same person may be another one here after it.
        side: Longer side of the face's box, pixels, median over its frames.
        frames: Those with a score.
        evidence: What the score is worth; None where the person is not scored.
    """

    score: float | None
    left_out: str
    shot: int
    at_cut: bool
    side: float
    frames: tuple[FrameScore, ...]
    evidence: Evidence | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        frames = [
            {"frame": one.frame, "box": [round(value, 2) for value in one.box[:4]], "detected": one.detected,
             "score": one.score}
            for one in self.frames
        ]  # fmt: skip
        own = {name: value for name, value in vars(self).items() if name not in ("frames", "evidence")}
        worth = self.evidence and self.evidence.to_dict()
        return {**own, "side": round(self.side, 1), "evidence": worth, "frames": frames}


@dataclass(frozen=True)
class Prediction:
    """A detector's scores of a file.

    Attributes:
        path: The file.
        score: P(fake) of one person: the highest, or the main one's; never a mean over several people.
        people: Everyone in view, in order of their first frame.
        sampled: Frames that were looked at.
        missed: Those of them in which nobody who is scored has a face.
        shots: Number of shots in them.
        damage: What is wrong with the file; empty where it is whole.
        notes: What else a reader may want to know of the file.
        sha256: Of the file.
        trained_on: Training condition of the detector.
        evidence: What the score is worth: that of the person whose score it is.
        basis: What that rests on: training data, validation videos, bounds, threshold; plain values.
        warnings: Why the score may not be trusted, the weightiest first; one sentence each, without a full stop.
    """

    path: Path
    score: float
    people: tuple[PersonScore, ...]
    sampled: tuple[int, ...]
    missed: tuple[int, ...]
    shots: int
    damage: str
    notes: tuple[str, ...]
    sha256: str
    trained_on: str
    evidence: Evidence | None = None
    basis: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def faces(self) -> dict[str, int]:
        """See `count_faces`."""
        return count_faces(self.people)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "path": str(self.path),
            "sha256": self.sha256,
            "score": self.score,
            "evidence": self.evidence and self.evidence.to_dict(),
            "basis": dict(self.basis),
            "warnings": list(self.warnings),
            "trained_on": self.trained_on,
            "faces": self.faces(),
            "people": [one.to_dict() for one in self.people],
            "frames": {"sampled": len(self.sampled), "missed": list(self.missed)},
            "shots": self.shots,
            "damage": self.damage,
            "notes": list(self.notes),
        }
