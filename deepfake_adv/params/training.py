"""Sections `runs`, `train`, `score`."""

from typing import Literal

from pydantic import Field

from deepfake_adv.params.base import Section


class Run(Section):
    """One detector trained with one method, once per condition and seed."""

    method: str
    detector: str
    tier: str
    conditions: list[str] = Field(min_length=1)


class Train(Section):
    """The recipe that all runs share, so that a comparison varies one thing."""

    seeds: list[int] = Field(min_length=1)
    image_size: int = Field(ge=16)
    batch_size: int = Field(ge=2, multiple_of=2)
    epochs: int = Field(ge=1)
    steps_per_epoch: int = Field(ge=1)
    learning_rate: float = Field(gt=0)
    adversary_learning_rate: float = Field(gt=0)
    weight_decay: float = Field(ge=0)
    decay_epochs: int = Field(ge=1)
    decay_factor: float = Field(gt=0, le=1)
    precision: Literal["32-true", "bf16-mixed", "16-mixed"]
    cache: Literal["none", "memory"]
    workers: int = Field(ge=0)


class Score(Section):
    """How test frames are scored."""

    batch_size: int = Field(ge=1)
