"""Many clients at once against a server as a user starts it; bounded in count and time."""

import concurrent.futures
import http.client
import random
import socket

import pytest

from tests.serving.live import left, make_detector, make_files, running, score

pytestmark = pytest.mark.slow
pytest.importorskip("uvicorn", reason="the extra `serving` is not installed")


def vanish(address, path):
    """Begin an upload and end the connection at some point of it."""
    host, port = address.split("/")[2].split(":")
    content = path.read_bytes()
    with socket.create_connection((host, int(port)), timeout=60) as sock:
        lines = ["POST /score HTTP/1.1", f"Host: {host}:{port}", "X-Filename: a.mp4", f"Content-Length: {len(content)}"]
        sock.sendall(
            "\r\n".join([*lines, "", ""]).encode() + content[: random.Random(len(content)).randrange(len(content) + 1)]
        )
    return {"state": "vanished"}


def test_ten_clients_at_once_while_others_vanish(tmp_path, until):
    files = make_files(tmp_path / "files")
    expected = {"video": "scored", "three": "scored", "nobody": "failed", "text": "failed"}
    with running(make_detector(tmp_path / "detector"), tmp_path / "tmp") as (address, process):
        with concurrent.futures.ThreadPoolExecutor(10) as pool:
            sent = [(kind, pool.submit(score, address, path)) for _ in range(5) for kind, path in files.items()]
            gone = [pool.submit(vanish, address, files["video"]) for _ in range(5)]
            states = [(kind, future.result()["state"]) for kind, future in sent]
            assert [future.result()["state"] for future in gone] == ["vanished"] * 5
        assert states == [(kind, expected[kind]) for kind, _ in sent]
        until(lambda: left(tmp_path / "tmp") == [])
        assert process.poll() is None
    assert list((tmp_path / "tmp").glob("deepfake-adv-serve-*")) == []  # ended by SIGTERM
    assert "Traceback" not in (tmp_path / "server.log").read_text()
    with pytest.raises(OSError):
        http.client.HTTPConnection(address.split("/")[2], timeout=5).request("GET", "/")
