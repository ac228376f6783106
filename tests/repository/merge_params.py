"""Lines of params.yaml from a page, put in as its reader does by hand: ``merge_params.py [section …] < lines``."""

import sys
from collections.abc import Iterable, MutableMapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

Content = MutableMapping[str, Any]


def merge(content: Content, changes: Content, replaces: Iterable[str] = ()) -> None:
    """Replace keys of a mapping, at any depth; of the sections `replaces` nothing is kept."""
    whole = set(replaces)
    for key, value in changes.items():
        both = isinstance(value, MutableMapping) and isinstance(content.get(key), MutableMapping)
        if both and key not in whole:
            merge(content[key], value)
        else:
            content[key] = value


def main() -> None:
    """Change params.yaml of the working directory."""
    yaml, path = YAML(), Path("params.yaml")
    content = yaml.load(path.read_text(encoding="utf-8"))
    merge(content, yaml.load(sys.stdin.read()), sys.argv[1:])
    with open(path, "w", encoding="utf-8") as stream:
        yaml.dump(content, stream)


if __name__ == "__main__":
    main()
