"""The study of docs/evidence.md, or its report alone.

Run as ``make study``. It works in a folder of its own, a copy of this project with the study's params, and changes
nothing here but the study's results: each run's are put into reports/study as it ends. Killed at any point, the next
call goes on. ``make study-report`` makes the report again from those results, without training.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillRunning
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from benchmarks.rehearsal.project import ROOT, Project
from benchmarks.study.answer import write_answer
from deepfake_adv.files import write_json
from deepfake_adv.log import configure
from deepfake_adv.params.load import load_params
from deepfake_adv.params.schema import Params
from deepfake_adv.reporting.study.collect import collect_run
from deepfake_adv.reporting.study.maps import FOLDER
from deepfake_adv.reporting.study.report import write_study

EVERY = 60.0  # seconds between two looks for runs that have ended


def main(words: Sequence[str] | None = None) -> int:
    """Run, collect, report."""
    arguments = _arguments(words)
    configure("study")
    profile = ROOT / f"profiles/{arguments.profile}.yaml"
    results = arguments.results or ROOT / "reports" / arguments.profile
    if not arguments.report:
        overrides = dict(map(_override, arguments.set))
        project = Project(arguments.folder or ROOT / "work" / arguments.profile, "study", profile, overrides)
        overrides |= _clips(project.folder, load_params(path=profile), arguments)
        changed = project.prepare()
        print(
            f"{arguments.profile} in {project.folder}; {len(changed)} keys overridden: {changed or 'none'}", flush=True
        )
        profile = project.folder / "params.yaml"
        carry_out(project, load_params(path=profile), results, jobs=arguments.jobs, only=arguments.only)
    params = load_params(path=profile)
    write_study(params, results, ROOT / "reports/paper")
    if results.resolve() == ROOT / "reports/study":
        write_answer(ROOT, params, results)
    print(f"report: {results}/README.md")
    return 0


def carry_out(project: Project, params: Params, results: Path, *, jobs: int | None, only: str) -> None:
    """Make the data, train, and take each run's results as it ends.

    Raises:
        RuntimeError: If a stage or a run fails; the results of the others are taken.
    """
    project.step("deepfake_adv.execution.dvc_lock")
    project.step("dvc", "repro", "shard")
    words = ["train-all", *(["--jobs", str(jobs)] if jobs else []), *(["--only", only] if only else [])]
    with ThreadPoolExecutor(1) as pool:
        training = pool.submit(project.step, "deepfake_adv", *words)
        while True:
            try:
                training.result(timeout=EVERY)
                break
            except StillRunning:
                collect(project.folder, params, results)
            except RuntimeError:
                collect(project.folder, params, results)
                raise
    collect(project.folder, params, results)


def collect(folder: Path, params: Params, results: Path) -> None:
    """Take the results of runs that have ended since; a file that DVC is just moving is taken the next time.

    A file that stays unreadable is reported each time, and stops no training.
    """
    for name, run in params.runs.items():
        try:
            if collect_run(folder, name, run.method, run.detector, results):
                collect_maps(folder, name, results)
                print(f"{time.strftime('%H:%M')} {name}: results in {results}", flush=True)
        except FileNotFoundError:
            continue
        except ValueError as fault:
            print(f"{time.strftime('%H:%M')} {name} is not taken: {fault}", flush=True)


def collect_maps(folder: Path, run: str, results: Path) -> None:
    """Statistics of the maps of a run's generators, if it has any: one test frame a video, its own condition."""
    trained = [path.parent for path in sorted(folder.glob(f"data/runs/{run}/*/seed*/generator.safetensors"))]
    if trained:
        import torch  # here, since most runs have none

        from deepfake_adv.studies.maps import map_statistics

        torch.set_num_threads(1)
        manifest = folder / "data/manifests/all/test.parquet"
        write_json(results / FOLDER / f"{run}.json", [map_statistics(path, manifest, frames=1) for path in trained])


def _clips(folder: Path, params: Params, arguments: argparse.Namespace) -> dict[str, Any]:
    """The folder of clips by a path that holds in the copy too; clips that are left out are not linked into it."""
    if params.corpus.source != "clips":
        return {}
    source = Path(arguments.clips or ROOT / str(params.corpus.folder)).resolve()
    if not source.is_dir():
        raise FileNotFoundError(f"clips must be a folder of videos; found none at {source}. Name one: CLIPS=folder.")
    links = folder / "clips"
    links.mkdir(exist_ok=True)
    wanted = {path.name: path for path in source.iterdir() if path.is_file() and path.name not in arguments.without}
    for old in links.iterdir():
        old.unlink()
    for name, path in wanted.items():
        (links / name).symlink_to(path)
    return {"corpus.folder": str(links)}


def _override(text: str) -> tuple[str, Any]:
    key, _, value = text.partition("=")
    return key, YAML(typ="safe").load(value)


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.study", description=__doc__)
    parser.add_argument("--profile", default="study", help="Name in profiles/.")
    parser.add_argument("--report", action="store_true", help="Only make the report again from the results.")
    parser.add_argument("--folder", type=Path, help="Where it works; default: work/<profile>.")
    parser.add_argument("--results", type=Path, help="Where results go; default: reports/<profile>.")
    parser.add_argument("--clips", type=Path, help="Folder of clips, for a profile with corpus.source clips.")
    parser.add_argument("--without", nargs="*", default=[], metavar="FILE", help="Clips of people who have another.")
    parser.add_argument("--jobs", type=int, help="Runs at a time; else as many as find GPUs or cores.")
    parser.add_argument("--only", default="", help="A run, or a pattern such as *_baseline.")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="Override a key, to try it out; * for any text."
    )
    return parser.parse_args(words)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (RuntimeError, ValueError, FileNotFoundError) as fault:
        sys.exit(str(fault))
    except KeyboardInterrupt:
        sys.exit("interrupted; run the same command again to continue")
