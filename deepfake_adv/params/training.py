"""Sections `runs`, `train`, `score`, and `device`, which decides where they are executed."""

from typing import Any, Literal, Self

from pydantic import Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from deepfake_adv.params.base import OneOrMore, Section
from deepfake_adv.params.sentences import sentences


class Tests(Section):
    """What a run is scored on: test conditions, and frames of each test video; null for all."""

    conditions: OneOrMore[str] | None = Field(
        default=None, description="Test conditions, such as NT_c23; null: every one that there is."
    )
    frames: int | None = Field(default=None, ge=1, description="Frames of a test video; null: all that were sampled.")

    __test__ = False  # not a test class, whatever pytest thinks of the name


class Run(Section):
    """One detector trained with one method, once per condition and seed.

    `train` replaces keys of the section `train` for this run alone. `test` limits what the run is scored on.
    """

    method: str = Field(description="An entry of `methods`.")
    detector: str = Field(description="An entry of `detectors`.")
    tier: str = Field(description="The manifest that it reads: one of `tiers`.")
    conditions: OneOrMore[str] = Field(
        description="Training conditions, such as NT_c23; one detector is trained on each."
    )
    train: dict[str, Any] = Field(default={}, description="Keys of the section `train` that this run replaces.")
    test: Tests = Field(default=Tests())


class Train(Section):
    """The recipe that runs share, so that comparisons vary one thing; a run may replace keys of it."""

    seeds: OneOrMore[int] = Field(description="One training for each; the results are means over them.")
    image_size: int = Field(ge=16)
    batch_size: int = Field(ge=2, multiple_of=2)
    accumulate: int = Field(ge=1)
    epochs: int = Field(ge=1, description="Of `steps_per_epoch` steps each; the detector is validated after each.")
    sampling: Literal["draws", "pairs", "full"]
    steps_per_epoch: int | None = Field(ge=1)
    pool: int = Field(default=64, ge=1)  # read by sampling: full alone
    flip: bool
    optimizer: Literal["radam", "adamw"]
    learning_rate: float = Field(gt=0, description="Of the detector's optimiser.")
    adversary_learning_rate: float = Field(gt=0, description="Of the generator's optimiser, where a method has one.")
    weight_decay: float = Field(ge=0, description="Of both optimisers.")
    decay_epochs: int = Field(ge=1)
    decay_factor: float = Field(
        gt=0, le=1, description="What the learning rates are multiplied by; see `decay_epochs`."
    )
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


def recipe(train: Train, run: Run) -> Train:
    """The recipe of one run: the section `train` with the keys that the run replaces.

    Raises:
        ValueError: If the run names an unknown key, or a value is out of range.
    """
    return Train.read({**train.model_dump(), **run.train}) if run.train else train


def recipe_faults(train: Train, run: Run, *above: str) -> list[str]:
    """Errors in the keys that a run replaces, one sentence each.

    Args:
        train: The section.
        run: The run.
        above: Keys of params.yaml above the run's `train`.
    """
    try:
        Train.model_validate({**train.model_dump(), **run.train})
    except ValidationError as error:
        return sentences(error, Train, *above)
    return []


class Score(Section):
    """How test frames are scored."""

    batch_size: int = Field(ge=1, description="Frames at a time; changes the speed.")
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = Field(description="Of the arithmetic.")
    corrupt: Literal["fail", "skip"]


class Device(Section):
    """Where and how fast detectors train and score; it never changes results, so no stage tracks it."""

    accelerator: Literal["auto", "cpu", "cuda"]
    devices: int = Field(ge=1)
    nodes: int = Field(ge=1, description="Machines for one run.")
    strategy: Literal["auto", "ddp"]
    channels_last: bool = Field(description="Keep the channels of a pixel together in memory, which is often faster.")
    compile: bool
    cache: Literal["none", "memory"]
    workers: int = Field(ge=0)
    checkpoint_minutes: float = Field(gt=0)
    checkpoint_steps: int = Field(ge=0)
    dvclive: bool
