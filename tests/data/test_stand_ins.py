import numpy as np
import pytest

from deepfake_adv.data.manifest import read_manifest
from deepfake_adv.data.stand_ins import OTHERS, StandIns


@pytest.fixture
def table(make_shards):
    folder = make_shards(
        tier="all", forgeries=("DF", "NT"), qualities=("raw", "c23"), videos={"train": OTHERS + 4}, frames=5, side=8
    )
    return read_manifest(folder / "train.parquet")


@pytest.mark.parametrize("place", [0, 7, 212, 333, 599])
def test_stand_ins_are_of_the_crops_own_condition(table, place):
    found = np.array(list(StandIns(table).of(place)))
    for name in ("dataset", "quality", "forgery"):
        assert set(table.strings(name)[found]) == {table.strings(name)[place]}
    assert set(table.labels[found]) == {table.labels[place]}
    assert place not in found
    assert len(set(found)) == len(found) == 4 + OTHERS


def test_the_nearest_in_time_come_first_then_that_moment_of_other_videos(table):
    found = np.array(list(StandIns(table).of(212)))  # the third of five frames, 3 apart
    assert table.frames[212] == 6
    assert table.frames[found[:4]].tolist() == [3, 9, 0, 12]
    assert set(table.videos[found[:4]]) == {table.videos[212]}
    assert set(table.frames[found[4:]]) == {6}
    assert len(set(table.videos[found[4:]]) - {table.videos[212]}) == OTHERS
