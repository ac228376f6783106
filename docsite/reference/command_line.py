"""The page on the command line: what each command's ``--help`` says."""

import re
from typing import Any, Final

import typer
from typer.cli import get_docs_for_click
from typer.main import get_command

from deepfake_adv.cli import app
from docsite.reference.markdown import prose

_NAME: Final = "deepfake-adv"


def commands() -> dict[str, Any]:
    """Every command by name, in the order of ``--help``."""
    return dict(vars(get_command(app))["commands"])


def page() -> str:
    """Markdown of the page."""
    context = typer.Context(get_command(app), info_name=_NAME)
    parts = [
        _text(name, get_docs_for_click(obj=command, ctx=context, name=f"{_NAME} {name}"))
        for name, command in commands().items()
    ]
    return f"""# Command line

`make setup` installs `{_NAME}` into `.venv/bin`. An error is one sentence, and the exit code is then 1.
`{_NAME} --version` prints the version.

{"".join(parts)}"""


def _text(name: str, written: str) -> str:
    """A command's Markdown as typer writes it, one level lower, with ``<`` as text."""
    fence = False
    lines = [f"## {name}"]
    for line in written.splitlines()[1:]:
        fence ^= line.startswith("```")
        mark = re.match(r"\* |\*\*\w+\*\*|- ", line)
        start = mark.end() if mark else 0
        lines.append(line if fence or line.startswith("```") else line[:start] + prose(line[start:]))
    return "\n".join(lines) + "\n\n"
