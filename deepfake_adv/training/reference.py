"""What a detector's answers are later held against: scores and features of its validation videos, and its data.

Calibration and warnings are computed from these by `evaluate` and `predict`, so that an edit of them trains nothing.
"""

from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray
from safetensors.torch import save

from deepfake_adv.crops.record import FEATURES, REFERENCE
from deepfake_adv.data.loader import BatchSource, FixedBatches, Loader
from deepfake_adv.data.manifest import CropTable, spread
from deepfake_adv.data.sampler import covering_samples
from deepfake_adv.detectors.base import Detector
from deepfake_adv.detectors.embedding import embed
from deepfake_adv.detectors.registry import build_detector
from deepfake_adv.files import atomic_write, write_json
from deepfake_adv.names import REAL
from deepfake_adv.parquet import Ints, number_rows
from deepfake_adv.training.checkpoint import WEIGHTS, load_weights
from deepfake_adv.training.setup import Plan, SplitData
from deepfake_adv.training.trained import detector_arguments

MOST: Final = 1024  # frames whose features are kept: 3.7 MB of EfficientNet-b4's
PER_VIDEO: Final = 8
_PERCENTILES: Final = (0, 5, 50, 95, 100)


def write_reference(
    folder: Path, plan: Plan, val: SplitData, rows: Ints, device: torch.device, workers: int = 0
) -> list[Path]:
    """Score the validation frames by the best weights; write scores per video and features of some frames.

    In float32 and one process, whatever the training's precision and devices are.

    Args:
        folder: Of the trained detector, with its weights.
        plan: The run.
        val: Its validation split.
        rows: The validation rows of its condition.
        device: Where to compute.
        workers: Processes that decode; 0 where the crops are in memory.

    Returns:
        The files: reference.json and reference.safetensors.
    """
    detector = build_detector(**detector_arguments(plan.detector, plan.image_size, pretrained=False))
    load_weights(folder / WEIGHTS, detector, digest=None)
    detector.to(device).eval()
    table = val.table
    videos, place = np.unique(table.videos[rows], return_inverse=True)
    per_video = max(min(PER_VIDEO, MOST // len(videos)), 1)
    kept = spread(table.videos[rows], table.frames[rows], per_video)
    kept = kept[np.linspace(0, len(kept) - 1, min(len(kept), MOST)).round().astype(int)]
    scores, features = _embed_rows(detector, val, rows, rows[kept], plan.train.batch_size, device, workers)
    lines = [_video(table, rows[place == number], scores[place == number]) for number in range(len(videos))]
    write_json(folder / REFERENCE, {"format": 1, "videos": lines})
    tensors = {"features": torch.from_numpy(features).half(), "video": torch.from_numpy(place[kept].astype(np.int32))}
    with atomic_write(folder / FEATURES) as temporary:
        temporary.write_bytes(save(tensors))
    return [folder / REFERENCE, folder / FEATURES]


def _embed_rows(
    detector: Detector, data: SplitData, rows: Ints, kept: Ints, batch_size: int, device: torch.device, workers: int
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """P(fake) of each of `rows`, and the features ``(len(kept), C)`` of some; a frame of clips has its clip's."""
    table = data.table
    samples = covering_samples(table.videos, table.frames, rows, detector.clip_length)
    batches = [samples[start : start + batch_size] for start in range(0, len(samples), batch_size)]
    source = BatchSource(data.store, np.arange(len(table)), table.labels)
    scores = np.full(len(table), np.nan)
    free = np.ones(len(table), bool)
    place = dict(zip(kept.tolist(), range(len(kept)), strict=True))
    features = np.zeros((len(kept), detector.feature_channels), np.float32)
    loader = Loader(source, FixedBatches(batches), len(batches), device=device, workers=workers)
    for part, batch in zip(batches, loader, strict=True):
        found, pooled = (each.cpu().numpy() for each in embed(detector, batch.images))
        for column in range(part.shape[1]):
            # a frame repeated to fill the last clip of a video keeps its first score
            for sample in np.flatnonzero(free[part[:, column]]):
                row = int(part[sample, column])
                scores[row] = found[sample]
                if row in place:
                    features[place[row]] = pooled[sample]
            free[part[:, column]] = False
    return scores[rows], features


def _video(table: CropTable, rows: Ints, scores: NDArray[np.float64]) -> dict[str, Any]:
    """One validation video; its score is the mean of its finite ones, as in evaluation, None where there is none."""
    names = {name: table.columns[name][int(rows[0])].as_py() for name in ("dataset", "quality", "video", "target")}
    finite = scores[np.isfinite(scores)]
    score = float(finite.mean()) if len(finite) else None
    return {**names, "label": int(table.labels[rows[0]]), "frames": len(finite), "score": score}


def describe_data(table: CropTable, rows: Ints) -> dict[str, dict[str, Any]]:
    """What a detector is trained on, by "<dataset>/<quality>": videos per forgery, face sizes, and the media's facts.

    ``face_px`` is the longer side of a face's box in its video, pixels: least, 5 %, median, 95 %, most, over frames.

    Args:
        table: The training manifest.
        rows: The training rows of a condition.
    """
    sides = _face_sides(table.path)[rows]
    columns = table.columns.select(["dataset", "quality", "forgery"]).take(pa.array(rows))
    parts = number_rows(columns, "dataset", "quality")
    media = table.record.get("media", {})
    found = {}
    for number in np.unique(parts):
        own = np.flatnonzero(parts == number)
        first = {name: columns[name][int(own[0])].as_py() for name in ("dataset", "quality")}
        name = f"{first['dataset']}/{first['quality']}"
        forgeries = np.array(columns["forgery"].take(pa.array(own)).to_pylist(), object)
        kinds = sorted(set(forgeries.tolist()), key=lambda kind: (kind != REAL, kind))
        counts = {kind: len(np.unique(table.videos[rows[own[forgeries == kind]]])) for kind in kinds}
        sizes = [round(float(side), 1) for side in np.percentile(sides[own], _PERCENTILES)]
        found[name] = {"videos": counts, "face_px": sizes, **media.get(name, {})}
    return found


def _face_sides(path: Path) -> NDArray[np.float32]:
    """``(N,)`` longer side of each row's face box, pixels of the video."""
    corners = pq.read_table(path, columns=["face_x0", "face_y0", "face_x1", "face_y1"], memory_map=True)
    x0, y0, x1, y1 = (corners[name].to_numpy() for name in corners.column_names)
    result: NDArray[np.float32] = np.maximum(x1 - x0, y1 - y0)
    return result
