"""`dvc exp run -S key=value` changes one line of params.yaml: the profiles are written as DVC's dumper writes them.

That dumper writes null as nothing, lists one item a line below their key, breaks flow mappings beyond 80 columns, and
drops comments and blank lines after a list's last item; so what follows a list directly is a key.
"""

from difflib import unified_diff
from pathlib import Path

import pytest
from dvc.utils.hydra import apply_overrides

ROOT = Path(__file__).parents[2]
FILES = ["params.yaml", *(f"profiles/{path.name}" for path in sorted((ROOT / "profiles").glob("*.yaml")))]


@pytest.fixture
def override(tmp_path):
    """A file of the project before and after ``-S`` of DVC with this override, as lines."""

    def change(name, text):
        path = tmp_path / "params.yaml"
        before = (ROOT / name).read_text(encoding="utf-8")
        path.write_text(before, encoding="utf-8")
        apply_overrides(path, [text])
        return before.splitlines(), path.read_text(encoding="utf-8").splitlines()

    return change


@pytest.mark.parametrize("name", FILES)
def test_dvc_leaves_a_profile_as_it_is(override, name):
    before, after = override(name, "evaluate.seed=0")
    assert list(unified_diff(before, after, lineterm="", n=0)) == []


@pytest.mark.parametrize("name", FILES)
def test_a_changed_key_is_one_changed_line(override, name):
    before, after = override(name, "evaluate.resamples=123")
    assert [line for line in after if line not in before] == ["  resamples: 123"]
    assert len(after) == len(before)


@pytest.mark.parametrize("name", FILES)
def test_another_list_changes_its_items_alone(override, name):
    before, after = override(name, "train.seeds=[997,998,999]")
    changed = [line for line in unified_diff(before, after, lineterm="", n=0) if line[0] in "+-"][2:]
    assert [line for line in changed if line[0] == "+"] == ["+  - 997", "+  - 998", "+  - 999"]
    assert all(line[1:].startswith("  - ") for line in changed)
