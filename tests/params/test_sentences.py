"""Messages for wrong params: one sentence for each error, with the key, the constraint, and what to do."""

import copy
from pathlib import Path

import pytest
from pydantic import Field, field_validator

from deepfake_adv.params.base import Section
from deepfake_adv.params.load import read_yaml, validate

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def demo():
    return read_yaml(ROOT / "profiles" / "demo.yaml")


def told(demo, key, value):
    content = copy.deepcopy(demo)
    *above, last = key.split("/")
    section = content
    for part in above:
        section = section[part]
    if value is KeyError:
        del section[last]
    else:
        section[last] = value
    with pytest.raises(ValueError, match="fix and run again") as caught:
        validate(content)
    return str(caught.value)


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("train", None, "train must be a mapping; got None. See profiles/demo.yaml."),
        (
            "datasets/corpus/frames",
            10,
            "datasets.corpus.frames must be a mapping of train, val, test, sampling; got 10.",
        ),
        ("methods", ["baseline"], "methods must be a mapping of names to values; got ['baseline']."),
        ("methods/gen_bat/generator", 4, "methods.gen_bat.generator must be a mapping of blocks, width, start,"),
        ("plugins", "mine", "plugins must be a list; got 'mine'. Write [mine]."),
        (
            "runs/compact_sladd/conditions",
            "NT_c23",
            "runs.compact_sladd.conditions must be a list; got 'NT_c23'. Write",
        ),
        ("methods/grad_bat/epsilon", "0,1", "methods.grad_bat.epsilon must be a number; got '0,1'. Write it without"),
        ("train/epochs", "five", "train.epochs must be a whole number; got 'five'."),
        ("train/flip", "maybe", "train.flip must be true or false; got 'maybe'."),
        ("report/title", 5, "report.title must be text; got 5. Put it in quotes."),
        ("methods/1", {"name": "baseline"}, None),
        ("locate/policy", "offical", "got 'offical'. Did you mean 'official'?"),
        ("parts/corpus_raw/quality", "C23", "got 'C23'. Did you mean 'c23'?"),
        ("locate/smooth", 14, "locate.smooth: must be odd; got 14. Use 13 or 15."),
        ("locate/backend", 5, "must be a name, or a mapping with the key `name`; got 5. A name is one of dlib, face_"),
        (
            "locate/backend",
            {"name": "dlib", "upsampel": 1},
            "locate.backend.upsampel is not a key; known here: upsample.",
        ),
        (
            "locate/backend",
            {"name": "face_alignment", "upsample": 1},
            "upsample is not a key; there are none here. Remove",
        ),
        ("locate/landmarks", "dli", "locate.landmarks: name must be one of dlib, face_alignment, none; got 'dli'. Did"),
        ("methods/mine", {"epsilon": 1}, "with the key `name`; got {'epsilon': 1}. A name is one of baseline, "),
        ("detectors/mine", {"name": "timm:resnet18x"}, "mine.model must be one of timm's; got 'resnet18x'. Did"),
        ("detectors/mine", {"name": "efficientnet", "model": "resnet18"}, "mine.model must be one of timm's eff"),
        ("detectors/mine", {"name": "timm:resnet18", "weights": "w"}, "got 'w'. Set pretrained: true to read them, or"),
        ("runs", {}, "examples.run must be the name of an entry; got 'compact_baseline', which is no entry. Add it"),
        ("crop", KeyError, "crop is missing. See profiles/demo.yaml for its meaning."),
        ("trian", {}, "trian is not a key; known here: attack, "),
    ],
)
def test_a_clumsy_users_error_is_reported(demo, key, value, sentence):
    if sentence is None:
        content = copy.deepcopy(demo)
        content["methods"][1] = value
        with pytest.raises(ValueError, match=r"methods\.1 must be a name in letters; got 1\. Put it in quotes\."):
            validate(content)
    else:
        said = told(demo, key, value)
        assert sentence in said
        assert "valid dictionary" not in said


@pytest.mark.parametrize("layout", ["celebdf", "dfd", "dfdc"])
def test_keys_that_a_layout_does_not_read_need_not_be_there(demo, layout):
    content = copy.deepcopy(demo)
    frames = {"train": 1, "val": 1, "test": 1, "sampling": "even"}
    content["datasets"]["own"] = {"layout": layout, "root": "x", "frames": frames}
    dataset = validate(content).datasets["own"]
    assert (list(dataset.forgeries), dict(dataset.options)) == ([], {})


def test_a_forgery_that_a_layout_does_not_have_is_named(demo):
    said = told(demo, "datasets/corpus/forgeries", ["DF", "DFDC"])
    assert "datasets.corpus.forgeries must be of DF, F2F, FS, NT, FSH; got DFDC" in said


def test_a_validator_of_a_users_own_is_reported_in_its_own_words():
    class Own(Section):
        size: int = Field(1, description="Pixels.")

        @field_validator("size")
        @classmethod
        def _even(cls, size):
            if size == 3:
                raise ValueError("size must be even; got 3. Use 4.")
            raise ValueError("that will not do")

    with pytest.raises(ValueError, match=r"^size must be even; got 3\. Use 4\.$"):
        Own.read({"size": 3})
    with pytest.raises(ValueError, match=r"^size: that will not do$"):
        Own.read({"size": 5})
