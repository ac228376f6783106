"""Write a tier's manifests: shard TIER CROPS INVENTORY MANIFESTS."""

from pathlib import Path

from deepfake_adv.data.shard import make_manifests
from deepfake_adv.params.load import load_params
from deepfake_adv.stage import run_stage


def main(tier: str, crops: Path, inventory: Path, manifests: Path) -> None:
    """Sort the crops of a tier into split manifests."""
    params = load_params("parts", "shard")
    parts = [(part.dataset, str(part.quality)) for part in params.parts.values()]
    make_manifests(tier, crops, inventory, manifests, parts=parts, **params.shard.model_dump())


if __name__ == "__main__":
    run_stage("shard", main, words=1)
