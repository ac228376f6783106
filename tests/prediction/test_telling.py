import pytest

from deepfake_adv.prediction.telling import HIGHEST, telling_frames


def frames(*scores):
    return [{"score": score} for score in scores]


def test_the_highest_come_first_and_the_lowest_last():
    assert telling_frames(frames(0.5, 0.9, 0.1, 0.7, 0.8)) == [1, 4, 3, 2]


def test_neighbours_are_passed_over_while_others_are_left():
    scores = [0.5] * 48
    scores[20:25] = [0.9, 0.95, 0.99, 0.95, 0.9]
    chosen = telling_frames(frames(*scores))
    assert chosen[0] == 22
    assert all(abs(one - other) > 4 for one in chosen[:HIGHEST] for other in chosen[:HIGHEST] if one != other)


@pytest.mark.parametrize(("scores", "expected"), [((), []), ((0.3,), [0]), ((0.3, 0.4), [1, 0])])
def test_few_frames_are_all_shown_once(scores, expected):
    assert telling_frames(frames(*scores)) == expected
