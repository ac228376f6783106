import pickle
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from deepfake_adv.extraction.groups import plan_groups


def test_a_group_is_a_target_its_forgeries_and_all_qualities(toy):
    data = toy()
    groups = plan_groups(data.frames, data.inventory, root=data.root, shared=True)
    assert [(group.lead, sorted(group.members)) for group in groups] == [
        ("real/001", ["NT/001_002", "real/001"]),
        ("real/002", ["NT/002_001", "real/002"]),
    ]
    assert {group.quality for group in groups} == {"c23"}
    assert groups[0].end == 40
    np.testing.assert_array_equal(groups[0].members["NT/001_002"], np.arange(25))
    assert {name: len(frames) for name, frames in groups[0].members.items()} == {"real/001": 20, "NT/001_002": 25}


def test_without_sharing_every_video_of_every_quality_is_alone(toy):
    data = toy()
    groups = plan_groups(data.frames, data.inventory, root=data.root, shared=False)
    videos = ["NT/001_002", "NT/002_001", "real/001", "real/002"]
    assert [(group.lead, group.quality) for group in groups] == [(v, q) for v in videos for q in ("c23", "c40")]
    assert all(list(group.members) == [group.lead] for group in groups)
    assert len({group.name for group in groups}) == len(groups)
    assert [group.fingerprint for group in groups[-2:]] == ["print-c23-002", "print-c40-002"]


@pytest.mark.parametrize(("qualities", "lead"), [(("raw", "c40"), "raw"), (("c40",), "c40"), (("raw", "c23"), "c23")])
def test_the_lead_is_looked_at_in_c23_where_there_is_one(toy, qualities, lead):
    data = toy(qualities=qualities)
    assert {group.quality for group in plan_groups(data.frames, data.inventory, root=data.root, shared=True)} == {lead}


def test_frames_requested_are_the_union_over_qualities(toy):
    data = toy()
    path = data.frames / "c40" / "frames.parquet"
    table = pq.read_table(path)
    shifted = pa.array([frame + 1 for frame in table["frame"].to_pylist()], pa.int32())
    pq.write_table(table.set_column(table.schema.get_field_index("frame"), "frame", shifted), path)
    groups = plan_groups(data.frames, data.inventory, root=data.root, shared=True)
    np.testing.assert_array_equal(groups[0].members["real/001"], np.arange(40))


def test_the_digest_follows_everything_that_decides_the_boxes(toy):
    data = toy()
    plan = partial(plan_groups, data.frames, data.inventory, root=data.root, shared=True)
    digests = [group.digest() for group in plan()]
    assert digests == [group.digest() for group in plan()]
    path = data.inventory / "c23.csv"
    path.write_text(path.read_text().replace("print-c23-001,", "print-other,"))
    changed = [group.digest() for group in plan()]
    assert changed[0] != digests[0]
    assert changed[1] == digests[1]


def test_a_groups_task_holds_its_own_frames_alone(toy):
    data = toy()
    first, second = (
        pickle.dumps(group) for group in plan_groups(data.frames, data.inventory, root=data.root, shared=True)
    )
    assert b"real/002" not in first
    assert b"real/001" not in second
    assert pickle.loads(first).frames.indices.tolist() == list(range(0, 40, 2))
