from types import SimpleNamespace

import pytest

from deepfake_adv.extraction.media import bits_per_pixel, describe_media, origin
from deepfake_adv.files import write_json


def test_facts_are_summed_up_over_videos(tmp_path):
    rows = [SimpleNamespace(bytes=100 * k, frames=10, width=20, height=10) for k in (1, 2, 6)]
    codecs = [{"codec": "vp9"}, {"codec": "h264"}, {"codec": "h264"}]
    found = describe_media(tmp_path, zip(rows, codecs, strict=True))
    assert found == {
        "origin": "", "codecs": {"h264": 2, "vp9": 1}, "bits_per_pixel": [0.4, 0.8, 2.4], "frame_px": [10, 10, 10]
    }  # fmt: skip
    assert describe_media(tmp_path, []) == {"origin": "", "codecs": {}}
    assert bits_per_pixel(1, 0, 0, 0) == 8


@pytest.mark.parametrize("place", ["corpus", "corpus/Celeb-DF-v2"])
def test_the_corpus_that_this_software_made_is_known_again(tmp_path, place):
    write_json(tmp_path / "corpus/corpus.json", {"source": "procedural", "originals": {}})
    assert origin(tmp_path / place) == "procedural"
    assert origin(tmp_path / "elsewhere") == ""
    write_json(tmp_path / "other/corpus.json", {"source": "somebody's own file"})
    assert origin(tmp_path / "other") == ""
