"""The embedded corpus: corpus FOLDER."""

from pathlib import Path

from deepfake_adv.corpus.build import build
from deepfake_adv.params.load import load_params
from deepfake_adv.stage import run_stage


def main(output: Path) -> None:
    """Render or read the originals, forge them, encode all."""
    params = load_params("corpus", "execution")
    build(output, **params.corpus.model_dump(), execution=params.execution.model_dump())


if __name__ == "__main__":
    run_stage("corpus", main)
