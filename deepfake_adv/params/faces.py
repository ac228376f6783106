"""Sections `locate`, `crop`, `shard`, `tiers`: from frames to faces in parquet."""

from typing import Literal

from pydantic import Field

from deepfake_adv.params.base import Section


class Locate(Section):
    """How faces are found."""

    backend: str
    policy: Literal["shared", "official", "fast"]
    every: int = Field(ge=1)
    smooth: int = Field(ge=1)
    landmarks: Literal["none", "dlib", "face_alignment"]
    on_miss: Literal["interpolate", "drop"]


class Crop(Section):
    """How faces are cut and kept."""

    margin: float = Field(ge=1, le=4)
    encoding: Literal["webp", "png", "i420"]
    masks: bool


class Shard(Section):
    """How crops are sorted into manifests."""

    balance: Literal["none", "equal"]
    seed: int = Field(ge=0)
