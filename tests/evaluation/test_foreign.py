import numpy as np
import pytest

from deepfake_adv.evaluation import metrics
from deepfake_adv.evaluation.foreign import as_text, evaluate_table
from deepfake_adv.evaluation.run import Settings
from deepfake_adv.evaluation.score_table import read_score_table

SETTINGS = Settings(resamples=300, confidence=0.95, seed=0)


@pytest.fixture
def rows():
    """(video, label, score, forgery): 20 real videos, 15 of DF and 15 of NT, of four frames each."""
    rng = np.random.default_rng(0)
    found = []
    for kind, count, shift in (("", 20, -1), ("DF", 15, 1.5), ("NT", 15, 0.3)):
        for k in range(count):
            for logit in rng.normal(shift + rng.normal(0, 0.5), 1, 4):
                found.append((f"{kind or 'real'}/{k}", int(bool(kind)), 1 / (1 + np.exp(-logit)), kind))
    return found


@pytest.fixture
def measure(tmp_path):
    def measured(rows, **options):
        text = "video,label,score,forgery\n" + "\n".join(",".join(map(str, row)) for row in rows)
        (tmp_path / "scores.csv").write_text(text)
        return evaluate_table(read_score_table(tmp_path / "scores.csv"), SETTINGS, **options)

    return measured


def test_values_are_the_metrics_with_intervals_around_them(measure, rows):
    found = measure(rows)
    (result,) = found["results"]
    scores, labels = np.array([row[2] for row in rows]), np.array([row[1] for row in rows])
    expected = metrics.all_metrics(scores, labels)
    for name in ("auc", "ap", "eer", "acc", "tpr", "ece"):
        number = result["frame"][name]
        assert number["value"] == pytest.approx(expected[name], abs=1e-6)
        assert number["low"] <= number["value"] <= number["high"]
    called = scores > 0.5
    assert result["frame"]["confusion"]["tp"] == (called & (labels == 1)).sum()
    assert result["frame"]["found"]["value"] == pytest.approx(called[labels == 1].mean(), abs=1e-6)
    assert result["frame"]["false_alarms"]["value"] == pytest.approx(expected["fpr"], abs=1e-6)
    assert result["frame"]["found"]["low"] < result["frame"]["found"]["value"] < result["frame"]["found"]["high"]
    assert (result["frames"], result["videos"]) == ({"real": 80, "fake": 120}, {"real": 20, "fake": 30})
    assert result["drawn"] == {"kind": "videos", "count": 50}


def test_a_column_parts_the_fakes_and_reals_join_each(measure, rows):
    found = {result["group"]: result for result in measure(rows, by="forgery")["results"]}
    assert list(found) == ["all", "DF", "NT"]
    assert found["NT"]["videos"] == {"real": 20, "fake": 15}
    assert found["DF"]["video"]["auc"]["value"] > found["NT"]["video"]["auc"]["value"]
    with pytest.raises(ValueError, match=r"--by must be a column of .*; got 'method'"):
        measure(rows, by="method")


def test_a_threshold_moves_what_is_called_fake(measure, rows):
    strict, usual = (measure(rows, threshold=threshold)["results"][0]["video"] for threshold in (0.8, None))
    assert strict["auc"] == usual["auc"]
    assert strict["false_alarms"]["value"] < usual["false_alarms"]["value"]


def test_scores_on_another_scale_need_a_threshold(measure, rows):
    logits = [(video, label, np.log(score / (1 - score)), kind) for video, label, score, kind in rows]
    with pytest.raises(ValueError, match=r"scores must be in \[0, 1\] where no threshold is given; got -"):
        measure(logits)
    moved, usual = measure(logits, threshold=0)["results"][0]["frame"], measure(rows)["results"][0]["frame"]
    assert moved["ece"]["value"] is None
    for name in ("auc", "acc", "found"):
        assert moved[name] == pytest.approx(usual[name], abs=1e-6)


def test_missing_scores_are_said(measure, rows):
    some = [(*row[:2], "" if row[0] == "NT/3" or k == 0 else row[2], row[3]) for k, row in enumerate(rows)]
    found = measure(some)
    assert found["missing"] == {"rows": 5, "video_score": 0.5}
    assert found["results"][0]["missing"] == {"rows": 5, "videos": 1}
    assert found["results"][0]["videos"]["fake"] == 30
    text = as_text(found)
    assert "200 rows, one per frame; 5 without a score" in text
    assert "1 videos without any score count as 0.5" in text


def test_one_row_per_video_has_no_frame_level_and_one_class_says_undefined(measure, rows):
    single = list({row[0]: row for row in rows}.values())
    (result,) = measure(single)["results"]
    assert "frame" not in result
    text = as_text(measure([row for row in single if not row[1]]))
    assert "undefined" in text
    assert "0 of 0 fakes" in text


def test_people_read_percent_with_intervals(measure, rows):
    text = as_text(measure(rows, by="forgery"))
    assert "All rows: 20 real and 30 fake videos; drawn: 50 videos" in text
    assert "forgery DF: 20 real and 15 fake videos; drawn: 35 videos" in text
    assert "AUC" in text
    assert "Confusion at a threshold of 0.5:" in text
