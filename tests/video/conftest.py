"""Tiny videos, fabricated with PyAV alone, so that the reader is tested against another hand."""

import struct
from fractions import Fraction

import av
import numpy as np
import pytest


@pytest.fixture
def make_video(tmp_path):
    """Write a video whose frame i has luma 16 + 5 i in its upper left quarter; gives its path."""

    def make(
        name="video.mp4",
        frames=12,
        size=(32, 48),
        *,
        codec="libx264",
        pix_fmt="yuv420p",
        rotation=0,
        stamps=None,
        gop=4,
    ):
        path = tmp_path / name
        height, width = size
        with av.open(str(path), "w") as container:
            stream = container.add_stream(codec, rate=25, options={"crf": "0"} if codec == "libx264" else {})
            stream.width, stream.height, stream.pix_fmt = width, height, pix_fmt
            stream.codec_context.gop_size = gop
            stream.codec_context.time_base = Fraction(1, 100)
            if rotation:
                stream.set_display_rotation(rotation)
            for index in range(frames):
                rgb = np.zeros((height, width, 3), np.uint8)
                rgb[: height // 2, : width // 2] = 5 * index % 230
                rgb[height // 2 :, : width // 2] = (0, 180, 0)
                rgb[: height // 2, width // 2 :] = (200, 0, 0)
                picture = av.VideoFrame.from_ndarray(rgb, "rgb24").reformat(format=pix_fmt)
                picture.pts = stamps[index] if stamps else 4 * index
                picture.time_base = Fraction(1, 100)
                container.mux(stream.encode(picture))
            container.mux(stream.encode(None))
        return path

    return make


@pytest.fixture
def show_as():
    """Ask for another orientation of an MP4 that has none: a, b, c, d of its display matrix, -1, 0 or 1 each."""

    def show(path, a, b, c, d):
        content = bytearray(path.read_bytes())
        start = content.index(b"tkhd") + 44
        content[start : start + 36] = struct.pack(">9i", a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30)
        path.write_bytes(content)
        return path

    return show


@pytest.fixture
def copy_from():
    """Copy the packets of a video from a moment on, without decoding, as `ffmpeg -ss -c copy` does."""

    def copy(source, target, *, start, keep_from):
        """Packets from `keep_from` seconds on are kept; what is before `start` is cut by an edit list."""
        with av.open(str(source)) as reader, av.open(str(target), "w") as writer:
            stream = reader.streams.video[0]
            copied = writer.add_stream_from_template(stream)
            for packet in reader.demux(stream):
                if packet.dts is None or packet.pts * stream.time_base < keep_from:
                    continue
                shift = int(start / stream.time_base)
                packet.pts, packet.dts, packet.stream = packet.pts - shift, packet.dts - shift, copied
                writer.mux(packet)
        return target

    return copy
