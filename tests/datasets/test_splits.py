import json

import pytest

from deepfake_adv.datasets.splits import check_identities, read_pairs
from deepfake_adv.datasets.videos import VideoEntry


def entry(video, split, target, source=""):
    return VideoEntry(video, int("/" in source), "real", split, target, source, video)


def test_an_identity_that_crosses_is_named():
    check_identities([entry("a", "train", "1", "2"), entry("b", "train", "2"), entry("c", "test", "3")], "x")
    for crossing in (entry("d", "test", "1"), entry("d", "val", "9", "1"), entry("d", "val", "2")):
        with pytest.raises(ValueError, match=r"datasets\.x: an identity must be in one split; 1 .* a \(train\) and d"):
            check_identities([entry("a", "train", "1", "2"), crossing], "x")


def test_videos_in_no_split_and_unknown_sources_cannot_cross():
    check_identities(
        [entry("a", "train", "1"), entry("b", "", "1"), entry("c", "test", "2"), entry("d", "val", "3")], "x"
    )


def test_pairs_as_the_authors_write_them(tmp_path):
    for name in ("train", "val", "test"):
        (tmp_path / f"{name}.json").write_text(json.dumps([[f"{name}a", f"{name}b"]]))
    assert read_pairs(tmp_path) == {name: [(f"{name}a", f"{name}b")] for name in ("train", "val", "test")}
    (tmp_path / "test.json").write_text(json.dumps([[1, 2]]))
    with pytest.raises(ValueError, match="must be a list of pairs"):
        read_pairs(tmp_path)
