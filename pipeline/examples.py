"""Pictures of adversarial examples and learned maps: examples RUNS MANIFEST OUTPUT."""

from pathlib import Path

from deepfake_adv.params.load import load_params
from deepfake_adv.stage import run_stage
from deepfake_adv.studies.examples import draw_examples


def main(runs: Path, manifest: Path, output: Path) -> None:
    """Attack a few faces, blur them by the learned maps, write the pictures."""
    params = load_params("examples")
    draw_examples(params.examples, runs, manifest, output)


if __name__ == "__main__":
    run_stage("examples", main)
