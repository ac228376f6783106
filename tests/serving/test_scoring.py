"""What the worker makes of an upload; in this process, with the tests' own locator."""

import tempfile

import pytest

from deepfake_adv.serving import scoring
from deepfake_adv.serving.scoring import load, renamed, score_upload
from deepfake_adv.serving.tasks import PROGRESS
from tests.prediction.conftest import find_squares

FACE, OTHER = (10, 30, 60), (110, 20, 70)


@pytest.fixture
def loaded(monkeypatch, trained):
    monkeypatch.setattr("deepfake_adv.extraction.tracking._locator", lambda *options: find_squares)
    monkeypatch.setattr(tempfile, "tempdir", tempfile.tempdir)
    monkeypatch.setattr(scoring, "_loaded", [])
    return load(trained(), "cpu", {}, None)


def test_an_upload_becomes_a_row_and_a_page_under_its_owners_name(loaded, film, tmp_path):
    clip = film([[FACE, OTHER]] * 12)
    assert loaded["detector"]["run"] == "run"
    found = score_upload(clip, "<b>mine</b>.mp4")
    assert found["row"]["path"] == "<b>mine</b>.mp4"
    assert found["row"]["faces"]["scored"] == 2
    assert "&lt;b&gt;mine&lt;/b&gt;.mp4" in found["page"]
    assert 'class="view"' in found["page"]
    assert str(tmp_path) not in found["page"]
    assert (tmp_path / PROGRESS).read_text() == "24 24"
    assert tempfile.gettempdir() == str(tmp_path)


@pytest.mark.parametrize(
    "content", [b"no video", b"", b"#EXTM3U\n#EXTINF:1,\nclip.mp4\n", b"ffconcat version 1.0\nfile clip.mp4\n"]
)
def test_what_is_no_video_or_names_other_files_is_refused(loaded, film, tmp_path, content):
    film([[FACE]] * 12)  # clip.mp4, which the playlists name
    path = tmp_path / "file.upload"
    path.write_bytes(content)
    found = score_upload(path, "notes.m3u8")
    assert found["page"] == ""
    assert found["row"]["error"].startswith("notes.m3u8 must")
    assert str(tmp_path) not in found["row"]["error"]


def test_a_video_without_a_face_is_told_by_its_owners_name(loaded, film, tmp_path):
    found = score_upload(film([[]] * 12), "empty.mp4")
    assert found["page"] == ""
    assert found["row"]["error"].count("empty.mp4") == 1
    assert "clip.mp4" not in found["row"]["error"]


def test_every_text_of_a_row_is_renamed():
    assert renamed({"a": ["/x/f says", 1], "b": {"c": "/x/f"}, "d": None}, "/x/f", "n") == {
        "a": ["n says", 1], "b": {"c": "n"}, "d": None,
    }  # fmt: skip
