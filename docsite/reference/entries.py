"""A page for each registry: its entries, with their keys and defaults."""

import inspect
from typing import Any, Final

from deepfake_adv.registry import ANY, PY, Registry
from docsite.pages import ROOT
from docsite.reference.fields import REQUIRED, keys_of, shown
from docsite.reference.markdown import code, first_paragraph, prose, table

PAGES: Final = {
    "methods": ("Methods", ("method",), "The `name` of an entry of `methods` in params.yaml is one of these."),
    "detectors": ("Detectors", ("detector",), "The `name` of an entry of `detectors` in params.yaml is one of these."),
    "attacks": (
        "Attacks", ("attack",),
        "The `name` of an entry of `examples.attacks` or `robustness.attacks` in params.yaml is one of these.",
    ),
    "layouts": (
        "Layouts of datasets", ("layout",),
        "`datasets.<name>.layout` names one of these; the keys are those of `datasets.<name>.options`.",
    ),
    "faces": (
        "Locators and landmark models", ("locator", "landmarker"),
        "`locate.backend` names a locator and `locate.landmarks` a landmark model: by its name alone, or with keys.",
    ),
}  # fmt: skip
"""Page -> its title, the registries on it, and where params.yaml names their entries."""
_KINDS: Final = {"locator": "Locators", "landmarker": "Landmark models"}
_BEHIND: Final = {PY: "<module>:<factory>"}


def page(name: str) -> str:
    """Markdown of a page of `PAGES`."""
    title, kinds, used = PAGES[name]
    adding = "[CONTRIBUTING.md](../../CONTRIBUTING.md) says how to add one."
    parts = [f"# {title}\n\n{used} A key that is left out has its default. {adding}\n"]
    for kind in kinds:
        heading = "##" if len(kinds) == 1 else "###"
        if len(kinds) > 1:
            parts.append(f"## {_KINDS[kind]}\n")
        parts += [f"{heading} {_title(entry)}\n\n{_entry(kind, entry)}" for entry in Registry[Any](kind).names()]
    return "\n".join(parts)


def _title(name: str) -> str:
    return code(name + _BEHIND.get(name, "<model>") if name.endswith(ANY) else name)


def _entry(kind: str, name: str) -> str:
    made = Registry[Any](kind)[name]
    path = inspect.getfile(made).removeprefix(f"{ROOT}/")
    about = f"{prose(first_paragraph(inspect.getdoc(made)))}\n\nIn `{path}`.\n"
    model = getattr(made, "Params", None)
    keys = [] if model is None else list(keys_of(model))
    if not keys:
        return f"{about.rstrip()} It has no keys.\n"
    rows = [
        [
            code(".".join(key.path)),
            prose(key.meaning),
            key.words,
            "required" if key.default is REQUIRED else code(shown(key.default)),
        ]
        for key in keys
    ]
    return f"{about}\n{table(['key', 'meaning', 'value', 'default'], rows)}"
