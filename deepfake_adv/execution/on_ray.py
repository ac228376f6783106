"""The same tasks on a Ray cluster; Ray is an optional extra (`make setup-ray`)."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any


def outcomes_on_ray(
    guarded: Callable[[Any, Any], Any], function: Callable[[Any], Any], tasks: Sequence[Any], address: str | None
) -> Iterator[Any]:
    """Run `guarded(function, task)` for every task on Ray; yield outcomes as they finish.

    Keeps at most four tasks per core under way, so that a list of 15,000 stays a list here.

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
    remote = ray.remote(num_cpus=1)(guarded)
    limit = 4 * max(int(ray.cluster_resources().get("CPU", 1)), 1)
    waiting = iter(tasks)
    running: list[Any] = [remote.remote(function, task) for _, task in zip(range(limit), waiting, strict=False)]
    while running:
        done, running = ray.wait(running, num_returns=1)
        running.extend(remote.remote(function, task) for _, task in zip(range(len(done)), waiting, strict=False))
        yield from ray.get(done)
