"""Sample frames: extract DATASET QUALITY INVENTORY FRAMES."""

from pathlib import Path

from deepfake_adv.extraction.extract import extract
from deepfake_adv.params.base import entry
from deepfake_adv.params.load import load_params
from deepfake_adv.stage import run_stage


def main(dataset: str, quality: str, inventory: Path, frames: Path) -> None:
    """Read the inventory, sample the frames, write them."""
    params = load_params("datasets", "extract", "execution")
    chosen = entry("datasets", params.datasets, dataset)
    extract(
        inventory,
        Path(chosen.root),
        frames,
        counts=chosen.frames.model_dump(exclude={"sampling"}),
        sampling=chosen.frames.sampling,
        store=params.extract.store,
        min_frames=params.extract.min_frames,
        max_skipped_share=params.extract.max_skipped_share,
        execution=params.execution.model_dump(),
    )


if __name__ == "__main__":
    run_stage("extract", main, words=2)
