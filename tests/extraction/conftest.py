"""A tiny dataset of flat frames in which the face is a bright square, so that its box is known exactly."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from deepfake_adv.datasets.videos import VideoRow, format_rows
from deepfake_adv.extraction.crop import crop_part
from deepfake_adv.extraction.cutting import CropOptions
from deepfake_adv.extraction.frames import STORE, TABLE, VIDEOS, frame_table, write_frame_table
from deepfake_adv.extraction.locate import locate_dataset
from deepfake_adv.extraction.tracking import LocateOptions
from deepfake_adv.faces.box import FaceBox
from deepfake_adv.video.encode import write_ffv1, write_h264

WIDTH, HEIGHT, SIDE = 160, 120, 40
CROP = CropOptions(margin=1.3, encoding="png", masks=True)
LOCATE = LocateOptions(
    backend="dlib", policy="shared", every=10, smooth=15, landmarks="none", on_miss="interpolate", max_gap=8
)


@dataclass(frozen=True)
class Toy:
    """Folders of a made dataset, as extract leaves them."""

    root: Path
    inventory: Path
    frames: Path

    def where(self, video: str, frame: int) -> tuple[int, int]:
        """Left and top of the face."""
        return 20 + frame // 4 + 3 * (video == "real/002"), 30 + frame // 8


def find_square(rgb: np.ndarray) -> list[FaceBox]:
    """A locator that finds the bright square."""
    rows, columns = np.nonzero(rgb[:, :, 1] > 180)
    if not rows.size:
        return []
    return [FaceBox(*(float(v) for v in (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)), 1.5)]


def draw(x: int, y: int, seed: int, *, visible: bool = True) -> np.ndarray:
    """I420 planes of noise with the face at x, y; one that is not visible is too dark for `find_square`."""
    rng = np.random.default_rng(seed)
    planes = rng.integers(60, 90, (HEIGHT * 3 // 2, WIDTH), dtype=np.uint8)
    planes[HEIGHT:] = rng.integers(120, 136, (HEIGHT // 2, WIDTH), dtype=np.uint8)
    planes[y : y + SIDE, x : x + SIDE] = 220 if visible else 150
    return planes


@pytest.fixture
def toy(tmp_path: Path) -> Callable[..., Toy]:
    """Make a dataset of qualities c23 and c40: two reals (40 frames) and their swaps, 001_002 shorter."""

    def make(faceless: dict[str, list[int]] | None = None, qualities: tuple[str, ...] = ("c23", "c40")) -> Toy:
        data = Toy(tmp_path / "root", tmp_path / "inventory" / "toy", tmp_path / "frames" / "toy")
        faceless = faceless or {}
        videos = {"real/001": 40, "real/002": 40, "NT/001_002": 25, "NT/002_001": 40}
        data.inventory.mkdir(parents=True)
        for quality in qualities:
            rows, sampled = [], []
            folder = data.frames / quality
            for video, count in videos.items():
                name = video.split("/")[1]
                target, _, source = name.partition("_")
                mask = "" if not source else f"masks/{name}.mp4"
                split = "train" if target == "001" else "test"
                row = VideoRow(
                    video, int(bool(source)), video.split("/")[0], split, target, source, f"{quality}/{name}.mp4", mask,
                    1, f"print-{quality}-{name}", count, 25.0, WIDTH, HEIGHT, "ok", "",
                )  # fmt: skip
                indices = list(range(0, count, 1 if source else 2))
                missing = faceless.get(video, [])
                planes = [
                    draw(data.where(f"real/{target}", i)[0], data.where("", i)[1], i, visible=i not in missing)
                    for i in indices
                ]
                write_ffv1(folder / STORE / f"{video}.mkv", planes)
                if source and quality == qualities[0]:
                    spots = [np.zeros((HEIGHT, WIDTH), np.uint8) for _ in range(count)]
                    for i, spot in enumerate(spots):
                        x, y = data.where(f"real/{target}", i)
                        spot[y + 10 : y + 30, x + 10 : x + 30] = 255
                    write_h264(data.root / mask, spots, crf=0, gray=True)
                rows.append(row)
                sampled.append((row, indices, [i / 25 for i in indices]))
            write_frame_table(folder / TABLE, frame_table(sampled))
            (folder / VIDEOS).write_text(format_rows(rows))
            (data.inventory / f"{quality}.csv").write_text(format_rows(rows))
        return data

    return make


@pytest.fixture
def square_locator(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Put `find_square` in the place of dlib, in this process; the list counts its calls."""
    calls: list[int] = []

    def find(rgb: np.ndarray) -> list[FaceBox]:
        calls.append(1)
        return find_square(rgb)

    monkeypatch.setattr("deepfake_adv.extraction.tracking._locator", lambda *options: find)
    return calls


@pytest.fixture
def located(toy, square_locator, tmp_path):
    def located(**changes):
        data = toy(changes.pop("faceless", None), ("c23",))
        locate_dataset(
            "toy", data.inventory, data.frames, tmp_path / "faces", root=data.root, options=replace(LOCATE, **changes),
            max_failed_share=0, warn_missed_share=1, execution={"workers": 1}, scratch=tmp_path / "work",
        )  # fmt: skip
        return data

    return located


@pytest.fixture
def cut(tmp_path):
    def cut(data, options=CROP, name="crops", share=0.0, rows_per_file=4096, quality="c23"):
        output = tmp_path / name / "toy" / quality
        counts = crop_part(
            "toy", quality, data.frames / quality, tmp_path / "faces", output, root=data.root, options=options,
            max_failed_share=share, execution={"workers": 1}, rows_per_file=rows_per_file, scratch=tmp_path / "work",
        )  # fmt: skip
        return counts, output

    return cut
