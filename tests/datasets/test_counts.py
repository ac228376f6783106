"""What `check` says of datasets that are not there; counts themselves are tested by the command."""

import pytest

from deepfake_adv.datasets.counts import count_videos
from deepfake_adv.datasets.layouts.registry import build_layout
from deepfake_adv.datasets.probing import PartOnDisk


@pytest.mark.parametrize(
    ("layout", "root", "options", "said"),
    [
        ("csv", ".", {"table": "videos.csv"}, "write a table with the columns path,label"),
        (
            "faceforensics",
            "data/corpus",
            {"splits": "data/corpus/splits"},
            "The stage `corpus` of `dvc repro` makes it.",
        ),
        ("celebdf", "celeb", {}, "To get it: ask for it by the form"),
    ],
)
def test_what_to_do_about_an_absent_dataset(tmp_path, monkeypatch, layout, root, options, said):
    monkeypatch.chdir(tmp_path)
    part = PartOnDisk("mine", "native", build_layout(layout, root, [], options))
    (line,), errors = count_videos([part], {})
    assert line.startswith("mine: not counted; looked ")
    assert said in line
    assert errors == []
