import numpy as np
import pytest

from deepfake_adv.files import read_json, sha256, write_json
from deepfake_adv.prediction.predict import predict
from deepfake_adv.prediction.scoring import score_crops
from deepfake_adv.training.checkpoint import WEIGHTS, save_weights
from deepfake_adv.training.trained import load_trained

COMPACT = {"name": "compact", "width": 4}

LEFT, RIGHT = (10, 30, 60), (110, 20, 70)


def test_one_person_is_the_files_score(film, trained):
    found = predict(film([[LEFT]] * 12), trained(), accelerator="cpu")
    (person,) = found.people
    assert [one.frame for one in person.frames] == list(range(12))
    assert found.score == person.score == pytest.approx(np.mean([one.score for one in person.frames]))
    assert (found.trained_on, found.missed, found.shots, found.damage) == ("NT_c23", (), 1, "")


def test_two_people_side_by_side_each_have_a_score_and_no_mean_is_taken(film, trained):
    folder = trained()
    both = predict(film([[LEFT, RIGHT]] * 12), folder, accelerator="cpu")
    assert both.faces() == {"seen": 2, "scored": 2, "too_small": 0, "too_brief": 0, "lost_at_cuts": 0}
    one, two = (person.score for person in both.people)
    assert one != two
    assert both.score == max(one, two)
    main = predict(film([[LEFT, RIGHT]] * 12), folder, score_of="main", accelerator="cpu")
    assert main.score == max(main.people, key=lambda person: person.side).score
    for person in both.people:
        xs = {one.box.x0 for one in person.frames}
        assert max(xs) - min(xs) < 5  # nobody jumps to the other


def test_a_cut_begins_new_people_and_is_counted(film, trained):
    found = predict(film([[LEFT]] * 6 + [[RIGHT]] * 6, dark=[20] * 6 + [100] * 6), trained(), accelerator="cpu")
    assert found.shots == 2
    assert [person.shot for person in found.people] == [0, 1]
    assert [person.at_cut for person in found.people] == [True, False]
    assert found.faces()["lost_at_cuts"] == 1
    assert found.score == max(person.score for person in found.people)


def test_what_is_too_small_or_too_brief_is_counted_and_not_scored(film, trained):
    frames = [[LEFT, (150, 10, 24)]] * 12
    frames[11] = [LEFT, (150, 10, 24), (100, 70, 44)]
    video, folder = film(frames, dark=[100, 104] * 6), trained()  # it flickers, so that no face that appears is a cut
    found = predict(video, folder, accelerator="cpu")
    assert found.faces() == {"seen": 3, "scored": 1, "too_small": 1, "too_brief": 1, "lost_at_cuts": 0}
    assert {person.left_out for person in found.people if person.score is None} == {"too small", "too brief"}
    assert predict(video, folder, min_face=8, accelerator="cpu").faces()["scored"] == 2
    assert predict(video, folder, min_frames=1, accelerator="cpu").faces()["scored"] == 2


def test_a_file_without_anyone_to_score_says_why(film, trained):
    folder = trained()
    with pytest.raises(ValueError, match=r"must show a face; dlib found none in .*\(frames searched: 12\)"):
        predict(film([[]] * 12), folder, accelerator="cpu")
    with pytest.raises(ValueError, match=r"of 40 px and more .* got 1 others in .*too small: 2\d px in 12 frames"):
        predict(film([[(20, 20, 24)]] * 12), folder, accelerator="cpu")


def test_frames_come_from_the_record_unless_named(film, trained):
    video = film([[LEFT]] * 30)
    assert len(predict(video, trained(), accelerator="cpu").sampled) == 12
    assert len(predict(video, trained(), frames=5, accelerator="cpu").sampled) == 5


def test_frames_between_the_person_are_missed(film, trained):
    frames = [[LEFT]] * 12
    frames[0] = []
    found = predict(film(frames), trained(), accelerator="cpu")
    assert found.missed == (0,)


def test_a_detector_of_clips_scores_clips(film, trained):
    folder = trained({"name": "tsn", "frame": COMPACT, "segments": 3})
    found = predict(film([[LEFT]] * 12), folder, frames=6, accelerator="cpu")
    (person,) = found.people
    assert len(person.frames) == 6
    assert len({one.score for one in person.frames}) == 2


def test_a_loaded_detector_scores_as_its_folder_does(film, trained):
    video, folder = film([[LEFT]] * 12), trained()
    assert predict(video, load_trained(folder)).to_dict() == predict(video, folder, accelerator="cpu").to_dict()


def test_a_picture_that_is_a_face_is_scored_whole(tmp_path, trained, real_locators):
    import cv2

    picture = np.random.default_rng(0).integers(0, 255, (48, 48, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "face.png"), picture)
    found = predict(tmp_path / "face.png", trained(), locator="whole", accelerator="cpu")
    assert found.people[0].frames[0].box[:4] == (0, 0, 48, 48)
    with pytest.raises(ValueError, match="dlib found none"):
        predict(tmp_path / "face.png", trained(), accelerator="cpu")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"score_of": "mean"}, "score_of must be one of highest, main; got 'mean'"),
        ({"frames": -1}, "frames must be at least 1; got -1"),
        ({"min_frames": 0}, "min_frames must be at least 1; got 0"),
        ({"max_frames": 11}, r"at most 11 frames of at most 100,000,000 pixels; got 12 of 24,576"),
        ({"max_pixels": 1000}, "at most 1,000 pixels"),
    ],
)
def test_options_out_of_range_and_media_above_the_limits_are_refused(film, trained, options, message):
    with pytest.raises(ValueError, match=message):
        predict(film([[LEFT]] * 12), trained(), accelerator="cpu", **options)


def test_a_missing_file_and_a_folder_are_said(tmp_path, trained):
    folder = trained()
    with pytest.raises(FileNotFoundError, match="must be an image or video"):
        predict(tmp_path / "nothing.mp4", folder)
    with pytest.raises(ValueError, match="must be a file, or a folder that holds some to look at; got the folder"):
        predict(tmp_path, folder)


def test_weights_that_give_no_number_give_no_score(film, trained):
    folder = trained()
    detector = load_trained(folder).detector
    for parameter in detector.parameters():
        parameter.data.fill_(float("nan"))
    save_weights(folder / "detector.safetensors", detector)
    record = read_json(folder / "run.json")
    write_json(folder / "run.json", record | {"files": {WEIGHTS: sha256(folder / WEIGHTS)}})
    with pytest.raises(ValueError, match=r"scores must be finite; got others from the weights in .*seed0\. Train"):
        predict(film([[LEFT]] * 12), folder, accelerator="cpu")


def test_scores_do_not_depend_on_the_batch(trained):
    detector = load_trained(trained())
    crops = np.random.default_rng(0).integers(0, 255, (7, 16, 16, 3), np.uint8)
    np.testing.assert_allclose(score_crops(detector, crops, 2), score_crops(detector, crops, 32), atol=1e-6)
