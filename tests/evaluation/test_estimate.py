"""Metrics with intervals from scores in memory."""

import numpy as np
import pytest
from sklearn import metrics as reference

from deepfake_adv.evaluation.estimate import Estimate, evaluate_scores
from deepfake_adv.evaluation.metrics import METRICS


@pytest.fixture(scope="module")
def frames():
    """Scores of 40 videos of 25 frames each, which agree within a video; half of the videos are fake."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(40) % 2, 25)
    level = np.repeat(rng.normal(size=40), 25)
    scores = 1 / (1 + np.exp(-(level + 0.2 * rng.normal(size=1000) + labels)))
    return scores, labels, np.repeat([f"video{number}" for number in range(40)], 25)


def test_values_are_scikit_learns_and_lie_in_their_intervals(frames):
    scores, labels, videos = frames
    found = evaluate_scores(scores, labels, videos)
    assert list(found) == list(METRICS)
    assert found["auc"].value == pytest.approx(reference.roc_auc_score(labels, scores))
    assert found["ap"].value == pytest.approx(reference.average_precision_score(labels, scores))
    assert found["acc"].value == pytest.approx(((scores > 0.5) == labels).mean())
    for estimate in found.values():
        assert 0 <= estimate.low <= estimate.high <= 1
    assert found["auc"].low < found["auc"].value < found["auc"].high


def test_intervals_are_over_videos(frames):
    scores, labels, videos = frames
    by_video, by_frame = evaluate_scores(scores, labels, videos)["auc"], evaluate_scores(scores, labels)["auc"]
    assert by_video.value == by_frame.value
    assert by_video.high - by_video.low > 3 * (by_frame.high - by_frame.low)  # 25 frames as one: five times


def test_an_interval_of_the_accuracy_is_the_binomials(frames):
    rng = np.random.default_rng(1)
    labels = np.arange(400) % 2
    scores = np.where(rng.random(400) < 0.8, labels, 1 - labels) * 0.8 + 0.1
    found = evaluate_scores(scores, labels, resamples=4000)["acc"]
    half = 1.96 * np.sqrt(found.value * (1 - found.value) / 400)
    assert (found.low, found.high) == pytest.approx((found.value - half, found.value + half), abs=0.006)


def test_order_and_names_of_videos_do_not_matter_and_the_seed_does(frames):
    scores, labels, videos = frames
    order = np.random.default_rng(2).permutation(len(scores))
    first = evaluate_scores(scores, labels, videos)
    assert evaluate_scores(scores, labels, videos, seed=1)["auc"] != first["auc"]
    for name, estimate in evaluate_scores(scores[order].tolist(), labels[order].tolist(), videos[order]).items():
        assert estimate == pytest.approx(first[name], abs=1e-9)


def test_one_class_has_an_accuracy_alone_and_no_resamples_give_no_intervals():
    found = evaluate_scores([0.2, 0.7], [0, 0], resamples=50)
    assert found["acc"].value == 0.5
    assert np.isnan(found["auc"]).all()
    bare = evaluate_scores([0.2, 0.7], [0, 1], resamples=0)["auc"]
    assert isinstance(bare, Estimate)
    assert bare.value == 1
    assert np.isnan(bare[1:]).all()


def test_identities_are_drawn_where_they_are_given(frames):
    scores, labels, videos = frames
    people = [f"{number:02d}" for number in range(20)]
    target = np.repeat([people[number // 2] for number in range(40)], 25)  # of real 2k and fake 2k + 1
    source = np.repeat([people[(number // 2) ^ 1] if number % 2 else "" for number in range(40)], 25)
    alone, pairs = (
        evaluate_scores(scores, labels, videos, targets=targets, sources=sources)["auc"]
        for targets, sources in ((None, None), (target, source))
    )
    assert pairs.value == alone.value
    assert (pairs.low, pairs.high) != (alone.low, alone.high)


def test_a_threshold_is_for_what_is_called_fake(frames):
    scores, labels, videos = frames
    found = evaluate_scores(scores, labels, videos, threshold=0.7, resamples=20)
    assert found["acc"].value == pytest.approx(((scores > 0.7) == labels).mean())
    assert found["fpr"].value == pytest.approx((scores[labels == 0] > 0.7).mean())


@pytest.mark.parametrize("name", ["targets", "sources"])
def test_a_video_has_one_target_and_one_source(name):
    with pytest.raises(ValueError, match=rf"{name} must be one for each video; got 'x' and 'y' in 'a'"):
        evaluate_scores([0.1, 0.2, 0.3], [0, 0, 1], ["a", "a", "b"], **{name: ["x", "y", "z"]})
    with pytest.raises(ValueError, match=rf"{name} must be 1-D with one entry per score \(3\); got \(2,\)"):
        evaluate_scores([0.1, 0.2, 0.3], [0, 0, 1], ["a", "a", "b"], **{name: ["x", "y"]})


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (([], []), "scores must hold at least one value; got none"),
        (([0.1, 0.2], [0]), "scores and labels must be 1-D and equally long"),
        (([0.1, float("nan")], [0, 1]), "scores must be finite; got 1"),
        (([0.1, 0.2], [0, 2]), r"labels must be 0 \(real\) or 1 \(fake\)"),
        (([0.1, 0.2], [0, 1], ["a"]), r"videos must be 1-D with one entry per score \(2\); got \(1,\)"),
        (([0.1, 0.2, 0.3], [0, 1, 1], ["b", "a", "b"]), "videos must be real or fake as a whole; got both labels in"),
    ],
)
def test_what_cannot_be_measured_is_refused(arguments, said):
    with pytest.raises(ValueError, match=said):
        evaluate_scores(*arguments)


@pytest.mark.parametrize(
    ("options", "said"),
    [({"resamples": -1}, "resamples must be at least 0; got -1"), ({"confidence": 1.0}, "confidence must be above 0")],
)
def test_options_out_of_range_are_refused(options, said):
    with pytest.raises(ValueError, match=said):
        evaluate_scores([0.1, 0.9], [0, 1], **options)
