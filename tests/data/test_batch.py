import pytest
import torch

from deepfake_adv.data.batch import Batch


def make(clip: int | None = None) -> Batch:
    lead = (4,) if clip is None else (4, clip)
    return Batch(
        torch.rand(*lead, 3, 8, 8),
        torch.tensor([0, 1, 1, 0]),
        torch.rand(*lead, 1, 8, 8),
        torch.rand(*lead, 68, 2),
        torch.arange(4),
    )


def test_split_keeps_order_and_all_parts() -> None:
    batch = make()
    fakes = batch.split(1)
    assert fakes.rows is not None
    assert fakes.rows.tolist() == [1, 2]
    assert torch.equal(fakes.images, batch.images[1:3])
    assert fakes.masks is not None
    assert len(fakes.masks) == 2
    assert len(Batch(torch.rand(2, 3, 4, 4), torch.zeros(2)).split(1)) == 0


def test_frames_and_back() -> None:
    batch = make(clip=3)
    frames = batch.frames()
    assert frames.images.shape == (12, 3, 8, 8)
    assert frames.labels.tolist() == [0, 0, 0, 1, 1, 1, 1, 1, 1, 0, 0, 0]
    again = batch.with_frames(frames)
    assert torch.equal(again.images, batch.images)
    assert torch.equal(again.labels, batch.labels)
    assert again.masks is not None
    assert batch.masks is not None
    assert torch.equal(again.masks, batch.masks)
    assert again.clip_length == 3
    assert make().clip_length is None
    images = make()
    assert images.frames() is images


def test_to_moves_what_is_there() -> None:
    batch = Batch(torch.rand(1, 3, 4, 4), torch.zeros(1, dtype=torch.long)).to("meta")
    assert batch.images.device.type == "meta"
    assert batch.masks is None
    assert len(batch) == 1


def test_shapes_are_checked() -> None:
    with pytest.raises(ValueError, match=r"images must be .*; got \(3, 4, 4\)"):
        Batch(torch.rand(3, 4, 4), torch.zeros(3))
    with pytest.raises(ValueError, match=r"labels must have one entry per image \(2\); got 3"):
        Batch(torch.rand(2, 3, 4, 4), torch.zeros(3))
