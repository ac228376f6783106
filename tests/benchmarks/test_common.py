"""What a result says of how it was made holds nothing of the machine's folders."""

from argparse import Namespace
from pathlib import Path

from benchmarks.common import setting

ROOT = Path(__file__).parents[2]


def test_paths_are_those_of_a_checkout_or_names():
    paths = {"run": ROOT / "data/runs/a", "clips": Path("/disk/of/mine/clips"), "near": Path("b/c")}
    found = setting(Namespace(output=Path("x"), count=4, **paths))
    assert found == {"run": "data/runs/a", "clips": "clips", "near": "b/c", "count": 4}
