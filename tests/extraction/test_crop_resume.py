import json
import os
import signal
import subprocess
import sys
import time

import pytest

from deepfake_adv.extraction import crop as crops_module
from deepfake_adv.extraction import cutting


@pytest.mark.parametrize("after", [1, 3])
def test_an_interrupted_run_resumes_and_leaves_the_same_bytes(located, cut, monkeypatch, after):
    data = located()
    _, whole = cut(data, name="whole", rows_per_file=30)
    crop, done = crops_module.crop_video, []

    def counting(task):
        if len(done) == after:
            raise KeyboardInterrupt
        done.append(task.row.video)
        crop(task)

    monkeypatch.setattr(crops_module, "crop_video", counting)
    with pytest.raises(KeyboardInterrupt):
        cut(data, name="again", rows_per_file=30)
    after = 99
    _, again = cut(data, name="again", rows_per_file=30)
    assert len(done) == len(set(done)) == 4
    assert sorted(p.name for p in again.iterdir()) == sorted(p.name for p in whole.iterdir())
    for path in whole.iterdir():
        assert (again / path.name).read_bytes() == path.read_bytes()


def test_files_of_other_code_are_not_taken_up(located, cut, monkeypatch):
    data = located()
    crop, done = crops_module.crop_video, []

    def counting(task):
        if len(done) == 3:
            raise KeyboardInterrupt
        done.append(task.row.video)
        crop(task)

    monkeypatch.setattr(crops_module, "crop_video", counting)
    with pytest.raises(KeyboardInterrupt):
        cut(data, name="again")
    monkeypatch.setattr(crops_module, "code_digest", lambda stage: f"{stage} with another encoder")
    done.clear()
    with pytest.raises(KeyboardInterrupt):
        cut(data, name="again")
    assert len(done) == 3


@pytest.mark.parametrize("name", ["write_json", "write_rows"])
def test_a_video_is_done_only_when_crops_and_report_are_there(located, cut, monkeypatch, name):
    data = located()
    _, whole = cut(data, name="whole")
    write = getattr(cutting, name)

    def dying(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(cutting, name, dying)
    with pytest.raises(KeyboardInterrupt):
        cut(data, name="again")
    monkeypatch.setattr(cutting, name, write)
    _, again = cut(data, name="again")
    same(whole, again)


@pytest.mark.parametrize("name", ["write_csv", "TaskFiles.remove", "Scratch.publish"])
def test_a_run_stopped_at_its_end_goes_on_and_counts_the_same(located, cut, monkeypatch, name):
    data = located()
    (data.frames / "c23" / "store" / "NT" / "001_002.mkv").write_bytes(b"no video")
    counts, whole = cut(data, name="whole", share=0.3)
    with monkeypatch.context() as patch:
        *kind, function = name.split(".")
        place = getattr(crops_module, kind[0]) if kind else crops_module
        act = getattr(place, function)

        def dying(*arguments):
            if kind == ["TaskFiles"]:
                act(*arguments)
            raise KeyboardInterrupt

        patch.setattr(place, function, dying)
        with pytest.raises(KeyboardInterrupt):
            cut(data, name="again", share=0.3)
    again = cut(data, name="again", share=0.3)
    assert again[0] == counts
    same(whole, again[1])


SCRIPT = """
import json, os, sys, time
from pathlib import Path
from deepfake_adv.extraction import cutting
from deepfake_adv.extraction.crop import crop_part
from deepfake_adv.extraction.cutting import CropOptions

frames, faces, output, root, work = map(Path, json.loads(sys.argv[1]))
if os.environ.get("SLOW"):
    encode = cutting.encode_crop
    cutting.encode_crop = lambda *crop: time.sleep(0.05) or encode(*crop)
if __name__ == "__main__":
    crop_part(
        "toy", "c23", frames, faces, output, root=root, options=CropOptions(1.3, "png", True), max_failed_share=0,
        execution={"workers": int(os.environ["WORKERS"])}, scratch=work,
    )
"""


@pytest.fixture
def command(tmp_path):
    """A command line that cuts the toy dataset in a process of its own."""

    def command(data, output):
        script = tmp_path / "cut.py"
        script.write_text(SCRIPT)
        folders = [data.frames / "c23", tmp_path / "faces", output, data.root, tmp_path / f"work-{output.name}"]
        return [sys.executable, str(script), json.dumps(list(map(str, folders)))]

    return command


def same(one, two):
    assert sorted(path.name for path in one.iterdir()) == sorted(path.name for path in two.iterdir())
    for path in one.iterdir():
        assert (two / path.name).read_bytes() == path.read_bytes(), path.name


@pytest.mark.slow
def test_one_worker_or_two_leave_the_same_bytes(located, cut, command, tmp_path):
    data = located()
    _, one = cut(data, name="one")
    subprocess.run(command(data, tmp_path / "two"), check=True, env={**os.environ, "WORKERS": "2"})
    same(one, tmp_path / "two")


@pytest.mark.slow
def test_a_run_ended_by_sigkill_resumes_and_leaves_the_same_bytes(located, cut, command, tmp_path):
    data = located()
    _, whole = cut(data, name="whole")
    line, environment = command(data, tmp_path / "killed"), {**os.environ, "WORKERS": "1"}
    process = subprocess.Popen(line, env={**environment, "SLOW": "1"})
    deadline = time.monotonic() + 60
    while not list((tmp_path / "work-killed").glob("*/tasks/*.json")) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not (tmp_path / "killed").exists()
    subprocess.run(line, check=True, env=environment)
    same(whole, tmp_path / "killed")
