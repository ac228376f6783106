import av
import numpy as np
import pytest

from deepfake_adv.video.read import frame_times, probe
from deepfake_adv.video.with_sound import write_with_sound

PLANES = np.full((48 * 3 // 2, 64), 90, np.uint8)


def with_sound(path, codec, container, seconds=2):
    """A video of noise with a tone."""
    with av.open(str(path), "w", format=container) as out:
        video = out.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        track = out.add_stream(codec, rate=44100)
        for number in range(25 * seconds):
            frame = av.VideoFrame.from_ndarray(PLANES + number % 2, format="yuv420p")
            frame.pts = number
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        size = track.codec_context.frame_size or 1024
        for start in range(0, 44100 * seconds, size):
            wave = np.sin(np.arange(start, start + size) / 20).astype(np.float32)
            if track.format.name.startswith("s16"):
                wave = (wave * 30000).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(wave[None], format=track.format.name, layout="mono")
            frame.sample_rate, frame.pts = 44100, start
            out.mux(track.encode(frame))
        out.mux(track.encode(None))
    return path


def sound_of(path):
    """The bytes of the sound's packets, in order."""
    with av.open(str(path)) as source:
        return [bytes(packet) for packet in source.demux(audio=0) if packet.size]


def test_sound_is_copied_as_it_is(tmp_path):
    source = with_sound(tmp_path / "a.mp4", "aac", "mp4")
    problem = write_with_sound(tmp_path / "b.mp4", [PLANES] * 50, frame_times(source), sound=source)
    assert problem == ""
    assert sound_of(tmp_path / "b.mp4") == sound_of(source)
    with av.open(str(tmp_path / "b.mp4")) as new, av.open(str(source)) as old:
        for kind in ("video", "audio"):
            lengths = [
                float(s.duration * s.time_base) for s in (getattr(new.streams, kind)[0], getattr(old.streams, kind)[0])
            ]
            assert lengths[0] == pytest.approx(lengths[1], abs=0.05)


def test_sound_that_mp4_does_not_hold_is_left_out_and_said(tmp_path):
    source = with_sound(tmp_path / "a.mkv", "pcm_s16le", "matroska")
    problem = write_with_sound(tmp_path / "b.mp4", [PLANES] * 50, frame_times(source), sound=source)
    assert "pcm_s16le" in problem
    with av.open(str(tmp_path / "b.mp4")) as new:
        assert not new.streams.audio


def test_times_are_those_given(tmp_path):
    times = np.array([0, 0.04, 0.2, 0.21, 1.0])
    write_with_sound(tmp_path / "b.mp4", [PLANES] * 5, times, sound=None)
    assert frame_times(tmp_path / "b.mp4") == pytest.approx(times, abs=1e-4)
    assert probe(tmp_path / "b.mp4").variable_rate


def test_equal_times_are_parted_and_a_rate_stands_for_times(tmp_path):
    write_with_sound(tmp_path / "b.mp4", [PLANES] * 3, np.zeros(3), sound=None)
    assert probe(tmp_path / "b.mp4").frames == 3
    write_with_sound(tmp_path / "c.mp4", [PLANES] * 10, None, sound=None, fps=10)
    assert frame_times(tmp_path / "c.mp4")[-1] == pytest.approx(0.9, abs=1e-3)


def test_no_frame_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"at least one frame; got none for b\.mp4"):
        write_with_sound(tmp_path / "b.mp4", [], None, sound=None)
    assert list(tmp_path.iterdir()) == []
