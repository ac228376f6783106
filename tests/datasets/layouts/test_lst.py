import os
from pathlib import Path

import pytest

from deepfake_adv.datasets.layouts.registry import build_layout
from deepfake_adv.datasets.probing import PartOnDisk, list_entries, probe_parts


def made(root, **lists):
    return build_layout("lst", root, [], {"lists": lists or {"train": "train.lst", "test": ["test.lst"]}})


def test_repeated_lines_count_once_and_quality_is_in_the_folder(trees):
    root, *_ = trees["lst"]()
    assert [entry.video for entry in made(root).videos("c23")] == ["real/000", "NT/000_001", "real/006", "DF/006_007"]
    assert [entry.path for entry in made(root).videos("c40")] == ["NeuralTextures_c40/000_001"]


def test_an_absent_frame_is_noted_and_an_absent_folder_expected(trees):
    root, *_ = trees["lst"]()
    with open(root / "test.lst", "a") as stream:
        stream.write("\nDeepfakes_c23/006_007/006_007_000099_0.png FAKE\noriginal_c23/007/007_000012_0.png REAL\n")
    found = {entry.video: entry for entry in made(root).videos("c23")}
    assert found["DF/006_007"].note == "1 listed frames are not there, such as 006_007_000099_0.png"
    assert found["real/007"].note == ""
    assert not (root / found["real/007"].path).exists()


def test_frames_that_no_list_names_are_left_out_and_noted(trees, put):
    root, *_ = trees["lst"]()
    folder = "Deepfakes_c23/006_007/006_007"
    put(root, *(f"{folder}_{name}.png" for name in ("000013_0", "000014_0", "000012_1", "000012_0_mask")))
    found = {entry.video: entry for entry in made(root).videos("c23")}
    assert found["DF/006_007"].note == "2 frames are in no list and left out, such as 006_007_000013_0.png"
    assert found["DF/006_007"].taken == "0"
    assert (found["real/000"].note, found["real/000"].taken) == ("", "")  # listed as a whole folder


def test_a_folder_of_other_frames_alone_has_none(trees, put):
    root, *_ = trees["lst"]()
    place = root / "Deepfakes_c23/006_007"
    (place / "006_007_000012_0.png").rename(place / "006_007_000013_0.png")
    entry = {entry.video: entry for entry in made(root).videos("c23")}["DF/006_007"]
    assert entry.taken == "none"
    assert entry.note.startswith("1 listed frames are not there, such as 006_007_000012_0.png; 1 frames are in no list")


def test_a_listed_folder_without_images_is_left_to_the_inventory(trees):
    root, *_ = trees["lst"]()
    (root / "Deepfakes_c23/006_007/006_007_000012_0.png").unlink()
    found = {entry.video: entry for entry in made(root).videos("c23")}
    assert found["DF/006_007"].note == "1 listed frames are not there, such as 006_007_000012_0.png"


def test_a_folder_without_permission_is_left_to_the_inventory(trees, monkeypatch, tmp_path):
    root, *_ = trees["lst"]()
    denied, real = root / "Deepfakes_c23/006_007", {name: getattr(os, name) for name in ("listdir", "scandir")}

    def refuse(name, path):
        if Path(path) == denied:
            raise PermissionError(13, "Permission denied", str(path))
        return real[name](path)

    for name in real:
        monkeypatch.setattr(os, name, lambda path=".", name=name: refuse(name, path))
    part, here = PartOnDisk("lists", "c23", made(root)), {"engine": "local", "workers": 1, "address": None}
    (rows,) = probe_parts([part], [list_entries(part)], min_frames=1, execution=here, memory=tmp_path / "memory")
    found = {row.video: row for row in rows}
    assert len(found) == 4
    assert found["DF/006_007"].status == "unreadable"
    assert "Permission denied" in found["DF/006_007"].note


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("Deepfakes_c23/000_003/x.png REAL", "call original REAL and the rest FAKE; line 1"),
        ("Somewhere_c23/000_003/x.png FAKE", "must have lines like"),
        ("nonsense", "must have lines like"),
    ],
)
def test_lines_that_are_wrong(tmp_path, line, message):
    (tmp_path / "test.lst").write_text(line + "\n")
    with pytest.raises(ValueError, match=message):
        list(made(tmp_path, test="test.lst").videos("c23"))


def test_lists_that_are_wrong(trees):
    root, *_ = trees["lst"]()
    with pytest.raises(ValueError, match=r"lists.*'train', 'val' or 'test'; got 'tset'"):
        made(root, tset="test.lst")
    assert "there are no such files" in made(root, val="val.lst").problem()
    (root / "again.lst").write_text("original_c23/000 REAL\n")
    with pytest.raises(ValueError, match="original_c23/000 is in the lists of train and test"):
        list(made(root, train="train.lst", test="again.lst").videos("c23"))
