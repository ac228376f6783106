"""The page on params.yaml: every key, from the models that check it and the comments of the profiles."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

from deepfake_adv.params.entries import Entry
from deepfake_adv.params.load import read_yaml
from deepfake_adv.params.schema import Params
from docsite.pages import ROOT
from docsite.reference.comments import comments
from docsite.reference.fields import Key, keys_of, model_in, shown
from docsite.reference.markdown import code, first_paragraph, prose, table

_ENTRIES: Final = {
    "detectors": "[detectors](detectors.md)",
    "methods": "[methods](methods.md)",
    "examples.attacks": "[attacks](attacks.md)",
    "robustness.attacks": "[attacks](attacks.md)",
    "locate.backend": "[locators](faces.md)",
    "locate.landmarks": "[landmark models](faces.md)",
    "datasets.<name>.options": "[the layout's options](layouts.md)",
    "datasets.<name>.layout": "[layouts](layouts.md)",
}
"""Keys whose values other pages explain."""
_SHOWN: Final = 40  # characters of a value; a longer one is left to the profile


def page() -> str:
    """Markdown of the page."""
    sections = "\n".join(_section(name) for name in Params.model_fields)
    return f"""# params.yaml

`params.yaml` holds every choice of the pipeline. It starts as a copy of a profile: `profiles/demo.yaml`,
`profiles/own.yaml` (your own videos) or `profiles/paper.yaml`. An unknown key, a missing one and a value out of range
are errors; `deepfake-adv check` reports all of them. A key with a default may be left out.

`<name>` stands for a name that you choose. A value that is too long for the table is in the profile.

{sections}"""


@cache
def _profile(name: str) -> Mapping[str, Any]:
    return read_yaml(ROOT / f"profiles/{name}.yaml")


@cache
def _comments() -> Mapping[tuple[str, ...], str]:
    return comments(ROOT / "profiles/demo.yaml")


def explained() -> Iterator[tuple[Key, str]]:
    """Every key with its explanation: its description, its comment in the demo profile, or both."""
    for key in keys_of(Params):
        said = _comments().get(key.path, "")
        yield key, f"{key.meaning} Demo: {said}" if key.meaning and said else key.meaning or said


def _section(name: str) -> str:
    keys = [(key, text) for key, text in explained() if key.path[0] == name]
    about = [_about(name, keys), _stages(name)]
    profiles = {profile: _profile(profile) for profile in ("demo", "paper")}
    rows = [
        [
            code(".".join(key.path)),
            prose(text),
            _ENTRIES.get(".".join(key.path), "") or key.words,
            code(shown(key.default)),
            *(_value(content, key.path) for content in profiles.values()),
        ]
        for key, text in keys
    ]
    heads = ["key", "meaning", "value", "default", *profiles]
    kept = [place for place, head in enumerate(heads) if head == "key" or any(row[place] for row in rows)]
    shown_rows = [[row[place] for place in kept] for row in rows]
    return f"## {name}\n\n" + "\n\n".join(filter(None, about)) + "\n\n" + table([heads[at] for at in kept], shown_rows)


def _about(name: str, keys: list[tuple[Key, str]]) -> str:
    """What a section is: the comment above it in the demo profile, else its model's docstring."""
    if len(keys) == 1 and keys[0][0].path == (name,):
        return ""  # the comment stands beside the key
    if above := _comments().get((name,)):
        return prose(above) + "."
    model = model_in(Params.model_fields[name].annotation)
    return prose(first_paragraph(model.__doc__)) if model is not None and model is not Entry else ""


def _value(content: Mapping[str, Any], path: tuple[str, ...]) -> str:
    """The value of a profile as code; "" where there is none, or a long one."""
    found: Any = content
    for name in path:
        if not isinstance(found, Mapping) or name not in found:
            return ""
        found = found[name]
    text = shown(found)
    return code(text) if len(text) <= _SHOWN else ""


@cache
def _pipeline(file: str) -> Mapping[str, Any]:
    stages: Mapping[str, Any] = read_yaml(ROOT / file)["stages"]
    return stages


def _stages(section: str) -> str:
    """Which stages dvc.yaml lists a section for."""
    named = []
    for file in ("dvc.yaml", "outside/dvc.yaml"):
        for stage, content in _pipeline(file).items():
            body = content.get("do", content)
            listed = {str(each).partition(".")[0] for each in body.get("params", [])}
            if section in listed or re.search(rf"\${{{section}}}", str(body["cmd"])):
                named.append(stage)
    return f"In `dvc.yaml` a param of {', '.join(map(code, named))}." if named else ""
