import json
import shutil

import pytest

from deepfake_adv.datasets.layouts.registry import build_layout
from deepfake_adv.names import FF_FOLDERS, FF_FORGERIES


@pytest.fixture
def made(trees):
    root, forgeries, options, quality = trees["faceforensics"]()
    return root, build_layout("faceforensics", root, forgeries, options), quality


def by_name(layout, quality):
    return {entry.video: entry for entry in layout.videos(quality)}


def test_a_fake_knows_target_source_and_mask(made):
    _, layout, quality = made
    entry = by_name(layout, quality)["NT/006_007"]
    assert (entry.target, entry.source, entry.split, entry.label) == ("006", "007", "test", 1)
    assert entry.path == "manipulated_sequences/NeuralTextures/c23/videos/006_007.mp4"
    assert entry.mask_path == "manipulated_sequences/NeuralTextures/masks/videos/006_007.mp4"
    assert by_name(layout, quality)["real/004"].split == "val"


def test_the_splits_are_exact_and_closed(made, pairs):
    """Every pair gives both originals and both swaps to its own split, so no identity can cross."""
    _, layout, quality = made
    entries = list(layout.videos(quality))
    for split, listed in pairs.items():
        names = {name for pair in listed for name in pair}
        mine = [entry for entry in entries if entry.split == split]
        assert {entry.target for entry in mine} == names
        assert {entry.source for entry in mine if entry.label} == names
        assert len(mine) == len(names) * 3


@pytest.mark.parametrize("folder", ["raw", "c0"])
def test_raw_is_in_raw_or_c0(made, folder):
    root, layout, _ = made
    for place in root.glob("*/*/c23"):
        place.rename(place.with_name(folder))
    entries = list(layout.videos("raw"))
    assert len(entries) == 24
    assert all((root / entry.path).exists() and f"/{folder}/" in entry.path for entry in entries)


def test_a_missing_quality_lists_every_video(made):
    root, layout, _ = made
    entries = list(layout.videos("c40"))
    assert len(entries) == 24
    assert not any((root / entry.path).exists() for entry in entries)
    assert entries[0].path == "original_sequences/youtube/c40/videos/000.mp4"


def test_folders_in_the_wrong_case_are_taken_with_a_warning(made, caplog):
    root, layout, quality = made
    (root / "manipulated_sequences/Deepfakes").rename(root / "manipulated_sequences/deepfakes")
    entry = by_name(layout, quality)["DF/000_001"]
    assert entry.path == "manipulated_sequences/deepfakes/c23/videos/000_001.mp4"
    assert "Deepfakes is written deepfakes here" in caplog.text
    (root / "manipulated_sequences/DEEPFAKES").mkdir()
    with pytest.raises(ValueError, match="must hold one Deepfakes; got DEEPFAKES, deepfakes"):
        list(layout.videos(quality))


def test_videos_in_no_split_are_reported(made, put):
    root, layout, quality = made
    put(root, "original_sequences/youtube/c23/videos/999.mp4", "original_sequences/youtube/c23/videos/.DS_Store")
    entry = by_name(layout, quality)["real/999"]
    assert (entry.split, entry.note) == ("", "in no split of the authors' files")


def test_a_symlink_loop_does_no_harm(made):
    root, layout, quality = made
    place = root / "manipulated_sequences/Deepfakes/c23/videos"
    (place / "loop").symlink_to(root)
    (place / "self.mp4").symlink_to(place / "self.mp4")
    names = by_name(layout, quality)
    assert len(names) == 25
    assert names["DF/self"].split == ""


def test_splits_must_be_the_authors(made):
    root, layout, quality = made
    path = root / "splits" / "val.json"
    path.write_text(json.dumps([["000", "005"]]))
    with pytest.raises(ValueError, match=r"'000' is in train\.json and again in val\.json"):
        list(layout.videos(quality))
    path.write_text(json.dumps({"004": "005"}))
    with pytest.raises(ValueError, match="must be a list of pairs"):
        list(layout.videos(quality))
    path.unlink()
    with pytest.raises(FileNotFoundError, match=r"val\.json must exist.*name their folder as options\.splits"):
        list(layout.videos(quality))


def test_all_forgeries_have_folders():
    assert set(FF_FORGERIES) <= set(FF_FOLDERS)
    assert FF_FOLDERS["FSH"] == "FaceShifter"


def test_the_root_must_look_like_it(made):
    root, layout, _ = made
    shutil.rmtree(root / "original_sequences")
    assert "holds no folder original_sequences" in layout.problem()
