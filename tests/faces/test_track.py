import numpy as np
import pytest

from deepfake_adv.faces.box import FaceBox, iou
from deepfake_adv.faces.track import DROPPED, INTERPOLATED, NEAREST, SEEN, detect_sparse, fill_track, sample_track


def at(x: float, y: float = 50, side: float = 100, confidence: float = 1.0) -> FaceBox:
    return FaceBox(x, y, x + side, y + side, confidence)


def run(truth: list[list[FaceBox]], every: int = 10, agree: float = 0.6, same: float = 0.5):
    """Detect on frames that stand for their own answers; also which were looked at."""
    looked: list[int] = []

    def find(picture: int) -> list[FaceBox]:
        looked.append(picture)
        return truth[picture]

    frames = ((7 + 3 * k, k) for k in range(len(truth)))
    indices, found = detect_sparse(frames, find, every=every, agree=agree, same=same)
    assert indices == [7 + 3 * k for k in range(len(truth))]
    assert sorted(found) == sorted(looked)
    assert len(looked) == len(set(looked))
    return indices, found


def track_of(truth, every=10, smooth=1, same=0.5):
    indices, found = run(truth, every, same=same)
    chosen = {position: boxes[0] for position, boxes in found.items() if boxes}
    return fill_track(indices, chosen, found, same=same, smooth=smooth)


def test_a_steady_face_is_looked_for_on_every_tenth_frame_and_the_last():
    _, found = run([[at(100 + k)] for k in range(44)])
    assert sorted(found) == [0, 10, 20, 30, 40, 43]


def test_between_two_that_disagree_one_more_frame_is_looked_at():
    truth = [[at(100 + 2.8 * k)] for k in range(41)]  # ten frames apart an IoU of 0.56, five apart 0.75
    _, found = run(truth)
    assert sorted(found) == list(range(0, 41, 5))


def test_every_one_looks_at_every_frame():
    _, found = run([[at(100)]] * 9, every=1)
    assert sorted(found) == list(range(9))


def test_bisection_finds_a_cut_between_two_frames():
    truth = [[at(100)] if k < 26 else [at(400)] for k in range(60)]
    _, found = run(truth)
    assert {25, 26} <= set(found)
    assert len(found) <= 7 + 4
    track = track_of(truth, smooth=15)
    np.testing.assert_array_equal(track.boxes[:26, 0], 100)
    np.testing.assert_array_equal(track.boxes[26:, 0], 400)
    assert (track.action == SEEN).all()


def test_bisection_finds_every_frame_without_a_face():
    truth = [[] if 28 <= k < 35 or k == 0 else [at(100 + 2 * k)] for k in range(60)]
    _, found = run(truth)
    assert {k for k, boxes in found.items() if not boxes} == {0, *range(28, 35)}
    track = track_of(truth)
    assert [k for k in range(60) if track.action[k] != SEEN] == [0, *range(28, 35)]
    assert track.action[0] == NEAREST
    assert track.boxes[0, 0] == track.boxes[1, 0]
    np.testing.assert_allclose(track.boxes[1:, 0], 100 + 2 * np.arange(1, 60))


def test_a_long_gap_is_reported_frame_by_frame():
    truth = [[at(100)] if k < 12 or k >= 41 else [] for k in range(60)]
    track = track_of(truth)
    assert [k for k in range(60) if track.action[k] == INTERPOLATED] == list(range(12, 41))
    assert (track.confidence[12:41] == 0).all()
    assert (track.confidence[:12] == 1).all()


def test_a_gap_across_a_cut_holds_the_nearest_box():
    truth = [[at(100)] if k < 12 else [] if k < 20 else [at(500)] for k in range(40)]
    track = track_of(truth)
    assert (track.action[12:20] == NEAREST).all()
    np.testing.assert_array_equal(track.boxes[12:20, 0], [100] * 4 + [500] * 4)


def test_a_video_without_a_face_drops_every_frame():
    track = track_of([[]] * 23)
    assert (track.action == DROPPED).all()
    assert np.isnan(track.boxes).all()
    assert len(track.frames) == 23


def test_smoothing_damps_an_outlier_and_keeps_a_straight_line():
    truth = [[at(100 + 2 * k)] for k in range(40)]
    np.testing.assert_allclose(track_of(truth, every=1, smooth=15).boxes[:, 0], 100 + 2 * np.arange(40))
    truth[20] = [at(155)]
    assert track_of(truth, every=1, same=0.3).boxes[20, 0] == 155
    assert track_of(truth, every=1, smooth=15, same=0.3).boxes[20, 0] == pytest.approx(140 + 15 / 15)


def test_smoothing_undoes_a_locator_of_coarse_steps():
    truth = 200 + 0.7 * np.arange(120)
    steps = [[at(10 * np.round(value / 10))] for value in truth]
    smooth = np.abs(track_of(steps, every=1, smooth=15).boxes[10:-10, 0] - truth[10:-10])
    coarse = np.abs(track_of(steps, every=1).boxes[10:-10, 0] - truth[10:-10])
    assert coarse.max() >= 4.5
    assert smooth.max() < 2


def test_smoothing_agrees_with_a_slow_mean():
    generator = np.random.default_rng(5)
    values = 200 + generator.normal(0, 3, 50)
    track = track_of([[at(v)] for v in values], every=1, smooth=7)
    slow = [np.mean(values[k - min(3, k, 49 - k) : k + min(3, k, 49 - k) + 1]) for k in range(50)]
    np.testing.assert_allclose(track.boxes[:, 0], slow)


def test_a_shorter_forgery_takes_boxes_by_absolute_index():
    track = track_of([[at(100 + 3 * k)] for k in range(60)])  # frames 7, 10, ...: x = 93 + frame
    frames = np.array([7, 8, 12, 51, 100])
    sampled = sample_track(track, frames, end=190)
    np.testing.assert_allclose(sampled.boxes[:, 0], 93 + frames)
    assert (sampled.action == SEEN).all()


def test_frames_past_the_sources_end_are_reported_not_misaligned():
    track = track_of([[at(100 + 3 * k)] for k in range(10)])
    sampled = sample_track(track, np.array([34, 35, 36, 90]), end=36)
    assert sampled.action.tolist() == [SEEN, SEEN, NEAREST, NEAREST]
    np.testing.assert_array_equal(sampled.boxes[1:], np.repeat(track.boxes[-1:], 3, axis=0))


def test_sampling_between_two_shots_takes_the_nearer_frame():
    track = track_of([[at(100)]] * 10 + [[at(400)]] * 10)
    sampled = sample_track(track, np.array([34, 35, 36, 37]), end=100)  # frame 34 ends the first shot
    assert sampled.boxes[:, 0].tolist() == [100, 100, 400, 400]


def test_sampling_a_faceless_or_empty_track_drops():
    for track in (track_of([[]] * 5), fill_track([], {}, [], same=0.5, smooth=1)):
        sampled = sample_track(track, np.array([1, 8, 30]), end=30)
        assert (sampled.action == DROPPED).all()
        assert np.isnan(sampled.boxes).all()


@pytest.mark.parametrize("seed", range(5))
def test_nothing_is_lost_whatever_happens(seed):
    generator = np.random.default_rng(seed)
    truth = [[] if generator.random() < 0.3 else [at(generator.choice([100, 130, 500]))] for _ in range(70)]
    _, found = run(truth)
    track = track_of(truth)
    assert len(track.frames) == 70
    assert not np.isnan(track.boxes).any()
    assert all(track.action[k] != SEEN for k, boxes in found.items() if not boxes)
    for k, boxes in found.items():
        if boxes:
            assert iou(FaceBox(*track.boxes[k]), boxes[0]) == 1
            assert track.action[k] == SEEN
