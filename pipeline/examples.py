"""Pictures of adversarial examples and learned maps: examples.py RUNS MANIFEST OUTPUT."""

from pathlib import Path

import numpy as np
import torch

from deepfake_adv.data.batch import Batch
from deepfake_adv.data.crop_dataset import read_manifest
from deepfake_adv.files import write_json
from deepfake_adv.names import FAKE_LABEL, REAL_LABEL
from deepfake_adv.params.load import load_params
from deepfake_adv.stage import run_stage
from deepfake_adv.studies.examples import adversarial_rows, kernel_rows, load_generators, map_rows, write_grid
from deepfake_adv.studies.images import condition_rows, fetch_images
from deepfake_adv.training.trained import load_trained


def main(runs: Path, manifest: Path, output: Path) -> None:
    """Attack a few real and fake faces, blur them by the learned maps, write the pictures."""
    params = load_params("examples")
    wanted = params.examples
    trained = load_trained(first_seed(runs / wanted.run / wanted.condition))
    table = read_manifest(manifest)
    rows = condition_rows(table, wanted.condition, 1)
    rows = np.concatenate([rows[table.labels[rows] == label][: wanted.count] for label in (REAL_LABEL, FAKE_LABEL)])
    images = fetch_images(table, rows, manifest.parents[2], trained.image_size).float() / 255
    labels = torch.from_numpy(table.labels[rows])
    titles = [str(video) for video in table.strings("video")[rows]]
    source = f"{wanted.run}, trained on {wanted.condition}"
    write_grid(
        output, "figure1", adversarial_rows(trained.detector, images, labels, wanted.attacks), titles, source=source
    )
    blur = next((entry for entry in wanted.attacks.values() if entry["name"].startswith("blur")), {"name": "blur"})
    write_grid(
        output,
        "figure4",
        kernel_rows(trained.detector, images, labels, wanted.kernel_sizes, blur),
        titles,
        source=source,
    )
    generators = load_generators(first_seed(runs / wanted.generator_run / wanted.condition))
    if generators is not None:
        batch = Batch(images, labels, None, None, torch.from_numpy(rows))
        source = f"{wanted.generator_run}, trained on {wanted.condition}"
        write_grid(output, "maps", map_rows(generators, batch), titles, source=source)
    write_json(output / "examples.json", {"run": wanted.run, "condition": wanted.condition, "videos": titles})


def first_seed(folder: Path) -> Path:
    """A run's detector of one condition, that of its first seed."""
    return min(folder.glob("seed*"), default=folder / "seed0")


if __name__ == "__main__":
    run_stage("examples", main)
