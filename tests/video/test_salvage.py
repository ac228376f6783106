"""What still decodes of a damaged video."""

import numpy as np
import pytest

from deepfake_adv.video.encode import write_h264
from deepfake_adv.video.errors import VideoError
from deepfake_adv.video.read import read_frames
from deepfake_adv.video.salvage import IntactFrames, count_intact


@pytest.fixture
def clip(tmp_path):
    rng = np.random.default_rng(0)
    write_h264(tmp_path / "clip.mp4", rng.integers(60, 200, (40, 96, 64), dtype=np.uint8), crf=20)
    return tmp_path / "clip.mp4"


def zero(path, start, end):
    content = bytearray(path.read_bytes())
    low, high = int(start * len(content)), int(end * len(content))
    content[low:high] = bytes(high - low)
    path.write_bytes(content)


def test_a_whole_video_gives_the_frames_that_it_has(clip):
    intact = IntactFrames(clip)
    assert all(np.array_equal(one, two) for one, two in zip(intact, read_frames(clip), strict=True))
    assert intact.broken == 0
    assert count_intact(clip, VideoError("unused")) == (40, 0)


def test_frames_before_the_damage_are_those_of_the_whole_video(clip):
    before = list(read_frames(clip))
    zero(clip, 0.6, 0.7)
    intact = IntactFrames(clip)
    after = list(intact)
    assert 5 < len(after) < 40
    assert intact.broken > 0
    assert all(np.array_equal(one, two) for one, two in zip(before, after[:5], strict=False))
    assert count_intact(clip, VideoError("unused")) == (len(after), intact.broken)


def test_a_file_of_which_nothing_decodes_keeps_its_first_error(tmp_path):
    (tmp_path / "text.mp4").write_text("no video" * 100)
    with pytest.raises(VideoError, match="the first error"):
        count_intact(tmp_path / "text.mp4", VideoError("the first error"))
