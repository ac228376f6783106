"""Sections `evaluate`, `tables`, `report`."""

from pydantic import Field

from deepfake_adv.params.base import Section


class Evaluate(Section):
    """Metrics and their intervals."""

    resamples: int = Field(ge=0)
    confidence: float = Field(gt=0, lt=1)
    seed: int = Field(ge=0)


class Tables(Section):
    """Which of our entries stand for which of the paper's."""

    roles: dict[str, str]
    baseline: str


class Report(Section):
    """The page."""

    title: str
    dpi: int = Field(ge=50, le=600)
