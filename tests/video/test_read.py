import pickle
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from deepfake_adv.video.colour import i420_to_rgb
from deepfake_adv.video.encode import write_ffv1, write_h264
from deepfake_adv.video.errors import VideoError
from deepfake_adv.video.read import frame_times, probe, read_frames


def through_opencv(path):
    """Every frame as OpenCV reads it: RGB, rotation applied."""
    capture = cv2.VideoCapture(str(path))
    while True:
        good, bgr = capture.read()
        if not good:
            return
        yield bgr[..., ::-1]


def difference(planes, rgb):
    mine = i420_to_rgb(planes).astype(int)
    assert abs(mine.shape[0] - rgb.shape[0]) <= 1
    assert abs(mine.shape[1] - rgb.shape[1]) <= 1
    return np.abs(mine - rgb[: mine.shape[0], : mine.shape[1]]).mean()


def test_frames_are_those_that_went_in(tmp_path):
    rng = np.random.default_rng(0)
    frames = list(rng.integers(0, 256, (9, 48, 40), dtype=np.uint8))
    write_h264(tmp_path / "a.mp4", frames, crf=0)
    write_ffv1(tmp_path / "a.mkv", frames)
    for name in ("a.mp4", "a.mkv"):
        np.testing.assert_array_equal(list(read_frames(tmp_path / name)), frames)


@pytest.mark.parametrize("indices", [[0], [11], [0, 11], [3, 4, 9], list(range(12)), []])
def test_indices_are_exact(make_video, indices):
    path = make_video()
    every = list(read_frames(path))
    chosen = list(read_frames(path, indices))
    assert len(chosen) == len(indices)
    assert all(np.array_equal(frame, every[index]) for frame, index in zip(chosen, indices, strict=True))


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_rotation_is_applied_as_opencv_does(make_video, rotation):
    path = make_video(rotation=rotation)
    facts = probe(path)
    assert facts.rotation == rotation
    assert (facts.width, facts.height) == ((32, 48) if rotation % 180 else (48, 32))
    for mine, theirs in zip(read_frames(path), through_opencv(path), strict=True):
        assert mine.shape == (facts.height * 3 // 2, facts.width)
        assert difference(mine, theirs) < 1.5


@pytest.mark.parametrize(
    ("matrix", "shown"),
    [
        ((-1, 0, 0, 1), lambda rgb: rgb[:, ::-1]),
        ((1, 0, 0, -1), lambda rgb: rgb[::-1]),
        ((0, 1, 1, 0), lambda rgb: rgb.transpose(1, 0, 2)),
        ((0, -1, -1, 0), lambda rgb: rgb.transpose(1, 0, 2)[::-1, ::-1]),
        ((0, -1, 1, 0), lambda rgb: np.rot90(rgb, 1)),
    ],
    ids=["left to right", "upside down", "transposed", "anti-transposed", "turned only"],
)
@pytest.mark.parametrize("size", [(32, 48), (31, 47)])
def test_mirrored_videos_are_shown_as_their_matrix_says(make_video, show_as, matrix, shown, size):
    path = make_video(size=size, pix_fmt="yuv444p")  # all sizes
    stored = next(read_frames(path, [7]))
    facts = probe(show_as(path, *matrix))
    found = next(read_frames(path, [7]))
    np.testing.assert_array_equal(i420_to_rgb(found), shown(i420_to_rgb(stored)))
    assert found.shape == (facts.height * 3 // 2, facts.width)


@pytest.mark.parametrize("rotation", [0, 90])
@pytest.mark.parametrize("pix_fmt", ["yuv444p", "yuv422p10le", "yuvj444p"])
def test_odd_sizes_and_other_formats_lose_at_most_a_row_and_a_column(make_video, rotation, pix_fmt):
    path = make_video(size=(31, 46 + (pix_fmt != "yuv422p10le")), rotation=rotation, pix_fmt=pix_fmt)
    facts = probe(path)
    assert {facts.width, facts.height} == {46, 30}
    first = next(iter(read_frames(path)))
    assert first.shape == (facts.height * 3 // 2, facts.width)
    assert difference(first, next(through_opencv(path))) < 6


def test_full_range_is_brought_to_the_range_of_all_others(make_video):
    limited, full = (
        next(read_frames(make_video(f"{name}.mp4", pix_fmt=name), [10])) for name in ("yuv420p", "yuvj420p")
    )
    assert np.abs(limited[:32].astype(int) - full[:32]).max() <= 2


def test_gray_masks_keep_their_values(tmp_path):
    mask = np.zeros((32, 48), np.uint8)
    mask[8:20, 10:30] = 255
    write_h264(tmp_path / "mask.mp4", [mask] * 3, crf=0, gray=True)
    planes = next(read_frames(tmp_path / "mask.mp4"))
    np.testing.assert_array_equal(i420_to_rgb(planes)[..., 0], mask)
    assert (planes[32:] == 128).all()


def test_variable_rate_goes_by_index_and_keeps_its_times(make_video):
    stamps = [0, 1, 2, 10, 11, 12, 30, 31, 32, 50]
    path = make_video(frames=10, stamps=stamps)
    facts = probe(path)
    assert facts.variable_rate
    assert facts.frames == 10
    assert facts.note == "variable frame rate"
    assert facts.fps == pytest.approx(9 / 0.5)
    np.testing.assert_allclose(frame_times(path), np.array(stamps) / 100, atol=1e-3)
    assert sum(1 for _ in read_frames(path)) == 10


def test_constant_rate_is_not_called_variable(make_video):
    for name in ("a.mp4", "a.mkv", "a.webm"):
        facts = probe(make_video(name, codec="libvpx-vp9" if name.endswith("webm") else "libx264"))
        assert (facts.frames, facts.variable_rate, facts.fps) == (12, False, 25.0)


@pytest.mark.parametrize(
    ("keep_from", "expected"), [(Fraction(8 * 4, 100), 14), (Fraction(13 * 4, 100), 8)], ids=["key", "between"]
)
def test_trimmed_copies_count_what_decodes(make_video, copy_from, tmp_path, keep_from, expected):
    """The header of such a copy counts frames before the edit list's start, or before any key frame."""
    whole = make_video(frames=24, gop=8)
    path = copy_from(whole, tmp_path / "cut.mp4", start=Fraction(10 * 4, 100), keep_from=keep_from)
    facts = probe(path)
    assert facts.frames == expected == len(frame_times(path)) == sum(1 for _ in through_opencv(path))
    with av.open(str(path)) as container:
        header = container.streams.video[0].frames
    assert header > expected
    assert facts.note == f"header says {header} frames"
    last = list(read_frames(whole))[24 - expected :]
    np.testing.assert_array_equal(list(read_frames(path)), last)


def test_index_beyond_the_end_says_how_many_there_are(make_video):
    path = make_video()
    with pytest.raises(VideoError, match=r"must have a frame 12; it ends after 12 frames") as caught:
        list(read_frames(path, [3, 12]))
    assert caught.value.frames == 12
    assert pickle.loads(pickle.dumps(caught.value)).frames == 12


@pytest.mark.parametrize("indices", [[3, 3], [4, 2], [-1, 2]])
def test_indices_must_increase(make_video, indices):
    with pytest.raises(ValueError, match="indices must increase from 0"):
        read_frames(make_video(), indices)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "empty file"), (b"no video at all " * 400, "cannot be opened"), (None, "No such file")],
)
def test_what_is_no_video(tmp_path, content, message):
    path = tmp_path / "bad.mp4"
    if content is not None:
        path.write_bytes(content)
    for read in (probe, frame_times, lambda path: list(read_frames(path))):
        with pytest.raises(VideoError, match=message):
            read(path)


def test_sound_alone_is_no_video(tmp_path):
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        sound.sample_rate = 8000
        container.mux(stream.encode(sound))
        container.mux(stream.encode(None))
    with pytest.raises(VideoError, match="must hold a video; got none"):
        probe(path)


def test_truncated_file_is_distinguished_from_a_complete_one(make_video, tmp_path):
    whole = make_video(frames=40)
    front = tmp_path / "front.mp4"
    with av.open(str(whole)) as reader, av.open(str(front), "w", options={"movflags": "faststart"}) as writer:
        stream = reader.streams.video[0]
        copied = writer.add_stream_from_template(stream)
        for packet in reader.demux(stream):
            if packet.dts is not None:
                packet.stream = copied
                writer.mux(packet)
    assert probe(front).frames == 40
    front.write_bytes(front.read_bytes()[:-300])
    with pytest.raises(VideoError, match=r"cut short and has \d+ of 40 frames"):
        probe(front)
    whole.write_bytes(whole.read_bytes()[:-300])
    with pytest.raises(VideoError, match="cannot be opened"):  # its table of contents was at the end
        probe(whole)


def test_a_matroska_file_cut_short_is_noted(make_video):
    path = make_video("a.mkv", frames=30, size=(64, 64), gop=1)
    assert probe(path).note == ""
    with av.open(str(path)) as container:
        end = [packet.pos for packet in container.demux(video=0) if packet.size][5]
    path.write_bytes(path.read_bytes()[:end])
    facts = probe(path)
    assert facts.frames == 5
    assert facts.note == "frames end at 0.2 s of the 1.2 s that the header states: it may be cut short"


@pytest.mark.parametrize("size", [(1, 30), (30, 1)])
def test_a_picture_of_one_pixel_is_refused(make_video, size):
    path = make_video("thin.mp4", size=size, pix_fmt="yuv444p")
    for read in (probe, lambda path: list(read_frames(path))):
        with pytest.raises(VideoError, match=r"thin\.mp4 must be at least 2 pixels high and wide; got"):
            read(path)


def test_damage_inside_is_an_error_not_a_shift(make_video):
    """A packet that fails to decode must not move all later frames up by one."""
    path = make_video(frames=30, size=(64, 64))
    with av.open(str(path)) as container:
        packets = [(p.pos, p.size) for p in container.demux(video=0) if p.size]
    content = bytearray(path.read_bytes())
    position, size = packets[16]
    content[position : position + size] = b"\xff" * size
    path.write_bytes(content)
    with pytest.raises(VideoError, match="it breaks near frame"):
        list(read_frames(path))


def test_frames_stream_one_at_a_time(make_video, monkeypatch):
    """Nothing beyond the requested frame is read, so memory does not grow with the video."""
    import deepfake_adv.video.read as module

    seen = []
    original = module.to_planes
    monkeypatch.setattr(module, "to_planes", lambda *given: seen.append(1) or original(*given))
    frames = read_frames(make_video(frames=40), range(0, 40, 2))
    next(frames)
    next(frames)
    assert len(seen) == 2


CLIPS = Path(__file__).parents[3] / "shared" / "clips" / "video"


@pytest.mark.slow
@pytest.mark.skipif(not CLIPS.is_dir(), reason="no folder of real clips beside the project")
def test_real_clips_agree_with_opencv():
    """Same count and same frames; tolerance for its own scaler and for tags that we ignore on purpose."""
    for path in sorted(CLIPS.iterdir()):
        facts = probe(path)
        wanted = sorted({0, facts.frames // 3, facts.frames - 1})
        mine = dict(zip(wanted, read_frames(path, wanted), strict=True))
        count = 0
        for count, theirs in enumerate(through_opencv(path), start=1):
            if count - 1 in mine:
                assert difference(mine[count - 1], theirs) < 2.5, path.name
        assert count == facts.frames, path.name
