"""Lets clients come, vanish and come again for minutes, and says whether `deepfake-adv serve` stays as it was.

Run by hand as ``python -m benchmarks.soak --detector RUN --clips FOLDER [--minutes 20]``. Some clients send files and
wait for their result, some end their connection at a random point. Memory, threads and open files of the server and of
its worker are noted all along: the first fifth of the time is its warm-up, the last fifth is compared with the second.
"""

import argparse
import http.client
import json
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

from benchmarks.common import RESULTS, machine, print_table, setting
from deepfake_adv.files import write_json
from deepfake_adv.prediction.inputs import list_inputs

EVERY = 5.0  # seconds between two notes


def main() -> None:
    """Soak and write the result."""
    arguments = _arguments()
    files = [path for path in list_inputs([arguments.clips]) if path.stat().st_size < arguments.largest]
    with tempfile.TemporaryDirectory() as name:
        command = [sys.executable, "-m", "deepfake_adv", "serve", "--detector", str(arguments.detector), "--port", "0"]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, env={**_environment(), "TMPDIR": name}, text=True)
        assert server.stdout is not None
        try:
            address = server.stdout.readline().strip().split("/")[2]
            outcomes, notes = _soak(server, address, files, arguments, Path(name))
            time.sleep(3)
            left = [str(path) for folder in Path(name).glob("deepfake-adv-*") for path in folder.iterdir()]
        finally:
            server.terminate()
            server.wait(30)
        remaining = [path.name for path in Path(name).glob("deepfake-adv-*")]
    result = {
        "machine": machine("starlette", "uvicorn", "av", "torch"),
        "setting": setting(arguments),
        "files": len(files),
        "outcomes": dict(sorted(outcomes.items())),
        "left": {"uploads": left, "after_its_end": remaining},
        "growth": _growth(notes),
    }
    write_json(arguments.output or RESULTS / "soak.json", result)
    print(json.dumps(result, indent=2))
    print_table(notes[:: max(len(notes) // 12, 1)])


def _soak(
    server: "subprocess.Popen[str]", address: str, files: Sequence[Path], arguments: argparse.Namespace, folder: Path
) -> tuple[Counter[str], list[dict[str, float]]]:
    end = time.monotonic() + 60 * arguments.minutes
    outcomes: Counter[str] = Counter()
    clients = [
        threading.Thread(target=_client, args=(address, files, end, random.Random(k), outcomes), daemon=True)
        for k in range(arguments.clients)
    ]
    for client in clients:
        client.start()
    notes = []
    start = time.monotonic()
    while time.monotonic() < end and server.poll() is None:
        notes.append({"minute": round((time.monotonic() - start) / 60, 2), **_state(server.pid), **_stored(folder)})
        time.sleep(EVERY)
    for client in clients:
        client.join(600)
    return outcomes, notes


def _client(address: str, files: Sequence[Path], end: float, rng: random.Random, outcomes: Counter[str]) -> None:
    while time.monotonic() < end:
        path = rng.choice(files)
        vanishes = rng.random() < 0.25
        try:
            outcomes["vanished" if vanishes else _score(address, path)] += 1
            if vanishes:
                _vanish(address, path, rng)
        except (OSError, http.client.HTTPException) as error:
            outcomes[f"broken: {type(error).__name__}"] += 1
        time.sleep(rng.uniform(0, 1))


def _score(address: str, path: Path) -> str:
    connection = http.client.HTTPConnection(address, timeout=600)
    try:
        with open(path, "rb") as stream:
            headers = {"X-Filename": "a" + path.suffix, "Content-Length": str(path.stat().st_size)}
            connection.request("POST", "/score", stream, headers)
        found = connection.getresponse()
        lines = found.read().splitlines()
        return str(json.loads(lines[-1])["state"]) if found.status == 200 else f"refused: {found.status}"
    finally:
        connection.close()


def _vanish(address: str, path: Path, rng: random.Random) -> None:
    connection = http.client.HTTPConnection(address, timeout=600)
    connection.connect()
    content = path.read_bytes()
    connection.putrequest("POST", "/score")
    connection.putheader("X-Filename", "a" + path.suffix)
    connection.putheader("Content-Length", str(len(content)))
    connection.endheaders()
    connection.send(content[: rng.randrange(len(content) + 1)])
    time.sleep(rng.uniform(0, 3))
    connection.close()


def _state(process: int) -> dict[str, float]:
    server = psutil.Process(process)
    workers = [child for child in server.children(recursive=True) if child.memory_info().rss > 50e6]
    return {
        "server_mb": round(server.memory_info().rss / 1e6),
        "worker_mb": round(sum(child.memory_info().rss for child in workers) / 1e6),
        "workers": len(workers),
        "threads": server.num_threads(),
        "open_files": server.num_fds(),
    }


def _stored(folder: Path) -> dict[str, float]:
    return {"uploads": sum(1 for place in folder.glob("deepfake-adv-*") for _ in place.iterdir())}


def _growth(notes: Sequence[dict[str, float]]) -> dict[str, float]:
    """Median of the last fifth of the time over that of the second."""
    fifth = max(len(notes) // 5, 1)

    def median(part: Sequence[dict[str, float]], name: str) -> float:
        return statistics.median(note[name] for note in part)

    names = ("server_mb", "worker_mb", "threads", "open_files")
    early, late = notes[fifth : 2 * fifth] or notes, notes[-fifth:]
    return {name: round(median(late, name) / max(median(early, name), 1), 3) for name in names}


def _environment() -> dict[str, Any]:
    import os

    return {**os.environ, "OMP_NUM_THREADS": "1"}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--detector", type=Path, required=True, help="a trained detector, <run>/<condition>/seed<k>")
    parser.add_argument("--clips", type=Path, required=True, help="folder of videos and pictures")
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--clients", type=int, default=6)
    parser.add_argument("--largest", type=float, default=4e6, help="bytes; larger files are left out")
    parser.add_argument("--output", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
