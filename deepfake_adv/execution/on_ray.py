"""The same tasks on a Ray cluster; Ray is an optional extra (`make setup-ray`)."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from deepfake_adv.registry import PLUGINS
from deepfake_adv.sources.checkout import ROOT


def join_cluster(address: str | None) -> Any:
    """The module `ray`, connected.

    Args:
        address: Cluster to join; None starts one on this machine.

    Raises:
        RuntimeError: If Ray is not installed.
    """
    try:
        import ray
    except ImportError as error:
        raise RuntimeError(
            "execution.engine must be an installed engine; got 'ray', which is not installed. "
            "Install the extra with `make setup-ray`, or set execution.engine to local."
        ) from error
    if not ray.is_initialized():
        plugins = {"env_vars": {PLUGINS: os.environ.get(PLUGINS, "")}}
        ray.init(address=address, log_to_driver=False, include_dashboard=False, runtime_env=plugins)
    return ray


def results_of(
    ray: Any, remote: Any, calls: Iterable[tuple[Any, ...]], at_a_time: int
) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Each tuple of arguments with what a remote function returned for it, as the calls finish.

    A call whose worker died, or that raised, comes with Ray's exception in place of a result.

    Args:
        ray: From `join_cluster`.
        remote: The remote function.
        calls: Read one at a time, so that 15,000 calls are not submitted at once.
        at_a_time: Calls that run at the same time.
    """
    waiting = iter(calls)
    running = {remote.remote(*call): call for call in islice(waiting, at_a_time)}
    while running:
        (done,), _ = ray.wait(list(running), num_returns=1)
        call = running.pop(done)
        running |= {remote.remote(*another): another for another in islice(waiting, 1)}
        try:
            result = ray.get(done)
        except ray.exceptions.RayError as error:
            result = error
        yield call, result


def outcomes_on_ray(
    guarded: Callable[[Any, Any, Path], Any], function: Callable[[Any], Any], tasks: Sequence[Any], address: str | None
) -> Iterator[Any]:
    """Run `guarded(function, task, <this checkout>)` for every task on Ray; outcomes as they finish.

    Four tasks per core are submitted at a time.

    Raises:
        RuntimeError: If Ray is not installed, or loses a worker repeatedly.
        ValueError: If a node runs another checkout's code.
        OSError: As `guarded` does.
    """
    ray = join_cluster(address)
    cores = max(int(ray.cluster_resources().get("CPU", 1)), 1)
    remote = ray.remote(num_cpus=1)(guarded)
    for _, outcome in results_of(ray, remote, ((function, task, ROOT) for task in tasks), 4 * cores):
        if isinstance(outcome, ray.exceptions.RayTaskError):
            raise outcome.cause from None  # Ray's own error looks like an OSError but lacks its errno
        if isinstance(outcome, ray.exceptions.RayError):
            raise RuntimeError(
                f"Ray must keep its workers; got {type(outcome).__name__}, often because memory ran out. Start "
                "the nodes with fewer CPUs (ray start --num-cpus) and run `dvc repro` again: finished work is kept."
            ) from outcome
        yield outcome
