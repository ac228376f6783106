import pytest

from deepfake_adv.datasets.tables import backslash_hint, column_hint, raise_errors, read_table

KNOWN = ("path", "label", "source")


def test_fields_are_stripped_and_empty_ones_left_out(tmp_path):
    (tmp_path / "t.csv").write_text('\ufeffpath, label\n"a, b ", 1\nc,\nd,0,,x\n')
    columns, lines = read_table(tmp_path / "t.csv")
    assert columns == ["path", "label"]
    assert lines[0] == (2, {"path": "a, b", "label": "1"}, [])
    assert lines[1] == (3, {"path": "c"}, [])
    assert lines[2].beyond == ["x"]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (["path;label"], "parted by semicolons: save it with commas"),
        (["path\tlabel"], "parted by tabs"),
        (["", "path", "label"], "One column has no name, as pandas writes the index"),
        (["Unnamed: 0", "path", "label"], "save it with index=False"),
        (["Path", "label"], "Rename the column Path to path."),
        (["file", "label"], "Rename the column file to path."),
        (["path", "label", "sorce"], "Did you mean 'source' in place of sorce?"),
        (["xyz"], "Look again."),
        ([], "Look again."),
    ],
)
def test_the_usual_mistakes_have_each_their_hint(columns, said):
    assert said in column_hint(columns, KNOWN, "Look again.", {"file": "path"})


def test_backslashes_are_named():
    assert backslash_hint("a/b.mp4") is None
    assert "must have / between folders; got 'a\\\\b.mp4'" in backslash_hint("a\\b.mp4")


def test_errors_are_reported_at_once_up_to_twenty(tmp_path):
    raise_errors(tmp_path / "t.csv", [])
    with pytest.raises(ValueError, match=r"t\.csv has 30 errors(.|\n)*and 10 more"):
        raise_errors(tmp_path / "t.csv", ["wrong"] * 30)
