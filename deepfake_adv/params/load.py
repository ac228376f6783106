"""Reads params.yaml: reports all errors in one message, and returns only the sections that a stage names."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from deepfake_adv.files import read_text
from deepfake_adv.params.entries import entry_faults, layout_faults
from deepfake_adv.params.faults import cross_faults, study_faults
from deepfake_adv.params.schema import Params
from deepfake_adv.params.sentences import sentences
from deepfake_adv.registry import FOLDERS, Registry, use_plugins

# Sections whose stages also check the studies: the inventory as the first stage, and the studies themselves.
_CHECK_STUDIES = {"examples", "robustness", "attack", "inventory"}


class _Sections:
    """The named sections of params.yaml; others cannot be read, since DVC does not track them for this stage."""

    def __init__(self, params: Params, names: tuple[str, ...]) -> None:
        for name in names:
            setattr(self, name, getattr(params, name))


def load_params(
    *sections: str,
    path: Path | str = "params.yaml",
    entries: bool | None = None,
    given: Mapping[str, str] = MappingProxyType({}),
) -> Params:
    """Validate all of params.yaml and return its `sections` (all if none is named).

    From here on, this process and those that it starts find entries in the file's `plugins` too.

    Args:
        sections: Names.
        path: The file.
        entries: Whether to check all keys of methods, detectors and attacks, which imports them and torch; else only
            their names are checked. None: where no section is named.
        given: Values, as text, of the first of `sections`, from the command that DVC recorded. They replace those of
            the file, which may have been edited since.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not YAML, or any key or value is wrong; reports every error.
    """
    studies = not sections or bool(_CHECK_STUDIES & set(sections))
    looked_at = not sections if entries is None else entries
    layouts = looked_at or "datasets" in sections
    content = read_yaml(Path(path))
    if given:
        content[sections[0]] = {**content[sections[0]], **given}
    params = validate(content, str(path), studies=studies, entries=looked_at, layouts=layouts)
    return cast(Params, _Sections(params, sections)) if sections else params


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML 1.2 mapping, as DVC does: 5e-4 is a number and NO a string.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not UTF-8, or not a YAML mapping.
    """
    if not path.exists():
        raise FileNotFoundError(f"{path} must exist; found nothing. Copy a profile over it: make profile-demo.")
    text = read_text(path)
    try:
        content = YAML(typ="safe").load(text)
    except YAMLError as error:
        raise ValueError(f"{path} must be YAML; got {_yaml_fault(error)}. Fix that line.") from error
    except ValueError as error:  # text that looks like a date or a number but is not valid
        raise ValueError(f"{path} must be YAML; got an invalid value: {error}. Put it in quotes.") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path} must be a mapping of sections; got {type(content).__name__}. See profiles/demo.yaml.")
    return content


def _yaml_fault(error: YAMLError) -> str:
    """The error and its place, without the parser's hint on how to ignore it."""
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    if mark is None or problem is None:
        return str(error)
    return f"{problem} in line {mark.line + 1}, column {mark.column + 1}"


def validate(
    content: dict[str, Any],
    name: str = "params.yaml",
    *,
    studies: bool = True,
    entries: bool = True,
    layouts: bool = True,
) -> Params:
    """Check the content of a params file.

    Args:
        content: Content of the file.
        name: Name of the file, for messages.
        studies: Whether `examples`, `robustness` and `attack` must find what they read.
        entries: Whether to check all keys of methods, detectors and attacks.
        layouts: Whether to check the options of datasets.

    Raises:
        ValueError: If there are errors; reports all of them, each with a similar known key if there is one.
    """
    plugins = content.get("plugins")
    try:
        use_plugins([str(each) for each in plugins] if isinstance(plugins, list) else [])
        for kind in FOLDERS:  # finds what is wrong with a plug-in once, not once per entry
            Registry[Any](kind).names()
    except ValueError as error:
        raise ValueError(_message(name, [str(error)])) from None
    try:
        params = Params.model_validate(content)
    except ValidationError as error:
        raise ValueError(_message(name, sentences(error, Params))) from None
    faults = (_entry_faults(params) if entries else []) + (_layout_faults(params) if layouts else [])
    faults += cross_faults(params)
    faults += study_faults(params) if studies else []
    if faults:
        raise ValueError(_message(name, faults))
    return params


def _message(name: str, faults: list[str]) -> str:
    listed = "\n".join(f"  - {fault}" for fault in faults)
    return f"{name} has {len(faults)} error{'s' if len(faults) > 1 else ''}; fix and run again:\n{listed}"


def _entry_faults(params: Params) -> list[str]:
    """Errors within the entries of registries."""
    named: list[tuple[tuple[str, ...], str, dict[str, Any]]] = [
        (("locate",), "locator", {"backend": params.locate.backend}),
        (("locate",), "landmarker", {"landmarks": params.locate.landmarks}),
        (("methods",), "method", dict(params.methods)),
        (("detectors",), "detector", dict(params.detectors)),
        (("examples", "attacks"), "attack", dict(params.examples.attacks)),
        (("robustness", "attacks"), "attack", dict(params.robustness.attacks)),
    ]
    return [
        fault
        for above, kind, entries in named
        for name, entry in entries.items()
        for fault in entry_faults(kind, entry.model_dump(), *above, name)
    ]


def _layout_faults(params: Params) -> list[str]:
    """Errors within the options of datasets."""
    return [
        fault
        for name, dataset in params.datasets.items()
        for fault in layout_faults(f"datasets.{name}", dataset.layout, dataset.forgeries, dataset.options)
    ]
