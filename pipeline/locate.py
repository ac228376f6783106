"""Find the faces: locate DATASET INVENTORY FRAMES FACES."""

from pathlib import Path

from deepfake_adv.extraction.locate import locate_dataset
from deepfake_adv.extraction.tracking import LocateOptions
from deepfake_adv.params.base import entry
from deepfake_adv.params.load import load_params
from deepfake_adv.stage import run_stage


def main(dataset: str, inventory: Path, frames: Path, faces: Path) -> None:
    """Locate the face in every sampled frame of a dataset."""
    params = load_params("datasets", "locate", "execution")
    locate_dataset(
        dataset,
        inventory,
        frames,
        faces,
        root=Path(entry("datasets", params.datasets, dataset).root),
        options=LocateOptions.of(**params.locate.model_dump(exclude={"max_failed_share", "warn_missed_share"})),
        max_failed_share=params.locate.max_failed_share,
        warn_missed_share=params.locate.warn_missed_share,
        execution=params.execution.model_dump(),
    )


if __name__ == "__main__":
    run_stage("locate", main, words=1)
