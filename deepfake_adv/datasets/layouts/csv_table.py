"""The user's own videos: a CSV file of path,label[,split,forgery,quality,source,target,mask]."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final

from pydantic import Field

from deepfake_adv.datasets.layouts.base import Layout
from deepfake_adv.datasets.layouts.registry import register_layout
from deepfake_adv.datasets.layouts.tiny import Tiny, put, write
from deepfake_adv.datasets.tables import LABELS, TableLine, backslash_hint, column_hint, raise_errors, read_table
from deepfake_adv.datasets.videos import VideoEntry
from deepfake_adv.names import FAKE_LABEL, REAL, REAL_LABEL, Forgery, Quality, Split, is_forgery_name

COLUMNS: Final = ("path", "label", "split", "forgery", "quality", "source", "target", "mask")
_ALIASES: Final = dict.fromkeys(("file", "filename", "video", "image"), "path")


@register_layout("csv")
class CsvTable(Layout):
    """One line per video or folder of images; new data need no more than the table.

    A video's name is its file's without the suffix; with its folders where another file has that name too, and with the
    suffix where two files of one folder and forgery differ in it alone.

    label is real or fake (0 or 1); split is train, val or test (test where missing); forgery is any name of letters,
    digits, _ and - (other where missing); quality is one of `Quality` (any where missing). source and target name the
    identities of a fake; target is the video's own name where missing.

    Args:
        root: Folder that the paths are relative to.
        forgeries: See `Layout`.
        options: See `Layout`.
    """

    free_forgeries: ClassVar[bool] = True
    how_to_get: ClassVar[str] = "write a table with the columns path,label and name it as options.table"

    class Params(Layout.Params):
        """Options of `csv`."""

        table: str | Path = Field("videos.csv", description="The CSV file, relative to the root or absolute.")

    params: Params

    def __init__(self, root: Path | str, forgeries: Sequence[str] = (), **options: Any) -> None:
        super().__init__(root, forgeries, **options)
        self.table = self.root / self.params.table

    def problem(self) -> str | None:
        """See `Layout.problem`."""
        if (problem := super().problem()) is not None:
            return problem
        return None if self.table.is_file() else f"looked for the table {self.table}: there is no such file"

    @classmethod
    def tiny(cls, root: Path) -> Tiny:
        """See `Layout.tiny`."""
        put(root, ["a/one.mp4", "b/one.mp4", "two.mp4"])
        header = "path,label,split,forgery,source"
        write(root / "videos.csv", f"{header}\na/one.mp4,real,train,,\nb/one.mp4,fake,train,NT,three\ntwo.mp4,1,,,\n")
        videos = {
            "real/a_one": ("train", "a_one", ""),
            "NT/b_one": ("train", "b_one", "three"),
            "other/two": ("test", "two", ""),
        }
        return Tiny(videos, [], {}, "native")

    def qualities(self) -> list[str]:
        """The qualities that lines name; native where no line names one.

        Raises:
            ValueError: If the file is no such table.
        """
        return sorted({line["quality"] for _, line, _ in self._lines() if "quality" in line}) or [str(Quality.NATIVE)]

    def videos(self, quality: str) -> Iterator[VideoEntry]:
        """Every line of the table at this quality.

        Raises:
            ValueError: If lines are wrong; names them all, up to 20.
        """
        errors: list[str] = []
        entries = []
        labels: dict[Path, int] = {}
        lines = self._lines()
        for number, line, beyond in lines:
            wrong = _errors(line)
            if beyond:
                wrong.append(
                    f"fields must be as many as columns; got {beyond[0]!r} after the last. Quote a field with a comma"
                )
            if not wrong and labels.setdefault(Path(line["path"]), _label(line)) != _label(line):
                wrong.append(f"{line['path']} must have one label; got real in one line and fake in another")
            errors += [f"line {number}: {error}" for error in wrong]
            if not wrong and line.get("quality", quality) == quality:
                entries.append(line)
        raise_errors(self.table, errors)
        if not entries:
            held = ", ".join(sorted({line["quality"] for _, line, _ in lines})) or "no line at all"
            raise ValueError(
                f"{self.table} must have lines of quality {quality}; got {held}. Correct the part's quality in "
                "params.yaml, or the table."
            )
        for line, name in zip(entries, _names(entries), strict=True):
            yield _entry(line, name)

    def _lines(self) -> list[TableLine]:
        columns, lines = read_table(self.table)
        if not {"path", "label"} <= set(columns) or not set(columns) <= set(COLUMNS):
            raise ValueError(
                f"{self.table} must have the columns path,label and of {', '.join(COLUMNS[2:])} what you know; "
                f"got {', '.join(columns) or 'none'}. "
                f"{column_hint(columns, COLUMNS, 'Correct its first line.', _ALIASES)}"
            )
        return lines


def _names(lines: Sequence[Mapping[str, str]]) -> list[str]:
    paths = [Path(line["path"]) for line in lines]
    stems = Counter(path.stem for path in paths)
    long = ["_".join(path.with_suffix("").parts).strip("/_") for path in paths]
    names = [path.stem if stems[path.stem] == 1 else name for path, name in zip(paths, long, strict=True)]
    keys = [(_forgery(line), name) for line, name in zip(lines, names, strict=True)]
    times = Counter(key for key, _ in set(zip(keys, paths, strict=True)))  # repeated lines count once
    return [name + path.suffix if times[key] > 1 else name for key, name, path in zip(keys, names, paths, strict=True)]


def _label(line: Mapping[str, str]) -> int:
    return LABELS[line["label"].lower()]


def _forgery(line: Mapping[str, str]) -> str:
    return line.get("forgery", str(Forgery.OTHER)) if _label(line) == FAKE_LABEL else REAL


def _errors(line: dict[str, str]) -> list[str]:
    found = []
    if "path" not in line:
        found.append("path must be given; got nothing")
    elif not Path(line["path"]).name or "\0" in line["path"]:
        found.append(f"path must name a file or a folder below the root; got {line['path']!r}")
    elif (wrong := backslash_hint(line["path"])) is not None:
        found.append(wrong)
    if line.get("label", "").lower() not in LABELS:
        found.append(f"label must be real or fake (0 or 1); got {line.get('label', '')!r}")
    elif LABELS[line["label"].lower()] == REAL_LABEL and line.get("forgery", REAL) != REAL:
        found.append(f"forgery must be empty or real for a real video; got {line['forgery']!r}")
    elif LABELS[line["label"].lower()] == FAKE_LABEL and not is_forgery_name(line.get("forgery", "other")):
        found.append(f"forgery must be a name of letters, digits, _ and -, other than FF; got {line['forgery']!r}")
    for name, kind in (("split", Split), ("quality", Quality)):
        if name in line and line[name] not in list(map(str, kind)):
            found.append(f"{name} must be one of {', '.join(kind)}; got {line[name]!r}")
    return found


def _entry(line: dict[str, str], name: str) -> VideoEntry:
    forgery = _forgery(line)
    return VideoEntry(
        video=f"{forgery}/{name}",
        label=_label(line),
        forgery=forgery,
        split=line.get("split", str(Split.TEST)),
        target=line.get("target", name),
        source=line.get("source", ""),
        path=Path(line["path"]).as_posix(),
        mask_path=line.get("mask", ""),
    )
