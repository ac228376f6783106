"""A video through the pipeline and through predict: the same crops, byte for byte."""

import numpy as np
import pyarrow.parquet as pq
import pytest

from deepfake_adv.corpus.render.take import film as render
from deepfake_adv.crops.codec import encode_crop
from deepfake_adv.data.manifest import read_manifest
from deepfake_adv.data.shard import make_manifests
from deepfake_adv.datasets.videos import VideoRow, format_rows
from deepfake_adv.extraction.crop import crop_part
from deepfake_adv.extraction.cutting import CropOptions
from deepfake_adv.extraction.extract import extract
from deepfake_adv.extraction.locate import locate_dataset
from deepfake_adv.extraction.tracking import LocateOptions
from deepfake_adv.prediction.media import Limits, open_medium
from deepfake_adv.prediction.people import cut_people, find_people
from deepfake_adv.prediction.settings import face_settings
from deepfake_adv.video.colour import rgb_to_i420
from deepfake_adv.video.encode import write_h264
from deepfake_adv.video.read import probe

LOCATE = LocateOptions(
    backend="dlib", policy="shared", every=4, smooth=5, landmarks="none", on_miss="interpolate", max_gap=8
)
ONE_WORKER = {"workers": 1}


@pytest.fixture
def pipeline(tmp_path):
    """extract, locate, crop and shard of one video; gives its crops by frame and what run.json would say."""

    def pipeline(video, locate, crop, store="frames"):
        facts = probe(video)
        row = VideoRow(
            "real/clip", 0, "real", "test", "clip", "", video.name, "", 1, "print", facts.frames, facts.fps,
            facts.width, facts.height, "ok", "",
        )  # fmt: skip
        inventory = tmp_path / "inventory" / "toy" / "c23.csv"
        inventory.parent.mkdir(parents=True)
        inventory.write_text(format_rows([row]))
        common = {"execution": ONE_WORKER, "scratch": tmp_path / "work"}
        frames, faces, crops = (tmp_path / "data" / name for name in ("frames/toy/c23", "faces/toy", "crops/toy/c23"))
        counts = {"train": 5, "val": 5, "test": 9}
        extract(
            inventory, video.parent, frames, counts=counts, sampling="even", store=store, min_frames=2,
            max_skipped_share=0, **common,
        )  # fmt: skip
        locate_dataset(
            "toy", inventory.parent, frames.parent, faces, root=video.parent, options=locate, max_failed_share=0,
            warn_missed_share=1, **common,
        )  # fmt: skip
        crop_part("toy", "c23", frames, faces, crops, root=video.parent, options=crop, max_failed_share=0, **common)
        manifests = tmp_path / "data/manifests/c23"
        make_manifests(
            "c23", crops.parents[1], tmp_path / "inventory", manifests, parts=[("toy", "c23")], balance="none",
            detected_only=False, max_frames=None, leaks="fatal", seed=0,
        )  # fmt: skip
        rows = [row for path in crops.glob("*.parquet") for row in pq.read_table(path).to_pylist()]
        return {row["frame"]: row["image"]["bytes"] for row in rows}, read_manifest(manifests / "test.parquet").record

    return pipeline


def predicted(video, record):
    settings = face_settings({"faces": record}, min_face=10, min_frames=1)
    medium = open_medium(video, settings.frames, one_video=False, strict=True, limits=Limits())
    _, people = find_people(medium, settings)
    cut = cut_people(medium, people, settings)
    return {frame: encode_crop(planes, square, settings.crop.encoding) for _, frame, planes, square in cut}


@pytest.mark.parametrize(
    ("policy", "encoding", "margin", "store"),
    [("shared", "webp", 1.3, "frames"), ("official", "i420", 1.2, "index"), ("shared", "i420", 2.0, "index")],
)
def test_a_video_gives_the_same_crops(film, pipeline, policy, encoding, margin, store):
    places = [[(20 + 3 * k, 10 + k, 44 + k % 3)] for k in range(12)]
    places[5] = []  # a miss
    after = [[(110 - 2 * k, 30, 51)] for k in range(8)]  # another shot
    video = film(places + after, dark=[60] * 12 + [20] * 8)
    locate = LocateOptions(**{**vars(LOCATE), "policy": policy, "max_pixels": 3_000_000})
    crops, record = pipeline(video, locate, CropOptions(margin, encoding, masks=False), store)
    assert record["locate"] == locate.section()
    assert record["crop"] == {"margin": margin, "encoding": encoding, "masks": False}
    assert record["frames"] == {"toy": {"train": 5, "val": 5, "test": 9, "sampling": "even"}}
    assert len(crops) >= 7
    assert predicted(video, record) == crops


def test_a_rendered_face_found_by_dlib_gives_the_same_crops(tmp_path, pipeline, real_locators):
    video = tmp_path / "rendered.mp4"
    pictures = [rgb for rgb, _ in render(3, 1, frames=10, size=160, fps=25)]
    write_h264(video, (rgb_to_i420(np.ascontiguousarray(rgb)) for rgb in pictures), crf=23)
    crops, record = pipeline(video, LOCATE, CropOptions(1.3, "webp", masks=False))
    assert len(crops) == 9
    assert predicted(video, record) == crops
