"""The stages `robustness`, `attack` and `examples`: they continue after a stop, and report errors before any work."""

import shutil
from pathlib import Path

import pytest

from deepfake_adv.files import read_json, write_json
from deepfake_adv.params.load import load_params
from deepfake_adv.studies import examples, run_attack, run_robustness
from deepfake_adv.studies.blocks import Blocks
from deepfake_adv.studies.robustness import Robustness
from deepfake_adv.studies.transfer import Transfer

RUNS, MANIFESTS = Path("data/runs"), Path("data/manifests/all")
TEST = MANIFESTS / "test.parquet"
OUTPUTS = {"robustness": "reports/robustness", "attack": "reports/attack/classifiers.json", "examples": "data/examples"}
PIECES = {
    "robustness": (Robustness, "score", 8),
    "attack": (Transfer, "judge", 5),
    "examples": (examples, "write_grid", 3),
}


def run(stage):
    params = load_params(stage)
    output = Path(OUTPUTS[stage])
    if stage == "robustness":
        run_robustness.run_robustness(params.robustness, RUNS, TEST, output, workers=2)
    elif stage == "attack":
        run_attack.run_attack(params.attack, MANIFESTS, output, workers=2)
    else:
        examples.draw_examples(params.examples, RUNS, TEST, output)


def taken(stage):
    """Bytes of a stage's output by path; the output is then missing, as DVC removes it before the stage runs."""
    output = Path(OUTPUTS[stage])
    paths = sorted(path for path in output.rglob("*") if path.is_file()) if output.is_dir() else [output]
    found = {path.as_posix(): path.read_bytes() for path in paths}
    assert found
    shutil.rmtree(output) if output.is_dir() else output.unlink()
    return found


@pytest.mark.parametrize("stage", OUTPUTS)
def test_a_stage_that_was_stopped_goes_on_and_leaves_the_same_bytes(study_project, monkeypatch, stage, caplog):
    caplog.set_level("INFO")
    monkeypatch.chdir(study_project)
    run(stage)
    before = taken(stage)
    assert not list(Path("work").iterdir())
    owner, name, pieces = PIECES[stage]
    work, calls = getattr(owner, name), []

    def counted(*arguments, **keywords):
        calls.append(arguments)
        if stop and len(calls) == 3:
            raise KeyboardInterrupt
        return work(*arguments, **keywords)

    monkeypatch.setattr(owner, name, counted)
    stop = True
    with pytest.raises(KeyboardInterrupt):
        run(stage)
    assert not Path(OUTPUTS[stage]).exists()
    stop, calls[:] = False, []
    monkeypatch.setattr(run_attack, "train_classifier", None)  # the trained ones are taken up
    run(stage)
    assert len(calls) == pieces - 2
    assert f"{stage}: going on after 2 of {pieces}" in caplog.text
    assert taken(stage) == before
    assert not list(Path("work").iterdir())


@pytest.fixture
def idle(study_project, monkeypatch):
    """In the project; nothing may be computed."""

    def never(*arguments, **keywords):
        raise AssertionError("work was begun")

    monkeypatch.chdir(study_project)
    for owner, name in ((Blocks, "fill"), (run_attack, "train_classifier"), (examples, "attacked_rows")):
        monkeypatch.setattr(owner, name, never)
    return study_project


def test_every_run_that_is_not_there_is_named_before_any_work(idle):
    for run_name in ("compact_baseline", "compact_grad_bat"):
        shutil.rmtree(RUNS / run_name)
    with pytest.raises(ValueError, match=r"(?s)robustness\.runs must name finished runs; got 2 of 2 .*base.*grad_bat"):
        run("robustness")
    with pytest.raises(ValueError, match=r"(?s)examples\.run must name finished runs; got 1 of 1 .*compact_base"):
        run("examples")


def test_a_run_without_its_generators_is_named_before_any_work(idle):
    folder = RUNS / "compact_two_gen_bat" / "NT_c23" / "seed0"
    (folder / "generator.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match=r"weights must be .*compact_two_gen_bat"):
        run("examples")
    record = read_json(folder / "run.json")
    write_json(folder / "run.json", {**record, "params": {"detector": record["params"]["detector"]}})
    with pytest.raises(ValueError, match=r"run\.json must name its method at params\.method; got None"):
        run("examples")
    (folder / "run.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"examples\.generator_run must name a .*; found no run\.json"):
        run("examples")


def test_runs_of_other_sizes_are_refused_before_any_work(idle):
    record = RUNS / "compact_grad_bat" / "NT_c23" / "seed0" / "run.json"
    write_json(record, {**read_json(record), "image_size": 48})
    with pytest.raises(ValueError, match=r"robustness\.runs must share one image size; got 32 px .*, 48 px \("):
        run("robustness")


@pytest.mark.parametrize("stage", ["robustness", "examples"])
def test_a_condition_without_images_is_named_before_any_work(idle, make_shards, stage):
    make_shards(idle, tier="all", qualities=("raw",), frames=10, side=41, videos={"train": 4, "val": 2, "test": 3})
    with pytest.raises(ValueError, match=rf"{stage}\.condition must be a condition that the test images have"):
        run(stage)


def test_images_that_are_too_small_are_reported_before_any_work(idle):
    params = load_params("attack", "robustness", "examples")
    attack = params.attack.model_copy(update={"kernel_sizes": [33]})
    with pytest.raises(ValueError, match="shorter side; got 33 for images of 32"):
        run_attack.run_attack(attack, MANIFESTS, Path("x.json"))
    robustness = params.robustness.model_copy(update={"blur": [6]})
    with pytest.raises(ValueError, match="shorter side; got 37 for images of 32"):
        run_robustness.run_robustness(robustness, RUNS, TEST, Path("x"))
    pictures = params.examples.model_copy(update={"kernel_sizes": [35]})
    with pytest.raises(ValueError, match="shorter side; got 35 for images of 32"):
        examples.draw_examples(pictures, RUNS, TEST, Path("x"))


def test_every_classifier_that_timm_lacks_is_named_before_one_is_trained(idle):
    attack = load_params("attack").attack
    entries = {**attack.classifiers}
    for name in ("inception_v4", "inception_resnet_v2"):
        entries[name] = entries[name].model_copy(update={"architecture": f"no_{name}"})
    with pytest.raises(ValueError, match=r"(?s)got 'no_inception_v4'.*got 'no_inception_resnet_v2'"):
        run_attack.run_attack(attack.model_copy(update={"classifiers": entries}), MANIFESTS, Path("x.json"))


def test_a_folder_of_other_classes_than_the_classifiers_is_refused():
    made = {"a": run_attack.Classifier("test_resnet", classes=3, image_size=32)}
    for count, pretrained in ((2, {"a"}), (4, {"a"}), (4, set())):
        with pytest.raises(ValueError, match=f"must hold the classes of a, 3; got {count}"):
            run_attack.check_classes(made, count, pretrained)
    run_attack.check_classes(made, 3, {"a"})


def test_random_weights_on_a_folder_of_images_are_mentioned(caplog):
    made = {"a": run_attack.Classifier("test_resnet", classes=3, image_size=32)}
    run_attack.check_classes(made, 2, set())
    assert "a has random weights" in caplog.text


def test_examples_of_no_run_are_no_pictures(study_project, monkeypatch, tmp_path):
    monkeypatch.chdir(study_project)
    wanted = load_params("examples").examples.model_copy(update={"run": "", "generator_run": ""})
    examples.draw_examples(wanted, RUNS, TEST, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["examples.json"]


def test_each_run_of_examples_has_its_figures(study_project, monkeypatch, tmp_path):
    monkeypatch.chdir(study_project)
    wanted = load_params("examples").examples
    figures = {}
    for missing in ("run", "generator_run"):
        output = tmp_path / missing
        examples.draw_examples(wanted.model_copy(update={missing: ""}), RUNS, TEST, output, work=tmp_path / "work")
        figures[missing] = {path.stem for path in output.glob("*.json")} - {"examples"}
    assert figures == {"run": {"maps"}, "generator_run": {"figure1", "figure4"}}


def test_a_robustness_study_of_no_run_is_empty(study_project, monkeypatch, tmp_path):
    monkeypatch.chdir(study_project)
    wanted = load_params("robustness").robustness.model_copy(update={"runs": []})
    run_robustness.run_robustness(wanted, RUNS, TEST, tmp_path)
    assert read_json(tmp_path / run_robustness.RESULT)["curves"] == []
