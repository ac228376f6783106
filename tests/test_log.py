import logging
import threading

from deepfake_adv import log


def test_progress_is_said_while_one_long_item_is_at_work(monkeypatch, caplog):
    monkeypatch.setattr(log, "_INTERVAL", 0.01)
    caplog.set_level(logging.INFO)

    def items():
        yield "short"
        while "1 of 2 videos" not in caplog.text:
            threading.Event().wait(0.01)
        yield "long"

    assert list(log.progress(items(), total=2, desc="extract", unit="videos")) == ["short", "long"]
    assert caplog.messages[-1].startswith("extract: 2 videos in ")
    assert not any(thread.name.endswith("(say)") for thread in threading.enumerate())


def test_progress_says_that_nothing_is_done_yet(monkeypatch, caplog):
    monkeypatch.setattr(log, "_INTERVAL", 0.01)
    caplog.set_level(logging.INFO)

    def items():
        while "0 of 1 videos" not in caplog.text:
            threading.Event().wait(0.01)
        yield 1

    assert list(log.progress(items(), total=1, desc="extract", unit="videos")) == [1]
    assert "s so far" in caplog.text
