"""Peak memory of the stages `robustness` and `attack` on a set of images and on one four times as large.

Each set is studied in a process of its own, at the paper's sizes (crops of 256 px in batches of 64, ImageNet's of
299 px in batches of 100) with a small network, and with one level or two of each degradation: what a study holds
besides its networks does not hang on them. "added" is the peak of the resident memory less what stood there after
the imports. "at once" is arithmetic: 8-bit images, the same as floats, and one altered copy.
Prediction: four times the images add at most 1.1 times the memory, and less than 2 GiB.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import torch

from benchmarks.common import RESULTS, machine, print_table, setting
from deepfake_adv.attacks.registry import build_attack
from deepfake_adv.detectors.registry import build_detector
from deepfake_adv.files import write_json
from deepfake_adv.studies.blocks import Blocks
from deepfake_adv.studies.classifiers import Classifier
from deepfake_adv.studies.images import image_folder
from deepfake_adv.studies.pictures import Pictures
from deepfake_adv.studies.robustness import Robustness
from deepfake_adv.studies.transfer import Setting, Transfer

DIFFERENT = 32  # pictures that are made; a set repeats them
FRAMES = 100  # per video
SIZES = {"robustness": (256, 64), "attack": (299, 100)}  # side in pixels, batch
LEVELS: dict[str, Sequence[float]] = {"jpeg": [75], "blur": [2], "noise": [5], "resize": [0.5], "crf": [23, 40]}


def main() -> None:
    """Measure each stage at both sizes, in turn, and write the result."""
    arguments = _arguments()
    if arguments.stage:
        print(json.dumps(_peak(arguments.stage, arguments.images)))
        return
    rows = []
    for stage, (side, _) in SIZES.items():
        small, large = (_measured(stage, count) for count in (arguments.images, 4 * arguments.images))
        at_once = 4 * arguments.images * side**2 * 3 * (1 + 4 + 4) / 2**20
        rows.append({
            "stage": stage, "images": 4 * arguments.images, "added_mib": large["added_mib"],
            "added_mib_quarter": small["added_mib"], "growth": round(large["added_mib"] / small["added_mib"], 3),
            "at_once_mib": round(at_once),
        })  # fmt: skip
    print_table(rows)
    result = {"machine": machine("torch", "numpy", "opencv-python-headless"), "setting": setting(arguments)}
    write_json(arguments.output, {**result, "rows": rows})


def _measured(stage: str, images: int) -> dict[str, float]:
    command = [sys.executable, __file__, "--stage", stage, "--images", str(images)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _peak(stage: str, images: int) -> dict[str, float]:
    """Study a set in this process."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write_pictures(folder / "pictures" / "class", images, SIZES[stage][0])
        before = _resident()
        (_robustness if stage == "robustness" else _attack)(folder, images)
    return {"added_mib": round((_resident() - before) / 1024, 1)}


def _resident() -> int:
    """Largest resident memory so far, KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _write_pictures(folder: Path, images: int, side: int) -> None:
    """A folder of JPEG files, most of them links to a few."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number in range(images):
        path = folder / f"{number:06d}.jpg"
        if number < DIFFERENT:
            coarse = rng.integers(0, 255, (side // 8, side // 8, 3), np.uint8)
            cv2.imwrite(str(path), cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC))
        else:
            path.hardlink_to(folder / f"{number % DIFFERENT:06d}.jpg")


def _robustness(folder: Path, images: int) -> None:
    side, batch = SIZES["robustness"]
    read = image_folder(folder / "pictures", images, side)
    videos = np.arange(images) // FRAMES
    names = pa.array([f"{video}/{number}" for number, video in enumerate(videos)])
    pictures = Pictures(read.decode, side, videos % 2, names, ["real", "fake"], videos)
    attacks = {"FGSM": build_attack("fgsm"), "blur": build_attack("blur")}
    study = Robustness({"a": build_detector("compact", width=8).eval()}, pictures, LEVELS, attacks, batch, seed=0)
    blocks = Blocks(folder / "batches", images, batch)
    blocks.fill(study.prepare, study.score, desc="robustness", workers=0)
    study.curves(blocks)
    study.transfer(blocks)


def _attack(folder: Path, images: int) -> None:
    side, batch = SIZES["attack"]
    pictures = image_folder(folder / "pictures", images, side)
    classifiers: dict[str, torch.nn.Module] = {"a": Classifier("test_resnet", classes=2, image_size=64).eval()}
    settings = [Setting({"attack": name}, build_attack(name)) for name in ("pgd", "blur")]
    transfer = Transfer(classifiers, pictures, settings, batch, seed=0)
    blocks = Blocks(folder / "batches", images, batch)
    blocks.fill(pictures.decode, transfer.judge, desc="attack", workers=0)
    transfer.cells(blocks)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--images", type=int, default=500, help="of the smaller set")
    parser.add_argument("--stage", choices=SIZES, help="study one set in this process")
    parser.add_argument("--output", type=Path, default=RESULTS / "studies.json")
    return parser.parse_args()


if __name__ == "__main__":
    main()
