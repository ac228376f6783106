import copy
from pathlib import Path

import pytest

from deepfake_adv.params.load import load_params, read_yaml, validate
from deepfake_adv.params.training import recipe

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def demo():
    return read_yaml(ROOT / "profiles" / "demo.yaml")


@pytest.fixture
def content(demo):
    return copy.deepcopy(demo)


def test_only_the_named_sections_are_within_reach():
    params = load_params("crop", path=ROOT / "profiles" / "demo.yaml")
    assert params.crop.margin == 1.3
    with pytest.raises(AttributeError):
        params.train  # noqa: B018


def test_values_of_the_command_go_before_those_of_the_file_and_are_checked_alike():
    path = ROOT / "profiles" / "demo.yaml"
    own = load_params("evaluate", path=path).evaluate
    given = {"resamples": "7", "confidence": "5e-1", "seed": str(own.seed)}
    assert load_params("evaluate", path=path, given=given).evaluate.model_dump() == {
        **own.model_dump(), "resamples": 7, "confidence": 0.5
    }  # fmt: skip
    with pytest.raises(ValueError, match=r"(?s)2 errors.*evaluate\.resamples.*evaluate\.sed"):
        load_params("evaluate", path=path, given={"resamples": "many", "sed": "1"})


def test_keys_that_the_chosen_way_does_not_read_may_be_left_out(content):
    content["locate"] |= {"policy": "official", "on_miss": "drop"}
    for key in ("every", "smooth", "max_gap"):
        del content["locate"][key]
    del content["train"]["pool"]
    validate(content)


def test_every_error_is_in_one_message_with_the_key_it_meant(content):
    content["crop"]["margn"] = content["crop"].pop("margin")
    content["repot"] = {}
    content["score"]["batch_size"] = 0
    with pytest.raises(ValueError) as error:
        validate(content)
    message = str(error.value)
    assert "4 errors" in message
    for part in ("Did you mean 'margin'", "crop.margin is missing", "Did you mean 'report'", "score.batch_size"):
        assert part in message


@pytest.mark.parametrize(
    ("section", "entry", "key", "kind"),
    [("runs", "compact_baseline", "method", "method"), ("runs", "compact_baseline", "detector", "detector"),
     ("runs", "compact_baseline", "tier", "tier"), ("parts", "corpus_raw", "dataset", "dataset")],
)  # fmt: skip
def test_a_name_that_points_nowhere_is_named(content, section, entry, key, kind):
    content[section][entry][key] += "x"
    with pytest.raises(ValueError, match=rf"{section}\.{entry}\.{kind} must be one of .*Did you mean"):
        validate(content)


def test_two_runs_for_one_cell_are_named_and_other_conditions_are_not(content):
    run = content["runs"]["compact_baseline"]
    content["runs"]["again"] = run | {"conditions": run["conditions"][:1]}
    with pytest.raises(ValueError, match=r"runs\.again\.conditions must name no .* runs\.compact_baseline") as e:
        validate(content)
    assert str(e.value).count("runs.again") == 1
    content["methods"]["other"] = content["methods"]["baseline"]
    content["runs"]["again"]["method"] = "other"
    validate(content)


def test_two_datasets_for_one_cell_are_named_unless_a_role_chooses(content):
    content["datasets"]["second"] = copy.deepcopy(content["datasets"]["corpus"])
    content["parts"]["second_c23"] = {"dataset": "second", "quality": "c23"}
    content["tables"]["roles"]["FF++"] = "corpus"
    validate(content)
    del content["tables"]["roles"]["FF++"]
    with pytest.raises(ValueError, match=r"tables\.roles\.FF\+\+ must name .* at c23 in corpus and second\. Name one"):
        validate(content)
    content["parts"]["second_c23"]["quality"] = "native"
    content["parts"]["corpus_native"] = {"dataset": "corpus", "quality": "native"}  # of which no table has a cell
    validate(content)


def test_a_condition_that_is_none_is_named(content):
    content["runs"]["compact_baseline"]["conditions"] = ["NT-c23"]
    with pytest.raises(ValueError, match=r"runs\.compact_baseline\.conditions: condition must be"):
        validate(content)


def test_a_name_that_dvc_would_lose_is_refused(content):
    content["runs"]["compact-baseline"] = content["runs"].pop("compact_baseline")
    with pytest.raises(ValueError, match="letters, digits and _"):
        validate(content)


def test_numbers_are_read_as_dvc_reads_them(tmp_path):
    (tmp_path / "params.yaml").write_text("a: 5e-4\nb: NO\n")
    assert read_yaml(tmp_path / "params.yaml") == {"a": 5e-4, "b": "NO"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "must be YAML"),
        ("- a\n", "must be a mapping"),
        ("a: 1\na: 2\n", "must be YAML"),
        ("", "must be a mapping"),
        ("a: 2020-13-45\n", r"params\.yaml must be YAML; got an invalid value: month must be in 1\.\.12\. Put it"),
    ],
)
def test_a_file_that_is_no_mapping_is_refused(tmp_path, text, message):
    (tmp_path / "params.yaml").write_text(text)
    with pytest.raises(ValueError, match=message):
        load_params(path=tmp_path / "params.yaml")


def test_a_key_named_twice_is_reported_with_its_line_alone(tmp_path):
    (tmp_path / "params.yaml").write_text("a: 1\na: 2\n")
    with pytest.raises(ValueError, match=r'got found duplicate key "a" .* in line 2, column 1\. Fix') as error:
        read_yaml(tmp_path / "params.yaml")
    assert "suppress" not in str(error.value)


def test_a_file_in_another_encoding_is_named_and_a_byte_order_mark_is_not_minded(tmp_path):
    (tmp_path / "params.yaml").write_bytes("a: Ä\n".encode("latin-1"))
    with pytest.raises(ValueError, match=r"params\.yaml must be UTF-8 text"):
        read_yaml(tmp_path / "params.yaml")
    (tmp_path / "params.yaml").write_bytes("a: Ä\n".encode("utf-8-sig"))
    assert read_yaml(tmp_path / "params.yaml") == {"a": "Ä"}


def test_a_missing_file_says_how_to_get_one(tmp_path):
    with pytest.raises(FileNotFoundError, match="make profile-demo"):
        load_params(path=tmp_path / "params.yaml")


def test_names_that_differ_in_case_alone_are_refused(content):
    content["datasets"]["Corpus"] = content["datasets"]["corpus"]
    with pytest.raises(ValueError, match=r"datasets\.Corpus must differ from corpus in more than case"):
        validate(content)


def test_a_part_named_twice_is_refused(content):
    content["parts"]["again"] = dict(content["parts"]["corpus_c23"])
    with pytest.raises(
        ValueError, match=r"parts\.again must be another .* than parts\.corpus_c23; got corpus c23 twice"
    ):
        validate(content)


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ({"train": {"epochs": 0}}, r"runs\.compact_baseline\.train\.epochs: .* greater than or equal to 1; got 0"),
        ({"train": {"epoch": 1}}, r"runs\.compact_baseline\.train\.epoch is not a key; .* Did you mean 'epochs'"),
        ({"train": {"accumulate": 3}}, r"runs\.compact_baseline\.train\.batch_size must be a multiple of 6 .* got 16"),
        ({"train": {"seeds": [1]}}, r"robustness\.seed must be one of the seeds of compact_baseline, 1; got 0"),
        ({"train": 3}, r"runs\.compact_baseline\.train must be a mapping"),
        ({"test": {"conditions": ["NT-c23"]}}, r"runs\.compact_baseline\.test\.conditions: condition must be"),
        ({"test": {"conditions": ["NT_native"]}}, r"test\.conditions must be of qualities that .* got NT_native"),
        ({"test": {"conditions": []}}, r"test\.conditions: list should have at least 1 item"),
        ({"test": {"frames": 0}}, r"test\.frames: .* greater than or equal to 1; got 0"),
    ],
)
def test_a_runs_own_recipe_and_tests_are_checked(content, own, message):
    content["parts"] = {name: part for name, part in content["parts"].items() if part["quality"] != "native"}
    for run in content["runs"].values():
        run.pop("test", None)
    content["runs"]["compact_baseline"] |= own
    with pytest.raises(ValueError, match=message):
        validate(content)


def test_a_run_replaces_keys_of_the_recipe(content):
    content["runs"]["compact_baseline"]["train"] = {"learning_rate": 0.5, "seeds": [0, 1]}
    params = validate(content)
    assert recipe(params.train, params.runs["compact_baseline"]).learning_rate == 0.5
    assert recipe(params.train, params.runs["compact_baseline"]).epochs == params.train.epochs
    assert recipe(params.train, params.runs["compact_grad_aat"]) is params.train
    with pytest.raises(ValueError, match="epochs"):
        recipe(params.train, params.runs["compact_baseline"].model_copy(update={"train": {"epochs": 0}}))


@pytest.mark.parametrize(
    ("section", "key", "value", "message"),
    [
        ("examples", "run", "compact_baselin", r"examples\.run must be one of .* Did you mean 'compact_baseline'"),
        ("examples", "condition", "DF_c23", r"examples\.condition must be a condition that .*, such as NT_raw, "),
        ("robustness", "runs", ["nobody"], r"robustness\.runs must be one of .*; got 'nobody'"),
        ("robustness", "seed", 3, r"robustness\.seed must be one of the seeds of compact_baseline, 0; got"),
    ],
)
def test_a_study_of_what_no_run_leaves_is_refused(content, section, key, value, message):
    content[section][key] = value
    with pytest.raises(ValueError, match=message):
        validate(content)


def test_the_studies_tier_must_be_there(content):
    content["tiers"].remove("all")
    with pytest.raises(ValueError, match="tiers must hold 'all', which the studies read"):
        validate(content)
