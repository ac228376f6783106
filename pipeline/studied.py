"""Record what the robustness study reads of a run, so that it depends on its own runs only: studied TRAINED OUTPUT."""

from pathlib import Path

from deepfake_adv.files import read_json_object, write_json
from deepfake_adv.stage import run_stage


def main(trained: Path, output: Path) -> None:
    """Copy the hashes of the weights, and the settings that load them."""
    kinds = {"params": dict, "condition": str, "seed": int, "image_size": int, "files": dict}
    record = read_json_object(trained / "run.json", kinds)
    record["params"] = {"detector": record["params"].get("detector")}
    write_json(output, {name: record[name] for name in kinds})


if __name__ == "__main__":
    run_stage("studied", main)
