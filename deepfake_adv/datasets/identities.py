"""Who is in a video, by the names of its target and source, and the groups that swaps connect."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

_PERSON: Final = re.compile(r"(id\d+)_\d+|(\d+)__.+")


def identity_of(name: str) -> str:
    """The person whom a target's or a source's name stands for.

    Celeb-DF's ``id0_0003`` is the person id0, DFD's ``24__talk_still`` the actor 24. In the other datasets a name
    stands for one person, or nothing is known about who returns under another name.
    """
    match = _PERSON.fullmatch(name)
    return (match[1] or match[2]) if match else name


def connected(links: Sequence[Iterable[str]]) -> dict[str, str]:
    """Each name's group, named after its first member by order: names of one link are in one group.

    Args:
        links: Names that belong together, such as the identities of one video.
    """
    root: dict[str, str] = {}

    def find(name: str) -> str:
        root.setdefault(name, name)
        while root[name] != name:
            root[name] = root[root[name]]
            name = root[name]
        return name

    for link in links:
        first, *others = link
        for other in others:
            ends = sorted((find(first), find(other)))
            root[ends[1]] = ends[0]
        find(first)
    return {name: find(name) for name in root}
