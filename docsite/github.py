"""Markdown as GitHub reads it, in the form that Python-Markdown, which MkDocs uses, reads the same way."""

import re
from typing import Final

_FENCE: Final = re.compile(r"^(`{3,}|~{3,})")
_ITEM: Final = re.compile(r"^([-*+]|\d+[.)])( +)(?=\S)")
_BEGINS_LIST: Final = re.compile(r"^([-*+]|1[.)]) +\S")  # what ends a paragraph on GitHub
_INDENT: Final = " " * 4  # of what belongs to an item, for Python-Markdown; GitHub asks for the width of the marker


def as_python_markdown(text: str) -> str:
    """The same page with an empty line before each list and table, and items' content indented by four spaces."""
    return "\n".join(_lines(text.split("\n")))


def _lines(lines: list[str]) -> list[str]:
    made: list[str] = []
    at = 0
    item_above = loose = False  # loose: with an empty line in it
    while at < len(lines):
        line = lines[at]
        item = _ITEM.match(line)
        if made and made[-1].strip():
            begins_list = not item_above and _BEGINS_LIST.match(line)
            begins_table = line.startswith("|") and not made[-1].lstrip().startswith("|")
            if begins_list or begins_table or (item and loose):
                made.append("")
        item_above, loose = bool(item), False
        if item:
            width = len(item[0])
            end = _end_of_item(lines, at, width)
            content = _lines([line[width:], *(each[width:] if each.strip() else "" for each in lines[at + 1 : end])])
            loose = "" in content
            made.append(item[0] + content[0])
            made += [_INDENT + each if each else "" for each in content[1:]]
        elif mark := _FENCE.match(line):
            end = _end_of_fence(lines, at, mark[1])
            made += lines[at:end]
        else:
            end = at + 1
            made.append(re.sub(r"^<details(?! markdown)", '<details markdown="1"', line))
        at = end
    return made


def _end_of_fence(lines: list[str], start: int, mark: str) -> int:
    closing = re.compile(rf"^ {{0,3}}{re.escape(mark[0])}{{{len(mark)},}} *$")
    return next((at + 1 for at in range(start + 1, len(lines)) if closing.match(lines[at])), len(lines))


def _end_of_item(lines: list[str], start: int, width: int) -> int:
    """The line after an item's last: what is indented by the marker's width, and empty lines between."""
    end = start + 1
    for at in range(start + 1, len(lines)):
        if lines[at].startswith(" " * width):
            end = at + 1
        elif lines[at].strip():
            break
    return end
