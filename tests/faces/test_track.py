import numpy as np
import pytest

from deepfake_adv.faces.box import FaceBox, iou
from deepfake_adv.faces.track import (
    ANOTHER,
    DROPPED,
    INTERPOLATED,
    NO_FACE,
    SEEN,
    UNKNOWN,
    Detections,
    detect_sparse,
    fill_track,
    sample_track,
)


def at(x: float, y: float = 50, side: float = 100, confidence: float = 1.0) -> FaceBox:
    return FaceBox(x, y, x + side, y + side, confidence)


def run(truth: list[list[FaceBox]], every: int = 10, agree: float = 0.6, same: float = 0.5, cuts=(), stride: int = 3):
    """Detect on frames that stand for their own answers; also which were looked at."""
    looked: list[int] = []

    def find(picture: int) -> list[FaceBox]:
        looked.append(picture)
        return truth[picture]

    frames = (((7 + stride * k, k), k in cuts) for k in range(len(truth)))
    detections = detect_sparse(frames, find, every=every, agree=agree, same=same)
    assert detections.indices == [7 + stride * k for k in range(len(truth))]
    assert detections.cuts == sorted(cuts)
    assert sorted(detections.found) == sorted(looked)
    assert len(looked) == len(set(looked))
    return detections


def track_of(truth, every=10, smooth=1, same=0.5, cuts=(), stride=1, max_gap=8):
    detections = run(truth, every, same=same, cuts=cuts, stride=stride)
    chosen = {position: boxes[0] for position, boxes in detections.found.items() if boxes}
    return fill_track(detections, chosen, same=same, smooth=smooth, max_gap=max_gap)


def test_a_steady_face_is_looked_for_on_every_tenth_frame_and_the_last():
    found = run([[at(100 + k)] for k in range(44)]).found
    assert sorted(found) == [0, 10, 20, 30, 40, 43]


def test_between_two_that_disagree_one_more_frame_is_looked_at():
    truth = [[at(100 + 2.8 * k)] for k in range(41)]  # ten frames apart an IoU of 0.56, five apart 0.75
    found = run(truth).found
    assert sorted(found) == list(range(0, 41, 5))


def test_every_one_looks_at_every_frame():
    found = run([[at(100)]] * 9, every=1).found
    assert sorted(found) == list(range(9))


def test_both_sides_of_a_cut_are_looked_at_though_the_boxes_agree():
    found = run([[at(100)]] * 40, cuts={16, 19}).found
    assert sorted(found) == [0, 10, 15, 16, 18, 19, 29, 39]


def test_frames_that_lie_far_apart_in_the_video_are_looked_at_more_often():
    assert sorted(run([[at(100)]] * 25, stride=10).found) == [0, 5, 10, 15, 20, 24]
    assert sorted(run([[at(100)]] * 6, stride=70).found) == [0, 1, 2, 3, 4, 5]


def test_a_second_face_that_comes_or_goes_is_looked_for_too():
    two, one = [at(100), at(400)], [at(100)]
    assert {24, 25} <= set(run([two] * 25 + [one] * 20).found)
    assert sorted(run([two, two[::-1]] * 15).found) == [0, 10, 20, 29]


def test_bisection_finds_a_cut_between_two_frames():
    truth = [[at(100)] if k < 26 else [at(400)] for k in range(60)]
    found = run(truth).found
    assert {25, 26} <= set(found)
    assert len(found) <= 7 + 4
    track = track_of(truth, smooth=15)
    np.testing.assert_array_equal(track.boxes[:26, 0], 100)
    np.testing.assert_array_equal(track.boxes[26:, 0], 400)
    assert (track.action == SEEN).all()


def test_bisection_finds_every_frame_without_a_face():
    truth = [[] if 28 <= k < 35 or k == 0 else [at(100 + 2 * k)] for k in range(60)]
    found = run(truth).found
    assert {k for k, boxes in found.items() if not boxes} == {0, *range(28, 35)}
    track = track_of(truth)
    assert [k for k in range(60) if track.action[k] != SEEN] == [0, *range(28, 35)]
    assert track.action[0] == DROPPED
    assert np.isnan(track.boxes[0]).all()
    assert set(track.action[28:35]) == {INTERPOLATED}
    np.testing.assert_allclose(track.boxes[1:, 0], 100 + 2 * np.arange(1, 60))


@pytest.mark.parametrize(("stride", "max_gap", "filled"), [(1, 5, True), (1, 4, False), (4, 23, True), (4, 22, False)])
def test_a_gap_is_filled_up_to_its_longest_in_frames_of_the_video(stride, max_gap, filled):
    truth = [[at(100 + k)] if k < 8 or k >= 13 else [] for k in range(60)]
    track = track_of(truth, stride=stride, max_gap=max_gap)
    assert set(track.action[8:13]) == {INTERPOLATED if filled else DROPPED}
    assert (track.reason[8:13] == NO_FACE).all()
    assert (track.confidence[8:13] == 0).all()
    assert (track.action[:8] == SEEN).all()
    assert (track.action[13:] == SEEN).all()
    np.testing.assert_array_equal(track.boxes[8:13, 0], 100 + np.arange(8, 13) if filled else np.full(5, np.nan))


def test_nothing_is_held_before_the_first_or_after_the_last_detection_of_a_shot():
    truth = [[at(100)] if 3 <= k < 15 or 25 <= k < 37 else [] for k in range(40)]
    track = track_of(truth, cuts={20}, max_gap=100)
    assert [k for k in range(40) if track.action[k] == DROPPED] == [0, 1, 2, *range(15, 25), 37, 38, 39]


def test_a_gap_across_a_cut_is_not_filled():
    truth = [[] if k in (10, 11) else [at(100)] for k in range(40)]
    assert set(track_of(truth).action[10:12]) == {INTERPOLATED}
    assert set(track_of(truth, cuts={11}).action[10:12]) == {DROPPED}
    moved = [[at(100)] if k < 10 else [] if k < 12 else [at(500)] for k in range(40)]  # no cut known, but the box jumps
    assert set(track_of(moved).action[10:12]) == {DROPPED}


def test_boxes_are_not_smoothed_across_a_cut():
    truth = [[at(100)]] * 20 + [[at(120)]] * 20
    assert 100 < track_of(truth, every=1, smooth=15).boxes[19, 0] < 120
    track = track_of(truth, every=1, smooth=15, cuts={20})
    np.testing.assert_array_equal(track.boxes[:, 0], [100] * 20 + [120] * 20)


def test_frames_that_show_only_somebody_else_say_so():
    truth = [[at(100)]] * 10 + [[at(700)]] * 10 + [[at(100)]] * 10
    detections = run(truth, stride=1)
    chosen = {k: boxes[0] for k, boxes in detections.found.items() if not 10 <= k < 20}
    track = fill_track(detections, chosen, same=0.5, smooth=1, max_gap=8)
    assert set(track.action[10:20]) == {DROPPED}
    assert set(track.reason[10:20]) == {ANOTHER, UNKNOWN}  # the frames between two that were looked at: unknown


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
    rng = np.random.default_rng(5)
    values = 200 + rng.normal(0, 3, 50)
    track = track_of([[at(v)] for v in values], every=1, smooth=7)
    slow = [np.mean(values[k - min(3, k, 49 - k) : k + min(3, k, 49 - k) + 1]) for k in range(50)]
    np.testing.assert_allclose(track.boxes[:, 0], slow)


def test_a_shorter_forgery_takes_boxes_by_absolute_index():
    track = track_of([[at(100 + 3 * k)] for k in range(60)], stride=3)  # frames 7, 10, ...: x = 93 + frame
    frames = np.array([7, 8, 12, 51, 100])
    sampled = sample_track(track, frames, end=190)
    np.testing.assert_allclose(sampled.boxes[:, 0], 93 + frames)
    assert (sampled.action == SEEN).all()
    assert (sampled.reason == "").all()


def test_frames_past_the_sources_end_are_dropped_not_misaligned():
    track = track_of([[at(100 + 3 * k)] for k in range(10)], stride=3)
    sampled = sample_track(track, np.array([34, 35, 36, 90]), end=36)
    assert sampled.action.tolist() == [SEEN, SEEN, DROPPED, DROPPED]
    np.testing.assert_array_equal(sampled.boxes[1], track.boxes[-1])
    assert np.isnan(sampled.boxes[2:]).all()
    assert sampled.reason.tolist() == ["", "", *["past the end of its source's 36 frames"] * 2]


def test_a_box_holds_for_less_than_a_step_outside_the_sampled_frames():
    track = track_of([[at(100)]] * 10, stride=3)  # frames 7 to 34
    sampled = sample_track(track, np.array([0, 4, 5, 7, 34, 36, 37]), end=60)
    assert sampled.action.tolist() == [DROPPED, DROPPED, SEEN, SEEN, SEEN, SEEN, DROPPED]
    assert sampled.reason.tolist() == [UNKNOWN, UNKNOWN, "", "", "", "", UNKNOWN]


def test_between_two_shots_nothing_is_known():
    track = track_of([[at(100)]] * 10 + [[at(400)]] * 10, stride=3)
    sampled = sample_track(track, np.array([34, 35, 36, 37]), end=100)  # frame 34 ends the first shot
    assert sampled.action.tolist() == [SEEN, DROPPED, DROPPED, SEEN]
    np.testing.assert_array_equal(sampled.boxes[:, 0], [100, np.nan, np.nan, 400])
    assert sampled.reason.tolist() == ["", UNKNOWN, UNKNOWN, ""]


def test_what_is_dropped_of_a_source_is_dropped_at_other_frames_too():
    truth = [[] if 8 <= k < 16 else [at(100)] for k in range(40)]
    track = track_of(truth, stride=2)  # frames 7, 9, ...; without a face from 23 to 37
    sampled = sample_track(track, np.arange(20, 42), end=100)
    assert sampled.frames[sampled.action == DROPPED].tolist() == list(range(22, 39))
    assert set(sampled.reason[sampled.action == DROPPED]) == {NO_FACE}


def test_sampling_a_faceless_or_empty_track_drops():
    empty = fill_track(Detections([], {}, []), {}, same=0.5, smooth=1, max_gap=8)
    for track in (track_of([[]] * 5), empty):
        sampled = sample_track(track, np.array([1, 8, 30]), end=30)
        assert (sampled.action == DROPPED).all()
        assert np.isnan(sampled.boxes).all()


@pytest.mark.parametrize("seed", range(5))
def test_every_frame_is_accounted_for_whatever_happens(seed):
    rng = np.random.default_rng(seed)
    truth = [[] if rng.random() < 0.3 else [at(rng.choice([100, 130, 500]))] for _ in range(70)]
    found = run(truth, stride=1).found
    track = track_of(truth)
    assert len(track.frames) == 70
    np.testing.assert_array_equal(np.isnan(track.boxes[:, 0]), track.action == DROPPED)
    np.testing.assert_array_equal(track.reason == "", track.action == SEEN)
    assert all(track.action[k] != SEEN for k, boxes in found.items() if not boxes)
    for k, boxes in found.items():
        if boxes:
            assert iou(FaceBox(*track.boxes[k]), boxes[0]) == 1
            assert track.action[k] == SEEN
