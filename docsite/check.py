"""Check a built site: every link leads to a file of it and to an anchor in that file, and nothing comes from elsewhere.

Usage: python -m docsite.check site
"""

import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

_LOADED: Final = {"script", "img", "link", "iframe", "source", "video", "audio"}  # tags whose address a browser loads


class _Page(HTMLParser):
    """The anchors and addresses of one page."""

    def __init__(self) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.addresses: list[tuple[str, str]] = []  # tag, address

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.anchors |= {value for name in ("id", "name") if (value := given.get(name))}
        self.addresses += [(tag, value) for name in ("href", "src") if (value := given.get(name))]


def faults(site: Path) -> Iterator[str]:
    """One sentence for each link that leads nowhere, and for each file that a page would load from elsewhere.

    Args:
        site: Folder of the built site.
    """
    pages = {path: _read(path) for path in sorted(site.rglob("*.html"))}
    for path, page in pages.items():
        here = path.relative_to(site).as_posix()
        for tag, address in dict.fromkeys(page.addresses):
            parts = urlsplit(address)
            if parts.scheme in ("data", "mailto"):
                continue
            if parts.scheme or parts.netloc:
                if tag in _LOADED:
                    yield f"{here} must load nothing from elsewhere; got {address}. Put it into the site."
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path.resolve()
            if here == "404.html" and parts.path.startswith("/"):
                target = (site / parts.path.lstrip("/")).resolve()
            if target.is_dir():
                target /= "index.html"
            if not target.is_file():
                yield f"{here} must link to what is there; got {address}. Correct the link."
            elif parts.fragment and target.suffix == ".html" and unquote(parts.fragment) not in _anchors(pages, target):
                yield f"{here} must link to an anchor of its target; got {address}. Correct the anchor."


def _read(path: Path) -> _Page:
    page = _Page()
    page.feed(path.read_text(encoding="utf-8"))
    return page


def _anchors(pages: dict[Path, _Page], target: Path) -> set[str]:
    return next((page.anchors for path, page in pages.items() if path.resolve() == target), set())


def main() -> None:
    """Print the faults of the site that is named; the exit code is 1 if there are any."""
    found = list(faults(Path(sys.argv[1])))
    for fault in found:
        print(fault)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
