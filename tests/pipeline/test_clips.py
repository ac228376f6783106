"""A user's own real clips, from a folder to tables."""

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
