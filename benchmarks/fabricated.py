"""Tables of the data path for any number of videos, trees of tiny videos, scores and evaluations: all made up."""

from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from deepfake_adv.crops.files import CROP_SCHEMA, CROP_WRITE_OPTIONS, ROW_GROUP, crop_schema
from deepfake_adv.datasets.videos import VideoRow, format_rows
from deepfake_adv.evaluation import outputs
from deepfake_adv.evaluation.run import Settings, evaluate
from deepfake_adv.evaluation.scores import all_test_sets, read_scores
from deepfake_adv.extraction.boxes import BOX_SCHEMA
from deepfake_adv.extraction.frames import TABLE, VIDEOS, frame_table, write_frame_table
from deepfake_adv.files import write_json, write_text
from deepfake_adv.names import FF_FORGERIES, REAL
from deepfake_adv.parquet import WRITE_OPTIONS
from deepfake_adv.video.encode import write_h264

DATASET, QUALITY = "made", "c23"
_SPLITS = ("train", "train", "train", "val", "test")
_LENGTH = 400  # frames of a video
_GROUP = 16_384  # rows per row group of the table of boxes, as `locate` writes it
_FILE = 4096  # crops per file, as `crop` writes them
_PICTURE = 8  # side of the one picture that stands for every crop, pixels
_FRAMES = 100  # per test video, as the release has them
PAPER_NUMBERS = Path(__file__).parents[1] / "reports" / "paper"


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


def write_scores(folder: Path, crops: int) -> None:
    """The score file of one run on test crops as the paper profile has them: FF++ at three qualities, and DFD."""
    rng = np.random.default_rng(0)
    kinds = [("ffpp", quality, forgery) for quality in ("raw", "c23", "c40") for forgery in (REAL, *FF_FORGERIES)]
    kinds += [("dfd", "c23", REAL), *[("dfd", "c23", "DFD")] * 4]
    each = max(crops // len(kinds) // _FRAMES, 2)
    tables = []
    for number, (dataset, quality, forgery) in enumerate(kinds):
        label = int(forgery != REAL)
        videos = [f"{forgery}/{number if dataset == 'dfd' else 0}_{video:05d}" for video in range(each)]
        scores = 1 / (1 + np.exp(-rng.normal(label, 1, each * _FRAMES)))
        texts = {"train_condition": "NT_c23", "dataset": dataset, "quality": quality, "forgery": str(forgery)}
        columns: dict[str, object] = {name: pa.repeat(value, len(scores)) for name, value in texts.items()}
        columns |= {"video": pa.array(np.repeat(videos, _FRAMES)), "score": scores}
        columns |= {"seed": np.zeros(len(scores), np.int32), "label": np.full(len(scores), label, np.int8)}
        tables.append(pa.table(columns))
    pq.write_table(pa.concat_tables(tables), folder / "scores.parquet")


def write_evaluations(folder: Path, runs: int) -> None:
    """One run's evaluation and curve under many names, and what lies beside them for `tables` and `report`."""
    write_scores(folder, 300_000)
    settings = Settings(1000, 0.95, 0)
    measured = list(evaluate(all_test_sets(read_scores(folder / "scores.parquet")), settings))
    record = {"device": "cpu", "best": {"epoch": 2}, "versions": {}, "data": {}}
    record |= {"log": {name: [float(k) for k in range(30)] for name in ("epoch", "lr", "loss", "val_acc", "val_auc")}}
    origin = {"training": {"NT_c23/seed0": record}, "settings": settings._asdict()}
    for number in range(runs):
        name = f"run_{number:04d}"
        outputs.write_evaluation(folder / "evaluation" / f"{name}.json", name, measured, origin)
        outputs.write_roc(folder / "roc" / f"{name}.csv", measured)
    write_json(folder / "attack" / "classifiers.json", {"cells": [], "provenance": {"source": "folder"}})


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
