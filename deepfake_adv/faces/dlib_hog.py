"""dlib's HOG frontal face detector: FaceForensics++'s own, built into the package."""

import cv2
import numpy as np
from numpy.typing import NDArray

from deepfake_adv.faces.box import FaceBox
from deepfake_adv.faces.registry import register_locator
from deepfake_adv.faces.size import MAX_PIXELS, check_size, to_size


@register_locator("dlib")
class DlibHog:
    """Find frontal faces of 80 px and more (40 px with one upsampling, 20 px with two).

    Args:
        upsample: How often the image is doubled first; FaceForensics++'s rule is once.
        scale: The image is scaled by this before; 0.5 is eight times faster and misses small faces.
        max_pixels: A larger image is shrunk to this area before.

    Raises:
        ValueError: If an argument is out of range.
    """

    def __init__(self, *, upsample: int = 1, scale: float = 1.0, max_pixels: int = MAX_PIXELS) -> None:
        if upsample not in (0, 1, 2):
            raise ValueError(f"upsample must be 0, 1 or 2; got {upsample}. FaceForensics++ uses 1.")
        check_size(scale, max_pixels)
        import dlib  # here, so that stages that never locate do without it

        self._detector = dlib.get_frontal_face_detector()
        self._upsample = upsample
        self._size = scale, max_pixels

    def __call__(self, rgb: NDArray[np.uint8]) -> list[FaceBox]:
        """Find faces, the most confident first.

        Args:
            rgb: ``(H, W, 3)`` uint8.

        Returns:
            Boxes with dlib's own corners, as FaceForensics++ reads them (right and bottom edge included).
        """
        gray, up = to_size(np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8), *self._size)
        found, confidences, _ = self._detector.run(gray, self._upsample, 0.0)
        return [
            FaceBox(face.left() * up, face.top() * up, face.right() * up, face.bottom() * up, confidence)
            for face, confidence in zip(found, confidences, strict=True)
        ]
