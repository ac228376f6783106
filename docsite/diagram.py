"""Diagrams of layers as nested boxes: Mermaid's own script would come from the network."""

import re
from html import escape
from typing import Any, Final

_NODE: Final = re.compile(r"^\w+(\[\[|\[)(.+?)\]{1,2}$")
_SILENT: Final = re.compile(r"^(flowchart TB|direction LR|end|\w+ --> \w+)?$")


def fence(source: str, language: str, css_class: str, options: Any, md: Any, **_: Any) -> str:
    """A fence of Mermaid as HTML; see pymdownx.superfences for the arguments.

    Raises:
        ValueError: If it is more than rows of boxes, each row above the next.
    """
    rows: list[list[str]] = []
    for line in map(str.strip, source.splitlines()):
        if line.startswith("subgraph "):
            rows.append([])
        elif (node := _NODE.match(line)) and rows:
            double = " double" if node[1] == "[[" else ""
            rows[-1].append(f'<span class="box{double}">{escape(node[2])}</span>')
        elif not _SILENT.match(line):
            raise ValueError(
                "a mermaid diagram must be subgraphs of boxes, one above the other, since Mermaid's script would come "
                f"from the network; got {line!r}. Draw it as a picture instead."
            )
    return '<div class="layers">' + "".join(f'<div class="row">{"".join(row)}</div>' for row in rows) + "</div>"
