import re
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deepfake_adv.cli import app

PROFILES = Path(__file__).parents[2] / "profiles"


@pytest.fixture
def check(monkeypatch, tmp_path, set_params):
    """`deepfake-adv check` in a folder of its own, of a profile with changes: gives exit code and output."""
    monkeypatch.chdir(tmp_path)

    def run(profile, changes):
        shutil.copy(PROFILES / f"{profile}.yaml", "params.yaml")
        set_params(Path("params.yaml"), changes)
        done = CliRunner().invoke(app, ["check"])
        return done.exit_code, done.output

    return run


@pytest.mark.parametrize(
    ("changes", "names", "reason"),
    [
        ({"corpus.source": "clips", "corpus.folder": "."}, ["dfd", "celebdf"], "clips makes no set of layout dfd"),
        ({"corpus.source": "none"}, ["corpus", "dfd", "celebdf"], "corpus.source is none"),
        ({"corpus.celebdf_pairs": 0}, ["celebdf"], "corpus.celebdf_pairs is 0"),
    ],
)
def test_datasets_that_the_corpus_will_not_make_are_refused(check, changes, names, reason):
    code, said = check("demo", changes)
    assert code == 1
    assert re.findall(r"datasets\.(\w+) must be made by the stage corpus", said) == names
    assert reason in said
    assert "Remove celebdf from `datasets` and celebdf_native from `parts`." in said


def test_the_clips_that_the_corpus_is_made_from_are_counted(check):
    code, said = check("clips", {})
    assert code == 1
    assert "found none at my_clips" in said
    Path("my_clips").mkdir()
    for number in range(6):
        Path(f"my_clips/{number}.mp4").touch()
    code, said = check("clips", {})
    assert code == 1
    assert "corpus.folder must have two clips for each pair of corpus.pairs, 32; got 6 files in my_clips" in said
    assert check("clips", {"corpus.pairs": {"train": 1, "val": 1, "test": 1}})[0] == 0
