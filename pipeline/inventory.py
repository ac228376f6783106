"""List and check the videos of every part: inventory FOLDER."""

from pathlib import Path

from deepfake_adv.datasets.inventory import inventory_datasets
from deepfake_adv.datasets.layouts.registry import build_layout
from deepfake_adv.datasets.probing import PartOnDisk
from deepfake_adv.faces.at_hand import missing_models
from deepfake_adv.params.load import load_params
from deepfake_adv.stage import run_stage


def main(folder: Path) -> None:
    """Read the datasets, compare with what is expected, write the lists."""
    params = load_params("datasets", "parts", "inventory", "extract", "locate", "tiers", "shard", "runs", "execution")
    parts = []
    for part in params.parts.values():
        dataset = params.datasets[part.dataset]
        layout = build_layout(dataset.layout, dataset.root, dataset.forgeries, dataset.options)
        parts.append(PartOnDisk(part.dataset, str(part.quality), layout))
    # if `locate` has yet to run, check now, not after hours, that what it loads is installed
    located = all((folder.parent / "faces" / name).is_dir() for name in {part.dataset for part in parts})
    lacking = [] if located else missing_models(params.locate.backend.name, params.locate.landmarks.name)
    inventory_datasets(
        parts,
        folder,
        min_frames=params.extract.min_frames,
        missing_is_fatal=params.inventory.missing == "fatal",
        contradictions_are_fatal=params.inventory.contradictions == "fatal",
        max_frames=params.inventory.max_frames,
        max_pixels=params.inventory.max_pixels,
        max_unreadable_share=params.inventory.max_unreadable_share,
        execution=params.execution.model_dump(),
        leak_free=list(params.tiers) if params.shard.leaks == "fatal" else [],
        beside=lacking,
        trained={name: (run.tier, run.conditions) for name, run in params.runs.items()},
    )


if __name__ == "__main__":
    run_stage("inventory", main)
