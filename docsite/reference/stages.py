"""The pages on the stages of dvc.yaml and on the targets of the Makefile."""

import re
from collections.abc import Mapping
from typing import Any

from deepfake_adv.params.load import read_yaml
from docsite.pages import ROOT
from docsite.reference.markdown import code, prose, table

FILES = ("outside/dvc.yaml", "dvc.yaml")


def stages() -> dict[str, tuple[str, Mapping[str, Any]]]:
    """Stage -> its file and its content."""
    return {name: (file, stage) for file in FILES for name, stage in read_yaml(ROOT / file)["stages"].items()}


def page() -> str:
    """Markdown of the page on stages."""
    parts = "\n".join(_stage(name, *found) for name, found in stages().items())
    return f"""# Stages

`dvc repro` runs the stages whose inputs changed, in the order in which they depend on each other. A stage with "once
for each" stands for several: `dvc repro train@compact_baseline` runs one of them. In a name, `${{key}}` is the entry's
name, and `${{item}}` the entry. Paths are relative to the repository's root.

{parts}"""


def _stage(name: str, file: str, content: Mapping[str, Any]) -> str:
    body = content.get("do", content)
    about = [prose(str(body["desc"]))]
    if "foreach" in content:
        about.append(f"Once for each entry of `{content['foreach'].strip('${}')}`.")
    if body.get("always_changed"):
        about.append("Runs in every `dvc repro`.")
    listed = [
        f"- {head}: {', '.join(map(code, _paths(body[key])))}"
        for head, key in (
            ("Reads", "deps"), ("Params", "params"), ("Writes", "outs"), ("Metrics", "metrics"), ("Plots", "plots")
        )
        if body.get(key)
    ]  # fmt: skip
    command = f"- Command: {code(' '.join(str(body['cmd']).split()))}"
    return f"## {name}\n\n{' '.join(about)} In `{file}`.\n\n{chr(10).join([*listed, command])}\n"


def _paths(listed: list[Any]) -> list[str]:
    return [path for each in listed for path in ([each] if isinstance(each, str) else each)]


def make_targets() -> dict[str, str]:
    """Target -> what `make help` says of it."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    lines = re.findall(r"^([a-z][a-z -]*):(?:.*?)## (.+)$", text, re.MULTILINE)
    return {name: said for names, said in lines for name in names.split()}


def make_page() -> str:
    """Markdown of the page on the Makefile."""
    rows = [(code(f"make {name}"), prose(said)) for name, said in make_targets().items()]
    return f"""# Make targets

What `make help` prints.

{table(["target", "what it does"], rows)}"""
