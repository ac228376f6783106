"""Error messages for values that a schema rejects."""

import inspect
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, get_args

from pydantic import BaseModel, ValidationError

from deepfake_adv.suggestions import did_you_mean

_ROOT = Path(__file__).parents[2]
_SECTIONS = __name__.rpartition(".")[0]
_SHOWN: Final = 8  # keys that are named in one sentence
_NUMBER: Final = " Write it without quotes, with a decimal point."
# pydantic's error types in words of YAML: the expected form, and how to write it
_FORMS: Final[Mapping[str, tuple[str, str]]] = {
    "dict_type": ("a mapping of names to values", ""),
    "model_type": ("a mapping", ""),
    "model_attributes_type": ("a mapping", ""),
    "list_type": ("a list", ""),
    "string_type": ("text", " Put it in quotes."),
    "bool_type": ("true or false", ""),
    "bool_parsing": ("true or false", ""),
    "float_type": ("a number", _NUMBER),
    "float_parsing": ("a number", _NUMBER),
    "int_type": ("a whole number", ""),
    "int_parsing": ("a whole number", ""),
    "int_from_float": ("a whole number", ""),
}


def sentences(error: ValidationError, model: type[BaseModel], *above: str) -> list[str]:
    """One sentence for each error.

    Args:
        error: Error that the model raised.
        model: Model that read the values.
        above: Keys of params.yaml above the model's own.
    """
    return [_sentence(fault, model, above) for fault in error.errors()]


def _sentence(fault: Any, model: type[BaseModel], above: Sequence[str]) -> str:
    location = [str(part) for part in fault["loc"]]
    key = ".".join([*above, *location])
    if fault["type"] == "extra_forbidden":
        known = sorted({name for found in models_at(model, location[:-1]) for name in found.model_fields})
        if not known:
            return f"{key} is not a key; there are none here. Remove it."
        return f"{key} is not a key; known here: {', '.join(known)}.{did_you_mean(location[-1], known, 'Remove it.')}"
    if fault["type"] == "missing":
        return f"{key} is missing.{_explained(model, location)}"
    if fault["type"] == "value_error":  # raised by a validator, with its own sentence
        said = str(fault["ctx"]["error"])
        return f"{key[: -len(location[-1])]}{said}" if location and said.startswith(location[-1]) else f"{key}: {said}"
    if location[-1:] == ["[key]"]:  # pydantic's word for a name on the left side
        key = key.removesuffix(".[key]")
        if fault["type"] == "string_type":
            return f"{key} must be a name in letters; got {fault['input']!r}. Put it in quotes."
    if fault["type"] in _FORMS:
        return f"{key} must be {_form(fault['type'], models_at(model, location), fault['input'])}"
    told = {"got": fault["input"], "hint": _near(fault), **fault.get("ctx", {})}
    return f"{key}: {fault['msg'][0].lower()}{fault['msg'][1:]}; got {told['got']!r}.{told['hint']}"


def _form(kind: str, models: Sequence[type[BaseModel]], got: Any) -> str:
    """The expected form, the value, and how to write it correctly."""
    form, hint = _FORMS[kind]
    keys = list(dict.fromkeys(name for found in models for name in found.model_fields))
    if kind in ("model_type", "model_attributes_type"):
        few = 0 < len(keys) <= _SHOWN
        form = f"a mapping of {', '.join(keys)}" if few else "a mapping"
        hint = "" if few else " See profiles/demo.yaml."
    if kind == "list_type" and isinstance(got, str | int | float):
        hint = f" Write [{got}]."
    return f"{form}; got {got!r}.{hint}"


def _near(fault: Any) -> str:
    """A hint at a similar value, if only some values are allowed."""
    possible = re.findall(r"'([^']*)'", str(fault.get("ctx", {}).get("expected", "")))
    same = [each for each in possible if each.casefold() == str(fault["input"]).casefold()]
    return did_you_mean(same[0] if same else str(fault["input"]), possible)


def _explained(model: type[BaseModel], location: Sequence[str]) -> str:
    """The place of a key's explanation: the class of a registry's entry, or the commented profile of a section."""
    if model.__module__.startswith(_SECTIONS):
        return " See profiles/demo.yaml for its meaning."
    found = next((each for each in models_at(model, location[:-1]) if location[-1] in each.model_fields), model)
    field = found.model_fields.get(location[-1])
    meaning = f" It is: {field.description}" if field is not None and field.description else ""
    path = Path(inspect.getfile(found))
    place = path.relative_to(_ROOT) if path.is_relative_to(_ROOT) else path
    return f"{meaning} See {found.__qualname__} in {place.as_posix()}."


def models_at(model: type[BaseModel], location: Sequence[str]) -> list[type[BaseModel]]:
    """Models that are possible at a place, followed through mappings and lists."""
    models = [model]
    for part in location:
        fields = [each.model_fields[part] for each in models if part in each.model_fields]
        models = [found for field in fields for found in _models_in(field.annotation)] or models
    return models


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models_in(argument)]
