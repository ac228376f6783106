"""The same tasks on a Ray cluster; Ray is an optional extra (`make setup-ray`)."""

import logging
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final

from deepfake_adv.registry import PACKAGE, PLUGINS
from deepfake_adv.sources.checkout import ELSEWHERE, ROOT, code_digest

logger = logging.getLogger(__name__)

PATIENCE: Final = 60.0
"""Seconds without a result after which it is checked that a node for the calls is left."""

_RESOURCES: Final = {"num_cpus": "CPU", "num_gpus": "GPU"}


def join_cluster(address: str | None) -> Any:
    """The module `ray`, connected.

    Args:
        address: Cluster to join; None takes that of Ray's own variable RAY_ADDRESS, and without it starts one on this
            machine: whatever else runs here, of which Ray by itself would take the last.

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
        address = address or os.environ.get("RAY_ADDRESS") or "local"
        ray.init(address=address, log_to_driver=False, **({"include_dashboard": False} if address == "local" else {}))
    return ray


def remote_of(
    ray: Any, work: Callable[..., Any], options: Mapping[str, Any], *, alike: Path | None = None
) -> Callable[..., Any]:
    """A function that has a worker call `work` as this process would: in its folder, with its code and its plug-ins.

    A node is started wherever its owner stands, often in an environment made by another checkout. So what a worker is
    sent first is a function that travels whole; only where it has found this checkout does it import anything of it.
    Elsewhere it raises ValueError, in one sentence.

    Args:
        ray: From `join_cluster`.
        work: Module-level callable.
        options: As `ray.remote` takes them: resources, retries.
        alike: File of a module whose code, with all that it reaches, must be the same on the node as here; None: not
            compared, as where a stage compares it by itself.

    Returns:
        Takes the arguments of `work`; gives Ray's reference to the result.
    """
    root, here, plugins = str(ROOT), os.getcwd(), os.environ.get(PLUGINS, "")
    package, variable, elsewhere = PACKAGE, PLUGINS, ELSEWHERE
    code = None if alike is None else (str(alike), code_digest(alike))

    def carry_out(packed: bytes) -> Any:
        # in this function no name of a module of ours: it would be imported before this runs, from anywhere
        import importlib
        import os
        import pickle
        import socket
        import sys

        for folder in (root, here):
            if not os.path.isdir(folder):
                raise ValueError(
                    f"{folder} must be on every node of the Ray cluster; got nothing there on {socket.gethostname()}. "
                    "Put the checkout on a file system that all nodes share, or set execution.engine to local."
                )
        if sys.path[:1] != [root]:
            sys.path.insert(0, root)
        os.chdir(here)
        os.environ[variable] = plugins
        found = os.path.dirname(os.path.realpath(str(importlib.import_module(package).__file__)))
        if found != os.path.join(root, package):
            raise ValueError(elsewhere.format(package=package, asked=os.path.join(root, package), found=found))
        if code is not None:
            importlib.import_module(f"{package}.sources.checkout").check_alike(*code)
        function, arguments = pickle.loads(packed)
        return function(*arguments)

    remote = ray.remote(**options)(carry_out)
    return lambda *arguments: remote.remote(ray.cloudpickle.dumps((work, arguments)))


def results_of(
    ray: Any,
    remote: Callable[..., Any],
    calls: Iterable[tuple[Any, ...]],
    at_a_time: int,
    *,
    again: int = 0,
    options: Mapping[str, Any] | None = None,
) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Each tuple of arguments with what a remote function returned for it, as the calls finish.

    A call whose worker died, or that raised, comes with Ray's exception in place of a result. Ray waits without a word
    for a node that could take a call; that none is left is logged, once a minute.

    Args:
        ray: From `join_cluster`.
        remote: From `remote_of`.
        calls: Read one at a time, so that 15,000 calls are not submitted at once.
        at_a_time: Calls that run at the same time.
        again: How often a call is repeated, on any free node, after its worker or its node was lost.
        options: As `remote_of` got them; what they say of CPUs and GPUs is looked for on the nodes.
    """
    waiting = iter(calls)
    running = {remote(*call): (call, again) for call in islice(waiting, at_a_time)}
    while running:
        found, _ = ray.wait(list(running), num_returns=1, timeout=PATIENCE)
        if not found:
            _say_if_none_can(ray, options or {}, len(running))
            continue
        (done,) = found
        call, left = running.pop(done)
        try:
            result = ray.get(done)
        except ray.exceptions.RayError as error:
            if left and isinstance(error, (ray.exceptions.WorkerCrashedError, ray.exceptions.NodeDiedError)):
                logger.warning("a worker was lost, and with it %s, which is started again", call[0])
                running[remote(*call)] = (call, left - 1)
                continue
            result = error
        running |= {remote(*another): (another, again) for another in islice(waiting, 1)}
        yield call, result


def _say_if_none_can(ray: Any, options: Mapping[str, Any], calls: int) -> None:
    needs = {name: options[key] for key, name in _RESOURCES.items() if options.get(key)}
    alive = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    if not any(all(node.get(name, 0) >= much for name, much in needs.items()) for node in alive):
        wanted = ", ".join(f"{much:g} {name}" for name, much in needs.items())
        logger.warning(
            "%d calls wait, and no node of the Ray cluster is left that has %s: start one (ray start --address), or "
            "stop with Ctrl-C and run again: finished work is kept",
            calls, wanted,
        )  # fmt: skip


def sentence_of(error: Exception) -> str:
    """What a call's exception says: the function's own words, without Ray's traceback around them."""
    return str(getattr(error, "cause", None) or error)


def outcomes_on_ray(
    guarded: Callable[[Any, Any, Path], Any], function: Callable[[Any], Any], tasks: Sequence[Any], address: str | None
) -> Iterator[Any]:
    """Run `guarded(function, task, <this checkout>)` for every task on Ray; outcomes as they finish.

    Four tasks per core are submitted at a time. A task whose worker or node is lost is restarted, at most three times.

    Raises:
        RuntimeError: If Ray is not installed, or loses a worker repeatedly.
        ValueError: If a node runs other code than this checkout's, or does not see its folder.
        OSError: As `guarded` does.
    """
    ray = join_cluster(address)
    cores = max(int(ray.cluster_resources().get("CPU", 1)), 1)
    options = {"num_cpus": 1}
    remote = remote_of(ray, guarded, options, alike=_file_of(function))
    for _, outcome in results_of(ray, remote, ((function, task, ROOT) for task in tasks), 4 * cores, options=options):
        if isinstance(outcome, ray.exceptions.RayTaskError):
            raise outcome.cause from None  # Ray's own error looks like an OSError but lacks its errno
        if isinstance(outcome, ray.exceptions.RayError):
            raise RuntimeError(
                f"Ray must keep its workers; got {type(outcome).__name__}, often because memory ran out. Start "
                "the nodes with fewer CPUs (ray start --num-cpus) and run `dvc repro` again: finished work is kept."
            ) from outcome
        yield outcome


def _file_of(function: Callable[..., Any]) -> Path | None:
    """The package's file that defines a function; None for a function from elsewhere."""
    module = sys.modules.get(getattr(function, "__module__", None) or "")
    file = Path(getattr(module, "__file__", None) or "").resolve()
    return file if file.is_relative_to(ROOT / PACKAGE) else None
