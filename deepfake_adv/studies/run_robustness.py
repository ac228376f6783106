"""Stage `robustness`: from trained runs and test crops to curves, attacks and tables."""

import shutil
from pathlib import Path
from typing import Final

from deepfake_adv.attacks.registry import build_attack
from deepfake_adv.data.manifest import read_manifest
from deepfake_adv.files import file_fingerprint, write_json
from deepfake_adv.params.studies import RobustnessStudy
from deepfake_adv.reporting.robustness_tables import robustness_tables, write_robustness_tables
from deepfake_adv.scratch import Scratch
from deepfake_adv.sources.checkout import code_digest
from deepfake_adv.studies.blocks import Blocks
from deepfake_adv.studies.degrade import DEGRADATIONS
from deepfake_adv.studies.images import condition_pictures, condition_rows
from deepfake_adv.studies.robustness import Robustness
from deepfake_adv.studies.runs import load_runs
from deepfake_adv.training.device import choose_device, device_name, versions

RESULT: Final = "detectors.json"


def run_robustness(
    wanted: RobustnessStudy,
    runs: Path,
    manifest: Path,
    folder: Path,
    *,
    accelerator: str = "auto",
    workers: int = 0,
    work: Path = Path("work"),
) -> None:
    """Degrade and attack the test crops of one condition, score them with each run's detector.

    After a kill the same call continues after the last finished batch. Memory is bounded by the detectors and a few
    batches.

    Args:
        wanted: Section `robustness` of params.yaml; without `runs` the study is empty.
        runs: Folder of <run>/<condition>/seed<k>.
        manifest: Of the crops: <root>/manifests/<tier>/<split>.parquet.
        folder: Output folder of detectors.json and the tables.
        accelerator: auto, cpu or cuda.
        workers: Threads that decode; 0: one per core. Affects speed only.
        work: Folder of scratch folders.

    Raises:
        FileNotFoundError: If the manifest is missing.
        ValueError: If a run is not there, sizes differ, or the condition has no images.
    """
    if not wanted.runs:
        write_json(folder / RESULT, {"curves": [], "attacks": [], "condition": wanted.condition, "images": 0})
        return
    device = choose_device(accelerator)
    folders = {run: runs / run / wanted.condition / f"seed{wanted.seed}" for run in wanted.runs}
    trained = load_runs(folders, device, key="robustness.runs")
    table = read_manifest(manifest)
    rows = condition_rows(table, wanted.condition, wanted.frames, key="robustness.condition")
    size = next(iter(trained.values())).image_size
    study = Robustness(
        detectors={run: found.detector for run, found in trained.items()},
        pictures=condition_pictures(table, rows, manifest.parents[2], size),
        levels={name: getattr(wanted, name) for name in DEGRADATIONS},
        attacks={label: build_attack(**entry.model_dump()) for label, entry in wanted.attacks.items()},
        batch_size=wanted.batch_size,
        seed=wanted.seed,
    )
    study.check()
    key = {
        "params": wanted.model_dump(),
        "manifest": file_fingerprint(manifest),
        "weights": [file_fingerprint(path / "detector.safetensors") for path in folders.values()],
        "size": size,
        "device": device.type,
    }
    scratch = Scratch("robustness", key, code=code_digest("robustness"), root=work)
    batches = scratch.path / "batches"
    if not (scratch.path / RESULT).exists():
        blocks = Blocks(batches, len(rows), study.batch_size)
        blocks.fill(study.prepare, study.score, desc="robustness", workers=workers)
        curves, attacks = study.curves(blocks), study.transfer(blocks)
        write_robustness_tables(robustness_tables(curves, attacks), scratch.path)
        facts = {
            "condition": wanted.condition,
            "images": len(rows),
            "provenance": {"versions": versions(), "device": device_name(device)},
        }
        # last, since it marks the study as complete
        write_json(scratch.path / RESULT, {"curves": curves, "attacks": attacks, **facts})
    shutil.rmtree(batches, ignore_errors=True)
    scratch.publish(folder)
