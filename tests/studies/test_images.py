import cv2
import numpy as np
import pytest

from deepfake_adv.crops.codec import resize
from deepfake_adv.data.manifest import read_manifest
from deepfake_adv.data.store import CropStore
from deepfake_adv.studies.images import condition_pictures, condition_rows, identities, image_folder, images_to_attack


def every(pictures):
    return pictures.decode(np.arange(len(pictures)))


def paths_of(folder):
    return [folder / f"{split}.parquet" for split in ("train", "val", "test")]


def test_identities_are_the_reals_of_the_best_quality(make_shards):
    folder = make_shards(tier="all", qualities=("c40", "raw", "c23"), frames=10)
    train, test = identities(paths_of(folder), folder.parents[1], 24)
    counts = {"train": 4, "val": 2, "test": 2}
    assert train.classes == sorted(f"corpus/{split}{n:03d}" for split, count in counts.items() for n in range(count))
    assert len(train) == 8 * 7
    assert len(test) == 8 * 2  # of ten frames, one beside the cut is left out
    assert train.names_of(np.array([0, 55])) == ["corpus/raw/real/train000/0", "corpus/raw/real/test001/18"]
    assert [train.classes[label] for label in train.labels[[0, 55]]] == ["corpus/train000", "corpus/test001"]
    assert not np.array_equal(every(train)[6], every(test)[0])
    table = read_manifest(folder / "train.parquet")
    rows = ((table.labels == 0) & (table.strings("quality") == "raw")).nonzero()[0]
    raw = CropStore(table, folder.parents[1], image_size=24).fetch(rows).images
    np.testing.assert_array_equal(every(train)[:7], raw[:7])
    places = np.array([55, 0, 29])  # of all three splits, in any order
    np.testing.assert_array_equal(train.decode(places), every(train)[places])


def test_images_to_attack_are_drawn_evenly(make_shards, tmp_path):
    folder = make_shards(tier="all", qualities=("raw",), frames=10)
    train, test = images_to_attack(folder, source="identities", folder=None, count=5, image_size=24)
    learnt, rest = identities(paths_of(folder), folder.parents[1], 24)
    np.testing.assert_array_equal(every(train), every(learnt))
    np.testing.assert_array_equal(every(test), every(rest)[[0, 3, 7, 11, 15]])
    assert test.labels.tolist() == rest.labels[[0, 3, 7, 11, 15]].tolist()
    with pytest.raises(FileNotFoundError, match="folder of images per class"):
        images_to_attack(folder, source="folder", folder=str(tmp_path), count=5, image_size=24)


def test_a_condition_without_images_is_reported_with_the_key_that_names_it(shards):
    table = read_manifest(shards / "test.parquet")
    assert len(condition_rows(table, "NT_c23", 3, key="robustness.condition")) == 4 * 3
    with pytest.raises(ValueError, match=r"robustness\.condition must be a condition that the test images have: .* DF"):
        condition_rows(table, "DF_c23", 3, key="robustness.condition")


def test_crop_files_that_have_changed_are_reported_before_one_is_decoded(make_shards):
    folder = make_shards(tier="all", videos={"train": 1, "val": 1, "test": 2}, frames=10)
    table = read_manifest(folder / "test.parquet")
    next((folder.parents[1] / "crops").rglob("NT-test-*.parquet")).write_bytes(b"cut short")
    with pytest.raises(ValueError, match=r"crop files must be those .*NT-test-000\.parquet \(changed or cut short\)"):
        condition_pictures(table, np.arange(len(table)), folder.parents[1], 24)
    next((folder.parents[1] / "crops").rglob("real-val-*.parquet")).unlink()
    with pytest.raises(ValueError, match=r"crop files must be those .*real-val-000\.parquet \(missing\)"):
        identities(paths_of(folder), folder.parents[1], 24)


def test_videos_too_short_to_be_divided_are_refused(make_shards):
    folder = make_shards(tier="all", frames=3)
    with pytest.raises(ValueError, match=r"must hold five frames of a video.*; got 3"):
        identities(paths_of(folder), folder.parents[1], 24)


def test_one_identity_is_too_few(make_shards):
    folder = make_shards(tier="all", videos={"train": 1})
    with pytest.raises(ValueError, match="at least two identities; got 1"):
        identities([folder / "train.parquet"], folder.parents[1], 24)


@pytest.mark.parametrize("size", [8, 20, 30])
def test_an_image_folder_gives_central_squares_by_the_one_filter(tmp_path, size):
    rng = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        cv2.imwrite(str(tmp_path / name / "a.PNG"), rng.integers(0, 255, (20, 26, 3), np.uint8))
        (tmp_path / name / "notes.txt").write_text("no image")
    found = image_folder(tmp_path, 5, size)
    assert found.classes == ["cat", "dog"]
    assert found.names_of(np.array([1])) == ["dog/a.PNG"]
    assert found.labels.tolist() == [0, 1]
    square = cv2.imread(str(tmp_path / "dog/a.PNG"), cv2.IMREAD_COLOR_RGB)[:, 3:23]
    expected = np.empty((size, size, 3), np.uint8)
    resize(square, expected)
    np.testing.assert_array_equal(found.decode(np.array([1]))[0], expected)


def test_an_image_folder_goes_by_the_numbers_in_names(tmp_path):
    (tmp_path / "cat").mkdir()
    for index in (0, 1, 2, 10, 100):
        cv2.imwrite(str(tmp_path / "cat" / f"{index}.png"), np.full((8, 8, 3), index, np.uint8))
    (tmp_path / "cat" / "._0.png").write_bytes(b"what macOS knows of 0.png")
    found = image_folder(tmp_path, 5, 8).decode(np.arange(5))
    assert found[:, 0, 0, 0].tolist() == [0, 1, 2, 10, 100]


def test_an_image_folder_without_images_and_a_broken_image_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"attack\.images\.folder must hold"):
        image_folder(tmp_path, 5, 8)
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / "a.png").write_text("no image")
    with pytest.raises(ValueError, match="must be an image"):
        every(image_folder(tmp_path, 5, 8))
