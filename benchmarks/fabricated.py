"""Tables of the data path for any number of videos, trees of tiny videos, scores and evaluations: all made up."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from deepfake_adv.crops.files import CROP_SCHEMA, CROP_WRITE_OPTIONS, ROW_GROUP, crop_schema
from deepfake_adv.crops.record import REFERENCE
from deepfake_adv.datasets.videos import VideoRow, format_rows
from deepfake_adv.evaluation import outputs
from deepfake_adv.evaluation.run import Evaluated, Settings, evaluate
from deepfake_adv.evaluation.scores import all_test_sets, read_scores
from deepfake_adv.evaluation.support import read_supports
from deepfake_adv.extraction.boxes import BOX_SCHEMA
from deepfake_adv.extraction.frames import TABLE, VIDEOS, frame_table, write_frame_table
from deepfake_adv.files import write_csv, write_json, write_text
from deepfake_adv.names import FF_FORGERIES, REAL
from deepfake_adv.params.load import read_yaml, validate
from deepfake_adv.parquet import WRITE_OPTIONS
from deepfake_adv.video.encode import write_h264

DATASET, QUALITY = "made", "c23"
_SPLITS = ("train", "train", "train", "val", "test")
_LENGTH = 400  # frames of a video
_GROUP = 16_384  # rows per row group of the table of boxes, as `locate` writes it
_FILE = 4096  # crops per file, as `crop` writes them
_PICTURE = 8  # side of the one picture that stands for every crop, pixels
_TRAINED = f"NT_{QUALITY}"
_TESTED = 296_000  # crops that a run of the paper profile is tested on
_FALSE_POSITIVES = 0.05
RUNS = "runs.json"
PAPER_NUMBERS = Path(__file__).parents[1] / "reports" / "paper"
PROFILE = Path(__file__).parents[1] / "profiles" / "paper.yaml"


def video_rows(count: int) -> list[VideoRow]:
    """As many reals as fakes, of pairs within one split."""
    rows = []
    for number in range(count):
        pair, fake = divmod(number, 2)
        target = f"{pair:06d}"
        forgery, name = ("NT", f"{target}_{target}s") if fake else (REAL, target)
        facts = (f"{forgery}/{name}.mp4", "", 1, f"print{number}", _LENGTH, 25.0, 640, 480, "ok", "")
        split = _SPLITS[pair % len(_SPLITS)]
        rows.append(VideoRow(f"{forgery}/{name}", fake, forgery, split, target, f"{target}s" * fake, *facts))
    return rows


def write_tables(folder: Path, count: int, frames: int) -> None:
    """What `inventory`, `extract`, `locate` and `crop` leave: inventory/, frames/, faces/, crops/."""
    rows = video_rows(count)
    write_text(folder / "inventory" / DATASET / f"{QUALITY}.csv", format_rows(rows))
    part = folder / "frames" / DATASET / QUALITY
    write_text(part / VIDEOS, format_rows(rows))
    indices = np.arange(0, _LENGTH, _LENGTH // frames, dtype=np.int32)[:frames]
    write_frame_table(part / TABLE, frame_table((row, indices.tolist(), (indices / 25).tolist()) for row in rows))
    _write_boxes(folder / "faces" / DATASET / "boxes.parquet", rows, indices)
    _write_crop_files(folder / "crops" / DATASET / QUALITY, rows, indices)


def write_scores(folder: Path, crops: int, shift: float = 1.0) -> None:
    """One run as the paper profile's `train` and `score` leave it.

    scores.parquet has its scores, and run/ the record of its detector with the scores that it is calibrated on.

    Args:
        folder: Where to.
        crops: Scored ones, in the profile's proportions: 296,000 are its own number.
        shift: Of the fakes' mean, in deviations.
    """
    rng = np.random.default_rng(0)
    tables = []
    for dataset, quality, forgery, targets, sources, frames in _tested(crops / _TESTED):
        label = int(forgery != REAL)
        scores = _sigmoid(rng.normal(label * shift, 1, len(targets) * frames))
        texts = {"train_condition": _TRAINED, "dataset": dataset, "quality": quality, "forgery": forgery}
        columns: dict[str, object] = {name: pa.repeat(value, len(scores)) for name, value in texts.items()}
        videos = [f"{forgery}/{number:04d}_{target}" for number, target in enumerate(targets)]
        names = {"video": videos, "target": targets, "source": sources}
        columns |= {name: pa.array(np.repeat(values, frames)) for name, values in names.items()}
        columns |= {"seed": np.zeros(len(scores), np.int32), "label": np.full(len(scores), label, np.int8)}
        columns |= {"frame": np.tile(np.arange(frames, dtype=np.int32), len(targets)), "score": scores}
        tables.append(pa.table(columns))
    pq.write_table(pa.concat_tables(tables), folder / "scores.parquet")
    _write_run(folder / "run" / _TRAINED / "seed0", rng, shift)


def evaluated(folder: Path, settings: Settings) -> tuple[list[Evaluated], dict[str, Any]]:
    """What the stage `evaluate` measures of `write_scores`, likelihood ratios among it, and the numbers' provenance."""
    supports = read_supports(folder / "run", _FALSE_POSITIVES, settings.confidence)
    measured = list(evaluate(all_test_sets(read_scores(folder / "scores.parquet")), settings, supports))
    return measured, outputs.provenance(folder / "scores.parquet", folder / "run", settings, supports)


def write_evaluations(folder: Path, count: int) -> None:
    """Evaluations of `count` runs of the paper profile, taken evenly from all, and what lies beside them.

    Each run has its own name, detector, method and training condition, and is tested on every condition. Of the
    numbers there are two sets: one for baselines and one for everything else.
    """
    params = validate(read_yaml(PROFILE), entries=False)
    names = list(params.runs)
    assert count <= len(names), f"the profile has {len(names)} runs"
    chosen = [names[number * len(names) // count] for number in range(count)]
    total = 0
    for name in chosen:
        run = params.runs[name]
        train, adversarial = run.conditions[0], run.method != params.tables.baseline
        measured, origin = _measured(1.5 if adversarial else 1.0)
        own = [each._replace(entry=each.entry | {"train": train}) for each in measured]
        renamed = {part: {f"{train}/seed0": next(iter(origin[part].values()))} for part in ("training", "calibration")}
        outputs.write_evaluation(folder / "evaluation" / f"{name}.json", name, own, origin | renamed)
        outputs.write_roc(folder / "roc" / f"{name}.csv", own)
        total += len(own)
    write_json(folder / "attack" / "classifiers.json", {"cells": _attacks(), "provenance": {"source": "folder"}})
    runs = {name: [params.runs[name].method, params.runs[name].detector] for name in chosen}
    facts = {"roles": params.tables.roles, "baseline": params.tables.baseline, "conditions": total}
    write_json(folder / RUNS, {"runs": runs, **facts})


@cache
def _measured(shift: float) -> tuple[list[Evaluated], dict[str, Any]]:
    """Once for all runs and sizes, since it takes half a minute."""
    with TemporaryDirectory() as name:
        write_scores(Path(name), _TESTED, shift)
        return evaluated(Path(name), Settings(1000, 0.95, 0))


def _tested(share: float) -> Iterator[tuple[str, str, str, list[str], list[str], int]]:
    """Of each part and forgery: dataset, quality, forgery, target and source of each test video, frames of a video."""

    def count(videos: int) -> range:
        return range(max(round(videos * share / 2), 1) * 2)

    pairs = [f"{number:03d}" for number in count(140)]
    swapped = [pairs[number ^ 1] for number in range(len(pairs))]  # FaceForensics++ swaps videos in pairs
    for quality in ("raw", "c23", "c40"):
        yield "ffpp", quality, REAL, pairs, [""] * len(pairs), 100
        for forgery in map(str, FF_FORGERIES):
            yield "ffpp", quality, forgery, pairs, swapped, 100
    for dataset, quality, forgery, reals, fakes, people, frames in (
        ("dfd", "c23", "DFD", 364, 3068, 28, 10),
        ("celebdf", "native", "CelebDF", 178, 340, 59, 100),
    ):
        real = [f"id{number % people}_{number:04d}" for number in count(reals)]
        fake = [f"id{number % people}_{number:04d}" for number in count(fakes)]
        sources = [f"id{(number + 1 + number // people) % people}" for number in range(len(fake))]
        yield dataset, quality, REAL, real, [""] * len(real), frames
        yield dataset, quality, forgery, fake, sources, frames


def _write_run(folder: Path, rng: np.random.Generator, shift: float) -> None:
    """A trained detector's record and log, and the scores of its validation videos."""
    names = ("epoch", "step", "lr", "loss", "val_acc", "val_auc")
    write_csv(folder / "log.csv", names, [[epoch, *[f"{rng.random():.6f}"] * (len(names) - 1)] for epoch in range(30)])
    record = {"device": "cpu", "best": {"epoch": 2}, "versions": {}, "data": {"train": "made", "val": "up"}}
    write_json(folder / "run.json", record)
    labels = np.repeat([0, 1], 140)
    scores = _sigmoid(rng.normal(labels * shift, 1))
    facts = {"dataset": "ffpp", "quality": QUALITY, "frames": 100}
    videos = [
        {**facts, "video": f"{number:03d}", "target": f"{number % 140:03d}", "label": int(label), "score": float(score)}
        for number, (label, score) in enumerate(zip(labels, scores, strict=True))
    ]
    write_json(folder / REFERENCE, {"format": 1, "videos": videos})


def _sigmoid(values: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-values)))


def _attacks() -> list[dict[str, object]]:
    """Cells of the study `attack`: every attack on every pair of classifiers."""
    models = ("inception_v3", "inception_v4", "inception_resnet_v2")
    blur = {"kernel_size": 5, "sigma": 1.0, "rule": "relative", "epsilon": 0.1}
    numbers = {"accuracy": 0.5, "images": 80, "low": 0.2, "high": 0.8, "extra": False}
    return [
        {"attack": attack, "steps": steps, "source": source, "victim": victim, **numbers}
        | (blur if attack == "blur" else {})
        for attack, steps in (("fgsm", 1), ("blur", 1), ("pgd", 3), ("blur", 3))
        for source in models
        for victim in models
    ]


def write_faces(folder: Path, count: int) -> None:
    """What `report` reads of `inventory` and `locate`."""
    lines = ["dataset,target,video,quality,shots,others,asked,detected,filled,dropped,missed_share,named"]
    lines += [f"{DATASET},{row.target},{row.video},,1,0,40,40,0,0,0.000,0" for row in video_rows(count)]
    write_text(folder / "faces" / DATASET / "videos.csv", "\n".join(lines) + "\n")


def _write_crop_files(folder: Path, rows: list[VideoRow], indices: np.ndarray) -> None:
    for forgery in (REAL, "NT"):
        for split in dict.fromkeys(_SPLITS):
            chosen = [row for row in rows if (row.forgery, row.split) == (forgery, split)]
            step = max(_FILE // len(indices), 1)
            for number, start in enumerate(range(0, len(chosen), step)):
                name = f"{forgery}-{split}-{number:03d}.parquet"
                _write_crops(folder / name, chosen[start : start + step], indices)


def write_tree(folder: Path, count: int) -> None:
    """`count` different videos of 12 frames with a table of their labels, for the layout `csv`."""
    first = folder / "first.mp4"
    folder.mkdir(parents=True, exist_ok=True)
    write_h264(first, np.random.default_rng(0).integers(0, 255, (12, 24, 16), dtype=np.uint8), crf=40)
    whole = first.read_bytes()
    first.unlink()
    lines = ["path,label,split"]
    for number in range(count):
        path = folder / f"{number // 1000:03d}" / f"{number:06d}.mp4"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(whole + (16).to_bytes(4, "big") + b"free" + number.to_bytes(8, "big"))  # an empty box of MP4
        lines.append(f"{path.relative_to(folder)},{('real', 'fake')[number % 2]},{_SPLITS[number % len(_SPLITS)]}")
    write_text(folder / "videos.csv", "\n".join(lines) + "\n")


def _write_boxes(path: Path, rows: list[VideoRow], indices: np.ndarray) -> None:
    rows = sorted(rows, key=lambda row: (row.target, row.video))
    count = len(rows) * len(indices)
    nulls = {name: pa.nulls(count, BOX_SCHEMA.field(name).type) for name in ("quality", "landmarks")}
    columns = nulls | _repeated({"target": [row.target for row in rows], "video": [row.video for row in rows]}, indices)
    columns |= {name: np.full(count, 100, np.float32) for name in ("x0", "y0", "x1", "y1", "confidence")}
    columns |= {"dataset": pa.array([DATASET] * count), "detected": np.ones(count, bool)}
    table = pa.table({name: columns[name] for name in BOX_SCHEMA.names}, schema=BOX_SCHEMA)
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, row_group_size=_GROUP, **WRITE_OPTIONS)


def _write_crops(path: Path, rows: list[VideoRow], indices: np.ndarray) -> None:
    count = len(rows) * len(indices)
    names = ("video", "label", "forgery", "split", "target", "source")
    own = {name: [getattr(row, name) or (None if name == "source" else 0) for row in rows] for name in names}
    own |= {"forgery": [row.forgery for row in rows]}
    columns = _repeated(own, indices)
    done, png = cv2.imencode(".png", np.full((_PICTURE, _PICTURE, 3), 128, np.uint8))
    assert done
    for field in CROP_SCHEMA:
        if field.name not in columns:
            if field.name in ("mask", "landmarks"):
                columns[field.name] = pa.nulls(count, field.type)
            elif field.name == "image":
                same = [pa.repeat(value, count) for value in (png.tobytes(), "crop.png")]
                columns[field.name] = pa.StructArray.from_arrays(same, ["bytes", "path"])
            else:
                value = {"quality": QUALITY, "dataset": DATASET, "encoding": "png", "detected": True}.get(
                    field.name, 100
                )
                columns[field.name] = pa.repeat(pa.scalar(value, field.type), count)
    schema = crop_schema()
    table = pa.table({name: columns[name] for name in schema.names}, schema=schema)
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, row_group_size=ROW_GROUP, **CROP_WRITE_OPTIONS)


def _repeated(columns: dict[str, list[object]], indices: np.ndarray) -> dict[str, object]:
    """A row per video and frame."""
    count = len(next(iter(columns.values())))
    owner = pa.array(np.repeat(np.arange(count), len(indices)))
    repeated: dict[str, object] = {name: pa.array(values).take(owner) for name, values in columns.items()}
    return repeated | {"frame": np.tile(indices, count)}
