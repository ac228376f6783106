"""Section `detectors`: entries built by deepfake_adv.detectors.registry."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag
from pydantic_core import PydanticCustomError

from deepfake_adv.params.base import Section


class Entry(Section):
    """What every detector's entry has; the class of an entry follows from its ``name``."""

    name: str
    image_size: int | None = Field(ge=16)  # null: train.image_size

    def arguments(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return self.model_dump(exclude={"name"})


class Pretrained(Entry):
    """A detector on one of timm's backbones."""

    pretrained: bool
    weights: str | None  # null: the hub or its cache; a cache folder; a .safetensors or .pth file


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


class TimmEntry(Pretrained):
    """``timm:<model>``, any of timm's."""

    name: str = Field(pattern=r"^timm:.+")
    dropout: float = Field(ge=0, lt=1)
    drop_path: float = Field(ge=0, lt=1)


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
    return "timm" if name.startswith("timm:") else name


_FRAMES = ("compact", "efficientnet", "xception", "timm", "ffd", "multi_attention")


def _check_name(known: tuple[str, ...]) -> BeforeValidator:
    def check(value: Any) -> Any:
        if isinstance(value, Section):
            return value
        if not isinstance(value, Mapping) or "name" not in value:
            raise PydanticCustomError("detector_name", "must be a mapping with the key `name`")
        if _kind(value) not in known:
            near = get_close_matches(str(value["name"]), known, n=1)
            listed = ", ".join("timm:<model>" if name == "timm" else name for name in known)
            hint = f" (did you mean {near[0]}?)" if near else ""
            raise PydanticCustomError("detector_name", "name must be one of {0}{1}", {"0": listed, "1": hint})
        return value

    return BeforeValidator(check)


FrameEntry = Annotated[
    Annotated[CompactEntry, Tag("compact")]
    | Annotated[BackboneEntry, Tag("efficientnet")]
    | Annotated[BackboneEntry, Tag("xception")]
    | Annotated[TimmEntry, Tag("timm")]
    | Annotated[FfdEntry, Tag("ffd")]
    | Annotated[MultiAttentionEntry, Tag("multi_attention")],
    Discriminator(_kind),
    _check_name(_FRAMES),
]


class TsnEntry(Entry):
    """Several frames of a video through one detector of frames."""

    name: Literal["tsn"]
    segments: int = Field(ge=1)
    frame: FrameEntry


DetectorEntry = Annotated[
    Annotated[CompactEntry, Tag("compact")]
    | Annotated[BackboneEntry, Tag("efficientnet")]
    | Annotated[BackboneEntry, Tag("xception")]
    | Annotated[TimmEntry, Tag("timm")]
    | Annotated[FfdEntry, Tag("ffd")]
    | Annotated[MultiAttentionEntry, Tag("multi_attention")]
    | Annotated[TsnEntry, Tag("tsn")],
    Discriminator(_kind),
    _check_name((*_FRAMES, "tsn")),
]
