"""Read params.yaml: all faults in one message, and only the sections that a stage names."""

from pathlib import Path
from typing import Any, cast, get_args

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from deepfake_adv.files import read_text
from deepfake_adv.hints import did_you_mean
from deepfake_adv.params.detectors import TIMM
from deepfake_adv.params.faults import cross_faults, study_faults
from deepfake_adv.params.schema import Params

# Sections whose readers mind what the studies read; the inventory is the first stage, the studies are the last.
_MIND_STUDIES = {"examples", "robustness", "attack", "inventory"}


class _Sections:
    """The named sections of params.yaml; any other is out of reach, as DVC does not track it."""

    def __init__(self, params: Params, names: tuple[str, ...]) -> None:
        for name in names:
            setattr(self, name, getattr(params, name))


def load_params(*sections: str, path: Path | str = "params.yaml") -> Params:
    """Validate the whole of params.yaml and give `sections` of it (all where none is named).

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not YAML, or any key or value is wrong; names every fault.
    """
    studies = not sections or bool(_MIND_STUDIES & set(sections))
    params = validate(read_yaml(Path(path)), str(path), studies=studies)
    return cast(Params, _Sections(params, sections)) if sections else params


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML 1.2 mapping, as DVC does: 5e-4 is a number and NO a string.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not UTF-8, or not a YAML mapping.
    """
    if not path.exists():
        raise FileNotFoundError(f"{path} must be there; found nothing. Copy a profile over it: make profile-demo.")
    text = read_text(path)
    try:
        content = YAML(typ="safe").load(text)
    except YAMLError as error:
        raise ValueError(f"{path} must be YAML; got {_yaml_fault(error)}. Mend that line.") from error
    except ValueError as error:  # what looks like a date or a number and is none
        raise ValueError(f"{path} must be YAML; got a value that is none: {error}. Put it in quotes.") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path} must be a mapping of sections; got {type(content).__name__}. See profiles/demo.yaml.")
    return content


def _yaml_fault(error: YAMLError) -> str:
    """What is wrong and where; without the parser's advice on how to make it tolerate that."""
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    if mark is None or problem is None:
        return str(error)
    return f"{problem} in line {mark.line + 1}, column {mark.column + 1}"


def validate(content: dict[str, Any], name: str = "params.yaml", *, studies: bool = True) -> Params:
    """Check the content of a params file.

    Args:
        content: What the file says.
        name: Of the file, for messages.
        studies: Whether `examples`, `robustness` and `attack` must find what they read.

    Raises:
        ValueError: Naming every fault, each with the key it meant where one is near.
    """
    try:
        params = Params.model_validate(content)
    except ValidationError as error:
        raise ValueError(_message(name, [_sentence(fault) for fault in error.errors()])) from None
    faults = cross_faults(params) + (study_faults(params) if studies else [])
    if faults:
        raise ValueError(_message(name, faults))
    return params


def _message(name: str, faults: list[str]) -> str:
    listed = "\n".join(f"  - {fault}" for fault in faults)
    return f"{name} has {len(faults)} fault{'s' if len(faults) > 1 else ''}; mend and run again:\n{listed}"


def _sentence(fault: Any) -> str:
    location = [str(part) for part in fault["loc"]]
    key = ".".join(_without_tag(location))
    if fault["type"] == "extra_forbidden":
        known = _fields(location[:-1])
        return f"{key} is not a key; known here: {', '.join(known)}.{did_you_mean(location[-1], known)}"
    if fault["type"] == "missing":
        return f"{key} is missing. See profiles/demo.yaml for its meaning."
    if fault["type"] == "union_tag_invalid":
        known = [tag.strip("'") for tag in fault["ctx"]["expected_tags"].split(", ")]
        discriminator = str(fault["ctx"]["discriminator"]).strip("'")
        hint = did_you_mean(str(fault["ctx"]["tag"]), known)
        return f"{key}.{discriminator} must be one of {', '.join(known)}; got {fault['ctx']['tag']!r}.{hint}"
    told = {"got": fault["input"], "hint": "", **fault.get("ctx", {})}
    return f"{key}: {fault['msg'][0].lower()}{fault['msg'][1:]}; got {told['got']!r}.{told['hint']}"


def _without_tag(location: list[str]) -> list[str]:
    """A fault's place as the file has it: pydantic puts the chosen member of a union behind the entry's name."""
    depth = 2 if location[:1] in (["methods"], ["detectors"], ["datasets"]) else 3 if "attacks" in location[1:2] else 0
    tagged = depth and len(location) > depth
    return [*location[:depth], *location[depth + 1 :]] if tagged else location


def _fields(location: list[str]) -> list[str]:
    """Keys that the schema knows at a place, followed through dicts and unions."""
    models: list[type[BaseModel]] = [Params]
    for part in location:
        models = [found for model in models for found in _below(model, part)] or _tagged(models, part) or models
    return sorted({name for model in models for name in model.model_fields})


def _tagged(models: list[type[BaseModel]], tag: str) -> list[type[BaseModel]]:
    """Members of a union that are chosen by `tag`; one that lists no names is for any model of timm's."""
    return [model for model in models if any(tag in (names or (TIMM,)) for names in _tags(model))]


def _tags(model: type[BaseModel]) -> list[tuple[Any, ...]]:
    """What the keys that choose a member of a union may say."""
    return [get_args(model.model_fields[key].annotation) for key in ("name", "layout") if key in model.model_fields]


def _below(model: type[BaseModel], part: str) -> list[type[BaseModel]]:
    if part in model.model_fields:
        return _models_in(model.model_fields[part].annotation)
    return []


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models_in(argument)]
