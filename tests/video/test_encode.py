"""Encoders: lossless where documented, the same bytes twice, complete files only."""

import os
import subprocess
import sys

import av
import numpy as np
import pytest

from deepfake_adv.video.colour import i420_to_rgb, rgb_to_i420
from deepfake_adv.video.encode import write_ffv1, write_h264


@pytest.fixture
def frames():
    rng = np.random.default_rng(0)
    return [rgb_to_i420(rng.integers(0, 256, (32, 48, 3), dtype=np.uint8)) for _ in range(5)]


def decode(path):
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="yuv420p") for frame in container.decode(video=0)]


def test_rate_factor_zero_is_lossless(tmp_path, frames):
    assert write_h264(tmp_path / "a.mp4", frames, crf=0, fps=25) == 5
    np.testing.assert_array_equal(decode(tmp_path / "a.mp4"), frames)


def test_higher_rate_factors_lose_more_and_take_less(tmp_path):
    rng = np.random.default_rng(1)
    smooth = [np.kron(rng.integers(0, 256, (12, 12), dtype=np.uint8), np.ones((8, 8), np.uint8)) for _ in range(6)]
    errors, sizes = [], []
    for crf in (0, 23, 40):
        write_h264(tmp_path / f"{crf}.mp4", smooth, crf=crf)
        made = np.array(decode(tmp_path / f"{crf}.mp4"), np.float64)
        errors.append(np.abs(made - np.array(smooth)).mean())
        sizes.append((tmp_path / f"{crf}.mp4").stat().st_size)
    assert errors[0] == 0 < errors[1] < errors[2]
    assert sizes[0] > sizes[1] > sizes[2]


def test_gray_masks_come_back_through_the_common_conversion(tmp_path):
    mask = np.tile(np.arange(256, dtype=np.uint8), (32, 1))
    write_h264(tmp_path / "m.mp4", [mask, mask], crf=0, gray=True)
    made = i420_to_rgb(decode(tmp_path / "m.mp4")[1])
    assert np.abs(made.astype(int) - mask[..., None]).max() <= 1
    np.testing.assert_array_equal(made[:, [0, 255], 0], mask[:, [0, 255]])
    assert (made[:, 1:] > 0).all()


def test_frame_store_is_lossless_and_intra_only(tmp_path, frames):
    path = tmp_path / "s.mkv"
    assert write_ffv1(path, iter(frames), fps=10) == 5
    np.testing.assert_array_equal(decode(path), frames)
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    assert len(packets) == 5
    assert all(packet.is_keyframe for packet in packets)


def test_same_frames_give_the_same_bytes(tmp_path, frames):
    for name in ("a", "b"):
        write_h264(tmp_path / f"{name}.mp4", frames, crf=23)
        write_ffv1(tmp_path / f"{name}.mkv", frames)
    for suffix in (".mp4", ".mkv"):
        assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


ENCODE = """
import sys
from pathlib import Path
import cv2
import numpy as np
from deepfake_adv.video.encode import write_h264

height, width = 98, 102
noise = np.random.default_rng(0).integers(0, 256, (height * 3 // 2 + 60, width), dtype=np.uint8)
moving = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 3), None, 0, 255, cv2.NORM_MINMAX)
write_h264(Path(sys.argv[1]), [moving[k : k + height * 3 // 2] for k in range(60)], crf=23)
"""


def test_bytes_do_not_depend_on_what_memory_held_before(tmp_path):
    for fill in ("85", "170"):  # glibc's malloc then fills what it gives
        command = [sys.executable, "-c", ENCODE, str(tmp_path / f"{fill}.mp4")]
        subprocess.run(command, env=os.environ | {"MALLOC_PERTURB_": fill}, check=True)
    assert (tmp_path / "85.mp4").read_bytes() == (tmp_path / "170.mp4").read_bytes()


def test_frame_rate_is_kept(tmp_path, frames):
    write_h264(tmp_path / "a.mp4", frames, crf=0, fps=30000 / 1001)
    with av.open(str(tmp_path / "a.mp4")) as container:
        assert float(container.streams.video[0].average_rate) == pytest.approx(29.97, abs=0.01)


def test_a_failure_on_the_way_leaves_no_file(tmp_path, frames):
    def broken():
        yield from frames[:2]
        raise RuntimeError("the source broke")

    with pytest.raises(RuntimeError, match="the source broke"):
        write_h264(tmp_path / "a.mp4", broken(), crf=0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"frames": []}, "at least one frame"),
        ({"crf": 60}, "crf must be between 0 and 51"),
        ({"fps": 0}, "fps must be above 0"),
        ({"frames": [np.zeros((33, 47), np.uint8)]}, "even height and width"),
        ({"frames": [np.zeros((32, 48), np.uint8)]}, "I420"),
        ({"frames": [np.zeros((48, 32), np.uint8), np.zeros((48, 34), np.uint8)]}, "one size"),
    ],
)
def test_bad_arguments_are_named(tmp_path, frames, arguments, message):
    given = {"frames": frames, "crf": 0, "fps": 25, **arguments}
    with pytest.raises(ValueError, match=message):
        write_h264(tmp_path / "a.mp4", given["frames"], crf=given["crf"], fps=given["fps"])
    assert list(tmp_path.iterdir()) == []


def test_gray_frames_of_odd_size_are_refused(tmp_path):
    with pytest.raises(ValueError, match="gray frames must be uint8 planes of even height"):
        write_h264(tmp_path / "m.mp4", [np.zeros((5, 4), np.uint8)], crf=0, gray=True)


def test_frames_of_large_photographs_are_stored_too(tmp_path):
    height, width = 2882, 5120
    planes = np.full((height * 3 // 2, width), 90, np.uint8)
    planes[::97, ::89] = 7
    assert write_ffv1(tmp_path / "large.mkv", [planes]) == 1
    np.testing.assert_array_equal(decode(tmp_path / "large.mkv"), [planes])


@pytest.mark.parametrize("shape", [(3, 48), (48, 2)])
def test_frames_too_small_for_the_store_are_refused(tmp_path, shape):
    with pytest.raises(ValueError, match=r"frames must be at least 4 pixels high and wide; got .* for s\.mkv"):
        write_ffv1(tmp_path / "s.mkv", [np.zeros(shape, np.uint8)])
    assert list(tmp_path.iterdir()) == []
