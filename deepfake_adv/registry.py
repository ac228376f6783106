"""Entries that are found by their names: methods, detectors, attacks, locators.

An entry registers itself beside its class, by ``@register_method("baseline")`` and the like. A name's file is found
by reading the sources of its folder, and it alone is imported. So a new entry is one new file, no list names it, and
what one entry is made of (its libraries, its code) is no part of a run that takes another.
"""

import ast
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Final, Generic, TypeVar

T = TypeVar("T")
E = TypeVar("E")

PACKAGE: Final = __name__.partition(".")[0]
FOLDERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "method": "methods",
        "detector": "detectors",
        "attack": "attacks",
        "locator": "faces",
        "landmarker": "faces",
    }
)
"""Kind to the package's folder of its entries: ``register_<kind>`` marks one, ``build_<kind>`` makes it."""
ANY: Final = ":"  # a registered name that ends so stands for every name that begins like it


def find_entries(kind: str, package: Path) -> dict[str, Path]:
    """Where each entry of a kind registers itself, read from the sources: nothing is imported.

    Args:
        kind: Of `FOLDERS`.
        package: Folder of the package that holds the kind's folder.

    Raises:
        ValueError: If two files register one name.
    """
    found: dict[str, Path] = {}
    for path in sorted((package / FOLDERS[kind]).rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        for name in _registered(text, f"register_{kind}") if f"register_{kind}(" in text else ():
            if found.setdefault(name, path) != path:
                raise ValueError(
                    f"the {kind} {name} must be registered in one file; got {found[name].name} and {path.name}. "
                    "Rename one of them."
                )
    return dict(sorted(found.items()))


def entry_of(name: str, names: Mapping[str, Path]) -> str | None:
    """The registered name that stands for `name`, itself or its beginning up to ``:``; None where there is none."""
    beginning = f"{name.partition(ANY)[0]}{ANY}" if ANY in name else name
    return beginning if beginning in names else None


def _registered(text: str, marker: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == marker and node.args:
            name = node.args[0]
            if isinstance(name, ast.Constant) and isinstance(name.value, str):
                yield name.value


class Registry(Mapping[str, T], Generic[T]):
    """Entries of one kind by name; one is imported when it is taken.

    Args:
        kind: Of `FOLDERS`.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._taken: dict[str, T] = {}

    def register(self, name: str) -> Callable[[E], E]:
        """A decorator that makes what it decorates the entry of that name."""

        def mark(made: E) -> E:
            self._taken[name] = made  # type: ignore[assignment]
            return made

        return mark

    @cached_property
    def files(self) -> dict[str, Path]:
        """File of each entry, those that stand for many names among them."""
        return find_entries(self.kind, Path(__file__).parent)

    def __getitem__(self, name: str) -> T:
        if name not in self._taken:
            path = self.files[name].relative_to(Path(__file__).parents[1])
            import_module(".".join(path.with_suffix("").parts))
        return self._taken[name]

    def __iter__(self) -> Iterator[str]:
        return (name for name in self.files if not name.endswith(ANY))

    def __len__(self) -> int:
        return sum(1 for _ in self)
