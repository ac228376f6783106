"""Bootstrap replicates in JSON: small enough to keep, so that tables can compare runs without scores.

A metric's replicates are fractions in [0, 1], kept as 16-bit integers (steps of 1/65534,
0.0015 points of a percent) in base64; the last code marks an undefined resample.
"""

import base64
from typing import Final

import numpy as np
from numpy.typing import NDArray

_TOP: Final = 65534
_UNDEFINED: Final = 65535


def pack(replicates: NDArray[np.float64]) -> str:
    """Encode fractions; NaN is kept.

    Raises:
        ValueError: If a value is outside [0, 1].
    """
    defined = np.isfinite(replicates)
    if (replicates[defined] < -1e-9).any() or (replicates[defined] > 1 + 1e-9).any():
        span = f"{np.nanmin(replicates)} to {np.nanmax(replicates)}"
        raise ValueError(f"replicates must be in [0, 1]; got {span}. Pass fractions, not percent.")
    codes = np.full(replicates.shape, _UNDEFINED, dtype="<u2")
    codes[defined] = np.rint(np.clip(replicates[defined], 0, 1) * _TOP)
    return base64.b64encode(codes.tobytes()).decode("ascii")


def unpack(text: str) -> NDArray[np.float64]:
    """Decode what `pack` made."""
    codes = np.frombuffer(base64.b64decode(text), dtype="<u2")
    return np.where(codes == _UNDEFINED, np.nan, codes / _TOP)


def over_seeds(per_seed: list[NDArray[np.float64]], seed: int) -> NDArray[np.float64]:
    """Replicates of the mean over training seeds, the seeds drawn with replacement as well.

    Seeds and videos are crossed, not nested: every seed is tested on the same videos. So a resample draws both, each on
    its own: its videos hold for all of its seeds, and its seeds for all of its videos (the pigeonhole bootstrap, Owen,
    Ann. Appl. Stat. 1, 2007). That adds the variance between trainings to that between videos, and counts what is
    particular to a seed on a video more than once: intervals are rather too wide than too narrow in this part.

    Of S seeds, S - 1 are drawn, which makes the variance of their mean unbiased (McCarthy and Snowden, The Bootstrap
    and Finite Population Sampling, 1985; Rao and Wu, JASA 83, 1988); S draws of three seeds would leave out a third of
    it. The quantiles of few seeds stay about those of a normal distribution, where Student's are wider.

    Args:
        per_seed: ``(resamples,)`` of each seed, from the same draws of videos.
        seed: Of the draws of seeds; equal draws pair two runs of equally many seeds.
    """
    stacked = np.stack(per_seed)
    seeds = len(stacked)
    result: NDArray[np.float64]
    if seeds == 1:
        result = stacked[0]
        return result
    chosen = np.random.default_rng([seed, seeds]).integers(seeds, size=(seeds - 1, stacked.shape[1]))
    result = np.take_along_axis(stacked, chosen, axis=0).mean(axis=0)
    return result
