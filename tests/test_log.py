import io
import logging
import sys
import threading

import pytest

from deepfake_adv import log


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_is_logged_while_one_long_item_is_at_work(monkeypatch, caplog):
    monkeypatch.setattr(log, "_INTERVAL", 0.01)
    caplog.set_level(logging.INFO)

    def items():
        yield "short"
        while "extract: 1 of 2 videos" not in caplog.text:
            threading.Event().wait(0.01)
        yield "long"

    assert list(log.progress(items(), total=2, desc="extract", unit="videos")) == ["short", "long"]
    assert caplog.messages[-1].startswith("extract: 2 videos in ")
    assert not any(thread.name == "progress" for thread in threading.enumerate())


def test_progress_is_logged_before_anything_is_done(monkeypatch, caplog):
    monkeypatch.setattr(log, "_INTERVAL", 0.01)
    caplog.set_level(logging.INFO)

    def items():
        while "extract: 0 of 1 videos" not in caplog.text:
            threading.Event().wait(0.01)
        yield 1

    assert list(log.progress(items(), total=1, desc="extract", unit="videos")) == [1]
    assert "so far" in caplog.text


def test_the_thread_ends_where_an_item_fails(caplog):
    def items():
        yield 1
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        list(log.progress(items(), total=2, desc="extract", unit="videos"))
    assert not any(thread.name == "progress" for thread in threading.enumerate())
    assert "videos in" not in caplog.text


def test_the_line_has_count_rate_time_left_and_note(monkeypatch, caplog):
    monkeypatch.setattr(log, "_INTERVAL", 0.01)
    caplog.set_level(logging.INFO)
    with log.Progress(total=960, desc="baseline", unit="images", initial=320) as shown:
        shown.update(32, "epoch 2/3, step 1/10, loss 0.5000")
        while "352 of 960 images" not in caplog.text:
            threading.Event().wait(0.01)
    line = next(line for line in caplog.messages if "352 of" in line)
    assert line.startswith("baseline: 352 of 960 images, ")
    assert "images/s, " in line
    assert line.endswith(" left, epoch 2/3, step 1/10, loss 0.5000")


def test_a_terminal_has_a_bar_and_a_silent_one_shows_nothing(monkeypatch, caplog):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)  # here: pytest sets its own between a fixture and the test
    caplog.set_level(logging.INFO)
    with log.Progress(total=2, desc="x", unit="images", silent=True) as silent:
        silent.update(1, "loss 1")
        silent.log("done")
    assert terminal.getvalue() == ""
    assert not caplog.messages
    with log.Progress(total=2, desc="x", unit="images") as shown:
        shown.update(2, "loss 1")
        shown.log("done")
    assert "2/2" in terminal.getvalue()
    assert caplog.messages == ["done"]
    assert list(log.progress([1, 2], total=2, desc="extract", unit="videos")) == [1, 2]
    assert "extract: 100%" in terminal.getvalue()


def test_silent_progress_passes_all_on_and_says_nothing(caplog, capsys):
    caplog.set_level("INFO")
    assert list(log.progress(range(3), total=3, desc="work", silent=True)) == [0, 1, 2]
    assert not caplog.text
    assert capsys.readouterr().err == ""
