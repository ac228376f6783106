import logging
import os

import pytest

from deepfake_adv.prediction.inputs import list_inputs


@pytest.fixture
def tree(tmp_path):
    for name in ("b/clip10.mp4", "b/clip2.MP4", "a.png", "notes.txt", ".hidden.mp4", ".dir/c.mp4", "deep/er/d.mkv"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).touch()
    return tmp_path / "in"


def names(paths, tree):
    return [path.relative_to(tree).as_posix() for path in paths]


def test_a_folder_gives_its_media_however_deep_by_number(tree, caplog):
    caplog.set_level(logging.INFO)
    assert names(list_inputs([tree]), tree) == ["a.png", "b/clip2.MP4", "b/clip10.mp4", "deep/er/d.mkv"]
    assert "1 files left out" in caplog.text


def test_a_folder_is_one_input_where_it_is_said_to_be_one_video(tree):
    assert list_inputs([tree], frames_of_one_video=True) == [tree]


def test_files_are_taken_as_named_and_each_once(tree):
    found = list_inputs([tree / "notes.txt", tree / "nowhere.mp4", tree / "a.png", tree])
    assert names(found, tree)[:3] == ["notes.txt", "nowhere.mp4", "a.png"]
    assert len(found) == len(set(found)) == 6


def test_a_table_names_files_relative_to_its_folder(tree):
    (tree / "list.csv").write_text("id, path\n1,a.png\n2,b\n3,\n4,nowhere.mp4\n")
    assert names(list_inputs([tree / "list.csv"]), tree) == ["a.png", "b/clip2.MP4", "b/clip10.mp4", "nowhere.mp4"]


def test_an_empty_folder_is_an_input_that_fails_and_stops_no_other(tree):
    (tree / "empty").mkdir()
    assert names(list_inputs([tree / "empty", tree / "a.png"]), tree) == ["empty", "a.png"]
    (tree / "list.csv").write_text("path\na.png\nempty\n")
    assert names(list_inputs([tree / "list.csv"]), tree) == ["a.png", "empty"]


def test_a_folder_that_cannot_be_listed_is_named(tree, monkeypatch, caplog):
    scan = os.scandir

    def scandir(place):
        if str(place).endswith("deep"):
            raise PermissionError(13, "Permission denied", str(place))
        return scan(place)

    monkeypatch.setattr(os, "scandir", scandir)
    assert len(list_inputs([tree])) == 3
    assert "deep cannot be listed (Permission denied) and is left out" in caplog.text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path;label\na.png;1\n", "parted by semicolons"),
        ("path\tlabel\na.png\t1\n", "parted by tabs"),
        ("Path,label\na.png,1\n", "Rename the column Path to path"),
        ("", "got none"),
        ("path\n\n", "must name a file"),
    ],
)
def test_a_wrong_table_is_told_what_is_wrong(tree, text, message):
    (tree / "list.csv").write_text(text)
    with pytest.raises(ValueError, match=message):
        list_inputs([tree / "list.csv"])


def test_backslashes_are_warned_of(tree, caplog):
    (tree / "list.csv").write_text("path\nb\\clip2.MP4\n")
    list_inputs([tree / "list.csv"])
    assert "backslashes" in caplog.text


def test_a_folder_of_pictures_tells_of_the_option(tree, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    (tree / "z.png").touch()
    for name in ("b", "deep"):
        (tree / name).rename(tmp_path / name)
    list_inputs([tree])
    assert "--frames-of-one-video" in caplog.text
