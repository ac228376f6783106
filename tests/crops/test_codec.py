import io

import numpy as np
import pytest
from PIL import Image

from deepfake_adv.crops.codec import (
    ENCODERS,
    cut_planes,
    cut_rgb,
    decode_crop,
    decode_mask,
    decode_planes,
    encode_crop,
    encode_mask,
)
from deepfake_adv.faces.box import Square
from deepfake_adv.video.colour import i420_to_rgb


@pytest.fixture
def frame() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (96 * 3 // 2, 130), dtype=np.uint8)


@pytest.mark.parametrize("encoding", sorted(ENCODERS))
@pytest.mark.parametrize("square", [Square(0, 0, 96), Square(34, 2, 94), Square(10, 20, 2)])
def test_every_encoding_gives_back_the_frames_own_pixels(frame, square, encoding):
    x, y, side = square
    expected = i420_to_rgb(frame)[y : y + side, x : x + side]
    np.testing.assert_array_equal(decode_crop(encode_crop(frame, square, encoding), encoding), expected)


@pytest.mark.parametrize("side", [64, 48])
def test_an_i420_crop_is_decoded_into_room_of_its_size_alone(frame, side):
    data = encode_crop(frame, Square(8, 6, 64), "i420")
    batch = np.zeros((2, side, side, 3), np.uint8)
    room = batch[1]
    picture = decode_crop(memoryview(data), "i420", room)
    np.testing.assert_array_equal(picture, decode_crop(data, "i420"))
    assert (picture is room) == (side == 64)
    assert batch[1].any() == (side == 64)
    assert not batch[0].any()


@pytest.mark.parametrize("square", [Square(1, 1, 95), Square(3, 0, 1), Square(7, 12, 60), Square(33, 1, 95)])
def test_an_odd_square_converts_to_the_whole_frames_pixels(frame, square):
    x, y, side = square
    np.testing.assert_array_equal(cut_rgb(frame, square), i420_to_rgb(frame)[y : y + side, x : x + side])


def test_i420_keeps_the_decoders_planes_and_reads_as_a_gray_picture(frame):
    planes = cut_planes(frame, 4, 6, 80, 80)
    data = encode_crop(frame, Square(4, 6, 80), "i420")
    np.testing.assert_array_equal(decode_planes(data), planes)
    picture = Image.open(io.BytesIO(data))
    assert picture.mode == "L"
    assert picture.size == (80, 120)
    np.testing.assert_array_equal(np.asarray(picture)[:80], planes[:80])


def test_webp_and_png_are_read_by_pil(frame):
    square = Square(3, 5, 77)
    for encoding in ("webp", "png"):
        picture = np.asarray(Image.open(io.BytesIO(encode_crop(frame, square, encoding))))
        np.testing.assert_array_equal(picture, cut_rgb(frame, square))


def test_bytes_are_the_same_every_time(frame):
    for encoding in ENCODERS:
        assert encode_crop(frame, Square(2, 2, 64), encoding) == encode_crop(frame.copy(), Square(2, 2, 64), encoding)


def test_mask_comes_back_complete():
    mask = np.random.default_rng(1).integers(0, 256, (51, 51), dtype=np.uint8)
    np.testing.assert_array_equal(decode_mask(encode_mask(mask)), mask)


def test_unknown_encoding_and_damaged_bytes_are_named(frame):
    with pytest.raises(ValueError, match="encoding must be one of webp, png, i420; got 'jpeg'"):
        encode_crop(frame, Square(0, 0, 4), "jpeg")
    with pytest.raises(ValueError, match="encoding must be"):
        decode_crop(b"", "gif")
    for data in (b"", b"no picture"):
        with pytest.raises(ValueError, match="image must be PNG or WebP"):
            decode_crop(data, "png")
        with pytest.raises(ValueError, match="image must be"):
            decode_mask(data)
        with pytest.raises(ValueError, match="image must be"):
            decode_planes(data)


@pytest.mark.parametrize("square", [Square(1, 0, 10), Square(0, 0, 98), Square(-2, 0, 10), Square(0, 0, 0)])
def test_a_square_out_of_line_is_refused(frame, square):
    with pytest.raises(ValueError, match="square must be even and lie in the frame"):
        encode_crop(frame, square, "i420")
