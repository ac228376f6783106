"""Many runs in parallel: DVC processes side by side, each with its own GPUs, on this machine or through Ray."""

import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from deepfake_adv.execution.dvc_batch import record
from deepfake_adv.execution.dvc_lock import keep_lock
from deepfake_adv.execution.memory import JOBS
from deepfake_adv.execution.on_ray import join_cluster, remote_of, results_of, sentence_of
from deepfake_adv.training.slots import Need, local_slots, ray_share

logger = logging.getLogger(__name__)

STAGES = ("train", "score", "evaluate")
LOGS = Path("work/train-all")
ONE_DEVICE = Need()
RECORD_EVERY = 60.0  # seconds between two writes of dvc.lock
AGAIN = 2  # restarts of a run whose machine was lost; it continues after its last finished epoch


@dataclass(frozen=True)
class Finished:
    """The result of a run.

    Attributes:
        run: Its name.
        code: Exit code, 0 where all went well.
        seconds: Its duration.
        log: File of its output.
    """

    run: str
    code: int
    seconds: float
    log: Path


def train_all(
    runs: Sequence[str],
    *,
    need: Need = ONE_DEVICE,
    jobs: int | None = None,
    engine: str = "local",
    address: str | None = None,
    stages: Sequence[str] = STAGES,
    command: Callable[[str, Sequence[str]], list[str]] | None = None,
) -> list[Finished]:
    """Train, score and evaluate independent runs, `jobs` at a time; one that fails stops no other.

    Their inputs must exist (``dvc repro shard``). On this machine each slot has one DVC process, which carries out one
    run after the other (see `dvc_worker`); through Ray each run has one of its own. They write their entries for
    dvc.lock to separate files, which are added to dvc.lock together, once a minute and at the end: see `dvc_batch`.

    Args:
        runs: Keys of `runs` in params.yaml.
        need: Devices that each run needs, from `device` in params.yaml. GPUs are handed out `devices` at a time.
        jobs: Runs at a time. Each gets its own GPUs in turn, or its share of the cores. None: as many as there are
            GPUs (without GPUs: cores) for, on this machine or on the cluster.
        engine: "local" or "ray"; Ray needs the project's folder on a file system that all nodes share.
        address: Ray cluster to join; None starts one here.
        stages: Of each run, in order.
        command: Gives the command of a run, in place of a slot's process; for tests.

    Returns:
        One entry per run, in the order of `runs`.

    Raises:
        ValueError: If `jobs` is below 1, the engine unknown, or no machine can take a run; before the first starts.
        RuntimeError: If the engine is "ray" and Ray is not installed.
    """
    if jobs is not None and jobs < 1:
        raise ValueError(f"JOBS must be at least 1; got {jobs}. Take the number of GPUs.")
    if engine not in ("local", "ray"):
        raise ValueError(f"execution.engine must be local or ray; got {engine!r}. Fix params.yaml.")
    commands = {run: (command or dvc_command)(run, stages) for run in runs}
    finished = {}
    if not commands:
        return []
    if engine == "ray":
        ended = _on_ray(commands, need, jobs, address)
    else:
        ended = _local(runs, commands if command else None, stages, need, jobs)
    recorded = time.monotonic()
    try:
        for done in ended:
            finished[done.run] = done
            word = "done" if done.code == 0 else f"FAILED (exit code {done.code}; see {done.log})"
            logger.info("%s %s in %.0f s, %d of %d", done.run, word, done.seconds, len(finished), len(runs))
            if time.monotonic() - recorded > RECORD_EVERY:
                record()
                keep_lock()
                recorded = time.monotonic()
    finally:
        record()
        keep_lock()
    return [finished[run] for run in runs]


def changed_runs(runs: Sequence[str], stages: Sequence[str] = STAGES) -> list[str]:
    """Those of `runs` with a stage that DVC would run again, according to `dvc status`.

    Raises:
        RuntimeError: If `dvc status` fails.
    """
    _dvc("repro", "--single-item", "sources", "outside/dvc.yaml:inputs")  # what the runs depend on besides their data
    names = [name.partition("@") for name in json.loads(_dvc("status", "--json") or "{}")]
    changed = {run for stage, _, run in names if stage in stages}
    return [run for run in runs if run in changed]


def _dvc(*arguments: str) -> str:
    done = subprocess.run([sys.executable, "-m", "dvc", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip())[-500:]
        raise RuntimeError(f"dvc {arguments[0]} must succeed; got: {said}. Run it by hand and fix its error.")
    return done.stdout


def dvc_command(run: str, stages: Sequence[str]) -> list[str]:
    """The DVC process of a run."""
    return [sys.executable, "-m", "deepfake_adv.execution.dvc_batch", *(f"{stage}@{run}" for stage in stages)]


def summary(finished: Sequence[Finished]) -> str:
    """What succeeded and what failed, with the last log line of each failed run."""
    failed = [done for done in finished if done.code]
    lines = [f"{len(finished) - len(failed)} of {len(finished)} runs done"]
    for done in failed:
        text = done.log.read_text(encoding="utf-8", errors="replace") if done.log.exists() else ""
        last = next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "nothing said")
        lines.append(f"  {done.run}: exit code {done.code}, {last} ({done.log})")
    return "\n".join(lines)


def _local(
    runs: Sequence[str], commands: Mapping[str, list[str]] | None, stages: Sequence[str], need: Need, jobs: int | None
) -> Iterator[Finished]:
    environments = local_slots(need, jobs)
    workers = [Worker({**slot, JOBS: str(len(environments))}) for slot in environments]
    slots: SimpleQueue[Worker] = SimpleQueue()
    for worker in workers:
        slots.put(worker)

    def work(run: str) -> Finished:
        slot = slots.get()
        try:
            return execute(run, commands[run], slot.environment) if commands else slot.carry_out(run, stages)
        finally:
            slots.put(slot)

    pool = ThreadPoolExecutor(len(environments))
    try:
        for future in as_completed([pool.submit(work, run) for run in runs]):
            yield future.result()
    finally:
        pool.shutdown(cancel_futures=True)  # the processes receive Ctrl-C themselves
        for worker in workers:
            worker.close()


class Worker:
    """A slot's process, which carries out one run after the other; started with its first, and anew if it was killed.

    Args:
        environment: Of its process, beside this one's.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = environment
        self._process: subprocess.Popen[str] | None = None

    def carry_out(self, run: str, stages: Sequence[str]) -> Finished:
        """The stages of a run, in order, their output in a log of its own."""
        log = _log_of(run)
        start = time.monotonic()
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "deepfake_adv.execution.dvc_worker"],
                env={**os.environ, **self.environment}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            )  # fmt: skip
        asks, answers = self._process.stdin, self._process.stdout
        assert asks is not None
        assert answers is not None
        task = {"stages": [f"{stage}@{run}" for stage in stages], "log": str(log)}
        try:
            asks.write(json.dumps(task) + "\n")
            asks.flush()
            answer = answers.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:  # it was killed; DVC's exit code is that of the signal
            code = self.close() or 1
            return Finished(run, code, time.monotonic() - start, log)
        return Finished(run, int(answer), time.monotonic() - start, log)

    def close(self) -> int:
        """End the process, once its run is done; returns its exit code."""
        process, self._process = self._process, None
        if process is None:
            return 0
        with suppress(BrokenPipeError):
            process.communicate()
        return process.wait()


def execute(run: str, command: list[str], environment: Mapping[str, str], folder: Path | None = None) -> Finished:
    """Run one command to its end, its output in a log of its own."""
    log = _log_of(run, folder)
    start = time.monotonic()
    with log.open("wb") as stream:
        code = subprocess.run(
            command, cwd=folder, env={**os.environ, **environment}, stdout=stream, stderr=subprocess.STDOUT, check=False
        ).returncode
    return Finished(run, code, time.monotonic() - start, log)


def _on_ray(commands: Mapping[str, list[str]], need: Need, jobs: int | None, address: str | None) -> Iterator[Finished]:
    ray = join_cluster(address)
    share = ray_share(need, jobs, ray.nodes())
    # Ray's own retries are without end where a node runs out of memory
    remote = remote_of(ray, execute, {"max_retries": 0, **share.resources})
    calls = ((run, command, share.environment, Path.cwd()) for run, command in commands.items())
    for (run, *_), ended in results_of(ray, remote, calls, share.jobs, again=AGAIN, options=share.resources):
        yield _lost(run, ended) if isinstance(ended, Exception) else ended


def _lost(run: str, error: Exception) -> Finished:
    """A run whose worker died, or could not start it."""
    log = _log_of(run)
    with log.open("a", encoding="utf-8") as stream:
        stream.write(f"Ray ended this run: {sentence_of(error)}\n")
    return Finished(run, 1, 0.0, log)


def _log_of(run: str, folder: Path | None = None) -> Path:
    """File of a run's output; its folder exists."""
    log = (folder or Path()) / LOGS / f"{run}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    return log
