"""A study batch by batch: what is done is not done again, and the batches are those of one pass."""

import numpy as np
import pytest

from deepfake_adv.studies.blocks import AHEAD, Blocks


def squares(places, prepared):
    assert np.array_equal(places * 2, prepared)
    return np.stack([places**2, -places], axis=1)


def test_figures_are_those_of_all_images_in_order(tmp_path):
    blocks = Blocks(tmp_path / "batches", 10, 4)
    assert [places.tolist() for places in blocks.batches] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    blocks.fill(lambda places: places * 2, squares, desc="test", workers=2)
    assert np.array_equal(blocks.column(0), np.arange(10) ** 2)
    assert np.array_equal(blocks.column(1), -np.arange(10))
    assert [len(figures) for figures in blocks] == [4, 4, 2]


def test_batches_that_are_done_are_kept(tmp_path, caplog):
    caplog.set_level("INFO")

    def stop_at_eight(places, prepared):
        if 8 in places:
            raise KeyboardInterrupt
        return squares(places, prepared)

    with pytest.raises(KeyboardInterrupt):
        Blocks(tmp_path, 10, 4).fill(lambda places: places * 2, stop_at_eight, desc="test", workers=1)
    prepared, worked = [], []
    blocks = Blocks(tmp_path, 10, 4)
    blocks.fill(
        lambda places: prepared.append(places) or places * 2,
        lambda places, parts: worked.append(places) or squares(places, parts),
        desc="test", workers=1,
    )  # fmt: skip
    assert [places.tolist() for places in worked] == [[8, 9]]
    assert len(prepared) == 1
    assert "test: going on after 2 of 3 batches" in caplog.text
    assert np.array_equal(blocks.column(0), np.arange(10) ** 2)


def test_only_a_few_batches_are_prepared_ahead(tmp_path):
    prepared = []

    def work(places, parts):
        assert len(prepared) <= places[0] + 1 + AHEAD
        return squares(places, parts)

    blocks = Blocks(tmp_path, 20, 1)
    blocks.fill(lambda places: prepared.append(places) or places * 2, work, desc="test", workers=4)
    assert len(prepared) == 20
