"""Commands, params and Python of every page: each is known to the program that it names; tests/pipeline runs them."""

import re
from collections import Counter
from copy import deepcopy

import pytest
from ruamel.yaml import YAML

from deepfake_adv.params.load import read_yaml, validate
from tests.repository.known_commands import Known
from tests.repository.merge_params import merge
from tests.repository.pages import blocks_of, commands_of, inline_of, pages_of

NOT_RUN = {"docs/how-to/parallel.md": 2, "docs/serving.md": 1, "docs/tutorials/4-faceforensics.md": 4}
"""Blocks of commands that no test runs, for each page; the reason stands in front of each."""


@pytest.fixture(scope="module")
def pages(root):
    return {page.relative_to(root).as_posix(): blocks_of(page, root) for page in pages_of(root)}


@pytest.fixture(scope="module")
def profiles(root):
    return {path.stem: read_yaml(path) for path in sorted((root / "profiles").glob("*.yaml"))}


@pytest.fixture(scope="module")
def known(root, profiles):
    return Known(root, profiles.values())


def own_params(blocks):
    """Lines of params.yaml that a page tells the reader to write."""
    return [YAML(typ="safe").load(block.text) for block in blocks if block.is_params]


def test_every_command_is_known_to_its_program(root, pages, profiles):
    wrong, count = [], 0
    for blocks in pages.values():
        known = Known(root, [*profiles.values(), *own_params(blocks)])
        for block in blocks:
            for words in commands_of(block.text) if block.is_commands else ():
                count += 1
                if (problem := known.problem(words, marked=bool(block.not_run))) is not None:
                    wrong.append(f"{block.place}: {' '.join(words)}: {problem}")
    assert wrong == []
    assert count > 60


def test_commands_in_sentences_have_the_options_that_they_name(root, known):
    found = [(page.name, command) for page in pages_of(root) for command in inline_of(page)]
    assert len(found) > 40
    unknown = {command: known.unknown_options(command.split()) for _, command in found}
    assert {command: options for command, options in unknown.items() if options} == {}


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        ("deepfake-adv predict a.mp4", "detector"),
        ("deepfake-adv chek", "has no command chek"),
        ("deepfake-adv compare a b --jsn", "No such option: --jsn"),
        ("dvc exp rn", "DVC does not know"),
        ("dvc repro --queue", "DVC does not know"),
        ("dvc repro train@nobody", "has no item nobody"),
        ("dvc repro trane", "has no stage trane"),
        ("dvc exp run -S methods.grad_bat.epsilom=0.3", "has the key methods.grad_bat.epsilom"),
        ("make everything", "has no target everything"),
        ("make repro JOBZ=2", "has no variable JOBZ"),
        ("git psh", "not known"),
        ("python -m benchmarks.nothing", "there is no module"),
        ("python -m benchmarks.soak --hours 2", "has no option --hours"),
        ("sudo rm", "sudo is not known"),
    ],
)
def test_a_wrong_command_is_found(known, command, problem):
    assert problem in (known.problem(command.split()) or "")


def test_wrong_options_in_sentences_are_found(known):
    assert known.unknown_options(["deepfake-adv", "predict", "…", "--reprot", "page.html"]) == ["--reprot"]
    assert known.unknown_options(["dvc", "exp", "run", "-S", "a=b", "--quue"]) == ["--quue"]
    assert known.unknown_options(["make", "repo"]) == ["repo"]


def test_words_of_commands_are_read_as_a_shell_reads_them():
    text = "A=1 dvc repro \\\n  train@x  # why\nmake pull && git status | head -n 3 > out.txt; cd '<run>'\n"
    assert list(commands_of(text)) == [
        ["dvc", "repro", "train@x"],
        ["make", "pull"],
        ["git", "status"],
        ["head", "-n", "3"],
        ["cd", "run"],
    ]


def test_params_of_pages_are_right(pages, profiles):
    """Keys of a page are put into the profile that the page has chosen by `make profile-…`, else the demo's."""
    checked = 0
    for page, blocks in pages.items():
        content = profiles["demo"]
        methods = {name for block in blocks for name in re.findall(r'@register_method\("(\w+)"\)', block.text)}
        for block in blocks:
            chosen = re.findall(r"make profile-([a-z]+)", block.text) if block.is_commands else []
            content = profiles[chosen[-1]] if chosen else content
            if not block.is_params:
                continue
            content = deepcopy(content)
            merge(content, YAML(typ="safe").load(block.text), block.replaces)
            # the page's own methods have no file here: any that is there stands for them
            entries = {
                key: {"name": "baseline"} if entry.get("name") in methods else entry
                for key, entry in content["methods"].items()
            }
            validate({**content, "methods": entries, "plugins": []}, f"{page}, line {block.line}", entries=False)
            checked += 1
    assert checked >= 4


def test_python_of_pages_compiles(pages):
    blocks = [block for found in pages.values() for block in found if block.language == "python"]
    assert len(blocks) >= 3
    for block in blocks:
        compile(block.text, block.place, "exec")


def test_what_no_test_runs_is_counted_and_says_why(pages):
    marked = [block for blocks in pages.values() for block in blocks if block.not_run]
    assert [block.place for block in marked if len(block.not_run.split()) < 3] == []
    assert [block.place for block in marked if not block.is_commands] == []
    assert Counter(block.page for block in marked) == NOT_RUN
