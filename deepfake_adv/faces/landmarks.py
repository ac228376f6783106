"""68 facial points in the iBUG order: dlib's regression trees, or the Face Alignment Network."""

from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from deepfake_adv.faces.base import Landmarker
from deepfake_adv.faces.box import FaceBox
from deepfake_adv.faces.predictor import predictor_path
from deepfake_adv.hints import check_keywords, did_you_mean
from deepfake_adv.registry import Registry

POINTS: Final = 68

LANDMARKERS: Final = Registry[type[Landmarker]]("landmarker")
register_landmarker = LANDMARKERS.register


@register_landmarker("none")
class NoLandmarks(Landmarker):
    """None are looked for: `build_landmarker` gives no model."""

    def __call__(self, rgb: NDArray[np.uint8], box: FaceBox) -> NDArray[np.float32]:
        """No point ``(68, 2)`` is known."""
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
        FileNotFoundError: If its weights are not at hand.
        RuntimeError: If its package is not installed.
    """
    if name not in LANDMARKERS:
        hint = did_you_mean(name, LANDMARKERS, "Mend locate.landmarks in params.yaml.")
        raise ValueError(f"landmarks must be one of {', '.join(LANDMARKERS)}; got {name!r}.{hint}")
    landmarker = LANDMARKERS[name]
    check_keywords(f"params of the landmark model {name}", params, landmarker.Params.model_fields)
    return None if landmarker is NoLandmarks else landmarker(**params)
