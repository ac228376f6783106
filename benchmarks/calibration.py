"""How the baseline fares on the corpus: what docs/calibration.md reports, for one state of the code and one seed.

Run as ``python -m benchmarks.calibration FOLDER LABEL``. The pipeline's own stages run in FOLDER on this checkout's
code; what is finished there is not made again. It needs the packaged weights (`make setup-weights`).

Needs about ten CPU minutes, and three more per further seed. Prediction: in docs/calibration.md.
"""

import argparse
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from ruamel.yaml import YAML

from benchmarks.common import RESULTS, machine, print_table
from deepfake_adv.faces.dlib_hog import DlibHog
from deepfake_adv.files import read_json, write_json
from deepfake_adv.names import FF_FORGERIES, Forgery, Quality
from deepfake_adv.video.colour import i420_to_rgb
from deepfake_adv.video.read import probe, read_frames

ROOT: Final = Path(__file__).parents[1]
RUN: Final = "lite0_baseline"
QUALITIES: Final = (Quality.RAW, Quality.C23, Quality.C40)
PAIRS: Final = {"train": 20, "val": 1, "test": 14}
TRAIN: Final = {
    "image_size": 112, "batch_size": 16, "epochs": 1, "steps_per_epoch": 300, "sampling": "pairs", "flip": False,
    "learning_rate": 1e-3, "weight_decay": 5e-4, "decay_epochs": 1000,
}  # fmt: skip


def main() -> None:
    """Build, train, measure, write the result."""
    arguments = _arguments()
    folder: Path = arguments.folder
    prepare(folder, arguments.corpus_seed, arguments.seeds)
    spent = {stage: _run(folder, *command) for stage, command in _commands(arguments.seeds)}
    found = {
        "label": arguments.label,
        "corpus_seed": arguments.corpus_seed,
        "seeds": cells(folder, arguments.seeds),
        "detected": detected(folder / "data/corpus"),
        "cpu_s": {stage: round(seconds, 1) for stage, seconds in spent.items() if seconds > 1},
        "machine": machine("torch", "timm", "av", "opencv-python-headless", "numpy", "dlib-bin"),
    }
    known = read_json(arguments.output) if arguments.output.exists() else []
    for attempt in known:
        if attempt["label"] == found["label"] and attempt["corpus_seed"] == found["corpus_seed"]:
            found["seeds"] = attempt["seeds"] | found["seeds"]
            found["cpu_s"] = attempt["cpu_s"] | found["cpu_s"]
    kept = [attempt for attempt in known if attempt["label"] != found["label"]]
    write_json(arguments.output, [*kept, found])
    print_table([{"cell": cell, **values} for cell, values in _by_cell(found["seeds"]).items()])
    print(found["detected"])


def prepare(folder: Path, corpus_seed: int, seeds: list[int]) -> None:
    """Make the folder a project: this checkout's code, and the demo's params with the protocol's changes."""
    for name in ("deepfake_adv", "pipeline"):
        if not (folder / name).exists():  # a copy, so that edits meanwhile do not count
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    yaml = YAML()
    params = yaml.load((ROOT / "profiles/demo.yaml").read_text(encoding="utf-8"))
    params["corpus"] |= {"seed": corpus_seed, "pairs": PAIRS, "frames": 32}
    params["datasets"] = {"corpus": params["datasets"]["corpus"]}
    params["datasets"]["corpus"]["frames"] |= {"train": 24, "val": 6, "test": 6}
    params["parts"] = {f"corpus_{quality}": {"dataset": "corpus", "quality": str(quality)} for quality in QUALITIES}
    params["tiers"] = ["all"]
    params["execution"]["workers"] = 1
    params["extract"]["min_frames"] = 6
    params["crop"]["encoding"] = "i420"  # the fastest of the lossless ones
    params["detectors"] |= {"lite0": {"name": "timm:tf_efficientnet_lite0", "pretrained": True, "weights": "package"}}
    conditions = [f"NT_{quality}" for quality in QUALITIES]
    run = {"method": "baseline", "detector": "lite0", "tier": "all", "conditions": conditions}
    params["runs"] = {RUN: run}
    for section in ("examples", "robustness"):
        params[section] |= {"run": RUN, "generator_run": RUN} if section == "examples" else {"runs": [RUN]}
    params["train"] |= {**TRAIN, "seeds": seeds}
    with open(folder / "params.yaml", "w", encoding="utf-8") as stream:
        yaml.dump(params, stream)


def _commands(seeds: list[int]) -> Iterator[tuple[str, list[str]]]:
    """Stage and arguments, in the order of dvc.yaml."""
    yield "sources", ["sources", "data/sources"]
    yield "inputs", ["inputs", "data/inputs"]
    yield "corpus", ["corpus", "data/corpus"]
    yield "inventory", ["inventory", "data/inventory"]
    for q in QUALITIES:
        yield f"extract_{q}", ["extract", "corpus", q, f"data/inventory/corpus/{q}.csv", f"data/frames/corpus/{q}"]
    yield "locate", ["locate", "corpus", "data/inventory/corpus", "data/frames/corpus", "data/faces/corpus"]
    for q in QUALITIES:
        cut = [f"data/frames/corpus/{q}", "data/faces/corpus", f"data/crops/corpus/{q}"]
        yield f"crop_{q}", ["crop", "corpus", q, *cut]
    yield "shard", ["shard", "all", "data/crops", "data/inventory", "data/manifests/all"]
    runs = "data/runs/" + "-".join(map(str, seeds))
    place = [f"data/inputs/runs/{RUN}.json", "data/manifests/all", runs, "reports/times"]
    yield "train", ["train", RUN, *place]
    scores = f"{runs}.parquet"
    yield "score", ["score", RUN, runs, "data/manifests/all/test.parquet", scores]
    written = [f"reports/{name}" for name in ("metrics.json", "evaluation.json", "roc.csv", "confusion.csv")]
    yield "evaluate", ["evaluate", RUN, scores, runs, *written]


def _run(folder: Path, stage: str, *words: str) -> float:
    """Run a stage unless what it writes is there; CPU seconds spent."""
    written = {"train": -2, "evaluate": -3}.get(stage, -1)
    if stage not in ("sources", "inputs", "inventory", "evaluate") and (folder / words[written]).exists():
        return 0.0
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    path = os.pathsep.join([str(folder.resolve()), os.environ.get("PYTHONPATH", "")])
    threads = {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1")}
    command = [sys.executable, "-m", f"pipeline.{stage}", *words]
    subprocess.run(command, cwd=folder, env={**os.environ, "PYTHONPATH": path, **threads}, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def cells(folder: Path, seeds: list[int]) -> dict[str, dict[str, float]]:
    """Seed -> train → test -> AUC, percent, frame level; from the evaluation file."""
    found: dict[str, dict[str, float]] = {str(seed): {} for seed in seeds}
    for entry in read_json(folder / "reports/evaluation.json")["conditions"]:
        auc = entry["frame"]["auc"]
        for seed, value in zip(entry["seeds"], auc.get("seeds", [auc["value"]]), strict=True):
            found[str(seed)][f"{entry['train']} -> {entry['test']}"] = round(100 * value, 2)
    return found


def detected(corpus: Path) -> dict[str, float]:
    """Quality -> share of frames, one from the middle of each video, in which dlib finds a face."""
    locate, shares = DlibHog(upsample=1), {}
    for quality in QUALITIES:
        videos = sorted(corpus.glob(f"*_sequences/*/{quality}/videos/*.mp4"))
        middles = (i420_to_rgb(next(iter(read_frames(path, [probe(path).frames // 2])))) for path in videos)
        shares[str(quality)] = round(float(np.mean([bool(locate(picture)) for picture in middles])), 4)
    return shares


def _by_cell(seeds: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    shown = [f"NT_{a} -> NT_{b}" for a in QUALITIES for b in QUALITIES]
    shown += [f"NT_{q} -> {f}_{q}" for q in QUALITIES for f in FF_FORGERIES if f != Forgery.NT]
    return {cell: {f"seed {seed}": values[cell] for seed, values in seeds.items()} for cell in shown}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where to work")
    parser.add_argument("label", help="of the attempt; one of the same label in the output is replaced")
    parser.add_argument("--corpus-seed", type=int, default=101)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="of training")
    parser.add_argument("--output", type=Path, default=RESULTS / "calibration.json")
    return parser.parse_args()


if __name__ == "__main__":
    main()
