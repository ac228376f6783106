"""Which files are asked for: files as they are named, folders searched to their depth, tables of paths."""

import logging
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from deepfake_adv.datasets.layouts.base import VIDEO_SUFFIXES
from deepfake_adv.datasets.tables import backslash_hint, column_hint, read_table
from deepfake_adv.files import natural_key
from deepfake_adv.video.picture import SUFFIXES

logger = logging.getLogger(__name__)

TABLE_SUFFIX: Final = ".csv"
COLUMN: Final = "path"
_ALIASES: Final = dict.fromkeys(("file", "filename", "video", "image"), COLUMN)


def list_inputs(given: Iterable[Path], *, frames_of_one_video: bool = False) -> list[Path]:
    """The files to look at, each once, in the order given; those of a folder by name, numbers by value.

    A file that is named is taken whatever its suffix is. In a folder, however deep, those count whose suffix says that
    they are a picture or a video; hidden ones do not. A folder without any is an input itself: it fails, and stops no
    other. A ``.csv`` file is a table with a column `path`, relative to the table's folder.

    Args:
        given: Files, folders and tables.
        frames_of_one_video: A folder is one input: it holds the frames of one video. Never guessed, as a folder of six
            videos and one stray picture would be that picture.

    Raises:
        ValueError: If a table is none.
    """
    found: dict[Path, None] = {}
    for path in given:
        if path.is_dir() and not frames_of_one_video:
            found |= dict.fromkeys(_in_folder(path) or [path])
        elif path.suffix.lower() == TABLE_SUFFIX and path.is_file():
            for named in _in_table(path):
                media = [] if frames_of_one_video or not named.is_dir() else _in_folder(named)
                found |= dict.fromkeys(media or [named])
        else:
            found[path] = None
    return list(found)


def _in_folder(folder: Path) -> list[Path]:
    """Its pictures and videos, however deep, by name."""
    media, others = [], 0
    for path in _files(folder):
        if path.suffix.lower() in VIDEO_SUFFIXES | SUFFIXES:
            media.append(path)
        else:
            others += 1
    if others:
        logger.info("%s: %d files left out, which are neither pictures nor videos by their suffix", folder, others)
    pictures = sum(path.suffix.lower() in SUFFIXES for path in media)
    if pictures > 1 and pictures == len(media):
        logger.info(
            "%s: %d pictures, each looked at by itself. If they are the frames of one video, add --frames-of-one-video",
            folder, pictures,
        )  # fmt: skip
    return sorted(media, key=natural_key)


def _files(folder: Path) -> Iterator[Path]:
    def left_out(error: OSError) -> None:
        logger.warning("%s cannot be listed (%s) and is left out", error.filename, error.strerror)

    for place, folders, names in os.walk(folder, onerror=left_out):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(place) / name for name in names if not name.startswith("."))


def _in_table(table: Path) -> list[Path]:
    columns, lines = read_table(table)
    if COLUMN not in columns:
        hint = column_hint(columns, [COLUMN], f"Write {COLUMN} into its first line.", _ALIASES)
        raise ValueError(f"{table} must have the column {COLUMN}; got {', '.join(columns) or 'none'}. {hint}")
    paths = [line.fields[COLUMN] for line in lines if COLUMN in line.fields]
    if not paths:
        raise ValueError(f"{table} must name a file in its column {COLUMN}; got none. Write one a line.")
    if os.sep == "/" and any(map(backslash_hint, paths)):
        logger.warning("%s: paths have backslashes; these are part of a name here. Write / between folders", table)
    return [table.parent / name for name in paths]
