"""The page on the Python API: what ``deepfake_adv/__init__.pyi`` exports, for mkdocstrings to fill in."""

import ast

from docsite.pages import ROOT
from docsite.reference.markdown import code


def exported() -> dict[str, str]:
    """Public name -> the module that defines it."""
    tree = ast.parse((ROOT / "deepfake_adv/__init__.pyi").read_text(encoding="utf-8"))
    return {
        alias.asname or alias.name: f"deepfake_adv.{node.module}"
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def page() -> str:
    """Markdown of the page; ``:::`` is mkdocstrings' mark."""
    names = exported()
    options = "    options:\n      heading_level: 2\n      toc_label: {name}\n      heading: deepfake_adv.{name}\n"
    parts = [f"::: {module}.{name}\n{options.format(name=name)}" for name, module in names.items()]
    return f"""# Python API

What `deepfake_adv` exports is public; everything else may change without notice. A name is imported when it is first
used. The list is {code("deepfake_adv/__init__.pyi")}.

{chr(10).join(parts)}"""
