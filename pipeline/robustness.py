"""Trained detectors under degradation and attack: robustness RUNS MANIFEST FOLDER."""

from collections.abc import Sequence
from pathlib import Path

import torch

from deepfake_adv.data.manifest import read_manifest
from deepfake_adv.files import write_json
from deepfake_adv.params.load import load_params
from deepfake_adv.reporting.robustness_tables import robustness_tables, write_robustness_tables
from deepfake_adv.stage import run_stage
from deepfake_adv.studies.degrade import DEGRADATIONS
from deepfake_adv.studies.images import condition_rows, fetch_images
from deepfake_adv.studies.robustness import attack_transfer, degradation_curves
from deepfake_adv.training.device import choose_device
from deepfake_adv.training.provenance import device_name, versions
from deepfake_adv.training.trained import load_trained


def main(runs: Path, manifest: Path, folder: Path) -> None:
    """Degrade and attack the test crops of one condition, score them with each run's detector."""
    params = load_params("robustness", "device")
    wanted = params.robustness
    device = choose_device(params.device.accelerator)
    trained = {run: load_trained(runs / run / wanted.condition / f"seed{wanted.seed}", device) for run in wanted.runs}
    detectors: dict[str, torch.nn.Module] = {run: found.detector for run, found in trained.items()}
    sizes = {found.image_size for found in trained.values()}
    if len(sizes) > 1:
        raise ValueError(f"robustness.runs must share one image size; got {sorted(sizes)}. Compare them apart.")
    table = read_manifest(manifest)
    rows = condition_rows(table, wanted.condition, wanted.frames)
    images = fetch_images(table, rows, manifest.parents[2], sizes.pop())
    labels = table.labels[rows]
    levels: dict[str, Sequence[float]] = {name: getattr(wanted, name) for name in DEGRADATIONS}
    size = wanted.batch_size
    curves = degradation_curves(detectors, images, labels, table.videos[rows], levels, batch_size=size)
    chosen = {name: entry.model_dump() for name, entry in wanted.attacks.items()}
    attacks = attack_transfer(detectors, images, labels, chosen, batch_size=size, seed=wanted.seed)
    facts = {
        "condition": wanted.condition,
        "images": len(rows),
        "provenance": {"versions": versions(), "device": device_name(device)},
    }
    write_json(folder / "detectors.json", {"curves": curves, "attacks": attacks, **facts})
    write_robustness_tables(robustness_tables(curves, attacks), folder)


if __name__ == "__main__":
    run_stage("robustness", main)
