import pytest

from deepfake_adv.datasets.layouts.registry import build_layout


def found(root, **options):
    return {entry.video: entry for entry in build_layout("celebdf", root, ["CelebDF"], options).videos("native")}


def test_the_first_line_of_the_list_counts_and_one_means_real(trees):
    root, *_ = trees["celebdf"]()
    entries = found(root)
    assert {name for name, entry in entries.items() if entry.split == "test"} == {
        "real/00000",
        "real/id0_0000",
        "CelebDF/id0_id1_0000",
    }
    fake = entries["CelebDF/id0_id1_0000"]
    assert (fake.target, fake.source, fake.label) == ("id0_0000", "id1", 1)
    assert entries["real/00001"].note == "not in the official test list"


def test_videos_below_a_folder_videos(trees):
    root, *_ = trees["celebdf"]()
    for folder in root.glob("*-*/"):
        folder.rename(root / "videos")
        folder.mkdir()
        (root / "videos").rename(folder / "videos")
    entries = found(root)
    assert len(entries) == 9
    assert entries["real/id0_0000"].path == "Celeb-real/videos/id0_0000.mp4"
    assert all((root / entry.path).exists() for entry in entries.values())


def test_training_videos_share_no_identity_with_the_test_list(trees):
    root, *_ = trees["celebdf"]()
    entries = found(root, rest="train")
    train = {name for name, entry in entries.items() if entry.split == "train"}
    assert train == {"real/id2_0000", "real/id3_0000", "real/00001", "CelebDF/id2_id3_0000"}
    assert entries["CelebDF/id1_id2_0000"].note == "shares an identity with the official test list"


def test_a_misspelt_folder_and_an_absent_file(trees):
    root, *_ = trees["celebdf"]()
    (root / "YouTube-real").rename(root / "Youtube-real")
    (root / "Youtube-real/00000.mp4").unlink()
    entries = found(root)
    assert entries["real/00001"].path == "Youtube-real/00001.mp4"
    assert entries["real/00000"].split == "test"
    assert not (root / entries["real/00000"].path).exists()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("0 YouTube-real/00001.mp4", "1 for real and 0 for fake; line 2"),
        ("label file", "lines like '1 YouTube-real/00170.mp4'; line 2"),
    ],
)
def test_a_list_that_was_edited(trees, line, message):
    root, *_ = trees["celebdf"]()
    (root / "List_of_testing_videos.txt").write_text(f"1 YouTube-real/00000.mp4\n{line}\n")
    with pytest.raises(ValueError, match=message):
        found(root)


def test_options_are_checked(trees):
    with pytest.raises(ValueError, match="version: input should be 1 or 2; got 3"):
        build_layout("celebdf", "x", [], {"version": 3})
    assert build_layout("celebdf", "x", [], {"version": 1}).expected("native") == {}
    assert build_layout("celebdf", "x", [], {}).expected("native")["CelebDF"] == 5639


@pytest.mark.parametrize("name", ["00000.MP4", "00000.avi"])
def test_a_listed_video_in_another_format_is_the_listed_one(trees, name):
    root, *_ = trees["celebdf"]()
    (root / "YouTube-real/00000.mp4").rename(root / "YouTube-real" / name)
    entries = build_layout("celebdf", root, ["CelebDF"], {}).videos("native")
    (entry,) = [entry for entry in entries if entry.video == "real/00000"]
    assert (entry.split, entry.path) == ("test", f"YouTube-real/{name}")


def test_ones_own_need_not_be_as_many_as_the_published(trees):
    root, *_ = trees["celebdf"]()
    counts = [
        build_layout("celebdf", root, ["CelebDF"], options).expected("native") for options in ({}, {"published": False})
    ]
    assert counts == [{"real": 890, "CelebDF": 5639}, {}]
