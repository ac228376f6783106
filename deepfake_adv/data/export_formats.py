"""Folder layouts of SLADD and DeepfakeBench: the paths of a crop's files, and the JSON files that name them."""

import logging
from collections import defaultdict
from collections.abc import Callable, Mapping, Set
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any, Final, NamedTuple, Protocol

from deepfake_adv.names import FF_FOLDERS, REAL, Forgery

logger = logging.getLogger(__name__)

Row = Mapping[str, Any]


class Paths(NamedTuple):
    """Paths of a crop, its mask and its landmarks; None for what the layout does not have."""

    image: PurePosixPath
    mask: PurePosixPath | None
    landmarks: PurePosixPath | None


class Format(Protocol):
    """A folder layout during an export: `paths` is called for every crop, then `documents` once."""

    def paths(self, row: Row) -> Paths:
        """Paths of a crop; those of one video come one after the other, by frame."""

    def documents(self) -> dict[str, Any]:
        """Contents of the JSON files by path."""


class SladdFormat:
    """image/{FF-DF, ..., real}/<id>/0001.png, mask/.../0001_mask.png and config/{train,eval,test}.json.

    The JSON names pairs of originals that were swapped with each other; an original without a fake here
    cannot be named; a warning is logged.
    """

    def __init__(self, dataset: str, forgeries: Set[str]) -> None:
        self._count: dict[str, int] = defaultdict(int)
        self._pairs: dict[str, set[tuple[str, ...]]] = defaultdict(set)
        self._reals: dict[str, set[str]] = defaultdict(set)

    def paths(self, row: Row) -> Paths:
        """See `Format`.

        Raises:
            ValueError: If it is a fake of another dataset than FaceForensics++.
        """
        forgery, name = row["forgery"], _name(row)
        if forgery != REAL and (forgery not in FF_FOLDERS or name != f"{row['target']}_{row['source']}"):
            raise ValueError(
                f"layout sladd must get fakes of FaceForensics++, named <target>_<source>; got {row['video']}. "
                "Take deepfakebench for other datasets."
            )
        if forgery == REAL:
            self._reals[row["split"]].add(name)
        else:
            self._pairs[row["split"]].add(tuple(sorted((row["target"], row["source"]))))
        self._count[row["video"]] += 1
        folder, number = REAL if forgery == REAL else f"FF-{forgery}", f"{self._count[row['video']]:04}"
        image = PurePosixPath("image", folder, name, f"{number}.png")
        mask = None if forgery == REAL else PurePosixPath("mask", folder, name, f"{number}_mask.png")
        return Paths(image, mask, None)

    def documents(self) -> dict[str, Any]:
        """See `Format`."""
        for split, reals in self._reals.items():
            alone = reals - {name for pair in self._pairs[split] for name in pair}
            if alone:
                logger.warning("%s.json cannot name %s: they are in no fake", split, ", ".join(sorted(alone)))
        names = {"train": "train", "val": "eval", "test": "test"}
        return {f"config/{file}.json": [list(p) for p in sorted(self._pairs[split])] for split, file in names.items()}


class DeepfakeBenchFormat:
    """<dataset>/.../frames/<video>/<frame>.png beside masks/ and landmarks/, and dataset_json/<dataset>.json.

    Landmarks are the 68 points; DeepfakeBench's own files have 13 more, on the forehead. Splits are those of the crops:
    no test video is in train.

    Raises:
        ValueError: If the forgeries are of several datasets.
    """

    def __init__(self, dataset: str, forgeries: Set[str]) -> None:
        families = {
            _FAMILIES.get(forgery, _Family(dataset, f"{dataset}_real", f"{dataset}_fake")) for forgery in forgeries
        }
        if len(families) > 1:
            raise ValueError(
                f"layout deepfakebench must get one dataset; got {', '.join(sorted(f.name for f in families))}. "
                "Export each on its own."
            )
        self._family = next(iter(families), _Family(dataset, f"{dataset}_real", f"{dataset}_fake"))
        self._content: dict[str, Any] = {}

    def paths(self, row: Row) -> Paths:
        """See `Format`."""
        forgery, name, quality, family = row["forgery"], _name(row), row["quality"], self._family
        base = PurePosixPath(family.name, *_folders(family, forgery, quality))
        frame = f"{row['frame']:03}"
        paths = Paths(
            base / "frames" / name / f"{frame}.png",
            base / "masks" / name / f"{frame}.png",
            base / "landmarks" / name / f"{frame}.npy",
        )
        label = _LABELS.get(forgery, family.real if forgery == REAL else family.fake)
        videos = self._content.setdefault(label, {}).setdefault(row["split"], {})
        if family.compressed:
            videos = videos.setdefault(quality, {})
        video = videos.setdefault(name, {"label": label, "frames": [], "masks": []})
        video["frames"].append(str(paths.image))
        if row["mask"] is not None:
            video["masks"].append(str(paths.mask))
        return paths

    def documents(self) -> dict[str, Any]:
        """See `Format`."""
        return {f"dataset_json/{self._family.name}.json": {self._family.name: self._content}}


class _Family(NamedTuple):
    """DeepfakeBench's names of a dataset and its classes, and whether its JSON has a level of qualities."""

    name: str
    real: str
    fake: str
    compressed: bool = False


_FF = _Family("FaceForensics++", "FF-real", "FF-fake", True)
_FAMILIES: Final[Mapping[str, _Family]] = MappingProxyType(
    {
        **dict.fromkeys(map(str, FF_FOLDERS), _FF),
        "DFD": _Family("DeepFakeDetection", "DFD_real", "DFD_fake", True),
        "CelebDF": _Family("Celeb-DF-v2", "CelebDFv2_real", "CelebDFv2_fake"),
        "DFDC": _Family("DFDC", "DFDC_Real", "DFDC_Fake"),
        "DFDCP": _Family("DFDCP", "DFDCP_Real", "DFDCP_Fake"),
        "DFR": _Family("DeeperForensics-1.0", "DF_real", "DF_fake"),
    }
)
_LABELS: Final = {str(forgery): f"FF-{'FH' if forgery == Forgery.FSH else forgery}" for forgery in FF_FOLDERS}

FORMATS: Final[Mapping[str, Callable[[str, Set[str]], Format]]] = MappingProxyType(
    {"sladd": SladdFormat, "deepfakebench": DeepfakeBenchFormat}
)


def _folders(family: _Family, forgery: str, quality: str) -> tuple[str, ...]:
    if not family.compressed:
        return (forgery,)
    if forgery == REAL:
        return ("original_sequences", "youtube" if family is _FF else "actors", quality)
    folder = FF_FOLDERS[Forgery(forgery)] if family is _FF else "DeepFakeDetection"
    return ("manipulated_sequences", folder, quality)


def _name(row: Row) -> str:
    return str(row["video"]).partition("/")[2]
