import pytest

from deepfake_adv.datasets.layouts.registry import build_layout


def videos(root, text, quality="native"):
    root.mkdir(exist_ok=True)
    (root / "videos.csv").write_text(text, encoding="utf-8")
    return list(build_layout("csv", root, [], {}).videos(quality))


def test_path_and_label_are_enough(tmp_path):
    real, fake = videos(tmp_path, "path,label\na.mp4,real\nsub/b.mp4,1\n")
    assert (real.video, real.label, real.forgery, real.split) == ("real/a", 0, "real", "test")
    assert (fake.video, fake.label, fake.forgery, fake.target) == ("other/b", 1, "other", "b")


def test_every_column(tmp_path):
    header = "path,label,split,forgery,quality,source,target,mask\n"
    (entry,) = videos(tmp_path, header + "a.mp4,fake,val,NT,c40,007,006,m/a.mp4\nb.mp4,real,,,c23,,,\n", "c40")
    assert (entry.split, entry.forgery, entry.source, entry.target) == ("val", "NT", "007", "006")
    assert entry.mask_path == "m/a.mp4"


def test_spreadsheet_habits(tmp_path):
    """A byte-order mark, blanks around fields, empty fields, capitals."""
    entries = videos(tmp_path, "\ufeffpath, label ,split\n a.mp4 ,FAKE,\n")
    assert [(entry.path, entry.label, entry.split) for entry in entries] == [("a.mp4", 1, "test")]


def test_equal_names_in_several_folders(tmp_path):
    entries = videos(tmp_path, "path,label\na/x.mp4,0\nb/x.mp4,0\nb/y.mp4,0\n")
    assert [entry.video for entry in entries] == ["real/a_x", "real/b_x", "real/y"]


def test_all_errors_in_one_message(tmp_path):
    text = "path,label,split,forgery,quality\n,real,,,\na,maybe,,,\nb,real,,NT,\nc,fake,,FF,\nd,1,tset,,c99\n"
    with pytest.raises(ValueError, match="has 6 errors") as caught:
        videos(tmp_path, text)
    for part in ("line 2: path", "line 3: label", "line 4: forgery", "line 5: forgery", "line 6: split", "c99"):
        assert part in str(caught.value)
    with pytest.raises(ValueError, match="and 30 more"):
        videos(tmp_path, "path,label\n" + "a,x\n" * 50)


def test_a_forgery_may_have_any_name(tmp_path):
    entries = videos(tmp_path, "path,label,forgery\na,1,wav2lip\nb,1,FaceSwap-v2\nc,1,my_gan\n")
    assert [entry.forgery for entry in entries] == ["wav2lip", "FaceSwap-v2", "my_gan"]
    with pytest.raises(ValueError, match=r"forgery must be a name of letters, digits, _ and -.*; got 'a/b'"):
        videos(tmp_path, "path,label,forgery\na,1,a/b\n")


@pytest.mark.parametrize("header", ["", "file,label", "path,label,sorce"])
def test_wrong_columns(tmp_path, header):
    with pytest.raises(ValueError, match="must have the columns path,label"):
        videos(tmp_path, header + "\n")


def test_equal_names_in_one_folder_keep_their_suffix(tmp_path):
    entries = videos(tmp_path, "path,label\na.mp4,0\na.mov,0\na.avi,1\nb/a.mp4,0\nc.mp4,0\n")
    assert [entry.video for entry in entries] == ["real/a.mp4", "real/a.mov", "other/a", "real/b_a", "real/c"]
    assert entries[1].target == "a.mov"


def test_a_column_named_twice(tmp_path):
    with pytest.raises(ValueError, match=r"must name each column once; got path, label, label\. Remove one label"):
        videos(tmp_path, "path,label, label\na.mp4,real,fake\n")


def test_one_file_of_two_labels(tmp_path):
    text = "path,label,quality\na.mp4,real,c23\n./a.mp4,1,c40\nb.mp4,0,c23\nb.mp4,real,c40\n"
    with pytest.raises(ValueError, match=r"has 1 errors.*\n.*line 3: \./a\.mp4 must have one label; got real in one"):
        videos(tmp_path, text)


def test_a_quotation_mark_without_an_end(tmp_path):
    with pytest.raises(ValueError, match=r"videos\.csv must be a CSV file; got: .* quotation mark that is opened"):
        videos(tmp_path, 'path,label\n"a.mp4,real\n' + "b.mp4,fake\n" * 20_000)


def test_another_encoding_is_named(tmp_path):
    (tmp_path / "videos.csv").write_bytes("path,label\nJosé.mp4,real\n".encode("latin-1"))
    with pytest.raises(ValueError, match=r"videos\.csv must be UTF-8 text; got .* in line 2\. Save it as UTF-8"):
        list(build_layout("csv", tmp_path, [], {}).videos("native"))


def test_fields_beyond_the_last_column_are_no_video_of_another_split(tmp_path):
    with pytest.raises(ValueError, match=r"line 2: fields must be as many as columns; got 'train' after the last"):
        videos(tmp_path, "path,label\na.mp4,1,train\n")
    assert len(videos(tmp_path, "path,label\na.mp4,1,,\n")) == 1  # as spreadsheets write them


@pytest.mark.parametrize("text", ['"a.mp4",1\n"b.mp4,1\nc.mp4,0\n"d.mp4",0\n', '"a.mp4,1\nb.mp4,0\n'])
def test_a_quotation_mark_without_its_other_swallows_no_video(tmp_path, text):
    with pytest.raises(ValueError, match="quotation mark that is opened and never closed"):
        videos(tmp_path, "path,label\n" + text)


@pytest.mark.parametrize("path", [".", "/", "x\0.mp4"])
def test_what_names_no_file_is_named_with_its_line(tmp_path, path):
    with pytest.raises(ValueError, match="line 2: path must name a file or a folder"):
        videos(tmp_path, f"path,label\n{path},1\n")


@pytest.mark.parametrize(("line", "held"), [("a.mp4,1,c40\n", "c40"), ("", "no line at all")])
def test_a_quality_without_a_line_is_named(tmp_path, line, held):
    with pytest.raises(ValueError, match=rf"must have lines of quality native; got {held}\. Correct the part"):
        videos(tmp_path, f"path,label,quality\n{line}")
