"""Links between files of the repository, as links between pages of the site."""

import posixpath
import re
from collections.abc import Callable, Iterator
from typing import Final

from docsite.pages import origin_of, page_of, place_of

_FENCE: Final = re.compile(r"^\s*(`{3,}|~{3,})")
_CODE: Final = re.compile(r"(`+)(?!`)(.+?)(?<!`)\1(?!`)")
_LINK: Final = re.compile(r"(\]\()([^()\s]+)(?=[)\s])")
_HTML: Final = re.compile(r"""((?:src|href|srcset)=["'])([^"']+)(?=["'])""")
_ELSEWHERE: Final = re.compile(r"^([a-z][a-z0-9+.-]*:|//|#)")  # with a scheme, or within the page


def _prose(markdown: str, change: Callable[[str], str]) -> str:
    """Apply a function to the lines that are not in fences."""
    fence = ""
    lines = []
    for line in markdown.split("\n"):
        mark = _FENCE.match(line)
        if fence:
            if mark and mark[1].startswith(fence) and line.strip() == mark[1]:
                fence = ""
        elif mark:
            fence = mark[1]
        else:
            line = change(line)
        lines.append(line)
    return "\n".join(lines)


def targets(markdown: str, page: str, files: frozenset[str]) -> Iterator[str]:
    """Files and folders of the repository that a page links to, or names in code, and that are no pages.

    Args:
        markdown: The page's text.
        page: The page, a path in the site.
        files: Result of `pages.tracked`.
    """
    found: list[str] = []
    _rewritten(markdown, page, files, found)
    yield from dict.fromkeys(path for path in found if path not in files or page_of(path) is None)


def rewritten(markdown: str, page: str, files: frozenset[str]) -> str:
    """The page with its links led to where the site has what they name.

    A path in code, such as `profiles/demo.yaml`, becomes a link too. A link that leads nowhere is left as it is.
    """
    return _rewritten(markdown, page, files, [])


def _rewritten(markdown: str, page: str, files: frozenset[str], found: list[str]) -> str:
    here = posixpath.dirname(origin_of(page))

    def relative(place: str) -> str:
        return posixpath.relpath(place, posixpath.dirname(page) or ".")

    def led(target: str) -> str | None:
        """The target as a link of this page; None if it stays."""
        if _ELSEWHERE.match(target):
            return None
        path, mark, anchor = target.partition("#")
        path = posixpath.normpath(posixpath.join(here, path))
        place = place_of(path, files)
        if place is None:
            return None
        found.append(path)
        return relative(place) + mark + anchor

    def link(match: re.Match[str]) -> str:
        return match[1] + (led(match[2]) or match[2])

    def html(match: re.Match[str]) -> str:
        return match[1] + re.sub(r"\.md(?=#|$)", ".html", led(match[2]) or match[2])

    def code(match: re.Match[str]) -> str:
        """A file's path from the root of the repository."""
        name = match[2].strip()
        if "/" not in name or name not in files or page == place_of(name, files):
            return match[0]
        found.append(name)
        return f"[{match[0]}]({relative(place_of(name, files) or '')})"

    def between_code(text: str) -> str:
        return _HTML.sub(html, _LINK.sub(link, text))

    def change(line: str) -> str:
        pieces, end, depth = [], 0, 0  # depth: of brackets, since what is in a link's text becomes no link
        for match in _CODE.finditer(line):
            between = line[end : match.start()]
            depth = max(0, depth + between.count("[") - between.count("]"))
            pieces += [between_code(between), match[0] if depth else code(match)]
            end = match.end()
        return "".join(pieces) + between_code(line[end:])

    return _prose(markdown, change)
