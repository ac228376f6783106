"""Time a few images of the studies `attack` and `robustness` on this device, through the studies' own code."""

from collections.abc import Callable
from typing import Final

import numpy as np
import pyarrow as pa
import torch
from torch import nn

from deepfake_adv.attacks.registry import build_attack
from deepfake_adv.detectors.registry import build_detector
from deepfake_adv.params.schema import Params
from deepfake_adv.studies.classifiers import Classifier, train_classifier
from deepfake_adv.studies.degrade import DEGRADATIONS
from deepfake_adv.studies.pictures import Pictures, Pixels
from deepfake_adv.studies.robustness import Robustness
from deepfake_adv.studies.transfer import Transfer, settings
from deepfake_adv.training.trained import detector_arguments

CLASSES: Final = 8
"""Classes of the made-up pictures; a classifier's last layer costs next to nothing."""

ENOUGH: Final = 4.0

Timed = Callable[[Callable[[], object]], float]


def time_attack(params: Params, device: torch.device, timed: Timed) -> tuple[float, float, float]:
    """The study `attack`: seconds to build its classifiers, for one training step of all, and for one image.

    Args:
        params: Params of a profile.
        device: Where the study runs.
        timed: Calls what it is given, and returns the seconds that it took.
    """
    wanted = params.attack
    pictures = made_up_pictures(wanted.images.batch_size, wanted.images.image_size, classes=CLASSES)
    classifiers: dict[str, Classifier] = {}

    def build() -> None:
        for name, entry in wanted.classifiers.items():
            classifiers[name] = Classifier(entry.architecture, classes=CLASSES, image_size=entry.image_size)
            classifiers[name].to(device).eval()

    def learn() -> None:
        for classifier in classifiers.values():
            train_classifier(classifier, pictures, **{**wanted.training.model_dump(), "steps": 1}, workers=1)

    building, step = timed(build), 0.0
    if wanted.images.source == "identities":
        timed(learn)  # the first step is slower
        step = timed(learn)
    readings = {name: reading.model_dump() for name, reading in wanted.readings.items()}
    facts = {"table_reading", "fgsm_epsilon", "pgd_steps", "kernel_size", "kernel_sizes", "starts"}
    chosen = settings(readings, **wanted.model_dump(include=facts))
    transfer = Transfer(classifiers, pictures, chosen, wanted.images.batch_size, seed=0)

    def judge(count: int) -> None:
        places = np.arange(count)
        transfer.judge(places, pictures.decode(places))

    return building, step, seconds_each(judge, len(pictures), timed)


def seconds_each(work: Callable[[int], None], most: int, timed: Timed) -> float:
    """Seconds for one of `most`; as many are tried as take `ENOUGH` seconds, since a large batch may take minutes.

    Args:
        work: Does so many.
        most: A full batch, which a GPU needs to show its speed.
        timed: Calls what it is given, and returns the seconds that it took.
    """
    work(1)  # the first one is slower
    count = 1
    while True:
        seconds = timed(lambda: work(count))  # noqa: B023
        if count == most or seconds >= ENOUGH:
            return seconds / count
        count = min(2 * count, most)


def time_robustness(params: Params, device: torch.device, timed: Timed) -> tuple[float, float, float]:
    """The study `robustness`: seconds to build its detectors, 0, and for one image; see `time_attack`."""
    wanted = params.robustness
    entries = {run: params.detectors[params.runs[run].detector].model_dump() for run in wanted.runs}
    size = next(iter(entries.values()))["image_size"] or params.train.image_size
    detectors: dict[str, nn.Module] = {}

    def build() -> None:
        for run, entry in entries.items():
            detectors[run] = build_detector(**detector_arguments(entry, size, pretrained=False)).to(device).eval()

    building = timed(build)
    study = Robustness(
        detectors=detectors,
        pictures=made_up_pictures(wanted.batch_size, size, classes=2, frames=wanted.frames),
        levels={name: getattr(wanted, name) for name in DEGRADATIONS},
        attacks={label: build_attack(**entry.model_dump()) for label, entry in wanted.attacks.items()},
        batch_size=wanted.batch_size,
        seed=0,
    )
    places = np.arange(wanted.batch_size)
    scored = timed(lambda: study.score(places, study.prepare(places)))
    return building, 0.0, scored / len(places)


def made_up_pictures(count: int, size: int, *, classes: int, frames: int = 1) -> Pictures:
    """Random pixels as pictures of a study.

    Args:
        count: Pictures.
        size: Side, pixels.
        classes: Number of classes.
        frames: Pictures that follow each other in one video.
    """
    pixels: Pixels = np.random.default_rng(0).integers(0, 256, (count, size, size, 3), dtype=np.uint8)
    numbers = np.arange(count)
    return Pictures(
        lambda places: pixels[places],
        size,
        labels=numbers % classes,
        names=pa.array([str(number) for number in numbers]),
        classes=[str(number) for number in range(classes)],
        videos=numbers // frames,
    )
