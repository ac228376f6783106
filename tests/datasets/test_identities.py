import pytest

from deepfake_adv.datasets.identities import connected, identity_of
from deepfake_adv.datasets.layouts.registry import LAYOUTS


@pytest.mark.parametrize(
    ("name", "person"),
    [
        ("id0_0003", "id0"),
        ("id0", "id0"),
        ("24__talk_still", "24"),
        ("23", "23"),
        ("000", "000"),
        ("a_b", "a_b"),
        ("my__clip", "my__clip"),
    ],
)
def test_the_person_of_a_name(name, person):
    assert identity_of(name) == person


@pytest.mark.parametrize(("layout", "people"), [("celebdf", {"id0", "id1", "id2", "id3"}), ("dfd", {"23", "24"})])
def test_targets_and_sources_of_a_layout_are_the_same_people(tmp_path, layout, people):
    tiny = LAYOUTS[layout].tiny(tmp_path)
    found = {identity_of(name) for video in tiny.videos.values() for name in video[1:] if name}
    assert found - {"00000", "00001"} == people


def test_links_make_groups_named_after_their_first():
    groups = connected([["b"], ["a", "b"], ["d", "c"], ["e", "d"], ["f"]])
    assert groups == {"a": "a", "b": "a", "c": "c", "d": "c", "e": "c", "f": "f"}
