import errno
from pathlib import Path

import pytest

from deepfake_adv.stage import explain, run_stage


@pytest.fixture(autouse=True)
def _outside_of_a_checkout(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def fail(error):
    raise error


def test_arguments_reach_the_stage_as_words_and_paths(tmp_path):
    seen = []
    run_stage("crop", lambda *arguments: seen.extend(arguments), ["corpus", str(tmp_path)], words=1)
    assert seen == ["corpus", tmp_path]


def test_a_section_of_params_in_the_command_reaches_the_stage_by_its_keys(capsys):
    seen = []

    def main(run, path, **section):
        seen.append((run, path, section))

    run_stage("score", main, ["mine", "x", "--batch_size", "8", "--precision", "32-true"], words=1)
    run_stage("score", main, ["mine", "x"], words=1)
    assert seen == [("mine", Path("x"), {"batch_size": "8", "precision": "32-true"}), ("mine", Path("x"), {})]
    for arguments in (["mine", "x", "--batch_size"], ["mine", "--batch_size", "8"], ["mine", "x", "--seed", "1", "y"]):
        with pytest.raises(SystemExit):
            run_stage("score", main, arguments, words=1)
        assert "arguments must be RUN PATH [--KEY VALUE ...]; got mine" in capsys.readouterr().err
    assert len(seen) == 2


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


def test_code_that_was_edited_since_it_was_recorded_does_not_run(tmp_path, capsys):
    (tmp_path / "data/sources/train").mkdir(parents=True)
    (tmp_path / "data/sources/train/mine.txt").write_text(f"{'0' * 16}  deepfake_adv/training/run.py\n")
    seen = []
    with pytest.raises(SystemExit):
        run_stage("train", lambda *arguments: seen.extend(arguments), ["mine", "data"], words=1)
    assert seen == []
    assert "got a changed deepfake_adv/training/run.py. Run `dvc repro` again." in capsys.readouterr().err
    run_stage("train", lambda *arguments: seen.extend(arguments), ["other", "data"], words=1)
    assert seen == ["other", Path("data")]


def test_another_checkouts_code_does_not_run(tmp_path, capsys):
    (tmp_path / "dvc.yaml").write_text("stages: {}\n")
    (tmp_path / "deepfake_adv").mkdir()
    (tmp_path / "deepfake_adv/registry.py").write_text("")
    with pytest.raises(SystemExit):
        run_stage("crop", lambda: fail(AssertionError()), [])
    assert "deepfake_adv must be this checkout's own" in capsys.readouterr().err


def test_our_own_invariants_keep_their_traceback():
    with pytest.raises(AssertionError):
        run_stage("crop", lambda: fail(AssertionError()), [])


def test_a_full_disk_is_reported():
    full = OSError(errno.ENOSPC, "No space left on device", "data/crops")
    assert explain(full).endswith("it is full at data/crops. Free space and run the same command again.")
    assert "finished work" not in explain(full)
    assert explain(full, again="go on: pieces are kept").endswith("Free space and go on: pieces are kept.")


def test_a_stage_says_that_its_finished_pieces_are_kept(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        run_stage("crop", lambda: fail(OSError(errno.ENOSPC, "No space left on device")), [])
    assert "Free space and run `dvc repro` again: finished work is kept." in capsys.readouterr().err


def test_too_little_memory_is_reported_with_what_to_lower():
    for error in (MemoryError("Unable to allocate 28 GiB"), RuntimeError("DefaultCPUAllocator: can't allocate memory")):
        said = explain(error, again="run `dvc repro` again")
        assert said.startswith(f"memory must be enough for the allocation; got: {error}. Lower the sizes of images")
        assert said.endswith("execution.workers, and run `dvc repro` again.")
    assert explain(RuntimeError("another one")) == "another one"


def test_denied_permission_is_reported():
    assert "must be readable" in explain(PermissionError(errno.EACCES, "Permission denied", "videos"))
    assert explain(PermissionError("not allowed here")) == "not allowed here"


@pytest.mark.parametrize(
    ("number", "part"), [(errno.EDQUOT, "is full"), (errno.EFBIG, "ulimit -f"), (errno.EROFS, "mounted read-only")]
)
def test_whatever_else_the_disk_refuses_is_reported(number, part):
    message = explain(OSError(number, "", "data/crops"))
    assert message.startswith("disk must ")
    assert part in message
    assert "data/crops" in message


def test_a_disk_that_takes_no_traceback_buries_no_message(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "work").write_text("no folder")
    with pytest.raises(SystemExit):
        run_stage("train", lambda: fail(OSError(errno.ENOSPC, "No space left on device")), [])
    printed = capsys.readouterr().err
    assert "it is full" in printed
    assert "Traceback" not in printed
    assert len(printed.splitlines()) == 2


def test_ctrl_c_is_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stop:
        run_stage("locate", lambda: fail(KeyboardInterrupt()), [])
    assert stop.value.code == 130
    printed = capsys.readouterr().err
    assert printed.endswith("interrupted; finished work is kept, run `dvc repro` to continue\n")
    assert len(printed.splitlines()) == 1


def script(run: str, manifests: Path, *more: Path, note: Path | None = None) -> None:
    raise AssertionError("must not be reached")


@pytest.mark.parametrize("given", [[], ["compact_baseline"]])
def test_missing_arguments_are_named(given, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stop:
        run_stage("train", script, given, words=1)
    assert stop.value.code == 1
    message = f"arguments must be RUN MANIFESTS [MORE ...] [NOTE]; got {' '.join(given) or 'none'}. "
    assert message in capsys.readouterr().err


def test_every_stage_keeps_a_copy_of_a_complete_dvc_lock(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".dvc").mkdir()
    text = "schema: '2.0'\nstages: {}\n"
    (tmp_path / "dvc.lock").write_text(text)
    run_stage("inventory", lambda: None, [])
    assert (tmp_path / ".dvc/tmp/dvc.lock.good").read_text() == text
