"""Pictures: read upright, equally by every function, and refused if they are not complete."""

import io
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
from PIL import EpsImagePlugin, Image

from deepfake_adv.video.colour import i420_to_rgb
from deepfake_adv.video.errors import VideoError
from deepfake_adv.video.picture import FORMATS as READ
from deepfake_adv.video.picture import SUFFIXES, is_picture, read, read_rgb
from deepfake_adv.video.read import probe, read_frames

CORNERS = ((230, 40, 40), (40, 200, 40), (40, 40, 220), (240, 240, 240))

# What an image must look like in the file to be shown as CORNERS: EXIF 2.32, tag Orientation, row and column 0.
STORED = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, 1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a, -1),
}
FORMATS = {
    "jpg": ("JPEG", {"quality": 98, "subsampling": 0}),
    "png": ("PNG", {}),
    "webp": ("WEBP", {"lossless": True}),
    "tif": ("TIFF", {}),
    "avif": ("AVIF", {"quality": 95, "subsampling": "4:4:4"}),
}


@pytest.fixture(scope="module")
def corners():
    picture = np.zeros((64, 96, 3), np.uint8)
    picture[:32, :48], picture[:32, 48:], picture[32:, :48], picture[32:, 48:] = CORNERS
    return picture


@pytest.fixture(scope="module")
def photo():
    """Something like a photograph: smooth shapes, noise, nothing black."""
    rng = np.random.default_rng(4)
    shapes = cv2.GaussianBlur(rng.random((120, 164, 3)), (0, 0), 9)
    shapes = (shapes - shapes.min()) / np.ptp(shapes)
    return (40 + 180 * shapes + rng.integers(0, 12, shapes.shape)).astype(np.uint8)


def coded(pixels, kind, **options):
    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(stream, kind, **options)
    return stream.getvalue()


def oriented(number):
    exif = Image.Exif()
    exif[274] = number
    return exif


def mjpeg(path, jpegs, size):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=25)
        stream.width, stream.height, stream.pix_fmt = *size, "yuvj420p"
        for number, jpeg in enumerate(jpegs):
            packet = av.Packet(jpeg)
            packet.stream, packet.pts, packet.dts, packet.time_base = stream, number, number, Fraction(1, 25)
            packet.is_keyframe = True
            container.mux(packet)


class TestOrientation:
    @pytest.mark.parametrize("suffix", FORMATS)
    @pytest.mark.parametrize("number", STORED)
    def test_of_a_picture_is_applied(self, tmp_path, corners, suffix, number):
        kind, options = FORMATS[suffix]
        path = tmp_path / f"picture.{suffix}"
        path.write_bytes(coded(STORED[number](corners), kind, exif=oriented(number), **options))
        assert np.abs(read_rgb(path).astype(int) - corners).max() <= 6
        facts = probe(path)
        assert (facts.frames, facts.width, facts.height) == (1, 96, 64)
        assert np.abs(i420_to_rgb(next(read_frames(path))).astype(int) - corners).max() <= 8

    @pytest.mark.parametrize("number", STORED)
    def test_of_a_motion_jpeg_frame_is_applied(self, tmp_path, corners, number):
        stored = STORED[number](corners)
        jpeg = coded(stored, "JPEG", quality=98, exif=oriented(number))
        mjpeg(tmp_path / "clip.avi", [jpeg] * 3, (stored.shape[1], stored.shape[0]))
        facts = probe(tmp_path / "clip.avi")
        assert (facts.frames, facts.width, facts.height) == (3, 96, 64)
        frames = [i420_to_rgb(frame).astype(int) for frame in read_frames(tmp_path / "clip.avi")]
        assert max(np.abs(frame - corners).max() for frame in frames) <= 12

    @pytest.mark.parametrize("exif", [b"Exif\0\0no metadata at all", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0"])
    def test_metadata_that_cannot_be_read_do_not_matter(self, tmp_path, corners, exif):
        (tmp_path / "a.jpg").write_bytes(coded(corners, "JPEG", quality=98, subsampling=0, exif=exif))
        assert np.abs(read_rgb(tmp_path / "a.jpg").astype(int) - corners).max() <= 6


class TestKinds:
    def test_sixteen_bits_keep_the_upper_eight(self, tmp_path):
        values = np.linspace(0, 65535, 64, dtype=np.uint16).reshape(8, 8)
        cv2.imwrite(str(tmp_path / "deep.png"), values)
        np.testing.assert_array_equal(read_rgb(tmp_path / "deep.png")[..., 1], values >> 8)

    def test_opencv_reads_the_same_pixels(self, tmp_path, photo):
        for name, data in (("a.jpg", coded(photo, "JPEG", quality=80)), ("a.webp", coded(photo, "WEBP", quality=80))):
            (tmp_path / name).write_bytes(data)
            found = cv2.imread(str(tmp_path / name), cv2.IMREAD_COLOR_RGB)
            np.testing.assert_array_equal(read_rgb(tmp_path / name), found)

    def test_a_name_decides(self, tmp_path):
        assert is_picture(tmp_path / "A.JPG")
        assert not is_picture(tmp_path / "a.mp4")
        assert {".png", ".tiff", ".avif", ".webp", ".bmp"} <= SUFFIXES

    def test_floats_animations_and_specks_are_refused(self, tmp_path, corners):
        Image.fromarray(np.zeros((8, 8), np.float32)).save(tmp_path / "float.tif")
        with pytest.raises(VideoError, match=r"float\.tif must have 8 or 16 bits"):
            read_rgb(tmp_path / "float.tif")
        first, second = Image.fromarray(corners), Image.fromarray(255 - corners)
        first.save(tmp_path / "moving.webp", save_all=True, append_images=[second])
        with pytest.raises(VideoError, match=r"moving\.webp must be one picture; got 2"):
            read_rgb(tmp_path / "moving.webp")
        (tmp_path / "speck.png").write_bytes(coded(corners[:1], "PNG"))
        with pytest.raises(VideoError, match="at least 2 x 2"):
            read(tmp_path / "speck.png")

    def test_what_is_no_picture_or_not_there(self, tmp_path):
        (tmp_path / "text.png").write_text("no picture")
        with pytest.raises(VideoError, match=r"text\.png must be an image"):
            read_rgb(tmp_path / "text.png")
        with pytest.raises(VideoError, match="must be readable; got: No such file"):
            probe(tmp_path / "absent.jpg")


WAYS = {
    "jpeg": ("jpg", "JPEG", {"quality": 90}),
    "progressive jpeg": ("jpg", "JPEG", {"quality": 90, "progressive": True}),
    "optimised jpeg": ("jpg", "JPEG", {"quality": 95, "optimize": True}),
    "png": ("png", "PNG", {}),
    "webp": ("webp", "WEBP", {"quality": 80}),
    "lossless webp": ("webp", "WEBP", {"lossless": True}),
    "bmp": ("bmp", "BMP", {}),
    "tiff": ("tif", "TIFF", {}),
    "avif": ("avif", "AVIF", {"quality": 80}),
}


@pytest.mark.parametrize("way", WAYS)
class TestCut:
    @pytest.mark.parametrize("share", [0.2, 0.5, 0.631, 0.95])
    @pytest.mark.parametrize("filled", [True, False], ids=["zeros", "short"])
    def test_is_refused_by_name(self, tmp_path, photo, way, share, filled):
        suffix, kind, options = WAYS[way]
        data = coded(photo, kind, **options)
        kept = int(len(data) * share)
        path = tmp_path / f"cut.{suffix}"
        path.write_bytes(data[:kept] + bytes(len(data) - kept) * filled)
        with pytest.raises(VideoError, match=rf"cut\.{suffix} must be a"):
            read_rgb(path)
        with pytest.raises(VideoError, match=rf"cut\.{suffix} must be a"):
            probe(path)

    def test_complete_pictures_are_read_flat_and_bordered_ones_too(self, tmp_path, photo, way):
        suffix, kind, options = WAYS[way]
        bordered, masked, night = photo.copy(), np.zeros_like(photo), photo.copy()
        bordered[:20] = bordered[-20:] = 0
        masked[30:70, 40:100] = 255
        yy, xx = np.mgrid[:120, :164]
        night[(yy - 60) ** 2 + (xx - 80) ** 2 > 40**2] = 0
        flat = [np.full_like(photo, level) for level in (0, 128, 255)]
        for number, picture in enumerate([photo, bordered, masked, night, *flat]):
            path = tmp_path / f"{number}.{suffix}"
            path.write_bytes(coded(picture, kind, **options))
            assert read_rgb(path).shape == picture.shape
            path.write_bytes(coded(picture[::-1], kind, **options))
            assert read_rgb(path).shape == picture.shape


def test_a_drawing_that_another_program_would_draw_is_refused_before_that(tmp_path, monkeypatch):
    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *arguments, **options: pytest.fail("it was started"))
    path = tmp_path / "photo.png"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n%%EndComments\nshowpage\n%%EOF\n")
    with pytest.raises(VideoError, match=r"photo\.png must be an image; it cannot be decoded"):
        read_rgb(path)


@pytest.mark.parametrize("name", READ)
def test_every_format_is_read_under_any_picture_suffix(tmp_path, name):
    Image.init()
    if name not in Image.SAVE:
        pytest.skip(f"this Pillow does not write {name}")
    Image.new("RGB", (16, 8), (200, 100, 0)).save(tmp_path / "picture.png", format=name)
    assert read_rgb(tmp_path / "picture.png").shape == (8, 16, 3)
