"""A user's own real clips, from a folder or a table to tables."""

import csv
import json

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]


def test_real_clips_are_forged_and_end_in_tables(clips_project):
    folder = clips_project.folder
    made = json.loads((folder / "data/corpus/corpus.json").read_text())
    assert made["source"] == "clips"
    originals = list((folder / "data/corpus/original_sequences/youtube/c23/videos").glob("*.mp4"))
    assert len(originals) == 6
    table = (folder / "reports/tables/table_01.md").read_text()
    assert "not run" in table
    scores = json.loads((folder / "reports/metrics/compact_baseline.json").read_text())
    assert scores
    assert "<html" in (folder / "reports/report.html").read_text()


def test_a_table_of_real_videos_ends_in_scores_and_loses_nothing(table_project):
    folder = table_project.folder
    with open(folder / "data/inventory/mine/native.csv") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == len(table_project.table)
    bad = {row["path"].rsplit("/")[-1]: row["note"] for row in rows if row["status"] != "ok"}
    assert {"LICENSES.md", "index.csv"} <= set(bad)
    assert all(bad.values())
    assert not [name for name in bad if name.endswith((".mp4", ".mpg"))]
    metrics = json.loads((folder / "reports/metrics/compact_baseline.json").read_text())
    assert 0 <= metrics["frame"]["home"] <= 100
    assert "<html" in (folder / "reports/report.html").read_text()
