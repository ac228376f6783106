"""What the stage `inventory` finds of every layout: its own tree in miniature, with videos that can be read."""

import re

import cv2
import numpy as np
import pytest

from deepfake_adv.datasets.inventory import inventory_datasets
from deepfake_adv.datasets.layouts.base import VIDEO_SUFFIXES, Layout
from deepfake_adv.datasets.layouts.registry import LAYOUTS, build_layout
from deepfake_adv.datasets.probing import PartOnDisk
from deepfake_adv.datasets.videos import OK, read_rows
from deepfake_adv.video.encode import write_h264

FRAMES = 2
each = pytest.mark.parametrize("name", sorted(LAYOUTS))


def fill(root):
    """Put noise into what is empty: videos of two frames, pictures; no two are alike."""
    rng = np.random.default_rng(0)
    for path in sorted(path for path in root.rglob("*.*") if path.is_file() and not path.stat().st_size):
        if path.suffix in VIDEO_SUFFIXES:
            write_h264(path, rng.integers(0, 255, (FRAMES, 24, 16), dtype=np.uint8), crf=40)
        else:
            assert cv2.imwrite(str(path), rng.integers(0, 255, (16, 16, 3), dtype=np.uint8)), path


@pytest.fixture
def stock(tmp_path):
    """Run the stage on a dataset at a root; gives its table."""

    def stock(name, root, promised, **settings):
        part = PartOnDisk("own", promised.quality, build_layout(name, root, promised.forgeries, promised.options))
        chosen = {"min_frames": 1, "missing_is_fatal": False, "contradictions_are_fatal": True}
        chosen |= {"max_unreadable_share": 0.0, "execution": {"engine": "local", "workers": 1, "address": None}}
        inventory_datasets([part], tmp_path / "inventory", memory=tmp_path / "memory", **chosen | settings)
        return read_rows(tmp_path / f"inventory/own/{promised.quality}.csv")

    return stock


@each
def test_labels_splits_sources_and_forgeries_are_as_the_layout_promises(name, tmp_path, stock):
    root = tmp_path / "tree"
    promised = LAYOUTS[name].tiny(root)
    fill(root)
    rows = stock(name, root, promised)
    assert {row.video: (row.split, row.target, row.source) for row in rows} == promised.videos
    assert all(row.label == (row.forgery != "real") for row in rows)
    assert all(row.forgery == row.video.partition("/")[0] for row in rows)
    assert [row for row in rows if row.status != OK] == []
    assert {row.frames for row in rows} <= {1, FRAMES}


@each
def test_an_empty_folder_is_refused_in_one_sentence_that_says_where_the_dataset_is_to_be_had(name, tmp_path, stock):
    promised = LAYOUTS[name].tiny(tmp_path / "tree")
    (tmp_path / "hollow").mkdir()
    with pytest.raises(ValueError, match="hollow: the folder is empty") as caught:
        stock(name, tmp_path / "hollow", promised, missing_is_fatal=True)
    said = str(caught.value)
    assert LAYOUTS[name].how_to_get in said
    assert said.count("the folder is empty") == 1
    assert "Traceback" not in said


@each
def test_a_lost_video_is_one_more_that_is_missing(name, tmp_path, stock):
    """By its name where the layout has a list of videos; else, by published numbers, in the count."""
    root = tmp_path / "tree"
    promised = LAYOUTS[name].tiny(root)
    fill(root)
    layout = build_layout(name, root, promised.forgeries, promised.options)

    def missing():
        try:
            stock(name, root, promised, missing_is_fatal=True)
        except ValueError as error:
            return int(re.search(r"; (\d+) are missing", str(error))[1])
        return 0

    before = missing()
    assert bool(before) == bool(layout.expected(promised.quality))
    lost = next(entry for entry in layout.videos(promised.quality) if entry.label)
    (root / lost.path).rename(tmp_path / "gone")
    assert missing() == before + 1
    if not layout.expected(promised.quality):
        table = read_rows(tmp_path / f"inventory/own/{promised.quality}.csv")
        assert [row.video for row in table if row.status == "missing"] == [lost.video]


def test_a_layout_without_a_tree_says_what_it_lacks(tmp_path):
    class Plain(Layout):
        def videos(self, quality):
            yield from ()

    with pytest.raises(NotImplementedError, match="Plain must define `tiny`, a small example"):
        Plain.tiny(tmp_path)
