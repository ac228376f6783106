"""Section `corpus`: the embedded default, or forgeries of the user's own clips."""

from typing import Literal

from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from deepfake_adv.params.base import Section


class Pairs(Section):
    """Pairs of identities per split; each pair gives two originals and eight forgeries."""

    train: int = Field(ge=1, description="For training.")
    val: int = Field(ge=1, description="For validation.")
    test: int = Field(ge=1, description="For tests.")


class Corpus(Section):
    """What the `corpus` stage makes."""

    source: Literal["procedural", "clips", "none"]
    folder: str | None
    seed: int = Field(ge=0, description="Of all that is drawn: heads, scenes, forgeries.")
    pairs: Pairs
    frames: int = Field(ge=6)
    size: int = Field(ge=128, multiple_of=2)
    fps: int = Field(ge=1, description="Frames per second of a clip.")
    max_shorter_side: int = Field(ge=128)
    dfd_pairs: int = Field(ge=0)
    celebdf_pairs: int = Field(ge=0)

    @field_validator("folder")
    @classmethod
    def _clips_lie_somewhere(cls, folder: str | None, others: ValidationInfo) -> str | None:
        if others.data.get("source") == "clips" and not folder:
            raise PydanticCustomError("folder", "must name a folder of video clips, for `source: clips`")
        return folder
