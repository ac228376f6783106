"""Faults that would show at a late stage alone are found when params.yaml is read."""

import copy
from pathlib import Path

import pytest

from deepfake_adv.attacks.registry import build_attack
from deepfake_adv.params.evaluation import ROLES
from deepfake_adv.params.load import read_yaml, validate
from deepfake_adv.reporting.specs import load_specs

PROFILES = Path(__file__).parents[2] / "profiles"


@pytest.fixture(scope="module", params=["demo", "paper"])
def profile(request):
    return read_yaml(PROFILES / f"{request.param}.yaml")


@pytest.fixture
def content(profile):
    return copy.deepcopy(profile)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        (
            "attack.images",
            {"source": "folder", "folder": None},
            r"attack\.images\.folder: must name a folder",
        ),
        ("attack.images", {"source": "folder", "folder": ""}, r"attack\.images\.folder: must .*; got ''"),
        (
            "corpus",
            {"source": "clips", "folder": None},
            r"corpus\.folder: must name a folder .*; got None",
        ),
        ("robustness", {"jpeg": [95, 0]}, r"robustness\.jpeg\.1: .* greater than or equal to 1; got 0"),
        ("robustness", {"jpeg": [101]}, r"robustness\.jpeg\.0: .* less than or equal to 100; got 101"),
        ("robustness", {"crf": [52]}, r"robustness\.crf\.0: .* less than or equal to 51; got 52"),
        ("robustness", {"resize": [0]}, r"robustness\.resize\.0: .* greater than or equal to 0\.01; got 0"),
        ("robustness", {"noise": [-1]}, r"robustness\.noise\.0: .* greater than or equal to 0; got -1"),
        ("robustness", {"blur": [-1]}, r"robustness\.blur\.0: .* greater than or equal to 0; got -1"),
        ("robustness.attacks.FGSM", {"name": "fgms"}, r"attacks\.FGSM: name must be one of .* Did you mean 'fgsm'"),
        (
            "robustness.attacks.FGSM",
            {"epsilonn": 1},
            r"FGSM\.epsilonn is not a key; .* Did you mean 'epsilon'",
        ),
        ("examples.attacks.blur", {"kernel_size": 4}, r"examples\.attacks\.blur\.kernel_size: must be odd; got 4"),
        ("examples.attacks.blur", {"kernel_size": None}, r"blur\.kernel_size must be a whole number; got None"),
        ("examples.attacks.stAdv", {"steps": 0}, r"examples\.attacks\.stAdv\.steps: .*; got 0"),
        ("examples", {"kernel_sizes": [4]}, r"examples\.kernel_sizes\.0: must be odd; got 4"),
        ("attack", {"table_reading": "relativ"}, r"attack\.table_reading must be one of .* Did you mean 'relative'"),
        ("attack", {"starts": [0]}, r"attack\.starts\.0: .* greater than 0; got 0"),
        ("attack", {"kernel_sizes": [2]}, r"attack\.kernel_sizes\.0: must be odd; got 2"),
        ("locate", {"backend": "dlip"}, r"locate\.backend: name must be one of dlib, .* Did you mean 'dlib'"),
        ("tables", {"baseline": "baselin"}, r"tables\.baseline must be one of .* Did you mean 'baseline'"),
        ("tables.roles", {"efficientnet": "nobody"}, r"tables\.roles\.efficientnet must be one of .*; got 'nobody'"),
        ("tables.roles", {"eficientnet": "compact"}, r"tables\.roles must be one of .* Did you mean 'efficientnet'"),
        ("train", {"batch_size": 32, "accumulate": 3}, r"train\.batch_size must be a multiple of 6 .*; got 32"),
        ("train", {"seeds": [0, 1, 0]}, r"train\.seeds: must name each once, not 0 again; got"),
        ("train", {"seeds": []}, r"train\.seeds: list should have at least 1 item"),
    ],
)
def test_an_error_of_a_late_stage_is_found(content, key, value, message):
    section = content
    for part in key.split("."):
        section = section[part]
    section.update(value)
    with pytest.raises(ValueError, match=message):
        validate(content)


def test_studies_may_name_no_run(content):
    content["examples"] |= {"run": "", "generator_run": ""}
    content["robustness"] |= {"runs": [], "seed": 99}
    validate(content)


def test_no_run_is_not_null_which_dvc_would_write_into_a_path(content):
    content["examples"]["run"] = None
    with pytest.raises(
        ValueError, match=r"examples\.run: must be the name of a run, or '' for none; got None\. Write ''"
    ):
        validate(content)


def test_a_condition_that_no_run_of_a_study_trains_on_is_one_sentence_each(content):
    for study in ("examples", "robustness"):
        content[study]["condition"] = "DFD_c23"
    with pytest.raises(ValueError, match=r"examples\.condition must be a condition that its runs train on") as error:
        validate(content)
    assert "2 errors" in str(error.value)


def test_forgeries_are_named_once(content):
    content["datasets"][next(iter(content["datasets"]))]["forgeries"] = ["NT", "DF", "NT"]
    with pytest.raises(ValueError, match=r"forgeries: must name each once, not NT again"):
        validate(content)


def test_what_a_dataset_leaves_out_has_its_default(content):
    name = next(iter(content["datasets"]))
    content["datasets"][name] = {"layout": "faceforensics", "root": "x"}
    dataset = validate(content).datasets[name]
    assert dataset.frames.model_dump() == {"train": 270, "val": 100, "test": 100, "sampling": "even"}


def test_a_condition_is_of_a_forgery_that_a_dataset_has_unless_a_table_decides_it(content):
    name, run = next(iter(content["runs"].items()))
    run["conditions"] = [f"NTT_{run['conditions'][0].partition('_')[2]}"]
    with pytest.raises(
        ValueError, match=rf"runs\.{name}\.conditions must be of a forgery .*; got 'NTT_.* Did you mean 'NT'"
    ):
        validate(content)
    content["datasets"]["mine"] = {"layout": "csv", "root": "."}
    content["parts"]["mine"] = {"dataset": "mine", "quality": "native"}
    content["examples"] |= {"run": "", "generator_run": ""}
    content["robustness"]["runs"] = []
    validate(content)


def test_conditions_are_named_once(content):
    name, run = next(iter(content["runs"].items()))
    run["conditions"] = run["conditions"] * 2
    with pytest.raises(ValueError, match=rf"runs\.{name}\.conditions: must name each once, not NT_"):
        validate(content)


def test_a_tier_holds_the_quality_of_its_conditions(content):
    name, run = next(iter(content["runs"].items()))
    run["tier"], run["conditions"] = "c40", ["NT_c23"]
    with pytest.raises(ValueError, match=rf"runs\.{name}\.tier must hold the quality .*; got 'c40' for NT_c23\. Set"):
        validate(content)


def test_a_run_on_all_qualities_reads_the_tier_that_holds_them(content):
    name, run = next(iter(content["runs"].items()))
    run["tier"], run["conditions"] = "c23", ["NT_all"]
    with pytest.raises(ValueError, match=rf"runs\.{name}\.tier must hold .*; got 'c23' for NT_all\. Set it to all\."):
        validate(content)


def test_a_study_of_single_frames_takes_no_detector_of_clips(content):
    detector = content["runs"][content["examples"]["run"]]["detector"]
    content["detectors"]["clips"] = {
        "name": "tsn", "segments": 3, "image_size": None, "frame": content["detectors"][detector]
    }  # fmt: skip
    content["runs"][content["examples"]["run"]]["detector"] = "clips"
    with pytest.raises(ValueError, match=r"examples\.run must be a run of a detector of single frames; got .* of tsn"):
        validate(content)


def test_compared_runs_share_one_image_size(content):
    name = content["robustness"]["runs"][1]
    detector = content["runs"][name]["detector"]
    content["detectors"]["larger"] = {**content["detectors"][detector], "image_size": 512}
    content["runs"][name]["detector"] = "larger"
    with pytest.raises(ValueError, match=rf"robustness\.runs must share one image size; got .*512 px \({name}\)"):
        validate(content)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("attack.kernel_size", 999, r"attack\.kernel_size must be at most the images' \d+ px; got 999"),
        ("attack.kernel_sizes", [3, 999], r"attack\.kernel_sizes must be at most .*; got 999"),
        ("examples.kernel_sizes", [999], r"examples\.kernel_sizes must be at most .*; got 999"),
        ("examples.attacks.blur.kernel_size", 999, r"examples\.attacks\.blur\.kernel_size must be .*; got 999"),
        ("robustness.attacks.blur.kernel_size", 999, r"robustness\.attacks\.blur\.kernel_size must be .*; got 999"),
        ("robustness.blur", [0, 100], r"robustness\.blur's window must be at most .*; got 601"),
    ],
)
def test_no_window_is_larger_than_the_images(content, key, value, said):
    *parts, last = key.split(".")
    section = content
    for part in parts:
        section = section[part]
    section[last] = value
    with pytest.raises(ValueError, match=said):
        validate(content)


def test_draws_need_a_count_of_steps(content):
    content["train"]["steps_per_epoch"] = None
    with pytest.raises(ValueError, match=r"steps_per_epoch must be a number where sampling is (pairs|draws); got None"):
        validate(content)


def test_weights_that_would_not_be_read_are_refused(content):
    content["methods"]["sladd"]["synthesizer"] |= {"pretrained": False, "weights": "x.pth"}
    words = r"methods\.sladd\.synthesizer: weights must be null where pretrained is false; got 'x\.pth'"
    with pytest.raises(ValueError, match=words):
        validate(content)


def test_a_tier_without_parts_is_refused(content):
    content["tiers"].append("c32")
    with pytest.raises(ValueError, match=r"tiers must be one of .*all; got 'c32'\. Did you mean 'c23'"):
        validate(content)


def test_attacks_reach_the_registry_as_they_are_written(profile):
    for section, params in (("examples", validate(profile).examples), ("robustness", validate(profile).robustness)):
        assert params.model_dump()["attacks"] == profile[section]["attacks"]
        for entry in params.attacks.values():
            build_attack(**entry.model_dump())


def test_roles_are_what_the_tables_name():
    rows = [row for spec in load_specs() for row in spec.rows]
    columns = [column for spec in load_specs() for column in spec.columns]
    named = {name for row in rows for name in (row.detector, row.source)}
    named |= {name for column in columns for name in (column.dataset, column.victim)}
    assert set(ROLES) == named - {""}
