import numpy as np
import pytest

from deepfake_adv.prediction.timeline import Clock, line_of, marks_of, minutes, read_clock

FRAMES = [{"frame": 0, "score": 1.0, "detected": True}, {"frame": 3, "score": 0.25, "detected": False}]


def test_marks_are_placed_by_time():
    marks = marks_of(FRAMES, Clock(np.array([0.0, 1.0, 2.0, 9.0, 10.0]), 3))
    assert [(mark.x, mark.y, mark.detected) for mark in marks] == [(0, 0, True), (900, 75, False)]
    assert marks[1].label == "0:09.0: 0.250, between two finds"
    assert line_of(marks) == "M0 0 L900 75"
    assert line_of([]) == ""


def test_frames_are_counted_where_times_are_unknown():
    marks = marks_of(FRAMES, Clock(None, 6))
    assert [mark.x for mark in marks] == [0, 500]
    assert marks[0].label == "frame 0: 1.000"


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00.0"), (62.34, "1:02.3"), (59.97, "1:00.0"), (600, "10:00.0")])
def test_seconds_are_written_as_minutes(seconds, text):
    assert minutes(seconds) == text


def test_the_clock_of_a_video_is_its_own_and_that_of_others_counts(film, tmp_path):
    row = {"people": [{"frames": FRAMES}], "frames": {"missed": [5]}, "damage": ""}
    clip = film([[]] * 10)
    assert read_clock(clip, row).times == pytest.approx(np.arange(10) / 25)
    for path, damage in ((clip, "cut short"), (tmp_path / "a.png", ""), (tmp_path / "gone.mp4", "")):
        clock = read_clock(path, {**row, "damage": damage})
        assert (clock.times, clock.last) == (None, 5)
    assert read_clock(clip, {**row, "frames": {"missed": [99]}}).times is None  # it is another file by now
