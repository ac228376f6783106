"""Trained detectors under degradation and attack: robustness RUNS MANIFEST FOLDER."""

from pathlib import Path

from deepfake_adv.params.load import load_params
from deepfake_adv.stage import run_stage
from deepfake_adv.studies.run_robustness import run_robustness


def main(runs: Path, manifest: Path, folder: Path) -> None:
    """Degrade and attack the test crops of one condition, score them with each run's detector."""
    params = load_params("robustness", "device", "execution")
    run_robustness(
        params.robustness,
        runs,
        manifest,
        folder,
        accelerator=params.device.accelerator,
        workers=params.execution.workers,
    )


if __name__ == "__main__":
    run_stage("robustness", main)
