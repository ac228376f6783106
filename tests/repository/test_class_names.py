"""One word, one class: a class name stands for one class of the package."""

import ast
from collections import defaultdict


def class_names(tree):
    """Names of the classes of a module; an entry's own `Params` within its class is left out."""
    nested = {
        inner
        for outer in ast.walk(tree)
        if isinstance(outer, ast.ClassDef)
        for inner in outer.body
        if isinstance(inner, ast.ClassDef) and inner.name == "Params"
    }
    return [node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node not in nested]


def repeated(sources):
    """Class names that are defined more than once, each with its files."""
    places = defaultdict(list)
    for name, text in sources.items():
        for found in class_names(ast.parse(text)):
            places[found].append(name)
    return {name: files for name, files in places.items() if len(files) > 1}


def test_a_class_name_stands_for_one_class(root):
    package = root / "deepfake_adv"
    sources = {path.relative_to(package).as_posix(): path.read_text("utf-8") for path in package.rglob("*.py")}
    assert len(sources) > 150
    assert repeated(sources) == {}


def test_a_repeated_name_is_found_and_nested_params_are_not_counted():
    entry = "class {}:\n    class Params: ...\n"
    assert repeated({"a.py": entry.format("One"), "b.py": entry.format("Two")}) == {}
    assert repeated({"a.py": entry.format("One"), "b.py": "class One: ..."}) == {"One": ["a.py", "b.py"]}
    assert repeated({"a.py": "class Params: ...", "b.py": "class Params: ..."}) == {"Params": ["a.py", "b.py"]}
