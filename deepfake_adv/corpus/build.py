"""Make the corpus: plan pairs and splits, make the pairs in worker processes, publish the result."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from deepfake_adv.corpus import clips
from deepfake_adv.corpus.celebdf import make_celebrities, plan_celebrities, write_list
from deepfake_adv.corpus.dfd import make_actors, plan_actors
from deepfake_adv.corpus.footage import Rendered, Source
from deepfake_adv.corpus.layout import SUMMARY, split_path
from deepfake_adv.corpus.pair import PairTask, make_pair
from deepfake_adv.execution.pool import map_tasks
from deepfake_adv.files import file_fingerprint, write_json
from deepfake_adv.names import Split
from deepfake_adv.scratch import Scratch
from deepfake_adv.sources.checkout import code_digest

logger = logging.getLogger(__name__)

SOURCES = ("procedural", "clips", "none")
_PACKAGES = ("av", "numpy", "opencv-python-headless")


def build(
    output: Path,
    *,
    source: str,
    folder: Path | str | None,
    seed: int,
    pairs: Mapping[str, int],
    frames: int,
    size: int,
    fps: float,
    max_shorter_side: int,
    execution: Mapping[str, Any],
    dfd_pairs: int = 0,
    celebdf_pairs: int = 0,
    scratch: Path = Path("work"),
) -> dict[str, Any]:
    """Make the corpus in FaceForensics++'s layout; the same arguments give the same bytes.

    A killed run leaves finished pairs in its scratch folder; the next run continues from them.

    Args:
        output: Folder of the corpus; replaced in one step at the end.
        source: ``procedural`` (rendered faces), ``clips`` (the user's videos) or ``none`` (a marker only).
        folder: Folder of the user's videos, for ``clips``.
        seed: Seed of all random choices.
        pairs: Pairs of identities per split, keys ``train``, ``val`` and ``test``.
        frames: Largest number of frames per clip.
        size: Width and height of rendered clips, pixels.
        fps: Frames per second of rendered clips.
        max_shorter_side: The user's clips whose width and height are both larger are scaled down to this, pixels.
        execution: ``workers``, ``engine`` and ``address`` for ``map_tasks``.
        dfd_pairs: Pairs of actors in a DFD-like set in the same tree; only for ``procedural``.
        celebdf_pairs: Pairs of celebrities in a Celeb-DF-like set in the folder Celeb-DF-v2; only for ``procedural``.
        scratch: Folder of unfinished work; must be on the output's file system.

    Returns:
        The content of corpus.json.

    Raises:
        ValueError: If ``source`` is unknown, or the folder has too few usable clips.
        FileNotFoundError: If ``source`` is ``clips`` and ``folder`` does not exist.
        RuntimeError: If a pair cannot be made.
    """
    _check(source, pairs)
    files = clips.list_clips(folder) if source == "clips" else []
    prints = {str(path): file_fingerprint(path) for path in files}
    versions = {package: version(package) for package in _PACKAGES}
    key = {"source": source, "seed": seed, "pairs": dict(pairs), "frames": frames, "files": prints, "with": versions}
    others = {"dfd_pairs": dfd_pairs, "celebdf_pairs": celebdf_pairs}
    own = {"size": size, "fps": fps, **others} if source == "procedural" else {"max_shorter_side": max_shorter_side}
    work = Scratch("corpus", {**key, **own}, code=code_digest("corpus"), root=scratch)
    names = [f"{index:03d}" for index in range(2 * sum(pairs.values()))]
    originals: Sequence[Source] = []
    skipped: list[dict[str, str]] = []
    if source == "procedural":
        originals = [Rendered(seed, index, frames, size, fps) for index in range(len(names))]
    elif source == "clips":
        originals, skipped = clips.choose(
            files,
            len(names),
            root=work.path / ".clips",
            frames=frames,
            max_shorter_side=max_shorter_side,
            seed=seed,
            execution=execution,
        )
    tasks = [PairTask(work.path, (names[k], names[k + 1]), (originals[k], originals[k + 1]))
             for k in range(0, len(originals), 2)]  # fmt: skip
    described = _make(make_pair, tasks, "corpus", execution)
    if originals:
        _write_splits(work.path, names, pairs)
    more: dict[str, Any] = {}
    if source == "procedural":
        clip: dict[str, Any] = {"seed": seed, "frames": frames, "size": size, "fps": fps}
        actors = plan_actors(work.path, dfd_pairs, **clip)
        celebrities = plan_celebrities(work.path, celebdf_pairs, **clip)
        more["dfd"] = _make(make_actors, actors, "corpus, DFD-like", execution)
        more["celebdf"] = _make(make_celebrities, celebrities, "corpus, Celeb-DF-like", execution)
        if celebrities:
            write_list(work.path, celebrities)
    summary = {
        "source": source,
        "seed": seed,
        "pairs": dict(pairs) if originals else {},
        "originals": described,
        **more,
        "skipped": skipped,
        "versions": versions,
    }
    write_json(work.path / SUMMARY, summary)
    for leftover in (".done", ".clips"):
        shutil.rmtree(work.path / leftover, ignore_errors=True)
    work.publish(output)
    return summary


def _check(source: str, pairs: Mapping[str, int]) -> None:
    if source not in SOURCES:
        raise ValueError(
            f"source must be one of {', '.join(SOURCES)}; got {source!r}. Fix corpus.source in params.yaml."
        )
    if pairs.keys() != {str(split) for split in Split} or min(pairs.values()) < 1:
        raise ValueError(
            f"pairs must name at least one pair for train, val and test; got {dict(pairs)}. "
            "Fix corpus.pairs in params.yaml."
        )


def _make(
    make: Callable[[Any], dict[str, Any]], tasks: Sequence[Any], desc: str, execution: Mapping[str, Any]
) -> dict[str, Any]:
    """Run tasks, each of which has a `name`; returns their descriptions of the originals, sorted by name."""
    described: dict[str, Any] = {}
    faults = []
    for outcome in map_tasks(make, tasks, desc=desc, unit="pairs", **execution) if tasks else ():
        if outcome.error is None and outcome.value is not None:
            described |= outcome.value
        else:
            faults.append(f"{outcome.task.name}: {outcome.error}")
    if faults:
        raise RuntimeError(
            f"every pair must be made; got {len(faults)} of {len(tasks)} failed: {'; '.join(faults)}. "
            "Fix the cause and run the stage again: finished pairs are kept."
        )
    return dict(sorted(described.items()))


def _write_splits(root: Path, names: Sequence[str], pairs: Mapping[str, int]) -> None:
    start = 0
    for split in Split:
        stop = start + 2 * pairs[split]
        write_json(root / split_path(split), [[names[k], names[k + 1]] for k in range(start, stop, 2)])
        start = stop
