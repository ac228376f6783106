"""A decoder's traces: shares of frequency bands, and noise that differs per frame and is equal in every build."""

import numpy as np
import pytest

from deepfake_adv.corpus.forge.decoder import add_fingerprint, lose_detail, rng_of

SIZE = (37, 50, 3)


def picture(seed=0):
    return np.random.default_rng(seed).uniform(0, 255, SIZE).astype(np.float32)


def smoothing(image):
    """Means of 2 x 2 blocks, enlarged by hand: 3/4 of the nearer block and 1/4 of the next, in each direction."""
    height, width = image.shape[0] // 2, image.shape[1] // 2
    half = image.reshape(height, 2, width, 2, 3).mean((1, 3), dtype=np.float64)
    padded = np.pad(half, ((1, 1), (1, 1), (0, 0)), mode="edge")
    out = np.empty(image.shape)
    for row in range(2):
        for column in range(2):
            near, far = padded[1:-1, 1:-1], (2 * row, 2 * column)
            down = padded[far[0] : far[0] + height, 1:-1]
            right = padded[1:-1, far[1] : far[1] + width]
            across = padded[far[0] : far[0] + height, far[1] : far[1] + width]
            out[row::2, column::2] = 0.5625 * near + 0.1875 * (down + right) + 0.0625 * across
    return half, out


@pytest.mark.parametrize(("middle", "detail"), [(0.75, 0.3), (1.0, 0.4), (0.0, 0.0)])
def test_shares_of_two_bands_are_kept(middle, detail):
    image = picture()[:36, :48]
    half, s1 = smoothing(image)
    s2 = smoothing_of(smoothing(half)[1])
    expected = s2 + middle * (s1 - s2) + detail * (image - s1)
    np.testing.assert_allclose(lose_detail(image, middle=middle, detail=detail), expected, atol=2e-3)


def smoothing_of(half):
    """`half` enlarged once."""
    return smoothing(np.repeat(np.repeat(half, 2, 0), 2, 1))[1]


def test_all_of_it_is_the_picture_and_a_flat_one_stays():
    np.testing.assert_allclose(lose_detail(picture(), middle=1.0, detail=1.0), picture(), atol=1e-3)
    flat = np.full(SIZE, 90, np.float32)
    np.testing.assert_allclose(lose_detail(flat, middle=0.2, detail=0.1), flat, atol=1e-3)


def test_the_fingerprint_is_white_gray_and_of_its_strength():
    flat = np.zeros((128, 128, 3), np.float32)
    noise = add_fingerprint(flat, rng_of(np.zeros((68, 2)), 0), 3.0)
    assert noise.std() == pytest.approx(3.0, rel=0.03)
    np.testing.assert_array_equal(noise[..., 0], noise[..., 1])
    np.testing.assert_array_equal(noise[..., 0], noise[..., 2])
    power = np.abs(np.fft.fft2(noise[..., 0])) ** 2
    low, high = power[:16, :16].mean(), power[48:80, 48:80].mean()
    assert 0.7 < low / high < 1.4


def test_it_is_new_in_each_frame_and_fixed_by_the_clip():
    points = np.random.default_rng(0).uniform(10, 150, (68, 2))
    flat = np.zeros((16, 16, 3), np.float32)
    first, again, later, other = (
        add_fingerprint(flat, rng_of(which, moment), 1.0)
        for which, moment in ((points, 0), (points + 1e-9, 0), (points, 1), (points + 1, 0))
    )
    np.testing.assert_array_equal(first, again)
    for noise in (later, other):
        assert abs(np.corrcoef(first[..., 0].ravel(), noise[..., 0].ravel())[0, 1]) < 0.25
