"""Record what DVC cannot track as params: files outside the pipeline, and optional keys of runs. inputs FOLDER."""

from pathlib import Path
from typing import Any

from deepfake_adv.files import write_text
from deepfake_adv.inputs import record_inputs
from deepfake_adv.leftovers import clear_leftovers
from deepfake_adv.params.load import load_params, read_yaml
from deepfake_adv.sources.checkout import own_sources
from deepfake_adv.stage import run_stage


def main(folder: Path) -> None:
    """Delete outputs that params no longer name, then record every file that they name, including plug-ins.

    A run's own recipe goes to its record, which `train` depends on, and what it is scored on to one for `score`.
    """
    params = load_params("corpus", "attack", "runs", "detectors", "methods")
    clear_leftovers(Path.cwd(), read_yaml(Path("params.yaml")))
    entries: dict[str, dict[str, Any]] = {
        "corpus": {"corpus": params.corpus.model_dump()} if params.corpus.source == "clips" else {},
        "attack": {"attack": params.attack.model_dump()} if params.attack.images.source == "folder" else {},
    }
    values: dict[str, dict[str, Any]] = {}
    for name, run in params.runs.items():
        values[f"runs/{name}"] = {"train": run.train} if run.train else {}
        values[f"tests/{name}"] = run.test.model_dump()
        played = {"detector": params.detectors[run.detector], "method": params.methods[run.method]}
        entries[f"runs/{name}"] = {player: entry.model_dump() for player, entry in played.items()}
    record_inputs(entries, folder, values=values)
    write_text(folder / "plugins.txt", own_sources().plugin_listing())


if __name__ == "__main__":
    run_stage("inputs", main)
