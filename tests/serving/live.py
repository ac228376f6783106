"""A server as a user starts it, files of rendered faces, and clients of it; for slow tests and the soak by hand."""

import http.client
import json
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import torch

from deepfake_adv.corpus.render.take import film
from deepfake_adv.detectors.registry import build_detector
from deepfake_adv.files import sha256, write_json
from deepfake_adv.training.checkpoint import save_weights
from deepfake_adv.video.colour import rgb_to_i420
from deepfake_adv.video.encode import write_h264

ROOT = Path(__file__).parents[2]


def make_detector(folder):
    """The folder of a small detector with random weights."""
    torch.manual_seed(0)
    entry = {"name": "compact", "width": 4}
    save_weights(folder / "detector.safetensors", build_detector(**entry))
    record = {"run": "toy", "condition": "NT_c23", "seed": 0, "image_size": 96, "params": {"detector": entry}}
    record["files"] = {"detector.safetensors": sha256(folder / "detector.safetensors")}
    write_json(folder / "run.json", record)
    return folder


def make_files(folder):
    """A video, a picture of three people, one of nobody, and a text; by kind."""
    folder.mkdir(parents=True, exist_ok=True)
    heads = [[picture for picture, _ in film(1, identity, frames=8, size=240, fps=5)] for identity in range(3)]
    write_h264(folder / "one.mp4", map(rgb_to_i420, heads[0]), crf=18, fps=5)
    three = np.hstack([head[0] for head in heads])
    cv2.imwrite(str(folder / "three.png"), three[:, :, ::-1])
    cv2.imwrite(str(folder / "nobody.png"), np.full((240, 240, 3), 90, np.uint8))
    (folder / "notes.mp4").write_text("no video")
    names = {"video": "one.mp4", "three": "three.png", "nobody": "nobody.png", "text": "notes.mp4"}
    return {kind: folder / name for kind, name in names.items()}


@contextmanager
def running(detector, temporary, *options):
    """The address of a server that runs in a process of its own, and its process."""
    temporary.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "deepfake_adv", "serve", "--detector", str(detector), "--port", "0", *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(temporary)}
    with open(temporary.parent / "server.log", "w") as log:
        process = subprocess.Popen(
            command, cwd=temporary.parent, env=environment, stdout=subprocess.PIPE, stderr=log, text=True
        )
        try:
            address = process.stdout.readline().strip()
            assert address, (temporary.parent / "server.log").read_text()
            yield address, process
        finally:
            process.terminate()
            process.wait(30)
            process.stdout.close()


def score(address, path):
    """The last event of a file's upload."""
    connection = http.client.HTTPConnection(address.split("/")[2], timeout=600)
    try:
        connection.request("POST", "/score", path.read_bytes(), {"X-Filename": path.name})
        found = connection.getresponse()
        body = found.read()
        assert found.status == 200, body
        return json.loads(body.splitlines()[-1])
    finally:
        connection.close()


def left(temporary):
    """Uploads in the server's folders."""
    return [path for folder in temporary.glob("deepfake-adv-*") for path in folder.iterdir()]
