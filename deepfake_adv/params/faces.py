"""Sections `locate`, `crop`, `shard`, `tiers`: from frames to faces in parquet."""

from typing import Literal

from pydantic import Field

from deepfake_adv.params.base import Odd, Section
from deepfake_adv.params.entries import LandmarkerEntry, LocatorEntry


class Locate(Section):
    """How faces are found. A key that some policy, or `on_miss: drop`, does not read has a default."""

    backend: LocatorEntry
    policy: Literal["shared", "official", "fast"]
    every: int = Field(default=10, ge=1)
    smooth: Odd = 15
    landmarks: LandmarkerEntry
    on_miss: Literal["interpolate", "drop"]
    max_gap: int = Field(default=8, ge=0)
    max_pixels: int = Field(ge=100_000)
    warn_missed_share: float = Field(ge=0, le=1)
    max_failed_share: float = Field(ge=0, le=1)


class Crop(Section):
    """How faces are cut and kept."""

    margin: float = Field(ge=1, le=4)
    encoding: Literal["webp", "png", "i420"]
    masks: bool
    max_failed_share: float = Field(
        ge=0, le=1, description="Largest share of videos that may fail in this stage; they are reported and left out."
    )


class Shard(Section):
    """How crops are sorted into manifests."""

    balance: Literal["none", "equal"]
    detected_only: bool
    max_frames: int | None = Field(ge=1)
    leaks: Literal["fatal", "tolerated"]
    seed: int = Field(ge=0, description="Of the crops that `balance: equal` leaves out.")
