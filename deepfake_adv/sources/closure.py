"""The files that a stage's script imports, directly or not, with a digest of each: the code that a result depends on.

DVC does not follow imports. So every stage depends on such a list; scratch folders and cached results are named by the
list's digest, and run.json records it.
"""

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from deepfake_adv.registry import FOLDERS, PACKAGE, entry_of, find_entries, module_of, plugin_files
from deepfake_adv.sources.syntax import bytes_digest, tree_digest

# What cannot change a result: messages, scheduling, the start of stages, the public API, which only re-exports, and the
# schema, which only rejects bad values (the values are tracked as params, and defaults are in the code that uses them).
# Their imports are not followed either.
LEFT_OUT: Final = (
    "deepfake_adv/__init__.py",
    "deepfake_adv/api.py",
    "deepfake_adv/cli.py",
    "deepfake_adv/commands/",
    "deepfake_adv/execution/",
    "deepfake_adv/suggestions.py",
    "deepfake_adv/log.py",
    "deepfake_adv/params/",
    "deepfake_adv/sources/",
    "deepfake_adv/stage.py",
    "deepfake_adv/training/fleet.py",
)
SCRIPTS: Final = "pipeline"

RegistryEntry = tuple[str, str]
"""Kind and name of a registry's entry: ("method", "grad_sat")."""


@dataclass(frozen=True)
class Facts:
    """The facts about one source file.

    Attributes:
        digest: Digest of its syntax tree, or of its bytes if it is not Python.
        imports: Files of the checkout that it imports.
        data: Files in its folder that it names: templates, specifications.
        builders: Kinds of entries that it builds, whatever their names.
        built: Entries that it builds by a name in the code.
    """

    digest: str
    imports: frozenset[Path]
    data: frozenset[Path]
    builders: frozenset[str]
    built: frozenset[RegistryEntry]


class Sources:
    """The sources of one checkout; each file is read once.

    Args:
        root: Folder of dvc.yaml, the package and the stages' scripts.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._facts: dict[Path, Facts] = {}
        self._entries: dict[str, dict[str, Path]] = {}
        self._beside = [
            path
            for path in (root / PACKAGE).rglob("*.*")
            if path.suffix != ".py" and path.parent.name != "__pycache__" and path.is_file()
        ]

    def script(self, stage: str) -> Path:
        """A stage's script."""
        return self.root / SCRIPTS / f"{stage}.py"

    def stages(self) -> list[str]:
        """Names of the stages, which equal those of their scripts."""
        return sorted(path.stem for path in (self.root / SCRIPTS).glob("*.py") if path.stem != "__init__")

    def listing(self, start: Path, entries: Iterable[RegistryEntry] = ()) -> str:
        """One line per file that `start` and `entries` reach: 16 hex digits, two spaces, its path.

        Args:
            start: A stage's script, or a module.
            entries: Entries that are built by names in params.

        Raises:
            ValueError: If an entry is unknown, or a file has a syntax error.
        """
        reached = sorted(self.closure(start, entries))
        return "".join(f"{self.digest(path)}  {path.relative_to(self.root).as_posix()}\n" for path in reached)

    def plugin_listing(self, entries: Iterable[RegistryEntry] = ()) -> str:
        """As `listing`, for the files outside the package that the plug-ins in use reach.

        Args:
            entries: Entries in use; those named ``py:<module>:<factory>`` have a file of the user's too.

        Raises:
            ValueError: If there is no such module.
        """
        own_files = [file for entry in entries for file in self._own_module(entry)]
        reached = set().union(*(self.closure(file) for file in (*plugin_files(self.root), *own_files)))
        own = sorted(path for path in reached if path.relative_to(self.root).parts[0] != PACKAGE)
        return "".join(f"{self.digest(path)}  {path.relative_to(self.root).as_posix()}\n" for path in own)

    def closure(self, start: Path, entries: Iterable[RegistryEntry] = ()) -> set[Path]:
        """Files that `start` and `entries` reach, including data files, without `LEFT_OUT`.

        Where a file builds entries of a kind by names that are not in the code, and no entry of that kind is named,
        all entries of the kind are included.
        """
        named: set[RegistryEntry] = set(entries)
        builders: set[str] = set()
        reached: set[Path] = set()
        waiting = [start, *(file for entry in named for file in self._files(entry))]
        while waiting:
            path = waiting.pop()
            if path not in reached and not self._idle(path):
                reached.add(path)
                facts = self.facts(path)
                named |= facts.built
                builders |= facts.builders
                waiting += [
                    *facts.imports,
                    *facts.data,
                    *(file for entry in facts.built for file in self._files(entry)),
                ]
            if not waiting:
                open_kinds = builders - {kind for kind, _ in named}
                builders -= open_kinds
                waiting = [file for kind in open_kinds for file in self._of_kind(kind).values()]
        return reached

    def digest(self, path: Path) -> str:
        """16 hex digits of a file's syntax tree, or of its bytes if it is not Python."""
        return self.facts(path).digest

    def entry_file(self, entry: RegistryEntry) -> Path:
        """The file in which an entry registers itself.

        Raises:
            ValueError: If there is no such entry.
        """
        kind, name = entry
        files = self._of_kind(kind)
        found = entry_of(name, files)
        if found is None:
            raise ValueError(f"{kind} must be one of {', '.join(files)}; got {name!r}. Name one of them.")
        return files[found]

    def _files(self, entry: RegistryEntry) -> list[Path]:
        return [self.entry_file(entry), *self._own_module(entry)]

    def _own_module(self, entry: RegistryEntry) -> list[Path]:
        """Files of the user's module that an entry names; none for other entries."""
        module = module_of(entry[1])
        found = self._modules(module) if module else []
        if module and not found:
            raise ValueError(
                f"{entry[0]} must name a module in the project's folder; got {entry[1]!r}, and there is no "
                f"{module.replace('.', '/')}.py. Put it beside params.yaml, or correct the name."
            )
        return found

    def facts(self, path: Path) -> Facts:
        """Read a file, once.

        Raises:
            ValueError: If it is Python with a syntax error; names the file and the line.
        """
        if path not in self._facts:
            self._facts[path] = self._read(path)
        return self._facts[path]

    def _read(self, path: Path) -> Facts:
        content = path.read_bytes()
        if path.suffix != ".py":
            return Facts(bytes_digest(content), *[frozenset()] * 4)
        try:
            tree = ast.parse(content)
        except SyntaxError as error:
            raise ValueError(
                f"{path} must be Python; got {error.msg} in line {error.lineno}. Fix that line."
            ) from error
        names: set[str] = set()
        texts: set[str] = set()
        builders: set[str] = set()
        built: set[RegistryEntry] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                names.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                module = self._absolute(path, node)
                names.update((module, *(f"{module}.{alias.name}" for alias in node.names)))
                builders.update(kind for kind in FOLDERS if f"build_{kind}" in {alias.name for alias in node.names})
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.add(node.value)
            elif isinstance(node, ast.Call):
                built.update(_built(node))
        names |= {text for text in texts if text.startswith(f"{PACKAGE}.")}  # import_module("deepfake_adv....")
        ends = {text.rsplit("/", 1)[-1] for text in texts if "." in text}
        own = path.relative_to(self.root).parts[0] in (PACKAGE, SCRIPTS)
        beside = (
            self._beside if own else [file for file in path.parent.glob("*.*") if file.suffix not in (".py", ".pyc")]
        )
        data = {file for file in beside if file.name in ends and file.is_relative_to(path.parent)}
        imports = {file for name in names for file in self._modules(name)}
        return Facts(tree_digest(tree), frozenset(imports), frozenset(data), frozenset(builders), frozenset(built))

    def _absolute(self, path: Path, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        above = path.relative_to(self.root).parts[: -node.level]
        return ".".join([*above, *([node.module] if node.module else [])])

    def _modules(self, name: str) -> list[Path]:
        """The checkout's files that importing a name runs: its own and the non-empty `__init__.py` files above it.

        Plug-ins are included, since they are in the checkout's folder.
        """
        parts = name.split(".")
        packages = [self.root.joinpath(*parts[:depth], "__init__.py") for depth in range(1, len(parts) + 1)]
        module = self.root.joinpath(*parts).with_suffix(".py")
        return [path for path in packages if path.is_file() and path.stat().st_size] + [module] * module.is_file()

    def _of_kind(self, kind: str) -> dict[str, Path]:
        if kind not in self._entries:
            self._entries[kind] = find_entries(kind, self.root / PACKAGE, plugin_files(self.root))
        return self._entries[kind]

    def _idle(self, path: Path) -> bool:
        return path.relative_to(self.root).as_posix().startswith(LEFT_OUT)


def _built(call: ast.Call) -> set[RegistryEntry]:
    """The entry that a call like ``build_attack("fgsm")`` makes."""
    function, first = call.func, call.args[:1]
    if not isinstance(function, ast.Name) or not first or not isinstance(first[0], ast.Constant):
        return set()
    kind = function.id.removeprefix("build_")
    return {(kind, str(first[0].value))} if kind in FOLDERS and function.id.startswith("build_") else set()


def entries_of(kind: str, params: Mapping[str, Any]) -> set[RegistryEntry]:
    """The entries that an entry of params names: itself and all nested ones (the frame detector of `tsn`).

    Args:
        kind: Key of `FOLDERS`.
        params: The entry, with the key ``name``.
    """
    own: set[RegistryEntry] = {(kind, params["name"])}
    return own.union(
        *(entries_of(kind, value) for value in params.values() if isinstance(value, Mapping) and "name" in value)
    )
