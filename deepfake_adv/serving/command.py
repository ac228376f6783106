"""The command `serve`: a server on this machine's own address, unless told otherwise."""

import asyncio
import logging
import os
import secrets
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import uvicorn

from deepfake_adv.serving import tasks
from deepfake_adv.serving.app import Application
from deepfake_adv.serving.guard import allowed_hosts, is_local
from deepfake_adv.serving.limits import ServeLimits
from deepfake_adv.serving.queue import Queue
from deepfake_adv.serving.worker import ScoringProcess

logger = logging.getLogger(__name__)

TOKEN: Final = "DEEPFAKE_ADV_TOKEN"
"""Environment variable with the token: a command line can be read by everyone on the machine."""

PREFIX: Final = "deepfake-adv-serve-"
_SHORTEST_TOKEN: Final = 16


def serve(
    detector: Path,
    *,
    host: str,
    port: int,
    allowed: Iterable[str],
    accelerator: str,
    settings: Mapping[str, Any],
    largest: tuple[int, int] | None,
    limits: ServeLimits,
) -> None:
    """Serve until Ctrl-C or SIGTERM.

    Args:
        detector: Folder of a trained detector.
        host: Address to listen on. Others than this machine's own are guarded by a token.
        port: 0 for any that is free.
        allowed: Further names that requests may use for this server, as behind a proxy; these are guarded too.
        accelerator: auto, cpu or cuda.
        settings: Arguments of `face_settings`.
        largest: Number of frames and of pixels that a file may have; None for the defaults.
        limits: What is taken at most.

    Raises:
        FileNotFoundError: If the detector is missing.
        ValueError: If the detector is damaged, a setting out of range, the token too short or the address none.
        RuntimeError: If the worker dies as it starts.
    """
    names = list(allowed)
    token = chosen_token(host, names)
    try:
        listening = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except (OSError, OverflowError) as error:
        raise ValueError(
            f"host and port must be free and of this machine; got {host} and {port} ({error}). Name another port."
        ) from error
    remove_leftovers(Path(tempfile.gettempdir()))
    with listening, tempfile.TemporaryDirectory(prefix=f"{PREFIX}{os.getpid()}-", ignore_cleanup_errors=True) as root:
        worker = ScoringProcess(tasks.load, detector, accelerator, dict(settings), largest)
        previous = signal.signal(signal.SIGTERM, _interrupt)  # uvicorn ends, then sends itself the signal again
        try:
            asyncio.run(
                _run(worker, listening, Path(root), hosts=allowed_hosts(host, names), token=token, limits=limits)
            )
        except KeyboardInterrupt:
            logger.info("ended")
        finally:
            worker.end()
            signal.signal(signal.SIGTERM, previous)


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


async def _run(
    worker: ScoringProcess,
    listening: socket.socket,
    root: Path,
    *,
    hosts: frozenset[str] | None,
    token: str | None,
    limits: ServeLimits,
) -> None:
    made = await worker.start()
    queue = Queue(worker, tasks.score_upload, tasks.PROGRESS, limits)
    about = {"detector": made["detector"], "version": made["version"], "code": made["code"]}
    app = Application(queue, about, root, limits).guarded(hosts=hosts, token=token)
    config = uvicorn.Config(
        app, log_level="error", access_log=False, server_header=False, timeout_keep_alive=5,
        timeout_graceful_shutdown=2, limit_concurrency=4 * limits.waiting, h11_max_incomplete_event_size=32 * 1024,
        http="h11", ws="none",
    )  # fmt: skip
    address, port = listening.getsockname()[:2]
    shown = f"[{address}]" if ":" in address else address
    sys.stdout.write(f"http://{shown}:{port}/{f'#token={token}' if token else ''}\n")
    sys.stdout.flush()
    logger.info("serving the detector %s; Ctrl-C ends it", made["detector"]["run"] or "")
    if token:
        logger.info("the connection is not encrypted: for other machines put a proxy with TLS before it, or use ssh -L")
    await uvicorn.Server(config).serve(sockets=[listening])


def chosen_token(host: str, allowed: Iterable[str]) -> str | None:
    """The token that is asked for: the user's, else a new one where others than this machine may reach the server.

    Raises:
        ValueError: If the user's is short.
    """
    given = os.environ.get(TOKEN, "")
    if given and len(given) < _SHORTEST_TOKEN:
        raise ValueError(
            f"{TOKEN} must have at least {_SHORTEST_TOKEN} characters; got {len(given)}. Unset it for one to be made."
        )
    open_to_others = not is_local(host) or not all(is_local(name) for name in allowed)
    return given or (secrets.token_urlsafe(24) if open_to_others else None)


def remove_leftovers(folder: Path) -> None:
    """Remove what servers left that were killed: folders of this user whose process is gone."""
    for left in folder.glob(f"{PREFIX}*"):
        number = left.name.removeprefix(PREFIX).partition("-")[0]
        try:
            owner = left.lstat().st_uid
            if number.isdigit() and owner == os.getuid() and _gone(int(number)):
                shutil.rmtree(left, ignore_errors=True)
        except OSError:
            continue


def _gone(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False
