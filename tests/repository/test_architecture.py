"""docs/architecture.md agrees with pyproject.toml's contracts and with the code."""

import ast
import re
import tomllib

import pytest

BEGIN, END = "<!-- layers -->\n", "<!-- end of layers -->"
HIDDEN = {"__main__"}  # a file of three lines; the table names it with `cli`


@pytest.fixture
def page(root):
    return root / "docs" / "architecture.md"


@pytest.fixture(scope="module")
def contracts(root):
    settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    return {contract["type"]: contract for contract in settings["tool"]["importlinter"]["contracts"]}


def layers_of(contracts):
    layers = [layer.split(" | ") for layer in contracts["layers"]["layers"]]
    return [layer for layer in layers if set(layer) - HIDDEN]


def drawing(contracts):
    """The figure: one row per layer, an arrow from each to the next, torch-free rooms with a double border."""
    light = {name.split(".")[1] for name in contracts["forbidden"]["source_modules"]}
    rows = ["```mermaid", "flowchart TB"]
    for number, layer in enumerate(layers_of(contracts)):
        rows += [f'    subgraph L{number}[" "]', "        direction LR"]
        rows += [f"        {room}{f'[[{room}]]' if room in light else f'[{room}]'}" for room in layer]
        rows += ["    end"]
    rows += [f"    L{number} --> L{number + 1}" for number in range(len(layers_of(contracts)) - 1)]
    return "\n".join([*rows, "```", ""])


def test_the_figure_is_the_contracts(page, contracts, request):
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    drawn, _, after = rest.partition(END)
    if request.config.getoption("--write-golden"):
        page.write_text(f"{before}{BEGIN}{drawing(contracts)}{END}{after}", encoding="utf-8")
        return
    assert drawn == drawing(contracts)


def test_the_figure_shows_each_room_once_and_follows_the_contracts(contracts):
    rooms = [room for layer in layers_of(contracts) for room in layer]
    figure = drawing(contracts)
    assert all(len(re.findall(rf"^ +{room}\[", figure, re.MULTILINE)) == 1 for room in rooms)
    more = {**contracts, "layers": {"layers": ["newcomer", *contracts["layers"]["layers"]]}}
    assert "newcomer[newcomer]" in drawing(more)


def test_the_table_explains_each_room_and_no_other(page, contracts):
    table = re.findall(r"^\| `(\w+)` \|", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert table == [room for layer in layers_of(contracts) for room in layer]


def defined(path):
    """Names of a file's functions, classes and their methods."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.ClassDef)
    own = {node.name: node for node in tree.body if isinstance(node, kinds)}
    within = ((name, part) for name, node in own.items() for part in node.body if isinstance(part, kinds))
    return {*own, *(f"{name}.{part.name}" for name, part in within)}


def test_every_place_that_is_named_is_there(page, root):
    text = page.read_text(encoding="utf-8")
    places = re.findall(r"`(deepfake_adv/[\w/]+\.py)` `([\w.]+)`", text)
    assert len(places) > 15
    assert [(path, name) for path, name in places if name not in defined(root / path)] == []
    assert [path for path in re.findall(r"`(deepfake_adv/[\w/.]+)`", text) if not (root / path).exists()] == []


def test_all_seven_equations_are_there(page):
    text = page.read_text(encoding="utf-8").partition("## Where the paper's equations are")[2]
    assert re.findall(r"\((\d)\)", " ".join(re.findall(r"^\| (\(\d\)[^|]*)\|", text, re.MULTILINE))) == list("1234567")
