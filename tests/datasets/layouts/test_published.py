"""Published numbers, for plans of datasets that are not on the disk."""

import pytest

from deepfake_adv.datasets.layouts.registry import LAYOUTS, build_layout


def published(layout, quality, forgeries=(), **options):
    return build_layout(layout, "nowhere", forgeries, options).published(quality)


def count(rows, **wanted):
    return sum(row.videos for row in rows if all(getattr(row, name) == value for name, value in wanted.items()))


def test_faceforensics_is_as_its_authors_split_it():
    rows = published("faceforensics", "c23", ["DF", "NT"], splits="splits")
    assert count(rows, forgery="NT", split="train") == 720
    assert count(rows, forgery="real", split="test") == 140
    assert count(rows) == 3000
    assert sum(row.videos * row.bytes for row in rows) == pytest.approx(6e9)  # of 10 GB for five kinds
    assert {row.forgery for row in rows if row.masked} == {"DF", "NT"}


@pytest.mark.parametrize(("quality", "size"), [("c23", 25e9), ("raw", 1.8e12)])
def test_dfd_is_test_data(quality, size):
    rows = published("dfd", quality)
    assert count(rows, split="test") == count(rows) == 363 + 3068
    assert sum(row.videos * row.bytes for row in rows) == pytest.approx(size)


def test_celebdf_is_its_list_and_the_rest():
    assert count(published("celebdf", "native"), split="test") == 518
    assert count(published("celebdf", "native"), split="") == 890 + 5639 - 518
    assert count(published("celebdf", "native", rest="train"), split="train") == 890 + 5639 - 518


def test_dfdc_is_shared_out_by_its_parts():
    rows = published("dfdc", "native", train=[0, 39], val=[], test=[40, 49])
    assert count(rows) == pytest.approx(119_154, abs=2)
    assert count(rows, split="test") == pytest.approx(119_154 / 5, abs=2)
    assert count(rows, split="val") == 0


@pytest.mark.parametrize("name", list(LAYOUTS))
def test_a_layout_says_its_numbers_or_nothing(name):
    options = {
        "faceforensics": {"splits": "x"},
        "lst": {"lists": {"test": "a.lst"}},
        "deeperforensics": {"originals": "x"},
    }.get(name, {})
    forgeries = ["DF"] if name in ("faceforensics", "sladd", "lst") else []
    rows = published(name, "c23", forgeries, **options)
    assert all(row.videos > 0 and row.frames > 0 and row.width > 0 and row.height > 0 for row in rows)
