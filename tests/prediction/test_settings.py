import copy

import pytest

from deepfake_adv.prediction.settings import CROP, FRAMES, LOCATE, face_settings

FACES = {
    "frames": {"a": {"train": 4, "val": 4, "test": 12, "sampling": "even"}, "b": {"test": 30}},
    "locate": {
        "backend": {"name": "dlib", "upsample": 2}, "policy": "fast", "every": 4, "smooth": 3, "max_gap": 8,
        "landmarks": {"name": "dlib"}, "on_miss": "drop", "max_pixels": 3_000_000,
    },
    "crop": {"margin": 1.4, "encoding": "i420", "masks": True},
}  # fmt: skip


def test_all_comes_from_the_record_but_landmarks(caplog):
    settings = face_settings({"faces": FACES})
    assert settings.locate.section() == {**FACES["locate"], "landmarks": {"name": "none"}}
    assert vars(settings.crop) == FACES["crop"]
    assert settings.frames == 30
    assert not caplog.text


def test_an_older_record_gives_defaults_and_one_warning(caplog):
    settings = face_settings({})
    assert (settings.locate, settings.crop, settings.frames) == (LOCATE, CROP, FRAMES)
    assert len(caplog.records) == 1
    assert "(frames, locate, crop)" in caplog.text


def test_another_locator_is_said_and_whole_cuts_no_margin(caplog):
    settings = face_settings({"faces": FACES}, locator="whole", frames=3)
    assert (settings.locate.backend, settings.locate.backend_params, settings.crop.margin) == ("whole", {}, 1.0)
    assert settings.frames == 3
    assert "faces are found by whole; in training dlib found them" in caplog.text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda faces: faces["locate"].pop("backend"), "must say under `faces`"),
        (lambda faces: faces["crop"].update(colour="red"), "must say under `faces`"),
        (lambda faces: faces["crop"].update(margin=0.5), "margin must be at least 1"),
        (lambda faces: faces["locate"].update(policy="none"), "policy must be one of"),
    ],
)
def test_a_damaged_record_is_refused(change, message):
    faces = copy.deepcopy(FACES)
    change(faces)
    with pytest.raises(ValueError, match=message):
        face_settings({"faces": faces})
