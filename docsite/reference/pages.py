"""The pages of the reference, made from the code at each build."""

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Final

from docsite.reference import command_line, entries, files, measures, params, python, stages, tables

PAGES: Final[Mapping[str, Callable[[], str]]] = MappingProxyType(
    {
        "reference/params.md": params.page,
        **{f"reference/{name}.md": partial(entries.page, name) for name in entries.PAGES},
        "reference/command-line.md": command_line.page,
        "reference/python.md": python.page,
        "reference/make.md": stages.make_page,
        "reference/stages.md": stages.page,
        "reference/tables.md": tables.page,
        "reference/files.md": files.page,
        "reference/metrics.md": measures.page,
    }
)
"""Page of the site -> what makes its Markdown."""
