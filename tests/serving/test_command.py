import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner

pytest.importorskip("uvicorn", reason="the extra `serving` is not installed")

from deepfake_adv.cli import app
from deepfake_adv.commands import serve as command
from deepfake_adv.serving.command import PREFIX, TOKEN, chosen_token, remove_leftovers


def test_others_than_this_machine_need_a_token(monkeypatch):
    monkeypatch.delenv(TOKEN, raising=False)
    assert chosen_token("127.0.0.1", []) is None
    made = {chosen_token("0.0.0.0", []), chosen_token("127.0.0.1", ["a.example"]), chosen_token("::", [])}
    assert len(made) == 3
    assert all(len(token) >= 32 for token in made)
    monkeypatch.setenv(TOKEN, "s" * 16)
    assert chosen_token("127.0.0.1", []) == "s" * 16
    monkeypatch.setenv(TOKEN, "short")
    with pytest.raises(ValueError, match="must have at least 16 characters; got 5"):
        chosen_token("127.0.0.1", [])


def test_what_a_killed_server_left_is_removed(tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    for name in (f"{PREFIX}{ended.pid}-a", f"{PREFIX}{os.getpid()}-b", f"{PREFIX}x-c", "other"):
        (tmp_path / name / "upload").mkdir(parents=True)
    remove_leftovers(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        [f"{PREFIX}{os.getpid()}-b", f"{PREFIX}x-c", "other"]
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["--port", "0"], "a trained detector must have run.json", marks=pytest.mark.slow),  # in its worker
        (["--port", "0", "--host", "203.0.113.7"], "host and port must be free and of this machine; got 203.0.113.7"),
        (["--port", "0", "--max-seconds", "0"], "score_seconds must be above 0"),
    ],
)
def test_what_cannot_be_served_is_one_message(tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["serve", "--detector", "nowhere", *arguments])
    assert done.exit_code == 1
    assert said in done.output
    assert len(done.output.splitlines()) == 1


def test_the_extra_is_named_where_it_is_missing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command, "find_spec", lambda name: None)
    done = CliRunner().invoke(app, ["serve", "--detector", "nowhere"])
    assert done.exit_code == 1
    assert "deepfake-adv[serving]" in done.output


def test_the_server_itself_does_not_load_what_scores():
    code = (
        "import sys, deepfake_adv.cli, deepfake_adv.serving.command\n"
        "print(*{'torch', 'av', 'dlib', 'sklearn'} & set(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "\n"
