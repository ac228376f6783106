"""The face-alignment package as a backend: S3FD boxes, FAN landmarks, weights from a local folder only."""

import os
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from deepfake_adv.faces.base import Landmarker, Locator
from deepfake_adv.faces.box import FaceBox
from deepfake_adv.faces.landmarks import register_landmarker
from deepfake_adv.faces.registry import register_locator

S3FD: Final = "s3fd-619a316812.pth"
FAN: Final = "2DFAN4-11f355bf06.pth.tar"


def weights_folder() -> Path:
    """Folder of torch.hub's checkpoints, from the same environment variables."""
    cache = os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache"))
    return Path(os.environ.get("TORCH_HOME", f"{cache}/torch")).expanduser() / "hub" / "checkpoints"


def need_weights(*names: str) -> list[Path]:
    """Paths of the weight files, which must exist.

    The package itself would try to download them and, offline, hang or raise a bare URLError.

    Raises:
        FileNotFoundError: If one is missing; names both files and the folder.
    """
    paths = [weights_folder() / name for name in names]
    missing = [path.name for path in paths if not path.is_file()]
    if missing:
        raise FileNotFoundError(
            f"face_alignment must find its weights {S3FD} (boxes) and {FAN} (landmarks) in {weights_folder()}; "
            f"got no {' and no '.join(missing)}. Put the files there, or set locate.backend and "
            "locate.landmarks to dlib."
        )
    return paths


_NOT_INSTALLED: Final = (
    "locate.backend and locate.landmarks must be installed; got 'face_alignment', which is not. Run "
    "`make setup` (outside a checkout, install the extra face-alignment), or set both to dlib."
)


def _package(module: str) -> Any:
    """A module of the optional package.

    Raises:
        RuntimeError: If it is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise RuntimeError(_NOT_INSTALLED) from error


def _at_hand(*names: str) -> None:
    """Check that the weight files and the package exist, without loading them.

    Raises:
        FileNotFoundError: If a weight file is missing.
        RuntimeError: If the package is not installed.
    """
    need_weights(*names)
    if find_spec("face_alignment") is None:
        raise RuntimeError(_NOT_INSTALLED)


@register_locator("face_alignment")
class FaceAlignmentLocator(Locator):
    """Find faces with S3FD. Its boxes are tighter than dlib's: do not mix the two in one study.

    Args:
        sizes: See `Locator`.

    Raises:
        ValueError: If an argument is unknown or out of range.
        FileNotFoundError: If the weights are not at hand.
        RuntimeError: If the extra is not installed.
    """

    @classmethod
    def at_hand(cls) -> None:
        """See `Locator.at_hand`."""
        _at_hand(S3FD)

    def __init__(self, **sizes: Any) -> None:
        super().__init__(**sizes)
        path = need_weights(S3FD)[0]
        import torch  # here, since the other backends need no torch

        device = "cuda" if torch.cuda.is_available() else "cpu"
        detector = _package("face_alignment.detection.sfd.sfd_detector")
        self._detector = detector.SFDDetector(device, path_to_detector=str(path))

    def find(self, picture: NDArray[np.uint8]) -> list[FaceBox]:
        """See `Locator.find`."""
        return [FaceBox(*map(float, face)) for face in self._detector.detect_from_image(picture)]


@register_landmarker("face_alignment")
class FanLandmarks(Landmarker):
    """68 points by the Face Alignment Network.

    Args:
        given: See `Landmarker`.

    Raises:
        ValueError: If an argument is unknown.
        FileNotFoundError: If the weights are not at hand.
        RuntimeError: If the extra is not installed.
    """

    @classmethod
    def at_hand(cls) -> None:
        """See `Landmarker.at_hand`."""
        _at_hand(FAN)

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        need_weights(FAN)
        import torch

        device = "cuda" if torch.cuda.is_available() else "cpu"
        face_alignment = _package("face_alignment")
        # its detector is never called; this one needs no weights
        self._network: Any = face_alignment.FaceAlignment(
            face_alignment.LandmarksType.TWO_D, device=device, face_detector="folder", compile=False
        )

    def __call__(self, rgb: NDArray[np.uint8], box: FaceBox) -> NDArray[np.float32]:
        """See `Landmarker`."""
        points = self._network.get_landmarks_from_image(rgb, detected_faces=[np.array(box[:4])])
        return np.asarray(points[0], dtype=np.float32)
