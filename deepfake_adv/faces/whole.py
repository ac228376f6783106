"""The picture is the face: for crops that were made before, in which a detector of faces often finds none."""

import numpy as np
from numpy.typing import NDArray

from deepfake_adv.faces.base import Locator
from deepfake_adv.faces.box import FaceBox
from deepfake_adv.faces.registry import register_locator


@register_locator("whole")
class Whole(Locator):
    """Take the largest square in the middle of the picture, always; nothing is searched.

    With `crop.margin: 1` this square is cut. A larger margin gives the same for a square picture, and for another one a
    square that reaches further to the left or the top, as `official_crop` does at borders.
    """

    searches = False

    def find(self, picture: NDArray[np.uint8]) -> list[FaceBox]:
        """One box, whatever is in it."""
        height, width = picture.shape[:2]
        side = min(height, width)
        left, top = (width - side) / 2, (height - side) / 2
        return [FaceBox(left, top, left + side, top + side, 1.0)]
