"""Make the table of rates for `deepfake-adv plan` from the results of benchmarks; nothing is measured here.

Run as ``python -m benchmarks.rates`` after one of `SOURCES` was measured again. Each is named with its date, processor
and the last commit that changed its file.
"""

import argparse
import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from scipy.optimize import nnls

from benchmarks.common import RESULTS
from benchmarks.ways import SHARED
from deepfake_adv.files import write_json
from deepfake_adv.planning.rates import TABLE, RateSource

SOURCES = ("stages", "starts", "scale", "dvc", "draws", "studies", "preprocess-rendered", "tracks-real")


def main() -> None:
    """Write the table."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    results = {name: json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8")) for name in SOURCES}
    write_json(TABLE, table(results, {name: _commit(name) for name in SOURCES}))
    print(TABLE)


def table(results: Mapping[str, Mapping[str, Any]], commits: Mapping[str, str]) -> dict[str, Any]:
    """Values by name, and where they are from.

    Args:
        results: Content of result files by name.
        commits: Last commit of each file.
    """
    sources = {
        name: RateSource(f"{name}.json", result["machine"]["date"], commits[name], result["machine"]["processor"])
        for name, result in results.items()
    }
    values = {
        **_of_stages(results["stages"]),
        **_of_starts(results["starts"]),
        **_of_scale(results["scale"]["steps"]),
        **_of_others(results),
    }
    return {
        "values": {name: float(f"{value:.6g}") for name, value in sorted(values.items())},
        "sources": {name: asdict(source) for name, source in sources.items()},
    }


def _of_stages(result: Mapping[str, Any]) -> dict[str, float]:
    values = {f"{stage}.{term}": value for stage, terms in result["cpu_s"].items() for term, value in terms.items()}
    for quality, sizes in result["bytes_per_pixel"].items():
        values |= {f"bytes_per_pixel.{quality}.{name}": value for name, value in sizes.items()}
    values |= {f"worker_mb.{name}": value for name, value in result["worker_mb"].items()}
    corpus = result["corpus"]
    values |= {f"corpus.{name}": corpus[name] for name in ("pair", "megapixel", "megapixel_bytes")}
    values |= {"locate.row_bytes": result["row_bytes"]["box"], "crop.row_bytes": result["row_bytes"]["crop"]}
    values["worker_mb.corpus"] = corpus["worker_mb"]
    clips = result["clips"]
    values["crop_share"] = float(np.mean([clip["crop_side"] / clip["height"] for clip in clips]))
    return values


def _of_starts(result: Mapping[str, Any]) -> dict[str, float]:
    """Of each stage: a process of its own, one of its workers, a fork of train-all's; a look at dvc.lock per stage."""
    values: dict[str, float] = {"start.lock": result["lock"]["cpu_s"] / result["lock"]["stages"]}
    for row in result["stages"]:
        stage = row["stage"]
        values |= {f"start.{stage}.cpu_s": row["cpu_s"], f"start.{stage}.mb": row["mb"]}
        values[f"start.{stage}.worker"] = row["worker_cpu_s"]
        if "fork_cpu_s" in row:
            values[f"start.{stage}.fork"] = row["fork_cpu_s"]
    return values


def _of_scale(steps: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Constant and slope of what grows with rows or runs, seconds and megabytes."""
    by_name = {step["step"]: step for step in steps}
    values: dict[str, float] = {}
    for name, step, unit in (
        ("inventory", "inventory", "row"),
        ("shard", "shard", "row"),
        ("evaluate", "evaluate_plain", "row"),
        ("intervals", "evaluate_run", "row"),
        ("tables", "tables", "run"),
        ("report", "report", "run"),
    ):
        constant, slope = _line(by_name[step], "s")
        values |= {f"{name}.constant": constant, f"{name}.{unit}": slope}
        values[f"{name}.{unit}_mb"] = _line(by_name[step], "mb")[1]
    last = {name: step["facts"][-1] for name, step in by_name.items()}
    sizes = {name: step["sizes"][-1] for name, step in by_name.items()}
    resamples = last["evaluate_run"]["resamples"]  # what a resample adds to a row
    values["intervals.row"] = max(values["intervals.row"] - values["evaluate.row"], 0.0) / resamples
    values["evaluate.row_mb"] = values.pop("intervals.row_mb")
    del values["intervals.constant"]
    plain, drawn = last["evaluate_plain"], last["evaluate_run"]
    values["evaluate.condition_bytes"] = plain["bytes"] / plain["conditions"]
    values["evaluate.replicate_bytes"] = (drawn["bytes"] - plain["bytes"]) / drawn["conditions"] / drawn["resamples"]
    values["score.row_bytes"] = last["evaluate_run"]["score_row_bytes"]
    values["extract_index.frame_bytes"] = last["shard"]["frame_row_bytes"]
    values["manifest.row_bytes"] = last["shard"]["bytes"] / sizes["shard"]
    values["inventory.row_bytes"] = last["inventory"]["bytes"] / sizes["inventory"]
    return values


def _line(step: Mapping[str, Any], key: str) -> tuple[float, float]:
    """Constant and slope, neither negative, that fit all sizes alike."""
    sizes, found = np.array(step["sizes"], float), np.maximum(np.array(step[key], float), 1e-6)
    design = np.stack([np.ones(len(sizes)), sizes], axis=1) / found[:, None]
    (constant, slope), _ = nnls(design, np.ones(len(sizes)))
    return float(constant), float(slope)


def _of_others(results: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    draws, dvc = results["draws"], results["dvc"]["cpu_seconds"]
    megapixels = draws["setting"]["side"] ** 2 / 1e6
    studies = {row["stage"]: row["added_mib"] * 2**20 / 1e6 for row in results["studies"]["rows"]}
    clip = results["preprocess-rendered"]["cpu_seconds"]["720p_c23"]
    tracks = results["tracks-real"]
    wanted, looked = tracks["setting"]["wanted"], [kind["looked_at"] for kind in tracks["agreement"].values()]
    looks = float(np.mean(looked)) * wanted
    return {
        "looks.per_stride": (looks - 1) * SHARED.every / wanted,  # 1 where no two neighbours ever disagree
        "load.megapixel": draws["ms_per_crop"]["store"] / 1000 / megapixels,
        "loader.worker_mb": draws["memory"]["all"]["private_mb_per_worker"],
        "dvc.stage": dvc["stage_by_train_all"],
        "dvc.stage.stages": dvc["stages"],
        "attack.mb": studies["attack"],
        "robustness.mb": studies["robustness"],
        "locate_fast_share": (clip["locate_fast"] - clip["decode"]) / (clip["locate_shared"] - clip["decode"]),
    }


def _commit(name: str) -> str:
    """The last commit that changed a result file; empty outside of a clone."""
    command = ["git", "log", "-1", "--format=%h", "--", str(RESULTS / f"{name}.json")]
    return subprocess.run(command, cwd=RESULTS, capture_output=True, text=True, check=False).stdout.strip()


if __name__ == "__main__":
    main()
