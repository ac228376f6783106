"""Sections `runs`, `train`, `score`, and `device`, which decides where they are executed."""

from typing import Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from deepfake_adv.params.base import OneOrMore, Section


class Run(Section):
    """One detector trained with one method, once per condition and seed."""

    method: str
    detector: str
    tier: str
    conditions: OneOrMore[str]


class Train(Section):
    """The recipe that all runs share, so that comparisons vary one thing."""

    seeds: OneOrMore[int]
    image_size: int = Field(ge=16)
    batch_size: int = Field(ge=2, multiple_of=2)
    accumulate: int = Field(ge=1)
    epochs: int = Field(ge=1)
    sampling: Literal["draws", "pairs", "full"]
    steps_per_epoch: int | None = Field(ge=1)
    pool: int = Field(default=64, ge=1)  # read by sampling: full alone
    flip: bool
    optimizer: Literal["radam", "adamw"]
    learning_rate: float = Field(gt=0)
    adversary_learning_rate: float = Field(gt=0)
    weight_decay: float = Field(ge=0)
    decay_epochs: int = Field(ge=1)
    decay_factor: float = Field(gt=0, le=1)
    decay_weight_decay: bool
    early_stop: int = Field(ge=0)
    checkpoint: Literal["best", "last", "averaged"] = "best"
    averaged_share: float = Field(default=0.5, gt=0, le=1)  # read by checkpoint: averaged alone
    validation_frames: int = Field(ge=0)
    precision: Literal["32-true", "bf16-mixed", "16-mixed"]
    sync_batchnorm: bool
    corrupt: Literal["fail", "skip"]

    @model_validator(mode="after")
    def _draws_end(self) -> Self:
        if self.steps_per_epoch is None and self.sampling != "full":
            told = {"sampling": self.sampling, "got": None}
            raise PydanticCustomError("steps", "steps_per_epoch must be a number where sampling is {sampling}", told)
        return self

    @model_validator(mode="after")
    def _average_is_complete(self) -> Self:
        if self.checkpoint == "averaged" and self.early_stop:
            told = {"got": self.early_stop}
            raise PydanticCustomError("early_stop", "early_stop must be 0 where checkpoint is averaged", told)
        return self


class Score(Section):
    """How test frames are scored."""

    batch_size: int = Field(ge=1)
    precision: Literal["32-true", "bf16-mixed", "16-mixed"]
    corrupt: Literal["fail", "skip"]


class Device(Section):
    """Where and how fast detectors train and score; it never changes results, so no stage tracks it."""

    accelerator: Literal["auto", "cpu", "cuda"]
    devices: int = Field(ge=1)
    nodes: int = Field(ge=1)
    strategy: Literal["auto", "ddp"]
    channels_last: bool
    compile: bool
    cache: Literal["none", "memory"]
    workers: int = Field(ge=0)
    checkpoint_minutes: float = Field(gt=0)
    checkpoint_steps: int = Field(ge=0)
    dvclive: bool
