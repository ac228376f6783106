"""The same tasks on a Ray cluster; Ray is an optional extra (`make setup-ray`)."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any


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
            "execution.engine must be an installed engine; got 'ray', which is not there. "
            "Install the extra with `make setup-ray`, or set execution.engine to local."
        ) from error
    if not ray.is_initialized():
        ray.init(address=address, log_to_driver=False, include_dashboard=False)
    return ray


def results_of(ray: Any, remote: Any, calls: Iterable[tuple[Any, ...]], at_a_time: int) -> Iterator[Any]:
    """What a remote function returns for each tuple of arguments, as the calls finish.

    Args:
        ray: From `join_cluster`.
        remote: The remote function.
        calls: Taken one by one, so that a list of 15,000 stays a list here.
        at_a_time: Calls under way.
    """
    waiting = iter(calls)
    running = [remote.remote(*call) for call in islice(waiting, at_a_time)]
    while running:
        done, running = ray.wait(running, num_returns=1)
        running += [remote.remote(*call) for call in islice(waiting, len(done))]
        yield from ray.get(done)


def outcomes_on_ray(
    guarded: Callable[[Any, Any], Any], function: Callable[[Any], Any], tasks: Sequence[Any], address: str | None
) -> Iterator[Any]:
    """Run `guarded(function, task)` for every task on Ray, four tasks per core under way; outcomes as they finish.

    Raises:
        RuntimeError: If Ray is not installed.
    """
    ray = join_cluster(address)
    cores = max(int(ray.cluster_resources().get("CPU", 1)), 1)
    yield from results_of(ray, ray.remote(num_cpus=1)(guarded), ((function, task) for task in tasks), 4 * cores)
