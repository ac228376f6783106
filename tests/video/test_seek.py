import av
import numpy as np
import pytest

from deepfake_adv.video import read as module
from deepfake_adv.video import seek
from deepfake_adv.video.errors import VideoError
from deepfake_adv.video.read import read_frames

COUNT = 260
WANTED = [3, 130, 131, 249, 259]


def write(path, codec="libx264", options=None, *, bframes=2, gop=20, count=COUNT):
    """Moving noise, each frame like no other."""
    rng = np.random.default_rng(0)
    field = rng.integers(0, 255, (48, 64 + count), dtype=np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 32, "yuvj420p" if codec == "mjpeg" else "yuv420p"
        if codec != "mjpeg":
            stream.codec_context.gop_size, stream.codec_context.max_b_frames = gop, bframes
        stream.options = options or {}
        for number in range(count):
            planes = np.ascontiguousarray(field[:, number : number + 64])
            frame = av.VideoFrame.from_ndarray(planes, format=stream.pix_fmt)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


X265 = "keyint=20:min-keyint=20:scenecut=0:log-level=none:pools=none"
KINDS = {
    "closed.mp4": ("libx264", {"x264-params": "keyint=20:min-keyint=20:scenecut=0"}, True),
    "closed.mkv": ("libx264", {"x264-params": "keyint=20:min-keyint=20:scenecut=0"}, True),
    "plain.avi": ("libx264", {"x264-params": "keyint=20:min-keyint=20:scenecut=0:bframes=0"}, None),
    "open.mp4": ("libx264", {"x264-params": "keyint=20:min-keyint=20:scenecut=0:open-gop=1"}, False),
    "refresh.mp4": ("libx264", {"x264-params": "keyint=20:intra-refresh=1"}, False),
    "one_key.mp4": ("libx264", {"x264-params": "keyint=9999:scenecut=0"}, False),
    "closed_hevc.mp4": ("libx265", {"x265-params": f"{X265}:open-gop=0"}, True),
    "open_hevc.mp4": ("libx265", {"x265-params": f"{X265}:open-gop=1"}, False),
    "intra.avi": ("mjpeg", {}, None),
    "old.avi": ("mpeg4", {}, False),
}


@pytest.fixture
def skipped(monkeypatch):
    """Indices of the frames that were decoded."""
    decoded, pictures = [], module._pictures
    monkeypatch.setattr(
        module, "_pictures", lambda *given: (decoded.append(found[0]) or found for found in pictures(*given))
    )
    return decoded


@pytest.mark.parametrize("name", KINDS)
def test_frames_are_those_of_decoding_all_and_fewer_are_decoded_where_that_is_safe(tmp_path, skipped, name):
    codec, options, jumps = KINDS[name]
    if codec not in av.codecs_available:
        pytest.skip(f"this PyAV has no {codec}")
    path = write(tmp_path / name, codec, options)
    whole = list(read_frames(path))
    assert len(whole) == COUNT
    skipped.clear()
    found = list(read_frames(path, WANTED))
    for index, frame in zip(WANTED, found, strict=True):
        np.testing.assert_array_equal(frame, whole[index])
    if jumps is not None:
        assert (len(skipped) < 80) == jumps, len(skipped)


def test_frames_close_together_are_decoded_in_one_pass(tmp_path, monkeypatch):
    path = write(tmp_path / "a.mp4", options=KINDS["closed.mp4"][1])
    monkeypatch.setattr(module, "read_sparse", None)  # would fail if called
    assert len(list(read_frames(path, range(0, COUNT, 50)))) == 6


def test_a_container_that_lands_elsewhere_is_noticed_and_all_is_decoded(tmp_path, monkeypatch):
    path = write(tmp_path / "a.mp4", options=KINDS["closed.mp4"][1])
    whole = list(read_frames(path))
    before = seek.Jumps.before
    for step in (20, 1, -1):
        monkeypatch.setattr(seek.Jumps, "before", lambda jumps, index, s=step: min(before(jumps, index) + s, COUNT - 1))
        for index, frame in zip(WANTED, read_frames(path, WANTED), strict=True):
            np.testing.assert_array_equal(frame, whole[index])


def test_an_index_beyond_the_end_says_how_many_frames_there_are(tmp_path):
    path = write(tmp_path / "a.mp4", options=KINDS["closed.mp4"][1])
    with pytest.raises(VideoError, match=rf"must have a frame {COUNT}; it ends after {COUNT} frames"):
        list(read_frames(path, [0, 200, COUNT]))


def test_units_are_recognised_by_length_and_by_start_code():
    assert list(seek._unit_heads(b"\0\0\0\2\x09\x10\0\0\0\1\x65", 4)) == [0x09, 0x65]
    assert list(seek._unit_heads(b"\0\0\0\1\x09\x10\0\0\1\x65\x88", 0)) == [0x09, 0x65]
