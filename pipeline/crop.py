"""Cut the faces: crop DATASET QUALITY FRAMES FACES CROPS."""

from pathlib import Path

from deepfake_adv.extraction.crop import crop_part
from deepfake_adv.extraction.cutting import CropOptions
from deepfake_adv.params.base import entry
from deepfake_adv.params.load import load_params
from deepfake_adv.stage import run_stage


def main(dataset: str, quality: str, frames: Path, faces: Path, crops: Path) -> None:
    """Cut every located face of a part."""
    params = load_params("datasets", "crop", "execution")
    crop_part(
        dataset,
        quality,
        frames,
        faces,
        crops,
        root=Path(entry("datasets", params.datasets, dataset).root),
        options=CropOptions(**params.crop.model_dump(exclude={"max_failed_share"})),
        max_failed_share=params.crop.max_failed_share,
        execution=params.execution.model_dump(),
    )


if __name__ == "__main__":
    run_stage("crop", main, words=2)
