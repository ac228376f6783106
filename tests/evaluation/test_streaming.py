import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepfake_adv.evaluation import metrics
from deepfake_adv.evaluation.streaming import BINS, StreamingMetrics, keys


def saturated(seed, n=40_000):
    """Scores as trained detectors give them: most of them close to 0 or 1."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, n)
    return (1 / (1 + np.exp(-rng.normal(6 * (labels - 0.5), 5)))).astype(np.float32), labels


def test_streamed_metrics_keep_their_bound():
    scores, labels = saturated(0)
    stream = StreamingMetrics()
    for part in np.array_split(np.arange(len(scores)), 7):
        stream.update(scores[part], labels[part])
    found, exact = stream.result(), metrics.all_metrics(scores, labels)
    assert abs(found.metrics["auc"] - exact["auc"]) <= found.auc_error < 1e-3
    assert found.metrics["acc"] == exact["acc"]
    assert found.metrics["fpr"] == pytest.approx(exact["fpr"], abs=1e-12)
    assert found.metrics["ece"] == pytest.approx(exact["ece"], abs=1e-6)
    for name in ("ap", "eer", "tpr"):
        assert found.metrics[name] == pytest.approx(exact[name], abs=1e-3)


def test_merging_equals_one_stream():
    scores, labels = saturated(1)
    whole, left, right = StreamingMetrics(), StreamingMetrics(), StreamingMetrics()
    whole.update(scores, labels)
    left.update(scores[:1000], labels[:1000])
    right.update(scores[1000:], labels[1000:])
    left.merge(right)
    assert left.result().metrics == pytest.approx(whole.result().metrics)
    assert left.result().scores == len(scores)


@given(st.lists(st.floats(0, 1, width=32), min_size=2, max_size=50))
def test_bins_never_reorder_scores(values):
    scores = np.sort(np.array(values, dtype=np.float32))
    found = keys(scores)
    assert (np.diff(found) >= 0).all()
    assert 0 <= found.min() <= found.max() < BINS


def test_the_threshold_is_the_edge_of_a_bin():
    half = np.float32(0.5)
    low, high = keys(np.array([half, np.nextafter(half, np.float32(1))], dtype=np.float32))
    assert low < high


def test_lost_scores_are_counted():
    stream = StreamingMetrics()
    stream.update(np.array([0.1, np.nan, 0.9]), np.array([0, 1, 1]))
    assert (stream.result().lost, stream.result().scores) == (1, 2)


def test_nothing_and_one_class_are_undefined():
    assert all(math.isnan(value) for value in StreamingMetrics().result().metrics.values())
    stream = StreamingMetrics()
    stream.update(np.array([0.1, 0.9]), np.array([0, 0]))
    assert math.isnan(stream.result().metrics["auc"])
    assert stream.result().metrics["acc"] == 0.5


def test_logits_are_refused():
    with pytest.raises(ValueError, match="not logits"):
        StreamingMetrics().update(np.array([-1.0, 3.0]), np.array([0, 1]))
