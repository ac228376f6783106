"""Many files through the command line: rows, exit codes, what resumes, tables."""

import csv
import json
import os
import shutil
import subprocess
import sys

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from deepfake_adv.cli import app
from deepfake_adv.files import sha256
from deepfake_adv.prediction import looking
from deepfake_adv.prediction.output import read_lines, take_up
from deepfake_adv.prediction.people import look_into_file
from deepfake_adv.prediction.row_file import RowFile

FACE, OTHER = (10, 30, 60), (110, 20, 70)


@pytest.fixture
def files(film, tmp_path):
    """Two videos, a video without a face, a text file and one that is missing."""
    made = [film([[FACE]] * 12, "one.mp4"), film([[FACE, OTHER]] * 12, "two.mp4"), film([[]] * 12, "none.mp4")]
    (tmp_path / "text.mp4").write_text("no video")
    return [*made, tmp_path / "text.mp4", tmp_path / "missing.mp4"]


@pytest.fixture
def call(tmp_path, monkeypatch, trained):
    monkeypatch.chdir(tmp_path)
    folder = trained()

    def call(*arguments):
        return CliRunner().invoke(app, ["predict", "--detector", str(folder), "--workers", "1", *map(str, arguments)])

    return call


def rows_of(text):
    return {row["path"].rpartition("/")[2]: row for row in map(json.loads, text.splitlines())}


def test_failures_are_rows_stdout_is_clean_and_the_exit_code_tells(call, files, trained):
    done = call(*files)
    assert done.exit_code == 1
    rows = rows_of(done.stdout)
    assert {name: row["status"] for name, row in rows.items()} == {
        "one.mp4": "scored", "two.mp4": "scored", "none.mp4": "failed", "text.mp4": "failed", "missing.mp4": "failed",
    }  # fmt: skip
    for name, row in rows.items():
        assert (row["score"] is None) == (row["error"] is not None) == (row["status"] == "failed")
        assert (row.get("faces") is None) == (name in ("text.mp4", "missing.mp4"))
        if row["error"]:
            assert row["error"].count(name) == 1
    assert rows["two.mp4"]["faces"]["scored"] == 2
    digests = [rows[path.name]["sha256"] for path in files]
    assert digests == [*map(sha256, files[:-1]), None]  # also of a file that is no video
    made = rows["one.mp4"]["provenance"]
    assert made["detector"]["sha256"] == sha256(trained() / "detector.safetensors")
    assert len(made["code"]) == 16
    assert (made["params"]["crop"]["margin"], made["params"]["frames"]) == (1.4, 12)
    good = call(*files[:2], "--quiet")
    assert good.exit_code == 0
    assert good.stderr == ""
    assert len(good.stdout.splitlines()) == 2


def test_a_pipe_is_refused_and_not_waited_for(call, tmp_path):
    os.mkfifo(tmp_path / "pipe.mp4")
    (row,) = rows_of(call(tmp_path / "pipe.mp4").stdout).values()
    assert (row["status"], row["sha256"]) == ("failed", None)


def test_a_later_call_goes_on_where_it_stopped(call, files, tmp_path, monkeypatch):
    output = tmp_path / "scores.jsonl"
    assert call(*files, "--output", output).exit_code == 1
    first = list(read_lines(output))
    assert len(first) == 5
    content = output.read_bytes()
    output.write_bytes(content + b'{"path": "cut o')  # a kill within a line
    looked = []
    look = looking.look_into_file
    monkeypatch.setattr(looking, "look_into_file", lambda task: looked.append(task.path.name) or look(task))
    files[1].write_bytes(files[0].read_bytes())  # another content under the same name
    done = call(*files, "--output", output)
    assert done.stdout == ""
    assert sorted(looked) == ["missing.mp4", "none.mp4", "text.mp4", "two.mp4"]
    assert len(list(read_lines(output))) == 5
    again = {row["path"]: row for row in read_lines(output)}
    assert again[str(files[0])] == next(row for row in first if row["path"] == str(files[0]))
    assert again[str(files[1])]["faces"]["seen"] == 1


def test_a_scored_file_that_is_gone_fails_in_a_later_call(call, files, tmp_path):
    output = tmp_path / "scores.jsonl"
    assert call(files[0], "--output", output).exit_code == 0
    files[0].unlink()
    assert call(files[0], "--output", output).exit_code == 1
    assert [row["status"] for row in read_lines(output)] == ["failed"]


def test_several_processes_give_the_same_rows(call, tmp_path, real_locators):
    rng = np.random.default_rng(0)
    pictures = [tmp_path / f"{number}.png" for number in range(3)]
    for path in pictures:
        cv2.imwrite(str(path), rng.integers(0, 255, (48, 48, 3), np.uint8))
    one = call(*pictures, "--locator", "whole")
    two = call(*pictures, "--locator", "whole", "--workers", "2")
    assert rows_of(two.stdout) == rows_of(one.stdout)
    assert len(rows_of(one.stdout)) == 3


def die_of_a_bomb(task):
    """`look_into_file`, but one file ends the process that reads it; workers import it by its name."""
    if task.path.name == "bomb.png":
        os._exit(1)
    return look_into_file(task)


@pytest.mark.slow  # starts several processes
def test_a_file_that_kills_its_process_fails_alone(call, tmp_path, real_locators, monkeypatch):
    rng = np.random.default_rng(0)
    pictures = [tmp_path / name for name in ("a.png", "bomb.png", *(f"{number}.png" for number in range(8)))]
    for path in pictures:
        cv2.imwrite(str(path), rng.integers(0, 255, (48, 48, 3), np.uint8))
    monkeypatch.setattr(looking, "look_into_file", die_of_a_bomb)
    done = call(*pictures, "--locator", "whole", "--workers", "2")
    rows = rows_of(done.stdout)
    assert done.exit_code == 1
    assert set(rows) == {path.name for path in pictures}
    assert [name for name, row in rows.items() if row["status"] == "failed"] == ["bomb.png"]
    assert "the process that read it was killed" in rows["bomb.png"]["error"]


def test_two_calls_at_once_do_not_write_one_file(call, files, tmp_path):
    output = tmp_path / "scores.jsonl"
    with RowFile(output):
        done = call(files[0], "--output", output)
    assert done.exit_code == 1
    assert "scores.jsonl must be written by one command at a time; another one writes it." in done.stderr
    assert call(files[0], "--output", output).exit_code == 0
    with RowFile(output) as first:
        first.keep(list(read_lines(output)))
        with pytest.raises(ValueError, match="one command at a time"):
            RowFile(output)
    assert len(list(read_lines(output))) == 1


def test_a_name_that_is_no_text_or_has_two_lines_is_a_row_like_others(call, files, tmp_path):
    odd = [tmp_path / os.fsdecode(b"caf\xe9.mp4"), tmp_path / "two\nlines.mp4"]
    for path in odd:
        shutil.copy(files[0], path)
    outputs = {kind: tmp_path / f"rows.{kind}" for kind in ("csv", "parquet")}
    arguments = [word for kind, path in outputs.items() for word in (f"--{kind}", path)]
    done = call(*odd, *arguments, "--output", tmp_path / "rows.jsonl")
    assert done.exit_code == 0, done.stderr
    assert [row["path"] for row in read_lines(tmp_path / "rows.jsonl")] == list(map(str, odd))
    assert "two\\nlines.mp4: 0." in done.stderr
    assert "2 of 2 files are scored already" in call(*odd, "--output", tmp_path / "rows.jsonl").stderr
    with open(outputs["csv"], encoding="utf-8", newline="") as stream:
        assert [line["path"].rpartition("/")[2] for line in csv.DictReader(stream)] == [
            r"caf\udce9.mp4",
            "two\nlines.mp4",
        ]
    assert pq.read_table(outputs["parquet"]).num_rows == 2


@pytest.mark.parametrize("option", ["--output", "--csv", "--parquet", "--report", "--annotate"])
def test_a_place_that_cannot_be_written_is_told_before_any_file_is_read(call, files, option, monkeypatch):
    monkeypatch.setattr(looking, "map_tasks", None)
    done = call(files[0], option, files[1] / "deeper" / "result")
    assert done.exit_code == 1
    assert f"{option[2:]} must be where files can be written; got" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    if option != "--annotate":
        assert f"{option[2:]} must be a file; got the folder" in call(files[0], option, files[0].parent).stderr


def test_what_looks_for_faces_loads_no_torch():
    code = "import sys, deepfake_adv.prediction.people; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_rows_of_other_params_are_not_mixed_in(call, files, tmp_path):
    output = tmp_path / "scores.jsonl"
    call(files[0], "--output", output)
    done = call(files[0], "--output", output, "--frames", "5")
    assert done.exit_code == 1
    assert "must hold rows of the same detector, code and params; got another params for" in done.stderr
    output.write_text('{"score": 1}\n')
    with pytest.raises(ValueError, match="must hold rows of `predict`; got another line 1"):
        take_up(output, {})


def test_tables_have_a_line_per_file(call, files, tmp_path):
    call(*files, "--csv", tmp_path / "scores.csv", "--parquet", tmp_path / "scores.parquet")
    with open(tmp_path / "scores.csv", encoding="utf-8", newline="") as stream:
        lines = {line["path"].rpartition("/")[2]: line for line in csv.DictReader(stream)}
    assert set(lines) == {path.name for path in files}
    assert (lines["two.mp4"]["faces_seen"], lines["two.mp4"]["detector"]) == ("2", "run/NT_c23/seed0")
    assert lines["text.mp4"]["status"] == "failed"
    table = {row["path"].rpartition("/")[2]: row for row in pq.read_table(tmp_path / "scores.parquet").to_pylist()}
    assert len(table["two.mp4"]["people"]) == 2
    assert table["two.mp4"]["people"][0]["frames"][0]["frame"] == 0
    assert float(lines["two.mp4"]["score"]) == table["two.mp4"]["score"]


def test_the_page_and_the_copies_are_written_also_of_an_earlier_calls_rows(call, files, tmp_path):
    made = (
        "--output",
        tmp_path / "scores.jsonl",
        "--report",
        tmp_path / "out/page.html",
        "--annotate",
        tmp_path / "copies",
    )
    call(*files, *made)
    page = (tmp_path / "out/page.html").read_bytes()
    assert page.count(b"<article") == 2
    copies = {path.name: path.read_bytes() for path in (tmp_path / "copies").iterdir()}
    assert set(copies) == {"one.annotated.mp4", "two.annotated.mp4"}
    call(*files, *made)
    assert (tmp_path / "out/page.html").read_bytes() == page


@pytest.mark.parametrize(("option", "name"), [("--report", "."), ("--annotate", "text.mp4")])
def test_a_page_that_is_a_folder_and_a_folder_that_is_a_file_are_refused_at_once(call, files, tmp_path, option, name):
    done = call(files[0], option, tmp_path / name)
    assert done.exit_code == 1
    assert done.stdout == ""
    assert f"{option[2:]} must be a" in done.stderr


def test_a_folder_is_searched_and_its_files_scored_one_by_one(call, files, tmp_path):
    done = call(tmp_path)
    assert set(rows_of(done.stdout)) == {"one.mp4", "two.mp4", "none.mp4", "text.mp4"}


def test_media_above_the_projects_limits_fail_alone(call, files, tmp_path):
    from pathlib import Path

    text = (Path(__file__).parents[2] / "profiles/demo.yaml").read_text()
    (tmp_path / "params.yaml").write_text(text.replace("max_frames: 180000", "max_frames: 11"))
    done = call(files[0])
    assert done.exit_code == 1
    assert "at most 11 frames" in rows_of(done.stdout)["one.mp4"]["error"]
