"""Stage `attack`: from images and classifiers to the cells of Tables VII, XII, XIII and XIV."""

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from deepfake_adv.files import file_fingerprint, read_json, write_json
from deepfake_adv.names import Split
from deepfake_adv.params.studies import AttackStudy
from deepfake_adv.scratch import Scratch
from deepfake_adv.sources.checkout import code_digest
from deepfake_adv.studies.blocks import Blocks
from deepfake_adv.studies.classifiers import Classifier, plan_training, train_classifier
from deepfake_adv.studies.images import images_to_attack
from deepfake_adv.studies.pictures import Pictures
from deepfake_adv.studies.transfer import Transfer, settings
from deepfake_adv.training.checkpoint import load_weights, save_weights
from deepfake_adv.training.device import choose_device, device_name, versions

logger = logging.getLogger(__name__)

RESULT: Final = "cells.json"
_FACTS: Final = {"table_reading", "fgsm_epsilon", "pgd_steps", "kernel_size", "kernel_sizes", "starts"}


def run_attack(
    wanted: AttackStudy,
    manifests: Path,
    output: Path,
    *,
    accelerator: str = "auto",
    workers: int = 0,
    work: Path = Path("work"),
) -> None:
    """Load or train the classifiers, attack each, and classify the adversarial images with all.

    After a kill the same call continues after the last trained classifier and the last attacked batch. Memory is
    bounded by the classifiers and a few batches.

    Args:
        wanted: Section `attack` of params.yaml; without `classifiers` nothing is attacked.
        manifests: Folder of a tier's manifests, <root>/manifests/<tier>.
        output: The JSON file to write.
        accelerator: auto, cpu or cuda.
        workers: Threads that decode; 0: one per core. Affects speed only.
        work: Folder of scratch folders.

    Raises:
        FileNotFoundError: If there is no image or manifest.
        ValueError: If images, classifiers and attacks do not fit together.
    """
    if not wanted.classifiers:
        write_json(output, {"cells": [], "provenance": {"source": "none"}})
        return
    device = choose_device(accelerator)
    readings = {name: reading.model_dump() for name, reading in wanted.readings.items()}
    chosen = settings(readings, **wanted.model_dump(include=_FACTS))
    for setting in chosen:
        setting.attack.check_size(wanted.images.image_size, wanted.images.image_size)
    train, test = images_to_attack(manifests, **wanted.images.model_dump(exclude={"batch_size"}))
    classifiers = _build(wanted, None if train is None else len(train.classes))
    if train is None:
        pretrained = {name for name, entry in wanted.classifiers.items() if entry.pretrained}
        check_classes(classifiers, len(test.classes), pretrained)
    key = {
        "params": wanted.model_dump(),
        "images": _inputs(wanted, manifests, test),
        "device": device.type,
    }
    scratch = Scratch("attack", key, code=code_digest("attack"), root=work)
    if not (scratch.path / RESULT).exists():
        for classifier in classifiers.values():
            classifier.to(device).eval()
        if train is not None:
            _learn(classifiers.values(), train, wanted, scratch.path / "weights", workers)
        transfer = Transfer(classifiers, test, chosen, wanted.images.batch_size, wanted.training.seed)
        blocks = Blocks(scratch.path / "batches", len(test), transfer.batch_size)
        blocks.fill(test.decode, transfer.judge, desc="attack", workers=workers)
        facts: dict[str, Any] = {"source": wanted.images.source, "classes": len(test.classes), "images": len(test)}
        facts |= {"versions": versions(), "device": device_name(device), "params": wanted.model_dump(mode="json")}
        write_json(scratch.path / RESULT, {"cells": transfer.cells(blocks), "provenance": facts})
    write_json(output, read_json(scratch.path / RESULT))
    scratch.remove()


def _build(wanted: AttackStudy, classes: int | None) -> dict[str, Classifier]:
    """Build all classifiers before any is trained; the error names every one that cannot be built."""
    built: dict[str, Classifier] = {}
    faults = []
    for name, entry in wanted.classifiers.items():
        try:
            built[name] = Classifier(
                entry.architecture,
                classes=classes,
                image_size=entry.image_size,
                pretrained=entry.pretrained,
                seed=wanted.training.seed,
            )
        except ValueError as error:
            faults.append(str(error))
    if faults:
        raise ValueError("\n".join(faults))
    return built


def check_classes(classifiers: Mapping[str, Classifier], classes: int, pretrained: set[str]) -> None:
    """Compare the classes of a folder of images with the classes that each classifier distinguishes.

    Args:
        classifiers: By name.
        classes: Of the images.
        pretrained: Names of those that come with weights, which must have exactly these classes.

    Raises:
        ValueError: If a classifier has other classes.
    """
    for name, classifier in classifiers.items():
        known = int(classifier.model.num_classes)  # type: ignore[arg-type]
        if known < classes or (name in pretrained and known != classes):
            raise ValueError(
                f"attack.images.folder must hold the classes of {name}, {known}; got {classes}. "
                "Put a folder for each class there, in the order of the weights, or take another classifier."
            )
        if name not in pretrained:
            logger.warning("%s has random weights: its cells only show that the stage works", name)


def _inputs(wanted: AttackStudy, manifests: Path, pictures: Pictures) -> Any:
    """What names the images: the manifests that they come from, or each file with its size."""
    if wanted.images.folder is not None and wanted.images.source == "folder":
        folder = Path(wanted.images.folder)
        return [(name, (folder / name).stat().st_size) for name in pictures.names.to_pylist()]
    return [file_fingerprint(manifests / f"{split}.parquet") for split in Split]


def _learn(
    classifiers: Iterable[Classifier], pictures: Pictures, wanted: AttackStudy, folder: Path, workers: int
) -> None:
    """Train the classifiers, or load the weights of a killed run; all train on the same batches."""
    recipe = wanted.training
    plan = plan_training(len(pictures), steps=recipe.steps, batch_size=recipe.batch_size, seed=recipe.seed)
    held: Pictures | None = None
    for number, classifier in enumerate(classifiers):
        weights = folder / f"{number}.safetensors"
        if weights.exists():
            load_weights(weights, classifier, digest=None)
            continue
        held = held or pictures.held(np.concatenate([places for places, _ in plan]), workers=workers)
        train_classifier(classifier, held, **recipe.model_dump(), workers=workers)
        save_weights(weights, classifier)
