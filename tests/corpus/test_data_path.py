"""The two further sets go through the data path as the real datasets do: inventory, extract, locate, crop, shard."""

from importlib import import_module
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from ruamel.yaml import YAML

from deepfake_adv.corpus.build import build
from deepfake_adv.crops.codec import decode_mask
from deepfake_adv.video.colour import i420_to_rgb
from deepfake_adv.video.read import read_frames

ROOT = Path(__file__).parents[2]
FRAMES = {"train": 4, "val": 4, "test": 4, "sampling": "even"}
DATASETS = {
    "dfd": {"layout": "dfd", "root": "data/corpus", "forgeries": ["DFD"]},
    "celebdf": {"layout": "celebdf", "root": "data/corpus/Celeb-DF-v2", "forgeries": ["CelebDF"]},
}
PARTS = {
    "corpus_c23": ("corpus", "c23"), "dfd_c23": ("dfd", "c23"), "dfd_c40": ("dfd", "c40"),
    "celebdf_native": ("celebdf", "native"),
}  # fmt: skip


def stage(name, *arguments):
    import_module(f"pipeline.{name}").main(*arguments)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A folder in which the stages have run on two pairs of each set."""
    folder = tmp_path_factory.mktemp("sets")
    yaml = YAML()
    params = yaml.load((ROOT / "profiles/demo.yaml").read_text(encoding="utf-8"))
    pairs = {"train": 1, "val": 1, "test": 1}
    params["corpus"] |= {"frames": 8, "dfd_pairs": 2, "celebdf_pairs": 1, "pairs": pairs}
    for name, entry in DATASETS.items():
        params["datasets"][name] = {**entry, "options": {"published": False}}
    for dataset in params["datasets"].values():
        dataset["frames"] = FRAMES
    params["parts"] = {name: {"dataset": dataset, "quality": quality} for name, (dataset, quality) in PARTS.items()}
    params["tiers"] = ["c23", "native", "all"]
    for run in params["runs"].values():
        run["conditions"] = ["NT_c23"]
        run.pop("test", None)
    params["execution"]["workers"] = 1
    params["extract"]["min_frames"] = 4
    params["locate"] |= {"every": 2, "landmarks": "none"}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        with open("params.yaml", "w", encoding="utf-8") as stream:
            yaml.dump(params, stream)
        stage("corpus", Path("data/corpus"))
        stage("inventory", Path("data/inventory"))
        for dataset, quality in PARTS.values():
            table = Path(f"data/inventory/{dataset}/{quality}.csv")
            stage("extract", dataset, quality, table, Path(f"data/frames/{dataset}/{quality}"))
        for name in params["datasets"]:
            stage("locate", name, *(Path(f"data/{place}/{name}") for place in ("inventory", "frames", "faces")))
        for dataset, quality in PARTS.values():
            place = f"{dataset}/{quality}"
            faces = Path(f"data/faces/{dataset}")
            stage("crop", dataset, quality, Path(f"data/frames/{place}"), faces, Path(f"data/crops/{place}"))
        for tier in params["tiers"]:
            stage("shard", tier, Path("data/crops"), Path("data/inventory"), Path(f"data/manifests/{tier}"))
    return folder


def rows(project, dataset, quality):
    files = sorted((project / f"data/crops/{dataset}/{quality}").glob("*.parquet"))
    return [row for file in files for row in pq.read_table(file).to_pylist()]


@pytest.mark.parametrize(
    ("dataset", "quality", "reals", "fakes"), [("dfd", "c23", 8, 8), ("dfd", "c40", 8, 8), ("celebdf", "native", 3, 2)]
)
def test_every_video_leaves_its_crops(project, dataset, quality, reals, fakes):
    found = rows(project, dataset, quality)
    assert {row["split"] for row in found} == {"test"}
    videos = {row["video"]: row["label"] for row in found}
    assert (len(videos), sum(videos.values())) == (reals + fakes, fakes)
    assert len(found) == 4 * (reals + fakes)  # dlib misses no face


def test_the_forged_one_of_two_people_is_cut_by_the_mask(project):
    """A DFD-like fake's crop covers its mask, on whichever side and however small the actor is."""
    sides = set()
    for row in rows(project, "dfd", "c23"):
        if not row["label"]:
            continue
        name = row["video"].partition("/")[2]
        mask = project / f"data/corpus/manipulated_sequences/DeepFakeDetection/masks/videos/{name}.mp4"
        (planes,) = read_frames(mask, [row["frame"]], masks=True)
        shown = i420_to_rgb(planes)[..., 0] > 128
        x, y, side = row["box_x"], row["box_y"], row["box_side"]
        assert shown[max(y, 0) : y + side, max(x, 0) : x + side].sum() > 0.95 * shown.sum(), name
        assert (decode_mask(row["mask"]["bytes"]) > 128).any()
        if shown.shape[1] > shown.shape[0]:
            sides.add(bool(np.nonzero(shown)[1].mean() > shown.shape[1] / 2))
    assert sides == {False, True}


def test_the_list_says_one_for_real(project):
    lines = (project / "data/corpus/Celeb-DF-v2/List_of_testing_videos.txt").read_text().splitlines()
    assert lines[0] == "1 Celeb-real/id0_0000.mp4"
    assert "0 Celeb-synthesis/id0_id1_0000.mp4" in lines
    assert len(lines) == 5


def test_clips_of_the_users_bring_no_further_set(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = {"seed": 1, "pairs": {"train": 1, "val": 1, "test": 1}, "frames": 8, "size": 128, "fps": 25}
    build(
        tmp_path / "corpus", source="none", folder=None, max_shorter_side=480, dfd_pairs=1, celebdf_pairs=1,
        execution={"workers": 1}, scratch=tmp_path / "work", **settings,
    )  # fmt: skip
    assert [path.name for path in (tmp_path / "corpus").iterdir()] == ["corpus.json"]
