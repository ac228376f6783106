"""Which files are opened as videos: those that hold their frames themselves, whatever their name and suffix say."""

import shutil
from pathlib import Path

import av
import numpy as np
import pytest

from deepfake_adv.datasets.layouts.base import VIDEO_SUFFIXES
from deepfake_adv.video.container import FORMATS, open_media
from deepfake_adv.video.errors import VideoError
from deepfake_adv.video.read import probe, read_frames

DASH = """<?xml version="1.0"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:isoff-on-demand:2011" type="static"><Period>
<AdaptationSet><Representation id="1"><BaseURL>clip.mp4</BaseURL></Representation></AdaptationSet></Period></MPD>
"""
LISTS = {
    "hls.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nclip.mp4\n#EXT-X-ENDLIST\n",
    "hls.mp4": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nclip.mp4\n#EXT-X-ENDLIST\n",
    "concat.mp4": "ffconcat version 1.0\nfile clip.mp4\n",
    "dash.mpd": DASH,
    "stream.sdp": "v=0\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
    "drawing.svg": "<svg xmlns='http://www.w3.org/2000/svg' width='64' height='48'></svg>",
}


def write(path, container, codec, frames=5):
    with av.open(str(path), "w", format=container) as out:
        stream = out.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for picture in np.random.default_rng(0).integers(0, 256, (frames, 48, 64, 3), np.uint8):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        out.mux(stream.encode(None))


@pytest.fixture
def clip(tmp_path, monkeypatch):
    """A video, named relative to the working directory, as playlists name it."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "clip.mp4", "mp4", "mpeg4")
    return tmp_path / "clip.mp4"


@pytest.mark.parametrize("name", LISTS)
def test_a_file_that_names_other_files_is_refused_in_one_sentence(clip, name):
    (clip.parent / name).write_text(LISTS[name])
    with pytest.raises(VideoError, match="must") as caught:
        probe(clip.parent / name)
    assert str(caught.value).count(name) == 1


@pytest.mark.parametrize("name", ["hls.m3u8", "concat.mp4"])
def test_ffmpeg_would_open_the_other_file(clip, name):
    (clip.parent / name).write_text(LISTS[name])
    with av.open(name, options={"allowed_extensions": "ALL"}) as container:
        assert container.format.name in ("hls", "concat")
    with pytest.raises(av.ArgumentError):
        open_media(clip.parent / name)


@pytest.mark.parametrize("name", ["concat:clip.mp4", "data:clip.mp4"])
def test_a_name_is_no_address(clip, name):
    shutil.copy(clip, name)
    write(clip, "mp4", "mpeg4", frames=9)
    assert probe(Path(name)).frames == 5  # the file of this name, not clip.mp4


CONTAINERS = {
    ".mp4": [("mp4", "libx264"), ("mp4", "libx265")],
    ".mov": [("mov", "mpeg4")],
    ".m4v": [("mp4", "libx264"), ("m4v", "mpeg4")],
    ".avi": [("avi", "mpeg4"), ("avi", "ffv1")],
    ".mkv": [("matroska", "ffv1")],
    ".webm": [("webm", "libvpx")],
    ".mpg": [("mpeg", "mpeg1video"), ("mpegts", "mpeg2video"), ("mpeg2video", "mpeg2video")],
    ".mpeg": [("mpeg", "mpeg2video"), ("mpegts", "mpeg2video")],
}


def test_every_suffix_of_a_video_has_its_containers_below():
    assert set(CONTAINERS) == VIDEO_SUFFIXES


@pytest.mark.parametrize(
    ("suffix", "container", "codec"), [(suffix, *pair) for suffix, pairs in CONTAINERS.items() for pair in pairs]
)
def test_containers_of_every_suffix_are_read_to_their_last_frame(tmp_path, suffix, container, codec):
    path = tmp_path / f"clip{suffix}"
    write(path, container, codec)
    assert len(list(read_frames(path))) == probe(path).frames == 5


def test_formats_are_ffmpegs():
    known = {name for listed in av.formats_available for name in listed.split(",")}
    assert set(FORMATS) <= known
