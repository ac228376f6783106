"""Which files a stage reaches."""

import pytest

from deepfake_adv.sources.closure import Sources, entries_of

TRAINING = {f"training/{name}" for name in ("setup.py", "by_name.py", "list.yaml", "beside.py")}
MACHINERY = TRAINING | {"methods/registry.py"}
PLAIN, MOVED = ("method", "plain"), ("method", "moved")


def test_imports_are_followed_by_statement_by_name_and_from_beside(checkout):
    assert checkout.reached(PLAIN) == MACHINERY | {"methods/plain.py"}


def test_what_only_words_and_the_schema_reach_does_not_count(checkout):
    assert not {"suggestions.py", "params/schema.py", "words.py"} & checkout.reached(PLAIN)
    checkout.write("deepfake_adv/training/beside.py", "from deepfake_adv.words import word\n")
    assert "words.py" in checkout.reached(PLAIN)


def test_an_entry_that_the_code_names_counts_and_no_other_of_its_kind(checkout):
    assert checkout.reached(MOVED) == MACHINERY | {"methods/moved.py", "attacks/registry.py", "attacks/flow.py"}


def test_where_no_entry_is_named_all_of_the_kind_count(checkout):
    assert checkout.reached() == checkout.reached(PLAIN) | checkout.reached(MOVED)


def test_a_name_with_a_colon_is_the_entry_of_its_beginning(checkout):
    assert checkout.reached(("method", "moved:any")) == checkout.reached(MOVED)
    with pytest.raises(ValueError, match=r"method must be one of .*; got 'plain:any'\. Name one"):
        checkout.reached(("method", "plain:any"))


def test_a_module_that_a_name_says_is_reached_with_its_imports(checkout):
    checkout.write("deepfake_adv/methods/py.py", "@register_method('py:')\nclass Py: ...\n")
    checkout.write("nets/part.py", "x = 1\n")
    checkout.write("mine.py", "from nets.part import x\n")
    assert checkout.reached(("method", "py:mine:make")) == MACHINERY | {"methods/py.py", "mine.py", "nets/part.py"}
    listed = Sources(checkout.root).plugin_listing({("method", "py:mine:make"), PLAIN})
    assert [line.partition("  ")[2] for line in listed.splitlines()] == ["mine.py", "nets/part.py"]
    with pytest.raises(ValueError, match=r"must name a module in the project's folder; got 'py:a\.b:c'.*a/b\.py"):
        checkout.reached(("method", "py:a.b:c"))


def test_an_unknown_entry_is_refused(checkout):
    with pytest.raises(ValueError, match=r"method must be one of moved, .*plain; got 'plane'\. Name one of them\."):
        checkout.reached(("method", "plane"))


def test_a_package_that_does_something_when_imported_counts(checkout):
    checkout.write("deepfake_adv/training/__init__.py", "X = 1\n")
    assert "training/__init__.py" in checkout.reached(PLAIN)


def test_a_new_entry_changes_no_list_of_another(checkout):
    before = checkout.listing(PLAIN)
    checkout.write("deepfake_adv/methods/new.py", "@register_method('new')\nclass New: ...\n")
    assert checkout.listing(PLAIN) == before
    assert "methods/new.py" in checkout.reached(("method", "new"))


@pytest.mark.parametrize(
    ("name", "text", "changes"),
    [
        ("attacks/flow.py", "@register_attack('flow')\nclass Flow:\n    size = 2\n", {MOVED}),
        ("attacks/flow.py", "# why\n@register_attack('flow')\nclass Flow:\n    '''Flow.'''\n    size = 1\n", set()),
        ("attacks/noise.py", "@register_attack('noise')\nclass Noise:\n    size = 2\n", set()),
        ("training/list.yaml", "a: 2\n", {PLAIN, MOVED}),
        ("suggestions.py", "WORDS = 'other'\n", set()),
        ("params/schema.py", "WORDS = 'other'\n", set()),
    ],
)
def test_an_edit_changes_the_lists_of_what_reaches_it(checkout, name, text, changes):
    before = {entry: checkout.listing(entry) for entry in (PLAIN, MOVED)}
    checkout.write(f"deepfake_adv/{name}", text)
    assert {entry for entry in before if checkout.listing(entry) != before[entry]} == changes


def test_a_list_has_a_digest_and_a_path_a_line(checkout):
    lines = checkout.listing(PLAIN).splitlines()
    assert [line.partition("  ")[2] for line in lines] == sorted(line.partition("  ")[2] for line in lines)
    assert all(len(line.partition("  ")[0]) == 16 for line in lines)
    assert lines[-1].endswith("  pipeline/train.py")


def test_a_syntax_error_is_named(checkout):
    checkout.write("deepfake_adv/methods/plain.py", "@register_method('plain')\nclass Plain: ...\n")
    checkout.write("deepfake_adv/training/beside.py", "x = 1\ny = = 2\n")
    with pytest.raises(ValueError, match=r"beside\.py must be Python; got invalid syntax in line 2\. Fix that line\."):
        checkout.listing(PLAIN)


def test_entries_within_entries_count():
    frame = {"name": "compact", "width": 4}
    assert entries_of("detector", {"name": "tsn", "segments": 3, "frame": frame}) == {
        ("detector", "tsn"), ("detector", "compact")
    }  # fmt: skip
    assert entries_of("method", {"name": "jpeg", "quality": [60, 100]}) == {("method", "jpeg")}
