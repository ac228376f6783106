import pytest

from deepfake_adv.reporting.evidence import read_table
from deepfake_adv.reporting.measured import LEVELS_FILE, at_own_quality
from deepfake_adv.reporting.write_tables import write_levels


@pytest.fixture
def evaluations(project):
    return project / "reports/evaluation"


def test_every_test_has_a_line_with_frames_and_videos(evaluations, evaluation, tmp_path):
    players = ("baseline", "small")
    write_levels(evaluations, {"small_baseline": players, "absent": players}, tmp_path)
    head, *rows = read_table(tmp_path / LEVELS_FILE)
    results = evaluation("small_baseline")["results"]
    assert head[:6] == ["run", "train", "dataset", "test", "frame auc", "frame acc"]
    assert len(rows) == len(results)
    line = dict(zip(head, rows[0], strict=True))
    assert (line["run"], line["train"], line["test"]) == ("small_baseline", "NT_raw", "NT_raw")
    (entry,) = (entry for entry in results if entry["train"] == entry["test"] == "NT_raw")
    assert float(line["frame auc"]) == pytest.approx(100 * entry["frame"]["auc"]["value"], abs=0.005)
    (alone, *_) = (dict(zip(head, row, strict=True)) for row in rows if "real_native" in row)
    assert (alone["dataset"], alone["frame auc"]) == ("wild", "")
    assert float(alone["frame fpr"]) == pytest.approx(33.33)  # of 0.2, 0.4 and 0.6 one is called fake
    assert float(line["video eer"]) == pytest.approx(100 * entry["video"]["eer"]["value"], abs=0.005)


def test_the_report_shows_the_trainings_own_quality():
    head = ["run", "train", "dataset", "test"]
    rows = [["r", "NT_c23", "d", test] for test in ("NT_c23", "DF_c23", "NT_raw", "FF_all", "real_native")]
    assert [row[3] for row in at_own_quality([head, *rows])] == ["test", "NT_c23", "DF_c23", "real_native"]
    assert at_own_quality([]) == []
