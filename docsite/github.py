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
    while at < len(lines):
        line = lines[at]
        above = made[-1].strip() if made else ""
        if mark := _FENCE.match(line):
            end = _end_of_fence(lines, at, mark[1])
            made += lines[at:end]
            at = end
            continue
        item = _ITEM.match(line)
        if above and (_BEGINS_LIST.match(line) or item) and _ends(made, line):
            made.append("")
        if above and line.startswith("|") and not made[-1].lstrip().startswith("|"):
            made.append("")
        if item:
            end = _end_of_item(lines, at, len(item[0]))
            content = _lines(
                [line[len(item[0]) :], *(each[len(item[0]) :] if each.strip() else "" for each in lines[at + 1 : end])]
            )
            made.append(item[0] + content[0])
            made += [_INDENT + each if each.strip() else "" for each in content[1:]]
            at = end
            continue
        made.append(re.sub(r"^<details(?! markdown)", '<details markdown="1"', line))
        at += 1
    return made


def _ends(made: list[str], line: str) -> bool:
    """Whether the list that begins with the line ends what stands above it: a paragraph, and no other item."""
    above = made[-1]
    within = any(_ITEM.match(each) for each in _paragraph(made))
    return bool(_BEGINS_LIST.match(line)) and not within and not above.startswith((" ", "|", "#", "<"))


def _paragraph(made: list[str]) -> list[str]:
    """The last lines up to an empty one."""
    start = len(made)
    while start and made[start - 1].strip():
        start -= 1
    return made[start:]


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
