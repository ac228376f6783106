"""Base classes and types of the sections of params.yaml."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from deepfake_adv.params.sentences import sentences
from deepfake_adv.suggestions import did_you_mean

T = TypeVar("T")


class Section(BaseModel):
    """A section of params.yaml; unknown keys are errors, and values cannot be changed.

    A section has no defaults: every choice is in the file, with a comment. The `Params` of a registry's entry, such
    as a method, have defaults with explanations, and an entry gives only what differs.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Self:
        """Check values and fill in defaults.

        Raises:
            ValueError: If a key is unknown or missing or a value is out of range; names every one.
        """
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            raise ValueError("\n".join(sentences(error, cls))) from None


class FromTimm(Section):
    """Initial weights of a model of timm."""

    pretrained: bool = Field(False, description="Start from weights that were trained on ImageNet.")
    weights: str | Path | None = Field(
        None, description="null: the hub or its cache; a cache folder; a .safetensors or .pth file; package."
    )

    @model_validator(mode="after")
    def _weights_are_read(self) -> Self:
        if self.weights is not None and not self.pretrained:
            raise PydanticCustomError(
                "weights",
                "weights must be null where pretrained is false",
                {"got": self.weights, "hint": " Set pretrained: true to read them, or remove weights."},
            )
        return self


def _odd(value: int) -> int:
    if value % 2 == 0:
        raise PydanticCustomError("odd", "must be odd", {"hint": f" Use {value - 1} or {value + 1}."})
    return value


Odd = Annotated[int, Field(ge=1), AfterValidator(_odd)]  # width of a window that has a centre
Rule = Literal["raw", "relative", "sign", "l2"]  # how a gradient becomes a step


def _check_distinct(values: list[T]) -> list[T]:
    twice = dict.fromkeys(str(value) for value in values if values.count(value) > 1)
    if twice:
        raise PydanticCustomError("twice", "must name each once, not {twice} again", {"twice": ", ".join(twice)})
    return values


Distinct = Annotated[list[T], AfterValidator(_check_distinct)]  # each once
OneOrMore = Annotated[list[T], Field(min_length=1), AfterValidator(_check_distinct)]  # one or more, each once


def entry(section: str, entries: Mapping[str, T], name: str) -> T:
    """The entry of that name.

    Raises:
        ValueError: If there is none; lists the existing names.
    """
    if name not in entries:
        known = ", ".join(entries) or "none"
        hint = did_you_mean(name, entries, "Name one of them.")
        raise ValueError(f"name must be one of `{section}`: {known}; got {name!r}.{hint}")
    return entries[name]
