"""One forgery from a configuration: a reference face blended into a real one."""

from enum import IntEnum
from typing import Final, NamedTuple

import numpy as np

from deepfake_adv.methods.sladd.blend import COLOUR_TRANSFERS, mix, moved, share_of_alpha, similarity
from deepfake_adv.methods.sladd.poisson import poisson
from deepfake_adv.methods.sladd.regions import FloatArray, deformed, key_points, region_mask, roughened

LEAST_COVER: Final = 0.005  # a mask below this mean leaves the image as it is
FEATHER: Final = 0.2  # widest feather, share of the mask's longer side


class Kind(IntEnum):
    """How the reference is blended; also the first targets of the type head."""

    ALPHA = 0
    POISSON = 1
    MIX = 2
    NOTHING = 3


ORIGINAL_FAKE: Final = 4  # the type head's target for a dataset's own forgery; `Kind.NOTHING` for an untouched real


class Configuration(NamedTuple):
    """A choice from the forgery configuration pool.

    Attributes:
        region: Index into `regions.REGIONS`.
        kind: Blending.
        magnitude: Share of the reference in the mixture, in (0, 1); used by `Kind.MIX` only.
    """

    region: int
    kind: Kind
    magnitude: float


def usable(points: FloatArray, size: tuple[int, int]) -> bool:
    """Whether landmarks ``(68, 2)`` are all known, distinct, and mostly inside an image of ``size`` (H, W)."""
    if not np.isfinite(points).all():
        return False
    inside = ((points > -0.5) & (points < (size[1] - 0.5, size[0] - 0.5))).all(1).mean()
    return bool(inside > 0.5 and points.std(0).min() > 1)


def forge(
    image: FloatArray,
    points: FloatArray,
    reference: FloatArray,
    reference_points: FloatArray,
    configuration: Configuration,
    rng: np.random.Generator,
) -> tuple[FloatArray, FloatArray] | None:
    """Blend a region of the reference's face into the image.

    The region is drawn and deformed on the reference, then moved with it. The reference's landmarks are its own (the
    seed's code finds them on the first image, with the reference's box). An image whose mask is almost empty stays
    real (the seed labels it fake and does not change it).

    Args:
        image: ``(H, W, 3)`` in [0, 1].
        points: ``(68, 2)`` of the image, px.
        reference: ``(H, W, 3)`` in [0, 1].
        reference_points: ``(68, 2)`` of the reference, px.
        configuration: Region, blending and magnitude.
        rng: Source of the mask's shape, colour transfer and feather.

    Returns:
        The forged image and its mask ``(H, W)``, zeros and ones; None if nothing is to be done or the mask is
        almost empty.
    """
    if configuration.kind is Kind.NOTHING:
        return None
    matrix = similarity(key_points(reference_points), key_points(points))
    outline = deformed(region_mask(reference_points, configuration.region, image.shape[:2]), rng)
    mask = roughened(moved(outline, matrix) > 0, rng)
    if mask.mean() < LEAST_COVER:
        return None
    transfer = COLOUR_TRANSFERS[rng.integers(len(COLOUR_TRANSFERS))]
    face = transfer(moved(reference, matrix), image, mask, points).astype(np.float32)
    if configuration.kind is Kind.POISSON:
        return poisson(face, image, mask), mask
    if configuration.kind is Kind.MIX:
        return mix(face, image, mask * np.float32(configuration.magnitude)), mask
    share = share_of_alpha(mask, rng.uniform(0, FEATHER))
    return mix(face, image, mask * np.float32(share)), mask
