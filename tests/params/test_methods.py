import copy
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from deepfake_adv.methods.registry import METHODS
from deepfake_adv.params.load import validate
from deepfake_adv.params.methods import NAMES

PROFILES = Path(__file__).parents[2] / "profiles"


@pytest.fixture(scope="module", params=["demo", "paper"])
def content(request: pytest.FixtureRequest) -> dict[str, Any]:
    values: dict[str, Any] = YAML(typ="safe").load((PROFILES / f"{request.param}.yaml").read_text())
    return values


def test_schema_and_registry_know_the_same_methods_and_arguments(content: dict[str, Any]) -> None:
    assert set(NAMES) == set(METHODS)
    for entry in validate(content).methods.values():
        assert set(entry.model_dump(exclude={"name"})) == set(signature(METHODS[entry.name]).parameters)


@pytest.mark.parametrize(
    ("entry", "key", "value", "message"),
    [
        ("grad_bat", "kernel_size", 4, r"methods.grad_bat.*kernel_size: must be odd; got 4"),
        ("grad_bat", "epsilonn", 1, r"epsilonn is not a key; .* Did you mean 'epsilon'"),
        (
            "gen_bat",
            "epsilon",
            1,
            r"gen_bat\.epsilon is not a key; known here: adversary_steps, .*, kernel_size, lam",
        ),
        ("grad_bat", "steps", 0, r"steps: input should be greater than or equal to 1; got 0"),
        ("grad_aat", "rule", "signs", r"rule: input should be 'raw', 'relative', 'sign' or 'l2'"),
        ("two_gen_bat", "name", "two_gen_bta", r"name must be one of .*got 'two_gen_bta'\. Did you mean 'two_gen_bat'"),
        (
            "two_gen_bat",
            "generator",
            {"blocks": 1, "width": 8, "start": 1, "floor": 1, "scale": 1},
            "start must be above floor",
        ),
        ("jpeg", "quality", [90, 60], "must be two numbers in ascending order"),
    ],
)
def test_faults_are_named(content: dict[str, Any], entry: str, key: str, value: Any, message: str) -> None:
    broken = copy.deepcopy(content)
    broken["methods"][entry][key] = value
    with pytest.raises(ValueError, match=message):
        validate(broken)


def test_no_key_may_be_missing(content: dict[str, Any]) -> None:
    broken = copy.deepcopy(content)
    del broken["methods"]["grad_bat"]["epsilon"]
    with pytest.raises(ValueError, match=r"methods.grad_bat.*epsilon is missing"):
        validate(broken)
