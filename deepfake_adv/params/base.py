"""What the sections of params.yaml have in common."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

T = TypeVar("T")


class Section(BaseModel):
    """Part of params.yaml: unknown keys are refused, values do not change once read.

    Sections have no defaults: every choice stands in the file, with its comment.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


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
        hint = did_you_mean(name, list(entries)) or " Name one of them."
        raise ValueError(f"name must be one of `{section}`: {known}; got {name!r}.{hint}")
    return entries[name]


def did_you_mean(name: str, known: Sequence[str]) -> str:
    """A hint to add to an error, empty where nothing is near."""
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    return f" Did you mean {near[0]!r}?" if near else ""
