"""A run: one detector per condition and seed, trained in a scratch folder that is moved to its place at the end."""

import logging
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType

import torch

from deepfake_adv.files import file_fingerprint
from deepfake_adv.names import Split
from deepfake_adv.params.training import Device
from deepfake_adv.scratch import Scratch
from deepfake_adv.sources.checkout import code_digest
from deepfake_adv.training.earlier import Earlier, drop_others, take_over
from deepfake_adv.training.reference import describe_data, write_reference
from deepfake_adv.training.setup import (
    Masks,
    Plan,
    build_players,
    hold_in_memory,
    make_fabric,
    open_split,
    train_loader,
    validation_loader,
)
from deepfake_adv.training.step import TrainingStep, check_shares
from deepfake_adv.training.trainer import Trainer

logger = logging.getLogger(__name__)


def train_run(
    plan: Plan,
    manifests: Path,
    output: Path,
    *,
    device: Device,
    inputs: Mapping[str, str] = MappingProxyType({}),
    times: Path | None = None,
    work: Path = Path("work"),
    earlier: Earlier | None = None,
) -> None:
    """Train all detectors of a run and write them to `output`.

    After a kill the same call continues from the last checkpoint; finished detectors are not trained again, nor are
    those of `earlier` if the run has got a condition or seed more, or lost one. Scratch files of other params, data,
    weight files or code are never used. The same run writes the same bytes; times and speeds go to `times` instead.

    Args:
        plan: Everything that decides the result.
        manifests: Folder of train.parquet and val.parquet, <data>/manifests/<tier>.
        output: Folder that gets <condition>/seed<k>/.
        device: Where it trains and how fast; does not change the result.
        inputs: SHA-256 of each file that the run starts from, by its key in params.
        times: Folder for <condition>/seed<k>.csv, time and speed of each epoch; None: not written.
        work: Folder of scratch folders.
        earlier: What the run left before, from DVC's cache; see `earlier`.

    Raises:
        FileNotFoundError: If a manifest is missing.
        ValueError: If params or data are wrong; checked before training starts.
        FloatingPointError: If a loss is not finite.
        RuntimeError: If the device has too little memory.
    """
    fabric = make_fabric(device, plan.train.precision)
    check_shares(plan.train.batch_size, fabric.world_size, plan.train.accumulate)
    detector, method = build_players(plan, seed=0)
    clip_length = detector.clip_length
    masks: Masks = "needed" if detector.needs_masks else "wanted" if method.wants_masks else "none"
    landmarks = method.needs_landmarks
    del detector, method
    paths = {split: Path(manifests) / f"{split}.parquet" for split in (Split.TRAIN, Split.VAL)}
    train = open_split(plan, paths[Split.TRAIN], masks=masks, landmarks=landmarks)
    val = open_split(plan, paths[Split.VAL], masks="none", landmarks=False, frames=plan.train.validation_frames)
    if device.cache == "memory":
        hold_in_memory([train, val], processes=device.devices)
    data = {str(split): file_fingerprint(path) for split, path in paths.items()}
    made = {name: part for name, part in train.table.record.items() if name != "media"}
    code = code_digest("train", plan.entries())
    shared = {"run": plan.name, "data": data, "processes": fabric.world_size, "inputs": dict(inputs)}
    # of one detector: a kill, and then a seed more, lose none of the others
    key = {**shared, **plan.params(), "conditions": [], "train": plan.train.model_dump(mode="json") | {"seeds": []}}
    scratch = Scratch(f"train-{plan.name}", key, code=code, root=work, own=fabric.is_global_zero)
    wanted = {
        f"{condition}/seed{seed}": (condition, seed) for condition in plan.conditions for seed in plan.train.seeds
    }
    if earlier is not None and fabric.is_global_zero:
        records = {
            folder: {
                **shared,
                "params": plan.alone(*each).params(),
                "condition": str(each[0]),
                "seed": each[1],
                "code": code,
            }
            for folder, each in wanted.items()
        }
        take_over(earlier, records, scratch.path)
    fabric.barrier()
    loss_scale = fabric.strategy.precision.state_dict()
    cuda = [fabric.device.index or 0] if fabric.device.type == "cuda" else []
    for condition in plan.conditions:
        for seed in plan.train.seeds:
            folder = scratch.path / str(condition) / f"seed{seed}"
            if (folder / "run.json").exists():
                logger.info("%s %s seed %d is done already", plan.name, condition, seed)
                continue
            fabric.strategy.precision.load_state_dict(loss_scale)  # every detector starts with the initial scale
            with torch.random.fork_rng(devices=cuda):
                step = TrainingStep(
                    fabric, *build_players(plan, seed), plan.train,
                    seed=seed, channels_last=device.channels_last, compiled=device.compile,
                )  # fmt: skip
                parts = {"clip_length": clip_length, "fabric": fabric, "device": device}
                per_step = step.method.batches_per_step
                batches = train_loader(plan, train, condition, seed, batches_per_step=per_step, **parts)  # type: ignore[arg-type]
                checks = validation_loader(plan, val, condition, **parts)  # type: ignore[arg-type]
                rows, alone = val.rows[condition], plan.alone(condition, seed)
                workers = 0 if device.cache == "memory" else device.workers
                describe = partial(
                    write_reference, plan=alone, val=val, rows=rows, device=fabric.device, workers=workers
                )
                pace = None if times is None else Path(times) / str(condition) / f"seed{seed}.csv"
                Trainer(
                    alone, condition, seed, step, batches, checks, folder,
                    device=device, data=data, code=code, inputs=inputs, faces=made, times=pace,
                    training_data=describe_data(train.table, train.rows[condition]), describe=describe,
                ).run()  # fmt: skip
    fabric.barrier()
    if fabric.is_global_zero:
        drop_others(scratch.path, list(wanted))
        scratch.publish(Path(output))
