import copy
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from deepfake_adv.params.entries import complete
from deepfake_adv.params.load import validate

PROFILES = Path(__file__).parents[2] / "profiles"


@pytest.fixture(scope="module", params=["demo", "paper"])
def content(request: pytest.FixtureRequest) -> dict[str, Any]:
    values: dict[str, Any] = YAML(typ="safe").load((PROFILES / f"{request.param}.yaml").read_text())
    return values


def test_the_profiles_say_every_key_that_has_an_effect(content: dict[str, Any]) -> None:
    """So what an entry of a profile means does not depend on defaults."""
    for name, entry in content["methods"].items():
        filled = complete("method", entry)
        without_effect = {"lam"} if filled.get("clean") == "instead" else set()
        without_effect |= {"adversary_steps"} if filled.get("update") in ("reversal", "joint") else set()
        assert set(filled) - set(entry) <= without_effect, name


def test_keys_without_effect_may_be_left_out(content: dict[str, Any]) -> None:
    content = copy.deepcopy(content)
    assert "lam" not in content["methods"]["jpeg"]
    content["methods"]["gen_bat"]["update"] = "reversal"
    del content["methods"]["gen_bat"]["adversary_steps"]
    validate(content)


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
def test_errors_are_named(content: dict[str, Any], entry: str, key: str, value: Any, message: str) -> None:
    broken = copy.deepcopy(content)
    broken["methods"][entry][key] = value
    with pytest.raises(ValueError, match=message):
        validate(broken)


def test_a_name_is_an_entry(content: dict[str, Any]) -> None:
    short = copy.deepcopy(content)
    short["methods"]["own"] = {"name": "grad_bat"}
    validate(short)
    assert complete("method", {"name": "grad_bat"})["epsilon"] == 0.2
