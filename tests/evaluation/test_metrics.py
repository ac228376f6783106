import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference
from sklearn.calibration import calibration_curve

from deepfake_adv.evaluation import metrics


def scored(seed, n=400, decimals=None, balance=0.5):
    rng = np.random.default_rng(seed)
    labels = (rng.random(n) < balance).astype(int)
    scores = 1 / (1 + np.exp(-rng.normal(labels - 0.5, 1)))
    return (scores if decimals is None else scores.round(decimals)), labels


@pytest.mark.parametrize("decimals", [None, 1, 2])
@pytest.mark.parametrize("balance", [0.5, 0.1])
def test_metrics_equal_scikit_learn(decimals, balance):
    scores, labels = scored(0, decimals=decimals, balance=balance)
    found = metrics.all_metrics(scores, labels)
    assert found["auc"] == pytest.approx(reference.roc_auc_score(labels, scores), abs=1e-12)
    assert found["ap"] == pytest.approx(reference.average_precision_score(labels, scores), abs=1e-12)
    assert found["acc"] == pytest.approx(reference.accuracy_score(labels, scores > 0.5), abs=1e-12)
    fpr, tpr, _ = reference.roc_curve(labels, scores, drop_intermediate=False)
    assert found["tpr"] == pytest.approx(tpr[fpr <= 0.01].max(), abs=1e-12)
    x = np.linspace(0, 1, 200_001)
    crossing = x[np.argmin(np.abs(x - (1 - np.interp(x, fpr, tpr))))]
    if decimals is None:
        assert found["eer"] == pytest.approx(crossing, abs=2e-3)
    tn, fp, fn, tp = reference.confusion_matrix(labels, scores > 0.5).ravel()
    assert metrics.confusion(scores, labels) == (tp, fp, tn, fn)


def test_equal_error_rate_is_on_the_curve():
    scores, labels = scored(4, decimals=1)
    points = metrics.curve(scores, labels)
    rate = metrics.equal_error_rate(points)
    assert np.interp(rate, points.false / points.reals, points.true / points.fakes) == pytest.approx(1 - rate, abs=1e-9)


def test_calibration_error_equals_scikit_learns_curve():
    scores, labels = scored(1)
    share, mean = calibration_curve(labels, scores, n_bins=metrics.CALIBRATION_BINS)
    weights = np.bincount(metrics.calibration_bins(scores), minlength=metrics.CALIBRATION_BINS)
    expected = np.average(np.abs(share - mean), weights=weights[weights > 0])
    assert metrics.calibration_error(scores, labels) == pytest.approx(expected, abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), st.integers(0, 1)), min_size=2, max_size=40))
def test_auc_is_the_chance_of_a_right_order(pairs):
    scores, labels = np.array([p[0] for p in pairs]), np.array([p[1] for p in pairs])
    fakes, reals = scores[labels == 1], scores[labels == 0]
    found = metrics.auc(metrics.curve(scores, labels))
    if not len(fakes) or not len(reals):
        assert math.isnan(found)
        return
    wins = (fakes[:, None] > reals).mean() + (fakes[:, None] == reals).mean() / 2
    assert found == pytest.approx(wins, abs=1e-12)
    turned = metrics.auc(metrics.curve(1 - scores, 1 - labels))
    assert turned == pytest.approx(found, abs=1e-12)


def test_order_of_rows_does_not_matter():
    scores, labels = scored(2, decimals=1)
    order = np.random.default_rng(0).permutation(len(scores))
    assert metrics.all_metrics(scores, labels) == pytest.approx(metrics.all_metrics(scores[order], labels[order]))


def test_one_class_leaves_only_accuracy_and_calibration_defined():
    found = metrics.all_metrics(np.array([0.9, 0.2]), np.array([1, 1]))
    assert found["acc"] == 0.5
    assert found["ece"] == pytest.approx((0.1 + 0.8) / 2)
    assert all(math.isnan(found[name]) for name in ("auc", "ap", "eer", "tpr", "fpr"))


def test_reals_alone_have_an_accuracy_and_a_rate_of_false_alarms():
    found = metrics.all_metrics(np.array([0.9, 0.2, 0.3, 0.5]), np.zeros(4, int))
    assert (found["acc"], found["fpr"]) == (0.75, 0.25)
    assert math.isnan(found["auc"])


def test_nothing_gives_nan_everywhere():
    assert all(math.isnan(value) for value in metrics.all_metrics(np.array([]), np.array([], int)).values())


def test_all_scores_equal_is_chance():
    found = metrics.all_metrics(np.full(10, 0.5), np.array([0, 1] * 5))
    assert found["auc"] == 0.5
    assert found["eer"] == 0.5
    assert found["tpr"] == 0
    assert found["acc"] == 0.5  # exactly 0.5 is called real


def test_perfect_detector():
    found = metrics.all_metrics(np.array([0.1, 0.2, 0.8, 0.9]), np.array([0, 0, 1, 1]))
    assert (found["auc"], found["acc"], found["ap"], found["eer"], found["tpr"]) == (1, 1, 1, 0, 1)


@pytest.mark.parametrize(
    ("scores", "labels", "message"),
    [
        ([0.1, 0.2], [0], "equally long"),
        ([0.1, float("nan")], [0, 1], "finite; got 1"),
        ([0.1, 0.2], [0, 2], r"0 \(real\) or 1 \(fake\)"),
    ],
)
def test_bad_input_is_named(scores, labels, message):
    with pytest.raises(ValueError, match=message):
        metrics.curve(np.array(scores), np.array(labels))


def test_roc_on_a_grid_equals_scikit_learn():
    scores, labels = scored(5)
    grid = np.linspace(0, 1, 23)
    fpr, tpr, _ = reference.roc_curve(labels, scores, drop_intermediate=False)
    top = np.array([tpr[fpr <= x].max() if (fpr == x).any() else np.interp(x, fpr, tpr) for x in grid])
    assert metrics.roc_on_grid(metrics.curve(scores, labels), grid) == pytest.approx(top, abs=1e-12)
    assert np.isnan(metrics.roc_on_grid(metrics.curve(scores[:1], labels[:1]), grid)).all()
