"""Attacks between image classifiers: attack MANIFESTS OUTPUT."""

from pathlib import Path

from deepfake_adv.params.load import load_params
from deepfake_adv.stage import run_stage
from deepfake_adv.studies.run_attack import run_attack


def main(manifests: Path, output: Path) -> None:
    """Load or train the classifiers, attack each, classify the results by all."""
    params = load_params("attack", "device", "execution")
    run_attack(
        params.attack, manifests, output, accelerator=params.device.accelerator, workers=params.execution.workers
    )


if __name__ == "__main__":
    run_stage("attack", main)
