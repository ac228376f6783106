"""Sections `attack`, `robustness`, `examples`: what is done with trained networks beyond scoring."""

from typing import Any, Literal

from pydantic import Field

from deepfake_adv.params.base import Rule, Section


class AttackImages(Section):
    """Images to attack: identities of the manifest's real faces, or any ImageFolder."""

    source: Literal["identities", "folder"]
    folder: str | None
    count: int = Field(ge=2)
    image_size: int = Field(ge=16)
    batch_size: int = Field(ge=1)


class ClassifierEntry(Section):
    """One classifier of timm's; the entry's name is the column of Tables VII, XII to XIV."""

    architecture: str
    image_size: int | None
    pretrained: bool


class ClassifierTraining(Section):
    """How classifiers without pretrained weights learn the identities."""

    steps: int = Field(ge=1)
    batch_size: int = Field(ge=2)
    learning_rate: float = Field(gt=0)
    seed: int = Field(ge=0)


class Reading(Section):
    """One reading of Eq. (6)'s epsilon."""

    rule: Rule
    epsilon: float = Field(gt=0)


class Attack(Section):
    """Blur, FGSM and PGD between classifiers."""

    images: AttackImages
    classifiers: dict[str, ClassifierEntry]
    training: ClassifierTraining
    readings: dict[str, Reading]
    table_reading: str
    fgsm_epsilon: float = Field(gt=0)
    pgd_steps: int = Field(ge=1)
    kernel_size: int = Field(ge=1)
    kernel_sizes: list[int]
    starts: list[float]


class Robustness(Section):
    """Trained detectors under attack and under degradation."""

    runs: list[str]
    condition: str
    seed: int = Field(ge=0)
    frames: int = Field(ge=1)
    batch_size: int = Field(ge=1)
    attacks: dict[str, dict[str, Any]]
    jpeg: list[int]
    blur: list[float]
    noise: list[float]
    resize: list[float]
    crf: list[int]


class Examples(Section):
    """The pictures of Figs. 1 and 4 and of the learned maps."""

    run: str
    generator_run: str
    condition: str
    count: int = Field(ge=1, le=12)
    kernel_sizes: list[int]
    attacks: dict[str, dict[str, Any]]
