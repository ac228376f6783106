"""Damaged video: what decodes is looked at and the damage is said; limits."""

import cv2
import numpy as np
import pytest

from deepfake_adv.prediction.media import Limits, open_medium
from deepfake_adv.prediction.predict import predict
from deepfake_adv.video.errors import VideoError

FACE = (10, 30, 60)


def zero(path, start, end):
    """Fill a share of a file with zeros, as an interrupted copy does."""
    content = bytearray(path.read_bytes())
    low, high = int(start * len(content)), int(end * len(content))
    content[low:high] = bytes(high - low)
    path.write_bytes(content)


def look_at(path, **options):
    return open_medium(path, 10, **{"one_video": False, "strict": False, "limits": Limits(), **options})


@pytest.fixture
def clip(film):
    return film([[FACE]] * 40)


def test_a_whole_video_has_no_damage(clip):
    medium = look_at(clip)
    assert (medium.damage, medium.frames, len(medium.indices)) == ("", 40, 10)


@pytest.mark.parametrize(("start", "end"), [(0.6, 0.75), (0.7, 0.9)])
def test_what_decodes_of_a_damaged_video_is_scored_and_the_damage_is_said(clip, trained, start, end):
    zero(clip, start, end)
    folder = trained()
    found = predict(clip, folder, accelerator="cpu")
    assert "frames decode" in found.damage
    assert str(clip) not in found.damage
    assert 0 < len(found.people[0].frames) <= 12
    with pytest.raises(ValueError, match="must be complete"):
        predict(clip, folder, strict=True, accelerator="cpu")


def test_a_file_of_which_nothing_decodes_is_refused_with_its_first_error(tmp_path, clip):
    (tmp_path / "text.mp4").write_text("no video" * 100)
    with pytest.raises(VideoError, match=r"text\.mp4 must be a video; it cannot be opened"):
        look_at(tmp_path / "text.mp4")


@pytest.mark.parametrize("limits", [Limits(frames=39), Limits(pixels=192 * 128 - 1)])
def test_media_above_the_limits_are_refused_whole_or_damaged(clip, limits):
    with pytest.raises(ValueError, match=r"clip\.mp4 must have at most .* Cut or shrink it"):
        look_at(clip, limits=limits)
    zero(clip, 0.8, 0.9)
    with pytest.raises(ValueError, match=r"clip\.mp4 must have at most"):
        look_at(clip, limits=Limits(frames=3))


def test_a_folder_is_one_video_only_where_that_is_said(tmp_path):
    for index in range(12):
        cv2.imwrite(str(tmp_path / f"{index}.png"), np.full((32, 32, 3), index * 10, np.uint8))
    with pytest.raises(ValueError, match=r"must be a file, or a folder that holds some to look at; got the folder"):
        look_at(tmp_path)
    medium = look_at(tmp_path, one_video=True)
    assert [index for index, _ in medium.read()] == medium.indices.tolist()
    assert medium.frames == 12


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(FileNotFoundError, match="must be an image or video; found none"):
        look_at(tmp_path / "nothing.mp4")
