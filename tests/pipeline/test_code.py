"""An edit of the code reruns what it touches, and nothing is recorded under code that did not make it."""

import json
from contextlib import contextmanager

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

RUNS = ("compact_baseline", "compact_grad_bat", "compact_two_gen_bat")
ALWAYS = {"outside/dvc.yaml:inputs", "outside/dvc.yaml:inventory"}


@pytest.fixture
def edit(project):
    """Replace text in files of the package for the length of a `with`."""

    @contextmanager
    def edit(changes):
        before = {}
        for name, (old, new) in changes.items():
            path = project.folder / "deepfake_adv" / name
            before[path] = path.read_text()
            assert before[path].count(old) == 1, name
            path.write_text(before[path].replace(old, new))
        try:
            yield
        finally:
            for path, text in before.items():
                path.write_text(text)

    yield edit
    project.repro()


def test_words_rerun_nothing(project, edit):
    changes = {
        "ops/degradations.py": ('"""Noise, even blur', '# a comment\n"""A word. Noise, even blur'),
        "suggestions.py": ("Did you mean", "Perhaps you mean"),
        "params/training.py": ("class Train(Section):", "WORDS = 1\n\n\nclass Train(Section):"),
    }
    text = (project.folder / "deepfake_adv/evaluation/metrics.py").read_text()
    changes["evaluation/metrics.py"] = (text, f"# a comment\n{text}")
    with edit(changes):
        assert project.repro() == ALWAYS | {"sources"}


def test_an_attacks_constant_retrains_what_reaches_it_alone(project, edit):
    told = 'gt=0, description="Largest change'
    with edit({"attacks/blur.py": (f"None, {told}", f"9.0, {told}")}):
        ran = project.repro()
    assert {stage for stage in ran if stage.startswith(("train", "score"))} == {
        "train@compact_grad_bat", "score@compact_grad_bat"
    }  # fmt: skip
    assert not {stage for stage in ran if stage.startswith(("corpus", "extract", "locate", "crop", "shard"))}
    record = next((project.folder / "data/runs/compact_grad_bat").rglob("run.json"))
    assert len(json.loads(record.read_text())["code"]) == 16


def test_code_that_was_edited_since_it_was_listed_does_not_run(project, edit):
    command = ("dvc", "repro", "--force", "--single-item", "evaluate@compact_baseline")
    with edit({"evaluation/headline.py": ("round(100 * value, 2)", "round(100 * value, 3)")}):
        said = project.call(*command, code=255)
    assert "got a changed deepfake_adv/evaluation/headline.py. Run `dvc repro` again." in said
    project.call(*command)


def test_an_experiment_elsewhere_runs_the_edited_code(project, edit):
    """Its folder is another checkout, its environment that of the first: DVC keeps the result as the edited code's."""
    change = ("headline([each.entry for each in measured]))", '{"edited": {"frame": 1.5}})')
    with edit({"evaluation/outputs.py": change}):
        project.call("dvc", "exp", "run", "--temp", "--name", "edited", "evaluate@compact_baseline")
    references = project.call("git", "for-each-ref", "--format=%(refname)", "refs/exps").split()
    (reference,) = [name for name in references if name.endswith("/edited")]
    kept = json.loads(project.call("git", "show", f"{reference}:reports/metrics/compact_baseline.json"))
    assert list(kept) == ["edited"]
    assert "def write_metrics" in project.call("git", "show", f"{reference}:deepfake_adv/evaluation/outputs.py")
    here = json.loads((project.folder / "reports/metrics/compact_baseline.json").read_text())
    assert set(here) == {"frame", "video"}
