"""Record what DVC cannot track as params, and define its plots: inputs FOLDER [PLOTS].

Files outside the pipeline, and optional keys of runs and datasets.
"""

from pathlib import Path
from typing import Any

from deepfake_adv.files import write_text
from deepfake_adv.inputs import record_inputs
from deepfake_adv.leftovers import clear_leftovers
from deepfake_adv.params.entries import own_forgeries
from deepfake_adv.params.load import load_params, read_yaml
from deepfake_adv.params.schema import Params
from deepfake_adv.reporting.dvc_plots import write_plots
from deepfake_adv.sources.checkout import own_sources
from deepfake_adv.sources.closure import entries_of
from deepfake_adv.stage import run_stage


def main(folder: Path, plots: Path | None = None) -> None:
    """Delete outputs that params no longer name, then record every file that they name; list the user's own code.

    A run's own recipe goes to its record, which `train` depends on, what it is scored on to one for `score`, and a
    dataset's frames to one for `extract`: DVC cannot track a key that may be left out.
    DVC reads the definitions of its plots before any stage runs, so no stage has them as an output: they are in git.
    """
    params = load_params("corpus", "attack", "runs", "detectors", "methods", "datasets", "parts")
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
    for name, dataset in params.datasets.items():
        values[f"frames/{name}"] = dataset.frames.model_dump()
    record_inputs(entries, folder, values=values)
    if plots is not None:
        _define(plots, params)
    used = [entries_of("detector", params.detectors[run.detector].model_dump()) for run in params.runs.values()]
    write_text(folder / "plugins.txt", own_sources().plugin_listing(set().union(*used)))


def _define(plots: Path, params: Params) -> None:
    datasets = {}
    for name in dict.fromkeys(part.dataset for part in params.parts.values()):
        dataset = params.datasets[name]
        forgeries = [str(each) for each in dataset.forgeries or own_forgeries(dataset.layout)]
        datasets[name] = forgeries, [str(part.quality) for part in params.parts.values() if part.dataset == name]
    runs = {name: (run.conditions, run.test.conditions) for name, run in params.runs.items()}
    write_plots(plots, runs, datasets)


if __name__ == "__main__":
    run_stage("inputs", main)
