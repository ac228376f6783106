from pathlib import Path

import pytest

from deepfake_adv.params import load


@pytest.fixture
def content():
    """The values of the demo profile."""
    return load.read_yaml(Path(__file__).parents[2] / "profiles" / "demo.yaml")


@pytest.fixture
def validate():
    """`load.validate`, entries of registries included."""
    return load.validate
