import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from deepfake_adv.crops.codec import resize, scale_points
from deepfake_adv.crops.files import CROP_SCHEMA, CROP_WRITE_OPTIONS, CorruptCrop
from deepfake_adv.data.manifest import crop_file_rows, read_manifest, write_manifest
from deepfake_adv.data.store import CropStore


def store(manifest, **options):
    table = read_manifest(manifest)
    options = {"image_size": 16, "masks": True, "landmarks": True} | options
    return table, CropStore(table, manifest.parents[2], **options)


def test_crops_come_in_the_order_requested(shards):
    table, crops = store(shards / "train.parquet")
    rows = np.random.default_rng(0).permutation(len(table))[:40]
    together = crops.fetch(rows)
    for place in (0, 7, 39):
        alone = crops.fetch(rows[place : place + 1])
        assert (alone.images[0] == together.images[place]).all()
        assert (alone.masks[0] == together.masks[place]).all()


def test_memory_gives_the_same_crops(shards):
    table, crops = store(shards / "train.parquet")
    rows = np.arange(0, len(table), 3)
    before = crops.fetch(rows)
    crops.keep_in_memory(rows)
    crops.decoder = None  # no file is touched any more
    after = crops.fetch(rows)
    for name in ("images", "masks", "landmarks"):
        assert np.array_equal(getattr(before, name), getattr(after, name))


def test_images_are_rgb_at_the_size_requested_and_masks_are_zero_for_reals(shards):
    table, crops = store(shards / "train.parquet", image_size=24)
    rows = np.array([np.flatnonzero(table.labels == label)[0] for label in (0, 1)])
    found = crops.fetch(rows)
    file = pq.read_table(shards.parents[1] / table.strings("file")[rows[1]])
    stored = cv2.imdecode(np.frombuffer(file["image"][0]["bytes"].as_py(), np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    assert (found.images[1] == stored).all()
    assert not found.masks[0].any()
    assert found.masks[1].mean() == pytest.approx(255 / 16)
    assert found.landmarks[1, 0] == pytest.approx([6, 18])


def test_landmarks_move_with_pixel_centres():
    corner = scale_points([0.0, 0.0] * 68, (8, 8, 3), 16)
    assert corner[0] == pytest.approx([0.5, 0.5])
    middle = scale_points([3.5, 3.5] * 68, (8, 8, 3), 3)
    assert middle[0] == pytest.approx([1, 1])


def test_shrinking_averages_areas_and_enlarging_is_linear():
    image = np.random.default_rng(0).integers(0, 255, (8, 8, 3), np.uint8)
    small = np.empty((4, 4, 3), np.uint8)
    resize(image, small)
    assert np.abs(small - image.reshape(4, 2, 4, 2, 3).mean((1, 3))).max() <= 0.5
    large = np.empty((16, 16, 3), np.uint8)
    resize(image, large)
    assert (large == cv2.resize(image, (16, 16), interpolation=cv2.INTER_LINEAR)).all()


@pytest.fixture
def damaged(make_shards):
    """Shards whose first fake crop holds bytes that do not decode."""
    manifest = make_shards() / "train.parquet"
    path = manifest.parents[2] / "crops/corpus/c23/NT-train-000.parquet"
    rows = pq.read_table(path).to_pylist()
    rows[0]["image"]["bytes"] = b"no image"
    pq.write_table(pa.Table.from_pylist(rows, schema=CROP_SCHEMA), path, row_group_size=32, **CROP_WRITE_OPTIONS)
    folder = manifest.parents[2]
    write_manifest(
        pa.concat_tables(
            [crop_file_rows(path.with_name(f"{name}-train-000.parquet"), folder) for name in ("real", "NT")]
        ),
        manifest,
    )
    return manifest


def test_a_crop_that_does_not_decode_is_named(damaged):
    table, crops = store(damaged)
    bad = np.flatnonzero(table.labels == 1)[:1]
    with pytest.raises(CorruptCrop, match=r"row 0 of row group 0 of .*NT-train-000\.parquet.*train\.corrupt"):
        crops.fetch(bad)


def test_a_crop_is_skipped_only_if_configured_and_then_its_neighbour_in_time_steps_in(damaged, caplog):
    table, crops = store(damaged, corrupt="skip")
    bad = np.flatnonzero(table.labels == 1)[:1]
    found = crops.fetch(bad)
    neighbour = np.flatnonzero((table.videos == table.videos[bad]) & (table.frames == 3))
    np.testing.assert_array_equal(found.images, crops.fetch(neighbour).images)
    np.testing.assert_array_equal(found.masks, crops.fetch(neighbour).masks)
    assert "NT-train-000.parquet" in caplog.text


def test_no_crop_of_another_condition_steps_in(make_shards):
    """A file of one forgery and quality that cannot be read at all has no stand-in in the others of the manifest."""
    manifest = make_shards(tier="all", forgeries=("DF", "NT"), qualities=("raw", "c23")) / "train.parquet"
    (manifest.parents[2] / "crops/corpus/c23/NT-train-000.parquet").write_bytes(b"PAR1 no more")
    table, crops = store(manifest, corrupt="skip")
    lost = np.flatnonzero((table.strings("forgery") == "NT") & (table.strings("quality") == "c23"))
    with pytest.raises(CorruptCrop, match=r"or of others of its condition, must be readable; got none"):
        crops.fetch(lost[:1])


def test_a_damaged_file_costs_only_the_crops_whose_bytes_are_damaged(make_shards):
    manifest = make_shards(frames=16) / "train.parquet"
    path = manifest.parents[2] / "crops/corpus/c23/NT-train-000.parquet"
    table, crops = store(manifest, corrupt="omit")
    fakes = np.flatnonzero(table.labels == 1)
    whole = crops.fetch(fakes)
    content = bytearray(path.read_bytes())
    offset, size, _ = table.ranges("image")
    content[offset[fakes[5]] + size[fakes[5]] // 2] ^= 1
    path.write_bytes(content)
    found = crops.for_thread().fetch(fakes)
    assert crops.lost == {fakes[5]}
    assert not found.images[5].any()
    others = np.arange(len(fakes)) != 5
    assert (found.images[others] == whole.images[others]).all()
