"""Stage `shard`: manifests of a quality tier, checked for leaks, thinned, balanced. No pixel is decoded."""

import logging
from collections import defaultdict
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from deepfake_adv.crops.record import join_records, read_record, record_metadata
from deepfake_adv.data.manifest import crop_file_rows, spread, write_manifest
from deepfake_adv.datasets.splits import crossing_identities, leak_message
from deepfake_adv.datasets.videos import read_rows
from deepfake_adv.execution.prefetch import available_cores, prefetch
from deepfake_adv.files import write_json
from deepfake_adv.log import progress
from deepfake_adv.names import ALL_QUALITIES, REAL, Split
from deepfake_adv.parquet import Ints, number_rows, texts

logger = logging.getLogger(__name__)

_NAMED: Final = 10  # ids named in one error message


def make_manifests(
    tier: str,
    crops: Path,
    inventory: Path,
    output: Path,
    *,
    parts: Iterable[tuple[str, str]],
    balance: Literal["none", "equal"],
    detected_only: bool,
    max_frames: int | None,
    leaks: Literal["fatal", "tolerated"],
    seed: int,
) -> dict[str, Any]:
    """Write {train,val,test}.parquet and summary.json of one tier.

    Args:
        tier: A quality, or "all".
        crops: Folder of ``<dataset>/<quality>/*.parquet``.
        inventory: Folder of ``<dataset>/<quality>.csv``, to name the videos without a crop.
        output: Folder to write into.
        parts: Dataset and quality of all parts; other folders in `crops` are ignored.
        balance: "equal" thins the training rows of each dataset and quality until every forgery and the reals have as
            many rows as the smallest of them, evenly over their videos.
        detected_only: Leave out crops whose face was not detected, but interpolated between two frames.
        max_frames: Crops kept per video, evenly spaced; None for all.
        leaks: Whether an identity that crosses splits is an error or a warning.
        seed: Of the thinning.

    Returns:
        The summary.

    Raises:
        FileNotFoundError: If the tier has no crop, or one of its parts has no folder.
        ValueError: If crops contradict one another, were made in two ways, or an identity crosses splits; names them.
    """
    wanted = sorted(part for part in parts if tier in (part[1], ALL_QUALITIES))
    files = part_files(crops, tier, wanted)
    read = prefetch(partial(crop_file_rows, root=Path(crops).parent), files, workers=0, most=2 * available_cores())
    shown = progress(read, total=len(files), desc=f"shard {tier}", unit="files")
    rows = pa.concat_tables(shown).combine_chunks()
    made = record_metadata(join_records(map(read_record, files)))
    check_conflicts(rows)
    crossing = find_leaks(rows)
    if crossing:
        message = leak_message(crossing)
        if leaks == "fatal":
            raise ValueError(f"{message}, or set shard.leaks to tolerated.")
        logger.warning("%s.", message)
    total = len(rows)
    if detected_only:
        rows = rows.filter(rows["detected"])
    if max_frames is not None:
        rows = rows.take(spread(_videos(rows), rows["frame"].to_numpy(), max_frames))
    if balance == "equal":
        rows = rows.take(balance_train(rows, np.random.default_rng(seed)))
    for split in Split:
        chosen = np.flatnonzero(texts(rows, "split") == split)
        write_manifest(rows.take(chosen).replace_schema_metadata(made), Path(output) / f"{split}.parquet")
    summary = {
        "tier": tier,
        "crops_found": total,
        "crops": len(rows),
        "files": len(files),
        "leaks": sorted(crossing),
        "lost": lost_videos(rows, inventory, wanted),
        "counts": _counts(rows),
    }
    write_json(Path(output) / "summary.json", summary)
    return summary


def part_files(crops: Path, tier: str, parts: Iterable[tuple[str, str]]) -> list[Path]:
    """Crop files of a tier's parts, in the order of the parts.

    Raises:
        FileNotFoundError: If a part has no folder, or none of them a file.
    """
    folders = [Path(crops) / dataset / quality for dataset, quality in parts]
    for folder in folders:
        if not folder.is_dir():
            raise FileNotFoundError(
                f"crops of every part must exist; found no folder {folder}. Run `dvc repro crop`, or take the part "
                "out of params.yaml."
            )
    files = [path for folder in folders for path in sorted(folder.glob("[!.]*.parquet"))]
    if not files:
        raise FileNotFoundError(
            f"tier must have crops; got none for {tier!r} in {', '.join(map(str, folders)) or 'any part'}. Add a part "
            "of that quality to params.yaml, or take the tier out of tiers."
        )
    return files


def check_conflicts(rows: pa.Table) -> None:
    """Refuse duplicate crops, and videos with two labels, splits or targets.

    Raises:
        ValueError: If there are any; names the first of them.
    """
    videos, frames = _videos(rows), rows["frame"].to_numpy()
    order = np.lexsort((frames, videos))
    twice = order[1:][(videos[order][1:] == videos[order][:-1]) & (frames[order][1:] == frames[order][:-1])]
    if twice.size:
        named = [f"{rows['video'][int(k)]} frame {frames[k]}" for k in twice[:_NAMED]]
        raise ValueError(
            f"a crop must occur once; got {_listed(named, twice.size)} twice. Delete data/crops and run `dvc repro`."
        )
    for column in ("label", "split", "target"):
        pairs = pa.table({"number": videos, "video": rows["video"], column: rows[column]})
        kinds = pairs.group_by(["number", "video"]).aggregate([(column, "count_distinct")])
        double = sorted(kinds.filter(pc.greater(kinds[f"{column}_count_distinct"], 1))["video"].to_pylist())
        if double:
            raise ValueError(
                f"a video must have one {column}; got several for {_listed(double)}. Correct the inventory."
            )
    wrong = (texts(rows, "forgery") == REAL) != (rows["label"].to_numpy() == 0)
    if wrong.any():
        named = sorted(set(texts(rows, "video")[wrong].tolist()))
        raise ValueError(
            f"label must be 0 for real and 1 for fake; got others for {_listed(named)}. Correct the inventory."
        )


def find_leaks(rows: pa.Table) -> list[str]:
    """Identities of crops that cross splits; see `crossing_identities`."""
    seen: set[tuple[str, str, str | None, str, str]] = set()
    for role in ("target", "source"):
        names = ["dataset", role, "split", "forgery"]
        for row in rows.select(names).group_by(names).aggregate([]).to_pylist():
            seen.add((row["dataset"], role, row[role], row["split"], row["forgery"]))
    return crossing_identities(seen)


def balance_train(rows: pa.Table, rng: np.random.Generator) -> Ints:
    """Rows in which all classes are of equal size, within the training split of each dataset and quality.

    Rows are kept evenly over videos: round by round, each video keeps one more random frame.
    """
    keep = np.ones(len(rows), bool)
    train = texts(rows, "split") == Split.TRAIN
    dataset, quality, forgery = (texts(rows, name) for name in ("dataset", "quality", "forgery"))
    videos = _videos(rows)
    for part in sorted(set(zip(dataset[train].tolist(), quality[train].tolist(), strict=True))):
        inside = train & (dataset == part[0]) & (quality == part[1])
        classes = {name: np.flatnonzero(inside & (forgery == name)) for name in sorted(set(forgery[inside].tolist()))}
        fewest = min(map(len, classes.values()))
        for own in classes.values():
            shuffled = rng.permutation(own)
            shuffled = shuffled[np.argsort(videos[shuffled], kind="stable")]
            _, start, count = np.unique(videos[shuffled], return_index=True, return_counts=True)
            turn = np.arange(len(own)) - np.repeat(start, count)
            tie = np.repeat(rng.permutation(len(start)), count)
            keep[shuffled[np.lexsort((tie, turn))[fewest:]]] = False
    return np.flatnonzero(keep)


def lost_videos(rows: pa.Table, inventory: Path, parts: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Usable videos of the inventory that have no crop, by ``<dataset>/<quality>``."""
    names = ["dataset", "quality", "video"]
    held: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in rows.select(names).group_by(names).aggregate([]).to_pylist():
        held[row["dataset"], row["quality"]].add(row["video"])
    lost = {}
    for dataset, quality in parts:
        path = Path(inventory) / dataset / f"{quality}.csv"
        if path.is_file():
            lost_here = {row.video for row in read_rows(path) if row.usable} - held[dataset, quality]
            if lost_here:
                lost[f"{dataset}/{quality}"] = sorted(lost_here)
    return lost


def _counts(rows: pa.Table) -> dict[str, Any]:
    """Crops, videos, masks and undetected faces per dataset, quality, split and forgery."""
    keys = ["dataset", "quality", "split", "forgery"]
    columns = pa.table(
        {name: rows[name] for name in [*keys, "video"]}
        | {
            "masks": rows["has_mask"].cast(pa.int64()),
            "undetected": pa.array(1 - rows["detected"].to_numpy().astype(int)),
        }
    )
    aggregates = [("video", "count"), ("video", "count_distinct"), ("masks", "sum"), ("undetected", "sum")]
    counts: dict[str, Any] = {}
    for row in columns.group_by(keys).aggregate(aggregates).to_pylist():
        place = counts
        for key in keys[:-1]:
            place = place.setdefault(row[key], {})
        place[row["forgery"]] = {
            "crops": row["video_count"],
            "videos": row["video_count_distinct"],
            "masks": row["masks_sum"],
            "undetected": row["undetected_sum"],
        }
    return counts


def _videos(rows: pa.Table) -> Ints:
    return number_rows(rows, "dataset", "quality", "video")


def _listed(names: Iterable[str], count: int | None = None) -> str:
    names = list(names)
    count = len(names) if count is None else count
    more = f" and {count - _NAMED} more" if count > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
