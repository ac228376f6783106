"""A detector on labelled files."""

import csv
import json

import pyarrow.parquet as pq
import pytest

from deepfake_adv.evaluation.run import Settings
from deepfake_adv.evaluation.score_table import read_score_table
from deepfake_adv.execution.pool import map_tasks
from deepfake_adv.prediction.batch import BatchOptions
from deepfake_adv.prediction.evaluate import evaluate_files, told
from deepfake_adv.prediction.labelled import read_labelled
from deepfake_adv.prediction.predict import predict
from deepfake_adv.prediction.settings import face_settings
from deepfake_adv.training.trained import load_trained

FACE = [(60, 40, 50)]
OPTIONS = BatchOptions(one_video=True, workers=1, quiet=True)
INTERVALS = Settings(50, 0.95, 0)


@pytest.fixture
def project(tmp_path, film, trained):
    """Two reals, two fakes, one file without a face and one that is none; a run."""
    for number, name in enumerate(("a", "b", "c", "d")):
        film([[(60, 40 + 5 * number, 50)]] * 6, f"{name}.mp4")
    film([[]] * 6, "empty.mp4")
    (tmp_path / "notes.mp4").write_text("no video")
    lines = ["a.mp4,real,", "b.mp4,real,", "c.mp4,fake,NT", "d.mp4,fake,DF", "empty.mp4,real,", "notes.mp4,fake,DF"]
    (tmp_path / "table.csv").write_text("path,label,forgery\n" + "\n".join(lines) + "\n")
    return tmp_path, trained()


def go(project, lines=None, **options):
    root, run = project
    if lines is not None:
        (root / "table.csv").write_text("path,label,forgery\n" + "\n".join(lines) + "\n")
    one = load_trained(run)
    files = read_labelled(str(root / "table.csv"), {})
    given = {"data": "table.csv", "intervals": INTERVALS, "options": OPTIONS, **options}
    return evaluate_files(files, one, face_settings(one.record), root / "out", **given)


def test_scores_are_those_of_predict_and_metrics_those_of_any_table(project):
    root, run = project
    found = go(project)
    everything, *groups = found["results"]
    assert everything["videos"] == {"real": 3, "fake": 3}
    assert [result["group"] for result in groups] == ["DF", "NT"]
    assert found["files"]["scored"] == 4
    failed = {one["path"].rsplit("/", 1)[-1]: one["error"] for one in found["files"]["failed"]}
    assert set(failed) == {"empty.mp4", "notes.mp4"}
    with open(root / "out/scores.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    own = [float(row["score"]) for row in rows if row["path"].endswith("a.mp4")]
    expected = predict(root / "a.mp4", run)
    assert own == [frame.score for frame in expected.people[0].frames]
    assert found["results"][0]["video"]["auc"]["value"] is not None
    assert read_score_table(root / "out/scores.csv").missing == 2
    assert pq.read_table(root / "out/files.parquet").num_rows == 6
    assert json.loads((root / "out/metrics.json").read_text()) == json.loads(json.dumps(found))
    page = (root / "out/report.html").read_text()
    assert page.count("<tr>") == 3 + 6
    assert "http" not in page


def test_a_later_call_scores_what_is_missing_alone(project, monkeypatch):
    before = go(project)
    looked = []

    def record(function, tasks, **options):
        looked.extend(task.path.name for task in tasks)
        return map_tasks(function, tasks, **options)

    monkeypatch.setattr("deepfake_adv.prediction.looking.map_tasks", record)
    assert go(project)["results"] == before["results"]
    assert looked == ["empty.mp4", "notes.mp4"]  # what failed is tried again


def test_one_class_alone_is_said_in_words(project):
    found = go(project, ["a.mp4,real,", "b.mp4,0,"])
    (result,) = found["results"]
    assert result["video"]["auc"]["value"] is None
    assert result["video"]["false_alarms"]["value"] is not None
    text = told(found)
    assert "all: AUC, average precision, equal error rate and the share found at 1 % false alarms need both" in text
    assert "there is no fake file" in text
    assert "need both classes" in (project[0] / "out/report.html").read_text()


def test_where_nothing_can_be_scored_the_reason_is_given(project):
    with pytest.raises(ValueError, match=r"a file that can be scored; got none of 1, the first because: .*face"):
        go(project, ["empty.mp4,real,"])


def test_pictures_and_folders_of_frames_count_as_files(project, film):
    root, _ = project
    import cv2

    from deepfake_adv.video.read import read_frames  # frames of a video as pictures

    (root / "frames").mkdir()
    for number, planes in enumerate(read_frames(root / "a.mp4", [0, 2, 4])):
        cv2.imwrite(str(root / f"frames/{number}.png"), cv2.cvtColor(planes, cv2.COLOR_YUV2BGR_I420))
    cv2.imwrite(str(root / "one.png"), cv2.imread(str(root / "frames/0.png")))
    found = go(project, ["frames,real,", "one.png,fake,"])
    assert found["files"] == {"scored": 2, "failed": []}
    assert found["results"][0]["frames"] == {"real": 3, "fake": 1}
