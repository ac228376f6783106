"""The explanations in a profile: its comments, by key."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap


def comments(profile: Path) -> dict[tuple[str, ...], str]:
    """What the comments of a profile say about each key, the one beside it first, then those above it.

    Args:
        profile: A file in the form of the profiles: one key a line.

    Returns:
        The path of a key -> text; keys without a comment are left out. A comment above a group of keys is the first's.
    """
    text = profile.read_text(encoding="utf-8")
    lines = text.splitlines()
    found = {}
    for path, line in _places(YAML().load(text)):
        beside = lines[line].partition(" # ")[2].strip()
        first = line
        while first and lines[first - 1].strip().startswith("#"):
            first -= 1
        above = " ".join(each.strip().removeprefix("#").strip() for each in lines[first:line])
        if beside or above:
            found[path] = ". ".join(each.rstrip(".") for each in (beside, above) if each)
    return found


def _places(mapping: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], int]]:
    """Every key of the file with its line."""
    if not isinstance(mapping, CommentedMap) or mapping.fa.flow_style():
        return
    for key, value in mapping.items():
        yield (*above, key), mapping.lc.key(key)[0]
        if isinstance(value, CommentedMap) and value.lc.line > mapping.lc.key(key)[0]:
            yield from _places(value, (*above, key))
