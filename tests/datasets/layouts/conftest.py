"""The tree that each layout writes in miniature; the videos are empty, since layouts look at names alone."""

from functools import partial

import pytest

from deepfake_adv.datasets.layouts import tiny
from deepfake_adv.datasets.layouts.registry import LAYOUTS


@pytest.fixture
def trees(tmp_path):
    """Name of a layout to a function that makes its tree and gives root, forgeries, options, quality."""

    def make(name):
        made = LAYOUTS[name].tiny(tmp_path / name)
        return tmp_path / name, list(made.forgeries), dict(made.options), made.quality

    return {name: partial(make, name) for name in LAYOUTS}


@pytest.fixture
def pairs():
    """Identities that are swapped, by split."""
    return tiny.PAIRS


@pytest.fixture
def put():
    """Leave empty files below a root."""
    return lambda root, *paths: tiny.put(root, paths)
