"""What several commands share: choices, and what they read of the params.yaml of the working directory."""

from enum import StrEnum
from pathlib import Path
from typing import Any

import typer

from deepfake_adv.params.load import load_params, read_yaml
from deepfake_adv.registry import Registry, use_plugins
from deepfake_adv.suggestions import did_you_mean

PARAMS = Path("params.yaml")


class ScoreOf(StrEnum):
    """Whose score is a file's."""

    highest = "highest"
    main = "main"


class Accelerator(StrEnum):
    """Where a detector runs."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


def plugins_of_folder() -> None:
    """Use the plug-ins of params.yaml, if there is one here."""
    if PARAMS.is_file():
        use_plugins(read_yaml(PARAMS).get("plugins") or [])


def known_locator(name: str | None) -> str | None:
    """Check a locator's name; from here on the plug-ins of the working directory's project are in use.

    Raises:
        BadParameter: If there is no such locator.
    """
    plugins_of_folder()
    known = list(Registry[Any]("locator"))
    if name is not None and name not in known:
        hint = did_you_mean(name, known, "Name one of them.")
        raise typer.BadParameter(f"must be one of {', '.join(known)}; got {name!r}.{hint}")
    return name


def limits() -> tuple[int, int] | None:
    """inventory.max_frames and inventory.max_pixels of params.yaml, if there is one here."""
    if not PARAMS.is_file():
        return None
    inventory = load_params("inventory").inventory
    return inventory.max_frames, inventory.max_pixels
