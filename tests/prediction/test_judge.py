"""What a score is worth, and when it says not to be trusted."""

import json
import logging

import numpy as np
import pytest
import torch

from deepfake_adv.api import score_images
from deepfake_adv.evaluation.support import read_support
from deepfake_adv.files import sha256, write_json
from deepfake_adv.prediction import doubts
from deepfake_adv.prediction.batch import BatchOptions, predict_all
from deepfake_adv.prediction.command import run
from deepfake_adv.prediction.evidence import in_words, weigh
from deepfake_adv.prediction.familiarity import read_familiarity
from deepfake_adv.prediction.judge import doubts_of, load_judge
from deepfake_adv.prediction.media import Medium
from deepfake_adv.prediction.people import look
from deepfake_adv.prediction.predict import predict
from deepfake_adv.prediction.scoring import score_and_embed
from deepfake_adv.prediction.settings import face_settings
from deepfake_adv.training.trained import load_trained

RENDERED = {"toy/c23": {
    "videos": {"real": 4, "NT": 4}, "face_px": [30, 31, 32, 33, 60], "origin": "procedural", "codecs": {"h264": 8},
    "bits_per_pixel": [0.5, 1, 10], "frame_px": [128, 128, 128],
}}  # fmt: skip
ONE = [[(20 + k, 30, 40)] for k in range(12)]


@pytest.fixture
def support(trained, validation_videos):
    return lambda count=20, rate=0.1: read_support(trained(videos=validation_videos(count)), rate, 0.95)


@pytest.mark.parametrize(
    ("power", "words"),
    [
        (0, "no support for either"), (0.3, "no support for either"), (0.31, "weak support for a forged face"),
        (-1, "moderate support for a genuine face"), (2, "moderately strong support for a forged face"),
        (3, "strong support for a forged face"), (-4, "very strong support for a genuine face"),
        (6, "extremely strong support for a forged face"),
    ],
)  # fmt: skip
def test_words_are_those_of_the_scale(power, words):
    assert in_words(power) == words


def test_a_score_is_weighed_within_what_the_validation_supports(support):
    known = support()
    fake, real, between = (weigh(score, known) for score in (1, 0, 0.5))
    assert fake.log10_lr == known.calibration.upper <= np.log10(11)
    assert real.log10_lr == known.calibration.lower
    assert (fake.at_bound, real.at_bound, between.at_bound) == (True, True, False)
    assert abs(between.log10_lr) < 0.3
    assert (fake.called_fake, real.called_fake) == (True, False)
    assert fake.to_dict()["lr"] == pytest.approx(10**fake.log10_lr, rel=1e-2)


def test_no_verdict_where_too_few_genuine_videos_keep_the_rate(support):
    few = support(count=8, rate=0.05)
    assert weigh(1, few).called_fake is None
    assert few.to_dict()["threshold"] == {
        "false_positive_rate": 0.05, "score": None, "low": 0, "high": 1, "people": 4, "needed": 19
    }  # fmt: skip


def test_faces_unlike_the_validation_set_are_told_from_it(trained, validation_videos):
    rng = np.random.default_rng(0)
    known = np.abs(rng.normal(0, 0.1, (20, 16))) + np.eye(16)[np.repeat([0, 1], 10)]
    judge = load_judge(load_trained(trained(videos=validation_videos(), features=known)))
    alike = np.abs(rng.normal(0, 0.1, (3, 16))) + np.eye(16)[[0, 1, 0]]
    assert judge.weigh(0.9, alike).unlike < 1.2
    assert judge.weigh(0.9, 5 * np.eye(16)[[7, 8, 9]]).unlike > 2


def test_a_person_is_not_compared_with_another_video_of_the_same(trained, validation_videos):
    folder = trained(videos=validation_videos(4), features=np.eye(16)[[0, 0, 1, 1]])
    lines = json.loads((folder / "reference.json").read_text())["videos"]
    assert [line["target"] for line in lines] == ["000", "000", "001", "001"]
    judge = load_judge(load_trained(folder))
    assert judge.familiarity.usual == pytest.approx(np.sqrt(2))  # not 0, the distance of a real and its own fake


def test_a_file_comes_with_evidence_and_with_doubts(film, trained, validation_videos):
    folder = trained(videos=validation_videos(frames=40), data=RENDERED)
    found = predict(film(ONE), folder, false_positive_rate=0.2)
    (person,) = found.people
    assert found.evidence == person.evidence
    assert found.warnings[0] == doubts.RENDERED
    assert "the score is of 12 frames; the ratio was calibrated on means of 40" in found.warnings
    row = found.to_dict()
    assert row["people"][0]["evidence"]["words"] == person.evidence.words
    assert row["basis"]["trained_on"]["forgeries"] == ["NT"]
    assert row["basis"]["validation"]["videos"] == {"real": 10, "fake": 10}
    assert row["basis"]["validation"]["threshold"]["false_positive_rate"] == 0.2
    json.dumps(row, allow_nan=False)


def test_the_highest_of_several_people_says_so(film, trained, validation_videos):
    clip = film([[(10, 30, 40), (120, 30, 40)]] * 12)
    folder = trained(videos=validation_videos())
    assert any("highest of 2 people's" in doubt for doubt in predict(clip, folder).warnings)
    assert not any("people's" in doubt for doubt in predict(clip, folder, score_of="main").warnings)


def test_an_older_run_still_works_and_says_what_it_lacks(film, trained):
    found = predict(film(ONE), trained())
    assert found.warnings == (doubts.OLD,)
    assert (found.evidence.log10_lr, found.evidence.called_fake, found.basis) == (None, None, {})


def test_damaged_records_are_one_sentence(trained, validation_videos):
    folder = trained(videos=[{"video": "a"}])
    with pytest.raises(ValueError, match=r"reference\.json must hold validation videos; got another content"):
        load_judge(load_trained(folder))
    folder = trained(videos=validation_videos(), name="other")
    (folder / "reference.safetensors").write_bytes(b"no tensors")
    with pytest.raises(ValueError, match=r"reference\.safetensors must hold features"):
        load_judge(load_trained(folder))


@pytest.mark.parametrize("change", [lambda path: path.unlink(), lambda path: path.write_text("{}")])
def test_files_that_run_json_records_must_be_those(trained, validation_videos, change):
    folder = trained(videos=validation_videos())
    record = json.loads((folder / "run.json").read_text())
    record["files"]["reference.json"] = sha256(folder / "reference.json")
    write_json(folder / "run.json", record)
    assert load_judge(load_trained(folder)).support
    change(folder / "reference.json")
    with pytest.raises(ValueError, match=r"reference\.json must be the file that run\.json records"):
        load_judge(load_trained(folder))


def test_a_file_unlike_the_validation_set_is_warned_about(film, trained, validation_videos):
    clip = film(ONE)
    plain = load_trained(trained(name="plain"))
    (features,) = score_and_embed(plain, look(clip, face_settings(plain.record, min_face=1), 16).crops, 8)[1:]
    alike = trained(videos=validation_videos(len(features)), features=features)
    assert not [doubt for doubt in predict(clip, alike, min_face=1).warnings if "unlike" in doubt]
    others = np.eye(16)[np.zeros(20, int)] + np.random.default_rng(0).normal(0, 0.01, (20, 16))
    found = predict(clip, trained(videos=validation_videos(), features=others, name="other"), min_face=1)
    assert found.evidence.unlike > 2
    assert found.to_dict()["people"][0]["evidence"]["unlike"] > 2
    assert [doubt for doubt in found.warnings if "the face is unlike all that the detector was validated on" in doubt]


def test_features_of_one_person_alone_tell_nothing(trained, validation_videos):
    lines = [line | {"target": "one"} for line in validation_videos(4)]
    folder = trained(videos=lines)
    assert load_judge(load_trained(folder)).familiarity is None
    (folder / "reference.safetensors").unlink()
    assert read_familiarity(folder, None) is None


PARTS = [RENDERED["toy/c23"]]


@pytest.mark.parametrize(
    ("medium", "expected"),
    [
        ({"codec": "h264", "bits_per_pixel": 0.3}, []),
        ({"codec": "vp9", "bits_per_pixel": 0.3}, ["the file is coded as vp9; the training's were h264"]),
        ({"codec": "h264", "bits_per_pixel": 0.2},
         ["the file has 0.2 bits per pixel; the training's had 0.5 to 10"]),
        ({}, []),
    ],
)  # fmt: skip
def test_files_are_compared_as_they_are_coded(tmp_path, medium, expected):
    assert doubts.about_medium(Medium(tmp_path, 1, np.arange(1), **medium), PARTS) == expected


def test_faces_are_compared_by_their_size_and_frames():
    assert doubts.about_face(40, 4, 4, PARTS) == []
    assert doubts.about_face(300, 4, 4, PARTS) == ["the face is 300 px large; the training's were 30 to 60 px"]
    assert doubts.about_face(40, 1, 12, PARTS) == ["the score is of 1 frame; the ratio was calibrated on means of 12"]
    assert doubts.about_face(40, 1, None, []) == []


def test_only_detectors_of_own_corpora_are_named_so():
    made = {name: {"origin": name} for name in ("procedural", "clips", "")}
    assert doubts.about_detector([made["procedural"]]) == [doubts.RENDERED]
    assert doubts.about_detector([made["procedural"], made["clips"]]) == [doubts.CLIPS]
    assert doubts.about_detector([made["procedural"], made[""]]) == []
    assert doubts.about_detector([]) == []


def test_warnings_reach_the_log_once_and_every_row(film, trained, validation_videos, tmp_path, caplog):
    folder = trained(videos=validation_videos(), data=RENDERED)
    with caplog.at_level(logging.INFO):
        assert run(
            [film(ONE), film(ONE, "b.mp4")], folder, output=tmp_path / "out.jsonl", csv=tmp_path / "out.csv",
            parquet=tmp_path / "out.parquet", report=None, annotated=None, frames=None, locator=None,
            min_face=1, min_frames=1, accelerator="cpu",
            quiet=False, limits=None, workers=1,
        )  # fmt: skip
    assert caplog.text.count(doubts.RENDERED) == 1
    assert f"all files: {doubts.RENDERED}" in caplog.text
    assert "likelihood ratio" in caplog.text
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert all(row["warnings"][0] == doubts.RENDERED for row in rows)
    assert doubts.RENDERED in (tmp_path / "out.csv").read_text()


def test_a_wrong_rate_stops_before_any_file(film, trained, validation_videos):
    known = load_trained(trained(videos=validation_videos()))
    rows = predict_all([film(ONE)], known, face_settings(known.record), options=BatchOptions(false_positive_rate=2))
    with pytest.raises(ValueError, match="false_positive_rate must be above 0 and below 1; got 2"):
        next(rows)


def test_scores_are_the_same_with_and_without_features(trained):
    known = load_trained(trained())
    images = np.random.default_rng(0).integers(0, 255, (3, 16, 16, 3), np.uint8)
    batch = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    with torch.inference_mode():
        expected = known.detector(batch).double().softmax(1)[:, 1].numpy()
    assert score_images(known, list(images)) == pytest.approx(expected, abs=1e-7)


def test_doubts_that_differ_in_their_numbers_alone_are_told_once():
    rows = [{"warnings": ["odd", "the face is 30 px large"]}, {"warnings": ["the face is 31.5 px large"]}, {}]
    assert doubts_of(rows) == [("the face is 30 px large", 2, False), ("odd", 1, True)]
