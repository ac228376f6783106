"""Section `detectors`: entries built by deepfake_adv.detectors.registry."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import Discriminator, Field, Tag

from deepfake_adv.params.base import ANY_MODEL, FromTimm, Section, named

TIMM = f"timm:{ANY_MODEL}"
_Momentum = Annotated[float, Field(gt=0, le=1)]


class Entry(Section):
    """What every detector's entry has; the class of an entry follows from its ``name``."""

    name: str
    image_size: int | None = Field(ge=16)  # null: train.image_size


class Pretrained(Entry, FromTimm):
    """A detector on one of timm's backbones."""


class CompactEntry(Entry):
    """Our own small network."""

    name: Literal["compact"]
    width: int = Field(ge=1)
    dropout: float = Field(ge=0, lt=1)


class BackboneEntry(Pretrained):
    """``efficientnet`` or ``xception``."""

    name: Literal["efficientnet", "xception"]
    model: str
    dropout: float = Field(ge=0, lt=1)
    drop_path: float = Field(ge=0, lt=1)
    batchnorm_momentum: _Momentum | None  # null: the model's own


class TimmEntry(Pretrained):
    """``timm:<model>``, any of timm's."""

    name: str = Field(pattern=r"^timm:.+")
    dropout: float = Field(ge=0, lt=1)
    drop_path: float = Field(ge=0, lt=1)
    batchnorm_momentum: _Momentum | None  # null: the model's own


class FfdEntry(Pretrained):
    """Stehouwer et al."""

    name: Literal["ffd"]
    model: str
    map: Literal["regression", "template"]
    templates: str | None
    mask_weight: float = Field(ge=0)
    dropout: float = Field(ge=0, lt=1)


class MultiAttentionEntry(Pretrained):
    """Zhao et al."""

    name: Literal["multi_attention"]
    model: str
    variant: Literal["paper", "release"]
    attentions: int = Field(ge=1)
    attention_stage: int = Field(ge=1)
    texture_stage: int = Field(ge=1)
    drop_path: float = Field(ge=0, lt=1)


def _kind(value: Any) -> str:
    name = str(value["name"] if isinstance(value, Mapping) else value.name)
    return TIMM if name.startswith("timm:") else name


_Frame = (
    Annotated[CompactEntry, Tag("compact")]
    | Annotated[BackboneEntry, Tag("efficientnet")]
    | Annotated[BackboneEntry, Tag("xception")]
    | Annotated[TimmEntry, Tag(TIMM)]
    | Annotated[FfdEntry, Tag("ffd")]
    | Annotated[MultiAttentionEntry, Tag("multi_attention")]
)
_FRAMES = tuple(tag.tag for entry in get_args(_Frame) for tag in get_args(entry)[1:])

FrameEntry = Annotated[_Frame, Discriminator(_kind), named(_FRAMES)]


class TsnEntry(Entry):
    """Several frames of a video through one detector of frames."""

    name: Literal["tsn"]
    segments: int = Field(ge=2)
    frame: FrameEntry


DetectorEntry = Annotated[_Frame | Annotated[TsnEntry, Tag("tsn")], Discriminator(_kind), named((*_FRAMES, "tsn"))]
