"""List the code that each stage reaches, and the runs that the robustness study compares: sources FOLDER [RUNS]."""

from collections.abc import Iterable
from pathlib import Path

from deepfake_adv.files import write_text
from deepfake_adv.params.entries import Entry as Named
from deepfake_adv.params.entries import complete
from deepfake_adv.params.load import load_params
from deepfake_adv.sources.checkout import UNRECORDED, own_sources
from deepfake_adv.sources.closure import RegistryEntry, entries_of
from deepfake_adv.stage import run_stage


def main(folder: Path, studied: Path | None = None) -> None:
    """Write <stage>.txt, <stage>/<run>.txt for what trains or loads a run's detector alone, and the runs to compare.

    The last is for DVC: `robustness` depends on the folder, which must be there also if no run is compared.
    """
    params = load_params(
        "plugins", "runs", "methods", "detectors", "locate", "examples", "robustness", "datasets", entries=True
    )
    methods = {name: _within("method", entry) for name, entry in params.methods.items()}
    detectors = {name: _within("detector", entry) for name, entry in params.detectors.items()}
    shown, drawn = (params.runs.get(name) for name in (params.examples.run, params.examples.generator_run))
    pictured = [*([detectors[shown.detector]] if shown else []), *([methods[drawn.method]] if drawn else [])]
    compared = [detectors[params.runs[name].detector] for name in params.robustness.runs]
    locate = params.locate
    named: dict[str, set[RegistryEntry]] = {
        "inventory": {("layout", dataset.layout) for dataset in params.datasets.values()},
        "locate": _within("locator", locate.backend) | _within("landmarker", locate.landmarks),
        "examples": _attacks(params.examples.attacks.values()).union(*pictured),
        "robustness": _attacks(params.robustness.attacks.values()).union(*compared),
    }
    sources = own_sources()

    def write(name: str, stage: str, entries: Iterable[RegistryEntry] = ()) -> None:
        write_text(folder / f"{name}.txt", sources.listing(sources.script(stage), entries))

    for run, chosen in params.runs.items():
        write(f"train/{run}", "train", detectors[chosen.detector] | methods[chosen.method])
        write(f"score/{run}", "score", detectors[chosen.detector])
    for stage in sources.stages():
        if stage not in (*UNRECORDED, "train", "score"):
            write(stage, stage, named.get(stage, ()))
    if studied is not None:
        write_text(studied, "".join(f"{name}\n" for name in params.robustness.runs))


def _within(kind: str, entry: Named) -> set[RegistryEntry]:
    return entries_of(kind, complete(kind, entry.model_dump()))


def _attacks(entries: Iterable[Named]) -> set[RegistryEntry]:
    return set().union(*(_within("attack", entry) for entry in entries))


if __name__ == "__main__":
    run_stage("sources", main)
