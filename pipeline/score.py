"""P(fake) of a run's test frames by its detectors: score RUN FOLDER MANIFEST TESTS SCORES [--KEY VALUE ...]."""

from pathlib import Path

from deepfake_adv.files import read_json_object
from deepfake_adv.params.load import load_params
from deepfake_adv.params.training import Tests
from deepfake_adv.stage import run_stage


def main(run: str, folder: Path, manifest: Path, tests: Path, scores: Path, **section: str) -> None:
    """Score the test frames that `tests` names and write the scores."""
    # here, since every decoding process imports this file and does not need them
    from deepfake_adv.training.score import score_run

    params = load_params("score", "device", given=section)
    device, wanted = params.device, Tests.read(read_json_object(tests, {}))
    score_run(
        folder,
        manifest,
        scores,
        **params.score.model_dump(),
        conditions=wanted.conditions,
        frames=wanted.frames,
        accelerator=device.accelerator,
        channels_last=device.channels_last,
        workers=0 if device.cache == "memory" else device.workers,
    )


if __name__ == "__main__":
    run_stage("score", main, words=1)
