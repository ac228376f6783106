"""Keys of pydantic models: what a value may be, its default and its meaning."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from deepfake_adv.params.base import Odd

_TYPES: Final = {"integer": "whole number", "number": "number", "string": "text", "boolean": "`true` or `false`"}
_RANGES: Final = (
    ("minimum", "at least {}"),
    ("exclusiveMinimum", "above {}"),
    ("maximum", "at most {}"),
    ("exclusiveMaximum", "below {}"),
    ("multipleOf", "a multiple of {}"),
    ("minItems", "{} or more"),
)
_ODD: Final = get_args(Odd)[-1]
REQUIRED: Final = object()


@dataclass(frozen=True)
class Key:
    """One key of a model.

    Attributes:
        path: Names from the model down to the key; ``<name>`` stands for a name of the user's.
        words: What a value may be.
        default: Its default, or `REQUIRED`.
        meaning: The field's own description; "" without.
    """

    path: tuple[str, ...]
    words: str
    default: Any
    meaning: str


def keys_of(model: type[BaseModel], above: tuple[str, ...] = (), given: BaseModel | None = None) -> Iterator[Key]:
    """Every key of a model, those of the models in it included.

    Args:
        model: The model.
        above: Names above it.
        given: An instance, the default of the field that holds the model: its values are the defaults.
    """
    schema = model.model_json_schema()
    for name, field in model.model_fields.items():
        path = (*above, name)
        default = getattr(given, name) if given is not None else _default(field)
        inner = model_in(field.annotation)
        if inner is not None and inner.model_fields.keys() - {"name"}:
            named = ("<name>",) if getattr(field.annotation, "__origin__", None) is dict else ()
            yield from keys_of(inner, (*path, *named), default if isinstance(default, BaseModel) else None)
        else:
            words = _words(schema["properties"][name], schema.get("$defs", {}))
            yield Key(path, words + _odd_only(field), default, field.description or "")


def _default(field: FieldInfo) -> Any:
    made = field.get_default(call_default_factory=True, validated_data={})
    return REQUIRED if made is PydanticUndefined else made


def model_in(annotation: Any) -> type[BaseModel] | None:
    """The model that an annotation is or holds."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for each in get_args(annotation) if (found := model_in(each)) is not None), None)


def _odd_only(field: FieldInfo) -> str:
    marked = [*field.metadata, *(mark for each in get_args(field.annotation) for mark in get_args(each))]
    return ", odd" if any(mark == _ODD for mark in marked) else ""


def _words(schema: Mapping[str, Any], models: Mapping[str, Any]) -> str:
    """A JSON schema in words."""
    if "$ref" in schema:
        schema = models[schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        each = [_words(one, models) for one in schema["anyOf"]]
        return " or ".join(dict.fromkeys(each))
    if "const" in schema or "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "null":
        return "`null`"
    ranges = [words.format(f"{schema[key]:,}") for key, words in _RANGES if key in schema]
    if schema.get("type") == "array":
        items = schema.get("prefixItems") or [schema.get("items", {})]
        held = ", ".join(_words(item, models) for item in items)
        return " ".join(["list", *([f"of {held}"] if held else []), *([f"({', '.join(ranges)})"] if ranges else [])])
    if schema.get("type") == "object":
        return "an entry: its `name`, and its keys" if "name" in schema.get("properties", {}) else "mapping"
    kind = "path" if schema.get("format") == "path" else _TYPES.get(schema.get("type", ""), "any value")
    return ", ".join([kind, *ranges])


def shown(value: Any) -> str:
    """A value as YAML writes it, short; "" for `REQUIRED`."""
    if value is REQUIRED:
        return ""
    if isinstance(value, BaseModel):
        value = value.model_dump()
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {shown(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(shown, value)) + "]"
    if value is None or isinstance(value, bool):
        return str(value).lower().replace("none", "null")
    if isinstance(value, float):
        return f"{value:.5g}" if len(str(value)) > 8 else str(value)
    return "''" if value == "" else str(value)
