"""Sections `evaluate`, `tables`, `report`."""

from typing import Final

from pydantic import Field

from deepfake_adv.params.base import Section

ROLES: Final = (
    "efficientnet", "xception", "ffd", "multi_attention", "tsn",  # detectors
    "inception_v3", "inception_v4", "inception_resnet_v2",  # classifiers
    "FF++", "DFD", "Celeb-DF",  # datasets
)  # fmt: skip
"""Roles: names in the paper's tables (reporting/specs.yaml) that an entry of ours may stand for."""


class Evaluate(Section):
    """Metrics and their intervals."""

    resamples: int = Field(ge=0, description="Bootstrap resamples behind an interval; 0: no intervals.")
    confidence: float = Field(gt=0, lt=1, description="Of the intervals.")
    false_positive_rate: float = Field(gt=0, lt=1)
    seed: int = Field(ge=0, description="Of the resamples.")


class Tables(Section):
    """Which of our entries stand for which of the paper's."""

    roles: dict[str, str] = Field(
        description="A name in the paper's tables, and the entry that stands for it: of detectors, classifiers or "
        "datasets. A name that is left out stands for itself."
    )
    baseline: str = Field(description="The entry of `methods` that others are compared with.")


class Report(Section):
    """The page."""

    title: str = Field(description="Heading of the page.")
    dpi: int = Field(ge=50, le=600, description="Resolution of the figures, dots per inch.")
