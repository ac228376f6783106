from pathlib import Path

import pytest

from deepfake_adv.datasets.layouts.registry import LAYOUTS, build_layout
from deepfake_adv.params.load import read_yaml, validate

ROOT = Path(__file__).parents[2]


def with_dataset(layout, options):
    content = read_yaml(ROOT / "profiles" / "demo.yaml")
    content["datasets"]["own"] = {
        "layout": layout,
        "root": "x",
        "forgeries": ["DF"],
        "frames": {"train": 1, "val": 1, "test": 1, "sampling": "even"},
        "options": options,
    }
    return content


NEEDED = {
    "deeperforensics": {"originals": "o"},
    "lst": {"lists": {"train": "a.lst", "test": ["b.lst", "c.lst"]}},
}


@pytest.mark.parametrize("layout", sorted(LAYOUTS))
def test_params_know_every_layout_and_its_options(layout):
    """What passes here is what the layout's constructor takes."""
    dataset = validate(with_dataset(layout, NEEDED.get(layout, {}))).datasets["own"]
    assert dataset.layout == layout
    build_layout(layout, dataset.root, dataset.forgeries, dataset.options)


@pytest.mark.parametrize("layout", sorted(LAYOUTS))
def test_every_option_is_explained(layout):
    assert [key for key, field in LAYOUTS[layout].Params.model_fields.items() if not field.description] == []


def test_a_key_that_must_be_there_is_explained():
    words = r"options\.originals is missing\. It is: Root of .* See DeeperForensics\.Params in deepfake_adv"
    with pytest.raises(ValueError, match=words):
        validate(with_dataset("deeperforensics", {}))


@pytest.mark.parametrize(
    ("layout", "options", "message"),
    [
        ("faceforensic", {}, r"layout must be one of .*Did you mean 'faceforensics'"),
        ("faceforensics", {"splitz": "s"}, r"options\.splitz is not a key.*Did you mean 'splits'"),
        ("celebdf", {"version": 3}, r"options\.version: input should be 1 or 2; got 3"),
        ("lst", {"lists": {"tset": "a.lst"}}, "'train', 'val' or 'test'"),
        ("dfd", {"table": "x"}, r"options\.table is not a key"),
    ],
)
def test_mistakes_are_found_before_any_work(layout, options, message):
    with pytest.raises(ValueError, match=message):
        validate(with_dataset(layout, options))


def test_a_dataset_named_twice_is_refused(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("datasets:\n  ff: {}\n  ff: {}\n")
    with pytest.raises(ValueError, match='duplicate key "ff"'):
        read_yaml(path)
