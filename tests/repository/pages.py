"""The project's pages: their fenced blocks in order, and the commands in them.

A comment in front of a block says more about it, and is not shown to the reader:

- ``<!-- not run: reason -->``: commands that no test runs;
- ``<!-- file: name -->``: what the reader saves under this name;
- ``<!-- replaces: name, name -->``: lines of params.yaml in place of these whole sections.

Blocks of ``bash`` are commands. Blocks of ``yaml`` are lines of params.yaml, whose keys replace those that are there.
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = frozenset({"make", "dvc", "deepfake-adv", "git", "curl", "pip", "python"})
"""First words by which a block without a language is one of commands."""
_BLOCK = re.compile(
    r"(?:^ *<!-- (?P<mark>not run|file|replaces): (?P<said>[^\n]+?) -->\n\s*?)?"
    r"^(?P<indent> *)```(?P<language>[\w-]*)\n(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
_INLINE = re.compile(r"`((?:make|dvc|deepfake-adv) [^`]+)`")
_SEPARATOR = re.compile(r"[|&;]+")
_REDIRECTION = re.compile(r"[<>]+&?|[<>]+\|?")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=.*", re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block; `not_run` is the reason, `file` the name it is saved under, `replaces` are sections of params."""

    page: str
    line: int
    language: str
    text: str
    not_run: str = ""
    file: str = ""
    replaces: tuple[str, ...] = ()

    @property
    def is_params(self) -> bool:
        """Whether it is lines of params.yaml."""
        return self.language == "yaml" and not self.file

    @property
    def is_commands(self) -> bool:
        """Whether the reader is to type it."""
        first = self.text.split(maxsplit=1)[:1]
        return self.language in ("bash", "sh", "console") or (not self.language and PROGRAMS.issuperset(first or ["-"]))

    @property
    def place(self) -> str:
        """The page and the line, for messages."""
        return f"{self.page}:{self.line}"


def pages_of(root: Path) -> list[Path]:
    """README, CONTRIBUTING and every page of docs/."""
    return [root / "README.md", root / "CONTRIBUTING.md", *sorted((root / "docs").rglob("*.md"))]


def blocks_of(page: Path, root: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(
            page=page.relative_to(root).as_posix(),
            line=text.count("\n", 0, found.start("language")) + 1,
            language=found["language"],
            text="".join(line.removeprefix(found["indent"]) for line in found["text"].splitlines(keepends=True)),
            not_run=found["said"] if found["mark"] == "not run" else "",
            file=found["said"] if found["mark"] == "file" else "",
            replaces=tuple(found["said"].split(", ")) if found["mark"] == "replaces" else (),
        )
        for found in _BLOCK.finditer(text)
    ]


def inline_of(page: Path) -> list[str]:
    """Commands within sentences."""
    text = re.sub(r"^ *```.*?^ *```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return [" ".join(found.split()) for found in _INLINE.findall(text)]


def commands_of(text: str) -> Iterator[list[str]]:
    """The simple commands of a shell text, each as its words: without comments, redirections and assignments.

    A name in angle brackets, such as ``<run>``, stands for a word.
    """
    for line in text.replace("\\\n", " ").splitlines():
        words = shlex.shlex(re.sub(r"<(\w+)>", r"\1", line), posix=True, punctuation_chars="|&;<>")
        words.whitespace_split = True
        command: list[str] = []
        redirected = False
        for word in [*words, ";"]:
            if _SEPARATOR.fullmatch(word):
                if command:
                    yield command
                command = []
            elif _REDIRECTION.fullmatch(word):
                redirected = True
            elif redirected:
                redirected = False
            elif command or not _ASSIGNMENT.fullmatch(word):
                command.append(word)
