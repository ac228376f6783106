"""Entries of params.yaml that name a registry's entry: a method, a detector, an attack, a dataset's layout.

The `Params` of the named class define an entry's keys. Checking them imports the class, and for most of them torch. A
light stage therefore checks names only; `deepfake-adv check` and the stage `sources`, which runs first after a change
of params or code, check every entry.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from traceback import extract_tb
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError
from pydantic_core import PydanticCustomError

from deepfake_adv.params.base import Section
from deepfake_adv.params.sentences import sentences
from deepfake_adv.registry import ANY, PY, ROOT, Registry, entry_of, plugin_files
from deepfake_adv.suggestions import did_you_mean

_OPEN = "model"  # key for the part after the colon of a name such as timm:resnet18
_OTHERWISE: Final = "Name one of them; CONTRIBUTING.md says how to add one of your own."


class Entry(BaseModel):
    """An entry as written in the file: its name, and keys that are not checked yet."""

    model_config = ConfigDict(extra="allow", frozen=True)

    name: str


def check_name(kind: str, name: str, key: str = "name") -> str:
    """The name, if an entry of the kind has it.

    Raises:
        PydanticCustomError: If there is none; suggests a similar one.
    """
    known = Registry[Any](kind).names()
    if entry_of(name, known) is None or (name in known and name.endswith(ANY)):
        hint = _own_module(kind, name) or did_you_mean(name, _listed(kind).split(", "), _OTHERWISE)
        told = {"known": _listed(kind), "got": name, "hint": hint}
        raise PydanticCustomError("entry_name", "{key} must be one of {known}", {"key": key, **told})
    return name


def _own_module(kind: str, name: str) -> str:
    """A hint, where a module beside params.yaml registers the name and `plugins` lacks it."""
    for path in sorted(ROOT.glob("*.py")):
        if f'register_{kind}("{name}")' in path.read_text(encoding="utf-8", errors="replace"):
            return f" {path.name} registers it: add {path.stem} to `plugins`."
    return ""


def _listed(kind: str) -> str:
    behind = {PY: "<module>:<factory>"}
    names = Registry[Any](kind).names()
    return ", ".join(name + behind.get(name, f"<{_OPEN}>") if name.endswith(ANY) else name for name in names)


def _named(kind: str, *, alone: bool = False) -> BeforeValidator:
    """Check an entry's name; if `alone`, a name without keys is an entry too."""

    def check(value: Any) -> Any:
        if alone and isinstance(value, str):
            value = {"name": value}
        if not isinstance(value, Mapping) or "name" not in value:
            form = "a name, or a mapping with the key `name`" if alone else "a mapping with the key `name`"
            hint = f" A name is one of {_listed(kind)}."
            raise PydanticCustomError("entry_name", "must be {form}", {"form": form, "hint": hint})
        check_name(kind, str(value["name"]))
        return value

    return BeforeValidator(check)


MethodEntry = Annotated[Entry, _named("method")]
DetectorEntry = Annotated[Entry, _named("detector")]
AttackEntry = Annotated[Entry, _named("attack")]
LocatorEntry = Annotated[Entry, _named("locator", alone=True)]
LandmarkerEntry = Annotated[Entry, _named("landmarker", alone=True)]


def params_model(kind: str, name: str) -> type[Section]:
    """The `Params` of a name's class, which is imported.

    Raises:
        PydanticCustomError: If a plug-in cannot be imported (a ValueError).
    """
    registry = Registry[Any](kind)
    registered = entry_of(name, registry.names()) or name
    try:
        model: type[Section] = registry[registered].Params
    except Exception as error:
        path = registry.files.get(registered)
        if path not in plugin_files():
            raise
        lines = [frame.lineno for frame in extract_tb(error.__traceback__) if Path(frame.filename) == path]
        told = {"file": path.name, "got": f"{type(error).__name__}: {error}"}
        told["hint"] = f" Fix line {lines[-1]}." if lines else " Fix that."
        raise PydanticCustomError("plugin", "{file} must be importable", told) from error
    return model


def layout_faults(key: str, layout: str, forgeries: Sequence[str], options: Mapping[str, Any]) -> list[str]:
    """Errors in a dataset's forgeries and options, one sentence each."""
    made: Any = Registry[Any]("layout")[layout]
    faults = []
    try:
        made.checked(forgeries)
    except ValueError as error:
        faults.append(f"{key}.{error}")
    try:
        made.Params.model_validate(options)
    except ValidationError as error:
        faults += sentences(error, made.Params, key, "options")
    return faults


def own_forgeries(layout: str) -> tuple[str, ...]:
    """Forgeries of a layout whose forgeries are not a param."""
    made: Any = Registry[Any]("layout")[layout]
    return tuple(made.own_forgeries)


def complete(kind: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    """An entry with every key of its `Params`, defaults filled in.

    Args:
        kind: Key of `registry.FOLDERS`.
        entry: The entry, with the key ``name``.

    Raises:
        ValidationError: If a key is unknown or missing, or a value is out of range (a ValueError).
        PydanticCustomError: If the name is unknown (also a ValueError).
    """
    if not isinstance(entry, Mapping) or "name" not in entry:
        raise PydanticCustomError("entry_name", "must be a mapping with the key `name`")
    name = str(entry["name"])
    check_name(kind, name)
    given = {key: value for key, value in entry.items() if key != "name"}
    behind = {_OPEN: name.partition(ANY)[2]} if ANY in name else {}
    if behind.keys() & given.keys():
        raise PydanticCustomError("open", "{key} must be given in the name alone", {"key": _OPEN, "got": given[_OPEN]})
    read = params_model(kind, name).model_validate(given | behind).model_dump()
    return {"name": name, **{key: value for key, value in read.items() if key not in behind}}


def completed(kind: str, entry: Mapping[str, Any], *above: str) -> dict[str, Any]:
    """As `complete`, with one sentence for each error.

    Args:
        kind: Key of `registry.FOLDERS`.
        entry: The entry, with ``name`` among the keys.
        above: Keys of params.yaml above the entry.

    Raises:
        ValueError: If the entry has errors; reports all of them.
    """
    faults = entry_faults(kind, entry, *above)
    if faults:
        raise ValueError("\n".join(faults))
    return complete(kind, entry)


def entry_faults(kind: str, entry: Mapping[str, Any], *above: str) -> list[str]:
    """Errors in an entry, one sentence each; see `completed`."""
    try:
        complete(kind, entry)
    except ValidationError as error:
        return sentences(error, params_model(kind, str(entry["name"])), *above)
    except PydanticCustomError as error:
        told = {"got": entry, "hint": "", **(error.context or {})}
        return [f"{'.'.join(above)}: {error.message()}; got {told['got']!r}.{told['hint']}"]
    return []
