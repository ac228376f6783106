import pytest

from deepfake_adv.params.base import entry


def test_an_entry_is_found_by_its_name():
    assert entry("runs", {"compact": 1}, "compact") == 1


@pytest.mark.parametrize(
    ("name", "message"),
    [("compct", "Did you mean 'compact'"), ("zzz", r"one of `runs`: compact, ffd; got 'zzz'\. Name one")],
)
def test_a_name_that_is_unknown_is_answered_with_the_known_ones(name, message):
    with pytest.raises(ValueError, match=message):
        entry("runs", {"compact": 1, "ffd": 2}, name)
