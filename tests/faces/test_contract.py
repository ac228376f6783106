"""What every locator and every landmark model of the registries keeps, in each of the smallest forms it offers."""

import copy

import numpy as np
import pytest

from deepfake_adv.corpus.render.take import film
from deepfake_adv.extraction.tracking import LocateOptions
from deepfake_adv.faces.base import Locator
from deepfake_adv.faces.box import FaceBox, iou
from deepfake_adv.faces.landmarks import LANDMARKERS, build_landmarker
from deepfake_adv.faces.registry import LOCATORS, build_locator

SIDE = 320
REGISTRIES = {"locator": (LOCATORS, build_locator), "landmarker": (LANDMARKERS, build_landmarker)}
ENTRIES = [(kind, name) for kind, (registry, _) in REGISTRIES.items() for name in registry]
FORMS = [
    pytest.param(kind, name, arguments, id=f"{name}-{kind}-{number}")
    for kind, name in ENTRIES
    for number, arguments in enumerate(REGISTRIES[kind][0][name].tiny)
]
LOCATED, MARKED = ([form for form in FORMS if form.values[0] == kind] for kind in REGISTRIES)
located = pytest.mark.parametrize(("kind", "name", "arguments"), LOCATED)
marked = pytest.mark.parametrize(("kind", "name", "arguments"), MARKED)


@pytest.fixture(scope="module")
def rendered():
    """A rendered face, ``(320, 320, 3)``, and its 68 points."""
    ((picture, points),) = film(1, 0, frames=1, size=SIDE, fps=25)
    return picture, points


@pytest.fixture
def build():
    """What an entry builds; an entry without its weights or its extra is skipped."""

    def build(kind, name, arguments, **sizes):
        try:
            return REGISTRIES[kind][1](name, **arguments, **sizes)
        except (FileNotFoundError, RuntimeError) as error:
            pytest.skip(str(error))

    return build


def around(points):
    return FaceBox(*points.min(axis=0), *points.max(axis=0))


@pytest.mark.parametrize(("kind", "name"), ENTRIES)
def test_every_key_has_a_default_and_an_explanation(kind, name):
    fields = REGISTRIES[kind][0][name].Params.model_fields
    assert [key for key, field in fields.items() if field.is_required() or not field.description] == []


@pytest.mark.parametrize(("kind", "name"), ENTRIES)
def test_an_unknown_key_is_refused_before_weights_are_looked_for(kind, name):
    with pytest.raises(ValueError, match=rf"{name} must be .*; got 'colour'\."):
        REGISTRIES[kind][1](name, colour="red")


@located
def test_a_face_is_found_where_it_is_and_none_in_noise(rendered, build, kind, name, arguments):
    picture, points = rendered
    locator = build(kind, name, arguments)
    before = picture.copy()
    found = locator(picture)
    assert isinstance(locator, Locator)
    assert iou(found[0], around(points)) > (0.4 if locator.searches else 0.1)
    assert [box.confidence for box in found] == sorted((box.confidence for box in found), reverse=True)
    assert locator(picture) == found
    assert np.array_equal(picture, before)
    noise = np.random.default_rng(0).integers(0, 60, (240, 320, 3), dtype=np.uint8)
    assert len(locator(noise)) == (0 if locator.searches else 1)


@located
@pytest.mark.parametrize("sizes", [{"scale": 0.75}, {"max_pixels": SIDE * SIDE // 2}], ids=["scaled", "bounded"])
def test_boxes_are_in_the_pictures_own_pixels_however_small_it_is_shown(
    rendered, build, kind, name, arguments, sizes, monkeypatch
):
    picture, points = rendered
    locator = build(kind, name, arguments, **sizes)
    shown = []
    find = locator.find
    monkeypatch.setattr(locator, "find", lambda small: shown.append(small.shape[:2]) or find(small))
    found = locator(picture)
    assert iou(found[0], around(points)) > (0.4 if locator.searches else 0.1)
    assert shown[0][0] < SIDE


@marked
def test_points_lie_on_the_face(rendered, build, kind, name, arguments):
    picture, points = rendered
    landmarker = build(kind, name, arguments)
    if landmarker is None:
        assert name == "none"
        return
    found = landmarker(picture, around(points))
    assert found.shape == (68, 2)
    assert found.dtype == np.float32
    assert np.abs(found - points).mean() < 0.1 * around(points).side
    assert np.array_equal(landmarker(picture, around(points)), found)


@pytest.mark.parametrize(("kind", "name", "arguments"), FORMS)
def test_the_section_hands_an_entrys_keys_on(kind, name, arguments, content, validate):
    key = {"locator": "backend", "landmarker": "landmarks"}[kind]
    content["locate"][key] = {"name": name, **arguments}
    section = validate(content).locate.model_dump(exclude={"max_failed_share", "warn_missed_share"})
    options = LocateOptions.of(**copy.deepcopy(section))
    assert (getattr(options, key), getattr(options, f"{key}_params")) == (name, arguments)
    assert (kind, name) in options.entries()
