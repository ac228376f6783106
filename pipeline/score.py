"""P(fake) of every test frame by a run's detectors: score RUN FOLDER MANIFEST SCORES [--KEY VALUE ...]."""

from pathlib import Path

from deepfake_adv.params.load import load_params
from deepfake_adv.stage import run_stage


def main(run: str, folder: Path, manifest: Path, scores: Path, **section: str) -> None:
    """Score the test frames and write the scores."""
    # here, since every decoding process imports this file and does not need them
    from deepfake_adv.training.score import score_run

    params = load_params("score", "device", given=section)
    device = params.device
    score_run(
        folder,
        manifest,
        scores,
        **params.score.model_dump(),
        accelerator=device.accelerator,
        channels_last=device.channels_last,
        workers=0 if device.cache == "memory" else device.workers,
    )


if __name__ == "__main__":
    run_stage("score", main, words=1)
