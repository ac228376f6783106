import pytest
import torch

from deepfake_adv.data.crop_dataset import read_manifest
from deepfake_adv.studies.images import fetch_images, identities, images_to_attack


def paths_of(folder):
    return [folder / f"{split}.parquet" for split in ("train", "val", "test")]


def test_identities_are_the_reals_of_the_best_quality(make_shards):
    folder = make_shards(tier="all", qualities=("c40", "raw", "c23"), frames=10)
    train, test = identities(paths_of(folder), folder.parents[1], 24)
    counts = {"train": 4, "val": 2, "test": 2}
    assert train.names == sorted(f"corpus/{split}{n:03d}" for split, count in counts.items() for n in range(count))
    assert len(train.images) == 8 * 7
    assert len(test.images) == 8 * 2  # of ten frames, one beside the cut is left out
    assert not torch.equal(train.images[6], test.images[0])
    table = read_manifest(folder / "train.parquet")
    rows = ((table.labels == 0) & (table.strings("quality") == "raw")).nonzero()[0]
    raw = fetch_images(table, rows, folder.parents[1], 24)
    assert any(torch.equal(train.images[0], image) for image in raw)


def test_images_to_attack_are_drawn_evenly(make_shards, tmp_path):
    folder = make_shards(tier="all", qualities=("raw",), frames=10)
    train, test = images_to_attack(folder, source="identities", folder=None, count=5, image_size=24)
    learnt, rest = identities(paths_of(folder), folder.parents[1], 24)
    assert torch.equal(train.images, learnt.images)
    assert torch.equal(test.images, rest.images[[0, 3, 7, 11, 15]])
    with pytest.raises(FileNotFoundError, match="folder of images per class"):
        images_to_attack(folder, source="folder", folder=str(tmp_path), count=5, image_size=24)


def test_videos_too_short_to_be_divided_are_refused(make_shards):
    folder = make_shards(tier="all", frames=3)
    with pytest.raises(ValueError, match=r"must hold five frames of a video.*; got 3"):
        identities(paths_of(folder), folder.parents[1], 24)


def test_one_identity_is_too_few(make_shards):
    folder = make_shards(tier="all", videos={"train": 1})
    with pytest.raises(ValueError, match="at least two identities; got 1"):
        identities([folder / "train.parquet"], folder.parents[1], 24)
