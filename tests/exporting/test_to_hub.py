import json

import numpy as np
import pytest
import torch

import deepfake_adv
from deepfake_adv.api import score_images
from deepfake_adv.exporting.to_hub import export_hub
from deepfake_adv.files import sha256
from deepfake_adv.training.trained import load_trained

CROPS = [np.random.default_rng(number).integers(0, 255, (40, 40, 3), np.uint8) for number in range(4)]


@pytest.mark.parametrize(
    "entry",
    [
        {"name": "compact", "width": 4},
        {"name": "tsn", "segments": 2, "frame": {"name": "compact", "width": 4}},
        pytest.param({"name": "timm:test_vit"}, marks=pytest.mark.slow),
        {"name": "py:deepfake_adv.detectors.compact:Compact", "arguments": {"width": 4}},
    ],
)
def test_a_loaded_export_scores_equal_bit_for_bit(trained, tmp_path, entry):
    run = load_trained(trained(entry, size=48))
    made = export_hub(run, tmp_path / "hub")
    assert made == {"files": ["README.md", "config.json", "model.safetensors"], "evaluation": None}
    loaded = deepfake_adv.load(tmp_path / "hub")
    assert np.array_equal(score_images(loaded, CROPS), score_images(run, CROPS))
    assert dict(loaded.record) == dict(run.record)
    assert (loaded.condition, loaded.seed, loaded.image_size) == ("NT_c23", 0, 48)


def test_an_export_exports_again_to_the_same_bytes(trained, evaluation, tmp_path):
    folder = trained()
    path = evaluation(folder)
    export_hub(load_trained(folder), tmp_path / "one")
    export_hub(load_trained(tmp_path / "one"), tmp_path / "two/inner", evaluation=path)
    files = ["README.md", "config.json", "model.safetensors"]
    assert [(tmp_path / "one" / name).read_bytes() for name in files] == [
        (tmp_path / "two/inner" / name).read_bytes() for name in files
    ]


def test_an_export_is_where_another_run_may_start(trained, tmp_path):
    run = load_trained(trained())
    export_hub(run, tmp_path / "hub")
    started = deepfake_adv.build_detector("compact", width=4, weights=tmp_path / "hub")
    assert all(torch.equal(value, run.detector.state_dict()[name]) for name, value in started.state_dict().items())


def test_further_files_of_the_run_come_along_and_a_generator_does_not(trained, tmp_path):
    folder = trained(files={"reference.json": "", "generator.safetensors": ""})
    for name in ("reference.json", "generator.safetensors"):
        (folder / name).write_text("{}")
    record = json.loads((folder / "run.json").read_text())
    record["files"] |= {name: sha256(folder / name) for name in ("reference.json", "generator.safetensors")}
    (folder / "run.json").write_text(json.dumps(record))
    export_hub(load_trained(folder), tmp_path / "hub")
    assert sorted(path.name for path in (tmp_path / "hub").iterdir()) == [
        "README.md", "config.json", "model.safetensors", "reference.json"
    ]  # fmt: skip
    (folder / "reference.json").write_text("{ }")
    with pytest.raises(ValueError, match=r"reference\.json must be the file that was trained"):
        export_hub(load_trained(folder), tmp_path / "other")
    assert not (tmp_path / "other").exists()
    assert not list(tmp_path.glob(".other-*"))


def test_nothing_is_overwritten(trained, tmp_path):
    run = load_trained(trained())
    (tmp_path / "full").mkdir()
    (tmp_path / "full/notes.txt").touch()
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"output must be a new or an empty folder; got .*full\. Name another"):
        export_hub(run, tmp_path / "full")
    export_hub(run, tmp_path / "empty")
    assert (tmp_path / "empty/config.json").is_file()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{}", "record"),
        (
            '{"model_type": "bert", "record": {}}',
            r"must hold the record of a run .* got none with params",
        ),
        ("no json", "config.json"),
    ],
)
def test_another_folder_of_a_hub_is_refused(tmp_path, content, message):
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(ValueError, match=message):
        deepfake_adv.load(tmp_path)


def test_weights_that_were_changed_are_refused(trained, tmp_path):
    export_hub(load_trained(trained()), tmp_path / "hub")
    with open(tmp_path / "hub/model.safetensors", "ab") as stream:
        stream.write(b"x")
    with pytest.raises(ValueError, match=r"weights must be those that were trained .*hub/model\.safetensors"):
        deepfake_adv.load(tmp_path / "hub")
