"""What is wrong with a command of a page, by the parsers of the programs themselves; nothing is run."""

import fnmatch
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from unittest import mock

import typer
from dvc.cli import DvcParserError, parse_args
from dvc.cli.parser import get_main_parser
from ruamel.yaml import YAML

from deepfake_adv.cli import app

GIT = frozenset("add branch checkout clone commit config diff init log push restore status switch tag".split())  # noqa: SIM905
PLAIN = frozenset("cat cd cp curl df du export grep head ls mkdir mv rm sed sort source tail true wc".split())  # noqa: SIM905
"""Programs of every system, whose options no test looks at; the slow test runs them."""

Keys = Mapping[str, Any]


class Known:
    """The project's commands, targets, stages and keys.

    Args:
        root: The checkout.
        params: Contents of params files whose keys and names a command may name.
    """

    def __init__(self, root: Path, params: Iterable[Keys]) -> None:
        self.root = root
        self.params = list(params)
        self.makefile = (root / "Makefile").read_text(encoding="utf-8")
        named = re.findall(r"^([a-z -]+):", self.makefile, re.MULTILINE)
        self.targets = {name for line in named for name in line.split()}
        files = [YAML(typ="safe").load((root / name).read_text("utf-8")) for name in ("dvc.yaml", "outside/dvc.yaml")]
        self.stages = {name: stage for content in files for name, stage in content["stages"].items()}
        self.commands: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]

    def problem(self, words: list[str], *, marked: bool = False) -> str | None:
        """What is wrong with a command, or None.

        Args:
            words: Of the command.
            marked: Whether it is in a block that no test runs: then it may be any program.
        """
        program, *rest = words
        checks = {"make": self._make, "dvc": self._dvc, "deepfake-adv": self._own, "python": self._python}
        if program in checks and not (program == "python" and marked):
            return checks[program](rest)
        if program == "git":
            return None if rest and rest[0] in GIT else f"git {' '.join(rest[:1])} is not known to this test"
        return None if marked or program in PLAIN else f"{program} is not known to this test"

    def unknown_options(self, words: list[str]) -> list[str]:
        """Options that its program lacks, of a shortened command of a sentence (``predict … --report page.html``)."""
        program, *rest = words[: words.index("|")] if "|" in words else words
        given = [word.partition("=")[0] for word in rest if re.fullmatch(r"--?[a-zA-Z][\w-]*(=.*)?", word)]
        if program == "deepfake-adv":
            command = self.commands.get(rest[0])
            if command is None:
                return [] if rest[0] in ("--version", "--install-completion") else rest[:1]
            known = {option for each in command.params for option in (*each.opts, *each.secondary_opts)} | {"--help"}
            return [option for option in given if option not in known]
        if program == "dvc":
            parser, unknown = _dvc_parser(), []
            known = set(parser._option_string_actions)
            for word in rest:
                group = next((action for action in parser._actions if isinstance(action.choices, dict)), None)
                if group is None or word.startswith("-"):
                    break
                if word not in group.choices:
                    unknown.append(word)
                    break
                parser = group.choices[word]
                known |= set(parser._option_string_actions)
            return unknown + [option for option in given if option not in known]
        return [word for word in rest if re.fullmatch(r"[a-z][a-z-]*", word) and word not in self.targets][:1]

    def _make(self, words: list[str]) -> str | None:
        for word in words:
            name, is_variable, _ = word.partition("=")
            if is_variable and f"$({name})" not in self.makefile:
                return f"the Makefile has no variable {name}"
            if not is_variable and word not in self.targets:
                return f"the Makefile has no target {word}"
        return None

    def _own(self, words: list[str]) -> str | None:
        name = words[0] if words else ""
        if name not in self.commands:
            return None if name in ("--version", "--help") else f"deepfake-adv has no command {name}"
        try:
            self.commands[name].make_context(name, list(words[1:]))
        except typer.Exit:  # --help
            return None
        except Exception as error:
            if not hasattr(error, "format_message"):  # it is no error of the parser
                raise
            return str(error.format_message())
        return None

    def _dvc(self, words: list[str]) -> str | None:
        try:
            with mock.patch.object(sys, "argv", ["dvc"]):  # DVC looks for debugging options there
                parsed = parse_args(words)
        except DvcParserError:
            return "DVC does not know this command or option"
        for change in getattr(parsed, "set_param", None) or []:
            key = change.partition("=")[0].lstrip("+~")
            if not any(_has(content, key) for content in self.params):
                return f"no params file has the key {key}"
        if parsed.cmd in ("repro", "run", "status", "commit"):
            for target in getattr(parsed, "targets", None) or []:
                if (wrong := self._target(target)) is not None:
                    return wrong
        return None

    def _target(self, target: str) -> str | None:
        stage, _, item = target.rpartition(":")[2].partition("@")
        if stage not in self.stages:
            return f"dvc.yaml has no stage {stage}"
        if not item:
            return None
        section = re.sub(r"[${}]", "", str(self.stages[stage].get("foreach", "")))
        items = {str(each) for content in self.params for each in _at(content, section) or ()}
        return None if fnmatch.filter(items, item) else f"the stage {stage} has no item {item}"

    def _python(self, words: list[str]) -> str | None:
        if words[:1] != ["-m"]:
            return None if words[:1] == ["-c"] else "only python -m is known to this test"
        module = self.root.joinpath(*words[1].split("."))
        files = [file for file in (module.with_suffix(".py"), module / "__main__.py") if file.is_file()]
        if not files:
            return None if words[1] in ("venv", "pytest") else f"there is no module {words[1]}"
        text = files[0].read_text(encoding="utf-8")
        missing = [word for word in words[2:] if word.startswith("--") and f'"{word}"' not in text]
        return f"{words[1]} has no option {missing[0]}" if missing else None


def _dvc_parser() -> Any:
    with mock.patch.object(sys, "argv", ["dvc"]):
        return get_main_parser()


def _at(content: Any, key: str) -> Any:
    for part in key.split("."):
        content = content.get(part) if isinstance(content, Mapping) else None
    return content


def _has(content: Keys, key: str) -> bool:
    section, _, last = key.rpartition(".")
    found = _at(content, section) if section else content
    return isinstance(found, Mapping) and last in found
