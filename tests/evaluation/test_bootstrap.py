import time

import numpy as np
import pytest

from deepfake_adv.evaluation import metrics
from deepfake_adv.evaluation.bootstrap import GRID, Sample, _grid, concordance, draw, interval, replicate


def repeated(sample, weights):
    """The resample written out: every frame as often as its video was drawn."""
    times = weights[sample.cluster].astype(int)
    return np.repeat(sample.scores, times), np.repeat(sample.labels, times)


def test_replicates_equal_metrics_of_the_written_out_resample(sample, strata):
    drawn = draw(strata, 25, seed=5)
    found = replicate(sample, drawn)
    for index, weights in enumerate(drawn):
        expected = metrics.all_metrics(*repeated(sample, weights))
        assert {name: found[name][index] for name in expected} == pytest.approx(expected, abs=1e-5, nan_ok=True)


@pytest.mark.parametrize(
    ("reals", "largest"), [(20, {"tpr": 4.1e-3, "eer": 1.6e-3, "ap": 7e-4}), (50, {"tpr": 8.1e-3, "ap": 2.4e-3})]
)
def test_many_distinct_scores_stay_within_the_stated_error(reals, largest):
    videos = reals + (20 if reals == 20 else 10)
    rng = np.random.default_rng(0)
    cluster = np.repeat(np.arange(videos), 100)
    labels = (cluster >= reals).astype(int)
    scores = 1 / (1 + np.exp(-rng.normal(labels * 1.5 + rng.normal(0, 0.5, videos)[cluster], 1)))
    sample = Sample(scores, labels, cluster)
    drawn = draw(tuple("d/real" if k < reals else "d/NT" for k in range(videos)), 25, seed=0)
    found = replicate(sample, drawn)
    assert len(np.unique(scores)) > GRID
    thresholds = _grid(sample)
    errors = dict.fromkeys(("ap", "eer", "tpr"), 0.0)
    for index, weights in enumerate(drawn):
        drawn_scores, drawn_labels = repeated(sample, weights)
        expected = metrics.all_metrics(drawn_scores, drawn_labels)
        for name in ("auc", "acc", "fpr", "ece"):
            assert found[name][index] == pytest.approx(expected[name], abs=1e-9)
        bins = np.searchsorted(thresholds, drawn_scores, side="right")
        real, fake = (
            np.bincount(bins[drawn_labels == label], minlength=len(thresholds) + 1) / (drawn_labels == label).sum()
            for label in (0, 1)
        )
        assert -fake.max() - 1e-6 <= found["tpr"][index] - expected["tpr"] <= 1e-6
        assert abs(found["eer"][index] - expected["eer"]) <= np.minimum(real, fake).max() + 1e-6
        errors = {name: max(error, abs(found[name][index] - expected[name])) for name, error in errors.items()}
    assert errors["tpr"] > 1e-3  # so the bounds above are not idle
    assert all(errors[name] <= most for name, most in largest.items())


def test_whole_videos_are_drawn_within_their_class(sample, strata):
    drawn = draw(strata, 200, seed=1)
    fakes = np.array([name.endswith("NT") for name in strata])
    assert (drawn[:, ~fakes].sum(1) == 6).all()
    assert (drawn[:, fakes].sum(1) == 5).all()
    assert drawn.mean(0) == pytest.approx(1, abs=0.25)


def test_draws_of_a_stratum_do_not_depend_on_the_others():
    alone = draw(("c/real",) * 4, 10, seed=7)
    together = draw(("c/NT", "c/NT", *("c/real",) * 4), 10, seed=7)
    assert (together[:, 2:] == alone).all()
    assert (draw(("c/real",) * 4, 10, seed=8) != alone).any()


def test_concordance_counts_pairs(sample):
    order = np.argsort(sample.cluster, kind="stable")
    scores, cluster = sample.scores[order], sample.cluster[order]
    fakes = np.arange(11) >= 6
    found = concordance(scores, cluster, fakes)
    for r in range(6):
        for f in range(5):
            real, fake = scores[cluster == r], scores[cluster == 6 + f]
            assert found[r, f] == (fake[:, None] > real).sum() + (fake[:, None] == real).sum() / 2


def test_one_class_has_no_curve_but_an_accuracy(sample, strata):
    only = Sample(sample.scores, np.zeros_like(sample.labels), sample.cluster)
    found = replicate(only, draw(strata, 5, 0))
    assert np.isfinite(found["acc"]).all()
    assert np.isnan(found["auc"]).all()
    assert np.isnan(found["tpr"]).all()
    assert found["fpr"] == pytest.approx(1 - found["acc"])
    fakes = Sample(sample.scores, np.ones_like(sample.labels), sample.cluster)
    assert np.isnan(replicate(fakes, draw(strata, 5, 0))["fpr"]).all()


def test_a_resample_without_a_class_is_undefined_and_the_others_are_not(sample):
    drawn = np.ones((3, 11), np.float32)
    drawn[0, :6] = drawn[1, 6:] = 0
    found = replicate(sample, drawn)
    expected = metrics.all_metrics(sample.scores, sample.labels)
    for name in ("auc", "ap", "eer", "tpr"):
        assert np.isnan(found[name][:2]).all()
        assert found[name][2] == pytest.approx(expected[name], abs=1e-5)


def test_scores_on_another_scale_have_a_threshold_and_no_calibration(sample, strata):
    logits = Sample(sample.scores * 8 - 4, sample.labels, sample.cluster)
    drawn = draw(strata, 20, 0)
    one, other = replicate(sample, drawn, 0.405), replicate(logits, drawn, -0.76)
    assert np.isnan(other["ece"]).all()
    for name in set(one) - {"ece"}:
        assert other[name] == pytest.approx(one[name], abs=1e-6)
    assert (one["acc"] != replicate(sample, drawn)["acc"]).any()


def test_a_video_without_a_scored_frame_is_passed_over(sample, strata):
    keep = sample.cluster != 2
    partial = Sample(sample.scores[keep], sample.labels[keep], sample.cluster[keep])
    drawn = draw(strata, 30, 0)
    found = replicate(partial, drawn)
    for index, weights in enumerate(drawn):
        expected = metrics.all_metrics(*repeated(partial, weights))
        assert found["auc"][index] == pytest.approx(expected["auc"], abs=1e-12)


def test_interval_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(11)
    hits = 0
    for trial in range(60):
        effect = rng.normal(0, 0.8, 60)
        cluster = np.repeat(np.arange(60), 8)
        labels = (cluster >= 30).astype(int)
        scores = 1 / (1 + np.exp(-rng.normal(labels + effect[cluster], 1)))
        strata = tuple("r/real" if k < 30 else "r/NT" for k in range(60))
        found = replicate(Sample(scores, labels, cluster), draw(strata, 300, trial))
        low, high = interval(found["auc"], 0.95)
        hits += low <= 0.7096 <= high  # P(N(1, 1.64 * 2) > 0)
    assert hits >= 51


def test_interval_of_nothing_is_undefined():
    assert np.isnan(interval(np.full(5, np.nan), 0.95)).all()
    low, high = interval(np.append(np.linspace(0, 1, 101), np.nan), 0.9)
    assert (low, high) == pytest.approx((0.05, 0.95))


def test_a_thousand_resamples_of_28000_frames_cost_a_fraction_of_their_being_written_out():
    rng = np.random.default_rng(0)
    cluster = np.repeat(np.arange(280), 100)
    labels = (cluster >= 140).astype(int)
    strata = tuple("r/real" if k < 140 else "r/NT" for k in range(280))
    sample = Sample(rng.random(28_000), labels, cluster)
    start = time.process_time()
    drawn = draw(strata, 1000, 0)
    replicate(sample, drawn)
    resampled = time.process_time() - start
    start = time.process_time()
    for weights in drawn[:50]:
        metrics.all_metrics(*repeated(sample, weights))
    written_out = 20 * (time.process_time() - start)
    assert resampled < written_out / 4  # a fiftieth when written
