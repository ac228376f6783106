"""The corpus as a whole: layout, pairs, lossless raw, determinism, resuming."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

from deepfake_adv.corpus import build as module
from deepfake_adv.corpus import celebdf, dfd, pair
from deepfake_adv.corpus.build import build
from deepfake_adv.corpus.footage import Rendered
from deepfake_adv.corpus.layout import (
    CRF,
    acted_fake_path,
    acted_mask_path,
    acted_path,
    forged_path,
    landmarks_path,
    mask_path,
    original_path,
    split_path,
)
from deepfake_adv.files import read_json
from deepfake_adv.names import FF_FORGERIES, Quality
from deepfake_adv.sources.checkout import own_sources
from deepfake_adv.video.colour import i420_to_rgb

ROOT = Path(__file__).parents[2]
CELEBRITIES = (
    "Celeb-real/id0_0000.mp4", "Celeb-real/id1_0000.mp4", "Celeb-synthesis/id0_id1_0000.mp4",
    "Celeb-synthesis/id1_id0_0000.mp4", "YouTube-real/00000.mp4",
)  # fmt: skip


def decode(path):
    with av.open(str(path)) as container:
        return np.array([frame.to_ndarray(format="yuv420p") for frame in container.decode(video=0)])


def digests(root):
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def pairs_of(root):
    return {split: read_json(root / split_path(split)) for split in ("train", "val", "test")}


def test_every_file_of_the_layout_is_there_and_no_other(corpus):
    expected = {"corpus.json", "splits/train.json", "splits/val.json", "splits/test.json"}
    for pairs in pairs_of(corpus).values():
        for one, other in pairs:
            for name, source in ((one, other), (other, one)):
                expected |= {str(original_path(quality, name)) for quality in CRF} | {str(landmarks_path(name))}
                for forgery in FF_FORGERIES:
                    expected |= {str(forged_path(forgery, quality, name, source)) for quality in CRF}
                    expected.add(str(mask_path(forgery, name, source)))
    for actor, other, scenes in (
        ("01", "02", {"exit_phone_room": "57F11FDC", "hugging_happy": "001FB6B6"}),
        ("02", "01", {"kitchen_pan": "92BE2E64", "secret_conversation": "6F763551"}),
    ):
        for scene, last in scenes.items():
            fake = f"{actor}_{other}__{scene}__{last}"
            expected.add(str(acted_mask_path(fake)))
            for quality in ("c23", "c40"):
                expected |= {str(acted_path(quality, actor, scene)), str(acted_fake_path(quality, fake))}
    expected |= {f"Celeb-DF-v2/{path}" for path in ("List_of_testing_videos.txt", *CELEBRITIES)}
    assert set(digests(corpus)) == expected
    assert "manipulated_sequences/DeepFakeDetection/c23/videos/01_02__exit_phone_room__57F11FDC.mp4" in expected
    assert "manipulated_sequences/NeuralTextures/c23/videos/000_001.mp4" in expected


def test_pairs_are_closed_within_splits(corpus):
    names = [name for pairs in pairs_of(corpus).values() for one in pairs for name in one]
    assert names == [f"{index:03d}" for index in range(6)]


def test_summary_says_what_was_made(corpus):
    summary = read_json(corpus / "corpus.json")
    assert summary["source"] == "procedural"
    assert sorted(summary["originals"]) == [f"{index:03d}" for index in range(6)]
    assert summary["skipped"] == []
    assert summary["dfd"]["01__hugging_happy"]["beside"] == [1_000_002]
    identities = [entry["identity"] for part in ("originals", "dfd", "celebdf") for entry in summary[part].values()]
    assert len(set(identities)) == 6 + 2 + 3  # an actor has two scenes
    assert summary["originals"]["003"]["frames"] == len(decode(corpus / original_path(Quality.RAW, "003")))


def test_forgeries_are_the_originals_samples_outside_their_masks(corpus):
    for name, source in (("000", "001"), ("001", "000")):
        original = decode(corpus / original_path(Quality.RAW, name))
        for forgery in FF_FORGERIES:
            forged = decode(corpus / forged_path(forgery, Quality.RAW, name, source))
            masks = decode(corpus / mask_path(forgery, name, source))
            for real, fake, planes in zip(original, forged, masks, strict=False):
                mask = i420_to_rgb(planes)[..., 0]
                height, width = mask.shape
                np.testing.assert_array_equal(fake[:height][mask == 0], real[:height][mask == 0])
                reached = mask.reshape(height // 2, 2, width // 2, 2).max((1, 3)) > 0
                chroma = (fake[height:] != real[height:]).reshape(2, height // 2, width // 2)
                assert not chroma[:, ~reached].any()
                assert (fake[:height] != real[:height]).any()


def test_face_swap_and_neural_textures_stop_at_the_shorter_clip(corpus):
    lengths = {name: len(decode(corpus / original_path(Quality.RAW, name))) for name in ("000", "001", "002", "003")}
    assert len(set(lengths.values())) > 1
    for name, source in (("000", "001"), ("001", "000"), ("002", "003"), ("003", "002")):
        shorter = min(lengths[name], lengths[source])
        made = {
            forgery: len(decode(corpus / forged_path(forgery, Quality.C40, name, source))) for forgery in FF_FORGERIES
        }
        assert made == {"DF": lengths[name], "F2F": lengths[name], "FS": shorter, "NT": shorter}


def test_the_same_arguments_give_the_same_bytes_and_another_seed_does_not(corpus, arguments, tmp_path):
    again = tmp_path / "again"
    build(again, **arguments, scratch=tmp_path / "work")
    assert digests(again) == digests(corpus)
    rendered = [Rendered(seed, 0, 6, 128, 25).load().frames[0] for seed in (1, 2)]
    assert not np.array_equal(*rendered)


def test_a_run_goes_on_where_an_earlier_one_was_killed(corpus, arguments, tmp_path, monkeypatch):
    made = []
    forge = pair._forge

    def dies_in_second_pair(task, target, donor, name, donor_name):
        if name == "002":
            raise KeyboardInterrupt
        forge(task, target, donor, name, donor_name)

    monkeypatch.setattr(pair, "_forge", dies_in_second_pair)
    with pytest.raises(KeyboardInterrupt):
        build(tmp_path / "corpus", **arguments, scratch=tmp_path / "work")
    assert not (tmp_path / "corpus").exists()

    def counts(task, target, donor, name, donor_name):
        made.append(name)
        forge(task, target, donor, name, donor_name)

    monkeypatch.setattr(pair, "_forge", counts)
    build(tmp_path / "corpus", **arguments, scratch=tmp_path / "work")
    assert made == ["002", "003", "004", "005"]
    assert digests(tmp_path / "corpus") == digests(corpus)
    assert not list((tmp_path / "work").iterdir())


def test_pieces_of_other_code_are_not_taken(arguments, tmp_path, monkeypatch):
    made = []

    def dies_in_second_pair(task, target, donor, name, donor_name):
        made.append(name)
        if name == "002":
            raise KeyboardInterrupt

    monkeypatch.setattr(pair, "_forge", dies_in_second_pair)
    for code in ("one", "one", "other"):
        monkeypatch.setattr(module, "code_digest", lambda stage, code=code: code)
        with pytest.raises(KeyboardInterrupt):
            build(tmp_path / "corpus", **{**arguments, "frames": 6}, scratch=tmp_path / "work")
    assert made == ["000", "001", "002", "002", "000", "001", "002"]


def test_the_code_of_the_corpus_is_all_that_makes_it():
    sources = own_sources()
    paths = {
        path.relative_to(ROOT / "deepfake_adv").as_posix()
        for path in sources.closure(sources.script("corpus"))
        if path.is_relative_to(ROOT / "deepfake_adv")
    }
    assert {"video/encode.py", "video/read.py", "faces/landmarks.py", "corpus/render/hair.py"} <= paths


@pytest.mark.parametrize(
    ("made", "forge", "name"), [(dfd, "actor_swap", "01_02"), (celebdf, "celebrity_swap", "id0_id1")]
)
def test_a_further_set_goes_on_too_and_names_what_fails(corpus, arguments, tmp_path, monkeypatch, made, forge, name):
    def fails(*_):
        raise ValueError("no triangle is left")

    with monkeypatch.context() as patched:
        patched.setattr(made, forge, fails)
        with pytest.raises(RuntimeError, match=rf"1 of 1 failed: {name}: no triangle is left"):
            build(tmp_path / "corpus", **arguments, scratch=tmp_path / "work")
    monkeypatch.setattr(pair, "_forge", fails)  # the pairs are done
    build(tmp_path / "corpus", **arguments, scratch=tmp_path / "work")
    assert digests(tmp_path / "corpus") == digests(corpus)


def test_a_pair_that_fails_is_named(arguments, tmp_path, monkeypatch):
    def fails(*_):
        raise ValueError("no triangle is left")

    monkeypatch.setattr(pair, "_forge", fails)
    with pytest.raises(RuntimeError, match=r"3 of 3 failed: 000_001: no triangle is left"):
        build(tmp_path / "corpus", **{**arguments, "frames": 6}, scratch=tmp_path / "work")
    assert not (tmp_path / "corpus").exists()


def test_without_a_source_only_a_marker_is_left(arguments, tmp_path):
    build(tmp_path / "corpus", **{**arguments, "source": "none"}, scratch=tmp_path / "work")
    assert [path.name for path in (tmp_path / "corpus").iterdir()] == ["corpus.json"]
    assert json.loads((tmp_path / "corpus" / "corpus.json").read_text())["originals"] == {}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"source": "film"}, "source must be one of"),
        ({"pairs": {"train": 1, "val": 0, "test": 1}}, "at least one pair"),
    ],
)
def test_bad_arguments_are_named(arguments, tmp_path, change, message):
    with pytest.raises(ValueError, match=message):
        build(tmp_path / "corpus", **{**arguments, **change}, scratch=tmp_path / "work")


def test_an_old_corpus_is_replaced_completely(arguments, tmp_path):
    output = tmp_path / "corpus"
    output.mkdir()
    (output / "stale.mp4").write_bytes(b"")
    build(output, **{**arguments, "source": "none"}, scratch=tmp_path / "work")
    assert not (output / "stale.mp4").exists()


def test_the_stage_ends_in_a_sentence_where_no_folder_is_named(tmp_path):
    params = (ROOT / "profiles/demo.yaml").read_text().replace("source: procedural", "source: clips", 1)
    (tmp_path / "params.yaml").write_text(params)
    command = [sys.executable, "-m", "pipeline.corpus", "data/corpus"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert "corpus.folder: must name a folder of video clips" in done.stderr
    assert "Traceback" not in done.stderr
