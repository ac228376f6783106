"""What the pages say of files, tests, stages, entries and params is so."""

import re

import pytest
from ruamel.yaml import YAML

from deepfake_adv.datasets.layouts.registry import LAYOUTS, build_layout
from deepfake_adv.detectors.registry import DETECTORS
from deepfake_adv.methods.registry import METHODS

FOLDERS = ("deepfake_adv", "tests", "benchmarks", "profiles", "pipeline")


@pytest.fixture(scope="module")
def pages(root):
    """Text of README and of every page that explains, by its path."""
    docs = root / "docs"
    paths = [*docs.glob("concepts/*.md"), *(docs / f"{name}.md" for name in ("honest", "glossary", "outputs"))]
    return {
        path.relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in [root / "README.md", *paths]
    }


def fenced(text, language):
    (block,) = re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return block


def first_column(text, heading):
    """Names in backticks in the first column of the tables below a heading."""
    section = re.split(r"^## ", text.partition(f"## {heading}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    return [name for row in re.findall(r"^\| (`.*?) \|", section, re.MULTILINE) for name in re.findall(r"`(.+?)`", row)]


def test_every_file_that_a_page_names_is_there(root, pages):
    named = {(page, path) for page, text in pages.items() for path in re.findall(r"`([\w/.]+\.(?:py|yaml|pyi))`", text)}
    inside = {(page, path) for page, path in named if path.partition("/")[0] in FOLDERS}
    assert len(inside) > 40
    assert {(page, path) for page, path in inside if not (root / path).exists()} == set()


def test_every_place_that_a_page_names_is_there(root, pages):
    places = [
        (path, name.rpartition(".")[2])
        for text in pages.values()
        for path, name in re.findall(r"`(deepfake_adv/[\w/]+\.py)` `([\w.]+)`", text)
    ]
    assert len(places) > 15
    code = {path: (root / path).read_text(encoding="utf-8") for path, _ in places}
    defines = {place: rf"^( *(def|class) )?{place[1]}\b" for place in places}
    assert [place for place in places if not re.search(defines[place], code[place[0]], re.MULTILINE)] == []


def test_every_test_that_a_page_names_is_there(root, pages):
    named = {name for text in pages.values() for name in re.findall(r"`(test_\w+)`", text)}
    tests = "".join(path.read_text(encoding="utf-8") for path in (root / "tests").rglob("test_*.py"))
    assert len(named) > 5
    assert {name for name in named if f"def {name}(" not in tests} == set()


def test_the_games_page_has_all_seven_equations(pages):
    assert re.findall(r"\\qquad \((\d)\)", pages["docs/concepts/game.md"]) == list("1234567")


def test_the_outputs_page_lists_every_stage_and_layout(pages, stages):
    page = pages["docs/outputs.md"]
    assert sorted(first_column(page, "The stages")) == sorted(stages)
    assert sorted(first_column(page, "Datasets")) == sorted(LAYOUTS)


def test_the_readme_names_every_method_and_detector(pages):
    named = set(first_column(pages["README.md"], "Methods and detectors"))
    assert set(METHODS) == named & set(METHODS)
    assert set(DETECTORS) <= {name.partition(":")[0] for name in named}


def contains(whole, part):
    """Whether a mapping has all keys of another, with equal values, at any depth."""
    if not isinstance(part, dict):
        return whole == part
    return isinstance(whole, dict) and all(key in whole and contains(whole[key], part[key]) for key in part)


def test_the_readmes_params_are_those_of_the_profile(root, pages):
    yaml = YAML(typ="safe")
    shown = yaml.load(fenced(pages["README.md"], "yaml"))
    assert set(shown) == {"datasets", "parts", "runs"}
    assert contains(yaml.load((root / "profiles/own.yaml").read_text(encoding="utf-8")), shown)


def test_the_readmes_table_has_both_classes_in_each_split(pages, tmp_path):
    (tmp_path / "videos.csv").write_text(fenced(pages["README.md"], "csv"), encoding="utf-8")
    videos = list(build_layout("csv", tmp_path, [], {}).videos("native"))
    assert {(video.split, video.label) for video in videos} == {
        (s, y) for s in ("train", "val", "test") for y in (0, 1)
    }
    assert {video.forgery for video in videos} == {"real", "other"}


@pytest.mark.parametrize(("name", "most"), [("game", 100_000), ("report", 150_000)])
def test_pictures_are_small(root, name, most):
    assert 10_000 < (root / "docs/images" / f"{name}.png").stat().st_size < most
