"""Base classes of face locators and landmark models."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from deepfake_adv.faces.box import FaceBox
from deepfake_adv.faces.size import MAX_PIXELS, check_size, to_size
from deepfake_adv.params.base import Section


class Locator(ABC):
    """Finds the faces of a picture.

    A subclass defines `find`, which receives a picture of the right size and returns boxes in that picture's pixels.

    Attributes:
        searches: Whether it looks at what the picture shows; if not, it finds a face in anything.
        gray: Whether `find` receives ``(H, W)`` gray pictures instead of ``(H, W, 3)`` RGB.
        tiny: Arguments of the smallest forms, for the tests that every locator passes.
        params: Its `Params`, read from the arguments.
        scale: Factor by which pictures are scaled.

    Args:
        scale: Factor by which a picture is scaled first; `locate.policy` decides it.
        max_pixels: A larger picture is first shrunk to this area; `locate.max_pixels`.
        given: Fields of `Params`; what is left out has its default.

    Raises:
        ValueError: If an argument is unknown or out of range.
    """

    class Params(Section):
        """Keys of `locate.backend` besides its name. Settings of all locators are keys of `locate`."""

    params: Any
    searches: ClassVar[bool] = True
    gray: ClassVar[bool] = False
    tiny: ClassVar[tuple[Mapping[str, Any], ...]] = ({},)

    @classmethod  # noqa: B027
    def at_hand(cls) -> None:
        """Look for what loading takes, files and packages, without loading it: the inventory asks, hours before.

        Raises:
            FileNotFoundError: If a file is not at hand.
            RuntimeError: If a package is not installed.
        """

    def __init__(self, *, scale: float = 1.0, max_pixels: int = MAX_PIXELS, **given: Any) -> None:
        check_size(scale, max_pixels)
        self.params = self.Params.read(given)
        self.scale, self.max_pixels = scale, max_pixels

    def __call__(self, rgb: NDArray[np.uint8]) -> list[FaceBox]:
        """The faces of ``(H, W, 3)`` uint8 RGB, in its own pixels, the most confident first."""
        picture = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8) if self.gray else rgb
        picture, up = to_size(picture, self.scale, self.max_pixels)
        found = sorted(self.find(picture), key=lambda box: -box.confidence)
        return [FaceBox(up * x0, up * y0, up * x1, up * y1, sure) for x0, y0, x1, y1, sure in found]

    @abstractmethod
    def find(self, picture: NDArray[np.uint8]) -> list[FaceBox]:
        """The faces of a picture of the right size, in its pixels, in any order."""


class Landmarker(ABC):
    """Gives 68 facial points in the iBUG order.

    Attributes:
        tiny: Arguments of the smallest forms, for the tests that every landmark model passes.
        params: Its `Params`, read from the arguments.

    Args:
        given: Fields of `Params`; what is left out has its default.

    Raises:
        ValueError: If an argument is unknown or out of range.
    """

    class Params(Section):
        """Keys of `locate.landmarks` besides its name."""

    params: Any
    tiny: ClassVar[tuple[Mapping[str, Any], ...]] = ({},)

    @classmethod  # noqa: B027
    def at_hand(cls) -> None:
        """Look for what loading takes, files and packages, without loading it: the inventory asks, hours before.

        Raises:
            FileNotFoundError: If a file is not at hand.
            RuntimeError: If a package is not installed.
        """

    def __init__(self, **given: Any) -> None:
        self.params = self.Params.read(given)

    @abstractmethod
    def __call__(self, rgb: NDArray[np.uint8], box: FaceBox) -> NDArray[np.float32]:
        """Points of one face.

        Args:
            rgb: ``(H, W, 3)`` uint8.
            box: The face.

        Returns:
            ``(68, 2)`` float32: x and y in frame pixels.
        """
