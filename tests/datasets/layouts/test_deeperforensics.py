import pytest

from deepfake_adv.datasets.layouts.registry import build_layout


@pytest.fixture
def made(trees):
    root, forgeries, options, _ = trees["deeperforensics"]()
    return root, build_layout("deeperforensics", root, forgeries, options)


def test_reals_are_the_targets_at_c23(made, put):
    root, layout = made
    put(root, "source_videos/M1/M1_light.mp4")
    found = {entry.video: entry for entry in layout.videos("native")}
    real, fake = found["real/000"], found["DFR/000_M1"]
    assert real.path == "FaceForensics++/original_sequences/youtube/c23/videos/000.mp4"
    assert (fake.target, fake.source, fake.split) == ("000", "M1", "train")
    assert not any("source_videos" in entry.path for entry in found.values())
    assert {entry.target: entry.split for entry in found.values()} == {
        "000": "train",
        "001": "train",
        "004": "val",
        "006": "test",
    }


@pytest.mark.parametrize("suffix", [".MP4", ".avi"])
def test_videos_in_another_format_are_found(made, suffix):
    root, layout = made
    for path in root.rglob("*.mp4"):
        path.rename(path.with_suffix(suffix))
    entries = list(layout.videos("native"))
    assert len(entries) == 8
    assert all((root / entry.path).exists() and entry.path.endswith(suffix) for entry in entries)


def test_what_can_be_wrong(made, trees, put):
    root, layout = made
    assert (
        "must hold end_to_end_level_9; got end_to_end"
        in build_layout(
            "deeperforensics", root, [], {"originals": str(root), "variant": "end_to_end_level_9"}
        ).problem()
    )
    assert "its reals" in build_layout("deeperforensics", root, [], {"originals": str(root / "no")}).problem()
    put(root, "manipulated_videos/end_to_end/007_M9.mp4")
    assert {entry.video: entry for entry in layout.videos("native")}["DFR/007_M9"].note == "in none of lists/splits"
    (root / "lists/splits/val.txt").write_text("000_W9.mp4\n")
    with pytest.raises(ValueError, match="000 is in train and val"):
        list(layout.videos("native"))
    (root / "lists/splits/val.txt").unlink()
    with pytest.raises(FileNotFoundError, match=r"val\.txt must be there"):
        list(layout.videos("native"))
