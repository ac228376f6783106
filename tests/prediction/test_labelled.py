import pytest

from deepfake_adv.prediction.labelled import COLUMNS, Configured, read_labelled


@pytest.fixture
def table(tmp_path):
    def write(text, name="table.csv"):
        for file in ("a.mp4", "b.mp4", "c.mp4"):
            (tmp_path / file).touch()
        (tmp_path / name).write_text(text, encoding="utf-8")
        return str(tmp_path / name)

    return write


def test_a_table_names_files_relative_to_its_folder(table, tmp_path):
    found = read_labelled(table("path,label,forgery\na.mp4,real,\nb.mp4,fake,NT\n"), {})
    assert [(one.path, one.entry.label, one.entry.forgery, one.quality) for one in found] == [
        (tmp_path / "a.mp4", 0, "real", "native"), (tmp_path / "b.mp4", 1, "NT", "native")
    ]  # fmt: skip


def test_qualities_are_those_that_lines_name(table):
    found = read_labelled(table("path,label,quality\na.mp4,real,c23\nb.mp4,fake,c40\n"), {})
    assert [(one.path.name, one.quality) for one in found] == [("a.mp4", "c23"), ("b.mp4", "c40")]


def test_only_the_test_split_counts_unless_another_is_named(table, caplog):
    text = "path,label,split\na.mp4,real,test\nb.mp4,fake,train\nc.mp4,fake,\n"
    caplog.set_level("INFO")
    assert [one.path.name for one in read_labelled(table(text), {})] == ["a.mp4", "c.mp4"]
    assert "2 of 3 files are of split test" in caplog.text
    assert [one.path.name for one in read_labelled(table(text), {}, "train")] == ["b.mp4"]
    assert len(read_labelled(table(text), {}, "all")) == 3
    with pytest.raises(ValueError, match=r"of split val; got test 2, train 1\. Name another by --split"):
        read_labelled(table(text), {}, "val")


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("path;label\na.mp4;real\n", "semicolons: save it with commas"),
        ("path\tlabel\na.mp4\treal\n", "tabs: save it with commas"),
        (",path,label\n0,a.mp4,real\n", r"index=False"),
        ("Path,label\na.mp4,real\n", "Rename the column Path to path"),
        ("path,label\nsub\\a.mp4,real\n", "paths must have / between folders"),
    ],
)
def test_a_wrong_table_gets_its_own_hint_and_the_columns(table, text, hint):
    with pytest.raises(ValueError, match=hint) as caught:
        read_labelled(table(text), {})
    assert all(f"- {name}: " in str(caught.value) for name in COLUMNS)


def test_a_table_whose_files_are_elsewhere_says_where_it_looked(table, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"found none of 1, such as .*/x/a\.mp4\. Paths are relative"):
        read_labelled(table("path,label\nx/a.mp4,real\n"), {})
    assert len(read_labelled(table("path,label\nx/a.mp4,real\nb.mp4,1\n"), {})) == 2  # the one is a failure of its own


def test_a_dataset_of_params_is_read_by_its_layout(table, tmp_path):
    table("path,label\na.mp4,real\nb.mp4,1\n", "videos.csv")
    configured = {"mine": Configured("csv", str(tmp_path), [], {}, ["native"])}
    assert [one.path.name for one in read_labelled("mine", configured)] == ["a.mp4", "b.mp4"]
    with pytest.raises(FileNotFoundError, match=r"found neither at 'yours'\. Datasets: mine\."):
        read_labelled("yours", configured)
    absent = {"mine": configured["mine"]._replace(root=str(tmp_path / "none"))}
    with pytest.raises(FileNotFoundError, match=r"dataset mine must be on this machine; looked in .* no such folder"):
        read_labelled("mine", absent)


def test_folders_of_which_some_images_count_are_for_the_pipeline(tmp_path):
    folder = tmp_path / "original_c23/000"
    folder.mkdir(parents=True)
    for name in ("000_000001_0.png", "000_000002_0.png"):
        (folder / name).touch()
    (tmp_path / "test.lst").write_text("original_c23/000/000_000001_0.png REAL\n")
    part = Configured("lst", str(tmp_path), [], {"lists": {"test": "test.lst"}}, ["c23"])
    with pytest.raises(ValueError, match=r"must list whole files and folders; got .*000, of which only some"):
        read_labelled("mine", {"mine": part})
