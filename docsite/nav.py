"""The site's contents: patterns such as ``tutorials/*.md`` stand for the pages that they match."""

import fnmatch
from collections.abc import Iterable
from typing import Any


def expanded(nav: Any, pages: Iterable[str]) -> Any:
    """The contents of mkdocs.yml with patterns replaced by pages.

    A pattern stands for the pages of its folder that are named nowhere and that no earlier pattern matches, in the
    order of their names; an entry without pages is left out.

    Args:
        nav: Contents, as mkdocs.yml has them: pages, and mappings of a title to contents.
        pages: Every page.
    """
    left = sorted(set(pages) - set(named(nav)))

    def walk(item: Any) -> list[Any]:
        if isinstance(item, list):
            return [made for each in item for made in walk(each)]
        if isinstance(item, dict):
            made = [(title, content, walk(content)) for title, content in item.items()]
            return [{title: written if found == [written] else found} for title, written, found in made if found]
        if "*" not in item:
            return [item]
        found = [page for page in left if fnmatch.fnmatchcase(page, item) and page.count("/") == item.count("/")]
        left[:] = [page for page in left if page not in found]
        return found

    return walk(nav)


def named(nav: Any) -> list[str]:
    """Pages that contents name, without patterns."""
    if isinstance(nav, str):
        return [] if "*" in nav else [nav]
    return [page for each in (nav.values() if isinstance(nav, dict) else nav) for page in named(each)]
