"""68 facial points in the iBUG order: dlib's regression trees, or the Face Alignment Network."""

from collections.abc import Callable
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from deepfake_adv.faces.box import FaceBox
from deepfake_adv.faces.predictor import predictor_path
from deepfake_adv.registry import Registry

Landmarker = Callable[[NDArray[np.uint8], FaceBox], NDArray[np.float32]]

POINTS: Final = 68

LANDMARKERS: Final = Registry[Callable[[], Landmarker | None]]("landmarker")
register_landmarker = LANDMARKERS.register


@register_landmarker("none")
def no_landmarks() -> None:
    """None are looked for."""


@register_landmarker("dlib")
class DlibLandmarks:
    """68 points by dlib's ensemble of regression trees (Kazemi and Sullivan, 2014).

    Raises:
        FileNotFoundError: If the model file is not installed.
    """

    @staticmethod
    def at_hand() -> None:
        """See `faces.at_hand`."""
        predictor_path()

    def __init__(self) -> None:
        path = predictor_path()
        import dlib

        self._rectangle = dlib.rectangle
        self._predictor = dlib.shape_predictor(str(path))

    def __call__(self, rgb: NDArray[np.uint8], box: FaceBox) -> NDArray[np.float32]:
        """Points of one face.

        Args:
            rgb: ``(H, W, 3)`` uint8.
            box: The face.

        Returns:
            ``(68, 2)`` float32: x and y in frame pixels.
        """
        gray = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
        shape = self._predictor(gray, self._rectangle(*(round(value) for value in box[:4])))
        return np.array([(point.x, point.y) for point in shape.parts()], dtype=np.float32)


def build_landmarker(name: str) -> Landmarker | None:
    """The landmark model of that name, or None for "none".

    Raises:
        ValueError: If the name is unknown.
        FileNotFoundError: If its weights are not at hand.
        RuntimeError: If its package is not installed.
    """
    if name not in LANDMARKERS:
        raise ValueError(
            f"landmarks must be one of {', '.join(LANDMARKERS)}; got {name!r}. Mend locate.landmarks in params.yaml."
        )
    return LANDMARKERS[name]()
