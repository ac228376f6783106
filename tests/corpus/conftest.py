"""A tiny corpus made once, and rendered footage, for every test of this folder."""

import numpy as np
import pytest

from deepfake_adv.corpus.build import build
from deepfake_adv.corpus.footage import Rendered


@pytest.fixture(scope="session")
def arguments():
    return {
        "source": "procedural",
        "folder": None,
        "seed": 1,
        "pairs": {"train": 1, "val": 1, "test": 1},
        "frames": 8,
        "size": 128,
        "fps": 25,
        "max_shorter_side": 480,
        "dfd_pairs": 1,
        "celebdf_pairs": 1,
        "execution": {"workers": 1},
    }


@pytest.fixture(scope="session")
def corpus(tmp_path_factory, arguments):
    """Root of a corpus of three pairs, and one of each further set; read only."""
    folder = tmp_path_factory.mktemp("corpus")
    build(folder / "corpus", **arguments, scratch=folder / "work")
    return folder / "corpus"


@pytest.fixture(scope="session")
def footage():
    """Two clips of different length, as (RGB frames, landmarks)."""
    from deepfake_adv.video.colour import i420_to_rgb

    clips = []
    for identity, frames in ((0, 10), (1, 16)):
        clip = Rendered(seed=3, identity=identity, frames=frames, size=160, fps=12).load()
        clips.append(([i420_to_rgb(frame) for frame in clip.frames], clip.points.astype(np.float64)))
    return clips
