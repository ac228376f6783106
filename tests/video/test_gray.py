"""Videos of pixel format gray: pictures in full range, or masks whose values are luma."""

import av
import numpy as np
import pytest

from deepfake_adv.video.colour import i420_to_rgb
from deepfake_adv.video.read import probe, read_frames


@pytest.fixture
def gray_video(tmp_path):
    """Three frames of pixel format gray, lossless: a ramp from 0 to 255, upper half darker than the lower."""

    def make(tag=0, name="gray.mkv"):
        ramp = np.tile(np.arange(256, dtype=np.uint8), (32, 1))
        ramp[:16] //= 2
        with av.open(str(tmp_path / name), "w") as container:
            stream = container.add_stream("ffv1", rate=25)
            stream.width, stream.height, stream.pix_fmt = 256, 32, "gray"
            stream.codec_context.color_range = tag
            for index in range(3):
                picture = av.VideoFrame.from_ndarray(ramp, "gray")
                picture.pts, picture.color_range = index, tag
                container.mux(stream.encode(picture))
            container.mux(stream.encode(None))
        return tmp_path / name, ramp

    return make


@pytest.mark.parametrize("tag", [0, 2], ids=["untagged", "full"])
def test_gray_is_full_range_and_loses_neither_shadows_nor_lights(gray_video, tag):
    path, ramp = gray_video(tag)
    planes = next(read_frames(path))
    assert probe(path).pix_fmt == "gray"
    assert (planes[32:] == 128).all()
    assert np.abs(i420_to_rgb(planes).astype(int) - ramp[..., None]).max() <= 1


@pytest.mark.parametrize("tag", [0, 1, 2], ids=["untagged", "limited", "full"])
def test_gray_of_masks_is_luma_as_it_stands(gray_video, tag):
    path, ramp = gray_video(tag)
    np.testing.assert_array_equal(next(read_frames(path, masks=True))[:32], ramp)


def test_gray_tagged_as_limited_is_luma_already(gray_video):
    path, ramp = gray_video(1)
    np.testing.assert_array_equal(next(read_frames(path))[:32], ramp)
