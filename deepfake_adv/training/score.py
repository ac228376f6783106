"""P(fake) of test frames by every detector of a run; each crop is decoded once for all detectors."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray

from deepfake_adv.data.loader import BatchSource, FixedBatches, Loader
from deepfake_adv.data.manifest import CropTable, read_manifest, select, thin, verify_files
from deepfake_adv.data.sampler import covering_samples
from deepfake_adv.data.store import CropStore
from deepfake_adv.detectors.base import fake_probability
from deepfake_adv.files import atomic_write
from deepfake_adv.log import progress
from deepfake_adv.names import TESTED, Condition
from deepfake_adv.parquet import Ints
from deepfake_adv.training.device import autocast, choose_device
from deepfake_adv.training.trained import Trained, load_trained, trained_folders

logger = logging.getLogger(__name__)

SCHEMA = pa.schema(
    [
        ("train_condition", pa.string()),  # condition that the detector was trained on
        ("seed", pa.int32()),  # of the training
        ("dataset", pa.string()),
        ("quality", pa.string()),
        ("forgery", pa.string()),
        ("label", pa.int8()),
        ("video", pa.string()),
        ("target", pa.string()),
        ("source", pa.string()),
        ("frame", pa.int32()),
        ("score", pa.float64()),  # P(fake), 0 to 1; not finite where the crop could not be read
    ]
)
_COPIED = ("dataset", "quality", "forgery", "label", "video", "target", "source", "frame")


def score_run(
    run: Path,
    manifest: Path,
    output: Path,
    *,
    batch_size: int,
    precision: str = "32-true",
    accelerator: str = "auto",
    channels_last: bool = False,
    workers: int = 0,
    corrupt: Literal["fail", "skip"] = "fail",
    conditions: Sequence[str] | None = None,
    frames: int | None = None,
) -> None:
    """Score the frames of a manifest.

    A clip detector scores clips that together cover every frame; a frame gets the score of its clip.

    Args:
        run: Folder of <condition>/seed<k>/.
        manifest: Test frames, <data>/manifests/<tier>/test.parquet.
        output: Parquet, one row per detector and frame, in the manifest's order; its metadata has `conditions`.
        batch_size: Samples at a time.
        precision: 32-true, bf16-mixed or 16-mixed.
        accelerator: auto, cpu or cuda.
        channels_last: Memory format.
        workers: Processes that decode.
        corrupt: "fail" raises on an unreadable crop; "skip" leaves its row out.
        conditions: Test conditions whose frames are scored, such as NT_c23, with the reals beside them; None for all.
        frames: Frames of each video, evenly spaced; None for all.

    Raises:
        FileNotFoundError: If the run, a weight file or the manifest is missing.
        ValueError: If a crop cannot be read, the crop files are not those of the manifest, or it lacks a condition.
    """
    device = choose_device(accelerator)
    trained = [load_trained(folder, device, channels_last=channels_last) for folder in trained_folders(run)]
    table = read_manifest(manifest)
    sources = pq.read_table(manifest, columns=["source"])["source"].fill_null("")  # which training does without
    table = replace(table, columns=table.columns.append_column("source", sources))
    root = Path(manifest).parents[2]
    everything = np.arange(len(table))
    rows = tested_rows(table, conditions, frames)
    verify_files(table, rows, root)
    scores = np.zeros((len(trained), len(table)), np.float64)
    kept = np.isin(everything, rows)
    inputs = [(one.image_size, one.detector.clip_length) for one in trained]
    for size, clip_length in sorted(set(inputs)):
        chosen = [i for i, wanted in enumerate(inputs) if wanted == (size, clip_length)]
        detectors = [trained[i] for i in chosen]
        store = CropStore(table, root, image_size=size, corrupt="omit" if corrupt == "skip" else "fail")
        left = rows[kept[rows]]
        while len(left):
            samples = covering_samples(table.videos, table.frames, left, clip_length)
            batches = [samples[start : start + batch_size] for start in range(0, len(samples), batch_size)]
            loader = Loader(
                BatchSource(store, everything, table.labels), FixedBatches(batches), len(batches),
                device=device, workers=workers, channels_last=channels_last,
            )  # fmt: skip
            values = score_batches(detectors, loader, device, precision)
            shown = progress(values, total=len(batches), desc=run.name, unit="batches")
            free = np.ones(len(table), bool)
            for part, found in zip(batches, shown, strict=True):
                # a frame repeated to fill the last clip of a video keeps its first score
                for column in range(clip_length):
                    first = free[part[:, column]]
                    scores[np.ix_(chosen, part[first, column])] = found[:, first]
                    free[part[first, column]] = False
            kept[list(store.lost)] = False
            left = _again(table, left, kept) if clip_length > 1 else rows[:0]
    write_scores(output, table, trained, scores, kept=kept, conditions=conditions)


def tested_rows(table: CropTable, conditions: Sequence[str] | None, frames: int | None) -> Ints:
    """Rows of a manifest that are scored, increasing; see `score_run`.

    Raises:
        ValueError: If the manifest has no real or no fake of a condition.
    """
    rows = np.arange(len(table))
    if conditions is not None:
        key = "runs.<run>.test.conditions"
        rows = np.unique(np.concatenate([select(table, Condition.parse(text), key=key) for text in conditions]))
    return thin(table, rows, frames or 0)


@torch.inference_mode()
def score_batches(
    trained: Sequence[Trained], loader: Loader, device: torch.device, precision: str
) -> Iterator[NDArray[np.float64]]:
    """P(fake) of each batch by each detector, ``(detectors, B)``."""
    for batch in loader:
        with autocast(device, precision):
            logits = [one.detector(batch.images) for one in trained]
        stacked = torch.stack([fake_probability(each) for each in logits])
        yield stacked.cpu().numpy()


def _again(table: CropTable, rows: Ints, kept: NDArray[np.bool_]) -> Ints:
    """Rows to score again: the readable rows of videos in which an unreadable crop was just found."""
    broken = np.unique(table.videos[rows[~kept[rows]]])
    return rows[np.isin(table.videos[rows], broken) & kept[rows]]


def write_scores(
    output: Path,
    table: CropTable,
    trained: Sequence[Trained],
    scores: NDArray[np.float64],
    *,
    kept: NDArray[np.bool_],
    conditions: Sequence[str] | None = None,
) -> None:
    """Write the scores ``(detectors, N)`` of the frames in `kept`, and which conditions they were chosen for."""
    schema = SCHEMA if conditions is None else SCHEMA.with_metadata({TESTED: " ".join(conditions)})
    copied = table.columns.select(_COPIED).filter(pa.array(kept))
    with atomic_write(Path(output)) as temporary, pq.ParquetWriter(temporary, schema) as writer:
        for one, values in zip(trained, scores, strict=True):
            columns = {
                "train_condition": pa.array([one.condition] * len(copied)),
                "seed": pa.array([one.seed] * len(copied)),
                **{name: copied[name] for name in _COPIED},
                "score": pa.array(values[kept]),
            }
            writer.write_table(pa.table(columns).cast(schema))
