"""What of a file's text counts."""

import ast

import pytest

from deepfake_adv.sources.syntax import bytes_digest, tree_digest

MODULE = '''"""A module."""
import logging

from deepfake_adv.suggestions import did_you_mean

logger = logging.getLogger(__name__)


def scale(value, factor=2.0):
    """Scale a value."""
    assert factor, "factor must not be 0"
    if value < 0:
        hint = did_you_mean("a", ["b"], "Name one.")
        logger.warning("value %s", value)
        raise ValueError(f"value must be at least 0; got {value!r}. Raise it.{hint}")
    return {"unit": "px", "value": value * factor}
'''


def digest(text):
    return tree_digest(ast.parse(text))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"""A module."""', '"""Another word."""'),
        ('    """Scale a value."""\n', ""),
        ("    return", "    # why\n    return"),
        ("value * factor", "(value   * factor)"),
        ("value must be at least 0; got {value!r}. Raise it.{hint}", "value must be 0 or more; got {value}.{hint}"),
        ('        logger.warning("value %s", value)\n', ""),
        ('"Name one."', '"Choose one."'),
        ('"factor must not be 0"', '"factor is 0"'),
    ],
    ids=["docstring", "no docstring", "comment", "layout", "error", "log line", "hint", "assertion"],
)
def test_words_do_not_count(old, new):
    assert MODULE.count(old) == 1
    assert digest(MODULE.replace(old, new)) == digest(MODULE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("factor=2.0", "factor=2.5"),
        ("factor=2.0", "factor=2"),
        ("value < 0", "value <= 0"),
        ("ValueError", "TypeError"),
        ('"px"', '"mm"'),
        ("assert factor", "assert not factor"),
        ("got {value!r}", "got {factor!r}"),
        ("value * factor}", "value * factor} or None"),
    ],
)
def test_what_is_done_counts(old, new):
    assert MODULE.count(old) == 1
    assert digest(MODULE.replace(old, new)) != digest(MODULE)


def test_the_explanation_of_a_key_does_not_count_and_its_default_does():
    field = "width: int = Field(24, ge=1, description='Channels.')"
    assert digest(field) == digest(field.replace("Channels.", "Channels of the first stage."))
    assert digest(field) == digest(field.replace(", description='Channels.'", ""))
    assert digest(field) != digest(field.replace("24", "16"))
    assert digest(field) != digest(field.replace("ge=1", "ge=2"))


def test_a_strings_place_counts_outside_of_words():
    assert digest("x = 'a'") != digest("x = 'b'")
    assert digest("f('a')") != digest("f('b')")
    show = "from deepfake_adv.log import progress\nfor each in progress(root.glob({!r}), total=1): ..."
    assert digest(show.format("*.png")) != digest(show.format("*.jpg"))
    assert digest("print('a')") != digest("print('b')")
    assert digest("x = f'{a} of {b}'") != digest("x = f'{a} in {b}'")


def test_digests_stay_as_they_are():
    """Pinned: where these differ, under another version of Python say, every stage would rerun."""
    assert digest(MODULE) == "9d0ea751d26eb50e"
    assert bytes_digest(b"a: 1\n") == "37b128c59f1f5097"
