"""The server over a real socket: what it answers, refuses, and leaves behind, which is nothing."""

import asyncio
import concurrent.futures
import json
import socket
import threading
from urllib.parse import quote

import pytest

from deepfake_adv.serving.limits import ServeLimits


class Gate:
    """A score that waits until it is let through."""

    def __init__(self):
        self.open = threading.Event()
        self.entered = threading.Event()

    async def __call__(self, path, name):
        self.entered.set()
        (path.parent / "progress").write_text("3 24")
        while not self.open.is_set():
            await asyncio.sleep(0.01)
        return {"row": {"path": name, "status": "scored", "bytes": path.stat().st_size}, "page": "<p>"}


@pytest.fixture
def gate():
    return Gate()


def send_head(server, *lines):
    """Open a connection, send a request's head and leave the body open."""
    sock = socket.create_connection(("127.0.0.1", server.port), timeout=30)
    head = ["POST /score HTTP/1.1", f"Host: 127.0.0.1:{server.port}", "X-Filename: a.mp4", *lines]
    sock.sendall("\r\n".join([*head, "", ""]).encode())
    return sock


def test_the_page_and_what_it_loads_are_this_servers_own(serve):
    server = serve()
    for path, kind in (("/", "text/html"), ("/page.js", "javascript"), ("/page.css", "text/css")):
        status, headers, body = server.ask("GET", path)
        assert status == 200
        assert kind in headers["content-type"]
        assert b"http://" not in body
        assert b"https://" not in body
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["cache-control"] == "no-store"
    assert server.ask("GET", "/../command.py")[0] == 404
    about = json.loads(server.ask("GET", "/about")[2])
    assert about == {"detector": {"run": "toy"}, "file_bytes": 512 * 1024**2}


def test_a_file_is_scored_and_gone(serve):
    server = serve()
    status, events = server.score(b"x" * 70_000, quote("Straße.MP4"))
    assert status == 200
    assert events[-1]["state"] == "scored"
    row = events[-1]["row"]
    assert (row["path"], row["bytes"], row["file"]) == ("Straße.MP4", 70_000, "file.mp4")
    assert events[-1]["page"] == "<p>page</p>"
    assert server.left() == []


def test_progress_is_told(serve, gate, until):
    server = serve(gate)
    connection = server.connect()
    connection.request("POST", "/score", b"x", {"X-Filename": "a.mp4"})
    found = connection.getresponse()
    events = []
    while {"state": "scoring", "done": 3, "total": 24} not in events:
        events.append(json.loads(found.readline()))
    gate.open.set()
    assert json.loads(found.read().splitlines()[-1])["state"] == "scored"
    connection.close()


def test_ten_at_once_queue_and_none_is_lost(serve, gate, until):
    server = serve(gate)
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        sent = [pool.submit(server.score, b"x" * (n + 1), f"{n}.mp4") for n in range(10)]
        until(lambda: server.application._taken == 10)
        gate.open.set()
        results = [future.result()[1] for future in sent]
    assert [events[-1]["row"]["bytes"] for events in results] == list(range(1, 11))
    assert [events[-1]["row"]["path"] for events in results] == [f"{n}.mp4" for n in range(10)]
    places = {event["place"] for events in results for event in events if event["state"] == "queued"}
    assert places >= {1, 5, 9}
    assert server.worker.most == 1
    assert server.left() == []


def test_a_client_that_is_gone_leaves_nothing_behind_and_its_turn(serve, gate, until):
    server = serve(gate)
    running, waiting = (send_head(server, "Content-Length: 4") for _ in range(2))
    running.sendall(b"1234")
    assert gate.entered.wait(10)
    waiting.sendall(b"1234")
    until(lambda: len(server.application.queue._line) == 1)
    assert len(server.left()) == 2
    waiting.close()
    until(lambda: len(server.left()) == 1)
    assert server.worker.cancelled == 0
    running.close()
    until(lambda: server.worker.cancelled == 1)
    until(lambda: server.left() == [] and server.application._taken == 0)
    gate.open.set()
    assert server.score()[1][-1]["state"] == "scored"


def test_a_client_that_is_gone_within_its_upload_leaves_nothing_behind(serve, until):
    server = serve()
    sock = send_head(server, "Content-Length: 1000000")
    sock.sendall(b"x" * 1000)
    until(lambda: server.left())
    sock.close()
    until(lambda: server.left() == [] and server.application._taken == 0)


def test_a_large_file_is_refused_before_it_is_sent(serve):
    server = serve(limits=ServeLimits(file_bytes=1000, spare_bytes=1))
    sock = send_head(server, f"Content-Length: {2**30}", "Expect: 100-continue")
    answer = sock.makefile("rb")
    assert b" 413 " in answer.readline()
    assert b"at most 1,000 bytes; got 1,073,741,824 bytes" in answer.read()  # and the connection is closed
    sock.close()
    assert server.left() == []


def test_a_large_file_of_unstated_length_is_refused_by_its_count(serve, until):
    server = serve(limits=ServeLimits(file_bytes=100_000, spare_bytes=1))
    sock = send_head(server, "Transfer-Encoding: chunked")
    sent = 0
    try:
        while sent < 2**28:
            sock.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n")
            sent += 65536
    except OSError:  # the server closed
        pass
    assert sent < 2**26
    sock.close()
    until(lambda: server.left() == [] and server.application._taken == 0)


def test_more_than_the_places_are_asked_to_come_back(serve, gate, until):
    server = serve(gate, limits=ServeLimits(waiting=1, spare_bytes=1))
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        first = pool.submit(server.score)
        assert gate.entered.wait(10)
        status, headers, body = server.ask("POST", "/score", b"x", {"X-Filename": "a.mp4"})
        assert (status, headers["retry-after"]) == (503, "60")
        assert b"must have a free place" in body
        gate.open.set()
        assert first.result()[1][-1]["state"] == "scored"


async def broken(path, name):
    raise RuntimeError("the worker must live")


async def slow(path, name):
    await asyncio.sleep(60)


async def unscored(path, name):
    return {"row": {"path": name, "status": "failed", "error": f"{name} must show a face"}, "page": ""}


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (broken, "clip.mp4 could not be scored: the worker must live"),
        (slow, "clip.mp4 must be scored within 0.2 s"),
        (unscored, "clip.mp4 must show a face"),
    ],
)
def test_what_fails_is_said_in_one_sentence_and_the_next_is_scored(serve, function, said):
    server = serve(function, limits=ServeLimits(score_seconds=0.2, spare_bytes=1))
    for _ in range(2):
        status, events = server.score()
        assert status == 200
        assert events[-1]["state"] == "failed"
        assert events[-1]["error"].startswith(said)
    assert server.left() == []


def test_a_client_that_takes_nothing_is_given_up(serve, until):
    async def large(path, name):
        return {"row": {"path": name, "status": "scored"}, "page": "x" * 50_000_000}

    server = serve(large, limits=ServeLimits(send_seconds=0.3, spare_bytes=1))
    sock = send_head(server, "Content-Length: 1")
    sock.sendall(b"x")
    until(lambda: server.application._taken)
    until(lambda: server.application._taken == 0)
    assert server.left() == []
    sock.close()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 400),
        ({"X-Filename": "a.mp4", "Origin": "https://evil.example"}, 403),
        ({"X-Filename": "a.mp4", "Host": "evil.example"}, 421),
    ],
)
def test_requests_of_other_sites_are_refused(serve, headers, status):
    server = serve()
    assert server.ask("POST", "/score", b"x", headers)[0] == status
    assert server.left() == []


def test_no_other_site_is_allowed_to_ask(serve):
    """A browser asks before it sends another site's request with our header; no answer allows it."""
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Headers": "x-filename"}
    status, headers, _ = serve().ask("OPTIONS", "/score", headers=asked)
    assert status in (403, 405)
    assert not [name for name in headers if name.lower().startswith("access-control-allow")]


def test_the_token_opens_what_it_guards(serve):
    server = serve(hosts=None, token="a secret of some length")
    assert server.ask("GET", "/")[0] == 200
    assert server.ask("GET", "/about")[0] == 401
    assert server.score()[0] == 401
    assert server.left() == []
    assert server.score(Authorization="Bearer a secret of some length")[1][-1]["state"] == "scored"
