"""Take a run's small results out of the study's project."""

import logging
import shutil
from pathlib import Path

from deepfake_adv.evaluation.left_out import left_out_aucs, read_frames
from deepfake_adv.files import atomic_write, read_json_object, sha256, write_json

logger = logging.getLogger(__name__)

LARGEST = 500_000  # bytes of a file that is committed


def collect_run(project: Path, run: str, method: str, detector: str, folder: Path) -> bool:
    """Write results/<run>.json, and copy the run's evaluation and metrics, if they are there and not here yet.

    Args:
        project: Where the study was run.
        run: Its name.
        method: Its entry of `methods`.
        detector: Its entry of `detectors`.
        folder: reports/study.

    Returns:
        Whether anything was written.

    Raises:
        ValueError: If a file is damaged.
    """
    scores = project / f"data/scores/{run}.parquet"
    copied = [f"evaluation/{run}.json", f"metrics/{run}.json"]
    if not scores.exists() or not all((project / "reports" / name).exists() for name in copied):
        return False
    evaluated = read_json_object(project / "reports" / copied[0], {"provenance": dict})["provenance"]
    digest = sha256(scores)
    if evaluated["scores"]["fingerprint"] != digest[:16]:  # `evaluate` is still to run on these scores
        return False
    target = folder / f"results/{run}.json"
    if target.exists() and read_json_object(target, {}).get("scores") == digest:
        return False
    frames = read_frames(scores, project / "data/manifests/all/test.parquet")
    entries = list(left_out_aucs(frames))
    for name in copied:
        with atomic_write(folder / name) as temporary:
            shutil.copyfile(project / "reports" / name, temporary)
    write_json(target, {"run": run, "method": method, "detector": detector, "scores": digest, "results": entries})
    for path in (target, *(folder / name for name in copied)):
        if (size := path.stat().st_size) > LARGEST:
            logger.warning(
                "%s has %d bytes, more than the %d that suit git: think before you commit it", path, size, LARGEST
            )
    return True
