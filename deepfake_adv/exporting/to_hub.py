"""A trained detector as a folder for a model hub: weights, config.json and a model card, loadable again by `load`."""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any, Final

from deepfake_adv import __version__
from deepfake_adv.exporting.card import model_card
from deepfake_adv.exporting.measurements import find_measurements
from deepfake_adv.files import sha256, write_json, write_text
from deepfake_adv.inputs import EXPORTED
from deepfake_adv.training.checkpoint import GENERATOR, WEIGHTS
from deepfake_adv.training.trained import CONFIG, Trained, read_trained

FORMAT: Final = 1
CARD: Final = "README.md"


def export_hub(
    trained: Trained, output: Path, *, evaluation: Path | None = None, licence: str | None = None
) -> dict[str, Any]:
    """Write model.safetensors, config.json and README.md, and what the run's calibration is computed from.

    The weights are those of the run, byte for byte; config.json holds its run.json. So the loaded detector gives equal
    scores, bit for bit, and finds and cuts faces as the run does. A detector named ``py:<module>:<factory>`` needs that
    module again, which is not copied: loading a folder never executes code from it.

    Args:
        trained: The detector.
        output: The folder; made here.
        evaluation: reports/evaluation/<run>.json; None: that of the run's own project, where there is one.
        licence: Of the weights, an identifier such as cc-by-nc-4.0; None: what the training data allow, if it is known.

    Returns:
        Names of the files, and of the evaluation that the card states.

    Raises:
        ValueError: If `output` holds something already, a file of the run is not the one that was trained, or the
            evaluation is of other weights.
        FileNotFoundError: If `evaluation` is missing.
        OSError: If the disk is full or cannot be written.
    """
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise ValueError(f"output must be a new or an empty folder; got {output}. Name another, or remove it.")
    _, record, weights = read_trained(trained.folder)
    measured = find_measurements(trained, evaluation)
    output.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f".{output.name}-", dir=output.parent))
    try:
        os.chmod(made, 0o755)
        for name, digest in record["files"].items():
            if name != GENERATOR:
                source = weights if name == WEIGHTS else trained.folder / name
                _copy(source, made / (EXPORTED if name == WEIGHTS else name), digest)
        config = {"library_name": "deepfake-adv", "library_version": __version__, "format": FORMAT, "record": record}
        write_json(made / CONFIG, config)
        write_text(made / CARD, model_card(trained, measured, licence=licence))
        names = sorted(path.name for path in made.iterdir())
        if output.exists():
            output.rmdir()
        os.replace(made, output)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise
    return {"files": names, "evaluation": None if measured is None else str(measured.path)}


def _copy(source: Path, target: Path, digest: str) -> None:
    if not source.is_file() or sha256(source) != digest:
        raise ValueError(
            f"{source} must be the file that was trained (SHA-256 {digest:.12}…); got another, or none. Copy the run's "
            "folder again."
        )
    shutil.copyfile(source, target)
