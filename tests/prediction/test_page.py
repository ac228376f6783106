"""The page of a batch: what it says, that it loads nothing, and that no name of a file gets out of its place."""

import re
from pathlib import Path

import numpy as np
import pytest

from deepfake_adv.prediction import page as pages
from deepfake_adv.prediction.batch import BatchOptions, predict_all
from deepfake_adv.prediction.exhibits import data_uri, gather
from deepfake_adv.prediction.output import readable
from deepfake_adv.prediction.page import by_evidence, write_page
from deepfake_adv.prediction.settings import face_settings
from deepfake_adv.training.trained import load_trained

FACE, OTHER, SMALL = (10, 30, 60), (110, 20, 70), (150, 100, 20)
EVIL = "<img src=x onerror=alert(1)>&\u202e.mp4"


@pytest.fixture
def detector(trained):
    loaded = load_trained(trained())
    return loaded, face_settings(loaded.record)


@pytest.fixture
def make(detector, tmp_path):
    """Score files and write their page; gives rows and page."""

    def make(*paths):
        options = BatchOptions(workers=1, quiet=True)
        rows = list(predict_all([Path(path) for path in paths], *detector, options=options))
        write_page(tmp_path / "page.html", rows, *detector, quiet=True)
        return rows, (tmp_path / "page.html").read_text()

    return make


@pytest.fixture
def batch(film, tmp_path):
    """Two people, one of three who is too small, and a text file; each under a name of its own."""
    (tmp_path / "text.mp4").write_text("no video")
    return (
        film([[FACE, OTHER]] * 12, "two.mp4"),
        film([[FACE, SMALL]] * 12, EVIL),
        tmp_path / "text.mp4",
    )


def test_everyone_is_shown_in_order_of_evidence_and_what_was_left_out(make, batch):
    rows, text = make(*batch)
    shown = re.findall(r"<h2><bdi>(.*?)</bdi> <span class=\"score\">([\d.]+)</span></h2>", text)
    assert [float(score) for _, score in shown] == sorted((round(r["score"], 3) for r in rows[:2]), reverse=True)
    assert [len(re.findall(f"<h3>Person {number} ", text)) for number in (1, 2)] == [2, 1]
    assert text.count('role="img"') == 3  # a timeline for each person
    assert text.count('<path class="mark') == 36
    assert text.count("<figcaption>0:0") == 3 * 4
    assert "too small, face of 20 pixels" in text
    assert f"sha256 {rows[0]['sha256']}" in text
    assert f"sha256 {rows[0]['provenance']['detector']['sha256']}" in text
    assert re.search(r"text\.mp4</bdi></th><td>.*must be a video", text)


def test_the_page_loads_nothing_and_names_are_text(make, batch):
    _, text = make(*batch)
    assert "<img src=x" not in text
    assert "&lt;img src=x onerror=alert(1)&gt;&amp;" in text
    assert not re.findall(r'(?:src|href)="(?!#|data:)[^"]*"', text)
    assert "<script" not in text
    assert not re.findall(r"https?://", text)
    assert "default-src 'none'" in text


def test_the_overview_says_where_a_ratio_does_not_hold(film, trained, validation_videos, tmp_path):
    others = np.eye(16)[np.zeros(20, int)] + np.random.default_rng(0).normal(0, 0.01, (20, 16))
    loaded = load_trained(trained(videos=validation_videos(), features=others))
    detector = (loaded, face_settings(loaded.record, min_face=1))
    rows = list(
        predict_all(
            [film([[FACE]] * 12), film([[OTHER]] * 12, "other.mp4")],
            *detector,
            options=BatchOptions(workers=1, quiet=True),
        )
    )
    assert all(row["evidence"]["unlike"] > 1 for row in rows)
    write_page(tmp_path / "page.html", rows, *detector, quiet=True)
    overview = (tmp_path / "page.html").read_text().split("Overview", 1)[1].split("</table>", 1)[0]
    assert overview.count("<b>does not hold</b>: unlike the validation faces") == 2


def test_a_picture_has_no_timeline(make, tmp_path):
    picture = np.full((96, 96, 3), 40, np.uint8)
    picture[20:80, 20:80] = 210
    import cv2

    cv2.imwrite(str(tmp_path / "one.png"), picture)
    _, text = make(tmp_path / "one.png")
    assert 'class="timeline"' not in text
    assert "<h3>Person 1 " in text


def test_a_file_that_is_gone_keeps_its_scores_and_its_pictures_are_missed(make, batch, detector, tmp_path):
    rows, _ = make(batch[0])
    batch[0].unlink()
    write_page(tmp_path / "again.html", rows, *detector, quiet=True)
    text = (tmp_path / "again.html").read_text()
    assert "Pictures could not be read again" in text
    assert text.count('<path class="mark') == 24


def test_only_the_first_files_have_pictures(make, batch, monkeypatch):
    monkeypatch.setattr(pages, "PICTURED", 1)
    _, text = make(*batch[:2])
    assert text.count('class="view"') == 1


def test_a_page_of_failures_alone_names_them(make, batch):
    _, text = make(batch[2])
    assert "0 files scored, 1 not" in text


def test_equal_scores_are_sorted_by_path():
    rows = [{"status": "scored", "score": 0.5, "path": name} for name in "ba"] + [{"status": "failed", "path": "c"}]
    assert [row["path"] for row in by_evidence(rows)] == ["a", "b"]


def test_bytes_that_are_no_text_are_escaped():
    assert readable("caf\udce9.mp4") == "caf\\udce9.mp4"


def test_faces_are_those_of_the_row(make, batch, detector):
    rows, _ = make(batch[0])
    found = gather(rows[0], batch[0], *detector)
    assert set(found.faces) == {0, 1}
    people = rows[0]["people"]
    for number, faces in found.faces.items():
        scores = {one["frame"]: one["score"] for one in people[number]["frames"]}
        assert [scores[face.frame] for face in faces] == [face.score for face in faces]
        assert faces[0].score == max(scores.values())
        assert faces[-1].score == min(scores.values())
    assert {number for number, _ in found.view.boxes} == {0, 1}
    assert data_uri(np.zeros((4, 4, 3), np.uint8)).startswith("data:image/jpeg;base64,")
