"""dlib's detector, the pipeline's default, finds the demo's faces at every quality."""

from pathlib import Path

import av
import dlib
import pytest
import yaml

from deepfake_adv.corpus.build import build
from deepfake_adv.names import Quality

DEMO = Path(__file__).parents[2] / "profiles" / "demo.yaml"
EVERY = 10  # frames


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    build(
        folder / "corpus",
        **yaml.safe_load(DEMO.read_text())["corpus"],
        execution={"workers": 2},
        scratch=folder / "work",
    )
    return folder / "corpus"


@pytest.mark.slow
@pytest.mark.parametrize("quality", [Quality.RAW, Quality.C23, Quality.C40])
def test_nearly_every_face_is_found(demo, quality):
    detector = dlib.get_frontal_face_detector()
    found = []
    for path in sorted(demo.glob(f"*_sequences/**/{quality}/videos/*.mp4")):
        with av.open(str(path)) as container:
            pictures = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
        found += [len(detector(picture, 1)) > 0 for picture in pictures[EVERY // 2 :: EVERY]]
    assert len(found) > 400
    assert sum(found) / len(found) > 0.95
