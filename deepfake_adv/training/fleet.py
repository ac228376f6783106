"""Many runs at once: one DVC process per run, one GPU each, on this machine or through Ray."""

import json
import logging
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from deepfake_adv.execution.dvc_lock import keep_lock
from deepfake_adv.execution.memory import JOBS
from deepfake_adv.execution.on_ray import join_cluster, results_of

logger = logging.getLogger(__name__)

STAGES = ("train", "score", "evaluate")
LOGS = Path("work/train-all")


@dataclass(frozen=True)
class Finished:
    """What became of a run.

    Attributes:
        run: Its name.
        code: Exit code, 0 where all went well.
        seconds: It took.
        log: What it said.
    """

    run: str
    code: int
    seconds: float
    log: Path


def train_all(
    runs: Sequence[str],
    *,
    jobs: int | None = None,
    engine: str = "local",
    address: str | None = None,
    stages: Sequence[str] = STAGES,
    command: Callable[[str, Sequence[str]], list[str]] | None = None,
) -> list[Finished]:
    """Train, score and evaluate independent runs, `jobs` at a time; one that fails stops no other.

    What they start from must be there (``dvc repro shard``). Each run is one ``dvc --wait-for-lock
    repro -s``: without that flag, processes that end together lose their entries in dvc.lock.

    Args:
        runs: Keys of `runs` in params.yaml.
        jobs: Runs at a time. Each gets one GPU in turn, or its share of the cores. None: one per GPU, else one per
            core, of this machine or of the cluster.
        engine: "local" or "ray"; Ray needs the project's folder on a file system that all nodes share.
        address: Ray cluster to join; None starts one here.
        stages: Of each run, in order.
        command: Gives the command of a run; for tests.

    Returns:
        One entry per run, in the order of `runs`.

    Raises:
        ValueError: If `jobs` is below 1 or the engine unknown.
        RuntimeError: If Ray is asked for and not installed.
    """
    if jobs is not None and jobs < 1:
        raise ValueError(f"JOBS must be at least 1; got {jobs}. Take the number of GPUs.")
    if engine not in ("local", "ray"):
        raise ValueError(f"execution.engine must be local or ray; got {engine!r}. Mend params.yaml.")
    commands = {run: (command or dvc_command)(run, stages) for run in runs}
    finished = {}
    ended = _local(commands, jobs or default_jobs()) if engine == "local" else _on_ray(commands, jobs, address)
    for done in ended:
        finished[done.run] = done
        keep_lock()
        word = "done" if done.code == 0 else f"FAILED (exit code {done.code}; see {done.log})"
        logger.info("%s %s in %.0f s, %d of %d", done.run, word, done.seconds, len(finished), len(runs))
    return [finished[run] for run in runs]


def changed_runs(runs: Sequence[str], stages: Sequence[str] = STAGES) -> list[str]:
    """Those of `runs` that have a stage which DVC would run again, by its own word.

    Raises:
        RuntimeError: If `dvc status` fails.
    """
    _dvc("repro", "--single-item", "inputs", "sources")  # what the runs depend on besides their data
    names = [name.partition("@") for name in json.loads(_dvc("status", "--json") or "{}")]
    changed = {run for stage, _, run in names if stage in stages}
    return [run for run in runs if run in changed]


def _dvc(*arguments: str) -> str:
    done = subprocess.run([sys.executable, "-m", "dvc", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip())[-500:]
        raise RuntimeError(f"dvc {arguments[0]} must succeed; got: {said}. Run it by hand and mend what it says.")
    return done.stdout


def dvc_command(run: str, stages: Sequence[str]) -> list[str]:
    """The DVC process of a run."""
    targets = [f"{stage}@{run}" for stage in stages]
    return [sys.executable, "-m", "dvc", "--wait-for-lock", "repro", "-s", *targets]


def summary(finished: Sequence[Finished]) -> str:
    """What succeeded and what did not, with the last line that each failed run said."""
    failed = [done for done in finished if done.code]
    lines = [f"{len(finished) - len(failed)} of {len(finished)} runs done"]
    for done in failed:
        text = done.log.read_text(encoding="utf-8", errors="replace") if done.log.exists() else ""
        last = next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "nothing said")
        lines.append(f"  {done.run}: exit code {done.code}, {last} ({done.log})")
    return "\n".join(lines)


def visible_gpus() -> list[str]:
    """GPUs that a run may be given, as CUDA_VISIBLE_DEVICES names them; found without importing torch."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [name for name in named.split(",") if name.strip() not in ("", "-1")]
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return []
    listed = subprocess.run([tool, "-L"], capture_output=True, text=True, check=False).stdout
    return [str(index) for index, line in enumerate(line for line in listed.splitlines() if line.startswith("GPU "))]


def default_jobs() -> int:
    """Runs at a time on this machine where none is said: one per GPU, else one per core."""
    return len(visible_gpus()) or os.cpu_count() or 1


def slot_environment(slot: int, jobs: int, gpus: Sequence[str]) -> dict[str, str]:
    """Environment of the runs in one slot: a GPU in turn, or a share of the cores."""
    if gpus:
        return {"CUDA_VISIBLE_DEVICES": gpus[slot % len(gpus)]}
    return {"OMP_NUM_THREADS": str(max((os.cpu_count() or 1) // jobs, 1))}


def _local(commands: Mapping[str, list[str]], jobs: int) -> Iterator[Finished]:
    gpus = visible_gpus()
    slots: SimpleQueue[int] = SimpleQueue()
    for slot in range(jobs):
        slots.put(slot)

    def work(run: str) -> Finished:
        slot = slots.get()
        try:
            return execute(run, commands[run], {**slot_environment(slot, jobs, gpus), JOBS: str(jobs)})
        finally:
            slots.put(slot)

    pool = ThreadPoolExecutor(jobs)
    try:
        for future in as_completed([pool.submit(work, run) for run in commands]):
            yield future.result()
    finally:
        pool.shutdown(cancel_futures=True)  # Ctrl-C reaches the processes by itself


def execute(run: str, command: list[str], environment: Mapping[str, str], folder: Path | None = None) -> Finished:
    """Run one command to its end, its output in a log of its own."""
    log = (folder or Path()) / LOGS / f"{run}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    with log.open("wb") as stream:
        code = subprocess.run(
            command, cwd=folder, env={**os.environ, **environment}, stdout=stream, stderr=subprocess.STDOUT, check=False
        ).returncode
    return Finished(run, code, time.monotonic() - start, log)


def _on_ray(commands: Mapping[str, list[str]], jobs: int | None, address: str | None) -> Iterator[Finished]:
    ray = join_cluster(address)
    total: dict[str, Any] = ray.cluster_resources()
    gpus, cores = int(total.get("GPU", 0)), int(total.get("CPU", 1))
    jobs = jobs or gpus or cores
    # Ray sets CUDA_VISIBLE_DEVICES itself
    share = {"num_gpus": 1} if gpus else {"num_cpus": max(cores // jobs, 1)}
    threads = {} if gpus else {"OMP_NUM_THREADS": str(share["num_cpus"])}
    here = Path.cwd()
    calls = ((run, command, threads, here) for run, command in commands.items())
    for (run, *_), ended in results_of(ray, ray.remote(max_retries=0, **share)(execute), calls, jobs):
        yield _lost(run, ended) if isinstance(ended, Exception) else ended


def _lost(run: str, error: Exception) -> Finished:
    """A run whose worker died, or could not start it."""
    log = LOGS / f"{run}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as stream:
        stream.write(f"Ray ended this run: {error}\n")
    return Finished(run, 1, 0.0, log)
