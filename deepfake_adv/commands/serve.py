"""The command `serve`: a page in the browser that scores what is dropped on it."""

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from deepfake_adv.commands.common import Accelerator, known_locator, limits


def serve(
    detector: Annotated[Path, typer.Option(help="A trained detector, data/runs/<run>/<condition>/seed<k>.")],
    host: Annotated[
        str, typer.Option(help="Address to listen on; others than this machine's own demand a token.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free.")] = 8000,
    allow_host: Annotated[
        list[str] | None, typer.Option(help="Another name for this server in requests, as behind a proxy.")
    ] = None,
    max_bytes: Annotated[int, typer.Option(min=1, help="Largest file that is taken.")] = 512 * 1024**2,
    max_seconds: Annotated[float, typer.Option(help="Longest time to score one file; the queue does not count.")] = 600,
    max_waiting: Annotated[int, typer.Option(min=1, help="Files uploaded, queued or scored at a time.")] = 20,
    frames: Annotated[
        int | None, typer.Option(min=1, help="Frames sampled from a video; default: as the run's test videos.")
    ] = None,
    locator: Annotated[
        str | None, typer.Option(help="Find faces by another locator than in training.", callback=known_locator)
    ] = None,
    device: Annotated[Accelerator, typer.Option(help="Where the detector runs.")] = Accelerator.auto,
) -> None:
    """Serve a page that scores what is dropped on it; prints its address, and ends with Ctrl-C.

    Files are deleted as soon as they are scored. Whoever is asked for a token finds it in the printed address; the
    variable DEEPFAKE_ADV_TOKEN sets one, also for this machine's own address. Needs the extra `serving`.
    """
    if not all(find_spec(name) for name in ("starlette", "uvicorn")):
        raise ValueError(
            "serve must have the extra `serving`; got none. Install it: pip install 'deepfake-adv[serving]', or `make "
            "setup` in a checkout."
        )
    from deepfake_adv.serving.command import serve as carry_out
    from deepfake_adv.serving.limits import ServeLimits

    taken = ServeLimits(file_bytes=max_bytes, score_seconds=max_seconds, waiting=max_waiting)
    carry_out(
        detector, host=host, port=port, allowed=allow_host or (), accelerator=device.value,
        settings={"frames": frames, "locator": locator}, largest=limits(), limits=taken,
    )  # fmt: skip
