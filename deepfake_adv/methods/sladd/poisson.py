"""Gradient-domain blending (Perez et al. 2003), solved exactly on the mask."""

import cv2
import numpy as np

from deepfake_adv.methods.sladd.regions import FloatArray


def poisson(face: FloatArray, image: FloatArray, mask: FloatArray) -> FloatArray:
    """The face's differences between neighbours within the mask, the image's values on its rim.

    The rim is the pixels outside the mask that touch it; there the image stays as it is, so that no edge is left
    (Dirichlet's condition). What is added to the image is then ``c - h`` with ``c = face - image`` and h the harmonic
    function that equals c on the rim: a banded system, because pixels are counted along the mask's shorter side, and
    solved by Cholesky's method. (The seed calls OpenCV's seamlessClone, which reads memory that it has not written: as
    of 5.0 two calls give two pictures, up to 37 levels apart.)

    Args:
        face: ``(H, W, 3)`` in [0, 1].
        image: ``(H, W, 3)`` in [0, 1].
        mask: ``(H, W)``; the face goes where it is above .5, but for the image's outermost pixels.

    Returns:
        ``(H, W, 3)`` float32 in [0, 1], the image itself where the mask is empty.
    """
    inside = mask > 0.5
    inside[[0, -1]], inside[:, [0, -1]] = False, False  # the image's border has no rim around it
    if not inside.any():
        return image
    left, top, width, height = cv2.boundingRect(inside.astype(np.uint8))
    area = np.s_[top - 1 : top + height + 1, left - 1 : left + width + 1]
    within, change = inside[area], face[area].astype(np.float64) - image[area]
    turned = width > height
    if turned:
        within, change = within.T, change.swapaxes(0, 1)
    added = np.zeros_like(change)
    added[within] = _solved(change, within)
    blended = image.copy()
    blended[area] += added.swapaxes(0, 1) if turned else added
    return np.clip(blended, 0, 1).astype(np.float32)


def _solved(change: FloatArray, within: FloatArray) -> FloatArray:
    """Solution ``(N, 3)`` at the N pixels ``within``: 0 at every other, and with the Laplacian of ``change``."""
    from scipy.linalg import solveh_banded  # SciPy takes 0.4 s to import, for one method

    rows, columns = np.nonzero(within)
    count = len(rows)
    number = np.full(within.shape, -1)
    number[within] = np.arange(count)
    wanted = 4 * change[rows, columns]
    for down, across in ((-1, 0), (1, 0), (0, -1), (0, 1)):
        wanted -= change[rows + down, columns + across]
    below, beside = number[rows + 1, columns], number[rows, columns + 1]
    reach = max(0, *(int((neighbour - np.arange(count)).max()) for neighbour in (below, beside)))
    band = np.zeros((reach + 1, count), order="F")  # row k: what each pixel has to do with the one k further on
    band[0] = 4
    for neighbour in (below, beside):
        linked = np.flatnonzero(neighbour >= 0)
        band[neighbour[linked] - linked, linked] = -1
    solution: FloatArray = solveh_banded(band, wanted, lower=True, overwrite_ab=True, overwrite_b=True)
    return solution
