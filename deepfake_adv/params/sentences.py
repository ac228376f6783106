"""What an error says of a value that a schema refuses."""

import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from deepfake_adv.hints import did_you_mean

_ROOT = Path(__file__).parents[2]
_SECTIONS = __name__.rpartition(".")[0]


def sentences(error: ValidationError, model: type[BaseModel], *above: str) -> list[str]:
    """One sentence for each fault.

    Args:
        error: What the model raised.
        model: That was asked to read.
        above: Keys of params.yaml that the model's own stand below.
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
    told = {"got": fault["input"], "hint": "", **fault.get("ctx", {})}
    return f"{key}: {fault['msg'][0].lower()}{fault['msg'][1:]}; got {told['got']!r}.{told['hint']}"


def _explained(model: type[BaseModel], location: Sequence[str]) -> str:
    """Where a key is explained: for an entry of a registry its class, for a section the profile with its comments."""
    if model.__module__.startswith(_SECTIONS):
        return " See profiles/demo.yaml for its meaning."
    found = next((each for each in models_at(model, location[:-1]) if location[-1] in each.model_fields), model)
    field = found.model_fields.get(location[-1])
    meaning = f" It is: {field.description}" if field is not None and field.description else ""
    path = Path(inspect.getfile(found))
    place = path.relative_to(_ROOT) if path.is_relative_to(_ROOT) else path
    return f"{meaning} See {found.__qualname__} in {place.as_posix()}."


def models_at(model: type[BaseModel], location: Sequence[str]) -> list[type[BaseModel]]:
    """Models that may stand at a place, followed through mappings and lists."""
    models = [model]
    for part in location:
        fields = [each.model_fields[part] for each in models if part in each.model_fields]
        models = [found for field in fields for found in _models_in(field.annotation)] or models
    return models


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models_in(argument)]
