"""How far a face's features lie from those of the validation set: deep nearest neighbours.

The distance of a feature vector to its k-th nearest neighbour among known ones (Ramaswamy, Rastogi and Shim, SIGMOD
2000; for deep features Sun, Ming, Zhu and Li, "Out-of-Distribution Detection with Deep Nearest Neighbors", ICML 2022).
It assumes no distribution, and a hundred vectors do. Unlike Sun et al. the vectors keep their length: a detector of
noise answers to a camera's with longer ones. docs/meaning.md has the measurement.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file

from deepfake_adv.crops.record import FEATURES
from deepfake_adv.evaluation.support import ValidationVideos

NEIGHBOUR: Final = 1  # k
_SMALLEST: Final = 1e-6

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Familiarity:
    """Features of the validation set, and how far its own videos lie from one another.

    Attributes:
        known: ``(M, C)``.
        usual: Largest distance of a validation video from those of other people.
    """

    known: Floats
    usual: float

    def unlike(self, features: NDArray[np.floating]) -> float:
        """Distance of a face, the mean over its frames' ``(N, C)``, over the usual one; above 1 it is unlike all."""
        return float(_nearest(np.asarray(features, np.float64), self.known).mean() / self.usual)


def read_familiarity(folder: Path, validation: ValidationVideos) -> Familiarity | None:
    """From the files of a trained detector; None where they cannot tell.

    Raises:
        ValueError: If the file is damaged.
    """
    path = Path(folder) / FEATURES
    if not path.exists():
        return None
    try:
        content = load_file(path)
        features, videos = content["features"].astype(np.float64), content["video"]
        people = np.unique(validation.all_targets, return_inverse=True)[1][videos]
    except (SafetensorError, KeyError, IndexError) as error:
        raise ValueError(
            f"{path} must hold features of validation videos; got another content ({error}). Copy the run again, or "
            "train it again."
        ) from error
    known = features[np.isfinite(features).all(1)]
    people, videos = (each[np.isfinite(features).all(1)] for each in (people, videos))
    usual = [_nearest(known[videos == one], known[people != people[videos == one][0]]).mean()
             for one in np.unique(videos) if (people != people[videos == one][0]).any()]  # fmt: skip
    return Familiarity(known, max(max(usual), _SMALLEST)) if usual else None


def _nearest(features: Floats, known: Floats) -> Floats:
    """``(N,)`` distance to the k-th nearest of `known`, or to the farthest where there are fewer."""
    squares = (features**2).sum(1)[:, None] - 2 * features @ known.T + (known**2).sum(1)
    k = min(NEIGHBOUR, len(known)) - 1
    result: Floats = np.sqrt(np.maximum(np.partition(squares, k, axis=1)[:, k], 0))
    return result
