"""Sections `datasets`, `parts`, `inventory`, `extract`: which videos, and which of their frames."""

from typing import Any, Literal

from pydantic import Field, field_validator

from deepfake_adv.names import Quality
from deepfake_adv.params.base import Distinct, Section
from deepfake_adv.params.entries import check_name


class FrameCounts(Section):
    """Frames sampled per video, and how: evenly in a centred window, or drawn by the video's name (DFD)."""

    train: int = Field(ge=1, description="Of a training video, at most.")
    val: int = Field(ge=1, description="Of a validation video, at most.")
    test: int = Field(ge=1, description="Of a test video, at most.")
    sampling: Literal["even", "random"] = Field(
        description="even: evenly spaced in a centred window; random: drawn by the video's name."
    )


class Dataset(Section):
    """A dataset on disk; ``options`` are its layout's own keys: `Params` of its class in datasets/layouts.

    What most datasets share may be left out: ``forgeries`` are then the layout's own, ``frames`` the paper's.
    """

    layout: str = Field(description="How its folders and lists are read.")
    root: str = Field(description="Its folder, relative to the project or absolute.")
    forgeries: Distinct[str] = Field(
        default_factory=list, description="Which forgeries are read; without the key, the layout's own."
    )
    frames: FrameCounts = FrameCounts(train=270, val=100, test=100, sampling="even")
    options: dict[str, Any] = Field(default_factory=dict, description="The layout's own keys.")

    @field_validator("layout")
    @classmethod
    def _known(cls, layout: str) -> str:
        return check_name("layout", layout, "layout")


class PartSection(Section):
    """One dataset at one quality: the unit of the data path's stages."""

    dataset: str = Field(description="An entry of `datasets`.")
    quality: Quality = Field(description="Its compression.")


class Inventory(Section):
    """Which defects of a dataset are tolerated."""

    missing: Literal["fatal", "tolerated"]
    contradictions: Literal["fatal", "tolerated"]
    max_unreadable_share: float = Field(
        ge=0, le=1, description="Largest share of videos that may be unreadable; they are reported and left out."
    )
    max_frames: int = Field(ge=1)
    max_pixels: int = Field(ge=1)


class Extract(Section):
    """Which frames are sampled, and in which form they are kept."""

    store: Literal["frames", "index"]
    min_frames: int = Field(ge=1)
    max_skipped_share: float = Field(
        ge=0, le=1, description="Largest share of videos that may be skipped; they are reported and left out."
    )
