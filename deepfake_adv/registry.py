"""Entries by name: methods, detectors, attacks, layouts, locators.

A decorator such as ``@register_method("baseline")`` registers a class. The file of a name is found by parsing the
sources of the entries' folder and of the user's plug-ins, and only that file is imported. A new entry is therefore one
new file without a list to edit, and a run does not depend on the code or the libraries of other entries.
"""

import ast
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Generic, TypeVar

T = TypeVar("T")
E = TypeVar("E")

PACKAGE: Final = __name__.partition(".")[0]
ROOT: Final = Path(__file__).resolve().parents[1]
"""The project's folder; the user's plug-ins are in it too."""
FOLDERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "method": "methods",
        "detector": "detectors",
        "attack": "attacks",
        "layout": "datasets/layouts",
        "locator": "faces",
        "landmarker": "faces",
    }
)
"""Kind to the folder of its entries: ``register_<kind>`` registers one, ``build_<kind>`` builds one."""
ANY: Final = ":"  # a registered name with this suffix stands for every name that begins with it
PY: Final = "py:"  # of names that say which of the user's own modules has the code: py:<module>:<factory>
PLUGINS: Final = "DEEPFAKE_ADV_PLUGINS"  # in the environment, for all child processes
_TAKEN: Final[dict[str, dict[str, Any]]] = {kind: {} for kind in FOLDERS}


def use_plugins(names: Iterable[str], root: Path = ROOT) -> None:
    """Also look for entries in the user's modules, in this process and its child processes.

    Args:
        names: Names of modules in the project's folder: ``mine`` is mine.py, or every module in the folder mine/.
        root: The project's folder.

    Raises:
        ValueError: If there is no such module.
    """
    chosen = list(names)
    for name in chosen:
        _plugin_place(name, root)
    os.environ[PLUGINS] = ",".join(chosen)
    if chosen and str(root) not in sys.path:
        sys.path.append(str(root))


def plugin_files(root: Path = ROOT) -> list[Path]:
    """The Python files of the plug-ins in use."""
    places = [_plugin_place(name, root) for name in os.environ.get(PLUGINS, "").split(",") if name]
    return [file for place in places for file in ([place] if place.is_file() else sorted(place.rglob("*.py")))]


def _plugin_place(name: str, root: Path) -> Path:
    place = root.joinpath(*name.split("."))
    if not all(part.isidentifier() for part in name.split(".")) or name.split(".")[0] == PACKAGE:
        raise ValueError(f"plugins must be names of modules, such as mine or mine.methods; got {name!r}. Rename it.")
    if not (place.is_dir() or place.with_suffix(".py").is_file()):
        raise ValueError(
            f"plugins must be modules in the project's folder; got {name!r}, and neither {place.name}.py nor a folder "
            f"{place.name} is in {place.parent}. Put it there, or remove it from `plugins` in params.yaml."
        )
    return place if place.is_dir() else place.with_suffix(".py")


def find_entries(kind: str, package: Path, plugins: Iterable[Path] = ()) -> dict[str, Path]:
    """File of each entry of a kind, found by parsing the sources; nothing is imported.

    Args:
        kind: Key of `FOLDERS`.
        package: Folder of the package with the kind's folder.
        plugins: The user's files.

    Raises:
        ValueError: If two files register one name, or a plug-in is no Python.
    """
    found: dict[str, Path] = {}
    for path in [*sorted((package / FOLDERS[kind]).rglob("*.py")), *plugins]:
        text = path.read_text(encoding="utf-8")
        for name in _registered(path, text, f"register_{kind}") if f"register_{kind}(" in text else ():
            if found.setdefault(name, path) != path:
                raise ValueError(
                    f"the {kind} {name} must be registered in one file; got {found[name].name} and {path.name}. "
                    "Rename one of them."
                )
    return dict(sorted(found.items()))


@cache
def _own_entries(kind: str, plugins: tuple[Path, ...]) -> dict[str, Path]:
    return find_entries(kind, ROOT / PACKAGE, plugins)


def entry_of(name: str, names: Iterable[str]) -> str | None:
    """The registered name for `name`: itself, or its part up to ``:``; None if there is none."""
    beginning = f"{name.partition(ANY)[0]}{ANY}" if ANY in name else name
    return beginning if beginning in names else None


def module_of(name: str) -> str | None:
    """The module that a name such as ``py:mine.nets:make`` says; None for other names."""
    return name.removeprefix(PY).partition(ANY)[0] if name.startswith(PY) else None


def _registered(path: Path, text: str, marker: str) -> Iterator[str]:
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        raise ValueError(f"{path} must be Python; got {error.msg} in line {error.lineno}. Fix that line.") from error
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == marker and node.args:
            name = node.args[0]
            if isinstance(name, ast.Constant) and isinstance(name.value, str):
                yield name.value


class Registry(Mapping[str, T], Generic[T]):
    """Entries of one kind by name; an entry is imported at its first use.

    Args:
        kind: Key of `FOLDERS`.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._taken: dict[str, T] = _TAKEN[kind]

    def register(self, name: str) -> Callable[[E], E]:
        """A decorator that registers a class under this name."""

        def mark(made: E) -> E:
            self._taken[name] = made  # type: ignore[assignment]
            return made

        return mark

    @property
    def files(self) -> dict[str, Path]:
        """File of each entry, including those that stand for many names."""
        return _own_entries(self.kind, tuple(plugin_files()))

    def __getitem__(self, name: str) -> T:
        if name not in self._taken:
            path = self.files[name].relative_to(ROOT).with_suffix("")
            import_module(".".join(path.parts))
        return self._taken[name]

    def names(self) -> list[str]:
        """Every registered name, including those that stand for many and those registered at run time."""
        return sorted({*self.files, *self._taken})

    def __iter__(self) -> Iterator[str]:
        return (name for name in self.names() if not name.endswith(ANY))

    def __len__(self) -> int:
        return sum(1 for _ in self)
