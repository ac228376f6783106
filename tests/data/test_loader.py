from itertools import islice

import numpy as np
import pytest
import torch

from deepfake_adv.data.crop_store import Crops, CropStore
from deepfake_adv.data.loader import MIRROR, Loader, Source, mirror
from deepfake_adv.data.manifest import read_manifest
from deepfake_adv.data.sampler import BalancedSampler


@pytest.fixture(scope="module")
def make_loader(shards):
    table = read_manifest(shards / "train.parquet")

    def make(*, size=16, clip_length=1, memory=False, flip=True, **options):
        rows = np.arange(len(table))
        store = CropStore(table, shards.parents[1], image_size=size, masks=True, landmarks=True)
        if memory:
            store.remember(rows)
        sampler = BalancedSampler(
            table.labels, table.videos, table.frames, table.groups,
            batch_size=8, steps=5, mode="draws", clip_length=clip_length, seed=1,
        )  # fmt: skip
        return Loader(Source(store, rows, table.labels, flip=flip, seed=1), sampler.plan, sampler.steps, **options)

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
    generator = np.random.default_rng(0)
    images = generator.integers(0, 255, (2, 8, 8, 3), np.uint8)
    masks = generator.integers(0, 255, (2, 8, 8), np.uint8)
    points = generator.uniform(0, 7, (2, 68, 2)).astype(np.float32)
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
