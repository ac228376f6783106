"""Sample frames: extract.py DATASET QUALITY INVENTORY FRAMES."""

import sys
from pathlib import Path

from deepfake_adv import log
from deepfake_adv.data.extract import extract
from deepfake_adv.params.load import load_params


def main(dataset: str, quality: str, inventory: Path, frames: Path) -> None:
    """Read the inventory, sample, write."""
    log.configure(f"extract@{dataset}-{quality}")
    params = load_params("datasets", "extract", "execution")
    entry = params.datasets[dataset]
    extract(
        inventory,
        Path(entry.root),
        frames,
        counts=entry.frames.model_dump(exclude={"sampling"}),
        sampling=entry.frames.sampling,
        store=params.extract.store,
        min_frames=params.extract.min_frames,
        max_skipped_share=params.extract.max_skipped_share,
        execution=params.execution.model_dump(),
    )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]))
