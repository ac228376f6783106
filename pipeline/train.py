"""Train the detectors of a run: train RUN INPUTS MANIFESTS OUTPUT TIMES."""

from pathlib import Path

from deepfake_adv.execution.dvc_outputs import Recorded
from deepfake_adv.inputs import unchanged
from deepfake_adv.names import Condition
from deepfake_adv.params.base import entry
from deepfake_adv.params.entries import completed
from deepfake_adv.params.load import load_params
from deepfake_adv.params.training import recipe
from deepfake_adv.stage import run_stage


def main(run: str, inputs: Path, manifests: Path, output: Path, times: Path) -> None:
    """Train one detector per condition and seed."""
    # here, since every decoding process imports this file and does not need them
    from deepfake_adv.training.run import train_run
    from deepfake_adv.training.setup import Plan

    params = load_params("runs", "methods", "detectors", "train", "device")
    chosen = entry("runs", params.runs, run)
    plan = Plan(
        run,
        tuple(map(Condition.parse, chosen.conditions)),
        completed("detector", params.detectors[chosen.detector].model_dump(), "detectors", chosen.detector),
        completed("method", params.methods[chosen.method].model_dump(), "methods", chosen.method),
        recipe(params.train, chosen),
    )
    started_from = unchanged(inputs, {"detector": plan.detector, "method": plan.method}, {"train": chosen.train})
    earlier = Recorded(f"train@{run}", output.as_posix())
    train_run(plan, manifests, output, device=params.device, inputs=started_from, times=times, earlier=earlier)


if __name__ == "__main__":
    run_stage("train", main, words=1)
