import errno

import pytest

from deepfake_adv.stage import explain, run_stage


def fail(error):
    raise error


def test_arguments_reach_the_stage_as_words_and_paths(tmp_path):
    seen = []
    run_stage("crop", lambda *arguments: seen.extend(arguments), ["corpus", str(tmp_path)], words=1)
    assert seen == ["corpus", tmp_path]


@pytest.mark.parametrize(
    "error", [ValueError("margin must be 1"), FileNotFoundError("no such file"), FloatingPointError("nan")]
)
def test_an_error_ends_the_stage_with_one_message(error, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stop:
        run_stage("crop", lambda: fail(error), [])
    assert stop.value.code == 1
    printed = capsys.readouterr().err
    assert str(error) in printed
    assert "Traceback" not in printed
    assert "Traceback" in (tmp_path / "work" / "crop.traceback.txt").read_text()


def test_our_own_invariants_keep_their_traceback():
    with pytest.raises(AssertionError):
        run_stage("crop", lambda: fail(AssertionError()), [])


def test_a_full_disk_is_said():
    message = explain(OSError(errno.ENOSPC, "No space left on device", "data/crops"))
    assert "full at data/crops" in message
    assert "finished pieces are kept" in message


def test_denied_permission_is_said():
    assert "must be readable" in explain(PermissionError(errno.EACCES, "Permission denied", "videos"))
