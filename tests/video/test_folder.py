import struct
import zlib

import cv2
import numpy as np
import pytest

from deepfake_adv.video.colour import i420_to_rgb
from deepfake_adv.video.errors import VideoError
from deepfake_adv.video.read import frame_times, probe, read_frames


class TestFolder:
    @pytest.fixture
    def folder(self, tmp_path):
        path = tmp_path / "frames"
        path.mkdir()
        for index in range(5):
            cv2.imwrite(str(path / f"{index:04}.png"), np.full((31, 40, 3), 40 * index, np.uint8))
        (path / "notes.txt").write_text("not an image")
        return path

    def test_stands_for_a_video(self, folder):
        facts = probe(folder)
        assert (facts.frames, facts.width, facts.height) == (5, 40, 30)
        assert len(frame_times(folder)) == 5
        frames = list(read_frames(folder, [1, 4]))
        assert [i420_to_rgb(frame).mean() for frame in frames] == pytest.approx([40, 160], abs=1)

    def test_numbers_in_names_count_by_value(self, tmp_path):
        for index in (0, 1, 2, 9, 10, 11, 100, 101):
            cv2.imwrite(str(tmp_path / f"frame{index}.png"), np.full((8, 8, 3), 2 * index, np.uint8))
        values = [i420_to_rgb(frame).mean() for frame in read_frames(tmp_path)]
        assert values == pytest.approx([0, 2, 4, 18, 20, 22, 200, 202], abs=1)

    def test_only_what_is_requested_is_read(self, folder):
        (folder / "0001.png").write_bytes(b"no image")
        assert len(list(read_frames(folder, [0, 2, 4]))) == 3

    def test_masks_and_second_faces_do_not_count(self, folder):
        for name in ("0001_mask.png", "frames_000012_1.png"):
            cv2.imwrite(str(folder / name), np.zeros((8, 8), np.uint8))
        assert probe(folder).frames == 5

    def test_a_number_at_the_end_alone_makes_no_second_face(self, folder, monkeypatch):
        for name in ("take_000012_1.png", "frames_20240131_2.png", "my_frames_000012_1.png", "frames_000012_0.png"):
            cv2.imwrite(str(folder / name), np.zeros((8, 8), np.uint8))
        assert probe(folder).frames == 9
        cv2.imwrite(str(folder / "frames_000012_1.png"), np.zeros((8, 8), np.uint8))
        monkeypatch.chdir(folder)
        assert probe(".").frames == 9

    def test_an_image_that_is_too_large_is_reported(self, folder):
        size = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
        chunks = [(b"IHDR", size), (b"IDAT", zlib.compress(b"")), (b"IEND", b"")]
        coded = [struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in chunks]
        (folder / "0000.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(coded))
        with pytest.raises(VideoError, match=r"0000\.png must be an image of at most 178,956,970 pixels"):
            list(read_frames(folder, [0]))

    def test_hidden_files_do_not_count(self, folder):
        (folder / "._0001.png").write_bytes(b"what macOS knows of 0001.png")
        assert probe(folder).frames == 5 == len(list(read_frames(folder)))

    def test_a_folder_of_masks_alone_counts(self, tmp_path):
        cv2.imwrite(str(tmp_path / "0001_mask.png"), np.full((8, 8), 255, np.uint8))
        assert probe(tmp_path).frames == 1

    def test_without_images_or_with_a_broken_one(self, folder, tmp_path):
        (tmp_path / "empty").mkdir()
        with pytest.raises(VideoError, match="must hold images; got none"):
            probe(tmp_path / "empty")
        (folder / "0002.png").write_bytes(b"no image")
        with pytest.raises(VideoError, match=r"0002\.png must be an image"):
            list(read_frames(folder))
