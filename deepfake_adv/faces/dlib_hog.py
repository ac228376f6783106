"""dlib's HOG frontal face detector: FaceForensics++'s own, built into the package."""

import cv2
import numpy as np
from numpy.typing import NDArray

from deepfake_adv.faces.box import FaceBox
from deepfake_adv.faces.registry import register_locator


@register_locator("dlib")
class DlibHog:
    """Find frontal faces of 80 px and more (40 px with one upsampling, 20 px with two).

    Args:
        upsample: How often the image is doubled first; FaceForensics++'s rule is once.
        scale: The image is scaled by this before; 0.5 is eight times faster and misses small faces.

    Raises:
        ValueError: If an argument is out of range.
    """

    def __init__(self, *, upsample: int = 1, scale: float = 1.0) -> None:
        if upsample not in (0, 1, 2):
            raise ValueError(f"upsample must be 0, 1 or 2; got {upsample}. FaceForensics++ uses 1.")
        if not 0 < scale <= 1:
            raise ValueError(f"scale must be above 0 and at most 1; got {scale}. Use 1 for the full size.")
        import dlib  # here, so that stages that never locate do without it

        self._detector = dlib.get_frontal_face_detector()
        self._upsample = upsample
        self._scale = scale

    def __call__(self, rgb: NDArray[np.uint8]) -> list[FaceBox]:
        """Find faces, the most confident first.

        Args:
            rgb: ``(H, W, 3)`` uint8.

        Returns:
            Boxes with dlib's own corners, as FaceForensics++ reads them (right and bottom edge included).
        """
        gray = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
        if self._scale != 1:
            gray = cv2.resize(gray, None, fx=self._scale, fy=self._scale, interpolation=cv2.INTER_AREA)
        found, confidences, _ = self._detector.run(gray, self._upsample, 0.0)
        up = 1 / self._scale
        return [
            FaceBox(face.left() * up, face.top() * up, face.right() * up, face.bottom() * up, confidence)
            for face, confidence in zip(found, confidences, strict=True)
        ]
