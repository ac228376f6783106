"""Sections `attack`, `robustness`, `examples`: studies of trained networks beyond scoring."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from deepfake_adv.params.base import Distinct, Odd, Rule, Section
from deepfake_adv.params.entries import AttackEntry


class AttackImages(Section):
    """Images to attack: identities of the manifest's real faces, or any folder of images per class."""

    source: Literal["identities", "folder"]
    folder: str | None = Field(description="Folder with a folder of images for each class, for `source: folder`.")
    count: int = Field(ge=2, description="Images that are attacked, evenly drawn; all where there are fewer.")
    image_size: int = Field(ge=16, description="Side of the images, pixels.")
    batch_size: int = Field(ge=1, description="Images at a time.")

    @field_validator("folder")
    @classmethod
    def _images_lie_somewhere(cls, folder: str | None, others: ValidationInfo) -> str | None:
        if others.data.get("source") == "folder" and not folder:
            raise PydanticCustomError("folder", "must name a folder of images per class, for `source: folder`")
        return folder


class ClassifierEntry(Section):
    """One classifier of timm's; the entry's name is the column of Tables VII, XII to XIV."""

    architecture: str = Field(description="timm's name of the network.")
    image_size: int | None = Field(
        ge=16, description="Side that images are resized to, pixels; null: as in its weights."
    )
    pretrained: bool = Field(description="Weights from ImageNet; false: trained on the identities first.")


class ClassifierTraining(Section):
    """Training of classifiers without pretrained weights on the identities."""

    steps: int = Field(ge=1, description="Optimiser steps.")
    batch_size: int = Field(ge=2, description="Images of a step.")
    learning_rate: float = Field(gt=0, description="Of the optimiser.")
    seed: int = Field(ge=0, description="Of random weights, and of the order of images.")


class Reading(Section):
    """One reading of Eq. (6)'s epsilon."""

    rule: Rule = Field(description="How the gradient becomes a step.")
    epsilon: float = Field(gt=0, description="Size of the step.")


class AttackStudy(Section):
    """Blur, FGSM and PGD between classifiers."""

    images: AttackImages
    classifiers: dict[str, ClassifierEntry]
    training: ClassifierTraining
    readings: dict[str, Reading]
    table_reading: str
    fgsm_epsilon: float = Field(gt=0)
    pgd_steps: int = Field(ge=1)
    kernel_size: Odd
    kernel_sizes: list[Odd]
    starts: list[Annotated[float, Field(gt=0)]]  # sigma, pixels


class RobustnessStudy(Section):
    """Trained detectors under attack and under degradation; without `runs` nothing is studied."""

    runs: Distinct[str] = Field(description="Runs that are compared; an empty list: no study.")
    condition: str = Field(description="Training condition of their detectors.")
    seed: int = Field(ge=0, description="Seed of their detectors.")
    frames: int = Field(ge=1)
    batch_size: int = Field(ge=1, description="Images at a time.")
    attacks: dict[str, AttackEntry] = Field(description="Name in the report -> attack.")
    jpeg: list[Annotated[int, Field(ge=1, le=100)]]  # quality
    blur: list[Annotated[float, Field(ge=0)]]  # sigma, pixels
    noise: list[Annotated[float, Field(ge=0)]]  # deviation, 8-bit levels
    resize: list[Annotated[float, Field(ge=0.01, le=1)]]  # factor, down and back up
    crf: list[Annotated[int, Field(ge=0, le=51)]]  # H.264


def _no_run(value: object) -> object:
    if value is None:  # DVC fills it into a path, as the word None
        raise PydanticCustomError("no_run", "must be the name of a run, or '' for none", {"hint": " Write ''."})
    return value


RunOrNone = Annotated[str, BeforeValidator(_no_run)]


class Examples(Section):
    """The pictures of Figs. 1 and 4 (of `run`) and of the learned maps (of `generator_run`); '' for none."""

    run: RunOrNone
    generator_run: RunOrNone = Field(description="Run whose generator's maps are shown; '' for none.")
    condition: str = Field(description="Training condition of both.")
    count: int = Field(ge=1, le=12)
    kernel_sizes: list[Odd] = Field(description="Window widths of the blur in Fig. 4, pixels.")
    attacks: dict[str, AttackEntry]
