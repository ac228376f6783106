"""Section `methods`: entries built by deepfake_adv.methods.registry; one table row each."""

from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from deepfake_adv.params.base import FromTimm, Odd, Rule, Section, named

Probability = Annotated[float, Field(ge=0, le=1)]


def _ascending(value: list[float]) -> list[float]:
    if value[0] > value[1]:
        raise PydanticCustomError("ascending", "must be two numbers in ascending order")
    return value


Variance = Annotated[list[Annotated[float, Field(ge=0)]], Field(min_length=2, max_length=2), AfterValidator(_ascending)]
QualityRange = Annotated[
    list[Annotated[float, Field(ge=1, le=100)]], Field(min_length=2, max_length=2), AfterValidator(_ascending)
]


class Entry(Section):
    """What every method's entry has; the class of an entry follows from its ``name``."""

    name: str


class BaselineEntry(Entry):
    """No alteration."""

    name: Literal["baseline"]


class Altering(Entry):
    """Every method but the baseline: Eq. (3)'s weight, and whether clean images are kept."""

    lam: float = Field(ge=0)
    clean: Literal["with", "instead"]


class Steps(Section):
    """An ascent's steps."""

    epsilon: float = Field(gt=0)
    steps: int = Field(ge=1)
    rule: Rule


class AdditiveSteps(Steps):
    """An additive ascent; pixels in [0, 1]."""

    step_size: Annotated[float, Field(gt=0)] | None  # null: epsilon / steps
    random_start: bool


class GradAatEntry(Altering, AdditiveSteps):
    """Grad-AAT."""

    name: Literal["grad_aat"]


class GradSatEntry(Altering, Steps):
    """Grad-SAT; lengths in pixels."""

    name: Literal["grad_sat"]
    bound: float = Field(gt=0)
    tau: float = Field(ge=0)


class GradBatEntry(Altering, Steps):
    """Grad-BAT."""

    name: Literal["grad_bat"]
    start: float = Field(gt=0)  # 1/pixels
    bound: Annotated[float, Field(gt=0)] | None  # in units of start; null: none
    kernel_size: Odd


class Generator(Section):
    """Arguments of the residual generator."""

    blocks: int = Field(ge=0)
    width: int = Field(ge=1)
    start: float = Field(gt=0)  # 1/pixels
    floor: float = Field(ge=0)  # 1/pixels
    scale: int = Field(ge=1)

    @model_validator(mode="after")
    def _start_above_floor(self) -> "Generator":
        if self.start <= self.floor:
            raise PydanticCustomError("start", "start must be above floor")
        return self


class Game(Altering):
    """Generators that play against the detector."""

    kernel_size: Odd
    generator: Generator
    adversary_steps: int = Field(ge=1)
    update: Literal["alternating", "reversal"]


class GenerativeEntry(Game):
    """Gen-BAT and Two-Gen-BAT."""

    name: Literal["gen_bat", "two_gen_bat"]


class CombinedEntry(Game, AdditiveSteps):
    """Combined AT."""

    name: Literal["combined_at"]


class Noise(Section):
    """Gaussian noise; 8-bit levels."""

    probability: Probability
    variance: Variance
    mean: float


class EvenBlur(Section):
    """Gaussian blur of one sigma; pixels."""

    probability: Probability
    variance: Variance
    kernel_size: Odd


class Compression(Section):
    """JPEG."""

    probability: Probability
    quality: QualityRange


class NoiseEntry(Altering, Noise):
    """Gaussian noise."""

    name: Literal["gaussian_noise"]


class EvenBlurEntry(Altering, EvenBlur):
    """Gaussian blur."""

    name: Literal["gaussian_blur"]


class JpegEntry(Altering, Compression):
    """JPEG."""

    name: Literal["jpeg"]


class CombinedTraditionalEntry(Altering):
    """All three."""

    name: Literal["combined_traditional"]
    noise: Noise
    blur: EvenBlur
    jpeg: Compression


class SynthesizerArguments(FromTimm):
    """SLADD's policy network."""

    backbone: str  # compact, or a model of timm's
    width: int = Field(ge=1)  # of compact
    dropout: float = Field(ge=0, lt=1)
    spread: float = Field(gt=0)


class SladdWeights(Section):
    """Weights of SLADD's auxiliary losses."""

    map: float = Field(ge=0)
    kind: float = Field(ge=0)
    magnitude: float = Field(ge=0)


class SladdEntry(Altering):
    """SLADD."""

    name: Literal["sladd"]
    synthesizer: SynthesizerArguments
    weights: SladdWeights
    margin: float = Field(ge=0)
    scale: float = Field(gt=0)
    entropy_weight: float = Field(ge=0)
    flip: bool
    adversary_steps: int = Field(ge=1)
    adversary_learning_rate: float | None = Field(gt=0)
    update: Literal["alternating", "joint"]


_Known = (
    BaselineEntry
    | GradAatEntry
    | GradSatEntry
    | GradBatEntry
    | GenerativeEntry
    | CombinedEntry
    | NoiseEntry
    | EvenBlurEntry
    | JpegEntry
    | CombinedTraditionalEntry
    | SladdEntry
)

NAMES = tuple(name for entry in get_args(_Known) for name in get_args(entry.model_fields["name"].annotation))

MethodEntry = Annotated[_Known, Field(discriminator="name"), named(NAMES)]
