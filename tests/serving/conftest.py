"""A server on loopback, over a real socket, whose worker is a function of the test's."""

import asyncio
import http.client
import json
import threading
import time

import pytest

from deepfake_adv.serving.limits import ServeLimits
from deepfake_adv.serving.queue import Queue
from tests.prediction.conftest import film, trained  # noqa: F401  (fixtures)

LOCAL = frozenset({"127.0.0.1", "localhost", "[::1]"})
MISSING = "the extra `serving` is not installed"


class Inline:
    """A worker without a process: runs a test's coroutine."""

    def __init__(self):
        self.running = 0
        self.most = 0
        self.cancelled = 0

    async def run(self, function, path, name, *, seconds):
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            async with asyncio.timeout(seconds):
                return await function(path, name)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.running -= 1


async def answer(path, name):
    """A result that says what was uploaded."""
    row = {"path": name, "status": "scored", "score": 0.5, "bytes": path.stat().st_size, "file": path.name}
    return {"row": row, "page": "<p>page</p>"}


class Server:
    """A running server and a client of it."""

    def __init__(self, root, function=answer, *, limits=None, hosts=LOCAL, token=None):
        import uvicorn

        from deepfake_adv.serving.app import Application

        self.worker, self.root = Inline(), root
        limits = limits or ServeLimits(spare_bytes=1)
        queue = Queue(self.worker, function, "progress", limits)
        self.application = Application(queue, {"detector": {"run": "toy"}}, root, limits)
        app = self.application.guarded(hosts=hosts, token=token)
        config = uvicorn.Config(app, port=0, log_level="error", ws="none", http="h11", timeout_graceful_shutdown=1)
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        while not self.server.started:
            assert self.thread.is_alive()
            time.sleep(0.01)
        self.port = self.server.servers[0].sockets[0].getsockname()[1]

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def ask(self, method, path, body=None, headers=None):
        """Status, headers and body of an answer."""
        connection = self.connect()
        try:
            connection.request(method, path, body, headers or {})
            found = connection.getresponse()
            return found.status, dict(found.getheaders()), found.read()
        finally:
            connection.close()

    def score(self, body=b"content", name="clip.mp4", **headers):
        """Status and events of an upload."""
        status, _, found = self.ask("POST", "/score", body, {"X-Filename": name, **headers})
        return status, [json.loads(line) for line in found.splitlines()]

    def left(self):
        """What is in the server's folder."""
        return list(self.root.iterdir())

    def close(self):
        self.server.should_exit = True
        self.thread.join(10)
        assert not self.thread.is_alive()


@pytest.fixture
def serve(tmp_path):
    pytest.importorskip("starlette", reason=MISSING)
    pytest.importorskip("uvicorn", reason=MISSING)
    servers = []

    def serve(*arguments, **options):
        root = tmp_path / f"server{len(servers)}"
        root.mkdir()
        servers.append(Server(root, *arguments, **options))
        return servers[-1]

    yield serve
    for server in servers:
        server.close()
