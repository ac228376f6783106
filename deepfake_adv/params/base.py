"""What the sections of params.yaml have in common."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from deepfake_adv.hints import did_you_mean

T = TypeVar("T")


class Section(BaseModel):
    """Part of params.yaml: unknown keys are refused, values do not change once read.

    Sections have no defaults: every choice stands in the file, with its comment.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class FromTimm(Section):
    """What a model of timm's starts from."""

    pretrained: bool
    weights: str | None  # null: the hub or its cache; a cache folder; a .safetensors or .pth file; package

    @model_validator(mode="after")
    def _weights_are_read(self) -> Self:
        if self.weights is not None and not self.pretrained:
            raise PydanticCustomError(
                "weights", "weights must be null where pretrained is false", {"got": self.weights}
            )
        return self


def _odd(value: int) -> int:
    if value % 2 == 0:
        raise PydanticCustomError("odd", "must be odd")
    return value


Odd = Annotated[int, Field(ge=1), AfterValidator(_odd)]  # a window with a middle
Rule = Literal["raw", "relative", "sign", "l2"]  # how a gradient becomes a step
ANY_MODEL = "<model>"


def _nobody_twice(values: list[T]) -> list[T]:
    twice = dict.fromkeys(str(value) for value in values if values.count(value) > 1)
    if twice:
        raise PydanticCustomError("twice", "must name each once, not {twice} again", {"twice": ", ".join(twice)})
    return values


Distinct = Annotated[list[T], AfterValidator(_nobody_twice)]  # each once
Some = Annotated[list[T], Field(min_length=1), AfterValidator(_nobody_twice)]  # one or more, each once


def named(known: Sequence[str]) -> BeforeValidator:
    """A check that an entry says which of ``known`` it is, before its other keys are looked at.

    Args:
        known: Names; one that ends in ``<model>`` stands for all that begin like it.
    """
    prefixes = tuple(name.removesuffix(ANY_MODEL) for name in known if name.endswith(ANY_MODEL))

    def check(value: Any) -> Any:
        if isinstance(value, Section):
            return value
        if not isinstance(value, Mapping) or "name" not in value:
            raise PydanticCustomError("entry_name", "must be a mapping with the key `name`")
        name = str(value["name"])
        if name not in known and not name.startswith(prefixes):
            told = {"known": ", ".join(known), "got": name, "hint": did_you_mean(name, known)}
            raise PydanticCustomError("entry_name", "name must be one of {known}", told)
        return value

    return BeforeValidator(check)


def entry(section: str, entries: Mapping[str, T], name: str) -> T:
    """The entry of that name.

    Raises:
        ValueError: If there is none; names those there are.
    """
    if name not in entries:
        known = ", ".join(entries) or "none"
        hint = did_you_mean(name, entries, "Name one of them.")
        raise ValueError(f"name must be one of `{section}`: {known}; got {name!r}.{hint}")
    return entries[name]
