"""The gradient-domain blend against a sparse solve of the whole picture, and its rim."""

import cv2
import numpy as np
import pytest
from scipy import sparse
from scipy.sparse.linalg import spsolve

from deepfake_adv.methods.sladd.poisson import poisson

SIZE = 40


def smooth(seed: int) -> np.ndarray:
    coarse = np.random.default_rng(seed).uniform(0.25, 0.75, (6, 6, 3)).astype(np.float32)
    return cv2.resize(coarse, (SIZE, SIZE), interpolation=cv2.INTER_LINEAR)


def blob(wide: bool = True) -> np.ndarray:
    mask = np.zeros((SIZE, SIZE), np.float32)
    cv2.ellipse(mask, (20, 17), (12, 7) if wide else (7, 12), 20, 0, 360, 1, thickness=-1)
    mask[15:18, 18:21] = 0  # a hole
    mask[34:36, 5:9] = 1  # and a piece of its own
    return mask


def slow(face: np.ndarray, image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Every pixel an unknown: outside the image's value, inside the face's four differences."""
    inside, size = mask > 0.5, mask.shape[1]
    matrix, wanted = sparse.lil_matrix((mask.size, mask.size)), np.zeros((mask.size, 3))
    for y, x in np.ndindex(mask.shape):
        row = y * size + x
        matrix[row, row] = 4 if inside[y, x] else 1
        wanted[row] = 0 if inside[y, x] else image[y, x]
        for v, u in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)) if inside[y, x] else ():
            matrix[row, v * size + u] = -1
            wanted[row] += face[y, x].astype(np.float64) - face[v, u]
    return np.column_stack([spsolve(matrix.tocsr(), channel) for channel in wanted.T]).reshape(image.shape)


@pytest.mark.parametrize("wide", [True, False])
def test_the_blend_is_the_sparse_solution(wide: bool) -> None:
    blended = poisson(smooth(1), smooth(0), blob(wide))
    assert blended.dtype == np.float32
    np.testing.assert_allclose(blended, slow(smooth(1), smooth(0), blob(wide)).clip(0, 1), atol=1e-6)


def step_across_rim(picture: np.ndarray, mask: np.ndarray) -> float:
    """Mean difference of neighbours of which one is inside, in levels of 255."""
    inside = mask > 0.5
    down, across = inside[1:] != inside[:-1], inside[:, 1:] != inside[:, :-1]
    steps = [abs(np.diff(picture, axis=0))[down], abs(np.diff(picture, axis=1))[across]]
    return 255 * float(np.concatenate(steps).mean())


def test_no_edge_is_left_at_the_rim() -> None:
    face, image, mask = smooth(1), smooth(0), blob()
    own, theirs = step_across_rim(image, mask), step_across_rim(face, mask)
    pasted = np.where(mask[..., None] > 0.5, face, image)
    assert step_across_rim(pasted, mask) > 4 * max(own, theirs)
    assert step_across_rim(poisson(face, image, mask), mask) < 1.5 * max(own, theirs)


def test_it_keeps_its_place_and_the_outside() -> None:
    image, mask = smooth(0), blob()
    np.testing.assert_allclose(poisson(image, image, mask), image, atol=1e-6)  # a shift would show here
    changed = poisson(smooth(1), image, mask)
    assert np.array_equal(changed[mask == 0], image[mask == 0])
    assert not np.allclose(changed[mask > 0], image[mask > 0], atol=2 / 255)


def test_an_empty_mask_leaves_the_image() -> None:
    image = smooth(0)
    assert poisson(smooth(1), image, np.zeros((SIZE, SIZE), np.float32)) is image


def test_the_images_border_stays() -> None:
    image, mask = smooth(0), np.ones((SIZE, SIZE), np.float32)
    blended = poisson(smooth(1), image, mask)
    border = np.ones((SIZE, SIZE), np.bool_)
    border[1:-1, 1:-1] = False
    assert np.array_equal(blended[border], image[border])
    mask[border] = 0
    np.testing.assert_allclose(blended, slow(smooth(1), image, mask).clip(0, 1), atol=1e-6)


def test_it_takes_the_faces_differences_and_the_images_level() -> None:
    np.testing.assert_allclose(poisson(smooth(0) + 0.1, smooth(0), blob()), smooth(0), atol=1e-6)
    single = np.zeros((SIZE, SIZE), np.float32)
    single[20, 20] = 1
    face, image = smooth(1), smooth(0)
    neighbours = ((19, 20), (21, 20), (20, 19), (20, 21))
    expected = np.mean([image[place] + face[20, 20] - face[place] for place in neighbours], axis=0)
    np.testing.assert_allclose(poisson(face, image, single)[20, 20], expected, atol=1e-6)
