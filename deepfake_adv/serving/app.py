"""The web application: one page, and one request per file, whose answer says how far it is until it ends in the result.

Starlette, not FastAPI or Gradio: three routes need neither a schema nor widgets, and Gradio keeps uploads in a cache
that it serves, and deletes them by age. One request per file needs no store of jobs: a client that is gone is a
connection that ends, and whatever was made for it ends with it.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from deepfake_adv.serving import uploads
from deepfake_adv.serving.guard import Guard
from deepfake_adv.serving.limits import ServeLimits
from deepfake_adv.serving.queue import Queue

logger = logging.getLogger(__name__)

GUARDED: Final = frozenset({"/score", "/about"})
NAME: Final = "x-filename"
"""Header with an upload's percent-encoded name. A page of another site cannot send it without asking first."""

_WEB: Final = Path(__file__).parent / "web"
_FILES: Final = {"/": "index.html", "/page.js": "page.js", "/page.css": "page.css"}
_BUSY: Final = "the server must have a free place; all are taken. Try again in a minute."


class Application:
    """Routes and what they share.

    Args:
        queue: Of the worker.
        about: What the page says of the detector.
        root: Folder of this server for uploads.
        limits: What it takes at most.
    """

    def __init__(self, queue: Queue, about: Mapping[str, Any], root: Path, limits: ServeLimits) -> None:
        self.queue, self.about, self.limits = queue, about, limits
        self.folders = uploads.Folders(root)
        self._taken = 0

    def guarded(self, *, hosts: frozenset[str] | None, token: str | None) -> Guard:
        """The ASGI application; arguments as in `Guard`."""
        routes = [Route(path, self._file) for path in _FILES]
        routes += [Route("/about", self._about), Route("/score", self._score, methods=["POST"])]
        return Guard(Starlette(routes=routes, lifespan=self._lifespan), hosts, token, GUARDED)

    @asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        sweeping = asyncio.create_task(self.folders.sweep())
        try:
            yield
        finally:
            sweeping.cancel()
            with suppress(asyncio.CancelledError):
                await sweeping

    async def _file(self, request: Request) -> Response:
        return FileResponse(_WEB / _FILES[request.url.path])

    async def _about(self, request: Request) -> Response:
        return JSONResponse({"file_bytes": self.limits.file_bytes, **self.about})

    async def _score(self, request: Request) -> Response:
        """Take a file, and answer with a line of JSON for each of the queue's events."""
        if NAME not in request.headers:
            return JSONResponse({"error": f"the header {NAME} must give the file's name; got none. Add it."}, 400)
        if self._taken >= self.limits.waiting:
            return JSONResponse({"error": _BUSY}, 503, {"retry-after": "60"})
        self._taken += 1
        folder = self.folders.make()
        answered = False
        try:
            name = uploads.shown_name(request.headers[NAME])
            path = folder / f"file{uploads.suffix_of(name)}"
            uploads.check_length(request.headers, self.limits, folder)
            await uploads.receive(request.stream(), path, self.limits)
            answered = True
            return _Answer(self, folder, path, name)
        except uploads.Refused as refused:
            return JSONResponse({"error": str(refused)}, refused.status, {"connection": "close"})
        except ClientDisconnect:
            return Response(status_code=400)  # nobody receives it
        except OSError as error:
            logger.error("an upload could not be kept: %s", error)
            return JSONResponse({"error": "the server must be able to keep the file; it could not. Try later."}, 507)
        finally:
            if not answered:
                self.release(folder)

    def release(self, folder: Path) -> None:
        """Forget an upload: its folder is removed, its place is free."""
        self.folders.drop(folder)
        self._taken -= 1


class _Answer(StreamingResponse):
    """Lines of JSON; however the answer ends, the upload is gone afterwards."""

    def __init__(self, application: Application, folder: Path, path: Path, name: str) -> None:
        self._events = application.queue.events(path, name)
        super().__init__(self._lines(), media_type="application/x-ndjson", headers={"x-accel-buffering": "no"})
        self._application, self._folder = application, folder

    async def _lines(self) -> AsyncIterator[str]:
        async for event in self._events:
            if event["state"] in ("scored", "failed"):
                self._application.folders.drop(self._folder)  # before a slow client has taken the result
            yield f"{json.dumps(event)}\n"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer."""

        async def send_soon(message: Message) -> None:
            async with asyncio.timeout(self._application.limits.send_seconds):
                await send(message)

        try:
            await super().__call__(scope, receive, send_soon)
        except (TimeoutError, ClientDisconnect):
            logger.info("a client left before its result")
        finally:
            await self._events.aclose()
            self._application.release(self._folder)
