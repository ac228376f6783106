import pickle
from itertools import islice

import numpy as np
import pyarrow as pa
import pytest
import torch

from deepfake_adv.crops.files import CorruptCrop
from deepfake_adv.data.loader import MIRROR, BatchSource, FixedBatches, Loader, mirror
from deepfake_adv.data.manifest import CropTable, read_manifest
from deepfake_adv.data.sampler import BalancedSampler
from deepfake_adv.data.store import Crops, CropStore


@pytest.fixture(scope="module")
def make_loader(shards):
    table = read_manifest(shards / "train.parquet")

    def make(*, size=16, clip_length=1, memory=False, flip=True, **options):
        rows = np.arange(len(table))
        store = CropStore(table, shards.parents[1], image_size=size, masks=True, landmarks=True)
        if memory:
            store.keep_in_memory(rows)
        sampler = BalancedSampler(
            table.labels, table.videos, table.frames, table.groups,
            batch_size=8, steps=5, mode="draws", clip_length=clip_length, seed=1,
        )  # fmt: skip
        source = BatchSource(store, rows, table.labels, flip=flip, seed=1)
        return Loader(source, sampler.batches, sampler.steps, **options)

    return make


def same(left, right):
    return all(torch.equal(getattr(left, name), getattr(right, name)) for name in ("images", "labels", "masks", "rows"))


def test_batches_keep_the_contract(make_loader):
    batch = next(iter(make_loader()))
    assert batch.images.shape == (8, 3, 16, 16)
    assert batch.images.dtype == torch.float32
    assert 0 <= batch.images.min() < batch.images.max() <= 1
    assert batch.labels.tolist() == [0] * 4 + [1] * 4
    assert batch.masks.shape == (8, 1, 16, 16)
    assert batch.masks[:4].max() == 0
    assert batch.masks[4:].amax((1, 2, 3)).tolist() == [1] * 4
    assert batch.landmarks.shape == (8, 68, 2)


def test_clips_have_a_dimension_more(make_loader):
    batch = next(iter(make_loader(clip_length=3)))
    assert batch.images.shape == (8, 3, 3, 16, 16)
    assert batch.masks.shape == (8, 3, 1, 16, 16)
    assert batch.landmarks.shape == (8, 3, 68, 2)
    assert len(batch.labels) == 8


def test_epochs_differ_and_repeat_from_the_seed(make_loader):
    loader, again = make_loader(), make_loader()
    first, second = list(loader), list(loader)
    assert len(first) == 5
    assert not same(first[0], second[0])
    assert all(same(a, b) for a, b in zip(first + second, [*again, *again], strict=True))


def test_memory_changes_no_batch(make_loader):
    assert all(same(a, b) for a, b in zip(make_loader(), make_loader(memory=True), strict=True))


def test_a_loader_resumes_in_mid_epoch(make_loader):
    loader = make_loader()
    batches = iter(loader)
    for _ in range(3):
        next(batches)
    resumed = make_loader()
    resumed.load_state_dict(loader.state_dict())
    assert len(resumed) == 2
    rest = list(batches)
    assert all(same(a, b) for a, b in zip(rest, resumed, strict=True))
    assert resumed.state_dict() == {"epoch": 1, "step": 0}
    assert same(next(iter(loader)), next(iter(resumed)))


def test_ranks_share_each_batch_out(make_loader):
    whole = list(make_loader())
    shares = [list(make_loader(rank=rank, world=2)) for rank in (0, 1)]
    for step, batch in enumerate(whole):
        for rank in (0, 1):
            assert torch.equal(batch.images[rank::2], shares[rank][step].images)
            assert shares[rank][step].labels.tolist() == [0, 0, 1, 1]


def test_channels_last_is_a_memory_format_alone(make_loader):
    plain, last = next(iter(make_loader())), next(iter(make_loader(channels_last=True)))
    assert same(plain, last)
    assert plain.images.is_contiguous()
    assert last.images.is_contiguous(memory_format=torch.channels_last)


def test_mirroring_moves_images_masks_and_points_together():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (2, 8, 8, 3), np.uint8)
    masks = rng.integers(0, 255, (2, 8, 8), np.uint8)
    points = rng.uniform(0, 7, (2, 68, 2)).astype(np.float32)
    crops = Crops(images.copy(), masks.copy(), points.copy())
    mirror(crops, np.array([False, True]))
    assert (crops.images[0] == images[0]).all()
    assert (crops.images[1] == images[1, :, ::-1]).all()
    assert (crops.masks[1] == masks[1, :, ::-1]).all()
    assert crops.landmarks[1, 36] == pytest.approx([7 - points[1, 45, 0], points[1, 45, 1]])  # outer eye corners
    assert crops.landmarks[1, 48, 0] == pytest.approx(7 - points[1, 54, 0])  # corners of the mouth
    mirror(crops, np.array([False, True]))
    assert np.allclose(crops.landmarks, points, atol=1e-5)
    assert sorted(MIRROR) == list(range(68))


@pytest.mark.slow
def test_worker_count_changes_no_batch_and_resuming_works_with_workers(make_loader):
    alone = [*make_loader()]
    loader = make_loader(workers=2)
    assert all(same(a, b) for a, b in zip(alone, loader, strict=True))
    loader.load_state_dict({"epoch": 0, "step": 1})
    some = list(islice(loader, 2))  # left in mid-epoch
    loader.load_state_dict({"epoch": 0, "step": 2})
    assert same(some[0], alone[1])
    assert all(same(a, b) for a, b in zip(alone[2:], loader, strict=True))


@pytest.fixture
def broken(make_shards):
    """A manifest and two of its fakes whose images are damaged."""
    manifest = make_shards() / "train.parquet"
    table = read_manifest(manifest)
    bad = np.flatnonzero(table.labels == 1)[[2, 9]]
    for row in bad:
        path = manifest.parents[2] / table.strings("file")[row]
        content = bytearray(path.read_bytes())
        content[table.ranges("image")[0][row] + 40] ^= 1
        path.write_bytes(content)
    return manifest, bad


def read_all(manifest, *, length=1, workers=0, corrupt="skip"):
    """Every crop once, all mirrored or none as the seed has it, in batches of 8."""
    table = read_manifest(manifest)
    store = CropStore(table, manifest.parents[2], image_size=16, masks=True, landmarks=True, corrupt=corrupt)
    rows = np.arange(len(table))
    plan = FixedBatches(list(rows.reshape(-1, 8 // length, length)))
    return [*Loader(BatchSource(store, rows, table.labels, flip=True), plan, len(rows) // 8, workers=workers)], store


@pytest.mark.parametrize("length", [1, 4])
@pytest.mark.parametrize("workers", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_a_crop_that_cannot_be_read_has_its_substitute_mirrored_as_itself(broken, length, workers):
    manifest, bad = broken
    batches, store = read_all(manifest, length=length, workers=workers)
    assert store.lost == set(bad)
    substitutes = {int(row): next(iter(store._substitutes.of(int(row)))) for row in bad}
    for step, batch in enumerate(batches):
        flips = np.random.default_rng([0, 0, step, 2]).random(8 // length) < 0.5
        expected = np.arange(8 * step, 8 * step + 8)
        crops = store.fetch(np.array([substitutes.get(int(row), int(row)) for row in expected]))
        mirror(crops, np.repeat(flips, length))
        images = torch.from_numpy(crops.images).permute(0, 3, 1, 2).float() / 255
        assert torch.equal(batch.images.reshape(images.shape), images)
        assert torch.equal(batch.masks.reshape(8, 16, 16), torch.from_numpy(crops.masks).float() / 255)
        assert np.array_equal(batch.landmarks.reshape(8, 68, 2), crops.landmarks, equal_nan=True)


@pytest.mark.parametrize("workers", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_a_crop_that_cannot_be_read_stops_the_loader_in_words(broken, workers):
    manifest, _ = broken
    with pytest.raises(CorruptCrop, match=r"^crop must be readable; got .*CRC checksum at row 2 of row group 0"):
        read_all(manifest, workers=workers, corrupt="fail")


def test_what_is_sent_to_a_worker_does_not_grow_with_the_manifest(shards):
    """Each worker was sent the whole table, 0.14 GB for FaceForensics++ at all qualities."""
    table = read_manifest(shards / "train.parquet")
    sizes = []
    for times in (1, 50):
        columns = pa.concat_tables([table.columns] * times).combine_chunks()
        large = CropTable(
            table.path,
            columns,
            *(np.tile(part, times) for part in (table.labels, table.videos, table.frames, table.groups)),
        )
        store = CropStore(large, shards.parents[1], image_size=16, masks=True, landmarks=True, corrupt="skip")
        rows = np.arange(len(large))
        loader = Loader(BatchSource(store, rows, large.labels), FixedBatches([rows[:8, None]]), 1, workers=1)
        sent = (loader._loader.dataset, next(iter(loader.remaining)))
        sizes.append(len(pickle.dumps(sent)))
    assert sizes[0] == sizes[1] < 5000


@pytest.mark.slow
def test_workers_are_kept_between_epochs(make_loader):
    loader = make_loader(workers=1)
    pids = []
    for _ in range(2):
        assert len(list(loader)) == 5
        pids.append([worker.pid for worker in loader._loader._iterator._workers])
    assert pids[0] == pids[1]
