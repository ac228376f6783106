"""Files of the repository that are pages of the site, and those that pages link to."""

import posixpath
import subprocess
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
FROM_THE_ROOT: Final = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "NOTICE": "notice.md",
}
"""Pages that lie outside docs/: path in the repository -> page of the site."""
FILES: Final = "files"
"""Folder of the site for files of the repository that are no pages of their own."""
_COPIED: Final = (".html", ".jpg", ".png", ".svg", ".txt")  # shown as they are


@cache
def tracked(root: Path = ROOT) -> frozenset[str]:
    """Paths of the files that are in the repository, with ``/``."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=root, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return frozenset(name for name in listed.stdout.split("\0") if name and (root / name).is_file())


def page_of(path: str) -> str | None:
    """The page of a file of the repository; None if it has no page of its own.

    Args:
        path: Path in the repository.
    """
    if path in FROM_THE_ROOT:
        return FROM_THE_ROOT[path]
    return path.removeprefix("docs/") if path.startswith("docs/") else None


def origin_of(page: str) -> str:
    """The file of the repository that a page is made of; for a generated page, where it would be."""
    known = {uri: path for path, uri in FROM_THE_ROOT.items()}
    return known.get(page, f"docs/{page}")


def place_of(path: str, files: frozenset[str]) -> str | None:
    """Where the site shows a file or folder of the repository; None if the repository has none there.

    Args:
        path: Path in the repository, of a file or of a folder.
        files: Result of `tracked`.
    """
    path = posixpath.normpath(path)
    if path in files:
        return page_of(path) or (f"{FILES}/{path}" if path.endswith(_COPIED) else f"{FILES}/{path}.md")
    if any(name.startswith(f"{path}/") for name in files):
        return f"{FILES}/{path}/index.md"
    return None


def listing(path: str, files: frozenset[str]) -> str:
    """Markdown that lists what is in a folder of the repository, at any depth."""
    names = sorted(name.removeprefix(f"{path}/") for name in files if name.startswith(f"{path}/"))
    return f"# {path}/\n\n" + "\n".join(f"- `{name}`" for name in names) + "\n"


_LANGUAGES: Final = {
    ".py": "python", ".pyi": "python", ".yaml": "yaml", ".yml": "yaml", ".cff": "yaml", ".toml": "toml",
    ".json": "json", ".css": "css", ".js": "javascript", ".jinja": "html+jinja", "Makefile": "make", "run": "bash",
}  # fmt: skip


def source_page(path: str, text: str) -> str:
    """Markdown that shows a text file of the repository."""
    language = _LANGUAGES.get(Path(path).suffix or Path(path).name, "text")
    fence = "`" * 3
    while fence in text:
        fence += "`"
    return f"---\nsearch:\n  exclude: true\n---\n# {path}\n\n{fence}{language}\n{text}\n{fence}\n"
