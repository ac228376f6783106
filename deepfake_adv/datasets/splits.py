"""Splits by exact id: the pairs of FaceForensics++, and the check that no identity is in two splits."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from deepfake_adv.datasets.videos import VideoEntry
from deepfake_adv.files import read_json
from deepfake_adv.names import Forgery, Split

Pair = tuple[str, str]

FILES: Final = {split: f"{split}.json" for split in Split}
AUTHORS_FILES: Final = (
    "They are in dataset/splits of the dataset authors' repository (github.com/ondyari/FaceForensics)"
)

_NAMED: Final = 10  # identities named in one message
_LENT: Final = frozenset({Forgery.DFR, Forgery.DFD})  # forgeries whose sources are hired actors


def read_pairs(folder: Path, files: Mapping[Split, str] = FILES) -> dict[Split, list[Pair]]:
    """Read train.json, val.json and test.json: lists of two originals that were swapped with each other.

    Args:
        folder: Where the files are.
        files: What they are called.

    Raises:
        FileNotFoundError: If one of the files is missing.
        ValueError: If one is not a list of pairs of strings, or an id is in two pairs.
    """
    pairs = {split: _pairs(folder / name) for split, name in files.items()}
    seen: dict[str, Split] = {}
    for split, listed in pairs.items():
        for name in (name for pair in listed for name in pair):
            if name in seen:
                raise ValueError(
                    f"an id must be in one pair of {folder}; {name!r} is in {files[seen[name]]} and again in "
                    f"{files[split]}. Take the authors' files as they are."
                )
            seen[name] = split
    return pairs


def splits_by_name(pairs: Mapping[Split, Sequence[Pair]]) -> tuple[dict[str, str], dict[str, str]]:
    """Split of each original by its id, and of each fake by ``<target>_<source>``: both ways of every pair."""
    named = [(pair, str(split)) for split, listed in pairs.items() for pair in listed]
    reals = {name: split for pair, split in named for name in pair}
    fakes = {"_".join(order): split for pair, split in named for order in (pair, pair[::-1])}
    return reals, fakes


def check_identities(entries: Iterable[VideoEntry], dataset: str) -> None:
    """Check that no identity, the sources of fakes included, is in two of train, val and test.

    Raises:
        ValueError: If one is; names it and videos of both splits.
    """
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for entry in entries:
        for name in filter(None, (entry.target, entry.source)):
            if entry.split:
                found[name].setdefault(entry.split, entry.video)
    crossing = {name: where for name, where in found.items() if len(where) > 1}
    if crossing:
        name, where = next(iter(crossing.items()))
        examples = " and ".join(f"{video} ({split})" for split, video in where.items())
        raise ValueError(
            f"datasets.{dataset}: an identity must be in one split; {len(crossing)} are in several, {name!r} "
            f"through {examples}. Give all videos of one identity the same split."
        )


def crossing_identities(seen: Iterable[tuple[str, str, str | None, str, str]]) -> list[str]:
    """Identities, as ``<dataset>/<id>``, that are in more than one split, as target or as source.

    Hired actors whose faces are used in videos of all splits do not count: the datasets' own splits have them.

    Args:
        seen: Distinct dataset, role ("target" or "source"), identity, split and forgery.
    """
    splits: dict[str, set[str]] = defaultdict(set)
    for dataset, role, identity, split, forgery in seen:
        if identity and not (role == "source" and forgery in _LENT):
            splits[f"{dataset}/{identity}"].add(split)
    return sorted(identity for identity, found in splits.items() if len(found) > 1)


def leak_message(crossing: Sequence[str]) -> str:
    """The error and what to do, without the end of the sentence."""
    more = f" and {len(crossing) - _NAMED} more" if len(crossing) > _NAMED else ""
    named = ", ".join(crossing[:_NAMED]) + more
    return f"no identity may be in two splits; got {named}. Correct the splits that datasets names"


def _pairs(path: Path) -> list[Pair]:
    if not path.exists():
        raise FileNotFoundError(
            f"{path} must exist; found nothing. {AUTHORS_FILES}: name their folder as options.splits."
        )
    content = read_json(path)
    if not isinstance(content, list) or not all(_is_pair(pair) for pair in content):
        raise ValueError(f'{path} must be a list of pairs like ["071", "054"]; got something else. {AUTHORS_FILES}.')
    return [(first, second) for first, second in content]


def _is_pair(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(isinstance(name, str) for name in value)
